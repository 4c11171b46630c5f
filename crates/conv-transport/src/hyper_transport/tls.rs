//! TLS streams, by rustls or by OpenSSL.

#[cfg(feature = "native-tls")]
mod with_openssl;
mod with_rustls;
mod words;

use super::{certificate::ServerCertificate, connection::Stream, target::Target};
use crate::TransportError;

#[cfg(feature = "native-tls")]
pub(super) use with_openssl::OpenSsl;
pub(super) use with_rustls::Rustls;
pub(super) use words::{common_name, explain};

/// The TLS side of a transport.
pub(super) enum Tls {
    Rustls(Rustls),
    #[cfg(feature = "native-tls")]
    OpenSsl(OpenSsl),
}

/// A TLS stream and the certificate of its server.
pub(super) struct Secured {
    pub(super) stream: Box<dyn Stream>,
    /// The server's certificate in DER.
    #[cfg(feature = "windows-auth")]
    pub(super) certificate: Option<Vec<u8>>,
}

impl Tls {
    pub(super) async fn connect(
        &self,
        target: &Target,
        stream: Box<dyn Stream>,
    ) -> Result<Secured, TransportError> {
        match self {
            Self::Rustls(rustls) => {
                let stream = rustls.connect(target, stream).await?;
                Ok(Secured {
                    #[cfg(feature = "windows-auth")]
                    certificate: stream
                        .get_ref()
                        .1
                        .peer_certificates()
                        .and_then(|chain| Some(chain.first()?.to_vec())),
                    stream: Box::new(stream),
                })
            }
            #[cfg(feature = "native-tls")]
            Self::OpenSsl(openssl) => {
                let stream = openssl.connect(target, stream).await?;
                Ok(Secured {
                    #[cfg(feature = "windows-auth")]
                    certificate: stream
                        .ssl()
                        .peer_certificate()
                        .and_then(|certificate| certificate.to_der().ok()),
                    stream: Box::new(stream),
                })
            }
        }
    }
}

impl Tls {
    /// Reads the certificate of the server, also if it is not trusted.
    pub(super) async fn certificate(
        &self,
        target: &Target,
        stream: Box<dyn Stream>,
    ) -> Result<ServerCertificate, TransportError> {
        match self {
            Self::Rustls(rustls) => rustls.certificate(target, stream).await,
            #[cfg(feature = "native-tls")]
            Self::OpenSsl(_) => Err(TransportError::new(
                crate::TransportErrorKind::Unsupported,
                crate::Stage::Tls,
                target.to_string(),
            )
            .with_detail("certificates are read with rustls only")),
        }
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self::Rustls(Rustls::default())
    }
}
