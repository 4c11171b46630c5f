//! A server that is left running: where it listens, its certificate, its file, its faults, and what it shows.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, body::Incoming, client, server, service::service_fn};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, pem::PemObject as _},
    },
};

use crate::process::{Ended, LENE, PASSWORD, Process, TOSH, command, run, send, sending, serve};

const FILE: &str = r#"
[[user]]
uri = "toshm@contoso.com"
name = "Tosh Meston"
password = "open-sesame"

[[user]]
uri = "lenea@contoso.com"
name = "Lene Aaling"
password = "open-sesame"
"#;

/// A file of this test, removed afterwards.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("skype-p2p-{}-{name}", std::process::id())))
    }

    pub(crate) fn with(name: &str, text: &str) -> Self {
        let file = Self::new(name);
        fs::write(&file.0, text).unwrap();
        file
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A server with this file and a generated certificate, whose root it writes; and its root URL.
pub(crate) fn serve_over_tls(file: &Scratch, root: &Scratch) -> (Process, String) {
    let tls = ["--tls", "self-signed", "--tls-root", root.path()];
    serve(&[&["--config", file.path()][..], &tls].concat())
}

/// Tosh writes to Lene, who listens; both trust the root certificate. Only Linux takes roots from a variable.
fn chat(root: &str, certificate: &Scratch) -> Ended {
    let mut listening = command(["listen", "--root", root, "--user", LENE]);
    listening.args(["--accept", "all", "--json"]);
    listening.env("SSL_CERT_FILE", certificate.path());
    let mut lene = Process::start(listening);
    lene.line_of("sign_in.state", "SignedIn");
    let mut sending = sending(root, TOSH, LENE, &["Hi"]);
    sending.env("SSL_CERT_FILE", certificate.path());
    Process::start(sending).end()
}

/// The response to one request, which closes its connection.
fn exchange(address: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let request = format!("{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn authority(root: &str) -> &str {
    let (_, rest) = root.split_once("://").unwrap();
    rest.split('/').next().unwrap()
}

/// The program of the tests has no script for web pages, unless its build had the feature and the package.
#[test]
#[cfg(not(feature = "web"))]
fn without_the_script_for_web_pages_the_user_is_told_how_to_build_it() {
    for arguments in [["serve", "--web"], ["demo", "--web"]] {
        let ended = run(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, [""; 0], "{arguments:?}");
        for step in [
            "built without the chat page",
            "`cargo xtask web`",
            "`--features web`",
        ] {
            assert!(
                ended.stderr.contains(step),
                "{arguments:?}: {}",
                ended.stderr
            );
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_chat_over_a_generated_certificate() {
    let (file, root) = (
        Scratch::with("generated.toml", FILE),
        Scratch::new("generated.pem"),
    );
    let (_server, url) = serve_over_tls(&file, &root);
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let sent = chat(&url, &root);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);

    // Without the root the certificate is not trusted.
    let sent = send(&url, TOSH, LENE, &["Hi"]);
    assert_eq!(sent.code, Some(4));
    assert!(sent.stderr.contains("certificate"), "{}", sent.stderr);
}

/// The root, a certificate for 127.0.0.1, and its key, in PEM.
fn certificate() -> (String, String, String) {
    let mut root = CertificateParams::new([]).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let leaf = params.signed_by(&key, &root).unwrap();
    (root.pem(), leaf.pem(), key.serialize_pem())
}

#[cfg(target_os = "linux")]
#[test]
fn a_chat_over_a_given_certificate() {
    let (root, leaf, key) = certificate();
    let file = Scratch::with("given.toml", FILE);
    let (root, leaf, key) = (
        Scratch::with("given-root.pem", &root),
        Scratch::with("given-cert.pem", &leaf),
        Scratch::with("given-key.pem", &key),
    );
    let arguments = [
        "--config",
        file.path(),
        "--tls-cert",
        leaf.path(),
        "--tls-key",
        key.path(),
    ];
    let (_server, url) = serve(&arguments);
    let sent = chat(&url, &root);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);

    for (certificate, key) in [(&key, &leaf), (&root, &key)] {
        let arguments = ["--tls-cert", certificate.path(), "--tls-key", key.path()];
        let refused = run([&["serve"], &arguments[..]].concat());
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    }
}

/// A proxy that ends TLS in front of the server, and says so.
async fn proxy(listener: TcpListener, acceptor: TlsAcceptor, upstream: String) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let service = service_fn(move |request| forward(upstream.clone(), request));
            let _ = server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn forward(
    upstream: String,
    request: Request<Incoming>,
) -> hyper::Result<hyper::Response<Full<Bytes>>> {
    let stream = tokio::net::TcpStream::connect(&upstream).await.unwrap();
    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let (mut head, body) = request.into_parts();
    let forwarded = "https".parse().unwrap();
    head.headers.insert("x-forwarded-proto", forwarded);
    let host = head.headers.insert("host", upstream.parse().unwrap());
    head.headers.insert("x-forwarded-host", host.unwrap());
    let body = Full::new(body.collect().await?.to_bytes());
    let response = sender.send_request(Request::from_parts(head, body)).await?;
    let (head, body) = response.into_parts();
    let body = Full::new(body.collect().await?.to_bytes());
    Ok(hyper::Response::from_parts(head, body))
}

#[cfg(target_os = "linux")]
#[test]
fn a_chat_through_a_proxy_that_ends_tls() {
    let file = Scratch::with("proxy.toml", FILE);
    let (_server, inside) = serve(&["--config", file.path(), "--proxy", "127.0.0.1"]);
    let (root, leaf, key) = certificate();
    let root = Scratch::with("proxy-root.pem", &root);
    let chain = vec![
        tokio_rustls::rustls::pki_types::CertificateDer::from_pem_slice(leaf.as_bytes()).unwrap(),
    ];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let runtime = Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let outside = format!("https://{}/", listener.local_addr().unwrap());
    let acceptor = TlsAcceptor::from(Arc::new(config));
    runtime.spawn(proxy(listener, acceptor, authority(&inside).to_owned()));
    // The client follows the links of the server, and would refuse http.
    let sent = chat(&outside, &root);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    runtime.shutdown_background();
}

#[test]
fn links_begin_with_the_given_origin() {
    let (mut server, root) = serve(&["--origin", "https://Lync.contoso.com:443"]);
    assert_eq!(root, "https://lync.contoso.com/");
    // Where it listens is not printed then: a proxy is told a port.
    server.line();
    assert_eq!(run(["serve", "--origin", "lync.contoso.com"]).code, Some(2));

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let arguments = ["--listen", &address, "--origin", "https://lync.contoso.com"];
    let (_server, _) = serve(&arguments);
    let answer = exchange(&address, "GET / HTTP/1.1\r\nHost: inside", "");
    assert!(answer.contains("https://lync.contoso.com/Auto"), "{answer}");
}

#[test]
fn beyond_loopback_it_needs_tls_or_a_word() {
    let file = Scratch::with("reach.toml", FILE);
    let everywhere = ["serve", "--listen", "0.0.0.0:0"];
    let with_file = ["--config", file.path()];
    for (more, why) in [
        (&[][..], "passwords of the built-in users are public"),
        (
            &["--plain-http"],
            "passwords of the built-in users are public",
        ),
        (&["--user", "toshm:secret"], "visible to all users"),
        (
            &["--user", "toshm:secret", "--plain-http"],
            "visible to all users",
        ),
        (&["--user", "toshm"], "without TLS"),
        (&with_file, "without TLS"),
    ] {
        let refused = run([&everywhere[..], more].concat());
        assert_eq!(refused.code, Some(2), "{more:?}");
        assert!(refused.stderr.contains(why), "{more:?}: {}", refused.stderr);
        assert!(refused.stdout.is_empty());
    }
    let (_server, root) = serve(&[&everywhere[1..], &with_file[..], &["--plain-http"]].concat());
    assert!(root.starts_with("http://127.0.0.1:"), "{root}");
}

#[test]
fn a_password_is_in_the_environment_or_in_a_file() {
    let secret = Scratch::with("password", "from-the-file\n");
    for (arguments, password) in [
        (&["--user", TOSH, "--user", "lenea::Lene"][..], PASSWORD),
        (
            &["--user", TOSH, "--password-file", secret.path()],
            "from-the-file",
        ),
    ] {
        let (_server, root) = serve(arguments);
        let mut sending = sending(&root, TOSH, LENE, &["Hi"]);
        sending.env("SKYPE_P2P_PASSWORD", password);
        let sent = Process::start(sending).end();
        assert_eq!(sent.code, Some(1), "signed in, and nobody was there");
    }
    let mut without = command(["serve", "--user", TOSH]);
    without.env_remove("SKYPE_P2P_PASSWORD");
    assert_eq!(Process::start(without).end().code, Some(2));
}

#[test]
fn a_mistake_in_the_file_is_told_with_its_line_and_without_the_password() {
    let file = Scratch::with(
        "mistake.toml",
        "[[user]]\nuri = \"a@b\"\npasword = \"hunter2\"\n",
    );
    let refused = run(["serve", "--config", file.path()]);
    assert_eq!(refused.code, Some(2));
    let place = format!("{}:3: unknown field `pasword`", file.path());
    assert!(refused.stderr.contains(&place), "{}", refused.stderr);
    assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);

    let missing = run(["serve", "--config", "no-such-file.toml"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.stderr.contains("no-such-file.toml"));
}

#[cfg(unix)]
#[test]
fn a_file_with_passwords_that_all_users_can_read_is_complained_about() {
    use std::os::unix::fs::PermissionsExt as _;
    let secret = Scratch::with("elsewhere", "open-sesame");
    let outside = FILE.replace(
        "password = \"open-sesame\"",
        &format!("password_file = {:?}", secret.path()),
    );
    for (text, mode, complains) in [
        (FILE, 0o644, true),
        (FILE, 0o640, false),
        (&outside, 0o644, false),
    ] {
        let file = Scratch::with("readable.toml", text);
        fs::set_permissions(&file.0, fs::Permissions::from_mode(mode)).unwrap();
        let (server, _) = serve(&["--config", file.path()]);
        server.signal("TERM");
        let told = server.end().stderr;
        assert_eq!(told.contains("can read it"), complains, "{mode:o}: {told}");
    }
}

#[test]
fn faults_are_taken_at_the_admin_address_only() {
    let file = Scratch::with("admin.toml", FILE);
    let arguments = ["--config", file.path(), "--admin", "127.0.0.1:0"];
    let (mut server, root) = serve(&arguments);
    server.line();
    server.line();
    let admin = server.line();
    let admin = authority(admin.strip_prefix("faults: ").unwrap()).to_owned();
    let post = |host: &str, path: &str, kind: &str, body: &str| {
        let head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}");
        exchange(&admin, &head, body)
    };
    let json = "application/json";
    let busy = r#"{"turn_away":{"method":"GET","count":1,"status":503,"retry_after":7}}"#;
    for (answer, status) in [
        (post("evil.example", "/faults", json, busy), 403),
        (
            post("localhost.evil.example:80", "/faults", json, busy),
            403,
        ),
        (post(&admin, "/faults", "text/plain", busy), 415),
        (post(&admin, "/", json, busy), 404),
        (post(&admin, "/faults", json, "\"explode\""), 400),
        (post(&admin, "/faults", json, "{"), 400),
        (
            exchange(
                &admin,
                &format!("GET /faults HTTP/1.1\r\nHost: {admin}"),
                "",
            ),
            405,
        ),
        (post(&admin, "/faults", json, busy), 204),
    ] {
        let line = format!("HTTP/1.1 {status}");
        assert!(answer.starts_with(&line), "{status}: {answer}");
    }
    let public = authority(&root);
    let get = format!("GET / HTTP/1.1\r\nHost: {public}");
    let answer = exchange(public, &get, "");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("retry-after: 7"), "{answer}");
    // Once, as it was asked for: none of the refused requests was a fault.
    assert!(exchange(public, &get, "").starts_with("HTTP/1.1 200"));
    // The server itself takes none.
    let head = format!("POST /faults HTTP/1.1\r\nHost: {public}\r\nContent-Type: {json}");
    assert!(exchange(public, &head, busy).starts_with("HTTP/1.1 401"));

    let refused = run(["serve", "--admin", "0.0.0.0:0"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("loopback"), "{}", refused.stderr);
}

#[test]
fn faults_of_the_file_strike_from_the_start() {
    let faults = r#"faults = [{ turn_away = { method = "GET", count = 1, status = 503 } }]"#;
    let file = Scratch::with("faults.toml", &format!("{faults}\n{FILE}"));
    let (_server, root) = serve(&["--config", file.path()]);
    let public = authority(&root);
    let get = format!("GET / HTTP/1.1\r\nHost: {public}");
    assert!(exchange(public, &get, "").starts_with("HTTP/1.1 503"));
    assert!(exchange(public, &get, "").starts_with("HTTP/1.1 200"));
}

#[test]
fn the_watch_tells_in_lines_who_comes_and_what_fails() {
    let file = Scratch::with("watch.toml", FILE);
    let (mut server, root) = serve(&["--config", file.path(), "--watch"]);
    server.line();
    server.line();
    assert!(server.line().starts_with("signed in 0, conversations 0"));
    let _lene = crate::process::lene(&root, &[]);
    while !server.line().starts_with("signed in 1, conversations 0") {}
    let public = authority(&root);
    let wrong =
        format!("GET /%1b%5b2J?secret HTTP/1.1\r\nHost: {public}\r\nAuthorization: Bearer x");
    exchange(public, &wrong, "");
    let error = loop {
        let line = server.line();
        if line.starts_with("error: ") {
            break line;
        }
    };
    assert_eq!(error, "error: GET /%1b%5b2J: 401 Unauthorized");
}
