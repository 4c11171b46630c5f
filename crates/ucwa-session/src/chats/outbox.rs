//! Messages that leave: one request at a time, in the order of the commands, each with a verdict.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::{HrefKey, Origin};

use super::conversation::{Chat, State};
use super::verdict::{Verdict, unknown};
use super::{Chats, Met, key_of, read, wrong_state};
use crate::core::Core;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::{ConversationKey, MessageKey, Ticket};
use crate::operation::MessageBody;
use crate::response::Effect;
use crate::timers::Timer;

/// How long the verdict may take after the server took the message.
const VERDICT_GRACE: Duration = Duration::from_secs(30);

/// How many messages of a conversation are remembered that were reported as unknown; the oldest is forgotten first.
const MAX_UNSETTLED: usize = 64;

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// A message that was not handed over yet.
pub(crate) struct Draft {
    pub(super) message: MessageKey,
    pub(super) body: MessageBody,
    pub(super) ticket: Ticket,
}

#[derive(Default)]
pub(crate) struct Outbox {
    /// Written, and not handed over.
    pub(super) drafts: VecDeque<Draft>,
    /// Handed over, and the answer is not there, or never will be.
    pub(super) posting: Option<Posting>,
    /// Taken by the server, without a verdict.
    pub(super) awaiting: Vec<Awaiting>,
    /// Reported as unknown; a late event may still tell.
    pub(super) unsettled: Vec<Unsettled>,
    /// Verdicts on messages of ours that match nothing yet, while a message of ours has no known address.
    pub(super) early: Vec<Early>,
    /// The addresses of messages whose verdict is known: their events are about no other message.
    pub(super) settled: Met,
}

/// A verdict that nobody knows whose it is.
pub(super) struct Early {
    pub(super) href: HrefKey,
    /// The address as the event gave it.
    pub(super) link: String,
    pub(super) verdict: Verdict,
}

pub(super) struct Posting {
    pub(super) message: MessageKey,
    pub(super) ticket: Ticket,
    pub(super) operation_id: String,
    /// The answer will not come: only an event can tell what became of it.
    pub(super) lost: bool,
}

pub(super) struct Awaiting {
    pub(super) message: MessageKey,
    pub(super) ticket: Ticket,
    pub(super) operation_id: String,
    pub(super) location: String,
    pub(super) location_key: HrefKey,
}

pub(super) struct Unsettled {
    pub(super) message: MessageKey,
    pub(super) operation_id: String,
    pub(super) place: Place,
}

/// Under which address events tell of a message.
#[derive(PartialEq)]
pub(super) enum Place {
    /// Under none: it is inside an invitation, or was sent in a life of the conversation that is over.
    Nowhere,
    /// Under one that was not told.
    Untold,
    /// Under this one.
    At(HrefKey),
}

impl Outbox {
    /// How many messages have no verdict yet, and how many verdicts no message.
    pub(super) fn awaited(&self) -> usize {
        self.drafts.len()
            + usize::from(self.posting.is_some())
            + self.awaiting.len()
            + self.early.len()
    }

    pub(super) fn is_unsettled(&self, operation: &str) -> bool {
        self.unsettled
            .iter()
            .any(|message| message.operation_id == operation)
    }

    pub(super) fn remember_unsettled(
        &mut self,
        message: MessageKey,
        operation: &str,
        place: Place,
    ) {
        if self.unsettled.len() >= MAX_UNSETTLED {
            self.unsettled.remove(0);
        }
        self.unsettled.push(Unsettled {
            message,
            operation_id: operation.to_owned(),
            place,
        });
    }

    /// A new life of the conversation has new addresses: the old ones will not be told any more.
    pub(super) fn begin_life(&mut self) {
        for message in &mut self.unsettled {
            if message.place == Place::Untold {
                message.place = Place::Nowhere;
            }
        }
    }

    /// The application is gone, and every address with it.
    pub(super) fn forget_addresses(&mut self) {
        self.settled.clear();
        self.early.clear();
        for message in &mut self.unsettled {
            message.place = Place::Nowhere;
        }
    }

    pub(super) fn take_unsettled(&mut self, operation: &str) -> Option<MessageKey> {
        let position = self
            .unsettled
            .iter()
            .position(|message| message.operation_id == operation)?;
        Some(self.unsettled.remove(position).message)
    }

    /// Whether the answer to a message that was handed over is still to come.
    pub(super) fn is_posting(&self) -> bool {
        self.posting.as_ref().is_some_and(|posting| !posting.lost)
    }

    /// Whether a message of ours may be at the server under an address that nobody will tell.
    pub(super) fn has_nameless(&self) -> bool {
        self.posting.as_ref().is_some_and(|posting| posting.lost)
            || self
                .unsettled
                .iter()
                .any(|message| message.place == Place::Untold)
    }

    pub(super) fn take_drafts(&mut self) -> VecDeque<Draft> {
        std::mem::take(&mut self.drafts)
    }

    pub(super) fn put_draft(&mut self, draft: Draft) {
        self.drafts.push_back(draft);
    }

    pub(super) fn put_drafts(&mut self, drafts: VecDeque<Draft>) {
        self.drafts = drafts;
    }
}

impl Chats {
    pub(super) fn send_message(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        message: MessageKey,
        body: MessageBody,
        subject: Option<String>,
        ticket: Ticket,
    ) {
        let empty =
            matches!(&body, MessageBody::Text(text) | MessageBody::Html(text) if text.is_empty());
        let draft = Draft {
            message,
            body,
            ticket,
        };
        if !self.signed_in {
            let failure = Failure::new(FailureKind::NotSignedIn, Stage::Command);
            return self.refuse_draft(core, key, draft, failure);
        }
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return core.complete(
                ticket,
                Err(super::invalid("there is no such conversation".to_owned())),
            );
        };
        if empty {
            return self.refuse_draft(
                core,
                key,
                draft,
                super::invalid("the message is empty".to_owned()),
            );
        }
        conversation.typed_at = None;
        match (conversation.state, conversation.chat) {
            (State::Created | State::Ended, _) => {
                self.invite_with(core, key, subject, draft);
            }
            (_, Chat::Disconnecting) => {
                self.refuse_draft(core, key, draft, wrong_state("the chat is being ended"));
            }
            (_, Chat::Notified) => {
                conversation.outbox.drafts.push_back(draft);
                self.post_accept(core, key);
            }
            // The chat of a conference comes back by itself.
            (State::Connected, Chat::Disconnected) if conversation.wants_chat_of_conference() => {
                conversation.outbox.drafts.push_back(draft);
            }
            // The chat is gone, and a message for it is still on its way: it could arrive behind this one.
            (State::Connected, Chat::Disconnected) if conversation.outbox.is_posting() => {
                conversation.outbox.drafts.push_back(draft);
            }
            // The chat is gone, and whether the conversation is, is being found out: that decides how to go on.
            (State::Connected, Chat::Disconnected) if conversation.is_being_probed() => {
                conversation.outbox.drafts.push_back(draft);
            }
            (State::Connected, Chat::Disconnected) => {
                self.invite_with(core, key, subject, draft);
            }
            _ => {
                conversation.outbox.drafts.push_back(draft);
                self.pump(core, key);
            }
        }
    }

    /// A message that cannot be sent at all still gets its verdict.
    fn refuse_draft(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        draft: Draft,
        failure: Failure,
    ) {
        let verdict = Verdict::failed(failure);
        self.settle_message(core, key, draft.message, Some(draft.ticket), verdict);
    }

    /// Hands over the next message, if nothing stands before it.
    pub(super) fn pump(&mut self, core: &mut Core, key: ConversationKey) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        if conversation.chat == Chat::Disconnected && conversation.state == State::Connected {
            return self.ask_back(core, key);
        }
        let (html, only_html) = (conversation.html, conversation.only_html);
        let outbox = &mut conversation.outbox;
        if conversation.chat != Chat::Connected || outbox.posting.is_some() {
            return;
        }
        // Those who are being invited are to hear what was said to them.
        if conversation.group
            && !conversation.joining.is_empty()
            && !conversation.roster.has_joined()
        {
            return;
        }
        let Some(href) = conversation.links.send_message.clone() else {
            return;
        };
        let Some(draft) = outbox.drafts.pop_front() else {
            return;
        };
        let operation_id = core.uuid();
        let (content_type, text) = match &draft.body {
            MessageBody::Html(body) if html => (HTML, body.clone()),
            body if only_html => (HTML, read::text_to_html(&read::plain_to_send(body))),
            body => (TEXT, read::plain_to_send(body)),
        };
        let url = core.resolve(&href, Stage::Message);
        outbox.posting = Some(Posting {
            message: draft.message,
            ticket: draft.ticket,
            operation_id: operation_id.clone(),
            lost: false,
        });
        match url {
            Ok(url) => {
                let url = Origin::append_query(&url, "operationId", &operation_id);
                let purpose = Purpose::SendMessage(key, draft.message);
                core.issue(Exchange::new(purpose, Method::POST, url).with_body(content_type, text));
            }
            Err(failure) => self.on_not_posted(core, key, failure),
        }
    }

    pub(super) fn on_send_answer(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        message: MessageKey,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let Some(posting) = conversation
            .outbox
            .posting
            .as_mut()
            .filter(|posting| posting.message == message)
        else {
            return;
        };
        match core.effect(exchange, result) {
            Effect::Done(response) => {
                let location = core.location(&response).map(str::to_owned);
                match location.and_then(|location| Some((key_of(core, &location)?, location))) {
                    Some((location_key, location)) => {
                        self.on_posted(core, key, location, location_key);
                    }
                    // Taken, but nobody says where it is: as good as an answer that was lost.
                    None => {
                        posting.lost = true;
                        self.on_answer_lost(core, key, message);
                    }
                }
            }
            Effect::Gone(failure) => {
                // The conversation is over, and the message did not get into it. It is not begun again unasked: that
                // could say the message twice.
                self.on_not_posted(core, key, failure.clone());
                self.on_chat_gone(core, key, Some(failure));
                self.arm_probe(core, key);
            }
            Effect::Unclear(_) => {
                posting.lost = true;
                self.on_answer_lost(core, key, message);
            }
            Effect::Refused(failure) => {
                self.on_not_posted(core, key, failure);
                self.pump(core, key);
            }
        }
    }

    /// The server took the message and said where it is.
    fn on_posted(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        location: String,
        location_key: HrefKey,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let outbox = &mut conversation.outbox;
        let Some(posting) = outbox.posting.take() else {
            return;
        };
        let early = outbox
            .early
            .iter()
            .position(|early| early.href == location_key);
        match early.map(|position| outbox.early.remove(position).verdict) {
            Some(verdict) => {
                outbox.settled.insert(location_key, ());
                self.settle_message(core, key, posting.message, Some(posting.ticket), verdict);
            }
            None => {
                outbox.awaiting.push(Awaiting {
                    message: posting.message,
                    ticket: posting.ticket,
                    operation_id: posting.operation_id,
                    location,
                    location_key,
                });
                core.arm(VERDICT_GRACE, Timer::Verdict(key, posting.message));
            }
        }
        self.sort_early(core, key);
        self.pump(core, key);
    }

    /// The message did not get out.
    fn on_not_posted(&mut self, core: &mut Core, key: ConversationKey, failure: Failure) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let Some(posting) = conversation.outbox.posting.take() else {
            return;
        };
        let verdict = Verdict::failed(failure);
        self.settle_message(core, key, posting.message, Some(posting.ticket), verdict);
        self.sort_early(core, key);
    }

    /// The answer will not come, the message may have arrived: an event may tell, though under an address that was
    /// never told. Until then the queue waits, since what follows must not overtake it.
    fn on_answer_lost(&mut self, core: &mut Core, key: ConversationKey, message: MessageKey) {
        core.arm(VERDICT_GRACE, Timer::Verdict(key, message));
        self.sort_early(core, key);
        self.pump(core, key);
    }

    /// What was not handed over will not be.
    pub(super) fn fail_drafts(&mut self, core: &mut Core, key: ConversationKey, failure: &Failure) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let failure = not_sent(failure);
        for draft in conversation.outbox.take_drafts() {
            let verdict = Verdict::failed(failure.clone());
            self.settle_message(core, key, draft.message, Some(draft.ticket), verdict);
        }
    }

    /// The conversation is over: a message that was handed over, and of which nothing has left yet, was not sent.
    pub(super) fn withdraw(&mut self, core: &mut Core, key: ConversationKey, failure: &Failure) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let posting = conversation
            .outbox
            .posting
            .take_if(|posting| core.is_unsent(&Purpose::SendMessage(key, posting.message)));
        let carried = conversation.invite.as_mut().and_then(|invite| {
            let purpose = Purpose::Invite(key, invite.operation_id.clone());
            invite.carried.take_if(|_| core.is_unsent(&purpose))
        });
        let carried = carried.map(|draft| (draft.message, draft.ticket));
        let posting = posting.map(|posting| (posting.message, posting.ticket));
        for (message, ticket) in carried.into_iter().chain(posting) {
            let verdict = Verdict::failed(not_sent(failure));
            self.settle_message(core, key, message, Some(ticket), verdict);
        }
    }

    /// The conversation is over: what was handed over without a verdict stays unknown, the rest failed.
    pub(super) fn close_outbox(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        failure: &Failure,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let outbox = &mut conversation.outbox;
        outbox.early.clear();
        let mut open = Vec::new();
        for message in outbox.awaiting.drain(..) {
            open.push((
                message.message,
                message.ticket,
                message.operation_id,
                Place::At(message.location_key),
            ));
        }
        if let Some(posting) = outbox.posting.take() {
            open.push((
                posting.message,
                posting.ticket,
                posting.operation_id,
                Place::Untold,
            ));
        }
        for (message, ticket, operation_id, place) in open {
            if let Some(conversation) = self.conversations.get_mut(&key) {
                conversation
                    .outbox
                    .remember_unsettled(message, &operation_id, place);
            }
            let why =
                unknown("the conversation ended before the server said what became of the message");
            self.settle_message(core, key, message, Some(ticket), Verdict::failed(why));
        }
        self.fail_drafts(core, key, failure);
    }
}

/// Why a message that was not sent failed, whatever is unknown of others.
fn not_sent(failure: &Failure) -> Failure {
    match failure.kind() {
        FailureKind::DeliveryUnknown => Failure::new(FailureKind::Ended, Stage::Message)
            .with_message("the conversation ended before the message was sent"),
        _ => failure.clone(),
    }
}
