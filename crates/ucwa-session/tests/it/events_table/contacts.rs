//! Events of the contact list and of its groups.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use super::Row;
use crate::driver::*;
use crate::fixtures::*;
use crate::pages::*;
use crate::people::contacts::{
    TEAM, changes, following_the_list, group, group_href, my_contacts, presence_of_team,
    privacy_href, submit, team, team_href, with_privacy,
};
use crate::people::{LENE, contact_href, follow, wait};

const LIST: Row = Row {
    sender: "people",
    rel: "contact",
    within: None,
    types: &["added"],
    when: "the contact list is followed",
    then: "",
    fixture: list,
    event: |_, _| Value::Null,
    effect: |_| {},
};

const SECOND: Duration = Duration::from_secs(1);

/// The contacts and the groups are followed: Lene, Sara and the group Team.
fn list() -> Fixture {
    Fixture::new(following_the_list(), chat(), "21a1")
}

/// Twenty minutes later.
fn later() -> Fixture {
    let mut fixture = list();
    wait(&mut fixture.driver, 20);
    fixture.driver.events.clear();
    fixture
}

/// The members of the distribution group were read.
fn with_sales() -> Fixture {
    let mut fixture = list();
    let members = ContactList::Members(GroupKey::Id("dg".to_owned()));
    submit(&mut fixture.driver, ContactsOperation::Read(members));
    let sales = group("distributionGroup", "dg", "Sales");
    fixture
        .driver
        .reply("GET", &group_href("dg/expand"), 200, sales);
    fixture.driver.events.clear();
    fixture
}

fn of_contact(kind: &str, id: u32, within: (&str, &str)) -> Value {
    bare(kind, "contact", &contact_href(id), Some(within))
}

fn of_group(kind: &str, name: Option<&str>) -> Value {
    let within = (kind != "updated").then_some(("myGroups", "/groups"));
    let event = bare(kind, "group", &team_href(), within);
    match name {
        Some(name) => with(
            event,
            "_embedded",
            json!({"group": group("group", TEAM, name)}),
        ),
        None => event,
    }
}

/// Asserts that these are the changes of the contact list, and that no request follows.
fn changes_are(fixture: &mut Fixture, expected: &[ContactListChange]) {
    assert_eq!(changes(&mut fixture.driver), expected);
    fixture.driver.advance(SECOND);
    assert_eq!(fixture.driver.sent.len(), 1, "the pending GET");
}

fn is_read(fixture: &mut Fixture, href: &str) {
    fixture.driver.advance(SECOND);
    assert!(fixture.driver.is_sent("GET", href), "{href}");
}

/// Asserts that the list of groups is read, which is a batch with the privacy levels.
fn groups_are_read(fixture: &mut Fixture) {
    fixture.driver.advance(SECOND);
    let batch = fixture.driver.take("POST", &format!("{APP}/batch"));
    let targets = crate::people::targets(&batch);
    assert_eq!(targets[0], format!("GET {APP}/myGroups"));
}

fn of_lists() -> Vec<Row> {
    vec![
        Row {
            within: Some("myContacts"),
            then: "the contact is reported as added (deleted: as removed)",
            event: |_, kind| of_contact(kind, 282, ("myContacts", &my_contacts())),
            effect: |fixture| {
                changes_are(fixture, &[ContactListChange::ContactAdded(LENE.to_owned())]);
            },
            ..LIST
        },
        Row {
            within: Some("myContacts"),
            when: "of an unknown contact",
            then: "the contact list is read again",
            event: |_, kind| of_contact(kind, 900, ("myContacts", &my_contacts())),
            effect: |fixture| is_read(fixture, &my_contacts()),
            ..LIST
        },
        Row {
            within: Some("group"),
            types: &["deleted"],
            then: "the member is reported as removed (added: as added); `pinnedGroup` and `defaultGroup` likewise",
            event: |_, kind| of_contact(kind, 282, ("group", &team_href())),
            effect: |fixture| {
                let removed = ContactListChange::member_removed(team(), LENE);
                changes_are(fixture, &[removed]);
            },
            ..LIST
        },
        Row {
            rel: "group",
            within: Some("myGroups"),
            then: "the group is reported with its values; without the resource, the groups are read again",
            event: |_, kind| of_group(kind, Some("Team")),
            effect: |fixture| {
                let group = ContactGroup::new(team(), GroupKind::Custom, Some("Team".to_owned()));
                changes_are(fixture, &[ContactListChange::Group(group)]);
            },
            ..LIST
        },
        Row {
            rel: "group",
            types: &["updated"],
            when: "without the resource",
            then: "the groups are read again; with the resource, its values are reported",
            event: |_, kind| of_group(kind, None),
            effect: groups_are_read,
            ..LIST
        },
        Row {
            rel: "group",
            within: Some("myGroups"),
            types: &["deleted"],
            then: "the group is reported as removed; `pinnedGroup`, `defaultGroup` and `distributionGroup` likewise",
            event: |_, kind| of_group(kind, None),
            effect: |fixture| changes_are(fixture, &[ContactListChange::GroupRemoved(team())]),
            ..LIST
        },
        Row {
            rel: "distributionGroup",
            types: &["updated"],
            when: "its members were read",
            then: "the groups and the members are read again",
            fixture: with_sales,
            event: |_, kind| bare(kind, "distributionGroup", &group_href("dg"), None),
            effect: |fixture| {
                fixture.driver.advance(SECOND);
                let batch = fixture.driver.take("POST", &format!("{APP}/batch"));
                let expand = format!("GET {}", group_href("dg/expand"));
                assert!(crate::people::targets(&batch).contains(&expand));
            },
            ..LIST
        },
        Row {
            rel: "delegatesGroup",
            within: Some("myGroups"),
            when: "the group is not known",
            then: "the groups are read again for its link (`delegatorsGroup` and `myOrganizationGroup` likewise)",
            event: |_, kind| {
                let href = group_href("delegates");
                bare(kind, "delegatesGroup", &href, Some(("myGroups", "/groups")))
            },
            effect: groups_are_read,
            ..LIST
        },
    ]
}

fn of_subscriptions() -> Vec<Row> {
    let subscription = |_: &Fixture, kind: &str| {
        let href = format!("{APP}/myContactsAndGroupsSubscription");
        bare(kind, "myContactsAndGroupsSubscription", &href, None)
    };
    vec![
        Row {
            rel: "myContactsAndGroupsSubscription",
            types: &["updated"],
            when: "renewed at least ten minutes ago",
            then: "the subscription is renewed",
            fixture: later,
            event: subscription,
            effect: |fixture| {
                assert!(fixture.driver.is_sent("POST", &format!("{APP}/list/start")));
            },
            ..LIST
        },
        Row {
            rel: "myContactsAndGroupsSubscription",
            types: &["updated"],
            when: "renewed less than ten minutes ago",
            then: "nothing",
            event: subscription,
            effect: Fixture::nothing_follows,
            ..LIST
        },
        Row {
            rel: "myContactsAndGroupsSubscription",
            types: &["updated"],
            when: "with the state Disconnected",
            then: "the subscription is started again, and the lists are read",
            event: |_, kind| {
                let href = format!("{APP}/myContactsAndGroupsSubscription");
                let event = bare(kind, "myContactsAndGroupsSubscription", &href, None);
                let resource =
                    json!({"rel": "myContactsAndGroupsSubscription", "state": "Disconnected"});
                let embedded = json!({"myContactsAndGroupsSubscription": resource});
                with(event, "_embedded", embedded)
            },
            effect: |fixture| {
                let start = format!("{APP}/list/start");
                fixture.driver.reply("POST", &start, 201, json!({}));
                fixture.driver.advance(SECOND);
                assert!(fixture.driver.is_sent("POST", &format!("{APP}/batch")));
            },
            ..LIST
        },
        Row {
            rel: "presenceSubscription",
            types: &["updated"],
            when: "of a group, extended at least ten minutes ago",
            then: "the subscription is extended",
            fixture: || {
                let mut fixture = Fixture::new(presence_of_team(), chat(), "21a1");
                wait(&mut fixture.driver, 20);
                fixture.driver.events.clear();
                fixture
            },
            event: |_, kind| {
                let href = format!("{APP}/presenceSubscriptions/3");
                bare(kind, "presenceSubscription", &href, None)
            },
            effect: |fixture| {
                let href = format!("{APP}/presenceSubscriptions?groupId=");
                assert!(fixture.driver.is_sent("POST", &href));
            },
            ..LIST
        },
        Row {
            rel: "presenceSubscription",
            types: &["deleted"],
            when: "of a group, created less than ten minutes ago",
            then: "a new subscription is created after a minute, and after longer pauses if that one ends, too",
            fixture: || Fixture::new(presence_of_team(), chat(), "21a1"),
            event: |_, kind| {
                let href = format!("{APP}/presenceSubscriptions/3");
                bare(kind, "presenceSubscription", &href, None)
            },
            effect: |fixture| {
                let href = format!("{APP}/presenceSubscriptions?groupId=");
                assert!(!fixture.driver.is_sent("POST", &href));
                fixture.driver.advance(61 * SECOND);
                assert!(fixture.driver.is_sent("POST", &href));
            },
            ..LIST
        },
        Row {
            rel: "contactPrivacyRelationship",
            within: Some("contact"),
            types: &["updated"],
            when: "the level is followed, or the members of a level were read",
            then: "the resource is read, and the level is reported",
            fixture: || {
                let mut fixture = Fixture::new(with_privacy(), chat(), "21a1");
                let level = PersonField::RelationshipLevel;
                fixture.driver.submit(follow(LENE, level, Interest::Live));
                fixture.driver.advance(SECOND);
                let level = json!({"rel": "contactPrivacyRelationship"});
                fixture.driver.reply("GET", &privacy_href(), 200, level);
                fixture.driver.events.clear();
                fixture
            },
            event: |_, kind| {
                let contact = contact_href(282);
                let href = privacy_href();
                let within = Some(("contact", contact.as_str()));
                bare(kind, "contactPrivacyRelationship", &href, within)
            },
            effect: |fixture| {
                fixture.driver.advance(SECOND);
                let level =
                    json!({"rel": "contactPrivacyRelationship", "relationshipLevel": "Blocked"});
                fixture.driver.reply("GET", &privacy_href(), 200, level);
                let reported = fixture.driver.events.iter().any(|event| {
                    let SessionEvent::Person { uri, fact, .. } = event else {
                        return false;
                    };
                    let blocked = PersonFact::RelationshipLevel(Some(PrivacyLevel::Blocked));
                    uri == LENE && *fact == blocked
                });
                assert!(reported, "{:?}", fixture.driver.events);
            },
            ..LIST
        },
    ]
}

pub(super) fn rows() -> Vec<Row> {
    of_lists().into_iter().chain(of_subscriptions()).collect()
}
