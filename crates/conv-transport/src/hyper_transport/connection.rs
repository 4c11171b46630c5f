//! One HTTP/1.1 connection, driven by the exchange that uses it.

use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The largest head of a response, and the largest read buffer. hyper's own limit is 400 KiB, and a connection that waits for
/// events is held for hours with a buffer that grew with the pages that passed through it.
pub(super) const HEAD_LIMIT: usize = 64 * 1024;

/// HTTP/1.1 as old servers and proxies speak it: a folded header is unfolded (RFC 9112, section 5.2), spaces before the colon
/// are removed, and a line without a header is skipped.
pub(super) fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .max_buf_size(HEAD_LIMIT)
        .max_header_size(HEAD_LIMIT)
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .ignore_invalid_headers_in_responses(true);
    builder
}

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

type Body = Full<Bytes>;
type Driver = http1::Connection<TokioIo<Watched>, Body>;

/// A connection to one server.
///
/// No task stands behind it: whoever has an exchange on it drives it, and dropping that exchange closes it at once.
pub(super) struct Connection {
    pub(super) sender: http1::SendRequest<Body>,
    /// `None` once the connection has ended. Boxed, since an exchange has several places for a connection.
    driver: Option<Box<Driver>>,
    pub(super) wire: Arc<Wire>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) async fn open(stream: Box<dyn Stream>) -> hyper::Result<Self> {
        let wire = Arc::new(Wire::default());
        let io = TokioIo::new(Watched {
            stream,
            wire: Arc::clone(&wire),
        });
        let (sender, driver) = http1().handshake(io).await?;
        Ok(Self {
            sender,
            driver: Some(Box::new(driver)),
            wire,
        })
    }

    /// Runs `future`, which waits for this connection, and the connection beside it.
    pub(super) async fn drive<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            self.poll_driver(cx);
            future.as_mut().poll(cx)
        })
        .await
    }

    /// Whether the connection can take another request: it is idle and, as far as is known here, open.
    pub(super) async fn is_reusable(&mut self) -> bool {
        poll_fn(|cx| {
            self.poll_driver(cx);
            Poll::Ready(self.sender.is_ready())
        })
        .await
    }

    fn poll_driver(&mut self, cx: &mut Context<'_>) {
        if let Some(driver) = &mut self.driver
            && Pin::new(driver).poll(cx).is_ready()
        {
            // Its error reaches the exchange through the response or the body; dropping it releases both.
            self.driver = None;
        }
    }
}

/// What has happened on the wire to the request under way.
#[derive(Debug, Default)]
pub(super) struct Wire(AtomicU8);

const UNTOUCHED: u8 = 0;
const WRITTEN: u8 = 1;
const FLUSHED: u8 = 2;

impl Wire {
    /// Begins a new request.
    pub(super) fn reset(&self) {
        self.0.store(UNTOUCHED, Ordering::Relaxed);
    }

    /// Whether a byte of the request may have left.
    pub(super) fn is_touched(&self) -> bool {
        self.0.load(Ordering::Relaxed) != UNTOUCHED
    }

    /// Whether all of the request has left.
    pub(super) fn is_flushed(&self) -> bool {
        self.0.load(Ordering::Relaxed) == FLUSHED
    }

    fn advance(&self, from: u8, to: u8) {
        let _ = self
            .0
            .compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// A stream that tells its [`Wire`] what is written.
struct Watched {
    stream: Box<dyn Stream>,
    wire: Arc<Wire>,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // Before the call: under TLS a write that reports an error may have written all the same.
        self.wire.advance(UNTOUCHED, WRITTEN);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.wire.advance(UNTOUCHED, WRITTEN);
        Pin::new(&mut self.stream).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.wire.advance(WRITTEN, FLUSHED);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// Under TLS and outside of it, with one buffer and with several: a write marks the request before it is tried.
    #[tokio::test]
    async fn every_write_is_marked() {
        for vectored in [false, true] {
            let (stream, other) = tokio::io::duplex(1024);
            let wire = Arc::new(Wire::default());
            let mut watched = Watched {
                stream: Box::new(stream),
                wire: Arc::clone(&wire),
            };
            watched.flush().await.unwrap();
            assert!(!wire.is_touched() && !wire.is_flushed());
            let buffers = [io::IoSlice::new(b"a"), io::IoSlice::new(b"b")];
            if vectored {
                assert_ne!(watched.write_vectored(&buffers).await.unwrap(), 0);
            } else {
                assert_eq!(watched.write(b"a").await.unwrap(), 1);
            }
            assert!(wire.is_touched() && !wire.is_flushed());
            watched.flush().await.unwrap();
            assert!(wire.is_flushed());

            wire.reset();
            drop(other);
            if vectored {
                watched.write_vectored(&buffers).await.unwrap_err();
            } else {
                watched.write(b"a").await.unwrap_err();
            }
            assert!(wire.is_touched(), "a write that failed may have written");
        }
    }
}
