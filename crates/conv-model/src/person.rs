//! A person, and the person that is signed in.

use std::fmt;

use crate::model::Model;
use crate::observable::Property;
use crate::observable::cell::{Cell, Field};
use crate::observable::store::{Node, Transaction};
use crate::sync::Arc;

pub(crate) struct PersonCells {
    id: Cell<String>,
    display_name: Cell<String>,
}

pub(crate) type PersonNode = Node<PersonCells>;

/// Someone: who they are and what is known of them. Nothing is fetched when one is made. Cloning gives another handle on the
/// same person, and there is one object for each address.
#[derive(Clone)]
pub struct Person {
    pub(crate) node: Arc<PersonNode>,
}

impl Person {
    pub(crate) fn new(model: &Model, address: &str, display_name: Option<&str>) -> Self {
        let name = display_name
            .filter(|name| !name.is_empty())
            .unwrap_or(address);
        let cells = PersonCells {
            id: Cell::new(address.to_owned()),
            display_name: Cell::new(name.to_owned()),
        };
        Self {
            node: model.store.node((), cells),
        }
    }

    /// Their address. Empty while it is not known.
    #[must_use]
    pub fn id(&self) -> Property<String> {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell: |cells| &mut cells.id,
        })
    }

    /// Their name; their address as long as no name is known.
    #[must_use]
    pub fn display_name(&self) -> Property<String> {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell: |cells| &mut cells.display_name,
        })
    }

    /// This person: a message's `sender().person()` reads like a participant's `person()`.
    #[must_use]
    pub fn person(&self) -> Self {
        self.clone()
    }

    pub(crate) fn address<'t>(&'t self, transaction: &'t mut Transaction<'_>) -> &'t str {
        transaction.cells(&self.node).id.get()
    }

    /// Takes in what became known: nothing known is replaced by nothing.
    pub(crate) fn learn(
        &self,
        transaction: &mut Transaction<'_>,
        address: Option<&str>,
        display_name: Option<&str>,
    ) {
        let cells = transaction.cells(&self.node);
        let nameless = cells.display_name.get() == cells.id.get();
        let address = address.filter(|address| !address.is_empty());
        let display_name = display_name.filter(|name| !name.is_empty());
        if let Some(address) = address {
            transaction.set(&self.node, |cells| &mut cells.id, address.to_owned(), None);
        }
        if let Some(name) = display_name.or(address.filter(|_| nameless)) {
            transaction.set(
                &self.node,
                |cells| &mut cells.display_name,
                name.to_owned(),
                None,
            );
        }
    }
}

impl PartialEq for Person {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.node, &other.node)
    }
}

impl Eq for Person {}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").finish_non_exhaustive()
    }
}

/// The person that is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MePerson(pub(crate) Person);

impl MePerson {
    /// Our address. Empty until signed in.
    #[must_use]
    pub fn id(&self) -> Property<String> {
        self.0.id()
    }

    /// Our name; our address as long as no name is known. Known when the sign-in is complete.
    #[must_use]
    pub fn display_name(&self) -> Property<String> {
        self.0.display_name()
    }

    /// The same, as a person among others.
    #[must_use]
    pub fn person(&self) -> Person {
        self.0.clone()
    }
}
