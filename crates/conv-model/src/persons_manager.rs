//! The people of a model, for the application.

use std::fmt;

use crate::fact::PersonFact;
use crate::model::{Model, Step};
use crate::observable::command::CommandFuture;
use crate::people;
use crate::person::Person;
use crate::reason::Reason;
use crate::request::{Outcome, Request};
use crate::sync::Arc;

/// The people of a model (the Web SDK's `personsAndGroupsManager`, without groups).
#[derive(Clone)]
pub struct PersonsManager {
    model: Arc<Model>,
}

/// The results of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PersonSearch {
    /// The people, the best match first if the protocol ranks them.
    pub persons: Vec<Person>,
    /// Whether there are more results than the limit.
    pub more_available: bool,
}

/// The results of a search, as the protocol reports them.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FoundPersons {
    /// The address of each person, and the facts about the person.
    pub persons: Vec<(String, Vec<PersonFact>)>,
    /// Whether there are more results than the limit.
    pub more_available: bool,
}

impl FoundPersons {
    /// The results of a search.
    #[must_use]
    pub const fn new(persons: Vec<(String, Vec<PersonFact>)>, more_available: bool) -> Self {
        Self {
            persons,
            more_available,
        }
    }
}

impl PersonsManager {
    pub(crate) const fn new(model: Arc<Model>) -> Self {
        Self { model }
    }

    /// The person with this address. Sends no request, and does not check whether there is such a person.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ReasonCode::InvalidArgument) if `address` is not an address.
    pub fn get_person(&self, address: &str) -> Result<Person, Reason> {
        let model = &self.model;
        let address = model.backend.normalize_address(address)?;
        Ok(model
            .store
            .transact(|transaction| people::find_or_create(transaction, model, &address, None)))
    }

    /// Searches for people by name or address. Finds at most `limit`. The people have the values that the search found when
    /// this resolves.
    ///
    /// # Errors
    /// The reason that the protocol reports.
    pub fn search(&self, query: &str, limit: u32) -> CommandFuture<PersonSearch> {
        let request = Request::SearchPersons {
            query: query.to_owned(),
            limit,
        };
        let model = Arc::clone(&self.model);
        self.model.command(|_| {
            Ok(Step::request_then(request, move |transaction, result| {
                let Outcome::Found(found) = result? else {
                    return Ok(PersonSearch::default());
                };
                let mut persons = Vec::new();
                for (address, facts) in found.persons {
                    let person = people::find_or_create(transaction, &model, &address, None);
                    for fact in facts {
                        person.apply(transaction, fact);
                    }
                    persons.push(person);
                }
                Ok(PersonSearch {
                    persons,
                    more_available: found.more_available,
                })
            }))
        })
    }
}

impl fmt::Debug for PersonsManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonsManager").finish_non_exhaustive()
    }
}
