//! The conversations in a checkpoint: saved by one session, and continued by the next.

use std::sync::Arc;

use ucwa_proto::Resource;

use super::conversation::{Chat, Conference, Context, Conversation, Form, Kind, Life, Live};
use super::correlation::Index;
use super::invitation_text::InvitationText;
use super::outgoing_invitation::{Invite, START_GRACE};
use super::payload::ParticipantFacts;
use super::purpose::{ChatPurpose, ChatTimer, ChatsPurpose, InvitationId};
use super::{Chats, key_of};
use crate::checkpoint::{SavedConversation, SavedInvite};
use crate::core::Core;
use crate::event::{ConversationChange, SessionEvent};
use crate::exchange::Purpose;
use crate::failure::Stage;
use crate::keys::ConversationKey;

/// How many earlier hrefs of a conversation a checkpoint contains.
const MAX_FORMER: usize = 2;

impl Chats {
    /// The conversations at the server, except those with a pending invitation of the peer. `is_last` if the session sends
    /// no further requests, and `reads_invitations` if the next session reads invitations.
    pub(crate) fn save(
        &self,
        core: &Core,
        is_last: bool,
        reads_invitations: bool,
    ) -> Vec<SavedConversation> {
        let conversations = self.conversations.values();
        let saved = conversations.filter_map(|it| {
            let saved = it.save(core, &self.index, is_last)?;
            let shown = it.received.shown_texts().filter(|_| reads_invitations);
            Some(SavedConversation {
                shown: shown.collect(),
                ..saved
            })
        });
        saved.collect()
    }

    /// The incoming invitations to be read again, by href and rel: those without a result, those whose text is not shown yet,
    /// and those that are being read. `restored` are the invitations of a checkpoint that were not read again so far.
    pub(crate) fn save_invitations(
        &self,
        core: &Core,
        restored: &[(String, String)],
    ) -> Vec<(String, String)> {
        let conversations = self.conversations.values().filter(|it| !it.forgotten);
        let pending_invitations = conversations
            .clone()
            .filter_map(|conversation| conversation.pending_invitation());
        let unshown = conversations.flat_map(|conversation| conversation.unshown_invitations());
        let unshown = unshown.map(|href| (href, "messagingInvitation".to_owned()));
        let unknown = core.exchanges().filter_map(|exchange| {
            let Purpose::Chats(ChatsPurpose::ReadUnknownInvitation(href, rel)) = &exchange.purpose
            else {
                return None;
            };
            Some((href.clone(), rel.clone()))
        });
        let unknown = unknown.chain(restored.iter().cloned());
        let unknown = unknown.filter(|(href, _)| self.is_unknown_invitation(core, href));
        pending_invitations.chain(unshown).chain(unknown).collect()
    }

    fn is_unknown_invitation(&self, core: &Core, href: &str) -> bool {
        key_of(core, href).is_some_and(|href| !self.index.is_known_invitation(&href))
    }

    /// Drops the messages that are not shown yet. The session that resumes this one reads them again.
    pub(crate) fn drop_unshown(&mut self, core: &Core) {
        self.merged.clear();
        self.buffer.clear();
        for conversation in self.conversations.values_mut() {
            let is_invited = !conversation.forgotten && conversation.pending_invitation().is_some();
            let is_saved = is_invited || conversation.save(core, &self.index, true).is_some();
            if is_saved && let Some(live) = conversation.life.live_mut() {
                live.invitation_text = InvitationText::default();
                conversation.received.drop_unshown();
            }
        }
    }

    /// Shows the conversations of a checkpoint, in their former states.
    pub(crate) fn restore(&mut self, core: &mut Core, saved: Vec<SavedConversation>) {
        for mut saved in saved {
            let key = ConversationKey::Remote(core.number());
            if saved.thread_id.is_empty() {
                // The caller has added the conversation. Its invitation has the thread ID.
                saved.thread_id = core.uuid();
            }
            let conversation = Conversation::of_checkpoint(key, &saved);
            self.conversations.insert(key, Box::new(conversation));
            self.with(core, key, |conversation, cx| {
                conversation.restore(cx, saved);
            });
        }
    }

    /// Reads the data that a checkpoint does not contain: links, rosters, and the results of messages and invitations.
    pub(crate) fn read_restored(
        &mut self,
        core: &mut Core,
        pending_invitations: &[(String, String)],
    ) {
        let keys: Vec<_> = self.conversations.keys().copied().collect();
        for key in keys {
            self.with(core, key, |conversation, cx| {
                if conversation.life.live().is_some_and(|it| it.is_restored) {
                    conversation.read_conversation(cx);
                }
                conversation.read_restored_invitation(cx);
                conversation.read_restored_messages(cx);
                conversation.read_unshown(cx);
            });
        }
        for href in self.buffer.with_messages() {
            self.read_unclaimed(core, &href, 0);
        }
        // An invitation that an event has reported in the meantime is not read.
        let pending_invitations = pending_invitations.iter();
        let unknown =
            pending_invitations.filter(|(href, _)| self.is_unknown_invitation(core, href));
        for (href, rel) in unknown.collect::<Vec<_>>() {
            self.read_unknown_invitation(core, href, rel);
        }
    }
}

impl Conversation {
    /// The href and rel of the peer's invitation without a result, accepted or not.
    fn pending_invitation(&self) -> Option<(String, String)> {
        let live = self.life.live()?;
        let offer = live.offer.as_ref().filter(|_| self.life.is_beginning())?;
        Some((offer.address.href.to_string(), offer.rel().to_owned()))
    }

    /// The hrefs of the invitations whose text is not shown yet: that of the accepted one, and those that follow a message
    /// that is being read.
    fn unshown_invitations(&self) -> impl Iterator<Item = String> {
        let live = self.life.live().filter(|_| !self.life.is_beginning());
        let awaited = live.and_then(|live| live.invitation_text.awaited_href());
        let queued = live.map(|_| self.received.unshown_invitations());
        let hrefs = awaited.into_iter().chain(queued.into_iter().flatten());
        hrefs.map(str::to_owned)
    }

    /// The state of the conversation for a checkpoint. `None` if it has ended, or if the peer's invitation is pending.
    fn save(&self, core: &Core, index: &Index, is_last: bool) -> Option<SavedConversation> {
        let live = self.life.live()?;
        if self.forgotten || self.pending_invitation().is_some() {
            return None;
        }
        let is_unsent = |purpose: &ChatPurpose| self.tasks.is_unsent(core, purpose);
        let invite = live.invite.as_ref();
        // A request that waits for a commit may be sent after the caller has stored this checkpoint.
        let is_gated = core.config.commit_gate && !is_last;
        let invite = invite.filter(|it| {
            is_gated && it.commit.is_some()
                || !is_unsent(&ChatPurpose::Invite(it.operation_id.clone()))
        });
        // This conversation does not exist at the server.
        if live.address.is_none() && invite.is_none() {
            return None;
        }
        let sole_peer = self.roster.only();
        let peer = self.peer.clone();
        let peer = peer.or_else(|| sole_peer.as_ref()?.uri.clone());
        let chat = live.is_chat_connected().then_some(live.messaging.html);
        let href = live
            .address
            .as_ref()
            .map(|address| address.href.to_string());
        let doubtful = self.doubtful_messages(is_gated, is_unsent);
        // The results of these messages may be reported at an href that the conversation has left.
        let former = index
            .former_hrefs(self.key)
            .map(|href| href.as_str().to_owned());
        let former = match doubtful.is_empty() {
            true => Vec::new(),
            false => former.take(MAX_FORMER).collect(),
        };
        Some(SavedConversation {
            href: href.unwrap_or_default(),
            thread_id: self.thread_id.clone(),
            peer: peer.unwrap_or_default(),
            peer_name: sole_peer
                .and_then(|sole_peer| sole_peer.name)
                .unwrap_or_default(),
            subject: self.subject.clone().unwrap_or_default(),
            is_meeting: self.kind != Kind::Chat,
            is_conference: live.is_conference(),
            is_established: self.life.established().is_some(),
            chat,
            meeting: self.meeting.clone().unwrap_or_default(),
            invite: invite.map(|invite| {
                let href = invite.href.as_ref().or(invite.location.as_ref());
                SavedInvite {
                    operation_id: invite.operation_id.clone(),
                    kind: invite.kind,
                    href: href.map_or_else(String::new, |href| href.to_string()),
                }
            }),
            early: self.early_results(!doubtful.is_empty()),
            doubtful,
            former,
            unread: self.received.unshown().map(str::to_owned).collect(),
            shown: Vec::new(),
            text: live.invitation_text.save(),
        })
    }

    /// A conversation with the state of a checkpoint, without an href and without its messages.
    fn of_checkpoint(key: ConversationKey, saved: &SavedConversation) -> Self {
        let filled = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let kind = match saved.is_meeting {
            true => Kind::Meeting(filled(&saved.meeting)),
            false => Kind::Chat,
        };
        let chat = match (saved.chat, &saved.invite) {
            (Some(_), _) => Chat::Connected { is_ending: false },
            (None, Some(_)) => Chat::Connecting,
            (None, None) => Chat::Disconnected,
        };
        let mut live = Live::new(&kind, chat);
        live.messaging.html = saved.chat == Some(true);
        live.is_restored = true;
        // The resource is read after the conversation, which names it.
        live.messaging_read = true;
        if saved.is_conference {
            live.form = Form::Conference(Conference {
                is_set_up: saved.is_established,
                chat_wanted: false,
            });
        }
        live.invite = saved.invite.as_ref().map(|invite| {
            let href = filled(&invite.href).map(Arc::from);
            let mut restored = Invite::new(invite.operation_id.clone(), invite.kind);
            // An event named the conversation and the invitation.
            restored.href = href.clone().filter(|_| !saved.href.is_empty());
            restored.location = href;
            Box::new(restored)
        });
        if let Some(text) = saved.text.clone() {
            live.invitation_text = InvitationText::restore(text);
        }
        let mut conversation = Self::new(key, saved.thread_id.clone(), kind);
        conversation.peer = filled(&saved.peer);
        conversation.subject = filled(&saved.subject);
        conversation.meeting = filled(&saved.meeting);
        conversation.life = match saved.is_established {
            true => Life::Established(Box::new(live)),
            false => Life::Beginning(Box::new(live)),
        };
        conversation
    }

    /// Binds a conversation of a checkpoint to its href, shows it, and adds its messages without a result.
    fn restore(&mut self, cx: &mut Context<'_>, saved: SavedConversation) {
        if let Some(address) = cx
            .address_of(&saved.href)
            .filter(|_| !saved.href.is_empty())
        {
            self.bind(cx, &address);
        }
        if saved.is_conference {
            cx.index.add_conference(&self.thread_id, self.key);
        }
        let peer = (!saved.peer.is_empty()).then(|| {
            let facts = ParticipantFacts {
                uri: Some(&saved.peer),
                name: Some(&*saved.peer_name).filter(|name| !name.is_empty()),
                ..ParticipantFacts::default()
            };
            let (member, _) = self.roster.merge(cx.core, None, &facts, false);
            member.seat.joined = saved.is_established;
            member.seat.chat = saved.chat.map(|_| true);
            member.to_participant()
        });
        cx.core.emit(SessionEvent::Discovered {
            conversation: self.key,
            peer: peer.clone(),
            subject: self.subject.clone(),
        });
        if saved.is_conference {
            let uri = self.meeting.clone();
            cx.change(self.key, ConversationChange::Group { uri });
        }
        if saved.is_established {
            cx.change(self.key, ConversationChange::Connected);
            if let Some(peer) = peer.clone() {
                cx.change(self.key, ConversationChange::ParticipantJoined(peer));
            }
        }
        if let Some(html) = saved.chat {
            cx.change(self.key, ConversationChange::ChatConnected { html });
            if let Some(peer) = peer {
                let change = ConversationChange::ParticipantChat {
                    participant: peer.key,
                    connected: true,
                };
                cx.change(self.key, change);
            }
        } else if saved.invite.is_some() {
            cx.change(self.key, ConversationChange::ChatConnecting);
        }
        if let Some(invite) = saved.invite {
            self.restore_invite(cx, &invite);
        }
        for href in saved.former {
            if let Some(address) = cx.address_of(&href) {
                cx.index.unbind(address.key, self.key);
            }
        }
        for message in saved.doubtful {
            self.restore_message(cx, message);
        }
        for (href, is_delivered) in saved.early {
            self.restore_early_result(cx, &href, is_delivered);
        }
        self.received.shown_before = saved.shown;
        for href in saved.unread {
            self.restore_unshown(cx, href);
        }
    }

    fn restore_invite(&mut self, cx: &mut Context<'_>, saved: &SavedInvite) {
        let operation = &saved.operation_id;
        cx.index.open_operation(operation, self.key);
        if !saved.href.is_empty()
            && let Some(address) = cx.address_of(&saved.href)
        {
            cx.index.locate_operation(operation, address.key);
        }
        // The timer reads the invitation, or ends it if its href is unknown.
        let timer = match self.life.live().and_then(|live| live.invite.as_ref()) {
            Some(invite) if invite.is_seen() => {
                ChatTimer::InvitationCompleted(InvitationId::Outgoing(operation.clone()))
            }
            _ => ChatTimer::InvitationStarted(operation.clone()),
        };
        self.tasks.arm(cx.core, START_GRACE, timer);
    }

    /// Reads the outgoing invitation of a checkpoint, whose result may have been reported to the earlier session.
    fn read_restored_invitation(&mut self, cx: &mut Context<'_>) {
        let invite = self.life.live().and_then(|live| live.invite.as_ref());
        let Some(invite) = invite else { return };
        let purpose =
            ChatPurpose::ReadInvitation(InvitationId::Outgoing(invite.operation_id.clone()));
        self.tasks
            .read(cx.core, invite.location.as_deref(), purpose);
    }

    /// Reads the participants and the chat of a conversation of a checkpoint, of which the conversation was read.
    pub(super) fn read_restored(&mut self, cx: &mut Context<'_>, resource: &Resource<'_>) {
        let live = self.life.live_mut();
        let Some(live) = live.filter(|live| live.is_restored) else {
            return;
        };
        let participants = resource.link_href("participants");
        let is_foreign = |href| cx.core.resolve(href, Stage::Conversation).is_err();
        if participants.is_some_and(is_foreign) {
            // All conversations of this application are on its host, so the response is not one of the application.
            return self.arm_repeat(cx, ChatTimer::ConversationUnread);
        }
        live.is_restored = false;
        let purpose = ChatPurpose::ReadParticipants;
        self.tasks.read(cx.core, participants, purpose);
        self.read_messaging(cx);
    }
}
