//! The origin that the client of a request used, from `Host` and from the `X-Forwarded` headers of proxies.

use std::net::IpAddr;

use http::header::{HOST, HeaderMap};
use http::request::Parts;
use ucwa_proto::Origin;

/// The origin that the client used, such as `https://lync.contoso.com`.
///
/// `scheme` is that of the connection. The host of a request without one, which only HTTP/1.0 allows, is `local`. Returns `None`
/// for a malformed request.
pub(super) fn client_origin(
    head: &Parts,
    scheme: &str,
    peer: IpAddr,
    proxies: &[IpAddr],
    local: &str,
) -> Option<String> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Some(host.to_str().ok()?),
        (None, _) => None,
        (Some(_), Some(_)) => return None,
    };
    // RFC 9112, 3.2.2: the host of an absolute request target replaces the header.
    let host = head.uri.authority().map(|it| it.as_str()).or(host);
    let host = match host {
        Some(host) => host,
        None if head.version < http::Version::HTTP_11 => local,
        None => return None,
    };
    if !proxies.contains(&peer.to_canonical()) {
        return origin(scheme, host);
    }
    let scheme = forwarded(&head.headers, "x-forwarded-proto").unwrap_or(scheme);
    let host = forwarded(&head.headers, "x-forwarded-host").unwrap_or(host);
    match forwarded(&head.headers, "x-forwarded-port") {
        Some(port) if !has_port(host) => origin(scheme, &format!("{host}:{port}")),
        _ => origin(scheme, host),
    }
}

fn origin(scheme: &str, host: &str) -> Option<String> {
    if host.contains(['/', '?', '#']) {
        return None;
    }
    let origin = Origin::of(&format!("{scheme}://{host}")).ok()?;
    Some(origin.to_string())
}

/// The last value of a header, which the proxy nearest to the server has added. A client may have sent the values before it.
fn forwarded<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    let last = value.rsplit(',').next()?.trim();
    (!last.is_empty()).then_some(last)
}

fn has_port(host: &str) -> bool {
    // The last colon of an IPv6 address without a port is within the brackets.
    host.rsplit_once(':')
        .is_some_and(|(_, port)| !port.contains(']'))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use http::{Request, Version};

    use super::*;

    const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9));

    fn of(peer: IpAddr, uri: &str, headers: &[(&str, &str)]) -> Option<String> {
        let mut request = Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        client_origin(&head, "http", peer, &[PROXY], "127.0.0.1:80")
    }

    #[test]
    fn the_host_header_names_the_origin() {
        let host = |host: &str| of(CLIENT, "/", &[("host", host)]);
        assert_eq!(host("Lync:8080").as_deref(), Some("http://lync:8080"));
        assert_eq!(host("[::1]:8080").as_deref(), Some("http://[::1]:8080"));
        let absolute = of(CLIENT, "https://pool/x", &[("host", "lync")]);
        assert_eq!(absolute.as_deref(), Some("http://pool"));
        for wrong in ["", "a b", "a/b", "user@host", "host:port", "a\"b"] {
            assert_eq!(host(wrong), None, "{wrong}");
        }
        assert_eq!(of(CLIENT, "/", &[]), None);
        assert_eq!(of(CLIENT, "/", &[("host", "a"), ("host", "b")]), None);
    }

    #[test]
    fn the_host_of_an_http_1_0_request_without_one_is_the_listener() {
        let (mut head, ()) = Request::get("/").body(()).unwrap().into_parts();
        head.version = Version::HTTP_10;
        let origin = client_origin(&head, "https", CLIENT, &[], "127.0.0.1:8443");
        assert_eq!(origin.as_deref(), Some("https://127.0.0.1:8443"));
    }

    #[test]
    fn the_headers_of_a_listed_proxy_name_the_origin() {
        let from_proxy = |headers: &[(&str, &str)]| {
            let mut all = vec![("host", "inside:8080")];
            all.extend(headers);
            of(PROXY, "/", &all)
        };
        assert_eq!(from_proxy(&[]).as_deref(), Some("http://inside:8080"));
        assert_eq!(
            from_proxy(&[("x-forwarded-proto", "https")]).as_deref(),
            Some("https://inside:8080")
        );
        let host = ("x-forwarded-host", "lync.contoso.com");
        let proto = ("x-forwarded-proto", "https");
        assert_eq!(
            from_proxy(&[proto, host]).as_deref(),
            Some("https://lync.contoso.com")
        );
        let port = ("x-forwarded-port", "8443");
        assert_eq!(
            from_proxy(&[proto, host, port]).as_deref(),
            Some("https://lync.contoso.com:8443")
        );
        // The client has sent the first value, and the proxy has added the second one.
        let added = ("x-forwarded-host", "evil.example, lync.contoso.com");
        assert_eq!(
            from_proxy(&[proto, added]).as_deref(),
            Some("https://lync.contoso.com")
        );
        assert_eq!(from_proxy(&[("x-forwarded-proto", "gopher")]), None);
    }

    #[test]
    fn the_headers_of_a_peer_that_is_not_listed_are_ignored() {
        let forged = [
            ("host", "lync"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example"),
        ];
        assert_eq!(of(CLIENT, "/", &forged).as_deref(), Some("http://lync"));
    }
}
