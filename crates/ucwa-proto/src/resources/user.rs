//! The user: presence, note, location, photo and phones.

use std::borrow::Cow;

use crate::{
    resources::{
        AudioPreference, Availability, MessageFormat, ModalityType, NoteType, PreferredAvailability,
    },
    view::views,
};

views! {
    /// The location of the user.
    ///
    /// Methods: GET, POST. Source: `location_ref`.
    ///
    /// Events: `location` added, updated, deleted from `me` (medium).
    resource Location<'r> = "location" {
        properties {
            /// The location, as free text.
            location: Cow<'r, str> = "location",
        }
    }

    /// Sets the location.
    ///
    /// Source: `location_ref`.
    input LocationInput<'r> = "location" {
        properties {
            /// The location of the user. At most 60 UTF-16 units.
            location: Cow<'r, str> = "location",
        }
    }

    /// Makes the user available for invitations. The response is 204; a second request gets a 409 with `AlreadyExists`.
    ///
    /// Source: `makeMeAvailable_ref`, `makeMeAvailable2_ref`.
    ///
    /// Modalities other than `Messaging` and `PhoneAudio` give 403.
    input MakeMeAvailableInput<'r> = "makeMeAvailable" | "makeMeAvailable2" {
        properties {
            /// The device that incoming calls ring on; VoIP by default.
            audio_preference: AudioPreference = "audioPreference",
            /// After how long without activity the user counts as inactive, as a time span; five minutes by default.
            inactive_timeout: Cow<'r, str> = "inactiveTimeout",
            /// The user's phone number. At most 100 UTF-16 units.
            phone_number: Cow<'r, str> = "phoneNumber",
            /// The presence to start with.
            sign_in_as: PreferredAvailability = "signInAs",
            /// The time to wait for the client before a call rings on the phone, as a time span.
            voip_fallback_to_phone_audio_timeout: Cow<'r, str> = "voipFallbackToPhoneAudioTimeOut",
        }
        property_lists {
            /// The message formats that this client supports; `Plain` by default.
            supported_message_formats: MessageFormat = "supportedMessageFormats",
            /// The modalities of the invitations that this client accepts.
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
            /// The SIP address of this endpoint.
            endpoint_uri: Cow<'r, str> = "endpointUri",
            /// The home phone number, as a `tel:` URI.
            home_phone_number: Cow<'r, str> = "homePhoneNumber",
            /// The mobile phone number, as a `tel:` URI.
            mobile_phone_number: Cow<'r, str> = "mobilePhoneNumber",
            /// The display name; empty means unknown.
            name: Cow<'r, str> = "name",
            /// The location of the office.
            office_location: Cow<'r, str> = "officeLocation",
            /// Another phone number, as a `tel:` URI.
            other_phone_number: Cow<'r, str> = "otherPhoneNumber",
            /// The job title.
            title: Cow<'r, str> = "title",
            /// The URI, usually a `sip:` URI.
            uri: Cow<'r, str> = "uri",
            /// The work phone number, as a `tel:` URI.
            work_phone_number: Cow<'r, str> = "workPhoneNumber",
        }
        property_lists {
            /// The mail addresses.
            email_addresses: Cow<'r, str> = "emailAddresses",
        }
        links {
            /// The targets of calls that the user does not answer.
            call_forwarding_settings = "callForwardingSettings",
            /// The user's location; present once the user is available.
            location = "location",
            /// Makes the user available for invitations; absent after its use.
            make_me_available = "makeMeAvailable",
            /// The user's note; present once the user is available.
            note = "note",
            /// The user's phones.
            phones = "phones",
            /// The user's photo.
            photo = "photo",
            /// The user's presence; present once the user is available.
            presence = "presence",
            /// Takes an empty POST at least every four minutes while the user is active; present once the user is
            /// available.
            report_my_activity = "reportMyActivity",
        }
    }

    /// The note of the user.
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

    /// The user's phones.
    ///
    /// Methods: GET. Source: `phones_ref`.
    resource Phones<'r> = "phones" {
        embedded_lists {
            /// The phones.
            phone: Phone = "phone",
        }
    }

    /// One of the user's phones.
    ///
    /// Methods: GET. Source: `phone_ref`.
    resource Phone<'r> = "phone" {
        properties {
            /// Whether others can see the number.
            include_in_contact_card: bool = "includeInContactCard",
            /// The number; may be empty.
            number: Cow<'r, str> = "number",
            /// The kind of phone: `Work`, `Home`, `Other` or `Mobile`, in any letter case and perhaps with white
            /// space.
            kind: Cow<'r, str> = "type",
        }
        links {
            /// Changes the number.
            change_number = "changeNumber",
            /// Changes whether others can see the number.
            change_visibility = "changeVisibility",
        }
    }

    /// Changes a number; an input without one clears it.
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

    /// Changes whether others can see a number.
    ///
    /// Source: `changeVisibility_ref`.
    input ChangeVisibilityInput = "changeVisibility" {
        properties {
            /// Whether others can see the number.
            include_in_contact_card: bool = "includeInContactCard",
        }
    }

    /// The user's photo. The response is an image, not a resource.
    ///
    /// Methods: GET. Source: `photo_ref`.
    resource Photo<'r> = "photo" {}

    /// The presence of the user.
    ///
    /// Methods: GET, POST. Source: `presence_ref`.
    ///
    /// Events: `presence` added, updated, deleted from `me` (medium).
    resource Presence<'r> = "presence" {
        properties {
            /// The activity of the user, in the language of the application.
            activity: Cow<'r, str> = "activity",
            /// The availability of the person.
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
