//! `cargo xtask redact`: takes the secrets out of a HAR file before it is shared.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use conv_transport::{Har, HarBodyError, HarError};
use percent_encoding::percent_decode_str;

use crate::traffic::{self, Names, TrafficError};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The HAR file, of whatever program
    file: PathBuf,
    /// Where to write; standard output if not given
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// A file with a secret per line, each to be taken out in whatever form it appears
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,
    /// Something else to replace, such as a name or the text of a message; may be given several times
    #[arg(long, value_name = "OLD=NEW", value_parser = replacement)]
    replace: Vec<(String, String)>,
    /// Give every SIP address a pseudonym, sip:user-1@domain-1.example, and its domain the same wherever it appears
    #[arg(long)]
    addresses: bool,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match redact(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
enum RedactError {
    #[error("{0}")]
    Traffic(#[from] TrafficError),
    #[error("{0}")]
    Har(#[from] HarError),
    #[error("{0}")]
    Body(#[from] HarBodyError),
    #[error("a secret would be left in the file")]
    Secret,
}

fn redact(arguments: &Arguments) -> Result<(), RedactError> {
    let mut har = traffic::read(&arguments.file)?;
    let secrets = match &arguments.secrets {
        Some(path) => lines(path)?,
        None => Vec::new(),
    };
    let redacted = redacted(&mut har, &secrets, &arguments.replace, arguments.addresses)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| TrafficError::Io { path, source }
    };
    match &arguments.output {
        Some(path) => fs::write(path, redacted).map_err(failed(path))?,
        None => io::stdout()
            .write_all(&redacted)
            .map_err(failed(Path::new("-")))?,
    }
    Ok(())
}

/// The file without `secrets`, with `replacements` made, and without addresses where that is asked for.
fn redacted(
    har: &mut Har,
    secrets: &[String],
    replacements: &[(String, String)],
    addresses: bool,
) -> Result<Vec<u8>, RedactError> {
    let mut pseudonyms = replacements.to_vec();
    if addresses {
        pseudonyms.extend(address_pseudonyms(har)?);
    }
    har.redact(secrets, &pseudonyms)?;
    let bytes = har.to_vec()?;
    let holds = |secret: &String| {
        bytes
            .windows(secret.len())
            .any(|part| part == secret.as_bytes())
    };
    if secrets.iter().any(holds) {
        return Err(RedactError::Secret);
    }
    Ok(bytes)
}

/// A pseudonym for every SIP address and every domain of one, in the order in which they appear; the same in whatever case
/// it is written.
fn address_pseudonyms(har: &Har) -> Result<Vec<(String, String)>, HarBodyError> {
    let mut found = BTreeSet::new();
    let (mut users, mut domains) = (Names::default(), Names::default());
    let mut pseudonyms = Vec::new();
    for entry in traffic::in_order(har) {
        let texts = [
            entry.request.url.clone(),
            String::from_utf8_lossy(&entry.request.body()?).into_owned(),
            String::from_utf8_lossy(&entry.response.body()?).into_owned(),
        ];
        for text in texts {
            for (user, domain) in addresses(&text) {
                let address = format!("{user}@{domain}");
                if !found.insert(address.clone()) {
                    continue;
                }
                let name = domains.of(&domain.to_lowercase(), |n| format!("domain-{n}.example"));
                let user = users.of(&address.to_lowercase(), |n| format!("user-{n}"));
                pseudonyms.push((address, format!("{user}@{name}")));
                pseudonyms.push((domain, name.to_owned()));
            }
        }
    }
    Ok(pseudonyms)
}

/// User and domain of the SIP addresses in `text`, which may be percent-encoded.
fn addresses(text: &str) -> Vec<(String, String)> {
    let text = percent_decode_str(text).decode_utf8_lossy();
    let is_user = |c: char| c.is_alphanumeric() || "-_.!~*'()&=+$,/".contains(c);
    let is_domain = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    // Lower case has the same length in ASCII, and nothing else is looked for.
    let lower = text.to_ascii_lowercase();
    let mut addresses = Vec::new();
    for (at, scheme) in lower.match_indices("sip:") {
        let rest = text.get(at + scheme.len()..).unwrap_or_default();
        let Some((user, rest)) = rest.split_once('@') else {
            continue;
        };
        let end = rest.find(|c| !is_domain(c)).unwrap_or(rest.len());
        let domain = rest.get(..end).unwrap_or_default();
        let domain = domain.trim_end_matches('.');
        if !user.is_empty() && user.chars().all(is_user) && !domain.is_empty() {
            addresses.push((user.to_owned(), domain.to_owned()));
        }
    }
    addresses
}

fn lines(path: &Path) -> Result<Vec<String>, TrafficError> {
    let text = fs::read_to_string(path).map_err(|source| TrafficError::Io {
        path: path.to_owned(),
        source,
    })?;
    let lines = text.lines().filter(|line| !line.is_empty());
    Ok(lines.map(str::to_owned).collect())
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
    use crate::{
        fixture::{self, Fixture},
        replay::replay,
    };

    fn fixture(name: &str) -> Fixture {
        Fixture::read(&fixture::fixtures().join(name)).unwrap()
    }

    #[test]
    fn finds_addresses_however_they_are_written() {
        let user = |name: &str| (name.to_owned(), "contoso.com".to_owned());
        assert_eq!(
            addresses(
                r#"{"to": "sip:lenea@contoso.com", "x": "sip:nobody"} SIP%3ATosh.M%40contoso.com&"#
            ),
            [user("lenea"), user("Tosh.M")]
        );
        assert!(addresses("sip: a b@contoso.com sip:@contoso.com sip:a@").is_empty());
    }

    #[test]
    fn people_go_and_the_recording_still_replays() {
        for name in ["outgoing-delivered-json", "incoming-accepted-xml"] {
            let mut fixture = fixture(name);
            let mut pseudonyms = address_pseudonyms(&fixture.traffic).unwrap();
            let person = ("Lene Aaling".to_owned(), "Ann One".to_owned());
            pseudonyms.push(person.clone());
            pseudonyms.sort_by_key(|(old, _)| std::cmp::Reverse(old.len()));
            let bytes = redacted(&mut fixture.traffic, &[], &[person], true).unwrap();
            let file = String::from_utf8(bytes).unwrap();
            for gone in ["lenea", "toshm", "contoso", "Aaling"] {
                assert!(!file.contains(gone), "{gone}");
            }
            assert!(file.contains("sip:user-1@domain-1.example"), "{file}");

            for (old, new) in &pseudonyms {
                let scenario = &mut fixture.scenario;
                for address in [&mut scenario.user.address, &mut scenario.other.address] {
                    *address = address.replace(old, new);
                }
                fixture.timeline = fixture.timeline.replace(old, new);
            }
            fixture.traffic = Har::from_slice(file.as_bytes()).unwrap();
            if let Err(failure) = replay(&fixture) {
                panic!("{failure}");
            }
        }
    }

    #[test]
    fn a_secret_goes() {
        let mut har = fixture("outgoing-declined-json").traffic;
        let secrets = ["lyncweb".to_owned()];
        let before = String::from_utf8(har.to_vec().unwrap()).unwrap();
        assert!(before.contains("lyncweb"));
        let bytes = redacted(&mut har, &secrets, &[], false).unwrap();
        assert!(!String::from_utf8(bytes).unwrap().contains("lyncweb"));
    }

    #[test]
    fn a_replacement_has_two_sides() {
        assert_eq!(
            replacement("Tosh=Ann=B").unwrap(),
            ("Tosh".to_owned(), "Ann=B".to_owned())
        );
        assert!(replacement("Tosh").is_err() && replacement("=Ann").is_err());
    }
}
