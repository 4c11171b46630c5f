//! What events say of participants: who came and left, their roles and views, their chats, who types.

use bytes::Bytes;
use http::Response;
use ucwa_proto::{Event, EventKind, HrefKey};

use super::page::failure_of;
use super::read::{self, ParticipantFacts};
use super::{Chats, key_of};
use crate::core::Core;
use crate::event::{ConversationChange, Participant};
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, Stage};
use crate::keys::{ConversationKey, ParticipantKey};
use crate::operation::Outcome;
use crate::timers::Timer;

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
        let facts = facts.in_passing();
        let (member, _) = conversation.roster.learn(core, href, &facts, adopt);
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
        // In a conference such an event tells that the user may do something else with him now, and the participant what.
        let in_conference = self
            .conversations
            .get(&key)
            .is_some_and(|conversation| conversation.group);
        if in_conference && event.kind == EventKind::Updated && event.resource().is_none() {
            self.read_participant(core, key, &event.link.href);
        }
    }

    /// Reads a participant, of whom something is not known, or changed.
    pub(super) fn read_participant(&mut self, core: &mut Core, key: ConversationKey, href: &str) {
        let Some(href_key) = key_of(core, href) else {
            return;
        };
        self.outdate_reading(core, key, &href_key);
        let purpose = Purpose::ReadParticipant(key, href_key.as_str().to_owned());
        if !core.is_under_way(&purpose)
            && let Some(conversation) = self.conversations.get_mut(&key)
            && let Some(member) = conversation.roster.find(Some(&href_key), None, false)
        {
            member.read_in = self.page;
        }
        Self::read(core, Some(href), purpose);
    }

    /// Something is told of a participant: what is being read of him since an earlier page may be older.
    fn outdate_reading(&mut self, core: &Core, key: ConversationKey, href: &HrefKey) {
        let purpose = Purpose::ReadParticipant(key, href.as_str().to_owned());
        let page = self.page;
        if core.is_under_way(&purpose)
            && let Some(conversation) = self.conversations.get_mut(&key)
            && let Some(member) = conversation.roster.find(Some(href), None, false)
        {
            member.outdated |= member.read_in != page;
        }
    }

    /// Somebody is in the conversation, or in its lobby.
    pub(super) fn take_in(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        href: &str,
        facts: &ParticipantFacts<'_>,
    ) {
        // Nobody in a conversation of this application is on another host: one more would make a chat of two a conference.
        if core.resolve(href, Stage::Conversation).is_err() {
            return;
        }
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
            self.read_participant(core, key, href);
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
        member.chat = None;
        member.in_lobby = false;
        member.typing = false;
        member.commands.clear();
        let ejecting = std::mem::take(&mut member.ejecting);
        let led = std::mem::take(&mut member.led);
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
        for (measure, ticket) in led {
            core.complete(ticket, measure.on_gone());
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
        let read = core.fetched(exchange, result);
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let Some(href_key) = key_of(core, href) else {
            return;
        };
        let arriving = conversation.roster.arriving.remove(&href_key);
        let member = conversation.roster.find(Some(&href_key), None, false);
        if let Some(member) = member
            && std::mem::take(&mut member.outdated)
            && let Some(link) = member.link.clone()
        {
            return self.read_participant(core, key, &link);
        }
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
        self.lead_if_asked(core, key, &href_key);
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
                return self.read_participant(core, key, &event.link.href);
            }
            ("leaders" | "attendees", false) => {
                facts.role = read::role(view);
                facts.in_lobby = Some(false);
            }
            _ => return,
        }
        if let Some(href) = key_of(core, &event.link.href) {
            self.outdate_reading(core, key, &href);
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
        if let Some(member) = conversation.roster.find(href.as_ref(), None, adopt)
            && member.chat.replace(connected) != Some(connected)
        {
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
        let member = conversation.roster.by_key(sender);
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
