//! Searching for people.

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::Origin;

use super::{Aspect, People, PeoplePurpose, invalid, not_offered, not_signed_in};
use crate::core::Core;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, Stage};
use crate::keys::Ticket;
use crate::operation::Outcome;
use crate::person::FoundPerson;
use crate::text_limits;

impl People {
    pub(super) fn search_people(
        &mut self,
        core: &mut Core,
        ticket: Ticket,
        query: &str,
        limit: u32,
        groups: bool,
    ) {
        match self.search_exchange(core, ticket, query, limit, groups) {
            Ok(exchange) => {
                self.searches.insert(ticket);
                core.issue(exchange);
            }
            Err(failure) => core.complete(ticket, Err(failure)),
        }
    }

    fn search_exchange(
        &self,
        core: &Core,
        ticket: Ticket,
        query: &str,
        limit: u32,
        groups: bool,
    ) -> Result<Exchange, Failure> {
        if query.trim().is_empty() {
            return Err(invalid("the query is empty"));
        }
        text_limits::check("query", query, text_limits::QUERY, Stage::People)?;
        if !(1..=100).contains(&limit) {
            return Err(invalid("the limit must be between 1 and 100"));
        }
        if !self.open {
            return Err(not_signed_in());
        }
        let search = self
            .search
            .as_deref()
            .ok_or_else(|| not_offered("search"))?;
        let href = Origin::append_query(search, "query", query);
        let href = Origin::append_query(&href, "limit", &limit.to_string());
        let url = core.resolve(&href, Stage::People)?;
        let purpose = Purpose::People(PeoplePurpose::Search(ticket, groups));
        Ok(Exchange::new(purpose, Method::GET, url))
    }

    pub(super) fn on_searched(
        &mut self,
        core: &mut Core,
        ticket: Ticket,
        groups: bool,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        self.searches.remove(&ticket);
        let found = result.and_then(|response| {
            let found = core.resource(exchange, &response)?;
            let more = found.boolean("moreResultsAvailable").unwrap_or(false);
            if groups {
                let groups = self.groups_of(core, &found);
                return Ok(Outcome::Groups { groups, more });
            }
            let mut people = Vec::new();
            for contact in found.embedded_all("contact") {
                // A contact without an address cannot be used.
                if self.apply_contact(core, contact).is_some() {
                    people.push(FoundPerson {
                        uri: contact.text("uri").unwrap_or_default().to_owned(),
                        facts: Aspect::Card.facts(contact, core.base.as_ref()),
                    });
                }
            }
            Ok(Outcome::People { people, more })
        });
        core.complete(ticket, found);
    }
}
