//! Conferences: the escalation of a chat of two, members, and leaving (`onlineMeeting_ref`, `participant_ref`).
//!
//! No page shows the events of an escalation together. The states are those of `ConversationState_ref`, and each event has the
//! form of its reference page.

use std::collections::BTreeSet;
use std::time::Duration;

use ucwa_proto::{Event, EventKind, EventLink, Link, Resource};

use super::Engine;
use super::conversation::{Conversation, ConversationState, MessagingState, Reason, because};
use super::events::Source;
use super::identifiers::{ApplicationId, ConversationId, InvitationId, MeetingId};
use super::reply::Refusal;
use super::routes;
use super::timers::Timer;

/// The duration of an escalation.
const CONFERENCING: Duration = Duration::from_secs(1);

/// A conference.
#[derive(Debug)]
pub(super) struct Meeting {
    pub(super) uri: String,
    /// The address of the user who created the conference, and who is always a leader.
    pub(super) organizer: String,
    /// The addresses of the other leaders.
    pub(super) leaders: BTreeSet<String>,
    /// The addresses of the invited users.
    pub(super) invited: BTreeSet<String>,
    /// The views of the members, in the order in which they joined.
    pub(super) members: Vec<ConversationId>,
    /// The views in the lobby, in the order in which they came.
    pub(super) lobby: Vec<ConversationId>,
}

impl Meeting {
    /// A meeting without participants.
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

/// A subset of the participants of a conference. Each is a resource.
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
    /// Adds a conference with this organizer.
    pub(super) fn add_meeting(&mut self, organizer: &str) -> MeetingId {
        let id = self.identifiers.meeting();
        self.meetings.insert(id, Meeting::new(id, organizer));
        id
    }

    /// The conference with this URI. The URI ends with the ID.
    pub(super) fn meeting_at(&self, uri: &str) -> Option<MeetingId> {
        let (_, id) = uri.rsplit_once(':')?;
        let id = MeetingId::parse(id)?;
        let meeting = self.meetings.get(&id)?;
        meeting.uri.eq_ignore_ascii_case(uri).then_some(id)
    }

    pub(super) fn meeting_of(&self, conversation: &Conversation) -> Option<&Meeting> {
        self.meetings.get(&conversation.meeting?)
    }

    /// The views and addresses of the other participants: of one, or of all other members of the conference.
    pub(super) fn others(&self, id: ConversationId) -> Vec<(ConversationId, String)> {
        let Ok(conversation) = self.conversation(id) else {
            return Vec::new();
        };
        let members = match self.meeting_of(conversation) {
            // A view in the lobby sees no participant.
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

    /// The addresses of the remote participants of this view.
    pub(super) fn remotes(&self, id: ConversationId) -> Vec<String> {
        match self.conversation(id) {
            Ok(conversation) if conversation.meeting.is_none() => vec![conversation.remote.clone()],
            _ => {
                let others = self.others(id).into_iter();
                others.map(|(_, address)| address).collect()
            }
        }
    }

    /// The role of the user with this address in the conference. `None` outside of a conference.
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
        let mut all = self.remotes(id);
        all.push(conversation.local.clone());
        all.append(&mut self.waiting(conversation));
        let links: Vec<Link<'static>> = all
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

    /// Turns a chat of two into a conference. Messaging is disconnected until its members join the chat of the conference.
    pub(super) fn escalate(&mut self, id: ConversationId) {
        let Ok(conversation) = self.conversation(id) else {
            return;
        };
        let (leader, Some(other)) = (conversation.local.clone(), conversation.other) else {
            return;
        };
        // An invitation to a chat of two cannot be accepted in a conference.
        for view in [id, other] {
            self.cancel_chat_invitation(view);
        }
        let meeting = self.add_meeting(&leader);
        for view in [id, other] {
            self.typing_is_over(view);
            let Some(conversation) = self.conversations.get_mut(&view) else {
                continue;
            };
            conversation.meeting = Some(meeting);
            conversation.other = None;
            let before =
                std::mem::replace(&mut conversation.messaging, MessagingState::Disconnected);
            conversation.state = ConversationState::Conferencing {
                chats: before == MessagingState::Connected,
            };
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

    /// Ends an escalation: reports the conference to its members, connects their chats again, and sends the pending invitations
    /// of participants.
    pub(super) fn conferenced(&mut self, id: MeetingId) {
        let Some(meeting) = self.meetings.get(&id) else {
            return;
        };
        let members = meeting.members.clone();
        let chatting = members.iter().copied().filter(|view| {
            self.conversation(*view).is_ok_and(|conversation| {
                conversation.state == ConversationState::Conferencing { chats: true }
            })
        });
        let chatting: Vec<_> = chatting.collect();
        for view in &members {
            self.enter_meeting(*view);
        }
        let requests = chatting
            .into_iter()
            .filter_map(|view| self.enter_meeting_chat(view));
        // Every member is in the chat before the texts of the requests are delivered.
        let requests: Vec<_> = requests.collect();
        for request in requests {
            self.complete_chat_request(request);
        }
        for view in members {
            self.call_participants(view);
        }
    }

    /// Puts a view into the state `Conferenced`, and reports the conference and the roles of its participants.
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

    /// Reports a participant of the conference, and whether it is a leader, an attendee or in the lobby.
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

    /// Whether the user with this address is a leader, an attendee or in the lobby.
    fn view(&self, conversation: &Conversation, address: &str) -> Option<View> {
        Some(match self.role(conversation, address)? {
            _ if self.is_waiting(conversation, address) => View::Lobby,
            "Leader" => View::Leaders,
            _ => View::Attendees,
        })
    }

    /// Reports whether the user with this address is a leader, an attendee or in the lobby.
    pub(super) fn report_view(&mut self, id: ConversationId, address: &str) {
        let Ok(conversation) = self.conversation(id) else {
            return;
        };
        if let Some(view) = self.view(conversation, address) {
            self.report_in_view(id, address, view, EventKind::Added);
        }
    }

    /// Reports that the user with this address was added to or deleted from the leaders, the attendees or the lobby.
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

    /// Adds a view to the conference, and reports its user to the other members.
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

    /// Connects the chat of a member of the conference. Returns the request for it, if the member has made one.
    pub(super) fn enter_meeting_chat(&mut self, id: ConversationId) -> Option<InvitationId> {
        let conversation = self.conversations.get_mut(&id)?;
        conversation.messaging = MessagingState::Connected;
        let request = conversation.invitation.take();
        let local = conversation.local.clone();
        self.report_messaging(id, None);
        self.report_participant_messaging(id, &local, EventKind::Added);
        for (other, _) in self.others(id) {
            self.report_participant_messaging(other, &local, EventKind::Added);
        }
        request
    }

    /// Leaves the chat of a conference, or cancels the request for it, but stays in the conference.
    pub(super) fn leave_meeting_chat(&mut self, id: ConversationId) {
        self.cancel_chat_invitation(id);
        let Some(conversation) = self.conversations.get_mut(&id) else {
            return;
        };
        if let ConversationState::Conferencing { chats } = &mut conversation.state {
            *chats = false;
        }
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

    /// Removes a view from the conference: the user has left or was ejected. The conference ends with its last member.
    pub(super) fn leave_meeting(&mut self, id: ConversationId, reason: Option<Reason>) {
        let Ok(conversation) = self.conversation(id) else {
            return;
        };
        if conversation.state == ConversationState::InLobby {
            return self.leave_lobby(id, reason);
        }
        self.cancel_chat_invitation(id);
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
            meeting.leaders.remove(&local);
            if meeting.members.is_empty() {
                for waiting in meeting.lobby.clone() {
                    self.leave_lobby(waiting, Some(Reason::ENDED));
                }
                self.meetings.remove(&id_of_meeting);
                // A scheduled meeting can take place again.
                if let Some(entry) = self.calendar.get(id_of_meeting) {
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
        self.participants_changed(id);
    }
}

/// The SIP URIs of addresses.
fn uris<'a>(addresses: impl Iterator<Item = &'a String>) -> Vec<String> {
    addresses.map(|address| format!("sip:{address}")).collect()
}
