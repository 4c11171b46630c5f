//! History: archived conversations and their messages, missed items, and the archiving setting.

mod archive;
mod archiving;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::{APP, TestDriver, application};

const LENE: &str = "sip:lenea@contoso.com";
const ALEX: &str = "sip:alexd@contoso.com";
const ME: &str = "sip:toshm@contoso.com";

fn communication_href() -> String {
    format!("{APP}/communication")
}

pub(crate) fn logs_href() -> String {
    format!("{APP}/communication/conversationLogs")
}

pub(crate) fn log_href(number: u32) -> String {
    format!("{}/{number}", logs_href())
}

/// `communication` of a server with an archive.
pub(crate) fn communication(history: &str, etag: &str) -> Value {
    json!({
        "rel": "communication", "conversationHistory": history, "etag": etag,
        "3c1d-random": "please pass this in a PUT request", "lisQueryResult": "Succeeded",
        "supportedModalities": ["Messaging"],
        "_links": {
            "self": {"href": communication_href()},
            "startMessaging": {"href": format!("{APP}/communication/messagingInvitations")},
            "conversations": {"href": format!("{APP}/communication/conversations")},
            "conversationLogs": {"href": logs_href()},
            "missedItems": {"href": format!("{APP}/communication/missedItems")},
        },
    })
}

fn with_archive(fresh: bool) -> Value {
    let mut application = application(fresh);
    application["_links"]["batch"] = json!({"href": format!("{APP}/batch")});
    application["_embedded"]["communication"] = communication("Disabled", "1");
    application
}

pub(crate) fn missed(unread: u32) -> Value {
    json!({"rel": "missedItems", "unreadMissedConversationsCount": unread, "missedConversationsCount": 9,
           "_links": {"self": {"href": format!("{APP}/communication/missedItems")}}})
}

pub(crate) fn missed_href() -> String {
    format!("{APP}/communication/missedItems")
}

/// Signed in to a server with an archive.
pub(crate) fn signed_in() -> TestDriver {
    let mut driver = TestDriver::signed_in_to(with_archive);
    driver.events.clear();
    driver
}

/// Lists archived conversations for the first time, without missed items.
fn first_list(driver: &mut TestDriver, count: u32) -> Ticket {
    let ticket = driver.submit(list_archived(count));
    driver.reply("GET", &missed_href(), 200, missed(0));
    ticket
}

pub(crate) fn list(numbers: impl IntoIterator<Item = u32>) -> Value {
    let links: Vec<_> = numbers
        .into_iter()
        .map(|number| json!({"href": log_href(number)}))
        .collect();
    json!({"rel": "conversationLogs", "_links": {"self": {"href": logs_href()}, "conversationLog": links}})
}

/// The log of a one-to-one chat. Later logs have higher numbers.
pub(crate) fn log(number: u32, thread: &str, peer: &str) -> Value {
    json!({
        "rel": "conversationLog", "type": "MessageLog", "direction": "Incoming", "status": "Archived",
        "threadId": thread, "subject": "Lunch", "totalRecipientsCount": 1, "modalities": ["Messaging"],
        "creationTime": format!("/Date({})/", 1_600_000_000_000_u64 + u64::from(number) * 1000),
        "_links": {
            "self": {"href": log_href(number)},
            "conversationLogTranscripts": {"href": format!("{}/transcripts", log_href(number))},
        },
        "_embedded": {"conversationLogRecipient": [
            {"rel": "conversationLogRecipient", "sipUri": peer, "displayName": "Lene Aaling"},
        ]},
    })
}

/// A message in a log, of this user or of the peer.
pub(crate) fn transcript(at: u64, mine: bool, text: &str) -> Value {
    let (rel, href) = if mine {
        ("me", format!("{APP}/me"))
    } else {
        ("contact", format!("{APP}/people/282"))
    };
    json!({
        "rel": "conversationLogTranscript", "timeStamp": format!("/Date({at})/"),
        "_links": {"self": {"href": "x"}, rel: {"href": href}},
        "_embedded": {"messageTranscript": {"rel": "messageTranscript", "_links": {
            "self": {"href": "y"}, "plainMessage": {"href": format!("data:text/plain;charset=utf8,{text}")},
        }}},
    })
}

pub(crate) fn transcripts(messages: &[Value], next: Option<&str>) -> Value {
    let mut page = json!({"rel": "conversationLogTranscripts", "_links": {"self": {"href": "z"}},
                          "_embedded": {"conversationLogTranscript": messages}});
    if let Some(next) = next {
        page["_links"]["nextConversationLogTranscripts"] = json!({"href": next});
    }
    page
}

fn list_archived(count: u32) -> Operation {
    Operation::ListArchived { count }
}

/// Takes the archived conversations so far, with the URIs of the other participants.
fn found(driver: &mut TestDriver) -> Vec<(ConversationKey, String)> {
    std::mem::take(&mut driver.events)
        .into_iter()
        .filter_map(|event| match event {
            SessionEvent::Archived {
                conversation,
                participants,
                ..
            } => {
                let others: Vec<_> = participants.into_iter().filter_map(|it| it.uri).collect();
                Some((conversation, others.join(" ")))
            }
            _ => None,
        })
        .collect()
}

fn from_communication(link: Value, embedded: Option<(&str, Value)>) -> Value {
    let mut event = json!({"type": "updated", "link": link});
    if let Some((rel, resource)) = embedded {
        event["_embedded"] = json!({rel: resource});
    }
    json!([{"rel": "communication", "href": communication_href(), "events": [event]}])
}

/// Signed in, with one archived conversation with Lene, whose log is number 7.
pub(crate) fn with_unread() -> (TestDriver, ConversationKey) {
    let mut driver = signed_in();
    first_list(&mut driver, 20);
    let mut unread = log(9, "t9", LENE);
    unread["_links"]["markAsRead"] = json!({"href": format!("{}/markAsRead", log_href(9))});
    driver.reply("GET", &logs_href(), 200, list([9]));
    driver.reply("GET", &log_href(9), 200, unread);
    let key = found(&mut driver)[0].0;
    driver.changes(key);
    (driver, key)
}

pub(crate) fn with_one() -> (TestDriver, ConversationKey) {
    let mut driver = signed_in();
    first_list(&mut driver, 20);
    driver.reply("GET", &logs_href(), 200, list([7]));
    driver.reply("GET", &log_href(7), 200, log(7, "t7", LENE));
    let found = found(&mut driver);
    (driver, found[0].0)
}
