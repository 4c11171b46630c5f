//! The exit codes, which are stable, and their table in `--help`.

use std::{fmt::Write as _, process::ExitCode};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// The command succeeded.
    Well,
    /// The message was not delivered, a step of the demo was not observed, or the server ended the session.
    NotDone,
    /// The command line, or a file that it names, cannot be used.
    Usage,
    /// The delivery of the message was not determined in time.
    Unknown,
    /// The sign-in failed.
    SignIn,
    /// Standard output, or a file that the command writes, cannot be written.
    Output,
}

impl End {
    const ALL: [Self; 6] = [
        Self::Well,
        Self::NotDone,
        Self::Usage,
        Self::Unknown,
        Self::SignIn,
        Self::Output,
    ];

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::NotDone => 1,
            Self::Usage => 2,
            Self::Unknown => 3,
            Self::SignIn => 4,
            Self::Output => 5,
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Well => "success: delivered, every step observed, or stopped by a signal",
            Self::NotDone => {
                "not delivered, not found, refused by the server, a step not observed, a recording differs, or the session was ended"
            }
            Self::Usage => "the command line, or a file that it names, cannot be used",
            Self::Unknown => "the result was not determined in time",
            Self::SignIn => "no sign-in: server not found, not trusted, or user refused",
            Self::Output => {
                "standard output, a transcript, a recording or the outbox cannot be written, for example on a full disk"
            }
        }
    }
}

impl From<End> for ExitCode {
    fn from(end: End) -> Self {
        Self::from(end.code())
    }
}

/// The table of the exit codes for `--help`.
pub(crate) fn table() -> String {
    let mut table = "Exit codes:\n".to_owned();
    for end in End::ALL {
        // Writing to a string cannot fail.
        let _ = writeln!(table, "  {}  {}", end.code(), end.meaning());
    }
    table
}
