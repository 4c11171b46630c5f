//! Other people and what is known of them.

mod contact;
mod contact_location;
mod contact_note;
mod contact_photo;
mod contact_presence;
mod contact_privacy_relationship;
mod contact_supported_modalities;
mod dashboard;
mod my_privacy_relationships;
mod search;

pub use contact::Contact;
pub use contact_location::ContactLocation;
pub use contact_note::ContactNote;
pub use contact_photo::ContactPhoto;
pub use contact_presence::ContactPresence;
pub use contact_privacy_relationship::{
    ContactPrivacyRelationship, ContactPrivacyRelationshipInput,
};
pub use contact_supported_modalities::ContactSupportedModalities;
pub use dashboard::People;
pub use my_privacy_relationships::{MyPrivacyRelationship, MyPrivacyRelationships};
pub use search::Search;
