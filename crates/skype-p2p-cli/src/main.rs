//! The binary `skype-p2p`.

use std::process::ExitCode;

use clap::Parser as _;
use skype_p2p_cli::{Cli, run};
use tokio::runtime::Runtime;

fn main() -> std::io::Result<ExitCode> {
    let cli = Cli::parse();
    let runtime = Runtime::new()?;
    let code = runtime.block_on(run(cli));
    // A name lookup cannot be aborted, and no task awaits its answer any more.
    runtime.shutdown_background();
    Ok(code)
}
