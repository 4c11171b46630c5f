//! The configuration file, `config.toml`: the profiles.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::key::Key;
use crate::{failure::Failure, private_file};

/// The environment variable with the path of another configuration file.
const VARIABLE: &str = "SKYPE_P2P_CONFIG";

/// The contents of the file.
#[derive(Debug, Default)]
pub(crate) struct ConfigFile {
    pub(crate) path: PathBuf,
    pub(crate) default_profile: Option<String>,
    pub(crate) profiles: BTreeMap<String, Profile>,
}

/// The values of a profile.
pub(crate) type Profile = BTreeMap<Key, Vec<String>>;

impl ConfigFile {
    /// Reads the file. A missing file is an empty one.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or has an unknown key.
    pub(crate) fn read() -> Result<Self, Failure> {
        let path = path()?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(Failure::usage(format!(
                    "Cannot read {}: {error}.",
                    path.display()
                )));
            }
        };
        let mut file = parse(&text).map_err(|why| {
            Failure::usage(format!("Cannot use {}: {}", path.display(), why.trim_end()))
        })?;
        file.path = path;
        Ok(file)
    }
}

/// The folder of the configuration: `skype-p2p` in `XDG_CONFIG_HOME` or `~/.config`, and in `%APPDATA%` on Windows.
pub(crate) fn folder() -> Result<PathBuf, Failure> {
    let folder = |variable: &str| {
        let path = PathBuf::from(env::var_os(variable)?);
        path.is_absolute().then_some(path)
    };
    let base = if cfg!(windows) {
        folder("APPDATA")
    } else {
        folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))
    };
    base.map(|base| base.join("skype-p2p")).ok_or_else(|| {
        Failure::usage("There is no folder for the configuration.")
            .with_hint("set HOME, XDG_CONFIG_HOME or SKYPE_P2P_CONFIG")
    })
}

fn path() -> Result<PathBuf, Failure> {
    match env::var_os(VARIABLE) {
        Some(path) => Ok(PathBuf::from(path)),
        None => folder().map(|folder| folder.join("config.toml")),
    }
}

fn parse(text: &str) -> Result<ConfigFile, String> {
    let document: Table = text
        .parse()
        .map_err(|error: toml::de::Error| error.to_string())?;
    let mut file = ConfigFile::default();
    for (name, value) in document {
        match (name.as_str(), value) {
            ("default_profile", Value::String(profile)) => file.default_profile = Some(profile),
            ("profile", Value::Table(profiles)) => {
                for (name, profile) in profiles {
                    let values = profile_of(&name, profile)?;
                    file.profiles.insert(name, values);
                }
            }
            _ => return Err(format!("the key {name} is unknown, or has a wrong type")),
        }
    }
    Ok(file)
}

fn profile_of(name: &str, profile: Value) -> Result<Profile, String> {
    let Value::Table(table) = profile else {
        return Err(format!("profile.{name} is not a table"));
    };
    let mut values = Profile::new();
    for (key_name, value) in table {
        let place = format!("profile.{name}.{key_name}");
        if key_name == "password" || key_name == "token" {
            return Err(format!(
                "{place}: secrets do not belong into this file. `skype-p2p login` stores them"
            ));
        }
        let key = Key::ALL
            .into_iter()
            .find(|key| key.name() == key_name)
            .ok_or_else(|| format!("the key {place} is unknown"))?;
        let strings = match value {
            Value::String(text) if !key.is_list() => vec![text],
            Value::Array(items) if key.is_list() => items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => Ok(text),
                    _ => Err(format!("{place} is not an array of strings")),
                })
                .collect::<Result<_, _>>()?,
            _ if key.is_list() => return Err(format!("{place} is not an array of strings")),
            _ => return Err(format!("{place} is not a string")),
        };
        values.insert(key, strings);
    }
    Ok(values)
}

/// Adds a profile to the file, which `login` does for a name that the file does not have. The text of the file stays as it is. A new
/// file is private, since the URL of a proxy can have a password.
///
/// # Errors
///
/// If the file cannot be written.
pub(crate) fn add_profile(path: &Path, name: &str, values: &Profile) -> Result<(), Failure> {
    let mut table = Table::new();
    for (key, value) in values {
        let strings = value.iter().cloned().map(Value::String);
        let value = if key.is_list() {
            Value::Array(strings.collect())
        } else {
            Value::String(value.first().cloned().unwrap_or_default())
        };
        table.insert(key.name().to_owned(), value);
    }
    let profiles = Table::from_iter([(name.to_owned(), Value::Table(table))]);
    let addition = Table::from_iter([("profile".to_owned(), Value::Table(profiles))]);
    let write = || -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = private_file::options()
            .append(true)
            .create(true)
            .open(path)?;
        let separator = if file.metadata()?.len() == 0 {
            ""
        } else {
            "\n"
        };
        file.write_all(format!("{separator}{addition}").as_bytes())
    };
    write().map_err(|error| Failure::cannot_write(&path.display().to_string(), &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_strings_and_lists() {
        let file = parse(
            "default_profile = \"work\"\n[profile.work]\nuser = \"toshm@contoso.com\"\ntrust = [\"contoso.net\"]\n",
        )
        .unwrap();
        assert_eq!(file.default_profile.as_deref(), Some("work"));
        let work = &file.profiles["work"];
        assert_eq!(work[&Key::User], ["toshm@contoso.com"]);
        assert_eq!(work[&Key::Trust], ["contoso.net"]);
    }

    #[test]
    fn a_mistake_names_its_place() {
        for (text, place) in [
            ("profiles = 1", "profiles"),
            ("[profile.a]\nusr = \"x\"", "profile.a.usr"),
            ("[profile.a]\ntrust = \"x\"", "profile.a.trust"),
            ("[profile.a]\nuser = [\"x\"]", "profile.a.user"),
            ("[profile.a]\npassword = \"hunter2\"", "profile.a.password"),
            ("[profile.a", "line 1"),
        ] {
            let why = parse(text).unwrap_err();
            assert!(why.contains(place), "{text}: {why}");
            assert!(!why.contains("hunter2"));
        }
    }
}
