//! Dispatch of event pages: the conversation of each event, and the effect of the event.

use std::time::Duration;

use ucwa_proto::{Event, EventKind, EventPage, EventStatus, HrefKey, Problem, Resource, Sender};

use super::Chats;
use super::conference::is_conference;
use super::conversation::{
    Address, Chat, Context, Conversation, Discovery, Form, Live, Messaging, Probe,
};
use super::incoming_invitation::{InvitationEvent, ONLINE_MEETING_INVITATION, is_answerable};
use super::link::Link;
use super::payload::{self, InvitationState};
use super::purpose::{ChatPurpose, InvitationId};
use crate::core::Core;
use crate::event::{ConversationChange, Standing};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::ConversationKey;

/// A decoded event of a conversation or an invitation.
struct Notice<'p> {
    subject: Subject,
    sender: &'p Sender<'p>,
    event: &'p Event<'p>,
    /// The href of the subject.
    address: Address,
}

/// The subject of an event.
enum Subject {
    Invitation {
        /// The conversation that the invitation names.
        conversation: Option<Address>,
        /// The invitation was handled before the other events of the page.
        is_dispatched: bool,
    },
    ParticipantInvitation,
    /// The conversation or one of its sub-resources.
    Conversation,
}

impl<'p> Notice<'p> {
    /// The events of a page, in order.
    fn all(core: &Core, page: &'p EventPage<'p>) -> Vec<Self> {
        let mut notices = Vec::new();
        for sender in &page.senders {
            let events = sender.events.iter();
            match sender.rel.as_ref() {
                "communication" => {
                    notices.extend(events.filter_map(|event| Self::of(core, sender, event)));
                }
                "conversation" => {
                    let Some(address) = Address::of(core, &sender.href) else {
                        continue;
                    };
                    notices.extend(events.map(|event| Self {
                        subject: Subject::Conversation,
                        sender,
                        event,
                        address: address.clone(),
                    }));
                }
                _ => {}
            }
        }
        notices
    }

    fn of(core: &Core, sender: &'p Sender<'p>, event: &'p Event<'p>) -> Option<Self> {
        let subject = match event.link.rel.as_ref() {
            "messagingInvitation" | ONLINE_MEETING_INVITATION => {
                let invitation = event.resource();
                let href = invitation.and_then(|invitation| invitation.link_href("conversation"));
                Subject::Invitation {
                    conversation: href.and_then(|href| Address::of(core, href)),
                    is_dispatched: false,
                }
            }
            "participantInvitation" => Subject::ParticipantInvitation,
            "conversation" => Subject::Conversation,
            _ => return None,
        };
        Some(Self {
            subject,
            sender,
            event,
            address: Address::of(core, &event.link.href)?,
        })
    }
}

impl Chats {
    /// Handles an event page. `waited` is the maximum time that its events waited for a poll, if it is known.
    pub(crate) fn on_page(
        &mut self,
        core: &mut Core,
        page: &EventPage<'_>,
        waited: Option<Duration>,
    ) {
        let mut notices = Notice::all(core, page);
        self.page.number += 1;
        self.page.is_open = true;
        let answered_at = core.server_time();
        self.page.not_before = answered_at
            .zip(waited)
            .and_then(|(at, it)| at.checked_sub(it));
        // An invitation names its conversation, and may follow the conversation's own events in the page, so new invitations
        // are handled first. Invitations into a known conversation are handled in their place, since one may follow another.
        for notice in &mut notices {
            let Subject::Invitation {
                conversation,
                is_dispatched,
            } = &mut notice.subject
            else {
                continue;
            };
            let known = conversation.as_ref();
            let known = known.and_then(|it| self.index.conversation(&it.key));
            let incoming = notice.event.resource();
            let incoming = incoming.and_then(|it| it.text("direction")) == Some("Incoming");
            if !incoming || known.is_none() {
                *is_dispatched = true;
                let conversation = conversation.clone();
                self.identify_invitation(core, notice, conversation);
            }
        }
        // A conversation that becomes a conference loses its chat in the same page. This must not count as the end of the
        // chat.
        for notice in &notices {
            if notice.sender.rel == "communication"
                && notice.event.link.rel == "conversation"
                && notice.event.resource().is_some_and(is_conference)
            {
                self.with_href(core, &notice.address.key, |conversation, cx| {
                    conversation.become_conference(cx, None);
                });
            }
        }
        for notice in &notices {
            self.dispatch(core, notice);
        }
        self.page.is_open = false;
        self.advance_changed(core);
    }

    /// Advances the conversations that may have changed.
    pub(super) fn advance_changed(&mut self, core: &mut Core) {
        for key in std::mem::take(&mut self.changed_conversations) {
            self.with(core, key, |conversation, cx| {
                conversation.advance(cx);
                conversation.shrink();
            });
        }
        self.changed_conversations.clear();
    }

    fn dispatch(&mut self, core: &mut Core, notice: &Notice<'_>) {
        let event = notice.event;
        match &notice.subject {
            Subject::Invitation {
                conversation,
                is_dispatched,
            } => {
                if !is_dispatched {
                    self.identify_invitation(core, notice, conversation.clone());
                }
                self.on_invitation(core, notice);
            }
            Subject::ParticipantInvitation => {
                if let Some((key, operation)) = self.operation_of(&notice.address.key, event) {
                    let address = notice.address.clone();
                    self.with(core, key, |conversation, cx| {
                        conversation.on_participant_invitation(cx, &operation, address, event);
                    });
                }
            }
            Subject::Conversation => {
                let href = &notice.address.key;
                let rel = &notice.sender.rel;
                if let Some(key) = self.index.conversation(href) {
                    self.with(core, key, |conversation, cx| {
                        conversation.on_event(cx, rel, event);
                    });
                } else if let Some(key) = self.index.ended(href) {
                    // Of an ended conversation, only incoming messages and delivery results still count.
                    if rel == "conversation" && event.link.rel == "message" {
                        self.with(core, key, |conversation, cx| {
                            conversation.on_message(cx, event, true);
                        });
                    }
                } else {
                    self.buffer_event(core, &notice.address, notice.sender, event);
                }
            }
        }
    }

    /// The open outgoing invitation of an event, by operation ID or else by href.
    fn operation_of(&self, href: &HrefKey, event: &Event<'_>) -> Option<(ConversationKey, String)> {
        let resource = event.resource();
        let named = resource.and_then(|invitation| invitation.text("operationId"));
        let named = named.and_then(|id| Some((self.known_operation(id)?, id.to_owned())));
        named.or_else(|| match self.index.invitation(href)? {
            (key, InvitationId::Outgoing(operation)) => Some((*key, operation.clone())),
            (_, InvitationId::Incoming(_)) => None,
        })
    }

    /// The conversation of an outgoing operation, unless the caller has removed it.
    fn known_operation(&self, operation: &str) -> Option<ConversationKey> {
        let key = self.index.operation(operation)?;
        self.conversations.contains_key(&key).then_some(key)
    }

    /// Identifies the invitation of an event and its conversation.
    fn identify_invitation(
        &mut self,
        core: &mut Core,
        notice: &Notice<'_>,
        conversation: Option<Address>,
    ) {
        let event = notice.event;
        if let Some(invitation) = event.resource() {
            let event = InvitationEvent {
                address: notice.address.clone(),
                conversation,
                rel: &event.link.rel,
                kind: &event.kind,
                invitation,
            };
            self.dispatch_invitation(core, event);
        } else if !self.index.is_known_invitation(&notice.address.key) {
            self.read_unknown_invitation(core, &notice.address.href, &event.link.rel);
        }
    }

    pub(super) fn dispatch_invitation(&mut self, core: &mut Core, event: InvitationEvent<'_>) {
        let invitation = event.invitation;
        let is_conference = event.rel == ONLINE_MEETING_INVITATION;
        let outgoing = invitation.text("direction") == Some("Outgoing");
        let meeting = invitation.text("onlineMeetingUri");
        let operation = invitation.text("operationId").filter(|_| outgoing);
        let ours = operation.and_then(|id| Some((self.known_operation(id)?, id)));
        if let Some((key, operation)) = ours {
            self.with(core, key, |conversation, cx| {
                let place = event.conversation.clone();
                conversation.on_invite_seen(cx, operation, event);
                if is_conference && conversation.is_joining(operation) {
                    // The server invites an added participant into the conference that the conversation becomes.
                    conversation.move_to_conference(cx, place, meeting);
                }
            });
            return;
        }
        let place = event.conversation.as_ref().map(|address| &address.key);
        let has_ended = |href: &HrefKey| self.index.ended(href).is_some();
        if self.index.is_known_invitation(&event.address.key) || place.is_some_and(has_ended) {
            return;
        }
        let known = place.and_then(|href| self.index.conversation(href));
        let thread = invitation.text("threadId").filter(|id| !id.is_empty());
        let escalated = known.or_else(|| self.index.conference(thread?));
        let is_staying = |key: &ConversationKey| {
            let conversation = self.conversations.get(key);
            is_conference && conversation.is_some_and(|it| it.is_staying())
        };
        if let Some(key) = escalated.filter(is_staying) {
            self.with(core, key, |conversation, cx| {
                let place = event.conversation.clone();
                conversation.move_to_conference(cx, place, meeting);
                if !outgoing {
                    conversation.on_offer(cx, event, false);
                    // The user is already in this conversation. Only its href changes.
                    conversation.post_accept(cx);
                }
            });
            return;
        }
        match (outgoing, known) {
            // The `started` event was merged with a later view. Later views have no links to answer, so the invitation is
            // read.
            (false, _) if *event.kind == EventKind::Updated && !is_answerable(invitation) => {
                self.read_merged_invitation(core, &event);
            }
            (false, known) => self.offer(core, event, known),
            // The invitation was sent by another endpoint of the user.
            (true, None) if *event.kind != EventKind::Completed => {
                if let Some(discovery) = Discovery::of_invitation(invitation) {
                    self.discover(core, discovery);
                }
            }
            (true, _) => {}
        }
    }

    /// Offers an incoming invitation, in a known conversation or a new one.
    pub(super) fn offer(
        &mut self,
        core: &mut Core,
        event: InvitationEvent<'_>,
        known: Option<ConversationKey>,
    ) {
        let key = known.unwrap_or_else(|| {
            let key = ConversationKey::Remote(core.number());
            let thread_id = event.invitation.text("threadId");
            let thread_id = thread_id.filter(|id| !id.is_empty());
            let thread_id = thread_id.map_or_else(|| core.uuid(), str::to_owned);
            let conversation = Conversation::begun_elsewhere(key, thread_id);
            self.conversations.insert(key, Box::new(conversation));
            key
        });
        self.with(core, key, |conversation, cx| {
            conversation.on_offer(cx, event, known.is_none());
        });
    }

    /// Handles an event of an invitation after its identification.
    fn on_invitation(&mut self, core: &mut Core, notice: &Notice<'_>) {
        let event = notice.event;
        if let Some((key, id)) = self.invitation_of(&notice.address.key, event.resource()) {
            self.with(core, key, |conversation, cx| {
                conversation.on_invitation(cx, id, event);
            });
        }
    }

    /// The invitation of a resource and its conversation, by operation ID or else by href.
    pub(super) fn invitation_of(
        &self,
        href: &HrefKey,
        invitation: Option<&Resource<'_>>,
    ) -> Option<(ConversationKey, InvitationId)> {
        let text = |name| invitation.and_then(|invitation| invitation.text(name));
        let operation = text("operationId").filter(|_| text("direction") != Some("Incoming"));
        let named = operation.and_then(|id| {
            let key = self.known_operation(id)?;
            Some((key, InvitationId::Outgoing(id.to_owned())))
        });
        named.or_else(|| self.index.invitation(href).cloned())
    }
}

impl Conversation {
    /// Makes the conversation a conference at the href that an invitation names.
    fn move_to_conference(
        &mut self,
        cx: &mut Context<'_>,
        place: Option<Address>,
        meeting: Option<&str>,
    ) {
        self.become_conference(cx, meeting);
        if let Some(address) = place {
            self.follow_to(cx, &address);
        }
    }

    /// Handles an event of an invitation in this conversation.
    fn on_invitation(&mut self, cx: &mut Context<'_>, id: InvitationId, event: &Event<'_>) {
        let invitation = event.resource();
        let state = invitation.map(payload::invitation_state);
        let read = ChatPurpose::ReadInvitation(id.clone());
        if !may_be_completed(&event.kind) {
            if state == Some(InvitationState::Alerting) {
                cx.change(self.key, ConversationChange::Alerting);
            } else if state.is_none() && event.kind == EventKind::Started {
                // Only the invitation contains the href of the conversation.
                self.tasks.read(cx.core, Some(&event.link.href), read);
            }
            return;
        }
        let derived = invitation.is_some_and(|invitation| self.follow_derived(cx, invitation));
        // Only the invitation contains the href of the conversation.
        let live = self.life.live();
        let is_placed = invitation.is_some() || live.is_some_and(|live| live.address.is_some());
        // The status of the event decides; without it, the state of the invitation; without both, the invitation is read.
        let accepted = match (&event.status, state) {
            _ if derived => true,
            (Some(EventStatus::Success), _) if is_placed => true,
            (Some(EventStatus::Failure), _) => false,
            (_, Some(InvitationState::Accepted)) => true,
            (_, Some(InvitationState::Refused)) => false,
            _ => return self.tasks.read(cx.core, Some(&event.link.href), read),
        };
        let result = match accepted {
            true => Ok(()),
            false => Err(event.reason.as_deref().and_then(failure_of)),
        };
        self.conclude(cx, &id, result, invitation);
    }

    /// Handles an invitation that was accepted in another conversation, which replaces this one. `false` if the invitation
    /// was accepted in this one.
    fn follow_derived(&mut self, cx: &mut Context<'_>, invitation: &Resource<'_>) -> bool {
        if let Some(href) = invitation.link_href("derivedConversation") {
            self.follow_link(cx, href);
            return true;
        }
        let Some(href) = invitation.link_href("derivedMessaging") else {
            return false;
        };
        // The messaging resource names its conversation.
        if let Some(live) = self.life.live_mut() {
            live.links.messaging = Some(Link::new(href, live.address.as_ref()));
            live.messaging_read = true;
            let purpose = ChatPurpose::ReadDerivedMessaging;
            self.tasks.read(cx.core, Some(href), purpose);
        }
        true
    }

    /// Handles an event of the conversation or of a sub-resource. The rel of the sender distinguishes the two.
    pub(super) fn on_event(&mut self, cx: &mut Context<'_>, sender: &str, event: &Event<'_>) {
        let within = event.within.as_ref().map(|within| within.rel.as_ref());
        let unreadable = event.kind == EventKind::Unreadable;
        match (event.link.rel.as_ref(), within) {
            _ if sender == "communication" => self.on_conversation(cx, event),
            // The participant joined, left or typed. The participant resource shows whether the participant is still there.
            ("participant", _) if unreadable => {
                if let Some(address) = cx.address_of(&event.link.href) {
                    self.read_participant(cx, &address);
                }
            }
            ("participantMessaging", _) if unreadable => {}
            ("participant", None) => self.on_participant(cx, event),
            ("participant", Some("typingParticipants")) => self.on_typing(cx, event),
            ("participant", Some(view)) => self.on_view(cx, event, view),
            ("localParticipant", _) => self.on_local_participant(cx, event),
            ("onlineMeeting", _) => self.on_online_meeting(cx, event),
            ("participantMessaging", _) => self.on_participant_messaging(cx, event),
            ("messaging", _) => self.on_messaging(cx, event),
            ("message", _) => self.on_message(cx, event, false),
            _ => {}
        }
    }

    fn on_conversation(&mut self, cx: &mut Context<'_>, event: &Event<'_>) {
        let reason = event.reason.as_deref().and_then(failure_of);
        if event.kind == EventKind::Deleted {
            return self.on_remote_end(cx, reason);
        }
        match event.resource() {
            Some(resource) => {
                self.abandon_older_read(cx, &ChatPurpose::ReadConversation);
                self.apply_conversation(cx, resource, reason);
                if self.life.live().is_some_and(|live| live.is_restored) {
                    // The abandoned read would have led to the reads of the participants and the chat.
                    self.read_conversation(cx);
                }
            }
            None => {
                self.abandon_read(cx, &ChatPurpose::ReadConversation);
                self.read_conversation(cx);
            }
        }
    }

    /// Applies a `conversation` resource (`conversation_ref`).
    pub(super) fn apply_conversation(
        &mut self,
        cx: &mut Context<'_>,
        resource: &Resource<'_>,
        reason: Option<Failure>,
    ) {
        let subject = resource.text("subject").filter(|it| !it.is_empty());
        if let Some(subject) = subject.filter(|it| self.subject.as_deref() != Some(*it)) {
            self.subject = Some(subject.to_owned());
            cx.change(self.key, ConversationChange::Subject(subject.to_owned()));
        }
        self.set_thread(cx, resource.text("threadId").unwrap_or_default());
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let conversation = live.address.as_ref();
        let link = |rel| Some(Link::new(resource.link_href(rel)?, conversation));
        if let Some(messaging) = link("messaging") {
            live.links.messaging = Some(messaging);
        }
        live.links.add_participant = link("addParticipant");
        self.report_extras(cx, resource);
        if is_conference(resource) {
            self.become_conference(cx, None);
        }
        let state = resource.text("state").unwrap_or_default();
        let Some(live) = self.life.live_mut() else {
            return;
        };
        if let Form::Conference(conference) = &mut live.form {
            conference.is_set_up = state == "Conferenced";
        }
        match state {
            "InLobby" => self.report_myself(cx, Some(Standing::InLobby), None),
            "Connected" | "Conferenced" => {
                // A user who has joined the conversation has left its lobby.
                let was_in_lobby = live.reported.standing == Some(Standing::InLobby);
                if self.life.establish() {
                    cx.change(self.key, ConversationChange::Connected);
                }
                if was_in_lobby {
                    self.report_myself(cx, Some(Standing::Joined), None);
                }
            }
            "Disconnected" => self.on_remote_end(cx, reason),
            _ => {}
        }
        // If the conversation was replaced by a derived one, this user follows.
        if let Some(href) = resource.link_href("derivedConversation") {
            self.follow_link(cx, href);
        }
    }

    /// Reports the members of a `conversation` resource besides its state, if they changed.
    fn report_extras(&mut self, cx: &mut Context<'_>, resource: &Resource<'_>) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let active: Vec<_> = resource.list("activeModalities").collect();
        let has = |names: &[&str]| names.iter().any(|name| active.contains(name));
        live.other_modality = active.iter().any(|modality| *modality != "Messaging");
        let modalities = [
            has(&["Messaging"]),
            has(&["Audio", "PhoneAudio", "AudioVideo"]),
            has(&["Video"]),
        ];
        let before = std::mem::replace(&mut live.reported.modalities, modalities);
        if before != modalities {
            let [messaging, audio, video] = modalities;
            let change = ConversationChange::Modalities {
                messaging,
                audio,
                video,
            };
            cx.change(self.key, change);
        }
        let count = resource.integer("participantCount");
        let count = count.and_then(|count| u64::try_from(count).ok());
        if let Some(count) = count
            && live.reported.participant_count.replace(count) != Some(count)
        {
            cx.change(self.key, ConversationChange::ParticipantCount(count));
        }
        let acknowledge = resource.link_href("userAcknowledged");
        let acknowledge = acknowledge.map(|href| Link::new(href, live.address.as_ref()));
        let is_offered = acknowledge.is_some();
        let before = std::mem::replace(&mut live.links.user_acknowledged, acknowledge);
        if before.is_some() != is_offered {
            cx.change(self.key, ConversationChange::Acknowledgeable(is_offered));
        }
    }

    fn on_messaging(&mut self, cx: &mut Context<'_>, event: &Event<'_>) {
        let reason = event.reason.as_deref().and_then(failure_of);
        if event.kind == EventKind::Deleted {
            return self.on_chat_gone(cx, reason);
        }
        let Some(live) = self.life.live_mut() else {
            return;
        };
        live.links.messaging = Some(Link::new(&event.link.href, live.address.as_ref()));
        match event.resource() {
            Some(resource) => {
                self.abandon_older_read(cx, &ChatPurpose::ReadMessaging);
                self.apply_messaging(cx, resource, reason);
            }
            None => {
                self.abandon_read(cx, &ChatPurpose::ReadMessaging);
                self.read_messaging(cx);
            }
        }
    }

    /// Abandons the request for a resource that an event contains, unless the conversation lost its chat and waits for the
    /// response.
    fn abandon_older_read(&mut self, cx: &mut Context<'_>, read: &ChatPurpose) {
        if !self.life.live().is_some_and(Live::is_being_probed) {
            self.abandon_read(cx, read);
        }
    }

    /// Abandons the request for a resource after an event about the resource: the response may be older than the event.
    fn abandon_read(&mut self, cx: &mut Context<'_>, read: &ChatPurpose) {
        self.tasks.abandon(cx.core, |purpose| purpose == read);
    }

    /// Applies a `messaging` resource (`messaging_ref`).
    pub(super) fn apply_messaging(
        &mut self,
        cx: &mut Context<'_>,
        resource: &Resource<'_>,
        reason: Option<Failure>,
    ) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let conversation = live.address.as_ref();
        let link = |rel| Some(Link::new(resource.link_href(rel)?, conversation));
        live.messaging = Messaging {
            send_message: link("sendMessage"),
            stop_messaging: link("stopMessaging"),
            set_is_typing: link("setIsTyping"),
            add_messaging: link("addMessaging"),
            ..live.messaging
        };
        match (resource.text("state"), live.chat) {
            (Some("Connected"), chat) => {
                let formats: Vec<_> = resource.list("negotiatedMessageFormats").collect();
                let html = formats.contains(&"Html");
                live.messaging.only_html = html && !formats.contains(&"Plain");
                let changes = std::mem::replace(&mut live.messaging.html, html) != html;
                let connected = Chat::Connected { is_ending: false };
                // A chat that this user is ending stays in this state, regardless of later events.
                if (chat != connected || changes) && chat != Chat::Disconnecting {
                    live.chat = connected;
                    live.probe = Probe::None;
                    if let Some(conference) = live.conference_mut() {
                        conference.chat_wanted = false;
                    }
                    cx.change(self.key, ConversationChange::ChatConnected { html });
                }
            }
            (Some("Disconnecting"), Chat::Connected { is_ending: false }) => {
                live.chat = Chat::Connected { is_ending: true };
                cx.change(self.key, ConversationChange::ChatDisconnecting);
            }
            (Some("Connecting"), Chat::Disconnected) => {
                live.chat = Chat::Connecting;
                cx.change(self.key, ConversationChange::ChatConnecting);
            }
            (Some("Disconnected"), _) => self.on_chat_gone(cx, reason),
            _ => {}
        }
    }

    /// Handles the consequences of a page, a response or a timer as a whole.
    fn advance(&mut self, cx: &mut Context<'_>) {
        self.end_if_over(cx);
        self.invite_next_participant(cx);
        self.request_chat(cx);
        let Some(live) = self.life.established_mut() else {
            return;
        };
        let has_offer = live
            .offer
            .as_ref()
            .is_some_and(|offer| !offer.is_accepted());
        match live.chat {
            Chat::Connected { .. } => {
                // The chat is connected without a link to send messages. The resource may have more links than the event.
                let incomplete = live.messaging.send_message.is_none();
                if incomplete && !std::mem::replace(&mut live.messaging_read, true) {
                    self.read_messaging(cx);
                } else {
                    self.send_next(cx);
                }
            }
            // The invitation succeeded, and the event that connects the chat was merged away or had no resource.
            Chat::Connecting
                if live.invite.is_none()
                    && !has_offer
                    && !std::mem::replace(&mut live.messaging_read, true) =>
            {
                self.read_messaging(cx);
            }
            Chat::Disconnected => self.arm_probe(cx),
            _ => {}
        }
    }
}

/// Whether an event may be the completion of an operation. If its type is unreadable, the resource has to be read.
pub(super) fn may_be_completed(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Completed | EventKind::Unreadable)
}

/// The failure in the reason of an event. The code `Informational` is no failure.
pub(super) fn failure_of(reason: &Problem<'_>) -> Option<Failure> {
    if reason.code.as_deref() == Some("Informational") {
        return None;
    }
    let failure = Failure::new(FailureKind::Remote, Stage::Conversation).with_codes(
        reason.code.as_deref().map(str::to_owned),
        reason.subcode.as_deref().map(str::to_owned),
    );
    Some(match &reason.message {
        Some(message) => failure.with_message(message.to_string()),
        None => failure,
    })
}
