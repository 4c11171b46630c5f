//! The photo and the call forwarding settings of a user.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use ucwa_proto::SipUri;

/// A photo that the server serves (`contactPhoto_ref`).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Photo {
    /// The media type. Real servers use `image/jpeg`.
    pub media_type: String,
    /// The image. The server does not scale it.
    pub image: Bytes,
}

impl Photo {
    /// A photo of this media type.
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

/// The call forwarding settings of a user (`callForwardingSettings_ref`). Clients can read them. The server forwards no calls.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallForwarding {
    /// The target to which all calls are forwarded at once.
    pub immediate: Option<ForwardingTarget>,
    /// The target that rings at the same time as the user's phone, if calls are not forwarded at once.
    pub simultaneous: Option<ForwardingTarget>,
    /// The target to which unanswered calls are forwarded.
    pub unanswered: Option<ForwardingTarget>,
    /// The time after which a call counts as unanswered: 5 s to 60 s.
    pub ring_delay: Duration,
    /// Whether calls are forwarded only in the user's working hours.
    pub work_hours_only: bool,
}

/// Calls are not forwarded, and count as unanswered after 20 s.
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

/// The target of a forwarded call (`CallForwardingTarget_ref`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardingTarget {
    /// Another user.
    Contact(SipUri),
    /// The user's delegates.
    Delegates,
    /// The user's team.
    Team,
    /// Voice mail.
    Voicemail,
}
