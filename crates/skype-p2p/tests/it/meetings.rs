//! Conferences: starting, joining by URI, the lobby and leaders, with the whole client and the server's engine, in virtual
//! time.

use skype_p2p::{
    Application, CallConnectionState, Conversation, ConversationState, MessageStatus, Participant,
    ParticipantRole, ParticipantState, ReasonCode, StartOptions,
};

use crate::{
    groups::{chatting, participant, within_minutes},
    standard_chat::{conversation, statuses, transcript},
    world::{ALEX, JOE, LENE, World},
};

/// The text of the last message, once there are `count` messages.
pub(crate) async fn heard(conversation: &Conversation, count: usize) -> String {
    let messages = conversation.chat_service().messages();
    messages.size().wait_for(count).await.unwrap();
    transcript(conversation).pop().unwrap().2
}

#[tokio::test(start_paused = true)]
async fn a_conference_starts_empty_and_is_joined_by_its_uri() {
    within_minutes(async {
        let world = World::new();
        let (tosh, lene) = (world.tosh().await, world.lene().await);
        let ours = tosh.conversations_manager().create_conversation();
        let before = world.log().len();
        assert_eq!(ours.state().get(), ConversationState::Created);
        assert!(ours.is_group_conversation().get());
        assert_eq!(world.log().len(), before, "nothing is sent");
        ours.chat_service()
            .send_message("Is this on?")
            .await
            .unwrap();
        assert_eq!(statuses(&ours), [MessageStatus::Succeeded]);
        assert_eq!(ours.participants().size().get(), 0);
        let uri = ours.uri().get().unwrap();
        assert_eq!(
            tosh.conversations_manager()
                .get_conversation_by_uri(&uri)
                .unwrap(),
            ours
        );

        let manager = lene.conversations_manager();
        let theirs = manager.get_conversation_by_uri(&uri).unwrap();
        assert_eq!(theirs.uri().get(), Some(uri));
        theirs.chat_service().send_message("It is").await.unwrap();
        assert_eq!(heard(&ours, 2).await, "It is");
        assert_eq!(
            participant(&ours, LENE).state().get(),
            ParticipantState::Connected
        );
        ours.chat_service().send_message("Welcome").await.unwrap();
        assert_eq!(heard(&theirs, 2).await, "Welcome");
        assert_eq!(manager.conversations().size().get(), 1);

        // After leaving, the same conference is joined again.
        theirs.leave().await.unwrap();
        theirs.chat_service().send_message("Back").await.unwrap();
        assert_eq!(heard(&ours, 4).await, "Back");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_participant_added_before_the_start_is_invited_into_a_conference() {
    within_minutes(async {
        let world = World::new();
        let (tosh, alex) = (world.tosh().await, world.alex().await);
        let ours = tosh.conversations_manager().create_conversation();
        let guest = ours.create_participant(ALEX).unwrap();
        ours.participants().add(guest).await.unwrap();
        let said = ours.chat_service().send_message("Hello Alex");
        let alexs = conversation(&alex, 1).await;
        assert!(alexs.is_group_conversation().get());
        alexs.chat_service().accept().await.unwrap();
        said.await.unwrap();
        assert_eq!(heard(&alexs, 1).await, "Hello Alex");
        assert_eq!(alexs.uri().get(), ours.uri().get());
        chatting(&ours).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn joining_an_unknown_conference_fails_with_the_reason() {
    within_minutes(async {
        let world = World::new();
        let tosh = world.tosh().await;
        let uri = format!("{LENE};gruu;opaque=app:conf:focus:id:NOTTHERE");
        let ours = tosh
            .conversations_manager()
            .get_conversation_by_uri(&uri)
            .unwrap();
        let failed = ours.chat_service().start(StartOptions::default()).await;
        let reason = failed.unwrap_err();
        assert_eq!(*reason.code(), ReasonCode::RequestFailed);
        let details = reason.details().unwrap();
        assert_eq!(details.status, Some(404));
        assert_eq!(details.subcode.as_deref(), Some("DestinationNotFound"));
        assert_eq!(ours.state().get(), ConversationState::Disconnected);
        assert_eq!(ours.state().reason(), Some(reason));
        let chat = ours.self_participant().chat().state().get();
        assert_eq!(chat, CallConnectionState::Disconnected);
    })
    .await;
}

/// Tosh in a conference without other participants.
pub(crate) async fn of_one(tosh: &Application) -> (Conversation, String) {
    let ours = tosh.conversations_manager().create_conversation();
    let started = ours.chat_service().start(StartOptions::default());
    started.await.unwrap();
    chatting(&ours).await;
    let uri = ours.uri().get().unwrap();
    (ours, uri)
}

/// Tosh's conference with Joe in its lobby, and Joe's participant in it. Joe has sent a message.
async fn with_joe_in_the_lobby(
    tosh: &Application,
    joe: &Application,
) -> (Conversation, Conversation, Participant) {
    let (ours, uri) = of_one(tosh).await;
    let manager = joe.conversations_manager();
    let theirs = manager.get_conversation_by_uri(&uri).unwrap();
    theirs
        .chat_service()
        .start(StartOptions::default())
        .await
        .unwrap();
    let myself = theirs.self_participant();
    let lobby = ParticipantState::InLobby;
    myself.state().wait_for(lobby).await.unwrap();
    assert_eq!(theirs.state().get(), ConversationState::Connecting);
    assert_eq!(
        theirs.participants().size().get(),
        0,
        "a user in the lobby sees no participants"
    );
    ours.participants().size().wait_for(1).await.unwrap();
    let guest = ours.participants().get(0).unwrap();
    guest.state().wait_for(lobby).await.unwrap();
    guest
        .admit_command()
        .enabled()
        .wait_for(true)
        .await
        .unwrap();
    assert_eq!(guest.person().id().get(), JOE);
    (ours, theirs, guest)
}

#[tokio::test(start_paused = true)]
async fn a_participant_in_the_lobby_is_admitted_and_can_chat() {
    within_minutes(async {
        let world = World::new();
        let (tosh, joe) = (world.tosh().await, world.joe().await);
        let (ours, theirs, guest) = with_joe_in_the_lobby(&tosh, &joe).await;
        let said = theirs.chat_service().send_message("May I?");
        ours.chat_service()
            .send_message("Let us see")
            .await
            .unwrap();
        assert_eq!(statuses(&theirs), [MessageStatus::Pending]);

        assert!(guest.reject_command().enabled().get());
        guest.admit().await.unwrap();
        said.await.unwrap();
        assert_eq!(heard(&ours, 2).await, "May I?");
        assert_eq!(theirs.state().get(), ConversationState::Connected);
        let connected = ParticipantState::Connected;
        assert_eq!(theirs.self_participant().state().get(), connected);
        assert_eq!(guest.state().get(), connected);
        assert_eq!(
            ours.participants().size().get(),
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
            transcript(&theirs).len(),
            1,
            "earlier messages are not shown to Alex"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_participant_rejected_from_the_lobby_is_disconnected_and_its_messages_fail() {
    within_minutes(async {
        let world = World::new();
        let (tosh, joe) = (world.tosh().await, world.joe().await);
        let (ours, theirs, guest) = with_joe_in_the_lobby(&tosh, &joe).await;
        let said = theirs.chat_service().send_message("May I?");
        guest.reject().await.unwrap();
        assert_eq!(*said.await.unwrap_err().code(), ReasonCode::Refused);
        assert_eq!(statuses(&theirs), [MessageStatus::Failed]);
        assert_eq!(theirs.state().get(), ConversationState::Disconnected);
        let reason = theirs.state().reason().unwrap();
        assert_eq!(reason.details().unwrap().subcode.as_deref(), Some("Denied"));
        let out = ParticipantState::Disconnected;
        guest.state().wait_for(out).await.unwrap();
        assert_eq!(*guest.state().reason().unwrap().code(), ReasonCode::Refused);
        assert!(!guest.admit_command().enabled().get());
        assert_eq!(ours.state().get(), ConversationState::Connected);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_participant_can_leave_the_lobby() {
    within_minutes(async {
        let world = World::new();
        let (tosh, joe) = (world.tosh().await, world.joe().await);
        let (_ours, theirs, guest) = with_joe_in_the_lobby(&tosh, &joe).await;
        theirs.leave().await.unwrap();
        assert_eq!(theirs.state().get(), ConversationState::Disconnected);
        assert_eq!(theirs.state().reason(), None);
        let out = ParticipantState::Disconnected;
        guest.state().wait_for(out).await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_promotes_and_demotes_participants() {
    within_minutes(async {
        let world = World::new();
        let (tosh, lene) = (world.tosh().await, world.lene().await);
        let (ours, uri) = of_one(&tosh).await;
        let manager = lene.conversations_manager();
        let theirs = manager.get_conversation_by_uri(&uri).unwrap();
        let started = theirs.chat_service().start(StartOptions::default());
        started.await.unwrap();
        ours.participants().size().wait_for(1).await.unwrap();
        let guest = ours.participants().get(0).unwrap();
        let (leader, attendee) = (ParticipantRole::Leader, ParticipantRole::Attendee);
        let command = guest.set_role_command();
        command.enabled().wait_for(true).await.unwrap();

        theirs.participants().size().wait_for(1).await.unwrap();
        let tosh_at_lenes = theirs.participants().get(0).unwrap();
        let denied = tosh_at_lenes.set_role(attendee).await.unwrap_err();
        assert_eq!(*denied.code(), ReasonCode::CommandDisabled);

        command.invoke(leader).await.unwrap();
        guest.role().wait_for(leader).await.unwrap();
        let myself = theirs.self_participant();
        myself.role().wait_for(leader).await.unwrap();
        assert!(
            !tosh_at_lenes.set_role_command().enabled().get(),
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
