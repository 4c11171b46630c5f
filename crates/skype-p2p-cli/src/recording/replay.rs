//! `replay`: plays a recording against the library.

mod player;

use std::{path::PathBuf, thread, time::Duration};

use clap::Args;
use ucwa_har::{CLIENT_MADE, Operations, RecordedSignIn, operations};

use self::player::{Played, play};
use super::{ClientMade, in_file, read};
use crate::{End, failure::Failure, output::Output, timeline::printable};

/// The relations of the requests that start or join a meeting.
const MEETINGS: [&str; 3] = [
    "joinOnlineMeeting",
    "onlineMeetingInvitations",
    "startOnlineMeeting",
];

/// The longest recording. An application in virtual time keeps polling, and a malformed date can be centuries away.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 3600);

/// The arguments of `replay`.
#[derive(Debug, Args)]
pub struct Replay {
    /// The HAR file: a recording of one user, from the sign-in on
    pub file: PathBuf,
    /// The values that the client generates.
    #[command(flatten)]
    pub client_made: ClientMade,
}

pub(crate) fn run(args: &Replay) -> Result<End, Failure> {
    let har = read(&args.file)?;
    let operations = operations(&har).map_err(in_file(&args.file))?;
    check(&operations)?;
    let others = operations.others.iter();
    let others: Vec<String> = others
        .map(|other| other.rel.as_ref().unwrap_or(&other.path).clone())
        .collect();
    let names = args.client_made.names.iter().map(String::as_str);
    let client_made: Vec<String> = CLIENT_MADE
        .into_iter()
        .chain(names)
        .map(str::to_owned)
        .collect();
    // A runtime in virtual time, on a thread of its own, since this thread belongs to another runtime.
    let playing = thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .map_err(|error| Failure::other(error.to_string()))?
            .block_on(play(&har, &operations, client_made))
    });
    let played = playing
        .join()
        .map_err(|_| Failure::other("The replay has ended early."))??;
    report(&played.map_err(in_file(&args.file))?, others)
}

/// Checks whether the recording can be replayed.
fn check(operations: &Operations) -> Result<(), Failure> {
    let meeting = operations.others.iter().find(|other| {
        let rel = other.rel.as_deref();
        rel.is_some_and(|rel| MEETINGS.contains(&rel))
    });
    let why = if operations.client.first_url.is_empty() {
        "it has no sign-in at a UCWA server".to_owned()
    } else if operations.end > LONGEST {
        "it is longer than 31 days".to_owned()
    } else if operations.client.sign_in == RecordedSignIn::Other {
        "the user signed in as a guest, or by an unknown grant".to_owned()
    } else if let Some(meeting) = meeting {
        format!("request {} starts or joins a meeting", meeting.number)
    } else {
        return Ok(());
    };
    Err(Failure::other(format!(
        "Cannot replay the recording: {why}."
    )))
}

/// Writes what the library observed, and whether it sent the recorded requests.
fn report(played: &Played, mut others: Vec<String>) -> Result<End, Failure> {
    let mut output = Output::stdout();
    for line in &played.lines {
        output.line(line);
    }
    if !others.is_empty() {
        let count = others.len();
        others.sort();
        others.dedup();
        let others = others.join(", ");
        output.line(printable(&format!(
            "Not replayed: {count} requests ({others})."
        )));
    }
    let end = match &played.difference {
        None => {
            output.line("The library sent the recorded requests.");
            End::Well
        }
        Some(report) => {
            for line in report.to_string().lines() {
                output.line(printable(line));
            }
            End::NotDone
        }
    };
    output.check().map(|()| end)
}
