//! The conversations that are running when the server is killed: the next server archives them.

use ucwa_proto::Representation;
use ucwa_server::Fault;

use super::{Restarts, first_version, record, state, token, value};
use crate::conference::Conference;
use crate::harness::{ALEX, Chat, Client, LENE, TOSH, World, seconds};
use crate::history::{self, keep_history};

/// The archived conversations of a user except for the missed ones: the subject, the thread, the recipients and the messages of each,
/// in an order that does not depend on the ends of the conversations.
pub(super) fn archived(world: &mut World, name: &str) -> Vec<Vec<String>> {
    let token = token(world, name);
    let client = Client::with_token(world, token, Representation::Json, "reader");
    let logs = history::logs(&client, world);
    let logs = logs
        .iter()
        .filter(|log| log.text("status") == Some("Archived"));
    let mut all: Vec<_> = logs
        .map(|log| {
            let text = |name| log.text(name).unwrap().to_owned();
            let mut of_log = vec![text("subject"), text("threadId"), text("direction")];
            let recipients = log.embedded_all("conversationLogRecipient").iter();
            of_log.extend(recipients.map(|it| it.text("sipUri").unwrap().to_owned()));
            let pages = history::transcripts(&client, world, log).into_iter().rev();
            of_log.extend(pages.flatten().map(|(mine, text)| format!("{mine} {text}")));
            of_log
        })
        .collect();
    all.sort();
    client.delete(world, client.application.href().unwrap());
    all
}

#[test]
fn a_server_that_was_killed_archives_the_messages_of_its_running_conversations() {
    let mut restarts = Restarts::new();
    let world = &mut restarts.world;
    let mut all = Conference::new(world);
    let meeting = all.chat.at_lene.text("subject").map(str::to_owned);
    // Lene enables the archive after the first message.
    all.chat.tosh_says(world, "one");
    all.chat.lene.page(world);
    keep_history(&mut all.chat.lene, world, "Enabled");
    all.chat.tosh_says(world, "two");
    restarts.store();
    assert_eq!(
        (restarts.count("conversation"), restarts.count("message")),
        (1, 2)
    );
    let world = &mut restarts.world;
    world.pass(seconds(20));
    all.chat.tosh_says(world, "three");
    restarts.store();
    // Alex, who has sent no message, leaves after the last one.
    let user = format!("sip:{ALEX}");
    restarts.world.inject(Fault::DropApplications { user });

    restarts.restart();
    let world = &mut restarts.world;
    let lene = Client::sign_in(world, LENE, Representation::Json);
    let logs = history::logs(&lene, world);
    let [log] = &logs[..] else { panic!("{logs:?}") };
    assert_eq!(log.text("subject").map(str::to_owned), meeting);
    assert_eq!(log.text("type"), Some("ConferenceLog"));
    assert_eq!(log.text("status"), Some("Archived"));
    let recipients = log.embedded_all("conversationLogRecipient").iter();
    let recipients: Vec<_> = recipients.filter_map(|it| it.text("displayName")).collect();
    assert_eq!(recipients, ["Tosh Meston"]);
    let line = |text: &str| (false, text.to_owned());
    let said = vec![line("one"), line("two"), line("three")];
    assert_eq!(history::transcripts(&lene, world, log), [said]);
    let transcripts = log.link_href("conversationLogTranscripts").unwrap();
    let transcripts = lene.resource(world, transcripts);
    let last = transcripts.embedded_all("conversationLogTranscript").last();
    assert_eq!(log.text("creationTime"), last.unwrap().text("timeStamp"));

    // The records of the conversation are replaced by the log.
    restarts.store();
    assert_eq!(
        (restarts.count("conversation"), restarts.count("message")),
        (0, 0)
    );
    let log = log.href().unwrap().rsplit('/').next().unwrap().to_owned();
    assert_eq!(log, "0");
    assert_eq!(restarts.count("log"), 1);
    restarts.restart();
    let lene = Client::sign_in(&mut restarts.world, LENE, Representation::Json);
    assert_eq!(history::logs(&lene, &mut restarts.world).len(), 1);
}

#[test]
fn the_messages_of_a_running_conversation_are_stored_only_while_the_archive_is_enabled() {
    let mut restarts = Restarts::new();
    let mut chat = Chat::new(&mut restarts.world);
    let stored = |restarts: &mut Restarts, chat: &Chat| {
        chat.tosh_says(&mut restarts.world, "Hello");
        restarts.store();
        (restarts.count("conversation"), restarts.count("message"))
    };
    assert_eq!(stored(&mut restarts, &chat), (0, 0));
    chat.lene.page(&mut restarts.world);
    for (word, expected) in [
        ("Enabled", (1, 2)),
        ("Disabled", (0, 0)),
        ("Enabled", (1, 4)),
    ] {
        keep_history(&mut chat.lene, &mut restarts.world, word);
        assert_eq!(stored(&mut restarts, &chat), expected, "{word}");
        chat.lene.page(&mut restarts.world);
    }
    chat.lene
        .delete(&mut restarts.world, chat.at_lene.href().unwrap());
    restarts.store();
    assert_eq!(
        (restarts.count("conversation"), restarts.count("message")),
        (0, 0)
    );
    assert_eq!(restarts.count("log"), 1);
}

#[test]
fn records_of_the_second_version_are_read() {
    let conversation = "12345678-0000-4000-8000-123456789abc";
    let log = r#"["toshm@contoso.com",{"thread":"0f","subject":"Running","importance":"Normal","meeting":null,"recipients":["lenea@contoso.com"],"missed":false,"read":true,"created":{"secs_since_epoch":1364320000,"nanos_since_epoch":0},"record":{"outgoing":true,"said":[]}}]"#;
    let line = r#"{"author":"lenea@contoso.com","text":{"html":false,"text":"Hello"},"at":{"secs_since_epoch":1364319000,"nanos_since_epoch":0}}"#;
    let mut restarts = Restarts::new();
    restarts.records = first_version();
    let second_version = [
        (record("conversation", conversation), value(log)),
        (record("message", &format!("{conversation}/0")), value(line)),
        // A message whose conversation has no record is not archived.
        (
            record("message", &format!("{}/0", conversation.replace('9', "8"))),
            value(line),
        ),
    ];
    restarts.records.extend(second_version);
    restarts.restart();
    let state = state(&mut restarts.world, TOSH).concat();
    for part in [
        "Task Sample",
        "Running",
        "conversationLogs/1",
        "conversationLogs/3",
    ] {
        assert!(state.contains(part), "{part}: {state}");
    }
    restarts.store();
    assert_eq!(
        (restarts.count("conversation"), restarts.count("message")),
        (0, 0)
    );
}
