//! The archive: logs, transcripts, missed invitations, and invitations that the server accepts.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, IF_MATCH};
use http::{Method, StatusCode};
use ucwa_proto::resources::{
    ConversationLog, ConversationLogStatus, ConversationLogTranscripts, ConversationLogType,
    ConversationLogs, Direction, MissedItems,
};
use ucwa_proto::{DataUri, FromResource, Representation, Resource, Value};
use ucwa_server::{Engine, ServerConfig, User};

use crate::harness::{Chat, Client, LENE, PASSWORD, TOSH, World, seconds};

/// PUT communication with this `conversationHistory`. The other properties are as read.
pub(crate) fn keep_history(
    client: &mut Client,
    world: &mut World,
    word: &'static str,
) -> StatusCode {
    let href = client.communication().href().unwrap().to_owned();
    let mut communication = client.resource(world, &href);
    let etag = communication.etag().unwrap().to_owned();
    let property = communication
        .properties
        .iter_mut()
        .find(|(name, _)| name == "conversationHistory");
    property.unwrap().1 = Value::from(word);
    communication.links.clear();
    let body = ucwa_proto::Input::from(communication).encode(client.representation);
    let request = client
        .builder(&Method::PUT, &href)
        .header(CONTENT_TYPE, client.representation.content_type())
        .header(CONTENT_LENGTH, body.len())
        .header(IF_MATCH, format!("\"{etag}\""));
    let status = world.exchange(request.body(body.into()).unwrap()).status();
    if status == StatusCode::OK {
        let page = client.page(world);
        let communication = page.resource("communication");
        assert_eq!(communication.text("conversationHistory"), Some(word));
    }
    status
}

fn link(client: &Client, rel: &str) -> String {
    client.communication().link_href(rel).unwrap().to_owned()
}

pub(crate) fn logs(client: &Client, world: &mut World) -> Vec<Resource<'static>> {
    let list = client.resource(world, &link(client, "conversationLogs"));
    let list = ConversationLogs::from_resource(&list).unwrap();
    list.conversation_log
        .iter()
        .map(|link| client.resource(world, &link.href))
        .collect()
}

/// The transcripts of a log, page by page: whether the user is the sender, and the text.
pub(crate) fn transcripts(
    client: &Client,
    world: &mut World,
    log: &Resource<'_>,
) -> Vec<Vec<(bool, String)>> {
    let mut next = log
        .link_href("conversationLogTranscripts")
        .map(str::to_owned);
    let mut pages = Vec::new();
    while let Some(href) = next {
        let page = client.resource(world, &href);
        let page = ConversationLogTranscripts::from_resource(&page).unwrap();
        pages.push(
            page.conversation_log_transcript
                .iter()
                .map(|line| {
                    assert!(line.time_stamp.is_some());
                    assert_ne!(line.me.is_some(), line.contact.is_some());
                    let transcript = line.message_transcript.as_ref().unwrap();
                    let text = transcript.plain_message.as_ref().unwrap();
                    let text = DataUri::parse(&text.href).unwrap().text().into_owned();
                    (line.me.is_some(), text)
                })
                .collect(),
        );
        next = page
            .next_conversation_log_transcripts
            .map(|link| link.href.into_owned());
    }
    pages
}

fn missed(client: &Client, world: &mut World) -> (Option<i64>, Option<i64>, Option<i64>) {
    let missed = client.resource(world, &link(client, "missedItems"));
    let missed = MissedItems::from_resource(&missed).unwrap();
    (
        missed.conversation_logs_count,
        missed.missed_conversations_count,
        missed.unread_missed_conversations_count,
    )
}

/// A chat that is archived for Lene.
fn chat(world: &mut World) -> Chat {
    let mut chat = Chat::new(world);
    assert_eq!(
        keep_history(&mut chat.lene, world, "Enabled"),
        StatusCode::OK
    );
    chat
}

#[test]
fn an_ended_conversation_is_archived_if_the_application_enables_it() {
    let mut world = World::new();
    let world = &mut world;
    let mut chat = chat(world);
    for number in 0..25 {
        chat.tosh_says(world, &format!("{number}"));
        chat.lene.page(world);
        // The next GET acknowledges the page with the message.
        chat.lene.park(world);
        chat.tosh.page(world);
    }
    let messages = chat.lene_messaging.link_href("sendMessage").unwrap();
    chat.lene.say(world, messages, "Bye");
    assert!(
        logs(&chat.lene, world).is_empty(),
        "there is no log before the end of the conversation"
    );
    chat.lene.delete(world, chat.at_lene.href().unwrap());
    let page = chat.lene.page(world);
    assert!(
        page.story()
            .contains(&"communication missedItems updated".to_owned())
    );

    assert!(
        logs(&chat.tosh, world).is_empty(),
        "Tosh has not enabled the archive"
    );
    let logs = logs(&chat.lene, world);
    let [log] = logs.as_slice() else {
        panic!("{logs:?}")
    };
    let view = ConversationLog::from_resource(log).unwrap();
    assert_eq!(view.kind, Some(ConversationLogType::MessageLog));
    assert_eq!(view.status, Some(ConversationLogStatus::Archived));
    assert_eq!(view.direction, Some(Direction::Incoming));
    assert_eq!(view.subject.as_deref(), Some("Task Sample"));
    assert_eq!(view.thread_id.as_deref(), chat.at_lene.text("threadId"));
    assert_eq!(view.total_recipients_count, Some(1));
    assert_eq!(view.preview_message.as_deref(), Some("0"));
    assert!(view.creation_time.is_some() && view.mark_as_read.is_none());
    let recipient = &view.conversation_log_recipient[0];
    assert_eq!(recipient.sip_uri.as_deref(), Some("sip:toshm@contoso.com"));
    assert_eq!(recipient.display_name.as_deref(), Some("Tosh Meston"));

    // The first page has the last messages.
    let pages = transcripts(&chat.lene, world, log);
    let sizes: Vec<_> = pages.iter().map(Vec::len).collect();
    assert_eq!(sizes, [20, 6]);
    assert_eq!(pages[0].last(), Some(&(true, "Bye".to_owned())));
    let earlier: Vec<_> = pages[1]
        .iter()
        .map(|(mine, text)| (*mine, text.as_str()))
        .collect();
    assert_eq!(
        earlier,
        [
            (false, "0"),
            (false, "1"),
            (false, "2"),
            (false, "3"),
            (false, "4"),
            (false, "5")
        ]
    );
    assert_eq!(missed(&chat.lene, world), (Some(1), Some(0), Some(0)));
}

#[test]
fn the_log_of_the_caller_starts_with_the_invitation_and_survives_the_application() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::available(world, TOSH, Representation::Json);
    let mut lene = Client::available(world, LENE, Representation::Json);
    keep_history(&mut tosh, world, "Enabled");
    tosh.invite(world, LENE, "1", "Hi Lene");
    let accept = lene
        .page(world)
        .resource("messagingInvitation")
        .link_href("accept")
        .unwrap()
        .to_owned();
    lene.press(world, &accept);
    tosh.delete(world, tosh.application.href().unwrap());
    let tosh = Client::sign_in(world, TOSH, Representation::Xml);
    let logs = logs(&tosh, world);
    assert_eq!(logs.len(), 1);
    let view = ConversationLog::from_resource(&logs[0]).unwrap();
    assert_eq!(view.direction, Some(Direction::Outgoing));
    assert!(view.creation_time.is_some(), "a date in XML");
    assert_eq!(
        transcripts(&tosh, world, &logs[0]),
        [vec![(true, "Hi Lene".to_owned())]]
    );
}

#[test]
fn the_list_of_logs_has_a_limit_and_starts_with_the_newest() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::available(world, TOSH, Representation::Json);
    let mut lene = Client::available(world, LENE, Representation::Json);
    keep_history(&mut lene, world, "Enabled");
    for text in ["one", "two", "three"] {
        tosh.invite(world, LENE, text, text);
        let href = lene
            .page(world)
            .resource("conversation")
            .href()
            .unwrap()
            .to_owned();
        lene.delete(world, &href);
        lene.page(world);
        tosh.page(world);
    }
    let previews = |world: &mut World| -> Vec<_> {
        let logs = logs(&lene, world);
        logs.iter()
            .map(|log| log.text("previewMessage").unwrap().to_owned())
            .collect()
    };
    assert_eq!(previews(world), ["three", "two", "one"]);
    let list = lene.resource(
        world,
        &format!("{}?limit=2", link(&lene, "conversationLogs")),
    );
    assert_eq!(list.links("conversationLog").len(), 2);
    let nonsense = format!("{}?limit=x", link(&lene, "conversationLogs"));
    assert_eq!(lene.get(world, &nonsense).status(), StatusCode::BAD_REQUEST);
    let far = format!("{}/7", link(&lene, "conversationLogs"));
    assert_eq!(lene.get(world, &far).status(), StatusCode::NOT_FOUND);
}

/// Lene is busy, so the server does not accept invitations for her.
fn busy(world: &mut World) -> (Client, Client) {
    let tosh = Client::available(world, TOSH, Representation::Json);
    let mut lene = Client::available(world, LENE, Representation::Json);
    keep_history(&mut lene, world, "Enabled");
    let presence = format!("{}/me/presence", lene.application.href().unwrap());
    let input = Resource::anonymous().with_property("availability", "Busy");
    assert_eq!(
        lene.post(world, &presence, &input).status(),
        StatusCode::NO_CONTENT
    );
    lene.page(world);
    (tosh, lene)
}

#[test]
fn an_unanswered_invitation_is_missed_once_and_can_be_marked_as_read() {
    let mut world = World::new();
    let world = &mut world;
    let (tosh, mut lene) = busy(world);
    // The invitation is pending at two endpoints of Lene's, and counts as one missed conversation.
    let other = Client::available_at(world, LENE, Representation::Json, "phone");
    tosh.invite(world, LENE, "1", "Are you there?");
    let rings = lene.page(world);
    assert!(
        rings
            .resource("messagingInvitation")
            .link("accept")
            .is_some()
    );
    world.pass(seconds(31));
    let page = lene.page(world);
    assert_eq!(
        page.reason("messagingInvitation"),
        ("LocalFailure", "Missed")
    );
    assert!(
        page.story()
            .contains(&"communication missedItems updated".to_owned())
    );
    for client in [&lene, &other] {
        assert_eq!(missed(client, world), (Some(1), Some(1), Some(1)));
    }
    let log = logs(&lene, world).remove(0);
    assert_eq!(log.text("status"), Some("Missed"));
    assert_eq!(
        transcripts(&lene, world, &log),
        [vec![(false, "Are you there?".to_owned())]]
    );

    let read = log.link_href("markAsRead").unwrap();
    assert_eq!(lene.press(world, read), StatusCode::NO_CONTENT);
    assert_eq!(
        lene.page(world).story(),
        ["communication missedItems updated"]
    );
    assert_eq!(missed(&lene, world), (Some(1), Some(1), Some(0)));
    assert!(logs(&lene, world)[0].link("markAsRead").is_none());
}

#[test]
fn a_declined_invitation_is_not_missed_and_without_history_none_is() {
    let mut world = World::new();
    let world = &mut world;
    let (tosh, mut lene) = busy(world);
    tosh.invite(world, LENE, "1", "Now?");
    let decline = lene
        .page(world)
        .resource("messagingInvitation")
        .link_href("decline")
        .unwrap()
        .to_owned();
    lene.press(world, &decline);
    assert_eq!(missed(&lene, world), (Some(0), Some(0), Some(0)));
    lene.page(world);
    keep_history(&mut lene, world, "Disabled");
    tosh.invite(world, LENE, "2", "Now?");
    world.pass(seconds(31));
    assert_eq!(missed(&lene, world), (Some(0), Some(0), Some(0)));
}

/// `conversation_ref`, `ErrorSubcode_ref`: the reason is AutoAccepted, and the user acknowledges the conversation.
#[test]
fn the_server_accepts_an_invitation_for_an_online_user_with_history() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::available(world, TOSH, Representation::Json);
    let mut lene = Client::available(world, LENE, Representation::Json);
    let mut other = Client::available_at(world, LENE, Representation::Json, "phone");
    keep_history(&mut lene, world, "Enabled");
    tosh.invite(world, LENE, "1", "Hi Lene");
    let page = lene.page(world);
    assert_eq!(
        page.story(),
        [
            "communication messagingInvitation started",
            "communication conversation added",
            "conversation localParticipant added",
            "conversation participant added",
            "conversation messaging updated",
            "communication conversation updated",
            "conversation participantMessaging added in localParticipant",
            "conversation participantMessaging added in participant",
            "conversation participant updated",
            "communication messagingInvitation completed Success",
            "conversation message completed Success",
        ]
    );
    assert_eq!(
        page.reason("messagingInvitation"),
        ("Informational", "AutoAccepted")
    );
    let started = page
        .0
        .events()
        .find_map(|(_, event)| event.resource())
        .unwrap();
    assert!(started.link("accept").is_none() && started.link("decline").is_none());
    let conversation = page.resource("conversation");
    let seen = conversation.link_href("userAcknowledged").unwrap();
    assert_eq!(lene.press(world, seen), StatusCode::NO_CONTENT);
    let page = lene.page(world);
    assert_eq!(page.story(), ["communication conversation updated"]);
    assert!(
        page.resource("conversation")
            .link("userAcknowledged")
            .is_none()
    );
    assert_eq!(lene.press(world, seen), StatusCode::NOT_FOUND);

    assert_eq!(
        tosh.page(world)
            .resource("messagingInvitation")
            .text("state"),
        Some("Connected")
    );
    assert_eq!(
        other.page(world).reason("messagingInvitation"),
        ("LocalFailure", "ConnectedElsewhere")
    );
}

#[test]
fn a_server_without_mailboxes_offers_no_history() {
    let mut world = World::new();
    let mut config = ServerConfig::new([User::new(LENE, "Lene Aaling", PASSWORD).unwrap()]);
    config.history = false;
    world.engine = Engine::new(config);
    let world = &mut world;
    let mut lene = Client::available(world, LENE, Representation::Json);
    for rel in ["conversationLogs", "missedItems"] {
        assert!(lene.communication().link(rel).is_none());
        let href = format!("{}/{rel}", lene.communication().href().unwrap());
        assert_eq!(lene.get(world, &href).status(), StatusCode::NOT_FOUND);
    }
    let policies = lene.resource(world, lene.application.link_href("policies").unwrap());
    assert_eq!(policies.text("saveMessagingHistory"), Some("Disabled"));
    // The PUT succeeds and does not change the history.
    keep_history(&mut lene, world, "Disabled");
    let href = lene.communication().href().unwrap().to_owned();
    assert_eq!(
        lene.resource(world, &href).text("conversationHistory"),
        Some("Disabled")
    );
}

#[test]
fn an_unknown_conversation_history_is_refused() {
    let mut world = World::new();
    let mut lene = Client::available(&mut world, LENE, Representation::Json);
    assert_eq!(
        keep_history(&mut lene, &mut world, "Perhaps"),
        StatusCode::BAD_REQUEST
    );
}

#[test]
fn a_log_can_be_deleted_and_its_chat_continued() {
    let mut world = World::new();
    let world = &mut world;
    let (tosh, mut lene) = busy(world);
    for text in ["one", "two"] {
        tosh.invite(world, LENE, text, text);
        world.pass(seconds(31));
        lene.page(world);
    }
    let [second, first] = logs(&lene, world).try_into().unwrap();
    let removed = first.href().unwrap();
    assert_eq!(lene.delete(world, removed), StatusCode::NO_CONTENT);
    assert_eq!(
        lene.page(world).story(),
        ["communication missedItems updated"]
    );
    assert_eq!(missed(&lene, world), (Some(1), Some(1), Some(1)));
    assert_eq!(lene.get(world, removed).status(), StatusCode::NOT_FOUND);
    // The other log keeps its href.
    assert_eq!(logs(&lene, world)[0].href(), second.href());

    let href = second.link_href("continueMessaging").unwrap();
    let input = Resource::anonymous()
        .with_property("operationId", "continue-1")
        .with_link("message", DataUri::text_plain("Here I am"));
    let created = lene.post(world, href, &input);
    assert_eq!(created.status(), StatusCode::CREATED);
    let page = lene.page(world);
    let invitation = page.resource("messagingInvitation");
    assert_eq!(invitation.text("operationId"), Some("continue-1"));
    assert_eq!(invitation.text("to"), Some("sip:toshm@contoso.com"));
    for property in ["threadId", "subject"] {
        assert_eq!(invitation.text(property), second.text(property));
    }
}
