//! `fleet enqueue`: adds a message to the outbox, and waits for its result.

use std::{
    io::{self, Read as _},
    sync::Arc,
};

use serde::Serialize;
use skype_p2p_fleet::{Client, Content, Delivery, EnqueueOutcome, MessageState, NewMessage};
use tokio::time::{Instant, timeout_at};

use super::{FleetEnqueue, Settings, operators, sip_uri, store_failure};
use crate::{
    End,
    failure::Failure,
    json_line::{self, VERSION},
    output::Output,
    timeline::printable,
};

/// The largest message in bytes. Servers accept far less.
const LIMIT: u64 = 1024 * 1024;

/// The JSON object of `--json`.
#[derive(Serialize)]
struct Json<'a> {
    version: u32,
    identity: &'a str,
    key: &'a str,
    outcome: &'static str,
    state: &'static str,
    reason: Option<&'a str>,
}

pub(super) async fn run(args: FleetEnqueue, settings: &Settings) -> Result<End, Failure> {
    let deadline = Instant::now() + args.timeout;
    let identity = sip_uri(&args.identity)?;
    let text = text(&args.message)?;
    let content = match args.html {
        true => Content::html(text),
        false => Content::plain(text),
    };
    let mut message = NewMessage::new(&identity, &args.key, peer(&args.to)?, content);
    message.time_to_live = args.time_to_live;
    let client = Client::new(Arc::new(operators::connect(settings).await?));
    let in_time = |_| {
        Failure::undetermined("The database did not answer in time.")
            .with_hint("repeat the command with the same key: the message is added once")
    };
    let outcomes = timeout_at(deadline, client.enqueue(&[message])).await;
    let outcomes = outcomes.map_err(in_time)?;
    let outcomes = outcomes.map_err(|error| store_failure(&error))?;
    let (outcome, state) = match outcomes.first() {
        Some(EnqueueOutcome::Queued) => ("queued", MessageState::Queued),
        Some(EnqueueOutcome::Duplicate(state)) => ("duplicate", *state),
        _ => return Err(operators::key_in_use(&args.key)),
    };
    let delivery = match args.wait {
        true => match timeout_at(deadline, client.verdict(&identity, &args.key)).await {
            Ok(delivery) => delivery.map_err(|error| store_failure(&error))?,
            Err(_) => {
                return Err(Failure::undetermined("The message has no result yet.")
                    .with_hint("repeat the command with the same key: it is sent once; or give more time with --timeout"));
            }
        },
        false => None,
    };
    let state = delivery.as_ref().map_or(state, |it| it.state);
    let reason = delivery.as_ref().and_then(|it| it.reason.as_deref());
    let mut output = Output::stdout();
    if args.json {
        output.line(json_line::line(&Json {
            version: VERSION,
            identity: &identity,
            key: &args.key,
            outcome,
            state: name(state),
            reason,
        }));
    } else {
        let reason = reason.map_or(String::new(), |it| format!(": {it}"));
        output.line(printable(&format!("{} {}{reason}", args.key, name(state))));
    }
    output.check().map(|()| end(args.wait, delivery.as_ref()))
}

/// How the command ends after the message was added.
fn end(is_awaited: bool, delivery: Option<&Delivery>) -> End {
    match delivery.map(|it| it.state) {
        None if !is_awaited => End::Well,
        Some(MessageState::Delivered) => End::Well,
        Some(MessageState::Failed | MessageState::Dead) => End::NotDone,
        _ => End::Unknown,
    }
}

/// The name of a state, as the SQL functions have it.
pub(super) fn name(state: MessageState) -> &'static str {
    match state {
        MessageState::Queued => "queued",
        MessageState::Posting => "posting",
        MessageState::Posted => "posted",
        MessageState::Delivered => "delivered",
        MessageState::Failed => "failed",
        MessageState::Dead => "dead",
        _ => "unknown",
    }
}

/// The receiver: a user, or a meeting, whose URI has parameters.
fn peer(address: &str) -> Result<String, Failure> {
    match address.starts_with("sip:") && address.contains(';') {
        true => Ok(address.to_owned()),
        false => sip_uri(address),
    }
}

/// The message of the command line, or standard input without the line break at its end.
fn text(message: &str) -> Result<String, Failure> {
    if message != "-" {
        return Ok(message.to_owned());
    }
    let mut text = String::new();
    let read = io::stdin().take(LIMIT).read_to_string(&mut text);
    read.map_err(|error| {
        Failure::usage(format!(
            "Cannot read the message from standard input: {error}."
        ))
    })?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(Failure::usage("The message is empty.")),
        text => Ok(text.to_owned()),
    }
}
