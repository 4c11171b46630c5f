//! The reason for a state or for the failure of a command.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident => $resend:ident,)+) => {
        /// The kind of a reason: the call disconnection reasons of the Web SDK, its command and request failures, and the
        /// codes that a protocol adds.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ReasonCode {
            $($(#[$doc])* $name,)+
            /// Another code.
            Other(Cow<'static, str>),
        }

        impl ReasonCode {
            /// Every code of this type, without [`Other`](Self::Other).
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Whether a message that failed with this code may be sent again. For a whole reason, use [`Reason::resend`].
            #[must_use]
            pub const fn resend(&self) -> Resend {
                match self {
                    $(Self::$name => Resend::$resend,)+
                    Self::Other(_) => Resend::MayDuplicate,
                }
            }

            /// The name of the code.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => stringify!($name),)+
                    Self::Other(name) => name,
                }
            }
        }

        impl From<&str> for ReasonCode {
            fn from(name: &str) -> Self {
                match name {
                    $(stringify!($name) => Self::$name,)+
                    _ => Self::Other(Cow::Owned(name.to_owned())),
                }
            }
        }
    };
}

codes! {
    /// The other side declined (`CallDisconnectionReason`).
    Refused => Futile,
    /// The other side is busy or does not want to be disturbed (`CallDisconnectionReason`).
    Busy => Later,
    /// The other side did not answer (`CallDisconnectionReason`).
    Missed => MayDuplicate,
    /// The invitation or the conversation was ended, cancelled, or answered at another endpoint (`CallDisconnectionReason`).
    Terminated => Futile,
    /// The conversation has the largest number of participants (`CallDisconnectionReason`).
    FullSession => Futile,
    /// The other side could not be reached (`CallDisconnectionReason`).
    Dropped => Later,
    /// The number cannot be called (`CallDisconnectionReason`).
    InvalidNumber => Futile,
    /// The number must not be called (`CallDisconnectionReason`).
    ForbiddenNumber => Futile,
    /// Any other failure (`CallDisconnectionReason`).
    Failed => Futile,
    /// The server did not respond in time.
    Timeout => MayDuplicate,
    /// It is not known whether a message was delivered.
    DeliveryUnknown => MayDuplicate,
    /// No server could be reached. Nothing was sent.
    Unreachable => Later,
    /// The server is busy and did not execute the request (429).
    Throttled => Later,
    /// The server refused a request, or the connection broke during the request (`Reason`).
    RequestFailed => MayDuplicate,
    /// The event channel is lost (`SignInManager`).
    ConnectionLost => Later,
    /// The command is not enabled. The cause says why.
    CommandDisabled => Futile,
    /// The protocol does not support the command.
    NotSupported => Futile,
    /// The conversation was removed from the model, or the server ended the application for good.
    Gone => Futile,
    /// The user is not signed in.
    SignedOut => Futile,
    /// An argument is not valid.
    InvalidArgument => Futile,
    /// The state of the object does not allow the command.
    InvalidState => Later,
    /// Signing in failed.
    SignInFailed => Futile,
    /// Only the first part of the command succeeded, such as the first half of a move.
    Partial => Futile,
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a message that failed may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resend {
    /// The message was not delivered, and a later attempt can succeed.
    Later,
    /// The message was not delivered, and another attempt fails in the same way.
    Futile,
    /// The message may have been delivered, or the other side may have seen it. Another attempt can show it twice.
    MayDuplicate,
}

/// The details of a failure that help to find its cause on the server. Every error of every operation has this shape.
///
/// A protocol creates the default and sets the fields that it knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ErrorDetails {
    /// The protocol's error code.
    pub code: Option<String>,
    /// The protocol's subcode. Its meaning depends on the code and the operation.
    pub subcode: Option<String>,
    /// The protocol's text for people.
    pub message: Option<String>,
    /// The status code of the response.
    pub status: Option<u16>,
    /// The number of times that the request was sent.
    pub attempts: Option<u32>,
    /// The step that failed.
    pub stage: Option<String>,
    /// The host of the request, with the port if it is not the default.
    pub host: Option<String>,
    /// The client's ID of the operation.
    pub operation_id: Option<String>,
    /// The correlation ID, by which an administrator finds the request in the server's logs.
    pub correlation_id: Option<String>,
    /// The server's own diagnosis (`X-Ms-diagnostics`), unparsed. Microsoft's support pages list its first number.
    pub diagnostics: Option<String>,
    /// Each address that was tried to find the server, with its result, in order. Empty after any other failure.
    pub tried: Vec<String>,
    /// The addresses to which a message was not delivered.
    pub failed_participants: Vec<String>,
}

/// A reason: a code, a sentence, the details, and the reason that caused it. Cheap to clone.
///
/// `{}` shows the reason without its causes, which [`source`](Error::source) returns; `{:#}` shows the causes too. Two
/// reasons are equal if everything but the [error of the protocol](Self::protocol_error) is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Reason(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    code: ReasonCode,
    message: Option<Cow<'static, str>>,
    details: Option<Box<ErrorDetails>>,
    cause: Option<Reason>,
    protocol_error: Option<Arc<dyn Any + Send + Sync>>,
}

impl Inner {
    /// Everything but the protocol's error, which cannot be compared.
    fn comparable(&self) -> impl Eq + Hash + '_ {
        (&self.code, &self.message, &self.details, &self.cause)
    }
}

impl PartialEq for Inner {
    fn eq(&self, other: &Self) -> bool {
        self.comparable() == other.comparable()
    }
}

impl Eq for Inner {}

impl Hash for Inner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.comparable().hash(state);
    }
}

impl Reason {
    /// A reason with this code.
    #[must_use]
    pub fn new(code: ReasonCode) -> Self {
        Self(Arc::new(Inner {
            code,
            message: None,
            details: None,
            cause: None,
            protocol_error: None,
        }))
    }

    /// Adds a sentence for people.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        Arc::make_mut(&mut self.0).message = Some(message.into());
        self
    }

    /// Adds the details.
    #[must_use]
    pub fn with_details(mut self, details: ErrorDetails) -> Self {
        Arc::make_mut(&mut self.0).details = Some(Box::new(details));
        self
    }

    /// Adds the reason that caused this one.
    #[must_use]
    pub fn with_cause(mut self, cause: Self) -> Self {
        Arc::make_mut(&mut self.0).cause = Some(cause);
        self
    }

    /// Adds the protocol's own error, which [`protocol_error`](Self::protocol_error) returns.
    #[must_use]
    pub fn with_protocol_error(mut self, error: impl Any + Send + Sync) -> Self {
        Arc::make_mut(&mut self.0).protocol_error = Some(Arc::new(error));
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &ReasonCode {
        &self.0.code
    }

    /// Whether a message that failed for this reason may be sent again. If the message reached some of its receivers, it
    /// would reach them twice.
    #[must_use]
    pub fn resend(&self) -> Resend {
        let reached_some = |details: &ErrorDetails| !details.failed_participants.is_empty();
        if self.details().is_some_and(reached_some) {
            return Resend::MayDuplicate;
        }
        self.code().resend()
    }

    /// The sentence for people, if there is one.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The details of this reason, or of the nearest cause that has details.
    #[must_use]
    pub fn details(&self) -> Option<&ErrorDetails> {
        self.0
            .details
            .as_deref()
            .or_else(|| self.cause().and_then(Self::details))
    }

    /// The reason that caused this one.
    #[must_use]
    pub fn cause(&self) -> Option<&Self> {
        self.0.cause.as_ref()
    }

    /// The protocol's own error, if it has this type.
    #[must_use]
    pub fn protocol_error<T: Any>(&self) -> Option<&T> {
        self.0.protocol_error.as_deref()?.downcast_ref()
    }
}

impl From<ReasonCode> for Reason {
    fn from(code: ReasonCode) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Reason {
    /// The code, the sentence and the details, on one line; with `{:#}` the causes too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            code,
            message,
            details,
            cause,
            ..
        } = &*self.0;
        write!(f, "{code}")?;
        if let Some(message) = message {
            write!(f, ": {message}")?;
        }
        if let Some(details) = details {
            let details = details.to_string();
            if !details.is_empty() {
                write!(f, " [{details}]")?;
            }
        }
        if let Some(cause) = cause.as_ref().filter(|_| f.alternate()) {
            write!(f, " ({cause:#})")?;
        }
        Ok(())
    }
}

/// The known details on one line, without the addresses that were tried.
impl fmt::Display for ErrorDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.map(|status| status.to_string());
        let attempts = self.attempts.filter(|attempts| *attempts > 1);
        let attempts = attempts.map(|attempts| attempts.to_string());
        let failed =
            (!self.failed_participants.is_empty()).then(|| self.failed_participants.join(", "));
        let parts = [
            ("stage", &self.stage),
            ("host", &self.host),
            ("status", &status),
            ("attempts", &attempts),
            ("code", &self.code),
            ("subcode", &self.subcode),
            ("not delivered to", &failed),
            ("message", &self.message),
            ("diagnostics", &self.diagnostics),
            ("correlation", &self.correlation_id),
            ("operation", &self.operation_id),
        ];
        let mut separator = "";
        for (name, value) in parts {
            if let Some(value) = value {
                write!(f, "{separator}{name} {value}")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reason({self:#})")
    }
}

impl Error for Reason {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause().map(|cause| cause as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_parsed_from_its_name() {
        for code in [
            ReasonCode::Refused,
            ReasonCode::DeliveryUnknown,
            ReasonCode::Other("Teapot".into()),
        ] {
            assert_eq!(ReasonCode::from(code.as_str()), code);
        }
    }

    #[test]
    fn a_reason_shows_its_causes_only_in_the_alternate_form() {
        let details = ErrorDetails {
            status: Some(404),
            attempts: Some(3),
            subcode: Some("DestinationNotFound".into()),
            ..ErrorDetails::default()
        };
        let reason = Reason::new(ReasonCode::Failed)
            .with_message("no such address")
            .with_cause(Reason::new(ReasonCode::RequestFailed).with_details(details));
        assert_eq!(reason.to_string(), "Failed: no such address");
        let cause = "RequestFailed [status 404, attempts 3, subcode DestinationNotFound]";
        assert_eq!(
            reason.source().map(ToString::to_string).as_deref(),
            Some(cause)
        );
        assert_eq!(
            format!("{reason:#}"),
            format!("Failed: no such address ({cause})")
        );
        assert_eq!(format!("{reason:?}"), format!("Reason({reason:#})"));
        assert_eq!(reason.details().and_then(|it| it.status), Some(404));
    }

    #[test]
    fn reasons_that_differ_in_one_part_are_unequal() {
        let details = ErrorDetails {
            status: Some(404),
            ..ErrorDetails::default()
        };
        let plain = Reason::new(ReasonCode::Failed);
        let other = [
            Reason::new(ReasonCode::Refused),
            plain.clone().with_message("no such address"),
            plain.clone().with_details(details),
            plain.clone().with_cause(plain.clone()),
        ];
        for (index, one) in other.iter().enumerate() {
            assert_ne!(*one, plain);
            assert_eq!(other.iter().position(|other| other == one), Some(index));
        }
    }

    #[test]
    fn the_error_of_a_protocol_is_returned_by_its_type_and_is_no_part_of_the_equality() {
        let plain = Reason::new(ReasonCode::Failed);
        let detailed = plain.clone().with_protocol_error(404_u16);
        assert_eq!(detailed.protocol_error(), Some(&404_u16));
        assert_eq!(detailed.protocol_error::<String>(), None);
        assert_eq!(detailed, plain);
    }
}
