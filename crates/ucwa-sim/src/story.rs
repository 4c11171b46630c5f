//! The stories that are played: people sign in, chat, leave, begin again, leave again, sign out.
//!
//! They behave like people: they think before they act, write several messages without waiting, accept what rings, try
//! again what did not work, and sign in again when they were thrown out. In fair weather everything works at once, and
//! the story says so when it does not.

mod company;
mod mishaps;

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use secrecy::SecretString;
use ucwa_proto::Representation;
use ucwa_server::{Fault, User};
use ucwa_session::{
    ConversationKey, Credentials, Operation, ParticipantKey, Root, SessionConfig, SessionEvent,
    SignInState, Ticket,
};

use crate::breach::{Breach, Rule};
use crate::dice::Dice;
use crate::endpoint::EndpointId;
use crate::mishaps::{Mishaps, Outage};
use crate::run::Kind;
use crate::saying::SayingId;
use crate::world::{Site, World};

/// How many things may happen in one run before it counts as endless.
const MAX_STEPS: u64 = 100_000;
/// How often somebody tries what does not work.
const MAX_ATTEMPTS: u32 = 8;

const PASSWORD: &str = "pass@word1";
const PEOPLE: [(&str, &str); 5] = [
    ("toshm@contoso.com", "Tosh Meston"),
    ("lenea@contoso.com", "Lene Aaling"),
    ("alexd@contoso.com", "Alex Darrow"),
    ("danab@contoso.com", "Dana Birkby"),
    ("sarad@contoso.com", "Sara Davis"),
];

/// The accounts that the story needs.
pub(crate) fn users() -> Vec<User> {
    PEOPLE
        .iter()
        .filter_map(|(address, name)| User::new(address, *name, PASSWORD).ok())
        .collect()
}

/// What is given about a story; the rest is chance.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// How much of the world there is.
    pub(crate) kind: Kind,
    /// Nothing gets lost on the way, so everything has to succeed.
    pub(crate) fair: bool,
    /// How many endpoints there are.
    pub(crate) people: usize,
    /// How many messages are written in each of the two chats, besides the first ones.
    pub(crate) messages: u32,
    /// What everybody speaks, or each what chance says.
    pub(crate) representation: Option<Representation>,
    /// What befalls the world besides.
    pub(crate) mishaps: Mishaps,
}

/// Who says what, and where.
#[derive(Clone, Debug)]
pub(crate) struct Saying {
    pub(crate) id: SayingId,
    pub(crate) speaker: usize,
    pub(crate) endpoint: EndpointId,
    pub(crate) ticket: Ticket,
    /// The endpoints that were in the chat when it was said.
    pub(crate) audience: Vec<EndpointId>,
}

struct Person {
    address: &'static str,
    /// Somebody at a second endpoint.
    is_twin: bool,
    /// The endpoints it signed in with; the last is the present one.
    endpoints: Vec<EndpointId>,
    representation: Representation,
    endpoint_id: Option<String>,
    /// The conversation it writes in, and the endpoint that has it.
    conversation: Option<(EndpointId, ConversationKey)>,
}

impl Person {
    /// The conversation that it writes in, if its session is still there.
    fn conversation(&self) -> Option<(EndpointId, ConversationKey)> {
        self.conversation
            .filter(|(endpoint, _)| self.endpoints.last() == Some(endpoint))
    }
}

/// Something that somebody is about to do.
#[derive(Debug)]
enum Intent {
    SignIn(usize),
    Answer(EndpointId, ConversationKey),
    Misbehave(Fault),
    /// The server is restarted.
    Restart,
    /// Somebody's pending GET is taken over.
    Intrude(usize),
    /// The server is restarted, and stays away for a while.
    GoDown(Outage),
}

/// A story under way.
pub(crate) struct Story<'w> {
    world: &'w mut World,
    plan: Plan,
    dice: Dice,
    people: Vec<Person>,
    agenda: BTreeMap<(Duration, u64), Intent>,
    intended: u64,
    sayings: Vec<Saying>,
    /// How many were added to conversations.
    added: u64,
    /// The end has begun: whoever is thrown out now stays out.
    ending: bool,
}

impl<'w> Story<'w> {
    pub(crate) fn new(world: &'w mut World, plan: Plan, seed: u64) -> Self {
        let mut dice = Dice::new(seed, 2);
        // Of many, the last may be somebody at a second endpoint.
        let twin = (plan.people > 3 && dice.chance(400)).then(|| {
            let earlier = u64::try_from(plan.people - 1).unwrap_or(1);
            usize::try_from(dice.below(earlier)).unwrap_or(0)
        });
        let people = (0..plan.people)
            .map(|person| match twin {
                Some(twin) if person + 1 == plan.people => twin,
                _ => person,
            })
            .filter_map(|person| PEOPLE.get(person))
            .enumerate()
            .map(|(person, (address, _))| Person {
                address,
                is_twin: twin.is_some() && person + 1 == plan.people,
                endpoints: Vec::new(),
                representation: plan
                    .representation
                    .unwrap_or_else(|| match dice.chance(500) {
                        true => Representation::Json,
                        false => Representation::Xml,
                    }),
                endpoint_id: dice
                    .chance(500)
                    .then(|| format!("endpoint {person} of {address}")),
                conversation: None,
            })
            .collect();
        Self {
            world,
            plan,
            dice,
            people,
            agenda: BTreeMap::new(),
            intended: 0,
            sayings: Vec::new(),
            added: 0,
            ending: false,
        }
    }

    /// Plays it to its end and tells what was said.
    pub(crate) fn play(mut self) -> Vec<Saying> {
        self.arrange();
        for person in 0..self.people.len() {
            self.intend(&millis(0..3_000), Intent::SignIn(person));
        }
        self.expect("everybody signs in", |story| {
            (0..story.people.len()).all(|person| story.is_in(person))
        });
        self.plan_faults();
        if self.people.len() > 2 {
            self.gather_and_part();
        } else {
            self.chat_twice();
        }
        self.sign_out();
        self.sayings
    }

    fn chat_twice(&mut self) {
        self.chat(0);
        let leaver = self.anybody();
        self.leave(leaver);
        let beginner = self.anybody();
        self.chat(beginner);
        let leaver = self.anybody();
        self.leave(leaver);
    }

    /// What is peculiar about this world.
    fn arrange(&mut self) {
        // The internal discovery host has priority; outside of the enterprise nobody, or anybody, may answer for it.
        match self.dice.below(4) {
            0 => self
                .world
                .put_site("lyncdiscoverinternal.contoso.com", Site::Server),
            1 => self
                .world
                .put_site("lyncdiscoverinternal.contoso.com", Site::Impostor),
            _ => {}
        }
        for fault in [Fault::AggregateEvents, Fault::EventsBeforeResponses] {
            if self.dice.chance(250) {
                self.world.inject(fault);
            }
        }
    }

    /// Lets the server do what servers do, later in the story.
    fn plan_faults(&mut self) {
        if self.dice.chance(300) {
            self.intend(&millis(0..60_000), Intent::Misbehave(Fault::ExpireTokens));
        }
        if self.plan.kind != Kind::Pair {
            self.plan_more_faults();
        }
        self.plan_mishaps();
        for _ in 0..self.dice.below(3) {
            let user = self.anybody_by_address();
            let fault = match self.dice.below(if self.plan.fair { 2 } else { 4 }) {
                0 => Fault::Resume { user },
                1 => Fault::Resync { user },
                2 => Fault::DropMessaging { user },
                _ => Fault::DropApplications { user },
            };
            self.intend(&millis(0..60_000), Intent::Misbehave(fault));
        }
    }

    /// What servers do less often: tokens expire again and again, the server is restarted, an application is ended.
    fn plan_more_faults(&mut self) {
        // A request that is refused twice on its way has failed, so in fair weather they do not expire in one breath.
        let gap = if self.plan.fair { 60_000 } else { 10_000 };
        for turn in 1..=self.dice.below(4) {
            let at = turn * 2 * gap;
            self.intend(
                &millis(at..at + gap),
                Intent::Misbehave(Fault::ExpireTokens),
            );
        }
        if !self.plan.fair && self.dice.chance(200) {
            self.intend(&millis(0..60_000), Intent::Restart);
        }
        if self.plan.people > 2 && !self.plan.fair {
            for _ in 0..self.dice.below(3) {
                let person = self.anybody();
                self.intend(&millis(0..120_000), Intent::Intrude(person));
            }
        }
        if !self.plan.fair && self.dice.chance(100) {
            let user = self.anybody_by_address();
            let fault = Fault::ExpireApplications { user };
            self.intend(&millis(0..60_000), Intent::Misbehave(fault));
        }
    }

    /// One chat, from the first message until everything that was written has its verdict.
    fn chat(&mut self, beginner: usize) {
        let answerer = self.other(beginner);
        for _ in 0..MAX_ATTEMPTS {
            self.say(beginner);
            let up = self.expect("the chat comes up", |story| {
                story.is_chatting(beginner) && story.is_chatting(answerer)
                    || !story.plan.fair && story.is_settled()
            });
            if !up || self.is_chatting(beginner) && self.is_chatting(answerer) {
                break;
            }
            self.pause(&millis(100..5_000));
        }
        self.say(answerer);
        for _ in 0..self.plan.messages {
            let speaker = self.anybody();
            if self.dice.chance(200) {
                self.type_something(speaker);
            }
            self.say(speaker);
            if self.dice.chance(500) {
                self.pause(&millis(0..4_000));
            }
        }
        if self.is_patient() {
            self.expect("every message gets its verdict", Self::is_settled);
        }
    }

    fn leave(&mut self, leaver: usize) {
        for _ in 0..MAX_ATTEMPTS {
            let Some((endpoint, conversation)) = self.talk(leaver) else {
                return;
            };
            self.world.submit(endpoint, Operation::Leave(conversation));
            self.expect("the leave completes", Self::is_settled);
            if !self.world.seen(endpoint, conversation).live {
                break;
            }
            self.pause(&millis(100..5_000));
        }
        if self.is_patient() {
            self.expect("both sides see the end", |story| {
                story.people.iter().all(|person| {
                    person
                        .conversation
                        .is_none_or(|(endpoint, key)| !story.world.seen(endpoint, key).live)
                })
            });
        }
    }

    fn sign_out(&mut self) {
        self.ending = true;
        self.agenda.clear();
        if self.plan.mishaps.quiet_end {
            self.fall_quiet();
        }
        for person in 0..self.people.len() {
            if let Some(endpoint) = self.endpoint(person) {
                let closed = self.people.len() > 2 && self.dice.chance(200);
                if closed {
                    self.world.shut_down(endpoint);
                } else {
                    self.world.submit(endpoint, Operation::SignOut);
                }
            }
            if self.dice.chance(500) {
                self.pause(&millis(0..2_000));
            }
        }
        self.expect("everybody signs out", |story| {
            story.is_settled()
                && story
                    .world
                    .endpoints()
                    .all(|(_, endpoint)| endpoint.state == SignInState::SignedOut)
        });
        // Whatever is still under way comes to its end.
        let end = self.world.now() + Duration::from_secs(600);
        while !self.world.is_at_rest() && self.world.steps() <= MAX_STEPS && self.world.step(end) {}
    }

    // What people do.

    fn say(&mut self, speaker: usize) {
        let Some((endpoint, conversation)) = self.talk(speaker) else {
            return;
        };
        let id = SayingId(u32::try_from(self.sayings.len()).unwrap_or(u32::MAX));
        let operation = Operation::SendMessage {
            conversation,
            message: id.key(),
            body: id.body(),
            subject: None,
        };
        let audience = (0..self.people.len())
            .filter(|person| *person != speaker && self.is_chatting(*person))
            .filter_map(|person| self.endpoint(person))
            .collect();
        if let Some(ticket) = self.world.submit(endpoint, operation) {
            self.sayings.push(Saying {
                id,
                speaker,
                endpoint,
                ticket,
                audience,
            });
        }
    }

    fn type_something(&mut self, person: usize) {
        if self.is_chatting(person)
            && let Some((endpoint, conversation)) = self.talk(person)
        {
            self.world
                .submit(endpoint, Operation::SendIsTyping(conversation));
        }
    }

    /// The conversation that somebody writes in; one that ended with its session is opened anew.
    fn talk(&mut self, person: usize) -> Option<(EndpointId, ConversationKey)> {
        let peer = self.people.get(self.other(person))?.address;
        let record = self.people.get_mut(person)?;
        let endpoint = record.endpoints.last().copied()?;
        if let Some(conversation) = record.conversation() {
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

    fn carry_out(&mut self, intent: Intent) {
        match intent {
            Intent::SignIn(person) => self.sign_in(person),
            Intent::Answer(endpoint, conversation) => self.answer(endpoint, conversation),
            Intent::Misbehave(fault) => self.misbehave(fault),
            Intent::Restart => self.restart(),
            Intent::Intrude(person) => {
                if let Some(endpoint) = self.endpoint(person) {
                    self.world.intrude(endpoint);
                }
            }
            Intent::GoDown(outage) => self.go_down(outage),
        }
    }

    fn sign_in(&mut self, person: usize) {
        let seed = self.dice.seed();
        let root = match self.dice.chance(700) {
            true => Root::Domain,
            false => Root::Url("https://lyncdiscover.contoso.com/".to_owned()),
        };
        let Some(record) = self.people.get_mut(person) else {
            return;
        };
        let mut config = SessionConfig::new(root, seed, World::wall_at_epoch());
        config.representation = record.representation;
        config.endpoint_id.clone_from(&record.endpoint_id);
        config.html = self.dice.chance(800);
        let (name, _) = record.address.split_once('@').unwrap_or_default();
        let twin = if record.is_twin { "second." } else { "" };
        let name = format!("{name}.{twin}{}", record.endpoints.len());
        let endpoint = self.world.add_endpoint(name, person, config);
        record.endpoints.push(endpoint);
        let credentials = Credentials::Password {
            sip_uri: format!("sip:{}", record.address),
            user_name: None,
            password: SecretString::from(PASSWORD),
        };
        self.world.submit(endpoint, Operation::SignIn(credentials));
    }

    fn answer(&mut self, endpoint: EndpointId, conversation: ConversationKey) {
        let operation = if !self.plan.fair && self.dice.chance(80) {
            Operation::Decline(conversation)
        } else {
            Operation::Accept(conversation)
        };
        self.world.submit(endpoint, operation);
    }

    /// Takes notice of what the sessions tell.
    fn notice(&mut self) {
        for person in 0..self.people.len() {
            let Some(endpoint) = self.endpoint(person) else {
                continue;
            };
            while let Some(event) = self
                .world
                .endpoint_mut(endpoint)
                .and_then(|endpoint| endpoint.news.pop_front())
            {
                self.on_event(person, endpoint, &event);
            }
        }
    }

    fn on_event(&mut self, person: usize, endpoint: EndpointId, event: &SessionEvent) {
        match event {
            SessionEvent::SignIn {
                state: SignInState::SignedOut,
                failure,
            } if !self.ending => {
                if self.plan.fair {
                    let what = format!("somebody is thrown out: {failure:?}");
                    self.world
                        .breaches
                        .push(Breach::new(Rule::FairWeather, what));
                }
                self.intend(&millis(1_000..10_000), Intent::SignIn(person));
            }
            SessionEvent::Incoming {
                conversation,
                answerable,
                ..
            } => {
                if let Some(record) = self.people.get_mut(person) {
                    let busy = record.conversation.is_some_and(|(endpoint, conversation)| {
                        self.world.seen(endpoint, conversation).live
                    });
                    if !busy {
                        record.conversation = Some((endpoint, *conversation));
                    }
                }
                if *answerable {
                    let answer = Intent::Answer(endpoint, *conversation);
                    self.intend(&millis(0..4_000), answer);
                }
            }
            SessionEvent::Conversation {
                conversation,
                change: ucwa_session::ConversationChange::ChatOffered,
            } => {
                let answer = Intent::Answer(endpoint, *conversation);
                self.intend(&millis(0..4_000), answer);
            }
            _ => {}
        }
    }

    // Time.

    fn intend(&mut self, after: &Range<Duration>, intent: Intent) {
        let after = self.dice.time(after);
        self.intend_after(after, intent);
    }

    fn intend_after(&mut self, after: Duration, intent: Intent) {
        let at = self.world.now() + after;
        self.intended += 1;
        self.agenda.insert((at, self.intended), intent);
    }

    fn pause(&mut self, range: &Range<Duration>) {
        let pause = self.dice.time(range);
        self.wait(pause, |_| false);
    }

    /// Waits for something that has to come true in fair weather, and that people give up on in other weather.
    fn expect(&mut self, what: &str, condition: impl Fn(&Self) -> bool) -> bool {
        let limit = Duration::from_secs(if self.plan.fair { 120 } else { 400 });
        let met = self.wait(limit, condition);
        if !met && self.plan.fair {
            let what = format!("in vain: {what}");
            self.world
                .breaches
                .push(Breach::new(Rule::FairWeather, what));
        }
        met
    }

    /// Lets the world go on until the condition is met, for `limit` at most. Returns whether it is.
    fn wait(&mut self, limit: Duration, condition: impl Fn(&Self) -> bool) -> bool {
        let end = self.world.now() + limit;
        loop {
            self.notice();
            if condition(self) {
                return true;
            }
            if self.world.steps() > MAX_STEPS {
                if !self
                    .world
                    .breaches
                    .iter()
                    .any(|it| it.rule == Rule::Bounded)
                {
                    let what = format!("more than {MAX_STEPS} steps");
                    self.world.breaches.push(Breach::new(Rule::Bounded, what));
                }
                return false;
            }
            let intended = self.agenda.first_key_value().map(|((at, _), _)| *at);
            let until = intended.map_or(end, |at| at.min(end));
            if self.world.step(until) {
                continue;
            }
            match self.agenda.first_entry() {
                Some(entry) if entry.key().0 <= self.world.now() => {
                    let intent = entry.remove();
                    self.carry_out(intent);
                }
                _ => return false,
            }
        }
    }

    // How things stand.

    fn anybody(&mut self) -> usize {
        let bound = u64::try_from(self.people.len()).unwrap_or(1);
        usize::try_from(self.dice.below(bound)).unwrap_or(0)
    }

    fn anybody_by_address(&mut self) -> String {
        let person = self.anybody();
        let person = self.people.get(person);
        person.map_or_else(String::new, |person| person.address.to_owned())
    }

    /// Somebody else.
    fn other(&self, person: usize) -> usize {
        let address = |person: usize| self.people.get(person).map(|it| it.address);
        (0..self.people.len())
            .find(|other| address(*other) != address(person))
            .unwrap_or(person)
    }

    fn conversation_of(&self, person: usize) -> Option<(EndpointId, ConversationKey)> {
        self.people.get(person)?.conversation()
    }

    /// In bad weather people do not always wait.
    fn is_patient(&mut self) -> bool {
        self.plan.fair || self.dice.chance(850)
    }

    fn endpoint(&self, person: usize) -> Option<EndpointId> {
        self.people.get(person)?.endpoints.last().copied()
    }

    fn is_in(&self, person: usize) -> bool {
        self.endpoint(person)
            .and_then(|endpoint| self.world.endpoint(endpoint))
            .is_some_and(|endpoint| endpoint.state == SignInState::SignedIn)
    }

    fn is_chatting(&self, person: usize) -> bool {
        self.people
            .get(person)
            .and_then(|person| person.conversation)
            .is_some_and(|(endpoint, key)| self.world.seen(endpoint, key).chatting)
    }

    fn is_settled(&self) -> bool {
        self.world
            .endpoints()
            .all(|(_, endpoint)| endpoint.is_settled())
    }
}

fn millis(range: Range<u64>) -> Range<Duration> {
    Duration::from_millis(range.start)..Duration::from_millis(range.end)
}
