//! Event pages as `serde_json` reads them.

use serde_json::Value;

/// An event of a page.
pub(crate) struct Event<'a> {
    pub(crate) rel: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) href: &'a str,
    /// The embedded resource, or null.
    pub(crate) resource: &'a Value,
}

pub(crate) fn events(page: &Value) -> impl Iterator<Item = Event<'_>> {
    let senders = page["sender"].as_array().into_iter().flatten();
    let events = senders.flat_map(|sender| sender["events"].as_array().into_iter().flatten());
    events.map(|event| {
        let rel = event["link"]["rel"].as_str().unwrap_or_default();
        Event {
            rel,
            kind: event["type"].as_str().unwrap_or_default(),
            href: event["link"]["href"].as_str().unwrap_or_default(),
            resource: &event["_embedded"][rel],
        }
    })
}

/// The href of a link.
pub(crate) fn href<'a>(resource: &'a Value, rel: &str) -> &'a str {
    let href = resource["_links"][rel]["href"].as_str();
    href.unwrap_or_else(|| panic!("no link {rel} in {resource}"))
}

/// The text of a message, if it is plain.
pub(crate) fn text_of(message: &Value) -> String {
    let uri = message["_links"]["plainMessage"]["href"].as_str();
    let text = uri
        .and_then(|uri| uri.split_once(','))
        .map_or("", |(_, text)| text);
    let text = text.replace('+', " ");
    percent_encoding::percent_decode_str(&text)
        .decode_utf8_lossy()
        .into_owned()
}
