//! `probe`: measures whether one user can reach another.

mod measurement;
mod metrics;
mod options;
mod round;
mod users;

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

pub use self::options::{Probe, ProbeCommand, ProbeSignIn, Receiver, Rounds};
use self::{measurement::Measurement, round::Round, users::User};
use crate::{
    End, config::Settings, console::Console, failure::Failure, interrupt::Interrupt,
    output::Output, sign_in, timeline::printable,
};

/// The interval of `--count` without `--interval`.
const INTERVAL: Duration = Duration::from_secs(60);

pub(crate) async fn run(args: Probe, settings: Settings, console: Console) -> Result<End, Failure> {
    let timeout = args.session().limit.timeout;
    let (sender, receiver, rounds) = match args.command {
        Some(ProbeCommand::SignIn(args)) => {
            let sender = User::sender(args.session.sign_in, settings)?;
            (sender, None, args.rounds)
        }
        None => {
            let sender = User::sender(args.session.sign_in, settings)?;
            let receiver = User::receiver(&args.receiver, &sender)?;
            (sender, Some(receiver), args.rounds)
        }
    };
    repeat(&sender, receiver.as_ref(), timeout, &rounds, console).await
}

/// Runs the probes. The exit code is the highest of all probes.
async fn repeat(
    sender: &User,
    receiver: Option<&User>,
    timeout: Duration,
    args: &Rounds,
    console: Console,
) -> Result<End, Failure> {
    let mut interrupt = Interrupt::catch().map_err(|error| Failure::other(error.to_string()))?;
    let mut output = Output::stdout();
    let count = args.count.or(args.interval.is_none().then_some(1));
    let mut ticks = interval(args.interval.unwrap_or(INTERVAL));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut end = End::Well;
    let mut done = 0;
    while count.is_none_or(|count| done < count) {
        tokio::select! {
            _ = ticks.tick() => {}
            () = interrupt.received() => break,
        }
        let measured = measure(sender, receiver, timeout, &mut interrupt, console).await?;
        let Some(measurement) = measured else {
            break;
        };
        done += 1;
        end = end.max(measurement.end());
        let written = write(&measurement, args, &mut output, console)?;
        if !written {
            break;
        }
        let refused = measurement
            .failure
            .as_ref()
            .is_some_and(Failure::password_refused);
        if refused && count.is_none_or(|count| done < count) {
            console.notice(
                "No further probe follows: more attempts with a refused password can lock the account.",
            );
            break;
        }
    }
    output.check().map(|()| end)
}

/// Runs one probe and signs out. None if a signal interrupted it.
async fn measure(
    sender: &User,
    receiver: Option<&User>,
    timeout: Duration,
    interrupt: &mut Interrupt,
    console: Console,
) -> Result<Option<Measurement>, Failure> {
    let sender = sender.client()?;
    let receiver = receiver.map(User::client).transpose()?;
    let sending = sender.application.clone();
    let receiving = receiver.as_ref().map(|it| it.application.clone());
    let measurement = tokio::select! {
        measurement = Round::run(sender, receiver, timeout) => Some(measurement),
        () = interrupt.received() => {
            console.notice("Interrupted.");
            None
        }
    };
    let receiver_out = async {
        if let Some(receiving) = receiving {
            sign_in::sign_out(&receiving, console).await;
        }
    };
    tokio::join!(sign_in::sign_out(&sending, console), receiver_out);
    Ok(measurement)
}

/// Writes the result of a probe. False if the output takes no more.
fn write(
    measurement: &Measurement,
    args: &Rounds,
    output: &mut Output,
    console: Console,
) -> Result<bool, Failure> {
    let mut written = true;
    if args.lines.json {
        written &= output.line(measurement.json());
    } else {
        for line in measurement.lines() {
            written &= output.line(printable(&line));
        }
    }
    if let Some(failure) = &measurement.failure {
        console.advice(failure);
    }
    if let Some(path) = &args.metrics {
        metrics::write(path, measurement)?;
    }
    Ok(written)
}
