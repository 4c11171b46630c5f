//! Subscriptions to presence.

use std::borrow::Cow;

use crate::typed::view;

view! {
    /// The subscriptions to presence.
    ///
    /// Methods: GET, POST. Source: `presenceSubscriptions_ref`.
    resource PresenceSubscriptions<'r> = "presenceSubscriptions" {
        embedded_lists {
            /// The subscription.
            presence_subscription: PresenceSubscription = "presenceSubscription",
        }
    }
}

view! {
    /// A subscription to the presence of some people; an `updated` event warns of its end.
    ///
    /// Methods: GET, POST, DELETE. Source: `presenceSubscription_ref`.
    ///
    /// Events: `presenceSubscription` added, updated, deleted from `people` (medium).
    resource PresenceSubscription<'r> = "presenceSubscription" {
        properties {
            /// The identity within its collection.
            id: Cow<'r, str> = "id",
        }
        links {
            /// Adds contacts to the subscription.
            add_to_presence_subscription = "addToPresenceSubscription",
            /// Whom the subscription watches.
            memberships = "memberships",
        }
    }
}

view! {
    /// Starts a subscription, or extends one, which then lives 30 minutes at most.
    ///
    /// Source: `presenceSubscriptions_ref`, `presenceSubscription_ref`.
    ///
    /// Too many watched people give 403 `LimitExceeded`.
    input PresenceSubscriptionsInput<'r> = "presenceSubscriptions" {
        properties {
            /// How many minutes the subscription lives, from 10 to 30.
            duration: i64 = "duration",
        }
        property_lists {
            /// Whose presence to watch.
            uris: Cow<'r, str> = "uris",
        }
    }
}
