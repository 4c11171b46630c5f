//! The steps of an application: the facade with its driver, the session and the model, on a server without sockets. Time stands
//! still, and the seed is fixed, so that each run executes the same instructions.

use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use allocation_counter::opt_out;
use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, Lane, SendOptions, TransportError};
use http::header::{HeaderValue, LOCATION};
use http::{Request, Response, StatusCode};
use serde_json::json;
use skype_p2p::{Application, Conversation, Credentials, Root, Runtime, RuntimeFuture};
use tokio::runtime::{Builder, Handle};
use tokio::sync::Notify;
use tokio::task::yield_now;

use crate::script::{ROOT, Script, conversation_href, event};
use crate::step;

/// One of so many peers never answers its invitation.
const SILENT: u64 = 10;

/// A [`Script`] as the transport.
#[derive(Clone, Debug, Default)]
struct Scripted(Arc<Server>);

#[derive(Debug, Default)]
struct Server {
    script: Mutex<Script>,
    /// Notified of new pages.
    pages: Notify,
    polls: AtomicU64,
    /// The number of invitations to silent peers.
    unanswered: AtomicU64,
}

#[async_trait]
impl HttpTransport for Scripted {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        if options.lane == Lane::Commands {
            let response = self.answer(&request);
            self.0.pages.notify_one();
            return Ok(response);
        }
        self.0.polls.fetch_add(1, Relaxed);
        loop {
            if let Some(page) = self.next_page() {
                return Ok(page);
            }
            self.0.pages.notified().await;
        }
    }
}

/// The work of the server, which is not counted: callgrind finds these functions by their names, and their allocations are outside of
/// the measurement, except for the responses that the application gets.
impl Scripted {
    #[inline(never)]
    fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let is_silent = String::from_utf8_lossy(request.body()).contains("sip:silent");
        let response = self.uncounted(|script| {
            if !is_silent {
                return Some(script.answer(request));
            }
            let number = self.0.unanswered.fetch_add(1, Relaxed);
            let created = Response::builder().status(StatusCode::CREATED);
            let located = created.header(LOCATION, format!("{ROOT}silent/{number}"));
            Some(located.body(Bytes::new()).unwrap())
        });
        response.unwrap()
    }

    #[inline(never)]
    fn next_page(&self) -> Option<Response<Bytes>> {
        self.uncounted(Script::next_page)
    }

    /// Writes pages.
    #[inline(never)]
    fn write(&self, write: impl FnOnce(&mut Script)) {
        self.uncounted(|script| {
            write(script);
            None
        });
        self.0.pages.notify_one();
    }

    /// Calls `work` without counting its allocations, and returns a counted copy of its response.
    fn uncounted(
        &self,
        work: impl FnOnce(&mut Script) -> Option<Response<Bytes>>,
    ) -> Option<Response<Bytes>> {
        let mut response = None;
        opt_out(|| response = work(&mut self.0.script.lock().unwrap()));
        let copy = response.as_ref().map(|response| {
            let mut copy = Response::new(Bytes::copy_from_slice(response.body()));
            *copy.status_mut() = response.status();
            for (name, value) in response.headers() {
                // A clone of a value would share the server's memory, which would be counted when the clone is dropped.
                let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
                copy.headers_mut().append(name, value);
            }
            copy
        });
        opt_out(|| drop(response));
        copy
    }
}

/// Tokio's tasks without its clock.
#[derive(Debug)]
struct TimelessRuntime(Handle);

impl Runtime for TimelessRuntime {
    fn now(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn wall_clock(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    fn seed(&self) -> u64 {
        1
    }

    fn sleep_until(&self, _: Duration) -> RuntimeFuture {
        Box::pin(pending())
    }

    fn spawn(&self, task: RuntimeFuture) {
        self.0.spawn(task);
    }

    fn yield_now(&self) -> RuntimeFuture {
        Box::pin(yield_now())
    }
}

/// A signed-in application. The peers have numbers, and the conversations those of the peers that answer.
pub(crate) struct World {
    runtime: tokio::runtime::Runtime,
    server: Scripted,
    application: Application,
    peers: u64,
    /// The first conversation.
    conversation: Option<Conversation>,
    guests: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        let runtime = Builder::new_current_thread().build().unwrap();
        let server = Scripted::default();
        let builder = Application::builder()
            .root(Root::Url(ROOT.to_owned()))
            .transport(Arc::new(server.clone()))
            .runtime(Arc::new(TimelessRuntime(runtime.handle().clone())));
        let application = builder.build().unwrap();
        let credentials = Credentials::password("sip:toshm@contoso.com", "secret");
        let sign_in = application.sign_in_manager().sign_in(credentials);
        runtime.block_on(sign_in).unwrap();
        Self {
            runtime,
            server,
            application,
            peers: 0,
            conversation: None,
            guests: 0,
        }
    }

    /// Begins so many conversations.
    pub(crate) fn begin(&mut self, conversations: u64) {
        for _ in 0..conversations {
            let is_silent = self.peers % SILENT == SILENT - 1;
            self.begin_with(if is_silent { "silent" } else { "user" });
        }
    }

    /// Begins a conversation with a message, which is delivered if the peer answers.
    fn begin_with(&mut self, name: &str) {
        self.peers += 1;
        let address = format!("sip:{name}{}@contoso.com", self.peers);
        let manager = self.application.conversations_manager();
        let conversation = manager.get_conversation(&address).unwrap();
        let sent = conversation.chat_service().send_message("Hello");
        if name == "silent" {
            self.settle();
        } else {
            self.runtime.block_on(sent).unwrap();
        }
        self.conversation.get_or_insert(conversation);
    }

    /// Lets so many participants join the first conversation.
    pub(crate) fn join(&mut self, participants: u64) {
        let list = self.conversation.as_ref().unwrap().participants();
        for _ in 0..participants {
            self.guests += 1;
            let address = format!("guest{}@contoso.com", self.guests);
            self.server
                .write(|script| script.push_participant(1, &address));
            let size = list.size().get() + 1;
            self.runtime.block_on(list.size().wait_for(size)).unwrap();
        }
    }

    /// A message arrives in the first conversation.
    fn receive(&self) {
        let messages = self
            .conversation
            .as_ref()
            .unwrap()
            .chat_service()
            .messages();
        let text = "Lunch at noon? I have found a place around the corner.";
        self.server
            .write(|script| script.push_message(1, "user1@contoso.com", text));
        let size = messages.size().get() + 1;
        self.runtime
            .block_on(messages.size().wait_for(size))
            .unwrap();
    }

    /// A message of the user is delivered in the first conversation.
    fn send(&self) {
        let chat = self.conversation.as_ref().unwrap().chat_service();
        let sent = chat.send_message("Lunch at noon? I have found a place around the corner.");
        self.runtime.block_on(sent).unwrap();
    }

    /// A stranger invites the user.
    fn offer(&mut self) {
        self.peers += 1;
        let number = 1_000_000 + self.peers;
        let conversations = self.application.conversations_manager().conversations();
        let size = conversations.size().get() + 1;
        self.server.write(|script| push_invitation(script, number));
        self.runtime
            .block_on(conversations.size().wait_for(size))
            .unwrap();
    }

    /// The server answers the pending GET without events.
    fn turn(&self) {
        let polls = self.server.0.polls.load(Relaxed);
        self.server.write(|script| script.push(Vec::new()));
        self.settle();
        assert_eq!(self.server.0.polls.load(Relaxed), polls + 1);
    }

    /// Lets the driver run until it has nothing to do.
    fn settle(&self) {
        self.runtime.block_on(async {
            for _ in 0..10 {
                yield_now().await;
            }
        });
    }

    /// Measures the steps whose cost must not depend on the number of participants.
    pub(crate) fn measure_beside_participants(&mut self, participants: &str) {
        step(&format!("receive a message, {participants}"), || {
            self.receive();
        });
        step(&format!("join of a participant, {participants}"), || {
            self.join(1);
        });
    }

    /// Measures the steps whose cost must not depend on the number of conversations.
    pub(crate) fn measure_beside_conversations(&mut self, conversations: &str) {
        step(&format!("receive a message, {conversations}"), || {
            self.receive();
        });
        step(&format!("send a message, {conversations}"), || self.send());
        step(&format!("receive no event, {conversations}"), || {
            self.turn();
        });
        step(&format!("receive an invitation, {conversations}"), || {
            self.offer();
        });
        step(&format!("begin a conversation, {conversations}"), || {
            self.begin_with("user");
        });
    }
}

/// Adds a page with the invitation of a stranger with this number.
fn push_invitation(script: &mut Script, number: u64) {
    let href = conversation_href(number);
    let (communication, _) = href.split_once("/conversations").unwrap();
    let stranger = json!({"rel": "participant", "name": "Somebody", "uri": format!("sip:stranger{number}@contoso.com"),
        "_links": {"self": {"href": format!("{href}/participants/stranger{number}@contoso.com")}}});
    let invitation_href = format!("{communication}/messagingInvitations/{number}");
    let invitation = json!({
        "direction": "Incoming", "state": "Connecting", "operationId": "another's", "threadId": number.to_string(),
        "_links": {
            "conversation": {"href": href},
            "messaging": {"href": format!("{href}/messaging")},
            "accept": {"href": format!("{invitation_href}/accept")},
            "decline": {"href": format!("{invitation_href}/decline")},
            "message": {"href": "data:text/plain;charset=utf-8,Hello"},
        },
        "_embedded": {"from": stranger},
    });
    let started = event(
        "started",
        "messagingInvitation",
        &invitation_href,
        invitation,
    );
    script.push(vec![("communication", communication.to_owned(), started)]);
}
