//! From a request's path to the place it means.

use http::Method;

use super::identifiers::{ApplicationId, ConversationId, InvitationId};
use super::leading::Measure;
use super::people::Facet;

/// What a path leads to, whatever the method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Root,
    User,
    Token,
    /// The page at which users sign in.
    Page,
    Applications,
    Application(ApplicationId, Place),
}

/// What a path below an application leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Application,
    Batch,
    Events,
    Policies,
    Me,
    MakeMeAvailable,
    ReportMyActivity,
    Presence,
    Note,
    Location,
    People,
    Search,
    SubscribedContacts,
    PresenceSubscriptions,
    PresenceSubscription(u64),
    Memberships(u64),
    Membership(u64, String),
    Contact(String),
    ContactFacet(String, Facet),
    OnlineMeetings,
    Communication,
    MissedItems,
    ConversationLogs,
    ConversationLog(usize),
    Transcripts(usize),
    MarkAsRead(usize),
    Conversations,
    Conversation(ConversationId),
    Participants(ConversationId),
    Participant(ConversationId, String),
    ParticipantMessaging(ConversationId, String),
    UserAcknowledged(ConversationId),
    Messaging(ConversationId),
    Terminate(ConversationId),
    Messages(ConversationId),
    Message(ConversationId, u64),
    Typing(ConversationId),
    TypingParticipants(ConversationId),
    MessagingInvitations,
    MessagingInvitation(InvitationId),
    Accept(InvitationId),
    Decline(InvitationId),
    ParticipantInvitations,
    OnlineMeetingInvitations,
    /// An invitation into a conference, of others or of this user.
    Call(InvitationId),
    AcceptCall(InvitationId),
    DeclineCall(InvitationId),
    CancelCall(InvitationId),
    OnlineMeeting(ConversationId),
    /// The leaders, the attendees, or the lobby.
    View(ConversationId, &'static str),
    /// What a leader does with a participant.
    Lead(ConversationId, String, Measure),
}

impl Route {
    /// The route of a path, without its query. Like IIS, it doesn't care about the case of letters; `%40` is as good as `@`.
    pub(super) fn of(path: &str) -> Option<Self> {
        let path = percent_encoding::percent_decode_str(path)
            .decode_utf8()
            .ok()?
            .to_lowercase();
        let segments: Vec<&str> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        match segments.as_slice() {
            [] | ["autodiscover", "autodiscoverservice.svc", "root"] => Some(Self::Root),
            [
                "autodiscover",
                "autodiscoverservice.svc",
                "root",
                "oauth",
                "user",
            ] => Some(Self::User),
            ["webticket", "oauthtoken"] => Some(Self::Token),
            ["passiveauth", "passiveauth.aspx"] => Some(Self::Page),
            ["ucwa", "oauth", "v1", "applications"] => Some(Self::Applications),
            ["ucwa", "oauth", "v1", "applications", id, below @ ..] => Some(Self::Application(
                ApplicationId::parse(id)?,
                Place::of(below)?,
            )),
            _ => None,
        }
    }
}

impl Route {
    /// The methods that the resource takes, as an `Allow` header lists them.
    pub(super) fn methods(&self) -> &'static str {
        match self {
            Self::Root | Self::User => "GET",
            Self::Token | Self::Applications => "POST",
            Self::Page => "GET, POST",
            Self::Application(_, place) => place.methods(),
        }
    }

    pub(super) fn allows(&self, method: &Method) -> bool {
        self.methods()
            .split(", ")
            .any(|allowed| allowed == method.as_str())
    }
}

impl Place {
    fn methods(&self) -> &'static str {
        match self {
            Self::Application | Self::Conversation(_) => "GET, DELETE",
            Self::Communication => "GET, PUT",
            Self::PresenceSubscription(_) => "GET, POST, DELETE",
            Self::Membership(..) => "DELETE",
            Self::Messages(_)
            | Self::Presence
            | Self::Note
            | Self::Location
            | Self::PresenceSubscriptions
            | Self::Memberships(_) => "GET, POST",
            Self::Batch
            | Self::MakeMeAvailable
            | Self::ReportMyActivity
            | Self::MessagingInvitations
            | Self::Accept(_)
            | Self::Decline(_)
            | Self::ParticipantInvitations
            | Self::OnlineMeetingInvitations
            | Self::AcceptCall(_)
            | Self::DeclineCall(_)
            | Self::CancelCall(_)
            | Self::Lead(..)
            | Self::MarkAsRead(_)
            | Self::UserAcknowledged(_)
            | Self::Terminate(_)
            | Self::Typing(_) => "POST",
            Self::Events
            | Self::Policies
            | Self::Me
            | Self::People
            | Self::Search
            | Self::SubscribedContacts
            | Self::Contact(_)
            | Self::ContactFacet(..)
            | Self::OnlineMeetings
            | Self::Conversations
            | Self::MissedItems
            | Self::ConversationLogs
            | Self::ConversationLog(_)
            | Self::Transcripts(_)
            | Self::Participants(_)
            | Self::Participant(..)
            | Self::ParticipantMessaging(..)
            | Self::Messaging(_)
            | Self::Message(..)
            | Self::TypingParticipants(_)
            | Self::OnlineMeeting(_)
            | Self::View(..)
            | Self::Call(_)
            | Self::MessagingInvitation(_) => "GET",
        }
    }

    fn of(segments: &[&str]) -> Option<Self> {
        Some(match segments {
            [] => Self::Application,
            ["batch"] => Self::Batch,
            ["events"] => Self::Events,
            ["policies"] => Self::Policies,
            ["me"] => Self::Me,
            ["me", "makemeavailable"] => Self::MakeMeAvailable,
            ["me", "reportmyactivity"] => Self::ReportMyActivity,
            ["me", "presence"] => Self::Presence,
            ["me", "note"] => Self::Note,
            ["me", "location"] => Self::Location,
            ["people"] => Self::People,
            ["people", "search"] => Self::Search,
            ["people", "subscribedcontacts"] => Self::SubscribedContacts,
            ["people", "presencesubscriptions", below @ ..] => Self::of_subscriptions(below)?,
            ["people", address] => Self::Contact((*address).to_owned()),
            ["people", address, facet] => {
                let facet = Facet::ALL
                    .into_iter()
                    .find(|known| known.of_contact().eq_ignore_ascii_case(facet))?;
                Self::ContactFacet((*address).to_owned(), facet)
            }
            ["onlinemeetings"] => Self::OnlineMeetings,
            ["communication"] => Self::Communication,
            ["communication", "participantinvitations"] => Self::ParticipantInvitations,
            ["communication", "onlinemeetinginvitations"] => Self::OnlineMeetingInvitations,
            [
                "communication",
                "participantinvitations" | "onlinemeetinginvitations",
                id,
                below @ ..,
            ] => Self::of_call(InvitationId::parse(id)?, below)?,
            ["communication", "misseditems"] => Self::MissedItems,
            ["communication", "conversationlogs"] => Self::ConversationLogs,
            ["communication", "conversationlogs", number, below @ ..] => {
                Self::of_log(number.parse().ok()?, below)?
            }
            ["communication", "conversations"] => Self::Conversations,
            ["communication", "conversations", id, below @ ..] => {
                Self::in_conversation(ConversationId::parse(id)?, below)?
            }
            ["communication", "messaginginvitations"] => Self::MessagingInvitations,
            ["communication", "messaginginvitations", id] => {
                Self::MessagingInvitation(InvitationId::parse(id)?)
            }
            ["communication", "messaginginvitations", id, "accept"] => {
                Self::Accept(InvitationId::parse(id)?)
            }
            ["communication", "messaginginvitations", id, "decline"] => {
                Self::Decline(InvitationId::parse(id)?)
            }
            _ => return None,
        })
    }

    fn of_subscriptions(segments: &[&str]) -> Option<Self> {
        Some(match segments {
            [] => Self::PresenceSubscriptions,
            [number] => Self::PresenceSubscription(number.parse().ok()?),
            [number, "memberships"] => Self::Memberships(number.parse().ok()?),
            [number, "memberships", address] => {
                Self::Membership(number.parse().ok()?, (*address).to_owned())
            }
            _ => return None,
        })
    }

    fn of_log(number: usize, segments: &[&str]) -> Option<Self> {
        Some(match segments {
            [] => Self::ConversationLog(number),
            ["conversationlogtranscripts"] => Self::Transcripts(number),
            ["markasread"] => Self::MarkAsRead(number),
            _ => return None,
        })
    }

    fn of_call(id: InvitationId, segments: &[&str]) -> Option<Self> {
        Some(match segments {
            [] => Self::Call(id),
            ["accept"] => Self::AcceptCall(id),
            ["decline"] => Self::DeclineCall(id),
            ["cancel"] => Self::CancelCall(id),
            _ => return None,
        })
    }

    fn in_conversation(id: ConversationId, segments: &[&str]) -> Option<Self> {
        Some(match segments {
            [] => Self::Conversation(id),
            ["participants"] => Self::Participants(id),
            ["participants", address] => Self::Participant(id, (*address).to_owned()),
            ["participants", address, "messaging"] => {
                Self::ParticipantMessaging(id, (*address).to_owned())
            }
            ["participants", address, measure] => {
                Self::Lead(id, (*address).to_owned(), Measure::of(measure)?)
            }
            ["onlinemeeting"] => Self::OnlineMeeting(id),
            ["leaders"] => Self::View(id, "leaders"),
            ["attendees"] => Self::View(id, "attendees"),
            ["lobby"] => Self::View(id, "lobby"),
            ["useracknowledged"] => Self::UserAcknowledged(id),
            ["messaging"] => Self::Messaging(id),
            ["messaging", "terminate"] => Self::Terminate(id),
            ["messaging", "messages"] => Self::Messages(id),
            ["messaging", "messages", number] => Self::Message(id, number.parse().ok()?),
            ["messaging", "typing"] => Self::Typing(id),
            ["messaging", "typingparticipants"] => Self::TypingParticipants(id),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_paths_lead_somewhere() {
        for (path, route) in [
            ("/", Route::Root),
            ("/Autodiscover/AutodiscoverService.svc/root", Route::Root),
            (
                "/Autodiscover/AutodiscoverService.svc/root/oauth/user",
                Route::User,
            ),
            ("/WebTicket/oauthtoken", Route::Token),
            ("/webticket/oauthtoken", Route::Token),
            ("/ucwa/oauth/v1/applications", Route::Applications),
        ] {
            assert_eq!(Route::of(path), Some(route), "{path}");
        }
    }

    #[test]
    fn a_participant_is_found_by_a_raw_or_an_escaped_at() {
        let id = ApplicationId::parse("102").unwrap();
        let conversation = ConversationId::parse("00000000-0000-0000-0000-0000000000aa").unwrap();
        for path in [
            "/ucwa/oauth/v1/applications/102/communication/conversations/00000000-0000-0000-0000-0000000000aa/participants/lenea@contoso.com",
            "/ucwa/oauth/v1/applications/102/communication/conversations/00000000-0000-0000-0000-0000000000AA/participants/LeneA%40contoso.com",
        ] {
            let place = Place::Participant(conversation, "lenea@contoso.com".to_owned());
            assert_eq!(
                Route::of(path),
                Some(Route::Application(id, place)),
                "{path}"
            );
        }
    }

    #[test]
    fn unknown_paths_lead_nowhere() {
        for path in [
            "/ucwa",
            "/ucwa/oauth/v1/applications/abc",
            "/ucwa/oauth/v1/applications/1/nothing",
            "/%ff",
        ] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }
}
