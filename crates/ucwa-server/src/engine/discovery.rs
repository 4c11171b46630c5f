//! Autodiscovery: the root and the user resource (`CreateAnApplication`, `root_ref`, `user_ref`, `redirect_ref`).

use ucwa_proto::Resource;

use super::Engine;
use super::exchange::Exchange;
use super::hrefs;
use super::reply::Reply;

const ROOT: &str = "/Autodiscover/AutodiscoverService.svc/root";
const XFRAME: &str = "/Autodiscover/XFrame/XFrame.html";

impl Engine {
    pub(super) fn root(&self, exchange: &Exchange<'_>) -> Reply {
        let origin = self.origin(exchange);
        let query = exchange
            .request
            .uri()
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        Reply::resource(
            Resource::new("root")
                .with_href(format!("{origin}{ROOT}{query}"))
                .with_link("user", format!("{origin}{ROOT}/oauth/user{query}"))
                .with_link("xframe", format!("{origin}{XFRAME}")),
        )
    }

    /// The user at his home: where to create an application, or where that is.
    pub(super) fn user(&self, exchange: &Exchange<'_>, address: &str) -> Reply {
        let origin = self.origin(exchange);
        let user = Resource::new("user").with_href(format!("{origin}{ROOT}/user"));
        Reply::resource(match self.home_of(address) {
            Some(home) => user.with_link("redirect", format!("{home}{ROOT}")),
            None => user
                .with_link("applications", format!("{origin}{}", hrefs::APPLICATIONS))
                .with_link("xframe", format!("{origin}{XFRAME}")),
        })
    }

    /// The other pool at which the one with this address is at home.
    pub(super) fn home_of(&self, address: &str) -> Option<&str> {
        self.user_at(address)?.home.as_deref()
    }
}
