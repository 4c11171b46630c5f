//! The methods with their statuses, and the members, of the reference pages of the resources that the server serves. The guide
//! lists the members that the server leaves out, with the reasons (`docs/src/testing.md`).

mod contact_lists;

/// A reference page. Each text is a list of words.
pub(crate) struct Reference {
    pub(crate) rel: &'static str,
    /// The methods, each with its status of success.
    pub(crate) operations: &'static [(&'static str, u16)],
    /// The properties, links and embedded resources that the server has.
    pub(crate) members: &'static str,
    /// The members that the server leaves out.
    pub(crate) left_out: &'static str,
}

/// The page of a rel. Several rels of links lead to a resource of the same page.
pub(crate) fn reference(rel: &str) -> Option<&'static Reference> {
    let rel = match rel {
        "localParticipant" | "acceptedByParticipant" | "from" | "failedDeliveryParticipant" => {
            "participant"
        }
        "to" | "organizer" => "contact",
        "memberships" => "presenceSubscriptionMemberships",
        rel => rel,
    };
    references().find(|page| page.rel == rel)
}

/// Every page of a resource that the server serves.
pub(crate) fn references() -> impl Iterator<Item = &'static Reference> {
    REFERENCES.iter().chain(contact_lists::REFERENCES)
}

const REFERENCES: &[Reference] = &[
    Reference {
        rel: "root",
        operations: &[("GET", 200)],
        members: "user xframe",
        left_out: "redirect",
    },
    Reference {
        rel: "user",
        operations: &[("GET", 200)],
        members: "applications redirect xframe",
        left_out: "",
    },
    Reference {
        rel: "application",
        operations: &[("GET", 200), ("DELETE", 204)],
        members: "type culture endpointId id instanceId userAgent batch events policies reportMyNetwork communication \
                  me onlineMeetings people",
        left_out: "",
    },
    Reference {
        rel: "policies",
        operations: &[("GET", 200)],
        members: "htmlMessaging emoticons messagingUrls messageArchiving photos multiViewJoin saveCredentials \
                  saveMessagingHistory logging loggingLevel encryptAppData allowDeviceContactsSync \
                  clientExchangeConnectivity customerExperienceImprovementProgram",
        left_out: "audioOnlyOnWifi callLogArchiving emergencyDialMask emergencyDialString emergencyNumbers \
                  emergencyServiceDisclaimer exchangeUnifiedMessaging helpEnvironment locationRefreshInterval \
                  locationRequired onlineFeedbackUrl saveCallLogs sendFeedbackUrl sharingOnlyOnWifi \
                  softwareQualityMetrics telephonyMode useLocationForE911Only videoOnlyOnWifi voicemailUri",
    },
    Reference {
        rel: "me",
        operations: &[("GET", 200)],
        members: "company department emailAddresses homePhoneNumber mobilePhoneNumber name officeLocation \
                  otherPhoneNumber title uri workPhoneNumber callForwardingSettings location makeMeAvailable note \
                  phones photo presence reportMyActivity",
        left_out: "endpointUri",
    },
    // The response is an image.
    Reference {
        rel: "photo",
        operations: &[("GET", 200)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "contactPhoto",
        operations: &[("GET", 200)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "phones",
        operations: &[("GET", 200)],
        members: "phone",
        left_out: "",
    },
    Reference {
        rel: "phone",
        operations: &[("GET", 200)],
        members: "includeInContactCard number type",
        left_out: "changeNumber changeVisibility",
    },
    // Calls are not forwarded, so the settings can only be read.
    Reference {
        rel: "callForwardingSettings",
        operations: &[("GET", 200)],
        members: "activePeriod activeSetting unansweredCallHandling immediateForwardSettings simultaneousRingSettings \
                  unansweredCallSettings",
        left_out: "turnOffCallForwarding",
    },
    Reference {
        rel: "immediateForwardSettings",
        operations: &[("GET", 200)],
        members: "target contact",
        left_out: "immediateForwardToContact immediateForwardToDelegates immediateForwardToVoicemail",
    },
    Reference {
        rel: "simultaneousRingSettings",
        operations: &[("GET", 200)],
        members: "ringDelay target",
        left_out: "contact simultaneousRingToContact simultaneousRingToDelegates simultaneousRingToTeam",
    },
    Reference {
        rel: "unansweredCallSettings",
        operations: &[("GET", 200)],
        members: "ringDelay target",
        left_out: "contact resetUnansweredCallSettings unansweredCallToContact unansweredCallToVoicemail",
    },
    Reference {
        rel: "presence",
        operations: &[("GET", 200), ("POST", 204)],
        members: "activity availability",
        left_out: "",
    },
    Reference {
        rel: "note",
        operations: &[("GET", 200), ("POST", 204)],
        members: "message type",
        left_out: "",
    },
    Reference {
        rel: "location",
        operations: &[("GET", 200), ("POST", 204)],
        members: "location",
        left_out: "",
    },
    Reference {
        rel: "people",
        operations: &[("GET", 200)],
        members: "myContactsAndGroupsSubscription myContacts myGroupMemberships myGroups myPrivacyRelationships \
                  presenceSubscriptions search subscribedContacts",
        left_out: "presenceSubscriptionMemberships",
    },
    Reference {
        rel: "search",
        operations: &[("GET", 200)],
        members: "moreResultsAvailable contact distributionGroup",
        left_out: "",
    },
    Reference {
        rel: "subscribedContacts",
        operations: &[("GET", 200)],
        members: "contact",
        left_out: "",
    },
    Reference {
        rel: "presenceSubscriptions",
        operations: &[("GET", 200), ("POST", 201)],
        members: "presenceSubscription",
        left_out: "",
    },
    Reference {
        rel: "presenceSubscription",
        operations: &[("GET", 200), ("POST", 201), ("DELETE", 204)],
        members: "id addToPresenceSubscription memberships",
        left_out: "",
    },
    Reference {
        rel: "presenceSubscriptionMemberships",
        operations: &[("GET", 200), ("POST", 201)],
        members: "presenceSubscriptionMembership",
        left_out: "",
    },
    Reference {
        rel: "presenceSubscriptionMembership",
        operations: &[("GET", 200), ("DELETE", 204)],
        members: "contact presenceSubscription",
        left_out: "",
    },
    Reference {
        rel: "contact",
        operations: &[("GET", 200)],
        members: "company department emailAddresses homePhoneNumber mobilePhoneNumber name office otherPhoneNumber \
                  sourceNetwork title type uri workPhoneNumber contactLocation contactNote contactPhoto \
                  contactPresence contactPrivacyRelationship contactSupportedModalities",
        left_out: "sourceNetworkIconUrl",
    },
    Reference {
        rel: "contactPresence",
        operations: &[("GET", 200)],
        members: "activity availability deviceType lastActive",
        left_out: "",
    },
    Reference {
        rel: "contactNote",
        operations: &[("GET", 200)],
        members: "message type",
        left_out: "",
    },
    Reference {
        rel: "contactLocation",
        operations: &[("GET", 200)],
        members: "location",
        left_out: "",
    },
    Reference {
        rel: "contactSupportedModalities",
        operations: &[("GET", 200)],
        members: "modalities",
        left_out: "",
    },
    Reference {
        rel: "onlineMeetings",
        operations: &[("GET", 200)],
        members: "myOnlineMeetings",
        left_out: "myAssignedOnlineMeeting onlineMeetingDefaultValues onlineMeetingEligibleValues \
                  onlineMeetingInvitationCustomization onlineMeetingPolicies phoneDialInInformation",
    },
    // Meetings are scheduled in the configuration, so clients can only read them.
    Reference {
        rel: "myOnlineMeetings",
        operations: &[("GET", 200)],
        members: "myOnlineMeeting",
        left_out: "myAssignedOnlineMeeting",
    },
    Reference {
        rel: "myOnlineMeeting",
        operations: &[("GET", 200)],
        members: "accessLevel attendees automaticLeaderAssignment description leaders onlineMeetingId onlineMeetingRel \
                  onlineMeetingUri organizerUri subject",
        left_out: "conferenceId entryExitAnnouncement expirationTime joinUrl legacyOnlineMeetingUri \
                  lobbyBypassForPhoneUsers phoneUserAdmission onlineMeetingExtensions onlineMeetingExtension",
    },
    Reference {
        rel: "communication",
        operations: &[("GET", 200), ("PUT", 200)],
        members: "conversationHistory supportedMessageFormats supportedModalities conversationLogs conversations \
                  joinOnlineMeeting missedItems startMessaging startOnlineMeeting",
        left_out: "audioPreference lisLocation lisQueryResult phoneNumber publishEndpointLocation \
                  videoBasedScreenSharing mediaPolicies mediaRelayAccessToken replayMessage \
                  startAudioOnBehalfOfDelegator startAudio startAudioVideoOnBehalfOfDelegator startAudioVideo \
                  startEmergencyCall startPhoneAudioOnBehalfOfDelegator startPhoneAudio startVideo",
    },
    Reference {
        rel: "missedItems",
        operations: &[("GET", 200)],
        members: "conversationLogsCount conversationLogsNotifications missedConversationsCount \
                  unreadMissedConversationsCount unreadVoicemailsCount voiceMailsCount",
        left_out: "",
    },
    Reference {
        rel: "conversationLogs",
        operations: &[("GET", 200)],
        members: "conversationLog",
        left_out: "",
    },
    Reference {
        rel: "conversationLog",
        operations: &[("GET", 200), ("DELETE", 204)],
        members: "creationTime direction importance modalities onlineMeetingUri previewMessage status subject threadId \
                  totalRecipientsCount type continueMessaging conversationLogTranscripts markAsRead \
                  conversationLogRecipient",
        left_out: "continueAudio continueAudioVideo continuePhoneAudio continueVideo",
    },
    Reference {
        rel: "conversationLogRecipient",
        operations: &[("GET", 200)],
        members: "displayName sipUri contact contactPresence",
        left_out: "contactPhoto",
    },
    Reference {
        rel: "conversationLogTranscripts",
        operations: &[("GET", 200)],
        members: "nextConversationLogTranscripts conversationLogTranscript",
        left_out: "",
    },
    Reference {
        rel: "nextConversationLogTranscripts",
        operations: &[("GET", 200)],
        members: "nextConversationLogTranscripts conversationLogTranscript",
        left_out: "",
    },
    Reference {
        rel: "conversationLogTranscript",
        operations: &[("GET", 200)],
        members: "timeStamp contact me messageTranscript",
        left_out: "audioTranscript errorTranscript",
    },
    Reference {
        rel: "messageTranscript",
        operations: &[("GET", 200)],
        members: "htmlMessage plainMessage",
        left_out: "",
    },
    Reference {
        rel: "conversations",
        operations: &[("GET", 200)],
        members: "conversation",
        left_out: "",
    },
    Reference {
        rel: "conversation",
        operations: &[("GET", 200), ("DELETE", 204)],
        members: "activeModalities created importance participantCount recording state subject threadId addParticipant \
                  attendees leaders lobby localParticipant messaging onlineMeeting participants userAcknowledged",
        left_out: "audienceMessaging audienceMute expirationTime readLocally applicationSharing audioVideo \
                  dataCollaboration disableAudienceMessaging disableAudienceMuteLock enableAudienceMessaging \
                  enableAudienceMuteLock phoneAudio",
    },
    Reference {
        rel: "onlineMeeting",
        operations: &[("GET", 200)],
        members: "accessLevel attendees automaticLeaderAssignment leaders onlineMeetingId onlineMeetingUri \
                  organizerName organizerUri subject conversation organizer",
        left_out: "conferenceId description disclaimerBody disclaimerTitle entryExitAnnouncement expirationTime \
                  hostingNetwork joinUrl largeMeeting lobbyBypassForPhoneUsers onlineMeetingRel phoneUserAdmission \
                  phoneDialInInformation onlineMeetingExtensions onlineMeetingExtension",
    },
    Reference {
        rel: "leaders",
        operations: &[("GET", 200)],
        members: "participant",
        left_out: "",
    },
    Reference {
        rel: "attendees",
        operations: &[("GET", 200)],
        members: "participant",
        left_out: "",
    },
    Reference {
        rel: "lobby",
        operations: &[("GET", 200)],
        members: "participant",
        left_out: "",
    },
    Reference {
        rel: "participants",
        operations: &[("GET", 200)],
        members: "participant",
        left_out: "",
    },
    Reference {
        rel: "participant",
        operations: &[("GET", 200)],
        members: "anonymous inLobby local name organizer role sourceNetwork uri admit contact contactPresence \
                  conversation demote eject me participantMessaging promote reject",
        left_out: "otherPhoneNumber workPhoneNumber contactPhoto participantApplicationSharing participantAudio \
                  participantDataCollaboration participantPanoramicVideo participantVideo",
    },
    Reference {
        rel: "participantMessaging",
        operations: &[("GET", 200)],
        members: "participant",
        left_out: "",
    },
    Reference {
        rel: "messaging",
        operations: &[("GET", 200)],
        members: "negotiatedMessageFormats state addMessaging conversation sendMessage setIsTyping stopMessaging \
                  typingParticipants",
        left_out: "",
    },
    Reference {
        rel: "messages",
        operations: &[("GET", 200)],
        members: "message",
        left_out: "",
    },
    Reference {
        rel: "message",
        operations: &[("GET", 200)],
        members: "direction operationId status timeStamp htmlMessage plainMessage contact failedDeliveryParticipant \
                  messaging participant",
        left_out: "",
    },
    Reference {
        rel: "typingParticipants",
        operations: &[("GET", 200)],
        members: "participant",
        left_out: "",
    },
    Reference {
        rel: "messagingInvitation",
        operations: &[("GET", 200)],
        members: "direction importance operationId state subject threadId to customContent message accept cancel \
                  conversation decline from messaging acceptedByParticipant",
        left_out: "acceptedByContact derivedMessaging onBehalfOf startEmergencyCallInput",
    },
    Reference {
        rel: "participantInvitation",
        operations: &[("GET", 200)],
        members: "direction importance operationId state subject threadId to cancel conversation from participant \
                  acceptedByParticipant",
        left_out: "message startEmergencyCallInput",
    },
    Reference {
        rel: "onlineMeetingInvitation",
        operations: &[("GET", 200)],
        members: "anonymousDisplayName availableModalities direction importance onlineMeetingUri operationId state \
                  subject threadId accept conversation decline from",
        left_out: "to message acceptedByContact cancel onBehalfOf startEmergencyCallInput",
    },
    Reference {
        rel: "xframe",
        operations: &[("GET", 200)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "applications",
        operations: &[("POST", 201)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "batch",
        operations: &[("POST", 200)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "events",
        operations: &[("GET", 200)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "makeMeAvailable",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "reportMyActivity",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "reportMyNetwork",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "addToPresenceSubscription",
        operations: &[("POST", 201)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "markAsRead",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "continueMessaging",
        operations: &[("POST", 201)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "userAcknowledged",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "promote",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "demote",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "admit",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "reject",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "eject",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "stopMessaging",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "sendMessage",
        operations: &[("POST", 201)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "setIsTyping",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "startMessaging",
        operations: &[("POST", 201)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "addMessaging",
        operations: &[("POST", 201)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "accept",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "decline",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "cancel",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "addParticipant",
        operations: &[("POST", 201)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "startOnlineMeeting",
        operations: &[("POST", 201)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "joinOnlineMeeting",
        operations: &[("POST", 201)],
        members: "",
        left_out: "",
    },
];
