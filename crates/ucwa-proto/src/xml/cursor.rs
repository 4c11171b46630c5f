//! A sequence of XML tokens that borrow from the text.

use std::borrow::Cow;

use quick_xml::{Reader, events::Event};

use super::{recovery::end_of_element, reference};
use crate::{
    DecodeError, DecodeErrorKind, Limits,
    error::{Fail, PositionCounter, Read},
};

pub(super) struct Cursor<'a> {
    reader: Reader<&'a [u8]>,
    /// The number of bytes of the text before the input of the reader.
    base: usize,
    positions: PositionCounter<'a>,
    text: &'a str,
    /// The number of bytes before the text: the length of the byte order mark.
    start: usize,
    /// The names of the open elements, with their prefixes.
    open: Vec<&'a str>,
    limit: usize,
}

pub(super) enum Token<'a> {
    /// A start tag, or an empty element.
    Start(Element<'a>),
    /// The end tag of the innermost open element.
    End,
    /// Text between tags. A text may be split into several tokens.
    Text(Cow<'a, str>),
    /// The end of the document.
    Eof,
}

/// A start tag.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    /// The name without prefix.
    pub(super) name: &'a str,
    /// Whether it has no content and no end tag.
    pub(super) is_empty: bool,
    attributes: &'a str,
    /// The offset of the tag.
    start: usize,
    /// The number of bytes of the tag before the attributes.
    before_attributes: u32,
    /// The number of open elements around it, which the limit of the nesting bounds.
    depth: u16,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(body: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let (text, start) = limits.text(body)?;
        Ok(Self {
            reader: reader(text),
            base: 0,
            positions: PositionCounter::new(body),
            text,
            start,
            // A page has five levels down to the properties of an embedded resource.
            open: Vec::with_capacity(8),
            limit: limits.nesting(),
        })
    }

    /// The number of bytes of the text that were read.
    #[inline(always)]
    pub(super) fn offset(&self) -> usize {
        self.base + usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    pub(super) fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// The text from the tag of an element to the current position.
    pub(super) fn text_from(&self, element: Element<'a>) -> &'a str {
        self.slice(element.start, self.offset())
    }

    /// A failure at the current position.
    pub(super) fn failure(&self, kind: DecodeErrorKind) -> Fail {
        Fail {
            kind,
            offset: self.offset(),
        }
    }

    pub(super) fn syntax(&self, what: &'static str) -> Fail {
        self.failure(DecodeErrorKind::Syntax(what))
    }

    pub(super) fn structure(&self, what: &'static str) -> Fail {
        self.failure(DecodeErrorKind::Structure(what))
    }

    /// Converts a failure into an error with a position in the body.
    pub(super) fn error(&self, fail: Fail) -> DecodeError {
        self.positions.error(fail.kind, self.start + fail.offset)
    }

    pub(super) fn next(&mut self) -> Read<Token<'a>> {
        loop {
            let Ok(event) = self.reader.read_event() else {
                let at = usize::try_from(self.reader.error_position()).unwrap_or(usize::MAX);
                return Err(Fail {
                    kind: DecodeErrorKind::Syntax("the body is not well-formed XML"),
                    offset: self.base.saturating_add(at),
                });
            };
            return Ok(match event {
                Event::Start(tag) => {
                    let (element, name) = self.element(tag.len(), tag.name().0.len(), false);
                    self.open.push(name);
                    if self.open.len() > self.limit {
                        return Err(self.failure(DecodeErrorKind::TooDeep { limit: self.limit }));
                    }
                    Token::Start(element)
                }
                Event::Empty(tag) => {
                    Token::Start(self.element(tag.len(), tag.name().0.len(), true).0)
                }
                Event::End(tag) => {
                    if self.open.pop() != Some(tag.name().0) {
                        return Err(self.syntax("an end tag matches no start tag"));
                    }
                    Token::End
                }
                Event::Text(text) => Token::Text(without_carriage_returns(text.into_inner())),
                Event::CData(text) => Token::Text(without_carriage_returns(text.into_inner())),
                Event::GeneralRef(name) => Token::Text(match reference::character(&name) {
                    Some(c) => Cow::Owned(c.to_string()),
                    None => {
                        let end = self.offset();
                        Cow::Borrowed(self.slice(end.saturating_sub(name.len() + 2), end))
                    }
                }),
                Event::DocType(_) => return Err(self.failure(DecodeErrorKind::DocumentType)),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => continue,
                Event::Eof => {
                    if !self.open.is_empty() {
                        return Err(self.syntax("the XML ends too early"));
                    }
                    Token::Eof
                }
            });
        }
    }

    /// The tag before the current position, and its name with prefix. The content of the tag has `length` bytes, of which
    /// the first `name` bytes are the name.
    #[inline(always)]
    fn element(&self, length: usize, name: usize, is_empty: bool) -> (Element<'a>, &'a str) {
        let end = self
            .offset()
            .saturating_sub(if is_empty { "/>".len() } else { ">".len() });
        let offset = end.saturating_sub(length);
        let content = self.slice(offset, end);
        let (name, attributes) = content.split_at_checked(name).unwrap_or((content, ""));
        let element = Element {
            name: without_prefix(name),
            is_empty,
            attributes,
            start: offset.saturating_sub(1),
            before_attributes: u32::try_from(1 + name.len()).unwrap_or(u32::MAX),
            depth: u16::try_from(self.open.len()).unwrap_or(u16::MAX),
        };
        (element, name)
    }

    /// Moves to the end of an element that failed with `fail`. Fails with `fail` if the element never ends.
    pub(super) fn recover(&mut self, element: Element<'a>, fail: Fail) -> Read<Fail> {
        self.open.truncate(usize::from(element.depth));
        let Some(end) = end_of_element(self.text, element.start, &self.open) else {
            return Err(fail);
        };
        self.base = end;
        self.reader = reader(self.slice(end, self.text.len()));
        Ok(fail)
    }

    /// Moves to the end of an element without reading its content.
    pub(super) fn skip(&mut self, element: Element<'a>) -> Read<()> {
        if !element.is_empty {
            while self.open.len() > usize::from(element.depth) {
                self.next()?;
            }
        }
        Ok(())
    }

    /// Calls `f` with each attribute except namespace declarations. The prefix `xsi` is removed from names.
    ///
    /// Calls `f` for all well-formed attributes, then fails if there is a malformed one.
    pub(super) fn attributes(
        &self,
        element: Element<'a>,
        mut f: impl FnMut(&'a str, Cow<'a, str>),
    ) -> Read<()> {
        let text = element.attributes;
        let mut fail = None;
        let mut at = 0;
        while let Some(begin) = next_attribute(text, at) {
            match attribute(text, begin) {
                Ok((name, raw, end)) => {
                    at = end;
                    if name.starts_with("xmlns") {
                        continue;
                    }
                    match attribute_value(raw) {
                        Ok(value) => f(name.strip_prefix("xsi:").unwrap_or(name), value),
                        Err(kind) => {
                            fail.get_or_insert((kind, begin));
                        }
                    }
                }
                Err(broken) => {
                    let kind = DecodeErrorKind::Syntax("an attribute is broken");
                    fail.get_or_insert((kind, broken));
                    let rest = text.bytes().skip(begin).take_while(|&byte| !is_space(byte));
                    at = begin + rest.count();
                }
            }
        }
        match fail {
            None => Ok(()),
            Some((kind, at)) => Err(Fail {
                kind,
                offset: element.start + element.before_attributes as usize + at,
            }),
        }
    }
}

/// A reader of a text. The cursor itself checks end tags, so that it can continue after one that matches no start tag.
fn reader(text: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    reader
}

/// A name without its namespace prefix.
fn without_prefix(name: &str) -> &str {
    // Names are short, so this loop is faster than a search for a substring.
    match name.bytes().rposition(|byte| byte == b':') {
        Some(colon) => name.get(colon + 1..).unwrap_or_default(),
        None => name,
    }
}

/// The index of the first attribute at or behind `at`.
#[inline(always)]
fn next_attribute(text: &str, at: usize) -> Option<usize> {
    let rest = text.as_bytes().get(at..)?;
    let spaces = rest.iter().position(|&byte| !is_space(byte))?;
    Some(at + spaces)
}

/// The name, the raw value and the end of the attribute at `begin`, or the index of the error.
#[inline(always)]
fn attribute(text: &str, begin: usize) -> Result<(&str, &str, usize), usize> {
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied();
    let mut at = begin;
    while byte(at)
        .is_some_and(|byte| !is_space(byte) && !matches!(byte, b'=' | b'"' | b'\'' | b'<'))
    {
        at += 1;
    }
    let name = text
        .get(begin..at)
        .filter(|name| !name.is_empty())
        .ok_or(at)?;
    while byte(at).is_some_and(is_space) {
        at += 1;
    }
    if byte(at) != Some(b'=') {
        return Err(at);
    }
    at += 1;
    while byte(at).is_some_and(is_space) {
        at += 1;
    }
    let quote = byte(at)
        .filter(|quote| matches!(quote, b'"' | b'\''))
        .ok_or(at)?;
    at += 1;
    let length = memchr::memchr(quote, bytes.get(at..).unwrap_or_default()).ok_or(at)?;
    let raw = text.get(at..at + length).unwrap_or_default();
    Ok((name, raw, at + length + 1))
}

#[inline(always)]
fn attribute_value(raw: &str) -> Result<Cow<'_, str>, DecodeErrorKind> {
    // The compiler vectorizes a loop that always runs to its end.
    let special = raw.bytes().fold(false, |special, byte| {
        special | (byte < 0x20) | (byte == b'&') | (byte == b'<')
    });
    if !special {
        return Ok(Cow::Borrowed(raw));
    }
    if raw.contains('<') {
        return Err(DecodeErrorKind::Syntax(
            "an attribute contains a less-than sign",
        ));
    }
    let spaced = raw.replace("\r\n", " ").replace(['\t', '\n', '\r'], " ");
    Ok(Cow::Owned(reference::resolve(&spaced)))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Converts line ends to line feeds, as XML requires.
fn without_carriage_returns(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        text
    }
}
