//! The group of the user's organization: the manager, the peers and the reports.

use ucwa_proto::Representation;

use crate::contact_list::{add, href, list, members, uri, world};
use crate::harness::{ALEX, Client, JOE, LENE, TOSH, World, refusal, refused};

/// Lene manages Tosh and Alex, and Joe reports to Alex.
#[test]
fn the_organization_has_the_manager_the_peers_and_the_reports() {
    let mut config = World::config();
    for (name, manager) in [(TOSH, LENE), (ALEX, LENE), (JOE, ALEX)] {
        let mut users = config.users.iter_mut();
        let user = users.find(|user| user.uri == uri(name)).unwrap();
        user.manager = Some(uri(manager));
    }
    for representation in [Representation::Json, Representation::Xml] {
        let world = &mut World::of(config.clone());
        for (name, expected) in [
            (LENE, &["Tosh Meston", "Alex Darrow"][..]),
            (TOSH, &["Lene Aaling", "Alex Darrow"]),
            (ALEX, &["Lene Aaling", "Tosh Meston", "Joe Smith"]),
            (JOE, &["Alex Darrow"]),
        ] {
            let client = Client::sign_in(world, name, representation);
            let groups = list(world, &client, "myGroups");
            let group = client.resource(world, groups.link_href("myOrganizationGroup").unwrap());
            assert_eq!(members(world, &client, &group), expected, "{name}");
            assert_eq!(
                refused(&add(world, &client, JOE, Some(&group))),
                refusal(403, "Forbidden", "OperationNotSupported")
            );
        }
    }
}

#[test]
fn the_organization_has_each_user_with_an_account_once() {
    let mut config = World::config();
    let [tosh, lene, alex, joe, ..] = &mut config.users[..] else {
        unreachable!()
    };
    // Tosh and Lene are the managers of each other, and Joe of themselves. The manager of Alex has no account.
    tosh.manager = Some(lene.uri.clone());
    lene.manager = Some(tosh.uri.clone());
    alex.manager = Some(uri("nobody@contoso.com"));
    joe.manager = Some(joe.uri.clone());
    let world = &mut World::of(config);
    for (name, expected) in [
        (TOSH, &["Lene Aaling"][..]),
        (LENE, &["Tosh Meston"]),
        (ALEX, &[]),
        (JOE, &[]),
    ] {
        let client = Client::sign_in(world, name, Representation::Json);
        let groups = list(world, &client, "myGroups");
        let group = client.resource(world, groups.link_href("myOrganizationGroup").unwrap());
        assert_eq!(members(world, &client, &group), expected, "{name}");
    }
}

#[test]
fn the_memberships_of_delegators_and_of_the_organization_cannot_be_read() {
    let world = &mut world();
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let groups = list(world, &tosh, "myGroups");
    let memberships = href(&tosh, "myGroupMemberships");
    for rel in ["delegatorsGroup", "myOrganizationGroup"] {
        let group = tosh.resource(world, groups.link_href(rel).unwrap());
        assert!(group.link("groupMemberships").is_none());
        let id = group.text("id").unwrap();
        let href = ucwa_proto::Origin::append_query(&memberships, "groupId", id);
        assert_eq!(
            refused(&tosh.get(world, &href)),
            refusal(403, "Forbidden", "OperationNotSupported"),
            "{rel}"
        );
    }
}
