//! Who takes part in a conversation, and by which names the server speaks of them.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Response;
use ucwa_proto::{Event, EventKind, HrefKey, SipUri};

use super::page::failure_of;
use super::read::{self, ParticipantFacts};
use super::{Chats, key_of};
use crate::core::Core;
use crate::event::{ConversationChange, Participant, Role};
use crate::exchange::{Exchange, Purpose};
use crate::failure::Failure;
use crate::keys::{ConversationKey, ParticipantKey, Ticket};
use crate::operation::Outcome;
use crate::timers::Timer;

/// The remote participants, in the order in which they became known.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    members: Vec<Member>,
    /// Those who are in by an event that does not say who they are, with the name in it.
    arriving: BTreeMap<HrefKey, Option<String>>,
}

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
    in_lobby: bool,
    /// Where to eject it.
    pub(super) eject: Option<String>,
    /// Who waits for it to be out.
    pub(super) ejecting: Vec<Ticket>,
    /// It is to be invited when the conversation begins.
    pub(super) expected: bool,
    pub(super) joined: bool,
    typing: bool,
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
            eject: None,
            ejecting: Vec::new(),
            expected: false,
            joined: false,
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
        }
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
        if let Some(eject) = facts.eject {
            self.eject = Some(eject.to_owned());
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
    fn position(&self, href: Option<&HrefKey>, uri: Option<&str>, adopt: bool) -> Option<usize> {
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

    fn find(
        &mut self,
        href: Option<&HrefKey>,
        uri: Option<&str>,
        adopt: bool,
    ) -> Option<&mut Member> {
        let position = self.position(href, uri, adopt)?;
        self.members.get_mut(position)
    }

    pub(super) fn by_key(&mut self, key: ParticipantKey) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.key == key)
    }

    /// Finds or adds a participant and takes in what is now known. True when something is new.
    fn learn(
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
    fn awaits_somebody(&self) -> bool {
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

    /// Forgets the hrefs: they belonged to a life of the conversation that is over. Who waits for an end has it.
    pub(crate) fn end_life(&mut self) -> Vec<Ticket> {
        self.arriving.clear();
        let mut waiting = Vec::new();
        for member in &mut self.members {
            member.link = None;
            member.href = None;
            member.eject = None;
            member.joined = false;
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
            member.eject = None;
        }
    }
}

/// Somebody of whom nothing is known.
pub(super) fn stranger(core: &mut Core) -> Participant {
    Member::new(ParticipantKey::Remote(core.number())).to_participant()
}

impl Chats {
    /// Learns of a participant outside of the roster events: who invites, who writes, who accepted.
    pub(super) fn meet(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        href: Option<&str>,
        facts: &ParticipantFacts<'_>,
    ) -> Option<Participant> {
        let conversation = self.conversations.get_mut(&key)?;
        let adopt = !conversation.group;
        let (member, _) = conversation.roster.learn(core, href, facts, adopt);
        Some(member.to_participant())
    }

    /// A participant event without `in`: somebody came, changed or left.
    pub(super) fn on_participant(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        event: &Event<'_>,
    ) {
        if event.kind == EventKind::Deleted {
            let Some(href) = key_of(core, &event.link.href) else {
                return;
            };
            let Some(conversation) = self.conversations.get_mut(&key) else {
                return;
            };
            conversation.roster.arriving.remove(&href);
            let left = conversation.roster.find(Some(&href), None, false);
            if let Some(participant) = left.map(|member| member.key) {
                let failure = event.reason.as_ref().and_then(failure_of);
                self.take_out(core, key, participant, failure);
            }
            return;
        }
        let title = event.link.title.as_deref();
        if event
            .resource()
            .is_some_and(|resource| resource.boolean("local") == Some(true))
        {
            return;
        }
        let facts = event.resource().map(read::participant).unwrap_or_default();
        self.take_in(core, key, &event.link.href, &facts.or_titled(title));
    }

    /// Somebody is in the conversation, or in its lobby.
    pub(super) fn take_in(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        href: &str,
        facts: &ParticipantFacts<'_>,
    ) {
        let Some(href_key) = key_of(core, href) else {
            return;
        };
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let adopt = !conversation.group;
        let known = conversation
            .roster
            .position(Some(&href_key), facts.uri, adopt);
        if known.is_none() && facts.uri.is_none() && conversation.roster.awaits_somebody() {
            // He may be one of those who are expected: his URI says whether he is.
            let name = facts.name.map(str::to_owned);
            conversation.roster.arriving.insert(href_key.clone(), name);
            let purpose = Purpose::ReadParticipant(key, href_key.as_str().to_owned());
            return Self::read(core, Some(href), purpose);
        }
        conversation.roster.arriving.remove(&href_key);
        let (member, news) = conversation.roster.learn(core, Some(href), facts, adopt);
        member.expected = false;
        let joined = std::mem::replace(&mut member.joined, true);
        let in_lobby = facts.in_lobby.unwrap_or(member.in_lobby);
        let moved = std::mem::replace(&mut member.in_lobby, in_lobby) != in_lobby;
        let participant = member.to_participant();
        if !joined || moved {
            core.change(
                key,
                ConversationChange::ParticipantJoined(participant.clone()),
            );
        } else if news {
            core.change(
                key,
                ConversationChange::ParticipantUpdated(participant.clone()),
            );
        }
        // The published page is a bare link with an empty title: the participant resource knows the rest.
        if participant.uri.is_none() || participant.name.is_none() {
            let purpose = Purpose::ReadParticipant(key, href_key.as_str().to_owned());
            Self::read(core, Some(href), purpose);
        }
    }

    /// Somebody is out of the conversation.
    pub(super) fn take_out(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        participant: ParticipantKey,
        failure: Option<Failure>,
    ) {
        let Some(member) = self
            .conversations
            .get_mut(&key)
            .and_then(|conversation| conversation.roster.by_key(participant))
        else {
            return;
        };
        member.joined = false;
        member.in_lobby = false;
        member.typing = false;
        member.eject = None;
        let ejecting = std::mem::take(&mut member.ejecting);
        // What was asked for needs no reason.
        let failure = failure.filter(|_| ejecting.is_empty());
        core.cancel_timers(
            |timer| matches!(timer, Timer::Ejected(other, who) if *other == key && *who == participant),
        );
        core.change(
            key,
            ConversationChange::ParticipantLeft {
                participant,
                failure,
            },
        );
        for ticket in ejecting {
            core.complete(ticket, Ok(Outcome::Done));
        }
    }

    pub(super) fn on_participant_read(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        href: &str,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let read = result.and_then(|response| Ok(core.resource(exchange, &response)?.into_owned()));
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let Some(href_key) = key_of(core, href) else {
            return;
        };
        let arriving = conversation.roster.arriving.remove(&href_key);
        let known = conversation
            .roster
            .find(Some(&href_key), None, false)
            .and_then(|member| member.link.clone());
        match (read, arriving, known) {
            (Ok(resource), Some(_), _) => {
                // He was taken for one of the expected, or as a stranger, only now.
                let facts = read::participant(&resource);
                self.take_in(core, key, &exchange.url, &facts);
            }
            (Ok(resource), None, Some(link)) => {
                self.on_known_participant_read(core, key, &link, &read::participant(&resource));
            }
            // Nothing more can be had of him than that he is there.
            (Err(_), Some(name), _) => {
                let facts = ParticipantFacts::titled(name.as_deref());
                let adopt = !conversation.group;
                let url = Some(exchange.url.as_str());
                let (member, _) = conversation.roster.learn(core, url, &facts, adopt);
                member.joined = true;
                let participant = member.to_participant();
                core.change(key, ConversationChange::ParticipantJoined(participant));
            }
            // Without it the participant keeps its URI; that is no failure of anything the user asked for.
            (_, None, _) => {}
        }
        self.eject_if_asked(core, key, &href_key);
    }

    fn on_known_participant_read(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        link: &str,
        facts: &ParticipantFacts<'_>,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let (member, news) = conversation.roster.learn(core, Some(link), facts, false);
        let in_lobby = facts.in_lobby.unwrap_or(member.in_lobby);
        let moved = std::mem::replace(&mut member.in_lobby, in_lobby) != in_lobby;
        let (joined, participant) = (member.joined, member.to_participant());
        if moved && joined {
            core.change(key, ConversationChange::ParticipantJoined(participant));
        } else if news {
            core.change(key, ConversationChange::ParticipantUpdated(participant));
        }
    }

    /// A participant who was waited for can be ejected now that more is known of him, or cannot.
    fn eject_if_asked(&mut self, core: &mut Core, key: ConversationKey, href: &HrefKey) {
        let asked = self
            .conversations
            .get_mut(&key)
            .and_then(|conversation| conversation.roster.find(Some(href), None, false))
            .filter(|member| !member.ejecting.is_empty())
            .map(|member| member.key);
        if let Some(participant) = asked {
            self.post_eject(core, key, participant, true);
        }
    }

    /// A participant entered or left one of the views of the conversation: a role, or the lobby. It looks like a join
    /// or a leave, but for its `in`.
    pub(super) fn on_view(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        event: &Event<'_>,
        view: &str,
    ) {
        let gone = event.kind == EventKind::Deleted;
        let title = event.link.title.as_deref();
        let facts = event.resource().map(read::participant).unwrap_or_default();
        let mut facts = facts.or_titled(title);
        match (view, gone) {
            ("lobby", false) => facts.in_lobby = Some(true),
            // He was admitted, or denied: the participant itself says which.
            ("lobby", true) => {
                if let Some(href) = key_of(core, &event.link.href) {
                    let purpose = Purpose::ReadParticipant(key, href.as_str().to_owned());
                    Self::read(core, Some(&event.link.href), purpose);
                }
                return;
            }
            ("leaders" | "attendees", false) => {
                facts.role = read::role(view);
                facts.in_lobby = Some(false);
            }
            _ => return,
        }
        self.take_in(core, key, &event.link.href, &facts);
    }

    /// A participant's chat came up or went down.
    pub(super) fn on_participant_messaging(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        event: &Event<'_>,
    ) {
        let Some(within) = event
            .within
            .as_ref()
            .filter(|within| within.rel == "participant")
        else {
            return;
        };
        let href = key_of(core, &within.href);
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let connected = event.kind != EventKind::Deleted;
        let adopt = !conversation.group;
        if let Some(member) = conversation.roster.find(href.as_ref(), None, adopt) {
            let participant = member.key;
            core.change(
                key,
                ConversationChange::ParticipantChat {
                    participant,
                    connected,
                },
            );
        }
    }

    /// A participant began or stopped typing: an event that looks like a join or a leave, but for its `in`.
    pub(super) fn on_typing(&mut self, core: &mut Core, key: ConversationKey, event: &Event<'_>) {
        let href = key_of(core, &event.link.href);
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        if let Some(member) = conversation.roster.find(href.as_ref(), None, true) {
            let typing = event.kind != EventKind::Deleted;
            let participant = member.key;
            if std::mem::replace(&mut member.typing, typing) != typing {
                core.change(
                    key,
                    ConversationChange::Typing {
                        participant,
                        typing,
                    },
                );
            }
        }
    }

    /// Whoever sent a message types no more.
    pub(super) fn stopped_typing(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        sender: ParticipantKey,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let member = conversation
            .roster
            .members
            .iter_mut()
            .find(|member| member.key == sender);
        if member.is_some_and(|member| std::mem::replace(&mut member.typing, false)) {
            core.change(
                key,
                ConversationChange::Typing {
                    participant: sender,
                    typing: false,
                },
            );
        }
    }
}
