//! Archived conversations, and whether new conversations are archived.

use conv_model::{
    Archived, ArchivedMessage, CallConnectionState, ConversationFact, ConversationId,
    ConversationState, Fact, MessageBody, MessageId, ParticipantState, Reason, ReasonCode,
    SenderFact, SignInState,
};

use crate::support::{TestModel, at, lene, now};

const ID: ConversationId = ConversationId::Remote(7);

fn archived_conversation() -> Fact {
    let mut archived = Archived::new(ID, vec![lene(1)]);
    archived.subject = Some("Lunch".into());
    Fact::Archived(archived)
}

fn archived_message(id: u64, text: &str, seconds: u64) -> ArchivedMessage {
    let sender = SenderFact::new("sip:lenea@contoso.com");
    let body = MessageBody::Text(text.into());
    ArchivedMessage::incoming(MessageId::Remote(id), sender, body, at(seconds))
}

/// The messages of the archived conversation.
fn texts(model: &TestModel) -> Vec<String> {
    let conversations = model.application.conversations_manager().conversations();
    let found = conversations
        .snapshot()
        .into_iter()
        .find(|conversation| conversation.id() == ID);
    let messages = found.unwrap().chat_service().messages().snapshot();
    messages.iter().map(|message| message.text()).collect()
}

fn sign_in(state: SignInState) -> Fact {
    Fact::sign_in(state, None)
}

/// The code of the reason why a command is disabled.
fn cause(reason: &Reason) -> &ReasonCode {
    assert_eq!(reason.code(), &ReasonCode::CommandDisabled);
    reason.cause().unwrap().code()
}

#[test]
fn an_archived_conference_is_a_conference() {
    let model = TestModel::new();
    model.commit([
        archived_conversation(),
        Fact::of(
            ID,
            ConversationFact::group(Some(
                "sip:lenea@contoso.com;gruu;opaque=app:conf:focus:id:7".into(),
            )),
        ),
    ]);
    let conversations = model.application.conversations_manager().conversations();
    let found = conversations.get(0).unwrap();
    assert_eq!(found.state().get(), ConversationState::Disconnected);
    assert!(found.is_group_conversation().get());
    assert!(found.uri().get().unwrap().contains("conf:focus"));
}

#[test]
fn an_archived_conversation_appears_disconnected_and_starts_again() {
    let model = TestModel::new();
    let conversations = model.application.conversations_manager().conversations();
    model.commit([archived_conversation(), archived_conversation()]);
    let all = conversations.snapshot();
    let [conversation] = all.as_slice() else {
        panic!("{all:?}");
    };
    assert_eq!(conversation.state().get(), ConversationState::Disconnected);
    assert_eq!(conversation.topic().get(), "Lunch");
    assert!(!conversation.is_group_conversation().get());
    let participants = conversation.participants().snapshot();
    assert_eq!(participants.len(), 1);
    assert_eq!(participants[0].display_name().get(), "Lene Aaling");
    assert_eq!(
        participants[0].state().get(),
        ParticipantState::Disconnected
    );
    let chat = conversation.self_participant().chat().state();
    assert_eq!(chat.get(), CallConnectionState::Disconnected);

    // A conversation that has ended is not returned, but can be restarted.
    let manager = model.application.conversations_manager();
    let new = manager.get_conversation("sip:lenea@contoso.com").unwrap();
    assert_ne!(new, *conversation);
    model.backend.take();

    model.commit_to(
        ID,
        [ConversationFact::Archived(vec![archived_message(
            1, "Then", 5_000,
        )])],
    );
    drop(conversation.chat_service().send_message("Now"));
    assert_eq!(conversation.state().get(), ConversationState::Connecting);
    assert_eq!(model.backend.take(), ["send Now"]);
    model.commit_to(ID, [ConversationFact::Connected]);
    assert_eq!(conversation.state().get(), ConversationState::Connected);
    assert_eq!(
        texts(&model),
        ["Then", "Now"],
        "archived messages come first, even if their time is later"
    );
    let sender = conversation.chat_service().messages().snapshot()[0].sender();
    assert_eq!(sender, participants[0].person());
}

/// Messages with the same time are ordered by their pages.
#[test]
fn pages_with_the_same_time_keep_their_order_and_a_later_page_comes_first() {
    let model = TestModel::new();
    model.commit([archived_conversation()]);
    let page = |numbers: [u64; 2]| {
        ConversationFact::Archived(
            numbers
                .map(|number| archived_message(number, &number.to_string(), 9))
                .into(),
        )
    };
    model.commit_to(ID, [page([3, 4])]);
    model.commit_to(ID, [page([1, 2])]);
    assert_eq!(texts(&model), ["1", "2", "3", "4"]);
}

#[test]
fn get_more_conversations_is_enabled_until_all_are_loaded() {
    let model = TestModel::signed_out();
    let manager = model.application.conversations_manager();
    let command = manager.get_more_conversations_command();
    let signed_out = now(manager.get_more_conversations(20)).unwrap_err();
    assert_eq!(cause(&signed_out), &ReasonCode::SignedOut);
    assert!(!command.enabled().get());

    model.commit([sign_in(SignInState::SignedIn)]);
    assert!(command.enabled().get());
    now(command.invoke(20)).unwrap();
    model.commit([Fact::MoreConversations(false)]);
    assert!(!command.enabled().get());
    assert!(command.enabled().reason().is_some());
    let complete = now(manager.get_more_conversations(5)).unwrap_err();
    assert_eq!(cause(&complete), &ReasonCode::InvalidState);
    model.commit([Fact::MoreConversations(true)]);
    now(manager.get_more_conversations(5)).unwrap();
    assert_eq!(model.backend.take(), ["more 20", "more 5"]);
}

#[test]
fn set_history_enabled_is_enabled_when_a_fact_allows_it() {
    let model = TestModel::signed_out();
    let manager = model.application.conversations_manager();
    let command = manager.set_history_enabled_command();
    let history = |enabled, settable| Fact::history(enabled, settable);
    model.commit([sign_in(SignInState::SignedIn), history(false, false)]);
    let refused = now(manager.set_history_enabled(true)).unwrap_err();
    assert_eq!(cause(&refused), &ReasonCode::NotSupported);
    assert!(model.backend.take().is_empty());

    model.commit([history(false, true)]);
    assert!(command.enabled().get());
    now(command.invoke(true)).unwrap();
    assert!(
        !manager.is_history_enabled().get(),
        "only a fact changes the value"
    );
    model.commit([history(true, true)]);
    assert!(manager.is_history_enabled().get());
    assert_eq!(model.backend.take(), ["history true"]);

    model.commit([sign_in(SignInState::SignedOut)]);
    assert!(!command.enabled().get());
    let refused = now(manager.set_history_enabled(false)).unwrap_err();
    assert_eq!(cause(&refused), &ReasonCode::SignedOut);
}

#[test]
fn a_protocol_without_an_archive_refuses_the_request() {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let unsupported = Reason::new(ReasonCode::NotSupported);
    model.backend.script_result(Err(unsupported));
    let refused = now(manager.get_more_conversations(20)).unwrap_err();
    assert_eq!(refused.code(), &ReasonCode::NotSupported);
}

#[test]
fn an_unread_archived_conversation_can_be_marked_as_read() {
    let model = TestModel::new();
    model.commit([archived_conversation()]);
    let conversations = model.application.conversations_manager().conversations();
    let conversation = conversations.get(0).unwrap();
    let history = conversation.history_service();
    let mark = history.mark_as_read_command();
    assert!(!mark.enabled().get());
    let reason = now(history.mark_as_read()).unwrap_err();
    assert_eq!(*reason.code(), ReasonCode::CommandDisabled);
    model.commit_to(ID, [ConversationFact::Unread(true)]);
    assert!(mark.enabled().get());
    now(mark.invoke(())).unwrap();
    assert_eq!(model.backend.take(), [format!("mark {ID:?} as read")]);
    model.commit_to(ID, [ConversationFact::Unread(false)]);
    assert!(!mark.enabled().get());
}
