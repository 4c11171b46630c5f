//! The user's presence.

use std::borrow::Cow;

use crate::{
    resources::{Availability, PreferredAvailability},
    typed::view,
};

view! {
    /// How available the user is.
    ///
    /// Methods: GET, POST. Source: `presence_ref`.
    ///
    /// Events: `presence` added, updated, deleted from `me` (medium).
    resource Presence<'r> = "presence" {
        properties {
            /// What the user does, in the language of the application.
            activity: Cow<'r, str> = "activity",
            /// How available the person is.
            availability: Availability = "availability",
        }
    }
}

view! {
    /// Sets the user's presence.
    ///
    /// Source: `presence_ref`.
    input PresenceInput = "presence" {
        properties {
            /// The presence to show; an input without it resets the presence.
            availability: PreferredAvailability = "availability",
        }
    }
}
