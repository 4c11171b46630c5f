//! Other people and what is known of them.

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

    /// Where a contact is.
    ///
    /// Methods: GET. Source: `contactLocation_ref`.
    ///
    /// Events: `contactLocation` updated from `people` (medium).
    resource ContactLocation<'r> = "contactLocation" {
        properties {
            /// Where the person is, in the person's own words.
            location: Cow<'r, str> = "location",
        }
    }

    /// What a contact lets others know.
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

    /// A contact's photo; an image in fact.
    ///
    /// Methods: GET. Source: `contactPhoto_ref`.
    resource ContactPhoto<'r> = "contactPhoto" {}

    /// How available a contact is.
    ///
    /// Methods: GET. Source: `contactPresence_ref`.
    ///
    /// Events: `contactPresence` updated from `people` (medium).
    resource ContactPresence<'r> = "contactPresence" {
        properties {
            /// What the contact does, in the language of the application.
            activity: Cow<'r, str> = "activity",
            /// How available the person is.
            availability: Availability = "availability",
            /// The device the contact uses.
            device_type: ContactDeviceType = "deviceType",
            /// When the contact was last active.
            last_active: DateTime = "lastActive",
        }
    }

    /// How much a contact may see of the user.
    ///
    /// Methods: GET, PUT. Source: `contactPrivacyRelationship_ref`, `contactPrivacyRelationship2_ref`.
    ///
    /// Events: `contactPrivacyRelationship` updated from `people` (medium).
    resource ContactPrivacyRelationship<'r> = "contactPrivacyRelationship" | "contactPrivacyRelationship2" {
        properties {
            /// How much the contact may see of the user.
            relationship_level: PrivacyRelationshipLevel = "relationshipLevel",
        }
        links {
            /// Puts the relationship back to what it is by default.
            reset_contact_privacy_relationship = "resetContactPrivacyRelationship",
        }
    }

    /// Changes how much a contact may see; a PUT.
    ///
    /// Source: `contactPrivacyRelationship2_ref`.
    input ContactPrivacyRelationshipInput = "contactPrivacyRelationship" | "contactPrivacyRelationship2" {
        properties {
            /// How much the contact may see of the user.
            relationship_level: PrivacyRelationshipLevel = "relationshipLevel",
        }
    }

    /// What a contact can take part in.
    ///
    /// Methods: GET. Source: `contactSupportedModalities_ref`.
    ///
    /// Events: `contactSupportedModalities` updated from `people` (medium).
    resource ContactSupportedModalities<'r> = "contactSupportedModalities" {
        property_lists {
            /// What the contact can take part in.
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
            /// Which contact is in which group.
            my_group_memberships = "myGroupMemberships",
            /// All groups.
            my_groups = "myGroups",
            /// How much contacts may see, level by level.
            my_privacy_relationships = "myPrivacyRelationships",
            /// Whose presence is watched.
            presence_subscription_memberships = "presenceSubscriptionMemberships",
            /// The subscriptions to presence.
            presence_subscriptions = "presenceSubscriptions",
            /// Finds contacts.
            search = "search",
            /// The contacts whose presence is watched.
            subscribed_contacts = "subscribedContacts",
        }
    }

    /// How much contacts may see, level by level.
    ///
    /// Methods: GET. Source: `myPrivacyRelationships_ref`.
    resource MyPrivacyRelationships<'r> = "myPrivacyRelationships" {
        embedded_lists {
            /// The levels.
            my_privacy_relationship: MyPrivacyRelationship = "myPrivacyRelationship",
        }
    }

    /// The contacts of one level.
    ///
    /// Methods: GET. Source: `myPrivacyRelationship_ref`.
    resource MyPrivacyRelationship<'r> = "myPrivacyRelationship" {
        properties {
            /// How much the contact may see of the user.
            relationship_level: PrivacyRelationshipLevel = "relationshipLevel",
        }
        link_lists {
            /// The person.
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
            /// The person.
            contact: Contact = "contact",
            /// A distribution group.
            distribution_group: DistributionGroup = "distributionGroup",
        }
    }
}
