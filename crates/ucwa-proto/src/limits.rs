//! Limits against hostile input.

use std::borrow::Cow;

use crate::{DecodeError, DecodeErrorKind};

/// The limits on the input of a decoder. A body that exceeds a limit gives a typed error with its position.
///
/// The defaults are far above the bodies of real servers: the largest pages have some hundred kilobytes, and the
/// deepest resources nest ten containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest body, in bytes. 8 MiB by default.
    pub body_bytes: usize,
    /// The deepest nesting of objects, arrays or elements. 64 by default. Values above 100 count as 100.
    pub depth: usize,
    /// The most events in one page, the most senders, and the most malformed parts. 10 000 by default.
    pub events: usize,
    /// The most parts in one batch body. 1000 by default.
    pub parts: usize,
}

impl Limits {
    /// The upper bound of `depth`, so that recursion stays within the stack.
    const DEEPEST: usize = 100;

    pub(crate) fn nesting(&self) -> usize {
        self.depth.min(Self::DEEPEST)
    }

    /// Replaces the bytes of a body that are not UTF-8 by U+FFFD. Returns the text, which may be longer than the body, and
    /// the limits for decoding it. The length of the body itself was checked before.
    pub(crate) fn repaired<'a>(&self, body: &'a [u8]) -> (Cow<'a, str>, Self) {
        let limits = Self {
            body_bytes: usize::MAX,
            ..*self
        };
        (String::from_utf8_lossy(body), limits)
    }

    /// Checks the length and the encoding of a body. Returns its text without the byte order mark, and the offset of the
    /// text.
    pub(crate) fn text<'a>(&self, body: &'a [u8]) -> Result<(&'a str, usize), DecodeError> {
        if body.len() > self.body_bytes {
            let limit = self.body_bytes;
            return Err(DecodeError::at(
                DecodeErrorKind::TooLarge { limit },
                body,
                limit,
            ));
        }
        let text = std::str::from_utf8(body).map_err(|error| {
            DecodeError::at(DecodeErrorKind::Encoding, body, error.valid_up_to())
        })?;
        let (text, start) = text
            .strip_prefix('\u{feff}')
            .map_or((text, 0), |text| (text, 3));
        if text.trim_ascii().is_empty() {
            return Err(DecodeError::at(DecodeErrorKind::Empty, body, body.len()));
        }
        Ok((text, start))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 8 * 1024 * 1024,
            depth: 64,
            events: 10_000,
            parts: 1000,
        }
    }
}
