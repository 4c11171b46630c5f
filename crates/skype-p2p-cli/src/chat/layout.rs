//! The areas of the screen.

use std::mem;

use ratatui::layout::Rect;
use unicode_segmentation::UnicodeSegmentation as _;

use super::{
    state::keys::BINDINGS,
    wrapping::{width, word_spans},
};

/// Narrower screens have no list of conversations.
const NARROW: u16 = 50;

/// The areas, some of which are empty on a small screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The user and the connection, above the list.
    pub(crate) account: Rect,
    pub(crate) list: Rect,
    /// The vertical line beside the list.
    pub(crate) separator: Rect,
    /// The name of the conversation.
    pub(crate) header: Rect,
    pub(crate) timeline: Rect,
    /// Who is typing, or what is going on.
    pub(crate) activity: Rect,
    pub(crate) composer: Rect,
    /// The last line: a notice, or the most important keys.
    pub(crate) footer: Rect,
}

impl Layout {
    /// The layout of a screen of this size, with a composer that shows this text.
    pub(crate) fn new(columns: u16, rows: u16, draft: &str) -> Self {
        let list_columns = match columns {
            0..NARROW => 0,
            _ => (columns / 4).clamp(18, 32),
        };
        let separator_columns = u16::from(list_columns > 0);
        let main_x = list_columns + separator_columns;
        let main_columns = columns - main_x;
        let footer_rows = rows.min(1);
        let header_rows = (rows - footer_rows).min(1);
        let body_rows = rows - footer_rows - header_rows;
        let (lines, _) = editor_lines(draft, "", composer_columns(main_columns));
        let wanted = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        let composer_rows = wanted.min((body_rows / 3).max(1)).min(body_rows);
        let activity_rows = (body_rows - composer_rows).min(1);
        let timeline_rows = body_rows - composer_rows - activity_rows;
        let main = |y, height| Rect::new(main_x, y, main_columns, height);
        Self {
            account: Rect::new(0, 0, main_x, header_rows),
            list: Rect::new(0, header_rows, list_columns, body_rows),
            separator: Rect::new(list_columns, header_rows, separator_columns, body_rows),
            header: main(0, header_rows),
            timeline: main(header_rows, timeline_rows),
            activity: main(header_rows + timeline_rows, activity_rows),
            composer: main(header_rows + timeline_rows + activity_rows, composer_rows),
            footer: Rect::new(0, rows - footer_rows, columns, footer_rows),
        }
    }
}

/// The keys that the help shows at once inside its border, on a screen of so many rows.
pub(crate) fn help_rows(rows: u16) -> usize {
    usize::from(rows.saturating_sub(2)).min(BINDINGS.len())
}

/// The width of the text in the composer, which begins with a prompt of two cells. The cursor takes one.
pub(crate) fn composer_columns(columns: u16) -> usize {
    usize::from(columns.saturating_sub(3)).max(2)
}

/// The lines of an edited text, and the row and column of the cursor. `text` is the whole text, `before` its part before the
/// cursor. A line that is too long is broken at spaces where possible; a space that does not fit into its line is not shown.
pub(crate) fn editor_lines(
    text: &str,
    before: &str,
    columns: usize,
) -> (Vec<String>, (usize, usize)) {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    let mut at = 0;
    let mut cursor = None;
    for (index, paragraph) in text.split('\n').enumerate() {
        if index > 0 {
            if at == before.len() {
                cursor = Some((lines.len(), used));
            }
            at += 1;
            used = 0;
            lines.push(mem::take(&mut line));
        }
        for word in word_spans(paragraph) {
            if used > 0 && used + width(word.trim_end()) > columns {
                used = 0;
                lines.push(mem::take(&mut line));
            }
            for cluster in word.graphemes(true) {
                let cells = width(cluster);
                let fits = used + cells <= columns;
                if !fits && cluster != " " {
                    used = 0;
                    lines.push(mem::take(&mut line));
                }
                if at == before.len() {
                    cursor = Some((lines.len(), used));
                }
                at += cluster.len();
                if fits || cluster != " " {
                    used += cells;
                    line.push_str(cluster);
                }
            }
        }
    }
    let end = (lines.len(), used);
    lines.push(line);
    (lines, cursor.unwrap_or(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_areas_fill_a_screen_of_80_by_24() {
        let layout = Layout::new(80, 24, "");
        assert_eq!(layout.list, Rect::new(0, 1, 20, 22));
        assert_eq!(layout.timeline, Rect::new(21, 1, 59, 20));
        assert_eq!(layout.composer, Rect::new(21, 22, 59, 1));
        assert_eq!(layout.footer, Rect::new(0, 23, 80, 1));
    }

    #[test]
    fn the_areas_stay_on_a_screen_of_any_size() {
        for (columns, rows) in (0..90).flat_map(|c| (0..30).map(move |r| (c, r))) {
            let layout = Layout::new(columns, rows, "a\nb\nc\nd\ne\nf\ng\nh\ni\nj");
            let screen = Rect::new(0, 0, columns, rows);
            for area in [
                layout.account,
                layout.list,
                layout.separator,
                layout.header,
                layout.timeline,
                layout.activity,
                layout.composer,
                layout.footer,
            ] {
                assert_eq!(
                    area.intersection(screen).area(),
                    area.area(),
                    "{columns}×{rows}"
                );
            }
        }
    }

    #[test]
    fn an_edited_line_is_broken_at_spaces() {
        let text = "one two  three";
        let (lines, cursor) = editor_lines(text, "one two ", 7);
        assert_eq!(lines, ["one two", "three"]);
        assert_eq!(cursor, (0, 7));
        assert_eq!(editor_lines(text, "one two  ", 7).1, (1, 0));
        assert_eq!(editor_lines(text, text, 7).1, (1, 5));
        assert_eq!(editor_lines("one ", "one ", 3).1, (0, 3));
        assert_eq!(editor_lines("one three", "", 7).0, ["one ", "three"]);
    }

    #[test]
    fn the_cursor_follows_the_text() {
        let (lines, cursor) = editor_lines("ab日本\nx", "ab日", 5);
        assert_eq!(lines, ["ab日", "本", "x"]);
        assert_eq!(cursor, (1, 0));
        assert_eq!(editor_lines("ab日本\nx", "ab日本", 5).1, (1, 2));
        assert_eq!(editor_lines("a\n", "a\n", 5).1, (1, 0));
        assert_eq!(editor_lines("", "", 5), (vec![String::new()], (0, 0)));
    }
}
