//! Photos, the user's phones and call forwarding.

use serde_json::{Value, json};
use ucwa_session::*;

use super::contacts::{following_the_list, signed_in_with_contacts, submit};
use super::*;

#[test]
fn a_photo_has_a_size_and_a_version_and_may_be_missing() {
    let mut driver = following_the_list();
    let fetch = |etag: Option<&str>| {
        ContactsOperation::fetch_photo(LENE.to_owned(), Some((96, 96)), etag.map(str::to_owned))
    };
    let href = format!("{}/contactPhoto?size=HR96X96", contact_href(282));
    let ticket = submit(&mut driver, fetch(None));
    let sent = driver.take("GET", &href);
    assert_eq!(sent.request.headers()["accept"], "image/*");
    let image = http::Response::builder()
        .header("content-type", "image/jpeg")
        .header("etag", "\"1\"")
        .body(Bytes::from_static(b"\xff\xd8"))
        .unwrap();
    driver.respond(sent.id, image);
    let photo = Photo::new(
        "image/jpeg",
        Bytes::from_static(b"\xff\xd8"),
        Some("\"1\"".into()),
    );
    let found = Outcome::Photo(PhotoResult::Found(photo));
    assert_eq!(driver.result(ticket), Some(&Ok(found)));

    for (status, expected) in [
        (304, PhotoResult::NotModified),
        (403, PhotoResult::None),
        (404, PhotoResult::None),
    ] {
        let ticket = submit(&mut driver, fetch(Some("\"1\"")));
        let sent = driver.take("GET", &href);
        assert_eq!(sent.request.headers()["if-none-match"], "\"1\"");
        driver.respond(sent.id, answer(status, Value::Null));
        let expected = Ok(Outcome::Photo(expected));
        assert_eq!(driver.result(ticket), Some(&expected), "{status}");
    }
}

#[test]
fn phones_are_trimmed_and_need_enterprise_voice() {
    let mut driver = signed_in_with_contacts();
    let ticket = submit(&mut driver, ContactsOperation::FetchPhones);
    let phones = json!({"rel": "phones", "_embedded": {"phone": [
        {"rel": "phone", "type": " Work", "number": " tel:+1 ", "includeInContactCard": true}]}});
    driver.reply("GET", &format!("{APP}/me/phones"), 200, phones);
    let expected = Ok(Outcome::Phones(vec![UserPhone::new(
        "work", "tel:+1", true,
    )]));
    assert_eq!(driver.result(ticket), Some(&expected));
    let ticket = submit(&mut driver, ContactsOperation::FetchCallForwarding);
    let refused = json!({"code": "Forbidden"});
    driver.reply(
        "GET",
        &format!("{APP}/me/callForwardingSettings"),
        403,
        refused,
    );
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::NotSupported);
}
