//! The end of the driver, by a panic or with its runtime: the state of the application, and the results of its commands.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use skype_p2p::{
    Application, Conversation, ConversationState, Credentials, MessageStatus, Reason, ReasonCode,
    Runtime, RuntimeFuture, SignInErrorKind, SignInState, TokioRuntime,
};
use tokio::{
    runtime::{Builder, Runtime as Tokio},
    time::sleep,
};
use ucwa_server::ServerConfig;

use crate::{
    standard_chat::statuses,
    world::{LENE, TOSH, TOSH_PASSWORD, World, runtime, users},
};

fn tokio() -> Tokio {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().unwrap()
}

/// Asserts the final state of the application and of the conversation with one message. Returns the reason.
fn assert_ended(tosh: &Application, tosh_side: &Conversation, message: &str) -> Reason {
    let state = tosh.sign_in_manager().state();
    assert_eq!(state.get(), SignInState::SignedOut);
    let reason = state.reason().unwrap();
    assert_eq!(*reason.code(), ReasonCode::SignedOut, "{reason}");
    assert!(reason.to_string().contains(message), "{reason}");
    assert_eq!(tosh_side.state().get(), ConversationState::Disconnected);
    assert_eq!(statuses(tosh_side), [MessageStatus::Unknown]);
    reason
}

#[test]
fn an_application_is_signed_out_when_its_runtime_is_dropped() {
    let tokio = tokio();
    let (tosh, _lene, tosh_side, sent) = tokio.block_on(async {
        let world = World::new();
        let (tosh, lene) = (world.tosh().await, world.lene().await);
        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let sent = tosh_side.chat_service().send_message("Hi Lene");
        sleep(Duration::from_secs(1)).await;
        (tosh, lene, tosh_side, sent)
    });
    drop(tokio);
    assert_ended(&tosh, &tosh_side, "runtime");

    let tokio = self::tokio();
    let reason = tokio.block_on(sent).unwrap_err();
    assert_eq!(*reason.code(), ReasonCode::DeliveryUnknown, "{reason}");
    let reason = tokio.block_on(tosh_side.chat_service().send_message("Lene?"));
    assert_eq!(*reason.unwrap_err().code(), ReasonCode::CommandDisabled);
    let reason = tokio.block_on(tosh.sign_in_manager().sign_out());
    assert_eq!(*reason.unwrap_err().code(), ReasonCode::SignedOut);
}

#[test]
fn a_sign_in_ends_when_its_runtime_is_dropped() {
    let tokio = tokio();
    let (application, sign_in) = tokio.block_on(async {
        let world = World::new();
        world.lose("");
        let application = world.application();
        let sign_in = application
            .sign_in_manager()
            .sign_in(Credentials::password(TOSH, TOSH_PASSWORD));
        (application, sign_in)
    });
    drop(tokio);
    let error = self::tokio().block_on(sign_in).unwrap_err();
    assert_eq!(*error.kind(), SignInErrorKind::Cancelled);
    let state = application.sign_in_manager().state();
    assert_eq!(state.get(), SignInState::SignedOut);
}

/// A runtime that panics in the driver's task once `is_armed` is set.
#[derive(Debug)]
struct Panicking {
    inner: Arc<TokioRuntime>,
    is_armed: AtomicBool,
}

impl Runtime for Panicking {
    fn now(&self) -> Duration {
        self.inner.now()
    }

    fn wall_clock(&self) -> SystemTime {
        self.inner.wall_clock()
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
        assert!(
            !self.is_armed.load(Ordering::SeqCst),
            "a defect of the runtime"
        );
        self.inner.yield_now()
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_is_signed_out_when_its_driver_panics() {
    let panicking = Arc::new(Panicking {
        inner: runtime(),
        is_armed: AtomicBool::new(false),
    });
    let world = World::on_runtime(panicking.clone(), ServerConfig::new(users()));
    let (tosh, _lene) = (world.tosh().await, world.lene().await);
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let sent = tosh_side.chat_service().send_message("Hi Lene");
    sleep(Duration::from_secs(1)).await;
    panicking.is_armed.store(true, Ordering::SeqCst);

    let typing = tosh_side.chat_service().send_is_typing();
    let reason = sent.await.unwrap_err();
    assert_eq!(*reason.code(), ReasonCode::DeliveryUnknown, "{reason}");
    typing.await.unwrap_err();
    assert_ended(&tosh, &tosh_side, "panicked");
    let signed_out = tosh.sign_in_manager().sign_out().await;
    assert_eq!(*signed_out.unwrap_err().code(), ReasonCode::SignedOut);
}
