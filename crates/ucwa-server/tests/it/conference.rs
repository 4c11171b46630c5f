//! Conferences: escalation of a chat of two, starting, joining, leading and leaving.

use http::StatusCode;
use ucwa_proto::{DataUri, Representation, Resource};
use ucwa_server::Fault;

use crate::harness::{ALEX, Chat, Client, LENE, Page, World, location, refusal, refused, seconds};

/// Tosh, Lene and Alex in a conference and in its chat. Their event queues are empty.
pub(crate) struct Conference {
    pub(crate) chat: Chat,
    alex: Client,
    /// Alex's view of the conversation.
    at_alex: Resource<'static>,
    alex_messaging: Resource<'static>,
}

fn add(world: &mut World, chat: &Chat, to: &str) -> http::Response<bytes::Bytes> {
    let href = chat.at_tosh.link_href("addParticipant").unwrap();
    let input = Resource::anonymous()
        .with_property("operationId", "add-1")
        .with_property("to", format!("sip:{to}"));
    chat.tosh.post(world, href, &input)
}

/// Joins the chat of the conference. Returns the messaging resource.
fn chat_in(world: &mut World, client: &mut Client, messaging: &Resource<'_>) -> Resource<'static> {
    let href = messaging.link_href("addMessaging").unwrap();
    let input = Resource::anonymous().with_property("operationId", "chat-1");
    assert_eq!(
        client.post(world, href, &input).status(),
        StatusCode::CREATED
    );
    let page = client.page(world);
    let story = page.story();
    assert!(
        story.contains(&"communication messagingInvitation completed Success".to_owned()),
        "{story:?}"
    );
    page.resource("messaging").clone()
}

impl Conference {
    pub(crate) fn new(world: &mut World) -> Self {
        let mut chat = Chat::new(world);
        let mut alex = Client::available(world, ALEX, Representation::Json);
        assert_eq!(add(world, &chat, ALEX).status(), StatusCode::CREATED);
        let before = chat.tosh.page(world);
        assert_eq!(
            before.story(),
            [
                "communication participantInvitation started",
                "conversation messaging updated",
                "conversation participantMessaging deleted in participant",
                "conversation participantMessaging deleted in localParticipant",
                "communication conversation updated",
            ]
        );
        assert_eq!(
            before.resource("conversation").text("state"),
            Some("Conferencing")
        );
        let at_lene = chat.lene.page(world);
        assert_eq!(
            at_lene.resource("conversation").text("state"),
            Some("Conferencing")
        );
        world.pass(seconds(1));
        let page = chat.tosh.page(world);
        assert_eq!(
            page.story(),
            [
                "communication conversation updated",
                "conversation onlineMeeting added",
                "conversation localParticipant added in leaders",
                "conversation participant updated",
                "conversation participant added in attendees",
                "conversation messaging updated",
                "conversation participantMessaging added in localParticipant",
                "conversation participantMessaging added in participant",
            ]
        );
        chat.at_tosh = page.resource("conversation").clone();
        assert_eq!(chat.at_tosh.text("state"), Some("Conferenced"));
        chat.tosh_messaging = page.resource("messaging").clone();
        assert_eq!(chat.tosh_messaging.text("state"), Some("Connected"));
        let page = chat.lene.page(world);
        chat.lene_messaging = page.resource("messaging").clone();
        assert_eq!(chat.lene_messaging.text("state"), Some("Connected"));

        let ringing = alex.page(world);
        assert_eq!(
            ringing.story(),
            [
                "communication onlineMeetingInvitation started",
                "communication conversation added",
                "conversation localParticipant added",
            ]
        );
        let invitation = ringing.resource("onlineMeetingInvitation");
        assert_eq!(invitation.text("direction"), Some("Incoming"));
        let uri = invitation.text("onlineMeetingUri").unwrap();
        assert!(
            uri.starts_with("sip:toshm@contoso.com;gruu;opaque=app:conf:focus:id:"),
            "{uri}"
        );
        assert_eq!(
            invitation.embedded("from").unwrap().text("name"),
            Some("Tosh Meston")
        );
        let accept = invitation.link_href("accept").unwrap();
        assert_eq!(alex.press(world, accept), StatusCode::NO_CONTENT);
        let page = alex.page(world);
        let at_alex = page.resource("conversation").clone();
        assert_eq!(at_alex.text("state"), Some("Conferenced"));
        assert_eq!(at_alex.integer("participantCount"), Some(3));
        let messaging = page.resource("messaging").clone();
        assert_eq!(
            page.story().last().unwrap(),
            "communication onlineMeetingInvitation completed Success"
        );

        // The participant is reported before the success of the invitation.
        let page = chat.tosh.page(world);
        assert_eq!(
            page.story(),
            [
                "conversation participant added",
                "conversation participant added in attendees",
                "communication participantInvitation completed Success",
            ]
        );
        let accepted = page.resource("participantInvitation");
        let acceptor = &accepted.embedded_all("acceptedByParticipant")[0];
        assert_eq!(acceptor.text("name"), Some("Alex Darrow"));
        chat.lene.page(world);
        let alex_messaging = chat_in(world, &mut alex, &messaging);
        chat.tosh.page(world);
        chat.lene.page(world);
        Self {
            chat,
            alex,
            at_alex,
            alex_messaging,
        }
    }

    /// The href of a participant in Tosh's view.
    fn at_tosh(&self, address: &str) -> String {
        format!(
            "{}/participants/{address}",
            self.chat.at_tosh.href().unwrap()
        )
    }
}

/// A chat of two that is becoming a conference, because Tosh has added Alex, with nothing left in any queue.
fn becoming_a_conference(world: &mut World) -> Chat {
    let mut chat = Chat::new(world);
    assert_eq!(add(world, &chat, ALEX).status(), StatusCode::CREATED);
    chat.tosh_messaging = chat.tosh.page(world).resource("messaging").clone();
    chat.lene_messaging = chat.lene.page(world).resource("messaging").clone();
    chat
}

/// Tosh asks for the chat while the conversation is becoming a conference, with a text.
fn ask_at_once(world: &mut World, chat: &mut Chat) -> Page {
    let href = chat.tosh_messaging.link_href("addMessaging").unwrap();
    let input = Resource::anonymous()
        .with_property("operationId", "at-once")
        .with_link("message", DataUri::text_plain("Welcome, Alex"));
    let created = chat.tosh.post(world, href, &input);
    assert_eq!(created.status(), StatusCode::CREATED);
    let twice = chat.tosh.post(world, href, &input);
    assert_eq!(refused(&twice), refusal(409, "Conflict", "AlreadyExists"));
    let page = chat.tosh.page(world);
    assert_eq!(
        page.story(),
        [
            "communication messagingInvitation started",
            "conversation messaging updated"
        ]
    );
    assert_eq!(page.resource("messaging").text("state"), Some("Connecting"));
    page
}

#[test]
fn a_chat_that_is_asked_for_too_early_is_connected_when_the_conference_stands() {
    let mut world = World::new();
    let world = &mut world;
    let mut chat = becoming_a_conference(world);
    ask_at_once(world, &mut chat);
    world.pass(seconds(1));
    let page = chat.tosh.page(world);
    assert_eq!(page.resource("messaging").text("state"), Some("Connected"));
    let story = page.story();
    let completed = "communication messagingInvitation completed Success".to_owned();
    assert!(story.contains(&completed), "{story:?}");
    // Lene's chat had been connected before, so she gets the text.
    let page = chat.lene.page(world);
    assert_eq!(page.resource("messaging").text("state"), Some("Connected"));
    assert_eq!(
        page.resource("message").link_href("plainMessage"),
        Some("data:text/plain;charset=utf-8,Welcome%2c+Alex")
    );
}

#[test]
fn a_chat_that_is_stopped_too_early_is_not_connected_with_the_conference() {
    let mut world = World::new();
    let world = &mut world;
    let mut chat = becoming_a_conference(world);
    let page = ask_at_once(world, &mut chat);
    let stop = page.resource("messaging").link_href("stopMessaging");
    assert_eq!(
        chat.tosh.press(world, stop.unwrap()),
        StatusCode::NO_CONTENT
    );
    let page = chat.tosh.page(world);
    assert_eq!(
        page.reason("messagingInvitation"),
        ("LocalFailure", "Canceled")
    );
    let messaging = page.resource("messaging");
    assert_eq!(messaging.text("state"), Some("Disconnected"));
    world.pass(seconds(1));
    let story = chat.tosh.page(world).story();
    assert!(
        !story.iter().any(|it| it.contains(" messaging ")),
        "{story:?}"
    );
    let page = chat.lene.page(world);
    assert_eq!(page.resource("messaging").text("state"), Some("Connected"));
    let story = page.story();
    assert!(
        !story.iter().any(|it| it.contains(" message ")),
        "{story:?}"
    );
}

#[test]
fn who_leaves_before_the_conference_stands_has_cancelled_the_chat() {
    let mut world = World::new();
    let world = &mut world;
    let mut chat = becoming_a_conference(world);
    ask_at_once(world, &mut chat);
    let conversation = chat.at_tosh.href().unwrap();
    assert_eq!(
        chat.tosh.delete(world, conversation),
        StatusCode::NO_CONTENT
    );
    let page = chat.tosh.page(world);
    assert_eq!(
        page.reason("messagingInvitation"),
        ("LocalFailure", "Canceled")
    );
    world.pass(seconds(1));
    let story = chat.lene.page(world).story();
    assert!(
        !story.iter().any(|it| it.contains(" message ")),
        "{story:?}"
    );
}

/// The invitation to the chat of two rings when one of the two adds a third.
#[test]
fn an_invitation_that_rings_is_cancelled_when_the_conversation_becomes_a_conference() {
    let mut world = World::new();
    let world = &mut world;
    let mut chat = Chat::new(world);
    world.inject(Fault::DropMessaging {
        user: format!("sip:{LENE}"),
    });
    let messaging = chat.tosh.page(world).resource("messaging").clone();
    chat.lene.page(world);
    let input = Resource::anonymous().with_property("operationId", "again");
    chat.tosh
        .post(world, messaging.link_href("addMessaging").unwrap(), &input);
    chat.tosh.page(world);
    let ringing = chat.lene.page(world);
    let accept = ringing.resource("messagingInvitation").link_href("accept");
    assert_eq!(add(world, &chat, ALEX).status(), StatusCode::CREATED);
    assert_eq!(
        chat.tosh.page(world).reason("messagingInvitation"),
        ("LocalFailure", "Canceled")
    );
    assert_eq!(
        chat.lene.page(world).reason("messagingInvitation"),
        ("RemoteFailure", "Canceled")
    );
    assert_eq!(
        chat.lene.press(world, accept.unwrap()),
        StatusCode::NOT_FOUND
    );
}

#[test]
fn a_message_is_delivered_when_all_members_have_acknowledged_it() {
    let mut world = World::new();
    let world = &mut world;
    let mut all = Conference::new(world);
    let parked = all.chat.tosh.park(world);
    assert_eq!(
        all.chat.tosh_says(world, "Hi all").status(),
        StatusCode::CREATED
    );
    for client in [&mut all.chat.lene, &mut all.alex] {
        let page = client.page(world);
        let message = page.resource("message");
        assert_eq!(
            message.link_href("plainMessage"),
            Some("data:text/plain;charset=utf-8,Hi+all")
        );
        assert_eq!(
            message.link("participant").unwrap().title.as_deref(),
            Some("Tosh Meston")
        );
    }
    all.chat.lene.park(world);
    assert!(world.reply(parked).is_none(), "Alex hasn't acknowledged it");
    all.alex.park(world);
    let page = all.chat.tosh.arrived(world, parked);
    assert_eq!(page.story(), ["conversation message completed Success"]);
}

#[test]
fn a_failed_delivery_names_the_participant() {
    let mut world = World::new();
    let world = &mut world;
    let mut all = Conference::new(world);
    let parked = all.chat.tosh.park(world);
    all.chat.tosh_says(world, "Hi all");
    all.chat.lene.page(world);
    all.chat.lene.park(world);
    world.pass(seconds(30));
    let page = all.chat.tosh.arrived(world, parked);
    assert_eq!(page.story(), ["conversation message completed Failure"]);
    let failed = page.resource("message").links("failedDeliveryParticipant");
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].title.as_deref(), Some("Alex Darrow"));
}

#[test]
fn all_other_members_see_the_typing_participant() {
    let mut world = World::new();
    let world = &mut world;
    let mut all = Conference::new(world);
    let typing = all.alex_messaging.link_href("setIsTyping").unwrap();
    assert_eq!(all.alex.press(world, typing), StatusCode::NO_CONTENT);
    for client in [&mut all.chat.tosh, &mut all.chat.lene] {
        let page = client.page(world);
        assert_eq!(
            page.story(),
            ["conversation participant added in typingParticipants"]
        );
        assert!(page.event("participant").link.href.ends_with(ALEX));
    }
    world.pass(seconds(5));
    assert_eq!(
        all.chat.tosh.page(world).story(),
        ["conversation participant deleted in typingParticipants"]
    );
}

#[test]
fn a_member_who_leaves_is_deleted_and_the_conference_continues() {
    let mut world = World::new();
    let world = &mut world;
    let mut all = Conference::new(world);
    let href = all.chat.at_lene.href().unwrap();
    assert_eq!(all.chat.lene.delete(world, href), StatusCode::NO_CONTENT);
    let story = all.chat.lene.page(world).story();
    assert_eq!(story.last().unwrap(), "communication conversation deleted");
    for client in [&mut all.chat.tosh, &mut all.alex] {
        let page = client.page(world);
        assert_eq!(
            page.story(),
            [
                "conversation participantMessaging deleted in participant",
                "conversation participant deleted",
            ]
        );
        assert!(page.event("participant").link.href.ends_with(LENE));
    }
    all.chat.tosh_says(world, "Bye, Lene");
    assert_eq!(
        all.alex.page(world).story(),
        ["conversation message completed Success"]
    );
}

#[test]
fn leaders_eject_and_attendees_do_not() {
    let mut world = World::new();
    let world = &mut world;
    let mut all = Conference::new(world);
    let alex = all.chat.tosh.resource(world, &all.at_tosh(ALEX));
    assert_eq!(alex.text("role"), Some("Attendee"));
    let eject = alex.link_href("eject").unwrap();
    let lene = all.alex.resource(
        world,
        &format!("{}/participants/{LENE}", all.at_alex.href().unwrap()),
    );
    assert!(lene.link("eject").is_none());
    let forbidden = format!("{}/participants/{LENE}/eject", all.at_alex.href().unwrap());
    assert_eq!(all.alex.press(world, &forbidden), StatusCode::FORBIDDEN);

    assert_eq!(all.chat.tosh.press(world, eject), StatusCode::NO_CONTENT);
    let page = all.alex.page(world);
    assert_eq!(page.reason("messaging"), ("RemoteFailure", "Ejected"));
    assert_eq!(
        page.story().last().unwrap(),
        "communication conversation deleted"
    );
    let page = all.chat.tosh.page(world);
    assert_eq!(
        page.story().last().unwrap(),
        "conversation participant deleted"
    );
    assert_eq!(all.chat.tosh.press(world, eject), StatusCode::NOT_FOUND);
}

#[test]
fn leaders_attendees_and_lobby_list_their_participants() {
    let mut world = World::new();
    let world = &mut world;
    let all = Conference::new(world);
    for (view, members) in [("leaders", 1), ("attendees", 2), ("lobby", 0)] {
        let href = all.chat.at_tosh.link_href(view).unwrap();
        let resource = all.chat.tosh.resource(world, href);
        assert_eq!(resource.links("participant").len(), members, "{view}");
    }
    let meeting = all.chat.at_tosh.link_href("onlineMeeting").unwrap();
    let meeting = all.chat.tosh.resource(world, meeting);
    assert_eq!(meeting.text("organizerUri"), Some("sip:toshm@contoso.com"));
}

#[test]
fn an_invitation_to_a_conference_is_declined_cancelled_or_times_out() {
    for (how, reason) in [
        ("decline", ("RemoteFailure", "Declined")),
        ("wait", ("RemoteFailure", "Timeout")),
        ("cancel", ("LocalFailure", "Canceled")),
        ("delete", ("RemoteFailure", "Declined")),
    ] {
        let mut world = World::new();
        let world = &mut world;
        let mut chat = Chat::new(world);
        let mut alex = Client::available(world, ALEX, Representation::Json);
        let invitation = location(&add(world, &chat, ALEX));
        chat.tosh.page(world);
        world.pass(seconds(1));
        chat.tosh.page(world);
        let ringing = alex.page(world);
        let incoming = ringing.resource("onlineMeetingInvitation");
        match how {
            "decline" => {
                let decline = incoming.link_href("decline").unwrap();
                assert_eq!(alex.press(world, decline), StatusCode::NO_CONTENT);
            }
            "cancel" => {
                let resource = chat.tosh.resource(world, &invitation);
                let cancel = resource.link_href("cancel").unwrap();
                assert_eq!(chat.tosh.press(world, cancel), StatusCode::NO_CONTENT);
            }
            "delete" => {
                let conversation = ringing.resource("conversation").href().unwrap();
                assert_eq!(alex.delete(world, conversation), StatusCode::NO_CONTENT);
            }
            _ => world.pass(seconds(30)),
        }
        let page = chat.tosh.page(world);
        assert_eq!(
            page.story(),
            ["communication participantInvitation completed Failure"],
            "{how}"
        );
        assert_eq!(page.reason("participantInvitation"), reason, "{how}");
        let story = alex.page(world).story();
        assert_eq!(
            story.last().unwrap(),
            "communication conversation deleted",
            "{how}"
        );
    }
}

#[test]
fn an_invitation_of_an_unknown_or_absent_user_fails() {
    for (to, subcode) in [
        ("nobody@contoso.com", "DestinationNotFound"),
        (ALEX, "Unreachable"),
    ] {
        let mut world = World::new();
        let world = &mut world;
        let mut chat = Chat::new(world);
        add(world, &chat, to);
        chat.tosh.page(world);
        world.pass(seconds(1));
        let page = chat.tosh.page(world);
        assert_eq!(
            page.reason("participantInvitation"),
            ("RemoteFailure", subcode)
        );
    }
    let mut world = World::new();
    let world = &mut world;
    let chat = Chat::new(world);
    let response = add(world, &chat, LENE);
    assert_eq!(
        refused(&response),
        refusal(409, "Conflict", "AlreadyExists")
    );
}

#[test]
fn a_conference_is_started_and_joined_by_its_uri() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::available(world, crate::harness::TOSH, Representation::Json);
    let mut lene = Client::available(world, LENE, Representation::Json);
    let start = tosh
        .communication()
        .link_href("startOnlineMeeting")
        .unwrap();
    let input = Resource::anonymous().with_property("operationId", "1");
    assert_eq!(
        tosh.post(world, start, &input).status(),
        StatusCode::CREATED
    );
    let page = tosh.page(world);
    let invitation = page.resource("onlineMeetingInvitation");
    assert_eq!(invitation.text("operationId"), Some("1"));
    assert_eq!(invitation.text("direction"), Some("Outgoing"));
    assert_eq!(
        page.story().last().unwrap(),
        "communication onlineMeetingInvitation completed Success"
    );
    let uri = invitation.text("onlineMeetingUri").unwrap().to_owned();

    let join = lene
        .communication()
        .link_href("joinOnlineMeeting")
        .unwrap()
        .to_owned();
    let input = Resource::anonymous().with_property("onlineMeetingUri", uri);
    assert_eq!(
        lene.post(world, &join, &input).status(),
        StatusCode::CREATED
    );
    assert_eq!(
        lene.page(world).resource("conversation").text("state"),
        Some("Conferenced")
    );
    let page = tosh.page(world);
    assert_eq!(
        page.event("participant").link.title.as_deref(),
        Some("Lene Aaling")
    );

    let input = Resource::anonymous().with_property("onlineMeetingUri", "sip:nowhere");
    let response = lene.post(world, &join, &input);
    assert_eq!(
        refused(&response),
        refusal(404, "NotFound", "DestinationNotFound")
    );
}

#[test]
fn an_invitation_contains_the_custom_content() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::available(world, crate::harness::TOSH, Representation::Json);
    let mut lene = Client::available(world, LENE, Representation::Json);
    let start = tosh.communication().link_href("startMessaging").unwrap();
    let input = Resource::anonymous()
        .with_property("operationId", "1")
        .with_property("to", format!("sip:{LENE}"))
        .with_link("customContent", "data:foo/foo;base64,YmFy");
    assert_eq!(
        tosh.post(world, start, &input).status(),
        StatusCode::CREATED
    );
    let page = lene.page(world);
    let invitation = page.resource("messagingInvitation");
    assert_eq!(
        invitation.link_href("customContent"),
        Some("data:foo/foo;base64,YmFy")
    );
}
