//! The contact list.

use std::borrow::Cow;

use crate::{resources::Contact, typed::view};

view! {
    /// All contacts.
    ///
    /// Methods: GET. Source: `myContacts_ref`.
    ///
    /// Events: `contact` added, deleted from `people` (high).
    resource MyContacts<'r> = "myContacts" {
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

view! {
    /// Adds a distribution group to the contact list.
    ///
    /// Source: `addToContactList_ref`.
    input AddToContactListInput<'r> = "addToContactList" {
        properties {
            /// The name of the group. At most 256 UTF-16 units.
            display_name: Cow<'r, str> = "displayName",
            /// The mail address of the distribution group.
            smtp_address: Cow<'r, str> = "smtpAddress",
        }
    }
}

view! {
    /// Removes a distribution group from the contact list.
    ///
    /// Source: `removeFromContactList_ref`.
    input RemoveFromContactListInput<'r> = "removeFromContactList" {
        properties {
            /// Which group. At most 256 UTF-16 units.
            group_id: Cow<'r, str> = "groupId",
        }
    }
}

view! {
    /// Removes a contact from every group.
    ///
    /// Source: `removeContactFromAllGroups_ref`, `removeContactFromAllGroups2_ref`.
    input RemoveContactFromAllGroupsInput<'r> = "removeContactFromAllGroups" {
        properties {
            /// Which contact. At most 250 UTF-16 units.
            contact_uri: Cow<'r, str> = "contactUri",
        }
    }
}
