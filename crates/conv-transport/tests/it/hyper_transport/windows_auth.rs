//! Tests of Windows authentication against an independent acceptor: pyspnego. The tests install it from PyPI if Python is available.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use conv_transport::{
    ConnectionAuth, HttpTransport, HyperConfig, HyperTransport, Lane, SendOptions, TlsConfig,
    TransportError, TransportErrorKind, WindowsCredentials,
};
use http::{Request, Response, StatusCode};
use tokio::join;

use super::{LONG, tls::TestPki};
use crate::server::Server;

const PASSWORD: &str = "open-sesame";

/// Returns a Python interpreter with pyspnego. If pyspnego cannot be installed, prints the reason and returns `None`.
fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let python = PYTHON.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pyspnego");
        let python = folder.join("bin").join("python");
        let runs = |command: &mut Command| {
            let command = command.stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        let ready = || runs(Command::new(&python).args(["-c", "import spnego"]));
        let there = ready()
            || (runs(Command::new("python3").args(["-m", "venv"]).arg(&folder))
                && runs(Command::new(&python).args(["-m", "pip", "install", "pyspnego==0.12.4"]))
                && ready());
        fs::write(users(), format!("CONTOSO:toshm:{PASSWORD}\n")).unwrap();
        there.then_some(python)
    });
    if python.is_none() {
        eprintln!("not tested: pyspnego, the acceptor, could not be installed");
    }
    python.as_deref()
}

/// Returns the file with the accounts that the acceptor accepts.
fn users() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("ntlm-users")
}

/// An acceptor in a separate process. Dropping it ends the process.
struct Acceptor {
    process: Child,
    port: u16,
}

impl Acceptor {
    fn start(python: &Path, arguments: &[&str]) -> Self {
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/hyper_transport/acceptor.py");
        let mut process = Command::new(python)
            .arg(script)
            .args(arguments)
            .env("NTLM_USER_FILE", users())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            port: line.trim().parse().unwrap(),
            process,
        }
    }
}

impl Drop for Acceptor {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn transport(password: &str, tls: TlsConfig) -> HyperTransport {
    let mut config = HyperConfig::default();
    config.windows = Some(WindowsCredentials::new("toshm", "CONTOSO", password).unwrap());
    config.tls = tls;
    let transport = HyperTransport::with_config(config);
    assert!(!format!("{transport:?}").contains(password));
    transport
}

async fn post(transport: &HyperTransport, url: String) -> Result<Response<Bytes>, TransportError> {
    let request = Request::post(url).body(Bytes::from_static(b"a ticket, please"));
    let mut options = SendOptions::new(Lane::Commands, LONG);
    options.authentication = Some(ConnectionAuth::Windows);
    transport.send(request.unwrap(), options).await
}

#[tokio::test]
async fn pyspnego_accepts_the_handshake() {
    let Some(python) = python() else { return };
    for scheme in ["NTLM", "Negotiate"] {
        let acceptor = Acceptor::start(python, &[scheme]);
        let url = |path| format!("http://127.0.0.1:{}{path}", acceptor.port);
        let transport = transport(PASSWORD, TlsConfig::new());
        let response = post(&transport, url("/ticket")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{scheme}");
        assert_eq!(response.body(), "CONTOSO\\toshm says a ticket, please");

        let response = post(&transport, url("/open")).await.unwrap();
        assert_eq!(response.body(), "no questions asked");

        let wrong = self::transport("close-sesame", TlsConfig::new());
        let response = post(&wrong, url("/ticket")).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{scheme}");
        assert_eq!(response.body(), "not you");
    }
}

#[tokio::test]
async fn the_handshake_is_bound_to_the_servers_certificate() {
    let Some(python) = python() else { return };
    let pki = TestPki::new().await;
    let pem = Path::new(env!("CARGO_TARGET_TMPDIR")).join("acceptor.pem");
    fs::write(&pem, pki.identity("localhost").pem()).unwrap();
    for (scheme, kind, status) in [
        ("NTLM", "bound", StatusCode::OK),
        ("NTLM", "misbound", StatusCode::UNAUTHORIZED),
        ("Negotiate", "bound", StatusCode::OK),
        ("Negotiate", "misbound", StatusCode::UNAUTHORIZED),
    ] {
        let acceptor = Acceptor::start(python, &[scheme, pem.to_str().unwrap(), kind]);
        let transport = transport(PASSWORD, pki.trusting());
        let url = format!("https://localhost:{}/ticket", acceptor.port);
        let response = post(&transport, url).await.unwrap();
        assert_eq!(response.status(), status, "{scheme}, {kind}");
    }
}

/// Returns an NTLM challenge with every field that a server sets (MS-NLMP, 2.2.1.2).
fn challenge() -> Vec<u8> {
    let mut challenge = b"NTLMSSP\0\x02\0\0\0".to_vec();
    let name = b"C\0O\0";
    let pairs = b"\x02\0\x04\0C\0O\0\x07\0\x08\0\0\0\0\0\0\0\xd0\x01\0\0\0\0";
    let field = |length: usize, offset: u32| {
        let length = u16::try_from(length).unwrap().to_le_bytes();
        [&length[..], &length, &offset.to_le_bytes()].concat()
    };
    challenge.extend(field(name.len(), 56));
    challenge.extend(0xe289_8215_u32.to_le_bytes());
    challenge.extend(b"\x01\x23\x45\x67\x89\xab\xcd\xef\0\0\0\0\0\0\0\0");
    challenge.extend(field(pairs.len(), 56 + 4));
    challenge.extend(b"\x0a\0\x63\x45\0\0\0\x0f");
    challenge.extend(name);
    challenge.extend(pairs);
    challenge
}

/// Wraps the challenge in a SPNEGO response that continues the negotiation with NTLM (RFC 4178, 4.2.2). Each length fits in one byte.
fn negotiated(challenge: &[u8]) -> Vec<u8> {
    let of = |tag: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).unwrap();
        assert!(length < 128);
        [&[tag, length], content].concat()
    };
    let ntlm = of(0x06, b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a");
    let members = [
        of(0xa0, &of(0x0a, &[1])),
        of(0xa1, &ntlm),
        of(0xa2, &of(0x04, challenge)),
    ];
    of(0xa1, &of(0x30, &members.concat()))
}

/// Makes a handshake with a server that offers one scheme and sends this token. Returns the result, and whether the client answered
/// the token.
async fn challenged(scheme: &str, token: &str) -> (Result<Response<Bytes>, TransportError>, bool) {
    let server = Server::bind().await;
    let transport = transport(PASSWORD, TlsConfig::new());
    let serve = async {
        let mut peer = server.accept().await;
        let demand = |token: &str| {
            format!(
                "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: {scheme} {token}\r\ncontent-length: 0\r\n\r\n"
            )
        };
        let first = peer.request().await.unwrap();
        assert!(
            first.contains("authorization: NTLM TlRMTVNTUAAB"),
            "{first}"
        );
        if scheme == "Negotiate" {
            peer.write(demand("")).await;
            let wrapped = peer.request().await.unwrap();
            assert!(wrapped.contains("authorization: Negotiate Y"), "{wrapped}");
        }
        peer.write(demand(token)).await;
        let answered = match peer.request().await {
            Some(second) => {
                let answer = match scheme {
                    "NTLM" => "authorization: NTLM TlRMTVNTUAAD",
                    _ => "authorization: Negotiate o",
                };
                assert!(second.contains(answer), "{second}");
                assert!(!second.contains(PASSWORD));
                peer.respond("welcome").await;
                true
            }
            None => false,
        };
        if answered {
            assert_eq!(peer.request().await, None, "the connection is used again");
        }
        answered
    };
    join!(post(&transport, server.url("/")), serve)
}

#[tokio::test]
async fn the_connection_is_closed_after_the_handshake() {
    for (scheme, token) in [
        ("NTLM", challenge()),
        ("Negotiate", negotiated(&challenge())),
    ] {
        let (response, answered) = challenged(scheme, &BASE64_STANDARD.encode(token)).await;
        assert_eq!(response.unwrap().body(), "welcome", "{scheme}");
        assert!(answered);
    }
}

/// Servers and proxies send challenges in one header or in several, in any order, and together with other schemes.
#[tokio::test]
async fn the_challenge_is_found_among_others() {
    let token = BASE64_STANDARD.encode(challenge());
    for (offer, answer) in [
        (
            "www-authenticate: Negotiate, NTLM\r\n".to_owned(),
            format!("www-authenticate: NTLM {token}, Negotiate\r\n"),
        ),
        (
            "www-authenticate: Basic realm=\"a, b\", NTLM\r\n".to_owned(),
            format!("www-authenticate: Negotiate, Basic realm=\"x\", NTLM {token}\r\n"),
        ),
        (
            "www-authenticate: NTLM\r\nwww-authenticate: Basic realm=\"x\"\r\n".to_owned(),
            format!("www-authenticate: NTLM\r\nwww-authenticate: ntlm {token}\r\n"),
        ),
    ] {
        let server = Server::bind().await;
        let transport = transport(PASSWORD, TlsConfig::new());
        let serve = async {
            let mut peer = server.accept().await;
            peer.request().await.unwrap();
            let demand = format!("HTTP/1.1 401 Unauthorized\r\n{answer}content-length: 0\r\n\r\n");
            peer.write(demand).await;
            let second = peer.request().await.unwrap();
            assert!(
                second.contains("authorization: NTLM TlRMTVNTUAAD"),
                "{answer}: {second}"
            );
            peer.respond("welcome").await;
        };
        let (response, ()) = join!(post(&transport, server.url("/")), serve);
        assert_eq!(response.unwrap().body(), "welcome", "{answer}");

        // A server that accepts NTLM only inside Negotiate sends its challenge in the same forms.
        let server = Server::bind().await;
        let serve = async {
            let mut peer = server.accept().await;
            peer.request().await.unwrap();
            let offer = offer.replace("NTLM", "Negotiate");
            let demand = format!("HTTP/1.1 401 Unauthorized\r\n{offer}content-length: 0\r\n\r\n");
            peer.write(demand).await;
            let wrapped = peer.request().await.unwrap();
            assert!(
                wrapped.contains("authorization: Negotiate Y"),
                "{offer}: {wrapped}"
            );
            peer.respond("welcome").await;
        };
        let (response, ()) = join!(post(&transport, server.url("/")), serve);
        assert_eq!(response.unwrap().body(), "welcome", "{offer}");
    }
}

#[tokio::test]
async fn a_malformed_token_is_an_error() {
    for (scheme, whole, cuts) in [
        ("NTLM", challenge(), 48),
        ("Negotiate", negotiated(&challenge()), 40),
    ] {
        let mut tokens: Vec<Vec<u8>> = (1..cuts).map(|end| whole[..end].to_vec()).collect();
        for at in 0..whole.len() {
            let mut token = whole.clone();
            token[at] ^= 0xff;
            tokens.push(token);
        }
        let mut errors = 0;
        for token in tokens {
            let (result, answered) = challenged(scheme, &BASE64_STANDARD.encode(token)).await;
            if let Err(error) = result {
                assert_eq!(error.kind(), TransportErrorKind::Protocol, "{error:?}");
                assert!(!answered);
                errors += 1;
            }
        }
        assert!(errors >= 40, "{scheme}: {errors}");
        let (result, _) = challenged(scheme, "no-base64!").await;
        assert_eq!(result.unwrap_err().kind(), TransportErrorKind::Protocol);
    }
}

#[test]
fn credentials_require_an_account_and_are_hidden_in_debug_output() {
    for (user, domain) in [
        ("toshm", "CONTOSO"),
        ("toshm@contoso.com", ""),
        ("toshm", ""),
    ] {
        let credentials = WindowsCredentials::new(user, domain, PASSWORD).unwrap();
        let shown = format!("{credentials:?}");
        assert!(
            !shown.contains(PASSWORD) && !shown.contains("toshm"),
            "{shown}"
        );
    }
    for (user, domain) in [("", "CONTOSO"), ("a\\b", "CONTOSO"), ("a", "CON\\TOSO")] {
        WindowsCredentials::new(user, domain, PASSWORD).unwrap_err();
    }
}
