//! The user's photo.

use crate::typed::view;

view! {
    /// The user's photo; an image in fact.
    ///
    /// Methods: GET. Source: `photo_ref`.
    resource Photo<'r> = "photo" {
    }
}
