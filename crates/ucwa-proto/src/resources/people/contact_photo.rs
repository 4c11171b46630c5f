//! A contact's photo.

use crate::typed::view;

view! {
    /// A contact's photo; an image in fact.
    ///
    /// Methods: GET. Source: `contactPhoto_ref`.
    resource ContactPhoto<'r> = "contactPhoto" {
    }
}
