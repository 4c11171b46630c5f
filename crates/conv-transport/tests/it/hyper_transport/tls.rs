//! Tests of TLS, with certificates that each test generates.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use conv_transport::{
    HyperConfig, HyperTransport, Lane, Sent, Stage, TlsConfig, TlsConfigError, TlsVersion,
    TransportError, TransportErrorKind,
};
use http::Response;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PublicKeyData,
};
use rustls::{RootCertStore, ServerConfig, crypto::ring, server::WebPkiClientVerifier};
use tokio::join;
use tokio_rustls::TlsAcceptor;

use super::get;
use crate::server::{Peer, Server};

/// A certificate authority, and a server at `localhost` for the certificates of the authority.
pub(super) struct TestPki {
    pub(super) authority: CertifiedIssuer<'static, KeyPair>,
    pub(super) server: Server,
}

pub(super) struct Identity {
    pub(super) chain: rustls::pki_types::CertificateDer<'static>,
    pub(super) key: KeyPair,
    pub(super) pem: String,
}

#[cfg(any(feature = "native-tls", feature = "windows-auth"))]
impl Identity {
    /// Returns the certificate and the key.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }
}

impl TestPki {
    pub(super) async fn new() -> Self {
        Self::of("authority").await
    }

    /// Creates an authority with this name.
    pub(super) async fn of(authority: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Without a name of its own, the authority has the default name of the certificates that it signs. OpenSSL would take those
        // for self-signed.
        params
            .distinguished_name
            .push(DnType::CommonName, authority);
        let key = KeyPair::generate().unwrap();
        Self {
            authority: CertifiedIssuer::self_signed(params, key).unwrap(),
            server: Server::bind().await,
        }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}/", self.server.address.port())
    }

    pub(super) fn identity(&self, name: &str) -> Identity {
        self.issue(CertificateParams::new([name.to_owned()]).unwrap())
    }

    pub(super) fn issue(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        Identity {
            chain: certificate.der().clone(),
            pem: certificate.pem() + &key.serialize_pem(),
            key,
        }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).unwrap();
        roots
    }

    /// Returns the configuration of a client that trusts the authority.
    pub(super) fn trusting(&self) -> TlsConfig {
        let pem = self.authority.pem();
        TlsConfig::new().with_roots(pem.as_bytes()).unwrap()
    }

    /// Sends one request. The server responds if the handshake succeeds.
    pub(super) async fn exchange(
        &self,
        tls: TlsConfig,
        server: ServerConfig,
    ) -> Result<Response<bytes::Bytes>, TransportError> {
        let mut config = HyperConfig::default();
        config.tls = tls;
        let transport = HyperTransport::with_config(config);
        let serve = async {
            let tcp = self.server.accept().await.0;
            let stream = TlsAcceptor::from(Arc::new(server)).accept(tcp).await;
            if let Ok(stream) = stream {
                assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
                let mut peer = Peer(stream);
                if peer.request().await.is_some() {
                    peer.respond("over TLS").await;
                }
            }
        };
        join!(get(&transport, self.url(), Lane::Commands), serve).0
    }
}

pub(super) fn server(identity: &Identity) -> ServerConfig {
    server_of(identity, rustls::ALL_VERSIONS, None)
}

fn server_of(
    identity: &Identity,
    versions: &[&'static rustls::SupportedProtocolVersion],
    clients: Option<RootCertStore>,
) -> ServerConfig {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap();
    let builder = match clients {
        Some(roots) => builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .unwrap(),
        ),
        None => builder.with_no_client_auth(),
    };
    let key = identity.key.serialize_der().try_into().unwrap();
    let mut server = builder
        .with_single_cert(vec![identity.chain.clone()], key)
        .unwrap();
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    server
}

pub(super) fn pin(identity: &Identity) -> String {
    let key = identity.key.subject_public_key_info();
    let digest = ::ring::digest::digest(&::ring::digest::SHA256, &key);
    BASE64_STANDARD.encode(digest)
}

pub(super) fn assert_refused(error: &TransportError, expected: &str) {
    assert_eq!(error.kind(), TransportErrorKind::Tls);
    assert_eq!(error.stage(), Stage::Tls);
    assert_eq!(error.sent(), Sent::No);
    assert!(error.to_string().contains(expected), "{error}");
}

#[tokio::test]
async fn a_server_with_an_extra_root_is_trusted() {
    let pki = TestPki::new().await;
    let identity = pki.identity("localhost");
    for versions in [&[&rustls::version::TLS12], &[&rustls::version::TLS13]] {
        let server = server_of(&identity, versions, None);
        let response = pki.exchange(pki.trusting(), server).await.unwrap();
        assert_eq!(response.body(), "over TLS");
    }
}

#[tokio::test]
async fn the_error_for_an_unknown_root_names_the_certificate() {
    let pki = TestPki::new().await;
    let identity = pki.identity("localhost");
    let other = TestPki::new().await;
    let error = pki
        .exchange(other.trusting(), server(&identity))
        .await
        .unwrap_err();
    assert_refused(
        &error,
        "the certificate for localhost, issued by authority, is refused: ",
    );
}

#[tokio::test]
async fn the_error_for_another_host_names_the_certificate() {
    let pki = TestPki::new().await;
    let identity = pki.identity("pool.contoso.com");
    let error = pki
        .exchange(pki.trusting(), server(&identity))
        .await
        .unwrap_err();
    assert_refused(
        &error,
        "the certificate for pool.contoso.com, issued by authority, is refused: ",
    );
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_it() {
    let pki = TestPki::new().await;
    let identity = pki.identity("localhost");
    let server = || server_of(&identity, rustls::ALL_VERSIONS, Some(pki.roots()));
    let client = pki.identity("client.contoso.com");
    let tls = pki.trusting().with_identity(client.pem.as_bytes()).unwrap();
    assert_eq!(
        pki.exchange(tls, server()).await.unwrap().body(),
        "over TLS"
    );
    let error = pki.exchange(pki.trusting(), server()).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Tls, "{error:?}");
}

#[tokio::test]
async fn a_pin_allows_one_key_at_its_host() {
    let pki = TestPki::new().await;
    let identity = pki.identity("localhost");
    let right = pin(&identity);
    let wrong = pin(&pki.identity("localhost"));

    let tls = pki.trusting().with_pin("localhost", &wrong).unwrap();
    let error = pki
        .exchange(tls.clone(), server(&identity))
        .await
        .unwrap_err();
    assert_refused(
        &error,
        "the certificate for localhost, issued by authority, is refused: its key is not the pinned one",
    );

    let tls = tls
        .with_pin("LOCALHOST", &format!("sha256//{right}"))
        .unwrap();
    pki.exchange(tls, server(&identity)).await.unwrap();
    let elsewhere = pki.trusting().with_pin("pool.contoso.com", &wrong).unwrap();
    pki.exchange(elsewhere, server(&identity)).await.unwrap();
    // A pin alone does not make a certificate trusted.
    let untrusted = TlsConfig::new().with_roots(TestPki::new().await.authority.pem().as_bytes());
    let untrusted = untrusted.unwrap().with_pin("localhost", &right).unwrap();
    pki.exchange(untrusted, server(&identity))
        .await
        .unwrap_err();
}

#[tokio::test]
async fn an_older_version_than_wanted_is_refused() {
    let pki = TestPki::new().await;
    let identity = pki.identity("localhost");
    let old = server_of(&identity, &[&rustls::version::TLS12], None);
    let tls = pki.trusting().with_oldest_version(TlsVersion::Tls13);
    let error = pki.exchange(tls, old).await.unwrap_err();
    assert_refused(&error, "protocol versions");
}

#[tokio::test]
async fn a_server_without_a_common_cipher_suite_is_explained() {
    let pki = TestPki::new().await;
    let mut config = HyperConfig::default();
    config.tls = pki.trusting();
    let transport = HyperTransport::with_config(config);
    let (error, _peer) = join!(get(&transport, pki.url(), Lane::Commands), async {
        let mut peer = pki.server.accept().await;
        // The server sends a fatal alert of TLS 1.2: handshake_failure (40).
        peer.write([21, 3, 3, 0, 2, 2, 40]).await;
        peer
    });
    assert_refused(&error.unwrap_err(), "Windows Server 2012 R2");
}

#[tokio::test]
async fn an_invalid_configuration_is_refused_before_any_request() {
    let pki = TestPki::new().await;
    let (one, other) = (pki.identity("a.contoso.com"), pki.identity("b.contoso.com"));
    let certificate = one.pem.split("-----BEGIN PRIVATE").next().unwrap();
    let mixed = certificate.to_owned() + &other.key.serialize_pem();

    let error = TlsConfig::new().with_roots(b"no certificate").unwrap_err();
    assert!(matches!(error, TlsConfigError::NoCertificate));
    let error = TlsConfig::new()
        .with_identity(certificate.as_bytes())
        .unwrap_err();
    assert!(matches!(error, TlsConfigError::Pem(_)));
    let error = TlsConfig::new()
        .with_identity(mixed.as_bytes())
        .unwrap_err();
    assert!(matches!(error, TlsConfigError::Unusable(_)));
    for pin in ["", "AAAA", "not base64"] {
        let error = TlsConfig::new().with_pin("localhost", pin).unwrap_err();
        assert!(matches!(error, TlsConfigError::Pin));
    }
    let shown = format!(
        "{:?}",
        TlsConfig::new().with_identity(one.pem.as_bytes()).unwrap()
    );
    assert!(!shown.contains("key"), "{shown}");
}
