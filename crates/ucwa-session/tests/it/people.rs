//! People: reading them, following them, searching for them, and the user's own presence.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use ucwa_proto::{Limits, batch};
use ucwa_session::*;

use crate::bench::{APP, Bench, Request, answer, application};

const LENE: &str = "sip:lenea@contoso.com";
const SARA: &str = "sip:sarad@contoso.com";
const ME: &str = "sip:toshm@contoso.com";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// An application with everything about people.
fn with_people(fresh: bool) -> Value {
    let mut application = application(fresh);
    application["_links"]["batch"] = json!({"href": format!("{APP}/batch")});
    application["_embedded"]["people"] = json!({"rel": "people", "_links": {
        "self": {"href": format!("{APP}/people")},
        "presenceSubscriptions": {"href": format!("{APP}/presenceSubscriptions")},
        "search": {"href": format!("{APP}/search")},
    }});
    if !fresh {
        for rel in ["presence", "note", "location"] {
            application["_embedded"]["me"]["_links"][rel] =
                json!({"href": format!("{APP}/me/{rel}")});
        }
    }
    application
}

fn signed_in() -> Bench {
    Bench::signed_in_to(with_people)
}

fn contact_href(id: u32) -> String {
    format!("{APP}/people/{id}")
}

fn contact(id: u32, uri: &str, name: &str) -> Value {
    let of = |rel: &str| json!({"href": format!("{}/{rel}", contact_href(id))});
    json!({
        "rel": "contact", "uri": uri, "name": name, "title": "Engineer", "emailAddresses": ["a@contoso.com"],
        "workPhoneNumber": "tel:+4512345678",
        "_links": {
            "self": {"href": contact_href(id)},
            "contactPresence": of("contactPresence"), "contactNote": of("contactNote"),
            "contactLocation": of("contactLocation"), "contactPhoto": of("contactPhoto"),
            "contactSupportedModalities": of("contactSupportedModalities"),
        },
    })
}

fn found(contacts: Value, more: bool) -> Value {
    json!({"rel": "search", "moreResultsAvailable": more, "_links": {"self": {"href": format!("{APP}/search")}},
           "_embedded": {"contact": contacts}})
}

fn presence(availability: &str) -> Value {
    json!({"rel": "contactPresence", "availability": availability, "activity": "in-a-meeting", "deviceType": "Mobile",
           "lastActive": "/Date(1474932023993)/", "_links": {"self": {"href": "x"}}})
}

/// Lene is contact 282, Sara is 647, and the session knows.
fn acquainted() -> Bench {
    let mut bench = signed_in();
    let ticket = bench.submit(search("a"));
    let lene = contact(282, "sip:LeneA@contoso.com", "Lene Aaling");
    let sara = contact(647, SARA, "Sara Davis");
    bench.reply(
        "GET",
        &format!("{APP}/search"),
        200,
        found(json!([lene, sara]), false),
    );
    assert!(matches!(bench.result(ticket), Some(Ok(_))));
    bench.events.clear();
    bench
}

fn fetch(address: &str, field: PersonField) -> Operation {
    Operation::FetchPerson {
        address: address.to_owned(),
        field,
    }
}

fn follow(address: &str, field: PersonField, interest: Interest) -> Operation {
    Operation::FollowPerson {
        address: address.to_owned(),
        field,
        interest,
    }
}

fn search(query: &str) -> Operation {
    Operation::SearchPeople {
        query: query.to_owned(),
        limit: 20,
    }
}

/// What became known of a person, taken out.
fn told(bench: &mut Bench, address: &str) -> Vec<PersonFact> {
    std::mem::take(&mut bench.events)
        .into_iter()
        .filter_map(|event| match event {
            SessionEvent::Person { uri, fact } if uri.eq_ignore_ascii_case(address) => Some(fact),
            _ => None,
        })
        .collect()
}

fn statuses(bench: &mut Bench, address: &str) -> Vec<PersonStatus> {
    told(bench, address)
        .into_iter()
        .filter_map(|fact| match fact {
            PersonFact::Status(status) => Some(status),
            _ => None,
        })
        .collect()
}

/// The targets in a batch.
fn targets(request: &Request) -> Vec<String> {
    assert_eq!(request.request.headers()["accept"], batch::MEDIA_TYPE);
    let content_type = request.request.headers()["content-type"].to_str().unwrap();
    let boundary = batch::boundary(content_type).unwrap();
    let body = request.request.body();
    batch::Request::decode_batch(body, Some(boundary), &Limits::default())
        .unwrap()
        .iter()
        .map(|part| {
            assert!(part.header("host").is_some() && part.header("accept").is_some());
            assert_eq!(part.header("authorization"), None);
            format!("{} {}", part.method, part.target)
        })
        .collect()
}

fn batch_of(parts: &[(u16, Value)]) -> http::Response<Bytes> {
    let parts: Vec<_> = parts
        .iter()
        .map(|(status, body)| {
            batch::Response::new(*status, "")
                .with_header("Content-Type", "application/json; charset=utf-8")
                .with_body(body.to_string().into_bytes())
        })
        .collect();
    let batch = batch::Response::encode_batch(&parts, "B2");
    http::Response::builder()
        .status(200)
        .header("content-type", batch.content_type)
        .body(batch.body.into())
        .unwrap()
}

fn presence_changed(id: u32) -> Value {
    json!([{"rel": "people", "href": format!("{APP}/people"), "events": [{
        "type": "updated",
        "link": {"rel": "contactPresence", "href": format!("{}/contactPresence", contact_href(id))},
        "in": {"rel": "contact", "href": contact_href(id)},
    }]}])
}

/// Lets time pass while the server answers what keeps the application alive.
fn wait(bench: &mut Bench, minutes: u32) {
    for _ in 0..minutes {
        bench.advance(MINUTE);
        bench.page(json!([]));
        let activity = format!("{APP}/me/reportMyActivity");
        if bench.is_sent("POST", &activity) {
            bench.reply("POST", &activity, 204, Value::Null);
        }
    }
}

fn of_people(kind: &str, link: Value) -> Value {
    json!([{"rel": "people", "href": format!("{APP}/people"), "events": [{"type": kind, "link": link}]}])
}

fn subscription(id: u32) -> Value {
    json!({"rel": "presenceSubscription", "id": id.to_string(),
           "_links": {"self": {"href": format!("{APP}/presenceSubscriptions/{id}")}}})
}

// Reading.

#[test]
fn several_reads_of_one_resource_are_one_request() {
    let mut bench = acquainted();
    let fields = [
        PersonField::Status,
        PersonField::Activity,
        PersonField::Status,
        PersonField::EndpointType,
    ];
    let tickets = fields.map(|field| bench.submit(fetch("sip:LENEA@contoso.com", field)));
    assert!(
        !bench.is_sent("GET", APP) || bench.sent.len() == 1,
        "gathered first"
    );
    bench.advance(SECOND);
    let target = format!("{}/contactPresence", contact_href(282));
    let sent = bench.take("GET", &target);
    assert!(!bench.is_sent("GET", &target));
    // One more joins while it is under way.
    let late = bench.submit(fetch(LENE, PersonField::LastSeenAt));
    bench.advance(SECOND);
    assert!(!bench.is_sent("GET", &target));
    bench.respond(sent.id, answer(200, presence("IdleOnline")));
    for ticket in tickets.into_iter().chain([late]) {
        assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    }
    let facts = told(&mut bench, LENE);
    assert_eq!(facts[0], PersonFact::Status(PersonStatus::Idle));
    assert_eq!(
        facts[1],
        PersonFact::Activity(Some("in-a-meeting".to_owned()))
    );
    assert!(matches!(facts[2], PersonFact::LastSeenAt(Some(_))));
    assert_eq!(facts[3], PersonFact::EndpointType(EndpointType::Mobile));
    // The next one asks again: what a person is doing does not keep.
    bench.submit(fetch(LENE, PersonField::Status));
    bench.advance(SECOND);
    assert!(bench.is_sent("GET", &target));
}

#[test]
fn requests_that_are_due_together_are_one_batch() {
    let mut bench = acquainted();
    let status = bench.submit(fetch(LENE, PersonField::Status));
    let note = bench.submit(fetch(LENE, PersonField::Note));
    let title = bench.submit(fetch(SARA, PersonField::Title));
    bench.advance(SECOND);
    let sent = bench.take("POST", &format!("{APP}/batch"));
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
    bench.respond(sent.id, batch_of(&parts));
    for ticket in [status, note, title] {
        assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    }
    let events = std::mem::take(&mut bench.events);
    let has = |address: &str, fact: PersonFact| {
        events.iter().any(|event| {
            matches!(event, SessionEvent::Person { uri, fact: it } if uri.eq_ignore_ascii_case(address) && *it == fact)
        })
    };
    assert!(has(LENE, PersonFact::Status(PersonStatus::DoNotDisturb)));
    let note = Note {
        kind: NoteKind::OutOfOffice,
        text: "Heads down".to_owned(),
    };
    assert!(has(LENE, PersonFact::Note(Some(note))));
    assert!(has(SARA, PersonFact::DisplayName("Sara Davis".to_owned())));
    assert!(has(SARA, PersonFact::Title(Some("Engineer".to_owned()))));
    let number = PhoneNumber {
        kind: "work",
        number: "tel:+4512345678".to_owned(),
    };
    assert!(has(SARA, PersonFact::PhoneNumbers(vec![number])));
    let photo = format!("http://127.0.0.1:5061{}/contactPhoto", contact_href(647));
    assert!(has(SARA, PersonFact::AvatarUrl(Some(photo))));
}

#[test]
fn what_a_batch_could_not_do_goes_alone() {
    let mut bench = acquainted();
    let status = bench.submit(fetch(LENE, PersonField::Status));
    let place = bench.submit(fetch(LENE, PersonField::Location));
    bench.advance(SECOND);
    let sent = bench.take("POST", &format!("{APP}/batch"));
    let refused = json!({"code": "ServiceFailure"});
    let place_is = json!({"rel": "contactLocation", "location": "By the beach..."});
    bench.respond(sent.id, batch_of(&[(503, refused), (200, place_is)]));
    assert_eq!(bench.result(place), Some(&Ok(Outcome::Done)));
    assert_eq!(
        told(&mut bench, LENE),
        [PersonFact::Location(Some("By the beach...".to_owned()))]
    );
    assert_eq!(bench.result(status), None);
    let presence_href = format!("{}/contactPresence", contact_href(282));
    bench.reply("GET", &presence_href, 200, presence("Away"));
    assert_eq!(statuses(&mut bench, LENE), [PersonStatus::Away]);
}

#[test]
fn a_server_without_batches_is_asked_one_by_one() {
    let mut bench = acquainted();
    bench.submit(fetch(LENE, PersonField::Status));
    bench.submit(fetch(LENE, PersonField::Note));
    bench.advance(SECOND);
    bench.reply(
        "POST",
        &format!("{APP}/batch"),
        405,
        json!({"code": "MethodNotAllowed"}),
    );
    let presence_href = format!("{}/contactPresence", contact_href(282));
    let note_href = format!("{}/contactNote", contact_href(282));
    bench.reply("GET", &presence_href, 200, presence("Busy"));
    bench.reply("GET", &note_href, 204, Value::Null);
    assert_eq!(
        told(&mut bench, LENE).last(),
        Some(&PersonFact::Note(None)),
        "no note is no failure"
    );
    bench.submit(fetch(LENE, PersonField::Status));
    bench.submit(fetch(LENE, PersonField::Note));
    bench.advance(SECOND);
    assert!(bench.is_sent("GET", &presence_href) && bench.is_sent("GET", &note_href));
}

#[test]
fn a_broken_batch_is_sent_again_since_it_only_reads() {
    let mut bench = acquainted();
    bench.submit(fetch(LENE, PersonField::Status));
    bench.submit(fetch(LENE, PersonField::Note));
    bench.advance(SECOND);
    bench.break_off("POST", &format!("{APP}/batch"), Sent::Maybe);
    bench.advance(MINUTE / 6);
    assert_eq!(
        targets(&bench.take("POST", &format!("{APP}/batch"))).len(),
        2
    );
}

#[test]
fn somebody_known_by_address_only_is_looked_for_once() {
    let mut bench = signed_in();
    let status = bench.submit(fetch(LENE, PersonField::Status));
    let title = bench.submit(fetch(LENE, PersonField::Title));
    bench.advance(SECOND);
    let query = format!("{APP}/search?query=lenea%40contoso.com&limit=");
    let sent = bench.take("GET", &query);
    assert!(!bench.is_sent("GET", &query));
    let other = contact(281, "sip:lenea@contoso.com.au", "Lene A");
    let lene = contact(282, "sip:LeneA@contoso.com", "Lene Aaling");
    bench.respond(sent.id, answer(200, found(json!([other, lene]), false)));
    assert_eq!(
        bench.result(title),
        Some(&Ok(Outcome::Done)),
        "the card came along"
    );
    bench.advance(SECOND);
    let target = format!("{}/contactPresence", contact_href(282));
    bench.reply("GET", &target, 200, presence("Online"));
    assert_eq!(bench.result(status), Some(&Ok(Outcome::Done)));
    assert_eq!(statuses(&mut bench, LENE), [PersonStatus::Online]);
}

#[test]
fn nobody_at_an_address_is_an_error() {
    let mut bench = signed_in();
    let status = bench.submit(fetch(LENE, PersonField::Status));
    bench.advance(SECOND);
    bench.reply(
        "GET",
        &format!("{APP}/search"),
        200,
        found(json!([]), false),
    );
    let failure = bench.failure(status);
    assert_eq!(*failure.kind(), FailureKind::RequestFailed);
    assert_eq!(failure.code(), Some("NotFound"));
    assert_eq!(failure.stage(), Stage::People);
    let odd = bench.submit(fetch("lene", PersonField::Status));
    assert_eq!(*bench.failure(odd).kind(), FailureKind::InvalidArgument);
}

#[test]
fn a_resource_that_went_is_looked_for_anew() {
    let mut bench = acquainted();
    let status = bench.submit(fetch(LENE, PersonField::Status));
    bench.advance(SECOND);
    let target = format!("{}/contactPresence", contact_href(282));
    bench.reply("GET", &target, 404, json!({"code": "NotFound"}));
    assert_eq!(bench.failure(status).status(), Some(404));
    bench.submit(fetch(LENE, PersonField::Status));
    bench.advance(SECOND);
    assert!(bench.is_sent("GET", &format!("{APP}/search?query=LeneA")));
}

#[test]
fn reads_end_with_the_session() {
    let mut bench = acquainted();
    let under_way = bench.submit(fetch(LENE, PersonField::Status));
    bench.advance(SECOND);
    let due = bench.submit(fetch(SARA, PersonField::Status));
    let searching = bench.submit(search("lene"));
    let setting = bench.submit(Operation::SetMe(MeChange::Note("x".to_owned())));
    let waiting = bench.submit(Operation::SetMe(MeChange::ResetNote));
    bench.submit(Operation::SignOut);
    for ticket in [under_way, due, searching, setting, waiting] {
        assert_eq!(*bench.failure(ticket).kind(), FailureKind::Ended);
    }
    bench.reply("DELETE", APP, 204, Value::Null);
    let late = bench.submit(fetch(LENE, PersonField::Status));
    assert_eq!(*bench.failure(late).kind(), FailureKind::NotSignedIn);
    bench.advance(MINUTE);
    assert!(bench.sent.is_empty());
}

// Following.

#[test]
fn a_subscription_covers_all_who_are_followed_together_and_is_dropped_with_the_last() {
    let mut bench = acquainted();
    for (address, field) in [
        (LENE, PersonField::Status),
        (LENE, PersonField::Activity),
        (SARA, PersonField::Note),
    ] {
        bench.submit(follow(address, field, Interest::Live));
    }
    bench.advance(SECOND);
    let sent = bench.take("POST", &format!("{APP}/presenceSubscriptions"));
    assert_eq!(
        sent.json(),
        json!({"duration": 30, "uris": ["sip:LeneA@contoso.com", SARA]})
    );
    assert!(
        !bench.is_sent("POST", &format!("{APP}/presenceSubscriptions")),
        "one for all"
    );
    bench.respond(sent.id, answer(201, subscription(3)));
    let batch = bench.take("POST", &format!("{APP}/batch"));
    assert_eq!(targets(&batch).len(), 2, "how things stand is read at once");
    bench.respond(
        batch.id,
        batch_of(&[
            (200, presence("Online")),
            (200, json!({"rel": "contactNote"})),
        ]),
    );

    bench.submit(follow(LENE, PersonField::Status, Interest::None));
    bench.submit(follow(SARA, PersonField::Note, Interest::None));
    bench.advance(SECOND);
    assert!(
        !bench.is_sent("DELETE", APP),
        "Lene's activity is followed still"
    );
    bench.submit(follow(LENE, PersonField::Activity, Interest::None));
    bench.reply(
        "DELETE",
        &format!("{APP}/presenceSubscriptions/3"),
        204,
        Value::Null,
    );
    wait(&mut bench, 40);
    assert!(!bench.is_sent("POST", &format!("{APP}/presenceSubscriptions")));
}

/// Lene's status is followed, and a subscription is there.
fn following() -> Bench {
    let mut bench = acquainted();
    bench.submit(follow(LENE, PersonField::Status, Interest::Live));
    bench.advance(SECOND);
    bench.reply(
        "POST",
        &format!("{APP}/presenceSubscriptions"),
        201,
        subscription(3),
    );
    let target = format!("{}/contactPresence", contact_href(282));
    bench.reply("GET", &target, 200, presence("Online"));
    bench.events.clear();
    bench
}

#[test]
fn a_change_is_a_link_and_is_read_once() {
    let mut bench = following();
    let target = format!("{}/contactPresence", contact_href(282));
    bench.page(presence_changed(282));
    bench.page(presence_changed(282));
    bench.advance(SECOND);
    let sent = bench.take("GET", &target);
    assert!(!bench.is_sent("GET", &target), "two changes, one read");
    // It changes again while it is being read: what comes may be older.
    bench.page(presence_changed(282));
    bench.respond(sent.id, answer(200, presence("Busy")));
    bench.advance(SECOND);
    bench.reply("GET", &target, 200, presence("Away"));
    assert_eq!(
        statuses(&mut bench, LENE),
        [PersonStatus::Busy, PersonStatus::Away]
    );
    // Of what nobody follows nothing is read.
    bench.page(presence_changed(647));
    bench.advance(SECOND);
    assert_eq!(bench.sent.len(), 1, "the pending GET only");
}

#[test]
fn a_contact_that_only_an_event_names_is_asked_who_it_is() {
    let mut bench = signed_in();
    bench.submit(follow(LENE, PersonField::Status, Interest::Live));
    bench.advance(SECOND);
    bench.reply(
        "POST",
        &format!("{APP}/presenceSubscriptions"),
        201,
        subscription(3),
    );
    // The search finds nobody: Lene is of another company.
    bench.reply(
        "GET",
        &format!("{APP}/search"),
        200,
        found(json!([]), false),
    );
    bench.page(presence_changed(900));
    bench.page(presence_changed(900));
    let sent = bench.take("GET", &contact_href(900));
    assert!(!bench.is_sent("GET", &contact_href(900)), "asked once");
    bench.respond(sent.id, answer(200, contact(900, LENE, "Lene Aaling")));
    bench.advance(SECOND);
    let target = format!("{}/contactPresence", contact_href(900));
    bench.reply("GET", &target, 200, presence("BeRightBack"));
    assert_eq!(statuses(&mut bench, LENE), [PersonStatus::BeRightBack]);
}

#[test]
fn a_subscription_is_extended_before_it_expires() {
    let mut bench = following();
    let href = format!("{APP}/presenceSubscriptions/3");
    for _ in 0..3 {
        wait(&mut bench, 24);
        assert!(!bench.is_sent("POST", &href));
        wait(&mut bench, 1);
        let sent = bench.take("POST", &href);
        assert_eq!(sent.json(), json!({"duration": 30}));
        bench.respond(sent.id, answer(200, subscription(3)));
    }
}

#[test]
fn a_warning_extends_the_subscription_and_its_echo_does_not() {
    let mut bench = following();
    let href = format!("{APP}/presenceSubscriptions/3");
    let updated = of_people(
        "updated",
        json!({"rel": "presenceSubscription", "href": href}),
    );
    bench.page(updated.clone());
    assert!(
        !bench.is_sent("POST", &href),
        "a young one cannot be about to expire"
    );
    wait(&mut bench, 20);
    bench.page(updated.clone());
    bench.reply("POST", &href, 200, subscription(3));
    bench.page(updated);
    assert!(!bench.is_sent("POST", &href));
}

#[test]
fn a_lost_subscription_is_made_anew_for_those_who_are_followed() {
    let mut bench = following();
    let href = format!("{APP}/presenceSubscriptions/3");
    wait(&mut bench, 25);
    bench.reply("POST", &href, 404, json!({"code": "NotFound"}));
    bench.advance(SECOND);
    bench.reply(
        "POST",
        &format!("{APP}/presenceSubscriptions"),
        201,
        subscription(4),
    );
    wait(&mut bench, 15);
    let four =
        json!({"rel": "presenceSubscription", "href": format!("{APP}/presenceSubscriptions/4")});
    bench.page(of_people("deleted", four));
    bench.advance(SECOND);
    bench.reply(
        "POST",
        &format!("{APP}/presenceSubscriptions"),
        201,
        subscription(5),
    );
    // One that ends as soon as it has begun is not asked for at once.
    let five =
        json!({"rel": "presenceSubscription", "href": format!("{APP}/presenceSubscriptions/5")});
    bench.page(of_people("deleted", five));
    bench.advance(SECOND * 30);
    assert!(!bench.is_sent("POST", &format!("{APP}/presenceSubscriptions")));
    bench.advance(SECOND * 31);
    assert!(bench.is_sent("POST", &format!("{APP}/presenceSubscriptions")));
}

#[test]
fn an_extension_leaves_out_whom_nobody_follows_any_more() {
    let mut bench = acquainted();
    bench.submit(follow(LENE, PersonField::Status, Interest::Live));
    bench.submit(follow(SARA, PersonField::Status, Interest::Live));
    bench.advance(SECOND);
    bench.reply(
        "POST",
        &format!("{APP}/presenceSubscriptions"),
        201,
        subscription(3),
    );
    bench.submit(follow(LENE, PersonField::Status, Interest::None));
    wait(&mut bench, 25);
    bench.advance(SECOND);
    bench.reply(
        "DELETE",
        &format!("{APP}/presenceSubscriptions/3"),
        204,
        Value::Null,
    );
    let sent = bench.take("POST", &format!("{APP}/presenceSubscriptions"));
    assert_eq!(sent.json()["uris"], json!([SARA]));
}

#[test]
fn a_refused_subscription_is_asked_for_a_minute_later() {
    let mut bench = acquainted();
    bench.submit(follow(LENE, PersonField::Status, Interest::Live));
    bench.advance(SECOND);
    let refused = json!({"code": "Forbidden", "subcode": "LimitExceeded"});
    bench.reply(
        "POST",
        &format!("{APP}/presenceSubscriptions"),
        403,
        refused,
    );
    bench.submit(follow(SARA, PersonField::Status, Interest::Live));
    bench.advance(SECOND * 59);
    assert!(!bench.is_sent("POST", &format!("{APP}/presenceSubscriptions")));
    bench.advance(SECOND * 2);
    let sent = bench.take("POST", &format!("{APP}/presenceSubscriptions"));
    assert_eq!(sent.json()["uris"].as_array().unwrap().len(), 2);
}

#[test]
fn a_subscription_that_nobody_needs_when_it_comes_is_dropped() {
    let mut bench = acquainted();
    bench.submit(follow(LENE, PersonField::Status, Interest::Live));
    bench.advance(SECOND);
    bench.submit(follow(LENE, PersonField::Status, Interest::None));
    bench.reply(
        "POST",
        &format!("{APP}/presenceSubscriptions"),
        201,
        subscription(3),
    );
    assert!(bench.is_sent("DELETE", &format!("{APP}/presenceSubscriptions/3")));
}

#[test]
fn after_a_lost_place_subscriptions_begin_anew() {
    for follow in ["resume", "resync"] {
        let mut bench = following();
        bench.page_with(follow, json!([]));
        bench.advance(SECOND);
        bench.reply(
            "POST",
            &format!("{APP}/presenceSubscriptions"),
            201,
            subscription(4),
        );
        let target = format!("{}/contactPresence", contact_href(282));
        bench.reply("GET", &target, 200, presence("Away"));
        assert_eq!(statuses(&mut bench, LENE), [PersonStatus::Away]);
        wait(&mut bench, 25);
        assert!(
            !bench.is_sent("POST", &format!("{APP}/presenceSubscriptions/3")),
            "forgotten"
        );
        assert!(bench.is_sent("POST", &format!("{APP}/presenceSubscriptions/4")));
    }
}

#[test]
fn a_new_application_is_told_who_is_followed() {
    let mut bench = following();
    let waiting = bench.submit(fetch(SARA, PersonField::Status));
    bench.advance(SECOND);
    let gone = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    bench.reply("GET", &format!("{APP}/events"), 404, gone);
    assert_eq!(*bench.failure(waiting).kind(), FailureKind::ConnectionLost);
    let meanwhile = bench.submit(fetch(SARA, PersonField::Status));
    assert_eq!(*bench.failure(meanwhile).kind(), FailureKind::NotSignedIn);
    bench.advance(SECOND * 5);
    bench.enter_to(with_people);
    bench.advance(SECOND);
    let sent = bench.take("POST", &format!("{APP}/presenceSubscriptions"));
    assert_eq!(sent.json()["uris"], json!(["sip:LeneA@contoso.com"]));
    assert!(
        bench.is_sent("GET", &format!("{APP}/search?query=LeneA")),
        "no href outlives its application"
    );
}

#[test]
fn interest_from_before_the_sign_in_begins_with_it() {
    let mut bench = Bench::new(Bench::config());
    bench.submit(follow(LENE, PersonField::Status, Interest::Live));
    let own = bench.submit(follow("", PersonField::Note, Interest::Live));
    assert_eq!(bench.result(own), Some(&Ok(Outcome::Done)));
    bench.advance(MINUTE);
    assert!(bench.sent.is_empty());
}

#[test]
fn polls_take_the_shortest_interval_and_rest_while_changes_are_told() {
    let mut bench = acquainted();
    let target = format!("{}/contactPresence", contact_href(282));
    let read = |bench: &mut Bench, by: Duration| {
        bench.advance(by);
        let read = bench.is_sent("GET", &target);
        if read {
            bench.reply("GET", &target, 200, presence("Online"));
        }
        read
    };
    bench.submit(follow(LENE, PersonField::Status, Interest::Every(MINUTE)));
    assert!(read(&mut bench, SECOND), "at once");
    assert!(!read(&mut bench, SECOND * 58));
    assert!(read(&mut bench, SECOND * 2));
    bench.submit(follow(
        LENE,
        PersonField::Activity,
        Interest::Every(SECOND * 10),
    ));
    assert!(!read(&mut bench, SECOND * 9));
    assert!(read(&mut bench, SECOND * 2));
    bench.submit(follow(LENE, PersonField::Status, Interest::Live));
    assert!(
        read(&mut bench, SECOND),
        "changes may have been missed between two polls"
    );
    bench.reply(
        "POST",
        &format!("{APP}/presenceSubscriptions"),
        201,
        subscription(3),
    );
    assert!(!read(&mut bench, MINUTE * 5));
    bench.submit(follow(LENE, PersonField::Status, Interest::None));
    assert!(bench.is_sent("DELETE", &format!("{APP}/presenceSubscriptions/3")));
    assert!(read(&mut bench, SECOND * 11), "back to the shortest");
    bench.submit(follow(LENE, PersonField::Activity, Interest::None));
    assert!(!read(&mut bench, MINUTE * 5));
}

#[test]
fn a_poll_without_a_pause_is_no_endless_loop() {
    let mut bench = acquainted();
    bench.submit(follow(
        LENE,
        PersonField::Title,
        Interest::Every(Duration::ZERO),
    ));
    bench.advance(SECOND * 2);
    bench.reply("GET", &contact_href(282), 200, contact(282, LENE, "Lene"));
    assert!(!bench.is_sent("GET", &contact_href(282)), "one at a time");
}

#[test]
fn the_card_cannot_be_subscribed_to() {
    let mut bench = acquainted();
    bench.submit(follow(LENE, PersonField::Title, Interest::Live));
    bench.advance(MINUTE);
    assert_eq!(bench.sent.len(), 1, "the pending GET only");
}

// The user.

#[test]
fn a_status_is_posted_and_counts_when_the_server_agreed() {
    let mut bench = signed_in();
    let ticket = bench.submit(Operation::SetMe(MeChange::Status(
        PersonStatus::BeRightBack,
    )));
    let sent = bench.take("POST", &format!("{APP}/me/presence"));
    assert_eq!(sent.json(), json!({"availability": "BeRightBack"}));
    assert_eq!(bench.result(ticket), None);
    assert!(bench.events.is_empty());
    bench.respond(sent.id, answer(204, Value::Null));
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(statuses(&mut bench, ME), [PersonStatus::BeRightBack]);

    let refused = bench.submit(Operation::SetMe(MeChange::Status(PersonStatus::Busy)));
    let body = json!({"code": "Conflict", "subcode": "MakeMeAvailableRequired"});
    bench.reply("POST", &format!("{APP}/me/presence"), 409, body);
    assert_eq!(
        bench.failure(refused).subcode(),
        Some("MakeMeAvailableRequired")
    );
    assert!(statuses(&mut bench, ME).is_empty());
}

#[test]
fn every_status_that_can_be_chosen_has_its_word_and_the_others_are_not_sent() {
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
        let mut bench = signed_in();
        let ticket = bench.submit(Operation::SetMe(MeChange::Status(status)));
        match word {
            Some(word) => {
                let sent = bench.take("POST", &format!("{APP}/me/presence"));
                assert_eq!(sent.json()["availability"], word);
            }
            None => {
                assert_eq!(*bench.failure(ticket).kind(), FailureKind::InvalidArgument);
                assert!(!bench.is_sent("POST", APP));
            }
        }
    }
}

#[test]
fn note_and_location_have_their_lengths() {
    let mut bench = signed_in();
    for (change, fits) in [
        (MeChange::Note("\u{e9}".repeat(500)), true),
        (MeChange::Note("x".repeat(501)), false),
        (MeChange::Location("\u{1f600}".repeat(30)), true),
        (MeChange::Location("\u{1f600}".repeat(31)), false),
    ] {
        let ticket = bench.submit(Operation::SetMe(change));
        assert_eq!(bench.result(ticket).is_none(), fits);
    }
}

#[test]
fn changes_of_one_resource_leave_in_order() {
    let mut bench = signed_in();
    let note = format!("{APP}/me/note");
    let first = bench.submit(Operation::SetMe(MeChange::Note("one".to_owned())));
    let second = bench.submit(Operation::SetMe(MeChange::Note("two".to_owned())));
    bench.submit(Operation::SetMe(MeChange::Location("Aarhus".to_owned())));
    let sent = bench.take("POST", &note);
    assert_eq!(sent.json(), json!({"message": "one"}));
    assert!(!bench.is_sent("POST", &note));
    let place = bench.take("POST", &format!("{APP}/me/location"));
    assert_eq!(place.json(), json!({"location": "Aarhus"}));
    bench.respond(sent.id, answer(204, Value::Null));
    assert_eq!(bench.result(first), Some(&Ok(Outcome::Done)));
    bench.reply("POST", &note, 204, Value::Null);
    assert_eq!(bench.result(second), Some(&Ok(Outcome::Done)));
    let kind = NoteKind::Personal;
    let notes = ["one", "two"].map(|text| {
        PersonFact::Note(Some(Note {
            kind,
            text: text.to_owned(),
        }))
    });
    assert_eq!(told(&mut bench, ME), notes);
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
        let mut bench = signed_in();
        let ticket = bench.submit(Operation::SetMe(change));
        let href = format!("{APP}/me/{rel}");
        let sent = bench.take("POST", &href);
        assert!(sent.request.body().is_empty());
        bench.respond(sent.id, answer(204, Value::Null));
        assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
        bench.advance(SECOND);
        bench.reply("GET", &href, 200, body);
        assert_eq!(told(&mut bench, ME).first(), Some(&fact));
    }
}

#[test]
fn without_a_link_nothing_can_be_changed() {
    let mut bench = Bench::signed_in();
    let ticket = bench.submit(Operation::SetMe(MeChange::ResetNote));
    assert_eq!(*bench.failure(ticket).kind(), FailureKind::WrongState);
    let ticket = bench.submit(search("lene"));
    assert_eq!(*bench.failure(ticket).kind(), FailureKind::WrongState);
}

#[test]
fn the_users_own_changes_elsewhere_are_read_when_followed() {
    let mut bench = signed_in();
    let changed = |rel: &str| {
        json!([{"rel": "me", "href": format!("{APP}/me"), "events": [
            {"type": "updated", "link": {"rel": rel, "href": format!("{APP}/me/{rel}")}}]}])
    };
    bench.page(changed("note"));
    bench.advance(SECOND);
    assert_eq!(bench.sent.len(), 1, "the pending GET only");
    bench.submit(follow(ME, PersonField::Note, Interest::Live));
    bench.advance(SECOND);
    let note = |text: &str| json!({"rel": "note", "message": text, "type": "Personal"});
    bench.reply("GET", &format!("{APP}/me/note"), 200, note("one"));
    bench.page(changed("note"));
    bench.advance(SECOND);
    bench.reply("GET", &format!("{APP}/me/note"), 200, note("two"));
    assert_eq!(told(&mut bench, ME).len(), 2);
    assert!(!bench.is_sent("POST", APP), "nobody subscribes to himself");
    let card = bench.submit(fetch("", PersonField::Office));
    bench.advance(SECOND);
    let me = json!({"rel": "me", "uri": ME, "name": "Tosh Meston", "officeLocation": "5/1380",
                    "_links": {"self": {"href": format!("{APP}/me")}}});
    bench.reply("GET", &format!("{APP}/me"), 200, me);
    assert_eq!(bench.result(card), Some(&Ok(Outcome::Done)));
    assert!(told(&mut bench, ME).contains(&PersonFact::Office(Some("5/1380".to_owned()))));
}

#[test]
fn the_links_of_the_user_are_read_when_they_were_missing() {
    let mut bench = Bench::signed_in();
    bench.page(
        json!([{"rel": "me", "href": format!("{APP}/me"), "events": [
        {"type": "updated", "link": {"rel": "me", "href": format!("{APP}/me")}}]}]),
    );
    bench.advance(SECOND);
    let me = with_people(false)["_embedded"]["me"].clone();
    bench.reply("GET", &format!("{APP}/me"), 200, me);
    bench.submit(Operation::SetMe(MeChange::ResetStatus));
    assert!(bench.is_sent("POST", &format!("{APP}/me/presence")));
}

// Searching.

#[test]
fn a_search_finds_people_and_says_whether_there_are_more() {
    let mut bench = signed_in();
    let ticket = bench.submit(search("Lene & co"));
    let sent = bench.take("GET", &format!("{APP}/search"));
    assert_eq!(
        sent.target(),
        format!("{APP}/search?query=Lene%20%26%20co&limit=20")
    );
    let nobody = json!({"rel": "contact", "name": "A number", "_links": {"self": {"href": contact_href(1)}}});
    let lene = contact(282, LENE, "Lene Aaling");
    bench.respond(sent.id, answer(200, found(json!([nobody, lene]), true)));
    let Some(Ok(Outcome::People { people, more: true })) = bench.result(ticket) else {
        panic!("{:?}", bench.result(ticket));
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
    let mut bench = signed_in();
    for (query, limit) in [
        (String::new(), 1),
        ("  ".to_owned(), 1),
        ("x".repeat(257), 1),
        ("x".to_owned(), 0),
        ("x".to_owned(), 101),
    ] {
        let ticket = bench.submit(Operation::SearchPeople { query, limit });
        assert_eq!(*bench.failure(ticket).kind(), FailureKind::InvalidArgument);
    }
    let ticket = bench.submit(Operation::SearchPeople {
        query: "x".repeat(256),
        limit: 100,
    });
    assert_eq!(bench.result(ticket), None);
    bench.reply("GET", &format!("{APP}/search"), 403, Value::Null);
    assert_eq!(bench.failure(ticket).status(), Some(403));
}

#[test]
fn what_people_write_is_in_no_log() {
    let note = Note {
        kind: NoteKind::Personal,
        text: "secret".to_owned(),
    };
    let shown = format!(
        "{:?} {:?} {:?}",
        Operation::SetMe(MeChange::Note("secret".to_owned())),
        Operation::SetMe(MeChange::Location("secret".to_owned())),
        SessionEvent::Person {
            uri: ME.to_owned(),
            fact: PersonFact::Note(Some(note))
        },
    );
    assert!(!shown.contains("secret"), "{shown}");
}
