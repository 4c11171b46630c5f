//! Autodiscovery: the root and the user resource (`CreateAnApplication`, `root_ref`, `user_ref`).

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

    pub(super) fn user(&self, exchange: &Exchange<'_>) -> Reply {
        let origin = self.origin(exchange);
        Reply::resource(
            Resource::new("user")
                .with_href(format!("{origin}{ROOT}/user"))
                .with_link("applications", format!("{origin}{}", hrefs::APPLICATIONS))
                .with_link("xframe", format!("{origin}{XFRAME}")),
        )
    }
}
