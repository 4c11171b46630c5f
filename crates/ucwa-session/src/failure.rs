//! Why something did not happen, in enough detail to find out on a server.

use std::fmt;

use crate::io::{Sent, TransportFailure, TransportFailureKind};

/// A failed operation, a lost sign-in, an undelivered message.
///
/// One shape for all of them, since what helps is the same for all: what was being done, at which host, and what the
/// server said, raw. [`Failure::kind`] is what to match on.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: FailureKind,
    stage: Stage,
    host: Option<String>,
    status: Option<u16>,
    attempts: Option<u32>,
    code: Option<String>,
    subcode: Option<String>,
    message: Option<String>,
    diagnostics: Option<String>,
    correlation_id: Option<String>,
    failed_participants: Vec<String>,
    /// The answer is a page of something that is not UCWA.
    page: bool,
    tried: Vec<String>,
    transport: Option<TransportFailure>,
}

/// What kind of failure it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// The argument cannot be used; nothing was sent.
    InvalidArgument,
    /// The session is not signed in, or not any more.
    NotSignedIn,
    /// The command makes no sense in the present state.
    WrongState,
    /// The server, or a policy of it, does not offer it.
    NotSupported,
    /// The server refused the user name or the password.
    InvalidCredentials,
    /// The server takes none of the grants that these credentials can serve.
    GrantNotOffered {
        /// What it takes.
        offered: Vec<String>,
    },
    /// A host would have received a credential, and nothing says that it may.
    Untrusted,
    /// The user is homed at the online service, which was retired.
    HomedOnline,
    /// No server could be reached.
    Unreachable {
        /// Each address that was tried, and what came of it.
        tried: Vec<String>,
    },
    /// The transport failed after the server may have seen the request.
    Transport,
    /// The server's answer is not UCWA: a proxy's page, a broken body, a missing link.
    UnexpectedAnswer,
    /// The server refused the request; status, code and subcode say why.
    RequestFailed,
    /// The invitation, or the conversation, ended with a reason of the other side's or of the server's; code and subcode
    /// say which.
    Remote,
    /// The server did not answer in its time.
    Timeout,
    /// The message was handed over, and whether it arrived cannot be found out.
    DeliveryUnknown,
    /// The conversation was ended from here.
    Ended,
    /// The server ended the application for good (410).
    Gone,
    /// The event channel is lost for good.
    ConnectionLost,
    /// The caller shut the session down.
    Shutdown,
}

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Before anything was sent.
    Command,
    /// Finding the server.
    Discovery,
    /// Getting a token.
    Authentication,
    /// Reading the user resource.
    User,
    /// Creating, reading or deleting the application.
    Application,
    /// The event channel.
    Events,
    /// Inviting, accepting, declining.
    Invitation,
    /// Anything else in a conversation.
    Conversation,
    /// Sending a message.
    Message,
    /// Reading of people, following them, searching, and changing what others see of the user.
    People,
    /// Reading of the archive, and having the server keep one.
    History,
}

impl Stage {
    /// The stage in one word, as it stands in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Discovery => "discovery",
            Self::Authentication => "authentication",
            Self::User => "user",
            Self::Application => "application",
            Self::Events => "events",
            Self::Invitation => "invitation",
            Self::Conversation => "conversation",
            Self::Message => "message",
            Self::People => "people",
            Self::History => "history",
        }
    }
}

impl Failure {
    /// A failure with nothing but its kind and stage.
    pub(crate) fn new(kind: FailureKind, stage: Stage) -> Self {
        Self(Box::new(Inner {
            kind,
            stage,
            host: None,
            status: None,
            attempts: None,
            code: None,
            subcode: None,
            message: None,
            diagnostics: None,
            correlation_id: None,
            failed_participants: Vec::new(),
            page: false,
            tried: Vec::new(),
            transport: None,
        }))
    }

    /// A failure of the transport: unreachable if nothing was sent, otherwise of unknown effect.
    pub(crate) fn transport(failure: TransportFailure, stage: Stage) -> Self {
        let kind = match (failure.kind, failure.sent) {
            (TransportFailureKind::Timeout, Sent::Maybe) => FailureKind::Timeout,
            (_, Sent::No) => FailureKind::Unreachable {
                tried: vec![failure.host.clone()],
            },
            (_, Sent::Maybe) => FailureKind::Transport,
        };
        let mut this = Self::new(kind, stage).with_host(failure.host.clone());
        this.0.message = Some(failure.message.clone());
        this.0.transport = Some(failure);
        this
    }

    pub(crate) fn with_kind(mut self, kind: FailureKind) -> Self {
        self.0.kind = kind;
        self
    }

    pub(crate) fn with_host(mut self, host: impl Into<String>) -> Self {
        self.0.host = Some(host.into());
        self
    }

    pub(crate) fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = Some(message.into());
        self
    }

    pub(crate) fn with_status(mut self, status: http::StatusCode) -> Self {
        self.0.status = Some(status.as_u16());
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = Some(attempts);
        self
    }

    pub(crate) fn with_codes(mut self, code: Option<String>, subcode: Option<String>) -> Self {
        self.0.code = code;
        self.0.subcode = subcode;
        self
    }

    pub(crate) fn with_diagnostics(mut self, diagnostics: Option<String>) -> Self {
        self.0.diagnostics = diagnostics;
        self
    }

    pub(crate) fn with_correlation_id(mut self, id: Option<String>) -> Self {
        self.0.correlation_id = id;
        self
    }

    pub(crate) fn with_failed_participants(mut self, whom: Vec<String>) -> Self {
        self.0.failed_participants = whom;
        self
    }

    /// Notes each address on the way to the server, and what came of it.
    pub(crate) fn with_tried(mut self, all: Vec<String>) -> Self {
        match &mut self.0.kind {
            FailureKind::Unreachable { tried } if !all.is_empty() => *tried = all,
            _ => self.0.tried = all,
        }
        self
    }

    pub(crate) fn on_a_page(mut self) -> Self {
        self.0.page = true;
        self
    }

    /// What kind of failure it is; the thing to match on.
    pub fn kind(&self) -> &FailureKind {
        &self.0.kind
    }

    /// What was being done.
    pub fn stage(&self) -> Stage {
        self.0.stage
    }

    /// The host (and port) that was spoken to.
    pub fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }

    /// The HTTP status, where a response came.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// How often the request was sent, where one was: more than once after failures that pass.
    pub fn attempts(&self) -> Option<u32> {
        self.0.attempts
    }

    /// UCWA's `code`, or OAuth's `error`.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// UCWA's `subcode`.
    pub fn subcode(&self) -> Option<&str> {
        self.0.subcode.as_deref()
    }

    /// A sentence for a person: the server's own, where it sent one.
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The response's `X-Ms-diagnostics`, raw.
    pub fn diagnostics(&self) -> Option<&str> {
        self.0.diagnostics.as_deref()
    }

    /// The `X-MS-Correlation-Id` by which a server's administrator finds the request: the response's, or else the one that
    /// it was sent with.
    pub fn correlation_id(&self) -> Option<&str> {
        self.0.correlation_id.as_deref()
    }

    /// Whom a message did not reach (`failedDeliveryParticipant` of `message_ref`), one for each: the SIP URI where it is
    /// known, or else the name, or else the address at the server. Between two, the server names nobody.
    pub fn failed_participants(&self) -> &[String] {
        &self.0.failed_participants
    }

    /// The way to the server: each address and what came of it, in order, as far as a sign-in came. Empty for what is no
    /// sign-in.
    pub fn tried(&self) -> &[String] {
        match &self.0.kind {
            FailureKind::Unreachable { tried } => tried,
            _ => &self.0.tried,
        }
    }

    /// Whether the server says that what was asked for does not exist, or not any more. A page of a proxy's with the same
    /// status says nothing of it, nor does a refusal of the token that it would have taken to ask.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.0.status, Some(404 | 410))
            && !self.0.page
            && self.0.stage != Stage::Authentication
    }

    /// The failure in few words, for a list of several: what was answered, or why nothing was.
    pub(crate) fn brief(&self) -> String {
        let words = match (&self.0.message, self.0.status) {
            (Some(message), _) => message.clone(),
            (None, Some(status)) => format!("status {status}"),
            (None, None) => format!("{:?}", self.0.kind),
        };
        match self.0.status {
            Some(status) if self.0.message.is_some() => format!("{words} (status {status})"),
            _ => words,
        }
    }

    /// What the transport said, where no response came.
    pub fn transport_failure(&self) -> Option<&TransportFailure> {
        self.0.transport.as_ref()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        write!(f, "{}: ", inner.stage.as_str())?;
        match &inner.kind {
            FailureKind::InvalidArgument => f.write_str("the argument cannot be used")?,
            FailureKind::NotSignedIn => f.write_str("not signed in")?,
            FailureKind::WrongState => f.write_str("not possible in the present state")?,
            FailureKind::NotSupported => f.write_str("not offered by the server")?,
            FailureKind::InvalidCredentials => {
                f.write_str("the user name or the password was refused")?;
            }
            FailureKind::GrantNotOffered { offered } => {
                write!(
                    f,
                    "the server offers no usable grant (it offers: {})",
                    offered.join(", ")
                )?;
            }
            FailureKind::Untrusted => f.write_str("the host is not trusted with credentials")?,
            FailureKind::HomedOnline => {
                f.write_str("the user is homed at the retired online service")?;
            }
            FailureKind::Unreachable { tried } => {
                write!(f, "no server could be reached (tried {})", tried.join("; "))?;
            }
            FailureKind::Transport => f.write_str("the connection failed")?,
            FailureKind::UnexpectedAnswer => {
                f.write_str("the answer is not one of a UCWA server")?;
            }
            FailureKind::RequestFailed => f.write_str("the server refused the request")?,
            FailureKind::Remote => f.write_str("ended by the other side")?,
            FailureKind::Timeout => f.write_str("no answer in time")?,
            FailureKind::DeliveryUnknown => {
                f.write_str("whether the message arrived is unknown")?;
            }
            FailureKind::Ended => f.write_str("the conversation was ended")?,
            FailureKind::Gone => f.write_str("the server ended the application")?,
            FailureKind::ConnectionLost => f.write_str("the event channel is lost")?,
            FailureKind::Shutdown => f.write_str("shut down")?,
        }
        if let Some(host) = &inner.host {
            write!(f, "; host {host}")?;
        }
        if let Some(status) = inner.status {
            write!(f, "; status {status}")?;
        }
        if let Some(attempts) = inner.attempts.filter(|attempts| *attempts > 1) {
            write!(f, "; {attempts} attempts")?;
        }
        if let Some(code) = &inner.code {
            write!(f, "; {code}")?;
            if let Some(subcode) = &inner.subcode {
                write!(f, "/{subcode}")?;
            }
        }
        // What was tried says it already.
        let told = match &inner.kind {
            FailureKind::Unreachable { tried } => {
                tried.len() > 1 || inner.stage == Stage::Discovery
            }
            _ => false,
        };
        if let Some(message) = inner.message.as_ref().filter(|_| !told) {
            write!(f, "; {message}")?;
        }
        if !inner.failed_participants.is_empty() {
            let whom = inner.failed_participants.join(", ");
            write!(f, "; not delivered to {whom}")?;
        }
        if let Some(diagnostics) = &inner.diagnostics {
            write!(f, "; diagnostics {diagnostics}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure({:?}, {self})", self.0.kind)
    }
}

impl std::error::Error for Failure {}
