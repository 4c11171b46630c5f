//! The log of a worker as JSON.

use serde_json::Value;

use super::{BOT, Fleet, KEY, get, until};
use crate::process::{LENE, PASSWORD, Process, lene};

/// The objects of the log. Every line is one.
fn objects(stderr: &str) -> Vec<Value> {
    let lines = stderr.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}")))
        .collect()
}

fn has(objects: &[Value], level: &str, message: &str) -> bool {
    let is_meant = |it: &&Value| it["level"] == level && it["message"] == message;
    let found = objects.iter().find(is_meant);
    found.is_some_and(|it| it["timestamp"].is_string() && it["target"].is_string())
}

#[tokio::test]
async fn the_log_of_a_worker_is_json_without_secrets() {
    let Some(fleet) = Fleet::new().await else {
        return;
    };
    fleet.done(&["migrate"]);
    fleet.add(&[BOT]);
    // The worker logs everything, and so also what it sends.
    let (worker, endpoints) = fleet.worker(&["--log-format", "json"]);
    fleet.ready(1);
    let _lene = lene(&fleet.root, &[]);
    let text = "The text of a message that no log shows";
    let delivered = fleet.enqueue("order-1", LENE, text, &["--wait"]);
    assert_eq!(delivered.code, Some(0), "{delivered:?}");
    until("the metrics", || get(&endpoints, "metrics").0 == 200);
    worker.signal("TERM");
    let ended = worker.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let objects = objects(&ended.stderr);
    assert!(has(&objects, "INFO", "registered"), "{}", ended.stderr);
    let notice = "draining; another signal stops the worker at once";
    assert!(has(&objects, "INFO", notice), "{}", ended.stderr);
    assert!(objects.iter().any(|it| it["worker"].is_number()));
    for secret in [PASSWORD, KEY, text] {
        assert!(!ended.stderr.contains(secret), "{secret} is in the log");
    }

    // The error that ends a worker is an object, too.
    let client = fleet.cluster.connect(&fleet.database, "fleet").await;
    let too_old = "delete from fleet.migration where version > 1";
    client.batch_execute(too_old).await.unwrap();
    let mut command = fleet.command(&["worker", "-v"]);
    command.env("SKYPE_P2P_FLEET_LOG_FORMAT", "json");
    let ended = Process::start(command).end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let objects = self::objects(&ended.stderr);
    let error = objects.last().unwrap();
    assert_eq!(error["level"], "ERROR");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("The schema of the database has version 1"),
        "{message}"
    );
    assert!(error["hint"].as_str().unwrap().contains("fleet migrate"));

    let wrong = fleet.run(&["worker", "--log-format", "xml"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("expected text or json"), "{wrong:?}");
}
