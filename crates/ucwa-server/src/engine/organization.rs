//! Who reports to whom, as the configuration says (`myOrganizationGroup_ref`).

use std::collections::BTreeSet;

use super::Engine;
use super::table::Table;
use crate::config::{User, address};

/// The users who report to a manager, by the address of the manager, in the order of the configuration.
#[derive(Debug, Default)]
pub(super) struct Reports(Table<String, Vec<String>>);

impl Reports {
    pub(super) fn new(users: &[User]) -> Self {
        let mut reports = Table::default();
        for user in users {
            if let Some(manager) = &user.manager {
                let reports: &mut Vec<_> = reports.get_or_default(address(manager));
                reports.push(user.address());
            }
        }
        Self(reports)
    }

    fn of(&self, manager: &str) -> impl Iterator<Item = &str> {
        let reports = self.0.get(manager).into_iter().flatten();
        reports.map(String::as_str)
    }

    pub(super) fn visited(&self) -> u64 {
        self.0.visited()
    }
}

impl Engine {
    /// The addresses of a user's manager, of the user's peers, and of the users who report to the user. Each address occurs once,
    /// also if two users are the managers of each other.
    pub(super) fn organization_of(&self, user: &str) -> Vec<&str> {
        let manager = self.user_at(user).and_then(|user| user.manager.as_ref());
        let manager = manager.map(address);
        let manager = manager.and_then(|manager| self.directory.address(&manager));
        let peers = manager.into_iter().flat_map(|it| self.reports.of(it));
        let mut seen = BTreeSet::from([user]);
        manager
            .into_iter()
            .chain(peers)
            .chain(self.reports.of(user))
            .filter(|address| seen.insert(*address))
            .collect()
    }
}
