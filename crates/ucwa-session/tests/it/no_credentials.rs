//! Resuming without credentials.

use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
use crate::handover::{chat_checkpoint, find_applications};

const TOKENS: &str = "/WebTicket/oauthtoken";

fn resumed_without_credentials() -> (TestDriver, Ticket) {
    let checkpoint = chat_checkpoint();
    let mut driver = TestDriver::new(TestDriver::config());
    driver.session = Session::resume(TestDriver::config(), checkpoint);
    let sip_uri = "sip:toshm@contoso.com".to_owned();
    let ticket = driver.submit(Operation::SignIn(Credentials::None { sip_uri }));
    (driver, ticket)
}

/// Refuses the token of a request.
fn refuse(driver: &mut TestDriver, target: &str) {
    let request = driver.take("GET", target);
    driver.respond(request.id, challenge(TOKENS));
}

#[track_caller]
fn assert_nothing_sent(driver: &TestDriver) {
    assert_eq!(driver.count_sent("POST", ""), 0);
    assert_eq!(driver.count_sent("DELETE", ""), 0);
}

#[test]
fn the_token_of_the_checkpoint_is_enough() {
    let (mut driver, ticket) = resumed_without_credentials();
    driver.reply("GET", APP, 200, application(false));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert_nothing_sent(&driver);
}

#[test]
fn a_refused_token_fails_the_sign_in_and_deletes_nothing() {
    for target in [APP.to_owned(), format!("{APP}/events")] {
        let (mut driver, ticket) = resumed_without_credentials();
        refuse(&mut driver, &target);
        let failure = driver.failure(ticket);
        assert_eq!(failure.kind(), &FailureKind::NoCredentials, "{target}");
        assert_eq!(failure.stage(), Stage::Authentication);
        assert_nothing_sent(&driver);
    }
}

#[test]
fn a_token_that_is_refused_later_ends_the_session_and_deletes_nothing() {
    let (mut driver, _) = resumed_without_credentials();
    driver.reply("GET", APP, 200, application(false));
    refuse(&mut driver, &format!("{APP}/events"));
    let ends = driver.events.iter().filter_map(|event| match event {
        SessionEvent::SignIn {
            state: SignInState::SignedOut,
            failure,
            ..
        } => failure.as_ref().map(Failure::kind),
        _ => None,
    });
    assert_eq!(ends.collect::<Vec<_>>(), [&FailureKind::NoCredentials]);
    assert_nothing_sent(&driver);
}

#[test]
fn without_the_application_the_session_signs_in_as_far_as_the_token_goes() {
    let (mut driver, ticket) = resumed_without_credentials();
    driver.reply("GET", APP, 404, Value::Null);
    find_applications(&mut driver);
    driver.create_application();
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));

    let (mut driver, ticket) = resumed_without_credentials();
    driver.reply("GET", APP, 404, Value::Null);
    let root = json!({"_links": {"self": {"href": ROOT}, "user": {"href": "/user"}}});
    driver.reply("GET", "/", 200, root);
    refuse(&mut driver, "/user");
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::NoCredentials);
    let is_reported = |event: &SessionEvent| matches!(event, SessionEvent::NotResumed { .. });
    assert!(driver.events.iter().any(is_reported));
    assert_nothing_sent(&driver);
}
