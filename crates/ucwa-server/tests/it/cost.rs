//! The work of a request does not depend on the number of users who are signed in.

use http::{Method, StatusCode};
use ucwa_proto::{Representation, Resource};
use ucwa_server::Fault;

use crate::conference::Conference;
use crate::contact_list::{MINUTE, add, add_contacts, events_of, group, list, remove, subscribe};
use crate::group_presence::follow;
use crate::harness::{ALEX, Client, JOE, LENE, TOSH, World, seconds};
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

/// Reads and changes the contact list. Leaves no events behind.
fn contact_list(costs: &mut Costs, tosh: &mut Client) {
    costs.step("subscription to the list", |world| {
        subscribe(world, tosh, 60);
    });
    let lists = [
        "myContacts",
        "myGroups",
        "myGroupMemberships",
        "myPrivacyRelationships",
    ];
    for rel in lists {
        costs.step(rel, |world| list(world, tosh, rel));
    }
    let groups = list(&mut costs.world, tosh, "myGroups");
    for rel in ["delegatesGroup", "delegatorsGroup", "myOrganizationGroup"] {
        costs.step(rel, |world| {
            let group = tosh.resource(world, groups.link_href(rel).unwrap());
            tosh.resource(world, group.link_href("groupContacts").unwrap())
        });
    }
    costs.step("expansion of a distribution group", |world| {
        let sales = groups.embedded("distributionGroup").unwrap();
        tosh.resource(world, sales.link_href("expandDistributionGroup").unwrap())
    });
    costs.step("scheduled meetings", |world| {
        let meetings = tosh.application.embedded("onlineMeetings").unwrap();
        tosh.resource(world, meetings.link_href("myOnlineMeetings").unwrap())
    });
    let team = group(&mut costs.world, tosh, "Team");
    let subscription = costs.step("subscription to a group", |world| {
        follow(world, tosh, &team, 30)
    });
    costs.step("new contact", |world| add(world, tosh, JOE, Some(&team)));
    costs.step("renewed subscription to a group", |world| {
        follow(world, tosh, &team, 10)
    });
    costs.step("privacy level", |world| {
        let contacts = list(world, tosh, "myContacts");
        let contact = contacts.embedded_all("contact").last().unwrap();
        let privacy = contact.link_href("contactPrivacyRelationship").unwrap();
        let privacy = tosh.resource(world, privacy);
        let reset = privacy.link_href("resetContactPrivacyRelationship");
        tosh.press(world, reset.unwrap())
    });
    costs.step("removed contact", |world| remove(world, tosh, JOE, &team));
    costs.step("deleted subscription to a group", |world| {
        tosh.delete(world, subscription.href().unwrap())
    });
    let delegates = groups.link_href("delegatesGroup").unwrap();
    let delegates = tosh.resource(&mut costs.world, delegates);
    costs.step("new delegate", |world| {
        add(world, tosh, ALEX, Some(&delegates))
    });
    costs.step("removed delegate", |world| {
        remove(world, tosh, ALEX, &delegates)
    });
    costs.step("events", |world| tosh.page(world));
}

/// The costs of all kinds of requests, timeouts and faults, except for the search.
fn costs(parked: usize) -> Vec<(&'static str, u64)> {
    let mut config = World::config();
    add_contacts(&mut config);
    let world = with_parked_users(config, parked);
    let steps = Vec::new();
    let mut costs = Costs { world, steps };
    let mut all = costs.step("a chat becomes a conference", Conference::new);
    let tosh = &mut all.chat.tosh;
    let joined = costs.step("sign-in at a second endpoint", |world| {
        available(world, TOSH, "endpoint-2")
    });
    costs.step("watch presence", |world| watch(world, tosh, LENE));
    costs.step("events", |world| tosh.page(world));
    contact_list(&mut costs, tosh);
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

/// The number of table entries that the engine visits when the user of this application signs out.
fn cost_of_sign_out(world: &mut World, client: &Client) -> u64 {
    let before = world.engine.visited_entries();
    let application = client.application.href().unwrap();
    assert_eq!(client.delete(world, application), StatusCode::NO_CONTENT);
    world.engine.visited_entries() - before
}

#[test]
fn a_subscription_to_a_group_that_has_ended_adds_no_work() {
    let world = &mut crate::contact_list::world();
    let tosh = available(world, TOSH, "endpoint-1");
    let alex = available(world, ALEX, "endpoint-1");
    let without = cost_of_sign_out(world, &alex);
    let alex = available(world, ALEX, "endpoint-1");
    let team = group(world, &tosh, "Team");

    // Removed by a request, and then by the time. A renewal does not keep a member that has left the group.
    let subscription = follow(world, &tosh, &team, 30);
    tosh.delete(world, subscription.href().unwrap());
    follow(world, &tosh, &team, 10);
    assert!(cost_of_sign_out(world, &alex) > without, "Tosh is watching");
    world.pass(seconds(10 * MINUTE));
    let alex = available(world, ALEX, "endpoint-1");
    assert_eq!(cost_of_sign_out(world, &alex), without);
    let alex = available(world, ALEX, "endpoint-1");
    follow(world, &tosh, &team, 10);
    remove(world, &tosh, ALEX, &team);
    follow(world, &tosh, &team, 10);
    assert_eq!(cost_of_sign_out(world, &alex), without);

    // Removed by the sign-out of the application.
    let alex = available(world, ALEX, "endpoint-1");
    let second = available(world, TOSH, "endpoint-2");
    add(world, &second, ALEX, Some(&team));
    let team = group(world, &second, "Team");
    follow(world, &second, &team, 10);
    cost_of_sign_out(world, &second);
    assert_eq!(cost_of_sign_out(world, &alex), without);
}

#[test]
fn a_renewed_subscription_has_one_timer() {
    let cost = |renewals: usize| {
        let world = &mut crate::contact_list::world();
        let mut tosh = available(world, TOSH, "endpoint-1");
        let team = group(world, &tosh, "Team");
        let mut subscription = follow(world, &tosh, &team, 30);
        for _ in 0..renewals {
            subscribe(world, &tosh, 30);
            tosh.delete(world, subscription.href().unwrap());
            subscription = follow(world, &tosh, &team, 30);
        }
        tosh.page(world);
        let before = world.engine.visited_entries();
        events_of(world, &mut tosh, seconds(29 * MINUTE));
        world.engine.visited_entries() - before
    };
    assert_eq!(cost(3), cost(10));
}

#[test]
fn a_search_visits_every_account() {
    let mut world = with_parked_users(World::config(), 100);
    let tosh = available(&mut world, TOSH, "endpoint-1");
    let people = tosh.application.embedded("people").unwrap();
    let search = format!("{}?query=nobody", people.link_href("search").unwrap());
    let before = world.engine.visited_entries();
    tosh.resource(&mut world, &search);
    let visited = world.engine.visited_entries() - before;
    assert!((100..120).contains(&visited), "{visited}");
}
