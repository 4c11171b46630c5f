//! Reading the resources of people: gathered, joined, and sent together.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use ucwa_proto::{Origin, Resource, SipUri};

use super::{Aspect, People, PeoplePurpose, PeopleTimer, Person, Who, key_of, not_offered};
use crate::core::Core;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::Ticket;
use crate::operation::Outcome;
use crate::response::not_ucwa;
use crate::timers::Timer;

/// How long what was asked for waits for what else will be: whoever draws a list asks for each line by itself.
const GATHER: Duration = Duration::from_millis(10);
/// How many results a search for one address may have.
const LOCATE_LIMIT: &str = "10";
/// After how long a resource that somebody follows is read again when it could not be read, the first time.
const REPEAT_AFTER: Duration = Duration::from_secs(5);
/// How often it is.
const MAX_REPEATS: u32 = 4;

/// A read of one resource of one person, and who waits for it.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) tickets: Vec<Ticket>,
    /// Whose change it is that is being read: what was to be done is done, whatever comes of the read.
    pub(super) changes: Vec<Ticket>,
    stage: ReadStage,
    /// The resource changed while it was being read: what comes may be older than the change.
    again: bool,
    /// How often it could not be read.
    repeats: u32,
}

#[derive(Debug, PartialEq, Eq)]
enum ReadStage {
    /// Waits to be sent.
    Due,
    /// Waits until it is known where the person's resources are.
    Locating,
    /// On the way.
    UnderWay,
}

impl People {
    /// Has a resource read; joins the read that is due or under way.
    pub(super) fn read(
        &mut self,
        core: &mut Core,
        who: Who,
        aspect: Aspect,
        ticket: Option<Ticket>,
    ) {
        let read = self.reads.entry((who, aspect)).or_insert_with(|| Read {
            tickets: Vec::new(),
            changes: Vec::new(),
            stage: ReadStage::Due,
            again: false,
            repeats: 0,
        });
        read.tickets.extend(ticket);
        if read.stage == ReadStage::Due {
            self.gather(core);
        }
    }

    /// Has a resource read that is known to have changed.
    pub(super) fn read_change(&mut self, core: &mut Core, who: Who, aspect: Aspect) {
        match self.reads.get_mut(&(who.clone(), aspect)) {
            Some(read) if read.stage == ReadStage::UnderWay => read.again = true,
            _ => self.read(core, who, aspect, None),
        }
    }

    /// Has a resource read that the user has changed, and completes his operation when it is known to what.
    pub(super) fn read_own_change(&mut self, core: &mut Core, aspect: Aspect, ticket: Ticket) {
        self.read_change(core, Who::Me, aspect);
        if let Some(read) = self.reads.get_mut(&(Who::Me, aspect)) {
            read.changes.push(ticket);
        }
    }

    /// Reads once more what somebody follows and what could not be read: no other event may ever tell of the change.
    pub(super) fn repeat(&mut self, core: &mut Core, who: Who, aspect: Aspect, repeats: u32) {
        if !self.is_live(&who, aspect) {
            return;
        }
        self.read(core, who.clone(), aspect, None);
        if let Some(read) = self.reads.get_mut(&(who, aspect)) {
            read.repeats = repeats;
        }
    }

    pub(super) fn gather(&mut self, core: &mut Core) {
        if self.open && !std::mem::replace(&mut self.gathering, true) {
            core.arm(GATHER, Timer::People(PeopleTimer::Gathered));
        }
    }

    /// Sends what is due.
    pub(super) fn on_gathered(&mut self, core: &mut Core) {
        self.gathering = false;
        self.subscribe(core);
        let due: Vec<_> = self
            .reads
            .iter()
            .filter(|(_, read)| read.stage == ReadStage::Due)
            .map(|(key, _)| key.clone())
            .collect();
        let mut exchanges = Vec::new();
        for (who, aspect) in due {
            match self.next_step(core, &who, aspect) {
                Ok((stage, exchange)) => {
                    exchanges.extend(exchange);
                    if let Some(read) = self.reads.get_mut(&(who, aspect)) {
                        read.stage = stage;
                    }
                }
                Err(failure) => self.settle(core, who, aspect, Err(failure)),
            }
        }
        core.issue_together(exchanges);
    }

    /// What a read that is due waits for next, and the request that this takes.
    fn next_step(
        &mut self,
        core: &Core,
        who: &Who,
        aspect: Aspect,
    ) -> Result<(ReadStage, Option<Exchange>), Failure> {
        let rel = aspect.rel(who);
        let person = self.persons.get_mut(who).ok_or_else(|| not_offered(rel))?;
        if let Some(href) = person.links.get(&aspect) {
            let url = core.resolve(href, Stage::People)?;
            let purpose = Purpose::People(PeoplePurpose::Read(who.clone(), aspect));
            let exchange = Exchange::new(purpose, Method::GET, url);
            return Ok((ReadStage::UnderWay, Some(exchange)));
        }
        if *who == Who::Me || person.is_located() {
            return Err(not_offered(rel));
        }
        if person.locating {
            return Ok((ReadStage::Locating, None));
        }
        // Hrefs are never made up: a search leads from an address to the contact.
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
        let purpose = Purpose::People(PeoplePurpose::Locate(who.clone()));
        let exchange = Exchange::new(purpose, Method::GET, url);
        Ok((ReadStage::Locating, Some(exchange)))
    }

    pub(super) fn on_read(
        &mut self,
        core: &mut Core,
        who: &Who,
        aspect: Aspect,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let result = match result {
            // There is nothing to say.
            Ok(response) if response.status() == StatusCode::NO_CONTENT => {
                self.take(core, who, aspect, &Resource::anonymous());
                Ok(())
            }
            Ok(response) => core.resource(exchange, &response).map(|resource| {
                self.take(core, who, aspect, &resource);
            }),
            Err(failure) => Err(failure),
        };
        if result
            .as_ref()
            .is_err_and(|failure| failure.status() == Some(404))
            && *who != Who::Me
            && let Some(person) = self.persons.get_mut(who)
        {
            // The resources have moved, or went; the next who asks looks for them.
            person.links.clear();
        }
        self.settle(core, who.clone(), aspect, result);
    }

    /// The search for the contact with an address ended.
    pub(super) fn on_located(
        &mut self,
        core: &mut Core,
        who: &Who,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        if let Some(person) = self.persons.get_mut(who) {
            person.locating = false;
        }
        let found = match &result {
            Ok(response) => core.resource(exchange, response).and_then(|found| {
                let contacts = found.embedded_all("contact");
                let is_meant = |contact: &&Resource<'_>| self.owner(contact).as_ref() == Some(who);
                match contacts.iter().find(is_meant) {
                    Some(contact) => {
                        self.take_contact(core, contact);
                        if self.is_located(who) {
                            Ok(())
                        } else {
                            Err(not_ucwa(exchange, response)
                                .with_message("a contact without a self link"))
                        }
                    }
                    None => Err(Failure::new(FailureKind::RequestFailed, Stage::People)
                        .with_codes(Some("NotFound".to_owned()), None)
                        .with_message("the server knows nobody with this address")),
                }
            }),
            Err(failure) => Err(failure.clone()),
        };
        self.on_whereabouts(core, who, &found);
    }

    /// It became known, or not, where a person's resources are: what waited for that goes on.
    fn on_whereabouts(&mut self, core: &mut Core, who: &Who, found: &Result<(), Failure>) {
        for aspect in Aspect::ALL {
            let key = (who.clone(), aspect);
            let Some(read) = self
                .reads
                .get_mut(&key)
                .filter(|read| read.stage == ReadStage::Locating)
            else {
                continue;
            };
            match found {
                // The contact itself came along.
                Ok(()) if aspect != Aspect::Card => {
                    read.stage = ReadStage::Due;
                    self.gather(core);
                }
                result => self.settle(core, who.clone(), aspect, result.clone()),
            }
        }
    }

    /// Asks a contact, of whom an event gave only the href, who it is.
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
        if let Some(who) = self.take_contact(core, &contact)
            && self.is_located(&who)
        {
            self.on_whereabouts(core, &who, &Ok(()));
            self.read_followed(core, &who);
        }
    }

    fn is_located(&self, who: &Who) -> bool {
        self.persons.get(who).is_some_and(Person::is_located)
    }

    /// Whose contact it is.
    fn owner(&self, contact: &Resource<'_>) -> Option<Who> {
        let uri = SipUri::parse(contact.text("uri")?).ok()?;
        Some(self.who(&uri))
    }

    /// Takes in a contact (`contact_ref`): where its resources are, and what its card says.
    pub(super) fn take_contact(&mut self, core: &mut Core, contact: &Resource<'_>) -> Option<Who> {
        let who = self.owner(contact)?;
        let uri = contact.text("uri")?;
        let person = self.note(&who, uri);
        if who != Who::Me {
            let links = Aspect::ALL.into_iter().filter_map(|aspect| {
                let href = match aspect {
                    Aspect::Card => contact.href(),
                    _ => contact.link_href(aspect.rel(&who)),
                };
                Some((aspect, href?.to_owned()))
            });
            person.links.extend(links);
        }
        if let Some(href) = contact.href().and_then(|href| key_of(core, href)) {
            self.locate(&who, href);
        }
        let facts = Aspect::Card.facts(contact, core.base.as_ref());
        self.tell(core, &who, facts);
        Some(who)
    }

    /// Takes in a resource of a person.
    pub(super) fn take(
        &mut self,
        core: &mut Core,
        who: &Who,
        aspect: Aspect,
        resource: &Resource<'_>,
    ) {
        if aspect == Aspect::Card {
            match who {
                Who::Me => self.take_me(core, resource),
                Who::Other(_) => {
                    self.take_contact(core, resource);
                }
            }
            return;
        }
        let facts = aspect.facts(resource, core.base.as_ref());
        self.tell(core, who, facts);
    }

    /// Ends a read.
    fn settle(&mut self, core: &mut Core, who: Who, aspect: Aspect, result: Result<(), Failure>) {
        let Some(read) = self.reads.remove(&(who.clone(), aspect)) else {
            return;
        };
        if let Err(failure) = &result {
            tracing::debug!(?aspect, %failure, "nothing could be read");
            // What is not there, or not offered, will not be there in a moment either.
            let may_change = !failure.is_gone() && *failure.kind() != FailureKind::WrongState;
            let repeats = read.repeats + 1;
            if may_change && !read.again && repeats <= MAX_REPEATS && self.is_live(&who, aspect) {
                let repeat = PeopleTimer::Repeat(who.clone(), aspect, repeats);
                core.arm(REPEAT_AFTER * repeats, Timer::People(repeat));
            }
        }
        for ticket in read.tickets {
            core.complete(ticket, result.clone().map(|()| Outcome::Done));
        }
        if read.again {
            self.read(core, who.clone(), aspect, None);
            if let Some(next) = self.reads.get_mut(&(who, aspect)) {
                next.changes = read.changes;
            }
        } else {
            for ticket in read.changes {
                core.complete(ticket, Ok(Outcome::Done));
            }
        }
        self.evict_some_day();
    }
}

/// The address as people write it, which is what a search looks for.
fn without_scheme(uri: &SipUri) -> &str {
    let text = uri.as_str();
    text.split_once(':').map_or(text, |(_, rest)| rest)
}
