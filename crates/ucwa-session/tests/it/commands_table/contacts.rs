//! Commands on the contact list, its groups, photos and phones.

use serde_json::json;
use ucwa_session::*;

use super::*;
use crate::people::batch_of;
use crate::people::contacts::{
    contacts, following_the_list, group, groups, lene, levels, memberships, privacy_href,
    signed_in_with_contacts, team, team_href, with_privacy,
};

const CONTACTS: &str = "/ucwa/oauth/v1/applications/102/myContacts";
const MEMBERSHIPS: &str = "/ucwa/oauth/v1/applications/102/myGroupMemberships";
const BATCH: &str = "/ucwa/oauth/v1/applications/102/batch";
const TEAM: &str = "/ucwa/oauth/v1/applications/102/groups/aV%2B%2Fx%3D";

/// A row for an operation on a contact list that is followed.
const LIST: Row = Row {
    ends: "the response",
    fixture: list,
    ..ROW
};

fn list() -> Fixture {
    Fixture::new(following_the_list(), chat(), "21a1")
}

/// No list was read.
fn unread() -> Fixture {
    Fixture::new(signed_in_with_contacts(), chat(), "21a1")
}

fn key(id: &str) -> GroupKey {
    GroupKey::Id(id.to_owned())
}

fn read(list: ContactList) -> Operation {
    Operation::Contacts(ContactsOperation::Read(list))
}

fn add(group: Option<GroupKey>) -> Operation {
    Operation::Contacts(ContactsOperation::add_contact(LENE.to_owned(), group))
}

fn remove(group: Option<GroupKey>) -> Operation {
    Operation::Contacts(ContactsOperation::remove_contact(LENE.to_owned(), group))
}

fn set_level(level: Option<PrivacyLevel>) -> Operation {
    let operation = ContactsOperation::set_privacy_level(LENE.to_owned(), level);
    Operation::Contacts(operation)
}

/// The memberships are found, and that of Lene is deleted.
fn is_removed(fixture: &mut Fixture) {
    answered(fixture, 200, memberships());
    no_content(fixture);
}

fn reads() -> Vec<Row> {
    vec![
        Row {
            command: "Read",
            when: "the contact list",
            sends: &[("GET", CONTACTS)],
            fixture: unread,
            operation: |_| read(ContactList::Contacts),
            end: |fixture| answered(fixture, 200, contacts(json!([lene()]))),
            ..LIST
        },
        Row {
            command: "Read",
            when: "all groups: one batch with the privacy levels",
            sends: &[("POST", BATCH)],
            fixture: unread,
            operation: |_| read(ContactList::Groups),
            end: |fixture| {
                let batch = fixture.driver.take("POST", BATCH);
                let parts = [(200, groups()), (200, levels())];
                fixture.driver.respond(batch.id, batch_of(&parts));
            },
            ..LIST
        },
        Row {
            command: "Read",
            when: "the members of a group",
            sends: &[("GET", CONTACTS)],
            operation: |_| read(ContactList::Members(team())),
            end: |fixture| answered(fixture, 200, contacts(json!([lene()]))),
            ..LIST
        },
        Row {
            command: "Read",
            when: "the members of a distribution group",
            sends: &[("GET", "/ucwa/oauth/v1/applications/102/groups/dg/expand")],
            operation: |_| read(ContactList::Members(key("dg"))),
            end: |fixture| answered(fixture, 200, group("distributionGroup", "dg", "Sales")),
            ..LIST
        },
        Row {
            command: "Read",
            when: "the members of a privacy level",
            sends: &[(
                "GET",
                "/ucwa/oauth/v1/applications/102/myPrivacyRelationships",
            )],
            operation: |_| {
                let level = GroupKey::Level(PrivacyLevel::Colleagues);
                read(ContactList::Members(level))
            },
            end: |fixture| answered(fixture, 200, levels()),
            ..LIST
        },
        Row {
            command: "Read",
            when: "the delegates, of whom only the link is known",
            sends: &[("GET", "/ucwa/oauth/v1/applications/102/groups/delegates")],
            ends: "the response with the members, after the group",
            fixture: || Fixture::new(crate::people::with_delegates(), chat(), "21a1"),
            operation: |_| read(ContactList::Members(GroupKey::Delegates)),
            end: |fixture| {
                let delegates = group("delegatesGroup", "delegates", "My delegates");
                answered(fixture, 200, delegates);
                fixture.driver.advance(Duration::from_secs(1));
                answered(fixture, 200, contacts(json!([lene()])));
            },
            ..LIST
        },
        Row {
            command: "Read",
            when: "the groups of all contacts; contacts and groups were read",
            sends: &[("GET", MEMBERSHIPS)],
            operation: |_| read(ContactList::Memberships),
            end: |fixture| answered(fixture, 200, memberships()),
            ..LIST
        },
        Row {
            command: "Follow",
            when: "no list is followed: the subscription is found, started, and then the list is read",
            sends: &[(
                "GET",
                "/ucwa/oauth/v1/applications/102/myContactsAndGroupsSubscription",
            )],
            ends: "at once",
            fixture: unread,
            operation: |_| {
                let operation = ContactsOperation::follow(ContactList::Contacts, Interest::Live);
                Operation::Contacts(operation)
            },
            ..LIST
        },
        Row {
            command: "Follow",
            when: "at an interval: the list is read at once, and then at the interval",
            sends: &[("GET", CONTACTS)],
            ends: "at once",
            fixture: unread,
            operation: |_| {
                let interest = Interest::Every(Duration::from_secs(60));
                Operation::Contacts(ContactsOperation::follow(ContactList::Contacts, interest))
            },
            ..LIST
        },
        Row {
            command: "FollowPresence",
            when: "a group",
            sends: &[(
                "POST",
                "/ucwa/oauth/v1/applications/102/presenceSubscriptions?groupId=",
            )],
            ends: "at once",
            operation: |_| {
                let operation = ContactsOperation::follow_presence(team(), true);
                Operation::Contacts(operation)
            },
            ..LIST
        },
    ]
}

fn changes() -> Vec<Row> {
    vec![
        Row {
            command: "AddContact",
            when: "to a group, or to the contact list",
            sends: &[("POST", MEMBERSHIPS)],
            operation: |_| add(Some(team())),
            end: |fixture| answered(fixture, 201, Value::Null),
            ..LIST
        },
        Row {
            command: "AddContact",
            when: "to the delegates, the delegators or the organization",
            ends: "at once, with an error",
            operation: |_| add(Some(GroupKey::Delegates)),
            outcome: None,
            ..LIST
        },
        Row {
            command: "RemoveContact",
            when: "from a group",
            sends: &[("GET", MEMBERSHIPS)],
            ends: "the response to the DELETE of the membership, including 404",
            operation: |_| remove(Some(team())),
            end: is_removed,
            ..LIST
        },
        Row {
            command: "RemoveContact",
            when: "from the contact list, with `removeContactFromAllGroups`",
            sends: &[("GET", MEMBERSHIPS)],
            ends: "the response to the POST of that link; without the link, to the last DELETE of a membership",
            operation: |_| remove(None),
            end: |fixture| {
                let mut found = memberships();
                found["_links"]["removeContactFromAllGroups"] = json!({"href": "/remove"});
                answered(fixture, 200, found);
                fixture.driver.reply("POST", "/remove", 204, Value::Null);
            },
            ..LIST
        },
        Row {
            command: "MoveContact",
            when: "from one group to another",
            sends: &[("POST", MEMBERSHIPS)],
            ends: "the response to the DELETE of the first membership",
            operation: |_| {
                let (from, to) = (team(), key("pin"));
                let operation = ContactsOperation::move_contact(LENE.to_owned(), from, to);
                Operation::Contacts(operation)
            },
            end: |fixture| {
                answered(fixture, 201, Value::Null);
                is_removed(fixture);
            },
            ..LIST
        },
        Row {
            command: "AddGroup",
            when: "with a name",
            sends: &[("POST", "/ucwa/oauth/v1/applications/102/myGroups")],
            operation: |_| Operation::Contacts(ContactsOperation::add_group("Crew".to_owned())),
            end: no_content,
            ..LIST
        },
        Row {
            command: "AddDistributionGroup",
            when: "a group that was found",
            sends: &[("POST", "/ucwa/oauth/v1/applications/102/groups/dg/add")],
            operation: |_| {
                let (name, uri) = ("Sales".to_owned(), "sip:sales@contoso.com".to_owned());
                Operation::Contacts(ContactsOperation::add_distribution_group(name, uri))
            },
            end: no_content,
            ..LIST
        },
        Row {
            command: "RenameGroup",
            when: "a group of the user",
            sends: &[("GET", TEAM)],
            ends: "the response to the PUT of the group",
            operation: |_| {
                let operation = ContactsOperation::rename_group(team(), "Crew".to_owned());
                Operation::Contacts(operation)
            },
            end: |fixture| {
                let known = group("group", crate::people::contacts::TEAM, "Team");
                answered(fixture, 200, known);
                fixture.driver.reply("PUT", &team_href(), 200, Value::Null);
            },
            ..LIST
        },
        Row {
            command: "RemoveGroup",
            when: "a group of the user",
            sends: &[("DELETE", TEAM)],
            ends: "the response, including 404",
            operation: |_| Operation::Contacts(ContactsOperation::RemoveGroup(team())),
            end: |fixture| answered(fixture, 404, Value::Null),
            ..LIST
        },
        Row {
            command: "RemoveGroup",
            when: "a distribution group",
            sends: &[("POST", "/ucwa/oauth/v1/applications/102/groups/dg/remove")],
            operation: |_| Operation::Contacts(ContactsOperation::RemoveGroup(key("dg"))),
            end: no_content,
            ..LIST
        },
        Row {
            command: "SetPrivacyLevel",
            when: "a level",
            sends: &[(
                "GET",
                "/ucwa/oauth/v1/applications/102/people/282/contactPrivacyRelationship",
            )],
            ends: "the response to the PUT of the resource",
            fixture: || Fixture::new(with_privacy(), chat(), "21a1"),
            operation: |_| set_level(Some(PrivacyLevel::Blocked)),
            end: |fixture| {
                let level = json!({"rel": "contactPrivacyRelationship", "etag": "7"});
                answered(fixture, 200, level);
                let href = privacy_href();
                fixture.driver.reply("PUT", &href, 200, Value::Null);
            },
            ..LIST
        },
        Row {
            command: "SetPrivacyLevel",
            when: "a reset",
            sends: &[(
                "GET",
                "/ucwa/oauth/v1/applications/102/people/282/contactPrivacyRelationship",
            )],
            ends: "the response to the POST of `resetContactPrivacyRelationship`",
            fixture: || Fixture::new(with_privacy(), chat(), "21a1"),
            operation: |_| set_level(None),
            end: |fixture| {
                let links = json!({"resetContactPrivacyRelationship": {"href": "/reset"}});
                let level = json!({"rel": "contactPrivacyRelationship", "_links": links});
                answered(fixture, 200, level);
                fixture.driver.reply("POST", "/reset", 204, Value::Null);
            },
            ..LIST
        },
    ]
}

fn data() -> Vec<Row> {
    vec![
        Row {
            command: "SearchGroups",
            when: "any",
            sends: &[(
                "GET",
                "/ucwa/oauth/v1/applications/102/search?query=sales&limit=20",
            )],
            operation: |_| {
                let operation = ContactsOperation::search_groups("sales".to_owned(), 20);
                Operation::Contacts(operation)
            },
            end: |fixture| answered(fixture, 200, crate::people::found(json!([]), false)),
            outcome: Some(Outcome::groups(Vec::new(), false)),
            ..LIST
        },
        Row {
            command: "FetchPhoto",
            when: "the contact is known",
            sends: &[(
                "GET",
                "/ucwa/oauth/v1/applications/102/people/282/contactPhoto",
            )],
            ends: "the response; without a photo (403, 404, 504), with none",
            operation: |_| {
                let operation = ContactsOperation::fetch_photo(LENE.to_owned(), None, None);
                Operation::Contacts(operation)
            },
            end: |fixture| answered(fixture, 404, Value::Null),
            outcome: Some(Outcome::Photo(PhotoResult::None)),
            ..LIST
        },
        Row {
            command: "FetchPhones",
            when: "any",
            sends: &[("GET", "/ucwa/oauth/v1/applications/102/me/phones")],
            operation: |_| Operation::Contacts(ContactsOperation::FetchPhones),
            end: |fixture| answered(fixture, 200, json!({"rel": "phones"})),
            outcome: Some(Outcome::Phones(Vec::new())),
            ..LIST
        },
        Row {
            command: "FetchCallForwarding",
            when: "any",
            sends: &[(
                "GET",
                "/ucwa/oauth/v1/applications/102/me/callForwardingSettings",
            )],
            ends: "the response; without enterprise voice (403), with an error",
            operation: |_| Operation::Contacts(ContactsOperation::FetchCallForwarding),
            end: |fixture| answered(fixture, 403, Value::Null),
            outcome: None,
            ..LIST
        },
    ]
}

pub(super) fn rows() -> Vec<Row> {
    [reads(), changes(), data()].into_iter().flatten().collect()
}
