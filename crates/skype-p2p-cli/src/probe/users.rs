//! The users of a probe: their settings and passwords.

use super::options::Receiver;
use crate::{
    config::Settings,
    failure::Failure,
    secret_variables::SecretVariables,
    sign_in::{Client, SignIn},
};

/// A user who signs in for each probe.
pub(crate) struct User {
    args: SignIn,
    settings: Settings,
    password: Option<String>,
    /// The address, without `sip:`.
    pub(crate) address: String,
}

impl User {
    /// The user of the options.
    ///
    /// # Errors
    ///
    /// If a setting cannot be used, or there is no password.
    pub(crate) fn sender(args: SignIn, settings: Settings) -> Result<Self, Failure> {
        Self::new(args, settings.with_endpoint_of_option())
    }

    /// The user who receives the message of `sender`.
    ///
    /// # Errors
    ///
    /// As [`sender`](Self::sender).
    pub(crate) fn receiver(args: &Receiver, sender: &Self) -> Result<Self, Failure> {
        let settings = match (&args.to_profile, &args.to) {
            (Some(profile), _) => Settings {
                recording: sender.settings.recording.clone(),
                ..Settings::of_profile(profile)?
            },
            (None, Some(name)) => sender.settings.with_user(name),
            (None, None) => return Err(Failure::usage("There is no receiver.")),
        };
        let args = SignIn {
            password_file: args.to_password_file.clone(),
            faults: sender.args.faults.clone(),
            variables: SecretVariables::RECEIVER,
            ..SignIn::default()
        };
        let receiver = Self::new(args, settings.with_endpoint_of_option())?;
        if receiver.address.eq_ignore_ascii_case(&sender.address) {
            return Err(Failure::usage(format!(
                "The sender and the receiver are the same user, {}.",
                sender.address
            ))
            .with_hint("give another user with --to or --to-profile"));
        }
        Ok(receiver)
    }

    fn new(args: SignIn, settings: Settings) -> Result<Self, Failure> {
        // This application is not used, so its traffic is not recorded.
        let unrecorded = Settings {
            recording: None,
            ..settings.clone()
        };
        let client = Client::new(&args, &unrecorded)?;
        Ok(Self {
            args,
            settings,
            password: client.password,
            address: client.user,
        })
    }

    /// A new application of the user, which has not signed in. Its sign-in begins with the discovery.
    ///
    /// # Errors
    ///
    /// If a file of the settings can no longer be read.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Client::with_password(&self.args, &self.settings, self.password.clone())
    }
}
