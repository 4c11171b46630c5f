//! The styles of the screen, with and without colours.

use clap::ValueEnum;
use ratatui::style::{Color, Modifier, Style};
use skype_p2p::PersonStatus;

use crate::chat::{
    printable_text::PrintableText,
    wrapping::{truncate, width},
};

/// The cells that the shortest part of a note takes, with the line before it.
const SHORTEST_NOTE: usize = 8;

/// A set of colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ThemeName {
    /// For a dark background
    Dark,
    /// For a light background
    Light,
}

/// The styles. Everything that a colour shows is also shown by a symbol, a word or an attribute such as bold.
#[derive(Clone, Debug)]
pub(crate) struct Theme {
    pub(crate) bar: Style,
    pub(crate) selected: Style,
    pub(crate) unread: Style,
    pub(crate) dim: Style,
    pub(crate) own: Style,
    pub(crate) link: Style,
    pub(crate) delivered: Style,
    pub(crate) problem: Style,
    pub(crate) attention: Style,
    pub(crate) found: Style,
    online: Style,
    away: Style,
    busy: Style,
    authors: &'static [Color],
}

const DARK: [Color; 5] = [
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightYellow,
    Color::LightCyan,
    Color::LightRed,
];

const LIGHT: [Color; 5] = [
    Color::Blue,
    Color::Magenta,
    Color::Red,
    Color::Green,
    Color::Cyan,
];

impl Theme {
    /// The theme; with attributes only, if there are no colours.
    pub(crate) fn new(name: ThemeName, colors: bool) -> Self {
        match (colors, name) {
            (false, _) => Self::plain(),
            (true, ThemeName::Dark) => Self::colored(&DARK, Color::LightGreen, Color::LightRed),
            (true, ThemeName::Light) => Self::colored(&LIGHT, Color::Green, Color::Red),
        }
    }

    fn plain() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        Self {
            bar: plain.add_modifier(Modifier::REVERSED),
            selected: plain.add_modifier(Modifier::REVERSED),
            unread: bold,
            dim: plain.add_modifier(Modifier::DIM),
            own: bold,
            link: plain.add_modifier(Modifier::UNDERLINED),
            delivered: plain,
            problem: bold,
            attention: bold,
            found: plain.add_modifier(Modifier::REVERSED),
            online: plain,
            away: plain,
            busy: plain,
            authors: &[],
        }
    }

    fn colored(authors: &'static [Color], good: Color, bad: Color) -> Self {
        let plain = Self::plain();
        Self {
            own: plain.own.fg(good),
            link: plain.link.fg(Color::Cyan),
            delivered: plain.delivered.fg(good),
            problem: plain.problem.fg(bad),
            attention: plain.attention.fg(Color::Yellow),
            online: plain.online.fg(good),
            away: plain.away.fg(Color::Yellow),
            busy: plain.busy.fg(bad),
            authors,
            ..plain
        }
    }

    /// The style of an author's name: the same for the same name.
    pub(crate) fn author(&self, name: &str) -> Style {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let sum: usize = name.bytes().map(usize::from).sum();
        match sum.checked_rem(self.authors.len()) {
            Some(index) => self.authors.get(index).map_or(bold, |it| bold.fg(*it)),
            None => bold,
        }
    }

    /// The symbol of a status, with its style.
    pub(crate) fn status(&self, status: PersonStatus) -> (&'static str, Style) {
        match status {
            PersonStatus::Online => ("●", self.online),
            PersonStatus::Busy => ("■", self.busy),
            PersonStatus::DoNotDisturb => ("◼", self.busy),
            PersonStatus::Away | PersonStatus::BeRightBack | PersonStatus::Idle => ("◑", self.away),
            PersonStatus::Offline | PersonStatus::Hidden => ("○", self.dim),
            _ => ("·", self.dim),
        }
    }
}

/// The status behind the name of a person; empty if the status is not known.
pub(crate) fn status_suffix(status: PersonStatus) -> String {
    match status_word(status) {
        "" => String::new(),
        word => format!(" ({word})"),
    }
}

/// The text with the note behind it, as far as there is room for the note in `columns` cells.
pub(crate) fn with_note(text: String, note: &PrintableText, columns: usize) -> String {
    let room = columns.saturating_sub(width(&text));
    if note.is_empty() || room < SHORTEST_NOTE {
        return text;
    }
    text + &truncate(&format!(" │ {}", note.as_str()), room)
}

/// The word for a status; empty if the status is not known.
pub(crate) fn status_word(status: PersonStatus) -> &'static str {
    match status {
        PersonStatus::Online => "online",
        PersonStatus::Busy => "busy",
        PersonStatus::DoNotDisturb => "do not disturb",
        PersonStatus::Away => "away",
        PersonStatus::BeRightBack => "be right back",
        PersonStatus::Idle => "inactive",
        PersonStatus::Offline | PersonStatus::Hidden => "offline",
        _ => "",
    }
}
