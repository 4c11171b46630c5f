//! Failures: why an operation failed, a sign-in ended or a message was not delivered.

use std::fmt;

use crate::io::{Sent, TransportFailure, TransportFailureKind};

/// The reason for a failed operation, a lost sign-in or an undelivered message.
///
/// Contains the stage, the host and the error details of the server, which an administrator needs to find the cause. Match
/// on [`Failure::kind`].
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
    operation_id: Option<String>,
    failed_participants: Vec<String>,
    /// The response body is not UCWA.
    page: bool,
    tried: Vec<String>,
    transport: Option<TransportFailure>,
}

/// The kind of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// The argument is invalid. Nothing was sent.
    InvalidArgument,
    /// The session is not signed in.
    NotSignedIn,
    /// The operation is not possible in the current state.
    WrongState,
    /// The server, or one of its policies, does not support the operation.
    NotSupported,
    /// The server refused the user name or the password.
    InvalidCredentials,
    /// The session needs a token and has no credentials ([`Credentials::None`](crate::Credentials::None)). The application
    /// was not deleted, so another session can resume the same checkpoint with credentials.
    NoCredentials,
    /// The server supports no grant that these credentials can use.
    #[non_exhaustive]
    GrantNotOffered {
        /// The grants that the server offers.
        offered: Vec<String>,
    },
    /// A host that is not trusted would have received a credential.
    Untrusted,
    /// A credential would have been sent over plain HTTP, without encryption. Only a server on loopback gets a credential in
    /// this way.
    PlainHttp,
    /// The user is homed in the online service, which has been retired.
    HomedOnline,
    /// No server was reachable.
    #[non_exhaustive]
    Unreachable {
        /// Each address that was tried, with its result.
        tried: Vec<String>,
    },
    /// The transport failed after the server may have received the request.
    Transport,
    /// The response is not UCWA: a page of a proxy, a broken body, a missing link.
    UnexpectedAnswer,
    /// The server refused the request. Status, code and subcode give the reason.
    RequestFailed,
    /// The invitation or the conversation was ended by the other side or by the server. Code and subcode give the
    /// reason.
    Remote,
    /// The first part of the operation took effect, and the second failed.
    Partial,
    /// The server did not answer in time.
    Timeout,
    /// The server took the message, and its delivery result cannot be determined.
    DeliveryUnknown,
    /// This user ended the conversation.
    Ended,
    /// The server ended the application permanently (410).
    Gone,
    /// No events arrive, or the event channel is lost.
    ConnectionLost,
    /// The caller shut the session down.
    Shutdown,
    /// The caller detached the session. The application continues to exist at the server.
    Detached,
}

/// The stage at which a failure happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Before a request was sent.
    Command,
    /// Discovery of the server.
    Discovery,
    /// Fetching a token.
    Authentication,
    /// Reading the user resource.
    User,
    /// Creating, reading or deleting the application.
    Application,
    /// Reading the event channel.
    Events,
    /// Inviting, accepting, declining.
    Invitation,
    /// Any other request of a conversation.
    Conversation,
    /// Sending a message.
    Message,
    /// Reading, following and searching people, and changing the user's own presence.
    People,
    /// Reading the archive, and turning archiving on or off.
    History,
}

impl Stage {
    /// The stage as one word, for messages.
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
    /// A failure with only a kind and a stage.
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
            operation_id: None,
            failed_participants: Vec::new(),
            page: false,
            tried: Vec::new(),
            transport: None,
        }))
    }

    /// A transport failure: unreachable if no part of the request was sent, otherwise with an unknown effect.
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

    pub(crate) fn with_operation_id(mut self, id: &str) -> Self {
        self.0.operation_id = Some(id.to_owned());
        self
    }

    pub(crate) fn with_failed_participants(mut self, participants: Vec<String>) -> Self {
        self.0.failed_participants = participants;
        self
    }

    /// Records each address of the discovery, with its result.
    pub(crate) fn with_tried(mut self, all: Vec<String>) -> Self {
        match &mut self.0.kind {
            FailureKind::Unreachable { tried } => *tried = all,
            _ => self.0.tried = all,
        }
        self
    }

    pub(crate) fn on_a_page(mut self) -> Self {
        self.0.page = true;
        self
    }

    /// The kind of the failure, to match on.
    pub fn kind(&self) -> &FailureKind {
        &self.0.kind
    }

    /// The stage of the failure.
    pub fn stage(&self) -> Stage {
        self.0.stage
    }

    /// The host (and port) of the request.
    pub fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }

    /// The HTTP status, if there was a response.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// How often the request was sent, if it was. More than once after transient failures.
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

    /// A sentence for people; the server's own, if it sent one.
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The response's `X-Ms-diagnostics`, raw.
    pub fn diagnostics(&self) -> Option<&str> {
        self.0.diagnostics.as_deref()
    }

    /// The `X-MS-Correlation-Id` with which an administrator finds the request in the server's logs: that of the
    /// response, or else that of the request.
    pub fn correlation_id(&self) -> Option<&str> {
        self.0.correlation_id.as_deref()
    }

    /// The `operationId` that the client gave an invitation or a message, which the server repeats in its events and logs.
    pub fn operation_id(&self) -> Option<&str> {
        self.0.operation_id.as_deref()
    }

    /// The participants whom a message did not reach (`failedDeliveryParticipant` of `message_ref`): for each the SIP
    /// URI, or else the name, or else the href. Empty in one-to-one conversations, where the server names no
    /// participant.
    pub fn failed_participants(&self) -> &[String] {
        &self.0.failed_participants
    }

    /// Each address of the discovery with its result, in order. Empty unless a sign-in failed.
    pub fn tried(&self) -> &[String] {
        match &self.0.kind {
            FailureKind::Unreachable { tried } => tried,
            _ => &self.0.tried,
        }
    }

    /// Whether the server said that the resource does not exist. A 404 without a UCWA error body may come from a proxy,
    /// and neither does a refused token show that the resource does not exist.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.0.status, Some(404 | 410))
            && !self.0.page
            && self.0.stage != Stage::Authentication
    }

    /// The failure in a few words, for a list of failures.
    pub(crate) fn brief(&self) -> String {
        let words = match (&self.0.message, self.0.status) {
            (Some(message), _) => message.clone(),
            (None, Some(status)) => format!("status {status}"),
            (None, None) => self.0.kind.to_string(),
        };
        match self.0.status {
            Some(status) if self.0.message.is_some() => format!("{words} (status {status})"),
            _ => words,
        }
    }

    /// The transport's failure, if there was no response.
    pub fn transport_failure(&self) -> Option<&TransportFailure> {
        self.0.transport.as_ref()
    }
}

/// The kind in words.
impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidArgument => f.write_str("the argument cannot be used"),
            Self::NotSignedIn => f.write_str("not signed in"),
            Self::WrongState => f.write_str("not possible in the present state"),
            Self::NotSupported => f.write_str("not offered by the server"),
            Self::InvalidCredentials => f.write_str("the user name or the password was refused"),
            Self::NoCredentials => f.write_str(
                "the server demands a new token, and there are no credentials to get one",
            ),
            Self::GrantNotOffered { offered } => {
                write!(
                    f,
                    "the server offers no usable grant (it offers: {})",
                    offered.join(", ")
                )
            }
            Self::Untrusted => f.write_str("the host is not trusted with credentials"),
            Self::PlainHttp => f.write_str(
                "credentials are not sent over plain HTTP; the server needs an https:// address",
            ),
            Self::HomedOnline => f.write_str("the user is homed at the retired online service"),
            Self::Unreachable { tried } => {
                write!(f, "no server could be reached (tried {})", tried.join("; "))
            }
            Self::Transport => f.write_str("the connection failed"),
            Self::UnexpectedAnswer => f.write_str("the answer is not one of a UCWA server"),
            Self::RequestFailed => f.write_str("the server refused the request"),
            Self::Remote => f.write_str("ended by the other side"),
            Self::Partial => f.write_str("only a part of the operation took effect"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::DeliveryUnknown => f.write_str("whether the message arrived is unknown"),
            Self::Ended => f.write_str("the conversation was ended"),
            Self::Gone => f.write_str("the server ended the application"),
            Self::ConnectionLost => f.write_str("the event channel is lost"),
            Self::Shutdown => f.write_str("shut down"),
            Self::Detached => f.write_str("detached"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        write!(f, "{}: ", inner.stage.as_str())?;
        inner.kind.fmt(f)?;
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
        // The list of addresses already contains the message.
        let lists_addresses = match &inner.kind {
            FailureKind::Unreachable { tried } => {
                tried.len() > 1 || inner.stage == Stage::Discovery
            }
            _ => false,
        };
        if let Some(message) = inner.message.as_ref().filter(|_| !lists_addresses) {
            write!(f, "; {message}")?;
        }
        if !inner.failed_participants.is_empty() {
            let participants = inner.failed_participants.join(", ");
            write!(f, "; not delivered to {participants}")?;
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
