//! The options of the commands of a fleet.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, builder::NonEmptyStringValueParser};

use super::Key;
use crate::time_limit::seconds;

/// The commands of a fleet.
#[derive(Debug, Subcommand)]
pub enum FleetCommand {
    /// Run a worker: it claims identities, runs their sessions, sends the messages of the outbox and fills the inbox
    ///
    /// SIGTERM drains the worker: it claims nothing more, waits for the results of messages in flight, and hands its sessions over.
    /// A second signal stops it at once. The exit code is 0 if every identity was handed over, 1 if not, and 2 if a setting cannot
    /// be used.
    Worker(Box<FleetWorker>),
    /// Create the schema of the database, or update it
    Migrate(FleetDatabase),
    /// Register an identity with its password
    Add(FleetAdd),
    /// Add a message to the outbox, and wait for its result if asked to
    ///
    /// The exit code is 0 if the message was added, or with --wait delivered; 1 if it was not delivered; and 3 if that was not
    /// determined in time. Repeat the command with the same key: the message is added once.
    Enqueue(FleetEnqueue),
    /// Show the workers, the identities, and the messages that were not delivered
    Status(FleetStatusOptions),
    /// Drain a worker: it hands its sessions over, and ends
    Drain(FleetDrain),
    /// Suspend an identity: its session ends, and no worker claims it until it is resumed
    Suspend(FleetSuspend),
    /// Let workers claim a suspended identity again, with a new password if one is given
    Resume(FleetResume),
    /// Remove an identity with its password, its session and its messages
    ///
    /// The command refuses if messages would be lost: outgoing ones without a result, and received ones that a consumer has not
    /// acknowledged. Nothing is sent to the server: the application of the identity ends there when it is no longer polled.
    Remove(FleetRemove),
    /// Enqueue a failed or dead message again, as a new message with a new key
    Requeue(FleetRequeue),
    /// Seal every password and session by the first key, after all workers have it
    ///
    /// The command can be interrupted and repeated, and workers run meanwhile. The exit code is 1 if a value could not be opened.
    Reseal(FleetReseal),
}

impl FleetCommand {
    /// The options of the database.
    pub(super) fn database(&self) -> &FleetDatabase {
        match self {
            Self::Worker(it) => &it.database,
            Self::Migrate(it) => it,
            Self::Add(it) => &it.database,
            Self::Enqueue(it) => &it.database,
            Self::Status(it) => &it.database,
            Self::Drain(it) => &it.database,
            Self::Suspend(it) => &it.database,
            Self::Resume(it) => &it.database,
            Self::Remove(it) => &it.database,
            Self::Requeue(it) => &it.database,
            Self::Reseal(it) => &it.database,
        }
    }

    /// The values of the options that are keys of the file.
    pub(super) fn option(&self, key: Key) -> Option<Vec<String>> {
        let one = |value: Option<&String>| value.map(|value| vec![value.clone()]);
        let path = |value: Option<&PathBuf>| value.map(|path| vec![path.display().to_string()]);
        let number = |value: Option<u32>| value.map(|number| vec![number.to_string()]);
        let database = self.database();
        let keys_file = match self {
            Self::Worker(it) => it.keys_file.as_ref(),
            Self::Add(it) => it.keys_file.as_ref(),
            Self::Resume(it) => it.keys_file.as_ref(),
            Self::Reseal(it) => it.keys_file.as_ref(),
            _ => None,
        };
        let worker = match self {
            Self::Worker(it) => Some(it),
            _ => None,
        };
        match key {
            Key::Database => one(database.database.as_ref()),
            Key::DatabasePasswordFile => path(database.database_password_file.as_ref()),
            Key::DatabaseCaFile => path(database.database_ca_file.as_ref()),
            Key::KeysFile => path(keys_file),
            Key::Name => one(worker?.name.as_ref()),
            Key::Capacity => number(worker?.capacity),
            Key::ClaimsPerSecond => number(worker?.claims_per_second),
            Key::Listen => one(worker?.listen.as_ref()),
            Key::DrainTimeout => number(worker?.drain_timeout),
            Key::Trust => worker
                .map(|it| it.trust.clone())
                .filter(|it| !it.is_empty()),
            Key::CaFile => path(worker?.ca_file.as_ref()),
            Key::Proxy => one(worker?.proxy.as_ref()),
            Key::Log => None,
            Key::LogFormat => one(worker?.log_format.as_ref()),
        }
    }
}

/// The database of a fleet.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Database")]
pub struct FleetDatabase {
    /// The TOML file with the settings of the fleet
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The database: postgresql://USER@HOST/NAME. With several hosts, add ?target_session_attrs=read-write
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// A file whose first line is the password of the database. Without it, the password is that of
    /// SKYPE_P2P_FLEET_DATABASE_PASSWORD
    #[arg(long, value_name = "FILE")]
    pub database_password_file: Option<PathBuf>,
    /// A file with root certificates in PEM for the database, which are trusted besides those of the system
    #[arg(long, value_name = "FILE")]
    pub database_ca_file: Option<PathBuf>,
}

/// The options of `fleet worker`.
#[derive(Debug, Args)]
pub struct FleetWorker {
    /// The database.
    #[command(flatten)]
    pub database: FleetDatabase,
    /// A file with the keys that open passwords and sessions. Without it, the keys are those of SKYPE_P2P_FLEET_KEYS
    #[arg(long, value_name = "FILE")]
    pub keys_file: Option<PathBuf>,
    /// The name of the worker in `fleet status`: by default that of the host
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The number of identities at most: 2000 by default
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub capacity: Option<u32>,
    /// The number of identities to claim per second at most: 50 by default
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub claims_per_second: Option<u32>,
    /// Where /livez, /readyz and /metrics are served: 127.0.0.1:9464 by default. They have no secrets, and no authentication
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// The time limit of a drain after SIGTERM, in seconds: 60 by default
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub drain_timeout: Option<u32>,
    /// A domain whose hosts may receive the passwords, besides those of the identities. May be given several times
    #[arg(long, value_name = "SUFFIX")]
    pub trust: Vec<String>,
    /// A file with root certificates in PEM for Skype for Business Server, which are trusted besides those of the system
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// The proxy for Skype for Business Server: http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
    /// The format of the log: text, or json for an object in each line
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// Write each setting with its source, without secrets, and start nothing
    #[arg(long)]
    pub check: bool,
}

/// The options of `fleet add`.
#[derive(Debug, Args)]
pub struct FleetAdd {
    /// The address of the identity: user@domain, with or without sip:
    #[arg(value_name = "IDENTITY")]
    pub identity: String,
    /// The URL where the discovery of the server starts. Without it, the server is found by the domain of the identity
    #[arg(long, value_name = "URL")]
    pub root: Option<String>,
    /// A file whose first line is the password, or - for standard input. Without it, the password is that of SKYPE_P2P_PASSWORD, or
    /// typed at the terminal
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// A file with the keys of the workers, of which the first one seals the password. Without it, the keys are those of
    /// SKYPE_P2P_FLEET_KEYS
    #[arg(long, value_name = "FILE")]
    pub keys_file: Option<PathBuf>,
    /// The database.
    #[command(flatten)]
    pub database: FleetDatabase,
}

/// The options of `fleet enqueue`.
#[derive(Debug, Args)]
pub struct FleetEnqueue {
    /// The identity that sends the message: user@domain, with or without sip:
    #[arg(long, value_name = "SIP")]
    pub identity: String,
    /// The receiver: user@domain, with or without sip:, or the URI of a meeting
    #[arg(long, value_name = "SIP")]
    pub to: String,
    /// The key of the message, such as the number of an order: a second message of the identity with the key is not added
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    pub key: String,
    /// The message, or - to read it from standard input. Write -- before a message that is an option, such as -v
    #[arg(value_parser = NonEmptyStringValueParser::new(), allow_hyphen_values = true)]
    pub message: String,
    /// The message is HTML
    #[arg(long)]
    pub html: bool,
    /// Do not send the message if no worker has begun to send it after this time, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub time_to_live: Option<Duration>,
    /// Wait for the result of the message
    #[arg(long)]
    pub wait: bool,
    /// The time limit of the command, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub timeout: Duration,
    /// Write a JSON object
    #[arg(long)]
    pub json: bool,
    /// The database.
    #[command(flatten)]
    pub database: FleetDatabase,
}

/// The options of `fleet status`.
#[derive(Debug, Args)]
pub struct FleetStatusOptions {
    /// The largest number of suspended identities, and of messages that were not delivered
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    pub limit: u32,
    /// Write a JSON object
    #[arg(long)]
    pub json: bool,
    /// The database.
    #[command(flatten)]
    pub database: FleetDatabase,
}

/// The options of `fleet drain`.
#[derive(Debug, Args)]
pub struct FleetDrain {
    /// The number or the name of the worker in `fleet status`
    pub worker: String,
    /// The database.
    #[command(flatten)]
    pub database: FleetDatabase,
}

/// The options of `fleet suspend`.
#[derive(Debug, Args)]
pub struct FleetSuspend {
    /// The address of the identity: user@domain, with or without sip:
    #[arg(value_name = "IDENTITY")]
    pub identity: String,
    /// The reason that `fleet status` shows
    #[arg(long, value_name = "TEXT", default_value = "suspended by an operator")]
    pub reason: String,
    /// The database.
    #[command(flatten)]
    pub database: FleetDatabase,
}

/// The options of `fleet resume`.
#[derive(Debug, Args)]
pub struct FleetResume {
    /// The address of the identity: user@domain, with or without sip:
    #[arg(value_name = "IDENTITY")]
    pub identity: String,
    /// A file whose first line is the new password, or - for standard input. Without it, the identity keeps its password
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// A file with the keys of the workers, of which the first one seals the new password. Without it, the keys are those of
    /// SKYPE_P2P_FLEET_KEYS
    #[arg(long, value_name = "FILE")]
    pub keys_file: Option<PathBuf>,
    /// The database.
    #[command(flatten)]
    pub database: FleetDatabase,
}

/// The options of `fleet remove`.
#[derive(Debug, Args)]
pub struct FleetRemove {
    /// The address of the identity: user@domain, with or without sip:
    #[arg(value_name = "IDENTITY")]
    pub identity: String,
    /// Remove the identity although messages are lost
    #[arg(long)]
    pub force: bool,
    /// The database.
    #[command(flatten)]
    pub database: FleetDatabase,
}

/// The options of `fleet reseal`.
#[derive(Debug, Args)]
pub struct FleetReseal {
    /// A file with the keys of the workers, of which the first one seals, and the others open. Without it, the keys are those of
    /// SKYPE_P2P_FLEET_KEYS
    #[arg(long, value_name = "FILE")]
    pub keys_file: Option<PathBuf>,
    /// The database.
    #[command(flatten)]
    pub database: FleetDatabase,
}

/// The options of `fleet requeue`.
#[derive(Debug, Args)]
pub struct FleetRequeue {
    /// The identity of the message: user@domain, with or without sip:
    #[arg(value_name = "IDENTITY")]
    pub identity: String,
    /// The key of the failed or dead message, which keeps its result
    #[arg(value_name = "KEY")]
    pub key: String,
    /// The key of the new message
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    pub new_key: String,
    /// Do not send the new message if no worker has begun to send it after this time, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub time_to_live: Option<Duration>,
    /// The database.
    #[command(flatten)]
    pub database: FleetDatabase,
}
