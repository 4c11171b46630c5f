//! The lobby: who waits there, who opens it, and what everybody hears of it.

use http::StatusCode;
use ucwa_proto::Representation;

use crate::harness::{ALEX, Client, JOE, TOSH, World};
use crate::leading::{Entered, enter};

/// Tosh leads a conference with Alex in it, and Joe waits in its lobby.
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
fn who_is_of_another_enterprise_waits_and_sees_nobody() {
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
        "who waits does not take part"
    );
    assert_eq!(
        all.at_tosh.measures(world, &all.tosh, JOE),
        ["admit", "reject"]
    );
    assert!(all.at_alex.measures(world, &all.alex, JOE).is_empty());
}

#[test]
fn who_is_admitted_is_an_attendee_like_others() {
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
fn who_is_turned_away_is_out_and_everybody_hears_why() {
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
fn who_is_tired_of_waiting_leaves_and_the_end_of_the_conference_ends_the_waiting() {
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
fn who_leads_from_now_on_and_who_comes_later_see_who_waits() {
    let mut world = World::new();
    let world = &mut world;
    let mut all = Waiting::new(world);
    all.at_tosh.take(world, &all.tosh, ALEX, "promote");
    let story = all.alex.page(world).story();
    assert_eq!(
        story.iter().filter(|it| it.ends_with("updated")).count(),
        2,
        "both Tosh and who waits: {story:?}"
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
fn who_was_invited_does_not_wait() {
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
