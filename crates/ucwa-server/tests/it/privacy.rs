//! The privacy levels of contacts.

use http::StatusCode;
use ucwa_proto::{Representation, Resource};

use crate::contact_list::{group, list, world};
use crate::harness::{ALEX, Client, JOE, TOSH, World, refusal, refused};

/// The privacy relationship of a contact.
fn privacy(world: &mut World, client: &Client, address: &str) -> Resource<'static> {
    let people = client.application.embedded("people").unwrap();
    let search = people.link_href("search").unwrap();
    let found = client.resource(world, &format!("{search}?query={address}"));
    let contact = found.embedded("contact").unwrap();
    let link = contact.link("contactPrivacyRelationship").unwrap();
    assert!(link.revision() > 1.9);
    client.resource(world, &link.href)
}

/// The input that sets another level. Starts from the resource that the client has read.
fn with_level(privacy: &Resource<'static>, level: &'static str) -> Resource<'static> {
    let mut input = privacy.clone();
    input.links.clear();
    for (name, value) in &mut input.properties {
        if name == "relationshipLevel" {
            *value = level.into();
        }
    }
    input
}

/// The levels that have contacts, each with the addresses of its contacts.
fn levels(world: &mut World, client: &Client) -> Vec<(String, Vec<String>)> {
    let levels = list(world, client, "myPrivacyRelationships");
    let levels = levels.embedded_all("myPrivacyRelationship").iter();
    levels
        .map(|level| {
            let contacts = level.links("contact").iter();
            let contacts = contacts.map(|link| link.href.rsplit('/').next().unwrap().to_owned());
            let name = level.text("relationshipLevel").unwrap().to_owned();
            (name, contacts.collect())
        })
        .filter(|(_, contacts): &(String, Vec<String>)| !contacts.is_empty())
        .collect()
}

#[test]
fn a_changed_level_is_reported_to_the_applications_that_watch_the_contact() {
    for representation in [Representation::Json, Representation::Xml] {
        let world = &mut world();
        let mut tosh = Client::sign_in(world, TOSH, representation);
        let mut other = Client::sign_in_at(world, TOSH, representation, "endpoint-2");
        let mut idle = Client::sign_in_at(world, TOSH, representation, "endpoint-3");
        let team = group(world, &other, "Team");
        let follow = team.link_href("subscribeToGroupPresence").unwrap();
        let input = Resource::anonymous().with_property("duration", 10_i64);
        assert_eq!(
            other.post(world, follow, &input).status(),
            StatusCode::CREATED
        );
        other.page(world);

        let before = privacy(world, &tosh, ALEX);
        assert_eq!(before.text("relationshipLevel"), Some("Colleagues"));
        let href = before.href().unwrap();
        let changed = tosh.put(world, href, &with_level(&before, "FriendsAndFamily"));
        assert_eq!(changed.status(), StatusCode::OK);
        let event = "people contactPrivacyRelationship updated in contact";
        let page = other.page(world);
        assert_eq!(page.story(), [event]);
        let link = &page.event("contactPrivacyRelationship").link.href;
        let after = other.resource(world, link);
        assert_eq!(after.text("relationshipLevel"), Some("FriendsAndFamily"));
        assert_eq!(
            refused(&tosh.put(world, href, &with_level(&before, "Blocked"))),
            refusal(412, "PreconditionFailed", "")
        );
        assert_eq!(
            levels(world, &tosh),
            [
                (
                    "Colleagues".to_owned(),
                    vec!["lenea@contoso.com".to_owned()]
                ),
                ("FriendsAndFamily".to_owned(), vec![ALEX.to_owned()]),
            ]
        );

        let reset = after.link_href("resetContactPrivacyRelationship").unwrap();
        assert_eq!(other.press(world, reset), StatusCode::NO_CONTENT);
        assert_eq!(other.page(world).story(), [event]);
        let reset = privacy(world, &tosh, ALEX);
        assert_eq!(reset.text("relationshipLevel"), Some("Colleagues"));
        // The endpoints that do not watch the contact get no event.
        for client in [&mut tosh, &mut idle] {
            let id = client.park(world);
            assert!(world.reply(id).is_none());
        }
    }
}

#[test]
fn a_user_outside_the_list_has_a_level() {
    let world = &mut world();
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    // Joe is of another organization.
    let joe = privacy(world, &tosh, JOE);
    assert_eq!(joe.text("relationshipLevel"), Some("External"));
    let blocked = with_level(&joe, "Blocked");
    assert_eq!(
        tosh.put(world, joe.href().unwrap(), &blocked).status(),
        StatusCode::OK
    );
    let of_joe = ("Blocked".to_owned(), vec![JOE.to_owned()]);
    assert!(levels(world, &tosh).contains(&of_joe));
}

#[test]
fn only_the_five_levels_can_be_set() {
    let world = &mut world();
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let before = privacy(world, &tosh, ALEX);
    let href = before.href().unwrap();
    for level in ["Unknown", "None", ""] {
        assert_eq!(
            refused(&tosh.put(world, href, &with_level(&before, level))),
            refusal(400, "BadRequest", "ParameterValidationFailure"),
            "{level}"
        );
    }
    let mut unmarked = with_level(&before, "Blocked");
    let marker = before.put_marker().unwrap().0;
    unmarked.properties.retain(|(name, _)| name != marker);
    assert_eq!(
        refused(&tosh.put(world, href, &unmarked)),
        refusal(400, "BadRequest", "ParameterValidationFailure")
    );
    let mut unconditional = with_level(&before, "Blocked");
    unconditional.properties.retain(|(name, _)| name != "etag");
    assert_eq!(
        refused(&tosh.put(world, href, &unconditional)),
        refusal(428, "PreconditionRequired", "")
    );
    let nobody = href.replace(ALEX, "nobody@contoso.com");
    assert_eq!(tosh.get(world, &nobody).status(), StatusCode::NOT_FOUND);
    assert_eq!(
        privacy(world, &tosh, ALEX).text("relationshipLevel"),
        Some("Colleagues")
    );
}
