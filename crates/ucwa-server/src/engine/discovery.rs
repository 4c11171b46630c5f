//! Autodiscovery: the root and the user resource (`CreateAnApplication`, `root_ref`, `user_ref`, `redirect_ref`).

use http::StatusCode;
use ucwa_proto::Resource;

use super::Engine;
use super::exchange::Exchange;
use super::reply::Reply;
use super::routes;

impl Engine {
    pub(super) fn root(&self, exchange: &Exchange<'_>) -> Reply {
        let origin = self.origin(exchange);
        let query = exchange
            .request
            .uri()
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        Resource::new("root")
            .with_href(format!("{origin}{}{query}", routes::root()))
            .with_link("user", format!("{origin}{}{query}", routes::user()))
            .with_link("xframe", format!("{origin}{}", routes::xframe()))
            .into()
    }

    /// The user resource: a link to create an application, or a redirect to the user's home pool.
    pub(super) fn user(&self, exchange: &Exchange<'_>, address: &str) -> Reply {
        let origin = self.origin(exchange);
        let user = Resource::new("user").with_href(format!("{origin}{}", routes::user_self()));
        match self.home_of(address) {
            Some(home) => user.with_link("redirect", format!("{home}{}", routes::root())),
            None => user
                .with_link(
                    "applications",
                    format!("{origin}{}", routes::applications()),
                )
                .with_link("xframe", format!("{origin}{}", routes::xframe())),
        }
        .into()
    }

    /// GET xframe of an engine without a shell: a page without a script. A server on a port sends the complete frame
    /// (`shell/xframe.rs`).
    pub(super) fn xframe(&self) -> Reply {
        let page = "<!DOCTYPE html>\r\n<title>XFrame</title>\r\n";
        Reply::Ready(self.with_content(StatusCode::OK, "text/html", page))
    }

    /// The home pool of the user, if it is another pool than this one.
    pub(super) fn home_of(&self, address: &str) -> Option<&str> {
        self.user_at(address)?.home.as_deref()
    }
}
