//! Commands and the requests to the backend.

use std::sync::{Arc, Mutex};
use std::thread;

use conv_model::{
    Application, Backend, CommandId, ConversationFact, ConversationId, Direction, Fact,
    MessageBody, MessageId, MockBackend, ModelWriter, Outcome, Reason, ReasonCode, Request,
    SignInState, StartOptions,
};

use mockall::Sequence;

use crate::support::{TestModel, at, is_pending, now};

const LENE: &str = "sip:lenea@contoso.com";

fn conversation(model: &TestModel) -> conv_model::Conversation {
    model
        .application
        .conversations_manager()
        .get_conversation(LENE)
        .unwrap()
}

#[test]
fn a_disabled_command_fails_at_once_and_has_no_effect() {
    let model = TestModel::new();
    let conversation = conversation(&model);
    let chat = conversation.chat_service();
    model.backend.take();
    for (command, future) in [
        (chat.stop_command().enabled(), chat.stop()),
        (chat.accept_command().enabled(), chat.accept()),
        (chat.reject_command().enabled(), chat.reject()),
        (
            chat.send_is_typing_command().enabled(),
            chat.send_is_typing(),
        ),
        (
            conversation.acknowledge_command().enabled(),
            conversation.acknowledge(),
        ),
    ] {
        let reason = now(future).unwrap_err();
        assert_eq!(reason.code(), &ReasonCode::CommandDisabled);
        assert!(!command.get());
        assert_eq!(
            reason.cause(),
            command.reason().as_ref(),
            "the property has the same reason"
        );
    }
    assert!(model.backend.take().is_empty());
    assert_eq!(chat.messages().size().get(), 0);
}

#[test]
fn a_command_after_the_sign_out_fails_with_signed_out() {
    let model = TestModel::new();
    let conversation = conversation(&model);
    model.commit([Fact::sign_in(SignInState::SignedOut, None)]);
    let reason = now(conversation.chat_service().send_message("hello")).unwrap_err();
    assert_eq!(reason.code(), &ReasonCode::CommandDisabled);
    assert_eq!(
        reason.cause().map(Reason::code),
        Some(&ReasonCode::SignedOut)
    );
    assert_eq!(conversation.chat_service().messages().size().get(), 0);
}

#[test]
fn a_topic_can_be_set_until_the_conversation_starts_and_is_sent_in_the_invitation() {
    let model = TestModel::new();
    let conversation = conversation(&model);
    model.backend.take();
    let command = conversation.set_topic_command();
    assert!(command.enabled().get());
    now(conversation.set_topic("Lunch")).unwrap();
    assert_eq!(conversation.topic().get(), "Lunch");
    assert!(model.backend.take().is_empty(), "nothing is sent");
    drop(conversation.chat_service().start(StartOptions::default()));
    assert_eq!(
        model.backend.take(),
        [format!("start {:?} {:?}", conversation.id(), Some("Lunch"))]
    );
    assert!(!command.enabled().get());
    let reason = now(command.invoke("Dinner".to_owned())).unwrap_err();
    assert_eq!(reason.code(), &ReasonCode::CommandDisabled);
    assert_eq!(conversation.topic().get(), "Lunch");
}

#[test]
fn enabled_is_observable() {
    let model = TestModel::new();
    let conversation = conversation(&model);
    let values = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&values);
    let _registration = conversation
        .chat_service()
        .send_is_typing_command()
        .enabled()
        .changed(move |change| {
            log.lock()
                .unwrap()
                .push((change.new, change.reason.is_some()));
        });
    drop(conversation.chat_service().start(StartOptions::default()));
    model.commit_to(
        conversation.id(),
        [ConversationFact::chat_connected(vec![])],
    );
    drop(conversation.leave());
    assert_eq!(
        *values.lock().unwrap(),
        [(false, true), (true, false), (false, true)]
    );
}

#[test]
fn a_constant_enabled_property_is_replayed() {
    let model = TestModel::new();
    let conversations = model.application.conversations_manager().conversations();
    let values = Arc::new(Mutex::new(Vec::new()));
    for command in [
        conversations.add_command().enabled(),
        conversations.remove_command().enabled(),
    ] {
        let log = Arc::clone(&values);
        let _registration = command.changed(move |change| {
            let code = change.reason.as_ref().map(|reason| reason.code().clone());
            log.lock().unwrap().push((change.new, code));
        });
    }
    assert_eq!(
        *values.lock().unwrap(),
        [(false, Some(ReasonCode::NotSupported)), (true, None)]
    );
}

#[test]
fn a_command_can_be_bound() {
    let model = TestModel::new();
    let conversation = conversation(&model);
    let hello = conversation
        .chat_service()
        .send_message_command()
        .bind(MessageBody::from("hello"));
    drop(hello.invoke(()));
    drop(hello.invoke(()));
    assert_eq!(model.backend.take()[1..], ["send hello", "send hello"]);
}

#[test]
fn an_empty_message_is_not_sent() {
    let model = TestModel::new();
    let conversation = conversation(&model);
    let reason = now(conversation.chat_service().send_message("")).unwrap_err();
    assert_eq!(reason.code(), &ReasonCode::InvalidArgument);
    drop(conversation.chat_service().send_message(" "));
    assert_eq!(conversation.chat_service().messages().size().get(), 1);
}

#[test]
fn leaving_a_conversation_that_has_not_begun_or_has_ended_does_nothing() {
    let model = TestModel::new();
    let conversation = conversation(&model);
    model.backend.take();
    assert_eq!(now(conversation.leave()), Ok(()));
    drop(conversation.chat_service().start(StartOptions::default()));
    assert!(model.backend.take()[0].starts_with("start"));
    drop(conversation.leave());
    drop(conversation.leave());
    assert_eq!(
        model.backend.take().len(),
        2,
        "the backend joins a second leave to the first"
    );
    model.commit_to(conversation.id(), [ConversationFact::ended(None)]);
    assert_eq!(now(conversation.leave()), Ok(()));
    assert!(model.backend.take().is_empty());
}

#[test]
fn a_removed_conversation_is_left_first() {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let conversation = conversation(&model);
    let id = conversation.id();
    drop(conversation.chat_service().start(StartOptions::default()));
    model.backend.take();
    drop(manager.remove(&conversation));
    assert_eq!(model.backend.take(), [format!("leave {id:?}")]);
    assert_eq!(manager.conversations().size().get(), 1);
    assert_ne!(
        manager.get_conversation(LENE).unwrap(),
        conversation,
        "the conversation is being removed"
    );
    model.backend.take();
    model.commit_to(id, [ConversationFact::ended(None)]);
    assert_eq!(model.backend.take(), [format!("forget {id:?}")]);
    assert_eq!(manager.conversations().size().get(), 1);
    assert_eq!(
        now(manager.remove(&conversation)).unwrap_err().code(),
        &ReasonCode::Gone
    );
    model.commit_to(id, [ConversationFact::Subject("late".into())]);
    assert_eq!(
        conversation.topic().get(),
        "",
        "facts about a removed conversation are ignored"
    );
}

#[test]
fn a_message_accepts_a_pending_invitation() {
    let model = TestModel::new();
    let id = ConversationId::Remote(1);
    model.commit([Fact::Incoming(conv_model::Incoming::new(
        id,
        crate::support::lene(1),
    ))]);
    let conversation = model
        .application
        .conversations_manager()
        .conversations()
        .get(0)
        .unwrap();
    drop(conversation.chat_service().send_message("coming"));
    assert_eq!(
        model.backend.take(),
        [format!("accept {id:?}"), "send coming".into()]
    );
}

#[test]
fn requests_keep_the_order_of_the_messages_across_threads() {
    let model = TestModel::new();
    let conversation = conversation(&model);
    model.backend.take();
    thread::scope(|scope| {
        for thread in 0..4 {
            let chat = conversation.chat_service();
            scope.spawn(move || {
                for count in 0..200 {
                    drop(chat.send_message(format!("{thread}.{count}")));
                }
            });
        }
    });
    let expected: Vec<_> = conversation
        .chat_service()
        .messages()
        .snapshot()
        .iter()
        .map(|message| format!("send {}", message.body().raw()))
        .collect();
    assert_eq!(expected.len(), 800);
    assert_eq!(model.backend.take(), expected);
}

/// A backend that writes facts and invokes commands inside its requests.
#[derive(Debug, Default)]
struct Reentrant {
    writer: Mutex<Option<ModelWriter>>,
    application: Mutex<Option<Application>>,
    calls: Mutex<Vec<String>>,
}

impl Reentrant {
    fn record(&self, call: String) {
        self.calls.lock().unwrap().push(call);
    }
}

impl Backend for Reentrant {
    fn request(&self, command: CommandId, request: Request) {
        let Request::SendMessage { message, .. } = request else {
            return;
        };
        self.record(format!("begin {}", message.body.raw()));
        let writer = self.writer.lock().unwrap();
        let done = Fact::completed(command, Ok(Outcome::Done));
        writer.as_ref().unwrap().commit([done]);
        drop(writer);
        if message.body.raw() == "one" {
            let application = self.application.lock().unwrap().clone().unwrap();
            let manager = application.conversations_manager();
            let conversation = manager.get_conversation(LENE).unwrap();
            drop(conversation.chat_service().send_message("two"));
        }
        self.record(format!("end {}", message.body.raw()));
    }
}

#[test]
fn a_backend_may_write_facts_and_invoke_commands_inside_a_request() {
    let backend = Arc::new(Reentrant::default());
    let (application, writer) = Application::new(Arc::clone(&backend) as Arc<dyn Backend>);
    writer.commit([Fact::sign_in(SignInState::SignedIn, None)]);
    *backend.writer.lock().unwrap() = Some(writer);
    *backend.application.lock().unwrap() = Some(application.clone());
    let conversation = application
        .conversations_manager()
        .get_conversation(LENE)
        .unwrap();
    assert_eq!(now(conversation.chat_service().send_message("one")), Ok(()));
    assert_eq!(
        *backend.calls.lock().unwrap(),
        ["begin one", "end one", "begin two", "end two"]
    );
    assert_eq!(conversation.chat_service().messages().size().get(), 2);
    *backend.application.lock().unwrap() = None;
}

#[test]
fn the_request_of_a_command_inside_a_listener_is_made_before_the_command_returns() {
    let model = Arc::new(TestModel::new());
    let conversation = conversation(&model);
    let chat = conversation.chat_service();
    let _registration = {
        let (model, chat) = (Arc::clone(&model), chat.clone());
        chat.clone().messages().added(move |message, _, _| {
            if message.direction() == Direction::Outgoing && message.body().raw() == "ping" {
                model.backend.take();
                drop(chat.send_message("pong"));
                assert_eq!(model.backend.take(), ["send pong"]);
            }
        })
    };
    drop(chat.send_message("ping"));
    assert_eq!(
        chat.messages().size().get(),
        2,
        "the assertion in the listener held"
    );
    assert!(model.backend.take().is_empty());
}

#[test]
fn a_mock_is_a_backend() {
    let mut backend = MockBackend::new();
    backend
        .expect_normalize_address()
        .returning(|address| Ok(format!("sip:{address}")));
    backend.expect_now().returning(|| at(7));
    let mut requests = Sequence::new();
    backend
        .expect_request()
        .withf(|_, request| {
            matches!(request, Request::OpenConversation { peer, .. } if peer.address == LENE)
        })
        .times(1)
        .in_sequence(&mut requests)
        .return_const(());
    backend
        .expect_request()
        .withf(|_, request| {
            matches!(request, Request::SendMessage { message, .. }
                if message.body.raw() == "hello" && matches!(message.id, MessageId::Local(_)))
        })
        .times(1)
        .in_sequence(&mut requests)
        .return_const(());
    let (application, writer) = Application::new(Arc::new(backend));
    writer.commit([Fact::sign_in(SignInState::SignedIn, None)]);
    let conversation = application
        .conversations_manager()
        .get_conversation("lenea@contoso.com")
        .unwrap();
    let mut sent = conversation.chat_service().send_message("hello");
    assert!(is_pending(&mut sent));
    assert_eq!(
        conversation
            .chat_service()
            .messages()
            .get(0)
            .unwrap()
            .timestamp()
            .get(),
        at(7)
    );
}
