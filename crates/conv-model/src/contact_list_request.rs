//! The requests of the model to the protocol about the contact list, photos and phones.

use std::fmt;

use crate::contact_list_fact::{ContactList, GroupKey, PrivacyLevel};
use crate::photo::PhotoSize;
use crate::request::{Interest, Request};

/// A request about the contact list, about a photo or about the user's phones.
///
/// A change of the contact list completes when the other side has accepted the request. A fact reports the change.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContactsRequest {
    /// Load a list. A fact reports it before the request completes. For the [memberships](ContactList::Memberships), a fact
    /// reports all groups before, unless one did so earlier.
    FetchList(ContactList),
    /// Follow a list from now on, or end to follow it. The protocol loads the list and reports it by a fact, and then its changes,
    /// or loads it again at the interval.
    #[non_exhaustive]
    FollowList {
        /// The list.
        list: ContactList,
        /// How the list is followed.
        interest: Interest,
    },
    /// Follow the presence of all members of a group from now on, or end to follow it. The protocol reports the members and
    /// their status by facts.
    #[non_exhaustive]
    FollowGroupPresence {
        /// The group.
        group: GroupKey,
        /// Whether to follow the presence.
        follow: bool,
    },
    /// Add a person to a group, or to the contact list.
    #[non_exhaustive]
    AddContact {
        /// The address of the person.
        address: String,
        /// The group; `None` for the contact list as a whole.
        group: Option<GroupKey>,
    },
    /// Remove a person from a group, or from the contact list.
    #[non_exhaustive]
    RemoveContact {
        /// The address of the person.
        address: String,
        /// The group; `None` for the contact list as a whole.
        group: Option<GroupKey>,
    },
    /// Add a person to a group, and then remove the person from another.
    #[non_exhaustive]
    MoveContact {
        /// The address of the person.
        address: String,
        /// The group that the person leaves.
        from: GroupKey,
        /// The group that the person enters.
        to: GroupKey,
    },
    /// Create a group of the user.
    #[non_exhaustive]
    AddGroup {
        /// The name.
        name: String,
    },
    /// Add a distribution group to the contact list.
    #[non_exhaustive]
    AddDistributionGroup {
        /// The name.
        name: String,
        /// The address of the group.
        uri: String,
    },
    /// Rename a group of the user.
    #[non_exhaustive]
    RenameGroup {
        /// The group.
        group: GroupKey,
        /// The new name.
        name: String,
    },
    /// Delete a group of the user, or remove a distribution group from the contact list.
    RemoveGroup(GroupKey),
    /// Change the privacy level of a person.
    #[non_exhaustive]
    SetPrivacyLevel {
        /// The address of the person.
        address: String,
        /// The level; `None` to let the other side choose.
        level: Option<PrivacyLevel>,
    },
    /// Search for distribution groups. Completes with [`Outcome::FoundGroups`](crate::Outcome::FoundGroups).
    #[non_exhaustive]
    SearchGroups {
        /// A name, or the beginning of one.
        query: String,
        /// The largest number of results.
        limit: u32,
    },
    /// Load the photo of a person. Completes with [`Outcome::Photo`](crate::Outcome::Photo) or [`Outcome::PhotoUnchanged`](crate::Outcome::PhotoUnchanged).
    #[non_exhaustive]
    FetchPhoto {
        /// The address of the person. Empty for the user, before the sign-in.
        address: String,
        /// The size; `None` for the usual one of the other side.
        size: Option<PhotoSize>,
        /// The version that the application has.
        version: Option<String>,
    },
    /// Load the user's phones. Completes with [`Outcome::Phones`](crate::Outcome::Phones).
    FetchPhones,
    /// Load how the user's calls are forwarded. Completes with [`Outcome::CallForwarding`](crate::Outcome::CallForwarding).
    FetchCallForwarding,
}

impl From<ContactsRequest> for Request {
    fn from(request: ContactsRequest) -> Self {
        Self::Contacts(request)
    }
}

impl fmt::Debug for ContactsRequest {
    /// Shows the length of a name instead of the name, which the user wrote.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FetchList(list) => write!(f, "FetchList({list:?})"),
            Self::FollowList { list, interest } => write!(f, "FollowList({list:?}, {interest:?})"),
            Self::FollowGroupPresence { group, follow } => {
                write!(f, "FollowGroupPresence({group:?}, {follow})")
            }
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
            Self::SearchGroups { query, limit } => {
                write!(f, "SearchGroups({} bytes, {limit})", query.len())
            }
            Self::FetchPhoto {
                address,
                size,
                version,
            } => {
                write!(f, "FetchPhoto({address}, {size:?}, {version:?})")
            }
            Self::FetchPhones => f.write_str("FetchPhones"),
            Self::FetchCallForwarding => f.write_str("FetchCallForwarding"),
        }
    }
}
