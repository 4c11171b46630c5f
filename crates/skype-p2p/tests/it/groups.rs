//! Conversations of three users, with the whole client and the server's engine, in virtual time.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use skype_p2p::{
    ActivityItem, Application, CallConnectionState, Change, Context, Conversation,
    ConversationState, Direction, MessageStatus, Participant, ParticipantRole, ParticipantState,
    PersonStatus, ReasonCode, StartOptions,
};

use crate::{
    standard_chat::{conversation, statuses, transcript},
    world::{ALEX, LENE, TOSH, World},
};

/// Fails, instead of hanging, if `test` does not complete.
pub(crate) async fn with_time_limit(test: impl Future<Output = ()>) {
    let limit = Duration::from_secs(600);
    tokio::time::timeout(limit, test)
        .await
        .expect("the test does not end");
}

/// Waits until the chat of a conversation is connected.
pub(crate) async fn chatting(conversation: &Conversation) {
    let chat = conversation.self_participant().chat().state();
    chat.wait_for(CallConnectionState::Connected).await.unwrap();
}

/// The participant with this address.
pub(crate) fn participant(conversation: &Conversation, address: &str) -> Participant {
    let all = conversation.participants().snapshot();
    let found = all.into_iter().find(|it| it.person().id().get() == address);
    found.unwrap_or_else(|| panic!("{address} is not a participant"))
}

/// Connects a chat of Tosh and Lene. Returns the conversations of both.
pub(crate) async fn connect_chat(
    tosh: &Application,
    lene: &Application,
) -> (Conversation, Conversation) {
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let sent = tosh_side.chat_service().send_message("Hi Lene");
    let lene_side = conversation(lene, 1).await;
    lene_side.chat_service().accept().await.unwrap();
    sent.await.unwrap();
    chatting(&tosh_side).await;
    (tosh_side, lene_side)
}

/// Adds Alex, and accepts the invitation.
async fn add_alex(tosh_side: &Conversation, alex: &Application) -> Conversation {
    let guest = tosh_side.create_participant(ALEX).unwrap();
    let added = tosh_side.participants().add(guest);
    let alex_side = conversation(alex, 1).await;
    alex_side.chat_service().accept().await.unwrap();
    added.await.unwrap();
    alex_side
}

#[tokio::test(start_paused = true)]
async fn a_chat_connect_chat_becomes_one_of_three_and_stays_the_same_conversation() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, lene, alex) = (world.tosh().await, world.lene().await, world.alex().await);
        let (tosh_side, lene_side) = connect_chat(&tosh, &lene).await;
        assert!(!tosh_side.is_group_conversation().get());
        let alex_side = add_alex(&tosh_side, &alex).await;
        for each in [&tosh_side, &lene_side, &alex_side] {
            chatting(each).await;
            assert!(each.is_group_conversation().get());
            assert_eq!(each.state().get(), ConversationState::Connected);
            assert_eq!(each.participants().size().get(), 2);
        }
        assert_eq!(tosh_side.uri().get(), alex_side.uri().get());
        assert!(tosh_side.uri().get().unwrap().contains("conf:focus"));
        assert_eq!(
            participant(&tosh_side, ALEX).state().get(),
            ParticipantState::Connected
        );
        assert_eq!(
            participant(&tosh_side, ALEX).display_name().get(),
            "Alex Darrow"
        );
        assert_eq!(
            tosh_side.self_participant().role().get(),
            ParticipantRole::Leader
        );
        let tosh_participant = alex_side.participants().snapshot();
        let tosh_participant = tosh_participant
            .iter()
            .find(|it| it.display_name().get() == "Tosh Meston");
        assert_eq!(
            tosh_participant.unwrap().role().get(),
            ParticipantRole::Leader
        );

        tosh_side
            .chat_service()
            .send_message("Meet Alex")
            .await
            .unwrap();
        alex_side
            .chat_service()
            .send_message("Hello")
            .await
            .unwrap();
        for each in [&tosh_side, &lene_side] {
            each.chat_service()
                .messages()
                .size()
                .wait_for(3)
                .await
                .unwrap();
            let last = transcript(each).pop().unwrap();
            assert_eq!(
                last,
                (
                    Direction::Incoming,
                    "Alex Darrow".to_owned(),
                    "Hello".to_owned()
                )
            );
        }
        assert_eq!(statuses(&tosh_side)[..2], [MessageStatus::Succeeded; 2]);

        // Lene leaves. The chat of the other two continues.
        lene_side.leave().await.unwrap();
        let left = participant(&tosh_side, LENE).state();
        left.wait_for(ParticipantState::Disconnected).await.unwrap();
        tosh_side
            .chat_service()
            .send_message("Bye, Lene")
            .await
            .unwrap();
        assert_eq!(transcript(&alex_side).len(), 3);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_participant_who_declines_is_disconnected_with_the_reason() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, lene, alex) = (world.tosh().await, world.lene().await, world.alex().await);
        let (tosh_side, _lene_side) = connect_chat(&tosh, &lene).await;
        let guest = tosh_side.create_participant(ALEX).unwrap();
        let added = tosh_side.participants().add(guest);
        conversation(&alex, 1)
            .await
            .chat_service()
            .reject()
            .await
            .unwrap();
        assert_eq!(*added.await.unwrap_err().code(), ReasonCode::Refused);
        let state = participant(&tosh_side, ALEX).state();
        assert_eq!(state.get(), ParticipantState::Disconnected);
        assert_eq!(*state.reason().unwrap().code(), ReasonCode::Refused);
        // A conversation that became a conference remains one.
        chatting(&tosh_side).await;
        assert!(tosh_side.is_group_conversation().get());
        tosh_side
            .chat_service()
            .send_message("Just us, then")
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_removed_participant_is_disconnected_on_both_sides() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, lene, alex) = (world.tosh().await, world.lene().await, world.alex().await);
        let (tosh_side, _lene_side) = connect_chat(&tosh, &lene).await;
        let alex_side = add_alex(&tosh_side, &alex).await;
        chatting(&alex_side).await;
        let guest = participant(&tosh_side, ALEX);
        tosh_side
            .participants()
            .remove(guest.clone())
            .await
            .unwrap();
        assert_eq!(guest.state().get(), ParticipantState::Disconnected);
        assert_eq!(tosh_side.participants().size().get(), 1);
        alex_side
            .state()
            .wait_for(ConversationState::Disconnected)
            .await
            .unwrap();
        let reason = alex_side.state().reason().unwrap();
        assert_eq!(
            reason.details().unwrap().subcode.as_deref(),
            Some("Ejected")
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_begins_with_two_others_is_a_conference_from_the_start() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, lene, alex) = (world.tosh().await, world.lene().await, world.alex().await);
        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let guest = tosh_side.create_participant(ALEX).unwrap();
        tosh_side.participants().add(guest).await.unwrap();
        let sent = tosh_side.chat_service().send_message("Hello both");
        let (lene_side, alex_side) = (conversation(&lene, 1).await, conversation(&alex, 1).await);
        lene_side.chat_service().accept().await.unwrap();
        chatting(&lene_side).await;
        alex_side.chat_service().accept().await.unwrap();
        sent.await.unwrap();
        assert!(tosh_side.is_group_conversation().get());
        assert_eq!(tosh_side.participants().size().get(), 2);
        lene_side
            .chat_service()
            .messages()
            .size()
            .wait_for(1)
            .await
            .unwrap();
        assert_eq!(transcript(&lene_side)[0].2, "Hello both");

        // Tosh leaves the conference and joins it again by its URI.
        tosh_side.leave().await.unwrap();
        tosh_side
            .chat_service()
            .send_message("Back again")
            .await
            .unwrap();
        lene_side
            .chat_service()
            .messages()
            .size()
            .wait_for(2)
            .await
            .unwrap();
        assert_eq!(transcript(&lene_side)[1].2, "Back again");
        assert_eq!(lene.conversations_manager().conversations().size().get(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn custom_content_reaches_the_invitee() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, lene) = (world.tosh().await, world.lene().await);
        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let mut options = StartOptions::default();
        let context = Context::new("application/json", "{\"order\": 7}");
        options.context = Some(context.clone());
        let started = tosh_side.chat_service().start(options);
        let lene_side = conversation(&lene, 1).await;
        assert_eq!(lene_side.context().get(), Some(context));
        lene_side.chat_service().accept().await.unwrap();
        started.await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn typing_in_a_conference_names_the_participant() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, lene, alex) = (world.tosh().await, world.lene().await, world.alex().await);
        let (tosh_side, lene_side) = connect_chat(&tosh, &lene).await;
        let alex_side = add_alex(&tosh_side, &alex).await;
        for each in [&tosh_side, &lene_side, &alex_side] {
            chatting(each).await;
        }
        let before = world.log().len();
        for _ in 0..3 {
            alex_side.chat_service().send_is_typing().await.unwrap();
        }
        let typing = participant(&tosh_side, ALEX).chat().is_typing();
        typing.wait_for(true).await.unwrap();
        assert!(!participant(&tosh_side, LENE).chat().is_typing().get());
        typing.wait_for(false).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let log = world.log();
        let requests = log[before..]
            .iter()
            .filter(|line| line.ends_with("/typing"));
        assert_eq!(
            requests.count(),
            1,
            "typing reports in quick succession are one request"
        );
    })
    .await;
}

/// The requests that contain Alex's address, except token requests.
fn requests_with_alex(world: &World) -> usize {
    let body = |it: &http::Request<bytes::Bytes>| String::from_utf8_lossy(it.body()).into_owned();
    let requests = world.requests();
    let bodies = requests.iter().map(body);
    bodies
        .filter(|it| it.contains("alexd@contoso.com") && !it.contains("grant_type"))
        .count()
}

#[tokio::test(start_paused = true)]
async fn a_participant_that_is_removed_before_the_chat_begins_is_not_invited() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, lene, alex) = (world.tosh().await, world.lene().await, world.alex().await);
        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let guest = tosh_side.create_participant(ALEX).unwrap();
        let participants = tosh_side.participants();
        participants.add(guest.clone()).await.unwrap();
        participants.remove(guest).await.unwrap();
        assert_eq!(participants.size().get(), 1);
        let sent = tosh_side.chat_service().send_message("Between you and me");
        let lene_side = conversation(&lene, 1).await;
        lene_side.chat_service().accept().await.unwrap();
        sent.await.unwrap();
        tokio::time::sleep(Duration::from_secs(20)).await;
        let at_alex = alex.conversations_manager().conversations().size().get();
        assert_eq!((at_alex, requests_with_alex(&world)), (0, 0));
        assert!(!tosh_side.is_group_conversation().get());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_to_a_conversation_without_participants_fails_and_invites_no_user() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, lene) = (world.tosh().await, world.lene().await);
        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let only = participant(&tosh_side, LENE);
        tosh_side.participants().remove(only).await.unwrap();
        let sent = tosh_side
            .chat_service()
            .send_message("Is anybody there?")
            .await;
        assert_eq!(*sent.unwrap_err().code(), ReasonCode::InvalidState);
        assert_eq!(statuses(&tosh_side), [MessageStatus::Failed]);
        tokio::time::sleep(Duration::from_secs(20)).await;
        let at_lene = lene.conversations_manager().conversations().size().get();
        assert_eq!(at_lene, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_presence_of_every_participant_of_a_conference_can_be_followed() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, lene, alex) = (world.tosh().await, world.lene().await, world.alex().await);
        let (tosh_side, lene_side) = connect_chat(&tosh, &lene).await;
        let alex_side = add_alex(&tosh_side, &alex).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        for (application, seen, address) in [
            (&lene, &lene_side, ALEX),
            (&alex, &alex_side, LENE),
            (&alex, &alex_side, TOSH),
        ] {
            let person = participant(seen, address).person();
            let status = person.status();
            let _following = status.subscribe();
            status.wait_for(PersonStatus::Online).await.unwrap();
            let known = application.persons_and_groups_manager().get_person(address);
            assert!(known.unwrap() == person, "one object for {address}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_last_participant_of_a_conference_is_alone_and_can_leave_and_join_it() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, lene, alex) = (world.tosh().await, world.lene().await, world.alex().await);
        let (tosh_side, lene_side) = connect_chat(&tosh, &lene).await;
        let seen = Arc::new(Mutex::new(Vec::new()));
        for each in [&tosh_side, &lene_side] {
            let log = seen.clone();
            let record = move |change: &Change<bool>| log.lock().unwrap().push(change.new);
            each.is_alone().changed(record).detach();
        }
        let alex_side = add_alex(&tosh_side, &alex).await;
        for each in [&tosh_side, &lene_side, &alex_side] {
            chatting(each).await;
            assert!(!each.is_joining_enabled().get());
        }
        lene_side.leave().await.unwrap();
        let left = participant(&tosh_side, LENE).state();
        left.wait_for(ParticipantState::Disconnected).await.unwrap();
        assert_eq!(
            *seen.lock().unwrap(),
            [false, false],
            "Alex is still in the conference"
        );

        alex_side.leave().await.unwrap();
        tosh_side.is_alone().wait_for(true).await.unwrap();
        let items = tosh_side.history_service().activity_items().snapshot();
        let kinds = items.iter().map(|item| match item {
            ActivityItem::ParticipantJoined(it) => ("joined", it.participant().display_name()),
            ActivityItem::ParticipantLeft(it) => ("left", it.participant().display_name()),
            ActivityItem::TextMessage(it) => ("wrote", it.sender().display_name()),
            _ => unreachable!(),
        });
        let kinds: Vec<_> = kinds.map(|(kind, name)| (kind, name.get())).collect();
        let expected = [
            ("wrote", "Tosh Meston"),
            ("joined", "Lene Aaling"),
            ("joined", "Alex Darrow"),
            ("left", "Lene Aaling"),
            ("left", "Alex Darrow"),
        ];
        assert_eq!(kinds, expected.map(|(kind, name)| (kind, name.to_owned())));

        tosh_side.leave().await.unwrap();
        assert!(!tosh_side.is_alone().get());
        assert!(tosh_side.is_joining_enabled().get());
    })
    .await;
}
