//! The options of every command that signs a user in.

use std::path::PathBuf;

use clap::{Args, builder::NonEmptyStringValueParser};

use crate::faults::Faults;

/// The user, the server and the credentials.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sign-in")]
pub struct SignIn {
    /// The URL where the discovery of the server starts. Without it, the server is found by the domain of the user
    #[arg(long, value_name = "URL")]
    pub root: Option<String>,
    /// The user to sign in: user@domain, with or without sip:. With a --root on this machine, a name without a domain is a
    /// user of contoso.com
    #[arg(long, value_name = "NAME")]
    pub user: String,
    /// A file whose first line is the password, or - for standard input. Without the option, the password is that of
    /// SKYPE_P2P_PASSWORD, or typed at the terminal
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Sign in with tokens of another issuer: that of SKYPE_P2P_TOKEN, or a line of standard input for each request of the
    /// server
    #[arg(long, conflicts_with = "password_file")]
    pub bearer: bool,
    /// Sign in with this Windows account and its password: DOMAIN\user or user@domain
    #[cfg(feature = "windows-auth")]
    #[arg(long, value_name = "ACCOUNT", conflicts_with = "bearer")]
    pub windows_account: Option<String>,
    /// The ID of this endpoint at the server, at most 100 characters. Use the same ID for every run: a new process then takes
    /// over the application of a killed one. Two processes that run at the same time need different IDs
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub endpoint_id: Option<String>,
    /// A domain whose hosts may receive the password, besides the hosts of the root and of the user's domain. May be given
    /// several times
    #[arg(long, value_name = "SUFFIX")]
    pub trust: Vec<String>,
    /// Faults of the network.
    #[command(flatten)]
    pub faults: Faults,
}
