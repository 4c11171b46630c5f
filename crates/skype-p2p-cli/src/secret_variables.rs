//! The environment variables with the secrets of a user, and the option beside them.

/// The names of the variables and of the option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SecretVariables {
    pub(crate) password: &'static str,
    pub(crate) token: &'static str,
    /// The option with the file of the password.
    pub(crate) password_file: &'static str,
}

impl SecretVariables {
    /// The user of a command.
    pub(crate) const USER: Self = Self {
        password: "SKYPE_P2P_PASSWORD",
        token: "SKYPE_P2P_TOKEN",
        password_file: "--password-file",
    };

    /// The second user of a command that signs two users in.
    pub(crate) const RECEIVER: Self = Self {
        password: "SKYPE_P2P_TO_PASSWORD",
        token: "SKYPE_P2P_TO_TOKEN",
        password_file: "--to-password-file",
    };
}

/// The variables of the user of a command.
impl Default for SecretVariables {
    fn default() -> Self {
        Self::USER
    }
}
