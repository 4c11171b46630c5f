//! Durable records: the part of the engine's state that can outlive the process.
//!
//! Tokens, contact lists, archives, and the names of guests, which archives show, are durable. Of a running conversation, the messages
//! that will be archived are durable. Applications, invitations and conferences are not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Engine;
use super::auth::Token;
use super::contact_list::ContactList;
use super::identifiers::ConversationId;
use super::running_log::Interrupted;
use crate::config::ServerConfig;

/// The identity of a durable record.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordId {
    /// The kind, such as `token`.
    pub kind: String,
    /// The key, which is unique among the records of the kind. The key of a token is the text of the token, a secret.
    pub key: String,
}

/// Hides the key.
impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordId")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// The value of a durable record, in JSON. A value may hold message texts.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordValue(pub String);

/// Shows the length only.
impl fmt::Debug for RecordValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordValue")
            .field("bytes", &self.0.len())
            .finish()
    }
}

/// Changes of durable records: the new value of each, or `None` if the record is deleted.
pub type RecordChanges = BTreeMap<RecordId, Option<RecordValue>>;

/// The error of [`Engine::restore`] if a record has an invalid key or value, or an unknown kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record of the kind {kind:?} cannot be read")]
pub struct RestoreError {
    /// The kind of the record.
    pub kind: String,
}

/// A durable record of the engine.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DurableRecord {
    /// A token, by its text.
    Token(Arc<str>),
    /// A browser in which a user signed in on the page, by the value of its cookie.
    Browser(Arc<str>),
    /// The contact list of a user, by the user's address. A user without a record has the contact list of the configuration.
    ContactList(String),
    /// A guest who joined a conference, by the address.
    Guest(String),
    /// The number of the next log of a user's archive, by the user's address.
    Archive(String),
    /// A log of a user's archive, by the user's address and the number of the log.
    Log(String, usize),
    /// A running conversation that will be archived, without its messages.
    Conversation(ConversationId),
    /// A message of such a conversation, by its place.
    Message(ConversationId, usize),
}

impl DurableRecord {
    fn id(&self) -> RecordId {
        let (kind, key) = match self {
            Self::Token(text) => ("token", text.to_string()),
            Self::Browser(cookie) => ("browser", cookie.to_string()),
            Self::ContactList(owner) => ("contact_list", owner.clone()),
            Self::Guest(address) => ("guest", address.clone()),
            Self::Archive(owner) => ("archive", owner.clone()),
            Self::Log(owner, number) => ("log", format!("{owner}/{number}")),
            Self::Conversation(id) => ("conversation", id.to_string()),
            Self::Message(id, place) => ("message", format!("{id}/{place}")),
        };
        RecordId {
            kind: kind.to_owned(),
            key,
        }
    }

    fn parse(id: RecordId) -> Option<Self> {
        let RecordId { kind, key } = id;
        match &*kind {
            "token" => Some(Self::Token(key.into())),
            "browser" => Some(Self::Browser(key.into())),
            "contact_list" => Some(Self::ContactList(key)),
            "guest" => Some(Self::Guest(key)),
            "archive" => Some(Self::Archive(key)),
            "log" => {
                let (owner, number) = key.rsplit_once('/')?;
                Some(Self::Log(owner.to_owned(), number.parse().ok()?))
            }
            "conversation" => ConversationId::parse(&key).map(Self::Conversation),
            "message" => {
                let (id, place) = key.rsplit_once('/')?;
                Some(Self::Message(
                    ConversationId::parse(id)?,
                    place.parse().ok()?,
                ))
            }
            _ => None,
        }
    }
}

/// The records that changed since the changes were last taken.
#[derive(Default)]
pub(super) struct ChangedRecords {
    /// `None` if the engine reports no changes.
    changed: Option<BTreeSet<DurableRecord>>,
}

impl ChangedRecords {
    pub(super) fn are_reported(&self) -> bool {
        self.changed.is_some()
    }
}

impl Engine {
    /// A server with the durable state of an earlier one. [`take_changes`](Self::take_changes) reports the later changes.
    ///
    /// Expired tokens and tokens of users without an account are dropped. The conversations of the earlier server have ended, and are
    /// in the archive. The seed must differ from the seed of the earlier server.
    /// Otherwise the server issues the same tokens again.
    ///
    /// # Errors
    ///
    /// If a record is invalid.
    pub fn restore(
        config: ServerConfig,
        records: impl IntoIterator<Item = (RecordId, RecordValue)>,
    ) -> Result<Self, RestoreError> {
        let mut engine = Self::new(config);
        engine.changes.changed = Some(BTreeSet::new());
        let mut interrupted = BTreeMap::new();
        for (id, value) in records {
            let kind = id.kind.clone();
            DurableRecord::parse(id)
                .and_then(|record| engine.restore_record(record, &value.0, &mut interrupted))
                .ok_or(RestoreError { kind })?;
        }
        engine.archive_interrupted(interrupted);
        Ok(engine)
    }

    /// Takes the changes of durable records since the last call. Empty if the engine was not restored.
    ///
    /// The outputs after an input may report the changes of that input. Store the changes before you send these responses.
    pub fn take_changes(&mut self) -> RecordChanges {
        let changed = self.changes.changed.as_mut().map(mem::take);
        let changed = changed.unwrap_or_default().into_iter();
        changed
            .map(|record| (record.id(), self.record_value(&record)))
            .collect()
    }

    /// Marks a durable record as changed.
    pub(super) fn changed(&mut self, record: impl FnOnce() -> DurableRecord) {
        if let Some(changed) = &mut self.changes.changed {
            changed.insert(record());
        }
    }

    /// The value of a record; `None` if there is no such record.
    fn record_value(&self, record: &DurableRecord) -> Option<RecordValue> {
        match record {
            DurableRecord::Token(text) => {
                json(&self.tokens.get(text)?.stored(self.wall_at_epoch()))
            }
            DurableRecord::Browser(cookie) => {
                json(&self.browsers.get(cookie)?.stored(self.wall_at_epoch()))
            }
            DurableRecord::ContactList(owner) => {
                let list = self.contact_lists.get(owner)?;
                let groups = list.distribution_groups().iter();
                let groups = groups.filter_map(|at| self.config.distribution_groups.get(*at));
                json(&(
                    list,
                    groups.map(|group| group.address()).collect::<Vec<_>>(),
                ))
            }
            DurableRecord::Guest(address) => json(self.guests.get(address)?),
            DurableRecord::Archive(owner) => json(&self.mailboxes.get(owner)?.next),
            DurableRecord::Log(owner, number) => json(self.mailboxes.get(owner)?.logs.get(number)?),
            DurableRecord::Conversation(id) => json(&self.running_log(*id)?),
            DurableRecord::Message(id, place) => json(self.running_line(*id, *place)?),
        }
    }

    /// Adds a record to the state, or to the conversations that the end of the process has interrupted. `None` if its value is invalid.
    fn restore_record(
        &mut self,
        record: DurableRecord,
        value: &str,
        interrupted: &mut BTreeMap<ConversationId, Interrupted>,
    ) -> Option<()> {
        match record {
            DurableRecord::Token(text) => match self.restored_token(value)? {
                Some(token) => drop(self.tokens.insert(Duration::ZERO, &text, token)),
                None => self.changed(|| DurableRecord::Token(text)),
            },
            DurableRecord::Browser(cookie) => match self.restored_token(value)? {
                Some(token) => drop(self.browsers.insert(Duration::ZERO, &cookie, token)),
                None => self.changed(|| DurableRecord::Browser(cookie)),
            },
            DurableRecord::ContactList(owner) => {
                let (mut list, groups): (ContactList, Vec<String>) = parsed(value)?;
                for group in groups {
                    if let Some(position) = self.distribution_group_named(&group) {
                        // A repeated entry is skipped.
                        drop(list.add_distribution_group(position));
                    }
                }
                // The record of a user without an account is kept, and not used.
                if self.contact_lists.get(&owner).is_some() {
                    self.contact_lists.insert(owner, list);
                }
            }
            DurableRecord::Guest(address) => {
                self.guests.insert(address, parsed(value)?);
            }
            DurableRecord::Archive(owner) => {
                self.mailboxes.get_or_default(owner).next = parsed(value)?;
            }
            DurableRecord::Log(owner, number) => {
                let mailbox = self.mailboxes.get_or_default(owner);
                mailbox.logs.insert(number, parsed(value)?);
            }
            DurableRecord::Conversation(id) => {
                interrupted.entry(id).or_default().log = Some(parsed(value)?);
            }
            DurableRecord::Message(id, place) => {
                let said = &mut interrupted.entry(id).or_default().said;
                said.insert(place, parsed(value)?);
            }
        }
        Some(())
    }

    /// The token with this value. `Some(None)` if the token has expired, or its user has no account.
    fn restored_token(&self, value: &str) -> Option<Option<Token>> {
        let token = Token::restored(parsed(value)?, self.wall_at_epoch());
        Some(token.filter(|token| self.user_at(token.address()).is_some()))
    }

    /// The time from 1970 to the epoch of the engine's time.
    fn wall_at_epoch(&self) -> Duration {
        let wall = self.config.wall_at_epoch;
        wall.duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
    }
}

/// The value of a record. `None` only for a time before 1970.
fn json(value: &impl Serialize) -> Option<RecordValue> {
    serde_json::to_string(value).ok().map(RecordValue)
}

fn parsed<T: DeserializeOwned>(value: &str) -> Option<T> {
    serde_json::from_str(value).ok()
}
