//! Chats between two applications, in virtual time.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use skype_p2p::{
    CallConnectionState, Context, ConversationState, Credentials, DataUriEncoding, Direction,
    Importance, MessageBody, MessageStatus, ReasonCode, Representation, StartOptions,
};
use tokio::time::{Instant, sleep};
use ucwa_server::Fault;

use crate::{
    standard_chat::{self, conversation, statuses, transcript},
    world::{LENE, LENE_PASSWORD, TOSH, TOSH_PASSWORD, World, beginning},
};

#[tokio::test(start_paused = true)]
async fn the_standard_chat_runs_in_json() {
    let world = World::new();
    standard_chat::run(&world.tosh().await, &world.lene().await).await;
}

#[tokio::test(start_paused = true)]
async fn the_standard_chat_runs_in_xml() {
    let world = World::new();
    let application = || {
        let builder = world.builder().representation(Representation::Xml);
        builder.build().unwrap()
    };
    let (tosh, lene) = (application(), application());
    for (application, address, password) in
        [(&tosh, TOSH, TOSH_PASSWORD), (&lene, LENE, LENE_PASSWORD)]
    {
        let credentials = Credentials::password(address, password);
        application
            .sign_in_manager()
            .sign_in(credentials)
            .await
            .unwrap();
    }
    standard_chat::run(&tosh, &lene).await;
    for request in world.requests() {
        if request.uri().path().starts_with("/ucwa/") {
            let accept = request.headers()["accept"].to_str().unwrap();
            assert!(
                accept.contains("xml") && !accept.contains("json"),
                "{} {accept}",
                request.uri()
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_declined_message_fails_with_the_reason_and_keeps_its_text() {
    let world = World::new();
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let sent = tosh_side.chat_service().send_message("Hi Lene");
    conversation(&lene, 1)
        .await
        .chat_service()
        .reject()
        .await
        .unwrap();

    let reason = sent.await.unwrap_err();
    assert_eq!(*reason.code(), ReasonCode::Refused, "{reason}");
    assert_eq!(
        reason.details().unwrap().subcode.as_deref(),
        Some("Declined"),
        "{reason}"
    );
    assert!(reason.details().unwrap().operation_id.is_some());
    assert_eq!(statuses(&tosh_side), [MessageStatus::Failed]);
    assert_eq!(transcript(&tosh_side)[0].2, "Hi Lene");
    assert_eq!(tosh_side.state().get(), ConversationState::Disconnected);
    assert_eq!(
        tosh_side.state().reason().unwrap().code(),
        &ReasonCode::Refused
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_without_an_answer_is_missed_after_half_a_minute() {
    let world = World::new();
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let begun = Instant::now();
    let reason = tosh_side
        .chat_service()
        .send_message("Hi Lene")
        .await
        .unwrap_err();

    assert_eq!(*reason.code(), ReasonCode::Missed, "{reason}");
    assert!(
        begun.elapsed() >= Duration::from_secs(29),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(statuses(&tosh_side), [MessageStatus::Failed]);
    let lene_side = conversation(&lene, 1).await;
    lene_side
        .state()
        .wait_for(ConversationState::Disconnected)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_to_an_unknown_user_fails_with_the_subcode() {
    let world = World::new();
    let tosh = world.tosh().await;
    let tosh_side = tosh
        .conversations_manager()
        .get_conversation("sip:nobody@contoso.com")
        .unwrap();
    let reason = tosh_side
        .chat_service()
        .send_message("Hello?")
        .await
        .unwrap_err();
    assert!(reason.details().unwrap().subcode.is_some(), "{reason}");
    assert_eq!(statuses(&tosh_side), [MessageStatus::Failed]);
    assert_eq!(tosh_side.state().get(), ConversationState::Disconnected);
}

#[tokio::test(start_paused = true)]
async fn messages_are_sent_in_call_order_although_their_futures_are_dropped() {
    let world = World::new();
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    for text in ["one", "two", "three"] {
        drop(tosh_side.chat_service().send_message(text));
    }
    let lene_side = conversation(&lene, 1).await;
    drop(lene_side.chat_service().accept());
    lene_side
        .chat_service()
        .messages()
        .size()
        .wait_for(3)
        .await
        .unwrap();
    let texts: Vec<_> = transcript(&lene_side)
        .into_iter()
        .map(|(_, _, text)| text)
        .collect();
    assert_eq!(texts, ["one", "two", "three"]);
    let last = tosh_side.chat_service().messages().get(2).unwrap();
    last.status()
        .wait_for(MessageStatus::Succeeded)
        .await
        .unwrap();
    assert_eq!(statuses(&tosh_side), [MessageStatus::Succeeded; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_command_resolves_after_its_facts_are_committed() {
    let world = World::new();
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let log = order.clone();
    let listener = tosh_side
        .chat_service()
        .messages()
        .added(move |message, _, _| {
            let log = log.clone();
            message
                .status()
                .changed(move |change| log.lock().unwrap().push(format!("{:?}", change.new)))
                .detach();
        });
    let sent = tosh_side.chat_service().send_message("Hi Lene");
    let log = order.clone();
    let waiter = tokio::spawn(async move {
        sent.await.unwrap();
        log.lock().unwrap().push("resolved".to_owned());
    });
    conversation(&lene, 1)
        .await
        .chat_service()
        .accept()
        .await
        .unwrap();
    waiter.await.unwrap();
    drop(listener);
    assert_eq!(*order.lock().unwrap(), ["Pending", "Succeeded", "resolved"]);
}

#[tokio::test(start_paused = true)]
async fn commands_fail_after_a_sign_out() {
    let world = World::new();
    let (tosh, _lene) = (world.tosh().await, world.lene().await);
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let pending = tosh_side.chat_service().send_message("Hi Lene");
    tosh.sign_in_manager().sign_out().await.unwrap();

    // The message was in flight, and no result will come.
    assert_eq!(
        *pending.await.unwrap_err().code(),
        ReasonCode::DeliveryUnknown
    );
    assert_eq!(statuses(&tosh_side), [MessageStatus::Unknown]);
    let reason = tosh_side
        .chat_service()
        .send_message("Still there?")
        .await
        .unwrap_err();
    assert_eq!(*reason.code(), ReasonCode::CommandDisabled);
    assert_eq!(reason.cause().unwrap().code(), &ReasonCode::SignedOut);
    assert_eq!(transcript(&tosh_side).len(), 1);
    tosh_side.leave().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_request_is_sent_before_the_sign_in() {
    let world = World::new();
    let tosh = world.application();
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let reason = tosh_side
        .chat_service()
        .send_message("Too early")
        .await
        .unwrap_err();
    assert_eq!(*reason.code(), ReasonCode::CommandDisabled);
    assert_eq!(world.log(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_invalid_address_opens_no_conversation() {
    let world = World::new();
    let manager = world.application().conversations_manager();
    for address in [
        "",
        "   ",
        "lene a@contoso.com",
        "lenea@",
        "@contoso.com",
        "tel:+4712345678",
    ] {
        let reason = manager.get_conversation(address).unwrap_err();
        assert_eq!(*reason.code(), ReasonCode::InvalidArgument, "{address:?}");
    }
    assert!(manager.conversations().snapshot().is_empty());
}

#[tokio::test(start_paused = true)]
async fn html_is_sent_as_html_if_both_sides_support_it() {
    let world = World::new();
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let sent = tosh_side.chat_service().send_message("Hi Lene");
    let lene_side = conversation(&lene, 1).await;
    lene_side.chat_service().accept().await.unwrap();
    sent.await.unwrap();
    tosh_side
        .self_participant()
        .chat()
        .state()
        .wait_for(CallConnectionState::Connected)
        .await
        .unwrap();
    tosh_side
        .chat_service()
        .send_message(MessageBody::Html("<b>bold</b>".to_owned()))
        .await
        .unwrap();
    lene_side
        .chat_service()
        .messages()
        .size()
        .wait_for(2)
        .await
        .unwrap();
    let message = lene_side.chat_service().messages().get(1).unwrap();
    assert_eq!(message.direction(), Direction::Incoming);
    assert_eq!(*message.body(), MessageBody::Html("<b>bold</b>".to_owned()));
}

/// The messages inside invitations, as they were sent.
fn messages_in_invitations(world: &World) -> Vec<String> {
    let requests = world.requests();
    let bodies = requests.iter().map(|it| String::from_utf8_lossy(it.body()));
    bodies
        .filter_map(|body| {
            let (_, data) = body.split_once("\"message\":{\"href\":\"")?;
            Some(data.split_once('"')?.0.to_owned())
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_invitation_carries_its_message_in_base64_or_percent_encoded() {
    for (encoding, sent) in [
        (
            DataUriEncoding::Base64,
            [
                "data:text/plain;base64,SMOpIDErMQ==",
                "data:text/plain;base64,SMOpIDErMg==",
            ],
        ),
        (
            DataUriEncoding::Percent,
            [
                "data:text/plain;charset=utf-8,H%C3%A9%201%2B1",
                "data:text/plain;charset=utf-8,H%C3%A9%201%2B2",
            ],
        ),
    ] {
        let world = World::new();
        let tosh = world.builder().data_uris(encoding).build().unwrap();
        let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
        tosh.sign_in_manager().sign_in(credentials).await.unwrap();
        let lene = world.lene().await;
        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let first = tosh_side.chat_service().send_message("H\u{e9} 1+1");
        let lene_side = conversation(&lene, 1).await;
        lene_side.chat_service().accept().await.unwrap();
        first.await.unwrap();
        let state = tosh_side.state();
        state.wait_for(ConversationState::Connected).await.unwrap();
        world.inject(Fault::DropMessaging {
            user: TOSH.to_owned(),
        });
        let chat = tosh_side.self_participant().chat().state();
        chat.wait_for(CallConnectionState::Disconnected)
            .await
            .unwrap();
        let second = tosh_side.chat_service().send_message("H\u{e9} 1+2");
        let lene_chat = lene_side.self_participant().chat().state();
        lene_chat
            .wait_for(CallConnectionState::Notified)
            .await
            .unwrap();
        lene_side.chat_service().accept().await.unwrap();
        second.await.unwrap();
        assert_eq!(messages_in_invitations(&world), sent);
        let texts = transcript(&lene_side).into_iter().map(|(_, _, text)| text);
        assert_eq!(texts.collect::<Vec<_>>(), ["H\u{e9} 1+1", "H\u{e9} 1+2"]);
        let requests = world.requests();
        let into_conversations = requests.iter().filter(|request| {
            let query = request.uri().query().unwrap_or_default();
            query.contains("conversation")
        });
        assert_eq!(
            into_conversations.count(),
            1,
            "the second invitation is sent by addMessaging"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn timestamps_follow_the_wall_clock_of_the_runtime() {
    let world = World::new();
    let tosh = world.tosh().await;
    sleep(Duration::from_secs(10)).await;
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    drop(tosh_side.chat_service().send_message("Hi Lene"));
    let timestamp = tosh_side
        .chat_service()
        .messages()
        .get(0)
        .unwrap()
        .timestamp()
        .get();
    let elapsed = timestamp.duration_since(beginning()).unwrap();
    assert!((10..11).contains(&elapsed.as_secs()), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_chat_without_a_message_is_started_and_stopped() {
    let world = World::new();
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    tosh_side.set_topic("Lunch on \"Thursday\"").await.unwrap();
    let started = tosh_side.chat_service().start(StartOptions::default());
    let lene_side = conversation(&lene, 1).await;
    assert_eq!(lene_side.topic().get(), "Lunch on \"Thursday\"");
    lene_side.chat_service().accept().await.unwrap();
    started.await.unwrap();
    tosh_side
        .self_participant()
        .chat()
        .state()
        .wait_for(CallConnectionState::Connected)
        .await
        .unwrap();
    tosh_side.chat_service().stop().await.unwrap();
    tosh_side
        .state()
        .wait_for(ConversationState::Disconnected)
        .await
        .unwrap();
    lene_side
        .state()
        .wait_for(ConversationState::Disconnected)
        .await
        .unwrap();
    assert!(transcript(&tosh_side).is_empty() && transcript(&lene_side).is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_invalid_start_ends_its_conversation() {
    let world = World::new();
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    sleep(Duration::from_secs(5)).await;
    let before = world.log().len();
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let mut options = StartOptions::default();
    options.context = Some(Context::new("no media type", "{}"));
    let reason = tosh_side.chat_service().start(options).await.unwrap_err();
    assert_eq!(*reason.code(), ReasonCode::InvalidArgument, "{reason}");
    assert_eq!(tosh_side.state().get(), ConversationState::Disconnected);
    assert_eq!(tosh_side.state().reason(), Some(reason));
    assert_eq!(world.log()[before..], [""; 0]);

    let sent = tosh_side.chat_service().send_message("Without a context");
    conversation(&lene, 1)
        .await
        .chat_service()
        .accept()
        .await
        .unwrap();
    sent.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_importance_of_an_invitation_reaches_the_other_side() {
    let world = World::new();
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    tosh_side.set_importance(Importance::Urgent).await.unwrap();
    let sent = tosh_side.chat_service().send_message("Fire!");
    let lene_side = conversation(&lene, 1).await;
    assert_eq!(lene_side.importance().get(), Importance::Urgent);
    let preview = lene_side.chat_service().preview();
    assert_eq!(
        preview.get(),
        Some("Fire!".into()),
        "while the invitation is pending"
    );
    lene_side.chat_service().accept().await.unwrap();
    sent.await.unwrap();
    assert_eq!(preview.get(), None);
}
