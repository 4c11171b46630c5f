//! The secrets that `login` stores: one file for each profile, which only its owner can read.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Write as _},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use super::file::folder;
use crate::failure::Failure;

/// The stored login of a profile.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    /// The user whose password this is.
    pub(crate) user: String,
    pub(crate) password: Option<String>,
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

impl Login {
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

    /// Stores the login of a profile. The file is complete or not there at all.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn write(&self, profile: &str) -> Result<(), Failure> {
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
            let mut file = private_file(&new)?;
            file.write_all(serde_json::to_string(self)?.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        write().map_err(|error| failed("write", &path, &error))
    }

    /// Removes the login of a profile. False if there is none.
    ///
    /// # Errors
    ///
    /// If the file cannot be removed.
    pub(crate) fn remove(profile: &str) -> Result<bool, Failure> {
        let path = path(profile)?;
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
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

/// Creates a file that only its owner can read. On Windows the folder of the user has that protection.
fn private_file(path: &std::path::Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

fn failed(what: &str, path: &std::path::Path, error: &io::Error) -> Failure {
    Failure::usage(format!(
        "Cannot {what} the stored login {}: {error}.",
        path.display()
    ))
}
