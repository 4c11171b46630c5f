//! The contact list: reading, following and changing it.

use serde_json::{Value, json};
use ucwa_session::*;

use super::*;

/// The ID of a custom group. Real ones look like base64.
pub(crate) const TEAM: &str = "aV+/x=";
const TEAM_QUERY: &str = "aV%2B%2Fx%3D";

pub(crate) fn team() -> GroupKey {
    GroupKey::Id(TEAM.to_owned())
}

pub(crate) fn with_contacts(fresh: bool) -> Value {
    let mut application = with_people(fresh);
    let links = &mut application["_embedded"]["people"]["_links"];
    for rel in [
        "myContacts",
        "myGroups",
        "myGroupMemberships",
        "myPrivacyRelationships",
        "myContactsAndGroupsSubscription",
    ] {
        links[rel] = json!({"href": format!("{APP}/{rel}")});
    }
    for rel in ["phones", "callForwardingSettings", "photo"] {
        application["_embedded"]["me"]["_links"][rel] = json!({"href": format!("{APP}/me/{rel}")});
    }
    application
}

pub(crate) fn signed_in_with_contacts() -> TestDriver {
    TestDriver::signed_in_to(with_contacts)
}

pub(crate) fn contacts(cards: Value) -> Value {
    json!({"rel": "myContacts", "_links": {"self": {"href": format!("{APP}/myContacts")}}, "_embedded": {"contact": cards}})
}

pub(crate) fn lene() -> Value {
    contact(282, LENE, "Lene Aaling")
}

pub(crate) fn sara() -> Value {
    contact(647, SARA, "Sara Davis")
}

pub(crate) fn group_href(id: &str) -> String {
    format!("{APP}/groups/{id}")
}

pub(crate) fn group(rel: &str, id: &str, name: &str) -> Value {
    let id_in_query = if id == TEAM { TEAM_QUERY } else { id };
    let href = group_href(id_in_query);
    json!({"rel": rel, "id": id, "name": name, "etag": "12", "marker": "please pass this in a PUT request", "_links": {
        "self": {"href": href},
        "groupContacts": {"href": format!("{APP}/myContacts?groupId={id_in_query}")},
        "subscribeToGroupPresence": {"href": format!("{APP}/presenceSubscriptions?groupId={id_in_query}")},
        "expandDistributionGroup": {"href": format!("{href}/expand")},
        "addToContactList": {"href": format!("{href}/add")},
        "removeFromContactList": {"href": format!("{href}/remove")},
    }})
}

pub(crate) fn groups() -> Value {
    let mut sales = group("distributionGroup", "dg", "Sales");
    sales["uri"] = json!("sip:sales@contoso.com");
    json!({"rel": "myGroups", "_embedded": {
        "pinnedGroup": group("pinnedGroup", "pin", "Pinned Contacts"),
        "defaultGroup": group("defaultGroup", "other", "Other Contacts"),
        "group": [group("group", TEAM, "Team")],
        "distributionGroup": [sales],
    }})
}

pub(crate) fn levels() -> Value {
    let level = |name: &str, contacts: Value| json!({"rel": "myPrivacyRelationship", "relationshipLevel": name, "_links": {"contact": contacts}});
    json!({"rel": "myPrivacyRelationships", "_embedded": {"myPrivacyRelationship": [
        level("Blocked", json!([{"href": contact_href(900)}])),
        level("Colleagues", json!([{"href": contact_href(282)}])),
        level("Unknown", json!([])),
    ]}})
}

pub(crate) fn submit(driver: &mut TestDriver, operation: ContactsOperation) -> Ticket {
    let ticket = driver.submit(Operation::Contacts(operation));
    driver.advance(SECOND);
    ticket
}

pub(crate) fn changes(driver: &mut TestDriver) -> Vec<ContactListChange> {
    std::mem::take(&mut driver.events)
        .into_iter()
        .filter_map(|event| match event {
            SessionEvent::ContactList(change) => Some(change),
            _ => None,
        })
        .collect()
}

/// Answers the start of the subscription, and the batch of both lists.
pub(crate) fn subscribe(driver: &mut TestDriver) {
    let links = json!({"rel": "myContactsAndGroupsSubscription", "state": "Disconnected", "_links": {
        "startOrRefreshSubscriptionToContactsAndGroups": {"href": format!("{APP}/list/start")},
        "stopSubscriptionToContactsAndGroups": {"href": format!("{APP}/list/stop")},
    }});
    let find = format!("{APP}/myContactsAndGroupsSubscription");
    driver.reply("GET", &find, 200, links.clone());
    let posted = driver.reply("POST", &format!("{APP}/list/start"), 201, links);
    assert_eq!(posted.json(), json!({"duration": 30}));
    driver.advance(SECOND);
}

/// Answers the batch of the contact list, the groups and the privacy levels.
fn answer_lists(driver: &mut TestDriver, cards: Value) {
    let batch = driver.take("POST", &format!("{APP}/batch"));
    assert_eq!(
        targets(&batch),
        [
            format!("GET {APP}/myContacts"),
            format!("GET {APP}/myGroups"),
            format!("GET {APP}/myPrivacyRelationships")
        ]
    );
    let parts = [(200, contacts(cards)), (200, groups()), (200, levels())];
    driver.respond(batch.id, batch_of(&parts));
}

/// Both lists are followed and were read: Lene and Sara, and six groups.
pub(crate) fn following_the_list() -> TestDriver {
    let mut driver = signed_in_with_contacts();
    for list in [ContactList::Contacts, ContactList::Groups] {
        driver.submit(Operation::Contacts(ContactsOperation::follow(
            list,
            Interest::Live,
        )));
    }
    subscribe(&mut driver);
    answer_lists(&mut driver, json!([lene(), sara()]));
    driver.events.clear();
    driver
}

/// The href of the group Team.
pub(crate) fn team_href() -> String {
    group_href(TEAM_QUERY)
}

/// The href of Lene's privacy level.
pub(crate) fn privacy_href() -> String {
    format!("{}/contactPrivacyRelationship", contact_href(282))
}

/// Both lists are followed, and the link to Lene's privacy level is known.
pub(crate) fn with_privacy() -> TestDriver {
    let mut driver = following_the_list();
    let mut card = lene();
    card["_links"]["contactPrivacyRelationship"] = json!({"href": privacy_href()});
    let event = json!({"type": "updated", "link": {"rel": "contact", "href": contact_href(282)}, "_embedded": {"contact": card}});
    page(&mut driver, vec![event]);
    driver.events.clear();
    driver
}

/// The presence of the group Team, which contains Lene, is followed by subscription 3.
pub(crate) fn presence_of_team() -> TestDriver {
    let mut driver = following_the_list();
    let follow = ContactsOperation::follow_presence(team(), true);
    submit(&mut driver, follow);
    let subscribe = format!("{APP}/presenceSubscriptions?groupId={TEAM_QUERY}");
    let sent = driver.reply("POST", &subscribe, 201, subscription(3));
    assert_eq!(
        sent.json(),
        json!({"duration": 30}),
        "the href names the group"
    );
    driver.advance(SECOND);
    let members = format!("{APP}/myContacts?groupId={TEAM_QUERY}");
    driver.reply("GET", &members, 200, contacts(json!([lene()])));
    driver.advance(SECOND);
    let of_lene = format!("{}/contactPresence", contact_href(282));
    driver.reply("GET", &of_lene, 200, presence("Busy"));
    driver
}

pub(crate) fn in_list(kind: &str, id: u32, within: (&str, &str)) -> Value {
    json!({"type": kind, "link": {"rel": "contact", "href": contact_href(id)}, "in": {"rel": within.0, "href": within.1}})
}

pub(crate) fn page(driver: &mut TestDriver, events: Vec<Value>) {
    driver.page(json!([{"rel": "people", "href": format!("{APP}/people"), "events": events}]));
    driver.advance(SECOND);
}

pub(crate) fn my_contacts() -> String {
    format!("{APP}/myContacts")
}

#[test]
fn the_followed_lists_share_one_subscription_and_are_read_when_it_begins() {
    let mut driver = signed_in_with_contacts();
    for list in [ContactList::Contacts, ContactList::Groups] {
        driver.submit(Operation::Contacts(ContactsOperation::follow(
            list,
            Interest::Live,
        )));
    }
    subscribe(&mut driver);
    answer_lists(&mut driver, json!([lene(), sara()]));
    let changes = changes(&mut driver);
    assert_eq!(
        changes[0],
        ContactListChange::Contacts(vec![LENE.to_owned(), SARA.to_owned()])
    );
    let ContactListChange::Groups(groups) = &changes[1] else {
        panic!("{changes:?}")
    };
    let kinds: Vec<_> = groups.iter().map(|group| group.kind).collect();
    use GroupKind::{Custom, Distribution, Favorites, Others, PrivacyRelationship};
    assert_eq!(
        kinds,
        [
            Favorites,
            Custom,
            Distribution,
            Others,
            PrivacyRelationship,
            PrivacyRelationship
        ],
        "an unknown level is skipped"
    );
    assert_eq!(groups[1].key, team());
    assert_eq!(groups[2].uri.as_deref(), Some("sip:sales@contoso.com"));
    assert_eq!(groups[4].key, GroupKey::Level(PrivacyLevel::Blocked));

    // Two hours of renewals.
    let start = format!("{APP}/list/start");
    let mut renewals = 0;
    for _ in 0..120 {
        wait(&mut driver, 1);
        while driver.is_sent("POST", &start) {
            driver.reply("POST", &start, 201, json!({}));
            renewals += 1;
        }
    }
    assert_eq!(renewals, 4, "each 25 minutes");
    assert!(!driver.is_sent("GET", &my_contacts()));

    for list in [ContactList::Contacts, ContactList::Groups] {
        assert!(!driver.is_sent("POST", &format!("{APP}/list/stop")));
        driver.submit(Operation::Contacts(ContactsOperation::follow(
            list,
            Interest::None,
        )));
    }
    driver.reply("POST", &format!("{APP}/list/stop"), 204, Value::Null);
}

#[test]
fn a_list_that_is_not_followed_is_read_once_for_all_who_ask() {
    let mut driver = signed_in_with_contacts();
    let read = || Operation::Contacts(ContactsOperation::Read(ContactList::Contacts));
    let tickets: Vec<_> = (0..10).map(|_| driver.submit(read())).collect();
    driver.advance(SECOND);
    driver.reply("GET", &my_contacts(), 200, contacts(json!([lene()])));
    assert!(!driver.is_sent("GET", &my_contacts()));
    for ticket in tickets {
        assert!(matches!(driver.result(ticket), Some(Ok(Outcome::Done))));
    }
    // The card came with the list, so no request is needed for it; the presence was not read.
    assert!(driver.events.iter().any(|event| matches!(
        event,
        SessionEvent::Person { fact: PersonFact::DisplayName(name), .. } if name == "Lene Aaling"
    )));
    assert_eq!(driver.sent.len(), 1, "the pending GET");
}

#[test]
fn without_links_the_lists_are_empty_and_changes_are_not_supported() {
    let mut driver = signed_in_with_people();
    let ticket = submit(&mut driver, ContactsOperation::Read(ContactList::Groups));
    assert!(matches!(driver.result(ticket), Some(Ok(Outcome::Done))));
    assert!(changes(&mut driver).contains(&ContactListChange::Groups(Vec::new())));
    let ticket = submit(&mut driver, ContactsOperation::add_group("Team".to_owned()));
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::WrongState);
}

#[test]
fn events_change_the_list_without_a_read() {
    let mut driver = following_the_list();
    let own = my_contacts();
    page(
        &mut driver,
        vec![in_list("deleted", 282, ("myContacts", &own))],
    );
    assert_eq!(
        changes(&mut driver),
        [ContactListChange::ContactRemoved(LENE.to_owned())]
    );
    // A group is named by its own href, or by that of its contacts.
    let members = format!("{APP}/myContacts?groupId={TEAM_QUERY}");
    for (rel, href) in [("group", group_href(TEAM_QUERY)), ("myContacts", members)] {
        page(&mut driver, vec![in_list("added", 647, (rel, &href))]);
        assert_eq!(
            changes(&mut driver),
            [ContactListChange::member_added(team(), SARA)],
            "{href}"
        );
    }
    let renamed = json!({"type": "updated", "link": {"rel": "group", "href": group_href(TEAM_QUERY)},
        "_embedded": {"group": group("group", TEAM, "Crew")}});
    page(&mut driver, vec![renamed]);
    let renamed = ContactGroup::new(team(), GroupKind::Custom, Some("Crew".to_owned()));
    assert_eq!(changes(&mut driver), [ContactListChange::Group(renamed)]);
    let gone = json!({"type": "deleted", "link": {"rel": "group", "href": group_href(TEAM_QUERY)},
        "in": {"rel": "myGroups", "href": "/g"}});
    page(&mut driver, vec![gone]);
    assert_eq!(
        changes(&mut driver),
        [ContactListChange::GroupRemoved(team())]
    );
    assert_eq!(driver.sent.len(), 1, "the pending GET");
}

#[test]
fn an_event_about_an_unknown_contact_makes_the_list_be_read_again() {
    let mut driver = following_the_list();
    let own = my_contacts();
    page(
        &mut driver,
        vec![in_list("added", 900, ("myContacts", &own))],
    );
    let read = driver.take("GET", &own);
    // The list changes during the read, so it is read once more.
    page(
        &mut driver,
        vec![in_list("deleted", 282, ("myContacts", &own))],
    );
    let alex = contact(900, "sip:alexd@contoso.com", "Alex Doe");
    driver.respond(
        read.id,
        answer(200, contacts(json!([lene(), sara(), alex]))),
    );
    driver.advance(SECOND);
    driver.reply("GET", &own, 200, contacts(json!([sara(), alex])));
    let last = changes(&mut driver).pop();
    let expected = vec![SARA.to_owned(), "sip:alexd@contoso.com".to_owned()];
    assert_eq!(last, Some(ContactListChange::Contacts(expected)));
}

#[test]
fn a_distribution_group_is_expanded_one_level() {
    let mut driver = following_the_list();
    let key = GroupKey::Id("dg".to_owned());
    let read = ContactsOperation::Read(ContactList::Members(key.clone()));
    submit(&mut driver, read);
    let mut expanded = group("distributionGroup", "dg", "Sales");
    // The group contains another group, which contains the first one.
    expanded["_embedded"] = json!({"contact": [lene()], "distributionGroup": [group("distributionGroup", "dg2", "West")]});
    driver.reply("GET", &group_href("dg/expand"), 200, expanded);
    let changes = changes(&mut driver);
    let ContactListChange::Members {
        group,
        contacts,
        groups,
        ..
    } = &changes[0]
    else {
        panic!("{changes:?}")
    };
    assert_eq!(
        (group, contacts.as_slice()),
        (&key, [LENE.to_owned()].as_slice())
    );
    assert_eq!(groups[0].key, GroupKey::Id("dg2".to_owned()));
    assert_eq!(driver.sent.len(), 1, "the pending GET");
}

#[test]
fn the_members_of_a_privacy_level_are_read_card_by_card_if_they_are_strangers() {
    let mut driver = following_the_list();
    let blocked = GroupKey::Level(PrivacyLevel::Blocked);
    let read = ContactsOperation::Read(ContactList::Members(blocked.clone()));
    let ticket = submit(&mut driver, read);
    driver.reply(
        "GET",
        &format!("{APP}/myPrivacyRelationships"),
        200,
        levels(),
    );
    assert_eq!(driver.result(ticket), None);
    let alex = contact(900, "sip:alexd@contoso.com", "Alex Doe");
    driver.reply("GET", &contact_href(900), 200, alex);
    assert!(matches!(driver.result(ticket), Some(Ok(Outcome::Done))));
    assert_eq!(
        changes(&mut driver),
        [ContactListChange::members(
            blocked,
            vec!["sip:alexd@contoso.com".to_owned()],
            Vec::new()
        )]
    );
}

#[test]
fn a_contact_is_added_with_the_revision_and_the_event_decides() {
    let mut driver = following_the_list();
    let add = ContactsOperation::add_contact("sip:alexd@contoso.com".to_owned(), Some(team()));
    let ticket = submit(&mut driver, add);
    let sent = driver.reply(
        "POST",
        &format!("{APP}/myGroupMemberships"),
        201,
        Value::Null,
    );
    assert_eq!(
        sent.json(),
        json!({"contactUri": "sip:alexd@contoso.com", "groupId": TEAM})
    );
    assert_eq!(
        sent.request.headers()["x-ms-requiresminresourceversion"],
        "2"
    );
    assert!(matches!(driver.result(ticket), Some(Ok(Outcome::Done))));
    assert_eq!(changes(&mut driver), []);
}

#[test]
fn a_change_that_no_event_reports_is_read() {
    let mut driver = following_the_list();
    let add = ContactsOperation::add_contact("sip:alexd@contoso.com".to_owned(), None);
    submit(&mut driver, add);
    driver.reply(
        "POST",
        &format!("{APP}/myGroupMemberships"),
        201,
        Value::Null,
    );
    assert!(!driver.is_sent("GET", &my_contacts()));
    driver.advance(6 * SECOND);
    assert!(driver.is_sent("GET", &my_contacts()));
}

pub(crate) fn memberships() -> Value {
    let of = |number: u32, contact: u32, rel: &str, group: &str| {
        json!({"rel": "myGroupMembership", "_links": {
        "self": {"href": format!("{APP}/memberships/{number}")}, "contact": {"href": contact_href(contact)},
        rel: {"href": group_href(group)}}})
    };
    json!({"rel": "myGroupMemberships", "_links": {}, "_embedded": {"myGroupMembership": [
        of(1, 282, "group", TEAM_QUERY), of(2, 647, "group", TEAM_QUERY), of(3, 282, "pinnedGroup", "pin")]}})
}

#[test]
fn a_removal_deletes_the_membership_and_one_that_is_gone_is_no_failure() {
    for status in [204, 404] {
        let mut driver = following_the_list();
        let remove = ContactsOperation::remove_contact(LENE.to_owned(), Some(team()));
        let ticket = submit(&mut driver, remove);
        let find = format!("{APP}/myGroupMemberships?groupId={TEAM_QUERY}");
        driver.reply("GET", &find, 200, memberships());
        driver.reply(
            "DELETE",
            &format!("{APP}/memberships/1"),
            status,
            Value::Null,
        );
        assert!(!driver.is_sent("DELETE", APP), "no other membership");
        assert!(matches!(driver.result(ticket), Some(Ok(Outcome::Done))));
    }
}

#[test]
fn a_contact_leaves_every_group_by_the_link_or_by_its_memberships() {
    let mut driver = following_the_list();
    let remove = || ContactsOperation::remove_contact(LENE.to_owned(), None);
    let ticket = submit(&mut driver, remove());
    driver.reply(
        "GET",
        &format!("{APP}/myGroupMemberships"),
        200,
        memberships(),
    );
    driver.reply("DELETE", &format!("{APP}/memberships/1"), 204, Value::Null);
    driver.reply("DELETE", &format!("{APP}/memberships/3"), 204, Value::Null);
    assert!(matches!(driver.result(ticket), Some(Ok(Outcome::Done))));

    let ticket = submit(&mut driver, remove());
    let mut all = memberships();
    all["_links"]["removeContactFromAllGroups"] = json!({"href": format!("{APP}/removeAll")});
    driver.reply("GET", &format!("{APP}/myGroupMemberships"), 200, all);
    let sent = driver.reply("POST", &format!("{APP}/removeAll"), 204, Value::Null);
    assert_eq!(sent.json(), json!({"contactUri": LENE}));
    assert!(matches!(driver.result(ticket), Some(Ok(Outcome::Done))));
}

#[test]
fn a_move_adds_first_and_a_failed_removal_leaves_the_contact_in_both_groups() {
    let mut driver = following_the_list();
    let pinned = GroupKey::Id("pin".to_owned());
    let operation = ContactsOperation::move_contact(LENE.to_owned(), team(), pinned);
    let ticket = submit(&mut driver, operation);
    assert!(!driver.is_sent("DELETE", APP));
    let exists = json!({"code": "Conflict", "subcode": "AlreadyExists"});
    driver.reply("POST", &format!("{APP}/myGroupMemberships"), 409, exists);
    driver.reply(
        "GET",
        &format!("{APP}/myGroupMemberships?groupId="),
        200,
        memberships(),
    );
    let forbidden = json!({"code": "Forbidden"});
    driver.reply("DELETE", &format!("{APP}/memberships/1"), 403, forbidden);
    let failure = driver.failure(ticket);
    assert_eq!(failure.kind(), &FailureKind::Partial);
    assert_eq!(failure.status(), Some(403));
}

#[test]
fn a_group_is_renamed_with_its_version_and_read_again_once_if_that_is_outdated() {
    let mut driver = following_the_list();
    let href = group_href(TEAM_QUERY);
    let ticket = submit(
        &mut driver,
        ContactsOperation::rename_group(team(), "Crew".to_owned()),
    );
    driver.reply("GET", &href, 200, group("group", TEAM, "Team"));
    let sent = driver.reply("PUT", &href, 412, json!({"code": "PreconditionFailed"}));
    assert_eq!(sent.request.headers()["if-match"], "\"12\"");
    assert_eq!(
        sent.request.headers()["x-ms-requiresminresourceversion"],
        "2"
    );
    let body = sent.json();
    assert_eq!((&body["name"], &body["id"]), (&json!("Crew"), &json!(TEAM)));
    assert_eq!(body["marker"], "please pass this in a PUT request");
    driver.reply("GET", &href, 200, group("group", TEAM, "Band"));
    driver.reply("PUT", &href, 412, json!({"code": "PreconditionFailed"}));
    assert_eq!(driver.failure(ticket).status(), Some(412));
}

#[test]
fn a_server_of_the_older_revision_is_asked_for_a_change_once() {
    let mut driver = following_the_list();
    let ticket = submit(&mut driver, ContactsOperation::add_group("Crew".to_owned()));
    let old = json!({"code": "NotFound", "subcode": "APIVersionNotSupported"});
    driver.reply("POST", &format!("{APP}/myGroups"), 404, old);
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::NotSupported);
    assert_eq!(changes(&mut driver), [ContactListChange::Writable(false)]);
    let ticket = submit(&mut driver, ContactsOperation::RemoveGroup(team()));
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::NotSupported);
    assert_eq!(driver.sent.len(), 1, "the pending GET");
}

#[test]
fn groups_of_fixed_kinds_cannot_be_renamed_or_removed() {
    let mut driver = following_the_list();
    let pinned = || GroupKey::Id("pin".to_owned());
    let rename = ContactsOperation::rename_group(pinned(), "Crew".to_owned());
    for operation in [rename, ContactsOperation::RemoveGroup(pinned())] {
        let ticket = submit(&mut driver, operation);
        assert_eq!(driver.failure(ticket).kind(), &FailureKind::NotSupported);
    }
    let long = "x".repeat(257);
    let ticket = submit(&mut driver, ContactsOperation::add_group(long));
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::InvalidArgument);
    assert_eq!(driver.sent.len(), 1, "the pending GET");
}

#[test]
fn a_migration_of_the_list_is_not_retried() {
    let mut driver = following_the_list();
    let ticket = submit(&mut driver, ContactsOperation::RemoveGroup(team()));
    let migrating = json!({"code": "ServiceFailure", "subcode": "MigrationInProgress"});
    driver.reply("DELETE", &group_href(TEAM_QUERY), 500, migrating);
    assert_eq!(
        driver.failure(ticket).subcode(),
        Some("MigrationInProgress")
    );
}

#[test]
fn one_subscription_follows_the_presence_of_a_group_and_a_new_member_repeats_it() {
    let mut driver = presence_of_team();
    let subscribe = format!("{APP}/presenceSubscriptions?groupId={TEAM_QUERY}");
    assert_eq!(statuses(&mut driver, LENE), [PersonStatus::Busy]);
    // The group's subscription covers the members.
    driver.submit(follow(LENE, PersonField::Status, Interest::Live));
    driver.advance(SECOND);
    assert_eq!(driver.sent.len(), 1, "the pending GET");
    page(
        &mut driver,
        vec![in_list("added", 647, ("group", &group_href(TEAM_QUERY)))],
    );
    driver.reply("POST", &subscribe, 201, subscription(3));
    driver.reply(
        "GET",
        &format!("{}/contactPresence", contact_href(647)),
        200,
        presence("Away"),
    );
    assert_eq!(statuses(&mut driver, SARA), [PersonStatus::Away]);

    // Before the subscription ends, the members who are still followed get another subscription.
    driver.submit(Operation::Contacts(ContactsOperation::follow_presence(
        team(),
        false,
    )));
    let order: Vec<_> = driver
        .sent
        .iter()
        .map(|sent| sent.request.method().as_str())
        .collect();
    assert_eq!(order, ["GET", "POST", "DELETE"]);
    let sent = driver.take("POST", &format!("{APP}/presenceSubscriptions"));
    assert_eq!(sent.json()["uris"], json!([LENE]));
}

#[test]
fn a_privacy_level_is_read_changed_and_written_back() {
    let mut driver = with_privacy();
    let href = privacy_href();
    let level = |word: &str| {
        json!({"rel": "contactPrivacyRelationship", "relationshipLevel": word, "etag": "7",
        "_links": {"self": {"href": href}, "resetContactPrivacyRelationship": {"href": format!("{href}/reset")}}})
    };
    let set = |level| ContactsOperation::set_privacy_level(LENE.to_owned(), level);
    let ticket = submit(&mut driver, set(Some(PrivacyLevel::Workgroup)));
    driver.reply("GET", &href, 200, level("Colleagues"));
    let sent = driver.reply("PUT", &href, 412, json!({"code": "PreconditionFailed"}));
    assert_eq!(sent.json()["relationshipLevel"], "Workgroup");
    driver.advance(SECOND);
    driver.reply("GET", &href, 200, level("External"));
    driver.reply("PUT", &href, 200, Value::Null);
    assert!(matches!(driver.result(ticket), Some(Ok(Outcome::Done))));
    driver.advance(SECOND);
    driver.reply("GET", &href, 200, level("Workgroup"));
    let last = facts(&mut driver, LENE).pop();
    let expected = PersonFact::RelationshipLevel(Some(PrivacyLevel::Workgroup));
    assert_eq!(last, Some(expected));

    let ticket = submit(&mut driver, set(None));
    driver.reply("GET", &href, 200, level("Workgroup"));
    driver.reply("POST", &format!("{href}/reset"), 204, Value::Null);
    assert!(matches!(driver.result(ticket), Some(Ok(Outcome::Done))));
}

#[test]
fn a_new_application_starts_the_subscription_again_and_reads_the_lists() {
    let mut driver = following_the_list();
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    driver.reply("GET", &format!("{APP}/events"), 404, lost);
    driver.advance(6 * SECOND);
    driver.create_this_application(with_contacts);
    driver.advance(SECOND);
    subscribe(&mut driver);
    let batch = driver.take("POST", &format!("{APP}/batch"));
    let read = targets(&batch);
    assert!(read.contains(&format!("GET {APP}/myContacts")), "{read:?}");
}

#[test]
fn the_memberships_tell_the_groups_of_each_contact() {
    let mut driver = signed_in_with_contacts();
    let ticket = submit(
        &mut driver,
        ContactsOperation::Read(ContactList::Memberships),
    );
    answer_lists(&mut driver, json!([lene(), sara()]));
    driver.advance(SECOND);
    driver.reply(
        "GET",
        &format!("{APP}/myGroupMemberships"),
        200,
        memberships(),
    );
    assert!(matches!(driver.result(ticket), Some(Ok(Outcome::Done))));
    let pinned = GroupKey::Id("pin".to_owned());
    let expected = vec![
        (LENE.to_owned(), team()),
        (SARA.to_owned(), team()),
        (LENE.to_owned(), pinned),
    ];
    assert_eq!(
        changes(&mut driver).pop(),
        Some(ContactListChange::Memberships(expected))
    );
}
