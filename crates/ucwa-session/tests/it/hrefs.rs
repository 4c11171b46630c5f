//! Hrefs: used as the server writes them, compared without regard to case, and not followed to untrusted hosts.

use http::header::AUTHORIZATION;
use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::*;
use crate::fixtures::*;
use crate::pages::*;

/// A session with this startMessaging link.
fn starting_at(href: &str) -> Bench {
    let mut bench = Bench::with_conversation();
    let links = json!({"_links": {"startMessaging": {"href": href}}});
    let update = event("updated", "communication", "/x", links);
    bench.page(json!([communication(vec![update])]));
    bench
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
        let mut bench = starting_at(href);
        bench.send(1, "Hello");
        let post = bench.sent.iter().find(|sent| sent.lane == Lane::Commands);
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
        let mut bench = starting_at(href);
        let ticket = bench.send(1, "Hello");
        let failure = bench.failure(ticket);
        assert!(
            matches!(
                failure.kind(),
                FailureKind::Untrusted | FailureKind::UnexpectedAnswer
            ),
            "{href}: {failure}"
        );
        assert!(!bench.is_sent("POST", ""), "{href}");
    }
}

#[test]
fn hrefs_are_compared_without_regard_to_case() {
    let mut fixture = established();
    let shouted = conversation_href("21a1").to_uppercase();
    let said = arrival("21a1", "5", "Hi");
    fixture
        .bench
        .page(json!([{"rel": "conversation", "href": shouted, "events": [said]}]));
    assert_eq!(fixture.bench.received(fixture.key), ["Hi"]);
    let absolute = format!("http://127.0.0.1:5061{}", conversation_href("21a1"));
    let said = arrival("21a1", "6", "Ho");
    fixture
        .bench
        .page(json!([{"rel": "conversation", "href": absolute, "events": [said]}]));
    assert_eq!(fixture.bench.received(fixture.key), ["Ho"]);
}

#[test]
fn a_location_may_differ_from_the_event_in_spelling() {
    let mut fixture = established();
    let ticket = fixture.bench.send(1, "one");
    let messages = fixture.messages();
    let location = format!("http://127.0.0.1:5061{}", message_href("21a1", "2"));
    fixture.bench.created(
        "POST",
        &messages,
        &location.to_uppercase().replacen("HTTP", "http", 1),
    );
    let delivered = verdict("21a1", "2", "Success");
    fixture.bench.page(senders("21a1", vec![(true, delivered)]));
    assert_eq!(fixture.bench.result(ticket), Some(&Ok(Outcome::Delivered)));
}

#[test]
fn an_embedded_resource_may_be_a_list_of_one() {
    let from = json!({"rel": "participant", "name": "Lene Aaling", "uri": "sip:lenea@contoso.com",
                      "_links": {"self": {"href": participant_href("17b")}}});
    for from in [from.clone(), json!([from])] {
        let mut page = offered("17b", "Hi");
        page[0]["events"][0]["_embedded"]["messagingInvitation"]["_embedded"]["from"] = from;
        let mut bench = Bench::signed_in();
        bench.page(page);
        assert!(matches!(
            bench.events.as_slice(),
            [SessionEvent::Incoming { from, .. }] if from.uri.as_deref() == Some("sip:lenea@contoso.com")
        ));
    }
    let accepted = json!({"rel": "participant", "uri": "sip:lenea@contoso.com", "name": "Lene",
                          "_links": {"self": {"href": participant_href("21a1")}}});
    for accepted in [accepted.clone(), json!([accepted])] {
        let mut fixture = ringing();
        let mut done = invitation("completed", &fixture.operation, "21a1", "Connected");
        done["_embedded"]["messagingInvitation"]["_embedded"] =
            json!({"acceptedByParticipant": accepted});
        fixture.bench.page(senders("21a1", vec![(false, done)]));
        assert!(fixture.changes().iter().any(|change| matches!(
            change,
            ConversationChange::ParticipantJoined(it) if it.name.as_deref() == Some("Lene")
        )));
    }
}

#[test]
fn no_request_has_the_headers_of_a_browser() {
    let mut bench = Bench::new(Bench::config());
    bench.submit(Operation::SignIn(Bench::credentials()));
    let check = |bench: &Bench| {
        for sent in &bench.sent {
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
    check(&bench);
    bench.discover();
    check(&bench);
    bench.enter();
    check(&bench);
}

/// Reads the user resource that this root links to. Returns the ticket of the sign-in.
fn with_root(config: SessionConfig, root: &Value) -> (Bench, Ticket) {
    let mut bench = Bench::new(config);
    let ticket = bench.submit(Operation::SignIn(Bench::credentials()));
    bench.reply("GET", "/", 200, root.clone());
    (bench, ticket)
}

#[test]
fn untrusted_hosts_get_no_request_for_a_user_or_an_application() {
    let user = json!({"_links": {"user": {"href": "https://pool.example/user"}}});
    let (bench, ticket) = with_root(Bench::config(), &user);
    assert_eq!(bench.failure(ticket).kind(), &FailureKind::Untrusted);
    assert!(bench.sent.is_empty());

    for rel in ["applications", "redirect"] {
        let user = json!({"_links": {"user": {"href": "/user"}}});
        let (mut bench, ticket) = with_root(Bench::config(), &user);
        let links = json!({"_links": {rel: {"href": "https://pool.example/x"}}});
        bench.reply("GET", "/user", 200, links);
        assert_eq!(
            bench.failure(ticket).kind(),
            &FailureKind::Untrusted,
            "{rel}"
        );
        assert!(bench.sent.is_empty());
    }
}

#[test]
fn no_token_is_sent_without_encryption() {
    let told = "credentials are not sent over plain HTTP; the server needs an https:// address; host pool.contoso.com";
    let check = |bench: &Bench, ticket| {
        let failure = bench.failure(ticket);
        assert_eq!(failure.kind(), &FailureKind::PlainHttp);
        assert!(failure.to_string().contains(told), "{failure}");
        assert!(bench.sent.is_empty());
    };
    // A server links to it.
    let user = json!({"_links": {"user": {"href": "http://pool.contoso.com/user"}}});
    let (bench, ticket) = with_root(Bench::config(), &user);
    check(&bench, ticket);

    // The user named it.
    let mut config = Bench::config();
    config.root = Root::Url("http://pool.contoso.com/".to_owned());
    let mut bench = Bench::new(config);
    let ticket = bench.submit(Operation::SignIn(Bench::credentials()));
    check(&bench, ticket);

    // An application on HTTPS links to the same host without encryption.
    let mut config = Bench::config();
    config.root = Root::User("https://pool.contoso.com/user".to_owned());
    let mut bench = Bench::new(config);
    let ticket = bench.submit(Operation::SignIn(Bench::credentials()));
    let links = json!({"_links": {"applications": {"href": "/applications"}}});
    bench.reply("GET", "/user", 200, links);
    let mut application = application(true);
    application["_embedded"]["me"]["_links"]["makeMeAvailable"]["href"] =
        "http://pool.contoso.com/make".into();
    bench.reply("POST", "/applications", 201, application);
    bench.sent.clear();
    check(&bench, ticket);
}

#[test]
fn http_redirects_are_not_followed() {
    for location in ["/elsewhere", "https://pool.contoso.com/"] {
        let mut bench = Bench::new(Bench::config());
        let ticket = bench.submit(Operation::SignIn(Bench::credentials()));
        bench.created("GET", "/", location);
        assert!(bench.result(ticket).is_some(), "201 is no root either");

        let mut bench = Bench::new(Bench::config());
        let ticket = bench.submit(Operation::SignIn(Bench::credentials()));
        let root = bench.take("GET", "/");
        let moved = http::Response::builder()
            .status(302)
            .header("location", location)
            .body(bytes::Bytes::new())
            .unwrap();
        bench.respond(root.id, moved);
        assert_eq!(bench.failure(ticket).status(), Some(302));
        assert!(bench.sent.is_empty());
    }
}

/// The applications resource is on another host of a trusted domain.
fn at_another_pool() -> Bench {
    let mut bench = Bench::new(Bench::config());
    bench.submit(Operation::SignIn(Bench::credentials()));
    let user = json!({"_links": {"user": {"href": "/user"}}});
    bench.reply("GET", "/", 200, user);
    let user = bench.take("GET", "/user");
    bench.respond(user.id, challenge("/WebTicket/oauthtoken"));
    let first = token("cwt=one", 28_000);
    bench.reply("POST", "/WebTicket/oauthtoken", 200, first);
    let pool = "https://pool.contoso.com/ucwa/oauth/v1/applications";
    let links = json!({"_links": {"applications": {"href": pool}}});
    bench.reply("GET", "/user", 200, links);
    bench
}

#[test]
fn a_refused_token_of_another_host_counts_as_a_challenge_with_any_status() {
    for status in [401, 403, 500] {
        let mut bench = at_another_pool();
        let create = bench.take("POST", "/ucwa/oauth/v1/applications");
        assert_eq!(create.request.uri().host(), Some("pool.contoso.com"));
        assert_eq!(create.request.headers()[AUTHORIZATION], "Bearer cwt=one");
        // The response has neither a challenge nor an error body.
        bench.respond(create.id, answer(status, Value::Null));
        let asked = bench.take("GET", "/ucwa/oauth/v1/applications");
        assert!(!asked.request.headers().contains_key(AUTHORIZATION));
        bench.respond(asked.id, challenge("/WebTicket/oauthtoken"));
        let post = bench.take("POST", "/WebTicket/oauthtoken");
        assert_eq!(post.request.uri().host(), Some("pool.contoso.com"));
        bench.respond(post.id, answer(200, token("cwt=two", 28_000)));
        let create = bench.take("POST", "/ucwa/oauth/v1/applications");
        assert_eq!(create.request.headers()[AUTHORIZATION], "Bearer cwt=two");
        // With its own token, the status is final.
        bench.respond(create.id, answer(403, json!({"code": "Forbidden"})));
        assert!(!bench.is_sent("GET", "") && !bench.is_sent("POST", "/WebTicket"));
    }
}

#[test]
fn a_500_that_may_not_be_about_the_token_repeats_only_idempotent_requests() {
    let invitations = format!("{APP}/communication/messagingInvitations");
    let inviting = || {
        let mut bench = at_another_pool();
        bench.enter();
        bench.submit(Operation::OpenConversation {
            conversation: chat(),
            participant: peer(),
            peer: "sip:lenea@contoso.com".to_owned(),
        });
        bench.send(1, "one");
        let post = bench.take("POST", &invitations);
        assert_eq!(post.request.headers()[AUTHORIZATION], "Bearer cwt=one");
        (bench, post.id)
    };
    let (mut bench, post) = inviting();
    bench.respond(post, answer(500, Value::Null));
    bench.advance(std::time::Duration::from_secs(20));
    assert!(!bench.is_sent("POST", ""), "{:?}", bench.sent);
    let asks = |sent: &Request| !sent.request.headers().contains_key(AUTHORIZATION);
    assert!(!bench.sent.iter().any(asks), "{:?}", bench.sent);
    // The diagnostics say that the token is refused.
    let ticket = "28032;reason=\"x\"".parse().unwrap();
    let mut diagnosed = answer(500, Value::Null);
    diagnosed.headers_mut().insert("x-ms-diagnostics", ticket);
    for refused in [
        diagnosed,
        answer(401, Value::Null),
        answer(403, Value::Null),
    ] {
        let (mut bench, post) = inviting();
        bench.respond(post, refused);
        let asked = bench.take("GET", &invitations);
        bench.respond(asked.id, challenge("/WebTicket/oauthtoken"));
        let renewed = token("cwt=two", 28_000);
        bench.reply("POST", "/WebTicket/oauthtoken", 200, renewed);
        let post = bench.take("POST", &invitations);
        assert_eq!(post.request.headers()[AUTHORIZATION], "Bearer cwt=two");
    }
}

#[test]
fn all_requests_of_an_application_go_to_its_pool() {
    let mut bench = at_another_pool();
    bench.enter();
    assert_eq!(bench.sent.len(), 1);
    let poll = &bench.sent[0].request;
    assert_eq!(poll.uri().host(), Some("pool.contoso.com"));
    assert_eq!(poll.uri().scheme_str(), Some("https"));
}

#[test]
fn a_user_redirect_is_followed_with_a_token_of_the_new_host() {
    let user = json!({"_links": {"user": {"href": "/user"}}});
    let (mut bench, ticket) = with_root(Bench::config(), &user);
    let asked = bench.take("GET", "/user");
    bench.respond(asked.id, challenge("/WebTicket/oauthtoken"));
    let first = token("cwt=one", 28_000);
    bench.reply("POST", "/WebTicket/oauthtoken", 200, first);
    let there = json!({"_links": {"redirect": {"href": "https://pool.contoso.com/root"}}});
    bench.reply("GET", "/user", 200, there);
    let root = bench.take("GET", "/root");
    assert!(!root.request.headers().contains_key(AUTHORIZATION));
    bench.respond(root.id, answer(200, user));
    let asked = bench.take("GET", "/user");
    assert_eq!(asked.request.uri().host(), Some("pool.contoso.com"));
    bench.respond(asked.id, challenge("/WebTicket/oauthtoken"));
    let post = bench.take("POST", "/WebTicket/oauthtoken");
    assert_eq!(post.request.uri().host(), Some("pool.contoso.com"));
    bench.respond(post.id, answer(200, token("cwt=two", 28_000)));
    let asked = bench.take("GET", "/user");
    assert_eq!(asked.request.headers()[AUTHORIZATION], "Bearer cwt=two");
    let links = json!({"_links": {"applications": {"href": "/ucwa/oauth/v1/applications"}}});
    bench.respond(asked.id, answer(200, links));
    bench.enter();
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
}
