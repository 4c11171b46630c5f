//! Discovery of the home server.

use crate::view::views;

views! {
    /// Another server that should be asked instead.
    ///
    /// Methods: GET. Source: `redirect_ref`.
    resource Redirect<'r> = "redirect" {
        links {
            /// The user resource, where the user signs in.
            user = "user",
            /// The HTML page for cross-domain requests by browsers.
            xframe = "xframe",
        }
    }

    /// The entry point of discovery: links to the user resource or to another server.
    ///
    /// Methods: GET. Source: `root_ref`.
    resource Root<'r> = "root" {
        links {
            /// Another server to ask instead; trust it only after a check.
            redirect = "redirect",
            /// The user resource, where the user signs in.
            user = "user",
            /// The HTML page for cross-domain requests by browsers.
            xframe = "xframe",
        }
    }

    /// The link to the user's applications, or to another server. A request without a token gets a 401 response.
    ///
    /// Methods: GET. Source: `user_ref`.
    resource User<'r> = "user" {
        links {
            /// Creates the application. The link may point to another host, which then serves all following requests.
            applications = "applications",
            /// Another server to ask instead; trust it only after a check.
            redirect = "redirect",
            /// The HTML page for cross-domain requests by browsers.
            xframe = "xframe",
        }
    }

    /// The page for cross-domain requests by browsers. The response is HTML, not a resource.
    ///
    /// Methods: GET. Source: `xframe_ref`.
    resource Xframe<'r> = "xframe" {}
}
