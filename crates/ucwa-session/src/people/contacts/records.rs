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
    /// The hrefs of its links, by rel. `None` if only the href of the group is known.
    links: Option<BTreeMap<String, String>>,
}

impl GroupRecord {
    pub(super) fn href(&self) -> Option<&str> {
        self.href.as_deref()
    }

    pub(super) fn link(&self, rel: &str) -> Option<&str> {
        self.links.as_ref()?.get(rel).map(String::as_str)
    }

    /// Whether the group was read, so that its links are known.
    pub(super) fn is_read(&self) -> bool {
        self.links.is_some()
    }
}

#[derive(Debug, Default)]
pub(super) struct Records {
    groups: BTreeMap<GroupKey, GroupRecord>,
    /// The groups by their own href and by that of their contacts. Keys ignore case, but the IDs in the hrefs do not, so
    /// several groups can have one key.
    by_href: BTreeMap<HrefKey, Vec<(String, GroupKey)>>,
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

    /// The group with this href, or whose contacts have it. `key` is the key of the href.
    pub(super) fn group_at(&self, href: &str, key: &HrefKey) -> Option<&GroupKey> {
        let groups = self.by_href.get(key)?;
        let (_, first) = groups.first()?;
        if groups.iter().all(|(_, group)| group == first) {
            return Some(first);
        }
        let same = groups
            .iter()
            .find(|(other, _)| path_of(other) == path_of(href));
        same.map(|(_, group)| group)
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
            _ => {
                GroupKey::HIDDEN
                    .iter()
                    .find(|(hidden, ..)| *hidden == rel)?
                    .2
            }
        };
        let uri = resource.text("uri").map(str::to_owned);
        let hidden = GroupKey::HIDDEN.iter().find(|(hidden, ..)| *hidden == rel);
        let key = match hidden {
            Some((_, key, _)) => key.clone(),
            None => {
                // The one group of its kind needs no ID.
                let id = (resource.text("id")).or(uri.as_deref()).or_else(|| {
                    matches!(kind, GroupKind::Favorites | GroupKind::Others).then_some(rel)
                })?;
                GroupKey::Id(id.to_owned())
            }
        };
        let name = resource.text("name").map(str::to_owned);
        let mut group = ContactGroup::new(key, kind, name);
        group.uri = uri;
        let links = (resource.links.iter())
            .filter_map(|(rel, links)| {
                let link = links.as_slice().first()?;
                Some((rel.to_string(), link.href.to_string()))
            })
            .collect();
        let record = GroupRecord {
            group: group.clone(),
            href: resource.href().map(str::to_owned),
            links: Some(links),
        };
        self.insert(record, key_of);
        Some(group)
    }

    /// Adds a group of which only the href is known, unless the group is known.
    pub(super) fn add_link(
        &mut self,
        (key, kind): (GroupKey, GroupKind),
        href: &str,
        key_of: impl Fn(&str) -> Option<HrefKey>,
    ) {
        if self.groups.contains_key(&key) {
            return;
        }
        let record = GroupRecord {
            group: ContactGroup::new(key, kind, None),
            href: Some(href.to_owned()),
            links: None,
        };
        self.insert(record, key_of);
    }

    fn insert(&mut self, record: GroupRecord, key_of: impl Fn(&str) -> Option<HrefKey>) {
        if self.groups.len() >= MAX || self.by_href.len() >= 2 * MAX {
            self.groups.clear();
            self.by_href.clear();
        }
        let group = &record.group.key;
        for href in [record.href(), record.link("groupContacts")] {
            if let Some((href, key)) = href.and_then(|href| Some((href, key_of(href)?))) {
                let groups = self.by_href.entry(key).or_default();
                // A group that was created anew has the href of the removed one.
                groups.retain(|(other, it)| it != group && path_of(other) != path_of(href));
                groups.push((href.to_owned(), group.clone()));
            }
        }
        self.groups.insert(group.clone(), record);
    }

    /// Removes a group. Its hrefs stay, because events about its contacts may follow.
    pub(super) fn remove_group(&mut self, key: &GroupKey) {
        self.groups.remove(key);
    }
}

/// The path and the query of an href, absolute or relative.
fn path_of(href: &str) -> &str {
    match href.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or(rest),
        None => href,
    }
}
