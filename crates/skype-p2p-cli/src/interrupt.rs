//! The signals that ask the process to stop.

/// Receives SIGINT, SIGTERM and SIGHUP, or Ctrl-C on systems without signals.
pub(crate) struct Interrupt {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 3],
}

impl Interrupt {
    /// Handles the signals from now on, so that none is lost between two waits. A closed terminal sends SIGHUP.
    ///
    /// # Errors
    ///
    /// If the system does not allow a handler.
    #[cfg(unix)]
    pub(crate) fn catch() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            signals: [
                signal(SignalKind::terminate())?,
                signal(SignalKind::interrupt())?,
                signal(SignalKind::hangup())?,
            ],
        })
    }

    /// Handles Ctrl-C while [`received`](Self::received) waits.
    #[cfg(not(unix))]
    pub(crate) fn catch() -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for a signal.
    pub(crate) async fn received(&mut self) {
        #[cfg(unix)]
        {
            let [terminate, interrupt, hangup] = &mut self.signals;
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hangup.recv() => {}
            }
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
