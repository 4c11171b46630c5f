//! The people of a model.

use std::fmt;

use crate::fact::PersonFact;
use crate::observable::command::CommandFuture;
use crate::observable::stream::channel;
use crate::people::{self, People};
use crate::person::Person;
use crate::reason::{Reason, ReasonCode};
use crate::sync::Arc;

/// The people that one can communicate with (the Web SDK's `personsAndGroupsManager`, without groups).
#[derive(Clone)]
pub struct PersonsManager {
    people: Arc<People>,
}

/// Whom a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PersonSearch {
    /// The people, the best match first if the protocol knows.
    pub persons: Vec<Person>,
    /// Whether there are more than the limit let through.
    pub more_available: bool,
}

/// Whom an adapter found, and what it learned on the way.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FoundPersons {
    /// The addresses, and what became known of each.
    pub persons: Vec<(String, Vec<PersonFact>)>,
    /// Whether there are more than the limit let through.
    pub more_available: bool,
}

impl FoundPersons {
    /// These people.
    #[must_use]
    pub const fn new(persons: Vec<(String, Vec<PersonFact>)>, more_available: bool) -> Self {
        Self {
            persons,
            more_available,
        }
    }
}

impl PersonsManager {
    pub(crate) const fn new(people: Arc<People>) -> Self {
        Self { people }
    }

    /// The person with this address. Nothing is fetched, and nobody checks whether there is one.
    ///
    /// # Errors
    /// [`InvalidArgument`](ReasonCode::InvalidArgument) when `address` cannot be one.
    pub fn get_person(&self, address: &str) -> Result<Person, Reason> {
        let model = &self.people.fixed.model;
        let address = model.backend.normalize_address(address)?;
        Ok(model.store.transact(|transaction| {
            people::find_or_make(transaction, &self.people, &address, None)
        }))
    }

    /// Searches for people by name or address, and finds at most `limit`. What the search brings is known of them when this
    /// resolves.
    ///
    /// # Errors
    /// As the protocol decides.
    pub fn search(&self, query: &str, limit: u32) -> CommandFuture<PersonSearch> {
        let model = &self.people.fixed.model;
        let (sender, mut asked) = channel();
        let backend = Arc::clone(&model.backend);
        let query = query.to_owned();
        model.store.transact(|transaction| {
            transaction.call(Box::new(move || {
                sender.send(backend.search_persons(&query, limit));
            }));
        });
        let people = Arc::clone(&self.people);
        Box::pin(async move {
            let Some(found) = asked.recv().await else {
                return Err(Reason::new(ReasonCode::Failed).with_message("the backend panicked"));
            };
            let FoundPersons {
                persons,
                more_available,
            } = found.await?;
            let persons = people.fixed.model.store.transact(|transaction| {
                let mut found = Vec::new();
                for (address, facts) in persons {
                    let person = people::find_or_make(transaction, &people, &address, None);
                    for fact in facts {
                        person.apply(transaction, fact);
                    }
                    found.push(person);
                }
                found
            });
            Ok(PersonSearch {
                persons,
                more_available,
            })
        })
    }
}

impl fmt::Debug for PersonsManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonsManager").finish_non_exhaustive()
    }
}
