//! Content codings of HTTP bodies: gzip and deflate.

use std::io::{self, Read};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// A coding that this crate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
}

impl Coding {
    /// The coding that a `content-encoding` header names, `None` for one that is not read here.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }

    /// The decoded bytes, `None` where there are more than `limit`.
    pub(crate) fn decode(self, bytes: &[u8], limit: usize) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Gzip => read(MultiGzDecoder::new(bytes), limit),
            // RFC 9110 means zlib by deflate, and some servers send the bare stream.
            Self::Deflate if has_zlib_header(bytes) => read(ZlibDecoder::new(bytes), limit),
            Self::Deflate => read(DeflateDecoder::new(bytes), limit),
        }
    }
}

fn has_zlib_header(bytes: &[u8]) -> bool {
    matches!(bytes, [first, second, ..]
        if first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)).is_multiple_of(31))
}

fn read(decoder: impl Read, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut decoded = Vec::new();
    decoder
        .take((limit as u64).saturating_add(1))
        .read_to_end(&mut decoded)?;
    Ok((decoded.len() <= limit).then_some(decoded))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    use super::*;

    const TEXT: &[u8] = b"a page of events, a page of events, a page of events";

    fn gzip() -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(TEXT).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib() -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(TEXT).unwrap();
        encoder.finish().unwrap()
    }

    fn bare() -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(TEXT).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn reads_gzip_and_both_kinds_of_deflate() {
        for (name, bytes) in [("gzip", gzip()), ("Deflate ", zlib()), ("deflate", bare())] {
            let decoded = Coding::named(name).unwrap().decode(&bytes, TEXT.len());
            assert_eq!(decoded.unwrap().as_deref(), Some(TEXT), "{name}");
        }
        assert_eq!(Coding::named("br"), None);
    }

    #[test]
    fn stops_at_the_limit() {
        let decoded = Coding::Gzip.decode(&gzip(), TEXT.len() - 1).unwrap();
        assert_eq!(decoded, None);
    }

    #[test]
    fn reports_what_is_broken() {
        for bytes in [&gzip()[..20], b"not compressed at all"] {
            Coding::Gzip.decode(bytes, 1024).unwrap_err();
        }
        Coding::Deflate.decode(&zlib()[..10], 1024).unwrap_err();
    }
}
