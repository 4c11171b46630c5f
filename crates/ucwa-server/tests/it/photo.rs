//! Photos.

use http::header::{CONTENT_TYPE, ETAG, EXPIRES, IF_NONE_MATCH};
use http::{Method, StatusCode};
use ucwa_proto::{Representation, Resource};
use ucwa_server::Photo;

use crate::harness::{Client, LENE, TOSH, World, refusal, refused};

/// Lene has a photo, and Tosh has none.
fn world() -> World {
    let mut config = World::config();
    config.users[1].photo = Some(Photo::new("image/png", &b"\x89PNG"[..]));
    World::of(config)
}

fn contact(world: &mut World, client: &Client, address: &str) -> Resource<'static> {
    let people = client.application.embedded("people").unwrap();
    let search = people.link_href("search").unwrap();
    let found = client.resource(world, &format!("{search}?query={address}"));
    found.embedded("contact").unwrap().clone()
}

#[test]
fn a_photo_is_served_in_its_one_size() {
    for representation in [Representation::Json, Representation::Xml] {
        let world = &mut world();
        let tosh = Client::sign_in(world, TOSH, representation);
        let href = contact(world, &tosh, LENE);
        let href = href.link_href("contactPhoto").unwrap();
        for query in ["", "?size=HR96X96", "?size=hr648x648"] {
            let photo = tosh.get(world, &format!("{href}{query}"));
            assert_eq!(photo.status(), StatusCode::OK);
            assert_eq!(photo.headers()[CONTENT_TYPE], "image/png");
            assert_eq!(photo.body().as_ref(), b"\x89PNG");
            assert!(photo.headers().contains_key(EXPIRES));
        }
        let known = tosh.get(world, href).headers()[ETAG].clone();
        let request = tosh
            .builder(&Method::GET, href)
            .header(IF_NONE_MATCH, known);
        let unchanged = world.exchange(request.body(bytes::Bytes::new()).unwrap());
        assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
        assert!(unchanged.body().is_empty());
        for size in ["", "96x96", "HR0X96", "HR96", "HRaXb", "HR96X96X96"] {
            assert_eq!(
                refused(&tosh.get(world, &format!("{href}?size={size}"))),
                refusal(400, "BadRequest", "ParameterValidationFailure"),
                "{size}"
            );
        }
    }
}

#[test]
fn the_photo_link_of_a_user_without_a_photo_answers_404() {
    let world = &mut world();
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let own = tosh.application.embedded("me").unwrap();
    let own = own.link_href("photo").unwrap().to_owned();
    let response = tosh.get(world, &own);
    assert_eq!(refused(&response), refusal(404, "NotFound", ""));
    let lene = Client::sign_in(world, LENE, Representation::Json);
    let own = lene.application.embedded("me").unwrap();
    let own = own.link_href("photo").unwrap().to_owned();
    assert_eq!(lene.get(world, &own).status(), StatusCode::OK);
}

#[test]
fn the_photo_of_another_server_is_a_link_to_it() {
    let mut config = World::config();
    let elsewhere = "https://photos.contoso.com/lene.jpg";
    config.users[1].card.photo = Some(elsewhere.to_owned());
    let world = &mut World::of(config);
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let lene = contact(world, &tosh, LENE);
    assert_eq!(lene.link_href("contactPhoto"), Some(elsewhere));
}

#[test]
fn a_conditional_read_of_an_unchanged_contact_answers_304() {
    let world = &mut world();
    let tosh = Client::sign_in(world, TOSH, Representation::Json);
    let lene = contact(world, &tosh, LENE);
    let href = lene.href().unwrap();
    let etag = tosh.get(world, href).headers()[ETAG].clone();
    let request = tosh
        .builder(&Method::GET, href)
        .header(IF_NONE_MATCH, etag.clone());
    let unchanged = world.exchange(request.body(bytes::Bytes::new()).unwrap());
    assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
    let other = contact(world, &tosh, TOSH);
    assert_ne!(tosh.get(world, other.href().unwrap()).headers()[ETAG], etag);
}
