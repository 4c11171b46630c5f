//! A group.

use std::borrow::Cow;

use crate::typed::view;

view! {
    /// A group of contacts, the user's own or one that the server keeps.
    ///
    /// Methods: GET, DELETE, PUT. Source: `group_ref`, `group2_ref`, `defaultGroup_ref`, `pinnedGroup_ref`,
    /// `delegatesGroup_ref`, `delegatorsGroup_ref`, `myOrganizationGroup_ref`.
    ///
    /// Events: `contact` added, deleted from `people` (high); `group` updated from `people` (high); `defaultGroup`
    /// updated from `people` (high); `pinnedGroup` updated from `people` (high); `contact` added, deleted from
    /// `people` (low); `delegatorsGroup` added, updated, deleted from `people` (high).
    resource Group<'r> = "group" {
        properties {
            /// The identity of the group.
            id: Cow<'r, str> = "id",
            /// The name. At most 256 UTF-16 units.
            name: Cow<'r, str> = "name",
        }
        links {
            /// The members.
            group_contacts = "groupContacts",
            /// Watches the presence of all members.
            subscribe_to_group_presence = "subscribeToGroupPresence",
        }
    }
}

view! {
    /// Renames a group; a PUT.
    ///
    /// Source: `group2_ref`.
    input GroupInput<'r> = "group" {
        properties {
            /// The identity of the group.
            id: Cow<'r, str> = "id",
            /// The name. At most 256 UTF-16 units.
            name: Cow<'r, str> = "name",
        }
    }
}

view! {
    /// Watches the presence of all members.
    ///
    /// Source: `subscribeToGroupPresence_ref`.
    input SubscribeToGroupPresenceInput<'r> = "subscribeToGroupPresence" {
        properties {
            /// How many minutes the subscription lives, from 10 to 30.
            duration: i64 = "duration",
            /// Which group. At most 256 UTF-16 units.
            group_id: Cow<'r, str> = "groupId",
        }
    }
}
