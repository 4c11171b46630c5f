//! The contact lists of all users, and the index that finds the users who made a user their delegate.

use std::collections::BTreeSet;

use super::contact_list::{Change, ContactList};
use super::group_id::GroupId;
use super::privacy::PrivacyLevels;
use super::reply::Refusal;
use super::table::Table;

/// The contact lists by the address of the user. Each user with an account has one.
#[derive(Debug, Default)]
pub(super) struct ContactLists {
    of_user: Table<String, ContactList>,
    /// The users who made a user their delegate, by the address of the delegate.
    delegators: Table<String, BTreeSet<String>>,
}

impl ContactLists {
    pub(super) fn visited(&self) -> u64 {
        self.of_user.visited() + self.delegators.visited()
    }

    /// Sets the contact list of a user, and the entries of the index with it.
    pub(super) fn insert(&mut self, user: String, list: ContactList) {
        if let Some(replaced) = self.of_user.remove(&user) {
            for delegate in replaced.members(GroupId::Delegates).unwrap_or_default() {
                if let Some(delegators) = self.delegators.get_mut(delegate) {
                    delegators.remove(&user);
                }
            }
        }
        for delegate in list.members(GroupId::Delegates).unwrap_or_default() {
            let delegators = self.delegators.get_or_default(delegate.to_owned());
            delegators.insert(user.clone());
        }
        self.of_user.insert(user, list);
    }

    pub(super) fn get(&self, user: &str) -> Option<&ContactList> {
        self.of_user.get(user)
    }

    pub(super) fn levels_mut(&mut self, user: &str) -> Option<&mut PrivacyLevels> {
        let list = self.of_user.get_mut(user)?;
        Some(&mut list.levels)
    }

    /// Changes the contact list of a user, and the index of delegators with it. Guests have no contact list.
    pub(super) fn change(
        &mut self,
        user: &str,
        change: impl FnOnce(&mut ContactList) -> Result<Vec<Change>, Refusal>,
    ) -> Result<Vec<Change>, Refusal> {
        let list = self.of_user.get_mut(user);
        let changes = change(list.ok_or(Refusal::ANONYMOUS_NOT_ALLOWED)?)?;
        for change in &changes {
            match change {
                Change::Joined(GroupId::Delegates, delegate) => {
                    let delegators = self.delegators.get_or_default(delegate.clone());
                    delegators.insert(user.to_owned());
                }
                Change::Left(GroupId::Delegates, delegate) => {
                    if let Some(delegators) = self.delegators.get_mut(delegate) {
                        delegators.remove(user);
                    }
                }
                _ => {}
            }
        }
        Ok(changes)
    }

    /// The users who made the user with this address their delegate, in the order of their addresses.
    pub(super) fn delegators_of(&self, delegate: &str) -> impl Iterator<Item = &str> {
        let delegators = self.delegators.get(delegate).into_iter().flatten();
        delegators.map(String::as_str)
    }
}
