//! All groups.

use std::borrow::Cow;

use crate::{
    resources::{DistributionGroup, Group},
    typed::view,
};

view! {
    /// All groups of the contact list.
    ///
    /// Methods: GET, POST. Source: `myGroups_ref`, `myGroups2_ref`.
    ///
    /// Events: `group` added, deleted from `people` (high); `defaultGroup` added, deleted from `people` (low);
    /// `pinnedGroup` added, deleted from `people` (low); `distributionGroup` added, deleted from `people` (high);
    /// `delegatesGroup` added from `people` (high); `delegatorsGroup` added, updated, deleted from `people` (high);
    /// `myOrganizationGroup` added, updated from `people` (low).
    resource MyGroups<'r> = "myGroups" {
        links {
            /// The group of contacts that are in no other.
            default_group_link = "defaultGroup",
            /// Those who may act for the user.
            delegates_group = "delegatesGroup",
            /// Those for whom the user may act.
            delegators_group = "delegatorsGroup",
            /// The people of the user's organisation.
            my_organization_group = "myOrganizationGroup",
            /// The favourites.
            pinned_group_link = "pinnedGroup",
        }
        link_lists {
            /// A distribution group.
            distribution_group_links = "distributionGroup",
            /// A group of the user's own.
            group_links = "group",
        }
        embedded {
            /// The favourites.
            pinned_group: Group = "pinnedGroup",
            /// The group of contacts that are in no other.
            default_group: Group = "defaultGroup",
        }
        embedded_lists {
            /// A distribution group.
            distribution_group: DistributionGroup = "distributionGroup",
            /// A group of the user's own.
            group: Group = "group",
        }
    }
}

view! {
    /// Creates a group.
    ///
    /// Source: `myGroups2_ref`.
    input MyGroupsInput<'r> = "myGroups" {
        properties {
            /// The name of the group. At most 256 UTF-16 units.
            display_name: Cow<'r, str> = "displayName",
        }
    }
}
