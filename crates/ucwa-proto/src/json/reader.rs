//! JSON as a sequence of values that borrow from the text.

use std::borrow::Cow;

use crate::{DecodeError, DecodeErrorKind, Limits, Number, Value, error::Places};

/// What is wrong, and at which byte of the text.
pub(super) struct Fail {
    pub(super) kind: DecodeErrorKind,
    pub(super) offset: usize,
}

pub(super) type Read<T> = Result<T, Fail>;

/// Reads a text from its start to its end; every method begins at a value, or at white space before it, and ends
/// behind it.
pub(super) struct Reader<'a> {
    places: Places<'a>,
    text: &'a str,
    /// Bytes of the body before the text: the byte order mark.
    start: usize,
    at: usize,
    depth: usize,
    limit: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let (text, start) = limits.text(body)?;
        Ok(Self {
            places: Places::new(body),
            text,
            start,
            at: 0,
            depth: 0,
            limit: limits.nesting(),
        })
    }

    /// Runs a function over the whole text and makes sure that nothing is left.
    pub(super) fn whole(
        mut self,
        read: impl FnOnce(&mut Self) -> Read<()>,
    ) -> Result<(), DecodeError> {
        let result = read(&mut self).and_then(|()| match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.syntax("something follows the value")),
        });
        result.map_err(|fail| self.error(fail))
    }

    /// The failure as an error of the whole body.
    pub(super) fn error(&self, fail: Fail) -> DecodeError {
        self.places.error(fail.kind, self.start + fail.offset)
    }

    pub(super) fn fail<T>(&self, kind: DecodeErrorKind) -> Read<T> {
        Err(Fail {
            kind,
            offset: self.at,
        })
    }

    pub(super) fn structure<T>(&self, what: &'static str) -> Read<T> {
        self.fail(DecodeErrorKind::Structure(what))
    }

    #[cold]
    fn syntax(&self, what: &'static str) -> Fail {
        let what = if self.at >= self.text.len() {
            "the JSON ends too early"
        } else {
            what
        };
        Fail {
            kind: DecodeErrorKind::Syntax(what),
            offset: self.at,
        }
    }

    /// The first byte of what comes next.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                byte => return byte.copied(),
            }
        }
    }

    /// Reads an object, member by member; `what` says what it should be.
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
            if self.peek() != Some(b'"') {
                return Err(self.syntax("the name of a member should stand here"));
            }
            let name = self.string()?;
            if self.peek() != Some(b':') {
                return Err(self.syntax("a colon should stand here"));
            }
            self.at += 1;
            member(self, name)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => return self.leave(),
                _ => return Err(self.syntax("a comma or a closing brace should stand here")),
            }
        }
    }

    /// Reads an array, item by item; `what` says what it should be.
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
                _ => return Err(self.syntax("a comma or a closing bracket should stand here")),
            }
        }
    }

    /// Something else stands here: a value, or nothing that JSON knows.
    #[cold]
    fn wrong<T>(&mut self, what: &'static str) -> Read<T> {
        let begin = self.at;
        self.skip()?;
        Err(Fail {
            kind: DecodeErrorKind::Structure(what),
            offset: begin,
        })
    }

    fn enter(&mut self) -> Read<()> {
        if self.depth >= self.limit {
            return self.fail(DecodeErrorKind::TooDeep { limit: self.limit });
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

    /// Reads `null` if it stands here.
    pub(super) fn null(&mut self) -> Read<bool> {
        if self.peek() == Some(b'n') {
            self.literal("null").map(|()| true)
        } else {
            Ok(false)
        }
    }

    /// Reads a text; `what` says what it should be.
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

    /// Reads a value that is no string.
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

    /// Reads any value and forgets it; nests as deep as it likes.
    pub(super) fn skip(&mut self) -> Read<()> {
        let mut open = Vec::new();
        loop {
            match self.peek() {
                Some(b'"') => drop(self.string()?),
                Some(bracket @ (b'{' | b'[')) => {
                    self.at += 1;
                    let closing = if bracket == b'{' { b'}' } else { b']' };
                    if self.peek() == Some(closing) {
                        self.at += 1;
                    } else {
                        open.push(closing);
                        if closing == b'}' {
                            self.skip_name()?;
                        }
                        continue;
                    }
                }
                Some(b't') => self.literal("true")?,
                Some(b'f') => self.literal("false")?,
                Some(b'n') => self.literal("null")?,
                _ => drop(self.number()?),
            }
            // Behind a value: close what ends here.
            loop {
                let Some(&closing) = open.last() else {
                    return Ok(());
                };
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if closing == b'}' {
                            self.skip_name()?;
                        }
                        break;
                    }
                    Some(byte) if byte == closing => {
                        self.at += 1;
                        open.pop();
                    }
                    _ => return Err(self.syntax("a comma or a closing bracket should stand here")),
                }
            }
        }
    }

    fn skip_name(&mut self) -> Read<()> {
        if self.peek() != Some(b'"') {
            return Err(self.syntax("the name of a member should stand here"));
        }
        self.string()?;
        if self.peek() != Some(b':') {
            return Err(self.syntax("a colon should stand here"));
        }
        self.at += 1;
        Ok(())
    }

    /// Runs a function; if what it reads has the wrong shape or nests too deep, reads on behind it and gives back its
    /// text with the error.
    pub(super) fn contained<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Read<T>,
    ) -> Read<Result<T, (&'a str, DecodeError)>> {
        self.peek();
        let (begin, depth) = (self.at, self.depth);
        let fail = match read(self) {
            Ok(value) => return Ok(Ok(value)),
            Err(fail) => fail,
        };
        if !matches!(
            fail.kind,
            DecodeErrorKind::Structure(_) | DecodeErrorKind::TooDeep { .. }
        ) {
            return Err(fail);
        }
        (self.at, self.depth) = (begin, depth);
        self.skip()?;
        let raw = self.text.get(begin..self.at).unwrap_or_default();
        Ok(Err((raw, self.error(fail))))
    }

    fn literal(&mut self, word: &'static str) -> Read<()> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(self.syntax("a value should stand here"));
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
            return Err(self.syntax("a value should stand here"));
        }
        at += whole;
        let mut is_whole = true;
        if bytes.get(at) == Some(&b'.') {
            is_whole = false;
            let fraction = digits(at + 1);
            at += 1 + fraction;
            if fraction == 0 {
                return Err(self.syntax("a number has no digit behind its point"));
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
            // A minus zero is no whole number.
            Some(number) if text != "-0" => number,
            _ => match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Number::Float(value),
                _ => return Err(self.syntax("a number is out of range")),
            },
        };
        self.at = at;
        Ok(number)
    }

    /// Reads a string, which begins here.
    #[inline(always)]
    fn string(&mut self) -> Read<Cow<'a, str>> {
        match self.plain_string() {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => self.escaped_string().map(Cow::Owned),
        }
    }

    /// Reads a string that holds no escape; otherwise stays where it is.
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

    /// Reads a string with escapes, or one that is broken.
    #[cold]
    fn escaped_string(&mut self) -> Read<String> {
        self.at += 1;
        let mut text = String::new();
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
                _ => return Err(self.syntax("a control character stands in a string")),
            }
        }
    }

    /// Reads an escape behind its backslash. Half of a surrogate pair, which a server makes when it cuts a text in
    /// two, becomes U+FFFD.
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

/// Where the first quote, backslash or control character is, found eight bytes at a time.
#[inline]
fn special_within(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let (chunks, tail) = bytes.as_chunks::<8>();
    let mut read = 0;
    for chunk in chunks {
        let bytes = u64::from_le_bytes(*chunk);
        // The high bit of every byte that is below 0x20, a quote or a backslash; a false one may stand only above a
        // true one.
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
