//! The page of the guide with the tables and charts of one run.

use std::{fs, io, path::Path};

use super::{plot, table::Run};

const PAGE: &str = "docs/src/performance.md";
const GROWTH: &str = "docs/src/performance-growth.svg";
const MEMORY: &str = "docs/src/performance-memory.svg";
/// The lines around the part of the page that a run replaces.
const BEGIN: &str = "<!-- measurements -->\n";
const END: &str = "<!-- end of the measurements -->\n";

/// Writes the tables and the charts of a run below the folder of the workspace. A chart without measurements stays as it is.
pub(super) fn write(run: &Run, root: &Path) -> io::Result<()> {
    let page = fs::read_to_string(root.join(PAGE))?;
    let page = replace(&page, &run.markdown()).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{PAGE} has no measurements"),
        )
    })?;
    fs::write(root.join(PAGE), page)?;
    for (path, chart) in [
        (GROWTH, plot::growth(&run.rows)),
        (MEMORY, plot::memory(&run.rows)),
    ] {
        if let Some(chart) = chart {
            fs::write(root.join(path), chart)?;
        }
    }
    Ok(())
}

/// The page with these measurements instead of its own.
fn replace(page: &str, measurements: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{measurements}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_measurements_of_the_page_are_replaced() {
        let page = format!("# Performance\n{BEGIN}\nold\n\n{END}Text.\n");
        let new = replace(&page, "new\n").unwrap();
        assert_eq!(new, page.replace("old", "new"));
        assert_eq!(replace("# Performance\n", "new\n"), None);
    }

    #[test]
    fn the_page_has_a_place_for_the_measurements() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let page = fs::read_to_string(root.join(PAGE)).unwrap();
        assert!(replace(&page, "").is_some());
        for chart in [GROWTH, MEMORY] {
            let name = Path::new(chart).file_name().unwrap().to_str().unwrap();
            assert!(page.contains(name), "{name}");
        }
    }
}
