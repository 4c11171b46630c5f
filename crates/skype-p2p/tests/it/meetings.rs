//! Conferences that are begun as such, joined by their address and led, through the whole of the client and the server's
//! engine, in virtual time.

use skype_p2p::{
    CallConnectionState, Conversation, ConversationState, MessageStatus, ParticipantState,
    ReasonCode, StartOptions,
};

use crate::{
    groups::{chatting, participant, within_minutes},
    story::{conversation, statuses, told},
    world::{ALEX, LENE, World},
};

/// The text of the last message, once there are this many.
async fn heard(conversation: &Conversation, count: usize) -> String {
    let messages = conversation.chat_service().messages();
    messages.size().wait_for(count).await.unwrap();
    told(conversation).pop().unwrap().2
}

#[tokio::test(start_paused = true)]
async fn a_conference_begins_with_nobody_and_is_joined_by_its_address() {
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

        // Left, it is joined again where it is.
        theirs.leave().await.unwrap();
        theirs.chat_service().send_message("Back").await.unwrap();
        assert_eq!(heard(&ours, 4).await, "Back");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_who_is_added_before_the_start_is_invited_into_a_conference() {
    within_minutes(async {
        let world = World::new();
        let (tosh, alex) = (world.tosh().await, world.alex().await);
        let ours = tosh.conversations_manager().create_conversation();
        let guest = ours.create_participant(ALEX).unwrap();
        ours.participants().add().invoke(guest).await.unwrap();
        let said = ours.chat_service().send_message("Hello Alex");
        let his = conversation(&alex, 1).await;
        assert!(his.is_group_conversation().get());
        his.chat_service().accept().await.unwrap();
        said.await.unwrap();
        assert_eq!(heard(&his, 1).await, "Hello Alex");
        assert_eq!(his.uri().get(), ours.uri().get());
        chatting(&ours).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_conference_that_is_not_there_is_a_failure_with_its_reason() {
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
        let raw = reason.raw().unwrap();
        assert_eq!(raw.status, Some(404));
        assert_eq!(raw.subcode.as_deref(), Some("DestinationNotFound"));
        assert_eq!(ours.state().get(), ConversationState::Disconnected);
        assert_eq!(ours.state().reason(), Some(reason));
        let chat = ours.self_participant().chat().state().get();
        assert_eq!(chat, CallConnectionState::Disconnected);
    })
    .await;
}
