//! The cookie jar of an application.

use std::sync::Arc;

use conv_transport::HttpTransport;

/// A transport with a cookie jar around it. Without the feature `cookies` there is none.
#[cfg(feature = "cookies")]
pub(crate) type Jar = conv_transport::Cookies<Arc<dyn HttpTransport>>;

/// Puts a jar with these cookies around a transport.
#[cfg(feature = "cookies")]
pub(crate) fn wrap(
    transport: Arc<dyn HttpTransport>,
    cookies: &str,
) -> (Arc<dyn HttpTransport>, Option<Arc<Jar>>) {
    let jar = Arc::new(Jar::new(transport));
    jar.import(cookies);
    (jar.clone(), Some(jar))
}

/// A jar that does not exist.
#[cfg(not(feature = "cookies"))]
pub(crate) enum Jar {}

#[cfg(not(feature = "cookies"))]
impl Jar {
    pub(crate) fn insert(&self, _: &str, _: &str) -> bool {
        match *self {}
    }

    pub(crate) fn export(&self) -> String {
        match *self {}
    }
}

/// Returns the transport as it is.
#[cfg(not(feature = "cookies"))]
pub(crate) fn wrap(
    transport: Arc<dyn HttpTransport>,
    _: &str,
) -> (Arc<dyn HttpTransport>, Option<Arc<Jar>>) {
    (transport, None)
}
