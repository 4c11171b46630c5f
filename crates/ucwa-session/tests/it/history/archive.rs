//! The list of archived conversations, and their messages.

use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::driver::{TestDriver, answer};
use crate::people::{batch_of, targets};

fn texts(changes: &[ConversationChange]) -> Vec<(bool, &str, u64)> {
    let messages = changes.iter().filter_map(|change| match change {
        ConversationChange::Archived(messages) => Some(messages),
        _ => None,
    });
    messages
        .flatten()
        .map(|message| {
            let MessageBody::Text(text) = &message.body else {
                panic!("{message:?}");
            };
            let at = message.timestamp.duration_since(std::time::UNIX_EPOCH);
            (message.outgoing, text.as_str(), at.unwrap().as_secs())
        })
        .collect()
}

/// As many chats as requested, newest first. The logs are read in one batch.
#[test]
fn archived_conversations_are_listed_newest_first_and_read_in_batches() {
    let mut driver = signed_in();
    let ticket = driver.submit(list_archived(2));
    let call = {
        let mut log = log(8, "t8", ALEX);
        log["type"] = json!("AudioLog");
        log
    };
    driver.reply("GET", &logs_href(), 200, list([9, 8, 7, 6]));
    let batch = driver.take("POST", &format!("{APP}/batch"));
    assert_eq!(
        targets(&batch),
        [
            format!("GET {}", log_href(9)),
            format!("GET {}", log_href(8))
        ]
    );
    driver.respond(
        batch.id,
        batch_of(&[(200, log(9, "t9", LENE)), (200, call)]),
    );
    // One of the two logs is not of a chat, so the next one is read.
    assert_eq!(driver.result(ticket), None);
    driver.reply("GET", &log_href(7), 200, log(7, "t7", ALEX));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    let shown = found(&mut driver);
    let peers: Vec<_> = shown.iter().map(|(_, peer)| peer.as_str()).collect();
    assert_eq!(peers, [LENE, ALEX]);

    // The next call continues after the last one, and reports the end of the list.
    let ticket = driver.submit(list_archived(20));
    driver.reply("GET", &logs_href(), 200, list([9, 8, 7, 6]));
    driver.reply("GET", &log_href(6), 200, log(6, "t6", LENE));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert!(driver.events.contains(&SessionEvent::MoreArchived(false)));
    assert_eq!(found(&mut driver).len(), 1);
}

#[test]
fn requests_during_a_listing_share_its_result() {
    let mut driver = signed_in();
    let tickets = [1, 2].map(|count| driver.submit(list_archived(count)));
    driver.reply("GET", &logs_href(), 200, list([9, 8, 7]));
    let batch = driver.take("POST", &format!("{APP}/batch"));
    assert_eq!(targets(&batch).len(), 2);
    driver.respond(
        batch.id,
        batch_of(&[(200, log(9, "t9", LENE)), (200, log(8, "t8", LENE))]),
    );
    for ticket in tickets {
        assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    }
    assert_eq!(found(&mut driver).len(), 2);
    assert!(!driver.is_sent("GET", &logs_href()));
}

#[test]
fn several_logs_of_one_thread_are_one_conversation() {
    let mut driver = signed_in();
    driver.submit(list_archived(20));
    driver.reply("GET", &logs_href(), 200, list([9, 7, 3]));
    let batch = driver.take("POST", &format!("{APP}/batch"));
    let parts = [
        (200, log(9, "same", LENE)),
        (200, log(7, "same", ALEX)),
        (200, log(3, "same", LENE)),
    ];
    driver.respond(batch.id, batch_of(&parts));
    let shown = found(&mut driver);
    let peers: Vec<_> = shown.iter().map(|(_, peer)| peer.as_str()).collect();
    assert_eq!(
        peers,
        [LENE, ALEX],
        "one thread and one person are one conversation"
    );

    // The newer log first, then the older one.
    let key = shown[0].0;
    for (number, text, more) in [(9, "new", None), (3, "old", Some(false))] {
        driver.submit(Operation::ReadArchived(key));
        let href = format!("{}/transcripts", log_href(number));
        driver.reply(
            "GET",
            &href,
            200,
            transcripts(&[transcript(1000, false, text)], None),
        );
        let changes = driver.changes(key);
        assert_eq!(texts(&changes), [(false, text, 1)]);
        let shown = changes.iter().find_map(|change| match change {
            ConversationChange::MoreHistory(more) => Some(*more),
            _ => None,
        });
        assert_eq!(shown, more);
    }
}

fn group_log(number: u32, kind: &str, meeting: Option<&str>, thread: &str) -> Value {
    let mut log = log(number, thread, LENE);
    log["type"] = json!(kind);
    if let Some(meeting) = meeting {
        log["onlineMeetingUri"] = json!(meeting);
    }
    let recipient = |uri: &str, name: &str, contact: u32| {
        json!({"rel": "conversationLogRecipient", "sipUri": uri, "displayName": name,
               "_links": {"contact": {"href": format!("{APP}/people/{contact}")}}})
    };
    log["_embedded"]["conversationLogRecipient"] = json!([
        recipient(LENE, "Lene Aaling", 282),
        recipient(ME, "Tosh Meston", 1),
        recipient(ALEX, "Alex Darrow", 283),
    ]);
    log
}

#[test]
fn the_logs_of_a_conference_are_one_conversation() {
    let mut driver = signed_in();
    driver.submit(list_archived(20));
    driver.reply("GET", &logs_href(), 200, list([9, 8, 7, 6, 5]));
    let batch = driver.take("POST", &format!("{APP}/batch"));
    let without_chat = {
        let mut log = group_log(5, "ConferenceLog", Some("sip:c;5"), "t5");
        log["modalities"] = json!(["Audio"]);
        log
    };
    let parts = [
        group_log(9, "ConferenceLog", Some("sip:c;1"), "t9"),
        group_log(8, "MessageLog", None, "t8"),
        // The same conference, and an earlier one-to-one chat in the same thread.
        group_log(7, "ConferenceLog", Some("sip:c;1"), "t7"),
        log(6, "t9", LENE),
        without_chat,
    ];
    driver.respond(batch.id, batch_of(&parts.map(|log| (200, log))));
    let groups: Vec<_> = driver
        .events
        .iter()
        .filter_map(|event| match event {
            SessionEvent::Conversation {
                change: ConversationChange::Group { uri, .. },
                ..
            } => Some(uri.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(groups, [Some("sip:c;1".to_owned()), None]);
    let shown = found(&mut driver);
    let others: Vec<_> = shown.iter().map(|(_, others)| others.as_str()).collect();
    let both = format!("{LENE} {ALEX}");
    assert_eq!(others, [&both, &both, LENE]);

    let key = shown[0].0;
    driver.submit(Operation::ReadArchived(key));
    let by = |contact: u32, text: &str| {
        let mut said = transcript(1000, false, text);
        said["_links"]["contact"]["href"] = json!(format!("{APP}/people/{contact}"));
        said
    };
    let page = [
        by(283, "Alex"),
        by(282, "Lene"),
        transcript(2000, true, "me"),
        by(284, "?"),
    ];
    let href = format!("{}/transcripts", log_href(9));
    driver.reply("GET", &href, 200, transcripts(&page, None));
    let changes = driver.changes(key);
    let Some(ConversationChange::Archived(messages)) = changes
        .iter()
        .find(|it| matches!(it, ConversationChange::Archived(_)))
    else {
        panic!("{changes:?}");
    };
    let senders: Vec<_> = messages
        .iter()
        .map(|it| (&*it.sender, it.sender_name.as_deref()))
        .collect();
    assert_eq!(
        senders,
        [
            (ALEX, Some("Alex Darrow")),
            (LENE, Some("Lene Aaling")),
            (ME, None),
            ("", None),
        ]
    );
    driver.submit(Operation::ReadArchived(key));
    driver.take("GET", &format!("{}/transcripts", log_href(7)));
}

/// Conversations that the session already shows, of one peer and of a conference.
#[test]
fn the_log_of_a_known_conversation_adds_no_other_one() {
    let mut driver = signed_in();
    driver.submit(Operation::OpenConversation {
        conversation: crate::driver::chat(),
        participant: crate::driver::peer(),
        peer: LENE.to_owned(),
    });
    crate::sending::establish(&mut driver);
    driver.submit(Operation::OpenMeeting {
        conversation: ConversationKey::Local(2),
        uri: Some("sip:c@contoso.com;1".to_owned()),
    });
    driver.events.clear();
    driver.submit(list_archived(20));
    driver.reply("GET", &logs_href(), 200, list([9, 8, 7, 6]));
    let parts = [
        log(9, "t1", LENE),
        log(8, "t8", LENE),
        group_log(7, "ConferenceLog", Some("sip:c@contoso.com;1"), "t7"),
        group_log(6, "ConferenceLog", Some("sip:c@contoso.com;2"), "t6"),
    ];
    let batch = driver.take("POST", &format!("{APP}/batch"));
    driver.respond(batch.id, batch_of(&parts.map(|log| (200, log))));
    let groups = driver.events.iter().filter_map(|event| match event {
        SessionEvent::Conversation {
            change: ConversationChange::Group { uri, .. },
            ..
        } => uri.as_deref(),
        _ => None,
    });
    assert_eq!(groups.collect::<Vec<_>>(), ["sip:c@contoso.com;2"]);
    assert_eq!(found(&mut driver).len(), 2);
}

#[test]
fn transcripts_are_read_by_page_with_their_senders() {
    let (mut driver, key) = with_one();
    let href = format!("{}/transcripts", log_href(7));
    let next = format!("{href}/nextConversationLogTranscripts");
    let first = driver.submit(Operation::ReadArchived(key));
    let joined = driver.submit(Operation::ReadArchived(key));
    let call = json!({"rel": "conversationLogTranscript", "timeStamp": "/Date(5000)/",
                      "_embedded": {"audioTranscript": {"rel": "audioTranscript", "duration": "00:01:02"}}});
    let page = [
        transcript(4000, false, "Hi+Tosh%0d%0a"),
        call,
        transcript(6000, true, "Hi"),
    ];
    driver.reply("GET", &href, 200, transcripts(&page, Some(&next)));
    assert!(
        !driver.is_sent("GET", &next),
        "simultaneous requests share one read"
    );
    for ticket in [first, joined] {
        assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    }
    let changes = driver.changes(key);
    assert_eq!(texts(&changes), [(false, "Hi Tosh", 4), (true, "Hi", 6)]);
    let Some(ConversationChange::Archived(messages)) = changes.first() else {
        panic!("{changes:?}");
    };
    let senders: Vec<_> = messages
        .iter()
        .map(|message| message.sender.as_str())
        .collect();
    assert_eq!(senders, [LENE, ME]);
    assert!(
        messages
            .iter()
            .all(|message| matches!(message.message, MessageKey::Remote(_)))
    );

    // A page without messages is skipped. A failure keeps the position.
    let failed = driver.submit(Operation::ReadArchived(key));
    driver.reply("GET", &next, 403, json!({"code": "Forbidden"}));
    assert_eq!(driver.failure(failed).kind(), &FailureKind::RequestFailed);
    driver.submit(Operation::ReadArchived(key));
    driver.reply(
        "GET",
        &next,
        200,
        transcripts(&[], Some(&format!("{next}2"))),
    );
    driver.reply(
        "GET",
        &format!("{next}2"),
        200,
        transcripts(&[transcript(1000, true, "first")], None),
    );
    let changes = driver.changes(key);
    assert_eq!(texts(&changes), [(true, "first", 1)]);
    assert!(changes.contains(&ConversationChange::MoreHistory(false)));

    // At the end there is nothing to request.
    let ticket = driver.submit(Operation::ReadArchived(key));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert!(driver.changes(key).is_empty());
}

#[test]
fn a_request_skips_at_most_ten_pages_without_messages() {
    let (mut driver, key) = with_one();
    let first = format!("{}/transcripts", log_href(7));
    let page = |number: u32| match number {
        0 => first.clone(),
        _ => format!("{first}/{number}"),
    };
    let ticket = driver.submit(Operation::ReadArchived(key));
    for number in 0..10 {
        assert_eq!(driver.result(ticket), None, "{number}");
        let next = page(number + 1);
        driver.reply("GET", &page(number), 200, transcripts(&[], Some(&next)));
    }
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert!(!driver.is_sent("GET", &first));
    driver.submit(Operation::ReadArchived(key));
    assert!(driver.is_sent("GET", &page(10)));
}

/// A page belongs to the log for which it was requested. The page of a forgotten conversation is dropped.
#[test]
fn a_newer_log_that_is_found_during_a_read_is_read_next() {
    let (mut driver, key) = with_one();
    let href = |number| format!("{}/transcripts", log_href(number));
    let next = format!("{}/next", href(7));
    driver.submit(Operation::ReadArchived(key));
    driver.submit(list_archived(1));
    driver.reply("GET", &logs_href(), 200, list([9, 7]));
    driver.reply("GET", &log_href(9), 200, log(9, "t7", LENE));
    let page = [transcript(4000, false, "old")];
    driver.reply("GET", &href(7), 200, transcripts(&page, Some(&next)));
    for (address, text) in [(href(9), "new"), (next, "older")] {
        driver.submit(Operation::ReadArchived(key));
        driver.reply(
            "GET",
            &address,
            200,
            transcripts(&[transcript(1000, false, text)], None),
        );
    }
    let changes = driver.changes(key);
    let texts: Vec<_> = texts(&changes).iter().map(|(_, text, _)| *text).collect();
    assert_eq!(texts, ["old", "new", "older"]);

    let (mut driver, key) = with_one();
    let ticket = driver.submit(Operation::ReadArchived(key));
    driver.submit(Operation::ForgetConversation(key));
    driver.reply(
        "GET",
        &href(7),
        200,
        transcripts(&[transcript(1000, false, "?")], None),
    );
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::InvalidArgument);
    assert!(driver.changes(key).is_empty());
}

#[test]
fn html_of_a_transcript_is_preferred_to_its_text() {
    let (mut driver, key) = with_one();
    driver.submit(Operation::ReadArchived(key));
    let mut both = transcript(1000, false, "Hi");
    both["_embedded"]["messageTranscript"]["_links"]["htmlMessage"] =
        json!({"href": "data:text/html;base64,PGI+SGk8L2I+"});
    driver.reply(
        "GET",
        &format!("{}/transcripts", log_href(7)),
        200,
        transcripts(&[both], None),
    );
    let changes = driver.changes(key);
    let Some(ConversationChange::Archived(messages)) = changes.first() else {
        panic!("{changes:?}");
    };
    assert_eq!(messages[0].body, MessageBody::Html("<b>Hi</b>".to_owned()));
    assert!(
        !format!("{changes:?}").contains("<b>"),
        "texts must not be logged"
    );
}

/// An archived conversation starts like any other: its peer is invited, with the same thread ID.
#[test]
fn an_archived_conversation_is_restarted_in_its_thread() {
    let (driver, key) = with_one();
    restart(driver, key, 1_700_000_000);
}

/// The server's clock decides which life of a conversation a log records, whatever the client's clock shows.
#[test]
fn a_log_of_a_known_life_is_recognized_with_any_clock() {
    for server_time in [1_600_000_000 + 3600, 1_700_000_000 - 7200, 1_900_000_000] {
        let (mut driver, key) = with_one();
        driver.server_clock = Some(UNIX_EPOCH + Duration::from_secs(server_time));
        restart(driver, key, server_time);
    }
}

/// Restarts the archived conversation at this time of the server, and lists the log of that life.
fn restart(mut driver: TestDriver, key: ConversationKey, server_time: u64) {
    let message = MessageKey::Local(1);
    driver.submit(Operation::SendMessage {
        conversation: key,
        message,
        body: MessageBody::Text("Again?".to_owned()),
        subject: None,
        message_id: None,
    });
    let invitation = driver
        .take("POST", &format!("{APP}/communication/messagingInvitations"))
        .json();
    assert_eq!(invitation["to"], LENE);
    assert_eq!(invitation["threadId"], "t7");

    // The log of this life contains only messages that have been shown.
    let started = json!([{"rel": "communication", "href": communication_href(), "events": [{
        "type": "started",
        "link": {"rel": "messagingInvitation", "href": format!("{APP}/communication/messagingInvitations/1")},
        "_embedded": {"messagingInvitation": {"rel": "messagingInvitation", "direction": "Outgoing", "state": "Connecting",
            "operationId": invitation["operationId"], "threadId": "t7",
            "_links": {"self": {"href": format!("{APP}/communication/messagingInvitations/1")},
                       "conversation": {"href": format!("{APP}/communication/conversations/21a1")}}}},
    }]}]);
    driver.page(started);
    driver.events.clear();
    driver.submit(list_archived(1));
    driver.reply("GET", &logs_href(), 200, list([9, 8, 7]));
    let created = |number, at: u64| {
        let mut log = log(number, "t7", LENE);
        log["creationTime"] = json!(format!("/Date({})/", at * 1000));
        log
    };
    driver.reply("GET", &log_href(9), 200, created(9, server_time + 60));
    // The log of an earlier life, which ended a minute before this one started.
    driver.reply("GET", &log_href(8), 200, created(8, server_time - 60));
    assert!(found(&mut driver).is_empty());
    driver.submit(Operation::ReadArchived(key));
    driver.take("GET", &format!("{}/transcripts", log_href(8)));
}

#[test]
fn a_missing_log_is_skipped_and_a_failed_one_is_read_again() {
    let mut driver = signed_in();
    let ticket = driver.submit(list_archived(20));
    driver.reply("GET", &logs_href(), 200, list([9, 8]));
    let batch = driver.take("POST", &format!("{APP}/batch"));
    driver.respond(
        batch.id,
        batch_of(&[
            (404, json!({"code": "NotFound"})),
            (403, json!({"code": "Forbidden"})),
        ]),
    );
    // Reads that failed in the batch are sent alone.
    driver.reply("GET", &log_href(9), 404, json!({"code": "NotFound"}));
    driver.reply("GET", &log_href(8), 403, json!({"code": "Forbidden"}));
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::RequestFailed);

    let ticket = driver.submit(list_archived(20));
    driver.reply("GET", &logs_href(), 200, list([9, 8]));
    driver.reply("GET", &log_href(8), 200, log(8, "t8", LENE));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(found(&mut driver).len(), 1);
}

#[test]
fn without_an_archive_only_history_operations_fail() {
    // The default application of the driver has neither logs nor missed items.
    let mut driver = TestDriver::signed_in();
    assert!(!driver.is_sent("GET", &format!("{APP}/communication")));
    for operation in [list_archived(20), Operation::SetHistory(true)] {
        let ticket = driver.submit(operation);
        assert_eq!(driver.failure(ticket).kind(), &FailureKind::NotSupported);
        assert!(driver.failure(ticket).message().is_some());
    }

    // A mailbox that is too old has no archive either.
    let mut driver = signed_in();
    let ticket = driver.submit(list_archived(20));
    for _ in 0..5 {
        let problem = json!({"code": "ServiceFailure", "subcode": "InvalidExchangeServerVersion"});
        let sent = driver.take("GET", &logs_href());
        driver.respond(sent.id, answer(500, problem));
        driver.advance(std::time::Duration::from_secs(10));
    }
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::NotSupported);
}

#[test]
fn history_operations_fail_before_sign_in_and_at_sign_out() {
    let mut driver = TestDriver::new(TestDriver::config());
    let early = driver.submit(list_archived(20));
    assert_eq!(driver.failure(early).kind(), &FailureKind::NotSignedIn);

    let (mut driver, key) = with_one();
    let tickets = [
        driver.submit(list_archived(20)),
        driver.submit(Operation::ReadArchived(key)),
        driver.submit(Operation::SetHistory(true)),
        driver.submit(Operation::SetHistory(false)),
    ];
    assert!(
        tickets
            .iter()
            .all(|ticket| driver.result(*ticket).is_none())
    );
    driver.submit(Operation::SignOut);
    for ticket in tickets {
        assert_eq!(driver.failure(ticket).kind(), &FailureKind::Ended);
    }
    for count in [0, 101] {
        let (mut driver, _) = with_one();
        let ticket = driver.submit(list_archived(count));
        assert_eq!(driver.failure(ticket).kind(), &FailureKind::InvalidArgument);
    }
}

/// A new application has new hrefs: messages that were read are not read again, and others are found.
#[test]
fn messages_that_were_read_are_not_read_again_in_a_new_application() {
    let (mut driver, key) = with_one();
    let href = format!("{}/transcripts", log_href(7));
    let next = format!("{href}/next");
    driver.submit(Operation::ReadArchived(key));
    let page = [
        transcript(4000, false, "one"),
        transcript(5000, false, "two"),
    ];
    driver.reply("GET", &href, 200, transcripts(&page, Some(&next)));
    let under_way = driver.submit(Operation::ReadArchived(key));
    driver.reply(
        "GET",
        &next,
        404,
        json!({"code": "NotFound", "subcode": "ApplicationNotFound"}),
    );
    assert_eq!(
        driver.failure(under_way).kind(),
        &FailureKind::ConnectionLost
    );
    driver.advance(std::time::Duration::from_secs(1));
    driver.create_this_application(with_archive);
    driver.reply("GET", &missed_href(), 200, missed(0));
    driver.events.clear();

    // The missed items were read with the application.
    driver.submit(list_archived(20));
    driver.reply("GET", &logs_href(), 200, list([17]));
    let mut again = log(17, "t7", LENE);
    again["creationTime"] = log(7, "t7", LENE)["creationTime"].clone();
    driver.reply("GET", &log_href(17), 200, again);
    assert!(
        found(&mut driver).is_empty(),
        "the same log is the same conversation"
    );
    driver.submit(Operation::ReadArchived(key));
    let page = [
        transcript(4000, false, "one"),
        transcript(5000, false, "two"),
        transcript(6000, false, "three"),
    ];
    driver.reply(
        "GET",
        &format!("{}/transcripts", log_href(17)),
        200,
        transcripts(&page, None),
    );
    let changes = driver.changes(key);
    assert_eq!(texts(&changes), [(false, "three", 6)]);
}

/// The position in a log survives another listing of the log, and a log that was read completely stays so.
#[test]
fn a_log_that_is_listed_again_is_read_on_and_a_complete_one_is_not_read() {
    for is_complete in [false, true] {
        let (mut driver, key) = with_one();
        let href = format!("{}/transcripts", log_href(7));
        let next = format!("{href}/next");
        driver.submit(Operation::ReadArchived(key));
        let page = transcripts(
            &[transcript(4000, false, "one")],
            Some(next.as_str()).filter(|_| !is_complete),
        );
        driver.reply("GET", &href, 200, page);
        driver.events.clear();

        driver.submit(list_archived(20));
        driver.reply("GET", &logs_href(), 200, list([17]));
        let mut again = log(17, "t7", LENE);
        again["creationTime"] = log(7, "t7", LENE)["creationTime"].clone();
        driver.reply("GET", &log_href(17), 200, again);
        driver.submit(Operation::ReadArchived(key));
        assert_eq!(driver.is_sent("GET", &next), !is_complete);
        assert!(!driver.is_sent("GET", &log_href(17)));
        assert_eq!(driver.changes(key), []);
    }
}

/// The log with a link that marks it as read.
fn unread(number: u32, thread: &str, peer: &str) -> Value {
    let mut log = log(number, thread, peer);
    log["_links"]["markAsRead"] = json!({"href": mark_href(number)});
    log
}

fn mark_href(number: u32) -> String {
    format!("{}/markAsRead", log_href(number))
}

fn unread_changes(driver: &mut TestDriver, key: ConversationKey) -> Vec<bool> {
    let changes = driver.changes(key).into_iter();
    let unread = |change| match change {
        ConversationChange::Unread(unread) => Some(unread),
        _ => None,
    };
    changes.filter_map(unread).collect()
}

#[test]
fn every_unread_log_of_a_conversation_is_marked_as_read() {
    let mut driver = signed_in();
    first_list(&mut driver, 20);
    driver.reply("GET", &logs_href(), 200, list([9, 8, 7]));
    let batch = driver.take("POST", &format!("{APP}/batch"));
    let logs = [
        unread(9, "t9", LENE),
        unread(8, "t9", LENE),
        log(7, "t7", ALEX),
    ];
    driver.respond(batch.id, batch_of(&logs.map(|log| (200, log))));
    let found: Vec<_> = (driver.events.iter())
        .filter_map(|event| match event {
            SessionEvent::Archived { conversation, .. } => Some(*conversation),
            _ => None,
        })
        .collect();
    let [lenes, alexs] = found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(unread_changes(&mut driver, lenes), [true]);
    assert_eq!(unread_changes(&mut driver, alexs), [false; 0]);
    let nothing = driver.submit(Operation::MarkAsRead(alexs));
    assert_eq!(driver.result(nothing), Some(&Ok(Outcome::Done)));

    let first = driver.submit(Operation::MarkAsRead(lenes));
    let second = driver.submit(Operation::MarkAsRead(lenes));
    driver.reply("POST", &mark_href(9), 204, Value::Null);
    assert_eq!(driver.result(first), None);
    let refused = json!({"code": "ServiceFailure"});
    driver.reply("POST", &mark_href(8), 403, refused);
    for ticket in [first, second] {
        assert_eq!(driver.failure(ticket).status(), Some(403));
    }
    assert_eq!(unread_changes(&mut driver, lenes), [false; 0]);

    // Only the log that is still unread is marked. A log that was removed counts as read.
    let again = driver.submit(Operation::MarkAsRead(lenes));
    assert!(!driver.is_sent("POST", &mark_href(9)));
    driver.reply("POST", &mark_href(8), 404, json!({"code": "NotFound"}));
    assert_eq!(driver.result(again), Some(&Ok(Outcome::Done)));
    assert_eq!(unread_changes(&mut driver, lenes), [false]);
}

#[test]
fn marking_as_read_ends_with_the_session() {
    let mut driver = signed_in();
    first_list(&mut driver, 20);
    driver.reply("GET", &logs_href(), 200, list([9]));
    driver.reply("GET", &log_href(9), 200, unread(9, "t9", LENE));
    let key = found(&mut driver)[0].0;
    let marking = driver.submit(Operation::MarkAsRead(key));
    assert!(driver.is_sent("POST", &mark_href(9)));
    driver.handle(Input::Shutdown);
    driver.failure(marking);
}
