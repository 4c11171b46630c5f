//! One HTTP exchange as the session sees it: what it is for, and what it takes to send it again.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use tracing::{Span, field};
use ucwa_proto::{HrefKey, Origin};

use crate::chats::ChatsPurpose;
use crate::failure::Stage;
use crate::history::HistoryPurpose;
use crate::io::{ConnectionAuth, Lane};
use crate::people::PeoplePurpose;
use crate::timers::TimerKey;

/// What an exchange is for; decides who gets its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// An autodiscovery root, on the way that began so.
    Root(RootSource),
    /// The user resource.
    User,
    /// A token for an origin.
    Token(Origin),
    /// A challenge for an origin that refused a token without sending one.
    Challenge(Origin),
    /// POST applications.
    CreateApplication,
    /// POST makeMeAvailable.
    MakeMeAvailable,
    /// GET application.
    ReadApplication,
    /// The pending GET.
    Poll,
    /// POST reportMyActivity.
    ReportActivity,
    /// DELETE application.
    DeleteApplication,
    /// GET conversations, to learn which of these live on after the channel lost its place. What begins while the
    /// answer is on its way is not missing in it.
    ListConversations(Vec<HrefKey>),
    /// Something about chats.
    Chats(ChatsPurpose),
    /// Something about people.
    People(PeoplePurpose),
    /// Something about history.
    History(HistoryPurpose),
    /// POST batch: several GETs, each with a purpose of its own.
    Batch(u64),
}

/// Where the way to an autodiscovery root began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RootSource {
    /// It is configured.
    Configured,
    /// `lyncdiscoverinternal.<domain>`, which has priority.
    Internal,
    /// `lyncdiscover.<domain>`.
    External,
    /// The user resource redirected there.
    Redirect,
}

impl Purpose {
    /// The stage that a failure of the request names.
    pub(crate) fn stage(&self) -> Stage {
        self.describe().0
    }

    /// The operation by the name of its resource, for traces. Names no person and holds no ID.
    pub(crate) fn name(&self) -> &'static str {
        self.describe().1
    }

    fn describe(&self) -> (Stage, &'static str) {
        match self {
            Self::Root(_) => (Stage::Discovery, "root"),
            Self::User => (Stage::User, "user"),
            Self::Token(_) => (Stage::Authentication, "token"),
            Self::Challenge(_) => (Stage::Authentication, "challenge"),
            Self::CreateApplication => (Stage::Application, "applications"),
            Self::MakeMeAvailable => (Stage::Application, "makeMeAvailable"),
            Self::ReadApplication => (Stage::Application, "application"),
            Self::ReportActivity => (Stage::Application, "reportMyActivity"),
            Self::DeleteApplication => (Stage::Application, "application.delete"),
            Self::Batch(_) => (Stage::Application, "batch"),
            Self::Poll => (Stage::Events, "events"),
            Self::ListConversations(_) => (Stage::Events, "conversations"),
            Self::Chats(purpose) => purpose.describe(),
            Self::People(purpose) => (Stage::People, purpose.name()),
            Self::History(purpose) => (Stage::History, purpose.name()),
        }
    }

    /// Whether it belongs to the application: its hrefs die with it.
    pub(crate) fn is_of_application(&self) -> bool {
        !matches!(
            self,
            Self::Root(_)
                | Self::User
                | Self::Token(_)
                | Self::Challenge(_)
                | Self::CreateApplication
        )
    }
}

/// How an exchange proves who sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// Not at all, and it may go to any host.
    None,
    /// Not in the header, but the host must be trusted: it carries a password, or decides where one goes.
    TrustedHost,
    /// With the token for its host.
    Bearer,
}

/// Names an exchange over all its repeats, for the owner that keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ExchangeId(pub(crate) u64);

/// A request with its purpose and its history.
pub(crate) struct Exchange {
    /// Set by [`Core::issue_owned`](crate::core::Core::issue_owned).
    pub(crate) id: Option<ExchangeId>,
    pub(crate) purpose: Purpose,
    pub(crate) method: Method,
    /// Absolute.
    pub(crate) url: String,
    /// Content type and content.
    pub(crate) body: Option<(Cow<'static, str>, Bytes)>,
    /// The version that it may change (`If-Match`).
    pub(crate) condition: Option<String>,
    pub(crate) credential: Credential,
    pub(crate) lane: Lane,
    /// What the transport proves on the connection.
    pub(crate) authentication: Option<ConnectionAuth>,
    /// How long one sending of it may take.
    pub(crate) timeout: Duration,
    /// How long all sendings of it together may take, from the first on; where absent, repeats end by the rule for all.
    pub(crate) total: Option<Duration>,
    /// How often it was sent.
    pub(crate) attempts: u32,
    /// When it was sent first.
    pub(crate) first_sent: Option<Duration>,
    /// The version of the token that it was last sent with.
    pub(crate) token_version: Option<u64>,
    /// The one repeat after an authentication challenge is used up.
    pub(crate) challenged: bool,
    /// The deadline of the transport, and a bit, while it is on the wire.
    pub(crate) watchdog: Option<TimerKey>,
    /// By which both sides find it in their logs, over all repeats; absent until it has begun.
    pub(crate) correlation_id: Option<String>,
    /// From its beginning to its end, over all repeats: operation, host, status, subcode, correlation id.
    pub(crate) span: Span,
}

impl Exchange {
    /// An exchange with the token, on the commands lane.
    pub(crate) fn new(purpose: Purpose, method: Method, url: String) -> Self {
        let span = tracing::info_span!(
            "exchange",
            operation = purpose.name(),
            host = field::Empty,
            attempts = field::Empty,
            status = field::Empty,
            subcode = field::Empty,
            correlation_id = field::Empty,
        );
        Self {
            id: None,
            purpose,
            method,
            url,
            body: None,
            condition: None,
            credential: Credential::Bearer,
            lane: Lane::Commands,
            authentication: None,
            timeout: COMMAND_TIMEOUT,
            total: None,
            attempts: 0,
            first_sent: None,
            token_version: None,
            challenged: false,
            watchdog: None,
            correlation_id: None,
            span,
        }
    }

    pub(crate) fn with_body(
        mut self,
        content_type: impl Into<Cow<'static, str>>,
        body: impl Into<Bytes>,
    ) -> Self {
        self.body = Some((content_type.into(), body.into()));
        self
    }

    pub(crate) fn if_match(mut self, condition: String) -> Self {
        self.condition = Some(condition);
        self
    }

    pub(crate) fn with_credential(mut self, credential: Credential) -> Self {
        self.credential = credential;
        self
    }

    pub(crate) fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Bounds the time of all sendings together.
    pub(crate) fn within(mut self, total: Duration) -> Self {
        self.total = Some(total);
        self
    }

    /// How long the next sending may take.
    pub(crate) fn time_left(&self, now: Duration) -> Duration {
        let taken = now.saturating_sub(self.first_sent.unwrap_or(now));
        self.total.map_or(self.timeout, |total| {
            self.timeout.min(total.saturating_sub(taken))
        })
    }

    pub(crate) fn on_lane(mut self, lane: Lane) -> Self {
        self.lane = lane;
        self
    }

    /// Whether doing it twice does no more than doing it once. Of the POSTs that is so for a batch, which only reads, for a
    /// report of activity, and for the steps of a sign-in: one token more changes nothing, an endpoint that asks again gets
    /// the application that it has (`applications_ref`), and who is available is told so (`makeMeAvailable_ref`).
    pub(crate) fn is_idempotent(&self) -> bool {
        self.method == Method::GET
            || self.method == Method::DELETE
            || self.method == Method::PUT
            || matches!(
                self.purpose,
                Purpose::Batch(_)
                    | Purpose::Token(_)
                    | Purpose::CreateApplication
                    | Purpose::MakeMeAvailable
                    | Purpose::ReportActivity
            )
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // URL queries and bodies may carry secrets and messages.
        write!(
            f,
            "Exchange({:?}, {}, attempt {})",
            self.purpose, self.method, self.attempts
        )
    }
}

/// How long a command may take. Invitations and verdicts wait on the event channel, not on the response.
pub(crate) const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a discovery host may take to answer once.
pub(crate) const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take with all repeats and with the hosts that it redirects to: one lost answer fails no sign-in.
pub(crate) const DISCOVERY_TIME: Duration = Duration::from_secs(30);
/// What a pending GET may take beyond the time that the server holds it.
pub(crate) const POLL_MARGIN: Duration = Duration::from_secs(30);
