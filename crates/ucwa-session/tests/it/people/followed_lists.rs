//! Followed lists: read again when an event is not enough, and when a read has failed.

use serde_json::json;
use ucwa_session::*;

use super::contacts::*;
use super::*;

fn read(driver: &mut TestDriver, list: ContactList) {
    submit(driver, ContactsOperation::Read(list));
}

/// Both lists and the memberships are followed and were read.
fn following_the_memberships() -> TestDriver {
    let mut driver = following_the_list();
    let follow = ContactsOperation::follow(ContactList::Memberships, true);
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
    let unfollow = ContactsOperation::follow(ContactList::Contacts, false);
    submit(&mut driver, unfollow);
    wait(&mut driver, 40);
    assert!(!driver.is_sent("GET", &my_contacts()));
}
