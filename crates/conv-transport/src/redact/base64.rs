//! Lenient base64: accepts either alphabet or a mix of both, with or without padding, and with a truncated end.

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

const ANY_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD_ANY: GeneralPurpose = GeneralPurpose::new(&STANDARD, ANY_PADDING);
const URL_SAFE_ANY: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, ANY_PADDING);

/// The alphabet of a text in base64.
pub(super) struct Base64 {
    is_url_safe: bool,
}

impl Base64 {
    /// Returns the alphabet of these digits. A mix of both alphabets is read as the URL-safe alphabet.
    pub(super) fn of(digits: &[u8]) -> Self {
        Self {
            is_url_safe: digits.iter().any(|digit| b"-_".contains(digit)),
        }
    }

    fn engine(&self) -> &'static GeneralPurpose {
        if self.is_url_safe {
            &URL_SAFE_ANY
        } else {
            &STANDARD_ANY
        }
    }

    /// Returns the number of digits that can be decoded. A single digit after a group of four cannot.
    pub(super) fn decodable(digits: &[u8]) -> usize {
        digits.len() - usize::from(digits.len() % 4 == 1)
    }

    /// Decodes digits without padding. Unused bits are ignored.
    pub(super) fn decode(&self, digits: &[u8]) -> Option<Vec<u8>> {
        let digits = digits.get(..Self::decodable(digits))?;
        let uniform = digits.iter().map(|digit| match (digit, self.is_url_safe) {
            (b'+', true) => b'-',
            (b'/', true) => b'_',
            _ => *digit,
        });
        self.engine().decode(uniform.collect::<Vec<u8>>()).ok()
    }

    /// Encodes bytes without padding.
    pub(super) fn encode(&self, bytes: &[u8]) -> String {
        self.engine().encode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alphabet_is_decoded() {
        for digits in ["++//AAE=", "--__AAE", "+-/_AAE", "++//AAH", "++//AAEx8"] {
            let digits = digits.trim_end_matches('=').as_bytes();
            let base64 = Base64::of(digits);
            let bytes = base64.decode(digits).unwrap();
            assert_eq!(bytes.get(..5), Some(&[0xfb, 0xef, 0xff, 0, 1][..]));
        }
        assert_eq!(Base64::of(b"AA.A").decode(b"AA.A"), None);
        assert_eq!(Base64::of(b"--__").encode(&[0xfb, 0xef, 0xff, 0]), "--__AA");
        assert_eq!(Base64::of(b"AAAA").encode(&[0xfb, 0xef, 0xff, 0]), "++//AA");
    }
}
