//! The processes of the benchmark: each run of a contender, and each server, is a process of its own.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use super::BenchError;

/// The measurements that a run has printed, by name.
pub(super) type Sample = BTreeMap<String, f64>;

/// This program, which is started again for each run.
pub(super) struct Program {
    path: PathBuf,
}

impl Program {
    pub(super) fn current() -> Result<Self, BenchError> {
        let path = env::current_exe()?;
        Ok(Self { path })
    }

    fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.path);
        command.args(arguments);
        command.stdin(Stdio::null()).stderr(Stdio::inherit());
        command
    }

    /// Runs the program to its end.
    pub(super) fn run(&self, arguments: &[String]) -> Result<Sample, BenchError> {
        let failed = || BenchError::Run(arguments.join(" "));
        let output = self.command(arguments).stdout(Stdio::piped()).output()?;
        if !output.status.success() {
            return Err(failed());
        }
        serde_json::from_slice(&output.stdout).map_err(|_| failed())
    }

    /// Starts a server.
    pub(super) fn host(&self, arguments: &[String]) -> Result<Host, BenchError> {
        let mut child = self.command(arguments).stdout(Stdio::piped()).spawn()?;
        let mut root = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut root)?;
        }
        let host = Host {
            child,
            root: root.trim().to_owned(),
        };
        match host.root.is_empty() {
            true => Err(BenchError::Run(arguments.join(" "))),
            false => Ok(host),
        }
    }
}

/// A process that serves. It is killed when this is dropped.
pub(super) struct Host {
    child: Child,
    /// The URL where clients begin.
    pub(super) root: String,
}

impl Host {
    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
