//! Events of the user and of people.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use super::Row;
use crate::bench::*;
use crate::given::*;
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
    given: user,
    event: |_, _| Value::Null,
    effect: |_| {},
};

const PEOPLE: Row = Row {
    sender: "people",
    given: lene_is_followed,
    ..MYSELF
};

/// Nobody is followed.
fn user() -> Given {
    Given::new(signed_in_with_people(), chat(), "21a1")
}

/// The user's own note is followed, and was read.
fn note_is_followed() -> Given {
    let mut given = user();
    given
        .bench
        .submit(follow(ME, PersonField::Note, Interest::Live));
    given.bench.advance(Duration::from_secs(1));
    let note = json!({"rel": "note", "message": "one", "type": "Personal"});
    given
        .bench
        .reply("GET", &format!("{APP}/me/note"), 200, note);
    given.bench.events.clear();
    given
}

/// Lene's status is followed: contact 282, subscription 3.
fn lene_is_followed() -> Given {
    Given::new(following(), chat(), "21a1")
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

fn subscription(_: &Given, kind: &str) -> Value {
    let href = format!("{APP}/presenceSubscriptions/3");
    bare(kind, "presenceSubscription", &href, None)
}

/// Twenty minutes later, when a subscription may well be about to expire.
fn later() -> Given {
    let mut given = lene_is_followed();
    wait(&mut given.bench, 20);
    given.bench.events.clear();
    given
}

fn own_rows() -> Vec<Row> {
    vec![
        Row {
            when: "where the links of the user's own resources are not known yet",
            then: "the user's resource is read for them",
            given: signed_in,
            event: |_, kind| bare(kind, "me", &format!("{APP}/me"), None),
            effect: |given| {
                given.bench.advance(Duration::from_secs(1));
                assert!(given.bench.is_sent("GET", &format!("{APP}/me")));
            },
            ..MYSELF
        },
        Row {
            rel: "note",
            types: &["added", "updated"],
            when: "followed",
            then: "it is read and told",
            given: note_is_followed,
            event: |_, kind| link(kind, "note"),
            effect: |given| {
                given.bench.advance(Duration::from_secs(1));
                assert!(given.bench.is_sent("GET", &format!("{APP}/me/note")));
            },
            ..MYSELF
        },
        Row {
            rel: "note",
            types: &["added", "updated"],
            when: "not followed",
            then: "nothing; it is known where it is",
            event: |_, kind| link(kind, "note"),
            effect: |given| {
                given.bench.advance(Duration::from_secs(1));
                given.nothing_follows();
            },
            ..MYSELF
        },
        Row {
            rel: "presence",
            types: &["added", "updated"],
            when: "as `note`",
            then: "as `note`",
            event: |_, kind| link(kind, "presence"),
            effect: |given| {
                given.bench.submit(Operation::SetMe(MeChange::ResetStatus));
                assert!(given.bench.is_sent("POST", &format!("{APP}/me/presence")));
            },
            ..MYSELF
        },
        Row {
            rel: "location",
            types: &["added", "updated"],
            when: "as `note`",
            then: "as `note`",
            event: |_, kind| link(kind, "location"),
            effect: |given| {
                given
                    .bench
                    .submit(Operation::SetMe(MeChange::ResetLocation));
                assert!(given.bench.is_sent("POST", &format!("{APP}/me/location")));
            },
            ..MYSELF
        },
        Row {
            rel: "presence",
            types: &["deleted"],
            when: "",
            then: "the user's status cannot be set any more; what was known of it stays (`note` and `location` likewise)",
            event: |_, kind| link(kind, "presence"),
            effect: |given| {
                given.nothing_follows();
                let ticket = given.bench.submit(Operation::SetMe(MeChange::ResetStatus));
                assert_eq!(given.bench.failure(ticket).kind(), &FailureKind::WrongState);
            },
            ..MYSELF
        },
    ]
}

/// A row for a resource of a contact that is told of by a link.
fn of_contact(
    rel: &'static str,
    given: fn() -> Given,
    event: fn(&Given, &str) -> Value,
    effect: fn(&mut Given),
) -> Row {
    Row {
        rel,
        within: Some("contact"),
        when: "followed",
        then: "it is read once, however often it changed meanwhile, and told",
        given,
        event,
        effect,
        ..PEOPLE
    }
}

/// Lene is followed in this too.
fn also_followed(field: PersonField, rel: &str) -> Given {
    let mut given = lene_is_followed();
    given.bench.submit(follow(LENE, field, Interest::Live));
    given.bench.advance(Duration::from_secs(1));
    let href = format!("{}/{rel}", contact_href(282));
    given.bench.reply("GET", &href, 200, json!({"rel": rel}));
    given.bench.events.clear();
    given
}

/// The resource of Lene's is read, once.
fn is_read(given: &mut Given, rel: &str) {
    given.bench.page(json!([{"rel": "people", "href": format!("{APP}/people"), "events": [of_lene("updated", rel)]}]));
    given.bench.advance(Duration::from_secs(1));
    let href = format!("{}/{rel}", contact_href(282));
    given.bench.take("GET", &href);
    assert!(!given.bench.is_sent("GET", &href));
}

fn people_rows() -> Vec<Row> {
    vec![
        of_contact(
            "contactPresence",
            lene_is_followed,
            |_, kind| of_lene(kind, "contactPresence"),
            |given| is_read(given, "contactPresence"),
        ),
        of_contact(
            "contactNote",
            || also_followed(PersonField::Note, "contactNote"),
            |_, kind| of_lene(kind, "contactNote"),
            |given| is_read(given, "contactNote"),
        ),
        of_contact(
            "contactLocation",
            || also_followed(PersonField::Location, "contactLocation"),
            |_, kind| of_lene(kind, "contactLocation"),
            |given| is_read(given, "contactLocation"),
        ),
        of_contact(
            "contactSupportedModalities",
            || also_followed(PersonField::Capabilities, "contactSupportedModalities"),
            |_, kind| of_lene(kind, "contactSupportedModalities"),
            |given| is_read(given, "contactSupportedModalities"),
        ),
        Row {
            rel: "contactPresence",
            within: Some("contact"),
            when: "of a contact that nothing is known of",
            then: "the contact is asked who it is",
            event: |_, kind| {
                let href = contact_href(900);
                bare(
                    kind,
                    "contactPresence",
                    &format!("{href}/contactPresence"),
                    Some(("contact", &href)),
                )
            },
            effect: |given| assert!(given.bench.is_sent("GET", &contact_href(900))),
            ..PEOPLE
        },
        Row {
            rel: "contact",
            types: &["added", "updated"],
            when: "with the resource",
            then: "the card is told",
            event: |_, kind| {
                let sara = contact(647, "sip:sarad@contoso.com", "Sara D.");
                event(kind, "contact", &contact_href(647), sara)
            },
            effect: |given| {
                assert!(given.bench.events.iter().any(|event| matches!(
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
            then: "a contact that nothing is known of is asked who it is",
            event: |_, kind| {
                bare(
                    kind,
                    "contact",
                    &contact_href(900),
                    Some(("subscribedContacts", "/s")),
                )
            },
            effect: |given| assert!(given.bench.is_sent("GET", &contact_href(900))),
            ..PEOPLE
        },
        Row {
            rel: "presenceSubscription",
            when: "about to expire",
            then: "the subscription is extended",
            given: later,
            event: subscription,
            effect: |given| {
                let href = format!("{APP}/presenceSubscriptions/3");
                assert_eq!(
                    given.bench.take("POST", &href).json(),
                    json!({"duration": 30})
                );
            },
            ..PEOPLE
        },
        Row {
            rel: "presenceSubscription",
            types: &["deleted"],
            when: "while somebody is followed",
            then: "another subscription takes its place",
            given: later,
            event: subscription,
            effect: |given| {
                given.bench.advance(Duration::from_secs(1));
                let made = given
                    .bench
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
