//! Who takes part in a conversation, and by which names the server speaks of them.

use std::collections::BTreeMap;

use ucwa_proto::{HrefKey, Resource, SipUri};

use super::key_of;
use super::leading::Measure;
use super::read::ParticipantFacts;
use crate::core::Core;
use crate::event::{Participant, ParticipantCapabilities, Role};
use crate::keys::{ParticipantKey, Ticket};

/// The remote participants, in the order in which they became known.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    members: Vec<Member>,
    /// Those who are in by an event that does not say who they are, with the name in it.
    pub(super) arriving: BTreeMap<HrefKey, Option<String>>,
}

/// The rels of the commands that a participant may take (`participant_ref`).
const COMMANDS: [&str; 5] = [
    EJECT,
    Measure::Promote.rel(),
    Measure::Demote.rel(),
    Measure::Admit.rel(),
    Measure::Reject.rel(),
];
pub(super) const EJECT: &str = "eject";

#[derive(Debug)]
pub(super) struct Member {
    pub(super) key: ParticipantKey,
    /// The href, in this life of the conversation.
    pub(super) link: Option<String>,
    /// Its key.
    href: Option<HrefKey>,
    pub(super) uri: Option<String>,
    name: Option<String>,
    role: Option<Role>,
    anonymous: bool,
    pub(super) in_lobby: bool,
    /// Where it takes commands, by rel: those that this user may give.
    pub(super) commands: BTreeMap<&'static str, String>,
    /// Who waits for it to be out.
    pub(super) ejecting: Vec<Ticket>,
    /// What is being done with it, and who waits for that.
    pub(super) led: Vec<(Measure, Ticket)>,
    /// In which page it was asked of it to be read, last.
    pub(super) read_in: u64,
    /// What is being read of it may be out of date by now.
    pub(super) outdated: bool,
    /// It is to be invited when the conversation begins.
    pub(super) expected: bool,
    pub(super) joined: bool,
    /// Whether its chat is up, as it was told.
    pub(super) chat: Option<bool>,
    pub(super) typing: bool,
}

impl Member {
    fn new(key: ParticipantKey) -> Self {
        Self {
            key,
            link: None,
            href: None,
            uri: None,
            name: None,
            role: None,
            anonymous: false,
            in_lobby: false,
            commands: BTreeMap::new(),
            ejecting: Vec::new(),
            led: Vec::new(),
            read_in: 0,
            outdated: false,
            expected: false,
            joined: false,
            chat: None,
            typing: false,
        }
    }

    pub(super) fn to_participant(&self) -> Participant {
        Participant {
            key: self.key,
            uri: self.uri.clone(),
            name: self.name.clone(),
            role: self.role,
            anonymous: self.anonymous,
            in_lobby: self.in_lobby,
            capabilities: ParticipantCapabilities {
                promote: self.takes(Measure::Promote),
                demote: self.takes(Measure::Demote),
                admit: self.takes(Measure::Admit),
                reject: self.takes(Measure::Reject),
            },
        }
    }

    fn takes(&self, measure: Measure) -> bool {
        (self.in_lobby || !measure.is_of_lobby()) && self.commands.contains_key(measure.rel())
    }

    fn is_at(&self, uri: &SipUri) -> bool {
        self.uri
            .as_deref()
            .and_then(|uri| SipUri::parse(uri).ok())
            .is_some_and(|own| own == *uri)
    }

    /// Takes in what is known now. True when it is news.
    fn learn(&mut self, facts: &ParticipantFacts<'_>) -> bool {
        let before = self.to_participant();
        if let Some(uri) = facts.uri.filter(|_| self.uri.is_none()) {
            self.uri = Some(uri.to_owned());
        }
        // An empty name is an unknown one, and never replaces a known one.
        if let Some(name) = facts.name {
            self.name = Some(name.to_owned());
        }
        self.role = facts.role.or(self.role);
        self.anonymous = facts.anonymous.unwrap_or(self.anonymous);
        if let Some(whole) = facts.whole {
            let link = |rel| Some((rel, whole.link_href(rel)?.to_owned()));
            self.commands = COMMANDS.into_iter().filter_map(link).collect();
        }
        before != self.to_participant()
    }
}

impl Roster {
    /// Somebody who is to be in the conversation, of whom only the URI is known.
    pub(crate) fn expect(&mut self, key: ParticipantKey, uri: &str) {
        let known = self.position(None, Some(uri), false);
        let position = known.unwrap_or_else(|| {
            self.members.push(Member::new(key));
            self.members.len() - 1
        });
        if let Some(member) = self.members.get_mut(position) {
            // The caller's name for him is the one that counts.
            member.key = key;
            member.uri = Some(uri.to_owned());
            member.expected = true;
        }
    }

    /// Finds a participant: by href, else by URI, else the one who is expected and has no href yet.
    pub(super) fn position(
        &self,
        href: Option<&HrefKey>,
        uri: Option<&str>,
        adopt: bool,
    ) -> Option<usize> {
        let by_href = self
            .members
            .iter()
            .position(|member| href.is_some() && member.href.as_ref() == href);
        let by_uri = || {
            let wanted = SipUri::parse(uri?).ok()?;
            self.members.iter().position(|member| member.is_at(&wanted))
        };
        let expected = || match self.members.as_slice() {
            [only] if adopt && only.href.is_none() && uri.is_none() => Some(0),
            _ => None,
        };
        by_href.or_else(by_uri).or_else(expected)
    }

    pub(super) fn find(
        &mut self,
        href: Option<&HrefKey>,
        uri: Option<&str>,
        adopt: bool,
    ) -> Option<&mut Member> {
        let position = self.position(href, uri, adopt)?;
        self.members.get_mut(position)
    }

    /// Whom a message did not reach: by SIP URI, or as far as the server says.
    pub(super) fn failed(&self, core: &Core, message: &Resource<'_>) -> Vec<String> {
        let links = message.links("failedDeliveryParticipant");
        let whom = links.iter().map(|link| {
            let known = key_of(core, &link.href)
                .and_then(|href| self.members.get(self.position(Some(&href), None, false)?))
                .and_then(|member| member.uri.clone());
            known.unwrap_or_else(|| link.title.as_deref().unwrap_or(&link.href).to_owned())
        });
        whom.collect()
    }

    pub(super) fn by_key(&mut self, key: ParticipantKey) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.key == key)
    }

    /// Finds or adds a participant and takes in what is now known. True when something is new.
    pub(super) fn learn(
        &mut self,
        core: &mut Core,
        link: Option<&str>,
        facts: &ParticipantFacts<'_>,
        adopt: bool,
    ) -> (&mut Member, bool) {
        let href = link.and_then(|link| key_of(core, link));
        self.unite(href.as_ref(), facts.uri);
        let known = self.position(href.as_ref(), facts.uri, adopt);
        let position = known.unwrap_or_else(|| {
            let key = ParticipantKey::Remote(core.number());
            self.members.push(Member::new(key));
            self.members.len() - 1
        });
        #[expect(
            clippy::indexing_slicing,
            reason = "the position was found or pushed above"
        )]
        let member = &mut self.members[position];
        if href.is_some() {
            member.href = href;
            member.link = link.map(str::to_owned);
        }
        let news = member.learn(facts);
        (member, news || known.is_none())
    }

    /// Somebody who was met by href alone turns out to be one who is known by URI: he is that one.
    fn unite(&mut self, href: Option<&HrefKey>, uri: Option<&str>) {
        let Some(met) = self.position(href, None, false) else {
            return;
        };
        let known = self.position(None, uri, false);
        if known.is_some_and(|known| known != met)
            && self.members.get(met).is_some_and(|met| met.uri.is_none())
        {
            self.members.remove(met);
        }
    }

    /// Those who are to be invited when the conversation begins.
    pub(super) fn expected(&self) -> Vec<(ParticipantKey, String)> {
        self.members
            .iter()
            .filter(|member| member.expected)
            .filter_map(|member| Some((member.key, member.uri.clone()?)))
            .collect()
    }

    /// Whether somebody is expected of whom no href is known.
    pub(super) fn awaits_somebody(&self) -> bool {
        self.members
            .iter()
            .any(|member| member.href.is_none() && member.uri.is_some())
    }

    pub(super) fn forget(&mut self, key: ParticipantKey) {
        self.members.retain(|member| member.key != key);
    }

    /// Whether there is more than one other.
    pub(super) fn is_many(&self) -> bool {
        self.members.len() > 1
    }

    /// All are to be invited when the conversation begins.
    pub(super) fn expect_all(&mut self) {
        for member in &mut self.members {
            member.expected = true;
        }
    }

    /// The one with this URI is invited by the conversation's own invitation.
    pub(super) fn is_invited(&mut self, uri: Option<&str>) {
        if let Some(member) = self.find(None, uri, false) {
            member.expected = false;
        }
    }

    /// How much is being done with those in it.
    pub(super) fn awaited(&self) -> usize {
        let done = |member: &Member| member.ejecting.len() + member.led.len();
        self.members.iter().map(done).sum()
    }

    /// Whether anybody else is in.
    pub(super) fn has_joined(&self) -> bool {
        self.members.iter().any(|member| member.joined)
    }

    pub(super) fn get(&self, key: ParticipantKey) -> Option<Participant> {
        self.members
            .iter()
            .find(|member| member.key == key)
            .map(Member::to_participant)
    }

    /// The one remote participant, where there is one only.
    pub(super) fn only(&self) -> Option<Participant> {
        match self.members.as_slice() {
            [only] => Some(only.to_participant()),
            _ => None,
        }
    }

    /// What was being done with those in it, and who waits for that.
    pub(super) fn take_led(&mut self) -> Vec<(Measure, Ticket)> {
        let members = self.members.iter_mut();
        members
            .flat_map(|member| std::mem::take(&mut member.led))
            .collect()
    }

    /// Forgets the hrefs: they belonged to a life of the conversation that is over. Who waits for an end has it.
    pub(crate) fn end_life(&mut self) -> Vec<Ticket> {
        self.arriving.clear();
        let mut waiting = Vec::new();
        for member in &mut self.members {
            member.link = None;
            member.href = None;
            member.commands.clear();
            member.outdated = false;
            member.joined = false;
            member.chat = None;
            member.in_lobby = false;
            member.typing = false;
            waiting.append(&mut member.ejecting);
        }
        waiting
    }

    /// Forgets the hrefs: the conversation goes on under others.
    pub(super) fn move_house(&mut self) {
        self.arriving.clear();
        for member in &mut self.members {
            member.link = None;
            member.href = None;
            member.commands.clear();
        }
    }
}

/// Somebody of whom nothing is known.
pub(super) fn stranger(core: &mut Core) -> Participant {
    Member::new(ParticipantKey::Remote(core.number())).to_participant()
}
