//! The published incoming chat (`ReceiveAnIM`), and the other answers of a callee.

use http::StatusCode;
use ucwa_proto::{Representation, Resource};

use crate::harness::{Client, LENE, TOSH, World, refusal, refused, seconds};

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
    let mut lene = Client::sign_in(world, LENE, representation);
    lene.make_available(world, &["Plain"]);
    assert_eq!(
        lene.page(world).story(),
        [
            "me me updated",
            "me presence added",
            "me note added",
            "me location added",
            "communication communication updated",
        ]
    );

    tosh.invite(world, LENE, "5028e824", "Hi Lene, 1+1=2");
    tosh.page(world);
    let page = lene.page(world);
    assert_eq!(
        page.story(),
        [
            "communication messagingInvitation started",
            "communication conversation added",
            "conversation localParticipant added",
        ]
    );
    let invitation = page.resource("messagingInvitation");
    assert_eq!(invitation.text("direction"), Some("Incoming"));
    assert_eq!(invitation.text("state"), Some("Connecting"));
    assert_eq!(invitation.text("subject"), Some("Task Sample"));
    assert!(invitation.property("operationId").is_none());
    assert_eq!(
        invitation.link_href("message"),
        Some("data:text/plain;charset=utf-8,Hi+Lene%2c+1%2b1%3d2")
    );
    let from = invitation.embedded("from").unwrap();
    assert_eq!(from.text("uri"), Some("sip:toshm@contoso.com"));
    assert_eq!(from.text("name"), Some("Tosh Meston"));
    let accept = invitation.link_href("accept").unwrap().to_owned();
    assert!(invitation.link("decline").is_some());
    let conversation = page.resource("conversation");
    assert_eq!(conversation.text("state"), Some("Incoming"));
    assert!(conversation.list("activeModalities").eq(["Messaging"]));
    let href = conversation.href().unwrap().to_owned();
    assert_eq!(
        page.resource("localParticipant").text("uri"),
        Some("sip:lenea@contoso.com")
    );

    // A second later: the remote participant, and the invitation without the links to answer.
    let parked = lene.park(world);
    world.pass(seconds(1));
    let page = lene.arrived(world, parked);
    assert_eq!(
        page.story(),
        [
            "conversation participant added",
            "communication messagingInvitation updated"
        ]
    );
    assert_eq!(
        page.event("participant").link.title.as_deref(),
        Some("Tosh Meston")
    );
    assert!(
        page.resource("messagingInvitation")
            .link("accept")
            .is_none()
    );
    let participant = page.event("participant").link.href.to_string();
    let got = lene.resource(world, &participant);
    assert_eq!(got.text("name"), Some("Tosh Meston"));
    let contact = lene.resource(world, got.link_href("contact").unwrap());
    assert_eq!(contact.text("uri"), Some("sip:toshm@contoso.com"));

    assert_eq!(
        lene.press(world, &format!("{accept}?sessionContext=2687ba8f")),
        StatusCode::NO_CONTENT
    );
    let page = lene.page(world);
    assert_eq!(
        page.story(),
        [
            "conversation messaging updated",
            "communication conversation updated",
            "conversation participantMessaging added in localParticipant",
            "conversation participantMessaging added in participant",
            "conversation participant updated",
            "communication messagingInvitation completed Success",
            "conversation message completed Success",
        ]
    );
    let messaging = page.resource("messaging");
    assert_eq!(messaging.text("state"), Some("Connected"));
    assert!(messaging.list("negotiatedMessageFormats").eq(["Plain"]));
    let message = page.resource("message");
    assert_eq!(message.text("direction"), Some("Incoming"));
    assert_eq!(
        message.link_href("plainMessage"),
        Some("data:text/plain;charset=utf-8,Hi+Lene%2c+1%2b1%3d2")
    );
    let sender = message.link("participant").unwrap();
    assert_eq!(
        (&*sender.href, sender.title.as_deref()),
        (&*participant, Some("Tosh Meston"))
    );
    assert_eq!(
        page.event("message").link.href,
        format!("{href}/messaging/messages/2")
    );
}

#[test]
fn an_early_accept_reports_the_remote_participant() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::available(world, TOSH, Representation::Json);
    let mut lene = Client::available(world, LENE, Representation::Json);
    tosh.invite(world, LENE, "1", "");
    let page = lene.page(world);
    let accept = page.resource("messagingInvitation").link_href("accept");
    lene.press(world, accept.unwrap());
    let story = lene.page(world).story();
    assert_eq!(story[0], "conversation participant added");
    // An invitation without a text is not followed by a message.
    assert_eq!(
        story.last().unwrap(),
        "communication messagingInvitation completed Success"
    );
    // The introduction is not reported again.
    let parked = lene.park(world);
    world.pass(seconds(60));
    assert!(world.reply(parked).is_none());
}

#[test]
fn the_callee_declines() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::available(world, TOSH, Representation::Json);
    let mut lene = Client::available(world, LENE, Representation::Json);
    tosh.invite(world, LENE, "1", "Hi");
    tosh.page(world);
    let ringing = lene.page(world);
    let invitation = ringing.resource("messagingInvitation");
    let decline = invitation.link_href("decline").unwrap();
    let reason = Resource::anonymous().with_property("reason", "Local");
    let response = lene.post(world, decline, &reason);
    assert_eq!(response.status(), StatusCode::NO_CONTENT);

    let page = tosh.page(world);
    assert_eq!(
        page.reason("messagingInvitation"),
        ("RemoteFailure", "Declined")
    );
    assert_eq!(
        page.resource("messagingInvitation").text("state"),
        Some("Declined")
    );
    assert_eq!(
        page.story().last().unwrap(),
        "communication conversation deleted"
    );
    let page = lene.page(world);
    assert_eq!(
        page.reason("messagingInvitation"),
        ("LocalFailure", "Declined")
    );
    assert_eq!(
        page.story().last().unwrap(),
        "communication conversation deleted"
    );
    let again = lene.post(world, decline, &reason);
    assert_eq!(refused(&again), refusal(404, "NotFound", ""));
    // There is no second failure at the timeout of the invitation.
    let parked = tosh.park(world);
    world.pass(seconds(40));
    assert!(world.reply(parked).is_none());
}

#[test]
fn the_first_endpoint_that_accepts_joins_the_chat() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::available(world, TOSH, Representation::Json);
    let mut desk = Client::available_at(world, LENE, Representation::Json, "desk");
    let mut phone = Client::available_at(world, LENE, Representation::Json, "phone");
    tosh.invite(world, LENE, "1", "Hi");
    tosh.page(world);
    let at_desk = desk.page(world);
    let at_phone = phone.page(world);
    let accept = at_phone.resource("messagingInvitation").link_href("accept");
    assert_eq!(phone.press(world, accept.unwrap()), StatusCode::NO_CONTENT);

    let page = desk.page(world);
    assert_eq!(
        page.reason("messagingInvitation"),
        ("LocalFailure", "ConnectedElsewhere")
    );
    assert_eq!(
        page.story().last().unwrap(),
        "communication conversation deleted"
    );
    let late = at_desk.resource("messagingInvitation").link_href("accept");
    assert_eq!(desk.press(world, late.unwrap()), StatusCode::NOT_FOUND);
    assert_eq!(
        tosh.page(world).story().last().unwrap(),
        "communication messagingInvitation completed Success"
    );
    assert_eq!(
        phone.page(world).story().last().unwrap(),
        "conversation message completed Success"
    );
}

#[test]
fn a_local_decline_ends_one_invitation_and_a_global_decline_all() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::available(world, TOSH, Representation::Json);
    let mut desk = Client::available_at(world, LENE, Representation::Json, "desk");
    let mut phone = Client::available_at(world, LENE, Representation::Json, "phone");
    for (reason, continues) in [("Local", true), ("Global", false)] {
        tosh.invite(world, LENE, "1", "Hi");
        tosh.page(world);
        phone.page(world);
        let ringing = desk.page(world);
        let decline = ringing.resource("messagingInvitation").link_href("decline");
        let input = Resource::anonymous().with_property("reason", reason);
        desk.post(world, decline.unwrap(), &input);
        desk.page(world);
        let parked = tosh.park(world);
        if continues {
            assert!(world.reply(parked).is_none());
            // The other endpoint does not answer in time.
            world.pass(seconds(30));
            let page = tosh.arrived(world, parked);
            assert_eq!(
                page.reason("messagingInvitation"),
                ("RemoteFailure", "Timeout")
            );
            phone.page(world);
        } else {
            let page = tosh.arrived(world, parked);
            assert_eq!(
                page.reason("messagingInvitation"),
                ("RemoteFailure", "Declined")
            );
            let page = phone.page(world);
            assert_eq!(
                page.reason("messagingInvitation"),
                ("LocalFailure", "Declined")
            );
        }
    }
}
