//! What a user of a real server needs to sign in: tokens, a Windows account, and an endpoint of a name.

use std::{
    fs::File,
    io::Write,
    net::Ipv4Addr,
    process::Stdio,
    thread::sleep,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;
use ucwa_server::{IssuedToken, Server, ServerConfig, User};

use crate::process::{Ended, LENE, PASSWORD, Process, TOSH, lene, run, send, sending, server};

const TOKEN: &str = "jwt.of.tosh";

/// A server in this process with Tosh and Lene, told more; and its root URL.
fn serving(tell: impl FnOnce(&mut ServerConfig)) -> (Runtime, Server, String) {
    let mut config = ServerConfig::new([
        User::new(TOSH, "Tosh Meston", PASSWORD).unwrap(),
        User::new(LENE, "Lene Aaling", PASSWORD).unwrap(),
    ]);
    tell(&mut config);
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(Server::bind((Ipv4Addr::LOCALHOST, 0), config));
    let server = server.unwrap();
    let root = server.root_url();
    (runtime, server, root)
}

fn taking_the_token(config: &mut ServerConfig) {
    let token = IssuedToken::new(TOKEN, TOSH, Duration::from_secs(3600));
    config.issued.push(token.unwrap());
    config.authorization_uri = Some("https://login.contoso.com/".to_owned());
}

/// Tosh writes to Lene, signed in with a token from there.
fn send_with_token(root: &str, variable: Option<&str>, input: Stdio) -> Ended {
    let mut sending = sending(root, TOSH, LENE, &["--bearer", "Lunch at noon?"]);
    sending.stdin(input);
    sending.env_remove("SKYPE_P2P_PASSWORD");
    sending
        .env_remove("SKYPE_P2P_TOKEN")
        .env("RUST_LOG", "trace");
    if let Some(token) = variable {
        sending.env("SKYPE_P2P_TOKEN", token);
    }
    let sent = Process::start(sending).end();
    assert!(sent.stderr.contains("submit"), "the log was on");
    assert!(!sent.stderr.contains(TOKEN), "the token is in the log");
    sent
}

#[test]
fn a_token_of_another_issuer_is_in_the_environment_or_on_the_standard_input() {
    let (_runtime, _server, root) = serving(taking_the_token);
    let mut lene = lene(&root, &[]);
    let sent = send_with_token(&root, Some(TOKEN), Stdio::null());
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    lene.line_of("messages.added", "Lunch at noon?");

    let path = std::env::temp_dir().join(format!("skype-p2p-token-{}", std::process::id()));
    writeln!(File::create(&path).unwrap(), "{TOKEN}").unwrap();
    let input = File::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let sent = send_with_token(&root, None, input.into());
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    let asked = "A token for 127.0.0.1 is needed. Get one at https://login.contoso.com/";
    assert!(sent.stderr.contains(asked), "{}", sent.stderr);
    lene.line_of("messages.added", "Lunch at noon?");
}

#[test]
fn without_a_good_token_there_is_no_sign_in() {
    let (_runtime, _server, root) = serving(taking_the_token);
    for token in [None, Some(""), Some("jwt.of.nobody")] {
        let sent = send_with_token(&root, token, Stdio::null());
        assert_eq!(sent.code, Some(4), "{token:?}: {}", sent.stderr);
        let why = match token {
            Some("jwt.of.nobody") => "127.0.0.1 refused the sign-in",
            _ => "there was no token for 127.0.0.1, or the token was refused",
        };
        assert!(sent.stderr.contains(why), "{token:?}: {}", sent.stderr);
    }
    let both = ["--bearer", "--password-file", "/nowhere", "Hi"];
    assert_eq!(send(&root, TOSH, LENE, &both).code, Some(2));
}

#[test]
fn an_endpoint_of_a_name_is_one_process_at_a_time() {
    let (_server, root) = server();
    let mut other = lene(&root, &["--endpoint-id", "phone"]);
    let mut two = [(); 2].map(|()| lene(&root, &["-v", "--endpoint-id", "desk"]));
    // They take the channel of their one application from each other, until one leaves it to the other.
    let began = Instant::now();
    while !two.iter_mut().any(Process::has_ended) {
        assert!(began.elapsed() < Duration::from_secs(30), "both live");
        sleep(Duration::from_millis(20));
    }
    let ended = two
        .into_iter()
        .find_map(|mut it| it.has_ended().then(|| it.end()));
    let ended = ended.unwrap();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("PGetReplaced"), "{}", ended.stderr);
    assert!(!other.has_ended(), "another endpoint is left alone");
}

#[test]
fn the_name_of_an_endpoint_is_neither_empty_nor_too_long() {
    for name in ["", &"x".repeat(101)] {
        let arguments = ["listen", "--root", "http://127.0.0.1:9/", "--user", LENE];
        let ended = run(arguments.iter().chain(&["--endpoint-id", name]));
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    }
}

#[cfg(feature = "windows-auth")]
#[test]
fn a_windows_account_signs_in_where_the_web_server_knows_it() {
    let send = |root: &str, account: &str| {
        let more = ["-v", "--windows-account", account, "Hi"];
        send(root, TOSH, LENE, &more)
    };
    let user = User::new(TOSH, "", "").unwrap().uri;
    let (_runtime, _server, root) = serving(|config| config.windows_user = Some(user));
    let _lene = lene(&root, &[]);
    for account in ["CONTOSO\\toshm", TOSH] {
        let sent = send(&root, account);
        assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    }
    assert_eq!(send(&root, "").code, Some(2));
    let (_runtime, _server, root) = serving(|_| {});
    let sent = send(&root, "CONTOSO\\toshm");
    assert_eq!(sent.code, Some(4));
    assert!(sent.stderr.contains("status 401"), "{}", sent.stderr);
}
