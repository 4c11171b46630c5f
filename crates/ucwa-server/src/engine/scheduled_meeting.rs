//! Scheduled meetings (`myOnlineMeetings_ref`, `myOnlineMeeting_ref`). The configuration schedules them.

use ucwa_proto::Resource;

use super::Engine;
use super::identifiers::{ApplicationId, Identifiers, MeetingId};
use super::meeting::Meeting;
use super::reply::Refusal;
use super::routes;
use super::table::Table;
use crate::config::{ScheduledMeeting, ServerConfig, address};

/// A scheduled meeting and its organizer. Users can join it by its URI at any time.
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

    /// The conference of this meeting, before a participant has joined.
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

/// The scheduled meetings of all users.
#[derive(Debug, Default)]
pub(super) struct Calendar {
    by_id: Table<MeetingId, CalendarEntry>,
    /// The meetings of each organizer, by the organizer's address, in the order of the configuration.
    of_organizer: Table<String, Vec<MeetingId>>,
}

impl Calendar {
    pub(super) fn new(config: &ServerConfig, identifiers: &mut Identifiers) -> Self {
        let mut calendar = Self::default();
        for user in &config.users {
            for meeting in &user.meetings {
                let id = identifiers.scheduled_meeting();
                let organizer = user.address();
                let ids = calendar.of_organizer.get_or_default(organizer.clone());
                ids.push(id);
                let meeting = meeting.clone();
                let entry = CalendarEntry { organizer, meeting };
                calendar.by_id.insert(id, entry);
            }
        }
        calendar
    }

    pub(super) fn visited(&self) -> u64 {
        self.by_id.visited() + self.of_organizer.visited()
    }

    pub(super) fn get(&self, id: MeetingId) -> Option<&CalendarEntry> {
        self.by_id.get(&id)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (MeetingId, &CalendarEntry)> {
        self.by_id.iter().map(|(id, entry)| (*id, entry))
    }

    /// The meetings that the user with this address has scheduled.
    fn of(&self, organizer: &str) -> impl Iterator<Item = (MeetingId, &CalendarEntry)> {
        let ids = self.of_organizer.get(organizer).into_iter().flatten();
        ids.filter_map(|id| Some((*id, self.by_id.get(id)?)))
    }
}

impl Engine {
    /// GET myOnlineMeetings: the meetings of which the user is the organizer.
    pub(super) fn my_online_meetings_resource(
        &self,
        id: ApplicationId,
    ) -> Result<Resource<'static>, Refusal> {
        let user = &self.application(id)?.address;
        self.refuse_guest(user)?;
        let own = self.calendar.of(user);
        let meetings = own.map(|(meeting, entry)| resource(id, meeting, entry));
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
        match self.calendar.get(meeting) {
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
