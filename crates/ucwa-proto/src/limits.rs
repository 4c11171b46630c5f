//! Limits against hostile input.

use std::borrow::Cow;

use crate::{DecodeError, DecodeErrorKind};

/// What a decoder accepts at most; exceeding a limit is a typed error with its position, never a crash.
///
/// The defaults are far above what a server sends: its largest pages are some hundred kilobytes, its deepest
/// resources nest ten containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest body, in bytes. 8 MiB by default.
    pub body_bytes: usize,
    /// How deep objects, arrays or elements may nest. 64 by default; more than 100 has no effect.
    pub depth: usize,
    /// The most events in one page, the most senders, and the most malformed parts. 10 000 by default.
    pub events: usize,
    /// The most parts in one batch body. 1000 by default.
    pub parts: usize,
}

impl Limits {
    /// The deepest nesting that any setting allows, so that recursion stays within the stack.
    const DEEPEST: usize = 100;

    pub(crate) fn nesting(&self) -> usize {
        self.depth.min(Self::DEEPEST)
    }

    /// A body that is not UTF-8 with U+FFFD in the place of what is not, and the limits for decoding it. The text may be
    /// longer than the body, whose length is within the limit.
    pub(crate) fn repaired<'a>(&self, body: &'a [u8]) -> (Cow<'a, str>, Self) {
        let limits = Self {
            body_bytes: usize::MAX,
            ..*self
        };
        (String::from_utf8_lossy(body), limits)
    }

    /// The text of a body that is not too long, and where it starts: behind the byte order mark, if there is one.
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
