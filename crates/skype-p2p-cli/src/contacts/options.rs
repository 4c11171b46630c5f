//! The options of `contacts`.

use clap::{Args, Subcommand};

use crate::{
    json_line::LineFormat,
    session::{Persons, SessionOptions},
};

/// The commands about the contact list.
#[derive(Debug, Subcommand)]
pub enum ContactsCommand {
    /// Write the contacts and their groups
    List(ContactsList),
    /// Add persons to the contact list, or to a group
    ///
    /// The exit code is 1 if a person was not added.
    Add(ContactsChange),
    /// Move persons from one group to another
    ///
    /// The exit code is 1 if a person was not moved.
    Move(ContactsMove),
    /// Remove persons from the contact list with all its groups, or from one group
    ///
    /// Removing a person who is not there succeeds. The exit code is 1 if a person was not removed.
    Remove(ContactsChange),
}

impl ContactsCommand {
    pub(crate) fn session(&self) -> &SessionOptions {
        match self {
            Self::List(args) => &args.session,
            Self::Add(args) | Self::Remove(args) => &args.session,
            Self::Move(args) => &args.session,
        }
    }

    /// The persons to change.
    pub(crate) fn persons(&self) -> Option<&Persons> {
        match self {
            Self::List(_) => None,
            Self::Add(args) | Self::Remove(args) => Some(&args.persons),
            Self::Move(args) => Some(&args.persons),
        }
    }
}

/// The part of the contact list that a command reads or changes.
#[derive(Debug, Args)]
pub struct ContactGroup {
    /// The group of the contact list, by its name or its ID. Without it, the command is about the whole contact list
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
}

/// The options of `contacts list`.
#[derive(Debug, Args)]
pub struct ContactsList {
    /// The group to write.
    #[command(flatten)]
    pub group: ContactGroup,
    /// The form of the lines.
    #[command(flatten)]
    pub lines: LineFormat,
    /// The user, the server and the time limit.
    #[command(flatten)]
    pub session: SessionOptions,
}

/// The options of `contacts add` and `contacts remove`.
#[derive(Debug, Args)]
pub struct ContactsChange {
    /// The persons to add or remove.
    #[command(flatten)]
    pub persons: Persons,
    /// The group that they join or leave.
    #[command(flatten)]
    pub group: ContactGroup,
    /// The form of the lines.
    #[command(flatten)]
    pub lines: LineFormat,
    /// The user, the server and the time limit.
    #[command(flatten)]
    pub session: SessionOptions,
}

/// The options of `contacts move`.
#[derive(Debug, Args)]
pub struct ContactsMove {
    /// The persons to move.
    #[command(flatten)]
    pub persons: Persons,
    /// The group that the persons leave, by its name or its ID
    #[arg(long, value_name = "NAME")]
    pub from: String,
    /// The group that the persons join, by its name or its ID
    #[arg(long, value_name = "NAME")]
    pub to: String,
    /// The form of the lines.
    #[command(flatten)]
    pub lines: LineFormat,
    /// The user, the server and the time limit.
    #[command(flatten)]
    pub session: SessionOptions,
}
