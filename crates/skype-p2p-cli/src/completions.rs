//! The command `completions`: a script with which a shell completes the command line.

use clap::CommandFactory as _;

use crate::{Cli, End, args::Completions, failure::Failure, output::write_document};

pub(crate) fn run(completions: &Completions) -> Result<End, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        completions.shell,
        &mut Cli::command(),
        "skype-p2p",
        &mut script,
    );
    // clap_complete (clap-rs/clap#6421) spells a state of the script for bash in two ways if the name of the binary has a hyphen, and
    // then completes no option of a command.
    let script = String::from_utf8_lossy(&script).replace("skype__subcmd__p2p", "skype__p2p");
    write_document(script.as_bytes()).map(|()| End::Well)
}
