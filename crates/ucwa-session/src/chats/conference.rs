//! Conferences: the escalation of a conversation of two, and the chat of a conference.

use ucwa_proto::{Event, EventKind, Resource};

use super::conversation::{Chat, Conference, Context, Conversation, Form, Live};
use super::payload;
use crate::event::{ConversationChange, Role, Standing};

impl Conversation {
    /// Makes the conversation a conference, with its URI if that is known.
    pub(super) fn become_conference(&mut self, cx: &mut Context<'_>, uri: Option<&str>) {
        let established = self.life.established().is_some();
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let uri = uri.filter(|uri| !uri.is_empty() && self.meeting.as_deref() != Some(uri));
        if let Some(uri) = uri {
            self.meeting = Some(uri.to_owned());
        }
        let begins = !live.is_conference();
        if begins {
            // The chat may have ended before the event that reports the conference.
            let lost_chat = established && live.chat == Chat::Disconnected;
            live.form = Form::Conference(Conference {
                chat_wanted: lost_chat && !live.chat_refused,
                ..Conference::default()
            });
            cx.index.add_conference(&self.thread_id, self.key);
        }
        if begins || uri.is_some() {
            let uri = self.meeting.clone();
            cx.change(self.key, ConversationChange::Group { uri });
        }
    }

    /// Handles an accepted invitation to a conference. Such an invitation establishes the conference without its chat.
    pub(super) fn want_chat_of_conference(&mut self, cx: &mut Context<'_>) {
        self.become_conference(cx, None);
        let live = self.life.live_mut();
        if let Some(conference) = live.and_then(|live| live.conference_mut()) {
            conference.chat_wanted = true;
        }
    }

    /// Handles an `onlineMeeting` event of the conversation.
    pub(super) fn on_online_meeting(&mut self, cx: &mut Context<'_>, event: &Event<'_>) {
        if event.kind != EventKind::Deleted {
            let meeting = event.resource();
            let uri = meeting.and_then(|meeting| meeting.text("onlineMeetingUri"));
            self.become_conference(cx, uri);
        }
    }

    /// Reads the conversation if it was becoming a conference. The event that reports the conference may have been lost.
    pub(super) fn read_unfinished_conference(&mut self, cx: &mut Context<'_>) {
        let live = self.life.live();
        let is_unfinished =
            |live: &Live| matches!(&live.form, Form::Conference(it) if !it.is_set_up);
        if live.is_some_and(is_unfinished) {
            self.read_conversation(cx);
        }
    }

    /// Requests the chat of a conference that has none, unless the user ended the chat. Joining and escalating establish the
    /// conference without its chat. In a one-to-one conversation, the request would invite a peer who has left.
    pub(super) fn request_chat(&mut self, cx: &mut Context<'_>) {
        let Some(live) = self.life.established_mut() else {
            return;
        };
        // The server refuses the request while the conversation is still becoming a conference.
        let is_set_up = matches!(&live.form, Form::Conference(it) if it.is_set_up);
        let asks = is_set_up
            && live.wants_chat_of_conference()
            && matches!(live.chat, Chat::Disconnected | Chat::Connecting)
            && live.invite.is_none()
            && live.offer.is_none();
        if !asks {
            return;
        }
        if live.messaging.add_messaging.is_some() {
            if let Some(conference) = live.conference_mut() {
                conference.chat_wanted = false;
            }
            self.invite(cx, None, None);
        } else if live.links.messaging.is_some()
            && !std::mem::replace(&mut live.messaging_read, true)
        {
            self.read_messaging(cx);
        }
    }

    /// Handles an event of this user's participant resource (`localParticipant_ref`).
    pub(super) fn on_local_participant(&mut self, cx: &mut Context<'_>, event: &Event<'_>) {
        let gone = event.kind == EventKind::Deleted;
        let view = event.within.as_ref().map(|within| within.rel.as_ref());
        let facts = event.resource().map(payload::participant);
        let facts = facts.unwrap_or_default();
        let (standing, role) = match (view, gone) {
            (None, true) => (Some(Standing::Gone), None),
            (None, false) => {
                let standing = facts.in_lobby.map(|in_lobby| match in_lobby {
                    true => Standing::InLobby,
                    false => Standing::Joined,
                });
                (standing, facts.role)
            }
            (Some("lobby"), false) => (Some(Standing::InLobby), None),
            (Some(view @ ("leaders" | "attendees")), false) => {
                (Some(Standing::Joined), payload::role(view))
            }
            // If the user leaves a view, another event reports the new view or the end of the conversation.
            _ => return,
        };
        self.report_myself(cx, standing, role);
    }

    /// Reports the standing and the role of this user, if they changed.
    pub(super) fn report_myself(
        &mut self,
        cx: &mut Context<'_>,
        standing: Option<Standing>,
        role: Option<Role>,
    ) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let reported = &mut live.reported;
        let standing = standing.filter(|standing| reported.standing != Some(*standing));
        let role = role.filter(|role| reported.role != Some(*role));
        reported.standing = standing.or(reported.standing);
        reported.role = role.or(reported.role);
        if standing.is_some() || role.is_some() {
            cx.change(self.key, ConversationChange::Myself { standing, role });
        }
    }
}

pub(super) fn is_conference(conversation: &Resource<'_>) -> bool {
    matches!(
        conversation.text("state"),
        Some("Conferencing" | "Conferenced")
    ) || conversation.link("onlineMeeting").is_some()
}
