//! The dashboard of people.

use crate::typed::view;

view! {
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
}
