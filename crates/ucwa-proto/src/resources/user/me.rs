//! The user.

use std::borrow::Cow;

use crate::typed::view;

view! {
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
}
