//! Conferences: how a chat of two becomes one, who is in it, and how they leave (`onlineMeeting_ref`, `participant_ref`).
//!
//! No page shows the events of an escalation together; the states are those of `ConversationState_ref`, and each event has the form
//! of its reference page.

use std::collections::BTreeSet;
use std::time::Duration;

use ucwa_proto::{Event, EventKind, EventLink, Link, Resource};

use super::Engine;
use super::conversation::{Conversation, ConversationState, MessagingState, Reason, because};
use super::events::Source;
use super::identifiers::{ApplicationId, ConversationId, MeetingId};
use super::reply::Refusal;
use super::routes;
use super::timers::Timer;

/// How long two take to become a conference.
const CONFERENCING: Duration = Duration::from_secs(1);

/// A conference.
#[derive(Debug)]
pub(super) struct Meeting {
    pub(super) uri: String,
    /// The address of the one who made it one, and always leads it.
    pub(super) organizer: String,
    /// The addresses of the others who lead it.
    pub(super) leaders: BTreeSet<String>,
    /// The addresses of those who were invited into it.
    pub(super) invited: BTreeSet<String>,
    /// The views of those who are in it, in the order of their coming.
    pub(super) members: Vec<ConversationId>,
    /// The views of those who wait to be let in, in the order of their coming.
    pub(super) lobby: Vec<ConversationId>,
}

impl Meeting {
    pub(super) fn new(id: MeetingId, organizer: &str) -> Self {
        Self {
            uri: format!("sip:{organizer};gruu;opaque=app:conf:focus:id:{id}"),
            organizer: organizer.to_owned(),
            leaders: BTreeSet::new(),
            invited: BTreeSet::new(),
            members: Vec::new(),
            lobby: Vec::new(),
        }
    }
}

/// A part of the participants of a conference, each a resource of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Leaders,
    Attendees,
    Lobby,
}

impl View {
    pub(super) const ALL: [Self; 3] = [Self::Leaders, Self::Attendees, Self::Lobby];

    pub(super) fn rel(self) -> &'static str {
        match self {
            Self::Leaders => "leaders",
            Self::Attendees => "attendees",
            Self::Lobby => "lobby",
        }
    }

    pub(super) fn href(self, application: ApplicationId, id: ConversationId) -> String {
        match self {
            Self::Leaders => routes::leaders(application, id),
            Self::Attendees => routes::attendees(application, id),
            Self::Lobby => routes::lobby(application, id),
        }
    }
}

impl Engine {
    /// Keeps a new conference, which the one with this address makes.
    pub(super) fn add_meeting(&mut self, organizer: &str) -> MeetingId {
        let id = self.identifiers.meeting();
        self.meetings.insert(id, Meeting::new(id, organizer));
        id
    }

    /// The conference with this URI, which ends with its ID.
    pub(super) fn meeting_at(&self, uri: &str) -> Option<MeetingId> {
        let (_, id) = uri.rsplit_once(':')?;
        let id = MeetingId::parse(id)?;
        let meeting = self.meetings.get(&id)?;
        meeting.uri.eq_ignore_ascii_case(uri).then_some(id)
    }

    pub(super) fn meeting_of(&self, conversation: &Conversation) -> Option<&Meeting> {
        self.meetings.get(&conversation.meeting?)
    }

    /// The views of the others, with their addresses: of one, or of all in the conference.
    pub(super) fn others(&self, id: ConversationId) -> Vec<(ConversationId, String)> {
        let Ok(conversation) = self.conversation(id) else {
            return Vec::new();
        };
        let members = match self.meeting_of(conversation) {
            // Nobody is seen from the lobby.
            _ if conversation.state == ConversationState::InLobby => Vec::new(),
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
        Some(
            if meeting.organizer == address || meeting.leaders.contains(address) {
                "Leader"
            } else {
                "Attendee"
            },
        )
    }

    pub(super) fn leads(&self, conversation: &Conversation) -> bool {
        self.role(conversation, &conversation.local) == Some("Leader")
    }

    pub(super) fn online_meeting_resource(
        &self,
        id: ConversationId,
    ) -> Result<Resource<'static>, Refusal> {
        let conversation = self.conversation(id)?;
        let id_of_meeting = conversation.meeting.ok_or(Refusal::NOT_FOUND)?;
        let meeting = self.meeting_of(conversation).ok_or(Refusal::NOT_FOUND)?;
        let application = conversation.application;
        Ok(Resource::new("onlineMeeting")
            .with_href(routes::online_meeting(application, id))
            .with_property("onlineMeetingUri", meeting.uri.clone())
            .with_property("subject", conversation.subject.clone())
            .with_property("organizerUri", format!("sip:{}", meeting.organizer))
            .with_property(
                "organizerName",
                self.display_name(&meeting.organizer).to_owned(),
            )
            .with_property("accessLevel", "SameEnterprise")
            .with_property("automaticLeaderAssignment", "Disabled")
            .with_property("onlineMeetingId", id_of_meeting.to_string())
            .with_property(
                "leaders",
                uris(meeting.leaders.iter().chain([&meeting.organizer])),
            )
            .with_property(
                "attendees",
                uris(meeting.invited.difference(&meeting.leaders)),
            )
            .with_link(
                "organizer",
                routes::contact(application, &meeting.organizer),
            )
            .with_link("conversation", routes::conversation(application, id)))
    }

    /// The leaders, the attendees, or the lobby.
    pub(super) fn view_resource(
        &self,
        id: ConversationId,
        view: View,
    ) -> Result<Resource<'static>, Refusal> {
        let conversation = self.conversation(id)?;
        let mut everybody = self.remotes(id);
        everybody.push(conversation.local.clone());
        everybody.append(&mut self.waiting(conversation));
        let links: Vec<Link<'static>> = everybody
            .iter()
            .filter(|address| self.view(conversation, address) == Some(view))
            .map(|address| Link::new(routes::participant(conversation.application, id, address)))
            .collect();
        let href = view.href(conversation.application, id);
        let resource = Resource::new(view.rel()).with_href(href);
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
        let waiting = self.conversation(id).map(|it| self.waiting(it));
        for address in waiting.unwrap_or_default() {
            self.show_participant(id, &address);
        }
    }

    /// Reports that a participant is in the conference, and in the view of its role, or in the lobby.
    pub(super) fn show_participant(&mut self, id: ConversationId, address: &str) {
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
        let chats = self
            .conversation(id)
            .is_ok_and(|conversation| self.has_messaging(conversation, id, address));
        if chats {
            self.report_participant_messaging(id, address, EventKind::Added);
        }
    }

    /// The view that the one with this address is in.
    fn view(&self, conversation: &Conversation, address: &str) -> Option<View> {
        Some(match self.role(conversation, address)? {
            _ if self.is_waiting(conversation, address) => View::Lobby,
            "Leader" => View::Leaders,
            _ => View::Attendees,
        })
    }

    /// Reports that the one with this address is in its view.
    pub(super) fn report_view(&mut self, id: ConversationId, address: &str) {
        let Ok(conversation) = self.conversation(id) else {
            return;
        };
        if let Some(view) = self.view(conversation, address) {
            self.report_in_view(id, address, view, EventKind::Added);
        }
    }

    /// Reports that the one with this address came into a view, or is in it no more.
    pub(super) fn report_in_view(
        &mut self,
        id: ConversationId,
        address: &str,
        view: View,
        kind: EventKind,
    ) {
        let Ok(conversation) = self.conversation(id) else {
            return;
        };
        let application = conversation.application;
        let href = view.href(application, id);
        let link = self.participant_link(conversation, id, address);
        let event = Event::new(kind, link).within(EventLink::new(view.rel(), href));
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
        if conversation.state == ConversationState::InLobby {
            return self.leave_lobby(id, reason);
        }
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
            meeting.leaders.remove(&local);
            if meeting.members.is_empty() {
                for waiting in meeting.lobby.clone() {
                    self.leave_lobby(waiting, Some(Reason::ENDED));
                }
                self.meetings.remove(&id_of_meeting);
                // A scheduled meeting can take place again.
                if let Some(entry) = self.calendar.get(&id_of_meeting) {
                    let meeting = entry.meeting(id_of_meeting);
                    self.meetings.insert(id_of_meeting, meeting);
                }
            }
        }
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

/// The SIP URIs of addresses.
fn uris<'a>(addresses: impl Iterator<Item = &'a String>) -> Vec<String> {
    addresses.map(|address| format!("sip:{address}")).collect()
}
