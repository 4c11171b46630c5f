//! The archiving setting, and missed items.

use std::time::Duration;

use super::*;
use crate::bench::Request;

fn put(bench: &mut Bench) -> Request {
    bench.take("PUT", &communication_href())
}

fn settings(bench: &mut Bench) -> Vec<(bool, bool)> {
    std::mem::take(&mut bench.events)
        .into_iter()
        .filter_map(|event| match event {
            SessionEvent::History { enabled, settable } => Some((enabled, settable)),
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
    let mut bench = signed_in();
    let ticket = bench.submit(Operation::SetHistory(true));
    bench.reply(
        "GET",
        &communication_href(),
        200,
        communication("Disabled", "5"),
    );
    let sent = put(&mut bench);
    assert_eq!(sent.request.headers()["if-match"], "\"5\"");
    let body = sent.json();
    assert_eq!(body["conversationHistory"], "Enabled");
    assert_eq!(body["3c1d-random"], "please pass this in a PUT request");
    assert_eq!(body["lisQueryResult"], "Succeeded");
    assert_eq!(body["supportedModalities"], json!(["Messaging"]));
    assert!(body.get("_links").is_none() && body.get("_embedded").is_none());
    bench.respond(sent.id, crate::bench::answer(200, Value::Null));
    assert_eq!(
        bench.result(ticket),
        None,
        "the server has not confirmed the setting"
    );
    bench.page(communication_updated("Enabled", "6"));
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(settings(&mut bench), [(true, true)]);
    bench.reply("GET", &missed_href(), 200, missed(1));
    assert_eq!(bench.events, [SessionEvent::UnreadConversations(1)]);

    // A setting that has the requested value is not written.
    let ticket = bench.submit(Operation::SetHistory(true));
    bench.reply(
        "GET",
        &communication_href(),
        200,
        communication("Enabled", "6"),
    );
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    assert!(!bench.is_sent("PUT", &communication_href()));
}

#[test]
fn a_412_leads_to_another_read_and_put() {
    let mut bench = signed_in();
    let ticket = bench.submit(Operation::SetHistory(true));
    let refusals = [
        ("5", 412, "PreconditionFailed"),
        ("6", 428, "PreconditionRequired"),
    ];
    for (etag, status, code) in refusals {
        bench.reply(
            "GET",
            &communication_href(),
            200,
            communication("Disabled", etag),
        );
        let sent = put(&mut bench);
        assert_eq!(sent.request.headers()["if-match"], format!("\"{etag}\""));
        bench.respond(sent.id, crate::bench::answer(status, json!({"code": code})));
    }
    bench.reply(
        "GET",
        &communication_href(),
        200,
        communication("Disabled", "7"),
    );
    let sent = put(&mut bench);
    // The event may come before the response.
    bench.page(communication_updated("Enabled", "8"));
    bench.respond(sent.id, crate::bench::answer(200, Value::Null));
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
}

#[test]
fn without_the_confirming_event_the_setting_is_read() {
    for (history, end) in [
        ("Enabled", Ok(Outcome::Done)),
        ("Disabled", Err(FailureKind::NotSupported)),
    ] {
        let mut bench = signed_in();
        let ticket = bench.submit(Operation::SetHistory(true));
        bench.reply(
            "GET",
            &communication_href(),
            200,
            communication("Disabled", "5"),
        );
        let sent = put(&mut bench);
        bench.respond(sent.id, crate::bench::answer(200, Value::Null));
        bench.advance(Duration::from_secs(10));
        bench.reply(
            "GET",
            &communication_href(),
            200,
            communication(history, "6"),
        );
        let result = bench.result(ticket).cloned().unwrap();
        assert_eq!(result.map_err(|failure| failure.kind().clone()), end);
        assert!(!bench.is_sent("PUT", &communication_href()));
    }
}

#[test]
fn changes_are_made_one_at_a_time() {
    let mut bench = signed_in();
    let tickets = [true, false].map(|on| bench.submit(Operation::SetHistory(on)));
    for (ticket, before, after) in [
        (tickets[0], "Disabled", "Enabled"),
        (tickets[1], "Enabled", "Disabled"),
    ] {
        bench.reply(
            "GET",
            &communication_href(),
            200,
            communication(before, "5"),
        );
        let sent = put(&mut bench);
        assert!(!bench.is_sent("PUT", &communication_href()));
        bench.respond(sent.id, crate::bench::answer(200, Value::Null));
        bench.page(communication_updated(after, "6"));
        assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    }
}

#[test]
fn the_confirmation_of_one_change_does_not_confirm_the_next() {
    let mut bench = signed_in();
    let tickets = [true, false].map(|on| bench.submit(Operation::SetHistory(on)));
    let read = |bench: &mut Bench, history: &str| {
        let communication = communication(history, "5");
        bench.reply("GET", &communication_href(), 200, communication);
    };
    read(&mut bench, "Disabled");
    let sent = put(&mut bench);
    bench.respond(sent.id, crate::bench::answer(200, Value::Null));
    bench.advance(Duration::from_secs(10));
    read(&mut bench, "Enabled");
    assert_eq!(bench.result(tickets[0]), Some(&Ok(Outcome::Done)));
    assert!(!bench.is_sent("PUT", &communication_href()));
    read(&mut bench, "Enabled");
    assert_eq!(put(&mut bench).json()["conversationHistory"], "Disabled");
    assert!(!bench.is_sent("PUT", &communication_href()));
    assert_eq!(bench.result(tickets[1]), None);
}

/// Off by default. If configured, archiving is turned on in each application, without delaying the sign-in.
#[test]
fn the_configuration_turns_history_on_at_sign_in() {
    assert!(!signed_in().is_sent("GET", &communication_href()));

    let mut config = Bench::config();
    config.history = true;
    let mut bench = Bench::new(config);
    let ticket = bench.submit(Operation::SignIn(Bench::credentials()));
    bench.discover();
    bench.enter_to(with_archive);
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    bench.reply(
        "GET",
        &communication_href(),
        200,
        communication("Disabled", "5"),
    );
    let sent = put(&mut bench);
    // A refusal does not end the session.
    bench.respond(
        sent.id,
        crate::bench::answer(403, json!({"code": "Forbidden"})),
    );
    assert!(!bench.events.iter().any(|event| matches!(
        event,
        SessionEvent::SignIn {
            failure: Some(_),
            ..
        }
    )));
    bench.submit(Operation::SignOut);
    bench.take("DELETE", APP);
}

/// A new application does not have the setting of the last one.
#[test]
fn history_is_turned_on_in_each_application() {
    let mut bench = signed_in();
    let ticket = bench.submit(Operation::SetHistory(true));
    bench.reply(
        "GET",
        &communication_href(),
        200,
        communication("Enabled", "5"),
    );
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    bench.reply("GET", &format!("{APP}/events"), 404, lost);
    bench.events.clear();
    bench.advance(Duration::from_secs(1));
    bench.enter_to(with_archive);
    assert_eq!(settings(&mut bench), [(false, true)]);
    bench.reply(
        "GET",
        &communication_href(),
        200,
        communication("Disabled", "1"),
    );
    assert_eq!(put(&mut bench).json()["conversationHistory"], "Enabled");
}

#[test]
fn a_setting_that_cannot_be_changed_is_reported_as_such() {
    let mut bench = Bench::new(Bench::config());
    bench.submit(Operation::SignIn(Bench::credentials()));
    bench.discover();
    bench.enter_to(|fresh| {
        let mut application = with_archive(fresh);
        let communication = &mut application["_embedded"]["communication"];
        communication.as_object_mut().unwrap().remove("etag");
        communication["conversationHistory"] = json!("Enabled");
        application
    });
    assert_eq!(settings(&mut bench), [(true, false)]);
    let ticket = bench.submit(Operation::SetHistory(false));
    assert_eq!(bench.failure(ticket).kind(), &FailureKind::NotSupported);
}

/// `missedItems_ref`: an update changes the count, with or without the resource, and there may be a new log.
#[test]
fn missed_items_are_counted_and_extend_the_list() {
    let unread = |bench: &mut Bench| -> Vec<u64> {
        let events = bench.events.iter();
        events
            .filter_map(|event| match event {
                SessionEvent::UnreadConversations(count) => Some(*count),
                _ => None,
            })
            .collect()
    };
    let mut bench = signed_in();
    assert!(
        !bench.is_sent("GET", &format!("{APP}/communication")),
        "history is not used"
    );
    bench.submit(list_archived(1));
    bench.reply("GET", &missed_href(), 200, missed(2));
    assert_eq!(unread(&mut bench), [2]);
    bench.reply("GET", &logs_href(), 200, list([]));
    assert!(bench.events.contains(&SessionEvent::MoreArchived(false)));
    bench.events.clear();

    let link = json!({"rel": "missedItems", "href": missed_href()});
    bench.page(from_communication(link.clone(), None));
    bench.page(from_communication(link.clone(), None));
    assert!(bench.events.contains(&SessionEvent::MoreArchived(true)));
    bench.reply("GET", &missed_href(), 200, missed(3));
    // The missed items changed while they were being read.
    bench.reply("GET", &missed_href(), 200, missed(4));
    bench.page(from_communication(link, Some(("missedItems", missed(5)))));
    assert_eq!(unread(&mut bench), [3, 4, 5]);
    assert!(!bench.is_sent("GET", &missed_href()));

    // After a resync there may be further missed items.
    bench.page_with("resync", json!([]));
    bench.take("GET", &missed_href());
}
