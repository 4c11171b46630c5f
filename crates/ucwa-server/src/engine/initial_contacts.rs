//! The contact lists at the start of the server, which come from the configuration.

use std::collections::BTreeSet;

use ucwa_proto::SipUri;

use super::contact_list::ContactList;
use super::contact_lists::ContactLists;
use super::group_id::GroupId;
use super::identifiers::Identifiers;
use crate::config::{InitialContacts, ServerConfig, address};

/// The contact list of each user. If two users have the same address, the list is that of the first one.
pub(super) fn initial_contact_lists(
    config: &ServerConfig,
    identifiers: &mut Identifiers,
) -> ContactLists {
    let accounts: BTreeSet<_> = config.users.iter().map(|user| user.address()).collect();
    let mut lists = ContactLists::default();
    for user in &config.users {
        if lists.get(&user.address()).is_some() {
            continue;
        }
        let mut list = ContactList::new(identifiers.contact_list_marker());
        fill(&mut list, &user.contacts, &accounts);
        for uri in &user.contacts.distribution_groups {
            let address = address(uri);
            let mut groups = config.distribution_groups.iter();
            if let Some(position) = groups.position(|group| group.address() == address) {
                // The list refuses a repeated entry.
                drop(list.add_distribution_group(position));
            }
        }
        lists.insert(user.address(), list);
    }
    lists
}

/// Adds the contacts and groups. Skips the entries that the list refuses.
fn fill(list: &mut ContactList, initial: &InitialContacts, accounts: &BTreeSet<String>) {
    let add = |list: &mut ContactList, uris: &[SipUri], group: Option<GroupId>| {
        let addresses = uris.iter().map(address);
        for address in addresses.filter(|address| accounts.contains(address)) {
            drop(list.add(&address, group));
        }
    };
    add(list, &initial.contacts, None);
    for (name, members) in &initial.groups {
        if list.create_group(name.clone()).is_ok() {
            let group = list.custom_groups().last();
            add(list, members, group);
        }
    }
    add(list, &initial.favorites, Some(GroupId::Pinned));
    add(list, &initial.delegates, Some(GroupId::Delegates));
}
