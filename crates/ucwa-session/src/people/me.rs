//! The user's own presence, note and location.

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::{Event, EventKind, Resource};

use super::{Aspect, People, PeoplePurpose, PersonId, invalid, not_offered, not_signed_in};
use crate::core::Core;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, Stage};
use crate::keys::Ticket;
use crate::operation::Outcome;
use crate::person::{Interest, MeChange, Note, NoteKind, PersonFact, PersonStatus};
use crate::text_limits;

impl People {
    /// Handles the resource `me` (`me_ref`): the links of the user's resources, and the card.
    pub(super) fn apply_me(&mut self, core: &mut Core, me: &Resource<'_>) {
        self.apply_me_links(me);
        let facts = Aspect::Card.facts(me, core.base.as_ref());
        self.emit_facts(core, &PersonId::Me, facts);
    }

    pub(super) fn apply_me_links(&mut self, me: &Resource<'_>) {
        self.telephony.apply_me(me);
        let person = self.persons.entry(PersonId::Me).or_default();
        person.photo = me.link_href("photo").map(str::to_owned);
        for aspect in [
            Aspect::Card,
            Aspect::Presence,
            Aspect::Note,
            Aspect::Location,
        ] {
            let href = match aspect {
                Aspect::Card => me.href(),
                _ => me.link_href(aspect.rel(&PersonId::Me)),
            };
            // A missing link means that the resource is not available any more.
            match href {
                Some(href) => person.links.insert(aspect, href.to_owned()),
                None => person.links.remove(&aspect),
            };
        }
    }

    /// The UCWA name of the status that the user chose in this session and has not reset.
    pub(crate) fn chosen_status(&self) -> Option<&'static str> {
        self.chosen.and_then(availability)
    }

    /// Handles an event of the user's own resources.
    pub(super) fn on_me_event(&mut self, core: &mut Core, event: &Event<'_>) {
        let rel = event.link.rel.as_ref();
        let Some(aspect) = Aspect::ALL
            .into_iter()
            .find(|aspect| aspect.rel(&PersonId::Me) == rel)
        else {
            return;
        };
        let Some(person) = self.persons.get_mut(&PersonId::Me) else {
            return;
        };
        if event.kind == EventKind::Deleted {
            // The server sends no further events about it. The known facts stay.
            person.links.remove(&aspect);
            return;
        }
        let known = person.links.insert(aspect, event.link.href.to_string());
        if let Some(resource) = event.resource() {
            return self.take(core, &PersonId::Me, aspect, resource);
        }
        let wanted = match aspect {
            // The application was read after `makeMeAvailable`, so the event that reports its effect is
            // redundant.
            Aspect::Card => known.is_none() || !person.links.contains_key(&Aspect::Presence),
            _ => person.interest(&PersonId::Me, aspect) == Interest::Live,
        };
        if wanted {
            self.read_change(core, PersonId::Me, aspect);
        }
    }

    pub(super) fn set_me(&mut self, core: &mut Core, ticket: Ticket, change: MeChange) {
        if let Err(failure) = check(&change) {
            return core.complete(ticket, Err(failure));
        }
        if !self.open {
            return core.complete(ticket, Err(not_signed_in()));
        }
        let aspect = aspect_of(&change);
        let changes = self.changes.entry(aspect).or_default();
        changes.push_back((ticket, change));
        if changes.len() == 1 {
            self.send_change(core, aspect);
        }
    }

    /// Sends the next change. Two changes in flight could arrive in the wrong order.
    fn send_change(&mut self, core: &mut Core, aspect: Aspect) {
        while let Some((ticket, change)) = self.changes.get(&aspect).and_then(|line| line.front()) {
            match self.change_exchange(core, aspect, change) {
                Ok(exchange) => return core.issue(exchange),
                Err(failure) => {
                    core.complete(*ticket, Err(failure));
                    self.changes.get_mut(&aspect).map(|line| line.pop_front());
                }
            }
        }
    }

    fn change_exchange(
        &self,
        core: &Core,
        aspect: Aspect,
        change: &MeChange,
    ) -> Result<Exchange, Failure> {
        let href = self
            .persons
            .get(&PersonId::Me)
            .and_then(|person| person.links.get(&aspect))
            .ok_or_else(|| not_offered(aspect.rel(&PersonId::Me)))?;
        let url = core.resolve(href, Stage::People)?;
        let purpose = Purpose::People(PeoplePurpose::Set(aspect));
        let exchange = Exchange::new(purpose, Method::POST, url);
        let input = Resource::anonymous();
        let input = match change {
            MeChange::Status(status) => {
                input.with_property("availability", availability(*status).unwrap_or_default())
            }
            MeChange::Note(text) => input.with_property("message", text.clone()),
            MeChange::Location(text) => input.with_property("location", text.clone()),
            // An empty body resets the value.
            MeChange::ResetStatus | MeChange::ResetNote | MeChange::ResetLocation => {
                return Ok(exchange);
            }
        };
        Ok(core.with_input(exchange, &input))
    }

    pub(super) fn on_set(
        &mut self,
        core: &mut Core,
        aspect: Aspect,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let line = self.changes.entry(aspect).or_default();
        let Some((ticket, change)) = line.pop_front() else {
            return;
        };
        let result = core.effect(exchange, result).done();
        if result.is_ok() {
            if matches!(change, MeChange::ResetStatus) {
                self.chosen = None;
            }
            match change {
                MeChange::Status(status) => {
                    self.chosen = Some(status);
                    self.emit_facts(core, &PersonId::Me, [PersonFact::Status(status)]);
                }
                MeChange::Note(text) => {
                    let kind = NoteKind::Personal;
                    let note = Some(Note { kind, text }).filter(|note| !note.text.is_empty());
                    self.emit_facts(core, &PersonId::Me, [PersonFact::Note(note)]);
                }
                MeChange::Location(text) => {
                    let location = Some(text).filter(|text| !text.is_empty());
                    self.emit_facts(core, &PersonId::Me, [PersonFact::Location(location)]);
                }
                // Only the server knows the value after a reset.
                MeChange::ResetStatus | MeChange::ResetNote | MeChange::ResetLocation => {
                    self.read_own_change(core, aspect, ticket);
                    return self.send_change(core, aspect);
                }
            }
        }
        core.complete(ticket, result.map(|()| Outcome::Done));
        self.send_change(core, aspect);
    }
}

fn aspect_of(change: &MeChange) -> Aspect {
    match change {
        MeChange::Status(_) | MeChange::ResetStatus => Aspect::Presence,
        MeChange::Note(_) | MeChange::ResetNote => Aspect::Note,
        MeChange::Location(_) | MeChange::ResetLocation => Aspect::Location,
    }
}

/// Refuses changes that the server would refuse.
fn check(change: &MeChange) -> Result<(), Failure> {
    match change {
        MeChange::Status(status) if availability(*status).is_none() => {
            Err(invalid(format!("the status {status:?} cannot be chosen")))
        }
        MeChange::Note(text) => text_limits::check("note", text, text_limits::NOTE, Stage::People),
        MeChange::Location(text) => {
            text_limits::check("location", text, text_limits::LOCATION, Stage::People)
        }
        _ => Ok(()),
    }
}

/// The UCWA name of an availability that a user can choose (`PreferredAvailability_ref`).
fn availability(status: PersonStatus) -> Option<&'static str> {
    match status {
        PersonStatus::Online => Some("Online"),
        PersonStatus::Busy => Some("Busy"),
        PersonStatus::DoNotDisturb => Some("DoNotDisturb"),
        PersonStatus::BeRightBack => Some("BeRightBack"),
        PersonStatus::Away => Some("Away"),
        PersonStatus::Offline
        | PersonStatus::Hidden
        | PersonStatus::Idle
        | PersonStatus::Unknown => None,
    }
}
