//! The texts of messages, and their formats.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use ucwa_proto::{DataUri, MediaType};

use super::reply::Refusal;

/// The message formats that an application supports. The default is plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Formats {
    plain: bool,
    html: bool,
}

impl Default for Formats {
    fn default() -> Self {
        Self {
            plain: true,
            html: false,
        }
    }
}

impl Formats {
    pub(super) fn parse(names: &[String]) -> Result<Self, Refusal> {
        let has = |format: &str| names.iter().any(|name| name.eq_ignore_ascii_case(format));
        match (has("Plain"), has("Html")) {
            (false, false) => Err(Refusal::parameter(
                "supportedMessageFormats takes Plain and Html.",
            )),
            (plain, html) => Ok(Self { plain, html }),
        }
    }

    /// The formats that both applications support. If there is none, plain text, to which HTML can be converted.
    pub(super) fn common(self, other: Self) -> Self {
        let html = self.html && other.html;
        Self {
            plain: (self.plain && other.plain) || !html,
            html,
        }
    }

    pub(super) fn names(self) -> &'static [&'static str] {
        match (self.plain, self.html) {
            (true, true) => &["Plain", "Html"],
            (false, true) => &["Html"],
            _ => &["Plain"],
        }
    }
}

/// The text of a message, as it was sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Text {
    pub(super) html: bool,
    pub(super) text: String,
}

/// Shows the length only, since texts are private.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text")
            .field("html", &self.html)
            .field("bytes", &self.text.len())
            .finish()
    }
}

/// The characters that the form encoding of .NET escapes. The space becomes `+`.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'*')
    .remove(b'(')
    .remove(b')')
    .remove(b' ');

impl Text {
    /// The text of the data URI in a `message` link.
    pub(super) fn from_data_uri(uri: &str) -> Result<Self, Refusal> {
        const WRONG: Refusal =
            Refusal::parameter("The message isn't a data URI of text/plain or text/html.");
        let uri = DataUri::parse(uri).map_err(|_| WRONG)?;
        let html = match uri.media_type() {
            MediaType::TextPlain => false,
            MediaType::TextHtml => true,
            _ => return Err(WRONG),
        };
        Ok(Self {
            html,
            text: uri.text().into_owned(),
        })
    }

    /// The text as a data URI in UCWA's form: form-encoded, with lower-case hexadecimal digits (`message_ref`).
    pub(super) fn data_uri(&self) -> String {
        let kind = if self.html { "html" } else { "plain" };
        let mut uri = format!("data:text/{kind};charset=utf-8,");
        for piece in utf8_percent_encode(&self.text, FORM) {
            if piece.starts_with('%') {
                uri.push_str(&piece.to_ascii_lowercase());
            } else {
                uri.push_str(&piece.replace(' ', "+"));
            }
        }
        uri
    }

    /// The text without HTML.
    pub(super) fn plain(&self) -> Cow<'_, str> {
        if self.html {
            Cow::Owned(plain(&self.text))
        } else {
            Cow::Borrowed(&self.text)
        }
    }

    /// The rel of the link with the text in a message resource.
    pub(super) fn rel(&self) -> &'static str {
        if self.html {
            "htmlMessage"
        } else {
            "plainMessage"
        }
    }

    /// The text for a receiver with these formats: converted from HTML to plain text, or the reverse, if necessary.
    pub(super) fn within(&self, formats: Formats) -> Self {
        match (self.html, formats) {
            (true, Formats { html: false, .. }) => Self {
                html: false,
                text: plain(&self.text),
            },
            (false, Formats { plain: false, .. }) => Self {
                html: true,
                text: html(&self.text),
            },
            _ => self.clone(),
        }
    }
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\n', "<br/>")
}

/// The text between the tags.
fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: bool, text: &str) -> Text {
        Text {
            html,
            text: text.to_owned(),
        }
    }

    #[test]
    fn data_uris_are_form_encoded_with_lower_case_digits() {
        let uri = text(false, "Hi Tosh, 1+1=2: ä\r\n").data_uri();
        assert_eq!(
            uri,
            "data:text/plain;charset=utf-8,Hi+Tosh%2c+1%2b1%3d2%3a+%c3%a4%0d%0a"
        );
    }

    #[test]
    fn a_text_is_converted_to_a_supported_format() {
        let both = Formats::parse(&["Plain".to_owned(), "Html".to_owned()]).unwrap();
        let message = text(true, "<b>1 &lt; 2</b> &amp;lt;");
        assert_eq!(
            message.within(Formats::default()),
            text(false, "1 < 2 &lt;")
        );
        assert_eq!(message.within(both), message);
        let only_html = Formats::parse(&["Html".to_owned()]).unwrap();
        assert_eq!(
            text(false, "1 < 2").within(only_html),
            text(true, "1 &lt; 2")
        );
    }

    #[test]
    fn the_common_formats_are_never_empty() {
        let only_html = Formats::parse(&["Html".to_owned()]).unwrap();
        assert_eq!(
            only_html.common(Formats::default()).names(),
            ["Plain"].as_slice()
        );
        assert_eq!(only_html.common(only_html).names(), ["Html"].as_slice());
    }
}
