//! Invitations to chat: they ring, and are accepted, declined, cancelled, or left alone (`messagingInvitation_ref`, `SendAnIM`, `ReceiveAnIM`).

use std::mem;
use std::time::Duration;

use ucwa_proto::{Event, EventKind, EventLink, EventStatus, Link, Resource, SipUri};

use super::Engine;
use super::conversation::{Conversation, ConversationState, MessagingState, Reason, because};
use super::events::Source;
use super::exchange::{Exchange, Fields};
use super::hrefs;
use super::identifiers::{ApplicationId, ConversationId, InvitationId};
use super::participant::Who;
use super::reply::{Refusal, Reply};
use super::text::Text;
use super::timers::Timer;
use crate::config::address;

/// The longest operationId, subject and threadId (`startMessaging_ref`).
const LONGEST_OPERATION: usize = 50;
const LONGEST_TEXT: usize = 250;

/// When the callee is told who takes part, if it hasn't answered by then; a second, as in `ReceiveAnIM`.
const INTRODUCTION: Duration = Duration::from_secs(1);

/// One side's view of an invitation.
#[derive(Debug)]
pub(super) struct Invitation {
    application: ApplicationId,
    conversation: ConversationId,
    state: InvitationState,
    /// What the application that began it calls it.
    operation: Option<String>,
    message: Option<Text>,
    pub(super) side: Side,
}

#[derive(Debug)]
pub(super) enum Side {
    Outgoing {
        /// Where it rings: one view for each endpoint of the callee.
        ringing: Vec<InvitationId>,
        /// Whether the conversation exists for its sake, and ends with its failure.
        founding: bool,
    },
    Incoming {
        outgoing: InvitationId,
        /// Whether the callee has been told who takes part; from then on the links to answer are left out of events.
        introduced: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InvitationState {
    Connecting,
    Connected,
    Declined,
    Failed,
    Cancelled,
}

impl InvitationState {
    fn name(self) -> &'static str {
        match self {
            Self::Connecting => "Connecting",
            Self::Connected => "Connected",
            Self::Declined => "Declined",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// How an invitation came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The callee said no.
    Declined,
    /// Nobody answered.
    TimedOut,
    /// The caller gave up.
    Cancelled,
    /// The callee isn't signed in, or doesn't chat.
    Unreachable,
    /// There is no such user.
    DestinationNotFound,
    /// Another endpoint of the callee answered.
    ConnectedElsewhere,
}

impl Outcome {
    fn state(self) -> InvitationState {
        match self {
            Self::Declined => InvitationState::Declined,
            Self::Cancelled => InvitationState::Cancelled,
            Self::TimedOut
            | Self::Unreachable
            | Self::DestinationNotFound
            | Self::ConnectedElsewhere => InvitationState::Failed,
        }
    }

    fn reason(self, to_caller: bool) -> Reason {
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

/// What an application asks for when it invites.
struct Wish {
    operation: Option<String>,
    message: Option<Text>,
}

impl Engine {
    /// That the invitation is there, and this application's.
    pub(super) fn check_invitation(
        &self,
        application: ApplicationId,
        id: InvitationId,
    ) -> Result<(), Refusal> {
        match self.invitations.get(&id) {
            Some(invitation) if invitation.application == application => Ok(()),
            _ => Err(Refusal::NOT_FOUND),
        }
    }

    /// POST startMessaging, or addMessaging where the query names a conversation.
    pub(super) fn invite(
        &mut self,
        exchange: &Exchange<'_>,
        application: ApplicationId,
    ) -> Result<Reply, Refusal> {
        let fields = exchange.fields()?;
        let wish = Wish {
            operation: fields.limited("operationId", LONGEST_OPERATION)?,
            message: fields
                .link_href("message")
                .map(Text::from_data_uri)
                .transpose()?,
        };
        let id = match exchange.query("conversationId") {
            Some(conversation) => self.add_messaging(application, conversation, wish)?,
            None => self.start_messaging(application, &fields, wish)?,
        };
        Ok(Reply::Created(hrefs::invitation(application, id)))
    }

    fn start_messaging(
        &mut self,
        application: ApplicationId,
        fields: &Fields<'_>,
        wish: Wish,
    ) -> Result<InvitationId, Refusal> {
        let to = fields.required("to", usize::MAX)?;
        let to = SipUri::parse(&to).map_err(|_| Refusal::parameter("`to` isn't a SIP URI."))?;
        let remote = address(&to);
        let subject = fields.limited("subject", LONGEST_TEXT)?.unwrap_or_default();
        let importance = fields.text("importance").map(|text| text.into_owned());
        let importance = importance.unwrap_or_else(|| "Normal".to_owned());
        let thread = match fields.limited("threadId", LONGEST_TEXT)? {
            Some(thread) => thread,
            None => self.identifiers.thread(),
        };
        let caller = self.application(application)?;
        let local = caller.address.clone();
        let formats = caller.formats;
        let taken = caller.conversations.iter().any(|id| {
            self.conversation(*id)
                .is_ok_and(|conversation| conversation.thread == thread)
        });
        if taken {
            return Err(Refusal::conflict(
                "ThreadIdAlreadyExists",
                "A conversation with this thread id is going on.",
            ));
        }
        let conversation = self.add_conversation(Conversation {
            application,
            local,
            remote: remote.clone(),
            other: None,
            thread,
            subject,
            importance,
            state: ConversationState::Connecting,
            messaging: MessagingState::Connecting,
            formats,
            invitation: None,
            messages: Vec::new(),
            typing: None,
            typed: 0,
            introduced: false,
            title: String::new(),
        });
        let id = self.add_invitation(
            conversation,
            wish,
            Side::Outgoing {
                ringing: Vec::new(),
                founding: true,
            },
        )?;
        self.report_invitation(id, EventKind::Started);
        self.report_conversation(conversation, EventKind::Added, None);
        self.add_local_participant(conversation);
        self.report_messaging(conversation, None);

        if self.user_at(&remote).is_none() {
            self.fail_invitation(id, Outcome::DestinationNotFound);
            return Ok(id);
        }
        let endpoints: Vec<ApplicationId> = self
            .applications_of(&remote)
            .into_iter()
            .filter(|endpoint| {
                *endpoint != application
                    && self
                        .application(*endpoint)
                        .is_ok_and(|endpoint| endpoint.takes_messaging())
            })
            .collect();
        if endpoints.is_empty() {
            self.fail_invitation(id, Outcome::Unreachable);
            return Ok(id);
        }
        for endpoint in endpoints {
            self.ring(id, conversation, endpoint)?;
        }
        self.set_timer(self.config.invitation_timeout, Timer::Invitation(id));
        Ok(id)
    }

    /// Invites the other side of a conversation that lives on without messaging.
    fn add_messaging(
        &mut self,
        application: ApplicationId,
        conversation: &str,
        wish: Wish,
    ) -> Result<InvitationId, Refusal> {
        let conversation = ConversationId::parse(&conversation.to_lowercase())
            .ok_or(Refusal::CONVERSATION_NOT_FOUND)?;
        self.check_conversation(application, conversation)?;
        let found = self.conversation(conversation)?;
        let (Some(other), MessagingState::Disconnected, None) =
            (found.other, found.messaging, found.invitation)
        else {
            return Err(Refusal::conflict(
                "AlreadyExists",
                "The conversation has messaging, or is about to have it.",
            ));
        };
        let incoming = Wish {
            operation: None,
            message: wish.message.clone(),
        };
        let side = Side::Outgoing {
            ringing: Vec::new(),
            founding: false,
        };
        let id = self.add_invitation(conversation, wish, side)?;
        if let Some(conversation) = self.conversations.get_mut(&conversation) {
            conversation.messaging = MessagingState::Connecting;
        }
        self.report_invitation(id, EventKind::Started);
        self.report_messaging(conversation, None);
        let side = Side::Incoming {
            outgoing: id,
            introduced: true,
        };
        let view = self.add_invitation(other, incoming, side)?;
        self.rings(id, view);
        self.report_invitation(view, EventKind::Started);
        self.set_timer(self.config.invitation_timeout, Timer::Invitation(id));
        Ok(id)
    }

    /// Keeps a new invitation, the one that rings in its conversation.
    fn add_invitation(
        &mut self,
        conversation: ConversationId,
        wish: Wish,
        side: Side,
    ) -> Result<InvitationId, Refusal> {
        let id = self.identifiers.invitation();
        let found = self
            .conversations
            .get_mut(&conversation)
            .ok_or(Refusal::CONVERSATION_NOT_FOUND)?;
        found.invitation = Some(id);
        let application = found.application;
        if let Some(application) = self.applications.get_mut(&application) {
            application.invitations.push(id);
        }
        self.invitations.insert(
            id,
            Invitation {
                application,
                conversation,
                state: InvitationState::Connecting,
                operation: wish.operation,
                message: wish.message,
                side,
            },
        );
        Ok(id)
    }

    fn rings(&mut self, outgoing: InvitationId, view: InvitationId) {
        if let Some(Invitation {
            side: Side::Outgoing { ringing, .. },
            ..
        }) = self.invitations.get_mut(&outgoing)
        {
            ringing.push(view);
        }
    }

    /// Shows the invitation at an endpoint of the callee.
    fn ring(
        &mut self,
        outgoing: InvitationId,
        conversation: ConversationId,
        endpoint: ApplicationId,
    ) -> Result<(), Refusal> {
        let caller = self.conversation(conversation)?;
        let formats = self.application(endpoint)?.formats;
        let callee = Conversation {
            application: endpoint,
            local: caller.remote.clone(),
            remote: caller.local.clone(),
            other: None,
            thread: caller.thread.clone(),
            subject: caller.subject.clone(),
            importance: caller.importance.clone(),
            state: ConversationState::Incoming,
            messaging: MessagingState::Connecting,
            formats,
            invitation: None,
            messages: Vec::new(),
            typing: None,
            typed: 0,
            introduced: false,
            title: self.display_name(&caller.local).to_owned(),
        };
        let message = self
            .invitations
            .get(&outgoing)
            .and_then(|invitation| invitation.message.as_ref())
            .map(|message| message.within(formats));
        let conversation = self.add_conversation(callee);
        let wish = Wish {
            operation: None,
            message,
        };
        let side = Side::Incoming {
            outgoing,
            introduced: false,
        };
        let id = self.add_invitation(conversation, wish, side)?;
        self.rings(outgoing, id);
        self.report_invitation(id, EventKind::Started);
        self.report_conversation(conversation, EventKind::Added, None);
        self.add_local_participant(conversation);
        self.set_timer(INTRODUCTION, Timer::Introduction(id));
        Ok(())
    }

    /// Tells the callee who calls: the participant, and the invitation without its links to answer, as `ReceiveAnIM` has it before the
    /// client accepts.
    pub(super) fn introduce(&mut self, id: InvitationId) {
        let Some(invitation) = self.invitations.get_mut(&id) else {
            return;
        };
        if let Side::Incoming { introduced, .. } = &mut invitation.side {
            *introduced = true;
        }
        let conversation = invitation.conversation;
        self.add_remote_participant(conversation);
        self.report_invitation(id, EventKind::Updated);
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

    pub(super) fn invitation_timed_out(&mut self, id: InvitationId) {
        self.fail_invitation(id, Outcome::TimedOut);
    }

    /// POST accept: the first endpoint to do so has the chat.
    pub(super) fn accept(&mut self, id: InvitationId) -> Result<Reply, Refusal> {
        let (outgoing, callee) = match self.invitations.get(&id) {
            Some(Invitation {
                state: InvitationState::Connecting,
                side: Side::Incoming { outgoing, .. },
                conversation,
                ..
            }) => (*outgoing, *conversation),
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
        self.report_connected_to_caller(caller);
        self.complete(outgoing, InvitationState::Connected, None);
        self.report_connected_to_callee(callee, founding);
        self.complete(id, InvitationState::Connected, None);
        // The text of the invitation comes again as a message.
        let message = self
            .invitations
            .get(&id)
            .and_then(|invitation| invitation.message.clone());
        if let Some(message) = message {
            self.receive(callee, message, None);
        }
        Ok(Reply::no_content())
    }

    /// In the order of `SendAnIM`, its second page.
    fn report_connected_to_caller(&mut self, id: ConversationId) {
        self.report_conversation(id, EventKind::Updated, None);
        self.add_remote_participant(id);
        self.report_participant_messaging(id, Who::Remote, EventKind::Added);
        self.report_participant_messaging(id, Who::Local, EventKind::Added);
        self.report_messaging(id, None);
    }

    /// In the order of `ReceiveAnIM`, the page after the accept.
    fn report_connected_to_callee(&mut self, id: ConversationId, founding: bool) {
        self.add_remote_participant(id);
        self.report_messaging(id, None);
        self.report_conversation(id, EventKind::Updated, None);
        self.report_participant_messaging(id, Who::Local, EventKind::Added);
        self.report_participant_messaging(id, Who::Remote, EventKind::Added);
        if founding {
            self.report_participant(id, Who::Remote, EventKind::Updated);
        }
    }

    /// POST decline. `Local` says no at this endpoint only (`CallDeclineReason_ref`).
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
        Ok(Reply::no_content())
    }

    /// The callee doesn't want the chat: at this endpoint, or at all. The caller hears of it when it rings nowhere any more.
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

    /// The invitation comes to nothing: everywhere it rings, and at the caller.
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
        for incoming in mem::take(ringing) {
            self.complete_incoming(incoming, outcome);
        }
        self.complete(id, outcome.state(), Some(outcome.reason(true)));
        self.end_invited(conversation, founding);
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

    /// What is left of a conversation when the invitation in it has failed.
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

    fn complete(&mut self, id: InvitationId, state: InvitationState, reason: Option<Reason>) {
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
        let link = EventLink::new("messagingInvitation", hrefs::invitation(application, id));
        let event = Event::new(EventKind::Completed, link)
            .status(status)
            .embedding(resource);
        self.emit(application, Source::Communication, because(event, reason));
    }

    fn report_invitation(&mut self, id: InvitationId, kind: EventKind) {
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
        let link = EventLink::new("messagingInvitation", hrefs::invitation(application, id));
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
        let href = hrefs::invitation(application, id);
        let resource = Resource::new("messagingInvitation").with_href(href.clone());
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
        // A conversation that is over has no links any more.
        let Some(conversation) = conversation else {
            return Ok(resource);
        };
        let ringing = invitation.state == InvitationState::Connecting;
        let messaging = hrefs::messaging(application, invitation.conversation);
        let to = match invitation.side {
            Side::Outgoing { .. } => &conversation.remote,
            Side::Incoming { .. } => &conversation.local,
        };
        let outgoing = matches!(invitation.side, Side::Outgoing { .. });
        if outgoing {
            let from =
                hrefs::participant(application, invitation.conversation, &conversation.local);
            let name = self.display_name(&conversation.local).to_owned();
            resource = resource.with_link("from", Link::new(from).with_title(name));
        }
        resource = resource.with_link("to", hrefs::contact(application, to));
        if outgoing && ringing {
            resource = resource.with_link("cancel", format!("{messaging}/terminate"));
        }
        resource = resource.with_link(
            "conversation",
            hrefs::conversation(application, invitation.conversation),
        );
        if !outgoing && ringing {
            resource = resource
                .with_link("accept", format!("{href}/accept"))
                .with_link("decline", format!("{href}/decline"));
        }
        resource = resource.with_link("messaging", messaging);
        if !outgoing && let Some(message) = &invitation.message {
            resource = resource.with_link("message", message.data_uri());
        }
        let remote = self.participant_resource(invitation.conversation, &conversation.remote)?;
        if !outgoing {
            resource = resource.with_embedded("from", remote);
        } else if invitation.state == InvitationState::Connected {
            resource = resource.with_embedded_many("acceptedByParticipant", vec![remote]);
        }
        Ok(resource)
    }
}
