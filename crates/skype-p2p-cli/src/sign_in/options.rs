//! The options of every command that signs a user in, and those of them that other commands have, too.

use std::path::PathBuf;

use clap::{Args, ValueEnum, builder::NonEmptyStringValueParser};
use skype_p2p::Representation;

use crate::{
    config::ProfileName, faults::Faults, recording::RecordOption, secret_variables::SecretVariables,
};

/// The user, the server and the credentials.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Sign-in")]
pub struct SignIn {
    /// The profile with the settings that no option gives.
    #[command(flatten)]
    pub profile: ProfileName,
    /// The user to sign in: user@domain, with or without sip:. With a --root on this machine, a name without a domain is a
    /// user of contoso.com
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// A file whose first line is the password, or - for standard input. Without the option, the password is that of
    /// SKYPE_P2P_PASSWORD, or else that of skype-p2p login, or else the command asks for it at the terminal
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Sign in with tokens that another service issued, such as AD FS: that of SKYPE_P2P_TOKEN, or a line of standard input for each
    /// token that the server requests
    #[arg(long, conflicts_with = "password_file")]
    pub bearer: bool,
    /// Sign in with this Windows account and its password: DOMAIN\user or user@domain
    #[cfg(feature = "windows-auth")]
    #[arg(long, value_name = "ACCOUNT", conflicts_with = "bearer")]
    pub windows_account: Option<String>,
    /// The ID of this endpoint, by which the server tells the programs and devices of a user apart; at most 100 characters. Use the same ID for every run: a new process then takes
    /// over the application of a killed one. Two processes that run at the same time need different IDs
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub endpoint_id: Option<String>,
    /// The representation of requests and responses.
    #[command(flatten)]
    pub representation: RepresentationOption,
    /// The recording of the traffic.
    #[command(flatten)]
    pub recording: RecordOption,
    /// The environment variables with the password and the token.
    #[arg(skip)]
    pub(crate) variables: SecretVariables,
    /// The server, and the connections to it.
    #[command(flatten)]
    pub server: ServerOptions,
    /// Faults of the network.
    #[command(flatten)]
    pub faults: Faults,
}

/// The server, and the connections to it.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Server")]
pub struct ServerOptions {
    /// The URL where the discovery of the server starts. Without it, the discovery starts at the hosts lyncdiscoverinternal and
    /// lyncdiscover of the user's domain
    #[arg(long, value_name = "URL")]
    pub root: Option<String>,
    /// A domain whose hosts may receive the password, besides the hosts of the root and of the user's domain. May be given
    /// several times
    #[arg(long, value_name = "SUFFIX")]
    pub trust: Vec<String>,
    /// A file with root certificates in PEM, which are trusted besides those of the system
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// The only public key to accept of a host: HOST=sha256//BASE64, as in curl. May be given several times
    #[arg(long = "pin", value_name = "HOST=PIN")]
    pub pins: Vec<String>,
    /// The proxy for all servers, instead of that of the environment: http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
    /// A file with a client certificate and its private key in PEM
    #[arg(long, value_name = "FILE")]
    pub client_certificate: Option<PathBuf>,
}

/// The representation of requests and responses.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct RepresentationOption {
    /// The representation of requests and responses, JSON by default
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub representation: Option<Format>,
}

/// A representation of UCWA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON
    Json,
    /// XML
    Xml,
}

impl Format {
    /// The name on the command line and in a profile.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
        }
    }
}

impl From<Format> for Representation {
    fn from(format: Format) -> Self {
        match format {
            Format::Json => Self::Json,
            Format::Xml => Self::Xml,
        }
    }
}
