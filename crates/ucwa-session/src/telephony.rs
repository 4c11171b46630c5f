//! The user's phones, how calls are forwarded, and photos.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

/// One of the user's phones (`phone_ref`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserPhone {
    /// `work`, `mobile`, `home` or `other`.
    pub kind: &'static str,
    /// The number, usually a `tel:` URI. Empty if there is none.
    pub number: String,
    /// Whether others can see the number.
    pub in_contact_card: bool,
}

impl UserPhone {
    /// A phone of this kind.
    pub fn new(kind: &'static str, number: impl Into<String>, in_contact_card: bool) -> Self {
        Self {
            kind,
            number: number.into(),
            in_contact_card,
        }
    }
}

/// How calls are forwarded (`CallForwardingState_ref`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallForwardingMode {
    /// Calls are not forwarded.
    #[default]
    None,
    /// Calls are forwarded at once.
    Immediate,
    /// Calls also ring elsewhere.
    SimultaneousRing,
}

/// Where calls are forwarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallForwardingTarget {
    /// Nowhere.
    #[default]
    None,
    /// To a contact or number.
    Contact,
    /// To the user's delegates.
    Delegates,
    /// To the user's team.
    Team,
    /// To voicemail.
    Voicemail,
}

/// How the user's calls are forwarded (`callForwardingSettings_ref`). The default forwards none; set the fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallForwarding {
    /// How calls are forwarded.
    pub mode: CallForwardingMode,
    /// Calls are forwarded in the user's working hours only.
    pub work_hours_only: bool,
    /// The target of calls that are forwarded at once.
    pub immediate: CallForwardingTarget,
    /// The target that rings too.
    pub simultaneous: CallForwardingTarget,
    /// The target of unanswered calls; `None` if they are not forwarded.
    pub unanswered: CallForwardingTarget,
    /// How long an unanswered call rings, 5 s to 60 s.
    pub ring_delay: Option<Duration>,
}

/// A photo.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Photo {
    /// The media type, usually `image/jpeg`.
    pub media_type: String,
    /// The image.
    pub image: Bytes,
    /// The version, for a later read.
    pub etag: Option<String>,
}

impl Photo {
    /// A photo.
    pub fn new(media_type: impl Into<String>, image: Bytes, etag: Option<String>) -> Self {
        Self {
            media_type: media_type.into(),
            image,
            etag,
        }
    }
}

impl fmt::Debug for Photo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A photo shows a person.
        write!(f, "Photo({}, {} bytes)", self.media_type, self.image.len())
    }
}

/// The result of a read of a photo.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PhotoResult {
    /// The photo.
    Found(Photo),
    /// The photo has the version that the caller has.
    NotModified,
    /// The person has no photo, or photos are not available.
    None,
}
