//! Tests of reading the certificate of a server.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use conv_transport::{
    HyperConfig, HyperTransport, ServerCertificate, TlsConfig, TransportError, TransportErrorKind,
};
use rcgen::{CertificateParams, DnType, date_time_ymd};
use tokio::join;
use tokio_rustls::TlsAcceptor;

use super::tls::{Identity, TestPki, server};

/// Reads the certificate of a server on loopback that has this one.
async fn read(
    pki: &TestPki,
    identity: &Identity,
    tls: TlsConfig,
) -> Result<ServerCertificate, TransportError> {
    let mut config = HyperConfig::default();
    config.tls = tls;
    let transport = HyperTransport::with_config(config);
    let url = format!("https://localhost:{}/", pki.server.address.port());
    let config = Arc::new(server(identity));
    let serve = async {
        // The client may end the handshake.
        let _ = TlsAcceptor::from(config)
            .accept(pki.server.accept().await.0)
            .await;
    };
    let uri = url.parse().unwrap();
    join!(transport.server_certificate(&uri), serve).0
}

/// A certificate for `localhost` that is called `pool`, until the year.
fn params(last_year: i32) -> CertificateParams {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "pool");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(last_year, 1, 1);
    params
}

#[tokio::test]
async fn a_trusted_certificate_is_read_with_its_facts() {
    let pki = TestPki::new().await;
    let read = read(&pki, &pki.issue(params(2100)), pki.trusting())
        .await
        .unwrap();
    assert_eq!(read.subject.as_deref(), Some("pool"));
    assert_eq!(read.issuer.as_deref(), Some("authority"));
    assert_eq!(read.dns_names, ["localhost"]);
    let begin = SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_836_800);
    assert_eq!(read.not_before, Some(begin));
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800);
    assert_eq!(read.not_after, Some(end));
    assert_eq!(read.refusal, None);
}

#[tokio::test]
async fn a_refused_certificate_is_read_with_the_reason() {
    let pki = TestPki::new().await;
    for (last_year, tls, reason) in [
        (2100, TlsConfig::new(), "no trusted root certificate"),
        (2021, pki.trusting(), "expired"),
    ] {
        let read = read(&pki, &pki.issue(params(last_year)), tls)
            .await
            .unwrap();
        assert_eq!(read.issuer.as_deref(), Some("authority"));
        let refusal = read.refusal.unwrap();
        assert!(refusal.contains(reason), "{refusal}");
    }
}

#[tokio::test]
async fn a_server_without_a_certificate_is_an_error() {
    let pki = TestPki::new().await;
    let transport = HyperTransport::new();
    let port = pki.server.address.port();
    let plain = format!("http://localhost:{port}/").parse().unwrap();
    let error = transport.server_certificate(&plain).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::InvalidRequest);

    let silent = format!("https://localhost:{port}/").parse().unwrap();
    let close = async { drop(pki.server.accept().await) };
    let error = join!(transport.server_certificate(&silent), close)
        .0
        .unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Tls);
}
