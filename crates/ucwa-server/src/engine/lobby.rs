//! The lobby of a conference (`lobby_ref`). The access level is `SameEnterprise` (`AccessLevel_ref`): a user of another
//! enterprise
//! than the organizer's who joins without an invitation waits in the lobby until a leader admits or rejects them.

use ucwa_proto::EventKind;

use super::Engine;
use super::conversation::{Conversation, ConversationState, Reason};
use super::identifiers::{ConversationId, MeetingId};
use super::meeting::View;
use super::participant::enterprise;

impl Engine {
    /// Whether the user of this view has to wait in the lobby.
    pub(super) fn must_wait(&self, meeting: MeetingId, id: ConversationId) -> bool {
        match (self.meetings.get(&meeting), self.conversation(id)) {
            (Some(meeting), Ok(conversation)) => {
                enterprise(&conversation.local) != enterprise(&meeting.organizer)
                    && !meeting.invited.contains(&conversation.local)
            }
            _ => false,
        }
    }

    /// The addresses of the users in the lobby of this view's conference.
    pub(super) fn waiting(&self, conversation: &Conversation) -> Vec<String> {
        let lobby = self.meeting_of(conversation).map(|meeting| &meeting.lobby);
        lobby
            .into_iter()
            .flatten()
            .filter_map(|view| Some(self.conversations.get(view)?.local.clone()))
            .collect()
    }

    pub(super) fn is_waiting(&self, conversation: &Conversation, address: &str) -> bool {
        self.waiting(conversation)
            .iter()
            .any(|waiting| waiting == address)
    }

    /// The views in the lobby of the user with this address.
    pub(super) fn waiting_views(&self, id: ConversationId, address: &str) -> Vec<ConversationId> {
        let meeting = self
            .conversation(id)
            .ok()
            .and_then(|it| self.meeting_of(it));
        let lobby = meeting.map(|meeting| meeting.lobby.clone());
        let mut views = lobby.unwrap_or_default();
        views.retain(|view| {
            self.conversation(*view)
                .is_ok_and(|conversation| conversation.local == address)
        });
        views
    }

    /// Adds a view to the lobby. The user sees no participant, and all members see the user.
    pub(super) fn wait_in_lobby(&mut self, id: ConversationId, meeting: MeetingId) {
        let (Some(conversation), Some(meeting)) = (
            self.conversations.get_mut(&id),
            self.meetings.get_mut(&meeting),
        ) else {
            return;
        };
        conversation.state = ConversationState::InLobby;
        let local = conversation.local.clone();
        meeting.lobby.push(id);
        let members = meeting.members.clone();
        self.report_conversation(id, EventKind::Updated, None);
        self.report_view(id, &local);
        for member in members {
            self.show_participant(member, &local);
        }
    }

    /// Moves a view from the lobby to the conference.
    pub(super) fn admit(&mut self, id: ConversationId) {
        let Some((meeting, members)) = self.leave_lobby_view(id) else {
            return;
        };
        let Ok(local) = self.conversation(id).map(|it| it.local.clone()) else {
            return;
        };
        for member in members {
            self.report_in_view(member, &local, View::Lobby, EventKind::Deleted);
        }
        self.report_in_view(id, &local, View::Lobby, EventKind::Deleted);
        self.join_meeting(id, meeting);
    }

    /// Ends a view in the lobby: the user has left or was rejected.
    pub(super) fn leave_lobby(&mut self, id: ConversationId, reason: Option<Reason>) {
        let Some((_, members)) = self.leave_lobby_view(id) else {
            return;
        };
        let Ok(local) = self.conversation(id).map(|it| it.local.clone()) else {
            return;
        };
        for member in members {
            self.report_in_view(member, &local, View::Lobby, EventKind::Deleted);
            if let Some(conversation) = self.conversations.get_mut(&member)
                && conversation.introduced.remove(&local)
            {
                self.report_participant(member, &local, EventKind::Deleted, reason);
            }
        }
        self.end_conversation(id, reason);
    }

    /// Removes a view from the lobby. Returns the conference and the views of its members.
    fn leave_lobby_view(&mut self, id: ConversationId) -> Option<(MeetingId, Vec<ConversationId>)> {
        let meeting_id = self.conversation(id).ok()?.meeting?;
        let meeting = self.meetings.get_mut(&meeting_id)?;
        meeting.lobby.retain(|view| *view != id);
        Some((meeting_id, meeting.members.clone()))
    }
}
