//! Scheduled meetings.

use ucwa_proto::SipUri;

/// A meeting in the calendar of its organizer (`myOnlineMeeting_ref`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScheduledMeeting {
    /// The subject.
    pub subject: String,
    /// The description.
    pub description: Option<String>,
    /// The leaders besides the organizer.
    pub leaders: Vec<SipUri>,
    /// The other invited users.
    pub attendees: Vec<SipUri>,
}

impl ScheduledMeeting {
    /// A meeting without invited users.
    pub fn new(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            description: None,
            leaders: Vec::new(),
            attendees: Vec::new(),
        }
    }
}
