use crate::process::{Process, command, run, sending};

#[test]
fn the_root_is_the_first_line_and_the_users_follow() {
    let mut server = Process::start(command(["serve"]));
    let root = server.line();
    assert!(
        root.starts_with("http://127.0.0.1:") && root.ends_with('/'),
        "{root}"
    );
    let (tosh, lene) = (server.line(), server.line());
    assert!(
        tosh.contains("sip:toshm@contoso.com") && tosh.contains("Tosh Meston"),
        "{tosh}"
    );
    assert!(
        lene.contains("sip:lenea@contoso.com") && lene.contains("Lene Aaling"),
        "{lene}"
    );
    // The passwords of the sandbox are there to be used.
    let password = tosh
        .rsplit_once("password ")
        .unwrap()
        .1
        .trim_end_matches(')');
    let mut sending = sending(&root, "toshm", "lenea@contoso.com", &["Hi"]);
    sending.env("SKYPE_P2P_PASSWORD", password);
    assert_eq!(
        Process::start(sending).end().code,
        Some(1),
        "signed in, and nobody was there"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_of_commands_without_a_sign_in() {
    for arguments in [
        &["serve"][..],
        &["man"],
        &["completions", "bash"],
        &["logout"],
    ] {
        let full = std::fs::File::create("/dev/full").unwrap();
        let ended = command(arguments).stdout(full).output().unwrap();
        assert_eq!(ended.status.code(), Some(5), "{arguments:?}: {ended:?}");
        let stderr = String::from_utf8_lossy(&ended.stderr);
        let sentence = "skype-p2p: Cannot write to standard output: ";
        assert!(stderr.starts_with(sentence), "{arguments:?}: {stderr}");
    }
}

#[test]
fn it_listens_where_it_is_told() {
    let mut server = Process::start(command(["serve", "--listen", "localhost:0"]));
    let root = server.line();
    assert!(
        root.starts_with("http://127.0.0.1:") || root.starts_with("http://[::1]:"),
        "{root}"
    );
}

#[test]
fn given_users_are_told_without_their_passwords() {
    let mut server = Process::start(command([
        "serve",
        "--user",
        "johnd@fabrikam.com:secret:John Doe",
    ]));
    server.line();
    assert_eq!(server.line(), "sip:johnd@fabrikam.com John Doe");
}

#[test]
fn accounts_that_make_no_sense_are_refused() {
    for account in ["johnd:", ":secret", "john d:secret"] {
        assert_eq!(run(["serve", "--user", account]).code, Some(2), "{account}");
    }
    assert_eq!(
        run(["serve", "--user", "johnd:a", "--user", "JohnD:b"]).code,
        Some(2)
    );
    assert_eq!(run(["serve", "--listen", "nowhere"]).code, Some(2));
}

#[cfg(unix)]
#[test]
fn interrupted_it_ends_well() {
    for signal in ["TERM", "INT"] {
        let mut server = Process::start(command(["serve"]));
        server.line();
        server.signal(signal);
        let server = server.end();
        assert_eq!(server.code, Some(0), "{}", server.stderr);
    }
}
