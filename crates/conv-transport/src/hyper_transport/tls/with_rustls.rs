//! TLS by rustls, with the roots of the platform.

use std::{collections::BTreeMap, error::Error, fmt, sync::Arc};

use ring::digest;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, OtherError,
    SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
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
    connection::Stream,
    target::Target,
    tls_config::{Pin, TlsConfig, TlsVersion},
};
use crate::{Stage, TransportError, TransportErrorKind};

/// The TLS of a transport, by rustls.
#[derive(Debug, Default)]
pub(in super::super) struct Rustls {
    config: TlsConfig,
    /// Made at the first use: a machine without any root certificate can still talk to a server on loopback.
    client: OnceCell<Arc<ClientConfig>>,
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
        let failed =
            || TransportError::new(TransportErrorKind::Tls, Stage::Tls, target.to_string());
        let name = ServerName::try_from(target.host.clone())
            .map_err(|source| failed().with_source(source))?;
        let client = self
            .client
            .get_or_try_init(|| load(self.config.clone()))
            .await
            .map_err(|source| failed().with_source(source))?;
        TlsConnector::from(Arc::clone(client))
            .connect(name, stream)
            .await
            .map_err(|source| match explain(&source) {
                Some(detail) => failed().with_detail(detail).with_source(source),
                None => failed().with_source(source),
            })
    }
}

/// What an operator has to know of the failure and would not guess from rustls's words.
fn explain(error: &io::Error) -> Option<String> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(refused))) => refused
            .downcast_ref::<Refused>()
            .map(|refused| refused.to_string()),
        rustls::Error::AlertReceived(
            AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion,
        ) => Some(
            "the server takes none of the protocol versions and cipher suites that rustls has; \
             Windows Server 2012 R2 and older have none of them, and OpenSSL (native TLS) has them"
                .to_owned(),
        ),
        _ => None,
    }
}

/// Reading the roots of the platform touches files, so it has a thread of its own.
async fn load(config: TlsConfig) -> io::Result<Arc<ClientConfig>> {
    let load = move || client(config).map_err(io::Error::other);
    tokio::task::spawn_blocking(load)
        .await
        .map_err(io::Error::other)?
}

fn client(config: TlsConfig) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let trust = Verifier::new_with_extra_roots(config.extra_roots, Arc::clone(&provider))?;
    let versions: &[_] = match config.oldest {
        TlsVersion::Tls12 => &[&TLS12, &TLS13],
        TlsVersion::Tls13 => &[&TLS13],
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(NamingVerifier {
            trust,
            pins: config.pins,
        }));
    let mut client = match config.identity {
        Some(identity) => {
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified)))
        }
        None => builder.with_no_client_auth(),
    };
    client.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(client))
}

/// Trusts what the platform trusts and what the pins allow, and says of a certificate that it refuses whose it is.
#[derive(Debug)]
struct NamingVerifier {
    trust: Verifier,
    pins: BTreeMap<String, Vec<Pin>>,
}

impl NamingVerifier {
    fn is_pinned_otherwise(
        &self,
        certificate: &CertificateDer<'_>,
        server: &ServerName<'_>,
    ) -> bool {
        let host = server.to_str().to_ascii_lowercase();
        let Some(pins) = self.pins.get(&host) else {
            return false;
        };
        let Ok(certificate) = ParsedCertificate::try_from(certificate) else {
            return true;
        };
        let key = certificate.subject_public_key_info();
        let pin = digest::digest(&digest::SHA256, &key);
        !pins.iter().any(|allowed| allowed == pin.as_ref())
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
        let verified = self
            .trust
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .map_err(|cause| Refused::of(end_entity, Some(cause)))?;
        if self.is_pinned_otherwise(end_entity, server_name) {
            return Err(Refused::of(end_entity, None));
        }
        Ok(verified)
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

/// The certificate of a server that is not accepted.
#[derive(Debug)]
struct Refused {
    names: Vec<String>,
    /// `None` where it is trusted, but not the one that is pinned.
    cause: Option<rustls::Error>,
}

impl Refused {
    fn of(certificate: &CertificateDer<'_>, cause: Option<rustls::Error>) -> rustls::Error {
        let names = EndEntityCert::try_from(certificate)
            .map(|certificate| certificate.valid_dns_names().map(str::to_owned).collect())
            .unwrap_or_default();
        let refused: Arc<dyn Error + Send + Sync> = Arc::new(Self { names, cause });
        CertificateError::Other(OtherError(refused)).into()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.names[..] {
            [] => f.write_str("the certificate, which has no DNS name, is refused: ")?,
            names => write!(f, "the certificate for {} is refused: ", names.join(", "))?,
        }
        match &self.cause {
            Some(cause) => cause.fmt(f),
            None => f.write_str("its key is not the pinned one"),
        }
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}
