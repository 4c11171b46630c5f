//! The user's entry point.

use crate::typed::view;

view! {
    /// Where the user's applications are, or another server to ask; without a token it answers 401.
    ///
    /// Methods: GET. Source: `user_ref`.
    resource User<'r> = "user" {
        links {
            /// Where to create the application; may be on another host, the home of all that follows.
            applications = "applications",
            /// Another server to ask instead; to be trusted only after a check.
            redirect = "redirect",
            /// A page that lets browsers cross domains.
            xframe = "xframe",
        }
    }
}
