//! The story of several: two begin to chat, others are added and make it a conference, all say something, and they leave
//! one after the other. Meanwhile they take an interest in each other.

use std::time::Duration;

use ucwa_session::{
    Interest, MeChange, Operation, ParticipantKey, PersonField, PersonStatus, SignInState,
};

use super::{MAX_ATTEMPTS, Story, millis};
use crate::breach::{Breach, Rule};

/// What people show of themselves.
const STATUSES: [PersonStatus; 3] = [
    PersonStatus::Busy,
    PersonStatus::DoNotDisturb,
    PersonStatus::BeRightBack,
];

impl Story<'_> {
    pub(super) fn gather_and_part(&mut self) {
        self.get_acquainted();
        let host = self.anybody();
        let at_once = self.dice.chance(300);
        if at_once {
            // The others are named before anything has begun: that begins a conference.
            self.talk(host);
            self.add_the_others(host, self.people.get(self.other(host)).map(|it| it.address));
        }
        self.meet(host, at_once);
        for _ in 0..self.plan.messages {
            let speaker = self.anybody();
            if self.dice.chance(200) {
                self.type_something(speaker);
            }
            if self.is_chatting(speaker) {
                self.say(speaker);
            }
            if self.dice.chance(500) {
                self.pause(&millis(0..4_000));
            }
        }
        if self.is_patient() {
            self.expect("every message gets its verdict", Self::is_settled);
        }
        self.change_moods();
        self.part();
    }

    /// The chat of two comes up, and then the others come.
    fn meet(&mut self, host: usize, at_once: bool) {
        for _ in 0..MAX_ATTEMPTS {
            self.say(host);
            let up = self.expect("the chat comes up", |story| {
                let missing = story.missing(host);
                let peer = story.people.get(story.other(host)).map(|it| it.address);
                let met = match at_once {
                    true => missing.is_empty(),
                    false => !missing.iter().any(|address| Some(*address) == peer),
                };
                story.is_chatting(host) && met || !story.plan.fair && story.is_settled()
            });
            if !up || self.is_chatting(host) {
                break;
            }
            self.pause(&millis(100..5_000));
        }
        for _ in 0..MAX_ATTEMPTS {
            if !self.is_chatting(host) || self.missing(host).is_empty() {
                break;
            }
            self.add_the_others(host, None);
            let came = self.expect("the others come", |story| {
                story.missing(host).is_empty() || !story.plan.fair && story.is_settled()
            });
            if !came {
                break;
            }
            self.pause(&millis(100..5_000));
        }
        if self.plan.fair {
            self.expect("everybody who was added is told of", Self::is_settled);
            // The chat goes and comes back while it becomes a conference's; who has not heard of it speaks in vain.
            self.wait(Duration::from_secs(60), |_| false);
            self.expect("everybody chats", |story| story.missing(host).is_empty());
        }
    }

    /// Adds everybody who is missing, but the one with whom it begins.
    fn add_the_others(&mut self, host: usize, first: Option<&'static str>) {
        for address in self.missing(host) {
            if Some(address) == first {
                continue;
            }
            let Some((endpoint, conversation)) = self.talk(host) else {
                return;
            };
            self.added += 1;
            let operation = Operation::AddParticipant {
                conversation,
                participant: ParticipantKey::Local(1_000 + self.added),
                uri: format!("sip:{address}"),
            };
            self.world.submit(endpoint, operation);
            if self.dice.chance(300) {
                self.pause(&millis(0..2_000));
            }
        }
    }

    /// The addresses of those who are not in the chat, at whatever endpoint.
    fn missing(&self, host: usize) -> Vec<&'static str> {
        let address = |person: usize| self.people.get(person).map(|person| person.address);
        let present: Vec<_> = (0..self.people.len())
            .filter(|person| *person == host || self.is_chatting(*person))
            .filter_map(address)
            .collect();
        let mut missing: Vec<_> = (0..self.people.len())
            .filter_map(address)
            .filter(|address| !present.contains(address))
            .collect();
        missing.dedup();
        missing
    }

    /// They leave, one after the other; at times one of the first comes to mind to somebody who has stayed.
    fn part(&mut self) {
        let first = self.anybody();
        for turn in 0..self.people.len() {
            let leaver = (first + turn) % self.people.len();
            if self.is_chatting(leaver) && self.dice.chance(300) {
                self.say(leaver);
                self.expect("the last word gets its verdict", Self::is_settled);
            }
            self.leave_alone(leaver);
            if self.dice.chance(300) {
                self.pause(&millis(0..3_000));
            }
        }
    }

    fn leave_alone(&mut self, leaver: usize) {
        for _ in 0..MAX_ATTEMPTS {
            let Some((endpoint, conversation)) = self.conversation_of(leaver) else {
                return;
            };
            if !self.world.seen(endpoint, conversation).live {
                return;
            }
            self.world.submit(endpoint, Operation::Leave(conversation));
            self.expect("the leave completes", Self::is_settled);
            self.pause(&millis(100..5_000));
        }
    }

    /// Everybody looks at everybody, and searches for somebody.
    fn get_acquainted(&mut self) {
        for person in 0..self.people.len() {
            let Some(endpoint) = self.endpoint(person) else {
                continue;
            };
            for other in 0..self.people.len() {
                let Some(address) = self.people.get(other).map(|other| other.address) else {
                    continue;
                };
                let address = format!("sip:{address}");
                if other != person {
                    let operation = Operation::FollowPerson {
                        address: address.clone(),
                        field: PersonField::Status,
                        interest: Interest::Live,
                    };
                    self.world.submit(endpoint, operation);
                }
                if self.dice.chance(300) {
                    let field = match self.dice.chance(500) {
                        true => PersonField::Note,
                        false => PersonField::Emails,
                    };
                    let operation = Operation::FetchPerson { address, field };
                    self.world.submit(endpoint, operation);
                }
            }
            if self.dice.chance(300) {
                let query = "contoso".to_owned();
                let operation = Operation::SearchPeople { query, limit: 3 };
                self.world.submit(endpoint, operation);
            }
        }
    }

    /// Some show another availability; in fair weather whoever follows them sees it.
    fn change_moods(&mut self) {
        let mut shown = Vec::new();
        for person in 0..self.people.len() {
            let (Some(endpoint), true) = (self.endpoint(person), self.dice.chance(500)) else {
                continue;
            };
            let Some(address) = self.people.get(person).map(|person| person.address) else {
                continue;
            };
            // Of two endpoints of one user, nobody could say which was last.
            let alone = self
                .people
                .iter()
                .filter(|it| it.address == address)
                .count()
                == 1;
            let mood = usize::try_from(self.dice.below(3)).unwrap_or(0);
            if let Some(status) = STATUSES.get(mood).filter(|_| alone) {
                self.world
                    .submit(endpoint, Operation::SetMe(MeChange::Status(*status)));
                shown.push((person, format!("sip:{address}"), *status));
            }
        }
        self.expect("moods are shown", Self::is_settled);
        if !self.plan.fair {
            return;
        }
        // Presence is of medium urgency and may be held back for a while.
        self.wait(Duration::from_secs(60), |_| false);
        let mut stale = Vec::new();
        for (_, endpoint) in self.world.endpoints() {
            for (person, uri, status) in &shown {
                let known = endpoint.statuses.get(uri);
                if endpoint.owner != *person
                    && endpoint.state == SignInState::SignedIn
                    && known != Some(status)
                {
                    stale.push(format!("{} takes {uri} for {known:?}", endpoint.name));
                }
            }
        }
        for what in stale {
            self.world.breaches.push(Breach::new(Rule::Stale, what));
        }
    }
}
