//! The operations of leaders on participants of a conference (`promote_ref`, `demote_ref`, `admit_ref`, `reject_ref`,
//! `eject_ref`).

use ucwa_proto::EventKind;

use super::Engine;
use super::conversation::Reason;
use super::identifiers::{ApplicationId, ConversationId};
use super::meeting::View;
use super::reply::{Refusal, Reply};
use super::routes;

/// An operation of a leader on a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Promote,
    Demote,
    Admit,
    Reject,
    Eject,
}

const EJECTED: Reason = Reason {
    code: "RemoteFailure",
    subcode: "Ejected",
    message: "A leader has ejected the participant.",
};

const DENIED: Reason = Reason {
    code: "RemoteFailure",
    subcode: "Denied",
    message: "A leader has turned the participant away from the lobby.",
};

impl Measure {
    pub(super) fn rel(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Demote => "demote",
            Self::Admit => "admit",
            Self::Reject => "reject",
            Self::Eject => "eject",
        }
    }

    pub(super) fn href(
        self,
        application: ApplicationId,
        id: ConversationId,
        address: &str,
    ) -> String {
        match self {
            Self::Promote => routes::promote(application, id, address),
            Self::Demote => routes::demote(application, id, address),
            Self::Admit => routes::admit(application, id, address),
            Self::Reject => routes::reject(application, id, address),
            Self::Eject => routes::eject(application, id, address),
        }
    }
}

impl Engine {
    /// The operations that the user of this view is allowed on a participant: they are the links of the participant.
    pub(super) fn measures(&self, id: ConversationId, address: &str) -> Vec<Measure> {
        let Ok(conversation) = self.conversation(id) else {
            return Vec::new();
        };
        let Some(meeting) = self
            .meeting_of(conversation)
            .filter(|_| self.leads(conversation))
        else {
            return Vec::new();
        };
        if self.is_waiting(conversation, address) {
            vec![Measure::Admit, Measure::Reject]
        } else if !self.remotes(id).iter().any(|remote| remote == address) {
            Vec::new()
        } else if meeting.organizer == address {
            vec![Measure::Eject]
        } else if meeting.leaders.contains(address) {
            vec![Measure::Demote, Measure::Eject]
        } else {
            vec![Measure::Promote, Measure::Eject]
        }
    }

    /// POST to the link of an operation.
    pub(super) fn lead(
        &mut self,
        id: ConversationId,
        address: &str,
        measure: Measure,
    ) -> Result<Reply, Refusal> {
        if !self.leads(self.conversation(id)?) {
            return Err(Refusal::NOT_LEADING);
        }
        if !self.measures(id, address).contains(&measure) {
            return Err(Refusal::NOT_FOUND);
        }
        match measure {
            Measure::Promote => self.set_leader(id, address, true),
            Measure::Demote => self.set_leader(id, address, false),
            Measure::Admit => {
                for view in self.waiting_views(id, address) {
                    self.admit(view);
                }
            }
            Measure::Reject => {
                for view in self.waiting_views(id, address) {
                    self.leave_lobby(view, Some(DENIED));
                }
            }
            Measure::Eject => {
                let others = self.others(id).into_iter();
                for (view, _) in others.filter(|(_, other)| other == address) {
                    self.leave_meeting(view, Some(EJECTED));
                }
            }
        }
        Ok(Reply::Done)
    }

    /// Makes a participant a leader or an attendee, and reports that to all members. Participants whose links change are reported
    /// as
    /// updated: all others to the participant, and the participant to the leaders.
    fn set_leader(&mut self, id: ConversationId, address: &str, is_leader: bool) {
        let Some(meeting) = self
            .conversation(id)
            .ok()
            .and_then(|conversation| conversation.meeting)
            .and_then(|meeting| self.meetings.get_mut(&meeting))
        else {
            return;
        };
        let previous = if is_leader {
            meeting.leaders.insert(address.to_owned());
            View::Attendees
        } else {
            meeting.leaders.remove(address);
            View::Leaders
        };
        for view in meeting.members.clone() {
            self.report_in_view(view, address, previous, EventKind::Deleted);
            self.report_view(view, address);
            let Ok(conversation) = self.conversation(view) else {
                continue;
            };
            let changed = if conversation.local == address {
                let mut everybody = self.remotes(view);
                everybody.append(&mut self.waiting(conversation));
                everybody
            } else if self.leads(conversation) {
                vec![address.to_owned()]
            } else {
                Vec::new()
            };
            for participant in changed {
                self.report_participant(view, &participant, EventKind::Updated, None);
            }
        }
    }
}
