//! A scripted backend, a model on that backend, and a timeline to which listeners write.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use conv_model::{
    Application, Backend, CommandId, ContactsRequest, ConversationFact, ConversationId, Fact,
    ModelWriter, Outcome, ParticipantFact, ParticipantId, Reason, Request, SignInState,
};
use futures_core::future::BoxFuture;

pub fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A backend that records its requests and completes them with scripted results. Without a scripted result, a request
/// that starts, answers or ends a chat or sends a message stays in flight, and any other request succeeds.
#[derive(Debug, Default)]
pub struct ScriptedBackend {
    requests: Mutex<Vec<String>>,
    results: Mutex<VecDeque<Result<Outcome, Reason>>>,
    in_flight: Mutex<VecDeque<CommandId>>,
    writer: OnceLock<Weak<ModelWriter>>,
}

impl ScriptedBackend {
    /// Scripts the result of the next request that has a result.
    pub fn script_result(&self, result: Result<Outcome, Reason>) {
        self.results.lock().unwrap().push_back(result);
    }

    /// The requests since the last call of this method.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    /// The result of a request, or `None` if the request stays in flight.
    fn result_of(&self, request: &Request) -> Option<Result<Outcome, Reason>> {
        let result = self.results.lock().unwrap().pop_front();
        let is_slow = matches!(
            request,
            Request::Start { .. }
                | Request::SendMessage { .. }
                | Request::Accept(_)
                | Request::Reject(_)
                | Request::Stop(_)
                | Request::Leave(_)
        );
        result.or((!is_slow).then_some(Ok(Outcome::Done)))
    }
}

/// Whether the model awaits no result of the request.
fn has_no_result(request: &Request) -> bool {
    matches!(
        request,
        Request::OpenConversation { .. }
            | Request::OpenMeeting { .. }
            | Request::ForgetConversation(_)
            | Request::SetInterest { .. }
            | Request::Contacts(
                ContactsRequest::FollowList { .. } | ContactsRequest::FollowGroupPresence { .. }
            )
    )
}

impl Backend for ScriptedBackend {
    fn now(&self) -> SystemTime {
        at(1_000)
    }

    fn request(&self, command: CommandId, request: Request) {
        self.requests.lock().unwrap().push(describe(&request));
        if has_no_result(&request) {
            return;
        }
        match self.result_of(&request) {
            Some(result) => {
                let writer = self.writer.get().and_then(Weak::upgrade);
                writer.unwrap().commit([Fact::completed(command, result)]);
            }
            None => self.in_flight.lock().unwrap().push_back(command),
        }
    }
}

/// One line for a request.
fn describe(request: &Request) -> String {
    match request {
        Request::OpenConversation {
            conversation, peer, ..
        } => {
            format!("open {conversation:?} {}", peer.address)
        }
        Request::OpenMeeting {
            conversation, uri, ..
        } => format!("meet {conversation:?} {uri:?}"),
        Request::ForgetConversation(conversation) => format!("forget {conversation:?}"),
        Request::SetImportance { importance, .. } => format!("importance {importance:?}"),
        Request::MarkAsRead(conversation) => format!("mark {conversation:?} as read"),
        Request::Start {
            conversation,
            options,
            ..
        } => format!("start {conversation:?} {:?}", options.subject),
        Request::SendMessage { message, .. } => {
            let id = message.message_id.as_deref();
            let id = id.map_or(String::new(), |id| format!(" as {id}"));
            format!("send {}{id}", message.body.raw())
        }
        Request::Accept(conversation) => format!("accept {conversation:?}"),
        Request::Reject(conversation) => format!("reject {conversation:?}"),
        Request::Stop(conversation) => format!("stop {conversation:?}"),
        Request::Leave(conversation) => format!("leave {conversation:?}"),
        Request::Acknowledge(conversation) => format!("acknowledge {conversation:?}"),
        Request::SendIsTyping(conversation) => format!("typing {conversation:?}"),
        Request::AddParticipant { participant, .. } => format!("add {}", participant.address),
        Request::RemoveParticipant { participant, .. } => format!("remove {participant:?}"),
        Request::SetRole {
            participant, role, ..
        } => format!("{role:?} {participant:?}"),
        Request::Admit { participant, .. } => format!("admit {participant:?}"),
        Request::RejectParticipant { participant, .. } => format!("reject {participant:?}"),
        Request::MoreHistory(conversation) => format!("history of {conversation:?}"),
        Request::MoreConversations(count) => format!("more {count}"),
        Request::SetHistory(enabled) => format!("history {enabled}"),
        Request::FetchPerson { address, field, .. } => format!("fetch {field:?} of {address}"),
        Request::SetInterest {
            address,
            field,
            interest,
            ..
        } => format!("follow {field:?} of {address} {interest:?}"),
        Request::SearchPersons { query, limit, .. } => format!("search {query} {limit}"),
        Request::SetMe(change) => format!("set {change:?}"),
        Request::Contacts(ContactsRequest::AddGroup { name, .. }) => format!("AddGroup {name}"),
        Request::Contacts(ContactsRequest::AddDistributionGroup { name, uri, .. }) => {
            format!("AddDistributionGroup {name} {uri}")
        }
        Request::Contacts(ContactsRequest::RenameGroup { group, name, .. }) => {
            format!("RenameGroup {group:?} {name}")
        }
        Request::Contacts(request) => format!("{request:?}"),
        other => format!("{other:?}"),
    }
}

/// A model on a [`ScriptedBackend`].
pub struct TestModel {
    pub application: Application,
    pub writer: Arc<ModelWriter>,
    pub backend: Arc<ScriptedBackend>,
}

impl TestModel {
    /// A model whose user is signed in.
    pub fn new() -> Self {
        let model = Self::signed_out();
        model.commit([
            Fact::me("sip:me@contoso.com", Some("Me".into())),
            Fact::sign_in(SignInState::SignedIn, None),
        ]);
        model
    }

    /// A model whose user has not signed in.
    pub fn signed_out() -> Self {
        let backend = Arc::new(ScriptedBackend::default());
        let (application, writer) = Application::new(Arc::clone(&backend) as Arc<dyn Backend>);
        let writer = Arc::new(writer);
        backend.writer.set(Arc::downgrade(&writer)).unwrap();
        Self {
            application,
            writer,
            backend,
        }
    }

    pub fn commit(&self, facts: impl IntoIterator<Item = Fact>) {
        self.writer.commit(facts);
    }

    /// Commits facts about a conversation.
    pub fn commit_to(
        &self,
        conversation: ConversationId,
        facts: impl IntoIterator<Item = ConversationFact>,
    ) {
        self.commit(facts.into_iter().map(|fact| Fact::of(conversation, fact)));
    }

    /// The fact that completes the oldest request in flight.
    pub fn completed(&self, result: Result<Outcome, Reason>) -> Fact {
        let command = self.backend.in_flight.lock().unwrap().pop_front();
        Fact::completed(command.unwrap(), result)
    }

    /// Completes the oldest request in flight.
    pub fn complete(&self, result: Result<Outcome, Reason>) {
        self.commit([self.completed(result)]);
    }
}

pub fn lene(id: u64) -> ParticipantFact {
    ParticipantFact::new(ParticipantId::Remote(id), "sip:lenea@contoso.com").named("Lene Aaling")
}

/// The result of a future, which must be ready.
pub fn now<T>(mut future: BoxFuture<'_, T>) -> T {
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the future is not ready"),
    }
}

/// Whether a future is pending.
pub fn is_pending<T>(future: &mut BoxFuture<'static, T>) -> bool {
    future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_pending()
}

/// Lines in the order in which listeners wrote them.
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
