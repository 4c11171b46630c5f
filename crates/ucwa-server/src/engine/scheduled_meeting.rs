//! The meetings that users have scheduled (`myOnlineMeetings_ref`, `myOnlineMeeting_ref`). They come from the configuration.

use std::collections::BTreeMap;

use ucwa_proto::Resource;

use super::Engine;
use super::identifiers::{ApplicationId, Identifiers, MeetingId};
use super::meeting::Meeting;
use super::reply::Refusal;
use super::routes;
use crate::config::{ScheduledMeeting, ServerConfig, address};

/// A meeting in a calendar. It can be joined by its URI at any time.
#[derive(Debug)]
pub(super) struct CalendarEntry {
    /// The address of the organizer.
    organizer: String,
    meeting: ScheduledMeeting,
}

impl CalendarEntry {
    pub(super) fn subject(&self) -> &str {
        &self.meeting.subject
    }

    /// The meeting before the first participant has joined it.
    pub(super) fn meeting(&self, id: MeetingId) -> Meeting {
        let meeting = &self.meeting;
        let invited = meeting.leaders.iter().chain(&meeting.attendees);
        Meeting {
            leaders: meeting.leaders.iter().map(address).collect(),
            invited: invited.map(address).collect(),
            ..Meeting::new(id, &self.organizer)
        }
    }
}

/// The meetings that all users have scheduled.
pub(super) fn calendar(
    config: &ServerConfig,
    identifiers: &mut Identifiers,
) -> BTreeMap<MeetingId, CalendarEntry> {
    let users = config.users.iter();
    let entries = users.flat_map(|user| {
        user.meetings.iter().map(|meeting| CalendarEntry {
            organizer: user.address(),
            meeting: meeting.clone(),
        })
    });
    entries
        .map(|entry| (identifiers.scheduled_meeting(), entry))
        .collect()
}

impl Engine {
    /// GET myOnlineMeetings: the meetings that the user has scheduled.
    pub(super) fn my_online_meetings_resource(
        &self,
        id: ApplicationId,
    ) -> Result<Resource<'static>, Refusal> {
        let user = &self.application(id)?.address;
        self.refuse_guest(user)?;
        let own = self.calendar.iter();
        let own = own.filter(|(_, entry)| entry.organizer == *user);
        let meetings = own.map(|(meeting, entry)| resource(id, *meeting, entry));
        Ok(Resource::new("myOnlineMeetings")
            .with_href(routes::my_online_meetings(id))
            .with_embedded_many("myOnlineMeeting", meetings.collect::<Vec<_>>()))
    }

    /// GET myOnlineMeeting.
    pub(super) fn my_online_meeting_resource(
        &self,
        id: ApplicationId,
        meeting: MeetingId,
    ) -> Result<Resource<'static>, Refusal> {
        let user = &self.application(id)?.address;
        match self.calendar.get(&meeting) {
            Some(entry) if entry.organizer == *user => Ok(resource(id, meeting, entry)),
            _ => Err(Refusal::NOT_FOUND),
        }
    }
}

fn resource(id: ApplicationId, number: MeetingId, entry: &CalendarEntry) -> Resource<'static> {
    let meeting = &entry.meeting;
    let uris = |uris: &[ucwa_proto::SipUri]| -> Vec<String> {
        uris.iter()
            .map(|uri| format!("sip:{}", address(uri)))
            .collect()
    };
    let resource = Resource::new("myOnlineMeeting")
        .with_href(routes::my_online_meeting(id, number))
        .with_property("accessLevel", "SameEnterprise")
        .with_property("attendees", uris(&meeting.attendees))
        .with_property("automaticLeaderAssignment", "Disabled")
        .with_property("leaders", uris(&meeting.leaders))
        .with_property("onlineMeetingId", number.to_string())
        .with_property("onlineMeetingRel", "myOnlineMeetings")
        .with_property("onlineMeetingUri", entry.meeting(number).uri)
        .with_property("organizerUri", format!("sip:{}", entry.organizer))
        .with_property("subject", meeting.subject.clone());
    match &meeting.description {
        Some(description) => resource.with_property("description", description.clone()),
        None => resource,
    }
}
