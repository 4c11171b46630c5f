//! Who may see what.

use crate::{resources::PrivacyRelationshipLevel, typed::view};

view! {
    /// How much contacts may see, level by level.
    ///
    /// Methods: GET. Source: `myPrivacyRelationships_ref`.
    resource MyPrivacyRelationships<'r> = "myPrivacyRelationships" {
        embedded_lists {
            /// The levels.
            my_privacy_relationship: MyPrivacyRelationship = "myPrivacyRelationship",
        }
    }
}

view! {
    /// The contacts of one level.
    ///
    /// Methods: GET. Source: `myPrivacyRelationship_ref`.
    resource MyPrivacyRelationship<'r> = "myPrivacyRelationship" {
        properties {
            /// How much the contact may see of the user.
            relationship_level: PrivacyRelationshipLevel = "relationshipLevel",
        }
        link_lists {
            /// The person.
            contact = "contact",
        }
    }
}
