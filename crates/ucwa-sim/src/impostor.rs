//! Somebody who wants a password: a host of his own, and what lies lead to it.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Request, Response, StatusCode};
use ucwa_proto::{Representation, Resource};

/// A host whose name looks like the enterprise's, and is not.
pub(crate) const IMPOSTOR: &str = "lyncweb.contoso.com.evil.example";

/// What an impostor answers: a way to its own host, and there a challenge that asks for a password.
pub(crate) fn lure(request: &Request<Bytes>) -> Response<Bytes> {
    let representation = request
        .headers()
        .get(ACCEPT)
        .and_then(|accept| Representation::negotiate(accept.to_str().ok()?))
        .unwrap_or(Representation::Json);
    let (rel, path) = match (request.uri().host(), request.uri().path()) {
        (Some(IMPOSTOR), "/root") => ("user", "user"),
        (Some(IMPOSTOR), _) => {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            let challenge =
                format!("MsRtcOAuth href=\"https://{IMPOSTOR}/token\",grant_type=\"password\"");
            if let Ok(challenge) = challenge.parse() {
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            return response;
        }
        _ => ("redirect", "root"),
    };
    let root = Resource::new("root")
        .with_href(request.uri().to_string())
        .with_link(rel, format!("https://{IMPOSTOR}/{path}"));
    let mut response = Response::new(Bytes::from(root.encode(representation)));
    if let Ok(content_type) = representation.content_type().parse() {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}

/// An answer of the server at `pool`, with the impostor's host in every address that it names: links, the token service of
/// the challenge, what was created. With `sent_away` the applications of a user are elsewhere, too. `None` where it names
/// no address.
pub(crate) fn lie(
    response: &Response<Bytes>,
    pool: &str,
    sent_away: bool,
) -> Option<Response<Bytes>> {
    let (own, foreign) = (format!("https://{pool}"), format!("https://{IMPOSTOR}"));
    let mut body = std::str::from_utf8(response.body())
        .ok()?
        .replace(&own, &foreign)
        .replace("\"/ucwa/", &format!("\"{foreign}/ucwa/"));
    if sent_away {
        body = body.replace("\"applications\"", "\"redirect\"");
    }
    let mut lie = response.clone();
    *lie.body_mut() = Bytes::from(body);
    turn(&mut lie, &WWW_AUTHENTICATE, |challenge| {
        challenge.replace(&own, &foreign)
    });
    turn(&mut lie, &LOCATION, |location| {
        match location.starts_with('/') {
            true => format!("{foreign}{location}"),
            false => location.replace(&own, &foreign),
        }
    });
    let changed = lie.body() != response.body() || lie.headers() != response.headers();
    changed.then_some(lie)
}

/// Changes every value of a header.
fn turn(response: &mut Response<Bytes>, name: &HeaderName, change: impl Fn(&str) -> String) {
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
    fn every_address_of_an_answer_leads_to_the_impostor() {
        let user = Resource::new("user")
            .with_href(format!("https://{POOL}/user"))
            .with_link("applications", "/ucwa/oauth/v1/applications");
        for representation in [Representation::Json, Representation::Xml] {
            let honest = response(user.encode(representation));
            for (sent_away, rel) in [(false, "applications"), (true, "redirect")] {
                let lie = lie(&honest, POOL, sent_away).unwrap();
                let body = String::from_utf8(lie.body().to_vec()).unwrap();
                assert!(!body.contains(&format!("{POOL}/")), "{body}");
                assert_eq!(body.matches(IMPOSTOR).count(), 2, "{body}");
                assert!(body.contains(rel), "{body}");
            }
        }
    }

    #[test]
    fn a_challenge_and_a_location_lead_to_the_impostor() {
        let mut honest = response("");
        for (name, value) in [
            (WWW_AUTHENTICATE, "Bearer client_id=\"1\""),
            (
                WWW_AUTHENTICATE,
                "MsRtcOAuth href=\"https://lyncweb.contoso.com/token\"",
            ),
            (LOCATION, "/ucwa/1"),
        ] {
            honest
                .headers_mut()
                .append(name, HeaderValue::from_static(value));
        }
        let lie = lie(&honest, POOL, false).unwrap();
        let challenges: Vec<_> = lie.headers().get_all(WWW_AUTHENTICATE).iter().collect();
        assert_eq!(challenges.len(), 2);
        assert!(challenges[1].to_str().unwrap().contains(IMPOSTOR));
        let location = lie.headers()[LOCATION].to_str().unwrap();
        assert_eq!(location, format!("https://{IMPOSTOR}/ucwa/1"));
    }

    #[test]
    fn what_names_no_address_cannot_lie() {
        assert!(lie(&response("{}"), POOL, true).is_none());
    }
}
