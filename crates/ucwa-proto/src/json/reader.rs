//! A pull parser of JSON whose values borrow from the text.

use std::borrow::Cow;

use super::recovery::end_of_value;
use crate::{
    DecodeError, DecodeErrorKind, Limits, Number, Value,
    error::{Fail, PositionCounter, Read},
};

/// The beginning of a value, and the bracket that ends its container.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    offset: usize,
    depth: usize,
    closing: u8,
}

/// Parses a text. Each method begins at a value, or at white space before it, and ends behind the value.
pub(super) struct Reader<'a> {
    positions: PositionCounter<'a>,
    text: &'a str,
    /// The number of bytes before the text: the length of the byte order mark.
    start: usize,
    at: usize,
    depth: usize,
    limit: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let (text, start) = limits.text(body)?;
        Ok(Self {
            positions: PositionCounter::new(body),
            text,
            start,
            at: 0,
            depth: 0,
            limit: limits.nesting(),
        })
    }

    /// Checks that the text ends here.
    pub(super) fn end(&mut self) -> Read<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.syntax("something follows the value")),
        }
    }

    /// Converts a failure into an error with a position in the body.
    pub(super) fn error(&self, fail: Fail) -> DecodeError {
        self.positions.error(fail.kind, self.start + fail.offset)
    }

    /// A failure at the current position.
    pub(super) fn failure(&self, kind: DecodeErrorKind) -> Fail {
        Fail {
            kind,
            offset: self.at,
        }
    }

    pub(super) fn structure<T>(&self, what: &'static str) -> Read<T> {
        Err(self.failure(DecodeErrorKind::Structure(what)))
    }

    #[cold]
    fn syntax(&self, what: &'static str) -> Fail {
        let what = if self.at >= self.text.len() {
            "the JSON ends too early"
        } else {
            what
        };
        self.failure(DecodeErrorKind::Syntax(what))
    }

    /// Skips white space and returns the next byte.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                byte => return byte.copied(),
            }
        }
    }

    /// Reads an object, member by member. `what` is the error if the value is not an object.
    pub(super) fn object(
        &mut self,
        what: &'static str,
        mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Read<()>,
    ) -> Read<()> {
        if self.peek() != Some(b'{') {
            return self.wrong(what);
        }
        self.enter()?;
        if self.peek() == Some(b'}') {
            return self.leave();
        }
        loop {
            let name = self.name()?;
            member(self, name)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => return self.leave(),
                _ => return Err(self.syntax("expected a comma or a closing brace")),
            }
        }
    }

    /// Reads the name of a member and the colon.
    #[inline(always)]
    fn name(&mut self) -> Read<Cow<'a, str>> {
        if self.peek() != Some(b'"') {
            return Err(self.syntax("expected the name of a member"));
        }
        let name = self.string()?;
        if self.peek() != Some(b':') {
            return Err(self.syntax("expected a colon"));
        }
        self.at += 1;
        Ok(name)
    }

    /// Reads an object as [`object`](Self::object) does, and contains the failure of a member: calls `failed` with the name
    /// of the member, if the name can be read, and continues behind the member.
    pub(super) fn members<C>(
        &mut self,
        what: &'static str,
        context: &mut C,
        mut member: impl FnMut(&mut Self, &mut C, Cow<'a, str>) -> Read<()>,
        mut failed: impl FnMut(&mut Self, &mut C, Mark, Option<Cow<'a, str>>, Fail) -> Read<()>,
    ) -> Read<()> {
        if self.peek() != Some(b'{') {
            return self.wrong(what);
        }
        self.enter()?;
        if self.peek() == Some(b'}') {
            return self.leave();
        }
        loop {
            let mark = self.mark(b'}');
            let read = self
                .name()
                .and_then(|name| member(self, context, name))
                .and_then(|()| self.end_at(mark));
            if let Err(fail) = read {
                self.at = mark.offset;
                let name = self.name().ok();
                self.recover(mark, fail)
                    .and_then(|fail| failed(self, context, mark, name, fail))?;
            }
            if self.peek() == Some(b'}') {
                return self.leave();
            }
            self.at += 1;
        }
    }

    /// Reads the items of an array, or a single item without an array; `null` is no item. `item` reads up to the comma or
    /// bracket behind the item.
    pub(super) fn items(&mut self, item: &mut dyn FnMut(&mut Self, Mark) -> Read<()>) -> Read<()> {
        match self.peek() {
            Some(b'n') => return self.literal("null"),
            Some(b'[') => self.enter()?,
            _ => {
                let mark = self.mark(b'}');
                return item(self, mark);
            }
        }
        if self.peek() == Some(b']') {
            return self.leave();
        }
        loop {
            let mark = self.mark(b']');
            item(self, mark)?;
            if self.peek() == Some(b']') {
                return self.leave();
            }
            self.at += 1;
        }
    }

    /// The mark of the next value, in a container that ends with `closing`.
    fn mark(&mut self, closing: u8) -> Mark {
        self.peek();
        Mark {
            offset: self.at,
            depth: self.depth,
            closing,
        }
    }

    /// Checks that the value at `mark` ends here.
    pub(super) fn end_at(&mut self, mark: Mark) -> Read<()> {
        match self.peek() {
            Some(b',') => Ok(()),
            Some(byte) if byte == mark.closing => Ok(()),
            _ => Err(self.syntax("expected a comma or a closing bracket")),
        }
    }

    /// Moves to the end of the value at `mark`, which failed with `fail`. Fails with `fail` if the value never ends.
    pub(super) fn recover(&mut self, mark: Mark, fail: Fail) -> Read<Fail> {
        match end_of_value(self.text, mark.offset, mark.closing) {
            Some(end) => {
                (self.at, self.depth) = (end, mark.depth);
                Ok(fail)
            }
            None => Err(fail),
        }
    }

    /// The text from `mark` to the current position.
    pub(super) fn text_from(&self, mark: Mark) -> &'a str {
        self.text.get(mark.offset..self.at).unwrap_or_default()
    }

    /// Reads an array, item by item. `what` is the error if the value is not an array.
    pub(super) fn array(
        &mut self,
        what: &'static str,
        mut item: impl FnMut(&mut Self) -> Read<()>,
    ) -> Read<()> {
        if self.peek() != Some(b'[') {
            return self.wrong(what);
        }
        self.enter()?;
        if self.peek() == Some(b']') {
            return self.leave();
        }
        loop {
            item(self)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => return self.leave(),
                _ => return Err(self.syntax("expected a comma or a closing bracket")),
            }
        }
    }

    /// The failure `what`, since the next value has another type.
    #[cold]
    fn wrong<T>(&mut self, what: &'static str) -> Read<T> {
        match self.peek() {
            Some(b'{' | b'[' | b'"' | b't' | b'f' | b'n' | b'-' | b'0'..=b'9') => {
                self.structure(what)
            }
            _ => Err(self.syntax("expected a value")),
        }
    }

    fn enter(&mut self) -> Read<()> {
        if self.depth >= self.limit {
            return Err(self.failure(DecodeErrorKind::TooDeep { limit: self.limit }));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    fn leave(&mut self) -> Read<()> {
        self.depth = self.depth.saturating_sub(1);
        self.at += 1;
        Ok(())
    }

    /// Reads `null` if it is the next value.
    pub(super) fn null(&mut self) -> Read<bool> {
        if self.peek() == Some(b'n') {
            self.literal("null").map(|()| true)
        } else {
            Ok(false)
        }
    }

    /// Reads a string. `what` is the error if the value is not a string.
    #[inline(always)]
    pub(super) fn text(&mut self, what: &'static str) -> Read<Cow<'a, str>> {
        if self.peek() == Some(b'"') {
            self.string()
        } else {
            self.wrong(what)
        }
    }

    /// Reads any value.
    #[inline(always)]
    pub(super) fn value(&mut self) -> Read<Value<'a>> {
        if self.peek() == Some(b'"') {
            self.string().map(Value::String)
        } else {
            self.other_value()
        }
    }

    /// Reads a value that is not a string.
    fn other_value(&mut self) -> Read<Value<'a>> {
        match self.peek() {
            Some(b'{') => {
                let mut members = Vec::new();
                self.object("", |reader, name| {
                    members.push((name, reader.value()?));
                    Ok(())
                })?;
                Ok(Value::Object(members))
            }
            Some(b'[') => {
                let mut items = Vec::new();
                self.array("", |reader| {
                    items.push(reader.value()?);
                    Ok(())
                })?;
                Ok(Value::List(items))
            }
            Some(b't') => self.literal("true").map(|()| Value::Bool(true)),
            Some(b'f') => self.literal("false").map(|()| Value::Bool(false)),
            Some(b'n') => self.literal("null").map(|()| Value::Null),
            _ => self.number().map(Value::Number),
        }
    }

    fn literal(&mut self, word: &'static str) -> Read<()> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(self.syntax("expected a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Read<Number> {
        let bytes = self.text.as_bytes();
        let begin = self.at;
        let digits = |at: usize| {
            bytes
                .get(at..)
                .unwrap_or_default()
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        };
        let mut at = begin;
        if bytes.get(at) == Some(&b'-') {
            at += 1;
        }
        let whole = digits(at);
        if whole == 0 || (whole > 1 && bytes.get(at) == Some(&b'0')) {
            return Err(self.syntax("expected a value"));
        }
        at += whole;
        let mut is_whole = true;
        if bytes.get(at) == Some(&b'.') {
            is_whole = false;
            let fraction = digits(at + 1);
            at += 1 + fraction;
            if fraction == 0 {
                return Err(self.syntax("a number has no digit after its point"));
            }
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            is_whole = false;
            at += 1;
            if matches!(bytes.get(at), Some(b'+' | b'-')) {
                at += 1;
            }
            let exponent = digits(at);
            at += exponent;
            if exponent == 0 {
                return Err(self.syntax("a number has no exponent"));
            }
        }
        let text = self.text.get(begin..at).unwrap_or_default();
        let whole = is_whole.then(|| {
            text.parse()
                .map(Number::Integer)
                .or_else(|_| text.parse().map(Number::Unsigned))
                .ok()
        });
        let number = match whole.flatten() {
            // Minus zero is not an integer.
            Some(number) if text != "-0" => number,
            _ => match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Number::Float(value),
                _ => return Err(self.syntax("a number is out of range")),
            },
        };
        self.at = at;
        Ok(number)
    }

    /// Reads the string that begins here.
    #[inline(always)]
    fn string(&mut self) -> Read<Cow<'a, str>> {
        match self.plain_string() {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => self.escaped_string().map(Cow::Owned),
        }
    }

    /// Reads a string without escapes. Otherwise does not move.
    #[inline(never)]
    fn plain_string(&mut self) -> Option<&'a str> {
        let begin = self.at + 1;
        let rest = self.text.get(begin..)?;
        let length = special_within(rest.as_bytes())?;
        if rest.as_bytes().get(length) != Some(&b'"') {
            return None;
        }
        self.at = begin + length + 1;
        rest.get(..length)
    }

    /// Reads a string with escapes, or a malformed one.
    #[cold]
    fn escaped_string(&mut self) -> Read<String> {
        self.at += 1;
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let mut text = String::with_capacity(memchr::memchr(b'"', rest).unwrap_or_default());
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let length = special_within(rest.as_bytes()).unwrap_or(rest.len());
            text.push_str(rest.get(..length).unwrap_or_default());
            self.at += length;
            match self.text.as_bytes().get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                _ => return Err(self.syntax("a string contains a control character")),
            }
        }
    }

    /// Reads an escape behind its backslash. Half of a surrogate pair, which servers produce when they truncate a text,
    /// becomes U+FFFD.
    fn escape(&mut self) -> Read<char> {
        let Some(&byte) = self.text.as_bytes().get(self.at) else {
            return Err(self.syntax("an escape is unknown"));
        };
        let c = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => {
                self.at += 1;
                return self.unicode_escape();
            }
            _ => return Err(self.syntax("an escape is unknown")),
        };
        self.at += 1;
        Ok(c)
    }

    fn unicode_escape(&mut self) -> Read<char> {
        let unit = self.hex()?;
        if (0xd800..0xdc00).contains(&unit)
            && self
                .text
                .as_bytes()
                .get(self.at..)
                .is_some_and(|rest| rest.starts_with(b"\\u"))
        {
            let behind = self.at;
            self.at += 2;
            let low = self.hex()?;
            if (0xdc00..0xe000).contains(&low) {
                let c = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = behind;
        }
        Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Read<u32> {
        let digits = self
            .text
            .as_bytes()
            .get(self.at..self.at + 4)
            .unwrap_or_default();
        let mut unit = 0;
        for &digit in digits {
            let Some(value) = char::from(digit).to_digit(16) else {
                return Err(self.syntax("an escape is unknown"));
            };
            unit = unit * 16 + value;
        }
        if digits.len() < 4 {
            self.at = self.text.len();
            return Err(self.syntax("an escape is unknown"));
        }
        self.at += 4;
        Ok(unit)
    }
}

fn is_special(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// The index of the first quote, backslash or control character. Reads eight bytes at a time.
#[inline]
fn special_within(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let (chunks, tail) = bytes.as_chunks::<8>();
    let mut read = 0;
    for chunk in chunks {
        let bytes = u64::from_le_bytes(*chunk);
        // The high bit of each byte that is below 0x20, a quote or a backslash. Bits above the lowest of these may be wrong.
        let control = bytes.wrapping_sub(ONES * 0x20);
        let quote = (bytes ^ (ONES * u64::from(b'"'))).wrapping_sub(ONES);
        let backslash = (bytes ^ (ONES * u64::from(b'\\'))).wrapping_sub(ONES);
        let special = (control | quote | backslash) & !bytes & HIGH;
        if special != 0 {
            return Some(read + (special.trailing_zeros() / 8) as usize);
        }
        read += 8;
    }
    let at = tail.iter().position(|&byte| is_special(byte))?;
    Some(read + at)
}
