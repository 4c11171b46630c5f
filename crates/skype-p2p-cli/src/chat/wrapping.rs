//! Breaks text into lines of a terminal's width, counted in cells.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use super::printable_text::PrintableText;

/// The cells that a name keeps, whatever is behind it.
const SHORTEST_NAME: usize = 8;

/// The number of cells that the text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// A piece of a line. A link may consist of several pieces in consecutive lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    pub(crate) is_link: bool,
}

/// The text in lines of at most `columns` cells, broken at spaces where possible. A grapheme cluster is never divided. There
/// is at least one line.
pub(crate) fn wrap(text: &PrintableText, columns: usize) -> Vec<Vec<Piece>> {
    text.as_str()
        .split('\n')
        .flat_map(|paragraph| wrap_paragraph(paragraph, columns.max(2)))
        .collect()
}

fn wrap_paragraph(paragraph: &str, columns: usize) -> Vec<Vec<Piece>> {
    let mut lines = vec![Vec::new()];
    let mut used = 0;
    for word in word_spans(paragraph) {
        let is_link = is_link(word);
        // Spaces at the end of a line are not shown.
        let needed = width(word.trim_end());
        if used > 0 && used + needed > columns {
            lines.push(Vec::new());
            used = 0;
        }
        for cluster in word.graphemes(true) {
            let cells = width(cluster);
            if used + cells > columns {
                if cluster == " " {
                    continue;
                }
                lines.push(Vec::new());
                used = 0;
            }
            used += cells;
            append(&mut lines, cluster, is_link && cluster != " ");
        }
    }
    lines
}

/// Appends text to the last line.
fn append(lines: &mut [Vec<Piece>], text: &str, is_link: bool) {
    let Some(line) = lines.last_mut() else {
        return;
    };
    match line.last_mut() {
        Some(piece) if piece.is_link == is_link => piece.text.push_str(text),
        _ => line.push(Piece {
            text: text.to_owned(),
            is_link,
        }),
    }
}

/// The words of a line, each with the spaces that follow it.
pub(crate) fn word_spans(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let word = rest.len() - rest.trim_start_matches(|c| c != ' ').len();
        let (_, after) = rest.split_at(word);
        let spaces = after.len() - after.trim_start_matches(' ').len();
        let (span, remaining) = rest.split_at(word + spaces);
        rest = remaining;
        (!span.is_empty()).then_some(span)
    })
}

/// Whether the word is the address of a page.
fn is_link(word: &str) -> bool {
    let word = word.trim_start_matches(['(', '<', '"', '[']);
    ["https://", "http://"]
        .iter()
        .any(|scheme| word.len() > scheme.len() && word.starts_with(scheme))
}

/// The beginning of the text that fits into `columns` cells, with an ellipsis if something is left out.
pub(crate) fn truncate(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut truncated = String::new();
    let mut used = 0;
    for cluster in text.graphemes(true) {
        let cells = width(cluster);
        if used + cells + 1 > columns {
            break;
        }
        used += cells;
        truncated.push_str(cluster);
    }
    if columns > 0 {
        truncated.push('…');
    }
    truncated
}

/// The beginning of the text that leaves room in `columns` cells for `behind`. A part of the text remains in any case.
pub(crate) fn truncate_before(text: &str, behind: &str, columns: usize) -> String {
    let room = columns.saturating_sub(width(behind));
    truncate(text, room.max(SHORTEST_NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, columns: usize) -> Vec<String> {
        wrap(&PrintableText::new(text), columns)
            .into_iter()
            .map(|line| line.into_iter().map(|piece| piece.text).collect())
            .collect()
    }

    #[test]
    fn lines_break_at_spaces_and_long_words_anywhere() {
        assert_eq!(lines("one two three", 7), ["one two", "three"]);
        assert_eq!(lines("one two", 6), ["one ", "two"]);
        assert_eq!(lines("one two three", 8), ["one two ", "three"]);
        assert_eq!(lines("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(lines("a\n\nb", 4), ["a", "", "b"]);
        assert_eq!(lines("", 4), [""]);
    }

    #[test]
    fn wide_characters_take_two_cells_and_clusters_stay_whole() {
        assert_eq!(lines("日本語", 5), ["日本", "語"]);
        assert_eq!(lines("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 3), ["👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦"]);
        assert_eq!(truncate("日本語", 4), "日…");
        assert_eq!(truncate("日本語", 6), "日本語");
        assert_eq!(truncate("abc", 0), "");
    }

    #[test]
    fn a_long_name_is_cut_before_what_is_behind_it() {
        let text = |columns| truncate_before("Lene Aaling", " (away)", columns);
        assert_eq!(text(18), "Lene Aaling");
        assert_eq!(text(17), "Lene Aali…");
        assert_eq!(text(9), "Lene Aa…");
    }

    #[test]
    fn a_link_is_marked_in_every_line_that_it_takes() {
        let pieces = wrap(&PrintableText::new("see https://contoso.com/menu now"), 14);
        let link = |text: &str| Piece {
            text: text.to_owned(),
            is_link: true,
        };
        let plain = |text: &str| Piece {
            text: text.to_owned(),
            is_link: false,
        };
        assert_eq!(
            pieces,
            [
                vec![plain("see ")],
                vec![link("https://contos")],
                vec![link("o.com/menu"), plain(" now")],
            ]
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let text = "The quick 日本語 👩‍👩‍👧‍👦 fox https://contoso.com/a/very/long/path שלום";
        for columns in 2..40 {
            for line in lines(text, columns) {
                assert!(width(&line) <= columns, "{line:?} in {columns}");
            }
        }
    }
}
