//! The work of a request does not depend on the number of users who are signed in.

use http::{Method, StatusCode};
use ucwa_proto::{Representation, Resource};
use ucwa_server::Fault;

use crate::conference::Conference;
use crate::harness::{ALEX, Client, LENE, TOSH, World, seconds};
use crate::parked_users::{watch, with_parked_users};

/// The number of table entries that the engine visits for each step of some users, while others are parked.
struct Costs {
    world: World,
    steps: Vec<(&'static str, u64)>,
}

impl Costs {
    fn step<T>(&mut self, name: &'static str, run: impl FnOnce(&mut World) -> T) -> T {
        let before = self.world.engine.visited_entries();
        let result = run(&mut self.world);
        let visited = self.world.engine.visited_entries() - before;
        self.steps.push((name, visited));
        result
    }
}

fn available(world: &mut World, name: &str, endpoint: &str) -> Client {
    Client::available_at(world, name, Representation::Json, endpoint)
}

/// The costs of all kinds of requests, timeouts and faults, except for the search.
fn costs(parked: usize) -> Vec<(&'static str, u64)> {
    let world = with_parked_users(parked);
    let steps = Vec::new();
    let mut costs = Costs { world, steps };
    let mut all = costs.step("a chat becomes a conference", Conference::new);
    let tosh = &mut all.chat.tosh;
    let joined = costs.step("sign-in at a second endpoint", |world| {
        available(world, TOSH, "endpoint-2")
    });
    costs.step("watch presence", |world| watch(world, tosh, LENE));
    costs.step("events", |world| tosh.page(world));
    let pending = costs.step("pending GET", |world| tosh.park(world));
    costs.step("change of presence", |world| {
        let me = all.chat.lene.application.embedded("me").unwrap();
        let me = all.chat.lene.resource(world, me.href().unwrap());
        let availability = Resource::anonymous().with_property("availability", "Busy");
        let presence = me.link_href("presence").unwrap();
        all.chat.lene.post(world, presence, &availability)
    });
    let page = costs.step("acknowledgement", |world| tosh.arrived(world, pending));
    assert_eq!(page.story(), ["people contactPresence updated in contact"]);
    let pending = costs.step("pending GET", |world| tosh.park(world));
    costs.step("disconnect", |world| world.disconnect(pending));
    costs.step("message", |world| all.chat.tosh_says(world, "Hi"));
    costs.step("message that is lost", |world| world.pass(seconds(31)));
    costs.step("typing", |world| {
        let messaging = &all.chat.lene_messaging;
        let typing = messaging.link_href("setIsTyping").unwrap();
        all.chat.lene.press(world, typing)
    });
    costs.step("invitation", |world| {
        joined.invite(world, ALEX, "operation-2", "Hi")
    });
    costs.step("conversation ends", |world| {
        let conversation = all.chat.at_lene.href().unwrap();
        all.chat.lene.delete(world, conversation)
    });
    costs.step("sign-out", |world| {
        let application = joined.application.href().unwrap();
        joined.delete(world, application)
    });
    costs.step("faults", |world| {
        let user = format!("sip:{TOSH}");
        world.inject(Fault::Resync { user: user.clone() });
        world.inject(Fault::DropMessaging { user: user.clone() });
        world.inject(Fault::ExpireApplications { user });
    });
    costs.step("expired token", |world| {
        world.inject(Fault::ExpireTokens);
        let request = all.chat.lene.builder(&Method::GET, "/ucwa");
        let request = request.body(bytes::Bytes::new()).unwrap();
        let response = world.exchange(request);
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    });
    costs.steps
}

#[test]
fn the_work_of_a_request_does_not_depend_on_the_number_of_signed_in_users() {
    let few = costs(100);
    assert_eq!(few, costs(1_000));
    assert_eq!(few, costs(10_000));
}

#[test]
fn a_search_visits_every_account() {
    let mut world = with_parked_users(100);
    let tosh = available(&mut world, TOSH, "endpoint-1");
    let people = tosh.application.embedded("people").unwrap();
    let search = format!("{}?query=nobody", people.link_href("search").unwrap());
    let before = world.engine.visited_entries();
    tosh.resource(&mut world, &search);
    let visited = world.engine.visited_entries() - before;
    assert!((100..120).contains(&visited), "{visited}");
}
