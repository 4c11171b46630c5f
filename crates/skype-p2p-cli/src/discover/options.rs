//! The options of `discover`.

use clap::Args;

use crate::{
    address,
    config::ProfileName,
    json_line::LineFormat,
    recording::RecordOption,
    sign_in::{ServerOptions, SignIn},
    time_limit::TimeLimit,
};

/// The options of `discover`.
#[derive(Debug, Args)]
pub struct Discover {
    /// The domain of the users' addresses, such as contoso.com
    #[arg(value_parser = domain)]
    pub domain: String,
    /// The profile with the settings of the connections that no option gives. Its root is not used.
    #[command(flatten)]
    pub profile: ProfileName,
    /// The time limit of each path.
    #[command(flatten)]
    pub limit: TimeLimit,
    /// The form of the lines.
    #[command(flatten)]
    pub lines: LineFormat,
    /// A recording for each path.
    #[command(flatten)]
    pub recording: RecordOption,
    /// The connections to the servers.
    #[command(flatten)]
    pub server: ServerOptions,
}

impl Discover {
    /// The options as those of a sign-in, from which the settings are collected.
    pub(crate) fn sign_in(&self) -> SignIn {
        SignIn {
            profile: self.profile.clone(),
            server: self.server.clone(),
            recording: self.recording.clone(),
            ..SignIn::default()
        }
    }
}

/// A domain, or that of an address.
fn domain(text: &str) -> Result<String, String> {
    let domain = address::domain(text).unwrap_or(text);
    let is_name = domain.split('.').all(|label| {
        let fits = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        !label.is_empty() && label.chars().all(fits)
    });
    if is_name {
        Ok(domain.to_owned())
    } else {
        Err("expected a domain, such as contoso.com".to_owned())
    }
}
