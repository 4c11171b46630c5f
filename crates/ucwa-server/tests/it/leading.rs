//! The roles in a conference: promoting and demoting, and the events of that.

use http::StatusCode;
use ucwa_proto::{Representation, Resource};

use crate::harness::{ALEX, Client, LENE, TOSH, World, refusal, refused};

/// Starts a conference, or joins the one with this URI.
pub(crate) fn enter(world: &mut World, client: &mut Client, uri: Option<&str>) -> Entered {
    let rel = if uri.is_some() {
        "joinOnlineMeeting"
    } else {
        "startOnlineMeeting"
    };
    let href = client.communication().link_href(rel).unwrap();
    let input = Resource::anonymous().with_property("operationId", "enter-1");
    let input = match uri {
        Some(uri) => input.with_property("onlineMeetingUri", uri.to_owned()),
        None => input,
    };
    let response = client.post(world, href, &input);
    assert_eq!(response.status(), StatusCode::CREATED);
    let page = client.page(world);
    let invitation = page.resource("onlineMeetingInvitation");
    Entered {
        uri: invitation.text("onlineMeetingUri").unwrap().to_owned(),
        conversation: page.resource("conversation").clone(),
        story: page.story(),
    }
}

pub(crate) struct Entered {
    pub(crate) uri: String,
    pub(crate) conversation: Resource<'static>,
    pub(crate) story: Vec<String>,
}

impl Entered {
    /// The href of a participant.
    pub(crate) fn participant(&self, address: &str) -> String {
        format!(
            "{}/participants/{address}",
            self.conversation.href().unwrap()
        )
    }

    /// The operations that the client is allowed on a participant: the rels of their links.
    pub(crate) fn measures(
        &self,
        world: &mut World,
        client: &Client,
        address: &str,
    ) -> Vec<&'static str> {
        let participant = client.resource(world, &self.participant(address));
        ["promote", "demote", "admit", "reject", "eject"]
            .into_iter()
            .filter(|rel| participant.link(rel).is_some())
            .collect()
    }

    /// Does an operation on a participant, by its link.
    pub(crate) fn take(&self, world: &mut World, client: &Client, address: &str, rel: &str) {
        let participant = client.resource(world, &self.participant(address));
        let href = participant.link_href(rel).unwrap();
        assert_eq!(client.press(world, href), StatusCode::NO_CONTENT);
    }
}

/// A conference of Tosh, who is the organizer, Lene and Alex. Their event queues are empty.
fn three(world: &mut World) -> [(Client, Entered); 3] {
    let [mut tosh, mut lene, mut alex] =
        [TOSH, LENE, ALEX].map(|it| Client::available(world, it, Representation::Json));
    let at_tosh = enter(world, &mut tosh, None);
    let at_lene = enter(world, &mut lene, Some(&at_tosh.uri));
    let at_alex = enter(world, &mut alex, Some(&at_tosh.uri));
    tosh.page(world);
    lene.page(world);
    [(tosh, at_tosh), (lene, at_lene), (alex, at_alex)]
}

#[test]
fn a_promoted_participant_is_a_leader_until_demoted() {
    let mut world = World::new();
    let world = &mut world;
    let [(mut tosh, at_tosh), (mut lene, at_lene), (mut alex, _)] = three(world);
    assert_eq!(at_tosh.measures(world, &tosh, LENE), ["promote", "eject"]);
    assert!(at_lene.measures(world, &lene, ALEX).is_empty());

    at_tosh.take(world, &tosh, LENE, "promote");
    assert_eq!(
        tosh.page(world).story(),
        [
            "conversation participant deleted in attendees",
            "conversation participant added in leaders",
            "conversation participant updated",
        ]
    );
    assert_eq!(
        lene.page(world).story(),
        [
            "conversation localParticipant deleted in attendees",
            "conversation localParticipant added in leaders",
            "conversation participant updated",
            "conversation participant updated",
        ]
    );
    assert_eq!(
        alex.page(world).story(),
        [
            "conversation participant deleted in attendees",
            "conversation participant added in leaders",
        ],
        "Alex has no operations on Lene, so her links are unchanged"
    );

    // Lene is a leader, and the organizer cannot be demoted.
    assert_eq!(at_lene.measures(world, &lene, ALEX), ["promote", "eject"]);
    assert_eq!(at_lene.measures(world, &lene, TOSH), ["eject"]);
    let leaders = at_lene.conversation.link_href("leaders").unwrap();
    let leaders = lene.resource(world, leaders);
    assert_eq!(leaders.links("participant").len(), 2);

    assert_eq!(at_tosh.measures(world, &tosh, LENE), ["demote", "eject"]);
    at_tosh.take(world, &tosh, LENE, "demote");
    assert_eq!(
        tosh.page(world).story()[..2],
        [
            "conversation participant deleted in leaders",
            "conversation participant added in attendees",
        ]
    );
    assert!(at_lene.measures(world, &lene, ALEX).is_empty());
}

#[test]
fn an_operation_without_a_link_is_refused() {
    let mut world = World::new();
    let world = &mut world;
    let [(tosh, at_tosh), (lene, at_lene), _] = three(world);
    for (rel, expected) in [
        ("promote", StatusCode::NO_CONTENT),
        ("promote", StatusCode::NOT_FOUND),
        ("admit", StatusCode::NOT_FOUND),
        ("reject", StatusCode::NOT_FOUND),
        ("demote", StatusCode::NO_CONTENT),
        ("demote", StatusCode::NOT_FOUND),
        ("mute", StatusCode::NOT_FOUND),
    ] {
        let href = format!("{}/{rel}", at_tosh.participant(LENE));
        assert_eq!(tosh.press(world, &href), expected, "{rel}");
    }
    let href = format!("{}/promote", at_lene.participant(ALEX));
    let response = lene.post(world, &href, &Resource::anonymous());
    assert_eq!(refused(&response), refusal(403, "Forbidden", ""));
}

#[test]
fn a_leader_who_leaves_rejoins_as_an_attendee() {
    let mut world = World::new();
    let world = &mut world;
    let [(tosh, at_tosh), (mut lene, at_lene), _] = three(world);
    at_tosh.take(world, &tosh, LENE, "promote");
    let href = at_lene.conversation.href().unwrap();
    assert_eq!(lene.delete(world, href), StatusCode::NO_CONTENT);
    lene.page(world);
    enter(world, &mut lene, Some(&at_tosh.uri));
    assert_eq!(at_tosh.measures(world, &tosh, LENE), ["promote", "eject"]);
}
