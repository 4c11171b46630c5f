//! The count of the work in progress.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::{APP, Bench, answer, application, challenge, chat, token};
use crate::pages::conversation_href;
use crate::sending::established;

#[test]
fn a_new_session_has_no_work_in_progress() {
    let bench = Bench::new(Bench::config());
    assert_eq!(bench.session.workload(), Workload::default());
}

#[test]
fn a_sign_in_is_in_progress_until_the_channel_is_open() {
    let mut bench = Bench::new(Bench::config());
    bench.submit(Operation::SignIn(Bench::credentials()));
    let workload = bench.session.workload();
    assert_eq!((workload.operations, workload.requests), (1, 1));
    assert!(!workload.is_quiet());
    bench.discover();
    bench.enter();
    let workload = bench.session.workload();
    assert!(workload.is_quiet(), "{workload:?}");
    // The renewal of the token, and the report of activity.
    assert_eq!((workload.polls, workload.routines), (1, 2));
}

#[test]
fn requests_that_wait_for_a_token_are_counted() {
    let mut bench = Bench::signed_in();
    bench.submit(Operation::SetMe(MeChange::Note("Hi".to_owned())));
    let fetch = Operation::FetchPerson {
        address: "sip:lenea@contoso.com".to_owned(),
        field: PersonField::Emails,
    };
    bench.submit(fetch);
    bench.advance(Duration::from_secs(1));
    let poll = bench.take("GET", &format!("{APP}/events"));
    bench.respond(poll.id, challenge("/WebTicket/oauthtoken"));
    let workload = bench.session.workload();
    assert_eq!((workload.polls, workload.renewals), (1, 1), "{workload:?}");
}

#[test]
fn a_message_is_in_progress_until_its_delivery_result() {
    let mut bench = Bench::with_conversation();
    assert!(bench.session.workload().is_quiet());
    bench.send(1, "Hi");
    let workload = bench.session.workload();
    assert_eq!((workload.operations, workload.requests), (1, 1));
    let invitations = format!("{APP}/communication/messagingInvitations");
    bench.created("POST", &invitations, &format!("{invitations}/7"));
    let workload = bench.session.workload();
    assert_eq!((workload.operations, workload.requests), (1, 0));
    assert_eq!((workload.awaited, workload.deadlines), (1, 1));
    // No event about the invitation ever arrives.
    for _ in 0..10 {
        bench.advance(Duration::from_secs(60));
        while bench.is_sent("GET", &invitations) {
            bench.reply("GET", &invitations, 404, json!({"code": "NotFound"}));
        }
        let activity = format!("{APP}/me/reportMyActivity");
        while bench.is_sent("POST", &activity) {
            bench.reply("POST", &activity, 204, Value::Null);
        }
    }
    let workload = bench.session.workload();
    assert!(workload.is_quiet(), "{workload:?}");
}

#[test]
fn a_question_is_in_progress_until_its_answer() {
    let mut config = Bench::config();
    config.trust.ask = true;
    let mut bench = Bench::new(config);
    bench.submit(Operation::SignIn(Bench::credentials()));
    let elsewhere = json!({"_links": {"redirect": {"href": "https://pool.fabrikam.com/"}}});
    bench.reply("GET", "/", 200, elsewhere);
    let workload = bench.session.workload();
    assert_eq!((workload.questions, workload.requests), (1, 1));
    let (id, _) = bench.asked[0];
    bench.handle(Input::Answer {
        id,
        answer: Answer::Trust(false),
    });
    assert_eq!(bench.session.workload(), Workload::default());
}

#[test]
fn a_session_that_ended_has_no_work_in_progress() {
    let ends: [fn(&mut Bench); 4] = [
        |bench| {
            bench.submit(Operation::SignOut);
            bench.reply("DELETE", APP, 204, Value::Null);
        },
        |bench| bench.handle(Input::Shutdown),
        |bench| {
            let poll = bench.take("GET", &format!("{APP}/events"));
            let gone = json!({"code": "Gone", "subcode": "InactiveApplicationExpired"});
            bench.respond(poll.id, answer(410, gone));
        },
        // The application is lost and being replaced when the caller shuts down.
        |bench| {
            let poll = bench.take("GET", &format!("{APP}/events"));
            let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
            bench.respond(poll.id, answer(404, lost));
            bench.handle(Input::Shutdown);
        },
    ];
    for end in ends {
        let mut bench = Bench::with_conversation();
        bench.send(1, "Hi");
        bench.send(2, "there");
        let typing = Operation::SendIsTyping(chat());
        bench.submit(typing);
        end(&mut bench);
        assert_eq!(bench.session.workload(), Workload::default());
    }
}

#[test]
fn outputs_are_counted_until_they_are_polled() {
    let mut session = Session::new(Bench::config());
    session.submit(Duration::ZERO, Ticket(1), Operation::SignOut);
    assert_eq!(session.workload().outputs, 1);
    assert!(matches!(session.poll_output(), Output::Completed { .. }));
    assert_eq!(session.workload(), Workload::default());
}

#[test]
fn an_events_link_to_another_host_ends_the_session() {
    let elsewhere = "https://lyncweb.contoso.com.evil.example/events";
    let mut bench = Bench::new(Bench::config());
    bench.submit(Operation::SignIn(Bench::credentials()));
    bench.discover();
    bench.enter_to(|fresh| {
        let mut application = application(fresh);
        application["_links"]["events"]["href"] = json!(elsewhere);
        application
    });
    let states: Vec<_> = (bench.events.iter())
        .filter_map(|event| match event {
            SessionEvent::SignIn { state, .. } => Some(*state),
            _ => None,
        })
        .collect();
    assert_eq!(states, [SignInState::SigningIn, SignInState::SignedOut]);
    assert_eq!(bench.session.workload(), Workload::default());
}

#[test]
fn a_next_link_to_another_host_ends_the_session() {
    let mut bench = Bench::signed_in();
    let conversation = format!("{APP}/communication/conversations/7");
    let page = json!({
        "_links": {
            "self": {"href": "x"},
            "next": {"href": "https://lyncweb.contoso.com.evil.example/events?ack=2"},
        },
        "sender": [{"rel": "communication", "href": format!("{APP}/communication"), "events": [
            {"link": {"rel": "conversation", "href": conversation}, "type": "added"},
        ]}],
    });
    bench.reply("GET", &format!("{APP}/events"), 200, page);
    assert!(matches!(
        bench.events.as_slice(),
        [SessionEvent::SignIn {
            state: SignInState::SignedOut,
            ..
        }]
    ));
    assert_eq!(bench.session.workload(), Workload::default());
}

#[test]
fn an_accepted_invitation_without_a_usable_conversation_ends() {
    let invitations = format!("{APP}/communication/messagingInvitations");
    let location = format!("{invitations}/7");
    let elsewhere = "https://lyncweb.contoso.com.evil.example/conversations/1";
    for links in [
        json!({"self": {"href": location}}),
        json!({"self": {"href": location}, "conversation": {"href": elsewhere}}),
    ] {
        let mut bench = Bench::with_conversation();
        let first = bench.send(1, "Hi");
        let second = bench.send(2, "there");
        let post = bench.created("POST", &invitations, &location);
        // No event arrives, so the invitation is read.
        bench.advance(Duration::from_secs(31));
        let accepted = json!({
            "rel": "messagingInvitation", "direction": "Outgoing", "state": "Connected",
            "operationId": post.json()["operationId"], "_links": links,
        });
        bench.reply("GET", &location, 200, accepted);
        assert_eq!(bench.result(first), Some(&Ok(Outcome::Delivered)));
        assert_eq!(*bench.failure(second).kind(), FailureKind::Remote);
        let changes = bench.changes(chat());
        let ended =
            |change: &ConversationChange| matches!(change, ConversationChange::Ended { .. });
        assert!(changes.iter().any(ended), "{changes:?}");
        let workload = bench.session.workload();
        assert!(workload.is_quiet(), "{workload:?}");
    }
}

#[test]
fn a_location_on_another_host_counts_as_none() {
    let mut bench = established();
    let ticket = bench.send(1, "one");
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    let elsewhere = "https://lyncweb.contoso.com.evil.example/messages/1";
    bench.created("POST", &messages, elsewhere);
    bench.advance(Duration::from_secs(60));
    assert_eq!(*bench.failure(ticket).kind(), FailureKind::DeliveryUnknown);
    let workload = bench.session.workload();
    assert!(workload.is_quiet(), "{workload:?}");
}

#[test]
fn a_renewal_during_sign_out_ends_with_the_deletion() {
    let mut bench = Bench::signed_in();
    bench.submit(Operation::SignOut);
    let delete = bench.take("DELETE", APP);
    bench.respond(delete.id, challenge("/WebTicket/oauthtoken"));
    bench.reply("POST", "/WebTicket/oauthtoken", 200, token("cwt=two", 40));
    bench.break_off("DELETE", APP, Sent::Maybe);
    bench.advance(Duration::from_secs(20));
    bench.break_off("DELETE", APP, Sent::Maybe);
    // The short-lived token is renewed while the deletion is in flight.
    bench.advance(Duration::from_secs(17));
    assert!(bench.is_sent("POST", "/WebTicket/oauthtoken"));
    bench.reply("DELETE", APP, 204, Value::Null);
    assert!(bench.sent.is_empty(), "{:?}", bench.sent);
    assert_eq!(bench.session.workload(), Workload::default());
}
