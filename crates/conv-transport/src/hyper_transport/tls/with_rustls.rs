//! TLS by rustls, with the roots of the platform.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};

use ring::digest;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
    client::{
        Resumption, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
    sign::SingleCertAndKey,
    version::{TLS12, TLS13},
};
use rustls_platform_verifier::Verifier;
use tokio::{io, sync::OnceCell};
use tokio_rustls::{TlsConnector, client::TlsStream};
use webpki::EndEntityCert;

use super::super::{
    certificate::ServerCertificate,
    connection::Stream,
    target::Target,
    tls_config::{Pin, TlsConfig, TlsVersion},
};
use super::words::{Refused, explain};
use crate::{Stage, TransportError, TransportErrorKind};

/// The TLS configuration of a transport with rustls.
#[derive(Debug, Default)]
pub(in super::super) struct Rustls {
    config: TlsConfig,
    /// Created at the first use, so that a machine without root certificates can still connect to a server on loopback.
    client: OnceCell<Client>,
}

/// The configuration of rustls, and its verifier.
#[derive(Debug)]
struct Client {
    config: Arc<ClientConfig>,
    verifier: Arc<NamingVerifier>,
}

impl Rustls {
    pub(in super::super) fn new(config: TlsConfig) -> Self {
        Self {
            config,
            client: OnceCell::new(),
        }
    }

    pub(super) async fn connect(
        &self,
        target: &Target,
        stream: Box<dyn Stream>,
    ) -> Result<TlsStream<Box<dyn Stream>>, TransportError> {
        let client = self.client(target).await?;
        handshake(Arc::clone(&client.config), target, stream).await
    }

    /// Reads the certificate of the server, also if it is not trusted.
    pub(super) async fn certificate(
        &self,
        target: &Target,
        stream: Box<dyn Stream>,
    ) -> Result<ServerCertificate, TransportError> {
        let client = self.client(target).await?;
        let reader = Arc::new(CertificateReader {
            verifier: Arc::clone(&client.verifier),
            read: Mutex::new(None),
        });
        let mut config = ClientConfig::clone(&client.config);
        let verifier: Arc<dyn ServerCertVerifier> = Arc::clone(&reader) as _;
        config.dangerous().set_certificate_verifier(verifier);
        // A resumed session has no certificate.
        config.resumption = Resumption::disabled();
        let shaken = handshake(Arc::new(config), target, stream).await;
        let read = reader
            .read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match (shaken, read) {
            (_, Some(certificate)) if certificate.refusal.is_some() => Ok(certificate),
            (Ok(_), Some(certificate)) => Ok(certificate),
            (Ok(_), None) => Err(failed(target).with_detail("the server sent no certificate")),
            (Err(error), _) => Err(error),
        }
    }

    /// The configuration, with the roots of the platform.
    async fn client(&self, target: &Target) -> Result<&Client, TransportError> {
        self.client
            .get_or_try_init(|| load(self.config.clone()))
            .await
            .map_err(|source| unsecured(target, source))
    }
}

fn failed(target: &Target) -> TransportError {
    TransportError::new(TransportErrorKind::Tls, Stage::Tls, target.to_string())
}

/// The error of a handshake. Its detail contains everything that rustls's error says.
fn unsecured(target: &Target, source: io::Error) -> TransportError {
    match explain(&source) {
        Some(words) => failed(target).with_detail(words),
        None => failed(target).with_source(source),
    }
}

/// Performs the handshake with the server.
async fn handshake(
    config: Arc<ClientConfig>,
    target: &Target,
    stream: Box<dyn Stream>,
) -> Result<TlsStream<Box<dyn Stream>>, TransportError> {
    let name = ServerName::try_from(target.host.clone())
        .map_err(|source| failed(target).with_source(source))?;
    TlsConnector::from(config)
        .connect(name, stream)
        .await
        .map_err(|source| unsecured(target, source))
}

/// Reads the roots of the platform from files, so it runs on its own thread.
async fn load(config: TlsConfig) -> io::Result<Client> {
    let load = move || client(config).map_err(io::Error::other);
    tokio::task::spawn_blocking(load)
        .await
        .map_err(io::Error::other)?
}

fn client(config: TlsConfig) -> Result<Client, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let listed = config.extra_roots;
    let trust = Verifier::new_with_extra_roots(listed.clone(), Arc::clone(&provider))?;
    let versions: &[_] = match config.oldest {
        TlsVersion::Tls12 => &[&TLS12, &TLS13],
        TlsVersion::Tls13 => &[&TLS13],
    };
    let verifier = Arc::new(NamingVerifier {
        trust,
        provider: Arc::clone(&provider),
        listed,
        pins: config.pins,
    });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&verifier) as _);
    let mut client = match config.identity {
        Some(identity) => {
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified)))
        }
        None => builder.with_no_client_auth(),
    };
    client.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Client {
        config: Arc::new(client),
        verifier,
    })
}

/// Accepts the certificates that the platform trusts and those that the configuration allows, and describes refused ones.
#[derive(Debug)]
struct NamingVerifier {
    trust: Verifier,
    provider: Arc<CryptoProvider>,
    listed: Vec<CertificateDer<'static>>,
    pins: BTreeMap<String, Vec<Pin>>,
}

impl NamingVerifier {
    /// Whether the key of the certificate is pinned for this server. `None` if the server has no pins.
    fn is_pinned(&self, certificate: &CertificateDer<'_>, server: &ServerName<'_>) -> Option<bool> {
        let pins = self.pins.get(&server.to_str().to_ascii_lowercase())?;
        let Ok(certificate) = ParsedCertificate::try_from(certificate) else {
            return Some(false);
        };
        let key = certificate.subject_public_key_info();
        let pin = digest::digest(&digest::SHA256, &key);
        Some(pins.iter().any(|allowed| allowed == pin.as_ref()))
    }

    /// Whether the certificate is self-signed, is listed or pinned, and is valid for this server at this time.
    fn is_own_root(
        &self,
        certificate: &CertificateDer<'_>,
        server: &ServerName<'_>,
        now: UnixTime,
    ) -> bool {
        let named =
            self.listed.contains(certificate) || self.is_pinned(certificate, server) == Some(true);
        let mut root = RootCertStore::empty();
        if !named || root.add(certificate.clone().into_owned()).is_err() {
            return false;
        }
        let provider = Arc::clone(&self.provider);
        let Ok(verifier) =
            WebPkiServerVerifier::builder_with_provider(Arc::new(root), provider).build()
        else {
            return false;
        };
        match verifier.verify_server_cert(certificate, &[], server, &[], now) {
            Ok(_) => true,
            // Many tools mark a self-signed certificate as one of an authority. webpki reports this after it has checked the
            // period of validity, and before it checks the name.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(cause)))) => {
                matches!(cause.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
                    && EndEntityCert::try_from(certificate).is_ok_and(|it| {
                        it.issuer() == it.subject()
                            && it.verify_is_valid_for_subject_name(server).is_ok()
                    })
            }
            Err(_) => false,
        }
    }
}

impl ServerCertVerifier for NamingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let refused = |refused: Refused| {
            let refused: Arc<dyn Error + Send + Sync> = Arc::new(refused);
            rustls::Error::from(CertificateError::Other(OtherError(refused)))
        };
        let verified = self.trust.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            Ok(_) if self.is_pinned(end_entity, server_name) == Some(false) => {
                Err(refused(Refused::pinned_otherwise(end_entity)))
            }
            Ok(verified) => Ok(verified),
            Err(_) if self.is_own_root(end_entity, server_name, now) => {
                Ok(ServerCertVerified::assertion())
            }
            Err(cause) => Err(refused(Refused::of(end_entity, &cause))),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.supported_verify_schemes()
    }
}

/// Keeps the certificate of a server, with the verdict of the verifier.
#[derive(Debug)]
struct CertificateReader {
    verifier: Arc<NamingVerifier>,
    read: Mutex<Option<ServerCertificate>>,
}

impl ServerCertVerifier for CertificateReader {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.verifier.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        let refusal = verified.as_ref().err().map(|error| match error {
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(refused))) => {
                refused.to_string()
            }
            error => error.to_string(),
        });
        let certificate = ServerCertificate::of(end_entity, refusal);
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(certificate);
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
