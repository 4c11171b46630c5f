//! A distribution group.

use std::borrow::Cow;

use crate::{resources::Contact, typed::view};

view! {
    /// A group of people that the organisation keeps.
    ///
    /// Methods: GET. Source: `distributionGroup_ref`, `expandDistributionGroup_ref`.
    ///
    /// Events: `distributionGroup` updated from `people` (high).
    resource DistributionGroup<'r> = "distributionGroup" {
        properties {
            /// The address, as a rule a `sip:` URI.
            uri: Cow<'r, str> = "uri",
            /// The identity within its collection.
            id: Cow<'r, str> = "id",
            /// The name. At most 256 UTF-16 units.
            name: Cow<'r, str> = "name",
        }
        links {
            /// Adds the group to the contact list.
            add_to_contact_list = "addToContactList",
            /// The members of the group.
            expand_distribution_group = "expandDistributionGroup",
            /// Removes the group from the contact list.
            remove_from_contact_list = "removeFromContactList",
            /// Watches the presence of all members.
            subscribe_to_group_presence = "subscribeToGroupPresence",
        }
        embedded_lists {
            /// The person.
            contact: Contact = "contact",
            /// A distribution group.
            distribution_group: DistributionGroup = "distributionGroup",
        }
    }
}
