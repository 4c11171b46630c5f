//! The secrets that `login` stores: one file for each profile, which only its owner can read. The password is in the keyring of the
//! system, or, without a keyring, in the file.

use std::{
    fmt, fs,
    io::{self, Write as _},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use super::{file::folder, system_keyring};
use crate::{failure::Failure, private_file};

/// The stored login of a profile.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    /// The user whose password this is.
    pub(crate) user: String,
    /// The password, unless the keyring has it.
    password: Option<String>,
    /// Whether the keyring of the system has the password.
    #[serde(default)]
    in_keyring: bool,
    /// The home server, with which the next sign-in skips the discovery.
    pub(crate) home: Option<String>,
}

/// Hides the password.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

/// Where the password of a login is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretPlace {
    Keyring,
    File,
}

impl Login {
    /// A login that is not stored yet.
    pub(crate) fn new(user: String, password: Option<String>, home: Option<String>) -> Self {
        Self {
            user,
            password,
            in_keyring: false,
            home,
        }
    }

    /// Where the password is. None if the login has none, because the user signs in with tokens.
    pub(crate) fn place(&self) -> Option<SecretPlace> {
        match (self.in_keyring, &self.password) {
            (true, _) => Some(SecretPlace::Keyring),
            (false, Some(_)) => Some(SecretPlace::File),
            (false, None) => None,
        }
    }

    /// The password of the login of a profile. None if the user signs in with tokens.
    ///
    /// # Errors
    ///
    /// If the keyring has the password and does not give it.
    pub(crate) fn password(&self, profile: &str) -> Result<Option<String>, Failure> {
        if !self.in_keyring {
            return Ok(self.password.clone());
        }
        let why = match system_keyring::read(profile, &self.user) {
            Ok(Some(password)) => return Ok(Some(password)),
            Ok(None) => "the keyring does not have it".to_owned(),
            Err(why) => why,
        };
        Err(Failure::usage(format!(
            "Cannot read the password of profile {profile} from the keyring: {why}."
        ))
        .with_hint("unlock the keyring, give --password-file, or run skype-p2p login again"))
    }

    /// Reads the login of a profile, if it has one.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub(crate) fn read(profile: &str) -> Result<Option<Self>, Failure> {
        let path = path(profile)?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", &path, &error)),
        };
        // The error of the parser could show the password.
        serde_json::from_str(&text).map(Some).map_err(|_| {
            Failure::usage(format!("The stored login {} is damaged.", path.display()))
                .with_hint("run skype-p2p login again")
        })
    }

    /// Stores the login of a profile, with the password in the keyring if the system has one. Returns the reason why the keyring
    /// is not used.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn store(&mut self, profile: &str) -> Result<Option<String>, Failure> {
        if let Ok(Some(old)) = Self::read(profile)
            && old.in_keyring
            && old.user != self.user
        {
            // The entry of another user is of no use any more. It stays if there is no keyring now.
            let _ = system_keyring::remove(profile, &old.user);
        }
        let mut why_not = None;
        if let Some(password) = &self.password {
            match system_keyring::store(profile, &self.user, password) {
                Ok(()) => {
                    self.password = None;
                    self.in_keyring = true;
                }
                Err(why) => why_not = Some(why),
            }
        }
        self.write(profile).map(|()| why_not)
    }

    /// Writes the file of a profile. The file is complete or not there at all.
    fn write(&self, profile: &str) -> Result<(), Failure> {
        let path = path(profile)?;
        let new = path.with_extension("new");
        let write = || -> io::Result<()> {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            // A file left by a killed process could have other permissions.
            match fs::remove_file(&new) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = private_file::options()
                .write(true)
                .create_new(true)
                .open(&new)?;
            file.write_all(serde_json::to_string(self)?.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        write().map_err(|error| {
            Failure::cannot_write(&format!("the stored login {}", path.display()), &error)
        })
    }

    /// Removes the login of a profile. False if there is none.
    ///
    /// # Errors
    ///
    /// If the file cannot be removed, or the keyring keeps the password.
    pub(crate) fn remove(profile: &str) -> Result<bool, Failure> {
        let path = path(profile)?;
        // A damaged file is removed, too.
        let login = Self::read(profile).ok().flatten();
        match fs::remove_file(&path) {
            Ok(()) => {
                let in_keyring = login.filter(|login| login.in_keyring);
                let removed =
                    in_keyring.map_or(Ok(()), |it| system_keyring::remove(profile, &it.user));
                removed.map(|()| true).map_err(|why| {
                    Failure::usage(format!(
                        "The keyring still has the password of profile {profile}: {why}."
                    ))
                    .with_hint("remove the entry of skype-p2p with a program for the keyring")
                })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed("remove", &path, &error)),
        }
    }
}

/// Checks that a profile's name can be the name of a file.
///
/// # Errors
///
/// If it has other characters than letters, digits, `.`, `_` and `-`.
pub(crate) fn check_name(profile: &str) -> Result<(), Failure> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if profile.is_empty() || profile.starts_with('.') || !profile.chars().all(fits) {
        return Err(
            Failure::usage(format!("{profile:?} cannot be the name of a profile."))
                .with_hint("use letters, digits, dots, hyphens and underscores"),
        );
    }
    Ok(())
}

fn path(profile: &str) -> Result<PathBuf, Failure> {
    check_name(profile)?;
    Ok(folder()?.join("logins").join(format!("{profile}.json")))
}

fn failed(what: &str, path: &std::path::Path, error: &io::Error) -> Failure {
    Failure::usage(format!(
        "Cannot {what} the stored login {}: {error}.",
        path.display()
    ))
}
