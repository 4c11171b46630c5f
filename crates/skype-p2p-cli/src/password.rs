//! The sources of a password: a file, standard input, an environment variable, or a prompt. Never the command line, which
//! other users of the machine can read.

use std::{
    env, fs,
    io::{self, BufRead as _, IsTerminal as _, stdin},
    path::Path,
};

use crate::secret_variables::SecretVariables;

/// Reads the first line of a file.
pub(crate) fn read_file(file: &Path) -> Result<String, String> {
    let text = fs::read_to_string(file).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => format!("the password file {} is not UTF-8", file.display()),
        _ => format!("cannot read the password file {}: {error}", file.display()),
    })?;
    checked(first_line(&text))
}

/// Reads the first line of the file, with `-` for standard input; without a file, the environment variable.
pub(crate) fn read(file: Option<&Path>, variables: SecretVariables) -> Result<String, String> {
    let text = match file {
        Some(file) if file == Path::new("-") => {
            let mut line = String::new();
            stdin().lock().read_line(&mut line).map_err(|error| {
                format!("cannot read the password from standard input: {error}")
            })?;
            line
        }
        Some(file) => return read_file(file),
        None => env::var(variables.password).map_err(|_| {
            let (variable, option) = (variables.password, variables.password_file);
            format!("there is no password: set {variable}, or give {option}")
        })?,
    };
    checked(first_line(&text))
}

/// Like [`read`], and asks for the password without echo if there is no other source and standard input is a terminal.
pub(crate) fn read_or_ask(
    file: Option<&Path>,
    variables: SecretVariables,
    user: &str,
) -> Result<String, String> {
    if file.is_some() || env::var_os(variables.password).is_some() || !stdin().is_terminal() {
        return read(file, variables);
    }
    let typed = rpassword::prompt_password(format!("Password of {user}: "))
        .map_err(|error| format!("cannot read the password from the terminal: {error}"))?;
    checked(&typed)
}

/// The first line without a byte order mark, which some editors write.
fn first_line(text: &str) -> &str {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines().next().unwrap_or_default()
}

fn checked(password: &str) -> Result<String, String> {
    if password.is_empty() {
        Err("the password is empty".to_owned())
    } else {
        Ok(password.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line_without_a_byte_order_mark() {
        for text in [
            "secret",
            "secret\n",
            "secret\r\nother\r\n",
            "\u{feff}secret\n",
        ] {
            assert_eq!(first_line(text), "secret", "{text:?}");
        }
        assert_eq!(first_line(""), "");
    }
}
