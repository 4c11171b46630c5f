//! Following people: subscriptions, repeated reads and events.

use serde_json::{Value, json};
use ucwa_session::*;

use super::*;
use crate::channel::first_remote;
use crate::pages::*;

#[test]
fn one_subscription_covers_all_followed_people_until_the_last_is_released() {
    let mut driver = acquainted();
    for (address, field) in [
        (LENE, PersonField::Status),
        (LENE, PersonField::Activity),
        (SARA, PersonField::Note),
    ] {
        driver.submit(follow(address, field, Interest::Live));
    }
    driver.advance(SECOND);
    let sent = driver.take("POST", &format!("{APP}/presenceSubscriptions"));
    assert_eq!(
        sent.json(),
        json!({"duration": 30, "uris": ["sip:LeneA@contoso.com", SARA]})
    );
    assert!(
        !driver.is_sent("POST", &format!("{APP}/presenceSubscriptions")),
        "one subscription covers all"
    );
    driver.respond(sent.id, answer(201, subscription(3)));
    let batch = driver.take("POST", &format!("{APP}/batch"));
    assert_eq!(
        targets(&batch).len(),
        2,
        "the current values are read at once"
    );
    driver.respond(
        batch.id,
        batch_of(&[
            (200, presence("Online")),
            (200, json!({"rel": "contactNote"})),
        ]),
    );

    driver.submit(follow(LENE, PersonField::Status, Interest::None));
    driver.submit(follow(SARA, PersonField::Note, Interest::None));
    driver.advance(SECOND);
    assert!(
        !driver.is_sent("DELETE", APP),
        "Lene's activity is followed still"
    );
    driver.submit(follow(LENE, PersonField::Activity, Interest::None));
    driver.reply(
        "DELETE",
        &format!("{APP}/presenceSubscriptions/3"),
        204,
        Value::Null,
    );
    wait(&mut driver, 40);
    assert!(!driver.is_sent("POST", &format!("{APP}/presenceSubscriptions")));
}

/// Lene's status is followed with a subscription.
pub(crate) fn following() -> TestDriver {
    let mut driver = acquainted();
    driver.submit(follow(LENE, PersonField::Status, Interest::Live));
    driver.advance(SECOND);
    driver.reply(
        "POST",
        &format!("{APP}/presenceSubscriptions"),
        201,
        subscription(3),
    );
    let target = format!("{}/contactPresence", contact_href(282));
    driver.reply("GET", &target, 200, presence("Online"));
    driver.events.clear();
    driver
}

#[test]
fn a_changed_resource_is_read_once() {
    let mut driver = following();
    let target = format!("{}/contactPresence", contact_href(282));
    driver.page(presence_changed(282));
    driver.page(presence_changed(282));
    driver.advance(SECOND);
    let sent = driver.take("GET", &target);
    assert!(!driver.is_sent("GET", &target), "two changes, one read");
    // The resource changes during the read, so the response may be outdated.
    driver.page(presence_changed(282));
    driver.respond(sent.id, answer(200, presence("Busy")));
    driver.advance(SECOND);
    driver.reply("GET", &target, 200, presence("Away"));
    assert_eq!(
        statuses(&mut driver, LENE),
        [PersonStatus::Busy, PersonStatus::Away]
    );
    // Resources without interest are not read.
    driver.page(presence_changed(647));
    driver.advance(SECOND);
    assert_eq!(driver.sent.len(), 1, "the pending GET only");
}

#[test]
fn a_failed_read_of_a_change_is_repeated_a_limited_number_of_times() {
    let target = format!("{}/contactPresence", contact_href(282));
    let rubbish = || http::Response::new("?".into());
    let mut driver = following();
    driver.page(presence_changed(282));
    driver.advance(SECOND);
    let sent = driver.take("GET", &target);
    driver.respond(sent.id, rubbish());
    driver.advance(6 * SECOND);
    driver.reply("GET", &target, 200, presence("Away"));
    assert_eq!(statuses(&mut driver, LENE), [PersonStatus::Away]);

    driver.page(presence_changed(282));
    driver.advance(SECOND);
    for repeat in 1..=5 {
        let sent = driver.take("GET", &target);
        driver.respond(sent.id, rubbish());
        driver.advance(6 * repeat * SECOND);
    }
    wait(&mut driver, 5);
    assert!(
        !driver.is_sent("GET", &target),
        "the number of repeats is limited"
    );

    // A missing resource is not read again, nor is one that is no longer followed.
    driver.page(presence_changed(282));
    driver.advance(SECOND);
    let sent = driver.take("GET", &target);
    driver.respond(sent.id, rubbish());
    driver.submit(follow(LENE, PersonField::Status, Interest::None));
    wait(&mut driver, 1);
    assert!(!driver.is_sent("GET", &target));
    let mut driver = following();
    driver.page(presence_changed(282));
    driver.advance(SECOND);
    driver.reply("GET", &target, 404, json!({"code": "NotFound"}));
    wait(&mut driver, 1);
    assert!(!driver.is_sent("GET", &target));
}

#[test]
fn a_contact_that_only_an_event_names_is_read() {
    let mut driver = signed_in_with_people();
    driver.submit(follow(LENE, PersonField::Status, Interest::Live));
    driver.advance(SECOND);
    driver.reply(
        "POST",
        &format!("{APP}/presenceSubscriptions"),
        201,
        subscription(3),
    );
    // The search finds no contact, because Lene belongs to another organization.
    driver.reply(
        "GET",
        &format!("{APP}/search"),
        200,
        found(json!([]), false),
    );
    driver.page(presence_changed(900));
    driver.page(presence_changed(900));
    let sent = driver.take("GET", &contact_href(900));
    assert!(!driver.is_sent("GET", &contact_href(900)), "asked once");
    driver.respond(sent.id, answer(200, contact(900, LENE, "Lene Aaling")));
    driver.advance(SECOND);
    let target = format!("{}/contactPresence", contact_href(900));
    driver.reply("GET", &target, 200, presence("BeRightBack"));
    assert_eq!(statuses(&mut driver, LENE), [PersonStatus::BeRightBack]);
}

#[test]
fn a_known_contact_that_an_event_names_is_not_read() {
    let mut driver = acquainted();
    for kind in ["added", "updated"] {
        let link = json!({"rel": "contact", "href": contact_href(282)});
        driver.page(of_people(kind, link));
        driver.advance(SECOND);
        assert!(!driver.is_sent("GET", &contact_href(282)), "{kind}");
    }
}

#[test]
fn a_subscription_is_extended_before_it_expires() {
    let mut driver = following();
    let href = format!("{APP}/presenceSubscriptions/3");
    for _ in 0..3 {
        wait(&mut driver, 24);
        assert!(!driver.is_sent("POST", &href));
        wait(&mut driver, 1);
        let sent = driver.take("POST", &href);
        assert_eq!(sent.json(), json!({"duration": 30}));
        driver.respond(sent.id, answer(200, subscription(3)));
    }
}

#[test]
fn an_expiry_event_extends_the_subscription_once() {
    let mut driver = following();
    let href = format!("{APP}/presenceSubscriptions/3");
    let updated = of_people(
        "updated",
        json!({"rel": "presenceSubscription", "href": href}),
    );
    driver.page(updated.clone());
    assert!(
        !driver.is_sent("POST", &href),
        "a new subscription cannot be about to expire"
    );
    wait(&mut driver, 20);
    driver.page(updated.clone());
    driver.reply("POST", &href, 200, subscription(3));
    driver.page(updated);
    assert!(!driver.is_sent("POST", &href));
}

#[test]
fn a_lost_subscription_is_replaced() {
    let mut driver = following();
    let href = format!("{APP}/presenceSubscriptions/3");
    wait(&mut driver, 25);
    driver.reply("POST", &href, 404, json!({"code": "NotFound"}));
    driver.advance(SECOND);
    driver.reply(
        "POST",
        &format!("{APP}/presenceSubscriptions"),
        201,
        subscription(4),
    );
    wait(&mut driver, 15);
    let four =
        json!({"rel": "presenceSubscription", "href": format!("{APP}/presenceSubscriptions/4")});
    driver.page(of_people("deleted", four));
    driver.advance(SECOND);
    driver.reply(
        "POST",
        &format!("{APP}/presenceSubscriptions"),
        201,
        subscription(5),
    );
    // A subscription that ends right after its creation is not replaced at once.
    let five =
        json!({"rel": "presenceSubscription", "href": format!("{APP}/presenceSubscriptions/5")});
    driver.page(of_people("deleted", five));
    driver.advance(SECOND * 30);
    assert!(!driver.is_sent("POST", &format!("{APP}/presenceSubscriptions")));
    driver.advance(SECOND * 31);
    assert!(driver.is_sent("POST", &format!("{APP}/presenceSubscriptions")));
}

#[test]
fn a_subscription_whose_extension_failed_is_deleted() {
    let href = format!("{APP}/presenceSubscriptions/3");
    for status in [None, Some(403), Some(503), Some(404)] {
        let mut driver = following();
        wait(&mut driver, 25);
        match status {
            None => driver.break_off("POST", &href, Sent::Maybe),
            Some(status) => {
                driver.reply("POST", &href, status, json!({"code": "Refused"}));
            }
        }
        assert_eq!(
            driver.is_sent("DELETE", &href),
            status != Some(404),
            "{status:?}"
        );
        driver.advance(SECOND);
        assert!(driver.is_sent("POST", &format!("{APP}/presenceSubscriptions")));
    }
}

#[test]
fn an_extension_drops_people_who_are_no_longer_followed() {
    let mut driver = acquainted();
    driver.submit(follow(LENE, PersonField::Status, Interest::Live));
    driver.submit(follow(SARA, PersonField::Status, Interest::Live));
    driver.advance(SECOND);
    driver.reply(
        "POST",
        &format!("{APP}/presenceSubscriptions"),
        201,
        subscription(3),
    );
    driver.submit(follow(LENE, PersonField::Status, Interest::None));
    wait(&mut driver, 25);
    driver.advance(SECOND);
    driver.reply(
        "DELETE",
        &format!("{APP}/presenceSubscriptions/3"),
        204,
        Value::Null,
    );
    let sent = driver.take("POST", &format!("{APP}/presenceSubscriptions"));
    assert_eq!(sent.json()["uris"], json!([SARA]));
}

#[test]
fn a_refused_subscription_is_retried_after_a_minute() {
    let mut driver = acquainted();
    driver.submit(follow(LENE, PersonField::Status, Interest::Live));
    driver.advance(SECOND);
    let refused = json!({"code": "Forbidden", "subcode": "LimitExceeded"});
    driver.reply(
        "POST",
        &format!("{APP}/presenceSubscriptions"),
        403,
        refused,
    );
    driver.submit(follow(SARA, PersonField::Status, Interest::Live));
    driver.advance(SECOND * 59);
    assert!(!driver.is_sent("POST", &format!("{APP}/presenceSubscriptions")));
    driver.advance(SECOND * 2);
    let sent = driver.take("POST", &format!("{APP}/presenceSubscriptions"));
    assert_eq!(sent.json()["uris"].as_array().unwrap().len(), 2);
}

#[test]
fn a_subscription_that_is_no_longer_needed_is_deleted() {
    let mut driver = acquainted();
    driver.submit(follow(LENE, PersonField::Status, Interest::Live));
    driver.advance(SECOND);
    driver.submit(follow(LENE, PersonField::Status, Interest::None));
    driver.reply(
        "POST",
        &format!("{APP}/presenceSubscriptions"),
        201,
        subscription(3),
    );
    assert!(driver.is_sent("DELETE", &format!("{APP}/presenceSubscriptions/3")));
}

#[test]
fn after_a_resync_subscriptions_are_created_again() {
    for follow in ["resume", "resync"] {
        let mut driver = following();
        driver.page_with(follow, json!([]));
        driver.advance(SECOND);
        driver.reply(
            "POST",
            &format!("{APP}/presenceSubscriptions"),
            201,
            subscription(4),
        );
        let target = format!("{}/contactPresence", contact_href(282));
        driver.reply("GET", &target, 200, presence("Away"));
        assert_eq!(statuses(&mut driver, LENE), [PersonStatus::Away]);
        wait(&mut driver, 25);
        assert!(
            !driver.is_sent("POST", &format!("{APP}/presenceSubscriptions/3")),
            "forgotten"
        );
        assert!(driver.is_sent("POST", &format!("{APP}/presenceSubscriptions/4")));
    }
}

#[test]
fn reads_in_flight_at_a_resync_are_repeated() {
    for follow in ["resume", "resync"] {
        let mut driver = following();
        let target = format!("{}/contactPresence", contact_href(282));
        driver.page(presence_changed(282));
        driver.advance(SECOND);
        let read = driver.take("GET", &target);
        driver.page_with(follow, json!([]));
        driver.advance(SECOND);
        assert!(!driver.is_sent("GET", &target), "one at a time");
        driver.respond(read.id, answer(200, presence("Busy")));
        driver.advance(SECOND);
        driver.reply("GET", &target, 200, presence("Away"));
        driver.advance(SECOND);
        assert!(!driver.is_sent("GET", &target), "once is enough");
        assert_eq!(
            statuses(&mut driver, LENE),
            [PersonStatus::Busy, PersonStatus::Away]
        );
    }
}

#[test]
fn a_new_application_subscribes_again() {
    let mut driver = following();
    let waiting = driver.submit(fetch(SARA, PersonField::Status));
    driver.advance(SECOND);
    let gone = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    driver.reply("GET", &format!("{APP}/events"), 404, gone);
    assert_eq!(*driver.failure(waiting).kind(), FailureKind::ConnectionLost);
    let meanwhile = driver.submit(fetch(SARA, PersonField::Status));
    assert_eq!(*driver.failure(meanwhile).kind(), FailureKind::NotSignedIn);
    driver.advance(SECOND * 5);
    driver.create_this_application(with_people);
    driver.advance(SECOND);
    let sent = driver.take("POST", &format!("{APP}/presenceSubscriptions"));
    assert_eq!(sent.json()["uris"], json!(["sip:LeneA@contoso.com"]));
    assert!(
        driver.is_sent("GET", &format!("{APP}/search?query=LeneA")),
        "no href outlives its application"
    );
}

#[test]
fn interest_set_before_sign_in_takes_effect_at_sign_in() {
    let mut driver = TestDriver::new(TestDriver::config());
    driver.submit(follow(LENE, PersonField::Status, Interest::Live));
    let own = driver.submit(follow("", PersonField::Note, Interest::Live));
    assert_eq!(driver.result(own), Some(&Ok(Outcome::Done)));
    driver.advance(MINUTE);
    assert!(driver.sent.is_empty());
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.discover();
    driver.create_this_application(with_people);
    driver.advance(SECOND);
    let sent = driver.take("POST", &format!("{APP}/presenceSubscriptions"));
    assert_eq!(sent.json()["uris"], json!([LENE]));
    let batch = targets(&driver.take("POST", &format!("{APP}/batch")));
    assert_eq!(batch.len(), 2);
    assert!(batch.contains(&format!("GET {APP}/me/note")), "{batch:?}");
    // After sign-in the user has an address, and an empty one is invalid.
    let refused = driver.submit(fetch("", PersonField::Note));
    assert_eq!(
        *driver.failure(refused).kind(),
        FailureKind::InvalidArgument
    );
}

#[test]
fn the_user_followed_by_address_before_sign_in_is_the_user_afterwards() {
    let mut driver = TestDriver::new(TestDriver::config());
    driver.submit(follow(ME, PersonField::Note, Interest::Live));
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.discover();
    driver.create_this_application(with_people);
    driver.advance(SECOND);
    assert!(driver.is_sent("GET", &format!("{APP}/me/note")));
    assert!(!driver.is_sent("POST", &format!("{APP}/presenceSubscriptions")));
    assert!(!driver.is_sent("GET", &format!("{APP}/search")));
}

#[test]
fn repeated_reads_use_the_shortest_interval_and_pause_while_followed_live() {
    let mut driver = acquainted();
    let target = format!("{}/contactPresence", contact_href(282));
    let read = |driver: &mut TestDriver, by: Duration| {
        driver.advance(by);
        let read = driver.is_sent("GET", &target);
        if read {
            driver.reply("GET", &target, 200, presence("Online"));
        }
        read
    };
    driver.submit(follow(LENE, PersonField::Status, Interest::Every(MINUTE)));
    assert!(read(&mut driver, SECOND), "at once");
    assert!(!read(&mut driver, SECOND * 58));
    assert!(read(&mut driver, SECOND * 2));
    driver.submit(follow(
        LENE,
        PersonField::Activity,
        Interest::Every(SECOND * 10),
    ));
    assert!(!read(&mut driver, SECOND * 9));
    assert!(read(&mut driver, SECOND * 2));
    driver.submit(follow(LENE, PersonField::Status, Interest::Live));
    assert!(
        read(&mut driver, SECOND),
        "changes may have been missed between two polls"
    );
    driver.reply(
        "POST",
        &format!("{APP}/presenceSubscriptions"),
        201,
        subscription(3),
    );
    assert!(!read(&mut driver, MINUTE * 5));
    driver.submit(follow(LENE, PersonField::Status, Interest::None));
    assert!(driver.is_sent("DELETE", &format!("{APP}/presenceSubscriptions/3")));
    assert!(
        read(&mut driver, SECOND * 11),
        "the shortest interval applies again"
    );
    driver.submit(follow(LENE, PersonField::Activity, Interest::None));
    assert!(!read(&mut driver, MINUTE * 5));
}

#[test]
fn the_shortest_interval_is_used_whichever_field_has_it() {
    for (status, activity) in [(SECOND * 10, MINUTE), (MINUTE, SECOND * 10)] {
        let mut driver = acquainted();
        for (field, interval) in [
            (PersonField::Status, status),
            (PersonField::Activity, activity),
        ] {
            driver.submit(follow(LENE, field, Interest::Every(interval)));
        }
        let target = format!("{}/contactPresence", contact_href(282));
        driver.advance(SECOND);
        driver.reply("GET", &target, 200, presence("Online"));
        driver.advance(SECOND * 11);
        assert!(driver.is_sent("GET", &target));
    }
}

#[test]
fn people_with_an_interest_are_kept_however_many_others_are_found() {
    let mut driver = acquainted();
    let every_minute = Interest::Every(60 * SECOND);
    driver.submit(follow(LENE, PersonField::Status, every_minute));
    driver.advance(SECOND);
    let target = format!("{}/contactPresence", contact_href(282));
    driver.reply("GET", &target, 200, presence("Online"));
    for page in 0..10 {
        driver.submit(search(&format!("page {page}")));
        let others = (0..100).map(|number| {
            let number = 1_000 + page * 100 + number;
            contact(number, &format!("sip:user{number}@contoso.com"), "A user")
        });
        let others = Value::Array(others.collect());
        driver.reply("GET", &format!("{APP}/search"), 200, found(others, false));
    }
    driver.advance(60 * SECOND);
    assert!(driver.is_sent("GET", &target));
}

#[test]
fn an_interval_of_zero_is_no_endless_loop() {
    let mut driver = acquainted();
    driver.submit(follow(
        LENE,
        PersonField::Title,
        Interest::Every(Duration::ZERO),
    ));
    driver.advance(SECOND * 2);
    driver.reply("GET", &contact_href(282), 200, contact(282, LENE, "Lene"));
    assert!(!driver.is_sent("GET", &contact_href(282)), "one at a time");
}

#[test]
fn the_card_cannot_be_subscribed_to() {
    let mut driver = acquainted();
    driver.submit(follow(LENE, PersonField::Title, Interest::Live));
    driver.advance(MINUTE);
    assert_eq!(driver.sent.len(), 1, "the pending GET only");
}

/// A group member whom an event names only by a link gets an address when the link is read, and can then be followed.
#[test]
fn a_participant_who_was_first_known_by_a_link_is_followed_by_address() {
    let mut driver = signed_in_with_people();
    driver.page(offered("17b", "Hi Tosh"));
    let key = ConversationKey::Remote(first_remote(&driver));
    driver.submit(Operation::Accept(key));
    driver.reply("POST", &format!("{INVITATION}/accept"), 204, Value::Null);
    driver.page(offer_completed("17b", "Success"));
    let href = format!("{}/participants/9", conversation_href("17b"));
    let added = bare("added", "participant", &href, None);
    driver.page(senders("17b", vec![(true, added)]));
    driver.events.clear();
    let alex = json!({"rel": "participant", "uri": "sip:AlexD@contoso.com", "name": "Alex Darrow",
                      "_links": {"self": {"href": href}}});
    driver.reply("GET", &href, 200, alex);
    let addresses: Vec<_> = (driver.changes(key).into_iter())
        .filter_map(|change| match change {
            ConversationChange::ParticipantUpdated(participant)
            | ConversationChange::ParticipantJoined(participant) => participant.uri,
            _ => None,
        })
        .collect();
    assert_eq!(addresses, ["sip:AlexD@contoso.com"]);

    driver.submit(follow(&addresses[0], PersonField::Status, Interest::Live));
    driver.advance(SECOND);
    let subscriptions = format!("{APP}/presenceSubscriptions");
    let sent = driver.reply("POST", &subscriptions, 201, subscription(3));
    assert_eq!(sent.json()["uris"], json!(["sip:AlexD@contoso.com"]));
    let contact = contact(9, "sip:alexd@contoso.com", "Alex Darrow");
    let search = format!("{APP}/search");
    driver.reply("GET", &search, 200, found(json!([contact]), false));
    driver.advance(SECOND);
    let target = format!("{}/contactPresence", contact_href(9));
    driver.reply("GET", &target, 200, presence("Busy"));
    let is_reported = driver.events.iter().any(|event| {
        matches!(event, SessionEvent::Person { uri, fact: PersonFact::Status(PersonStatus::Busy), .. }
            if *uri == addresses[0])
    });
    assert!(is_reported, "{:?}", driver.events);
}
