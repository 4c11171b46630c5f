//! Tests of the choice and the reuse of connections.

use std::{
    future::{Future, poll_fn},
    io::{Read, Write},
    sync::mpsc,
    task::Poll,
    time::Duration,
};

use conv_transport::{HyperTransport, Lane, Sent, TransportErrorKind};
use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use http::StatusCode;
use socket2::SockRef;
use tokio::join;

use super::{get, post};
use crate::server::Server;

#[tokio::test]
async fn requests_and_responses_are_transferred_completely() {
    let server = Server::bind().await;
    let transport = HyperTransport::new();
    let serve = async {
        let mut peer = server.accept().await;
        let request = peer.request().await.unwrap();
        peer.write(
            "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ntransfer-encoding: chunked\r\n\r\n",
        )
        .await;
        peer.write("4\r\nfour\r\n").await;
        peer.write("3\r\nand\r\n0\r\n\r\n").await;
        request
    };
    let (response, request) = join!(post(&transport, server.url("/a?b=c"), "hello"), serve);
    let response = response.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(response.headers()["location"], "/elsewhere");
    assert_eq!(response.body(), "fourand");
    assert!(request.starts_with("POST /a?b=c HTTP/1.1\r\n"), "{request}");
    assert!(
        request.contains(&format!("host: {}\r\n", server.address)),
        "{request}"
    );
    assert!(request.contains("content-length: 5\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\nhello"), "{request}");
}

#[tokio::test]
async fn an_empty_post_states_its_length() {
    let server = Server::bind().await;
    let transport = HyperTransport::new();
    let serve = async {
        let mut peer = server.accept().await;
        let request = peer.request().await.unwrap();
        peer.respond("").await;
        request
    };
    let (response, request) = join!(post(&transport, server.url("/"), ""), serve);
    response.unwrap();
    assert!(request.contains("content-length: 0\r\n"), "{request}");
}

#[tokio::test]
async fn a_connection_is_reused() {
    let server = Server::bind().await;
    let transport = HyperTransport::new();
    let serve = async {
        let mut peer = server.accept().await;
        for _ in 0..3 {
            peer.request().await.unwrap();
            peer.respond("ok").await;
        }
    };
    let client = async {
        for _ in 0..3 {
            get(&transport, server.url("/"), Lane::Commands)
                .await
                .unwrap();
        }
    };
    join!(client, serve);
}

#[tokio::test]
async fn a_poll_uses_the_idle_connection_of_a_command() {
    let server = Server::bind().await;
    let transport = HyperTransport::new();
    let serve = async {
        let mut peer = server.accept().await;
        for _ in 0..2 {
            peer.request().await.unwrap();
            peer.respond("ok").await;
        }
    };
    let client = async {
        for lane in [Lane::Commands, Lane::Events] {
            get(&transport, server.url("/"), lane).await.unwrap();
        }
    };
    join!(client, serve);
}

/// A burst of requests leaves as many idle connections, and the next burst opens no other.
#[tokio::test]
async fn a_burst_of_64_reuses_the_connections_of_the_one_before() {
    let server = Server::bind().await;
    let transport = HyperTransport::new();
    let serve = async {
        let mut peers = Vec::new();
        for _ in 0..64 {
            let mut peer = server.accept().await;
            peer.request().await.unwrap();
            peers.push(peer);
        }
        for peer in &mut peers {
            peer.respond("one").await;
        }
        for peer in &mut peers {
            peer.request().await.unwrap();
        }
        for peer in &mut peers {
            peer.respond("two").await;
        }
    };
    let bursts = async {
        for body in ["one", "two"] {
            let burst = (0..64).map(|_| get(&transport, server.url("/"), Lane::Commands));
            for response in futures_util::future::join_all(burst).await {
                assert_eq!(response.unwrap().body(), body);
            }
        }
    };
    // A connection that is opened again gets no response.
    let both = async { join!(bursts, serve) };
    tokio::time::timeout(Duration::from_secs(20), both)
        .await
        .unwrap();
}

/// The request on an idle connection is written when its future is polled for the first time, which the wire shows before the runtime
/// runs another task.
#[tokio::test]
async fn the_first_poll_writes_a_request_on_an_idle_connection() {
    let server = Server::bind().await;
    let transport = HyperTransport::new();
    let (first, mut peer) = join!(get(&transport, server.url("/"), Lane::Commands), async {
        let mut peer = server.accept().await;
        peer.request().await.unwrap();
        peer.respond("ok").await;
        peer
    });
    first.unwrap();
    let mut poll = Box::pin(get(&transport, server.url("/events"), Lane::Events));
    let is_pending = poll_fn(|cx| Poll::Ready(poll.as_mut().poll(cx).is_pending()));
    assert!(is_pending.await);
    let mut request = [0; 1024];
    let length = (&*SockRef::from(&peer.0)).read(&mut request).unwrap();
    assert!(request[..length].starts_with(b"GET /events "));
    let (page, ()) = join!(poll, peer.respond("page"));
    assert_eq!(page.unwrap().body(), "page");
}

#[tokio::test]
async fn polls_share_one_connection_and_commands_use_another() {
    let server = Server::bind().await;
    let transport = HyperTransport::new();
    let serve = async {
        let mut events = server.accept().await;
        let poll = events.request().await.unwrap();
        assert!(poll.starts_with("GET /events "));
        // The poll stays pending while the server answers commands on a second connection.
        let mut commands = server.accept().await;
        for _ in 0..2 {
            let command = commands.request().await.unwrap();
            assert!(command.starts_with("GET /me "));
            commands.respond("me").await;
        }
        events.respond("page").await;
        let poll = events.request().await.unwrap();
        assert!(poll.starts_with("GET /events "));
        events.respond("page").await;
    };
    let polls = async {
        for _ in 0..2 {
            let response = get(&transport, server.url("/events"), Lane::Events).await;
            assert_eq!(response.unwrap().body(), "page");
        }
    };
    let commands = async {
        tokio::task::yield_now().await;
        for _ in 0..2 {
            get(&transport, server.url("/me"), Lane::Commands)
                .await
                .unwrap();
        }
    };
    join!(polls, commands, serve);
}

/// Starts a server in a separate thread, so that the server runs while the runtime of the test is blocked.
///
/// The server answers one request on each connection. It closes the connection when the test sends on the first channel, and confirms
/// on the second.
fn closing_server() -> (String, mpsc::Sender<()>, mpsc::Receiver<()>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (close, wait_close) = mpsc::channel();
    let (closed, wait_closed) = mpsc::channel();
    std::thread::spawn(move || {
        for answer in ["one", "two"] {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            assert!(stream.read(&mut request).unwrap() > 0);
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n";
            write!(stream, "{head}{answer}").unwrap();
            if wait_close.recv().is_err() {
                return;
            }
            drop(stream);
            closed.send(()).unwrap();
        }
    });
    (url, close, wait_closed)
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_replaced() {
    let (url, close, closed) = closing_server();
    let transport = HyperTransport::new();
    let first = post(&transport, url.clone(), "a").await.unwrap();
    assert_eq!(first.body(), "one");
    // The only thread of the runtime is blocked here, so the transport cannot notice that the connection closes.
    close.send(()).unwrap();
    closed.recv().unwrap();
    let second = post(&transport, url, "b").await.unwrap();
    assert_eq!(second.body(), "two");
}

#[tokio::test]
async fn a_request_that_may_have_been_seen_is_not_repeated() {
    let server = Server::bind().await;
    let transport = HyperTransport::new();
    let serve = async {
        let mut peer = server.accept().await;
        peer.request().await.unwrap();
        peer.respond("first").await;
        // The server receives the second request on the same connection, and closes it without a response.
        peer.request().await.unwrap();
    };
    let client = async {
        post(&transport, server.url("/"), "a").await.unwrap();
        post(&transport, server.url("/"), "b").await.unwrap_err()
    };
    let (error, ()) = join!(client, serve);
    assert_eq!(error.kind(), TransportErrorKind::Closed);
    assert_eq!(error.sent(), Sent::Maybe);
}

#[tokio::test]
async fn dropping_the_future_closes_the_connection() {
    let server = Server::bind().await;
    let transport = HyperTransport::new();
    let mut poll = Box::pin(get(&transport, server.url("/events"), Lane::Events));
    let mut peer = tokio::select! {
        _ = &mut poll => panic!("nothing was answered"),
        peer = async {
            let mut peer = server.accept().await;
            peer.request().await.unwrap();
            peer
        } => peer,
    };
    drop(poll);
    assert_eq!(peer.request().await, None);
}

#[tokio::test]
async fn compressed_bodies_are_decoded() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(b"a page of events").unwrap();
    let gzip = gzip.finish().unwrap();
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(b"a page of events").unwrap();
    let deflate = deflate.finish().unwrap();

    let server = Server::bind().await;
    let transport = HyperTransport::new();
    let serve = async {
        let mut peer = server.accept().await;
        for (coding, body) in [("gzip", &gzip), ("deflate", &deflate)] {
            let request = peer.request().await.unwrap();
            assert!(
                request.contains("accept-encoding: gzip, deflate\r\n"),
                "{request}"
            );
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ntransfer-encoding: chunked\r\n\r\n"
            );
            peer.write(head).await;
            peer.write(format!("{:x}\r\n", body.len())).await;
            peer.write(body).await;
            peer.write("\r\n0\r\n\r\n").await;
        }
        peer.request().await.unwrap();
        peer.write("HTTP/1.1 304 Not Modified\r\ncontent-encoding: gzip\r\n\r\n")
            .await;
    };
    let client = async {
        for _ in 0..2 {
            let response = get(&transport, server.url("/"), Lane::Commands)
                .await
                .unwrap();
            assert_eq!(response.body(), "a page of events");
            assert!(!response.headers().contains_key("content-encoding"));
        }
        let response = get(&transport, server.url("/"), Lane::Commands)
            .await
            .unwrap();
        assert_eq!(
            (response.status().as_u16(), response.body().len()),
            (304, 0)
        );
    };
    join!(client, serve);
}

#[tokio::test]
async fn large_heads_and_pages_are_accepted_on_both_lanes() {
    let server = Server::bind().await;
    let transport = HyperTransport::new();
    let header = "h".repeat(12_000);
    let page = "p".repeat(1_000_000);
    for lane in [Lane::Events, Lane::Commands] {
        let serve = async {
            let mut peer = server.accept().await;
            peer.request().await.unwrap();
            let length = page.len();
            peer.write(format!(
                "HTTP/1.1 200 OK\r\nx-large: {header}\r\ncontent-length: {length}\r\n\r\n"
            ))
            .await;
            peer.write(&page).await;
        };
        let (response, ()) = join!(get(&transport, server.url("/"), lane), serve);
        let response = response.unwrap();
        assert_eq!(response.headers()["x-large"], header);
        assert_eq!(response.body(), &page);
    }
}
