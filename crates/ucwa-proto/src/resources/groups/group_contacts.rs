//! The members of a group.

use crate::{resources::Contact, typed::view};

view! {
    /// The members of a group.
    ///
    /// Methods: GET. Source: `groupContacts_ref`.
    ///
    /// Events: `contact` added, deleted from `people` (high).
    resource GroupContacts<'r> = "groupContacts" {
        link_lists {
            /// The person.
            contact_links = "contact",
        }
        embedded_lists {
            /// The person.
            contact: Contact = "contact",
        }
    }
}
