//! A process of the benchmark, and what it has used.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Lines, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use tokio::task::block_in_place;

/// The unit of the processor time in `/proc`, in seconds.
const TICK: f64 = 0.01;

/// This program with other arguments, until this is dropped.
pub(crate) struct MeasuredProcess {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl MeasuredProcess {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
        }
    }

    /// The next line of the output.
    pub(crate) fn line(&mut self) -> String {
        let line = block_in_place(|| self.output.next());
        line.expect("the process has ended").unwrap()
    }

    /// Lets the process do its next step, and waits until it is done. Returns the seconds that the process has measured.
    pub(crate) fn step(&mut self) -> f64 {
        self.input.write_all(b"\n").unwrap();
        self.line().parse().unwrap()
    }

    /// The resident memory in kilobytes.
    pub(crate) fn resident(&self) -> f64 {
        let status = self.read("status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
        kilobytes.unwrap().parse().unwrap()
    }

    /// The processor time of all threads.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = self.read("stat");
        let fields = stat.rsplit(") ").next().unwrap();
        let times = fields.split_whitespace().skip(11).take(2);
        let ticks: f64 = times.map(|it| it.parse::<f64>().unwrap()).sum();
        Duration::from_secs_f64(ticks * TICK)
    }

    fn read(&self, name: &str) -> String {
        let process = self.child.id();
        fs::read_to_string(format!("/proc/{process}/{name}")).unwrap()
    }
}

impl Drop for MeasuredProcess {
    /// Kills the process with SIGKILL.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
