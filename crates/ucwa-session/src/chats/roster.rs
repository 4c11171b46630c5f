//! Who takes part in a conversation, and by which names the server speaks of them.

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::{Event, EventKind, HrefKey, SipUri};

use super::{Chats, key_of, read};
use crate::core::Core;
use crate::event::{ConversationChange, Participant};
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, Stage};
use crate::keys::{ConversationKey, ParticipantKey};

/// The remote participants, in the order in which they became known.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    key: ParticipantKey,
    /// The key of the href, in this life of the conversation.
    href: Option<HrefKey>,
    uri: Option<String>,
    name: Option<String>,
    joined: bool,
    typing: bool,
}

impl Member {
    fn to_participant(&self) -> Participant {
        Participant {
            key: self.key,
            uri: self.uri.clone(),
            name: self.name.clone(),
        }
    }
}

impl Roster {
    /// Somebody who will be in the conversation, of whom only the URI is known.
    pub(crate) fn expect(&mut self, key: ParticipantKey, uri: &str) {
        self.members.push(Member {
            key,
            href: None,
            uri: Some(uri.to_owned()),
            name: None,
            joined: false,
            typing: false,
        });
    }

    /// Finds a participant: by href, else by URI, else the one who is expected and has no href yet.
    fn find(
        &mut self,
        href: Option<&HrefKey>,
        uri: Option<&str>,
        adopt: bool,
    ) -> Option<&mut Member> {
        let by_href = self
            .members
            .iter()
            .position(|member| href.is_some() && member.href.as_ref() == href);
        let by_uri = || {
            let wanted = SipUri::parse(uri?).ok()?;
            self.members.iter().position(|member| {
                member
                    .uri
                    .as_deref()
                    .and_then(|uri| SipUri::parse(uri).ok())
                    .is_some_and(|uri| uri == wanted)
            })
        };
        let expected = || match self.members.as_slice() {
            [only] if adopt && only.href.is_none() && uri.is_none() => Some(0),
            _ => None,
        };
        let position = by_href.or_else(by_uri).or_else(expected)?;
        self.members.get_mut(position)
    }

    /// Finds or adds a participant and takes in what is now known. True when something is new.
    fn learn(
        &mut self,
        core: &mut Core,
        href: Option<HrefKey>,
        uri: Option<&str>,
        name: Option<&str>,
        adopt: bool,
    ) -> (&mut Member, bool) {
        let known = self
            .find(href.as_ref(), uri, adopt)
            .map(|member| member.key);
        let mut news = known.is_none();
        if known.is_none() {
            let key = ParticipantKey::Remote(core.number());
            self.members.push(Member {
                key,
                href: None,
                uri: None,
                name: None,
                joined: false,
                typing: false,
            });
        }
        let position =
            known.and_then(|key| self.members.iter().position(|member| member.key == key));
        let position = position.unwrap_or(self.members.len().saturating_sub(1));
        // The position was just found or pushed.
        #[expect(
            clippy::indexing_slicing,
            reason = "the position was found or pushed above"
        )]
        let member = &mut self.members[position];
        if href.is_some() {
            member.href = href;
        }
        if let Some(uri) = uri.filter(|_| member.uri.is_none()) {
            member.uri = Some(uri.to_owned());
            news = true;
        }
        // An empty name is an unknown one, and never replaces a known one.
        if let Some(name) =
            name.filter(|name| !name.is_empty() && member.name.as_deref() != Some(*name))
        {
            member.name = Some(name.to_owned());
            news = true;
        }
        (member, news)
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

    /// Forgets the hrefs: they belonged to a life of the conversation that is over.
    pub(crate) fn end_life(&mut self) {
        for member in &mut self.members {
            member.href = None;
            member.joined = false;
            member.typing = false;
        }
    }
}

impl Chats {
    /// Learns of a participant outside of the roster events: who invites, who writes, who accepted.
    pub(super) fn meet(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        href: Option<&str>,
        uri: Option<&str>,
        name: Option<&str>,
    ) -> Option<Participant> {
        let href = href.and_then(|href| key_of(core, href));
        let conversation = self.conversations.get_mut(&key)?;
        let adopt = !conversation.group;
        let (member, _) = conversation.roster.learn(core, href, uri, name, adopt);
        Some(member.to_participant())
    }

    /// A participant event without `in`: somebody came, changed or left.
    pub(super) fn on_participant(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        event: &Event<'_>,
    ) {
        let href = key_of(core, &event.link.href);
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        if event.kind == EventKind::Deleted {
            if let Some(member) = conversation.roster.find(href.as_ref(), None, false) {
                member.joined = false;
                member.typing = false;
                let participant = member.key;
                core.change(key, ConversationChange::ParticipantLeft(participant));
            }
            return;
        }
        let embedded = event.resource().map(read::participant).unwrap_or_default();
        let name = embedded.name.or(event.link.title.as_deref());
        self.take_in(core, key, &event.link.href, embedded.uri, name);
    }

    /// Somebody is in the conversation.
    pub(super) fn take_in(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        href: &str,
        uri: Option<&str>,
        name: Option<&str>,
    ) {
        let href_key = key_of(core, href);
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let adopt = !conversation.group;
        let (member, news) = conversation
            .roster
            .learn(core, href_key.clone(), uri, name, adopt);
        let joined = std::mem::replace(&mut member.joined, true);
        let participant = member.to_participant();
        if !joined {
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
        let purpose = href_key.map(|href| Purpose::ReadParticipant(key, href.as_str().to_owned()));
        if (participant.uri.is_none() || participant.name.is_none())
            && let Some(purpose) = purpose
            && !core.is_under_way(&purpose)
            && let Ok(url) = core.resolve(href, Stage::Conversation)
        {
            core.issue(Exchange::new(purpose, Method::GET, url));
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
        // Without it the participant keeps its URI; that is no failure of anything the user asked for.
        let Ok(response) = result else { return };
        let Ok(resource) = core.resource(exchange, &response) else {
            return;
        };
        let facts = read::participant(&resource);
        let href = key_of(core, href);
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        if conversation
            .roster
            .find(href.as_ref(), None, false)
            .is_none()
        {
            return;
        }
        let (member, news) = conversation
            .roster
            .learn(core, href, facts.uri, facts.name, false);
        if news {
            let participant = member.to_participant();
            core.change(key, ConversationChange::ParticipantUpdated(participant));
        }
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
