//! What an enterprise changes about TLS: roots, a client certificate, pins, the oldest version.

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

/// How a [`HyperTransport`](super::HyperTransport) does TLS.
///
/// By default: the roots of the platform, no client certificate, no pin, TLS 1.2 and 1.3.
#[derive(Clone, Default)]
pub struct TlsConfig {
    pub(super) extra_roots: Vec<CertificateDer<'static>>,
    pub(super) identity: Option<Identity>,
    pub(super) pins: BTreeMap<String, Vec<Pin>>,
    pub(super) oldest: TlsVersion,
}

/// What a client shows of itself.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) certified: Arc<CertifiedKey>,
    /// The key in the form in which OpenSSL takes it.
    #[cfg(feature = "native-tls")]
    pub(super) key: Arc<PrivateKeyDer<'static>>,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2, the oldest one that rustls speaks, and the oldest one that is asked of OpenSSL.
    #[default]
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// Why a part of a [`TlsConfig`] cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsConfigError {
    /// The text is not PEM, or holds no such section.
    #[error("not the PEM that is wanted")]
    Pem(#[from] pem::Error),
    /// The text holds no certificate.
    #[error("no certificate in the PEM text")]
    NoCertificate,
    /// The text is PKCS#7.
    #[error(
        "the file is PKCS#7, which is not read; convert it with `openssl pkcs7 -print_certs -in FILE`"
    )]
    Pkcs7,
    /// A certificate cannot be read, or the key is not the certificate's.
    #[error("the certificate or its key cannot be used")]
    Unusable(#[from] rustls::Error),
    /// OpenSSL cannot use the configuration.
    #[cfg(feature = "native-tls")]
    #[error("OpenSSL cannot use the configuration")]
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

    /// Trusts the certificates in `pem` as roots, beside those of the platform. The certificate of a server that is signed by
    /// itself may be one of them.
    ///
    /// The sections of `pem` may have the label `CERTIFICATE`, `X509 CERTIFICATE` or `TRUSTED CERTIFICATE`; what
    /// OpenSSL notes behind the latter is ignored. The text may begin with a byte order mark, of UTF-8 or UTF-16. PKCS#7 is not read; convert it with
    /// `openssl pkcs7 -print_certs`.
    ///
    /// # Errors
    ///
    /// Where there is no certificate in `pem`, or one that cannot be a root.
    pub fn with_roots(mut self, pem: &[u8]) -> Result<Self, TlsConfigError> {
        let roots = certificates(pem)?;
        let mut store = rustls::RootCertStore::empty();
        for root in &roots {
            store.add(root.clone())?;
        }
        self.extra_roots.extend(roots);
        Ok(self)
    }

    /// Shows servers that ask for one the certificate in `pem`: the chain, the client's own first, and its private key.
    ///
    /// # Errors
    ///
    /// Where the chain or the key is missing, or the key is another certificate's.
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

    /// Accepts at `host` only a certificate with this public key. It must be trusted all the same, unless it is signed by itself:
    /// then the pin is the trust. Its names and its time of validity are verified in any case.
    ///
    /// `pin` is the base64 of the SHA-256 of the key, with or without `sha256//` before it, as curl takes it. With several pins
    /// for one host any of them will do.
    ///
    /// # Errors
    ///
    /// Where `pin` is no such value.
    pub fn with_pin(mut self, host: &str, pin: &str) -> Result<Self, TlsConfigError> {
        let pin = pin.strip_prefix("sha256//").unwrap_or(pin);
        let pin = BASE64_STANDARD.decode(pin).ok();
        let pin = pin.and_then(|pin| Pin::try_from(pin).ok());
        let pin = pin.ok_or(TlsConfigError::Pin)?;
        let pins = self.pins.entry(host.to_ascii_lowercase()).or_default();
        pins.push(pin);
        Ok(self)
    }

    /// Speaks no version of TLS older than `oldest`.
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
        // After a TRUSTED CERTIFICATE, OpenSSL writes what it is trusted for.
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

/// The text without its byte order mark.
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
