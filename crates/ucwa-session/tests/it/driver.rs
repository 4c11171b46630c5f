//! A test driver for the session: it keeps requests until the test answers them, and the test advances the time.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::{Value, json};
use ucwa_session::*;

pub(crate) const ROOT: &str = "http://127.0.0.1:5061/";
pub(crate) const PASSWORD: &str = "pa55 w&rd";
pub(crate) const APP: &str = "/ucwa/oauth/v1/applications/102";

pub(crate) fn chat() -> ConversationKey {
    ConversationKey::Local(1)
}

pub(crate) fn peer() -> ParticipantKey {
    ParticipantKey::Local(7)
}

/// A request without a response.
#[derive(Debug)]
pub(crate) struct Request {
    pub id: RequestId,
    pub request: http::Request<Bytes>,
    pub lane: Lane,
    pub deadline: Duration,
    pub(crate) authentication: Option<ConnectionAuth>,
}

impl Request {
    pub(crate) fn target(&self) -> String {
        self.request.uri().path_and_query().unwrap().to_string()
    }

    pub(crate) fn body(&self) -> String {
        String::from_utf8(self.request.body().to_vec()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.request.body()).unwrap()
    }
}

pub(crate) struct TestDriver {
    pub session: Session,
    /// The last ticket number.
    tickets: u64,
    pub now: Duration,
    pub sent: VecDeque<Request>,
    pub events: Vec<SessionEvent>,
    pub completed: Vec<(Ticket, Result<Outcome, Failure>)>,
    pub asked: Vec<(QuestionId, Question)>,
    pub aborted: Vec<RequestId>,
    pub wake_at: Option<Duration>,
    /// The kinds of the outputs of the last run, in order.
    pub order: Vec<&'static str>,
    /// The server's clock at the epoch, if responses have a `Date`.
    pub server_clock: Option<SystemTime>,
    page: u32,
}

impl TestDriver {
    pub(crate) fn new(config: SessionConfig) -> Self {
        Self {
            session: Session::new(config),
            tickets: 0,
            now: Duration::ZERO,
            sent: VecDeque::new(),
            events: Vec::new(),
            completed: Vec::new(),
            asked: Vec::new(),
            aborted: Vec::new(),
            wake_at: None,
            order: Vec::new(),
            server_clock: None,
            page: 1,
        }
    }

    pub(crate) fn config() -> SessionConfig {
        SessionConfig::new(
            Root::Url(ROOT.to_owned()),
            42,
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        )
    }

    pub(crate) fn submit(&mut self, operation: Operation) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.session.submit(self.now, ticket, operation);
        self.drain();
        ticket
    }

    pub(crate) fn handle(&mut self, input: Input) {
        self.session.handle(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        self.order.clear();
        loop {
            match self.session.poll_output() {
                Output::Send {
                    id,
                    request,
                    lane,
                    deadline,
                    authentication,
                    ..
                } => {
                    self.order.push("send");
                    // IIS answers 411 to a POST without a length.
                    if matches!(request.method().as_str(), "POST" | "PUT") {
                        let length = &request.headers()[http::header::CONTENT_LENGTH];
                        assert_eq!(length.to_str().unwrap(), request.body().len().to_string());
                    }
                    self.sent.push_back(Request {
                        id,
                        request,
                        lane,
                        deadline,
                        authentication,
                    });
                    let polls = self
                        .sent
                        .iter()
                        .filter(|sent| sent.lane == Lane::Events)
                        .count();
                    assert!(polls <= 1, "two pending GETs in flight");
                }
                Output::Abort(id) => {
                    self.order.push("abort");
                    self.sent.retain(|sent| sent.id != id);
                    self.aborted.push(id);
                }
                Output::Ask { id, question, .. } => self.asked.push((id, question)),
                Output::Event(event) => {
                    self.order.push("event");
                    self.events.push(event);
                }
                Output::Completed { ticket, result, .. } => {
                    self.order.push("completed");
                    assert!(
                        self.completed.iter().all(|(other, _)| *other != ticket),
                        "completed twice"
                    );
                    self.completed.push((ticket, result));
                }
                Output::Idle { wake_at, .. } => {
                    self.wake_at = wake_at;
                    return;
                }
                other => panic!("unexpected output: {other:?}"),
            }
        }
    }

    /// Advances the time, and wakes the session at each time that it requested.
    pub(crate) fn advance(&mut self, by: Duration) {
        let end = self.now + by;
        while let Some(at) = self.wake_at.filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.handle(Input::Timeout);
        }
        self.now = end;
    }

    /// Takes the request with this target, or else the first one whose target starts with it.
    #[track_caller]
    pub(crate) fn take(&mut self, method: &str, target: &str) -> Request {
        let find = |fits: fn(&str, &str) -> bool| {
            self.sent
                .iter()
                .position(|sent| sent.request.method() == method && fits(&sent.target(), target))
        };
        let found = find(|sent, target| sent == target)
            .or_else(|| find(|sent, target| sent.starts_with(target)));
        let Some(position) = found else {
            let there: Vec<_> = self
                .sent
                .iter()
                .map(|sent| format!("{} {}", sent.request.method(), sent.target()))
                .collect();
            panic!("no {method} {target} among {there:?}");
        };
        self.sent.remove(position).unwrap()
    }

    pub(crate) fn is_sent(&self, method: &str, target: &str) -> bool {
        self.sent
            .iter()
            .any(|sent| sent.request.method() == method && sent.target().starts_with(target))
    }

    pub(crate) fn respond(&mut self, id: RequestId, mut response: http::Response<Bytes>) {
        if let Some(clock) = self.server_clock {
            let date = httpdate::fmt_http_date(clock + self.now);
            response.headers_mut().insert("date", date.parse().unwrap());
        }
        self.handle(Input::Response {
            id,
            result: Ok(response),
        });
    }

    /// Answers a request, with the `Date` of the server's clock.
    #[track_caller]
    pub(crate) fn reply(
        &mut self,
        method: &str,
        target: &str,
        status: u16,
        body: Value,
    ) -> Request {
        let sent = self.take(method, target);
        let mut response = answer(status, body);
        if let Some(now) = Self::config().wall_at_epoch.checked_add(self.now) {
            let date = httpdate::fmt_http_date(now).parse().unwrap();
            response.headers_mut().insert(http::header::DATE, date);
        }
        self.respond(sent.id, response);
        sent
    }

    /// The number of unanswered requests whose target starts with this one.
    pub(crate) fn count_sent(&self, method: &str, target: &str) -> usize {
        let is_meant =
            |sent: &&Request| sent.request.method() == method && sent.target().starts_with(target);
        self.sent.iter().filter(is_meant).count()
    }

    #[track_caller]
    pub(crate) fn created(&mut self, method: &str, target: &str, location: &str) -> Request {
        let sent = self.take(method, target);
        let response = http::Response::builder()
            .status(201)
            .header("location", location)
            .body(Bytes::new())
            .unwrap();
        self.respond(sent.id, response);
        sent
    }

    /// Breaks the connection of a request.
    #[track_caller]
    pub(crate) fn break_off(&mut self, method: &str, target: &str, sent: Sent) {
        let request = self.take(method, target);
        let failure = TransportFailure::new(
            TransportFailureKind::Broken,
            "wait",
            "127.0.0.1:5061".to_owned(),
            sent,
            "connection reset".to_owned(),
        );
        self.handle(Input::Response {
            id: request.id,
            result: Err(failure),
        });
    }

    /// Answers the pending GET with these senders.
    #[track_caller]
    pub(crate) fn page(&mut self, senders: Value) {
        self.page_with("next", senders);
    }

    #[track_caller]
    pub(crate) fn page_with(&mut self, follow: &str, senders: Value) {
        self.page += 1;
        let href = format!("{APP}/events?ack={}", self.page);
        let body =
            json!({"_links": {"self": {"href": "x"}, follow: {"href": href}}, "sender": senders});
        self.reply("GET", &format!("{APP}/events"), 200, body);
        assert_eq!(
            self.order.first(),
            Some(&"send"),
            "the next pending GET must precede the events of the page"
        );
    }

    /// The result of an operation, if it has completed.
    pub(crate) fn result(&self, ticket: Ticket) -> Option<&Result<Outcome, Failure>> {
        self.completed
            .iter()
            .find(|(other, _)| *other == ticket)
            .map(|(_, result)| result)
    }

    #[track_caller]
    pub(crate) fn failure(&self, ticket: Ticket) -> &Failure {
        self.result(ticket)
            .expect("not completed")
            .as_ref()
            .expect_err("succeeded")
    }

    /// Takes the changes of a conversation so far.
    pub(crate) fn changes(&mut self, key: ConversationKey) -> Vec<ConversationChange> {
        std::mem::take(&mut self.events)
            .into_iter()
            .filter_map(|event| match event {
                SessionEvent::Conversation {
                    conversation,
                    change,
                    ..
                } if conversation == key => Some(change),
                _ => None,
            })
            .collect()
    }

    /// Takes the delivery results of a conversation so far.
    pub(crate) fn delivery_results(
        &mut self,
        key: ConversationKey,
    ) -> Vec<(MessageKey, MessageStatus)> {
        self.changes(key)
            .into_iter()
            .filter_map(|change| match change {
                ConversationChange::MessageStatus {
                    message, status, ..
                } => Some((message, status)),
                _ => None,
            })
            .collect()
    }

    /// Takes the texts received in a conversation so far.
    pub(crate) fn received(&mut self, key: ConversationKey) -> Vec<String> {
        self.changes(key)
            .into_iter()
            .filter_map(|change| match change {
                ConversationChange::MessageReceived {
                    body: MessageBody::Text(text),
                    ..
                } => Some(text),
                ConversationChange::MessageReceived { body, .. } => panic!("not a text: {body:?}"),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn credentials() -> Credentials {
        Credentials::Password {
            sip_uri: "sip:toshm@contoso.com".to_owned(),
            user_name: None,
            password: PASSWORD.into(),
        }
    }

    /// A signed-in session with its first pending GET in flight.
    pub(crate) fn signed_in() -> Self {
        Self::signed_in_to(application)
    }

    /// A session signed in to this application, which is passed `true` before `makeMeAvailable`.
    pub(crate) fn signed_in_to(application: impl Fn(bool) -> Value) -> Self {
        let mut driver = Self::new(Self::config());
        let ticket = driver.submit(Operation::SignIn(Self::credentials()));
        driver.discover();
        driver.create_this_application(application);
        assert!(
            matches!(driver.result(ticket), Some(Ok(Outcome::Done))),
            "{:?}",
            driver.completed
        );
        driver.events.clear();
        driver
    }

    /// Answers the requests up to the user resource.
    pub(crate) fn discover(&mut self) {
        self.reply(
            "GET",
            "/",
            200,
            json!({"_links": {"self": {"href": ROOT}, "user": {"href": "/user"}}}),
        );
        let user = self.take("GET", "/user");
        self.respond(user.id, challenge("/WebTicket/oauthtoken"));
        self.reply(
            "POST",
            "/WebTicket/oauthtoken",
            200,
            token("cwt=one", 28_000),
        );
        self.reply(
            "GET",
            "/user",
            200,
            json!({"_links": {"self": {"href": "/user"}, "applications": {"href": "/ucwa/oauth/v1/applications"}}}),
        );
    }

    /// Answers the requests from the creation of the application onwards.
    pub(crate) fn create_application(&mut self) {
        self.create_this_application(application);
    }

    pub(crate) fn create_this_application(&mut self, application: impl Fn(bool) -> Value) {
        self.reply(
            "POST",
            "/ucwa/oauth/v1/applications",
            201,
            application(true),
        );
        self.reply(
            "POST",
            &format!("{APP}/me/makeMeAvailable"),
            204,
            Value::Null,
        );
        self.reply("GET", APP, 200, application(false));
    }

    /// A signed-in session with an open conversation to Lene.
    pub(crate) fn with_conversation() -> Self {
        let mut driver = Self::signed_in();
        driver.submit(Operation::OpenConversation {
            conversation: chat(),
            participant: peer(),
            peer: "sip:lenea@contoso.com".to_owned(),
        });
        driver
    }

    pub(crate) fn send(&mut self, number: u64, text: &str) -> Ticket {
        self.submit(Operation::SendMessage {
            conversation: chat(),
            message: MessageKey::Local(number),
            body: MessageBody::Text(text.to_owned()),
            subject: None,
            message_id: None,
        })
    }
}

pub(crate) fn answer(status: u16, body: Value) -> http::Response<Bytes> {
    let builder = http::Response::builder().status(status);
    if body.is_null() {
        return builder.body(Bytes::new()).unwrap();
    }
    builder
        .header("content-type", "application/json; charset=utf-8")
        .body(Bytes::from(body.to_string()))
        .unwrap()
}

pub(crate) fn challenge(href: &str) -> http::Response<Bytes> {
    http::Response::builder()
        .status(401)
        .header("content-type", "text/html")
        .header(
            "www-authenticate",
            format!(
                "Bearer trusted_issuers=\"\", client_id=\"00000004-0000-0ff1-ce00-000000000000\", \
                 MsRtcOAuth href={href},grant_type=\"urn:microsoft.rtc:windows,password\""
            ),
        )
        .body(Bytes::from_static(b"<html>IIS</html>"))
        .unwrap()
}

pub(crate) fn token(value: &str, life: u64) -> Value {
    json!({"access_token": value, "token_type": "Bearer", "expires_in": life, "ms_rtc_identityscope": "local"})
}

pub(crate) fn application(fresh: bool) -> Value {
    let mut me = json!({"self": {"href": format!("{APP}/me")}});
    let rel = if fresh {
        "makeMeAvailable"
    } else {
        "reportMyActivity"
    };
    me[rel] = json!({"href": format!("{APP}/me/{rel}")});
    json!({
        "rel": "application",
        "_links": {"self": {"href": APP}, "events": {"href": format!("{APP}/events?ack=1")}},
        "_embedded": {
            "me": {"rel": "me", "name": "Tosh Meston", "uri": "sip:toshm@contoso.com", "_links": me},
            "communication": {"rel": "communication", "_links": {
                "self": {"href": format!("{APP}/communication")},
                "startMessaging": {"href": format!("{APP}/communication/messagingInvitations")},
                "conversations": {"href": format!("{APP}/communication/conversations")},
            }},
        },
    })
}
