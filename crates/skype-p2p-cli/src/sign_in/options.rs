//! The options of every command that signs a user in.

use std::path::PathBuf;

use clap::{Args, builder::NonEmptyStringValueParser};

use crate::{faults::Faults, secret_variables::SecretVariables};

/// The user, the server and the credentials.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Sign-in")]
pub struct SignIn {
    /// The profile of the configuration file
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The URL where the discovery of the server starts. Without it, the server is found by the domain of the user
    #[arg(long, value_name = "URL")]
    pub root: Option<String>,
    /// The user to sign in: user@domain, with or without sip:. With a --root on this machine, a name without a domain is a
    /// user of contoso.com
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// A file whose first line is the password, or - for standard input. Without the option, the password is that of
    /// SKYPE_P2P_PASSWORD, that of skype-p2p login, or typed at the terminal
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
    /// The representation of requests and responses: json or xml
    #[arg(long, value_name = "FORMAT")]
    pub representation: Option<String>,
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
    /// Record the HTTP traffic in this HAR file, without passwords, tokens and cookies. Names and messages are kept. The file is
    /// written when the command ends
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// The environment variables with the password and the token.
    #[arg(skip)]
    pub(crate) variables: SecretVariables,
    /// Faults of the network.
    #[command(flatten)]
    pub faults: Faults,
}
