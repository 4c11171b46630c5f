//! Following people: subscriptions, repeated reads and events.

use serde_json::{Value, json};
use ucwa_session::*;

use super::*;
use crate::channel::first_remote;
use crate::pages::*;

#[test]
fn one_subscription_covers_all_followed_people_until_the_last_is_released() {
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
        "one subscription covers all"
    );
    bench.respond(sent.id, answer(201, subscription(3)));
    let batch = bench.take("POST", &format!("{APP}/batch"));
    assert_eq!(
        targets(&batch).len(),
        2,
        "the current values are read at once"
    );
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

/// Lene's status is followed with a subscription.
pub(crate) fn following() -> Bench {
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
fn a_changed_resource_is_read_once() {
    let mut bench = following();
    let target = format!("{}/contactPresence", contact_href(282));
    bench.page(presence_changed(282));
    bench.page(presence_changed(282));
    bench.advance(SECOND);
    let sent = bench.take("GET", &target);
    assert!(!bench.is_sent("GET", &target), "two changes, one read");
    // The resource changes during the read, so the response may be outdated.
    bench.page(presence_changed(282));
    bench.respond(sent.id, answer(200, presence("Busy")));
    bench.advance(SECOND);
    bench.reply("GET", &target, 200, presence("Away"));
    assert_eq!(
        statuses(&mut bench, LENE),
        [PersonStatus::Busy, PersonStatus::Away]
    );
    // Resources without interest are not read.
    bench.page(presence_changed(647));
    bench.advance(SECOND);
    assert_eq!(bench.sent.len(), 1, "the pending GET only");
}

#[test]
fn a_failed_read_of_a_change_is_repeated_a_limited_number_of_times() {
    let target = format!("{}/contactPresence", contact_href(282));
    let rubbish = || http::Response::new("?".into());
    let mut bench = following();
    bench.page(presence_changed(282));
    bench.advance(SECOND);
    let sent = bench.take("GET", &target);
    bench.respond(sent.id, rubbish());
    bench.advance(6 * SECOND);
    bench.reply("GET", &target, 200, presence("Away"));
    assert_eq!(statuses(&mut bench, LENE), [PersonStatus::Away]);

    bench.page(presence_changed(282));
    bench.advance(SECOND);
    for repeat in 1..=5 {
        let sent = bench.take("GET", &target);
        bench.respond(sent.id, rubbish());
        bench.advance(6 * repeat * SECOND);
    }
    wait(&mut bench, 5);
    assert!(
        !bench.is_sent("GET", &target),
        "the number of repeats is limited"
    );

    // A missing resource is not read again, nor is one that is no longer followed.
    bench.page(presence_changed(282));
    bench.advance(SECOND);
    let sent = bench.take("GET", &target);
    bench.respond(sent.id, rubbish());
    bench.submit(follow(LENE, PersonField::Status, Interest::None));
    wait(&mut bench, 1);
    assert!(!bench.is_sent("GET", &target));
    let mut bench = following();
    bench.page(presence_changed(282));
    bench.advance(SECOND);
    bench.reply("GET", &target, 404, json!({"code": "NotFound"}));
    wait(&mut bench, 1);
    assert!(!bench.is_sent("GET", &target));
}

#[test]
fn a_contact_that_only_an_event_names_is_read() {
    let mut bench = signed_in_with_people();
    bench.submit(follow(LENE, PersonField::Status, Interest::Live));
    bench.advance(SECOND);
    bench.reply(
        "POST",
        &format!("{APP}/presenceSubscriptions"),
        201,
        subscription(3),
    );
    // The search finds nothing: Lene belongs to another company.
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
fn an_expiry_event_extends_the_subscription_once() {
    let mut bench = following();
    let href = format!("{APP}/presenceSubscriptions/3");
    let updated = of_people(
        "updated",
        json!({"rel": "presenceSubscription", "href": href}),
    );
    bench.page(updated.clone());
    assert!(
        !bench.is_sent("POST", &href),
        "a new subscription cannot be about to expire"
    );
    wait(&mut bench, 20);
    bench.page(updated.clone());
    bench.reply("POST", &href, 200, subscription(3));
    bench.page(updated);
    assert!(!bench.is_sent("POST", &href));
}

#[test]
fn a_lost_subscription_is_replaced() {
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
    // A subscription that ends right after its creation is not replaced at once.
    let five =
        json!({"rel": "presenceSubscription", "href": format!("{APP}/presenceSubscriptions/5")});
    bench.page(of_people("deleted", five));
    bench.advance(SECOND * 30);
    assert!(!bench.is_sent("POST", &format!("{APP}/presenceSubscriptions")));
    bench.advance(SECOND * 31);
    assert!(bench.is_sent("POST", &format!("{APP}/presenceSubscriptions")));
}

#[test]
fn a_subscription_whose_extension_failed_is_deleted() {
    let href = format!("{APP}/presenceSubscriptions/3");
    for status in [None, Some(403), Some(503), Some(404)] {
        let mut bench = following();
        wait(&mut bench, 25);
        match status {
            None => bench.break_off("POST", &href, Sent::Maybe),
            Some(status) => {
                bench.reply("POST", &href, status, json!({"code": "Refused"}));
            }
        }
        assert_eq!(
            bench.is_sent("DELETE", &href),
            status != Some(404),
            "{status:?}"
        );
        bench.advance(SECOND);
        assert!(bench.is_sent("POST", &format!("{APP}/presenceSubscriptions")));
    }
}

#[test]
fn an_extension_drops_people_who_are_no_longer_followed() {
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
fn a_refused_subscription_is_retried_after_a_minute() {
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
fn a_subscription_that_is_no_longer_needed_is_deleted() {
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
fn after_a_resync_subscriptions_are_created_again() {
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
fn reads_in_flight_at_a_resync_are_repeated() {
    for follow in ["resume", "resync"] {
        let mut bench = following();
        let target = format!("{}/contactPresence", contact_href(282));
        bench.page(presence_changed(282));
        bench.advance(SECOND);
        let read = bench.take("GET", &target);
        bench.page_with(follow, json!([]));
        bench.advance(SECOND);
        assert!(!bench.is_sent("GET", &target), "one at a time");
        bench.respond(read.id, answer(200, presence("Busy")));
        bench.advance(SECOND);
        bench.reply("GET", &target, 200, presence("Away"));
        bench.advance(SECOND);
        assert!(!bench.is_sent("GET", &target), "once is enough");
        assert_eq!(
            statuses(&mut bench, LENE),
            [PersonStatus::Busy, PersonStatus::Away]
        );
    }
}

#[test]
fn a_new_application_subscribes_again() {
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
fn interest_set_before_sign_in_takes_effect_at_sign_in() {
    let mut bench = Bench::new(Bench::config());
    bench.submit(follow(LENE, PersonField::Status, Interest::Live));
    let own = bench.submit(follow("", PersonField::Note, Interest::Live));
    assert_eq!(bench.result(own), Some(&Ok(Outcome::Done)));
    bench.advance(MINUTE);
    assert!(bench.sent.is_empty());
    bench.submit(Operation::SignIn(Bench::credentials()));
    bench.discover();
    bench.enter_to(with_people);
    bench.advance(SECOND);
    let sent = bench.take("POST", &format!("{APP}/presenceSubscriptions"));
    assert_eq!(sent.json()["uris"], json!([LENE]));
    let batch = targets(&bench.take("POST", &format!("{APP}/batch")));
    assert_eq!(batch.len(), 2);
    assert!(batch.contains(&format!("GET {APP}/me/note")), "{batch:?}");
    // After sign-in the user has an address, and an empty one is invalid.
    let nobody = bench.submit(fetch("", PersonField::Note));
    assert_eq!(*bench.failure(nobody).kind(), FailureKind::InvalidArgument);
}

#[test]
fn the_user_followed_by_address_before_sign_in_is_the_user_afterwards() {
    let mut bench = Bench::new(Bench::config());
    bench.submit(follow(ME, PersonField::Note, Interest::Live));
    bench.submit(Operation::SignIn(Bench::credentials()));
    bench.discover();
    bench.enter_to(with_people);
    bench.advance(SECOND);
    assert!(bench.is_sent("GET", &format!("{APP}/me/note")));
    assert!(!bench.is_sent("POST", &format!("{APP}/presenceSubscriptions")));
    assert!(!bench.is_sent("GET", &format!("{APP}/search")));
}

#[test]
fn repeated_reads_use_the_shortest_interval_and_pause_while_followed_live() {
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
    assert!(
        read(&mut bench, SECOND * 11),
        "the shortest interval applies again"
    );
    bench.submit(follow(LENE, PersonField::Activity, Interest::None));
    assert!(!read(&mut bench, MINUTE * 5));
}

#[test]
fn an_interval_of_zero_is_no_endless_loop() {
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

/// A group member whom an event names only by a link gets an address when the link is read, and can then be followed.
#[test]
fn a_participant_who_was_first_known_by_a_link_is_followed_by_address() {
    let mut bench = signed_in_with_people();
    bench.page(offered("17b", "Hi Tosh"));
    let key = ConversationKey::Remote(first_remote(&bench));
    bench.submit(Operation::Accept(key));
    bench.reply("POST", &format!("{INVITATION}/accept"), 204, Value::Null);
    bench.page(offer_completed("17b", "Success"));
    let href = format!("{}/participants/9", conversation_href("17b"));
    let added = bare("added", "participant", &href, None);
    bench.page(senders("17b", vec![(true, added)]));
    bench.events.clear();
    let alex = json!({"rel": "participant", "uri": "sip:AlexD@contoso.com", "name": "Alex Darrow",
                      "_links": {"self": {"href": href}}});
    bench.reply("GET", &href, 200, alex);
    let addresses: Vec<_> = (bench.changes(key).into_iter())
        .filter_map(|change| match change {
            ConversationChange::ParticipantUpdated(participant)
            | ConversationChange::ParticipantJoined(participant) => participant.uri,
            _ => None,
        })
        .collect();
    assert_eq!(addresses, ["sip:AlexD@contoso.com"]);

    bench.submit(follow(&addresses[0], PersonField::Status, Interest::Live));
    bench.advance(SECOND);
    let subscriptions = format!("{APP}/presenceSubscriptions");
    let sent = bench.reply("POST", &subscriptions, 201, subscription(3));
    assert_eq!(sent.json()["uris"], json!(["sip:AlexD@contoso.com"]));
    let contact = contact(9, "sip:alexd@contoso.com", "Alex Darrow");
    let search = format!("{APP}/search");
    bench.reply("GET", &search, 200, found(json!([contact]), false));
    bench.advance(SECOND);
    let target = format!("{}/contactPresence", contact_href(9));
    bench.reply("GET", &target, 200, presence("Busy"));
    let told = bench.events.iter().any(|event| {
        matches!(event, SessionEvent::Person { uri, fact: PersonFact::Status(PersonStatus::Busy) }
            if *uri == addresses[0])
    });
    assert!(told, "{:?}", bench.events);
}
