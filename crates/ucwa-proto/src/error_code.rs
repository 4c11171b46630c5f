//! Error codes and subcodes.

use crate::open_enum::open_enum;

open_enum! {
    /// The code of an error (`ErrorCode_ref`). In an error response it corresponds to the status.
    pub enum ErrorCode {
        BadRequest = "BadRequest",
        Conflict = "Conflict",
        EntityTooLarge = "EntityTooLarge",
        ExchangeServiceFailure = "ExchangeServiceFailure",
        Forbidden = "Forbidden",
        GatewayTimeout = "GatewayTimeout",
        Gone = "Gone",
        /// Explains a change that is not a failure.
        Informational = "Informational",
        LocalFailure = "LocalFailure",
        MethodNotAllowed = "MethodNotAllowed",
        NotAcceptable = "NotAcceptable",
        NotFound = "NotFound",
        PreconditionFailed = "PreconditionFailed",
        PreconditionRequired = "PreconditionRequired",
        RemoteFailure = "RemoteFailure",
        ServiceFailure = "ServiceFailure",
        ServiceUnavailable = "ServiceUnavailable",
        Timeout = "Timeout",
        /// The request was not executed; retry it later.
        TooManyRequests = "TooManyRequests",
        UnsupportedMediaType = "UnsupportedMediaType",
    }
}

open_enum! {
    /// The subcode of an error (`ErrorSubcode_ref`).
    pub enum ErrorSubcode {
        /// The resource exists already. After a second `makeMeAvailable` this is not a failure.
        AlreadyExists = "AlreadyExists",
        AnonymousNotAllowed = "AnonymousNotAllowed",
        AnotherOperationPending = "AnotherOperationPending",
        APIVersionNotSupported = "APIVersionNotSupported",
        /// The application does not exist any more; a client may create it again without asking the user.
        ApplicationNotFound = "ApplicationNotFound",
        AttendeeNotAllowed = "AttendeeNotAllowed",
        /// The server accepted the invitation on behalf of the user.
        AutoAccepted = "AutoAccepted",
        Busy = "Busy",
        CallbackUriUnreachable = "CallbackUriUnreachable",
        CallTerminated = "CallTerminated",
        Canceled = "Canceled",
        /// Another client of the user answered.
        ConnectedElsewhere = "ConnectedElsewhere",
        /// The conversation has ended.
        ConversationNotFound = "ConversationNotFound",
        Declined = "Declined",
        Demoted = "Demoted",
        Denied = "Denied",
        /// The invitation led to another conversation.
        DerivedConversation = "DerivedConversation",
        DeserializationFailure = "DeserializationFailure",
        DestinationNotFound = "DestinationNotFound",
        DialoutNotAllowed = "DialoutNotAllowed",
        DoNotDisturb = "DoNotDisturb",
        Ejected = "Ejected",
        Ended = "Ended",
        EscalationFailed = "EscalationFailed",
        ExchangeTimeout = "ExchangeTimeout",
        Expired = "Expired",
        FederationRequired = "FederationRequired",
        Forwarded = "Forwarded",
        /// The application was idle for too long; a client must not create it again without asking the user.
        InactiveApplicationExpired = "InactiveApplicationExpired",
        InsufficientBandwidth = "InsufficientBandwidth",
        InvalidMediaDescription = "InvalidMediaDescription",
        InviteesOnly = "InviteesOnly",
        IPv6NotSupported = "IPv6NotSupported",
        LimitExceeded = "LimitExceeded",
        LisServiceUnavailable = "LisServiceUnavailable",
        /// The application has not made the user available.
        MakeMeAvailableRequired = "MakeMeAvailableRequired",
        MediaEncryptionMismatch = "MediaEncryptionMismatch",
        MediaEncryptionNotSupported = "MediaEncryptionNotSupported",
        MediaEncryptionRequired = "MediaEncryptionRequired",
        MediaFailure = "MediaFailure",
        MediaFallback = "MediaFallback",
        MediaNegotiationFailure = "MediaNegotiationFailure",
        MediaNegotiationTimeOut = "MediaNegotiationTimeOut",
        MigrationInProgress = "MigrationInProgress",
        Missed = "Missed",
        ModalityNotSupported = "ModalityNotSupported",
        NewContentSharer = "NewContentSharer",
        NoDelegatesConfigured = "NoDelegatesConfigured",
        NoLocationFound = "NoLocationFound",
        NormalizationFailed = "NormalizationFailed",
        NotAcceptable = "NotAcceptable",
        NotAllowed = "NotAllowed",
        NoTeamMembersConfigured = "NoTeamMembersConfigured",
        OperationNotSupported = "OperationNotSupported",
        ParameterValidationFailure = "ParameterValidationFailure",
        /// Another pending GET took over the event channel.
        PGetReplaced = "PGetReplaced",
        PhoneNumberConflict = "PhoneNumberConflict",
        ProvisioningDataUnavailable = "ProvisioningDataUnavailable",
        PstnCallFailed = "PstnCallFailed",
        Redirected = "Redirected",
        Removed = "Removed",
        Replaced = "Replaced",
        RepliedWithOtherModality = "RepliedWithOtherModality",
        SessionSwitched = "SessionSwitched",
        TemporarilyUnavailable = "TemporarilyUnavailable",
        /// A conversation of this thread exists.
        ThreadIdAlreadyExists = "ThreadIdAlreadyExists",
        Timeout = "Timeout",
        /// The user has too many applications; a client must not create the application again without asking.
        TooManyApplications = "TooManyApplications",
        TooManyContacts = "TooManyContacts",
        TooManyConversations = "TooManyConversations",
        TooManyGroups = "TooManyGroups",
        TooManyLobbyParticipants = "TooManyLobbyParticipants",
        TooManyOnlineMeetings = "TooManyOnlineMeetings",
        TooManyParticipants = "TooManyParticipants",
        TransferDeclined = "TransferDeclined",
        Transferred = "Transferred",
        TransferTargetDeclined = "TransferTargetDeclined",
        Unavailable = "Unavailable",
        Unreachable = "Unreachable",
        UnsupportedMediaType = "UnsupportedMediaType",
        /// The administrator has blocked this client.
        UserAgentNotAllowed = "UserAgentNotAllowed",
        None = "None",
        MaxEventCountReached = "MaxEventCountReached",
        CallbackChannelError = "CallbackChannelError",
        InvalidExchangeServerVersion = "InvalidExchangeServerVersion",
        UnprocessableEntity = "UnprocessableEntity",
        /// There is no backup pool. This says nothing about the application.
        CannotRedirect = "CannotRedirect",
    }
}
