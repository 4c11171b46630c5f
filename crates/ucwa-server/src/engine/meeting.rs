//! Conferences: how a chat of two becomes one, who is in it, and how they leave (`onlineMeeting_ref`, `participant_ref`, `eject_ref`).
//!
//! No page shows the events of an escalation together; the states are those of `ConversationState_ref`, and each event has the form
//! of its reference page.

use std::time::Duration;

use ucwa_proto::{Event, EventKind, EventLink, Link, Resource};

use super::Engine;
use super::conversation::{Conversation, ConversationState, MessagingState, Reason, because};
use super::events::Source;
use super::hrefs;
use super::identifiers::{ApplicationId, ConversationId, MeetingId};
use super::reply::{Refusal, Reply};
use super::timers::Timer;

/// How long two take to become a conference.
const CONFERENCING: Duration = Duration::from_secs(1);

/// A conference.
#[derive(Debug)]
pub(super) struct Meeting {
    pub(super) uri: String,
    /// The address of the one who leads it: who made it one.
    pub(super) leader: String,
    /// The views of those who are in it, in the order of their coming.
    pub(super) members: Vec<ConversationId>,
}

const EJECTED: Reason = Reason {
    code: "RemoteFailure",
    subcode: "Ejected",
    message: "A leader has ejected the participant.",
};

impl Engine {
    /// Keeps a new conference, with this view as the leader's.
    pub(super) fn add_meeting(&mut self, leader: &str) -> MeetingId {
        let id = self.identifiers.meeting();
        let uri = format!("sip:{leader};gruu;opaque=app:conf:focus:id:{id}");
        let meeting = Meeting {
            uri,
            leader: leader.to_owned(),
            members: Vec::new(),
        };
        self.meetings.insert(id, meeting);
        id
    }

    /// The conference with this URI.
    pub(super) fn meeting_at(&self, uri: &str) -> Option<MeetingId> {
        self.meetings
            .iter()
            .find(|(_, meeting)| meeting.uri.eq_ignore_ascii_case(uri))
            .map(|(id, _)| *id)
    }

    fn meeting_of(&self, conversation: &Conversation) -> Option<&Meeting> {
        self.meetings.get(&conversation.meeting?)
    }

    /// The views of the others, with their addresses: of one, or of all in the conference.
    pub(super) fn others(&self, id: ConversationId) -> Vec<(ConversationId, String)> {
        let Ok(conversation) = self.conversation(id) else {
            return Vec::new();
        };
        let members = match self.meeting_of(conversation) {
            Some(meeting) => meeting.members.clone(),
            None => conversation.other.into_iter().collect(),
        };
        members
            .into_iter()
            .filter(|member| *member != id)
            .filter_map(|member| Some((member, self.conversations.get(&member)?.local.clone())))
            .collect()
    }

    /// The addresses of the remote participants as this view has them.
    pub(super) fn remotes(&self, id: ConversationId) -> Vec<String> {
        match self.conversation(id) {
            Ok(conversation) if conversation.meeting.is_none() => vec![conversation.remote.clone()],
            _ => {
                let others = self.others(id).into_iter();
                others.map(|(_, address)| address).collect()
            }
        }
    }

    /// What the one with this address may do in the conference; nothing is said of it outside of one.
    pub(super) fn role(&self, conversation: &Conversation, address: &str) -> Option<&'static str> {
        let meeting = self.meeting_of(conversation)?;
        Some(if meeting.leader == address {
            "Leader"
        } else {
            "Attendee"
        })
    }

    pub(super) fn leads(&self, conversation: &Conversation) -> bool {
        self.role(conversation, &conversation.local) == Some("Leader")
    }

    pub(super) fn online_meeting_resource(
        &self,
        id: ConversationId,
    ) -> Result<Resource<'static>, Refusal> {
        let conversation = self.conversation(id)?;
        let meeting = self.meeting_of(conversation).ok_or(Refusal::NOT_FOUND)?;
        let href = hrefs::conversation(conversation.application, id);
        Ok(Resource::new("onlineMeeting")
            .with_href(format!("{href}/onlineMeeting"))
            .with_property("onlineMeetingUri", meeting.uri.clone())
            .with_property("subject", conversation.subject.clone())
            .with_property("organizerUri", format!("sip:{}", meeting.leader))
            .with_link("conversation", href))
    }

    /// The leaders, the attendees, or the lobby, which lets everybody pass.
    pub(super) fn view_resource(
        &self,
        id: ConversationId,
        view: &'static str,
    ) -> Result<Resource<'static>, Refusal> {
        let conversation = self.conversation(id)?;
        let href = hrefs::conversation(conversation.application, id);
        let role = match view {
            "leaders" => "Leader",
            "attendees" => "Attendee",
            _ => "",
        };
        let mut everybody = self.remotes(id);
        everybody.push(conversation.local.clone());
        let links: Vec<Link<'static>> = everybody
            .iter()
            .filter(|address| self.role(conversation, address) == Some(role))
            .map(|address| Link::new(hrefs::participant(conversation.application, id, address)))
            .collect();
        let resource = Resource::new(view).with_href(format!("{href}/{view}"));
        Ok(if links.is_empty() {
            resource
        } else {
            resource.with_links("participant", links)
        })
    }

    /// Makes a chat of two a conference: it is away for a while, and its messaging with it.
    pub(super) fn escalate(&mut self, id: ConversationId) {
        let Ok(conversation) = self.conversation(id) else {
            return;
        };
        let (leader, Some(other)) = (conversation.local.clone(), conversation.other) else {
            return;
        };
        let meeting = self.add_meeting(&leader);
        for view in [id, other] {
            self.typing_is_over(view);
            let Some(conversation) = self.conversations.get_mut(&view) else {
                continue;
            };
            conversation.meeting = Some(meeting);
            conversation.other = None;
            conversation.state = ConversationState::Conferencing;
            let before =
                std::mem::replace(&mut conversation.messaging, MessagingState::Disconnected);
            if let Some(meeting) = self.meetings.get_mut(&meeting) {
                meeting.members.push(view);
            }
            if before == MessagingState::Connected {
                self.report_messaging(view, None);
            }
        }
        for view in [id, other] {
            self.remove_participants_messaging(view);
            self.report_conversation(view, EventKind::Updated, None);
        }
        self.set_timer(CONFERENCING, Timer::Conferenced(meeting));
    }

    /// The conference stands: everybody learns of it, and those who were added are called.
    pub(super) fn conferenced(&mut self, id: MeetingId) {
        let Some(meeting) = self.meetings.get(&id) else {
            return;
        };
        let members = meeting.members.clone();
        for view in &members {
            self.enter_meeting(*view);
        }
        for view in members {
            self.call_participants(view);
        }
    }

    /// This view is of the conference now, and its participants have roles.
    pub(super) fn enter_meeting(&mut self, id: ConversationId) {
        let Some(conversation) = self.conversations.get_mut(&id) else {
            return;
        };
        conversation.state = ConversationState::Conferenced;
        let application = conversation.application;
        self.report_conversation(id, EventKind::Updated, None);
        if let Ok(resource) = self.online_meeting_resource(id) {
            let href = resource.href().unwrap_or_default().to_owned();
            let link = EventLink::new("onlineMeeting", href);
            let event = Event::new(EventKind::Added, link).embedding(resource);
            self.emit(application, Source::Conversation(id), event);
        }
        let Ok(local) = self.conversation(id).map(|it| it.local.clone()) else {
            return;
        };
        self.report_view(id, &local);
        for remote in self.remotes(id) {
            self.show_participant(id, &remote);
        }
    }

    /// Reports that a participant is in the conference, and in the view of its role.
    fn show_participant(&mut self, id: ConversationId, address: &str) {
        let new = self
            .conversations
            .get_mut(&id)
            .is_some_and(|conversation| conversation.introduced.insert(address.to_owned()));
        let kind = if new {
            EventKind::Added
        } else {
            EventKind::Updated
        };
        self.report_participant(id, address, kind, None);
        self.report_view(id, address);
        let chats = self.others(id).into_iter().any(|(view, other)| {
            other == address
                && self
                    .conversation(view)
                    .is_ok_and(|view| view.messaging == MessagingState::Connected)
        });
        if chats {
            self.report_participant_messaging(id, address, EventKind::Added);
        }
    }

    fn report_view(&mut self, id: ConversationId, address: &str) {
        let Ok(conversation) = self.conversation(id) else {
            return;
        };
        let application = conversation.application;
        let view = match self.role(conversation, address) {
            Some("Leader") => "leaders",
            Some(_) => "attendees",
            None => return,
        };
        let href = format!("{}/{view}", hrefs::conversation(application, id));
        let link = self.participant_link(conversation, id, address);
        let event = Event::new(EventKind::Added, link).within(EventLink::new(view, href));
        self.emit(application, Source::Conversation(id), event);
    }

    /// Somebody comes into the conference: his view, and everybody else's of him.
    pub(super) fn join_meeting(&mut self, id: ConversationId, meeting: MeetingId) {
        let Some(conversation) = self.conversations.get_mut(&id) else {
            return;
        };
        conversation.meeting = Some(meeting);
        conversation.messaging = MessagingState::Disconnected;
        let local = conversation.local.clone();
        if let Some(meeting) = self.meetings.get_mut(&meeting) {
            meeting.members.push(id);
        }
        self.enter_meeting(id);
        self.report_messaging(id, None);
        for (other, _) in self.others(id) {
            self.show_participant(other, &local);
        }
    }

    /// The chat of a conference is there for whoever asks for it.
    pub(super) fn enter_meeting_chat(&mut self, id: ConversationId) {
        let Some(conversation) = self.conversations.get_mut(&id) else {
            return;
        };
        conversation.messaging = MessagingState::Connected;
        conversation.invitation = None;
        let local = conversation.local.clone();
        self.report_messaging(id, None);
        self.report_participant_messaging(id, &local, EventKind::Added);
        for (other, _) in self.others(id) {
            self.report_participant_messaging(other, &local, EventKind::Added);
        }
    }

    /// Ends the chat of one in the conference, who stays in it.
    pub(super) fn leave_meeting_chat(&mut self, id: ConversationId) {
        let Some(conversation) = self.conversations.get_mut(&id) else {
            return;
        };
        let before = std::mem::replace(&mut conversation.messaging, MessagingState::Disconnected);
        let local = conversation.local.clone();
        if before != MessagingState::Connected {
            return;
        }
        self.fail_deliveries(id);
        self.report_messaging(id, None);
        self.report_participant_messaging(id, &local, EventKind::Deleted);
        for (other, _) in self.others(id) {
            self.typing_ends(other, &local);
            self.report_participant_messaging(other, &local, EventKind::Deleted);
        }
    }

    /// One is out of the conference, by will or not; the last one closes it.
    pub(super) fn leave_meeting(&mut self, id: ConversationId, reason: Option<Reason>) {
        let Ok(conversation) = self.conversation(id) else {
            return;
        };
        let (local, meeting) = (conversation.local.clone(), conversation.meeting);
        let chatted = conversation.messaging == MessagingState::Connected;
        let others = self.others(id);
        self.end_conversation(id, reason);
        for (other, _) in others {
            self.typing_ends(other, &local);
            if chatted {
                self.report_participant_messaging(other, &local, EventKind::Deleted);
            }
            if let Some(conversation) = self.conversations.get_mut(&other)
                && conversation.introduced.remove(&local)
            {
                self.report_participant(other, &local, EventKind::Deleted, reason);
            }
        }
        let Some(id_of_meeting) = meeting else { return };
        if let Some(meeting) = self.meetings.get_mut(&id_of_meeting) {
            meeting.members.retain(|member| *member != id);
            if meeting.members.is_empty() {
                self.meetings.remove(&id_of_meeting);
            }
        }
    }

    /// POST eject: leaders only, who are told where.
    pub(super) fn eject(
        &mut self,
        application: ApplicationId,
        id: ConversationId,
        address: &str,
    ) -> Result<Reply, Refusal> {
        self.check_conversation(application, id)?;
        let conversation = self.conversation(id)?;
        if !self.leads(conversation) {
            return Err(Refusal::NOT_LEADING);
        }
        let others = self.others(id).into_iter();
        let views: Vec<_> = others
            .filter(|(_, other)| other == address)
            .map(|(view, _)| view)
            .collect();
        if views.is_empty() {
            return Err(Refusal::NOT_FOUND);
        }
        for view in views {
            self.leave_meeting(view, Some(EJECTED));
        }
        Ok(Reply::no_content())
    }

    /// Reports a participant by link, with a reason if there is one.
    pub(super) fn report_participant(
        &mut self,
        id: ConversationId,
        address: &str,
        kind: EventKind,
        reason: Option<Reason>,
    ) {
        let Ok(conversation) = self.conversation(id) else {
            return;
        };
        let application = conversation.application;
        let link = self.participant_link(conversation, id, address);
        let event = because(Event::new(kind, link), reason);
        self.emit(application, Source::Conversation(id), event);
    }
}
