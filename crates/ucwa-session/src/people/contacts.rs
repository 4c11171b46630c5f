//! The contact list: its lists, its groups, and the changes that a user makes to it.
//!
//! A list is read as a whole, and events change what was read. An event that cannot be applied, because it names a contact
//! or a group that is not known, makes the session read the list again. An event during a read makes it read once more, so
//! that the order of a response and an event does not matter.

mod changes;
mod events;
mod lists;
mod presence;
mod privacy;
mod records;
mod subscription;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use ucwa_proto::{HrefKey, Resource};

use self::changes::Change;
use self::lists::ListRead;
pub(super) use self::presence::GroupPresence;
pub(super) use self::privacy::PrivacyChanges;
use self::records::Records;
use self::subscription::ListSubscription;
use super::{People, PersonId, not_signed_in};
use crate::contact_list::{ContactList, ContactListChange, ContactsOperation, GroupKey};
use crate::core::Core;
use crate::event::SessionEvent;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::Ticket;
use crate::operation::Outcome;
use crate::people::PeoplePurpose;
use crate::people::presence::{EXTEND_AFTER, REFUSED_PAUSE};
use crate::timers::Timer;

/// The purpose of an exchange about the contact list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ContactsPurpose {
    /// GET myContactsAndGroupsSubscription, for its links.
    FindSubscription,
    /// POST startOrRefreshSubscriptionToContactsAndGroups.
    Subscribe,
    /// POST stopSubscriptionToContactsAndGroups.
    Unsubscribe,
    /// GET a list.
    Read(ContactList),
    /// GET myPrivacyRelationships, for the list of groups.
    ReadLevels,
    /// GET a group of which only the href is known.
    ReadGroup(GroupKey),
    /// GET a contact of a list that has only its href, by the key of the href.
    ReadCard(ContactList, String),
    /// A request of a change.
    Change(Ticket),
    /// PUT contactPrivacyRelationship, or POST resetContactPrivacyRelationship.
    SetPrivacy(PersonId),
    /// POST subscribeToGroupPresence.
    FollowPresence(GroupKey),
    /// DELETE the presenceSubscription of a group.
    UnfollowPresence,
}

impl ContactsPurpose {
    /// The name of the operation in traces.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::FindSubscription => "myContactsAndGroupsSubscription",
            Self::Subscribe => "startOrRefreshSubscriptionToContactsAndGroups",
            Self::Unsubscribe => "stopSubscriptionToContactsAndGroups",
            Self::Read(ContactList::Contacts) => "myContacts",
            Self::Read(ContactList::Groups) => "myGroups",
            Self::Read(ContactList::Memberships) => "myGroupMemberships",
            Self::Read(ContactList::Members(_)) => "groupContacts",
            Self::ReadLevels => "myPrivacyRelationships",
            Self::ReadGroup(_) => "group",
            Self::ReadCard(..) => "contact",
            Self::Change(_) => "contactList",
            Self::SetPrivacy(_) => "contactPrivacyRelationship",
            Self::FollowPresence(_) => "subscribeToGroupPresence",
            Self::UnfollowPresence => "presenceSubscription",
        }
    }
}

/// Timers about the contact list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ContactsTimer {
    /// The subscription to the list will expire soon, or its next attempt is due.
    Subscribe,
    /// The subscription to the presence of a group will expire soon, or its next attempt is due.
    FollowPresence(GroupKey),
    /// A followed list whose read failed is read again.
    Read(ContactList),
    /// The next read of a list at its interval.
    Poll(ContactList),
    /// Events should have reported the changes that the user made.
    Confirm,
}

/// The contact list, as far as the session needs it to understand events and to make changes.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    /// The href of `myContacts`.
    my_contacts: Option<String>,
    my_groups: Option<String>,
    my_group_memberships: Option<String>,
    my_privacy_relationships: Option<String>,
    /// The server refused a change for its version.
    read_only: bool,
    /// The last report whether changes are possible.
    reported_writable: bool,
    records: Records,
    /// The lists that are followed with the subscription.
    followed: BTreeSet<ContactList>,
    /// The lists that are read at an interval.
    polled: BTreeMap<ContactList, Duration>,
    /// The lists that were read in this application.
    loaded: BTreeSet<ContactList>,
    /// The lists that were read since the last event page.
    read_since_page: BTreeSet<ContactList>,
    /// The followed lists whose last read failed, with the number of failures in succession.
    unread: BTreeMap<ContactList, u32>,
    /// The memberships name a group that the groups that were read do not contain.
    has_unknown_groups: bool,
    reads: BTreeMap<ContactList, ListRead>,
    subscription: ListSubscription,
    changes: BTreeMap<Ticket, Change>,
    /// The lists whose change no event has reported yet.
    unconfirmed: BTreeSet<ContactList>,
    pub(super) presence: BTreeMap<GroupKey, GroupPresence>,
    pub(super) privacy: BTreeMap<PersonId, PrivacyChanges>,
}

impl Contacts {
    /// The number of reads and changes in progress.
    pub(super) fn awaited(&self) -> usize {
        self.reads.len()
            + self.changes.len()
            + self.unconfirmed.len()
            + (self.privacy.values().map(PrivacyChanges::awaited)).sum::<usize>()
    }

    /// Whether the contact with this href is in a list that was read.
    pub(super) fn lists(&self, contact: &HrefKey) -> bool {
        self.records.uri_at(contact).is_some()
    }

    /// Whether the members of a privacy level were read, so that a change of a level moves a contact between them.
    pub(super) fn has_levels(&self) -> bool {
        let is_level = |it: &ContactList| matches!(it, ContactList::Members(GroupKey::Level(_)));
        self.loaded.iter().any(is_level)
    }

    /// Takes the links of `people` (`people_ref`).
    pub(super) fn apply_links(&mut self, people: &Resource<'_>) {
        let link = |rel: &str| people.link_href(rel).map(str::to_owned);
        self.my_contacts = link("myContacts");
        self.my_groups = link("myGroups");
        self.my_group_memberships = link("myGroupMemberships");
        self.my_privacy_relationships = link("myPrivacyRelationships");
        self.subscription.href = link("myContactsAndGroupsSubscription");
    }
}

impl People {
    /// Handles an operation on the contact list.
    pub(super) fn submit_contacts(
        &mut self,
        core: &mut Core,
        ticket: Ticket,
        operation: ContactsOperation,
    ) {
        match operation {
            ContactsOperation::Follow { list, interest } => {
                self.follow_list(core, list, interest);
                core.complete(ticket, Ok(Outcome::Done));
            }
            ContactsOperation::FollowPresence { group, follow } => {
                self.follow_group_presence(core, group, follow);
                core.complete(ticket, Ok(Outcome::Done));
            }
            _ if !self.open => core.complete(ticket, Err(not_signed_in())),
            ContactsOperation::Read(list) => self.read_list(core, list, Some(ticket)),
            ContactsOperation::SetPrivacyLevel { address, level } => {
                self.set_privacy(core, ticket, &address, level);
            }
            ContactsOperation::SearchGroups { query, limit } => {
                self.search_people(core, ticket, &query, limit, true);
            }
            ContactsOperation::FetchPhoto {
                address,
                size,
                etag,
            } => self.fetch_photo(core, ticket, &address, size, etag),
            ContactsOperation::FetchPhones => self.fetch_phones(core, ticket),
            ContactsOperation::FetchCallForwarding => self.fetch_call_forwarding(core, ticket),
            change => self.submit_change(core, ticket, change),
        }
    }

    pub(super) fn on_contacts_timer(&mut self, core: &mut Core, timer: ContactsTimer) {
        match timer {
            ContactsTimer::Subscribe => self.renew_list_subscription(core),
            ContactsTimer::FollowPresence(group) => self.subscribe_to_group(core, &group),
            ContactsTimer::Read(list) => {
                if self.contacts.followed.contains(&list) {
                    self.read_list(core, list, None);
                }
            }
            ContactsTimer::Poll(list) => self.poll_list(core, list),
            ContactsTimer::Confirm => self.on_unconfirmed(core),
        }
    }

    /// Handles the end of an exchange about the contact list.
    pub(super) fn on_contacts_finished(
        &mut self,
        core: &mut Core,
        purpose: &ContactsPurpose,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        match purpose {
            ContactsPurpose::FindSubscription => self.on_subscription_found(core, exchange, result),
            ContactsPurpose::Subscribe => self.on_list_subscribed(core, exchange, result),
            // If it failed, the subscription expires by itself.
            ContactsPurpose::Unsubscribe | ContactsPurpose::UnfollowPresence => {}
            ContactsPurpose::Read(list) => self.on_list_read(core, list, exchange, result),
            ContactsPurpose::ReadLevels => self.on_levels_read(core, exchange, result),
            ContactsPurpose::ReadGroup(group) => self.on_group_read(core, group, exchange, result),
            ContactsPurpose::ReadCard(list, key) => {
                self.on_card_read(core, list, key, exchange, result);
            }
            ContactsPurpose::Change(ticket) => self.on_changed(core, *ticket, exchange, result),
            ContactsPurpose::SetPrivacy(id) => self.on_privacy_set(core, id, exchange, result),
            ContactsPurpose::FollowPresence(group) => {
                self.on_group_subscribed(core, group, exchange, result);
            }
        }
    }

    /// Reads and follows everything of interest, in a new application or after the server has dropped its transient state.
    pub(super) fn begin_contacts(&mut self, core: &mut Core) {
        self.report_writable(core);
        self.start_list_subscription(core);
        let polled: Vec<_> = self.contacts.polled.keys().cloned().collect();
        for list in polled {
            self.poll_list(core, list);
        }
        // A list that is not followed may have changed as well. The next request for it reads it again.
        let groups: Vec<_> = self.contacts.presence.keys().cloned().collect();
        for group in groups {
            self.subscribe_to_group(core, &group);
        }
    }

    /// Forgets the subscriptions, which the server has dropped.
    pub(super) fn drop_contacts_subscriptions(&mut self, core: &mut Core) {
        core.cancel_timers(|timer| is_of_contacts(timer, |timer| *timer != ContactsTimer::Confirm));
        self.contacts.subscription.end();
        let groups: Vec<_> = self.contacts.presence.keys().cloned().collect();
        for group in groups {
            self.uncover(core, &group);
            if let Some(presence) = self.contacts.presence.get_mut(&group) {
                presence.end();
            }
        }
    }

    /// Ends every read and change with the application. What is followed stays. Returns the tickets.
    pub(super) fn end_contacts(&mut self) -> Vec<Ticket> {
        let contacts = &mut self.contacts;
        contacts.records = Records::default();
        contacts.loaded.clear();
        contacts.unconfirmed.clear();
        contacts.read_since_page.clear();
        contacts.unread.clear();
        contacts.has_unknown_groups = false;
        contacts.read_only = false;
        contacts.subscription.end();
        for presence in contacts.presence.values_mut() {
            presence.end();
        }
        let reads = std::mem::take(&mut contacts.reads);
        let changes = std::mem::take(&mut contacts.changes);
        let privacy = std::mem::take(&mut contacts.privacy);
        (reads.into_values().flat_map(ListRead::into_tickets))
            .chain(changes.into_keys())
            .chain(privacy.into_values().flat_map(PrivacyChanges::into_tickets))
            .collect()
    }

    /// Reports whether the list can be changed, if that is new.
    pub(crate) fn report_writable(&mut self, core: &mut Core) {
        let contacts = &mut self.contacts;
        let writable = !contacts.read_only
            && (contacts.my_groups.is_some() || contacts.my_group_memberships.is_some());
        if std::mem::replace(&mut contacts.reported_writable, writable) != writable {
            emit(core, ContactListChange::Writable(writable));
        }
    }
}

/// The pause after this many refused subscriptions or failed reads, which doubles up to the time after which a subscription is renewed.
fn refused_pause(refusals: u32) -> Duration {
    let doublings = refusals.saturating_sub(1).min(8);
    REFUSED_PAUSE
        .saturating_mul(1 << doublings)
        .min(EXTEND_AFTER)
}

fn emit(core: &mut Core, change: ContactListChange) {
    core.emit(SessionEvent::ContactList(change));
}

fn purpose(purpose: ContactsPurpose) -> Purpose {
    Purpose::People(PeoplePurpose::Contacts(purpose))
}

fn timer(timer: ContactsTimer) -> Timer {
    Timer::People(super::PeopleTimer::Contacts(timer))
}

fn is_of_contacts(timer: &Timer, is_meant: impl Fn(&ContactsTimer) -> bool) -> bool {
    matches!(timer, Timer::People(super::PeopleTimer::Contacts(timer)) if is_meant(timer))
}

/// The failure of a command that the server does not offer at all.
fn not_supported(message: &'static str) -> Failure {
    Failure::new(FailureKind::NotSupported, Stage::People).with_message(message)
}
