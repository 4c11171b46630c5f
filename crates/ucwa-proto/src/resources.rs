//! The typed views on UCWA's resources and inputs, laid out by family.
//!
//! A resource has `href`, `etag`, its properties as `Option` or `Vec`, its links as [`Link`](crate::Link)s and its
//! embedded resources. An input is what a
//! capability takes as the body of a POST or PUT. Both are read by [`FromResource`], which borrows, and written by
//! [`ToResource`]; both are built with `..Default::default()`. What a view does not know stays in the generic
//! [`Resource`] that it was read from.
//!
//! Names that stand for one kind of thing share a view: a `localParticipant`, a `from` and an `acceptedByParticipant`
//! are each a [`Participant`].
//!
//! Capabilities whose POST takes no body have no view: `accept`, `cancel`, `stopMessaging`, `setIsTyping`,
//! `userAcknowledged`, `reportMyActivity`, `markAsRead`,
//! `admit`, `eject`, `promote`, `demote`, `reject`, `replayMessage`, `enableAudienceMessaging`,
//! `disableAudienceMessaging`, `resetContactPrivacyRelationship` and
//! `stopSubscriptionToContactsAndGroups`. `sendMessage` takes the text itself as its body, and `operationId` in its
//! query.
//!
//! Lengths are in UTF-16 units, as the server counts them.

pub mod applications;
pub mod communications;
pub mod contacts;
pub mod conversations;
pub mod discovery;
pub mod groups;
pub mod history;
pub mod invitations;
pub mod messages;
pub mod participants;
pub mod people;
pub mod user;
pub mod words;

pub use self::{
    applications::{
        AnonApplicationsInput, Application, Applications, ApplicationsInput, Policies,
        ReportMyNetworkInput,
    },
    communications::{
        Communication, JoinOnlineMeetingInput, StartMessagingInput, StartOnlineMeetingInput,
    },
    contacts::{
        AddToContactListInput, MyContacts, MyContactsAndGroupsSubscription, PresenceSubscription,
        PresenceSubscriptionMembership, PresenceSubscriptionMemberships,
        PresenceSubscriptionMembershipsInput, PresenceSubscriptions, PresenceSubscriptionsInput,
        RemoveContactFromAllGroupsInput, RemoveFromContactListInput,
        StartOrRefreshSubscriptionToContactsAndGroupsInput, SubscribedContacts,
    },
    conversations::{
        AddParticipantInput, Conversation, ConversationExtensionResult, Conversations,
    },
    discovery::{Redirect, Root, User, Xframe},
    groups::{
        DistributionGroup, Group, GroupContacts, GroupInput, MyGroupMembership, MyGroupMemberships,
        MyGroupMembershipsInput, MyGroups, MyGroupsInput, SubscribeToGroupPresenceInput,
    },
    history::{
        AudioTranscript, ContinueMessagingInput, ConversationLog, ConversationLogRecipient,
        ConversationLogTranscript, ConversationLogTranscripts, ConversationLogs, ErrorTranscript,
        MessageTranscript, MissedItems,
    },
    invitations::{
        DeclineInput, Invitations, MessagingInvitation, OnlineMeetingInvitation,
        ParticipantInvitation,
    },
    messages::{AddMessagingInput, Message, Messages, Messaging},
    participants::{Participant, ParticipantMessaging, Participants},
    people::{
        Contact, ContactLocation, ContactNote, ContactPhoto, ContactPresence,
        ContactPrivacyRelationship, ContactPrivacyRelationshipInput, ContactSupportedModalities,
        MyPrivacyRelationship, MyPrivacyRelationships, People, Search,
    },
    user::{
        ChangeNumberInput, ChangeVisibilityInput, Location, LocationInput, MakeMeAvailableInput,
        Me, Note, NoteInput, Phone, Phones, Photo, Presence, PresenceInput,
    },
    words::{
        AudienceMessaging, AudienceMuteLock, AudioPreference, AudioTranscriptStatus, Availability,
        CallDeclineReason, ClientNetworkType, ContactDeviceType, ContactType,
        ConversationLogStatus, ConversationLogType, ConversationState, Direction,
        ErrorTranscriptReason, GenericPolicy, Importance, InvitationState, LisQueryResult,
        LocationRequired, MessageFormat, MessageStatus, ModalityState, ModalityType, NoteType,
        PreferredAvailability, PrivacyRelationshipLevel, Role, SourceNetwork, SubscriptionState,
    },
};

use crate::{FieldError, FromResource, Resource, ToResource};

/// Reads a resource by the view that its name has and writes it back, which keeps just what the view knows; `None` if
/// the name has no view.
///
/// For tools that check views against payloads.
#[must_use]
pub fn through_view(
    rel: &str,
    resource: &Resource<'_>,
) -> Option<Result<Resource<'static>, FieldError>> {
    Some(match rel {
        "root" => through::<Root<'_>>(resource),
        "redirect" => through::<Redirect<'_>>(resource),
        "user" => through::<User<'_>>(resource),
        "xframe" => through::<Xframe<'_>>(resource),
        "application" | "anonApplications" => through::<Application<'_>>(resource),
        "applications" | "applications2" => through::<Applications<'_>>(resource),
        "policies" => through::<Policies<'_>>(resource),
        "me" => through::<Me<'_>>(resource),
        "presence" => through::<Presence<'_>>(resource),
        "note" => through::<Note<'_>>(resource),
        "location" => through::<Location<'_>>(resource),
        "photo" => through::<Photo<'_>>(resource),
        "phones" => through::<Phones<'_>>(resource),
        "phone" => through::<Phone<'_>>(resource),
        "people" => through::<People<'_>>(resource),
        "contact" | "acceptedByContact" | "to" | "onBehalfOf" | "forwardedBy" | "transferredBy" => {
            through::<Contact<'_>>(resource)
        }
        "contactPresence" => through::<ContactPresence<'_>>(resource),
        "contactNote" => through::<ContactNote<'_>>(resource),
        "contactLocation" => through::<ContactLocation<'_>>(resource),
        "contactPhoto" => through::<ContactPhoto<'_>>(resource),
        "contactSupportedModalities" => through::<ContactSupportedModalities<'_>>(resource),
        "contactPrivacyRelationship" | "contactPrivacyRelationship2" => {
            through::<ContactPrivacyRelationship<'_>>(resource)
        }
        "myPrivacyRelationships" => through::<MyPrivacyRelationships<'_>>(resource),
        "myPrivacyRelationship" => through::<MyPrivacyRelationship<'_>>(resource),
        "search" | "search2" => through::<Search<'_>>(resource),
        "myContacts" => through::<MyContacts<'_>>(resource),
        "subscribedContacts" => through::<SubscribedContacts<'_>>(resource),
        "presenceSubscriptions" => through::<PresenceSubscriptions<'_>>(resource),
        "presenceSubscription" => through::<PresenceSubscription<'_>>(resource),
        "presenceSubscriptionMemberships" | "memberships" | "addToPresenceSubscription" => {
            through::<PresenceSubscriptionMemberships<'_>>(resource)
        }
        "presenceSubscriptionMembership" => through::<PresenceSubscriptionMembership<'_>>(resource),
        "myContactsAndGroupsSubscription" => {
            through::<MyContactsAndGroupsSubscription<'_>>(resource)
        }
        "myGroups" | "myGroups2" => through::<MyGroups<'_>>(resource),
        "group"
        | "group2"
        | "defaultGroup"
        | "pinnedGroup"
        | "delegatesGroup"
        | "delegatorsGroup"
        | "myOrganizationGroup" => through::<Group<'_>>(resource),
        "distributionGroup" | "expandDistributionGroup" => {
            through::<DistributionGroup<'_>>(resource)
        }
        "groupContacts" => through::<GroupContacts<'_>>(resource),
        "myGroupMemberships" | "myGroupMemberships2" | "groupMemberships" => {
            through::<MyGroupMemberships<'_>>(resource)
        }
        "myGroupMembership" | "myGroupMembership2" => through::<MyGroupMembership<'_>>(resource),
        "communication" => through::<Communication<'_>>(resource),
        "conversation" | "derivedConversation" => through::<Conversation<'_>>(resource),
        "conversations" => through::<Conversations<'_>>(resource),
        "conversationExtensionResult" => through::<ConversationExtensionResult<'_>>(resource),
        "participant"
        | "localParticipant"
        | "from"
        | "acceptedByParticipant"
        | "failedDeliveryParticipant"
        | "organizer"
        | "senderParticipant" => through::<Participant<'_>>(resource),
        "participants" | "lobby" | "attendees" | "leaders" | "typingParticipants" => {
            through::<Participants<'_>>(resource)
        }
        "participantMessaging" => through::<ParticipantMessaging<'_>>(resource),
        "messaging" | "derivedMessaging" => through::<Messaging<'_>>(resource),
        "message" => through::<Message<'_>>(resource),
        "messages" => through::<Messages<'_>>(resource),
        "messagingInvitation" | "invitation" => through::<MessagingInvitation<'_>>(resource),
        "invitations" => through::<Invitations<'_>>(resource),
        "participantInvitation" => through::<ParticipantInvitation<'_>>(resource),
        "onlineMeetingInvitation" => through::<OnlineMeetingInvitation<'_>>(resource),
        "conversationLogs" => through::<ConversationLogs<'_>>(resource),
        "conversationLog" => through::<ConversationLog<'_>>(resource),
        "conversationLogRecipient" => through::<ConversationLogRecipient<'_>>(resource),
        "conversationLogTranscripts" | "nextConversationLogTranscripts" => {
            through::<ConversationLogTranscripts<'_>>(resource)
        }
        "conversationLogTranscript" => through::<ConversationLogTranscript<'_>>(resource),
        "messageTranscript" => through::<MessageTranscript<'_>>(resource),
        "audioTranscript" => through::<AudioTranscript<'_>>(resource),
        "errorTranscript" => through::<ErrorTranscript<'_>>(resource),
        "missedItems" => through::<MissedItems<'_>>(resource),
        _ => return None,
    })
}

/// Reads the input of a capability by its view and writes it back; `None` if the capability takes no input that has a
/// view.
#[must_use]
pub fn through_input_view(
    rel: &str,
    resource: &Resource<'_>,
) -> Option<Result<Resource<'static>, FieldError>> {
    Some(match rel {
        "applications" => through::<ApplicationsInput<'_>>(resource),
        "anonApplications" => through::<AnonApplicationsInput<'_>>(resource),
        "reportMyNetwork" => through::<ReportMyNetworkInput<'_>>(resource),
        "makeMeAvailable" | "makeMeAvailable2" => through::<MakeMeAvailableInput<'_>>(resource),
        "presence" => through::<PresenceInput>(resource),
        "note" => through::<NoteInput<'_>>(resource),
        "location" => through::<LocationInput<'_>>(resource),
        "changeNumber" => through::<ChangeNumberInput<'_>>(resource),
        "changeVisibility" => through::<ChangeVisibilityInput>(resource),
        "contactPrivacyRelationship" | "contactPrivacyRelationship2" => {
            through::<ContactPrivacyRelationshipInput>(resource)
        }
        "addToContactList" => through::<AddToContactListInput<'_>>(resource),
        "removeFromContactList" => through::<RemoveFromContactListInput<'_>>(resource),
        "removeContactFromAllGroups" | "removeContactFromAllGroups2" => {
            through::<RemoveContactFromAllGroupsInput<'_>>(resource)
        }
        "presenceSubscriptions" | "presenceSubscription" => {
            through::<PresenceSubscriptionsInput<'_>>(resource)
        }
        "presenceSubscriptionMemberships" | "memberships" | "addToPresenceSubscription" => {
            through::<PresenceSubscriptionMembershipsInput<'_>>(resource)
        }
        "startOrRefreshSubscriptionToContactsAndGroups" => {
            through::<StartOrRefreshSubscriptionToContactsAndGroupsInput>(resource)
        }
        "myGroups" | "myGroups2" => through::<MyGroupsInput<'_>>(resource),
        "group" | "group2" => through::<GroupInput<'_>>(resource),
        "subscribeToGroupPresence" => through::<SubscribeToGroupPresenceInput<'_>>(resource),
        "myGroupMemberships" | "myGroupMemberships2" => {
            through::<MyGroupMembershipsInput<'_>>(resource)
        }
        "startMessaging" | "startMessaging2" => through::<StartMessagingInput<'_>>(resource),
        "startOnlineMeeting" => through::<StartOnlineMeetingInput<'_>>(resource),
        "joinOnlineMeeting" => through::<JoinOnlineMeetingInput<'_>>(resource),
        "addParticipant" => through::<AddParticipantInput<'_>>(resource),
        "addMessaging" => through::<AddMessagingInput<'_>>(resource),
        "decline" => through::<DeclineInput>(resource),
        "continueMessaging" => through::<ContinueMessagingInput<'_>>(resource),
        _ => return None,
    })
}

fn through<'r, V: FromResource<'r> + ToResource>(
    resource: &'r Resource<'_>,
) -> Result<Resource<'static>, FieldError> {
    V::from_resource(resource).map(|view| view.to_resource().into_owned())
}
