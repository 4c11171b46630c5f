//! Profiles: the configuration file, the environment, and stored logins.

use std::process::Command;

use crate::process::{
    Ended, Folder, LENE, PASSWORD, Process, TOSH, command, lene, run_with_input, server,
};

/// The binary with this folder for its configuration, and without a password in its environment.
fn configured(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = command(arguments);
    command
        .env("XDG_CONFIG_HOME", folder.path())
        .env_remove("SKYPE_P2P_PASSWORD");
    command
}

fn run_in(folder: &Folder, arguments: &[&str]) -> Ended {
    Process::start(configured(folder, arguments)).end()
}

fn config(folder: &Folder, text: &str) {
    std::fs::create_dir_all(folder.path().join("skype-p2p")).unwrap();
    folder.file("skype-p2p/config.toml", text);
}

#[test]
fn a_login_is_stored_for_its_owner_only_and_used_until_the_logout() {
    let (_server, root) = server();
    let mut lene = lene(&root, &[]);
    let folder = Folder::new("login");
    let login = [
        "login",
        "--profile",
        "work",
        "--root",
        &root,
        "--user",
        TOSH,
    ];
    let mut wrong = configured(&folder, &login);
    wrong.env("SKYPE_P2P_PASSWORD", "wrong");
    assert_eq!(Process::start(wrong).end().code, Some(4));
    let stored = folder.path().join("skype-p2p/logins/work.json");
    assert!(!stored.exists(), "a refused password is not stored");

    let mut right = configured(&folder, &login);
    right.args(["--password-file", "-"]);
    let ended = run_with_input(right, PASSWORD);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let expected = [
        "Logged in toshm@contoso.com, profile work.",
        "The password is in a file that only you can read.",
    ];
    assert_eq!(ended.stdout, expected);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The URL of a proxy in the configuration can have a password.
        for file in [&stored, &folder.path().join("skype-p2p/config.toml")] {
            let mode = std::fs::metadata(file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        }
    }
    let text = std::fs::read_to_string(folder.path().join("skype-p2p/config.toml")).unwrap();
    assert!(!text.contains(PASSWORD), "{text}");

    let send = ["send", "--profile", "work", "--to", "lenea", "Hi"];
    let sent = run_in(&folder, &send);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    lene.line_of("messages.added", "Hi");
    let listed = run_in(&folder, &["profiles"]).stdout;
    assert_eq!(
        listed,
        [format!("  work  toshm@contoso.com  {root}  logged in")]
    );

    let logout = run_in(&folder, &["logout", "--profile", "work"]);
    assert_eq!(logout.stdout, ["Removed the login of profile work."]);
    assert!(!stored.exists());
    assert_eq!(run_in(&folder, &send).code, Some(2), "no password");
    let again = run_in(&folder, &["logout", "--profile", "work"]);
    assert_eq!(again.stdout, ["Profile work has no login."]);
}

#[test]
fn options_are_used_before_variables_and_variables_before_the_file() {
    let folder = Folder::new("precedence");
    config(
        &folder,
        "default_profile = \"work\"\n[profile.work]\nroot = \"https://file.contoso.com/\"\nuser = \"toshm@contoso.com\"\ntrust = [\"contoso.net\"]\nproxy = \"http://tosh:hunter2@proxy:3128\"\n",
    );
    let check = |variable: Option<&str>, more: &[&str]| {
        let arguments = [&["config", "check"], more].concat();
        let mut checking = configured(&folder, &arguments);
        if let Some(root) = variable {
            checking.env("SKYPE_P2P_ROOT", root);
        }
        let ended = Process::start(checking).end();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended.stdout
    };
    let of_file = check(None, &[]);
    for line in [
        "profile = work",
        "root = https://file.contoso.com/ (profile work)",
        "user = toshm@contoso.com (profile work)",
        "trust = contoso.net (profile work)",
        "proxy = http://***@proxy:3128 (profile work)",
        "password = none",
    ] {
        assert!(of_file.iter().any(|it| it == line), "{line}: {of_file:?}");
    }
    let variable = Some("https://variable.contoso.com/");
    let line = "root = https://variable.contoso.com/ (variable SKYPE_P2P_ROOT)";
    assert!(check(variable, &[]).iter().any(|it| it == line));
    let option = check(variable, &["--root", "https://option.contoso.com/"]);
    let line = "root = https://option.contoso.com/ (option --root)";
    assert!(option.iter().any(|it| it == line), "{option:?}");
}

#[test]
fn the_password_of_a_proxy_is_hidden_also_without_a_scheme() {
    let folder = Folder::new("proxy-password");
    for proxy in ["http://tosh:hunter2@proxy:3128", "tosh:hunter2@proxy:3128"] {
        let checked = run_in(
            &folder,
            &["config", "check", "--user", TOSH, "--proxy", proxy],
        );
        let output = format!("{checked:?}");
        assert!(
            output.contains("***@proxy:3128 (option --proxy)"),
            "{output}"
        );
        assert!(!output.contains("hunter2"), "{output}");
    }
}

#[test]
fn a_mistake_in_the_configuration_is_named() {
    let folder = Folder::new("mistakes");
    for (text, more, why) in [
        ("[profile.work]\nusr = \"x\"\n", &[][..], "profile.work.usr"),
        ("[profile.work]\npassword = \"x\"\n", &[], "login"),
        ("", &["--profile", "home"], "There is no profile home"),
        ("", &["--profile", "../home"], "cannot be the name"),
        ("", &[], "There is no user"),
        ("", &["--user", TOSH, "--ca-file", "/nowhere"], "/nowhere"),
        ("", &["--user", TOSH, "--pin", "host"], "HOST=sha256//"),
        (
            "",
            &["--user", TOSH, "--representation", "yaml"],
            "json, xml",
        ),
        (
            "[profile.default]\nrepresentation = \"yaml\"\n",
            &["--user", TOSH],
            "representation (profile default): expected json or xml",
        ),
        (
            "[profile.default]\nauth = \"kerberos\"\n",
            &["--user", TOSH],
            "auth (profile default): expected password or bearer",
        ),
    ] {
        config(&folder, text);
        let ended = run_in(&folder, &[&["config", "check"], more].concat());
        assert_eq!(
            ended.code,
            Some(2),
            "{text} {more:?}: {}",
            ended.stdout.join("\n")
        );
        assert!(
            ended.stderr.contains(why),
            "{text} {more:?}: {}",
            ended.stderr
        );
    }
}

#[test]
fn a_profile_has_everything_that_a_sign_in_needs() {
    let (_server, root) = server();
    let _lene = lene(&root, &[]);
    let folder = Folder::new("whole");
    config(
        &folder,
        &format!(
            "[profile.default]\nroot = \"{root}\"\nuser = \"toshm\"\nrepresentation = \"xml\"\nendpoint_id = \"alerts\"\nlog = \"trace\"\n"
        ),
    );
    let mut sending = configured(&folder, &["send", "--to", LENE, "Hi"]);
    sending.env("SKYPE_P2P_PASSWORD", PASSWORD);
    let sent = Process::start(sending).end();
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    assert!(
        sent.stderr.contains("submit"),
        "the log is that of the profile"
    );
}
