//! Files that the server sends beside UCWA, such as a web page that uses the server.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};

use super::http_config::HttpConfig;

/// A file that a server sends to any client, without a token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebFile {
    /// The header `Content-Type`, such as `text/html; charset=utf-8`.
    pub content_type: &'static str,
    /// The header `Content-Security-Policy`. The default is none.
    pub policy: Option<&'static str>,
    /// The contents.
    pub contents: Bytes,
}

impl WebFile {
    /// A file of a type, without a content security policy.
    pub fn new(content_type: &'static str, contents: impl Into<Bytes>) -> Self {
        Self {
            content_type,
            policy: None,
            contents: contents.into(),
        }
    }
}

type Find = dyn Fn(&str, &str) -> Option<WebFile> + Send + Sync;

/// Finds the file of a path, for a client that reaches the server at an origin.
#[derive(Clone)]
pub(super) struct Files(Arc<Find>);

impl Files {
    pub(super) fn new(
        find: impl Fn(&str, &str) -> Option<WebFile> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(find))
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Files")
    }
}

/// The response with a file. `None` if there is no file at the path.
pub(super) fn answer(head: &Parts, own: &str, http: &HttpConfig) -> Option<Response<Bytes>> {
    let file = (http.files.as_ref()?.0)(head.uri.path(), own)?;
    let mut response = Response::new(Bytes::new());
    if head.method != Method::GET && head.method != Method::HEAD {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        let methods = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, methods);
        return Some(response);
    }
    let headers = response.headers_mut();
    let mut insert = |name, value| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    insert(CONTENT_TYPE, file.content_type);
    // The file may depend on the origin, and a new version of the program has another one.
    insert(CACHE_CONTROL, "no-cache");
    insert(X_CONTENT_TYPE_OPTIONS, "nosniff");
    if let Some(policy) = file.policy {
        insert(CONTENT_SECURITY_POLICY, policy);
    }
    *response.body_mut() = file.contents;
    Some(response)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn status(method: Method, path: &str) -> Option<(StatusCode, Bytes)> {
        let mut http = HttpConfig::default();
        http.set_files(|path, origin| {
            (path == "/origin").then(|| WebFile::new("text/plain", origin.to_owned()))
        });
        let request = Request::builder().method(method).uri(path);
        let (head, ()) = request.body(()).unwrap().into_parts();
        let response = answer(&head, "https://lync.contoso.com", &http)?;
        Some((response.status(), response.into_body()))
    }

    #[test]
    fn a_file_is_sent_to_get_only_and_other_paths_are_left_to_the_engine() {
        let own = Bytes::from("https://lync.contoso.com");
        assert_eq!(
            status(Method::GET, "/origin?x"),
            Some((StatusCode::OK, own))
        );
        let refused = Some((StatusCode::METHOD_NOT_ALLOWED, Bytes::new()));
        assert_eq!(status(Method::POST, "/origin"), refused);
        assert_eq!(status(Method::GET, "/other"), None);
    }
}
