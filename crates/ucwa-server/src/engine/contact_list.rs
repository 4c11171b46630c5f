//! The contact list of one user: the contacts and their groups.
//!
//! A contact of the list is in the default group if and only if it is in no group that the user created. A pinned contact is in the
//! pinned group as well.

use serde::{Deserialize, Serialize};

use super::group_id::GroupId;
use super::privacy::PrivacyLevels;
use super::reply::Refusal;

/// The maximum number of contacts (`myGroupMemberships2_ref`).
const MAX_CONTACTS: usize = 250;
/// The maximum number of groups that a user creates. No page names a number.
const MAX_GROUPS: usize = 64;
/// The maximum number of delegates. No page names a number.
const MAX_DELEGATES: usize = 25;

/// The names of the groups that the server creates.
pub(super) const PINNED: &str = "Pinned Contacts";
pub(super) const DEFAULT: &str = "Other Contacts";

/// A group that the user created.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct CustomGroup {
    number: u64,
    pub(super) name: String,
    /// The number of times that the group was renamed.
    pub(super) version: u64,
    /// The addresses of its contacts.
    members: Vec<String>,
}

/// A change of a contact list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The contact was added to the list.
    Listed(String),
    /// The contact was removed from the list.
    Unlisted(String),
    /// The contact was added to the group.
    Joined(GroupId, String),
    /// The contact was removed from the group.
    Left(GroupId, String),
    GroupAdded(GroupId),
    GroupRenamed(GroupId),
    GroupDeleted(GroupId),
}

/// The contact list of a user. A contact is identified by the address, `user@host` in lower case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ContactList {
    /// The property that a PUT of a group must contain.
    pub(super) marker: String,
    contacts: Vec<String>,
    pinned: Vec<String>,
    delegates: Vec<String>,
    groups: Vec<CustomGroup>,
    groups_made: u64,
    /// The positions in the configuration. They are not stored, because the next configuration may have another order.
    #[serde(skip)]
    distribution_groups: Vec<usize>,
    /// The privacy levels of contacts.
    pub(super) levels: PrivacyLevels,
}

impl ContactList {
    pub(super) fn new(marker: String) -> Self {
        Self {
            marker,
            contacts: Vec::new(),
            pinned: Vec::new(),
            delegates: Vec::new(),
            groups: Vec::new(),
            groups_made: 0,
            distribution_groups: Vec::new(),
            levels: PrivacyLevels::default(),
        }
    }

    /// Every contact, in the order of addition.
    pub(super) fn contacts(&self) -> &[String] {
        &self.contacts
    }

    /// The groups that the user created, in the order of creation.
    pub(super) fn custom_groups(&self) -> impl Iterator<Item = GroupId> {
        self.groups
            .iter()
            .map(|group| GroupId::Custom(group.number))
    }

    pub(super) fn custom_group(&self, id: GroupId) -> Option<&CustomGroup> {
        self.groups
            .iter()
            .find(|group| GroupId::Custom(group.number) == id)
    }

    /// The distribution groups in the list, by their position in the configuration.
    pub(super) fn distribution_groups(&self) -> &[usize] {
        &self.distribution_groups
    }

    /// The members of a group. `None` for a group whose members are not part of the list.
    pub(super) fn members(&self, group: GroupId) -> Option<Vec<&str>> {
        let members = match group {
            GroupId::Pinned => &self.pinned,
            GroupId::Delegates => &self.delegates,
            GroupId::Custom(_) => &self.custom_group(group)?.members,
            GroupId::Default => {
                let others = self.contacts.iter().filter(|it| !self.is_in_custom(it));
                return Some(others.map(String::as_str).collect());
            }
            GroupId::Delegators | GroupId::Organization | GroupId::Distribution(_) => return None,
        };
        Some(members.iter().map(String::as_str).collect())
    }

    /// Every membership of a contact in a group.
    pub(super) fn memberships(&self) -> Vec<(GroupId, &str)> {
        let fixed = [GroupId::Pinned, GroupId::Default, GroupId::Delegates];
        let groups = fixed.into_iter().chain(self.custom_groups());
        groups
            .flat_map(|group| {
                let members = self.members(group).unwrap_or_default().into_iter();
                members.map(move |member| (group, member))
            })
            .collect()
    }

    fn is_in_custom(&self, address: &str) -> bool {
        let mut groups = self.groups.iter();
        groups.any(|group| group.members.iter().any(|member| member == address))
    }

    /// Adds a contact to a group, and to the list. Without a group the contact is added to the default group.
    pub(super) fn add(
        &mut self,
        address: &str,
        group: Option<GroupId>,
    ) -> Result<Vec<Change>, Refusal> {
        let group = group.unwrap_or(GroupId::Default);
        match group {
            GroupId::Delegators | GroupId::Organization => {
                return Err(Refusal::OPERATION_NOT_SUPPORTED);
            }
            GroupId::Distribution(_) => return Err(Refusal::NOT_THE_USERS_GROUP),
            _ => {}
        }
        let is_listed = self.is_listed(address);
        let is_member = self.is_member(address, group)?;
        // A contact that is in a group of the user is not in the default group.
        if is_member || (group == GroupId::Default && is_listed) {
            return Err(Refusal::CONTACT_EXISTS);
        }
        let address = address.to_owned();
        if group == GroupId::Delegates {
            if self.delegates.len() >= MAX_DELEGATES {
                return Err(Refusal::TOO_MANY_DELEGATES);
            }
            self.delegates.push(address.clone());
            return Ok(vec![Change::Joined(group, address)]);
        }
        let was_in_default = is_listed && !self.is_in_custom(&address);
        let mut changes = Vec::new();
        if !is_listed {
            if self.contacts.len() >= MAX_CONTACTS {
                return Err(Refusal::TOO_MANY_LISTED);
            }
            self.contacts.push(address.clone());
            changes.push(Change::Listed(address.clone()));
        }
        match group {
            GroupId::Custom(_) => {
                self.custom_group_mut(group)?.members.push(address.clone());
                changes.push(Change::Joined(group, address.clone()));
                if was_in_default {
                    changes.push(Change::Left(GroupId::Default, address));
                }
            }
            _ => {
                if !is_listed {
                    changes.push(Change::Joined(GroupId::Default, address.clone()));
                }
                if group == GroupId::Pinned {
                    self.pinned.push(address.clone());
                    changes.push(Change::Joined(group, address));
                }
            }
        }
        Ok(changes)
    }

    /// Removes a contact from a group. A contact that is removed from the last group that the user created returns to the default
    /// group. A contact that is removed from the default group is removed from the list.
    pub(super) fn remove(&mut self, address: &str, group: GroupId) -> Result<Vec<Change>, Refusal> {
        if !self.is_member(address, group)? {
            return Err(Refusal::NOT_FOUND);
        }
        let mut changes = vec![Change::Left(group, address.to_owned())];
        match group {
            GroupId::Default => return self.unlist(address),
            GroupId::Pinned => self.pinned.retain(|member| member != address),
            GroupId::Delegates => self.delegates.retain(|member| member != address),
            _ => {
                let group = self.custom_group_mut(group)?;
                group.members.retain(|member| member != address);
                if !self.is_in_custom(address) {
                    changes.push(Change::Joined(GroupId::Default, address.to_owned()));
                }
            }
        }
        Ok(changes)
    }

    /// Removes a contact from the list and from all groups except the delegates.
    pub(super) fn unlist(&mut self, address: &str) -> Result<Vec<Change>, Refusal> {
        if !self.is_listed(address) {
            return Err(Refusal::NOT_FOUND);
        }
        let memberships = self.memberships().into_iter();
        let mut changes: Vec<_> = memberships
            .filter(|(group, member)| *group != GroupId::Delegates && *member == address)
            .map(|(group, member)| Change::Left(group, member.to_owned()))
            .collect();
        changes.push(Change::Unlisted(address.to_owned()));
        self.contacts.retain(|contact| contact != address);
        self.pinned.retain(|member| member != address);
        for group in &mut self.groups {
            group.members.retain(|member| member != address);
        }
        Ok(changes)
    }

    /// Creates a group without contacts.
    pub(super) fn create_group(&mut self, name: String) -> Result<Vec<Change>, Refusal> {
        self.check_name(&name, None)?;
        if self.groups.len() >= MAX_GROUPS {
            return Err(Refusal::TOO_MANY_GROUPS);
        }
        self.groups_made += 1;
        let group = CustomGroup {
            number: self.groups_made,
            name,
            version: 0,
            members: Vec::new(),
        };
        let id = GroupId::Custom(group.number);
        self.groups.push(group);
        Ok(vec![Change::GroupAdded(id)])
    }

    pub(super) fn rename_group(
        &mut self,
        id: GroupId,
        name: String,
    ) -> Result<Vec<Change>, Refusal> {
        self.check_name(&name, Some(id))?;
        let group = self.custom_group_mut(id)?;
        if group.name == name {
            return Ok(Vec::new());
        }
        group.name = name;
        group.version += 1;
        Ok(vec![Change::GroupRenamed(id)])
    }

    /// Deletes a group. Its contacts stay in the list.
    pub(super) fn delete_group(&mut self, id: GroupId) -> Result<Vec<Change>, Refusal> {
        let members = self.custom_group_mut(id)?.members.clone();
        self.groups
            .retain(|group| GroupId::Custom(group.number) != id);
        let mut changes: Vec<_> = members
            .into_iter()
            .filter(|member| !self.is_in_custom(member))
            .map(|member| Change::Joined(GroupId::Default, member))
            .collect();
        changes.push(Change::GroupDeleted(id));
        Ok(changes)
    }

    pub(super) fn add_distribution_group(
        &mut self,
        position: usize,
    ) -> Result<Vec<Change>, Refusal> {
        if self.distribution_groups.contains(&position) {
            return Err(Refusal::CONTACT_EXISTS);
        }
        self.distribution_groups.push(position);
        Ok(vec![Change::GroupAdded(GroupId::Distribution(position))])
    }

    pub(super) fn remove_distribution_group(
        &mut self,
        position: usize,
    ) -> Result<Vec<Change>, Refusal> {
        if !self.distribution_groups.contains(&position) {
            return Err(Refusal::NOT_FOUND);
        }
        self.distribution_groups.retain(|other| *other != position);
        Ok(vec![Change::GroupDeleted(GroupId::Distribution(position))])
    }

    fn custom_group_mut(&mut self, id: GroupId) -> Result<&mut CustomGroup, Refusal> {
        self.groups
            .iter_mut()
            .find(|group| GroupId::Custom(group.number) == id)
            .ok_or(Refusal::NOT_FOUND)
    }

    pub(super) fn is_listed(&self, address: &str) -> bool {
        self.contacts.iter().any(|contact| contact == address)
    }

    fn is_member(&self, address: &str, group: GroupId) -> Result<bool, Refusal> {
        let members = self.members(group).ok_or(Refusal::NOT_FOUND)?;
        Ok(members.contains(&address))
    }

    /// Checks that no other group has this name.
    fn check_name(&self, name: &str, id: Option<GroupId>) -> Result<(), Refusal> {
        let others = self
            .groups
            .iter()
            .filter(|group| Some(GroupId::Custom(group.number)) != id)
            .map(|group| group.name.as_str());
        let lower = name.to_lowercase();
        if others
            .chain([PINNED, DEFAULT])
            .any(|other| other.to_lowercase() == lower)
        {
            return Err(Refusal::GROUP_EXISTS);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Change::{GroupAdded, GroupDeleted, GroupRenamed, Joined, Left, Listed, Unlisted};
    use super::GroupId::{
        Custom, Default, Delegates, Delegators, Distribution, Organization, Pinned,
    };
    use super::*;

    const LENE: &str = "lenea@contoso.com";
    const TEAM: GroupId = Custom(1);
    const CREW: GroupId = Custom(2);

    /// A list with two groups and no contacts.
    fn list() -> ContactList {
        let mut list = ContactList::new("marker".to_owned());
        for name in ["Team", "Crew"] {
            list.create_group(name.to_owned()).unwrap();
        }
        list
    }

    fn lene() -> String {
        LENE.to_owned()
    }

    #[test]
    fn a_contact_is_in_the_default_group_unless_it_is_in_a_group_of_the_user() {
        let mut list = list();
        assert_eq!(
            list.add(LENE, None),
            Ok(vec![Listed(lene()), Joined(Default, lene())])
        );
        assert_eq!(
            list.add(LENE, Some(TEAM)),
            Ok(vec![Joined(TEAM, lene()), Left(Default, lene())])
        );
        assert_eq!(list.add(LENE, Some(CREW)), Ok(vec![Joined(CREW, lene())]));
        assert_eq!(list.remove(LENE, TEAM), Ok(vec![Left(TEAM, lene())]));
        assert_eq!(
            list.remove(LENE, CREW),
            Ok(vec![Left(CREW, lene()), Joined(Default, lene())])
        );
        assert_eq!(
            list.remove(LENE, Default),
            Ok(vec![Left(Default, lene()), Unlisted(lene())])
        );
        assert_eq!(list.remove(LENE, Default), Err(Refusal::NOT_FOUND));
        assert!(list.memberships().is_empty());
    }

    #[test]
    fn a_pinned_contact_is_also_in_its_other_group() {
        let mut list = list();
        assert_eq!(
            list.add(LENE, Some(Pinned)),
            Ok(vec![
                Listed(lene()),
                Joined(Default, lene()),
                Joined(Pinned, lene())
            ])
        );
        list.add(LENE, Some(TEAM)).unwrap();
        assert_eq!(list.memberships(), [(Pinned, LENE), (TEAM, LENE)]);
        assert_eq!(
            list.unlist(LENE),
            Ok(vec![
                Left(Pinned, lene()),
                Left(TEAM, lene()),
                Unlisted(lene())
            ])
        );
        assert_eq!(list.unlist(LENE), Err(Refusal::NOT_FOUND));
    }

    #[test]
    fn a_deleted_group_leaves_its_contacts_in_the_list() {
        let mut list = list();
        assert_eq!(
            list.add(LENE, Some(TEAM)),
            Ok(vec![Listed(lene()), Joined(TEAM, lene())])
        );
        list.add("alexd@contoso.com", Some(TEAM)).unwrap();
        list.add("alexd@contoso.com", Some(CREW)).unwrap();
        assert_eq!(
            list.delete_group(TEAM),
            Ok(vec![Joined(Default, lene()), GroupDeleted(TEAM)])
        );
        assert_eq!(list.contacts().len(), 2);
        assert_eq!(list.delete_group(TEAM), Err(Refusal::NOT_FOUND));
        // The number of a group is not used again.
        list.delete_group(CREW).unwrap();
        assert_eq!(
            list.create_group("Team".to_owned()),
            Ok(vec![GroupAdded(Custom(3))])
        );
    }

    #[test]
    fn names_of_groups_are_compared_without_case() {
        let mut list = list();
        for taken in ["team", "TEAM", "other contacts"] {
            let taken = taken.to_owned();
            assert_eq!(list.create_group(taken.clone()), Err(Refusal::GROUP_EXISTS));
            assert_eq!(list.rename_group(CREW, taken), Err(Refusal::GROUP_EXISTS));
        }
        assert_eq!(
            list.rename_group(TEAM, "TEAM".to_owned()),
            Ok(vec![GroupRenamed(TEAM)])
        );
        assert_eq!(list.rename_group(TEAM, "TEAM".to_owned()), Ok(Vec::new()));
        assert_eq!(list.custom_group(TEAM).unwrap().version, 1);
    }

    #[test]
    fn invalid_additions_are_refused() {
        let mut list = list();
        list.add(LENE, Some(TEAM)).unwrap();
        list.add(LENE, Some(Delegates)).unwrap();
        for (group, refusal) in [
            (None, Refusal::CONTACT_EXISTS),
            (Some(TEAM), Refusal::CONTACT_EXISTS),
            (Some(Delegates), Refusal::CONTACT_EXISTS),
            (Some(Custom(9)), Refusal::NOT_FOUND),
            (Some(Delegators), Refusal::OPERATION_NOT_SUPPORTED),
            (Some(Organization), Refusal::OPERATION_NOT_SUPPORTED),
            (Some(Distribution(0)), Refusal::NOT_THE_USERS_GROUP),
        ] {
            assert_eq!(list.add(LENE, group), Err(refusal), "{group:?}");
        }
        assert_eq!(list.memberships(), [(Delegates, LENE), (TEAM, LENE)]);
    }

    #[test]
    fn a_list_has_limits() {
        let mut list = list();
        for number in 2..MAX_GROUPS {
            list.create_group(number.to_string()).unwrap();
        }
        assert_eq!(
            list.create_group("x".to_owned()),
            Err(Refusal::TOO_MANY_GROUPS)
        );
        for number in 0..MAX_CONTACTS {
            list.add(&number.to_string(), Some(TEAM)).unwrap();
        }
        assert_eq!(list.add(LENE, None), Err(Refusal::TOO_MANY_LISTED));
        assert_eq!(list.add(LENE, Some(CREW)), Err(Refusal::TOO_MANY_LISTED));
        // A listed contact can join another group.
        list.add("0", Some(CREW)).unwrap();
        for number in 0..MAX_DELEGATES {
            list.add(&number.to_string(), Some(Delegates)).unwrap();
        }
        assert_eq!(
            list.add(LENE, Some(Delegates)),
            Err(Refusal::TOO_MANY_DELEGATES)
        );
    }
}
