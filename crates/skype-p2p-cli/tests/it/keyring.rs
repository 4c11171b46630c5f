//! The password of a login in the keyring of the system, and in a file where there is none.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    process::{Command, Stdio},
};

use crate::process::{Ended, Folder, PASSWORD, Process, TOSH, command, server};

/// Whether the machine has the program.
fn has(program: &str) -> bool {
    let mut version = Command::new(program);
    version.arg("--version").stdout(Stdio::null());
    let found = version.status().is_ok();
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// The folders of a user: configuration, keyrings and sockets.
fn home() -> Folder {
    let folder = Folder::new("keyring");
    let run = folder.path().join("run");
    fs::create_dir(&run).unwrap();
    fs::set_permissions(run, fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

/// The stored login of the profile `default`.
fn stored(home: &Folder) -> String {
    let path = home.path().join("skype-p2p/logins/default.json");
    fs::read_to_string(path).unwrap()
}

/// The arguments of a login with this file.
fn login<'a>(root: &'a str, password: &'a str) -> [&'a str; 8] {
    let file = "--password-file";
    [
        "login", "-v", "--root", root, "--user", TOSH, file, password,
    ]
}

/// Runs the binary in a session bus of its own, after this shell command.
fn run_in_session(home: &Folder, before: &str, arguments: &[&str]) -> Ended {
    let binary = command([""; 0]);
    let mut session = Command::new("dbus-run-session");
    session
        .args(["--", "sh", "-c", &format!("{before} exec \"$@\""), "sh"])
        .arg(binary.get_program())
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, value) in binary.get_envs() {
        match value {
            Some(value) => session.env(name, value),
            None => session.env_remove(name),
        };
    }
    session
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path())
        .env("XDG_DATA_HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path().join("run"))
        .env_remove("SKYPE_P2P_PASSWORD");
    Process::start(session).end()
}

#[test]
fn the_keyring_of_the_system_has_the_password_until_the_logout() {
    if !has("dbus-run-session") || !has("gnome-keyring-daemon") {
        return;
    }
    let (_server, root) = server();
    let home = home();
    let password = home.file("password", PASSWORD);
    let unlock =
        "printf secret | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1;";
    let run = |arguments: &[&str]| run_in_session(&home, unlock, arguments);

    let ended = run(&login(&root, &password));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let place = "The password is in the keyring of the system.";
    assert_eq!(ended.stdout[1], place, "{}", ended.stderr);
    assert!(!stored(&home).contains(PASSWORD));

    // Another session, as after a restart.
    let checked = run(&["config", "check"]);
    for line in [
        "password = hidden (login, in the keyring of the system)",
        "keyring = that of the system",
    ] {
        assert!(
            checked.stdout.iter().any(|it| it == line),
            "{line}: {checked:?}"
        );
    }
    let probed = run(&["probe", "sign-in"]);
    assert_eq!(probed.code, Some(0), "{}", probed.stderr);

    // Without the keyring the password is not known, and the message says why.
    let mut without = command(["probe", "sign-in"]);
    without
        .env("XDG_CONFIG_HOME", home.path())
        .env_remove("SKYPE_P2P_PASSWORD");
    let ended = Process::start(without).end();
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("from the keyring: there is no session bus"),
        "{}",
        ended.stderr
    );

    let ended = run(&["logout"]);
    assert_eq!(
        ended.stdout,
        ["Removed the login of profile default."],
        "{}",
        ended.stderr
    );
    // The entry is gone, too: a login that names it finds nothing.
    let login = format!("{{\"user\":\"{TOSH}\",\"in_keyring\":true}}");
    home.file("skype-p2p/logins/default.json", login);
    let ended = run(&["probe", "sign-in"]);
    assert!(
        ended.stderr.contains("the keyring does not have it"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_session_bus_without_a_usable_keyring_does_not_stop_the_login() {
    if !has("dbus-run-session") {
        return;
    }
    let (_server, root) = server();
    let home = home();
    let password = home.file("password", PASSWORD);
    // If the keyring's program is installed, the bus starts it. It is locked, and there is no window for its password.
    let ended = run_in_session(&home, "", &login(&root, &password));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(
        ended.stdout[1],
        "The password is in a file that only you can read."
    );
    assert!(
        ended
            .stderr
            .contains("The keyring of the system is not used: "),
        "{}",
        ended.stderr
    );
    assert!(stored(&home).contains(PASSWORD));
}

#[test]
fn a_session_bus_that_does_not_answer_does_not_stop_the_login() {
    let (_server, root) = server();
    let home = home();
    let socket = home.path().join("silent");
    let _silent = UnixListener::bind(&socket).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = command(arguments);
        command.env("XDG_CONFIG_HOME", home.path()).env(
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={}", socket.display()),
        );
        Process::start(command).end()
    };
    let ended = run(&["login", "--root", &root, "--user", TOSH]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(
        ended.stdout[1],
        "The password is in a file that only you can read."
    );
    let checked = run(&["config", "check"]);
    let line = "keyring = none: it did not answer in time; login stores the password in a file";
    assert!(checked.stdout.iter().any(|it| it == line), "{checked:?}");
}
