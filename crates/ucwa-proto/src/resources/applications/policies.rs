//! What the administrator allows.

use std::borrow::Cow;

use crate::{
    resources::{GenericPolicy, LocationRequired},
    typed::view,
};

view! {
    /// What the administrator allows.
    ///
    /// Methods: GET. Source: `policies_ref`.
    ///
    /// Events: `policies` updated from `policies` (medium).
    resource Policies<'r> = "policies" {
        properties {
            /// Whether mobile clients may copy contacts to the device.
            allow_device_contacts_sync: GenericPolicy = "allowDeviceContactsSync",
            /// Whether calls need Wi-Fi.
            audio_only_on_wifi: GenericPolicy = "audioOnlyOnWifi",
            /// Whether call logs are kept by default; disabled means that the user has no choice.
            call_log_archiving: GenericPolicy = "callLogArchiving",
            /// Whether mobile clients may report usage.
            customer_experience_improvement_program: GenericPolicy = "customerExperienceImprovementProgram",
            /// The number that stands for the emergency number.
            emergency_dial_mask: Cow<'r, str> = "emergencyDialMask",
            /// The emergency number.
            emergency_dial_string: Cow<'r, str> = "emergencyDialString",
            /// What to show when no place for emergency services is known.
            emergency_service_disclaimer: Cow<'r, str> = "emergencyServiceDisclaimer",
            /// Whether emoticons are shown as pictures; otherwise the server turns them into text.
            emoticons: GenericPolicy = "emoticons",
            /// Whether mobile clients must encrypt their data.
            encrypt_app_data: GenericPolicy = "encryptAppData",
            /// Whether mobile clients may reach Exchange.
            client_exchange_connectivity: GenericPolicy = "clientExchangeConnectivity",
            /// Whether voice mail lives in Exchange.
            exchange_unified_messaging: GenericPolicy = "exchangeUnifiedMessaging",
            /// Which help to show; opaque.
            help_environment: Cow<'r, str> = "helpEnvironment",
            /// Whether messages may be sent as HTML.
            html_messaging: GenericPolicy = "htmlMessaging",
            /// After how many hours the place should be asked for again.
            location_refresh_interval: i64 = "locationRefreshInterval",
            /// Whether a place is needed for emergency calls.
            location_required: LocationRequired = "locationRequired",
            /// Whether clients log by default; enabled means that the user has no choice.
            logging: GenericPolicy = "logging",
            /// How much clients should log, such as `Full`.
            logging_level: Cow<'r, str> = "loggingLevel",
            /// Whether clients keep transcripts by default; disabled means that the user has no choice.
            message_archiving: GenericPolicy = "messageArchiving",
            /// Whether links in messages may be clickable.
            messaging_urls: GenericPolicy = "messagingUrls",
            /// Whether several videos may be shown at once.
            multi_view_join: GenericPolicy = "multiViewJoin",
            /// Where feedback on the online service goes.
            online_feedback_url: Cow<'r, str> = "onlineFeedbackUrl",
            /// Whether contacts have photos.
            photos: GenericPolicy = "photos",
            /// Whether mobile clients may keep call logs.
            save_call_logs: GenericPolicy = "saveCallLogs",
            /// Whether mobile clients may keep the password.
            save_credentials: GenericPolicy = "saveCredentials",
            /// Whether mobile clients may keep messages.
            save_messaging_history: GenericPolicy = "saveMessagingHistory",
            /// Where feedback goes.
            send_feedback_url: Cow<'r, str> = "sendFeedbackUrl",
            /// Whether screen sharing needs Wi-Fi.
            sharing_only_on_wifi: GenericPolicy = "sharingOnlyOnWifi",
            /// Whether clients may report quality.
            software_quality_metrics: GenericPolicy = "softwareQualityMetrics",
            /// What kind of telephony the user has, such as `Uc` or `AudioVideo`.
            telephony_mode: Cow<'r, str> = "telephonyMode",
            /// Whether the place is kept for emergency calls alone.
            use_location_for_e911_only: GenericPolicy = "useLocationForE911Only",
            /// Whether video needs Wi-Fi.
            video_only_on_wifi: GenericPolicy = "videoOnlyOnWifi",
            /// The address to call for voice mail.
            voicemail_uri: Cow<'r, str> = "voicemailUri",
        }
        property_lists {
            /// Pairs of emergency number and masks, separated by semicolons; they outrank the two single ones.
            emergency_numbers: Cow<'r, str> = "emergencyNumbers",
        }
    }
}
