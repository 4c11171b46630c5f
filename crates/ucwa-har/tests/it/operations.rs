//! The operations of a user.

use std::time::Duration;

use ucwa_har::{OperationKind, Operations, RecordedSignIn, operations};

use crate::fixture::{edited, har};

fn of(name: &str) -> Operations {
    operations(&har(name)).unwrap()
}

fn kinds(name: &str) -> Vec<OperationKind> {
    of(name).operations.into_iter().map(|it| it.kind).collect()
}

#[test]
fn a_chat_has_its_operations_in_both_representations() {
    for name in ["outgoing-delivered-json", "outgoing-delivered-xml"] {
        let [invite, send, OperationKind::Leave, OperationKind::SignOut] = &kinds(name)[..] else {
            panic!("{name}: {:?}", kinds(name));
        };
        let OperationKind::Invite { to, message, .. } = invite else {
            panic!("{name}: {invite:?}");
        };
        assert_eq!(to.as_deref(), Some("sip:lenea@contoso.com"));
        let message = message.as_ref().unwrap();
        assert_eq!(message.text, "Hi Lene, have you got a minute?");
        let OperationKind::Send(message) = send else {
            panic!("{name}: {send:?}");
        };
        assert_eq!(message.text, "Lunch at noon? Bring the <plans> & a pen.");
        assert!(!message.is_html);
        // All belong to one conversation.
        let operations = of(name).operations;
        assert!(operations[0].conversation.contains("/conversations/"));
        assert_eq!(operations[0].conversation, operations[2].conversation);
        assert_eq!(operations[0].at, Duration::from_millis(3240));
    }
}

#[test]
fn an_invitation_has_its_sender_and_a_group_its_participant() {
    let kinds_of = kinds("incoming-accepted-xml");
    let lene = "sip:lenea@contoso.com".to_owned();
    assert_eq!(kinds_of[0], OperationKind::Accept(Some(lene)));
    let alex = OperationKind::Add("sip:alexd@contoso.com".to_owned());
    assert!(kinds("group-json").contains(&alex));
    assert!(kinds("typing-html-json").contains(&OperationKind::Type));
}

/// The application sends a message again after a 429 and after a 401.
#[test]
fn a_repeated_request_is_one_operation() {
    for name in ["busy-server-json", "token-renewal-xml"] {
        let sent = kinds(name);
        let sent = sent
            .iter()
            .filter(|it| matches!(it, OperationKind::Send(_)));
        assert_eq!(sent.count(), 1, "{name}");
    }
}

#[test]
fn the_client_is_that_of_the_recording() {
    let client = of("windows-account-xml").client;
    assert_eq!(client.sign_in, RecordedSignIn::Windows);
    assert_eq!(client.user.as_deref(), Some("sip:toshm@contoso.com"));
    assert!(client.is_xml);
    let client = of("browser-outgoing-json").client;
    assert_eq!(client.sign_in, RecordedSignIn::Password);
    assert_eq!(client.user_agent.as_deref(), Some("A page with a chat"));
    assert!(client.first_url.ends_with('/'), "{}", client.first_url);
}

/// After a lost application, the library makes the user available again and leaves the status out.
#[test]
fn the_first_request_for_availability_shows_whether_the_sign_in_keeps_the_status() {
    let har = har("lost-application-json");
    assert!(!operations(&har).unwrap().client.keeps_status);
    let without = edited(&har, r#"\"signInAs\":\"Online\","#, "");
    assert!(operations(&without).unwrap().client.keeps_status);
}

#[test]
fn requests_of_other_operations_are_listed() {
    let others = of("presence-search-json").others;
    let rels: Vec<&str> = others.iter().filter_map(|it| it.rel.as_deref()).collect();
    for rel in ["search", "presenceSubscriptions"] {
        assert!(rels.contains(&rel), "{rels:?}");
    }
    assert!(of("outgoing-delivered-json").others.is_empty());
}
