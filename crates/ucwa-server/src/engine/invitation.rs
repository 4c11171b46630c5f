//! Invitations to chats, as each application sees them (`messagingInvitation_ref`).

use ucwa_proto::{Event, EventKind, EventLink, EventStatus, Link, Resource};

use super::Engine;
use super::conversation::{Reason, because};
use super::events::Source;
use super::identifiers::{ApplicationId, ConversationId, InvitationId};
use super::reply::Refusal;
use super::routes;
use super::text::Text;

#[derive(Debug)]
pub(super) struct Invitation {
    pub(super) application: ApplicationId,
    pub(super) conversation: ConversationId,
    pub(super) state: InvitationState,
    /// The operation ID of the inviting application.
    pub(super) operation: Option<String>,
    pub(super) message: Option<Text>,
    /// The data URI of the custom content.
    pub(super) custom: Option<String>,
    pub(super) side: Side,
}

#[derive(Debug)]
pub(super) enum Side {
    Outgoing {
        /// The pending incoming invitations, one for each endpoint of the callee.
        ringing: Vec<InvitationId>,
        /// Whether the invitation created the conversation, which then ends if the invitation fails.
        founding: bool,
    },
    Incoming {
        outgoing: InvitationId,
        /// Whether the remote participant was reported to the callee. Afterwards, events leave out the links `accept` and
        /// `decline`.
        introduced: bool,
        /// Whether the server accepts the invitation for the callee.
        auto: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InvitationState {
    Connecting,
    Connected,
    Declined,
    Failed,
    Cancelled,
}

impl InvitationState {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Connecting => "Connecting",
            Self::Connected => "Connected",
            Self::Declined => "Declined",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }
}

impl Engine {
    /// Checks that the invitation, to a chat or to a conference, belongs to the application.
    pub(super) fn check_invitation(
        &self,
        application: ApplicationId,
        id: InvitationId,
    ) -> Result<(), Refusal> {
        let invitation = self.invitations.get(&id);
        let owner = invitation
            .map(|invitation| invitation.application)
            .or_else(|| self.application_of_call(id));
        if owner == Some(application) {
            Ok(())
        } else {
            Err(Refusal::NOT_FOUND)
        }
    }

    pub(super) fn is_to_be_introduced(&self, id: InvitationId) -> bool {
        self.invitations.get(&id).is_some_and(|invitation| {
            invitation.state == InvitationState::Connecting
                && matches!(
                    invitation.side,
                    Side::Incoming {
                        introduced: false,
                        ..
                    }
                )
        })
    }

    pub(super) fn is_ringing(&self, id: InvitationId) -> bool {
        self.invitations
            .get(&id)
            .is_some_and(|invitation| invitation.state == InvitationState::Connecting)
    }

    pub(super) fn complete(
        &mut self,
        id: InvitationId,
        state: InvitationState,
        reason: Option<Reason>,
    ) {
        let Some(invitation) = self.invitations.get_mut(&id) else {
            return;
        };
        invitation.state = state;
        let application = invitation.application;
        let status = match state {
            InvitationState::Connected => EventStatus::Success,
            _ => EventStatus::Failure,
        };
        let Ok(resource) = self.invitation_resource(id) else {
            return;
        };
        let link = EventLink::new(
            "messagingInvitation",
            routes::messaging_invitation(application, id),
        );
        let event = Event::new(EventKind::Completed, link)
            .status(status)
            .embedding(resource);
        self.emit(application, Source::Communication, because(event, reason));
    }

    pub(super) fn report_invitation(&mut self, id: InvitationId, kind: EventKind) {
        let (Some(invitation), Ok(mut resource)) =
            (self.invitations.get(&id), self.invitation_resource(id))
        else {
            return;
        };
        let application = invitation.application;
        if kind == EventKind::Updated {
            resource
                .links
                .retain(|(rel, _)| rel != "accept" && rel != "decline");
        }
        let link = EventLink::new(
            "messagingInvitation",
            routes::messaging_invitation(application, id),
        );
        self.emit(
            application,
            Source::Communication,
            Event::new(kind, link).embedding(resource),
        );
    }

    pub(super) fn invitation_resource(
        &self,
        id: InvitationId,
    ) -> Result<Resource<'static>, Refusal> {
        let invitation = self.invitations.get(&id).ok_or(Refusal::NOT_FOUND)?;
        let application = invitation.application;
        let resource = Resource::new("messagingInvitation")
            .with_href(routes::messaging_invitation(application, id));
        let direction = match invitation.side {
            Side::Outgoing { .. } => "Outgoing",
            Side::Incoming { .. } => "Incoming",
        };
        let mut resource = resource.with_property("direction", direction);
        let conversation = self.conversation(invitation.conversation).ok();
        if let Some(conversation) = conversation {
            resource = resource
                .with_property("importance", conversation.importance.clone())
                .with_property("threadId", conversation.thread.clone())
                .with_property("subject", conversation.subject.clone());
        }
        resource = resource.with_property("state", invitation.state.name());
        if let Some(operation) = &invitation.operation {
            resource = resource.with_property("operationId", operation.clone());
        }
        // The invitation of a conversation that has ended has no links.
        let Some(conversation) = conversation else {
            return Ok(resource);
        };
        let ringing = invitation.state == InvitationState::Connecting;
        let messaging = routes::messaging(application, invitation.conversation);
        let to = match invitation.side {
            Side::Outgoing { .. } => &conversation.remote,
            Side::Incoming { .. } => &conversation.local,
        };
        let outgoing = matches!(invitation.side, Side::Outgoing { .. });
        if outgoing {
            let from =
                routes::participant(application, invitation.conversation, &conversation.local);
            let name = self.display_name(&conversation.local).to_owned();
            resource = resource.with_link("from", Link::new(from).with_title(name));
        }
        if conversation.meeting.is_none() {
            resource = resource.with_property("to", format!("sip:{to}"));
            resource = self.with_contact(resource, "to", application, to);
        }
        if outgoing && ringing {
            let cancel = routes::stop_messaging(application, invitation.conversation);
            resource = resource.with_link("cancel", cancel);
        }
        resource = resource.with_link(
            "conversation",
            routes::conversation(application, invitation.conversation),
        );
        let must_answer = matches!(invitation.side, Side::Incoming { auto: false, .. });
        if must_answer && ringing {
            resource = resource
                .with_link("accept", routes::accept(application, id))
                .with_link("decline", routes::decline(application, id));
        }
        resource = resource.with_link("messaging", messaging);
        if !outgoing && let Some(message) = &invitation.message {
            resource = resource.with_link("message", message.data_uri());
        }
        if let Some(custom) = &invitation.custom {
            resource = resource.with_link("customContent", custom.clone());
        }
        // The chat of a conference has no single remote participant.
        if conversation.meeting.is_some() {
            return Ok(resource);
        }
        // For the caller, the link and acceptedByParticipant contain no name (`SendAnIM`). The participant resource does.
        let remote = self.participant_called(
            invitation.conversation,
            &conversation.remote,
            &conversation.title,
        )?;
        if !outgoing {
            resource = resource.with_embedded("from", remote);
        } else if invitation.state == InvitationState::Connected {
            resource = resource.with_embedded_many("acceptedByParticipant", vec![remote]);
        }
        Ok(resource)
    }
}
