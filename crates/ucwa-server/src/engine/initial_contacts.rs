//! The contact lists when the server starts, from the configuration.

use std::collections::{BTreeMap, BTreeSet};

use ucwa_proto::SipUri;

use super::contact_list::ContactList;
use super::group_id::GroupId;
use super::identifiers::Identifiers;
use crate::config::{InitialContacts, ServerConfig, address};

/// The contact list of each user, by address.
pub(super) fn initial_contact_lists(
    config: &ServerConfig,
    identifiers: &mut Identifiers,
) -> BTreeMap<String, ContactList> {
    let accounts: BTreeSet<_> = config.users.iter().map(|user| user.address()).collect();
    let lists = config.users.iter().map(|user| {
        let mut list = ContactList::new(identifiers.contact_list_marker());
        fill(&mut list, &user.contacts, &accounts);
        for uri in &user.contacts.distribution_groups {
            let address = address(uri);
            let mut groups = config.distribution_groups.iter();
            if let Some(position) = groups.position(|group| group.address() == address) {
                // A repeated entry is left out.
                drop(list.add_distribution_group(position));
            }
        }
        (user.address(), list)
    });
    lists.collect()
}

/// Adds the contacts and groups. Entries that the list refuses are left out.
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
