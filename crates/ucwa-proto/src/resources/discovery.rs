//! Finding the home server.

use crate::view::views;

views! {
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

    /// A page that lets browsers cross domains; HTML in fact.
    ///
    /// Methods: GET. Source: `xframe_ref`.
    resource Xframe<'r> = "xframe" {}
}
