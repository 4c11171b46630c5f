//! The applications, and the indices that find those of a user and those that watch a user.

use std::collections::{BTreeMap, BTreeSet};

use super::application::Application;
use super::identifiers::ApplicationId;
use super::table::Table;

/// The applications by ID.
#[derive(Debug, Default)]
pub(super) struct Applications {
    by_id: Table<ApplicationId, Application>,
    /// The applications of each user who is signed in, by the user's address.
    of_user: Table<String, BTreeSet<ApplicationId>>,
    /// The applications that watch the presence of a user, by the address of the watched user.
    watchers: Table<String, BTreeSet<ApplicationId>>,
}

impl Applications {
    pub(super) fn get(&self, id: ApplicationId) -> Option<&Application> {
        self.by_id.get(&id)
    }

    /// The application. Do not change its address. Change the members of its subscriptions only together with the index of
    /// watchers.
    pub(super) fn get_mut(&mut self, id: ApplicationId) -> Option<&mut Application> {
        self.by_id.get_mut(&id)
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn visited(&self) -> u64 {
        self.by_id.visited() + self.of_user.visited() + self.watchers.visited()
    }

    pub(super) fn insert(&mut self, id: ApplicationId, application: Application) {
        // IDs are random. An application with the same ID is replaced, including its entries in the indices.
        self.remove(id);
        add(&mut self.of_user, &application.address, id);
        self.by_id.insert(id, application);
    }

    pub(super) fn remove(&mut self, id: ApplicationId) -> Option<Application> {
        let application = self.by_id.remove(&id)?;
        take(&mut self.of_user, &application.address, id);
        for address in application.watched() {
            take(&mut self.watchers, address, id);
        }
        Some(application)
    }

    /// The applications of the user with this address, in the order of their IDs.
    pub(super) fn of(&self, address: &str) -> impl Iterator<Item = (ApplicationId, &Application)> {
        let ids = self.of_user.get(address).into_iter().flatten();
        ids.filter_map(|id| Some((*id, self.by_id.get(id)?)))
    }

    /// The number of applications of each user who is signed in, by address.
    pub(super) fn counts(&self) -> BTreeMap<String, usize> {
        let users = self.of_user.iter();
        users.map(|(user, ids)| (user.clone(), ids.len())).collect()
    }

    /// Adds the application to those that watch the user with this address.
    pub(super) fn watch(&mut self, id: ApplicationId, address: &str) {
        add(&mut self.watchers, address, id);
    }

    /// Removes the application from those that watch the user with this address.
    pub(super) fn unwatch(&mut self, id: ApplicationId, address: &str) {
        take(&mut self.watchers, address, id);
    }

    /// The applications that watch the user with this address, in the order of their IDs.
    pub(super) fn watchers(&self, address: &str) -> Vec<ApplicationId> {
        let ids = self.watchers.get(address).into_iter().flatten();
        ids.copied().collect()
    }
}

fn add(index: &mut Table<String, BTreeSet<ApplicationId>>, address: &str, id: ApplicationId) {
    index.get_or_default(address.to_owned()).insert(id);
}

fn take(index: &mut Table<String, BTreeSet<ApplicationId>>, address: &str, id: ApplicationId) {
    if let Some(ids) = index.get_mut(address) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(address);
        }
    }
}
