//! The scenario with more than two actors: two start a chat, add the others, which makes it a conference, all send messages,
//! and leave one after the other. They also follow each other's presence.

use std::time::Duration;

use ucwa_session::{
    Interest, MeChange, Operation, ParticipantKey, PersonField, PersonStatus, SignInState,
};

use super::{MAX_ATTEMPTS, Scenario, millis};
use crate::violation::{Invariant, Violation};

/// The availabilities that actors set.
const STATUSES: [PersonStatus; 3] = [
    PersonStatus::Busy,
    PersonStatus::DoNotDisturb,
    PersonStatus::BeRightBack,
];

impl Scenario<'_> {
    pub(super) fn hold_conference(&mut self) {
        self.follow_presence();
        let host = self.random_actor();
        let as_conference = self.random.chance(300);
        if as_conference {
            // Participants who are added before the chat begins make it a conference from the start.
            self.open_conversation(host);
            self.add_missing(
                host,
                self.actors.get(self.peer_of(host)).map(|it| it.address),
            );
        }
        self.connect_all(host, as_conference);
        for _ in 0..self.plan.messages {
            let sender = self.random_actor();
            if self.random.chance(200) {
                self.send_typing(sender);
            }
            if self.is_chatting(sender) {
                self.send_message(sender);
            }
            if self.random.chance(500) {
                self.pause(&millis(0..4_000));
            }
        }
        if self.waits_for_results() {
            self.expect("every message gets its delivery result", Self::is_settled);
        }
        self.change_presence();
        self.leave_one_by_one();
    }

    /// Connects the chat of two actors, and then the others.
    fn connect_all(&mut self, host: usize, as_conference: bool) {
        for _ in 0..MAX_ATTEMPTS {
            self.send_message(host);
            let connected = self.expect("the chat connects", |scenario| {
                let missing = scenario.missing(host);
                let peer = scenario
                    .actors
                    .get(scenario.peer_of(host))
                    .map(|it| it.address);
                let have_joined = match as_conference {
                    true => missing.is_empty(),
                    false => !missing.iter().any(|address| Some(*address) == peer),
                };
                scenario.is_chatting(host) && have_joined
                    || !scenario.plan.ideal && scenario.is_settled()
            });
            if !connected || self.is_chatting(host) {
                break;
            }
            self.pause(&millis(100..5_000));
        }
        for _ in 0..MAX_ATTEMPTS {
            if !self.is_chatting(host) || self.missing(host).is_empty() {
                break;
            }
            self.add_missing(host, None);
            let joined = self.expect("the others join", |scenario| {
                scenario.missing(host).is_empty() || !scenario.plan.ideal && scenario.is_settled()
            });
            if !joined {
                break;
            }
            self.pause(&millis(100..5_000));
        }
        if self.plan.ideal {
            self.expect("every addition completes", Self::is_settled);
            // The chat disconnects and reconnects while it becomes a conference. A message sent in the meantime fails.
            self.wait(Duration::from_secs(60), |_| false);
            self.expect("every actor chats", |scenario| {
                scenario.missing(host).is_empty()
            });
        }
    }

    /// Adds the users who are missing, except `first`.
    fn add_missing(&mut self, host: usize, first: Option<&'static str>) {
        for address in self.missing(host) {
            if Some(address) == first {
                continue;
            }
            let Some((endpoint, conversation)) = self.open_conversation(host) else {
                return;
            };
            self.added_participants += 1;
            let operation = Operation::AddParticipant {
                conversation,
                participant: ParticipantKey::Local(1_000 + self.added_participants),
                uri: format!("sip:{address}"),
            };
            self.world.submit(endpoint, operation);
            if self.random.chance(300) {
                self.pause(&millis(0..2_000));
            }
        }
    }

    /// The addresses of the users who are not in the chat at any device.
    fn missing(&self, host: usize) -> Vec<&'static str> {
        let address = |actor: usize| self.actors.get(actor).map(|actor| actor.address);
        let present: Vec<_> = (0..self.actors.len())
            .filter(|actor| *actor == host || self.is_chatting(*actor))
            .filter_map(address)
            .collect();
        let mut missing: Vec<_> = (0..self.actors.len())
            .filter_map(address)
            .filter(|address| !present.contains(address))
            .collect();
        missing.dedup();
        missing
    }

    /// Lets the actors leave one after the other. Some send a last message first.
    fn leave_one_by_one(&mut self) {
        let first = self.random_actor();
        for turn in 0..self.actors.len() {
            let leaver = (first + turn) % self.actors.len();
            if self.is_chatting(leaver) && self.random.chance(300) {
                self.send_message(leaver);
                self.expect(
                    "the last message gets its delivery result",
                    Self::is_settled,
                );
            }
            self.leave_conference(leaver);
            if self.random.chance(300) {
                self.pause(&millis(0..3_000));
            }
        }
    }

    fn leave_conference(&mut self, leaver: usize) {
        for _ in 0..MAX_ATTEMPTS {
            let Some((endpoint, conversation)) = self.conversation_of(leaver) else {
                return;
            };
            if !self.world.is_live(endpoint, conversation) {
                return;
            }
            self.world.submit(endpoint, Operation::Leave(conversation));
            self.expect("the leave completes", Self::is_settled);
            self.pause(&millis(100..5_000));
        }
    }

    /// Lets every actor follow the presence of the others, read some fields of persons and search.
    fn follow_presence(&mut self) {
        for actor in 0..self.actors.len() {
            let Some(endpoint) = self.endpoint(actor) else {
                continue;
            };
            for other in 0..self.actors.len() {
                let Some(address) = self.actors.get(other).map(|other| other.address) else {
                    continue;
                };
                let address = format!("sip:{address}");
                if other != actor {
                    let operation = Operation::FollowPerson {
                        address: address.clone(),
                        field: PersonField::Status,
                        interest: Interest::Live,
                    };
                    self.world.submit(endpoint, operation);
                }
                if self.random.chance(300) {
                    let field = match self.random.chance(500) {
                        true => PersonField::Note,
                        false => PersonField::Emails,
                    };
                    let operation = Operation::FetchPerson { address, field };
                    self.world.submit(endpoint, operation);
                }
            }
            if self.random.chance(300) {
                let query = "contoso".to_owned();
                let operation = Operation::SearchPeople { query, limit: 3 };
                self.world.submit(endpoint, operation);
            }
        }
    }

    /// Lets some actors change their availability. In an ideal world every follower must get the new availability.
    fn change_presence(&mut self) {
        let mut changed = Vec::new();
        for actor in 0..self.actors.len() {
            let (Some(endpoint), true) = (self.endpoint(actor), self.random.chance(500)) else {
                continue;
            };
            let Some(address) = self.actors.get(actor).map(|actor| actor.address) else {
                continue;
            };
            // The order of changes by two devices of one user is undefined.
            let single_device = self
                .actors
                .iter()
                .filter(|it| it.address == address)
                .count()
                == 1;
            let index = self.random.index(STATUSES.len());
            if let Some(status) = STATUSES.get(index).filter(|_| single_device) {
                self.world
                    .submit(endpoint, Operation::SetMe(MeChange::Status(*status)));
                changed.push((actor, format!("sip:{address}"), *status));
            }
        }
        self.expect("every change of presence completes", Self::is_settled);
        if !self.plan.ideal {
            return;
        }
        // The server may delay presence events, which have medium priority.
        self.wait(Duration::from_secs(60), |_| false);
        let mut stale = Vec::new();
        for (_, endpoint) in self.world.endpoints() {
            for (actor, uri, status) in &changed {
                let known = endpoint.statuses.get(uri);
                // The followed persons of a session are not handed over.
                if endpoint.owner != *actor
                    && endpoint.predecessor.is_none()
                    && endpoint.successor.is_none()
                    && endpoint.state == SignInState::SignedIn
                    && known != Some(status)
                {
                    stale.push(format!(
                        "{} has the status {known:?} of {uri}",
                        endpoint.name
                    ));
                }
            }
        }
        for detail in stale {
            self.world
                .violations
                .push(Violation::new(Invariant::PresenceCurrent, detail));
        }
    }
}
