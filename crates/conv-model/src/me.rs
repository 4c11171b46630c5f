//! The user.

use crate::model::Step;
use crate::observable::Property;
use crate::observable::command::CommandFuture;
use crate::person::Person;
use crate::presence::{Note, PersonStatus};
use crate::remote_property::PublishedProperty;
use crate::request::{MeChange, PersonField, Request};

/// The user. Status, note and location can be set. The server may change a value that is set, so do not compare it for
/// equality.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MePerson(pub(crate) Person);

impl MePerson {
    /// The user's address. Empty until signed in.
    #[must_use]
    pub fn id(&self) -> Property<String> {
        self.0.id()
    }

    /// The user's name; the address while no name is known. The name is known when the sign-in is complete.
    #[must_use]
    pub fn display_name(&self) -> Property<String> {
        self.0.display_name()
    }

    /// The user's first mail address.
    #[must_use]
    pub fn email(&self) -> Property<Option<String>> {
        self.0.emails().map(|emails| emails.first().cloned())
    }

    /// The status that others see.
    #[must_use]
    pub fn status(&self) -> PublishedProperty<PersonStatus> {
        PublishedProperty {
            remote: self
                .0
                .remote(PersonField::Status, |cells| &mut cells.details().status),
            change: MeChange::Status,
        }
    }

    /// The note that others see. Setting `None` resets it.
    #[must_use]
    pub fn note(&self) -> PublishedProperty<Option<Note>> {
        PublishedProperty {
            remote: self
                .0
                .remote(PersonField::Note, |cells| &mut cells.details().note),
            change: |note| note.map_or(MeChange::ResetNote, |note| MeChange::Note(note.text)),
        }
    }

    /// The location that others see. Setting `None` resets it.
    #[must_use]
    pub fn location(&self) -> PublishedProperty<Option<String>> {
        PublishedProperty {
            remote: self
                .0
                .remote(PersonField::Location, |cells| &mut cells.details().location),
            change: |location| location.map_or(MeChange::ResetLocation, MeChange::Location),
        }
    }

    /// Lets the server determine the status again.
    ///
    /// # Errors
    /// The reason that the protocol reports.
    pub fn reset_status(&self) -> CommandFuture<()> {
        self.0
            .node
            .fixed
            .model
            .command(|_| Ok(Step::request(Request::SetMe(MeChange::ResetStatus))))
    }

    /// The user as a person.
    #[must_use]
    pub fn person(&self) -> Person {
        self.0.clone()
    }
}
