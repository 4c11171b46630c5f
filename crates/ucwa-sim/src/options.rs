//! The options of a run. The seed chooses every option that is absent.

use std::fmt;

use ucwa_proto::Representation;

use crate::http_faults::HttpFaults;
use crate::network_profile::NetworkProfile;

/// How many actors and kinds of fault a world has. Each size keeps the random draws of the smaller one and adds faults, so
/// that a seed which failed in one size replays unchanged in that size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum WorldSize {
    /// Two actors. The network loses exchanges, and the server has its own faults.
    Pair,
    /// Two to five sessions. Adds HTTP faults, restarts of the server, expired applications and replaced polls.
    Group,
    /// Adds outages, invalid tickets, short-lived tokens, forged links, and a sign-out that waits for idle sessions.
    Large,
    /// Adds malformed event pages, wrong and jumping clocks, `Date` headers, and suspended devices.
    Full,
    /// Adds sessions that are handed over to other processes, because theirs is detached, killed or paused.
    Handover,
    /// Adds contact lists, which the endpoints of a user follow and change at the same time.
    Contacts,
}

impl WorldSize {
    /// All sizes, the smallest first.
    pub const ALL: [Self; 6] = [
        Self::Pair,
        Self::Group,
        Self::Large,
        Self::Full,
        Self::Handover,
        Self::Contacts,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::Group => "group",
            Self::Large => "large",
            Self::Full => "full",
            Self::Handover => "handover",
            Self::Contacts => "contacts",
        }
    }

    /// The size with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.name() == name)
    }
}

/// The number of simultaneous sessions, 2 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCount(pub(crate) usize);

impl SessionCount {
    /// Returns `None` unless `count` is 2 to 5.
    pub fn new(count: usize) -> Option<Self> {
        (2..=5).contains(&count).then_some(Self(count))
    }
}

impl fmt::Display for SessionCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The options of a run. The seed chooses every value that is `None`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The size of the world.
    pub size: WorldSize,
    /// The profile of the network.
    pub network: Option<NetworkProfile>,
    /// The rates of HTTP faults. A world of [`WorldSize::Pair`] has none.
    pub http_faults: Option<HttpFaults>,
    /// The number of simultaneous sessions. A world of [`WorldSize::Pair`] has 2.
    pub sessions: Option<SessionCount>,
    /// The encoding that every session uses. By default the seed chooses one for each session.
    pub representation: Option<Representation>,
    /// The number of messages in each of the two chats, besides the first ones.
    pub messages: u32,
    /// Whether [`Report::trace`](crate::Report::trace) is kept.
    pub trace: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            size: WorldSize::Handover,
            network: None,
            http_faults: None,
            sessions: None,
            representation: None,
            messages: 5,
            trace: false,
        }
    }
}

impl Options {
    /// The command that replays a seed with these options and prints its trace.
    pub fn replay_command(&self, seed: u64) -> String {
        let mut command = format!(
            "cargo xtask soak --seeds 1 --seed-start {seed} --world {} --messages {}",
            self.size.name(),
            self.messages
        );
        let fixed = [
            ("sessions", self.sessions.map(|count| count.to_string())),
            (
                "network",
                self.network.as_ref().map(|it| it.name.to_owned()),
            ),
            (
                "http-faults",
                self.http_faults.as_ref().map(|it| it.name.to_owned()),
            ),
            (
                "representation",
                self.representation
                    .map(|it| representation_name(it).to_owned()),
            ),
        ];
        for (option, value) in fixed {
            if let Some(value) = value {
                command.push_str(&format!(" --{option} {value}"));
            }
        }
        command.push_str(" --trace");
        command
    }
}

/// The name of a representation on the command line.
fn representation_name(representation: Representation) -> &'static str {
    match representation {
        Representation::Json => "json",
        Representation::Xml => "xml",
    }
}
