//! No source of the driver starves another: commands, responses and timers each make progress under any load.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::select;
use skype_p2p::{ChatService, MessageStatus, Runtime as _};
use ucwa_server::{Fault, ServerConfig};

use crate::{
    executor::Executor,
    standard_chat::conversation,
    world::{LENE, TOSH, World, users},
};

/// More resends than occur before the application recovers.
const LOAD: usize = 3_000;

/// Resends every failed message from a listener, `LOAD` times at most. Returns the counter of resends.
fn resend_failed_messages(chat: &ChatService) -> Arc<AtomicUsize> {
    let resends = Arc::new(AtomicUsize::new(0));
    let (sender, count) = (chat.clone(), resends.clone());
    let listener = chat.messages().added(move |message, _, _| {
        let (sender, count, text) = (sender.clone(), count.clone(), message.text());
        let failed = message.status().once(MessageStatus::Failed, move |_| {
            if count.fetch_add(1, Ordering::Relaxed) < LOAD {
                drop(sender.send_message(text));
            }
        });
        failed.detach();
    });
    listener.detach();
    resends
}

/// While the application is being re-created, every message fails at once. The re-creation needs responses and a timer.
#[test]
fn an_application_recovers_while_a_listener_resends_every_failed_message() {
    let executor = Executor::new(Duration::from_millis(1));
    let runtime = Arc::new(executor.clone());
    let world = World::on_runtime(runtime.clone(), ServerConfig::new(users()));
    let resends = executor.block_on(async move {
        let (tosh, lene) = (world.tosh().await, world.lene().await);
        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let resends = resend_failed_messages(&tosh_side.chat_service());
        world.inject(Fault::DropApplications {
            user: TOSH.to_owned(),
        });
        let later = runtime.now() + Duration::from_millis(50);
        runtime.sleep_until(later).await;
        drop(tosh_side.chat_service().send_message("Hi Lene"));
        let deadline = runtime.sleep_until(later + Duration::from_secs(60));
        select(pin!(conversation(&lene, 1)), deadline).await;
        resends.load(Ordering::Relaxed)
    });
    assert!(resends > 0 && resends < LOAD, "{resends}");
}
