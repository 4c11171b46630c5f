//! The actors: their actions, and their reactions to the events of their sessions.

use secrecy::SecretString;
use ucwa_proto::Representation;
use ucwa_session::{
    ConversationChange, ConversationKey, Credentials, Operation, ParticipantKey, Root, Session,
    SessionConfig, SessionEvent, SignInState,
};

use super::timeline::Action;
use super::{PASSWORD, Plan, Scenario, SentMessage, USERS, millis};
use crate::endpoint::EndpointId;
use crate::message::MessageId;
use crate::options::WorldSize;
use crate::random::RandomStream;
use crate::violation::{Invariant, Violation};

/// A user at one device.
pub(super) struct Actor {
    pub(super) address: &'static str,
    /// The actor is the second device of a user.
    is_second_device: bool,
    /// The endpoints that the actor has signed in with; the last one is the current one.
    endpoints: Vec<EndpointId>,
    representation: Representation,
    endpoint_id: Option<String>,
    /// The conversation that the actor writes in, and its endpoint.
    pub(super) conversation: Option<(EndpointId, ConversationKey)>,
}

impl Actor {
    /// The actors of a scenario. If there are more than three, the last actor may be the second device of another actor's
    /// user.
    pub(super) fn all(plan: &Plan, random: &mut RandomStream) -> Vec<Self> {
        let second_device = (plan.actors > 3
            && (random.chance(400) || plan.size >= WorldSize::Contacts))
            .then(|| random.index(plan.actors - 1));
        (0..plan.actors)
            .map(|actor| match second_device {
                Some(user) if actor + 1 == plan.actors => user,
                _ => actor,
            })
            .filter_map(|user| USERS.get(user))
            .enumerate()
            .map(|(actor, (address, _))| Self {
                address,
                is_second_device: second_device.is_some() && actor + 1 == plan.actors,
                endpoints: Vec::new(),
                representation: plan
                    .representation
                    .unwrap_or_else(|| match random.chance(500) {
                        true => Representation::Json,
                        false => Representation::Xml,
                    }),
                endpoint_id: random
                    .chance(500)
                    .then(|| format!("endpoint {actor} of {address}")),
                conversation: None,
            })
            .collect()
    }

    /// The conversation that the actor writes in, if its endpoint is the current one.
    pub(super) fn present_conversation(&self) -> Option<(EndpointId, ConversationKey)> {
        self.conversation
            .filter(|(endpoint, _)| self.endpoints.last() == Some(endpoint))
    }
}

impl Scenario<'_> {
    pub(super) fn send_message(&mut self, sender: usize) {
        let Some((endpoint, conversation)) = self.open_conversation(sender) else {
            return;
        };
        let id = MessageId(u32::try_from(self.sent_messages.len()).unwrap_or(u32::MAX));
        let operation = Operation::SendMessage {
            conversation,
            message: id.key(),
            body: id.body(),
            subject: None,
            message_id: self.hands_over().then(|| id.message_id()),
        };
        let audience = (0..self.actors.len())
            .filter(|actor| *actor != sender && self.is_chatting(*actor))
            .filter_map(|actor| self.endpoint(actor))
            .collect();
        if let Some(ticket) = self.world.submit(endpoint, operation) {
            self.sent_messages.push(SentMessage {
                id,
                endpoint,
                ticket,
                audience,
            });
        }
    }

    pub(super) fn send_typing(&mut self, actor: usize) {
        if self.is_chatting(actor)
            && let Some((endpoint, conversation)) = self.open_conversation(actor)
        {
            self.world
                .submit(endpoint, Operation::SendIsTyping(conversation));
        }
    }

    /// The conversation that an actor writes in. Opens a conversation if there is none, or if its endpoint is a former one.
    /// Returns `None` if the device of the actor is suspended.
    pub(super) fn open_conversation(
        &mut self,
        actor: usize,
    ) -> Option<(EndpointId, ConversationKey)> {
        if self.world.resumes_at(actor).is_some() || self.is_resuming(actor) {
            return None;
        }
        let peer = self.actors.get(self.peer_of(actor))?.address;
        let record = self.actors.get_mut(actor)?;
        let endpoint = record.endpoints.last().copied()?;
        if let Some(conversation) = record.present_conversation() {
            return Some(conversation);
        }
        let conversation = ConversationKey::Local(1);
        record.conversation = Some((endpoint, conversation));
        let operation = Operation::OpenConversation {
            conversation,
            participant: ParticipantKey::Local(1),
            peer: format!("sip:{peer}"),
        };
        self.world.submit(endpoint, operation);
        Some((endpoint, conversation))
    }

    pub(super) fn sign_in(&mut self, actor: usize) {
        let Some((name, config)) = self.new_session(actor) else {
            return;
        };
        let session = Session::new(config);
        let endpoint = self.world.add_endpoint(name, actor, session);
        self.sign_in_at(actor, endpoint);
    }

    /// The name and the configuration of an actor's next session.
    pub(super) fn new_session(&mut self, actor: usize) -> Option<(String, SessionConfig)> {
        let seed = self.random.seed();
        let root = match self.random.chance(700) {
            true => Root::Domain,
            false => Root::Url("https://lyncdiscover.contoso.com/".to_owned()),
        };
        let commit_gate = self.commits_pages(actor);
        let record = self.actors.get_mut(actor)?;
        let mut config = SessionConfig::new(root, seed, self.world.session_wall_at_epoch(actor));
        config.representation = record.representation;
        config.endpoint_id.clone_from(&record.endpoint_id);
        config.html = self.random.chance(800);
        config.commit_gate = commit_gate;
        let (name, _) = record.address.split_once('@').unwrap_or_default();
        let device = if record.is_second_device {
            "second."
        } else {
            ""
        };
        let name = format!("{name}.{device}{}", record.endpoints.len());
        Some((name, config))
    }

    /// Signs an actor in at a new endpoint.
    pub(super) fn sign_in_at(&mut self, actor: usize, endpoint: EndpointId) {
        let Some(record) = self.actors.get_mut(actor) else {
            return;
        };
        record.endpoints.push(endpoint);
        let credentials = Credentials::Password {
            sip_uri: format!("sip:{}", record.address),
            user_name: None,
            password: SecretString::from(PASSWORD),
        };
        self.world.submit(endpoint, Operation::SignIn(credentials));
    }

    pub(super) fn answer(&mut self, endpoint: EndpointId, conversation: ConversationKey) {
        let operation = if !self.plan.ideal && self.random.chance(80) {
            Operation::Decline(conversation)
        } else {
            Operation::Accept(conversation)
        };
        self.world.submit(endpoint, operation);
    }

    /// Lets the actors react to the events of their current endpoints.
    pub(super) fn process_events(&mut self) {
        for actor in 0..self.actors.len() {
            let Some(endpoint) = self.endpoint(actor) else {
                continue;
            };
            self.schedule_successor(actor, endpoint);
            while self.world.is_running(endpoint)
                && let Some(event) = self
                    .world
                    .endpoint_mut(endpoint)
                    .and_then(|endpoint| endpoint.unread_events.pop_front())
            {
                self.on_event(actor, endpoint, &event);
            }
        }
    }

    fn on_event(&mut self, actor: usize, endpoint: EndpointId, event: &SessionEvent) {
        match event {
            SessionEvent::SignIn {
                state: SignInState::SignedOut,
                failure,
                ..
            } if !self.ending => {
                if self.plan.ideal {
                    let detail = format!("a session ended: {failure:?}");
                    self.world
                        .violations
                        .push(Violation::new(Invariant::AllSucceed, detail));
                }
                self.schedule_within(&millis(1_000..10_000), Action::SignIn(actor));
            }
            SessionEvent::Incoming {
                conversation,
                answerable,
                ..
            } => {
                if let Some(record) = self.actors.get_mut(actor) {
                    let present = record.present_conversation();
                    let busy = present.is_some_and(|(endpoint, conversation)| {
                        self.world.is_live(endpoint, conversation)
                    });
                    if !busy {
                        record.conversation = Some((endpoint, *conversation));
                    }
                }
                if *answerable {
                    let answer = Action::Answer(endpoint, *conversation);
                    self.schedule_within(&millis(0..4_000), answer);
                }
            }
            SessionEvent::SignIn {
                state: SignInState::SignedIn,
                ..
            } if self.has_contact_lists() => self.follow_contacts(endpoint),
            SessionEvent::Discovered { conversation, .. } => {
                self.continue_conversation(actor, endpoint, *conversation);
            }
            SessionEvent::Conversation {
                conversation,
                change: ConversationChange::ChatOffered,
                ..
            } => {
                let answer = Action::Answer(endpoint, *conversation);
                self.schedule_within(&millis(0..4_000), answer);
            }
            _ => {}
        }
    }

    pub(super) fn random_actor(&mut self) -> usize {
        self.random.index(self.actors.len())
    }

    pub(super) fn random_address(&mut self) -> String {
        let actor = self.random_actor();
        let actor = self.actors.get(actor);
        actor.map_or_else(String::new, |actor| actor.address.to_owned())
    }

    /// The first actor of another user.
    pub(super) fn peer_of(&self, actor: usize) -> usize {
        let address = |actor: usize| self.actors.get(actor).map(|it| it.address);
        (0..self.actors.len())
            .find(|other| address(*other) != address(actor))
            .unwrap_or(actor)
    }

    pub(super) fn conversation_of(&self, actor: usize) -> Option<(EndpointId, ConversationKey)> {
        self.actors.get(actor)?.present_conversation()
    }

    /// Decides whether the actors wait for the results. In an ideal world they always wait.
    pub(super) fn waits_for_results(&mut self) -> bool {
        self.plan.ideal || self.random.chance(850)
    }

    /// The current endpoint of an actor.
    pub(super) fn endpoint(&self, actor: usize) -> Option<EndpointId> {
        self.actors.get(actor)?.endpoints.last().copied()
    }

    pub(super) fn is_signed_in(&self, actor: usize) -> bool {
        self.endpoint(actor)
            .and_then(|endpoint| self.world.endpoint(endpoint))
            .is_some_and(|endpoint| endpoint.state == SignInState::SignedIn)
    }

    pub(super) fn is_chatting(&self, actor: usize) -> bool {
        self.actors
            .get(actor)
            .and_then(|actor| actor.conversation)
            .is_some_and(|(endpoint, key)| self.world.is_chatting(endpoint, key))
    }

    /// Whether every submitted operation has completed.
    pub(super) fn is_settled(&self) -> bool {
        self.world
            .endpoints()
            .all(|(_, endpoint)| endpoint.is_settled())
    }
}
