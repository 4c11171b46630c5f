//! Memory of a session that runs for months. Each test repeats what an application does every day, and asserts that
//! later days leave nothing on the heap.

use std::time::Duration;

use allocation_counter::measure;
use serde_json::{Value, json};
use ucwa_session::*;

use crate::channel::first_remote;
use crate::driver::*;
use crate::fixtures::INVITATIONS;
use crate::history;
use crate::pages::*;
use crate::people::{
    contact, contact_href, fetch, follow, found, presence, search, signed_in_with_people,
    subscription, with_people,
};
use crate::sending::established;

const SECOND: Duration = Duration::from_secs(1);

/// The growth of the heap in bytes during `days`. The earlier days are not measured.
fn growth(days: std::ops::Range<u64>, mut day: impl FnMut(u64)) -> i64 {
    (0..days.start).for_each(&mut day);
    measure(|| days.for_each(&mut day)).bytes_current
}

/// Drops the outputs that the driver keeps.
fn drop_outputs(driver: &mut TestDriver) {
    driver.events = Vec::new();
    driver.completed = Vec::new();
    driver.aborted = Vec::new();
    driver.asked = Vec::new();
    driver.sent.shrink_to_fit();
}

#[test]
fn people_who_are_no_longer_followed_are_evicted() {
    let mut driver = TestDriver::signed_in();
    let grown = growth(1..3, |day| {
        for number in day * 2_000..(day + 1) * 2_000 {
            let address = format!("sip:user{number}@contoso.com");
            for interest in [Interest::Live, Interest::None] {
                driver.submit(follow(&address, PersonField::Status, interest));
                drop_outputs(&mut driver);
            }
        }
        driver.advance(SECOND);
    });
    assert!(grown < 50_000, "{grown} bytes for 4,000 people");
}

#[test]
fn people_who_were_found_by_a_search_are_evicted() {
    let mut driver = signed_in_with_people();
    let grown = growth(5..25, |day| {
        let first = u32::try_from(day).unwrap() * 100;
        driver.submit(search("a"));
        let contacts: Vec<_> = (first..first + 100)
            .map(|id| contact(id, &format!("sip:user{id}@contoso.com"), "A"))
            .collect();
        driver.reply(
            "GET",
            &format!("{APP}/search"),
            200,
            found(json!(contacts), true),
        );
        // The presence of one person is read.
        let address = format!("sip:user{first}@contoso.com");
        driver.submit(fetch(&address, PersonField::Status));
        driver.advance(SECOND);
        let target = format!("{}/contactPresence", contact_href(first));
        driver.reply("GET", &target, 200, presence("Online"));
        drop_outputs(&mut driver);
    });
    assert!(grown < 50_000, "{grown} bytes for 2,000 people");
}

#[test]
fn the_former_hrefs_of_a_contact_are_evicted() {
    let mut driver = signed_in_with_people();
    driver.submit(follow(
        "sip:lenea@contoso.com",
        PersonField::Note,
        Interest::Every(Duration::MAX),
    ));
    let grown = growth(10..1000, |day| {
        let id = u32::try_from(day).unwrap();
        driver.submit(search("a"));
        let lene = contact(id, "sip:lenea@contoso.com", "Lene Aaling");
        driver.reply(
            "GET",
            &format!("{APP}/search?query=a&"),
            200,
            found(json!([lene]), false),
        );
        drop_outputs(&mut driver);
    });
    assert!(grown < 20_000, "{grown} bytes for 990 addresses");
}

#[test]
fn logs_that_the_server_no_longer_lists_are_evicted() {
    let mut driver = history::signed_in();
    let mut forgotten = 0;
    let grown = growth(1000..3000, |day| {
        let number = u32::try_from(day).unwrap();
        driver.submit(Operation::ListArchived { count: 1 });
        if driver.is_sent("GET", &history::missed_href()) {
            driver.reply("GET", &history::missed_href(), 200, history::missed(0));
        }
        let list = history::list([number, number.saturating_sub(1)]);
        driver.reply("GET", &history::logs_href(), 200, list);
        let log = history::log(number, &format!("t{number}"), "sip:lenea@contoso.com");
        driver.reply("GET", &history::log_href(number), 200, log);
        let conversations: Vec<_> = (driver.events.iter())
            .filter_map(|event| match event {
                SessionEvent::Archived { conversation, .. } => Some(*conversation),
                _ => None,
            })
            .collect();
        for conversation in conversations {
            forgotten += 1;
            driver.submit(Operation::ForgetConversation(conversation));
        }
        drop_outputs(&mut driver);
    });
    assert_eq!(forgotten, 3000);
    assert!(grown < 50_000, "{grown} bytes for 2,000 logs");
}

/// Answers all requests except the pending GET until none is left: tokens and changes succeed, reads return nothing.
fn answer_all(driver: &mut TestDriver) {
    while let Some(at) = (driver.sent.iter()).position(|sent| sent.lane == Lane::Commands) {
        let sent = driver.sent.remove(at).unwrap();
        let target = sent.target();
        let response = if target.starts_with("/WebTicket") {
            answer(200, token("cwt=next", 28_000))
        } else if sent.request.method() == "POST" || sent.request.method() == "DELETE" {
            answer(204, Value::Null)
        } else {
            answer(404, json!({"code": "NotFound"}))
        };
        driver.respond(sent.id, response);
    }
}

/// Advances the time, with an empty page every three minutes.
fn advance_with_polls(driver: &mut TestDriver, time: Duration) {
    let end = driver.now + time;
    while driver.now < end {
        // No request waits until its deadline.
        for _ in 0..12 {
            driver.advance(14 * SECOND);
            answer_all(driver);
        }
        driver.page(json!([]));
        drop_outputs(driver);
    }
}

/// The same page with hrefs of this day.
fn of_day(day: u64, page: Value) -> Value {
    let invitation = format!("messagingInvitations/{day}");
    let page = page.to_string();
    serde_json::from_str(&page.replace("messagingInvitations/60c", &invitation)).unwrap()
}

fn deleted(driver: &mut TestDriver, id: &str) {
    let deleted = bare("deleted", "conversation", &conversation_href(id), None);
    driver.page(json!([communication(vec![deleted])]));
    answer_all(driver);
}

/// Lene invites, sends messages and adds three others. The conversation ends and is forgotten.
fn incoming_group(driver: &mut TestDriver, day: u64) {
    let id = format!("i{day}");
    driver.events.clear();
    driver.page(of_day(day, offered(&id, "Hi Tosh")));
    let key = ConversationKey::Remote(first_remote(driver));
    driver.submit(Operation::Accept(key));
    answer_all(driver);
    driver.page(of_day(day, offer_completed(&id, "Success")));
    let events = (0..10).map(|number| (true, arrival(&id, &number.to_string(), "Hi Tosh")));
    driver.page(senders(&id, events.collect()));
    for number in 0..3 {
        let href = format!("{}/participants/{day}-{number}", conversation_href(&id));
        let added = bare("added", "participant", &href, None);
        driver.page(senders(&id, vec![(true, added)]));
        let member = json!({"rel": "participant", "uri": format!("sip:user{day}-{number}@contoso.com"),
                            "_links": {"self": {"href": href}}});
        if driver.is_sent("GET", &href) {
            driver.reply("GET", &href, 200, member);
        }
        let left = bare("deleted", "participant", &href, None);
        driver.page(senders(&id, vec![(true, left)]));
    }
    assert_eq!(driver.received(key).len(), 10);
    deleted(driver, &id);
    driver.submit(Operation::ForgetConversation(key));
}

/// A message to Lene restarts the conversation and is delivered. The conversation ends.
fn outgoing(driver: &mut TestDriver, day: u64) {
    let id = format!("o{day}");
    let ticket = driver.send(day, "Hello Lene");
    let invitations = format!("{APP}/communication/messagingInvitations");
    let request = driver.created("POST", &invitations, &format!("{invitations}/{day}"));
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    let started = invitation("started", &operation, &id, "Connecting");
    driver.page(of_day(day, senders(&id, vec![(false, started)])));
    driver.page(of_day(day, senders(&id, accepted(&operation, &id))));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
    answer_all(driver);
    deleted(driver, &id);
}

/// The presence of ten new people is followed for an hour.
fn presence_of_a_day(driver: &mut TestDriver, day: u64) {
    let addresses: Vec<_> = (0..10)
        .map(|number| format!("sip:colleague{day}-{number}@contoso.com"))
        .collect();
    for address in &addresses {
        driver.submit(follow(address, PersonField::Status, Interest::Live));
    }
    driver.advance(SECOND);
    let subscriptions = format!("{APP}/presenceSubscriptions");
    let id = u32::try_from(day).unwrap();
    driver.reply("POST", &subscriptions, 201, subscription(id));
    answer_all(driver);
    advance_with_polls(driver, Duration::from_secs(3600));
    for address in &addresses {
        driver.submit(follow(address, PersonField::Status, Interest::None));
    }
    driver.advance(SECOND);
    answer_all(driver);
}

fn lose_application(driver: &mut TestDriver) {
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    driver.reply("GET", &format!("{APP}/events"), 404, lost);
    driver.advance(2 * SECOND);
    driver.create_this_application(with_people);
    answer_all(driver);
}

#[test]
fn the_memory_of_a_session_stops_growing_within_a_month() {
    let mut driver = signed_in_with_people();
    driver.submit(Operation::OpenConversation {
        conversation: chat(),
        participant: peer(),
        peer: "sip:lenea@contoso.com".to_owned(),
    });
    let mut quiet = Workload::default();
    let grown = growth(20..40, |day| {
        // Eight conversations a day.
        for hour in 0..8 {
            let number = day * 8 + hour;
            incoming_group(&mut driver, number);
            outgoing(&mut driver, number);
        }
        presence_of_a_day(&mut driver, day);
        lose_application(&mut driver);
        advance_with_polls(&mut driver, Duration::from_secs(20 * 3600));
        answer_all(&mut driver);
        let workload = driver.session.workload();
        assert!(workload.is_quiet(), "{workload:?}");
        if day == 20 {
            quiet = workload;
        }
    });
    assert_eq!(driver.session.workload(), quiet);
    assert!(grown < 5_000, "{grown} bytes in 20 days");
}

#[test]
fn repeated_restarts_of_a_conversation_take_no_memory() {
    let mut driver = TestDriver::with_conversation();
    let grown = growth(1_100..1_600, |day| {
        let id = format!("c{day}");
        driver.send(day, "Hello Lene");
        let href = format!("{INVITATIONS}/{day}");
        let request = driver.created("POST", INVITATIONS, &href).json();
        let operation = request["operationId"].as_str().unwrap().to_owned();
        let at = |mut event: Value| {
            event["link"]["href"] = json!(href);
            event["_embedded"]["messagingInvitation"]["_links"]["self"]["href"] = json!(href);
            event
        };
        let started = invitation("started", &operation, &id, "Connecting");
        driver.page(senders(&id, vec![(false, at(started))]));
        let mut events = accepted(&operation, &id);
        let (_, completed) = events.pop().unwrap();
        events.push((false, at(completed)));
        driver.page(senders(&id, events));
        let deleted = bare("deleted", "conversation", &conversation_href(&id), None);
        driver.page(json!([communication(vec![deleted])]));
        driver.sent.retain(|sent| sent.lane == Lane::Events);
        drop_outputs(&mut driver);
    });
    assert!(grown < 50_000, "{grown} bytes for 500 lives");
}

#[test]
fn messages_whose_result_stays_unknown_take_no_memory() {
    let mut driver = established();
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    let grown = growth(200..1_200, |day| {
        let number = day + 10;
        let href = message_href("21a1", &number.to_string());
        driver.send(number, "x");
        driver.created("POST", &messages, &href);
        driver.advance(30 * SECOND);
        driver.reply("GET", &href, 404, json!({"code": "NotFound"}));
        driver.page(json!([]));
        driver.sent.retain(|sent| sent.lane == Lane::Events);
        drop_outputs(&mut driver);
    });
    assert!(grown < 50_000, "{grown} bytes for 1,000 messages");
}

#[test]
fn invitations_that_were_missed_and_forgotten_take_no_memory() {
    let mut driver = TestDriver::signed_in();
    let grown = growth(1_100..1_600, |day| {
        let id = day.to_string();
        let href = format!("{INVITATIONS}/{day}");
        let at = |mut page: Value| {
            let event = &mut page[0]["events"][0];
            event["link"]["href"] = json!(href);
            event["_embedded"]["messagingInvitation"]["_links"]["self"]["href"] = json!(href);
            page
        };
        driver.page(at(offered(&id, "Hi Tosh")));
        driver.page(at(offer_completed(&id, "Failure")));
        let key = ConversationKey::Remote(first_remote(&driver));
        driver.submit(Operation::ForgetConversation(key));
        // A call is missed.
        let call = format!("call{day}");
        let started = conversation_event("added", &call, "Incoming");
        driver.page(json!([communication(vec![started])]));
        let deleted = bare("deleted", "conversation", &conversation_href(&call), None);
        driver.page(json!([communication(vec![deleted])]));
        drop_outputs(&mut driver);
    });
    assert!(grown < 50_000, "{grown} bytes for 500 invitations");
}
