//! The file of `serve --config`: users, groups, pools, policies, limits, faults, allowed origins, and where the state is.

mod person;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    num::NonZeroU32,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use toml::Spanned;
use ucwa_server::{Fault, HttpConfig, ServerConfig, User, parse_origin};

use self::person::{Directory, Group, Person};
use crate::complain;

/// The contents of the file, in the types of the server.
pub(crate) struct ServerFile {
    pub(crate) server: ServerConfig,
    pub(crate) http: HttpConfig,
    pub(crate) faults: Vec<Fault>,
    pub(crate) state: Option<PathBuf>,
    /// Whether the file itself has passwords.
    has_passwords: bool,
}

/// The tables and keys of the file. Everything may be absent, and nothing else may be there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    domain: Option<String>,
    #[serde(default)]
    allowed_origins: Vec<Spanned<String>>,
    #[serde(default)]
    faults: Vec<Fault>,
    /// Relative to the file.
    state: Option<PathBuf>,
    #[serde(default)]
    policies: Policies,
    #[serde(default)]
    limits: Limits,
    /// The origin of each other pool, by name.
    #[serde(default)]
    pools: BTreeMap<String, Spanned<String>>,
    #[serde(default, rename = "user")]
    users: Vec<Spanned<Person>>,
    #[serde(default, rename = "distribution_group")]
    distribution_groups: Vec<Group>,
}

/// `[policies]`: what users may do, and the times of the server in seconds.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Policies {
    history: Option<bool>,
    passive: Option<bool>,
    windows_user: Option<Spanned<String>>,
    invitation_timeout: Option<NonZeroU32>,
    message_timeout: Option<NonZeroU32>,
    inactivity_timeout: Option<NonZeroU32>,
    token_life: Option<NonZeroU32>,
    guest_token_life: Option<NonZeroU32>,
}

/// `[limits]`: what clients may take; sizes in bytes, times in seconds.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    connections: Option<NonZeroU32>,
    header_size: Option<NonZeroU32>,
    body_size: Option<NonZeroU32>,
    header_timeout: Option<NonZeroU32>,
    body_timeout: Option<NonZeroU32>,
    write_timeout: Option<NonZeroU32>,
}

/// Something in the file that cannot be used, and where it is.
struct Mistake {
    at: Option<Range<usize>>,
    what: String,
}

impl Mistake {
    fn new(at: Range<usize>, what: impl Into<String>) -> Self {
        Self {
            at: Some(at),
            what: what.into(),
        }
    }
}

/// Reads the file. The error names the file and the line, but not the line's text, which may hold a password.
pub(crate) fn read(path: &Path) -> Result<ServerFile, String> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let understood = understand(&text, folder);
    if understood.as_ref().is_ok_and(|file| file.has_passwords) && is_readable_by_all(path) {
        complain(format_args!(
            "{} has passwords, and all users of the machine can read it.",
            path.display()
        ));
    }
    understood.map_err(|mistake| {
        let place = match mistake.at {
            Some(at) => format!(":{}", line(&text, at.start)),
            None => String::new(),
        };
        format!("{}{place}: {}", path.display(), mistake.what)
    })
}

/// Whether every user of the machine can read the file.
#[cfg(unix)]
fn is_readable_by_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}

/// Not known on this system.
#[cfg(not(unix))]
fn is_readable_by_all(_: &Path) -> bool {
    false
}

fn understand(text: &str, folder: &Path) -> Result<ServerFile, Mistake> {
    let document: Document = toml::from_str(text).map_err(|error| Mistake {
        at: error.span(),
        what: error.message().to_owned(),
    })?;
    let mut http = HttpConfig::default();
    for origin in document.allowed_origins {
        http.allow_origin(origin.get_ref())
            .map_err(|error| Mistake::new(origin.span(), error.to_string()))?;
    }
    document.limits.apply(&mut http);
    let mut people = document.users.iter().map(Spanned::get_ref);
    let has_passwords = people.any(Person::has_password);
    let directory = Directory::new(
        document.users.iter().map(Spanned::get_ref),
        document.distribution_groups.iter(),
    );
    let users = users(document.users, &document.pools, &directory, folder)?;
    let mut server = ServerConfig::new(users);
    for group in document.distribution_groups {
        server.distribution_groups.push(group.read(&directory)?);
    }
    if let Some(domain) = document.domain {
        server.domain = domain;
    }
    document.policies.apply(&mut server, &directory)?;
    Ok(ServerFile {
        server,
        http,
        faults: document.faults,
        state: document.state.map(|state| folder.join(state)),
        has_passwords,
    })
}

fn users(
    people: Vec<Spanned<Person>>,
    pools: &BTreeMap<String, Spanned<String>>,
    directory: &Directory,
    folder: &Path,
) -> Result<Vec<User>, Mistake> {
    let mut origins = BTreeMap::new();
    for (name, pool) in pools {
        let origin = parse_origin(pool.get_ref())
            .map_err(|error| Mistake::new(pool.span(), error.to_string()))?;
        origins.insert(name.as_str(), origin);
    }
    let mut users = Vec::new();
    let mut known = BTreeSet::new();
    for person in people {
        let at = person.span();
        let person = person.into_inner();
        let uri = person.uri.span();
        let user = person.user(at, &origins, directory, folder)?;
        if !known.insert(user.uri.as_str().to_ascii_lowercase()) {
            let what = format!("the user {} is given twice", user.uri);
            return Err(Mistake::new(uri, what));
        }
        users.push(user);
    }
    Ok(users)
}

impl Policies {
    fn apply(self, server: &mut ServerConfig, directory: &Directory) -> Result<(), Mistake> {
        server.history = self.history.unwrap_or(server.history);
        server.passive = self.passive.unwrap_or(server.passive);
        set_seconds(&mut server.invitation_timeout, self.invitation_timeout);
        set_seconds(&mut server.message_timeout, self.message_timeout);
        set_seconds(&mut server.inactivity_timeout, self.inactivity_timeout);
        set_seconds(&mut server.token_life, self.token_life);
        set_seconds(&mut server.guest_token_life, self.guest_token_life);
        let user = self.windows_user.map(|uri| directory.user(&uri));
        server.windows_user = user.transpose()?;
        Ok(())
    }
}

impl Limits {
    fn apply(self, http: &mut HttpConfig) {
        let limits = &mut http.limits;
        set_number(&mut limits.connections, self.connections);
        set_number(&mut limits.header_size, self.header_size);
        set_number(&mut limits.body_size, self.body_size);
        set_seconds(&mut limits.header_timeout, self.header_timeout);
        set_seconds(&mut limits.body_timeout, self.body_timeout);
        set_seconds(&mut limits.write_timeout, self.write_timeout);
    }
}

fn set_seconds(time: &mut Duration, seconds: Option<NonZeroU32>) {
    if let Some(seconds) = seconds {
        *time = Duration::from_secs(seconds.get().into());
    }
}

fn set_number(number: &mut usize, given: Option<NonZeroU32>) {
    if let Some(given) = given {
        *number = usize::try_from(given.get()).unwrap_or(usize::MAX);
    }
}

/// The number of the line at this offset, from 1.
fn line(text: &str, offset: usize) -> usize {
    let before = text.bytes().take(offset);
    before.filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use ucwa_server::ForwardingTarget;

    use super::*;

    /// The line and the text of the error.
    fn mistake(text: &str) -> (usize, String) {
        let Err(mistake) = understand(text, Path::new("")) else {
            panic!("understood: {text}");
        };
        (line(text, mistake.at.unwrap().start), mistake.what)
    }

    #[test]
    fn every_table_reaches_the_server() {
        let file = understand(
            r#"
            domain = "fabrikam.com"
            allowed_origins = ["https://chat.fabrikam.com"]
            state = "state.db"
            faults = [
                "aggregate_events",
                { turn_away = { method = "POST", path = "/messaging", count = 3, status = 503, retry_after = 7 } },
            ]

            [policies]
            history = false
            message_timeout = 5
            windows_user = "johnd@fabrikam.com"

            [limits]
            connections = 50
            body_timeout = 10

            [pools]
            east = "https://east.fabrikam.com"

            [[user]]
            uri = "johnd@fabrikam.com"
            name = "John Doe"
            password = "secret"
            title = "Engineer"
            pool = "east"

            contacts = ["sip:JaneD@fabrikam.com"]
            favorites = ["janed@fabrikam.com"]
            groups = { Team = ["janed@fabrikam.com"], Crew = [] }
            delegates = ["janed@fabrikam.com"]
            manager = "janed@fabrikam.com"
            distribution_groups = ["sales@fabrikam.com"]
            call_forwarding = { simultaneous = "team", unanswered = "janed@fabrikam.com", ring_delay = 30 }

            [[user.meeting]]
            subject = "Review"
            attendees = ["janed@fabrikam.com"]

            [[user]]
            uri = "sip:janed@fabrikam.com"
            password = "secret"

            [[distribution_group]]
            uri = "sales@fabrikam.com"
            name = "Sales"
            members = ["johnd@fabrikam.com", "sales@fabrikam.com"]
            "#,
            Path::new("/etc/ucwa"),
        );
        let file = file.unwrap_or_else(|mistake| panic!("{}", mistake.what));
        assert_eq!(file.server.domain, "fabrikam.com");
        assert!(!file.server.history);
        let windows_user = file.server.windows_user.as_ref().unwrap();
        assert_eq!(windows_user.as_str(), "sip:johnd@fabrikam.com");
        assert_eq!(file.server.message_timeout, Duration::from_secs(5));
        assert_eq!(file.server.invitation_timeout, Duration::from_secs(30));
        assert_eq!(file.http.limits.connections, 50);
        assert_eq!(file.http.limits.body_timeout, Duration::from_secs(10));
        assert_eq!(file.faults.len(), 2);
        assert_eq!(file.state, Some(PathBuf::from("/etc/ucwa/state.db")));
        let [john, jane] = &file.server.users[..] else {
            panic!("two users");
        };
        assert_eq!(john.display_name, "John Doe");
        assert_eq!(john.card.title.as_deref(), Some("Engineer"));
        assert_eq!(john.home.as_deref(), Some("https://east.fabrikam.com"));
        assert_eq!(jane.display_name, "janed");
        assert_eq!(jane.home, None);
        let contacts = &john.contacts;
        assert_eq!(contacts.contacts[0].as_str(), "sip:JaneD@fabrikam.com");
        assert_eq!(contacts.favorites, std::slice::from_ref(&jane.uri));
        let groups: Vec<_> = contacts.groups.iter().map(|(name, _)| name).collect();
        assert_eq!(groups, ["Crew", "Team"]);
        assert_eq!(contacts.delegates, std::slice::from_ref(&jane.uri));
        assert_eq!(john.manager.as_ref(), Some(&jane.uri));
        let voice = john.enterprise_voice.as_ref().unwrap();
        assert_eq!(voice.simultaneous, Some(ForwardingTarget::Team));
        let to_jane = ForwardingTarget::Contact(jane.uri.clone());
        assert_eq!(voice.unanswered, Some(to_jane));
        assert_eq!(voice.ring_delay, Duration::from_secs(30));
        assert_eq!(john.meetings[0].subject, "Review");
        assert_eq!(jane.enterprise_voice, None);
        let [sales] = &file.server.distribution_groups[..] else {
            panic!("one group");
        };
        assert_eq!(sales.members.len(), 2);
        assert_eq!(
            contacts.distribution_groups,
            std::slice::from_ref(&sales.uri)
        );
    }

    #[test]
    fn an_error_names_its_line() {
        let user = "[[user]]\nuri = \"a@b\"\n";
        for (text, number, part) in [
            ("domian = \"x\"\n".to_owned(), 1, "unknown field `domian`"),
            (
                "\n[limits]\nconections = 1\n".to_owned(),
                3,
                "unknown field",
            ),
            ("[policies]\nhistory = 1\n".to_owned(), 2, "boolean"),
            (
                "[policies]\nwindows_user = \"sip:x@y\"\n".to_owned(),
                2,
                "no user sip:x@y",
            ),
            ("[limits]\nconnections = 0\n".to_owned(), 2, "nonzero"),
            ("allowed_origins = [\n\"*\"]\n".to_owned(), 2, "absolute"),
            (
                "faults = [\n\"explode\"]\n".to_owned(),
                2,
                "unknown variant",
            ),
            (
                "faults = [\n{ resume = { usr = \"a\" } }]\n".to_owned(),
                2,
                "usr",
            ),
            (format!("{user}pasword = \"x\"\n"), 3, "unknown field"),
            (
                format!("{user}password = \"x\"\npool = \"y\"\n"),
                4,
                "[pools]",
            ),
            (user.to_owned(), 1, "password"),
            (
                format!("{user}password = \"x\"\n{user}password = \"y\"\n"),
                5,
                "twice",
            ),
            (
                "[[user]]\nuri = \"no address\"\npassword = \"x\"\n".to_owned(),
                2,
                "",
            ),
            ("[pools]\neast = \"east\"\n".to_owned(), 2, "absolute"),
            (
                format!("{user}password = \"x\"\ncontacts = [\n\"c@d\"]\n"),
                5,
                "no user c@d",
            ),
            (
                format!("{user}password = \"x\"\ndistribution_groups = [\"a@b\"]\n"),
                4,
                "no distribution group a@b",
            ),
            (
                format!("{user}password = \"x\"\ncall_forwarding = {{ immediate = \"team\" }}\n"),
                4,
                "delegates, voicemail",
            ),
            (
                format!("{user}password = \"x\"\ncall_forwarding = {{ ring_delay = 61 }}\n"),
                4,
                "between 5 and 60",
            ),
            (
                format!("{user}password = \"x\"\nphoto_file = \"a.gif\"\n"),
                4,
                ".png",
            ),
            (
                format!("{user}password = \"x\"\nphoto_file = \"none.png\"\n"),
                4,
                "cannot read",
            ),
            (
                "[[distribution_group]]\nuri = \"a@b\"\nname = \"A\"\nmembers = [\"c@d\"]\n"
                    .to_owned(),
                4,
                "no user or distribution group c@d",
            ),
        ] {
            let (line, what) = mistake(&text);
            assert_eq!(line, number, "{text}: {what}");
            assert!(what.contains(part), "{text}: {what}");
        }
    }

    #[test]
    fn an_error_shows_no_password() {
        let user = "[[user]]\nuri = \"a@b\"\n";
        for secret in [
            "password = \"hunter2\"\npassword = \"hunter2\"",
            "password = \"hunter2\" x",
            "password = \"hunter2",
            "password = hunter2",
            "password = 20261130",
            "password = [\"hunter2\"]",
            "pasword = \"hunter2\"",
            "password = \"\"",
        ] {
            let (_, what) = mistake(&format!("{user}{secret}\n"));
            assert!(
                !what.contains("hunter2") && !what.contains("20261130"),
                "{secret}: {what}"
            );
        }
    }
}
