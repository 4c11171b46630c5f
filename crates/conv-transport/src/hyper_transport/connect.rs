//! From the name of a server to an open connection.

use std::{net::SocketAddr, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::net::{TcpStream, lookup_host};

use super::{
    Progress,
    connection::{Connection, Stream},
    target::Target,
    tls::Tls,
};
use crate::{Lane, Stage, TransportError, TransportErrorKind};

/// How long one address is tried alone before the next one is tried beside it (RFC 8305 recommends 250 ms).
const HEAD_START: Duration = Duration::from_millis(250);

/// Opens a connection to `target`; `progress` tells the stage at any moment.
pub(super) async fn connect(
    target: &Target,
    lane: Lane,
    tls: &Tls,
    progress: &mut Progress,
) -> Result<Connection, TransportError> {
    progress.enter(Stage::Resolve);
    let addresses: Vec<SocketAddr> = lookup_host((target.host.as_str(), target.port))
        .await
        .map_err(|source| {
            TransportError::new(
                TransportErrorKind::Resolve,
                Stage::Resolve,
                target.to_string(),
            )
            .with_source(source)
        })?
        .collect();

    progress.enter(Stage::Connect);
    let tcp = connect_first(&addresses, target).await?;
    // A command is one small write that waits for its answer.
    let _ = tcp.set_nodelay(true);

    let stream: Box<dyn Stream> = if target.https {
        progress.enter(Stage::Tls);
        Box::new(tls.connect(target, tcp).await?)
    } else {
        Box::new(tcp)
    };

    progress.enter(Stage::Send);
    Connection::open(stream, lane).await.map_err(|source| {
        TransportError::new(TransportErrorKind::Closed, Stage::Send, target.to_string())
            .never_sent()
            .with_source(source)
    })
}

/// The first of `addresses` that answers, each tried when the one before it has failed or had its head start.
async fn connect_first(
    addresses: &[SocketAddr],
    target: &Target,
) -> Result<TcpStream, TransportError> {
    let failed = || {
        TransportError::new(
            TransportErrorKind::Connect,
            Stage::Connect,
            target.to_string(),
        )
    };
    let mut last = None;
    let mut waiting = addresses.iter();
    let mut attempts = FuturesUnordered::new();
    loop {
        if let Some(address) = waiting.next() {
            attempts.push(TcpStream::connect(*address));
        }
        let more = waiting.len() > 0;
        tokio::select! {
            Some(attempt) = attempts.next() => match attempt {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            },
            () = tokio::time::sleep(HEAD_START), if more => {}
            else => return Err(match last {
                Some(error) => failed().with_source(error),
                None => failed().with_detail("the name stands for no address"),
            }),
        }
    }
}
