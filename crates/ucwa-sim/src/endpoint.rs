//! An endpoint: one session of one actor, and the events that the session has reported.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Request;
use ucwa_session::{
    ConversationChange, ConversationKey, Failure, FailureKind, MessageBody, MessageStatus,
    Operation, Outcome, PersonFact, PersonStatus, Session, SessionEvent, SignInState, Ticket,
};

use crate::contact_view::ContactView;
use crate::coverage::CoveragePoint;
use crate::message::MessageId;
use crate::network::{Arrival, ExchangeId};
use crate::violation::{Invariant, Violation};

/// Identifies an endpoint. An actor who signs in again gets a new endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EndpointId(pub(crate) usize);

/// A conference as the session has reported it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Meeting {
    /// The SIP URI. A session may learn late or never at which conference its conversation is.
    pub(crate) uri: Option<String>,
}

impl Meeting {
    /// Whether two conversations of a user may be in the same conference.
    pub(crate) fn may_equal(&self, other: &Self) -> bool {
        self.uri.is_none() || other.uri.is_none() || self == other
    }
}

/// The state of a conversation as the session has reported it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConversationView {
    /// The conversation exists at the server: it has begun and not ended.
    pub(crate) live: bool,
    /// The chat is connected.
    pub(crate) chatting: bool,
    /// The conference that the conversation is a part of.
    pub(crate) meeting: Option<Meeting>,
    /// The received messages, in the order in which they were shown.
    pub(crate) received: Vec<MessageId>,
    /// The number of received messages that were shown without a text, since it could not be read.
    pub(crate) without_text: usize,
}

/// The process that runs a session.
#[derive(Debug)]
pub(crate) enum Process {
    Running,
    /// The process is paused. Its machine holds the arrivals.
    Paused {
        held: Vec<Arrival>,
    },
    /// The process has detached its session and exited.
    Detached,
    /// The process was killed. `uncommitted` is whether it had handled an event page and not committed it.
    Killed {
        uncommitted: bool,
    },
}

/// The checkpoint of a process that has stopped, for its successor.
#[derive(Debug)]
pub(crate) struct StoredCheckpoint {
    pub(crate) encoded: String,
    /// How long after the stop the successor starts. `None` once the start is scheduled.
    pub(crate) gap: Option<Duration>,
}

/// A session and the events that it has reported.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    /// The index of the actor in the scenario.
    pub(crate) owner: usize,
    pub(crate) session: Session,
    pub(crate) wake_at: Option<Duration>,
    pub(crate) state: SignInState,
    /// The session has been signed in at least once.
    pub(crate) was_signed_in: bool,
    /// The session got [`ucwa_session::Input::Shutdown`].
    pub(crate) shut_down: bool,
    /// The pending GET in flight.
    pub(crate) poll: Option<ExchangeId>,
    pub(crate) conversations: BTreeMap<ConversationKey, ConversationView>,
    /// The number of operations that have not completed.
    open_tickets: usize,
    /// The submitted operations and their results.
    pub(crate) tickets: BTreeMap<Ticket, Option<Result<Outcome, Failure>>>,
    /// The last reported delivery result on each message.
    pub(crate) delivery_results: BTreeMap<MessageId, MessageStatus>,
    /// The reported availability of other users, by SIP URI.
    pub(crate) statuses: BTreeMap<String, PersonStatus>,
    /// The reported contact list.
    pub(crate) contacts: ContactView,
    /// The event channel was reported as interrupted, and not as restored.
    is_interrupted: bool,
    /// The pending GET that was sent last.
    pub(crate) last_poll: Option<Request<Bytes>>,
    /// The last reading of the wall clock, and the session's time of the reading.
    pub(crate) clock_reading: Option<(SystemTime, Duration)>,
    /// When the device resumed, and the pending GET that was in flight. `None` once that has ended.
    pub(crate) resumed: Option<(Duration, ExchangeId)>,
    /// The events that the scenario has not processed yet.
    pub(crate) unread_events: VecDeque<SessionEvent>,
    /// The session has sent a request.
    pub(crate) has_sent: bool,
    pub(crate) process: Process,
    /// The process is to be killed after it has handled the next event page, before the commit. The value is the gap before
    /// its successor starts.
    pub(crate) kill_before_commit: Option<Duration>,
    /// The checkpoint that the process left when it stopped. `None` after the successor has started.
    pub(crate) stored_checkpoint: Option<StoredCheckpoint>,
    /// The operations that had not completed when the process stopped.
    pub(crate) open_at_stop: BTreeSet<Ticket>,
    pub(crate) predecessor: Option<EndpointId>,
    pub(crate) successor: Option<EndpointId>,
    /// The session has continued the application of its predecessor.
    pub(crate) is_resumed: bool,
    /// The server no longer had the application of the predecessor.
    pub(crate) not_resumed: bool,
    /// The messages without a result in the checkpoint that the session resumed from.
    pub(crate) doubtful: BTreeSet<MessageId>,
    /// The last reported delivery result on each message by its message ID.
    pub(crate) settled: BTreeMap<MessageId, MessageStatus>,
    /// The messages that an incoming invitation previewed.
    pub(crate) previewed: BTreeSet<MessageId>,
    /// The messages that were shown while the successor was running, too.
    pub(crate) shown_beside_successor: Vec<MessageId>,
}

impl Endpoint {
    pub(crate) fn new(name: String, owner: usize, session: Session) -> Self {
        Self {
            name,
            owner,
            session,
            wake_at: None,
            state: SignInState::SignedOut,
            was_signed_in: false,
            shut_down: false,
            poll: None,
            conversations: BTreeMap::new(),
            open_tickets: 0,
            tickets: BTreeMap::new(),
            delivery_results: BTreeMap::new(),
            statuses: BTreeMap::new(),
            contacts: ContactView::default(),
            is_interrupted: false,
            last_poll: None,
            clock_reading: None,
            resumed: None,
            unread_events: VecDeque::new(),
            has_sent: false,
            process: Process::Running,
            kill_before_commit: None,
            stored_checkpoint: None,
            open_at_stop: BTreeSet::new(),
            predecessor: None,
            successor: None,
            is_resumed: false,
            not_resumed: false,
            doubtful: BTreeSet::new(),
            settled: BTreeMap::new(),
            previewed: BTreeSet::new(),
            shown_beside_successor: Vec::new(),
        }
    }

    /// Whether the session is signed in, its process runs, and its event channel works.
    pub(crate) fn is_connected(&self) -> bool {
        self.state == SignInState::SignedIn
            && matches!(self.process, Process::Running)
            && !self.is_interrupted
    }

    /// Begins an operation under the next ticket.
    pub(crate) fn submit(&mut self, now: Duration, operation: Operation) -> Ticket {
        let last = self.tickets.last_key_value().map_or(0, |(last, _)| last.0);
        let ticket = Ticket(last + 1);
        self.tickets.insert(ticket, None);
        self.open_tickets += 1;
        self.session.submit(now, ticket, operation);
        ticket
    }

    /// Records the result of an operation.
    pub(crate) fn on_completed(
        &mut self,
        ticket: Ticket,
        result: Result<Outcome, Failure>,
    ) -> Option<Violation> {
        match self.tickets.get_mut(&ticket) {
            Some(open @ None) => {
                *open = Some(result);
                self.open_tickets = self.open_tickets.saturating_sub(1);
                None
            }
            Some(Some(_)) => Some(Violation::new(
                Invariant::CompletedOnce,
                format!("{}: {ticket:?} completed twice", self.name),
            )),
            None => Some(Violation::new(
                Invariant::CompletedOnce,
                format!(
                    "{}: {ticket:?} completed and was never submitted",
                    self.name
                ),
            )),
        }
    }

    /// Records an event.
    pub(crate) fn on_event(&mut self, event: &SessionEvent) -> Option<Violation> {
        match event {
            SessionEvent::SignIn { state, .. } => {
                self.state = *state;
                let signed_in = *state == SignInState::SignedIn;
                self.was_signed_in |= signed_in;
                self.is_resumed |= signed_in && self.predecessor.is_some() && !self.not_resumed;
            }
            SessionEvent::NotResumed { .. } => self.not_resumed = true,
            SessionEvent::ChannelInterrupted { .. } => self.is_interrupted = true,
            SessionEvent::ChannelRestored => self.is_interrupted = false,
            SessionEvent::ContactList(change) => self.contacts.apply(change),
            SessionEvent::Incoming {
                conversation,
                preview,
                ..
            } => {
                let preview = preview.as_ref().and_then(MessageId::of_body);
                self.previewed.extend(preview);
                let view = self.conversations.entry(*conversation).or_default();
                view.live = true;
            }
            SessionEvent::Discovered { conversation, .. } => {
                let view = self.conversations.entry(*conversation).or_default();
                view.live = true;
            }
            SessionEvent::Person {
                uri,
                fact: PersonFact::Status(status),
                ..
            } => {
                self.statuses.insert(uri.clone(), *status);
            }
            SessionEvent::Conversation {
                conversation,
                change,
                ..
            } => return self.on_change(*conversation, change),
            _ => {}
        }
        None
    }

    /// The step of a hand-over that a recorded event completes.
    pub(crate) fn recovery(&self, event: &SessionEvent) -> Option<CoveragePoint> {
        match event {
            SessionEvent::SignIn {
                state: SignInState::SignedIn,
                ..
            } if self.is_resumed => Some(CoveragePoint::Resumed),
            SessionEvent::SignIn {
                state: SignInState::SignedOut,
                failure: Some(failure),
                ..
            } if self.successor.is_some() && failure.subcode() == Some("PGetReplaced") => {
                Some(CoveragePoint::Yielded)
            }
            SessionEvent::NotResumed { .. } => Some(CoveragePoint::NotResumed),
            SessionEvent::Conversation {
                change: ConversationChange::MessageSettled { message_id, .. },
                ..
            } => {
                let message = MessageId::of_message_id(message_id);
                let is_doubtful = message.is_some_and(|it| self.doubtful.contains(&it));
                is_doubtful.then_some(CoveragePoint::DoubtfulSettled)
            }
            _ => None,
        }
    }

    fn on_change(
        &mut self,
        conversation: ConversationKey,
        change: &ConversationChange,
    ) -> Option<Violation> {
        let Some(view) = self.conversations.get_mut(&conversation) else {
            return Some(Violation::new(
                Invariant::EventOrder,
                format!(
                    "{}: {change:?} in {conversation:?}, which no event introduced",
                    self.name
                ),
            ));
        };
        match change {
            ConversationChange::Connecting | ConversationChange::ChatOffered => view.live = true,
            ConversationChange::Group { uri, .. } => {
                let meeting = view.meeting.get_or_insert_default();
                meeting.uri = uri.clone().or(meeting.uri.take());
            }
            ConversationChange::ChatConnected { .. } => view.chatting = true,
            ConversationChange::ChatDisconnecting | ConversationChange::ChatDisconnected { .. } => {
                view.chatting = false;
            }
            ConversationChange::Ended { .. } => {
                if !std::mem::take(&mut view.live) {
                    return Some(Violation::new(
                        Invariant::EventOrder,
                        format!("{}: {conversation:?} ended twice", self.name),
                    ));
                }
                view.chatting = false;
            }
            ConversationChange::MessageReceived { body, .. } => {
                if matches!(body, MessageBody::Other { .. }) {
                    view.without_text += 1;
                    return None;
                }
                let Some(message) = MessageId::of_body(body).filter(|it| it.has_body(body)) else {
                    return Some(Violation::new(
                        Invariant::Intact,
                        format!("{}: a message that was never sent: {body:?}", self.name),
                    ));
                };
                match self.successor {
                    Some(_) => self.shown_beside_successor.push(message),
                    None => view.received.push(message),
                }
            }
            ConversationChange::MessageSettled {
                message_id, status, ..
            } => {
                let message = MessageId::of_message_id(message_id)?;
                let before = self.settled.insert(message, *status);
                return self.contradiction(message, before, *status);
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
                    return Some(Violation::new(
                        Invariant::TrueDeliveryResult,
                        format!("{}: {status:?} for the reason {failure:?}", self.name),
                    ));
                }
                if let Some(message) = MessageId::of_key(*message) {
                    let before = self.delivery_results.insert(message, *status);
                    return self.contradiction(message, before, *status);
                }
            }
            _ => {}
        }
        None
    }

    /// The violation by a second delivery result on a message. Only an unknown result may be followed by another one.
    fn contradiction(
        &self,
        message: MessageId,
        before: Option<MessageStatus>,
        status: MessageStatus,
    ) -> Option<Violation> {
        before.filter(|before| *before != MessageStatus::Unknown)?;
        Some(Violation::new(
            Invariant::TrueDeliveryResult,
            format!(
                "{}: {message:?} was {before:?} and is {status:?}",
                self.name
            ),
        ))
    }

    /// Stores the checkpoint of a process that stops, for its successor.
    pub(crate) fn store_checkpoint(&mut self, checkpoint: StoredCheckpoint) {
        self.open_at_stop = self.open_tickets().collect();
        self.stored_checkpoint = Some(checkpoint);
    }

    /// Drops the timers and the operations of a process that is killed.
    pub(crate) fn kill(&mut self, uncommitted: bool) {
        self.process = Process::Killed { uncommitted };
        self.state = SignInState::SignedOut;
        self.wake_at = None;
        self.poll = None;
        self.tickets.retain(|_, result| result.is_some());
        self.open_tickets = 0;
    }

    /// Drops the completed operations, except the last one: the next ticket is computed from its ticket.
    pub(crate) fn drop_completed(&mut self) {
        let last = self.tickets.last_key_value().map(|(ticket, _)| *ticket);
        self.tickets
            .retain(|ticket, result| result.is_none() || Some(*ticket) == last);
    }

    pub(crate) fn open_tickets(&self) -> impl Iterator<Item = Ticket> {
        let open = self.tickets.iter().filter(|(_, result)| result.is_none());
        open.map(|(ticket, _)| *ticket)
    }

    /// The user, which is the part of the name before the first dot.
    pub(crate) fn user(&self) -> &str {
        self.name.split('.').next().unwrap_or_default()
    }

    /// Whether every submitted operation has completed, unless another session has taken over from this one.
    pub(crate) fn is_settled(&self) -> bool {
        self.open_tickets == 0 || self.successor.is_some()
    }
}

#[cfg(test)]
mod tests {
    use ucwa_session::{MessageKey, Operation, Participant, ParticipantKey, Root, SessionConfig};

    use super::*;

    const CHAT: ConversationKey = ConversationKey::Local(1);

    fn endpoint() -> Endpoint {
        let root = Root::Url("https://lyncdiscover.contoso.com/".to_owned());
        let config = SessionConfig::new(root, 1, std::time::UNIX_EPOCH);
        let mut endpoint = Endpoint::new("toshm.0".to_owned(), 0, Session::new(config));
        endpoint
            .conversations
            .insert(CHAT, ConversationView::default());
        endpoint
    }

    fn change(conversation: ConversationKey, change: ConversationChange) -> SessionEvent {
        SessionEvent::of(conversation, change)
    }

    #[track_caller]
    fn assert_violates(endpoint: &mut Endpoint, event: &SessionEvent, invariant: Invariant) {
        assert_eq!(
            endpoint.on_event(event).map(|it| it.invariant),
            Some(invariant)
        );
    }

    #[test]
    fn a_change_in_a_conversation_that_no_event_introduced_is_a_violation() {
        let unknown = change(ConversationKey::Remote(7), ConversationChange::Connecting);
        assert_violates(&mut endpoint(), &unknown, Invariant::EventOrder);
    }

    #[test]
    fn a_conversation_that_ends_twice_is_a_violation() {
        let mut endpoint = endpoint();
        let begins = change(CHAT, ConversationChange::Connecting);
        let ends = change(CHAT, ConversationChange::ended(None));
        for _ in 0..2 {
            assert_eq!(endpoint.on_event(&begins), None);
            assert_eq!(endpoint.on_event(&ends), None);
        }
        assert_violates(&mut endpoint, &ends, Invariant::EventOrder);
    }

    #[test]
    fn an_altered_or_invented_message_is_a_violation() {
        let received = |text: &str| {
            let sender = Participant::new(ParticipantKey::Local(1));
            let body = MessageBody::Text(text.to_owned());
            change(
                CHAT,
                ConversationChange::message_received(
                    MessageKey::Remote(1),
                    sender,
                    body,
                    std::time::UNIX_EPOCH,
                    String::new(),
                ),
            )
        };
        let mut endpoint = endpoint();
        let MessageBody::Text(text) = MessageId(2).body() else {
            panic!("the body is text")
        };
        assert_eq!(endpoint.on_event(&received(&text)), None);
        assert_violates(
            &mut endpoint,
            &received(&text.replace('\u{df}', "?")),
            Invariant::Intact,
        );
        assert_violates(&mut endpoint, &received("Hello"), Invariant::Intact);
    }

    #[test]
    fn a_delivery_result_that_contradicts_its_reason_is_a_violation() {
        let status_event = |status| {
            let message = MessageId(2).key();
            change(
                CHAT,
                ConversationChange::message_status(message, status, None, None),
            )
        };
        let mut endpoint = endpoint();
        assert_eq!(
            endpoint.on_event(&status_event(MessageStatus::Succeeded)),
            None
        );
        assert_violates(
            &mut endpoint,
            &status_event(MessageStatus::Unknown),
            Invariant::TrueDeliveryResult,
        );
    }

    #[test]
    fn the_completion_of_a_ticket_that_was_not_submitted_is_a_violation() {
        let mut endpoint = endpoint();
        let violation = endpoint.on_completed(Ticket(1), Ok(Outcome::Done));
        assert_eq!(
            violation.map(|it| it.invariant),
            Some(Invariant::CompletedOnce)
        );
    }

    #[test]
    fn only_an_unknown_delivery_result_may_change() {
        use MessageStatus::{Failed, Succeeded, Unknown};
        let second_result = |before, status| {
            let mut endpoint = endpoint();
            endpoint.delivery_results.insert(MessageId(2), before);
            let event = change(
                CHAT,
                ConversationChange::message_status(MessageId(2).key(), status, None, None),
            );
            endpoint.on_event(&event).map(|it| it.invariant)
        };
        for (before, status) in [(Unknown, Succeeded), (Unknown, Failed)] {
            assert_eq!(second_result(before, status), None);
        }
        for (before, status) in [(Succeeded, Failed), (Failed, Succeeded)] {
            assert_eq!(
                second_result(before, status),
                Some(Invariant::TrueDeliveryResult)
            );
        }
    }

    #[test]
    fn a_second_completion_is_a_violation() {
        let mut endpoint = endpoint();
        let ticket = endpoint.submit(Duration::ZERO, Operation::SignOut);
        assert_eq!(endpoint.on_completed(ticket, Ok(Outcome::Done)), None);
        let again = endpoint.on_completed(ticket, Ok(Outcome::Done));
        assert_eq!(again.map(|it| it.invariant), Some(Invariant::CompletedOnce));
    }
}
