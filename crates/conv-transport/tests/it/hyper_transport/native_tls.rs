//! TLS by OpenSSL, against a server that has no cipher suite of rustls's.

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
    tls::{World, pin},
    tls_refusals::self_signed,
};
use crate::server::Peer;

/// What Windows Server 2012 R2 has, of what goes with a key of this kind: CBC suites only.
const OLD_SUITES: &str = "ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA";

async fn exchange(
    world: &World,
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

    let url = format!("https://localhost:{}/", world.server.address.port());
    let serve = async {
        let tcp = world.server.accept().await.0;
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
    let world = World::new().await;
    let transport = native(world.trusting());
    let pem = world.identity("localhost").pem().to_owned();
    let response = exchange(&world, &pem, &transport).await.unwrap();
    assert_eq!(response.body(), "over OpenSSL");

    let mut config = HyperConfig::default();
    config.tls = world.trusting();
    let transport = HyperTransport::with_config(config);
    let error = exchange(&world, &pem, &transport).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Tls);
    let detail = error.detail().unwrap();
    assert!(
        detail.contains("Windows Server 2012 R2") && detail.contains("OpenSSL"),
        "{detail}"
    );
}

#[tokio::test]
async fn a_wrong_certificate_is_refused_by_its_names() {
    let world = World::new().await;
    for (tls, name, cause) in [
        (TlsConfig::new(), "localhost", "issuer"),
        (world.trusting(), "pool.contoso.com", "mismatch"),
    ] {
        let pem = world.identity(name).pem().to_owned();
        let error = exchange(&world, &pem, &native(tls)).await.unwrap_err();
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
async fn a_pin_and_an_identity_are_taken() {
    let world = World::new().await;
    let pin = format!("sha256//{}=", "A".repeat(43));
    let pinned = world.trusting().with_pin("localhost", &pin).unwrap();
    let pem = world.identity("localhost").pem().to_owned();
    let error = exchange(&world, &pem, &native(pinned)).await.unwrap_err();
    assert!(
        error.detail().unwrap().contains("not the pinned one"),
        "{error}"
    );

    let identity = world.identity("client");
    let tls = world
        .trusting()
        .with_identity(identity.pem().as_bytes())
        .unwrap();
    let response = exchange(&world, &pem, &native(tls)).await.unwrap();
    assert_eq!(response.body(), "over OpenSSL");
}

#[tokio::test]
async fn a_certificate_signed_by_itself_is_accepted_if_it_is_listed_or_pinned() {
    let world = World::new().await;
    let own = self_signed(|_| {});
    let pem = own.pem().to_owned() + &own.key.serialize_pem();
    for tls in [
        TlsConfig::new().with_roots(own.pem().as_bytes()),
        TlsConfig::new().with_pin("localhost", &pin(&own)),
    ] {
        exchange(&world, &pem, &native(tls.unwrap())).await.unwrap();
    }
    let other = self_signed(|_| {});
    for tls in [
        Ok(TlsConfig::new()),
        TlsConfig::new().with_roots(other.pem().as_bytes()),
        TlsConfig::new().with_pin("localhost", &pin(&other)),
    ] {
        exchange(&world, &pem, &native(tls.unwrap()))
            .await
            .unwrap_err();
    }
}
