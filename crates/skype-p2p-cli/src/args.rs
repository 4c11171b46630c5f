//! The command line.

use std::{
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    path::PathBuf,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use ucwa_server::parse_origin;

#[cfg(feature = "fleet")]
use crate::fleet::FleetCommand;
use crate::{
    account::Account,
    chat::Chat,
    config::{ConfigCommand, ProfileName},
    console::ConsoleOptions,
    contacts::ContactsCommand,
    discover::Discover,
    exit_code,
    faults::Faults,
    groups::GroupsCommand,
    history::HistoryCommand,
    json_line::LineFormat,
    listen::Listen,
    presence::PresenceCommand,
    probe::Probe,
    recording::{Diff, RecordOption, Redact, Replay, Timeline},
    search::Search,
    send::Send,
    sign_in::{RepresentationOption, SignIn},
};

/// The version, the commit and the optional features of the build; the last two come from `build.rs`.
const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    env!("SKYPE_P2P_COMMIT"),
    "\nfeatures: ",
    env!("SKYPE_P2P_FEATURES")
);

/// Peer-to-peer chat on Skype for Business Server.
#[derive(Debug, Parser)]
#[command(
    name = "skype-p2p",
    version = VERSION,
    about,
    arg_required_else_help = true,
    after_help = exit_code::table()
)]
pub struct Cli {
    /// What standard error contains.
    #[command(flatten)]
    pub console: ConsoleOptions,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send a message and report its delivery
    ///
    /// The exit code is 0 if the message was delivered, 1 if it was not, and 3 if the delivery was not determined in time.
    /// `skype-p2p --help` lists the others.
    Send(Send),
    /// Write invitations and messages as they arrive, until interrupted
    ///
    /// No invitation is accepted without --accept. The exit code is 0 when interrupted, and 1 if the server ended the session.
    /// `skype-p2p --help` lists the others.
    Listen(Listen),
    /// Chat in the terminal
    ///
    /// F1 shows the keys, Ctrl+Q signs out and quits. The exit code is 0 after that, and 1 if the server ended the session.
    /// `skype-p2p --help` lists the others.
    Chat(Box<Chat>),
    /// Read, publish and follow presence
    #[command(subcommand)]
    Presence(PresenceCommand),
    /// Find people by name or address
    ///
    /// The exit code is 1 if no person is found.
    Search(Search),
    /// Read and change the contact list of the user
    #[command(subcommand)]
    Contacts(ContactsCommand),
    /// Read and change the groups of the contact list
    #[command(subcommand)]
    Groups(GroupsCommand),
    /// Read the archived conversations of the user
    #[command(subcommand)]
    History(HistoryCommand),
    /// Sign in once, and store the password and the home server of a profile
    ///
    /// The password is stored in the keyring of the system, or, without a keyring, in a file that only its owner can read. A profile
    /// that the configuration file does not have is added, with the options of the command.
    Login(Box<SignIn>),
    /// Remove the stored password and home server of a profile
    Logout(ProfileName),
    /// List the profiles of the configuration file
    Profiles,
    /// Check the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Measure whether one user can reach another: both sign in, one invites the other, and each receives a message
    ///
    /// Writes the time of each stage. The exit code is 0 if the message was delivered and answered, 1 if it was not, 3 if that was
    /// not determined in time, and 4 if a user could not sign in. `skype-p2p --help` lists the others.
    Probe(Box<Probe>),
    /// Follow the discovery of a server without signing in: each step, certificate and challenge, with advice for each failure
    ///
    /// The exit code is 0 if a server was found at which users can sign in, and 4 if not. `skype-p2p --help` lists the others.
    Discover(Box<Discover>),
    /// Write the requests and events of a recording with their causes
    Timeline(Timeline),
    /// Remove secrets, addresses, names and texts from a HAR file
    ///
    /// Each value gets the same pseudonym in the whole file. Read the result before you share it: photos and search terms are kept.
    Redact(Redact),
    /// Run the library on a recording instead of a server, and compare the requests
    ///
    /// The library signs in and does what the user of the recording did, on the recorded responses. The exit code is 0 if it sends
    /// the recorded requests and no other, and 1 if not.
    Replay(Replay),
    /// Compare two recordings, and ignore values that differ from run to run
    ///
    /// The exit code is 0 if the recordings are equal, and 1 if they differ.
    Diff(Diff),
    /// Run a server in memory for any number of users, until interrupted
    ///
    /// The first line printed is the root URL.
    ///
    /// The exit code is 0 when interrupted, 1 if the server cannot listen or has failed, and 2 if the command line, or a file that
    /// it names, cannot be used.
    Serve(Serve),
    /// Run a chat between two users on a server that the command starts, and check each step
    ///
    /// The exit code is 0 if every step was observed, and 1 if one was not.
    Demo(Demo),
    /// Run and operate a fleet: thousands of identities over several processes, on PostgreSQL
    #[cfg(feature = "fleet")]
    #[command(subcommand)]
    Fleet(FleetCommand),
    /// Print a script with which a shell completes the command line
    Completions(Completions),
    /// Print the manual page, or write the page of each command into a folder
    ///
    /// The exit code is 0 if the manual was written, and 5 if it cannot be written.
    Man(Man),
}

/// The arguments of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell that reads the script
    #[arg(value_enum)]
    pub shell: Shell,
}

/// The arguments of `man`.
#[derive(Debug, Args)]
pub struct Man {
    /// The folder for the pages: skype-p2p.1, skype-p2p-send.1 and so on. It is created if it does not exist
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

/// The arguments of `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// The representation of the requests and responses of both users.
    #[command(flatten)]
    pub representation: RepresentationOption,
    /// The form of the lines.
    #[command(flatten)]
    pub lines: LineFormat,
    /// The recordings of the two users.
    #[command(flatten)]
    pub recording: RecordOption,
    /// Serve a page with both users side by side, until interrupted, instead of the chat in this terminal
    #[arg(long, conflicts_with_all = ["representation", "json", "record", "faults", "seed"])]
    pub web: bool,
    /// The faults to inject between the users and the server.
    #[command(flatten)]
    pub faults: Faults,
}

/// The arguments of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen; port 0 takes a free one. Another address than loopback needs TLS, or --plain-http
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", value_parser = listen_address)]
    pub listen: SocketAddr,
    /// A TOML file with the users, pools, policies, limits, faults and allowed origins, and the file of --state
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Keep contact lists, archives and tokens in this SQLite database, which is created if it is missing. Without this option they
    /// are lost when the server stops
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// A user: NAME, NAME::Display Name, NAME:PASSWORD or NAME:PASSWORD:Display Name. NAME is a user of contoso.com, or user@domain.
    /// Without PASSWORD, the password is read from --password-file or SKYPE_P2P_PASSWORD. A password on the command line is visible
    /// to all users of the machine, and is accepted only if the server listens on loopback. May be given several times. Without
    /// --user and --config, the users are Tosh and Lene
    #[arg(
        long = "user",
        value_name = "NAME[:PASSWORD[:DISPLAY NAME]]",
        conflicts_with = "config"
    )]
    pub users: Vec<Account>,
    /// A file whose first line is the password of each --user without one
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    pub password_file: Option<PathBuf>,
    /// Listen without TLS at another address than loopback. Use it only if no other machine can read the traffic between the server
    /// and its proxy
    #[arg(long, conflicts_with_all = ["tls", "tls_cert"])]
    pub plain_http: bool,
    /// The certificate in PEM, followed by the intermediate certificates up to its root
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        conflicts_with = "tls"
    )]
    pub tls_cert: Option<PathBuf>,
    /// The private key of the certificate in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Generate the certificate: for loopback, the address of --listen and the host of --origin
    #[arg(long, value_enum, requires = "tls_root")]
    pub tls: Option<Tls>,
    /// The file to write the generated root certificate to. Clients have to trust this certificate
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub tls_root: Option<PathBuf>,
    /// The address by which clients reach the server, with https and without a path. The links of the server begin with it
    #[arg(long, value_name = "URL", value_parser = parse_origin)]
    pub origin: Option<String>,
    /// The address of a trusted proxy in front of the server: the server builds its links from the X-Forwarded headers of this proxy.
    /// May be given several times
    #[arg(long = "proxy", value_name = "IP")]
    pub proxies: Vec<IpAddr>,
    /// Accept faults at this loopback address, by POST of JSON to /faults; port 0 takes a free one
    #[arg(long, value_name = "ADDR", value_parser = listen_address)]
    pub admin: Option<SocketAddr>,
    /// Serve a chat page at /chat/, and the script for pages at /skype-p2p.js and /shared/v/VERSION/SkypeBootstrap.min.js
    #[arg(long)]
    pub web: bool,
    /// Show who is signed in, conversations, requests, events and the last errors, once a second
    #[arg(long)]
    pub watch: bool,
}

/// Where a certificate of `serve` comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tls {
    /// Generated at each start, and signed by a root that is generated with it
    SelfSigned,
}

/// An address with its port; a host name stands for its first address.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let mut addresses = text.to_socket_addrs().map_err(|error| error.to_string())?;
    addresses
        .next()
        .ok_or_else(|| "the host has no address".to_owned())
}
