//! The facts about the contact list, and the identities of its lists and groups.

use std::fmt;

/// The level of the user's data that a person may see (`relationshipLevel` of the Web SDK).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PrivacyLevel {
    /// Nothing, and no messages from the person.
    Blocked,
    /// The usual level for people of the same organization.
    Colleagues,
    /// More than colleagues, and may interrupt the user.
    Workgroup,
    /// The name and the mail address.
    External,
    /// The private phone numbers too.
    FriendsAndFamily,
}

/// The type of a group (`Group.type` of the Web SDK). The order of the variants is the order of the groups in
/// [`all().groups()`](crate::Group::groups).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum GroupType {
    /// The whole contact list.
    Root,
    /// The favourites.
    Favorites,
    /// A group that the user created.
    Custom,
    /// A group that the organization keeps.
    Distribution,
    /// The contacts that are in no custom group.
    Others,
    /// The contacts with one privacy level.
    PrivacyRelationship,
    /// The user's delegates.
    Delegates,
    /// The people whose delegate the user is.
    Delegators,
    /// The user's manager, peers and reports.
    Organization,
}

/// The identity of a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum GroupKey {
    /// The ID that the server gave to the group.
    Id(String),
    /// The group of the contacts with this privacy level.
    Level(PrivacyLevel),
    /// The user's delegates.
    Delegates,
    /// The people whose delegate the user is.
    Delegators,
    /// The user's manager, peers and reports.
    Organization,
}

/// A list that is loaded as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ContactList {
    /// All contacts.
    Contacts,
    /// All groups.
    Groups,
    /// The members of a group.
    Members(GroupKey),
    /// The groups of all contacts.
    Memberships,
}

/// The values of a group. `None` means that there is no value.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupFact {
    /// The identity.
    pub key: GroupKey,
    /// The type.
    pub group_type: GroupType,
    /// The name. A group of a privacy level has none.
    pub name: Option<String>,
    /// The address of a distribution group.
    pub uri: Option<String>,
}

impl GroupFact {
    /// A group without a name and without an address.
    #[must_use]
    pub const fn new(key: GroupKey, group_type: GroupType) -> Self {
        Self {
            key,
            group_type,
            name: None,
            uri: None,
        }
    }

    /// The same group with this name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl fmt::Debug for GroupFact {
    /// Shows no name of a group, which the user wrote.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupFact({:?}, {:?})", self.group_type, self.key)
    }
}

/// A fact about the contact list. The model keeps a list only if the application fetched it or subscribed to it, and ignores
/// facts about other lists. A fact that the model knows already changes nothing.
///
/// A protocol creates the variants with named fields by the functions, such as [`ContactListFact::members`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContactListFact {
    /// Whether the server lets the user change the contact list. The model assumes that it does not.
    Writable(bool),
    /// The addresses of all contacts.
    Contacts(Vec<String>),
    /// The person with this address is a contact now.
    ContactAdded(String),
    /// The person with this address is not a contact any more.
    ContactRemoved(String),
    /// All groups.
    Groups(Vec<GroupFact>),
    /// The group is in the contact list now, with these values.
    Group(GroupFact),
    /// The group is not in the contact list any more.
    GroupRemoved(GroupKey),
    /// All members of a group.
    #[non_exhaustive]
    Members {
        /// The group.
        group: GroupKey,
        /// The addresses of the persons.
        contacts: Vec<String>,
        /// The groups in a distribution group.
        groups: Vec<GroupFact>,
    },
    /// The person is in the group now.
    #[non_exhaustive]
    MemberAdded {
        /// The group.
        group: GroupKey,
        /// The address of the person.
        contact: String,
    },
    /// The person is not in the group any more.
    #[non_exhaustive]
    MemberRemoved {
        /// The group.
        group: GroupKey,
        /// The address of the person.
        contact: String,
    },
    /// The groups of all contacts, as pairs of an address and a group.
    Memberships(Vec<(String, GroupKey)>),
}

impl ContactListFact {
    /// A [`Members`](Self::Members): the addresses of all members of a group, and the groups in a distribution group.
    #[must_use]
    pub const fn members(group: GroupKey, contacts: Vec<String>, groups: Vec<GroupFact>) -> Self {
        Self::Members {
            group,
            contacts,
            groups,
        }
    }

    /// A [`MemberAdded`](Self::MemberAdded): the person with this address is in the group now.
    pub fn member_added(group: GroupKey, contact: impl Into<String>) -> Self {
        Self::MemberAdded {
            group,
            contact: contact.into(),
        }
    }

    /// A [`MemberRemoved`](Self::MemberRemoved): the person with this address is not in the group any more.
    pub fn member_removed(group: GroupKey, contact: impl Into<String>) -> Self {
        Self::MemberRemoved {
            group,
            contact: contact.into(),
        }
    }
}
