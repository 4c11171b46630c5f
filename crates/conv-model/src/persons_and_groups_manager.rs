//! The people and groups of a model, for the application.

use std::fmt;

use crate::contact_list_fact::{GroupFact, GroupKey, GroupType};
use crate::contact_list_request::ContactsRequest;
use crate::fact::PersonFact;
use crate::group::Group;
use crate::group_registry;
use crate::model::{Model, Step};
use crate::observable::command::CommandFuture;
use crate::people;
use crate::person::Person;
use crate::reason::Reason;
use crate::request::{Outcome, Request};
use crate::sync::Arc;

/// The people of a model, and the user's contact list with its groups.
#[derive(Clone)]
pub struct PersonsAndGroupsManager {
    model: Arc<Model>,
    all: Group,
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

/// The results of a search for distribution groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupSearch {
    /// The groups, the best match first if the protocol ranks them.
    pub groups: Vec<Group>,
    /// Whether there are more results than the limit.
    pub more_available: bool,
}

/// The results of a search for distribution groups, as the protocol reports them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundGroups {
    /// The groups.
    pub groups: Vec<GroupFact>,
    /// Whether there are more results than the limit.
    pub more_available: bool,
}

impl FoundGroups {
    /// The results of a search.
    #[must_use]
    pub const fn new(groups: Vec<GroupFact>, more_available: bool) -> Self {
        Self {
            groups,
            more_available,
        }
    }
}

impl PersonsAndGroupsManager {
    pub(crate) const fn new(model: Arc<Model>, all: Group) -> Self {
        Self { model, all }
    }

    /// The contact list as a whole: `all().persons()` are all contacts, `all().groups()` all groups. Sends no request.
    #[must_use]
    pub fn all(&self) -> Group {
        self.all.clone()
    }

    /// A new group of the user, which is not in the contact list until it is added to `all().groups()`. Sends no request.
    ///
    /// The object becomes the group that the server creates: the group has its [`id`](Group::id) when `all().groups()` contains
    /// it.
    #[must_use]
    pub fn create_group(&self, name: &str) -> Group {
        let model = &self.model;
        model
            .store
            .transact(|transaction| group_registry::create_unsaved(transaction, model, name))
    }

    /// The user's delegates. The group is not in `all().groups()` and cannot be changed. Sends no request.
    #[must_use]
    pub fn delegates(&self) -> Group {
        self.fixed(GroupType::Delegates, GroupKey::Delegates)
    }

    /// The people whose delegate the user is. The group is not in `all().groups()` and cannot be changed. Sends no request.
    #[must_use]
    pub fn delegators(&self) -> Group {
        self.fixed(GroupType::Delegators, GroupKey::Delegators)
    }

    /// The user's manager, peers and reports. The group is not in `all().groups()` and cannot be changed. Sends no request.
    #[must_use]
    pub fn organization(&self) -> Group {
        self.fixed(GroupType::Organization, GroupKey::Organization)
    }

    fn fixed(&self, group_type: GroupType, key: GroupKey) -> Group {
        let model = &self.model;
        model.store.transact(|transaction| {
            group_registry::find_or_create_fixed(transaction, model, group_type, key)
        })
    }

    /// Searches for distribution groups by name. Finds at most `limit`.
    ///
    /// # Errors
    /// The reason that the protocol reports.
    pub fn search_groups(&self, query: &str, limit: u32) -> CommandFuture<GroupSearch> {
        let request = ContactsRequest::SearchGroups {
            query: query.to_owned(),
            limit,
        };
        let model = Arc::clone(&self.model);
        self.model.command(|_| {
            Ok(Step::request_then(request, move |transaction, result| {
                let Outcome::FoundGroups(found) = result? else {
                    return Ok(GroupSearch::default());
                };
                let groups = found.groups.into_iter();
                let groups =
                    groups.map(|group| group_registry::find_or_create(transaction, &model, group));
                Ok(GroupSearch {
                    groups: groups.collect(),
                    more_available: found.more_available,
                })
            }))
        })
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

impl fmt::Debug for PersonsAndGroupsManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonsAndGroupsManager")
            .finish_non_exhaustive()
    }
}
