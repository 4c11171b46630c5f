//! Endurance: days of virtual time in one world, to measure how much memory a session retains.
//!
//! Four users stay signed in. During office hours they start, use and remove one-to-one chats and conferences, follow each
//! other's presence and search. Every day the network closes all connections once, another process replaces a pending GET,
//! and at night the server restarts and loses all applications.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use secrecy::SecretString;
use ucwa_server::{Engine, Fault};
use ucwa_session::{
    ConversationChange, ConversationKey, Credentials, Interest, MeChange, MessageStatus, Operation,
    ParticipantKey, PersonField, PersonStatus, Root, Session, SessionConfig, SessionEvent,
    SignInState,
};

use crate::endpoint::EndpointId;
use crate::http_faults::HttpFaults;
use crate::message::MessageId;
use crate::network_profile::NetworkProfile;
use crate::random::{RandomStream, stream};
use crate::scenario::{self, PASSWORD, USERS};
use crate::violation::Violation;
use crate::world::{Conditions, World};

const HOUR: Duration = Duration::from_secs(60 * 60);
/// The hours of the day in which the users are active.
const OFFICE_HOURS: std::ops::Range<u32> = 8..18;
/// One-to-one chats in each of these hours.
const CHATS_PER_HOUR: u32 = 3;
/// The hours with a conference.
const CONFERENCE_HOURS: [u32; 2] = [10, 15];
/// Messages of each participant in a chat.
const MESSAGES: u32 = 3;
/// The maximum time to wait for a chat, a delivery result or an idle session.
const WAIT_LIMIT: Duration = Duration::from_secs(5 * 60);

/// The counts and violations of one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Day {
    /// The number of the day; the first is 1.
    pub number: u32,
    /// Conversations that were removed, counted at every participant.
    pub conversations: u64,
    /// Messages that were sent.
    pub messages: u64,
    /// Messages that were reported as delivered.
    pub delivered: u64,
    /// Sessions that ended and were replaced by a new sign-in.
    pub sign_ins: u64,
    /// The violated invariants.
    pub violations: Vec<Violation>,
}

/// The sessions and the server at the end of a run.
#[derive(Debug)]
#[non_exhaustive]
pub struct FinalState {
    /// The session of each user, the one that starts the most chats first.
    pub sessions: Vec<Session>,
    /// The server.
    pub server: Engine,
}

struct User {
    address: &'static str,
    endpoint: EndpointId,
    /// The last conversation into which the user was invited.
    invited: Option<ConversationKey>,
}

/// A world that runs day by day.
pub struct Endurance {
    world: World,
    random: RandomStream,
    users: Vec<User>,
    /// The number of the last key.
    keys: u64,
    messages: u32,
    day: Day,
}

impl fmt::Debug for Endurance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endurance")
            .field("day", &self.day.number)
            .field("time", &self.world.now())
            .finish_non_exhaustive()
    }
}

impl Endurance {
    /// Creates the world of a seed, in which every user is signing in. If there are HTTP faults, some
    /// event pages are malformed, and no links are forged, since each would end a session.
    pub fn new(seed: u64, network: NetworkProfile, http_faults: HttpFaults) -> Self {
        let conditions = Conditions {
            network,
            malformed_pages: !http_faults.is_none(),
            http_faults: HttpFaults {
                forged_links: 0,
                ..http_faults
            },
            token_life: None,
            wall_clocks: true,
            date_headers: true,
            clock_offsets: Vec::new(),
        };
        let mut endurance = Self {
            world: World::new(seed, conditions, scenario::users(), false),
            random: RandomStream::new(seed, stream::ENDURANCE),
            users: Vec::new(),
            keys: 0,
            messages: 0,
            day: Day::default(),
        };
        for (user, (address, _)) in USERS.iter().take(4).enumerate() {
            let endpoint = endurance.sign_in(user, address);
            endurance.users.push(User {
                address,
                endpoint,
                invited: None,
            });
        }
        endurance
    }

    /// Runs the next day, from midnight to midnight. At its end every session is idle.
    pub fn run_day(&mut self) -> Day {
        self.day = Day {
            number: self.day.number + 1,
            ..Day::default()
        };
        let midnight = self.world.now();
        for hour in 0..24 {
            self.run_until(midnight + hour * HOUR);
            if OFFICE_HOURS.contains(&hour) {
                self.act(hour);
            }
            match hour {
                12 => {
                    let user = self.random.index(self.users.len());
                    if let Some(user) = self.users.get(user) {
                        self.world.replace_poll(user.endpoint);
                    }
                }
                14 => self.world.cut_connections(),
                22 => self.restart_server(),
                _ => {}
            }
        }
        self.run_until(midnight + 24 * HOUR);
        self.wait(|it| it.is_idle());
        self.finish_day();
        self.day.clone()
    }

    /// Ends the world and returns its sessions and the server.
    pub fn into_final_state(self) -> FinalState {
        let endpoints: Vec<_> = self.users.iter().map(|user| user.endpoint).collect();
        let (mut sessions, server) = self.world.into_sessions();
        let sessions = endpoints.iter().filter_map(|id| sessions.remove(id));
        FinalState {
            sessions: sessions.collect(),
            server,
        }
    }

    /// The actions of one office hour.
    fn act(&mut self, hour: u32) {
        for _ in 0..CHATS_PER_HOUR {
            let peer = 1 + self.random.index(self.users.len() - 1);
            match self.random.chance(700) {
                true => self.chat(0, peer),
                false => self.chat(peer, 0),
            }
            let pause = Duration::from_secs(1)..Duration::from_secs(600);
            let pause = self.random.duration(&pause);
            self.run_until(self.world.now() + pause);
        }
        if CONFERENCE_HOURS.contains(&hour) {
            self.hold_conference();
        }
        let user = self.random.index(self.users.len());
        let status = match self.random.chance(500) {
            true => PersonStatus::Busy,
            false => PersonStatus::Online,
        };
        self.submit(user, Operation::SetMe(MeChange::Status(status)));
        let query = "contoso".to_owned();
        self.submit(0, Operation::SearchPeople { query, limit: 5 });
    }

    /// A one-to-one chat, from its first message until both users have removed it.
    fn chat(&mut self, inviter: usize, invitee: usize) {
        let Some(conversation) = self.open(inviter, invitee) else {
            return;
        };
        self.send(inviter, conversation);
        self.wait(|it| {
            let answered = it.users.get(invitee).and_then(|user| user.invited);
            it.is_chatting(inviter, conversation)
                && answered.is_some_and(|key| it.is_chatting(invitee, key))
        });
        let answered = self.users.get(invitee).and_then(|user| user.invited);
        for _ in 0..MESSAGES {
            self.send(inviter, conversation);
            if let Some(answered) = answered {
                self.submit(invitee, Operation::SendIsTyping(answered));
                self.send(invitee, answered);
            }
        }
        self.wait(Self::is_settled);
        self.submit(inviter, Operation::Leave(conversation));
        self.wait(|it| it.is_settled() && it.are_conversations_ended());
        self.remove_conversations();
    }

    /// A chat to which the others are added, which makes it a conference.
    fn hold_conference(&mut self) {
        let Some(conversation) = self.open(0, 1) else {
            return;
        };
        self.send(0, conversation);
        self.wait(|it| it.is_chatting(0, conversation));
        for user in 2..self.users.len() {
            let Some(uri) = self.users.get(user).map(|it| format!("sip:{}", it.address)) else {
                continue;
            };
            let participant = ParticipantKey::Local(self.next_key());
            let operation = Operation::AddParticipant {
                conversation,
                participant,
                uri,
            };
            self.submit(0, operation);
        }
        self.wait(Self::is_settled);
        for user in 0..self.users.len() {
            let invited = self.users.get(user).and_then(|it| it.invited);
            let key = if user == 0 {
                Some(conversation)
            } else {
                invited
            };
            if let Some(key) = key.filter(|key| self.is_chatting(user, *key)) {
                self.send(user, key);
            }
        }
        self.wait(Self::is_settled);
        for user in 0..self.users.len() {
            let Some(endpoint) = self.users.get(user).map(|it| it.endpoint) else {
                continue;
            };
            let live: Vec<_> = self
                .world
                .endpoint(endpoint)
                .into_iter()
                .flat_map(|it| &it.conversations)
                .filter(|(_, view)| view.live)
                .map(|(key, _)| *key)
                .collect();
            for key in live {
                self.submit(user, Operation::Leave(key));
            }
        }
        self.wait(|it| it.is_settled() && it.are_conversations_ended());
        self.remove_conversations();
    }

    fn open(&mut self, inviter: usize, peer: usize) -> Option<ConversationKey> {
        for user in &mut self.users {
            user.invited = None;
        }
        let peer = format!("sip:{}", self.users.get(peer)?.address);
        let conversation = ConversationKey::Local(self.next_key());
        let participant = ParticipantKey::Local(self.next_key());
        let operation = Operation::OpenConversation {
            conversation,
            participant,
            peer,
        };
        self.submit(inviter, operation);
        Some(conversation)
    }

    fn send(&mut self, sender: usize, conversation: ConversationKey) {
        let message = MessageId(self.messages);
        self.messages += 1;
        self.day.messages += 1;
        let operation = Operation::SendMessage {
            conversation,
            message: message.key(),
            body: message.body(),
            subject: None,
            message_id: None,
        };
        self.submit(sender, operation);
    }

    /// Removes every conversation that has ended, at every user.
    fn remove_conversations(&mut self) {
        for user in 0..self.users.len() {
            let Some(endpoint) = self.users.get(user).map(|it| it.endpoint) else {
                continue;
            };
            let Some(record) = self.world.endpoint_mut(endpoint) else {
                continue;
            };
            let conversations = std::mem::take(&mut record.conversations);
            let (live, ended): (BTreeMap<_, _>, BTreeMap<_, _>) =
                (conversations.into_iter()).partition(|(_, view)| view.live);
            record.conversations = live;
            self.day.conversations += ended.len() as u64;
            for conversation in ended.into_keys() {
                self.submit(user, Operation::ForgetConversation(conversation));
            }
        }
    }

    fn restart_server(&mut self) {
        self.world.inject(Fault::ExpireTokens);
        for (address, _) in USERS {
            let user = address.to_owned();
            self.world.inject(Fault::DropApplications { user });
        }
        self.world.cut_connections();
    }

    fn sign_in(&mut self, user: usize, address: &str) -> EndpointId {
        let wall = self.world.session_wall_at_epoch(user);
        let config = SessionConfig::new(Root::Domain, self.random.seed(), wall);
        let (name, _) = address.split_once('@').unwrap_or_default();
        let endpoint = self.world.add_endpoint(name, user, Session::new(config));
        let credentials = Credentials::Password {
            sip_uri: format!("sip:{address}"),
            user_name: None,
            password: SecretString::from(PASSWORD),
        };
        self.world.submit(endpoint, Operation::SignIn(credentials));
        for (other, _) in USERS.iter().filter(|(other, _)| *other != address) {
            let operation = Operation::FollowPerson {
                address: format!("sip:{other}"),
                field: PersonField::Status,
                interest: Interest::Live,
            };
            self.world.submit(endpoint, operation);
        }
        endpoint
    }

    fn submit(&mut self, user: usize, operation: Operation) {
        if let Some(user) = self.users.get(user) {
            self.world.submit(user.endpoint, operation);
        }
    }

    fn next_key(&mut self) -> u64 {
        self.keys += 1;
        self.keys
    }

    /// Advances the time to `at`.
    fn run_until(&mut self, at: Duration) {
        self.process_events();
        while self.world.step(at) {
            self.process_events();
        }
    }

    /// Advances the time until a condition is met, for [`WAIT_LIMIT`] at most.
    fn wait(&mut self, condition: impl Fn(&Self) -> bool) {
        let end = self.world.now() + WAIT_LIMIT;
        self.process_events();
        while !condition(self) && self.world.step(end) {
            self.process_events();
        }
    }

    /// Lets the users react to the events of their sessions: they accept every invitation, and sign in again when their
    /// session has ended.
    fn process_events(&mut self) {
        for user in 0..self.users.len() {
            while let Some(event) = self
                .users
                .get(user)
                .and_then(|it| self.world.endpoint_mut(it.endpoint))
                .and_then(|endpoint| endpoint.unread_events.pop_front())
            {
                self.on_event(user, &event);
            }
        }
    }

    fn on_event(&mut self, user: usize, event: &SessionEvent) {
        match event {
            SessionEvent::SignIn {
                state: SignInState::SignedOut,
                ..
            } => {
                self.day.sign_ins += 1;
                let address = self.users.get(user).map(|it| it.address);
                let endpoint = address.map(|address| self.sign_in(user, address));
                if let Some((record, endpoint)) = self.users.get_mut(user).zip(endpoint) {
                    record.endpoint = endpoint;
                }
            }
            SessionEvent::Incoming {
                conversation,
                answerable,
                ..
            } => {
                if let Some(record) = self.users.get_mut(user) {
                    record.invited = Some(*conversation);
                }
                if *answerable {
                    self.submit(user, Operation::Accept(*conversation));
                }
            }
            SessionEvent::Conversation {
                conversation,
                change: ConversationChange::ChatOffered,
                ..
            } => self.submit(user, Operation::Accept(*conversation)),
            _ => {}
        }
    }

    /// Counts the day's results, and drops the records of ended exchanges and operations.
    fn finish_day(&mut self) {
        for user in &self.users {
            if let Some(endpoint) = self.world.endpoint_mut(user.endpoint) {
                let delivery_results = std::mem::take(&mut endpoint.delivery_results);
                let delivered = delivery_results
                    .values()
                    .filter(|it| **it == MessageStatus::Succeeded);
                self.day.delivered += delivered.count() as u64;
            }
        }
        self.day.violations = std::mem::take(&mut self.world.violations);
        self.world.drop_ended();
    }

    fn is_chatting(&self, user: usize, conversation: ConversationKey) -> bool {
        let endpoint = self.users.get(user).map(|it| it.endpoint);
        endpoint.is_some_and(|endpoint| self.world.is_chatting(endpoint, conversation))
    }

    fn is_settled(&self) -> bool {
        let mut endpoints = self
            .users
            .iter()
            .filter_map(|it| self.world.endpoint(it.endpoint));
        endpoints.all(crate::endpoint::Endpoint::is_settled)
    }

    /// Whether every conversation has ended.
    fn are_conversations_ended(&self) -> bool {
        let mut endpoints = self
            .users
            .iter()
            .filter_map(|it| self.world.endpoint(it.endpoint));
        endpoints.all(|it| it.conversations.values().all(|view| !view.live))
    }

    fn is_idle(&self) -> bool {
        let mut endpoints = self
            .users
            .iter()
            .filter_map(|it| self.world.endpoint(it.endpoint));
        endpoints.all(|it| {
            let workload = it.session.workload();
            workload.is_quiet() && workload.polls == 1
        })
    }
}
