//! A person.

use std::borrow::Cow;

use crate::{
    resources::{ContactType, SourceNetwork},
    typed::view,
};

view! {
    /// A person or service that the user can talk to; may be a stranger.
    ///
    /// Methods: GET. Source: `contact_ref`, `acceptedByContact_ref`, `to_ref`, `onBehalfOf_ref`, `forwardedBy_ref`,
    /// `transferredBy_ref`.
    resource Contact<'r> = "contact" {
        properties {
            /// The company.
            company: Cow<'r, str> = "company",
            /// The department.
            department: Cow<'r, str> = "department",
            /// The telephone at home, as a `tel:` URI.
            home_phone_number: Cow<'r, str> = "homePhoneNumber",
            /// An icon of that network.
            source_network_icon_url: Cow<'r, str> = "sourceNetworkIconUrl",
            /// The mobile telephone, as a `tel:` URI.
            mobile_phone_number: Cow<'r, str> = "mobilePhoneNumber",
            /// The display name; empty means unknown.
            name: Cow<'r, str> = "name",
            /// The office, a place or a number.
            office: Cow<'r, str> = "office",
            /// Another telephone, as a `tel:` URI.
            other_phone_number: Cow<'r, str> = "otherPhoneNumber",
            /// Which network the person belongs to.
            source_network: SourceNetwork = "sourceNetwork",
            /// The job title.
            title: Cow<'r, str> = "title",
            /// Whether it is a person, a telephone or a bot.
            kind: ContactType = "type",
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
            /// The contact's place.
            contact_location = "contactLocation",
            /// The contact's note.
            contact_note = "contactNote",
            /// The contact's photo.
            contact_photo = "contactPhoto",
            /// The contact's presence.
            contact_presence = "contactPresence",
            /// How much the contact may see of the user.
            contact_privacy_relationship = "contactPrivacyRelationship",
            /// What the contact can take part in.
            contact_supported_modalities = "contactSupportedModalities",
        }
    }
}
