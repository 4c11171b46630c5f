//! `cargo xtask diff`: what two recordings have otherwise than each other.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use conv_transport::{Har, HarError};
use serde_json::Value;

use crate::{
    fixture::scenario::CLIENT_MADE,
    fixture::timeline::difference,
    traffic::{self, Names, TrafficError},
};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A HAR file
    one: PathBuf,
    /// Another one
    other: PathBuf,
    /// A segment of paths after which a segment follows that differs from run to run; may be given several times
    #[arg(long = "after", value_name = "SEGMENT")]
    after: Vec<String>,
    /// A value that a client makes up, besides endpointId, operationId and threadId; may be given several times
    #[arg(long, value_name = "NAME")]
    client_made: Vec<String>,
}

/// Exits with 0 where there is no difference, with 1 where there is one, and with 2 where that cannot be told.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match compare(arguments) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(difference)) => {
            // Whoever reads it may have seen enough.
            let _ = io::stdout().write_all(difference.as_bytes());
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

pub(crate) fn compare(arguments: &Arguments) -> Result<Option<String>, TrafficError> {
    let text = |path| -> Result<String, TrafficError> {
        let made = arguments.client_made.iter().map(String::as_str);
        let made: Vec<&str> = CLIENT_MADE.into_iter().chain(made).collect();
        let text = render(&traffic::read(path)?, &arguments.after, &made);
        text.map_err(|error| traffic::in_file(path, error))
    };
    Ok(difference(&text(&arguments.one)?, &text(&arguments.other)?))
}

/// A recording as text, without what is never the same twice: servers, dates, headers but for the kind of a body, and the
/// values that a client makes up, each of which has a number instead.
fn render(har: &Har, after: &[String], made: &[&str]) -> Result<String, HarError> {
    let mut made_up = MadeUp {
        after,
        made,
        names: Names::default(),
        seen: Vec::new(),
    };
    let mut text = String::new();
    for exchange in traffic::in_order(har) {
        let entry = exchange.entry;
        text.push_str(&format!(
            "{} {} {}: {}\n",
            traffic::lane(entry),
            entry.request.method,
            traffic::path_and_query(&entry.request.url),
            traffic::status(entry)
        ));
        let [request, response] = exchange.bodies()?;
        made_up.learn(&entry.request.url, &request);
        for (mark, body) in [(">", request), ("<", response)] {
            for line in lines(&body) {
                text.push_str(&format!("  {mark} {line}\n"));
            }
        }
    }
    Ok(made_up.replaced(text))
}

/// A body, a line for each of its parts, without the versions of resources.
fn lines(body: &[u8]) -> Vec<String> {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(value) => format!("{:#}", without_versions(value)),
        Err(_) => String::from_utf8_lossy(body).replace("><", ">\n<"),
    };
    text.lines().map(without_version).collect()
}

/// The value without what names the version of a resource: its etag, and the name of the property that a PUT sends back.
fn without_versions(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(without_versions).collect(),
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| match &value {
                Value::String(_) if name == "etag" => (name, "{etag}".into()),
                Value::String(text) if is_put_marker(text) => ("{put}".to_owned(), value),
                _ => (name, without_versions(value)),
            });
            members.collect()
        }
        _ => value,
    }
}

/// A line of XML, in the same way.
fn without_version(line: &str) -> String {
    let property = line
        .strip_prefix("<property name=\"")
        .and_then(|rest| rest.split_once("\">"));
    match property {
        Some(("etag", _)) => "<property name=\"etag\">{etag}</property>".to_owned(),
        Some((_, text)) if is_put_marker(text) => format!("<property name=\"{{put}}\">{text}"),
        _ => line.to_owned(),
    }
}

/// Whether a text is the value of the property that a PUT sends back. Its name is random.
fn is_put_marker(text: &str) -> bool {
    text.starts_with("please pass this in a PUT request")
}

/// The values that differ from run to run.
struct MadeUp<'a> {
    after: &'a [String],
    /// The names of what a client makes up.
    made: &'a [&'a str],
    names: Names,
    seen: Vec<(String, String)>,
}

impl MadeUp<'_> {
    fn learn(&mut self, url: &str, body: &[u8]) {
        let path = traffic::path_and_query(url);
        let path = path.split('?').next().unwrap_or_default();
        let mut segments = path.split('/');
        while let Some(segment) = segments.next() {
            if self.after.iter().any(|before| before == segment)
                && let Some(value) = segments.clone().next()
            {
                self.add(segment, value);
            }
        }
        let body = String::from_utf8_lossy(body);
        for name in self.made {
            let json = serde_json::from_str::<Value>(&body).ok();
            let json = json.as_ref().and_then(|value| value.get(name)?.as_str());
            let xml = body
                .split_once(&format!("<property name=\"{name}\">"))
                .and_then(|(_, rest)| rest.split('<').next());
            if let Some(value) = json.or(xml) {
                self.add(name, value);
            }
        }
    }

    fn add(&mut self, kind: &str, value: &str) {
        if value.is_empty() || self.seen.iter().any(|(known, _)| known == value) {
            return;
        }
        let name = self
            .names
            .of(value, |number| format!("{{{kind} {number}}}"));
        self.seen.push((value.to_owned(), name.to_owned()));
    }

    /// The longest first, so that a value that contains another one is replaced as a whole.
    fn replaced(mut self, text: String) -> String {
        self.seen
            .sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        let seen = self.seen.iter();
        seen.fold(text, |text, (value, name)| text.replace(value, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, Fixture};

    fn traffic(name: &str) -> Har {
        Fixture::read(&fixture::fixtures().join(name))
            .unwrap()
            .traffic
    }

    /// The recording with every `old` in it, of which there are some, replaced.
    fn edited(har: &Har, old: &str, new: &str) -> Har {
        let text = String::from_utf8(har.to_vec().unwrap()).unwrap();
        assert!(text.contains(old), "{old}");
        Har::from_slice(text.replace(old, new).as_bytes()).unwrap()
    }

    #[test]
    fn what_differs_from_run_to_run_is_no_difference() {
        for name in ["outgoing-declined-json", "outgoing-declined-xml"] {
            let one = traffic(name);
            let after = ["applications".to_owned()];
            let mut made_up = MadeUp {
                after: &after,
                made: &CLIENT_MADE,
                names: Names::default(),
                seen: Vec::new(),
            };
            for exchange in traffic::in_order(&one) {
                let [request, _] = exchange.bodies().unwrap();
                made_up.learn(&exchange.entry.request.url, &request);
            }
            let kinds = ["endpointId", "operationId", "threadId", "applications"];
            let mut other = one.clone();
            for kind in kinds {
                let (value, _) = made_up
                    .seen
                    .iter()
                    .find(|(_, name)| name.starts_with(&format!("{{{kind} ")))
                    .unwrap_or_else(|| panic!("{name}: no {kind}"));
                other = edited(&other, value, &format!("another-{kind}"));
            }
            assert!(other != one);
            let text = |har| render(har, &after, &CLIENT_MADE).unwrap();
            assert_eq!(difference(&text(&one), &text(&other)), None);
            assert!(difference(&text(&one), &render(&other, &[], &CLIENT_MADE).unwrap()).is_some());
        }
    }

    #[test]
    fn the_version_of_a_resource_is_no_difference() {
        let text = |har: &Har| render(har, &[], &CLIENT_MADE).unwrap();
        for name in ["outgoing-declined-json", "outgoing-declined-xml"] {
            let one = traffic(name);
            let file = String::from_utf8(one.to_vec().unwrap()).unwrap();
            let after = |mark: &str| {
                let rest = file.split_once(mark).expect("it has one").1;
                rest.split(['\\', '<']).next().unwrap().to_owned()
            };
            let before = |mark: &str| {
                let rest = file.split_once(mark).expect("it has one").0;
                rest.rsplit('"').next().unwrap().to_owned()
            };
            let (etag, marker) = if name.ends_with("json") {
                (after("\\\"etag\\\":\\\""), before("\\\":\\\"please pass"))
            } else {
                (after("name=\\\"etag\\\">"), before("\\\">please pass"))
            };
            let other = edited(&one, &etag, "100");
            // Its order among the members is another, too.
            let other = edited(&other, &marker, "00000000-another");
            assert_eq!(difference(&text(&one), &text(&other)), None, "{name}");
        }
    }

    #[test]
    fn what_another_client_makes_up_can_be_named() {
        let one = traffic("browser-outgoing-json");
        let other = edited(&one, "A page with a chat", "Another page");
        let shown = |made| {
            difference(
                &render(&one, &[], made).unwrap(),
                &render(&other, &[], made).unwrap(),
            )
        };
        assert!(shown(&CLIENT_MADE).is_some());
        assert_eq!(shown(&["userAgent"]), None);
    }

    #[test]
    fn a_member_a_status_and_a_missing_exchange_are_differences() {
        let one = traffic("outgoing-declined-json");
        let text = |har: &Har| render(har, &[], &CLIENT_MADE).unwrap();
        let other = edited(&one, "Normal", "Urgent");
        let shown = difference(&text(&one), &text(&other)).unwrap();
        assert!(
            shown.contains(r#"-   >   "importance": "Normal""#)
                && shown.contains(r#"+   >   "importance": "Urgent""#),
            "{shown}"
        );
        let other = edited(&one, "\"status\": 201", "\"status\": 202");
        let shown = difference(&text(&one), &text(&other)).unwrap();
        assert!(shown.contains(": 202"), "{shown}");
        let mut other = one.clone();
        other.log.entries.pop();
        assert!(difference(&text(&one), &text(&other)).is_some());
    }
}
