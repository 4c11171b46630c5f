//! The contact list and subscriptions to presence.

use std::borrow::Cow;

use crate::{
    resources::{Contact, SubscriptionState},
    view::views,
};

views! {
    /// All contacts.
    ///
    /// Methods: GET. Source: `myContacts_ref`.
    ///
    /// Events: `contact` added, deleted from `people` (high).
    resource MyContacts<'r> = "myContacts" {
        link_lists {
            /// The contact.
            contact_links = "contact",
        }
        embedded_lists {
            /// The contact.
            contact: Contact = "contact",
        }
    }

    /// Adds a distribution group to the contact list.
    ///
    /// Source: `addToContactList_ref`.
    input AddToContactListInput<'r> = "addToContactList" {
        properties {
            /// The name of the group. At most 256 UTF-16 units.
            display_name: Cow<'r, str> = "displayName",
            /// The mail address of the distribution group.
            smtp_address: Cow<'r, str> = "smtpAddress",
        }
    }

    /// Removes a distribution group from the contact list.
    ///
    /// Source: `removeFromContactList_ref`.
    input RemoveFromContactListInput<'r> = "removeFromContactList" {
        properties {
            /// The ID of the group. At most 256 UTF-16 units.
            group_id: Cow<'r, str> = "groupId",
        }
    }

    /// Removes a contact from every group.
    ///
    /// Source: `removeContactFromAllGroups_ref`, `removeContactFromAllGroups2_ref`.
    input RemoveContactFromAllGroupsInput<'r> = "removeContactFromAllGroups" | "removeContactFromAllGroups2" {
        properties {
            /// The URI of the contact. At most 250 UTF-16 units.
            contact_uri: Cow<'r, str> = "contactUri",
        }
    }

    /// The subscription to changes of contacts and groups.
    ///
    /// Methods: GET. Source: `myContactsAndGroupsSubscription_ref`.
    ///
    /// Events: `myContactsAndGroupsSubscription` updated from `people` (medium).
    resource MyContactsAndGroupsSubscription<'r> = "myContactsAndGroupsSubscription" {
        properties {
            /// Whether changes are reported.
            state: SubscriptionState = "state",
        }
        links {
            /// Starts or extends the subscription.
            start_or_refresh_subscription_to_contacts_and_groups = "startOrRefreshSubscriptionToContactsAndGroups",
            /// Ends the subscription.
            stop_subscription_to_contacts_and_groups = "stopSubscriptionToContactsAndGroups",
        }
    }

    /// Starts or extends the subscription.
    ///
    /// Source: `startOrRefreshSubscriptionToContactsAndGroups_ref`.
    input StartOrRefreshSubscriptionToContactsAndGroupsInput = "startOrRefreshSubscriptionToContactsAndGroups" {
        properties {
            /// The lifetime of the subscription in minutes, from 10 to 60.
            duration: i64 = "duration",
        }
    }

    /// The subscriptions to presence.
    ///
    /// Methods: GET, POST. Source: `presenceSubscriptions_ref`.
    resource PresenceSubscriptions<'r> = "presenceSubscriptions" {
        embedded_lists {
            /// The subscription.
            presence_subscription: PresenceSubscription = "presenceSubscription",
        }
    }

    /// A subscription to the presence of some people; an `updated` event warns of its end.
    ///
    /// Methods: GET, POST, DELETE. Source: `presenceSubscription_ref`.
    ///
    /// Events: `presenceSubscription` added, updated, deleted from `people` (medium).
    resource PresenceSubscription<'r> = "presenceSubscription" {
        properties {
            /// The ID within its collection.
            id: Cow<'r, str> = "id",
        }
        links {
            /// Adds contacts to the subscription.
            add_to_presence_subscription = "addToPresenceSubscription",
            /// The memberships of contacts in the subscription.
            memberships = "memberships",
        }
    }

    /// Starts or extends a subscription, for at most 30 minutes.
    ///
    /// Source: `presenceSubscriptions_ref`, `presenceSubscription_ref`.
    ///
    /// Subscribing to too many people gives a 403 response with `LimitExceeded`.
    input PresenceSubscriptionsInput<'r> = "presenceSubscriptions" | "presenceSubscription" {
        properties {
            /// The lifetime of the subscription in minutes, from 10 to 30.
            duration: i64 = "duration",
        }
        property_lists {
            /// The URIs of the contacts to subscribe to.
            uris: Cow<'r, str> = "uris",
        }
    }

    /// The contact whose presence is subscribed to.
    ///
    /// Methods: GET, POST. Source: `presenceSubscriptionMemberships_ref`, `memberships_ref`,
    /// `addToPresenceSubscription_ref`.
    resource PresenceSubscriptionMemberships<'r> = "presenceSubscriptionMemberships" | "memberships" | "addToPresenceSubscription" {
        embedded_lists {
            /// The memberships.
            presence_subscription_membership: PresenceSubscriptionMembership = "presenceSubscriptionMembership",
        }
    }

    /// The membership of one contact in one presence subscription.
    ///
    /// Methods: GET, DELETE. Source: `presenceSubscriptionMembership_ref`.
    resource PresenceSubscriptionMembership<'r> = "presenceSubscriptionMembership" {
        links {
            /// The contact.
            contact = "contact",
            /// The subscription.
            presence_subscription = "presenceSubscription",
        }
    }

    /// Adds people to a subscription.
    ///
    /// Source: `presenceSubscriptionMemberships_ref`, `memberships_ref`, `addToPresenceSubscription_ref`.
    input PresenceSubscriptionMembershipsInput<'r> = "presenceSubscriptionMemberships" | "memberships" | "addToPresenceSubscription" {
        property_lists {
            /// The URIs of the contacts to add to the subscription.
            contact_uris: Cow<'r, str> = "contactUris",
        }
    }

    /// The contacts whose presence the application subscribes to.
    ///
    /// Methods: GET. Source: `subscribedContacts_ref`.
    ///
    /// Events: `contact` added, deleted from `people` (medium).
    resource SubscribedContacts<'r> = "subscribedContacts" {
        link_lists {
            /// The contact.
            contact = "contact",
        }
    }
}
