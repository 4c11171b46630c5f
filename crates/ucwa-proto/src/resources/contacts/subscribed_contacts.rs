//! Whose presence is watched.

use crate::typed::view;

view! {
    /// The contacts whose presence is watched.
    ///
    /// Methods: GET. Source: `subscribedContacts_ref`.
    ///
    /// Events: `contact` added, deleted from `people` (medium).
    resource SubscribedContacts<'r> = "subscribedContacts" {
        link_lists {
            /// The person.
            contact = "contact",
        }
    }
}
