//! `serve --watch`: what the server is doing, once a second.

use std::{
    fmt::Write as _,
    io::{IsTerminal as _, stdout},
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, MissedTickBehavior, interval};
use ucwa_server::{RequestError, Server, ServerStatus};

use crate::{output::Output, timeline::printable};

/// Erases the screen of a terminal and puts the cursor at its beginning.
const ERASE: &str = "\x1b[2J\x1b[H";

/// How many users the screen lists.
const USERS: usize = 20;

/// Shows the status for ever: redrawn on a terminal, and otherwise a line when something has changed.
pub(crate) async fn run(server: &Server, title: &str, output: &mut Output) {
    let terminal = stdout().is_terminal();
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = server.status().await;
    let mut since = Instant::now();
    let mut last = String::new();
    loop {
        ticks.tick().await;
        let now = server.status().await;
        let rates = Rates::between(&before, &now, since.elapsed());
        since = Instant::now();
        if terminal {
            let screen = screen(title, &now, &rates, SystemTime::now());
            output.line(format_args!("{ERASE}{screen}"));
        } else {
            for error in new_errors(&before, &now) {
                output.line(format_args!("error: {}", described(error)));
            }
            if let Some(failure) = &now.store_failure
                && now.store_failure != before.store_failure
            {
                output.line(format_args!("error: the state is not stored: {failure}"));
            }
            let line = line(&now, &rates);
            if line != last {
                output.line(&line);
                last = line;
            }
        }
        before = now;
    }
}

/// Requests and events per second.
struct Rates {
    requests: f64,
    events: f64,
}

impl Rates {
    fn between(before: &ServerStatus, now: &ServerStatus, time: Duration) -> Self {
        let rate = |before: u64, now: u64| {
            let count = u32::try_from(now.saturating_sub(before)).unwrap_or(u32::MAX);
            f64::from(count) / time.as_secs_f64().max(0.001)
        };
        Self {
            requests: rate(before.requests, now.requests),
            events: rate(before.events, now.events),
        }
    }
}

/// The status for a terminal.
fn screen(title: &str, status: &ServerStatus, rates: &Rates, now: SystemTime) -> String {
    let mut screen = format!("{title}\n\nsigned in: {}\n", status.signed_in.len());
    for (user, applications) in status.signed_in.iter().take(USERS) {
        let _ = writeln!(screen, "  {} ({applications})", printable(user));
    }
    if status.signed_in.len() > USERS {
        let _ = writeln!(screen, "  and {} more", status.signed_in.len() - USERS);
    }
    let _ = write!(
        screen,
        "conversations: {}\nrequests: {} ({:.0}/s)\nevents: {} ({:.0}/s)\nlast errors:\n",
        status.conversations, status.requests, rates.requests, status.events, rates.events
    );
    if let Some(failure) = &status.store_failure {
        let _ = writeln!(screen, "  the state is not stored: {failure}");
    }
    for error in status.errors.iter().rev() {
        let age = now.duration_since(error.at).unwrap_or_default().as_secs();
        let _ = writeln!(screen, "  {} ({age} s ago)", described(error));
    }
    screen
}

/// The status as one line.
fn line(status: &ServerStatus, rates: &Rates) -> String {
    format!(
        "signed in {}, conversations {}, requests {:.0}/s, events {:.0}/s",
        status.signed_in.len(),
        status.conversations,
        rates.requests,
        rates.events
    )
}

fn new_errors<'a>(
    before: &ServerStatus,
    now: &'a ServerStatus,
) -> impl Iterator<Item = &'a RequestError> {
    let last = before.errors.last().cloned();
    let known = now.errors.iter().rposition(|it| Some(it) == last.as_ref());
    now.errors.iter().skip(known.map_or(0, |at| at + 1))
}

fn described(error: &RequestError) -> String {
    printable(&format!(
        "{} {}: {}",
        error.method, error.path, error.status
    ))
}
