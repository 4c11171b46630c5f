//! The certificate of a server and its key.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use tokio_rustls::rustls::{self, ServerConfig};

/// The validity of a generated certificate. macOS and iOS refuse more than 825 days.
const VALIDITY: Duration = Duration::from_secs(397 * 24 * 60 * 60);

/// The tolerated delay of a client's clock.
const CLOCK_SKEW: Duration = Duration::from_secs(24 * 60 * 60);

/// The certificate chain of a server, with its key: for [`HttpConfig::tls`](crate::HttpConfig::tls).
#[derive(Clone)]
pub struct TlsIdentity(TlsAcceptor);

/// Hides the key.
impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity").finish_non_exhaustive()
    }
}

/// Why a [`TlsIdentity`] could not be created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsIdentityError {
    /// The PEM of the certificates is malformed, or contains none.
    #[error("the certificates cannot be read: {0}")]
    Certificates(pem::Error),
    /// The PEM of the key is malformed, or contains no unencrypted key.
    #[error("the private key cannot be read: {0}")]
    Key(pem::Error),
    /// The certificate and the key do not match, or rustls does not support their kind.
    #[error("the certificate and the key cannot be used: {0}")]
    Unusable(rustls::Error),
    /// No certificate could be generated.
    #[error("the certificate cannot be generated: {0}")]
    Generate(rcgen::Error),
}

impl TlsIdentity {
    /// A certificate chain in PEM, the server's own certificate first, and the private key in PEM (PKCS#8, PKCS#1 or SEC1).
    ///
    /// # Errors
    ///
    /// If one of the two cannot be read, or if they do not match.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsIdentityError> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<_, _>>()
            .map_err(TlsIdentityError::Certificates)?;
        if chain.is_empty() {
            return Err(TlsIdentityError::Certificates(pem::Error::NoItemsFound));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(TlsIdentityError::Key)?;
        Self::new(chain, key)
    }

    /// A new certificate for these host names and IP addresses, and the root certificate in PEM that clients have to trust. The
    /// key of
    /// the root is dropped, so that it can sign no other certificate. Both certificates are valid for 397 days.
    ///
    /// # Errors
    ///
    /// If a name is invalid, or if the system has no randomness for a key.
    pub fn self_signed(names: impl Into<Vec<String>>) -> Result<(Self, String), TlsIdentityError> {
        let (chain, key, root) = generate(names.into()).map_err(TlsIdentityError::Generate)?;
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Ok((Self::new(chain, key)?, root))
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsIdentityError> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(TlsIdentityError::Unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    pub(super) fn acceptor(&self) -> &TlsAcceptor {
        &self.0
    }
}

/// The certificate, its key, and the root in PEM.
fn generate(
    names: Vec<String>,
) -> Result<(Vec<CertificateDer<'static>>, KeyPair, String), rcgen::Error> {
    let now = SystemTime::now();
    let mut root = CertificateParams::new([])?;
    root.not_before = (now - CLOCK_SKEW).into();
    root.not_after = (now + VALIDITY).into();
    root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    root.distinguished_name
        .push(DnType::CommonName, "skype-p2p test root");
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate()?)?;

    let mut leaf = CertificateParams::new(names)?;
    leaf.not_before = (now - CLOCK_SKEW).into();
    leaf.not_after = (now + VALIDITY).into();
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // RFC 5280 requires it, and Python 3.13 refuses certificates without it.
    leaf.use_authority_key_identifier_extension = true;
    leaf.distinguished_name
        .push(DnType::CommonName, "skype-p2p test server");
    let key = KeyPair::generate()?;
    let leaf = leaf.signed_by(&key, &root)?;
    Ok((vec![leaf.der().clone()], key, root.pem()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_certificate_identifies_the_key_of_its_issuer() {
        let (chain, _, _) = generate(vec!["127.0.0.1".to_owned()]).unwrap();
        // The object identifier of the extension, 2.5.29.35, in DER.
        let authority_key_identifier = [0x06, 0x03, 0x55, 0x1d, 0x23];
        let mut parts = chain[0].windows(authority_key_identifier.len());
        assert!(parts.any(|part| part == authority_key_identifier));
    }
}
