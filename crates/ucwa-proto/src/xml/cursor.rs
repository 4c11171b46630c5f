//! XML as a sequence of tokens that borrow from the text.

use std::borrow::Cow;

use quick_xml::{Reader, escape::EscapeError, events::Event};

use crate::{DecodeError, DecodeErrorKind, Limits, error::Places};

pub(super) struct Cursor<'a> {
    reader: Reader<&'a [u8]>,
    places: Places<'a>,
    text: &'a str,
    /// Bytes of the body before the text: the byte order mark.
    start: usize,
    depth: usize,
    limit: usize,
}

pub(super) enum Token<'a> {
    /// A start tag; its end tag is still to come.
    Start(Element<'a>),
    /// An element without content.
    Empty(Element<'a>),
    /// The end tag of the innermost open element.
    End,
    /// Text between tags; one text may come in several pieces.
    Text(Cow<'a, str>),
    /// The end of the document.
    Eof,
}

/// A start tag.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    /// Its name without prefix.
    pub(super) name: &'a str,
    attributes: &'a str,
    start: usize,
    /// Where its attributes begin.
    offset: usize,
}

impl Element<'_> {
    /// Where its tag begins.
    pub(super) fn start(&self) -> usize {
        self.start
    }
}

impl<'a> Cursor<'a> {
    pub(super) fn new(body: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let (text, start) = limits.text(body)?;
        Ok(Self {
            reader: Reader::from_str(text),
            places: Places::new(body),
            text,
            start,
            depth: 0,
            limit: limits.nesting(),
        })
    }

    /// Open elements.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Bytes of the text read so far.
    pub(super) fn offset(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    /// What stands between two offsets.
    pub(super) fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// The error, here.
    pub(super) fn fail(&self, kind: DecodeErrorKind) -> DecodeError {
        self.fail_at(kind, self.offset())
    }

    pub(super) fn fail_at(&self, kind: DecodeErrorKind, offset: usize) -> DecodeError {
        self.places.error(kind, self.start + offset)
    }

    pub(super) fn structure(&self, what: &'static str) -> DecodeError {
        self.fail(DecodeErrorKind::Structure(what))
    }

    pub(super) fn next(&mut self) -> Result<Token<'a>, DecodeError> {
        loop {
            let event = self.reader.read_event();
            let event = match event {
                Ok(event) => event,
                Err(_) => {
                    let at = usize::try_from(self.reader.error_position()).unwrap_or(usize::MAX);
                    return Err(self.fail_at(
                        DecodeErrorKind::Syntax("the body is not well-formed XML"),
                        at,
                    ));
                }
            };
            return Ok(match event {
                Event::Start(tag) => {
                    // Open in any case, so that it can be skipped.
                    self.depth += 1;
                    if self.depth > self.limit {
                        return Err(self.fail(DecodeErrorKind::TooDeep { limit: self.limit }));
                    }
                    Token::Start(self.element(tag.len(), tag.name().0.len(), 1))
                }
                Event::Empty(tag) => Token::Empty(self.element(tag.len(), tag.name().0.len(), 2)),
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    Token::End
                }
                Event::Text(text) => Token::Text(without_carriage_returns(text.into_inner())),
                Event::CData(text) => Token::Text(without_carriage_returns(text.into_inner())),
                Event::GeneralRef(reference) => {
                    let c = match reference.resolve_char_ref() {
                        // Servers write control characters so, although XML has no place for them.
                        Ok(Some(c)) => c,
                        Ok(None) => match &*reference {
                            "amp" => '&',
                            "lt" => '<',
                            "gt" => '>',
                            "quot" => '"',
                            "apos" => '\'',
                            _ => return Err(self.fail(DecodeErrorKind::Entity)),
                        },
                        Err(_) => {
                            return Err(self.fail(DecodeErrorKind::Syntax(
                                "a character reference names no character",
                            )));
                        }
                    };
                    Token::Text(Cow::Owned(c.to_string()))
                }
                Event::DocType(_) => return Err(self.fail(DecodeErrorKind::DocumentType)),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => continue,
                Event::Eof => {
                    if self.depth > 0 {
                        return Err(self.fail(DecodeErrorKind::Syntax("the XML ends too early")));
                    }
                    Token::Eof
                }
            });
        }
    }

    /// The tag that was just read: `length` bytes of content before `closing` bytes of end.
    fn element(&self, length: usize, name: usize, closing: usize) -> Element<'a> {
        let end = self.offset().saturating_sub(closing);
        let offset = end.saturating_sub(length);
        let content = self.slice(offset, end);
        let (name, attributes) = content.split_at_checked(name).unwrap_or((content, ""));
        Element {
            name: name.rsplit(':').next().unwrap_or(name),
            attributes,
            start: offset.saturating_sub(1),
            offset: offset + name.len(),
        }
    }

    /// Reads on until the element that is open at `depth` is closed.
    pub(super) fn skip_to(&mut self, depth: usize) -> Result<(), DecodeError> {
        // The limit guards the stack, and nothing is stacked here.
        let limit = std::mem::replace(&mut self.limit, usize::MAX);
        let skipped = self.skip_unlimited(depth);
        self.limit = limit;
        skipped
    }

    fn skip_unlimited(&mut self, depth: usize) -> Result<(), DecodeError> {
        while self.depth >= depth {
            if let Token::Eof = self.next()? {
                break;
            }
        }
        Ok(())
    }

    /// Calls `f` with every attribute but namespace declarations; the name is without its prefix if that is `xsi`.
    pub(super) fn attributes(
        &self,
        element: Element<'a>,
        mut f: impl FnMut(&'a str, Cow<'a, str>),
    ) -> Result<(), DecodeError> {
        let text = element.attributes;
        let bytes = text.as_bytes();
        let byte = |at: usize| bytes.get(at).copied();
        let mut at = 0;
        loop {
            while byte(at).is_some_and(is_space) {
                at += 1;
            }
            if at >= bytes.len() {
                return Ok(());
            }
            let broken = |at| {
                self.fail_at(
                    DecodeErrorKind::Syntax("an attribute is broken"),
                    element.offset + at,
                )
            };
            let begin = at;
            while byte(at)
                .is_some_and(|byte| !is_space(byte) && !matches!(byte, b'=' | b'"' | b'\'' | b'<'))
            {
                at += 1;
            }
            let name = text
                .get(begin..at)
                .filter(|name| !name.is_empty())
                .ok_or_else(|| broken(at))?;
            while byte(at).is_some_and(is_space) {
                at += 1;
            }
            if byte(at) != Some(b'=') {
                return Err(broken(at));
            }
            at += 1;
            while byte(at).is_some_and(is_space) {
                at += 1;
            }
            let quote = byte(at)
                .filter(|quote| matches!(quote, b'"' | b'\''))
                .ok_or_else(|| broken(at))?;
            at += 1;
            let length = memchr::memchr(quote, bytes.get(at..).unwrap_or_default())
                .ok_or_else(|| broken(at))?;
            let raw = text.get(at..at + length).unwrap_or_default();
            at += length + 1;
            if !name.starts_with("xmlns") {
                // A plain loop without a way out is one that the compiler turns into wide instructions.
                let special = raw.bytes().fold(false, |special, byte| {
                    special | (byte < 0x20) | (byte == b'&') | (byte == b'<')
                });
                let value = if special {
                    self.special_value(raw, element)?
                } else {
                    Cow::Borrowed(raw)
                };
                f(name.strip_prefix("xsi:").unwrap_or(name), value);
            }
        }
    }

    /// The value of an attribute that holds references or white space other than blanks.
    fn special_value(&self, raw: &str, element: Element<'a>) -> Result<Cow<'a, str>, DecodeError> {
        let spaced = raw.replace("\r\n", " ").replace(['\t', '\n', '\r'], " ");
        let kind = match quick_xml::escape::unescape(&spaced) {
            Ok(_) if raw.contains('<') => {
                DecodeErrorKind::Syntax("an attribute holds a less-than sign")
            }
            Ok(text) => return Ok(Cow::Owned(text.into_owned())),
            Err(EscapeError::UnrecognizedEntity(..)) => DecodeErrorKind::Entity,
            Err(_) => DecodeErrorKind::Syntax("a character reference is broken"),
        };
        Err(self.fail_at(kind, element.offset))
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// XML reads every line end as a line feed.
fn without_carriage_returns(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        text
    }
}
