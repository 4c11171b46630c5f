//! Another server.

use crate::typed::view;

view! {
    /// Another server that should be asked instead.
    ///
    /// Methods: GET. Source: `redirect_ref`.
    resource Redirect<'r> = "redirect" {
        links {
            /// Where the user signs in.
            user = "user",
            /// A page that lets browsers cross domains.
            xframe = "xframe",
        }
    }
}
