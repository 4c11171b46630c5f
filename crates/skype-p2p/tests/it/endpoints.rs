//! An invitation at several endpoints of one user, and its end at those that did not answer it.

use std::time::Duration;

use skype_p2p::{
    Application, CallConnectionState, Conversation, ConversationState, MessageStatus, ReasonCode,
};
use tokio::time::sleep;

use crate::{
    groups::{chatting, within_minutes},
    standard_chat::{conversation, statuses, transcript},
    world::{LENE, World},
};

/// Tosh sends a message to Lene, who has two endpoints. Returns Tosh's conversation and those of Lene's endpoints.
struct Ringing {
    ours: Conversation,
    sent: tokio::task::JoinHandle<Result<(), skype_p2p::Reason>>,
    desk: Conversation,
    phone: Conversation,
    _applications: [Application; 3],
}

async fn ringing(world: &World) -> Ringing {
    let (tosh, desk, phone) = (world.tosh().await, world.lene().await, world.lene().await);
    let ours = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let sent = tokio::spawn(ours.chat_service().send_message("Hi Lene"));
    let (at_desk, at_phone) = (conversation(&desk, 1).await, conversation(&phone, 1).await);
    for each in [&at_desk, &at_phone] {
        let chat = each.self_participant().chat().state();
        assert_eq!(chat.get(), CallConnectionState::Notified);
    }
    Ringing {
        ours,
        sent,
        desk: at_desk,
        phone: at_phone,
        _applications: [tosh, desk, phone],
    }
}

async fn over(conversation: &Conversation) {
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
    within_minutes(async {
        let world = World::new();
        let it = ringing(&world).await;
        it.desk.chat_service().accept().await.unwrap();
        it.sent.await.unwrap().unwrap();
        chatting(&it.desk).await;
        over(&it.phone).await;
        let reason = it.phone.state().reason().unwrap();
        assert_eq!(*reason.code(), ReasonCode::Terminated, "{reason}");
        let subcode = reason.details().unwrap().subcode.clone();
        assert_eq!(subcode.as_deref(), Some("ConnectedElsewhere"));
        let late = it.phone.chat_service().accept().await.unwrap_err();
        assert_eq!(*late.code(), ReasonCode::CommandDisabled);

        // The chat is at the endpoint that accepted.
        it.ours.chat_service().send_message("Lunch?").await.unwrap();
        it.desk.chat_service().send_message("Yes").await.unwrap();
        assert_eq!(transcript(&it.desk).len(), 3);
        assert_eq!(transcript(&it.ours).len(), 3);
        assert!(transcript(&it.phone).len() <= 1);
        assert_eq!(statuses(&it.ours)[..2], [MessageStatus::Succeeded; 2]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_invitation_accepted_at_two_endpoints_at_once_connects_one() {
    within_minutes(async {
        let world = World::new();
        let it = ringing(&world).await;
        let (desk, phone) = tokio::join!(
            it.desk.chat_service().accept(),
            it.phone.chat_service().accept()
        );
        assert!(desk.is_ok() != phone.is_ok(), "{desk:?} {phone:?}");
        it.sent.await.unwrap().unwrap();
        let (won, lost) = match desk {
            Ok(()) => (&it.desk, &it.phone),
            Err(_) => (&it.phone, &it.desk),
        };
        chatting(won).await;
        over(lost).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_invitation_declined_at_one_endpoint_stays_open_at_the_others() {
    within_minutes(async {
        let world = World::new();
        let it = ringing(&world).await;
        it.phone.chat_service().reject().await.unwrap();
        over(&it.phone).await;
        it.desk.chat_service().accept().await.unwrap();
        it.sent.await.unwrap().unwrap();
        chatting(&it.desk).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_invitation_declined_at_every_endpoint_is_declined() {
    within_minutes(async {
        let world = World::new();
        let it = ringing(&world).await;
        it.phone.chat_service().reject().await.unwrap();
        it.desk.chat_service().reject().await.unwrap();
        let reason = it.sent.await.unwrap().unwrap_err();
        assert_eq!(*reason.code(), ReasonCode::Refused, "{reason}");
        for each in [&it.desk, &it.phone, &it.ours] {
            over(each).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_invitation_ends_at_every_endpoint() {
    within_minutes(async {
        let world = World::new();
        let it = ringing(&world).await;
        sleep(Duration::from_secs(5)).await;
        it.ours.leave().await.unwrap();
        let reason = it.sent.await.unwrap().unwrap_err();
        assert_eq!(*reason.code(), ReasonCode::Terminated, "{reason}");
        for each in [&it.desk, &it.phone, &it.ours] {
            over(each).await;
        }
        assert_eq!(statuses(&it.ours), [MessageStatus::Failed]);
    })
    .await;
}
