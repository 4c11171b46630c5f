//! The common case of the mock: this request, that answer.

use bytes::Bytes;
use http::{Method, Response, StatusCode};

use crate::{TransportError, transport::MockHttpTransport};

impl MockHttpTransport {
    /// Expects one request, by its method and by its path with the query as it stands in the URI.
    ///
    /// Equal requests are answered in the order in which they were expected. One that is not expected, or that does not
    /// come before the mock is dropped, is a panic of the mock.
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

/// A request that a [`MockHttpTransport`] expects, and that needs an answer.
#[must_use = "a request without an answer is not expected"]
#[derive(Debug)]
pub struct ExpectedRequest<'a> {
    mock: &'a mut MockHttpTransport,
    method: Method,
    path_and_query: String,
}

impl ExpectedRequest<'_> {
    /// Answers with a status and a body.
    pub fn respond(self, status: StatusCode, body: impl Into<Bytes>) {
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        self.answer(Ok(response));
    }

    /// Fails with an error of the transport.
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
