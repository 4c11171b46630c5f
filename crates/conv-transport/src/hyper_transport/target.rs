//! The server of a request, and the form of a request on the wire.

use std::fmt;

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Uri, Version,
    header::{ACCEPT_ENCODING, CONTENT_LENGTH, HOST, PROXY_AUTHORIZATION, TRANSFER_ENCODING},
    uri::{Authority, PathAndQuery, Scheme},
};

use super::proxy::Hop;
use crate::{Stage, TransportError, TransportErrorKind};

/// The server in a URI.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) https: bool,
    /// Without the brackets of an IPv6 literal.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Target {
    pub(super) fn of(uri: &Uri) -> Result<Self, TransportError> {
        let invalid = |detail: &str| {
            TransportError::new(TransportErrorKind::InvalidRequest, Stage::Send, "")
                .never_sent()
                .with_detail(detail)
        };
        let https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(_) => return Err(invalid("the scheme is neither http nor https")),
            None => return Err(invalid("the URI is not absolute")),
        };
        let host = uri.host().unwrap_or_default();
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        if host.is_empty() {
            return Err(invalid("the URI names no host"));
        }
        let default = if https { 443 } else { 80 };
        let authority = uri.authority().map_or("", Authority::as_str);
        let port = match uri.port_u16() {
            Some(port) => port,
            None if authority.ends_with([':', ']']) => default,
            // Any other text is not a port.
            None if authority.ends_with(uri.host().unwrap_or_default()) => default,
            None => return Err(invalid("the port in the URI is not a number up to 65535")),
        };
        Ok(Self {
            https,
            host: host.to_ascii_lowercase(),
            port,
        })
    }

    /// The value of the `Host` header, without the default port of the scheme.
    fn host_header(&self) -> String {
        let port_is_default = self.port == if self.https { 443 } else { 80 };
        match (port_is_default, self.host.contains(':')) {
            (true, false) => self.host.clone(),
            (true, true) => format!("[{}]", self.host),
            (false, _) => self.to_string(),
        }
    }
}

/// `host:port`, for errors.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Converts a request into its form on the wire: a target in origin form, `Host`, `Accept-Encoding` and `Content-Length`.
///
/// hyper writes no `Content-Length` for an empty body, and IIS answers 411 to a POST or PUT without it.
///
/// For a proxy without a tunnel, the target is absolute, and the proxy's credentials are added.
pub(super) fn prepare(
    request: &mut Request<Bytes>,
    target: &Target,
    hop: Option<&Hop>,
) -> Result<(), TransportError> {
    let invalid = |detail: &str| {
        TransportError::new(
            TransportErrorKind::InvalidRequest,
            Stage::Send,
            target.to_string(),
        )
        .never_sent()
        .with_detail(detail)
    };
    if request.method() == Method::CONNECT {
        return Err(invalid("CONNECT asks for a tunnel, not for a response"));
    }
    *request.version_mut() = Version::HTTP_11;

    let path = request
        .uri()
        .path_and_query()
        .cloned()
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = match hop {
        Some(hop) if !target.https => {
            if let Some(authorization) = &hop.authorization {
                let authorization = authorization.clone();
                request
                    .headers_mut()
                    .insert(PROXY_AUTHORIZATION, authorization);
            }
            Uri::builder()
                .scheme(Scheme::HTTP)
                .authority(target.host_header())
                .path_and_query(path)
                .build()
                .map_err(|_| invalid("the host cannot stand in a URI"))?
        }
        _ => Uri::from(path),
    };

    if !request.headers().contains_key(HOST) {
        let host = HeaderValue::try_from(target.host_header())
            .map_err(|_| invalid("the host cannot stand in a header"))?;
        request.headers_mut().insert(HOST, host);
    }

    if !request.headers().contains_key(ACCEPT_ENCODING) {
        let accepted = HeaderValue::from_static("gzip, deflate");
        request.headers_mut().insert(ACCEPT_ENCODING, accepted);
    }

    let length = request.body().len();
    let states_length = matches!(
        *request.method(),
        Method::POST | Method::PUT | Method::PATCH
    );
    request.headers_mut().remove(TRANSFER_ENCODING);
    if length > 0 || states_length {
        request
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    } else {
        request.headers_mut().remove(CONTENT_LENGTH);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(uri: &str) -> Result<Target, TransportError> {
        Target::of(&uri.parse().unwrap())
    }

    #[test]
    fn names_the_server() {
        for (uri, name, header) in [
            (
                "http://Pool.contoso.com/a",
                "pool.contoso.com:80",
                "pool.contoso.com",
            ),
            (
                "https://pool.contoso.com",
                "pool.contoso.com:443",
                "pool.contoso.com",
            ),
            (
                "https://pool.contoso.com:80/",
                "pool.contoso.com:80",
                "pool.contoso.com:80",
            ),
            ("http://[::1]:8080/", "[::1]:8080", "[::1]:8080"),
            ("http://[::1]/", "[::1]:80", "[::1]"),
            ("http://pool:/", "pool:80", "pool"),
            (
                "http://user:secret@pool.contoso.com/",
                "pool.contoso.com:80",
                "pool.contoso.com",
            ),
        ] {
            let target = target(uri).unwrap();
            assert_eq!(target.to_string(), name, "{uri}");
            assert_eq!(target.host_header(), header, "{uri}");
        }
    }

    #[test]
    fn refuses_what_is_not_absolute_http() {
        for uri in [
            "/path",
            "ftp://pool.contoso.com/",
            "pool.contoso.com:443",
            "http://pool:65536/",
            "https://pool:port/",
            "https://[::1]:x/",
        ] {
            let error = target(uri).unwrap_err();
            assert_eq!(error.kind(), TransportErrorKind::InvalidRequest, "{uri}");
            assert_eq!(error.sent(), crate::Sent::No);
        }
    }

    #[test]
    fn states_the_length() {
        for (method, body, length) in [
            (Method::POST, "", Some("0")),
            (Method::PUT, "", Some("0")),
            (Method::POST, "four", Some("4")),
            (Method::GET, "", None),
            (Method::DELETE, "", None),
        ] {
            let mut request = Request::builder()
                .method(&method)
                .uri("http://pool.contoso.com/a?b=c")
                .header(CONTENT_LENGTH, "99")
                .header(TRANSFER_ENCODING, "chunked")
                .body(Bytes::from_static(body.as_bytes()))
                .unwrap();
            let target = Target::of(request.uri()).unwrap();
            prepare(&mut request, &target, None).unwrap();
            let stated = request.headers().get(CONTENT_LENGTH);
            assert_eq!(
                stated.map(|length| length.to_str().unwrap()),
                length,
                "{method}"
            );
            assert!(!request.headers().contains_key(TRANSFER_ENCODING));
            assert_eq!(request.uri(), "/a?b=c");
            assert_eq!(request.headers()[HOST], "pool.contoso.com");
        }
    }
}
