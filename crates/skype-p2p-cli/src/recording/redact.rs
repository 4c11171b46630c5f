//! `redact`: removes secrets and persons from a HAR file before it is shared.

use std::{fmt, fs, path::PathBuf};

use clap::{Args, ValueEnum};
use ucwa_har::Redaction;

use super::{file::PrivateFile, in_file, read};
use crate::{End, failure::Failure, output};

/// The arguments of `redact`.
#[derive(Args)]
pub struct Redact {
    /// The HAR file, of skype-p2p, a browser or a proxy
    pub file: PathBuf,
    /// The file to write, which only its owner can read. Without it, the result is written to standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Something to keep: addresses, names or texts. May be given several times
    #[arg(long, value_enum, value_name = "WHAT")]
    pub keep: Vec<Keep>,
    /// A file with a secret in each line, each to be removed in every spelling
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// A text to replace in every spelling. May be given several times
    #[arg(long, value_name = "OLD=NEW", value_parser = replacement)]
    pub replace: Vec<(String, String)>,
    /// Leave out bodies that cannot be decoded. Without this option such a body is an error, and nothing is written
    #[arg(long)]
    pub drop_unreadable: bool,
}

/// Hides the texts to replace.
impl fmt::Debug for Redact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redact")
            .field("file", &self.file)
            .field("output", &self.output)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// What a redaction keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Keep {
    /// SIP addresses and their domains
    Addresses,
    /// Names, and the other properties of contact cards
    Names,
    /// The texts of messages, subjects and notes
    Texts,
}

pub(crate) fn run(args: &Redact) -> Result<End, Failure> {
    let mut har = read(&args.file)?;
    let mut redaction = Redaction::default();
    redaction.addresses = !args.keep.contains(&Keep::Addresses);
    redaction.names = !args.keep.contains(&Keep::Names);
    redaction.texts = !args.keep.contains(&Keep::Texts);
    redaction.drop_unreadable = args.drop_unreadable;
    redaction.replacements.clone_from(&args.replace);
    if let Some(path) = &args.secrets {
        let text = fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!(
                "Cannot read the secrets {}: {error}.",
                path.display()
            ))
        })?;
        let lines = text.lines().filter(|line| !line.is_empty());
        redaction.secrets.extend(lines.map(str::to_owned));
    }
    redaction
        .apply(&mut har)
        .and_then(|()| har.to_vec())
        .map_err(in_file(&args.file))
        .and_then(|bytes| match &args.output {
            Some(path) => PrivateFile::create(path)?.replace(&bytes),
            None => {
                let text = without_controls(&String::from_utf8_lossy(&bytes));
                output::write_document(text.as_bytes())
            }
        })
        .map(|()| End::Well)
}

/// The JSON text with its control characters escaped, so that a terminal does not execute them. Only strings can have such characters.
fn without_controls(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_control() && c != '\n' {
            text.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    text
}

fn replacement(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() => Ok((old.to_owned(), new.to_owned())),
        _ => Err("expected OLD=NEW".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_has_two_sides() {
        assert_eq!(
            replacement("Tosh=Ann=B").unwrap(),
            ("Tosh".to_owned(), "Ann=B".to_owned())
        );
        assert!(replacement("Tosh").is_err() && replacement("=Ann").is_err());
    }

    #[test]
    fn escaped_control_characters_are_the_same_json() {
        let json = serde_json::to_string_pretty(&["\u{9b}2J\u{7f}\n"]).unwrap();
        let escaped = without_controls(&json);
        assert!(!escaped.chars().any(|c| c.is_control() && c != '\n'));
        let [read]: [String; 1] = serde_json::from_str(&escaped).unwrap();
        assert_eq!(read, "\u{9b}2J\u{7f}\n");
    }
}
