//! Inputs and outputs of the session.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use secrecy::SecretString;

use crate::event::SessionEvent;
use crate::failure::Failure;
use crate::keys::{QuestionId, RequestId, Ticket};
use crate::operation::Outcome;

/// An input of the session.
#[non_exhaustive]
pub enum Input {
    /// An exchange that [`Output::Send`] requested has ended. The session ignores a result for an exchange that was
    /// aborted or has ended already.
    Response {
        /// The exchange.
        id: RequestId,
        /// The complete response with any status, or the reason why there is none.
        result: Result<http::Response<Bytes>, TransportFailure>,
    },
    /// The answer to [`Output::Ask`].
    Answer {
        /// The question.
        id: QuestionId,
        /// The answer.
        answer: Answer,
    },
    /// A new reading of the wall clock. The first input after every wake-up, before the input that the driver woke for.
    ///
    /// Messages without a date get theirs from the last reading and the time since. If the wall clock has moved ahead
    /// of the session's time by more than 5 s since the last reading, or the driver wakes that late, the machine was
    /// suspended: the session renews tokens that have expired, and aborts and repeats the pending GET and every other
    /// request that may be repeated. The session uses this clock for no other decision and never compares it with the
    /// server's.
    WallClock(SystemTime),
    /// The caller has stored what the session had reported when [`Session::uncommitted`](crate::Session::uncommitted) was this
    /// number. The session ignores a number that it has not given out.
    Commit(u64),
    /// Time has passed. Passed in at or after the `wake_at` of the last [`Output::Idle`].
    Timeout,
    /// The caller shuts down. Every operation completes now, and the deletion of the application is sent as a last request
    /// whose response is not needed. If the application is being created, the deletion follows the response to its creation,
    /// if the driver still passes it in.
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
            Self::Commit(number) => write!(f, "Commit({number})"),
            Self::Timeout => f.write_str("Timeout"),
            Self::Shutdown => f.write_str("Shutdown"),
        }
    }
}

/// An output of the session.
#[non_exhaustive]
pub enum Output {
    /// Send this request, and return its response or failure as [`Input::Response`].
    #[non_exhaustive]
    Send {
        /// The ID of the exchange.
        id: RequestId,
        /// The request; its URI is absolute.
        request: http::Request<Bytes>,
        /// The connection that the request belongs to.
        lane: Lane,
        /// The deadline of the exchange for the transport, in the session's time.
        deadline: Duration,
        /// The authentication that the transport performs on the connection, if any.
        authentication: Option<ConnectionAuth>,
    },
    /// The session no longer needs the response of this exchange.
    Abort(RequestId),
    /// A question to the caller. No answer by the deadline counts as a refusal.
    #[non_exhaustive]
    Ask {
        /// The ID of the question.
        id: QuestionId,
        /// The question.
        question: Question,
        /// The deadline for the answer, in the session's time.
        deadline: Duration,
    },
    /// A change to show in an application.
    Event(SessionEvent),
    /// An operation has ended. Each ticket gets exactly one of these.
    #[non_exhaustive]
    Completed {
        /// The operation.
        ticket: Ticket,
        /// Its result.
        result: Result<Outcome, Failure>,
    },
    /// There is nothing to do until the next input, or until `wake_at`.
    #[non_exhaustive]
    Idle {
        /// When to pass in [`Input::Timeout`], in the session's time.
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
                // The query may hold a key, the headers hold a token, and the body may hold a password or a message.
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

/// The connection that a request belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// The pending GET, which the server holds for minutes.
    Events,
    /// Every other request. It must never wait behind a pending GET.
    Commands,
}

/// An authentication that a transport performs on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionAuth {
    /// The user's Windows identity, by Negotiate or NTLM.
    Windows,
}

/// A question to the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Question {
    /// May `to` receive this user's credentials although the configuration does not name it?
    #[non_exhaustive]
    Trust {
        /// The host that linked there.
        from: String,
        /// The host that would receive a password or a token.
        to: String,
    },
    /// A token for a host, from the issuer that the host trusts (`AuthenticationUsingAzureAD`).
    #[non_exhaustive]
    Token {
        /// The host: the audience of the token is `https://<host>`.
        host: String,
        /// Where to sign in, if the host says so.
        authorization_uri: Option<String>,
        /// The client ID of the host, if it says so.
        client_id: Option<String>,
        /// The issuers that the host trusts, if it says so.
        trusted_issuers: Option<String>,
    },
    /// Another process has taken over the event channel. Take it back? Without a positive answer the session ends.
    TakeBack,
    /// The user has to sign in at this page (`AuthenticationInUCWA`). Answer when that has happened.
    #[non_exhaustive]
    PassiveSignIn {
        /// The page.
        uri: String,
    },
}

/// The answer to a [`Question`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// The answer to [`Question::Trust`].
    Trust(bool),
    /// The answer to [`Question::TakeBack`].
    TakeBack(bool),
    /// The answer to [`Question::Token`]: a token, or none.
    Token(Option<BearerToken>),
    /// The answer to [`Question::PassiveSignIn`]: whether the user signed in.
    PassiveSignIn(bool),
}

/// A token of another issuer. `Debug` hides it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BearerToken {
    /// The token, without the scheme `Bearer`.
    pub token: SecretString,
    /// The lifetime, from now on. The session requests the next token after nine tenths of it, but not within 30 s.
    pub expires_in: Duration,
}

impl BearerToken {
    /// A token with this lifetime, from now on.
    pub fn new(token: impl Into<String>, expires_in: Duration) -> Self {
        Self {
            token: SecretString::from(token.into()),
            expires_in,
        }
    }
}

/// The reason why an exchange has no response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransportFailure {
    /// The kind of failure.
    pub kind: TransportFailureKind,
    /// The stage that the exchange reached, named by the transport (`resolve`, `connect`, `tls`, `send`, `wait`,
    /// `body`).
    pub stage: &'static str,
    /// The host and port of the request.
    pub host: String,
    /// Whether the server may have received the request. A POST is repeated only after [`Sent::No`].
    pub sent: Sent,
    /// The failure in a sentence.
    pub message: String,
}

impl TransportFailure {
    /// A failure at this stage of an exchange with this host.
    pub fn new(
        kind: TransportFailureKind,
        stage: &'static str,
        host: impl Into<String>,
        sent: Sent,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            stage,
            host: host.into(),
            sent,
            message: message.into(),
        }
    }
}

impl fmt::Display for TransportFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.message, self.stage, self.host)
    }
}

/// The kinds of [`TransportFailure`] that the session distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportFailureKind {
    /// The name did not resolve, or no connection was established.
    Unreachable,
    /// The TLS handshake failed, or the certificate is not trusted.
    Tls,
    /// The deadline passed.
    Timeout,
    /// The connection broke.
    Broken,
    /// The transport refused: the body exceeds its limit, or it does not support the request.
    Refused,
}

/// Whether the server may have received a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sent {
    /// The server has not received it.
    No,
    /// The server may have received it.
    Maybe,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_shown_without_query_headers_and_body() {
        let request = http::Request::get("https://lync.contoso.com/a/b?key=secret")
            .header("authorization", "Bearer secret")
            .body(Bytes::from_static(b"secret"));
        let send = Output::Send {
            id: RequestId(5),
            request: request.unwrap(),
            lane: Lane::Commands,
            deadline: Duration::from_secs(7),
            authentication: None,
        };
        let completed = Output::Completed {
            ticket: Ticket(3),
            result: Ok(Outcome::Done),
        };
        let shown = [
            (send, "Send(5, GET /a/b, Commands, until 7s)"),
            (Output::Abort(RequestId(5)), "Abort(5)"),
            (completed, "Completed(3, Ok(Done))"),
            (Output::Idle { wake_at: None }, "Idle(None)"),
        ];
        for (output, expected) in shown {
            assert_eq!(format!("{output:?}"), expected);
        }
    }
}
