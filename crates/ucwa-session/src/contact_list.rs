//! The contact list: its groups, the operations on it and its changes.

use std::fmt;

use crate::person::Interest;

/// The level of the user's data that a contact may see (`PrivacyRelationshipLevel_ref`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PrivacyLevel {
    /// Nothing, and no messages from the contact.
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

impl PrivacyLevel {
    /// Every level, in the order of the Web SDK.
    pub const ALL: [Self; 5] = [
        Self::Blocked,
        Self::Colleagues,
        Self::Workgroup,
        Self::External,
        Self::FriendsAndFamily,
    ];

    /// The UCWA name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "Blocked",
            Self::Colleagues => "Colleagues",
            Self::Workgroup => "Workgroup",
            Self::External => "External",
            Self::FriendsAndFamily => "FriendsAndFamily",
        }
    }

    /// The level with this UCWA name. `None` for `Unknown` and for other words.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }
}

/// The identity of a group, which outlives its hrefs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum GroupKey {
    /// The server's ID of the group.
    Id(String),
    /// The contacts with this privacy level.
    Level(PrivacyLevel),
    /// The user's delegates (`delegatesGroup_ref`).
    Delegates,
    /// The people whose delegate the user is (`delegatorsGroup_ref`).
    Delegators,
    /// The user's manager, peers and reports (`myOrganizationGroup_ref`).
    Organization,
}

impl GroupKey {
    /// The groups that the list of groups does not contain. They have one kind each and cannot be changed.
    pub(crate) const HIDDEN: [(&'static str, Self, GroupKind); 3] = [
        ("delegatesGroup", Self::Delegates, GroupKind::Delegates),
        ("delegatorsGroup", Self::Delegators, GroupKind::Delegators),
        (
            "myOrganizationGroup",
            Self::Organization,
            GroupKind::Organization,
        ),
    ];

    /// Whether the list of groups does not contain the group.
    pub(crate) const fn is_hidden(&self) -> bool {
        matches!(
            self,
            Self::Delegates | Self::Delegators | Self::Organization
        )
    }
}

/// The kind of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum GroupKind {
    /// The favourites (`pinnedGroup_ref`).
    Favorites,
    /// A group that the user created (`group_ref`).
    Custom,
    /// A group that the organization keeps (`distributionGroup_ref`).
    Distribution,
    /// The contacts that are in no custom group (`defaultGroup_ref`).
    Others,
    /// The contacts with one privacy level (`myPrivacyRelationship_ref`).
    PrivacyRelationship,
    /// The user's delegates.
    Delegates,
    /// The people whose delegate the user is.
    Delegators,
    /// The user's manager, peers and reports.
    Organization,
}

/// A group of the contact list, or a distribution group that a search or an expansion found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContactGroup {
    /// The identity.
    pub key: GroupKey,
    /// The kind.
    pub kind: GroupKind,
    /// The name, at most 256 UTF-16 code units; absent for the groups of privacy levels.
    pub name: Option<String>,
    /// The SIP URI of a distribution group.
    pub uri: Option<String>,
}

impl ContactGroup {
    /// A group without a URI.
    #[must_use]
    pub const fn new(key: GroupKey, kind: GroupKind, name: Option<String>) -> Self {
        Self {
            key,
            kind,
            name,
            uri: None,
        }
    }

    /// The group of the contacts with this privacy level.
    #[must_use]
    pub const fn of_level(level: PrivacyLevel) -> Self {
        Self::new(GroupKey::Level(level), GroupKind::PrivacyRelationship, None)
    }
}

/// A part of the contact list that is read as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ContactList {
    /// All contacts (`myContacts_ref`).
    Contacts,
    /// All groups (`myGroups_ref`, `myPrivacyRelationships_ref`), without the delegates, the delegators and the organization,
    /// whose members are read by their keys.
    Groups,
    /// The members of a group (`groupContacts_ref`, `expandDistributionGroup_ref`).
    Members(GroupKey),
    /// The groups of all contacts (`myGroupMemberships_ref`).
    Memberships,
}

/// An operation on the contact list or on the user's phones.
///
/// A change completes with the response of the server. The event that reports it usually comes later, and decides.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContactsOperation {
    /// Reads a list. Completes after the list has been emitted as
    /// [`SessionEvent::ContactList`](crate::SessionEvent::ContactList). Reads of one list share one request; requests that are
    /// due at the same time share one batch. If a part of the list cannot be read, the operation fails with the failure of
    /// that part, and the rest is only emitted if the list has not been read before.
    Read(ContactList),
    /// Begins or ends to follow a list. It holds until it is changed, across all applications of the session. Lists that are
    /// followed [live](Interest::Live) share one subscription (`startOrRefreshSubscriptionToContactsAndGroups_ref`), which the
    /// session renews, and are read when it begins. The subscription reports no changes of privacy levels; follow the members of
    /// a level by reading them at an [interval](Interest::Every). Completes at once.
    #[non_exhaustive]
    Follow {
        /// The list.
        list: ContactList,
        /// How the list is followed from now on.
        interest: Interest,
    },
    /// Adds a contact to a group, or to the contact list.
    #[non_exhaustive]
    AddContact {
        /// The SIP URI, at most 250 UTF-16 code units.
        address: String,
        /// The group; without one, the server chooses its default group.
        group: Option<GroupKey>,
    },
    /// Removes a contact from a group, or from the contact list. Succeeds if the contact is absent.
    #[non_exhaustive]
    RemoveContact {
        /// The SIP URI.
        address: String,
        /// The group; without one, every group.
        group: Option<GroupKey>,
    },
    /// Adds a contact to a group, and then removes it from another. If only the addition succeeds, this fails with
    /// [`FailureKind::Partial`](crate::FailureKind::Partial).
    #[non_exhaustive]
    MoveContact {
        /// The SIP URI.
        address: String,
        /// The group that the contact leaves.
        from: GroupKey,
        /// The group that the contact enters.
        to: GroupKey,
    },
    /// Creates a group. An event reports its key.
    #[non_exhaustive]
    AddGroup {
        /// The name, at most 256 UTF-16 code units.
        name: String,
    },
    /// Adds a distribution group to the contact list.
    #[non_exhaustive]
    AddDistributionGroup {
        /// The name, at most 256 UTF-16 code units.
        name: String,
        /// The SIP URI of the group.
        uri: String,
    },
    /// Renames a group that the user created.
    #[non_exhaustive]
    RenameGroup {
        /// The group.
        group: GroupKey,
        /// The new name, at most 256 UTF-16 code units.
        name: String,
    },
    /// Deletes a group that the user created, or removes a distribution group from the contact list. Succeeds if the group is
    /// absent.
    RemoveGroup(GroupKey),
    /// Changes the privacy level of a person, or resets it to the default.
    #[non_exhaustive]
    SetPrivacyLevel {
        /// The SIP URI.
        address: String,
        /// The level; `None` resets it.
        level: Option<PrivacyLevel>,
    },
    /// Begins or ends to follow the presence of all members of a group with one subscription (`subscribeToGroupPresence_ref`).
    /// Completes at once.
    #[non_exhaustive]
    FollowPresence {
        /// The group, which is not one of a privacy level.
        group: GroupKey,
        /// Whether the presence is followed from now on.
        follow: bool,
    },
    /// Searches for distribution groups. Completes with [`Outcome::Groups`](crate::Outcome::Groups).
    #[non_exhaustive]
    SearchGroups {
        /// A name or a part of a name, at most 256 UTF-16 code units (`search_ref`).
        query: String,
        /// The maximum number of results, 1 to 100.
        limit: u32,
    },
    /// Reads a photo (`contactPhoto_ref`, `photo_ref`). Completes with [`Outcome::Photo`](crate::Outcome::Photo).
    #[non_exhaustive]
    FetchPhoto {
        /// The SIP URI.
        address: String,
        /// The height and width in pixels; the server's default is 48 by 48.
        size: Option<(u16, u16)>,
        /// The version that the caller has.
        etag: Option<String>,
    },
    /// Reads the user's phones (`phones_ref`). Completes with [`Outcome::Phones`](crate::Outcome::Phones). Fails with
    /// [`FailureKind::NotSupported`](crate::FailureKind::NotSupported) without enterprise voice.
    FetchPhones,
    /// Reads how the user's calls are forwarded (`callForwardingSettings_ref`). Completes with
    /// [`Outcome::CallForwarding`](crate::Outcome::CallForwarding). Fails with
    /// [`FailureKind::NotSupported`](crate::FailureKind::NotSupported) without enterprise voice.
    FetchCallForwarding,
}

impl fmt::Debug for ContactsOperation {
    /// Shows no name of a group, which the user wrote.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(list) => write!(f, "Read({list:?})"),
            Self::Follow { list, interest } => write!(f, "Follow({list:?}, {interest:?})"),
            Self::AddContact { address, group } => write!(f, "AddContact({address}, {group:?})"),
            Self::RemoveContact { address, group } => {
                write!(f, "RemoveContact({address}, {group:?})")
            }
            Self::MoveContact { address, from, to } => {
                write!(f, "MoveContact({address}, {from:?}, {to:?})")
            }
            Self::AddGroup { name } => write!(f, "AddGroup({} bytes)", name.len()),
            Self::AddDistributionGroup { uri, .. } => write!(f, "AddDistributionGroup({uri})"),
            Self::RenameGroup { group, name } => {
                write!(f, "RenameGroup({group:?}, {} bytes)", name.len())
            }
            Self::RemoveGroup(group) => write!(f, "RemoveGroup({group:?})"),
            Self::SetPrivacyLevel { address, level } => {
                write!(f, "SetPrivacyLevel({address}, {level:?})")
            }
            Self::FollowPresence { group, follow } => {
                write!(f, "FollowPresence({group:?}, {follow})")
            }
            Self::SearchGroups { query, limit } => {
                write!(f, "SearchGroups({} bytes, {limit})", query.len())
            }
            Self::FetchPhoto { address, size, .. } => {
                write!(f, "FetchPhoto({address}, {size:?})")
            }
            Self::FetchPhones => f.write_str("FetchPhones"),
            Self::FetchCallForwarding => f.write_str("FetchCallForwarding"),
        }
    }
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $kind:ty),*) -> $variant:ident;)*) => {
        impl ContactsOperation {
            $($(#[$doc])*
            #[must_use]
            pub fn $name($($argument: $kind),*) -> Self {
                Self::$variant { $($argument),* }
            })*
        }
    };
}

constructors! {
    /// A [`Follow`](Self::Follow).
    follow(list: ContactList, interest: Interest) -> Follow;
    /// An [`AddContact`](Self::AddContact).
    add_contact(address: String, group: Option<GroupKey>) -> AddContact;
    /// A [`RemoveContact`](Self::RemoveContact).
    remove_contact(address: String, group: Option<GroupKey>) -> RemoveContact;
    /// A [`MoveContact`](Self::MoveContact).
    move_contact(address: String, from: GroupKey, to: GroupKey) -> MoveContact;
    /// An [`AddGroup`](Self::AddGroup).
    add_group(name: String) -> AddGroup;
    /// An [`AddDistributionGroup`](Self::AddDistributionGroup).
    add_distribution_group(name: String, uri: String) -> AddDistributionGroup;
    /// A [`RenameGroup`](Self::RenameGroup).
    rename_group(group: GroupKey, name: String) -> RenameGroup;
    /// A [`SetPrivacyLevel`](Self::SetPrivacyLevel).
    set_privacy_level(address: String, level: Option<PrivacyLevel>) -> SetPrivacyLevel;
    /// A [`FollowPresence`](Self::FollowPresence).
    follow_presence(group: GroupKey, follow: bool) -> FollowPresence;
    /// A [`SearchGroups`](Self::SearchGroups).
    search_groups(query: String, limit: u32) -> SearchGroups;
    /// A [`FetchPhoto`](Self::FetchPhoto).
    fetch_photo(address: String, size: Option<(u16, u16)>, etag: Option<String>) -> FetchPhoto;
}

/// A change of the contact list. A change can be reported that has been reported before, such as the addition of a contact
/// that is in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContactListChange {
    /// Whether the server lets the user change the list. Assume that it does not until the first of these changes.
    Writable(bool),
    /// The SIP URIs of all contacts, in the server's order.
    Contacts(Vec<String>),
    /// This contact is in the list now.
    ContactAdded(String),
    /// This contact is not in the list any more.
    ContactRemoved(String),
    /// All groups, by kind, and within a kind in the server's order.
    Groups(Vec<ContactGroup>),
    /// The group is in the list now, with these values.
    Group(ContactGroup),
    /// The group is not in the list any more.
    GroupRemoved(GroupKey),
    /// All members of a group.
    #[non_exhaustive]
    Members {
        /// The group.
        group: GroupKey,
        /// The SIP URIs of the contacts.
        contacts: Vec<String>,
        /// The groups in a distribution group.
        groups: Vec<ContactGroup>,
    },
    /// The contact is in the group now.
    #[non_exhaustive]
    MemberAdded {
        /// The group.
        group: GroupKey,
        /// The SIP URI of the contact.
        contact: String,
    },
    /// The contact is not in the group any more.
    #[non_exhaustive]
    MemberRemoved {
        /// The group.
        group: GroupKey,
        /// The SIP URI of the contact.
        contact: String,
    },
    /// The groups of all contacts, as pairs of a SIP URI and a group.
    Memberships(Vec<(String, GroupKey)>),
}

impl ContactListChange {
    /// A [`Members`](Self::Members).
    #[must_use]
    pub const fn members(
        group: GroupKey,
        contacts: Vec<String>,
        groups: Vec<ContactGroup>,
    ) -> Self {
        Self::Members {
            group,
            contacts,
            groups,
        }
    }

    /// A [`MemberAdded`](Self::MemberAdded).
    pub fn member_added(group: GroupKey, contact: impl Into<String>) -> Self {
        Self::MemberAdded {
            group,
            contact: contact.into(),
        }
    }

    /// A [`MemberRemoved`](Self::MemberRemoved).
    pub fn member_removed(group: GroupKey, contact: impl Into<String>) -> Self {
        Self::MemberRemoved {
            group,
            contact: contact.into(),
        }
    }
}
