//! Followed lists: read again when an event is not enough, and when a read has failed.

use serde_json::json;
use ucwa_session::*;

use super::contacts::*;
use super::*;

const ALEX: &str = "sip:alexd@contoso.com";

fn read(driver: &mut TestDriver, list: ContactList) {
    submit(driver, ContactsOperation::Read(list));
}

/// Both lists and the memberships are followed and were read.
fn following_the_memberships() -> TestDriver {
    let mut driver = following_the_list();
    let follow = ContactsOperation::follow(ContactList::Memberships, Interest::Live);
    submit(&mut driver, follow);
    let href = format!("{APP}/myGroupMemberships");
    driver.reply("GET", &href, 200, memberships());
    driver.events.clear();
    driver
}

#[test]
fn an_event_about_an_unknown_member_makes_the_memberships_be_read_again() {
    for group in [group_href("pin"), group_href("unread")] {
        let mut driver = following_the_memberships();
        page(
            &mut driver,
            vec![in_list("added", 900, ("pinnedGroup", &group))],
        );
        let href = format!("{APP}/myGroupMemberships");
        if driver.is_sent("POST", &format!("{APP}/batch")) {
            // The groups are read as well, since one is unknown.
            let batch = driver.take("POST", &format!("{APP}/batch"));
            assert!(targets(&batch).contains(&format!("GET {href}")), "{group}");
        } else {
            driver.reply("GET", &href, 200, memberships());
            let last = changes(&mut driver).pop();
            assert!(matches!(last, Some(ContactListChange::Memberships(_))));
        }
    }
}

/// The response to a read may be older than an event about a member, and than the removal of a group.
#[test]
fn an_event_during_a_read_of_the_memberships_repeats_the_read() {
    let gone = json!({"type": "deleted", "link": {"rel": "group", "href": team_href()},
        "in": {"rel": "myGroups", "href": "/g"}});
    for event in [
        in_list("deleted", 282, ("pinnedGroup", &group_href("pin"))),
        gone,
    ] {
        let mut driver = following_the_memberships();
        read(&mut driver, ContactList::Memberships);
        let href = format!("{APP}/myGroupMemberships");
        let first = driver.take("GET", &href);
        page(&mut driver, vec![event.clone()]);
        driver.respond(first.id, answer(200, memberships()));
        driver.advance(SECOND);
        driver.reply("GET", &href, 200, memberships());
    }
}

#[test]
fn a_followed_list_whose_read_fails_is_read_again_after_growing_pauses() {
    let mut driver = following_the_list();
    read(&mut driver, ContactList::Contacts);
    let mut minutes = Vec::new();
    for minute in 0..20 {
        while driver.is_sent("GET", &my_contacts()) {
            let refused = json!({"code": "Conflict"});
            driver.reply("GET", &my_contacts(), 409, refused);
            minutes.push(minute);
        }
        wait(&mut driver, 1);
        let start = format!("{APP}/list/start");
        while driver.is_sent("POST", &start) {
            driver.reply("POST", &start, 201, json!({}));
        }
    }
    let pauses: Vec<_> = minutes.windows(2).map(|it| it[1] - it[0]).collect();
    // The pauses are 1, 2, 4 and 8 minutes, seen a minute later.
    assert_eq!(pauses, [2, 3, 5, 9], "{minutes:?}");
    // It is not read any more when it is not followed any more.
    let unfollow = ContactsOperation::follow(ContactList::Contacts, Interest::None);
    submit(&mut driver, unfollow);
    wait(&mut driver, 40);
    assert!(!driver.is_sent("GET", &my_contacts()));
}

/// Answers a read of the groups, where the privacy levels get this response. A refused part of a batch is sent alone.
fn answer_groups(driver: &mut TestDriver, levels: (u16, serde_json::Value)) {
    let batch = driver.take("POST", &format!("{APP}/batch"));
    driver.respond(batch.id, batch_of(&[(200, groups()), levels.clone()]));
    if levels.0 != 200 {
        let href = format!("{APP}/myPrivacyRelationships");
        driver.reply("GET", &href, levels.0, levels.1);
    }
}

fn has_levels(change: &ContactListChange) -> bool {
    let ContactListChange::Groups(groups) = change else {
        panic!("{change:?}");
    };
    groups
        .iter()
        .any(|group| group.kind == GroupKind::PrivacyRelationship)
}

#[test]
fn groups_without_their_privacy_levels_are_reported_and_read_again() {
    let mut driver = signed_in_with_contacts();
    let follow = ContactsOperation::follow(ContactList::Groups, Interest::Live);
    submit(&mut driver, follow);
    subscribe(&mut driver);
    driver.events.clear();
    let failure = || (501, json!({"code": "ServiceFailure"}));
    answer_groups(&mut driver, failure());
    assert!(!has_levels(&changes(&mut driver)[0]));
    wait(&mut driver, 2);
    answer_groups(&mut driver, (200, levels()));
    assert!(has_levels(&changes(&mut driver)[0]));
    // Groups without privacy levels do not replace those with them.
    let ticket = submit(&mut driver, ContactsOperation::Read(ContactList::Groups));
    answer_groups(&mut driver, failure());
    assert_eq!(changes(&mut driver), []);
    assert_eq!(driver.failure(ticket).status(), Some(501));
    wait(&mut driver, 2);
    answer_groups(&mut driver, (200, levels()));
    assert!(has_levels(&changes(&mut driver)[0]));
    wait(&mut driver, 20);
    assert!(!driver.is_sent("POST", &format!("{APP}/batch")));
}

/// A response whose hrefs name another host is not that of the server.
#[test]
fn a_list_with_hrefs_on_another_host_is_read_again() {
    let forged = |resource: serde_json::Value| {
        let text = resource.to_string();
        let text = text.replace(APP, &format!("https://evil.example{APP}"));
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    let mut driver = following_the_memberships();
    let mut cardless = contacts(json!([]));
    cardless["_links"]["contact"] = json!([{"href": contact_href(282)}]);
    for (list, href, responses) in [
        (
            ContactList::Contacts,
            my_contacts(),
            vec![contacts(json!([lene()])), cardless],
        ),
        (
            ContactList::Memberships,
            format!("{APP}/myGroupMemberships"),
            vec![memberships()],
        ),
    ] {
        for response in responses {
            let ticket = submit(&mut driver, ContactsOperation::Read(list.clone()));
            driver.reply("GET", &href, 200, forged(response.clone()));
            assert_eq!(driver.failure(ticket).kind(), &FailureKind::Untrusted);
            wait(&mut driver, 2);
            driver.reply("GET", &href, 200, response);
            driver.advance(SECOND);
            while driver.is_sent("GET", &contact_href(282)) {
                driver.reply("GET", &contact_href(282), 200, lene());
            }
            wait(&mut driver, 20);
            assert!(!driver.is_sent("GET", &href), "{list:?}");
        }
    }
    let ticket = submit(&mut driver, ContactsOperation::Read(ContactList::Groups));
    let batch = driver.take("POST", &format!("{APP}/batch"));
    let parts = [(200, forged(groups())), (200, levels())];
    driver.respond(batch.id, batch_of(&parts));
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::Untrusted);
    wait(&mut driver, 2);
    answer_groups(&mut driver, (200, levels()));
}

/// The server drops the events of a change that was undone before the client got them.
#[test]
fn a_list_that_was_read_before_a_repeated_event_page_is_read_again() {
    let events = format!("{APP}/events");
    for is_repeated in [true, false] {
        let mut driver = following_the_list();
        driver.page(json!([]));
        driver.advance(SECOND);
        driver.events.clear();
        read(&mut driver, ContactList::Contacts);
        driver.reply("GET", &my_contacts(), 200, contacts(json!([lene()])));
        if is_repeated {
            driver.break_off("GET", &events, Sent::Maybe);
            driver.advance(SECOND);
        }
        for _ in 0..3 {
            page(&mut driver, vec![]);
            assert_eq!(driver.is_sent("GET", &my_contacts()), is_repeated);
        }
    }
}

#[test]
fn memberships_in_an_unknown_group_are_read_again_after_the_groups() {
    let mut driver = following_the_memberships();
    let href = format!("{APP}/myGroupMemberships");
    let mut newer = memberships();
    let group =
        json!({"group": {"href": group_href("new")}, "contact": {"href": contact_href(282)}});
    newer["_embedded"]["myGroupMembership"] =
        json!([{"rel": "myGroupMembership", "_links": group}]);
    read(&mut driver, ContactList::Memberships);
    driver.reply("GET", &href, 200, newer.clone());
    assert_eq!(
        changes(&mut driver),
        [ContactListChange::Memberships(Vec::new())]
    );
    wait(&mut driver, 20);
    assert!(!driver.is_sent("GET", &href));
    read(&mut driver, ContactList::Groups);
    let batch = driver.take("POST", &format!("{APP}/batch"));
    let mut groups = groups();
    groups["_embedded"]["group"] = json!([super::contacts::group("group", "new", "New")]);
    driver.respond(batch.id, batch_of(&[(200, groups), (200, levels())]));
    driver.advance(SECOND);
    driver.reply("GET", &href, 200, newer);
    let key = GroupKey::Id("new".to_owned());
    let members = vec![(LENE.to_owned(), key)];
    let last = changes(&mut driver).pop();
    assert_eq!(last, Some(ContactListChange::Memberships(members)));
    read(&mut driver, ContactList::Groups);
    answer_groups(&mut driver, (200, levels()));
    driver.advance(SECOND);
    assert!(!driver.is_sent("GET", &href));
}

/// The list names a contact without its card, and the card is read.
#[test]
fn a_list_is_read_again_for_a_card_that_could_not_be_read() {
    for (status, code, is_repeated) in [(501, "ServiceFailure", true), (404, "NotFound", false)] {
        let mut driver = following_the_list();
        let ticket = submit(&mut driver, ContactsOperation::Read(ContactList::Contacts));
        let mut cardless = contacts(json!([]));
        cardless["_links"]["contact"] = json!([{"href": contact_href(900)}]);
        driver.reply("GET", &my_contacts(), 200, cardless);
        driver.reply("GET", &contact_href(900), status, json!({"code": code}));
        assert_eq!(driver.result(ticket).unwrap().is_err(), is_repeated);
        wait(&mut driver, 2);
        assert_eq!(driver.is_sent("GET", &my_contacts()), is_repeated);
    }
}

#[test]
fn a_list_is_read_at_an_interval_without_a_subscription() {
    let mut driver = signed_in_with_contacts();
    let blocked = GroupKey::Level(PrivacyLevel::Blocked);
    let list = ContactList::Members(blocked.clone());
    let poll = |interest| ContactsOperation::follow(list.clone(), interest);
    let href = format!("{APP}/myPrivacyRelationships");
    let of_alex = || ContactListChange::members(blocked.clone(), vec![ALEX.to_owned()], Vec::new());
    submit(&mut driver, poll(Interest::Every(3 * MINUTE)));
    driver.reply("GET", &href, 200, levels());
    let alex = contact(900, ALEX, "Alex Doe");
    driver.reply("GET", &contact_href(900), 200, alex);
    assert_eq!(changes(&mut driver), [of_alex()]);
    wait(&mut driver, 2);
    assert!(!driver.is_sent("GET", &href), "the interval is not over");
    wait(&mut driver, 1);
    driver.reply("GET", &href, 200, levels());
    assert_eq!(changes(&mut driver), [of_alex()]);
    // A failed read is repeated at the next interval only.
    wait(&mut driver, 3);
    driver.reply("GET", &href, 409, json!({"code": "Conflict"}));
    wait(&mut driver, 2);
    assert!(!driver.is_sent("GET", &href));
    wait(&mut driver, 1);
    driver.reply("GET", &href, 200, levels());
    assert!(!driver.is_sent("GET", &format!("{APP}/myContactsAndGroupsSubscription")));
    submit(&mut driver, poll(Interest::None));
    wait(&mut driver, 10);
    assert!(!driver.is_sent("GET", &href));
}

#[test]
fn a_subscription_suspends_the_reads_at_an_interval() {
    let mut driver = signed_in_with_contacts();
    let follow = |interest| ContactsOperation::follow(ContactList::Contacts, interest);
    submit(&mut driver, follow(Interest::Every(MINUTE)));
    driver.reply("GET", &my_contacts(), 200, contacts(json!([lene()])));
    submit(&mut driver, follow(Interest::Live));
    subscribe(&mut driver);
    driver.reply("GET", &my_contacts(), 200, contacts(json!([lene()])));
    wait(&mut driver, 5);
    assert!(!driver.is_sent("GET", &my_contacts()));
    submit(&mut driver, follow(Interest::Every(MINUTE)));
    driver.reply("POST", &format!("{APP}/list/stop"), 204, json!(null));
    driver.reply("GET", &my_contacts(), 200, contacts(json!([lene()])));
    wait(&mut driver, 1);
    assert!(driver.is_sent("GET", &my_contacts()));
}

#[test]
fn a_new_application_continues_the_reads_at_an_interval() {
    let mut driver = TestDriver::new(TestDriver::config());
    let poll = ContactsOperation::follow(ContactList::Contacts, Interest::Every(MINUTE));
    submit(&mut driver, poll);
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.discover();
    for _ in 0..2 {
        driver.create_this_application(with_contacts);
        driver.advance(SECOND);
        driver.reply("GET", &my_contacts(), 200, contacts(json!([lene()])));
        wait(&mut driver, 1);
        driver.reply("GET", &my_contacts(), 200, contacts(json!([lene()])));
        let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
        driver.reply("GET", &format!("{APP}/events"), 404, lost);
        driver.advance(6 * SECOND);
    }
}
