//! Tests of responses in the forms that old servers and proxies send.

use std::io::Write;

use bytes::Bytes;
use conv_transport::{HyperTransport, Lane, TransportError, TransportErrorKind};
use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use http::Response;
use tokio::join;

use super::get;
use crate::server::Server;

async fn answered(lane: Lane, answer: &[u8]) -> Result<Response<Bytes>, TransportError> {
    let server = Server::bind().await;
    let transport = HyperTransport::new();
    let serve = async {
        let mut peer = server.accept().await;
        peer.request().await.unwrap();
        peer.write(answer).await;
        peer
    };
    join!(get(&transport, server.url("/"), lane), serve).0
}

#[tokio::test]
async fn a_head_with_common_deviations_is_read() {
    for (answer, name, value) in [
        // IIS folds long headers.
        (
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: MsRtcOAuth href=\"https://pool.contoso.com/t\",\r\n \
             grant_type=\"password\"\r\nContent-Length: 0\r\n\r\n",
            "www-authenticate",
            "MsRtcOAuth href=\"https://pool.contoso.com/t\",grant_type=\"password\"",
        ),
        (
            "HTTP/1.1 200 OK\r\nX-Folded: a\r\n\t b\r\n  c\r\nContent-Length: 0\r\n\r\n",
            "x-folded",
            "abc",
        ),
        (
            "HTTP/1.1 200 OK\r\nX-Spaced \t: a\r\nContent-Length : 0\r\n\r\n",
            "x-spaced",
            "a",
        ),
        (
            "HTTP/1.1 200 OK\r\na stray line\r\nX-After: a\r\n: no name\r\nb[r]: c\r\nContent-Length: 0\r\n\r\n",
            "x-after",
            "a",
        ),
    ] {
        for lane in [Lane::Commands, Lane::Events] {
            let response = answered(lane, answer.as_bytes()).await.unwrap();
            let read = response.headers()[name].to_str().unwrap();
            let read: String = read.chars().filter(|c| !matches!(c, ' ' | '\t')).collect();
            let value: String = value.chars().filter(|c| *c != ' ').collect();
            assert_eq!(read, value, "{answer}");
            assert!(response.body().is_empty());
        }
    }
}

#[tokio::test]
async fn the_limit_of_a_head_is_the_same_on_both_lanes() {
    for lane in [Lane::Commands, Lane::Events] {
        let head = |size: usize| {
            let start = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-large: ";
            let end = "\r\n\r\n";
            format!("{start}{}{end}", "x".repeat(size - start.len() - end.len()))
        };
        let response = answered(lane, head(64 * 1024).as_bytes()).await.unwrap();
        assert!(response.headers()["x-large"].len() > 65_000);
        let error = answered(lane, head(64 * 1024 + 1).as_bytes())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Protocol);
        let expected = "the head is larger than 65536 bytes or 100 headers";
        assert_eq!(error.detail(), Some(expected), "{error:?}");
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

async fn encoded(headers: &str, body: &[u8]) -> Result<Response<Bytes>, TransportError> {
    let length = body.len();
    let mut answer =
        format!("HTTP/1.1 200 OK\r\n{headers}content-length: {length}\r\n\r\n").into_bytes();
    answer.extend_from_slice(body);
    answered(Lane::Commands, &answer).await
}

#[tokio::test]
async fn every_content_coding_is_decoded() {
    let padded = [gzip(b"text"), vec![0; 6]].concat();
    for (headers, body) in [
        (
            "content-encoding: deflate, gzip\r\n",
            gzip(&deflate(b"text")),
        ),
        (
            "content-encoding: deflate\r\ncontent-encoding: gzip\r\n",
            gzip(&deflate(b"text")),
        ),
        (
            "content-encoding: identity,,GZIP, identity\r\n",
            gzip(b"text"),
        ),
        ("content-encoding: gzip\r\n", padded),
        ("content-encoding: identity\r\n", b"text".to_vec()),
        ("content-encoding:\r\n", b"text".to_vec()),
    ] {
        let response = encoded(headers, &body).await.unwrap();
        assert_eq!(response.body(), "text", "{headers}");
        assert!(!response.headers().contains_key("content-encoding"));
        assert!(!response.headers().contains_key("content-length"));
    }
}

#[tokio::test]
async fn a_coding_that_is_not_supported_is_named() {
    let many = format!("content-encoding: {}\r\n", "gzip,".repeat(9));
    for (headers, expected) in [
        (
            "content-encoding: gzip, compress\r\n",
            "the content coding \"compress\" is not supported",
        ),
        (
            "content-encoding: ÿx\r\n",
            "the content coding \"\u{ff}x\" is not supported",
        ),
        (&many, "the body has more than 8 content codings"),
        (
            "content-encoding: gzip\r\n",
            "the body is not in the coding that its header names",
        ),
    ] {
        let error = encoded(headers, b"text").await.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Protocol);
        assert_eq!(error.detail(), Some(expected));
    }
}
