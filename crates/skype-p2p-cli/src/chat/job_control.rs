//! Job control: the client is suspended and continued by a shell.

use std::io;

#[cfg(unix)]
use rustix::process::{Signal, getpgrp, getsid, kill_current_process_group};
#[cfg(unix)]
use tokio::signal::unix::{self, SignalKind};

/// A signal of the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JobSignal {
    /// The client has to restore the terminal and stop.
    Suspend,
    /// The client was stopped and runs again.
    Continue,
}

/// Receives SIGTSTP and SIGCONT. Systems without these signals have no job control.
pub(super) struct JobControl {
    #[cfg(unix)]
    suspend: unix::Signal,
    #[cfg(unix)]
    resume: unix::Signal,
}

impl JobControl {
    /// Handles the signals from now on.
    ///
    /// # Errors
    ///
    /// If the system does not allow a handler.
    #[cfg(unix)]
    pub(super) fn catch() -> io::Result<Self> {
        let signal = |signal: Signal| unix::signal(SignalKind::from_raw(signal.as_raw()));
        Ok(Self {
            suspend: signal(Signal::TSTP)?,
            resume: signal(Signal::CONT)?,
        })
    }

    #[cfg(not(unix))]
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for a signal.
    pub(super) async fn received(&mut self) -> JobSignal {
        #[cfg(unix)]
        tokio::select! {
            Some(()) = self.suspend.recv() => JobSignal::Suspend,
            Some(()) = self.resume.recv() => JobSignal::Continue,
            else => std::future::pending().await,
        }
        #[cfg(not(unix))]
        std::future::pending().await
    }
}

/// Stops the process group until the shell continues it. Returns whether it was stopped: without a shell that controls jobs, it
/// would stay stopped for ever, since such a shell gives each job a process group of its own.
#[cfg(unix)]
pub(super) fn stop() -> bool {
    let is_job = getsid(None).is_ok_and(|session| session != getpgrp());
    is_job && kill_current_process_group(Signal::STOP).is_ok()
}

#[cfg(not(unix))]
pub(super) fn stop() -> bool {
    false
}
