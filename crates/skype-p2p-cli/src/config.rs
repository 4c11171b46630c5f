//! The configuration: profiles in a file, environment variables, options, and stored logins.

mod commands;
mod file;
mod key;
mod secret_store;
mod settings;
mod system_keyring;

#[cfg(feature = "fleet")]
pub(crate) use self::settings::{Setting, Source};
pub use self::{commands::ConfigCommand, settings::ProfileName};
pub(crate) use self::{
    commands::{check, login, logout, profiles},
    key::Key,
    settings::Settings,
};
