//! What the session knows of one conversation.

use std::time::{Duration, SystemTime};

use super::inbox::Inbox;
use super::invite::Invite;
use super::joining::Joining;
use super::offer::Offer;
use super::outbox::Outbox;
use super::roster::Roster;
use crate::event::{Role, Standing};
use crate::failure::Failure;
use crate::keys::{ConversationKey, ParticipantKey, Ticket};

/// How far a conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Named, and not begun.
    Created,
    /// An invitation is under way, in either direction.
    Connecting,
    /// Established at the server.
    Connected,
    /// Over; it can be started again.
    Ended,
}

/// How far its chat is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chat {
    /// There is none.
    Disconnected,
    /// It is offered to this user.
    Notified,
    /// It is being established.
    Connecting,
    /// Messages can be sent.
    Connected,
    /// It is being ended.
    Disconnecting,
}

/// Whether a conversation that lost its chat goes on without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    /// No question.
    None,
    /// It has some time to say so itself; then it is asked.
    Waiting,
    /// It does.
    Done,
}

/// The hrefs of one life of a conversation, as the server gave them.
#[derive(Debug, Default)]
pub(crate) struct Links {
    pub(crate) conversation: Option<String>,
    pub(crate) messaging: Option<String>,
    pub(crate) send_message: Option<String>,
    pub(crate) stop_messaging: Option<String>,
    pub(crate) set_is_typing: Option<String>,
    pub(crate) add_messaging: Option<String>,
    pub(crate) add_participant: Option<String>,
    pub(crate) user_acknowledged: Option<String>,
}

pub(crate) struct Conversation {
    pub(crate) key: ConversationKey,
    /// The SIP URI of the one peer, for as long as there is one.
    pub(crate) peer: Option<String>,
    pub(crate) subject: Option<String>,
    /// When it first was at the server, by this session.
    pub(crate) began_at: Option<SystemTime>,
    /// Names the conversation across restarts.
    pub(crate) thread_id: String,
    pub(crate) state: State,
    pub(crate) chat: Chat,
    /// Audio, video or another modality is active: the conversation outlives its chat.
    pub(crate) other_modality: bool,
    /// It was made as a conference, and is never anything else.
    pub(crate) made_as_meeting: bool,
    /// The SIP URI of the conference that it was made to join.
    pub(crate) made_for: Option<String>,
    /// It is, or is becoming, a conference: only conversation events end it.
    pub(crate) group: bool,
    /// It is a conference by now, and no longer becoming one.
    pub(crate) conferenced: bool,
    /// Its invitation was taken up in another conversation, which the chat that is being read will name.
    pub(crate) derived: bool,
    /// The SIP URI of the conference, by which it can be joined again.
    pub(crate) meeting: Option<String>,
    /// It is a conference without its chat, which is to be asked for.
    pub(crate) chat_wanted: bool,
    /// The user ended the chat, or the conversation: nobody asks for it again but he.
    pub(crate) chat_unwanted: bool,
    /// Where this user stands, as it was told.
    pub(crate) standing: Option<Standing>,
    /// What this user may do, as it was told.
    pub(crate) role: Option<Role>,
    /// Messaging, audio and video, as they were told.
    pub(crate) modalities: [bool; 3],
    /// How many take part, as it was told.
    pub(crate) participant_count: Option<u64>,
    /// Those who are being invited into it, in the order of the commands.
    pub(crate) joining: Vec<Joining>,
    /// Who waits for the acknowledgement.
    pub(crate) acknowledging: Vec<Ticket>,
    /// Who waits for a hint that this user types.
    pub(crate) hinting: Vec<Ticket>,
    /// When the others were told last that this user types.
    pub(crate) typed_at: Option<Duration>,
    /// The other side is ending the chat.
    pub(crate) fading: bool,
    /// Whether both sides take HTML.
    pub(crate) html: bool,
    /// Whether they take nothing else.
    pub(crate) only_html: bool,
    pub(crate) links: Links,
    pub(crate) roster: Roster,
    /// Our invitation, until its verdict.
    pub(crate) invite: Option<Invite>,
    /// The peer's invitation, until its verdict.
    pub(crate) offer: Option<Offer>,
    pub(crate) outbox: Outbox,
    pub(crate) inbox: Inbox,
    /// Who waits for the end.
    pub(crate) leaving: Vec<Ticket>,
    /// Who waits for the end of the chat.
    pub(crate) stopping: Vec<Ticket>,
    /// The messaging link was followed once since an invitation succeeded without it.
    pub(crate) messaging_read: bool,
    /// The chat is gone: whether the conversation is, too.
    pub(crate) probe: Probe,
    /// The server said that it is over, and how; it ends when what belongs to the end has been heard.
    pub(crate) over: Option<Option<Failure>>,
    /// An open invitation was given its last time for a verdict.
    pub(crate) waits_for_verdict: bool,
    /// The caller wants to hear of it no more once it has ended.
    pub(crate) forgotten: bool,
}

impl Conversation {
    fn new(key: ConversationKey, thread_id: String) -> Self {
        Self {
            key,
            peer: None,
            subject: None,
            began_at: None,
            thread_id,
            state: State::Created,
            chat: Chat::Disconnected,
            other_modality: false,
            made_as_meeting: false,
            made_for: None,
            group: false,
            conferenced: false,
            derived: false,
            meeting: None,
            chat_wanted: false,
            chat_unwanted: false,
            standing: None,
            role: None,
            modalities: [false; 3],
            participant_count: None,
            joining: Vec::new(),
            acknowledging: Vec::new(),
            hinting: Vec::new(),
            typed_at: None,
            fading: false,
            html: false,
            only_html: false,
            links: Links::default(),
            roster: Roster::default(),
            invite: None,
            offer: None,
            outbox: Outbox::default(),
            inbox: Inbox::default(),
            leaving: Vec::new(),
            stopping: Vec::new(),
            messaging_read: false,
            probe: Probe::None,
            over: None,
            waits_for_verdict: false,
            forgotten: false,
        }
    }

    /// A conversation that begins here.
    pub(crate) fn with_peer(
        key: ConversationKey,
        participant: ParticipantKey,
        peer: String,
        thread_id: String,
    ) -> Self {
        let mut conversation = Self::new(key, thread_id);
        conversation.expect(participant, peer);
        conversation
    }

    /// A conference that is not joined yet: one to be begun, or the one with this URI.
    pub(crate) fn of_meeting(key: ConversationKey, uri: Option<String>, thread_id: String) -> Self {
        Self {
            made_as_meeting: true,
            made_for: uri.clone(),
            group: true,
            meeting: uri,
            ..Self::new(key, thread_id)
        }
    }

    /// A conversation that began elsewhere.
    pub(crate) fn from_elsewhere(key: ConversationKey, thread_id: String) -> Self {
        let mut conversation = Self::new(key, thread_id);
        conversation.state = State::Connecting;
        conversation
    }

    /// Names the one peer, of whom only the URI is known.
    pub(crate) fn expect(&mut self, participant: ParticipantKey, peer: String) {
        self.roster.expect(participant, &peer);
        self.peer = Some(peer);
    }

    /// Removes a participant that is not in the conversation, so that the next invitation does not go to it.
    pub(super) fn forget(&mut self, participant: ParticipantKey) {
        let uri = self.roster.get(participant).and_then(|it| it.uri);
        self.roster.forget(participant);
        self.peer = self.peer.take().filter(|peer| {
            let is_forgotten = |uri: &String| uri.eq_ignore_ascii_case(peer);
            !uri.as_ref().is_some_and(is_forgotten)
        });
    }

    /// Whether there is something at the server, or on the way to it.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.state, State::Connecting | State::Connected)
    }

    /// Whether this user has asked for its end.
    pub(crate) fn is_ending(&self) -> bool {
        !self.leaving.is_empty()
    }

    /// Whether it is a conference that lacks the chat that belongs to it.
    pub(crate) fn wants_chat_of_conference(&self) -> bool {
        self.group && self.chat_wanted && !self.chat_unwanted
    }

    /// Whether an invitation to a conference is under way, in either direction.
    pub(crate) fn is_joining_conference(&self) -> bool {
        self.invite
            .as_ref()
            .is_some_and(|invite| invite.kind.is_conference())
            || self.offer.as_ref().is_some_and(Offer::is_conference)
    }

    /// Whether it may turn out to be at an address that nobody has told yet.
    pub(crate) fn is_beginning(&self) -> bool {
        let unseen = |invite: &Invite| invite.href.is_none();
        self.invite.as_ref().is_some_and(unseen)
            || !self.group && self.joining.iter().any(|joining| joining.posted)
    }

    /// The operation of the invitation that has no verdict yet, in either direction.
    pub(crate) fn open_invitation(&self) -> Option<&str> {
        let ours = self.invite.as_ref().map(|invite| &*invite.operation_id);
        ours.or_else(|| self.offer.as_ref().map(Offer::operation))
    }

    /// It goes on at another address: what was known by the old one is void.
    pub(crate) fn move_house(&mut self) {
        self.links = Links {
            conversation: self.links.conversation.take(),
            ..Links::default()
        };
        self.roster.move_house();
        self.messaging_read = false;
    }

    /// How much has no verdict yet, or is still being fetched.
    pub(crate) fn awaited(&self) -> usize {
        usize::from(self.invite.is_some())
            + usize::from(self.offer.is_some())
            + self.joining.len()
            + self.acknowledging.len()
            + self.hinting.len()
            + self.leaving.len()
            + self.stopping.len()
            + usize::from(self.is_being_probed())
            + usize::from(self.over.is_some())
            + self.roster.awaited()
            + self.outbox.awaited()
            + self.inbox.awaited()
    }

    /// What belongs to one life of a conversation ends with it.
    pub(crate) fn end_life(&mut self) {
        self.links = Links::default();
        self.inbox.end_life();
        self.group = self.made_as_meeting;
        self.conferenced = false;
        self.derived = false;
        self.other_modality = false;
        self.chat_wanted = false;
        self.chat_unwanted = false;
        self.standing = None;
        self.role = None;
        self.modalities = [false; 3];
        self.participant_count = None;
        self.typed_at = None;
    }

    /// Whether it is being found out if it goes on without its chat.
    pub(crate) fn is_being_probed(&self) -> bool {
        self.probe == Probe::Waiting
    }

    /// Whether its end is up to its chat.
    pub(crate) fn lives_by_its_chat(&self) -> bool {
        !self.group && !self.other_modality
    }
}
