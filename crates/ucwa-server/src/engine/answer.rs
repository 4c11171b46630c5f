//! The end of an invitation: accepted, declined, cancelled or timed out (`accept_ref`, `decline_ref`, `SendAnIM`, `ReceiveAnIM`).

use std::mem;

use ucwa_proto::EventKind;

use super::Engine;
use super::conversation::{ConversationState, MessagingState, Reason};
use super::exchange::Exchange;
use super::identifiers::{ConversationId, InvitationId};
use super::invitation::{Invitation, InvitationState, Side};
use super::reply::{Refusal, Reply};

/// Why an invitation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The callee declined.
    Declined,
    /// No endpoint answered in time.
    TimedOut,
    /// The caller cancelled the invitation.
    Cancelled,
    /// The callee has no application that is available for messaging.
    Unreachable,
    /// There is no user with this address.
    DestinationNotFound,
    /// Another endpoint of the callee accepted.
    ConnectedElsewhere,
}

impl Outcome {
    pub(super) fn state(self) -> InvitationState {
        match self {
            Self::Declined => InvitationState::Declined,
            Self::Cancelled => InvitationState::Cancelled,
            Self::TimedOut
            | Self::Unreachable
            | Self::DestinationNotFound
            | Self::ConnectedElsewhere => InvitationState::Failed,
        }
    }

    pub(super) fn reason(self, to_caller: bool) -> Reason {
        let (code, subcode, message) = match (self, to_caller) {
            (Self::Declined, true) => ("RemoteFailure", "Declined", "The callee declined."),
            (Self::Declined, false) => ("LocalFailure", "Declined", "The invitation was declined."),
            (Self::TimedOut, true) => ("RemoteFailure", "Timeout", "The callee didn't answer."),
            (Self::TimedOut, false) => ("LocalFailure", "Missed", "The invitation was missed."),
            (Self::Cancelled, true) => ("LocalFailure", "Canceled", "The invitation was canceled."),
            (Self::Cancelled, false) => ("RemoteFailure", "Canceled", "The caller gave up."),
            (Self::Unreachable, _) => (
                "RemoteFailure",
                "Unreachable",
                "The callee can't be reached.",
            ),
            (Self::DestinationNotFound, _) => (
                "RemoteFailure",
                "DestinationNotFound",
                "The callee doesn't exist.",
            ),
            (Self::ConnectedElsewhere, _) => (
                "LocalFailure",
                "ConnectedElsewhere",
                "The invitation was answered elsewhere.",
            ),
        };
        Reason {
            code,
            subcode,
            message,
        }
    }
}

impl Engine {
    pub(super) fn invitation_timed_out(&mut self, id: InvitationId) {
        self.fail_invitation(id, Outcome::TimedOut);
    }

    /// POST accept: the first endpoint that accepts joins the chat, and the invitations at the other endpoints end.
    pub(super) fn accept(&mut self, id: InvitationId) -> Result<Reply, Refusal> {
        let (outgoing, callee, auto) = match self.invitations.get(&id) {
            Some(Invitation {
                state: InvitationState::Connecting,
                side: Side::Incoming { outgoing, auto, .. },
                conversation,
                ..
            }) => (*outgoing, *conversation, *auto),
            _ => return Err(Refusal::NOT_FOUND),
        };
        let Some(Invitation {
            side: Side::Outgoing { ringing, .. },
            conversation: caller,
            ..
        }) = self.invitations.get_mut(&outgoing)
        else {
            return Err(Refusal::NOT_FOUND);
        };
        let caller = *caller;
        for other in mem::take(ringing) {
            if other != id {
                self.complete_incoming(other, Outcome::ConnectedElsewhere);
            }
        }
        let founding = self.conversation(callee)?.state == ConversationState::Incoming;
        let formats = self
            .conversation(callee)?
            .formats
            .common(self.conversation(caller)?.formats);
        for (side, other) in [(caller, callee), (callee, caller)] {
            if let Some(conversation) = self.conversations.get_mut(&side) {
                conversation.other = Some(other);
                conversation.state = ConversationState::Connected;
                conversation.messaging = MessagingState::Connected;
                conversation.formats = formats;
                conversation.invitation = None;
            }
        }
        if let Some(conversation) = self.conversations.get_mut(&callee) {
            conversation.unacknowledged = auto;
        }
        self.report_connected_to_caller(caller);
        self.complete(outgoing, InvitationState::Connected, None);
        self.report_connected_to_callee(callee, founding);
        self.complete(
            id,
            InvitationState::Connected,
            auto.then_some(Reason::AUTO_ACCEPTED),
        );
        // The text of the invitation is also delivered as a message.
        let message = self
            .invitations
            .get(&id)
            .and_then(|invitation| invitation.message.clone());
        if let Some(message) = message {
            let (_, author) = self.sides(callee)?;
            self.record_message(caller, &author, message.clone());
            self.receive(callee, &author, message, None);
        }
        Ok(Reply::Done)
    }

    /// Reports the established chat to the caller, in the order of the second page of `SendAnIM`.
    fn report_connected_to_caller(&mut self, id: ConversationId) {
        self.report_conversation(id, EventKind::Updated, None);
        self.add_remote_participant(id);
        let Ok((local, remote)) = self.sides(id) else {
            return;
        };
        self.report_participant_messaging(id, &remote, EventKind::Added);
        self.report_participant_messaging(id, &local, EventKind::Added);
        self.report_messaging(id, None);
    }

    /// The addresses of the local and the remote participant of a chat of two.
    fn sides(&self, id: ConversationId) -> Result<(String, String), Refusal> {
        let conversation = self.conversation(id)?;
        Ok((conversation.local.clone(), conversation.remote.clone()))
    }

    /// Reports the established chat to the callee, in the order of the page after the accept in `ReceiveAnIM`.
    fn report_connected_to_callee(&mut self, id: ConversationId, founding: bool) {
        self.add_remote_participant(id);
        self.report_messaging(id, None);
        self.report_conversation(id, EventKind::Updated, None);
        let Ok((local, remote)) = self.sides(id) else {
            return;
        };
        self.report_participant_messaging(id, &local, EventKind::Added);
        self.report_participant_messaging(id, &remote, EventKind::Added);
        if founding {
            self.report_participant(id, &remote, EventKind::Updated, None);
        }
    }

    /// POST decline. With the reason `Local`, only this endpoint declines (`CallDeclineReason_ref`).
    pub(super) fn decline(
        &mut self,
        exchange: &Exchange<'_>,
        id: InvitationId,
    ) -> Result<Reply, Refusal> {
        let fields = exchange.fields()?;
        let everywhere = fields
            .text("reason")
            .is_some_and(|reason| reason == "Global");
        if !self.is_ringing(id) {
            return Err(Refusal::NOT_FOUND);
        }
        self.turn_down(id, everywhere);
        Ok(Reply::Done)
    }

    /// Declines an incoming invitation at this endpoint, or everywhere. The outgoing invitation fails when no endpoint is left.
    pub(super) fn turn_down(&mut self, id: InvitationId, everywhere: bool) {
        let Some(Invitation {
            side: Side::Incoming { outgoing, .. },
            ..
        }) = self.invitations.get(&id)
        else {
            return;
        };
        let outgoing = *outgoing;
        self.complete_incoming(id, Outcome::Declined);
        let Some(Invitation {
            side: Side::Outgoing { ringing, .. },
            ..
        }) = self.invitations.get_mut(&outgoing)
        else {
            return;
        };
        ringing.retain(|other| *other != id);
        if everywhere || ringing.is_empty() {
            self.fail_invitation(outgoing, Outcome::Declined);
        }
    }

    /// Ends an outgoing invitation, and the incoming invitations at the endpoints of the callee.
    pub(super) fn fail_invitation(&mut self, id: InvitationId, outcome: Outcome) {
        let Some(Invitation {
            side: Side::Outgoing { ringing, founding },
            conversation,
            ..
        }) = self.invitations.get_mut(&id)
        else {
            return;
        };
        let (founding, conversation) = (*founding, *conversation);
        let ringing = mem::take(ringing);
        if !ringing.is_empty() && matches!(outcome, Outcome::TimedOut | Outcome::Cancelled) {
            self.archive_missed(id);
        }
        for incoming in ringing {
            self.complete_incoming(incoming, outcome);
        }
        self.complete(id, outcome.state(), Some(outcome.reason(true)));
        self.end_invited(conversation, founding);
    }

    /// Cancels the open invitation to a chat in this view, from either side.
    pub(super) fn cancel_chat_invitation(&mut self, view: ConversationId) {
        let invitation = self.conversation(view).ok().and_then(|it| it.invitation);
        let Some(id) = invitation else { return };
        let outgoing = match self.invitations.get(&id).map(|found| &found.side) {
            Some(Side::Incoming { outgoing, .. }) => *outgoing,
            _ => id,
        };
        self.fail_invitation(outgoing, Outcome::Cancelled);
    }

    fn complete_incoming(&mut self, id: InvitationId, outcome: Outcome) {
        let Some(invitation) = self.invitations.get(&id) else {
            return;
        };
        let conversation = invitation.conversation;
        let founding = self
            .conversation(conversation)
            .is_ok_and(|conversation| conversation.state == ConversationState::Incoming);
        self.complete(id, outcome.state(), Some(outcome.reason(false)));
        self.end_invited(conversation, founding);
    }

    /// Ends the conversation of a failed invitation if the invitation created it, otherwise only its messaging.
    fn end_invited(&mut self, id: ConversationId, founding: bool) {
        if let Some(conversation) = self.conversations.get_mut(&id) {
            conversation.invitation = None;
        }
        if founding {
            self.end_conversation(id, None);
        } else {
            self.end_messaging(id);
        }
    }
}
