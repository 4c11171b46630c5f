//! Signing in and out.

use std::{fmt, future::Future, sync::Arc};

use conv_model::{CommandFuture, ConnectionState, ErrorDetails, Property, Reason, SignInState};
use secrecy::SecretString;
use ucwa_session::{Failure, FailureKind, Operation, Root};

use crate::{
    application::Handle, home::Home, mailbox::Command, reason::details, resumption::Resumption,
};

/// The credentials of a user.
#[derive(Debug)]
pub struct Credentials(ucwa_session::Credentials);

impl Credentials {
    /// Uses the password grant of the web ticket service (`AuthenticationInUCWA`) for the user with this SIP address, with or
    /// without `sip:`. By default the discovery starts in the domain of the address.
    pub fn password(address: impl Into<String>, password: impl Into<String>) -> Self {
        Self(ucwa_session::Credentials::Password {
            sip_uri: address.into(),
            user_name: None,
            password: SecretString::from(password.into()),
        })
    }

    /// Uses the Windows grant for the user with this SIP address. The transport authenticates the user, with credentials from
    /// its own configuration. The sign-in fails if the transport does not support that.
    pub fn windows(address: impl Into<String>) -> Self {
        Self(ucwa_session::Credentials::Windows {
            sip_uri: address.into(),
        })
    }

    /// Uses the passive grant (AD FS) for the user with this SIP address. The user signs in on a page that
    /// [`on_passive_sign_in`](crate::ApplicationBuilder::on_passive_sign_in) shows.
    pub fn passive(address: impl Into<String>) -> Self {
        Self(ucwa_session::Credentials::Passive {
            sip_uri: address.into(),
        })
    }

    /// Uses tokens of another issuer for the user with this SIP address. [`on_token`](crate::ApplicationBuilder::on_token)
    /// supplies them.
    pub fn bearer(address: impl Into<String>) -> Self {
        Self(ucwa_session::Credentials::Bearer {
            sip_uri: address.into(),
        })
    }

    /// Signs in as a guest of the meeting with this conference URI. `display_name` is shown to the others and has at most 250
    /// UTF-16 code units; `key` is the conference key, if the meeting has one. The guest joins with
    /// [`get_conversation_by_uri`](conv_model::ConversationsManager::get_conversation_by_uri) and can join no other meeting.
    pub fn meeting_guest(
        conference_uri: impl Into<String>,
        display_name: impl Into<String>,
        key: Option<String>,
    ) -> Self {
        Self(ucwa_session::Credentials::AnonymousMeeting {
            conference_uri: conference_uri.into(),
            display_name: display_name.into(),
            key: key.map(SecretString::from),
        })
    }

    /// Uses no credentials, only the token of the [checkpoint](crate::ApplicationBuilder::resume), for the user with this SIP
    /// address. A token lives for some hours. When the server demands another one, the sign-in fails with
    /// [`SignInErrorKind::NoCredentials`], or the application is signed out; nothing is deleted, and the checkpoint can be
    /// resumed with other credentials.
    pub fn none(address: impl Into<String>) -> Self {
        Self(ucwa_session::Credentials::None {
            sip_uri: address.into(),
        })
    }

    /// Sets the name to authenticate with, `user@domain` or `DOMAIN\user`, if it differs from the SIP address. Only
    /// [`password`](Self::password) uses it.
    #[must_use]
    pub fn with_user_name(mut self, name: impl Into<String>) -> Self {
        if let ucwa_session::Credentials::Password { user_name, .. } = &mut self.0 {
            *user_name = Some(name.into());
        }
        self
    }
}

/// Signs an application in and out. An application can sign in once.
#[derive(Clone, Debug)]
pub struct SignInManager {
    pub(crate) handle: Arc<Handle>,
    pub(crate) model: conv_model::Application,
    pub(crate) home: Home,
    pub(crate) resumption: Resumption,
}

impl SignInManager {
    /// Returns the sign-in state. If the application was signed out without [`sign_out`](Self::sign_out), the state has a reason.
    #[must_use]
    pub fn state(&self) -> Property<SignInState> {
        self.model.sign_in_state()
    }

    /// Returns the state of the connection to the server: Connected, or Reconnecting since a time. The property's reason is
    /// the failure that interrupted the connection.
    ///
    /// The connection is Reconnecting if requests for events have failed for 30 s, if the server's event pages are unreadable,
    /// or if the server lost the application; in the last case the conversations have ended. It is Connected again when an
    /// event page arrives: after an outage this can take up to the
    /// [timeout](crate::ChannelOptions::timeout) of the channel, three minutes by default. If 15 minutes pass, the user is
    /// signed out, and the connection is Disconnected with the reason.
    #[must_use]
    pub fn connection(&self) -> Property<ConnectionState> {
        self.model.connection()
    }

    /// Returns the user's home server, as a [`root`](crate::ApplicationBuilder::root) with which the user's next application
    /// skips the discovery (`ReusingUcwaFqdn`). `None` until the sign-in has found it. It changes if the user is moved.
    ///
    /// The root may be stored without limit: if the user is no longer homed there, the sign-in falls back to discovery.
    #[must_use]
    pub fn home(&self) -> Option<Root> {
        self.home.root()
    }

    /// Returns the reason why the server could not continue the application of the
    /// [checkpoint](crate::ApplicationBuilder::resume), so that the sign-in created another one. `None` if it was continued, or if
    /// there is no checkpoint.
    #[must_use]
    pub fn not_resumed(&self) -> Option<Reason> {
        self.resumption.failure()
    }

    /// Sets where the discovery of the server starts, as [`root`](crate::ApplicationBuilder::root) does, for a program that learns
    /// the address after it has built the application. It has no effect after [`sign_in`](Self::sign_in).
    pub fn set_root(&self, root: Root) {
        self.handle.mailbox.send(Command::SetRoot(root));
    }

    /// Discovers the server, authenticates, creates the application there and opens its event channel. The future resolves
    /// when messages can be sent.
    ///
    /// The sign-in starts with the call. Dropping the future does not cancel it; [`sign_out`](Self::sign_out) does.
    ///
    /// # Errors
    ///
    /// A [`SignInError`]. An application signs in once: a second call fails with [`SignInErrorKind::Spent`], also after a
    /// failure or a sign-out. Build a new application then.
    pub fn sign_in(
        &self,
        credentials: Credentials,
    ) -> impl Future<Output = Result<(), SignInError>> + Send + use<> {
        let end = self.perform(Operation::SignIn(credentials.0));
        async move {
            end.await
                .map_err(|reason| match reason.protocol_error::<Failure>() {
                    Some(failure) => SignInError::of(failure.clone()),
                    None => SignInError {
                        kind: SignInErrorKind::Cancelled,
                        failure: None,
                        details: ErrorDetails::default(),
                    },
                })
        }
    }

    /// Ends every conversation, cancels a sign-in that is in progress, and deletes the application at the server. Await the
    /// future to leave nothing behind on the server: if the creation of the application is in flight, the sign-out waits for
    /// its response, 30 s at most, and then deletes the application.
    ///
    /// # Errors
    ///
    /// The reason why the deletion failed. The application is signed out even then.
    pub fn sign_out(&self) -> impl Future<Output = Result<(), Reason>> + Send + use<> {
        self.perform(Operation::SignOut)
    }

    fn perform(&self, operation: Operation) -> CommandFuture<()> {
        let mailbox = self.handle.mailbox.clone();
        self.model
            .command(move |command| mailbox.send(Command::Perform(command, operation)))
    }
}

/// The reason why a sign-in failed: a kind to match on, and the details that help to find the cause on the server. The reason of
/// [`SignInManager::state`] has the same [details](Reason::details).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInError {
    kind: SignInErrorKind,
    failure: Option<Failure>,
    details: ErrorDetails,
}

/// The kind of a [`SignInError`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignInErrorKind {
    /// The address or the root is invalid. Nothing was sent.
    InvalidArgument,
    /// The application has signed in, or tried to, before. Build a new one.
    Spent,
    /// The server refused the user name or the password.
    InvalidCredentials,
    /// The server demands a token, and there are [no credentials](Credentials::none) to get one: the token of the checkpoint has
    /// expired, or was refused. Resume the checkpoint with other credentials.
    NoCredentials,
    /// The server offers no grant that these credentials can use.
    #[non_exhaustive]
    GrantNotOffered {
        /// The grants that the server offers.
        offered: Vec<String>,
    },
    /// A host that is not trusted would have received the credentials.
    Untrusted,
    /// The credentials would have been sent over plain HTTP. Only a server on loopback may receive them.
    PlainHttp,
    /// The user is homed at the retired online service.
    HomedOnline,
    /// No server could be reached.
    #[non_exhaustive]
    Unreachable {
        /// Each address that was tried, with its result.
        tried: Vec<String>,
    },
    /// The response did not come from a UCWA server.
    UnexpectedAnswer,
    /// The server refused the sign-in. Status, code and subcode give the reason.
    Refused,
    /// The connection to the server failed, or a response timed out.
    Interrupted,
    /// The application was signed out or shut down during the sign-in.
    Cancelled,
}

impl SignInError {
    /// Returns the kind, to match on.
    #[must_use]
    pub fn kind(&self) -> &SignInErrorKind {
        &self.kind
    }

    /// Returns stage, host, status, code, subcode, diagnostics, correlation ID, attempts and the addresses that were tried, as
    /// far as they are known. The stage is the [name](ucwa_session::Stage::as_str) of a [`Stage`](ucwa_session::Stage).
    #[must_use]
    pub fn details(&self) -> &ErrorDetails {
        &self.details
    }
}

impl SignInError {
    fn of(failure: Failure) -> Self {
        let kind = match failure.kind() {
            FailureKind::InvalidArgument => SignInErrorKind::InvalidArgument,
            FailureKind::WrongState => SignInErrorKind::Spent,
            FailureKind::InvalidCredentials => SignInErrorKind::InvalidCredentials,
            FailureKind::NoCredentials => SignInErrorKind::NoCredentials,
            FailureKind::GrantNotOffered { offered, .. } => SignInErrorKind::GrantNotOffered {
                offered: offered.clone(),
            },
            FailureKind::Untrusted => SignInErrorKind::Untrusted,
            FailureKind::PlainHttp => SignInErrorKind::PlainHttp,
            FailureKind::HomedOnline => SignInErrorKind::HomedOnline,
            FailureKind::Unreachable { tried, .. } => SignInErrorKind::Unreachable {
                tried: tried.clone(),
            },
            FailureKind::UnexpectedAnswer => SignInErrorKind::UnexpectedAnswer,
            FailureKind::Transport | FailureKind::Timeout | FailureKind::ConnectionLost => {
                SignInErrorKind::Interrupted
            }
            FailureKind::Ended
            | FailureKind::NotSignedIn
            | FailureKind::Shutdown
            | FailureKind::Detached => SignInErrorKind::Cancelled,
            _ => SignInErrorKind::Refused,
        };
        Self {
            kind,
            details: details(&failure),
            failure: Some(failure),
        }
    }
}

impl fmt::Display for SignInError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot sign in: ")?;
        match (&self.kind, &self.failure) {
            (SignInErrorKind::Spent, _) => {
                f.write_str("this application has signed in before; build a new one")
            }
            (_, Some(failure)) => failure.fmt(f),
            (_, None) => f.write_str("the application was shut down"),
        }
    }
}

impl std::error::Error for SignInError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_never_show_the_password() {
        let credentials =
            Credentials::password("tosh@contoso.com", "hunter2").with_user_name("CONTOSO\\tosh");
        let shown = format!("{credentials:?}");
        assert!(
            shown.contains("tosh@contoso.com") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
