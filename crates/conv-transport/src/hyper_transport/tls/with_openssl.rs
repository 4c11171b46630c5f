//! TLS by OpenSSL, for servers whose cipher suites rustls does not support.

use std::{
    collections::BTreeMap,
    fmt,
    pin::Pin as Pinned,
    sync::{Arc, Mutex, PoisonError},
};

use openssl::{
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    pkey::PKey,
    ssl::{Ssl, SslConnector, SslMethod, SslVerifyMode, SslVersion},
    x509::{X509, X509NameRef, X509Ref, X509StoreContextRef, X509VerifyResult},
};
use tokio_openssl::SslStream;

use super::super::{
    connection::Stream,
    target::Target,
    tls_config::{Pin, TlsConfig, TlsVersion},
};
use super::words::{PINNED_OTHERWISE, described};
use crate::{Stage, TransportError, TransportErrorKind};

/// The TLS configuration of a transport with OpenSSL.
pub(in super::super) struct OpenSsl {
    connector: SslConnector,
    pins: BTreeMap<String, Vec<Pin>>,
}

/// The error that OpenSSL reports for a certificate that it refuses.
#[derive(Default)]
struct Refused(Arc<Mutex<Option<String>>>);

impl OpenSsl {
    pub(in super::super) fn new(config: &TlsConfig) -> Result<Self, ErrorStack> {
        // The connector uses the roots of the platform and verifies the name.
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
            // The detail contains everything that the error says.
            return Err(match refused.take() {
                Some(why) => failed().with_detail(why),
                None => failed().with_source(source),
            });
        }
        let certificate = stream.ssl().peer_certificate();
        match self.is_pinned_otherwise(target, certificate.as_deref()) {
            Ok(false) => Ok(stream),
            Ok(true) => {
                let certificate = description(certificate.as_deref());
                let message = format!("{certificate} is refused: {PINNED_OTHERWISE}");
                Err(failed().with_detail(message))
            }
            Err(source) => Err(failed().with_source(source)),
        }
    }

    fn ssl(&self, host: &str, refused: &Refused) -> Result<Ssl, ErrorStack> {
        let mut ssl = self.connector.configure()?.into_ssl(host)?;
        let refused = Refused(Arc::clone(&refused.0));
        let pins = self.pins.get(host).cloned().unwrap_or_default();
        ssl.set_verify_callback(SslVerifyMode::PEER, move |fine, context| {
            if fine {
                return true;
            }
            let own = context.error().as_raw() == SELF_SIGNED;
            let certificate = context.current_cert();
            if own && certificate.is_some_and(|it| is_pinned(&pins, it).unwrap_or_default()) {
                context.set_error(X509VerifyResult::OK);
                return true;
            }
            refused.set(context);
            false
        });
        Ok(ssl)
    }

    fn is_pinned_otherwise(
        &self,
        target: &Target,
        certificate: Option<&X509Ref>,
    ) -> Result<bool, ErrorStack> {
        let (Some(pins), Some(certificate)) = (self.pins.get(&target.host), certificate) else {
            // There is no connection without a certificate.
            return Ok(false);
        };
        Ok(!is_pinned(pins, certificate)?)
    }
}

/// `X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT`: the server's certificate is self-signed, and not listed.
const SELF_SIGNED: i32 = 18;

fn is_pinned(pins: &[Pin], certificate: &X509Ref) -> Result<bool, ErrorStack> {
    let key = certificate.public_key()?.public_key_to_der()?;
    let pin = openssl::hash::hash(MessageDigest::sha256(), &key)?;
    Ok(pins.iter().any(|allowed| allowed[..] == *pin))
}

impl Refused {
    fn set(&self, context: &X509StoreContextRef) {
        let leaf = context.chain().and_then(|chain| chain.get(0));
        let certificate = description(leaf.or(context.current_cert()));
        let why = format!(
            "{certificate} is refused: {}; roots are those of OpenSSL, of the file that SSL_CERT_FILE names, and of \
             TlsConfig::with_roots",
            context.error().error_string()
        );
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The name of a certificate, for messages.
fn description(certificate: Option<&X509Ref>) -> String {
    let names = certificate.and_then(X509Ref::subject_alt_names);
    let names: Vec<_> = names
        .iter()
        .flatten()
        .filter_map(|name| name.dnsname())
        .collect();
    let common = |name: &X509NameRef| {
        let entry = name.entries_by_nid(Nid::COMMONNAME).last()?;
        entry.data().to_string().ok()
    };
    described(
        &names,
        certificate.and_then(|it| common(it.subject_name())),
        certificate.and_then(|it| common(it.issuer_name())),
    )
}

impl fmt::Debug for OpenSsl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenSsl").finish_non_exhaustive()
    }
}
