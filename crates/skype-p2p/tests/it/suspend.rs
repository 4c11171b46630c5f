//! A suspend of the machine: the monotonic clock stops, the wall clock advances.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use skype_p2p::{Conversation, Runtime, RuntimeFuture, TokioRuntime};
use tokio::time::sleep;
use ucwa_server::ServerConfig;

use crate::{
    standard_chat::conversation,
    world::{LENE, World, beginning, runtime, users},
};

/// A runtime on a machine that can be suspended.
#[derive(Debug)]
struct SuspendableRuntime {
    inner: Arc<TokioRuntime>,
    suspended: Mutex<Duration>,
}

impl SuspendableRuntime {
    fn suspend(&self, time: Duration) {
        *self.suspended.lock().unwrap() += time;
    }
}

impl Runtime for SuspendableRuntime {
    fn now(&self) -> Duration {
        self.inner.now()
    }

    fn wall_clock(&self) -> SystemTime {
        self.inner.wall_clock() + *self.suspended.lock().unwrap()
    }

    fn seed(&self) -> u64 {
        self.inner.seed()
    }

    fn sleep_until(&self, at: Duration) -> RuntimeFuture {
        self.inner.sleep_until(at)
    }

    fn spawn(&self, task: RuntimeFuture) {
        self.inner.spawn(task);
    }

    fn yield_now(&self) -> RuntimeFuture {
        self.inner.yield_now()
    }
}

/// The timestamp of the last message, as the time since the start of the world.
fn last_message(conversation: &Conversation) -> Duration {
    let messages = conversation.chat_service().messages().snapshot();
    let timestamp = messages.iter().next_back().unwrap().timestamp().get();
    timestamp.duration_since(beginning()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn after_a_suspend_messages_have_the_new_date_and_the_poll_is_sent_again() {
    const NIGHT: Duration = Duration::from_secs(8 * 60 * 60);
    let suspendable = Arc::new(SuspendableRuntime {
        inner: runtime(),
        suspended: Mutex::new(Duration::ZERO),
    });
    let world = World::on_runtime(suspendable.clone(), ServerConfig::new(users()));
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let sent = tosh_side.chat_service().send_message("Good night");
    let lene_side = conversation(&lene, 1).await;
    lene_side.chat_service().accept().await.unwrap();
    sent.await.unwrap();
    sleep(Duration::from_secs(60)).await;
    let before = world.log().len();

    suspendable.suspend(NIGHT);
    sleep(Duration::from_secs(20)).await;

    let log = world.log().split_off(before);
    let polls = log.iter().filter(|it| it.ends_with("/events"));
    assert_eq!(polls.count(), 2, "one of each application: {log:?}");
    // The delivery replaces the timestamp with the server's time, and the server's clock did not jump.
    let sent = tosh_side.chat_service().send_message("Morning");
    assert!(
        last_message(&tosh_side) >= NIGHT,
        "{:?}",
        last_message(&tosh_side)
    );
    sent.await.unwrap();
}
