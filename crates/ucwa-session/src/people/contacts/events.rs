//! Events of the contact list (`people_ref`, `myContacts_ref`, `myGroups_ref` and the pages of the groups).

use ucwa_proto::{Event, EventKind};

use super::emit;
use crate::contact_list::{ContactList, ContactListChange, GroupKey};
use crate::core::Core;
use crate::people::{People, key_of};

impl People {
    /// Handles an event of the sender `people`, if it is about the contact list.
    pub(in crate::people) fn on_contact_list_event(
        &mut self,
        core: &mut Core,
        event: &Event<'_>,
    ) -> bool {
        match event.link.rel.as_ref() {
            "myContactsAndGroupsSubscription" => self.on_list_subscription_event(core, event),
            "contact" => {
                let within = event.within.as_ref();
                let Some(within) = within.filter(|it| it.rel != "subscribedContacts") else {
                    return false;
                };
                match self.group_at(core, &within.href) {
                    Some(group) => self.on_member_event(core, event, group),
                    None if within.rel == "myContacts" => self.on_list_event(core, event),
                    // The list of groups is older than this group.
                    None => {
                        self.reload_if_used(core, ContactList::Groups);
                        self.reload_if_used(core, ContactList::Memberships);
                    }
                }
            }
            rel if rel == "myOrganizationGroup" || rel.ends_with("Group") || rel == "group" => {
                self.on_group_event(core, event);
            }
            _ => return false,
        }
        true
    }

    /// Handles a contact that entered or left the contact list.
    fn on_list_event(&mut self, core: &mut Core, event: &Event<'_>) {
        let Some(contact) = self.contact_of(core, event, &[ContactList::Contacts]) else {
            return;
        };
        emit(
            core,
            match event.kind {
                EventKind::Deleted => ContactListChange::ContactRemoved(contact),
                _ => ContactListChange::ContactAdded(contact),
            },
        );
        self.apply_card(core, event);
    }

    /// Handles a contact that entered or left a group.
    fn on_member_event(&mut self, core: &mut Core, event: &Event<'_>, group: GroupKey) {
        let is_gone = event.kind == EventKind::Deleted;
        if !is_gone {
            // The subscription to the presence of a group contains the members at its start.
            self.on_presence_member_added(core, &group);
        }
        let lists = [
            ContactList::Members(group.clone()),
            ContactList::Memberships,
        ];
        let Some(contact) = self.contact_of(core, event, &lists) else {
            return;
        };
        if is_gone {
            self.uncover_member(core, &group, &contact);
            emit(core, ContactListChange::MemberRemoved { group, contact });
        } else {
            self.cover_members(core, &group, std::slice::from_ref(&contact));
            emit(core, ContactListChange::MemberAdded { group, contact });
        }
        self.apply_card(core, event);
    }

    /// The SIP URI of the contact of an event. If it is not known, the lists that the event has changed are read again.
    fn contact_of(
        &mut self,
        core: &mut Core,
        event: &Event<'_>,
        lists: &[ContactList],
    ) -> Option<String> {
        for list in lists {
            self.touch_list(list);
            self.contacts.unconfirmed.remove(list);
        }
        if let Some(card) = event.resource() {
            self.record_contact(core, card);
        }
        let known = key_of(core, &event.link.href).and_then(|key| self.uri_at(&key));
        if known.is_none() {
            for list in lists {
                self.reload_if_used(core, list.clone());
            }
        }
        known
    }

    fn apply_card(&mut self, core: &mut Core, event: &Event<'_>) {
        if let Some(card) = event.resource()
            && event.kind != EventKind::Deleted
        {
            self.apply_contact(core, card);
        }
    }

    /// Handles the change of a group.
    fn on_group_event(&mut self, core: &mut Core, event: &Event<'_>) {
        let known = self.group_at(core, &event.link.href);
        self.touch_list(&ContactList::Groups);
        self.contacts.unconfirmed.remove(&ContactList::Groups);
        match (&event.kind, event.resource(), known) {
            // The event may have the rel of another hidden group, so the href decides.
            (kind, _, Some(group)) if group.is_hidden() => {
                if *kind == EventKind::Deleted {
                    self.contacts.records.remove_group(&group);
                }
                self.reload_if_used(core, ContactList::Members(group));
            }
            (_, _, None) if is_hidden(event.link.rel.as_ref()) => {
                self.reload_if_used(core, ContactList::Groups);
            }
            (EventKind::Deleted, _, Some(group)) => {
                self.contacts.records.remove_group(&group);
                self.contacts
                    .loaded
                    .remove(&ContactList::Members(group.clone()));
                self.touch_list(&ContactList::Memberships);
                emit(core, ContactListChange::GroupRemoved(group));
            }
            // A group that was not read, or is of no kind that is shown.
            (EventKind::Deleted, _, None) => {}
            (_, Some(resource), known) => {
                if let Some(group) = self.record_group(core, event.link.rel.as_ref(), resource) {
                    emit(core, ContactListChange::Group(group));
                }
                self.reload_members(core, event, known);
            }
            (_, None, known) => {
                if is_shown(event.link.rel.as_ref()) {
                    self.reload_if_used(core, ContactList::Groups);
                }
                self.reload_members(core, event, known);
            }
        }
    }

    /// Reads the members of a distribution group again. No event reports them one by one.
    fn reload_members(&mut self, core: &mut Core, event: &Event<'_>, group: Option<GroupKey>) {
        if event.link.rel == "distributionGroup"
            && event.kind == EventKind::Updated
            && let Some(group) = group
        {
            self.reload_if_used(core, ContactList::Members(group));
        }
    }

    /// Reads a list again, if it was read or is followed.
    pub(super) fn reload_if_used(&mut self, core: &mut Core, list: ContactList) {
        let contacts = &self.contacts;
        if contacts.loaded.contains(&list)
            || contacts.followed.contains(&list)
            || contacts.reads.contains_key(&list)
        {
            self.reload_list(core, list);
        }
    }
}

fn is_hidden(rel: &str) -> bool {
    GroupKey::HIDDEN.iter().any(|(hidden, ..)| *hidden == rel)
}

fn is_shown(rel: &str) -> bool {
    matches!(
        rel,
        "group" | "pinnedGroup" | "defaultGroup" | "distributionGroup"
    )
}
