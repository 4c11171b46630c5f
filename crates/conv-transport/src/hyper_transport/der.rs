//! Reads two facts from certificates in DER: where a certificate ends, and the hash of its signature.

/// The first element of `bytes` without the following ones. `None` if it is not a complete sequence.
pub(super) fn first(bytes: &[u8]) -> Option<&[u8]> {
    let (_, rest) = value(bytes)?;
    bytes.get(..bytes.len() - rest.len())
}

/// A hash function.
#[cfg(feature = "windows-auth")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

const SEQUENCE: u8 = 0x30;

/// `sha384WithRSAEncryption`, `ecdsa-with-SHA384` and `id-sha384` (in the parameters of RSASSA-PSS), with their tags and lengths.
#[cfg(feature = "windows-auth")]
const SHA384: [&[u8]; 3] = [
    b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c",
    b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03",
    b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02",
];

/// The corresponding identifiers of SHA-512.
#[cfg(feature = "windows-auth")]
const SHA512: [&[u8]; 3] = [
    b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d",
    b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04",
    b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03",
];

/// The hash of the channel binding `tls-server-end-point` (RFC 5929, section 4.1): the hash of the certificate's signature, but
/// SHA-256 instead of MD5 and SHA-1. `None` if the bytes are not a certificate.
#[cfg(feature = "windows-auth")]
pub(super) fn signature_hash(certificate: &[u8]) -> Option<Hash> {
    let (certificate, _) = value(certificate)?;
    let (_, rest) = value(certificate)?;
    let (algorithm, _) = value(rest)?;
    let has = |names: [&[u8]; 3]| {
        names
            .iter()
            .any(|name| algorithm.windows(name.len()).any(|part| part == *name))
    };
    Some(if has(SHA384) {
        Hash::Sha384
    } else if has(SHA512) {
        Hash::Sha512
    } else {
        Hash::Sha256
    })
}

/// The content of the sequence at the start of `bytes`, and the bytes after the sequence.
fn value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&SEQUENCE, rest) = bytes.split_first()? else {
        return None;
    };
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        let count = usize::from(first & 0x7f);
        if count > 4 {
            return None;
        }
        let digits = rest.get(..count)?;
        rest = rest.get(count..)?;
        length = digits
            .iter()
            .fold(0, |length, digit| length << 8 | usize::from(*digit));
    }
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_ends_where_its_length_says() {
        let long = |length: &[u8], content: usize| [b"\x30", length, &vec![7; content]].concat();
        for sequence in [
            b"\x30\x00".to_vec(),
            b"\x30\x02\x05\x00".to_vec(),
            long(b"\x7f", 0x7f),
            long(b"\x81\x80", 0x80),
            long(b"\x82\x01\x02", 0x102),
            long(b"\x84\x00\x01\x00\x00", 0x10000),
        ] {
            let followed = [&*sequence, b"rest"].concat();
            assert_eq!(first(&followed), Some(&*sequence));
            let cut = sequence.get(..sequence.len() - 1).unwrap();
            assert_eq!(first(cut), None);
        }
        for other in [
            &b""[..],
            b"\x31\x00",
            b"\x30\x82\x01",
            b"\x30\x85\x00\x00\x00\x00\x01a",
        ] {
            assert_eq!(first(other), None, "{other:?}");
        }
    }
}

#[cfg(all(test, feature = "windows-auth"))]
mod windows_auth_tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384};

    use super::*;

    #[test]
    fn finds_the_hash_of_the_signature() {
        for (algorithm, hash) in [
            (&PKCS_ECDSA_P256_SHA256, Hash::Sha256),
            (&PKCS_ECDSA_P384_SHA384, Hash::Sha384),
        ] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let params = CertificateParams::new(["pool.contoso.com".to_owned()]).unwrap();
            let certificate = params.self_signed(&key).unwrap();
            assert_eq!(signature_hash(certificate.der()), Some(hash));
            for end in 0..certificate.der().len() {
                assert_eq!(signature_hash(&certificate.der()[..end]), None, "{end}");
            }
        }
        assert_eq!(
            signature_hash(b"\x30\x89\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
            None
        );
    }
}
