//! The count of the work in progress.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::{APP, TestDriver, answer, application, challenge, chat, peer, token};
use crate::pages::{conversation_href, offered};
use crate::sending::established;
use crate::{history, joining, people};

#[test]
fn a_new_session_has_no_work_in_progress() {
    let driver = TestDriver::new(TestDriver::config());
    assert_eq!(driver.session.workload(), Workload::default());
}

#[test]
fn a_sign_in_is_in_progress_until_the_channel_is_open() {
    let mut driver = TestDriver::new(TestDriver::config());
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    let workload = driver.session.workload();
    assert_eq!((workload.operations, workload.requests), (1, 1));
    assert!(!workload.is_quiet());
    driver.discover();
    driver.create_application();
    let workload = driver.session.workload();
    assert!(workload.is_quiet(), "{workload:?}");
    // The renewal of the token, and the report of activity.
    assert_eq!((workload.polls, workload.routines), (1, 2));
}

#[test]
fn requests_that_wait_for_a_token_are_counted() {
    let mut driver = TestDriver::signed_in();
    driver.submit(Operation::SetMe(MeChange::Note("Hi".to_owned())));
    let fetch = Operation::FetchPerson {
        address: "sip:lenea@contoso.com".to_owned(),
        field: PersonField::Emails,
    };
    driver.submit(fetch);
    driver.advance(Duration::from_secs(1));
    let poll = driver.take("GET", &format!("{APP}/events"));
    driver.respond(poll.id, challenge("/WebTicket/oauthtoken"));
    let workload = driver.session.workload();
    assert_eq!((workload.polls, workload.renewals), (1, 1), "{workload:?}");
}

#[test]
fn a_message_is_in_progress_until_its_delivery_result() {
    let mut driver = TestDriver::with_conversation();
    assert!(driver.session.workload().is_quiet());
    driver.send(1, "Hi");
    let workload = driver.session.workload();
    assert_eq!((workload.operations, workload.requests), (1, 1));
    let invitations = format!("{APP}/communication/messagingInvitations");
    driver.created("POST", &invitations, &format!("{invitations}/7"));
    let workload = driver.session.workload();
    assert_eq!((workload.operations, workload.requests), (1, 0));
    assert_eq!((workload.awaited, workload.deadlines), (1, 1));
    // No event about the invitation ever arrives.
    for _ in 0..10 {
        driver.advance(Duration::from_secs(60));
        while driver.is_sent("GET", &invitations) {
            driver.reply("GET", &invitations, 404, json!({"code": "NotFound"}));
        }
        let activity = format!("{APP}/me/reportMyActivity");
        while driver.is_sent("POST", &activity) {
            driver.reply("POST", &activity, 204, Value::Null);
        }
    }
    let workload = driver.session.workload();
    assert!(workload.is_quiet(), "{workload:?}");
}

#[test]
fn an_invitation_is_awaited_with_its_text() {
    let mut driver = TestDriver::signed_in();
    driver.page(offered("17b", "Hi Tosh"));
    assert_eq!(driver.session.workload().awaited, 2);
}

#[test]
fn reads_of_people_and_of_the_archive_are_awaited() {
    let mut driver = TestDriver::signed_in_to(|fresh| {
        let mut application = people::with_people(fresh);
        application["_embedded"]["communication"] = history::communication("Disabled", "1");
        application
    });
    let awaited = |driver: &TestDriver| driver.session.workload().awaited;
    driver.submit(Operation::ListArchived { count: 1 });
    assert_eq!(awaited(&driver), 1);
    driver.submit(people::search("lene"));
    assert_eq!(awaited(&driver), 2);
    let status = MeChange::Status(PersonStatus::Busy);
    driver.submit(Operation::SetMe(status));
    assert_eq!(awaited(&driver), 3);
}

/// Submits operations, each of which increases the count of the work in progress by one.
fn add_one_each(driver: &mut TestDriver, operations: impl IntoIterator<Item = Operation>) {
    let before = driver.session.workload().awaited;
    for (number, operation) in (1..).zip(operations) {
        let name = format!("{operation:?}");
        driver.submit(operation);
        let workload = driver.session.workload();
        assert_eq!(workload.awaited, before + number, "{name}: {workload:?}");
    }
}

#[test]
fn each_operation_on_history_is_awaited() {
    let (mut driver, key) = history::with_unread();
    let operations = [
        Operation::SetHistory(true),
        Operation::ReadArchived(key),
        Operation::MarkAsRead(key),
        Operation::ReadArchived(key),
        Operation::MarkAsRead(key),
        Operation::ListArchived { count: 1 },
    ];
    add_one_each(&mut driver, operations);
}

#[test]
fn each_operation_on_a_conversation_is_awaited() {
    let mut driver = joining::extensible();
    let text = |number| Operation::SendMessage {
        conversation: chat(),
        message: MessageKey::Local(number),
        body: MessageBody::Text("Hi".to_owned()),
        subject: None,
        message_id: None,
    };
    let operations = [
        text(2),
        text(3),
        Operation::AddParticipant {
            conversation: chat(),
            participant: joining::third(),
            uri: "sip:alexd@contoso.com".to_owned(),
        },
        Operation::RemoveParticipant {
            conversation: chat(),
            participant: peer(),
        },
        Operation::StopChat(chat()),
        Operation::Leave(chat()),
    ];
    add_one_each(&mut driver, operations);
}

#[test]
fn each_read_of_a_person_is_awaited() {
    let mut driver = people::following();
    let awaited = |driver: &TestDriver| driver.session.workload().awaited;
    assert_eq!(awaited(&driver), 0);
    add_one_each(&mut driver, [people::search("lene")]);
    // The event names a contact whose address is unknown.
    driver.page(people::presence_changed(900));
    assert_eq!(awaited(&driver), 2);
    // The read, and the pause in which others may join it.
    let sara = "sip:sara.d@contoso.com";
    driver.submit(people::fetch(sara, PersonField::Emails));
    assert_eq!(awaited(&driver), 4);
    // The read, and the search for the contact.
    driver.advance(Duration::from_secs(1));
    assert_eq!(awaited(&driver), 4);
}

#[test]
fn a_question_is_in_progress_until_its_answer() {
    let mut config = TestDriver::config();
    config.trust.ask = true;
    let mut driver = TestDriver::new(config);
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    let elsewhere = json!({"_links": {"redirect": {"href": "https://pool.fabrikam.com/"}}});
    driver.reply("GET", "/", 200, elsewhere);
    let workload = driver.session.workload();
    assert_eq!((workload.questions, workload.requests), (1, 1));
    let (id, _) = driver.asked[0];
    driver.handle(Input::Answer {
        id,
        answer: Answer::Trust(false),
    });
    assert_eq!(driver.session.workload(), Workload::default());
}

#[test]
fn a_session_that_ended_has_no_work_in_progress() {
    let ends: [fn(&mut TestDriver); 5] = [
        |driver| {
            driver.submit(Operation::SignOut);
            driver.reply("DELETE", APP, 204, Value::Null);
        },
        |driver| driver.handle(Input::Shutdown),
        |driver| {
            let poll = driver.take("GET", &format!("{APP}/events"));
            let gone = json!({"code": "Gone", "subcode": "InactiveApplicationExpired"});
            driver.respond(poll.id, answer(410, gone));
        },
        // A token is being fetched when the caller shuts down.
        |driver| {
            let poll = driver.take("GET", &format!("{APP}/events"));
            driver.respond(poll.id, challenge("/WebTicket/oauthtoken"));
            assert_eq!(driver.session.workload().renewals, 1);
            driver.handle(Input::Shutdown);
        },
        // The application is lost and being replaced when the caller shuts down.
        |driver| {
            let poll = driver.take("GET", &format!("{APP}/events"));
            let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
            driver.respond(poll.id, answer(404, lost));
            driver.handle(Input::Shutdown);
        },
    ];
    for end in ends {
        let mut driver = TestDriver::with_conversation();
        driver.send(1, "Hi");
        driver.send(2, "there");
        let typing = Operation::SendIsTyping(chat());
        driver.submit(typing);
        end(&mut driver);
        assert_eq!(driver.session.workload(), Workload::default());
    }
}

#[test]
fn outputs_are_counted_until_they_are_polled() {
    let mut session = Session::new(TestDriver::config());
    session.submit(Duration::ZERO, Ticket(1), Operation::SignOut);
    assert_eq!(session.workload().outputs, 1);
    assert!(matches!(session.poll_output(), Output::Completed { .. }));
    assert_eq!(session.workload(), Workload::default());
}

#[test]
fn an_events_link_to_another_host_ends_the_session() {
    let elsewhere = "https://lyncweb.contoso.com.evil.example/events";
    let mut driver = TestDriver::new(TestDriver::config());
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.discover();
    let mut application = application(true);
    application["_links"]["events"]["href"] = json!(elsewhere);
    driver.reply("POST", "/ucwa/oauth/v1/applications", 201, application);
    let states: Vec<_> = (driver.events.iter())
        .filter_map(|event| match event {
            SessionEvent::SignIn { state, .. } => Some(*state),
            _ => None,
        })
        .collect();
    assert_eq!(states, [SignInState::SigningIn, SignInState::SignedOut]);
    assert_eq!(driver.session.workload(), Workload::default());
}

#[test]
fn a_next_link_to_another_host_ends_the_session() {
    let mut driver = TestDriver::signed_in();
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
    driver.reply("GET", &format!("{APP}/events"), 200, page);
    assert!(matches!(
        driver.events.as_slice(),
        [SessionEvent::SignIn {
            state: SignInState::SignedOut,
            ..
        }]
    ));
    assert_eq!(driver.session.workload(), Workload::default());
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
        let mut driver = TestDriver::with_conversation();
        let first = driver.send(1, "Hi");
        let second = driver.send(2, "there");
        let post = driver.created("POST", &invitations, &location);
        // No event arrives, so the invitation is read.
        driver.advance(Duration::from_secs(31));
        let accepted = json!({
            "rel": "messagingInvitation", "direction": "Outgoing", "state": "Connected",
            "operationId": post.json()["operationId"], "_links": links,
        });
        driver.reply("GET", &location, 200, accepted);
        assert_eq!(driver.result(first), Some(&Ok(Outcome::Delivered)));
        assert_eq!(*driver.failure(second).kind(), FailureKind::Remote);
        let changes = driver.changes(chat());
        let ended =
            |change: &ConversationChange| matches!(change, ConversationChange::Ended { .. });
        assert!(changes.iter().any(ended), "{changes:?}");
        let workload = driver.session.workload();
        assert!(workload.is_quiet(), "{workload:?}");
    }
}

#[test]
fn a_location_on_another_host_counts_as_none() {
    let mut driver = established();
    let ticket = driver.send(1, "one");
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    let elsewhere = "https://lyncweb.contoso.com.evil.example/messages/1";
    driver.created("POST", &messages, elsewhere);
    driver.advance(Duration::from_secs(60));
    assert_eq!(*driver.failure(ticket).kind(), FailureKind::DeliveryUnknown);
    let workload = driver.session.workload();
    assert!(workload.is_quiet(), "{workload:?}");
}

#[test]
fn a_renewal_during_sign_out_ends_with_the_deletion() {
    let mut driver = TestDriver::signed_in();
    driver.submit(Operation::SignOut);
    let delete = driver.take("DELETE", APP);
    driver.respond(delete.id, challenge("/WebTicket/oauthtoken"));
    driver.reply("POST", "/WebTicket/oauthtoken", 200, token("cwt=two", 40));
    driver.break_off("DELETE", APP, Sent::Maybe);
    driver.advance(Duration::from_secs(20));
    driver.break_off("DELETE", APP, Sent::Maybe);
    // The short-lived token is renewed while the deletion is in flight.
    driver.advance(Duration::from_secs(17));
    assert!(driver.is_sent("POST", "/WebTicket/oauthtoken"));
    driver.reply("DELETE", APP, 204, Value::Null);
    assert!(driver.sent.is_empty(), "{:?}", driver.sent);
    assert_eq!(driver.session.workload(), Workload::default());
}
