//! The participants of a conversation, their names, and which conversation belongs to an address.

use conv_model::{
    ConversationFact as Is, ConversationId, Fact, Importance, Incoming, MessageFormat, MessageId,
    ParticipantFact, ParticipantId, ParticipantState, ReasonCode, SenderFact,
};

use crate::machines::{Begin::Made, Step::Send, ended, fact, play};
use crate::support::{Stage, at, lene, now};

#[test]
fn participants_are_found_by_id_then_by_address() {
    let (stage, conversation) = play(Made, &[Send]);
    let id = conversation.id();
    let made = conversation.participants().get(0).unwrap();
    stage.tell(
        id,
        [Is::ParticipantAdded(ParticipantFact::new(
            ParticipantId::Remote(5),
            "SIP:LENEA@contoso.com",
        ))],
    );
    assert_eq!(
        conversation.participants().snapshot(),
        std::slice::from_ref(&made)
    );
    stage.tell(id, [Is::typing(ParticipantId::Remote(5), true)]);
    assert!(
        made.chat().is_typing().get(),
        "the participant has the ID of the other side too"
    );
    // Another person is another participant.
    stage.tell(
        id,
        [Is::ParticipantAdded(
            ParticipantFact::new(ParticipantId::Remote(6), "sip:tim@contoso.com").named("Tim"),
        )],
    );
    assert_eq!(conversation.participants().size().get(), 2);
    assert_eq!(conversation.participants_count().get(), 2);
    stage.tell(id, [Is::ParticipantsCount(7)]);
    assert_eq!(conversation.participants_count().get(), 7);
    // After a restart, the other side uses other IDs.
    stage.step(&conversation, &ended());
    stage.step(&conversation, &Send);
    stage.tell(
        id,
        [Is::ParticipantAdded(ParticipantFact::new(
            ParticipantId::Remote(9),
            "sip:tim@contoso.com",
        ))],
    );
    assert_eq!(conversation.participants().size().get(), 2);
    assert_eq!(
        conversation.participants().get(1).unwrap().state().get(),
        ParticipantState::Connected
    );
}

#[test]
fn a_name_is_the_address_until_it_is_known() {
    let (stage, conversation) = play(Made, &[Send]);
    let participant = conversation.participants().get(0).unwrap();
    let name = participant.display_name();
    assert_eq!(name.get(), "sip:lenea@contoso.com");
    stage.tell(conversation.id(), [Is::ParticipantAdded(lene(1).named(""))]);
    assert_eq!(
        name.get(),
        "sip:lenea@contoso.com",
        "an empty name is no name"
    );
    stage.tell(conversation.id(), [Is::ParticipantAdded(lene(1))]);
    assert_eq!(name.get(), "Lene Aaling");
    stage.commit([Fact::person(
        "sip:LeneA@contoso.com",
        conv_model::PersonFact::DisplayName("Lene A.".into()),
    )]);
    assert_eq!(name.get(), "Lene A.");
    stage.tell(conversation.id(), [Is::ParticipantAdded(lene(1).named(""))]);
    assert_eq!(name.get(), "Lene A.");
}

#[test]
fn a_sender_need_not_be_a_participant() {
    let (stage, conversation) = play(Made, &[Send]);
    let mut sender = SenderFact::new("sip:stranger@fabrikam.com");
    stage.tell(
        conversation.id(),
        [Is::message_received(
            MessageId::Remote(1),
            sender.clone(),
            "psst",
            at(1),
        )],
    );
    let message = conversation.chat_service().messages().get(1).unwrap();
    assert_eq!(
        message.sender().display_name().get(),
        "sip:stranger@fabrikam.com"
    );
    sender.display_name = Some("A Stranger".into());
    stage.tell(
        conversation.id(),
        [Is::message_received(
            MessageId::Remote(2),
            sender,
            "psst",
            at(2),
        )],
    );
    assert_eq!(
        message.sender().display_name().get(),
        "A Stranger",
        "one object for each person"
    );
    assert_eq!(conversation.participants().size().get(), 1);
}

#[test]
fn the_message_formats_are_those_of_the_last_connection() {
    use MessageFormat::{Html, Text};
    let (stage, conversation) = play(Made, &[Send]);
    let formats = conversation.chat_service().supported_message_formats();
    assert_eq!(formats.snapshot(), []);
    for agreed in [vec![Text], vec![Text, Html], vec![Html], vec![Text]] {
        let connected = Is::chat_connected(agreed.clone());
        stage.tell(conversation.id(), [connected]);
        assert_eq!(formats.snapshot(), agreed);
    }
}

#[test]
fn a_conversation_becomes_a_group_and_stays_one() {
    let (stage, conversation) = play(Made, &[Send, fact(Is::Connected)]);
    let manager = stage.application.conversations_manager();
    assert!(!conversation.is_group_conversation().get());
    stage.tell(
        conversation.id(),
        [
            Is::group(Some("sip:conf@contoso.com".into())),
            Is::group(None),
        ],
    );
    assert!(conversation.is_group_conversation().get());
    assert_eq!(
        conversation.uri().get().as_deref(),
        Some("sip:conf@contoso.com")
    );
    assert_ne!(
        manager.get_conversation("sip:lenea@contoso.com").unwrap(),
        conversation,
        "a conference is no conversation with one person"
    );
}

#[test]
fn get_conversation_returns_the_first_that_has_not_ended() {
    let stage = Stage::new();
    let manager = stage.application.conversations_manager();
    let incoming = stage.incoming();
    assert_eq!(
        manager.get_conversation(" sip:lenea@contoso.com ").unwrap(),
        incoming,
        "a conversation with a pending invitation counts, too"
    );
    stage.step(&incoming, &ended());
    let second = manager.get_conversation("sip:lenea@contoso.com").unwrap();
    assert_ne!(second, incoming);
    assert_eq!(
        manager.conversations().snapshot(),
        [incoming.clone(), second.clone()]
    );
    // Another invitation from the same person is another conversation.
    stage.commit([Fact::Incoming(Incoming::new(
        ConversationId::Remote(2),
        lene(1),
    ))]);
    assert_eq!(manager.conversations().size().get(), 3);
    assert_eq!(
        manager.get_conversation("sip:lenea@contoso.com").unwrap(),
        second
    );
    // The first conversation restarts and is the first again.
    stage.step(&incoming, &Send);
    assert_eq!(
        manager.get_conversation("sip:lenea@contoso.com").unwrap(),
        incoming
    );
    assert_eq!(
        manager.get_conversation("").unwrap_err().code(),
        &ReasonCode::InvalidArgument
    );
}

#[test]
fn the_message_of_an_invitation_is_shown_while_the_invitation_is_pending() {
    let id = ConversationId::Remote(1);
    let offer = |auto_accepted| {
        let mut incoming = Incoming::new(id, lene(1));
        incoming.preview = Some("Got a minute?".into());
        incoming.auto_accepted = auto_accepted;
        let stage = Stage::new();
        stage.commit([Fact::Incoming(incoming)]);
        let manager = stage.application.conversations_manager();
        let chat = manager.conversations().get(0).unwrap().chat_service();
        (stage, chat)
    };
    let shown = Some("Got a minute?".into());
    let (_stage, accepted) = offer(true);
    assert_eq!(accepted.preview().get(), None, "it does not ring");
    let (stage, chat) = offer(false);
    assert_eq!(chat.preview().get(), shown);
    assert_eq!(chat.messages().size().get(), 0, "it is no message yet");
    drop(chat.accept());
    assert_eq!(chat.preview().get(), None);
    stage.tell(id, [Is::ChatOffered]);
    assert_eq!(chat.preview().get(), shown, "the accept was refused");
    drop(chat.accept());
    stage.tell(id, [Is::Connected, Is::chat_connected(vec![])]);
    stage.tell(id, [Is::chat_disconnected(None), Is::ChatOffered]);
    assert_eq!(chat.preview().get(), None, "another offer");
    let (stage, chat) = offer(false);
    drop(chat.reject());
    stage.tell(id, [Is::ended(None)]);
    assert_eq!(chat.preview().get(), None);
}

#[test]
fn the_importance_of_an_invitation_is_shown_and_can_be_set_before_the_start() {
    let stage = Stage::new();
    let manager = stage.application.conversations_manager();
    let id = ConversationId::Remote(77);
    let mut incoming = Incoming::new(id, lene(1));
    incoming.importance = Importance::Urgent;
    stage.commit([Fact::Incoming(incoming)]);
    let theirs = manager.conversations().get(0).unwrap();
    assert_eq!(theirs.importance().get(), Importance::Urgent);

    let ours = manager.get_conversation("sip:tim@contoso.com").unwrap();
    assert_eq!(ours.importance().get(), Importance::Normal);
    stage.script.take();
    let set = ours.set_importance_command();
    now(set.invoke(Importance::Emergency)).unwrap();
    assert_eq!(stage.script.take(), ["importance Emergency"]);
    assert_eq!(ours.importance().get(), Importance::Emergency);
    drop(ours.chat_service().send_message("Fire!"));
    assert!(!set.enabled().get(), "the conversation has begun");
}
