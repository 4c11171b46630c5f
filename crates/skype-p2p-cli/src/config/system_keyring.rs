//! The keyring of the system: the Secret Service of a Linux desktop, the Keychain of macOS, or the Credential Manager of Windows.
//!
//! A keyring that is locked asks the user for its password, and a broken session bus never answers. So each call runs in a thread
//! of its own, with a time limit.

use std::{env, path::Path, sync::mpsc, thread, time::Duration};

use keyring::{Entry, Error};

/// The name of the service, by which keyrings group their entries.
const SERVICE: &str = "skype-p2p";

/// The time in which a person can unlock the keyring.
const PERSON: Duration = Duration::from_secs(60);

/// The time limit on a machine on which no window can ask for the password of the keyring.
const WITHOUT_DISPLAY: Duration = Duration::from_secs(3);

/// Whether the system has a keyring.
///
/// # Errors
///
/// The reason why it has none.
pub(crate) fn check() -> Result<(), String> {
    within_limit(|| match Entry::store_status() {
        Ok(()) => Ok(()),
        Err(error) => Err(error.to_string()),
    })
}

/// Stores a password.
///
/// # Errors
///
/// If there is no keyring, or it does not store the password.
pub(crate) fn store(profile: &str, user: &str, password: &str) -> Result<(), String> {
    let password = password.to_owned();
    with_entry(profile, user, move |entry| entry.set_password(&password))
}

/// Reads a password, if the keyring has it.
///
/// # Errors
///
/// If there is no keyring, or it stays locked.
pub(crate) fn read(profile: &str, user: &str) -> Result<Option<String>, String> {
    with_entry(profile, user, |entry| match entry.get_password() {
        Ok(password) => Ok(Some(password)),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(error),
    })
}

/// Removes a password, if the keyring has it.
///
/// # Errors
///
/// As [`read`].
pub(crate) fn remove(profile: &str, user: &str) -> Result<(), String> {
    with_entry(profile, user, |entry| match entry.delete_credential() {
        Ok(()) | Err(Error::NoEntry) => Ok(()),
        Err(error) => Err(error),
    })
}

fn with_entry<T: Send + 'static>(
    profile: &str,
    user: &str,
    work: impl FnOnce(&Entry) -> keyring::Result<T> + Send + 'static,
) -> Result<T, String> {
    let name = format!("{profile}/{user}");
    within_limit(move || {
        Entry::store_status()
            .as_ref()
            .map_err(ToString::to_string)?;
        let entry = Entry::new(SERVICE, &name);
        entry
            .and_then(|entry| work(&entry))
            .map_err(|error| error.to_string())
    })
}

/// Runs a call within the time limit. A thread whose call never returns ends with the process.
fn within_limit<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    if cfg!(target_os = "linux") && !has_session_bus() {
        return Err("there is no session bus".to_owned());
    }
    let (sender, result) = mpsc::channel();
    thread::spawn(move || {
        // The receiver may have timed out.
        let _ = sender.send(work());
    });
    result
        .recv_timeout(limit())
        .unwrap_or_else(|_| Err("it did not answer in time".to_owned()))
}

/// Whether there is a session bus to connect to. The libraries of D-Bus would otherwise start one.
fn has_session_bus() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let default_socket = || {
        env::var_os("XDG_RUNTIME_DIR").is_some_and(|folder| Path::new(&folder).join("bus").exists())
    };
    is_set("DBUS_SESSION_BUS_ADDRESS") || default_socket()
}

fn limit() -> Duration {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let without_display =
        cfg!(target_os = "linux") && !is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY");
    if without_display {
        WITHOUT_DISPLAY
    } else {
        PERSON
    }
}
