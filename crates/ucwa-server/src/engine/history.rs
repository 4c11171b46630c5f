//! The archive: the conversations of users who have enabled it, and missed invitations (`conversationLogs_ref`,
//! `conversationLog_ref`, `conversationLogTranscripts_ref`, `missedItems_ref`).

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use ucwa_proto::{DateTime, Event, EventKind, EventLink, Link, Resource};

use super::Engine;
use super::conversation::Conversation;
use super::events::Source;
use super::exchange::Exchange;
use super::identifiers::{ApplicationId, ConversationId, InvitationId};
use super::records::DurableRecord;
use super::reply::{Refusal, Reply};
use super::routes;
use super::text::Text;

/// The maximum number of logs in a list (`conversationLogs_ref`).
const MOST_LOGS: usize = 100;
/// The number of transcripts in a page.
const PAGE: usize = 20;
static NO_LOGS: BTreeMap<usize, Log> = BTreeMap::new();

/// The length of a log's preview, in characters.
const PREVIEW: usize = 100;

/// What the archive needs of a conversation.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Record {
    /// Whether the user started the conversation.
    pub(super) outgoing: bool,
    pub(super) said: Vec<Line>,
    /// The addresses of the senders, in the order of their first messages. An archived conversation has its recipients instead.
    #[serde(skip)]
    pub(super) authors: Vec<String>,
}

/// A message in the archive.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line {
    /// The address of the sender.
    author: String,
    text: Text,
    pub(super) at: SystemTime,
}

impl Record {
    pub(super) fn begun_by_user(outgoing: bool) -> Self {
        Self {
            outgoing,
            said: Vec::new(),
            authors: Vec::new(),
        }
    }

    pub(super) fn note(&mut self, author: &str, text: Text, at: SystemTime) {
        if !self.authors.iter().any(|known| known == author) {
            self.authors.push(author.to_owned());
        }
        self.said.push(Line {
            author: author.to_owned(),
            text,
            at,
        });
    }
}

/// The archive of a user: the logs by number, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    pub(super) logs: BTreeMap<usize, Log>,
    /// The number of the next log. The number of a deleted log is not used again.
    pub(super) next: usize,
}

impl Mailbox {
    /// Adds a log, and returns its number.
    fn keep(&mut self, log: Log) -> usize {
        let number = self.next;
        self.logs.insert(number, log);
        self.next += 1;
        number
    }
}

/// A conversation in the archive.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Log {
    thread: String,
    subject: String,
    importance: String,
    /// The URI of the conference, if the conversation was one.
    pub(super) meeting: Option<String>,
    /// The addresses of the other participants.
    recipients: Vec<String>,
    missed: bool,
    read: bool,
    pub(super) created: SystemTime,
    pub(super) record: Record,
}

impl Log {
    /// The address of the other participant of a chat of two.
    fn remote(&self) -> Option<&str> {
        match (self.recipients.as_slice(), &self.meeting) {
            ([remote], None) => Some(remote),
            _ => None,
        }
    }
}

impl Engine {
    /// Archives an invitation that was not answered, if an application of the callee has enabled that.
    pub(super) fn archive_missed(&mut self, outgoing: InvitationId) {
        let Some(invitation) = self.invitations.get(&outgoing) else {
            return;
        };
        let Ok(conversation) = self.conversation(invitation.conversation) else {
            return;
        };
        let callee = conversation.remote.clone();
        let enabled = self.applications_of(&callee).into_iter().any(|id| {
            self.application(id)
                .is_ok_and(|application| application.keeps_history())
        });
        if !enabled {
            return;
        }
        let mut record = Record::begun_by_user(false);
        if let Some(text) = invitation.message.clone() {
            record.note(&conversation.local, text, self.wall());
        }
        let log = Log {
            missed: true,
            read: false,
            record,
            ..self.log_of(conversation, vec![conversation.local.clone()])
        };
        self.keep(&callee, log);
    }

    /// The log of a conversation, without its messages.
    pub(super) fn log_of(&self, conversation: &Conversation, recipients: Vec<String>) -> Log {
        Log {
            thread: conversation.thread.clone(),
            subject: conversation.subject.clone(),
            importance: conversation.importance.clone(),
            meeting: None,
            recipients,
            missed: false,
            read: true,
            created: self.wall(),
            record: Record::default(),
        }
    }

    /// Adds a log to the archive of a user.
    pub(super) fn keep(&mut self, owner: &str, log: Log) {
        let mailbox = self.mailboxes.get_or_default(owner.to_owned());
        let number = mailbox.keep(log);
        self.changed(|| DurableRecord::Archive(owner.to_owned()));
        self.changed(|| DurableRecord::Log(owner.to_owned(), number));
        self.report_missed_items(owner);
    }

    fn report_missed_items(&mut self, owner: &str) {
        for id in self.applications_of(owner) {
            let link = EventLink::new("missedItems", routes::missed_items(id));
            self.emit(
                id,
                Source::Communication,
                Event::new(EventKind::Updated, link),
            );
        }
    }

    fn logs_of(&self, id: ApplicationId) -> Result<&BTreeMap<usize, Log>, Refusal> {
        if !self.config.history {
            return Err(Refusal::NOT_FOUND);
        }
        let mailbox = self.mailboxes.get(&self.application(id)?.address);
        Ok(mailbox.map_or(&NO_LOGS, |mailbox| &mailbox.logs))
    }

    fn log(&self, id: ApplicationId, number: usize) -> Result<&Log, Refusal> {
        self.logs_of(id)?.get(&number).ok_or(Refusal::NOT_FOUND)
    }

    pub(super) fn missed_items_resource(
        &self,
        id: ApplicationId,
    ) -> Result<Resource<'static>, Refusal> {
        let logs = self.logs_of(id)?;
        let count = |of: fn(&Log) -> bool| {
            i64::try_from(logs.values().filter(|log| of(log)).count()).unwrap_or(i64::MAX)
        };
        Ok(Resource::new("missedItems")
            .with_href(routes::missed_items(id))
            .with_property("conversationLogsCount", count(|_| true))
            .with_property("conversationLogsNotifications", "Enabled")
            .with_property("missedConversationsCount", count(|log| log.missed))
            .with_property(
                "unreadMissedConversationsCount",
                count(|log| log.missed && !log.read),
            )
            .with_property("unreadVoicemailsCount", 0_i64)
            .with_property("voiceMailsCount", 0_i64))
    }

    /// GET conversationLogs: links to the logs, the newest first.
    pub(super) fn conversation_logs_resource(
        &self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Resource<'static>, Refusal> {
        let limit = match exchange.query("limit").map(str::parse) {
            None => MOST_LOGS,
            Some(Ok(limit)) => MOST_LOGS.min(limit),
            Some(Err(_)) => return Err(Refusal::parameter("The limit isn't a number.")),
        };
        let numbers = self.logs_of(id)?.keys().copied().rev().take(limit);
        let links: Vec<_> = numbers
            .map(|number| Link::new(routes::conversation_log(id, number)))
            .collect();
        let resource = Resource::new("conversationLogs").with_href(routes::conversation_logs(id));
        if links.is_empty() {
            return Ok(resource);
        }
        Ok(resource.with_links("conversationLog", links))
    }

    pub(super) fn conversation_log_resource(
        &self,
        id: ApplicationId,
        number: usize,
    ) -> Result<Resource<'static>, Refusal> {
        let log = self.log(id, number)?;
        let said = log.record.said.first();
        let preview: String = said
            .map(|line| line.text.plain().chars().take(PREVIEW).collect())
            .unwrap_or_default();
        let total = i64::try_from(log.recipients.len()).unwrap_or(i64::MAX);
        let recipients = log.recipients.iter().map(|address| {
            let href = routes::conversation_log_recipient(id, number, address);
            self.recipient(id, href, address)
        });
        let recipients = recipients.collect();
        let direction = if log.record.outgoing {
            "Outgoing"
        } else {
            "Incoming"
        };
        let kind = match log.meeting {
            Some(_) => "ConferenceLog",
            None => "MessageLog",
        };
        let mut resource = Resource::new("conversationLog")
            .with_href(routes::conversation_log(id, number))
            .with_property("creationTime", DateTime::from(log.created).to_json())
            .with_property("direction", direction)
            .with_property("importance", log.importance.clone())
            .with_property("modalities", vec!["Messaging"])
            .with_property("previewMessage", preview)
            .with_property("status", if log.missed { "Missed" } else { "Archived" })
            .with_property("subject", log.subject.clone())
            .with_property("threadId", log.thread.clone())
            .with_property("totalRecipientsCount", total)
            .with_property("type", kind)
            .with_link(
                "conversationLogTranscripts",
                routes::conversation_log_transcripts(id, number),
            );
        if let Some(uri) = &log.meeting {
            resource = resource.with_property("onlineMeetingUri", uri.clone());
        }
        if log.remote().is_some() {
            let href = routes::continue_messaging(id, number);
            resource = resource.with_link("continueMessaging", href);
        }
        // A log that is marked as read has no link to mark it.
        if !log.read {
            resource = resource.with_link("markAsRead", routes::mark_as_read(id, number));
        }
        Ok(resource.with_embedded_many("conversationLogRecipient", recipients))
    }

    fn recipient(&self, id: ApplicationId, href: String, address: &str) -> Resource<'static> {
        let resource = Resource::new("conversationLogRecipient")
            .with_href(href)
            .with_property("displayName", self.display_name(address).to_owned())
            .with_property("sipUri", format!("sip:{address}"));
        if self.user_at(address).is_none() {
            return resource;
        }
        resource
            .with_link("contact", routes::contact(id, address))
            .with_link("contactPresence", routes::contact_presence(id, address))
    }

    /// GET conversationLogRecipient.
    pub(super) fn recipient_resource(
        &self,
        id: ApplicationId,
        number: usize,
        address: &str,
    ) -> Result<Resource<'static>, Refusal> {
        let recipients = &self.log(id, number)?.recipients;
        if !recipients.iter().any(|recipient| recipient == address) {
            return Err(Refusal::NOT_FOUND);
        }
        let href = routes::conversation_log_recipient(id, number, address);
        Ok(self.recipient(id, href, address))
    }

    /// DELETE conversationLog.
    pub(super) fn delete_log(&mut self, id: ApplicationId, number: usize) -> Result<(), Refusal> {
        self.log(id, number)?;
        let owner = self.application(id)?.address.clone();
        if let Some(mailbox) = self.mailboxes.get_mut(&owner) {
            mailbox.logs.remove(&number);
        }
        self.changed(|| DurableRecord::Log(owner.clone(), number));
        self.report_missed_items(&owner);
        Ok(())
    }

    /// The other participant of an archived chat, and its thread, subject and importance. A conference cannot be continued.
    pub(super) fn archived_chat(
        &self,
        id: ApplicationId,
        number: usize,
    ) -> Result<(String, (String, String, String)), Refusal> {
        let log = self.log(id, number)?;
        let remote = log.remote().ok_or(Refusal::NOT_FOUND)?.to_owned();
        let about = (
            log.thread.clone(),
            log.subject.clone(),
            log.importance.clone(),
        );
        Ok((remote, about))
    }

    /// POST markAsRead.
    pub(super) fn mark_as_read(
        &mut self,
        id: ApplicationId,
        number: usize,
    ) -> Result<Reply, Refusal> {
        self.log(id, number)?;
        let owner = self.application(id)?.address.clone();
        let mailbox = self.mailboxes.get_mut(&owner);
        let log = mailbox.and_then(|mailbox| mailbox.logs.get_mut(&number));
        if log.is_some_and(|log| !std::mem::replace(&mut log.read, true)) {
            self.changed(|| DurableRecord::Log(owner.clone(), number));
            self.report_missed_items(&owner);
        }
        Ok(Reply::Done)
    }

    /// GET conversationLogTranscripts: the last messages, in order, or those before the message with the number in `before`.
    pub(super) fn transcripts_resource(
        &self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
        number: usize,
    ) -> Result<Resource<'static>, Refusal> {
        let log = self.log(id, number)?;
        let said = &log.record.said;
        let (rel, end) = match exchange.query("before").map(str::parse::<usize>) {
            None => ("conversationLogTranscripts", said.len()),
            Some(Ok(before)) => ("nextConversationLogTranscripts", before.min(said.len())),
            Some(Err(_)) => return Err(Refusal::parameter("The place isn't a number.")),
        };
        let start = end.saturating_sub(PAGE);
        let base = routes::conversation_log_transcripts(id, number);
        let transcripts = (start..end)
            .map(|place| self.transcript_resource(id, number, place))
            .collect::<Result<Vec<_>, _>>()?;
        let mut resource = Resource::new(rel).with_href(base.clone());
        if start > 0 {
            resource = resource.with_link(
                "nextConversationLogTranscripts",
                format!("{base}?before={start}"),
            );
        }
        if transcripts.is_empty() {
            return Ok(resource);
        }
        Ok(resource.with_embedded_many("conversationLogTranscript", transcripts))
    }

    /// GET conversationLogTranscript: the message with this number.
    pub(super) fn transcript_resource(
        &self,
        id: ApplicationId,
        number: usize,
        place: usize,
    ) -> Result<Resource<'static>, Refusal> {
        let line = self.line(id, number, place)?;
        let resource = Resource::new("conversationLogTranscript")
            .with_href(routes::conversation_log_transcript(id, number, place))
            .with_property("timeStamp", DateTime::from(line.at).to_json());
        let resource = if line.author == self.application(id)?.address {
            resource.with_link("me", routes::me(id))
        } else {
            self.with_contact(resource, "contact", id, &line.author)
        };
        Ok(resource.with_embedded(
            "messageTranscript",
            self.message_transcript_resource(id, number, place)?,
        ))
    }

    /// GET messageTranscript: the text of the message.
    pub(super) fn message_transcript_resource(
        &self,
        id: ApplicationId,
        number: usize,
        place: usize,
    ) -> Result<Resource<'static>, Refusal> {
        let line = self.line(id, number, place)?;
        Ok(Resource::new("messageTranscript")
            .with_href(routes::message_transcript(id, number, place))
            .with_link(line.text.rel(), line.text.data_uri()))
    }

    fn line(&self, id: ApplicationId, number: usize, place: usize) -> Result<&Line, Refusal> {
        let said = &self.log(id, number)?.record.said;
        said.get(place).ok_or(Refusal::NOT_FOUND)
    }

    /// POST userAcknowledged: the user has seen the conversation that the server accepted.
    pub(super) fn acknowledge(&mut self, id: ConversationId) -> Result<Reply, Refusal> {
        let conversation = self.conversations.get_mut(&id);
        let unseen = conversation
            .is_some_and(|conversation| std::mem::take(&mut conversation.unacknowledged));
        if !unseen {
            return Err(Refusal::NOT_FOUND);
        }
        self.report_conversation(id, EventKind::Updated, None);
        Ok(Reply::Done)
    }
}
