//! Signing in and out.

use std::{fmt, future::Future, sync::Arc};

use conv_model::{CommandFuture, Property, Reason, SignInState};
use secrecy::SecretString;
use ucwa_session::{Failure, FailureKind, Operation, Root, Stage};

use crate::{application::Handle, home::Home, mailbox::Command};

/// How a user proves who he is.
#[derive(Debug)]
pub struct Credentials(ucwa_session::Credentials);

impl Credentials {
    /// The password grant of the web ticket service (`AuthenticationInUCWA`), for the user with this SIP address, with
    /// or without `sip:`. The domain of the address is where discovery starts.
    pub fn password(address: impl Into<String>, password: impl Into<String>) -> Self {
        Self(ucwa_session::Credentials::Password {
            sip_uri: address.into(),
            user_name: None,
            password: SecretString::from(password.into()),
        })
    }

    /// The Windows grant, for the user with this SIP address. Who he is, is the transport's to prove, and its
    /// configuration's to know; a transport that cannot fails the sign-in.
    pub fn windows(address: impl Into<String>) -> Self {
        Self(ucwa_session::Credentials::Windows {
            sip_uri: address.into(),
        })
    }

    /// The passive grant (AD FS), for the user with this SIP address: he signs in at a page that
    /// [`on_passive_sign_in`](crate::ApplicationBuilder::on_passive_sign_in) is told of.
    pub fn passive(address: impl Into<String>) -> Self {
        Self(ucwa_session::Credentials::Passive {
            sip_uri: address.into(),
        })
    }

    /// Tokens of another issuer, for the user with this SIP address, from
    /// [`on_token`](crate::ApplicationBuilder::on_token).
    pub fn bearer(address: impl Into<String>) -> Self {
        Self(ucwa_session::Credentials::Bearer {
            sip_uri: address.into(),
        })
    }

    /// A guest of the meeting with this conference URI, under the name that the others are to see, of at most 250 UTF-16
    /// code units; with the conference key if there is one. He joins it as
    /// [`get_conversation_by_uri`](conv_model::ConversationsManager::get_conversation_by_uri) has it, and can join no other.
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

    /// The name to authenticate with, `user@domain` or `DOMAIN\user`, where it is not the SIP address.
    #[must_use]
    pub fn with_user_name(mut self, name: impl Into<String>) -> Self {
        if let ucwa_session::Credentials::Password { user_name, .. } = &mut self.0 {
            *user_name = Some(name.into());
        }
        self
    }
}

/// Signs an application in, once, and out.
#[derive(Clone, Debug)]
pub struct SignInManager {
    pub(crate) handle: Arc<Handle>,
    pub(crate) model: conv_model::Application,
    pub(crate) home: Home,
}

impl SignInManager {
    /// Where the sign-in stands. Its reason says why the application is signed out when nobody asked for it.
    #[must_use]
    pub fn state(&self) -> Property<SignInState> {
        self.model.sign_in_state()
    }

    /// Where the user was found: the [`root`](crate::ApplicationBuilder::root) that saves the user's next application
    /// the discovery (`ReusingUcwaFqdn`). `None` until a sign-in has come that far; it changes if the user is moved.
    ///
    /// It may be kept as long as one likes: should the user not be there any more, he is looked for anew.
    #[must_use]
    pub fn home(&self) -> Option<Root> {
        self.home.root()
    }

    /// Finds the server, authenticates, creates the application there and opens its event channel. The future resolves
    /// when messages can be sent.
    ///
    /// It begins with the call; dropping the future does not stop it, [`sign_out`](Self::sign_out) does.
    ///
    /// # Errors
    ///
    /// A [`SignInError`]. An application signs in once: after a failure or a sign-out a new one is needed, and a second
    /// call is answered with [`SignInErrorKind::Spent`].
    pub fn sign_in(
        &self,
        credentials: Credentials,
    ) -> impl Future<Output = Result<(), SignInError>> + Send + use<> {
        let end = self.perform(Operation::SignIn(credentials.0));
        async move {
            end.await
                .map_err(|reason| match reason.detail::<Failure>() {
                    Some(failure) => SignInError::from(failure.clone()),
                    None => SignInError {
                        kind: SignInErrorKind::Cancelled,
                        failure: None,
                    },
                })
        }
    }

    /// Ends every conversation, deletes the application at the server and stops a sign-in under way. Awaiting it is the
    /// contract for leaving the server clean: an application that is being created at the moment is waited for, half a
    /// minute at most, and deleted then.
    ///
    /// # Errors
    ///
    /// The reason for which the server could not be told. The application is signed out all the same.
    pub fn sign_out(&self) -> impl Future<Output = Result<(), Reason>> + Send + use<> {
        self.perform(Operation::SignOut)
    }

    fn perform(&self, operation: Operation) -> CommandFuture<()> {
        let mailbox = self.handle.mailbox.clone();
        self.model
            .command(move |command| mailbox.send(Command::Perform(command, operation)))
    }
}

/// Why a sign-in failed: a kind to match on, and what helps to find the cause on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInError {
    kind: SignInErrorKind,
    failure: Option<Failure>,
}

/// The kinds of [`SignInError`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignInErrorKind {
    /// The address or the root cannot be used; nothing was sent.
    InvalidArgument,
    /// This application has signed in before, or tried to. A new one is needed.
    Spent,
    /// The user name or the password was refused.
    InvalidCredentials,
    /// The server takes none of the grants that these credentials can serve.
    GrantNotOffered {
        /// What it takes.
        offered: Vec<String>,
    },
    /// A host would have received the credentials, and nothing says that it may.
    Untrusted,
    /// The user is homed at the online service, which was retired.
    HomedOnline,
    /// No server could be reached.
    Unreachable {
        /// Each address that was tried, and what came of it.
        tried: Vec<String>,
    },
    /// What answered is not a UCWA server.
    UnexpectedAnswer,
    /// The server refused; status, code and subcode say why.
    Refused,
    /// The server was reached, and then the connection failed or the answer did not come in time.
    Interrupted,
    /// It was signed out or shut down meanwhile.
    Cancelled,
}

impl SignInError {
    /// What to match on.
    #[must_use]
    pub fn kind(&self) -> &SignInErrorKind {
        &self.kind
    }

    /// What was being done.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        self.failure.as_ref().map(Failure::stage)
    }

    /// The host, and the port if it is not the usual one, that was spoken to.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.failure.as_ref().and_then(Failure::host)
    }

    /// The HTTP status, where a response came.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.failure.as_ref().and_then(Failure::status)
    }

    /// UCWA's `code`, or OAuth's `error`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.failure.as_ref().and_then(Failure::code)
    }

    /// How often the request that failed was sent.
    #[must_use]
    pub fn attempts(&self) -> Option<u32> {
        self.failure.as_ref().and_then(Failure::attempts)
    }

    /// UCWA's `subcode`.
    #[must_use]
    pub fn subcode(&self) -> Option<&str> {
        self.failure.as_ref().and_then(Failure::subcode)
    }

    /// The server's `X-Ms-diagnostics`, raw: its first number is what Microsoft's support pages list.
    #[must_use]
    pub fn diagnostics(&self) -> Option<&str> {
        self.failure.as_ref().and_then(Failure::diagnostics)
    }

    /// The way to the server: each address and what came of it, in order. Empty where nothing was asked.
    #[must_use]
    pub fn tried(&self) -> &[String] {
        self.failure.as_ref().map_or(&[], Failure::tried)
    }

    /// The name of the request by which the server's administrator finds it in traces.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.failure.as_ref().and_then(Failure::correlation_id)
    }
}

impl From<Failure> for SignInError {
    fn from(failure: Failure) -> Self {
        let kind = match failure.kind() {
            FailureKind::InvalidArgument => SignInErrorKind::InvalidArgument,
            FailureKind::WrongState => SignInErrorKind::Spent,
            FailureKind::InvalidCredentials => SignInErrorKind::InvalidCredentials,
            FailureKind::GrantNotOffered { offered } => SignInErrorKind::GrantNotOffered {
                offered: offered.clone(),
            },
            FailureKind::Untrusted => SignInErrorKind::Untrusted,
            FailureKind::HomedOnline => SignInErrorKind::HomedOnline,
            FailureKind::Unreachable { tried } => SignInErrorKind::Unreachable {
                tried: tried.clone(),
            },
            FailureKind::UnexpectedAnswer => SignInErrorKind::UnexpectedAnswer,
            FailureKind::Transport | FailureKind::Timeout | FailureKind::ConnectionLost => {
                SignInErrorKind::Interrupted
            }
            FailureKind::Ended | FailureKind::NotSignedIn | FailureKind::Shutdown => {
                SignInErrorKind::Cancelled
            }
            _ => SignInErrorKind::Refused,
        };
        Self {
            kind,
            failure: Some(failure),
        }
    }
}

impl fmt::Display for SignInError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot sign in: ")?;
        match (&self.kind, &self.failure) {
            (SignInErrorKind::Spent, _) => {
                f.write_str("this application has been used; a new one is needed")
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
