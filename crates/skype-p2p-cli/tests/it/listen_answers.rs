//! The answers of `listen --echo` and `listen --exec`.

use std::time::Duration;

use skype_p2p::{Application, CallConnectionState, Conversation};
use tokio::{task::JoinSet, time::timeout};

use crate::process::{self, LENE, PASSWORD, PATIENCE, Process, TOSH, command, signed_in};
#[cfg(unix)]
use crate::process::{Folder, run};

#[cfg(unix)]
const COMMAND_LINE: &str = include_str!("../../../../docs/src/command-line.md");
const JOHN: &str = "johnd@contoso.com";

/// A server with users, and its root URL. The display name of each is the name in capitals.
pub(crate) fn serve(names: &[&str]) -> (Process, String) {
    let user = |name: &&str| format!("{name}:{PASSWORD}:{}", name.to_uppercase());
    let users: Vec<_> = names.iter().map(user).collect();
    let options: Vec<_> = users.iter().flat_map(|user| ["--user", user]).collect();
    process::serve(&options)
}

/// A listening user, signed in, who accepts all invitations.
fn listen(root: &str, user: &str, more: &[&str]) -> Process {
    let listening = ["listen", "--root", root, "--user", user, "--json"];
    let accept = ["--accept", "all"];
    let mut listener = Process::start(command(listening.iter().chain(&accept).chain(more)));
    listener.line_of("sign_in.state", "SignedIn");
    listener
}

/// The conversation of a user with Lene, after this message and the answer to it.
async fn conversation_with_lene(application: &Application, text: &str) -> Conversation {
    let manager = application.conversations_manager();
    let conversation = manager.get_conversation(LENE).unwrap();
    let chat = conversation.chat_service();
    chat.send_message(text).await.unwrap();
    texts(&conversation, 2).await;
    conversation
}

/// The texts of the conversation, once there are so many.
async fn texts(conversation: &Conversation, size: usize) -> Vec<String> {
    let messages = conversation.chat_service().messages();
    let enough = move |now: &usize| *now >= size;
    let waited = timeout(PATIENCE, messages.size().wait_for_matching(enough)).await;
    let texts = messages.snapshot().iter().map(|it| it.text()).collect();
    assert!(waited.is_ok(), "{texts:?}");
    texts
}

/// Two programs in a group: each message of a person has one answer of each, and no answer has another.
async fn answers_in_a_group(options: &[&str], mark: &str) {
    let (_server, root) = serve(&["toshm", "lenea", "johnd"]);
    let _programs = [LENE, JOHN].map(|user| listen(&root, user, options));
    let tosh = signed_in(&root, TOSH).await;
    let conversation = conversation_with_lene(&tosh, "one").await;
    conversation.participants().add(JOHN).await.unwrap();
    // John joins the conference before its chat. A message sent in between does not reach that user.
    for participant in conversation.participants().snapshot() {
        let state = participant.chat().state();
        let connected = timeout(PATIENCE, state.wait_for(CallConnectionState::Connected));
        connected.await.expect("both are in the chat").unwrap();
    }
    for (text, size) in [("two", 5), ("three", 8), ("four", 11)] {
        let chat = conversation.chat_service();
        chat.send_message(text).await.unwrap();
        texts(&conversation, size).await;
    }
    let mut texts = texts(&conversation, 11).await;
    texts.sort();
    let mut expected: Vec<String> = ["one", "two", "two", "three", "three", "four", "four"]
        .map(|text| format!("{mark} {text}"))
        .into();
    expected.extend(["one", "two", "three", "four"].map(str::to_owned));
    expected.sort();
    assert_eq!(texts, expected);
    tosh.sign_in_manager().sign_out().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_echoes_in_a_group_do_not_answer_each_other() {
    answers_in_a_group(&["--echo"], "Echo:").await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn two_programs_in_a_group_do_not_answer_each_other() {
    answers_in_a_group(&["--exec", "cat"], "[bot]").await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_program_has_the_message_and_its_fields_and_no_secret() {
    let (_server, root) = serve(&["toshm", "lenea"]);
    // The build of the tests sets two more.
    let script = "unset SKYPE_P2P_COMMIT SKYPE_P2P_FEATURES; cat; env | grep SKYPE_P2P_ | sort";
    let _lene = listen(&root, LENE, &["--exec", script, "--endpoint-id", "bot"]);
    let tosh = signed_in(&root, TOSH).await;
    let manager = tosh.conversations_manager();
    let conversation = manager.get_conversation(LENE).unwrap();
    conversation.set_topic("Disk\u{7}").await.unwrap();
    let chat = conversation.chat_service();
    chat.send_message("two\nlines").await.unwrap();
    let answer = texts(&conversation, 2).await.swap_remove(1);
    let lines: Vec<&str> = answer.lines().collect();
    let [mark, one, two, ids @ ..] = &*lines else {
        panic!("{answer}");
    };
    assert_eq!([*mark, *one, *two], ["[bot]", "two", "lines"]);
    let names: Vec<&str> = ids
        .iter()
        .map(|line| line.split('=').next().unwrap())
        .collect();
    let (_, table) = COMMAND_LINE
        .split_once("| variable | contents |\n|---|---|\n")
        .unwrap();
    let mut documented: Vec<&str> = table
        .lines()
        .take_while(|row| row.starts_with('|'))
        .map(|row| row.split('`').nth(1).unwrap())
        .collect();
    documented.sort_unstable();
    assert_eq!(names, documented);
    for field in [
        "SKYPE_P2P_FROM=toshm@contoso.com",
        "SKYPE_P2P_FROM_NAME=TOSHM",
        "SKYPE_P2P_SUBJECT=Disk\\u{7}",
        "SKYPE_P2P_GROUP=",
    ] {
        assert!(lines.contains(&field), "{field}: {answer}");
    }
    tosh.sign_in_manager().sign_out().await.unwrap();
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_failing_program_is_reported_and_the_next_message_is_answered() {
    let (_server, root) = serve(&["toshm", "lenea"]);
    let script = r#"
        read -r text
        case $text in
            fail) printf 'no such \033[31mhost\n' >&2; exit 3 ;;
            hang) exec sleep 1000 ;;
            quiet) exit 0 ;;
            *) echo "$text" ;;
        esac"#;
    let lene = listen(&root, LENE, &["--exec", script, "--exec-timeout", "1"]);
    let tosh = signed_in(&root, TOSH).await;
    let conversation = conversation_with_lene(&tosh, "Hi").await;
    for text in ["fail", "hang", "quiet", "bye"] {
        let chat = conversation.chat_service();
        chat.send_message(text).await.unwrap();
    }
    let texts = texts(&conversation, 7).await;
    assert_eq!(
        texts,
        [
            "Hi",
            "[bot] Hi",
            "fail",
            "hang",
            "quiet",
            "bye",
            "[bot] bye"
        ]
    );
    tosh.sign_in_manager().sign_out().await.unwrap();
    lene.signal("TERM");
    let lene = tokio::task::spawn_blocking(|| lene.end()).await.unwrap();
    assert_eq!(lene.code, Some(0));
    assert_eq!(
        lene.stderr.lines().collect::<Vec<_>>(),
        [
            "skype-p2p: --exec: no such \\u{1b}[31mhost",
            "skype-p2p: The program of --exec failed for a message of toshm@contoso.com: exit status: 3.",
            "skype-p2p: The program of --exec failed for a message of toshm@contoso.com: it did not end within 1 seconds, and was killed.",
        ]
    );
}

/// The program writes its beginning and its end into a file, so that the file shows how many ran at the same time.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn conversations_are_answered_at_the_same_time_up_to_a_limit() {
    let names: Vec<String> = (0..12).map(|number| format!("user{number}")).collect();
    let mut users: Vec<&str> = names.iter().map(String::as_str).collect();
    users.push("lenea");
    let (_server, root) = serve(&users);
    let folder = Folder::new("exec");
    let log = folder.file("log", "");
    let script = format!("echo begin >>{log}; sleep 1; echo end >>{log}; cat");
    let _lene = listen(&root, LENE, &["--exec", &script]);
    let mut people = JoinSet::new();
    for name in names {
        let root = root.clone();
        people.spawn(async move {
            let application = signed_in(&root, &format!("{name}@contoso.com")).await;
            let conversation = conversation_with_lene(&application, "one").await;
            conversation
                .chat_service()
                .send_message("two")
                .await
                .unwrap();
            conversation
                .chat_service()
                .send_message("three")
                .await
                .unwrap();
            let texts = texts(&conversation, 6).await;
            let answers: Vec<String> = texts
                .into_iter()
                .filter(|text| text.starts_with("[bot]"))
                .collect();
            assert_eq!(answers, ["[bot] one", "[bot] two", "[bot] three"]);
            application.sign_in_manager().sign_out().await.unwrap();
        });
    }
    while let Some(person) = people.join_next().await {
        person.unwrap();
    }
    let (mut running, mut most) = (0, 0);
    for line in std::fs::read_to_string(&log).unwrap().lines() {
        running += if line == "begin" { 1 } else { -1 };
        most = most.max(running);
    }
    assert_eq!((running, most), (0, 8));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_kills_the_running_program() {
    let (_server, root) = serve(&["toshm", "lenea"]);
    let folder = Folder::new("exec");
    let file = folder.path().join("process");
    let script = format!("echo $$ >{}; sleep 1000", file.display());
    let lene = listen(&root, LENE, &["--exec", &script]);
    let tosh = signed_in(&root, TOSH).await;
    let manager = tosh.conversations_manager();
    let conversation = manager.get_conversation(LENE).unwrap();
    conversation
        .chat_service()
        .send_message("Hi")
        .await
        .unwrap();
    let process = loop {
        match std::fs::read_to_string(&file) {
            Ok(id) if id.ends_with('\n') => break id,
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let is_running = || {
        let probe = std::process::Command::new("kill")
            .args(["-0", process.trim()])
            .output();
        probe.unwrap().status.success()
    };
    assert!(is_running());
    lene.signal("TERM");
    let ended = tokio::task::spawn_blocking(|| lene.end()).await.unwrap();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    for _ in 0..50 {
        if !is_running() {
            tosh.sign_in_manager().sign_out().await.unwrap();
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the program is still running");
}

#[cfg(unix)]
#[test]
fn a_command_that_the_sender_does_not_wait_for_is_run_without_an_answer() {
    let (_server, root) = serve(&["toshm", "lenea"]);
    let folder = Folder::new("exec");
    let (go, ended) = (folder.path().join("go"), folder.path().join("ended"));
    // The program ends when the sender has left.
    let script = format!(
        "while [ ! -e {} ]; do sleep 0.1; done; touch {}; echo done",
        go.display(),
        ended.display()
    );
    let mut lene = listen(&root, LENE, &["-v", "--exec", &script]);
    let mut tosh = listen(&root, TOSH, &[]);
    let sent = run([
        "send", "--root", &root, "--user", TOSH, "--to", LENE, "deploy",
    ]);
    assert_eq!(sent.code, Some(0), "{sent:?}");
    lene.line_of("conversation.state", "Disconnected");
    std::fs::write(&go, "").unwrap();
    let deadline = std::time::Instant::now() + PATIENCE;
    while !ended.exists() {
        assert!(
            std::time::Instant::now() < deadline,
            "the program has not ended"
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // Another message takes much longer than the decision about the answer.
    let message = ["send", "--root", &root, "--user", LENE, "--to", TOSH, "end"];
    assert_eq!(run(message).code, Some(0));
    // The answer would have invited Tosh before.
    let first = tosh.line_with(|line| line["event"] == "messages.added");
    assert_eq!(first["text"], "end");
    lene.signal("TERM");
    let stderr = lene.end().stderr;
    assert!(stderr.contains("An answer was not sent"), "{stderr}");
}
