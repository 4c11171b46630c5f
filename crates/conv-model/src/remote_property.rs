//! A property whose truth is on the server.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use crate::backend::{Interest, MeChange, PersonField};
use crate::model::Step;
use crate::observable::command::{CommandFuture, disabled, failed};
use crate::observable::store::Transaction;
use crate::observable::{Property, Subscription};
use crate::person::Person;
use crate::reason::{Reason, ReasonCode};
use crate::sync::Arc;

/// A [`Property`] whose truth is on the server: what is read is the last known value, which changes when the server says so.
///
/// The model counts who is interested and tells the port; whether requests are joined or batched is the protocol's concern.
pub struct RemoteProperty<T> {
    pub(crate) property: Property<T>,
    pub(crate) person: Person,
    pub(crate) field: PersonField,
    /// Whether a value is as good as a fetched one. `None` for what always has to be asked.
    pub(crate) known: Option<fn(&T) -> bool>,
    pub(crate) set: Option<fn(T) -> MeChange>,
}

impl<T: Clone + PartialEq + Send + Sync + 'static> RemoteProperty<T> {
    /// Asks the server, unless the value is one that does not change by itself and is known already; then the value.
    ///
    /// # Errors
    /// As the protocol decides.
    pub fn fetch(&self) -> CommandFuture<T> {
        let known = self.known.is_some_and(|known| known(&self.property.get()));
        let asked = if known { None } else { Some(self.ask()) };
        let property = self.property.clone();
        Box::pin(async move {
            if let Some(asked) = asked {
                asked.await?;
            }
            Ok(property.get())
        })
    }

    fn ask(&self) -> CommandFuture<()> {
        let field = self.field;
        self.person.node.fixed.command(|transaction| {
            let address = self.person.address(transaction).to_owned();
            Ok(Step::call(move |backend| {
                backend.fetch_person(&address, field)
            }))
        })
    }

    /// Asks the server to change the value; resolves with the value when the server agreed.
    ///
    /// # Errors
    /// At once when it is nothing that we can set; else as the protocol decides, and the value stays.
    pub fn set(&self, value: T) -> CommandFuture<T> {
        let Some(change) = self.set else {
            return failed(disabled(Reason::new(ReasonCode::NotSupported)));
        };
        let change = change(value);
        let agreed = self
            .person
            .node
            .fixed
            .command(|_| Ok(Step::call(move |backend| backend.set_me(change))));
        let property = self.property.clone();
        Box::pin(async move {
            agreed.await?;
            Ok(property.get())
        })
    }

    /// Has the server report changes for as long as the subscription lives.
    pub fn subscribe(&self) -> Subscription {
        self.interest(None)
    }

    /// Has the value fetched every `interval` for as long as the subscription lives. The shortest interval of all wins, and
    /// none counts while somebody has the server report changes.
    pub fn subscribe_every(&self, interval: Duration) -> Subscription {
        self.interest(Some(interval))
    }

    fn interest(&self, interval: Option<Duration>) -> Subscription {
        let (person, field) = (self.person.clone(), self.field);
        let count = move |by: fn(&mut usize)| {
            person
                .node
                .store
                .transact(|transaction| count_interest(transaction, &person, field, interval, by));
        };
        count(|count| *count += 1);
        Subscription::new(move || count(|count| *count -= 1))
    }
}

/// Who wants to know, and what the port was told of it.
#[derive(Default)]
pub(crate) struct Interests {
    live: usize,
    every: BTreeMap<Duration, usize>,
    told: Interest,
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
}

fn count_interest(
    transaction: &mut Transaction<'_>,
    person: &Person,
    field: PersonField,
    interval: Option<Duration>,
    by: fn(&mut usize),
) {
    let address = person.address(transaction).to_owned();
    let interests = transaction
        .cells(&person.node)
        .interests
        .entry(field)
        .or_default();
    match interval {
        None => by(&mut interests.live),
        Some(interval) => {
            by(interests.every.entry(interval).or_default());
            interests.every.retain(|_, count| *count > 0);
        }
    }
    let wanted = interests.wanted();
    if interests.told != wanted {
        interests.told = wanted;
        let backend = Arc::clone(&person.node.fixed.backend);
        transaction.call(Box::new(move || {
            backend.set_interest(&address, field, wanted);
        }));
    }
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
