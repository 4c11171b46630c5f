//! The entry point.

use crate::typed::view;

view! {
    /// Where a client begins: it leads to the user, or to another server.
    ///
    /// Methods: GET. Source: `root_ref`.
    resource Root<'r> = "root" {
        links {
            /// Another server to ask instead; to be trusted only after a check.
            redirect = "redirect",
            /// Where the user signs in.
            user = "user",
            /// A page that lets browsers cross domains.
            xframe = "xframe",
        }
    }
}
