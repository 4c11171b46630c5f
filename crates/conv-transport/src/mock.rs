//! A shorthand of the mock: one expected request and its response.

use bytes::Bytes;
use http::{Method, Response, StatusCode};

use crate::{TransportError, transport::MockHttpTransport};

impl MockHttpTransport {
    /// Expects one request with this method, path and query, compared as they are in the URI.
    ///
    /// Equal requests are answered in the order of the calls. The mock panics at an unexpected request, and if an expected
    /// request is missing when the mock is dropped.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// use bytes::Bytes;
    /// use conv_transport::{HttpTransport, Lane, MockHttpTransport, SendOptions};
    /// use http::{Method, Request, StatusCode};
    ///
    /// let mut mock = MockHttpTransport::new();
    /// mock.expect_request(Method::GET, "/me?x=1").respond(StatusCode::OK, "{}");
    ///
    /// let request = Request::get("https://pool.contoso.com/me?x=1").body(Bytes::new())?;
    /// let options = SendOptions::new(Lane::Commands, Duration::from_secs(10));
    /// assert_eq!(mock.send(request, options).await?.body(), "{}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn expect_request(
        &mut self,
        method: Method,
        path_and_query: impl Into<String>,
    ) -> ExpectedRequest<'_> {
        ExpectedRequest {
            mock: self,
            method,
            path_and_query: path_and_query.into(),
        }
    }
}

/// An expected request of a [`MockHttpTransport`] that has no response yet.
#[must_use = "the request is expected only after `respond` or `fail`"]
#[derive(Debug)]
pub struct ExpectedRequest<'a> {
    mock: &'a mut MockHttpTransport,
    method: Method,
    path_and_query: String,
}

impl ExpectedRequest<'_> {
    /// Sets the response: a status and a body.
    pub fn respond(self, status: StatusCode, body: impl Into<Bytes>) {
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        self.answer(Ok(response));
    }

    /// Sets an error instead of a response.
    pub fn fail(self, error: TransportError) {
        self.answer(Err(error));
    }

    fn answer(self, answer: Result<Response<Bytes>, TransportError>) {
        let Self {
            mock,
            method,
            path_and_query,
        } = self;
        mock.expect_send()
            .withf(move |request, _| {
                let asked = request.uri().path_and_query();
                *request.method() == method && asked.is_some_and(|asked| *asked == *path_and_query)
            })
            .once()
            .return_once(move |_, _| answer);
    }
}
