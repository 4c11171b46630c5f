//! A contact's place.

use std::borrow::Cow;

use crate::typed::view;

view! {
    /// Where a contact is.
    ///
    /// Methods: GET. Source: `contactLocation_ref`.
    ///
    /// Events: `contactLocation` updated from `people` (medium).
    resource ContactLocation<'r> = "contactLocation" {
        properties {
            /// Where the person is, in the person's own words.
            location: Cow<'r, str> = "location",
        }
    }
}
