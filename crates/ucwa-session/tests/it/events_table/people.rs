//! Events of the user and of people.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use super::Row;
use crate::driver::*;
use crate::fixtures::*;
use crate::pages::*;
use crate::people::{
    LENE, ME, contact, contact_href, follow, following, signed_in_with_people, wait,
};

const MYSELF: Row = Row {
    sender: "me",
    rel: "me",
    within: None,
    types: &["updated"],
    when: "",
    then: "",
    fixture: user,
    event: |_, _| Value::Null,
    effect: |_| {},
};

const PEOPLE: Row = Row {
    sender: "people",
    fixture: lene_is_followed,
    ..MYSELF
};

/// No person is followed.
fn user() -> Fixture {
    Fixture::new(signed_in_with_people(), chat(), "21a1")
}

/// The user's own note is followed and has been read.
fn note_is_followed() -> Fixture {
    let mut fixture = user();
    fixture
        .driver
        .submit(follow(ME, PersonField::Note, Interest::Live));
    fixture.driver.advance(Duration::from_secs(1));
    let note = json!({"rel": "note", "message": "one", "type": "Personal"});
    fixture
        .driver
        .reply("GET", &format!("{APP}/me/note"), 200, note);
    fixture.driver.events.clear();
    fixture
}

/// Lene's status is followed: contact 282, subscription 3.
fn lene_is_followed() -> Fixture {
    Fixture::new(following(), chat(), "21a1")
}

fn link(kind: &str, rel: &str) -> Value {
    bare(kind, rel, &format!("{APP}/me/{rel}"), None)
}

fn of_lene(kind: &str, rel: &str) -> Value {
    let contact = contact_href(282);
    bare(
        kind,
        rel,
        &format!("{contact}/{rel}"),
        Some(("contact", &contact)),
    )
}

fn subscription(_: &Fixture, kind: &str) -> Value {
    let href = format!("{APP}/presenceSubscriptions/3");
    bare(kind, "presenceSubscription", &href, None)
}

/// Twenty minutes later, when a subscription may be about to expire.
fn later() -> Fixture {
    let mut fixture = lene_is_followed();
    wait(&mut fixture.driver, 20);
    fixture.driver.events.clear();
    fixture
}

fn own_rows() -> Vec<Row> {
    vec![
        Row {
            when: "the links of the user's own resources are unknown",
            then: "`me` is read for the links",
            fixture: signed_in,
            event: |_, kind| bare(kind, "me", &format!("{APP}/me"), None),
            effect: |fixture| {
                fixture.driver.advance(Duration::from_secs(1));
                assert!(fixture.driver.is_sent("GET", &format!("{APP}/me")));
            },
            ..MYSELF
        },
        Row {
            rel: "note",
            types: &["added", "updated"],
            when: "followed",
            then: "the resource is read and its facts are reported",
            fixture: note_is_followed,
            event: |_, kind| link(kind, "note"),
            effect: |fixture| {
                fixture.driver.advance(Duration::from_secs(1));
                assert!(fixture.driver.is_sent("GET", &format!("{APP}/me/note")));
            },
            ..MYSELF
        },
        Row {
            rel: "note",
            types: &["added", "updated"],
            when: "not followed",
            then: "the link is kept",
            event: |_, kind| link(kind, "note"),
            effect: |fixture| {
                fixture.driver.advance(Duration::from_secs(1));
                fixture.nothing_follows();
            },
            ..MYSELF
        },
        Row {
            rel: "presence",
            types: &["added", "updated"],
            when: "as `note`",
            then: "as `note`",
            event: |_, kind| link(kind, "presence"),
            effect: |fixture| {
                fixture
                    .driver
                    .submit(Operation::SetMe(MeChange::ResetStatus));
                assert!(
                    fixture
                        .driver
                        .is_sent("POST", &format!("{APP}/me/presence"))
                );
            },
            ..MYSELF
        },
        Row {
            rel: "location",
            types: &["added", "updated"],
            when: "as `note`",
            then: "as `note`",
            event: |_, kind| link(kind, "location"),
            effect: |fixture| {
                fixture
                    .driver
                    .submit(Operation::SetMe(MeChange::ResetLocation));
                assert!(
                    fixture
                        .driver
                        .is_sent("POST", &format!("{APP}/me/location"))
                );
            },
            ..MYSELF
        },
        Row {
            rel: "presence",
            types: &["deleted"],
            when: "",
            then: "the status cannot be set any more; its last value stays (`note` and `location` likewise)",
            event: |_, kind| link(kind, "presence"),
            effect: |fixture| {
                fixture.nothing_follows();
                let ticket = fixture
                    .driver
                    .submit(Operation::SetMe(MeChange::ResetStatus));
                assert_eq!(
                    fixture.driver.failure(ticket).kind(),
                    &FailureKind::WrongState
                );
            },
            ..MYSELF
        },
    ]
}

/// A row for a contact's resource that the event links to.
fn of_contact(
    rel: &'static str,
    fixture: fn() -> Fixture,
    event: fn(&Fixture, &str) -> Value,
    effect: fn(&mut Fixture),
) -> Row {
    Row {
        rel,
        within: Some("contact"),
        when: "followed",
        then: "the resource is read once for all changes, and its facts are reported",
        fixture,
        event,
        effect,
        ..PEOPLE
    }
}

/// Follows this field of Lene as well.
fn also_followed(field: PersonField, rel: &str) -> Fixture {
    let mut fixture = lene_is_followed();
    fixture.driver.submit(follow(LENE, field, Interest::Live));
    fixture.driver.advance(Duration::from_secs(1));
    let href = format!("{}/{rel}", contact_href(282));
    fixture.driver.reply("GET", &href, 200, json!({"rel": rel}));
    fixture.driver.events.clear();
    fixture
}

/// Asserts that the resource of Lene is read once.
fn is_read(fixture: &mut Fixture, rel: &str) {
    fixture.driver.page(json!([{"rel": "people", "href": format!("{APP}/people"), "events": [of_lene("updated", rel)]}]));
    fixture.driver.advance(Duration::from_secs(1));
    let href = format!("{}/{rel}", contact_href(282));
    fixture.driver.take("GET", &href);
    assert!(!fixture.driver.is_sent("GET", &href));
}

fn people_rows() -> Vec<Row> {
    vec![
        of_contact(
            "contactPresence",
            lene_is_followed,
            |_, kind| of_lene(kind, "contactPresence"),
            |fixture| is_read(fixture, "contactPresence"),
        ),
        of_contact(
            "contactNote",
            || also_followed(PersonField::Note, "contactNote"),
            |_, kind| of_lene(kind, "contactNote"),
            |fixture| is_read(fixture, "contactNote"),
        ),
        of_contact(
            "contactLocation",
            || also_followed(PersonField::Location, "contactLocation"),
            |_, kind| of_lene(kind, "contactLocation"),
            |fixture| is_read(fixture, "contactLocation"),
        ),
        of_contact(
            "contactSupportedModalities",
            || also_followed(PersonField::Capabilities, "contactSupportedModalities"),
            |_, kind| of_lene(kind, "contactSupportedModalities"),
            |fixture| is_read(fixture, "contactSupportedModalities"),
        ),
        Row {
            rel: "contactPresence",
            within: Some("contact"),
            when: "of an unknown contact",
            then: "the contact is read",
            event: |_, kind| {
                let href = contact_href(900);
                bare(
                    kind,
                    "contactPresence",
                    &format!("{href}/contactPresence"),
                    Some(("contact", &href)),
                )
            },
            effect: |fixture| assert!(fixture.driver.is_sent("GET", &contact_href(900))),
            ..PEOPLE
        },
        Row {
            rel: "contact",
            types: &["added", "updated"],
            when: "with the resource",
            then: "the facts of the card are reported",
            event: |_, kind| {
                let sara = contact(647, "sip:sarad@contoso.com", "Sara D.");
                event(kind, "contact", &contact_href(647), sara)
            },
            effect: |fixture| {
                assert!(fixture.driver.events.iter().any(|event| matches!(
                    event,
                    SessionEvent::Person { fact: PersonFact::DisplayName(name), .. } if name == "Sara D."
                )));
            },
            ..PEOPLE
        },
        Row {
            rel: "contact",
            within: Some("subscribedContacts"),
            types: &["added"],
            when: "a link only",
            then: "an unknown contact is read",
            event: |_, kind| {
                bare(
                    kind,
                    "contact",
                    &contact_href(900),
                    Some(("subscribedContacts", "/s")),
                )
            },
            effect: |fixture| assert!(fixture.driver.is_sent("GET", &contact_href(900))),
            ..PEOPLE
        },
        Row {
            rel: "presenceSubscription",
            when: "about to expire",
            then: "the subscription is extended",
            fixture: later,
            event: subscription,
            effect: |fixture| {
                let href = format!("{APP}/presenceSubscriptions/3");
                assert_eq!(
                    fixture.driver.take("POST", &href).json(),
                    json!({"duration": 30})
                );
            },
            ..PEOPLE
        },
        Row {
            rel: "presenceSubscription",
            types: &["deleted"],
            when: "while its members are followed",
            then: "a new subscription replaces it",
            fixture: later,
            event: subscription,
            effect: |fixture| {
                fixture.driver.advance(Duration::from_secs(1));
                let made = fixture
                    .driver
                    .take("POST", &format!("{APP}/presenceSubscriptions"));
                let uris = &made.json()["uris"];
                assert!(uris[0].as_str().unwrap().eq_ignore_ascii_case(LENE));
                assert!(made.json()["duration"].is_u64());
            },
            ..PEOPLE
        },
    ]
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = own_rows();
    rows.extend(people_rows());
    rows
}
