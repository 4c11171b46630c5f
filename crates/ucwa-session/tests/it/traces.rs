//! What a run leaves in the log.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing_subscriber::fmt::format::FmtSpan;
use ucwa_session::*;

use crate::bench::*;
use crate::pages::*;
use crate::sending::established;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log of a run at the finest level.
fn logged(run: impl FnOnce()) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let ours = tracing::Dispatch::new(subscriber);
    // While there is one subscriber only, a thread without it that reaches a place in the code first decides for all
    // that nobody wants to hear of it: the other tests must not decide that here.
    let _another = tracing::Dispatch::new(tracing_subscriber::registry());
    tracing::dispatcher::with_default(&ours, run);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn an_exchange_tells_its_operation_host_status_subcode_and_correlation() {
    let log = logged(|| {
        let mut bench = established();
        bench.send(1, "the secret plan");
        let post = bench.take(
            "POST",
            &format!("{}/messaging/messages", conversation_href("21a1")),
        );
        let mut refused = answer(
            403,
            json!({"code": "Forbidden", "subcode": "LimitExceeded"}),
        );
        refused
            .headers_mut()
            .insert("x-ms-correlation-id", "4711".parse().unwrap());
        bench.respond(post.id, refused);
    });
    let closed = log
        .lines()
        .find(|line| line.contains("sendMessage") && line.contains("close"))
        .unwrap_or_else(|| panic!("{log}"));
    for field in [
        "127.0.0.1",
        "attempts=1",
        "status=403",
        "LimitExceeded",
        "4711",
    ] {
        assert!(closed.contains(field), "{field} in {closed}");
    }
}

#[test]
fn no_secret_and_no_text_stands_in_the_log() {
    let log = logged(|| {
        let mut bench = established();
        bench.send(1, "the secret plan");
        bench.created(
            "POST",
            &format!("{}/messaging/messages", conversation_href("21a1")),
            &message_href("21a1", "2"),
        );
        bench.page(senders(
            "21a1",
            vec![(true, arrival("21a1", "3", "another secret"))],
        ));
        bench.break_off("GET", &format!("{APP}/events"), Sent::Maybe);
        bench.submit(Operation::SignOut);
    });
    assert!(
        log.contains("startMessaging") && log.contains("token"),
        "{log}"
    );
    for secret in [PASSWORD, "pa55", "cwt=", "secret"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
