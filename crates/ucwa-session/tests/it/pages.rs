//! Events in the form of the published pages.

use serde_json::{Value, json};

use crate::driver::APP;

pub(crate) const INVITATION: &str =
    "/ucwa/oauth/v1/applications/102/communication/messagingInvitations/60c";

pub(crate) fn conversation_href(id: &str) -> String {
    format!("{APP}/communication/conversations/{id}")
}

pub(crate) fn communication(events: Vec<Value>) -> Value {
    json!({"rel": "communication", "href": format!("{APP}/communication"), "events": events})
}

pub(crate) fn conversation(id: &str, events: Vec<Value>) -> Value {
    json!({"rel": "conversation", "href": conversation_href(id), "events": events})
}

/// An event that embeds its resource.
pub(crate) fn event(kind: &str, rel: &str, href: &str, resource: Value) -> Value {
    let mut resource = resource;
    resource["rel"] = json!(rel);
    resource["_links"]["self"] = json!({"href": href});
    json!({"link": {"rel": rel, "href": href}, "_embedded": {rel: resource}, "type": kind})
}

/// An event without its resource.
pub(crate) fn bare(kind: &str, rel: &str, href: &str, within: Option<(&str, &str)>) -> Value {
    let mut event = json!({"link": {"rel": rel, "href": href, "title": ""}, "type": kind});
    if let Some((rel, href)) = within {
        event["in"] = json!({"rel": rel, "href": href});
    }
    event
}

pub(crate) fn with(mut event: Value, name: &str, value: Value) -> Value {
    event[name] = value;
    event
}

pub(crate) fn invitation(kind: &str, operation: &str, id: &str, state: &str) -> Value {
    event(
        kind,
        "messagingInvitation",
        INVITATION,
        json!({
            "direction": "Outgoing", "state": state, "operationId": operation, "threadId": "t1",
            "_links": {
                "conversation": {"href": conversation_href(id)},
                "messaging": {"href": format!("{}/messaging", conversation_href(id))},
                "cancel": {"href": format!("{}/messaging/terminate", conversation_href(id))},
            },
        }),
    )
}

pub(crate) fn conversation_event(kind: &str, id: &str, state: &str) -> Value {
    event(
        kind,
        "conversation",
        &conversation_href(id),
        json!({
            "state": state, "threadId": "t1", "activeModalities": if state == "Connected" { json!(["Messaging"]) } else { json!([]) },
            "_links": {"messaging": {"href": format!("{}/messaging", conversation_href(id))}},
        }),
    )
}

pub(crate) fn messaging(id: &str, state: &str) -> Value {
    let href = format!("{}/messaging", conversation_href(id));
    let mut links = json!({});
    if state != "Disconnected" {
        links["stopMessaging"] = json!({"href": format!("{href}/terminate")});
    } else {
        links["addMessaging"] = json!({"href": format!("{APP}/communication/messagingInvitations?conversationId={id}")});
    }
    if state == "Connected" {
        links["sendMessage"] = json!({"href": format!("{href}/messages")});
        links["setIsTyping"] = json!({"href": format!("{href}/typing")});
    }
    event(
        "updated",
        "messaging",
        &href,
        json!({
            "state": state, "negotiatedMessageFormats": ["Plain"], "_links": links,
        }),
    )
}

pub(crate) fn participant_href(id: &str) -> String {
    format!("{}/participants/lenea@contoso.com", conversation_href(id))
}

/// The events of an accepted invitation, in the published order.
pub(crate) fn accepted(operation: &str, id: &str) -> Vec<(bool, Value)> {
    let lene = participant_href(id);
    vec![
        (false, conversation_event("updated", id, "Connected")),
        (true, bare("added", "participant", &lene, None)),
        (
            true,
            bare(
                "added",
                "participantMessaging",
                &format!("{lene}/messaging"),
                Some(("participant", &lene)),
            ),
        ),
        (true, messaging(id, "Connected")),
        (
            false,
            with(
                invitation("completed", operation, id, "Connected"),
                "status",
                json!("Success"),
            ),
        ),
    ]
}

/// A page of events in this order. `true` marks events whose sender is the conversation.
pub(crate) fn senders(id: &str, events: Vec<(bool, Value)>) -> Value {
    let senders: Vec<_> = events
        .into_iter()
        .map(|(of_conversation, event)| match of_conversation {
            true => conversation(id, vec![event]),
            false => communication(vec![event]),
        })
        .collect();
    json!(senders)
}

pub(crate) fn message_href(id: &str, number: &str) -> String {
    format!("{}/messaging/messages/{number}", conversation_href(id))
}

/// The delivery result of an outgoing message.
pub(crate) fn delivery_event(id: &str, number: &str, status: &str) -> Value {
    let event = event(
        "completed",
        "message",
        &message_href(id, number),
        json!({
            "direction": "Outgoing", "timeStamp": "/Date(1700000123000)/",
        }),
    );
    with(event, "status", json!(status))
}

/// A message of the peer.
pub(crate) fn arrival(id: &str, number: &str, text: &str) -> Value {
    let event = event(
        "completed",
        "message",
        &message_href(id, number),
        json!({
            "direction": "Incoming", "timeStamp": "/Date(1700000001000)/",
            "_links": {
                "participant": {"href": participant_href(id), "title": "Lene Aaling"},
                "plainMessage": {"href": format!("data:text/plain;charset=utf-8,{}%0d%0a", text.replace(' ', "+"))},
            },
        }),
    );
    with(event, "status", json!("Success"))
}

/// The start of Lene's invitation.
pub(crate) fn offered(id: &str, text: &str) -> Value {
    let invitation = event(
        "started",
        "messagingInvitation",
        INVITATION,
        json!({
            "direction": "Incoming", "state": "Connecting", "operationId": "somebody else's", "threadId": "t9", "subject": "Lunch",
            "_links": {
                "conversation": {"href": conversation_href(id)},
                "messaging": {"href": format!("{}/messaging", conversation_href(id))},
                "accept": {"href": format!("{INVITATION}/accept")},
                "decline": {"href": format!("{INVITATION}/decline")},
                "message": {"href": format!("data:text/plain;charset=utf-8,{}", text.replace(' ', "+"))},
            },
            "_embedded": {"from": {"rel": "participant", "name": "Lene Aaling", "uri": "sip:lenea@contoso.com",
                "_links": {"self": {"href": participant_href(id)}}}},
        }),
    );
    json!([communication(vec![
        invitation,
        conversation_event("added", id, "Incoming")
    ])])
}

/// The events after the acceptance of Lene's invitation, without its message.
pub(crate) fn offer_completed(id: &str, status: &str) -> Value {
    let completed = event(
        "completed",
        "messagingInvitation",
        INVITATION,
        json!({
            "direction": "Incoming", "state": if status == "Success" { "Connected" } else { "Failed" },
            "_links": {"conversation": {"href": conversation_href(id)}},
        }),
    );
    let completed = with(completed, "status", json!(status));
    if status == "Success" {
        json!([
            conversation(id, vec![messaging(id, "Connected")]),
            communication(vec![
                conversation_event("updated", id, "Connected"),
                completed
            ]),
        ])
    } else {
        json!([communication(vec![with(
            completed,
            "reason",
            json!({"code": "LocalFailure", "subcode": "Missed"})
        )])])
    }
}
