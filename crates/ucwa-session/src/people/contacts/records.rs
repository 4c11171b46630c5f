//! The groups and contacts that the session knows, by their hrefs in the current application.

use std::collections::BTreeMap;

use ucwa_proto::{HrefKey, Resource};

use crate::contact_list::{ContactGroup, GroupKey, GroupKind};

/// The maximum number of contacts and of groups whose hrefs are kept. A list that names others is read again when an event
/// changes it.
const MAX: usize = 2000;

/// A group and its hrefs.
#[derive(Clone, Debug)]
pub(super) struct GroupRecord {
    pub(super) group: ContactGroup,
    href: Option<String>,
    /// The hrefs of its links, by rel.
    links: BTreeMap<String, String>,
}

impl GroupRecord {
    pub(super) fn href(&self) -> Option<&str> {
        self.href.as_deref()
    }

    pub(super) fn link(&self, rel: &str) -> Option<&str> {
        self.links.get(rel).map(String::as_str)
    }
}

#[derive(Debug, Default)]
pub(super) struct Records {
    groups: BTreeMap<GroupKey, GroupRecord>,
    /// The groups by their own href and by that of their contacts.
    by_href: BTreeMap<HrefKey, GroupKey>,
    /// The SIP URIs of contacts by their href. A contact can have several hrefs.
    uris: BTreeMap<HrefKey, String>,
}

impl Records {
    pub(super) fn group(&self, key: &GroupKey) -> Option<&GroupRecord> {
        self.groups.get(key)
    }

    /// The distribution group with this URI.
    pub(super) fn distribution_group(&self, uri: &str) -> Option<&GroupRecord> {
        let mut groups = self.groups.values();
        groups.find(|it| {
            (it.group.uri.as_deref()).is_some_and(|other| other.eq_ignore_ascii_case(uri))
        })
    }

    /// The group with this href, or whose contacts have it.
    pub(super) fn group_at(&self, href: &HrefKey) -> Option<&GroupKey> {
        self.by_href.get(href)
    }

    /// The contact with this href.
    pub(super) fn uri_at(&self, href: &HrefKey) -> Option<&str> {
        self.uris.get(href).map(String::as_str)
    }

    pub(super) fn add_contact(&mut self, href: HrefKey, uri: &str) {
        if self.uris.len() >= MAX {
            self.uris.clear();
        }
        self.uris.insert(href, uri.to_owned());
    }

    /// Adds a group, or replaces its values. `None` if the resource is no group of a known kind.
    pub(super) fn add_group(
        &mut self,
        rel: &str,
        resource: &Resource<'_>,
        key_of: impl Fn(&str) -> Option<HrefKey>,
    ) -> Option<ContactGroup> {
        let kind = match rel {
            "pinnedGroup" => GroupKind::Favorites,
            "group" => GroupKind::Custom,
            "distributionGroup" => GroupKind::Distribution,
            "defaultGroup" => GroupKind::Others,
            _ => return None,
        };
        let uri = resource.text("uri").map(str::to_owned);
        // The one group of its kind needs no ID.
        let id = (resource.text("id"))
            .or(uri.as_deref())
            .or_else(|| matches!(kind, GroupKind::Favorites | GroupKind::Others).then_some(rel))?;
        let key = GroupKey::Id(id.to_owned());
        let name = resource.text("name").map(str::to_owned);
        let mut group = ContactGroup::new(key.clone(), kind, name);
        group.uri = uri;
        if self.groups.len() >= MAX || self.by_href.len() >= 2 * MAX {
            self.groups.clear();
            self.by_href.clear();
        }
        let links = (resource.links.iter())
            .filter_map(|(rel, links)| {
                let link = links.as_slice().first()?;
                Some((rel.to_string(), link.href.to_string()))
            })
            .collect();
        let record = GroupRecord {
            group: group.clone(),
            href: resource.href().map(str::to_owned),
            links,
        };
        for href in [record.href(), record.link("groupContacts")] {
            if let Some(href) = href.and_then(&key_of) {
                self.by_href.insert(href, key.clone());
            }
        }
        self.groups.insert(key, record);
        Some(group)
    }

    /// Removes a group. Its hrefs stay, because events about its contacts may follow.
    pub(super) fn remove_group(&mut self, key: &GroupKey) {
        self.groups.remove(key);
    }
}
