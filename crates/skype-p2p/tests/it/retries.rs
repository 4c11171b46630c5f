//! A busy server: the requests that are retried, the pauses, the number of attempts, and the failures that the application
//! gets.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, SendOptions, TransportError};
use http::{Method, Request, Response, StatusCode};
use skype_p2p::{
    Application, Conversation, ConversationState, Credentials, MessageStatus, PersonStatus,
    ReasonCode, SignInErrorKind, Stage,
};
use tokio::time::{Instant, timeout};
use ucwa_server::{Fault, RetryAfter};

use crate::{
    standard_chat::{conversation, statuses, transcript},
    world::{LENE, TOSH, TOSH_PASSWORD, World, beginning},
};

const SECOND: Duration = Duration::from_secs(1);

/// The next `count` requests of this kind get `status`.
fn respond_with(
    world: &World,
    (method, path): (Method, &str),
    count: u32,
    status: StatusCode,
    retry_after: Option<RetryAfter>,
) {
    world.inject(Fault::TurnAway {
        method,
        path: path.to_owned(),
        count,
        status,
        retry_after,
    });
}

fn count(world: &World, method: &str, part: &str) -> usize {
    let log = world.log();
    let lines = log
        .iter()
        .filter(|line| line.starts_with(method) && line.contains(part));
    lines.count()
}

const PRESENCE: (Method, &str) = (Method::GET, "/contactPresence");
const MESSAGES: (Method, &str) = (Method::POST, "/messaging/messages");

#[tokio::test(start_paused = true)]
async fn a_read_is_retried_after_the_requested_pause() {
    for in_seconds in [true, false] {
        for status in [
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::TOO_MANY_REQUESTS,
        ] {
            let world = World::new();
            let (tosh, _lene) = (world.tosh().await, world.lene().await);
            let person = tosh.persons_and_groups_manager().get_person(LENE).unwrap();
            person.title().fetch().await.unwrap();
            let retry_after = match in_seconds {
                true => RetryAfter::Seconds(7),
                false => RetryAfter::Date(beginning() + 7 * SECOND),
            };
            respond_with(&world, PRESENCE, 1, status, Some(retry_after));
            let begun = Instant::now();
            let fetched = person.status().fetch().await.unwrap();
            assert_eq!(fetched, PersonStatus::Online);
            let waited = begun.elapsed();
            // The date was computed some milliseconds earlier.
            let pause = Duration::from_millis(6_900)..=Duration::from_millis(7_100);
            assert!(
                pause.contains(&waited),
                "{retry_after:?} {status} {waited:?}"
            );
            assert_eq!(count(&world, "GET", "/contactPresence"), 2);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_fails_after_its_last_attempt_with_the_number_of_attempts() {
    let world = World::new();
    let (tosh, _lene) = (world.tosh().await, world.lene().await);
    let person = tosh.persons_and_groups_manager().get_person(LENE).unwrap();
    person.title().fetch().await.unwrap();
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    respond_with(&world, PRESENCE, 100, unavailable, None);
    let begun = Instant::now();
    let reason = person.status().fetch().await.unwrap_err();
    assert_eq!(*reason.code(), ReasonCode::RequestFailed);
    let details = reason.details().unwrap();
    assert_eq!(details.stage.as_deref(), Some("people"));
    assert_eq!(details.host.as_deref(), Some("127.0.0.1"));
    assert_eq!(details.status, Some(503));
    assert_eq!(details.attempts, Some(5));
    let text = reason.to_string();
    assert!(
        text.contains("status 503") && text.contains("attempts 5"),
        "{text}"
    );
    assert_eq!(count(&world, "GET", "/contactPresence"), 5);
    // 500 ms, then twice the previous pause each time, minus jitter.
    let elapsed = begun.elapsed();
    assert!((5 * SECOND..=8 * SECOND).contains(&elapsed), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_of_a_day_fails_after_a_minute() {
    let world = World::new();
    let (tosh, _lene) = (world.tosh().await, world.lene().await);
    let person = tosh.persons_and_groups_manager().get_person(LENE).unwrap();
    person.title().fetch().await.unwrap();
    let day = Some(RetryAfter::Seconds(86_400));
    respond_with(&world, PRESENCE, 100, StatusCode::SERVICE_UNAVAILABLE, day);
    let begun = Instant::now();
    let reason = person.status().fetch().await.unwrap_err();
    assert_eq!(reason.details().unwrap().attempts, Some(2), "{reason}");
    assert_eq!(
        begun.elapsed().as_secs(),
        60,
        "a second pause of a minute would end too late"
    );
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_retries_at_a_busy_server_or_fails_with_the_stage() {
    for (path, stage) in [
        ("/WebTicket/oauthtoken", Some(Stage::Authentication)),
        ("/oauth/v1/applications", Some(Stage::Application)),
        ("/makeMeAvailable", None),
    ] {
        let busy = |count| {
            let world = World::new();
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let pause = Some(RetryAfter::Seconds(3));
            respond_with(&world, (Method::POST, path), count, status, pause);
            world
        };
        let begun = Instant::now();
        let tosh = busy(2).tosh().await;
        assert_eq!(begun.elapsed().as_secs(), 6, "{path}");
        drop(tosh);

        let world = busy(100);
        let tosh = world.application();
        let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
        let signed_in = tosh.sign_in_manager().sign_in(credentials).await;
        assert_eq!(count(&world, "POST", path), 5, "{path}");
        let Some(stage) = stage else {
            // The sign-in does not depend on this request.
            assert!(signed_in.is_ok());
            continue;
        };
        let error = signed_in.unwrap_err();
        assert_eq!(*error.kind(), SignInErrorKind::Refused, "{error}");
        assert_eq!(error.details().stage.as_deref(), Some(stage.as_str()));
        assert_eq!(error.details().host.as_deref(), Some("127.0.0.1"));
        assert_eq!(error.details().status, Some(503));
        assert_eq!(error.details().attempts, Some(5));
        assert!(error.to_string().contains("5 attempts"), "{error}");
    }
}

/// A connected chat with the message "Hi Lene".
struct Chat {
    tosh_side: Conversation,
    lene_side: Conversation,
    /// Kept, because dropping them would sign the users out.
    _applications: [Application; 2],
}

async fn chat(world: &World) -> Chat {
    chat_between(world.tosh().await, world.lene().await).await
}

async fn chat_between(tosh: Application, lene: Application) -> Chat {
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let sent = tosh_side.chat_service().send_message("Hi Lene");
    let lene_side = conversation(&lene, 1).await;
    lene_side.chat_service().accept().await.unwrap();
    sent.await.unwrap();
    let state = tosh_side.state();
    state.wait_for(ConversationState::Connected).await.unwrap();
    Chat {
        tosh_side,
        lene_side,
        _applications: [tosh, lene],
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_with_an_unknown_result_is_not_sent_again() {
    let world = World::new();
    let chat = chat(&world).await;
    let (tosh_side, lene_side) = (&chat.tosh_side, &chat.lene_side);
    let sent = count(&world, "POST", "/messaging/messages");
    let pause = Some(RetryAfter::Seconds(1));
    respond_with(&world, MESSAGES, 1, StatusCode::SERVICE_UNAVAILABLE, pause);
    let result = tosh_side.chat_service().send_message("Lunch?");
    let result = timeout(60 * SECOND, result).await.unwrap();
    let reason = result.unwrap_err();
    assert_eq!(*reason.code(), ReasonCode::DeliveryUnknown, "{reason}");
    assert_eq!(count(&world, "POST", "/messaging/messages"), sent + 1);
    let unknown = [MessageStatus::Succeeded, MessageStatus::Unknown];
    assert_eq!(statuses(tosh_side), unknown);
    assert_eq!(transcript(lene_side).len(), 1);

    // The chat continues.
    let result = tosh_side.chat_service().send_message("Hello?");
    result.await.unwrap();
    assert_eq!(transcript(lene_side)[1].2, "Hello?");
}

/// The world behind a proxy that replaces the response to the first message with a 503.
#[derive(Debug)]
struct LostResponse {
    world: World,
    posts: AtomicUsize,
}

#[async_trait]
impl HttpTransport for LostResponse {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let is_message =
            request.method() == MESSAGES.0 && request.uri().path().ends_with(MESSAGES.1);
        let mut response = self.world.send(request, options).await?;
        if is_message && self.posts.fetch_add(1, Ordering::Relaxed) == 0 {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response.headers_mut().clear();
            response.headers_mut().insert("retry-after", 1.into());
        }
        Ok(response)
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_accepted_despite_an_error_response_is_not_duplicated() {
    let world = World::new();
    let transport = LostResponse {
        world: world.clone(),
        posts: AtomicUsize::new(0),
    };
    let builder = world.builder().transport(Arc::new(transport));
    let tosh = builder.build().unwrap();
    let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
    tosh.sign_in_manager().sign_in(credentials).await.unwrap();
    let chat = chat_between(tosh, world.lene().await).await;
    let (tosh_side, lene_side) = (&chat.tosh_side, &chat.lene_side);
    tosh_side
        .chat_service()
        .send_message("Lunch?")
        .await
        .unwrap();
    tosh_side
        .chat_service()
        .send_message("At noon?")
        .await
        .unwrap();
    assert_eq!(statuses(tosh_side), [MessageStatus::Succeeded; 3]);
    let texts = transcript(lene_side).into_iter().map(|(_, _, text)| text);
    let expected = ["Hi Lene", "Lunch?", "At noon?"];
    assert_eq!(texts.collect::<Vec<_>>(), expected);
    assert_eq!(count(&world, "POST", "/messaging/messages"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_message_is_retried_in_order() {
    let world = World::new();
    let chat = chat(&world).await;
    let (tosh_side, lene_side) = (&chat.tosh_side, &chat.lene_side);
    let sent = count(&world, "POST", "/messaging/messages");
    let pause = Some(RetryAfter::Seconds(4));
    respond_with(&world, MESSAGES, 2, StatusCode::TOO_MANY_REQUESTS, pause);
    let begun = Instant::now();
    let first = tosh_side.chat_service().send_message("one");
    let second = tosh_side.chat_service().send_message("two");
    first.await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 8);
    second.await.unwrap();
    let messages = lene_side.chat_service().messages();
    messages.size().wait_for(3).await.unwrap();
    let texts = transcript(lene_side).into_iter().map(|(_, _, text)| text);
    assert_eq!(texts.collect::<Vec<_>>(), ["Hi Lene", "one", "two"]);
    assert_eq!(count(&world, "POST", "/messaging/messages"), sent + 4);
    assert_eq!(statuses(tosh_side), [MessageStatus::Succeeded; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_always_throttled_fails() {
    let world = World::new();
    let chat = chat(&world).await;
    let (tosh_side, lene_side) = (&chat.tosh_side, &chat.lene_side);
    respond_with(&world, MESSAGES, 5, StatusCode::TOO_MANY_REQUESTS, None);
    let reason = tosh_side
        .chat_service()
        .send_message("Lunch?")
        .await
        .unwrap_err();
    assert_eq!(*reason.code(), ReasonCode::Throttled, "{reason}");
    let details = reason.details().unwrap();
    assert_eq!((details.status, details.attempts), (Some(429), Some(5)));
    assert_eq!(details.stage.as_deref(), Some("message"));
    let failed = [MessageStatus::Succeeded, MessageStatus::Failed];
    assert_eq!(statuses(tosh_side), failed);
    assert_eq!(transcript(lene_side).len(), 1);
}
