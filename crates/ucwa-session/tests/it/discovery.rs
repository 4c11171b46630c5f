//! Discovery: the hosts that are tried, redirects, and stored addresses.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
use crate::sign_in::{begin, root};

fn by_domain() -> (TestDriver, Ticket) {
    let mut config = TestDriver::config();
    config.root = Root::Domain;
    begin(config)
}

fn candidate(driver: &mut TestDriver, host: &str) -> Request {
    let position = driver
        .sent
        .iter()
        .position(|sent| sent.request.uri().host() == Some(host))
        .unwrap();
    driver.sent.remove(position).unwrap()
}

#[test]
fn both_discovery_hosts_are_read_and_the_internal_one_has_priority() {
    let (mut driver, _) = by_domain();
    let internal = candidate(&mut driver, "lyncdiscoverinternal.contoso.com");
    let external = candidate(&mut driver, "lyncdiscover.contoso.com");
    driver.respond(
        external.id,
        answer(200, root("https://ext.contoso.com/user")),
    );
    assert!(driver.sent.is_empty());
    driver.respond(
        internal.id,
        answer(200, root("https://int.contoso.com/user")),
    );
    assert_eq!(driver.sent[0].request.uri().host(), Some("int.contoso.com"));
}

#[test]
fn the_root_can_be_set_until_the_sign_in_begins() {
    let mut config = TestDriver::config();
    config.root = Root::Domain;
    let mut driver = TestDriver::new(config);
    let stored = Root::User("https://lync.fabrikam.com/user".to_owned());
    driver.session.set_root(stored);
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    let host = |sent: &Request| sent.request.uri().host().map(str::to_owned);
    assert_eq!(host(&driver.sent[0]).as_deref(), Some("lync.fabrikam.com"));

    // A stored address that fails is replaced by discovery. A root that is set now does not change that.
    let late = Root::Url("https://late.example/".to_owned());
    driver.session.set_root(late);
    driver.reply("GET", "/user", 403, json!({}));
    candidate(&mut driver, "lyncdiscover.contoso.com");
}

#[test]
fn the_external_host_is_used_if_the_internal_one_does_not_answer() {
    let (mut driver, _) = by_domain();
    let internal = candidate(&mut driver, "lyncdiscoverinternal.contoso.com");
    let external = candidate(&mut driver, "lyncdiscover.contoso.com");
    driver.respond(
        external.id,
        answer(200, root("https://ext.contoso.com/user")),
    );
    driver.advance(Duration::from_secs(1));
    assert_eq!(driver.sent[0].request.uri().host(), Some("ext.contoso.com"));
    assert!(driver.aborted.contains(&internal.id));
    driver.respond(
        internal.id,
        answer(200, root("https://int.contoso.com/user")),
    );
    assert_eq!(
        driver.sent.len(),
        1,
        "a late answer to an aborted request changes nothing"
    );
}

#[test]
fn without_a_discovery_host_the_error_lists_every_attempt() {
    let (mut driver, ticket) = by_domain();
    for host in [
        "lyncdiscoverinternal.contoso.com",
        "lyncdiscover.contoso.com",
    ] {
        let sent = candidate(&mut driver, host);
        let failure = TransportFailure::new(
            TransportFailureKind::Unreachable,
            "resolve",
            host.to_owned(),
            Sent::No,
            "no such host".to_owned(),
        );
        driver.handle(Input::Response {
            id: sent.id,
            result: Err(failure),
        });
    }
    let FailureKind::Unreachable { tried, .. } = driver.failure(ticket).kind() else {
        panic!()
    };
    assert!(
        tried.len() == 2
            && tried[0].contains("lyncdiscoverinternal")
            && tried[1].contains("no such host")
    );
}

#[test]
fn the_message_for_a_root_that_cannot_be_reached_is_shown_once() {
    let (mut driver, ticket) = begin(TestDriver::config());
    while driver.result(ticket).is_none() {
        assert!(driver.now < Duration::from_secs(600), "{:?}", driver.sent);
        if driver.is_sent("GET", "/") {
            let sent = driver.take("GET", "/");
            fail(&mut driver, &sent, Sent::No);
        } else {
            driver.advance(Duration::from_secs(1));
        }
    }
    let failure = driver.failure(ticket);
    assert!(matches!(failure.kind(), FailureKind::Unreachable { .. }));
    let message = failure.message().unwrap();
    assert_eq!(failure.to_string().matches(message).count(), 1, "{failure}");
}

#[test]
fn redirects_end_after_ten_hops() {
    let (mut driver, ticket) = begin(TestDriver::config());
    for _ in 0..=10 {
        driver.reply(
            "GET",
            "/",
            200,
            json!({"_links": {"redirect": {"href": "/again"}}}),
        );
    }
    assert!(
        driver
            .failure(ticket)
            .message()
            .unwrap()
            .contains("redirects")
    );
}

/// Breaks the connection of a request to a host, before or after it was sent.
fn fail(driver: &mut TestDriver, sent: &Request, stage: Sent) {
    let failure = TransportFailure::new(
        TransportFailureKind::Unreachable,
        "connect",
        sent.request.uri().host().unwrap().to_owned(),
        stage,
        "nobody there".to_owned(),
    );
    driver.handle(Input::Response {
        id: sent.id,
        result: Err(failure),
    });
}

fn redirect(to: &str) -> http::Response<bytes::Bytes> {
    answer(200, json!({"_links": {"redirect": {"href": to}}}))
}

#[test]
fn a_redirect_of_the_external_host_waits_for_the_internal_host_too() {
    let (mut driver, _) = by_domain();
    let internal = candidate(&mut driver, "lyncdiscoverinternal.contoso.com");
    let external = candidate(&mut driver, "lyncdiscover.contoso.com");
    driver.respond(external.id, redirect("https://ext.contoso.com/root"));
    let external = candidate(&mut driver, "ext.contoso.com");
    driver.respond(
        external.id,
        answer(200, root("https://ext.contoso.com/user")),
    );
    assert!(driver.sent.is_empty(), "{:?}", driver.sent);
    driver.respond(internal.id, redirect("https://int.contoso.com/root"));
    let internal = candidate(&mut driver, "int.contoso.com");
    driver.respond(
        internal.id,
        answer(200, root("https://int.contoso.com/user")),
    );
    assert_eq!(driver.sent[0].request.uri().host(), Some("int.contoso.com"));
    assert_eq!(driver.sent.len(), 1);
}

#[test]
fn too_many_redirects_on_one_path_leave_the_other_path() {
    for held in [false, true] {
        let (mut driver, ticket) = by_domain();
        let mut internal = candidate(&mut driver, "lyncdiscoverinternal.contoso.com");
        let external = candidate(&mut driver, "lyncdiscover.contoso.com");
        let found = answer(200, root("https://ext.contoso.com/user"));
        if held {
            driver.respond(external.id, found.clone());
        }
        for _ in 0..10 {
            driver.respond(internal.id, redirect("https://int.contoso.com/again"));
            internal = candidate(&mut driver, "int.contoso.com");
        }
        driver.respond(internal.id, redirect("https://int.contoso.com/again"));
        assert_eq!(driver.result(ticket), None);
        if !held {
            driver.respond(external.id, found);
        }
        assert_eq!(driver.sent[0].request.uri().host(), Some("ext.contoso.com"));
    }
}

#[test]
fn a_discovery_path_has_30_seconds_in_total() {
    let (mut driver, ticket) = by_domain();
    driver.advance(Duration::from_secs(6));
    let internal = candidate(&mut driver, "lyncdiscoverinternal.contoso.com");
    driver.respond(internal.id, redirect("https://int.contoso.com/root"));
    while driver.result(ticket).is_none() {
        assert!(driver.now <= Duration::from_secs(30), "{:?}", driver.sent);
        let due = driver.sent.iter().map(|sent| sent.deadline).min();
        driver.advance(due.unwrap().saturating_sub(driver.now));
        while let Some(position) = driver
            .sent
            .iter()
            .position(|sent| sent.deadline <= driver.now)
        {
            let late = driver.sent.remove(position).unwrap();
            fail(&mut driver, &late, Sent::Maybe);
        }
        if driver.sent.is_empty() && driver.result(ticket).is_none() {
            driver.advance(Duration::from_millis(500));
        }
    }
    assert!(
        driver.now > Duration::from_secs(20),
        "one lost response does not end the discovery"
    );
    let failure = driver.failure(ticket);
    assert!(matches!(failure.kind(), FailureKind::Unreachable { .. }));
}

#[test]
fn every_failed_sign_in_lists_the_addresses_it_tried() {
    // A redirect to an untrusted host.
    let (mut driver, ticket) = begin(TestDriver::config());
    let sent = driver.take("GET", "/");
    driver.respond(sent.id, redirect("/again"));
    let sent = driver.take("GET", "/again");
    driver.respond(sent.id, redirect("https://evil.example/"));
    let failure = driver.failure(ticket);
    assert_eq!(failure.kind(), &FailureKind::Untrusted);
    let expected = [
        "http://127.0.0.1:5061/: redirects to http://127.0.0.1:5061/again",
        "http://127.0.0.1:5061/again: redirects to https://evil.example/",
        "https://evil.example/: the host is not trusted with credentials",
    ];
    assert_eq!(failure.tried(), expected);

    // A user resource that fails behind a discovery host that failed.
    let (mut driver, ticket) = by_domain();
    let internal = candidate(&mut driver, "lyncdiscoverinternal.contoso.com");
    fail(&mut driver, &internal, Sent::No);
    let external = candidate(&mut driver, "lyncdiscover.contoso.com");
    driver.respond(
        external.id,
        answer(200, root("https://ext.contoso.com/user")),
    );
    let user = candidate(&mut driver, "ext.contoso.com");
    driver.respond(user.id, answer(404, json!({"code": "NotFound"})));
    let failure = driver.failure(ticket);
    assert_eq!(failure.status(), Some(404));
    let expected = [
        "https://lyncdiscoverinternal.contoso.com/: nobody there",
        "https://lyncdiscover.contoso.com/: the user is at https://ext.contoso.com/user",
        "https://ext.contoso.com/user: status 404",
    ];
    assert_eq!(failure.tried(), expected);

    // A wrong password.
    let (mut driver, ticket) = begin(TestDriver::config());
    driver.reply("GET", "/", 200, root("/user"));
    let user = driver.take("GET", "/user");
    driver.respond(user.id, challenge("/WebTicket/oauthtoken"));
    let refused = json!({"error": "invalid_grant"});
    driver.reply("POST", "/WebTicket/oauthtoken", 400, refused);
    let tried = driver.failure(ticket).tried();
    assert_eq!(tried.len(), 2);
    assert!(
        tried[1].contains("/user: authentication: the user name"),
        "{tried:?}"
    );
}

#[test]
fn a_stale_user_address_leads_to_discovery() {
    let stale = "https://old.contoso.com/user";
    for status in [None, Some(403), Some(502)] {
        let mut config = TestDriver::config();
        config.root = Root::User(stale.to_owned());
        let (mut driver, ticket) = begin(config);
        while let Some(position) = driver
            .sent
            .iter()
            .position(|sent| sent.request.uri() == stale)
        {
            let sent = driver.sent.remove(position).unwrap();
            match status {
                None => fail(&mut driver, &sent, Sent::No),
                Some(status) => driver.respond(sent.id, answer(status, Value::Null)),
            }
            driver.advance(Duration::from_secs(8));
        }
        let internal = candidate(&mut driver, "lyncdiscoverinternal.contoso.com");
        driver.respond(
            internal.id,
            answer(200, root("https://new.contoso.com/user")),
        );
        let user = candidate(&mut driver, "new.contoso.com");
        let links = json!({"_links": {"applications": {"href": "/ucwa/oauth/v1/applications"}}});
        driver.respond(user.id, answer(200, links));
        let is_new = |event: &SessionEvent| matches!(event, SessionEvent::Home { user, .. } if user == "https://new.contoso.com/user");
        assert!(driver.events.iter().any(is_new));
        driver.create_application();
        assert_eq!(
            driver.result(ticket),
            Some(&Ok(Outcome::Done)),
            "{status:?}"
        );
    }
    // Any other failure does not mean that the address of the user is outdated.
    let mut config = TestDriver::config();
    config.root = Root::User(stale.to_owned());
    let (mut driver, ticket) = begin(config);
    let sent = candidate(&mut driver, "old.contoso.com");
    driver.respond(sent.id, answer(400, Value::Null));
    assert_eq!(driver.failure(ticket).tried().len(), 1);
    assert!(driver.sent.is_empty());
}

#[test]
fn a_stored_user_address_skips_discovery() {
    let (mut driver, _) = begin(TestDriver::config());
    driver.discover();
    let home = driver.events.iter().find_map(|event| match event {
        SessionEvent::Home { user, .. } => Some(user.clone()),
        _ => None,
    });
    let mut config = TestDriver::config();
    config.root = Root::User(home.unwrap());
    let (driver, _) = begin(config);
    assert_eq!(driver.sent[0].target(), "/user");
}
