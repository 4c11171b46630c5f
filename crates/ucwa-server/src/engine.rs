//! The engine: requests and time in, responses and released polls out.

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
mod scheduled_meeting;
mod subscription;
mod telephony;
mod text;
mod timers;
mod typing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
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
use contact_list::ContactList;
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
use pending_gets::PendingGets;
use presence::Published;
use records::ChangedRecords;
pub use records::{RecordChanges, RecordId, RecordValue, RestoreError};
use scheduled_meeting::{CalendarEntry, calendar};
use timers::Timers;

/// A request's name, given by whoever drives the engine; its reply carries the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What the engine is told.
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every input is a request, and each is passed once"
)]
pub enum Input {
    /// A request has arrived, whole. Its URI may be absolute or begin with the path.
    Request {
        /// Its name, not used before.
        id: RequestId,
        /// The request.
        request: Request<Bytes>,
    },
    /// Nobody waits for this request's reply any more: its connection is gone. No reply will come.
    Disconnected {
        /// Its name.
        id: RequestId,
    },
    /// Time has passed.
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

/// What the engine has to say.
#[must_use]
#[non_exhaustive]
pub enum Output {
    /// The response to a request.
    Reply {
        /// Whose.
        id: RequestId,
        /// The response, whole.
        response: Response<Bytes>,
    },
    /// Nothing more until an input comes.
    Idle {
        /// When [`Input::Timeout`] is due, in the engine's time; `None` when nothing is waited for.
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

/// A UCWA 2.0 server without socket and clock; the crate's documentation says how to drive it.
///
/// Nothing in it fails: a request that makes no sense gets the response that a server gives to such a request.
pub struct Engine {
    /// Without its users, who are in the directory.
    config: ServerConfig,
    directory: Directory,
    now: Duration,
    identifiers: Identifiers,
    tokens: Tokens,
    /// Guests of conferences, by the address that each got with his token.
    guests: BTreeMap<String, Guest>,
    /// The browsers in which users signed in at the page, by the value of their cookie.
    browsers: Tokens,
    applications: Applications,
    pending: PendingGets,
    /// Applications that were ended for inactivity: they answer 410 where others answer 404.
    expired: BTreeSet<ApplicationId>,
    conversations: BTreeMap<ConversationId, Conversation>,
    invitations: BTreeMap<InvitationId, Invitation>,
    meetings: BTreeMap<MeetingId, Meeting>,
    /// The meetings that users have scheduled.
    calendar: BTreeMap<MeetingId, CalendarEntry>,
    calls: BTreeMap<InvitationId, Call>,
    deliveries: BTreeMap<DeliveryId, Delivery>,
    deliveries_made: u64,
    /// What users show to others, by address.
    published: BTreeMap<String, Published>,
    /// The contact lists of the users, by address.
    contact_lists: BTreeMap<String, ContactList>,
    /// What was archived for users, by address.
    mailboxes: BTreeMap<String, Mailbox>,
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
    /// A server that nobody has signed in to.
    pub fn new(mut config: ServerConfig) -> Self {
        let mut tokens = Tokens::default();
        for issued in &config.issued {
            let token = Token::new(address(&issued.user), issued.good_until);
            tokens.insert(Duration::ZERO, &issued.token, token);
        }
        let mut identifiers = Identifiers::new(&config.seed.clone().unwrap_or(Seed::from(0)));
        let contact_lists = initial_contact_lists(&config, &mut identifiers);
        let calendar = calendar(&config, &mut identifiers);
        let scheduled = calendar.iter().map(|(id, entry)| (*id, entry.meeting(*id)));
        Self {
            meetings: scheduled.collect(),
            calendar,
            contact_lists,
            identifiers,
            directory: Directory::new(mem::take(&mut config.users)),
            tokens,
            config,
            now: Duration::ZERO,
            guests: BTreeMap::new(),
            browsers: Tokens::default(),
            applications: Applications::default(),
            pending: PendingGets::default(),
            expired: BTreeSet::new(),
            conversations: BTreeMap::new(),
            invitations: BTreeMap::new(),
            calls: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            deliveries_made: 0,
            published: BTreeMap::new(),
            mailboxes: BTreeMap::new(),
            changes: ChangedRecords::default(),
            timers: Timers::default(),
            events_sent: 0,
            faults: Faults::default(),
            replies: VecDeque::new(),
        }
    }

    /// Takes an input at a time since the epoch; time that runs backwards is taken as standing still.
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

    /// What comes next; call until it is [`Output::Idle`].
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

    /// The server's own name.
    fn fqdn(&self) -> String {
        format!("pool.{}", self.config.domain)
    }

    /// The account with this address (`user@host`, lower case).
    fn user_at(&self, address: &str) -> Option<&User> {
        self.directory.at(address)
    }

    /// The name that others see of the one with this address; empty when the server has neither such an account nor such a guest.
    fn display_name(&self, address: &str) -> &str {
        match self.user_at(address) {
            Some(user) => &user.display_name,
            None => self.guests.get(address).map_or("", Guest::name),
        }
    }
}
