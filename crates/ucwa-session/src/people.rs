//! People: their data, the interest in them, and the user's own presence.
//!
//! The server keeps the data of a person in a few resources, each read as a whole: card, presence, note, location,
//! modalities. Reads are collected for a moment, so that all requests for one resource share one read, and reads that
//! are due together share one batch.

mod contacts;
mod facts;
mod me;
mod presence;
mod reads;
mod search;
mod telephony;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use ucwa_proto::{HrefKey, Resource, SipUri};

use self::contacts::Contacts;
pub(crate) use self::contacts::{ContactsPurpose, ContactsTimer};
pub(crate) use self::facts::Aspect;
use self::presence::Subscription;
use self::reads::Read;
use self::telephony::Telephony;
use crate::contact_list::GroupKey;
use crate::core::Core;
use crate::event::SessionEvent;
use crate::exchange::Exchange;
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::Ticket;
use crate::operation::{Operation, Outcome};
use crate::person::{Interest, MeChange, PersonFact, PersonField, PersonStatus};

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PersonId {
    /// The user.
    Me,
    /// The person with this SIP URI, in lower case.
    Other(String),
}

/// The purpose of an exchange about people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PeoplePurpose {
    /// GET a resource of a person.
    Read(PersonId, Aspect),
    /// GET search, for the contact with this address.
    Locate(PersonId),
    /// GET a contact that an event named, by the key of its href.
    Identify(String),
    /// GET search, for the caller: people, or else distribution groups.
    Search(Ticket, bool),
    /// POST presenceSubscriptions.
    Subscribe(u64),
    /// POST presenceSubscription, to extend it.
    Extend(u64),
    /// DELETE presenceSubscription.
    Unsubscribe,
    /// POST presence, note or location.
    Set(Aspect),
    /// GET phones.
    Phones(Ticket),
    /// GET callForwardingSettings.
    CallForwarding(Ticket),
    /// GET contactPhoto or photo.
    Photo(Ticket),
    /// A request about the contact list.
    Contacts(ContactsPurpose),
}

impl PeoplePurpose {
    /// The name of the operation in traces.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Read(id, aspect) => aspect.rel(id),
            Self::Locate(_) | Self::Search(..) => "search",
            Self::Identify(_) => "contact",
            Self::Subscribe(_) => "presenceSubscriptions",
            Self::Extend(_) | Self::Unsubscribe => "presenceSubscription",
            Self::Set(aspect) => aspect.rel(&PersonId::Me),
            Self::Phones(_) => "phones",
            Self::CallForwarding(_) => "callForwardingSettings",
            Self::Photo(_) => "photo",
            Self::Contacts(purpose) => purpose.name(),
        }
    }
}

/// Timers about people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PeopleTimer {
    /// Collected reads are due.
    Collected,
    /// The next read at the interval of an interest.
    Poll(PersonId, Aspect),
    /// The next attempt to read a followed resource, with the number of failed ones.
    Repeat(PersonId, Aspect, u32),
    /// A subscription will expire soon.
    Extend(u64),
    /// Something about the contact list is due.
    Contacts(ContactsTimer),
}

/// The number of people without interest whose records are kept. A kept record saves a search when the person is read
/// again.
const KEPT_IDLE: usize = 200;

#[derive(Debug, Default)]
pub(crate) struct People {
    /// The user's own address, in lower case.
    me: String,
    /// Whether there is an application.
    open: bool,
    search: Option<String>,
    presence_subscriptions: Option<String>,
    persons: BTreeMap<PersonId, Box<Person>>,
    /// Counts uses of records, to find the least recently used ones.
    uses: u64,
    /// The number of events since the last eviction that may have added or released a record.
    since_eviction: usize,
    /// The owners of contact hrefs.
    by_href: BTreeMap<HrefKey, PersonId>,
    /// Reads that are due or in flight.
    reads: BTreeMap<(PersonId, Aspect), Read>,
    /// The timer that collects reads is armed.
    collecting: bool,
    /// Contacts whose address is being read, by the key of their href.
    identifying: BTreeSet<String>,
    searches: BTreeSet<Ticket>,
    subscriptions: BTreeMap<u64, Subscription>,
    /// The server refused a subscription. The next attempt is not made before this time.
    subscribe_at: Duration,
    /// Pending changes to the user's presence, by resource. Changes of one resource are made one at a time.
    changes: BTreeMap<Aspect, VecDeque<(Ticket, MeChange)>>,
    /// The status that the user chose in this session and has not reset. A new application keeps it.
    chosen: Option<PersonStatus>,
    contacts: Contacts,
    telephony: Telephony,
}

#[derive(Debug, Default)]
struct Person {
    uri: String,
    /// The hrefs of this person's resources in the current application.
    links: BTreeMap<Aspect, String>,
    /// The key of this person's contact in `by_href`.
    contact: Option<HrefKey>,
    /// The use count at the last use of this record.
    used: u64,
    /// Whether a search for this person's contact is in flight.
    locating: bool,
    interests: BTreeMap<PersonField, Interest>,
    /// The subscription that covers this person.
    subscription: Option<u64>,
    /// The groups with this person whose presence is followed, by subscriptions of their own.
    covered_by: BTreeSet<GroupKey>,
    /// The href of the photo.
    photo: Option<String>,
}

impl Person {
    /// The strongest interest in a resource.
    fn interest(&self, id: &PersonId, aspect: Aspect) -> Interest {
        let of_aspect = self
            .interests
            .iter()
            .filter(|(field, _)| Aspect::of(**field) == aspect)
            .map(|(_, interest)| *interest);
        if aspect == Aspect::Presence && !self.covered_by.is_empty() {
            return Interest::Live;
        }
        let mut shortest = Interest::None;
        for interest in of_aspect {
            match (interest, shortest) {
                (Interest::Live, _) if aspect.is_live(id) => return Interest::Live,
                (Interest::Every(one), Interest::Every(other)) if one < other => {
                    shortest = interest;
                }
                (Interest::Every(_), Interest::None) => shortest = interest,
                _ => {}
            }
        }
        shortest
    }

    /// Whether the hrefs of the resources are known. The contact has all of them.
    fn is_located(&self) -> bool {
        self.links.contains_key(&Aspect::Card)
    }

    fn is_followed(&self, id: &PersonId) -> bool {
        Aspect::ALL
            .into_iter()
            .any(|aspect| self.interest(id, aspect) == Interest::Live)
    }
}

impl People {
    /// The number of reads, searches and changes in progress.
    pub(crate) fn awaited(&self) -> usize {
        self.reads.len()
            + self.identifying.len()
            + self.searches.len()
            + self.changes.values().map(VecDeque::len).sum::<usize>()
            + self.persons.values().filter(|it| it.locating).count()
            + usize::from(self.collecting)
            + self.contacts.awaited()
            + self.telephony.awaited()
    }

    /// Handles an operation on people.
    pub(crate) fn submit(&mut self, core: &mut Core, ticket: Ticket, operation: Operation) {
        match operation {
            Operation::FetchPerson { address, field } => match self.find_or_create(&address) {
                Err(failure) => core.complete(ticket, Err(failure)),
                Ok(_) if !self.open => core.complete(ticket, Err(not_signed_in())),
                Ok(id) => self.read(core, id, Aspect::of(field), Some(ticket)),
            },
            Operation::FollowPerson {
                address,
                field,
                interest,
            } => {
                let result = self.find_or_create(&address).map(|id| {
                    self.follow(core, id, field, interest);
                    Outcome::Done
                });
                core.complete(ticket, result);
            }
            Operation::SetMe(change) => self.set_me(core, ticket, change),
            Operation::SearchPeople { query, limit } => {
                self.search_people(core, ticket, &query, limit, false);
            }
            Operation::Contacts(operation) => self.submit_contacts(core, ticket, operation),
            _ => core.complete(
                ticket,
                Err(Failure::new(FailureKind::WrongState, Stage::People)),
            ),
        }
    }

    pub(crate) fn on_timer(&mut self, core: &mut Core, timer: PeopleTimer) {
        match timer {
            PeopleTimer::Collected => self.send_due(core),
            PeopleTimer::Poll(id, aspect) => self.on_poll(core, id, aspect),
            PeopleTimer::Repeat(id, aspect, repeats) => self.repeat(core, id, aspect, repeats),
            PeopleTimer::Extend(id) => self.extend(core, id),
            PeopleTimer::Contacts(timer) => self.on_contacts_timer(core, timer),
        }
    }

    /// Handles the end of an exchange about people.
    pub(crate) fn on_finished(
        &mut self,
        core: &mut Core,
        purpose: &PeoplePurpose,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        match purpose {
            PeoplePurpose::Read(id, aspect) => self.on_read(core, id, *aspect, exchange, result),
            PeoplePurpose::Locate(id) => self.on_located(core, id, exchange, result),
            PeoplePurpose::Identify(href) => self.on_identified(core, href, exchange, result),
            PeoplePurpose::Search(ticket, groups) => {
                self.on_searched(core, *ticket, *groups, exchange, result);
            }
            PeoplePurpose::Subscribe(id) => self.on_subscribed(core, *id, exchange, result),
            PeoplePurpose::Extend(id) => self.on_extended(core, *id, exchange, result),
            // If it failed, the subscription expires by itself.
            PeoplePurpose::Unsubscribe => {}
            PeoplePurpose::Set(aspect) => self.on_set(core, *aspect, exchange, result),
            PeoplePurpose::Phones(ticket) => self.on_phones(core, *ticket, exchange, result),
            PeoplePurpose::CallForwarding(ticket) => {
                self.on_call_forwarding(core, *ticket, exchange, result);
            }
            PeoplePurpose::Photo(ticket) => self.on_photo(core, *ticket, exchange, result),
            PeoplePurpose::Contacts(purpose) => {
                self.on_contacts_finished(core, purpose, exchange, result);
            }
        }
    }

    /// Takes the links of an application, and the user's own data in it.
    pub(crate) fn apply_application(&mut self, core: &mut Core, application: &Resource<'_>) {
        if let Some(people) = application.embedded("people") {
            let link = |rel: &str| people.link_href(rel).map(str::to_owned);
            self.search = link("search");
            self.presence_subscriptions = link("presenceSubscriptions");
            self.contacts.apply_links(people);
        }
        if let Some(me) = application.embedded("me") {
            if let Some(uri) = me.text("uri").and_then(|uri| SipUri::parse(uri).ok()) {
                self.me = folded(&uri);
                // Before the sign-in, the address of the user is unknown, so it may be followed like that of another person.
                let early = self.persons.remove(&PersonId::Other(self.me.clone()));
                let me = self.persons.entry(PersonId::Me).or_default();
                uri.as_str().clone_into(&mut me.uri);
                for (field, interest) in early.map(|it| it.interests).unwrap_or_default() {
                    me.interests.entry(field).or_insert(interest);
                }
            }
            self.apply_me_links(me);
            let known = Aspect::Card.facts(me, core.base.as_ref());
            self.emit_facts(core, &PersonId::Me, known.into_iter().filter(has_value));
        }
    }

    /// Starts with a new application: reads and follows everything of interest.
    pub(crate) fn begin(&mut self, core: &mut Core) {
        self.open = true;
        self.subscribe_at = Duration::ZERO;
        self.resynchronize(core);
    }

    /// Starts again after the server has dropped its transient state, including subscriptions (`EventsInUCWA`).
    pub(crate) fn resynchronize(&mut self, core: &mut Core) {
        if !self.open {
            return;
        }
        self.subscriptions.clear();
        core.cancel_timers(|timer| {
            use crate::timers::Timer;
            matches!(
                timer,
                Timer::People(PeopleTimer::Extend(_) | PeopleTimer::Poll(..))
            )
        });
        self.drop_contacts_subscriptions(core);
        let ids: Vec<_> = self.persons.keys().cloned().collect();
        for id in ids {
            if let Some(person) = self.persons.get_mut(&id) {
                person.subscription = None;
            }
            for aspect in Aspect::ALL {
                let Some(person) = self.persons.get(&id) else {
                    continue;
                };
                if person.interest(&id, aspect) != Interest::None {
                    // A read in flight may be older than the lost events.
                    self.read_change(core, id.clone(), aspect);
                }
                self.apply_interest(core, &id, aspect, Interest::None);
            }
        }
        self.begin_contacts(core);
    }

    /// Ends every read with the application. The interests stay.
    pub(crate) fn end_all(&mut self, core: &mut Core, failure: &Failure) {
        self.open = false;
        self.search = None;
        self.presence_subscriptions = None;
        self.by_href.clear();
        self.identifying.clear();
        self.subscriptions.clear();
        self.collecting = false;
        for person in self.persons.values_mut() {
            person.links.clear();
            person.contact = None;
            person.locating = false;
            person.subscription = None;
            person.covered_by.clear();
            person.photo = None;
        }
        core.cancel_timers(|timer| matches!(timer, crate::timers::Timer::People(_)));
        let reads = std::mem::take(&mut self.reads);
        let changes = std::mem::take(&mut self.changes);
        let mut tickets = Vec::new();
        for read in reads.into_values() {
            tickets.extend(read.tickets);
            for ticket in read.changes {
                core.complete(ticket, Ok(Outcome::Done));
            }
        }
        let tickets = tickets
            .into_iter()
            .chain(changes.into_values().flatten().map(|(ticket, _)| ticket))
            .chain(std::mem::take(&mut self.searches))
            .chain(self.end_contacts())
            .chain(self.telephony.end());
        for ticket in tickets {
            core.complete(ticket, Err(failure.clone()));
        }
    }

    /// Finds or creates the record of an address, without a request.
    fn find_or_create(&mut self, address: &str) -> Result<PersonId, Failure> {
        // Before sign-in the empty address stands for the user, whose address is not known yet.
        if address.is_empty() && self.me.is_empty() {
            return Ok(PersonId::Me);
        }
        let uri = SipUri::parse(address).map_err(|error| invalid(error.to_string()))?;
        let id = self.id_of(&uri);
        self.touch(&id, uri.as_str());
        Ok(id)
    }

    /// The record of a person, marked as used. Creating one may evict others.
    fn touch(&mut self, id: &PersonId, uri: &str) -> &mut Person {
        if !self.persons.contains_key(id) {
            self.evict_occasionally();
        }
        self.uses += 1;
        let person = self.persons.entry(id.clone()).or_default();
        person.used = self.uses;
        if person.uri.is_empty() {
            uri.clone_into(&mut person.uri);
        }
        person
    }

    /// Evicts idle records now and then, so that the cost per call stays constant.
    fn evict_occasionally(&mut self) {
        self.since_eviction += 1;
        if self.since_eviction >= KEPT_IDLE.max(self.persons.len() / 4) {
            self.since_eviction = 0;
            self.evict();
        }
    }

    /// Evicts the records of people without interest and without pending reads, except for the most recently used.
    fn evict(&mut self) {
        let being_read: BTreeSet<_> = self.reads.keys().map(|(id, _)| id).collect();
        let mut idle: Vec<_> = (self.persons.iter())
            .filter(|(id, person)| {
                **id != PersonId::Me
                    && person.interests.is_empty()
                    && person.subscription.is_none()
                    && person.covered_by.is_empty()
                    && !person.locating
                    && !person
                        .contact
                        .as_ref()
                        .is_some_and(|it| self.contacts.lists(it))
                    && !being_read.contains(id)
            })
            .map(|(id, person)| (person.used, id.clone()))
            .collect();
        idle.sort_unstable_by(|one, other| other.cmp(one));
        for (_, id) in idle.drain(KEPT_IDLE.min(idle.len())..) {
            if let Some(contact) = self.persons.remove(&id).and_then(|it| it.contact) {
                self.release_href(&contact, &id);
            }
        }
    }

    /// Records the href of a person's contact, and drops the previous one.
    fn locate(&mut self, id: &PersonId, contact: HrefKey) {
        if let Some(person) = self.persons.get_mut(id)
            && let Some(old) = person.contact.replace(contact.clone())
            && old != contact
        {
            self.release_href(&old, id);
        }
        self.by_href.insert(contact, id.clone());
    }

    /// Drops a contact href of a person, unless another person has it now.
    fn release_href(&mut self, contact: &HrefKey, id: &PersonId) {
        if self.by_href.get(contact) == Some(id) {
            self.by_href.remove(contact);
        }
    }

    fn id_of(&self, uri: &SipUri) -> PersonId {
        let folded = folded(uri);
        if folded == self.me {
            PersonId::Me
        } else {
            PersonId::Other(folded)
        }
    }

    /// Emits facts about a person.
    fn emit_facts(
        &self,
        core: &mut Core,
        id: &PersonId,
        facts: impl IntoIterator<Item = PersonFact>,
    ) {
        let Some(person) = self.persons.get(id) else {
            return;
        };
        for fact in facts {
            core.emit(SessionEvent::Person {
                uri: person.uri.clone(),
                fact,
            });
        }
    }
}

/// Whether a fact in the application's copy of the user's card has a value. The name is emitted at sign-in.
fn has_value(fact: &PersonFact) -> bool {
    match fact {
        PersonFact::Title(text)
        | PersonFact::Office(text)
        | PersonFact::Department(text)
        | PersonFact::Company(text)
        | PersonFact::AvatarUrl(text) => text.is_some(),
        PersonFact::PhoneNumbers(numbers) => !numbers.is_empty(),
        PersonFact::Emails(emails) => !emails.is_empty(),
        _ => false,
    }
}

fn folded(uri: &SipUri) -> String {
    uri.as_str().to_lowercase()
}

/// The comparison key of an href of the application.
fn key_of(core: &Core, href: &str) -> Option<HrefKey> {
    core.base.as_ref().map(|base| HrefKey::of(href, base))
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::InvalidArgument, Stage::People).with_message(message)
}

fn not_signed_in() -> Failure {
    Failure::new(FailureKind::NotSignedIn, Stage::People)
}

/// The failure if the server offers no link, which means that the operation is not possible now (`Hypermedia`).
fn not_offered(rel: &str) -> Failure {
    Failure::new(FailureKind::WrongState, Stage::People)
        .with_message(format!("the server offers no {rel} now"))
}
