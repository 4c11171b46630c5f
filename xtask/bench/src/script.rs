//! A server without sockets and without a state that grows: it accepts every invitation at once and serves pages that are written
//! in advance, so that only the client's work is measured.

use std::collections::VecDeque;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

/// Where a client begins.
pub(crate) const ROOT: &str = "http://127.0.0.1/";
const APPLICATION: &str = "/ucwa/oauth/v1/applications/102";

/// The responses of the server, and the event pages that wait for a poll.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pages: VecDeque<Bytes>,
    /// The number of the last page.
    page: u64,
    /// The invitations so far: the conversations have their numbers.
    pub(crate) invitations: u64,
    messages: u64,
}

pub(crate) fn conversation_href(number: u64) -> String {
    format!("{APPLICATION}/communication/conversations/6f1d1b7e-1d5f-4d5e-9a0e-{number:012}")
}

impl Script {
    /// The response to a request, except for a poll.
    pub(crate) fn answer(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path();
        let has_token = request.headers().contains_key("authorization");
        match (request.method(), path) {
            (&Method::GET, "/") => {
                body(200, &json!({"_links": {"self": {"href": ROOT}, "user": {"href": "/user"}}}))
            }
            (&Method::GET, "/user") if !has_token => Response::builder()
                .status(StatusCode::UNAUTHORIZED)
                .header(WWW_AUTHENTICATE, "Bearer trusted_issuers=\"\", client_id=\"00000004-0000-0ff1-ce00-000000000000\", MsRtcOAuth href=/token,grant_type=\"urn:microsoft.rtc:windows,password\"")
                .body(Bytes::new())
                .unwrap(),
            (&Method::GET, "/user") => body(
                200,
                &json!({"_links": {"self": {"href": "/user"}, "applications": {"href": "/ucwa/oauth/v1/applications"}}}),
            ),
            (&Method::POST, "/token") => body(
                200,
                &json!({"access_token": "cwt=one", "token_type": "Bearer", "expires_in": 28_000, "ms_rtc_identityscope": "local"}),
            ),
            (&Method::POST, "/ucwa/oauth/v1/applications") => body(201, &application("makeMeAvailable")),
            (&Method::GET, APPLICATION) => body(200, &application("reportMyActivity")),
            (&Method::POST, path) if path.ends_with("/messagingInvitations") => {
                self.accept_invitation(request.body())
            }
            (&Method::POST, path) if path.ends_with("/messages") => self.deliver_message(path),
            (&Method::GET, path) if path.contains("/participants/") => {
                let name = path.rsplit('/').next().unwrap_or_default();
                body(200, &json!({"rel": "participant", "name": "Somebody", "uri": format!("sip:{name}"), "_links": {"self": {"href": path}}}))
            }
            (&Method::GET, _) => body(404, &json!({"code": "NotFound"})),
            _ => Response::builder().status(StatusCode::NO_CONTENT).body(Bytes::new()).unwrap(),
        }
    }

    /// The next page for a poll.
    pub(crate) fn next_page(&mut self) -> Option<Response<Bytes>> {
        let page = self.pages.pop_front()?;
        let response = Response::builder().header(CONTENT_TYPE, "application/json");
        Some(response.body(page).unwrap())
    }

    /// Adds a page with these events, each with the href of its sender.
    pub(crate) fn push(&mut self, events: Vec<(&'static str, String, Value)>) {
        self.page += 1;
        let senders: Vec<_> = (events.into_iter())
            .map(|(rel, href, event)| json!({"rel": rel, "href": href, "events": [event]}))
            .collect();
        let links = json!({
            "self": {"href": format!("{APPLICATION}/events?ack={}", self.page)},
            "next": {"href": format!("{APPLICATION}/events?ack={}", self.page + 1)},
        });
        let page = json!({"_links": links, "sender": senders});
        self.pages.push_back(page.to_string().into());
    }

    fn accept_invitation(&mut self, request: &Bytes) -> Response<Bytes> {
        self.invitations += 1;
        let number = self.invitations;
        let request: Value = serde_json::from_slice(request).unwrap();
        let href = format!("{APPLICATION}/communication/messagingInvitations/{number}");
        let conversation = conversation_href(number);
        let them = participant_href(
            number,
            request["to"].as_str().unwrap().trim_start_matches("sip:"),
        );
        let invitation = |state: &str| {
            json!({
                "direction": "Outgoing", "state": state, "operationId": request["operationId"], "threadId": number.to_string(),
                "importance": "Normal",
                "_links": {
                    "conversation": {"href": conversation},
                    "messaging": {"href": format!("{conversation}/messaging")},
                    "cancel": {"href": format!("{conversation}/messaging/terminate")},
                },
            })
        };
        let messaging = format!("{conversation}/messaging");
        let connected = json!({
            "state": "Connected", "threadId": number.to_string(), "activeModalities": ["Messaging"],
            "_links": {"messaging": {"href": messaging}, "addParticipant": {"href": format!("{conversation}/add")}},
        });
        let chat = json!({
            "state": "Connected", "negotiatedMessageFormats": ["Plain"],
            "_links": {
                "stopMessaging": {"href": format!("{messaging}/terminate")},
                "sendMessage": {"href": format!("{messaging}/messages")},
                "setIsTyping": {"href": format!("{messaging}/typing")},
            },
        });
        let participant = json!({"link": {"rel": "participant", "href": them, "title": "Somebody"}, "type": "added"});
        let chat_of_participant = json!({
            "link": {"rel": "participantMessaging", "href": format!("{them}/messaging")},
            "in": {"rel": "participant", "href": them}, "type": "added",
        });
        let started = event(
            "started",
            "messagingInvitation",
            &href,
            invitation("Connecting"),
        );
        let mut completed = event(
            "completed",
            "messagingInvitation",
            &href,
            invitation("Connected"),
        );
        completed["status"] = json!("Success");
        let communication = || format!("{APPLICATION}/communication");
        self.push(vec![("communication", communication(), started)]);
        self.push(vec![
            (
                "communication",
                communication(),
                event("updated", "conversation", &conversation, connected),
            ),
            ("conversation", conversation.clone(), participant),
            ("conversation", conversation.clone(), chat_of_participant),
            (
                "conversation",
                conversation.clone(),
                event("updated", "messaging", &messaging, chat),
            ),
            ("communication", communication(), completed),
        ]);
        Response::builder()
            .status(StatusCode::CREATED)
            .header(LOCATION, href)
            .body(Bytes::new())
            .unwrap()
    }

    fn deliver_message(&mut self, path: &str) -> Response<Bytes> {
        self.messages += 1;
        let href = format!("{path}/{}", self.messages);
        let message = json!({"direction": "Outgoing", "timeStamp": "/Date(1700000123000)/"});
        let mut completed = event("completed", "message", &href, message);
        completed["status"] = json!("Success");
        let conversation = path.trim_end_matches("/messaging/messages").to_owned();
        self.push(vec![("conversation", conversation, completed)]);
        Response::builder()
            .status(StatusCode::CREATED)
            .header(LOCATION, href)
            .body(Bytes::new())
            .unwrap()
    }

    /// Adds a page with a message of the peer of a conversation, whose address is `from`.
    pub(crate) fn push_message(&mut self, number: u64, from: &str, text: &str) {
        self.messages += 1;
        let conversation = conversation_href(number);
        let href = format!("{conversation}/messaging/messages/{}", self.messages);
        let message = json!({
            "direction": "Incoming", "timeStamp": "/Date(1700000001000)/",
            "_links": {
                "participant": {"href": participant_href(number, from), "title": "Somebody"},
                "plainMessage": {"href": format!("data:text/plain;charset=utf-8,{}", text.replace(' ', "+"))},
            },
        });
        let mut completed = event("completed", "message", &href, message);
        completed["status"] = json!("Success");
        self.push(vec![("conversation", conversation, completed)]);
    }

    /// Adds a page with a participant who joins a conversation.
    pub(crate) fn push_participant(&mut self, number: u64, address: &str) {
        let href = participant_href(number, address);
        let participant = json!({"name": "Somebody", "uri": format!("sip:{address}"), "_links": {"self": {"href": href}}});
        let added = event("added", "participant", &href, participant);
        self.push(vec![("conversation", conversation_href(number), added)]);
    }
}

fn participant_href(number: u64, address: &str) -> String {
    format!("{}/participants/{address}", conversation_href(number))
}

fn body(status: u16, value: &Value) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/json")
        .body(value.to_string().into())
        .unwrap()
}

fn application(availability: &str) -> Value {
    json!({
        "rel": "application",
        "_links": {"self": {"href": APPLICATION}, "events": {"href": format!("{APPLICATION}/events?ack=1")}},
        "_embedded": {
            "me": {"rel": "me", "name": "Tosh Meston", "uri": "sip:toshm@contoso.com", "_links": {
                "self": {"href": format!("{APPLICATION}/me")},
                availability: {"href": format!("{APPLICATION}/me/{availability}")},
            }},
            "communication": {"rel": "communication", "_links": {
                "self": {"href": format!("{APPLICATION}/communication")},
                "startMessaging": {"href": format!("{APPLICATION}/communication/messagingInvitations")},
                "conversations": {"href": format!("{APPLICATION}/communication/conversations")},
            }},
        },
    })
}

/// An event that embeds its resource.
pub(crate) fn event(kind: &str, rel: &str, href: &str, mut resource: Value) -> Value {
    resource["rel"] = json!(rel);
    resource["_links"]["self"] = json!({"href": href});
    json!({"link": {"rel": rel, "href": href}, "_embedded": {rel: resource}, "type": kind})
}
