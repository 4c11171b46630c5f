//! Conversations of many: how one of two becomes a conference, and how its chat comes back.

use ucwa_proto::{Event, EventKind, EventPage, Resource};

use super::conversation::{Chat, State};
use super::read;
use super::{Chats, key_of};
use crate::core::Core;
use crate::event::{ConversationChange, Role, Standing};
use crate::exchange::Purpose;
use crate::keys::ConversationKey;

impl Chats {
    /// Notes which conversations a page makes conferences: their chats go, and come back, in the same page maybe, and
    /// what goes with a conference is not what goes with a hang-up.
    pub(super) fn note_conferences(&mut self, core: &mut Core, page: &EventPage<'_>) {
        for (sender, event) in page.events() {
            if sender.rel != "communication" || event.link.rel != "conversation" {
                continue;
            }
            let conferences = event.resource().is_some_and(is_conference);
            if conferences && let Some(key) = self.find(core, &event.link.href) {
                self.become_group(core, key, None);
            }
        }
    }

    /// The conversation is a conference, at an address that may be known.
    pub(super) fn become_group(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        uri: Option<&str>,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let uri = uri.filter(|uri| !uri.is_empty() && conversation.meeting.as_deref() != Some(uri));
        let begins = !std::mem::replace(&mut conversation.group, true);
        if let Some(uri) = uri {
            conversation.meeting = Some(uri.to_owned());
        }
        if begins || uri.is_some() {
            let uri = conversation.meeting.clone();
            core.change(key, ConversationChange::Group { uri });
        }
        // Its chat may have gone before anybody said why.
        if begins
            && conversation.state == State::Connected
            && conversation.chat == Chat::Disconnected
        {
            conversation.chat_wanted = !conversation.chat_unwanted;
        }
    }

    /// An `onlineMeeting` event of a conversation.
    pub(super) fn on_online_meeting(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        event: &Event<'_>,
    ) {
        if event.kind != EventKind::Deleted {
            let uri = event
                .resource()
                .and_then(|meeting| meeting.text("onlineMeetingUri"));
            self.become_group(core, key, uri);
        }
    }

    /// The conversation goes on at another address: what was known by the old one is void.
    pub(super) fn follow_to(&mut self, core: &mut Core, key: ConversationKey, href: &str) {
        let Some(href_key) = key_of(core, href) else {
            return;
        };
        let elsewhere = self.by_href.contains_key(&href_key) || self.dead.contains(&href_key);
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        if elsewhere || !conversation.is_live() {
            return;
        }
        let moves = conversation.links.conversation.is_some();
        self.bind(core, key, href);
        if moves && let Some(conversation) = self.conversations.get_mut(&key) {
            conversation.move_house();
            core.abandon(|purpose| {
                matches!(purpose, Purpose::ReadConversation(other) | Purpose::ReadMessaging(other) if *other == key)
            });
            self.read_conversation(core, key);
        }
        self.play_kept(core, href);
    }

    /// Asks for the chat of a conference that has none, unless the user has had enough of it: joining and escalating
    /// bring the conference only. Outside of a conference that would call back a peer who has hung up.
    pub(super) fn ask_for_chat(&mut self, core: &mut Core, key: ConversationKey) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        // One that is only becoming a conference refuses it.
        let asks = conversation.conferenced
            && conversation.wants_chat_of_conference()
            && conversation.state == State::Connected
            && matches!(conversation.chat, Chat::Disconnected | Chat::Connecting)
            && conversation.invite.is_none()
            && conversation.offer.is_none();
        if !asks {
            return;
        }
        if conversation.links.add_messaging.is_some() {
            conversation.chat_wanted = false;
            self.invite_to_chat(core, key);
        } else if conversation.links.messaging.is_some()
            && !std::mem::replace(&mut conversation.messaging_read, true)
        {
            self.read_messaging(core, key);
        }
    }

    /// An event of this user's own part in a conversation (`localParticipant_ref`).
    pub(super) fn on_local_participant(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        event: &Event<'_>,
    ) {
        let gone = event.kind == EventKind::Deleted;
        let view = event.within.as_ref().map(|within| within.rel.as_ref());
        let facts = event.resource().map(read::participant).unwrap_or_default();
        let standing = |in_lobby| {
            if in_lobby {
                Standing::InLobby
            } else {
                Standing::Joined
            }
        };
        let (standing, role) = match (view, gone) {
            (None, true) => (Some(Standing::Gone), None),
            (None, false) => (facts.in_lobby.map(standing), facts.role),
            (Some("lobby"), false) => (Some(Standing::InLobby), None),
            (Some(view @ ("leaders" | "attendees")), false) => {
                (Some(Standing::Joined), read::role(view))
            }
            // Whoever leaves a view is in another, or out, and that is an event of its own.
            _ => return,
        };
        self.note_myself(core, key, standing, role);
    }

    pub(super) fn note_myself(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        standing: Option<Standing>,
        role: Option<Role>,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let standing = standing.filter(|standing| conversation.standing != Some(*standing));
        let role = role.filter(|role| conversation.role != Some(*role));
        conversation.standing = standing.or(conversation.standing);
        conversation.role = role.or(conversation.role);
        if standing.is_some() || role.is_some() {
            core.change(key, ConversationChange::Myself { standing, role });
        }
    }
}

pub(super) fn is_conference(conversation: &Resource<'_>) -> bool {
    matches!(
        conversation.text("state"),
        Some("Conferencing" | "Conferenced")
    ) || conversation.link("onlineMeeting").is_some()
}
