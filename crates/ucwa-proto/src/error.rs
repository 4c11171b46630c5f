//! Errors of decoders, with positions.

use std::{cell::Cell, fmt};

/// A body could not be decoded.
///
/// The error text never quotes the body, so it may be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at {position}")]
pub struct DecodeError {
    kind: DecodeErrorKind,
    position: Position,
}

impl DecodeError {
    pub(crate) fn new(kind: DecodeErrorKind, position: Position) -> Self {
        Self { kind, position }
    }

    pub(crate) fn at(kind: DecodeErrorKind, body: &[u8], offset: usize) -> Self {
        Self::new(kind, Position::of(body, offset))
    }

    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> &DecodeErrorKind {
        &self.kind
    }

    /// The position of the error.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }
}

/// A failure inside a decoder, before its position in lines and columns is counted.
pub(crate) struct Fail {
    pub(crate) kind: DecodeErrorKind,
    /// Bytes of the text before the failure.
    pub(crate) offset: usize,
}

/// The result of a step of a decoder.
pub(crate) type Read<T> = Result<T, Fail>;

/// The kind of a [`DecodeError`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The body is empty or white space.
    #[error("the body is empty")]
    Empty,
    /// The bytes are not UTF-8.
    #[error("the body is not UTF-8")]
    Encoding,
    /// The text breaks the grammar of JSON, XML, or MIME.
    #[error("{0}")]
    Syntax(&'static str),
    /// The body is well-formed but not UCWA, such as a link that is a number, or an event without a link.
    #[error("{0}")]
    Structure(&'static str),
    /// The body is longer than [`Limits::body_bytes`](crate::Limits::body_bytes).
    #[error("the body is longer than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The body nests deeper than [`Limits::depth`](crate::Limits::depth).
    #[error("the body nests deeper than {limit} levels")]
    TooDeep {
        /// The limit in levels.
        limit: usize,
    },
    /// The page has more events, senders or malformed parts than [`Limits::events`](crate::Limits::events).
    #[error("the page has more than {limit} events, senders or malformed parts")]
    TooManyEvents {
        /// The limit in events.
        limit: usize,
    },
    /// A resource has links, or embedded resources, with more than a thousand different names.
    #[error("a resource has more than {limit} members of one kind")]
    TooManyMembers {
        /// The limit in names.
        limit: usize,
    },
    /// The batch has more parts than [`Limits::parts`](crate::Limits::parts).
    #[error("the batch has more than {limit} parts")]
    TooManyParts {
        /// The limit in parts.
        limit: usize,
    },
    /// The XML has a document type declaration, which UCWA never sends.
    #[error("a document type declaration is not allowed")]
    DocumentType,
}

/// A position in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The number of bytes before the position.
    pub offset: usize,
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
}

impl Position {
    const START: Self = Self {
        offset: 0,
        line: 1,
        column: 1,
    };

    /// The position after `offset` bytes of `body`.
    pub(crate) fn of(body: &[u8], offset: usize) -> Self {
        Self::START.forward(body, offset)
    }

    /// The position after `offset` bytes of `body`. Counts from this position if that is not behind it.
    fn forward(self, body: &[u8], offset: usize) -> Self {
        let from = if offset < self.offset {
            Self::START
        } else {
            self
        };
        let offset = offset.min(body.len());
        let between = body.get(from.offset..offset).unwrap_or_default();
        let lines = between.iter().filter(|&&byte| byte == b'\n').count();
        let column = match between.iter().rposition(|&byte| byte == b'\n') {
            Some(at) => between.len() - at,
            None => from.column + between.len(),
        };
        Self {
            offset,
            line: from.line + lines,
            column,
        }
    }
}

/// Counts positions in a body from the previous one, so that many errors in one body take linear time.
pub(crate) struct PositionCounter<'a> {
    body: &'a [u8],
    last: Cell<Position>,
}

impl<'a> PositionCounter<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self {
            body,
            last: Cell::new(Position::START),
        }
    }

    pub(crate) fn error(&self, kind: DecodeErrorKind, offset: usize) -> DecodeError {
        let position = self.last.get().forward(self.body, offset);
        self.last.set(position);
        DecodeError::new(kind, position)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {} (byte {})",
            self.line, self.column, self.offset
        )
    }
}
