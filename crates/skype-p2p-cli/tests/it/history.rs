use skype_p2p::{Application, MessageBody};

use crate::{
    json_schema::assert_valid,
    process::{
        Ended, LENE, PASSWORD, Process, TOSH, lene, run, send, serve, serve_file, server,
        signed_in_with, user_of_file,
    },
};

/// A subject that would be markup, and would steer a terminal.
const SUBJECT: &str = "<i>Lunch</i> & *more* \u{9b}2J";

const ALEX: &str = "alexd@contoso.com";

/// The number of messages in the first conversation.
const LONG: usize = 45;

async fn signed_in(root: &str, user: &str, history: bool) -> Application {
    signed_in_with(Application::builder().history(history), root, user).await
}

/// Lets Tosh chat with Lene, then Alex, and then Tosh again. The conversations are archived for Lene.
async fn chat(root: &str) {
    let tosh = signed_in(root, TOSH, false).await;
    let alex = signed_in(root, ALEX, false).await;
    let lene = signed_in(root, LENE, true).await;
    let enabled = lene.conversations_manager().is_history_enabled();
    enabled.wait_for(true).await.unwrap();
    let text = |text: &str| MessageBody::Text(text.to_owned());
    // More messages than the server has on a page.
    let many = (1..=LONG).map(|number| text(&format!("Message {number}")));
    let many: Vec<_> = many.collect();
    let last = vec![
        text("Lunch at noon?\n# <script>alert(1)</script>"),
        MessageBody::Html("<p><b>Pizza</b></p><script>alert(2)</script>".to_owned()),
        text("\u{1b}]0;owned\u{7} &amp;"),
    ];
    for (sender, bodies, subject) in [
        (&tosh, many, None),
        (&alex, vec![text("Hi")], None),
        (&tosh, last, Some(SUBJECT)),
    ] {
        let manager = sender.conversations_manager();
        let conversation = manager.get_conversation(LENE).unwrap();
        if let Some(subject) = subject {
            conversation.set_topic(subject).await.unwrap();
        }
        for body in bodies {
            let sent = conversation.chat_service().send_message(body);
            sent.await.unwrap();
        }
        conversation.leave().await.unwrap();
    }
    for application in [tosh, alex, lene] {
        application.sign_in_manager().sign_out().await.unwrap();
    }
}

/// A server with the archive of Lene, and its root URL.
fn archive() -> (Process, String) {
    let users = [
        (TOSH, "Tosh Meston"),
        (LENE, "Lene Aaling"),
        (ALEX, "Alex Darrow"),
    ];
    let users = users.map(|(address, name)| format!("{address}:{PASSWORD}:{name}"));
    let options: Vec<_> = users.iter().flat_map(|user| ["--user", user]).collect();
    let (server, root) = serve(&options);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(chat(&root));
    (server, root)
}

fn history(root: &str, user: &str, command: &str, more: &[&str]) -> Ended {
    let arguments = ["history", command, "--root", root, "--user", user];
    let ended = run(arguments.iter().chain(more));
    for line in &ended.stdout {
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    ended
}

fn lines(ended: &Ended) -> Vec<&str> {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    ended.stdout.iter().map(String::as_str).collect()
}

/// The text without its times, which differ in each run.
fn without_times(text: &str) -> String {
    let is_time = |word: &str| word.len() == 20 && word.ends_with('Z') && word.contains('T');
    let words = text.split(' ');
    let words: Vec<_> = words
        .map(|it| if is_time(it) { "TIME" } else { it })
        .collect();
    words.join(" ")
}

#[test]
fn the_conversations_are_listed_and_shown_the_newest_first() {
    let (_server, root) = archive();
    let listed = history(&root, LENE, "list", &[]);
    let listed: Vec<_> = lines(&listed).into_iter().map(without_times).collect();
    assert_eq!(
        listed,
        [
            "  1  TIME  Tosh Meston <toshm@contoso.com>  \
             [<i>Lunch</i> & *more* \\u{9b}2J]  \\u{1b}]0;owned\\u{7} &amp;",
            "  2  TIME  Alex Darrow <alexd@contoso.com>  Hi",
            "  3  TIME  Tosh Meston <toshm@contoso.com>  Message 45",
        ]
    );
    let one = history(&root, LENE, "list", &["--limit", "1"]);
    assert_eq!(lines(&one).len(), 1);

    let shown = history(&root, LENE, "show", &["1"]);
    let shown: Vec<_> = lines(&shown).into_iter().map(without_times).collect();
    assert_eq!(
        shown,
        [
            "With Tosh Meston <toshm@contoso.com>",
            "Subject: <i>Lunch</i> & *more* \\u{9b}2J",
            "",
            "TIME  toshm@contoso.com: Lunch at noon?",
            "    # <script>alert(1)</script>",
            "TIME  toshm@contoso.com: Pizza",
            "TIME  toshm@contoso.com: \\u{1b}]0;owned\\u{7} &amp;",
        ]
    );
}

#[test]
fn the_conversations_with_one_person_are_chosen() {
    let (_server, root) = archive();
    let with = history(&root, LENE, "list", &["--with", "toshm"]);
    let numbers: Vec<_> = lines(&with).into_iter().map(|line| &line[..3]).collect();
    // The numbers are those of the whole list, so that `show` takes them.
    assert_eq!(numbers, ["  1", "  3"]);
    let with = history(&root, LENE, "list", &["--with", "alexd", "--limit", "1"]);
    assert!(lines(&with)[0].ends_with("  Hi"), "{with:?}");
    for command in ["list", "export"] {
        let none = history(&root, LENE, command, &["--with", "nobody@contoso.com"]);
        assert!(lines(&none).is_empty(), "{none:?}");
        let notice = "skype-p2p: No archived conversation was found.\n";
        assert_eq!(none.stderr, notice);
    }
    let missing = history(&root, LENE, "show", &["4"]);
    assert_eq!(missing.code, Some(1));
    let sentence = "There is no archived conversation with the number 4.";
    assert!(missing.stderr.contains(sentence), "{}", missing.stderr);
    assert_eq!(history(&root, LENE, "show", &["0"]).code, Some(2));
    let wrong = history(&root, LENE, "list", &["--with", "lene a@"]);
    assert_eq!(wrong.code, Some(2));
}

#[test]
fn each_line_is_an_object_of_the_schema() {
    let (_server, root) = archive();
    let objects = |command: &str, more: &[&str], part: &str| {
        let ended = history(&root, LENE, command, more);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let objects = ended.objects();
        for object in &objects {
            assert_valid(part, object);
        }
        objects
    };
    let listed = objects("list", &["--json"], "history_conversation");
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[0]["subject"], SUBJECT);
    assert_eq!(listed[0]["participants"][0]["name"], "Tosh Meston");
    assert_eq!(listed[1]["last_text"], "Hi");

    let shown = objects("show", &["--json", "1"], "history_message");
    let exported = objects("export", &[], "history_message");
    assert_eq!(shown.len(), 3);
    assert_eq!(exported.len(), 3 + 1 + LONG, "all pages");
    assert_eq!(shown[..], exported[..3]);
    assert_eq!(shown[1]["text"], "Pizza");
    assert_eq!(shown[1]["html"], "<p><b>Pizza</b></p>");
    assert_eq!(shown[1]["direction"], "Incoming");
    assert_eq!(shown[1]["author"]["uri"], "sip:toshm@contoso.com");
    assert_eq!(exported[3]["number"], 2);
    assert_eq!(exported[4]["number"], 3);
    assert_eq!(exported[4]["text"], "Message 1");
    assert_eq!(exported[3 + LONG]["text"], "Message 45");
}

#[test]
fn an_export_as_a_page_has_no_markup_of_a_message() {
    let (_server, root) = archive();
    let page = history(&root, LENE, "export", &["--format", "html"]);
    let page = lines(&page).join("\n");
    assert!(page.starts_with("<!DOCTYPE html>\n"));
    assert!(page.ends_with("</html>"));
    assert!(page.contains("default-src 'none'"));
    for part in [
        "<h2>Tosh Meston &lt;toshm@contoso.com&gt;</h2>",
        "<p>Subject: &lt;i&gt;Lunch&lt;/i&gt; &amp; *more* \\u{9b}2J</p>",
        "Lunch at noon?<br># &lt;script&gt;alert(1)&lt;/script&gt;",
        "<b>Pizza</b>",
        "\\u{1b}]0;owned\\u{7} &amp;amp;",
        "Message 1<",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<script") && !page.contains("<i>"), "{page}");
}

#[test]
fn an_export_as_markdown_quotes_each_message() {
    let (_server, root) = archive();
    let text = history(
        &root,
        LENE,
        "export",
        &["--format", "markdown", "--limit", "1"],
    );
    let text: Vec<_> = lines(&text).into_iter().map(without_times).collect();
    assert_eq!(
        text,
        [
            r"## Tosh Meston \<toshm@contoso.com\>",
            "",
            r"Subject: \<i\>Lunch\</i\> \& \*more\* \\u{9b}2J",
            "",
            "**Tosh Meston**, TIME",
            "",
            r"> Lunch at noon?\",
            r"> \# \<script\>alert(1)\</script\>",
            "",
            "**Tosh Meston**, TIME",
            "",
            "> Pizza",
            "",
            "**Tosh Meston**, TIME",
            "",
            r"> \\u{1b}\]0;owned\\u{7} \&amp;",
        ]
    );
}

/// A server without an archive, on which Tosh is a user, and its root URL.
fn server_without_an_archive() -> (Process, String) {
    let user = user_of_file(TOSH, "Tosh");
    serve_file(format!("[policies]\nhistory = false\n{user}"))
}

#[test]
fn a_server_without_an_archive_is_named_as_such() {
    let (_server, root) = server_without_an_archive();
    let listed = history(&root, TOSH, "list", &[]);
    assert_eq!(listed.code, Some(1), "{}", listed.stderr);
    let sentence = "Cannot read the archived conversations: ";
    assert!(listed.stderr.contains(sentence), "{}", listed.stderr);

    let sent = send(&root, TOSH, TOSH, &["--archive", "Hi"]);
    assert_eq!(sent.code, Some(1), "{}", sent.stderr);
    let sentence = "Cannot turn archiving on: ";
    assert!(sent.stderr.contains(sentence), "{}", sent.stderr);
    assert!(sent.stdout.is_empty(), "nothing is sent: {:?}", sent.stdout);
}

#[test]
fn a_message_is_archived_for_the_sender_who_asks_for_it() {
    let (_server, root) = server();
    let _lene = lene(&root, &[]);
    let send = |more: &[&str]| {
        let sent = send(&root, TOSH, LENE, more);
        assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    };
    send(&["Not archived"]);
    send(&["--archive", "Lunch at noon?"]);
    let listed = history(&root, TOSH, "list", &[]);
    let [line] = &lines(&listed)[..] else {
        panic!("{listed:?}");
    };
    assert!(line.ends_with("  Lunch at noon?"), "{line}");
    assert!(lines(&history(&root, LENE, "list", &[])).is_empty());
}

#[test]
fn the_conversations_of_a_listener_are_archived() {
    let (_server, root) = server();
    let mut listener = lene(&root, &["--archive", "--echo"]);
    // The setting takes effect shortly after the sign-in: the next chat is archived at the latest.
    let mut listed = history(&root, LENE, "list", &[]);
    for number in 1..=20 {
        if !lines(&listed).is_empty() {
            break;
        }
        let message = format!("Message {number}");
        let sent = send(&root, TOSH, LENE, &["--wait", "1", &message]);
        assert_eq!(sent.code, Some(0), "{}", sent.stderr);
        listener.line_of("messages.added", &message);
        listener.line_of("conversation.state", "Disconnected");
        listed = history(&root, LENE, "list", &[]);
    }
    assert!(lines(&listed)[0].contains("Message "), "{listed:?}");
}

#[test]
fn a_listener_that_archives_accepts_every_invitation() {
    for more in [
        &["--accept", "known"][..],
        &["--accept", "all", "--from", TOSH],
    ] {
        let arguments = ["listen", "--root", "http://127.0.0.1:9/", "--user", LENE];
        let ended = run(arguments.iter().chain(&["--archive"]).chain(more));
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains("--accept all"), "{}", ended.stderr);
    }
}
