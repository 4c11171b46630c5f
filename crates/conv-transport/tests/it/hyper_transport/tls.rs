//! TLS, with certificates that each test makes.

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

/// A certificate authority, and a server of it that is reached as `localhost`.
pub(super) struct World {
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
    /// Certificate and key.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }
}

impl World {
    pub(super) async fn new() -> Self {
        Self::of("authority").await
    }

    /// With an authority of this name.
    pub(super) async fn of(authority: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Otherwise it has the name of what it signs, which OpenSSL then takes for signed by itself.
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

    /// What a client gets that trusts the authority.
    pub(super) fn trusting(&self) -> TlsConfig {
        let pem = self.authority.pem();
        TlsConfig::new().with_roots(pem.as_bytes()).unwrap()
    }

    /// One request, answered by the server where it gets so far.
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

pub(super) fn assert_refused(error: &TransportError, told: &str) {
    assert_eq!(error.kind(), TransportErrorKind::Tls);
    assert_eq!(error.stage(), Stage::Tls);
    assert_eq!(error.sent(), Sent::No);
    assert!(error.to_string().contains(told), "{error}");
}

#[tokio::test]
async fn a_server_of_an_extra_root_is_trusted() {
    let world = World::new().await;
    let identity = world.identity("localhost");
    for versions in [&[&rustls::version::TLS12], &[&rustls::version::TLS13]] {
        let server = server_of(&identity, versions, None);
        let response = world.exchange(world.trusting(), server).await.unwrap();
        assert_eq!(response.body(), "over TLS");
    }
}

#[tokio::test]
async fn a_server_of_an_unknown_root_is_refused_by_name() {
    let world = World::new().await;
    let identity = world.identity("localhost");
    let other = World::new().await;
    let error = world
        .exchange(other.trusting(), server(&identity))
        .await
        .unwrap_err();
    assert_refused(
        &error,
        "the certificate for localhost, issued by authority, is refused: ",
    );
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused_by_name() {
    let world = World::new().await;
    let identity = world.identity("pool.contoso.com");
    let error = world
        .exchange(world.trusting(), server(&identity))
        .await
        .unwrap_err();
    assert_refused(
        &error,
        "the certificate for pool.contoso.com, issued by authority, is refused: ",
    );
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_it() {
    let world = World::new().await;
    let identity = world.identity("localhost");
    let server = || server_of(&identity, rustls::ALL_VERSIONS, Some(world.roots()));
    let client = world.identity("client.contoso.com");
    let tls = world
        .trusting()
        .with_identity(client.pem.as_bytes())
        .unwrap();
    assert_eq!(
        world.exchange(tls, server()).await.unwrap().body(),
        "over TLS"
    );
    let error = world
        .exchange(world.trusting(), server())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Tls, "{error:?}");
}

#[tokio::test]
async fn a_pin_allows_one_key_at_its_host() {
    let world = World::new().await;
    let identity = world.identity("localhost");
    let right = pin(&identity);
    let wrong = pin(&world.identity("localhost"));

    let tls = world.trusting().with_pin("localhost", &wrong).unwrap();
    let error = world
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
    world.exchange(tls, server(&identity)).await.unwrap();
    let elsewhere = world
        .trusting()
        .with_pin("pool.contoso.com", &wrong)
        .unwrap();
    world.exchange(elsewhere, server(&identity)).await.unwrap();
    // A pin is no trust.
    let untrusted = TlsConfig::new().with_roots(World::new().await.authority.pem().as_bytes());
    let untrusted = untrusted.unwrap().with_pin("localhost", &right).unwrap();
    world
        .exchange(untrusted, server(&identity))
        .await
        .unwrap_err();
}

#[tokio::test]
async fn an_older_version_than_wanted_is_refused() {
    let world = World::new().await;
    let identity = world.identity("localhost");
    let old = server_of(&identity, &[&rustls::version::TLS12], None);
    let tls = world.trusting().with_oldest_version(TlsVersion::Tls13);
    let error = world.exchange(tls, old).await.unwrap_err();
    assert_refused(&error, "protocol versions");
}

#[tokio::test]
async fn a_server_without_a_common_cipher_suite_is_explained() {
    let world = World::new().await;
    let mut config = HyperConfig::default();
    config.tls = world.trusting();
    let transport = HyperTransport::with_config(config);
    let (error, _peer) = join!(get(&transport, world.url(), Lane::Commands), async {
        let mut peer = world.server.accept().await;
        // A fatal alert of TLS 1.2: handshake_failure (40).
        peer.write([21, 3, 3, 0, 2, 2, 40]).await;
        peer
    });
    assert_refused(&error.unwrap_err(), "Windows Server 2012 R2");
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused_at_once() {
    let world = World::new().await;
    let (one, other) = (
        world.identity("a.contoso.com"),
        world.identity("b.contoso.com"),
    );
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
