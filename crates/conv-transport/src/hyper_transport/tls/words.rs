//! Explains a failed TLS handshake: the certificate, the problem, and the configuration that helps.

use std::{borrow::Cow, error::Error, fmt, io, time::Duration};

use rustls::{
    AlertDescription, CertificateError, InvalidMessage, OtherError,
    pki_types::{CertificateDer, UnixTime},
};
use webpki::EndEntityCert;

const NO_COMMON_SUITE: &str = "the server takes none of the protocol versions and cipher suites that rustls has; Windows Server \
    2012 R2 and older have none of them, and OpenSSL (native TLS) has them";

/// Explains an error of rustls. `None` for an error of the network.
pub(in super::super) fn explain(error: &io::Error) -> Option<Cow<'static, str>> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(refused)))
            if refused.is::<Refused>() =>
        {
            refused.to_string().into()
        }
        rustls::Error::InvalidCertificate(error) => match error {
            CertificateError::BadSignature => "the server cannot prove that the private key of its certificate is its own: \
                the signature of the handshake is wrong"
                .into(),
            error => format!("the handshake is refused: {}", flaw(error, false)).into(),
        },
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion => {
                NO_COMMON_SUITE.into()
            }
            AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
                "the server asks for a client certificate (TlsConfig::with_identity)".into()
            }
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied => format!(
                "the server refuses the client certificate, or asks for one (TlsConfig::with_identity); its alert is {}",
                name(*alert)
            )
            .into(),
            AlertDescription::UnrecognisedName => {
                "the server has no certificate for this host name".into()
            }
            alert => format!("the server ended the handshake with the alert {}", name(*alert)).into(),
        },
        rustls::Error::PeerIncompatible(_) => NO_COMMON_SUITE.into(),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the server does not answer in TLS; is the port right?".into()
        }
        rustls::Error::InvalidMessage(_)
        | rustls::Error::PeerMisbehaved(_)
        | rustls::Error::InappropriateMessage { .. }
        | rustls::Error::InappropriateHandshakeMessage { .. }
        | rustls::Error::DecryptError => "the server, or something on the way to it, breaks the rules of TLS".into(),
        rustls::Error::General(words) => format!(
            "TLS cannot be used: {words}; roots come from TlsConfig::with_roots, the system's certificate store, or on Linux the file in SSL_CERT_FILE"
        )
        .into(),
        error => error.to_string().into(),
    })
}

fn name(alert: AlertDescription) -> Cow<'static, str> {
    match alert.as_str() {
        Some(name) => name.into(),
        None => u8::from(alert).to_string().into(),
    }
}

/// A refused certificate of a server.
#[derive(Debug)]
pub(super) struct Refused {
    certificate: String,
    flaw: Cow<'static, str>,
}

impl Refused {
    pub(super) fn of(certificate: &CertificateDer<'_>, cause: &rustls::Error) -> Self {
        let parsed = EndEntityCert::try_from(certificate).ok();
        let own = parsed
            .as_ref()
            .is_some_and(|it| it.issuer() == it.subject());
        Self {
            certificate: describe(parsed.as_ref()),
            flaw: match cause {
                rustls::Error::InvalidCertificate(error) => flaw(error, own),
                error => error.to_string().into(),
            },
        }
    }

    /// The certificate is trusted, but its key is not pinned.
    pub(super) fn pinned_otherwise(certificate: &CertificateDer<'_>) -> Self {
        Self {
            certificate: describe(EndEntityCert::try_from(certificate).ok().as_ref()),
            flaw: PINNED_OTHERWISE.into(),
        }
    }
}

pub(super) const PINNED_OTHERWISE: &str =
    "its key is not the pinned one; if the server has a new key, pin that (TlsConfig::with_pin)";

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is refused: {}", self.certificate, self.flaw)
    }
}

impl Error for Refused {}

fn describe(certificate: Option<&EndEntityCert<'_>>) -> String {
    let names: Vec<_> = certificate.map_or(Vec::new(), |it| it.valid_dns_names().collect());
    let subject = certificate.and_then(|it| common_name(it.subject()));
    let issuer = certificate.and_then(|it| common_name(it.issuer()));
    described(&names, subject, issuer)
}

/// Describes a certificate by the common names of its subject and its issuer.
pub(super) fn described(names: &[&str], subject: Option<String>, issuer: Option<String>) -> String {
    let whose = match (names, subject) {
        ([], Some(subject)) => format!("the certificate of {subject}, which has no DNS name"),
        ([], None) => "the certificate, which has no DNS name".to_owned(),
        (names, _) => format!("the certificate for {}", names.join(", ")),
    };
    match issuer {
        Some(issuer) => format!("{whose}, issued by {issuer},"),
        None if names.is_empty() => whose + ",",
        None => whose,
    }
}

/// The problem of a certificate, and its remedy. `own` is whether the certificate names itself as its issuer.
fn flaw(error: &CertificateError, own: bool) -> Cow<'static, str> {
    match error {
        CertificateError::UnknownIssuer if own => "it is signed by itself, and not listed as trusted; list it \
            (TlsConfig::with_roots, the system's certificate store, or on Linux the file in SSL_CERT_FILE), or pin its key (TlsConfig::with_pin)"
            .into(),
        CertificateError::UnknownIssuer => "no trusted root certificate leads to it; add the root of its authority \
            (TlsConfig::with_roots, the system's certificate store, or on Linux the file in SSL_CERT_FILE), and check that the server sends the intermediate \
            certificates"
            .into(),
        CertificateError::ExpiredContext { time, not_after } => format!(
            "it, or one of its issuers, expired {} ago; renew it, or correct the clock of this machine",
            span(*not_after, *time)
        )
        .into(),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "it, or one of its issuers, is not valid before {} from now; is the clock of this machine right?",
            span(*time, *not_before)
        )
        .into(),
        CertificateError::NotValidForNameContext { expected, .. } => format!(
            "it is not for {}; use a name that is in the certificate, or have one issued for this name",
            expected.to_str()
        )
        .into(),
        CertificateError::Revoked => "its authority has revoked it".into(),
        CertificateError::BadSignature => {
            "its signature, or that of one of its issuers, is wrong; is another root of the same name listed?".into()
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "it is signed by an algorithm that is not accepted, such as SHA-1; have it issued again".into()
        }
        CertificateError::InvalidPurposeContext { .. } | CertificateError::InvalidPurpose => {
            "it is not meant for servers (extended key usage)".into()
        }
        CertificateError::BadEncoding => "it cannot be read".into(),
        CertificateError::Other(OtherError(cause))
            if matches!(cause.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity)) =>
        {
            "it is an authority's own certificate, not a server's; list it if the server has no other \
             (TlsConfig::with_roots), or pin its key (TlsConfig::with_pin)"
                .into()
        }
        // The verifier of the platform reports this for a certificate that is not meant for servers.
        CertificateError::Other(OtherError(cause)) => {
            format!("it cannot be verified ({cause}); is it meant for servers?").into()
        }
        error => format!("it cannot be verified: {error}").into(),
    }
}

/// The time between two points in time, in words.
fn span(from: UnixTime, to: UnixTime) -> String {
    let hours = Duration::from_secs(to.as_secs().saturating_sub(from.as_secs())).as_secs() / 3600;
    match hours {
        0 => "less than an hour".to_owned(),
        1 => "an hour".to_owned(),
        2..48 => format!("{hours} hours"),
        _ => format!("{} days", hours / 24),
    }
}

/// The last common name in a distinguished name in DER.
pub(in super::super) fn common_name(name: &[u8]) -> Option<String> {
    /// The object identifier 2.5.4.3.
    const COMMON_NAME: &[u8] = b"\x06\x03\x55\x04\x03";
    let at = name
        .windows(COMMON_NAME.len())
        .rposition(|part| part == COMMON_NAME)?;
    let [tag, length, rest @ ..] = name.get(at + COMMON_NAME.len()..)? else {
        return None;
    };
    let value = rest.get(..usize::from(*length))?;
    let text = match tag {
        // BMPString.
        0x1e => {
            let units = value.chunks_exact(2).map(|pair| {
                pair.iter()
                    .fold(0, |unit, byte| unit << 8 | u16::from(*byte))
            });
            char::decode_utf16(units)
                .map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        _ => String::from_utf8_lossy(value).into_owned(),
    };
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_between_two_moments_is_told_in_words() {
        let span = |seconds: u64| {
            span(
                UnixTime::since_unix_epoch(Duration::from_secs(7)),
                UnixTime::since_unix_epoch(Duration::from_secs(7 + seconds)),
            )
        };
        for (seconds, words) in [
            (3599, "less than an hour"),
            (3600, "an hour"),
            (2 * 3600 - 1, "an hour"),
            (2 * 3600, "2 hours"),
            (48 * 3600 - 1, "47 hours"),
            (48 * 3600, "2 days"),
            (30 * 24 * 3600, "30 days"),
        ] {
            assert_eq!(span(seconds), words, "{seconds}");
        }
    }

    #[test]
    fn an_alert_has_a_name_or_a_number() {
        assert_eq!(name(AlertDescription::UnknownCA), "UnknownCA");
        assert_eq!(name(AlertDescription::from(200)), "200");
    }

    /// The verifiers of Windows and macOS report a revoked certificate, and a server reports one of the client.
    #[test]
    fn a_revoked_certificate_is_named_as_such() {
        let explain = |error| explain(&io::Error::other(error)).unwrap();
        assert_eq!(
            explain(rustls::Error::InvalidCertificate(CertificateError::Revoked)),
            "the handshake is refused: its authority has revoked it"
        );
        let alert = explain(rustls::Error::AlertReceived(
            AlertDescription::CertificateRevoked,
        ));
        assert!(
            alert.starts_with("the server refuses the client certificate"),
            "{alert}"
        );
        assert!(alert.ends_with("CertificateRevoked"), "{alert}");
    }

    #[test]
    fn a_common_name_is_read_in_both_kinds_of_text() {
        let name = |tag: u8, value: &[u8]| {
            let mut der = b"\x30\x10\x06\x03\x55\x04\x03".to_vec();
            der.extend([tag, value.len() as u8]);
            der.extend(value);
            common_name(&der)
        };
        assert_eq!(name(0x0c, b"pool").as_deref(), Some("pool"));
        let units = "p\u{141}".encode_utf16().flat_map(u16::to_be_bytes);
        let units: Vec<u8> = units.collect();
        assert_eq!(name(0x1e, &units).as_deref(), Some("p\u{141}"));
        assert_eq!(name(0x0c, b""), None);
        assert_eq!(common_name(b"\x06\x03\x55\x04\x03\x0c\x05pool"), None);
    }
}
