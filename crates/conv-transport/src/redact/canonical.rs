//! The canonical form of a text: without escapes of any kind, however deeply they are nested.
//!
//! All spellings of a text have the same canonical form. The form maps each of its bytes to a range in the source, so that a match
//! can be replaced in the source.

/// A byte of a form, and the range of the source that it was decoded from.
#[derive(Clone, Copy)]
struct Piece {
    byte: u8,
    start: usize,
    end: usize,
}

/// A form of a source in which secrets are searched for.
pub(super) struct Form {
    pieces: Vec<Piece>,
    /// Whether `+` is a space, as in forms.
    has_form_spaces: bool,
}

impl Form {
    /// Returns the source without changes.
    pub(super) fn plain(source: &[u8]) -> Self {
        let pieces = source.iter().enumerate().map(|(start, byte)| Piece {
            byte: *byte,
            start,
            end: start + 1,
        });
        Self {
            pieces: pieces.collect(),
            has_form_spaces: false,
        }
    }

    /// Decodes a source in UTF-16 to UTF-8. `unit` reads a code unit in the byte order of the source.
    pub(super) fn utf16(source: &[u8], unit: fn([u8; 2]) -> u16) -> Self {
        let units = source.chunks_exact(2).map(|pair| match pair {
            [a, b] => unit([*a, *b]),
            _ => 0,
        });
        let mut form = Self {
            pieces: Vec::new(),
            has_form_spaces: false,
        };
        let mut start = 0;
        for character in char::decode_utf16(units) {
            let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
            let end = start + 2 * character.len_utf16();
            form.push_char(character, start, end);
            start = end;
        }
        form
    }

    /// Decodes the escapes of URLs, JSON, scripts, XML and HTML in the source. The decoded character may be part of another escape,
    /// which is decoded too. Returns `None` if the source has no escapes.
    pub(super) fn canonical(source: &[u8]) -> Option<Self> {
        if !source.iter().any(|byte| b"%\\&+\0".contains(byte)) {
            return None;
        }
        let mut form = Self {
            pieces: Vec::with_capacity(source.len()),
            has_form_spaces: true,
        };
        for (start, byte) in source.iter().enumerate() {
            form.push(*byte, start, start + 1);
        }
        // A remaining backslash escapes a quote or a slash. A zero byte is half of a character in UTF-16.
        form.pieces.retain(|piece| !matches!(piece.byte, b'\\' | 0));
        form.join_halves();
        Some(form)
    }

    /// Replaces the two halves of each surrogate pair by their character.
    fn join_halves(&mut self) {
        let unit = |high: u8, low: u8| 0xd000 | u16::from(high & 0x3f) << 6 | u16::from(low & 0x3f);
        let pieces = std::mem::take(&mut self.pieces);
        let mut rest = pieces.as_slice();
        while let Some((piece, after)) = rest.split_first() {
            let six = rest.first_chunk::<6>();
            let joined = six.and_then(|six| match six.map(|piece| piece.byte) {
                [0xed, a @ 0xa0..=0xaf, b, 0xed, c @ 0xb0..=0xbf, d] => {
                    let character = char::decode_utf16([unit(a, b), unit(c, d)]).next();
                    character.and_then(Result::ok).zip(six.last())
                }
                _ => None,
            });
            match joined {
                Some((character, last)) => {
                    self.push_char(character, piece.start, last.end);
                    rest = rest.get(6..).unwrap_or_default();
                }
                None => {
                    self.pieces.push(*piece);
                    rest = after;
                }
            }
        }
    }

    /// Appends a byte, and decodes the escape that it completes.
    fn push(&mut self, byte: u8, start: usize, end: usize) {
        self.pieces.push(Piece { byte, start, end });
        // Each iteration shortens the form, so the loop ends.
        while let Some((length, character)) = self.escape_at_end() {
            let kept = self.pieces.len() - length;
            let start = self.pieces.get(kept).map_or(start, |piece| piece.start);
            self.pieces.truncate(kept);
            match character {
                Escaped::Byte(byte) => self.pieces.push(Piece { byte, start, end }),
                Escaped::Char(character) => self.push_char(character, start, end),
                Escaped::Half(unit) => self.push_half(unit, start, end),
            }
        }
    }

    fn push_char(&mut self, character: char, start: usize, end: usize) {
        for byte in character.encode_utf8(&mut [0; 4]).bytes() {
            self.pieces.push(Piece { byte, start, end });
        }
    }

    /// Appends half of a surrogate pair as three bytes that UTF-8 does not allow. `join_halves` joins the halves later.
    fn push_half(&mut self, unit: u16, start: usize, end: usize) {
        let bytes = [
            0xed,
            0x80 | ((unit >> 6) & 0x3f) as u8,
            0x80 | (unit & 0x3f) as u8,
        ];
        for byte in bytes {
            self.pieces.push(Piece { byte, start, end });
        }
    }

    /// Returns the last `N` bytes.
    fn tail<const N: usize>(&self) -> Option<[u8; N]> {
        let start = self.pieces.len().checked_sub(N)?;
        let mut tail = [0; N];
        for (byte, piece) in tail.iter_mut().zip(self.pieces.get(start..)?) {
            *byte = piece.byte;
        }
        Some(tail)
    }

    /// Returns the length of the escape at the end of the form, and its meaning.
    fn escape_at_end(&self) -> Option<(usize, Escaped)> {
        let last = self.pieces.last()?.byte;
        if last == b';' {
            return self.reference_at_end();
        }
        if !last.is_ascii_hexdigit() {
            return None;
        }
        if let Some([b'%', a, b]) = self.tail()
            && let Some(byte) = hex(&[a, b])
        {
            return Some((3, Escaped::Byte(byte as u8)));
        }
        if let Some([b'\\', b'x', a, b]) = self.tail()
            && let Some(code) = hex(&[a, b])
        {
            return Some((4, Escaped::of(code)?));
        }
        if let Some([b'\\' | b'%', b'u', a, b, c, d]) = self.tail()
            && let Some(code) = hex(&[a, b, c, d])
        {
            return Some((6, Escaped::of(code)?));
        }
        None
    }

    fn reference_at_end(&self) -> Option<(usize, Escaped)> {
        let recent = self.pieces.iter().rev().take(12);
        let length = recent.clone().position(|piece| piece.byte == b'&')? + 1;
        let start = self.pieces.len() - length;
        let inner = self.pieces.get(start + 1..self.pieces.len() - 1)?;
        let name: Vec<u8> = inner.iter().map(|piece| piece.byte).collect();
        let character = entity(std::str::from_utf8(&name).ok()?)?;
        Some((length, Escaped::Char(character)))
    }

    /// Returns the bytes in lower case for a search, and the position of each of them in the form.
    pub(super) fn folded(&self) -> (Vec<u8>, Vec<usize>) {
        let spaced = |byte: u8| match byte {
            b'+' if self.has_form_spaces => b' ',
            other => other.to_ascii_lowercase(),
        };
        if self.pieces.iter().all(|piece| piece.byte.is_ascii()) {
            let folded = self.bytes().map(spaced).collect();
            return (folded, (0..self.pieces.len()).collect());
        }
        let mut folded = Vec::with_capacity(self.pieces.len());
        let mut places = Vec::with_capacity(self.pieces.len());
        let bytes: Vec<u8> = self.pieces.iter().map(|piece| piece.byte).collect();
        let mut at = 0;
        for chunk in bytes.utf8_chunks() {
            for character in chunk.valid().chars() {
                let length = character.len_utf8();
                // The first lowercase character is enough, because the secrets are converted in the same way.
                let lower = character.to_lowercase().next().unwrap_or(character);
                let mut buffer = [0; 4];
                let lower = match lower {
                    '+' if self.has_form_spaces => ' ',
                    other => other,
                };
                let lower = lower.encode_utf8(&mut buffer).as_bytes();
                for (index, byte) in lower.iter().enumerate() {
                    folded.push(*byte);
                    places.push(at + index.min(length - 1));
                }
                at += length;
            }
            for byte in chunk.invalid() {
                folded.push(*byte);
                places.push(at);
                at += 1;
            }
        }
        (folded, places)
    }

    /// Returns the range of the source that the bytes from `first` to `last` of the form were decoded from.
    pub(super) fn source_of(&self, first: usize, last: usize) -> Option<(usize, usize)> {
        Some((self.pieces.get(first)?.start, self.pieces.get(last)?.end))
    }

    pub(super) fn bytes(&self) -> impl Iterator<Item = u8> {
        self.pieces.iter().map(|piece| piece.byte)
    }
}

/// The meaning of an escape.
enum Escaped {
    Byte(u8),
    Char(char),
    /// Half of a surrogate pair.
    Half(u16),
}

impl Escaped {
    fn of(code: u32) -> Option<Self> {
        match (char::from_u32(code), u16::try_from(code)) {
            (Some(character), _) => Some(Self::Char(character)),
            (None, Ok(unit)) => Some(Self::Half(unit)),
            (None, Err(_)) => None,
        }
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |code, digit| {
        Some(code << 4 | char::from(*digit).to_digit(16)?)
    })
}

/// The character that a reference of XML or HTML stands for, without `&` and `;`.
pub(super) fn entity(name: &str) -> Option<char> {
    if let Some(code) = name.strip_prefix('#') {
        let code = match code.strip_prefix(['x', 'X']) {
            Some(code) => u32::from_str_radix(code, 16).ok()?,
            None => code.parse().ok()?,
        };
        return char::from_u32(code);
    }
    // The predefined entities of XML, and the names that HTML has for ASCII characters.
    Some(match name.to_ascii_lowercase().as_str() {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "ast" => '*',
        "bsol" => '\\',
        "colon" => ':',
        "comma" => ',',
        "commat" => '@',
        "dollar" => '$',
        "equals" => '=',
        "excl" => '!',
        "grave" => '`',
        "hat" => '^',
        "hyphen" | "dash" => '-',
        "lbrace" | "lcub" => '{',
        "lowbar" => '_',
        "lpar" => '(',
        "lsqb" | "lbrack" => '[',
        "newline" => '\n',
        "num" => '#',
        "percnt" => '%',
        "period" => '.',
        "plus" => '+',
        "quest" => '?',
        "rbrace" | "rcub" => '}',
        "rpar" => ')',
        "rsqb" | "rbrack" => ']',
        "semi" => ';',
        "sol" => '/',
        "tab" => '\t',
        "verbar" | "vert" => '|',
        _ => return None,
    })
}

/// Returns the canonical form of a text in lower case. All spellings of a text have the same key.
pub(super) fn key(text: &str) -> Vec<u8> {
    let form = Form::canonical(text.as_bytes()).unwrap_or_else(|| Form::plain(text.as_bytes()));
    form.folded().0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_has_one_canonical_form() {
        let text = "a'b<c>&d/e\u{e4}f \u{1f600}\"";
        for spelling in [
            r#"a\u0027b\u003Cc\u003e\u0026d\/eäf \ud83d\ude00\""#,
            "a&#39;b&lt;c&gt;&amp;d/e&#228;f&#x20;&#x1F600;&quot;",
            "a'b%3Cc%3e%26d%2Fe%C3%A4f+%F0%9F%98%80%22",
            "A&apos;b%253cc%25253E%26amp%3Bd&sol;e%u00E4f%20%f0%9f%98%80&#34;",
            r#"a\\u0027b\x3cc\\x3e\\\u0026d\\\/e\\u00e4f \\ud83d\\ude00\\\""#,
        ] {
            let found = String::from_utf8(key(spelling)).unwrap();
            assert_eq!(found, String::from_utf8(key(text)).unwrap(), "{spelling}");
        }
    }

    #[test]
    fn a_match_maps_to_its_range_in_the_source() {
        let source = b"x=%2561b&#99;;";
        let form = Form::canonical(source).unwrap();
        let (folded, places) = form.folded();
        assert_eq!(folded, b"x=abc;");
        let (start, end) = form.source_of(places[2], places[4]).unwrap();
        assert_eq!(&source[start..end], b"%2561b&#99;");
    }

    #[test]
    fn every_named_reference_to_ascii_is_decoded() {
        let names = "tab newline excl quot num dollar percnt amp apos lpar rpar ast plus comma hyphen dash period sol colon \
                     semi lt equals gt quest commat lsqb lbrack bsol rsqb rbrack hat lowbar grave lcub lbrace verbar vert rcub rbrace";
        let decoded: String = names.split(' ').map(|name| entity(name).unwrap()).collect();
        assert_eq!(decoded, "\t\n!\"#$%&'()*+,--./:;<=>?@[[\\]]^_`{{||}}");
        assert_eq!(entity("NBSP"), Some('\u{a0}'));
        assert_eq!(entity("nothing"), None);
    }

    #[test]
    fn incomplete_escapes_are_not_decoded() {
        for text in ["100%", "a & b;", "&unknown;", r"\u12", "%zz"] {
            let plain = text.replace('\\', "");
            assert_eq!(key(text), plain.as_bytes(), "{text}");
        }
    }
}
