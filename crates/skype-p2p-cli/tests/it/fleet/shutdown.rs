//! The end of a worker: signals, the time limit of a drain, and the reports to systemd.

use std::{os::unix::net::UnixDatagram, time::Duration};

use super::{BOT, Fleet, until};
use crate::process::{LENE, Process, command, lene};

#[tokio::test]
async fn sigterm_drains_a_worker_and_another_one_continues() {
    let Some(fleet) = Fleet::new().await else {
        return;
    };
    fleet.done(&["migrate"]);
    fleet.add(&["bot0@contoso.com", "bot1@contoso.com"]);
    let (first, _) = fleet.worker(&["--name", "first"]);
    fleet.ready(2);
    let (_second, _) = fleet.worker(&["--name", "second"]);
    until("both have an identity", || {
        let status = fleet.status();
        let workers = status["workers"].as_array().unwrap().clone();
        workers.len() == 2
            && workers.iter().all(|it| it["identities"] == 1)
            && status["identities"]["ready"] == 2
    });
    first.signal("TERM");
    let ended = first.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("draining; another signal"),
        "{}",
        ended.stderr
    );
    fleet.ready(2);
    let _lene = lene(&fleet.root, &[]);
    let sent = fleet.enqueue("order-1", LENE, "Hi", &["--wait"]);
    assert_eq!(sent.code, Some(0), "{sent:?}");
}

#[tokio::test]
async fn a_drain_ends_at_its_time_limit_and_at_a_second_signal() {
    for (limit, why) in [("1", "longer than 1 s"), ("600", "before it was drained")] {
        let Some(fleet) = Fleet::new().await else {
            return;
        };
        fleet.done(&["migrate"]);
        fleet.add(&[BOT]);
        // She does not answer the invitation, so the message has no result for half a minute.
        let silent = ["listen", "--root", &fleet.root, "--user", LENE, "--json"];
        let mut silent = Process::start(command(silent));
        silent.line_of("sign_in.state", "SignedIn");
        let (worker, _) = fleet.worker(&["--drain-timeout", limit]);
        let queued = fleet.enqueue("order-1", LENE, "Hi", &[]);
        assert_eq!(queued.code, Some(0), "{queued:?}");
        silent.line_of("chat.state", "Notified");
        worker.signal("TERM");
        if limit == "600" {
            until("the drain has begun", || {
                fleet.status()["workers"][0]["state"] == "draining"
            });
            worker.signal("TERM");
        }
        let ended = worker.end();
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains(why), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn systemd_is_told_when_the_worker_is_ready_lives_and_stops() {
    let Some(fleet) = Fleet::new().await else {
        return;
    };
    fleet.done(&["migrate"]);
    let path = fleet.folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let mut command = fleet.command(&["worker"]);
    command
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "600000");
    let worker = Process::start(command);
    let wait_for = |state: &str| {
        let mut seen = Vec::new();
        loop {
            let mut buffer = [0; 500];
            let length = socket
                .recv(&mut buffer)
                .unwrap_or_else(|error| panic!("no {state}: {error}; {seen:?}"));
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if text.lines().any(|line| line == state) {
                return;
            }
            seen.push(text);
        }
    };
    wait_for("READY=1");
    for _ in 0..3 {
        wait_for("WATCHDOG=1");
    }
    worker.signal("TERM");
    wait_for("STOPPING=1");
    assert_eq!(worker.end().code, Some(0));
}
