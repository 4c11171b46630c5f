//! Contacts and their presence, notes, locations and privacy levels.

use std::borrow::Cow;

use crate::{
    DateTime,
    resources::{
        Availability, ContactDeviceType, ContactType, DistributionGroup, ModalityType, NoteType,
        PrivacyRelationshipLevel, SourceNetwork,
    },
    view::views,
};

views! {
    /// A person or service that the user can talk to; may be a stranger.
    ///
    /// Methods: GET. Source: `contact_ref`, `acceptedByContact_ref`, `to_ref`, `onBehalfOf_ref`, `forwardedBy_ref`,
    /// `transferredBy_ref`.
    resource Contact<'r> = "contact" | "acceptedByContact" | "to" | "onBehalfOf" | "forwardedBy" | "transferredBy" {
        properties {
            /// The company.
            company: Cow<'r, str> = "company",
            /// The department.
            department: Cow<'r, str> = "department",
            /// The home phone number, as a `tel:` URI.
            home_phone_number: Cow<'r, str> = "homePhoneNumber",
            /// An icon of that network.
            source_network_icon_url: Cow<'r, str> = "sourceNetworkIconUrl",
            /// The mobile phone number, as a `tel:` URI.
            mobile_phone_number: Cow<'r, str> = "mobilePhoneNumber",
            /// The display name; empty means unknown.
            name: Cow<'r, str> = "name",
            /// The office, a place or a number.
            office: Cow<'r, str> = "office",
            /// Another phone number, as a `tel:` URI.
            other_phone_number: Cow<'r, str> = "otherPhoneNumber",
            /// The network that the person belongs to.
            source_network: SourceNetwork = "sourceNetwork",
            /// The job title.
            title: Cow<'r, str> = "title",
            /// The type: a person, a phone or a bot.
            kind: ContactType = "type",
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
            /// The contact's location.
            contact_location = "contactLocation",
            /// The contact's note.
            contact_note = "contactNote",
            /// The contact's photo.
            contact_photo = "contactPhoto",
            /// The contact's presence.
            contact_presence = "contactPresence",
            /// The level of the user's data that the contact may see.
            contact_privacy_relationship = "contactPrivacyRelationship",
            /// The modalities that the contact supports.
            contact_supported_modalities = "contactSupportedModalities",
        }
    }

    /// The location of a contact.
    ///
    /// Methods: GET. Source: `contactLocation_ref`.
    ///
    /// Events: `contactLocation` updated from `people` (medium).
    resource ContactLocation<'r> = "contactLocation" {
        properties {
            /// The location, as free text.
            location: Cow<'r, str> = "location",
        }
    }

    /// The note of a contact.
    ///
    /// Methods: GET. Source: `contactNote_ref`.
    ///
    /// Events: `contactNote` updated from `people` (medium).
    resource ContactNote<'r> = "contactNote" {
        properties {
            /// The note. Hidden in debug output.
            message: Cow<'r, str> = "message",
            /// Whether the note is personal or an automatic reply.
            kind: NoteType = "type",
        }
    }

    /// A contact's photo. The response is an image, not a resource.
    ///
    /// Methods: GET. Source: `contactPhoto_ref`.
    resource ContactPhoto<'r> = "contactPhoto" {}

    /// The presence of a contact.
    ///
    /// Methods: GET. Source: `contactPresence_ref`.
    ///
    /// Events: `contactPresence` updated from `people` (medium).
    resource ContactPresence<'r> = "contactPresence" {
        properties {
            /// The activity of the contact, in the language of the application.
            activity: Cow<'r, str> = "activity",
            /// The availability of the person.
            availability: Availability = "availability",
            /// The type of the device that the contact uses.
            device_type: ContactDeviceType = "deviceType",
            /// The time when the contact was last active.
            last_active: DateTime = "lastActive",
        }
    }

    /// The level of the user's data that a contact may see.
    ///
    /// Methods: GET, PUT. Source: `contactPrivacyRelationship_ref`, `contactPrivacyRelationship2_ref`.
    ///
    /// Events: `contactPrivacyRelationship` updated from `people` (medium).
    resource ContactPrivacyRelationship<'r> = "contactPrivacyRelationship" | "contactPrivacyRelationship2" {
        properties {
            /// The level of the user's data that the contact may see.
            relationship_level: PrivacyRelationshipLevel = "relationshipLevel",
        }
        links {
            /// Resets the privacy level to the default.
            reset_contact_privacy_relationship = "resetContactPrivacyRelationship",
        }
    }

    /// Changes the privacy level of a contact; a PUT.
    ///
    /// Source: `contactPrivacyRelationship2_ref`.
    input ContactPrivacyRelationshipInput = "contactPrivacyRelationship" | "contactPrivacyRelationship2" {
        properties {
            /// The level of the user's data that the contact may see.
            relationship_level: PrivacyRelationshipLevel = "relationshipLevel",
        }
    }

    /// The modalities that a contact supports.
    ///
    /// Methods: GET. Source: `contactSupportedModalities_ref`.
    ///
    /// Events: `contactSupportedModalities` updated from `people` (medium).
    resource ContactSupportedModalities<'r> = "contactSupportedModalities" {
        property_lists {
            /// The modalities that the contact supports.
            modalities: ModalityType = "modalities",
        }
    }

    /// The dashboard of people.
    ///
    /// Methods: GET. Source: `people_ref`.
    resource People<'r> = "people" {
        links {
            /// Reports changes of contacts and groups.
            my_contacts_and_groups_subscription = "myContactsAndGroupsSubscription",
            /// All contacts.
            my_contacts = "myContacts",
            /// The memberships of contacts in groups.
            my_group_memberships = "myGroupMemberships",
            /// All groups.
            my_groups = "myGroups",
            /// The privacy levels, each with its contacts.
            my_privacy_relationships = "myPrivacyRelationships",
            /// The memberships of contacts in presence subscriptions.
            presence_subscription_memberships = "presenceSubscriptionMemberships",
            /// The subscriptions to presence.
            presence_subscriptions = "presenceSubscriptions",
            /// Searches for contacts.
            search = "search",
            /// The contacts whose presence the application subscribes to.
            subscribed_contacts = "subscribedContacts",
        }
    }

    /// The privacy levels, each with its contacts.
    ///
    /// Methods: GET. Source: `myPrivacyRelationships_ref`.
    resource MyPrivacyRelationships<'r> = "myPrivacyRelationships" {
        embedded_lists {
            /// The privacy levels.
            my_privacy_relationship: MyPrivacyRelationship = "myPrivacyRelationship",
        }
    }

    /// The contacts of one privacy level.
    ///
    /// Methods: GET. Source: `myPrivacyRelationship_ref`.
    resource MyPrivacyRelationship<'r> = "myPrivacyRelationship" {
        properties {
            /// The level of the user's data that the contact may see.
            relationship_level: PrivacyRelationshipLevel = "relationshipLevel",
        }
        link_lists {
            /// The contact.
            contact = "contact",
        }
    }

    /// The contacts that a search found.
    ///
    /// Methods: GET. Source: `search_ref`, `search2_ref`.
    ///
    /// The query parameters are `query`, at most 256 UTF-16 units, and `limit`, from 1 to 100; the newer revision
    /// also takes `mail`, at most 256.
    resource Search<'r> = "search" | "search2" {
        properties {
            /// Whether more contacts match than the limit allowed.
            more_results_available: bool = "moreResultsAvailable",
        }
        embedded_lists {
            /// The contact.
            contact: Contact = "contact",
            /// A distribution group.
            distribution_group: DistributionGroup = "distributionGroup",
        }
    }
}
