//! The charts of the guide, as SVG: cost by size, and memory by kind of session.

use std::fmt::Write as _;

use super::row::{Row, number};

/// A place in the chart of the growth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) series: &'static str,
    pub(super) size: u64,
    /// The size of the rival, which is the first point of the series.
    pub(super) smallest: u64,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 200.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 50.0;
/// Colours that differ in brightness, too.
const COLOURS: [&str; 4] = ["#1b6ca8", "#d1495b", "#2e933c", "#8a5a00"];

/// The cost of each step, as a multiple of the cost at the smallest size. Both axes are logarithmic.
pub(super) fn growth(rows: &[Row]) -> Option<String> {
    let mut series: Vec<(&str, Vec<(f64, f64)>)> = Vec::new();
    for row in rows {
        let (Some(point), Some(ratio)) = (row.point, row.ratio()) else {
            continue;
        };
        let at = (point.size as f64, ratio.median);
        match series.iter_mut().find(|(name, _)| *name == point.series) {
            Some((_, points)) => points.push(at),
            None => series.push((point.series, vec![(point.smallest as f64, 1.0), at])),
        }
    }
    let points = || series.iter().flat_map(|(_, points)| points);
    let (first, last) = ends(points().map(|(size, _)| size.log10()))?;
    let (lowest, highest) = ends(points().map(|(_, ratio)| ratio.log10()))?;
    // A flat line lies in the middle.
    let (lowest, highest) = (lowest.min(-0.5).floor(), highest.max(0.5).ceil());
    let x = |size: f64| LEFT + (size.log10() - first) / (last - first) * (WIDTH - LEFT - RIGHT);
    let y = |ratio: f64| {
        HEIGHT - BOTTOM - (ratio.log10() - lowest) / (highest - lowest) * (HEIGHT - TOP - BOTTOM)
    };

    let mut svg = begin("Cost of a step as a multiple of its cost at the smallest size");
    for power in lowest as i32..=highest as i32 {
        let value = 10_f64.powi(power);
        grid(&mut svg, LEFT, y(value), WIDTH - RIGHT, y(value));
        text(
            &mut svg,
            LEFT - 8.0,
            y(value) + 4.0,
            "end",
            &format!("{} ×", number(value)),
        );
    }
    for power in first.ceil() as i32..=last.floor() as i32 {
        let size = 10_f64.powi(power);
        grid(&mut svg, x(size), TOP, x(size), HEIGHT - BOTTOM);
        text(
            &mut svg,
            x(size),
            HEIGHT - BOTTOM + 18.0,
            "middle",
            &number(size),
        );
    }
    text(
        &mut svg,
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 10.0,
        "middle",
        "conversations or participants",
    );
    for ((line, (name, points)), colour) in series.iter().enumerate().zip(COLOURS.iter().cycle()) {
        let path: Vec<_> = points
            .iter()
            .map(|(size, ratio)| format!("{:.1},{:.1}", x(*size), y(*ratio)))
            .collect();
        let _ = writeln!(
            svg,
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#,
            path.join(" ")
        );
        for point in &path {
            let (cx, cy) = point.split_once(',').unwrap_or_default();
            let _ = writeln!(
                svg,
                r#"<circle cx="{cx}" cy="{cy}" r="3" fill="{colour}"/>"#
            );
        }
        let at = TOP + 10.0 + 20.0 * line as f64;
        let _ = writeln!(
            svg,
            r#"<rect x="{}" y="{}" width="12" height="3" fill="{colour}"/>"#,
            WIDTH - RIGHT + 14.0,
            at - 5.0
        );
        text(&mut svg, WIDTH - RIGHT + 32.0, at, "start", name);
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

/// A bar for the memory of each kind of session.
pub(super) fn memory(rows: &[Row]) -> Option<String> {
    let mut bars: Vec<(String, f64)> = Vec::new();
    for row in rows.iter().filter(|row| row.unit == "KB") {
        for (name, summary) in [(&row.rival, row.rivals()), (&row.what, row.ours())] {
            if let Some(summary) = summary
                && !bars.iter().any(|(bar, _)| bar == name)
            {
                bars.push((name.clone(), summary.median));
            }
        }
    }
    let (_, longest) = ends(bars.iter().map(|(_, value)| *value))?;
    let mut svg = begin("Resident memory of an idle session");
    for (line, ((name, value), colour)) in bars.iter().zip(COLOURS.iter().cycle()).enumerate() {
        let at = TOP + 20.0 + 60.0 * line as f64;
        let width = value / longest * (WIDTH - LEFT - 100.0);
        text(&mut svg, LEFT, at, "start", name);
        let _ = writeln!(
            svg,
            r#"<rect x="{LEFT}" y="{:.1}" width="{width:.1}" height="20" fill="{colour}"/>"#,
            at + 6.0
        );
        text(
            &mut svg,
            LEFT + width + 8.0,
            at + 21.0,
            "start",
            &format!("{} KB", number(*value)),
        );
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

/// The smallest and the largest of some values.
fn ends(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |ends, value| match ends {
        None => Some((value, value)),
        Some((low, high)) => Some((low.min(value), high.max(value))),
    })
}

fn begin(title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    )
}

fn grid(svg: &mut String, x1: f64, y1: f64, x2: f64, y2: f64) {
    let _ = writeln!(
        svg,
        r##"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="#dddddd"/>"##
    );
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        svg,
        r##"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" fill="#222222">{text}</text>"##
    );
}

#[cfg(test)]
mod tests {
    use super::{
        super::row::{Goal, Pair},
        *,
    };

    fn row(what: &str, unit: &'static str, point: Option<Point>, ours: f64, rival: f64) -> Row {
        Row {
            area: "growth",
            what: what.to_owned(),
            unit,
            rival: "connection".to_owned(),
            goal: Goal::Flat,
            point,
            pairs: vec![Pair {
                ours,
                rival: Some(rival),
            }],
        }
    }

    #[test]
    fn a_cost_that_grows_is_higher_in_the_chart_than_a_flat_one() {
        let point = |series, size| {
            Some(Point {
                series,
                size,
                smallest: 10,
            })
        };
        let rows = [
            row("a", "µs", point("flat", 100), 5.0, 5.0),
            row("b", "µs", point("flat", 1000), 5.0, 5.0),
            row("c", "µs", point("growing", 1000), 500.0, 5.0),
            row("d", "µs", None, 9.0, 1.0),
        ];
        let svg = growth(&rows).unwrap();
        let lines: Vec<_> = svg
            .lines()
            .filter(|line| line.starts_with("<polyline"))
            .collect();
        // 1 × lies at a third of the height between 0.1 × and 100 ×.
        assert_eq!(lines.len(), 2, "{svg}");
        assert!(
            lines[0].contains(r#"points="60.0,216.7 290.0,216.7 520.0,216.7""#),
            "{svg}"
        );
        assert!(
            lines[1].contains(r#"points="60.0,216.7 520.0,30.0""#),
            "{svg}"
        );
        assert_eq!(growth(&rows[3..]), None);
    }

    #[test]
    fn each_kind_of_session_has_one_bar() {
        let rows = [
            row("shared", "KB", None, 40.0, 20.0),
            row("own", "KB", None, 60.0, 20.0),
            row("connections", "", None, 1.0, 1.0),
        ];
        let svg = memory(&rows).unwrap();
        let bars = svg.matches("height=\"20\"").count();
        assert_eq!(bars, 3, "{svg}");
        assert!(
            svg.contains("width=\"560.0\"") && svg.contains(">60 KB<"),
            "{svg}"
        );
        assert_eq!(memory(&rows[2..]), None);
    }
}
