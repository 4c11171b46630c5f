//! An HTTP exchange: its purpose, and everything needed to repeat it.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, Method, header};
use tracing::{Span, field};
use ucwa_proto::{HrefKey, Origin, Representation};

use crate::chats::ChatsPurpose;
use crate::failure::Stage;
use crate::history::HistoryPurpose;
use crate::io::{ConnectionAuth, Lane};
use crate::people::PeoplePurpose;
use crate::timers::TimerKey;

/// The purpose of an exchange. It decides which part of the session gets the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// GET an autodiscovery root.
    Root(RootSource),
    /// GET the user resource.
    User,
    /// POST for a token for an origin.
    Token(Origin),
    /// GET a challenge from an origin that refused a token without a challenge.
    Challenge(Origin),
    /// POST applications.
    CreateApplication,
    /// POST makeMeAvailable.
    MakeMeAvailable,
    /// GET application.
    ReadApplication,
    /// GET application, because another response left open whether it exists.
    CheckApplication,
    /// The pending GET.
    Poll,
    /// POST reportMyActivity.
    ReportActivity,
    /// DELETE application.
    DeleteApplication,
    /// GET conversations, after events may have been lost. The purpose holds the conversations that existed at the request:
    /// later ones may be missing in the response.
    ListConversations(Vec<HrefKey>),
    /// A request about chats.
    Chats(ChatsPurpose),
    /// A request about people.
    People(PeoplePurpose),
    /// A request about history.
    History(HistoryPurpose),
    /// POST batch: several GETs, each an exchange with its own purpose.
    Batch(u64),
}

/// The source of the address of an autodiscovery root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RootSource {
    /// The configuration.
    Configured,
    /// `lyncdiscoverinternal.<domain>`, which has priority.
    Internal,
    /// `lyncdiscover.<domain>`.
    External,
    /// A redirect of the user resource.
    Redirect,
}

impl Purpose {
    /// The stage that a failure of the request names.
    pub(crate) fn stage(&self) -> Stage {
        self.describe().0
    }

    /// The name of the operation for traces: the name of its resource. It contains no name of a person and no ID.
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
            Self::ReadApplication | Self::CheckApplication => (Stage::Application, "application"),
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

    /// Whether the response is an image.
    fn is_of_photo(&self) -> bool {
        matches!(self, Self::People(PeoplePurpose::Photo(_)))
    }

    /// Whether the request concerns the application, whose hrefs become invalid at its end.
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

/// The credential of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// None. The request may go to any host.
    None,
    /// No token in the header, but the host must be trusted: the request carries a password, or its response contains an
    /// address that will receive one.
    TrustedHost,
    /// The token for the host.
    Bearer,
}

/// Identifies an owned exchange over all its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ExchangeId(pub(crate) u64);

/// A request with its purpose and its attempts so far.
pub(crate) struct Exchange {
    /// Set by [`Core::issue_owned`](crate::core::Core::issue_owned).
    pub(crate) id: Option<ExchangeId>,
    pub(crate) purpose: Purpose,
    pub(crate) method: Method,
    /// An absolute URL.
    pub(crate) url: String,
    /// Content type and content.
    pub(crate) body: Option<(Cow<'static, str>, Bytes)>,
    /// Headers that only this request has.
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) credential: Credential,
    pub(crate) lane: Lane,
    /// The authentication of the connection.
    pub(crate) authentication: Option<ConnectionAuth>,
    /// The number of the commit of the caller for which the first attempt waits.
    pub(crate) commit: Option<u64>,
    /// The maximum time of one attempt.
    pub(crate) timeout: Duration,
    /// The maximum time of all attempts together. Without it, the general limit for retries applies.
    pub(crate) total: Option<Duration>,
    /// The number of attempts so far.
    pub(crate) attempts: u32,
    /// The time of the first attempt.
    pub(crate) first_sent: Option<Duration>,
    /// The version of the token in the last attempt.
    pub(crate) token_version: Option<u64>,
    /// The request was repeated after an authentication challenge, which happens once.
    pub(crate) challenged: bool,
    /// Fires some time after the transport's deadline, while the request is on the wire.
    pub(crate) watchdog: Option<TimerKey>,
    /// Identifies the exchange in the logs of client and server, for all attempts. `None` before the first attempt.
    pub(crate) correlation_id: Option<String>,
    /// The tracing span over all attempts: operation, host, status, subcode, correlation ID.
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
            headers: Vec::new(),
            credential: Credential::Bearer,
            lane: Lane::Commands,
            authentication: None,
            commit: None,
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

    /// Adds a header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets the version that the request may change (`If-Match`).
    pub(crate) fn if_match(self, condition: String) -> Self {
        self.with_header(header::IF_MATCH, condition)
    }

    /// The media types that the response may have.
    pub(crate) fn accept(&self, representation: Representation) -> &'static str {
        match &self.purpose {
            Purpose::Batch(_) => ucwa_proto::batch::MEDIA_TYPE,
            purpose if purpose.is_of_photo() => "image/*",
            _ => representation.accept(),
        }
    }

    pub(crate) fn with_credential(mut self, credential: Credential) -> Self {
        self.credential = credential;
        self
    }

    pub(crate) fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Whether the request may be sent in a batch: the first attempt of a read of the chats.
    pub(crate) fn is_batchable(&self) -> bool {
        let is_read = self.method == Method::GET && matches!(self.purpose, Purpose::Chats(_));
        is_read && self.attempts == 0 && !self.challenged
    }

    /// Limits the time of all attempts together.
    pub(crate) fn within(mut self, total: Duration) -> Self {
        self.total = Some(total);
        self
    }

    /// How long the next attempt may take.
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

    /// Whether the request is idempotent. Idempotent POSTs are a batch, which contains only GETs; a report of activity; and
    /// the steps of a sign-in. Another token changes nothing, an endpoint that creates its application again gets the same
    /// one (`applications_ref`), and a user who is already available gets a refusal without an effect
    /// (`makeMeAvailable_ref`).
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

/// The maximum time of a command. The results of invitations and messages arrive on the event channel, not in the response.
pub(crate) const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// The maximum time of one request to a discovery host.
pub(crate) const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum time of discovery with all retries and redirects, so that one lost response does not fail a sign-in.
pub(crate) const DISCOVERY_TIME: Duration = Duration::from_secs(30);
/// The time that a pending GET may take in addition to the time for which the server holds it.
pub(crate) const POLL_MARGIN: Duration = Duration::from_secs(30);
