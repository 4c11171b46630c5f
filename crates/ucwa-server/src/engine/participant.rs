//! The participants of a conversation (`participant_ref`, `participantMessaging_ref`).

use ucwa_proto::{Event, EventKind, EventLink, Link, Resource};

use super::Engine;
use super::conversation::{Conversation, MessagingState};
use super::events::Source;
use super::hrefs;
use super::identifiers::ConversationId;
use super::reply::Refusal;

/// Whose participation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Local,
    Remote,
}

impl Who {
    fn rel(self) -> &'static str {
        match self {
            Self::Local => "localParticipant",
            Self::Remote => "participant",
        }
    }
}

impl Engine {
    /// The one with this address, if it takes part.
    pub(super) fn participant_resource(
        &self,
        id: ConversationId,
        address: &str,
    ) -> Result<Resource<'static>, Refusal> {
        self.participant_called(id, address, self.display_name(address))
    }

    /// The one with this address, under a name of the caller's choice.
    pub(super) fn participant_called(
        &self,
        id: ConversationId,
        address: &str,
        name: &str,
    ) -> Result<Resource<'static>, Refusal> {
        let conversation = self.conversation(id)?;
        let application = conversation.application;
        let resource = Resource::new("participant")
            .with_href(hrefs::participant(application, id, address))
            .with_property("sourceNetwork", "SameEnterprise")
            .with_property("anonymous", false)
            .with_property("name", name.to_owned())
            .with_property("uri", format!("sip:{address}"))
            .with_link("conversation", hrefs::conversation(application, id));
        if address == conversation.remote {
            Ok(resource.with_link("contact", hrefs::contact(application, address)))
        } else if address == conversation.local {
            Ok(resource.with_link("me", hrefs::me(application)))
        } else {
            Err(Refusal::NOT_FOUND)
        }
    }

    pub(super) fn participants_resource(
        &self,
        id: ConversationId,
    ) -> Result<Resource<'static>, Refusal> {
        let conversation = self.conversation(id)?;
        let href = hrefs::conversation(conversation.application, id);
        let remote = hrefs::participant(conversation.application, id, &conversation.remote);
        let remote =
            Link::new(remote).with_title(self.display_name(&conversation.remote).to_owned());
        Ok(Resource::new("participants")
            .with_href(format!("{href}/participants"))
            .with_links("participant", [remote]))
    }

    pub(super) fn participant_messaging_resource(
        &self,
        id: ConversationId,
        address: &str,
    ) -> Result<Resource<'static>, Refusal> {
        let conversation = self.conversation(id)?;
        if conversation.messaging != MessagingState::Connected {
            return Err(Refusal::NOT_FOUND);
        }
        let who = if address == conversation.local {
            Who::Local
        } else if address == conversation.remote {
            Who::Remote
        } else {
            return Err(Refusal::NOT_FOUND);
        };
        let link = self.participant_link(conversation, id, who);
        Ok(Resource::new("participantMessaging")
            .with_href(format!("{}/messaging", link.href))
            .with_link(
                "participant",
                Link::new(link.href).with_title(link.title.unwrap_or_default()),
            ))
    }

    /// The link to a participant as events have it.
    pub(super) fn participant_link(
        &self,
        conversation: &Conversation,
        id: ConversationId,
        who: Who,
    ) -> EventLink<'static> {
        let (address, title) = match who {
            Who::Local => (&conversation.local, self.display_name(&conversation.local)),
            Who::Remote => (&conversation.remote, conversation.title.as_str()),
        };
        EventLink::new(
            who.rel(),
            hrefs::participant(conversation.application, id, address),
        )
        .with_title(title.to_owned())
    }

    /// Reports that the local participant is there, itself embedded.
    pub(super) fn add_local_participant(&mut self, id: ConversationId) {
        let Ok(conversation) = self.conversation(id) else {
            return;
        };
        let Ok(resource) = self.participant_resource(id, &conversation.local) else {
            return;
        };
        let application = conversation.application;
        let link = self.participant_link(conversation, id, Who::Local);
        self.emit(
            application,
            Source::Conversation(id),
            Event::new(EventKind::Added, link).embedding(resource),
        );
    }

    /// Reports that the remote participant is there, by link only, unless it was reported before.
    pub(super) fn add_remote_participant(&mut self, id: ConversationId) {
        if let Some(conversation) = self.conversations.get_mut(&id)
            && !conversation.introduced
        {
            conversation.introduced = true;
            self.report_participant(id, Who::Remote, EventKind::Added);
        }
    }

    pub(super) fn report_participant(&mut self, id: ConversationId, who: Who, kind: EventKind) {
        let Ok(conversation) = self.conversation(id) else {
            return;
        };
        let application = conversation.application;
        let link = self.participant_link(conversation, id, who);
        self.emit(
            application,
            Source::Conversation(id),
            Event::new(kind, link),
        );
    }

    /// Reports that a participant uses messaging now, or doesn't any more. The local one's is embedded.
    pub(super) fn report_participant_messaging(
        &mut self,
        id: ConversationId,
        who: Who,
        kind: EventKind,
    ) {
        let Ok(conversation) = self.conversation(id) else {
            return;
        };
        let application = conversation.application;
        let participant = self.participant_link(conversation, id, who);
        let link = EventLink::new(
            "participantMessaging",
            format!("{}/messaging", participant.href),
        );
        let added = kind == EventKind::Added;
        let mut event = Event::new(kind, link).within(participant);
        if added
            && who == Who::Local
            && let Ok(resource) = self.participant_messaging_resource(id, &conversation.local)
        {
            event = event.embedding(resource);
        }
        self.emit(application, Source::Conversation(id), event);
    }

    pub(super) fn remove_participants_messaging(&mut self, id: ConversationId) {
        for who in [Who::Remote, Who::Local] {
            self.report_participant_messaging(id, who, EventKind::Deleted);
        }
    }

    /// Reports that everyone who was reported to be there is gone.
    pub(super) fn remove_participants(&mut self, id: ConversationId, with_messaging: bool) {
        if with_messaging {
            self.remove_participants_messaging(id);
        }
        if self
            .conversations
            .get(&id)
            .is_some_and(|conversation| conversation.introduced)
        {
            self.report_participant(id, Who::Remote, EventKind::Deleted);
        }
        self.report_participant(id, Who::Local, EventKind::Deleted);
    }
}
