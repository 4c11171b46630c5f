//! The archive, with the whole client and the server's engine, in virtual time.

use skype_p2p::{
    ActivityItem, Application, CallConnectionState, Conversation, ConversationState, Credentials,
    Direction, PersonStatus, ReasonCode, Representation,
};
use ucwa_server::{Fault, ServerConfig};

use crate::{
    groups::{chatting, with_time_limit},
    standard_chat::{conversation, transcript},
    world::{ALEX, LENE, LENE_PASSWORD, TOSH, World, users},
};

/// Lene, signed in, with or without an archive.
async fn lene(world: &World, history: bool, representation: Representation) -> Application {
    let builder = world.builder().history(history);
    let lene = builder.representation(representation).build().unwrap();
    let credentials = Credentials::password(LENE, LENE_PASSWORD);
    lene.sign_in_manager().sign_in(credentials).await.unwrap();
    let enabled = lene.conversations_manager().is_history_enabled();
    if history {
        enabled.wait_for(true).await.unwrap();
    }
    assert_eq!(enabled.get(), history);
    lene
}

/// The messages of a conversation: direction, sender, text.
fn items(conversation: &Conversation) -> Vec<(Direction, String, String)> {
    let items = conversation.history_service().activity_items().snapshot();
    items
        .iter()
        .filter_map(|item| match item {
            ActivityItem::TextMessage(message) => Some((
                message.direction(),
                message.sender().display_name().get(),
                message.text(),
            )),
            _ => None,
        })
        .collect()
}

/// Finds an archived chat, reads it page by page, and continues it.
async fn read_and_continue_archived_chat(representation: Representation) {
    let world = World::new();
    let tosh = world.tosh().await;
    let first = lene(&world, true, representation).await;
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    for number in 0..24 {
        let sent = tosh_side.chat_service().send_message(format!("{number}"));
        sent.await.unwrap();
    }
    let lene_side = conversation(&first, 1).await;
    lene_side
        .chat_service()
        .send_message("Good night")
        .await
        .unwrap();
    first.sign_in_manager().sign_out().await.unwrap();

    let lene = lene(&world, false, representation).await;
    let manager = lene.conversations_manager();
    let more = manager.get_more_conversations_command();
    assert!(manager.conversations().snapshot().is_empty());
    more.invoke(20).await.unwrap();
    assert!(!more.enabled().get(), "all conversations are loaded");
    let found = manager.conversations().snapshot();
    let [found] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(found.state().get(), ConversationState::Disconnected);
    let peer = found.participants().snapshot()[0].clone();
    assert_eq!(peer.person().id().get(), TOSH);
    assert_eq!(peer.display_name().get(), "Tosh Meston");

    let history = found.history_service();
    let more = history.get_more_activity_items_command();
    let mut pages = Vec::new();
    while more.enabled().get() {
        more.invoke(()).await.unwrap();
        pages.push(items(found).len());
    }
    assert_eq!(pages, [20, 25]);
    let all = items(found);
    for (number, item) in all[..24].iter().enumerate() {
        let expected = (
            Direction::Incoming,
            "Tosh Meston".to_owned(),
            number.to_string(),
        );
        assert_eq!(*item, expected);
    }
    let last = (
        Direction::Outgoing,
        "Lene Aaling".to_owned(),
        "Good night".to_owned(),
    );
    assert_eq!(all[24], last);

    // The same conversation restarts, and new messages follow the archived ones.
    let state = tosh_side.state();
    state
        .wait_for(ConversationState::Disconnected)
        .await
        .unwrap();
    let sent = found.chat_service().send_message("Good morning");
    let tosh_second = conversation(&tosh, 2).await;
    tosh_second.chat_service().accept().await.unwrap();
    sent.await.unwrap();
    chatting(found).await;
    assert_eq!(found.state().get(), ConversationState::Connected);
    assert_eq!(items(found).len(), 26);
    assert_eq!(items(found)[25].2, "Good morning");
    assert_eq!(transcript(&tosh_second)[0].2, "Good morning");
}

#[tokio::test(start_paused = true)]
async fn archived_messages_are_read_and_the_conversation_continues() {
    with_time_limit(read_and_continue_archived_chat(Representation::Json)).await;
}

#[tokio::test(start_paused = true)]
async fn archived_messages_are_read_in_xml() {
    with_time_limit(read_and_continue_archived_chat(Representation::Xml)).await;
}

#[tokio::test(start_paused = true)]
async fn the_list_of_conversations_is_read_one_at_a_time_to_its_end() {
    with_time_limit(async {
        let world = World::new();
        let first = lene(&world, true, Representation::Json).await;
        for (number, peer) in [world.tosh().await, world.alex().await, world.joe().await]
            .iter()
            .enumerate()
        {
            let peer_side = peer.conversations_manager().get_conversation(LENE).unwrap();
            peer_side.chat_service().send_message("Hi").await.unwrap();
            let lene_side = conversation(&first, number + 1).await;
            chatting(&lene_side).await;
            lene_side.chat_service().send_message("Hi").await.unwrap();
            lene_side.leave().await.unwrap();
        }
        first.sign_in_manager().sign_out().await.unwrap();

        let lene = lene(&world, false, Representation::Json).await;
        let manager = lene.conversations_manager();
        let more = manager.get_more_conversations_command();
        for (number, peer) in ["Joe Smith", "Alex Darrow", "Tosh Meston"]
            .into_iter()
            .enumerate()
        {
            assert!(more.enabled().get(), "{number}");
            more.invoke(1).await.unwrap();
            assert_eq!(manager.conversations().size().get(), number + 1);
            let found = manager.conversations().get(number).unwrap();
            let other = found.participants().get(0).unwrap();
            assert_eq!(other.display_name().get(), peer);
        }
        assert!(!more.enabled().get());
        let reason = more.invoke(1).await.unwrap_err();
        assert_eq!(*reason.code(), ReasonCode::CommandDisabled);
    })
    .await;
}

/// Connects a conference of Tosh, Lene and Alex. Returns the conversations of all three.
async fn connect_conference(
    tosh: &Application,
    lene: &Application,
    alex: &Application,
) -> [Conversation; 3] {
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    tosh_side
        .chat_service()
        .send_message("Hi Lene")
        .await
        .unwrap();
    let lene_side = conversation(lene, 1).await;
    chatting(&tosh_side).await;
    let guest = tosh_side.create_participant(ALEX).unwrap();
    let added = tosh_side.participants().add(guest);
    let alex_side = conversation(alex, 1).await;
    alex_side.chat_service().accept().await.unwrap();
    added.await.unwrap();
    for each in [&tosh_side, &lene_side, &alex_side] {
        chatting(each).await;
    }
    [tosh_side, lene_side, alex_side]
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_conference_has_ended_starts_another_one() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, alex) = (world.tosh().await, world.alex().await);
        let first = lene(&world, true, Representation::Json).await;
        let [tosh_side, lene_side, alex_side] = connect_conference(&tosh, &first, &alex).await;
        lene_side.chat_service().send_message("Bye").await.unwrap();
        for each in [&lene_side, &tosh_side, &alex_side] {
            each.leave().await.unwrap();
        }
        first.sign_in_manager().sign_out().await.unwrap();

        let lene = lene(&world, false, Representation::Json).await;
        let manager = lene.conversations_manager();
        manager.get_more_conversations(20).await.unwrap();
        let found = manager.conversations().get(0).unwrap();
        assert!(found.is_group_conversation().get());
        let failed = found.chat_service().send_message("Hello?").await;
        let details = failed.unwrap_err().details().unwrap().clone();
        assert_eq!(details.subcode.as_deref(), Some("DestinationNotFound"));
        let sent = found.chat_service().send_message("Hello again");
        for each in [&tosh, &alex] {
            let invited = conversation(each, 2).await;
            invited.chat_service().accept().await.unwrap();
        }
        sent.await.unwrap();
        // The participants of the ended conference received the message.
        let tosh_second = conversation(&tosh, 2).await;
        let messages = tosh_second.chat_service().messages();
        messages.size().wait_for(1).await.unwrap();
        assert_eq!(transcript(&tosh_second)[0].2, "Hello again");
        assert_eq!(found.participants().size().get(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_archived_group_has_its_participants_and_can_be_joined_again() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, alex) = (world.tosh().await, world.alex().await);
        let first = lene(&world, true, Representation::Json).await;
        let [tosh_side, lene_side, alex_side] = connect_conference(&tosh, &first, &alex).await;
        for (sender, text) in [
            (&alex_side, "Hello"),
            (&lene_side, "Hi Alex"),
            (&tosh_side, "Lunch?"),
        ] {
            sender.chat_service().send_message(text).await.unwrap();
        }
        let uri = lene_side.uri().get().unwrap();
        first.sign_in_manager().sign_out().await.unwrap();

        let lene = lene(&world, false, Representation::Json).await;
        let manager = lene.conversations_manager();
        manager.get_more_conversations(20).await.unwrap();
        let found = manager.conversations().snapshot();
        let [found] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert!(found.is_group_conversation().get());
        assert_eq!(found.uri().get(), Some(uri));
        assert_eq!(found.state().get(), ConversationState::Disconnected);
        let others = found.participants().snapshot();
        let mut names: Vec<_> = others.iter().map(|it| it.display_name().get()).collect();
        names.sort();
        assert_eq!(names, ["Alex Darrow", "Tosh Meston"]);
        let history = found.history_service();
        history.get_more_activity_items().await.unwrap();
        let item =
            |direction, name: &str, text: &str| (direction, name.to_owned(), text.to_owned());
        assert_eq!(
            items(found),
            [
                item(Direction::Incoming, "Tosh Meston", "Hi Lene"),
                item(Direction::Incoming, "Alex Darrow", "Hello"),
                item(Direction::Outgoing, "Lene Aaling", "Hi Alex"),
                item(Direction::Incoming, "Tosh Meston", "Lunch?"),
            ]
        );

        // The other two are still participants.
        found.chat_service().send_message("Yes").await.unwrap();
        chatting(found).await;
        for each in [&tosh_side, &alex_side] {
            let last = transcript(each).pop().unwrap();
            assert_eq!(last, item(Direction::Incoming, "Lene Aaling", "Yes"));
        }
        assert_eq!(found.participants().size().get(), 2);
    })
    .await;
}

/// The server accepts the invitation: the chat connects, the message is delivered, and the user acknowledges the conversation
/// later.
async fn check_automatic_acceptance(aggregated: bool) {
    with_time_limit(async {
        let world = World::new();
        if aggregated {
            // A page contains only the latest state of a resource (`EventsInUCWA`): there is no started event.
            world.inject(Fault::AggregateEvents);
        }
        let tosh = world.tosh().await;
        let lene = lene(&world, true, Representation::Json).await;
        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let sent = tosh_side.chat_service().send_message("Hi Lene");
        let lene_side = conversation(&lene, 1).await;
        assert!(!lene_side.chat_service().accept_command().enabled().get());
        sent.await.unwrap();
        chatting(&lene_side).await;
        let messages = lene_side.chat_service().messages();
        messages.size().wait_for(1).await.unwrap();
        let hi = (
            Direction::Incoming,
            "Tosh Meston".to_owned(),
            "Hi Lene".to_owned(),
        );
        assert_eq!(transcript(&lene_side), [hi]);

        let seen = lene_side.acknowledge_command();
        seen.enabled().wait_for(true).await.unwrap();
        lene_side.acknowledge().await.unwrap();
        seen.enabled().wait_for(false).await.unwrap();
        lene_side.chat_service().send_message("Hi").await.unwrap();
        lene_side.leave().await.unwrap();

        // Without history the user accepts invitations.
        let manager = lene.conversations_manager();
        manager.set_history_enabled(false).await.unwrap();
        assert!(!manager.is_history_enabled().get());
        let state = tosh_side.state();
        state
            .wait_for(ConversationState::Disconnected)
            .await
            .unwrap();
        drop(tosh_side.chat_service().send_message("Are you there?"));
        let second = conversation(&lene, 2).await;
        let chat = second.self_participant().chat().state();
        assert_eq!(chat.get(), CallConnectionState::Notified);
        assert!(second.chat_service().accept_command().enabled().get());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_archives_accepts_invitations_in_the_users_name() {
    check_automatic_acceptance(false).await;
}

#[tokio::test(start_paused = true)]
async fn an_accepted_invitation_is_identified_by_its_completion_alone() {
    check_automatic_acceptance(true).await;
}

#[tokio::test(start_paused = true)]
async fn missed_messages_are_counted_and_can_be_read() {
    with_time_limit(async {
        let world = World::new();
        let tosh = world.tosh().await;
        let lene = lene(&world, true, Representation::Json).await;
        let manager = lene.conversations_manager();
        lene.me().status().set(PersonStatus::Busy).await.unwrap();
        manager.get_more_conversations(20).await.unwrap();
        let more = manager.get_more_conversations_command().enabled();
        assert!(!more.get(), "there are no archived conversations");

        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let missed = tosh_side
            .chat_service()
            .send_message("Where are you?")
            .await;
        assert_eq!(missed.unwrap_err().code(), &ReasonCode::Missed);
        let unread = manager.unread_conversations_count();
        unread.wait_for(1).await.unwrap();
        more.wait_for(true).await.unwrap();

        // The conversation of the invitation exists already, so its archived record adds no other one.
        manager.get_more_conversations(20).await.unwrap();
        let found = manager.conversations().snapshot();
        let [missed] = found.as_slice() else {
            panic!("{found:?}");
        };
        let mark = missed.history_service().mark_as_read_command();
        assert!(mark.enabled().get());
        mark.invoke(()).await.unwrap();
        assert!(!mark.enabled().get());
        unread.wait_for(0).await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_without_an_archive_accepts_sign_ins() {
    with_time_limit(async {
        let mut config = ServerConfig::new(users());
        config.history = false;
        let world = World::with_config(config);
        let lene = world.builder().history(true).build().unwrap();
        let credentials = Credentials::password(LENE, LENE_PASSWORD);
        lene.sign_in_manager().sign_in(credentials).await.unwrap();
        let manager = lene.conversations_manager();
        let refused = manager.get_more_conversations(20).await.unwrap_err();
        assert_eq!(refused.code(), &ReasonCode::NotSupported);
        assert!(refused.message().is_some());
        let refused = manager.set_history_enabled(true).await.unwrap_err();
        assert_eq!(refused.code(), &ReasonCode::NotSupported);
        assert!(!manager.is_history_enabled().get());
    })
    .await;
}
