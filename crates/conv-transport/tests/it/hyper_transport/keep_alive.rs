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
async fn a_connection_of_either_lane_has_keep_alive() {
    for lane in [Lane::Events, Lane::Commands] {
        let server = Server::bind().await;
        let transport = HyperTransport::new();
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
        // Either lane may use the connection for a pending request for events.
        assert!(
            found.is_some_and(|seconds| (5..=10).contains(&seconds)),
            "{lane:?} {found:?}"
        );
    }
}
