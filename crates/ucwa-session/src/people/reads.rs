//! Reads of people's resources: collected, shared, and batched.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use ucwa_proto::{Origin, Resource, SipUri};

use super::{Aspect, People, PeoplePurpose, PeopleTimer, PersonId, key_of, not_offered};
use crate::core::Core;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::Ticket;
use crate::operation::Outcome;
use crate::response::not_ucwa;
use crate::timers::Timer;

/// How long a read waits for further ones. An application that draws a list requests each line separately.
const COLLECTING_TIME: Duration = Duration::from_millis(10);
/// The maximum number of results of the search for one address.
const LOCATE_LIMIT: &str = "10";
/// The pause before the first repeat of a failed read of a followed resource.
const REPEAT_AFTER: Duration = Duration::from_secs(5);
/// The maximum number of repeats.
const MAX_REPEATS: u32 = 4;

/// A read of one resource of one person, and the operations that wait for it.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) tickets: Vec<Ticket>,
    /// Resets that the user made. They complete with this read, even if it fails: the reset itself has succeeded.
    pub(super) changes: Vec<Ticket>,
    stage: ReadStage,
    /// The resource changed during the read, so the response may be outdated.
    again: bool,
    /// The number of failed attempts.
    repeats: u32,
}

#[derive(Debug, PartialEq, Eq)]
enum ReadStage {
    /// Waits to be sent.
    Due,
    /// Waits until the hrefs of the person's resources are known.
    Locating,
    /// In flight.
    UnderWay,
}

impl People {
    /// Reads a resource. Joins a read that is due or in flight.
    pub(super) fn read(
        &mut self,
        core: &mut Core,
        id: PersonId,
        aspect: Aspect,
        ticket: Option<Ticket>,
    ) {
        let read = self.reads.entry((id, aspect)).or_insert_with(|| Read {
            tickets: Vec::new(),
            changes: Vec::new(),
            stage: ReadStage::Due,
            again: false,
            repeats: 0,
        });
        read.tickets.extend(ticket);
        if read.stage == ReadStage::Due {
            self.schedule_send(core);
        }
    }

    /// Reads a resource that has changed.
    pub(super) fn read_change(&mut self, core: &mut Core, id: PersonId, aspect: Aspect) {
        match self.reads.get_mut(&(id.clone(), aspect)) {
            Some(read) if read.stage == ReadStage::UnderWay => read.again = true,
            _ => self.read(core, id, aspect, None),
        }
    }

    /// Reads a resource that the user has reset, and completes the operation with the read.
    pub(super) fn read_own_change(&mut self, core: &mut Core, aspect: Aspect, ticket: Ticket) {
        self.read_change(core, PersonId::Me, aspect);
        if let Some(read) = self.reads.get_mut(&(PersonId::Me, aspect)) {
            read.changes.push(ticket);
        }
    }

    /// Repeats the failed read of a followed resource. No further event may report the change.
    pub(super) fn repeat(&mut self, core: &mut Core, id: PersonId, aspect: Aspect, repeats: u32) {
        if !self.is_live(&id, aspect) {
            return;
        }
        self.read(core, id.clone(), aspect, None);
        if let Some(read) = self.reads.get_mut(&(id, aspect)) {
            read.repeats = repeats;
        }
    }

    pub(super) fn schedule_send(&mut self, core: &mut Core) {
        if self.open && !std::mem::replace(&mut self.collecting, true) {
            core.arm(COLLECTING_TIME, Timer::People(PeopleTimer::Collected));
        }
    }

    /// Sends the reads that are due.
    pub(super) fn send_due(&mut self, core: &mut Core) {
        self.collecting = false;
        self.subscribe(core);
        let due: Vec<_> = self
            .reads
            .iter()
            .filter(|(_, read)| read.stage == ReadStage::Due)
            .map(|(key, _)| key.clone())
            .collect();
        let mut exchanges = Vec::new();
        for (id, aspect) in due {
            match self.next_step(core, &id, aspect) {
                Ok((stage, exchange)) => {
                    exchanges.extend(exchange);
                    if let Some(read) = self.reads.get_mut(&(id, aspect)) {
                        read.stage = stage;
                    }
                }
                Err(failure) => self.settle(core, id, aspect, Err(failure)),
            }
        }
        exchanges.extend(self.due_list_reads(core));
        core.issue_batched(exchanges);
    }

    /// The next stage of a due read, and its request.
    fn next_step(
        &mut self,
        core: &Core,
        id: &PersonId,
        aspect: Aspect,
    ) -> Result<(ReadStage, Option<Exchange>), Failure> {
        let rel = aspect.rel(id);
        let person = self.persons.get_mut(id).ok_or_else(|| not_offered(rel))?;
        if let Some(href) = person.links.get(&aspect) {
            let url = core.resolve(href, Stage::People)?;
            let purpose = Purpose::People(PeoplePurpose::Read(id.clone(), aspect));
            let exchange = Exchange::new(purpose, Method::GET, url);
            return Ok((ReadStage::UnderWay, Some(exchange)));
        }
        if *id == PersonId::Me || person.is_located() {
            return Err(not_offered(rel));
        }
        if person.locating {
            return Ok((ReadStage::Locating, None));
        }
        // Hrefs are never constructed: a search leads from the address to the contact.
        let search = self
            .search
            .as_deref()
            .ok_or_else(|| not_offered("search"))?;
        let address = SipUri::parse(&person.uri)
            .map(|uri| without_scheme(&uri).to_owned())
            .unwrap_or_default();
        let href = Origin::append_query(search, "query", &address);
        let href = Origin::append_query(&href, "limit", LOCATE_LIMIT);
        let url = core.resolve(&href, Stage::People)?;
        person.locating = true;
        let purpose = Purpose::People(PeoplePurpose::Locate(id.clone()));
        let exchange = Exchange::new(purpose, Method::GET, url);
        Ok((ReadStage::Locating, Some(exchange)))
    }

    pub(super) fn on_read(
        &mut self,
        core: &mut Core,
        id: &PersonId,
        aspect: Aspect,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let result = match result {
            // The resource is empty.
            Ok(response) if response.status() == StatusCode::NO_CONTENT => {
                self.take(core, id, aspect, &Resource::anonymous());
                Ok(())
            }
            Ok(response) => core.resource(exchange, &response).map(|resource| {
                self.take(core, id, aspect, &resource);
                if aspect == Aspect::Privacy {
                    self.write_privacy(core, id, exchange, resource.into_owned());
                }
            }),
            Err(failure) => Err(failure),
        };
        if result
            .as_ref()
            .is_err_and(|failure| failure.status() == Some(404))
            && *id != PersonId::Me
            && let Some(person) = self.persons.get_mut(id)
        {
            // The resources have other hrefs or no longer exist. The next read searches for the contact.
            person.links.clear();
        }
        self.settle(core, id.clone(), aspect, result);
    }

    /// Handles the end of the search for a contact.
    pub(super) fn on_located(
        &mut self,
        core: &mut Core,
        id: &PersonId,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        if let Some(person) = self.persons.get_mut(id) {
            person.locating = false;
        }
        let found = match &result {
            Ok(response) => core.resource(exchange, response).and_then(|found| {
                let contacts = found.embedded_all("contact");
                let matches = |contact: &&Resource<'_>| self.owner(contact).as_ref() == Some(id);
                match contacts.iter().find(matches) {
                    Some(contact) => {
                        self.apply_contact(core, contact);
                        if self.is_located(id) {
                            Ok(())
                        } else {
                            Err(not_ucwa(exchange, response)
                                .with_message("the contact has no self link"))
                        }
                    }
                    None => Err(Failure::new(FailureKind::RequestFailed, Stage::People)
                        .with_codes(Some("NotFound".to_owned()), None)
                        .with_message("no person has this address")),
                }
            }),
            Err(failure) => Err(failure.clone()),
        };
        self.continue_reads(core, id, &found);
    }

    /// Continues or ends the reads that wait for a person's hrefs.
    fn continue_reads(&mut self, core: &mut Core, id: &PersonId, found: &Result<(), Failure>) {
        for aspect in Aspect::ALL {
            let key = (id.clone(), aspect);
            let Some(read) = self
                .reads
                .get_mut(&key)
                .filter(|read| read.stage == ReadStage::Locating)
            else {
                continue;
            };
            match found {
                // The search returned the contact itself.
                Ok(()) if aspect != Aspect::Card => {
                    read.stage = ReadStage::Due;
                    self.schedule_send(core);
                }
                result => self.settle(core, id.clone(), aspect, result.clone()),
            }
        }
    }

    /// Reads a contact that an event named only by href, for its address.
    pub(super) fn identify(&mut self, core: &mut Core, href: &str) {
        let Some(key) = key_of(core, href) else {
            return;
        };
        if let Ok(url) = core.resolve(href, Stage::People)
            && self.identifying.insert(key.as_str().to_owned())
        {
            let purpose = PeoplePurpose::Identify(key.as_str().to_owned());
            core.issue(Exchange::new(Purpose::People(purpose), Method::GET, url));
        }
    }

    pub(super) fn on_identified(
        &mut self,
        core: &mut Core,
        href: &str,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        self.identifying.remove(href);
        let Ok(response) = result else { return };
        let Ok(contact) = core.resource(exchange, &response) else {
            return;
        };
        if let Some(id) = self.apply_contact(core, &contact)
            && self.is_located(&id)
        {
            self.continue_reads(core, &id, &Ok(()));
            self.read_followed(core, &id);
        }
    }

    fn is_located(&self, id: &PersonId) -> bool {
        self.persons
            .get(id)
            .is_some_and(|person| person.is_located())
    }

    /// The person that a contact describes.
    fn owner(&self, contact: &Resource<'_>) -> Option<PersonId> {
        let uri = SipUri::parse(contact.text("uri")?).ok()?;
        Some(self.id_of(&uri))
    }

    /// Handles a contact (`contact_ref`): the hrefs of its resources, and the card.
    pub(super) fn apply_contact(
        &mut self,
        core: &mut Core,
        contact: &Resource<'_>,
    ) -> Option<PersonId> {
        let id = self.owner(contact)?;
        let uri = contact.text("uri")?;
        let person = self.touch(&id, uri);
        if id != PersonId::Me {
            let links = Aspect::ALL.into_iter().filter_map(|aspect| {
                let href = match aspect {
                    Aspect::Card => contact.href(),
                    _ => contact.link_href(aspect.rel(&id)),
                };
                Some((aspect, href?.to_owned()))
            });
            person.links.extend(links);
            person.photo = contact.link_href("contactPhoto").map(str::to_owned);
        }
        if let Some(href) = contact.href().and_then(|href| key_of(core, href)) {
            self.locate(&id, href);
        }
        let facts = Aspect::Card.facts(contact, core.base.as_ref());
        self.emit_facts(core, &id, facts);
        Some(id)
    }

    /// Handles a resource of a person.
    pub(super) fn take(
        &mut self,
        core: &mut Core,
        id: &PersonId,
        aspect: Aspect,
        resource: &Resource<'_>,
    ) {
        if aspect == Aspect::Card {
            match id {
                PersonId::Me => self.apply_me(core, resource),
                PersonId::Other(_) => {
                    self.apply_contact(core, resource);
                }
            }
            return;
        }
        let facts = aspect.facts(resource, core.base.as_ref());
        self.emit_facts(core, id, facts);
    }

    /// Ends a read.
    fn settle(
        &mut self,
        core: &mut Core,
        id: PersonId,
        aspect: Aspect,
        result: Result<(), Failure>,
    ) {
        let Some(read) = self.reads.remove(&(id.clone(), aspect)) else {
            return;
        };
        if let Err(failure) = &result {
            tracing::debug!(?aspect, %failure, "a read failed");
            // A missing resource will not appear within seconds.
            let may_change = !failure.is_gone() && *failure.kind() != FailureKind::WrongState;
            let repeats = read.repeats + 1;
            if may_change && !read.again && repeats <= MAX_REPEATS && self.is_live(&id, aspect) {
                let repeat = PeopleTimer::Repeat(id.clone(), aspect, repeats);
                core.arm(REPEAT_AFTER * repeats, Timer::People(repeat));
            }
        }
        for ticket in read.tickets {
            core.complete(ticket, result.clone().map(|()| Outcome::Done));
        }
        match (aspect, &result) {
            (Aspect::Card, result) => self.continue_photos(core, &id, result),
            (Aspect::Privacy, Err(failure)) => {
                self.end_privacy_change(core, &id, Err(failure.clone()));
            }
            _ => {}
        }
        if read.again {
            self.read(core, id.clone(), aspect, None);
            if let Some(next) = self.reads.get_mut(&(id, aspect)) {
                next.changes = read.changes;
            }
        } else {
            for ticket in read.changes {
                core.complete(ticket, Ok(Outcome::Done));
            }
        }
        self.evict_occasionally();
    }
}

/// The address without its scheme, which a search expects.
fn without_scheme(uri: &SipUri) -> &str {
    let text = uri.as_str();
    text.split_once(':').map_or(text, |(_, rest)| rest)
}
