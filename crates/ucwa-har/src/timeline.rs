//! A recording as text for a person.

use conv_transport::Har;

use crate::relations::{Event, Step, steps};

const HEADINGS: [&str; 8] = [
    "#", "time", "took", "lane", "method", "request", "status", "after",
];

/// The recording as text. It contains no text of a message.
///
/// Each request has a line: the number of its entry; the time of the request and of the exchange in seconds; its lane; its method; the link
/// relation of its address, or its path if no response had named it; its status; and the number of the response that named the
/// address. The events of a response follow, one in each line, with the number of the request that created the resource.
#[must_use]
pub fn timeline(har: &Har) -> String {
    let steps = steps(har);
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(steps.iter().map(row));
    let mut widths = [0; HEADINGS.len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let events = std::iter::once(&[][..]).chain(steps.iter().map(|step| &step.events[..]));
    let mut text = String::new();
    for (row, events) in rows.iter().zip(events) {
        let cells = row.iter().zip(widths);
        let cells = cells.enumerate().map(|(column, (cell, width))| {
            // Numbers are aligned to the right.
            if column < 3 {
                format!("{cell:>width$}")
            } else {
                format!("{cell:width$}")
            }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
        for event in events {
            let indentation = widths.first().copied().unwrap_or_default();
            text.push_str(&format!("{:indentation$}    {}\n", "", line_of(event)));
        }
    }
    text
}

fn row(step: &Step<'_>) -> [String; HEADINGS.len()] {
    let exchange = &step.exchange;
    let seconds = step.at.map(|at| format!("{:.3}", at.as_secs_f64()));
    let status = match &step.error {
        Some(error) => format!("{} {error}", exchange.status()),
        None => exchange.status(),
    };
    [
        exchange.number.to_string(),
        seconds.unwrap_or_else(|| "-".to_owned()),
        format!("{:.3}", exchange.entry.time / 1000.0),
        exchange.lane().to_owned(),
        exchange.entry.request.method.clone(),
        step.rel.clone().unwrap_or_else(|| exchange.path()),
        status,
        step.named_by
            .map_or(String::new(), |number| number.to_string()),
    ]
}

fn line_of(event: &Event) -> String {
    let mut line = format!("{} {}", event.rel, event.kind);
    if let Some(status) = &event.status {
        line.push(' ');
        line.push_str(status);
    }
    if let Some(number) = event.created_by {
        line.push_str(&format!(" (of request {number})"));
    }
    line
}
