//! Follows the contact list: its groups, their members, and the presence of the members.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use skype_p2p::{Application, Group, GroupType, Person, Subscription, Subscriptions};
use tokio::{
    sync::{Notify, mpsc::UnboundedSender},
    task::JoinHandle,
};

use super::{follow_presence, lock, person, send};
use crate::chat::{
    printable_text::PrintableText,
    state::update::{ContactGroup, Update},
};

/// The contact list. Dropped, it reports nothing more.
pub(super) struct ContactBook {
    _shared: Arc<Shared>,
    reports: JoinHandle<()>,
}

struct Shared {
    updates: UnboundedSender<Update>,
    /// The list has changed.
    changed: Arc<Notify>,
    subscriptions: Mutex<Subscriptions>,
    /// The addresses of the contacts whose presence is reported.
    followed: Mutex<HashSet<String>>,
}

impl ContactBook {
    pub(super) fn follow(application: &Application, updates: UnboundedSender<Update>) -> Self {
        let groups = application.persons_and_groups_manager().all().groups();
        let changed = Arc::new(Notify::new());
        let shared = Arc::new(Shared {
            updates: updates.clone(),
            changed: Arc::clone(&changed),
            subscriptions: Mutex::default(),
            followed: Mutex::default(),
        });
        shared.keep(groups.subscribe());
        let weak = Arc::downgrade(&shared);
        shared.keep(groups.added(move |group, _, _| {
            if let Some(shared) = weak.upgrade() {
                shared.follow_group(group);
            }
        }));
        let removed = Arc::clone(&changed);
        shared.keep(groups.removed(move |_, _, _| removed.notify_one()));
        // Many changes at once, such as the first answer of the server, are reported together.
        let reports = tokio::spawn(async move {
            loop {
                changed.notified().await;
                let groups = groups.snapshot().iter().filter_map(shown).collect();
                send(&updates, Update::Contacts(groups));
            }
        });
        Self {
            _shared: shared,
            reports,
        }
    }
}

impl Drop for ContactBook {
    fn drop(&mut self) {
        self.reports.abort();
    }
}

impl Shared {
    fn keep(&self, subscription: Subscription) {
        lock(&self.subscriptions).add(subscription);
    }

    fn follow_group(self: &Arc<Self>, group: &Group) {
        if !is_shown(group) {
            return;
        }
        self.keep(group.subscribe_presence());
        let changed = Arc::clone(&self.changed);
        self.keep(group.name().changed(move |_| changed.notify_one()));
        let weak = Arc::downgrade(self);
        self.keep(group.persons().added(move |person, _, _| {
            if let Some(shared) = weak.upgrade() {
                shared.follow_person(person);
                shared.changed.notify_one();
            }
        }));
        let changed = Arc::clone(&self.changed);
        let removed = group.persons().removed(move |_, _, _| changed.notify_one());
        self.keep(removed);
    }

    fn follow_person(&self, person: &Person) {
        if !lock(&self.followed).insert(person.id().get()) {
            return;
        }
        // The group follows the status.
        for listener in follow_presence(person, &self.updates) {
            self.keep(listener);
        }
        let changed = Arc::clone(&self.changed);
        self.keep(person.display_name().changed(move |_| changed.notify_one()));
    }
}

/// Whether the dialogs show the group: not the groups of privacy levels, which have the same people again.
fn is_shown(group: &Group) -> bool {
    matches!(
        group.group_type(),
        GroupType::Favorites | GroupType::Custom | GroupType::Others | GroupType::Distribution
    )
}

/// The group as the dialogs show it. Every group of the list has an ID.
fn shown(group: &Group) -> Option<ContactGroup> {
    if !is_shown(group) {
        return None;
    }
    let kind = group.group_type();
    let name = match (kind, group.name().get()) {
        (GroupType::Favorites, _) => "Favorites".to_owned(),
        (GroupType::Others, _) => "Other contacts".to_owned(),
        (_, Some(name)) => name,
        (_, None) => "Group".to_owned(),
    };
    Some(ContactGroup {
        id: group.id().get()?,
        kind,
        name: PrintableText::line(&name),
        members: group.persons().snapshot().iter().map(person).collect(),
    })
}
