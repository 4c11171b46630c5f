//! Origins: a scheme, a host and a port.

use ucwa_proto::{HrefError, Origin};

/// The origin that the client of a request used, such as `https://lync.contoso.com`: the shell knows it from TLS and from
/// proxies.
/// It is an extension of the request, and the absolute hrefs of the response begin with it.
#[derive(Clone, Debug)]
pub(crate) struct RequestOrigin(pub(crate) String);

/// An origin in the form of browsers: in lower case, without the default port and without a path.
///
/// # Errors
///
/// If the text is not an origin: `http` or `https`, a host in ASCII, and optionally a port and a slash.
pub fn parse_origin(text: &str) -> Result<String, HrefError> {
    let bare = text.strip_suffix('/').unwrap_or(text);
    let origin = Origin::of(bare)?;
    let authority = bare.split_once("://").map_or("", |(_, rest)| rest);
    if !bare.is_ascii() || authority.contains(['/', '?', '#']) {
        return Err(HrefError::Authority);
    }
    Ok(origin.to_string())
}
