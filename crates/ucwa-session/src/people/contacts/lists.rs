//! Reads of lists: collected, shared and batched like the reads of people.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::{HrefKey, Resource};

use super::{ContactsPurpose, ContactsTimer, emit, purpose, refused_pause, timer};
use crate::contact_list::{
    ContactGroup, ContactList, ContactListChange, GroupKey, GroupKind, PrivacyLevel,
};
use crate::core::Core;
use crate::exchange::Exchange;
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::Ticket;
use crate::operation::Outcome;
use crate::people::{People, key_of, not_offered};

/// A read of one list, and the operations that wait for it.
#[derive(Debug, Default)]
pub(super) struct ListRead {
    tickets: Vec<Ticket>,
    stage: ReadStage,
    /// The list changed during the read, so the response may be outdated.
    again: bool,
    /// The contents of the responses so far.
    content: Content,
    /// The contact cards that came with the list.
    cards: Vec<Resource<'static>>,
    /// The hrefs of contacts that came without a card.
    hrefs: BTreeMap<HrefKey, String>,
    /// The contacts of the list whose cards are being read.
    missing: BTreeSet<HrefKey>,
    failure: Option<Failure>,
    /// Why a part of the list could not be read.
    incomplete: Option<Failure>,
}

impl ListRead {
    pub(super) fn into_tickets(self) -> Vec<Ticket> {
        self.tickets
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
enum ReadStage {
    /// Waits to be sent.
    #[default]
    Due,
    /// Waits for the reads of these lists, which tell the hrefs.
    Waiting(Vec<ContactList>),
    /// Waits for the read of the group, which tells the href of its members.
    Finding,
    /// This many requests are in flight.
    UnderWay(u8),
}

/// The contents of a list, with contacts by href.
#[derive(Debug, Default)]
struct Content {
    contacts: Vec<HrefKey>,
    groups: Vec<ContactGroup>,
    memberships: Vec<(HrefKey, GroupKey)>,
}

impl People {
    /// Reads a list. Joins a read that is due or in flight.
    pub(super) fn read_list(&mut self, core: &mut Core, list: ContactList, ticket: Option<Ticket>) {
        let read = self.contacts.reads.entry(list).or_default();
        read.tickets.extend(ticket);
        if read.stage == ReadStage::Due {
            self.schedule_send(core);
        }
    }

    /// Reads a list that has changed.
    pub(super) fn reload_list(&mut self, core: &mut Core, list: ContactList) {
        if !self.touch_list(&list) {
            self.read_list(core, list, None);
        }
    }

    /// Handles an event page, before its events. A page that was requested again after a failure may report nothing of a
    /// change that was undone in the meantime (`EventsInUCWA`), and a list that was read in between shows the change.
    pub(crate) fn on_event_page(&mut self, core: &mut Core, is_repeated: bool) {
        let read = std::mem::take(&mut self.contacts.read_since_page);
        for list in read.into_iter().filter(|_| is_repeated) {
            self.reload_if_used(core, list);
        }
    }

    /// Notes that a list has changed. Returns whether a read in flight will be repeated for it.
    pub(super) fn touch_list(&mut self, list: &ContactList) -> bool {
        match self.contacts.reads.get_mut(list) {
            Some(read) if matches!(read.stage, ReadStage::UnderWay(_)) => {
                read.again = true;
                true
            }
            _ => false,
        }
    }

    /// The requests of the list reads that are due.
    pub(in crate::people) fn due_list_reads(&mut self, core: &mut Core) -> Vec<Exchange> {
        let mut exchanges = Vec::new();
        loop {
            let mut reads = self.contacts.reads.iter();
            let due = reads.find(|(_, read)| read.stage == ReadStage::Due);
            let Some(list) = due.map(|(list, _)| list.clone()) else {
                return exchanges;
            };
            match self.list_requests(core, &list) {
                Ok(ListStep::Send(requests)) => {
                    let count = u8::try_from(requests.len()).unwrap_or(u8::MAX);
                    self.set_stage(&list, ReadStage::UnderWay(count));
                    exchanges.extend(requests);
                }
                Ok(ListStep::Find(request)) => {
                    self.set_stage(&list, ReadStage::Finding);
                    if !core.is_under_way(&request.purpose) {
                        exchanges.push(*request);
                    }
                }
                Ok(ListStep::Wait(lists)) => {
                    self.set_stage(&list, ReadStage::Waiting(lists.clone()));
                    for list in lists {
                        self.contacts.reads.entry(list).or_default();
                    }
                }
                // A server without the link has no such contacts.
                Ok(ListStep::Empty) => {
                    self.set_stage(&list, ReadStage::UnderWay(0));
                    self.finish_list(core, &list);
                }
                Err(failure) => self.settle_list(core, &list, Err(failure)),
            }
        }
    }

    fn set_stage(&mut self, list: &ContactList, stage: ReadStage) {
        if let Some(read) = self.contacts.reads.get_mut(list) {
            read.stage = stage;
        }
    }

    fn list_requests(&self, core: &Core, list: &ContactList) -> Result<ListStep, Failure> {
        let contacts = &self.contacts;
        let get = |href: &str, of: ContactsPurpose| {
            let url = core.resolve(href, Stage::People)?;
            Ok(Exchange::new(purpose(of), Method::GET, url))
        };
        let read = || ContactsPurpose::Read(list.clone());
        let all = match list {
            ContactList::Contacts => vec![(&contacts.my_contacts, read())],
            ContactList::Groups => vec![
                (&contacts.my_groups, read()),
                (
                    &contacts.my_privacy_relationships,
                    ContactsPurpose::ReadLevels,
                ),
            ],
            ContactList::Memberships => {
                let unread = [ContactList::Contacts, ContactList::Groups];
                let unread: Vec<_> = unread
                    .into_iter()
                    .filter(|list| !contacts.loaded.contains(list))
                    .collect();
                if !unread.is_empty() {
                    return Ok(ListStep::Wait(unread));
                }
                vec![(&contacts.my_group_memberships, read())]
            }
            ContactList::Members(GroupKey::Level(_)) => {
                vec![(&contacts.my_privacy_relationships, read())]
            }
            ContactList::Members(key) => {
                let Some(record) = contacts.records.group(key) else {
                    return match contacts.loaded.contains(&ContactList::Groups) {
                        // The server does not offer the group to this user.
                        true if key.is_hidden() => Ok(ListStep::Empty),
                        true => Err(gone()),
                        false => Ok(ListStep::Wait(vec![ContactList::Groups])),
                    };
                };
                if let (false, Some(href)) = (record.is_read(), record.href()) {
                    let purpose = ContactsPurpose::ReadGroup(key.clone());
                    return Ok(ListStep::Find(Box::new(get(href, purpose)?)));
                }
                let rel = match record.group.kind {
                    GroupKind::Distribution => "expandDistributionGroup",
                    _ => "groupContacts",
                };
                let href = record.link(rel).ok_or_else(|| not_offered(rel))?;
                return Ok(ListStep::Send(vec![get(href, read())?]));
            }
        };
        let requests = all
            .into_iter()
            .filter_map(|(href, of)| Some(get(href.as_deref()?, of)))
            .collect::<Result<Vec<_>, Failure>>()?;
        Ok(if requests.is_empty() {
            ListStep::Empty
        } else {
            ListStep::Send(requests)
        })
    }

    pub(super) fn on_list_read(
        &mut self,
        core: &mut Core,
        list: &ContactList,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        match core.fetched(exchange, result) {
            Ok(resource) => {
                match list {
                    ContactList::Groups => {
                        let groups = self.groups_of(core, &resource);
                        for group in groups_in(&resource).filter_map(|(_, it)| it.href()) {
                            self.check_href(core, list, group);
                        }
                        self.record_hidden_groups(core, &resource);
                        // The groups come before the privacy levels, whichever response is first.
                        self.with_content(list, |it| drop(it.groups.splice(..0, groups)));
                    }
                    ContactList::Memberships => self.take_memberships(core, list, &resource),
                    ContactList::Members(GroupKey::Level(level)) => {
                        let levels = resource.embedded_all("myPrivacyRelationship");
                        let mut levels = levels.iter();
                        let is_meant = |it: &&Resource<'_>| {
                            it.text("relationshipLevel") == Some(level.as_str())
                        };
                        if let Some(level) = levels.find(is_meant) {
                            self.take_contacts(core, list, level);
                        }
                    }
                    ContactList::Contacts => self.take_contacts(core, list, &resource),
                    ContactList::Members(_) => {
                        self.take_contacts(core, list, &resource);
                        let groups = self.groups_of(core, &resource);
                        self.with_content(list, |it| it.groups = groups);
                    }
                }
            }
            Err(failure) => {
                if let Some(read) = self.contacts.reads.get_mut(list) {
                    read.failure = Some(failure);
                }
            }
        }
        self.on_list_part(core, list);
    }

    /// Handles the privacy levels among the groups.
    pub(super) fn on_levels_read(
        &mut self,
        core: &mut Core,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let list = ContactList::Groups;
        match core.fetched(exchange, result) {
            Ok(resource) => {
                let levels = resource.embedded_all("myPrivacyRelationship").iter();
                let levels: Vec<_> = levels
                    .filter_map(|it| PrivacyLevel::named(it.text("relationshipLevel")?))
                    .map(ContactGroup::of_level)
                    .collect();
                self.with_content(&list, |it| it.groups.extend(levels));
            }
            Err(failure) => {
                tracing::debug!(%failure, "the privacy levels could not be read");
                self.note_missing_part(&list, failure);
            }
        }
        self.on_list_part(core, &list);
    }

    /// Notes that a part of a list could not be read.
    fn note_missing_part(&mut self, list: &ContactList, failure: Failure) {
        if let Some(read) = self.contacts.reads.get_mut(list) {
            read.incomplete = Some(failure);
        }
    }

    /// Notes that a contact or a group of a list has an href on another host, which a server would not send.
    fn check_href(&mut self, core: &Core, list: &ContactList, href: &str) {
        if let Err(failure) = core.resolve(href, Stage::People) {
            self.note_missing_part(list, failure);
        }
    }

    fn with_content(&mut self, list: &ContactList, change: impl FnOnce(&mut Content)) {
        if let Some(read) = self.contacts.reads.get_mut(list) {
            change(&mut read.content);
        }
    }

    /// Takes the contacts of a list: their cards, or their hrefs.
    fn take_contacts(&mut self, core: &Core, list: &ContactList, resource: &Resource<'_>) {
        let mut hrefs = Vec::new();
        let mut cards = Vec::new();
        for card in resource.embedded_all("contact") {
            if let Some(href) = self.record_contact(core, card) {
                self.check_href(core, list, card.href().unwrap_or_default());
                hrefs.push(href);
                cards.push(card.borrowed().into_owned());
            }
        }
        let mut cardless = BTreeMap::new();
        for link in resource.links("contact") {
            if let Some(key) = key_of(core, &link.href)
                && !hrefs.contains(&key)
            {
                self.check_href(core, list, &link.href);
                cardless.insert(key.clone(), link.href.to_string());
                hrefs.push(key);
            }
        }
        if let Some(read) = self.contacts.reads.get_mut(list) {
            read.content.contacts = hrefs;
            read.hrefs = cardless;
            read.cards = cards;
        }
    }

    fn take_memberships(&mut self, core: &Core, list: &ContactList, resource: &Resource<'_>) {
        let mut hrefs = BTreeMap::new();
        let mut memberships = Vec::new();
        self.contacts.has_unknown_groups = false;
        for membership in resource.embedded_all("myGroupMembership") {
            let Some(href) = membership.link_href("contact") else {
                continue;
            };
            self.check_href(core, list, href);
            let Some(group) = group_link(membership) else {
                continue;
            };
            self.check_href(core, list, group);
            match (key_of(core, href), self.group_at(core, group)) {
                (Some(contact), Some(group)) => {
                    hrefs.insert(contact.clone(), href.to_owned());
                    memberships.push((contact, group));
                }
                (_, None) => self.contacts.has_unknown_groups = true,
                (None, _) => {}
            }
        }
        if let Some(read) = self.contacts.reads.get_mut(list) {
            read.content.memberships = memberships;
            read.hrefs = hrefs;
        }
    }

    /// The group of a membership (`myGroupMembership_ref`).
    pub(super) fn group_of_membership(
        &self,
        core: &Core,
        membership: &Resource<'_>,
    ) -> Option<GroupKey> {
        self.group_at(core, group_link(membership)?)
    }

    /// The group with this href, or whose contacts have it.
    pub(super) fn group_at(&self, core: &Core, href: &str) -> Option<GroupKey> {
        let key = key_of(core, href)?;
        self.contacts.records.group_at(href, &key).cloned()
    }

    /// Records the groups that the list of groups does not contain. Usually the server only links them.
    fn record_hidden_groups(&mut self, core: &mut Core, resource: &Resource<'_>) {
        for (rel, key, kind) in GroupKey::HIDDEN {
            let is_new = self.contacts.records.group(&key).is_none();
            if let Some(group) = resource.embedded(rel) {
                self.record_group(core, rel, group);
            } else if let Some(href) = resource.link_href(rel) {
                let records = &mut self.contacts.records;
                records.add_link((key.clone(), kind), href, |href| key_of(core, href));
            }
            if is_new && self.contacts.records.group(&key).is_some() {
                self.reload_if_used(core, ContactList::Members(key));
            }
        }
    }

    /// Continues the read of the members of a group, and the subscription to their presence, when the group was read.
    pub(super) fn on_group_read(
        &mut self,
        core: &mut Core,
        group: &GroupKey,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let found = core.fetched(exchange, result).map(|resource| {
            let hidden = GroupKey::HIDDEN.iter().find(|(_, key, _)| key == group);
            if let Some((rel, ..)) = hidden {
                self.record_group(core, rel, &resource);
            }
        });
        let list = ContactList::Members(group.clone());
        let read = self.contacts.reads.get(&list);
        let is_awaited = read.is_some_and(|read| read.stage == ReadStage::Finding);
        match found {
            Ok(()) => {
                if is_awaited {
                    self.set_stage(&list, ReadStage::Due);
                    self.schedule_send(core);
                }
                self.continue_group_presence(core);
            }
            Err(failure) => {
                if is_awaited {
                    self.settle_list(core, &list, Err(failure));
                }
                self.delay_group_presence(core, group);
            }
        }
    }

    /// The groups in a resource, by kind: favorites, custom, distribution, others.
    pub(in crate::people) fn groups_of(
        &mut self,
        core: &Core,
        resource: &Resource<'_>,
    ) -> Vec<ContactGroup> {
        let mut groups = Vec::new();
        for (rel, group) in groups_in(resource) {
            groups.extend(self.record_group(core, rel, group));
        }
        groups
    }

    pub(super) fn record_group(
        &mut self,
        core: &Core,
        rel: &str,
        group: &Resource<'_>,
    ) -> Option<ContactGroup> {
        let records = &mut self.contacts.records;
        records.add_group(rel, group, |href| key_of(core, href))
    }

    /// Records the href of a contact. `None` if it has no address.
    pub(super) fn record_contact(&mut self, core: &Core, card: &Resource<'_>) -> Option<HrefKey> {
        let uri = card.text("uri").filter(|uri| !uri.is_empty())?;
        let href = key_of(core, card.href()?)?;
        self.contacts.records.add_contact(href.clone(), uri);
        Some(href)
    }

    /// The SIP URI of the contact with this href.
    pub(super) fn uri_at(&self, href: &HrefKey) -> Option<String> {
        let known = self.contacts.records.uri_at(href).map(str::to_owned);
        known.or_else(|| {
            let person = self.persons.get(self.by_href.get(href)?)?;
            Some(person.uri.clone())
        })
    }

    /// Handles one response of a read: after the last one, the cards that are missing are read.
    fn on_list_part(&mut self, core: &mut Core, list: &ContactList) {
        let Some(read) = self.contacts.reads.get_mut(list) else {
            return;
        };
        let ReadStage::UnderWay(count) = &mut read.stage else {
            return;
        };
        *count = count.saturating_sub(1);
        if *count > 0 {
            return;
        }
        if let Some(failure) = read.failure.take() {
            return self.settle_list(core, list, Err(failure));
        }
        let (content, hrefs_of) = (&read.content, std::mem::take(&mut read.hrefs));
        let hrefs = content.memberships.iter().map(|(contact, _)| contact);
        let hrefs: BTreeSet<_> = content.contacts.iter().chain(hrefs).cloned().collect();
        let mut missing = BTreeSet::new();
        let requests: Vec<_> = hrefs
            .into_iter()
            .filter(|href| self.uri_at(href).is_none())
            .filter_map(|key| {
                let url = core.resolve(hrefs_of.get(&key)?, Stage::People).ok()?;
                let of = ContactsPurpose::ReadCard(list.clone(), key.as_str().to_owned());
                missing.insert(key);
                Some(Exchange::new(purpose(of), Method::GET, url))
            })
            .collect();
        if requests.is_empty() {
            return self.finish_list(core, list);
        }
        if let Some(read) = self.contacts.reads.get_mut(list) {
            read.missing = missing;
        }
        core.issue_batched(requests);
    }

    pub(super) fn on_card_read(
        &mut self,
        core: &mut Core,
        list: &ContactList,
        href: &str,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let card = core.fetched(exchange, result);
        let known = (card.as_ref().ok()).and_then(|card| self.record_contact(core, card));
        let card = match card {
            Ok(card) => Some(card),
            // The list is complete without a contact that does not exist any more.
            Err(failure) if failure.is_gone() => None,
            Err(failure) => {
                self.note_missing_part(list, failure);
                None
            }
        };
        let Some(read) = self.contacts.reads.get_mut(list) else {
            return;
        };
        if let (Some(card), Some(_)) = (card, known) {
            read.cards.push(card);
        }
        // A contact without a card is left out.
        read.missing.retain(|key| key.as_str() != href);
        if read.missing.is_empty() {
            self.finish_list(core, list);
        }
    }

    /// Reports a list that was read, and then the cards that came with it. An incomplete list does not replace a complete one.
    fn finish_list(&mut self, core: &mut Core, list: &ContactList) {
        let Some(read) = self.contacts.reads.get_mut(list) else {
            return;
        };
        if read.incomplete.is_some() && self.contacts.loaded.contains(list) {
            return self.settle_list(core, list, Ok(()));
        }
        let content = std::mem::take(&mut read.content);
        let cards = std::mem::take(&mut read.cards);
        // A contact with several hrefs is one contact.
        let mut seen = BTreeSet::new();
        let uris = content.contacts.iter().filter_map(|href| self.uri_at(href));
        let uris: Vec<_> = uris.filter(|uri| seen.insert(uri.to_lowercase())).collect();
        let change = match list {
            ContactList::Contacts => ContactListChange::Contacts(uris),
            ContactList::Groups => ContactListChange::Groups(content.groups),
            ContactList::Memberships => {
                let memberships = content.memberships.into_iter();
                let memberships = memberships
                    .filter_map(|(contact, group)| Some((self.uri_at(&contact)?, group)));
                ContactListChange::Memberships(memberships.collect())
            }
            ContactList::Members(group) => {
                self.cover_members(core, group, &uris);
                ContactListChange::Members {
                    group: group.clone(),
                    contacts: uris,
                    groups: content.groups,
                }
            }
        };
        self.contacts.loaded.insert(list.clone());
        self.contacts.read_since_page.insert(list.clone());
        emit(core, change);
        // The memberships were read before one of these groups was known.
        if *list == ContactList::Groups && self.contacts.has_unknown_groups {
            self.reload_if_used(core, ContactList::Memberships);
        }
        for card in cards {
            self.apply_contact(core, &card);
        }
        self.settle_list(core, list, Ok(()));
    }

    /// Ends a read.
    fn settle_list(&mut self, core: &mut Core, list: &ContactList, result: Result<(), Failure>) {
        let Some(read) = self.contacts.reads.remove(list) else {
            return;
        };
        let outcome = match (result.clone(), read.incomplete) {
            (Ok(()), Some(failure)) => Err(failure),
            (result, _) => result,
        };
        match &outcome {
            Ok(()) => drop(self.contacts.unread.remove(list)),
            Err(failure) => {
                tracing::debug!(?list, %failure, "a list could not be read");
                self.read_later(core, list);
            }
        }
        for ticket in read.tickets {
            core.complete(ticket, outcome.clone().map(|()| Outcome::Done));
        }
        if read.again {
            self.read_list(core, list.clone(), None);
        }
        self.continue_waiting(core, list, &result);
    }

    /// Reads a followed list again after a pause, which grows with the number of failures.
    fn read_later(&mut self, core: &mut Core, list: &ContactList) {
        if self.contacts.followed.contains(list) {
            let failures = self.contacts.unread.entry(list.clone()).or_default();
            *failures += 1;
            let pause = refused_pause(*failures);
            core.arm(pause, timer(ContactsTimer::Read(list.clone())));
        }
    }

    /// Continues, or ends, what waits for a list.
    fn continue_waiting(
        &mut self,
        core: &mut Core,
        list: &ContactList,
        result: &Result<(), Failure>,
    ) {
        let waits: Vec<_> = (self.contacts.reads.iter())
            .filter(|(_, read)| matches!(&read.stage, ReadStage::Waiting(on) if on.contains(list)))
            .map(|(list, _)| list.clone())
            .collect();
        for waiting in waits {
            match result {
                Ok(()) => {
                    self.set_stage(&waiting, ReadStage::Due);
                    self.schedule_send(core);
                }
                Err(failure) => self.settle_list(core, &waiting, Err(failure.clone())),
            }
        }
        self.continue_changes(core, list, result);
        if *list == ContactList::Groups {
            self.continue_group_presence(core);
        }
    }
}

/// The groups in a resource that are shown, with their rels.
fn groups_in<'a>(
    resource: &'a Resource<'a>,
) -> impl Iterator<Item = (&'static str, &'a Resource<'a>)> {
    let rels = ["pinnedGroup", "group", "distributionGroup", "defaultGroup"].into_iter();
    rels.flat_map(|rel| (resource.embedded_all(rel).iter()).map(move |group| (rel, group)))
}

/// The href of the group in a membership.
fn group_link<'a>(membership: &'a Resource<'_>) -> Option<&'a str> {
    let rels = ["group", "pinnedGroup", "defaultGroup", "delegatesGroup"];
    rels.iter().find_map(|rel| membership.link_href(rel))
}

enum ListStep {
    Send(Vec<Exchange>),
    Find(Box<Exchange>),
    Wait(Vec<ContactList>),
    Empty,
}

/// The failure of an operation on a group that the server does not list any more.
pub(super) fn gone() -> Failure {
    Failure::new(FailureKind::WrongState, Stage::People)
        .with_message("the contact list has no such group")
}
