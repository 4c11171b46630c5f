//! Who is watched.

use std::borrow::Cow;

use crate::typed::view;

view! {
    /// Who is watched.
    ///
    /// Methods: GET, POST. Source: `presenceSubscriptionMemberships_ref`, `memberships_ref`,
    /// `addToPresenceSubscription_ref`.
    resource PresenceSubscriptionMemberships<'r> = "presenceSubscriptionMemberships" {
        embedded_lists {
            /// The memberships.
            presence_subscription_membership: PresenceSubscriptionMembership = "presenceSubscriptionMembership",
        }
    }
}

view! {
    /// That one person is watched by one subscription.
    ///
    /// Methods: GET, DELETE. Source: `presenceSubscriptionMembership_ref`.
    resource PresenceSubscriptionMembership<'r> = "presenceSubscriptionMembership" {
        links {
            /// The person.
            contact = "contact",
            /// The subscription.
            presence_subscription = "presenceSubscription",
        }
    }
}

view! {
    /// Adds people to a subscription.
    ///
    /// Source: `presenceSubscriptionMemberships_ref`, `memberships_ref`, `addToPresenceSubscription_ref`.
    input PresenceSubscriptionMembershipsInput<'r> = "presenceSubscriptionMemberships" {
        property_lists {
            /// Whose presence to watch in addition.
            contact_uris: Cow<'r, str> = "contactUris",
        }
    }
}
