//! What a contact may see.

use crate::{resources::PrivacyRelationshipLevel, typed::view};

view! {
    /// How much a contact may see of the user.
    ///
    /// Methods: GET, PUT. Source: `contactPrivacyRelationship_ref`, `contactPrivacyRelationship2_ref`.
    ///
    /// Events: `contactPrivacyRelationship` updated from `people` (medium).
    resource ContactPrivacyRelationship<'r> = "contactPrivacyRelationship" {
        properties {
            /// How much the contact may see of the user.
            relationship_level: PrivacyRelationshipLevel = "relationshipLevel",
        }
        links {
            /// Puts the relationship back to what it is by default.
            reset_contact_privacy_relationship = "resetContactPrivacyRelationship",
        }
    }
}

view! {
    /// Changes how much a contact may see; a PUT.
    ///
    /// Source: `contactPrivacyRelationship2_ref`.
    input ContactPrivacyRelationshipInput = "contactPrivacyRelationship" {
        properties {
            /// How much the contact may see of the user.
            relationship_level: PrivacyRelationshipLevel = "relationshipLevel",
        }
    }
}
