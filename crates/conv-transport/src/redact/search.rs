//! Searches a text for secrets in all their spellings, in one pass, and replaces them.

use aho_corasick::{AhoCorasick, Input, MatchKind};

use super::{
    base64::Base64,
    canonical::{Form, key},
    walk::encoded_like,
};

/// The greatest number of nested layers of base64 that are decoded.
const MAX_DEPTH: usize = 6;

/// The least number of base64 digits that are decoded.
const SHORTEST_RUN: usize = 6;

/// The greatest number of passes over a text. Another pass follows each pass that has replaced something.
const MAX_PASSES: usize = 16;

/// A text to search for, and its replacement.
#[derive(Clone)]
pub(super) struct Literal {
    pub(super) text: String,
    pub(super) pseudonym: String,
    /// Whether a match needs word boundaries: no letter or digit may be beside it.
    pub(super) is_word: bool,
}

/// A search for many literals in one pass.
pub(super) struct Search {
    automaton: Option<AhoCorasick>,
    /// For each pattern of the automaton, the index of its literal.
    literal_of: Vec<usize>,
    literals: Vec<Literal>,
    /// Whether all patterns are ASCII. If so, the automaton ignores case itself, and the search needs no lowercase copy of the text.
    is_ascii: bool,
}

/// The place of a literal in a source.
struct Hit {
    start: usize,
    end: usize,
    literal: usize,
}

impl Search {
    pub(super) fn new(literals: Vec<Literal>) -> Self {
        let mut patterns = Vec::new();
        let mut literal_of = Vec::new();
        for (index, literal) in literals.iter().enumerate() {
            let plain = Form::plain(literal.text.as_bytes()).folded().0;
            let canonical = key(&literal.text);
            for pattern in [plain, canonical] {
                if !pattern.is_empty() {
                    patterns.push(pattern);
                    literal_of.push(index);
                }
            }
        }
        let is_ascii = patterns.iter().all(|pattern| pattern.is_ascii());
        let automaton = (!patterns.is_empty()).then(|| {
            AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .match_kind(MatchKind::LeftmostLongest)
                .build(&patterns)
        });
        Self {
            // The builder fails only with billions of patterns.
            automaton: automaton.and_then(Result::ok),
            literal_of,
            literals,
            is_ascii,
        }
    }

    /// Replaces each literal by its pseudonym, with the same escapes. Returns `None` if the text contains no literal.
    pub(super) fn replace(&self, text: &str) -> Option<String> {
        let replaced = self.replace_bytes(text.as_bytes())?;
        Some(String::from_utf8_lossy(&replaced).into_owned())
    }

    /// Does the same as [`replace`](Self::replace) for bytes that may not be text.
    pub(super) fn replace_bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.automaton.as_ref()?;
        let mut result: Option<Vec<u8>> = None;
        for _ in 0..MAX_PASSES {
            let source = result.as_deref().unwrap_or(bytes);
            match self.pass(source, 0, false) {
                Some(replaced) if replaced != source => result = Some(replaced),
                _ => break,
            }
        }
        result
    }

    /// Replaces the literals in the first form of the source that contains one: UTF-16, canonical, plain, or decoded base64.
    fn pass(&self, source: &[u8], depth: usize, keeps_length: bool) -> Option<Vec<u8>> {
        let spell = |pseudonym: &str, source: &[u8]| {
            let source = String::from_utf8_lossy(source);
            spelled_like(pseudonym, &source).into_bytes()
        };
        // UTF-16 comes first: its canonical form is the same text in ASCII.
        if source.contains(&0) {
            for unit in [u16::from_le_bytes as fn([u8; 2]) -> u16, u16::from_be_bytes] {
                let hits = self.hits(&Form::utf16(source, unit));
                if let Some(replaced) = self.replaced(&hits, source, keeps_length, in_utf16) {
                    return Some(replaced);
                }
            }
        }
        // The canonical form comes before the plain form: a longer secret with escapes may contain a shorter secret without.
        let canonical = Form::canonical(source);
        if let Some(form) = &canonical
            && let Some(replaced) = self.replaced(&self.hits(form), source, keeps_length, spell)
        {
            return Some(replaced);
        }
        let plain = if self.is_ascii {
            self.hits_in(source, |first, last| Some((first, last + 1)))
        } else {
            self.hits(&Form::plain(source))
        };
        if let Some(replaced) = self.replaced(&plain, source, keeps_length, spell) {
            return Some(replaced);
        }
        if depth >= MAX_DEPTH {
            return None;
        }
        let runs = base64_runs(source.iter().copied());
        let place = |index| Some((index, index + 1));
        self.in_base64(&runs, place, source, depth, keeps_length)
            .or_else(|| {
                let form = canonical?;
                let runs = base64_runs(form.bytes());
                let place = |index| form.source_of(index, index);
                self.in_base64(&runs, place, source, depth, keeps_length)
            })
    }

    fn hits(&self, form: &Form) -> Vec<Hit> {
        let (folded, places) = form.folded();
        self.hits_in(&folded, |first, last| {
            form.source_of(*places.get(first)?, *places.get(last)?)
        })
    }

    /// Returns the places of the literals in a text. `source_of` maps the first and the last byte of a match to a range in the source.
    fn hits_in(
        &self,
        text: &[u8],
        source_of: impl Fn(usize, usize) -> Option<(usize, usize)>,
    ) -> Vec<Hit> {
        let Some(automaton) = &self.automaton else {
            return Vec::new();
        };
        let is_word_byte = |index: Option<usize>| {
            let byte = index.and_then(|index| text.get(index));
            byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
        };
        let mut hits: Vec<Hit> = Vec::new();
        let mut at = 0;
        while let Some(found) = automaton.find(Input::new(text).range(at..)) {
            let literal = self.literal_of.get(found.pattern().as_usize()).copied();
            let is_word = literal
                .and_then(|it| self.literals.get(it))
                .is_some_and(|it| it.is_word);
            let (start, end) = (found.start(), found.end());
            if is_word && (is_word_byte(start.checked_sub(1)) || is_word_byte(Some(end))) {
                // Another literal may begin within this match.
                at = start + 1;
                continue;
            }
            at = end;
            if let (Some((start, end)), Some(literal)) = (source_of(start, end - 1), literal)
                && hits.last().is_none_or(|hit| hit.end <= start)
            {
                hits.push(Hit {
                    start,
                    end,
                    literal,
                });
            }
        }
        hits
    }

    fn replaced(
        &self,
        hits: &[Hit],
        source: &[u8],
        keeps_length: bool,
        spell: impl Fn(&str, &[u8]) -> Vec<u8>,
    ) -> Option<Vec<u8>> {
        if hits.is_empty() {
            return None;
        }
        let mut result = Vec::with_capacity(source.len());
        let mut copied = 0;
        for hit in hits {
            result.extend_from_slice(source.get(copied..hit.start)?);
            let found = source.get(hit.start..hit.end)?;
            if keeps_length {
                result.extend(std::iter::repeat_n(b'x', found.len()));
            } else {
                let literal = self.literals.get(hit.literal)?;
                result.extend(spell(&literal.pseudonym, found));
            }
            copied = hit.end;
        }
        result.extend_from_slice(source.get(copied..)?);
        Some(result)
    }

    /// Decodes each run from each of its first four digits, because text before the base64 may look like a part of it.
    fn in_base64(
        &self,
        runs: &[Run],
        place: impl Fn(usize) -> Option<(usize, usize)>,
        source: &[u8],
        depth: usize,
        keeps_length: bool,
    ) -> Option<Vec<u8>> {
        let mut result = Vec::new();
        let mut copied = 0;
        for run in runs {
            let found = (0..4).find_map(|first| {
                let (encoded, whole) = self.in_digits(&run.digits, first, depth, keeps_length)?;
                let (start, _) = place(*run.places.get(first)?)?;
                let (_, end) = place(*run.places.get(first + whole - 1)?)?;
                Some((start, end, whole, encoded))
            });
            let found = found.filter(|(start, ..)| *start >= copied);
            let Some((start, end, whole, encoded)) = found else {
                continue;
            };
            result.extend_from_slice(source.get(copied..start)?);
            result.extend_from_slice(encoded.as_bytes());
            let rest = source.get(end..)?;
            let padding = rest.iter().take_while(|byte| **byte == b'=').count();
            // An equals sign that is not padding separates a name from a value.
            let is_padding = padding > 0 && (whole + padding).is_multiple_of(4);
            let padding = if is_padding { padding } else { 0 };
            if is_padding {
                let padding = (4 - encoded.len() % 4) % 4;
                result.extend(std::iter::repeat_n(b'=', padding));
            }
            copied = end + padding;
        }
        if copied == 0 {
            return None;
        }
        result.extend_from_slice(source.get(copied..)?);
        Some(result)
    }

    /// Returns the digits from `first` on with the literals replaced, and the number of digits that were decoded.
    fn in_digits(
        &self,
        digits: &[u8],
        first: usize,
        depth: usize,
        keeps_length: bool,
    ) -> Option<(String, usize)> {
        let part = digits.get(first..)?;
        let whole = Base64::decodable(part);
        let part = part.get(..whole)?;
        let base64 = Base64::of(part);
        let bytes = base64.decode(part)?;
        // The run may contain other segments of a path. Their digits must not move.
        let keeps_length = keeps_length || first > 0;
        let mut replaced = self.pass(&bytes, depth + 1, keeps_length)?;
        for _ in 0..MAX_PASSES {
            match self.pass(&replaced, depth + 1, keeps_length) {
                Some(again) if again != replaced => replaced = again,
                _ => break,
            }
        }
        let mut encoded = base64.encode(&replaced);
        // Unused bits of the last digit may belong to the text after the base64.
        if replaced.len() % 3 == bytes.len() % 3
            && replaced.last() == bytes.last()
            && let Some(last) = part.last()
        {
            encoded.pop();
            encoded.push(char::from(*last));
        }
        Some((encoded, whole))
    }
}

/// A sequence of base64 digits. Line breaks between the digits are ignored.
#[derive(Default)]
struct Run {
    digits: Vec<u8>,
    /// The position of each digit in the source.
    places: Vec<usize>,
}

/// Returns the runs that are long enough for a secret.
fn base64_runs(bytes: impl Iterator<Item = u8>) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut run = Run::default();
    for (index, byte) in bytes.enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'/' | b'-' | b'_' => {
                run.digits.push(byte);
                run.places.push(index);
            }
            b'\r' | b'\n' => {}
            _ if run.digits.len() >= SHORTEST_RUN => runs.push(std::mem::take(&mut run)),
            _ => {
                run.digits.clear();
                run.places.clear();
            }
        }
    }
    if run.digits.len() >= SHORTEST_RUN {
        runs.push(run);
    }
    runs
}

/// Encodes a pseudonym in UTF-16, with the byte order of the text that it replaces.
fn in_utf16(pseudonym: &str, source: &[u8]) -> Vec<u8> {
    let is_big = source.first() == Some(&0);
    let bytes = |unit: u16| {
        if is_big {
            unit.to_be_bytes()
        } else {
            unit.to_le_bytes()
        }
    };
    pseudonym.encode_utf16().flat_map(bytes).collect()
}

/// Writes a pseudonym with the escapes of the text that it replaces.
fn spelled_like(pseudonym: &str, source: &str) -> String {
    let is_code = |code: &[u8]| matches!(code, [b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    if source.as_bytes().windows(3).any(is_code) {
        encoded_like(pseudonym, source, source.contains('+'))
    } else if source.contains('+') && !pseudonym.contains('+') {
        pseudonym.replace(' ', "+")
    } else if source.contains('\\') {
        let quoted = serde_json::Value::from(pseudonym).to_string();
        let inner = quoted.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        inner.unwrap_or(pseudonym).to_owned()
    } else if source.contains('&') && source.contains(';') {
        pseudonym
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
    } else {
        pseudonym.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use ::base64::{
        Engine,
        prelude::{
            BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD,
        },
    };

    use super::*;

    fn search(pairs: &[(&str, &str)]) -> Search {
        let literals = pairs.iter().map(|(text, pseudonym)| Literal {
            text: (*text).to_owned(),
            pseudonym: (*pseudonym).to_owned(),
            is_word: text.len() < 5,
        });
        Search::new(literals.collect())
    }

    #[test]
    fn a_pseudonym_is_spelled_like_what_it_stands_for() {
        let search = search(&[
            ("sip:lenea@contoso.com", "sip:b@example.com"),
            ("Lene \u{c5}ling", "\"Person\" <1>"),
        ]);
        for (text, replaced) in [
            ("<SIP:lenea@contoso.com>", "<sip:b@example.com>"),
            (
                "?to=sip%3Alenea%40contoso.com&x",
                "?to=sip%3Ab%40example.com&x",
            ),
            (
                "?to=sip%3alenea%40contoso.com&x",
                "?to=sip%3ab%40example.com&x",
            ),
            ("sip%3Alenea%40contoso%2Ecom", "sip%3Ab%40example%2Ecom"),
            (r"lene \u00e5ling", r#"\"Person\" <1>"#),
            ("Lene &#xc5;ling", "&quot;Person&quot; &lt;1&gt;"),
            ("Lene \u{e5}LING", "\"Person\" <1>"),
        ] {
            assert_eq!(search.replace(text).as_deref(), Some(replaced), "{text}");
        }
        assert_eq!(search.replace("sip:lene@contoso.com"), None);
    }

    #[test]
    fn a_text_in_utf_16_is_replaced() {
        let search = search(&[("swordfish", "none")]);
        for encode in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
            let bytes = |text: &str| text.encode_utf16().flat_map(encode).collect::<Vec<u8>>();
            let replaced = search.replace_bytes(&bytes("a\u{1f600} swordfish b"));
            assert_eq!(replaced, Some(bytes("a\u{1f600} none b")));
        }
    }

    #[test]
    fn the_longest_secret_is_replaced_and_a_short_one_only_as_a_word() {
        let search = search(&[("abc", "1"), ("abcdef", "2"), ("bcdefg", "3")]);
        for (text, replaced) in [
            ("abcdef abc", Some("2 1")),
            ("abc!xabc abcx", Some("1!xabc abcx")),
            // A match without word boundaries does not hide another match.
            ("abcdxabcdefgh", Some("abcdx2gh")),
            ("xabcx", None),
        ] {
            assert_eq!(search.replace(text).as_deref(), replaced, "{text}");
        }
    }

    #[test]
    fn base64_stays_decodable_after_a_replacement() {
        let sides = |before| ["", "z", "zz"].map(|after| (before, after));
        for (before, after) in ["", "x", "xy", "user:"].into_iter().flat_map(sides) {
            // Either of them has every remainder of the length with one of the sides.
            for new in ["redacted-1", "redacted-10"] {
                let search = search(&[("P@ss/w\"rd & more", new)]);
                let plain = format!("{before}P@ss/w\"rd & more{after}");
                for (encoded, is_url_safe) in [
                    (BASE64_STANDARD.encode(&plain), false),
                    (BASE64_URL_SAFE.encode(&plain), true),
                ] {
                    let replaced = search.replace(&encoded).unwrap();
                    // What was padded still is.
                    let is_padded = encoded.ends_with('=');
                    assert!(!is_padded || replaced.len().is_multiple_of(4), "{replaced}");
                    let digits = replaced.trim_end_matches('=');
                    let decoded = if is_url_safe {
                        BASE64_URL_SAFE_NO_PAD.decode(digits)
                    } else {
                        BASE64_STANDARD_NO_PAD.decode(digits)
                    };
                    let decoded = String::from_utf8(decoded.unwrap()).unwrap();
                    assert_eq!(decoded, format!("{before}{new}{after}"));
                }
            }
        }
        let search = search(&[("P@ss/w\"rd & more", "redacted-1")]);
        // The length of a path segment is kept, so that the other segments keep their digits.
        let path = format!("/a/{}/b", BASE64_STANDARD.encode("a P@ss/w\"rd & more"));
        let replaced = search.replace(&path).unwrap();
        assert!(
            replaced.starts_with("/a/") && replaced.ends_with("/b"),
            "{replaced}"
        );
        assert_eq!(search.replace(&replaced), None);
    }
}
