//! The options of `discover`.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use crate::{address, send::seconds, sign_in::SignIn};

/// The options of `discover`.
#[derive(Debug, Args)]
pub struct Discover {
    /// The domain of the users' addresses, such as contoso.com
    #[arg(value_parser = domain)]
    pub domain: String,
    /// Follow this URL, instead of the two hosts that a client looks for in the domain
    #[arg(long, value_name = "URL")]
    pub root: Option<String>,
    /// The profile with the certificates, the proxy and the trusted domains
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// A domain whose hosts may receive a password, besides the DOMAIN. May be given several times
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
    /// The time limit, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub timeout: Duration,
    /// Write a JSON object for each request and for each path
    #[arg(long)]
    pub json: bool,
    /// Record the HTTP traffic in this HAR file. The file of the second path is FILE-2.har
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
}

impl Discover {
    /// The options as those of a sign-in, of which the settings are made.
    pub(crate) fn sign_in(&self) -> SignIn {
        SignIn {
            profile: self.profile.clone(),
            trust: self.trust.clone(),
            ca_file: self.ca_file.clone(),
            pins: self.pins.clone(),
            proxy: self.proxy.clone(),
            client_certificate: self.client_certificate.clone(),
            record: self.record.clone(),
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
