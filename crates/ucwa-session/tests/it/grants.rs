//! The ways to a token besides the password.

use std::time::Duration;

use serde_json::json;
use ucwa_session::*;

use crate::bench::*;

/// A sign-in with these credentials up to the challenge.
fn challenged(
    credentials: Credentials,
    challenge: http::Response<bytes::Bytes>,
) -> (Bench, Ticket) {
    let mut bench = Bench::new(Bench::config());
    let ticket = bench.submit(Operation::SignIn(credentials));
    bench.reply(
        "GET",
        "/",
        200,
        json!({"_links": {"user": {"href": "/user"}}}),
    );
    let user = bench.take("GET", "/user");
    bench.respond(user.id, challenge);
    (bench, ticket)
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

#[test]
fn the_windows_grant_leaves_the_proof_to_the_transport() {
    let (mut bench, _) = challenged(
        Credentials::Windows { sip_uri: tosh() },
        offering("urn:microsoft.rtc:windows,password"),
    );
    let sent = bench.take("POST", "/t");
    assert_eq!(sent.authentication, Some(ConnectionAuth::Windows));
    assert_eq!(sent.body(), "grant_type=urn%3Amicrosoft.rtc%3Awindows");
    bench.respond(sent.id, answer(200, token("cwt=one", 100)));
    let user = bench.take("GET", "/user");
    assert_eq!(user.request.headers()["authorization"], "Bearer cwt=one");
    assert_eq!(user.authentication, None);
}

#[test]
fn no_other_grant_is_tried_in_place_of_the_chosen_one() {
    let (bench, ticket) = challenged(
        Credentials::Windows { sip_uri: tosh() },
        offering("password"),
    );
    let offered = vec!["password".to_owned()];
    assert_eq!(
        bench.failure(ticket).kind(),
        &FailureKind::GrantNotOffered { offered }
    );
}

#[test]
fn the_passive_grant_shows_its_page_and_goes_on_when_the_user_has_been_there() {
    let (mut bench, ticket) = challenged(
        Credentials::Passive { sip_uri: tosh() },
        offering("password"),
    );
    let page = json!({"error": "invalid_grant", "ms_rtc_passiveauthuri": "https://adfs.contoso.com/PassiveAuth/1"});
    let sent = bench.reply("POST", "/t", 400, page.clone());
    assert_eq!(sent.body(), "grant_type=urn%3Amicrosoft.rtc%3Apassive");
    let (id, question) = bench.asked.pop().unwrap();
    assert_eq!(
        question,
        Question::PassiveSignIn {
            uri: "https://adfs.contoso.com/PassiveAuth/1".to_owned()
        }
    );
    assert_eq!(bench.result(ticket), None);
    bench.handle(Input::Answer {
        id,
        answer: Answer::PassiveSignIn(true),
    });
    // Refused once more, the user is not sent to the page again and again.
    bench.reply("POST", "/t", 400, page);
    assert!(bench.asked.is_empty());
    assert_eq!(
        bench.failure(ticket).kind(),
        &FailureKind::InvalidCredentials
    );
}

#[test]
fn a_guest_of_a_meeting_trades_his_token_for_the_next_one() {
    let credentials = Credentials::AnonymousMeeting {
        conference_uri: "sip:lenea@contoso.com;gruu;opaque=app:conf:focus:id:X".to_owned(),
        key: Some("k3y".into()),
    };
    assert!(!format!("{credentials:?}").contains("k3y"));
    let (mut bench, _) = challenged(credentials, offering("urn:microsoft.rtc:anonmeeting"));
    let first = bench.reply("POST", "/t", 200, token("cwt=guest", 30));
    assert_eq!(
        first.body(),
        "grant_type=urn%3Amicrosoft.rtc%3Aanonmeeting\
         &ms_rtc_conferenceuri=sip%3Alenea%40contoso.com%3Bgruu%3Bopaque%3Dapp%3Aconf%3Afocus%3Aid%3AX&password=k3y"
    );
    bench.take("GET", "/user");
    bench.advance(Duration::from_secs(28));
    let next = bench.take("POST", "/t");
    assert!(
        next.body().ends_with("&ms_rtc_renew=cwt%3Dguest"),
        "{}",
        next.body()
    );
}

#[test]
fn a_token_of_another_issuer_is_asked_for_by_host() {
    let (mut bench, ticket) = challenged(
        Credentials::Bearer { sip_uri: tosh() },
        offering("password"),
    );
    let (id, question) = bench.asked.pop().unwrap();
    let expected = Question::Token {
        host: "127.0.0.1".to_owned(),
        authorization_uri: Some("https://login/authorize".to_owned()),
        client_id: Some("4".to_owned()),
        trusted_issuers: Some("sts@x".to_owned()),
    };
    assert_eq!(question, expected);
    let token = BearerToken {
        token: "jwt.one".into(),
        expires_in: Duration::from_secs(1000),
    };
    assert!(!format!("{token:?}").contains("jwt"));
    bench.handle(Input::Answer {
        id,
        answer: Answer::Token(Some(token)),
    });
    let user = bench.take("GET", "/user");
    assert_eq!(user.request.headers()["authorization"], "Bearer jwt.one");
    bench.respond(user.id, answer(403, json!({"code": "Forbidden"})));
    assert_eq!(
        bench.failure(ticket).status(),
        Some(403),
        "a refusal that is no challenge is final"
    );
}

#[test]
fn a_token_that_nobody_gives_in_time_fails_the_sign_in() {
    let (mut bench, ticket) = challenged(
        Credentials::Bearer { sip_uri: tosh() },
        offering("password"),
    );
    bench.advance(Duration::from_secs(121));
    assert_eq!(
        bench.failure(ticket).kind(),
        &FailureKind::InvalidCredentials
    );
    assert_eq!(bench.wake_at, None);
}
