//! Contacts, their published state, subscriptions to it, and the search.

use http::StatusCode;
use ucwa_proto::{EventKind, Representation, Resource};

use ucwa_server::RequestId;

use crate::harness::{Client, LENE, TOSH, World, decode, refusal, refused, seconds};

fn people(client: &Client) -> &Resource<'static> {
    client.application.embedded("people").unwrap()
}

fn own_href(world: &mut World, client: &Client, rel: &str) -> String {
    let me = client.application.embedded("me").unwrap().href().unwrap();
    let me = client.resource(world, me);
    me.link_href(rel).unwrap().to_owned()
}

fn set(world: &mut World, client: &Client, rel: &str, name: &'static str, text: &str) {
    let href = own_href(world, client, rel);
    let input = Resource::anonymous().with_property(name, text.to_owned());
    assert_eq!(
        client.post(world, &href, &input).status(),
        StatusCode::NO_CONTENT
    );
}

fn find(world: &mut World, client: &Client, query: &str) -> Resource<'static> {
    let href = people(client).link_href("search").unwrap().to_owned();
    client.resource(world, &format!("{href}?{query}"))
}

/// Lene as Tosh's contact.
fn lene(world: &mut World, tosh: &Client) -> Resource<'static> {
    find(world, tosh, "query=lenea%40contoso.com")
        .embedded("contact")
        .unwrap()
        .clone()
}

fn watch(
    world: &mut World,
    client: &Client,
    minutes: i64,
    whom: &[&'static str],
) -> Resource<'static> {
    let href = people(client)
        .link_href("presenceSubscriptions")
        .unwrap()
        .to_owned();
    let input = Resource::anonymous()
        .with_property("duration", minutes)
        .with_property("uris", whom.to_vec());
    let response = client.post(world, &href, &input);
    assert_eq!(response.status(), StatusCode::CREATED);
    decode(&response)
}

#[test]
fn a_contact_shows_what_its_user_has_published() {
    for representation in [Representation::Json, Representation::Xml] {
        let mut world = World::new();
        let world = &mut world;
        let tosh = Client::available(world, TOSH, representation);
        let contact = lene(world, &tosh);
        assert_eq!(contact.text("name"), Some("Lene Aaling"));
        assert_eq!(contact.text("uri"), Some("sip:lenea@contoso.com"));
        let of = |world: &mut World, rel: &str| {
            let href = contact.link_href(rel).unwrap().to_owned();
            tosh.resource(world, &href)
        };
        let presence = of(world, "contactPresence");
        assert_eq!(presence.text("availability"), Some("Offline"));
        assert_eq!(of(world, "contactNote").text("message"), Some(""));

        let lene = Client::available(world, LENE, representation);
        assert_eq!(
            of(world, "contactPresence").text("availability"),
            Some("Online")
        );
        let modalities = of(world, "contactSupportedModalities");
        assert_eq!(
            modalities.list("modalities").collect::<Vec<_>>(),
            ["Messaging"]
        );
        set(world, &lene, "presence", "availability", "BeRightBack");
        set(world, &lene, "note", "message", "Heads down today");
        set(world, &lene, "location", "location", "By the beach...");
        let presence = of(world, "contactPresence");
        assert_eq!(presence.text("availability"), Some("BeRightBack"));
        let last_active = presence.text("lastActive").unwrap();
        assert_eq!(
            last_active.starts_with("/Date("),
            representation == Representation::Json,
            "{last_active}"
        );
        let note = of(world, "contactNote");
        assert_eq!(note.text("message"), Some("Heads down today"));
        assert_eq!(note.text("type"), Some("Personal"));
        let location = of(world, "contactLocation");
        assert_eq!(location.text("location"), Some("By the beach..."));
        // The user's own note has the same text.
        let own = own_href(world, &lene, "note");
        let own = lene.resource(world, &own);
        assert_eq!(own.text("message"), Some("Heads down today"));
        // An empty body resets the value.
        for rel in ["presence", "note", "location"] {
            let href = own_href(world, &lene, rel);
            assert_eq!(lene.press(world, &href), StatusCode::NO_CONTENT);
        }
        let presence = of(world, "contactPresence");
        assert_eq!(presence.text("availability"), Some("Online"));
        assert_eq!(of(world, "contactNote").text("message"), Some(""));
        assert_eq!(of(world, "contactLocation").text("location"), Some(""));
    }
}

#[test]
fn invalid_presence_notes_and_locations_are_refused() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::available(world, TOSH, Representation::Json);
    let too_long = "x".repeat(61);
    for (rel, name, text) in [
        ("presence", "availability", "Hidden"),
        ("location", "location", too_long.as_str()),
        ("note", "message", &"x".repeat(501)),
    ] {
        let href = own_href(world, &tosh, rel);
        let input = Resource::anonymous().with_property(name, text.to_owned());
        assert_eq!(
            refused(&tosh.post(world, &href, &input)),
            refusal(400, "BadRequest", "ParameterValidationFailure"),
            "{rel}"
        );
    }
    let hidden = Client::sign_in_at(world, TOSH, Representation::Json, "endpoint-2");
    let home = hidden.application.href().unwrap();
    for rel in ["presence", "note", "location"] {
        let response = hidden.post(world, &format!("{home}/me/{rel}"), &Resource::anonymous());
        assert_eq!(
            refused(&response),
            refusal(409, "Conflict", "MakeMeAvailableRequired")
        );
    }
}

#[test]
fn a_search_finds_names_and_addresses_within_its_limits() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let names = |found: &Resource<'_>| -> Vec<String> {
        let contacts = found.embedded_all("contact").iter();
        contacts
            .map(|contact| contact.text("name").unwrap().to_owned())
            .collect()
    };
    let found = find(world, &tosh, "query=AALING");
    assert_eq!(names(&found), ["Lene Aaling"]);
    assert_eq!(found.boolean("moreResultsAvailable"), Some(false));
    let found = find(world, &tosh, "query=contoso&limit=1");
    assert_eq!(names(&found), ["Tosh Meston"]);
    assert_eq!(found.boolean("moreResultsAvailable"), Some(true));
    let found = find(world, &tosh, "query=sip%3Alenea%40contoso.com");
    assert_eq!(names(&found), ["Lene Aaling"]);
    assert!(names(&find(world, &tosh, "query=nobody")).is_empty());
    let href = people(&tosh).link_href("search").unwrap();
    for query in [
        "limit=5".to_owned(),
        "query=".to_owned(),
        "query=x&limit=0".to_owned(),
        "query=x&limit=101".to_owned(),
        format!("query={}", "x".repeat(257)),
    ] {
        assert_eq!(
            refused(&tosh.get(world, &format!("{href}?{query}"))),
            refusal(400, "BadRequest", "ParameterValidationFailure"),
            "{query}"
        );
    }
}

#[test]
fn a_subscription_reports_the_contact_and_links_to_each_change() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::available(world, TOSH, Representation::Json);
    let lene = Client::available(world, LENE, Representation::Json);
    let subscription = watch(
        world,
        &tosh,
        10,
        &["sip:LeneA@contoso.com", "sip:a@fabrikam.com"],
    );
    assert_eq!(
        tosh.page(world).story(),
        [
            "people presenceSubscription added",
            "people contact added in subscribedContacts",
            "people contactPresence updated in contact",
            "people contactNote updated in contact",
            "people contactLocation updated in contact",
            "people contactSupportedModalities updated in contact",
        ]
    );
    set(world, &lene, "presence", "availability", "Busy");
    let page = tosh.page(world);
    assert_eq!(page.story(), ["people contactPresence updated in contact"]);
    let event = page.event("contactPresence");
    assert!(event.resource().is_none());
    let presence = tosh.resource(world, &event.link.href);
    assert_eq!(presence.text("availability"), Some("Busy"));
    let contact = tosh.resource(world, &event.within.as_ref().unwrap().href);
    assert_eq!(contact.text("uri"), Some("sip:lenea@contoso.com"));
    // Publishing the same value again is not reported.
    set(world, &lene, "presence", "availability", "Busy");
    set(world, &lene, "note", "message", "x");
    assert_eq!(
        tosh.page(world).story(),
        ["people contactNote updated in contact"]
    );
    let application = lene.application.href().unwrap().to_owned();
    lene.delete(world, &application);
    assert_eq!(
        tosh.page(world).story(),
        ["people contactPresence updated in contact"]
    );
    let presence = tosh.resource(world, &event.link.href);
    assert_eq!(presence.text("availability"), Some("Offline"));

    let watched = people(&tosh)
        .link_href("subscribedContacts")
        .unwrap()
        .to_owned();
    assert_eq!(
        tosh.resource(world, &watched).links("contact").len(),
        1,
        "a watched address without an account is not a contact"
    );
    assert_eq!(
        tosh.delete(world, subscription.href().unwrap()),
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        tosh.page(world).story(),
        [
            "people presenceSubscription deleted",
            "people contact deleted in subscribedContacts",
        ]
    );
    assert!(tosh.resource(world, &watched).links("contact").is_empty());
    assert_eq!(
        refused(&tosh.get(world, subscription.href().unwrap())),
        refusal(404, "NotFound", "")
    );
}

#[test]
fn changes_of_the_user_are_reported_to_every_endpoint() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::available(world, TOSH, Representation::Json);
    let mut other = Client::available_at(world, TOSH, Representation::Xml, "endpoint-2");
    for (rel, name, text) in [
        ("presence", "availability", "Away"),
        ("note", "message", "x"),
        ("location", "location", "y"),
    ] {
        set(world, &tosh, rel, name, text);
        let story = [format!("me {rel} updated")];
        assert_eq!(tosh.page(world).story(), story);
        assert_eq!(other.page(world).story(), story);
    }
}

#[test]
fn an_endpoint_without_sign_in_as_keeps_the_availability_of_the_user() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::available(world, TOSH, Representation::Json);
    let presence = own_href(world, &tosh, "presence");
    let shown = |world: &mut World| {
        let presence = tosh.resource(world, &presence);
        presence.text("availability").unwrap_or_default().to_owned()
    };
    assert_eq!(shown(world), "Online", "the user has set no availability");
    set(world, &tosh, "presence", "availability", "Busy");
    Client::available_at(world, TOSH, Representation::Xml, "endpoint-2");
    assert_eq!(shown(world), "Busy");

    let third = Client::sign_in_at(world, TOSH, Representation::Json, "endpoint-3");
    let make_available = third.application.embedded("me").unwrap();
    let make_available = make_available.link_href("makeMeAvailable").unwrap();
    let input = Resource::anonymous().with_property("signInAs", "Online");
    let response = third.post(world, make_available, &input);
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(shown(world), "Online");
}

#[test]
fn a_subscription_reports_its_end_and_can_be_extended_to_thirty_minutes() {
    let mut world = World::new();
    let world = &mut world;
    // Without makeMeAvailable the user does not become idle, so there are no other events.
    let mut tosh = Client::sign_in(world, TOSH, Representation::Json);
    let subscription = watch(world, &tosh, 10, &["sip:lenea@contoso.com"]);
    let href = subscription.href().unwrap().to_owned();
    tosh.page(world);
    let minute = seconds(60);
    let extend = |world: &mut World, tosh: &Client, minutes: i64| {
        let input = Resource::anonymous().with_property("duration", minutes);
        tosh.post(world, &href, &input)
    };
    // Nine remaining minutes and 29 are limited to 30, counted from now.
    world.pass(minute);
    assert_eq!(extend(world, &tosh, 29).status(), StatusCode::CREATED);
    assert_eq!(
        tosh.page(world).story(),
        ["people presenceSubscription updated"]
    );
    let mut minutes = 0;
    let warned = loop {
        let poll = tosh.park(world);
        world.pass(minute);
        match world.reply(poll) {
            None => {
                world.disconnect(poll);
                minutes += 1;
                assert!(minutes < 40, "no warning");
            }
            Some(response) => break tosh.decode_page(&response),
        }
    };
    assert_eq!(minutes, 27, "two minutes before the end");
    let (_, event) = warned.events().next().unwrap();
    assert_eq!(event.link.rel, "presenceSubscription");
    assert_eq!(event.kind, EventKind::Updated);
    tosh.next = warned.follow.as_ref().unwrap().href().to_owned();
    world.pass(minute * 2);
    assert_eq!(
        tosh.page(world).story(),
        [
            "people presenceSubscription deleted",
            "people contact deleted in subscribedContacts",
        ]
    );
    assert_eq!(
        refused(&extend(world, &tosh, 10)),
        refusal(404, "NotFound", "")
    );
}

#[test]
fn members_can_be_added_and_removed() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::available(world, TOSH, Representation::Json);
    let subscription = watch(world, &tosh, 30, &["sip:a@fabrikam.com"]);
    tosh.page(world);
    let add = subscription.link_href("addToPresenceSubscription").unwrap();
    let input = Resource::anonymous().with_property("contactUris", vec!["sip:lenea@contoso.com"]);
    let response = tosh.post(world, add, &input);
    assert_eq!(response.status(), StatusCode::CREATED);
    let memberships = decode(&response);
    let memberships = memberships.embedded_all("presenceSubscriptionMembership");
    assert_eq!(memberships.len(), 2);
    assert_eq!(
        tosh.page(world).story()[0],
        "people contact added in subscribedContacts"
    );
    let lene = memberships.last().unwrap();
    let contact = tosh.resource(world, lene.link_href("contact").unwrap());
    assert_eq!(contact.text("name"), Some("Lene Aaling"));
    assert_eq!(
        tosh.delete(world, lene.href().unwrap()),
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        tosh.page(world).story(),
        ["people contact deleted in subscribedContacts"]
    );
    let members = subscription.link_href("memberships").unwrap();
    let members = tosh.resource(world, members);
    assert_eq!(
        members.embedded_all("presenceSubscriptionMembership").len(),
        1
    );
    let all = people(&tosh).link_href("presenceSubscriptions").unwrap();
    let all = tosh.resource(world, all);
    assert_eq!(all.embedded_all("presenceSubscription").len(), 1);
}

#[test]
fn an_invalid_subscription_is_refused() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::available(world, TOSH, Representation::Json);
    let href = people(&tosh).link_href("presenceSubscriptions").unwrap();
    let many: Vec<String> = (0..1001).map(|n| format!("sip:u{n}@contoso.com")).collect();
    let one = || vec!["sip:lenea@contoso.com".to_owned()];
    let validation = refusal(400, "BadRequest", "ParameterValidationFailure");
    for (minutes, uris, expected) in [
        (9_i64, one(), &validation),
        (31, one(), &validation),
        (10, Vec::new(), &validation),
        (10, vec!["lene".to_owned()], &validation),
        (10, many, &refusal(403, "Forbidden", "LimitExceeded")),
    ] {
        let input = Resource::anonymous()
            .with_property("duration", minutes)
            .with_property("uris", uris);
        assert_eq!(&refused(&tosh.post(world, href, &input)), expected);
    }
}

#[test]
fn a_user_without_activity_is_idle() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::sign_in(world, TOSH, Representation::Json);
    let mut lene = Client::available(world, LENE, Representation::Json);
    watch(world, &tosh, 30, &["sip:lenea@contoso.com"]);
    tosh.page(world);
    let report = own_href(world, &lene, "reportMyActivity");
    let reported = |world: &mut World, tosh: &mut Client, page: Option<RequestId>| {
        let page = match page {
            Some(parked) => tosh.arrived(world, parked),
            None => tosh.page(world),
        };
        let href = page.event("contactPresence").link.href.clone();
        let presence = tosh.resource(world, &href);
        let word = |name: &str| presence.text(name).unwrap().to_owned();
        (word("availability"), word("activity"))
    };
    let words = |one: &str, other: &str| (one.to_owned(), other.to_owned());

    // A report of activity within five minutes causes no event.
    world.pass(seconds(299));
    assert_eq!(lene.press(world, &report), StatusCode::NO_CONTENT);
    world.pass(seconds(200));
    let parked = tosh.park(world);
    world.pass(seconds(99));
    assert!(world.reply(parked).is_none());
    world.pass(seconds(1));
    assert_eq!(
        reported(world, &mut tosh, Some(parked)),
        words("IdleOnline", "Inactive"),
        "the event is sent when the user becomes idle"
    );
    assert_eq!(lene.page(world).story(), ["me presence updated"]);
    let own = own_href(world, &lene, "presence");
    let own = lene.resource(world, &own);
    assert_eq!(own.text("availability"), Some("IdleOnline"));

    assert_eq!(lene.press(world, &report), StatusCode::NO_CONTENT);
    assert_eq!(
        reported(world, &mut tosh, None),
        words("Online", "Available")
    );
    assert_eq!(lene.page(world).story(), ["me presence updated"]);

    // Activity at one endpoint is sufficient.
    let desk = Client::available_at(world, LENE, Representation::Json, "endpoint-2");
    for _ in 0..3 {
        world.pass(seconds(200));
        let report = own_href(world, &desk, "reportMyActivity");
        assert_eq!(desk.press(world, &report), StatusCode::NO_CONTENT);
    }
    let own = own_href(world, &lene, "presence");
    let availability = |world: &mut World| {
        let own = lene.resource(world, &own);
        own.text("availability").unwrap().to_owned()
    };
    assert_eq!(availability(world), "Online");
    // A busy user becomes IdleBusy, and a user who is away does not change.
    for (chosen, idle) in [("Busy", "IdleBusy"), ("Away", "Away")] {
        set(world, &lene, "presence", "availability", chosen);
        lene.park(world);
        world.pass(seconds(300));
        assert_eq!(availability(world), idle);
    }
}

#[test]
fn a_number_instead_of_a_text_is_refused() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::available(world, TOSH, Representation::Json);
    set(world, &tosh, "presence", "availability", "Busy");
    for (rel, name) in [
        ("presence", "availability"),
        ("note", "message"),
        ("location", "location"),
    ] {
        let href = own_href(world, &tosh, rel);
        let input = Resource::anonymous().with_property(name, 7_i64);
        assert_eq!(
            refused(&tosh.post(world, &href, &input)),
            refusal(400, "BadRequest", "ParameterValidationFailure"),
            "{rel}"
        );
    }
    let presence = own_href(world, &tosh, "presence");
    let presence = tosh.resource(world, &presence);
    assert_eq!(presence.text("availability"), Some("Busy"));
}
