//! People: reading, following and searching them, and the user's own presence.

mod contact_groups;
pub(crate) mod contacts;
mod expired_subscriptions;
mod followed_lists;
mod following;
mod reading;
mod telephony;
mod user;

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use ucwa_proto::{Limits, batch};
use ucwa_session::*;

pub(crate) use self::contact_groups::with_delegates;
pub(crate) use self::following::following;
use crate::driver::{APP, Request, TestDriver, answer, application};

pub(crate) const LENE: &str = "sip:lenea@contoso.com";
const SARA: &str = "sip:sarad@contoso.com";
pub(crate) const ME: &str = "sip:toshm@contoso.com";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// An application with all links about people.
pub(crate) fn with_people(fresh: bool) -> Value {
    let mut application = application(fresh);
    application["_links"]["batch"] = json!({"href": format!("{APP}/batch")});
    application["_embedded"]["people"] = json!({"rel": "people", "_links": {
        "self": {"href": format!("{APP}/people")},
        "presenceSubscriptions": {"href": format!("{APP}/presenceSubscriptions")},
        "search": {"href": format!("{APP}/search")},
    }});
    if !fresh {
        for rel in ["presence", "note", "location"] {
            application["_embedded"]["me"]["_links"][rel] =
                json!({"href": format!("{APP}/me/{rel}")});
        }
    }
    application
}

pub(crate) fn signed_in_with_people() -> TestDriver {
    TestDriver::signed_in_to(with_people)
}

pub(crate) fn contact_href(id: u32) -> String {
    format!("{APP}/people/{id}")
}

pub(crate) fn contact(id: u32, uri: &str, name: &str) -> Value {
    let of = |rel: &str| json!({"href": format!("{}/{rel}", contact_href(id))});
    json!({
        "rel": "contact", "uri": uri, "name": name, "title": "Engineer", "emailAddresses": ["a@contoso.com"],
        "workPhoneNumber": "tel:+4512345678",
        "_links": {
            "self": {"href": contact_href(id)},
            "contactPresence": of("contactPresence"), "contactNote": of("contactNote"),
            "contactLocation": of("contactLocation"), "contactPhoto": of("contactPhoto"),
            "contactSupportedModalities": of("contactSupportedModalities"),
        },
    })
}

pub(crate) fn found(contacts: Value, more: bool) -> Value {
    json!({"rel": "search", "moreResultsAvailable": more, "_links": {"self": {"href": format!("{APP}/search")}},
           "_embedded": {"contact": contacts}})
}

pub(crate) fn presence(availability: &str) -> Value {
    json!({"rel": "contactPresence", "availability": availability, "activity": "in-a-meeting", "deviceType": "Mobile",
           "lastActive": "/Date(1474932023993)/", "_links": {"self": {"href": "x"}}})
}

/// A session in which Lene is contact 282 and Sara is contact 647.
pub(crate) fn acquainted() -> TestDriver {
    let mut driver = signed_in_with_people();
    let ticket = driver.submit(search("a"));
    let lene = contact(282, "sip:LeneA@contoso.com", "Lene Aaling");
    let sara = contact(647, SARA, "Sara Davis");
    driver.reply(
        "GET",
        &format!("{APP}/search"),
        200,
        found(json!([lene, sara]), false),
    );
    assert!(matches!(driver.result(ticket), Some(Ok(_))));
    driver.events.clear();
    driver
}

pub(crate) fn fetch(address: &str, field: PersonField) -> Operation {
    Operation::FetchPerson {
        address: address.to_owned(),
        field,
    }
}

pub(crate) fn follow(address: &str, field: PersonField, interest: Interest) -> Operation {
    Operation::FollowPerson {
        address: address.to_owned(),
        field,
        interest,
    }
}

pub(crate) fn search(query: &str) -> Operation {
    Operation::SearchPeople {
        query: query.to_owned(),
        limit: 20,
    }
}

/// Takes the facts about a person so far.
fn facts(driver: &mut TestDriver, address: &str) -> Vec<PersonFact> {
    std::mem::take(&mut driver.events)
        .into_iter()
        .filter_map(|event| match event {
            SessionEvent::Person { uri, fact, .. } if uri.eq_ignore_ascii_case(address) => {
                Some(fact)
            }
            _ => None,
        })
        .collect()
}

fn statuses(driver: &mut TestDriver, address: &str) -> Vec<PersonStatus> {
    facts(driver, address)
        .into_iter()
        .filter_map(|fact| match fact {
            PersonFact::Status(status) => Some(status),
            _ => None,
        })
        .collect()
}

/// The targets of the requests in a batch.
pub(crate) fn targets(request: &Request) -> Vec<String> {
    assert_eq!(request.request.headers()["accept"], batch::MEDIA_TYPE);
    let content_type = request.request.headers()["content-type"].to_str().unwrap();
    let boundary = batch::boundary(content_type).unwrap();
    let body = request.request.body();
    batch::Request::decode_batch(body, Some(boundary), &Limits::default())
        .unwrap()
        .iter()
        .map(|part| {
            assert!(part.header("host").is_some() && part.header("accept").is_some());
            assert_eq!(part.header("authorization"), None);
            format!("{} {}", part.method, part.target)
        })
        .collect()
}

pub(crate) fn batch_of(parts: &[(u16, Value)]) -> http::Response<Bytes> {
    let parts: Vec<_> = parts
        .iter()
        .map(|(status, body)| {
            batch::Response::new(*status, "")
                .with_header("Content-Type", "application/json; charset=utf-8")
                .with_body(body.to_string().into_bytes())
        })
        .collect();
    let batch = batch::Response::encode_batch(&parts, "B2");
    http::Response::builder()
        .status(200)
        .header("content-type", batch.content_type)
        .body(batch.body.into())
        .unwrap()
}

pub(crate) fn presence_changed(id: u32) -> Value {
    json!([{"rel": "people", "href": format!("{APP}/people"), "events": [{
        "type": "updated",
        "link": {"rel": "contactPresence", "href": format!("{}/contactPresence", contact_href(id))},
        "in": {"rel": "contact", "href": contact_href(id)},
    }]}])
}

/// Advances the time, with empty pages and successful reports of activity.
pub(crate) fn wait(driver: &mut TestDriver, minutes: u32) {
    for _ in 0..minutes {
        driver.advance(MINUTE);
        driver.page(json!([]));
        let activity = format!("{APP}/me/reportMyActivity");
        if driver.is_sent("POST", &activity) {
            driver.reply("POST", &activity, 204, Value::Null);
        }
    }
}

fn of_people(kind: &str, link: Value) -> Value {
    json!([{"rel": "people", "href": format!("{APP}/people"), "events": [{"type": kind, "link": link}]}])
}

pub(crate) fn subscription(id: u32) -> Value {
    json!({"rel": "presenceSubscription", "id": id.to_string(),
           "_links": {"self": {"href": format!("{APP}/presenceSubscriptions/{id}")}}})
}
