//! The client for the terminal: conversations, colours, and the end of the client.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use skype_p2p::{Application, MessageStatus};

use crate::{
    process::{
        Folder, LENE, PASSWORD, PATIENCE, Process, TOSH, lene, run, server, signed_in,
        signed_in_with,
    },
    tmux::Tmux,
};

const BINARY: &str = env!("CARGO_BIN_EXE_skype-p2p");

const PAGE: &str = include_str!("../../../../docs/src/chat.md");

/// The screen with the same time in every line.
fn without_time(screen: &str) -> Vec<String> {
    let mut lines: Vec<_> = screen.lines().map(|it| it.trim_end().to_owned()).collect();
    for line in &mut lines {
        if let Some((left, _)) = line.split_once("── ") {
            *line = format!("{left}── DAY ──");
        }
        let colon = line.find(':').filter(|at| {
            let digits = |range| {
                line.get(range)
                    .is_some_and(|it: &str| it.bytes().all(|it| it.is_ascii_digit()))
            };
            *at >= 2 && digits(*at - 2..*at) && digits(*at + 1..*at + 3)
        });
        if let Some(at) = colon {
            line.replace_range(at - 2..at + 3, "HH:MM");
        }
    }
    lines
}

/// The command that starts the client in this environment, and writes the number of its process into the file.
fn numbered(environment: &str, file: &Path) -> String {
    let file = file.display();
    format!("{environment} sh -c 'echo $$ >{file}; exec \"$0\" \"$@\"'")
}

#[test]
fn a_typed_message_is_delivered_and_answered() {
    let (_server, root) = server();
    let _lene = lene(&root, &["--echo"]);
    let Some(tmux) = Tmux::chat(&root, TOSH, &["lenea"]) else {
        return;
    };
    tmux.wait_for("lenea@contoso.com> (online)");
    tmux.type_text("Is there an echo?");
    tmux.wait_for("> Is there an echo?");
    tmux.press(&["Enter"]);
    tmux.wait_for("✓ Is there an echo?");
    let screen = tmux.wait_for("Echo: Is there an echo?");
    let mut expected = vec![String::new(); 24];
    let mut line = |index: usize, text: &str| expected[index] = text.to_owned();
    line(
        0,
        "Tosh Meston (online) Lene Aaling <lenea@contoso.com> (online)",
    );
    for row in 1..23 {
        line(row, "                    │");
    }
    line(1, "● Lene Aaling       │");
    line(16, "                    │── DAY ──");
    line(17, "                    │HH:MM Tosh Meston");
    line(18, "                    │✓ Is there an echo?");
    line(19, "                    │HH:MM Lene Aaling");
    line(20, "                    │  Echo: Is there an echo?");
    line(22, "                    │>");
    line(
        23,
        "F1 help · Ctrl+O open a chat · Ctrl+N/P next/previous · Ctrl+Q quit",
    );
    assert_eq!(without_time(&screen), expected);
    tmux.press(&["C-q"]);
    tmux.wait_for_end(0);
}

/// The keys are typed as soon as the client has the terminal: usually before it has signed in. What a terminal keeps of keys that were typed
/// before that is the terminal's choice.
#[test]
fn keys_typed_before_the_conversation_is_open_are_in_its_message() {
    let (_server, root) = server();
    let Some(tmux) = Tmux::chat(&root, TOSH, &["lenea"]) else {
        return;
    };
    tmux.wait_for("F1 help");
    tmux.type_text("Are you there?");
    let screen = tmux.wait_for("│> Are you there?");
    // The name is read after the conversation was opened.
    assert!(screen.contains("lenea@contoso.com"), "{screen}");
    tmux.wait_for("Lene Aaling <lenea@contoso.com>");
    // The message is not sent, so that one key does not quit.
    tmux.press(&["C-q"]);
    tmux.wait_for("A message to Lene Aaling is not sent. Ctrl+Q again quits.");
    tmux.press(&["C-q"]);
    tmux.wait_for("code 0");
}

#[test]
fn a_closed_terminal_ends_the_client() {
    let (_server, root) = server();
    let folder = Folder::new("chat-hangup");
    let file = folder.path().join("pid");
    let arguments = ["--root", &root, "--user", TOSH];
    let Some(tmux) = Tmux::start(&numbered("", &file), &arguments) else {
        return;
    };
    tmux.wait_for("There are no conversations.");
    let process: u32 = fs::read_to_string(file).unwrap().trim().parse().unwrap();
    drop(tmux);
    let runs = || {
        let mut kill = Command::new("kill");
        kill.args(["-0", &process.to_string()])
            .stderr(Stdio::null());
        kill.status().unwrap().success()
    };
    let deadline = Instant::now() + PATIENCE;
    while runs() {
        assert!(Instant::now() < deadline, "the client still runs");
        thread::sleep(Duration::from_millis(50));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_accepted_and_the_chat_goes_both_ways() {
    let (_server, root) = server();
    let Some(tmux) = Tmux::signed_in(&root, LENE) else {
        return;
    };
    let tosh = signed_in(&root, TOSH).await;
    let conversation = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let chat = conversation.chat_service();
    let hostile = "Lunch?\u{1b}[2J\u{9b}31m\u{202e}";
    let sent = tokio::spawn(chat.send_message(hostile));
    tmux.wait_for("Tosh Meston invites you: Lunch?");
    let screen = tmux.screen();
    assert!(screen.contains("Tosh Meston      !"), "{screen}");
    tmux.press(&["C-y"]);
    sent.await.unwrap().unwrap();
    tmux.wait_for("  Lunch?␛[2J\u{fffd}31m");
    chat.send_is_typing().await.unwrap();
    tmux.wait_for("Tosh Meston is typing…");

    let answers = chat.messages();
    tmux.type_text("Yes");
    tmux.press(&["M-Enter"]);
    tmux.type_text("at noon 🍜");
    tmux.press(&["Enter"]);
    answers.size().wait_for(2).await.unwrap();
    assert_eq!(answers.get(1).unwrap().text(), "Yes\nat noon 🍜");
    tmux.wait_for("✓ Yes");

    // The next message fails, because Tosh is gone, and the reason is below it.
    conversation.leave().await.unwrap();
    tosh.sign_in_manager().sign_out().await.unwrap();
    tmux.wait_for("The conversation has ended");
    tmux.type_text("Hello?");
    tmux.press(&["Enter"]);
    tmux.wait_for("✗ Hello?");
    tmux.wait_for("not delivered: ");
    tmux.press(&["C-x"]);
    tmux.wait_for("There are no conversations.");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_declined() {
    let (_server, root) = server();
    let Some(tmux) = Tmux::signed_in(&root, LENE) else {
        return;
    };
    let tosh = signed_in(&root, TOSH).await;
    let conversation = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let sent = tokio::spawn(conversation.chat_service().send_message("Hi"));
    tmux.wait_for("invites you: Hi");
    tmux.press(&["C-d"]);
    assert!(sent.await.unwrap().is_err());
    let message = conversation.chat_service().messages().get(0).unwrap();
    assert_eq!(message.status().get(), MessageStatus::Failed);
    tmux.wait_for("The conversation has ended");
}

#[test]
fn a_person_is_searched_and_a_pasted_text_is_sent_only_by_enter() {
    let (_server, root) = server();
    let _lene = lene(&root, &["--echo"]);
    let Some(tmux) = Tmux::signed_in(&root, TOSH) else {
        return;
    };
    tmux.press(&["C-o"]);
    tmux.wait_for("Open a chat with");
    tmux.type_text("Lene");
    tmux.press(&["Enter"]);
    tmux.wait_for("  ● Lene Aaling <lenea@contoso.com> (online)");
    tmux.press(&["Enter"]);
    tmux.wait_until("the conversation", |screen| {
        !screen.contains("Open a chat with")
    });
    tmux.run(&["set-buffer", "one\ntwo\n"]);
    tmux.run(&["paste-buffer", "-p", "-r"]);
    let screen = tmux.wait_for("│  two");
    assert!(screen.contains("│> one"), "{screen}");
    assert!(!screen.contains("✓"), "{screen}");

    // The screen follows the size of the terminal, and the help covers it.
    tmux.run(&["resize-window", "-x", "100", "-y", "30"]);
    tmux.wait_until("the new size", |screen| {
        screen
            .lines()
            .nth(29)
            .is_some_and(|it| it.starts_with("F1 help"))
    });
    tmux.press(&["F1"]);
    tmux.wait_for("Any key closes this.");
    tmux.press(&["Enter"]);
    tmux.wait_until("the conversation", |screen| !screen.contains("Any key"));
    tmux.press(&["Enter"]);
    tmux.wait_for("✓ one");
}

#[tokio::test(flavor = "multi_thread")]
async fn archived_conversations_are_loaded_and_searched() {
    let (_server, root) = server();
    let _lene = lene(&root, &[]);
    let builder = Application::builder().history(true);
    let earlier = signed_in_with(builder, &root, TOSH).await;
    let manager = earlier.conversations_manager();
    manager.is_history_enabled().wait_for(true).await.unwrap();
    let conversation = manager.get_conversation(LENE).unwrap();
    let chat = conversation.chat_service();
    chat.send_message("Soup at noon").await.unwrap();
    chat.send_message("or pasta").await.unwrap();
    earlier.sign_in_manager().sign_out().await.unwrap();

    let Some(tmux) = Tmux::signed_in(&root, TOSH) else {
        return;
    };
    tmux.press(&["C-r"]);
    tmux.wait_for("✓ Soup at noon");
    tmux.wait_for("✓ or pasta");
    tmux.press(&["C-f"]);
    tmux.type_text("SOUP");
    tmux.wait_for("│find: SOUP");
    tmux.type_text("s");
    tmux.wait_for("│not found: SOUPs");
    tmux.press(&["Escape"]);
    tmux.wait_for("The conversation has ended. A message starts it again.");
}

#[test]
fn an_archived_chat_is_loaded_by_the_next_client() {
    let (_server, root) = server();
    let _lene = lene(&root, &["--echo"]);
    let Some(tmux) = Tmux::chat(&root, TOSH, &["--archive", "lenea"]) else {
        return;
    };
    tmux.wait_for("lenea@contoso.com>");
    tmux.type_text("Soup at noon");
    tmux.wait_for("> Soup at noon");
    tmux.press(&["Enter"]);
    tmux.wait_for("Echo: Soup at noon");
    tmux.press(&["C-q"]);
    tmux.wait_for_end(0);

    let Some(tmux) = Tmux::chat(&root, TOSH, &[]) else {
        return;
    };
    tmux.wait_for("There are no conversations.");
    tmux.press(&["C-r"]);
    tmux.wait_for("✓ Soup at noon");
    tmux.wait_for("Echo: Soup at noon");
}

#[test]
fn without_colors_the_screen_has_none_and_a_signal_restores_the_terminal() {
    let (_server, root) = server();
    let folder = Folder::new("chat");
    let pid = folder.path().join("pid");
    let colored = |environment: &str| {
        let arguments = ["--root", &root, "--user", TOSH, "--mouse", "lenea"];
        let tmux = Tmux::start(&numbered(environment, &pid), &arguments)?;
        tmux.wait_for("<lenea@contoso.com>");
        // Lene is not signed in: the reason is colored.
        tmux.type_text("Hi");
        tmux.wait_for("> Hi");
        tmux.press(&["Enter"]);
        tmux.wait_for("not delivered: ");
        let screen = tmux.run(&["capture-pane", "-p", "-e"]);
        // SGR 30 to 49 and 90 to 107 set colours, 39 and 49 the terminal's own.
        let colored = screen.split("\u{1b}[").skip(1).any(|sequence| {
            let parameters = sequence.split('m').next().unwrap_or_default();
            let codes = parameters
                .split(';')
                .filter_map(|code| code.parse::<u32>().ok());
            codes
                .into_iter()
                .any(|code| matches!(code, 30..=38 | 40..=48 | 90..=107))
        });
        let pid = fs::read_to_string(&pid).unwrap();
        let sent = Command::new("kill").args(["-TERM", pid.trim()]).status();
        assert!(sent.unwrap().success());
        tmux.wait_for_end(0);
        Some(colored)
    };
    let Some(with) = colored("env -u NO_COLOR") else {
        return;
    };
    assert!(with);
    assert_eq!(colored("env NO_COLOR=1"), Some(false));
}

/// Nothing is typed: the commands of the page bring the other user, and a conversation.
#[test]
fn the_commands_of_the_page_work() {
    let (_, block) = PAGE.split_once("```sh\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let port = free.unwrap().port().to_string();
    let block = block
        .replace("8080", &port)
        .replace("=secret", &format!("={PASSWORD}"));
    let lines: Vec<_> = block.lines().collect();
    let [password, serve, listen, chat] = lines[..] else {
        panic!("{block}");
    };
    assert!(password.starts_with("export SKYPE_P2P_PASSWORD="));
    let in_background = |line: &str| {
        let line = line
            .trim_end_matches([' ', '&'])
            .trim_end_matches(">lene.log");
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("exec {line}")])
            .env("SKYPE_P2P_PASSWORD", PASSWORD)
            .env("XDG_CONFIG_HOME", "/nowhere")
            .env("PATH", path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Process::start(shell)
    };
    let mut server = in_background(serve);
    assert!(server.line().contains(&port));
    let mut lene = in_background(listen);
    while !lene.line().contains("SignedIn") {}
    let arguments: Vec<_> = chat.split(' ').collect();
    assert_eq!(arguments[..2], ["skype-p2p", "chat"]);
    let Some(tmux) = Tmux::start("", &arguments[2..]) else {
        return;
    };
    tmux.wait_for("Lene Aaling <lenea@contoso.com> (online)");
}

/// The search path, with the folder of the binary at its beginning.
fn path() -> std::ffi::OsString {
    let folder = Path::new(BINARY).parent().unwrap().to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder).chain(std::env::split_paths(&others));
    std::env::join_paths(folders).unwrap()
}

#[test]
fn without_a_terminal_there_is_no_chat() {
    let (_server, root) = server();
    let ended = run(["chat", "--root", &root, "--user", TOSH]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("not a terminal"), "{ended:?}");
    let ended = run(["chat", "--root", &root, "--user", TOSH, "not an address"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("Cannot chat with"), "{ended:?}");
    // The keys of a terminal cannot be tokens at the same time.
    let Some(tmux) = Tmux::chat(&root, TOSH, &["--bearer"]) else {
        return;
    };
    let screen = tmux.wait_for_end(2);
    assert!(
        screen.contains("put the token into SKYPE_P2P_TOKEN"),
        "{screen}"
    );
}

#[test]
fn the_page_has_every_option_of_its_own() {
    let of = |command: &str| {
        let help = run([command, "--help"]).stdout.join("\n");
        let words = help.split(|c: char| !c.is_ascii_lowercase() && c != '-');
        let options = words.filter(|it| it.starts_with("--") && it.len() > 2);
        options.map(str::to_owned).collect::<Vec<_>>()
    };
    // Their options are those of the sign-in, and others that `chat` does not have.
    let shared = of("search");
    let own: Vec<_> = of("chat")
        .into_iter()
        .filter(|it| !shared.contains(it))
        .collect();
    assert_eq!(own, ["--theme", "--mouse", "--archive"]);
    for option in own {
        assert!(PAGE.contains(&format!("`{option}")), "{option}");
    }
}
