//! Tests of invalid servers with TLS 1.2 and 1.3: the transport refuses each with a readable message.

use std::{error::Error as _, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use conv_transport::{HyperTransport, Lane, TlsConfig, TlsConfigError};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::{
    ServerConfig, SignatureAlgorithm, SignatureScheme, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::{CertifiedKey, Signer, SigningKey},
};
use tokio::join;

use super::{
    get,
    tls::{Identity, TestPki, assert_refused, pin},
};
use crate::server::Server;

const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

/// A resolver that presents one certificate, even if the key does not belong to it.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// A key that signs with one wrong bit.
#[derive(Debug)]
struct Tampering(Arc<dyn SigningKey>);

#[derive(Debug)]
struct TamperingSigner(Box<dyn Signer>);

impl SigningKey for Tampering {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let signer = self.0.choose_scheme(offered)?;
        Some(Box::new(TamperingSigner(signer)))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.0.algorithm()
    }
}

impl Signer for TamperingSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let mut signature = self.0.sign(message)?;
        *signature.last_mut().unwrap() ^= 1;
        Ok(signature)
    }

    fn scheme(&self) -> SignatureScheme {
        self.0.scheme()
    }
}

fn signing_key(key: &KeyPair) -> Arc<dyn SigningKey> {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    ring::sign::any_supported_type(&key).unwrap()
}

fn server(
    chain: Vec<CertificateDer<'static>>,
    key: Arc<dyn SigningKey>,
    version: &'static SupportedProtocolVersion,
) -> ServerConfig {
    let provider = Arc::new(ring::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Always(Arc::new(CertifiedKey::new(chain, key)))));
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    server
}

fn params(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).unwrap()
}

/// Makes a self-signed certificate for `localhost`, and its key.
pub(super) fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let mut params = params("localhost");
    params.distinguished_name.push(DnType::CommonName, "own");
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Identity {
        chain: certificate.der().clone(),
        pem: certificate.pem(),
        key,
    }
}

#[tokio::test]
async fn each_invalid_certificate_is_refused_with_a_readable_message() {
    let pki = TestPki::new().await;
    let stranger = TestPki::of("stranger").await;
    let namesake = TestPki::new().await.identity("localhost");
    let changed = |change: &dyn Fn(&mut CertificateParams)| {
        let mut params = params("localhost");
        change(&mut params);
        pki.issue(params)
    };
    let good = pki.identity("localhost");
    let past = changed(&|it| {
        it.not_before = date_time_ymd(2019, 1, 1);
        it.not_after = date_time_ymd(2020, 1, 1);
    });
    let future = changed(&|it| it.not_before = date_time_ymd(2990, 1, 1));
    let client = changed(&|it| it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    let authority = changed(&|it| it.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let elsewhere = pki.identity("pool.contoso.com");
    let unknown = stranger.identity("localhost");
    let own = self_signed(|_| {});
    let key = |identity: &Identity| signing_key(&identity.key);
    let rows = [
        (
            "expired",
            &past,
            key(&past),
            "the certificate for localhost, issued by authority, is refused: it, or one of its issuers, expired ",
            " days ago; renew it, or correct the clock of this machine",
        ),
        (
            "not valid yet",
            &future,
            key(&future),
            "is not valid before ",
            " days from now; is the clock of this machine right?",
        ),
        (
            "wrong name",
            &elsewhere,
            key(&elsewhere),
            "the certificate for pool.contoso.com, issued by authority, is refused: it is not for localhost;",
            "",
        ),
        (
            "untrusted chain",
            &unknown,
            key(&unknown),
            "the certificate for localhost, issued by stranger, is refused: no trusted root certificate leads to it; add the root of its authority (TlsConfig::with_roots, the system's certificate store, or on Linux the file in SSL_CERT_FILE)",
            "",
        ),
        (
            "self-signed",
            &own,
            key(&own),
            "the certificate for localhost, issued by own, is refused: it is signed by itself, and not listed as trusted; list it (TlsConfig::with_roots",
            "",
        ),
        (
            "for clients",
            &client,
            key(&client),
            "it cannot be verified (certificate had invalid extensions); is it meant for servers?",
            "",
        ),
        (
            "an authority's",
            &authority,
            key(&authority),
            "it is an authority's own certificate",
            "",
        ),
        (
            "an authority of the same name",
            &namesake,
            key(&namesake),
            "its signature, or that of one of its issuers, is wrong; is another root of the same name listed?",
            "",
        ),
        (
            "wrong key",
            &good,
            key(&elsewhere),
            "the server cannot prove that the private key of its certificate is its own",
            "",
        ),
        (
            "tampered signature",
            &good,
            Arc::new(Tampering(key(&good))),
            "the server cannot prove that the private key of its certificate is its own",
            "",
        ),
    ];
    for version in VERSIONS {
        let fine = server(vec![good.chain.clone()], key(&good), version);
        pki.exchange(pki.trusting(), fine).await.unwrap();
        for (case, identity, key, expected, ending) in &rows {
            let server = server(vec![identity.chain.clone()], Arc::clone(key), version);
            let error = pki.exchange(pki.trusting(), server).await.unwrap_err();
            assert_refused(&error, expected);
            let shown = error.to_string();
            assert!(shown.ends_with(ending), "{case}: {shown}");
            // The message contains the cause once, and no debug output of Rust.
            assert!(error.source().is_none(), "{case}");
            for word in [
                "Other",
                "UnknownIssuer",
                "BadSignature",
                "{",
                "\"",
                "invalid peer",
            ] {
                assert!(!shown.contains(word), "{case}: {shown}");
            }
        }
    }
}

/// A server, or a gateway before it, that holds a certificate of the chain to be revoked ends the handshake with an alert.
#[tokio::test]
async fn a_server_that_reports_a_revoked_certificate_is_refused_with_a_readable_message() {
    let server = Server::bind().await;
    let transport = HyperTransport::new();
    let url = server.url("/").replace("http://", "https://");
    let (error, ()) = join!(get(&transport, url, Lane::Commands), async {
        let mut peer = server.accept().await;
        // A fatal alert: certificate_revoked.
        peer.write("\x15\x03\x03\x00\x02\x02\x2c").await;
    });
    let error = error.unwrap_err();
    assert_refused(&error, "the server refuses the client certificate");
    assert!(error.to_string().contains("CertificateRevoked"), "{error}");
    assert!(error.source().is_none());
}

#[tokio::test]
async fn a_self_signed_certificate_is_accepted_if_it_is_listed_or_pinned() {
    let pki = TestPki::new().await;
    let is_ca = |it: &mut CertificateParams| it.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let serve = |identity: &Identity| {
        server(
            vec![identity.chain.clone()],
            signing_key(&identity.key),
            VERSIONS[1],
        )
    };
    let listed = |identity: &Identity| {
        TlsConfig::new()
            .with_roots(identity.pem.as_bytes())
            .unwrap()
    };
    let pinned = |identity: &Identity| {
        TlsConfig::new()
            .with_pin("localhost", &pin(identity))
            .unwrap()
    };
    for identity in [self_signed(|_| {}), self_signed(is_ca)] {
        for tls in [
            listed(&identity),
            pinned(&identity)
                .with_roots(pki.authority.pem().as_bytes())
                .unwrap(),
        ] {
            pki.exchange(tls, serve(&identity)).await.unwrap();
        }
        // Another self-signed certificate of the same name is refused.
        let other = self_signed(|_| {});
        for tls in [listed(&identity), pinned(&identity)] {
            pki.exchange(tls, serve(&other)).await.unwrap_err();
        }
    }
    // The name and the validity are still checked, and the server must have the private key.
    let expired = |it: &mut CertificateParams| it.not_after = date_time_ymd(2020, 1, 1);
    let misnamed = |it: &mut CertificateParams| {
        it.subject_alt_names = CertificateParams::new(["pool.contoso.com".to_owned()])
            .unwrap()
            .subject_alt_names;
    };
    for identity in [
        self_signed(expired),
        self_signed(misnamed),
        self_signed(|it| {
            is_ca(it);
            expired(it);
        }),
        self_signed(|it| {
            is_ca(it);
            misnamed(it);
        }),
    ] {
        for tls in [listed(&identity), pinned(&identity)] {
            pki.exchange(tls, serve(&identity)).await.unwrap_err();
        }
    }
    for identity in [self_signed(|_| {}), self_signed(is_ca)] {
        let stolen = server(
            vec![identity.chain.clone()],
            signing_key(&KeyPair::generate().unwrap()),
            VERSIONS[1],
        );
        pki.exchange(listed(&identity), stolen).await.unwrap_err();
    }
    // A pin does not make an intermediate authority's certificate a root.
    let mut between = params("localhost");
    is_ca(&mut between);
    let between = pki.issue(between);
    pki.exchange(pinned(&between), serve(&between))
        .await
        .unwrap_err();
}

#[tokio::test]
async fn roots_are_read_from_all_common_file_formats() {
    let pki = TestPki::new().await;
    let pem = pki.authority.pem();
    let utf16 = |mark: [u8; 2], unit: fn(u16) -> [u8; 2]| {
        let units = pem.encode_utf16().flat_map(unit);
        mark.into_iter().chain(units).collect::<Vec<u8>>()
    };
    let trusted = {
        // OpenSSL writes the purposes after the certificate.
        let mut der = pki.authority.der().to_vec();
        der.extend_from_slice(b"\x30\x0c\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01");
        let text = BASE64_STANDARD.encode(der);
        let lines: Vec<_> = text
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        format!(
            "-----BEGIN TRUSTED CERTIFICATE-----\n{}\n-----END TRUSTED CERTIFICATE-----\n",
            lines.join("\n")
        )
    };
    let good = pki.identity("localhost");
    for file in [
        format!("\u{feff}{pem}").into_bytes(),
        utf16([0xff, 0xfe], u16::to_le_bytes),
        utf16([0xfe, 0xff], u16::to_be_bytes),
        pem.replace("CERTIFICATE", "X509 CERTIFICATE").into_bytes(),
        format!("Subject: CN=authority\r\n{}", pem.replace('\n', "\r\n")).into_bytes(),
        trusted.into_bytes(),
    ] {
        let tls = TlsConfig::new().with_roots(&file).unwrap();
        let server = server(
            vec![good.chain.clone()],
            signing_key(&good.key),
            VERSIONS[1],
        );
        pki.exchange(tls, server).await.unwrap();
    }
    let pkcs7 = pem.replace("CERTIFICATE", "PKCS7");
    let error = TlsConfig::new().with_roots(pkcs7.as_bytes()).unwrap_err();
    assert!(matches!(error, TlsConfigError::Pkcs7));
    assert!(
        error.to_string().contains("openssl pkcs7 -print_certs"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_without_tls_is_reported() {
    let pki = TestPki::new().await;
    let mut config = conv_transport::HyperConfig::default();
    config.tls = pki.trusting();
    let transport = HyperTransport::with_config(config);
    let url = format!("https://localhost:{}/", pki.server.address.port());
    let (error, _peer) = join!(get(&transport, url, Lane::Commands), async {
        let mut peer = pki.server.accept().await;
        peer.write("HTTP/1.1 400 Bad Request\r\n\r\n").await;
        peer
    });
    let error = error.unwrap_err();
    assert_refused(
        &error,
        "the server does not answer in TLS; is the port right?",
    );
    assert!(error.source().is_none());
}

/// The test starts itself in another process with the variable set. That process takes the second branch.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_roots_in_ssl_cert_file_are_trusted() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("ssl-cert-file.pem");
    if std::env::var_os("SSL_CERT_FILE").as_deref() != Some(file.as_os_str()) {
        let name = "hyper_transport::tls_refusals::the_roots_in_ssl_cert_file_are_trusted";
        let mut test = std::process::Command::new(std::env::current_exe().unwrap());
        let output = test
            .args(["--exact", name])
            .env("SSL_CERT_FILE", &file)
            .output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        return;
    }
    let pki = TestPki::new().await;
    std::fs::write(&file, pki.authority.pem()).unwrap();
    let good = pki.identity("localhost");
    let serve = || {
        server(
            vec![good.chain.clone()],
            signing_key(&good.key),
            VERSIONS[1],
        )
    };
    pki.exchange(TlsConfig::new(), serve()).await.unwrap();

    std::fs::write(&file, TestPki::of("stranger").await.authority.pem()).unwrap();
    let refused = pki.exchange(TlsConfig::new(), serve()).await.unwrap_err();
    assert_refused(&refused, "or on Linux the file in SSL_CERT_FILE");
}
