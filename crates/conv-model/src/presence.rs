//! The values of a person: the presence, and parts of the contact card.

use std::fmt;

/// The presence of a person (`Person.status` of the Web SDK).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PersonStatus {
    /// Available.
    Online,
    /// Not signed in.
    Offline,
    /// Signed in, but shown to others as offline.
    Hidden,
    /// Busy.
    Busy,
    /// Available, but inactive for a while.
    Idle,
    /// Will be right back.
    BeRightBack,
    /// Away.
    Away,
    /// Wants no interruptions.
    DoNotDisturb,
    /// Not known.
    #[default]
    Unknown,
}

/// The type of a person (`Person.type` of the Web SDK).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PersonType {
    /// A user.
    User,
    /// A phone.
    Phone,
    /// A program.
    Bot,
    /// Not known.
    #[default]
    Unknown,
}

/// The kind of device that a person uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EndpointType {
    /// A computer.
    Desktop,
    /// A phone or a tablet.
    Mobile,
    /// A browser.
    Web,
    /// Not known.
    #[default]
    Unknown,
}

/// A note that a person publishes. Debug output does not show the text.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Note {
    /// The kind of note.
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

    /// A note that the person writes.
    pub fn personal(text: impl Into<String>) -> Self {
        Self::new(NoteKind::Personal, text)
    }
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Note({:?}, {} bytes)", self.kind, self.text.len())
    }
}

/// The kind of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NoteKind {
    /// Written by the person.
    Personal,
    /// Taken from the calendar of a person who is out of the office.
    OutOfOffice,
}

/// A phone number of a person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PhoneNumber {
    /// The kind of number, such as work, mobile or home, in the protocol's words.
    pub kind: String,
    /// The number.
    pub number: String,
}

impl PhoneNumber {
    /// A number of this kind.
    pub fn new(kind: impl Into<String>, number: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            number: number.into(),
        }
    }
}

/// The modalities that a person can use. The default has none; set the fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Capabilities {
    /// Chat.
    pub chat: bool,
    /// Audio.
    pub audio: bool,
    /// Video.
    pub video: bool,
}
