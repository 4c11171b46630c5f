//! Enumerations of the values of properties.

use crate::open_enum::open_enum;

open_enum! {
    /// When calls are forwarded. Source: `ActivePeriod_ref`.
    pub enum ActivePeriod {
        Always = "Always",
        Workhours = "Workhours",
    }
}

open_enum! {
    /// Whether attendees may send messages. Source: `AudienceMessaging_ref`.
    pub enum AudienceMessaging {
        Disabled = "Disabled",
        Enabled = "Enabled",
        Unknown = "Unknown",
    }
}

open_enum! {
    /// Whether attendees are muted. Source: `AudienceMuteLock_ref`.
    pub enum AudienceMuteLock {
        Disabled = "Disabled",
        Enabled = "Enabled",
        Unknown = "Unknown",
    }
}

open_enum! {
    /// The device that incoming calls ring on. Source: `AudioPreference_ref`.
    pub enum AudioPreference {
        PhoneAudio = "PhoneAudio",
        VoipAudio = "VoipAudio",
    }
}

open_enum! {
    /// The result of a call. Source: `AudioTranscriptStatus_ref`.
    pub enum AudioTranscriptStatus {
        Connected = "Connected",
        Ended = "Ended",
        Transferred = "Transferred",
        Unknown = "Unknown",
    }
}

open_enum! {
    /// The availability of a person. Source: `Availability_ref`.
    pub enum Availability {
        Away = "Away",
        BeRightBack = "BeRightBack",
        Busy = "Busy",
        DoNotDisturb = "DoNotDisturb",
        /// Busy, and away from the device.
        IdleBusy = "IdleBusy",
        /// Online, and away from the device.
        IdleOnline = "IdleOnline",
        Offline = "Offline",
        Online = "Online",
    }
}

open_enum! {
    /// The reason for declining an invitation. Source: `CallDeclineReason_ref`.
    pub enum CallDeclineReason {
        CodecMismatch = "CodecMismatch",
        EncryptionMismatch = "EncryptionMismatch",
        /// The user declines, on all clients.
        Global = "Global",
        InsufficientBandwidth = "InsufficientBandwidth",
        InsufficientBandwidthRerouteOverPstn = "InsufficientBandwidthRerouteOverPstn",
        InvalidMediaOffer = "InvalidMediaOffer",
        IPv6NotSupported = "IPv6NotSupported",
        /// This client declines; the user's other clients continue to ring.
        Local = "Local",
        MediaAllocationFailure = "MediaAllocationFailure",
        MediaConnectivityFailure = "MediaConnectivityFailure",
        Unknown = "Unknown",
        UnsupportedMedia = "UnsupportedMedia",
    }
}

open_enum! {
    /// How calls are forwarded. Source: `CallForwardingState_ref`.
    pub enum CallForwardingState {
        None = "None",
        ImmediateForward = "ImmediateForward",
        SimultaneousRing = "SimultaneousRing",
    }
}

open_enum! {
    /// Where calls are forwarded. Not every way to forward calls has every target. Source:
    /// `ImmediateForwardSettingsTarget_ref`, `SimultaneousRingTarget_ref`, `UnansweredCallHandlingTarget_ref`.
    pub enum CallForwardingTarget {
        None = "None",
        Contact = "Contact",
        Delegates = "Delegates",
        Team = "Team",
        Voicemail = "Voicemail",
    }
}

open_enum! {
    /// The network of a client. Source: `ClientNetworkType_ref`.
    pub enum ClientNetworkType {
        External = "External",
        Internal = "Internal",
    }
}

open_enum! {
    /// The type of the device of a contact. Source: `ContactDeviceType_ref`.
    pub enum ContactDeviceType {
        DeskPhone = "DeskPhone",
        Mobile = "Mobile",
        PC = "PC",
        Unknown = "Unknown",
        Web = "Web",
    }
}

open_enum! {
    /// The type of a contact. Source: `ContactType_ref`.
    pub enum ContactType {
        Bot = "Bot",
        Phone = "Phone",
        ReplayBot = "ReplayBot",
        User = "User",
    }
}

open_enum! {
    /// Whether a conversation was answered. Source: `ConversationLogStatus_ref`.
    pub enum ConversationLogStatus {
        Archived = "Archived",
        Missed = "Missed",
    }
}

open_enum! {
    /// The type of an archived conversation. Source: `ConversationLogType_ref`.
    pub enum ConversationLogType {
        AppSharingLog = "AppSharingLog",
        AudioLog = "AudioLog",
        ConferenceLog = "ConferenceLog",
        MessageLog = "MessageLog",
        UnknownLog = "UnknownLog",
        VideoLog = "VideoLog",
    }
}

open_enum! {
    /// The state of a conversation. Source: `ConversationState_ref`.
    pub enum ConversationState {
        /// The conversation is a meeting.
        Conferenced = "Conferenced",
        /// The conversation is becoming a meeting.
        Conferencing = "Conferencing",
        Connected = "Connected",
        Connecting = "Connecting",
        Disconnected = "Disconnected",
        Disconnecting = "Disconnecting",
        /// An invitation to the conversation is pending.
        Incoming = "Incoming",
        /// The user waits in the lobby.
        InLobby = "InLobby",
    }
}

open_enum! {
    /// The direction of an invitation or a message. Source: `Direction_ref`.
    pub enum Direction {
        Incoming = "Incoming",
        Outgoing = "Outgoing",
    }
}

open_enum! {
    /// The reason for a missing transcript. Source: `ErrorTranscriptReason_ref`.
    pub enum ErrorTranscriptReason {
        TranscriptionFailed = "TranscriptionFailed",
    }
}

open_enum! {
    /// The value of a policy. Source: `GenericPolicy_ref`.
    pub enum GenericPolicy {
        Disabled = "Disabled",
        Enabled = "Enabled",
        None = "None",
    }
}

open_enum! {
    /// The importance of a conversation. Source: `Importance_ref`.
    pub enum Importance {
        Emergency = "Emergency",
        Normal = "Normal",
        Urgent = "Urgent",
    }
}

open_enum! {
    /// The state of an invitation. Source: `InvitationState_ref`.
    pub enum InvitationState {
        /// The invitation is shown to the invited person.
        Alerting = "Alerting",
        /// The invitation was cancelled.
        Cancelled = "Cancelled",
        /// The invitation was accepted.
        Connected = "Connected",
        /// The invitation is being sent.
        Connecting = "Connecting",
        /// The invitation was declined.
        Declined = "Declined",
        /// The invitation was not delivered, or not answered.
        Failed = "Failed",
        Forwarded = "Forwarded",
        TeamRing = "TeamRing",
    }
}

open_enum! {
    /// Whether the location service answered. Source: `LisQueryResultEnum_ref`.
    pub enum LisQueryResult {
        Failed = "Failed",
        Succeeded = "Succeeded",
    }
}

open_enum! {
    /// Whether a location is required. Source: `LocationRequiredEnum_ref`.
    pub enum LocationRequired {
        Disclaimer = "Disclaimer",
        No = "No",
        Yes = "Yes",
    }
}

open_enum! {
    /// A format of messages. Source: `MessageFormat_ref`.
    pub enum MessageFormat {
        Html = "Html",
        Plain = "Plain",
    }
}

open_enum! {
    /// The delivery status of a message. Source: `Status_ref`.
    pub enum MessageStatus {
        Failed = "Failed",
        Pending = "Pending",
        Succeeded = "Succeeded",
    }
}

open_enum! {
    /// The state of a modality. Source: `CallState_ref`.
    pub enum ModalityState {
        Connected = "Connected",
        Connecting = "Connecting",
        Disconnected = "Disconnected",
        Disconnecting = "Disconnecting",
        Transferring = "Transferring",
    }
}

open_enum! {
    /// A way to communicate. Source: `ModalityType_ref`.
    pub enum ModalityType {
        Audio = "Audio",
        Messaging = "Messaging",
        PanoramicVideo = "PanoramicVideo",
        PhoneAudio = "PhoneAudio",
        Video = "Video",
        ApplicationSharing = "ApplicationSharing",
        DataCollaboration = "DataCollaboration",
    }
}

open_enum! {
    /// The type of a note. Source: `NoteType_ref`.
    pub enum NoteType {
        OutOfOffice = "OutOfOffice",
        Personal = "Personal",
    }
}

open_enum! {
    /// A presence that the user may choose. Source: `PreferredAvailability_ref`.
    pub enum PreferredAvailability {
        Away = "Away",
        BeRightBack = "BeRightBack",
        Busy = "Busy",
        DoNotDisturb = "DoNotDisturb",
        Offwork = "Offwork",
        Online = "Online",
    }
}

open_enum! {
    /// The level of the user's data that a contact may see. Source: `PrivacyRelationshipLevel_ref`.
    pub enum PrivacyRelationshipLevel {
        Blocked = "Blocked",
        Colleagues = "Colleagues",
        External = "External",
        FriendsAndFamily = "FriendsAndFamily",
        Unknown = "Unknown",
        Workgroup = "Workgroup",
    }
}

open_enum! {
    /// The role of a participant in a meeting. Source: `Role_ref`.
    pub enum Role {
        Attendee = "Attendee",
        Leader = "Leader",
        Unknown = "Unknown",
    }
}

open_enum! {
    /// The network that a person belongs to, relative to the user. Source: `SourceNetwork_ref`.
    pub enum SourceNetwork {
        Everyone = "Everyone",
        Federated = "Federated",
        PublicCloud = "PublicCloud",
        SameEnterprise = "SameEnterprise",
        Unknown = "Unknown",
    }
}

open_enum! {
    /// The state of a subscription. Source: `SubscriptionState_ref`.
    pub enum SubscriptionState {
        Connected = "Connected",
        Connecting = "Connecting",
        Disconnected = "Disconnected",
        Disconnecting = "Disconnecting",
    }
}

open_enum! {
    /// Whether unanswered calls are forwarded. Source: `UnansweredCallHandling_ref`.
    pub enum UnansweredCallHandling {
        Disabled = "Disabled",
        Enabled = "Enabled",
    }
}
