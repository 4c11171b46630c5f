//! The options of `contacts`.

use clap::{Args, Subcommand};

use crate::session::SessionOptions;

/// The commands about the contact list.
#[derive(Debug, Subcommand)]
pub enum ContactsCommand {
    /// Write the contacts and their groups
    List(ContactsList),
    /// Add persons to the contact list, or to a group
    ///
    /// The exit code is 1 if a person was not added.
    Add(ContactsAdd),
    /// Move persons from one group to another
    ///
    /// The exit code is 1 if a person was not moved.
    Move(ContactsMove),
    /// Remove persons from the contact list with all its groups, or from one group
    ///
    /// Removing a person who is not there succeeds. The exit code is 1 if a person was not removed.
    Remove(ContactsRemove),
}

impl ContactsCommand {
    pub(crate) fn session(&self) -> &SessionOptions {
        match self {
            Self::List(args) => &args.session,
            Self::Add(args) => &args.session,
            Self::Move(args) => &args.session,
            Self::Remove(args) => &args.session,
        }
    }

    /// The persons to change.
    pub(crate) fn sip(&self) -> &[String] {
        match self {
            Self::List(_) => &[],
            Self::Add(args) => &args.sip,
            Self::Move(args) => &args.sip,
            Self::Remove(args) => &args.sip,
        }
    }
}

/// The options of `contacts list`.
#[derive(Debug, Args)]
pub struct ContactsList {
    /// Write the persons in this group only, by its name or its ID
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// Write a JSON object for each contact
    #[arg(long)]
    pub json: bool,
    /// The user, the server and the time limit.
    #[command(flatten)]
    pub session: SessionOptions,
}

/// The options of `contacts add`.
#[derive(Debug, Args)]
pub struct ContactsAdd {
    /// The persons: SIP addresses, with or without sip:
    #[arg(required = true)]
    pub sip: Vec<String>,
    /// The group, by its name or its ID. Without it, the persons are in no group
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// Write a JSON object for each change
    #[arg(long)]
    pub json: bool,
    /// The user, the server and the time limit.
    #[command(flatten)]
    pub session: SessionOptions,
}

/// The options of `contacts move`.
#[derive(Debug, Args)]
pub struct ContactsMove {
    /// The persons: SIP addresses, with or without sip:
    #[arg(required = true)]
    pub sip: Vec<String>,
    /// The group that the persons leave, by its name or its ID
    #[arg(long, value_name = "NAME")]
    pub from: String,
    /// The group that the persons join, by its name or its ID
    #[arg(long, value_name = "NAME")]
    pub to: String,
    /// Write a JSON object for each change
    #[arg(long)]
    pub json: bool,
    /// The user, the server and the time limit.
    #[command(flatten)]
    pub session: SessionOptions,
}

/// The options of `contacts remove`.
#[derive(Debug, Args)]
pub struct ContactsRemove {
    /// The persons: SIP addresses, with or without sip:
    #[arg(required = true)]
    pub sip: Vec<String>,
    /// The group, by its name or its ID. Without it, the persons are removed from the contact list
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// Write a JSON object for each change
    #[arg(long)]
    pub json: bool,
    /// The user, the server and the time limit.
    #[command(flatten)]
    pub session: SessionOptions,
}
