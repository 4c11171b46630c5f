//! Archived conversations, and whether new conversations are archived.

use conv_model::{
    Archived, ArchivedMessage, CallConnectionState, ConversationFact as Is, ConversationId,
    ConversationState, Fact, MessageBody, MessageId, ParticipantState, Reason, ReasonCode,
    SenderFact, SignInState,
};

use crate::support::{Stage, at, lene, now};

const ID: ConversationId = ConversationId::Remote(7);

fn found() -> Fact {
    let mut archived = Archived::new(ID, vec![lene(1)]);
    archived.subject = Some("Lunch".into());
    Fact::Archived(archived)
}

fn said(id: u64, text: &str, seconds: u64) -> ArchivedMessage {
    let sender = SenderFact::new("sip:lenea@contoso.com");
    let body = MessageBody::Text(text.into());
    ArchivedMessage::incoming(MessageId::Remote(id), sender, body, at(seconds))
}

/// The messages of the archived conversation.
fn texts(stage: &Stage) -> Vec<String> {
    let conversations = stage.application.conversations_manager().conversations();
    let found = conversations
        .snapshot()
        .into_iter()
        .find(|it| it.id() == ID);
    let messages = found.unwrap().chat_service().messages().snapshot();
    messages.iter().map(|message| message.text()).collect()
}

fn sign_in(state: SignInState) -> Fact {
    Fact::sign_in(state, None)
}

fn cause(reason: &Reason) -> &ReasonCode {
    assert_eq!(reason.code(), &ReasonCode::CommandDisabled);
    reason.cause().unwrap().code()
}

#[test]
fn an_archived_conference_is_a_conference() {
    let stage = Stage::new();
    stage.commit([
        found(),
        Fact::of(
            ID,
            Is::group(Some(
                "sip:lenea@contoso.com;gruu;opaque=app:conf:focus:id:7".into(),
            )),
        ),
    ]);
    let conversations = stage.application.conversations_manager().conversations();
    let found = conversations.get(0).unwrap();
    assert_eq!(found.state().get(), ConversationState::Disconnected);
    assert!(found.is_group_conversation().get());
    assert!(found.uri().get().unwrap().contains("conf:focus"));
}

#[test]
fn an_archived_conversation_appears_disconnected_and_starts_again() {
    let stage = Stage::new();
    let conversations = stage.application.conversations_manager().conversations();
    stage.commit([found(), found()]);
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
    let manager = stage.application.conversations_manager();
    let new = manager.get_conversation("sip:lenea@contoso.com").unwrap();
    assert_ne!(new, *conversation);
    stage.script.take();

    stage.tell(ID, [Is::Archived(vec![said(1, "Then", 5_000)])]);
    drop(conversation.chat_service().send_message("Now"));
    assert_eq!(conversation.state().get(), ConversationState::Connecting);
    assert_eq!(stage.script.take(), ["send Now"]);
    stage.tell(ID, [Is::Connected]);
    assert_eq!(conversation.state().get(), ConversationState::Connected);
    assert_eq!(
        texts(&stage),
        ["Then", "Now"],
        "archived messages come first, whatever their time"
    );
    let sender = conversation.chat_service().messages().snapshot()[0].sender();
    assert_eq!(sender, participants[0].person());
}

/// Messages with the same time are ordered by their pages.
#[test]
fn pages_of_one_time_keep_their_order_and_older_ones_come_first() {
    let stage = Stage::new();
    stage.commit([found()]);
    let page = |numbers: [u64; 2]| {
        Is::Archived(
            numbers
                .map(|number| said(number, &number.to_string(), 9))
                .into(),
        )
    };
    stage.tell(ID, [page([3, 4])]);
    stage.tell(ID, [page([1, 2])]);
    assert_eq!(texts(&stage), ["1", "2", "3", "4"]);
}

#[test]
fn more_conversations_is_enabled_until_all_are_loaded() {
    let stage = Stage::signed_out();
    let manager = stage.application.conversations_manager();
    let command = manager.get_more_conversations_command();
    let signed_out = now(manager.get_more_conversations(20)).unwrap_err();
    assert_eq!(cause(&signed_out), &ReasonCode::SignedOut);
    assert!(!command.enabled().get());

    stage.commit([sign_in(SignInState::SignedIn)]);
    assert!(command.enabled().get());
    now(command.invoke(20)).unwrap();
    stage.commit([Fact::MoreConversations(false)]);
    assert!(!command.enabled().get());
    assert!(command.enabled().reason().is_some());
    let complete = now(manager.get_more_conversations(5)).unwrap_err();
    assert_eq!(cause(&complete), &ReasonCode::InvalidState);
    stage.commit([Fact::MoreConversations(true)]);
    now(manager.get_more_conversations(5)).unwrap();
    assert_eq!(stage.script.take(), ["more 20", "more 5"]);
}

#[test]
fn history_is_enabled_when_a_fact_reports_it() {
    let stage = Stage::signed_out();
    let manager = stage.application.conversations_manager();
    let command = manager.set_history_enabled_command();
    let fact = |enabled, settable| Fact::history(enabled, settable);
    stage.commit([sign_in(SignInState::SignedIn), fact(false, false)]);
    let refused = now(manager.set_history_enabled(true)).unwrap_err();
    assert_eq!(cause(&refused), &ReasonCode::NotSupported);
    assert!(stage.script.take().is_empty());

    stage.commit([fact(false, true)]);
    assert!(command.enabled().get());
    now(command.invoke(true)).unwrap();
    assert!(
        !manager.is_history_enabled().get(),
        "only a fact changes the value"
    );
    stage.commit([fact(true, true)]);
    assert!(manager.is_history_enabled().get());
    assert_eq!(stage.script.take(), ["history true"]);

    stage.commit([sign_in(SignInState::SignedOut)]);
    assert!(!command.enabled().get());
    let refused = now(manager.set_history_enabled(false)).unwrap_err();
    assert_eq!(cause(&refused), &ReasonCode::SignedOut);
}

#[test]
fn a_protocol_without_an_archive_refuses_the_request() {
    let stage = Stage::new();
    let manager = stage.application.conversations_manager();
    let unsupported = Reason::new(ReasonCode::NotSupported);
    stage.script.answer(Err(unsupported));
    let refused = now(manager.get_more_conversations(20)).unwrap_err();
    assert_eq!(refused.code(), &ReasonCode::NotSupported);
}

#[test]
fn an_unread_archived_conversation_can_be_marked_as_read() {
    let stage = Stage::new();
    stage.commit([found()]);
    let conversations = stage.application.conversations_manager().conversations();
    let conversation = conversations.get(0).unwrap();
    let history = conversation.history_service();
    let mark = history.mark_as_read_command();
    assert!(!mark.enabled().get());
    let reason = now(history.mark_as_read()).unwrap_err();
    assert_eq!(*reason.code(), ReasonCode::CommandDisabled);
    stage.tell(ID, [Is::Unread(true)]);
    assert!(mark.enabled().get());
    now(mark.invoke(())).unwrap();
    assert_eq!(stage.script.take(), [format!("mark {ID:?} as read")]);
    stage.tell(ID, [Is::Unread(false)]);
    assert!(!mark.enabled().get());
}
