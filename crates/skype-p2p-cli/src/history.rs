//! `history`: reads the archived conversations of the user.

mod archive;
mod archiving;
mod html;
mod json;
mod markdown;
mod options;
mod text;

use skype_p2p::ConversationsManager;

use self::archive::{Archived, Messages};
pub use self::{
    archiving::Archiving,
    options::{ExportFormat, HistoryCommand, HistoryExport, HistoryList, HistoryShow, Selection},
};
use crate::{
    End, config::Settings, console::Console, failure::Failure, output::Output, session::Session,
};

pub(crate) async fn run(
    command: HistoryCommand,
    settings: &Settings,
    console: Console,
) -> Result<End, Failure> {
    let session = Session::new(command.session(), settings, console)?;
    let with = match command.selection().and_then(|it| it.with.as_deref()) {
        Some(name) => Some(session.person(name)?),
        None => None,
    };
    let manager = session.application().conversations_manager();
    session
        .run(async |output| {
            match &command {
                HistoryCommand::List(args) => {
                    let (limit, messages) = (args.selection.limit, Messages::NewestPage);
                    let found = archive::select(&manager, limit, with.as_ref(), messages).await?;
                    list(&found, args.lines.json, console, output);
                }
                HistoryCommand::Show(args) => show(&manager, args, output).await?,
                HistoryCommand::Export(args) => {
                    let (limit, messages) = (args.selection.limit, Messages::All);
                    let found = archive::select(&manager, limit, with.as_ref(), messages).await?;
                    export(&found, args.format, console, output);
                }
            }
            Ok(End::Well)
        })
        .await
}

/// Writes a line for each conversation.
fn list(found: &[Archived], as_json: bool, console: Console, output: &mut Output) {
    for conversation in found {
        output.line(if as_json {
            json::conversation(conversation)
        } else {
            text::summary(conversation)
        });
    }
    notice_if_empty(found, console);
}

/// Writes the messages of one conversation.
async fn show(
    manager: &ConversationsManager,
    args: &HistoryShow,
    output: &mut Output,
) -> Result<(), Failure> {
    let conversation = archive::nth(manager, args.number).await?;
    if args.lines.json {
        for message in &conversation.messages {
            output.line(json::message(&conversation, message));
        }
    } else {
        for line in text::conversation(&conversation) {
            output.line(line);
        }
    }
    Ok(())
}

/// Writes all messages of the conversations as one document.
fn export(found: &[Archived], format: ExportFormat, console: Console, output: &mut Output) {
    let document: Vec<String> = match format {
        ExportFormat::Json => found
            .iter()
            .flat_map(|it| it.messages.iter().map(|message| json::message(it, message)))
            .collect(),
        ExportFormat::Markdown => markdown::document(found),
        ExportFormat::Html => html::document(found),
    };
    for line in document {
        output.line(line);
    }
    notice_if_empty(found, console);
}

fn notice_if_empty(found: &[Archived], console: Console) {
    if found.is_empty() {
        console.notice("No archived conversation was found.");
    }
}
