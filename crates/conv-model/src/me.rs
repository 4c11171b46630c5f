//! The person that is signed in.

use crate::backend::{MeChange, PersonField};
use crate::model::Step;
use crate::observable::Property;
use crate::observable::command::CommandFuture;
use crate::person::{Note, Person, PersonStatus};
use crate::remote_property::RemoteProperty;

/// The person that is signed in. Status, note and location can be set; the server may change what it is given, so do not
/// compare for equality.
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

    /// Our first mail address.
    #[must_use]
    pub fn email(&self) -> Property<Option<String>> {
        self.0.emails().map(|emails| emails.first().cloned())
    }

    /// What others see us doing.
    #[must_use]
    pub fn status(&self) -> RemoteProperty<PersonStatus> {
        RemoteProperty {
            set: Some(MeChange::Status),
            ..self
                .0
                .remote(PersonField::Status, |cells| &mut cells.status)
        }
    }

    /// What we tell others; setting `None` resets it.
    #[must_use]
    pub fn note(&self) -> RemoteProperty<Option<Note>> {
        let set =
            |note: Option<Note>| note.map_or(MeChange::ResetNote, |note| MeChange::Note(note.text));
        RemoteProperty {
            set: Some(set),
            ..self.0.remote(PersonField::Note, |cells| &mut cells.note)
        }
    }

    /// Where we are; setting `None` resets it.
    #[must_use]
    pub fn location(&self) -> RemoteProperty<Option<String>> {
        let set =
            |location: Option<String>| location.map_or(MeChange::ResetLocation, MeChange::Location);
        RemoteProperty {
            set: Some(set),
            ..self
                .0
                .remote(PersonField::Location, |cells| &mut cells.location)
        }
    }

    /// Lets the server find our status again.
    ///
    /// # Errors
    /// As the protocol decides.
    pub fn reset_status(&self) -> CommandFuture<()> {
        self.0
            .node
            .fixed
            .command(|_| Ok(Step::call(|backend| backend.set_me(MeChange::ResetStatus))))
    }

    /// The same, as a person among others.
    #[must_use]
    pub fn person(&self) -> Person {
        self.0.clone()
    }
}
