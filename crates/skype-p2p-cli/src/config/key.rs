//! The keys of a profile, which are also environment variables and options.

/// A key of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Root,
    User,
    Auth,
    WindowsAccount,
    Representation,
    CaFile,
    Pins,
    Proxy,
    ClientCertificate,
    Trust,
    EndpointId,
    Log,
}

impl Key {
    pub(crate) const ALL: [Self; 12] = [
        Self::Root,
        Self::User,
        Self::Auth,
        Self::WindowsAccount,
        Self::Representation,
        Self::CaFile,
        Self::Pins,
        Self::Proxy,
        Self::ClientCertificate,
        Self::Trust,
        Self::EndpointId,
        Self::Log,
    ];

    /// The name in the file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::User => "user",
            Self::Auth => "auth",
            Self::WindowsAccount => "windows_account",
            Self::Representation => "representation",
            Self::CaFile => "ca_file",
            Self::Pins => "pins",
            Self::Proxy => "proxy",
            Self::ClientCertificate => "client_certificate",
            Self::Trust => "trust",
            Self::EndpointId => "endpoint_id",
            Self::Log => "log",
        }
    }

    /// Whether the key has a list of values: an array in the file, separated by commas in the environment.
    pub(crate) fn is_list(self) -> bool {
        matches!(self, Self::Pins | Self::Trust)
    }

    /// The environment variable.
    pub(crate) fn variable(self) -> String {
        format!("SKYPE_P2P_{}", self.name().to_ascii_uppercase())
    }

    /// The option of the command line.
    pub(crate) fn option(self) -> &'static str {
        match self {
            Self::Root => "--root",
            Self::User => "--user",
            Self::Auth => "--bearer",
            Self::WindowsAccount => "--windows-account",
            Self::Representation => "--representation",
            Self::CaFile => "--ca-file",
            Self::Pins => "--pin",
            Self::Proxy => "--proxy",
            Self::ClientCertificate => "--client-certificate",
            Self::Trust => "--trust",
            Self::EndpointId => "--endpoint-id",
            Self::Log => "--log",
        }
    }
}
