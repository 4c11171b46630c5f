//! XML as a sequence of tokens that borrow from the text.

use std::borrow::Cow;

use quick_xml::{Reader, events::Event};

use super::{recovery::end_of_element, reference};
use crate::{
    DecodeError, DecodeErrorKind, Limits,
    error::{Fail, Places, Read},
};

pub(super) struct Cursor<'a> {
    reader: Reader<&'a [u8]>,
    /// Bytes of the text before the reader's first.
    base: usize,
    places: Places<'a>,
    text: &'a str,
    /// Bytes of the body before the text: the byte order mark.
    start: usize,
    /// The names of the open elements, with their prefixes.
    open: Vec<&'a str>,
    limit: usize,
}

pub(super) enum Token<'a> {
    /// A start tag. Unless the element is empty, its end tag is still to come.
    Start(Element<'a>),
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
    /// Whether it has no content and no end tag.
    pub(super) is_empty: bool,
    attributes: &'a str,
    /// Where its tag begins.
    start: usize,
    /// Where its attributes begin.
    offset: usize,
    /// The elements that are open around it.
    depth: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(body: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let (text, start) = limits.text(body)?;
        Ok(Self {
            reader: reader(text),
            base: 0,
            places: Places::new(body),
            text,
            start,
            open: Vec::new(),
            limit: limits.nesting(),
        })
    }

    /// Bytes of the text read so far.
    pub(super) fn offset(&self) -> usize {
        self.base + usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    pub(super) fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// The text from the tag of an element up to here.
    pub(super) fn text_from(&self, element: Element<'a>) -> &'a str {
        self.slice(element.start, self.offset())
    }

    /// A failure here.
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

    /// The failure as an error of the whole body.
    pub(super) fn error(&self, fail: Fail) -> DecodeError {
        self.places.error(fail.kind, self.start + fail.offset)
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

    /// The tag that was just read, with its whole name. It has `length` bytes of content, which begin with `name`
    /// bytes of name.
    fn element(&self, length: usize, name: usize, is_empty: bool) -> (Element<'a>, &'a str) {
        let end = self
            .offset()
            .saturating_sub(if is_empty { "/>".len() } else { ">".len() });
        let offset = end.saturating_sub(length);
        let content = self.slice(offset, end);
        let (name, attributes) = content.split_at_checked(name).unwrap_or((content, ""));
        let element = Element {
            name: name.rsplit(':').next().unwrap_or(name),
            is_empty,
            attributes,
            start: offset.saturating_sub(1),
            offset: offset + name.len(),
            depth: self.open.len(),
        };
        (element, name)
    }

    /// Moves behind an element that could not be read. Fails, as the element did, if the element never ends.
    pub(super) fn recover(&mut self, element: Element<'a>, fail: Fail) -> Read<Fail> {
        self.open.truncate(element.depth);
        let Some(end) = end_of_element(self.text, element.start, &self.open) else {
            return Err(fail);
        };
        self.base = end;
        self.reader = reader(self.slice(end, self.text.len()));
        Ok(fail)
    }

    /// Moves behind an element whose content does not matter.
    pub(super) fn skip(&mut self, element: Element<'a>) -> Read<()> {
        if !element.is_empty {
            while self.open.len() > element.depth {
                self.next()?;
            }
        }
        Ok(())
    }

    /// Calls `f` with every attribute but namespace declarations; the name is without its prefix if that is `xsi`.
    ///
    /// Fails with the first broken attribute, after `f` was called with all others.
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
                offset: element.offset + at,
            }),
        }
    }
}

/// A reader of one text. The cursor itself matches end tags, so that it can go on behind those that match none.
fn reader(text: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    reader
}

/// Where the first attribute at or behind `at` begins.
fn next_attribute(text: &str, at: usize) -> Option<usize> {
    let rest = text.as_bytes().get(at..)?;
    let spaces = rest.iter().position(|&byte| !is_space(byte))?;
    Some(at + spaces)
}

/// The name and the raw value of the attribute at `begin`, and where it ends; or where it is broken.
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
            "an attribute holds a less-than sign",
        ));
    }
    let spaced = raw.replace("\r\n", " ").replace(['\t', '\n', '\r'], " ");
    Ok(Cow::Owned(reference::resolve(&spaced)))
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
