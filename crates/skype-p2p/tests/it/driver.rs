//! The contract of the driver with the session, the transport and the model.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, SendOptions, TransportError};
use http::{Request, Response};
use skype_p2p::{
    Application, BuildError, CallConnectionState, ChannelOptions, Credentials, ReasonCode, Root,
    SignInErrorKind, SignInState,
};
use tokio::time::{Instant, sleep};

use crate::{
    standard_chat::{conversation, transcript},
    world::{LENE, LENE_PASSWORD, ROOT, TOSH, TOSH_PASSWORD, World},
};

#[test]
fn an_application_needs_a_runtime() {
    assert_eq!(
        Application::builder().build().unwrap_err(),
        BuildError::NoRuntime
    );
}

#[tokio::test(start_paused = true)]
async fn the_next_poll_is_sent_before_listeners_are_called() {
    let world = World::new();
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    let last = Arc::new(Mutex::new(None));
    let (slot, log) = (last.clone(), world.clone());
    let conversations = lene.conversations_manager().conversations();
    let subscription = conversations.added(move |_, _, _| *slot.lock().unwrap() = log.log().pop());
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    drop(tosh_side.chat_service().send_message("Hi Lene"));
    conversation(&lene, 1).await;
    drop(subscription);
    let last = last.lock().unwrap().take().unwrap();
    assert!(
        last.starts_with("GET ") && last.contains("/events"),
        "{last}"
    );
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_deletes_the_application_at_the_server() {
    let world = World::new();
    let tosh = world.tosh().await;
    let manager = tosh.sign_in_manager();
    let state = manager.state();
    let clone = tosh.clone();
    drop((tosh, clone));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(
        state.get(),
        SignInState::SignedIn,
        "the manager is a handle as well"
    );
    drop(manager);
    state.wait_for(SignInState::SignedOut).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert!(
        world.log().last().unwrap().starts_with("DELETE "),
        "{:?}",
        world.log()
    );
    assert_eq!(world.parked(), 0, "the poll was aborted");
}

#[tokio::test(start_paused = true)]
async fn commands_fail_after_the_application_was_dropped() {
    let world = World::new();
    let tosh = world.tosh().await;
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let pending = tosh_side.chat_service().send_message("Hi Lene");
    drop(tosh);
    let reason = pending.await.unwrap_err();
    assert_eq!(*reason.code(), ReasonCode::DeliveryUnknown, "{reason}");
    let reason = tosh_side
        .chat_service()
        .send_message("Still there?")
        .await
        .unwrap_err();
    assert_eq!(*reason.code(), ReasonCode::CommandDisabled, "{reason}");
    tosh_side.leave().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_of_a_dropped_application_ends() {
    let world = World::new();
    world.lose("");
    let application = world.application();
    let sign_in = application
        .sign_in_manager()
        .sign_in(Credentials::password(TOSH, TOSH_PASSWORD));
    drop(application);
    assert_eq!(
        *sign_in.await.unwrap_err().kind(),
        SignInErrorKind::Cancelled
    );
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_aborts_the_poll() {
    let world = World::new();
    // If the poll reached the server, the deletion of the application would end it.
    world.lose("/events");
    let tosh = world.tosh().await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(world.parked(), 1);
    tosh.sign_in_manager().sign_out().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(world.parked(), 0);
}

/// The requests of an application with this seed until it is signed in.
async fn request_bodies_with_seed(seed: u64) -> Vec<String> {
    let world = World::new();
    let builder = world.builder().seed(seed).user_agent("an-agent/1.0");
    let application = builder.build().unwrap();
    let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
    application
        .sign_in_manager()
        .sign_in(credentials)
        .await
        .unwrap();
    let requests = world.requests();
    requests
        .iter()
        .map(|request| String::from_utf8_lossy(request.body()).into_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_seed_makes_a_run_repeatable() {
    let (first, second, other) = (
        request_bodies_with_seed(1).await,
        request_bodies_with_seed(1).await,
        request_bodies_with_seed(2).await,
    );
    assert_eq!(first, second);
    assert_ne!(first, other);
    assert!(first.iter().any(|body| body.contains("an-agent/1.0")));
}

#[tokio::test(start_paused = true)]
async fn endpoint_ids_are_configured_or_unique() {
    let world = World::new();
    let named = world
        .builder()
        .endpoint_id("fixed-endpoint")
        .build()
        .unwrap();
    let (first, second) = (world.application(), world.application());
    for application in [&named, &first, &second] {
        let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
        application
            .sign_in_manager()
            .sign_in(credentials)
            .await
            .unwrap();
    }
    let requests = world.requests();
    let created: Vec<_> = requests
        .iter()
        .filter(|request| request.body().windows(10).any(|word| word == b"endpointId"))
        .map(|request| String::from_utf8_lossy(request.body()))
        .collect();
    assert_eq!(created.len(), 3);
    assert!(created[0].contains("fixed-endpoint"), "{}", created[0]);
    assert_ne!(created[1], created[2]);
}

/// A transport with a defect.
#[derive(Debug)]
enum Defective {
    Panics,
    NeverReturns,
}

#[async_trait]
impl HttpTransport for Defective {
    async fn send(
        &self,
        _: Request<Bytes>,
        _: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        match self {
            Self::Panics => panic!("a defect"),
            Self::NeverReturns => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_defective_transport_fails_the_operation() {
    // A panic is noticed at once, silence by the session's watchdog. Both are retried.
    for (defective, within) in [(Defective::Panics, 20), (Defective::NeverReturns, 120)] {
        let begun = Instant::now();
        let application = Application::builder()
            .root(Root::Url(ROOT.to_owned()))
            .transport(Arc::new(defective))
            .build()
            .unwrap();
        let sign_in = application
            .sign_in_manager()
            .sign_in(Credentials::password(TOSH, TOSH_PASSWORD));
        let error = sign_in.await.unwrap_err();
        assert!(
            matches!(
                error.kind(),
                SignInErrorKind::Interrupted | SignInErrorKind::Unreachable { .. }
            ),
            "{error:?}"
        );
        assert!(
            begun.elapsed() < Duration::from_secs(within),
            "{:?}",
            begun.elapsed()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn applications_side_by_side_share_nothing() {
    let world = World::new();
    let (tosh, lene) = (world.tosh().await, world.lene().await);
    tosh.conversations_manager().get_conversation(LENE).unwrap();
    assert!(
        lene.conversations_manager()
            .conversations()
            .snapshot()
            .is_empty()
    );
    tosh.sign_in_manager().sign_out().await.unwrap();
    assert_eq!(lene.sign_in_manager().state().get(), SignInState::SignedIn);
}

#[tokio::test(start_paused = true)]
async fn no_duration_ends_the_driver() {
    let world = World::new();
    let mut options = ChannelOptions::default();
    options.timeout = Some(Duration::MAX);
    options.medium = Some(Duration::MAX);
    options.low = Some(Duration::ZERO);
    let tosh = world.builder().channel(options).build().unwrap();
    let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
    tosh.sign_in_manager().sign_in(credentials).await.unwrap();
    let lene = world.lene().await;
    let person = tosh.persons_and_groups_manager().get_person(LENE).unwrap();
    let _intervals = [Duration::MAX, Duration::from_secs(u64::MAX), Duration::ZERO]
        .map(|interval| person.status().subscribe_every(interval));
    sleep(Duration::from_secs(600)).await;
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let sent = tosh_side.chat_service().send_message("Hi Lene");
    let lene_side = conversation(&lene, 1).await;
    lene_side.chat_service().accept().await.unwrap();
    sent.await.unwrap();
}

/// A load balancer that sets a route cookie on responses to requests without one.
#[derive(Debug)]
struct Balancer {
    world: World,
    /// The cookie header of every request, empty if there was none.
    seen: Mutex<Vec<String>>,
}

#[async_trait]
impl HttpTransport for Balancer {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let cookie = request.headers().get("cookie");
        let cookie = cookie.map_or(String::new(), |it| it.to_str().unwrap().to_owned());
        let number = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(cookie.clone());
            seen.len()
        };
        let mut response = self.world.send(request, options).await?;
        if cookie.is_empty() {
            let route = format!("route={number}; Path=/").parse().unwrap();
            response.headers_mut().append("set-cookie", route);
        }
        Ok(response)
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_cookie_jar_no_cookie_is_sent_back() {
    let balancer = Arc::new(Balancer {
        world: World::new(),
        seen: Mutex::default(),
    });
    let application = Application::builder()
        .root(Root::Url(ROOT.to_owned()))
        .transport(balancer.clone())
        .without_cookie_jar()
        .build()
        .unwrap();
    let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
    let signed_in = application.sign_in_manager().sign_in(credentials);
    signed_in.await.unwrap();
    let seen = balancer.seen.lock().unwrap();
    assert!(
        seen.len() > 3 && seen.iter().all(String::is_empty),
        "{seen:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn each_application_sends_back_its_own_cookies() {
    let balancer = Arc::new(Balancer {
        world: World::new(),
        seen: Mutex::default(),
    });
    let mut applications = Vec::new();
    for (address, password) in [(TOSH, TOSH_PASSWORD), (LENE, LENE_PASSWORD)] {
        let application = Application::builder()
            .root(Root::Url(ROOT.to_owned()))
            .transport(balancer.clone())
            .build()
            .unwrap();
        let credentials = Credentials::password(address, password);
        let signed_in = application.sign_in_manager().sign_in(credentials);
        signed_in.await.unwrap();
        applications.push(application);
    }
    let seen = balancer.seen.lock().unwrap().clone();
    let without_cookie: Vec<usize> = (0..seen.len())
        .filter(|index| seen[*index].is_empty())
        .collect();
    assert_eq!(without_cookie.len(), 2, "{seen:?}");
    assert_eq!(seen[1], "route=1");
    assert_eq!(
        seen[without_cookie[1] + 1],
        format!("route={}", without_cookie[1] + 1)
    );
}

/// A killed process sends no request. The next process with its endpoint ID takes over its application.
#[tokio::test(start_paused = true)]
async fn a_new_process_takes_over_the_conversations_of_a_killed_one() {
    let world = World::new();
    let lene = world.lene().await;
    let process = async || {
        let application = world
            .builder()
            .endpoint_id("fixed-endpoint")
            .build()
            .unwrap();
        application
            .sign_in_manager()
            .sign_in(Credentials::password(TOSH, TOSH_PASSWORD))
            .await
            .unwrap();
        application
    };
    let first = process().await;
    let log = world.log();
    let poll = log.iter().rev().find_map(|it| it.split_once("/events"));
    let (_, application) = poll.unwrap().0.split_once(' ').unwrap();
    let tosh_side = first
        .conversations_manager()
        .get_conversation(LENE)
        .unwrap();
    let sent = tosh_side.chat_service().send_message("Hi Lene");
    let lene_side = conversation(&lene, 1).await;
    lene_side.chat_service().accept().await.unwrap();
    sent.await.unwrap();
    world.lose(application);
    drop((first, tosh_side));
    sleep(Duration::from_secs(5)).await;
    world.lose("no path");

    let second = process().await;
    let tosh_side = conversation(&second, 1).await;
    let chat = tosh_side.self_participant().chat();
    chat.state()
        .wait_for(CallConnectionState::Connected)
        .await
        .unwrap();
    tosh_side.participants().size().wait_for(1).await.unwrap();
    tosh_side
        .chat_service()
        .send_message("Back again")
        .await
        .unwrap();
    assert_eq!(transcript(&lene_side).len(), 2);
    lene_side
        .chat_service()
        .send_message("I waited")
        .await
        .unwrap();
    let messages = tosh_side.chat_service().messages();
    messages.size().wait_for(2).await.unwrap();
    let (_, sender, text) = transcript(&tosh_side).pop().unwrap();
    assert_eq!((&*sender, &*text), ("Lene Aaling", "I waited"));
    assert_eq!(lene.conversations_manager().conversations().size().get(), 1);
}

/// A transport that replaces the embedded message of events with a number.
#[derive(Debug)]
struct MalformedEvents(World);

#[async_trait]
impl HttpTransport for MalformedEvents {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let is_poll = request.uri().path().ends_with("/events");
        let response = self.0.send(request, options).await?;
        Ok(response.map(|body| match is_poll {
            true => String::from_utf8(body.to_vec())
                .unwrap()
                .replace(
                    r#""_embedded":{"message":{"#,
                    r#""_embedded":{"message":7,"x":{"#,
                )
                .into(),
            false => body,
        }))
    }
}

#[tokio::test(start_paused = true)]
async fn a_malformed_event_is_counted_and_its_message_is_read() {
    let world = World::new();
    let lene = world
        .builder()
        .transport(Arc::new(MalformedEvents(world.clone())))
        .build()
        .unwrap();
    let credentials = Credentials::password(LENE, LENE_PASSWORD);
    let manager = lene.sign_in_manager();
    manager.sign_in(credentials).await.unwrap();
    let tosh = world.tosh().await;
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let chat = tosh_side.chat_service();
    let first = chat.send_message("Hi Lene");
    let lene_side = conversation(&lene, 1).await;
    lene_side.chat_service().accept().await.unwrap();
    first.await.unwrap();
    chat.send_message("Are you there?").await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let texts: Vec<_> = transcript(&lene_side)
        .into_iter()
        .map(|(.., text)| text)
        .collect();
    assert_eq!(texts, ["Hi Lene", "Are you there?"]);
    assert_eq!((lene.malformed_events(), tosh.malformed_events()), (2, 0));
}
