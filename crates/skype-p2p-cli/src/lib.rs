//! What the binary `skype-p2p` is made of: its command line and its commands.
//!
//! Standard output is the product, a line at a time; standard error is for diagnostics, more of them with `RUST_LOG`. The
//! words in which `demo` and `listen` tell what they observe are those of [`timeline`]; [`Observer`] finds them out from
//! an application's model, for whoever wants to tell or to compare the same.

mod account;
mod address;
mod admin;
mod args;
mod audience;
mod completions;
mod demo;
mod faults;
mod interrupt;
mod listen;
mod man;
mod observer;
mod output;
mod password;
mod profile;
mod send;
mod serve;
mod server_file;
mod state_file;
pub mod timeline;
mod token;
mod watch;

use std::{fmt::Display, io::Write as _, process::ExitCode};

use tracing_subscriber::EnvFilter;

pub use account::Account;
pub use args::{
    Accept, Cli, Command, Completions, Demo, Format, Listen, Man, Send, Serve, SignIn, Tls,
};
pub use faults::Faults;
pub use observer::Observer;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// As it should.
    Well,
    /// The message was not delivered; a step was not seen; the server ended the session.
    NotDone,
    /// The command line, or what it names, cannot be used.
    Usage,
    /// Nobody could tell in time whether the message was delivered.
    Unknown,
    /// The sign-in failed.
    SignIn,
}

impl From<End> for ExitCode {
    fn from(end: End) -> Self {
        Self::from(match end {
            End::Well => 0,
            End::NotDone => 1,
            End::Usage => 2,
            End::Unknown => 3,
            End::SignIn => 4,
        })
    }
}

/// Does what the command line says. The code is 0 if that went well; the commands' help tells the others.
pub async fn run(cli: Cli) -> ExitCode {
    // Whoever embeds this may have a subscriber already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        // The way of reporting that standard error is closed must not be a panic on standard error.
        .log_internal_errors(false)
        .try_init();
    let end = match cli.command {
        Command::Demo(demo) => demo::run(demo).await,
        Command::Serve(serve) => serve::run(serve).await,
        Command::Send(send) => send::run(send).await,
        Command::Listen(listen) => listen::run(listen).await,
        Command::Completions(completions) => completions::run(&completions),
        Command::Man(man) => man::run(&man),
    };
    end.into()
}

/// Tells the person at the terminal. Nobody reading is no error.
fn complain(what: impl Display) {
    let _ = writeln!(
        std::io::stderr(),
        "skype-p2p: {}",
        timeline::printable(&what.to_string())
    );
}
