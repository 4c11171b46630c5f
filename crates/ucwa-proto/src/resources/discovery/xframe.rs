//! The page for browsers.

use crate::typed::view;

view! {
    /// A page that lets browsers cross domains; HTML in fact.
    ///
    /// Methods: GET. Source: `xframe_ref`.
    resource Xframe<'r> = "xframe" {
    }
}
