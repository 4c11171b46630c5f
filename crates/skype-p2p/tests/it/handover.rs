//! Handing an application over to another process.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use skype_p2p::{
    Application, ApplicationBuilder, CallConnectionState, Checkpoint, ConnectionState,
    Conversation, ConversationState, Credentials, DoubtfulMessage, Event, Events, MessageStatus,
    ReasonCode, ReplacementPolicy, SignInErrorKind, SignInState, Subscriptions,
};
use tokio::time::{Instant, sleep};
use ucwa_server::Fault;

use crate::{
    groups::{of_two, within_minutes},
    standard_chat::{conversation, statuses, transcript},
    world::{ALEX, LENE, TOSH, TOSH_PASSWORD, World},
};

const SECOND: Duration = Duration::from_secs(1);

/// Signs in without credentials, which the token of a checkpoint makes unnecessary.
async fn continue_without_password(
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

/// The changes of a conversation from now on, as another participant sees them.
pub(crate) struct Watch {
    _listeners: Subscriptions,
    changes: Arc<Mutex<Vec<String>>>,
}

impl Watch {
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
        // The present state may be reported at once.
        changes.lock().unwrap().clear();
        Self {
            _listeners: listeners,
            changes,
        }
    }

    #[track_caller]
    pub(crate) fn assert_quiet(&self) {
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
pub(crate) async fn until(
    events: &mut Events,
    is_wanted: impl Fn(&Event) -> bool,
) -> skype_p2p::EventBatch {
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
        assert!(batch.checkpoint().is_some());
        batch.commit();
        signed_in.await.unwrap().unwrap();
        sent.await.unwrap().unwrap();
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
                [Event::MessageSettled { message_id, status: MessageStatus::Succeeded, reason: None, .. }]
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

/// The results of the program's messages in a batch.
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
        within_minutes(async {
            let world = World::new();
            let (tosh, mut events, lene, ours, _theirs) = storing(&world).await;
            let alex = world.alex().await;
            // The program stores no checkpoint after this one.
            let mut stored = tosh.checkpoint().await.unwrap();
            let (to, chat) = match is_first {
                true => {
                    let manager = tosh.conversations_manager();
                    (ALEX, manager.get_conversation(ALEX).unwrap().chat_service())
                }
                false => (LENE, ours.chat_service()),
            };
            let text = "Once and only once";
            drop(chat.send_message_with_id("outbox-1", text));
            let is_posting = |event: &Event| matches!(event, Event::MessagePosting { .. });
            until(&mut events, is_posting).await.commit();
            sleep(SECOND).await;
            drop(tosh.detach().await);

            assert_eq!(stored.doubtful_messages().count(), 0);
            let message = DoubtfulMessage::text("outbox-1", to, text);
            assert!(stored.add_doubtful_message(message));
            let builder = world.builder().resume(stored);
            let (tosh, mut events) = builder.build_with_events().unwrap();
            let credentials = Credentials::password(TOSH, "");
            let signed_in = tokio::spawn(tosh.sign_in_manager().sign_in(credentials));
            let receiver = if is_first { &alex } else { &lene };
            let theirs = conversation(receiver, 1).await;
            if is_first {
                drop(theirs.chat_service().accept());
            }
            let settled = |event: &Event| matches!(event, Event::MessageSettled { .. });
            let batch = until(&mut events, settled).await;
            let expected = [("outbox-1".to_owned(), MessageStatus::Succeeded)];
            assert_eq!(results(&batch), expected);
            batch.commit();
            signed_in.await.unwrap().unwrap();
            let messages = theirs.chat_service().messages().snapshot();
            let same = messages.iter().filter(|it| it.text().starts_with("Once"));
            assert_eq!(same.count(), 1);
        })
        .await;
    }
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
async fn without_credentials_an_expired_token_fails_the_sign_in_and_the_checkpoint_remains_usable()
{
    within_minutes(async {
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
