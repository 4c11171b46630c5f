//! Tests of TCP keep-alive, from the socket table of Linux.

use std::{fs, net::SocketAddr};

use conv_transport::{HyperTransport, Lane};

use super::get;
use crate::server::Server;

/// Returns the seconds until the keep-alive timer of the client's socket expires, from `/proc/net/tcp`.
fn timer(client: SocketAddr, server: SocketAddr) -> Option<u64> {
    let connections = fs::read_to_string("/proc/net/tcp").unwrap();
    let ends = (
        format!(":{:04X}", client.port()),
        format!(":{:04X}", server.port()),
    );
    let connection = connections.lines().find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (local, remote) = (fields.get(1)?, fields.get(2)?);
        let is_it = local.ends_with(&ends.0) && remote.ends_with(&ends.1);
        is_it.then(|| fields[5].to_owned())
    });
    // The field has the kind of the timer, which is 2 for keep-alive, and its remaining time in hundredths of a second.
    let end = connection.unwrap().strip_prefix("02:")?.to_owned();
    Some(u64::from_str_radix(&end, 16).unwrap() / 100)
}

#[tokio::test]
async fn only_connections_for_events_have_keep_alive() {
    let server = Server::bind().await;
    let transport = HyperTransport::new();
    for (lane, expected) in [(Lane::Events, true), (Lane::Commands, false)] {
        let serve = async {
            let mut peer = server.accept().await;
            peer.request().await.unwrap();
            let client = peer.0.peer_addr().unwrap();
            let timer = timer(client, server.address);
            peer.respond("").await;
            timer
        };
        let (response, found) = tokio::join!(get(&transport, server.url("/"), lane), serve);
        response.unwrap();
        assert_eq!(found.is_some(), expected, "{lane:?}");
        assert!(
            found.is_none_or(|seconds| (5..=10).contains(&seconds)),
            "{found:?}"
        );
    }
}
