//! The binary `skype-p2p`.

use std::process::ExitCode;

use clap::Parser as _;
use skype_p2p_cli::{Cli, run};

#[tokio::main]
async fn main() -> ExitCode {
    run(Cli::parse()).await
}
