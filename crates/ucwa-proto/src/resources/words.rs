//! The words of properties: open enumerations that keep what they do not know.

use crate::open_enum::open_enum;

open_enum! {
    /// Whether attendees may write. Source: `AudienceMessaging_ref`.
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
    /// How calls ring. Source: `AudioPreference_ref`.
    pub enum AudioPreference {
        PhoneAudio = "PhoneAudio",
        VoipAudio = "VoipAudio",
    }
}

open_enum! {
    /// How a call ended. Source: `AudioTranscriptStatus_ref`.
    pub enum AudioTranscriptStatus {
        Connected = "Connected",
        Ended = "Ended",
        Transferred = "Transferred",
        Unknown = "Unknown",
    }
}

open_enum! {
    /// How available a person is. Source: `Availability_ref`.
    pub enum Availability {
        Away = "Away",
        BeRightBack = "BeRightBack",
        Busy = "Busy",
        DoNotDisturb = "DoNotDisturb",
        /// Busy, but not at the device.
        IdleBusy = "IdleBusy",
        /// Online, but not at the device.
        IdleOnline = "IdleOnline",
        Offline = "Offline",
        Online = "Online",
    }
}

open_enum! {
    /// Why an invitation is declined. Source: `CallDeclineReason_ref`.
    pub enum CallDeclineReason {
        CodecMismatch = "CodecMismatch",
        EncryptionMismatch = "EncryptionMismatch",
        /// By the user, on all clients.
        Global = "Global",
        InsufficientBandwidth = "InsufficientBandwidth",
        InsufficientBandwidthRerouteOverPstn = "InsufficientBandwidthRerouteOverPstn",
        InvalidMediaOffer = "InvalidMediaOffer",
        IPv6NotSupported = "IPv6NotSupported",
        /// By this client only; others go on ringing.
        Local = "Local",
        MediaAllocationFailure = "MediaAllocationFailure",
        MediaConnectivityFailure = "MediaConnectivityFailure",
        Unknown = "Unknown",
        UnsupportedMedia = "UnsupportedMedia",
    }
}

open_enum! {
    /// Where a client is. Source: `ClientNetworkType_ref`.
    pub enum ClientNetworkType {
        External = "External",
        Internal = "Internal",
    }
}

open_enum! {
    /// What a contact uses. Source: `ContactDeviceType_ref`.
    pub enum ContactDeviceType {
        DeskPhone = "DeskPhone",
        Mobile = "Mobile",
        PC = "PC",
        Unknown = "Unknown",
        Web = "Web",
    }
}

open_enum! {
    /// What a contact is. Source: `ContactType_ref`.
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
    /// What kind of conversation was archived. Source: `ConversationLogType_ref`.
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
    /// How far a conversation is. Source: `ConversationState_ref`.
    pub enum ConversationState {
        /// It is a meeting.
        Conferenced = "Conferenced",
        /// It is becoming a meeting.
        Conferencing = "Conferencing",
        Connected = "Connected",
        Connecting = "Connecting",
        Disconnected = "Disconnected",
        Disconnecting = "Disconnecting",
        /// An invitation waits for an answer.
        Incoming = "Incoming",
        /// The user waits for admission.
        InLobby = "InLobby",
    }
}

open_enum! {
    /// Who began. Source: `Direction_ref`.
    pub enum Direction {
        Incoming = "Incoming",
        Outgoing = "Outgoing",
    }
}

open_enum! {
    /// Why a transcript is missing. Source: `ErrorTranscriptReason_ref`.
    pub enum ErrorTranscriptReason {
        TranscriptionFailed = "TranscriptionFailed",
    }
}

open_enum! {
    /// Whether something is allowed. Source: `GenericPolicy_ref`.
    pub enum GenericPolicy {
        Disabled = "Disabled",
        Enabled = "Enabled",
        None = "None",
    }
}

open_enum! {
    /// How urgent a conversation is. Source: `Importance_ref`.
    pub enum Importance {
        Emergency = "Emergency",
        Normal = "Normal",
        Urgent = "Urgent",
    }
}

open_enum! {
    /// How far an invitation is. Source: `InvitationState_ref`.
    pub enum InvitationState {
        /// It rings.
        Alerting = "Alerting",
        /// It was taken back.
        Cancelled = "Cancelled",
        /// It was accepted.
        Connected = "Connected",
        /// It is on its way.
        Connecting = "Connecting",
        /// It was declined.
        Declined = "Declined",
        /// It did not arrive, or nobody answered.
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
    /// Whether a place is needed. Source: `LocationRequiredEnum_ref`.
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
    /// Whether a message was delivered. Source: `Status_ref`.
    pub enum MessageStatus {
        Failed = "Failed",
        Pending = "Pending",
        Succeeded = "Succeeded",
    }
}

open_enum! {
    /// How far a modality is. Source: `CallState_ref`.
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
    /// What a note is. Source: `NoteType_ref`.
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
    /// How much a contact may see. Source: `PrivacyRelationshipLevel_ref`.
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
    /// What a participant is in a meeting. Source: `Role_ref`.
    pub enum Role {
        Attendee = "Attendee",
        Leader = "Leader",
        Unknown = "Unknown",
    }
}

open_enum! {
    /// Which network a person belongs to, seen from the user. Source: `SourceNetwork_ref`.
    pub enum SourceNetwork {
        Everyone = "Everyone",
        Federated = "Federated",
        PublicCloud = "PublicCloud",
        SameEnterprise = "SameEnterprise",
        Unknown = "Unknown",
    }
}

open_enum! {
    /// Whether a subscription reports. Source: `SubscriptionState_ref`.
    pub enum SubscriptionState {
        Connected = "Connected",
        Connecting = "Connecting",
        Disconnected = "Disconnected",
        Disconnecting = "Disconnecting",
    }
}
