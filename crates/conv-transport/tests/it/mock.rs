//! Tests of the mock transport.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use conv_transport::{
    HttpTransport, Lane, MockHttpTransport, SendOptions, Stage, TransportError, TransportErrorKind,
};
use http::{Method, Request, Response, StatusCode};

#[tokio::test]
async fn returns_the_expected_response() {
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

#[tokio::test]
async fn answers_equal_requests_in_order_and_different_ones_in_any_order() {
    let mut mock = MockHttpTransport::new();
    mock.expect_request(Method::GET, "/a?x=1")
        .respond(StatusCode::OK, "first");
    mock.expect_request(Method::GET, "/a?x=1")
        .respond(StatusCode::ACCEPTED, "second");
    let error = TransportError::new(TransportErrorKind::Closed, Stage::Wait, "pool:80");
    mock.expect_request(Method::PUT, "/b").fail(error);

    let send = async |method: Method, path: &str| {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://pool{path}"));
        let options = SendOptions::new(Lane::Commands, Duration::from_secs(1));
        mock.send(request.body(Bytes::new()).unwrap(), options)
            .await
    };
    let error = send(Method::PUT, "/b").await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Closed);
    assert_eq!(send(Method::GET, "/a?x=1").await.unwrap().body(), "first");
    let second = send(Method::GET, "/a?x=1").await.unwrap();
    assert_eq!(
        (second.status(), &second.body()[..]),
        (StatusCode::ACCEPTED, &b"second"[..])
    );
}

#[tokio::test]
#[should_panic(expected = "No matching expectation")]
async fn an_unexpected_request_panics() {
    let mut mock = MockHttpTransport::new();
    mock.expect_request(Method::GET, "/a?x=1")
        .respond(StatusCode::OK, "");
    let request = Request::get("http://pool/a?x=2")
        .body(Bytes::new())
        .unwrap();
    let options = SendOptions::new(Lane::Commands, Duration::from_secs(1));
    let _ = mock.send(request, options).await;
}

#[test]
#[should_panic(expected = "fewer than expected")]
fn a_missing_request_panics() {
    let mut mock = MockHttpTransport::new();
    mock.expect_request(Method::GET, "/a")
        .respond(StatusCode::OK, "");
}
