//! The cross-domain frame: the page, and the handling of messages by its script.

use std::net::Ipv4Addr;
use std::process::Stdio;

use http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use ucwa_server::{HttpConfig, Server, ServerConfig, User};

use crate::harness::{PASSWORD, TOSH};

const PAGE: &str = "https://chat.contoso.com";

async fn server(origins: &[&str]) -> Server {
    let mut http = HttpConfig::default();
    for origin in origins {
        http.allow_origin(origin).unwrap();
    }
    let config = ServerConfig::new([User::new(TOSH, "Tosh Meston", PASSWORD).unwrap()]);
    Server::bind_with((Ipv4Addr::LOCALHOST, 0), config, http)
        .await
        .unwrap()
}

/// The complete response to a request without a token.
async fn get(server: &Server, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: lync\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn the_frame_is_served_without_a_token() {
    let server = server(&[PAGE, "http://localhost:8000"]).await;
    let root = get(&server, "GET", "/").await;
    let advertised = "/Autodiscover/XFrame/XFrame.html";
    assert!(root.contains(advertised), "{root}");
    for path in [advertised, "/xframe", "/XFrame/", "/xframe?origin=x"] {
        let frame = get(&server, "GET", path).await;
        assert!(frame.starts_with("HTTP/1.1 200"), "{path}: {frame}");
        let list = format!("const allowedOrigins = [\"{PAGE}\", \"http://localhost:8000\"];");
        assert!(frame.contains(&list), "{frame}");
        let policy =
            format!("content-security-policy: frame-ancestors {PAGE} http://localhost:8000\r\n");
        assert!(frame.contains(&policy), "{frame}");
    }
    let head = get(&server, "HEAD", "/xframe").await;
    assert!(head.starts_with("HTTP/1.1 200") && !head.contains("<script>"));
    let posted = get(&server, "POST", "/xframe").await;
    assert!(posted.starts_with("HTTP/1.1 405"), "{posted}");
}

#[tokio::test]
async fn a_server_without_allowed_origins_serves_a_frame_for_no_page() {
    let server = server(&[]).await;
    let frame = get(&server, "GET", "/xframe").await;
    assert!(frame.contains("const allowedOrigins = [];"), "{frame}");
    assert!(frame.contains("frame-ancestors 'none'"), "{frame}");
}

/// Runs the script of the frame in Node.js, with a server on loopback.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_frame_relays_the_requests_of_allowed_pages() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/xframe.mjs");
    let server = server(&[PAGE]).await;
    let result = tokio::process::Command::new("node")
        .arg(script)
        .args([&server.root_url(), PAGE, TOSH, PASSWORD])
        .stdin(Stdio::null())
        .output()
        .await;
    let output = match result {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let notice = "skipped: there is no node to result tests/xframe.mjs with\n";
            // `eprintln!` would be captured, since the test passes.
            std::io::Write::write_all(&mut std::io::stderr(), notice.as_bytes()).unwrap();
            return;
        }
        result => result.unwrap(),
    };
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && stdout.trim_end().ends_with("ok"),
        "{stdout}{stderr}"
    );
    let failed: Vec<_> = server.status().await.errors;
    let refused = failed.iter().any(|it| it.status == StatusCode::FORBIDDEN);
    assert!(
        !refused,
        "the frame names the origin of its page: {failed:?}"
    );
}
