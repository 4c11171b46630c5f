//! Tests of TLS with OpenSSL, against a server that shares no cipher suite with rustls.

use std::{error::Error as _, pin::Pin};

use bytes::Bytes;
use conv_transport::{
    HyperConfig, HyperTransport, Lane, Sent, Stage, TlsConfig, TransportError, TransportErrorKind,
};
use http::Response;
use openssl::{
    pkey::PKey,
    ssl::{Ssl, SslAcceptor, SslMethod, SslVersion},
    x509::X509,
};
use tokio::join;
use tokio_openssl::SslStream;

use super::{
    get,
    tls::{TestPki, pin},
    tls_refusals::self_signed,
};
use crate::server::Peer;

/// The cipher suites of Windows Server 2012 R2 for this kind of key: CBC suites only.
const OLD_SUITES: &str = "ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA";

async fn exchange(
    pki: &TestPki,
    pem: &str,
    transport: &HyperTransport,
) -> Result<Response<Bytes>, TransportError> {
    let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls_server()).unwrap();
    acceptor
        .set_max_proto_version(Some(SslVersion::TLS1_2))
        .unwrap();
    acceptor.set_cipher_list(OLD_SUITES).unwrap();
    let certificate = X509::from_pem(pem.as_bytes()).unwrap();
    acceptor.set_certificate(&certificate).unwrap();
    let key = PKey::private_key_from_pem(pem.as_bytes()).unwrap();
    acceptor.set_private_key(&key).unwrap();
    let acceptor = acceptor.build();

    let url = format!("https://localhost:{}/", pki.server.address.port());
    let serve = async {
        let tcp = pki.server.accept().await.0;
        let ssl = Ssl::new(acceptor.context()).unwrap();
        let mut stream = SslStream::new(ssl, tcp).unwrap();
        if Pin::new(&mut stream).accept().await.is_ok() {
            let mut peer = Peer(stream);
            if peer.request().await.is_some() {
                peer.respond("over OpenSSL").await;
            }
        }
    };
    join!(get(transport, url, Lane::Commands), serve).0
}

fn native(tls: TlsConfig) -> HyperTransport {
    let mut config = HyperConfig::default();
    config.tls = tls;
    HyperTransport::native_tls(config).unwrap()
}

#[tokio::test]
async fn a_server_with_old_cipher_suites_is_reached() {
    let pki = TestPki::new().await;
    let transport = native(pki.trusting());
    let pem = pki.identity("localhost").pem().to_owned();
    let response = exchange(&pki, &pem, &transport).await.unwrap();
    assert_eq!(response.body(), "over OpenSSL");

    let mut config = HyperConfig::default();
    config.tls = pki.trusting();
    let transport = HyperTransport::with_config(config);
    let error = exchange(&pki, &pem, &transport).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Tls);
    let detail = error.detail().unwrap();
    assert!(
        detail.contains("Windows Server 2012 R2") && detail.contains("OpenSSL"),
        "{detail}"
    );
}

#[tokio::test]
async fn the_error_for_a_wrong_certificate_names_its_subject_and_issuer() {
    let pki = TestPki::new().await;
    for (tls, name, cause) in [
        (TlsConfig::new(), "localhost", "issuer"),
        (pki.trusting(), "pool.contoso.com", "mismatch"),
    ] {
        let pem = pki.identity(name).pem().to_owned();
        let error = exchange(&pki, &pem, &native(tls)).await.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Tls);
        assert_eq!(error.stage(), Stage::Tls);
        assert_eq!(error.sent(), Sent::No);
        let detail = error.detail().unwrap();
        let names = format!("the certificate for {name}, issued by authority, is refused: ");
        assert!(
            detail.contains(&names) && detail.contains(cause),
            "{detail}"
        );
        assert!(error.source().is_none());
    }
}

#[tokio::test]
async fn a_pin_and_a_client_identity_are_used() {
    let pki = TestPki::new().await;
    let pin = format!("sha256//{}=", "A".repeat(43));
    let pinned = pki.trusting().with_pin("localhost", &pin).unwrap();
    let pem = pki.identity("localhost").pem().to_owned();
    let error = exchange(&pki, &pem, &native(pinned)).await.unwrap_err();
    assert!(
        error.detail().unwrap().contains("not the pinned one"),
        "{error}"
    );

    let identity = pki.identity("client");
    let tls = pki
        .trusting()
        .with_identity(identity.pem().as_bytes())
        .unwrap();
    let response = exchange(&pki, &pem, &native(tls)).await.unwrap();
    assert_eq!(response.body(), "over OpenSSL");
}

#[tokio::test]
async fn a_self_signed_certificate_is_accepted_if_it_is_listed_or_pinned() {
    let pki = TestPki::new().await;
    let own = self_signed(|_| {});
    let pem = own.pem().to_owned() + &own.key.serialize_pem();
    for tls in [
        TlsConfig::new().with_roots(own.pem().as_bytes()),
        TlsConfig::new().with_pin("localhost", &pin(&own)),
    ] {
        exchange(&pki, &pem, &native(tls.unwrap())).await.unwrap();
    }
    let other = self_signed(|_| {});
    for tls in [
        Ok(TlsConfig::new()),
        TlsConfig::new().with_roots(other.pem().as_bytes()),
        TlsConfig::new().with_pin("localhost", &pin(&other)),
    ] {
        exchange(&pki, &pem, &native(tls.unwrap()))
            .await
            .unwrap_err();
    }
}
