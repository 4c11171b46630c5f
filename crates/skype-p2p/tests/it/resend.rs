//! Sending a message again until it is delivered.

use std::time::Duration;

use skype_p2p::{Application, MessageStatus, ReasonCode};
use tokio::time::{Instant, sleep};

use crate::{
    groups::with_time_limit,
    standard_chat::transcript,
    world::{LENE, World},
};

const MINUTE: Duration = Duration::from_secs(60);

/// Accepts every invitation.
pub(crate) fn accept_all(application: &Application) {
    let conversations = application.conversations_manager().conversations();
    let accept = |conversation: &skype_p2p::Conversation| {
        let chat = conversation.chat_service();
        tokio::spawn(async move { chat.accept().await });
    };
    conversations
        .added(move |conversation, _, _| accept(conversation))
        .detach();
}

#[tokio::test(start_paused = true)]
async fn a_message_is_sent_again_until_the_other_side_can_be_reached() {
    with_time_limit(async {
        let world = World::new();
        let tosh = world.tosh().await;
        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let sent = tosh.send_message_within(&tosh_side.chat_service(), "Hi Lene", 5 * MINUTE);
        let sent = tokio::spawn(sent);
        sleep(Duration::from_secs(20)).await;
        let lene = world.lene().await;
        accept_all(&lene);
        sent.await.unwrap().unwrap();
        let lene_side = lene.conversations_manager().conversations().get(0).unwrap();
        assert_eq!(transcript(&lene_side).len(), 1, "the message arrived once");
        let statuses = tosh_side.chat_service().messages().snapshot().into_iter();
        let statuses: Vec<_> = statuses.map(|it| it.status().get()).collect();
        let (last, failed) = statuses.split_last().unwrap();
        assert_eq!(*last, MessageStatus::Succeeded);
        assert!(failed.len() >= 3, "{statuses:?}");
        assert!(failed.iter().all(|it| *it == MessageStatus::Failed));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_attempts_end_at_the_deadline_or_with_a_reason_that_forbids_a_resend() {
    with_time_limit(async {
        let world = World::new();
        let tosh = world.tosh().await;
        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let chat = tosh_side.chat_service();
        let begun = Instant::now();
        let failed = tosh.send_message_within(&chat, "Hi Lene", MINUTE).await;
        assert_eq!(*failed.unwrap_err().code(), ReasonCode::Dropped);
        assert!(begun.elapsed() < MINUTE);
        let attempts = chat.messages().size().get();
        assert_eq!(attempts, 6, "after 0, 1, 3, 7, 15 and 31 s");

        // The other side declines: the message is not sent again.
        let lene = world.lene().await;
        let conversations = lene.conversations_manager().conversations();
        let reject =
            conversations.added(|conversation, _, _| drop(conversation.chat_service().reject()));
        let failed = tosh.send_message_within(&chat, "Hi Lene", MINUTE).await;
        assert_eq!(*failed.unwrap_err().code(), ReasonCode::Refused);
        assert_eq!(chat.messages().size().get(), attempts + 1);

        // The invitation is not answered before the deadline.
        drop(reject);
        let begun = Instant::now();
        let time = Duration::from_secs(5);
        let failed = tosh.send_message_within(&chat, "Hi Lene", time).await;
        assert_eq!(*failed.unwrap_err().code(), ReasonCode::DeliveryUnknown);
        assert_eq!(begun.elapsed(), time);
    })
    .await;
}
