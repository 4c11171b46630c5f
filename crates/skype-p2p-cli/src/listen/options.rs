//! The options of `listen`.

use clap::{Args, ValueEnum};

use crate::sign_in::SignIn;

/// The options of `listen`.
#[derive(Debug, Args)]
pub struct Listen {
    /// The user, the server and the credentials.
    #[command(flatten)]
    pub sign_in: SignIn,
    /// The invitations to accept
    #[arg(long, value_enum, default_value_t = Accept::None)]
    pub accept: Accept,
    /// A sender whom --accept known accepts: a SIP address, or @DOMAIN for all its users. May be given several times. The
    /// users of the own domain are always known
    #[arg(long, value_name = "SIP", value_parser = known)]
    pub known: Vec<String>,
    /// Answer each message of a person with its text after "Echo: ". Messages that begin so are not answered, and at most
    /// five are answered in a second
    #[arg(long)]
    pub echo: bool,
    /// Write a JSON object per line
    #[arg(long)]
    pub json: bool,
}

/// The invitations to accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Accept {
    /// No invitation: each one is shown, and rings until another device answers
    None,
    /// Invitations of users of the own domain and of --known
    Known,
    /// All invitations
    All,
}

fn known(text: &str) -> Result<String, String> {
    let text = text.strip_prefix("sip:").unwrap_or(text);
    match text.rsplit_once('@') {
        Some((_, domain)) if !domain.is_empty() => Ok(text.to_owned()),
        _ => Err("expected user@domain or @domain".to_owned()),
    }
}
