//! Conversations of three, with the whole client and the server's engine, in virtual time.

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
pub(crate) async fn within_minutes(test: impl Future<Output = ()>) {
    let limit = Duration::from_secs(600);
    tokio::time::timeout(limit, test).await.expect("it goes on");
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
    found.unwrap_or_else(|| panic!("{address} is not there"))
}

/// A chat of Tosh and Lene: the conversations of both.
pub(crate) async fn of_two(tosh: &Application, lene: &Application) -> (Conversation, Conversation) {
    let ours = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let sent = ours.chat_service().send_message("Hi Lene");
    let theirs = conversation(lene, 1).await;
    theirs.chat_service().accept().await.unwrap();
    sent.await.unwrap();
    chatting(&ours).await;
    (ours, theirs)
}

/// Adds Alex, and accepts the invitation.
async fn add_alex(ours: &Conversation, alex: &Application) -> Conversation {
    let guest = ours.create_participant(ALEX).unwrap();
    let added = ours.participants().add(guest);
    let alexs = conversation(alex, 1).await;
    alexs.chat_service().accept().await.unwrap();
    added.await.unwrap();
    alexs
}

#[tokio::test(start_paused = true)]
async fn a_chat_of_two_becomes_one_of_three_and_stays_the_same_conversation() {
    within_minutes(async {
        let world = World::new();
        let (tosh, lene, alex) = (world.tosh().await, world.lene().await, world.alex().await);
        let (ours, theirs) = of_two(&tosh, &lene).await;
        assert!(!ours.is_group_conversation().get());
        let alexs = add_alex(&ours, &alex).await;
        for each in [&ours, &theirs, &alexs] {
            chatting(each).await;
            assert!(each.is_group_conversation().get());
            assert_eq!(each.state().get(), ConversationState::Connected);
            assert_eq!(each.participants().size().get(), 2);
        }
        assert_eq!(ours.uri().get(), alexs.uri().get());
        assert!(ours.uri().get().unwrap().contains("conf:focus"));
        assert_eq!(
            participant(&ours, ALEX).state().get(),
            ParticipantState::Connected
        );
        assert_eq!(participant(&ours, ALEX).display_name().get(), "Alex Darrow");
        assert_eq!(
            ours.self_participant().role().get(),
            ParticipantRole::Leader
        );
        let tosh_at_alexs = alexs.participants().snapshot();
        let tosh_at_alexs = tosh_at_alexs
            .iter()
            .find(|it| it.display_name().get() == "Tosh Meston");
        assert_eq!(tosh_at_alexs.unwrap().role().get(), ParticipantRole::Leader);

        ours.chat_service().send_message("Meet Alex").await.unwrap();
        alexs.chat_service().send_message("Hello").await.unwrap();
        for each in [&ours, &theirs] {
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
        assert_eq!(statuses(&ours)[..2], [MessageStatus::Succeeded; 2]);

        // Lene leaves. The chat of the other two continues.
        theirs.leave().await.unwrap();
        let left = participant(&ours, LENE).state();
        left.wait_for(ParticipantState::Disconnected).await.unwrap();
        ours.chat_service().send_message("Bye, Lene").await.unwrap();
        assert_eq!(transcript(&alexs).len(), 3);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_participant_who_declines_is_disconnected_with_the_reason() {
    within_minutes(async {
        let world = World::new();
        let (tosh, lene, alex) = (world.tosh().await, world.lene().await, world.alex().await);
        let (ours, _theirs) = of_two(&tosh, &lene).await;
        let guest = ours.create_participant(ALEX).unwrap();
        let added = ours.participants().add(guest);
        conversation(&alex, 1)
            .await
            .chat_service()
            .reject()
            .await
            .unwrap();
        assert_eq!(*added.await.unwrap_err().code(), ReasonCode::Refused);
        let state = participant(&ours, ALEX).state();
        assert_eq!(state.get(), ParticipantState::Disconnected);
        assert_eq!(*state.reason().unwrap().code(), ReasonCode::Refused);
        // A conversation that became a conference remains one.
        chatting(&ours).await;
        assert!(ours.is_group_conversation().get());
        ours.chat_service()
            .send_message("Just us, then")
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_removed_participant_is_disconnected_on_both_sides() {
    within_minutes(async {
        let world = World::new();
        let (tosh, lene, alex) = (world.tosh().await, world.lene().await, world.alex().await);
        let (ours, _theirs) = of_two(&tosh, &lene).await;
        let alexs = add_alex(&ours, &alex).await;
        chatting(&alexs).await;
        let guest = participant(&ours, ALEX);
        ours.participants().remove(guest.clone()).await.unwrap();
        assert_eq!(guest.state().get(), ParticipantState::Disconnected);
        assert_eq!(ours.participants().size().get(), 1);
        alexs
            .state()
            .wait_for(ConversationState::Disconnected)
            .await
            .unwrap();
        let reason = alexs.state().reason().unwrap();
        assert_eq!(
            reason.details().unwrap().subcode.as_deref(),
            Some("Ejected")
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_begins_with_two_others_is_a_conference_from_the_start() {
    within_minutes(async {
        let world = World::new();
        let (tosh, lene, alex) = (world.tosh().await, world.lene().await, world.alex().await);
        let ours = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let guest = ours.create_participant(ALEX).unwrap();
        ours.participants().add(guest).await.unwrap();
        let sent = ours.chat_service().send_message("Hello both");
        let (theirs, alexs) = (conversation(&lene, 1).await, conversation(&alex, 1).await);
        theirs.chat_service().accept().await.unwrap();
        chatting(&theirs).await;
        alexs.chat_service().accept().await.unwrap();
        sent.await.unwrap();
        assert!(ours.is_group_conversation().get());
        assert_eq!(ours.participants().size().get(), 2);
        theirs
            .chat_service()
            .messages()
            .size()
            .wait_for(1)
            .await
            .unwrap();
        assert_eq!(transcript(&theirs)[0].2, "Hello both");

        // Tosh leaves the conference and joins it again by its URI.
        ours.leave().await.unwrap();
        ours.chat_service()
            .send_message("Back again")
            .await
            .unwrap();
        theirs
            .chat_service()
            .messages()
            .size()
            .wait_for(2)
            .await
            .unwrap();
        assert_eq!(transcript(&theirs)[1].2, "Back again");
        assert_eq!(lene.conversations_manager().conversations().size().get(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn custom_content_reaches_the_invitee() {
    within_minutes(async {
        let world = World::new();
        let (tosh, lene) = (world.tosh().await, world.lene().await);
        let ours = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let mut options = StartOptions::default();
        let context = Context::new("application/json", "{\"order\": 7}");
        options.context = Some(context.clone());
        let started = ours.chat_service().start(options);
        let theirs = conversation(&lene, 1).await;
        assert_eq!(theirs.context().get(), Some(context));
        theirs.chat_service().accept().await.unwrap();
        started.await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn typing_in_a_conference_names_the_participant() {
    within_minutes(async {
        let world = World::new();
        let (tosh, lene, alex) = (world.tosh().await, world.lene().await, world.alex().await);
        let (ours, theirs) = of_two(&tosh, &lene).await;
        let alexs = add_alex(&ours, &alex).await;
        for each in [&ours, &theirs, &alexs] {
            chatting(each).await;
        }
        let before = world.log().len();
        for _ in 0..3 {
            alexs.chat_service().send_is_typing().await.unwrap();
        }
        let typing = participant(&ours, ALEX).chat().is_typing();
        typing.wait_for(true).await.unwrap();
        assert!(!participant(&ours, LENE).chat().is_typing().get());
        typing.wait_for(false).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let log = world.log();
        let hints = log[before..]
            .iter()
            .filter(|line| line.ends_with("/typing"));
        assert_eq!(
            hints.count(),
            1,
            "typing reports in quick succession are one request"
        );
    })
    .await;
}

/// The requests that contain Alex's address, except token requests.
fn naming_alex(world: &World) -> usize {
    let body = |it: &http::Request<bytes::Bytes>| String::from_utf8_lossy(it.body()).into_owned();
    let requests = world.requests();
    let bodies = requests.iter().map(body);
    bodies
        .filter(|it| it.contains("alexd@contoso.com") && !it.contains("grant_type"))
        .count()
}

#[tokio::test(start_paused = true)]
async fn a_participant_that_is_removed_before_the_chat_begins_is_not_invited() {
    within_minutes(async {
        let world = World::new();
        let (tosh, lene, alex) = (world.tosh().await, world.lene().await, world.alex().await);
        let ours = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let guest = ours.create_participant(ALEX).unwrap();
        let participants = ours.participants();
        participants.add(guest.clone()).await.unwrap();
        participants.remove(guest).await.unwrap();
        assert_eq!(participants.size().get(), 1);
        let sent = ours.chat_service().send_message("Between you and me");
        let theirs = conversation(&lene, 1).await;
        theirs.chat_service().accept().await.unwrap();
        sent.await.unwrap();
        tokio::time::sleep(Duration::from_secs(20)).await;
        let at_alex = alex.conversations_manager().conversations().size().get();
        assert_eq!((at_alex, naming_alex(&world)), (0, 0));
        assert!(!ours.is_group_conversation().get());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_to_a_conversation_without_participants_fails_and_invites_no_user() {
    within_minutes(async {
        let world = World::new();
        let (tosh, lene) = (world.tosh().await, world.lene().await);
        let ours = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let only = participant(&ours, LENE);
        ours.participants().remove(only).await.unwrap();
        let sent = ours.chat_service().send_message("Is anybody there?").await;
        assert_eq!(*sent.unwrap_err().code(), ReasonCode::InvalidState);
        assert_eq!(statuses(&ours), [MessageStatus::Failed]);
        tokio::time::sleep(Duration::from_secs(20)).await;
        let at_lene = lene.conversations_manager().conversations().size().get();
        assert_eq!(at_lene, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_presence_of_every_participant_of_a_conference_can_be_followed() {
    within_minutes(async {
        let world = World::new();
        let (tosh, lene, alex) = (world.tosh().await, world.lene().await, world.alex().await);
        let (ours, theirs) = of_two(&tosh, &lene).await;
        let alexs = add_alex(&ours, &alex).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        for (application, seen, address) in [
            (&lene, &theirs, ALEX),
            (&alex, &alexs, LENE),
            (&alex, &alexs, TOSH),
        ] {
            let person = participant(seen, address).person();
            let status = person.status();
            let _following = status.subscribe();
            status.wait_for(PersonStatus::Online).await.unwrap();
            let known = application.persons_manager().get_person(address);
            assert!(known.unwrap() == person, "one object for {address}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_last_one_in_a_conference_is_alone_and_can_leave_and_join_it() {
    within_minutes(async {
        let world = World::new();
        let (tosh, lene, alex) = (world.tosh().await, world.lene().await, world.alex().await);
        let (ours, theirs) = of_two(&tosh, &lene).await;
        let seen = Arc::new(Mutex::new(Vec::new()));
        for it in [&ours, &theirs] {
            let log = seen.clone();
            let record = move |change: &Change<bool>| log.lock().unwrap().push(change.new);
            it.is_alone().changed(record).detach();
        }
        let alexs = add_alex(&ours, &alex).await;
        for each in [&ours, &theirs, &alexs] {
            chatting(each).await;
            assert!(!each.is_joining_enabled().get());
        }
        theirs.leave().await.unwrap();
        let left = participant(&ours, LENE).state();
        left.wait_for(ParticipantState::Disconnected).await.unwrap();
        assert_eq!(*seen.lock().unwrap(), [false, false], "Alex is here");

        alexs.leave().await.unwrap();
        ours.is_alone().wait_for(true).await.unwrap();
        let items = ours.history_service().activity_items().snapshot();
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

        ours.leave().await.unwrap();
        assert!(!ours.is_alone().get());
        assert!(ours.is_joining_enabled().get());
    })
    .await;
}
