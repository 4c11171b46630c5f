//! Decodes the charset of a body.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::walk::{media_type, type_parameter};
use crate::har::is_binary;

/// The content of a body.
pub(super) enum Text {
    /// Text. `is_converted` is true if the charset of the body was not UTF-8.
    Text { text: String, is_converted: bool },
    /// An image, a sound or a font. Its bytes are searched for known secrets, but not walked.
    Media,
}

/// Decodes a body whose content codings were removed. The error is the reason why the body cannot be read.
pub(super) fn text(bytes: &[u8], content_type: &str) -> Result<Text, String> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.contains(is_binary)
        && !names_utf16(content_type)
    {
        return Ok(Text::Text {
            text: text.to_owned(),
            is_converted: false,
        });
    }
    if is_media(bytes) {
        return Ok(Text::Media);
    }
    let named =
        type_parameter(content_type, "charset").or_else(|| declared(bytes).map(str::to_owned));
    let named = named.and_then(|name| Encoding::for_label(name.as_bytes()));
    let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let guessed = [
        marked,
        looks_like_utf16(bytes),
        named,
        // Windows-1252 has a character for every byte, so it is the last guess, and only for the content types of text.
        is_text(content_type).then_some(WINDOWS_1252),
    ];
    for encoding in guessed.into_iter().flatten() {
        let (text, had_errors) = encoding.decode_with_bom_removal(bytes);
        if !had_errors && !text.contains(is_binary) {
            return Ok(Text::Text {
                text: text.into_owned(),
                is_converted: encoding != UTF_8,
            });
        }
    }
    Err("the body is neither text nor an image, a sound or a font: it may be compressed or encrypted".to_owned())
}

/// Returns the charset in the XML declaration.
fn declared(bytes: &[u8]) -> Option<&str> {
    let head = bytes.get(..bytes.len().min(200))?;
    let end = head.iter().position(|byte| !byte.is_ascii());
    let head = std::str::from_utf8(head.get(..end.unwrap_or(head.len()))?).ok()?;
    let (_, after) = head.split_once("encoding=")?;
    after.split(['"', '\'']).nth(1)
}

fn names_utf16(content_type: &str) -> bool {
    type_parameter(content_type, "charset")
        .is_some_and(|charset| charset.to_ascii_lowercase().starts_with("utf-16"))
}

/// Returns the byte order if the body looks like Latin text in UTF-16, in which every other byte is zero.
fn looks_like_utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let zeros = |offset: usize| {
        bytes
            .iter()
            .skip(offset)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
    };
    let half = bytes.len() / 4;
    match (zeros(0), zeros(1)) {
        _ if bytes.len() < 4 => None,
        (0, odd) if odd > half => Some(UTF_16LE),
        (even, 0) if even > half => Some(UTF_16BE),
        _ => None,
    }
}

fn is_text(content_type: &str) -> bool {
    let media_type = media_type(content_type);
    media_type.is_empty()
        || media_type.starts_with("text/")
        || ["json", "xml", "html", "javascript", "urlencoded", "http"]
            .iter()
            .any(|end| media_type.ends_with(end))
        || media_type.starts_with("multipart/")
}

/// Whether the first bytes are those of an image, a sound or a font.
fn is_media(bytes: &[u8]) -> bool {
    const STARTS: [&[u8]; 12] = [
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"GIF8",
        b"RIFF",
        b"BM",
        b"\0\0\x01\0",
        b"OggS",
        b"ID3",
        b"wOFF",
        b"wOF2",
        b"\0\x01\0\0",
        b"OTTO",
    ];
    STARTS.iter().any(|start| bytes.starts_with(start))
        || bytes.get(4..8).is_some_and(|kind| kind == b"ftyp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_recognized_by_its_media_type() {
        for text in [
            "",
            "text/plain",
            "application/json",
            "application/soap+xml; charset=utf-8",
            "multipart/mixed; boundary=b",
        ] {
            assert!(is_text(text), "{text}");
        }
        for other in ["image/png", "application/octet-stream"] {
            assert!(!is_text(other), "{other}");
        }
    }

    #[test]
    fn latin_text_in_utf_16_is_recognized_by_its_zero_bytes() {
        for (bytes, encoding) in [
            (&b"p\0w\0"[..], Some(UTF_16LE)),
            (b"\0p\0w", Some(UTF_16BE)),
            (b"p\0w\0d\0\x3c\x04", Some(UTF_16LE)),
            // Only half of the characters are Latin.
            (b"p\0\x3c\x04", None),
            (b"\0p\x04\x3c", None),
            (b"p\0w", None),
            (b"\0p\0", None),
            (b"abcd", None),
            (b"\0\0w\0", None),
            (b"", None),
        ] {
            assert_eq!(looks_like_utf16(bytes), encoding, "{bytes:?}");
        }
    }
}
