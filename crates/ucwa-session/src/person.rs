//! What is known of people, what can be asked of it, and what the user can change of himself.

use std::fmt;
use std::time::{Duration, SystemTime};

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
    /// Where the picture is.
    AvatarUrl,
    /// The phone numbers.
    PhoneNumbers,
    /// The mail addresses.
    Emails,
    /// The availability.
    Status,
    /// What the person is doing, in words.
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
}

/// How much somebody wants to know of a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interest {
    /// Nobody does.
    #[default]
    None,
    /// It is to be fetched this often, and at least a second apart.
    Every(Duration),
    /// Each change is to be told. The contact card cannot be followed like this; for it the interest has no effect.
    Live,
}

/// What became known of a person. `None` and empty mean that there is none.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PersonFact {
    /// The name to show; never empty.
    DisplayName(String),
    /// The title.
    Title(Option<String>),
    /// The office.
    Office(Option<String>),
    /// The department.
    Department(Option<String>),
    /// The company.
    Company(Option<String>),
    /// Where the picture is; it takes a token of the server to read it.
    AvatarUrl(Option<String>),
    /// The phone numbers.
    PhoneNumbers(Vec<PhoneNumber>),
    /// The mail addresses.
    Emails(Vec<String>),
    /// The availability.
    Status(PersonStatus),
    /// What the person is doing: words in the application's culture, or one of the well-known ones that
    /// `contactPresence_ref` lists, such as `in-a-meeting`.
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
}

/// A person's availability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PersonStatus {
    /// Here.
    Online,
    /// Not signed in.
    Offline,
    /// Signed in without showing it; the server never tells of it.
    Hidden,
    /// Busy, at the device or not.
    Busy,
    /// Here, but not at the device.
    Idle,
    /// Will be right back.
    BeRightBack,
    /// Away.
    Away,
    /// Wants no interruptions.
    DoNotDisturb,
    /// Not known.
    Unknown,
}

/// The kind of device that a person is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndpointType {
    /// A computer.
    Desktop,
    /// A phone or tablet.
    Mobile,
    /// A browser.
    Web,
    /// Not known.
    Unknown,
}

/// A note that a person shows to others.
#[derive(Clone, PartialEq, Eq)]
pub struct Note {
    /// What kind.
    pub kind: NoteKind,
    /// What it says.
    pub text: String,
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What people write is not for logs.
        write!(f, "Note({:?}, {} bytes)", self.kind, self.text.len())
    }
}

/// What kind of note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoteKind {
    /// Written by the person.
    Personal,
    /// Taken from the calendar.
    OutOfOffice,
}

/// A phone number of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneNumber {
    /// `work`, `mobile`, `home` or `other`.
    pub kind: &'static str,
    /// The number as the server writes it, most often a `tel:` URI.
    pub number: String,
}

/// Which modalities a person supports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Chat.
    pub chat: bool,
    /// Audio, over the network or over a telephone.
    pub audio: bool,
    /// Video.
    pub video: bool,
}

/// What the user changes of himself.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MeChange {
    /// Show this availability: Online, Busy, DoNotDisturb, BeRightBack or Away; the server takes no other
    /// (`PreferredAvailability_ref`).
    Status(PersonStatus),
    /// Show this note, of at most 500 UTF-16 code units.
    Note(String),
    /// Show this location, of at most 60 UTF-16 code units (`location_ref`).
    Location(String),
    /// Let the server find the availability.
    ResetStatus,
    /// Show no note of one's own.
    ResetNote,
    /// Show no location.
    ResetLocation,
}

impl fmt::Debug for MeChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "Status({status:?})"),
            // What people write is not for logs.
            Self::Note(text) => write!(f, "Note({} bytes)", text.len()),
            Self::Location(text) => write!(f, "Location({} bytes)", text.len()),
            Self::ResetStatus => f.write_str("ResetStatus"),
            Self::ResetNote => f.write_str("ResetNote"),
            Self::ResetLocation => f.write_str("ResetLocation"),
        }
    }
}

/// Somebody whom a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundPerson {
    /// The address.
    pub uri: String,
    /// What the contact card says.
    pub facts: Vec<PersonFact>,
}
