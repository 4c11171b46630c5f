//! The user's place.

use std::borrow::Cow;

use crate::typed::view;

view! {
    /// Where the user is.
    ///
    /// Methods: GET, POST. Source: `location_ref`.
    ///
    /// Events: `location` added, updated, deleted from `me` (medium).
    resource Location<'r> = "location" {
        properties {
            /// Where the person is, in the person's own words.
            location: Cow<'r, str> = "location",
        }
    }
}

view! {
    /// Sets the place.
    ///
    /// Source: `location_ref`.
    input LocationInput<'r> = "location" {
        properties {
            /// Where the user is. At most 60 UTF-16 units.
            location: Cow<'r, str> = "location",
        }
    }
}
