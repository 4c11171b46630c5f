//! The user's telephones.

use std::borrow::Cow;

use crate::typed::view;

view! {
    /// The user's telephones.
    ///
    /// Methods: GET. Source: `phones_ref`.
    resource Phones<'r> = "phones" {
        embedded_lists {
            /// The telephones.
            phone: Phone = "phone",
        }
    }
}

view! {
    /// One of the user's telephones.
    ///
    /// Methods: GET. Source: `phone_ref`.
    resource Phone<'r> = "phone" {
        properties {
            /// Whether others can see the number.
            include_in_contact_card: bool = "includeInContactCard",
            /// The number; may be empty.
            number: Cow<'r, str> = "number",
            /// Which telephone it is: `Work`, `Home`, `Other` or `Mobile`, in any letter case and perhaps with white
            /// space.
            kind: Cow<'r, str> = "type",
        }
        links {
            /// Changes the number.
            change_number = "changeNumber",
            /// Shows or hides the number.
            change_visibility = "changeVisibility",
        }
    }
}

view! {
    /// Changes a number; without one it is cleared.
    ///
    /// Source: `changeNumber_ref`.
    input ChangeNumberInput<'r> = "changeNumber" {
        properties {
            /// Whether others can see the number.
            include_in_contact_card: bool = "includeInContactCard",
            /// The number. At most 80 UTF-16 units.
            number: Cow<'r, str> = "number",
        }
    }
}

view! {
    /// Shows or hides a number.
    ///
    /// Source: `changeVisibility_ref`.
    input ChangeVisibilityInput = "changeVisibility" {
        properties {
            /// Whether others can see the number.
            include_in_contact_card: bool = "includeInContactCard",
        }
    }
}
