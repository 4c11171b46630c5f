//! A contact's presence.

use std::borrow::Cow;

use crate::{
    DateTime,
    resources::{Availability, ContactDeviceType},
    typed::view,
};

view! {
    /// How available a contact is.
    ///
    /// Methods: GET. Source: `contactPresence_ref`.
    ///
    /// Events: `contactPresence` updated from `people` (medium).
    resource ContactPresence<'r> = "contactPresence" {
        properties {
            /// What the contact does, in the language of the application.
            activity: Cow<'r, str> = "activity",
            /// How available the person is.
            availability: Availability = "availability",
            /// The device the contact uses.
            device_type: ContactDeviceType = "deviceType",
            /// When the contact was last active.
            last_active: DateTime = "lastActive",
        }
    }
}
