//! The options of `groups`.

use clap::{Args, Subcommand, builder::NonEmptyStringValueParser};

use crate::{json_line::LineFormat, session::SessionOptions};

/// The commands about the groups of the contact list.
#[derive(Debug, Subcommand)]
pub enum GroupsCommand {
    /// Write the groups and their types
    List(GroupsList),
    /// Create a group
    Create(GroupsCreate),
    /// Rename a group that the user created
    Rename(GroupsRename),
    /// Remove a group that the user created, or a distribution group, from the contact list
    ///
    /// Contacts that are in no other group stay in the contact list.
    Remove(GroupsRemove),
}

impl GroupsCommand {
    pub(crate) fn session(&self) -> &SessionOptions {
        match self {
            Self::List(args) => &args.session,
            Self::Create(args) => &args.session,
            Self::Rename(args) => &args.session,
            Self::Remove(args) => &args.session,
        }
    }
}

/// The options of `groups list`.
#[derive(Debug, Args)]
pub struct GroupsList {
    /// The form of the lines.
    #[command(flatten)]
    pub lines: LineFormat,
    /// The user, the server and the time limit.
    #[command(flatten)]
    pub session: SessionOptions,
}

/// The options of `groups create`.
#[derive(Debug, Args)]
pub struct GroupsCreate {
    /// The name
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub name: String,
    /// The form of the line.
    #[command(flatten)]
    pub lines: LineFormat,
    /// The user, the server and the time limit.
    #[command(flatten)]
    pub session: SessionOptions,
}

/// The options of `groups rename`.
#[derive(Debug, Args)]
pub struct GroupsRename {
    /// The group, by its name or its ID
    pub name: String,
    /// The new name
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub new_name: String,
    /// The form of the line.
    #[command(flatten)]
    pub lines: LineFormat,
    /// The user, the server and the time limit.
    #[command(flatten)]
    pub session: SessionOptions,
}

/// The options of `groups remove`.
#[derive(Debug, Args)]
pub struct GroupsRemove {
    /// The group, by its name or its ID
    pub name: String,
    /// The form of the line.
    #[command(flatten)]
    pub lines: LineFormat,
    /// The user, the server and the time limit.
    #[command(flatten)]
    pub session: SessionOptions,
}
