//! Which connections have TCP keep-alive, as Linux shows it.

use std::{fs, net::SocketAddr};

use conv_transport::{HyperTransport, Lane};

use super::get;
use crate::server::Server;

/// Whether a timer of the client's end of a connection to `server` runs, by `/proc/net/tcp`.
fn has_timer(client: SocketAddr, server: SocketAddr) -> bool {
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
    // The kind of timer: 0 is none, 2 is keep-alive.
    connection.unwrap().starts_with("02:")
}

#[tokio::test]
async fn a_connection_for_events_has_keep_alive_and_one_for_commands_has_not() {
    let server = Server::bind().await;
    let transport = HyperTransport::new();
    for (lane, expected) in [(Lane::Events, true), (Lane::Commands, false)] {
        let serve = async {
            let mut peer = server.accept().await;
            peer.request().await.unwrap();
            let client = peer.0.peer_addr().unwrap();
            let has_timer = has_timer(client, server.address);
            peer.respond("").await;
            has_timer
        };
        let (response, found) = tokio::join!(get(&transport, server.url("/"), lane), serve);
        response.unwrap();
        assert_eq!(found, expected, "{lane:?}");
    }
}
