//! The origin that a request was sent to.

/// The origin that the client of a request used, such as `https://lync.contoso.com`, where another than the `Host` header says
/// it: the server's TLS, or a proxy. An extension of the request; the absolute hrefs of the response begin with it.
#[derive(Clone, Debug)]
pub(crate) struct RequestOrigin(pub(crate) String);
