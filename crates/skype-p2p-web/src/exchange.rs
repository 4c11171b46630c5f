//! What both transports have in common: time limits, failures and headers.

use std::time::Duration;

use conv_transport::{Stage, TransportError, TransportErrorKind};
use futures_util::future::{Either, select};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use js_sys::{Error, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use crate::browser::sleep;

/// The server of a request, as `host:port`.
pub(crate) fn host<T>(request: &Request<T>) -> String {
    let authority = request.uri().authority();
    authority.map(ToString::to_string).unwrap_or_default()
}

/// The origin of a request: its scheme, host and port.
///
/// # Errors
///
/// If the URI of the request is not absolute, or has another scheme than `http` and `https`.
pub(crate) fn origin<T>(request: &Request<T>) -> Result<String, TransportError> {
    let uri = request.uri();
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme @ ("http" | "https")), Some(authority)) => {
            Ok(format!("{scheme}://{authority}"))
        }
        _ => Err(TransportError::new(
            TransportErrorKind::InvalidRequest,
            Stage::Send,
            host(request),
        )
        .never_sent()),
    }
}

/// Waits for an exchange until its deadline. The exchange is dropped then, which aborts it.
pub(crate) async fn within<T>(
    deadline: Duration,
    host: &str,
    exchange: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, TransportError> {
    match select(Box::pin(exchange), Box::pin(sleep(deadline))).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(TransportError::new(
            TransportErrorKind::Timeout,
            Stage::Wait,
            host,
        )),
    }
}

/// A failure that the browser reports. A page cannot know how far the request got, so the server may have received it.
pub(crate) fn failed(host: &str, error: &JsValue) -> TransportError {
    TransportError::new(TransportErrorKind::Service, Stage::Send, host).with_detail(message(error))
}

/// The message of an exception.
pub(crate) fn message(error: &JsValue) -> String {
    match error.dyn_ref::<Error>() {
        Some(error) => String::from(error.message()),
        None => Reflect::get(error, &JsValue::from_str("message"))
            .ok()
            .and_then(|message| message.as_string())
            .unwrap_or_else(|| "the browser gives no reason".to_owned()),
    }
}

/// Adds a header of a response. The browser has undone the coding and the framing of the body, so the headers about them are
/// left out.
pub(crate) fn add_header(headers: &mut HeaderMap, name: &str, value: &str) {
    const ABOUT_THE_BODY: [&str; 3] = ["content-encoding", "content-length", "transfer-encoding"];
    if ABOUT_THE_BODY
        .iter()
        .any(|it| it.eq_ignore_ascii_case(name))
    {
        return;
    }
    if let (Ok(name), Ok(value)) = (
        HeaderName::from_bytes(name.as_bytes()),
        HeaderValue::from_str(value),
    ) {
        headers.append(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_of_a_request_has_its_scheme_and_its_port() {
        let request = |uri: &str| Request::get(uri).body(()).unwrap();
        let of = |uri: &str| origin(&request(uri)).ok();
        assert_eq!(
            of("https://lync.contoso.com:4443/ucwa?a=b").as_deref(),
            Some("https://lync.contoso.com:4443")
        );
        assert_eq!(of("http://127.0.0.1/").as_deref(), Some("http://127.0.0.1"));
        assert_eq!(of("/ucwa"), None);
        assert_eq!(of("ftp://contoso.com/"), None);
    }

    #[test]
    fn headers_about_the_body_of_the_connection_are_left_out() {
        let mut headers = HeaderMap::new();
        add_header(&mut headers, "Content-Encoding", "gzip");
        add_header(&mut headers, "ETag", "\"1\"");
        add_header(&mut headers, "bad name", "1");
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["etag"], "\"1\"");
    }
}
