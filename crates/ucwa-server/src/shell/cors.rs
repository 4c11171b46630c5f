//! Requests of web pages of other origins: CORS (Fetch Standard, HTTP-CORS protocol) and `X-Ms-Origin`.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::http_config::HttpConfig;

/// The header in which the cross-domain frame names the origin of the page whose request it sends.
const X_MS_ORIGIN: &str = "x-ms-origin";

/// The headers of responses that a client of UCWA reads, and that a browser hides from scripts by default.
const EXPOSED: &str = "WWW-Authenticate, Location, ETag, Retry-After, Date, X-MS-Correlation-Id, X-Ms-diagnostics, X-Ms-Server-Fqdn";

/// How long a browser may cache the response to a preflight, in seconds. Browsers cache none for longer than this.
const MAX_AGE: &str = "7200";

/// The response to a preflight, or to a request whose `X-Ms-Origin` is not allowed. `None` passes the request to the engine. A
/// preflight has no token, so it is answered before the authentication.
pub(super) fn answer(head: &Parts, own: &str, http: &HttpConfig) -> Option<Response<Bytes>> {
    let allowed = |value: &HeaderValue| {
        value
            .to_str()
            .is_ok_and(|origin| origin == own || http.allows(origin))
    };
    if let Some(origin) = head.headers.get(X_MS_ORIGIN)
        && !allowed(origin)
    {
        return Some(forbidden());
    }
    let origin = head.headers.get(ORIGIN)?;
    if head.method != Method::OPTIONS || !head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    if !allowed(origin) {
        return Some(forbidden());
    }
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let methods = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    // Every header is allowed: the origin is trusted, and the list of headers that clients send is open.
    if let Some(wanted) = head.headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    headers.append(
        VARY,
        HeaderValue::from_static("Access-Control-Request-Headers"),
    );
    Some(response)
}

/// Adds the headers that let a page read the response, if its origin is allowed.
pub(super) fn permit(request: &HeaderMap, response: &mut HeaderMap, http: &HttpConfig) {
    if http.allowed_origins.is_empty() {
        return;
    }
    response.append(VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = request.get(ORIGIN) else {
        return;
    };
    if origin.to_str().is_ok_and(|origin| http.allows(origin)) {
        response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        let (yes, exposed) = (
            HeaderValue::from_static("true"),
            HeaderValue::from_static(EXPOSED),
        );
        response.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}

/// The refusal of an origin. Deployments send the code 28070.
fn forbidden() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::FORBIDDEN;
    response.headers_mut().insert(
        "x-ms-diagnostics",
        HeaderValue::from_static("28070;reason=\"The origin is not allowed to use this server.\""),
    );
    response
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const OWN: &str = "https://lync.contoso.com";
    const PAGE: &str = "https://chat.contoso.com";
    const EVIL: &str = "https://evil.example";

    fn http() -> HttpConfig {
        let mut http = HttpConfig::default();
        http.allow_origin(PAGE).unwrap();
        http
    }

    fn head(method: Method, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn preflight(origin: &str) -> Parts {
        head(
            Method::OPTIONS,
            &[
                ("origin", origin),
                ("access-control-request-method", "DELETE"),
                ("access-control-request-headers", "authorization,x-ms-sdk"),
            ],
        )
    }

    #[test]
    fn a_preflight_of_an_allowed_origin_gets_methods_headers_and_an_age() {
        let head = preflight(PAGE);
        let mut response = answer(&head, OWN, &http()).unwrap();
        permit(&head.headers, response.headers_mut(), &http());
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        let value = |name: &str| response.headers()[name].to_str().unwrap();
        assert_eq!(value("access-control-allow-origin"), PAGE);
        assert_eq!(value("access-control-allow-credentials"), "true");
        assert!(value("access-control-allow-methods").contains("DELETE"));
        assert_eq!(
            value("access-control-allow-headers"),
            "authorization,x-ms-sdk"
        );
        assert_eq!(value("access-control-max-age"), "7200");
    }

    #[test]
    fn another_origin_gets_403_and_no_permission() {
        for origin in [EVIL, "null", "http://chat.contoso.com"] {
            let head = preflight(origin);
            let mut response = answer(&head, OWN, &http()).unwrap();
            permit(&head.headers, response.headers_mut(), &http());
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{origin}");
            assert!(!response.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
            assert!(
                !response
                    .headers()
                    .contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS)
            );
        }
    }

    #[test]
    fn the_headers_of_a_response_are_shown_to_allowed_origins_only() {
        for (origin, shown) in [(PAGE, true), (EVIL, false), (OWN, false)] {
            let head = head(Method::GET, &[("origin", origin)]);
            assert!(answer(&head, OWN, &http()).is_none());
            let mut response = HeaderMap::new();
            permit(&head.headers, &mut response, &http());
            assert_eq!(response[VARY], "Origin");
            let exposed = response.get(ACCESS_CONTROL_EXPOSE_HEADERS);
            assert_eq!(exposed.is_some(), shown, "{origin}");
            if let Some(exposed) = exposed {
                let exposed = exposed.to_str().unwrap();
                assert!(exposed.contains("WWW-Authenticate") && exposed.contains("Location"));
            }
            assert_eq!(response.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), shown);
        }
    }

    #[test]
    fn a_server_without_allowed_origins_sends_no_headers_about_them() {
        let head = head(Method::GET, &[("origin", PAGE)]);
        let mut response = HeaderMap::new();
        permit(&head.headers, &mut response, &HttpConfig::default());
        assert!(response.is_empty());
    }

    #[test]
    fn a_frame_in_a_page_of_another_origin_gets_403() {
        let of = |origin: &str| {
            let head = head(Method::GET, &[(X_MS_ORIGIN, origin)]);
            answer(&head, OWN, &http()).map(|response| response.status())
        };
        assert_eq!(of(PAGE), None);
        assert_eq!(of(OWN), None);
        assert_eq!(of(EVIL), Some(StatusCode::FORBIDDEN));
    }
}
