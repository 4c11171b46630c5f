//! The event channel: acknowledgements, repeated pages, timeouts, and replaced pending GETs (`EventsInUCWA`).

use http::StatusCode;
use ucwa_proto::{Follow, Representation};

use crate::harness::{Chat, Client, TOSH, World, refusal, refused, seconds};

#[test]
fn a_page_is_sent_again_until_it_is_acknowledged() {
    let mut world = World::new();
    let world = &mut world;
    let mut chat = Chat::new(world);
    chat.tosh_says(world, "one");
    let first = chat.lene.park(world);
    let first = world.reply(first).unwrap();
    chat.tosh_says(world, "two");
    // The first response got lost.
    let again = chat.lene.park(world);
    let again = world.reply(again).unwrap();
    assert_eq!(first.body(), again.body());
    // The page is not acknowledged, so the sender has no delivery result.
    let waiting = chat.tosh.park(world);
    assert!(world.reply(waiting).is_none());

    let page = chat.lene.page(world);
    assert_eq!(page.story(), ["conversation message completed Success"]);
    let next = chat.lene.page(world);
    assert_eq!(next.story(), ["conversation message completed Success"]);
    assert_ne!(
        page.event("message").link.href,
        next.event("message").link.href
    );
    let result = chat.tosh.arrived(world, waiting);
    assert_eq!(result.story(), ["conversation message completed Success"]);
}

#[test]
fn a_page_is_sent_again_in_the_requested_representation() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::sign_in(world, TOSH, Representation::Json);
    tosh.make_available(world, &["Plain"]);
    let json = tosh.page(world).story();
    tosh.representation = Representation::Xml;
    tosh.next = tosh.application.link_href("events").unwrap().to_owned();
    assert_eq!(tosh.page(world).story(), json);
}

#[test]
fn a_wrong_ack_gets_resync_and_loses_nothing() {
    let mut world = World::new();
    let world = &mut world;
    let mut chat = Chat::new(world);
    chat.tosh_says(world, "one");
    chat.lene.page(world);
    let (stem, _) = chat.lene.next.rsplit_once('=').unwrap();
    let stem = stem.to_owned();
    for ack in ["1", "77"] {
        let response = chat.lene.get(world, &format!("{stem}={ack}"));
        let page = chat.lene.decode_page(&response);
        assert_eq!(page.href.as_deref(), Some(&*format!("{stem}={ack}")));
        assert!(page.senders.is_empty());
        let Some(Follow::Resync(href)) = page.follow else {
            panic!("{page:?}");
        };
        let response = chat.lene.get(world, &href);
        let again = chat.lene.decode_page(&response);
        assert_eq!(again.senders.len(), 1);
        assert!(matches!(again.follow, Some(Follow::Next(_))));
    }
    assert_eq!(
        refused(&chat.lene.get(world, &format!("{stem}=x"))),
        refusal(400, "BadRequest", "ParameterValidationFailure")
    );
}

#[test]
fn a_pending_get_without_events_ends_after_its_timeout() {
    let mut world = World::new();
    let world = &mut world;
    // Without makeMeAvailable the user does not become idle, so there are no events.
    let mut tosh = Client::sign_in(world, TOSH, Representation::Json);
    for (query, wait) in [
        ("", 180),
        ("&timeout=240", 240),
        ("", 240),
        ("&timeout=5", 180),
    ] {
        tosh.next.push_str(query);
        let parked = tosh.park(world);
        world.pass(seconds(wait - 1));
        assert!(world.reply(parked).is_none(), "{query}");
        world.pass(seconds(1));
        let before = tosh.next.clone();
        let page = tosh.arrived(world, parked);
        assert!(page.story().is_empty());
        assert_ne!(tosh.next, before);
    }
}

#[test]
fn an_empty_page_is_sent_again_unchanged() {
    let mut world = World::new();
    let world = &mut world;
    let mut chat = Chat::new(world);
    let parked = chat.lene.park(world);
    world.pass(seconds(180));
    assert!(world.reply(parked).is_some());
    chat.tosh_says(world, "Hello");
    // The same `ack` as before. A client that has received the empty page acknowledges no message with it.
    let page = chat.lene.page(world);
    assert_eq!(page.story(), Vec::<String>::new());
    let page = chat.lene.page(world);
    assert_eq!(page.story(), ["conversation message completed Success"]);
}

#[test]
fn the_earlier_of_two_pending_gets_is_replaced() {
    let mut world = World::new();
    let world = &mut world;
    let mut chat = Chat::new(world);
    let earlier = chat.lene.park(world);
    let later = chat.lene.park(world);
    let response = world.reply(earlier).unwrap();
    assert_eq!(refused(&response), refusal(409, "Conflict", "PGetReplaced"));
    assert!(world.reply(later).is_none());
    chat.tosh_says(world, "Hello");
    assert_eq!(
        chat.lene.arrived(world, later).story(),
        ["conversation message completed Success"]
    );
}

#[test]
fn a_pending_get_with_a_closed_connection_loses_no_events() {
    let mut world = World::new();
    let world = &mut world;
    let mut chat = Chat::new(world);
    let lost = chat.lene.park(world);
    world.disconnect(lost);
    chat.tosh_says(world, "Hello");
    assert!(world.reply(lost).is_none());
    assert_eq!(
        chat.lene.page(world).story(),
        ["conversation message completed Success"]
    );
}

#[test]
fn the_events_link_of_the_application_continues_the_channel() {
    let mut world = World::new();
    let world = &mut world;
    let mut chat = Chat::new(world);
    let home = chat.lene.application.href().unwrap();
    let application = chat.lene.resource(world, home);
    chat.tosh_says(world, "Hello");
    chat.lene.next = application.link_href("events").unwrap().to_owned();
    // The page before this one is sent again, since it was not acknowledged.
    chat.lene.page(world);
    assert_eq!(
        chat.lene.page(world).story(),
        ["conversation message completed Success"]
    );
    let policies = application.link_href("policies").unwrap();
    assert_eq!(chat.lene.get(world, policies).status(), StatusCode::OK);
}

#[test]
fn an_application_without_a_pending_get_ends_after_fifteen_minutes() {
    let mut world = World::new();
    let world = &mut world;
    let mut chat = Chat::new(world);
    // Tosh keeps sending pending GETs, Lene does not.
    let mut parked = chat.tosh.park(world);
    for _ in 0..4 {
        world.pass(seconds(180));
        chat.tosh.arrived(world, parked);
        parked = chat.tosh.park(world);
    }
    world.pass(seconds(179));
    let home = chat.lene.application.href().unwrap();
    assert_eq!(chat.lene.get(world, home).status(), StatusCode::OK);
    assert!(world.reply(parked).is_none());
    world.pass(seconds(1));
    assert_eq!(
        refused(&chat.lene.get(world, home)),
        refusal(410, "Gone", "InactiveApplicationExpired")
    );
    let page = chat.tosh.arrived(world, parked);
    assert_eq!(
        page.story().last().unwrap(),
        "communication conversation deleted"
    );
    // The inactivity starts at the end of the pending GET.
    let home = chat.tosh.application.href().unwrap();
    chat.tosh.next.push_str("&timeout=1800");
    let parked = chat.tosh.park(world);
    world.pass(seconds(1800 + 899));
    assert!(world.reply(parked).is_some());
    assert_eq!(chat.tosh.get(world, home).status(), StatusCode::OK);
    world.pass(seconds(1));
    assert_eq!(chat.tosh.get(world, home).status(), StatusCode::GONE);
}

#[test]
fn a_server_without_applications_sets_no_timer() {
    let mut world = World::new();
    let world = &mut world;
    let chat = Chat::new(world);
    for client in [&chat.tosh, &chat.lene] {
        let home = client.application.href().unwrap();
        assert_eq!(client.delete(world, home), StatusCode::NO_CONTENT);
    }
    assert!(matches!(
        world.engine.poll_output(),
        ucwa_server::Output::Idle { wake_at: None }
    ));
}
