//! The machine and the versions of a run, which the tables name.

use std::{fs, num::NonZero, process::Command, thread};

use serde_json::{Value, json};

/// Where and with what a run was made.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    processor: String,
    cores: usize,
    kernel: String,
    compiler: String,
    commit: String,
}

impl Machine {
    pub(super) fn current() -> Self {
        let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Self {
            processor: processor(&information),
            cores: thread::available_parallelism().map_or(1, NonZero::get),
            kernel: read("/proc/sys/kernel/osrelease"),
            compiler: output("rustc", &["--version"]),
            commit: output("git", &["describe", "--always", "--dirty", "--abbrev=12"]),
        }
    }

    /// A line for the tables.
    pub(super) fn line(&self) -> String {
        format!(
            "{} with {} cores, Linux {}, {}, commit {}",
            self.processor, self.cores, self.kernel, self.compiler, self.commit
        )
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "processor": self.processor, "cores": self.cores, "kernel": self.kernel,
            "compiler": self.compiler, "commit": self.commit,
        })
    }
}

fn processor(information: &str) -> String {
    let line = information.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == "model name").then(|| value.trim().to_owned())
    });
    line.unwrap_or_else(|| "unknown processor".to_owned())
}

/// The average number of runnable threads in the last minute, with those of the benchmark.
pub(super) fn load() -> f64 {
    let load = read("/proc/loadavg");
    let first = load.split_whitespace().next();
    first.and_then(|load| load.parse().ok()).unwrap_or(f64::NAN)
}

fn read(path: &str) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    output.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_that_of_the_first_core() {
        let information =
            "processor\t: 0\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\nmodel name\t: other\n";
        assert_eq!(processor(information), "AMD EPYC");
        assert_eq!(processor(""), "unknown processor");
    }
}
