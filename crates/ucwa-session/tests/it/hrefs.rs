//! Hrefs: used as the server writes them, compared without regard to case, and not followed to untrusted hosts.

use http::header::AUTHORIZATION;
use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
use crate::fixtures::*;
use crate::pages::*;

/// A session with this startMessaging link.
fn starting_at(href: &str) -> TestDriver {
    let mut driver = TestDriver::with_conversation();
    let links = json!({"_links": {"startMessaging": {"href": href}}});
    let update = event("updated", "communication", "/x", links);
    driver.page(json!([communication(vec![update])]));
    driver
}

#[test]
fn an_href_is_used_as_the_server_wrote_it() {
    for (href, target) in [
        ("/a/b", "/a/b"),
        // A path with an empty first segment, as servers send it. It names no host.
        ("//v1/a", "//v1/a"),
        (
            "/people/LeneA@Contoso.com/x?y=%3d&Z=1",
            "/people/LeneA@Contoso.com/x?y=%3d&Z=1",
        ),
        ("http://127.0.0.1:5061/a?b=c", "/a?b=c"),
        ("HTTP://127.0.0.1:5061/A", "/A"),
    ] {
        let mut driver = starting_at(href);
        driver.send(1, "Hello");
        let post = driver.sent.iter().find(|sent| sent.lane == Lane::Commands);
        assert_eq!(post.unwrap().target(), target);
    }
}

#[test]
fn a_link_to_another_host_gets_no_token_and_no_request() {
    for href in [
        "https://evil.example/x",
        "http://127.0.0.1:5062/x",
        "https://127.0.0.1:5061/x",
        "http://127.0.0.1:5061@evil.example/x",
    ] {
        let mut driver = starting_at(href);
        let ticket = driver.send(1, "Hello");
        let failure = driver.failure(ticket);
        assert!(
            matches!(
                failure.kind(),
                FailureKind::Untrusted | FailureKind::UnexpectedAnswer
            ),
            "{href}: {failure}"
        );
        assert!(!driver.is_sent("POST", ""), "{href}");
    }
}

#[test]
fn hrefs_are_compared_without_regard_to_case() {
    let mut fixture = established();
    let shouted = conversation_href("21a1").to_uppercase();
    let said = arrival("21a1", "5", "Hi");
    fixture
        .driver
        .page(json!([{"rel": "conversation", "href": shouted, "events": [said]}]));
    assert_eq!(fixture.driver.received(fixture.key), ["Hi"]);
    let absolute = format!("http://127.0.0.1:5061{}", conversation_href("21a1"));
    let said = arrival("21a1", "6", "Ho");
    fixture
        .driver
        .page(json!([{"rel": "conversation", "href": absolute, "events": [said]}]));
    assert_eq!(fixture.driver.received(fixture.key), ["Ho"]);
}

#[test]
fn a_location_may_differ_from_the_event_in_spelling() {
    let mut fixture = established();
    let ticket = fixture.driver.send(1, "one");
    let messages = fixture.messages();
    let location = format!("http://127.0.0.1:5061{}", message_href("21a1", "2"));
    fixture.driver.created(
        "POST",
        &messages,
        &location.to_uppercase().replacen("HTTP", "http", 1),
    );
    let delivered = delivery_event("21a1", "2", "Success");
    fixture
        .driver
        .page(senders("21a1", vec![(true, delivered)]));
    assert_eq!(fixture.driver.result(ticket), Some(&Ok(Outcome::Delivered)));
}

#[test]
fn an_embedded_resource_may_be_a_list_of_one() {
    let from = json!({"rel": "participant", "name": "Lene Aaling", "uri": "sip:lenea@contoso.com",
                      "_links": {"self": {"href": participant_href("17b")}}});
    for from in [from.clone(), json!([from])] {
        let mut page = offered("17b", "Hi");
        page[0]["events"][0]["_embedded"]["messagingInvitation"]["_embedded"]["from"] = from;
        let mut driver = TestDriver::signed_in();
        driver.page(page);
        assert!(matches!(
            driver.events.as_slice(),
            [SessionEvent::Incoming { from, .. }] if from.uri.as_deref() == Some("sip:lenea@contoso.com")
        ));
    }
    let accepted = json!({"rel": "participant", "uri": "sip:lenea@contoso.com", "name": "Lene",
                          "_links": {"self": {"href": participant_href("21a1")}}});
    for accepted in [accepted.clone(), json!([accepted])] {
        let mut fixture = invitation_started();
        let mut done = invitation("completed", &fixture.operation, "21a1", "Connected");
        done["_embedded"]["messagingInvitation"]["_embedded"] =
            json!({"acceptedByParticipant": accepted});
        fixture.driver.page(senders("21a1", vec![(false, done)]));
        assert!(fixture.changes().iter().any(|change| matches!(
            change,
            ConversationChange::ParticipantJoined(it) if it.name.as_deref() == Some("Lene")
        )));
    }
}

#[test]
fn no_request_has_the_headers_of_a_browser() {
    let mut driver = TestDriver::new(TestDriver::config());
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    let check = |driver: &TestDriver| {
        for sent in &driver.sent {
            for name in [
                "origin",
                "referer",
                "x-ms-origin",
                "x-requested-with",
                "x-ms-requiresminresourceversion",
            ] {
                let target = sent.target();
                assert!(
                    !sent.request.headers().contains_key(name),
                    "{name} {target}"
                );
            }
            assert!(sent.request.headers().contains_key("accept"));
        }
    };
    check(&driver);
    driver.discover();
    check(&driver);
    driver.create_application();
    check(&driver);
}

/// Reads the user resource that this root links to. Returns the ticket of the sign-in.
fn with_root(config: SessionConfig, root: &Value) -> (TestDriver, Ticket) {
    let mut driver = TestDriver::new(config);
    let ticket = driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.reply("GET", "/", 200, root.clone());
    (driver, ticket)
}

#[test]
fn untrusted_hosts_get_no_request_for_a_user_or_an_application() {
    let user = json!({"_links": {"user": {"href": "https://pool.example/user"}}});
    let (driver, ticket) = with_root(TestDriver::config(), &user);
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::Untrusted);
    assert!(driver.sent.is_empty());

    for rel in ["applications", "redirect"] {
        let user = json!({"_links": {"user": {"href": "/user"}}});
        let (mut driver, ticket) = with_root(TestDriver::config(), &user);
        let links = json!({"_links": {rel: {"href": "https://pool.example/x"}}});
        driver.reply("GET", "/user", 200, links);
        assert_eq!(
            driver.failure(ticket).kind(),
            &FailureKind::Untrusted,
            "{rel}"
        );
        assert!(driver.sent.is_empty());
    }
}

#[test]
fn no_token_is_sent_without_encryption() {
    let message = "credentials are not sent over plain HTTP; the server needs an https:// address; host pool.contoso.com";
    let check = |driver: &TestDriver, ticket| {
        let failure = driver.failure(ticket);
        assert_eq!(failure.kind(), &FailureKind::PlainHttp);
        assert!(failure.to_string().contains(message), "{failure}");
        assert!(driver.sent.is_empty());
    };
    // A server links to it.
    let user = json!({"_links": {"user": {"href": "http://pool.contoso.com/user"}}});
    let (driver, ticket) = with_root(TestDriver::config(), &user);
    check(&driver, ticket);

    // The user named it.
    let mut config = TestDriver::config();
    config.root = Root::Url("http://pool.contoso.com/".to_owned());
    let mut driver = TestDriver::new(config);
    let ticket = driver.submit(Operation::SignIn(TestDriver::credentials()));
    check(&driver, ticket);

    // An application on HTTPS links to the same host without encryption.
    let mut config = TestDriver::config();
    config.root = Root::User("https://pool.contoso.com/user".to_owned());
    let mut driver = TestDriver::new(config);
    let ticket = driver.submit(Operation::SignIn(TestDriver::credentials()));
    let links = json!({"_links": {"applications": {"href": "/applications"}}});
    driver.reply("GET", "/user", 200, links);
    let mut application = application(true);
    application["_embedded"]["me"]["_links"]["makeMeAvailable"]["href"] =
        "http://pool.contoso.com/make".into();
    driver.reply("POST", "/applications", 201, application);
    driver.sent.clear();
    check(&driver, ticket);
}

#[test]
fn http_redirects_are_not_followed() {
    for location in ["/elsewhere", "https://pool.contoso.com/"] {
        let mut driver = TestDriver::new(TestDriver::config());
        let ticket = driver.submit(Operation::SignIn(TestDriver::credentials()));
        driver.created("GET", "/", location);
        assert!(driver.result(ticket).is_some(), "201 is no root either");

        let mut driver = TestDriver::new(TestDriver::config());
        let ticket = driver.submit(Operation::SignIn(TestDriver::credentials()));
        let root = driver.take("GET", "/");
        let moved = http::Response::builder()
            .status(302)
            .header("location", location)
            .body(bytes::Bytes::new())
            .unwrap();
        driver.respond(root.id, moved);
        assert_eq!(driver.failure(ticket).status(), Some(302));
        assert!(driver.sent.is_empty());
    }
}

/// The applications resource is on another host of a trusted domain.
fn at_another_pool() -> TestDriver {
    let mut driver = TestDriver::new(TestDriver::config());
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    let user = json!({"_links": {"user": {"href": "/user"}}});
    driver.reply("GET", "/", 200, user);
    let user = driver.take("GET", "/user");
    driver.respond(user.id, challenge("/WebTicket/oauthtoken"));
    let first = token("cwt=one", 28_000);
    driver.reply("POST", "/WebTicket/oauthtoken", 200, first);
    let pool = "https://pool.contoso.com/ucwa/oauth/v1/applications";
    let links = json!({"_links": {"applications": {"href": pool}}});
    driver.reply("GET", "/user", 200, links);
    driver
}

#[test]
fn a_refused_token_of_another_host_counts_as_a_challenge_with_any_status() {
    for status in [401, 403, 500] {
        let mut driver = at_another_pool();
        let create = driver.take("POST", "/ucwa/oauth/v1/applications");
        assert_eq!(create.request.uri().host(), Some("pool.contoso.com"));
        assert_eq!(create.request.headers()[AUTHORIZATION], "Bearer cwt=one");
        // The response has neither a challenge nor an error body.
        driver.respond(create.id, answer(status, Value::Null));
        let asked = driver.take("GET", "/ucwa/oauth/v1/applications");
        assert!(!asked.request.headers().contains_key(AUTHORIZATION));
        driver.respond(asked.id, challenge("/WebTicket/oauthtoken"));
        let post = driver.take("POST", "/WebTicket/oauthtoken");
        assert_eq!(post.request.uri().host(), Some("pool.contoso.com"));
        driver.respond(post.id, answer(200, token("cwt=two", 28_000)));
        let create = driver.take("POST", "/ucwa/oauth/v1/applications");
        assert_eq!(create.request.headers()[AUTHORIZATION], "Bearer cwt=two");
        // With its own token, the status is final.
        driver.respond(create.id, answer(403, json!({"code": "Forbidden"})));
        assert!(!driver.is_sent("GET", "") && !driver.is_sent("POST", "/WebTicket"));
    }
}

#[test]
fn a_500_that_may_not_be_about_the_token_repeats_only_idempotent_requests() {
    let invitations = format!("{APP}/communication/messagingInvitations");
    let inviting = || {
        let mut driver = at_another_pool();
        driver.create_application();
        driver.submit(Operation::OpenConversation {
            conversation: chat(),
            participant: peer(),
            peer: "sip:lenea@contoso.com".to_owned(),
        });
        driver.send(1, "one");
        let post = driver.take("POST", &invitations);
        assert_eq!(post.request.headers()[AUTHORIZATION], "Bearer cwt=one");
        (driver, post.id)
    };
    let (mut driver, post) = inviting();
    driver.respond(post, answer(500, Value::Null));
    driver.advance(std::time::Duration::from_secs(20));
    assert!(!driver.is_sent("POST", ""), "{:?}", driver.sent);
    let asks = |sent: &Request| !sent.request.headers().contains_key(AUTHORIZATION);
    assert!(!driver.sent.iter().any(asks), "{:?}", driver.sent);
    // The diagnostics say that the token is refused.
    let ticket = "28032;reason=\"x\"".parse().unwrap();
    let mut diagnosed = answer(500, Value::Null);
    diagnosed.headers_mut().insert("x-ms-diagnostics", ticket);
    for refused in [
        diagnosed,
        answer(401, Value::Null),
        answer(403, Value::Null),
    ] {
        let (mut driver, post) = inviting();
        driver.respond(post, refused);
        let asked = driver.take("GET", &invitations);
        driver.respond(asked.id, challenge("/WebTicket/oauthtoken"));
        let renewed = token("cwt=two", 28_000);
        driver.reply("POST", "/WebTicket/oauthtoken", 200, renewed);
        let post = driver.take("POST", &invitations);
        assert_eq!(post.request.headers()[AUTHORIZATION], "Bearer cwt=two");
    }
}

#[test]
fn all_requests_of_an_application_go_to_its_pool() {
    let mut driver = at_another_pool();
    driver.create_application();
    assert_eq!(driver.sent.len(), 1);
    let poll = &driver.sent[0].request;
    assert_eq!(poll.uri().host(), Some("pool.contoso.com"));
    assert_eq!(poll.uri().scheme_str(), Some("https"));
}

#[test]
fn a_user_redirect_is_followed_with_a_token_of_the_new_host() {
    let user = json!({"_links": {"user": {"href": "/user"}}});
    let (mut driver, ticket) = with_root(TestDriver::config(), &user);
    let asked = driver.take("GET", "/user");
    driver.respond(asked.id, challenge("/WebTicket/oauthtoken"));
    let first = token("cwt=one", 28_000);
    driver.reply("POST", "/WebTicket/oauthtoken", 200, first);
    let there = json!({"_links": {"redirect": {"href": "https://pool.contoso.com/root"}}});
    driver.reply("GET", "/user", 200, there);
    let root = driver.take("GET", "/root");
    assert!(!root.request.headers().contains_key(AUTHORIZATION));
    driver.respond(root.id, answer(200, user));
    let asked = driver.take("GET", "/user");
    assert_eq!(asked.request.uri().host(), Some("pool.contoso.com"));
    driver.respond(asked.id, challenge("/WebTicket/oauthtoken"));
    let post = driver.take("POST", "/WebTicket/oauthtoken");
    assert_eq!(post.request.uri().host(), Some("pool.contoso.com"));
    driver.respond(post.id, answer(200, token("cwt=two", 28_000)));
    let asked = driver.take("GET", "/user");
    assert_eq!(asked.request.headers()[AUTHORIZATION], "Bearer cwt=two");
    let links = json!({"_links": {"applications": {"href": "/ucwa/oauth/v1/applications"}}});
    driver.respond(asked.id, answer(200, links));
    driver.create_application();
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
}
