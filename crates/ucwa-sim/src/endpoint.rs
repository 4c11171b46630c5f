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
    /// It has been signed in.
    pub(crate) was_in: bool,
    /// It was ended as an application does that is closed.
    pub(crate) closed: bool,
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
            was_in: false,
            closed: false,
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
            None => Some(Breach::new(
                Rule::CompletedOnce,
                format!(
                    "{}: {ticket:?} completed, and nobody submitted it",
                    self.name
                ),
            )),
        }
    }

    /// Takes in what the session tells of.
    pub(crate) fn on_event(&mut self, event: &SessionEvent) -> Option<Breach> {
        match event {
            SessionEvent::SignIn { state, .. } => {
                self.state = *state;
                self.was_in |= *state == SignInState::SignedIn;
            }
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
                    let before = self.verdicts.insert(saying, *status);
                    // A verdict that was unknown may come late; one that was told stays.
                    if before.is_some_and(|before| before != MessageStatus::Unknown) {
                        return Some(Breach::new(
                            Rule::Misreported,
                            format!("{}: {saying:?} was {before:?} and is {status:?}", self.name),
                        ));
                    }
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

#[cfg(test)]
mod tests {
    use ucwa_session::{
        MessageBody, MessageKey, Operation, Participant, ParticipantCapabilities, ParticipantKey,
        Root, SessionConfig,
    };

    use super::*;

    const CHAT: ConversationKey = ConversationKey::Local(1);

    fn endpoint() -> Endpoint {
        let root = Root::Url("https://lyncdiscover.contoso.com/".to_owned());
        let config = SessionConfig::new(root, 1, std::time::UNIX_EPOCH);
        let mut endpoint = Endpoint::new("toshm.0".to_owned(), 0, Session::new(config));
        endpoint.conversations.insert(CHAT, Seen::default());
        endpoint
    }

    fn change(conversation: ConversationKey, change: ConversationChange) -> SessionEvent {
        SessionEvent::Conversation {
            conversation,
            change,
        }
    }

    #[track_caller]
    fn breaks(endpoint: &mut Endpoint, event: &SessionEvent, rule: Rule) {
        assert_eq!(endpoint.on_event(event).map(|it| it.rule), Some(rule));
    }

    #[test]
    fn nothing_happens_in_a_conversation_that_nobody_spoke_of() {
        let stranger = change(ConversationKey::Remote(7), ConversationChange::Connecting);
        breaks(&mut endpoint(), &stranger, Rule::Grammar);
    }

    #[test]
    fn a_conversation_ends_once_each_time_it_lived() {
        let mut endpoint = endpoint();
        let begins = change(CHAT, ConversationChange::Connecting);
        let ends = change(CHAT, ConversationChange::Ended { failure: None });
        for _ in 0..2 {
            assert_eq!(endpoint.on_event(&begins), None);
            assert_eq!(endpoint.on_event(&ends), None);
        }
        breaks(&mut endpoint, &ends, Rule::Grammar);
    }

    #[test]
    fn what_is_received_was_said() {
        let says = |text: &str| {
            let sender = Participant {
                key: ParticipantKey::Local(1),
                uri: None,
                name: None,
                role: None,
                anonymous: false,
                in_lobby: false,
                capabilities: ParticipantCapabilities::default(),
            };
            let body = MessageBody::Text(text.to_owned());
            change(
                CHAT,
                ConversationChange::MessageReceived {
                    message: MessageKey::Remote(1),
                    sender,
                    body,
                    timestamp: std::time::UNIX_EPOCH,
                },
            )
        };
        let mut endpoint = endpoint();
        let MessageBody::Text(said) = SayingId(2).body() else {
            panic!("the third is text")
        };
        assert_eq!(endpoint.on_event(&says(&said)), None);
        breaks(
            &mut endpoint,
            &says(&said.replace('\u{df}', "?")),
            Rule::Garbled,
        );
        breaks(&mut endpoint, &says("Hello"), Rule::Garbled);
    }

    #[test]
    fn a_verdict_and_its_reason_agree() {
        let told = |status| {
            let message = SayingId(2).key();
            change(
                CHAT,
                ConversationChange::MessageStatus {
                    message,
                    status,
                    timestamp: None,
                    failure: None,
                },
            )
        };
        let mut endpoint = endpoint();
        assert_eq!(endpoint.on_event(&told(MessageStatus::Succeeded)), None);
        breaks(
            &mut endpoint,
            &told(MessageStatus::Unknown),
            Rule::Misreported,
        );
    }

    #[test]
    fn a_ticket_that_nobody_submitted_does_not_complete() {
        let mut endpoint = endpoint();
        let ticket = endpoint.session.submit(Duration::ZERO, Operation::SignOut);
        let stray = endpoint.on_completed(ticket, Ok(Outcome::Done));
        assert_eq!(stray.map(|it| it.rule), Some(Rule::CompletedOnce));
    }

    #[test]
    fn a_verdict_that_was_unknown_may_come_late_and_no_verdict_changes() {
        use MessageStatus::{Failed, Succeeded, Unknown};
        let told = |before, status| {
            let mut endpoint = endpoint();
            endpoint.verdicts.insert(SayingId(2), before);
            let event = change(
                CHAT,
                ConversationChange::MessageStatus {
                    message: SayingId(2).key(),
                    status,
                    timestamp: None,
                    failure: None,
                },
            );
            endpoint.on_event(&event).map(|it| it.rule)
        };
        for (before, status) in [(Unknown, Succeeded), (Unknown, Failed)] {
            assert_eq!(told(before, status), None);
        }
        for (before, status) in [(Succeeded, Failed), (Failed, Succeeded)] {
            assert_eq!(told(before, status), Some(Rule::Misreported));
        }
    }

    #[test]
    fn a_ticket_completes_once() {
        let mut endpoint = endpoint();
        let ticket = endpoint.session.submit(Duration::ZERO, Operation::SignOut);
        endpoint.tickets.insert(ticket, None);
        assert_eq!(endpoint.on_completed(ticket, Ok(Outcome::Done)), None);
        let again = endpoint.on_completed(ticket, Ok(Outcome::Done));
        assert_eq!(again.map(|it| it.rule), Some(Rule::CompletedOnce));
    }
}
