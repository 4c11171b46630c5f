//! Formats and limits of texts in requests.

use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
use crate::pages::*;
use crate::sending::established;

const INVITE: &str = "/ucwa/oauth/v1/applications/102/communication/messagingInvitations";

/// The content type and the body of a message in a chat with these formats.
fn sent(formats: Value, body: MessageBody) -> (String, String) {
    let mut driver = established();
    let mut chat_event = messaging("21a1", "Connected");
    chat_event["_embedded"]["messaging"]["negotiatedMessageFormats"] = formats;
    driver.page(senders("21a1", vec![(true, chat_event)]));
    driver.submit(message(body));
    let request = driver.take(
        "POST",
        &format!("{}/messaging/messages", conversation_href("21a1")),
    );
    let content_type = request.request.headers()["content-type"].to_str().unwrap();
    (content_type.to_owned(), request.body())
}

fn message(body: MessageBody) -> Operation {
    Operation::SendMessage {
        conversation: chat(),
        message: MessageKey::Local(1),
        body,
        subject: None,
        message_id: None,
    }
}

#[test]
fn a_message_is_sent_in_a_negotiated_format() {
    let html = || MessageBody::Html("<b>you &amp; me</b>".to_owned());
    let text = || MessageBody::Text("1 < 2".to_owned());
    let plain = |body: &str| ("text/plain; charset=utf-8".to_owned(), body.to_owned());
    let rich = |body: &str| ("text/html; charset=utf-8".to_owned(), body.to_owned());
    for (formats, from_html, from_text) in [
        (json!(["Plain"]), plain("you & me"), plain("1 < 2")),
        (
            json!(["Plain", "Html"]),
            rich("<b>you &amp; me</b>"),
            plain("1 < 2"),
        ),
        (
            json!(["Html"]),
            rich("<b>you &amp; me</b>"),
            rich("1 &lt; 2"),
        ),
        (Value::Null, plain("you & me"), plain("1 < 2")),
    ] {
        assert_eq!(sent(formats.clone(), html()), from_html, "{formats}");
        assert_eq!(sent(formats.clone(), text()), from_text, "{formats}");
    }
}

#[test]
fn an_invitation_carries_html_only_if_this_client_declared_it() {
    for (formats, expected) in [
        (
            json!(["Plain", "Html"]),
            "data:text/html;base64,PGI+SGk8L2I+",
        ),
        (json!(["Plain"]), "data:text/plain;base64,SGk="),
        (Value::Null, "data:text/plain;base64,SGk="),
    ] {
        let mut driver = TestDriver::signed_in_to(|fresh| {
            let mut application = application(fresh);
            application["_embedded"]["communication"]["supportedMessageFormats"] = formats.clone();
            application
        });
        driver.submit(Operation::OpenConversation {
            conversation: chat(),
            participant: peer(),
            peer: "sip:lenea@contoso.com".to_owned(),
        });
        driver.submit(message(MessageBody::Html("<b>Hi</b>".to_owned())));
        let request = driver.take("POST", INVITE).json();
        assert_eq!(request["_links"]["message"]["href"], expected, "{formats}");
    }
}

#[test]
fn an_invitation_carries_its_texts_in_base64_or_percent_encoded() {
    for (encoding, plain, html, custom) in [
        (
            DataUriEncoding::Base64,
            "data:text/plain;base64,SMOpIDErMQ==",
            "data:text/html;base64,PGI+SMOpPC9iPg==",
            "data:application/json;v=1;base64,eyJhIjogMX0=",
        ),
        (
            DataUriEncoding::Percent,
            "data:text/plain;charset=utf-8,H%C3%A9%201%2B1",
            "data:text/html;charset=utf-8,%3Cb%3EH%C3%A9%3C%2Fb%3E",
            "data:application/json;v=1,%7B%22a%22%3A%201%7D",
        ),
    ] {
        let invitation = |operation: Operation| {
            let mut config = TestDriver::config();
            config.data_uris = encoding;
            let mut driver = TestDriver::new(config);
            driver.submit(Operation::SignIn(TestDriver::credentials()));
            driver.discover();
            driver.create_this_application(|fresh| {
                let mut application = application(fresh);
                application["_embedded"]["communication"]["supportedMessageFormats"] =
                    json!(["Plain", "Html"]);
                application
            });
            driver.submit(Operation::OpenConversation {
                conversation: chat(),
                participant: peer(),
                peer: "sip:lenea@contoso.com".to_owned(),
            });
            driver.submit(operation);
            driver.take("POST", INVITE).json()["_links"].clone()
        };
        let links = invitation(message(MessageBody::Text("H\u{e9} 1+1".to_owned())));
        assert_eq!(links["message"]["href"], plain);
        let links = invitation(message(MessageBody::Html("<b>H\u{e9}</b>".to_owned())));
        assert_eq!(links["message"]["href"], html);
        let links = invitation(Operation::StartChat {
            conversation: chat(),
            subject: None,
            context: Some(CustomContent::new(
                "application/json;v=1".to_owned(),
                "{\"a\": 1}".to_owned(),
            )),
        });
        assert_eq!(links["customContent"]["href"], custom);
    }
}

#[test]
fn a_subject_has_at_most_250_utf_16_code_units() {
    // Each of these characters takes two code units.
    for (subject, fits) in [
        ("\u{1f355}".repeat(125), true),
        ("\u{1f355}".repeat(126), false),
    ] {
        let mut driver = TestDriver::with_conversation();
        let ticket = driver.submit(Operation::StartChat {
            conversation: chat(),
            subject: Some(subject),
            context: None,
        });
        assert_eq!(driver.is_sent("POST", INVITE), fits);
        if !fits {
            assert_eq!(driver.failure(ticket).kind(), &FailureKind::InvalidArgument);
            assert!(matches!(
                driver.changes(chat()).last(),
                Some(ConversationChange::Ended {
                    failure: Some(_),
                    ..
                })
            ));
            // The subject that was too long is not used again.
            driver.send(2, "Hello");
            assert!(driver.take("POST", INVITE).json()["subject"].is_null());
        }
    }
}

#[test]
fn a_message_with_a_subject_that_is_too_long_fails_without_being_sent() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.submit(Operation::SendMessage {
        conversation: chat(),
        message: MessageKey::Local(1),
        body: MessageBody::Text("Hello".to_owned()),
        subject: Some("x".repeat(251)),
        message_id: None,
    });
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::InvalidArgument);
    assert_eq!(
        driver.delivery_results(chat()),
        [(MessageKey::Local(1), MessageStatus::Failed)]
    );
    assert!(!driver.is_sent("POST", ""));
}

#[test]
fn names_in_an_application_have_at_most_100_utf_16_code_units() {
    type Set = fn(&mut SessionConfig, String);
    let names: [Set; 3] = [
        |config, name| config.culture = name,
        |config, name| config.user_agent = name,
        |config, name| config.endpoint_id = Some(name),
    ];
    for (set, length) in names.into_iter().flat_map(|set| [(set, 100), (set, 101)]) {
        let mut config = TestDriver::config();
        set(&mut config, "x".repeat(length));
        let mut driver = TestDriver::new(config);
        let ticket = driver.submit(Operation::SignIn(TestDriver::credentials()));
        if length == 100 {
            assert!(driver.is_sent("GET", "/"));
        } else {
            assert_eq!(driver.failure(ticket).kind(), &FailureKind::InvalidArgument);
            assert!(driver.sent.is_empty());
        }
    }
}
