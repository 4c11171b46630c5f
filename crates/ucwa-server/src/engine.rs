//! The engine: its inputs are requests and the time, its outputs are responses, including those of pending GETs.

mod activity;
mod answer;
mod application;
mod applications;
mod auth;
mod batch;
mod call;
mod contact_list;
mod contact_list_changes;
mod contact_list_subscription;
mod contact_lists;
mod conversation;
mod directory;
mod discovery;
mod dispatch;
mod distribution_group;
mod events;
mod exchange;
mod faults;
mod form;
mod grant;
mod group_id;
mod group_presence;
mod groups;
mod guest;
mod history;
mod identifiers;
mod initial_contacts;
mod invitation;
mod invite;
mod leading;
mod lobby;
mod meeting;
mod message;
mod organization;
mod participant;
mod pending_gets;
mod people;
mod photo;
mod presence;
mod privacy;
mod records;
mod reply;
mod routes;
mod routing;
mod running_log;
mod scheduled_meeting;
mod subscription;
mod table;
mod telephony;
mod text;
mod timers;
mod typing;

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::mem;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};

use crate::config::{ServerConfig, User, address};
use crate::seed::Seed;
pub use activity::Activity;
use applications::Applications;
use auth::{Token, Tokens};
use call::Call;
use contact_lists::ContactLists;
use conversation::Conversation;
use directory::Directory;
use faults::Faults;
use guest::Guest;
use history::Mailbox;
use identifiers::{ApplicationId, ConversationId, Identifiers, InvitationId, MeetingId};
use initial_contacts::initial_contact_lists;
use invitation::Invitation;
use meeting::Meeting;
use message::{Delivery, DeliveryId};
use organization::Reports;
use pending_gets::PendingGets;
use presence::Published;
use records::ChangedRecords;
pub use records::{RecordChanges, RecordId, RecordValue, RestoreError};
use scheduled_meeting::Calendar;
use table::Table;
use timers::Timers;

/// The ID of a request. The caller of [`Engine::handle`] chooses it, and the reply has the same ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// An input of the engine.
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every input is a request, and each is passed once"
)]
pub enum Input {
    /// A complete request. Its URI is absolute or begins with the path.
    Request {
        /// The ID, which was not used before.
        id: RequestId,
        /// The request.
        request: Request<Bytes>,
    },
    /// The connection of a request is closed. The engine sends no reply to the request.
    Disconnected {
        /// The ID of the request.
        id: RequestId,
    },
    /// The time of [`Output::Idle`] has come.
    Timeout,
}

/// Shows neither headers nor bodies, which carry tokens, passwords and texts.
impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { id, request } => f
                .debug_struct("Request")
                .field("id", id)
                .field("method", request.method())
                .field("path", &request.uri().path())
                .finish_non_exhaustive(),
            Self::Disconnected { id } => f.debug_struct("Disconnected").field("id", id).finish(),
            Self::Timeout => f.write_str("Timeout"),
        }
    }
}

/// An output of the engine.
#[must_use]
#[non_exhaustive]
pub enum Output {
    /// The response to a request.
    Reply {
        /// The ID of the request.
        id: RequestId,
        /// The complete response.
        response: Response<Bytes>,
    },
    /// There is no further output before the next input.
    Idle {
        /// When [`Input::Timeout`] is due, in the engine's time. `None` if no timer is set.
        wake_at: Option<Duration>,
    },
}

/// Shows neither headers nor bodies, which carry tokens and texts.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply { id, response } => f
                .debug_struct("Reply")
                .field("id", id)
                .field("status", &response.status())
                .finish_non_exhaustive(),
            Self::Idle { wake_at } => f.debug_struct("Idle").field("wake_at", wake_at).finish(),
        }
    }
}

/// A UCWA 2.0 server without sockets and clock. The documentation of the crate says how to drive it.
///
/// Its methods do not fail: an invalid request gets an error response.
pub struct Engine {
    /// The configuration without the users, who are in `directory`.
    config: ServerConfig,
    directory: Directory,
    now: Duration,
    identifiers: Identifiers,
    tokens: Tokens,
    /// The guests of conferences, by the address that the server assigned with the token.
    guests: Table<String, Guest>,
    /// The browsers in which users signed in on the page, by the value of their cookie.
    browsers: Tokens,
    applications: Applications,
    pending: PendingGets,
    /// Applications that ended for inactivity. Requests to them get 410 instead of 404.
    expired: BTreeSet<ApplicationId>,
    conversations: Table<ConversationId, Conversation>,
    invitations: Table<InvitationId, Invitation>,
    meetings: Table<MeetingId, Meeting>,
    calendar: Calendar,
    calls: Table<InvitationId, Call>,
    deliveries: Table<DeliveryId, Delivery>,
    deliveries_made: u64,
    /// What users have published, by address.
    published: Table<String, Published>,
    contact_lists: ContactLists,
    reports: Reports,
    /// The archives of users, by address.
    mailboxes: Table<String, Mailbox>,
    changes: ChangedRecords,
    timers: Timers,
    events_sent: u64,
    faults: Faults,
    replies: VecDeque<(RequestId, Response<Bytes>)>,
}

/// Shows counts only.
impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("now", &self.now)
            .field("users", &self.directory.len())
            .field("applications", &self.applications.len())
            .field("conversations", &self.conversations.len())
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// A server with these users, of whom none is signed in.
    pub fn new(mut config: ServerConfig) -> Self {
        let mut tokens = Tokens::default();
        for issued in &config.issued {
            let token = Token::new(address(&issued.user), issued.good_until);
            tokens.insert(Duration::ZERO, &issued.token, token);
        }
        let mut identifiers = Identifiers::new(&config.seed.clone().unwrap_or(Seed::from(0)));
        let contact_lists = initial_contact_lists(&config, &mut identifiers);
        let calendar = Calendar::new(&config, &mut identifiers);
        let mut meetings = Table::default();
        for (id, entry) in calendar.entries() {
            meetings.insert(id, entry.meeting(id));
        }
        Self {
            identifiers,
            reports: Reports::new(&config.users),
            directory: Directory::new(mem::take(&mut config.users)),
            tokens,
            config,
            now: Duration::ZERO,
            guests: Table::default(),
            browsers: Tokens::default(),
            applications: Applications::default(),
            pending: PendingGets::default(),
            expired: BTreeSet::new(),
            conversations: Table::default(),
            invitations: Table::default(),
            meetings,
            calendar,
            contact_lists,
            calls: Table::default(),
            deliveries: Table::default(),
            deliveries_made: 0,
            published: Table::default(),
            mailboxes: Table::default(),
            changes: ChangedRecords::default(),
            timers: Timers::default(),
            events_sent: 0,
            faults: Faults::default(),
            replies: VecDeque::new(),
        }
    }

    /// Handles an input. `now` is the time since the epoch; a time before that of the last call counts as the time of the last
    /// call.
    pub fn handle(&mut self, now: Duration, input: Input) {
        self.now = self.now.max(now);
        self.run_timers();
        match input {
            Input::Request { id, request } => {
                let response = self.serve(id, &request);
                if self.faults.events_before_responses {
                    self.release_polls();
                }
                if let Some(response) = response {
                    self.replies.push_back((id, response));
                }
            }
            Input::Disconnected { id } => {
                self.replies.retain(|(reply, _)| *reply != id);
                self.unpark(id);
            }
            Input::Timeout => {}
        }
        self.release_polls();
    }

    /// The next output. Call this until it returns [`Output::Idle`].
    pub fn poll_output(&mut self) -> Output {
        match self.replies.pop_front() {
            Some((id, response)) => Output::Reply { id, response },
            None => Output::Idle {
                wake_at: self.wake_at(),
            },
        }
    }

    /// The wall time now.
    fn wall(&self) -> SystemTime {
        self.config.wall_at_epoch + self.now
    }

    /// The name of the server.
    fn fqdn(&self) -> String {
        format!("pool.{}", self.config.domain)
    }

    /// The account with this address (`user@host`, lower case).
    fn user_at(&self, address: &str) -> Option<&User> {
        self.directory.at(address)
    }

    /// The display name of the user or guest with this address. Empty if there is neither.
    fn display_name(&self, address: &str) -> &str {
        match self.user_at(address) {
            Some(user) => &user.display_name,
            None => self.guests.get(address).map_or("", Guest::name),
        }
    }
}
