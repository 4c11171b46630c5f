//! The form of a checkpoint: its size, its content, and its Debug output.

use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
use crate::handover::*;

/// A checkpoint of ten conversations, with values of the length that real servers use.
fn ten_conversations() -> Checkpoint {
    let mut value: Value = serde_json::from_str(&chat_checkpoint().encode()).unwrap();
    let app = "https://pool01.contoso.com/ucwa/oauth/v1/applications/104209230921";
    value["a"] = json!(app);
    value["u"] =
        json!("https://pool01.contoso.com/Autodiscover/AutodiscoverService.svc/root/oauth/user");
    value["x"] = json!(format!(
        "/ucwa/oauth/v1/applications/104209230921/events?ack=1284"
    ));
    value["t"][0] = json!("https://pool01.contoso.com");
    value["t"][1] = json!(format!("Bearer cwt={}", "AAEBHAEF".repeat(56)));
    value["t"][3] = json!({"s": "https://pool01.contoso.com/WebTicket/oauthtoken"});
    let mut checkpoint = Checkpoint::decode(&value.to_string()).unwrap();
    let text = checkpoint.encode();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    value["p"] = json!("/ucwa/oauth/v1/applications/104209230921/communication/conversations/");
    let conversation = |number: u128| {
        let uuid = |seed: u128| {
            let hex = format!(
                "{:032x}",
                seed.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
            );
            format!(
                "{}-{}-{}-{}-{}",
                &hex[..8],
                &hex[8..12],
                &hex[12..16],
                &hex[16..20],
                &hex[20..]
            )
        };
        json!([
            uuid(number),
            uuid(number + 100),
            format!("firstname.lastname{number}@contoso.com"),
            "Firstname Lastname",
            14
        ])
    };
    value["c"] = (1..=10).map(conversation).collect();
    checkpoint = Checkpoint::decode(&value.to_string()).unwrap();
    assert_eq!(checkpoint.conversations(), 10);
    checkpoint
}

#[test]
fn a_checkpoint_of_ten_conversations_has_less_than_two_kilobytes() {
    let text = ten_conversations().encode();
    assert!(text.len() < 2048, "{} bytes: {text}", text.len());
    let again = Checkpoint::decode(&text).unwrap();
    assert_eq!(again.encode(), text);
}

#[test]
fn a_checkpoint_shows_no_secret_and_contains_no_text() {
    let mut driver = chatting();
    driver.send(1, "a private text");
    let checkpoint = driver.session.checkpoint().unwrap();
    let checkpoint = checkpoint.with_cookies("MS-WSMAN=crumb");
    let text = checkpoint.encode();
    assert!(text.contains("cwt=one") && text.contains("crumb"));
    assert!(!text.contains("private") && !text.contains(PASSWORD));
    let shown = format!("{checkpoint:?} {checkpoint:#?}");
    for secret in ["cwt", "crumb", "events", "21a1", "lenea"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert_eq!(
        Checkpoint::decode(&text).unwrap().cookies(),
        Some("MS-WSMAN=crumb")
    );
}

#[test]
fn a_text_that_is_no_checkpoint_is_refused_without_being_shown() {
    let text = chat_checkpoint().encode();
    let later = text.replace("\"v\":1", "\"v\":2");
    assert_eq!(
        Checkpoint::decode(&later).unwrap_err(),
        CheckpointError::UnknownVersion(2)
    );
    for text in [
        "",
        "{}",
        "[]",
        "{\"v\":1}",
        "{\"v\":\"cwt=secret\"}",
        &text[..text.len() / 2],
    ] {
        let error = Checkpoint::decode(text).unwrap_err();
        assert!(
            matches!(error, CheckpointError::Malformed { .. }),
            "{error:?}"
        );
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
    // Members of a later form of the same version are ignored.
    assert!(Checkpoint::decode(&text.replacen('{', "{\"later\":[1],", 1)).is_ok());
    // Another format of serde has the same members.
    let value = serde_json::to_value(ten_conversations()).unwrap();
    assert_eq!(value["v"], 1);
}
