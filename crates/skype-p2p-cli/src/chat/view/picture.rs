//! The picture of the guide: a screen as an SVG file.

use std::{fmt::Write as _, fs, path::Path};

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};

use super::{
    tests::{busy_state, drawn},
    theme::{Theme, ThemeName},
};
use crate::chat::wrapping::width;

/// The size of a cell in pixels.
const CELL: (usize, usize) = (9, 19);

const BACKGROUND: &str = "#1c1c1c";
const FOREGROUND: &str = "#d0d0d0";

fn color(color: Color, default: &'static str) -> &'static str {
    match color {
        Color::LightGreen | Color::Green => "#87d787",
        Color::LightRed | Color::Red => "#ff8787",
        Color::LightBlue => "#87afff",
        Color::LightMagenta => "#ff87ff",
        Color::LightYellow | Color::Yellow => "#ffd75f",
        Color::LightCyan | Color::Cyan => "#5fd7d7",
        _ => default,
    }
}

/// The colours of a cell: foreground and background.
fn colors(cell: &Cell) -> (&'static str, &'static str) {
    let (foreground, background) = (color(cell.fg, FOREGROUND), color(cell.bg, BACKGROUND));
    if cell.modifier.contains(Modifier::REVERSED) {
        (background, foreground)
    } else if cell.modifier.contains(Modifier::DIM) {
        ("#8a8a8a", background)
    } else {
        (foreground, background)
    }
}

/// The screen as SVG. Cells with the same style are one piece of text with a fixed width.
fn svg(buffer: &Buffer) -> String {
    let (columns, rows) = (
        usize::from(buffer.area.width),
        usize::from(buffer.area.height),
    );
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"monospace\" font-size=\"15\">\n<rect width=\"100%\" height=\"100%\" fill=\"{BACKGROUND}\"/>\n",
        columns * CELL.0,
        rows * CELL.1
    );
    for (y, row) in buffer.content().chunks(columns).enumerate() {
        let mut x = 0;
        while let Some(first) = row.get(x) {
            let style = (colors(first), first.modifier);
            let mut text = String::new();
            let start = x;
            while let Some(cell) = row.get(x).filter(|it| (colors(it), it.modifier) == style) {
                text.push_str(cell.symbol());
                x += width(cell.symbol()).max(1);
            }
            write_piece(&mut svg, (start, y), x - start, &text, first);
        }
    }
    svg + "</svg>\n"
}

fn write_piece(svg: &mut String, (x, y): (usize, usize), cells: usize, text: &str, cell: &Cell) {
    let (foreground, background) = colors(cell);
    let (left, top, pixels) = (x * CELL.0, y * CELL.1, cells * CELL.0);
    if background != BACKGROUND {
        let height = CELL.1;
        writeln!(svg, "<rect x=\"{left}\" y=\"{top}\" width=\"{pixels}\" height=\"{height}\" fill=\"{background}\"/>").unwrap();
    }
    let left = left + (text.len() - text.trim_start_matches(' ').len()) * CELL.0;
    let shown = text.trim();
    if shown.is_empty() {
        return;
    }
    let mut style = String::new();
    if cell.modifier.contains(Modifier::BOLD) {
        style.push_str(" font-weight=\"bold\"");
    }
    if cell.modifier.contains(Modifier::UNDERLINED) {
        style.push_str(" text-decoration=\"underline\"");
    }
    let length = width(shown) * CELL.0;
    let baseline = top + 14;
    let escaped = shown
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    writeln!(svg, "<text x=\"{left}\" y=\"{baseline}\" textLength=\"{length}\" fill=\"{foreground}\"{style}>{escaped}</text>").unwrap();
}

#[test]
fn the_picture_of_the_guide_is_the_present_screen() {
    let (buffer, _) = drawn(&busy_state(), &Theme::new(ThemeName::Dark, true));
    let picture = svg(&buffer);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/chat.svg");
    if std::env::var_os("WRITE_GUIDE").is_some() {
        fs::write(&file, &picture).unwrap();
    }
    let present = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        picture == present,
        "WRITE_GUIDE=1 writes docs/src/chat.svg anew"
    );
}
