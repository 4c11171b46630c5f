//! The cross-domain frame (`xframe_ref`, `Cross-domain IFRAME`): a page that sends the requests of pages of other origins.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};

use super::http_config::HttpConfig;

/// The path of the links, and the path of older servers.
const PATHS: [&str; 2] = ["/Autodiscover/XFrame/XFrame.html", "/xframe"];

const PAGE: &str = include_str!("xframe.html");

/// The line of the page that is replaced by the list of origins.
const NO_ORIGINS: &str = "const allowedOrigins = [];";

/// The response with the frame. `None` for a request of another path. The frame needs no token, but the requests that it sends
/// do.
pub(super) fn answer(head: &Parts, http: &HttpConfig) -> Option<Response<Bytes>> {
    let path = head.uri.path().trim_end_matches('/');
    if !PATHS.iter().any(|it| it.eq_ignore_ascii_case(path)) {
        return None;
    }
    let mut response = Response::new(Bytes::new());
    if head.method != Method::GET && head.method != Method::HEAD {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        let methods = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, methods);
        return Some(response);
    }
    // An origin in the list has no character that must be escaped.
    let list: Vec<String> = http
        .allowed_origins
        .iter()
        .map(|origin| format!("\"{origin}\""))
        .collect();
    let page = PAGE.replace(
        NO_ORIGINS,
        &format!("const allowedOrigins = [{}];", list.join(", ")),
    );
    *response.body_mut() = page.into();
    let ancestors = match http.allowed_origins.join(" ") {
        none if none.is_empty() => "'none'".to_owned(),
        origins => origins,
    };
    let headers = response.headers_mut();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(CONTENT_TYPE, html);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(policy) = HeaderValue::from_str(&format!("frame-ancestors {ancestors}")) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    Some(response)
}
