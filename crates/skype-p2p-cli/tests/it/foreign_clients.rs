//! Clients that share no code with this project, with a process of `skype-p2p serve`: a program in Python, and pages in Chromium.

use std::{
    env,
    ffi::OsString,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
};

use crate::{
    hosting::{Scratch, serve_over_tls},
    process::{LENE, PASSWORD, TOSH, serve},
};

const ALEX: &str = "alexd@contoso.com";

const USERS: &str = r#"
[[user]]
uri = "toshm@contoso.com"
name = "Tosh Meston"
password = "open-sesame"
groups = { Team = ["alexd@contoso.com"] }

[[user]]
uri = "lenea@contoso.com"
name = "Lene Aaling"
password = "open-sesame"

[[user]]
uri = "alexd@contoso.com"
name = "Alex Darrow"
password = "open-sesame"
"#;

/// The steps of the Python client. The server must offer each of them: the client does not fail at a missing link, but reports it.
const REQUIRED: [&str; 12] = [
    "sign_in",
    "contact_list",
    "contacts",
    "groups",
    "presence",
    "search",
    "chat",
    "typing",
    "third_participant",
    "leave",
    "history",
    "sign_out",
];

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/clients")
}

/// Whether a program succeeds with these arguments. If not, prints the reason why the test is skipped.
fn available(program: impl Into<OsString>, arguments: &[&str], otherwise: &str) -> bool {
    let result = Command::new(program.into())
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    let available = result.is_ok_and(|output| output.status.success());
    if !available {
        // `eprintln!` would be captured, since the test passes.
        let notice = format!("skipped: {otherwise}\n");
        std::io::stderr().write_all(notice.as_bytes()).unwrap();
    }
    available
}

fn client(script: &str) -> Command {
    let mut command = Command::new("python3");
    command
        .arg(clients().join(script))
        .env("SKYPE_P2P_PASSWORD", PASSWORD)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null());
    command
}

/// The lines that a client printed. Panics if the client failed.
fn lines(output: &Output) -> Vec<String> {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}{stderr}");
    stdout.lines().map(str::to_owned).collect()
}

/// Runs the Python client in one representation, over TLS.
fn follow_links(representation: &str) {
    let without = "python3 has no library requests (python3-requests in Debian)";
    if !available("python3", &["-c", "import requests"], without) {
        return;
    }
    let file = Scratch::with(&format!("{representation}-client.toml"), USERS);
    let root = Scratch::new(&format!("{representation}-client.pem"));
    let (_server, url) = serve_over_tls(&file, &root);
    let output = client("requests_client.py")
        .args([&url, representation, TOSH, LENE, ALEX])
        .env("REQUESTS_CA_BUNDLE", root.path())
        .output()
        .unwrap();
    let lines = lines(&output);
    // The contact list of the configuration.
    let group = format!("group Team: sip:{ALEX}");
    assert!(lines.contains(&group), "{lines:?}");
    for step in REQUIRED {
        assert!(
            lines.contains(&format!("{step}: done")),
            "{step}: {lines:?}"
        );
    }
}

#[test]
fn a_client_in_python_follows_the_links_in_json() {
    follow_links("json");
}

#[test]
fn a_client_in_python_follows_the_links_in_xml() {
    follow_links("xml");
}

/// Serves the files of the page until the process ends. Returns the port.
fn serve_page() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // A browser opens connections on which it sends nothing, so each connection has a thread.
            thread::spawn(move || send_file(&stream));
        }
    });
    port
}

fn send_file(mut stream: &TcpStream) -> std::io::Result<()> {
    let mut head = BufReader::new(stream).lines();
    let line = head.next().transpose()?.unwrap_or_default();
    while head
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let (status, kind, body) = match line.split(' ').nth(1) {
        Some("/chat.html") => (
            "200 OK",
            "text/html",
            fs::read(clients().join("chat.html"))?,
        ),
        Some("/chat.js") => (
            "200 OK",
            "text/javascript",
            fs::read(clients().join("chat.js"))?,
        ),
        _ => ("404 Not Found", "text/plain", Vec::new()),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(&body)
}

#[test]
fn pages_of_a_listed_origin_chat_and_a_page_of_another_origin_is_refused() {
    let browser = env::var_os("CHROMIUM").unwrap_or_else(|| "chromium".into());
    let without = "Chromium is not installed (chromium in Debian)";
    if !available(browser, &["--version"], without)
        || !available("python3", &["--version"], "there is no python3")
    {
        return;
    }
    // Two host names of one port are two origins.
    let port = serve_page();
    let listed = format!("http://127.0.0.1:{port}");
    let config = format!("allowed_origins = [\"{listed}\"]\n{USERS}");
    let file = Scratch::with("pages.toml", &config);
    let (_server, url) = serve(&["--config", file.path()]);
    let output = client("cross_origin.py")
        .args([&url, TOSH, LENE])
        .arg(format!("{listed}/chat.html"))
        .arg(format!("http://localhost:{port}/chat.html"))
        .output()
        .unwrap();
    assert_eq!(
        lines(&output),
        [
            "a chat between the frame and CORS",
            "CORS refused",
            "the frame refused"
        ]
    );
}
