//! TLS by OpenSSL, for servers whose cipher suites rustls does not have.

use std::{
    collections::BTreeMap,
    fmt,
    pin::Pin as Pinned,
    sync::{Arc, Mutex, PoisonError},
};

use openssl::{
    error::ErrorStack,
    hash::MessageDigest,
    pkey::PKey,
    ssl::{Ssl, SslConnector, SslMethod, SslVerifyMode, SslVersion},
    x509::{X509, X509Ref, X509StoreContextRef},
};
use tokio_openssl::SslStream;

use super::super::{
    connection::Stream,
    target::Target,
    tls_config::{Pin, TlsConfig, TlsVersion},
};
use crate::{Stage, TransportError, TransportErrorKind};

/// The TLS of a transport, by OpenSSL.
pub(in super::super) struct OpenSsl {
    connector: SslConnector,
    pins: BTreeMap<String, Vec<Pin>>,
}

/// What OpenSSL said of a certificate that it refused.
#[derive(Default)]
struct Refused(Arc<Mutex<Option<String>>>);

impl OpenSsl {
    pub(in super::super) fn new(config: &TlsConfig) -> Result<Self, ErrorStack> {
        // With the roots of the platform, and the checks of the name that a client has to make.
        let mut builder = SslConnector::builder(SslMethod::tls_client())?;
        builder.set_min_proto_version(Some(match config.oldest {
            TlsVersion::Tls12 => SslVersion::TLS1_2,
            TlsVersion::Tls13 => SslVersion::TLS1_3,
        }))?;
        builder.set_alpn_protos(b"\x08http/1.1")?;
        for root in &config.extra_roots {
            builder.cert_store_mut().add_cert(X509::from_der(root)?)?;
        }
        if let Some(identity) = &config.identity {
            let mut chain = identity.certified.cert.iter();
            if let Some(own) = chain.next() {
                builder.set_certificate(&*X509::from_der(own)?)?;
            }
            for issuer in chain {
                builder.add_extra_chain_cert(X509::from_der(issuer)?)?;
            }
            let key = PKey::private_key_from_der(identity.key.secret_der())?;
            builder.set_private_key(&key)?;
        }
        Ok(Self {
            connector: builder.build(),
            pins: config.pins.clone(),
        })
    }

    pub(super) async fn connect(
        &self,
        target: &Target,
        stream: Box<dyn Stream>,
    ) -> Result<SslStream<Box<dyn Stream>>, TransportError> {
        let failed =
            || TransportError::new(TransportErrorKind::Tls, Stage::Tls, target.to_string());
        let refused = Refused::default();
        let ssl = self
            .ssl(&target.host, &refused)
            .map_err(|source| failed().with_source(source))?;
        let mut stream =
            SslStream::new(ssl, stream).map_err(|source| failed().with_source(source))?;
        if let Err(source) = Pinned::new(&mut stream).connect().await {
            let error = failed().with_source(source);
            return Err(match refused.take() {
                Some(why) => error.with_detail(why),
                None => error,
            });
        }
        let certificate = stream.ssl().peer_certificate();
        match self.is_pinned_otherwise(target, certificate.as_deref()) {
            Ok(false) => Ok(stream),
            Ok(true) => {
                let names = names(certificate.as_deref());
                Err(failed()
                    .with_detail(format!("{names} is refused: its key is not the pinned one")))
            }
            Err(source) => Err(failed().with_source(source)),
        }
    }

    fn ssl(&self, host: &str, refused: &Refused) -> Result<Ssl, ErrorStack> {
        let mut ssl = self.connector.configure()?.into_ssl(host)?;
        let refused = Refused(Arc::clone(&refused.0));
        ssl.set_verify_callback(SslVerifyMode::PEER, move |fine, context| {
            if !fine {
                refused.set(context);
            }
            fine
        });
        Ok(ssl)
    }

    fn is_pinned_otherwise(
        &self,
        target: &Target,
        certificate: Option<&X509Ref>,
    ) -> Result<bool, ErrorStack> {
        let (Some(pins), Some(certificate)) = (self.pins.get(&target.host), certificate) else {
            // Without a certificate there would be no connection.
            return Ok(false);
        };
        let key = certificate.public_key()?.public_key_to_der()?;
        let pin = openssl::hash::hash(MessageDigest::sha256(), &key)?;
        Ok(!pins.iter().any(|allowed| allowed[..] == *pin))
    }
}

impl Refused {
    fn set(&self, context: &X509StoreContextRef) {
        let leaf = context.chain().and_then(|chain| chain.get(0));
        let names = names(leaf.or(context.current_cert()));
        let why = format!("{names} is refused: {}", context.error().error_string());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Whose certificate it is.
fn names(certificate: Option<&X509Ref>) -> String {
    let names: Vec<String> = certificate
        .and_then(X509Ref::subject_alt_names)
        .into_iter()
        .flatten()
        .filter_map(|name| name.dnsname().map(str::to_owned))
        .collect();
    if names.is_empty() {
        "the certificate, which has no DNS name,".to_owned()
    } else {
        format!("the certificate for {}", names.join(", "))
    }
}

impl fmt::Debug for OpenSsl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenSsl").finish_non_exhaustive()
    }
}
