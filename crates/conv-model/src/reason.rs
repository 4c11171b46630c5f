//! The reason for a state or for the failure of a command.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// The kind of a reason: the call disconnection reasons of the Web SDK, its command and request failures, and the codes
        /// that a protocol adds.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ReasonCode {
            $($(#[$doc])* $name,)+
            /// Another code.
            Other(Cow<'static, str>),
        }

        impl ReasonCode {
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
    Refused,
    /// The other side is busy or does not want to be disturbed (`CallDisconnectionReason`).
    Busy,
    /// The other side did not answer (`CallDisconnectionReason`).
    Missed,
    /// The invitation or the conversation was ended, cancelled, or answered at another endpoint (`CallDisconnectionReason`).
    Terminated,
    /// The conversation has the largest number of participants (`CallDisconnectionReason`).
    FullSession,
    /// The other side could not be reached (`CallDisconnectionReason`).
    Dropped,
    /// The number cannot be called (`CallDisconnectionReason`).
    InvalidNumber,
    /// The number must not be called (`CallDisconnectionReason`).
    ForbiddenNumber,
    /// Any other failure (`CallDisconnectionReason`).
    Failed,
    /// The server did not respond in time.
    Timeout,
    /// It is not known whether a message was delivered.
    DeliveryUnknown,
    /// The server refused a request, or the request could not be sent (`Reason`).
    RequestFailed,
    /// The event channel is lost (`SignInManager`).
    ConnectionLost,
    /// The command is not enabled. The cause says why.
    CommandDisabled,
    /// The protocol does not support the command.
    NotSupported,
    /// The object of the command does not exist any more.
    Gone,
    /// The user is not signed in.
    SignedOut,
    /// An argument is not valid.
    InvalidArgument,
    /// The state of the object does not allow the command.
    InvalidState,
    /// Signing in failed.
    SignInFailed,
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The protocol's data about a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RawReason {
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
    /// The host.
    pub host: Option<String>,
    /// The client's ID of the operation.
    pub operation: Option<String>,
    /// The correlation ID of the request in the server's logs.
    pub correlation: Option<String>,
    /// The server's own diagnosis (`X-Ms-diagnostics`), unparsed.
    pub diagnostics: Option<String>,
    /// The addresses to which a message was not delivered.
    pub failed_participants: Vec<String>,
}

/// A reason: a code, the protocol's data, and the reason that caused it. Cheap to clone.
///
/// `{}` shows the reason without its causes, which [`source`](Error::source) returns; `{:#}` shows the causes too. Two
/// reasons are equal if everything but their [details](Self::detail) is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Reason(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    code: ReasonCode,
    message: Option<Cow<'static, str>>,
    raw: Option<Box<RawReason>>,
    cause: Option<Reason>,
    detail: Option<Arc<dyn Any + Send + Sync>>,
}

impl Inner {
    /// Everything but the detail, which cannot be compared.
    fn comparable(&self) -> impl Eq + Hash + '_ {
        (&self.code, &self.message, &self.raw, &self.cause)
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
            raw: None,
            cause: None,
            detail: None,
        }))
    }

    /// Adds a sentence for people.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        Arc::make_mut(&mut self.0).message = Some(message.into());
        self
    }

    /// Adds the protocol's data.
    #[must_use]
    pub fn with_raw(mut self, raw: RawReason) -> Self {
        Arc::make_mut(&mut self.0).raw = Some(Box::new(raw));
        self
    }

    /// Adds the reason that caused this one.
    #[must_use]
    pub fn with_cause(mut self, cause: Self) -> Self {
        Arc::make_mut(&mut self.0).cause = Some(cause);
        self
    }

    /// Adds the protocol's own value for the failure, which [`detail`](Self::detail) returns.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Any + Send + Sync) -> Self {
        Arc::make_mut(&mut self.0).detail = Some(Arc::new(detail));
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &ReasonCode {
        &self.0.code
    }

    /// The sentence for people, if there is one.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The protocol's data, of this reason or of the nearest cause that has data.
    #[must_use]
    pub fn raw(&self) -> Option<&RawReason> {
        self.0
            .raw
            .as_deref()
            .or_else(|| self.cause().and_then(Self::raw))
    }

    /// The reason that caused this one.
    #[must_use]
    pub fn cause(&self) -> Option<&Self> {
        self.0.cause.as_ref()
    }

    /// The protocol's own value for the failure, if it has this type.
    #[must_use]
    pub fn detail<T: Any>(&self) -> Option<&T> {
        self.0.detail.as_deref()?.downcast_ref()
    }
}

impl From<ReasonCode> for Reason {
    fn from(code: ReasonCode) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Reason {
    /// The code, the sentence and the protocol's data, on one line; with `{:#}` the causes too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            code,
            message,
            raw,
            cause,
            ..
        } = &*self.0;
        write!(f, "{code}")?;
        if let Some(message) = message {
            write!(f, ": {message}")?;
        }
        if let Some(raw) = raw {
            write!(f, "{raw}")?;
        }
        if let Some(cause) = cause.as_ref().filter(|_| f.alternate()) {
            write!(f, " ({cause:#})")?;
        }
        Ok(())
    }
}

impl fmt::Display for RawReason {
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
            ("correlation", &self.correlation),
        ];
        let mut open = false;
        for (name, value) in parts {
            if let Some(value) = value {
                write!(f, "{}{name} {value}", if open { ", " } else { " [" })?;
                open = true;
            }
        }
        if open { f.write_str("]") } else { Ok(()) }
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
        let raw = RawReason {
            status: Some(404),
            attempts: Some(3),
            subcode: Some("DestinationNotFound".into()),
            ..RawReason::default()
        };
        let reason = Reason::new(ReasonCode::Failed)
            .with_message("nobody there")
            .with_cause(Reason::new(ReasonCode::RequestFailed).with_raw(raw));
        assert_eq!(reason.to_string(), "Failed: nobody there");
        let cause = "RequestFailed [status 404, attempts 3, subcode DestinationNotFound]";
        assert_eq!(
            reason.source().map(ToString::to_string).as_deref(),
            Some(cause)
        );
        assert_eq!(
            format!("{reason:#}"),
            format!("Failed: nobody there ({cause})")
        );
        assert_eq!(format!("{reason:?}"), format!("Reason({reason:#})"));
        assert_eq!(reason.raw().and_then(|raw| raw.status), Some(404));
    }

    #[test]
    fn reasons_that_differ_in_one_part_are_unequal() {
        let raw = RawReason {
            status: Some(404),
            ..RawReason::default()
        };
        let plain = Reason::new(ReasonCode::Failed);
        let other = [
            Reason::new(ReasonCode::Refused),
            plain.clone().with_message("nobody there"),
            plain.clone().with_raw(raw),
            plain.clone().with_cause(plain.clone()),
        ];
        for (index, one) in other.iter().enumerate() {
            assert_ne!(*one, plain);
            assert_eq!(other.iter().position(|other| other == one), Some(index));
        }
    }

    #[test]
    fn a_detail_is_returned_by_its_type_and_is_no_part_of_the_equality() {
        let plain = Reason::new(ReasonCode::Failed);
        let detailed = plain.clone().with_detail(404_u16);
        assert_eq!(detailed.detail(), Some(&404_u16));
        assert_eq!(detailed.detail::<String>(), None);
        assert_eq!(detailed, plain);
    }
}
