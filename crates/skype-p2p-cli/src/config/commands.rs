//! `login`, `logout`, `profiles` and `config check`.

use std::{env, time::Duration};

use clap::Subcommand;
use skype_p2p::Root;
use tokio::time::Instant;

use super::{
    file::{self, ConfigFile, Profile},
    key::Key,
    secret_store::{Login, SecretPlace},
    settings::{ProfileName, Settings},
    system_keyring,
};
use crate::{
    End,
    console::Console,
    failure::Failure,
    interrupt::Interrupt,
    output::Output,
    sign_in::{self, Client, SignIn},
    timeline::printable,
};

/// The time limit of the sign-in that `login` tries.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(60);

/// The commands about the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Write each setting with its source, without secrets
    Check(Box<SignIn>),
}

/// `login`: signs in and out, and stores the password and the home server.
pub(crate) async fn login(
    args: &SignIn,
    settings: Settings,
    console: Console,
) -> Result<End, Failure> {
    let client = Client::with_fresh_password(args, &settings)?;
    let application = client.application.clone();
    let (user, password) = (client.user.clone(), client.password.clone());
    let mut interrupt = Interrupt::catch().map_err(|error| Failure::other(error.to_string()))?;
    let sign_in = client.sign_in(Some(Instant::now() + LOGIN_TIMEOUT));
    let signed_in = tokio::select! {
        signed_in = console.progress("signing in …", sign_in) => signed_in,
        () = interrupt.received() => Err(Failure::other("The login was interrupted.")),
    };
    let home = match application.sign_in_manager().home() {
        Some(Root::User(home)) => Some(home),
        _ => None,
    };
    sign_in::sign_out(&application, console).await;
    signed_in?;
    let mut login = Login::new(user.clone(), password, home);
    if !settings.in_file {
        let given: Profile = settings
            .values
            .iter()
            .filter(|(key, _)| **key != Key::Log)
            .map(|(key, setting)| (*key, setting.values.clone()))
            .collect();
        file::add_profile(&settings.path, &settings.profile, &given)?;
    }
    if let Some(why) = login.store(&settings.profile)? {
        console.detail(format_args!(
            "The keyring of the system is not used: {why}."
        ));
    }
    let mut lines = vec![format!("Logged in {user}, profile {}.", settings.profile)];
    lines.extend(login.place().map(|place| {
        match place {
            SecretPlace::Keyring => "The password is in the keyring of the system.",
            SecretPlace::File => "The password is in a file that only you can read.",
        }
        .to_owned()
    }));
    write(&lines)
}

/// `logout`: removes the stored login of a profile.
pub(crate) fn logout(args: &ProfileName) -> Result<End, Failure> {
    let profile = match args.given() {
        Some(profile) => profile,
        None => ConfigFile::read()?
            .default_profile
            .unwrap_or_else(|| "default".to_owned()),
    };
    let line = if Login::remove(&profile)? {
        format!("Removed the login of profile {profile}.")
    } else {
        format!("Profile {profile} has no login.")
    };
    write(&[line])
}

/// `profiles`: lists the profiles of the file.
pub(crate) fn profiles() -> Result<End, Failure> {
    let file = ConfigFile::read()?;
    let default = file.default_profile.as_deref().unwrap_or("default");
    let mut lines = Vec::new();
    for (name, profile) in &file.profiles {
        let value = |key| profile.get(&key).and_then(|it| it.first());
        let mark = if name == default { '*' } else { ' ' };
        let user = value(Key::User).map_or("no user", String::as_str);
        let root = value(Key::Root).map_or("found by the domain", String::as_str);
        let login = match Login::read(name) {
            Ok(Some(_)) => "logged in",
            _ => "no login",
        };
        lines.push(format!("{mark} {name}  {user}  {root}  {login}"));
    }
    write(&lines)
}

/// `config check`: each setting with its source.
pub(crate) fn check(args: &SignIn, settings: &Settings) -> Result<End, Failure> {
    let mut lines = vec![
        format!("file = {}", settings.path.display()),
        format!("profile = {}", settings.profile),
    ];
    for (key, setting) in &settings.values {
        let value = match key {
            Key::Proxy | Key::Root => without_userinfo(&setting.values.join(", ")),
            _ => setting.values.join(", "),
        };
        lines.push(format!("{} = {value} ({})", key.name(), setting.source));
    }
    let password = if args.password_file.is_some() {
        "hidden (option --password-file)"
    } else if env::var_os(args.variables.password).is_some() {
        "hidden (variable SKYPE_P2P_PASSWORD)"
    } else {
        match settings.login.as_ref().and_then(Login::place) {
            Some(SecretPlace::Keyring) => "hidden (login, in the keyring of the system)",
            Some(SecretPlace::File) => "hidden (login, in a file)",
            None => "none",
        }
    };
    lines.push(format!("password = {password}"));
    lines.push(match system_keyring::check() {
        Ok(()) => "keyring = that of the system".to_owned(),
        Err(why) => format!("keyring = none: {why}; login stores the password in a file"),
    });
    let end = write(&lines)?;
    // The files and values must be usable, too.
    sign_in::check(settings)?;
    Ok(end)
}

/// The URL without its user name and password, also if it has no scheme.
fn without_userinfo(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}***@{host}"),
        None => url.to_owned(),
    }
}

fn write(lines: &[String]) -> Result<End, Failure> {
    let mut output = Output::stdout();
    for line in lines {
        output.line(printable(line));
    }
    output.check().map(|()| End::Well)
}
