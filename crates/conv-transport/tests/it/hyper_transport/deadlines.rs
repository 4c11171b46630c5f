//! Tests of the deadline of each step, in virtual time: the clock advances when all tasks wait.

use std::time::Duration;

use bytes::Bytes;
use conv_transport::{
    HttpTransport, HyperConfig, HyperTransport, Lane, Proxy, SendOptions, Stage, TransportError,
    TransportErrorKind,
};
use http::Request;
use tokio::{join, time::Instant};

use crate::server::Server;

/// Sends a request that fails, and returns the seconds until the failure.
async fn time_to_fail(
    transport: &HyperTransport,
    url: String,
    lane: Lane,
    deadline: Duration,
) -> (TransportError, f64) {
    let begun = Instant::now();
    let request = Request::get(url).body(Bytes::new()).unwrap();
    let error = transport
        .send(request, SendOptions::new(lane, deadline))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Timeout, "{error}");
    (error, begun.elapsed().as_secs_f64())
}

fn assert_near(took: f64, seconds: f64) {
    assert!(
        (seconds..seconds + 0.5).contains(&took),
        "{took} s instead of {seconds} s"
    );
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn a_silent_server_fails_a_command_after_30_seconds_and_events_at_their_deadline() {
    for (lane, deadline, expected) in [
        (Lane::Commands, HOUR, 30.0),
        (Lane::Commands, Duration::from_secs(7), 7.0),
        (Lane::Events, Duration::from_secs(900), 900.0),
    ] {
        let server = Server::bind().await;
        let transport = HyperTransport::new();
        let ((error, took), _peer) = join!(
            time_to_fail(&transport, server.url("/"), lane, deadline),
            async {
                let mut peer = server.accept().await;
                peer.request().await.unwrap();
                peer
            }
        );
        assert_eq!(error.stage(), Stage::Wait);
        assert_near(took, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_may_pause_for_30_seconds_on_both_lanes() {
    for lane in [Lane::Commands, Lane::Events] {
        let server = Server::bind().await;
        let transport = HyperTransport::new();
        let ((error, took), _peer) = join!(
            time_to_fail(&transport, server.url("/"), lane, HOUR),
            async {
                let mut peer = server.accept().await;
                peer.request().await.unwrap();
                peer.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\na")
                    .await;
                tokio::time::sleep(Duration::from_secs(29)).await;
                peer.write("b").await;
                peer
            }
        );
        assert_eq!(error.stage(), Stage::Body);
        assert_near(took, 29.0 + 30.0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_take_10_seconds_with_tls_or_through_a_proxy() {
    let server = Server::bind().await;
    let url = || format!("https://127.0.0.1:{}/", server.address.port());
    let transport = HyperTransport::new();
    let ((error, took), _peer) = join!(
        time_to_fail(&transport, url(), Lane::Commands, HOUR),
        server.accept()
    );
    assert_eq!(error.stage(), Stage::Tls);
    assert_near(took, 10.0);

    let mut config = HyperConfig::default();
    config.proxy = Proxy::new(&server.url(""), "").unwrap();
    let transport = HyperTransport::with_config(config);
    let url = "https://pool.invalid/".to_owned();
    let ((error, took), _peer) = join!(
        time_to_fail(&transport, url, Lane::Events, HOUR),
        server.accept()
    );
    assert_eq!(error.stage(), Stage::Connect);
    assert_near(took, 10.0);
}
