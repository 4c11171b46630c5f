//! The transport that sends requests through cross-domain frames (`Cross-domain IFRAME`).

use std::{cell::RefCell, collections::BTreeMap, fmt, rc::Rc};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, SendOptions, Stage, TransportError, TransportErrorKind};
use futures_channel::oneshot;
use http::{HeaderMap, Request, Response, StatusCode};
use send_wrapper::SendWrapper;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use web_sys::{HtmlIFrameElement, MessageEvent, Window};

use crate::exchange::{add_header, failed, host, origin, within};

/// The path of the page that a server has for frames (`xframe_ref`).
const PATH: &str = "/Autodiscover/XFrame/XFrame.html";

/// Sends requests through pages of the server, in hidden frames. The server must list the origin of the page among those that
/// may use its frame; it needs no CORS, and the browser sends no preflights.
///
/// A frame serves one request at a time, so that a request is aborted by removing its frame. A frame without a request is kept
/// for the next request to the same server.
pub struct XFrame {
    idle: SendWrapper<Idle>,
}

/// The frames without a request, by the origin of their server.
type Idle = Rc<RefCell<BTreeMap<String, Vec<Frame>>>>;

impl XFrame {
    /// A transport without frames.
    #[must_use]
    pub fn new() -> Self {
        Self {
            idle: SendWrapper::new(Idle::default()),
        }
    }
}

impl Default for XFrame {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for XFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XFrame").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpTransport for XFrame {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let idle = self.idle.clone();
        let exchange = async move {
            let host = host(&request);
            let exchange = exchange(request, &host, &idle);
            within(options.deadline, &host, exchange).await
        };
        SendWrapper::new(exchange).await
    }
}

async fn exchange(
    request: Request<Bytes>,
    host: &str,
    idle: &Idle,
) -> Result<Response<Bytes>, TransportError> {
    let origin = origin(&request)?;
    let unusable = |error: JsValue| {
        TransportError::new(TransportErrorKind::Connect, Stage::Connect, host)
            .with_detail(crate::exchange::message(&error))
    };
    let text = serde_json::to_string(&Relayed::of(&request)).map_err(|error| {
        TransportError::new(TransportErrorKind::InvalidRequest, Stage::Send, host)
            .never_sent()
            .with_source(error)
    })?;
    let kept = idle.borrow_mut().get_mut(&origin).and_then(Vec::pop);
    let frame = match kept {
        Some(frame) => frame,
        None => Frame::open(&origin).await.map_err(unusable)?,
    };
    let answer = frame
        .ask(&text)
        .map_err(|error| failed(host, &error))?
        .await
        .map_err(|_| TransportError::new(TransportErrorKind::Closed, Stage::Wait, host))?;
    idle.borrow_mut().entry(origin).or_default().push(frame);
    let answer: Answer = serde_json::from_str(&answer).map_err(|error| {
        TransportError::new(TransportErrorKind::Protocol, Stage::Body, host).with_source(error)
    })?;
    answer.into_response(host)
}

/// A request, as the frame takes it.
#[derive(Serialize)]
struct Relayed<'a> {
    #[serde(rename = "messageId")]
    message_id: &'a str,
    url: String,
    r#type: &'a str,
    headers: BTreeMap<&'a str, &'a str>,
    data: std::borrow::Cow<'a, str>,
    cache: bool,
    #[serde(rename = "processData")]
    process_data: bool,
}

/// A frame has one request at a time, so that no ID is needed to find the request of an answer.
const MESSAGE_ID: &str = "1";

impl<'a> Relayed<'a> {
    fn of(request: &'a Request<Bytes>) -> Self {
        let headers = request.headers().iter();
        Self {
            message_id: MESSAGE_ID,
            url: request.uri().to_string(),
            r#type: request.method().as_str(),
            headers: headers
                .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
                .collect(),
            data: String::from_utf8_lossy(request.body()),
            cache: false,
            process_data: false,
        }
    }
}

/// An answer of the frame.
#[derive(Deserialize)]
struct Answer {
    status: u16,
    #[serde(rename = "statusText", default)]
    status_text: String,
    #[serde(rename = "responseText", default)]
    response_text: String,
    #[serde(default)]
    headers: String,
}

impl Answer {
    fn into_response(self, host: &str) -> Result<Response<Bytes>, TransportError> {
        let Ok(status) = StatusCode::from_u16(self.status) else {
            // The frame got no response.
            return Err(
                TransportError::new(TransportErrorKind::Service, Stage::Wait, host)
                    .with_detail(self.status_text),
            );
        };
        let mut response = Response::new(Bytes::from(self.response_text));
        *response.status_mut() = status;
        let mut headers = HeaderMap::new();
        for line in self.headers.lines() {
            if let Some((name, value)) = line.split_once(':') {
                add_header(&mut headers, name.trim(), value.trim());
            }
        }
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// A hidden frame with the page of a server. Dropping it removes the frame, which aborts its request.
struct Frame {
    element: HtmlIFrameElement,
    window: Window,
    origin: String,
    waiting: Rc<RefCell<Option<oneshot::Sender<String>>>>,
    on_message: Closure<dyn Fn(MessageEvent)>,
}

impl Frame {
    /// Loads the page of a server in a new frame.
    async fn open(origin: &str) -> Result<Self, JsValue> {
        let window = web_sys::window().ok_or_else(|| error("frames need a window"))?;
        let document = window
            .document()
            .ok_or_else(|| error("the window has no document"))?;
        let parent = document
            .document_element()
            .ok_or_else(|| error("the document is empty"))?;
        let element: HtmlIFrameElement = document.create_element("iframe")?.unchecked_into();
        element.set_hidden(true);
        element.set_src(&format!("{origin}{PATH}"));
        let frame = Self::listen(element, window, origin)?;

        let (sender, loaded) = oneshot::channel();
        let on_load = Closure::once(move || {
            // The exchange may have been dropped.
            let _ = sender.send(());
        });
        frame
            .element
            .set_onload(Some(on_load.as_ref().unchecked_ref()));
        parent.append_child(&frame.element)?;
        let is_loaded = loaded.await;
        frame.element.set_onload(None);
        is_loaded.map_err(|_| error("the frame was not loaded"))?;
        Ok(frame)
    }

    fn listen(element: HtmlIFrameElement, window: Window, origin: &str) -> Result<Self, JsValue> {
        let waiting = Rc::<RefCell<Option<oneshot::Sender<String>>>>::default();
        let (expected, source, from) = (waiting.clone(), element.clone(), origin.to_owned());
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            let frame = source.content_window();
            let sender = event.source().map(JsValue::from);
            let is_ours = frame.is_some() && frame.map(JsValue::from) == sender;
            if is_ours
                && event.origin() == from
                && let Some(answer) = event.data().as_string()
                && let Some(sender) = expected.borrow_mut().take()
            {
                // The exchange may have been dropped.
                let _ = sender.send(answer);
            }
        });
        window.add_event_listener_with_callback("message", on_message.as_ref().unchecked_ref())?;
        Ok(Self {
            element,
            window,
            origin: origin.to_owned(),
            waiting,
            on_message,
        })
    }

    /// Sends a request to the frame, and returns its answer.
    fn ask(&self, request: &str) -> Result<oneshot::Receiver<String>, JsValue> {
        let page = self.element.content_window();
        let page = page.ok_or_else(|| error("the frame has been removed"))?;
        let (sender, answer) = oneshot::channel();
        *self.waiting.borrow_mut() = Some(sender);
        page.post_message(&JsValue::from_str(request), &self.origin)?;
        Ok(answer)
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        // The listener was added, so removing it cannot fail.
        let listener = self.on_message.as_ref().unchecked_ref();
        let _ = self
            .window
            .remove_event_listener_with_callback("message", listener);
        self.element.remove();
    }
}

fn error(message: &str) -> JsValue {
    js_sys::Error::new(message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_members_that_the_frame_reads() {
        let request = Request::post("https://lync.contoso.com/ucwa?a=b")
            .header("Authorization", "Bearer 1")
            .body(Bytes::from("{}"))
            .unwrap();
        let text = serde_json::to_string(&Relayed::of(&request)).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["url"], "https://lync.contoso.com/ucwa?a=b");
        assert_eq!(json["type"], "POST");
        assert_eq!(json["headers"]["authorization"], "Bearer 1");
        assert_eq!(json["data"], "{}");
        assert_eq!(json["cache"], false);
    }

    #[test]
    fn an_answer_becomes_a_response_with_its_headers() {
        let text = r#"{"status":201,"statusText":"","responseText":"{}","headers":"etag: \"1\"\r\nlocation: /a:b","messageId":"1"}"#;
        let answer: Answer = serde_json::from_str(text).unwrap();
        let response = answer.into_response("contoso.com").unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        assert_eq!(response.headers()["location"], "/a:b");
        assert_eq!(response.body(), "{}");
    }

    #[test]
    fn an_answer_with_the_status_0_is_a_failure_that_the_server_may_have_seen() {
        let text = r#"{"status":0,"statusText":"Failed to fetch"}"#;
        let answer: Answer = serde_json::from_str(text).unwrap();
        let error = answer.into_response("contoso.com").unwrap_err();
        assert_eq!(error.sent(), conv_transport::Sent::Maybe);
        assert_eq!(error.detail(), Some("Failed to fetch"));
    }
}
