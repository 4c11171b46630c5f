//! The participants of a conversation, their names, and the conversation that belongs to an address.

use conv_model::{
    ConversationFact, ConversationId, Fact, Importance, Incoming, MessageFormat, MessageId,
    ParticipantFact, ParticipantId, ParticipantState, ReasonCode, SenderFact,
};

use crate::state_machines::{Origin::Created, Step::Send, conversation_after, ended, fact};
use crate::support::{TestModel, at, lene, now};

#[test]
fn participants_are_found_by_id_then_by_address() {
    let (model, conversation) = conversation_after(Created, &[Send]);
    let id = conversation.id();
    let created = conversation.participants().get(0).unwrap();
    model.commit_to(
        id,
        [ConversationFact::ParticipantAdded(ParticipantFact::new(
            ParticipantId::Remote(5),
            "SIP:LENEA@contoso.com",
        ))],
    );
    assert_eq!(
        conversation.participants().snapshot(),
        std::slice::from_ref(&created)
    );
    model.commit_to(
        id,
        [ConversationFact::typing(ParticipantId::Remote(5), true)],
    );
    assert!(
        created.chat().is_typing().get(),
        "the participant is also found by the ID of the server"
    );
    // A fact with another address adds a participant.
    model.commit_to(
        id,
        [ConversationFact::ParticipantAdded(
            ParticipantFact::new(ParticipantId::Remote(6), "sip:tim@contoso.com").named("Tim"),
        )],
    );
    assert_eq!(conversation.participants().size().get(), 2);
    assert_eq!(conversation.participants_count().get(), 2);
    model.commit_to(id, [ConversationFact::ParticipantsCount(7)]);
    assert_eq!(conversation.participants_count().get(), 7);
    // After a restart, the server uses other IDs.
    model.step(&conversation, &ended());
    model.step(&conversation, &Send);
    model.commit_to(
        id,
        [ConversationFact::ParticipantAdded(ParticipantFact::new(
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
    let (model, conversation) = conversation_after(Created, &[Send]);
    let participant = conversation.participants().get(0).unwrap();
    let name = participant.display_name();
    assert_eq!(name.get(), "sip:lenea@contoso.com");
    model.commit_to(
        conversation.id(),
        [ConversationFact::ParticipantAdded(lene(1).named(""))],
    );
    assert_eq!(
        name.get(),
        "sip:lenea@contoso.com",
        "an empty name is no name"
    );
    model.commit_to(
        conversation.id(),
        [ConversationFact::ParticipantAdded(lene(1))],
    );
    assert_eq!(name.get(), "Lene Aaling");
    model.commit([Fact::person(
        "sip:LeneA@contoso.com",
        conv_model::PersonFact::DisplayName("Lene A.".into()),
    )]);
    assert_eq!(name.get(), "Lene A.");
    model.commit_to(
        conversation.id(),
        [ConversationFact::ParticipantAdded(lene(1).named(""))],
    );
    assert_eq!(name.get(), "Lene A.");
}

#[test]
fn a_sender_need_not_be_a_participant() {
    let (model, conversation) = conversation_after(Created, &[Send]);
    let mut sender = SenderFact::new("sip:stranger@fabrikam.com");
    model.commit_to(
        conversation.id(),
        [ConversationFact::message_received(
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
    model.commit_to(
        conversation.id(),
        [ConversationFact::message_received(
            MessageId::Remote(2),
            sender,
            "psst",
            at(2),
        )],
    );
    assert_eq!(
        message.sender().display_name().get(),
        "A Stranger",
        "each person has one object"
    );
    assert_eq!(conversation.participants().size().get(), 1);
}

#[test]
fn the_message_formats_are_those_of_the_last_connection() {
    use MessageFormat::{Html, Text};
    let (model, conversation) = conversation_after(Created, &[Send]);
    let formats = conversation.chat_service().supported_message_formats();
    assert_eq!(formats.snapshot(), []);
    for agreed in [vec![Text], vec![Text, Html], vec![Html], vec![Text]] {
        let connected = ConversationFact::chat_connected(agreed.clone());
        model.commit_to(conversation.id(), [connected]);
        assert_eq!(formats.snapshot(), agreed);
    }
}

#[test]
fn a_conversation_becomes_a_group_and_stays_one() {
    let (model, conversation) =
        conversation_after(Created, &[Send, fact(ConversationFact::Connected)]);
    let manager = model.application.conversations_manager();
    assert!(!conversation.is_group_conversation().get());
    model.commit_to(
        conversation.id(),
        [
            ConversationFact::group(Some("sip:conf@contoso.com".into())),
            ConversationFact::group(None),
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
        "a conference is not returned for one person"
    );
}

#[test]
fn get_conversation_returns_the_first_that_has_not_ended() {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let incoming = model.incoming();
    assert_eq!(
        manager.get_conversation(" sip:lenea@contoso.com ").unwrap(),
        incoming,
        "a conversation with a pending invitation is returned, too"
    );
    model.step(&incoming, &ended());
    let second = manager.get_conversation("sip:lenea@contoso.com").unwrap();
    assert_ne!(second, incoming);
    assert_eq!(
        manager.conversations().snapshot(),
        [incoming.clone(), second.clone()]
    );
    // Another invitation from the same person is another conversation.
    model.commit([Fact::Incoming(Incoming::new(
        ConversationId::Remote(2),
        lene(1),
    ))]);
    assert_eq!(manager.conversations().size().get(), 3);
    assert_eq!(
        manager.get_conversation("sip:lenea@contoso.com").unwrap(),
        second
    );
    // The first conversation restarts and is the first again.
    model.step(&incoming, &Send);
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
        let model = TestModel::new();
        model.commit([Fact::Incoming(incoming)]);
        let manager = model.application.conversations_manager();
        let chat = manager.conversations().get(0).unwrap().chat_service();
        (model, chat)
    };
    let shown = Some("Got a minute?".into());
    let (_model, accepted) = offer(true);
    assert_eq!(
        accepted.preview().get(),
        None,
        "an automatically accepted invitation has no preview"
    );
    let (model, chat) = offer(false);
    assert_eq!(chat.preview().get(), shown);
    assert_eq!(
        chat.messages().size().get(),
        0,
        "the preview is not in the messages yet"
    );
    drop(chat.accept());
    assert_eq!(chat.preview().get(), None);
    model.commit_to(id, [ConversationFact::ChatOffered]);
    assert_eq!(chat.preview().get(), shown, "the accept was refused");
    drop(chat.accept());
    model.commit_to(
        id,
        [
            ConversationFact::Connected,
            ConversationFact::chat_connected(vec![]),
        ],
    );
    model.commit_to(
        id,
        [
            ConversationFact::chat_disconnected(None),
            ConversationFact::ChatOffered,
        ],
    );
    assert_eq!(chat.preview().get(), None, "a second offer has no preview");
    let (model, chat) = offer(false);
    drop(chat.reject());
    model.commit_to(id, [ConversationFact::ended(None)]);
    assert_eq!(chat.preview().get(), None);
}

#[test]
fn the_importance_of_an_invitation_is_shown_and_can_be_set_before_the_start() {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let id = ConversationId::Remote(77);
    let mut incoming = Incoming::new(id, lene(1));
    incoming.importance = Importance::Urgent;
    model.commit([Fact::Incoming(incoming)]);
    let incoming_chat = manager.conversations().get(0).unwrap();
    assert_eq!(incoming_chat.importance().get(), Importance::Urgent);

    let outgoing_chat = manager.get_conversation("sip:tim@contoso.com").unwrap();
    assert_eq!(outgoing_chat.importance().get(), Importance::Normal);
    model.backend.take();
    let set = outgoing_chat.set_importance_command();
    now(set.invoke(Importance::Emergency)).unwrap();
    assert_eq!(model.backend.take(), ["importance Emergency"]);
    assert_eq!(outgoing_chat.importance().get(), Importance::Emergency);
    drop(outgoing_chat.chat_service().send_message("Fire!"));
    assert!(!set.enabled().get(), "the conversation has begun");
}
