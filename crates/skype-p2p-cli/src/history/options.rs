//! The options of `history`.

use clap::{Args, Subcommand, ValueEnum};

use crate::{json_line::LineFormat, session::SessionOptions};

/// The commands about the archived conversations of the user.
#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
    /// Write a line for each archived conversation, the newest first
    List(HistoryList),
    /// Write the messages of an archived conversation
    ///
    /// The exit code is 1 if there is no such conversation.
    Show(HistoryShow),
    /// Write all messages of the archived conversations as JSON lines, Markdown or HTML
    Export(HistoryExport),
}

impl HistoryCommand {
    pub(crate) fn session(&self) -> &SessionOptions {
        match self {
            Self::List(args) => &args.session,
            Self::Show(args) => &args.session,
            Self::Export(args) => &args.session,
        }
    }

    pub(crate) fn selection(&self) -> Option<&Selection> {
        match self {
            Self::List(args) => Some(&args.selection),
            Self::Show(_) => None,
            Self::Export(args) => Some(&args.selection),
        }
    }
}

/// Which conversations to read.
#[derive(Debug, Args)]
pub struct Selection {
    /// Only conversations with this person: a SIP address, with or without sip:
    #[arg(long, value_name = "SIP")]
    pub with: Option<String>,
    /// The largest number of conversations, the newest first. A server lists at most 100
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub limit: u32,
}

/// The options of `history list`.
#[derive(Debug, Args)]
pub struct HistoryList {
    /// Which conversations to read.
    #[command(flatten)]
    pub selection: Selection,
    /// The form of the lines.
    #[command(flatten)]
    pub lines: LineFormat,
    /// The user, the server and the time limit.
    #[command(flatten)]
    pub session: SessionOptions,
}

/// The options of `history show`.
#[derive(Debug, Args)]
pub struct HistoryShow {
    /// The number of the conversation in the list; 1 is the newest
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100))]
    pub number: u32,
    /// The form of the lines.
    #[command(flatten)]
    pub lines: LineFormat,
    /// The user, the server and the time limit.
    #[command(flatten)]
    pub session: SessionOptions,
}

/// The options of `history export`.
#[derive(Debug, Args)]
pub struct HistoryExport {
    /// Which conversations to read.
    #[command(flatten)]
    pub selection: Selection,
    /// The format of the document
    #[arg(long, value_enum, default_value_t = ExportFormat::Json)]
    pub format: ExportFormat,
    /// The user, the server and the time limit.
    #[command(flatten)]
    pub session: SessionOptions,
}

/// The format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A JSON object for each message, one per line
    Json,
    /// A section for each conversation
    Markdown,
    /// A page that loads nothing and runs nothing
    Html,
}
