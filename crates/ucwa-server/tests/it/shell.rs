//! The shell over loopback.

use std::net::Ipv4Addr;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use ucwa_proto::{Limits, Representation, Resource};
use ucwa_server::{Fault, HttpConfig, Server, ServerConfig, User};

use crate::harness::{LENE, PASSWORD, TOSH};

async fn server() -> Server {
    let config = ServerConfig::new([
        User::new(TOSH, "Tosh Meston", PASSWORD).unwrap(),
        User::new(LENE, "Lene Aaling", PASSWORD).unwrap(),
    ]);
    Server::bind((Ipv4Addr::LOCALHOST, 0), config)
        .await
        .unwrap()
}

/// A client with one connection.
pub(crate) struct Wire {
    host: String,
    pub(crate) token: String,
    sender: http1::SendRequest<Full<Bytes>>,
    connection: JoinHandle<hyper::Result<()>>,
}

impl Wire {
    pub(crate) async fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(server.local_addr()).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        Self {
            connection: tokio::spawn(connection),
            host: server.local_addr().to_string(),
            token: String::new(),
            sender,
        }
    }

    fn builder(&self, method: Method, href: &str) -> http::request::Builder {
        let path = href
            .strip_prefix(&format!("http://{}", self.host))
            .unwrap_or(href);
        let builder = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host);
        if self.token.is_empty() {
            builder
        } else {
            builder.header(AUTHORIZATION, format!("Bearer {}", self.token))
        }
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        let (head, body) = self
            .sender
            .send_request(request)
            .await
            .unwrap()
            .into_parts();
        Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    }

    pub(crate) async fn get(&mut self, href: &str) -> Response<Bytes> {
        let request = self.builder(Method::GET, href);
        self.send(request.body(Full::default()).unwrap()).await
    }

    pub(crate) async fn post(
        &mut self,
        href: &str,
        content_type: &str,
        body: &str,
    ) -> Response<Bytes> {
        let request = self
            .builder(Method::POST, href)
            .header(CONTENT_TYPE, content_type)
            .header(CONTENT_LENGTH, body.len());
        let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
        self.send(request.body(body).unwrap()).await
    }

    /// Signs in by links, from the root URL to an application.
    async fn sign_in(&mut self, root: &str, name: &str) -> Resource<'static> {
        let user = resource(&self.get(root).await)
            .link_href("user")
            .unwrap()
            .to_owned();
        let challenge = self.get(&user).await;
        let token = challenge
            .headers()
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .find_map(|value| value.to_str().unwrap().strip_prefix("MsRtcOAuth href=\""))
            .and_then(|value| value.split('"').next())
            .unwrap()
            .to_owned();
        let grant = format!("grant_type=password&username={name}&password=pass%40word1");
        let form = "application/x-www-form-urlencoded;charset=UTF-8";
        let token = resource(&self.post(&token, form, &grant).await);
        self.token = token.text("access_token").unwrap().to_owned();
        let user = resource(&self.get(&user).await);
        let body = r#"{"culture":"en-US","endpointId":"a917c6f4","userAgent":"UCWA Samples"}"#;
        let applications = user.link_href("applications").unwrap();
        let created = self.post(applications, "application/json", body).await;
        assert_eq!(created.status(), StatusCode::CREATED);
        resource(&created)
    }
}

fn resource(response: &Response<Bytes>) -> Resource<'static> {
    Resource::decode(response.body(), Representation::Json, &Limits::default())
        .unwrap()
        .into_owned()
}

#[tokio::test]
async fn a_pending_get_is_answered_when_there_are_events() {
    let server = server().await;
    let mut commands = Wire::connect(&server).await;
    let application = commands.sign_in(&server.root_url(), TOSH).await;
    let events = application.link_href("events").unwrap().to_owned();
    let make = application.embedded("me").unwrap();
    let make = make.link_href("makeMeAvailable").unwrap().to_owned();

    let mut waiting = Wire::connect(&server).await;
    waiting.token.clone_from(&commands.token);
    let poll = tokio::spawn(async move { waiting.get(&events).await });
    // The pending GET may arrive before or after the POST. It is answered when there are events.
    let body = r#"{"supportedModalities":["Messaging"]}"#;
    let made = commands.post(&make, "application/json", body).await;
    assert_eq!(made.status(), StatusCode::NO_CONTENT);
    let page = poll.await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    assert!(resource(&page).link("next").is_some());
    server.shutdown().await;
}

#[tokio::test]
async fn a_token_of_one_server_is_unknown_to_the_next() {
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let server = server().await;
        let mut wire = Wire::connect(&server).await;
        wire.sign_in(&server.root_url(), TOSH).await;
        tokens.push(wire.token.clone());
    }
    assert_ne!(tokens[0], tokens[1]);

    let server = server().await;
    let mut wire = Wire::connect(&server).await;
    wire.token = tokens.swap_remove(0);
    let user = wire.get(crate::harness::USER).await;
    assert_eq!(user.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_server_with_a_seed_repeats_its_tokens() {
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let mut config = ServerConfig::new([User::new(TOSH, "Tosh Meston", PASSWORD).unwrap()]);
        config.seed = Some(7.into());
        let server = Server::bind((Ipv4Addr::LOCALHOST, 0), config)
            .await
            .unwrap();
        let mut wire = Wire::connect(&server).await;
        wire.sign_in(&server.root_url(), TOSH).await;
        tokens.push(wire.token);
    }
    assert_eq!(tokens[0], tokens[1]);
}

#[tokio::test]
async fn a_post_without_a_length_gets_411() {
    let server = server().await;
    let mut wire = Wire::connect(&server).await;
    // hyper sends no content-length for an empty body.
    let request = wire.builder(Method::POST, "/WebTicket/oauthtoken");
    let response = wire.send(request.body(Full::default()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::LENGTH_REQUIRED);
    let response = wire.post("/WebTicket/oauthtoken", "text/plain", "").await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_dropped_connection_loses_no_events() {
    let server = server().await;
    let mut commands = Wire::connect(&server).await;
    let application = commands.sign_in(&server.root_url(), TOSH).await;
    let events = application.link_href("events").unwrap();
    let mut waiting = Wire::connect(&server).await;
    waiting.token.clone_from(&commands.token);
    let request = waiting.builder(Method::GET, events);
    let mut request = pin!(
        waiting
            .sender
            .send_request(request.body(Full::default()).unwrap())
    );
    tokio::select! {
        biased;
        _ = &mut request => panic!("there are no events"),
        root = commands.get("/") => assert_eq!(root.status(), StatusCode::OK),
    }
    waiting.connection.abort();
    assert!(request.await.is_err());
    let resume = Fault::Resume {
        user: TOSH.to_owned(),
    };
    server.inject(resume).await.unwrap();
    let page = resource(&commands.get(events).await);
    assert!(page.link("resume").is_some());
}

#[tokio::test]
async fn shutting_down_closes_connections() {
    let server = server().await;
    let mut wire = Wire::connect(&server).await;
    let root = server.root_url();
    assert_eq!(wire.get(&root).await.status(), StatusCode::OK);
    server.shutdown().await;
    let request = wire.builder(Method::GET, &root);
    let request = request.body(Full::default()).unwrap();
    assert!(wire.sender.send_request(request).await.is_err());
}

/// A script that shares no code with this crate follows the links of the published chat.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_plays_the_published_chat() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/send_an_im.py");
    let server = server().await;
    let result = tokio::process::Command::new("python3")
        .arg(script)
        .arg(server.root_url())
        .args([format!("{TOSH}:{PASSWORD}"), format!("{LENE}:{PASSWORD}")])
        .stdin(Stdio::null())
        .output()
        .await;
    let output = match result {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let notice = "skipped: there is no python3 to result tests/send_an_im.py with";
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
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let server = server().await;
    let mut wire = Wire::connect(&server).await;
    let application = wire.sign_in(&server.root_url(), TOSH).await;
    for href in ["/", application.href().unwrap()] {
        let got = wire.get(href).await;
        let request = wire.builder(Method::HEAD, href);
        let head = wire.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(head.status(), StatusCode::OK);
        assert!(head.body().is_empty());
        let headers = |response: &Response<Bytes>| {
            let mut headers = response.headers().clone();
            headers.remove("x-ms-correlation-id");
            headers.remove("date");
            headers
        };
        assert_eq!(headers(&head), headers(&got));
        assert_eq!(
            head.headers()[CONTENT_LENGTH],
            got.body().len().to_string().as_str()
        );
    }
    server.shutdown().await;
}

async fn hosted(http: HttpConfig) -> Server {
    let config = ServerConfig::new([User::new(TOSH, "Tosh Meston", PASSWORD).unwrap()]);
    Server::bind_with((Ipv4Addr::LOCALHOST, 0), config, http)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_connection_beyond_the_limit_gets_503() {
    let mut http = HttpConfig::default();
    http.limits.connections = 2;
    let server = hosted(http).await;
    let root = server.root_url();
    let mut first = Wire::connect(&server).await;
    let mut second = Wire::connect(&server).await;
    for wire in [&mut first, &mut second] {
        assert_eq!(wire.get(&root).await.status(), StatusCode::OK);
    }
    let mut third = TcpStream::connect(server.local_addr()).await.unwrap();
    let mut answer = String::new();
    let read = third.read_to_string(&mut answer);
    timeout(Duration::from_secs(10), read)
        .await
        .unwrap()
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");

    // When a connection ends, another one is accepted.
    drop(first.sender);
    first.connection.await.unwrap().unwrap();
    loop {
        let mut next = Wire::connect(&server).await;
        let request = next.builder(Method::GET, &root);
        let request = request.body(Full::default()).unwrap();
        // The server may not have noticed the end of the first connection.
        match next.sender.send_request(request).await {
            Ok(response) if response.status() == StatusCode::OK => break,
            _ => tokio::task::yield_now().await,
        }
    }
    assert_eq!(second.get(&root).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn links_have_the_origin_that_a_listed_proxy_reports() {
    for (listed, origin) in [(true, "https://lync.contoso.com"), (false, "http://inside")] {
        let mut http = HttpConfig::default();
        if listed {
            http.proxies.push(Ipv4Addr::LOCALHOST.into());
        }
        let server = hosted(http).await;
        let mut wire = Wire::connect(&server).await;
        wire.host = "inside".to_owned();
        let request = wire
            .builder(Method::GET, "/")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", "lync.contoso.com");
        let root = wire.send(request.body(Full::default()).unwrap()).await;
        let user = resource(&root).link_href("user").unwrap().to_owned();
        assert!(user.starts_with(&format!("{origin}/")), "{user}");
    }
}

#[tokio::test]
async fn a_preflight_needs_no_token() {
    let page = "https://chat.contoso.com";
    let mut http = HttpConfig::default();
    http.allow_origin(page).unwrap();
    let server = hosted(http).await;
    let mut wire = Wire::connect(&server).await;
    let preflight = wire
        .builder(Method::OPTIONS, crate::harness::USER)
        .header("origin", page)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization");
    let answer = wire.send(preflight.body(Full::default()).unwrap()).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(answer.headers()["access-control-allow-origin"], page);

    // The page can also read the challenge.
    let request = wire.builder(Method::GET, crate::harness::USER);
    let request = request.header("origin", page);
    let challenge = wire.send(request.body(Full::default()).unwrap()).await;
    assert_eq!(challenge.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(challenge.headers()["access-control-allow-origin"], page);
    let exposed = challenge.headers()["access-control-expose-headers"].to_str();
    assert!(exposed.unwrap().contains("WWW-Authenticate"));
}

#[tokio::test]
async fn the_status_has_signed_in_users_and_failed_requests() {
    let server = server().await;
    let mut wire = Wire::connect(&server).await;
    wire.sign_in(&server.root_url(), TOSH).await;
    wire.get("/ucwa/oauth/v1/applications/7/me?secret=1").await;
    let status = server.status().await;
    assert_eq!(status.signed_in, [(TOSH.to_owned(), 1)]);
    // The challenge of the sign-in is not an error.
    let [error] = &status.errors[..] else {
        panic!("{:?}", status.errors);
    };
    assert_eq!(error.path, "/ucwa/oauth/v1/applications/7/me");
    assert_eq!(error.status, StatusCode::NOT_FOUND);
    assert_eq!(status.requests, 6);
}
