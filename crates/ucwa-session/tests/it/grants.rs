//! Grants other than the password grant, and renewals.

use std::time::Duration;

use serde_json::json;
use ucwa_session::*;

use crate::driver::*;
use crate::pages::*;

/// A sign-in with these credentials, up to the challenge.
fn challenged(
    credentials: Credentials,
    challenge: http::Response<bytes::Bytes>,
) -> (TestDriver, Ticket) {
    let mut driver = TestDriver::new(TestDriver::config());
    let ticket = driver.submit(Operation::SignIn(credentials));
    driver.reply(
        "GET",
        "/",
        200,
        json!({"_links": {"user": {"href": "/user"}}}),
    );
    let user = driver.take("GET", "/user");
    driver.respond(user.id, challenge);
    (driver, ticket)
}

fn tosh() -> String {
    "sip:toshm@contoso.com".to_owned()
}

fn offering(grants: &str) -> http::Response<bytes::Bytes> {
    http::Response::builder()
        .status(401)
        .header("www-authenticate", format!("MsRtcOAuth href=\"/t\",grant_type=\"{grants}\""))
        .header(
            "www-authenticate",
            "Bearer trusted_issuers=\"sts@x\", client_id=\"4\", authorization_uri=\"https://login/authorize\"",
        )
        .body(bytes::Bytes::new())
        .unwrap()
}

/// The grants on offer, if the failure says that none of them is usable.
pub(crate) fn offered(failure: &Failure) -> &[String] {
    match failure.kind() {
        FailureKind::GrantNotOffered { offered, .. } => offered,
        _ => panic!("{failure}"),
    }
}

#[test]
fn the_windows_grant_leaves_authentication_to_the_transport() {
    let (mut driver, _) = challenged(
        Credentials::Windows { sip_uri: tosh() },
        offering("urn:microsoft.rtc:windows,password"),
    );
    let sent = driver.take("POST", "/t");
    assert_eq!(sent.authentication, Some(ConnectionAuth::Windows));
    assert_eq!(sent.body(), "grant_type=urn%3Amicrosoft.rtc%3Awindows");
    driver.respond(sent.id, answer(200, token("cwt=one", 100)));
    let user = driver.take("GET", "/user");
    assert_eq!(user.request.headers()["authorization"], "Bearer cwt=one");
    assert_eq!(user.authentication, None);
}

/// The web server's page for an unknown user.
fn unauthorized() -> http::Response<bytes::Bytes> {
    http::Response::builder()
        .status(401)
        .header("content-type", "text/html")
        .header("www-authenticate", "Negotiate")
        .header("www-authenticate", "NTLM")
        .body(bytes::Bytes::from_static(b"<html>401.1</html>"))
        .unwrap()
}

/// A session that signed in with these credentials. The first token has this lifetime in seconds.
fn signed_in(credentials: Credentials, grants: &str, life: u64) -> TestDriver {
    signed_in_to(credentials, grants, life, application)
}

/// The same, with this application.
fn signed_in_to(
    credentials: Credentials,
    grants: &str,
    life: u64,
    application: impl Fn(bool) -> serde_json::Value,
) -> TestDriver {
    let (mut driver, ticket) = challenged(credentials, offering(grants));
    match driver.asked.pop() {
        Some((id, _)) => {
            let token = BearerToken::new("one", Duration::from_secs(life));
            let answer = Answer::Token(Some(token));
            driver.handle(Input::Answer { id, answer });
        }
        None => {
            driver.reply("POST", "/t", 200, token("cwt=one", life));
        }
    }
    let home = json!({"_links": {"applications": {"href": "/ucwa/oauth/v1/applications"}}});
    driver.reply("GET", "/user", 200, home);
    driver.create_this_application(application);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    driver
}

/// A session of a Windows user that is replacing a lost application. The request for the new one has just been refused.
fn creating_anew() -> TestDriver {
    let credentials = Credentials::Windows { sip_uri: tosh() };
    let mut driver = signed_in(credentials, "urn:microsoft.rtc:windows", 28_000);
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    driver.reply("GET", &format!("{APP}/events"), 404, lost);
    driver.advance(Duration::from_secs(2));
    let create = driver.take("POST", "/ucwa/oauth/v1/applications");
    driver.respond(create.id, offering("urn:microsoft.rtc:windows"));
    driver
}

#[test]
fn a_401_of_the_web_server_means_wrong_windows_credentials() {
    let (mut driver, ticket) = challenged(
        Credentials::Windows { sip_uri: tosh() },
        offering("urn:microsoft.rtc:windows"),
    );
    let sent = driver.take("POST", "/t");
    driver.respond(sent.id, unauthorized());
    let failure = driver.failure(ticket);
    assert_eq!(failure.kind(), &FailureKind::InvalidCredentials);
    assert_eq!(failure.status(), Some(401));
    assert_eq!((driver.sent.len(), driver.wake_at), (0, None));
}

#[test]
fn a_401_that_remains_names_the_schemes_that_the_web_server_offers() {
    let ends_with = |challenges: &[&[u8]]| {
        let (mut driver, ticket) = challenged(
            Credentials::Windows { sip_uri: tosh() },
            offering("urn:microsoft.rtc:windows"),
        );
        let sent = driver.take("POST", "/t");
        let mut response = unauthorized();
        response.headers_mut().remove("www-authenticate");
        for challenge in challenges {
            let challenge = http::HeaderValue::from_bytes(challenge).unwrap();
            response.headers_mut().append("www-authenticate", challenge);
        }
        driver.respond(sent.id, response);
        driver.failure(ticket).clone()
    };
    let refused = ends_with(&[b"Negotiate, ntlm", b"NTLM, Basic realm=\"M\xfcnchen\""]);
    assert_eq!(refused.kind(), &FailureKind::InvalidCredentials);
    let schemes = "the server offers authentication by Negotiate, ntlm, Basic";
    assert_eq!(refused.message(), Some(schemes));

    // The password was not tried: no scheme of Windows authentication is offered.
    let refused = ends_with(&[b"Digest realm=\"M\xfcnchen\", Basic realm=\"x\""]);
    assert_eq!(offered(&refused), ["Digest", "Basic"]);
}

#[test]
fn wrong_windows_credentials_are_not_retried_while_an_application_is_replaced() {
    let mut driver = creating_anew();
    let sent = driver.take("POST", "/t");
    driver.respond(sent.id, unauthorized());
    let out = driver.events.iter().find_map(|event| match event {
        SessionEvent::SignIn {
            state: SignInState::SignedOut,
            failure,
            ..
        } => failure.clone(),
        _ => None,
    });
    assert_eq!(out.unwrap().kind(), &FailureKind::InvalidCredentials);
    assert_eq!((driver.sent.len(), driver.wake_at), (0, None));
}

#[test]
fn a_proxy_page_in_front_of_the_token_service_does_not_refuse_the_password() {
    let (mut driver, ticket) = challenged(TestDriver::credentials(), offering("password"));
    let sent = driver.take("POST", "/t");
    driver.respond(sent.id, unauthorized());
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::RequestFailed);
}

#[test]
fn a_server_error_of_the_token_service_is_retried_later() {
    let mut driver = creating_anew();
    let error = json!({"error": "server_error"});
    driver.reply("POST", "/t", 400, error);
    driver.advance(Duration::from_secs(60));
    assert!(driver.is_sent("POST", "/ucwa/oauth/v1/applications"));
}

#[test]
fn a_refused_password_is_not_sent_again_by_a_later_command() {
    let mut driver = TestDriver::with_conversation();
    for number in 1..=3 {
        driver.send(number, "hello");
        let post = driver.take("POST", &format!("{APP}/communication/messagingInvitations"));
        driver.respond(post.id, challenge("/WebTicket/oauthtoken"));
        if number == 1 {
            let refused = json!({"error": "invalid_grant"});
            driver.reply("POST", "/WebTicket/oauthtoken", 400, refused);
        }
        assert!(!driver.is_sent("POST", "/WebTicket"), "{number}");
        let failed = (MessageKey::Local(number), MessageStatus::Failed);
        assert_eq!(driver.delivery_results(chat()), [failed]);
    }
}

#[test]
fn only_the_chosen_grant_is_used() {
    let (driver, ticket) = challenged(
        Credentials::Windows { sip_uri: tosh() },
        offering("password"),
    );
    assert_eq!(offered(driver.failure(ticket)), ["password"]);
}

#[test]
fn the_passive_grant_continues_after_the_user_signed_in_at_the_page() {
    let credentials = Credentials::Passive { sip_uri: tosh() };
    let (mut driver, _) = challenged(credentials, offering("password"));
    let page = json!({"error": "invalid_grant", "ms_rtc_passiveauthuri": "https://adfs/1"});
    driver.reply("POST", "/t", 400, page.clone());
    let (id, _) = driver.asked.pop().unwrap();
    let answer = Answer::PassiveSignIn(true);
    driver.handle(Input::Answer { id, answer });
    driver.reply("POST", "/t", 200, token("cwt=one", 300));
    let home = json!({"_links": {"applications": {"href": "/ucwa/oauth/v1/applications"}}});
    let user = driver.reply("GET", "/user", 200, home);
    assert_eq!(user.request.headers()["authorization"], "Bearer cwt=one");
    driver.create_application();
    // If the service requires the page for the next token, the user is asked again.
    driver.advance(Duration::from_secs(270));
    driver.reply("POST", "/t", 400, page);
    assert_eq!(driver.asked.len(), 1);
}

#[test]
fn the_passive_grant_shows_its_page_once() {
    let (mut driver, ticket) = challenged(
        Credentials::Passive { sip_uri: tosh() },
        offering("password"),
    );
    let page = json!({"error": "invalid_grant", "ms_rtc_passiveauthuri": "https://adfs.contoso.com/PassiveAuth/1"});
    let sent = driver.reply("POST", "/t", 400, page.clone());
    assert_eq!(sent.body(), "grant_type=urn%3Amicrosoft.rtc%3Apassive");
    let (id, question) = driver.asked.pop().unwrap();
    let Question::PassiveSignIn { uri, .. } = question else {
        panic!("{question:?}");
    };
    assert_eq!(uri, "https://adfs.contoso.com/PassiveAuth/1");
    assert_eq!(driver.result(ticket), None);
    driver.handle(Input::Answer {
        id,
        answer: Answer::PassiveSignIn(true),
    });
    // The sign-in page is not shown a second time.
    driver.reply("POST", "/t", 400, page);
    assert!(driver.asked.is_empty());
    let failure = driver.failure(ticket);
    assert_eq!(failure.kind(), &FailureKind::InvalidCredentials);
    let message = failure.message().unwrap();
    assert!(message.contains("signed in at its page"), "{message}");
}

const MEETING: &str = "sip:lenea@contoso.com;gruu;opaque=app:conf:focus:id:X";

fn guest() -> Credentials {
    Credentials::AnonymousMeeting {
        conference_uri: MEETING.to_owned(),
        display_name: "Joe Smith".to_owned(),
        key: Some("k3y".into()),
    }
}

const GUEST: &str = "grant_type=urn%3Amicrosoft.rtc%3Aanonmeeting\
    &ms_rtc_conferenceuri=sip%3Alenea%40contoso.com%3Bgruu%3Bopaque%3Dapp%3Aconf%3Afocus%3Aid%3AX&password=k3y";

#[test]
fn an_anonymous_participant_renews_the_token_with_the_current_one() {
    assert!(!format!("{:?}", guest()).contains("k3y"));
    let (driver, _) = challenged(guest(), offering("urn:microsoft.rtc:anonmeeting"));
    assert_eq!(driver.sent[0].body(), GUEST);
    let mut driver = signed_in(guest(), "urn:microsoft.rtc:anonmeeting", 300);
    driver.advance(Duration::from_secs(269));
    assert!(!driver.is_sent("POST", "/t"));
    driver.advance(Duration::from_secs(1));
    let next = driver.reply("POST", "/t", 200, token("cwt=two", 300));
    assert_eq!(next.body(), format!("{GUEST}&ms_rtc_renew=cwt%3Done"));
    driver.advance(Duration::from_secs(270));
    let next = driver.take("POST", "/t");
    assert_eq!(next.body(), format!("{GUEST}&ms_rtc_renew=cwt%3Dtwo"));
}

#[test]
fn an_anonymous_participant_whose_token_cannot_be_renewed_uses_the_key_again() {
    let mut driver = signed_in(guest(), "urn:microsoft.rtc:anonmeeting", 300);
    driver.advance(Duration::from_secs(270));
    let refused = json!({"error": "invalid_grant"});
    let traded = driver.reply("POST", "/t", 400, refused.clone());
    assert!(traded.body().contains("ms_rtc_renew"));
    let fresh = driver.reply("POST", "/t", 200, token("cwt=two", 300));
    assert_eq!(fresh.body(), GUEST);
    // The user is another anonymous participant now, with an application of its own.
    assert!(!driver.is_sent("GET", APP) && !driver.is_sent("DELETE", APP));
    driver.advance(Duration::from_secs(1));
    let create = driver.take("POST", "/ucwa/oauth/v1/applications");
    assert_eq!(create.request.headers()["authorization"], "Bearer cwt=two");
    driver.respond(create.id, answer(201, application(false)));
    assert!(driver.is_sent("GET", &format!("{APP}/events")));
    // If the key is refused too, there is no further attempt.
    driver.advance(Duration::from_secs(270));
    driver.reply("POST", "/t", 400, refused.clone());
    driver.reply("POST", "/t", 400, refused);
    assert!(!driver.is_sent("POST", "/t"));
}

/// A session that joins the meeting, and its request.
fn joined(mut driver: TestDriver) -> (TestDriver, serde_json::Value) {
    let invitations = format!("{APP}/communication/onlineMeetingInvitations");
    let links = json!({"_links": {"joinOnlineMeeting": {"href": invitations}}});
    let updated = event(
        "updated",
        "communication",
        &format!("{APP}/communication"),
        links,
    );
    driver.page(json!([communication(vec![updated])]));
    driver.submit(Operation::OpenMeeting {
        conversation: chat(),
        uri: Some(MEETING.to_owned()),
    });
    driver.submit(Operation::StartChat {
        conversation: chat(),
        subject: None,
        context: None,
    });
    let sent = driver.take("POST", &invitations).json();
    (driver, sent)
}

#[test]
fn only_an_anonymous_participant_sends_a_display_name() {
    let (_, sent) = joined(signed_in(guest(), "urn:microsoft.rtc:anonmeeting", 300));
    assert_eq!(sent["onlineMeetingUri"], MEETING);
    assert_eq!(sent["anonymousDisplayName"], "Joe Smith");
    let (_, sent) = joined(TestDriver::signed_in());
    assert_eq!(sent["onlineMeetingUri"], MEETING);
    assert_eq!(sent["anonymousDisplayName"], serde_json::Value::Null);
}

#[test]
fn an_anonymous_participant_can_join_without_other_links() {
    let driver = signed_in_to(guest(), "urn:microsoft.rtc:anonmeeting", 300, |fresh| {
        let mut application = application(fresh);
        let links = &mut application["_embedded"]["communication"]["_links"];
        links.as_object_mut().unwrap().remove("startMessaging");
        application
    });
    let mut driver = joined(driver).0;
    driver.submit(Operation::OpenConversation {
        conversation: ConversationKey::Local(2),
        participant: peer(),
        peer: "sip:lenea@contoso.com".to_owned(),
    });
    let ticket = driver.submit(Operation::StartChat {
        conversation: ConversationKey::Local(2),
        subject: None,
        context: None,
    });
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::NotSupported);
}

#[test]
fn an_anonymous_participant_without_a_name_is_refused_before_anything_is_sent() {
    for name in ["", &"x".repeat(251)] {
        let mut driver = TestDriver::new(TestDriver::config());
        let ticket = driver.submit(Operation::SignIn(Credentials::AnonymousMeeting {
            conference_uri: MEETING.to_owned(),
            display_name: name.to_owned(),
            key: None,
        }));
        assert_eq!(driver.failure(ticket).kind(), &FailureKind::InvalidArgument);
        assert!(driver.sent.is_empty());
    }
}

/// The number of token requests within ten minutes if each token has a lifetime of zero.
fn renewals_of_an_expired_token(credentials: Credentials) -> usize {
    let mut driver = signed_in(credentials, "password", 0);
    let end = driver.now + Duration::from_secs(600);
    let mut renewals = 0;
    while driver.now < end {
        if driver.is_sent("POST", "/t") {
            renewals += 1;
            driver.reply("POST", "/t", 200, token("cwt=expired", 0));
        } else if let Some((id, _)) = driver.asked.pop() {
            renewals += 1;
            let expired = BearerToken::new("expired", Duration::ZERO);
            let answer = Answer::Token(Some(expired));
            driver.handle(Input::Answer { id, answer });
        } else {
            driver.advance(Duration::from_secs(1));
        }
        assert!(renewals <= 100, "renewals without a pause");
    }
    renewals
}

#[test]
fn a_token_without_a_lifetime_is_not_renewed_in_a_loop() {
    assert_eq!(renewals_of_an_expired_token(TestDriver::credentials()), 19);
    let bearer = Credentials::Bearer { sip_uri: tosh() };
    assert_eq!(renewals_of_an_expired_token(bearer), 19);
}

#[test]
fn a_token_may_have_the_longest_lifetime() {
    let credentials = Credentials::Bearer { sip_uri: tosh() };
    let (mut driver, _) = challenged(credentials, offering("password"));
    let (id, _) = driver.asked.pop().unwrap();
    let token = BearerToken::new("jwt", Duration::MAX);
    let answer = Answer::Token(Some(token));
    driver.handle(Input::Answer { id, answer });
    let user = driver.take("GET", "/user");
    assert_eq!(user.request.headers()["authorization"], "Bearer jwt");
}

#[test]
fn a_token_of_another_issuer_is_requested_for_each_host() {
    let (mut driver, ticket) = challenged(
        Credentials::Bearer { sip_uri: tosh() },
        offering("password"),
    );
    let (id, question) = driver.asked.pop().unwrap();
    let Question::Token {
        host,
        authorization_uri,
        client_id,
        trusted_issuers,
        ..
    } = question
    else {
        panic!("{question:?}");
    };
    assert_eq!(host, "127.0.0.1");
    let values = [authorization_uri, client_id, trusted_issuers];
    let values = values.map(Option::unwrap_or_default);
    assert_eq!(values, ["https://login/authorize", "4", "sts@x"]);
    let token = BearerToken::new("jwt.one", Duration::from_secs(1000));
    assert!(!format!("{token:?}").contains("jwt"));
    driver.handle(Input::Answer {
        id,
        answer: Answer::Token(Some(token)),
    });
    let user = driver.take("GET", "/user");
    assert_eq!(user.request.headers()["authorization"], "Bearer jwt.one");
    driver.respond(user.id, answer(403, json!({"code": "Forbidden"})));
    assert_eq!(
        driver.failure(ticket).status(),
        Some(403),
        "a refusal that is no challenge is final"
    );
}

#[test]
fn a_token_question_without_an_answer_fails_the_sign_in() {
    let (mut driver, ticket) = challenged(
        Credentials::Bearer { sip_uri: tosh() },
        offering("password"),
    );
    driver.advance(Duration::from_secs(121));
    assert_eq!(
        driver.failure(ticket).kind(),
        &FailureKind::InvalidCredentials
    );
    assert_eq!(driver.wake_at, None);
}

#[test]
fn a_refused_grant_fails_with_the_grants_on_offer() {
    for grants in ["password", "urn:microsoft.rtc:windows,password"] {
        let (mut driver, ticket) = challenged(TestDriver::credentials(), offering(grants));
        driver.reply(
            "POST",
            "/t",
            400,
            json!({"error": "unsupported_grant_type"}),
        );
        let failure = driver.failure(ticket);
        assert_eq!(offered(failure).join(","), grants);
        assert_eq!(failure.code(), Some("unsupported_grant_type"));
    }
}
