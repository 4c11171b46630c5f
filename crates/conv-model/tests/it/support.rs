//! What the tests share: a scripted port and a timeline.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use conv_model::{
    Application, Backend, ConversationFact, ConversationId, Fact, ModelWriter, OutgoingMessage,
    ParticipantFact, ParticipantId, ParticipantRole, Peer, PortFuture, Reason, SignInState,
    StartOptions,
};
use futures_core::future::BoxFuture;

pub fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A port that writes down what it is asked, and answers from a script, `Ok` when that is empty.
#[derive(Debug, Default)]
pub struct Script {
    pub calls: Mutex<Vec<String>>,
    pub answers: Mutex<VecDeque<Result<(), Reason>>>,
}

impl Script {
    fn note(&self, call: String) -> PortFuture {
        self.calls.lock().unwrap().push(call);
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Ok(()));
        Box::pin(std::future::ready(answer))
    }

    pub fn answer(&self, answer: Result<(), Reason>) {
        self.answers.lock().unwrap().push_back(answer);
    }

    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

impl Backend for Script {
    fn now(&self) -> SystemTime {
        at(1_000)
    }

    fn open_conversation(&self, conversation: ConversationId, peer: Peer) {
        drop(self.note(format!("open {conversation:?} {}", peer.address)));
    }

    fn open_meeting(&self, conversation: ConversationId, uri: Option<String>) {
        drop(self.note(format!("meet {conversation:?} {uri:?}")));
    }

    fn forget_conversation(&self, conversation: ConversationId) {
        drop(self.note(format!("forget {conversation:?}")));
    }

    fn start(&self, conversation: ConversationId, options: StartOptions) -> PortFuture {
        self.note(format!("start {conversation:?} {:?}", options.subject))
    }

    fn send_message(&self, _: ConversationId, message: OutgoingMessage) -> PortFuture {
        self.note(format!("send {}", message.body.raw()))
    }

    fn accept(&self, conversation: ConversationId) -> PortFuture {
        self.note(format!("accept {conversation:?}"))
    }

    fn reject(&self, conversation: ConversationId) -> PortFuture {
        self.note(format!("reject {conversation:?}"))
    }

    fn stop(&self, conversation: ConversationId) -> PortFuture {
        self.note(format!("stop {conversation:?}"))
    }

    fn leave(&self, conversation: ConversationId) -> PortFuture {
        self.note(format!("leave {conversation:?}"))
    }

    fn acknowledge(&self, conversation: ConversationId) -> PortFuture {
        self.note(format!("acknowledge {conversation:?}"))
    }

    fn send_is_typing(&self, conversation: ConversationId) -> PortFuture {
        self.note(format!("typing {conversation:?}"))
    }

    fn add_participant(&self, _: ConversationId, peer: Peer) -> PortFuture {
        self.note(format!("add {}", peer.address))
    }

    fn set_role(&self, _: ConversationId, who: ParticipantId, role: ParticipantRole) -> PortFuture {
        self.note(format!("{role:?} {who:?}"))
    }

    fn admit(&self, _: ConversationId, who: ParticipantId) -> PortFuture {
        self.note(format!("admit {who:?}"))
    }

    fn turn_away(&self, _: ConversationId, who: ParticipantId) -> PortFuture {
        self.note(format!("turn away {who:?}"))
    }
}

/// A model on a [`Script`].
pub struct Stage {
    pub application: Application,
    pub writer: ModelWriter,
    pub script: Arc<Script>,
}

impl Stage {
    /// Signed in.
    pub fn new() -> Self {
        let stage = Self::signed_out();
        stage.commit([
            Fact::Me {
                address: "sip:me@contoso.com".into(),
                display_name: Some("Me".into()),
            },
            Fact::SignIn {
                state: SignInState::SignedIn,
                reason: None,
            },
        ]);
        stage
    }

    pub fn signed_out() -> Self {
        let script = Arc::new(Script::default());
        let (application, writer) = Application::new(Arc::clone(&script) as Arc<dyn Backend>);
        Self {
            application,
            writer,
            script,
        }
    }

    pub fn commit(&self, facts: impl IntoIterator<Item = Fact>) {
        self.writer.commit(facts);
    }

    pub fn tell(
        &self,
        conversation: ConversationId,
        facts: impl IntoIterator<Item = ConversationFact>,
    ) {
        self.commit(facts.into_iter().map(|fact| Fact::of(conversation, fact)));
    }
}

pub fn lene(id: u64) -> ParticipantFact {
    ParticipantFact::new(ParticipantId::Remote(id), "sip:lenea@contoso.com").named("Lene Aaling")
}

/// What a future that is done already holds.
pub fn now<T>(mut future: BoxFuture<'_, T>) -> T {
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the future is not done"),
    }
}

/// Whether a future is not done yet.
pub fn is_pending<T>(future: &mut BoxFuture<'static, T>) -> bool {
    future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_pending()
}

/// What listeners saw, in order.
#[derive(Clone, Default)]
pub struct Timeline(Arc<Mutex<Vec<String>>>);

impl Timeline {
    pub fn push(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}
