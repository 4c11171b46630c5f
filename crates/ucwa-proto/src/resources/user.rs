//! The user.

use std::borrow::Cow;

use crate::{
    resources::{
        AudioPreference, Availability, MessageFormat, ModalityType, NoteType, PreferredAvailability,
    },
    view::views,
};

views! {
    /// Where the user is.
    ///
    /// Methods: GET, POST. Source: `location_ref`.
    ///
    /// Events: `location` added, updated, deleted from `me` (medium).
    resource Location<'r> = "location" {
        properties {
            /// Where the person is, in the person's own words.
            location: Cow<'r, str> = "location",
        }
    }

    /// Sets the place.
    ///
    /// Source: `location_ref`.
    input LocationInput<'r> = "location" {
        properties {
            /// Where the user is. At most 60 UTF-16 units.
            location: Cow<'r, str> = "location",
        }
    }

    /// Makes the user available for invitations; 204. A second time gives 409 `AlreadyExists`.
    ///
    /// Source: `makeMeAvailable_ref`, `makeMeAvailable2_ref`.
    ///
    /// Modalities other than `Messaging` and `PhoneAudio` give 403.
    input MakeMeAvailableInput<'r> = "makeMeAvailable" | "makeMeAvailable2" {
        properties {
            /// How incoming calls should ring; VoIP by default.
            audio_preference: AudioPreference = "audioPreference",
            /// After how long without activity the user counts as inactive, as a time span; five minutes by default.
            inactive_timeout: Cow<'r, str> = "inactiveTimeout",
            /// The telephone to reach the user on. At most 100 UTF-16 units.
            phone_number: Cow<'r, str> = "phoneNumber",
            /// The presence to start with.
            sign_in_as: PreferredAvailability = "signInAs",
            /// How long to wait for the client before a call rings on the telephone, as a time span.
            voip_fallback_to_phone_audio_timeout: Cow<'r, str> = "voipFallbackToPhoneAudioTimeOut",
        }
        property_lists {
            /// The formats that this client can show; `Plain` by default.
            supported_message_formats: MessageFormat = "supportedMessageFormats",
            /// The kinds of invitation that this client takes.
            supported_modalities: ModalityType = "supportedModalities",
        }
    }

    /// The user.
    ///
    /// Methods: GET. Source: `me_ref`.
    ///
    /// Events: `me` updated from `me` (medium).
    ///
    /// Before `makeMeAvailable` is used, `presence`, `note`, `location` and `reportMyActivity` are absent; afterwards
    /// `makeMeAvailable` is.
    resource Me<'r> = "me" {
        properties {
            /// The company.
            company: Cow<'r, str> = "company",
            /// The department.
            department: Cow<'r, str> = "department",
            /// The SIP address of this very endpoint.
            endpoint_uri: Cow<'r, str> = "endpointUri",
            /// The telephone at home, as a `tel:` URI.
            home_phone_number: Cow<'r, str> = "homePhoneNumber",
            /// The mobile telephone, as a `tel:` URI.
            mobile_phone_number: Cow<'r, str> = "mobilePhoneNumber",
            /// The display name; empty means unknown.
            name: Cow<'r, str> = "name",
            /// Where the office is.
            office_location: Cow<'r, str> = "officeLocation",
            /// Another telephone, as a `tel:` URI.
            other_phone_number: Cow<'r, str> = "otherPhoneNumber",
            /// The job title.
            title: Cow<'r, str> = "title",
            /// The address, as a rule a `sip:` URI.
            uri: Cow<'r, str> = "uri",
            /// The telephone at work, as a `tel:` URI.
            work_phone_number: Cow<'r, str> = "workPhoneNumber",
        }
        property_lists {
            /// The mail addresses.
            email_addresses: Cow<'r, str> = "emailAddresses",
        }
        links {
            /// Where calls go when the user does not answer.
            call_forwarding_settings = "callForwardingSettings",
            /// The user's place; appears once the user is available.
            location = "location",
            /// Makes the user available for invitations; gone once used.
            make_me_available = "makeMeAvailable",
            /// The user's note; appears once the user is available.
            note = "note",
            /// The user's telephones.
            phones = "phones",
            /// The user's photo.
            photo = "photo",
            /// The user's presence; appears once the user is available.
            presence = "presence",
            /// To be posted, empty, at least every four minutes while the user is active; appears once the user is
            /// available.
            report_my_activity = "reportMyActivity",
        }
    }

    /// What the user lets others know.
    ///
    /// Methods: GET, POST. Source: `note_ref`.
    ///
    /// Events: `note` added, updated, deleted from `me` (medium).
    resource Note<'r> = "note" {
        properties {
            /// The note. Hidden in debug output.
            message: Cow<'r, str> = "message",
            /// Whether the note is personal or an automatic reply.
            kind: NoteType = "type",
        }
    }

    /// Sets the note.
    ///
    /// Source: `note_ref`.
    input NoteInput<'r> = "note" {
        properties {
            /// The note; blank resets it. At most 500 UTF-16 units. Hidden in debug output.
            message: Cow<'r, str> = "message",
        }
    }

    /// The user's telephones.
    ///
    /// Methods: GET. Source: `phones_ref`.
    resource Phones<'r> = "phones" {
        embedded_lists {
            /// The telephones.
            phone: Phone = "phone",
        }
    }

    /// One of the user's telephones.
    ///
    /// Methods: GET. Source: `phone_ref`.
    resource Phone<'r> = "phone" {
        properties {
            /// Whether others can see the number.
            include_in_contact_card: bool = "includeInContactCard",
            /// The number; may be empty.
            number: Cow<'r, str> = "number",
            /// Which telephone it is: `Work`, `Home`, `Other` or `Mobile`, in any letter case and perhaps with white
            /// space.
            kind: Cow<'r, str> = "type",
        }
        links {
            /// Changes the number.
            change_number = "changeNumber",
            /// Shows or hides the number.
            change_visibility = "changeVisibility",
        }
    }

    /// Changes a number; without one it is cleared.
    ///
    /// Source: `changeNumber_ref`.
    input ChangeNumberInput<'r> = "changeNumber" {
        properties {
            /// Whether others can see the number.
            include_in_contact_card: bool = "includeInContactCard",
            /// The number. At most 80 UTF-16 units.
            number: Cow<'r, str> = "number",
        }
    }

    /// Shows or hides a number.
    ///
    /// Source: `changeVisibility_ref`.
    input ChangeVisibilityInput = "changeVisibility" {
        properties {
            /// Whether others can see the number.
            include_in_contact_card: bool = "includeInContactCard",
        }
    }

    /// The user's photo; an image in fact.
    ///
    /// Methods: GET. Source: `photo_ref`.
    resource Photo<'r> = "photo" {}

    /// How available the user is.
    ///
    /// Methods: GET, POST. Source: `presence_ref`.
    ///
    /// Events: `presence` added, updated, deleted from `me` (medium).
    resource Presence<'r> = "presence" {
        properties {
            /// What the user does, in the language of the application.
            activity: Cow<'r, str> = "activity",
            /// How available the person is.
            availability: Availability = "availability",
        }
    }

    /// Sets the user's presence.
    ///
    /// Source: `presence_ref`.
    input PresenceInput = "presence" {
        properties {
            /// The presence to show; an input without it resets the presence.
            availability: PreferredAvailability = "availability",
        }
    }
}
