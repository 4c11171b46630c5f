//! Messages and their delivery results, typing, and the end of a chat.

use http::{Method, StatusCode};
use ucwa_proto::{DataUri, Representation, Resource};

use crate::harness::{Chat, Client, LENE, TOSH, World, location, refusal, refused, seconds};

#[test]
fn both_participants_send_and_receive_messages() {
    let mut world = World::new();
    let world = &mut world;
    let mut chat = Chat::new(world);
    let sent = chat.tosh_says(world, "What's up?");
    assert_eq!(sent.status(), StatusCode::CREATED);
    let page = chat.lene.page(world);
    let link = page.resource("message").link_href("plainMessage").unwrap();
    assert_eq!(DataUri::parse(link).unwrap().text(), "What's up?");

    // Lene has not acknowledged the page with the message.
    let waiting = chat.tosh.park(world);
    assert!(world.reply(waiting).is_none());
    let pending = chat.tosh.resource(world, &location(&sent));
    assert_eq!(pending.text("status"), Some("Pending"));
    assert_eq!(pending.text("operationId"), Some("6b6ce55c"));

    let parked = chat.lene.park(world);
    let page = chat.tosh.arrived(world, waiting);
    assert_eq!(page.story(), ["conversation message completed Success"]);
    let done = chat.tosh.resource(world, &location(&sent));
    assert_eq!(done.text("status"), Some("Succeeded"));

    let messages = chat.lene_messaging.link_href("sendMessage").unwrap();
    let answer = chat.lene.say(world, messages, "The sky & the sun");
    chat.tosh.page(world);
    chat.tosh.park(world);
    let page = chat.lene.arrived(world, parked);
    assert_eq!(page.event("message").link.href, location(&answer));
    assert_eq!(page.resource("message").text("direction"), Some("Outgoing"));
}

#[test]
fn a_message_fails_if_it_is_not_acknowledged_in_thirty_seconds() {
    let mut world = World::new();
    let world = &mut world;
    let mut chat = Chat::new(world);
    let sent = chat.tosh_says(world, "Hello?");
    world.pass(seconds(29));
    let parked = chat.tosh.park(world);
    assert!(world.reply(parked).is_none());
    world.pass(seconds(1));
    let page = chat.tosh.arrived(world, parked);
    assert_eq!(page.story(), ["conversation message completed Failure"]);
    assert_eq!(page.event("message").link.href, location(&sent));
    assert_eq!(page.reason("message"), ("RemoteFailure", "Timeout"));
    let failed = chat.tosh.resource(world, &location(&sent));
    assert_eq!(failed.text("status"), Some("Failed"));
    // The message was withdrawn.
    let parked = chat.lene.park(world);
    assert!(world.reply(parked).is_none());
}

/// The client may have received the page, and acknowledges it. It must not acknowledge a later message with it.
#[test]
fn a_page_with_a_withdrawn_message_is_sent_again_without_later_events() {
    let mut world = World::new();
    let world = &mut world;
    let chat = Chat::new(world);
    chat.tosh_says(world, "Hello?");
    let page = chat.lene.park(world);
    assert!(world.reply(page).is_some());
    world.pass(seconds(30));
    let later = chat.tosh_says(world, "Are you there?");
    let again = chat.lene.park(world);
    let again = world.reply(again).unwrap();
    assert_eq!(chat.lene.decode_page(&again).events().count(), 0);
    let pending = chat.tosh.resource(world, &location(&later));
    assert_eq!(pending.text("status"), Some("Pending"));
}

#[test]
fn the_end_of_a_chat_is_reported_to_both_and_fails_pending_messages() {
    let mut world = World::new();
    let world = &mut world;
    let mut chat = Chat::new(world);
    chat.tosh_says(world, "Bye");
    let conversation = chat.at_lene.href().unwrap();
    assert_eq!(
        chat.lene.delete(world, conversation),
        StatusCode::NO_CONTENT
    );
    assert_eq!(chat.lene.delete(world, conversation), StatusCode::NOT_FOUND);
    let page = chat.tosh.page(world);
    assert_eq!(
        page.story(),
        [
            "conversation message completed Failure",
            "conversation messaging updated",
            "conversation participantMessaging deleted in participant",
            "conversation participantMessaging deleted in localParticipant",
            "conversation participant deleted",
            "conversation localParticipant deleted",
            "communication conversation updated",
            "communication conversation deleted",
        ]
    );
    // The message in flight has failed. The reasons of the other events are informational.
    assert_eq!(page.reason("message"), ("RemoteFailure", "CallTerminated"));
    assert_eq!(
        page.resource("messaging").text("state"),
        Some("Disconnected")
    );
    assert_eq!(
        page.reason("messaging"),
        ("Informational", "CallTerminated")
    );
    let story = chat.lene.page(world).story();
    assert_eq!(story[0], "conversation messaging updated");
    assert_eq!(story.last().unwrap(), "communication conversation deleted");
    let gone = chat.tosh_says(world, "Are you there?");
    assert_eq!(
        refused(&gone),
        refusal(404, "NotFound", "ConversationNotFound")
    );
}

#[test]
fn signing_out_ends_the_chats_of_the_others() {
    let mut world = World::new();
    let world = &mut world;
    let mut chat = Chat::new(world);
    let parked = chat.lene.park(world);
    let home = chat.lene.application.href().unwrap();
    assert_eq!(chat.lene.delete(world, home), StatusCode::NO_CONTENT);
    let dead = refusal(404, "NotFound", "ApplicationNotFound");
    assert_eq!(refused(&world.reply(parked).unwrap()), dead);
    assert_eq!(refused(&chat.lene.get(world, home)), dead);
    assert_eq!(
        chat.tosh.page(world).story().last().unwrap(),
        "communication conversation deleted"
    );
}

#[test]
fn html_is_converted_to_text_for_receivers_without_html() {
    for (formats, rel, text) in [
        (&["Plain", "Html"][..], "htmlMessage", "<b>Hi</b> &amp; bye"),
        (&["Plain"][..], "plainMessage", "Hi & bye"),
    ] {
        let mut world = World::new();
        let world = &mut world;
        let mut tosh = Client::available(world, TOSH, Representation::Json);
        let mut lene = Client::sign_in(world, LENE, Representation::Json);
        lene.make_available(world, formats);
        lene.page(world);
        tosh.invite(world, LENE, "1", "");
        tosh.page(world);
        let ringing = lene.page(world);
        let accept = ringing.resource("messagingInvitation").link_href("accept");
        lene.press(world, accept.unwrap());
        lene.page(world);
        let page = tosh.page(world);
        let messages = page.resource("messaging").link_href("sendMessage").unwrap();
        let body = "<b>Hi</b> &amp; bye";
        let request = tosh
            .builder(&Method::POST, messages)
            .header("content-type", "text/html; charset=utf-8")
            .header("content-length", body.len());
        let sent = world.exchange(request.body(body.into()).unwrap());
        assert_eq!(sent.status(), StatusCode::CREATED);
        let page = lene.page(world);
        let link = page.resource("message").link_href(rel).unwrap();
        assert_eq!(DataUri::parse(link).unwrap().text(), text);
    }
}

#[test]
fn typing_ends_after_five_seconds_or_with_the_message() {
    let mut world = World::new();
    let world = &mut world;
    let mut chat = Chat::new(world);
    let type_ = chat
        .tosh_messaging
        .link_href("setIsTyping")
        .unwrap()
        .to_owned();
    let typing = chat
        .lene_messaging
        .link_href("typingParticipants")
        .unwrap()
        .to_owned();
    assert_eq!(chat.tosh.press(world, &type_), StatusCode::NO_CONTENT);
    let page = chat.lene.page(world);
    assert_eq!(
        page.story(),
        ["conversation participant added in typingParticipants"]
    );
    assert!(
        page.event("participant")
            .link
            .href
            .ends_with("/participants/toshm@contoso.com")
    );
    assert_eq!(
        chat.lene
            .resource(world, &typing)
            .links("participant")
            .len(),
        1
    );

    // A second report of typing causes no event, and restarts the timer.
    let parked = chat.lene.park(world);
    world.pass(seconds(3));
    chat.tosh.press(world, &type_);
    world.pass(seconds(4));
    assert!(world.reply(parked).is_none());
    world.pass(seconds(1));
    let page = chat.lene.arrived(world, parked);
    assert_eq!(
        page.story(),
        ["conversation participant deleted in typingParticipants"]
    );
    assert!(
        chat.lene
            .resource(world, &typing)
            .links("participant")
            .is_empty()
    );

    chat.tosh.press(world, &type_);
    chat.tosh_says(world, "Hi");
    assert_eq!(
        chat.lene.page(world).story(),
        [
            "conversation participant added in typingParticipants",
            "conversation participant deleted in typingParticipants",
            "conversation message completed Success",
        ]
    );
}

#[test]
fn an_invalid_message_is_refused() {
    let mut world = World::new();
    let world = &mut world;
    let chat = Chat::new(world);
    let messages = chat.tosh_messaging.link_href("sendMessage").unwrap();
    let mut send = |content_type: &str, body: &'static [u8]| {
        let request = chat
            .tosh
            .builder(&Method::POST, messages)
            .header("content-type", content_type)
            .header("content-length", body.len());
        refused(&world.exchange(request.body(body.into()).unwrap()))
    };
    assert_eq!(
        send("application/json", b"{}"),
        refusal(415, "UnsupportedMediaType", "")
    );
    assert_eq!(
        send("text/plain", b"\xff"),
        refusal(400, "BadRequest", "DeserializationFailure")
    );
    assert_eq!(
        send("text/plain", b""),
        refusal(400, "BadRequest", "ParameterValidationFailure")
    );
}

#[test]
fn messaging_can_end_and_be_added_again() {
    let mut world = World::new();
    let world = &mut world;
    let mut chat = Chat::new(world);
    world.inject(ucwa_server::Fault::DropMessaging {
        user: format!("sip:{LENE}"),
    });
    let story = [
        "conversation messaging updated",
        "conversation participantMessaging deleted in participant",
        "conversation participantMessaging deleted in localParticipant",
        "communication conversation updated",
    ];
    let page = chat.tosh.page(world);
    assert_eq!(page.story(), story);
    assert_eq!(chat.lene.page(world).story(), story);
    let conversation = page.resource("conversation");
    assert_eq!(conversation.text("state"), Some("Connected"));
    assert_eq!(conversation.list("activeModalities").count(), 0);
    let messaging = page.resource("messaging");
    assert_eq!(messaging.text("state"), Some("Disconnected"));
    assert!(messaging.property("negotiatedMessageFormats").is_none());
    assert!(messaging.link("sendMessage").is_none());
    let add = messaging.link_href("addMessaging").unwrap();

    let input = Resource::anonymous()
        .with_property("operationId", "again")
        .with_link("message", DataUri::text_plain("Still there?"));
    let created = chat.tosh.post(world, add, &input);
    assert_eq!(created.status(), StatusCode::CREATED);
    let twice = chat.tosh.post(world, add, &input);
    assert_eq!(refused(&twice), refusal(409, "Conflict", "AlreadyExists"));
    assert_eq!(
        chat.tosh.page(world).story(),
        [
            "communication messagingInvitation started",
            "conversation messaging updated"
        ]
    );
    let ringing = chat.lene.page(world);
    assert_eq!(
        ringing.story(),
        ["communication messagingInvitation started"]
    );
    let invitation = ringing.resource("messagingInvitation");
    assert_eq!(invitation.link_href("conversation"), chat.at_lene.href());
    let decline = invitation.link_href("decline").unwrap();
    chat.lene.post(world, decline, &Resource::anonymous());
    // The invitation was declined, and the conversation continues.
    assert_eq!(
        chat.tosh.page(world).story(),
        [
            "communication messagingInvitation completed Failure",
            "conversation messaging updated"
        ]
    );
    assert_eq!(
        chat.lene.page(world).story(),
        ["communication messagingInvitation completed Failure"]
    );
    let alive = chat.tosh.resource(world, chat.at_tosh.href().unwrap());
    assert_eq!(alive.text("state"), Some("Connected"));

    chat.tosh.post(world, add, &input);
    chat.tosh.page(world);
    let ringing = chat.lene.page(world);
    let accept = ringing.resource("messagingInvitation").link_href("accept");
    chat.lene.press(world, accept.unwrap());
    assert_eq!(
        chat.tosh.page(world).story(),
        [
            "communication conversation updated",
            "conversation participantMessaging added in participant",
            "conversation participantMessaging added in localParticipant",
            "conversation messaging updated",
            "communication messagingInvitation completed Success",
        ]
    );
    assert_eq!(
        chat.lene.page(world).story().last().unwrap(),
        "conversation message completed Success"
    );
    assert_eq!(chat.tosh_says(world, "Good").status(), StatusCode::CREATED);
}

#[test]
fn every_resource_of_a_chat_can_be_read() {
    let mut world = World::new();
    let world = &mut world;
    let chat = Chat::new(world);
    let message = location(&chat.tosh_says(world, "Hello"));
    let conversation = chat.at_tosh.href().unwrap();
    let home = chat.tosh.application.href().unwrap();
    let conversations = chat.tosh.communication().link_href("conversations");
    let listed = chat.tosh.resource(world, conversations.unwrap());
    let listed: Vec<&str> = listed
        .links("conversation")
        .iter()
        .map(|link| &*link.href)
        .collect();
    assert_eq!(listed, [conversation]);
    for (rel, href) in [
        ("conversation", conversation.to_owned()),
        ("messaging", format!("{conversation}/messaging")),
        ("messages", format!("{conversation}/messaging/messages")),
        ("message", message.clone()),
        ("participants", format!("{conversation}/participants")),
        ("participant", format!("{conversation}/participants/{TOSH}")),
        ("participant", format!("{conversation}/participants/{LENE}")),
        (
            "participantMessaging",
            format!("{conversation}/participants/{LENE}/messaging"),
        ),
        ("contact", format!("{home}/people/{LENE}")),
    ] {
        let resource = chat.tosh.resource(world, &href);
        assert_eq!((resource.rel(), resource.href()), (Some(rel), Some(&*href)));
    }
    let messages = format!("{conversation}/messaging/messages");
    let messages = chat.tosh.resource(world, &messages);
    assert_eq!(messages.link_href("message"), Some(&*message));
    let participants = format!("{conversation}/participants");
    let participants = chat.tosh.resource(world, &participants);
    let lene = participants.link("participant").unwrap();
    assert_eq!(lene.title.as_deref(), Some("Lene Aaling"));
    for href in [
        format!("{conversation}/participants/nobody@contoso.com"),
        format!("{conversation}/messaging/messages/1"),
        format!("{conversation}/messaging/messages/99"),
        format!("{home}/people/nobody@contoso.com"),
    ] {
        let response = chat.tosh.get(world, &href);
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{href}");
    }
}
