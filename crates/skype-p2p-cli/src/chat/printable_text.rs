//! Text of servers and other people, without anything that controls a terminal.

use std::fmt;

use unicode_segmentation::UnicodeSegmentation as _;

/// A longer grapheme cluster is cut. A family of four with skin tones has 11 code points.
const LONGEST_CLUSTER: usize = 16;

/// The width of a tab, in spaces.
const TAB: &str = "    ";

/// Text that is safe to write to a terminal. It has no control character except line breaks (`\n`), no formatting character
/// that reorders the text of a line, and no invisible character that hides text. Debug output does not show the text.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PrintableText(String);

impl PrintableText {
    /// The text with its line breaks.
    pub(crate) fn new(text: &str) -> Self {
        let mut printable = String::with_capacity(text.len());
        for cluster in text.graphemes(true) {
            if matches!(cluster, "\n" | "\r\n" | "\r" | "\u{2028}" | "\u{2029}") {
                printable.push('\n');
                continue;
            }
            for c in cluster.chars().take(LONGEST_CLUSTER) {
                push(&mut printable, c);
            }
        }
        Self(printable)
    }

    /// The text in one line: each line break becomes a space.
    pub(crate) fn line(text: &str) -> Self {
        Self(Self::new(text.trim()).0.replace('\n', " "))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Appends the printable form of a character.
fn push(printable: &mut String, c: char) {
    match c {
        '\t' => printable.push_str(TAB),
        // The pictures of the control characters: ESC becomes U+241B.
        '\u{0}'..='\u{1f}' => printable.extend(char::from_u32(0x2400 + u32::from(c))),
        '\u{7f}' => printable.push('\u{2421}'),
        _ if c.is_control() => printable.push(char::REPLACEMENT_CHARACTER),
        _ if reorders(c) || hides(c) => {}
        _ => printable.push(c),
    }
}

/// Whether the character changes the direction of other characters. Such an override could continue behind its text.
fn reorders(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
    )
}

/// Whether the character is invisible and not needed to write a language or an emoji.
fn hides(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    )
}

impl fmt::Debug for PrintableText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrintableText({} bytes)", self.0.len())
    }
}

impl From<&str> for PrintableText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_or_direction_character_remains() {
        let all: String = ('\0'..=char::MAX).collect();
        let printable = PrintableText::new(&all);
        let bad = printable
            .as_str()
            .chars()
            .find(|&c| (c.is_control() && c != '\n') || reorders(c) || hides(c));
        assert_eq!(bad, None);
        assert_eq!(
            PrintableText::new("\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}evil").as_str(),
            "␛]0;owned␇\u{fffd}2Jevil"
        );
    }

    #[test]
    fn line_breaks_and_tabs_are_kept_as_lines_and_spaces() {
        let text = "one\r\ntwo\rthree\u{2028}four\tfive";
        assert_eq!(
            PrintableText::new(text).as_str(),
            "one\ntwo\nthree\nfour    five"
        );
        assert_eq!(PrintableText::line(" a\nb\n").as_str(), "a b");
    }

    #[test]
    fn written_languages_and_emoji_are_kept() {
        for text in ["שלום עולם", "日本語", "👩‍👩‍👧‍👦", "नमस्ते", "می‌خواهم", "👨🏻‍👩🏻‍👧🏻‍👦🏻"]
        {
            assert_eq!(PrintableText::new(text).as_str(), text);
        }
    }

    #[test]
    fn a_pile_of_combining_marks_is_cut() {
        let pile = format!("a{}b", "\u{301}".repeat(1000));
        assert_eq!(PrintableText::new(&pile).as_str().chars().count(), 17);
    }
}
