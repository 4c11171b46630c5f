//! A server of a company: behind a TLS front with a certificate of a private authority, found by the domain of its users, and reached
//! through a proxy with a password. Everything is set in the configuration file.

use std::{process::Command, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, pem::PemObject as _},
    },
};

use crate::process::{Ended, Folder, LENE, PASSWORD, Process, TOSH, command, run_with_input};

/// `tosh:hunter2`
const PROXY_PASSWORD: &str = "Proxy-Authorization: Basic dG9zaDpodW50ZXIy";

/// The server, its front, and the proxy.
pub(crate) struct Company {
    /// The configuration folder, with the profiles `tosh` and `lene` without a root, and `authority.pem`.
    pub(crate) folder: Folder,
    /// The address of the proxy.
    pub(crate) proxy: String,
    runtime: Option<Runtime>,
    _server: Process,
}

impl Company {
    /// A company whose certificate is valid until this year.
    pub(crate) fn new(last_year: i32) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let inside = free.local_addr().unwrap().to_string();
        drop(free);
        let users = [
            "toshm:open-sesame:Tosh Meston",
            "lenea:open-sesame:Lene Aaling",
        ];
        let mut server = Process::start(command([
            "serve",
            "--listen",
            &inside,
            "--origin",
            "https://pool.contoso.com",
            "--user",
            users[0],
            "--user",
            users[1],
        ]));
        assert_eq!(server.line(), "https://pool.contoso.com/");

        let runtime = Runtime::new().unwrap();
        let (authority, acceptor) = front_certificate(last_year);
        let bind = || runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let (front, proxy) = (bind(), bind());
        let front_address = front.local_addr().unwrap().to_string();
        let proxy_address = proxy.local_addr().unwrap().to_string();
        runtime.spawn(end_tls(front, acceptor, inside));
        runtime.spawn(tunnel(proxy, front_address));

        let folder = Folder::new("company");
        std::fs::create_dir_all(folder.path().join("skype-p2p")).unwrap();
        let ca_file = folder.file("authority.pem", authority);
        let profile = |name: &str, user: &str| {
            format!(
                "[profile.{name}]\nuser = {user:?}\nca_file = {ca_file:?}\nproxy = \"http://tosh:hunter2@{proxy_address}\"\n"
            )
        };
        let text = profile("tosh", TOSH) + &profile("lene", LENE);
        folder.file("skype-p2p/config.toml", text);
        Self {
            folder,
            proxy: proxy_address,
            runtime: Some(runtime),
            _server: server,
        }
    }

    /// The binary with the configuration of the company, and without a password in its environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command
            .env("XDG_CONFIG_HOME", self.folder.path())
            .env_remove("SKYPE_P2P_PASSWORD")
            .env_remove("NO_PROXY")
            .env_remove("no_proxy");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Process::start(self.command(arguments)).end()
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The root certificate of an authority, and the front's side of TLS with a certificate for the two hosts of the company.
fn front_certificate(last_year: i32) -> (String, TlsAcceptor) {
    let mut root = CertificateParams::new([]).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.distinguished_name
        .push(DnType::CommonName, "Contoso Root");
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = ["lyncdiscover.contoso.com", "pool.contoso.com"].map(str::to_owned);
    let mut params = CertificateParams::new(names).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, "pool.contoso.com");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(last_year, 1, 1);
    let leaf = params.signed_by(&key, &root).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    (root.pem(), TlsAcceptor::from(Arc::new(config)))
}

/// The front: ends TLS, and passes the bytes to the server.
async fn end_tls(listener: TcpListener, acceptor: TlsAcceptor, server: String) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (acceptor, server) = (acceptor.clone(), server.clone());
        tokio::spawn(async move {
            if let Ok(mut outside) = acceptor.accept(stream).await {
                let mut inside = TcpStream::connect(server).await.unwrap();
                let _ = copy_bidirectional(&mut outside, &mut inside).await;
            }
        });
    }
}

/// A proxy that demands a password, and connects a client that asks for one of the two host names of the company with the TLS
/// front.
async fn tunnel(listener: TcpListener, front: String) {
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let front = front.clone();
        tokio::spawn(async move {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                let Ok(byte) = client.read_u8().await else {
                    return;
                };
                head.push(char::from(byte));
            }
            let knows_password = head
                .lines()
                .any(|line| line.eq_ignore_ascii_case(PROXY_PASSWORD));
            let known = ["lyncdiscover.contoso.com:443 ", "pool.contoso.com:443 "]
                .iter()
                .any(|name| head.starts_with(&format!("CONNECT {name}")));
            let refusal = match (knows_password, known) {
                (false, _) => {
                    "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\""
                }
                (true, false) => "502 Bad Gateway",
                (true, true) => {
                    let mut server = TcpStream::connect(front).await.unwrap();
                    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                    return;
                }
            };
            let response = format!("HTTP/1.1 {refusal}\r\nContent-Length: 0\r\n\r\n");
            let _ = client.write_all(response.as_bytes()).await;
        });
    }
}

#[test]
fn the_whole_story_is_a_matter_of_configuration() {
    let company = Company::new(2100);
    for profile in ["tosh", "lene"] {
        let login = company.command(&["login", "--profile", profile, "--password-file", "-"]);
        let ended = run_with_input(login, PASSWORD);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
    let checked = company.run(&["config", "check", "--profile", "tosh"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    assert!(!checked.stdout.join("\n").contains("hunter2"));

    let listen = ["listen", "--profile", "lene", "--accept", "known", "--json"];
    let mut lene = Process::start(company.command(&listen));
    lene.line_of("sign_in.state", "SignedIn");
    let sent = company.run(&["send", "--profile", "tosh", "--to", LENE, "Lunch at noon?"]);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    lene.line_of("messages.added", "Lunch at noon?");
    drop(lene);

    let probed = company.run(&["probe", "--profile", "tosh", "--to-profile", "lene"]);
    assert_eq!(probed.code, Some(0), "{}", probed.stderr);
}

#[test]
fn each_part_of_the_configuration_is_needed() {
    let company = Company::new(2100);
    let file = company.folder.path().join("skype-p2p/config.toml");
    let whole = std::fs::read_to_string(file).unwrap();
    for (key, why) in [
        ("ca_file", "not trusted"),
        ("proxy", "no server could be reached"),
    ] {
        let lines = whole.lines().filter(|line| !line.starts_with(key));
        let part: String = lines.map(|line| format!("{line}\n")).collect();
        company.folder.file("skype-p2p/config.toml", part);
        let arguments = [
            "send",
            "--profile",
            "tosh",
            "--to",
            LENE,
            "--timeout",
            "20",
            "Hi",
        ];
        let mut sending = company.command(&arguments);
        sending.env("SKYPE_P2P_PASSWORD", PASSWORD);
        let sent = Process::start(sending).end();
        assert_eq!(sent.code, Some(4), "{key}: {}", sent.stderr);
        assert!(sent.stderr.contains(why), "{key}: {}", sent.stderr);
    }
}
