//! The messages of running conversations that are archived later. Each is a durable record, so that the archive has the messages of
//! a conversation that a crash of the process has ended.

use std::collections::BTreeMap;
use std::mem;
use std::ops::Range;
use std::time::SystemTime;

use super::Engine;
use super::history::{Line, Log, Record};
use super::identifiers::{ApplicationId, ConversationId};
use super::records::DurableRecord;
use super::text::Text;

/// A conversation that a crash has ended, as its records describe it.
#[derive(Default)]
pub(super) struct Interrupted {
    /// The address of the user of the view, and the log without its messages.
    pub(super) log: Option<(String, Log)>,
    /// The messages by their place in the log.
    pub(super) said: BTreeMap<usize, Line>,
}

impl Interrupted {
    /// The time of the last message.
    fn ended(&self) -> Option<SystemTime> {
        self.said.last_key_value().map(|(_, line)| line.at)
    }
}

impl Engine {
    /// Adds a message to the messages that are archived at the end of the conversation.
    pub(super) fn record_message(&mut self, id: ConversationId, author: &str, text: Text) {
        let at = self.wall();
        let Some(conversation) = self.conversations.get_mut(&id) else {
            return;
        };
        conversation.record.note(author, text, at);
        let count = conversation.record.said.len();
        self.running_log_changed(id, count - 1..count);
    }

    /// Marks the record of a running conversation as changed, because its participants may have changed.
    pub(super) fn participants_changed(&mut self, id: ConversationId) {
        self.running_log_changed(id, 0..0);
    }

    /// Marks the records of an application's running conversations as changed, because the application has enabled or disabled the
    /// archive.
    pub(super) fn history_changed(&mut self, id: ApplicationId) {
        let conversations = self.application(id).map(|it| it.conversations.clone());
        for conversation in conversations.unwrap_or_default() {
            let view = self.conversations.get(&conversation);
            let count = view.map_or(0, |view| view.record.said.len());
            self.mark(conversation, 0..count);
        }
    }

    /// Marks the records of the conversation and of these messages as changed, unless the conversation will not be archived.
    fn running_log_changed(&mut self, id: ConversationId, messages: Range<usize>) {
        if self.changes.are_reported() && self.running_log(id).is_some() {
            self.mark(id, messages);
        }
    }

    fn mark(&mut self, id: ConversationId, messages: Range<usize>) {
        self.changed(|| DurableRecord::Conversation(id));
        for place in messages {
            self.changed(|| DurableRecord::Message(id, place));
        }
    }

    /// The user of the view, and the log that the archive would get if the conversation ended now, without its messages. `None` if the
    /// conversation would not be archived.
    pub(super) fn running_log(&self, id: ConversationId) -> Option<(String, Log)> {
        let conversation = self.conversations.get(&id)?;
        let application = self.application(conversation.application).ok()?;
        if !application.keeps_history() || conversation.record.said.is_empty() {
            return None;
        }
        let mut recipients = self.remotes(id);
        for author in &conversation.record.authors {
            if *author != conversation.local && !recipients.contains(author) {
                recipients.push(author.clone());
            }
        }
        let meeting = conversation.meeting.and_then(|id| self.meetings.get(&id));
        let mut log = self.log_of(conversation, recipients);
        log.meeting = meeting.map(|meeting| meeting.uri.clone());
        log.record = Record::begun_by_user(conversation.record.outgoing);
        Some((conversation.local.clone(), log))
    }

    /// A message of a running conversation that will be archived.
    pub(super) fn running_line(&self, id: ConversationId, place: usize) -> Option<&Line> {
        let conversation = self.conversations.get(&id)?;
        let application = self.application(conversation.application).ok()?;
        let line = conversation.record.said.get(place);
        line.filter(|_| application.keeps_history())
    }

    /// Archives the messages of a view at the end of the conversation, if its application has enabled the archive.
    pub(super) fn archive(&mut self, id: ConversationId) {
        let Some((owner, mut log)) = self.running_log(id) else {
            return;
        };
        if let Some(conversation) = self.conversations.get_mut(&id) {
            log.record.said = mem::take(&mut conversation.record.said);
        }
        self.mark(id, 0..log.record.said.len());
        self.keep(&owner, log);
    }

    /// Archives the conversations that a crash has ended, in the order of their last messages, and deletes their records.
    pub(super) fn archive_interrupted(&mut self, all: BTreeMap<ConversationId, Interrupted>) {
        let mut all: Vec<_> = all.into_iter().collect();
        all.sort_by_key(|(_, interrupted)| interrupted.ended());
        for (id, interrupted) in all {
            let ended = interrupted.ended();
            self.changed(|| DurableRecord::Conversation(id));
            for place in interrupted.said.keys() {
                self.changed(|| DurableRecord::Message(id, *place));
            }
            if let (Some((owner, mut log)), Some(ended)) = (interrupted.log, ended) {
                log.created = ended;
                log.record.said = interrupted.said.into_values().collect();
                self.keep(&owner, log);
            }
        }
    }
}
