//! The command `man`: the manual pages, generated from the definition of the command line.

use std::{fs, io, path::Path};

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use crate::{Cli, End, args, failure::Failure, output::write_document};

pub(crate) fn run(man: &args::Man) -> Result<End, Failure> {
    let written = match &man.out {
        Some(folder) => write_pages(folder).map_err(|error| {
            Failure::cannot_write(&format!("the folder {}", folder.display()), &error)
        }),
        None => main_page()
            .map_err(|error| Failure::other(format!("Cannot make the manual: {error}.")))
            .and_then(|page| write_document(&page)),
    };
    written.map(|()| End::Well)
}

/// The page `skype-p2p(1)`.
fn main_page() -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(definition()).render(&mut page)?;
    Ok(page)
}

/// Writes `skype-p2p.1`, and a page for each command.
fn write_pages(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(definition(), folder)
}

/// The command line as a manual describes it: without the commit and the features of this build, and without `help`, which has no
/// page.
fn definition() -> Command {
    Cli::command()
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
}
