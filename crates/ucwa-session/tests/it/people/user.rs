//! The user's own presence, note and location.

use serde_json::{Value, json};
use ucwa_session::*;

use super::*;

#[test]
fn a_status_takes_effect_when_the_server_has_accepted_it() {
    let mut driver = signed_in_with_people();
    let ticket = driver.submit(Operation::SetMe(MeChange::Status(
        PersonStatus::BeRightBack,
    )));
    let sent = driver.take("POST", &format!("{APP}/me/presence"));
    assert_eq!(sent.json(), json!({"availability": "BeRightBack"}));
    assert_eq!(driver.result(ticket), None);
    assert!(driver.events.is_empty());
    driver.respond(sent.id, answer(204, Value::Null));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(statuses(&mut driver, ME), [PersonStatus::BeRightBack]);

    let refused = driver.submit(Operation::SetMe(MeChange::Status(PersonStatus::Busy)));
    let body = json!({"code": "Conflict", "subcode": "MakeMeAvailableRequired"});
    driver.reply("POST", &format!("{APP}/me/presence"), 409, body);
    assert_eq!(
        driver.failure(refused).subcode(),
        Some("MakeMeAvailableRequired")
    );
    assert!(statuses(&mut driver, ME).is_empty());
}

#[test]
fn only_choosable_statuses_are_sent() {
    for (status, word) in [
        (PersonStatus::Online, Some("Online")),
        (PersonStatus::Busy, Some("Busy")),
        (PersonStatus::DoNotDisturb, Some("DoNotDisturb")),
        (PersonStatus::BeRightBack, Some("BeRightBack")),
        (PersonStatus::Away, Some("Away")),
        (PersonStatus::Offline, None),
        (PersonStatus::Hidden, None),
        (PersonStatus::Idle, None),
        (PersonStatus::Unknown, None),
    ] {
        let mut driver = signed_in_with_people();
        let ticket = driver.submit(Operation::SetMe(MeChange::Status(status)));
        match word {
            Some(word) => {
                let sent = driver.take("POST", &format!("{APP}/me/presence"));
                assert_eq!(sent.json()["availability"], word);
            }
            None => {
                assert_eq!(*driver.failure(ticket).kind(), FailureKind::InvalidArgument);
                assert!(!driver.is_sent("POST", APP));
            }
        }
    }
}

#[test]
fn note_and_location_have_limits() {
    let mut driver = signed_in_with_people();
    for (change, fits) in [
        (MeChange::Note("\u{e9}".repeat(500)), true),
        (MeChange::Note("x".repeat(501)), false),
        (MeChange::Location("\u{1f600}".repeat(30)), true),
        (MeChange::Location("\u{1f600}".repeat(31)), false),
    ] {
        let ticket = driver.submit(Operation::SetMe(change));
        assert_eq!(driver.result(ticket).is_none(), fits);
    }
}

#[test]
fn changes_of_one_resource_are_sent_in_order() {
    let mut driver = signed_in_with_people();
    let note = format!("{APP}/me/note");
    let first = driver.submit(Operation::SetMe(MeChange::Note("one".to_owned())));
    let second = driver.submit(Operation::SetMe(MeChange::Note("two".to_owned())));
    driver.submit(Operation::SetMe(MeChange::Location("Aarhus".to_owned())));
    let sent = driver.take("POST", &note);
    assert_eq!(sent.json(), json!({"message": "one"}));
    assert!(!driver.is_sent("POST", &note));
    let place = driver.take("POST", &format!("{APP}/me/location"));
    assert_eq!(place.json(), json!({"location": "Aarhus"}));
    driver.respond(sent.id, answer(204, Value::Null));
    assert_eq!(driver.result(first), Some(&Ok(Outcome::Done)));
    driver.reply("POST", &note, 204, Value::Null);
    assert_eq!(driver.result(second), Some(&Ok(Outcome::Done)));
    let kind = NoteKind::Personal;
    let notes = ["one", "two"].map(|text| PersonFact::Note(Some(Note::new(kind, text))));
    assert_eq!(facts(&mut driver, ME), notes);
}

#[test]
fn a_reset_has_no_body_and_is_read_back() {
    for (change, rel, body, fact) in [
        (
            MeChange::ResetStatus,
            "presence",
            json!({"rel": "presence", "availability": "Online"}),
            PersonFact::Status(PersonStatus::Online),
        ),
        (
            MeChange::ResetNote,
            "note",
            json!({"rel": "note"}),
            PersonFact::Note(None),
        ),
        (
            MeChange::ResetLocation,
            "location",
            json!({"rel": "location", "location": ""}),
            PersonFact::Location(None),
        ),
    ] {
        let mut driver = signed_in_with_people();
        let ticket = driver.submit(Operation::SetMe(change));
        let href = format!("{APP}/me/{rel}");
        let sent = driver.take("POST", &href);
        assert!(sent.request.body().is_empty());
        driver.respond(sent.id, answer(204, Value::Null));
        driver.advance(SECOND);
        assert_eq!(driver.result(ticket), None, "the new value is unknown");
        driver.reply("GET", &href, 200, body);
        assert_eq!(facts(&mut driver, ME).first(), Some(&fact));
        assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    }
}

#[test]
fn a_reset_succeeds_although_it_cannot_be_read_back() {
    let mut driver = signed_in_with_people();
    let href = format!("{APP}/me/note");
    // A read that is in flight may return the old value.
    let fetch = driver.submit(fetch(ME, PersonField::Note));
    driver.advance(SECOND);
    let before = driver.take("GET", &href);
    let ticket = driver.submit(Operation::SetMe(MeChange::ResetNote));
    driver.reply("POST", &href, 204, Value::Null);
    let note = json!({"rel": "note", "message": "old", "type": "Personal"});
    driver.respond(before.id, answer(200, note));
    assert_eq!(driver.result(fetch), Some(&Ok(Outcome::Done)));
    assert_eq!(driver.result(ticket), None);
    driver.advance(SECOND);
    driver.reply("GET", &href, 403, json!({"code": "Forbidden"}));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
}

#[test]
fn without_a_link_a_change_fails() {
    let mut driver = TestDriver::signed_in();
    let ticket = driver.submit(Operation::SetMe(MeChange::ResetNote));
    assert_eq!(*driver.failure(ticket).kind(), FailureKind::WrongState);
    let ticket = driver.submit(search("lene"));
    assert_eq!(*driver.failure(ticket).kind(), FailureKind::WrongState);
}

#[test]
fn changes_by_other_endpoints_are_read_if_followed() {
    let mut driver = signed_in_with_people();
    let changed = |rel: &str| {
        json!([{"rel": "me", "href": format!("{APP}/me"), "events": [
            {"type": "updated", "link": {"rel": rel, "href": format!("{APP}/me/{rel}")}}]}])
    };
    driver.page(changed("note"));
    driver.advance(SECOND);
    assert_eq!(driver.sent.len(), 1, "the pending GET only");
    driver.submit(follow(ME, PersonField::Note, Interest::Live));
    driver.advance(SECOND);
    let note = |text: &str| json!({"rel": "note", "message": text, "type": "Personal"});
    driver.reply("GET", &format!("{APP}/me/note"), 200, note("one"));
    driver.page(changed("note"));
    driver.advance(SECOND);
    driver.reply("GET", &format!("{APP}/me/note"), 200, note("two"));
    assert_eq!(facts(&mut driver, ME).len(), 2);
    assert!(
        !driver.is_sent("POST", APP),
        "the user needs no subscription"
    );
    let card = driver.submit(fetch(ME, PersonField::Office));
    driver.advance(SECOND);
    let me = json!({"rel": "me", "uri": ME, "name": "Tosh Meston", "officeLocation": "5/1380",
                    "_links": {"self": {"href": format!("{APP}/me")}}});
    driver.reply("GET", &format!("{APP}/me"), 200, me);
    assert_eq!(driver.result(card), Some(&Ok(Outcome::Done)));
    assert!(facts(&mut driver, ME).contains(&PersonFact::Office(Some("5/1380".to_owned()))));
}

#[test]
fn missing_links_of_the_user_are_read() {
    let mut driver = TestDriver::signed_in();
    driver.page(
        json!([{"rel": "me", "href": format!("{APP}/me"), "events": [
        {"type": "updated", "link": {"rel": "me", "href": format!("{APP}/me")}}]}]),
    );
    driver.advance(SECOND);
    let me = with_people(false)["_embedded"]["me"].clone();
    driver.reply("GET", &format!("{APP}/me"), 200, me);
    driver.submit(Operation::SetMe(MeChange::ResetStatus));
    assert!(driver.is_sent("POST", &format!("{APP}/me/presence")));
}

#[test]
fn notes_and_locations_are_not_logged() {
    let note = Note::new(NoteKind::Personal, "secret".to_owned());
    let shown = format!(
        "{:?} {:?} {:?}",
        Operation::SetMe(MeChange::Note("secret".to_owned())),
        Operation::SetMe(MeChange::Location("secret".to_owned())),
        PersonFact::Note(Some(note)),
    );
    assert!(!shown.contains("secret"), "{shown}");
}
