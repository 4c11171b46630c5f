//! A text that the user is editing, with a cursor.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::chat::{printable_text::PrintableText, wrapping::width};

/// The longest text, in bytes. A longer paste is cut.
const LONGEST: usize = 32 * 1024;

/// The text and the cursor, which is between two grapheme clusters. Debug output does not show the text.
#[derive(Clone, Default)]
pub(crate) struct TextField {
    text: String,
    /// A byte index.
    cursor: usize,
}

/// What a key did to the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    /// The text is another one.
    Changed,
    /// Only the cursor moved.
    Moved,
    /// The key is not one of the text field.
    Ignored,
}

impl TextField {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The text before the cursor.
    pub(crate) fn before_cursor(&self) -> &str {
        self.text.split_at(self.cursor).0
    }

    /// The part of the text around the cursor that fits into a line of `columns` cells, of which the cursor takes one, and the
    /// column of the cursor.
    pub(crate) fn visible(&self, columns: usize) -> (&str, usize) {
        let mut start = self.cursor;
        let mut used = 0;
        for (at, cluster) in self.before_cursor().grapheme_indices(true).rev() {
            let cells = width(cluster);
            if used + cells >= columns {
                break;
            }
            used += cells;
            start = at;
        }
        (self.text.get(start..).unwrap_or_default(), used)
    }

    fn after_cursor(&self) -> &str {
        self.text.split_at(self.cursor).1
    }

    /// Removes and returns the text.
    pub(crate) fn take(&mut self) -> String {
        self.cursor = 0;
        std::mem::take(&mut self.text)
    }

    /// Inserts text at the cursor. Control characters other than line breaks are not inserted as such.
    pub(crate) fn insert(&mut self, text: &str) {
        let printable = PrintableText::new(text);
        let mut text = printable.as_str();
        let room = LONGEST.saturating_sub(self.text.len());
        if text.len() > room {
            text = text.get(..floor_boundary(text, room)).unwrap_or_default();
        }
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
    }

    /// Edits the text as the key says.
    pub(crate) fn on_key(&mut self, key: KeyEvent) -> Edit {
        // Windows reports the key AltGr, which many characters need, as Ctrl and Alt together.
        let modifiers = key.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        let control = modifiers == KeyModifiers::CONTROL;
        let alt = modifiers == KeyModifiers::ALT;
        match key.code {
            KeyCode::Char('a') if control => self.move_to(self.line_start()),
            KeyCode::Char('e') if control => self.move_to(self.line_end()),
            KeyCode::Char('w') if control => self.delete_between(self.word_start(), self.cursor),
            KeyCode::Char('u') if control => self.delete_between(self.line_start(), self.cursor),
            KeyCode::Char('k') if control => self.delete_between(self.cursor, self.line_end()),
            KeyCode::Char(c) if !control && !alt => {
                self.insert(c.encode_utf8(&mut [0; 4]));
                Edit::Changed
            }
            KeyCode::Backspace => self.delete_between(self.previous(), self.cursor),
            KeyCode::Delete => self.delete_between(self.cursor, self.next()),
            KeyCode::Left if control => self.move_to(self.word_start()),
            KeyCode::Right if control => self.move_to(self.word_end()),
            KeyCode::Left => self.move_to(self.previous()),
            KeyCode::Right => self.move_to(self.next()),
            KeyCode::Up => self.move_to(self.above()),
            KeyCode::Down => self.move_to(self.below()),
            KeyCode::Home => self.move_to(self.line_start()),
            KeyCode::End => self.move_to(self.line_end()),
            _ => Edit::Ignored,
        }
    }

    fn move_to(&mut self, cursor: usize) -> Edit {
        self.cursor = cursor;
        Edit::Moved
    }

    fn delete_between(&mut self, from: usize, to: usize) -> Edit {
        if from == to {
            return Edit::Moved;
        }
        self.text.replace_range(from..to, "");
        self.cursor = from;
        Edit::Changed
    }

    fn previous(&self) -> usize {
        let cluster = self.before_cursor().graphemes(true).next_back();
        self.cursor - cluster.map_or(0, str::len)
    }

    fn next(&self) -> usize {
        let cluster = self.after_cursor().graphemes(true).next();
        self.cursor + cluster.map_or(0, str::len)
    }

    fn line_start(&self) -> usize {
        self.before_cursor().rfind('\n').map_or(0, |at| at + 1)
    }

    fn line_end(&self) -> usize {
        let line = self.after_cursor().find('\n');
        line.map_or(self.text.len(), |length| self.cursor + length)
    }

    /// The place in the line above that is as far from its start; the start of the first line.
    fn above(&self) -> usize {
        let start = self.line_start();
        let Some(end) = start.checked_sub(1) else {
            return 0;
        };
        let line = self.text.get(..end).unwrap_or_default();
        let from = line.rfind('\n').map_or(0, |at| at + 1);
        from + self.column_in(line.get(from..).unwrap_or_default())
    }

    /// The place in the line below that is as far from its start; the end of the last line.
    fn below(&self) -> usize {
        let from = self.line_end() + 1;
        match self.text.get(from..) {
            Some(rest) => from + self.column_in(rest.split('\n').next().unwrap_or_default()),
            None => self.text.len(),
        }
    }

    /// The byte index in `line` behind as many grapheme clusters as there are before the cursor in its own line.
    fn column_in(&self, line: &str) -> usize {
        let own = self.text.get(self.line_start()..self.cursor);
        let column = own.unwrap_or_default().graphemes(true).count();
        line.graphemes(true).take(column).map(str::len).sum()
    }

    fn word_start(&self) -> usize {
        let before = self.before_cursor();
        let words = before.split_word_bound_indices();
        let word = words.rev().find(|(_, word)| !word.trim().is_empty());
        word.map_or(0, |(at, _)| at)
    }

    fn word_end(&self) -> usize {
        let mut words = self.after_cursor().split_word_bound_indices();
        let word = words.find(|(_, word)| !word.trim().is_empty());
        word.map_or(self.text.len(), |(at, word)| self.cursor + at + word.len())
    }
}

/// The end of the last grapheme cluster that ends at or before `limit`.
fn floor_boundary(text: &str, limit: usize) -> usize {
    let ends = text.grapheme_indices(true).map(|(at, it)| at + it.len());
    ends.take_while(|end| *end <= limit).last().unwrap_or(0)
}

impl fmt::Debug for TextField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextField")
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_text(text: &str) -> TextField {
        let mut field = TextField::default();
        field.insert(text);
        field
    }

    fn press(field: &mut TextField, code: KeyCode, modifiers: KeyModifiers) -> Edit {
        field.on_key(KeyEvent::new(code, modifiers))
    }

    fn control(field: &mut TextField, c: char) -> Edit {
        press(field, KeyCode::Char(c), KeyModifiers::CONTROL)
    }

    #[test]
    fn keys_edit_whole_grapheme_clusters() {
        let mut field = with_text("a👩‍👩‍👧‍👦é");
        press(&mut field, KeyCode::Left, KeyModifiers::NONE);
        assert_eq!(field.before_cursor(), "a👩‍👩‍👧‍👦");
        press(&mut field, KeyCode::Backspace, KeyModifiers::NONE);
        assert_eq!(field.text(), "aé");
        press(&mut field, KeyCode::Char('x'), KeyModifiers::NONE);
        assert_eq!(field.text(), "axé");
        press(&mut field, KeyCode::Delete, KeyModifiers::NONE);
        assert_eq!(field.text(), "ax");
        assert_eq!(
            press(&mut field, KeyCode::Delete, KeyModifiers::NONE),
            Edit::Moved
        );
    }

    #[test]
    fn words_and_lines_are_deleted_and_crossed() {
        let mut field = with_text("first\none two  ");
        assert_eq!(control(&mut field, 'w'), Edit::Changed);
        assert_eq!(field.text(), "first\none ");
        control(&mut field, 'a');
        assert_eq!(field.before_cursor(), "first\n");
        press(&mut field, KeyCode::Right, KeyModifiers::CONTROL);
        assert_eq!(field.before_cursor(), "first\none");
        press(&mut field, KeyCode::Left, KeyModifiers::CONTROL);
        control(&mut field, 'k');
        assert_eq!(field.text(), "first\n");
        press(&mut field, KeyCode::Left, KeyModifiers::NONE);
        control(&mut field, 'u');
        assert_eq!(field.text(), "\n");
        assert_eq!(control(&mut field, 'y'), Edit::Ignored);
    }

    #[test]
    fn the_cursor_moves_between_lines_in_its_column() {
        let mut field = with_text("日本語\né\nabc");
        let mut up = |code| {
            press(&mut field, code, KeyModifiers::NONE);
            field.before_cursor().to_owned()
        };
        assert_eq!(up(KeyCode::Left), "日本語\né\nab");
        assert_eq!(up(KeyCode::Up), "日本語\né");
        assert_eq!(up(KeyCode::Up), "日");
        assert_eq!(up(KeyCode::Up), "");
        assert_eq!(up(KeyCode::Down), "日本語\n");
        assert_eq!(up(KeyCode::End), "日本語\né");
        assert_eq!(up(KeyCode::Down), "日本語\né\na");
        assert_eq!(up(KeyCode::Down), "日本語\né\nabc");
    }

    #[test]
    fn a_character_typed_with_altgr_is_inserted() {
        let mut field = TextField::default();
        let altgr = KeyModifiers::CONTROL | KeyModifiers::ALT;
        press(&mut field, KeyCode::Char('@'), altgr);
        press(&mut field, KeyCode::Char('x'), KeyModifiers::ALT);
        assert_eq!(field.text(), "@");
    }

    #[test]
    fn a_paste_is_cut_and_has_no_control_characters() {
        let mut field = TextField::default();
        field.insert("a\u{1b}[2Jb\r\nc");
        assert_eq!(field.text(), "a␛[2Jb\nc");
        field.insert(&"é".repeat(LONGEST));
        assert!(field.text().len() <= LONGEST);
        assert_eq!(field.take().chars().last(), Some('é'));
        assert!(field.is_empty() && field.before_cursor().is_empty());
    }
}
