//! A server with many users who are signed in and wait for events.

use std::time::Duration;

use http::StatusCode;
use ucwa_proto::{Representation, Resource};
use ucwa_server::{IssuedToken, User};

use crate::harness::{Client, LENE, World};

/// Tosh, Lene, Alex and Joe, who are not signed in, and `count` other users. Each of the others is available, watches the presence of
/// one user (the first watches Lene, and each next one the user before), and has a pending GET.
pub(crate) fn with_parked_users(count: usize) -> World {
    let mut config = World::config();
    for number in 0..count {
        let address = address(number);
        let user = User::new(&address, format!("User {number}"), "").unwrap();
        config.users.push(user);
        // A sign-in with a password would take four more requests.
        let issued = IssuedToken::new(token(number), &address, Duration::MAX).unwrap();
        config.issued.push(issued);
    }
    let mut world = World::of(config);
    for number in 0..count {
        let watched = number.checked_sub(1).map_or(LENE.to_owned(), address);
        park(&mut world, number, &watched);
    }
    world
}

fn address(number: usize) -> String {
    format!("user{number}@contoso.com")
}

fn token(number: usize) -> String {
    format!("token-{number}")
}

fn park(world: &mut World, number: usize, watched: &str) {
    let json = Representation::Json;
    let mut client = Client::with_token(world, token(number), json, "endpoint-1");
    client.make_available(world, &["Plain", "Html"]);
    watch(world, &client, watched);
    client.page(world);
    let pending = client.park(world);
    assert!(world.reply(pending).is_none(), "there are no more events");
}

/// Subscribes to the presence of a user for 30 minutes.
pub(crate) fn watch(world: &mut World, client: &Client, address: &str) {
    let people = client.application.embedded("people").unwrap();
    let subscriptions = people.link_href("presenceSubscriptions").unwrap();
    let input = Resource::anonymous()
        .with_property("duration", 30_u32)
        .with_property("uris", vec![format!("sip:{address}")]);
    let response = client.post(world, subscriptions, &input);
    assert_eq!(response.status(), StatusCode::CREATED);
}
