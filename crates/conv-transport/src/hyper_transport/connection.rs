//! An HTTP/1.1 connection, which the current exchange drives.

use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    mem::MaybeUninit,
    pin::Pin,
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
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf, Take},
    net::TcpStream,
};

/// The largest head of a response, and the largest read buffer, in bytes. hyper's default is 400 KiB.
pub(super) const HEAD_LIMIT: usize = 64 * 1024;

/// The most bytes of one read. A read that fills the buffer of 8 KiB makes hyper use larger ones, up to [`HEAD_LIMIT`], also while the
/// connection waits for the next event, for hours. A head that needs more room still gets it.
const READ_LIMIT: u64 = 8 * 1024 - 1;

/// A client that accepts the responses of old servers and proxies: a folded header is unfolded (RFC 9112, section 5.2), spaces before
/// the colon are removed, and a line that is not a header is skipped.
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
/// The connection has no task. The current exchange drives it, and dropping the exchange closes it immediately.
pub(super) struct Connection {
    pub(super) sender: http1::SendRequest<Body>,
    /// `None` after the connection has ended. Boxed, because the future of an exchange contains several connections.
    driver: Option<Box<Driver>>,
    pub(super) wire: Arc<Wire>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    /// Opens a connection on a stream that reports its state to `wire`.
    pub(super) async fn open(stream: Box<dyn Stream>, wire: Arc<Wire>) -> hyper::Result<Self> {
        let io = TokioIo::new(Watched {
            stream: stream.take(READ_LIMIT),
            wire: Arc::clone(&wire),
        });
        let (sender, driver) = http1().handshake(io).await?;
        Ok(Self {
            sender,
            driver: Some(Box::new(driver)),
            wire,
        })
    }

    /// Runs `future`, which depends on the connection, together with the connection. The future stays where the caller has pinned it,
    /// because an async function has room for an argument twice.
    pub(super) fn drive<F: Future>(
        &mut self,
        mut future: Pin<&mut F>,
    ) -> impl Future<Output = F::Output> {
        poll_fn(move |cx| {
            self.poll_driver(cx);
            future.as_mut().poll(cx)
        })
    }

    /// Whether the connection can send another request: it is idle and not known to be closed.
    pub(super) async fn is_reusable(&mut self) -> bool {
        poll_fn(|cx| {
            self.poll_driver(cx);
            Poll::Ready(self.sender.is_ready())
        })
        .await
    }

    /// Whether the operating system may have bytes, or the end of the stream, that the runtime has not noticed yet.
    pub(super) async fn may_have_unread_bytes(&mut self) -> bool {
        self.wire.reading.store(PEEK, Ordering::Relaxed);
        poll_fn(|cx| {
            self.poll_driver(cx);
            Poll::Ready(())
        })
        .await;
        self.wire.reading.swap(NORMAL, Ordering::Relaxed) != EMPTY
    }

    fn poll_driver(&mut self, cx: &mut Context<'_>) {
        if let Some(driver) = &mut self.driver
            && Pin::new(driver).poll(cx).is_ready()
        {
            // The response or the body reports the error to the exchange. Dropping the connection ends both.
            self.driver = None;
        }
    }
}

/// The state of a connection's socket.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// How much of the current request was sent.
    written: AtomicU8,
    /// Whether a read without a result asks the operating system, and its answer.
    reading: AtomicU8,
}

const UNTOUCHED: u8 = 0;
const WRITTEN: u8 = 1;
const FLUSHED: u8 = 2;

/// A read without a result waits for the runtime.
const NORMAL: u8 = 0;
/// A read without a result asks the operating system whether there is anything to read.
const PEEK: u8 = 1;
/// The operating system has nothing to read.
const EMPTY: u8 = 2;

impl Wire {
    /// Begins a new request.
    pub(super) fn reset(&self) {
        self.written.store(UNTOUCHED, Ordering::Relaxed);
    }

    /// Whether a byte of the request may have been sent.
    pub(super) fn is_touched(&self) -> bool {
        self.written.load(Ordering::Relaxed) != UNTOUCHED
    }

    /// Whether the whole request was sent.
    pub(super) fn is_flushed(&self) -> bool {
        self.written.load(Ordering::Relaxed) == FLUSHED
    }

    fn advance(&self, from: u8, to: u8) {
        let _ = self
            .written
            .compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// The TCP connection below a [`Watched`] stream.
pub(super) struct Tcp {
    stream: TcpStream,
    wire: Arc<Wire>,
}

impl Tcp {
    pub(super) fn new(stream: TcpStream, wire: Arc<Wire>) -> Self {
        Self { stream, wire }
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_pending() && self.wire.reading.load(Ordering::Relaxed) == PEEK {
            let peeked = SockRef::from(&self.stream).peek(&mut [MaybeUninit::uninit()]);
            if peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
                self.wire.reading.store(EMPTY, Ordering::Relaxed);
            }
        }
        read
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A stream that reports its writes to a [`Wire`], and limits its reads.
struct Watched {
    stream: Take<Box<dyn Stream>>,
    wire: Arc<Wire>,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream.set_limit(READ_LIMIT);
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // Before the call, because a TLS write that fails may have sent bytes.
        self.wire.advance(UNTOUCHED, WRITTEN);
        Pin::new(self.stream.get_mut()).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.wire.advance(UNTOUCHED, WRITTEN);
        Pin::new(self.stream.get_mut()).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.get_ref().is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(self.stream.get_mut()).poll_flush(cx);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.wire.advance(WRITTEN, FLUSHED);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.stream.get_mut()).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use http_body_util::BodyExt as _;
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// With and without TLS, with one buffer and with several, a write marks the request as sent before the write is tried.
    #[tokio::test]
    async fn every_write_is_marked() {
        for vectored in [false, true] {
            let (stream, other) = tokio::io::duplex(1024);
            let wire = Arc::new(Wire::default());
            let mut watched = Watched {
                stream: (Box::new(stream) as Box<dyn Stream>).take(READ_LIMIT),
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

    /// A stream that notes the room that hyper has for the last read.
    struct Noting(Watched, Arc<AtomicUsize>);

    impl AsyncRead for Noting {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.1.store(buffer.remaining(), Ordering::Relaxed);
            Pin::new(&mut self.0).poll_read(cx, buffer)
        }
    }

    impl AsyncWrite for Noting {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(cx, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }

    #[tokio::test]
    async fn a_large_response_does_not_enlarge_the_read_buffer() {
        let (stream, mut server) = tokio::io::duplex(1 << 20);
        let room = Arc::new(AtomicUsize::new(0));
        let watched = Watched {
            stream: (Box::new(stream) as Box<dyn Stream>).take(READ_LIMIT),
            wire: Arc::default(),
        };
        let io = TokioIo::new(Noting(watched, Arc::clone(&room)));
        let (mut sender, driver) = http1().handshake(io).await.unwrap();
        let driver = tokio::spawn(driver);
        for length in [200_000, 0] {
            sender.ready().await.unwrap();
            let request = http::Request::new(Full::new(Bytes::new()));
            let response = sender.send_request(request);
            let answer = async {
                assert_ne!(server.read(&mut [0; 1024]).await.unwrap(), 0);
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
                server.write_all(head.as_bytes()).await.unwrap();
                server.write_all(&vec![b'a'; length]).await.unwrap();
            };
            let (response, ()) = tokio::join!(response, answer);
            let body = response.unwrap().into_body().collect().await.unwrap();
            assert_eq!(body.to_bytes().len(), length);
        }
        tokio::task::yield_now().await;
        // While the connection waits, hyper has this room for the next response.
        assert_eq!(room.load(Ordering::Relaxed), 8 * 1024);
        driver.abort();
    }
}
