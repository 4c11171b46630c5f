//! The keys of the file of a fleet, which are also environment variables and options.

/// A key of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Database,
    DatabasePasswordFile,
    DatabaseCaFile,
    KeysFile,
    Name,
    Capacity,
    ClaimsPerSecond,
    Listen,
    DrainTimeout,
    Trust,
    CaFile,
    Proxy,
    Log,
    LogFormat,
}

impl Key {
    pub(super) const ALL: [Self; 14] = [
        Self::Database,
        Self::DatabasePasswordFile,
        Self::DatabaseCaFile,
        Self::KeysFile,
        Self::Name,
        Self::Capacity,
        Self::ClaimsPerSecond,
        Self::Listen,
        Self::DrainTimeout,
        Self::Trust,
        Self::CaFile,
        Self::Proxy,
        Self::Log,
        Self::LogFormat,
    ];

    /// The name in the file.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::DatabasePasswordFile => "database_password_file",
            Self::DatabaseCaFile => "database_ca_file",
            Self::KeysFile => "keys_file",
            Self::Name => "name",
            Self::Capacity => "capacity",
            Self::ClaimsPerSecond => "claims_per_second",
            Self::Listen => "listen",
            Self::DrainTimeout => "drain_timeout",
            Self::Trust => "trust",
            Self::CaFile => "ca_file",
            Self::Proxy => "proxy",
            Self::Log => "log",
            Self::LogFormat => "log_format",
        }
    }

    /// Whether the key has a list of values: an array in the file, separated by commas in the environment.
    pub(super) fn is_list(self) -> bool {
        self == Self::Trust
    }

    /// Whether the value is a path, which is relative to the file.
    pub(super) fn is_path(self) -> bool {
        matches!(
            self,
            Self::DatabasePasswordFile | Self::DatabaseCaFile | Self::KeysFile | Self::CaFile
        )
    }

    /// Whether the value is a whole number.
    pub(super) fn is_number(self) -> bool {
        matches!(
            self,
            Self::Capacity | Self::ClaimsPerSecond | Self::DrainTimeout
        )
    }

    /// The environment variable.
    pub(super) fn variable(self) -> String {
        format!("SKYPE_P2P_FLEET_{}", self.name().to_ascii_uppercase())
    }

    /// The option of the command line.
    pub(super) fn option(self) -> String {
        format!("--{}", self.name().replace('_', "-"))
    }
}
