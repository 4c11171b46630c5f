//! The tables `[[user]]` and `[[distribution_group]]` of the file: accounts with their contacts, and distribution groups.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Deserializer, de::Error as _};
use toml::Spanned;
use ucwa_server::{
    CallForwarding, DistributionGroup, ForwardingTarget, Photo, ScheduledMeeting, SipUri, User,
};

use super::Mistake;
use crate::password;

/// `[[user]]`: an account with its contact card and contact list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    pub(super) uri: Spanned<String>,
    name: Option<String>,
    password: Option<Password>,
    /// Relative to the file.
    password_file: Option<Spanned<PathBuf>>,
    pool: Option<Spanned<String>>,
    title: Option<String>,
    department: Option<String>,
    company: Option<String>,
    office: Option<String>,
    work_phone: Option<String>,
    mobile_phone: Option<String>,
    home_phone: Option<String>,
    other_phone: Option<String>,
    photo: Option<String>,
    /// Relative to the file.
    photo_file: Option<Spanned<PathBuf>>,
    manager: Option<Spanned<String>>,
    #[serde(default)]
    contacts: Vec<Spanned<String>>,
    #[serde(default)]
    favorites: Vec<Spanned<String>>,
    #[serde(default)]
    groups: BTreeMap<String, Vec<Spanned<String>>>,
    #[serde(default)]
    distribution_groups: Vec<Spanned<String>>,
    #[serde(default)]
    delegates: Vec<Spanned<String>>,
    call_forwarding: Option<Forwarding>,
    #[serde(default, rename = "meeting")]
    meetings: Vec<Meeting>,
}

/// A password. The errors of its type do not show it.
struct Password(String);

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(from) {
            Ok(toml::Value::String(text)) if !text.is_empty() => Ok(Self(text)),
            _ => Err(D::Error::custom(
                "a password is a string between quotes, and not empty",
            )),
        }
    }
}

/// `call_forwarding` of a user with enterprise voice. A target is `voicemail`, `delegates`, `team` or the URI of a user.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Forwarding {
    immediate: Option<Spanned<String>>,
    simultaneous: Option<Spanned<String>>,
    unanswered: Option<Spanned<String>>,
    /// In seconds.
    ring_delay: Option<Spanned<u64>>,
    #[serde(default)]
    work_hours_only: bool,
}

/// `[[user.meeting]]`: a scheduled meeting.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Meeting {
    subject: String,
    description: Option<String>,
    #[serde(default)]
    leaders: Vec<Spanned<String>>,
    #[serde(default)]
    attendees: Vec<Spanned<String>>,
}

/// `[[distribution_group]]`: a distribution group of the organization.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) uri: Spanned<String>,
    name: String,
    #[serde(default)]
    members: Vec<Spanned<String>>,
}

/// The addresses of the users and of the distribution groups in the file, in lower case.
pub(super) struct Directory {
    users: BTreeSet<String>,
    groups: BTreeSet<String>,
}

impl Directory {
    pub(super) fn new<'a>(
        users: impl Iterator<Item = &'a Person>,
        groups: impl Iterator<Item = &'a Group>,
    ) -> Self {
        let address = |uri: &Spanned<String>| bare(uri.get_ref()).to_ascii_lowercase();
        Self {
            users: users.map(|user| address(&user.uri)).collect(),
            groups: groups.map(|group| address(&group.uri)).collect(),
        }
    }

    /// The URI of a user of the file.
    pub(super) fn user(&self, uri: &Spanned<String>) -> Result<SipUri, Mistake> {
        find(uri, &[&self.users], "user")
    }

    /// The URIs of users of the file.
    fn users(&self, uris: &[Spanned<String>]) -> Result<Vec<SipUri>, Mistake> {
        let uris = uris.iter();
        uris.map(|uri| self.user(uri)).collect()
    }

    /// The URIs of distribution groups of the file.
    fn groups(&self, uris: &[Spanned<String>]) -> Result<Vec<SipUri>, Mistake> {
        let uris = uris.iter();
        uris.map(|uri| find(uri, &[&self.groups], "distribution group"))
            .collect()
    }
}

fn find(uri: &Spanned<String>, among: &[&BTreeSet<String>], what: &str) -> Result<SipUri, Mistake> {
    let text = uri.get_ref();
    let parsed =
        SipUri::parse(text).map_err(|error| Mistake::new(uri.span(), error.to_string()))?;
    let address = bare(text).to_ascii_lowercase();
    match among.iter().any(|known| known.contains(&address)) {
        true => Ok(parsed),
        false => Err(Mistake::new(
            uri.span(),
            format!("the file has no {what} {text}"),
        )),
    }
}

fn bare(uri: &str) -> &str {
    uri.strip_prefix("sip:").unwrap_or(uri)
}

impl Person {
    pub(super) fn has_password(&self) -> bool {
        self.password.is_some()
    }

    pub(super) fn user(
        self,
        at: Range<usize>,
        pools: &BTreeMap<&str, String>,
        directory: &Directory,
        folder: &Path,
    ) -> Result<User, Mistake> {
        let password = match (self.password, self.password_file) {
            (Some(password), None) => password.0,
            (None, Some(file)) => password::read_file(&folder.join(file.get_ref()))
                .map_err(|why| Mistake::new(file.span(), why))?,
            _ => {
                let what = "a user has either a password or a password_file";
                return Err(Mistake::new(at, what));
            }
        };
        let uri = self.uri.get_ref();
        let name = self
            .name
            .unwrap_or_else(|| bare(uri).split('@').next().unwrap_or_default().to_owned());
        let mut user = User::new(uri, name, password)
            .map_err(|error| Mistake::new(self.uri.span(), error.to_string()))?;
        if let Some(pool) = self.pool {
            let Some(origin) = pools.get(pool.get_ref().as_str()) else {
                let what = format!("the table [pools] has no {:?}", pool.get_ref());
                return Err(Mistake::new(pool.span(), what));
            };
            user.home = Some(origin.clone());
        }
        user.card.title = self.title;
        user.card.department = self.department;
        user.card.company = self.company;
        user.card.office = self.office;
        user.card.work_phone = self.work_phone;
        user.card.mobile_phone = self.mobile_phone;
        user.card.home_phone = self.home_phone;
        user.card.other_phone = self.other_phone;
        user.card.photo = self.photo;
        if let Some(file) = self.photo_file {
            user.photo = Some(photo(&file, folder)?);
        }
        if let Some(manager) = self.manager {
            user.manager = Some(directory.user(&manager)?);
        }
        user.contacts.contacts = directory.users(&self.contacts)?;
        user.contacts.favorites = directory.users(&self.favorites)?;
        user.contacts.delegates = directory.users(&self.delegates)?;
        user.contacts.distribution_groups = directory.groups(&self.distribution_groups)?;
        for (name, members) in self.groups {
            let members = directory.users(&members)?;
            user.contacts.groups.push((name, members));
        }
        if let Some(forwarding) = self.call_forwarding {
            user.enterprise_voice = Some(forwarding.read(directory)?);
        }
        for meeting in self.meetings {
            user.meetings.push(meeting.read(directory)?);
        }
        Ok(user)
    }
}

/// Reads a photo from a file. The extension of the file name determines the media type.
fn photo(file: &Spanned<PathBuf>, folder: &Path) -> Result<Photo, Mistake> {
    let path = folder.join(file.get_ref());
    let extension = path.extension().and_then(|extension| extension.to_str());
    let media_type = match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        _ => {
            let what = "a photo is a file whose name ends with .jpg, .jpeg or .png";
            return Err(Mistake::new(file.span(), what));
        }
    };
    let image = fs::read(&path).map_err(|error| {
        let what = format!("cannot read {}: {error}", path.display());
        Mistake::new(file.span(), what)
    })?;
    Ok(Photo::new(media_type, image))
}

impl Forwarding {
    fn read(self, directory: &Directory) -> Result<CallForwarding, Mistake> {
        let target = |text: Option<Spanned<String>>, allowed: &[&str]| {
            let Some(text) = text else {
                return Ok(None);
            };
            let word = text.get_ref().as_str();
            let target = match word {
                "delegates" => ForwardingTarget::Delegates,
                "team" => ForwardingTarget::Team,
                "voicemail" => ForwardingTarget::Voicemail,
                _ => ForwardingTarget::Contact(directory.user(&text)?),
            };
            let is_contact = matches!(target, ForwardingTarget::Contact(_));
            if !is_contact && !allowed.contains(&word) {
                let what = format!("calls are forwarded to a user or to {}", allowed.join(", "));
                return Err(Mistake::new(text.span(), what));
            }
            Ok(Some(target))
        };
        let mut settings = CallForwarding::default();
        settings.immediate = target(self.immediate, &["delegates", "voicemail"])?;
        settings.simultaneous = target(self.simultaneous, &["delegates", "team"])?;
        settings.unanswered = target(self.unanswered, &["voicemail"])?;
        settings.work_hours_only = self.work_hours_only;
        if let Some(seconds) = self.ring_delay {
            if !(5..=60).contains(seconds.get_ref()) {
                let what = "ring_delay is between 5 and 60 seconds";
                return Err(Mistake::new(seconds.span(), what));
            }
            settings.ring_delay = Duration::from_secs(*seconds.get_ref());
        }
        Ok(settings)
    }
}

impl Meeting {
    fn read(self, directory: &Directory) -> Result<ScheduledMeeting, Mistake> {
        let mut meeting = ScheduledMeeting::new(self.subject);
        meeting.description = self.description;
        meeting.leaders = directory.users(&self.leaders)?;
        meeting.attendees = directory.users(&self.attendees)?;
        Ok(meeting)
    }
}

impl Group {
    pub(super) fn read(self, directory: &Directory) -> Result<DistributionGroup, Mistake> {
        let mut group = DistributionGroup::new(self.uri.get_ref(), self.name)
            .map_err(|error| Mistake::new(self.uri.span(), error.to_string()))?;
        let known = [&directory.users, &directory.groups];
        let members = self.members.iter();
        group.members = members
            .map(|uri| find(uri, &known, "user or distribution group"))
            .collect::<Result<_, _>>()?;
        Ok(group)
    }
}
