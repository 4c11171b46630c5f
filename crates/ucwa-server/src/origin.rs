//! Origins: scheme, host and port.

use ucwa_proto::{HrefError, Origin};

/// The origin that the client of a request used, such as `https://lync.contoso.com`, where another than the `Host` header says
/// it: the server's TLS, or a proxy. An extension of the request; the absolute hrefs of the response begin with it.
#[derive(Clone, Debug)]
pub(crate) struct RequestOrigin(pub(crate) String);

/// An origin as browsers write it: in lower case, without the default port and without a path.
///
/// # Errors
///
/// When the text isn't an origin: `http` or `https`, a host in ASCII, and perhaps a port. A slash may follow.
pub fn parse_origin(text: &str) -> Result<String, HrefError> {
    let bare = text.strip_suffix('/').unwrap_or(text);
    let origin = Origin::of(bare)?;
    let authority = bare.split_once("://").map_or("", |(_, rest)| rest);
    if !bare.is_ascii() || authority.contains(['/', '?', '#']) {
        return Err(HrefError::Authority);
    }
    Ok(origin.to_string())
}
