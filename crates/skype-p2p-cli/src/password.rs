//! Where passwords come from: never from the command line, which other users of the machine can read.

use std::{env, fs, path::Path};

const VARIABLE: &str = "SKYPE_P2P_PASSWORD";

/// The first line of the file, or the environment variable.
pub(crate) fn read(file: Option<&Path>) -> Result<String, String> {
    let password = match file {
        Some(file) => {
            let text = fs::read_to_string(file).map_err(|error| {
                format!("cannot read the password file {}: {error}", file.display())
            })?;
            text.lines().next().unwrap_or_default().to_owned()
        }
        None => env::var(VARIABLE)
            .map_err(|_| format!("no password: set {VARIABLE} or give --password-file"))?,
    };
    if password.is_empty() {
        Err("the password is empty".to_owned())
    } else {
        Ok(password)
    }
}
