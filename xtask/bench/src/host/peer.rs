//! A user of the host who accepts every invitation, reads every message, and sends messages on request.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{Method, Request, Response};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::Host;
use crate::meters::machine_clock;
use crate::page::{events, href, text_of};

/// The beginning of a message that asks a peer to send messages; `go 100 500` asks for 100, each 500 µs after the result of the
/// one before.
const ORDER: &str = "go ";

/// Messages to be sent.
#[derive(Clone, Copy)]
pub(crate) struct Order {
    pub(crate) count: u32,
    pub(crate) pause: Duration,
}

impl Order {
    pub(crate) fn text(self) -> String {
        format!("{ORDER}{} {}", self.count, self.pause.as_micros())
    }

    fn parse(text: &str) -> Option<Self> {
        let (count, pause) = text.trim().strip_prefix(ORDER)?.split_once(' ')?;
        Some(Self {
            count: count.parse().ok()?,
            pause: Duration::from_micros(pause.parse().ok()?),
        })
    }
}

pub(super) struct Peer {
    number: usize,
    /// The href of the next event page.
    next: String,
    /// The link to send messages in the last chat.
    messages: String,
    /// Notified of the result of each message of the peer.
    completed: Rc<Notify>,
    /// The last order, until it is executed.
    pub(super) order: Option<Order>,
}

impl Peer {
    pub(super) fn token(number: usize) -> String {
        format!("peer-token-{number}")
    }

    /// Creates an application and makes it available.
    pub(super) fn sign_in(host: &mut Host, number: usize) -> Self {
        let mut peer = Self {
            number,
            next: String::new(),
            messages: String::new(),
            completed: Rc::default(),
            order: None,
        };
        let mut post = |href: &str, body: Value| {
            let request = peer.request(&Method::POST, href, "application/json", body.to_string());
            let response = host.ask(request).try_recv().unwrap();
            assert!(response.status().is_success(), "{response:?}");
            response.into_body()
        };
        let body =
            json!({"culture": "en-US", "endpointId": number.to_string(), "userAgent": "peer"});
        let application = post("/ucwa/oauth/v1/applications", body);
        let application: Value = serde_json::from_slice(&application).unwrap();
        let available = href(&application["_embedded"]["me"], "makeMeAvailable");
        let body =
            json!({"supportedModalities": ["Messaging"], "supportedMessageFormats": ["Plain"]});
        post(available, body);
        peer.next = href(&application, "events").to_owned();
        peer
    }

    fn request(
        &self,
        method: &Method,
        href: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Request<Bytes> {
        let body = body.into();
        let builder = Request::builder()
            .method(method)
            .uri(href)
            .header(HOST, "localhost")
            .header(ACCEPT, "application/json")
            .header(
                AUTHORIZATION,
                format!("Bearer {}", Self::token(self.number)),
            );
        match *method {
            Method::GET => builder,
            _ => builder
                .header(CONTENT_TYPE, content_type)
                .header(CONTENT_LENGTH, body.len()),
        }
        .body(body)
        .unwrap()
    }

    pub(super) fn poll(&self) -> Request<Bytes> {
        self.request(&Method::GET, &self.next, "", "")
    }

    /// Reads a page. Returns the requests that it causes.
    pub(super) fn on_page(&mut self, response: &Response<Bytes>) -> Vec<Request<Bytes>> {
        let page: Value = serde_json::from_slice(response.body()).unwrap();
        let mut requests = Vec::new();
        for event in events(&page) {
            match event.rel {
                "messagingInvitation" if event.kind == "started" => {
                    let accept = href(event.resource, "accept");
                    requests.push(self.request(&Method::POST, accept, "application/json", ""));
                }
                "messaging" => {
                    if let Some(messages) = event.resource["_links"]["sendMessage"]["href"].as_str()
                    {
                        self.messages = messages.to_owned();
                    }
                }
                "message" if event.resource["direction"] == "Outgoing" => {
                    self.completed.notify_one();
                }
                "message" => self.order = Order::parse(&text_of(event.resource)).or(self.order),
                _ => {}
            }
        }
        let links = &page["_links"];
        self.next = href(
            &page,
            if links["next"].is_null() {
                "resync"
            } else {
                "next"
            },
        )
        .to_owned();
        requests
    }
}

/// Sends the messages of an order, one at a time. The text of each is the time at which it is sent.
pub(super) async fn send_messages(host: Rc<RefCell<Host>>, number: usize, order: Order) {
    let completed = Rc::clone(&host.borrow().peers[number].completed);
    for _ in 0..order.count {
        sleep(order.pause).await;
        {
            let mut host = host.borrow_mut();
            let peer = &host.peers[number];
            let time = machine_clock().as_nanos().to_string();
            let request = peer.request(&Method::POST, &peer.messages, "text/plain", time);
            drop(host.request(request));
        }
        completed.notified().await;
    }
}
