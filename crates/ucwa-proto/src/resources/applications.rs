//! The application and the policies of the administrator.

use std::borrow::Cow;

use crate::{
    Resource,
    resources::{ClientNetworkType, Communication, GenericPolicy, LocationRequired, Me, People},
    view::views,
};

views! {
    /// A client signed in: the root of everything that it may do.
    ///
    /// Methods: GET, DELETE. Source: `application_ref`, `anonApplications_ref`.
    ///
    /// The server ends the application when no request for events arrives for 15 minutes, or when the user was made available and no
    /// activity is reported.
    resource Application<'r> = "application" | "anonApplications" {
        properties {
            /// The kind of device; `Browser`.
            kind: Cow<'r, str> = "type",
            /// The language of server-made texts, such as `en-US`. At most 100 UTF-16 units.
            culture: Cow<'r, str> = "culture",
            /// The client's ID for this device, unique among the user's devices. At most 100 UTF-16 units.
            endpoint_id: Cow<'r, str> = "endpointId",
            /// The server's ID of this registration, as in its logs.
            id: Cow<'r, str> = "id",
            /// The ID of one of several event channels of the application. At most 100 UTF-16 units.
            instance_id: Cow<'r, str> = "instanceId",
            /// The name and version of the client, such as `ContosoApp/1.0`. At most 100 UTF-16 units.
            user_agent: Cow<'r, str> = "userAgent",
        }
        links {
            /// Takes a batch of requests.
            batch = "batch",
            /// The event channel.
            events = "events",
            /// The policies that the administrator set.
            policies = "policies",
            /// Reports the network location of the client.
            report_my_network = "reportMyNetwork",
        }
        embedded {
            /// The dashboard of conversations.
            communication: Communication = "communication",
            /// The user.
            me: Me = "me",
            /// The dashboard of meetings, without a view.
            online_meetings: Resource = "onlineMeetings",
            /// The dashboard of people.
            people: People = "people",
        }
    }

    /// The user's applications.
    ///
    /// Methods: GET, POST. Source: `applications2_ref`, `applications_ref`.
    resource Applications<'r> = "applications" | "applications2" {
        embedded {
            /// The dashboard of conversations.
            communication: Communication = "communication",
            /// The user.
            me: Me = "me",
            /// The dashboard of meetings, without a view.
            online_meetings: Resource = "onlineMeetings",
            /// The dashboard of people.
            people: People = "people",
        }
        embedded_lists {
            /// The application.
            application: Application = "application",
        }
    }

    /// Creates an application. The response is 201, or 200 if the instance exists.
    ///
    /// Source: `applications_ref`.
    ///
    /// `culture`, `endpointId` and `userAgent` are required. With `instanceId` several event channels can share one
    /// application (`MultiTabSupport`).
    input ApplicationsInput<'r> = "applications" {
        properties {
            /// The language of server-made texts, such as `en-US`. At most 100 UTF-16 units.
            culture: Cow<'r, str> = "culture",
            /// The client's ID for this device, unique among the user's devices. At most 100 UTF-16 units.
            endpoint_id: Cow<'r, str> = "endpointId",
            /// The ID of one of several event channels of the application. At most 100 UTF-16 units.
            instance_id: Cow<'r, str> = "instanceId",
            /// The name and version of the client, such as `ContosoApp/1.0`. At most 100 UTF-16 units.
            user_agent: Cow<'r, str> = "userAgent",
        }
    }

    /// Creates the application of a guest.
    ///
    /// Source: `anonApplications_ref`.
    ///
    /// Both are required.
    input AnonApplicationsInput<'r> = "anonApplications" {
        properties {
            /// The language of server-made texts, such as `en-US`. At most 100 UTF-16 units.
            culture: Cow<'r, str> = "culture",
            /// The name and version of the client, such as `ContosoApp/1.0`. At most 100 UTF-16 units.
            user_agent: Cow<'r, str> = "userAgent",
        }
    }

    /// The policies that the administrator set.
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
            /// The text to show if no location for emergency services is known.
            emergency_service_disclaimer: Cow<'r, str> = "emergencyServiceDisclaimer",
            /// Whether emoticons are shown as pictures; otherwise the server turns them into text.
            emoticons: GenericPolicy = "emoticons",
            /// Whether mobile clients must encrypt their data.
            encrypt_app_data: GenericPolicy = "encryptAppData",
            /// Whether mobile clients may connect to Exchange.
            client_exchange_connectivity: GenericPolicy = "clientExchangeConnectivity",
            /// Whether voice mail is stored in Exchange.
            exchange_unified_messaging: GenericPolicy = "exchangeUnifiedMessaging",
            /// The help environment; opaque.
            help_environment: Cow<'r, str> = "helpEnvironment",
            /// Whether messages may be sent as HTML.
            html_messaging: GenericPolicy = "htmlMessaging",
            /// After how many hours the place should be asked for again.
            location_refresh_interval: i64 = "locationRefreshInterval",
            /// Whether a location is required for emergency calls.
            location_required: LocationRequired = "locationRequired",
            /// Whether clients log by default; enabled means that the user has no choice.
            logging: GenericPolicy = "logging",
            /// The log level of clients, such as `Full`.
            logging_level: Cow<'r, str> = "loggingLevel",
            /// Whether clients keep transcripts by default; disabled means that the user has no choice.
            message_archiving: GenericPolicy = "messageArchiving",
            /// Whether links in messages may be clickable.
            messaging_urls: GenericPolicy = "messagingUrls",
            /// Whether several videos may be shown at once.
            multi_view_join: GenericPolicy = "multiViewJoin",
            /// The URL for feedback on the online service.
            online_feedback_url: Cow<'r, str> = "onlineFeedbackUrl",
            /// Whether contacts have photos.
            photos: GenericPolicy = "photos",
            /// Whether mobile clients may keep call logs.
            save_call_logs: GenericPolicy = "saveCallLogs",
            /// Whether mobile clients may keep the password.
            save_credentials: GenericPolicy = "saveCredentials",
            /// Whether mobile clients may keep messages.
            save_messaging_history: GenericPolicy = "saveMessagingHistory",
            /// The URL for feedback.
            send_feedback_url: Cow<'r, str> = "sendFeedbackUrl",
            /// Whether screen sharing needs Wi-Fi.
            sharing_only_on_wifi: GenericPolicy = "sharingOnlyOnWifi",
            /// Whether clients may report quality.
            software_quality_metrics: GenericPolicy = "softwareQualityMetrics",
            /// The telephony mode of the user, such as `Uc` or `AudioVideo`.
            telephony_mode: Cow<'r, str> = "telephonyMode",
            /// Whether the location is used for emergency calls only.
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

    /// Reports the network location of the client.
    ///
    /// Source: `reportMyNetwork_ref`.
    input ReportMyNetworkInput<'r> = "reportMyNetwork" {
        properties {
            /// The chassis of the network switch.
            chassis_id: Cow<'r, str> = "chassisID",
            /// Whether the client is inside the company network.
            client_network_type: ClientNetworkType = "clientNetworkType",
            /// The client's IP address.
            ip: Cow<'r, str> = "ip",
            /// The client's MAC address.
            mac: Cow<'r, str> = "mac",
            /// The port of the network switch.
            port_id: Cow<'r, str> = "portID",
            /// The signal strength.
            rssi: Cow<'r, str> = "rssi",
            /// The subnet.
            subnet_id: Cow<'r, str> = "subnetID",
            /// The wireless access point.
            wap_bssid: Cow<'r, str> = "wapBSSID",
        }
    }
}
