//! Conversations: each participant's application has its own view of a chat (`conversation_ref`, `messaging_ref`).

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use ucwa_proto::{DateTime, Event, EventKind, EventLink, Link, Resource};

use super::Engine;
use super::answer::Outcome;
use super::events::Source;
use super::history::Record;
use super::identifiers::{ApplicationId, ConversationId, InvitationId, MeetingId};
use super::invitation::Side;
use super::meeting::View;
use super::message::{DeliveryId, Message};
use super::reply::{Refusal, Reply, problem};
use super::routes;
use super::text::Formats;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConversationState {
    Connecting,
    Incoming,
    Connected,
    /// A chat of two is becoming a conference. With `chats`, the chat of the view is connected again when the conference stands.
    Conferencing {
        chats: bool,
    },
    Conferenced,
    /// The user waits to be admitted to a conference.
    InLobby,
    Disconnected,
}

impl ConversationState {
    /// Whether the participants have joined: two, or the members of a conference.
    pub(super) fn is_established(self) -> bool {
        matches!(
            self,
            Self::Connected | Self::Conferencing { .. } | Self::Conferenced
        )
    }

    fn name(self) -> &'static str {
        match self {
            Self::Connecting => "Connecting",
            Self::Incoming => "Incoming",
            Self::Connected => "Connected",
            Self::Conferencing { .. } => "Conferencing",
            Self::Conferenced => "Conferenced",
            Self::InLobby => "InLobby",
            Self::Disconnected => "Disconnected",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessagingState {
    Connecting,
    Connected,
    Disconnected,
}

impl MessagingState {
    fn name(self) -> &'static str {
        match self {
            Self::Connecting => "Connecting",
            Self::Connected => "Connected",
            Self::Disconnected => "Disconnected",
        }
    }
}

/// The view that one application has of a chat.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) application: ApplicationId,
    /// The address of the user of this view.
    pub(super) local: String,
    /// The address of the other participant in a chat of two.
    pub(super) remote: String,
    /// The view of the other participant of a chat of two, after the invitation was accepted.
    pub(super) other: Option<ConversationId>,
    pub(super) thread: String,
    pub(super) subject: String,
    pub(super) importance: String,
    pub(super) state: ConversationState,
    pub(super) messaging: MessagingState,
    pub(super) formats: Formats,
    /// The pending invitation to messaging.
    pub(super) invitation: Option<InvitationId>,
    pub(super) messages: Vec<Message>,
    /// The deliveries from this view, and those to it.
    pub(super) deliveries: BTreeSet<DeliveryId>,
    /// The participants who are typing, each with the value of `typed` at their last report.
    pub(super) typing: BTreeMap<String, u64>,
    pub(super) typed: u64,
    /// The remote participants who were reported as added.
    pub(super) introduced: BTreeSet<String>,
    /// The conference, if the conversation is part of one.
    pub(super) meeting: Option<MeetingId>,
    /// The pending incoming invitation to a conference, and the conference.
    pub(super) called: Option<(InvitationId, MeetingId)>,
    /// The pending outgoing invitations of participants.
    pub(super) calling: BTreeSet<InvitationId>,
    /// Whether the server accepted the conversation and the user has not acknowledged it.
    pub(super) unacknowledged: bool,
    /// The messages for the archive.
    pub(super) record: Record,
    /// When the view was created.
    created: SystemTime,
    /// The title of links to the remote participant. Empty in an outgoing conversation.
    pub(super) title: String,
}

impl Engine {
    /// Checks that the conversation exists and belongs to the application.
    pub(super) fn check_conversation(
        &self,
        application: ApplicationId,
        id: ConversationId,
    ) -> Result<(), Refusal> {
        match self.conversations.get(&id) {
            Some(conversation) if conversation.application == application => Ok(()),
            _ => Err(Refusal::CONVERSATION_NOT_FOUND),
        }
    }

    pub(super) fn conversation(&self, id: ConversationId) -> Result<&Conversation, Refusal> {
        self.conversations
            .get(&id)
            .ok_or(Refusal::CONVERSATION_NOT_FOUND)
    }

    /// Adds a view with this thread, subject and importance, and with this state and these formats.
    pub(super) fn add_view(
        &mut self,
        application: ApplicationId,
        local: String,
        remote: String,
        (thread, subject, importance): (String, String, String),
        (state, formats): (ConversationState, Formats),
    ) -> ConversationId {
        let title = self.display_name(&remote).to_owned();
        let conversation = Conversation {
            application,
            local,
            remote,
            other: None,
            thread,
            subject,
            importance,
            state,
            messaging: MessagingState::Disconnected,
            formats,
            invitation: None,
            messages: Vec::new(),
            deliveries: BTreeSet::new(),
            typing: BTreeMap::new(),
            typed: 0,
            introduced: BTreeSet::new(),
            meeting: None,
            called: None,
            calling: BTreeSet::new(),
            unacknowledged: false,
            created: self.wall(),
            record: Record::begun_by_user(state != ConversationState::Incoming),
            title,
        };
        let id = self.identifiers.conversation();
        if let Some(application) = self.applications.get_mut(application) {
            application.conversations.push(id);
        }
        self.conversations.insert(id, conversation);
        id
    }

    pub(super) fn conversations_resource(&self, application: ApplicationId) -> Resource<'static> {
        let ids = self
            .applications
            .get(application)
            .map(|application| application.conversations.as_slice())
            .unwrap_or_default();
        let links = ids
            .iter()
            .map(|id| Link::new(routes::conversation(application, *id)));
        let resource = Resource::new("conversations").with_href(routes::conversations(application));
        if ids.is_empty() {
            resource
        } else {
            resource.with_links("conversation", links)
        }
    }

    pub(super) fn conversation_resource(
        &self,
        id: ConversationId,
    ) -> Result<Resource<'static>, Refusal> {
        let conversation = self.conversation(id)?;
        let application = conversation.application;
        let active = match (conversation.state, conversation.messaging) {
            (ConversationState::Incoming, _) | (_, MessagingState::Connected) => vec!["Messaging"],
            _ => Vec::new(),
        };
        let resource = Resource::new("conversation")
            .with_href(routes::conversation(application, id))
            .with_property("state", conversation.state.name())
            .with_property("threadId", conversation.thread.clone())
            .with_property("subject", conversation.subject.clone())
            .with_property("activeModalities", active)
            .with_property("importance", conversation.importance.clone())
            .with_property("recording", false)
            .with_property("created", DateTime::from(conversation.created).to_json())
            .with_link("messaging", routes::messaging(application, id));
        if !conversation.state.is_established() {
            return Ok(resource);
        }
        let resource = match conversation.meeting {
            None => resource,
            Some(_) => View::ALL.into_iter().fold(
                resource.with_link("onlineMeeting", routes::online_meeting(application, id)),
                |resource, view| resource.with_link(view.rel(), view.href(application, id)),
            ),
        };
        if matches!(conversation.state, ConversationState::Conferencing { .. }) {
            return Ok(resource);
        }
        let count = i64::try_from(self.remotes(id).len() + 1).unwrap_or(i64::MAX);
        let resource = resource.with_property("participantCount", count);
        let local = routes::participant(application, id, &conversation.local);
        let name = self.display_name(&conversation.local).to_owned();
        let add_participant = format!(
            "{}?conversation={id}",
            routes::participant_invitations(application)
        );
        let resource = if conversation.unacknowledged {
            resource.with_link(
                "userAcknowledged",
                routes::user_acknowledged(application, id),
            )
        } else {
            resource
        };
        Ok(resource
            .with_link("participants", routes::participants(application, id))
            .with_link("localParticipant", Link::new(local).with_title(name))
            .with_link("addParticipant", add_participant))
    }

    pub(super) fn messaging_resource(
        &self,
        id: ConversationId,
    ) -> Result<Resource<'static>, Refusal> {
        let conversation = self.conversation(id)?;
        let application = conversation.application;
        let mut resource = Resource::new("messaging")
            .with_href(routes::messaging(application, id))
            .with_property("state", conversation.messaging.name());
        if conversation.messaging == MessagingState::Connected {
            resource = resource.with_property(
                "negotiatedMessageFormats",
                conversation.formats.names().to_vec(),
            );
        }
        resource = resource.with_link("conversation", routes::conversation(application, id));
        Ok(match conversation.messaging {
            MessagingState::Disconnected => {
                let add_messaging = format!(
                    "{}?conversationId={id}",
                    routes::messaging_invitations(application)
                );
                resource.with_link("addMessaging", add_messaging)
            }
            MessagingState::Connecting => {
                resource.with_link("stopMessaging", routes::stop_messaging(application, id))
            }
            MessagingState::Connected => resource
                .with_link("stopMessaging", routes::stop_messaging(application, id))
                .with_link("sendMessage", routes::messages(application, id))
                .with_link("setIsTyping", routes::set_is_typing(application, id))
                .with_link(
                    "typingParticipants",
                    routes::typing_participants(application, id),
                ),
        })
    }

    /// Queues an event with the current conversation.
    pub(super) fn report_conversation(
        &mut self,
        id: ConversationId,
        kind: EventKind,
        reason: Option<Reason>,
    ) {
        let (Ok(conversation), Ok(resource)) =
            (self.conversation(id), self.conversation_resource(id))
        else {
            return;
        };
        let application = conversation.application;
        let link = EventLink::new("conversation", routes::conversation(application, id));
        let event = because(Event::new(kind, link).embedding(resource), reason);
        self.emit(application, Source::Communication, event);
        self.participants_changed(id);
    }

    /// Queues an event with the current messaging.
    pub(super) fn report_messaging(&mut self, id: ConversationId, reason: Option<Reason>) {
        let (Ok(conversation), Ok(resource)) = (self.conversation(id), self.messaging_resource(id))
        else {
            return;
        };
        let application = conversation.application;
        let link = EventLink::new("messaging", routes::messaging(application, id));
        let event = because(
            Event::new(EventKind::Updated, link).embedding(resource),
            reason,
        );
        self.emit(application, Source::Conversation(id), event);
    }

    /// POST stopMessaging, which is also the `cancel` of an outgoing invitation (`SendAnIM`). It ends a conversation of two.
    pub(super) fn stop_messaging(&mut self, id: ConversationId) -> Result<Reply, Refusal> {
        if self.conversation(id)?.messaging == MessagingState::Disconnected
            && self.conversation(id)?.invitation.is_none()
        {
            return Err(Refusal::NOT_FOUND);
        }
        if self.conversation(id)?.meeting.is_some() {
            self.leave_meeting_chat(id);
            return Ok(Reply::Done);
        }
        self.hang_up(id, false);
        Ok(Reply::Done)
    }

    /// Ends the pending invitation or the chat of this view. With `wholly`, also the conversation of an invitation.
    pub(super) fn hang_up(&mut self, id: ConversationId, wholly: bool) {
        let Some(conversation) = self.conversations.get(&id) else {
            return;
        };
        if let Some((call, _)) = conversation.called {
            // `called` holds only pending invitations, which can be declined.
            let _ = self.decline_call(call);
            return;
        }
        self.cancel_calls_of(id);
        let Some(conversation) = self.conversations.get(&id) else {
            return;
        };
        if conversation.meeting.is_some() {
            return self.leave_meeting(id, None);
        }
        if let Some(invitation) = conversation.invitation {
            match self.invitations.get(&invitation).map(|found| &found.side) {
                Some(Side::Incoming { .. }) => self.turn_down(invitation, false),
                _ => self.fail_invitation(invitation, Outcome::Cancelled),
            }
            if !wholly {
                return;
            }
        }
        if let Some(conversation) = self.conversations.get(&id) {
            let other = conversation.other;
            self.end_conversation(id, None);
            if let Some(other) = other {
                self.end_conversation(other, Some(Reason::ENDED));
            }
        }
    }

    /// Ends a view: messaging, participants, the conversation. `reason` explains the end to a user who did not cause it.
    pub(super) fn end_conversation(&mut self, id: ConversationId, reason: Option<Reason>) {
        self.fail_deliveries(id);
        self.archive(id);
        let Some(conversation) = self.conversations.get_mut(&id) else {
            return;
        };
        let application = conversation.application;
        let connected = conversation.messaging == MessagingState::Connected;
        conversation.messaging = MessagingState::Disconnected;
        conversation.state = ConversationState::Disconnected;
        self.report_messaging(id, reason);
        self.remove_participants(id, connected);
        self.report_conversation(id, EventKind::Updated, reason);
        let link = EventLink::new("conversation", routes::conversation(application, id));
        self.emit(
            application,
            Source::Communication,
            Event::new(EventKind::Deleted, link),
        );
        self.conversations.remove(&id);
        if let Some(application) = self.applications.get_mut(application) {
            application.conversations.retain(|other| *other != id);
        }
    }

    /// Ends only the messaging of a view.
    pub(super) fn end_messaging(&mut self, id: ConversationId) {
        self.fail_deliveries(id);
        let Some(conversation) = self.conversations.get_mut(&id) else {
            return;
        };
        let before = std::mem::replace(&mut conversation.messaging, MessagingState::Disconnected);
        if before != MessagingState::Disconnected {
            self.report_messaging(id, None);
        }
        if before == MessagingState::Connected {
            self.remove_participants_messaging(id);
            self.report_conversation(id, EventKind::Updated, None);
        }
    }
}

/// The reason of an event: code, subcode and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    pub(super) code: &'static str,
    pub(super) subcode: &'static str,
    pub(super) message: &'static str,
}

impl Reason {
    /// The other participant has left. The code `Informational` is not a failure.
    pub(super) const ENDED: Self = Self {
        code: "Informational",
        subcode: "CallTerminated",
        message: "The other side has left the conversation.",
    };

    /// The server has accepted the invitation for the user.
    pub(super) const AUTO_ACCEPTED: Self = Self {
        code: "Informational",
        subcode: "AutoAccepted",
        message: "The invitation was accepted for the user.",
    };
}

/// The event with this reason, if there is one.
pub(super) fn because(event: Event<'static>, reason: Option<Reason>) -> Event<'static> {
    match reason {
        Some(reason) => event.reason(problem(reason.code, Some(reason.subcode), reason.message)),
        None => event,
    }
}
