//! Facts about people, interest in them, and changes that a user makes to their own presence.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::contact_list::PrivacyLevel;

/// A field of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PersonField {
    /// The title.
    Title,
    /// The office.
    Office,
    /// The department.
    Department,
    /// The company.
    Company,
    /// The address of the picture.
    AvatarUrl,
    /// The phone numbers.
    PhoneNumbers,
    /// The mail addresses.
    Emails,
    /// The type of the person.
    PersonType,
    /// The availability.
    Status,
    /// The activity, in words.
    Activity,
    /// When the person last used a device.
    LastSeenAt,
    /// The kind of device.
    EndpointType,
    /// The note.
    Note,
    /// The location.
    Location,
    /// The modalities that the person supports.
    Capabilities,
    /// The level of the user's data that the person may see.
    RelationshipLevel,
}

/// How often a field of a person or a list of contacts is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Interest {
    /// Never.
    #[default]
    None,
    /// At this interval, and at least one second apart.
    Every(Duration),
    /// With every change. The contact card cannot be followed; for its fields this interest has no effect.
    Live,
}

/// A fact about a person. `None` and empty values mean that the person has none.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum PersonFact {
    /// The display name; never empty.
    DisplayName(String),
    /// The title.
    Title(Option<String>),
    /// The office.
    Office(Option<String>),
    /// The department.
    Department(Option<String>),
    /// The company.
    Company(Option<String>),
    /// The address of the picture. Reading it takes a token of the server.
    AvatarUrl(Option<String>),
    /// The phone numbers.
    PhoneNumbers(Vec<PhoneNumber>),
    /// The mail addresses.
    Emails(Vec<String>),
    /// The type of the person.
    PersonType(PersonType),
    /// The availability.
    Status(PersonStatus),
    /// The activity: words in the application's culture, or one of the well-known tokens of `contactPresence_ref`, such
    /// as `in-a-meeting`.
    Activity(Option<String>),
    /// When the person last used a device.
    LastSeenAt(Option<SystemTime>),
    /// The kind of device.
    EndpointType(EndpointType),
    /// The note.
    Note(Option<Note>),
    /// The location.
    Location(Option<String>),
    /// The modalities that the person supports.
    Capabilities(Capabilities),
    /// The level of the user's data that the person may see; `None` if it is unknown.
    RelationshipLevel(Option<PrivacyLevel>),
}

impl fmt::Debug for PersonFact {
    /// Shows the length of a location instead of its text, which the user wrote.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown =
            |name: &str, value: &dyn fmt::Debug| f.debug_tuple(name).field(value).finish();
        match self {
            Self::Location(None) => shown("Location", &None::<String>),
            Self::Location(Some(text)) => write!(f, "Location({} bytes)", text.len()),
            Self::DisplayName(value) => shown("DisplayName", value),
            Self::Title(value) => shown("Title", value),
            Self::Office(value) => shown("Office", value),
            Self::Department(value) => shown("Department", value),
            Self::Company(value) => shown("Company", value),
            Self::AvatarUrl(value) => shown("AvatarUrl", value),
            Self::PhoneNumbers(value) => shown("PhoneNumbers", value),
            Self::Emails(value) => shown("Emails", value),
            Self::PersonType(value) => shown("PersonType", value),
            Self::Status(value) => shown("Status", value),
            Self::Activity(value) => shown("Activity", value),
            Self::LastSeenAt(value) => shown("LastSeenAt", value),
            Self::EndpointType(value) => shown("EndpointType", value),
            Self::Note(value) => shown("Note", value),
            Self::Capabilities(value) => shown("Capabilities", value),
            Self::RelationshipLevel(value) => shown("RelationshipLevel", value),
        }
    }
}

/// A person's availability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PersonStatus {
    /// Available.
    Online,
    /// Not signed in.
    Offline,
    /// Signed in, but shown as offline. The server never reports it.
    Hidden,
    /// Busy, active at the device or not.
    Busy,
    /// Available, but not active at the device.
    Idle,
    /// Will be right back.
    BeRightBack,
    /// Away.
    Away,
    /// Do not disturb.
    DoNotDisturb,
    /// Unknown.
    Unknown,
}

/// The type of a person (`ContactType_ref`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PersonType {
    /// A user.
    User,
    /// A phone: the address may have the parameter `user=phone`.
    Phone,
    /// A program (`Bot` and `ReplayBot`).
    Bot,
    /// Unknown.
    Unknown,
}

/// The kind of device that a person uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndpointType {
    /// A computer.
    Desktop,
    /// A phone or tablet.
    Mobile,
    /// A browser.
    Web,
    /// Unknown.
    Unknown,
}

/// A note of a person.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// The kind.
    pub kind: NoteKind,
    /// The text.
    pub text: String,
}

impl Note {
    /// A note of this kind.
    pub fn new(kind: NoteKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
        }
    }
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Notes must not appear in logs.
        write!(f, "Note({:?}, {} bytes)", self.kind, self.text.len())
    }
}

/// The kind of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoteKind {
    /// Written by the person.
    Personal,
    /// Taken from the calendar.
    OutOfOffice,
}

/// A phone number of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhoneNumber {
    /// `work`, `mobile`, `home` or `other`.
    pub kind: &'static str,
    /// The number as the server writes it, usually a `tel:` URI.
    pub number: String,
}

impl PhoneNumber {
    /// A number of this kind.
    pub fn new(kind: &'static str, number: impl Into<String>) -> Self {
        Self {
            kind,
            number: number.into(),
        }
    }
}

/// The modalities that a person supports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Chat.
    pub chat: bool,
    /// Audio, over the network or over a telephone.
    pub audio: bool,
    /// Video.
    pub video: bool,
}

/// A change to the user's own presence.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MeChange {
    /// Sets the availability: Online, Busy, DoNotDisturb, BeRightBack or Away (`PreferredAvailability_ref`).
    Status(PersonStatus),
    /// Sets the note, at most 500 UTF-16 code units.
    Note(String),
    /// Sets the location, at most 60 UTF-16 code units (`location_ref`).
    Location(String),
    /// Lets the server determine the availability.
    ResetStatus,
    /// Removes the user's own note.
    ResetNote,
    /// Removes the location.
    ResetLocation,
}

impl fmt::Debug for MeChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "Status({status:?})"),
            // Notes and locations must not appear in logs.
            Self::Note(text) => write!(f, "Note({} bytes)", text.len()),
            Self::Location(text) => write!(f, "Location({} bytes)", text.len()),
            Self::ResetStatus => f.write_str("ResetStatus"),
            Self::ResetNote => f.write_str("ResetNote"),
            Self::ResetLocation => f.write_str("ResetLocation"),
        }
    }
}

/// A person in the result of a search.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FoundPerson {
    /// The address.
    pub uri: String,
    /// The facts of the contact card.
    pub facts: Vec<PersonFact>,
}
