//! What a process has used: processor time, memory, sockets.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The processor time of all threads of this process.
pub(crate) fn cpu() -> Duration {
    time_of(ClockId::ProcessCPUTime)
}

/// The monotonic clock of the machine, which is the same in all processes.
pub(crate) fn machine_clock() -> Duration {
    time_of(ClockId::Monotonic)
}

fn time_of(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).expect("the clocks are not negative")
}

/// The resident memory of this process in bytes.
pub(crate) fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    kilobytes.unwrap().parse::<f64>().unwrap() * 1024.0
}

/// The number of open sockets of this process.
pub(crate) fn sockets() -> usize {
    fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}

/// The value below which this share of the values lies, in the unit of the values.
pub(crate) fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values[(last as f64 * share).round() as usize]
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The least processor time of many rounds for each run, divided by its repetitions in a round. The rounds are interleaved, so that
/// other load affects all runs.
pub(crate) fn fastest(
    time: Duration,
    repetitions: u32,
    runs: &mut [&mut dyn FnMut()],
) -> Vec<Duration> {
    let mut fastest = vec![Duration::MAX; runs.len()];
    let begin = cpu();
    loop {
        for (run, fastest) in runs.iter_mut().zip(&mut fastest) {
            let start = cpu();
            (0..repetitions).for_each(|_| run());
            *fastest = (*fastest).min((cpu() - start) / repetitions);
        }
        if cpu() - begin >= time {
            return fastest;
        }
    }
}
