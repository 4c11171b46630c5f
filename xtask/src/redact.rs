//! `cargo xtask redact`: takes the secrets out of a HAR file before it is shared.

mod people;

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use conv_transport::{Har, HarError};
use percent_encoding::percent_decode_str;

use people::People;

use crate::traffic::{self, Names, TrafficError};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The HAR file, of any program
    file: PathBuf,
    /// Where to write; standard output if not given
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// A file with a secret per line, each to be taken out in every spelling
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,
    /// A text to replace, in every spelling; may be given several times
    #[arg(long, value_name = "OLD=NEW", value_parser = replacement)]
    replace: Vec<(String, String)>,
    /// Give every SIP address a pseudonym, sip:user-1@domain-1.example, and its domain the same wherever it appears
    #[arg(long)]
    addresses: bool,
    /// Give every name and every other property of a contact card a pseudonym, Person 1, and full names wherever they stand
    #[arg(long)]
    names: bool,
    /// Give every text of a message, a subject or a note a pseudonym, Text 1
    #[arg(long)]
    texts: bool,
    /// Leave out bodies that cannot be decoded. Without this option such a body is an error, and nothing is written
    #[arg(long)]
    drop_unreadable: bool,
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

pub(crate) fn redact(arguments: &Arguments) -> Result<(), TrafficError> {
    let mut har = traffic::read(&arguments.file)?;
    let secrets = match &arguments.secrets {
        Some(path) => lines(path)?,
        None => Vec::new(),
    };
    let redacted = redacted(&mut har, &secrets, arguments);
    let redacted = redacted.map_err(|error| traffic::in_file(&arguments.file, error))?;
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

/// The file without `secrets`, and without what else is asked for.
fn redacted(har: &mut Har, secrets: &[String], arguments: &Arguments) -> Result<Vec<u8>, HarError> {
    if arguments.drop_unreadable {
        har.drop_unreadable_bodies();
    }
    let mut people = People {
        names: arguments.names.then(Names::default),
        texts: arguments.texts.then(Names::default),
    };
    people.redact(har)?;
    let mut pseudonyms = arguments.replace.clone();
    pseudonyms.extend(people.full_names());
    if arguments.addresses {
        pseudonyms.extend(address_pseudonyms(har)?);
    }
    har.redact(secrets, &pseudonyms)?;
    har.to_vec()
}

/// A pseudonym for every SIP address and every domain of one, in the order in which they appear; the same in whatever case
/// it is written.
fn address_pseudonyms(har: &Har) -> Result<Vec<(String, String)>, HarError> {
    let mut found = BTreeSet::new();
    let (mut users, mut domains) = (Names::default(), Names::default());
    let mut pseudonyms = Vec::new();
    for exchange in traffic::in_order(har) {
        let bodies = exchange.bodies()?;
        let [request, response] = bodies.each_ref().map(|body| String::from_utf8_lossy(body));
        let texts = [exchange.entry.request.url.as_str(), &request, &response];
        for text in texts {
            for (user, domain) in addresses(text) {
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
    use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
    use serde_json::json;

    use super::*;
    use crate::{
        fixture::{self, Fixture, scenario::Step},
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

    /// Nothing but what is always done.
    fn nothing() -> Arguments {
        Arguments {
            file: PathBuf::new(),
            output: None,
            secrets: None,
            replace: Vec::new(),
            addresses: false,
            names: false,
            texts: false,
            drop_unreadable: false,
        }
    }

    /// The pseudonyms in their order, those that contain others first.
    fn pseudonyms(traffic: &Har) -> Vec<(String, String)> {
        let mut har = traffic.clone();
        let mut people = People {
            names: Some(Names::default()),
            texts: Some(Names::default()),
        };
        people.redact(&mut har).unwrap();
        let mut pairs = address_pseudonyms(&har).unwrap();
        for names in [people.names.unwrap(), people.texts.unwrap()] {
            pairs.extend(
                names
                    .pairs()
                    .map(|(old, new)| (old.to_owned(), new.to_owned())),
            );
        }
        pairs.sort_by_key(|(old, _)| std::cmp::Reverse(old.len()));
        pairs
    }

    /// What a fixture says beside its traffic, told of other people.
    fn retold(fixture: &mut Fixture, pairs: &[(String, String)]) {
        let retell = |text: &mut String| {
            for (old, new) in pairs {
                *text = text.replace(old, new);
            }
        };
        let scenario = &mut fixture.scenario;
        for person in [&mut scenario.user, &mut scenario.other] {
            retell(&mut person.address);
            for step in &mut person.steps {
                match step {
                    Step::Send { text, .. } => retell(text),
                    Step::See { new, .. } => retell(new),
                    _ => {}
                }
            }
        }
        for (old, new) in pairs {
            let quoted = |text: &str| {
                let quoted = serde_json::to_string(text).unwrap();
                quoted[1..quoted.len() - 1].to_owned()
            };
            fixture.timeline = fixture.timeline.replace(&quoted(old), &quoted(new));
        }
    }

    #[test]
    fn people_and_what_they_say_go_and_the_recording_still_replays() {
        for name in [
            "outgoing-delivered-json",
            "outgoing-delivered-xml",
            "incoming-accepted-xml",
            "browser-outgoing-json",
        ] {
            let mut fixture = fixture(name);
            let pairs = pseudonyms(&fixture.traffic);
            let everything = Arguments {
                addresses: true,
                names: true,
                texts: true,
                ..nothing()
            };
            let bytes = redacted(&mut fixture.traffic, &[], &everything).unwrap();
            let file = String::from_utf8(bytes).unwrap();
            for gone in [
                "lenea", "toshm", "contoso", "Aaling", "Meston", "minute", "agenda", "plans",
            ] {
                assert!(!file.contains(gone), "{name}: {gone}");
            }
            // Nor in base64.
            for after in file.split(";base64,").skip(1) {
                let encoded = after.split(['=', '"', '\\']).next().unwrap();
                let text = BASE64_STANDARD_NO_PAD.decode(encoded).unwrap();
                assert!(text.starts_with(b"Text "), "{name}: {encoded}");
            }
            assert!(file.contains("sip:user-1@domain-1.example"), "{file}");

            retold(&mut fixture, &pairs);
            fixture.traffic = Har::from_slice(file.as_bytes()).unwrap();
            if let Err(failure) = replay(&fixture) {
                panic!("{name}\n{failure}");
            }
        }
    }

    #[test]
    fn a_text_has_one_pseudonym_in_whatever_form_it_stands() {
        let content = |kind: &str, text: &str| {
            let headers = json!([{ "name": "Content-Type", "value": kind }]);
            json!({
                "startedDateTime": "2015-03-02T09:00:00Z",
                "request": {
                    "method": "POST", "url": "http://pool/search?query=Lene%20Aaling", "headers": headers,
                    "postData": { "mimeType": kind, "text": text },
                },
            })
        };
        let parts = "--b\r\nContent-Type: application/http; msgtype=request\r\n\r\nPOST /a HTTP/1.1\r\nContent-Type: text/plain\r\n\r\nHi Lene, ok\r\n--b--\r\n";
        let entries = [
            content("text/plain; charset=utf-8", "Hi Lene, ok"),
            content(
                "application/json",
                r#"{"message":{"href":"data:text/plain;base64,SGkgTGVuZSwgb2s="},"subject":"Hi Lene, ok"}"#,
            ),
            content(
                "application/vnd.microsoft.com.ucwa+xml",
                r#"<r><link rel="m" href="data:text/html;charset=utf-8,Hi+Lene%2c+ok"/><property name="name">Lene Aaling</property></r>"#,
            ),
            content("multipart/batching; boundary=\"b\"", parts),
        ];
        let file = json!({ "log": { "version": "1.2", "entries": entries } }).to_string();
        let mut har = Har::from_slice(file.as_bytes()).unwrap();
        let asked = Arguments {
            names: true,
            texts: true,
            ..nothing()
        };
        redacted(&mut har, &[], &asked).unwrap();
        let body = |number: usize| {
            let body = har.log.entries[number].request.body().unwrap();
            String::from_utf8(body.to_vec()).unwrap()
        };
        assert_eq!(body(0), "Text 1");
        assert_eq!(
            body(1),
            r#"{"message":{"href":"data:text/plain;base64,VGV4dCAx"},"subject":"Text 1"}"#
        );
        assert_eq!(
            body(2),
            r#"<r><link rel="m" href="data:text/html;charset=utf-8,Text+1"/><property name="name">Person 1</property></r>"#
        );
        assert!(body(3).contains("\r\n\r\nText 1\r\n--b--"), "{}", body(3));
        let request = &har.log.entries[3].request;
        assert_eq!(request.url, "http://pool/search?query=Person%201");
        assert!(
            !String::from_utf8(har.to_vec().unwrap())
                .unwrap()
                .contains("Lene")
        );
    }

    #[test]
    fn a_body_that_was_cut_off_is_redacted_too() {
        let mut har = fixture("outgoing-declined-json").traffic;
        har.log.entries[8].response.content.text = Some("{\"name\":\"Len".to_owned());
        let asked = Arguments {
            names: true,
            ..nothing()
        };
        redacted(&mut har, &[], &asked).unwrap();
        let body = har.log.entries[8].response.body().unwrap();
        let body = std::str::from_utf8(&body).unwrap();
        assert!(body.starts_with("{\"name\":\"Person "), "{body}");
    }

    #[test]
    fn a_body_that_cannot_be_decoded_is_an_error_or_left_out() {
        let mut har = fixture("outgoing-declined-json").traffic;
        let content = &mut har.log.entries[8].response.content;
        content.text = Some("/w==".to_owned());
        content.encoding = Some("base64".to_owned());
        content.mime_type = "application/pdf".to_owned();
        har.log.entries[8].response.headers.clear();
        let error = redacted(&mut har, &[], &nothing()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("entry 9, member response.content: "),
            "{error}"
        );
        let asked = Arguments {
            drop_unreadable: true,
            ..nothing()
        };
        redacted(&mut har, &[], &asked).unwrap();
        assert_eq!(har.log.entries[8].response.content.text, None);
    }

    #[test]
    fn redacting_a_fixture_changes_nothing_that_a_replay_needs() {
        for folder in fixture::folders().unwrap() {
            let mut fixture = Fixture::read(&folder).unwrap();
            let before = fixture.traffic.clone();
            redacted(&mut fixture.traffic, &[], &nothing()).unwrap();
            assert!(fixture.traffic == before, "{}", folder.display());
        }
    }

    #[test]
    fn a_secret_goes() {
        let mut har = fixture("outgoing-declined-json").traffic;
        let secrets = ["lyncweb".to_owned()];
        let before = String::from_utf8(har.to_vec().unwrap()).unwrap();
        assert!(before.contains("lyncweb"));
        let bytes = redacted(&mut har, &secrets, &nothing()).unwrap();
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
