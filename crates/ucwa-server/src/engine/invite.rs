//! The start of an invitation: at the caller, and at the endpoints of the callee (`startMessaging_ref`, `addMessaging_ref`).

use std::time::Duration;

use ucwa_proto::{EventKind, SipUri};

use super::Engine;
use super::answer::Outcome;
use super::conversation::{ConversationState, MessagingState};
use super::exchange::{Exchange, Fields};
use super::identifiers::{ApplicationId, ConversationId, InvitationId};
use super::invitation::{Invitation, InvitationState, Side};
use super::reply::{Refusal, Reply};
use super::routes;
use super::text::Text;
use super::timers::Timer;
use crate::config::address;

/// The maximum length of an operationId (`startMessaging_ref`).
const LONGEST_OPERATION: usize = 50;
/// The maximum length of a subject and of a threadId (`startMessaging_ref`).
const LONGEST_TEXT: usize = 250;

/// When the remote participant is reported to a callee that has not answered: after a second, as in `ReceiveAnIM`.
const INTRODUCTION: Duration = Duration::from_secs(1);

/// The input of an invitation.
struct InvitationInput {
    operation: Option<String>,
    message: Option<Text>,
    custom: Option<String>,
}

impl InvitationInput {
    fn of(fields: &Fields<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            operation: fields.limited("operationId", LONGEST_OPERATION)?,
            message: fields
                .link_href("message")
                .map(Text::from_data_uri)
                .transpose()?,
            custom: fields.link_href("customContent").map(str::to_owned),
        })
    }
}

impl Engine {
    /// POST continueMessaging: invites the other participant of an archived chat, with the thread of the chat.
    pub(super) fn continue_messaging(
        &mut self,
        exchange: &Exchange<'_>,
        application: ApplicationId,
        number: usize,
    ) -> Result<Reply, Refusal> {
        let input = InvitationInput::of(&exchange.fields()?)?;
        let (remote, about) = self.archived_chat(application, number)?;
        let id = self.begin_chat(application, remote, about, input)?;
        Ok(Reply::Created(routes::messaging_invitation(
            application,
            id,
        )))
    }

    /// POST startMessaging, or addMessaging if the query names a conversation.
    pub(super) fn invite(
        &mut self,
        exchange: &Exchange<'_>,
        application: ApplicationId,
    ) -> Result<Reply, Refusal> {
        let fields = exchange.fields()?;
        let input = InvitationInput::of(&fields)?;
        let id = match exchange.query("conversationId") {
            Some(conversation) => self.add_messaging(application, conversation, input)?,
            None => self.start_messaging(application, &fields, input)?,
        };
        Ok(Reply::Created(routes::messaging_invitation(
            application,
            id,
        )))
    }

    fn start_messaging(
        &mut self,
        application: ApplicationId,
        fields: &Fields<'_>,
        input: InvitationInput,
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
        self.begin_chat(application, remote, (thread, subject, importance), input)
    }

    /// Invites a user to a new conversation with this thread, subject and importance.
    fn begin_chat(
        &mut self,
        application: ApplicationId,
        remote: String,
        about: (String, String, String),
        input: InvitationInput,
    ) -> Result<InvitationId, Refusal> {
        let caller = self.application(application)?;
        let local = caller.address.clone();
        let formats = caller.formats;
        self.refuse_guest(&local)?;
        let taken = caller.conversations.iter().any(|id| {
            self.conversation(*id)
                .is_ok_and(|conversation| conversation.thread == about.0)
        });
        if taken {
            return Err(Refusal::conflict(
                "ThreadIdAlreadyExists",
                "A conversation with this thread id is going on.",
            ));
        }
        let conversation = self.add_view(
            application,
            local,
            remote.clone(),
            about,
            (ConversationState::Connecting, formats),
        );
        if let Some(view) = self.conversations.get_mut(&conversation) {
            view.messaging = MessagingState::Connecting;
            view.title.clear();
        }
        let id = self.add_invitation(
            conversation,
            input,
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
        // If the callee is online, the server accepts for the first endpoint that archives its conversations.
        let online = self.is_online(&remote);
        let auto = endpoints.iter().copied().find(|endpoint| {
            let endpoint = self.application(*endpoint);
            online && endpoint.is_ok_and(|endpoint| endpoint.keeps_history())
        });
        let mut taken = None;
        for endpoint in endpoints {
            let auto = auto == Some(endpoint);
            let view = self.ring(id, conversation, endpoint, auto)?;
            taken = taken.or(auto.then_some(view));
        }
        match taken {
            Some(view) => drop(self.accept(view)?),
            None => {
                self.set_timer(self.config.invitation_timeout, Timer::Invitation(id));
            }
        }
        Ok(id)
    }

    /// Invites the other participant of a conversation that continues without messaging.
    fn add_messaging(
        &mut self,
        application: ApplicationId,
        conversation: &str,
        input: InvitationInput,
    ) -> Result<InvitationId, Refusal> {
        let conversation = ConversationId::parse(&conversation.to_lowercase())
            .ok_or(Refusal::CONVERSATION_NOT_FOUND)?;
        self.check_conversation(application, conversation)?;
        let found = self.conversation(conversation)?;
        match (found.state, found.messaging) {
            (ConversationState::Conferenced, MessagingState::Disconnected) => {
                let id = self.request_meeting_chat(conversation, input)?;
                self.enter_meeting_chat(conversation);
                self.complete_chat_request(id);
                return Ok(id);
            }
            (ConversationState::Conferencing { .. }, MessagingState::Disconnected) => {
                let id = self.request_meeting_chat(conversation, input)?;
                if let Some(conversation) = self.conversations.get_mut(&conversation) {
                    conversation.state = ConversationState::Conferencing { chats: true };
                    conversation.messaging = MessagingState::Connecting;
                }
                self.report_messaging(conversation, None);
                return Ok(id);
            }
            _ => {}
        }
        let (Some(other), MessagingState::Disconnected, None) =
            (found.other, found.messaging, found.invitation)
        else {
            return Err(Refusal::conflict(
                "AlreadyExists",
                "The conversation has messaging, or is about to have it.",
            ));
        };
        let incoming = InvitationInput {
            operation: None,
            message: input.message.clone(),
            custom: input.custom.clone(),
        };
        let side = Side::Outgoing {
            ringing: Vec::new(),
            founding: false,
        };
        let id = self.add_invitation(conversation, input, side)?;
        if let Some(conversation) = self.conversations.get_mut(&conversation) {
            conversation.messaging = MessagingState::Connecting;
        }
        self.report_invitation(id, EventKind::Started);
        self.report_messaging(conversation, None);
        let side = Side::Incoming {
            outgoing: id,
            introduced: true,
            auto: false,
        };
        let view = self.add_invitation(other, incoming, side)?;
        self.rings(id, view);
        self.report_invitation(view, EventKind::Started);
        self.set_timer(self.config.invitation_timeout, Timer::Invitation(id));
        Ok(id)
    }

    /// Adds a request for the chat of a conference, which no participant has to accept.
    fn request_meeting_chat(
        &mut self,
        conversation: ConversationId,
        input: InvitationInput,
    ) -> Result<InvitationId, Refusal> {
        let side = Side::Outgoing {
            ringing: Vec::new(),
            founding: false,
        };
        let id = self.add_invitation(conversation, input, side)?;
        self.report_invitation(id, EventKind::Started);
        Ok(id)
    }

    /// The chat that was requested is connected. The text of the request is a message to the others in the chat.
    pub(super) fn complete_chat_request(&mut self, id: InvitationId) {
        self.complete(id, InvitationState::Connected, None);
        let Some(invitation) = self.invitations.get(&id) else {
            return;
        };
        let conversation = invitation.conversation;
        let (Some(message), Ok(view)) =
            (invitation.message.clone(), self.conversation(conversation))
        else {
            return;
        };
        let author = view.local.clone();
        for (other, _) in self.chatting(conversation) {
            self.receive(other, &author, message.clone(), None);
        }
    }

    /// Adds an invitation, which is the pending one of its conversation.
    fn add_invitation(
        &mut self,
        conversation: ConversationId,
        input: InvitationInput,
        side: Side,
    ) -> Result<InvitationId, Refusal> {
        let id = self.identifiers.invitation();
        let found = self
            .conversations
            .get_mut(&conversation)
            .ok_or(Refusal::CONVERSATION_NOT_FOUND)?;
        found.invitation = Some(id);
        let application = found.application;
        if let Some(application) = self.applications.get_mut(application) {
            application.invitations.push(id);
        }
        self.invitations.insert(
            id,
            Invitation {
                application,
                conversation,
                state: InvitationState::Connecting,
                operation: input.operation,
                message: input.message,
                custom: input.custom,
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

    /// Adds the view and the incoming invitation at an endpoint of the callee, and reports them.
    fn ring(
        &mut self,
        outgoing: InvitationId,
        conversation: ConversationId,
        endpoint: ApplicationId,
        auto: bool,
    ) -> Result<InvitationId, Refusal> {
        let caller = self.conversation(conversation)?;
        let formats = self.application(endpoint)?.formats;
        let (local, remote) = (caller.remote.clone(), caller.local.clone());
        let about = (
            caller.thread.clone(),
            caller.subject.clone(),
            caller.importance.clone(),
        );
        let outgoing_invitation = self.invitations.get(&outgoing);
        let message = outgoing_invitation
            .and_then(|invitation| invitation.message.as_ref())
            .map(|message| message.within(formats));
        let custom = outgoing_invitation.and_then(|invitation| invitation.custom.clone());
        let state = (ConversationState::Incoming, formats);
        let conversation = self.add_view(endpoint, local, remote, about, state);
        if let Some(view) = self.conversations.get_mut(&conversation) {
            view.messaging = MessagingState::Connecting;
        }
        let input = InvitationInput {
            operation: None,
            message,
            custom,
        };
        let side = Side::Incoming {
            outgoing,
            introduced: false,
            auto,
        };
        let id = self.add_invitation(conversation, input, side)?;
        self.rings(outgoing, id);
        self.report_invitation(id, EventKind::Started);
        self.report_conversation(conversation, EventKind::Added, None);
        self.add_local_participant(conversation);
        self.set_timer(INTRODUCTION, Timer::Introduction(id));
        Ok(id)
    }

    /// Reports the remote participant to the callee, and the invitation without its links to answer, as in `ReceiveAnIM` before
    /// the
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
}
