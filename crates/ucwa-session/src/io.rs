//! What goes into the session and what comes out of it.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use secrecy::SecretString;

use crate::event::SessionEvent;
use crate::failure::Failure;
use crate::keys::{QuestionId, RequestId, Ticket};
use crate::operation::Outcome;

/// One thing that happened outside.
#[non_exhaustive]
pub enum Input {
    /// An exchange asked for by [`Output::Send`] ended. A result for an exchange that was aborted or already ended is
    /// ignored.
    Response {
        /// The exchange.
        id: RequestId,
        /// The whole response, whatever its status, or why there is none.
        result: Result<http::Response<Bytes>, TransportFailure>,
    },
    /// The answer to [`Output::Ask`].
    Answer {
        /// The question.
        id: QuestionId,
        /// The answer.
        answer: Answer,
    },
    /// The wall time, read anew. The first input after every wake-up, before what the driver woke for.
    ///
    /// Messages that come without a date get theirs from the last reading and the time since. If the wall clock has moved
    /// ahead of the session's time by more than 5 s since the reading before, or the driver wakes that late, the machine was
    /// suspended: tokens that expired are renewed, and the pending GET and every other request that may be repeated are
    /// aborted and sent again. Nothing else is decided by this clock, and never in comparison with the server's.
    WallClock(SystemTime),
    /// Time passed; sent at or after the last [`Output::Idle`]'s `wake_at`.
    Timeout,
    /// The caller is going away: every operation completes now, and the deletion of the application is sent as a last,
    /// unobserved request. If the application is being created at the moment, that request follows the response to its
    /// creation, if that is still handed in.
    Shutdown,
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Response {
                id,
                result: Ok(response),
            } => {
                write!(
                    f,
                    "Response({}, {}, {} bytes)",
                    id.0,
                    response.status(),
                    response.body().len()
                )
            }
            Self::Response {
                id,
                result: Err(failure),
            } => write!(f, "Response({}, {failure})", id.0),
            Self::Answer { id, answer } => write!(f, "Answer({}, {answer:?})", id.0),
            Self::WallClock(time) => write!(f, "WallClock({time:?})"),
            Self::Timeout => f.write_str("Timeout"),
            Self::Shutdown => f.write_str("Shutdown"),
        }
    }
}

/// One thing to do outside, or [`Output::Idle`].
#[non_exhaustive]
pub enum Output {
    /// Send this request, whole, and give its end back as [`Input::Response`].
    Send {
        /// The name under which the end is given back.
        id: RequestId,
        /// The request; its URI is absolute.
        request: http::Request<Bytes>,
        /// Which connection it belongs on.
        lane: Lane,
        /// When the transport has to give up, in the session's time.
        deadline: Duration,
        /// What the transport has to prove on the connection, if anything.
        authentication: Option<ConnectionAuth>,
    },
    /// Nobody waits for this exchange any more.
    Abort(RequestId),
    /// A question to the caller. No answer by the deadline means no.
    Ask {
        /// The name under which the answer is given.
        id: QuestionId,
        /// What is asked.
        question: Question,
        /// Until when an answer counts, in the session's time.
        deadline: Duration,
    },
    /// Something changed that an application may want to see.
    Event(SessionEvent),
    /// An operation ended. Each ticket gets exactly one of these.
    Completed {
        /// The operation.
        ticket: Ticket,
        /// How it ended.
        result: Result<Outcome, Failure>,
    },
    /// Nothing to do until something happens, or until `wake_at`.
    Idle {
        /// When to hand in [`Input::Timeout`], in the session's time.
        wake_at: Option<Duration>,
    },
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send {
                id,
                request,
                lane,
                deadline,
                ..
            } => {
                // The query may carry a key, the headers carry a token, the body may carry a password or a message.
                write!(
                    f,
                    "Send({}, {} {}, {lane:?}, until {deadline:?})",
                    id.0,
                    request.method(),
                    request.uri().path()
                )
            }
            Self::Abort(id) => write!(f, "Abort({})", id.0),
            Self::Ask {
                id,
                question,
                deadline,
            } => write!(f, "Ask({}, {question:?}, until {deadline:?})", id.0),
            Self::Event(event) => write!(f, "Event({event:?})"),
            Self::Completed { ticket, result } => write!(f, "Completed({}, {result:?})", ticket.0),
            Self::Idle { wake_at } => write!(f, "Idle({wake_at:?})"),
        }
    }
}

/// Which connection a request belongs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// The pending GET, parked at the server for minutes.
    Events,
    /// Everything else; it must never wait behind a pending GET.
    Commands,
}

/// What a transport can prove on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionAuth {
    /// Who the user is in Windows, by Negotiate or NTLM.
    Windows,
}

/// A question that the session cannot decide.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Question {
    /// May `to` receive this user's credentials, although nothing in the configuration names it?
    Trust {
        /// The host that pointed there.
        from: String,
        /// The host that would receive a password or a token.
        to: String,
    },
    /// A token for a host, from whoever issues the tokens that it takes (`AuthenticationUsingAzureAD`).
    Token {
        /// The host: the audience of the token is `https://<host>`.
        host: String,
        /// Where to sign in, if the host says so.
        authorization_uri: Option<String>,
        /// The identity of the host, if it says so.
        client_id: Option<String>,
        /// Whose tokens it trusts, if it says so.
        trusted_issuers: Option<String>,
    },
    /// The user is to sign in at this page (`AuthenticationInUCWA`); the answer is given when he has.
    PassiveSignIn {
        /// The page.
        uri: String,
    },
}

/// The answer to a [`Question`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// Yes or no, to [`Question::Trust`].
    Trust(bool),
    /// A token, or none, to [`Question::Token`].
    Token(Option<BearerToken>),
    /// Whether the user signed in, to [`Question::PassiveSignIn`].
    PassiveSignIn(bool),
}

/// A token of another issuer. Debug output hides it.
#[derive(Clone, Debug)]
pub struct BearerToken {
    /// The token, without `Bearer`.
    pub token: SecretString,
    /// How long it lives from now on. The next one is asked for when nine tenths of that are over, though not within 30 s.
    pub expires_in: Duration,
}

impl BearerToken {
    /// A token that lives this long from now on.
    pub fn new(token: impl Into<String>, expires_in: Duration) -> Self {
        Self {
            token: SecretString::from(token.into()),
            expires_in,
        }
    }
}

/// Why an exchange brought no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportFailure {
    /// What went wrong.
    pub kind: TransportFailureKind,
    /// How far the exchange came, in the transport's word (`resolve`, `connect`, `tls`, `send`, `wait`, `body`).
    pub stage: &'static str,
    /// The host and port that were addressed.
    pub host: String,
    /// Whether the server may have seen the request. Only [`Sent::No`] lets a POST be repeated.
    pub sent: Sent,
    /// A sentence for a person.
    pub message: String,
}

impl fmt::Display for TransportFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.message, self.stage, self.host)
    }
}

/// The kinds of [`TransportFailure`] that make a difference to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportFailureKind {
    /// The name could not be resolved, or no connection could be made.
    Unreachable,
    /// TLS could not be agreed on, or the certificate is not trusted.
    Tls,
    /// The deadline passed.
    Timeout,
    /// The connection broke.
    Broken,
    /// The transport refuses: a body over its limit, or something that it cannot do.
    Refused,
}

/// Whether the server may have seen a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sent {
    /// Certainly not.
    No,
    /// It may have.
    Maybe,
}
