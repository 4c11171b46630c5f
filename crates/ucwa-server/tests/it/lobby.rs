//! The lobby of a conference: waiting, admitting and rejecting, and the events of that.

use http::StatusCode;
use ucwa_proto::Representation;

use crate::harness::{ALEX, Client, JOE, TOSH, World};
use crate::leading::{Entered, enter};

/// A conference of Tosh, who is the organizer, and Alex. Joe waits in its lobby.
struct Waiting {
    tosh: Client,
    at_tosh: Entered,
    alex: Client,
    at_alex: Entered,
    joe: Client,
    at_joe: Entered,
}

impl Waiting {
    fn new(world: &mut World) -> Self {
        let [mut tosh, mut alex, mut joe] =
            [TOSH, ALEX, JOE].map(|it| Client::available(world, it, Representation::Json));
        let at_tosh = enter(world, &mut tosh, None);
        let at_alex = enter(world, &mut alex, Some(&at_tosh.uri));
        tosh.page(world);
        let at_joe = enter(world, &mut joe, Some(&at_tosh.uri));
        for client in [&mut tosh, &mut alex] {
            assert_eq!(
                client.page(world).story(),
                [
                    "conversation participant added",
                    "conversation participant added in lobby",
                ]
            );
        }
        Self {
            tosh,
            at_tosh,
            alex,
            at_alex,
            joe,
            at_joe,
        }
    }
}

#[test]
fn a_user_of_another_enterprise_waits_in_the_lobby() {
    let mut world = World::new();
    let world = &mut world;
    let all = Waiting::new(world);
    assert_eq!(
        all.at_joe.story,
        [
            "communication onlineMeetingInvitation started",
            "communication conversation added",
            "conversation localParticipant added",
            "communication conversation updated",
            "conversation localParticipant added in lobby",
            "communication onlineMeetingInvitation completed Success",
        ]
    );
    assert_eq!(all.at_joe.conversation.text("state"), Some("InLobby"));
    assert!(all.at_joe.conversation.link("participants").is_none());
    let tosh = all.at_joe.participant(TOSH);
    assert_eq!(all.joe.get(world, &tosh).status(), StatusCode::NOT_FOUND);

    let joe = all.tosh.resource(world, &all.at_tosh.participant(JOE));
    assert_eq!(joe.boolean("inLobby"), Some(true));
    assert_eq!(joe.text("sourceNetwork"), Some("Federated"));
    let lobby = all.at_tosh.conversation.link_href("lobby").unwrap();
    let lobby = all.tosh.resource(world, lobby);
    assert_eq!(lobby.links("participant").len(), 1);
    let conversation = all.at_tosh.conversation.href().unwrap();
    let conversation = all.tosh.resource(world, conversation);
    assert_eq!(
        conversation.integer("participantCount"),
        Some(2),
        "a user in the lobby is not a participant"
    );
    assert_eq!(
        all.at_tosh.measures(world, &all.tosh, JOE),
        ["admit", "reject"]
    );
    assert!(all.at_alex.measures(world, &all.alex, JOE).is_empty());
}

#[test]
fn an_admitted_user_is_an_attendee() {
    let mut world = World::new();
    let world = &mut world;
    let mut all = Waiting::new(world);
    all.at_tosh.take(world, &all.tosh, JOE, "admit");
    let page = all.joe.page(world);
    assert_eq!(
        page.story(),
        [
            "conversation localParticipant deleted in lobby",
            "communication conversation updated",
            "conversation onlineMeeting added",
            "conversation localParticipant added in attendees",
            "conversation participant added",
            "conversation participant added in leaders",
            "conversation participant added",
            "conversation participant added in attendees",
            "conversation messaging updated",
        ]
    );
    assert_eq!(
        page.resource("conversation").text("state"),
        Some("Conferenced")
    );
    assert_eq!(
        all.tosh.page(world).story(),
        [
            "conversation participant deleted in lobby",
            "conversation participant updated",
            "conversation participant added in attendees",
        ]
    );
    let joe = all.tosh.resource(world, &all.at_tosh.participant(JOE));
    assert_eq!(joe.boolean("inLobby"), None);
    assert_eq!(
        all.at_tosh.measures(world, &all.tosh, JOE),
        ["promote", "eject"]
    );
}

#[test]
fn a_rejected_user_is_deleted_with_the_reason() {
    let mut world = World::new();
    let world = &mut world;
    let mut all = Waiting::new(world);
    all.at_tosh.take(world, &all.tosh, JOE, "reject");
    let page = all.joe.page(world);
    assert_eq!(page.reason("messaging"), ("RemoteFailure", "Denied"));
    assert_eq!(
        page.resource("conversation").text("state"),
        Some("Disconnected")
    );
    assert_eq!(
        page.story().last().unwrap(),
        "communication conversation deleted"
    );
    let page = all.alex.page(world);
    assert_eq!(
        page.story(),
        [
            "conversation participant deleted in lobby",
            "conversation participant deleted",
        ]
    );
    assert_eq!(page.reason("participant"), ("RemoteFailure", "Denied"));
    let joe = all.at_tosh.participant(JOE);
    assert_eq!(all.tosh.get(world, &joe).status(), StatusCode::NOT_FOUND);
}

#[test]
fn a_waiting_user_leaves_or_the_conference_ends() {
    for own in [true, false] {
        let mut world = World::new();
        let world = &mut world;
        let mut all = Waiting::new(world);
        if own {
            let href = all.at_joe.conversation.href().unwrap();
            assert_eq!(all.joe.delete(world, href), StatusCode::NO_CONTENT);
            assert_eq!(
                all.tosh.page(world).story(),
                [
                    "conversation participant deleted in lobby",
                    "conversation participant deleted",
                ]
            );
        } else {
            for (client, entered) in [(&all.tosh, &all.at_tosh), (&all.alex, &all.at_alex)] {
                let href = entered.conversation.href().unwrap();
                assert_eq!(client.delete(world, href), StatusCode::NO_CONTENT);
            }
        }
        assert_eq!(
            all.joe.page(world).story().last().unwrap(),
            "communication conversation deleted"
        );
    }
}

#[test]
fn new_leaders_and_later_members_see_the_lobby() {
    let mut world = World::new();
    let world = &mut world;
    let mut all = Waiting::new(world);
    all.at_tosh.take(world, &all.tosh, ALEX, "promote");
    let story = all.alex.page(world).story();
    assert_eq!(
        story.iter().filter(|it| it.ends_with("updated")).count(),
        2,
        "Tosh and Joe: {story:?}"
    );
    assert_eq!(
        all.at_alex.measures(world, &all.alex, JOE),
        ["admit", "reject"]
    );
    let mut lene = Client::available(world, crate::harness::LENE, Representation::Json);
    let at_lene = enter(world, &mut lene, Some(&all.at_tosh.uri));
    assert!(
        at_lene
            .story
            .contains(&"conversation participant added in lobby".to_owned()),
        "{:?}",
        at_lene.story
    );
}

#[test]
fn an_invited_user_of_another_enterprise_does_not_wait() {
    let mut world = World::new();
    let world = &mut world;
    let [mut tosh, mut joe] =
        [TOSH, JOE].map(|it| Client::available(world, it, Representation::Json));
    let at_tosh = enter(world, &mut tosh, None);
    let add = at_tosh.conversation.link_href("addParticipant").unwrap();
    let input = ucwa_proto::Resource::anonymous()
        .with_property("operationId", "add-1")
        .with_property("to", format!("sip:{JOE}"));
    assert_eq!(tosh.post(world, add, &input).status(), StatusCode::CREATED);
    let ringing = joe.page(world);
    let invitation = ringing.resource("onlineMeetingInvitation");
    let accept = invitation.link_href("accept").unwrap();
    assert_eq!(joe.press(world, accept), StatusCode::NO_CONTENT);
    let page = joe.page(world);
    let conversation = page.resource("conversation");
    assert_eq!(conversation.text("state"), Some("Conferenced"));
    let href = conversation.href().unwrap();
    assert_eq!(joe.delete(world, href), StatusCode::NO_CONTENT);
    joe.page(world);
    let again = enter(world, &mut joe, Some(&at_tosh.uri));
    assert_eq!(again.conversation.text("state"), Some("Conferenced"));
}
