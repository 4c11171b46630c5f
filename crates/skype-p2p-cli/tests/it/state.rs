//! `serve --state`: a server that is killed, and the one that is started after it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc,
    thread,
    time::Instant,
};

use serde_json::{Value, json};

use crate::{
    process::{LENE, PASSWORD, PATIENCE, Process, TOSH, command, run},
    ucwa_client::{Client, Lost},
};

/// A folder of one test, removed afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("skype-p2p-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn state(&self) -> PathBuf {
        self.0.join("state.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The command that serves Tosh and Lene with this state.
fn serving(state: &Path) -> Command {
    let (tosh, lene) = (format!("{TOSH}:{PASSWORD}"), format!("{LENE}:{PASSWORD}"));
    let mut serving = command(["serve", "--user", &tosh, "--user", &lene, "--state"]);
    serving.arg(state);
    serving
}

/// A server with this state, and its address.
fn serve(state: &Path) -> (Process, String) {
    let mut server = Process::start(serving(state));
    let root = server.line();
    let address = root.strip_prefix("http://").unwrap().trim_end_matches('/');
    (server, address.to_owned())
}

/// Signs users in, until the server is gone. Reports each token that was answered.
fn sign_in_again_and_again(address: &str, answered: &mpsc::Sender<Answer>) -> Result<(), Lost> {
    loop {
        let client = Client::sign_in(address, TOSH)?;
        let _ = answered.send(Answer::Token(client.token));
    }
}

/// Lets Tosh and Lene, whose conversations are archived, chat until the server is gone. Half of the conversations do not end. Reports
/// each text as soon as a response to one of them shows it.
fn chat_again_and_again(
    address: &str,
    round: usize,
    answered: &mpsc::Sender<Answer>,
) -> Result<(), Lost> {
    let mut tosh = Client::sign_in(address, TOSH)?;
    let mut lene = Client::sign_in(address, LENE)?;
    tosh.create_application(false)?;
    lene.create_application(true)?;
    for number in 0.. {
        let text = |message| format!("round{round}chat{number}message{message}");
        tosh.invite(LENE, &text(0))?;
        // The server accepts for Lene, because it archives her conversations.
        let conversation = lene.link_beside("stopMessaging", "conversation")?;
        let _ = answered.send(Answer::Archived(text(0)));
        let messages = tosh.link_beside("sendMessage", "sendMessage")?;
        for message in 1..4 {
            tosh.say(&messages, &text(message))?;
            let _ = answered.send(Answer::Archived(text(message)));
        }
        if number % 2 == 0 {
            lene.delete(&conversation)?;
        }
    }
    Ok(())
}

/// A change that a response has reported.
#[derive(Debug)]
enum Answer {
    Token(String),
    Archived(String),
}

/// The one or several items of a member.
fn items(member: &Value) -> Vec<Value> {
    match member {
        Value::Array(items) => items.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

/// The texts of Lene's archive, each of which the archive has once.
fn archived(address: &str) -> BTreeSet<String> {
    let mut lene = Client::sign_in(address, LENE).unwrap();
    lene.create_application(false).unwrap();
    let logs = lene.communication("conversationLogs");
    let logs = lene.get(&logs).unwrap();
    let mut texts = BTreeSet::new();
    for log in items(&logs["_links"]["conversationLog"]) {
        let log = lene.get(log["href"].as_str().unwrap()).unwrap();
        let lines = &log["_links"]["conversationLogTranscripts"]["href"];
        let lines = lene.get(lines.as_str().unwrap()).unwrap();
        for line in items(&lines["_embedded"]["conversationLogTranscript"]) {
            let text = &line["_embedded"]["messageTranscript"]["_links"]["plainMessage"]["href"];
            let (_, text) = text.as_str().unwrap().rsplit_once(',').unwrap();
            assert!(texts.insert(text.to_owned()), "{text} is there twice");
        }
    }
    texts
}

#[test]
fn a_killed_server_loses_no_change_that_a_response_reported() {
    let folder = Folder::new("killed");
    let (mut tokens, mut texts) = (0, BTreeSet::new());
    for round in 0..10 {
        let (server, address) = serve(&folder.state());
        let (answered, answers) = mpsc::channel();
        let mut clients = Vec::new();
        for chats in [true, false, false, false] {
            let (address, answered) = (address.clone(), answered.clone());
            clients.push(thread::spawn(move || match chats {
                true => chat_again_and_again(&address, round, &answered),
                false => sign_in_again_and_again(&address, &answered),
            }));
        }
        drop(answered);
        // The server is killed right after one response, while others are in flight.
        let mut reported = Vec::new();
        let mut messages = 1 + round * 3 % 11;
        let began = Instant::now();
        while messages > 0 {
            assert!(began.elapsed() < PATIENCE, "no message is archived");
            let answer = answers.recv().unwrap();
            if let Answer::Archived(_) = answer {
                messages -= 1;
            }
            reported.push(answer);
        }
        server.signal("KILL");
        reported.extend(answers);
        for client in clients {
            assert!(
                client.join().unwrap().is_err(),
                "it ends when the server does"
            );
        }
        drop(server);

        let (_server, address) = serve(&folder.state());
        for answer in reported {
            match answer {
                Answer::Token(token) => {
                    let client = Client::with_token(&address, &token);
                    assert!(client.is_known().unwrap(), "round {round}");
                    tokens += 1;
                }
                Answer::Archived(text) => drop(texts.insert(text)),
            }
        }
        let archived = archived(&address);
        let lost: Vec<_> = texts.difference(&archived).collect();
        assert!(lost.is_empty(), "round {round}: {lost:?}");
    }
    assert!(tokens > 50 && texts.len() > 40, "{tokens}, {}", texts.len());
}

#[test]
fn a_change_is_stored_when_its_response_arrives() {
    let folder = Folder::new("at-once");
    let (server, address) = serve(&folder.state());
    let token = Client::sign_in(&address, TOSH).unwrap().token;
    server.signal("KILL");
    drop(server);
    let (server, address) = serve(&folder.state());
    let mut tosh = Client::with_token(&address, &token);
    assert!(tosh.is_known().unwrap());

    tosh.create_application(false).unwrap();
    let contact = json!({"contactUri": format!("sip:{LENE}")});
    let memberships = tosh.people("myGroupMemberships");
    tosh.post(&memberships, Some(&contact)).unwrap();
    server.signal("KILL");
    drop(server);
    let (_server, address) = serve(&folder.state());
    let mut tosh = Client::with_token(&address, &token);
    tosh.create_application(false).unwrap();
    let contacts = tosh.get(&tosh.people("myContacts")).unwrap();
    assert!(contacts.to_string().contains(LENE), "{contacts}");
}

#[test]
fn without_the_option_no_state_is_kept() {
    let (server, root) = crate::process::server();
    let address = root.strip_prefix("http://").unwrap().trim_end_matches('/');
    let token = Client::sign_in(address, TOSH).unwrap().token;
    drop(server);
    let (_server, root) = crate::process::server();
    let address = root.strip_prefix("http://").unwrap().trim_end_matches('/');
    assert!(!Client::with_token(address, &token).is_known().unwrap());
}

#[test]
fn the_file_of_the_server_names_the_file_of_the_state() {
    let folder = Folder::new("config");
    let config = folder.0.join("server.toml");
    let user = format!("[[user]]\nuri = {TOSH:?}\npassword = {PASSWORD:?}\n");
    fs::write(&config, format!("state = \"kept.db\"\n{user}")).unwrap();
    let config = config.to_str().unwrap();
    let mut server = Process::start(command(["serve", "--config", config]));
    server.line();
    assert!(folder.0.join("kept.db").exists());
    // The option takes precedence.
    let state = folder.state();
    let state = state.to_str().unwrap();
    let mut other = Process::start(command(["serve", "--config", config, "--state", state]));
    other.line();
    assert!(folder.state().exists());
}

#[test]
fn a_state_that_cannot_be_used_is_an_error_at_the_start() {
    let folder = Folder::new("refused");
    let state = folder.state();
    let refused = |why: &str| {
        let ended = run(["serve", "--state", state.to_str().unwrap()]);
        assert_eq!(ended.code, Some(2), "{why}");
        assert!(ended.stdout.is_empty());
        assert!(ended.stderr.contains(why), "{why}: {}", ended.stderr);
        assert!(ended.stderr.contains("state.db"), "{}", ended.stderr);
    };
    fs::write(&state, "no database".repeat(1000)).unwrap();
    refused("it is not an SQLite database");
    fs::remove_file(&state).unwrap();

    let server = serve(&state);
    refused("in use by another server");
    drop(server);

    let database = rusqlite::Connection::open(&state).unwrap();
    let damage = "INSERT INTO record VALUES ('token', 'hunter2', 'hunter2')";
    database.execute(damage, ()).unwrap();
    drop(database);
    refused("is damaged: a record of the kind \"token\" cannot be read");
    let ended = run(["serve", "--state", state.to_str().unwrap()]);
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
}

/// The command in a shell that limits the size of its files, which are then full.
fn limited(serving: &Command) -> Command {
    // Without the trap, the signal for a full file would end the process.
    let script = "trap '' XFSZ; ulimit -f 100; exec \"$0\" \"$@\"";
    let mut limited = Command::new("sh");
    limited
        .args(["-c", script])
        .arg(serving.get_program())
        .args(serving.get_args())
        .arg("--watch")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    limited
}

#[test]
fn a_full_disk_is_reported_and_requests_get_503() {
    let folder = Folder::new("full");
    let mut server = Process::start(limited(&serving(&folder.state())));
    let root = server.line();
    let address = root.strip_prefix("http://").unwrap().trim_end_matches('/');
    let mut tokens = Vec::new();
    while let Ok(client) = Client::sign_in(address, TOSH) {
        tokens.push(client.token);
        assert!(tokens.len() < 1000, "the file has no limit");
    }
    assert!(!tokens.is_empty());
    assert_eq!(Client::with_token(address, "").status("GET", "/"), 503);
    let told = "error: the state is not stored: ";
    while !server.line().starts_with(told) {}
    server.signal("KILL");
    let stderr = server.end().stderr;
    assert!(stderr.contains("state.db: "), "{stderr}");
    assert_eq!(stderr.matches("Requests get 503").count(), 1, "{stderr}");

    let (_server, address) = serve(&folder.state());
    for token in tokens {
        assert!(Client::with_token(&address, &token).is_known().unwrap());
    }
}
