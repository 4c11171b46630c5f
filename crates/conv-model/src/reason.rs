//! Why something is as it is, or why a command failed.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// What kind of reason it is: the call disconnection reasons of the Web SDK, its command and request failures, and
        /// those that a protocol adds.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ReasonCode {
            $($(#[$doc])* $name,)+
            /// A code that is not listed here.
            Other(Cow<'static, str>),
        }

        impl ReasonCode {
            /// The code's name.
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
    /// The other side said no (`CallDisconnectionReason`).
    Refused,
    /// The other side is busy or wants no disturbance (`CallDisconnectionReason`).
    Busy,
    /// Nobody answered (`CallDisconnectionReason`).
    Missed,
    /// It was ended, cancelled, or answered elsewhere (`CallDisconnectionReason`).
    Terminated,
    /// No room for one more (`CallDisconnectionReason`).
    FullSession,
    /// The other side could not be reached (`CallDisconnectionReason`).
    Dropped,
    /// Not a number that can be called (`CallDisconnectionReason`).
    InvalidNumber,
    /// A number that may not be called (`CallDisconnectionReason`).
    ForbiddenNumber,
    /// Any other failure (`CallDisconnectionReason`).
    Failed,
    /// The server kept silent for too long.
    Timeout,
    /// No verdict on a message could be had: it may or may not have arrived.
    DeliveryUnknown,
    /// The server refused a request, or could not be asked (`Reason`).
    RequestFailed,
    /// The event channel is lost for good (`SignInManager`).
    ConnectionLost,
    /// The command is not enabled now; the cause says why.
    CommandDisabled,
    /// The protocol behind the model cannot do this.
    NotSupported,
    /// What was meant does not exist any more.
    Gone,
    /// Only possible when signed in.
    SignedOut,
    /// An argument is not acceptable.
    InvalidArgument,
    /// The state of the object does not allow it.
    InvalidState,
    /// Signing in failed.
    SignInFailed,
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the protocol said, as plain data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RawReason {
    /// The protocol's error code.
    pub code: Option<String>,
    /// The protocol's subcode. Its meaning depends on the code and on the operation.
    pub subcode: Option<String>,
    /// The protocol's words for people.
    pub message: Option<String>,
    /// The status of the response.
    pub status: Option<u16>,
    /// How often the request was sent.
    pub attempts: Option<u32>,
    /// In which step it happened.
    pub stage: Option<String>,
    /// Which host was concerned.
    pub host: Option<String>,
    /// The client's id of the operation.
    pub operation: Option<String>,
    /// The id of the request in the server's logs.
    pub correlation: Option<String>,
    /// Whom a message did not reach.
    pub failed_participants: Vec<String>,
}

/// Why: a code, what the protocol said, and the reason behind it. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Reason(Arc<Inner>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Inner {
    code: ReasonCode,
    message: Option<Cow<'static, str>>,
    raw: Option<Box<RawReason>>,
    cause: Option<Reason>,
}

impl Reason {
    /// A reason of this kind and nothing more.
    #[must_use]
    pub fn new(code: ReasonCode) -> Self {
        Self(Arc::new(Inner {
            code,
            message: None,
            raw: None,
            cause: None,
        }))
    }

    /// With a sentence for people.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        Arc::make_mut(&mut self.0).message = Some(message.into());
        self
    }

    /// With what the protocol said.
    #[must_use]
    pub fn with_raw(mut self, raw: RawReason) -> Self {
        Arc::make_mut(&mut self.0).raw = Some(Box::new(raw));
        self
    }

    /// With the reason behind it.
    #[must_use]
    pub fn with_cause(mut self, cause: Self) -> Self {
        Arc::make_mut(&mut self.0).cause = Some(cause);
        self
    }

    /// What kind of reason.
    #[must_use]
    pub fn code(&self) -> &ReasonCode {
        &self.0.code
    }

    /// The sentence for people, when there is one.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// What the protocol said, here or in the nearest cause that has it.
    #[must_use]
    pub fn raw(&self) -> Option<&RawReason> {
        self.0
            .raw
            .as_deref()
            .or_else(|| self.cause().and_then(Self::raw))
    }

    /// The reason behind this one.
    #[must_use]
    pub fn cause(&self) -> Option<&Self> {
        self.0.cause.as_ref()
    }
}

impl From<ReasonCode> for Reason {
    fn from(code: ReasonCode) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Reason {
    /// The code, the sentence, the protocol's words and the causes, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            code,
            message,
            raw,
            cause,
        } = &*self.0;
        write!(f, "{code}")?;
        if let Some(message) = message {
            write!(f, ": {message}")?;
        }
        if let Some(raw) = raw {
            write!(f, "{raw}")?;
        }
        if let Some(cause) = cause {
            write!(f, " ({cause})")?;
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
        write!(f, "Reason({self})")
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
    fn codes_survive_their_names() {
        for code in [
            ReasonCode::Refused,
            ReasonCode::DeliveryUnknown,
            ReasonCode::Other("Teapot".into()),
        ] {
            assert_eq!(ReasonCode::from(code.as_str()), code);
        }
    }

    #[test]
    fn a_reason_says_all_it_knows() {
        let raw = RawReason {
            status: Some(404),
            attempts: Some(3),
            subcode: Some("DestinationNotFound".into()),
            ..RawReason::default()
        };
        let reason = Reason::new(ReasonCode::Failed)
            .with_message("nobody there")
            .with_cause(Reason::new(ReasonCode::RequestFailed).with_raw(raw));
        assert_eq!(
            reason.to_string(),
            "Failed: nobody there (RequestFailed [status 404, attempts 3, subcode DestinationNotFound])"
        );
        assert_eq!(reason.raw().and_then(|raw| raw.status), Some(404));
        assert_eq!(
            reason.source().map(ToString::to_string),
            reason.cause().map(ToString::to_string)
        );
    }
}
