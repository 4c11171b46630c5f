//! A server with many users who are signed in and wait for events.

use std::time::Duration;

use http::StatusCode;
use ucwa_proto::{Representation, Resource, SipUri};
use ucwa_server::{IssuedToken, ScheduledMeeting, ServerConfig, User};

use crate::harness::{Client, LENE, World};

/// The users of `config`, who are not signed in, and `count` other users. Each of the others is available, watches the presence of
/// one user (the first watches Lene, and each next one the user before), and has a pending GET. The watched user is also a contact, a
/// delegate and the manager, and each of the others has scheduled a meeting.
pub(crate) fn with_parked_users(mut config: ServerConfig, count: usize) -> World {
    for number in 0..count {
        let watched = SipUri::parse(&watched_by(number)).unwrap();
        let address = address(number);
        let mut user = User::new(&address, format!("User {number}"), "").unwrap();
        user.contacts.contacts = vec![watched.clone()];
        user.contacts.delegates = vec![watched.clone()];
        user.manager = Some(watched);
        user.meetings = vec![ScheduledMeeting::new("Review")];
        config.users.push(user);
        // A sign-in with a password would take four more requests.
        let issued = IssuedToken::new(token(number), &address, Duration::MAX).unwrap();
        config.issued.push(issued);
    }
    let mut world = World::of(config);
    for number in 0..count {
        park(&mut world, number, &watched_by(number));
    }
    world
}

/// The address of the user whom the user with this number watches.
fn watched_by(number: usize) -> String {
    number.checked_sub(1).map_or(LENE.to_owned(), address)
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
