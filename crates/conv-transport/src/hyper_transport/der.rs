//! Reads three facts from certificates in DER: where a certificate ends, its period of validity, and the hash of its signature.

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

/// The period of validity of a certificate, in seconds since 1970. `None` if the bytes are not a certificate, or it was valid before
/// 1970 only.
pub(super) fn validity(certificate: &[u8]) -> Option<(u64, u64)> {
    /// The tag of the version, which certificates of version 1 do not have.
    const VERSION: u8 = 0xa0;

    let (certificate, _) = value(certificate)?;
    let (mut fields, _) = value(certificate)?;
    if fields.first() == Some(&VERSION) {
        fields = element(fields)?.2;
    }
    // The serial number, the algorithm of the signature, and the issuer.
    for _ in 0..3 {
        fields = element(fields)?.2;
    }
    let (validity, _) = value(fields)?;
    let (tag, begin, rest) = element(validity)?;
    let begin = seconds(tag, begin)?;
    let (tag, end, _) = element(rest)?;
    Some((begin, seconds(tag, end)?))
}

/// The seconds since 1970 of a `UTCTime` or a `GeneralizedTime`, in the form of RFC 5280, section 4.1.2.5.
fn seconds(tag: u8, text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match tag {
        0x17 if text.len() == 12 => {
            let (year, rest) = text.split_at(2);
            let year: u64 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        0x18 if text.len() == 14 => {
            let (year, rest) = text.split_at(4);
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse::<u64>().ok();
    let (month, day) = (part(0)?, part(2)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let days = days_until(year, month) + day - 1;
    Some(((days * 24 + part(4)?) * 60 + part(6)?) * 60 + part(8)?)
}

/// The days from 1970 to the beginning of a month.
fn days_until(year: u64, month: u64) -> u64 {
    /// The days of a common year before each month.
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

    let leap_years = |until: u64| until / 4 - until / 100 + until / 400;
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let leap_day = u64::from(is_leap && month > 2);
    let index = usize::try_from(month - 1).unwrap_or_default();
    let before = BEFORE.get(index).copied().unwrap_or_default();
    (year - 1970) * 365 + leap_years(year - 1) - leap_years(1969) + before + leap_day
}

/// The content of the sequence at the start of `bytes`, and the bytes after the sequence.
fn value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match element(bytes)? {
        (SEQUENCE, content, rest) => Some((content, rest)),
        _ => None,
    }
}

/// The tag and the content of the element at the start of `bytes`, and the bytes after the element.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
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
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
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

#[cfg(test)]
mod validity_tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn the_period_of_validity_is_that_of_the_certificate() {
        for (begin, end) in [
            ((1970, 1, 1), (1999, 12, 31)),
            ((2024, 2, 29), (2024, 3, 1)),
            ((2023, 12, 31), (2100, 3, 1)),
            // From 2050 on, a time is a GeneralizedTime.
            ((2049, 12, 31), (9999, 12, 31)),
        ] {
            let date = |(year, month, day)| date_time_ymd(year, month, day);
            let mut params = CertificateParams::new([]).unwrap();
            params.not_before = date(begin);
            params.not_after = date(end);
            let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
            let expected = (unix(date(begin)), unix(date(end)));
            assert_eq!(validity(certificate.der()), Some(expected));
            let half = certificate.der().get(..40).unwrap();
            assert_eq!(validity(half), None);
        }
    }

    fn unix(date: impl Into<std::time::SystemTime>) -> u64 {
        let time = date.into().duration_since(std::time::UNIX_EPOCH);
        time.unwrap().as_secs()
    }

    #[test]
    fn a_time_of_another_form_is_not_read() {
        for (tag, text) in [
            (0x17, &b"2401010000Z"[..]),
            (0x17, b"240101000000+0100"),
            (0x17, b"24130100000Z"),
            (0x17, b"241301000000Z"),
            (0x18, b"19600101000000Z"),
            (0x18, b"2024010100000\xffZ"),
            (0x16, b"240101000000Z"),
            (0x17, b"Z"),
        ] {
            assert_eq!(seconds(tag, text), None, "{text:?}");
        }
        assert_eq!(seconds(0x17, b"700101000001Z"), Some(1));
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
