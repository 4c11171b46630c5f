//! Compares two recordings.

use std::fmt::Write as _;

use conv_transport::{Har, HarError};
use serde_json::Value;
use similar::TextDiff;

use crate::{
    exchange::{exchanges, path_and_query},
    pseudonyms::Pseudonyms,
};

/// The names of the values that the client of this project generates.
pub const CLIENT_MADE: [&str; 3] = ["endpointId", "operationId", "threadId"];

/// What a comparison ignores besides the values that always differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ComparisonOptions {
    /// Path segments. The segment that follows one of them is ignored.
    pub after: Vec<String>,
    /// The names of values that the client generates, besides [`CLIENT_MADE`].
    pub client_made: Vec<String>,
}

/// A recording as text without the values that differ from run to run: servers, dates, headers, the versions of resources, and the values
/// that the client generates, of which each has a number instead. The texts of equal runs are equal.
///
/// # Errors
///
/// [`HarError::Entry`] if a body cannot be decoded.
pub fn comparable_text(har: &Har, options: &ComparisonOptions) -> Result<String, HarError> {
    let mut volatile = Volatile::new(options);
    let mut text = String::new();
    for exchange in exchanges(har) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{} {} {}: {}",
            exchange.lane(),
            exchange.entry.request.method,
            exchange.path(),
            exchange.status()
        );
        let [request, response] = exchange.bodies()?;
        volatile.learn(&exchange.path(), &request);
        for (mark, body) in [(">", request), ("<", response)] {
            for line in lines(&body) {
                let _ = writeln!(text, "  {mark} {line}");
            }
        }
    }
    Ok(volatile.replaced(text))
}

/// The differing lines of two texts, with two lines around each. `None` if the texts are equal.
#[must_use]
pub fn line_difference(expected: &str, observed: &str) -> Option<String> {
    if expected == observed {
        return None;
    }
    let diff = TextDiff::from_lines(expected, observed);
    let mut text = String::new();
    for (index, group) in diff.grouped_ops(2).iter().enumerate() {
        if index > 0 {
            text.push_str("    …\n");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let number = change
                .old_index()
                .or(change.new_index())
                .unwrap_or_default()
                + 1;
            let line = change.value().trim_end_matches('\n');
            let _ = writeln!(text, "{:>4} {} {line}", number, change.tag());
        }
    }
    Some(text)
}

/// The lines of a body, one for each member, without the versions of resources.
fn lines(body: &[u8]) -> Vec<String> {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(value) => format!("{:#}", without_versions(value)),
        Err(_) => String::from_utf8_lossy(body).replace("><", ">\n<"),
    };
    text.lines().map(without_version).collect()
}

/// The value without the version of a resource: its etag, and the name of the property that a PUT sends back.
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

/// A line of XML without the version of a resource.
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
struct Volatile<'a> {
    after: &'a [String],
    names: Vec<&'a str>,
    pseudonyms: Pseudonyms,
}

impl<'a> Volatile<'a> {
    fn new(options: &'a ComparisonOptions) -> Self {
        let names = options.client_made.iter().map(String::as_str);
        Self {
            after: &options.after,
            names: CLIENT_MADE.into_iter().chain(names).collect(),
            pseudonyms: Pseudonyms::default(),
        }
    }

    fn learn(&mut self, path: &str, body: &[u8]) {
        let path = path_and_query(path);
        let path = path.split('?').next().unwrap_or_default();
        let mut segments = path.split('/');
        while let Some(segment) = segments.next() {
            if self.after.iter().any(|before| before == segment)
                && let Some(value) = segments.clone().next()
            {
                add(&mut self.pseudonyms, segment, value);
            }
        }
        let body = String::from_utf8_lossy(body);
        for name in &self.names {
            let json = serde_json::from_str::<Value>(&body).ok();
            let json = json.as_ref().and_then(|value| value.get(name)?.as_str());
            let xml = body
                .split_once(&format!("<property name=\"{name}\">"))
                .and_then(|(_, rest)| rest.split('<').next());
            if let Some(value) = json.or(xml) {
                add(&mut self.pseudonyms, name, value);
            }
        }
    }

    /// Replaces the longest value first, so that a value that contains another one is replaced as a whole.
    fn replaced(self, text: String) -> String {
        let mut pairs: Vec<(&str, &str)> = self.pseudonyms.pairs().collect();
        pairs.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        let pairs = pairs.into_iter();
        pairs.fold(text, |text, (value, name)| text.replace(value, name))
    }
}

fn add(pseudonyms: &mut Pseudonyms, kind: &str, value: &str) {
    if !value.is_empty() {
        pseudonyms.of(value, |number| format!("{{{kind} {number}}}"));
    }
}
