//! Errors for people: a sentence, a hint, and the causes for `-v`.

use std::{fmt::Display, io};

use skype_p2p::{Reason, ReasonCode, SignInError, SignInErrorKind};

use crate::End;

/// Why a command failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    end: End,
    message: String,
    hint: Option<&'static str>,
    causes: Vec<String>,
    /// Whether the server refused the password. Another attempt with it can lock the account.
    password_refused: bool,
}

impl Failure {
    fn new(end: End, message: impl Into<String>) -> Self {
        Self {
            end,
            message: message.into(),
            hint: None,
            causes: Vec::new(),
            password_refused: false,
        }
    }

    /// The command line, or a file that it names, cannot be used.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(End::Usage, message)
    }

    /// Something that is neither the fault of the command line nor of the sign-in.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::new(End::NotDone, message)
    }

    /// Standard output, or another file with the results, cannot be written.
    pub(crate) fn cannot_write(name: &str, error: &io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => "free space on the disk, or write to another file",
            _ => "check the path and the permissions, or write to another file",
        };
        Self::new(End::Output, format!("Cannot write to {name}: {error}.")).with_hint(hint)
    }

    /// It is not known whether a message was delivered.
    pub(crate) fn undetermined(message: impl Into<String>) -> Self {
        Self::new(End::Unknown, message)
    }

    /// The sign-in did not end in time.
    pub(crate) fn sign_in_timeout() -> Self {
        Self::new(
            End::SignIn,
            "Cannot sign in: the server did not answer in time.",
        )
        .with_hint("check --root, the network and the proxy, or give more time with --timeout")
    }

    /// The requests of a command did not end in time.
    pub(crate) fn no_answer_in_time() -> Self {
        Self::new(End::Unknown, "The server did not answer in time.")
            .with_hint("give more time with --timeout; if the command changes something, the server may have made the change")
    }

    /// The sign-in failed, by tokens or by a password.
    pub(crate) fn sign_in(error: &SignInError, by_token: bool) -> Self {
        let details = error.details();
        let host = details.host.as_deref().unwrap_or("the server");
        let certificate = |text: &String| text.contains("certificate");
        let bad_certificate =
            certificate(&error.to_string()) || details.tried.iter().any(certificate);
        let (end, why, hint) = match error.kind() {
            SignInErrorKind::Unreachable { .. } | SignInErrorKind::Interrupted
                if bad_certificate =>
            {
                (
                    End::SignIn,
                    format!("the certificate of {host} is not trusted"),
                    "add the root certificate to the system, or name its file with --ca-file",
                )
            }
            SignInErrorKind::InvalidArgument => (
                End::Usage,
                details
                    .message
                    .clone()
                    .unwrap_or_else(|| "the address or the root is not valid".to_owned()),
                "--user is user@domain, and --root is a URL with http or https",
            ),
            SignInErrorKind::InvalidCredentials | SignInErrorKind::NoCredentials if by_token => (
                End::SignIn,
                format!("there was no token for {host}, or the token was refused"),
                "put a valid token into SKYPE_P2P_TOKEN (for the receiver of a probe SKYPE_P2P_TO_TOKEN), or on standard input",
            ),
            SignInErrorKind::InvalidCredentials | SignInErrorKind::NoCredentials => (
                End::SignIn,
                "the server refused the user name or the password".to_owned(),
                "check --user and the password; an account can also be locked or disabled for chat",
            ),
            SignInErrorKind::GrantNotOffered { offered, .. } => (
                End::SignIn,
                format!(
                    "{host} does not accept this kind of credentials, only {}",
                    offered.join(", ")
                ),
                "use another kind of sign-in, such as --bearer",
            ),
            SignInErrorKind::Untrusted => (
                End::SignIn,
                format!("{host} is not trusted with the password"),
                "if the host belongs to your organization, allow its domain with --trust",
            ),
            SignInErrorKind::PlainHttp => (
                End::SignIn,
                format!("{host} would receive the password over plain HTTP, unencrypted"),
                "use https; plain http is allowed for servers on this machine only",
            ),
            SignInErrorKind::HomedOnline => (
                End::SignIn,
                "the user is homed at Skype for Business Online, which was retired".to_owned(),
                "only users of Skype for Business Server can sign in",
            ),
            SignInErrorKind::Unreachable { .. } => (
                End::SignIn,
                "no server could be reached".to_owned(),
                "check the domain of --user, --root, the network and the proxy",
            ),
            SignInErrorKind::UnexpectedAnswer => (
                End::SignIn,
                format!("{host} is not a UCWA server"),
                "check --root; the answer may also come from a proxy or a login page",
            ),
            SignInErrorKind::Interrupted => (
                End::SignIn,
                format!("the connection to {host} failed"),
                "try again, and check the network and the proxy",
            ),
            SignInErrorKind::Cancelled => (
                End::SignIn,
                "the sign-in was cancelled".to_owned(),
                "try again",
            ),
            _ => (
                End::SignIn,
                format!("{host} refused the sign-in"),
                "-v shows the status and the code of the server",
            ),
        };
        let mut failure = Self::new(end, format!("Cannot sign in: {why}.")).with_hint(hint);
        failure.password_refused = *error.kind() == SignInErrorKind::InvalidCredentials;
        failure.causes.push(error.to_string());
        failure.causes.extend(details.tried.iter().cloned());
        failure
    }

    /// No server of a domain was found.
    pub(crate) fn not_found(domain: &str) -> Self {
        Self::new(
            End::SignIn,
            format!("No server of {domain} was found at which users can sign in."),
        )
        .with_hint("follow the advice above: on the network of the organization that for the first path, elsewhere that for the second")
    }

    /// The server ended the session.
    pub(crate) fn session_ended(reason: Option<&Reason>) -> Self {
        let why = match reason.map(Reason::code) {
            Some(ReasonCode::ConnectionLost | ReasonCode::Unreachable) => {
                "the connection to the server was lost"
            }
            Some(ReasonCode::Gone) => "the server ended the application",
            Some(_) => "the server signed the user out",
            None => "no reason was given",
        };
        let failure = Self::new(End::NotDone, format!("The session ended: {why}."))
            .with_hint("start the command again; two processes must not share an --endpoint-id");
        match reason {
            Some(reason) => failure.with_cause(format!("{reason:#}")),
            None => failure,
        }
    }

    /// A message cannot be addressed or started.
    pub(crate) fn address(to: &str, reason: &Reason) -> Self {
        Self::usage(format!("Cannot send to {to:?}: it is not a SIP address."))
            .with_hint("an address is user@domain, with or without sip:")
            .with_cause(format!("{reason:#}"))
    }

    pub(crate) fn with_hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    pub(crate) fn with_cause(mut self, cause: impl Display) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    pub(crate) fn end(&self) -> End {
        self.end
    }

    pub(crate) fn password_refused(&self) -> bool {
        self.password_refused
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn hint(&self) -> Option<&'static str> {
        self.hint
    }

    pub(crate) fn causes(&self) -> &[String] {
        &self.causes
    }
}

/// Why a message to `to` was not delivered: the end of a sentence.
pub(crate) fn why_not_delivered(reason: &Reason, to: &str) -> String {
    let details = reason.details();
    let subcode = details.and_then(|details| details.subcode.as_deref());
    match (reason.code(), subcode) {
        (ReasonCode::Refused, _) => format!("{to} declined the chat"),
        (ReasonCode::Busy, Some("DoNotDisturb")) => format!("{to} does not want to be disturbed"),
        (ReasonCode::Busy, _) => format!("{to} is busy"),
        (ReasonCode::Missed, _) => format!("{to} did not answer"),
        (ReasonCode::Terminated, _) => format!("the chat with {to} ended before"),
        (ReasonCode::FullSession, _) => "the conversation is full".to_owned(),
        (ReasonCode::Dropped, _) => format!("{to} cannot be reached now"),
        (ReasonCode::Failed, Some("DestinationNotFound")) => {
            format!("{to} does not exist, or is not signed in")
        }
        (ReasonCode::Failed, Some("ModalityNotSupported")) => {
            format!("no device of {to} accepts chat")
        }
        (ReasonCode::Timeout, _) => "the server did not answer in time".to_owned(),
        (ReasonCode::Throttled, _) => "the server is too busy".to_owned(),
        (ReasonCode::Unreachable | ReasonCode::ConnectionLost, _) => {
            "the connection to the server was lost".to_owned()
        }
        (ReasonCode::SignedOut | ReasonCode::Gone, _) => "the session ended".to_owned(),
        (ReasonCode::DeliveryUnknown, _) => {
            format!("the server did not say whether {to} received it")
        }
        (ReasonCode::InvalidArgument, _) => reason
            .message()
            .unwrap_or("the message is not valid")
            .to_owned(),
        _ => "the server refused the message".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_becomes_a_sentence_about_the_person() {
        let to = "lenea@contoso.com";
        let why = |code| why_not_delivered(&Reason::new(code), to);
        assert_eq!(
            why(ReasonCode::Refused),
            "lenea@contoso.com declined the chat"
        );
        assert_eq!(why(ReasonCode::Missed), "lenea@contoso.com did not answer");
        // No sentence is empty, whatever the code.
        for code in ReasonCode::ALL {
            assert!(!why(code.clone()).is_empty(), "{code}");
        }
    }
}
