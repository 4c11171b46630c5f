//! Decodes the bodies of a HAR file. Programs write them in different forms: as text, in base64, and still compressed.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{HarBodyError, HarHeader, HarRequest, HarResponse, PostData};
use crate::coding::{Coding, MOST_CODINGS};

/// The largest decompressed body, in bytes.
const UNPACKED_LIMIT: usize = 64 * 1024 * 1024;

impl HarRequest {
    /// Returns the body without transfer and content codings. If the file has only the fields of a form, they are encoded as
    /// a form.
    ///
    /// Base64 is read leniently: characters outside of its alphabet are skipped.
    ///
    /// # Errors
    ///
    /// If the decompressed body is larger than 64 MiB.
    pub fn body(&self) -> Result<Bytes, HarBodyError> {
        Ok(self.decoded_body()?.bytes.into())
    }

    pub(crate) fn decoded_body(&self) -> Result<Decoded, HarBodyError> {
        let Some(data) = &self.post_data else {
            return Ok(Decoded::default());
        };
        match data.text.as_deref() {
            Some(text) if !text.is_empty() || data.params.is_empty() => {
                Decoded::of(text, data.encoding.as_deref(), &self.headers)
            }
            _ => Ok(Decoded {
                bytes: data.form().into_bytes(),
                doubt: None,
            }),
        }
    }
}

impl PostData {
    fn form(&self) -> String {
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let fields: Vec<String> = self
            .params
            .iter()
            .map(|field| {
                let value = field.value.as_deref().unwrap_or_default();
                format!("{}={}", encoded(&field.name), encoded(value))
            })
            .collect();
        fields.join("&")
    }
}

impl HarResponse {
    /// Returns the body without transfer and content codings.
    ///
    /// The HAR specification demands decoded bodies, and browsers write decoded bodies whatever `Content-Encoding` says. Other
    /// programs write the bytes of the wire in base64. Base64 is read leniently: characters outside of its alphabet are skipped.
    ///
    /// # Errors
    ///
    /// If the decompressed body is larger than 64 MiB.
    pub fn body(&self) -> Result<Bytes, HarBodyError> {
        Ok(self.decoded_body()?.bytes.into())
    }

    pub(crate) fn decoded_body(&self) -> Result<Decoded, HarBodyError> {
        let text = self.content.text.as_deref().unwrap_or_default();
        Decoded::of(text, self.content.encoding.as_deref(), &self.headers)
    }
}

/// A decoded body.
#[derive(Default)]
pub(crate) struct Decoded {
    pub(crate) bytes: Vec<u8>,
    /// The reason why the bytes may be incomplete or still compressed.
    pub(crate) doubt: Option<String>,
}

impl Decoded {
    /// Decodes a body from its text in the file. `headers` are those of the message.
    pub(crate) fn of(
        text: &str,
        encoding: Option<&str>,
        headers: &[HarHeader],
    ) -> Result<Self, HarBodyError> {
        let encoding = encoding.unwrap_or_default().trim();
        if encoding.eq_ignore_ascii_case("base64") {
            let (bytes, doubt) = from_base64(text);
            let mut decoded = Self::of_wire(bytes, headers)?;
            decoded.doubt = doubt.or(decoded.doubt);
            return Ok(decoded);
        }
        // Some programs write a compressed body as text, with one character for each byte.
        if text.contains(is_binary)
            && let Some(bytes) = text.chars().map(|c| u8::try_from(c).ok()).collect()
        {
            let decoded = Self::of_wire(bytes, headers)?;
            if decoded.doubt.is_none() {
                return Ok(decoded);
            }
        }
        Ok(Self {
            bytes: text.as_bytes().to_vec(),
            doubt: None,
        })
    }

    /// Removes the transfer and content codings from the bytes of the wire. The headers may name codings that the recording
    /// program has already removed; such a coding is ignored.
    pub(crate) fn of_wire(mut bytes: Vec<u8>, headers: &[HarHeader]) -> Result<Self, HarBodyError> {
        if listed(headers, "transfer-encoding").any(|coding| coding.eq_ignore_ascii_case("chunked"))
            && let Some(whole) = unchunked(&bytes)
        {
            bytes = whole;
        }
        let mut doubt = None;
        let codings: Vec<&str> = listed(headers, "content-encoding").collect();
        for name in codings.iter().rev().take(MOST_CODINGS) {
            let Some(coding) = Coding::named(name) else {
                if !name.eq_ignore_ascii_case("identity") && !bytes.is_empty() {
                    doubt = Some(format!("its coding {name} is not supported"));
                }
                break;
            };
            match decode(coding, &bytes)? {
                Some(decoded) => bytes = decoded,
                // The recording program had decoded the body.
                None => break,
            }
        }
        for _ in 0..MOST_CODINGS {
            let Some(coding) = Coding::sniffed(&bytes) else {
                break;
            };
            match decode(coding, &bytes)? {
                Some(decoded) => bytes = decoded,
                None => {
                    doubt = Some(format!("it begins as {coding:?} and cannot be decoded"));
                    break;
                }
            }
        }
        // These two formats have no signature. Bytes of another format decode to text only by chance.
        if codings.is_empty() && std::str::from_utf8(&bytes).is_err() {
            for coding in [Coding::Brotli, Coding::Deflate] {
                if let Some(decoded) = decode(coding, &bytes)?
                    && !decoded.is_empty()
                    && std::str::from_utf8(&decoded).is_ok_and(|text| !text.contains(is_binary))
                {
                    bytes = decoded;
                    break;
                }
            }
        }
        Ok(Self { bytes, doubt })
    }
}

/// Whether the character occurs in binary data only.
pub(crate) fn is_binary(c: char) -> bool {
    c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r' | '\x0c' | '\x1b')
}

/// Decodes the bytes. Returns `None` if they are not in this coding.
fn decode(coding: Coding, bytes: &[u8]) -> Result<Option<Vec<u8>>, HarBodyError> {
    match coding.decode(bytes, UNPACKED_LIMIT) {
        Ok(Some(decoded)) => Ok(Some(decoded)),
        Ok(None) => Err(HarBodyError(format!(
            "the body unpacks to more than {UNPACKED_LIMIT} bytes"
        ))),
        Err(_) => Ok(None),
    }
}

/// The items of the comma-separated lists in all headers with this name.
fn listed<'a>(headers: &'a [HarHeader], name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = move |header: &&HarHeader| header.name.eq_ignore_ascii_case(name);
    let values = headers.iter().filter(named);
    let items = values.flat_map(|header| header.value.split([',', '\n']));
    items.map(str::trim).filter(|item| !item.is_empty())
}

/// Joins the chunks of a chunked body. Returns `None` if the bytes are not completely chunked.
fn unchunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
        let size = std::str::from_utf8(bytes.get(..end)?).ok()?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        bytes = bytes.get(end + 2..)?;
        if size == 0 {
            return Some(whole);
        }
        whole.extend_from_slice(bytes.get(..size)?);
        bytes = bytes.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Decodes base64 in either alphabet, with or without padding and line breaks. The second value is the reason why bytes may
/// be missing.
fn from_base64(text: &str) -> (Vec<u8>, Option<String>) {
    let mut stray = 0_usize;
    let mut digits: Vec<u8> = Vec::with_capacity(text.len());
    for byte in text.trim_end().trim_end_matches('=').bytes() {
        match byte {
            b'-' => digits.push(b'+'),
            b'_' => digits.push(b'/'),
            b'+' | b'/' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => digits.push(byte),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => stray += 1,
        }
    }
    if digits.len() % 4 == 1 {
        digits.pop();
        stray += 1;
    }
    let doubt = (stray > 0).then(|| format!("its base64 has invalid characters ({stray})"));
    // Decoding cannot fail: the text has only digits of base64, and a possible length.
    (BASE64.decode(&digits).unwrap_or_default(), doubt)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use base64::prelude::BASE64_STANDARD;
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn headers(pairs: &[(&str, &str)]) -> Vec<HarHeader> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| HarHeader::new(name, (*value).to_owned()))
            .collect()
    }

    fn read(bytes: &[u8], pairs: &[(&str, &str)]) -> (Vec<u8>, Option<String>) {
        let text = BASE64_STANDARD.encode(bytes);
        let decoded = Decoded::of(&text, Some("Base64"), &headers(pairs)).unwrap();
        (decoded.bytes, decoded.doubt)
    }

    #[test]
    fn every_coding_comes_off_whether_it_is_named_or_not() {
        let chunked = b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        for (bytes, pairs) in [
            (gzip(b"abcde"), &[("Content-Encoding", "gzip")][..]),
            (gzip(b"abcde"), &[]),
            (gzip(&gzip(b"abcde")), &[("content-encoding", "gzip, gzip")]),
            (
                gzip(&gzip(b"abcde")),
                &[("content-encoding", "gzip"), ("Content-encoding", "x-gzip")],
            ),
            (gzip(&gzip(b"abcde")), &[("content-encoding", "gzip")]),
            (chunked.to_vec(), &[("Transfer-Encoding", "Chunked")]),
            (
                b"abcde".to_vec(),
                &[("content-encoding", "br"), ("transfer-encoding", "chunked")],
            ),
        ] {
            assert_eq!(read(&bytes, pairs), (b"abcde".to_vec(), None), "{pairs:?}");
        }
    }

    #[test]
    fn compressed_bytes_that_were_taken_for_characters_are_decoded() {
        let text: String = gzip("päge".as_bytes())
            .into_iter()
            .map(char::from)
            .collect();
        let decoded = Decoded::of(&text, None, &[]).unwrap();
        assert_eq!(String::from_utf8(decoded.bytes).unwrap(), "päge");
    }

    #[test]
    fn what_may_still_be_coded_is_doubted() {
        let (_, doubt) = read(b"abc", &[("content-encoding", "compress")]);
        assert_eq!(doubt.unwrap(), "its coding compress is not supported");
        let (_, doubt) = read(&gzip(b"a long text that is cut off")[..20], &[]);
        assert!(doubt.unwrap().starts_with("it begins as Gzip"));
    }

    #[test]
    fn base64_is_read_leniently_and_doubted_if_it_is_not_clean() {
        for (text, bytes, is_clean) in [
            ("YWI/", "ab?", true),
            ("YWI_\r\n", "ab?", true),
            ("YQ", "a", true),
            ("YR==", "a", true),
            ("Y*Q=", "a", false),
            ("?", "", false),
            ("YWJjZ", "abc", false),
        ] {
            let (read, doubt) = from_base64(text);
            assert_eq!(String::from_utf8(read).unwrap(), bytes, "{text}");
            assert_eq!(doubt.is_none(), is_clean, "{text}");
        }
        let (_, doubt) = from_base64("Y*Q=");
        assert_eq!(doubt.unwrap(), "its base64 has invalid characters (1)");
    }
}
