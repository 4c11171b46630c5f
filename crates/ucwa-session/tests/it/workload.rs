//! What a session says of what it has under way.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::{APP, Bench, answer, challenge, chat};

#[test]
fn who_has_not_begun_has_nothing_under_way() {
    let bench = Bench::new(Bench::config());
    assert_eq!(bench.session.workload(), Workload::default());
}

#[test]
fn a_sign_in_is_under_way_until_the_channel_is_open() {
    let mut bench = Bench::new(Bench::config());
    bench.submit(Operation::SignIn(Bench::credentials()));
    let workload = bench.session.workload();
    assert_eq!((workload.operations, workload.requests), (1, 1));
    assert!(!workload.is_quiet());
    bench.discover();
    bench.enter();
    let workload = bench.session.workload();
    assert!(workload.is_quiet(), "{workload:?}");
    // The token is renewed and activity reported.
    assert_eq!((workload.polls, workload.routines), (1, 2));
}

#[test]
fn what_waits_for_a_token_is_under_way() {
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
fn a_message_is_under_way_until_its_verdict() {
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
    // Nobody ever tells what became of the invitation.
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
fn a_question_is_under_way_until_its_answer() {
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
fn nothing_is_left_of_a_session_that_ended() {
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
        // The application is lost, and is being created anew when the caller stops.
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
fn outputs_are_under_way_until_they_are_polled() {
    let mut session = Session::new(Bench::config());
    session.submit(Duration::ZERO, Operation::SignOut);
    assert_eq!(session.workload().outputs, 1);
    assert!(matches!(session.poll_output(), Output::Completed { .. }));
    assert_eq!(session.workload(), Workload::default());
}
