//! Data URIs, which carry messages inside links.

use std::borrow::Cow;

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// Accepts missing padding, so that no message is lost.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A `data:` URI: the form in which invitations and message events carry their text (`PayloadFormat`, `message_ref`).
///
/// The parser follows the encoding of servers: outside base64 a `+` is a space, as in forms, and a plus sign is `%2b`;
/// `utf8` means UTF-8. Bytes that are not UTF-8 are read as U+FFFD. Debug output shows the media type only.
///
/// ```
/// use ucwa_proto::{DataUri, strip_trailing_newline};
///
/// let uri = DataUri::parse("data:text/plain;charset=utf-8,Hi+Tosh%0d%0a")?;
/// assert_eq!(uri.text(), "Hi Tosh\r\n");
/// assert_eq!(strip_trailing_newline(&uri.text()), "Hi Tosh");
/// assert_eq!(DataUri::text_plain("Hi"), "data:text/plain;base64,SGk=");
/// # Ok::<(), ucwa_proto::DataUriError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DataUri<'a> {
    media_type: MediaType<'a>,
    parameters: &'a str,
    bytes: Cow<'a, [u8]>,
}

/// The media type of a data URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaType<'a> {
    /// `text/plain`, also if the URI names no type.
    TextPlain,
    /// `text/html`.
    TextHtml,
    /// `multipart/alternative`; the bytes are the raw parts.
    MultipartAlternative,
    /// Another type, such as `application/sdp`, as it was sent.
    Other(&'a str),
}

/// A link is not a valid data URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DataUriError {
    /// The link does not begin with `data:`.
    #[error("the link is not a data URI")]
    Scheme,
    /// The URI has no comma before the content.
    #[error("the data URI has no content")]
    NoContent,
    /// The base64 is invalid.
    #[error("the base64 of the data URI is invalid")]
    Base64,
}

impl<'a> DataUri<'a> {
    /// Parses a data URI.
    ///
    /// # Errors
    ///
    /// If the text is not a data URI, or its base64 is invalid.
    pub fn parse(uri: &'a str) -> Result<Self, DataUriError> {
        let rest = match uri.get(..5) {
            Some(scheme) if scheme.eq_ignore_ascii_case("data:") => {
                uri.get(5..).unwrap_or_default()
            }
            _ => return Err(DataUriError::Scheme),
        };
        let (header, content) =
            split_at(rest, memchr::memchr(b',', rest.as_bytes())).ok_or(DataUriError::NoContent)?;
        let (header, is_base64) = match split_at(header, memchr::memrchr(b';', header.as_bytes())) {
            Some((before, last)) if last.trim_ascii().eq_ignore_ascii_case("base64") => {
                (before, true)
            }
            _ => (header, false),
        };
        let (name, parameters) =
            split_at(header, memchr::memchr(b';', header.as_bytes())).unwrap_or((header, ""));
        let bytes = if is_base64 {
            decode_base64(content)?
        } else {
            decode_form(content)
        };
        Ok(Self {
            media_type: MediaType::of(name.trim_ascii()),
            parameters,
            bytes,
        })
    }

    /// The media type.
    #[must_use]
    pub fn media_type(&self) -> &MediaType<'a> {
        &self.media_type
    }

    /// The parameters of the media type as they were sent, such as `charset=utf-8`.
    #[must_use]
    pub fn parameters(&self) -> &'a str {
        self.parameters
    }

    /// The decoded bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The decoded bytes as text, with U+FFFD for bytes that are not UTF-8. Keeps the CRLF at the end, which desktop
    /// clients send.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        // The check is much faster than the lossy conversion, which is rarely needed.
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(&self.bytes),
        }
    }

    /// Encodes a plain text as a data URI in base64, as on the reference pages.
    #[must_use]
    pub fn text_plain(text: &str) -> String {
        Self::base64("text/plain", text.as_bytes())
    }

    /// Encodes an HTML text as a data URI in base64.
    #[must_use]
    pub fn text_html(html: &str) -> String {
        Self::base64("text/html", html.as_bytes())
    }

    /// Encodes content of any media type, with optional parameters, as a data URI in base64 (`customContent`).
    #[must_use]
    pub fn base64(media_type: &str, content: &[u8]) -> String {
        format!("data:{media_type};base64,{}", BASE64.encode(content))
    }

    /// Encodes a plain text as a percent-encoded data URI. A space becomes `%20`, which form decoders and others read alike.
    #[must_use]
    pub fn text_plain_percent_encoded(text: &str) -> String {
        Self::percent_encoded("text/plain;charset=utf-8", text.as_bytes())
    }

    /// Encodes an HTML text as a percent-encoded data URI.
    #[must_use]
    pub fn text_html_percent_encoded(html: &str) -> String {
        Self::percent_encoded("text/html;charset=utf-8", html.as_bytes())
    }

    /// Encodes content of any media type, with optional parameters, as a percent-encoded data URI.
    #[must_use]
    pub fn percent_encoded(media_type: &str, content: &[u8]) -> String {
        format!("data:{media_type},{}", percent_encode(content, UNRESERVED))
    }
}

impl std::fmt::Debug for DataUri<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataUri")
            .field("media_type", &self.media_type)
            .field("bytes", &format_args!("[{}]", self.bytes.len()))
            .finish()
    }
}

impl<'a> MediaType<'a> {
    fn of(name: &'a str) -> Self {
        if name.is_empty() || name.eq_ignore_ascii_case("text/plain") {
            Self::TextPlain
        } else if name.eq_ignore_ascii_case("text/html") {
            Self::TextHtml
        } else if name.eq_ignore_ascii_case("multipart/alternative") {
            Self::MultipartAlternative
        } else {
            Self::Other(name)
        }
    }

    /// The media type as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::TextPlain => "text/plain",
            Self::TextHtml => "text/html",
            Self::MultipartAlternative => "multipart/alternative",
            Self::Other(name) => name,
        }
    }
}

/// Removes one line end, CRLF or LF, from the end of a text.
#[must_use]
pub fn strip_trailing_newline(text: &str) -> &str {
    match text.strip_suffix('\n') {
        Some(rest) => rest.strip_suffix('\r').unwrap_or(rest),
        None => text,
    }
}

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn decode_base64(content: &str) -> Result<Cow<'_, [u8]>, DataUriError> {
    // Base64 may be percent-encoded, such as `%3d` for its padding, and may have line breaks.
    let plain: Vec<u8>;
    let digits = if content
        .bytes()
        .any(|byte| byte == b'%' || byte.is_ascii_whitespace())
    {
        plain = percent_decode_str(content)
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        &*plain
    } else {
        content.as_bytes()
    };
    BASE64
        .decode(digits)
        .map(Cow::Owned)
        .map_err(|_| DataUriError::Base64)
}

/// Splits a text at an ASCII character.
fn split_at(text: &str, at: Option<usize>) -> Option<(&str, &str)> {
    let at = at?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

fn decode_form(content: &str) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr2(b'+', b'%', content.as_bytes()) else {
        return Cow::Borrowed(content.as_bytes());
    };
    // Replaces all pluses first. Then decodes the escapes in place, which moves the following bytes forward.
    let mut bytes: Vec<u8> = content
        .bytes()
        .map(|byte| if byte == b'+' { b' ' } else { byte })
        .collect();
    let mut end = first;
    let mut read = first;
    while let Some(distance) = memchr::memchr(b'%', bytes.get(read..).unwrap_or_default()) {
        let escape = read + distance;
        bytes.copy_within(read..escape, end);
        end += distance;
        let (byte, length) = match bytes.get(escape + 1..escape + 3) {
            Some(&[high, low]) => match (hex(high), hex(low)) {
                (Some(high), Some(low)) => (high << 4 | low, 3),
                _ => (b'%', 1),
            },
            _ => (b'%', 1),
        };
        if let Some(slot) = bytes.get_mut(end) {
            *slot = byte;
        }
        end += 1;
        read = escape + length;
    }
    bytes.copy_within(read.., end);
    bytes.truncate(end + bytes.len() - read);
    Cow::Owned(bytes)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{DataUri, DataUriError, MediaType, strip_trailing_newline};

    fn text(uri: &str) -> String {
        DataUri::parse(uri).unwrap().text().into_owned()
    }

    #[test]
    fn form_encoding_is_read() {
        assert_eq!(
            text("data:text/plain;charset=utf-8,a+b%2bc%0d%0a"),
            "a b+c\r\n"
        );
        assert_eq!(text("data:text/plain;charset=utf8,%e2%82%ac"), "€");
        assert_eq!(text("data:,100%"), "100%");
        assert_eq!(text("data:text/plain,a,b;c"), "a,b;c");
        assert_eq!(text("DATA:text/plain,%zz%f"), "%zz%f");
        assert_eq!(text("data:text/plain,%ff"), "\u{fffd}");
    }

    #[test]
    fn base64_is_read_and_a_plus_is_a_digit() {
        assert_eq!(
            DataUri::parse("data:text/plain;base64,++//")
                .unwrap()
                .bytes(),
            [0xfb, 0xef, 0xff]
        );
        assert_eq!(
            text("data:text/html;charset=utf-8;base64,PGI+aGk8L2I+"),
            "<b>hi</b>"
        );
        assert_eq!(text("data:text/plain;base64,SGk"), "Hi");
        assert_eq!(text("data:text/plain;base64,SGk%3d"), "Hi");
        assert_eq!(
            DataUri::parse("data:text/plain;base64,!"),
            Err(DataUriError::Base64)
        );
    }

    #[test]
    fn media_types_are_told_apart() {
        let media_type = |uri| DataUri::parse(uri).unwrap().media_type().clone();
        assert_eq!(media_type("data:,x"), MediaType::TextPlain);
        assert_eq!(
            media_type("data:Text/HTML;charset=utf-8,x"),
            MediaType::TextHtml
        );
        assert_eq!(
            media_type("data:application/sdp;base64,eA=="),
            MediaType::Other("application/sdp")
        );
        let uri =
            DataUri::parse("data:multipart/alternative;charset=utf-8;boundary=b,--b").unwrap();
        assert_eq!(uri.media_type(), &MediaType::MultipartAlternative);
        assert_eq!(uri.parameters(), "charset=utf-8;boundary=b");
        assert_eq!(uri.bytes(), b"--b");
    }

    #[test]
    fn a_media_type_keeps_its_name() {
        for name in [
            "text/plain",
            "text/html",
            "multipart/alternative",
            "application/sdp",
        ] {
            let uri = format!("data:{name},x");
            assert_eq!(DataUri::parse(&uri).unwrap().media_type().as_str(), name);
        }
    }

    #[test]
    fn invalid_data_uris_are_refused() {
        assert_eq!(DataUri::parse("/ucwa/v1"), Err(DataUriError::Scheme));
        assert_eq!(DataUri::parse("dat"), Err(DataUriError::Scheme));
        assert_eq!(
            DataUri::parse("data:text/plain"),
            Err(DataUriError::NoContent)
        );
    }

    #[test]
    fn one_line_end_is_stripped_and_no_more() {
        assert_eq!(strip_trailing_newline("a\r\n"), "a");
        assert_eq!(strip_trailing_newline("a\n\n"), "a\n");
        assert_eq!(strip_trailing_newline("a\r"), "a\r");
        assert_eq!(strip_trailing_newline(""), "");
    }

    #[test]
    fn encoded_data_uris_are_parsed_again() {
        let said = "Grüße + 100 % = \u{1f600}\r\n";
        for uri in [
            DataUri::text_plain(said),
            DataUri::text_html(said),
            DataUri::text_plain_percent_encoded(said),
            DataUri::text_html_percent_encoded(said),
        ] {
            assert_eq!(text(&uri), said);
        }
    }

    #[test]
    fn debug_output_hides_the_content() {
        let debug = format!("{:?}", DataUri::parse("data:text/plain,secret").unwrap());
        assert!(!debug.contains("secret"), "{debug}");
    }
}
