//! The configuration of TLS: roots, a client certificate, pins, and the oldest version.

use std::{collections::BTreeMap, fmt, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    sign::CertifiedKey,
};

use super::der;

/// The SHA-256 of a certificate's public key (its `SubjectPublicKeyInfo`).
pub(super) type Pin = [u8; 32];

/// The TLS configuration of a [`HyperTransport`](super::HyperTransport).
///
/// The default has the roots of the platform, no client certificate, no pins, and TLS 1.2 and 1.3.
#[derive(Clone, Default)]
pub struct TlsConfig {
    pub(super) extra_roots: Vec<CertificateDer<'static>>,
    pub(super) identity: Option<Identity>,
    pub(super) pins: BTreeMap<String, Vec<Pin>>,
    pub(super) oldest: TlsVersion,
}

/// The certificate and the key of the client.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) certified: Arc<CertifiedKey>,
    /// The private key, for OpenSSL.
    #[cfg(feature = "native-tls")]
    pub(super) key: Arc<PrivateKeyDer<'static>>,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2, the oldest version that rustls supports, and the oldest version that OpenSSL is configured for.
    #[default]
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// The reason why a part of a [`TlsConfig`] cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsConfigError {
    /// The text is not PEM, or has no section of the expected kind.
    #[error("the text is not PEM, or has no section of the expected kind")]
    Pem(#[from] pem::Error),
    /// The text contains no certificate.
    #[error("no certificate in the PEM text")]
    NoCertificate,
    /// The text is PKCS#7.
    #[error(
        "the file is PKCS#7, which is not read; convert it with `openssl pkcs7 -print_certs -in FILE`"
    )]
    Pkcs7,
    /// A certificate cannot be read, or the key does not belong to it.
    #[error("the certificate cannot be read, or the key does not belong to it")]
    Unusable(#[from] rustls::Error),
    /// OpenSSL does not accept the configuration.
    #[cfg(feature = "native-tls")]
    #[error("OpenSSL does not accept the configuration")]
    OpenSsl(#[from] openssl::error::ErrorStack),
    /// A pin is not the base64 of a SHA-256.
    #[error("a pin is the base64 of a SHA-256, 44 characters long")]
    Pin,
}

impl TlsConfig {
    /// The default configuration.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the certificates in `pem` as roots, in addition to those of the platform. They may include self-signed certificates of
    /// servers.
    ///
    /// The sections of `pem` may have the label `CERTIFICATE`, `X509 CERTIFICATE` or `TRUSTED CERTIFICATE`; the trust settings of
    /// OpenSSL in the latter are ignored. The text may begin with a byte order mark of UTF-8 or UTF-16. PKCS#7 is not supported:
    /// convert it with `openssl pkcs7 -print_certs`.
    ///
    /// # Errors
    ///
    /// If `pem` contains no certificate, or one that cannot be a root.
    pub fn with_roots(mut self, pem: &[u8]) -> Result<Self, TlsConfigError> {
        let roots = certificates(pem)?;
        let mut store = rustls::RootCertStore::empty();
        for root in &roots {
            store.add(root.clone())?;
        }
        self.extra_roots.extend(roots);
        Ok(self)
    }

    /// Uses the client certificate in `pem` for servers that request one. `pem` contains the chain, which begins with the client's
    /// certificate, and its private key.
    ///
    /// # Errors
    ///
    /// If the chain or the key is missing, or the key belongs to another certificate.
    pub fn with_identity(mut self, pem: &[u8]) -> Result<Self, TlsConfigError> {
        let chain = certificates(pem)?;
        let key = PrivateKeyDer::from_pem_slice(text(pem).as_bytes())?;
        self.identity = Some(Identity {
            #[cfg(feature = "native-tls")]
            key: Arc::new(key.clone_key()),
            certified: Arc::new(CertifiedKey::from_der(
                chain,
                key,
                &ring::default_provider(),
            )?),
        });
        Ok(self)
    }

    /// Accepts at `host` only a certificate with this public key. The certificate must also be trusted, unless it is self-signed. Its
    /// names and its period of validity are always verified.
    ///
    /// `pin` is the base64 of the SHA-256 of the key, with or without the prefix `sha256//`, as in curl. If a host has several pins,
    /// one of them must match.
    ///
    /// # Errors
    ///
    /// If `pin` is not such a value.
    pub fn with_pin(mut self, host: &str, pin: &str) -> Result<Self, TlsConfigError> {
        let pin = pin.strip_prefix("sha256//").unwrap_or(pin);
        let pin = BASE64_STANDARD.decode(pin).ok();
        let pin = pin.and_then(|pin| Pin::try_from(pin).ok());
        let pin = pin.ok_or(TlsConfigError::Pin)?;
        let pins = self.pins.entry(host.to_ascii_lowercase()).or_default();
        pins.push(pin);
        Ok(self)
    }

    /// Refuses versions of TLS older than `oldest`.
    #[must_use]
    pub fn with_oldest_version(mut self, oldest: TlsVersion) -> Self {
        self.oldest = oldest;
        self
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let text = text(pem);
    if text.contains("-----BEGIN PKCS7-----") {
        return Err(TlsConfigError::Pkcs7);
    }
    let text = text
        .replace("TRUSTED CERTIFICATE-----", "CERTIFICATE-----")
        .replace("X509 CERTIFICATE-----", "CERTIFICATE-----");
    let certificates = CertificateDer::pem_slice_iter(text.as_bytes()).map(|certificate| {
        let certificate = certificate?;
        // OpenSSL writes trust settings after the certificate of a TRUSTED CERTIFICATE.
        Ok(match der::first(&certificate) {
            Some(first) => CertificateDer::from(first.to_vec()),
            None => certificate,
        })
    });
    let certificates: Vec<_> = certificates.collect::<Result<_, pem::Error>>()?;
    if certificates.is_empty() {
        return Err(TlsConfigError::NoCertificate);
    }
    Ok(certificates)
}

/// Decodes the text and removes its byte order mark.
fn text(bytes: &[u8]) -> String {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let pairs = bytes
            .chunks_exact(2)
            .filter_map(|pair| pair.try_into().ok());
        let units: Vec<_> = pairs.map(unit).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        bytes => String::from_utf8_lossy(bytes).into_owned(),
    }
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig")
            .field("extra_roots", &self.extra_roots.len())
            .field("identity", &self.identity.is_some())
            .field("pinned", &self.pins.keys())
            .field("oldest", &self.oldest)
            .finish()
    }
}
