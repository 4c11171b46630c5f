//! No password, token or message text in what is written for developers.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

use crate::{
    story::conversation,
    world::{LENE, LENE_PASSWORD, TOSH_PASSWORD, World},
};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_of_a_chat_tells_no_secret_at_any_level() {
    let log = Log::default();
    // Of the whole process: one of this thread alone can miss what other threads' tests have made quiet.
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(log.clone())
        .init();

    let world = World::new();
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    let ours = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let sent = ours
        .chat_service()
        .send_message("the plans are in the drawer");
    let theirs = conversation(&lene, 1).await;
    theirs.chat_service().accept().await.unwrap();
    sent.await.unwrap();
    theirs
        .chat_service()
        .send_message("which drawer is that")
        .await
        .unwrap();
    let shown = format!(
        "{tosh:?} {ours:?} {:?}",
        ours.chat_service().messages().snapshot()
    );
    tosh.sign_in_manager().sign_out().await.unwrap();

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap() + &shown;
    assert!(log.contains("submit"), "the log was heard");
    let requests = world.requests();
    let tokens: Vec<_> = requests
        .iter()
        .filter_map(|request| request.headers().get("authorization"))
        .collect();
    assert!(!tokens.is_empty());
    let tokens = tokens
        .iter()
        .map(|token| token.to_str().unwrap().trim_start_matches("Bearer "));
    for secret in [TOSH_PASSWORD, LENE_PASSWORD, "plans", "drawer"]
        .into_iter()
        .chain(tokens)
    {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}
