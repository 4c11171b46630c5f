//! The contact list as the events of a session report it.

use std::collections::{BTreeMap, BTreeSet};

use ucwa_session::{ContactGroup, ContactListChange, GroupKey, GroupKind};

/// The contacts and groups of a user, without their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ContactView {
    /// The SIP URIs.
    pub(crate) contacts: BTreeSet<String>,
    pub(crate) groups: BTreeMap<GroupKey, (GroupKind, Option<String>)>,
    /// The groups of the contacts: pairs of a SIP URI and a group.
    pub(crate) memberships: BTreeSet<(String, GroupKey)>,
}

impl ContactView {
    pub(crate) fn apply(&mut self, change: &ContactListChange) {
        use ContactListChange as Change;
        match change {
            Change::Contacts(contacts) => self.contacts = contacts.iter().cloned().collect(),
            Change::ContactAdded(contact) => {
                self.contacts.insert(contact.clone());
            }
            Change::ContactRemoved(contact) => {
                self.contacts.remove(contact);
                self.memberships.retain(|(member, _)| member != contact);
            }
            Change::Groups(groups) => {
                self.groups.clear();
                groups.iter().for_each(|group| self.insert(group));
            }
            Change::Group(group) => self.insert(group),
            Change::GroupRemoved(group) => {
                self.groups.remove(group);
                self.memberships.retain(|(_, other)| other != group);
            }
            Change::MemberAdded { group, contact, .. } => {
                self.memberships.insert((contact.clone(), group.clone()));
            }
            Change::MemberRemoved { group, contact, .. } => {
                self.memberships.remove(&(contact.clone(), group.clone()));
            }
            Change::Memberships(memberships) => {
                self.memberships = memberships.iter().cloned().collect();
            }
            _ => {}
        }
    }

    fn insert(&mut self, group: &ContactGroup) {
        let value = (group.kind, group.name.clone());
        self.groups.insert(group.key.clone(), value);
    }

    /// The groups that the user can change or fill, in a fixed order.
    pub(crate) fn groups_of(&self, kinds: &[GroupKind]) -> Vec<GroupKey> {
        let groups = self.groups.iter();
        let wanted = groups.filter(|(_, (kind, _))| kinds.contains(kind));
        wanted.map(|(key, _)| key.clone()).collect()
    }
}
