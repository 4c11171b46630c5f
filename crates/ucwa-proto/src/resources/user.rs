//! The user.

mod location;
mod make_me_available;
mod me;
mod note;
mod phones;
mod photo;
mod presence;

pub use location::{Location, LocationInput};
pub use make_me_available::MakeMeAvailableInput;
pub use me::Me;
pub use note::{Note, NoteInput};
pub use phones::{ChangeNumberInput, ChangeVisibilityInput, Phone, Phones};
pub use photo::Photo;
pub use presence::{Presence, PresenceInput};
