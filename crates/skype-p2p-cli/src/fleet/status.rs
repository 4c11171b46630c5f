//! `fleet status`: the workers, the identities, and the messages that were not delivered.

use std::time::Duration;

use serde::Serialize;
use skype_p2p_fleet::{DeadLetter, FleetStatus, Identity, Store as _, WorkerState};

use super::{FleetStatusOptions, Settings, enqueue, operators, store_failure};
use crate::{
    End,
    failure::Failure,
    json_line::{self, VERSION},
    output::Output,
    timeline::printable,
};

/// The JSON object of `--json`. Times are in seconds.
#[derive(Serialize)]
struct Json {
    version: u32,
    workers: Vec<WorkerJson>,
    identities: IdentitiesJson,
    messages: MessagesJson,
    suspended: Vec<SuspendedJson>,
    dead_letters: Vec<DeadLetterJson>,
}

#[derive(Serialize)]
struct WorkerJson {
    id: i64,
    name: String,
    version: String,
    state: &'static str,
    identities: usize,
    capacity: usize,
    last_heartbeat: f64,
}

#[derive(Serialize)]
struct IdentitiesJson {
    free: u64,
    leased: u64,
    ready: u64,
    releasing: u64,
    suspended: u64,
    orphaned: u64,
}

#[derive(Serialize)]
struct MessagesJson {
    queued: u64,
    posting: u64,
    posted: u64,
    oldest_queued: Option<f64>,
}

#[derive(Serialize)]
struct SuspendedJson {
    identity: String,
    reason: Option<String>,
}

#[derive(Serialize)]
struct DeadLetterJson {
    identity: String,
    key: String,
    to: String,
    state: &'static str,
    reason: Option<String>,
    age: f64,
}

pub(super) async fn run(args: &FleetStatusOptions, settings: &Settings) -> Result<End, Failure> {
    let store = operators::connect(settings).await?;
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let read = async {
        let status = store.status().await?;
        let suspended = store.suspended(limit).await?;
        let dead_letters = store.dead_letters(limit).await?;
        Ok(Json::new(status, suspended, dead_letters))
    };
    let json = read.await.map_err(|error| store_failure(&error))?;
    let mut output = Output::stdout();
    if args.json {
        output.line(json_line::line(&json));
    } else {
        for line in json.lines() {
            output.line(printable(&line));
        }
    }
    output.check().map(|()| End::Well)
}

impl Json {
    fn new(status: FleetStatus, suspended: Vec<Identity>, dead_letters: Vec<DeadLetter>) -> Self {
        let worker = |it: skype_p2p_fleet::WorkerStatus| WorkerJson {
            id: it.id.0,
            name: it.name,
            version: it.version,
            state: match it.state {
                WorkerState::Live => "live",
                WorkerState::Draining => "draining",
                _ => "dead",
            },
            identities: it.leases,
            capacity: it.capacity,
            last_heartbeat: seconds(it.last_heartbeat),
        };
        let suspended = suspended.into_iter().map(|it| SuspendedJson {
            identity: it.sip_uri,
            reason: it.reason,
        });
        let dead_letters = dead_letters.into_iter().map(|it| DeadLetterJson {
            identity: it.identity,
            key: it.key,
            to: it.peer,
            state: enqueue::name(it.state),
            reason: it.reason,
            age: seconds(it.age),
        });
        let identities = status.identities;
        Self {
            version: VERSION,
            workers: status.workers.into_iter().map(worker).collect(),
            identities: IdentitiesJson {
                free: identities.free,
                leased: identities.leased,
                ready: identities.ready,
                releasing: identities.releasing,
                suspended: identities.suspended,
                orphaned: identities.orphaned,
            },
            messages: MessagesJson {
                queued: status.messages.queued,
                posting: status.messages.posting,
                posted: status.messages.posted,
                oldest_queued: status.oldest_queued.map(seconds),
            },
            suspended: suspended.collect(),
            dead_letters: dead_letters.collect(),
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.workers.iter().map(WorkerJson::line).collect();
        if lines.is_empty() {
            lines.push("no worker".to_owned());
        }
        let it = &self.identities;
        lines.push(format!(
            "identities: {} ready, {} leased, {} releasing, {} free, {} orphaned, {} suspended",
            it.ready, it.leased, it.releasing, it.free, it.orphaned, it.suspended
        ));
        let it = &self.messages;
        let oldest = it.oldest_queued;
        let oldest = oldest.map_or(String::new(), |it| format!(" (the oldest for {it:.1} s)"));
        lines.push(format!(
            "messages: {} queued{oldest}, {} posting, {} posted",
            it.queued, it.posting, it.posted
        ));
        let because = |reason: &Option<String>| {
            let reason = reason.as_ref();
            reason.map_or(String::new(), |it| format!(": {it}"))
        };
        for it in &self.suspended {
            lines.push(format!("suspended {}{}", it.identity, because(&it.reason)));
        }
        for it in &self.dead_letters {
            lines.push(format!(
                "{} {:.0} s ago: {} of {} to {}{}",
                it.state,
                it.age,
                it.key,
                it.identity,
                it.to,
                because(&it.reason)
            ));
        }
        lines
    }
}

impl WorkerJson {
    fn line(&self) -> String {
        format!(
            "worker {} {}: {}, {} of {} identities, heartbeat {:.1} s ago, version {}",
            self.id,
            self.name,
            self.state,
            self.identities,
            self.capacity,
            self.last_heartbeat,
            self.version
        )
    }
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
