//! Timelines.

use ucwa_har::{steps, timeline};

use crate::fixture::har;

/// The lines of a timeline, without the positions of the columns.
fn lines(name: &str) -> Vec<String> {
    let text = timeline(&har(name));
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(words).collect()
}

#[test]
fn a_story_has_one_timeline_in_both_representations() {
    let json = lines("outgoing-declined-json");
    assert_eq!(json, lines("outgoing-declined-xml"));
    assert_eq!(json[0], "# time took lane method request status after");
    for wanted in [
        "4 0.080 0.040 commands POST token 200 3",
        "6 0.160 0.040 commands POST applications 201 5",
        "11 3.240 0.040 commands POST startMessaging 201 6",
        "messagingInvitation started (of request 11)",
        "messagingInvitation completed Failure (of request 11)",
    ] {
        assert!(
            json.iter().any(|line| line == wanted),
            "{wanted}: {json:#?}"
        );
    }
}

#[test]
fn an_error_has_its_code_and_subcode() {
    let lines = lines("busy-server-json");
    assert!(
        lines.iter().any(|line| line.contains(" 429 ")),
        "{lines:#?}"
    );
}

#[test]
fn no_text_of_a_message_is_in_a_timeline() {
    let har = har("outgoing-delivered-json");
    let text = timeline(&har);
    assert!(
        !text.contains("Lunch") && !text.contains("THVuY2"),
        "{text}"
    );
    let events: usize = steps(&har).iter().map(|step| step.events.len()).sum();
    assert_eq!(text.lines().count(), har.log.entries.len() + events + 1);
}

#[test]
fn each_request_was_named_by_an_earlier_response() {
    for name in ["group-xml", "history-json", "browser-outgoing-json"] {
        let har = har(name);
        for step in steps(&har) {
            if let Some(by) = step.named_by {
                assert!(by < step.exchange.number, "{name}: {step:?}");
            }
        }
    }
}
