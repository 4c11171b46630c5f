//! A property whose value is on the server.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use crate::model::Step;
use crate::observable::cell::Accessor;
use crate::observable::command::{CommandFuture, disabled, failed};
use crate::observable::store::Transaction;
use crate::observable::{Property, Subscription};
use crate::person::{Person, PersonCells};
use crate::reason::{Reason, ReasonCode};
use crate::request::{Interest, MeChange, PersonField, Request};

/// A [`Property`] whose value is on the server. Reading it returns the last known value, which changes when the server
/// reports a change.
///
/// The model counts the subscriptions and requests the sum of them from the protocol, which decides on batches of requests.
pub struct RemoteProperty<T> {
    pub(crate) property: Property<T>,
    pub(crate) cell: Accessor<PersonCells, T>,
    pub(crate) person: Person,
    pub(crate) field: PersonField,
    /// Whether a value needs no fetch. `None` if every value does.
    pub(crate) known: Option<fn(&T) -> bool>,
    pub(crate) set: Option<fn(T) -> MeChange>,
}

impl<T: Clone + PartialEq + Send + Sync + 'static> RemoteProperty<T> {
    /// Fetches the value from the server. A value of the contact card that is known is returned without a request.
    ///
    /// # Errors
    /// [`InvalidState`](ReasonCode::InvalidState) if the address of the person is not known yet. Otherwise the protocol
    /// decides.
    pub fn fetch(&self) -> CommandFuture<T> {
        let known = self.known;
        self.command(|transaction, person, value| {
            if known.is_some_and(|known| known(&value(transaction))) {
                return Ok(None);
            }
            let address = person.address(transaction).to_owned();
            if address.is_empty() && !person.node.fixed.is_me {
                return Err(Reason::new(ReasonCode::InvalidState)
                    .with_message("the address of the person is not known yet"));
            }
            Ok(Some(Request::FetchPerson {
                address,
                field: self.field,
            }))
        })
    }

    /// Changes the value on the server. Resolves with the value after the server has accepted it.
    ///
    /// # Errors
    /// Fails at once if the user cannot set this property. Otherwise the protocol decides; if it refuses, the value stays.
    pub fn set(&self, value: T) -> CommandFuture<T> {
        let Some(change) = self.set else {
            return failed(disabled(Reason::new(ReasonCode::NotSupported)));
        };
        let request = Request::SetMe(change(value));
        self.command(|_, _, _| Ok(Some(request)))
    }

    /// Runs a command that resolves with the present value.
    fn command(
        &self,
        decide: impl FnOnce(
            &mut Transaction<'_>,
            &Person,
            &dyn Fn(&mut Transaction<'_>) -> T,
        ) -> Result<Option<Request>, Reason>,
    ) -> CommandFuture<T> {
        let (person, cell) = (self.person.canonical().clone(), self.cell);
        let read = move |transaction: &mut Transaction<'_>| {
            cell(transaction.cells(&person.node)).get().clone()
        };
        let model = &self.person.node.fixed.model;
        model.command(|transaction| {
            Ok(match decide(transaction, self.person.canonical(), &read)? {
                None => Step::Done(read(transaction)),
                Some(request) => Step::ask_then(request, move |transaction, result| {
                    result.map(|_| read(transaction))
                }),
            })
        })
    }

    /// Follows the value on the server for as long as the subscription lives. After [`detach`](Subscription::detach), for as
    /// long as the person lives.
    pub fn subscribe(&self) -> Subscription {
        self.interest(None)
    }

    /// Fetches the value at this interval for as long as the subscription lives. The shortest interval of all subscriptions
    /// is used, and none while a [`subscribe`](Self::subscribe) follows the value.
    pub fn subscribe_every(&self, interval: Duration) -> Subscription {
        self.interest(Some(interval))
    }

    fn interest(&self, interval: Option<Duration>) -> Subscription {
        let (person, field) = (self.person.clone(), self.field);
        count_interest(&person, field, interval, |count| *count += 1);
        Subscription::new(move || count_interest(&person, field, interval, |count| *count -= 1))
    }
}

/// The subscriptions to a field of a person, and the interest that was requested from the backend.
#[derive(Default)]
pub(crate) struct Interests {
    live: usize,
    every: BTreeMap<Duration, usize>,
    requested: Interest,
}

impl Interests {
    fn wanted(&self) -> Interest {
        if self.live > 0 {
            return Interest::Live;
        }
        self.every
            .keys()
            .next()
            .map_or(Interest::None, |interval| Interest::Every(*interval))
    }

    /// The interest to request now, if it differs from the last requested one.
    pub(crate) fn update(&mut self) -> Option<Interest> {
        let wanted = self.wanted();
        let requested = std::mem::replace(&mut self.requested, wanted);
        (requested != wanted).then_some(wanted)
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.requested != Interest::None
    }

    /// Adds the subscriptions to another object of the same person.
    pub(crate) fn add(&mut self, other: Self) {
        self.live += other.live;
        for (interval, count) in other.every {
            *self.every.entry(interval).or_default() += count;
        }
        if other.requested != Interest::None {
            self.requested = other.requested;
        }
    }
}

fn count_interest(
    person: &Person,
    field: PersonField,
    interval: Option<Duration>,
    by: fn(&mut usize),
) {
    person.node.store.transact(|transaction| {
        // An address may have become known since, and with it the principal object.
        let person = person.canonical();
        let cells = transaction.cells(&person.node);
        let interests = cells.interests.entry(field).or_default();
        match interval {
            None => by(&mut interests.live),
            Some(interval) => {
                by(interests.every.entry(interval).or_default());
                interests.every.retain(|_, count| *count > 0);
            }
        }
        person.request_interest(transaction, field);
    });
}

impl<T> Deref for RemoteProperty<T> {
    type Target = Property<T>;

    fn deref(&self) -> &Property<T> {
        &self.property
    }
}

impl<T> Clone for RemoteProperty<T> {
    fn clone(&self) -> Self {
        Self {
            property: self.property.clone(),
            person: self.person.clone(),
            ..*self
        }
    }
}

impl<T> fmt::Debug for RemoteProperty<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteProperty")
            .field("field", &self.field)
            .finish_non_exhaustive()
    }
}
