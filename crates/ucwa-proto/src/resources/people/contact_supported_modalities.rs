//! What a contact can take part in.

use crate::{resources::ModalityType, typed::view};

view! {
    /// What a contact can take part in.
    ///
    /// Methods: GET. Source: `contactSupportedModalities_ref`.
    ///
    /// Events: `contactSupportedModalities` updated from `people` (medium).
    resource ContactSupportedModalities<'r> = "contactSupportedModalities" {
        property_lists {
            /// What the contact can take part in.
            modalities: ModalityType = "modalities",
        }
    }
}
