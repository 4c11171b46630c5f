//! Debug output contains no messages and secrets.

use ucwa_proto::{
    EventPage, FromResource, Limits, Representation, Resource, TokenResponse, Value,
    batch::{Request, Response},
    resources::{ConversationLog, Message, NoteInput},
};

const SECRET: &str = "SECRET";

#[track_caller]
fn hides(value: &dyn std::fmt::Debug) {
    let shown = format!("{value:?} {value:#?}");
    assert!(!shown.contains(SECRET), "{shown}");
}

#[test]
fn nothing_is_shown() {
    let message = Resource::new("message")
        .with_link("plainMessage", format!("data:text/plain,{SECRET}"))
        .with_link("htmlMessage", format!("DATA:text/html;base64,{SECRET}"));
    hides(&message);
    hides(&Message::from_resource(&message).unwrap());
    let log = Resource::new("conversationLog").with_property("previewMessage", SECRET);
    hides(&log);
    hides(&ConversationLog::from_resource(&log).unwrap());
    hides(&NoteInput {
        message: Some(SECRET.into()),
    });
    hides(&Value::from(format!("data:text/plain,{SECRET}")));
    hides(&Value::Object(vec![("token".into(), SECRET.into())]));
    let body = format!(r#"{{"access_token":"{SECRET}"}}"#);
    hides(&TokenResponse::decode(body.as_bytes(), &Limits::default()).unwrap());
    hides(
        &Request::new("POST", "/x")
            .with_header("Authorization", SECRET)
            .with_body(SECRET.as_bytes()),
    );
    hides(&Response::new(200, "OK").with_body(SECRET.as_bytes()));
    hides(&Request::encode_batch(
        &[Request::new("POST", "/x").with_body(SECRET.as_bytes())],
        "s",
    ));
}

#[test]
fn errors_and_malformed_resources_quote_nothing() {
    for body in [
        format!("{{\"a\":\"{SECRET}\",}}"),
        format!("\"{SECRET}\""),
        format!("{{\"_links\":\"{SECRET}\"}}"),
        format!("<{SECRET}"),
    ] {
        for representation in [Representation::Json, Representation::Xml] {
            let error =
                Resource::decode(body.as_bytes(), representation, &Limits::default()).unwrap_err();
            hides(&error);
            assert!(!error.to_string().contains(SECRET));
        }
    }
    let body = format!(
        r#"{{"sender":[{{"events":[{{"type":"added","link":{{"rel":"message"}},"_embedded":{{"message":"{SECRET}"}}}}]}}]}}"#
    );
    hides(&EventPage::decode(body.as_bytes(), Representation::Json, &Limits::default()).unwrap());
}
