//! Callgrind, the tool of valgrind that counts instructions.

use std::path::Path;
use std::{fs, io};

/// The setting of cargo that runs the measured program under callgrind, which writes to `folder`.
///
/// The counts are set to zero at the entry of `measured`, and written at the exit of `counted`, which `measured` calls: of two options
/// for the same function, callgrind takes only one. The work of the server is not counted.
pub(super) fn runner(folder: &Path) -> String {
    let out = format!("--callgrind-out-file={}", folder.join("out").display());
    let runner = [
        "valgrind",
        "--quiet",
        "--tool=callgrind",
        "--toggle-collect=xtask_cost::world::Scripted::answer*",
        "--toggle-collect=xtask_cost::world::Scripted::next_page*",
        "--toggle-collect=xtask_cost::world::Scripted::write*",
        // Must follow the options before, which begin without counting.
        "--collect-atstart=yes",
        "--zero-before=xtask_cost::measured*",
        "--dump-after=xtask_cost::counted*",
        &out,
    ];
    // `cfg(all())` is true on every target.
    format!("target.'cfg(all())'.runner={runner:?}")
}

/// The instructions of each measured step, in the order of the steps.
pub(super) fn counts(folder: &Path) -> io::Result<Vec<u64>> {
    let mut parts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path.extension().and_then(|number| number.to_str());
        // The file at the end of the process has no number, and nothing of a step.
        if let Some(number) = number.and_then(|number| number.parse::<u64>().ok()) {
            let text = fs::read_to_string(&path)?;
            let summary = text.lines().find_map(|line| line.strip_prefix("summary: "));
            let count = summary.and_then(|count| count.trim().parse::<u64>().ok());
            parts.push((number, count.unwrap_or_default()));
        }
    }
    parts.sort_unstable();
    Ok(parts.into_iter().map(|(_, count)| count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_are_in_the_order_of_the_steps() {
        let folder = std::env::temp_dir().join(format!("skype-p2p-cost-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for number in 1..=10 {
            let text = format!(
                "part: {number}\nevents: Ir\nsummary: {}\nfn=(1) main\n",
                number * 100
            );
            fs::write(folder.join(format!("out.{number}")), text).unwrap();
        }
        fs::write(folder.join("out"), "summary: 7\n").unwrap();
        let counts = counts(&folder);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(
            counts.unwrap(),
            (1..=10).map(|number| number * 100).collect::<Vec<_>>()
        );
    }
}
