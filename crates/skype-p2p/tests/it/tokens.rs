//! Every grant against the server's engine: signing in, renewing tokens, and refusals.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use skype_p2p::{
    Application, BearerToken, BrowserCookies, Conversation, ConversationState, Credentials,
    ParticipantState, ReasonCode, SignInErrorKind, SignInState, StartOptions,
};
use tokio::time::{Instant, sleep};
use ucwa_server::{Fault, IssuedToken, ServerConfig, User};

use crate::{
    meetings::{last_text, start_conference},
    world::{ALEX, JOE, LENE, LENE_PASSWORD, TOSH, World, users},
};

const MINUTE: Duration = Duration::from_secs(60);

async fn signed_in(application: Application, credentials: Credentials) -> Application {
    let manager = application.sign_in_manager();
    manager.sign_in(credentials).await.unwrap();
    application
}

/// The bodies of the requests for tokens, in the order of sending.
fn token_requests(world: &World) -> Vec<String> {
    let sent = world.requests().into_iter();
    sent.filter(|request| request.uri().path().ends_with("/oauthtoken"))
        .map(|request| String::from_utf8(request.body().to_vec()).unwrap())
        .collect()
}

/// Sends a message to Lene and waits until it arrives.
async fn chat_with_lene(application: &Application, lene: &Application) -> Conversation {
    let manager = application.conversations_manager();
    let tosh_side = manager.get_conversation(LENE).unwrap();
    let sent = tosh_side.chat_service().send_message("Hello");
    let lene_side = crate::standard_chat::conversation(lene, 1).await;
    lene_side.chat_service().accept().await.unwrap();
    sent.await.unwrap();
    tosh_side
}

#[tokio::test(start_paused = true)]
async fn a_guest_keeps_the_conversation_when_the_token_is_renewed() {
    let world = World::new();
    let tosh = world.tosh().await;
    let (tosh_side, uri) = start_conference(&tosh).await;
    let before = token_requests(&world).len();
    let key = uri.rsplit(':').next().unwrap().to_owned();
    let guest = Credentials::meeting_guest(&uri, "Gus Grissom", Some(key));
    let gus = signed_in(world.application(), guest).await;

    let manager = gus.conversations_manager();
    let guest_side = manager.get_conversation_by_uri(&uri).unwrap();
    let started = guest_side.chat_service().start(StartOptions::default());
    started.await.unwrap();
    tosh_side.participants().size().wait_for(1).await.unwrap();
    let guest = tosh_side.participants().get(0).unwrap();
    let in_lobby = guest.state().wait_for(ParticipantState::InLobby);
    in_lobby.await.unwrap();
    guest
        .admit_command()
        .enabled()
        .wait_for(true)
        .await
        .unwrap();
    guest.admit().await.unwrap();
    assert_eq!(guest.display_name().get(), "Gus Grissom");
    assert!(guest.is_anonymous().get());

    guest_side
        .chat_service()
        .send_message("May I?")
        .await
        .unwrap();
    assert_eq!(last_text(&tosh_side, 1).await, "May I?");
    tosh_side
        .chat_service()
        .send_message("You may")
        .await
        .unwrap();
    assert_eq!(last_text(&guest_side, 2).await, "You may");

    // The token of a guest expires after an hour.
    sleep(100 * MINUTE).await;
    let asked = token_requests(&world).split_off(before);
    assert_eq!(asked.len(), 2, "the first one, and one renewal");
    assert!(!asked[0].contains("ms_rtc_renew"));
    assert!(asked[1].contains("ms_rtc_renew"));
    guest_side
        .chat_service()
        .send_message("Still here")
        .await
        .unwrap();
    assert_eq!(last_text(&tosh_side, 3).await, "Still here");
    assert_eq!(
        tosh_side.participants().size().get(),
        1,
        "the participant is the same object"
    );
    assert_eq!(guest.state().get(), ParticipantState::Connected);
    gus.sign_in_manager().sign_out().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_guest_whose_token_is_lost_can_join_again() {
    let world = World::new();
    let tosh = world.tosh().await;
    let (tosh_side, uri) = start_conference(&tosh).await;
    let guest = Credentials::meeting_guest(&uri, "Gus Grissom", None);
    let gus = signed_in(world.application(), guest).await;
    let manager = gus.conversations_manager();
    let guest_side = manager.get_conversation_by_uri(&uri).unwrap();
    let started = guest_side.chat_service().start(StartOptions::default());
    started.await.unwrap();
    tosh_side.participants().size().wait_for(1).await.unwrap();

    world.inject(Fault::ExpireTokens);
    guest_side
        .state()
        .wait_for(ConversationState::Disconnected)
        .await
        .unwrap();
    let reason = guest_side.state().reason().unwrap();
    assert_eq!(*reason.code(), ReasonCode::ConnectionLost);
    let asked = token_requests(&world);
    let guests = asked.iter().filter(|body| body.contains("anonmeeting"));
    let renewals: Vec<_> = guests.map(|body| body.contains("ms_rtc_renew")).collect();
    assert_eq!(renewals, [false, true, false]);
    sleep(MINUTE).await;
    assert_eq!(gus.sign_in_manager().state().get(), SignInState::SignedIn);
    let again = guest_side.chat_service().start(StartOptions::default());
    again.await.unwrap();
    let myself = guest_side.self_participant().state();
    myself.wait_for(ParticipantState::InLobby).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_guest_with_a_wrong_key_or_an_unknown_meeting_is_refused() {
    let world = World::new();
    let tosh = world.tosh().await;
    let (_tosh_side, uri) = start_conference(&tosh).await;
    let unknown = format!("{TOSH};gruu;opaque=app:conf:focus:id:NOTTHERE");
    for (uri, key) in [(uri, Some("wrong".to_owned())), (unknown, None)] {
        let gus = world.application();
        let guest = Credentials::meeting_guest(uri, "Gus", key);
        let error = gus.sign_in_manager().sign_in(guest).await.unwrap_err();
        assert_eq!(error.kind(), &SignInErrorKind::InvalidCredentials);
    }
}

/// A server that accepts these tokens of another issuer for Tosh, each until its time.
fn world_with_issued_tokens(tokens: &[(&str, Duration)]) -> World {
    let mut config = ServerConfig::new(users());
    config.authorization_uri = Some("https://login.contoso.com/authorize".to_owned());
    for (token, good_until) in tokens {
        let token = IssuedToken::new(*token, TOSH, *good_until).unwrap();
        config.issued.push(token);
    }
    World::with_config(config)
}

#[tokio::test(start_paused = true)]
async fn a_token_of_another_issuer_is_requested_again_before_it_expires() {
    let world = world_with_issued_tokens(&[
        ("jwt-1", 10 * MINUTE),
        ("jwt-2", 20 * MINUTE),
        ("jwt-3", 30 * MINUTE),
    ]);
    let began = Instant::now();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let builder = world.builder().on_token(move |question| {
        let mut log = log.lock().unwrap();
        log.push((began.elapsed(), question));
        let token = format!("jwt-{}", log.len());
        // Each token is valid for the ten minutes in which it was issued.
        let left = 10 * MINUTE * u32::try_from(log.len()).unwrap() - began.elapsed();
        async move { Some(BearerToken::new(token, left)) }
    });
    let tosh = signed_in(builder.build().unwrap(), Credentials::bearer(TOSH)).await;
    let lene = world.lene().await;
    let tosh_side = chat_with_lene(&tosh, &lene).await;
    sleep(25 * MINUTE - began.elapsed()).await;
    tosh_side
        .chat_service()
        .send_message("Renewed")
        .await
        .unwrap();

    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 3);
    for ((at, question), expires) in asked.iter().zip([0, 10, 20]) {
        assert!(*at <= expires * MINUTE, "{at:?}");
        assert_eq!(question.host, "127.0.0.1");
        let page = question.authorization_uri.as_deref();
        assert_eq!(page, Some("https://login.contoso.com/authorize"));
    }
    let requests = world.requests();
    let message = requests.iter().rev().find(|request| {
        let path = request.uri().path();
        request.method() == http::Method::POST && path.ends_with("/messages")
    });
    let token = &message.unwrap().headers()["authorization"];
    assert_eq!(token, "Bearer jwt-3");
}

#[tokio::test(start_paused = true)]
async fn a_token_question_without_an_answer_fails_the_sign_in_after_two_minutes() {
    let world = world_with_issued_tokens(&[]);
    let application = world.builder().on_token(|_| pending()).build().unwrap();
    let began = Instant::now();
    let sign_in = application
        .sign_in_manager()
        .sign_in(Credentials::bearer(TOSH));
    let error = sign_in.await.unwrap_err();
    assert_eq!(error.kind(), &SignInErrorKind::InvalidCredentials);
    assert_eq!(began.elapsed().as_secs(), 120);
}

#[tokio::test(start_paused = true)]
async fn a_user_without_a_new_token_is_signed_out_when_the_old_one_expires() {
    let world = world_with_issued_tokens(&[("jwt-1", 10 * MINUTE)]);
    let first = Mutex::new(true);
    let builder = world.builder().on_token(move |_| {
        let first = std::mem::take(&mut *first.lock().unwrap());
        async move { first.then(|| BearerToken::new("jwt-1", 10 * MINUTE)) }
    });
    let tosh = signed_in(builder.build().unwrap(), Credentials::bearer(TOSH)).await;
    let state = tosh.sign_in_manager().state();
    sleep(9 * MINUTE + MINUTE / 2).await;
    assert_eq!(
        state.get(),
        SignInState::SignedIn,
        "the old token is still valid"
    );
    state.wait_for(SignInState::SignedOut).await.unwrap();
    assert_eq!(*state.reason().unwrap().code(), ReasonCode::SignInFailed);
}

/// A server with a sign-in page, whose tokens and cookies are good for ten minutes.
fn world_with_sign_in_page() -> World {
    let mut config = ServerConfig::new(users());
    config.passive = true;
    config.token_life = 10 * MINUTE;
    World::with_config(config)
}

/// Signs Lene in at the page, as a browser does. Returns the cookies that the page sets.
fn sign_in_with_browser(world: &World, page: &str) -> Vec<String> {
    let form = format!("username=lenea%40contoso.com&password={LENE_PASSWORD}");
    let answer = world.answer(Request::post(page).body(Bytes::from(form)).unwrap());
    let answer = answer.unwrap();
    let cookies = answer.headers().get_all("set-cookie").iter();
    cookies.map(|it| it.to_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_cookies_of_the_sign_in_page_are_sent_to_the_token_service() {
    let world = world_with_sign_in_page();
    let pages = Arc::new(Mutex::new(Vec::new()));
    let (shown, browser) = (pages.clone(), world.clone());
    let builder = world.builder().on_passive_sign_in(move |question| {
        let url = question.url;
        let cookies = sign_in_with_browser(&browser, &url)
            .into_iter()
            .fold(BrowserCookies::new(), |cookies, one| {
                cookies.with(&url, one)
            });
        assert_eq!(format!("{cookies:?}"), "BrowserCookies { cookies: 1 }");
        shown.lock().unwrap().push(url);
        async move { Some(cookies) }
    });
    let lene = signed_in(builder.build().unwrap(), Credentials::passive(LENE)).await;
    let page = "http://127.0.0.1/PassiveAuth/PassiveAuth.aspx";
    assert_eq!(*pages.lock().unwrap(), [page]);
    assert_eq!(token_requests(&world).len(), 2);
    let tosh = world.tosh().await;
    chat_with_lene(&tosh, &lene).await;

    // The cookie is still good when the token is renewed. For the token after that, the user signs in again.
    sleep(11 * MINUTE).await;
    assert_eq!(pages.lock().unwrap().len(), 1);
    sleep(10 * MINUTE).await;
    assert_eq!(pages.lock().unwrap().len(), 2);
    assert_eq!(lene.sign_in_manager().state().get(), SignInState::SignedIn);
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_at_the_page_fails_without_the_cookies() {
    let world = world_with_sign_in_page();
    let browser = world.clone();
    let builder = world.builder().on_passive_sign_in(move |question| {
        assert_eq!(sign_in_with_browser(&browser, &question.url).len(), 1);
        // A cookie of another host does not reach the token service.
        let cookies = BrowserCookies::new().with("https://adfs.contoso.com/", "PassiveAuth=other");
        async move { Some(cookies) }
    });
    let application = builder.build().unwrap();
    let sign_in = application
        .sign_in_manager()
        .sign_in(Credentials::passive(LENE));
    let error = sign_in.await.unwrap_err();
    assert_eq!(*error.kind(), SignInErrorKind::InvalidCredentials);
    assert!(error.to_string().contains("cookies"), "{error}");
}

/// A server whose web server authenticates every connection as this user.
fn with_windows_user(user: Option<&str>) -> World {
    let mut config = ServerConfig::new(users());
    config.windows_user = user.map(|user| User::new(user, "", "").unwrap().uri);
    World::with_config(config)
}

#[tokio::test(start_paused = true)]
async fn a_windows_user_signs_in_without_a_password() {
    let world = with_windows_user(Some(TOSH));
    let tosh = signed_in(world.application(), Credentials::windows(TOSH)).await;
    assert_eq!(
        token_requests(&world),
        ["grant_type=urn%3Amicrosoft.rtc%3Awindows"]
    );
    let lene = world.lene().await;
    chat_with_lene(&tosh, &lene).await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_windows_user_has_invalid_credentials() {
    let world = with_windows_user(None);
    let application = world.application();
    let sign_in = application
        .sign_in_manager()
        .sign_in(Credentials::windows(TOSH));
    let error = sign_in.await.unwrap_err();
    assert_eq!(error.kind(), &SignInErrorKind::InvalidCredentials);
    assert_eq!(error.details().status, Some(401));
    assert_eq!(token_requests(&world).len(), 1);
}

/// Tosh and Lene on a server whose tokens have this lifetime.
async fn with_token_life(life: Duration) -> (World, Application, Application) {
    let mut config = ServerConfig::new(users());
    config.token_life = life;
    let world = World::with_config(config);
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    (world, tosh, lene)
}

#[tokio::test(start_paused = true)]
async fn tokens_are_renewed_before_they_expire_without_an_event() {
    let (world, tosh, lene) = with_token_life(10 * MINUTE).await;
    let tosh_side = chat_with_lene(&tosh, &lene).await;
    for _ in 0..30 {
        sleep(MINUTE).await;
        tosh_side.chat_service().send_message("tick").await.unwrap();
    }
    // At 0, 9, 18 and 27 minutes for each user. An expired token would cause one more.
    assert_eq!(token_requests(&world).len(), 8);
    assert_eq!(tosh.sign_in_manager().state().get(), SignInState::SignedIn);
}

#[tokio::test(start_paused = true)]
async fn concurrent_requests_with_an_expired_token_share_one_renewal() {
    // The token expires before the scheduled renewal.
    let (world, tosh, lene) = with_token_life(Duration::from_secs(20)).await;
    let tosh_side = chat_with_lene(&tosh, &lene).await;
    sleep(Duration::from_secs(5)).await;
    let renewals_of_tosh = || {
        let asked = token_requests(&world).into_iter();
        asked.filter(|body| body.contains("toshm")).count()
    };
    sleep(Duration::from_secs(15)).await;
    assert_eq!(renewals_of_tosh(), 1, "the renewal is not due yet");
    let manager = tosh.conversations_manager();
    let others = [ALEX, JOE].map(|peer| manager.get_conversation(peer).unwrap());
    let me = tosh.me();
    let started = others
        .each_ref()
        .map(|other| other.chat_service().start(StartOptions::default()));
    let sent = tosh_side.chat_service().send_message("All at once");
    let location = me.location().set(Some("Redmond".to_owned()));
    sent.await.unwrap();
    location.await.unwrap();
    for start in started {
        // The invited person is not signed in. The start fails with the response of the server.
        start.await.unwrap_err();
    }
    assert_eq!(renewals_of_tosh(), 2, "one renewal for all requests");
}
