//! Groups that the list of groups does not contain, group IDs that differ only in case, refused subscriptions, and the contact
//! list in XML.

use serde_json::{Value, json};
use ucwa_proto::{Representation, Resource};
use ucwa_session::*;

use super::contacts::*;
use super::*;

/// Both lists are followed, and the groups have a link to the delegates and one to the organization.
pub(crate) fn with_delegates() -> TestDriver {
    let mut driver = following_the_list();
    let added = json!({"type": "added", "link": {"rel": "delegatesGroup", "href": group_href("delegates")},
        "in": {"rel": "myGroups", "href": format!("{APP}/myGroups")}});
    page(&mut driver, vec![added]);
    let batch = driver.take("POST", &format!("{APP}/batch"));
    let mut linked = groups();
    linked["_links"] = json!({"delegatesGroup": {"href": group_href("delegates")},
        "myOrganizationGroup": {"href": group_href("organization")}});
    driver.respond(batch.id, batch_of(&[(200, linked), (200, levels())]));
    driver.events.clear();
    driver
}

fn read_members(driver: &mut TestDriver, group: GroupKey) -> Ticket {
    submit(driver, ContactsOperation::Read(ContactList::Members(group)))
}

/// Answers the reads of a hidden group and of its members.
fn answer_members(driver: &mut TestDriver, rel: &str, id: &str, cards: Value) {
    driver.reply("GET", &group_href(id), 200, group(rel, id, "hidden"));
    driver.advance(SECOND);
    let members = format!("{APP}/myContacts?groupId={id}");
    driver.reply("GET", &members, 200, contacts(cards));
}

#[test]
fn hidden_groups_are_read_by_their_key_and_are_not_in_the_list() {
    let mut driver = with_delegates();
    let ticket = read_members(&mut driver, GroupKey::Delegates);
    answer_members(&mut driver, "delegatesGroup", "delegates", json!([lene()]));
    assert!(matches!(driver.result(ticket), Some(Ok(Outcome::Done))));
    let members =
        ContactListChange::members(GroupKey::Delegates, vec![LENE.to_owned()], Vec::new());
    assert_eq!(changes(&mut driver), [members]);
    // The server has no link to the delegators.
    let ticket = read_members(&mut driver, GroupKey::Delegators);
    assert!(matches!(driver.result(ticket), Some(Ok(Outcome::Done))));
    let none = ContactListChange::members(GroupKey::Delegators, Vec::new(), Vec::new());
    assert_eq!(changes(&mut driver), [none]);
    for operation in [
        ContactsOperation::remove_contact(LENE.to_owned(), Some(GroupKey::Delegates)),
        ContactsOperation::move_contact(LENE.to_owned(), team(), GroupKey::Organization),
        ContactsOperation::RemoveGroup(GroupKey::Delegates),
    ] {
        let ticket = submit(&mut driver, operation);
        assert_eq!(driver.failure(ticket).kind(), &FailureKind::NotSupported);
    }
    assert_eq!(driver.sent.len(), 1, "the pending GET");
}

#[test]
fn the_href_of_a_hidden_group_decides_although_the_rel_of_the_event_is_another() {
    let mut driver = with_delegates();
    read_members(&mut driver, GroupKey::Organization);
    let id = "organization";
    answer_members(&mut driver, "myOrganizationGroup", id, json!([]));
    driver.events.clear();
    let within = ("delegatorsGroup", group_href(id));
    let within = (within.0, within.1.as_str());
    page(&mut driver, vec![in_list("added", 282, within)]);
    let added = ContactListChange::member_added(GroupKey::Organization, LENE);
    assert_eq!(changes(&mut driver), [added]);
    let updated =
        json!({"type": "updated", "link": {"rel": "delegatorsGroup", "href": group_href(id)}});
    page(&mut driver, vec![updated]);
    assert!(driver.is_sent("GET", &format!("{APP}/myContacts?groupId={id}")));
}

#[test]
fn the_presence_of_a_hidden_group_is_followed_after_the_group_was_read() {
    let mut driver = with_delegates();
    let follow = ContactsOperation::follow_presence(GroupKey::Delegates, true);
    submit(&mut driver, follow);
    let href = group_href("delegates");
    driver.reply("GET", &href, 503, Value::Null);
    let subscribe = format!("{APP}/presenceSubscriptions?groupId=delegates");
    while driver.is_sent("GET", &href) || !driver.is_sent("POST", &subscribe) {
        driver.advance(SECOND);
        if driver.is_sent("GET", &href) {
            let delegates = group("delegatesGroup", "delegates", "My delegates");
            driver.reply("GET", &href, 200, delegates);
        }
    }
    assert_eq!(driver.count_sent("POST", &subscribe), 1);
}

#[test]
fn group_ids_that_differ_only_in_case_are_two_groups() {
    let mut driver = following_the_list();
    let submitted = ContactsOperation::Read(ContactList::Groups);
    submit(&mut driver, submitted);
    let batch = driver.take("POST", &format!("{APP}/batch"));
    let mut both = groups();
    both["_embedded"]["group"] = json!([group("group", "aB", "One"), group("group", "Ab", "Two")]);
    driver.respond(batch.id, batch_of(&[(200, both), (200, levels())]));
    driver.events.clear();
    for id in ["aB", "Ab"] {
        let members = format!("{APP}/myContacts?groupId={id}");
        for within in [("group", group_href(id)), ("myContacts", members)] {
            let within = (within.0, within.1.as_str());
            page(&mut driver, vec![in_list("added", 282, within)]);
            let key = GroupKey::Id(id.to_owned());
            let added = ContactListChange::member_added(key, LENE);
            assert_eq!(changes(&mut driver), [added], "{within:?}");
        }
    }
    let gone = json!({"type": "deleted", "link": {"rel": "group", "href": group_href("Ab")},
        "in": {"rel": "myGroups", "href": "/g"}});
    page(&mut driver, vec![gone]);
    let key = GroupKey::Id("Ab".to_owned());
    assert_eq!(changes(&mut driver), [ContactListChange::GroupRemoved(key)]);
}

/// The minutes at which requests to this target are sent, all of which the server refuses.
fn refused_at(driver: &mut TestDriver, target: &str, minutes: u32) -> Vec<u32> {
    let mut sent = Vec::new();
    for minute in 0..minutes {
        while driver.is_sent("POST", target) {
            let refused = json!({"code": "Forbidden", "subcode": "LimitExceeded"});
            driver.reply("POST", target, 403, refused);
            sent.push(minute);
        }
        wait(driver, 1);
        // The lists are read once without the subscription.
        let batch = format!("{APP}/batch");
        if driver.is_sent("POST", &batch) {
            let batch = driver.take("POST", &batch);
            let parts = [(200, contacts(json!([]))), (200, groups()), (200, levels())];
            driver.respond(batch.id, batch_of(&parts));
        }
        let find = format!("{APP}/myContactsAndGroupsSubscription");
        if driver.is_sent("GET", &find) {
            driver.reply("GET", &find, 200, subscription_links());
        }
    }
    sent
}

fn subscription_links() -> Value {
    json!({"rel": "myContactsAndGroupsSubscription", "_links": {
        "startOrRefreshSubscriptionToContactsAndGroups": {"href": format!("{APP}/list/start")},
        "stopSubscriptionToContactsAndGroups": {"href": format!("{APP}/list/stop")}}})
}

#[test]
fn a_refused_subscription_is_tried_again_after_growing_pauses() {
    let mut driver = signed_in_with_contacts();
    for list in [ContactList::Contacts, ContactList::Groups] {
        driver.submit(Operation::Contacts(ContactsOperation::follow(
            list,
            Interest::Live,
        )));
    }
    let find = format!("{APP}/myContactsAndGroupsSubscription");
    driver.reply("GET", &find, 200, subscription_links());
    let attempts = refused_at(&mut driver, &format!("{APP}/list/start"), 100);
    let pauses: Vec<_> = attempts.windows(2).map(|it| it[1] - it[0]).collect();
    assert_eq!(pauses, [1, 2, 4, 8, 16, 25, 25], "{attempts:?}");

    let mut driver = following_the_list();
    let follow = ContactsOperation::follow_presence(team(), true);
    submit(&mut driver, follow);
    let target = format!("{APP}/presenceSubscriptions?groupId=");
    let start = format!("{APP}/list/start");
    let mut attempts = Vec::new();
    for minute in 0..40 {
        attempts.extend(refused_at(&mut driver, &target, 1).iter().map(|_| minute));
        while driver.is_sent("POST", &start) {
            driver.reply("POST", &start, 201, json!({}));
        }
    }
    let pauses: Vec<_> = attempts.windows(2).map(|it| it[1] - it[0]).collect();
    assert_eq!(pauses, [1, 2, 4, 8, 16], "{attempts:?}");
}

/// A proxy or a busy server may have cut the resource.
#[test]
fn a_subscription_without_a_link_to_start_it_is_read_again_later() {
    let mut driver = signed_in_with_contacts();
    let follow = ContactsOperation::follow(ContactList::Contacts, Interest::Live);
    submit(&mut driver, follow);
    let find = format!("{APP}/myContactsAndGroupsSubscription");
    let without_links = json!({"rel": "myContactsAndGroupsSubscription"});
    driver.reply("GET", &find, 200, without_links);
    // The list is read without the subscription.
    wait(&mut driver, 1);
    driver.reply(
        "GET",
        &format!("{APP}/myContacts"),
        200,
        contacts(json!([lene()])),
    );

    driver.reply("GET", &find, 200, subscription_links());
    driver.reply(
        "POST",
        &format!("{APP}/list/start"),
        201,
        subscription_links(),
    );
    driver.advance(SECOND);
    // What has changed in between is read.
    let found = contacts(json!([lene(), sara()]));
    driver.reply("GET", &format!("{APP}/myContacts"), 200, found);
    let last = changes(&mut driver).pop();
    let both = ["sip:lenea@contoso.com", "sip:sarad@contoso.com"].map(str::to_owned);
    assert_eq!(last, Some(ContactListChange::Contacts(both.to_vec())));
}

#[test]
fn a_server_that_ends_each_subscription_is_not_asked_in_a_loop() {
    let mut driver = following_the_list();
    let start = format!("{APP}/list/start");
    let disconnected = json!({"type": "updated",
        "link": {"rel": "myContactsAndGroupsSubscription", "href": format!("{APP}/list")},
        "_embedded": {"myContactsAndGroupsSubscription":
            {"rel": "myContactsAndGroupsSubscription", "state": "Disconnected"}}});
    page(&mut driver, vec![disconnected.clone()]);
    let mut attempts = Vec::new();
    for minute in 0..20 {
        while driver.is_sent("POST", &start) && attempts.len() < 10 {
            attempts.push(minute);
            driver.reply("POST", &start, 201, json!({}));
            page(&mut driver, vec![disconnected.clone()]);
        }
        let batch = format!("{APP}/batch");
        while driver.is_sent("POST", &batch) {
            let batch = driver.take("POST", &batch);
            let parts = [(200, contacts(json!([]))), (200, groups()), (200, levels())];
            driver.respond(batch.id, batch_of(&parts));
        }
        wait(&mut driver, 1);
    }
    let pauses: Vec<_> = attempts.windows(2).map(|it| it[1] - it[0]).collect();
    assert_eq!(pauses, [2, 4, 8], "{attempts:?}");
}

/// A response in XML with the same content.
fn xml(status: u16, body: &Value) -> http::Response<Bytes> {
    let json = body.to_string();
    let limits = Limits::default();
    let resource = Resource::decode(json.as_bytes(), Representation::Json, &limits).unwrap();
    let body = resource.encode(Representation::Xml);
    http::Response::builder()
        .status(status)
        .header("content-type", "application/vnd.microsoft.com.ucwa+xml")
        .body(body.into())
        .unwrap()
}

#[test]
fn the_contact_list_is_read_from_xml() {
    let mut driver = signed_in_with_contacts();
    let lists = [
        (
            ContactList::Contacts,
            "myContacts",
            contacts(json!([lene(), sara()])),
        ),
        (
            ContactList::Members(GroupKey::Level(PrivacyLevel::Colleagues)),
            "myPrivacyRelationships",
            levels(),
        ),
    ];
    for (list, path, body) in lists {
        let ticket = submit(&mut driver, ContactsOperation::Read(list));
        let sent = driver.take("GET", &format!("{APP}/{path}"));
        driver.respond(sent.id, xml(200, &body));
        assert!(
            matches!(driver.result(ticket), Some(Ok(Outcome::Done))),
            "{path}"
        );
    }
    let colleagues = GroupKey::Level(PrivacyLevel::Colleagues);
    assert_eq!(
        changes(&mut driver),
        [
            ContactListChange::Contacts(vec![LENE.to_owned(), SARA.to_owned()]),
            ContactListChange::members(colleagues, vec![LENE.to_owned()], Vec::new())
        ]
    );
}

#[test]
fn groups_and_their_changes_are_read_from_xml() {
    let mut driver = following_the_list();
    let sales = GroupKey::Id("dg".to_owned());
    let ticket = read_members(&mut driver, sales.clone());
    let mut expanded = group("distributionGroup", "dg", "Sales");
    expanded["_embedded"] = json!({"contact": [lene()],
        "distributionGroup": [group("distributionGroup", "west", "West")]});
    let sent = driver.take("GET", &group_href("dg/expand"));
    driver.respond(sent.id, xml(200, &expanded));
    assert!(matches!(driver.result(ticket), Some(Ok(Outcome::Done))));
    let [
        ContactListChange::Members {
            contacts, groups, ..
        },
    ] = &changes(&mut driver)[..]
    else {
        panic!("the members of the group were not reported")
    };
    assert_eq!((contacts.len(), groups.len()), (1, 1));
    assert_eq!(groups[0].name.as_deref(), Some("West"));

    let ticket = submit(
        &mut driver,
        ContactsOperation::rename_group(team(), "Crew".to_owned()),
    );
    let sent = driver.take("GET", &team_href());
    driver.respond(sent.id, xml(200, &group("group", TEAM, "Team")));
    let sent = driver.reply("PUT", &team_href(), 200, Value::Null);
    assert_eq!(sent.request.headers()["if-match"], "\"12\"");
    assert_eq!(sent.json()["marker"], "please pass this in a PUT request");
    assert!(matches!(driver.result(ticket), Some(Ok(Outcome::Done))));
    let refused = submit(&mut driver, ContactsOperation::add_group("Crew".to_owned()));
    let sent = driver.take("POST", &format!("{APP}/myGroups"));
    let problem = json!({"rel": "reason", "code": "Conflict", "subcode": "AlreadyExists"});
    driver.respond(sent.id, xml(409, &problem));
    assert_eq!(driver.failure(refused).status(), Some(409));
}
