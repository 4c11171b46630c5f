//! The transport that sends requests with the `fetch` of the browser.

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, SendOptions, Stage, TransportError, TransportErrorKind};
use http::{HeaderMap, Request, Response, StatusCode};
use js_sys::{Array, ArrayBuffer, Promise, Uint8Array};
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, Headers, RequestCache, RequestCredentials, RequestInit, RequestRedirect,
};

use crate::exchange::{add_header, failed, host, origin, within};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = fetch)]
    fn fetch(url: &str, options: &RequestInit) -> Promise;
}

/// Sends requests with the `fetch` of the browser. A server of another origin must allow the origin of the page (CORS).
///
/// The browser keeps the cookies, authenticates with the user's Windows account if the server asks for that and the browser
/// is configured for it, and hides most headers of a server that does not expose them. A redirect is an error, because the
/// browser hides where it leads. Every other failure counts as one in which the server may have received the request: the
/// browser does not tell a refused connection from a refused origin.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fetch;

#[async_trait]
impl HttpTransport for Fetch {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let exchange = async move {
            let host = host(&request);
            within(options.deadline, &host, exchange(request, &host)).await
        };
        SendWrapper::new(exchange).await
    }
}

async fn exchange(request: Request<Bytes>, host: &str) -> Result<Response<Bytes>, TransportError> {
    origin(&request)?;
    let unusable = |error: JsValue| {
        TransportError::new(TransportErrorKind::InvalidRequest, Stage::Send, host)
            .never_sent()
            .with_detail(crate::exchange::message(&error))
    };
    let abort = AbortOnDrop(AbortController::new().map_err(unusable)?);
    let url = request.uri().to_string();
    let options = request_init(request, &abort).map_err(unusable)?;
    let response = JsFuture::from(fetch(&url, &options))
        .await
        .map_err(|error| failed(host, &error))?;
    let response: web_sys::Response = response.unchecked_into();
    let Ok(status) = StatusCode::from_u16(response.status()) else {
        // The browser gives the status 0 to a redirect that it does not follow.
        return Err(
            TransportError::new(TransportErrorKind::Protocol, Stage::Wait, host)
                .with_detail("a page cannot see where a redirect leads"),
        );
    };
    let lost = |error: JsValue| {
        TransportError::new(TransportErrorKind::Closed, Stage::Body, host)
            .with_detail(crate::exchange::message(&error))
    };
    let body = JsFuture::from(response.array_buffer().map_err(lost)?)
        .await
        .map_err(lost)?;
    let body = Uint8Array::new(&body.unchecked_into::<ArrayBuffer>()).to_vec();
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = status;
    *answer.headers_mut() = headers(&response.headers());
    Ok(answer)
}

fn request_init(request: Request<Bytes>, abort: &AbortOnDrop) -> Result<RequestInit, JsValue> {
    let (head, body) = request.into_parts();
    let headers = Headers::new()?;
    for (name, value) in &head.headers {
        // The browser ignores the headers that belong to it, such as `User-Agent`.
        let value = value
            .to_str()
            .map_err(|error| JsError::new(&error.to_string()))?;
        headers.append(name.as_str(), value)?;
    }
    let options = RequestInit::new();
    options.set_method(head.method.as_str());
    options.set_headers(&headers);
    options.set_cache(RequestCache::NoStore);
    options.set_credentials(RequestCredentials::Include);
    options.set_redirect(RequestRedirect::Manual);
    options.set_signal(Some(&abort.0.signal()));
    if !body.is_empty() {
        options.set_body(&Uint8Array::from(&*body));
    }
    Ok(options)
}

/// The headers that the browser shows.
fn headers(from: &Headers) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for entry in from.entries().into_iter().flatten() {
        let entry: Array = entry.unchecked_into();
        if let (Some(name), Some(value)) = (entry.get(0).as_string(), entry.get(1).as_string()) {
            add_header(&mut headers, &name, &value);
        }
    }
    headers
}

/// Aborts a request. After the response has arrived, aborting does nothing.
struct AbortOnDrop(AbortController);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
