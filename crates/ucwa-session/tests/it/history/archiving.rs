//! The archiving setting, and missed items.

use std::time::Duration;

use super::*;
use crate::driver::Request;

fn put(driver: &mut TestDriver) -> Request {
    driver.take("PUT", &communication_href())
}

fn settings(driver: &mut TestDriver) -> Vec<(bool, bool)> {
    std::mem::take(&mut driver.events)
        .into_iter()
        .filter_map(|event| match event {
            SessionEvent::History {
                enabled, settable, ..
            } => Some((enabled, settable)),
            _ => None,
        })
        .collect()
}

fn communication_updated(history: &str, etag: &str) -> Value {
    let link = json!({"rel": "communication", "href": communication_href()});
    from_communication(link, Some(("communication", communication(history, etag))))
}

/// `PayloadFormat`: a PUT carries the whole resource with its unknown properties, and the ETag as `If-Match`.
#[test]
fn history_is_turned_on_by_a_put_of_the_whole_resource() {
    let mut driver = signed_in();
    let ticket = driver.submit(Operation::SetHistory(true));
    driver.reply(
        "GET",
        &communication_href(),
        200,
        communication("Disabled", "5"),
    );
    let sent = put(&mut driver);
    assert_eq!(sent.request.headers()["if-match"], "\"5\"");
    let body = sent.json();
    assert_eq!(body["conversationHistory"], "Enabled");
    assert_eq!(body["3c1d-random"], "please pass this in a PUT request");
    assert_eq!(body["lisQueryResult"], "Succeeded");
    assert_eq!(body["supportedModalities"], json!(["Messaging"]));
    assert!(body.get("_links").is_none() && body.get("_embedded").is_none());
    driver.respond(sent.id, crate::driver::answer(200, Value::Null));
    assert_eq!(
        driver.result(ticket),
        None,
        "the server has not confirmed the setting"
    );
    driver.page(communication_updated("Enabled", "6"));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(settings(&mut driver), [(true, true)]);
    driver.reply("GET", &missed_href(), 200, missed(1));
    assert_eq!(driver.events, [SessionEvent::UnreadConversations(1)]);

    // A setting that has the requested value is not written.
    let ticket = driver.submit(Operation::SetHistory(true));
    driver.reply(
        "GET",
        &communication_href(),
        200,
        communication("Enabled", "6"),
    );
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert!(!driver.is_sent("PUT", &communication_href()));
}

#[test]
fn a_412_leads_to_another_read_and_put() {
    let mut driver = signed_in();
    let ticket = driver.submit(Operation::SetHistory(true));
    let refusals = [
        ("5", 412, "PreconditionFailed"),
        ("6", 428, "PreconditionRequired"),
    ];
    for (etag, status, code) in refusals {
        driver.reply(
            "GET",
            &communication_href(),
            200,
            communication("Disabled", etag),
        );
        let sent = put(&mut driver);
        assert_eq!(sent.request.headers()["if-match"], format!("\"{etag}\""));
        driver.respond(
            sent.id,
            crate::driver::answer(status, json!({"code": code})),
        );
    }
    driver.reply(
        "GET",
        &communication_href(),
        200,
        communication("Disabled", "7"),
    );
    let sent = put(&mut driver);
    // The event may come before the response.
    driver.page(communication_updated("Enabled", "8"));
    driver.respond(sent.id, crate::driver::answer(200, Value::Null));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
}

#[test]
fn a_setting_that_is_refused_three_times_is_not_put_again() {
    let mut driver = signed_in();
    let ticket = driver.submit(Operation::SetHistory(true));
    for etag in ["5", "6", "7"] {
        let read = communication("Disabled", etag);
        driver.reply("GET", &communication_href(), 200, read);
        let sent = put(&mut driver);
        let refusal = json!({"code": "PreconditionFailed"});
        driver.respond(sent.id, crate::driver::answer(412, refusal));
    }
    let read = communication("Disabled", "8");
    driver.reply("GET", &communication_href(), 200, read);
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::NotSupported);
    assert!(!driver.is_sent("PUT", &communication_href()));
}

#[test]
fn without_the_confirming_event_the_setting_is_read() {
    for (history, end) in [
        ("Enabled", Ok(Outcome::Done)),
        ("Disabled", Err(FailureKind::NotSupported)),
    ] {
        let mut driver = signed_in();
        let ticket = driver.submit(Operation::SetHistory(true));
        driver.reply(
            "GET",
            &communication_href(),
            200,
            communication("Disabled", "5"),
        );
        let sent = put(&mut driver);
        driver.respond(sent.id, crate::driver::answer(200, Value::Null));
        driver.advance(Duration::from_secs(10));
        driver.reply(
            "GET",
            &communication_href(),
            200,
            communication(history, "6"),
        );
        let result = driver.result(ticket).cloned().unwrap();
        assert_eq!(result.map_err(|failure| failure.kind().clone()), end);
        assert!(!driver.is_sent("PUT", &communication_href()));
    }
}

#[test]
fn changes_are_made_one_at_a_time() {
    let mut driver = signed_in();
    let tickets = [true, false].map(|on| driver.submit(Operation::SetHistory(on)));
    for (ticket, before, after) in [
        (tickets[0], "Disabled", "Enabled"),
        (tickets[1], "Enabled", "Disabled"),
    ] {
        driver.reply(
            "GET",
            &communication_href(),
            200,
            communication(before, "5"),
        );
        let sent = put(&mut driver);
        assert!(!driver.is_sent("PUT", &communication_href()));
        driver.respond(sent.id, crate::driver::answer(200, Value::Null));
        driver.page(communication_updated(after, "6"));
        assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    }
}

#[test]
fn the_confirmation_of_one_change_does_not_confirm_the_next() {
    let mut driver = signed_in();
    let tickets = [true, false].map(|on| driver.submit(Operation::SetHistory(on)));
    let read = |driver: &mut TestDriver, history: &str| {
        let communication = communication(history, "5");
        driver.reply("GET", &communication_href(), 200, communication);
    };
    read(&mut driver, "Disabled");
    let sent = put(&mut driver);
    driver.respond(sent.id, crate::driver::answer(200, Value::Null));
    driver.advance(Duration::from_secs(10));
    read(&mut driver, "Enabled");
    assert_eq!(driver.result(tickets[0]), Some(&Ok(Outcome::Done)));
    assert!(!driver.is_sent("PUT", &communication_href()));
    read(&mut driver, "Enabled");
    assert_eq!(put(&mut driver).json()["conversationHistory"], "Disabled");
    assert!(!driver.is_sent("PUT", &communication_href()));
    assert_eq!(driver.result(tickets[1]), None);
}

/// Off by default. If configured, archiving is turned on in each application, without delaying the sign-in.
#[test]
fn the_configuration_turns_history_on_at_sign_in() {
    assert!(!signed_in().is_sent("GET", &communication_href()));

    let mut config = TestDriver::config();
    config.history = true;
    let mut driver = TestDriver::new(config);
    let ticket = driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.discover();
    driver.create_this_application(with_archive);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    driver.reply(
        "GET",
        &communication_href(),
        200,
        communication("Disabled", "5"),
    );
    let sent = put(&mut driver);
    // A refusal does not end the session.
    driver.respond(
        sent.id,
        crate::driver::answer(403, json!({"code": "Forbidden"})),
    );
    assert!(!driver.events.iter().any(|event| matches!(
        event,
        SessionEvent::SignIn {
            failure: Some(_),
            ..
        }
    )));
    driver.submit(Operation::SignOut);
    driver.take("DELETE", APP);
}

/// A new application does not have the setting of the last one.
#[test]
fn history_is_turned_on_in_each_application() {
    let mut driver = signed_in();
    let ticket = driver.submit(Operation::SetHistory(true));
    driver.reply(
        "GET",
        &communication_href(),
        200,
        communication("Enabled", "5"),
    );
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    driver.reply("GET", &format!("{APP}/events"), 404, lost);
    driver.events.clear();
    driver.advance(Duration::from_secs(1));
    driver.create_this_application(with_archive);
    assert_eq!(settings(&mut driver), [(false, true)]);
    driver.reply(
        "GET",
        &communication_href(),
        200,
        communication("Disabled", "1"),
    );
    assert_eq!(put(&mut driver).json()["conversationHistory"], "Enabled");
}

#[test]
fn a_setting_that_cannot_be_changed_is_reported_as_such() {
    let mut driver = TestDriver::new(TestDriver::config());
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.discover();
    driver.create_this_application(|fresh| {
        let mut application = with_archive(fresh);
        let communication = &mut application["_embedded"]["communication"];
        communication.as_object_mut().unwrap().remove("etag");
        communication["conversationHistory"] = json!("Enabled");
        application
    });
    assert_eq!(settings(&mut driver), [(true, false)]);
    let ticket = driver.submit(Operation::SetHistory(false));
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::NotSupported);
}

/// `missedItems_ref`: an update changes the count, with or without the resource, and there may be a new log.
#[test]
fn missed_items_are_counted_and_extend_the_list() {
    let unread = |driver: &mut TestDriver| -> Vec<u64> {
        let events = driver.events.iter();
        events
            .filter_map(|event| match event {
                SessionEvent::UnreadConversations(count) => Some(*count),
                _ => None,
            })
            .collect()
    };
    let mut driver = signed_in();
    assert!(
        !driver.is_sent("GET", &format!("{APP}/communication")),
        "history is not used"
    );
    driver.submit(list_archived(1));
    driver.reply("GET", &missed_href(), 200, missed(2));
    assert_eq!(unread(&mut driver), [2]);
    driver.reply("GET", &logs_href(), 200, list([]));
    assert!(driver.events.contains(&SessionEvent::MoreArchived(false)));
    driver.events.clear();

    let link = json!({"rel": "missedItems", "href": missed_href()});
    driver.page(from_communication(link.clone(), None));
    driver.page(from_communication(link.clone(), None));
    assert!(driver.events.contains(&SessionEvent::MoreArchived(true)));
    driver.reply("GET", &missed_href(), 200, missed(3));
    // The missed items changed while they were being read.
    driver.reply("GET", &missed_href(), 200, missed(4));
    driver.page(from_communication(link, Some(("missedItems", missed(5)))));
    assert_eq!(unread(&mut driver), [3, 4, 5]);
    assert!(!driver.is_sent("GET", &missed_href()));

    // After a resync there may be further missed items.
    driver.page_with("resync", json!([]));
    driver.take("GET", &missed_href());
}
