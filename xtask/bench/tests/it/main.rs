//! The shortest run of every area: each row gets its measurements.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::process::Command;

use serde_json::Value;

#[test]
fn the_shortest_run_of_each_area_fills_every_row() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask-bench"))
        .args(["run", "--smoke", "--json"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let run: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = run["rows"].as_array().unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        let ours = row["ours"]["median"].as_f64();
        assert!(ours.is_some_and(|ours| ours > 0.0), "{row}");
        if row["rival"] != "" {
            assert!(row["ratio"]["median"].is_f64(), "{row}");
        }
    }
}
