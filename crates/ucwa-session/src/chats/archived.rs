//! Conversations known only from the archive: they have ended and can be restarted.

use std::time::SystemTime;

use ucwa_proto::HrefKey;

use super::Chats;
use super::conversation::{Conversation, Kind};
use super::payload::ParticipantFacts;
use crate::core::Core;
use crate::event::{ConversationChange, Participant, ParticipantCapabilities, SessionEvent};
use crate::keys::{ConversationKey, ParticipantKey};

/// Another participant of an archived conversation (`conversationLogRecipient_ref`).
#[derive(Clone, Debug)]
pub(crate) struct Recipient {
    /// The SIP URI.
    pub(crate) uri: String,
    pub(crate) name: Option<String>,
    /// The href by which messages name their sender.
    pub(crate) contact: Option<HrefKey>,
}

/// The kind of an archived conversation.
#[derive(Clone, Debug)]
pub(crate) enum ArchivedKind {
    /// With this one peer.
    Peer(Recipient),
    /// With several others, or a conference.
    Group {
        recipients: Vec<Recipient>,
        /// The SIP URI of the conference.
        meeting: Option<String>,
    },
}

impl ArchivedKind {
    pub(crate) fn recipients(&self) -> &[Recipient] {
        match self {
            Self::Peer(peer) => std::slice::from_ref(peer),
            Self::Group { recipients, .. } => recipients,
        }
    }
}

impl Chats {
    /// The conversation of this kind with this thread ID, or with the URI of the conference.
    pub(crate) fn of_archived(
        &self,
        thread_id: Option<&str>,
        kind: &ArchivedKind,
    ) -> Option<ConversationKey> {
        let matches = |conversation: &Conversation| {
            let same_thread = thread_id == Some(&conversation.thread_id);
            let peer = conversation.peer.as_deref();
            match kind {
                ArchivedKind::Peer(other) => {
                    same_thread && peer.is_some_and(|it| it.eq_ignore_ascii_case(&other.uri))
                }
                ArchivedKind::Group { meeting, .. } => {
                    let same_meeting = meeting.is_some() && conversation.meeting == *meeting;
                    let is_group = peer.is_none() || conversation.roster.has_several();
                    same_meeting || same_thread && is_group
                }
            }
        };
        self.conversations
            .values()
            .find(|conversation| matches(conversation))
            .map(|conversation| conversation.key)
    }

    /// When the conversation first became live in this session. `None` if it never was.
    pub(crate) fn began_at(&self, key: ConversationKey) -> Option<SystemTime> {
        self.conversations.get(&key)?.began_at
    }

    pub(crate) fn knows(&self, key: ConversationKey) -> bool {
        self.conversations.contains_key(&key)
    }

    /// Adds an archived conversation. A restart continues its thread: the session invites the peer or joins the conference.
    pub(crate) fn add_archived(
        &mut self,
        core: &mut Core,
        kind: &ArchivedKind,
        thread_id: Option<String>,
        subject: Option<String>,
    ) -> ConversationKey {
        let key = ConversationKey::Remote(core.number());
        let thread_id = thread_id.unwrap_or_else(|| core.uuid());
        let mut conversation = Conversation::new(key, thread_id, Kind::Chat);
        conversation.subject.clone_from(&subject);
        let participants = match kind {
            ArchivedKind::Peer(peer) => {
                let participant = ParticipantKey::Remote(core.number());
                conversation.expect(participant, peer.uri.clone());
                vec![Participant {
                    key: participant,
                    uri: Some(peer.uri.clone()),
                    name: peer.name.clone(),
                    role: None,
                    anonymous: false,
                    in_lobby: false,
                    capabilities: ParticipantCapabilities::default(),
                }]
            }
            ArchivedKind::Group {
                recipients,
                meeting,
            } => {
                conversation.meeting.clone_from(meeting);
                let mut add_recipient = |recipient: &Recipient| {
                    let facts = ParticipantFacts {
                        uri: Some(&recipient.uri),
                        name: recipient.name.as_deref(),
                        ..ParticipantFacts::default()
                    };
                    let (member, _) = conversation.roster.merge(core, None, &facts, false);
                    member.to_participant()
                };
                recipients.iter().map(&mut add_recipient).collect()
            }
        };
        self.conversations.insert(key, Box::new(conversation));
        core.emit(SessionEvent::Archived {
            conversation: key,
            participants,
            subject,
        });
        if let ArchivedKind::Group { meeting, .. } = kind {
            let uri = meeting.clone();
            core.change(key, ConversationChange::Group { uri });
        }
        key
    }
}
