//! Signing a user in and out: the application that the options describe, and its credentials.

mod options;
mod token;

use std::{env, fmt::Display, fs, time::Duration};

use clap::ValueEnum as _;
#[cfg(feature = "windows-auth")]
use skype_p2p::WindowsCredentials;
use skype_p2p::{
    Application, Credentials, HyperConfig, HyperTransport, Proxy, Representation, Root, TlsConfig,
};
use tokio::time::{Instant, timeout, timeout_at};

pub use self::options::{Format, RepresentationOption, ServerOptions, SignIn};
use crate::{
    address::{self, Addresses},
    config::{Key, Settings},
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
    /// The password, unless the credentials are tokens.
    pub(crate) password: Option<String>,
    credentials: Credentials,
}

impl Client {
    /// Builds the application and reads the password. No request is sent.
    ///
    /// # Errors
    ///
    /// If a setting cannot be used, or there is no password.
    pub(crate) fn new(args: &SignIn, settings: &Settings) -> Result<Self, Failure> {
        let (addresses, user) = user(settings)?;
        let login = settings.login_of(&user);
        let explicit =
            args.password_file.is_some() || env::var_os(args.variables.password).is_some();
        let stored = match login {
            Some(login) if !explicit && !bearer(settings)? => login.password(&settings.profile)?,
            _ => None,
        };
        let home = login.and_then(|login| login.home.clone());
        Self::build(args, settings, addresses, user, stored, home)
    }

    /// Like [`new`](Self::new), without the stored password and home.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub(crate) fn with_fresh_password(args: &SignIn, settings: &Settings) -> Result<Self, Failure> {
        let (addresses, user) = user(settings)?;
        Self::build(args, settings, addresses, user, None, None)
    }

    /// Like [`new`](Self::new), with a password that an earlier client has read, and without the stored home: the sign-in begins
    /// with the discovery.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub(crate) fn with_password(
        args: &SignIn,
        settings: &Settings,
        password: Option<String>,
    ) -> Result<Self, Failure> {
        let (addresses, user) = user(settings)?;
        Self::build(args, settings, addresses, user, password, None)
    }

    fn build(
        args: &SignIn,
        settings: &Settings,
        addresses: Addresses,
        user: String,
        stored: Option<String>,
        home: Option<String>,
    ) -> Result<Self, Failure> {
        #[cfg_attr(
            not(feature = "windows-auth"),
            expect(unused_mut, reason = "the account")
        )]
        let mut config = transport_config(settings)?;
        let bearer = bearer(settings)?;
        let password = match (bearer, stored) {
            (true, _) => None,
            (false, Some(stored)) => Some(stored),
            (false, None) => {
                let file = args.password_file.as_deref();
                let read = password::read_or_ask(file, args.variables, &user);
                let password =
                    read.map_err(|why| Failure::usage(format!("Cannot sign in {user}: {why}.")))?;
                Some(password)
            }
        };
        let credentials = match (&password, settings.one(Key::WindowsAccount)) {
            (None, _) => Credentials::bearer(&user),
            #[cfg(feature = "windows-auth")]
            (Some(password), Some(account)) => {
                let (domain, name) = account.split_once('\\').unwrap_or(("", account));
                let account = WindowsCredentials::new(name, domain, password)
                    .map_err(|error| Failure::usage(error.to_string()))?;
                config.windows = Some(account);
                Credentials::windows(&user)
            }
            #[cfg(not(feature = "windows-auth"))]
            (Some(_), Some(_)) => {
                return Err(Failure::usage(
                    "This binary was built without Windows authentication.",
                )
                .with_hint("build it with --features windows-auth"));
            }
            (Some(password), None) => Credentials::password(&user, password),
        };
        let root = match (settings.one(Key::Root), home) {
            (Some(root), _) => Root::Url(root.to_owned()),
            (None, Some(home)) => Root::User(home),
            (None, None) => Root::Domain,
        };
        let mut transport = args.faults.upon(HyperTransport::with_config(config), 0);
        if let Some(recording) = &settings.recording {
            transport = recording.record(transport, password.as_deref())?;
        }
        let token_variable = args.variables.token;
        let mut builder = Application::builder()
            .root(root)
            .transport(transport)
            .representation(representation(settings)?)
            // A sign-in does not replace the status that the user has set.
            .keep_status()
            .on_token(move |question| token::ask(token_variable, question));
        if let Some(id) = settings.one(Key::EndpointId) {
            builder = builder.endpoint_id(id);
        }
        for suffix in settings.list(Key::Trust) {
            builder = builder.trust_suffix(suffix);
        }
        let application = builder
            .build()
            .map_err(|error| Failure::other(error.to_string()))?;
        Ok(Self {
            application,
            user,
            addresses,
            password,
            credentials,
        })
    }

    /// Signs in, until the deadline if there is one.
    ///
    /// # Errors
    ///
    /// The reason why the user is not signed in.
    pub(crate) async fn sign_in(self, deadline: Option<Instant>) -> Result<(), Failure> {
        let by_token = self.password.is_none();
        let sign_in = self.application.sign_in_manager().sign_in(self.credentials);
        let result = match deadline {
            Some(deadline) => timeout_at(deadline, sign_in)
                .await
                .map_err(|_| Failure::sign_in_timeout())?,
            None => sign_in.await,
        };
        result.map_err(|error| Failure::sign_in(&error, by_token))
    }
}

/// Checks the settings that a sign-in would use.
///
/// # Errors
///
/// If a setting cannot be used.
pub(crate) fn check(settings: &Settings) -> Result<(), Failure> {
    user(settings)?;
    transport_config(settings)?;
    representation(settings)?;
    bearer(settings).map(drop)
}

/// The user's address, and how other addresses are completed.
fn user(settings: &Settings) -> Result<(Addresses, String), Failure> {
    let addresses = Addresses::of_root(settings.one(Key::Root));
    let Some(name) = settings.one(Key::User) else {
        return Err(Failure::usage("There is no user to sign in.")
            .with_hint("give --user user@domain, or a --profile with a user"));
    };
    let user = addresses.user(name).map_err(|why| {
        unusable(settings, Key::User, &format!("{name:?}"), why).with_hint("a user is user@domain")
    })?;
    Ok((addresses, user))
}

fn bearer(settings: &Settings) -> Result<bool, Failure> {
    match settings.one(Key::Auth) {
        None | Some("password") => Ok(false),
        Some("bearer") => Ok(true),
        Some(other) => Err(unusable(
            settings,
            Key::Auth,
            other,
            "expected password or bearer",
        )),
    }
}

fn representation(settings: &Settings) -> Result<Representation, Failure> {
    let Some(name) = settings.one(Key::Representation) else {
        return Ok(Representation::Json);
    };
    match Format::from_str(name, false) {
        Ok(format) => Ok(format.into()),
        Err(_) => Err(unusable(
            settings,
            Key::Representation,
            name,
            "expected json or xml",
        )),
    }
}

/// The TLS and proxy settings.
pub(crate) fn transport_config(settings: &Settings) -> Result<HyperConfig, Failure> {
    let mut config = HyperConfig::default();
    let mut tls = TlsConfig::new();
    let read =
        |key, path: &str| fs::read(path).map_err(|error| unusable(settings, key, path, error));
    if let Some(path) = settings.one(Key::CaFile) {
        let pem = read(Key::CaFile, path)?;
        tls = tls
            .with_roots(&pem)
            .map_err(|error| unusable(settings, Key::CaFile, path, error))?;
    }
    if let Some(path) = settings.one(Key::ClientCertificate) {
        let pem = read(Key::ClientCertificate, path)?;
        tls = tls
            .with_identity(&pem)
            .map_err(|error| unusable(settings, Key::ClientCertificate, path, error))?;
    }
    for pin in settings.list(Key::Pins) {
        let Some((host, value)) = pin.split_once('=') else {
            return Err(unusable(
                settings,
                Key::Pins,
                pin,
                "expected HOST=sha256//BASE64",
            ));
        };
        tls = tls
            .with_pin(host, value)
            .map_err(|error| unusable(settings, Key::Pins, pin, error))?;
    }
    config.tls = tls;
    if let Some(url) = settings.one(Key::Proxy) {
        let except = env::var("NO_PROXY").or_else(|_| env::var("no_proxy"));
        // The URL can have a password, so the error does not show it.
        config.proxy = Proxy::new(url, &except.unwrap_or_default())
            .map_err(|error| unusable(settings, Key::Proxy, "the URL", error))?;
    }
    Ok(config)
}

/// The failure of a setting, with the place that gives it.
fn unusable(settings: &Settings, key: Key, value: &str, why: impl Display) -> Failure {
    let source = settings.values.get(&key).map(|setting| &setting.source);
    let source = source.map_or_else(String::new, |source| format!(" ({source})"));
    let name = key.name();
    Failure::usage(format!("Cannot use {value} for {name}{source}: {why}."))
}

/// Signs out, within the time limit.
pub(crate) async fn sign_out(application: &Application, console: Console) {
    match timeout(SIGN_OUT_TIMEOUT, application.sign_in_manager().sign_out()).await {
        Ok(Ok(())) => {}
        Ok(Err(reason)) => {
            console.notice("The server did not confirm the sign-out.");
            console.detail(format_args!("{reason:#}"));
        }
        Err(_) => console.notice("The server did not confirm the sign-out in time."),
    }
}

/// Whether both addresses are of one domain.
pub(crate) fn same_domain(one: &str, other: &str) -> bool {
    address::domain(one).is_some_and(|domain| {
        address::domain(other).is_some_and(|other| other.eq_ignore_ascii_case(domain))
    })
}
