//! The settings of a sign-in: options before environment variables before the profile.

use std::{collections::BTreeMap, env, fmt, path::PathBuf, sync::Arc};

use clap::Args;

use super::{
    file::ConfigFile,
    key::Key,
    secret_store::{Login, check_name},
};
use crate::{
    failure::Failure,
    recording::RecordingFile,
    sign_in::{Format, SignIn},
};

/// The environment variable with the name of the profile.
const PROFILE_VARIABLE: &str = "SKYPE_P2P_PROFILE";

/// The profile that is used if none is named.
const DEFAULT_PROFILE: &str = "default";

/// The profile of a command.
#[derive(Clone, Debug, Default, Args)]
pub struct ProfileName {
    /// The profile of the configuration file
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

impl ProfileName {
    /// The name that the option or the environment gives.
    pub(crate) fn given(&self) -> Option<String> {
        self.profile.clone().or_else(|| {
            let name = env::var(PROFILE_VARIABLE).ok();
            name.filter(|name| !name.is_empty())
        })
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Option(String),
    Variable(String),
    Profile(String),
    /// The file of a fleet.
    #[cfg(feature = "fleet")]
    File,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(name) => write!(f, "option {name}"),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Profile(name) => write!(f, "profile {name}"),
            #[cfg(feature = "fleet")]
            Self::File => f.write_str("file"),
        }
    }
}

/// A value and its source. Only lists have more than one value.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) values: Vec<String>,
    pub(crate) source: Source,
}

/// The settings of a sign-in.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The name of the profile, which need not be in the file.
    pub(crate) profile: String,
    /// The configuration file, which need not exist.
    pub(crate) path: PathBuf,
    /// Whether the file has the profile.
    pub(crate) in_file: bool,
    /// The stored login of the profile.
    pub(crate) login: Option<Login>,
    pub(crate) values: BTreeMap<Key, Setting>,
    /// The recording that `--record` asks for.
    pub(crate) recording: Option<Arc<RecordingFile>>,
}

impl Settings {
    /// Collects the settings.
    ///
    /// # Errors
    ///
    /// If the file cannot be used, or a named profile does not exist.
    pub(crate) fn resolve(args: &SignIn, log: Option<&str>) -> Result<Self, Failure> {
        let settings = Self::resolve_new(args, log)?;
        match args.profile.given() {
            Some(name) if !settings.in_file && settings.login.is_none() => Err(no_profile(&name)),
            _ => Ok(settings),
        }
    }

    /// Collects the settings for `login`, whose profile need not exist.
    ///
    /// # Errors
    ///
    /// If the file cannot be used.
    pub(crate) fn resolve_new(args: &SignIn, log: Option<&str>) -> Result<Self, Failure> {
        let mut file = ConfigFile::read()?;
        let profile = args
            .profile
            .given()
            .or_else(|| file.default_profile.take())
            .unwrap_or_else(|| DEFAULT_PROFILE.to_owned());
        check_name(&profile)?;
        let of_profile = file.profiles.remove(&profile);
        let in_file = of_profile.is_some();
        let mut of_profile = of_profile.unwrap_or_default();
        let mut values = BTreeMap::new();
        for key in Key::ALL {
            let setting = if let Some(given) = option(key, args, log) {
                Some((given, Source::Option(key.option().to_owned())))
            } else if let Some(set) = variable(key)? {
                Some((set, Source::Variable(key.variable())))
            } else {
                let value = of_profile.remove(&key);
                value.map(|value| (value, Source::Profile(profile.clone())))
            };
            if let Some((value, source)) = setting {
                let setting = Setting {
                    values: value,
                    source,
                };
                values.insert(key, setting);
            }
        }
        Ok(Self {
            login: Login::read(&profile)?,
            profile,
            path: file.path,
            in_file,
            values,
            recording: args.recording.file(),
        })
    }

    /// Collects the settings of a second user: those of a profile only, because options and environment variables are those of the
    /// first user.
    ///
    /// # Errors
    ///
    /// If the file cannot be used, or the profile does not exist.
    pub(crate) fn of_profile(profile: &str) -> Result<Self, Failure> {
        check_name(profile)?;
        let mut file = ConfigFile::read()?;
        let Some(values) = file.profiles.remove(profile) else {
            return Err(no_profile(profile));
        };
        let setting = |(key, values)| {
            let source = Source::Profile(profile.to_owned());
            (key, Setting { values, source })
        };
        Ok(Self {
            profile: profile.to_owned(),
            path: file.path,
            in_file: true,
            login: Login::read(profile)?,
            values: values.into_iter().map(setting).collect(),
            recording: None,
        })
    }

    /// These values, without a profile.
    #[cfg(feature = "fleet")]
    pub(crate) fn of_values(values: BTreeMap<Key, Setting>) -> Self {
        Self {
            profile: String::new(),
            path: PathBuf::new(),
            in_file: false,
            login: None,
            values,
            recording: None,
        }
    }

    /// The same settings for another user of the same server.
    pub(crate) fn with_user(&self, name: &str) -> Self {
        let mut settings = self.clone();
        let user = Setting {
            values: vec![name.to_owned()],
            source: Source::Option("--to".to_owned()),
        };
        settings.values.insert(Key::User, user);
        settings.values.remove(&Key::WindowsAccount);
        settings.values.remove(&Key::EndpointId);
        settings
    }

    /// The same settings without an endpoint ID that is not that of the option. A command that runs beside another one with the
    /// same profile would otherwise take over its application.
    pub(crate) fn with_endpoint_of_option(mut self) -> Self {
        self.values.retain(|key, setting| {
            *key != Key::EndpointId || matches!(setting.source, Source::Option(_))
        });
        self
    }

    /// The value of a key that is not a list.
    pub(crate) fn one(&self, key: Key) -> Option<&str> {
        self.list(key).first().map(String::as_str)
    }

    /// The values of a key.
    pub(crate) fn list(&self, key: Key) -> &[String] {
        self.values
            .get(&key)
            .map_or(&[], |setting| setting.values.as_slice())
    }

    /// The stored login, if it is that of this user.
    pub(crate) fn login_of(&self, user: &str) -> Option<&Login> {
        self.login
            .as_ref()
            .filter(|login| login.user.eq_ignore_ascii_case(user))
    }
}

fn no_profile(name: &str) -> Failure {
    Failure::usage(format!("There is no profile {name}."))
        .with_hint("skype-p2p profiles lists the profiles, and skype-p2p login creates one")
}

fn option(key: Key, args: &SignIn, log: Option<&str>) -> Option<Vec<String>> {
    let one = |value: Option<&str>| value.map(|value| vec![value.to_owned()]);
    let path = |value: Option<&PathBuf>| value.map(|path| vec![path.display().to_string()]);
    let list = |values: &Vec<String>| (!values.is_empty()).then(|| values.clone());
    match key {
        Key::Root => one(args.server.root.as_deref()),
        Key::User => one(args.user.as_deref()),
        Key::Auth => one(args.bearer.then_some("bearer")),
        #[cfg(feature = "windows-auth")]
        Key::WindowsAccount => one(args.windows_account.as_deref()),
        #[cfg(not(feature = "windows-auth"))]
        Key::WindowsAccount => None,
        Key::Representation => one(args.representation.representation.map(Format::name)),
        Key::CaFile => path(args.server.ca_file.as_ref()),
        Key::Pins => list(&args.server.pins),
        Key::Proxy => one(args.server.proxy.as_deref()),
        Key::ClientCertificate => path(args.server.client_certificate.as_ref()),
        Key::Trust => list(&args.server.trust),
        Key::EndpointId => one(args.endpoint_id.as_deref()),
        Key::Log => one(log),
    }
}

/// The value of the environment variable. An empty one counts as unset.
fn variable(key: Key) -> Result<Option<Vec<String>>, Failure> {
    let name = key.variable();
    let text = match env::var(&name) {
        Ok(text) => text,
        Err(env::VarError::NotPresent) => return Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            return Err(Failure::usage(format!("{name} is not UTF-8.")));
        }
    };
    let values: Vec<String> = if key.is_list() {
        let items = text.split(',').map(str::trim);
        items
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    } else {
        [text].into_iter().filter(|text| !text.is_empty()).collect()
    };
    Ok((!values.is_empty()).then_some(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_endpoint(source: Source) -> Settings {
        let setting = Setting {
            values: vec!["desk".to_owned()],
            source,
        };
        Settings {
            profile: "work".to_owned(),
            path: PathBuf::new(),
            in_file: true,
            login: None,
            values: BTreeMap::from([(Key::EndpointId, setting)]),
            recording: None,
        }
    }

    #[test]
    fn only_the_endpoint_id_of_the_option_is_kept() {
        let option = with_endpoint(Source::Option("--endpoint-id".to_owned()));
        let kept = option.with_endpoint_of_option();
        assert_eq!(kept.one(Key::EndpointId), Some("desk"));
        for other in [
            Source::Profile("work".to_owned()),
            Source::Variable("SKYPE_P2P_ENDPOINT_ID".to_owned()),
        ] {
            let dropped = with_endpoint(other).with_endpoint_of_option();
            assert_eq!(dropped.one(Key::EndpointId), None);
        }
    }
}
