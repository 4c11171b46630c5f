//! Expired subscriptions to presence, which are refused in the words of a lost application.

use serde_json::{Value, json};
use ucwa_session::*;

use super::*;

const SUBSCRIPTIONS: &str = "/ucwa/oauth/v1/applications/102/presenceSubscriptions";

fn lost() -> Value {
    json!({"code": "NotFound", "subcode": "ApplicationNotFound"})
}

fn third() -> String {
    format!("{SUBSCRIPTIONS}/3")
}

/// Lene's status is followed, and the extension of the subscription was refused.
fn refused_extension() -> TestDriver {
    let mut driver = following();
    wait(&mut driver, 25);
    driver.reply("POST", &third(), 404, lost());
    driver
}

/// Whether a request with exactly this target is in flight.
fn is_in_flight(driver: &TestDriver, method: &str, target: &str) -> bool {
    let mut sent = driver.sent.iter();
    sent.any(|sent| sent.request.method() == method && sent.target() == target)
}

/// Whether the session creates the application anew within some seconds.
fn is_creating_application(driver: &mut TestDriver) -> bool {
    driver.advance(5 * SECOND);
    is_in_flight(driver, "POST", "/ucwa/oauth/v1/applications")
}

#[test]
fn an_expired_subscription_is_replaced_and_the_application_stays() {
    let mut driver = refused_extension();
    assert!(
        !driver.is_sent("POST", SUBSCRIPTIONS),
        "the application may be lost"
    );
    driver.reply("GET", APP, 200, with_people(false));
    driver.advance(SECOND);
    let sent = driver.take("POST", SUBSCRIPTIONS);
    assert_eq!(sent.json()["uris"], json!(["sip:LeneA@contoso.com"]));
    driver.respond(sent.id, answer(201, subscription(4)));
    assert!(!driver.is_sent("DELETE", SUBSCRIPTIONS));
    assert!(!is_creating_application(&mut driver));
    assert!(driver.events.is_empty(), "{:?}", driver.events);
    // The new subscription is extended in its turn.
    wait(&mut driver, 25);
    assert!(driver.is_sent("POST", &format!("{SUBSCRIPTIONS}/4")));
}

#[test]
fn a_lost_application_is_replaced_after_the_extension_of_a_subscription_was_refused() {
    let mut driver = refused_extension();
    driver.reply("GET", APP, 404, lost());
    assert!(is_creating_application(&mut driver));
    assert!(!driver.is_sent("POST", SUBSCRIPTIONS));
}

#[test]
fn a_read_of_the_application_that_fails_otherwise_proves_no_lost_application() {
    for status in [403, 404] {
        let mut driver = refused_extension();
        driver.reply("GET", APP, status, json!({"code": "Refused"}));
        driver.advance(SECOND);
        assert!(driver.is_sent("POST", SUBSCRIPTIONS), "{status}");
        assert!(!is_creating_application(&mut driver), "{status}");
    }
}

#[test]
fn the_deletion_of_an_expired_subscription_does_not_replace_the_application() {
    let mut driver = following();
    driver.submit(follow(LENE, PersonField::Status, Interest::None));
    driver.advance(SECOND);
    driver.reply("DELETE", &third(), 404, lost());
    driver.reply("GET", APP, 200, with_people(false));
    assert!(!is_creating_application(&mut driver));
    assert!(!driver.is_sent("POST", SUBSCRIPTIONS));
}

#[test]
fn subscriptions_that_expired_together_share_one_read_of_the_application() {
    let mut driver = following();
    driver.submit(follow(SARA, PersonField::Status, Interest::Live));
    driver.advance(SECOND);
    driver.reply("POST", SUBSCRIPTIONS, 201, subscription(4));
    wait(&mut driver, 25);
    driver.reply("POST", &third(), 404, lost());
    driver.reply("POST", &format!("{SUBSCRIPTIONS}/4"), 404, lost());
    driver.reply("GET", APP, 200, with_people(false));
    assert!(!is_in_flight(&driver, "GET", APP));
    driver.advance(SECOND);
    let uris = driver.take("POST", SUBSCRIPTIONS).json()["uris"].clone();
    assert_eq!(uris.as_array().unwrap().len(), 2, "{uris}");
}
