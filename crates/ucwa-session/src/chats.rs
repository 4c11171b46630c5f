//! Every conversation of the session, and the index by which events find theirs.

mod archived;
mod conclusion;
mod conference;
mod conversation;
mod ejecting;
mod ending;
mod event_buffer;
mod hints;
mod inbox;
mod invite;
mod joining;
mod leading;
mod offer;
mod outbox;
mod overdue;
mod page;
mod participants;
mod read;
mod recognise;
mod roster;
mod unclaimed;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::Response;
use ucwa_proto::{HrefKey, Resource, SipUri};

pub(crate) use self::archived::{ArchivedKind, Recipient};
pub(crate) use self::conversation::Conversation;
use self::conversation::{Chat, State};
use self::event_buffer::EventBuffer;
pub(crate) use self::leading::Measure;
pub(crate) use self::read::{message_body, timestamp};
use crate::core::Core;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::{ConversationKey, Ticket};
use crate::operation::{Operation, Outcome};
use crate::recent::Recent;
use crate::timers::Timer;

/// How many conversations, and how many invitations, are known to be over: events come late by pages, not by thousands of
/// conversations.
const MAX_OVER: usize = 4_096;

/// The addresses of messages of a conversation that were met before. What is repeated is what came last.
type Met = Recent<HrefKey, (), 1_024>;

#[derive(Default)]
pub(crate) struct Chats {
    /// The user's own SIP URI.
    pub(crate) me: String,
    /// There is an application. What can be begun in it, its links say.
    signed_in: bool,
    /// Where conversations begin, if the server lets the user begin any; guests of a meeting begin none.
    start_messaging: Option<String>,
    /// Where conferences begin, if the server lets the user begin any.
    start_online_meeting: Option<String>,
    /// Where conferences are joined by their URI.
    join_online_meeting: Option<String>,
    /// Whether the server knows that this user takes HTML, which an invitation may then carry.
    html: bool,
    conversations: BTreeMap<ConversationKey, Conversation>,
    /// The conversations at the server, by the key of their href.
    by_href: BTreeMap<HrefKey, ConversationKey>,
    /// Hrefs of conversations that are over: a late event must not touch the one that was started in their place.
    dead: Recent<HrefKey, ConversationKey, MAX_OVER>,
    /// The operation ids of our invitations, registered before the request is sent: events may come before its answer.
    operations: BTreeMap<String, ConversationKey>,
    /// The peers' invitations that have their verdict: an event that comes late must not offer them again.
    concluded: Recent<HrefKey, (), MAX_OVER>,
    /// Events of conversations that no invitation has named yet, in order.
    unclaimed: EventBuffer,
    /// The peers' invitations of which only a later view was seen, with their address and rel, while they are read.
    glimpsed: BTreeMap<HrefKey, (String, String, Resource<'static>)>,
    /// A page is being taken in: ends wait until it is through.
    in_page: bool,
    /// How many pages there were.
    page: u64,
}

impl Chats {
    /// Takes in what the user can do now (`communication_ref`). What an update does not say has not changed.
    pub(crate) fn take_communication(&mut self, communication: &Resource<'_>) {
        self.signed_in = true;
        for (rel, link) in [
            ("startMessaging", &mut self.start_messaging),
            ("startOnlineMeeting", &mut self.start_online_meeting),
            ("joinOnlineMeeting", &mut self.join_online_meeting),
        ] {
            if let Some(href) = communication.link_href(rel) {
                *link = Some(href.to_owned());
            }
        }
        let formats: Vec<_> = communication.list("supportedMessageFormats").collect();
        if !formats.is_empty() {
            self.html = formats.contains(&"Html");
        }
    }

    /// Takes an operation on a conversation.
    pub(crate) fn submit(&mut self, core: &mut Core, ticket: Ticket, operation: Operation) {
        match operation {
            Operation::OpenConversation {
                conversation,
                participant,
                peer,
            } => {
                let result = match SipUri::parse(&peer) {
                    Ok(uri) => {
                        let thread_id = core.uuid();
                        self.conversations.entry(conversation).or_insert_with(|| {
                            Conversation::with_peer(
                                conversation,
                                participant,
                                uri.as_str().to_owned(),
                                thread_id,
                            )
                        });
                        Ok(Outcome::Done)
                    }
                    Err(error) => Err(invalid(error.to_string())),
                };
                core.complete(ticket, result);
            }
            Operation::OpenMeeting { conversation, uri } => {
                let uri = uri.map(|uri| SipUri::parse(&uri)).transpose();
                let result = match uri {
                    Ok(uri) => {
                        let thread_id = core.uuid();
                        self.conversations.entry(conversation).or_insert_with(|| {
                            let uri = uri.map(|uri| uri.as_str().to_owned());
                            Conversation::of_meeting(conversation, uri, thread_id)
                        });
                        Ok(Outcome::Done)
                    }
                    Err(error) => Err(invalid(error.to_string())),
                };
                core.complete(ticket, result);
            }
            Operation::ForgetConversation(key) => self.forget(core, key, ticket),
            Operation::StartChat {
                conversation,
                subject,
                context,
            } => self.start_chat(core, conversation, subject, context, ticket),
            Operation::SendMessage {
                conversation,
                message,
                body,
                subject,
            } => {
                self.send_message(core, conversation, message, body, subject, ticket);
            }
            Operation::Accept(key) => self.accept(core, key, ticket),
            Operation::Decline(key) => self.decline(core, key, ticket),
            Operation::StopChat(key) => self.stop_chat(core, key, ticket),
            Operation::Leave(key) => self.leave(core, key, ticket),
            Operation::SendIsTyping(key) => self.send_is_typing(core, key, ticket),
            Operation::AddParticipant {
                conversation,
                participant,
                uri,
            } => self.add_participant(core, conversation, participant, &uri, ticket),
            Operation::RemoveParticipant {
                conversation,
                participant,
            } => self.remove_participant(core, conversation, participant, ticket),
            Operation::SetRole {
                conversation,
                participant,
                role,
            } => self.lead(core, conversation, participant, Measure::to(role), ticket),
            Operation::Admit {
                conversation,
                participant,
            } => self.lead(core, conversation, participant, Measure::Admit, ticket),
            Operation::Reject {
                conversation,
                participant,
            } => self.lead(core, conversation, participant, Measure::Reject, ticket),
            Operation::Acknowledge(key) => self.acknowledge(core, key, ticket),
            Operation::SignIn(_)
            | Operation::SignOut
            | Operation::FetchPerson { .. }
            | Operation::FollowPerson { .. }
            | Operation::SetMe(_)
            | Operation::SearchPeople { .. }
            | Operation::SetHistory(_)
            | Operation::ListArchived { .. }
            | Operation::ReadArchived(_) => {
                core.complete(
                    ticket,
                    Err(Failure::new(FailureKind::WrongState, Stage::Command)),
                );
            }
        }
    }

    pub(crate) fn on_timer(&mut self, core: &mut Core, timer: Timer) {
        match timer {
            Timer::InvitationStarted(key, operation) => {
                self.on_start_overdue(core, key, &operation);
            }
            Timer::InvitationCompleted(key, operation) => {
                self.on_completion_overdue(core, key, &operation);
            }
            Timer::Verdict(key, message) => self.on_verdict_overdue(core, key, message),
            Timer::FirstMessage(key) => self.show_preview(core, key),
            Timer::Probe(key) => self.probe(core, key),
            Timer::ParticipantInvitation(key, operation) => {
                self.ask_joining(core, key, &operation);
            }
            Timer::Unclaimed(href, before) => self.on_unclaimed(core, &href, before),
            Timer::Ejected(key, participant) => self.on_ejected_unheard(core, key, participant),
            _ => {}
        }
    }

    /// Takes the end of an exchange of a conversation.
    pub(crate) fn on_finished(
        &mut self,
        core: &mut Core,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        match &exchange.purpose {
            Purpose::Invite(key, operation) => {
                self.on_invite_answer(core, *key, operation, exchange, result);
            }
            Purpose::ReadInvitation(key, operation) => {
                self.on_invitation_read(core, *key, operation, exchange, result);
            }
            Purpose::ReadForeignInvitation(..) => {
                self.on_foreign_invitation_read(core, exchange, result);
            }
            Purpose::Accept(key) => self.on_accept_answer(core, *key, exchange, result),
            Purpose::Decline(key) => self.on_decline_answer(core, *key, exchange, result),
            Purpose::Cancel(key) => self.on_cancel_answer(core, *key, exchange, result),
            Purpose::StopMessaging(key) | Purpose::StopInstead(key) => {
                self.on_stop_answer(core, *key, exchange, result);
            }
            Purpose::DeleteConversation(key) => self.on_delete_answer(core, *key, exchange, result),
            Purpose::ReadConversation(key) => {
                self.on_conversation_read(core, *key, exchange, result);
            }
            Purpose::ReadMessaging(key) => self.on_messaging_read(core, *key, exchange, result),
            Purpose::ReadParticipant(key, href) => {
                self.on_participant_read(core, *key, href, exchange, result);
            }
            Purpose::ReadParticipants(key) => {
                self.on_participants_read(core, *key, exchange, result);
            }
            Purpose::ReadUnclaimed(href, before) => {
                self.on_unclaimed_read(core, (href, *before), exchange, result);
            }
            Purpose::SendMessage(key, message) => {
                self.on_send_answer(core, *key, *message, exchange, result);
            }
            Purpose::ReadVerdict(key, message) => {
                self.on_verdict_read(core, *key, *message, exchange, result);
            }
            Purpose::ReadSent(key, href) => self.on_sent_read(core, *key, href, exchange, result),
            Purpose::ReadMessage(key, href) => {
                self.on_message_read(core, *key, href, exchange, result);
            }
            Purpose::AddParticipant(key, operation) => {
                self.on_add_participant_answer(core, *key, operation, exchange, result);
            }
            Purpose::ReadParticipantInvitation(key, operation) => {
                self.on_participant_invitation_read(core, *key, operation, exchange, result);
            }
            Purpose::CancelParticipant(key, participant) => {
                self.on_cancel_participant_answer(core, *key, *participant, exchange, result);
            }
            Purpose::Eject(key, participant) => {
                self.on_eject_answer(core, *key, *participant, exchange, result);
            }
            Purpose::Lead(key, participant, measure) => {
                self.on_lead_answer(core, *key, *participant, *measure, exchange, result);
            }
            Purpose::Acknowledge(key) => self.on_acknowledged(core, *key, exchange, result),
            Purpose::SetIsTyping(key) => self.on_hinted(core, *key, exchange, result),
            _ => {}
        }
    }

    /// Ends every conversation: the application that held them is gone.
    pub(crate) fn end_all(&mut self, core: &mut Core, failure: &Failure) {
        // First of all: nothing may be begun again where there is nothing to begin it with.
        self.signed_in = false;
        self.start_messaging = None;
        self.start_online_meeting = None;
        self.join_online_meeting = None;
        self.html = false;
        self.show_held(core);
        let keys: Vec<_> = self.conversations.keys().copied().collect();
        for key in keys {
            self.end(core, key, Some(failure.clone()));
        }
        self.unclaimed.clear();
        core.cancel_timers(|timer| matches!(timer, Timer::Unclaimed(..)));
        // No href outlives its application, and the next one may hand out the same again.
        for conversation in self.conversations.values_mut() {
            conversation.outbox.forget_addresses();
            conversation.inbox.forget_addresses();
        }
        self.by_href.clear();
        self.dead.clear();
        self.concluded.clear();
    }

    /// How much has no verdict yet, or is still being fetched.
    pub(crate) fn awaited(&self) -> usize {
        self.conversations.values().map(Conversation::awaited).sum()
    }

    /// How many conversations events spoke of that no invitation has named.
    pub(crate) fn unnamed(&self) -> usize {
        self.unclaimed.len()
    }

    /// The conversations that the server is known to have now.
    pub(crate) fn known_hrefs(&self) -> Vec<HrefKey> {
        self.by_href.keys().cloned().collect()
    }

    /// Ends what was known when the server was asked, and what it does not list any more after it lost the place of the
    /// channel.
    pub(crate) fn end_unlisted(&mut self, core: &mut Core, known: &[HrefKey], living: &[String]) {
        let living: BTreeSet<_> = living
            .iter()
            .filter_map(|href| key_of(core, href))
            .collect();
        let gone: Vec<_> = known
            .iter()
            .filter(|href| !living.contains(*href))
            .filter_map(|href| self.by_href.get(href).copied())
            .collect();
        for key in gone {
            let failure = Failure::new(FailureKind::ConnectionLost, Stage::Events).with_message(
                "the server lost its place in the events, and the conversation with it",
            );
            self.on_remote_end(core, key, Some(failure));
        }
    }

    fn forget(&mut self, core: &mut Core, key: ConversationKey, ticket: Ticket) {
        if self
            .conversations
            .get(&key)
            .is_some_and(Conversation::is_live)
        {
            // Noted before: the end may come at once, if the invitation has not been sent.
            if let Some(conversation) = self.conversations.get_mut(&key) {
                conversation.forgotten = true;
            }
            return self.leave(core, key, ticket);
        }
        self.drop_record(key);
        core.complete(ticket, Ok(Outcome::Done));
    }

    fn drop_record(&mut self, key: ConversationKey) {
        self.conversations.remove(&key);
        self.operations.retain(|_, other| *other != key);
    }

    /// The conversation an href belongs to.
    fn find(&self, core: &Core, href: &str) -> Option<ConversationKey> {
        self.by_href.get(&key_of(core, href)?).copied()
    }

    /// The conversation an href belonged to in an earlier life.
    fn find_dead(&self, core: &Core, href: &str) -> Option<ConversationKey> {
        self.dead.get(&key_of(core, href)?).copied()
    }

    /// Notes that a conversation of ours is the one behind an href. An earlier href of it is dead from here on.
    fn bind(&mut self, core: &Core, key: ConversationKey, href: &str) {
        // Of what is on another host nothing can be asked, and nothing that is there is a conversation of this application.
        if core.resolve(href, Stage::Conversation).is_err() {
            return;
        }
        let Some(href_key) = key_of(core, href) else {
            return;
        };
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        conversation.began_at.get_or_insert(core.server_now());
        let old = conversation.links.conversation.replace(href.to_owned());
        let old = old.and_then(|old| key_of(core, &old));
        if old.as_ref() != Some(&href_key) {
            conversation.outbox.begin_life();
        }
        if let Some(old) = old.filter(|old| *old != href_key) {
            self.by_href.remove(&old);
            self.dead.insert(old, key);
        }
        if self.dead.remove(&href_key) == Some(key) {
            conversation.inbox.resume_life();
        }
        self.by_href.insert(href_key, key);
    }

    /// Forgets the href of a conversation that is over.
    fn unbind(&mut self, core: &Core, key: ConversationKey) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        if let Some(href) = conversation.links.conversation.take()
            && let Some(href) = key_of(core, &href)
        {
            self.by_href.remove(&href);
            self.dead.insert(href, key);
        }
    }

    /// Takes the record of a conversation that can be commanded, or completes the ticket with why it cannot.
    fn commanded(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        ticket: Ticket,
    ) -> Option<&mut Conversation> {
        if !self.signed_in {
            core.complete(
                ticket,
                Err(Failure::new(FailureKind::NotSignedIn, Stage::Command)),
            );
            return None;
        }
        let found = self.conversations.get_mut(&key);
        if found.is_none() {
            core.complete(
                ticket,
                Err(invalid("there is no such conversation".to_owned())),
            );
        }
        found
    }

    fn is_established(&self, key: ConversationKey) -> bool {
        self.conversations.get(&key).is_some_and(|conversation| {
            conversation.state == State::Connected && conversation.chat == Chat::Connected
        })
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
