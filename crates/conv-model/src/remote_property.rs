//! A property whose value is on the server.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::model::Step;
use crate::observable::cell::Accessor;
use crate::observable::command::CommandFuture;
use crate::observable::store::Transaction;
use crate::observable::{Change, Changes, Closed, Latest, Property, Subscription};
use crate::person::{Person, PersonCells};
use crate::reason::{Reason, ReasonCode};
use crate::request::{Interest, MeChange, PersonField, Request};

/// A value that is on the server. Reading it, as with a [`Property`], returns the last known value, which changes when the
/// server reports a change.
///
/// The model counts the subscriptions and requests the sum of them from the protocol, which decides on batches of requests.
pub struct RemoteProperty<T> {
    pub(crate) property: Property<T>,
    pub(crate) cell: Accessor<PersonCells, T>,
    pub(crate) person: Person,
    pub(crate) field: PersonField,
    /// Whether a known value needs no fetch. `None` if each read fetches the value.
    pub(crate) known: Option<fn(&T) -> bool>,
}

/// A value of the user that is on the server and that the user publishes: a [`RemoteProperty`] that can be set.
pub struct PublishedProperty<T> {
    pub(crate) remote: RemoteProperty<T>,
    pub(crate) change: fn(T) -> MeChange,
}

impl<T: Clone + PartialEq + Send + Sync + 'static> RemoteProperty<T> {
    /// Fetches the value from the server. A value of the contact card that is known is returned without a request.
    ///
    /// # Errors
    /// [`InvalidState`](ReasonCode::InvalidState) if the address of the person is not known yet. Otherwise the reason that the
    /// protocol reports.
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
                Some(request) => Step::request_then(request, move |transaction, result| {
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

/// The subscriptions to a field of a person or to a list of contacts, and the interest that was requested from the backend.
#[derive(Default)]
pub(crate) struct Interests {
    live: usize,
    every: BTreeMap<Duration, usize>,
    requested: Interest,
}

impl Interests {
    /// Changes the number of subscriptions with this interval, or of those that follow every change.
    pub(crate) fn count(&mut self, interval: Option<Duration>, by: fn(&mut usize)) {
        match interval {
            None => by(&mut self.live),
            Some(interval) => {
                by(self.every.entry(interval).or_default());
                self.every.retain(|_, count| *count > 0);
            }
        }
    }

    fn combined(&self) -> Interest {
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
        let combined = self.combined();
        let requested = std::mem::replace(&mut self.requested, combined);
        (requested != combined).then_some(combined)
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
        let interests = cells.details().interests.entry(field).or_default();
        interests.count(interval, by);
        person.request_interest(transaction, field);
    });
}

/// The read API of a [`Property`], as methods of another type.
macro_rules! read_api {
    ($name:ident, $($property:ident).+) => {
        impl<T: Clone + PartialEq + Send + Sync + 'static> $name<T> {
            /// The last known value as a property.
            #[must_use]
            pub fn property(&self) -> Property<T> {
                self.$($property).+.clone()
            }

            /// The last known value. Reads memory; does no I/O.
            #[must_use]
            pub fn get(&self) -> T {
                self.$($property).+.get()
            }

            /// The reason for the present value.
            #[must_use]
            pub fn reason(&self) -> Option<Reason> {
                self.$($property).+.reason()
            }

            /// See [`Property::changed`].
            pub fn changed(
                &self,
                listener: impl Fn(&Change<T>) + Send + Sync + 'static,
            ) -> Subscription {
                self.$($property).+.changed(listener)
            }

            /// See [`Property::when`].
            pub fn when(
                &self,
                value: T,
                listener: impl Fn(&Change<T>) + Send + Sync + 'static,
            ) -> Subscription {
                self.$($property).+.when(value, listener)
            }

            /// See [`Property::when_matching`].
            pub fn when_matching(
                &self,
                predicate: impl Fn(&T) -> bool + Send + Sync + 'static,
                listener: impl Fn(&Change<T>) + Send + Sync + 'static,
            ) -> Subscription {
                self.$($property).+.when_matching(predicate, listener)
            }

            /// See [`Property::once`].
            pub fn once(
                &self,
                value: T,
                listener: impl FnOnce(&Change<T>) + Send + 'static,
            ) -> Subscription {
                self.$($property).+.once(value, listener)
            }

            /// See [`Property::once_matching`].
            pub fn once_matching(
                &self,
                predicate: impl Fn(&T) -> bool + Send + Sync + 'static,
                listener: impl FnOnce(&Change<T>) + Send + 'static,
            ) -> Subscription {
                self.$($property).+.once_matching(predicate, listener)
            }

            /// See [`Property::changes`].
            pub fn changes(&self) -> Changes<Change<T>> {
                self.$($property).+.changes()
            }

            /// See [`Property::latest`].
            pub fn latest(&self) -> Latest<T> {
                self.$($property).+.latest()
            }

            /// See [`Property::wait_for`].
            ///
            /// # Errors
            /// [`Closed`] if the model is gone, so that the property can no longer change.
            pub fn wait_for(
                &self,
                value: T,
            ) -> impl Future<Output = Result<T, Closed>> + Send + use<T> {
                self.$($property).+.wait_for(value)
            }

            /// See [`Property::wait_for_matching`].
            ///
            /// # Errors
            /// [`Closed`] if the model is gone, so that the property can no longer change.
            pub fn wait_for_matching<P>(
                &self,
                predicate: P,
            ) -> impl Future<Output = Result<T, Closed>> + Send + use<T, P>
            where
                P: Fn(&T) -> bool + Send + 'static,
            {
                self.$($property).+.wait_for_matching(predicate)
            }

            /// See [`Property::map`].
            #[must_use]
            pub fn map<U>(&self, map: impl Fn(&T) -> U + Send + Sync + 'static) -> Property<U>
            where
                U: Clone + PartialEq + Send + Sync + 'static,
            {
                self.$($property).+.map(map)
            }
        }
    };
}

read_api!(RemoteProperty, property);
read_api!(PublishedProperty, remote.property);

impl<T: Clone + PartialEq + Send + Sync + 'static> PublishedProperty<T> {
    /// Changes the value on the server. Resolves with the value after the server has accepted it.
    ///
    /// # Errors
    /// The reason that the protocol reports. The value does not change then.
    pub fn set(&self, value: T) -> CommandFuture<T> {
        let request = Request::SetMe((self.change)(value));
        self.remote.command(|_, _, _| Ok(Some(request)))
    }

    /// See [`RemoteProperty::fetch`].
    ///
    /// # Errors
    /// The reason that the protocol reports.
    pub fn fetch(&self) -> CommandFuture<T> {
        self.remote.fetch()
    }

    /// See [`RemoteProperty::subscribe`].
    pub fn subscribe(&self) -> Subscription {
        self.remote.subscribe()
    }

    /// See [`RemoteProperty::subscribe_every`].
    pub fn subscribe_every(&self, interval: Duration) -> Subscription {
        self.remote.subscribe_every(interval)
    }
}

impl<T> Clone for PublishedProperty<T> {
    fn clone(&self) -> Self {
        Self {
            remote: self.remote.clone(),
            change: self.change,
        }
    }
}

impl<T> fmt::Debug for PublishedProperty<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublishedProperty")
            .field("field", &self.remote.field)
            .finish_non_exhaustive()
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
