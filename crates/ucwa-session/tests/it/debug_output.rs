//! Debug output: it identifies a value, and shows no secret and no text that a user wrote.

use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use serde_json::json;
use ucwa_session::*;

use crate::driver::{Request, TestDriver, answer};

#[test]
fn a_private_text_is_shown_as_its_length() {
    let other = MessageBody::other("multipart/mixed", "secret");
    let content = CustomContent::new("a/b", "secret");
    let note = Note::new(NoteKind::Personal, "secret");
    let shown: [(&dyn Debug, &str); 9] = [
        (&MessageBody::Text("secret".into()), "Text(6 bytes)"),
        (&MessageBody::Html("secret".into()), "Html(6 bytes)"),
        (&other, "Other(multipart/mixed, 6 bytes)"),
        (&content, "CustomContent(a/b, 6 bytes)"),
        (&note, "Note(Personal, 6 bytes)"),
        (
            &PersonFact::Location(Some("secret".into())),
            "Location(6 bytes)",
        ),
        (
            &PersonFact::Note(Some(note.clone())),
            "Note(Some(Note(Personal, 6 bytes)))",
        ),
        (&MeChange::Note("secret".into()), "Note(6 bytes)"),
        (&MeChange::Location("secret".into()), "Location(6 bytes)"),
    ];
    for (value, expected) in shown {
        assert_eq!(format!("{value:?}"), expected);
    }
}

#[test]
fn a_change_of_the_users_own_data_without_a_text_is_shown_whole() {
    let shown = [
        (MeChange::Status(PersonStatus::Busy), "Status(Busy)"),
        (MeChange::ResetStatus, "ResetStatus"),
        (MeChange::ResetNote, "ResetNote"),
        (MeChange::ResetLocation, "ResetLocation"),
    ];
    for (value, expected) in shown {
        assert_eq!(format!("{value:?}"), expected);
    }
}

#[test]
fn credentials_are_shown_by_their_address() {
    let sip_uri = || "sip:toshm@contoso.com".to_owned();
    let password = Credentials::Password {
        sip_uri: sip_uri(),
        user_name: Some("CONTOSO\\tosh".into()),
        password: "secret".into(),
    };
    let anonymous = Credentials::AnonymousMeeting {
        conference_uri: "sip:lenea@contoso.com;gruu;opaque=app:conf:focus:id:7".into(),
        display_name: "Guest".into(),
        key: Some("secret".into()),
    };
    let shown = [
        (password, "Password { sip:toshm@contoso.com, .. }"),
        (
            Credentials::Windows { sip_uri: sip_uri() },
            "Windows { sip:toshm@contoso.com }",
        ),
        (
            Credentials::Passive { sip_uri: sip_uri() },
            "Passive { sip:toshm@contoso.com }",
        ),
        (
            anonymous,
            "AnonymousMeeting { sip:lenea@contoso.com;gruu;opaque=app:conf:focus:id:7, .. }",
        ),
        (
            Credentials::Bearer { sip_uri: sip_uri() },
            "Bearer { sip:toshm@contoso.com }",
        ),
    ];
    for (credentials, expected) in shown {
        assert_eq!(format!("{credentials:?}"), expected);
    }
}

#[test]
fn an_input_is_shown_without_its_body() {
    let request = exchange().id;
    let number = number(request);
    let input = |result| Input::Response {
        id: request,
        result,
    };
    let failure = TransportFailure::new(
        TransportFailureKind::Broken,
        "wait",
        "lync.contoso.com",
        Sent::Maybe,
        "connection reset",
    );
    let shown = [
        (
            input(Ok(answer(200, json!("secret")))),
            format!("Response({number}, 200 OK, 8 bytes)"),
        ),
        (
            input(Err(failure)),
            format!("Response({number}, connection reset (wait, lync.contoso.com))"),
        ),
        (
            Input::WallClock(SystemTime::UNIX_EPOCH),
            format!("WallClock({:?})", SystemTime::UNIX_EPOCH),
        ),
        (Input::Timeout, "Timeout".into()),
        (Input::Shutdown, "Shutdown".into()),
    ];
    for (input, expected) in shown {
        assert_eq!(format!("{input:?}"), expected);
    }
}

#[test]
fn a_session_is_shown_by_its_phase() {
    let mut session = Session::new(TestDriver::config());
    assert_eq!(format!("{session:?}"), "Session { phase: Fresh, .. }");
    session.submit(
        Duration::ZERO,
        Ticket(1),
        Operation::SignIn(TestDriver::credentials()),
    );
    assert_eq!(format!("{session:?}"), "Session { phase: Entering, .. }");
}

/// The first request of a sign-in.
fn exchange() -> Request {
    let mut driver = TestDriver::new(TestDriver::config());
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.take("GET", "/")
}

/// The number in the ID of an exchange.
fn number(id: RequestId) -> String {
    let shown = format!("{id:?}");
    let number = shown.trim_start_matches("RequestId(");
    number.trim_end_matches(')').to_owned()
}
