//! The rivals: programs on bare hyper that send the requests of the SDK, long-poll the same events and decode them with `serde_json`.
//!
//! They keep no state, retry nothing, and trust every response.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION,
    USER_AGENT, WWW_AUTHENTICATE,
};
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::host;
use crate::page::{Event, events, href};

/// How a rival sends requests.
#[derive(Clone)]
pub(crate) enum Pool {
    /// By the pooled client of hyper-util.
    Shared(Client<HttpConnector, Full<Bytes>>),
    /// On one connection for each task that sends requests.
    None,
}

/// The way of one task to the server.
enum Way {
    Pooled(Client<HttpConnector, Full<Bytes>>),
    Connection(SendRequest<Full<Bytes>>),
}

impl Pool {
    pub(crate) fn shared() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self::Shared(Client::builder(TokioExecutor::new()).build(connector))
    }
}

/// Sends the requests of one task.
pub(crate) struct Sender {
    way: Way,
    origin: String,
    authorization: String,
}

impl Sender {
    pub(crate) async fn new(pool: &Pool, root: &str, token: &str) -> Self {
        let origin = root.trim_end_matches('/').to_owned();
        let way = match pool {
            Pool::Shared(client) => Way::Pooled(client.clone()),
            Pool::None => {
                let uri: Uri = root.parse().unwrap();
                let stream = TcpStream::connect(uri.authority().unwrap().as_str()).await;
                let stream = stream.unwrap();
                stream.set_nodelay(true).unwrap();
                // hyper's smallest buffer.
                let connection = http1::Builder::new()
                    .max_buf_size(8192)
                    .handshake(TokioIo::new(stream));
                let (sender, connection) = connection.await.unwrap();
                tokio::spawn(connection);
                Way::Connection(sender)
            }
        };
        Self {
            way,
            origin,
            authorization: format!("Bearer {token}"),
        }
    }

    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        content_type: &'static str,
        body: String,
    ) -> Response<Bytes> {
        let builder = match &self.way {
            Way::Pooled(_) => Request::builder().uri(format!("{}{path}", self.origin)),
            Way::Connection(_) => {
                let (_, host) = self.origin.split_once("://").unwrap();
                Request::builder().uri(path).header(HOST, host)
            }
        };
        let mut builder = builder
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, "skype-p2p")
            .header(
                "x-ms-correlation-id",
                "10153899-0ef8-4759-a81c-5742cd9a3d8a",
            )
            .header(AUTHORIZATION, &self.authorization)
            .header(ACCEPT_ENCODING, "gzip, deflate");
        if method != Method::GET {
            builder = builder
                .header(CONTENT_TYPE, content_type)
                .header(CONTENT_LENGTH, body.len());
        }
        let request = builder.method(method).body(Full::from(body)).unwrap();
        let response = match &mut self.way {
            Way::Pooled(client) => client.request(request).await.unwrap(),
            Way::Connection(connection) => {
                connection.ready().await.unwrap();
                connection.send_request(request).await.unwrap()
            }
        };
        let (head, body) = response.into_parts();
        Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    }

    /// The path of a URL of this server.
    fn path(&self, url: &str) -> String {
        url.strip_prefix(&*self.origin).unwrap_or(url).to_owned()
    }

    pub(crate) async fn get(&mut self, path: &str) -> Value {
        let response = self.send(Method::GET, path, "", String::new()).await;
        serde_json::from_slice(response.body()).unwrap_or_default()
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Response<Bytes> {
        let body = body.to_string();
        let response = self
            .send(Method::POST, path, "application/json", body)
            .await;
        assert!(response.status().is_success(), "{path}: {response:?}");
        response
    }
}

/// A signed-in user.
pub(crate) struct Session {
    pool: Pool,
    root: String,
    token: String,
    sender: Sender,
    application: Value,
    invitations: u32,
    /// The href of the next event page.
    pub(crate) next: String,
}

impl Session {
    /// Signs in with the token that the host has issued.
    pub(crate) async fn sign_in(pool: &Pool, root: &str, number: usize) -> Self {
        let token = host::token(number);
        let sender = Sender::new(pool, root, &token).await;
        Self::create_application(pool, sender, token, number).await
    }

    /// Signs in with the password, from the root.
    pub(crate) async fn sign_in_by_password(pool: &Pool, root: &str, number: usize) -> Self {
        let mut sender = Sender::new(pool, root, "").await;
        let root_resource = sender.get("/").await;
        let user = sender.path(href(&root_resource, "user"));
        let challenge = sender.send(Method::GET, &user, "", String::new()).await;
        let challenges = challenge.headers().get_all(WWW_AUTHENTICATE).into_iter();
        let mut tokens = challenges.filter_map(|challenge| {
            let (_, link) = challenge.to_str().ok()?.split_once("MsRtcOAuth href=\"")?;
            Some(link.split_once('"')?.0.to_owned())
        });
        let path = sender.path(&tokens.next().expect("a link to the token"));
        let address = host::user(number);
        let address = address.trim_start_matches("sip:");
        let form = format!("grant_type=password&username={address}&password=pass%40word1");
        let content_type = "application/x-www-form-urlencoded;charset=UTF-8";
        let token = sender.send(Method::POST, &path, content_type, form).await;
        let token: Value = serde_json::from_slice(token.body()).unwrap();
        let token = token["access_token"].as_str().unwrap().to_owned();
        sender.authorization = format!("Bearer {token}");
        sender.get(&user).await;
        Self::create_application(pool, sender, token, number).await
    }

    async fn create_application(
        pool: &Pool,
        mut sender: Sender,
        token: String,
        number: usize,
    ) -> Self {
        let body =
            json!({"culture": "en-US", "endpointId": number.to_string(), "userAgent": "rival"});
        let application = sender.post("/ucwa/oauth/v1/applications", &body).await;
        let application: Value = serde_json::from_slice(application.body()).unwrap();
        let available = href(&application["_embedded"]["me"], "makeMeAvailable");
        let body =
            json!({"supportedModalities": ["Messaging"], "supportedMessageFormats": ["Plain"]});
        sender.post(available, &body).await;
        let next = href(&application, "events").to_owned();
        Self {
            pool: pool.clone(),
            root: sender.origin.clone(),
            token,
            sender,
            application,
            invitations: 0,
            next,
        }
    }

    /// The href of the user's own resource.
    pub(crate) fn me(&self) -> String {
        href(&self.application["_embedded"]["me"], "self").to_owned()
    }

    /// The connection of the sign-in, and the href of the first page.
    pub(crate) fn into_poll(self) -> (Sender, String) {
        (self.sender, self.next)
    }

    /// Another sender of this user.
    pub(crate) async fn sender(&self) -> Sender {
        Sender::new(&self.pool, &self.root, &self.token).await
    }

    /// Invites a user. The events have the result.
    pub(crate) async fn invite(&mut self, to: &str) {
        let communication = &self.application["_embedded"]["communication"];
        let path = href(communication, "startMessaging").to_owned();
        self.invitations += 1;
        let body = json!({"importance": "Normal", "to": to, "operationId": format!("operation-{}", self.invitations)});
        self.sender.post(&path, &body).await;
    }
}

/// Reads event pages for as long as the process runs, and passes on each event.
pub(crate) async fn poll(
    mut sender: Sender,
    mut next: String,
    mut on_event: impl FnMut(&Event<'_>),
) {
    loop {
        let page = sender.get(&next).await;
        let links = &page["_links"];
        next = href(
            &page,
            if links["next"].is_null() {
                "resync"
            } else {
                "next"
            },
        )
        .to_owned();
        events(&page).for_each(|event| on_event(&event));
    }
}

/// The results of messages, which may arrive before the response that names the message.
#[derive(Clone, Default)]
pub(crate) struct Results(Rc<RefCell<HashMap<String, Option<oneshot::Sender<()>>>>>);

impl Results {
    pub(crate) fn on_event(&self, event: &Event<'_>) {
        if event.rel == "message" && event.resource["direction"] == "Outgoing" {
            let mut results = self.0.borrow_mut();
            match results.remove(event.href) {
                Some(Some(waiting)) => drop(waiting.send(())),
                _ => drop(results.insert(event.href.to_owned(), None)),
            }
        }
    }

    async fn wait(&self, message: &str) {
        let receiver = {
            let mut results = self.0.borrow_mut();
            if results.remove(message).is_some() {
                return;
            }
            let (sender, receiver) = oneshot::channel();
            results.insert(message.to_owned(), Some(sender));
            receiver
        };
        receiver.await.unwrap();
    }
}

/// Sends a message and waits for its result.
pub(crate) async fn send_message(
    sender: &mut Sender,
    results: &Results,
    messages: &str,
    text: &str,
) {
    // As long as the IDs of the SDK.
    let path = format!("{messages}?operationId=6f1d1b7e-1d5f-4d5e-9a0e-1f6f2b6d3c55");
    let content_type = "text/plain; charset=utf-8";
    let response = sender
        .send(Method::POST, &path, content_type, text.to_owned())
        .await;
    assert_eq!(response.status(), 201);
    let message = response.headers()[LOCATION].to_str().unwrap();
    results.wait(message).await;
}
