//! One conversation: the state that survives restarts, and its life at the server.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ucwa_proto::{HrefKey, Sender};

use super::Account;
use super::correlation::Index;
use super::delivery::Deliveries;
use super::event_buffer::EventBuffer;
use super::incoming_invitation::Offer;
use super::invitation_text::InvitationText;
use super::key_of;
use super::link::Link;
use super::outgoing_invitation::Invite;
use super::participant_invitation::Joining;
use super::purpose::{ChatPurpose, InvitationId, Tasks};
use super::receiving::Received;
use super::roster::Roster;
use crate::core::Core;
use crate::event::{ConversationChange, Role, Standing};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::{ConversationKey, ParticipantKey, Ticket};
use crate::operation::{Importance, Outcome};

/// The parts of the session that the methods of a conversation use.
pub(super) struct Context<'a> {
    pub(super) core: &'a mut Core,
    pub(super) index: &'a mut Index,
    pub(super) buffer: &'a mut EventBuffer,
    pub(super) account: &'a Account,
    pub(super) page: Page,
    /// Conversations to show in addition to this one.
    pub(super) discovered: &'a mut Vec<Discovery>,
}

/// The event page that is being dispatched, or was dispatched last.
#[derive(Clone, Copy, Default)]
pub(super) struct Page {
    pub(super) number: u64,
    /// The page is still being dispatched. Conversations whose end it reports end afterwards.
    pub(super) is_open: bool,
    /// Nothing in the page happened before this time of the server, as far as it is known.
    pub(super) not_before: Option<SystemTime>,
}

/// A conversation of this user that another endpoint started, or whose first events this session did not get.
pub(super) struct Discovery {
    pub(super) href: String,
    pub(super) thread_id: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) peer: Option<String>,
}

impl Context<'_> {
    pub(super) fn change(&mut self, conversation: ConversationKey, change: ConversationChange) {
        self.core.change(conversation, change);
    }

    /// Completes operations with success.
    pub(super) fn done(&mut self, tickets: impl IntoIterator<Item = Ticket>) {
        for ticket in tickets {
            self.core.complete(ticket, Ok(Outcome::Done));
        }
    }

    /// Completes operations with a failure.
    pub(super) fn fail(&mut self, tickets: impl IntoIterator<Item = Ticket>, failure: &Failure) {
        for ticket in tickets {
            self.core.complete(ticket, Err(failure.clone()));
        }
    }

    pub(super) fn key_of(&self, href: &str) -> Option<HrefKey> {
        key_of(self.core, href)
    }

    pub(super) fn address_of(&self, href: &str) -> Option<Address> {
        Address::of(self.core, href)
    }
}

/// An href of the application, as the server wrote it and as it is compared. The two share one string if they are equal.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) href: Arc<str>,
    pub(super) key: HrefKey,
}

impl Address {
    pub(super) fn of(core: &Core, href: &str) -> Option<Self> {
        let base = core.base.as_ref()?;
        let href = Arc::from(href);
        let key = HrefKey::of_shared(&href, base);
        Some(Self { href, key })
    }
}

pub(crate) struct Conversation {
    pub(super) key: ConversationKey,
    pub(super) kind: Kind,
    /// The SIP URI of the only peer. `None` if there are several.
    pub(super) peer: Option<String>,
    pub(super) subject: Option<String>,
    /// The importance of the next invitation.
    pub(super) importance: Importance,
    /// When this session first saw the conversation live at the server.
    pub(super) began_at: Option<SystemTime>,
    /// Identifies the conversation across restarts.
    pub(super) thread_id: String,
    /// The SIP URI of the conference, which is used to join it again.
    pub(super) meeting: Option<String>,
    pub(super) roster: Roster,
    pub(super) deliveries: Deliveries,
    pub(super) received: Received,
    pub(super) tasks: Tasks,
    pub(super) life: Life,
    /// The caller has removed the conversation. Its record is dropped when its life ends.
    pub(super) forgotten: bool,
}

/// The kind of a conversation, fixed at its creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A chat with one peer. It may become a conference in any of its lives.
    Chat,
    /// A conference in all of its lives: an existing one with this SIP URI, or a new one.
    Meeting(Option<String>),
}

/// The life of a conversation at the server. The state of a life is dropped when the life ends.
pub(super) enum Life {
    /// The conversation is not at the server: it has not started, or it has ended.
    Idle,
    /// An invitation is in flight, in either direction.
    Beginning(Box<Live>),
    /// The conversation is established at the server.
    Established(Box<Live>),
}

impl Life {
    pub(super) fn live(&self) -> Option<&Live> {
        match self {
            Self::Idle => None,
            Self::Beginning(live) | Self::Established(live) => Some(live),
        }
    }

    pub(super) fn live_mut(&mut self) -> Option<&mut Live> {
        match self {
            Self::Idle => None,
            Self::Beginning(live) | Self::Established(live) => Some(live),
        }
    }

    pub(super) fn established(&self) -> Option<&Live> {
        match self {
            Self::Established(live) => Some(live),
            Self::Idle | Self::Beginning(_) => None,
        }
    }

    pub(super) fn established_mut(&mut self) -> Option<&mut Live> {
        match self {
            Self::Established(live) => Some(live),
            Self::Idle | Self::Beginning(_) => None,
        }
    }

    pub(super) fn is_beginning(&self) -> bool {
        matches!(self, Self::Beginning(_))
    }

    /// Establishes a beginning conversation. `true` if the life was `Beginning`.
    pub(super) fn establish(&mut self) -> bool {
        match std::mem::replace(self, Self::Idle) {
            Self::Beginning(live) => {
                *self = Self::Established(live);
                true
            }
            other => {
                *self = other;
                false
            }
        }
    }
}

/// The state of a conversation while it is at the server.
pub(super) struct Live {
    pub(super) form: Form,
    pub(super) chat: Chat,
    /// The href of the conversation.
    pub(super) address: Option<Address>,
    pub(super) links: Links,
    /// The messaging resource, as it was last received.
    pub(super) messaging: Messaging,
    /// The messaging link was read once after an invitation succeeded without it.
    pub(super) messaging_read: bool,
    /// This user's invitation, until its result.
    pub(super) invite: Option<Box<Invite>>,
    /// The peer's invitation, until its result.
    pub(super) offer: Option<Box<Offer>>,
    /// The participants with an invitation in flight, in the order of the commands.
    pub(super) joining: Vec<Joining>,
    pub(super) invitation_text: InvitationText,
    pub(super) typing: Typing,
    /// The operations that wait for the acknowledgement.
    pub(super) acknowledging: Vec<Ticket>,
    /// The operations that wait for the end of the conversation.
    pub(super) leaving: Vec<Ticket>,
    /// The operations that wait for the end of the chat.
    pub(super) stopping: Vec<Ticket>,
    /// The user ended the chat or the conversation, so the chat is not requested again.
    pub(super) chat_refused: bool,
    /// Whether the conversation continues without its chat.
    pub(super) probe: Probe,
    /// The conversation comes from a checkpoint, and its links and participants have not been read.
    pub(super) is_restored: bool,
    /// The server reported the end of the conversation, with the reason. The conversation ends after the rest of the page is
    /// dispatched.
    pub(super) over: Option<Option<Failure>>,
    /// The conversation waits one last time for the result of an open invitation.
    pub(super) awaits_last_result: bool,
    /// Audio, video or another modality is active, so the conversation does not end with its chat.
    pub(super) other_modality: bool,
    pub(super) reported: Reported,
}

/// Whether a life is a conversation of two or a conference.
pub(super) enum Form {
    TwoParty,
    Conference(Conference),
}

/// A conversation that is, or is becoming, a conference: only conversation events end it.
#[derive(Default)]
pub(super) struct Conference {
    /// The server has set up the conference, so its chat can be requested.
    pub(super) is_set_up: bool,
    /// The chat is missing and has to be requested.
    pub(super) chat_wanted: bool,
}

/// The state of the chat in a live conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chat {
    Disconnected,
    /// The chat is offered to this user.
    Notified,
    Connecting,
    /// Messages can be sent.
    Connected {
        /// The other side is ending the chat.
        is_ending: bool,
    },
    /// This user is ending the chat.
    Disconnecting,
}

/// Whether a conversation that lost its chat continues without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Probe {
    /// The chat is not lost.
    None,
    /// An event may still report the state of the conversation. After a timeout the conversation is read.
    Waiting,
    /// The conversation continues.
    Done,
}

/// The links of the conversation and of its sub-resources.
#[derive(Debug, Default)]
pub(super) struct Links {
    pub(super) messaging: Option<Link>,
    pub(super) add_participant: Option<Link>,
    pub(super) user_acknowledged: Option<Link>,
}

/// A `messaging` resource (`messaging_ref`).
#[derive(Debug, Default)]
pub(super) struct Messaging {
    pub(super) send_message: Option<Link>,
    pub(super) stop_messaging: Option<Link>,
    pub(super) set_is_typing: Option<Link>,
    pub(super) add_messaging: Option<Link>,
    /// Both sides support HTML.
    pub(super) html: bool,
    /// HTML is the only supported format.
    pub(super) only_html: bool,
}

/// The typing reports of this user.
#[derive(Default)]
pub(super) struct Typing {
    pub(super) waiting: Vec<Ticket>,
    /// When the last typing report was sent.
    pub(super) sent_at: Option<Duration>,
}

/// The state that was last reported to the caller. Only changes are reported.
#[derive(Default)]
pub(super) struct Reported {
    pub(super) standing: Option<Standing>,
    pub(super) role: Option<Role>,
    /// Whether messaging, audio and video are active.
    pub(super) modalities: [bool; 3],
    pub(super) participant_count: Option<u64>,
}

impl Live {
    pub(super) fn new(kind: &Kind, chat: Chat) -> Self {
        Self {
            form: match kind {
                Kind::Chat => Form::TwoParty,
                Kind::Meeting(_) => Form::Conference(Conference::default()),
            },
            chat,
            address: None,
            links: Links::default(),
            messaging: Messaging::default(),
            messaging_read: false,
            invite: None,
            offer: None,
            joining: Vec::new(),
            invitation_text: InvitationText::default(),
            typing: Typing::default(),
            acknowledging: Vec::new(),
            leaving: Vec::new(),
            stopping: Vec::new(),
            chat_refused: false,
            probe: Probe::None,
            is_restored: false,
            over: None,
            awaits_last_result: false,
            other_modality: false,
            reported: Reported::default(),
        }
    }

    pub(super) fn is_conference(&self) -> bool {
        matches!(self.form, Form::Conference(_))
    }

    pub(super) fn conference_mut(&mut self) -> Option<&mut Conference> {
        match &mut self.form {
            Form::TwoParty => None,
            Form::Conference(conference) => Some(conference),
        }
    }

    /// Whether the user has requested the end of the conversation.
    pub(super) fn is_ending(&self) -> bool {
        !self.leaving.is_empty()
    }

    /// Whether the conversation is a conference whose chat is missing and has to be requested.
    pub(super) fn wants_chat_of_conference(&self) -> bool {
        let wanted = matches!(&self.form, Form::Conference(conference) if conference.chat_wanted);
        wanted && !self.chat_refused
    }

    /// Whether an invitation to a conference is in flight, in either direction.
    pub(super) fn is_joining_conference(&self) -> bool {
        let invite = self.invite.as_ref();
        invite.is_some_and(|invite| invite.kind.is_conference())
            || self.offer.as_ref().is_some_and(|offer| offer.is_conference)
    }

    /// Whether an unknown href may be the href of the conversation.
    fn awaits_href(&self) -> bool {
        self.invite.as_ref().is_some_and(|invite| !invite.is_seen())
            || !self.is_conference() && self.joining.iter().any(|joining| joining.is_posted)
    }

    /// The invitation without a result, in either direction.
    pub(super) fn open_invitation(&self) -> Option<InvitationId> {
        let ours = self.invite.as_ref();
        let ours = ours.map(|invite| InvitationId::Outgoing(invite.operation_id.clone()));
        let theirs = self.offer.as_ref();
        ours.or_else(|| theirs.map(|offer| InvitationId::Incoming(offer.address.key.clone())))
    }

    pub(super) fn is_being_probed(&self) -> bool {
        self.probe == Probe::Waiting
    }

    /// Whether the conversation ends with its chat.
    pub(super) fn ends_with_chat(&self) -> bool {
        !self.is_conference() && !self.other_modality
    }

    pub(super) fn is_chat_connected(&self) -> bool {
        matches!(self.chat, Chat::Connected { .. })
    }
}

impl Conversation {
    pub(super) fn new(key: ConversationKey, thread_id: String, kind: Kind) -> Self {
        Self {
            key,
            peer: None,
            subject: None,
            importance: Importance::Normal,
            began_at: None,
            thread_id,
            meeting: match &kind {
                Kind::Chat => None,
                Kind::Meeting(uri) => uri.clone(),
            },
            kind,
            roster: Roster::default(),
            deliveries: Deliveries::default(),
            received: Received::default(),
            tasks: Tasks::new(key),
            life: Life::Idle,
            forgotten: false,
        }
    }

    /// A conversation that another endpoint or user started, or that already exists at the server.
    pub(super) fn begun_elsewhere(key: ConversationKey, thread_id: String) -> Self {
        let mut conversation = Self::new(key, thread_id, Kind::Chat);
        let live = Live::new(&conversation.kind, Chat::Disconnected);
        conversation.life = Life::Beginning(Box::new(live));
        conversation
    }

    /// Starts a life if there is none.
    pub(super) fn begin_life(&mut self, cx: &mut Context<'_>) {
        if matches!(self.life, Life::Idle) {
            self.life = Life::Beginning(Box::new(Live::new(&self.kind, Chat::Connecting)));
            if self.kind != Kind::Chat {
                cx.index.add_conference(&self.thread_id, self.key);
            }
        }
    }

    /// Adds the only peer, of whom only the URI is known.
    pub(super) fn expect(&mut self, participant: ParticipantKey, peer: String) {
        self.roster.expect(participant, &peer);
        self.peer = Some(peer);
    }

    /// Removes a participant that is not in the conversation, so that the next invitation does not include the participant.
    pub(super) fn remove_expected(&mut self, participant: ParticipantKey) {
        let uri = self.roster.get(participant).and_then(|it| it.uri);
        self.roster.remove(participant);
        self.peer = self.peer.take().filter(|peer| {
            let is_removed = |uri: &String| uri.eq_ignore_ascii_case(peer);
            !uri.as_ref().is_some_and(is_removed)
        });
    }

    pub(super) fn is_live(&self) -> bool {
        self.life.live().is_some()
    }

    /// Whether the conversation is a conference at the server.
    pub(super) fn is_conference(&self) -> bool {
        self.life.live().is_some_and(Live::is_conference)
    }

    /// Whether the conversation is established and the user has not requested its end.
    pub(super) fn is_staying(&self) -> bool {
        self.life
            .established()
            .is_some_and(|live| !live.is_ending())
    }

    /// Whether an unknown href may be the href of the conversation.
    pub(super) fn awaits_href(&self) -> bool {
        self.life.live().is_some_and(Live::awaits_href)
    }

    /// Whether the conversation and its chat are established.
    pub(super) fn is_chatting(&self) -> bool {
        self.life.established().is_some_and(Live::is_chat_connected)
    }

    /// The number of operations without a result and reads in flight.
    pub(super) fn awaited(&self) -> usize {
        let live = self.life.live().map_or(0, |live| {
            usize::from(live.invite.is_some())
                + usize::from(live.offer.is_some())
                + live.joining.len()
                + live.acknowledging.len()
                + live.typing.waiting.len()
                + live.leaving.len()
                + live.stopping.len()
                + usize::from(live.is_being_probed())
                + usize::from(live.over.is_some())
                + usize::from(live.invitation_text.is_awaited())
        });
        live + self.roster.awaited() + self.deliveries.awaited() + self.received.awaited()
    }

    pub(super) fn set_thread(&mut self, cx: &mut Context<'_>, thread_id: &str) {
        if thread_id.is_empty() || thread_id == self.thread_id {
            return;
        }
        cx.index.remove_conference(&self.thread_id, self.key);
        thread_id.clone_into(&mut self.thread_id);
        if self.life.live().is_some_and(Live::is_conference) {
            cx.index.add_conference(thread_id, self.key);
        }
    }

    // The address.

    /// Binds the conversation to `address`. An earlier href of the conversation counts as ended.
    pub(super) fn bind(&mut self, cx: &mut Context<'_>, address: &Address) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        // All conversations of this application are on its host.
        if cx.core.resolve(&address.href, Stage::Conversation).is_err() {
            return;
        }
        self.began_at.get_or_insert(cx.core.server_now());
        let before = live.address.replace(address.clone());
        if before
            .as_ref()
            .is_none_or(|before| before.key != address.key)
        {
            self.deliveries.forget_unnamed();
            if let Some(before) = before {
                self.roster.move_hrefs();
                cx.index.unbind(before.key, self.key);
            }
        }
        if cx.index.bind(address.key.clone(), self.key) {
            live.invitation_text.resume(&mut self.received);
        }
    }

    pub(super) fn follow_link(&mut self, cx: &mut Context<'_>, href: &str) {
        if let Some(address) = cx.address_of(href) {
            self.follow_to(cx, &address);
        }
    }

    /// Moves the conversation to another href. The links and hrefs known before become invalid.
    pub(super) fn follow_to(&mut self, cx: &mut Context<'_>, address: &Address) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        if cx.index.is_known(&address.key) {
            return;
        }
        if live.address.is_some() {
            live.links = Links::default();
            live.messaging = Messaging {
                html: live.messaging.html,
                only_html: live.messaging.only_html,
                ..Messaging::default()
            };
            live.messaging_read = false;
            self.refuse_waiting_commands(cx);
            self.bind(cx, address);
            self.tasks.abandon(cx.core, |purpose| {
                matches!(
                    purpose,
                    ChatPurpose::ReadConversation | ChatPurpose::ReadMessaging
                )
            });
            self.read_conversation(cx);
        } else {
            self.bind(cx, address);
        }
        self.replay_buffered(cx, &address.key);
    }

    /// Dispatches the events that were buffered before the conversation was known to be at this href.
    pub(super) fn replay_buffered(&mut self, cx: &mut Context<'_>, href: &HrefKey) {
        let held: Vec<Sender<'static>> = cx.buffer.take(href).into();
        for sender in &held {
            for event in &sender.events {
                self.on_event(cx, &sender.rel, event);
            }
        }
    }

    /// Frees the room of empty queues. Most conversations wait for nothing.
    pub(super) fn shrink(&mut self) {
        self.tasks.shrink();
        self.deliveries.shrink();
        self.received.shrink();
    }

    pub(super) fn read_conversation(&mut self, cx: &mut Context<'_>) {
        let address = self.life.live().and_then(|live| live.address.as_ref());
        let href = address.map(|address| &*address.href);
        self.tasks
            .read(cx.core, href, ChatPurpose::ReadConversation);
    }

    pub(super) fn read_messaging(&mut self, cx: &mut Context<'_>) {
        let live = self.life.live();
        let link = live.and_then(|live| live.links.messaging.as_ref());
        let href = link.map(Link::href);
        self.tasks
            .read(cx.core, href.as_deref(), ChatPurpose::ReadMessaging);
    }
}

pub(super) fn ended(message: &str) -> Failure {
    Failure::new(FailureKind::Ended, Stage::Conversation).with_message(message)
}
