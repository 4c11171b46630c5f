//! Handover of a session: checkpoints, detaching and resuming.

mod messages;

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

pub(crate) use self::messages::{operation_id, settled, with_doubtful_message};
use crate::driver::*;
use crate::pages::*;
use crate::people::{batch_of, targets, with_people};
use crate::sending::established;
use crate::unclaimed::discovered;

const SECOND: Duration = Duration::from_secs(1);
const PARTICIPANTS: &str = "/participants";

/// A session that resumes from the checkpoint, which was encoded and decoded before.
pub(crate) fn resumed_with(config: SessionConfig, checkpoint: &Checkpoint) -> (TestDriver, Ticket) {
    let stored = Checkpoint::decode(&checkpoint.encode()).unwrap();
    let mut driver = TestDriver::new(config.clone());
    driver.session = Session::resume(config, stored);
    let ticket = driver.submit(Operation::SignIn(TestDriver::credentials()));
    (driver, ticket)
}

pub(crate) fn resumed(checkpoint: &Checkpoint) -> (TestDriver, Ticket) {
    resumed_with(TestDriver::config(), checkpoint)
}

/// An application that offers batches, after `makeMeAvailable`.
fn batching() -> Value {
    with_people(false)
}

/// A session with an established chat whose next page is number 4.
pub(crate) fn chatting() -> TestDriver {
    established()
}

/// The checkpoint of such a session.
pub(crate) fn chat_checkpoint() -> Checkpoint {
    chatting().session.checkpoint().unwrap()
}

fn sent_requests(driver: &TestDriver) -> Vec<String> {
    let sent = driver.sent.iter();
    sent.map(|it| format!("{} {}", it.request.method(), it.target()))
        .collect()
}

fn conversation_resource(id: &str) -> Value {
    let event = conversation_event("updated", id, "Connected");
    let mut resource = event["_embedded"]["conversation"].clone();
    resource["_links"]["participants"] =
        json!({"href": format!("{}{PARTICIPANTS}", conversation_href(id))});
    resource
}

fn participants(id: &str) -> Value {
    let lene = json!({"href": participant_href(id), "title": "Lene Aaling"});
    json!({"rel": "participants", "_links": {"participant": [lene]}})
}

/// Answers the reads of a restored conversation.
pub(crate) fn answer_reads(driver: &mut TestDriver, id: &str) {
    let href = conversation_href(id);
    driver.reply("GET", &href, 200, conversation_resource(id));
    driver.reply(
        "GET",
        &format!("{href}{PARTICIPANTS}"),
        200,
        participants(id),
    );
    let messaging = messaging(id, "Connected")["_embedded"]["messaging"].clone();
    driver.reply("GET", &format!("{href}/messaging"), 200, messaging);
}

/// A resumed session whose application was read, and the key of its conversation.
pub(crate) fn resumed_chat(checkpoint: &Checkpoint) -> (TestDriver, ConversationKey) {
    let (mut driver, ticket) = resumed(checkpoint);
    driver.reply("GET", APP, 200, application(false));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    let key = discovered(&driver).unwrap();
    (driver, key)
}

#[test]
fn a_session_resumes_with_two_requests_and_without_a_password() {
    let mut old = chatting();
    let next = old.take("GET", &format!("{APP}/events")).target();
    let checkpoint = old.session.checkpoint().unwrap();
    let (mut driver, ticket) = resumed(&checkpoint);
    assert_eq!(
        sent_requests(&driver),
        [format!("GET {next}"), format!("GET {APP}")]
    );
    let token = &driver.sent[0].request.headers()["authorization"];
    assert_eq!(token, "Bearer cwt=one");
    assert_eq!(driver.result(ticket), None);
    driver.reply("GET", APP, 200, application(false));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    let states: Vec<_> = (driver.events.iter())
        .filter_map(|event| match event {
            SessionEvent::SignIn { state, failure, .. } => Some((*state, failure.is_none())),
            _ => None,
        })
        .collect();
    assert_eq!(
        states,
        [
            (SignInState::SigningIn, true),
            (SignInState::SignedIn, true)
        ]
    );
    assert!(driver.is_sent("GET", &next));
    assert_eq!(driver.count_sent("POST", "/"), 0);
}

/// Otherwise the server would repeat the page, and the successor would show its messages again.
#[test]
fn a_successor_acknowledges_the_last_page_although_the_channel_has_restarted() {
    let mut old = chatting();
    let poll = old.take("GET", &format!("{APP}/events"));
    let next = poll.target();
    let replaced = json!({"code": "Conflict", "subcode": "PGetReplaced"});
    old.respond(poll.id, answer(409, replaced));
    let restarted = old.take("GET", &format!("{APP}/events"));
    assert_ne!(restarted.target(), next);
    let (driver, _) = resumed(&old.session.checkpoint().unwrap());
    assert!(driver.is_sent("GET", &next));
    // A page at the events link is acknowledged like any other.
    let page = json!({
        "_links": {"self": {"href": "x"}, "next": {"href": format!("{APP}/events?ack=90")}},
        "sender": [],
    });
    old.respond(restarted.id, answer(200, page));
    let (driver, _) = resumed(&old.session.checkpoint().unwrap());
    assert!(driver.is_sent("GET", &format!("{APP}/events?ack=90")));
}

#[test]
fn a_successor_has_the_user_agent_and_the_endpoint_id_of_the_checkpoint() {
    let checkpoint = chat_checkpoint();
    let mut upgraded = TestDriver::config();
    upgraded.user_agent = "an upgraded bot".to_owned();
    upgraded.endpoint_id = Some("desk".to_owned());
    let (mut driver, _) = resumed_with(upgraded, &checkpoint);
    for request in &driver.sent {
        assert_eq!(request.request.headers()["user-agent"], "skype-p2p");
    }
    // If the application no longer exists, the new one gets the same values.
    driver.reply("GET", APP, 404, Value::Null);
    find_applications(&mut driver);
    let created = driver.take("POST", "/ucwa/oauth/v1/applications").json();
    let mut old = TestDriver::new(TestDriver::config());
    old.submit(Operation::SignIn(TestDriver::credentials()));
    old.discover();
    let created_by_old = old.take("POST", "/ucwa/oauth/v1/applications").json();
    assert_eq!(created, created_by_old);
    assert_eq!(created["userAgent"], "skype-p2p");
}

/// Answers the requests before the creation of an application, with the token of the checkpoint.
pub(crate) fn find_applications(driver: &mut TestDriver) {
    let root = json!({"_links": {"self": {"href": ROOT}, "user": {"href": "/user"}}});
    driver.reply("GET", "/", 200, root);
    let links =
        json!({"self": {"href": "/user"}, "applications": {"href": "/ucwa/oauth/v1/applications"}});
    driver.reply("GET", "/user", 200, json!({"_links": links}));
}

#[test]
fn a_conversation_continues_with_its_peer_its_roster_and_its_unread_messages() {
    let mut old = chatting();
    let checkpoint = old.session.detach(old.now).unwrap();
    let (mut driver, key) = resumed_chat(&checkpoint);
    let peer = driver.events.iter().find_map(|event| match event {
        SessionEvent::Discovered { peer, .. } => peer.clone(),
        _ => None,
    });
    let peer = peer.unwrap();
    assert_eq!(peer.uri.as_deref(), Some("sip:lenea@contoso.com"));
    assert_eq!(peer.name.as_deref(), Some("Lene Aaling"));
    assert_eq!(
        driver.changes(key),
        [
            ConversationChange::Connected,
            ConversationChange::ParticipantJoined(peer.clone()),
            ConversationChange::chat_connected(false),
            ConversationChange::participant_chat(peer.key, true),
        ]
    );
    // The page that the earlier session did not acknowledge comes before the links are read.
    driver.page(senders("21a1", vec![(true, arrival("21a1", "5", "Hi"))]));
    let authors: Vec<_> = (driver.events.iter())
        .filter_map(|event| match event {
            SessionEvent::Conversation {
                change: ConversationChange::MessageReceived { sender, .. },
                ..
            } => Some(sender.key),
            _ => None,
        })
        .collect();
    assert_eq!(authors, [peer.key]);
    answer_reads(&mut driver, "21a1");
    assert!(driver.sent.iter().all(|it| it.lane == Lane::Events));
    // No participant joins, because the roster contains the only one.
    let joined = |it: &ConversationChange| matches!(it, ConversationChange::ParticipantJoined(_));
    assert!(!driver.changes(key).iter().any(joined));
    let ticket = driver.submit(Operation::SendMessage {
        conversation: key,
        message: MessageKey::Local(1),
        body: MessageBody::Text("Hello again".to_owned()),
        subject: None,
        message_id: None,
    });
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    driver.created("POST", &messages, &message_href("21a1", "6"));
    driver.page(senders(
        "21a1",
        vec![(true, delivery_event("21a1", "6", "Success"))],
    ));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
}

#[test]
fn a_message_that_is_sent_before_the_links_are_read_waits_for_them() {
    let checkpoint = chat_checkpoint();
    let (mut driver, key) = resumed_chat(&checkpoint);
    driver.submit(Operation::SendMessage {
        conversation: key,
        message: MessageKey::Local(1),
        body: MessageBody::Text("Hello again".to_owned()),
        subject: None,
        message_id: None,
    });
    assert_eq!(driver.count_sent("POST", "/"), 0);
    answer_reads(&mut driver, "21a1");
    assert_eq!(driver.count_sent("POST", &conversation_href("21a1")), 1);
}

#[test]
fn links_and_rosters_are_read_in_batches() {
    let checkpoint = chat_checkpoint();
    // A second conversation: the batch needs two reads.
    let mut both: Value = serde_json::from_str(&checkpoint.encode()).unwrap();
    let mut second = both["c"][0].clone();
    second[0] = json!("21a2");
    both["c"].as_array_mut().unwrap().push(second);
    let checkpoint = Checkpoint::decode(&both.to_string()).unwrap();
    let (mut driver, _) = resumed(&checkpoint);
    driver.reply("GET", APP, 200, batching());
    let (one, two) = (conversation_href("21a1"), conversation_href("21a2"));
    let batch = driver.take("POST", &format!("{APP}/batch"));
    assert_eq!(
        targets(&batch),
        [format!("GET {one}"), format!("GET {two}")]
    );
    driver.respond(
        batch.id,
        batch_of(&[
            (200, conversation_resource("21a1")),
            (200, conversation_resource("21a2")),
        ]),
    );
    let batch = driver.take("POST", &format!("{APP}/batch"));
    assert_eq!(
        targets(&batch),
        [
            format!("GET {one}/participants"),
            format!("GET {one}/messaging"),
            format!("GET {two}/participants"),
            format!("GET {two}/messaging"),
        ]
    );
    assert_eq!(driver.count_sent("GET", &one), 0);
}

#[test]
fn a_conversation_that_is_gone_ends() {
    let checkpoint = chat_checkpoint();
    let (mut driver, key) = resumed_chat(&checkpoint);
    driver.reply(
        "GET",
        &conversation_href("21a1"),
        404,
        json!({"code": "NotFound"}),
    );
    assert!(matches!(
        driver.changes(key).last(),
        Some(ConversationChange::Ended {
            failure: Some(_),
            ..
        })
    ));
}

#[test]
fn detaching_deletes_nothing_and_ends_every_operation() {
    let mut driver = chatting();
    let ticket = driver.send(1, "one");
    let queued = driver.send(2, "two");
    let checkpoint = driver.session.detach(driver.now);
    driver.handle(Input::Timeout);
    assert!(checkpoint.is_some());
    assert!(driver.sent.is_empty(), "{:?}", driver.sent);
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
    assert_eq!(driver.failure(queued).kind(), &FailureKind::Detached);
    let failure = crate::channel::signed_out(&driver).unwrap();
    assert_eq!(failure.kind(), &FailureKind::Detached);
    assert_eq!(driver.wake_at, None);
    assert!(driver.session.checkpoint().is_none());
    assert!(driver.session.detach(driver.now).is_none());
    // A queued message was not sent, so it is not doubtful.
    assert_eq!(checkpoint.unwrap().doubtful_messages().count(), 1);
}

#[test]
fn detaching_during_a_sign_in_fails_it_and_deletes_nothing() {
    let mut driver = TestDriver::new(TestDriver::config());
    let ticket = driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.discover();
    assert!(driver.session.detach(driver.now).is_none());
    driver.handle(Input::Timeout);
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::Detached);
    assert!(driver.sent.is_empty(), "{:?}", driver.sent);
}

#[test]
fn an_expired_token_is_renewed_before_the_first_poll() {
    let old = chatting();
    let checkpoint = old.session.checkpoint().unwrap();
    let mut config = TestDriver::config();
    config.wall_at_epoch += Duration::from_secs(28_001);
    let (mut driver, ticket) = resumed_with(config, &checkpoint);
    let request = driver.take("POST", "/WebTicket/oauthtoken");
    assert!(request.body().contains("grant_type=password"));
    assert!(driver.sent.is_empty(), "{:?}", driver.sent);
    driver.respond(request.id, answer(200, token("cwt=two", 28_000)));
    let authorization = &driver.sent[0].request.headers()["authorization"];
    assert_eq!(authorization, "Bearer cwt=two");
    driver.reply("GET", APP, 200, application(false));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
}

#[test]
fn a_token_is_renewed_in_time_after_the_session_was_resumed() {
    let checkpoint = chat_checkpoint();
    let mut config = TestDriver::config();
    config.wall_at_epoch += Duration::from_secs(27_000);
    let (mut driver, _) = resumed_with(config, &checkpoint);
    driver.reply("GET", APP, 200, application(false));
    driver.advance(890 * SECOND);
    assert!(!driver.is_sent("POST", "/WebTicket/oauthtoken"));
    driver.advance(20 * SECOND);
    assert!(driver.is_sent("POST", "/WebTicket/oauthtoken"));
}

#[test]
fn without_the_application_the_session_signs_in_and_reports_the_reason() {
    let lost = || json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    let expired = || json!({"code": "Gone", "subcode": "InactiveApplicationExpired"});
    let events = format!("{APP}/events");
    for (target, status, body) in [
        (events.as_str(), 404, lost()),
        (events.as_str(), 410, expired()),
        (APP, 404, lost()),
        (APP, 404, Value::Null),
        (APP, 410, expired()),
    ] {
        let checkpoint = chat_checkpoint();
        let (mut driver, ticket) = resumed(&checkpoint);
        let key = discovered(&driver).unwrap();
        driver.reply("GET", target, status, body);
        let reasons: Vec<_> = (driver.events.iter())
            .filter_map(|event| match event {
                SessionEvent::NotResumed { failure, .. } => failure.status(),
                _ => None,
            })
            .collect();
        assert_eq!(reasons, [status], "{target}");
        assert!(matches!(
            driver.changes(key).last(),
            Some(ConversationChange::Ended {
                failure: Some(_),
                ..
            })
        ));
        assert_eq!(driver.result(ticket), None);
        // The token is still valid.
        find_applications(&mut driver);
        driver.create_application();
        assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
        assert!(driver.sent.iter().all(|it| it.request.method() != "DELETE"));
    }
}

#[test]
fn a_checkpoint_before_the_application_is_read_has_the_pending_invitations() {
    let mut old = TestDriver::signed_in();
    old.page(offered("17b", "hello"));
    let checkpoint = old.session.checkpoint().unwrap();
    let (driver, _) = resumed(&checkpoint);
    for checkpoint in [checkpoint, driver.session.checkpoint().unwrap()] {
        assert_eq!(checkpoint.conversations(), 1);
    }
}

#[test]
fn a_server_that_cannot_be_reached_fails_the_sign_in_and_deletes_nothing() {
    let checkpoint = chat_checkpoint();
    let (mut driver, ticket) = resumed(&checkpoint);
    while driver.result(ticket).is_none() {
        for target in [APP.to_owned(), format!("{APP}/events")] {
            if driver.is_sent("GET", &target) {
                driver.break_off("GET", &target, Sent::No);
            }
        }
        driver.advance(SECOND);
        assert!(driver.now < 120 * SECOND);
    }
    assert!(driver.sent.is_empty(), "{:?}", driver.sent);
}

/// The application may still exist, so no other one is created, and it is not deleted.
#[test]
fn an_application_that_cannot_be_read_fails_the_sign_in_and_is_kept() {
    let checkpoint = chat_checkpoint();
    let (mut driver, ticket) = resumed(&checkpoint);
    driver.reply("GET", APP, 400, json!({"code": "BadRequest"}));
    assert_eq!(driver.failure(ticket).status(), Some(400));
    let is_not_resumed = |event: &SessionEvent| matches!(event, SessionEvent::NotResumed { .. });
    assert!(!driver.events.iter().any(is_not_resumed));
    assert!(driver.sent.is_empty(), "{:?}", driver.sent);
}

#[test]
fn a_checkpoint_of_another_user_is_refused_and_nothing_is_sent() {
    let checkpoint = chat_checkpoint();
    let mut driver = TestDriver::new(TestDriver::config());
    driver.session = Session::resume(TestDriver::config(), checkpoint);
    let ticket = driver.submit(Operation::SignIn(Credentials::Password {
        sip_uri: "sip:lenea@contoso.com".to_owned(),
        user_name: None,
        password: PASSWORD.into(),
    }));
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::InvalidArgument);
    assert!(driver.sent.is_empty(), "{:?}", driver.sent);
}

#[test]
fn a_checkpoint_gives_no_credential_to_a_host_that_is_not_trusted() {
    let checkpoint = chat_checkpoint();
    let text = checkpoint.encode();
    let moved = text.replace("http://127.0.0.1:5061/ucwa", "https://evil.example/ucwa");
    assert_ne!(text, moved);
    let (driver, ticket) = resumed(&Checkpoint::decode(&moved).unwrap());
    assert!(driver.sent.is_empty(), "{:?}", driver.sent);
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::Untrusted);
}

/// The chat has ended, and the peer invites to another one in the same conversation.
#[test]
fn a_conversation_with_a_further_invitation_is_restored() {
    let mut old = chatting();
    let mut invited = offered("21a1", "Again?");
    invited[0]["events"].as_array_mut().unwrap().truncate(1);
    old.page(invited);
    let (driver, _) = resumed_chat(&old.session.checkpoint().unwrap());
    assert!(driver.is_sent("GET", &conversation_href("21a1")));
}

/// The text of the invitation is shown by the next session only, also if the acceptance is not confirmed yet.
#[test]
fn a_pending_invitation_remains_pending() {
    for is_accepted in [false, true] {
        let mut old = TestDriver::signed_in();
        old.page(offered("17b", "hello"));
        let key = ConversationKey::Remote(crate::channel::first_remote(&old));
        if is_accepted {
            old.submit(Operation::Accept(key));
        }
        let checkpoint = old.session.detach(old.now).unwrap();
        old.handle(Input::Timeout);
        assert_eq!(old.received(key), [""; 0]);
        assert_eq!(checkpoint.conversations(), 1);
        let (mut driver, _) = resumed(&checkpoint);
        driver.reply("GET", APP, 200, application(false));
        let invitation =
            offered("17b", "hello")[0]["events"][0]["_embedded"]["messagingInvitation"].clone();
        driver.reply("GET", INVITATION, 200, invitation);
        let incoming = driver.events.iter().find_map(|event| match event {
            SessionEvent::Incoming {
                conversation,
                answerable: true,
                ..
            } => Some(*conversation),
            _ => None,
        });
        driver.submit(Operation::Accept(incoming.expect("no invitation")));
        assert!(driver.is_sent("POST", &format!("{INVITATION}/accept")));
    }
}

/// The event may be older than the links that the session needs.
#[test]
fn a_restored_conversation_is_read_although_an_event_describes_it() {
    let (mut driver, key) = resumed_chat(&chat_checkpoint());
    driver.page(senders(
        "21a1",
        vec![(false, conversation_event("updated", "21a1", "Connected"))],
    ));
    answer_reads(&mut driver, "21a1");
    driver.submit(Operation::SendMessage {
        conversation: key,
        message: MessageKey::Local(1),
        body: MessageBody::Text("one".to_owned()),
        subject: None,
        message_id: None,
    });
    driver.take(
        "POST",
        &format!("{}/messaging/messages", conversation_href("21a1")),
    );
}
