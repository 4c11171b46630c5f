//! The participants of a conversation (`participant_ref`, `participantMessaging_ref`).

use ucwa_proto::{Event, EventKind, EventLink, Link, Resource};

use super::Engine;
use super::conversation::{Conversation, MessagingState};
use super::events::Source;
use super::identifiers::ConversationId;
use super::reply::Refusal;
use super::routes;

impl Engine {
    /// The participant with this address. Fails if it does not take part.
    pub(super) fn participant_resource(
        &self,
        id: ConversationId,
        address: &str,
    ) -> Result<Resource<'static>, Refusal> {
        self.participant_called(id, address, self.display_name(address))
    }

    /// The participant with this address, with this display name.
    pub(super) fn participant_called(
        &self,
        id: ConversationId,
        address: &str,
        name: &str,
    ) -> Result<Resource<'static>, Refusal> {
        let conversation = self.conversation(id)?;
        let application = conversation.application;
        let resource = Resource::new("participant")
            .with_href(routes::participant(application, id, address))
            .with_property(
                "sourceNetwork",
                source_network(address, &conversation.local),
            )
            .with_property("anonymous", self.is_guest(address))
            .with_property("name", name.to_owned())
            .with_property("uri", format!("sip:{address}"))
            .with_link("conversation", routes::conversation(application, id));
        let resource = match self.role(conversation, address) {
            Some(role) => resource
                .with_property("role", role)
                .with_property("local", address == conversation.local),
            None => resource,
        };
        let resource = if self.is_waiting(conversation, address) {
            resource.with_property("inLobby", true)
        } else {
            resource
        };
        let resource = match self.meeting_of(conversation) {
            Some(meeting) => resource.with_property("organizer", meeting.organizer == address),
            None => resource,
        };
        let resource = if self.has_messaging(conversation, id, address) {
            let href = routes::participant_messaging(application, id, address);
            resource.with_link("participantMessaging", href)
        } else {
            resource
        };
        if address == conversation.local {
            return Ok(resource.with_link("me", routes::me(application)));
        }
        // The inviting user is a participant also before the invited user has joined the conference.
        if address != conversation.remote
            && !self.is_waiting(conversation, address)
            && !self.remotes(id).iter().any(|it| it == address)
        {
            return Err(Refusal::NOT_FOUND);
        }
        let resource = if self.is_guest(address) {
            resource
        } else {
            resource
                .with_link("contact", routes::contact(application, address))
                .with_link(
                    "contactPresence",
                    routes::contact_presence(application, address),
                )
        };
        let measures = self.measures(id, address).into_iter();
        Ok(measures.fold(resource, |resource, measure| {
            resource.with_link(measure.rel(), measure.href(application, id, address))
        }))
    }

    pub(super) fn participants_resource(
        &self,
        id: ConversationId,
    ) -> Result<Resource<'static>, Refusal> {
        let conversation = self.conversation(id)?;
        let remotes = self.remotes(id);
        let links = remotes.iter().map(|address| {
            Link::new(routes::participant(conversation.application, id, address))
                .with_title(self.display_name(address).to_owned())
        });
        let href = routes::participants(conversation.application, id);
        let resource = Resource::new("participants").with_href(href);
        Ok(if remotes.is_empty() {
            resource
        } else {
            resource.with_links("participant", links)
        })
    }

    pub(super) fn participant_messaging_resource(
        &self,
        id: ConversationId,
        address: &str,
    ) -> Result<Resource<'static>, Refusal> {
        let conversation = self.conversation(id)?;
        if !self.has_messaging(conversation, id, address) {
            return Err(Refusal::NOT_FOUND);
        }
        let link = self.participant_link(conversation, id, address);
        Ok(Resource::new("participantMessaging")
            .with_href(routes::participant_messaging(
                conversation.application,
                id,
                address,
            ))
            .with_link(
                "participant",
                Link::new(link.href).with_title(link.title.unwrap_or_default()),
            ))
    }

    /// Whether the participant with this address is in the chat. A member of a conference may be in the chat while the user of
    /// the
    /// view is not.
    pub(super) fn has_messaging(
        &self,
        conversation: &Conversation,
        id: ConversationId,
        address: &str,
    ) -> bool {
        let chats = |view: &Conversation| view.messaging == MessagingState::Connected;
        if address == conversation.local || conversation.meeting.is_none() {
            let takes_part = address == conversation.local || address == conversation.remote;
            return takes_part && chats(conversation);
        }
        self.others(id)
            .into_iter()
            .any(|(view, other)| other == address && self.conversation(view).is_ok_and(chats))
    }

    /// The link to a participant in the form of an event.
    pub(super) fn participant_link(
        &self,
        conversation: &Conversation,
        id: ConversationId,
        address: &str,
    ) -> EventLink<'static> {
        let (rel, title) = if address == conversation.local {
            ("localParticipant", self.display_name(address))
        } else if conversation.meeting.is_some() {
            ("participant", self.display_name(address))
        } else {
            ("participant", conversation.title.as_str())
        };
        EventLink::new(
            rel,
            routes::participant(conversation.application, id, address),
        )
        .with_title(title.to_owned())
    }

    /// Reports the local participant as added, with the embedded resource.
    pub(super) fn add_local_participant(&mut self, id: ConversationId) {
        let Ok(conversation) = self.conversation(id) else {
            return;
        };
        let Ok(resource) = self.participant_resource(id, &conversation.local) else {
            return;
        };
        let application = conversation.application;
        let link = self.participant_link(conversation, id, &conversation.local);
        self.emit(
            application,
            Source::Conversation(id),
            Event::new(EventKind::Added, link).embedding(resource),
        );
    }

    /// Reports the remote participant as added, by link only, unless it was reported before.
    pub(super) fn add_remote_participant(&mut self, id: ConversationId) {
        if let Some(conversation) = self.conversations.get_mut(&id) {
            let remote = conversation.remote.clone();
            if conversation.introduced.insert(remote.clone()) {
                self.report_participant(id, &remote, EventKind::Added, None);
            }
        }
    }

    /// Reports the messaging of a participant as added or deleted. That of the local participant is embedded.
    pub(super) fn report_participant_messaging(
        &mut self,
        id: ConversationId,
        address: &str,
        kind: EventKind,
    ) {
        let Ok(conversation) = self.conversation(id) else {
            return;
        };
        let application = conversation.application;
        let participant = self.participant_link(conversation, id, address);
        let link = EventLink::new(
            "participantMessaging",
            routes::participant_messaging(application, id, address),
        );
        let added = kind == EventKind::Added;
        let mut event = Event::new(kind, link).within(participant);
        if added
            && address == conversation.local
            && let Ok(resource) = self.participant_messaging_resource(id, address)
        {
            event = event.embedding(resource);
        }
        self.emit(application, Source::Conversation(id), event);
    }

    pub(super) fn remove_participants_messaging(&mut self, id: ConversationId) {
        let Ok(conversation) = self.conversation(id) else {
            return;
        };
        let local = conversation.local.clone();
        let mut all: Vec<_> = conversation.introduced.iter().cloned().collect();
        all.push(local);
        for address in all {
            self.report_participant_messaging(id, &address, EventKind::Deleted);
        }
    }

    /// Reports all participants as deleted who were reported as added.
    pub(super) fn remove_participants(&mut self, id: ConversationId, with_messaging: bool) {
        if with_messaging {
            self.remove_participants_messaging(id);
        }
        let Some(conversation) = self.conversations.get_mut(&id) else {
            return;
        };
        let local = conversation.local.clone();
        for address in std::mem::take(&mut conversation.introduced) {
            self.report_participant(id, &address, EventKind::Deleted, None);
        }
        self.report_participant(id, &local, EventKind::Deleted, None);
    }
}

/// The network of the user with this address, as the user `from` sees it (`SourceNetwork_ref`).
fn source_network(address: &str, from: &str) -> &'static str {
    if enterprise(address) == enterprise(from) {
        "SameEnterprise"
    } else {
        "Federated"
    }
}

/// The enterprise of an address: its domain.
pub(super) fn enterprise(address: &str) -> Option<&str> {
    address.split_once('@').map(|(_, domain)| domain)
}
