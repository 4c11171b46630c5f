//! Authentication and sign-in with a password.

use std::time::Duration;

use http::header::AUTHORIZATION;
use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;

pub(crate) fn root(user: &str) -> Value {
    json!({"_links": {"self": {"href": ROOT}, "user": {"href": user}}})
}

pub(crate) fn begin(config: SessionConfig) -> (TestDriver, Ticket) {
    let mut driver = TestDriver::new(config);
    let ticket = driver.submit(Operation::SignIn(TestDriver::credentials()));
    (driver, ticket)
}

#[test]
fn sign_in_takes_the_documented_steps_and_sends_the_password_only_to_the_token_service() {
    let (mut driver, ticket) = begin(TestDriver::config());
    let sent = driver.reply("GET", "/", 200, root("/user"));
    assert!(!sent.request.headers().contains_key(AUTHORIZATION));
    let user = driver.take("GET", "/user");
    assert!(!user.request.headers().contains_key(AUTHORIZATION));
    driver.respond(user.id, challenge("/WebTicket/oauthtoken"));
    let asked = driver.reply(
        "POST",
        "/WebTicket/oauthtoken",
        200,
        token("cwt=one", 28_000),
    );
    assert_eq!(
        asked.body(),
        "grant_type=password&username=toshm%40contoso.com&password=pa55%20w%26rd"
    );
    let user = driver.reply(
        "GET",
        "/user",
        200,
        json!({"_links": {"applications": {"href": "/ucwa/oauth/v1/applications"}}}),
    );
    assert_eq!(user.request.headers()[AUTHORIZATION], "Bearer cwt=one");
    let create = driver.reply(
        "POST",
        "/ucwa/oauth/v1/applications",
        201,
        application(true),
    );
    assert_eq!(create.json()["culture"], "en-US");
    assert_eq!(create.json()["endpointId"].as_str().unwrap().len(), 36);
    let available = driver.reply(
        "POST",
        &format!("{APP}/me/makeMeAvailable"),
        204,
        Value::Null,
    );
    assert_eq!(
        available.json(),
        json!({
            "signInAs": "Online",
            "supportedMessageFormats": ["Plain", "Html"],
            "supportedModalities": ["Messaging"],
        }),
        "other modalities are refused, and the format of a time limit is undocumented"
    );
    assert_eq!(driver.order, ["send", "event", "completed"]);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    driver.reply("GET", APP, 200, application(false));
    assert!(driver.is_sent("GET", &format!("{APP}/events?ack=1")));
    let states: Vec<_> = driver
        .events
        .iter()
        .filter_map(|event| match event {
            SessionEvent::SignIn { state, .. } => Some(*state),
            _ => None,
        })
        .collect();
    assert_eq!(states, [SignInState::SigningIn, SignInState::SignedIn]);
    let debug = format!("{:?} {:?}", driver.session, driver.events);
    assert!(!debug.contains("pa55") && !debug.contains("cwt="));
}

#[test]
fn a_wrong_password_has_its_own_error_and_is_not_retried() {
    let (mut driver, ticket) = begin(TestDriver::config());
    driver.reply("GET", "/", 200, root("/user"));
    let user = driver.take("GET", "/user");
    driver.respond(user.id, challenge("/WebTicket/oauthtoken"));
    let asked = driver.take("POST", "/WebTicket/oauthtoken");
    let mut refused = answer(400, json!({"error": "invalid_grant"}));
    refused.headers_mut().insert(
        "x-ms-diagnostics",
        "28020;source=\"fe\";reason=\"No valid security token.\""
            .parse()
            .unwrap(),
    );
    driver.respond(asked.id, refused);
    let failure = driver.failure(ticket);
    assert_eq!(failure.kind(), &FailureKind::InvalidCredentials);
    assert_eq!(
        (failure.stage(), failure.status(), failure.code()),
        (Stage::Authentication, Some(400), Some("invalid_grant"))
    );
    assert!(failure.diagnostics().unwrap().starts_with("28020"));
    assert!(driver.sent.is_empty());
    assert_eq!(driver.wake_at, None);
    let again = driver.submit(Operation::SignIn(TestDriver::credentials()));
    assert_eq!(driver.failure(again).kind(), &FailureKind::WrongState);
}

#[test]
fn a_server_without_the_password_grant_fails_with_its_grants() {
    let (mut driver, ticket) = begin(TestDriver::config());
    driver.reply("GET", "/", 200, root("/user"));
    let user = driver.take("GET", "/user");
    let refused = http::Response::builder()
        .status(401)
        .header(
            "www-authenticate",
            "MsRtcOAuth href=\"/t\",grant_type=\"urn:microsoft.rtc:windows\"",
        )
        .body(bytes::Bytes::new())
        .unwrap();
    driver.respond(user.id, refused);
    let offered = crate::grants::offered(driver.failure(ticket));
    assert_eq!(offered, ["urn:microsoft.rtc:windows"]);
}

/// The pool issues the token for the discovery host, and then needs no challenge of its own.
#[test]
fn the_host_that_issued_a_token_gets_it_without_a_challenge() {
    let (mut driver, _) = begin(TestDriver::config());
    driver.reply("GET", "/", 200, root("/user"));
    let user = driver.take("GET", "/user");
    driver.respond(
        user.id,
        challenge("https://pool01.contoso.com/WebTicket/oauthtoken"),
    );
    let issued = token("cwt=one", 28_000);
    driver.reply("POST", "/WebTicket/oauthtoken", 200, issued);
    let applications = "https://pool01.contoso.com/ucwa/oauth/v1/applications";
    driver.reply(
        "GET",
        "/user",
        200,
        json!({"_links": {"self": {"href": "/user"}, "applications": {"href": applications}}}),
    );
    let create = driver.take("POST", "/ucwa/oauth/v1/applications");
    assert_eq!(create.request.uri().host(), Some("pool01.contoso.com"));
    assert_eq!(
        create.request.headers()[http::header::AUTHORIZATION],
        "Bearer cwt=one"
    );
}

#[test]
fn a_token_service_on_an_untrusted_host_gets_no_password() {
    let (mut driver, ticket) = begin(TestDriver::config());
    driver.reply("GET", "/", 200, root("/user"));
    let user = driver.take("GET", "/user");
    driver.respond(
        user.id,
        challenge("https://evil.example/WebTicket/oauthtoken"),
    );
    assert!(driver.sent.is_empty());
    let failure = driver.failure(ticket);
    assert_eq!(
        (failure.kind(), failure.host()),
        (&FailureKind::Untrusted, Some("evil.example"))
    );
}

#[test]
fn a_question_about_an_untrusted_host_without_an_answer_is_a_refusal() {
    let mut config = TestDriver::config();
    config.trust.ask = true;
    let (mut driver, ticket) = begin(config.clone());
    driver.reply(
        "GET",
        "/",
        200,
        json!({"_links": {"redirect": {"href": "https://pool.example/root"}}}),
    );
    let (id, question) = driver.asked.pop().unwrap();
    let Question::Trust { from, to, .. } = question else {
        panic!("{question:?}");
    };
    assert_eq!([from, to], ["127.0.0.1", "pool.example"]);
    assert!(driver.sent.is_empty());
    driver.handle(Input::Answer {
        id,
        answer: Answer::Trust(true),
    });
    assert!(driver.is_sent("GET", "/root"));
    assert_eq!(driver.result(ticket), None);

    let (mut silent, ticket) = begin(config);
    silent.reply(
        "GET",
        "/",
        200,
        json!({"_links": {"redirect": {"href": "https://pool.example/root"}}}),
    );
    silent.advance(Duration::from_secs(121));
    assert_eq!(silent.failure(ticket).kind(), &FailureKind::Untrusted);
}

#[test]
fn a_user_of_the_online_service_gets_its_own_error() {
    let (mut driver, ticket) = begin(TestDriver::config());
    driver.reply(
        "GET",
        "/",
        200,
        json!({"_links": {"redirect": {"href": "https://webdir0e.online.lync.com/x"}}}),
    );
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::HomedOnline);
}

#[test]
fn a_proxy_page_is_not_a_ucwa_response() {
    let (mut driver, ticket) = begin(TestDriver::config());
    let sent = driver.take("GET", "/");
    let page = http::Response::builder()
        .header("content-type", "text/html")
        .body("<html>hello</html>".into())
        .unwrap();
    driver.respond(sent.id, page);
    let failure = driver.failure(ticket);
    assert_eq!(
        (failure.kind(), failure.stage(), failure.status()),
        (&FailureKind::UnexpectedAnswer, Stage::Discovery, Some(200))
    );
}

#[test]
fn a_proxy_that_asks_for_authentication_names_its_schemes() {
    let (mut driver, ticket) = begin(TestDriver::config());
    let sent = driver.take("GET", "/");
    let refusal = http::Response::builder()
        .status(407)
        .header("proxy-authenticate", "Negotiate, Basic realm=\"x, y\"")
        .body(bytes::Bytes::new())
        .unwrap();
    driver.respond(sent.id, refusal);
    let failure = driver.failure(ticket);
    assert_eq!(failure.status(), Some(407));
    let schemes = "the proxy offers authentication by Negotiate, Basic";
    assert_eq!(failure.message(), Some(schemes));
}

#[test]
fn an_invalid_address_is_refused_before_anything_is_sent() {
    for (uri, root) in [
        ("not an address", ROOT),
        ("sip:toshm@contoso.com", "ftp://x/"),
        ("tel:+1425", ROOT),
    ] {
        let mut config = TestDriver::config();
        config.root = Root::Url(root.to_owned());
        let mut driver = TestDriver::new(config);
        let ticket = driver.submit(Operation::SignIn(Credentials::Password {
            sip_uri: uri.to_owned(),
            user_name: None,
            password: PASSWORD.into(),
        }));
        assert_eq!(
            driver.failure(ticket).kind(),
            &FailureKind::InvalidArgument,
            "{uri} {root}"
        );
        assert!(driver.sent.is_empty());
    }
}

#[test]
fn a_sign_in_that_keeps_the_status_sends_none() {
    let mut config = TestDriver::config();
    config.keep_status = true;
    let mut driver = TestDriver::new(config);
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.discover();
    let applications = "/ucwa/oauth/v1/applications";
    driver.reply("POST", applications, 201, application(true));
    let available = format!("{APP}/me/makeMeAvailable");
    let sent = driver.reply("POST", &available, 204, Value::Null);
    assert_eq!(
        sent.json(),
        json!({"supportedMessageFormats": ["Plain", "Html"], "supportedModalities": ["Messaging"]})
    );
}

#[test]
fn a_refused_make_me_available_does_not_fail_the_sign_in() {
    for (status, subcode) in [(409, "AlreadyExists"), (403, "None")] {
        let (mut driver, ticket) = begin(TestDriver::config());
        driver.reply("GET", "/", 200, root("/user"));
        driver.reply(
            "GET",
            "/user",
            200,
            json!({"_links": {"applications": {"href": "/ucwa/oauth/v1/applications"}}}),
        );
        driver.reply(
            "POST",
            "/ucwa/oauth/v1/applications",
            201,
            application(true),
        );
        driver.reply(
            "POST",
            &format!("{APP}/me/makeMeAvailable"),
            status,
            json!({"code": "Conflict", "subcode": subcode}),
        );
        driver.reply("GET", APP, 200, application(false));
        assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    }
}

#[test]
fn an_expired_token_is_renewed_once_for_all_waiting_requests() {
    let mut driver = TestDriver::with_conversation();
    driver.send(1, "one");
    let poll = driver.take("GET", &format!("{APP}/events"));
    let post = driver.take("POST", &format!("{APP}/communication/messagingInvitations"));
    driver.respond(poll.id, challenge("/WebTicket/oauthtoken"));
    driver.respond(post.id, challenge("/WebTicket/oauthtoken"));
    assert_eq!(driver.sent.len(), 1, "one renewal: {:?}", driver.sent);
    driver.reply(
        "POST",
        "/WebTicket/oauthtoken",
        200,
        token("cwt=two", 28_000),
    );
    let poll = driver.take("GET", &format!("{APP}/events?ack=1"));
    assert_eq!(poll.request.headers()[AUTHORIZATION], "Bearer cwt=two");
    let post = driver.take("POST", &format!("{APP}/communication/messagingInvitations"));
    assert_eq!(post.request.headers()[AUTHORIZATION], "Bearer cwt=two");
    // There is only one repeat.
    driver.respond(post.id, challenge("/WebTicket/oauthtoken"));
    assert!(driver.sent.is_empty());
    assert_eq!(
        driver.delivery_results(chat()),
        [(MessageKey::Local(1), MessageStatus::Failed)]
    );
}

#[test]
fn a_token_is_renewed_early_without_delaying_requests() {
    let mut driver = TestDriver::with_conversation();
    // Until nine tenths of the token's lifetime have passed, only polls and reports of activity are sent.
    while !driver.is_sent("POST", "/WebTicket") {
        assert!(driver.now < Duration::from_secs(28_000));
        driver.advance(Duration::from_secs(100));
        driver.page(json!([]));
        if driver.is_sent("POST", &format!("{APP}/me/reportMyActivity")) {
            driver.reply(
                "POST",
                &format!("{APP}/me/reportMyActivity"),
                204,
                Value::Null,
            );
        }
    }
    assert!(
        driver.now >= Duration::from_secs(25_200),
        "{:?}",
        driver.now
    );
    driver.send(1, "one");
    let post = driver.take("POST", &format!("{APP}/communication/messagingInvitations"));
    assert_eq!(
        post.request.headers()[AUTHORIZATION],
        "Bearer cwt=one",
        "the old token is still valid"
    );
}

#[test]
fn a_token_that_another_pool_refuses_counts_as_a_challenge_once() {
    let mut driver = TestDriver::with_conversation();
    driver.send(1, "one");
    let post = driver.take("POST", &format!("{APP}/communication/messagingInvitations"));
    let mut refused = answer(500, Value::Null);
    refused.headers_mut().insert(
        "x-ms-diagnostics",
        "28032;source=\"fe;reason=\"The web ticket is invalid."
            .parse()
            .unwrap(),
    );
    driver.respond(post.id, refused.clone());
    // A request without a token gets the challenge.
    let probe = driver.take("GET", &format!("{APP}/communication/messagingInvitations"));
    assert!(!probe.request.headers().contains_key(AUTHORIZATION));
    driver.respond(probe.id, challenge("/WebTicket/oauthtoken"));
    driver.reply(
        "POST",
        "/WebTicket/oauthtoken",
        200,
        token("cwt=two", 28_000),
    );
    let post = driver.take("POST", &format!("{APP}/communication/messagingInvitations"));
    assert_eq!(post.request.headers()[AUTHORIZATION], "Bearer cwt=two");
}
