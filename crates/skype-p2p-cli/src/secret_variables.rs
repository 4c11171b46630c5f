//! The environment variables with the secrets of a user.

/// The names of the variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SecretVariables {
    pub(crate) password: &'static str,
    pub(crate) token: &'static str,
}

impl SecretVariables {
    /// The user of a command.
    pub(crate) const USER: Self = Self {
        password: "SKYPE_P2P_PASSWORD",
        token: "SKYPE_P2P_TOKEN",
    };

    /// The second user of a command that signs two users in.
    pub(crate) const RECEIVER: Self = Self {
        password: "SKYPE_P2P_TO_PASSWORD",
        token: "SKYPE_P2P_TO_TOKEN",
    };
}

/// The variables of the user of a command.
impl Default for SecretVariables {
    fn default() -> Self {
        Self::USER
    }
}
