//! Handing an application over to another process.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::StreamExt as _;
use skype_p2p::{
    Application, ApplicationBuilder, CallConnectionState, Checkpoint, ConnectionState,
    Conversation, ConversationState, Credentials, Direction, Event, Events, MessageStatus,
    ReasonCode, ReplacementPolicy, Root, SignInState, Subscriptions,
};
use tokio::time::{Instant, sleep};
use ucwa_server::{Server, ServerConfig};

use crate::{
    groups::{of_two, within_minutes},
    standard_chat::{conversation, statuses, transcript},
    world::{LENE, LENE_PASSWORD, TOSH, TOSH_PASSWORD, World, users},
};

const SECOND: Duration = Duration::from_secs(1);

/// Signs in without the right password, which the token of a checkpoint makes unnecessary.
async fn continue_without_password(
    builder: ApplicationBuilder,
    checkpoint: &Checkpoint,
) -> Application {
    let stored = Checkpoint::decode(&checkpoint.encode()).unwrap();
    let application = builder.resume(stored).build().unwrap();
    let sign_in = application.sign_in_manager();
    sign_in
        .sign_in(Credentials::password(TOSH, "not the password"))
        .await
        .unwrap();
    assert_eq!(sign_in.not_resumed(), None);
    application
}

/// The changes of a conversation from now on, as another participant sees them.
struct Watch {
    _listeners: Subscriptions,
    changes: Arc<Mutex<Vec<String>>>,
}

impl Watch {
    fn new(conversation: &Conversation) -> Self {
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
        // The present state may be reported at once.
        changes.lock().unwrap().clear();
        Self {
            _listeners: listeners,
            changes,
        }
    }

    #[track_caller]
    fn assert_quiet(&self) {
        assert_eq!(*self.changes.lock().unwrap(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_successor_continues_with_two_requests_and_the_peer_notices_nothing() {
    within_minutes(async {
        let world = World::new();
        let (old, lene) = (world.tosh().await, world.lene().await);
        let (ours, theirs) = of_two(&old, &lene).await;
        let watch = Watch::new(&theirs);

        let checkpoint = old.detach().await.unwrap();
        let state = old.sign_in_manager().state();
        assert_eq!(state.get(), SignInState::SignedOut);
        assert_eq!(ours.state().get(), ConversationState::Disconnected);
        assert!(old.checkpoint().await.is_none());
        drop(old);
        // A message of the meantime.
        let sent = tokio::spawn(theirs.chat_service().send_message("Are you there?"));
        sleep(3 * SECOND).await;

        let before = world.log().len();
        let tosh = continue_without_password(world.builder(), &checkpoint).await;
        let log = world.log().split_off(before);
        let application = log[1].strip_prefix("GET ").unwrap();
        assert_eq!(log[0], format!("GET {application}/events"));
        sent.await.unwrap().unwrap();
        let ours = conversation(&tosh, 1).await;
        assert_eq!(ours.state().get(), ConversationState::Connected);
        let chat = ours.self_participant().chat().state();
        assert_eq!(chat.get(), CallConnectionState::Connected);
        let again = tosh.conversations_manager().get_conversation(LENE).unwrap();
        assert_eq!(again, ours, "the same conversation is found by the peer");
        let peer = ours.participants().snapshot();
        assert_eq!(peer.len(), 1);
        assert_eq!(peer[0].display_name().get(), "Lene Aaling");
        assert_eq!(peer[0].chat().state().get(), CallConnectionState::Connected);

        ours.chat_service().send_message("Yes").await.unwrap();
        theirs.chat_service().send_message("Good").await.unwrap();
        let texts: Vec<_> = transcript(&ours).into_iter().map(|it| it.2).collect();
        assert_eq!(texts, ["Are you there?", "Yes", "Good"]);
        let texts: Vec<_> = transcript(&theirs).into_iter().map(|it| it.2).collect();
        assert_eq!(texts, ["Hi Lene", "Are you there?", "Yes", "Good"]);
        watch.assert_quiet();
        assert_eq!(ours.participants().snapshot().len(), 1);
        let tokens = world.log().split_off(before);
        assert!(
            !tokens.iter().any(|it| it.contains("oauthtoken")),
            "{tokens:?}"
        );

        // The successor signs out like any other application.
        tosh.sign_in_manager().sign_out().await.unwrap();
        let state = theirs.state();
        state
            .wait_for(ConversationState::Disconnected)
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn messages_of_an_application_have_ids_that_the_successor_sees_too() {
    within_minutes(async {
        let world = World::new();
        let (tosh, lene) = (world.tosh().await, world.lene().await);
        let (ours, theirs) = of_two(&tosh, &lene).await;
        let sent = ours.chat_service().send_message_with_id("outbox-7", "one");
        sent.await.unwrap();
        theirs.chat_service().send_message("two").await.unwrap();
        let ids = |conversation: &Conversation| {
            let messages = conversation.chat_service().messages().snapshot();
            let ids: Vec<_> = messages.iter().map(|it| it.remote_id().get()).collect();
            ids
        };
        // "Hi Lene" and "two" were sent without an ID.
        let (at_tosh, at_lene) = (ids(&ours), ids(&theirs));
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
        let refused = ours
            .chat_service()
            .send_message_with_id(long, "three")
            .await;
        assert_eq!(*refused.unwrap_err().code(), ReasonCode::InvalidArgument);
    })
    .await;
}

/// Waits for a batch whose events contain such a one, and commits the batches before.
async fn until(events: &mut Events, is_wanted: impl Fn(&Event) -> bool) -> skype_p2p::EventBatch {
    loop {
        let batch = events.next().await.expect("the application has ended");
        if batch.events().iter().any(&is_wanted) {
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

/// Tosh with an application whose events have to be committed, in a chat with Lene.
async fn storing(world: &World) -> (Application, Events, Application, Conversation, Conversation) {
    let (tosh, mut events) = world.builder().build_with_events().unwrap();
    let sign_in = tosh.sign_in_manager();
    let lene = world.lene().await;
    sign_in
        .sign_in(Credentials::password(TOSH, TOSH_PASSWORD))
        .await
        .unwrap();
    let chat = of_two(&tosh, &lene);
    let mut chat = Box::pin(chat);
    let (ours, theirs) = loop {
        tokio::select! {
            chat = &mut chat => break chat,
            batch = events.next() => batch.unwrap().commit(),
        }
    };
    drop(chat);
    (tosh, events, lene, ours, theirs)
}

#[tokio::test(start_paused = true)]
async fn a_page_that_was_not_committed_comes_again_to_the_successor() {
    within_minutes(async {
        let world = World::new();
        let (tosh, mut events, _lene, _ours, theirs) = storing(&world).await;
        let stored = tosh.checkpoint().await.unwrap();
        let sent = tokio::spawn(theirs.chat_service().send_message("Do not lose this"));
        let batch = until(&mut events, is_message).await;
        let seen = remote_ids(&batch);
        // Without the commit the message does not count as delivered.
        sleep(5 * SECOND).await;
        assert!(!sent.is_finished());
        // The process is killed. What it knew after the page is lost with it.
        drop((batch, tosh.detach().await));

        let builder = world.builder().resume(stored);
        let (tosh, mut events) = builder.build_with_events().unwrap();
        let sign_in = tosh.sign_in_manager();
        let signed_in = tokio::spawn(sign_in.sign_in(Credentials::password(TOSH, "")));
        let batch = until(&mut events, is_message).await;
        assert_eq!(remote_ids(&batch), seen);
        let after = batch.checkpoint().is_some();
        batch.commit();
        signed_in.await.unwrap().unwrap();
        sent.await.unwrap().unwrap();
        assert!(after || tosh.checkpoint().await.is_some());
        // The page does not come a third time.
        sleep(60 * SECOND).await;
        let messages = conversation(&tosh, 1).await.chat_service().messages();
        assert_eq!(messages.snapshot().len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_takes_too_long_shows_in_the_connection() {
    within_minutes(async {
        let world = World::new();
        let (tosh, mut events, _lene, ours, theirs) = storing(&world).await;
        let connection = tosh.sign_in_manager().connection();
        let sent = tokio::spawn(theirs.chat_service().send_message("one"));
        let batch = until(&mut events, is_message).await;
        let begin = Instant::now();
        let is_late =
            |state: &ConnectionState| matches!(state, ConnectionState::Reconnecting { .. });
        while !is_late(&connection.get()) {
            sleep(SECOND).await;
        }
        let took = begin.elapsed();
        assert!((24 * SECOND..28 * SECOND).contains(&took), "{took:?}");
        batch.commit();
        connection
            .wait_for(ConnectionState::Connected)
            .await
            .unwrap();
        sent.await.unwrap().unwrap();
        assert_eq!(ours.chat_service().messages().snapshot().len(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_doubtful_message_is_settled_by_the_successor() {
    within_minutes(async {
        let world = World::new();
        let (tosh, mut events, _lene, ours, theirs) = storing(&world).await;
        let is_posted = |event: &Event| matches!(event, Event::MessagePosted { message_id, .. } if message_id == "outbox-1");
        drop(ours.chat_service().send_message_with_id("outbox-1", "Once and only once"));
        let batch = until(&mut events, is_posted).await;
        let stored = batch.checkpoint().unwrap().clone();
        assert_eq!(stored.doubtful_messages().collect::<Vec<_>>(), ["outbox-1"]);
        drop((batch, tosh.detach().await));

        let builder = world.builder().resume(stored);
        let (tosh, mut events) = builder.build_with_events().unwrap();
        let sign_in = tosh.sign_in_manager();
        let signed_in = tokio::spawn(sign_in.sign_in(Credentials::password(TOSH, "")));
        let settled = |event: &Event| matches!(event, Event::MessageSettled { .. });
        let batch = until(&mut events, settled).await;
        let results: Vec<_> = batch.events().iter().filter(|it| settled(it)).collect();
        assert!(
            matches!(
                results.as_slice(),
                [Event::MessageSettled { message_id, status: MessageStatus::Succeeded, reason: None }]
                    if message_id == "outbox-1"
            ),
            "{results:?}"
        );
        batch.commit();
        signed_in.await.unwrap().unwrap();
        let messages = theirs.chat_service().messages().snapshot();
        let same = messages.iter().filter(|it| it.text().starts_with("Once"));
        assert_eq!(same.count(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_the_application_the_successor_signs_in_and_says_why() {
    within_minutes(async {
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
        let ours = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let lene = world.lene().await;
        let sent = tokio::spawn(ours.chat_service().send_message("Hi Lene"));
        let theirs = conversation(&lene, 1).await;
        theirs.chat_service().accept().await.unwrap();
        sent.await.unwrap().unwrap();
        assert_eq!(statuses(&ours), [MessageStatus::Succeeded]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_two_applications_with_one_checkpoint_the_later_one_stays() {
    within_minutes(async {
        for policy in [ReplacementPolicy::TakeBack, ReplacementPolicy::Yield] {
            let world = World::new();
            let old = world.builder().replacement(policy).build().unwrap();
            let sign_in = old.sign_in_manager();
            let credentials = || Credentials::password(TOSH, TOSH_PASSWORD);
            sign_in.sign_in(credentials()).await.unwrap();
            let checkpoint = old.checkpoint().await.unwrap();
            let builder = world.builder().replacement(policy);
            let new = continue_without_password(builder, &checkpoint).await;
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
async fn the_caller_decides_whether_the_channel_is_taken_back() {
    within_minutes(async {
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
        let _new = continue_without_password(world.builder(), &checkpoint).await;
        let state = sign_in.state();
        let ended = state.wait_for(SignInState::SignedOut);
        tokio::time::timeout(SECOND, ended).await.unwrap().unwrap();
    })
    .await;
}

// Real HTTP.

/// A test in real time must not hang.
async fn in_time<T>(test: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(60);
    tokio::time::timeout(limit, test).await.expect("it hangs")
}

fn on(server: &Server) -> ApplicationBuilder {
    Application::builder().root(Root::Url(server.root_url()))
}

#[test]
fn a_killed_process_is_continued_over_sockets() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
    };
    let (main, first) = (runtime(), runtime());
    let server = main
        .block_on(Server::bind(
            (Ipv4Addr::LOCALHOST, 0),
            ServerConfig::new(users()),
        ))
        .unwrap();
    // Lene's program takes its time to store the message, so the message has no result when the first process is killed.
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let lene = main.block_on(async {
        let (lene, mut events) = on(&server).build_with_events().unwrap();
        tokio::spawn(async move {
            let is_late = |event: &Event| matches!(event, Event::MessageReceived { body, .. } if body.raw().starts_with("Once"));
            let batch = until(&mut events, is_late).await;
            released.await.unwrap();
            batch.commit();
            events.for_each(|batch| async { batch.commit() }).await;
        });
        let credentials = Credentials::password(LENE, LENE_PASSWORD);
        lene.sign_in_manager().sign_in(credentials).await.unwrap();
        lene
    });
    // The first process chats, stores what the events say, and is killed after a message has left.
    let (checkpoint, theirs) = first.block_on(in_time(async {
        let (tosh, mut events) = on(&server).build_with_events().unwrap();
        let sign_in = tosh.sign_in_manager();
        let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
        sign_in.sign_in(credentials).await.unwrap();
        let stored = Arc::new(Mutex::new(None));
        let store = stored.clone();
        tokio::spawn(async move {
            while let Some(batch) = events.next().await {
                let has_left = batch.events().iter().any(|it| matches!(it, Event::MessagePosted { message_id, .. } if message_id == "outbox-1"));
                if !has_left {
                    *store.lock().unwrap() = batch.checkpoint().cloned().map(|it| (it, false));
                    batch.commit();
                    continue;
                }
                *store.lock().unwrap() = batch.checkpoint().cloned().map(|it| (it, true));
                // Nothing is stored any more.
                std::future::pending::<()>().await;
            }
        });
        let (ours, theirs) = of_two(&tosh, &lene).await;
        drop(ours.chat_service().send_message_with_id("outbox-1", "Once and only once"));
        loop {
            sleep(Duration::from_millis(5)).await;
            if let Some((checkpoint, true)) = &*stored.lock().unwrap() {
                // Keeps the application alive until the runtime is dropped, which is what a kill does.
                std::mem::forget(tosh);
                break (checkpoint.encode(), theirs);
            }
        }
    }));
    first.shutdown_background();

    main.block_on(in_time(async {
        let watch = Watch::new(&theirs);
        let builder = on(&server).resume(Checkpoint::decode(&checkpoint).unwrap());
        let (tosh, mut events) = builder.build_with_events().unwrap();
        let sign_in = tosh.sign_in_manager();
        sign_in
            .sign_in(Credentials::password(TOSH, "not the password"))
            .await
            .unwrap();
        assert_eq!(sign_in.not_resumed(), None);
        release.send(()).unwrap();
        let settled = |event: &Event| matches!(event, Event::MessageSettled { .. });
        let batch = until(&mut events, settled).await;
        assert!(batch.events().iter().any(|it| matches!(
            it,
            Event::MessageSettled {
                status: MessageStatus::Succeeded,
                ..
            }
        )));
        batch.commit();
        tokio::spawn(events.for_each(|batch| async { batch.commit() }));
        let ours = conversation(&tosh, 1).await;
        theirs.chat_service().send_message("Got it").await.unwrap();
        ours.chat_service().send_message("Good").await.unwrap();
        let texts = |direction: Direction| {
            let all = transcript(&theirs).into_iter();
            let all = all.filter(move |it| it.0 == direction);
            all.map(|it| it.2).collect::<Vec<_>>()
        };
        assert_eq!(
            texts(Direction::Incoming),
            ["Hi Lene", "Once and only once", "Good"]
        );
        assert_eq!(texts(Direction::Outgoing), ["Got it"]);
        watch.assert_quiet();
        server.shutdown().await;
    }));
}
