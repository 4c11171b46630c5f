//! Handing an application over to another process.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use skype_p2p::{
    Application, ApplicationBuilder, CallConnectionState, Checkpoint, ConnectionState,
    Conversation, ConversationState, Credentials, DoubtfulMessage, Event, Events, MessageStatus,
    ReasonCode, ReplacementPolicy, SignInError, SignInErrorKind, SignInState, Subscriptions,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use ucwa_server::Fault;

use crate::{
    groups::{connect_chat, with_time_limit},
    standard_chat::{conversation, statuses, transcript},
    world::{ALEX, LENE, TOSH, TOSH_PASSWORD, World},
};

const SECOND: Duration = Duration::from_secs(1);

/// Signs in without credentials, which the token of a checkpoint makes unnecessary.
async fn resume_without_password(
    builder: ApplicationBuilder,
    checkpoint: &Checkpoint,
) -> Application {
    let stored = Checkpoint::decode(&checkpoint.encode()).unwrap();
    let application = builder.resume(stored).build().unwrap();
    let sign_in = application.sign_in_manager();
    sign_in.sign_in(Credentials::none(TOSH)).await.unwrap();
    assert_eq!(sign_in.not_resumed(), None);
    application
}

/// Records the changes of a conversation from its creation on.
pub(crate) struct ChangeRecorder {
    _listeners: Subscriptions,
    changes: Arc<Mutex<Vec<String>>>,
}

impl ChangeRecorder {
    pub(crate) fn new(conversation: &Conversation) -> Self {
        let changes = Arc::new(Mutex::new(Vec::new()));
        let mut listeners = Subscriptions::new();
        let log = changes.clone();
        let state = conversation.state();
        listeners.add(state.changed(move |it| log.lock().unwrap().push(format!("{:?}", it.new))));
        let log = changes.clone();
        let chat = conversation.self_participant().chat().state();
        listeners.add(chat.changed(move |it| log.lock().unwrap().push(format!("{:?}", it.new))));
        let log = changes.clone();
        let participants = conversation.participants();
        let joined = move |_: &_, _, _| log.lock().unwrap().push("participant".to_owned());
        listeners.add(participants.added(joined));
        let log = changes.clone();
        let left = move |_: &_, _, _| log.lock().unwrap().push("participant left".to_owned());
        listeners.add(participants.removed(left));
        // The registrations replay the current state.
        changes.lock().unwrap().clear();
        Self {
            _listeners: listeners,
            changes,
        }
    }

    #[track_caller]
    pub(crate) fn assert_no_changes(&self) {
        assert_eq!(*self.changes.lock().unwrap(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_successor_continues_with_two_requests_and_without_a_change_at_the_peer() {
    with_time_limit(async {
        let world = World::new();
        let (old, lene) = (world.tosh().await, world.lene().await);
        let (tosh_side, lene_side) = connect_chat(&old, &lene).await;
        let changes = ChangeRecorder::new(&lene_side);

        let checkpoint = old.detach().await.unwrap();
        let state = old.sign_in_manager().state();
        assert_eq!(state.get(), SignInState::SignedOut);
        assert_eq!(tosh_side.state().get(), ConversationState::Disconnected);
        assert!(old.checkpoint().await.is_none());
        drop(old);
        // Lene sends a message while no process of Tosh runs.
        let sent = tokio::spawn(lene_side.chat_service().send_message("Are you there?"));
        sleep(3 * SECOND).await;

        let before = world.log().len();
        let tosh = resume_without_password(world.builder(), &checkpoint).await;
        let log = world.log().split_off(before);
        let application = log[1].strip_prefix("GET ").unwrap();
        assert_eq!(log[0], format!("GET {application}/events"));
        sent.await.unwrap().unwrap();
        let tosh_side = conversation(&tosh, 1).await;
        assert_eq!(tosh_side.state().get(), ConversationState::Connected);
        let chat = tosh_side.self_participant().chat().state();
        assert_eq!(chat.get(), CallConnectionState::Connected);
        let again = tosh.conversations_manager().get_conversation(LENE).unwrap();
        assert_eq!(
            again, tosh_side,
            "the same conversation is found by the peer"
        );
        let peer = tosh_side.participants().snapshot();
        assert_eq!(peer.len(), 1);
        assert_eq!(peer[0].display_name().get(), "Lene Aaling");
        assert_eq!(peer[0].chat().state().get(), CallConnectionState::Connected);

        tosh_side.chat_service().send_message("Yes").await.unwrap();
        lene_side.chat_service().send_message("Good").await.unwrap();
        let texts: Vec<_> = transcript(&tosh_side).into_iter().map(|it| it.2).collect();
        assert_eq!(texts, ["Are you there?", "Yes", "Good"]);
        let texts: Vec<_> = transcript(&lene_side).into_iter().map(|it| it.2).collect();
        assert_eq!(texts, ["Hi Lene", "Are you there?", "Yes", "Good"]);
        changes.assert_no_changes();
        assert_eq!(tosh_side.participants().snapshot().len(), 1);
        let requests = world.log().split_off(before);
        assert!(
            !requests.iter().any(|it| it.contains("oauthtoken")),
            "{requests:?}"
        );

        // The successor signs out like any other application.
        tosh.sign_in_manager().sign_out().await.unwrap();
        let state = lene_side.state();
        state
            .wait_for(ConversationState::Disconnected)
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn messages_have_the_ids_of_the_application_and_of_the_server() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, lene) = (world.tosh().await, world.lene().await);
        let (tosh_side, lene_side) = connect_chat(&tosh, &lene).await;
        let sent = tosh_side
            .chat_service()
            .send_message_with_id("outbox-7", "one");
        sent.await.unwrap();
        lene_side.chat_service().send_message("two").await.unwrap();
        let ids = |conversation: &Conversation| {
            let messages = conversation.chat_service().messages().snapshot();
            let ids: Vec<_> = messages.iter().map(|it| it.remote_id().get()).collect();
            ids
        };
        // "Hi Lene" and "two" were sent without an ID.
        let (at_tosh, at_lene) = (ids(&tosh_side), ids(&lene_side));
        assert!(at_tosh[0].is_none() && at_tosh[1].is_some(), "{at_tosh:?}");
        assert!(at_lene[0].is_some() && at_lene[1].is_some(), "{at_lene:?}");
        assert!(
            at_tosh[2].is_some() && at_tosh[2] != at_tosh[1],
            "{at_tosh:?}"
        );
        assert!(
            at_lene[0] != at_lene[1] && at_lene[2].is_none(),
            "{at_lene:?}"
        );
        let request = world.requests().into_iter().find(|request| {
            let query = request.uri().query().unwrap_or_default();
            query.contains("operationId=outbox-7")
        });
        assert!(request.is_some());
        let long = "x".repeat(51);
        let refused = tosh_side
            .chat_service()
            .send_message_with_id(long, "three")
            .await;
        assert_eq!(*refused.unwrap_err().code(), ReasonCode::InvalidArgument);
    })
    .await;
}

/// Waits for the next batch with a matching event, and commits the batches before.
pub(crate) async fn next_batch_with(
    events: &mut Events,
    matches: impl Fn(&Event) -> bool,
) -> skype_p2p::EventBatch {
    loop {
        let batch = events.next().await.expect("the application has ended");
        if batch.events().iter().any(&matches) {
            return batch;
        }
        batch.commit();
    }
}

fn is_message(event: &Event) -> bool {
    matches!(event, Event::MessageReceived { .. })
}

fn remote_ids(batch: &skype_p2p::EventBatch) -> Vec<String> {
    let ids = batch.events().iter().filter_map(|event| match event {
        Event::MessageReceived { remote_id, .. } => Some(remote_id.clone()),
        _ => None,
    });
    ids.collect()
}

/// A chat of Tosh and Lene. The events of Tosh's application have to be committed.
async fn chat_with_events(
    world: &World,
) -> (Application, Events, Application, Conversation, Conversation) {
    let (tosh, mut events) = world.builder().build_with_events().unwrap();
    let sign_in = tosh.sign_in_manager();
    let lene = world.lene().await;
    sign_in
        .sign_in(Credentials::password(TOSH, TOSH_PASSWORD))
        .await
        .unwrap();
    let chat = connect_chat(&tosh, &lene);
    let mut chat = Box::pin(chat);
    let (tosh_side, lene_side) = loop {
        tokio::select! {
            chat = &mut chat => break chat,
            batch = events.next() => batch.unwrap().commit(),
        }
    };
    drop(chat);
    (tosh, events, lene, tosh_side, lene_side)
}

/// Starts the application that resumes a checkpoint, and its sign-in. Its events have to be committed.
fn resume_with_events(
    world: &World,
    checkpoint: Checkpoint,
) -> (Application, Events, JoinHandle<Result<(), SignInError>>) {
    let builder = world.builder().resume(checkpoint);
    let (tosh, events) = builder.build_with_events().unwrap();
    let sign_in = tosh.sign_in_manager();
    let signed_in = tokio::spawn(sign_in.sign_in(Credentials::password(TOSH, "")));
    (tosh, events, signed_in)
}

#[tokio::test(start_paused = true)]
async fn an_uncommitted_page_is_sent_again_to_the_successor() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, mut events, _lene, _tosh_side, lene_side) = chat_with_events(&world).await;
        let stored = tosh.checkpoint().await.unwrap();
        let sent = tokio::spawn(lene_side.chat_service().send_message("Do not lose this"));
        let batch = next_batch_with(&mut events, is_message).await;
        let seen = remote_ids(&batch);
        // Before the commit, the server does not report the message as delivered.
        sleep(5 * SECOND).await;
        assert!(!sent.is_finished());
        // The process is killed, and its state after the page is lost.
        drop((batch, tosh.detach().await));

        let (tosh, mut events, signed_in) = resume_with_events(&world, stored);
        let batch = next_batch_with(&mut events, is_message).await;
        assert_eq!(remote_ids(&batch), seen);
        assert!(batch.checkpoint().is_some());
        batch.commit();
        signed_in.await.unwrap().unwrap();
        sent.await.unwrap().unwrap();
        // The page is not sent a third time.
        sleep(60 * SECOND).await;
        let messages = conversation(&tosh, 1).await.chat_service().messages();
        assert_eq!(messages.snapshot().len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_late_commit_is_reported_as_reconnecting() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, mut events, _lene, tosh_side, lene_side) = chat_with_events(&world).await;
        let connection = tosh.sign_in_manager().connection();
        let sent = tokio::spawn(lene_side.chat_service().send_message("one"));
        let batch = next_batch_with(&mut events, is_message).await;
        let begin = Instant::now();
        let is_late =
            |state: &ConnectionState| matches!(state, ConnectionState::Reconnecting { .. });
        while !is_late(&connection.get()) {
            sleep(SECOND).await;
        }
        let elapsed = begin.elapsed();
        assert!((24 * SECOND..28 * SECOND).contains(&elapsed), "{elapsed:?}");
        batch.commit();
        connection
            .wait_for(ConnectionState::Connected)
            .await
            .unwrap();
        sent.await.unwrap().unwrap();
        assert_eq!(tosh_side.chat_service().messages().snapshot().len(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_doubtful_message_is_settled_by_the_successor() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, mut events, _lene, tosh_side, lene_side) = chat_with_events(&world).await;
        let is_posted = |event: &Event| matches!(event, Event::MessagePosted { message_id, .. } if message_id == "outbox-1");
        drop(tosh_side.chat_service().send_message_with_id("outbox-1", "Once and only once"));
        let batch = next_batch_with(&mut events, is_posted).await;
        let stored = batch.checkpoint().unwrap().clone();
        assert_eq!(stored.doubtful_messages().collect::<Vec<_>>(), ["outbox-1"]);
        drop((batch, tosh.detach().await));

        let (_tosh, mut events, signed_in) = resume_with_events(&world, stored);
        let settled = |event: &Event| matches!(event, Event::MessageSettled { .. });
        let batch = next_batch_with(&mut events, settled).await;
        let results: Vec<_> = batch.events().iter().filter(|it| settled(it)).collect();
        assert!(
            matches!(
                results.as_slice(),
                [Event::MessageSettled { message_id, status: MessageStatus::Succeeded, reason: None, .. }]
                    if message_id == "outbox-1"
            ),
            "{results:?}"
        );
        batch.commit();
        signed_in.await.unwrap().unwrap();
        let messages = lene_side.chat_service().messages().snapshot();
        let same = messages.iter().filter(|it| it.text().starts_with("Once"));
        assert_eq!(same.count(), 1);
    })
    .await;
}

/// The delivery results of the program's messages in a batch.
fn results(batch: &skype_p2p::EventBatch) -> Vec<(String, MessageStatus)> {
    let results = batch.events().iter().filter_map(|event| match event {
        Event::MessageSettled {
            message_id, status, ..
        } => Some((message_id.clone(), *status)),
        _ => None,
    });
    results.collect()
}

#[tokio::test(start_paused = true)]
async fn a_message_that_only_the_outbox_knows_is_settled_by_the_successor() {
    for is_first in [false, true] {
        with_time_limit(async {
            let world = World::new();
            let (tosh, mut events, lene, tosh_side, _lene_side) = chat_with_events(&world).await;
            let alex = world.alex().await;
            // The program stores no checkpoint after this one.
            let mut stored = tosh.checkpoint().await.unwrap();
            let (to, chat) = match is_first {
                true => {
                    let manager = tosh.conversations_manager();
                    (ALEX, manager.get_conversation(ALEX).unwrap().chat_service())
                }
                false => (LENE, tosh_side.chat_service()),
            };
            let text = "Once and only once";
            drop(chat.send_message_with_id("outbox-1", text));
            let is_posting = |event: &Event| matches!(event, Event::MessagePosting { .. });
            next_batch_with(&mut events, is_posting).await.commit();
            sleep(SECOND).await;
            drop(tosh.detach().await);

            assert_eq!(stored.doubtful_messages().count(), 0);
            let message = DoubtfulMessage::text("outbox-1", to, text);
            assert!(stored.add_doubtful_message(message));
            let (_tosh, mut events, signed_in) = resume_with_events(&world, stored);
            let receiver = if is_first { &alex } else { &lene };
            let lene_side = conversation(receiver, 1).await;
            if is_first {
                drop(lene_side.chat_service().accept());
            }
            let settled = |event: &Event| matches!(event, Event::MessageSettled { .. });
            let batch = next_batch_with(&mut events, settled).await;
            let expected = [("outbox-1".to_owned(), MessageStatus::Succeeded)];
            assert_eq!(results(&batch), expected);
            batch.commit();
            signed_in.await.unwrap().unwrap();
            let messages = lene_side.chat_service().messages().snapshot();
            let same = messages.iter().filter(|it| it.text().starts_with("Once"));
            assert_eq!(same.count(), 1);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_application_the_successor_signs_in_and_reports_the_reason() {
    with_time_limit(async {
        let world = World::new();
        let old = world.tosh().await;
        let checkpoint = old.checkpoint().await.unwrap();
        old.sign_in_manager().sign_out().await.unwrap();
        let tosh = world.builder().resume(checkpoint).build().unwrap();
        let sign_in = tosh.sign_in_manager();
        sign_in
            .sign_in(Credentials::password(TOSH, TOSH_PASSWORD))
            .await
            .unwrap();
        let reason = sign_in.not_resumed().unwrap();
        assert_eq!(reason.details().and_then(|it| it.status), Some(404));
        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let lene = world.lene().await;
        let sent = tokio::spawn(tosh_side.chat_service().send_message("Hi Lene"));
        let lene_side = conversation(&lene, 1).await;
        lene_side.chat_service().accept().await.unwrap();
        sent.await.unwrap().unwrap();
        assert_eq!(statuses(&tosh_side), [MessageStatus::Succeeded]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_credentials_an_expired_token_fails_the_sign_in_and_the_checkpoint_remains_usable()
{
    with_time_limit(async {
        let world = World::new();
        let old = world.tosh().await;
        let checkpoint = old.detach().await.unwrap();
        world.inject(Fault::ExpireTokens);
        let before = world.log().len();
        let resume = || world.builder().resume(checkpoint.clone()).build().unwrap();
        let sign_in = resume().sign_in_manager();
        let error = sign_in.sign_in(Credentials::none(TOSH)).await.unwrap_err();
        assert_eq!(*error.kind(), SignInErrorKind::NoCredentials);
        assert!(error.to_string().contains("no credentials"), "{error}");
        sleep(SECOND).await;
        let log = world.log().split_off(before);
        assert!(log.iter().all(|it| it.starts_with("GET")), "{log:?}");

        let sign_in = resume().sign_in_manager();
        let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
        sign_in.sign_in(credentials).await.unwrap();
        assert_eq!(sign_in.not_resumed(), None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_later_of_two_applications_with_one_checkpoint_keeps_it() {
    with_time_limit(async {
        for policy in [ReplacementPolicy::TakeBack, ReplacementPolicy::Yield] {
            let world = World::new();
            let old = world.builder().replacement(policy).build().unwrap();
            let sign_in = old.sign_in_manager();
            let credentials = || Credentials::password(TOSH, TOSH_PASSWORD);
            sign_in.sign_in(credentials()).await.unwrap();
            let checkpoint = old.checkpoint().await.unwrap();
            let builder = world.builder().replacement(policy);
            let new = resume_without_password(builder, &checkpoint).await;
            sleep(60 * SECOND).await;
            let state = sign_in.state();
            assert_eq!(state.get(), SignInState::SignedOut, "{:?}", world.log());
            sleep(100 * SECOND).await;
            let state = new.sign_in_manager().state();
            assert_eq!(state.get(), SignInState::SignedIn);
            // The application was not deleted.
            let log = world.log();
            assert!(!log.iter().any(|it| it.starts_with("DELETE")), "{log:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_callback_decides_whether_the_channel_is_taken_back() {
    with_time_limit(async {
        let world = World::new();
        let old = world
            .builder()
            .on_take_back(|| async { false })
            .build()
            .unwrap();
        let sign_in = old.sign_in_manager();
        let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
        sign_in.sign_in(credentials).await.unwrap();
        let checkpoint = old.checkpoint().await.unwrap();
        let _new = resume_without_password(world.builder(), &checkpoint).await;
        let state = sign_in.state();
        let ended = state.wait_for(SignInState::SignedOut);
        tokio::time::timeout(SECOND, ended).await.unwrap().unwrap();
    })
    .await;
}
