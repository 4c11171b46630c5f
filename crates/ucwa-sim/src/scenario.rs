//! The scenarios: actors sign in, chat, leave, chat again, leave again and sign out.
//!
//! Actors behave like users: they wait before they act, send several messages at once, accept invitations, retry failed
//! actions, and sign in again when their session ends. In an ideal world every action must succeed at the first attempt; a
//! failure there is a violation.

mod actors;
mod conference;
mod contacts;
mod faults;
mod handovers;
mod timeline;

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use ucwa_proto::Representation;
use ucwa_server::User;
use ucwa_session::{Operation, SignInState, Ticket};

use crate::endpoint::EndpointId;
use crate::fault_schedule::{DeviceFaults, FaultSchedule};
use crate::handover_schedule::Handover;
use crate::message::MessageId;
use crate::options::WorldSize;
use crate::random::{RandomStream, stream};
use crate::world::{Site, World};

use actors::Actor;
use timeline::Action;

/// How many events a run may process before it counts as endless.
const MAX_STEPS: u64 = 100_000;
/// The maximum number of attempts of an action that fails.
const MAX_ATTEMPTS: u32 = 8;

pub(crate) const PASSWORD: &str = "pass@word1";
pub(crate) const USERS: [(&str, &str); 5] = [
    ("toshm@contoso.com", "Tosh Meston"),
    ("lenea@contoso.com", "Lene Aaling"),
    ("alexd@contoso.com", "Alex Darrow"),
    ("danab@contoso.com", "Dana Birkby"),
    ("sarad@contoso.com", "Sara Davis"),
];

/// The accounts of all actors.
pub(crate) fn users() -> Vec<User> {
    USERS
        .iter()
        .filter_map(|(address, name)| User::new(address, *name, PASSWORD).ok())
        .collect()
}

/// The parameters of a scenario.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) size: WorldSize,
    /// No request or response is lost or refused, and no session is handed over, so every action must succeed.
    pub(crate) ideal: bool,
    /// No request or response is lost or refused.
    pub(crate) lossless: bool,
    /// Whether a fault lets all tokens expire at once.
    pub(crate) expires_tokens: bool,
    /// The number of actors.
    pub(crate) actors: usize,
    /// The number of messages in each of the two chats, besides the first ones.
    pub(crate) messages: u32,
    /// The encoding of all sessions; `None` for a random one for each.
    pub(crate) representation: Option<Representation>,
    pub(crate) faults: FaultSchedule,
    pub(crate) device_faults: DeviceFaults,
    pub(crate) handovers: Vec<Handover>,
}

/// A message that an actor sent.
#[derive(Clone, Debug)]
pub(crate) struct SentMessage {
    pub(crate) id: MessageId,
    pub(crate) endpoint: EndpointId,
    pub(crate) ticket: Ticket,
    /// The endpoints that were in the chat when the message was sent.
    pub(crate) audience: Vec<EndpointId>,
}

#[cfg(test)]
impl Plan {
    /// Two actors in a world without losses and faults.
    pub(crate) fn ideal(size: WorldSize) -> Self {
        Self {
            size,
            ideal: true,
            lossless: true,
            expires_tokens: true,
            actors: 2,
            messages: 5,
            representation: None,
            faults: FaultSchedule::default(),
            device_faults: DeviceFaults::default(),
            handovers: Vec::new(),
        }
    }
}

/// A scenario in progress.
pub(crate) struct Scenario<'w> {
    world: &'w mut World,
    plan: Plan,
    random: RandomStream,
    /// The changes of contact lists.
    contact_changes: RandomStream,
    actors: Vec<Actor>,
    /// The actions to come, by time and by the order in which they were scheduled.
    timeline: BTreeMap<(Duration, u64), Action>,
    scheduled_actions: u64,
    sent_messages: Vec<SentMessage>,
    /// How many participants were added to conversations.
    added_participants: u64,
    /// The actors are signing out: an actor whose session ends now does not sign in again.
    ending: bool,
}

impl<'w> Scenario<'w> {
    pub(crate) fn new(world: &'w mut World, plan: Plan, seed: u64) -> Self {
        let mut random = RandomStream::new(seed, stream::SCENARIO);
        let actors = Actor::all(&plan, &mut random);
        Self {
            world,
            plan,
            random,
            contact_changes: RandomStream::new(seed, stream::CONTACT_LISTS),
            actors,
            timeline: BTreeMap::new(),
            scheduled_actions: 0,
            sent_messages: Vec::new(),
            added_participants: 0,
            ending: false,
        }
    }

    /// Runs the scenario to its end. Returns the messages that were sent.
    pub(crate) fn play(mut self) -> Vec<SentMessage> {
        self.set_up_sites();
        self.inject_permanent_faults();
        for actor in 0..self.actors.len() {
            self.schedule_within(&millis(0..3_000), Action::SignIn(actor));
        }
        self.expect("every actor signs in", |scenario| {
            (0..scenario.actors.len()).all(|actor| scenario.is_signed_in(actor))
        });
        self.schedule_faults();
        if self.has_contact_lists() {
            self.schedule_contact_changes();
        }
        if self.actors.len() > 2 {
            self.hold_conference();
        } else {
            self.chat_twice();
        }
        if !self.plan.device_faults.suspends.is_empty() {
            self.chat_after_suspends();
        }
        self.sign_out();
        self.sent_messages
    }

    fn chat_twice(&mut self) {
        self.chat(0);
        let leaver = self.random_actor();
        self.leave(leaver);
        let inviter = self.random_actor();
        self.chat(inviter);
        let leaver = self.random_actor();
        self.leave(leaver);
    }

    /// Sets the site behind the internal discovery host. The client prefers that host, and outside of the enterprise an
    /// attacker can answer for it.
    fn set_up_sites(&mut self) {
        match self.random.below(4) {
            0 => self
                .world
                .add_site("lyncdiscoverinternal.contoso.com", Site::Server),
            1 => self
                .world
                .add_site("lyncdiscoverinternal.contoso.com", Site::Attacker),
            _ => {}
        }
    }

    /// A chat of two actors, from the first message until every message has its delivery result.
    fn chat(&mut self, inviter: usize) {
        let invitee = self.peer_of(inviter);
        for _ in 0..MAX_ATTEMPTS {
            self.send_message(inviter);
            let connected = self.expect("the chat connects", |scenario| {
                scenario.is_chatting(inviter) && scenario.is_chatting(invitee)
                    || !scenario.plan.ideal && scenario.is_settled()
            });
            if !connected || self.is_chatting(inviter) && self.is_chatting(invitee) {
                break;
            }
            self.pause(&millis(100..5_000));
        }
        self.send_message(invitee);
        for _ in 0..self.plan.messages {
            let sender = self.random_actor();
            if self.random.chance(200) {
                self.send_typing(sender);
            }
            self.send_message(sender);
            if self.random.chance(500) {
                self.pause(&millis(0..4_000));
            }
        }
        if self.waits_for_results() {
            self.expect("every message gets its delivery result", Self::is_settled);
        }
    }

    /// Lets every actor send a message once no device is suspended and the sessions have had time to reconnect.
    fn chat_after_suspends(&mut self) {
        self.await_resumed_devices();
        self.wait(Duration::from_secs(60), |_| false);
        for actor in 0..self.actors.len() {
            self.send_message(actor);
        }
        self.expect("every message gets its delivery result", Self::is_settled);
    }

    fn leave(&mut self, leaver: usize) {
        for _ in 0..MAX_ATTEMPTS {
            let Some((endpoint, conversation)) = self.open_conversation(leaver) else {
                return;
            };
            self.world.submit(endpoint, Operation::Leave(conversation));
            self.expect("the leave completes", Self::is_settled);
            if !self.world.is_live(endpoint, conversation) {
                break;
            }
            self.pause(&millis(100..5_000));
        }
        if self.waits_for_results() {
            self.expect("both actors see the end", |scenario| {
                scenario.actors.iter().all(|actor| {
                    actor
                        .conversation
                        .is_none_or(|(endpoint, key)| !scenario.world.is_live(endpoint, key))
                })
            });
        }
    }

    fn sign_out(&mut self) {
        self.ending = true;
        self.await_handovers();
        self.timeline.clear();
        self.await_resumed_devices();
        if self.has_contact_lists() {
            self.compare_contacts();
        }
        if self.plan.faults.idle_end {
            self.await_idle_sessions();
        }
        for actor in 0..self.actors.len() {
            if let Some(endpoint) = self.endpoint(actor) {
                let shuts_down = self.actors.len() > 2 && self.random.chance(200);
                if shuts_down {
                    self.world.shut_down(endpoint);
                } else {
                    self.world.submit(endpoint, Operation::SignOut);
                }
            }
            if self.random.chance(500) {
                self.pause(&millis(0..2_000));
            }
        }
        self.expect("every actor signs out", |scenario| {
            scenario.is_settled()
                && scenario
                    .world
                    .endpoints()
                    .all(|(_, endpoint)| endpoint.state == SignInState::SignedOut)
        });
        // The exchanges that are still open end.
        let end = self.world.now() + Duration::from_secs(600);
        while !self.world.is_idle() && self.world.steps() <= MAX_STEPS && self.world.step(end) {}
    }
}

fn millis(range: Range<u64>) -> Range<Duration> {
    Duration::from_millis(range.start)..Duration::from_millis(range.end)
}
