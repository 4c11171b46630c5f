//! A chat on a runtime that is not tokio's.

use std::{sync::Arc, time::Duration};

use skype_p2p::{ReasonCode, Runtime as _};
use ucwa_server::ServerConfig;

use crate::{
    executor::Executor,
    standard_chat,
    world::{ALEX, World, users},
};

#[test]
fn the_standard_chat_runs_without_tokio() {
    let executor = Executor::new(Duration::ZERO);
    let world = World::on_runtime(Arc::new(executor.clone()), ServerConfig::new(users()));
    executor.block_on(async move {
        let tosh = world.tosh().await;
        // Alex does not answer: the timers of both ends decide.
        let _alex = world.alex().await;
        let conversation = tosh.conversations_manager().get_conversation(ALEX).unwrap();
        let reason = conversation.chat_service().send_message("Hi Alex").await;
        assert_eq!(*reason.unwrap_err().code(), ReasonCode::Missed);
        standard_chat::run(&tosh, &world.lene().await).await;
    });
    assert!(executor.now() >= Duration::from_secs(29));
}
