//! Opens connections to servers: name resolution, TCP, the proxy and TLS.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream::FuturesUnordered};
use http::{
    HeaderMap, Request, StatusCode,
    header::{HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION},
};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};

use super::{
    challenge::schemes,
    connection::{Connection, Stream, Tcp, Wire, http1},
    keep_alive::{SILENCE, limit_silence},
    progress::Progress,
    proxy::Hop,
    target::Target,
    tls::Tls,
};
use crate::{Stage, TransportError, TransportErrorKind};

/// The time after which the next address is tried in parallel (RFC 8305 recommends 250 ms).
const HEAD_START: Duration = Duration::from_millis(250);

/// A server, and the proxy on the way to it, if any.
pub(super) struct Way<'a> {
    pub(super) target: &'a Target,
    pub(super) hop: Option<&'a Hop>,
}

/// A new connection.
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// The server's certificate in DER. `None` without TLS.
    #[cfg(feature = "windows-auth")]
    pub(super) certificate: Option<Vec<u8>>,
}

impl Way<'_> {
    /// Opens a connection. `progress` always holds the current stage.
    pub(super) async fn connect(
        &self,
        tls: &Tls,
        progress: &mut Progress,
    ) -> Result<Opened, TransportError> {
        let wire = Arc::default();
        let mut stream = self.stream(&wire, tls, progress).await?;
        #[cfg(feature = "windows-auth")]
        let mut certificate = None;
        if self.target.https {
            progress.enter(Stage::Tls);
            let secured = tls.connect(self.target, stream).await?;
            stream = secured.stream;
            #[cfg(feature = "windows-auth")]
            {
                certificate = secured.certificate;
            }
        }

        progress.enter(Stage::Send);
        let connection = Connection::open(stream, wire).await.map_err(|source| {
            self.error(TransportErrorKind::Closed, Stage::Send)
                .never_sent()
                .with_source(source)
        })?;
        Ok(Opened {
            connection,
            #[cfg(feature = "windows-auth")]
            certificate,
        })
    }

    /// Opens a stream to the server, through the proxy if one is used, before the server's TLS.
    pub(super) async fn stream(
        &self,
        wire: &Arc<Wire>,
        tls: &Tls,
        progress: &mut Progress,
    ) -> Result<Box<dyn Stream>, TransportError> {
        progress.enter(Stage::Resolve);
        progress.proxy = self.hop.map(|hop| hop.proxy.to_string());
        let peer = self.hop.map_or(self.target, |hop| &hop.proxy);
        let addresses: Vec<SocketAddr> = lookup_host((peer.host.as_str(), peer.port))
            .await
            .map_err(|source| {
                self.error(TransportErrorKind::Resolve, Stage::Resolve)
                    .with_source(source)
            })?
            .collect();

        progress.enter(Stage::Connect);
        let tcp = self.connect_first(&addresses).await?;
        // A command is one small write, and its response is waited for.
        let _ = tcp.set_nodelay(true);
        limit_silence(&tcp, SILENCE);
        let mut stream: Box<dyn Stream> = Box::new(Tcp::new(tcp, Arc::clone(wire)));
        if let Some(hop) = self.hop {
            if hop.proxy.https {
                let connected = tls.connect(&hop.proxy, stream).await;
                let secured = connected.map_err(|source| {
                    self.error(TransportErrorKind::Tls, Stage::Tls)
                        .with_source(source)
                })?;
                stream = secured.stream;
            }
            if self.target.https {
                stream = self.tunnel(hop, stream).await?;
            }
        }
        Ok(stream)
    }

    /// Connects to the first of `addresses` that accepts. An address is tried when the one before it has failed, or after the
    /// delay.
    async fn connect_first(&self, addresses: &[SocketAddr]) -> Result<TcpStream, TransportError> {
        let failed = || self.error(TransportErrorKind::Connect, Stage::Connect);
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
                    None => failed(),
                }),
            }
        }
    }

    /// Requests a tunnel to the server from the proxy.
    async fn tunnel(
        &self,
        hop: &Hop,
        stream: Box<dyn Stream>,
    ) -> Result<Box<dyn Stream>, TransportError> {
        let failed = |source: hyper::Error| {
            self.error(TransportErrorKind::Proxy, Stage::Connect)
                .with_source(source)
        };
        let server = self.target.to_string();
        let mut request = Request::connect(server.as_str()).header(HOST, server.as_str());
        if let Some(authorization) = &hop.authorization {
            request = request.header(PROXY_AUTHORIZATION, authorization);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(|source| {
            self.error(TransportErrorKind::InvalidRequest, Stage::Connect)
                .with_source(source)
        })?;

        let handshake = http1().handshake(TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.map_err(failed)?;
        let mut connection = pin!(connection.with_upgrades());
        let mut tunnel = pin!(async move {
            let response = sender.send_request(request).await.map_err(failed)?;
            match response.status() {
                status if status.is_success() => hyper::upgrade::on(response).await.map_err(failed),
                status => Err(self.refused(status, response.headers())),
            }
        });
        let upgraded = tokio::select! {
            upgraded = &mut tunnel => upgraded,
            // The connection ends with the upgrade, or with an error that the tunnel reports.
            _ = &mut connection => tunnel.await,
        }?;
        Ok(Box::new(TokioIo::new(upgraded)))
    }

    fn refused(&self, status: StatusCode, headers: &HeaderMap) -> TransportError {
        let proxy = self.hop.map(|hop| hop.proxy.to_string());
        let mut detail = format!("the proxy {} answered {status}", proxy.unwrap_or_default());
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            let offered = schemes(headers, &PROXY_AUTHENTICATE);
            let offered = if offered.is_empty() { "none" } else { &offered };
            let given = if self.hop.is_some_and(|hop| hop.authorization.is_some()) {
                "the user name and the password in the address of the proxy were refused"
            } else {
                "the address of the proxy has no user name and password"
            };
            detail += &format!("; {given}; schemes offered: {offered} (only Basic can be used)");
        }
        TransportError::new(
            TransportErrorKind::Proxy,
            Stage::Connect,
            self.target.to_string(),
        )
        .with_detail(detail)
    }

    fn error(&self, kind: TransportErrorKind, stage: Stage) -> TransportError {
        let error = TransportError::new(kind, stage, self.target.to_string());
        match self.hop {
            Some(hop) => error.with_detail(format!("through the proxy {}", hop.proxy)),
            None => error,
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::Instant;

    use socket2::{Domain, Socket, Type};
    use tokio::net::TcpListener;

    use super::*;

    /// The first address never accepts, because its backlog is full.
    #[tokio::test]
    async fn the_second_address_is_tried_after_the_head_start_of_the_first() {
        let full = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        full.bind(&any.into()).unwrap();
        full.listen(0).unwrap();
        let silent = full.local_addr().unwrap().as_socket().unwrap();
        let _first = TcpStream::connect(silent).await.unwrap();
        let other = TcpListener::bind(any).await.unwrap();
        let address = other.local_addr().unwrap();

        let target = Target::of(&"http://pool.contoso.com/".parse().unwrap()).unwrap();
        let way = Way {
            target: &target,
            hop: None,
        };
        let begun = Instant::now();
        let stream = way.connect_first(&[silent, address]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        let took = begun.elapsed();
        let expected = Duration::from_millis(250)..Duration::from_secs(5);
        assert!(expected.contains(&took), "{took:?}");
    }
}
