//! Changes of contacts and groups.

use crate::{resources::SubscriptionState, typed::view};

view! {
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
}

view! {
    /// Starts or extends it.
    ///
    /// Source: `startOrRefreshSubscriptionToContactsAndGroups_ref`.
    input StartOrRefreshSubscriptionToContactsAndGroupsInput = "startOrRefreshSubscriptionToContactsAndGroups" {
        properties {
            /// How many minutes the subscription lives, from 10 to 60.
            duration: i64 = "duration",
        }
    }
}
