//! The configuration of a session.

use std::time::{Duration, SystemTime};

use ucwa_proto::{DataUri, Limits, Representation};

/// The configuration of a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionConfig {
    /// The start of the discovery.
    pub root: Root,
    /// The hosts that may receive credentials besides those that the root names.
    pub trust: TrustPolicy,
    /// The representation of requests and responses.
    pub representation: Representation,
    /// The name of this application, at most 100 UTF-16 code units (`applications_ref`). The server knows an application by
    /// it, together with the endpoint ID and the culture (`MultiTabSupport`), so it should contain no version number: an
    /// upgraded program would otherwise create another application. `skype-p2p` by default.
    pub user_agent: String,
    /// The culture of the application, for example `en-US`.
    pub culture: String,
    /// The ID of this endpoint, at most 100 UTF-16 code units. Use the same ID for every run of a profile: a new
    /// process then takes over the server-side application of a killed one. Endpoints of a user that run at the same
    /// time need different IDs. Derived from the seed if absent.
    pub endpoint_id: Option<String>,
    /// Asks the server to archive conversations (`conversationHistory` of `communication_ref`). The server then also
    /// accepts invitations for the user. Off by default, so that the caller answers invitations.
    pub history: bool,
    /// Declares to the server that this client displays HTML messages.
    pub html: bool,
    /// Keeps the status that the user has set elsewhere or earlier: the sign-in sends no `signInAs` (`makeMeAvailable_ref`). By
    /// default, the sign-in sets the status to Online.
    pub keep_status: bool,
    /// The encoding of the data that an invitation carries.
    pub data_uris: DataUriEncoding,
    /// The seed of identifiers and jitter. Two sessions with the same seed and the same inputs behave the same.
    pub seed: u64,
    /// The wall time at the epoch of the session's `Duration`s. Valid until the first
    /// [`Input::WallClock`](crate::Input::WallClock).
    pub wall_at_epoch: SystemTime,
    /// The limits for response bodies.
    pub limits: Limits,
    /// The interval between reports of activity, which keep the presence from decaying. Must be less than four minutes
    /// (`reportMyActivity_ref`); less than 10 s counts as 10 s.
    pub activity_interval: Duration,
    /// The parameters of the event channel.
    pub channel: ChannelOptions,
    /// Acknowledges an event page only after [`Input::Commit`](crate::Input::Commit): the next poll, which acknowledges the
    /// page, waits for it. For a caller that stores the events of a page before the server drops them. A message with an ID
    /// of the caller waits in the same way between [`MessagePosting`](crate::ConversationChange::MessagePosting) and its
    /// request, so that a checkpoint with the message is stored before the message can be at the server. Off by default.
    ///
    /// The server keeps a message for 30 s (`message_ref`). If the commit takes longer, the server may report the messages
    /// of the page to their senders as not delivered, although the caller stores them. After 25 s the session therefore
    /// emits [`SessionEvent::ChannelInterrupted`](crate::SessionEvent::ChannelInterrupted); it still waits, because a page
    /// that was acknowledged and not stored would be lost.
    pub commit_gate: bool,
    /// The reaction when another process takes over the event channel.
    pub replacement: ReplacementPolicy,
    /// Whether to create a new application after the server ended one for inactivity, for unattended use. By default
    /// the user is signed out (`ApplicationDashboard`).
    pub recreate_expired: bool,
}

impl SessionConfig {
    /// A configuration with defaults for everything else.
    pub fn new(root: Root, seed: u64, wall_at_epoch: SystemTime) -> Self {
        Self {
            root,
            trust: TrustPolicy::default(),
            representation: Representation::Json,
            user_agent: "skype-p2p".to_owned(),
            culture: "en-US".to_owned(),
            endpoint_id: None,
            history: false,
            html: true,
            keep_status: false,
            data_uris: DataUriEncoding::Base64,
            seed,
            wall_at_epoch,
            limits: Limits::default(),
            activity_interval: Duration::from_secs(210),
            channel: ChannelOptions::default(),
            commit_gate: false,
            replacement: ReplacementPolicy::default(),
            recreate_expired: false,
        }
    }
}

/// The start of the discovery (`RootURL`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Root {
    /// At `lyncdiscoverinternal` and `lyncdiscover` of the SIP domain.
    Domain,
    /// At this URL, whose host is trusted. Must be HTTPS, except on loopback.
    Url(String),
    /// At this user resource, which an earlier sign-in found ([`SessionEvent::Home`](crate::SessionEvent::Home)),
    /// without discovery (`ReusingUcwaFqdn`). Its host is trusted. If the user is no longer there (403, 502 or no
    /// connection: `RootURL`), discovery starts at the SIP domain.
    User(String),
}

/// The encoding of the data URIs (RFC 2397) in an invitation: `message` and `customContent` of `startMessaging` and
/// `addMessaging`. Incoming invitations may use either encoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataUriEncoding {
    /// Base64, as the reference pages show it: `data:text/plain;base64,SGkh` (`startMessaging_ref`).
    #[default]
    Base64,
    /// URL-encoded, with `%20` for a space: `data:text/plain;charset=utf-8,Hi%21` (`PayloadFormat`).
    Percent,
}

impl DataUriEncoding {
    pub(crate) fn plain(self, text: &str) -> String {
        match self {
            Self::Base64 => DataUri::text_plain(text),
            Self::Percent => DataUri::text_plain_percent_encoded(text),
        }
    }

    pub(crate) fn html(self, html: &str) -> String {
        match self {
            Self::Base64 => DataUri::text_html(html),
            Self::Percent => DataUri::text_html_percent_encoded(html),
        }
    }

    pub(crate) fn custom(self, media_type: &str, content: &[u8]) -> String {
        match self {
            Self::Base64 => DataUri::base64(media_type, content),
            Self::Percent => DataUri::percent_encoded(media_type, content),
        }
    }
}

/// The parameters of the event channel (`events_ref`). The server's defaults apply where absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelOptions {
    /// How long the server holds a pending GET without events: 180 to 1800 s, 180 s by default.
    pub timeout: Option<Duration>,
    /// How long the server may hold back events of medium urgency: 5 to 1800 s, 5 s by default.
    pub medium: Option<Duration>,
    /// How long the server may hold back events of low urgency: 5 to 1800 s, 15 s by default.
    pub low: Option<Duration>,
    /// The priority of this channel among those of one application, 0 by default.
    pub priority: Option<i32>,
}

impl ChannelOptions {
    /// The longest time for which the server holds a pending GET.
    pub(crate) fn held(self) -> Duration {
        clamped(self.timeout, 180).unwrap_or(Duration::from_secs(180))
    }

    /// The query parameters, clamped to their documented ranges.
    pub(crate) fn parameters(self) -> impl Iterator<Item = (&'static str, String)> {
        let seconds = |duration: Duration| duration.as_secs().to_string();
        [
            ("timeout", clamped(self.timeout, 180).map(seconds)),
            ("medium", clamped(self.medium, 5).map(seconds)),
            ("low", clamped(self.low, 5).map(seconds)),
            (
                "priority",
                self.priority.map(|priority| priority.to_string()),
            ),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }
}

fn clamped(duration: Option<Duration>, least: u64) -> Option<Duration> {
    Some(duration?.clamp(Duration::from_secs(least), Duration::from_secs(1800)))
}

/// The reaction of a session when another process with the same endpoint ID takes over its event channel: the server then
/// refuses the pending GET with `PGetReplaced` (`EventChannelDetails`).
///
/// A session that leaves the channel to the other process ends with
/// [`FailureKind::ConnectionLost`](crate::FailureKind::ConnectionLost) and the subcode `PGetReplaced`. It deletes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplacementPolicy {
    /// Leaves the channel to the other process at once. For processes that are the successors of each other, and whose
    /// supervisor decides which one runs.
    Yield,
    /// Takes the channel back: at once, after 2 s, and after 8 s. Leaves it to the other process at the fourth time, unless
    /// a minute has passed since the last time.
    ///
    /// The default, because a single process can also be replaced by a retry of its own, or by a process that is just about
    /// to end. Of two processes with this policy, the one that started later keeps the channel, since it replaces the other
    /// one first.
    ///
    /// A session that has noticed a suspend within the last minute leaves the channel at once, but takes it back once if it
    /// has repeated its own pending GET: the first one may have reached the server later. So a process that was paused
    /// (SIGSTOP, a frozen container) never takes the channel from the process that resumed its session in the meantime.
    #[default]
    TakeBack,
    /// Asks the caller ([`Question::TakeBack`](crate::Question::TakeBack)), and does not poll before the answer.
    Ask,
}

/// The hosts that may receive a password or a token, besides those of the SIP domain and of a configured root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustPolicy {
    /// Domains whose hosts are trusted, matched at label boundaries: `contoso.com` covers `pool.contoso.com` but not
    /// `notcontoso.com`. Empty by default.
    pub suffixes: Vec<String>,
    /// Whether to ask the caller about other hosts ([`Question::Trust`](crate::Question::Trust)). If not, they are
    /// refused.
    pub ask: bool,
}
