//! Reading and searching people.

use serde_json::{Value, json};
use ucwa_session::*;

use super::*;

#[test]
fn several_reads_of_one_resource_are_one_request() {
    let mut driver = acquainted();
    let fields = [
        PersonField::Status,
        PersonField::Activity,
        PersonField::Status,
        PersonField::EndpointType,
    ];
    let tickets = fields.map(|field| driver.submit(fetch("sip:LENEA@contoso.com", field)));
    assert!(
        !driver.is_sent("GET", APP) || driver.sent.len() == 1,
        "reads are collected before they are sent"
    );
    driver.advance(SECOND);
    let target = format!("{}/contactPresence", contact_href(282));
    let sent = driver.take("GET", &target);
    assert!(!driver.is_sent("GET", &target));
    // A further operation joins during the read.
    let late = driver.submit(fetch(LENE, PersonField::LastSeenAt));
    driver.advance(SECOND);
    assert!(!driver.is_sent("GET", &target));
    driver.respond(sent.id, answer(200, presence("IdleOnline")));
    for ticket in tickets.into_iter().chain([late]) {
        assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    }
    let facts = facts(&mut driver, LENE);
    assert_eq!(facts[0], PersonFact::Status(PersonStatus::Idle));
    assert_eq!(
        facts[1],
        PersonFact::Activity(Some("in-a-meeting".to_owned()))
    );
    assert!(matches!(facts[2], PersonFact::LastSeenAt(Some(_))));
    assert_eq!(facts[3], PersonFact::EndpointType(EndpointType::Mobile));
    // The next operation reads again: a presence is not cached.
    driver.submit(fetch(LENE, PersonField::Status));
    driver.advance(SECOND);
    assert!(driver.is_sent("GET", &target));
}

#[test]
fn reads_that_are_due_together_share_a_batch() {
    let mut driver = acquainted();
    let status = driver.submit(fetch(LENE, PersonField::Status));
    let note = driver.submit(fetch(LENE, PersonField::Note));
    let title = driver.submit(fetch(SARA, PersonField::Title));
    driver.advance(SECOND);
    let sent = driver.take("POST", &format!("{APP}/batch"));
    assert_eq!(
        targets(&sent),
        [
            format!("GET {}/contactPresence", contact_href(282)),
            format!("GET {}/contactNote", contact_href(282)),
            format!("GET {}", contact_href(647)),
        ]
    );
    let heads_down = json!({"rel": "contactNote", "message": "Heads down", "type": "OutOfOffice"});
    let parts = [
        (200, presence("DoNotDisturb")),
        (200, heads_down),
        (200, contact(647, SARA, "Sara Davis")),
    ];
    driver.respond(sent.id, batch_of(&parts));
    for ticket in [status, note, title] {
        assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    }
    let events = std::mem::take(&mut driver.events);
    let has = |address: &str, fact: PersonFact| {
        events.iter().any(|event| {
            matches!(event, SessionEvent::Person { uri, fact: it, .. } if uri.eq_ignore_ascii_case(address) && *it == fact)
        })
    };
    assert!(has(LENE, PersonFact::Status(PersonStatus::DoNotDisturb)));
    let note = Note::new(NoteKind::OutOfOffice, "Heads down".to_owned());
    assert!(has(LENE, PersonFact::Note(Some(note))));
    assert!(has(SARA, PersonFact::DisplayName("Sara Davis".to_owned())));
    assert!(has(SARA, PersonFact::Title(Some("Engineer".to_owned()))));
    let number = PhoneNumber::new("work", "tel:+4512345678".to_owned());
    assert!(has(SARA, PersonFact::PhoneNumbers(vec![number])));
    let photo = format!("http://127.0.0.1:5061{}/contactPhoto", contact_href(647));
    assert!(has(SARA, PersonFact::AvatarUrl(Some(photo))));
}

#[test]
fn a_read_on_another_host_is_refused_and_is_no_part_of_a_batch() {
    let mut driver = signed_in_with_people();
    driver.submit(search("a"));
    let mut lene = contact(282, LENE, "Lene Aaling");
    let elsewhere = "https://other.contoso.com/note";
    lene["_links"]["contactNote"]["href"] = json!(elsewhere);
    let target = format!("{APP}/search");
    driver.reply("GET", &target, 200, found(json!([lene]), false));
    let fields = [
        PersonField::Status,
        PersonField::Location,
        PersonField::Note,
    ];
    let [_, _, note] = fields.map(|field| driver.submit(fetch(LENE, field)));
    driver.advance(SECOND);
    let sent = driver.take("POST", &format!("{APP}/batch"));
    let of_lene = |rel| format!("GET {}/{rel}", contact_href(282));
    assert_eq!(
        targets(&sent),
        [of_lene("contactPresence"), of_lene("contactLocation")]
    );
    assert_eq!(*driver.failure(note).kind(), FailureKind::Untrusted);
}

#[test]
fn a_read_that_fails_in_a_batch_is_sent_alone() {
    let mut driver = acquainted();
    let status = driver.submit(fetch(LENE, PersonField::Status));
    let place = driver.submit(fetch(LENE, PersonField::Location));
    driver.advance(SECOND);
    let sent = driver.take("POST", &format!("{APP}/batch"));
    let refused = json!({"code": "ServiceFailure"});
    let place_is = json!({"rel": "contactLocation", "location": "By the beach..."});
    driver.respond(sent.id, batch_of(&[(503, refused), (200, place_is)]));
    assert_eq!(driver.result(place), Some(&Ok(Outcome::Done)));
    assert_eq!(
        facts(&mut driver, LENE),
        [PersonFact::Location(Some("By the beach...".to_owned()))]
    );
    assert_eq!(driver.result(status), None);
    let presence_href = format!("{}/contactPresence", contact_href(282));
    driver.reply("GET", &presence_href, 200, presence("Away"));
    assert_eq!(statuses(&mut driver, LENE), [PersonStatus::Away]);
}

#[test]
fn without_batches_reads_are_sent_alone() {
    let mut driver = acquainted();
    driver.submit(fetch(LENE, PersonField::Status));
    driver.submit(fetch(LENE, PersonField::Note));
    driver.advance(SECOND);
    driver.reply(
        "POST",
        &format!("{APP}/batch"),
        405,
        json!({"code": "MethodNotAllowed"}),
    );
    let presence_href = format!("{}/contactPresence", contact_href(282));
    let note_href = format!("{}/contactNote", contact_href(282));
    driver.reply("GET", &presence_href, 200, presence("Busy"));
    driver.reply("GET", &note_href, 204, Value::Null);
    assert_eq!(
        facts(&mut driver, LENE).last(),
        Some(&PersonFact::Note(None)),
        "an empty note is not a failure"
    );
    driver.submit(fetch(LENE, PersonField::Status));
    driver.submit(fetch(LENE, PersonField::Note));
    driver.advance(SECOND);
    assert!(driver.is_sent("GET", &presence_href) && driver.is_sent("GET", &note_href));
}

#[test]
fn a_batch_that_reports_a_lost_application_is_not_sent_alone() {
    let mut driver = acquainted();
    let ticket = driver.submit(fetch(LENE, PersonField::Status));
    driver.submit(fetch(LENE, PersonField::Note));
    driver.advance(SECOND);
    driver.reply(
        "POST",
        &format!("{APP}/batch"),
        404,
        json!({"code": "NotFound", "subcode": "ApplicationNotFound"}),
    );
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::ConnectionLost);
    assert!(!driver.is_sent("GET", APP), "{:?}", driver.sent);
    driver.advance(SECOND);
    assert!(driver.is_sent("POST", "/ucwa/oauth/v1/applications"));
}

#[test]
fn a_broken_batch_is_repeated() {
    let mut driver = acquainted();
    driver.submit(fetch(LENE, PersonField::Status));
    driver.submit(fetch(LENE, PersonField::Note));
    driver.advance(SECOND);
    driver.break_off("POST", &format!("{APP}/batch"), Sent::Maybe);
    driver.advance(MINUTE / 6);
    assert_eq!(
        targets(&driver.take("POST", &format!("{APP}/batch"))).len(),
        2
    );
}

#[test]
fn a_person_known_by_address_only_is_searched_once() {
    let mut driver = signed_in_with_people();
    let status = driver.submit(fetch(LENE, PersonField::Status));
    let title = driver.submit(fetch(LENE, PersonField::Title));
    driver.advance(SECOND);
    let query = format!("{APP}/search?query=lenea%40contoso.com&limit=");
    let sent = driver.take("GET", &query);
    assert!(!driver.is_sent("GET", &query));
    let other = contact(281, "sip:lenea@contoso.com.au", "Lene A");
    let lene = contact(282, "sip:LeneA@contoso.com", "Lene Aaling");
    driver.respond(sent.id, answer(200, found(json!([other, lene]), false)));
    assert_eq!(
        driver.result(title),
        Some(&Ok(Outcome::Done)),
        "the search returned the card"
    );
    driver.advance(SECOND);
    let target = format!("{}/contactPresence", contact_href(282));
    driver.reply("GET", &target, 200, presence("Online"));
    assert_eq!(driver.result(status), Some(&Ok(Outcome::Done)));
    assert_eq!(statuses(&mut driver, LENE), [PersonStatus::Online]);
}

#[test]
fn an_unknown_address_is_an_error() {
    let mut driver = signed_in_with_people();
    let status = driver.submit(fetch(LENE, PersonField::Status));
    driver.advance(SECOND);
    driver.reply(
        "GET",
        &format!("{APP}/search"),
        200,
        found(json!([]), false),
    );
    let failure = driver.failure(status);
    assert_eq!(*failure.kind(), FailureKind::RequestFailed);
    assert_eq!(failure.code(), Some("NotFound"));
    assert_eq!(failure.stage(), Stage::People);
    let odd = driver.submit(fetch("lene", PersonField::Status));
    assert_eq!(*driver.failure(odd).kind(), FailureKind::InvalidArgument);
}

#[test]
fn a_contact_without_hrefs_is_not_searched_in_a_loop() {
    let mut driver = signed_in_with_people();
    let status = driver.submit(fetch(LENE, PersonField::Status));
    driver.advance(SECOND);
    let lene = json!({"rel": "contact", "uri": LENE, "name": "Lene Aaling"});
    driver.reply(
        "GET",
        &format!("{APP}/search"),
        200,
        found(json!([lene]), false),
    );
    let failure = driver.failure(status);
    assert_eq!(*failure.kind(), FailureKind::UnexpectedAnswer);
    driver.advance(SECOND);
    assert!(!driver.is_sent("GET", &format!("{APP}/search")));
}

#[test]
fn a_resource_that_is_not_offered_is_not_searched() {
    let mut driver = TestDriver::signed_in_to(|fresh| {
        let mut application = with_people(fresh);
        let me = application["_embedded"]["me"]["_links"].as_object_mut();
        me.unwrap().remove("note");
        application
    });
    driver.submit(search("a"));
    let mut lene = contact(282, LENE, "Lene Aaling");
    lene["_links"]
        .as_object_mut()
        .unwrap()
        .remove("contactNote");
    let target = format!("{APP}/search");
    driver.reply("GET", &target, 200, found(json!([lene]), false));
    for address in [LENE, ME] {
        let ticket = driver.submit(fetch(address, PersonField::Note));
        driver.advance(SECOND);
        assert!(!driver.is_sent("GET", &target), "{address}");
        assert_eq!(*driver.failure(ticket).kind(), FailureKind::WrongState);
    }
}

#[test]
fn a_missing_resource_is_searched_again() {
    let mut driver = acquainted();
    let status = driver.submit(fetch(LENE, PersonField::Status));
    driver.advance(SECOND);
    let target = format!("{}/contactPresence", contact_href(282));
    driver.reply("GET", &target, 404, json!({"code": "NotFound"}));
    assert_eq!(driver.failure(status).status(), Some(404));
    driver.submit(fetch(LENE, PersonField::Status));
    driver.advance(SECOND);
    assert!(driver.is_sent("GET", &format!("{APP}/search?query=LeneA")));
}

#[test]
fn reads_end_with_the_session() {
    let mut driver = acquainted();
    let under_way = driver.submit(fetch(LENE, PersonField::Status));
    driver.advance(SECOND);
    let due = driver.submit(fetch(SARA, PersonField::Status));
    let searching = driver.submit(search("lene"));
    let setting = driver.submit(Operation::SetMe(MeChange::Note("x".to_owned())));
    let waiting = driver.submit(Operation::SetMe(MeChange::ResetNote));
    driver.submit(Operation::SignOut);
    for ticket in [under_way, due, searching, setting, waiting] {
        assert_eq!(*driver.failure(ticket).kind(), FailureKind::Ended);
    }
    driver.reply("DELETE", APP, 204, Value::Null);
    let late = driver.submit(fetch(LENE, PersonField::Status));
    assert_eq!(*driver.failure(late).kind(), FailureKind::NotSignedIn);
    driver.advance(MINUTE);
    assert!(driver.sent.is_empty());
}

#[test]
fn a_search_returns_people_and_whether_there_are_more() {
    let mut driver = signed_in_with_people();
    let ticket = driver.submit(search("Lene & co"));
    let sent = driver.take("GET", &format!("{APP}/search"));
    assert_eq!(
        sent.target(),
        format!("{APP}/search?query=Lene%20%26%20co&limit=20")
    );
    let without_address = json!({"rel": "contact", "name": "A number", "_links": {"self": {"href": contact_href(1)}}});
    let lene = contact(282, LENE, "Lene Aaling");
    driver.respond(
        sent.id,
        answer(200, found(json!([without_address, lene]), true)),
    );
    let Some(Ok(Outcome::People {
        people, more: true, ..
    })) = driver.result(ticket)
    else {
        panic!("{:?}", driver.result(ticket));
    };
    assert_eq!(people.len(), 1);
    assert_eq!(people[0].uri, LENE);
    assert!(
        people[0]
            .facts
            .contains(&PersonFact::DisplayName("Lene Aaling".to_owned()))
    );
}

#[test]
fn a_search_has_its_limits() {
    let mut driver = signed_in_with_people();
    for (query, limit) in [
        (String::new(), 1),
        ("  ".to_owned(), 1),
        ("x".repeat(257), 1),
        ("x".to_owned(), 0),
        ("x".to_owned(), 101),
    ] {
        let ticket = driver.submit(Operation::SearchPeople { query, limit });
        assert_eq!(*driver.failure(ticket).kind(), FailureKind::InvalidArgument);
    }
    let ticket = driver.submit(Operation::SearchPeople {
        query: "x".repeat(256),
        limit: 100,
    });
    assert_eq!(driver.result(ticket), None);
    driver.reply("GET", &format!("{APP}/search"), 403, Value::Null);
    assert_eq!(driver.failure(ticket).status(), Some(403));
}
