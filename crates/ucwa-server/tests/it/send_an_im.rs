//! The published outgoing chat (`SendAnIM`), request by request, and the failures of an outgoing chat.

use http::{Method, StatusCode};
use ucwa_proto::Representation;

use crate::harness::{Client, LENE, TOSH, World, location, refusal, refused, request, seconds};

const FIRST_PAGE: [&str; 4] = [
    "communication messagingInvitation started",
    "communication conversation added",
    "conversation localParticipant added",
    "conversation messaging updated",
];

const FAILED_PAGE: [&str; 5] = [
    "communication messagingInvitation completed Failure",
    "conversation messaging updated",
    "conversation localParticipant deleted",
    "communication conversation updated",
    "communication conversation deleted",
];

#[test]
fn as_published_in_json() {
    as_published(Representation::Json);
}

#[test]
fn as_published_in_xml() {
    as_published(Representation::Xml);
}

fn as_published(representation: Representation) {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::available(world, TOSH, representation);
    let mut lene = Client::available(world, LENE, representation);

    // 1: the invitation.
    let created = tosh.invite(world, LENE, "5028e824-2268-4b14-9e59-1abad65ff393", "");
    assert_eq!(created.status(), StatusCode::CREATED);
    assert!(created.body().is_empty());
    let invitation = location(&created);
    let home = tosh.application.href().unwrap().to_owned();
    assert!(invitation.starts_with(&format!("{home}/communication/messagingInvitations/")));
    assert_eq!(invitation.rsplit('/').next().unwrap().len(), 32);

    // 2: the first event page.
    let page = tosh.page(world);
    assert_eq!(page.story(), FIRST_PAGE);
    let started = page.resource("messagingInvitation");
    assert_eq!(started.href(), Some(invitation.as_str()));
    for (property, value) in [
        ("direction", "Outgoing"),
        ("importance", "Normal"),
        ("state", "Connecting"),
        ("operationId", "5028e824-2268-4b14-9e59-1abad65ff393"),
        ("subject", "Task Sample"),
    ] {
        assert_eq!(started.text(property), Some(value), "{property}");
    }
    let thread = started.text("threadId").unwrap().to_owned();
    let conversation = started.link_href("conversation").unwrap().to_owned();
    let participant = format!("{conversation}/participants/toshm@contoso.com");
    let from = started.link("from").unwrap();
    assert_eq!(
        (&*from.href, from.title.as_deref()),
        (&*participant, Some("Tosh Meston"))
    );
    assert_eq!(
        started.link_href("to"),
        Some(&*format!("{home}/people/lenea@contoso.com"))
    );
    assert_eq!(
        started.link_href("cancel"),
        Some(&*format!("{conversation}/messaging/terminate"))
    );
    assert_eq!(
        started.link_href("messaging"),
        Some(&*format!("{conversation}/messaging"))
    );
    let added = page.resource("conversation");
    assert_eq!(added.href(), Some(&*conversation));
    assert_eq!(added.text("state"), Some("Connecting"));
    assert_eq!(added.text("threadId"), Some(&*thread));
    assert_eq!(added.list("activeModalities").count(), 0);
    assert_eq!(added.boolean("recording"), Some(false));
    assert!(added.link("addParticipant").is_none());
    let local = page.event("localParticipant");
    assert_eq!(local.link.title.as_deref(), Some("Tosh Meston"));
    let local = page.resource("localParticipant");
    assert_eq!(local.href(), Some(&*participant));
    assert_eq!(local.text("uri"), Some("sip:toshm@contoso.com"));
    assert_eq!(local.boolean("anonymous"), Some(false));
    let messaging = page.resource("messaging");
    assert_eq!(messaging.text("state"), Some("Connecting"));
    assert!(messaging.link("stopMessaging").is_some());
    assert!(messaging.link("sendMessage").is_none());

    // The callee accepts.
    let ringing = lene.page(world);
    let accept = ringing.resource("messagingInvitation").link_href("accept");
    assert_eq!(lene.press(world, accept.unwrap()), StatusCode::NO_CONTENT);

    // 3: the event page after the accept.
    let page = tosh.page(world);
    assert_eq!(
        page.story(),
        [
            "communication conversation updated",
            "conversation participant added",
            "conversation participantMessaging added in participant",
            "conversation participantMessaging added in localParticipant",
            "conversation messaging updated",
            "communication messagingInvitation completed Success",
        ]
    );
    let connected = page.resource("conversation");
    assert_eq!(connected.text("state"), Some("Connected"));
    assert!(connected.list("activeModalities").eq(["Messaging"]));
    assert!(connected.link("localParticipant").is_some());
    assert!(connected.link("addParticipant").is_some());
    let remote = page.event("participant");
    assert!(remote.embedded.is_none());
    assert_eq!(remote.link.title.as_deref(), Some(""));
    assert_eq!(
        remote.link.href,
        format!("{conversation}/participants/lenea@contoso.com")
    );
    let messaging = page.resource("messaging");
    assert_eq!(messaging.text("state"), Some("Connected"));
    assert!(
        messaging
            .list("negotiatedMessageFormats")
            .eq(["Plain", "Html"])
    );
    for rel in [
        "conversation",
        "stopMessaging",
        "sendMessage",
        "setIsTyping",
        "typingParticipants",
    ] {
        assert!(messaging.link(rel).is_some(), "{rel}");
    }
    let completed = page.resource("messagingInvitation");
    assert_eq!(completed.text("state"), Some("Connected"));
    assert!(completed.link("cancel").is_none());
    let accepted = completed.embedded("acceptedByParticipant").unwrap();
    assert_eq!(accepted.text("uri"), Some("sip:lenea@contoso.com"));
    assert_eq!(accepted.text("name"), Some(""));
    let participant = tosh.resource(world, &remote.link.href);
    assert_eq!(participant.text("name"), Some("Lene Aaling"));

    // 4: the conversation can be read.
    let got = tosh.resource(world, &conversation);
    assert_eq!(got.text("state"), Some("Connected"));
    assert_eq!(got.text("threadId"), Some(&*thread));

    // 5: a message, as in the sample, where the parameter operationId is OperationContext.
    let href = messaging.link_href("sendMessage").unwrap().to_owned();
    let stop = messaging.link_href("stopMessaging").unwrap().to_owned();
    let sent = world.exchange(
        tosh.builder(&Method::POST, &format!("{href}?OperationContext=6b6ce55c"))
            .header("content-type", "text/plain")
            .header("content-length", 10)
            .body("What's up?".into())
            .unwrap(),
    );
    assert_eq!(sent.status(), StatusCode::CREATED);
    let message = location(&sent);
    assert_eq!(message, format!("{href}/2"));

    // The callee acknowledges the message with the request for the next page.
    assert_eq!(
        lene.page(world).story().last().unwrap(),
        "conversation message completed Success"
    );
    lene.park(world);

    // 6: the delivery result.
    let page = tosh.page(world);
    assert_eq!(page.story(), ["conversation message completed Success"]);
    let event = page.event("message");
    assert_eq!(event.link.href, message);
    let delivered = page.resource("message");
    assert_eq!(delivered.text("direction"), Some("Outgoing"));
    assert_eq!(
        delivered.text("timeStamp"),
        Some(match representation {
            Representation::Json => "/Date(1364327898000)/",
            Representation::Xml => "2013-03-26T19:58:18Z",
        })
    );
    assert!(delivered.property("operationId").is_none());
    assert!(delivered.link("plainMessage").is_none());
    assert!(delivered.link("messaging").is_some());

    // 7: the end, which the published page does not show.
    assert_eq!(tosh.press(world, &stop), StatusCode::NO_CONTENT);
    assert_eq!(
        tosh.page(world).story(),
        [
            "conversation messaging updated",
            "conversation participantMessaging deleted in participant",
            "conversation participantMessaging deleted in localParticipant",
            "conversation participant deleted",
            "conversation localParticipant deleted",
            "communication conversation updated",
            "communication conversation deleted",
        ]
    );
    assert_eq!(tosh.press(world, &stop), StatusCode::NOT_FOUND);
    let gone = tosh.get(world, &conversation);
    assert_eq!(
        refused(&gone),
        refusal(404, "NotFound", "ConversationNotFound")
    );
}

#[test]
fn an_invitation_times_out_after_thirty_seconds() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::available(world, TOSH, Representation::Json);
    let mut lene = Client::available(world, LENE, Representation::Json);
    let created = tosh.invite(world, LENE, "1", "Hi");
    tosh.page(world);
    lene.page(world);
    world.pass(seconds(29));
    let parked = tosh.park(world);
    assert!(world.reply(parked).is_none());
    world.pass(seconds(1));

    let page = tosh.arrived(world, parked);
    assert_eq!(page.story(), FAILED_PAGE);
    assert_eq!(
        page.reason("messagingInvitation"),
        ("RemoteFailure", "Timeout")
    );
    assert_eq!(
        page.resource("messagingInvitation").text("state"),
        Some("Failed")
    );
    assert_eq!(
        page.resource("conversation").text("state"),
        Some("Disconnected")
    );
    // The invitation can also be read.
    let invitation = tosh.resource(world, &location(&created));
    assert_eq!(invitation.text("state"), Some("Failed"));
    assert_eq!(invitation.text("operationId"), Some("1"));

    let page = lene.page(world);
    assert_eq!(
        page.reason("messagingInvitation"),
        ("LocalFailure", "Missed")
    );
    assert_eq!(
        page.story().last().unwrap(),
        "communication conversation deleted"
    );
}

#[test]
fn an_unknown_or_unavailable_callee_cannot_be_invited() {
    for (to, subcode) in [
        ("nobody@contoso.com", "DestinationNotFound"),
        (LENE, "Unreachable"),
    ] {
        let mut world = World::new();
        let world = &mut world;
        let mut tosh = Client::available(world, TOSH, Representation::Json);
        // Lene is signed in without makeMeAvailable.
        Client::sign_in(world, LENE, Representation::Json);
        let created = tosh.invite(world, to, "1", "Hi");
        assert_eq!(created.status(), StatusCode::CREATED);
        let page = tosh.page(world);
        assert_eq!(
            page.story(),
            [FIRST_PAGE.as_slice(), FAILED_PAGE.as_slice()].concat()
        );
        assert_eq!(
            page.reason("messagingInvitation"),
            ("RemoteFailure", subcode)
        );
    }
}

#[test]
fn the_caller_cancels() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::available(world, TOSH, Representation::Json);
    let mut lene = Client::available(world, LENE, Representation::Json);
    tosh.invite(world, LENE, "1", "Hi");
    let page = tosh.page(world);
    let cancel = page.resource("messagingInvitation").link_href("cancel");
    let ringing = lene.page(world);
    assert_eq!(tosh.press(world, cancel.unwrap()), StatusCode::NO_CONTENT);

    let page = tosh.page(world);
    assert_eq!(page.story(), FAILED_PAGE);
    assert_eq!(
        page.reason("messagingInvitation"),
        ("LocalFailure", "Canceled")
    );
    assert_eq!(
        page.resource("messagingInvitation").text("state"),
        Some("Cancelled")
    );
    let page = lene.page(world);
    assert_eq!(
        page.reason("messagingInvitation"),
        ("RemoteFailure", "Canceled")
    );
    let accept = ringing.resource("messagingInvitation").link_href("accept");
    assert_eq!(lene.press(world, accept.unwrap()), StatusCode::NOT_FOUND);
}

#[test]
fn a_caller_that_signs_out_cancels_the_invitation() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::available(world, TOSH, Representation::Json);
    let mut lene = Client::available(world, LENE, Representation::Json);
    tosh.invite(world, LENE, "1", "Hi");
    lene.page(world);
    let home = tosh.application.href().unwrap();
    assert_eq!(tosh.delete(world, home), StatusCode::NO_CONTENT);
    let page = lene.page(world);
    assert_eq!(
        page.reason("messagingInvitation"),
        ("RemoteFailure", "Canceled")
    );
}

#[test]
fn a_thread_can_be_reused_after_its_conversation_has_ended() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::available(world, TOSH, Representation::Json);
    let mut lene = Client::available(world, LENE, Representation::Json);
    let start = tosh
        .communication()
        .link_href("startMessaging")
        .unwrap()
        .to_owned();
    let input = ucwa_proto::Resource::anonymous()
        .with_property("to", "sip:LeneA@contoso.com")
        .with_property("operationId", "1")
        .with_property("threadId", "Ac7bUftwUcVMzgTzRl+OQchCsUn35Q==");
    assert_eq!(
        tosh.post(world, &start, &input).status(),
        StatusCode::CREATED
    );
    let again = tosh.post(world, &start, &input);
    assert_eq!(
        refused(&again),
        refusal(409, "Conflict", "ThreadIdAlreadyExists")
    );
    let page = tosh.page(world);
    let first = page.resource("conversation").href().unwrap().to_owned();
    assert_eq!(tosh.delete(world, &first), StatusCode::NO_CONTENT);
    tosh.page(world);
    assert_eq!(
        tosh.post(world, &start, &input).status(),
        StatusCode::CREATED
    );
    let page = tosh.page(world);
    let second = page.resource("conversation");
    assert_ne!(second.href(), Some(&*first));
    assert_eq!(
        second.text("threadId"),
        Some("Ac7bUftwUcVMzgTzRl+OQchCsUn35Q==")
    );
    let ringing = lene.page(world);
    assert_eq!(
        ringing.resource("messagingInvitation").text("threadId"),
        Some("Ac7bUftwUcVMzgTzRl+OQchCsUn35Q==")
    );
}

#[test]
fn an_invalid_invitation_is_refused() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::available(world, TOSH, Representation::Json);
    let start = tosh
        .communication()
        .link_href("startMessaging")
        .unwrap()
        .to_owned();
    let wrong = refusal(400, "BadRequest", "ParameterValidationFailure");
    let input = |to: &str, operation: &str| {
        ucwa_proto::Resource::anonymous()
            .with_property("to", to.to_owned())
            .with_property("operationId", operation.to_owned())
    };
    for input in [
        ucwa_proto::Resource::anonymous().with_property("operationId", "1"),
        input("", "1"),
        input("sip:", "1"),
        input("sip:lenea@contoso.com", &"x".repeat(51)),
        input("sip:lenea@contoso.com", "1").with_property("subject", "x".repeat(251)),
        input("sip:lenea@contoso.com", "1").with_link("message", "http://contoso.com/hello"),
        input("sip:lenea@contoso.com", "1").with_link("message", "data:image/png;base64,AAAA"),
    ] {
        assert_eq!(refused(&tosh.post(world, &start, &input)), wrong);
    }
    // No conversation was created.
    let conversations = tosh.communication().link_href("conversations").unwrap();
    assert!(
        tosh.resource(world, conversations)
            .links("conversation")
            .is_empty()
    );
    let parked = tosh.park(world);
    assert!(world.reply(parked).is_none());
    // The input may be in the query.
    let href = format!("{start}?to=sip%3Alenea%40contoso.com&operationId=7");
    assert_eq!(tosh.press(world, &href), StatusCode::CREATED);
    // A request without a token is refused.
    let anonymous = request(&Method::GET, &start).body(bytes::Bytes::new());
    let response = world.exchange(anonymous.unwrap());
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}
