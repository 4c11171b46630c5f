//! Reads the certificate of a server, also of one that is not trusted.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::Uri;
use rustls::pki_types::CertificateDer;
use tokio::time::timeout;
use webpki::EndEntityCert;

use super::{
    HyperTransport, connect::Way, der, progress::Progress, target::Target, tls::common_name,
};
use crate::{Stage, TransportError, TransportErrorKind};

/// The certificate of a server, as [`HyperTransport::server_certificate`] reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerCertificate {
    /// The common name of the subject. `None` if it has none, or the certificate cannot be read.
    pub subject: Option<String>,
    /// The common name of the issuer.
    pub issuer: Option<String>,
    /// The DNS names that the certificate is for.
    pub dns_names: Vec<String>,
    /// The first moment of the period of validity.
    pub not_before: Option<SystemTime>,
    /// The last moment of the period of validity.
    pub not_after: Option<SystemTime>,
    /// The reason why the transport does not trust the certificate. `None` if it does.
    pub refusal: Option<String>,
}

impl ServerCertificate {
    /// The facts of a certificate in DER.
    pub(super) fn of(certificate: &CertificateDer<'_>, refusal: Option<String>) -> Self {
        let parsed = EndEntityCert::try_from(certificate).ok();
        let validity = der::validity(certificate);
        let time = |seconds: u64| UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        Self {
            subject: parsed.as_ref().and_then(|it| common_name(it.subject())),
            issuer: parsed.as_ref().and_then(|it| common_name(it.issuer())),
            dns_names: parsed.as_ref().map_or(Vec::new(), |it| {
                it.valid_dns_names().map(str::to_owned).collect()
            }),
            not_before: validity.and_then(|(begin, _)| time(begin)),
            not_after: validity.and_then(|(_, end)| time(end)),
            refusal,
        }
    }
}

impl HyperTransport {
    /// Connects to the server of `uri`, through the proxy if one is used, reads the server's certificate in the TLS handshake, and
    /// closes the connection. No request is sent. A certificate that the transport does not trust is returned with the
    /// [reason](ServerCertificate::refusal); this is for tools that show an administrator what is wrong.
    ///
    /// The time limit is [`connect_deadline`](super::HyperConfig::connect_deadline).
    ///
    /// # Errors
    ///
    /// If the server cannot be reached, or the handshake fails for another reason than the certificate.
    /// [`InvalidRequest`](TransportErrorKind::InvalidRequest) if `uri` is not absolute or does not have the scheme `https`, and
    /// [`Unsupported`](TransportErrorKind::Unsupported) with OpenSSL.
    pub async fn server_certificate(&self, uri: &Uri) -> Result<ServerCertificate, TransportError> {
        let target = Target::of(uri)?;
        let mut progress = Progress::default();
        if !target.https {
            return Err(progress
                .error(TransportErrorKind::InvalidRequest, &target)
                .with_detail("a server without TLS has no certificate"));
        }
        let hop = self.config.proxy.hop(&target)?;
        let way = Way {
            target: &target,
            hop,
        };
        let reading = async {
            let stream = way
                .stream(&Arc::default(), &self.tls, &mut progress)
                .await?;
            progress.enter(Stage::Tls);
            self.tls.certificate(&target, stream).await
        };
        match timeout(self.config.connect_deadline, Box::pin(reading)).await {
            Ok(result) => result,
            Err(_) => Err(progress.error(TransportErrorKind::Timeout, &target)),
        }
    }
}
