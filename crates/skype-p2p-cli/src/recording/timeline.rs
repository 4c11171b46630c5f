//! `timeline`: writes a recording as lines for a person.

use std::path::PathBuf;

use clap::Args;

use super::read;
use crate::{End, failure::Failure, output::Output, timeline::printable};

/// The arguments of `timeline`.
#[derive(Debug, Args)]
pub struct Timeline {
    /// The HAR file
    pub file: PathBuf,
}

pub(crate) fn run(args: &Timeline) -> Result<End, Failure> {
    let har = read(&args.file)?;
    let mut output = Output::stdout();
    for line in ucwa_har::timeline(&har).lines() {
        output.line(printable(line));
    }
    output.check().map(|()| End::Well)
}
