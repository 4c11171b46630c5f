//! The photo of a user, and how their calls are forwarded.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use ucwa_proto::SipUri;

/// A photo that the server serves (`contactPhoto_ref`).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Photo {
    /// The media type; `image/jpeg` on real servers.
    pub media_type: String,
    /// The image. The server serves it in this one size.
    pub image: Bytes,
}

impl Photo {
    /// A photo.
    pub fn new(media_type: impl Into<String>, image: impl Into<Bytes>) -> Self {
        Self {
            media_type: media_type.into(),
            image: image.into(),
        }
    }
}

/// Shows the length of the image only.
impl fmt::Debug for Photo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Photo({}, {} bytes)", self.media_type, self.image.len())
    }
}

/// How the calls of a user are forwarded (`callForwardingSettings_ref`). The server shows it; it forwards no calls.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallForwarding {
    /// Where calls are forwarded at once.
    pub immediate: Option<ForwardingTarget>,
    /// What also rings, if calls are not forwarded at once.
    pub simultaneous: Option<ForwardingTarget>,
    /// Where calls are forwarded that nobody answers.
    pub unanswered: Option<ForwardingTarget>,
    /// How long an unanswered call rings, 5 s to 60 s.
    pub ring_delay: Duration,
    /// Calls are forwarded in the user's working hours only.
    pub work_hours_only: bool,
}

/// Calls are not forwarded, and ring for 20 s.
impl Default for CallForwarding {
    fn default() -> Self {
        Self {
            immediate: None,
            simultaneous: None,
            unanswered: None,
            ring_delay: Duration::from_secs(20),
            work_hours_only: false,
        }
    }
}

/// Where calls are forwarded (`CallForwardingTarget_ref`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardingTarget {
    /// To another user.
    Contact(SipUri),
    /// To the user's delegates.
    Delegates,
    /// To the user's team.
    Team,
    /// To voice mail.
    Voicemail,
}
