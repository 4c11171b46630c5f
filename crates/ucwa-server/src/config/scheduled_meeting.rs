//! Meetings that users have scheduled.

use ucwa_proto::SipUri;

/// A meeting in the calendar of its organizer (`myOnlineMeeting_ref`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScheduledMeeting {
    /// The subject.
    pub subject: String,
    /// What the meeting is about.
    pub description: Option<String>,
    /// Those who lead the meeting besides its organizer.
    pub leaders: Vec<SipUri>,
    /// The others who are invited.
    pub attendees: Vec<SipUri>,
}

impl ScheduledMeeting {
    /// A meeting without invited people.
    pub fn new(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            description: None,
            leaders: Vec::new(),
            attendees: Vec::new(),
        }
    }
}
