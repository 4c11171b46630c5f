//! What a session is told once, before it begins.

use std::time::{Duration, SystemTime};

use ucwa_proto::{DataUri, Limits, Representation};

/// The settings of one session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionConfig {
    /// Where the server is.
    pub root: Root,
    /// Which hosts may receive credentials besides those that the root names.
    pub trust: TrustPolicy,
    /// The representation asked for and sent.
    pub representation: Representation,
    /// The name of this application, at most 100 UTF-16 code units (`applications_ref`).
    pub user_agent: String,
    /// The culture of the application, such as `en-US`.
    pub culture: String,
    /// The name of this endpoint: stable for a profile, so that a restarted process takes its application up again;
    /// unique among the user's endpoints. Made from the seed where absent.
    pub endpoint_id: Option<String>,
    /// Whether the server is asked to archive conversations (`conversationHistory` of `communication_ref`). It then also
    /// accepts invitations for the user. Off by default: invitations are the caller's to answer.
    pub history: bool,
    /// Whether HTML messages are declared as understood.
    pub html: bool,
    /// How what an invitation carries is written.
    pub data_uris: DataUriEncoding,
    /// Seeds identifiers and jitter. Two sessions with one seed and the same inputs do the same.
    pub seed: u64,
    /// The wall time at the epoch of the session's `Duration`s, which counts until the first
    /// [`Input::WallClock`](crate::Input::WallClock).
    pub wall_at_epoch: SystemTime,
    /// What the server's bodies may not exceed.
    pub limits: Limits,
    /// How often activity is reported, so that presence does not decay: every 10 s at most, and under four minutes
    /// (`reportMyActivity_ref`).
    pub activity_interval: Duration,
    /// What the server is told about the event channel.
    pub channel: ChannelOptions,
    /// Whether an application that the server ended for inactivity is created anew, for unattended use. By default the
    /// user is signed out, as the pages have it (`ApplicationDashboard`).
    pub recreate_expired: bool,
}

impl SessionConfig {
    /// Settings with the given root, seed and epoch, and defaults for the rest.
    pub fn new(root: Root, seed: u64, wall_at_epoch: SystemTime) -> Self {
        Self {
            root,
            trust: TrustPolicy::default(),
            representation: Representation::Json,
            user_agent: concat!("skype-p2p/", env!("CARGO_PKG_VERSION")).to_owned(),
            culture: "en-US".to_owned(),
            endpoint_id: None,
            history: false,
            html: true,
            data_uris: DataUriEncoding::Base64,
            seed,
            wall_at_epoch,
            limits: Limits::default(),
            activity_interval: Duration::from_secs(210),
            channel: ChannelOptions::default(),
            recreate_expired: false,
        }
    }
}

/// Where discovery starts (`RootURL`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// At `lyncdiscoverinternal` and `lyncdiscover` of the SIP domain.
    Domain,
    /// At this URL, whose host is thereby trusted. HTTP is only for loopback.
    Url(String),
    /// At this user resource, which an earlier sign-in found ([`SessionEvent::Home`](crate::SessionEvent::Home)): no
    /// discovery (`ReusingUcwaFqdn`). Its host is thereby trusted. A user who is not there any more (403, 502, nobody
    /// answers: `RootURL`) is looked for in the SIP domain.
    User(String),
}

/// The encoding of the data URIs in which an invitation carries its message and its context, as `message` and
/// `customContent` of `startMessaging` and `addMessaging` (RFC 2397). Both are understood when they come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataUriEncoding {
    /// As the reference pages show it, `data:text/plain;base64,SGkh` (`startMessaging_ref`).
    #[default]
    Base64,
    /// URL-encoded, with `%20` for a space, `data:text/plain;charset=utf-8,Hi%21` (`PayloadFormat`).
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

/// The parameters of the event channel (`events_ref`); the server's own defaults where absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelOptions {
    /// How long the server holds a pending GET without events: 180 to 1800 s, by default 180 s.
    pub timeout: Option<Duration>,
    /// How long it may hold back events of medium urgency: 5 to 1800 s, by default 5 s.
    pub medium: Option<Duration>,
    /// How long it may hold back events of low urgency: 5 to 1800 s, by default 15 s.
    pub low: Option<Duration>,
    /// The priority of this channel among those of one application, by default 0.
    pub priority: Option<i32>,
}

impl ChannelOptions {
    /// The longest time that the server may hold a pending GET.
    pub(crate) fn held(self) -> Duration {
        clamped(self.timeout, 180).unwrap_or(Duration::from_secs(180))
    }

    /// The query parameters, in their documented ranges.
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

/// Which hosts may receive a password or a token, besides the SIP domain and the exact host of a configured root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustPolicy {
    /// Domains whose hosts are trusted, on a label boundary: `contoso.com` covers `pool.contoso.com` and not
    /// `notcontoso.com`. Empty by default.
    pub suffixes: Vec<String>,
    /// Whether to ask about other hosts ([`Question::Trust`](crate::Question::Trust)); if not, the answer is no.
    pub ask: bool,
}
