//! Groups of contacts.

use std::borrow::Cow;

use crate::{resources::Contact, view::views};

views! {
    /// A group of people that the organisation keeps.
    ///
    /// Methods: GET. Source: `distributionGroup_ref`, `expandDistributionGroup_ref`.
    ///
    /// Events: `distributionGroup` updated from `people` (high).
    resource DistributionGroup<'r> = "distributionGroup" | "expandDistributionGroup" {
        properties {
            /// The URI, usually a `sip:` URI.
            uri: Cow<'r, str> = "uri",
            /// The ID within its collection.
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
            /// Subscribes to the presence of all members.
            subscribe_to_group_presence = "subscribeToGroupPresence",
        }
        embedded_lists {
            /// The contact.
            contact: Contact = "contact",
            /// A distribution group.
            distribution_group: DistributionGroup = "distributionGroup",
        }
    }

    /// A group of contacts, the user's own or one that the server keeps.
    ///
    /// Methods: GET, DELETE, PUT. Source: `group_ref`, `group2_ref`, `defaultGroup_ref`, `pinnedGroup_ref`,
    /// `delegatesGroup_ref`, `delegatorsGroup_ref`, `myOrganizationGroup_ref`.
    ///
    /// Events: `contact` added, deleted from `people` (high); `group` updated from `people` (high); `defaultGroup`
    /// updated from `people` (high); `pinnedGroup` updated from `people` (high); `contact` added, deleted from
    /// `people` (low); `delegatorsGroup` added, updated, deleted from `people` (high).
    resource Group<'r> = "group" | "group2" | "defaultGroup" | "pinnedGroup" | "delegatesGroup" | "delegatorsGroup" | "myOrganizationGroup" {
        properties {
            /// The ID of the group.
            id: Cow<'r, str> = "id",
            /// The name. At most 256 UTF-16 units.
            name: Cow<'r, str> = "name",
        }
        links {
            /// The members.
            group_contacts = "groupContacts",
            /// The memberships of the members in this group.
            group_memberships = "groupMemberships",
            /// Subscribes to the presence of all members.
            subscribe_to_group_presence = "subscribeToGroupPresence",
        }
    }

    /// Renames a group; a PUT.
    ///
    /// Source: `group2_ref`.
    input GroupInput<'r> = "group" | "group2" {
        properties {
            /// The ID of the group.
            id: Cow<'r, str> = "id",
            /// The name. At most 256 UTF-16 units.
            name: Cow<'r, str> = "name",
        }
    }

    /// Subscribes to the presence of all members.
    ///
    /// Source: `subscribeToGroupPresence_ref`.
    input SubscribeToGroupPresenceInput<'r> = "subscribeToGroupPresence" {
        properties {
            /// The lifetime of the subscription in minutes, from 10 to 30.
            duration: i64 = "duration",
            /// The ID of the group. At most 256 UTF-16 units.
            group_id: Cow<'r, str> = "groupId",
        }
    }

    /// The members of a group.
    ///
    /// Methods: GET. Source: `groupContacts_ref`.
    ///
    /// Events: `contact` added, deleted from `people` (high).
    resource GroupContacts<'r> = "groupContacts" {
        link_lists {
            /// The contact.
            contact_links = "contact",
        }
        embedded_lists {
            /// The contact.
            contact: Contact = "contact",
        }
    }

    /// The memberships of contacts in groups.
    ///
    /// Methods: GET, POST. Source: `myGroupMemberships_ref`, `myGroupMemberships2_ref`, `groupMemberships_ref`.
    resource MyGroupMemberships<'r> = "myGroupMemberships" | "myGroupMemberships2" | "groupMemberships" {
        links {
            /// Removes a contact from every group. Servers offer it; no page names it as a link.
            remove_contact_from_all_groups = "removeContactFromAllGroups",
        }
        embedded_lists {
            /// The memberships.
            my_group_membership: MyGroupMembership = "myGroupMembership",
        }
    }

    /// The membership of one contact in one group.
    ///
    /// Methods: GET, DELETE. Source: `myGroupMembership_ref`, `myGroupMembership2_ref`.
    resource MyGroupMembership<'r> = "myGroupMembership" | "myGroupMembership2" {
        links {
            /// The contact.
            contact = "contact",
            /// The group of the contacts that are in no other group.
            default_group = "defaultGroup",
            /// A group that the user created.
            group = "group",
            /// The group of favourites.
            pinned_group = "pinnedGroup",
            /// The group of the user's delegates.
            delegates_group = "delegatesGroup",
        }
    }

    /// Adds a contact to a group.
    ///
    /// Source: `myGroupMemberships2_ref`.
    input MyGroupMembershipsInput<'r> = "myGroupMemberships" | "myGroupMemberships2" {
        properties {
            /// The ID of the group. At most 256 UTF-16 units.
            group_id: Cow<'r, str> = "groupId",
            /// The URI of the contact. At most 250 UTF-16 units.
            contact_uri: Cow<'r, str> = "contactUri",
        }
    }

    /// All groups of the contact list.
    ///
    /// Methods: GET, POST. Source: `myGroups_ref`, `myGroups2_ref`.
    ///
    /// Events: `group` added, deleted from `people` (high); `defaultGroup` added, deleted from `people` (low);
    /// `pinnedGroup` added, deleted from `people` (low); `distributionGroup` added, deleted from `people` (high);
    /// `delegatesGroup` added from `people` (high); `delegatorsGroup` added, updated, deleted from `people` (high);
    /// `myOrganizationGroup` added, updated from `people` (low).
    resource MyGroups<'r> = "myGroups" | "myGroups2" {
        links {
            /// The group of the contacts that are in no other group.
            default_group_link = "defaultGroup",
            /// The group of the user's delegates.
            delegates_group = "delegatesGroup",
            /// The group of the people whose delegate the user is.
            delegators_group = "delegatorsGroup",
            /// The group of the people of the user's organization.
            my_organization_group = "myOrganizationGroup",
            /// The group of favourites.
            pinned_group_link = "pinnedGroup",
        }
        link_lists {
            /// A distribution group.
            distribution_group_links = "distributionGroup",
            /// A group that the user created.
            group_links = "group",
        }
        embedded {
            /// The group of favourites.
            pinned_group: Group = "pinnedGroup",
            /// The group of the contacts that are in no other group.
            default_group: Group = "defaultGroup",
        }
        embedded_lists {
            /// A distribution group.
            distribution_group: DistributionGroup = "distributionGroup",
            /// A group that the user created.
            group: Group = "group",
        }
    }

    /// Creates a group.
    ///
    /// Source: `myGroups2_ref`.
    input MyGroupsInput<'r> = "myGroups" | "myGroups2" {
        properties {
            /// The name of the group. At most 256 UTF-16 units.
            display_name: Cow<'r, str> = "displayName",
        }
    }
}
