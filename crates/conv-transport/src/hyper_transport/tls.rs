//! TLS by rustls, with the roots of the platform.

use std::sync::Arc;

use rustls::{ClientConfig, crypto::ring, pki_types::ServerName};
use rustls_platform_verifier::Verifier;
use tokio::{io, net::TcpStream, sync::OnceCell};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::target::Target;
use crate::{Stage, TransportError, TransportErrorKind};

/// The TLS side of a transport.
#[derive(Debug, Default)]
pub(super) struct Tls {
    /// Made at the first use: a machine without any root certificate can still talk to a server on loopback.
    connector: OnceCell<Arc<ClientConfig>>,
}

impl Tls {
    pub(super) async fn connect(
        &self,
        target: &Target,
        tcp: TcpStream,
    ) -> Result<TlsStream<TcpStream>, TransportError> {
        let failed =
            || TransportError::new(TransportErrorKind::Tls, Stage::Tls, target.to_string());
        let name = ServerName::try_from(target.host.clone())
            .map_err(|source| failed().with_source(source))?;
        let config = self
            .connector
            .get_or_try_init(load)
            .await
            .map_err(|source| failed().with_source(source))?;
        TlsConnector::from(Arc::clone(config))
            .connect(name, tcp)
            .await
            .map_err(|source| failed().with_source(source))
    }
}

/// Reading the roots of the platform touches files, so it has a thread of its own.
async fn load() -> io::Result<Arc<ClientConfig>> {
    tokio::task::spawn_blocking(|| {
        let provider = Arc::new(ring::default_provider());
        let verifier = Verifier::new(Arc::clone(&provider)).map_err(io::Error::other)?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    })
    .await
    .map_err(io::Error::other)?
}
