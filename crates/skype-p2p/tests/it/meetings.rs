//! Conferences: starting, joining by URI, the lobby and leaders, with the whole client and the server's engine, in virtual
//! time.

use skype_p2p::{
    Application, CallConnectionState, Conversation, ConversationState, MessageStatus, Participant,
    ParticipantRole, ParticipantState, ReasonCode, StartOptions,
};

use crate::{
    groups::{chatting, participant, with_time_limit},
    standard_chat::{conversation, statuses, transcript},
    world::{ALEX, JOE, LENE, World},
};

/// The text of the last message, once there are `count` messages.
pub(crate) async fn last_text(conversation: &Conversation, count: usize) -> String {
    let messages = conversation.chat_service().messages();
    messages.size().wait_for(count).await.unwrap();
    transcript(conversation).pop().unwrap().2
}

#[tokio::test(start_paused = true)]
async fn a_conference_starts_empty_and_is_joined_by_its_uri() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, lene) = (world.tosh().await, world.lene().await);
        let tosh_side = tosh.conversations_manager().create_conversation();
        let before = world.log().len();
        assert_eq!(tosh_side.state().get(), ConversationState::Created);
        assert!(tosh_side.is_group_conversation().get());
        assert_eq!(world.log().len(), before, "no request is sent");
        tosh_side
            .chat_service()
            .send_message("Is this on?")
            .await
            .unwrap();
        assert_eq!(statuses(&tosh_side), [MessageStatus::Succeeded]);
        assert_eq!(tosh_side.participants().size().get(), 0);
        let uri = tosh_side.uri().get().unwrap();
        assert_eq!(
            tosh.conversations_manager()
                .get_conversation_by_uri(&uri)
                .unwrap(),
            tosh_side
        );

        let manager = lene.conversations_manager();
        let lene_side = manager.get_conversation_by_uri(&uri).unwrap();
        assert_eq!(lene_side.uri().get(), Some(uri));
        lene_side
            .chat_service()
            .send_message("It is")
            .await
            .unwrap();
        assert_eq!(last_text(&tosh_side, 2).await, "It is");
        assert_eq!(
            participant(&tosh_side, LENE).state().get(),
            ParticipantState::Connected
        );
        tosh_side
            .chat_service()
            .send_message("Welcome")
            .await
            .unwrap();
        assert_eq!(last_text(&lene_side, 2).await, "Welcome");
        assert_eq!(manager.conversations().size().get(), 1);

        // After leaving, the same conference is joined again.
        lene_side.leave().await.unwrap();
        lene_side.chat_service().send_message("Back").await.unwrap();
        assert_eq!(last_text(&tosh_side, 4).await, "Back");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_participant_added_before_the_start_is_invited_into_a_conference() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, alex) = (world.tosh().await, world.alex().await);
        let tosh_side = tosh.conversations_manager().create_conversation();
        let guest = tosh_side.create_participant(ALEX).unwrap();
        tosh_side.participants().add(guest).await.unwrap();
        let sent = tosh_side.chat_service().send_message("Hello Alex");
        let alex_side = conversation(&alex, 1).await;
        assert!(alex_side.is_group_conversation().get());
        alex_side.chat_service().accept().await.unwrap();
        sent.await.unwrap();
        assert_eq!(last_text(&alex_side, 1).await, "Hello Alex");
        assert_eq!(alex_side.uri().get(), tosh_side.uri().get());
        chatting(&tosh_side).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn joining_an_unknown_conference_fails_with_the_reason() {
    with_time_limit(async {
        let world = World::new();
        let tosh = world.tosh().await;
        let uri = format!("{LENE};gruu;opaque=app:conf:focus:id:NOTTHERE");
        let tosh_side = tosh
            .conversations_manager()
            .get_conversation_by_uri(&uri)
            .unwrap();
        let failed = tosh_side
            .chat_service()
            .start(StartOptions::default())
            .await;
        let reason = failed.unwrap_err();
        assert_eq!(*reason.code(), ReasonCode::RequestFailed);
        let details = reason.details().unwrap();
        assert_eq!(details.status, Some(404));
        assert_eq!(details.subcode.as_deref(), Some("DestinationNotFound"));
        assert_eq!(tosh_side.state().get(), ConversationState::Disconnected);
        assert_eq!(tosh_side.state().reason(), Some(reason));
        let chat = tosh_side.self_participant().chat().state().get();
        assert_eq!(chat, CallConnectionState::Disconnected);
    })
    .await;
}

/// Starts a conference of Tosh's without other participants. Returns its URI, too.
pub(crate) async fn start_conference(tosh: &Application) -> (Conversation, String) {
    let tosh_side = tosh.conversations_manager().create_conversation();
    let started = tosh_side.chat_service().start(StartOptions::default());
    started.await.unwrap();
    chatting(&tosh_side).await;
    let uri = tosh_side.uri().get().unwrap();
    (tosh_side, uri)
}

/// Tosh's conference with Joe in its lobby, and Joe's participant in it. Joe has sent a message.
async fn joe_in_the_lobby(
    tosh: &Application,
    joe: &Application,
) -> (Conversation, Conversation, Participant) {
    let (tosh_side, uri) = start_conference(tosh).await;
    let manager = joe.conversations_manager();
    let joe_side = manager.get_conversation_by_uri(&uri).unwrap();
    joe_side
        .chat_service()
        .start(StartOptions::default())
        .await
        .unwrap();
    let myself = joe_side.self_participant();
    let lobby = ParticipantState::InLobby;
    myself.state().wait_for(lobby).await.unwrap();
    assert_eq!(joe_side.state().get(), ConversationState::Connecting);
    assert_eq!(
        joe_side.participants().size().get(),
        0,
        "a user in the lobby sees no participants"
    );
    tosh_side.participants().size().wait_for(1).await.unwrap();
    let guest = tosh_side.participants().get(0).unwrap();
    guest.state().wait_for(lobby).await.unwrap();
    guest
        .admit_command()
        .enabled()
        .wait_for(true)
        .await
        .unwrap();
    assert_eq!(guest.person().id().get(), JOE);
    (tosh_side, joe_side, guest)
}

#[tokio::test(start_paused = true)]
async fn a_participant_in_the_lobby_is_admitted_and_can_chat() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, joe) = (world.tosh().await, world.joe().await);
        let (tosh_side, joe_side, guest) = joe_in_the_lobby(&tosh, &joe).await;
        let sent = joe_side.chat_service().send_message("May I?");
        tosh_side
            .chat_service()
            .send_message("Let us see")
            .await
            .unwrap();
        assert_eq!(statuses(&joe_side), [MessageStatus::Pending]);

        assert!(guest.reject_command().enabled().get());
        guest.admit().await.unwrap();
        sent.await.unwrap();
        assert_eq!(last_text(&tosh_side, 2).await, "May I?");
        assert_eq!(joe_side.state().get(), ConversationState::Connected);
        let connected = ParticipantState::Connected;
        assert_eq!(joe_side.self_participant().state().get(), connected);
        assert_eq!(guest.state().get(), connected);
        assert_eq!(
            tosh_side.participants().size().get(),
            1,
            "the participant is the same object"
        );
        guest
            .admit_command()
            .enabled()
            .wait_for(false)
            .await
            .unwrap();
        assert_eq!(
            transcript(&joe_side).len(),
            1,
            "a message from before the admission is not shown to Joe"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_participant_rejected_from_the_lobby_is_disconnected_and_its_messages_fail() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, joe) = (world.tosh().await, world.joe().await);
        let (tosh_side, joe_side, guest) = joe_in_the_lobby(&tosh, &joe).await;
        let sent = joe_side.chat_service().send_message("May I?");
        guest.reject().await.unwrap();
        assert_eq!(*sent.await.unwrap_err().code(), ReasonCode::Refused);
        assert_eq!(statuses(&joe_side), [MessageStatus::Failed]);
        assert_eq!(joe_side.state().get(), ConversationState::Disconnected);
        let reason = joe_side.state().reason().unwrap();
        assert_eq!(reason.details().unwrap().subcode.as_deref(), Some("Denied"));
        let disconnected = ParticipantState::Disconnected;
        guest.state().wait_for(disconnected).await.unwrap();
        assert_eq!(*guest.state().reason().unwrap().code(), ReasonCode::Refused);
        assert!(!guest.admit_command().enabled().get());
        assert_eq!(tosh_side.state().get(), ConversationState::Connected);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_participant_can_leave_the_lobby() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, joe) = (world.tosh().await, world.joe().await);
        let (_tosh_side, joe_side, guest) = joe_in_the_lobby(&tosh, &joe).await;
        joe_side.leave().await.unwrap();
        assert_eq!(joe_side.state().get(), ConversationState::Disconnected);
        assert_eq!(joe_side.state().reason(), None);
        let disconnected = ParticipantState::Disconnected;
        guest.state().wait_for(disconnected).await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_promotes_and_demotes_participants() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, lene) = (world.tosh().await, world.lene().await);
        let (tosh_side, uri) = start_conference(&tosh).await;
        let manager = lene.conversations_manager();
        let lene_side = manager.get_conversation_by_uri(&uri).unwrap();
        let started = lene_side.chat_service().start(StartOptions::default());
        started.await.unwrap();
        tosh_side.participants().size().wait_for(1).await.unwrap();
        let guest = tosh_side.participants().get(0).unwrap();
        let (leader, attendee) = (ParticipantRole::Leader, ParticipantRole::Attendee);
        let command = guest.set_role_command();
        command.enabled().wait_for(true).await.unwrap();

        lene_side.participants().size().wait_for(1).await.unwrap();
        let tosh_participant = lene_side.participants().get(0).unwrap();
        let denied = tosh_participant.set_role(attendee).await.unwrap_err();
        assert_eq!(*denied.code(), ReasonCode::CommandDisabled);

        command.invoke(leader).await.unwrap();
        guest.role().wait_for(leader).await.unwrap();
        let myself = lene_side.self_participant();
        myself.role().wait_for(leader).await.unwrap();
        assert!(
            !tosh_participant.set_role_command().enabled().get(),
            "the organizer of a conference cannot be demoted"
        );
        // The command is enabled when the server offers the link.
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        guest.set_role(attendee).await.unwrap();
        guest.role().wait_for(attendee).await.unwrap();
        myself.role().wait_for(attendee).await.unwrap();
    })
    .await;
}
