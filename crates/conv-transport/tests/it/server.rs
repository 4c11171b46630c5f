//! A scripted server on loopback. The test controls each connection byte by byte.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub(crate) struct Server {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn accept(&self) -> Peer<TcpStream> {
        Peer(self.listener.accept().await.unwrap().0)
    }
}

/// The server's side of one connection.
pub(crate) struct Peer<S>(pub(crate) S);

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// Reads the next request, head and body. Returns `None` if the client has closed the connection.
    pub(crate) async fn request(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            match self.0.read_u8().await {
                Ok(byte) => bytes.push(byte),
                Err(_) => return None,
            }
        }
        let head = String::from_utf8(bytes).unwrap();
        let length = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, length)| length.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        Some(head + std::str::from_utf8(&body).unwrap())
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    pub(crate) async fn respond(&mut self, body: &str) {
        let length = body.len();
        self.write(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await;
    }
}
