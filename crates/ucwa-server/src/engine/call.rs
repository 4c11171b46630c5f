//! Invitations to conferences: of participants by `addParticipant`, and of the user itself by `startOnlineMeeting` and
//! `joinOnlineMeeting` (`participantInvitation_ref`, `onlineMeetingInvitation_ref`).

use ucwa_proto::{Event, EventKind, EventLink, EventStatus, Link, Resource, SipUri};

use super::Engine;
use super::answer::Outcome;
use super::conversation::{ConversationState, Reason, because};
use super::events::Source;
use super::exchange::Exchange;
use super::identifiers::{ApplicationId, ConversationId, InvitationId, MeetingId};
use super::invitation::InvitationState;
use super::reply::{Refusal, Reply};
use super::routes;
use super::timers::Timer;
use crate::config::address;

const LONGEST_OPERATION: usize = 50;
const LONGEST_TEXT: usize = 250;

/// An invitation to a conference, as one application sees it.
#[derive(Debug)]
pub(super) struct Call {
    application: ApplicationId,
    /// The view of the inviting or of the invited user.
    conversation: ConversationId,
    operation: Option<String>,
    state: InvitationState,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The outgoing invitation of a participant: the participant's address, and the incoming invitations that are pending at the
    /// participant's endpoints.
    Participant {
        to: String,
        ringing: Vec<InvitationId>,
    },
    /// The incoming invitation at an endpoint, and the outgoing invitation that caused it.
    Incoming { by: InvitationId },
    /// The user starts or joins a conference.
    Own,
}

impl Call {
    fn rel(&self) -> &'static str {
        match self.kind {
            Kind::Participant { .. } => "participantInvitation",
            Kind::Incoming { .. } | Kind::Own => "onlineMeetingInvitation",
        }
    }
}

impl Engine {
    /// POST addParticipant. A chat of two becomes a conference first.
    pub(super) fn add_participant(
        &mut self,
        exchange: &Exchange<'_>,
        application: ApplicationId,
    ) -> Result<Reply, Refusal> {
        let fields = exchange.fields()?;
        let conversation = exchange
            .query("conversation")
            .and_then(|id| ConversationId::parse(&id.to_lowercase()))
            .ok_or(Refusal::CONVERSATION_NOT_FOUND)?;
        self.check_conversation(application, conversation)?;
        let operation = fields.limited("operationId", LONGEST_OPERATION)?;
        let to = fields.required("to", usize::MAX)?;
        let to = SipUri::parse(&to).map_err(|_| Refusal::parameter("`to` isn't a SIP URI."))?;
        let to = address(&to);
        let state = self.conversation(conversation)?.state;
        if !state.is_established()
            || self.remotes(conversation).contains(&to)
            || self.is_called_to(conversation, &to)
        {
            return Err(Refusal::conflict(
                "AlreadyExists",
                "The conversation isn't established, or the participant is in it, or is being called.",
            ));
        }
        let kind = Kind::Participant {
            to,
            ringing: Vec::new(),
        };
        let id = self.add_call(application, conversation, operation, kind);
        self.report_call(id, EventKind::Started);
        match state {
            ConversationState::Connected => self.escalate(conversation),
            ConversationState::Conferenced => self.call_participants(conversation),
            _ => {}
        }
        Ok(Reply::Created(self.call_href(id)))
    }

    /// POST startOnlineMeeting, or joinOnlineMeeting if the body names a conference.
    pub(super) fn begin_meeting(
        &mut self,
        exchange: &Exchange<'_>,
        application: ApplicationId,
    ) -> Result<Reply, Refusal> {
        let fields = exchange.fields()?;
        let operation = fields.limited("operationId", LONGEST_OPERATION)?;
        let uri = fields.required("onlineMeetingUri", usize::MAX)?;
        let subject = fields.limited("subject", LONGEST_TEXT)?.unwrap_or_default();
        let thread = match fields.limited("threadId", LONGEST_TEXT)? {
            Some(thread) => thread,
            None => self.identifiers.thread(),
        };
        let caller = self.application(application)?;
        let (local, formats) = (caller.address.clone(), caller.formats);
        self.introduce_guest(&local, &uri, &fields)?;
        let meeting = match self.meeting_at(&uri) {
            Some(meeting) => meeting,
            None if uri == "adhoc" => self.add_meeting(&local),
            None => return Err(Refusal::MEETING_NOT_FOUND),
        };
        let subject = match self.calendar.get(meeting) {
            Some(entry) if subject.is_empty() => entry.subject().to_owned(),
            _ => subject,
        };
        let conversation = self.add_view(
            application,
            local,
            String::new(),
            (thread, subject, "Normal".to_owned()),
            (ConversationState::Connecting, formats),
        );
        if let Some(conversation) = self.conversations.get_mut(&conversation) {
            conversation.meeting = Some(meeting);
        }
        let id = self.add_call(application, conversation, operation, Kind::Own);
        self.report_call(id, EventKind::Started);
        self.report_conversation(conversation, EventKind::Added, None);
        self.add_local_participant(conversation);
        if self.must_wait(meeting, conversation) {
            self.wait_in_lobby(conversation, meeting);
        } else {
            self.join_meeting(conversation, meeting);
        }
        self.complete_call(id, InvitationState::Connected, None);
        Ok(Reply::Created(self.call_href(id)))
    }

    /// Whether an invitation of the user with this address is pending in this conversation or in its conference.
    fn is_called_to(&self, conversation: ConversationId, address: &str) -> bool {
        let Ok(view) = self.conversation(conversation) else {
            return false;
        };
        let members = match self.meeting_of(view) {
            Some(meeting) => meeting.members.as_slice(),
            None => &[conversation],
        };
        members
            .iter()
            .filter_map(|member| self.conversations.get(member))
            .flat_map(|member| &member.calling)
            .filter_map(|call| self.calls.get(call))
            .any(|call| matches!(&call.kind, Kind::Participant { to, .. } if to == address))
    }

    fn add_call(
        &mut self,
        application: ApplicationId,
        conversation: ConversationId,
        operation: Option<String>,
        kind: Kind,
    ) -> InvitationId {
        let id = self.identifiers.invitation();
        if let Some(application) = self.applications.get_mut(application) {
            application.calls.push(id);
        }
        if matches!(kind, Kind::Participant { .. })
            && let Some(view) = self.conversations.get_mut(&conversation)
        {
            view.calling.insert(id);
        }
        self.calls.insert(
            id,
            Call {
                application,
                conversation,
                operation,
                state: InvitationState::Connecting,
                kind,
            },
        );
        id
    }

    /// Sends the pending invitations of this view to the endpoints of the invited users, after the conference was created.
    pub(super) fn call_participants(&mut self, conversation: ConversationId) {
        let Ok(view) = self.conversation(conversation) else {
            return;
        };
        let calls = view.calling.iter();
        let waiting: Vec<(InvitationId, String)> = calls
            .filter_map(|id| match &self.calls.get(id)?.kind {
                Kind::Participant { to, ringing } if ringing.is_empty() => Some((*id, to.clone())),
                _ => None,
            })
            .collect();
        for (id, to) in waiting {
            self.call(id, conversation, &to);
        }
    }

    fn call(&mut self, id: InvitationId, conversation: ConversationId, to: &str) {
        let Ok(caller) = self.conversation(conversation) else {
            return;
        };
        let Some(meeting) = caller.meeting else {
            return;
        };
        let like = (
            caller.thread.clone(),
            caller.subject.clone(),
            caller.importance.clone(),
        );
        let from = caller.local.clone();
        if self.user_at(to).is_none() {
            return self.fail_call(id, Outcome::DestinationNotFound);
        }
        let endpoints: Vec<_> = self
            .applications_of(to)
            .into_iter()
            .filter_map(|endpoint| {
                let application = self.application(endpoint).ok()?;
                application
                    .takes_messaging()
                    .then_some((endpoint, application.formats))
            })
            .collect();
        if endpoints.is_empty() {
            return self.fail_call(id, Outcome::Unreachable);
        }
        if let Some(meeting) = self.meetings.get_mut(&meeting) {
            meeting.invited.insert(to.to_owned());
        }
        for (endpoint, formats) in endpoints {
            let state = (ConversationState::Incoming, formats);
            let view = self.add_view(endpoint, to.to_owned(), from.clone(), like.clone(), state);
            let incoming = self.add_call(endpoint, view, None, Kind::Incoming { by: id });
            if let Some(conversation) = self.conversations.get_mut(&view) {
                conversation.called = Some((incoming, meeting));
            }
            if let Some(Call {
                kind: Kind::Participant { ringing, .. },
                ..
            }) = self.calls.get_mut(&id)
            {
                ringing.push(incoming);
            }
            self.report_call(incoming, EventKind::Started);
            self.report_conversation(view, EventKind::Added, None);
            self.add_local_participant(view);
        }
        self.set_timer(self.config.invitation_timeout, Timer::Call(id));
    }

    /// POST accept: the first endpoint that accepts joins the conference.
    pub(super) fn accept_call(&mut self, id: InvitationId) -> Result<Reply, Refusal> {
        let (view, by) = self.ringing_call(id)?;
        let (_, meeting) = self
            .conversations
            .get_mut(&view)
            .and_then(|conversation| conversation.called.take())
            .ok_or(Refusal::NOT_FOUND)?;
        for other in self.take_ringing(by) {
            if other != id {
                self.end_call(other, Outcome::ConnectedElsewhere);
            }
        }
        self.join_meeting(view, meeting);
        self.complete_call(id, InvitationState::Connected, None);
        self.complete_call(by, InvitationState::Connected, None);
        Ok(Reply::Done)
    }

    /// POST decline, or DELETE of the invited conversation.
    pub(super) fn decline_call(&mut self, id: InvitationId) -> Result<Reply, Refusal> {
        let (_, by) = self.ringing_call(id)?;
        let mut ringing = self.take_ringing(by);
        ringing.retain(|other| *other != id);
        self.end_call(id, Outcome::Declined);
        if ringing.is_empty() {
            self.fail_call(by, Outcome::Declined);
        } else if let Some(Call {
            kind: Kind::Participant { ringing: rings, .. },
            ..
        }) = self.calls.get_mut(&by)
        {
            *rings = ringing;
        }
        Ok(Reply::Done)
    }

    /// POST cancel of an outgoing invitation of a participant.
    pub(super) fn cancel_call(&mut self, id: InvitationId) -> Result<Reply, Refusal> {
        if !self.is_calling(id) {
            return Err(Refusal::NOT_FOUND);
        }
        self.fail_call(id, Outcome::Cancelled);
        Ok(Reply::Done)
    }

    /// Cancels the pending invitations of this view.
    pub(super) fn cancel_calls_of(&mut self, conversation: ConversationId) {
        let calls = self.conversation(conversation).map(|it| it.calling.clone());
        for id in calls.unwrap_or_default() {
            if self.is_calling(id) {
                self.fail_call(id, Outcome::Cancelled);
            }
        }
    }

    pub(super) fn is_calling(&self, id: InvitationId) -> bool {
        self.calls.get(&id).is_some_and(|call| {
            call.state == InvitationState::Connecting
                && matches!(call.kind, Kind::Participant { .. })
        })
    }

    pub(super) fn call_timed_out(&mut self, id: InvitationId) {
        self.fail_call(id, Outcome::TimedOut);
    }

    /// The application that an invitation to a conference belongs to.
    pub(super) fn application_of_call(&self, id: InvitationId) -> Option<ApplicationId> {
        self.calls.get(&id).map(|call| call.application)
    }

    fn ringing_call(&self, id: InvitationId) -> Result<(ConversationId, InvitationId), Refusal> {
        match self.calls.get(&id) {
            Some(Call {
                state: InvitationState::Connecting,
                kind: Kind::Incoming { by },
                conversation,
                ..
            }) => Ok((*conversation, *by)),
            _ => Err(Refusal::NOT_FOUND),
        }
    }

    fn take_ringing(&mut self, id: InvitationId) -> Vec<InvitationId> {
        match self.calls.get_mut(&id) {
            Some(Call {
                kind: Kind::Participant { ringing, .. },
                ..
            }) => std::mem::take(ringing),
            _ => Vec::new(),
        }
    }

    /// Ends an outgoing invitation, and the incoming invitations at the endpoints of the invited user.
    fn fail_call(&mut self, id: InvitationId, outcome: Outcome) {
        for incoming in self.take_ringing(id) {
            self.end_call(incoming, outcome);
        }
        self.complete_call(id, outcome.state(), Some(outcome.reason(true)));
    }

    fn end_call(&mut self, id: InvitationId, outcome: Outcome) {
        let Some(view) = self.calls.get(&id).map(|call| call.conversation) else {
            return;
        };
        self.complete_call(id, outcome.state(), Some(outcome.reason(false)));
        self.end_conversation(view, None);
    }

    fn complete_call(&mut self, id: InvitationId, state: InvitationState, reason: Option<Reason>) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.state = state;
        if let Some(view) = self.conversations.get_mut(&call.conversation) {
            view.calling.remove(&id);
        }
        let (application, rel) = (call.application, call.rel());
        let status = match state {
            InvitationState::Connected => EventStatus::Success,
            _ => EventStatus::Failure,
        };
        let Ok(resource) = self.call_resource(id) else {
            return;
        };
        let link = EventLink::new(rel, self.call_href(id));
        let event = Event::new(EventKind::Completed, link)
            .status(status)
            .embedding(resource);
        self.emit(application, Source::Communication, because(event, reason));
    }

    fn report_call(&mut self, id: InvitationId, kind: EventKind) {
        let (Some(call), Ok(resource)) = (self.calls.get(&id), self.call_resource(id)) else {
            return;
        };
        let application = call.application;
        let link = EventLink::new(call.rel(), self.call_href(id));
        let event = Event::new(kind, link).embedding(resource);
        self.emit(application, Source::Communication, event);
    }

    fn call_href(&self, id: InvitationId) -> String {
        self.calls
            .get(&id)
            .map_or_else(String::new, |call| match call.kind {
                Kind::Participant { .. } => routes::participant_invitation(call.application, id),
                Kind::Incoming { .. } | Kind::Own => {
                    routes::online_meeting_invitation(call.application, id)
                }
            })
    }

    /// The link to the local participant of a view, with the name.
    fn link_to_local(&self, id: ConversationId) -> Result<Link<'static>, Refusal> {
        let conversation = self.conversation(id)?;
        let href = routes::participant(conversation.application, id, &conversation.local);
        Ok(Link::new(href).with_title(self.display_name(&conversation.local).to_owned()))
    }

    pub(super) fn call_resource(&self, id: InvitationId) -> Result<Resource<'static>, Refusal> {
        let call = self.calls.get(&id).ok_or(Refusal::NOT_FOUND)?;
        let incoming = matches!(call.kind, Kind::Incoming { .. });
        let direction = if incoming { "Incoming" } else { "Outgoing" };
        let mut resource = Resource::new(call.rel())
            .with_href(self.call_href(id))
            .with_property("direction", direction)
            .with_property("state", call.state.name());
        if let Some(operation) = &call.operation {
            resource = resource.with_property("operationId", operation.clone());
        }
        // The invitation of a conversation that has ended has no links.
        let Ok(conversation) = self.conversation(call.conversation) else {
            return Ok(resource);
        };
        resource = resource
            .with_property("importance", conversation.importance.clone())
            .with_property("threadId", conversation.thread.clone())
            .with_property("subject", conversation.subject.clone())
            .with_link(
                "conversation",
                routes::conversation(call.application, call.conversation),
            );
        let ringing = call.state == InvitationState::Connecting;
        match &call.kind {
            Kind::Participant { to, .. } => {
                resource = resource
                    .with_property("to", format!("sip:{to}"))
                    .with_link("from", self.link_to_local(call.conversation)?);
                resource = self.with_contact(resource, "to", call.application, to);
                if ringing {
                    let cancel = routes::cancel_participant_invitation(call.application, id);
                    resource = resource.with_link("cancel", cancel);
                } else if call.state == InvitationState::Connected {
                    let href = routes::participant(call.application, call.conversation, to);
                    let participant = self.participant_resource(call.conversation, to)?;
                    resource = resource.with_link("participant", href);
                    resource =
                        resource.with_embedded_many("acceptedByParticipant", vec![participant]);
                }
            }
            Kind::Incoming { .. } | Kind::Own => {
                resource = resource.with_property("availableModalities", vec!["Messaging"]);
                if !incoming {
                    resource = resource.with_link("from", self.link_to_local(call.conversation)?);
                }
                let meeting: Option<MeetingId> = conversation
                    .meeting
                    .or(conversation.called.map(|(_, meeting)| meeting));
                if let Some(meeting) = meeting.and_then(|id| self.meetings.get(&id)) {
                    resource = resource.with_property("onlineMeetingUri", meeting.uri.clone());
                }
                if self.is_guest(&conversation.local) {
                    let name = self.display_name(&conversation.local).to_owned();
                    resource = resource.with_property("anonymousDisplayName", name);
                }
                if incoming {
                    let remote = conversation.remote.clone();
                    let name = self.display_name(&remote).to_owned();
                    if let Ok(from) = self.participant_called(call.conversation, &remote, &name) {
                        resource = resource.with_embedded("from", from);
                    }
                    if ringing {
                        let accept = routes::accept_online_meeting_invitation(call.application, id);
                        let decline =
                            routes::decline_online_meeting_invitation(call.application, id);
                        resource = resource
                            .with_link("accept", accept)
                            .with_link("decline", decline);
                    }
                }
            }
        }
        Ok(resource)
    }
}
