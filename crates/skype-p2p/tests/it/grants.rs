//! The grants other than the password.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use conv_transport::{ConnectionAuth, MockHttpTransport};
use http::{Request, Response};
use skype_p2p::{
    Application, ApplicationBuilder, BearerToken, BrowserCookies, Credentials, Root,
    SignInErrorKind, TokenQuestion,
};

use crate::world::{ROOT, TOSH};

/// A server that demands a token for the user resource and refuses every token request. It records the requests.
fn server_that_demands_a_token(
    refusal: &'static str,
) -> (ApplicationBuilder, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let mut transport = MockHttpTransport::new();
    transport.expect_send().returning(move |request, options| {
        let is_windows = options.authentication == Some(ConnectionAuth::Windows);
        let token = request.headers().get("authorization");
        log.lock().unwrap().push(format!(
            "{} {}{}{}",
            request.method(),
            request.uri().path(),
            token.map_or(String::new(), |token| format!(
                " with {}",
                token.to_str().unwrap()
            )),
            if is_windows {
                " with Windows authentication"
            } else {
                ""
            },
        ));
        Ok(answer(&request, refusal))
    });
    let builder = Application::builder()
        .root(Root::Url(ROOT.to_owned()))
        .transport(Arc::new(transport));
    (builder, seen)
}

fn answer(request: &Request<Bytes>, refusal: &'static str) -> Response<Bytes> {
    let response = Response::builder().header("content-type", "application/json");
    let grants = "urn:microsoft.rtc:windows,urn:microsoft.rtc:anonmeeting";
    let response = match (
        request.uri().path(),
        request.headers().contains_key("authorization"),
    ) {
        ("/", _) => response.body(r#"{"_links":{"user":{"href":"/user"}}}"#),
        ("/user", false) => response
            .status(401)
            .header(
                "www-authenticate",
                "Bearer client_id=\"4\", authorization_uri=\"https://login/\"",
            )
            .header(
                "www-authenticate",
                format!("MsRtcOAuth href=\"/t\",grant_type=\"{grants}\""),
            )
            .body(""),
        ("/user", true) => response.status(403).body(r#"{"code":"Forbidden"}"#),
        _ => response.status(400).body(refusal),
    };
    response
        .unwrap()
        .map(|body: &str| Bytes::from_static(body.as_bytes()))
}

async fn sign_in_error_kind(
    application: &Application,
    credentials: Credentials,
) -> SignInErrorKind {
    let sign_in = application.sign_in_manager().sign_in(credentials);
    sign_in.await.unwrap_err().kind().clone()
}

#[tokio::test(start_paused = true)]
async fn a_token_of_another_issuer_comes_from_the_callback() {
    let (builder, seen) = server_that_demands_a_token("{}");
    let questions = Arc::new(Mutex::new(Vec::<TokenQuestion>::new()));
    let asked = questions.clone();
    let application = builder
        .on_token(move |question| {
            asked.lock().unwrap().push(question);
            async { Some(BearerToken::new("jwt", Duration::from_secs(600))) }
        })
        .build()
        .unwrap();
    let kind = sign_in_error_kind(&application, Credentials::bearer(TOSH)).await;
    assert_eq!(kind, SignInErrorKind::Refused);
    assert_eq!(
        seen.lock().unwrap().last().unwrap(),
        "GET /user with Bearer jwt"
    );
    let questions = questions.lock().unwrap();
    let [question] = questions.as_slice() else {
        panic!("{questions:?}")
    };
    assert_eq!(question.host, "127.0.0.1");
    assert_eq!(
        question.authorization_uri.as_deref(),
        Some("https://login/")
    );
}

#[tokio::test(start_paused = true)]
async fn a_bearer_sign_in_without_a_callback_fails() {
    let application = server_that_demands_a_token("{}").0.build().unwrap();
    let kind = sign_in_error_kind(&application, Credentials::bearer(TOSH)).await;
    assert_eq!(kind, SignInErrorKind::InvalidCredentials);
}

#[tokio::test(start_paused = true)]
async fn the_page_of_the_passive_grant_is_shown_once() {
    let refusal = r#"{"error":"invalid_grant","ms_rtc_passiveauthuri":"https://adfs/1"}"#;
    let (builder, seen) = server_that_demands_a_token(refusal);
    let pages = Arc::new(Mutex::new(Vec::new()));
    let shown = pages.clone();
    let application = builder
        .on_passive_sign_in(move |question| {
            shown.lock().unwrap().push(question.url);
            async { Some(BrowserCookies::new()) }
        })
        .build()
        .unwrap();
    let kind = sign_in_error_kind(&application, Credentials::passive(TOSH)).await;
    assert_eq!(kind, SignInErrorKind::InvalidCredentials);
    assert_eq!(*pages.lock().unwrap(), ["https://adfs/1"]);
    let posts = seen
        .lock()
        .unwrap()
        .iter()
        .filter(|line| line.starts_with("POST /t"))
        .count();
    assert_eq!(posts, 2);
}

#[tokio::test(start_paused = true)]
async fn a_windows_user_is_authenticated_on_the_token_request_only() {
    let (builder, seen) = server_that_demands_a_token(r#"{"error":"invalid_grant"}"#);
    let application = builder.build().unwrap();
    let kind = sign_in_error_kind(&application, Credentials::windows(TOSH)).await;
    assert_eq!(kind, SignInErrorKind::InvalidCredentials);
    let expected = ["GET /", "GET /user", "POST /t with Windows authentication"];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_guest_signs_in_with_the_meeting() {
    let (builder, seen) = server_that_demands_a_token(r#"{"error":"invalid_grant"}"#);
    let application = builder.build().unwrap();
    let guest = Credentials::meeting_guest(
        "sip:lenea@contoso.com;gruu;opaque=app:conf",
        "Joe Smith",
        Some("k3y".to_owned()),
    );
    assert!(!format!("{guest:?}").contains("k3y"));
    assert_eq!(
        sign_in_error_kind(&application, guest).await,
        SignInErrorKind::InvalidCredentials
    );
    assert_eq!(seen.lock().unwrap().last().unwrap(), "POST /t");
}
