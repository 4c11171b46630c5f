//! The tables of a run, as text and as JSON.

use serde_json::{Value, json};

use super::{
    machine::Machine,
    row::{COLUMNS, Row},
};

/// A run of the benchmark.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) machine: Machine,
    /// The load of the machine before the first and after the last measurement.
    pub(super) load: (f64, f64),
    pub(super) command: String,
    pub(super) rows: Vec<Row>,
}

impl Run {
    pub(super) fn json(&self) -> Value {
        let rows: Vec<_> = self.rows.iter().map(Row::json).collect();
        json!({
            "machine": self.machine.json(), "load": [self.load.0, self.load.1], "command": self.command, "rows": rows,
        })
    }

    /// The origin of the numbers, and a table for each area.
    pub(super) fn markdown(&self) -> String {
        let mut text = format!(
            "`{}` on {}. The load of the machine was {:.1} before and {:.1} after.\n",
            self.command,
            self.machine.line(),
            self.load.0,
            self.load.1
        );
        let mut area = "";
        for row in &self.rows {
            if row.area != area {
                area = row.area;
                text.push_str(&format!("\n### {area}\n\n"));
                text.push_str(&line(&COLUMNS));
                text.push_str(&line(&COLUMNS.map(|_| "---")));
            }
            text.push_str(&line(&row.cells()));
        }
        text
    }
}

fn line(cells: &[impl AsRef<str>]) -> String {
    let cells: Vec<_> = cells.iter().map(AsRef::as_ref).collect();
    format!("| {} |\n", cells.join(" | "))
}
