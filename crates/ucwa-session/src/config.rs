//! What a session is told once, before it begins.

use std::time::{Duration, SystemTime};

use ucwa_proto::{Limits, Representation};

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
    /// Whether HTML messages are declared as understood.
    pub html: bool,
    /// Seeds identifiers and jitter. Two sessions with one seed and the same inputs do the same.
    pub seed: u64,
    /// The wall time at the epoch of the session's `Duration`s; gives dates to messages.
    pub wall_at_epoch: SystemTime,
    /// What the server's bodies may not exceed.
    pub limits: Limits,
    /// How often activity is reported, so that presence does not decay; under four minutes (`reportMyActivity_ref`).
    pub activity_interval: Duration,
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
            html: true,
            seed,
            wall_at_epoch,
            limits: Limits::default(),
            activity_interval: Duration::from_secs(210),
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
