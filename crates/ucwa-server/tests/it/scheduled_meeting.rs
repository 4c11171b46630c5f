//! Scheduled meetings.

use http::StatusCode;
use ucwa_proto::{Representation, Resource, SipUri};
use ucwa_server::ScheduledMeeting;

use crate::harness::{ALEX, Client, JOE, LENE, TOSH, World};

/// Tosh has scheduled a meeting. Lene is a leader, and Joe is an attendee.
fn world() -> World {
    let mut config = World::config();
    let mut meeting = ScheduledMeeting::new("Review");
    meeting.leaders = vec![SipUri::parse(LENE).unwrap()];
    meeting.attendees = vec![SipUri::parse(JOE).unwrap()];
    config.users[0].meetings = vec![meeting];
    World::of(config)
}

fn meetings(world: &mut World, client: &Client) -> Vec<Resource<'static>> {
    let meetings = client.application.embedded("onlineMeetings").unwrap();
    let meetings = meetings.link_href("myOnlineMeetings").unwrap();
    let meetings = client.resource(world, meetings);
    meetings.embedded_all("myOnlineMeeting").to_vec()
}

/// Joins a meeting by its URI, and returns the conversation.
fn join(world: &mut World, client: &mut Client, uri: &str) -> Resource<'static> {
    let join = client.communication().link_href("joinOnlineMeeting");
    let join = join.unwrap().to_owned();
    let input = Resource::anonymous().with_property("onlineMeetingUri", uri.to_owned());
    assert_eq!(
        client.post(world, &join, &input).status(),
        StatusCode::CREATED
    );
    client.page(world).resource("conversation").clone()
}

#[test]
fn the_organizer_sees_the_meeting() {
    let world = &mut world();
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let found = meetings(world, &tosh);
    let [meeting] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(meeting.text("subject"), Some("Review"));
    assert_eq!(
        meeting.list("leaders").collect::<Vec<_>>(),
        ["sip:lenea@contoso.com"]
    );
    assert_eq!(
        meeting.list("attendees").collect::<Vec<_>>(),
        ["sip:joe@fabrikam.com"]
    );
    assert_eq!(tosh.resource(world, meeting.href().unwrap()), *meeting);
    let lene = Client::sign_in(world, LENE, Representation::Json);
    assert!(meetings(world, &lene).is_empty());
    let id = meeting.text("onlineMeetingId").unwrap();
    let home = lene.application.href().unwrap();
    let theirs = format!("{home}/onlineMeetings/myOnlineMeetings/{id}");
    assert_eq!(lene.get(world, &theirs).status(), StatusCode::NOT_FOUND);
}

#[test]
fn a_scheduled_meeting_can_take_place_repeatedly() {
    let world = &mut world();
    let tosh = Client::available(world, TOSH, Representation::Json);
    let uri = meetings(world, &tosh)[0]
        .text("onlineMeetingUri")
        .unwrap()
        .to_owned();
    let [mut lene, mut joe, mut alex] =
        [LENE, JOE, ALEX].map(|name| Client::available(world, name, Representation::Json));
    for _ in 0..2 {
        let at_lene = join(world, &mut lene, &uri);
        assert_eq!(at_lene.text("subject"), Some("Review"));
        let meeting = lene.resource(world, at_lene.link_href("onlineMeeting").unwrap());
        assert_eq!(meeting.text("organizerUri"), Some("sip:toshm@contoso.com"));
        let leaders = lene.resource(world, at_lene.link_href("leaders").unwrap());
        assert_eq!(leaders.links("participant").len(), 1, "Lene leads");
        // Joe is of another organization and was invited.
        let at_joe = join(world, &mut joe, &uri);
        assert_eq!(at_joe.text("state"), Some("Conferenced"));
        let at_alex = join(world, &mut alex, &uri);
        for (client, conversation) in [(&lene, at_lene), (&joe, at_joe), (&alex, at_alex)] {
            let left = client.delete(world, conversation.href().unwrap());
            assert_eq!(left, StatusCode::NO_CONTENT);
        }
        for client in [&mut lene, &mut joe, &mut alex] {
            client.page(world);
        }
    }
}
