//! The mock stands in wherever a transport is wanted.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use conv_transport::{HttpTransport, Lane, MockHttpTransport, SendOptions};
use http::{Request, Response, StatusCode};

#[tokio::test]
async fn answers_what_it_is_told() {
    let mut mock = MockHttpTransport::new();
    mock.expect_send()
        .withf(|request, options| request.uri().path() == "/me" && options.lane == Lane::Commands)
        .once()
        .returning(|_, _| {
            Ok(Response::builder()
                .status(StatusCode::NOT_FOUND)
                .body(Bytes::from_static(b"gone"))
                .unwrap())
        });

    let transport: Arc<dyn HttpTransport> = Arc::new(mock);
    let request = Request::get("http://pool.contoso.com/me")
        .body(Bytes::new())
        .unwrap();
    let response = transport
        .send(
            request,
            SendOptions::new(Lane::Commands, Duration::from_secs(1)),
        )
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.body(), "gone");
}
