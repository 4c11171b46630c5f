//! Signing a user in and out: the application that the options describe, and its credentials.

mod options;
mod token;

use std::time::Duration;

use skype_p2p::{Application, Credentials, HyperTransport, Root};
#[cfg(feature = "windows-auth")]
use skype_p2p::{HyperConfig, WindowsCredentials};
use tokio::time::{Instant, timeout, timeout_at};

pub use self::options::SignIn;
pub(crate) use self::token::VARIABLE as TOKEN_VARIABLE;
use crate::{
    address::{self, Addresses},
    console::Console,
    failure::Failure,
    password,
};

/// The time limit of the sign-out. Afterwards the process ends without the server's answer.
const SIGN_OUT_TIMEOUT: Duration = Duration::from_secs(4);

/// A user who is about to sign in.
pub(crate) struct Client {
    pub(crate) application: Application,
    /// The address of the user, without `sip:`.
    pub(crate) user: String,
    /// How the addresses of the command line are completed.
    pub(crate) addresses: Addresses,
    credentials: Credentials,
}

impl Client {
    /// Builds the application and reads the password. No request is sent.
    ///
    /// # Errors
    ///
    /// If an option cannot be used, or there is no password.
    pub(crate) fn new(args: &SignIn) -> Result<Self, Failure> {
        let addresses = Addresses::of_root(args.root.as_deref());
        let user = addresses.user(&args.user).map_err(|why| {
            Failure::usage(format!("Cannot sign in {:?}: {why}.", args.user))
                .with_hint("give --user user@domain")
        })?;
        let (transport, credentials) = credentials(args, &user).map_err(Failure::usage)?;
        let root = args.root.clone().map_or(Root::Domain, Root::Url);
        let mut builder = Application::builder()
            .root(root)
            .transport(args.faults.upon(transport, 0))
            .on_token(token::ask);
        if let Some(id) = &args.endpoint_id {
            builder = builder.endpoint_id(id);
        }
        for suffix in &args.trust {
            builder = builder.trust_suffix(suffix);
        }
        let application = builder
            .build()
            .map_err(|error| Failure::other(error.to_string()))?;
        Ok(Self {
            application,
            user,
            addresses,
            credentials,
        })
    }

    /// Signs in, until the deadline if there is one.
    ///
    /// # Errors
    ///
    /// The reason why the user is not signed in.
    pub(crate) async fn sign_in(self, deadline: Option<Instant>) -> Result<(), Failure> {
        let sign_in = self.application.sign_in_manager().sign_in(self.credentials);
        let result = match deadline {
            Some(deadline) => timeout_at(deadline, sign_in)
                .await
                .map_err(|_| Failure::sign_in_timeout())?,
            None => sign_in.await,
        };
        result.map_err(|error| Failure::sign_in(&error))
    }
}

/// The credentials, and the transport, which holds those of a Windows account.
fn credentials(args: &SignIn, user: &str) -> Result<(HyperTransport, Credentials), String> {
    if args.bearer {
        return Ok((HyperTransport::new(), Credentials::bearer(user)));
    }
    let password = password::read_or_ask(args.password_file.as_deref(), user)?;
    #[cfg(feature = "windows-auth")]
    if let Some(account) = &args.windows_account {
        let (domain, name) = account.split_once('\\').unwrap_or(("", account));
        let account = WindowsCredentials::new(name, domain, &password);
        let mut config = HyperConfig::default();
        config.windows = Some(account.map_err(|error| error.to_string())?);
        let transport = HyperTransport::with_config(config);
        return Ok((transport, Credentials::windows(user)));
    }
    Ok((HyperTransport::new(), Credentials::password(user, password)))
}

/// Signs out, within the time limit.
pub(crate) async fn sign_out(application: &Application, console: Console) {
    match timeout(SIGN_OUT_TIMEOUT, application.sign_in_manager().sign_out()).await {
        Ok(Ok(())) => {}
        Ok(Err(reason)) => {
            console.notice("signed out, but the server could not be told");
            console.detail(format_args!("{reason:#}"));
        }
        Err(_) => console.notice("signed out, but the server did not answer"),
    }
}

/// Whether both addresses are of one domain.
pub(crate) fn same_domain(one: &str, other: &str) -> bool {
    address::domain(one).is_some_and(|domain| {
        address::domain(other).is_some_and(|other| other.eq_ignore_ascii_case(domain))
    })
}
