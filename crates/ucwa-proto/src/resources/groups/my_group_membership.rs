//! Who is in which group.

use std::borrow::Cow;

use crate::typed::view;

view! {
    /// Who is in which group.
    ///
    /// Methods: GET, POST. Source: `myGroupMemberships_ref`, `myGroupMemberships2_ref`, `groupMemberships_ref`.
    resource MyGroupMemberships<'r> = "myGroupMemberships" {
        embedded_lists {
            /// The memberships.
            my_group_membership: MyGroupMembership = "myGroupMembership",
        }
    }
}

view! {
    /// That one contact is in one group.
    ///
    /// Methods: GET, DELETE. Source: `myGroupMembership_ref`, `myGroupMembership2_ref`.
    resource MyGroupMembership<'r> = "myGroupMembership" {
        links {
            /// The person.
            contact = "contact",
            /// The group of contacts that are in no other.
            default_group = "defaultGroup",
            /// A group of the user's own.
            group = "group",
            /// The favourites.
            pinned_group = "pinnedGroup",
            /// Those who may act for the user.
            delegates_group = "delegatesGroup",
        }
    }
}

view! {
    /// Puts a contact into a group.
    ///
    /// Source: `myGroupMemberships2_ref`.
    input MyGroupMembershipsInput<'r> = "myGroupMemberships" {
        properties {
            /// Which group. At most 256 UTF-16 units.
            group_id: Cow<'r, str> = "groupId",
            /// Which contact. At most 250 UTF-16 units.
            contact_uri: Cow<'r, str> = "contactUri",
        }
    }
}
