//! Contact lists: reads, subscriptions and changes.

use std::time::Duration;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, IF_MATCH};
use http::{Method, Response, StatusCode};
use ucwa_proto::{Representation, Resource, SipUri};
use ucwa_server::{DistributionGroup, Fault, ServerConfig};

use crate::harness::{
    ALEX, Client, JOE, LENE, Page, TOSH, World, decode, refusal, refused, seconds,
};

pub(crate) const MINUTE: u64 = 60;

pub(crate) fn uri(address: &str) -> SipUri {
    SipUri::parse(address).unwrap()
}

/// Adds contacts of Tosh: Lene, who is pinned and a delegate, and Alex in the group Team. Tosh is a delegate of Lene,
/// and reports to Lene. The distribution groups Sales and West contain each other. Sales is in the list of Tosh.
pub(crate) fn add_contacts(config: &mut ServerConfig) {
    let [tosh, lene, ..] = &mut config.users[..] else {
        unreachable!()
    };
    tosh.contacts.contacts = vec![uri(LENE), uri("nobody@contoso.com")];
    tosh.contacts.favorites = vec![uri(LENE)];
    tosh.contacts.groups = vec![("Team".to_owned(), vec![uri(ALEX)])];
    tosh.contacts.delegates = vec![uri(LENE)];
    tosh.contacts.distribution_groups = vec![uri("sales@contoso.com")];
    lene.contacts.delegates = vec![uri(TOSH)];
    tosh.manager = Some(uri(LENE));
    for (name, other) in [("Sales", "west"), ("West", "sales")] {
        let mut group = DistributionGroup::new(&format!("{name}@contoso.com"), name).unwrap();
        group.members = vec![uri(LENE), uri(&format!("{other}@contoso.com"))];
        config.distribution_groups.push(group);
    }
}

pub(crate) fn world() -> World {
    let mut config = World::config();
    add_contacts(&mut config);
    World::of(config)
}

/// The href of a link of the people resource.
pub(crate) fn href(client: &Client, rel: &str) -> String {
    let people = client.application.embedded("people").unwrap();
    people.link_href(rel).unwrap().to_owned()
}

/// The target of a link of the people resource.
pub(crate) fn list(world: &mut World, client: &Client, rel: &str) -> Resource<'static> {
    let href = href(client, rel);
    client.resource(world, &href)
}

fn names(contacts: &Resource<'_>) -> Vec<String> {
    let contacts = contacts.embedded_all("contact").iter();
    contacts
        .map(|contact| contact.text("name").unwrap().to_owned())
        .collect()
}

pub(crate) fn members(world: &mut World, client: &Client, group: &Resource<'_>) -> Vec<String> {
    names(&client.resource(world, group.link_href("groupContacts").unwrap()))
}

/// The group with this name that the user created.
pub(crate) fn group(world: &mut World, client: &Client, name: &str) -> Resource<'static> {
    let groups = list(world, client, "myGroups");
    let mut groups = groups.embedded_all("group").iter();
    let group = groups.find(|group| group.text("name") == Some(name));
    group.unwrap_or_else(|| panic!("{name}")).clone()
}

pub(crate) fn subscribe(world: &mut World, client: &Client, minutes: i64) {
    let subscription = list(world, client, "myContactsAndGroupsSubscription");
    let start = subscription.link_href("startOrRefreshSubscriptionToContactsAndGroups");
    let input = Resource::anonymous().with_property("duration", minutes);
    let response = client.post(world, start.unwrap(), &input);
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(decode(&response).text("state"), Some("Connected"));
}

/// The events of a client that polls for this time.
pub(crate) fn events_of(world: &mut World, client: &mut Client, time: Duration) -> Vec<String> {
    let mut story = Vec::new();
    let end = world.now + time;
    while world.now < end {
        let id = client.park(world);
        world.pass((end - world.now).min(seconds(3 * MINUTE)));
        if let Some(response) = world.reply(id) {
            let page = client.decode_page(&response);
            client.next = page.follow.as_ref().unwrap().href().to_owned();
            story.extend(Page(page).story());
        }
    }
    story
}

fn create_group(world: &mut World, client: &Client, name: &str) -> Response<bytes::Bytes> {
    let href = href(client, "myGroups");
    let input = Resource::anonymous().with_property("displayName", name.to_owned());
    client.post(world, &href, &input)
}

/// POST myGroupMemberships.
pub(crate) fn add(
    world: &mut World,
    client: &Client,
    address: &str,
    group: Option<&Resource<'_>>,
) -> Response<bytes::Bytes> {
    let href = href(client, "myGroupMemberships");
    let mut input = Resource::anonymous().with_property("contactUri", format!("sip:{address}"));
    if let Some(group) = group {
        input = input.with_property("groupId", group.text("id").unwrap().to_owned());
    }
    client.post(world, &href, &input)
}

/// DELETE of the membership of a contact in a group.
pub(crate) fn remove(
    world: &mut World,
    client: &Client,
    address: &str,
    group: &Resource<'_>,
) -> StatusCode {
    let memberships = group.link_href("groupMemberships").unwrap();
    let memberships = client.resource(world, memberships);
    let mut memberships = memberships.embedded_all("myGroupMembership").iter();
    let membership = memberships.find(|it| it.link_href("contact").unwrap().ends_with(address));
    client.delete(world, membership.unwrap().href().unwrap())
}

/// Renames a group, whose resource the client has read.
fn rename(
    world: &mut World,
    client: &Client,
    group: &Resource<'_>,
    name: &str,
) -> Response<bytes::Bytes> {
    let mut input = group.borrowed();
    input.links.clear();
    for (property, value) in &mut input.properties {
        if property == "name" {
            *value = name.to_owned().into();
        }
    }
    client.put(world, group.href().unwrap(), &input)
}

#[test]
fn the_list_has_the_contacts_groups_and_memberships_of_the_configuration() {
    for representation in [Representation::Json, Representation::Xml] {
        let world = &mut world();
        let tosh = Client::sign_in(world, TOSH, representation);
        let contacts = list(world, &tosh, "myContacts");
        assert_eq!(names(&contacts), ["Lene Aaling", "Alex Darrow"]);
        let links = tosh.resource(world, &format!("{}?expand=false", contacts.href().unwrap()));
        assert!(links.embedded_all("contact").is_empty());
        assert_eq!(links.links("contact").len(), 2);

        let groups = list(world, &tosh, "myGroups");
        let team = groups.embedded("group").unwrap();
        assert_eq!(team.text("name"), Some("Team"));
        assert_eq!(members(world, &tosh, team), ["Alex Darrow"]);
        let pinned = groups.embedded("pinnedGroup").unwrap();
        assert_eq!(pinned.text("name"), Some("Pinned Contacts"));
        assert_eq!(members(world, &tosh, pinned), ["Lene Aaling"]);
        let default = groups.embedded("defaultGroup").unwrap();
        assert_eq!(members(world, &tosh, default), ["Lene Aaling"]);
        for rel in ["delegatesGroup", "delegatorsGroup", "myOrganizationGroup"] {
            let group = tosh.resource(world, groups.link_href(rel).unwrap());
            assert_eq!(members(world, &tosh, &group), ["Lene Aaling"], "{rel}");
        }
        let sales = groups.embedded("distributionGroup").unwrap();
        assert_eq!(sales.text("uri"), Some("sip:sales@contoso.com"));

        let memberships = list(world, &tosh, "myGroupMemberships");
        let memberships: Vec<_> = memberships
            .embedded_all("myGroupMembership")
            .iter()
            .map(|it| {
                let group = ["group", "pinnedGroup", "defaultGroup", "delegatesGroup"]
                    .into_iter()
                    .find(|rel| it.link_href(rel).is_some());
                let contact = it.link_href("contact").unwrap();
                (
                    group.unwrap(),
                    contact.rsplit('/').next().unwrap().to_owned(),
                )
            })
            .collect();
        let lene = || LENE.to_owned();
        assert_eq!(
            memberships,
            [
                ("pinnedGroup", lene()),
                ("defaultGroup", lene()),
                ("delegatesGroup", lene()),
                ("group", ALEX.to_owned())
            ]
        );

        let links = tosh.resource(world, &format!("{}?expand=false", groups.href().unwrap()));
        assert!(links.embedded.is_empty());
        for rel in ["group", "pinnedGroup", "defaultGroup", "distributionGroup"] {
            assert_eq!(links.links(rel).len(), 1, "{rel}");
        }
    }
}

#[test]
fn the_links_of_changeable_resources_have_revision_2() {
    for representation in [Representation::Json, Representation::Xml] {
        let world = &mut world();
        let tosh = Client::sign_in(world, TOSH, representation);
        let people = tosh.application.embedded("people").unwrap();
        for rel in ["myGroups", "myGroupMemberships"] {
            assert!(
                (people.link(rel).unwrap().revision() - 2.0).abs() < 0.01,
                "{rel}"
            );
        }
        assert!(people.link("myContacts").unwrap().revision() < 1.5);
    }
}

#[test]
fn the_id_of_a_group_must_be_escaped_in_a_query() {
    let world = &mut world();
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let team = group(world, &tosh, "Team");
    let id = team.text("id").unwrap();
    let contacts = href(&tosh, "myContacts");
    let unescaped = tosh.get(world, &format!("{contacts}?groupId={id}"));
    assert_eq!(unescaped.status(), StatusCode::NOT_FOUND);
    let escaped = ucwa_proto::Origin::append_query(&contacts, "groupId", id);
    assert_eq!(names(&tosh.resource(world, &escaped)), ["Alex Darrow"]);
}

#[test]
fn every_change_is_reported_to_each_endpoint_that_has_a_subscription() {
    let world = &mut world();
    let writer = Client::sign_in(world, TOSH, Representation::Json);
    let mut endpoints = [
        writer,
        Client::sign_in_at(world, TOSH, Representation::Xml, "endpoint-2"),
    ];
    let without = Client::sign_in_at(world, TOSH, Representation::Json, "endpoint-3");
    for endpoint in &endpoints {
        subscribe(world, endpoint, 30);
    }
    let check = |world: &mut World, endpoints: &mut [Client; 2], expected: &[&str]| {
        for endpoint in endpoints {
            let story = endpoint.page(world).story();
            let expected: Vec<_> = expected
                .iter()
                .map(|line| format!("people {line}"))
                .collect();
            assert_eq!(story, expected);
        }
    };

    assert_eq!(
        create_group(world, &endpoints[0], "Crew").status(),
        StatusCode::NO_CONTENT
    );
    check(world, &mut endpoints, &["group added in myGroups"]);
    let crew = group(world, &endpoints[0], "Crew");

    let added = add(world, &endpoints[0], JOE, Some(&crew));
    assert_eq!(added.status(), StatusCode::CREATED);
    assert_eq!(decode(&added).link_href("group"), crew.href());
    check(
        world,
        &mut endpoints,
        &["contact added in myContacts", "contact added in group"],
    );

    // A contact in a group of the user is not in the default group.
    assert_eq!(
        add(world, &endpoints[0], LENE, Some(&crew)).status(),
        StatusCode::CREATED
    );
    check(
        world,
        &mut endpoints,
        &["contact added in group", "contact deleted in defaultGroup"],
    );
    assert_eq!(
        remove(world, &endpoints[0], LENE, &crew),
        StatusCode::NO_CONTENT
    );
    check(
        world,
        &mut endpoints,
        &["contact deleted in group", "contact added in defaultGroup"],
    );

    assert_eq!(
        rename(world, &endpoints[0], &crew, "Team 2").status(),
        StatusCode::OK
    );
    check(world, &mut endpoints, &["group updated"]);
    let crew = group(world, &endpoints[1], "Team 2");

    assert_eq!(
        endpoints[0].delete(world, crew.href().unwrap()),
        StatusCode::NO_CONTENT
    );
    check(
        world,
        &mut endpoints,
        &["contact added in defaultGroup", "group deleted in myGroups"],
    );

    let memberships = list(world, &endpoints[0], "myGroupMemberships");
    let unlist = memberships.link_href("removeContactFromAllGroups").unwrap();
    let input = Resource::anonymous().with_property("contactUri", format!("sip:{LENE}"));
    let removed = endpoints[0].post(world, unlist, &input);
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
    check(
        world,
        &mut endpoints,
        &[
            "contact deleted in pinnedGroup",
            "contact deleted in defaultGroup",
            "contact deleted in myContacts",
        ],
    );
    let left = list(world, &endpoints[1], "myContacts");
    assert_eq!(names(&left), ["Alex Darrow", "Joe Smith"]);

    let id = without.park(world);
    assert!(
        world.reply(id).is_none(),
        "no events without a subscription"
    );
}

#[test]
fn a_new_delegate_sees_their_delegators() {
    let world = &mut world();
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let mut alex = Client::sign_in(world, ALEX, Representation::Json);
    subscribe(world, &alex, 10);
    let groups = list(world, &tosh, "myGroups");
    let delegates = tosh.resource(world, groups.link_href("delegatesGroup").unwrap());
    assert_eq!(
        add(world, &tosh, ALEX, Some(&delegates)).status(),
        StatusCode::CREATED
    );
    let page = alex.page(world);
    assert_eq!(page.story(), ["people contact added in delegatorsGroup"]);
    let event = page.event("contact");
    assert!(event.link.href.ends_with(TOSH));
    let delegators = alex.resource(world, &event.within.as_ref().unwrap().href);
    assert_eq!(members(world, &alex, &delegators), ["Tosh Meston"]);
    assert_eq!(
        refused(&add(world, &alex, JOE, Some(&delegators))),
        refusal(403, "Forbidden", "OperationNotSupported")
    );
    assert_eq!(
        remove(world, &tosh, ALEX, &delegates),
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        alex.page(world).story(),
        ["people contact deleted in delegatorsGroup"]
    );
}

#[test]
fn a_subscription_warns_of_its_end_and_is_refreshed_to_30_minutes_at_most() {
    let world = &mut world();
    let mut tosh = Client::sign_in(world, TOSH, Representation::Json);
    let subscription = list(world, &tosh, "myContactsAndGroupsSubscription");
    assert_eq!(subscription.text("state"), Some("Disconnected"));
    let start = subscription.link_href("startOrRefreshSubscriptionToContactsAndGroups");
    for minutes in [9, 61] {
        let input = Resource::anonymous().with_property("duration", minutes as i64);
        assert_eq!(
            refused(&tosh.post(world, start.unwrap(), &input)),
            refusal(400, "BadRequest", "ParameterValidationFailure")
        );
    }
    let warning = "people myContactsAndGroupsSubscription updated";
    let none: [&str; 0] = [];
    subscribe(world, &tosh, 60);
    assert_eq!(events_of(world, &mut tosh, seconds(58 * MINUTE - 1)), none);
    assert_eq!(events_of(world, &mut tosh, seconds(1)), [warning]);
    // The remaining 2 minutes and 30 more exceed the limit of 30 minutes.
    subscribe(world, &tosh, 30);
    assert_eq!(events_of(world, &mut tosh, seconds(28 * MINUTE - 1)), none);
    assert_eq!(events_of(world, &mut tosh, seconds(1)), [warning]);
    assert_eq!(events_of(world, &mut tosh, seconds(2 * MINUTE)), none);
    let subscription = list(world, &tosh, "myContactsAndGroupsSubscription");
    assert_eq!(subscription.text("state"), Some("Disconnected"));
    create_group(world, &tosh, "Crew");
    assert_eq!(events_of(world, &mut tosh, seconds(1)), none);

    subscribe(world, &tosh, 10);
    let stop = subscription.link_href("stopSubscriptionToContactsAndGroups");
    assert_eq!(tosh.press(world, stop.unwrap()), StatusCode::NO_CONTENT);
    create_group(world, &tosh, "Another crew");
    assert_eq!(events_of(world, &mut tosh, seconds(1)), none);
}

#[test]
fn renaming_a_group_requires_its_latest_version() {
    for representation in [Representation::Json, Representation::Xml] {
        let world = &mut world();
        let tosh = Client::sign_in(world, TOSH, representation);
        let team = group(world, &tosh, "Team");
        let mut without_version = team.clone();
        without_version
            .properties
            .retain(|(name, _)| name != "etag");
        assert_eq!(
            refused(&rename(world, &tosh, &without_version, "Crew")),
            refusal(428, "PreconditionRequired", "")
        );
        let mut without_marker = team.clone();
        let marker = team.put_marker().unwrap().0.to_owned();
        without_marker
            .properties
            .retain(|(name, _)| *name != marker);
        assert_eq!(
            refused(&rename(world, &tosh, &without_marker, "Crew")),
            refusal(400, "BadRequest", "ParameterValidationFailure")
        );
        assert_eq!(rename(world, &tosh, &team, "Crew").status(), StatusCode::OK);
        assert_eq!(
            refused(&rename(world, &tosh, &team, "Team")),
            refusal(412, "PreconditionFailed", "")
        );
        let crew = group(world, &tosh, "Crew");
        assert_eq!(crew.text("id"), team.text("id"));
        let unchanged = tosh
            .builder(&Method::GET, crew.href().unwrap())
            .header("If-None-Match", format!("\"{}\"", crew.etag().unwrap()));
        let unchanged = world.exchange(unchanged.body(bytes::Bytes::new()).unwrap());
        assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
    }
}

#[test]
fn a_change_that_requires_revision_3_is_refused() {
    let world = &mut world();
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let groups = href(&tosh, "myGroups");
    let create = |world: &mut World, revision: &str, name: &str| {
        let body = format!(r#"{{"displayName":"{name}"}}"#);
        let request = tosh
            .builder(&Method::POST, &groups)
            .header("X-MS-RequiresMinResourceVersion", revision)
            .header(CONTENT_TYPE, "application/json")
            .header(CONTENT_LENGTH, body.len());
        world.exchange(request.body(body.into()).unwrap())
    };
    assert_eq!(create(world, "2", "Crew").status(), StatusCode::NO_CONTENT);
    for revision in ["3", "2.5", "-1", "two"] {
        assert_eq!(
            refused(&create(world, revision, "Another")),
            refusal(404, "NotFound", "APIVersionNotSupported")
        );
    }
    assert_eq!(
        list(world, &tosh, "myGroups").embedded_all("group").len(),
        2
    );
}

#[test]
fn invalid_changes_of_the_list_are_refused() {
    let world = &mut world();
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let exists = refusal(409, "Conflict", "AlreadyExists");
    assert_eq!(refused(&create_group(world, &tosh, "TEAM")), exists);
    assert_eq!(refused(&add(world, &tosh, LENE, None)), exists);
    let team = group(world, &tosh, "Team");
    assert_eq!(refused(&add(world, &tosh, ALEX, Some(&team))), exists);
    let invalid = refusal(400, "BadRequest", "ParameterValidationFailure");
    assert_eq!(refused(&create_group(world, &tosh, "")), invalid);
    assert_eq!(
        refused(&create_group(world, &tosh, &"x".repeat(257))),
        invalid
    );
    assert_eq!(refused(&add(world, &tosh, "no address", None)), invalid);
    let missing = refusal(404, "NotFound", "");
    assert_eq!(
        refused(&add(world, &tosh, "nobody@contoso.com", None)),
        missing
    );
    let groups = list(world, &tosh, "myGroups");
    let sales = groups.embedded("distributionGroup").unwrap();
    assert_eq!(
        refused(&add(world, &tosh, ALEX, Some(sales))),
        refusal(403, "Forbidden", "")
    );
    // The group belongs to another user.
    assert_eq!(
        create_group(world, &tosh, "Crew").status(),
        StatusCode::NO_CONTENT
    );
    let crew = group(world, &tosh, "Crew");
    let lene = Client::sign_in(world, LENE, Representation::Json);
    let own = lene.application.href().unwrap();
    let theirs = format!("{own}/people/groups/{}", crew.text("id").unwrap());
    assert_eq!(lene.delete(world, &theirs), StatusCode::NOT_FOUND);
    // The user did not create these groups.
    for rel in ["pinnedGroup", "defaultGroup"] {
        let group = groups.embedded(rel).unwrap().href().unwrap().to_owned();
        assert_eq!(tosh.delete(world, &group), StatusCode::METHOD_NOT_ALLOWED);
    }
    let request = tosh.builder(&Method::PUT, team.href().unwrap());
    let request = request.header(CONTENT_LENGTH, 0).header(IF_MATCH, "\"0\"");
    let empty = world.exchange(request.body(bytes::Bytes::new()).unwrap());
    assert_eq!(refused(&empty), invalid);
}

#[test]
fn input_may_be_in_the_query() {
    let world = &mut world();
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let team = group(world, &tosh, "Team");
    let memberships = href(&tosh, "myGroupMemberships");
    let add = format!("{memberships}?contactUri=sip%3a{JOE}");
    let add = ucwa_proto::Origin::append_query(&add, "groupId", team.text("id").unwrap());
    assert_eq!(tosh.press(world, &add), StatusCode::CREATED);
    assert_eq!(members(world, &tosh, &team), ["Alex Darrow", "Joe Smith"]);
}

#[test]
fn a_distribution_group_is_expanded_one_level_and_listed() {
    let world = &mut world();
    let mut tosh = Client::sign_in(world, TOSH, Representation::Json);
    subscribe(world, &tosh, 10);
    let groups = list(world, &tosh, "myGroups");
    let sales = groups.embedded("distributionGroup").unwrap().clone();
    let expand = sales.link_href("expandDistributionGroup").unwrap();
    let expanded = tosh.resource(world, expand);
    assert_eq!(names(&expanded), ["Lene Aaling"]);
    let west = expanded.embedded("distributionGroup").unwrap();
    assert_eq!(west.text("name"), Some("West"));
    assert!(west.embedded.is_empty());
    // West contains Sales.
    let expanded = tosh.resource(world, west.link_href("expandDistributionGroup").unwrap());
    let nested = expanded.embedded("distributionGroup").unwrap();
    assert_eq!(nested.text("id"), sales.text("id"));

    let input = Resource::anonymous()
        .with_property("displayName", "West")
        .with_property("smtpAddress", "West@contoso.com");
    let add = west.link_href("addToContactList").unwrap();
    assert_eq!(
        tosh.post(world, add, &input).status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        tosh.page(world).story(),
        ["people distributionGroup added in myGroups"]
    );
    assert_eq!(
        refused(&tosh.post(world, add, &input)),
        refusal(409, "Conflict", "AlreadyExists")
    );
    let remove = sales.link_href("removeFromContactList").unwrap();
    let input =
        Resource::anonymous().with_property("groupId", sales.text("id").unwrap().to_owned());
    assert_eq!(
        tosh.post(world, remove, &input).status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        tosh.page(world).story(),
        ["people distributionGroup deleted in myGroups"]
    );
    assert_eq!(
        tosh.post(world, remove, &input).status(),
        StatusCode::NOT_FOUND
    );
    let groups = list(world, &tosh, "myGroups");
    assert_eq!(
        groups.embedded("distributionGroup").unwrap().text("name"),
        Some("West")
    );
}

#[test]
fn a_search_lists_distribution_groups_after_contacts() {
    let world = &mut world();
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let search = href(&tosh, "search");
    let found = tosh.resource(world, &format!("{search}?query=contoso.com"));
    assert_eq!(names(&found).len(), 3);
    let groups = found.embedded_all("distributionGroup").iter();
    let groups: Vec<_> = groups.map(|group| group.text("name").unwrap()).collect();
    assert_eq!(groups, ["Sales", "West"]);
    for (limit, groups, more) in [(5, 2, false), (4, 1, true), (3, 0, true)] {
        let found = tosh.resource(world, &format!("{search}?query=contoso.com&limit={limit}"));
        assert_eq!(names(&found).len(), 3);
        assert_eq!(
            found.embedded_all("distributionGroup").len(),
            groups,
            "{limit}"
        );
        assert_eq!(found.boolean("moreResultsAvailable"), Some(more), "{limit}");
    }
    let found = tosh.resource(world, &format!("{search}?query=WEST"));
    let west = found.embedded("distributionGroup").unwrap();
    assert!(west.link("addToContactList").is_some());
}

#[test]
fn the_members_of_a_distribution_group_with_more_than_100_cannot_be_read() {
    let mut config = World::config();
    add_contacts(&mut config);
    for number in 0..99 {
        let member = uri(&format!("user{number}@contoso.com"));
        config.distribution_groups[0].members.push(member);
    }
    let world = &mut World::of(config);
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let groups = list(world, &tosh, "myGroups");
    let sales = groups.embedded("distributionGroup").unwrap();
    let expand = sales.link_href("expandDistributionGroup").unwrap();
    let contacts = href(&tosh, "myContacts");
    let id = sales.text("id").unwrap();
    let contacts = ucwa_proto::Origin::append_query(&contacts, "groupId", id);
    for href in [expand, &contacts, &format!("{contacts}&expand=false")] {
        assert_eq!(
            refused(&tosh.get(world, href)),
            refusal(403, "Forbidden", "TooManyContacts"),
            "{href}"
        );
    }
    // West has two members.
    let west = href(&tosh, "myContacts");
    let west = ucwa_proto::Origin::append_query(&west, "groupId", "+600000001==");
    assert_eq!(names(&tosh.resource(world, &west)), ["Lene Aaling"]);
}

/// A member who leaves, returns and leaves again is gone for a client that has seen none of this.
#[test]
fn aggregated_events_report_a_member_who_was_there_before() {
    let mut world = world();
    let world = &mut world;
    let mut tosh = Client::available(world, TOSH, Representation::Json);
    subscribe(world, &tosh, 60);
    world.inject(Fault::AggregateEvents);
    let team = group(world, &tosh, "Team");
    let events_in_team = |world: &mut World, tosh: &mut Client| {
        let story = tosh.page(world).story();
        story
            .into_iter()
            .filter(|it| it.ends_with("in group"))
            .collect::<Vec<_>>()
    };
    remove(world, &tosh, ALEX, &team);
    add(world, &tosh, ALEX, Some(&team));
    remove(world, &tosh, ALEX, &team);
    let gone = "people contact deleted in group";
    assert_eq!(events_in_team(world, &mut tosh), [gone]);
    // The group Crew keeps the page from being empty.
    add(world, &tosh, ALEX, Some(&team));
    remove(world, &tosh, ALEX, &team);
    create_group(world, &tosh, "Crew");
    assert!(events_in_team(world, &mut tosh).is_empty());
}
