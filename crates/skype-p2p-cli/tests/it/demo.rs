use std::io::{BufRead, BufReader};

use serde_json::Value;

use crate::{
    process::{Folder, LENE, Process, TOSH, command, run},
    recording::exchanges,
};

fn timeline(representation: &str) -> Vec<Value> {
    let demo = run(["demo", "--json", "--representation", representation]);
    assert_eq!(demo.code, Some(0), "{}", demo.stderr);
    demo.objects()
}

fn of(timeline: &[Value], who: &str) -> Vec<Value> {
    timeline
        .iter()
        .filter(|line| line["who"] == who)
        .cloned()
        .collect()
}

#[test]
fn the_demo_tells_the_same_story_in_both_representations() {
    let (json, xml) = (timeline("json"), timeline("xml"));
    for who in [TOSH, LENE] {
        let story = of(&json, who);
        assert_eq!(story, of(&xml, who));
        for event in [
            "sign_in.state",
            "conversation.state",
            "chat.state",
            "participants.added",
            "messages.added",
            "message.status",
        ] {
            assert!(
                story.iter().any(|line| line["event"] == event),
                "{who}: {event}"
            );
        }
    }
    assert_eq!(of(&json, TOSH).len() + of(&json, LENE).len(), json.len());
}

#[test]
fn every_line_has_the_members_that_its_event_has() {
    for line in timeline("json") {
        let members = line.as_object().unwrap();
        for member in ["who", "event", "new", "old", "reason"] {
            assert!(members.contains_key(member), "{line}");
        }
        let message = line["event"] == "messages.added" || line["event"] == "message.status";
        for member in ["direction", "text", "status"] {
            assert_eq!(members.contains_key(member), message, "{line}");
        }
    }
}

#[test]
fn both_sides_see_the_same_messages_in_the_same_order() {
    let timeline = timeline("json");
    let messages = |who, direction| -> Vec<_> {
        let added = of(&timeline, who)
            .into_iter()
            .filter(|line| line["event"] == "messages.added");
        added
            .filter(|line| line["direction"] == direction)
            .map(|line| line["text"].to_string())
            .collect()
    };
    assert_eq!(messages(TOSH, "Outgoing"), messages(LENE, "Incoming"));
    assert_eq!(messages(LENE, "Outgoing"), messages(TOSH, "Incoming"));
    assert_eq!(messages(TOSH, "Outgoing").len(), 3);
    assert_eq!(messages(LENE, "Outgoing").len(), 1);
}

#[test]
fn a_person_can_read_it_too() {
    let demo = run(["demo"]);
    assert_eq!(demo.code, Some(0), "{}", demo.stderr);
    assert!(
        demo.stdout
            .iter()
            .any(|line| line.contains("Connecting -> Connected")),
        "{:?}",
        demo.stdout
    );
}

#[test]
fn a_reader_that_goes_away_is_no_reason_to_panic() {
    let mut demo = command(["demo", "--json"]).spawn().unwrap();
    let mut stdout = BufReader::new(demo.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    drop(stdout);
    let demo = demo.wait_with_output().unwrap();
    assert_eq!(demo.status.code(), Some(0));
    let stderr = String::from_utf8_lossy(&demo.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn the_demo_tells_its_story_on_slow_wires_too() {
    let weather = ["--fault", "delay=5ms,chance=0.5", "--fault-seed", "7"];
    let demo = run(["demo", "--json"].iter().chain(&weather));
    assert_eq!(demo.code, Some(0), "{}", demo.stderr);
}

#[test]
fn the_traffic_of_each_user_is_recorded_without_secrets() {
    let folder = Folder::new("record-demo");
    let file = folder.path().join("demo.har");
    let demo = run(["demo", "--record", file.to_str().unwrap()]);
    assert_eq!(demo.code, Some(0), "{}", demo.stderr);
    let second = file.with_file_name("demo-2.har");
    for (file, sends) in [(&file, true), (&second, false)] {
        let exchanges = exchanges(file);
        assert!(exchanges[0].starts_with("GET / 200"), "{exchanges:?}");
        let last = exchanges.last().unwrap();
        assert!(last.starts_with("DELETE "), "{exchanges:?}");
        let invites = exchanges
            .iter()
            .any(|it| it.starts_with("POST ") && it.contains("/messagingInvitations "));
        assert_eq!(invites, sends, "{exchanges:?}");
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains("Bearer redacted"), "{text}");
        for secret in ["cwt=", "tosh-password", "lene-password"] {
            assert!(!text.contains(secret), "{secret}");
        }
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_demo_leaves_its_recordings() {
    let folder = Folder::new("record-demo-signal");
    let file = folder.path().join("demo.har");
    let mut demo = command([
        "demo",
        "--json",
        "--fault",
        "delay=60s,path=/messagingInvitations",
    ]);
    demo.arg("--record").arg(&file);
    let mut demo = Process::start(demo);
    demo.line_with(|line| line["who"] == LENE && line["new"] == "SignedIn");
    demo.signal("INT");
    let ended = demo.end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("interrupted"), "{}", ended.stderr);
    for file in [&file, &file.with_file_name("demo-2.har")] {
        assert!(exchanges(file).len() > 5);
    }
}
