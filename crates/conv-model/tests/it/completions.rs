//! The completions of commands: facts that take effect in their transaction, even if the future is not polled.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use conv_model::{
    CommandId, Conversation, ConversationFact, ConversationState, Fact, MessageStatus, MockBackend,
    Outcome, Reason, ReasonCode, SignInState,
};

use crate::support::{TestModel, Timeline, is_pending, now};

const LENE: &str = "sip:lenea@contoso.com";

fn refused() -> Reason {
    Reason::new(ReasonCode::Refused)
}

fn opened(model: &TestModel) -> Conversation {
    let manager = model.application.conversations_manager();
    manager.get_conversation(LENE).unwrap()
}

fn chatting(model: &TestModel) -> Conversation {
    let conversation = opened(model);
    drop(conversation.chat_service().start(Default::default()));
    model.complete(Ok(Outcome::Done));
    let connected = ConversationFact::chat_connected(vec![]);
    model.commit_to(conversation.id(), [ConversationFact::Connected, connected]);
    conversation
}

fn signed_out(reason: Option<Reason>) -> Fact {
    Fact::sign_in(SignInState::SignedOut, reason)
}

#[test]
fn the_completion_of_a_send_request_sets_the_status_of_the_message() {
    let unknown = Reason::new(ReasonCode::DeliveryUnknown);
    for (result, status) in [
        (Ok(()), MessageStatus::Succeeded),
        (Err(refused()), MessageStatus::Failed),
        (Err(unknown), MessageStatus::Unknown),
    ] {
        for is_dropped in [false, true] {
            let model = TestModel::new();
            let chat = opened(&model).chat_service();
            let mut sent = chat.send_message("hello");
            let message = chat.messages().get(0).unwrap();
            assert_eq!(message.status().get(), MessageStatus::Pending);
            assert!(is_pending(&mut sent));
            let sent = (!is_dropped).then_some(sent);
            model.complete(result.clone().map(|()| Outcome::Done));
            assert_eq!(
                (message.status().get(), message.status().reason()),
                (status, result.clone().err())
            );
            if let Some(sent) = sent {
                assert_eq!(now(sent), result);
            }
        }
    }
}

/// A waker that counts its calls and writes a line to the timeline at each.
struct Observer(Timeline, AtomicUsize);

impl Wake for Observer {
    fn wake(self: Arc<Self>) {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.push("the future resolves");
    }
}

#[test]
fn a_future_resolves_after_the_deliveries_of_the_transaction_that_ends_its_command() {
    let model = TestModel::new();
    let conversation = opened(&model);
    let mut sent = conversation.chat_service().send_message("hello");
    let timeline = Timeline::default();
    let observer = Arc::new(Observer(timeline.clone(), AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&observer));
    let poll = sent.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(poll.is_pending());
    let message = conversation.chat_service().messages().get(0).unwrap();
    let log = timeline.clone();
    let _status = message.status().changed(move |change| {
        if change.old.is_some() {
            log.push(format!("{:?}", change.new));
        }
    });
    let log = timeline.clone();
    let _topic = conversation.topic().changed(move |change| {
        if change.old.is_some() {
            log.push(change.new.clone());
        }
    });
    // The completion is the first fact of the transaction, and is delivered last.
    model.commit([
        model.completed(Ok(Outcome::Done)),
        Fact::of(conversation.id(), ConversationFact::Subject("lunch".into())),
    ]);
    assert_eq!(
        timeline.take(),
        ["Succeeded", "lunch", "the future resolves"]
    );
    assert_eq!(observer.1.load(Ordering::SeqCst), 1);
    assert_eq!(now(sent), Ok(()));
}

#[test]
fn a_conversation_whose_removal_failed_is_still_found_by_its_person() {
    for is_polled in [true, false] {
        let model = TestModel::new();
        let manager = model.application.conversations_manager();
        let conversation = chatting(&model);
        let removing = manager.remove(&conversation);
        let removing = is_polled.then_some(removing);
        model.commit([
            Fact::of(conversation.id(), ConversationFact::end_refused(true)),
            model.completed(Err(refused())),
        ]);
        if let Some(removing) = removing {
            assert_eq!(now(removing), Err(refused()));
        }
        assert_eq!(manager.get_conversation(LENE).unwrap(), conversation);
        model.commit_to(conversation.id(), [ConversationFact::ended(None)]);
        assert_eq!(
            manager.conversations().size().get(),
            1,
            "a later end of the conversation does not remove it"
        );
    }
}

#[test]
fn a_sign_out_ends_the_commands_that_its_page_does_not_complete() {
    let model = TestModel::new();
    let conversation = opened(&model);
    let chat = conversation.chat_service();
    let (first, second) = (chat.send_message("one"), chat.send_message("two"));
    let completed = model.completed(Ok(Outcome::Done));
    model.commit([signed_out(Some(refused())), completed]);
    assert_eq!(now(first), Ok(()));
    assert_eq!(now(second), Err(refused()));
    assert_eq!(conversation.state().get(), ConversationState::Disconnected);
}

#[test]
fn a_command_of_the_protocol_is_sent_in_order_and_outlives_a_sign_out() {
    let model = TestModel::new();
    let started = Arc::new(Mutex::new(None));
    let number = Arc::clone(&started);
    let mut result = model.application.command(move |command| {
        *number.lock().unwrap() = Some(command);
    });
    let command = started.lock().unwrap().unwrap();
    model.commit([signed_out(None)]);
    assert!(is_pending(&mut result));
    model.commit([Fact::completed(command, Err(refused()))]);
    // A second completion is ignored.
    model.commit([Fact::completed(command, Ok(Outcome::Done))]);
    assert_eq!(now(result), Err(refused()));
}

#[test]
fn an_unknown_completion_changes_nothing() {
    let model = TestModel::new();
    let mut sent = opened(&model).chat_service().send_message("hello");
    model.commit([Fact::completed(CommandId(u64::MAX), Ok(Outcome::Done))]);
    assert!(is_pending(&mut sent));
}

#[test]
fn dropping_the_writer_signs_the_model_out_and_ends_every_command() {
    let model = TestModel::new();
    let conversation = chatting(&model);
    let chat = conversation.chat_service();
    let sent = chat.send_message("hello");
    let message = chat.messages().get(0).unwrap();
    let protocol_command = model.application.command(|_| {});
    let conference = model
        .application
        .conversations_manager()
        .create_conversation();
    let TestModel {
        application,
        writer,
        backend,
    } = model;
    backend.take();
    drop(writer);
    let state = application.sign_in_state();
    assert_eq!(state.get(), SignInState::SignedOut);
    let code = |reason: Reason| reason.code().clone();
    assert_eq!(state.reason().map(code), Some(ReasonCode::SignedOut));
    assert_eq!(conversation.state().get(), ConversationState::Disconnected);
    assert_eq!(message.status().get(), MessageStatus::Failed);
    assert_eq!(now(sent).map_err(code), Err(ReasonCode::SignedOut));
    assert_eq!(
        now(protocol_command).map_err(code),
        Err(ReasonCode::SignedOut)
    );
    // A command that is enabled while signed out fails at once and is undone. The backend gets no request.
    let tim = conference.create_participant("sip:tim@contoso.com");
    let tim = tim.unwrap();
    let adding = conference.participants().add(tim.clone());
    assert_eq!(
        now(adding).map(drop).map_err(code),
        Err(ReasonCode::SignedOut)
    );
    assert_eq!(tim.state().reason().map(code), Some(ReasonCode::SignedOut));
    let protocol_command = application.command(|_| panic!("there is no protocol"));
    assert_eq!(
        now(protocol_command).map_err(code),
        Err(ReasonCode::SignedOut)
    );
    assert!(backend.take().is_empty());
}

#[test]
fn a_backend_that_panics_fails_the_command_and_nothing_else() {
    let mut backend = MockBackend::new();
    backend
        .expect_normalize_address()
        .returning(|address| Ok(address.to_owned()));
    backend.expect_now().returning(std::time::SystemTime::now);
    backend.expect_request().returning(|_, request| {
        let is_message = matches!(request, conv_model::Request::SendMessage { .. });
        assert!(!is_message, "on purpose");
    });
    let (application, writer) = conv_model::Application::new(Arc::new(backend));
    writer.commit([Fact::sign_in(SignInState::SignedIn, None)]);
    let manager = application.conversations_manager();
    let chat = manager.get_conversation(LENE).unwrap().chat_service();
    let added = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&added);
    let _registration = chat.messages().added(move |_, _, _| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let sending = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        drop(chat.send_message("hello"));
    }));
    assert!(sending.is_err(), "the panic reaches the caller");
    assert_eq!(added.load(Ordering::SeqCst), 1, "the commit is delivered");
    let message = chat.messages().get(0).unwrap();
    assert_eq!(message.status().get(), MessageStatus::Failed);
    let reason = message.status().reason().unwrap();
    assert_eq!(reason.message(), Some("the backend panicked"));
    writer.commit([Fact::UnreadConversations(1)]);
    assert_eq!(manager.unread_conversations_count().get(), 1);
}
