//! Event pages: which conversation each event belongs to, and what it does there.

use ucwa_proto::{Event, EventKind, EventPage, Problem, Resource, Sender};

use super::conference::is_conference;
use super::conversation::{Chat, Links, Probe, State};
use super::recognise::{MESSAGING_INVITATION, ONLINE_MEETING_INVITATION};
use super::{Chats, key_of};
use crate::core::Core;
use crate::event::{ConversationChange, Standing};
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::ConversationKey;

impl Chats {
    /// Takes a whole page.
    pub(crate) fn on_page(&mut self, core: &mut Core, page: &EventPage<'_>) {
        // Invitations say whose a new conversation is, and may stand behind the conversation's own events: they first.
        self.in_page = true;
        self.page += 1;
        // Into a conversation that lives one invitation may follow another, each in its turn.
        for (_, event) in page.events() {
            if is_invitation(&event.link.rel) && !self.is_into_existing(core, event) {
                self.recognise(core, event);
            }
        }
        self.note_conferences(core, page);
        for (sender, event) in page.events() {
            self.on_event(core, sender, event);
        }
        self.in_page = false;
        // What a conversation is without its chat, or with it, shows only when the page is through.
        let keys: Vec<_> = self.conversations.keys().copied().collect();
        for key in keys {
            self.after_page(core, key);
        }
    }

    fn on_event(&mut self, core: &mut Core, sender: &Sender<'_>, event: &Event<'_>) {
        match (sender.rel.as_ref(), event.link.rel.as_ref()) {
            ("communication", rel) if is_invitation(rel) => {
                self.recognise(core, event);
                self.on_invitation(core, event);
            }
            ("communication", "participantInvitation") => {
                self.on_participant_invitation(core, event);
            }
            ("communication", "conversation") => match self.find(core, &event.link.href) {
                Some(key) => self.on_conversation(core, key, event),
                None => {
                    self.keep(core, sender, event, &event.link.href);
                    self.await_invitation(core, event);
                }
            },
            ("conversation", _) => match self.find(core, &sender.href) {
                Some(key) => self.on_conversation_event(core, key, event),
                None => match self.find_dead(core, &sender.href) {
                    // A life that is over has nothing more to say but what was written in it, and what became of that.
                    Some(key) if event.link.rel == "message" => {
                        self.on_late_message(core, key, event);
                    }
                    Some(_) => {}
                    None => self.keep(core, sender, event, &sender.href),
                },
            },
            _ => {}
        }
    }

    /// Holds an event of a conversation that no invitation has named yet.
    fn keep(&mut self, core: &mut Core, sender: &Sender<'_>, event: &Event<'_>, href: &str) {
        // On another host is no conversation of this application.
        if core.resolve(href, Stage::Conversation).is_err() {
            return;
        }
        let Some(key) = key_of(core, href).filter(|key| !self.dead.contains(key)) else {
            return;
        };
        self.unclaimed.push(key.clone(), href, sender, event);
        while let Some(href) = self.unclaimed.overflow(&key) {
            self.discover(core, Some(&href), &Resource::default(), None);
        }
    }

    /// Dispatches the events that were held for a conversation that has just been claimed.
    pub(super) fn play_kept(&mut self, core: &mut Core, href: &str) {
        let held = key_of(core, href).map(|href| self.unclaimed.take(&href));
        for sender in held.iter().flatten() {
            for event in &sender.events {
                self.on_event(core, sender, event);
            }
        }
    }

    fn on_conversation_event(&mut self, core: &mut Core, key: ConversationKey, event: &Event<'_>) {
        let within = event.within.as_ref().map(|within| within.rel.as_ref());
        match (event.link.rel.as_ref(), within) {
            ("participant", None) => self.on_participant(core, key, event),
            ("participant", Some("typingParticipants")) => self.on_typing(core, key, event),
            ("participant", Some(view)) => self.on_view(core, key, event, view),
            ("localParticipant", _) => self.on_local_participant(core, key, event),
            ("onlineMeeting", _) => self.on_online_meeting(core, key, event),
            ("participantMessaging", _) => self.on_participant_messaging(core, key, event),
            ("messaging", _) => self.on_messaging(core, key, event),
            ("message", _) => self.on_message(core, key, event),
            _ => {}
        }
    }

    fn on_conversation(&mut self, core: &mut Core, key: ConversationKey, event: &Event<'_>) {
        let reason = event.reason.as_ref().and_then(failure_of);
        if event.kind == EventKind::Deleted {
            return self.on_remote_end(core, key, reason);
        }
        match event.resource() {
            Some(resource) => self.take_conversation(core, key, resource, reason),
            None => self.read_conversation(core, key),
        }
    }

    /// Takes in a conversation resource (`conversation_ref`).
    pub(super) fn take_conversation(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        resource: &Resource<'_>,
        reason: Option<Failure>,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        if let Some(subject) = resource
            .text("subject")
            .filter(|subject| !subject.is_empty())
            && conversation.subject.as_deref() != Some(subject)
        {
            conversation.subject = Some(subject.to_owned());
            core.change(key, ConversationChange::Subject(subject.to_owned()));
        }
        if let Some(thread_id) = resource.text("threadId").filter(|id| !id.is_empty()) {
            thread_id.clone_into(&mut conversation.thread_id);
        }
        if let Some(href) = resource.link_href("messaging") {
            conversation.links.messaging = Some(href.to_owned());
        }
        conversation.links.add_participant =
            resource.link_href("addParticipant").map(str::to_owned);
        self.take_extras(core, key, resource);
        if is_conference(resource) {
            self.become_group(core, key, None);
        }
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        conversation.conferenced = resource.text("state") == Some("Conferenced");
        match resource.text("state").unwrap_or_default() {
            "InLobby" => self.note_myself(core, key, Some(Standing::InLobby), None),
            "Connected" | "Conferenced" => {
                let before = std::mem::replace(&mut conversation.state, State::Connected);
                if before != State::Connected {
                    core.change(key, ConversationChange::Connected);
                }
                // Whoever is in it is not in its lobby.
                if conversation.standing == Some(Standing::InLobby) {
                    self.note_myself(core, key, Some(Standing::Joined), None);
                }
            }
            "Disconnected" => self.on_remote_end(core, key, reason),
            _ => {}
        }
        // If others have taken it to another conversation, this user goes along.
        if let Some(href) = resource.link_href("derivedConversation") {
            self.follow_to(core, key, href);
        }
    }

    /// What a conversation resource says beside its state.
    fn take_extras(&mut self, core: &mut Core, key: ConversationKey, resource: &Resource<'_>) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let active = |name: &str| {
            let mut modalities = resource.list("activeModalities");
            modalities.any(|modality| modality == name)
        };
        conversation.other_modality = resource
            .list("activeModalities")
            .any(|modality| modality != "Messaging");
        let modalities = [
            active("Messaging"),
            active("Audio") || active("PhoneAudio") || active("AudioVideo"),
            active("Video"),
        ];
        if std::mem::replace(&mut conversation.modalities, modalities) != modalities {
            let [messaging, audio, video] = modalities;
            let change = ConversationChange::Modalities {
                messaging,
                audio,
                video,
            };
            core.change(key, change);
        }
        let count = resource
            .integer("participantCount")
            .and_then(|count| u64::try_from(count).ok());
        if count.is_some() && conversation.participant_count != count {
            conversation.participant_count = count;
            core.change(
                key,
                ConversationChange::ParticipantCount(count.unwrap_or_default()),
            );
        }
        let acknowledge = resource.link_href("userAcknowledged").map(str::to_owned);
        let yes = acknowledge.is_some();
        let known = std::mem::replace(&mut conversation.links.user_acknowledged, acknowledge);
        if known.is_some() != yes {
            core.change(key, ConversationChange::Acknowledgeable(yes));
        }
    }

    fn on_messaging(&mut self, core: &mut Core, key: ConversationKey, event: &Event<'_>) {
        let reason = event.reason.as_ref().and_then(failure_of);
        if event.kind == EventKind::Deleted {
            return self.on_chat_gone(core, key, reason);
        }
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        conversation.links.messaging = Some(event.link.href.to_string());
        match event.resource() {
            Some(resource) => self.take_messaging(core, key, resource, reason),
            None => self.read_messaging(core, key),
        }
    }

    /// Takes in a messaging resource (`messaging_ref`).
    pub(super) fn take_messaging(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        resource: &Resource<'_>,
        reason: Option<Failure>,
    ) {
        // A chat that others took to another conversation takes this user along.
        let derived = self
            .conversations
            .get_mut(&key)
            .is_some_and(|conversation| std::mem::take(&mut conversation.derived));
        if let Some(href) = resource.link_href("conversation").filter(|_| derived) {
            self.follow_to(core, key, href);
        }
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let link = |rel: &str| resource.link_href(rel).map(str::to_owned);
        let links = &mut conversation.links;
        *links = Links {
            conversation: links.conversation.take(),
            messaging: links.messaging.take(),
            send_message: link("sendMessage"),
            stop_messaging: link("stopMessaging"),
            set_is_typing: link("setIsTyping"),
            add_messaging: link("addMessaging"),
            add_participant: links.add_participant.take(),
            user_acknowledged: links.user_acknowledged.take(),
        };
        match resource.text("state") {
            Some("Connected") => {
                let takes = |format| {
                    let mut formats = resource.list("negotiatedMessageFormats");
                    formats.any(|taken| taken == format)
                };
                let html = takes("Html");
                conversation.only_html = html && !takes("Plain");
                let news = conversation.chat != Chat::Connected
                    || conversation.html != html
                    || conversation.fading;
                conversation.html = html;
                // A chat that is being ended from here stays so, whatever the server still tells.
                if news && conversation.chat != Chat::Disconnecting {
                    conversation.chat = Chat::Connected;
                    conversation.fading = false;
                    conversation.chat_wanted = false;
                    conversation.probe = Probe::None;
                    core.change(key, ConversationChange::ChatConnected { html });
                }
            }
            Some("Disconnecting")
                if conversation.chat == Chat::Connected
                    && !std::mem::replace(&mut conversation.fading, true) =>
            {
                core.change(key, ConversationChange::ChatDisconnecting);
            }
            Some("Connecting") if conversation.chat == Chat::Disconnected => {
                conversation.chat = Chat::Connecting;
                core.change(key, ConversationChange::ChatConnecting);
            }
            Some("Disconnected") => self.on_chat_gone(core, key, reason),
            _ => {}
        }
    }

    /// What follows from a page, or an answer, as a whole.
    pub(super) fn after_page(&mut self, core: &mut Core, key: ConversationKey) {
        self.finish_over(core, key);
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        if conversation.state != State::Connected {
            return;
        }
        self.advance_joining(core, key);
        self.ask_for_chat(core, key);
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        match conversation.chat {
            Chat::Connected => {
                if conversation.links.send_message.is_none()
                    && !std::mem::replace(&mut conversation.messaging_read, true)
                {
                    // Connected, but nowhere to send to: the resource may say more than the event did.
                    self.read_messaging(core, key);
                } else {
                    self.pump(core, key);
                }
            }
            // The invitation succeeded, and the event that connects the chat was merged away or carried no resource.
            Chat::Connecting
                if conversation.invite.is_none()
                    && conversation
                        .offer
                        .as_ref()
                        .is_none_or(super::offer::Offer::is_accepted)
                    && !std::mem::replace(&mut conversation.messaging_read, true) =>
            {
                self.read_messaging(core, key);
            }
            Chat::Disconnected => self.arm_probe(core, key),
            _ => {}
        }
    }

    pub(super) fn read_messaging(&mut self, core: &mut Core, key: ConversationKey) {
        let href = self
            .conversations
            .get(&key)
            .and_then(|conversation| conversation.links.messaging.as_deref());
        Self::read(core, href, Purpose::ReadMessaging(key));
    }

    pub(super) fn read_conversation(&mut self, core: &mut Core, key: ConversationKey) {
        let href = self
            .conversations
            .get(&key)
            .and_then(|conversation| conversation.links.conversation.as_deref());
        Self::read(core, href, Purpose::ReadConversation(key));
    }

    /// GETs an href for a purpose, once at a time.
    pub(super) fn read(core: &mut Core, href: Option<&str>, purpose: Purpose) {
        if let Some(href) = href
            && !core.is_under_way(&purpose)
            && let Ok(url) = core.resolve(href, purpose.stage())
        {
            core.issue(Exchange::new(purpose, http::Method::GET, url));
        }
    }
}

fn is_invitation(rel: &str) -> bool {
    matches!(rel, MESSAGING_INVITATION | ONLINE_MEETING_INVITATION)
}

/// The failure that an event's reason tells of. The code `Informational` explains a change that is none.
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
