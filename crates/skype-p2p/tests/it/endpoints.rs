//! An invitation at several endpoints of one user, and its end at those that did not answer it.

use std::time::Duration;

use skype_p2p::{
    Application, CallConnectionState, Conversation, ConversationState, MessageStatus, ReasonCode,
};
use tokio::time::sleep;

use crate::{
    groups::{chatting, with_time_limit},
    standard_chat::{conversation, statuses, transcript},
    world::{LENE, World},
};

/// A pending invitation from Tosh to the two endpoints of Lene.
struct PendingInvitation {
    /// Tosh's conversation.
    tosh_side: Conversation,
    sent: tokio::task::JoinHandle<Result<(), skype_p2p::Reason>>,
    desk: Conversation,
    phone: Conversation,
    _applications: [Application; 3],
}

/// Sends a message from Tosh to Lene, who has two endpoints.
async fn pending_invitation(world: &World) -> PendingInvitation {
    let (tosh, desk, phone) = (world.tosh().await, world.lene().await, world.lene().await);
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let sent = tokio::spawn(tosh_side.chat_service().send_message("Hi Lene"));
    let (at_desk, at_phone) = (conversation(&desk, 1).await, conversation(&phone, 1).await);
    for each in [&at_desk, &at_phone] {
        let chat = each.self_participant().chat().state();
        assert_eq!(chat.get(), CallConnectionState::Notified);
    }
    PendingInvitation {
        tosh_side,
        sent,
        desk: at_desk,
        phone: at_phone,
        _applications: [tosh, desk, phone],
    }
}

/// Waits until a conversation has ended.
async fn ended(conversation: &Conversation) {
    let state = conversation.state();
    state
        .wait_for(ConversationState::Disconnected)
        .await
        .unwrap();
    let chat = conversation.self_participant().chat().state();
    assert_eq!(chat.get(), CallConnectionState::Disconnected);
    let accept = conversation.chat_service().accept_command();
    assert!(!accept.enabled().get());
}

#[tokio::test(start_paused = true)]
async fn an_invitation_accepted_at_one_endpoint_ends_at_the_others() {
    with_time_limit(async {
        let world = World::new();
        let invitation = pending_invitation(&world).await;
        invitation.desk.chat_service().accept().await.unwrap();
        invitation.sent.await.unwrap().unwrap();
        chatting(&invitation.desk).await;
        ended(&invitation.phone).await;
        let reason = invitation.phone.state().reason().unwrap();
        assert_eq!(*reason.code(), ReasonCode::Terminated, "{reason}");
        let subcode = reason.details().unwrap().subcode.clone();
        assert_eq!(subcode.as_deref(), Some("ConnectedElsewhere"));
        let late = invitation.phone.chat_service().accept().await.unwrap_err();
        assert_eq!(*late.code(), ReasonCode::CommandDisabled);

        // The chat is at the endpoint that accepted.
        invitation
            .tosh_side
            .chat_service()
            .send_message("Lunch?")
            .await
            .unwrap();
        invitation
            .desk
            .chat_service()
            .send_message("Yes")
            .await
            .unwrap();
        assert_eq!(transcript(&invitation.desk).len(), 3);
        assert_eq!(transcript(&invitation.tosh_side).len(), 3);
        assert!(transcript(&invitation.phone).len() <= 1);
        assert_eq!(
            statuses(&invitation.tosh_side)[..2],
            [MessageStatus::Succeeded; 2]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_invitation_accepted_at_two_endpoints_at_once_connects_one() {
    with_time_limit(async {
        let world = World::new();
        let invitation = pending_invitation(&world).await;
        let (desk, phone) = tokio::join!(
            invitation.desk.chat_service().accept(),
            invitation.phone.chat_service().accept()
        );
        assert!(desk.is_ok() != phone.is_ok(), "{desk:?} {phone:?}");
        invitation.sent.await.unwrap().unwrap();
        let (accepted, refused) = match desk {
            Ok(()) => (&invitation.desk, &invitation.phone),
            Err(_) => (&invitation.phone, &invitation.desk),
        };
        chatting(accepted).await;
        ended(refused).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_invitation_declined_at_one_endpoint_stays_open_at_the_others() {
    with_time_limit(async {
        let world = World::new();
        let invitation = pending_invitation(&world).await;
        invitation.phone.chat_service().reject().await.unwrap();
        ended(&invitation.phone).await;
        invitation.desk.chat_service().accept().await.unwrap();
        invitation.sent.await.unwrap().unwrap();
        chatting(&invitation.desk).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_invitation_declined_at_every_endpoint_is_declined() {
    with_time_limit(async {
        let world = World::new();
        let invitation = pending_invitation(&world).await;
        invitation.phone.chat_service().reject().await.unwrap();
        invitation.desk.chat_service().reject().await.unwrap();
        let reason = invitation.sent.await.unwrap().unwrap_err();
        assert_eq!(*reason.code(), ReasonCode::Refused, "{reason}");
        for each in [&invitation.desk, &invitation.phone, &invitation.tosh_side] {
            ended(each).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_invitation_ends_at_every_endpoint() {
    with_time_limit(async {
        let world = World::new();
        let invitation = pending_invitation(&world).await;
        sleep(Duration::from_secs(5)).await;
        invitation.tosh_side.leave().await.unwrap();
        let reason = invitation.sent.await.unwrap().unwrap_err();
        assert_eq!(*reason.code(), ReasonCode::Terminated, "{reason}");
        for each in [&invitation.desk, &invitation.phone, &invitation.tosh_side] {
            ended(each).await;
        }
        assert_eq!(statuses(&invitation.tosh_side), [MessageStatus::Failed]);
    })
    .await;
}
