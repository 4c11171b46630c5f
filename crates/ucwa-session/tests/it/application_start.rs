//! The start of an application: which requests are in flight at each step, and what waits for which response.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::channel::signed_out;
use crate::driver::*;
use crate::pages::*;

const APPLICATIONS: &str = "/ucwa/oauth/v1/applications";

/// The paths of the requests in flight, without queries.
fn in_flight(driver: &TestDriver) -> Vec<String> {
    let mut requests: Vec<_> = (driver.sent.iter())
        .map(|sent| format!("{} {}", sent.request.method(), sent.request.uri().path()))
        .collect();
    requests.sort();
    requests
}

/// A session whose user resource is known. The creation of the application is in flight.
fn creating() -> (TestDriver, Ticket) {
    let mut driver = TestDriver::new(TestDriver::config());
    let ticket = driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.discover();
    (driver, ticket)
}

/// A session whose application exists. `makeMeAvailable` and the first pending GET are in flight.
fn created() -> (TestDriver, Ticket) {
    let (mut driver, ticket) = creating();
    driver.reply("POST", APPLICATIONS, 201, application(true));
    (driver, ticket)
}

fn make_available(driver: &mut TestDriver) {
    let href = format!("{APP}/me/makeMeAvailable");
    driver.reply("POST", &href, 204, Value::Null);
}

/// A session that has signed in. The read of the application is in flight.
fn unread() -> TestDriver {
    let (mut driver, ticket) = created();
    make_available(&mut driver);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    driver
}

/// The application after `makeMeAvailable`, with the link of the user's note.
fn with_note() -> Value {
    let mut application = application(false);
    application["_embedded"]["me"]["_links"]["note"] = json!({"href": format!("{APP}/me/note")});
    application
}

fn set_note(driver: &mut TestDriver) -> Ticket {
    driver.submit(Operation::SetMe(MeChange::Note("In a call".to_owned())))
}

fn is_signed_in(event: &SessionEvent) -> bool {
    matches!(event, SessionEvent::SignIn { state, .. } if *state == SignInState::SignedIn)
}

#[test]
fn the_event_channel_opens_beside_make_me_available_and_the_application_is_read_beside_the_first_message()
 {
    let app = |path: &str| format!("{APP}{path}");
    let events = format!("GET {}", app("/events"));
    let invite = format!("POST {}", app("/communication/messagingInvitations"));
    let (mut driver, ticket) = creating();
    assert_eq!(in_flight(&driver), [format!("POST {APPLICATIONS}")]);

    driver.reply("POST", APPLICATIONS, 201, application(true));
    let available = format!("POST {}", app("/me/makeMeAvailable"));
    assert_eq!(in_flight(&driver), [events.clone(), available]);
    assert_eq!(
        driver.sent[0].request.method(),
        "POST",
        "makeMeAvailable is first"
    );
    assert_eq!(driver.result(ticket), None);

    make_available(&mut driver);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    let read = format!("GET {APP}");
    assert_eq!(in_flight(&driver), [read.clone(), events.clone()]);

    driver.submit(Operation::OpenConversation {
        conversation: chat(),
        participant: peer(),
        peer: "sip:lenea@contoso.com".to_owned(),
    });
    driver.send(1, "Hello Lene");
    assert_eq!(in_flight(&driver), [read, events.clone(), invite.clone()]);

    driver.reply("GET", APP, 200, application(false));
    assert_eq!(in_flight(&driver), [events, invite]);
}

/// The user is available already, or is a guest. The response has all links.
#[test]
fn an_application_without_the_link_make_me_available_is_not_read_again() {
    for status in [200, 201] {
        let (mut driver, ticket) = creating();
        driver.reply("POST", APPLICATIONS, status, with_note());
        assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
        assert!(driver.is_sent("GET", &format!("{APP}/events")));
        assert_eq!(
            driver.count_sent("GET", APP),
            1 + usize::from(status == 200)
        );
        set_note(&mut driver);
        assert!(driver.is_sent("POST", &format!("{APP}/me/note")));
    }
}

#[test]
fn events_that_arrive_before_the_user_is_available_wait_for_the_sign_in() {
    let (mut driver, ticket) = created();
    let next = format!("{APP}/events?ack=2");
    let page = json!({"_links": {"next": {"href": next}}, "sender": offered("17b", "hello")});
    driver.reply("GET", &format!("{APP}/events"), 200, page);
    assert!(!driver.is_sent("GET", &next), "not acknowledged yet");
    let is_incoming = |event: &SessionEvent| matches!(event, SessionEvent::Incoming { .. });
    assert!(!driver.events.iter().any(is_incoming));

    make_available(&mut driver);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert!(driver.is_sent("GET", &next));
    let position = |wanted: &dyn Fn(&SessionEvent) -> bool| driver.events.iter().position(wanted);
    let (reported, incoming) = (position(&is_signed_in), position(&is_incoming));
    assert!(
        reported.is_some() && reported < incoming,
        "{reported:?} {incoming:?}"
    );
}

#[test]
fn events_that_arrive_before_the_application_is_read_are_handled_at_once() {
    let mut driver = unread();
    driver.page(offered("17b", "hello"));
    let is_incoming = |event: &SessionEvent| matches!(event, SessionEvent::Incoming { .. });
    assert!(driver.events.iter().any(is_incoming));
}

/// The read in flight brings the links and the facts of the user.
#[test]
fn the_events_of_make_me_available_cause_no_further_read() {
    let mut driver = unread();
    let me = json!([{"rel": "me", "href": format!("{APP}/me"), "events": [
        {"link": {"rel": "me", "href": format!("{APP}/me")}, "type": "updated"},
        {"link": {"rel": "presence", "href": format!("{APP}/me/presence")}, "type": "added"},
    ]}]);
    driver.page(me);
    driver.reply("GET", APP, 200, with_note());
    driver.advance(Duration::from_secs(1));
    assert!(!driver.is_sent("GET", &format!("{APP}/me")));
    assert_eq!(driver.session.workload().awaited, 0);
}

#[test]
fn a_change_of_the_own_presence_waits_for_the_read_of_the_application() {
    let mut driver = unread();
    let ticket = set_note(&mut driver);
    assert_eq!(driver.result(ticket), None);
    assert!(!driver.is_sent("POST", &format!("{APP}/me/note")));
    driver.reply("GET", APP, 200, with_note());
    driver.reply("POST", &format!("{APP}/me/note"), 204, Value::Null);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
}

/// The server offers the links of the conversations only when the user is available.
#[test]
fn a_chat_waits_for_the_read_if_the_new_application_has_no_link_to_begin_one() {
    let invitations = format!("{APP}/communication/messagingInvitations");
    for is_read in [true, false] {
        let (mut driver, _) = creating();
        let mut early = application(true);
        let links = &mut early["_embedded"]["communication"]["_links"];
        for rel in ["startMessaging", "startOnlineMeeting", "joinOnlineMeeting"] {
            links.as_object_mut().unwrap().remove(rel);
        }
        driver.reply("POST", APPLICATIONS, 201, early);
        make_available(&mut driver);
        driver.submit(Operation::OpenConversation {
            conversation: chat(),
            participant: peer(),
            peer: "sip:lenea@contoso.com".to_owned(),
        });
        let message = driver.send(1, "Hello Lene");
        assert!(!driver.is_sent("POST", &invitations));
        assert_eq!(driver.result(message), None);
        if is_read {
            driver.reply("GET", APP, 200, application(false));
            assert_eq!(driver.result(message), None);
            assert!(driver.is_sent("POST", &invitations));
        } else {
            driver.reply("GET", APP, 400, json!({"code": "BadRequest"}));
            assert_eq!(driver.failure(message).status(), Some(400));
        }
    }
}

#[test]
fn an_application_that_cannot_be_read_is_read_again_later() {
    let mut driver = unread();
    let early = set_note(&mut driver);
    let follow = ContactsOperation::follow(ContactList::Contacts, Interest::Live);
    let following = driver.submit(Operation::Contacts(follow));
    assert_eq!(driver.result(following), Some(&Ok(Outcome::Done)));
    driver.reply("GET", APP, 400, json!({"code": "BadRequest"}));
    assert_eq!(driver.failure(early).status(), Some(400));
    assert!(signed_out(&driver).is_none());
    let late = set_note(&mut driver);
    driver.advance(Duration::from_secs(15));
    driver.reply("GET", APP, 200, with_note());
    driver.reply("POST", &format!("{APP}/me/note"), 204, Value::Null);
    assert_eq!(driver.result(late), Some(&Ok(Outcome::Done)));
    driver.advance(TestDriver::config().activity_interval);
    assert!(driver.is_sent("POST", &format!("{APP}/me/reportMyActivity")));
}

#[test]
fn an_application_that_is_lost_before_the_user_is_available_is_created_again() {
    let lost = || json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    for target in ["events", "me/makeMeAvailable"] {
        let (mut driver, ticket) = created();
        let method = if target == "events" { "GET" } else { "POST" };
        driver.reply(method, &format!("{APP}/{target}"), 404, lost());
        assert_eq!(in_flight(&driver), [""; 0], "{target}");
        driver.advance(Duration::from_secs(2));
        driver.create_application();
        assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)), "{target}");
        let reports = driver.events.iter().filter(|event| is_signed_in(event));
        assert_eq!(reports.count(), 1, "{target}");
    }
}

/// The server has accepted the formats with `makeMeAvailable`, and the read confirms them later.
#[test]
fn an_invitation_before_the_read_of_the_application_carries_html() {
    for (status, expected) in [
        (204, "data:text/html;base64,PGI+SGk8L2I+"),
        (400, "data:text/plain;base64,SGk="),
    ] {
        let (mut driver, _) = created();
        let href = format!("{APP}/me/makeMeAvailable");
        driver.reply("POST", &href, status, Value::Null);
        driver.submit(Operation::OpenConversation {
            conversation: ConversationKey::Local(1),
            participant: ParticipantKey::Local(1),
            peer: "sip:lenea@contoso.com".to_owned(),
        });
        driver.submit(Operation::SendMessage {
            conversation: ConversationKey::Local(1),
            message: MessageKey::Local(1),
            body: MessageBody::Html("<b>Hi</b>".to_owned()),
            subject: None,
            message_id: None,
        });
        let request = driver
            .take("POST", &format!("{APP}/communication/messagingInvitations"))
            .json();
        assert_eq!(request["_links"]["message"]["href"], expected, "{status}");
    }
}

#[test]
fn a_lost_application_fails_the_operations_that_wait_for_its_read() {
    let mut driver = unread();
    let ticket = set_note(&mut driver);
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    driver.reply("GET", &format!("{APP}/events"), 404, lost);
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::ConnectionLost);
}

#[test]
fn a_page_that_waits_is_dropped_with_its_application() {
    let (mut driver, ticket) = created();
    let page = json!({"_links": {"next": {"href": format!("{APP}/events?ack=2")}},
        "sender": offered("17b", "hello")});
    driver.reply("GET", &format!("{APP}/events"), 200, page);
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    driver.reply("POST", &format!("{APP}/me/makeMeAvailable"), 404, lost);
    driver.advance(Duration::from_secs(2));
    driver.create_application();
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    let is_incoming = |event: &SessionEvent| matches!(event, SessionEvent::Incoming { .. });
    assert!(!driver.events.iter().any(is_incoming));
}

/// The application was created again, and a message was sent in it. The server has said what became of the message.
#[test]
fn a_result_on_a_page_that_waits_is_reported_before_the_application_ends() {
    for (status, subcode) in [
        (404, "ApplicationNotFound"),
        (410, "InactiveApplicationExpired"),
    ] {
        let mut driver = TestDriver::signed_in();
        let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
        driver.reply("GET", &format!("{APP}/events"), 404, lost);
        driver.advance(Duration::from_secs(2));
        driver.reply("POST", APPLICATIONS, 201, application(true));
        driver.submit(Operation::OpenConversation {
            conversation: chat(),
            participant: peer(),
            peer: "sip:lenea@contoso.com".to_owned(),
        });
        let message = driver.send(1, "Hello Lene");
        let invitations = format!("{APP}/communication/messagingInvitations");
        let operation = driver.created("POST", &invitations, "/17a").json()["operationId"].clone();
        let operation = operation.as_str().unwrap();
        let declined = invitation("completed", operation, "17a", "Declined");
        let declined = with(declined, "status", json!("Failure"));
        let reason = json!({"code": "RemoteFailure", "subcode": "Declined"});
        let declined = with(declined, "reason", reason);
        let page = json!({"_links": {"next": {"href": format!("{APP}/events?ack=2")}},
            "sender": [communication(vec![declined])]});
        driver.reply("GET", &format!("{APP}/events"), 200, page);
        assert_eq!(driver.result(message), None);

        let end = json!({"code": "Gone", "subcode": subcode});
        driver.reply("POST", &format!("{APP}/me/makeMeAvailable"), status, end);
        let failure = driver.failure(message);
        assert_eq!(failure.kind(), &FailureKind::Remote, "{subcode}");
        assert_eq!(failure.subcode(), Some("Declined"), "{subcode}");
    }
}

/// Otherwise the commands of the model would be disabled for a moment after the sign-in.
#[test]
fn the_sign_in_reports_that_the_archive_and_the_contact_list_can_be_changed() {
    let (mut driver, _) = creating();
    let mut created = application(true);
    let communication = &mut created["_embedded"]["communication"];
    communication["conversationHistory"] = json!("Disabled");
    communication["etag"] = json!("1");
    let groups =
        json!({"rel": "people", "_links": {"myGroups": {"href": format!("{APP}/groups")}}});
    created["_embedded"]["people"] = groups;
    driver.reply("POST", APPLICATIONS, 201, created);
    make_available(&mut driver);
    let reported = driver.events.iter().position(is_signed_in);
    let is_before = |wanted: &dyn Fn(&SessionEvent) -> bool| {
        driver.events.iter().position(wanted) < reported && driver.events.iter().any(wanted)
    };
    assert!(is_before(&|event| matches!(
        event,
        SessionEvent::History { settable: true, .. }
    )));
    let is_writable = |event: &SessionEvent| {
        matches!(
            event,
            SessionEvent::ContactList(ContactListChange::Writable(true))
        )
    };
    assert!(is_before(&is_writable));
}

/// Another process could not continue the sign-in.
#[test]
fn there_is_no_checkpoint_before_the_user_is_available() {
    let (mut driver, _) = created();
    assert!(driver.session.checkpoint().is_none());
    make_available(&mut driver);
    assert!(driver.session.checkpoint().is_some());
}
