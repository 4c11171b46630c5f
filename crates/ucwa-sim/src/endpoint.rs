//! One client of one user: a session, and what it told its application.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use ucwa_session::{
    ConversationChange, ConversationKey, Failure, FailureKind, MessageStatus, Outcome, PersonFact,
    PersonStatus, Session, SessionEvent, SignInState, Ticket,
};

use crate::breach::{Breach, Rule};
use crate::network::ExchangeId;
use crate::saying::SayingId;

/// The name of an endpoint. A user who signs in again does so with another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EndpointId(pub(crate) usize);

/// How a conversation looks to the application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Something of it is at the server: it was begun, and has not ended since.
    pub(crate) live: bool,
    /// Its chat is established.
    pub(crate) chatting: bool,
    /// What was received in it, in the order in which it was shown.
    pub(crate) received: Vec<SayingId>,
}

/// A session and what it told.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    /// Whose it is, by the number of the person in the story.
    pub(crate) owner: usize,
    pub(crate) session: Session,
    pub(crate) wake_at: Option<Duration>,
    pub(crate) state: SignInState,
    /// The pending GET in flight.
    pub(crate) poll: Option<ExchangeId>,
    pub(crate) conversations: BTreeMap<ConversationKey, Seen>,
    /// What was submitted, and how it ended.
    pub(crate) tickets: BTreeMap<Ticket, Option<Result<Outcome, Failure>>>,
    /// The last verdict on each message.
    pub(crate) verdicts: BTreeMap<SayingId, MessageStatus>,
    /// What is known of the availability of people, by address.
    pub(crate) statuses: BTreeMap<String, PersonStatus>,
    /// The pending GET as it was sent last.
    pub(crate) last_poll: Option<Request<Bytes>>,
    /// Events that nobody has taken yet.
    pub(crate) news: VecDeque<SessionEvent>,
}

impl Endpoint {
    pub(crate) fn new(name: String, owner: usize, session: Session) -> Self {
        Self {
            name,
            owner,
            session,
            wake_at: None,
            state: SignInState::SignedOut,
            poll: None,
            conversations: BTreeMap::new(),
            tickets: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            statuses: BTreeMap::new(),
            last_poll: None,
            news: VecDeque::new(),
        }
    }

    /// Takes in what the session completed.
    pub(crate) fn on_completed(
        &mut self,
        ticket: Ticket,
        result: Result<Outcome, Failure>,
    ) -> Option<Breach> {
        match self.tickets.get_mut(&ticket) {
            Some(open @ None) => {
                *open = Some(result);
                None
            }
            Some(Some(_)) => Some(Breach::new(
                Rule::CompletedOnce,
                format!("{}: {ticket:?} completed twice", self.name),
            )),
            // Completed in `submit` itself: the world enters it on return.
            None => {
                self.tickets.insert(ticket, Some(result));
                None
            }
        }
    }

    /// Takes in what the session tells of.
    pub(crate) fn on_event(&mut self, event: &SessionEvent) -> Option<Breach> {
        match event {
            SessionEvent::SignIn { state, .. } => self.state = *state,
            SessionEvent::Incoming { conversation, .. }
            | SessionEvent::Discovered { conversation, .. } => {
                let seen = self.conversations.entry(*conversation).or_default();
                seen.live = true;
            }
            SessionEvent::Person {
                uri,
                fact: PersonFact::Status(status),
            } => {
                self.statuses.insert(uri.clone(), *status);
            }
            SessionEvent::Conversation {
                conversation,
                change,
            } => return self.on_change(*conversation, change),
            _ => {}
        }
        None
    }

    fn on_change(
        &mut self,
        conversation: ConversationKey,
        change: &ConversationChange,
    ) -> Option<Breach> {
        let Some(seen) = self.conversations.get_mut(&conversation) else {
            return Some(Breach::new(
                Rule::Grammar,
                format!(
                    "{}: {change:?} in {conversation:?}, which nobody spoke of",
                    self.name
                ),
            ));
        };
        match change {
            ConversationChange::Connecting | ConversationChange::ChatOffered => seen.live = true,
            ConversationChange::ChatConnected { .. } => seen.chatting = true,
            ConversationChange::ChatDisconnecting | ConversationChange::ChatDisconnected { .. } => {
                seen.chatting = false;
            }
            ConversationChange::Ended { .. } => {
                if !std::mem::take(&mut seen.live) {
                    return Some(Breach::new(
                        Rule::Grammar,
                        format!("{}: {conversation:?} ended twice", self.name),
                    ));
                }
                seen.chatting = false;
            }
            ConversationChange::MessageReceived { body, .. } => {
                let Some(saying) = SayingId::of_body(body).filter(|it| it.is_said_by(body)) else {
                    return Some(Breach::new(
                        Rule::Garbled,
                        format!("{}: a message that nobody said: {body:?}", self.name),
                    ));
                };
                seen.received.push(saying);
            }
            ConversationChange::MessageStatus {
                message,
                status,
                failure,
                ..
            } => {
                let unknown = failure
                    .as_ref()
                    .is_some_and(|failure| *failure.kind() == FailureKind::DeliveryUnknown);
                if unknown != (*status == MessageStatus::Unknown) {
                    return Some(Breach::new(
                        Rule::Misreported,
                        format!("{}: {status:?} for the reason {failure:?}", self.name),
                    ));
                }
                if let Some(saying) = SayingId::of_key(*message) {
                    self.verdicts.insert(saying, *status);
                }
            }
            _ => {}
        }
        None
    }

    /// Whose it is, by the name before the number.
    pub(crate) fn user(&self) -> &str {
        self.name.split('.').next().unwrap_or_default()
    }

    /// Whether everything that was submitted has ended.
    pub(crate) fn is_settled(&self) -> bool {
        self.tickets.values().all(Option::is_some)
    }
}
