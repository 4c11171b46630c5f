//! Subscriptions to the presence of a group.

use http::StatusCode;
use ucwa_proto::{Representation, Resource};

use crate::contact_list::{MINUTE, add, events_of, group, list, remove, world};
use crate::harness::{ALEX, Client, JOE, LENE, TOSH, World, decode, refusal, refused, seconds};

const INTRODUCTION: [&str; 5] = [
    "people contact added in subscribedContacts",
    "people contactPresence updated in contact",
    "people contactNote updated in contact",
    "people contactLocation updated in contact",
    "people contactSupportedModalities updated in contact",
];

/// POST subscribeToGroupPresence.
pub(crate) fn follow(
    world: &mut World,
    client: &Client,
    group: &Resource<'_>,
    minutes: i64,
) -> Resource<'static> {
    let href = group.link_href("subscribeToGroupPresence").unwrap();
    let input = Resource::anonymous().with_property("duration", minutes);
    let response = client.post(world, href, &input);
    assert_eq!(response.status(), StatusCode::CREATED);
    decode(&response)
}

/// The addresses of the followed contacts.
fn followed(world: &mut World, client: &Client) -> Vec<String> {
    let contacts = list(world, client, "subscribedContacts");
    let links = contacts.links("contact").iter();
    links
        .map(|link| link.href.rsplit('/').next().unwrap().to_owned())
        .collect()
}

fn expected(first: &str) -> Vec<&str> {
    [first].into_iter().chain(INTRODUCTION).collect()
}

#[test]
fn a_subscription_has_the_id_and_the_current_members_of_its_group() {
    for representation in [Representation::Json, Representation::Xml] {
        let world = &mut world();
        let mut tosh = Client::sign_in(world, TOSH, representation);
        let team = group(world, &tosh, "Team");
        let subscription = follow(world, &tosh, &team, 10);
        assert_eq!(subscription.text("id"), team.text("id"));
        assert_eq!(
            tosh.page(world).story(),
            expected("people presenceSubscription added")
        );
        let alex = Client::available(world, ALEX, representation);
        let page = tosh.page(world);
        let presence = tosh.resource(world, &page.event("contactPresence").link.href);
        assert_eq!(presence.text("availability"), Some("Online"));

        // A member that is added later is followed only after the client has subscribed again.
        assert_eq!(
            add(world, &tosh, JOE, Some(&team)).status(),
            StatusCode::CREATED
        );
        assert_eq!(followed(world, &tosh), [ALEX]);
        follow(world, &tosh, &team, 10);
        assert_eq!(
            tosh.page(world).story(),
            expected("people presenceSubscription updated")
        );
        assert_eq!(followed(world, &tosh), [ALEX, JOE]);

        // A member that was removed is followed until the client subscribes again.
        assert_eq!(remove(world, &tosh, ALEX, &team), StatusCode::NO_CONTENT);
        follow(world, &tosh, &team, 10);
        assert_eq!(
            tosh.page(world).story(),
            [
                "people presenceSubscription updated",
                "people contact deleted in subscribedContacts"
            ]
        );
        let application = alex.application.href().unwrap().to_owned();
        alex.delete(world, &application);
        let pending = tosh.park(world);
        assert!(world.reply(pending).is_none(), "no event about Alex");
        let subscriptions = list(world, &tosh, "presenceSubscriptions");
        assert_eq!(subscriptions.embedded_all("presenceSubscription").len(), 1);

        let href = subscription.href().unwrap();
        assert_eq!(tosh.delete(world, href), StatusCode::NO_CONTENT);
        assert_eq!(tosh.delete(world, href), StatusCode::NOT_FOUND);
        assert!(followed(world, &tosh).is_empty());
    }
}

#[test]
fn a_subscription_to_a_group_is_extended_to_30_minutes_at_most_and_then_ends() {
    let world = &mut world();
    let mut tosh = Client::sign_in(world, TOSH, Representation::Json);
    let team = group(world, &tosh, "Team");
    let subscription = follow(world, &tosh, &team, 20);
    tosh.page(world);
    follow(world, &tosh, &team, 20);
    tosh.page(world);
    let none: [&str; 0] = [];
    assert_eq!(events_of(world, &mut tosh, seconds(28 * MINUTE - 1)), none);
    assert_eq!(
        events_of(world, &mut tosh, seconds(1)),
        ["people presenceSubscription updated"]
    );
    assert_eq!(events_of(world, &mut tosh, seconds(2 * MINUTE - 1)), none);
    assert_eq!(
        events_of(world, &mut tosh, seconds(1)),
        [
            "people presenceSubscription deleted",
            "people contact deleted in subscribedContacts"
        ]
    );
    let gone = tosh.get(world, subscription.href().unwrap());
    assert_eq!(refused(&gone), refusal(404, "NotFound", ""));
}

#[test]
fn every_kind_of_group_can_be_followed() {
    let world = &mut world();
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let groups = list(world, &tosh, "myGroups");
    let linked = ["delegatesGroup", "delegatorsGroup", "myOrganizationGroup"];
    let linked = linked.map(|rel| tosh.resource(world, groups.link_href(rel).unwrap()));
    let embedded = ["pinnedGroup", "defaultGroup", "distributionGroup"];
    let embedded = embedded.map(|rel| groups.embedded(rel).unwrap().clone());
    for group in linked.iter().chain(&embedded) {
        let subscription = follow(world, &tosh, group, 10);
        assert_eq!(followed(world, &tosh), [LENE], "{group:?}");
        tosh.delete(world, subscription.href().unwrap());
    }
}

#[test]
fn a_group_that_the_user_does_not_have_cannot_be_followed() {
    let world = &mut world();
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let subscriptions = list(world, &tosh, "presenceSubscriptions");
    let mut input = Resource::anonymous().with_property("duration", 10_i64);
    for id in ["+500000009==", "7", ""] {
        input = input.with_property("groupId", id);
        let response = tosh.post(world, subscriptions.href().unwrap(), &input);
        assert_eq!(refused(&response), refusal(404, "NotFound", ""), "{id}");
        input.properties.pop();
    }
    let team = group(world, &tosh, "Team");
    let href = team.link_href("subscribeToGroupPresence").unwrap();
    for minutes in [9_i64, 31] {
        let input = Resource::anonymous().with_property("duration", minutes);
        assert_eq!(
            refused(&tosh.post(world, href, &input)),
            refusal(400, "BadRequest", "ParameterValidationFailure")
        );
    }
}
