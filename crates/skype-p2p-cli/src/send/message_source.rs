//! The text of a message: from the command line, standard input or a file.

use std::{
    env,
    fs::File,
    io::{self, Read as _},
};

use skype_p2p::MessageBody;

use super::Send;
use crate::failure::Failure;

/// The largest input in bytes. Servers accept far less in one message.
const LIMIT: u64 = 1024 * 1024;

/// Reads the message of the command line.
///
/// # Errors
///
/// If the message cannot be read or is empty, or if standard input has two uses.
pub(crate) fn read(args: &Send) -> Result<MessageBody, Failure> {
    let text = match (&args.file, args.message.as_deref()) {
        (Some(path), _) => {
            let name = path.display().to_string();
            let file = File::open(path).map_err(|error| cannot_read(&name, &error))?;
            contents(&name, file)?
        }
        (None, Some("-")) => {
            check_standard_input(args)?;
            contents("standard input", io::stdin())?
        }
        (None, message) => message.unwrap_or_default().to_owned(),
    };
    if text.trim().is_empty() {
        return Err(Failure::usage("The message is empty."));
    }
    Ok(if args.html {
        MessageBody::Html(text)
    } else {
        MessageBody::Text(text)
    })
}

/// Standard input is read as a whole, so it cannot also have the password or the tokens.
fn check_standard_input(args: &Send) -> Result<(), Failure> {
    let sign_in = &args.session.sign_in;
    let password = sign_in
        .password_file
        .as_ref()
        .is_some_and(|file| file.as_os_str() == "-");
    let token = sign_in.bearer && env::var_os(sign_in.variables.token).is_none();
    if password || token {
        return Err(Failure::usage(
            "Standard input cannot have both the message and the credentials.",
        )
        .with_hint("read the message with --file, or the credentials from the environment"));
    }
    Ok(())
}

/// The whole input, without the line break at its end and without a byte order mark.
fn contents(name: &str, input: impl io::Read) -> Result<String, Failure> {
    let mut text = String::new();
    input
        .take(LIMIT + 1)
        .read_to_string(&mut text)
        .map_err(|error| cannot_read(name, &error))?;
    if text.len() as u64 > LIMIT {
        return Err(Failure::usage(format!(
            "The message in {name} is larger than 1 MiB."
        )));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn cannot_read(name: &str, error: &io::Error) -> Failure {
    let why = match error.kind() {
        io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    Failure::usage(format!("Cannot read the message from {name}: {why}."))
}
