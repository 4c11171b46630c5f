//! `diff`: compares two recordings.

use std::path::{Path, PathBuf};

use clap::Args;
use ucwa_har::{ComparisonOptions, comparable_text, line_difference};

use super::{ClientMade, in_file, read};
use crate::{End, failure::Failure, output::Output, timeline::printable};

/// The arguments of `diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// A HAR file
    pub one: PathBuf,
    /// Another HAR file
    pub other: PathBuf,
    /// A segment of paths; the segment that follows it is ignored. May be given several times
    #[arg(long, value_name = "SEGMENT")]
    pub after: Vec<String>,
    /// The values that the client generates.
    #[command(flatten)]
    pub client_made: ClientMade,
}

pub(crate) fn run(args: &Diff) -> Result<End, Failure> {
    let mut options = ComparisonOptions::default();
    options.after.clone_from(&args.after);
    options.client_made.clone_from(&args.client_made.names);
    let text =
        |path: &Path| comparable_text(&read(path)?, &options).map_err(|error| in_file(path)(error));
    let Some(difference) = line_difference(&text(&args.one)?, &text(&args.other)?) else {
        return Ok(End::Well);
    };
    let mut output = Output::stdout();
    for line in difference.lines() {
        output.line(printable(line));
    }
    output.check().map(|()| End::NotDone)
}
