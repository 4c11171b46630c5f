//! Writes the screen to the terminal: the cells that have changed since the last drawing.

use std::io::{self, Write};

use crossterm::{
    queue,
    terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate},
};
use ratatui::{
    backend::{Backend as _, ClearType, CrosstermBackend},
    buffer::Buffer,
    layout::{Position, Rect},
};

use super::{
    state::State,
    view::{self, theme::Theme},
};

/// The screen as it was drawn last.
///
/// It has the size that the state knows. The terminal can already have another one, and then the state learns of it by the next
/// input.
pub(super) struct Painter<W: Write> {
    backend: CrosstermBackend<W>,
    /// Empty before the first drawing.
    shown: Buffer,
}

impl<W: Write> Painter<W> {
    pub(super) fn new(writer: W) -> Self {
        Self {
            backend: CrosstermBackend::new(writer),
            shown: Buffer::default(),
        }
    }

    /// Forgets what the terminal shows, so that the next drawing writes all of it.
    pub(super) fn forget(&mut self) {
        self.shown = Buffer::default();
    }

    /// Draws the state.
    ///
    /// # Errors
    ///
    /// If the terminal cannot be written.
    pub(super) fn draw(&mut self, state: &State, theme: &Theme) -> io::Result<()> {
        let (columns, rows) = state.size;
        let mut next = Buffer::empty(Rect::new(0, 0, columns, rows));
        let cursor = view::draw(&mut next, state, theme);
        let is_stale = self.shown.area != next.area
            || !uncertain_cells(&self.shown).eq(uncertain_cells(&next));
        queue!(self.backend, BeginSynchronizedUpdate)?;
        if is_stale {
            self.backend.clear_region(ClearType::All)?;
            self.shown = Buffer::empty(next.area);
        }
        let changes = self.shown.diff(&next);
        self.backend.draw(changes.into_iter())?;
        match cursor {
            Some(cursor) => {
                self.backend.set_cursor_position(cursor)?;
                self.backend.show_cursor()?;
            }
            None => self.backend.hide_cursor()?,
        }
        queue!(self.backend, EndSynchronizedUpdate)?;
        io::Write::flush(&mut self.backend)?;
        self.shown = next;
        Ok(())
    }
}

/// The cells with several code points, such as a flag, a family or a syllable of Devanagari. Terminals disagree about their
/// width: a wider one covers the cells behind it, which the painter takes for unchanged. So the screen is written anew when such
/// a cell has moved.
fn uncertain_cells(buffer: &Buffer) -> impl Iterator<Item = (Position, &str)> {
    let cells = buffer.area.positions().zip(buffer.content());
    cells
        .map(|(at, cell)| (at, cell.symbol()))
        .filter(|(_, symbol)| {
            let mut more = symbol.chars().skip(1);
            more.any(|c| c != view::LEFT_TO_RIGHT_MARK)
        })
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use super::*;
    use crate::chat::{
        fixture::{LENE, add, control, message, press, state, type_text},
        state::input::Input,
        view::theme::ThemeName,
    };

    const CLEAR: &str = "\u{1b}[2J";

    /// A terminal, which keeps what is written to it.
    #[derive(Clone, Default)]
    struct Written(Rc<RefCell<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Drawn {
        painter: Painter<Written>,
        written: Written,
    }

    impl Drawn {
        /// What the drawing of the state writes.
        fn draw(&mut self, state: &State) -> String {
            let theme = Theme::new(ThemeName::Dark, true);
            self.painter.draw(state, &theme).unwrap();
            String::from_utf8(self.written.0.take()).unwrap()
        }
    }

    fn drawn() -> Drawn {
        let written = Written::default();
        Drawn {
            painter: Painter::new(written.clone()),
            written,
        }
    }

    #[test]
    fn only_changes_are_written_until_the_screen_is_forgotten() {
        let (mut drawn, mut state) = (drawn(), state());
        let whole = drawn.draw(&state);
        assert!(
            whole.contains(CLEAR) && whole.contains("Lene Aaling"),
            "{whole:?}"
        );
        type_text(&mut state, "Q");
        let key = drawn.draw(&state);
        assert!(!key.contains(CLEAR) && !key.contains("Lene"), "{key:?}");
        assert!(key.contains('Q') && key.len() < 100, "{key:?}");
        drawn.painter.forget();
        let again = drawn.draw(&state);
        assert!(
            again.contains(CLEAR) && again.contains("Lene Aaling"),
            "{again:?}"
        );
    }

    /// A drawing between the resize of the terminal and the input that reports it has the old size.
    #[test]
    fn the_screen_has_the_size_that_the_state_knows() {
        let (mut drawn, mut state) = (drawn(), state());
        control(&mut state, 'o');
        drawn.draw(&state);
        for (columns, rows) in [(40, 12), (0, 0), (1, 1), (200, 60), (20, 5)] {
            state.on_input(Input::Resize { columns, rows });
            assert!(drawn.draw(&state).contains(CLEAR), "{columns}×{rows}");
            assert_eq!(drawn.painter.shown.area, Rect::new(0, 0, columns, rows));
        }
    }

    #[test]
    fn a_moved_cluster_of_uncertain_width_causes_a_whole_drawing() {
        for (text, is_uncertain) in [
            ("plain", false),
            ("日本", false),
            ("שלום", false),
            ("🇩🇪", true),
            ("👩‍👩‍👧‍👦", true),
            ("नमस्ते", true),
        ] {
            let (mut drawn, mut state) = (drawn(), state());
            add(&mut state, LENE, message(1, text, None));
            drawn.draw(&state);
            type_text(&mut state, "Hi");
            assert!(!drawn.draw(&state).contains(CLEAR), "{text}");
            add(&mut state, LENE, message(2, "below", None));
            assert_eq!(drawn.draw(&state).contains(CLEAR), is_uncertain, "{text}");
            press(&mut state, crossterm::event::KeyCode::F(1));
            assert_eq!(drawn.draw(&state).contains(CLEAR), is_uncertain, "{text}");
        }
    }
}
