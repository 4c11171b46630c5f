//! Searching a text for secrets in all their spellings, in one pass, and replacing them.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{
    canonical::{Form, key},
    walk::encoded_like,
};

/// How many layers of base64 are looked through.
const DEEPEST: usize = 3;

/// A piece of base64 that is shorter holds no secret, in digits.
const SHORTEST_RUN: usize = 6;

/// How often a text is searched again after something was replaced in it.
const MOST_ROUNDS: usize = 16;

/// What is searched for, and what stands for it.
pub(super) struct Literal {
    pub(super) text: String,
    pub(super) pseudonym: String,
    /// Found only where no letter or digit is beside it.
    pub(super) is_word: bool,
}

/// A search for many literals at once.
pub(super) struct Search {
    automaton: Option<AhoCorasick>,
    /// For each pattern of the automaton, the index of its literal.
    literal_of: Vec<usize>,
    literals: Vec<Literal>,
}

/// A place in a source where a literal stands.
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
        let automaton = (!patterns.is_empty()).then(|| {
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(&patterns)
        });
        Self {
            // It fails with more patterns than a file can hold.
            automaton: automaton.and_then(Result::ok),
            literal_of,
            literals,
        }
    }

    /// The text with a pseudonym in the place of each literal, in the spelling of what it stands for; `None` if there is none.
    pub(super) fn replace(&self, text: &str) -> Option<String> {
        let replaced = self.replace_bytes(text.as_bytes())?;
        Some(String::from_utf8_lossy(&replaced).into_owned())
    }

    /// As [`replace`](Self::replace), in bytes of any kind.
    pub(super) fn replace_bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.automaton.as_ref()?;
        let mut result: Option<Vec<u8>> = None;
        for _ in 0..MOST_ROUNDS {
            let source = result.as_deref().unwrap_or(bytes);
            match self.round(source, 0, false) {
                Some(replaced) if replaced != source => result = Some(replaced),
                _ => break,
            }
        }
        result
    }

    fn round(&self, source: &[u8], depth: usize, keeps_length: bool) -> Option<Vec<u8>> {
        // A longer secret may have escapes, and a shorter one in it none.
        let canonical = Form::canonical(source);
        if let Some(form) = &canonical
            && let Some(replaced) = self.in_form(form, source, keeps_length)
        {
            return Some(replaced);
        }
        let plain = Form::plain(source);
        if let Some(replaced) = self.in_form(&plain, source, keeps_length) {
            return Some(replaced);
        }
        if source.contains(&0) || depth > 0 {
            for unit in [u16::from_le_bytes as fn([u8; 2]) -> u16, u16::from_be_bytes] {
                let form = Form::utf16(source, unit);
                if let Some(replaced) = self.in_utf16(&form, source, keeps_length) {
                    return Some(replaced);
                }
            }
        }
        if depth >= DEEPEST {
            return None;
        }
        self.in_base64(&plain, source, depth, keeps_length)
            .or_else(|| {
                let canonical = canonical?;
                self.in_base64(&canonical, source, depth, keeps_length)
            })
    }

    fn hits(&self, form: &Form) -> Vec<Hit> {
        let Some(automaton) = &self.automaton else {
            return Vec::new();
        };
        let (folded, places) = form.folded();
        let is_word_byte = |index: Option<usize>| {
            let byte = index.and_then(|index| folded.get(index));
            byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
        };
        let mut hits: Vec<Hit> = Vec::new();
        for found in automaton.find_iter(&folded) {
            let Some(literal) = self.literal_of.get(found.pattern().as_usize()) else {
                continue;
            };
            let is_word = self.literals.get(*literal).is_some_and(|it| it.is_word);
            if is_word
                && (is_word_byte(found.start().checked_sub(1)) || is_word_byte(Some(found.end())))
            {
                continue;
            }
            let places = places.get(found.start()).zip(places.get(found.end() - 1));
            let source = places.and_then(|(first, last)| form.source_of(*first, *last));
            if let Some((start, end)) = source
                && hits.last().is_none_or(|hit| hit.end <= start)
            {
                hits.push(Hit {
                    start,
                    end,
                    literal: *literal,
                });
            }
        }
        hits
    }

    fn in_form(&self, form: &Form, source: &[u8], keeps_length: bool) -> Option<Vec<u8>> {
        let hits = self.hits(form);
        self.replaced(&hits, source, keeps_length, |pseudonym, source| {
            let source = String::from_utf8_lossy(source);
            spelled_like(pseudonym, &source).into_bytes()
        })
    }

    fn in_utf16(&self, form: &Form, source: &[u8], keeps_length: bool) -> Option<Vec<u8>> {
        let hits = self.hits(form);
        self.replaced(&hits, source, keeps_length, |pseudonym, source| {
            let is_big = source.first() == Some(&0);
            let units = pseudonym.encode_utf16();
            let bytes = |unit: u16| {
                if is_big {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            };
            units.flat_map(bytes).collect()
        })
    }

    fn replaced(
        &self,
        hits: &[Hit],
        source: &[u8],
        keeps_length: bool,
        spell: impl Fn(&str, &[u8]) -> Vec<u8>,
    ) -> Option<Vec<u8>> {
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
        (!hits.is_empty()).then_some(result)
    }

    /// Each piece of base64 is decoded from each of its first four digits: what stands before it may look like a part of it.
    fn in_base64(
        &self,
        form: &Form,
        source: &[u8],
        depth: usize,
        keeps_length: bool,
    ) -> Option<Vec<u8>> {
        let mut result = Vec::new();
        let mut copied = 0;
        for run in form.base64_runs(SHORTEST_RUN) {
            let digits: Vec<u8> = run.iter().map(|index| form.byte(*index)).collect();
            let found = (0..4).find_map(|first| {
                let (encoded, whole) = self.in_digits(&digits, first, depth, keeps_length)?;
                let (start, _) = form.source_of(*run.get(first)?, *run.get(first)?)?;
                let last = *run.get(first + whole - 1)?;
                let (_, end) = form.source_of(last, last)?;
                Some((start, end, encoded))
            });
            let Some((start, end, encoded)) = found.filter(|(start, ..)| *start >= copied) else {
                continue;
            };
            result.extend_from_slice(source.get(copied..start)?);
            result.extend_from_slice(encoded.as_bytes());
            let rest = source.get(end..)?;
            let padding = rest.iter().take_while(|byte| **byte == b'=').count();
            if padding > 0 {
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

    /// The digits from `first` on without what is searched for, and how many of them were read.
    fn in_digits(
        &self,
        digits: &[u8],
        first: usize,
        depth: usize,
        keeps_length: bool,
    ) -> Option<(String, usize)> {
        let part = digits.get(first..)?;
        let whole = part.len() - usize::from(part.len() % 4 == 1);
        let part = part.get(..whole)?;
        let is_url_safe = part.iter().any(|digit| b"-_".contains(digit));
        let engine = if is_url_safe {
            &URL_SAFE_ANY
        } else {
            &STANDARD_ANY
        };
        let uniform: Vec<u8> = part
            .iter()
            .map(|digit| match (digit, is_url_safe) {
                (b'+', true) => b'-',
                (b'/', true) => b'_',
                _ => *digit,
            })
            .collect();
        let bytes = engine.decode(&uniform).ok()?;
        // In a path a piece may stand between others, which must stay what they are.
        let keeps_length = keeps_length || first > 0;
        let mut replaced = self.round(&bytes, depth + 1, keeps_length)?;
        for _ in 0..MOST_ROUNDS {
            match self.round(&replaced, depth + 1, keeps_length) {
                Some(again) if again != replaced => replaced = again,
                _ => break,
            }
        }
        Some((engine.encode(&replaced), whole))
    }
}

const ANY_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD_ANY: GeneralPurpose = GeneralPurpose::new(&STANDARD, ANY_PADDING);
const URL_SAFE_ANY: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, ANY_PADDING);

/// A pseudonym with the escapes that the text in whose place it comes has.
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
