//! Failures of the sign-in, the sign-in state, and trust in hosts.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use conv_transport::{Effect, Faulty, MockHttpTransport, TransportError, TransportErrorKind};
use http::{Request, Response};
use skype_p2p::{
    Application, Credentials, ReasonCode, Root, SignInError, SignInErrorKind, SignInState, Stage,
    TrustQuestion,
};
use tokio::time::{Instant, sleep};
use ucwa_server::Fault;

use crate::{
    standard_chat,
    world::{LENE, ROOT, TOSH, TOSH_PASSWORD, World},
};

fn tosh() -> Credentials {
    Credentials::password(TOSH, TOSH_PASSWORD)
}

async fn refused(application: &Application, credentials: Credentials) -> SignInError {
    let error = application
        .sign_in_manager()
        .sign_in(credentials)
        .await
        .unwrap_err();
    assert_eq!(
        application.sign_in_manager().state().get(),
        SignInState::SignedOut
    );
    error
}

/// A transport that responds to every request with `answer`.
fn transport_that_responds(
    answer: impl Fn(&Request<Bytes>) -> Result<Response<Bytes>, TransportError> + Send + Sync + 'static,
) -> MockHttpTransport {
    let mut transport = MockHttpTransport::new();
    transport
        .expect_send()
        .returning(move |request, _| answer(&request));
    transport
}

fn application_on(transport: MockHttpTransport) -> Application {
    Application::builder()
        .root(Root::Url(ROOT.to_owned()))
        .transport(Arc::new(transport))
        .build()
        .unwrap()
}

fn json(body: &str) -> Response<Bytes> {
    let response = Response::builder().header("content-type", "application/json");
    response
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_and_an_unknown_user_fail_with_the_details_of_the_response() {
    let world = World::new();
    for credentials in [
        Credentials::password(TOSH, "wrong"),
        Credentials::password("sip:nobody@contoso.com", TOSH_PASSWORD),
    ] {
        let application = world.application();
        let error = refused(&application, credentials).await;
        assert_eq!(
            *error.kind(),
            SignInErrorKind::InvalidCredentials,
            "{error}"
        );
        assert_eq!(
            error.details().stage.as_deref(),
            Some(Stage::Authentication.as_str())
        );
        assert_eq!(error.details().host.as_deref(), Some("127.0.0.1"));
        assert_eq!(error.details().status, Some(400));
        assert_eq!(error.details().code.as_deref(), Some("invalid_grant"));
        assert!(error.details().diagnostics.is_some(), "{error}");
        assert!(
            error
                .to_string()
                .starts_with("cannot sign in: authentication: "),
            "{error}"
        );
        assert!(application.sign_in_manager().state().reason().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_in_html_is_not_from_a_ucwa_server() {
    let transport = transport_that_responds(|_| {
        let page = Response::builder().header("content-type", "text/html");
        Ok(page
            .body(Bytes::from_static(b"<html><body>It works!</body></html>"))
            .unwrap())
    });
    let error = refused(&application_on(transport), tosh()).await;
    assert_eq!(*error.kind(), SignInErrorKind::UnexpectedAnswer, "{error}");
    assert_eq!(
        error.details().stage.as_deref(),
        Some(Stage::Discovery.as_str())
    );
    assert_eq!(error.details().status, Some(200));
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_root_lists_the_addresses_tried() {
    let transport = transport_that_responds(|_| {
        Err(TransportError::new(
            TransportErrorKind::Connect,
            conv_transport::Stage::Connect,
            "127.0.0.1:80",
        ))
    });
    let error = refused(&application_on(transport), tosh()).await;
    let SignInErrorKind::Unreachable { tried, .. } = error.kind() else {
        panic!("{error:?}")
    };
    assert!(
        tried.iter().any(|tried| tried.contains("127.0.0.1")),
        "{tried:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_root_discovery_uses_the_sip_domain_over_https() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let transport = transport_that_responds(move |request| {
        seen.lock().unwrap().push(request.uri().to_string());
        Err(TransportError::new(
            TransportErrorKind::Resolve,
            conv_transport::Stage::Resolve,
            "lyncdiscover",
        ))
    });
    let application = Application::builder()
        .transport(Arc::new(transport))
        .build()
        .unwrap();
    let error = refused(
        &application,
        Credentials::password("toshm@fabrikam.com", "secret"),
    )
    .await;
    assert!(
        matches!(error.kind(), SignInErrorKind::Unreachable { .. }),
        "{error:?}"
    );
    let asked = asked.lock().unwrap();
    assert!(
        asked.contains(&"https://lyncdiscoverinternal.fabrikam.com/".to_owned()),
        "{asked:?}"
    );
    assert!(
        asked.contains(&"https://lyncdiscover.fabrikam.com/".to_owned()),
        "{asked:?}"
    );
    assert!(
        asked.iter().all(|url| url.starts_with("https://")),
        "{asked:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn invalid_arguments_fail_before_any_request() {
    let world = World::new();
    for address in ["", "toshm", "tosh m@contoso.com", "tel:+4712345678"] {
        let error = refused(
            &world.application(),
            Credentials::password(address, "secret"),
        )
        .await;
        assert_eq!(
            *error.kind(),
            SignInErrorKind::InvalidArgument,
            "{address:?}: {error}"
        );
    }
    for root in ["", "contoso", "ftp://contoso.com/", "http://"] {
        let builder = Application::builder().root(Root::Url(root.to_owned()));
        let application = builder.transport(Arc::new(world.clone())).build().unwrap();
        let error = refused(&application, tosh()).await;
        assert_eq!(
            *error.kind(),
            SignInErrorKind::InvalidArgument,
            "{root:?}: {error}"
        );
    }
    assert_eq!(world.log(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_application_signs_in_once() {
    let world = World::new();
    let failed = world.application();
    refused(&failed, Credentials::password(TOSH, "wrong")).await;
    let error = refused(&failed, tosh()).await;
    assert_eq!(*error.kind(), SignInErrorKind::Spent, "{error}");

    let application = world.tosh().await;
    let manager = application.sign_in_manager();
    let error = manager.sign_in(tosh()).await.unwrap_err();
    assert_eq!(*error.kind(), SignInErrorKind::Spent, "{error}");
    assert_eq!(manager.state().get(), SignInState::SignedIn);
    manager.sign_out().await.unwrap();
    let error = manager.sign_in(tosh()).await.unwrap_err();
    assert_eq!(*error.kind(), SignInErrorKind::Spent, "{error}");
    manager.sign_out().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_sign_in_state_and_the_user_follow_sign_in_and_sign_out() {
    let world = World::new();
    let application = world.application();
    let states = Arc::new(Mutex::new(Vec::new()));
    let seen = states.clone();
    let manager = application.sign_in_manager();
    let subscription = manager
        .state()
        .changed(move |change| seen.lock().unwrap().push(change.new));
    manager.sign_in(tosh()).await.unwrap();
    assert_eq!(application.me().id().get(), TOSH);
    assert_eq!(application.me().display_name().get(), "Tosh Meston");
    manager.sign_out().await.unwrap();
    drop(subscription);
    use SignInState::{SignedIn, SignedOut, SigningIn, SigningOut};
    assert_eq!(
        *states.lock().unwrap(),
        [SignedOut, SigningIn, SignedIn, SigningOut, SignedOut]
    );
    assert!(
        world.log().last().unwrap().starts_with("DELETE "),
        "{:?}",
        world.log()
    );
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_cancels_a_sign_in() {
    let world = World::new();
    world.lose("");
    let application = world.application();
    let sign_in = application.sign_in_manager().sign_in(tosh());
    application.sign_in_manager().sign_out().await.unwrap();
    let error = sign_in.await.unwrap_err();
    assert_eq!(*error.kind(), SignInErrorKind::Cancelled, "{error}");
    assert_eq!(
        application.sign_in_manager().state().get(),
        SignInState::SignedOut
    );
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_at_a_server_that_does_not_respond_times_out() {
    let world = World::new();
    world.lose("");
    let begun = Instant::now();
    let error = refused(&world.application(), tosh()).await;
    assert!(
        begun.elapsed() <= Duration::from_secs(60),
        "{:?}",
        begun.elapsed()
    );
    assert!(
        matches!(
            error.kind(),
            SignInErrorKind::Unreachable { .. } | SignInErrorKind::Interrupted
        ),
        "{error:?}"
    );
}

/// A transport whose discovery links to a host of another domain.
fn transport_with_an_untrusted_link() -> MockHttpTransport {
    transport_that_responds(|request| {
        let body = match request.uri().host() {
            Some("127.0.0.1") => {
                r#"{"_links":{"self":{"href":"http://127.0.0.1/"},"user":{"href":"https://pool.fabrikam.com/user"}}}"#
            }
            _ => r#"{"_links":{}}"#,
        };
        Ok(json(body))
    })
}

#[tokio::test(start_paused = true)]
async fn an_untrusted_host_gets_no_credentials() {
    let error = refused(&application_on(transport_with_an_untrusted_link()), tosh()).await;
    assert_eq!(*error.kind(), SignInErrorKind::Untrusted, "{error}");
    assert_eq!(error.details().host.as_deref(), Some("pool.fabrikam.com"));
}

#[tokio::test(start_paused = true)]
async fn the_trust_callback_decides_about_other_hosts() {
    for (answer, untrusted) in [(false, true), (true, false)] {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let questions = asked.clone();
        let application = Application::builder()
            .root(Root::Url(ROOT.to_owned()))
            .transport(Arc::new(transport_with_an_untrusted_link()))
            .on_trust(move |question: TrustQuestion| {
                questions.lock().unwrap().push((question.from, question.to));
                async move { answer }
            })
            .build()
            .unwrap();
        let error = refused(&application, tosh()).await;
        assert_eq!(
            *error.kind() == SignInErrorKind::Untrusted,
            untrusted,
            "{answer}: {error}"
        );
        let asked = asked.lock().unwrap();
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert!(asked[0].1.contains("pool.fabrikam.com"), "{asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_is_not_trusted_if_the_callback_panics_or_never_answers() {
    let application = Application::builder()
        .root(Root::Url(ROOT.to_owned()))
        .transport(Arc::new(transport_with_an_untrusted_link()))
        .on_trust(|_| std::future::pending())
        .build()
        .unwrap();
    let error = refused(&application, tosh()).await;
    assert_eq!(*error.kind(), SignInErrorKind::Untrusted, "{error}");

    let application = Application::builder()
        .root(Root::Url(ROOT.to_owned()))
        .transport(Arc::new(transport_with_an_untrusted_link()))
        .on_trust(|_| async { panic!("on purpose") })
        .build()
        .unwrap();
    let begun = Instant::now();
    let error = refused(&application, tosh()).await;
    assert_eq!(*error.kind(), SignInErrorKind::Untrusted, "{error}");
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "a panic is a refusal at once"
    );
}

#[tokio::test(start_paused = true)]
async fn a_trusted_suffix_matches_whole_labels() {
    for (suffix, untrusted) in [("fabrikam.com", false), ("abrikam.com", true)] {
        let application = Application::builder()
            .root(Root::Url(ROOT.to_owned()))
            .transport(Arc::new(transport_with_an_untrusted_link()))
            .trust_suffix(suffix)
            .build()
            .unwrap();
        let error = refused(&application, tosh()).await;
        assert_eq!(
            *error.kind() == SignInErrorKind::Untrusted,
            untrusted,
            "{suffix}: {error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_separate_user_name_is_used_to_authenticate() {
    let world = World::new();
    let application = world.application();
    let credentials =
        Credentials::password(LENE, TOSH_PASSWORD).with_user_name("toshm@contoso.com");
    application
        .sign_in_manager()
        .sign_in(credentials)
        .await
        .unwrap();
    assert_eq!(application.me().display_name().get(), "Tosh Meston");
}

#[tokio::test(start_paused = true)]
async fn an_application_ended_by_the_server_is_signed_out_with_the_reason() {
    let world = World::new();
    let tosh = world.tosh().await;
    world.inject(Fault::ExpireApplications {
        user: TOSH.to_owned(),
    });
    let state = tosh.sign_in_manager().state();
    state.wait_for(SignInState::SignedOut).await.unwrap();
    let reason = state.reason().unwrap();
    assert_eq!(*reason.code(), ReasonCode::Gone, "{reason}");
    assert_eq!(
        reason.details().unwrap().subcode.as_deref(),
        Some("InactiveApplicationExpired"),
        "{reason}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_expired_application_is_re_created_if_configured() {
    let world = World::new();
    let tosh = world.builder().recreate_expired(true).build().unwrap();
    let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
    tosh.sign_in_manager().sign_in(credentials).await.unwrap();
    let lene = world.lene().await;
    world.inject(Fault::ExpireApplications {
        user: TOSH.to_owned(),
    });
    sleep(Duration::from_secs(10)).await;
    let state = tosh.sign_in_manager().state();
    assert_eq!(state.get(), SignInState::SignedIn);
    let log = world.log();
    let created = log
        .iter()
        .filter(|line| line.starts_with("POST ") && line.ends_with("/applications"));
    assert_eq!(created.count(), 3, "{log:?}");
    standard_chat::run(&tosh, &lene).await;
}

#[tokio::test(start_paused = true)]
async fn recoverable_faults_do_not_change_the_sign_in_state() {
    let world = World::new();
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    let states = Arc::new(Mutex::new(Vec::new()));
    let seen = states.clone();
    let state = tosh.sign_in_manager().state();
    let subscription = state.changed(move |change| seen.lock().unwrap().push(change.new));
    world.inject(Fault::ExpireTokens);
    world.inject(Fault::DropApplications {
        user: TOSH.to_owned(),
    });
    sleep(Duration::from_secs(10)).await;
    standard_chat::run(&tosh, &lene).await;
    drop(subscription);
    use SignInState::{SignedIn, SignedOut, SigningOut};
    assert_eq!(*states.lock().unwrap(), [SignedIn, SigningOut, SignedOut]);
}

/// Each exchange takes a second longer, so the seconds count the exchanges that wait for each other.
#[tokio::test(start_paused = true)]
async fn a_sign_in_takes_six_round_trips_and_five_from_the_home_server() {
    let second = Duration::from_secs(1);
    let world = World::new();
    let slow = || {
        let delay = conv_transport::Fault::new(Effect::Delay(second));
        let transport = Faulty::new(world.clone(), 0, [delay]);
        world.builder().transport(Arc::new(transport))
    };
    let application = slow().build().unwrap();
    let begun = Instant::now();
    let manager = application.sign_in_manager();
    manager.sign_in(tosh()).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 6);
    let home = manager.home().unwrap();
    manager.sign_out().await.unwrap();

    let application = slow().root(home).build().unwrap();
    let begun = Instant::now();
    application.sign_in_manager().sign_in(tosh()).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 5);
}
