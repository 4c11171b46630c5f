//! The conversations of a session. Routes each operation, event, response and timer to its conversation.

mod archived;
mod checkpoint;
mod conference;
mod conversation;
mod correlation;
mod delivery;
mod event_buffer;
mod event_dispatch;
mod html;
mod incoming_invitation;
mod invitation_result;
mod invitation_text;
mod link;
mod moderation;
mod outgoing_invitation;
mod participant_invitation;
mod participants;
mod payload;
mod purpose;
mod receiving;
mod roster;
mod sending;
mod termination;
mod typing;
mod unclaimed;

use std::collections::{BTreeMap, BTreeSet};

use ucwa_proto::{HrefKey, Resource, SipUri};

pub(crate) use self::archived::{ArchivedKind, Recipient};
use self::conversation::{Context, Conversation, Discovery, Kind, Page};
use self::correlation::Index;
use self::event_buffer::EventBuffer;
pub(crate) use self::html::hash;
use self::moderation::Action;
pub(crate) use self::outgoing_invitation::InviteKind;
pub(crate) use self::payload::{message_body, timestamp};
use self::purpose::ChatPurpose;
pub(crate) use self::purpose::{ChatsPurpose, ChatsTimer};
use self::sending::Draft;
use self::unclaimed::MergedInvitation;
use crate::core::Core;
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::{ConversationKey, Ticket};
use crate::operation::{Operation, Outcome};
use crate::response::Answer;
use crate::timers::TimerKey;

#[derive(Default)]
pub(crate) struct Chats {
    /// The user's own SIP URI.
    pub(crate) me: String,
    account: Account,
    /// Boxed, because the nodes of a map are half empty.
    conversations: BTreeMap<ConversationKey, Box<Conversation>>,
    index: Index,
    buffer: EventBuffer,
    /// Incoming invitations that are being read, since their first event was merged with a later one.
    merged: BTreeMap<HrefKey, MergedInvitation>,
    page: Page,
    /// The conversations that may have changed since the last call of `advance_changed`. Only these are advanced, so the cost
    /// of a page does not depend on the number of conversations.
    changed_conversations: BTreeSet<ConversationKey>,
    discovered: Vec<Discovery>,
}

/// The links and formats of the application (`communication_ref`).
#[derive(Default)]
struct Account {
    /// An application exists.
    signed_in: bool,
    /// The link to start a chat. Guests of a meeting do not have it.
    start_messaging: Option<String>,
    /// The link to start a conference.
    start_online_meeting: Option<String>,
    /// The link to join a conference by its URI.
    join_online_meeting: Option<String>,
    /// The server knows that this client supports HTML, so an invitation may contain HTML.
    html: bool,
}

impl Chats {
    /// Updates the account from a `communication` resource (`communication_ref`). A member that is missing in the update
    /// keeps its value.
    pub(crate) fn apply_communication(&mut self, communication: &Resource<'_>) {
        let account = &mut self.account;
        account.signed_in = true;
        for (rel, link) in [
            ("startMessaging", &mut account.start_messaging),
            ("startOnlineMeeting", &mut account.start_online_meeting),
            ("joinOnlineMeeting", &mut account.join_online_meeting),
        ] {
            if let Some(href) = communication.link_href(rel) {
                *link = Some(href.to_owned());
            }
        }
        let formats: Vec<_> = communication.list("supportedMessageFormats").collect();
        if !formats.is_empty() {
            account.html = formats.contains(&"Html");
        }
    }

    /// Whether the server has offered a link to begin or to join conversations.
    pub(crate) fn can_begin(&self) -> bool {
        let account = &self.account;
        account.start_messaging.is_some()
            || account.start_online_meeting.is_some()
            || account.join_online_meeting.is_some()
    }

    /// The server has accepted the formats of the messages, which the application resource does not have before it is read again.
    pub(crate) fn set_html(&mut self, html: bool) {
        self.account.html = html;
    }

    // Routing.

    /// Calls `f` with a conversation. Afterwards shows the conversations that `f` discovered, and drops the record of a
    /// forgotten conversation that has ended.
    fn with<R>(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        f: impl FnOnce(&mut Conversation, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let conversation = self.conversations.get_mut(&key)?;
        let mut cx = Context {
            core: &mut *core,
            index: &mut self.index,
            buffer: &mut self.buffer,
            account: &self.account,
            page: self.page,
            discovered: &mut self.discovered,
        };
        let result = f(conversation, &mut cx);
        self.changed_conversations.insert(key);
        if conversation.forgotten && !conversation.is_live() {
            self.drop_record(key);
        }
        for discovery in std::mem::take(&mut self.discovered) {
            self.adopt(core, discovery);
        }
        Some(result)
    }

    /// Calls `f` with the conversation at an href.
    fn with_href(
        &mut self,
        core: &mut Core,
        href: &HrefKey,
        f: impl FnOnce(&mut Conversation, &mut Context<'_>),
    ) {
        if let Some(key) = self.index.conversation(href) {
            self.with(core, key, f);
        }
    }

    /// Calls `f` with the conversation of an operation. If there is no such conversation, the operation fails.
    fn command(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        ticket: Ticket,
        f: impl FnOnce(&mut Conversation, &mut Context<'_>),
    ) {
        if self.with(core, key, f).is_none() {
            let failure = invalid("there is no such conversation".to_owned());
            core.complete(ticket, Err(failure));
        }
    }

    /// Like [`Self::command`], for an operation that needs the application.
    fn command_online(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        ticket: Ticket,
        f: impl FnOnce(&mut Conversation, &mut Context<'_>),
    ) {
        if self.account.signed_in {
            self.command(core, key, ticket, f);
        } else {
            let failure = Failure::new(FailureKind::NotSignedIn, Stage::Command);
            core.complete(ticket, Err(failure));
        }
    }

    /// Starts an operation on a conversation.
    pub(crate) fn submit(&mut self, core: &mut Core, ticket: Ticket, operation: Operation) {
        match operation {
            Operation::OpenConversation {
                conversation: key,
                participant,
                peer,
            } => {
                let opened = SipUri::parse(&peer).map(|uri| {
                    let thread_id = core.uuid();
                    self.conversations.entry(key).or_insert_with(|| {
                        let mut conversation = Conversation::new(key, thread_id, Kind::Chat);
                        conversation.expect(participant, uri.as_str().to_owned());
                        Box::new(conversation)
                    });
                    Outcome::Done
                });
                core.complete(ticket, opened.map_err(|error| invalid(error.to_string())));
            }
            Operation::OpenMeeting {
                conversation: key,
                uri,
            } => {
                let opened = uri.map(|uri| SipUri::parse(&uri)).transpose().map(|uri| {
                    let thread_id = core.uuid();
                    let uri = uri.map(|uri| uri.as_str().to_owned());
                    self.conversations.entry(key).or_insert_with(|| {
                        Box::new(Conversation::new(key, thread_id, Kind::Meeting(uri)))
                    });
                    Outcome::Done
                });
                core.complete(ticket, opened.map_err(|error| invalid(error.to_string())));
            }
            Operation::ForgetConversation(key) => {
                let known = self.with(core, key, |conversation, cx| {
                    // Set before the call: if the invitation has not been sent, the conversation ends during the call.
                    conversation.forgotten = true;
                    conversation.leave(cx, ticket);
                });
                if known.is_none() {
                    core.complete(ticket, Ok(Outcome::Done));
                }
            }
            Operation::Leave(key) => {
                let known = self.with(core, key, |conversation, cx| conversation.leave(cx, ticket));
                if known.is_none() {
                    core.complete(ticket, Ok(Outcome::Done));
                }
            }
            Operation::SetImportance {
                conversation,
                importance,
            } => self.command(core, conversation, ticket, |conversation, cx| {
                conversation.importance = importance;
                cx.core.complete(ticket, Ok(Outcome::Done));
            }),
            Operation::StartChat {
                conversation,
                subject,
                context,
            } => self.command_online(core, conversation, ticket, |conversation, cx| {
                conversation.start_chat(cx, subject, context, ticket);
            }),
            Operation::SendMessage {
                conversation,
                message,
                body,
                subject,
                message_id,
            } => self.command(core, conversation, ticket, |conversation, cx| {
                let draft = Draft {
                    message,
                    body,
                    ticket,
                    message_id,
                };
                conversation.send_message(cx, draft, subject);
            }),
            // An open invitation proves that the application exists, also before a session that resumes has read it.
            Operation::Accept(key) => self.command(core, key, ticket, |it, cx| {
                it.accept(cx, ticket);
            }),
            Operation::Decline(key) => self.command(core, key, ticket, |it, cx| {
                it.decline(cx, ticket);
            }),
            Operation::StopChat(key) => self.command_online(core, key, ticket, |it, cx| {
                it.stop_chat(cx, ticket);
            }),
            Operation::SendIsTyping(key) => self.command_online(core, key, ticket, |it, cx| {
                it.send_is_typing(cx, ticket);
            }),
            Operation::Acknowledge(key) => self.command_online(core, key, ticket, |it, cx| {
                it.acknowledge(cx, ticket);
            }),
            Operation::AddParticipant {
                conversation,
                participant,
                uri,
            } => self.command(core, conversation, ticket, |it, cx| {
                it.add_participant(cx, participant, &uri, ticket);
            }),
            Operation::RemoveParticipant {
                conversation,
                participant,
            } => self.command(core, conversation, ticket, |it, cx| {
                it.remove_participant(cx, participant, ticket);
            }),
            Operation::SetRole {
                conversation,
                participant,
                role,
            } => self.command(core, conversation, ticket, |it, cx| {
                it.moderate(cx, participant, Action::to(role), ticket);
            }),
            Operation::Admit {
                conversation,
                participant,
            } => self.command(core, conversation, ticket, |it, cx| {
                it.moderate(cx, participant, Action::Admit, ticket);
            }),
            Operation::Reject {
                conversation,
                participant,
            } => self.command(core, conversation, ticket, |it, cx| {
                it.moderate(cx, participant, Action::Reject, ticket);
            }),
            Operation::SignIn(_)
            | Operation::SignOut
            | Operation::FetchPerson { .. }
            | Operation::FollowPerson { .. }
            | Operation::SetMe(_)
            | Operation::SearchPeople { .. }
            | Operation::Contacts(_)
            | Operation::SetHistory(_)
            | Operation::ListArchived { .. }
            | Operation::ReadArchived(_)
            | Operation::MarkAsRead(_) => {
                let failure = Failure::new(FailureKind::WrongState, Stage::Command);
                core.complete(ticket, Err(failure));
            }
        }
    }

    pub(crate) fn on_timer(&mut self, core: &mut Core, key: TimerKey, timer: ChatsTimer) {
        match timer {
            ChatsTimer::Unclaimed(href, failed) => self.read_unclaimed(core, &href, failed),
            ChatsTimer::Conversation(conversation, timer) => {
                self.with(core, conversation, |conversation, cx| {
                    if conversation.tasks.finish_timer(key) {
                        conversation.on_timer(cx, timer);
                    }
                });
            }
        }
        self.advance_changed(core);
    }

    /// Handles the end of a request of the chats.
    pub(crate) fn on_finished(
        &mut self,
        core: &mut Core,
        purpose: &ChatsPurpose,
        answer: Answer<'_>,
    ) {
        match purpose {
            ChatsPurpose::ReadUnknownInvitation(href, rel) => {
                self.on_unknown_invitation_read(core, (href, rel), answer);
            }
            ChatsPurpose::ReadUnclaimed(href, failed) => {
                self.on_unclaimed_read(core, (href, *failed), answer);
            }
            ChatsPurpose::Conversation(key, purpose) => {
                self.with(core, *key, |conversation, cx| {
                    if conversation.tasks.finish(answer.exchange) {
                        conversation.on_finished(cx, purpose, answer);
                    }
                });
            }
        }
        self.advance_changed(core);
    }

    // The application.

    /// Ends every conversation, because the application that contained them has ended.
    pub(crate) fn end_all(&mut self, core: &mut Core, failure: &Failure) {
        // The account is cleared first, so that no conversation is restarted without an application.
        self.account = Account::default();
        self.show_buffered(core);
        let keys: Vec<_> = self.conversations.keys().copied().collect();
        for key in keys {
            self.with(core, key, |conversation, cx| {
                conversation.end(cx, Some(failure.clone()));
                // A conversation that ended earlier may still read late messages.
                conversation.tasks.drop_all(cx.core);
                conversation.show_all(cx);
                // An href is valid in one application only. The next application may use the same href again.
                conversation.deliveries.forget_hrefs();
                conversation.received.forget_hrefs();
            });
        }
        self.buffer.clear();
        core.cancel_timers(|timer| timer.is_unclaimed());
        self.index = Index::default();
        self.changed_conversations.clear();
    }

    /// Compares the conversations in `known` with `listed`, the list of the server, after events may have been lost: those
    /// that are missing have ended, and those that were becoming a conference are read.
    pub(crate) fn compare_with_list(
        &mut self,
        core: &mut Core,
        known: &[HrefKey],
        listed: &[String],
    ) {
        let listed = listed.iter().filter_map(|href| key_of(core, href));
        let listed: BTreeSet<_> = listed.collect();
        for href in known.iter().filter(|href| !listed.contains(href)) {
            self.with_href(core, href, |conversation, cx| {
                let failure = Failure::new(FailureKind::ConnectionLost, Stage::Events)
                    .with_message(
                        "events were lost, and the server no longer lists the conversation",
                    );
                conversation.on_remote_end(cx, Some(failure));
            });
        }
        for href in known.iter().filter(|href| listed.contains(href)) {
            self.with_href(core, href, Conversation::read_unfinished_conference);
        }
    }

    /// The number of operations without a result and reads in flight.
    pub(crate) fn awaited(&self) -> usize {
        self.conversations.values().map(|it| it.awaited()).sum()
    }

    /// The number of conversations with buffered events that no invitation has named.
    pub(crate) fn unnamed(&self) -> usize {
        self.buffer.len()
    }

    /// The hrefs of the conversations that exist at the server.
    pub(crate) fn known_hrefs(&self) -> Vec<HrefKey> {
        self.index.known_hrefs()
    }

    fn drop_record(&mut self, key: ConversationKey) {
        self.conversations.remove(&key);
        self.changed_conversations.remove(&key);
    }
}

impl Conversation {
    fn on_timer(&mut self, cx: &mut Context<'_>, timer: purpose::ChatTimer) {
        use purpose::ChatTimer;

        match timer {
            ChatTimer::InvitationStarted(operation) => self.on_start_overdue(cx, &operation),
            ChatTimer::InvitationCompleted(id) => self.on_completion_overdue(cx, id),
            ChatTimer::Delivery(message) => self.on_delivery_overdue(cx, message),
            ChatTimer::FirstMessage => self.on_first_message_overdue(cx),
            ChatTimer::Probe => self.probe(cx),
            ChatTimer::ConversationUnread => self.read_conversation(cx),
            ChatTimer::MessagingUnread => self.read_messaging(cx),
            ChatTimer::ParticipantInvitation(operation) => self.read_joining(cx, &operation),
            // The server accepted the ejection, and the event that confirms it is missing.
            ChatTimer::Ejected(participant) => self.remove_from_roster(cx, participant, None),
        }
    }

    fn on_finished(&mut self, cx: &mut Context<'_>, purpose: &ChatPurpose, answer: Answer<'_>) {
        match purpose {
            ChatPurpose::Invite(operation) => self.on_invite_response(cx, operation, answer),
            ChatPurpose::ReadInvitation(id) => self.on_invitation_read(cx, id, answer),
            ChatPurpose::Accept => self.on_accept_response(cx, answer),
            ChatPurpose::Decline => self.on_decline_response(cx, answer),
            ChatPurpose::Cancel => self.on_cancel_response(cx, answer),
            ChatPurpose::StopMessaging => self.on_stop_response(cx, false, answer),
            ChatPurpose::StopInsteadOfDelete => self.on_stop_response(cx, true, answer),
            ChatPurpose::DeleteConversation => self.on_delete_response(cx, answer),
            ChatPurpose::ReadConversation => self.on_conversation_read(cx, answer),
            ChatPurpose::ReadMessaging => self.on_messaging_read(cx, false, answer),
            ChatPurpose::ReadDerivedMessaging => self.on_messaging_read(cx, true, answer),
            ChatPurpose::ReadParticipants => self.on_participants_read(cx, answer),
            ChatPurpose::ReadParticipant(href) => self.on_participant_read(cx, href, answer),
            ChatPurpose::SendMessage(message) => self.on_send_response(cx, *message, answer),
            ChatPurpose::ReadDelivery(message) => self.on_delivery_read(cx, *message, answer),
            ChatPurpose::ReadOutgoing(href) => self.on_outgoing_read(cx, href, answer),
            ChatPurpose::ReadIncoming(href) => self.on_incoming_read(cx, href, answer),
            ChatPurpose::SetIsTyping => self.on_typing_response(cx, answer),
            ChatPurpose::AddParticipant(operation) => {
                self.on_add_participant_response(cx, operation, answer);
            }
            ChatPurpose::ReadParticipantInvitation(operation) => {
                self.on_participant_invitation_read(cx, operation, answer);
            }
            ChatPurpose::CancelParticipant(participant) => {
                self.on_cancel_participant_response(cx, *participant, answer);
            }
            ChatPurpose::Eject(participant) => self.on_eject_response(cx, *participant, answer),
            ChatPurpose::Moderate(participant, action) => {
                self.on_moderate_response(cx, (*participant, *action), answer);
            }
            ChatPurpose::Acknowledge => self.on_acknowledged(cx, answer),
        }
    }
}

/// The comparison key of an href of the application.
pub(crate) fn key_of(core: &Core, href: &str) -> Option<HrefKey> {
    core.base.as_ref().map(|base| HrefKey::of(href, base))
}

fn invalid(message: String) -> Failure {
    Failure::new(FailureKind::InvalidArgument, Stage::Command).with_message(message)
}

fn wrong_state(message: &str) -> Failure {
    Failure::new(FailureKind::WrongState, Stage::Command).with_message(message)
}
