//! The settings of a fleet: options before environment variables before the file. Secrets are in files or variables of their own.

use std::{
    collections::BTreeMap,
    env,
    fmt::Display,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use secrecy::SecretString;
use skype_p2p::HyperTransport;
use skype_p2p_fleet::{Keyring, PostgresConfig, WorkerConfig};
use toml::{Table, Value};

use super::{FleetCommand, Key, store_failure};
use crate::{
    End,
    config::{self, Setting, Source},
    console::LogFormat,
    failure::Failure,
    output::Output,
    password, sign_in,
    timeline::printable,
};

/// The environment variable with the path of the file.
const FILE_VARIABLE: &str = "SKYPE_P2P_FLEET_CONFIG";

/// The environment variable with the password of the database.
const DATABASE_PASSWORD: &str = "SKYPE_P2P_FLEET_DATABASE_PASSWORD";

/// The environment variable with the keys.
const KEYS: &str = "SKYPE_P2P_FLEET_KEYS";

/// The settings of a fleet.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    file: Option<PathBuf>,
    values: BTreeMap<Key, Setting>,
}

impl Settings {
    /// Collects the settings.
    ///
    /// # Errors
    ///
    /// If the file cannot be used.
    pub(crate) fn resolve(command: &FleetCommand, log: Option<&str>) -> Result<Self, Failure> {
        let given = command.database().config.clone();
        let file = given.or_else(|| variable(FILE_VARIABLE).map(PathBuf::from));
        let mut of_file = match &file {
            Some(path) => read(path)?,
            None => BTreeMap::new(),
        };
        let mut values = BTreeMap::new();
        for key in Key::ALL {
            let option = match (key, log) {
                (Key::Log, Some(log)) => Some(vec![log.to_owned()]),
                _ => command.option(key),
            };
            let setting = if let Some(given) = option {
                Some((given, Source::Option(key.option())))
            } else if let Some(set) = variable(&key.variable()) {
                Some((split(key, set), Source::Variable(key.variable())))
            } else {
                of_file.remove(&key).map(|it| (it, Source::File))
            };
            if let Some((value, source)) = setting {
                let setting = Setting {
                    values: value,
                    source,
                };
                values.insert(key, setting);
            }
        }
        Ok(Self { file, values })
    }

    /// The value of a key that is not a list.
    pub(super) fn one(&self, key: Key) -> Option<&str> {
        let values = &self.values.get(&key)?.values;
        values.first().map(String::as_str)
    }

    /// The database, with its password.
    pub(super) fn database(&self) -> Result<PostgresConfig, Failure> {
        let url = self.one(Key::Database).ok_or_else(|| {
            Failure::usage("There is no database.")
                .with_hint("give --database, SKYPE_P2P_FLEET_DATABASE, or the key database in the file of --config")
        })?;
        // Of a list of keywords and values, the password could not be told from the rest, which is shown.
        if !is_url(url) {
            let why = "expected postgresql://USER@HOST/NAME";
            return Err(Failure::usage(format!("Cannot use the database: {why}.")));
        }
        let mut config = PostgresConfig::new(url).map_err(|error| store_failure(&error))?;
        if let Some(path) = self.one(Key::DatabaseCaFile) {
            let pem = fs::read(path).map_err(|error| unusable(Key::DatabaseCaFile, path, error))?;
            config = config.with_authorities(pem);
        }
        if let Some((password, _)) = self.database_password()? {
            config = config.with_password(&password);
        }
        Ok(config)
    }

    /// The keys that seal and open passwords and checkpoints.
    pub(super) fn keyring(&self) -> Result<Keyring, Failure> {
        let Some((text, source)) = self.keys()? else {
            return Err(Failure::usage("There are no keys.")
                .with_hint("give --keys-file, SKYPE_P2P_FLEET_KEYS, or the key keys_file in the file of --config"));
        };
        Keyring::parse(&text).map_err(|error| {
            Failure::usage(format!("Cannot use the keys of the {source}: {error}."))
        })
    }

    /// The settings of the worker.
    pub(super) fn worker(&self) -> Result<WorkerConfig, Failure> {
        let name = self.one(Key::Name).map_or_else(host_name, str::to_owned);
        let mut config = WorkerConfig::new(name);
        if let Some(capacity) = self.number(Key::Capacity)? {
            config.capacity = usize::try_from(capacity).unwrap_or(usize::MAX);
        }
        if let Some(claims) = self.number(Key::ClaimsPerSecond)? {
            config.claims_per_second = claims;
        }
        if let Some(trust) = self.values.get(&Key::Trust) {
            config.trusted_domains.clone_from(&trust.values);
        }
        Ok(config)
    }

    /// The transport to Skype for Business Server.
    pub(super) fn transport(&self) -> Result<Arc<HyperTransport>, Failure> {
        let keys = [
            (Key::CaFile, config::Key::CaFile),
            (Key::Proxy, config::Key::Proxy),
        ];
        let setting = |(of_fleet, of_sign_in)| {
            let setting = self.values.get(&of_fleet)?.clone();
            Some((of_sign_in, setting))
        };
        let values = keys.into_iter().filter_map(setting).collect();
        let config = sign_in::transport_config(&config::Settings::of_values(values))?;
        Ok(Arc::new(HyperTransport::with_config(config)))
    }

    /// The address of the endpoints.
    pub(super) fn listen(&self) -> Result<SocketAddr, Failure> {
        let text = self.one(Key::Listen).unwrap_or("127.0.0.1:9464");
        text.parse()
            .map_err(|_| unusable(Key::Listen, text, "expected an IP address and a port"))
    }

    /// The format of the log.
    pub(crate) fn log_format(&self) -> Result<LogFormat, Failure> {
        match self.one(Key::LogFormat) {
            None | Some("text") => Ok(LogFormat::Text),
            Some("json") => Ok(LogFormat::Json),
            Some(other) => Err(unusable(Key::LogFormat, other, "expected text or json")),
        }
    }

    /// The time limit of a drain.
    pub(super) fn drain_timeout(&self) -> Result<Duration, Failure> {
        let seconds = self.number(Key::DrainTimeout)?.unwrap_or(60);
        Ok(Duration::from_secs(seconds.into()))
    }

    /// `fleet worker --check`: writes each setting with its source.
    pub(super) fn check(&self) -> Result<End, Failure> {
        let mut output = Output::stdout();
        let file = self.file.as_ref().map(|it| it.display().to_string());
        output.line(format_args!("file = {}", file.as_deref().unwrap_or("none")));
        for (key, setting) in &self.values {
            let value = match key {
                Key::Database => without_secrets(setting.values.first().map_or("", String::as_str)),
                // It can have a password.
                Key::Proxy => "hidden".to_owned(),
                _ => setting.values.join(", "),
            };
            let line = format!("{} = {value} ({})", key.name(), setting.source);
            output.line(printable(&line));
        }
        for (name, secret) in [
            ("database_password", self.database_password()?),
            ("keys", self.keys()?),
        ] {
            let value = secret.map_or("none".to_owned(), |(_, source)| {
                format!("hidden ({source})")
            });
            output.line(format_args!("{name} = {value}"));
        }
        // The values must be usable, too.
        self.database()?;
        self.keyring()?;
        self.worker()?;
        self.transport()?;
        self.listen()?;
        self.drain_timeout()?;
        output.check().map(|()| End::Well)
    }

    fn number(&self, key: Key) -> Result<Option<u32>, Failure> {
        let Some(text) = self.one(key) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => Err(unusable(key, text, "expected a whole number, at least 1")),
        }
    }

    fn database_password(&self) -> Result<Option<(SecretString, Source)>, Failure> {
        self.secret(Key::DatabasePasswordFile, DATABASE_PASSWORD, |path| {
            password::read_file(path).map_err(Failure::usage)
        })
    }

    fn keys(&self) -> Result<Option<(SecretString, Source)>, Failure> {
        self.secret(Key::KeysFile, KEYS, |path| {
            fs::read_to_string(path)
                .map_err(|error| unusable(Key::KeysFile, &path.display().to_string(), error))
        })
    }

    /// A secret: of the file that an option names, of the variable, or of a file that a variable or the configuration names.
    fn secret(
        &self,
        file: Key,
        name: &str,
        read: impl Fn(&Path) -> Result<String, Failure>,
    ) -> Result<Option<(SecretString, Source)>, Failure> {
        let setting = self.values.get(&file);
        let is_option = setting.is_some_and(|it| matches!(it.source, Source::Option(_)));
        if let Some(secret) = variable(name).filter(|_| !is_option) {
            return Ok(Some((secret.into(), Source::Variable(name.to_owned()))));
        }
        let Some((path, source)) = self.one(file).zip(setting.map(|it| it.source.clone())) else {
            return Ok(None);
        };
        let secret = read(Path::new(path))?;
        Ok(Some((secret.into(), source)))
    }
}

/// The value of an environment variable. An empty one counts as unset.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|it| !it.is_empty())
}

fn split(key: Key, text: String) -> Vec<String> {
    if !key.is_list() {
        return vec![text];
    }
    let items = text.split(',').map(str::trim);
    items
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

fn unusable(key: Key, value: &str, why: impl Display) -> Failure {
    Failure::usage(format!("Cannot use {value} for {}: {why}.", key.name()))
}

/// Reads the file.
fn read(path: &Path) -> Result<BTreeMap<Key, Vec<String>>, Failure> {
    let name = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("Cannot read {name}: {error}.")))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&text, folder).map_err(|why| Failure::usage(format!("Cannot use {name}: {why}")))
}

/// The values of the file. An error does not show a value, which may be a secret at the wrong place.
fn parse(text: &str, folder: &Path) -> Result<BTreeMap<Key, Vec<String>>, String> {
    let document: Table = text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |it| it.start);
        let line = text.bytes().take(at).filter(|it| *it == b'\n').count() + 1;
        format!("line {line}: {}", error.message())
    })?;
    let mut values = BTreeMap::new();
    for (name, value) in document {
        let key = Key::ALL.into_iter().find(|key| key.name() == name);
        let key = key.ok_or_else(|| format!("the key {name} is unknown"))?;
        let value = match value {
            Value::String(text) if key.is_path() => vec![folder.join(text).display().to_string()],
            Value::String(text) if !key.is_number() && !key.is_list() => vec![text],
            Value::Integer(number) if key.is_number() => vec![number.to_string()],
            Value::Array(items) if key.is_list() => {
                let texts = items.iter().map(|it| it.as_str().map(str::to_owned));
                let texts: Option<Vec<_>> = texts.collect();
                texts.ok_or_else(|| format!("{name} is not an array of strings"))?
            }
            _ => return Err(format!("{name} has a wrong type")),
        };
        values.insert(key, value);
    }
    let database = values.get(&Key::Database).and_then(|it| it.first());
    if database.is_some_and(|it| without_secrets(it) != *it) {
        return Err("the key database has a password, which belongs into the file of database_password_file".to_owned());
    }
    Ok(values)
}

fn is_url(text: &str) -> bool {
    text.starts_with("postgresql://") || text.starts_with("postgres://")
}

/// The URL without a password, in its authority or among its parameters.
fn without_secrets(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "hidden".to_owned();
    };
    let (address, parameters) = match rest.split_once('?') {
        Some((address, parameters)) => (address, Some(parameters)),
        None => (rest, None),
    };
    let address = match address.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{user}:***@{host}"),
            None => address.to_owned(),
        },
        None => address.to_owned(),
    };
    let shown = |it: &&str| !it.to_ascii_lowercase().starts_with("password");
    let parameters = parameters.map_or(String::new(), |it| {
        let shown: Vec<_> = it.split('&').filter(shown).collect();
        format!("?{}", shown.join("&"))
    });
    format!("{scheme}://{address}{parameters}")
}

#[cfg(unix)]
fn host_name() -> String {
    let system = rustix::system::uname();
    system.nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host_name() -> String {
    env::var("COMPUTERNAME").unwrap_or_else(|_| "worker".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_file_are_relative_to_it() {
        let text = "database = \"postgresql://fleet@db/fleet\"\nkeys_file = \"fleet.keys\"\nca_file = \"/ca.pem\"\ncapacity = 500\ntrust = [\"contoso.net\"]\n";
        let values = parse(text, Path::new("/etc/fleet")).unwrap();
        assert_eq!(values[&Key::KeysFile], ["/etc/fleet/fleet.keys"]);
        assert_eq!(values[&Key::CaFile], ["/ca.pem"]);
        assert_eq!(values[&Key::Capacity], ["500"]);
        assert_eq!(values[&Key::Trust], ["contoso.net"]);
    }

    #[test]
    fn a_mistake_in_the_file_is_named_without_its_value() {
        for (text, why) in [
            ("databse = \"hunter2\"", "databse is unknown"),
            ("capacity = \"hunter2\"", "capacity has a wrong type"),
            ("trust = \"hunter2\"", "trust has a wrong type"),
            (
                "database = \"postgresql://fleet:hunter2@db/fleet\"",
                "database_password_file",
            ),
            (
                "database = \"postgresql://db/fleet?user=fleet&password=hunter2\"",
                "database_password_file",
            ),
            ("\nkeys_file = hunter2\n", "line 2"),
        ] {
            let error = parse(text, Path::new("")).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_shown_database_has_no_password() {
        for (url, shown) in [
            ("postgresql://fleet@db/fleet", "postgresql://fleet@db/fleet"),
            (
                "postgresql://fleet:p@ss@db/fleet",
                "postgresql://fleet:***@db/fleet",
            ),
            (
                "postgres://a,b/fleet?Password=x&target_session_attrs=read-write",
                "postgres://a,b/fleet?target_session_attrs=read-write",
            ),
            ("host=db password=x", "hidden"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
    }
}
