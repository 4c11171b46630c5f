//! Broken and hostile clients, on connections in memory and in virtual time.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use super::commit_queue::CommitQueue;
use super::connection::Connections;
use super::engine_task::{EngineHandle, run};
use super::http_config::HttpConfig;
use crate::config::{ServerConfig, User};
use crate::engine::Engine;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The server's side of connections, with an engine that has one user.
fn connections(http: HttpConfig) -> Connections {
    let user = User::new("toshm@contoso.com", "Tosh Meston", "secret").unwrap();
    let (engine, inbox) = EngineHandle::new();
    tokio::spawn(run(
        Engine::new(ServerConfig::new([user])),
        CommitQueue::new(None),
        inbox,
    ));
    Connections {
        http: Arc::new(http),
        traffic: Arc::default(),
        engine,
        local: "127.0.0.1:80".parse().unwrap(),
    }
}

/// The client's side of a connection.
struct Client {
    stream: DuplexStream,
    served: JoinHandle<()>,
}

impl Client {
    fn connect(connections: &Connections) -> Self {
        Self::with_buffer(connections, 64 * 1024)
    }

    /// A connection that buffers this many unread bytes.
    fn with_buffer(connections: &Connections, bytes: usize) -> Self {
        let (stream, server) = duplex(bytes);
        let served = tokio::spawn(connections.clone().serve(server, PEER));
        Self { stream, served }
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads one response, with a body of the announced length.
    async fn response(&mut self) -> String {
        let mut response = Vec::new();
        loop {
            response.push(self.stream.read_u8().await.unwrap());
            if response.ends_with(b"\r\n\r\n") {
                break;
            }
        }
        let head = String::from_utf8_lossy(&response).to_lowercase();
        let length = head
            .split_once("content-length: ")
            .and_then(|(_, rest)| rest.split_once('\r'))
            .map_or(0, |(length, _)| length.parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        response.extend(body);
        String::from_utf8(response).unwrap()
    }

    async fn exchange(&mut self, request: impl AsRef<[u8]>) -> String {
        self.send(request).await;
        self.response().await
    }

    /// Reads until the server closes the connection.
    async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        // A connection may also end with an error.
        let _ = self.stream.read_to_end(&mut rest).await;
        String::from_utf8_lossy(&rest).into_owned()
    }
}

fn post(length: usize) -> String {
    format!("POST /WebTicket/oauthtoken HTTP/1.1\r\nHost: lync\r\nContent-Length: {length}\r\n\r\n")
}

const CHUNKED: &str =
    "POST /WebTicket/oauthtoken HTTP/1.1\r\nHost: lync\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Asserts that a correct client gets a response.
async fn serves(connections: &Connections) {
    let mut client = Client::connect(connections);
    let answer = client.exchange("GET / HTTP/1.1\r\nHost: lync\r\n\r\n");
    let answer = timeout(Duration::from_secs(1), answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_complete_head_is_closed_after_the_timeout() {
    let connections = connections(HttpConfig::default());
    for beginning in ["", "GET", "GET / HTTP/1.1\r\nHost: lync\r\n"] {
        let began = Instant::now();
        let mut client = Client::connect(&connections);
        client.send(beginning).await;
        client.rest().await;
        let passed = began.elapsed().as_secs();
        assert!((29..=31).contains(&passed), "{beginning:?}: {passed} s");
    }
}

#[tokio::test(start_paused = true)]
async fn the_connection_of_a_head_that_arrives_byte_by_byte_is_closed_after_the_timeout() {
    let connections = connections(HttpConfig::default());
    let mut client = Client::connect(&connections);
    let began = Instant::now();
    for byte in "GET / HTTP/1.1\r\nHost: lync\r\nX-Slow: "
        .bytes()
        .chain([b'x'; 60])
    {
        if client.stream.write_all(&[byte]).await.is_err() {
            break;
        }
        sleep(Duration::from_secs(1)).await;
    }
    client.served.await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(33));
}

#[tokio::test(start_paused = true)]
async fn stalled_bodies_get_408_and_their_connections_are_closed() {
    let connections = connections(HttpConfig::default());
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for number in 0..300 {
        let mut client = Client::connect(&connections);
        clients.spawn(async move {
            let stalled = if number % 2 == 0 {
                post(100) + "grant_type=password"
            } else {
                CHUNKED.to_owned() + "10\r\ngrant"
            };
            client.send(stalled).await;
            let answer = client.rest().await;
            client.served.await.unwrap();
            answer
        });
    }
    while let Some(answer) = clients.join_next().await {
        let answer = answer.unwrap();
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    assert!(began.elapsed() < Duration::from_secs(31));
    serves(&connections).await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_arrives_byte_by_byte_gets_408() {
    let connections = connections(HttpConfig::default());
    let mut client = Client::connect(&connections);
    client.send(post(100)).await;
    let began = Instant::now();
    for _ in 0..100 {
        if client.stream.write_all(b"x").await.is_err() {
            break;
        }
        sleep(Duration::from_secs(1)).await;
    }
    assert!(client.rest().await.starts_with("HTTP/1.1 408"));
    assert!(began.elapsed() < Duration::from_secs(33));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_is_disconnected() {
    let connections = connections(HttpConfig::default());
    let mut client = Client::with_buffer(&connections, 64);
    let began = Instant::now();
    client.send("GET / HTTP/1.1\r\nHost: lync\r\n\r\n").await;
    let served = timeout(Duration::from_secs(90), client.served).await;
    served.unwrap().unwrap();
    let passed = began.elapsed().as_secs();
    assert!((29..=31).contains(&passed), "{passed} s");
}

#[tokio::test(start_paused = true)]
async fn a_head_beyond_the_limit_gets_431() {
    let connections = connections(HttpConfig::default());
    let long = format!(
        "GET / HTTP/1.1\r\nHost: lync\r\nX-Long: {}\r\n\r\n",
        "x".repeat(40 * 1024)
    );
    let many = format!(
        "GET / HTTP/1.1\r\nHost: lync\r\n{}\r\n",
        "X-Many: x\r\n".repeat(200)
    );
    for request in [long, many] {
        let mut client = Client::connect(&connections);
        client.send(request).await;
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    serves(&connections).await;
}

#[tokio::test(start_paused = true)]
async fn broken_chunks_get_400() {
    let connections = connections(HttpConfig::default());
    for chunks in [
        "hello\r\n",
        "5\r\nhelloX",
        "-1\r\n",
        "fffffffffffffffff\r\n",
        "5;\n\n\r\nhello\r\n",
    ] {
        let mut client = Client::connect(&connections);
        client.send(CHUNKED.to_owned() + chunks).await;
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{chunks:?}: {answer}");
    }
    serves(&connections).await;
}

#[tokio::test(start_paused = true)]
async fn a_body_beyond_the_limit_gets_413() {
    let connections = connections(HttpConfig::default());
    let mut announced = Client::connect(&connections);
    let answer = announced.exchange(post(2 * 1024 * 1024)).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");

    let mut client = Client::connect(&connections);
    client.send(CHUNKED).await;
    let chunk = format!("{:x}\r\n{}\r\n", 50_000, "x".repeat(50_000));
    for _ in 0..40 {
        if client.stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_host_gets_400() {
    let connections = connections(HttpConfig::default());
    for head in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    ] {
        let answer = Client::connect(&connections).exchange(head).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    let mut check = Client::connect(&connections);
    let answer = check.exchange("GET / HTTP/1.0\r\n\r\n").await;
    assert!(answer.contains("http://127.0.0.1/Autodiscover"), "{answer}");
}

/// None of the timeouts of a connection ends a pending GET.
#[tokio::test(start_paused = true)]
async fn a_pending_get_is_held_until_its_own_timeout() {
    let connections = connections(HttpConfig::default());
    let mut client = Client::connect(&connections);
    let grant = "grant_type=password&username=toshm@contoso.com&password=secret";
    let answer = client.exchange(post(grant.len()) + grant).await;
    let token = answer.split("\"access_token\":\"").nth(1).unwrap();
    let token = token.split('"').next().unwrap();
    let body = r#"{"culture":"en-US","endpointId":"1","userAgent":"test"}"#;
    let create = format!(
        "POST /ucwa/oauth/v1/applications HTTP/1.1\r\nHost: lync\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = client.exchange(create).await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let events = answer.split("\"events\":{\"href\":\"").nth(1).unwrap();
    let events = events.split('"').next().unwrap();
    let began = Instant::now();
    let poll =
        format!("GET {events} HTTP/1.1\r\nHost: lync\r\nAuthorization: Bearer {token}\r\n\r\n");
    let page = client.exchange(poll).await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert_eq!(began.elapsed().as_secs(), 180);
    serves(&connections).await;
}

#[tokio::test(start_paused = true)]
async fn random_bytes_neither_hang_nor_crash_the_server() {
    let seed = 20_261_130;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let connections = connections(HttpConfig::default());
    let heads = [
        String::new(),
        "GET / HTTP/1.1\r\nHost: lync\r\n".to_owned(),
        post(50),
        CHUNKED.to_owned(),
        "POST /ucwa/oauth/v1/applications/1/batch HTTP/1.1\r\nHost: lync\r\nContent-Type: "
            .to_owned(),
        "OPTIONS /xframe HTTP/1.1\r\nOrigin: ".to_owned(),
    ];
    for round in 0..600 {
        let mut bytes = heads[round % heads.len()].clone().into_bytes();
        let length = random.next_u32() % 300;
        for _ in 0..length {
            let byte = random.next_u32();
            // Half of the bytes are delimiters of HTTP and of URLs.
            let special = b"\r\n: /?%;,=\"0aF\x00\xff";
            let pick = usize::try_from(byte >> 8).unwrap();
            bytes.push(if byte % 2 == 0 {
                special[pick % special.len()]
            } else {
                pick.to_le_bytes()[0]
            });
        }
        let mut client = Client::connect(&connections);
        // The server may have closed the connection.
        let _ = client.stream.write_all(&bytes).await;
        let _ = client.stream.shutdown().await;
        let answer = timeout(Duration::from_secs(61), client.rest()).await;
        assert!(answer.is_ok(), "seed {seed}, round {round}: no end");
        let served = client.served.await;
        assert!(served.is_ok(), "seed {seed}, round {round}: {served:?}");
    }
    serves(&connections).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_without_its_engine_answers_503_and_reports_the_failure() {
    let mut connections = connections(HttpConfig::default());
    let (engine, inbox) = EngineHandle::new();
    let waiting = timeout(Duration::from_secs(60), engine.closed()).await;
    assert!(waiting.is_err(), "the engine is there");
    drop(inbox);
    engine.closed().await;
    connections.engine = engine;
    let mut client = Client::connect(&connections);
    let answer = client
        .exchange("GET / HTTP/1.1\r\nHost: lync\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}

#[cfg(feature = "tls")]
#[tokio::test(start_paused = true)]
async fn the_connection_of_a_stalled_handshake_is_closed_after_the_timeout() {
    let (identity, _) = super::TlsIdentity::self_signed(["localhost".to_owned()]).unwrap();
    let connections = connections(HttpConfig {
        tls: Some(identity),
        ..HttpConfig::default()
    });
    // A client without a byte, and a client of plain HTTP, whose first bytes are no handshake.
    for beginning in ["", "GET / HTTP/1.1\r\nHost: lync\r\n\r\n"] {
        let began = Instant::now();
        let mut client = Client::connect(&connections);
        client.send(beginning).await;
        client.rest().await;
        client.served.await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(31));
    }
}
