//! Content codings of HTTP bodies: gzip, deflate, brotli and zstd.

use std::io::{self, BufRead, Read};

use brotli_decompressor::Decompressor;
use flate2::{
    bufread::GzDecoder,
    read::{DeflateDecoder, ZlibDecoder},
};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

/// The greatest number of codings of a body. Only a hostile server uses more.
pub(crate) const MOST_CODINGS: usize = 8;

/// A coding that this crate decodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

const GZIP_MAGIC: &[u8] = b"\x1f\x8b";
#[cfg(feature = "har")]
const ZSTD_MAGIC: &[u8] = b"\x28\xb5\x2f\xfd";

impl Coding {
    /// The coding that a `content-encoding` header names, `None` for one that this crate does not decode.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The decoded bytes, `None` if there are more than `limit`.
    pub(crate) fn decode(self, bytes: &[u8], limit: usize) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Gzip => gunzip(bytes, limit),
            // In RFC 9110 deflate means zlib. Some servers send the bare stream.
            Self::Deflate if has_zlib_header(bytes) => read(ZlibDecoder::new(bytes), limit),
            Self::Deflate => read(DeflateDecoder::new(bytes), limit),
            Self::Brotli => read(Decompressor::new(bytes, 4096), limit),
            Self::Zstd => unzstd(bytes, limit),
        }
    }
}

#[cfg(feature = "har")]
impl Coding {
    /// The coding that the first bytes of a body show.
    pub(crate) fn sniffed(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(GZIP_MAGIC) {
            Some(Self::Gzip)
        } else if bytes.starts_with(ZSTD_MAGIC) {
            Some(Self::Zstd)
        } else {
            None
        }
    }
}

fn has_zlib_header(bytes: &[u8]) -> bool {
    matches!(bytes, [first, second, ..]
        if first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)).is_multiple_of(31))
}

/// Members follow each other; what follows the last one is padding, as gzip's own program reads it.
fn gunzip(mut bytes: &[u8], limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut decoded = Vec::new();
    loop {
        let mut member = GzDecoder::new(bytes);
        if !append(&mut member, &mut decoded, limit)? {
            return Ok(None);
        }
        bytes = member.into_inner();
        if !bytes.starts_with(GZIP_MAGIC) {
            return Ok(Some(decoded));
        }
    }
}

fn unzstd(mut bytes: &[u8], limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut decoded = Vec::new();
    loop {
        // The window of a frame is allocated before the first byte. RFC 8878 requires support for at least 8 MiB.
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(limit.max(8 << 20) as u64);
        let mut frame = StreamingDecoder::new_with_decoder(&mut bytes, decoder)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
        if !append(&mut frame, &mut decoded, limit)? {
            return Ok(None);
        }
        drop(frame);
        if bytes.fill_buf()?.is_empty() {
            return Ok(Some(decoded));
        }
    }
}

fn read(mut decoder: impl Read, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut decoded = Vec::new();
    let fits = append(&mut decoder, &mut decoded, limit)?;
    Ok(fits.then_some(decoded))
}

/// Reads to the end. Returns whether `decoded` has at most `limit` bytes.
fn append(decoder: &mut impl Read, decoded: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
    let left = limit.saturating_sub(decoded.len()) as u64;
    decoder.take(left.saturating_add(1)).read_to_end(decoded)?;
    Ok(decoded.len() <= limit)
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

    /// A stream of one meta-block that is stored, not compressed, and an empty last one (RFC 7932).
    fn brotli() -> Vec<u8> {
        let length = u32::try_from(TEXT.len() - 1).unwrap();
        // WBITS 16, not the last, 4 nibbles of length, stored; then the last and empty one.
        let header = length << 4 | 1 << 20;
        let mut stream = header.to_le_bytes()[..3].to_vec();
        stream.extend_from_slice(TEXT);
        stream.push(0x03);
        stream
    }

    fn zstd() -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(TEXT, ruzstd::encoding::CompressionLevel::Fastest)
    }

    #[test]
    fn reads_every_coding_and_both_kinds_of_deflate() {
        for (name, bytes) in [
            ("gzip", gzip()),
            ("Deflate ", zlib()),
            ("deflate", bare()),
            ("br", brotli()),
            ("zstd", zstd()),
        ] {
            let decoded = Coding::named(name).unwrap().decode(&bytes, TEXT.len());
            assert_eq!(decoded.unwrap().as_deref(), Some(TEXT), "{name}");
            let decoded = Coding::named(name).unwrap().decode(&bytes, TEXT.len() - 1);
            assert_eq!(decoded.unwrap(), None, "{name}");
        }
        assert_eq!(Coding::named("compress"), None);
    }

    /// What is broken far behind the limit is not found, since the decoder stops at the limit.
    #[test]
    fn decoding_ends_at_the_limit() {
        let large = vec![b'x'; 1 << 20];
        let cut = |mut bytes: Vec<u8>| {
            let kept = bytes.len() - 9;
            bytes.truncate(kept);
            bytes
        };
        let write = |mut encoder: GzEncoder<Vec<u8>>| {
            encoder.write_all(&large).unwrap();
            encoder.finish().unwrap()
        };
        let gzip = cut(write(GzEncoder::new(Vec::new(), Compression::default())));
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(&large).unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::default());
        bare.write_all(&large).unwrap();
        let zstd = ruzstd::encoding::compress_to_vec(
            &large[..],
            ruzstd::encoding::CompressionLevel::Fastest,
        );
        for (coding, bytes) in [
            (Coding::Gzip, gzip),
            (Coding::Deflate, cut(zlib.finish().unwrap())),
            (Coding::Deflate, cut(bare.finish().unwrap())),
            (Coding::Zstd, cut(zstd)),
            (Coding::Brotli, cut(brotli())),
        ] {
            let decoded = coding.decode(&bytes, 20);
            assert_eq!(decoded.unwrap(), None, "{coding:?}");
            coding.decode(&bytes, 2 << 20).unwrap_err();
        }
    }

    #[test]
    fn members_and_frames_follow_each_other() {
        for (coding, bytes) in [(Coding::Gzip, gzip()), (Coding::Zstd, zstd())] {
            let decoded = coding.decode(&bytes.repeat(2), 1024).unwrap().unwrap();
            assert_eq!(decoded, TEXT.repeat(2), "{coding:?}");
            let decoded = coding.decode(&bytes.repeat(2), TEXT.len()).unwrap();
            assert_eq!(decoded, None, "{coding:?}");
        }
    }

    #[test]
    fn padding_after_gzip_is_ignored() {
        let mut padded = gzip();
        padded.extend_from_slice(&[0; 512]);
        let decoded = Coding::Gzip.decode(&padded, 1024).unwrap();
        assert_eq!(decoded.as_deref(), Some(TEXT));
    }

    #[test]
    fn reports_what_is_broken() {
        for bytes in [&gzip()[..20], b"not compressed at all"] {
            Coding::Gzip.decode(bytes, 1024).unwrap_err();
        }
        Coding::Deflate.decode(&zlib()[..10], 1024).unwrap_err();
        Coding::Brotli.decode(&brotli()[..20], 1024).unwrap_err();
        Coding::Zstd.decode(&zstd()[..20], 1024).unwrap_err();
    }
}
