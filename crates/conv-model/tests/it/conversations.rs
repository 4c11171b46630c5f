//! Who is in a conversation, what they are called, and which conversation is taken.

use conv_model::{
    ConversationFact as Is, ConversationId, Fact, Incoming, MessageId, ParticipantFact,
    ParticipantId, ParticipantState, ReasonCode, SenderFact,
};

use crate::machines::{Begin::Made, Step::Send, ended, fact, play};
use crate::support::{Stage, at, lene};

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
    stage.tell(
        id,
        [Is::Typing {
            participant: ParticipantId::Remote(5),
            is_typing: true,
        }],
    );
    assert!(
        made.chat().is_typing().get(),
        "known by the other side's id from then on"
    );
    // A second endpoint of the same person is someone else's participation.
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
    // After a restart the other side numbers anew.
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
fn names_fall_back_to_the_address_and_are_never_forgotten() {
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
    stage.commit([Fact::Person {
        address: "sip:LeneA@contoso.com".into(),
        fact: conv_model::PersonFact::DisplayName("Lene A.".into()),
    }]);
    assert_eq!(name.get(), "Lene A.");
    stage.tell(conversation.id(), [Is::ParticipantAdded(lene(1).named(""))]);
    assert_eq!(name.get(), "Lene A.");
}

#[test]
fn someone_outside_the_roster_is_heard() {
    let (stage, conversation) = play(Made, &[Send]);
    let mut sender = SenderFact::new("sip:stranger@fabrikam.com");
    stage.tell(
        conversation.id(),
        [Is::MessageReceived {
            message: MessageId::Remote(1),
            sender: sender.clone(),
            body: "psst".into(),
            timestamp: at(1),
        }],
    );
    let message = conversation.chat_service().messages().get(1).unwrap();
    assert_eq!(
        message.sender().display_name().get(),
        "sip:stranger@fabrikam.com"
    );
    sender.display_name = Some("A Stranger".into());
    stage.tell(
        conversation.id(),
        [Is::MessageReceived {
            message: MessageId::Remote(2),
            sender,
            body: "psst".into(),
            timestamp: at(2),
        }],
    );
    assert_eq!(
        message.sender().display_name().get(),
        "A Stranger",
        "one object for each person"
    );
    assert_eq!(conversation.participants().size().get(), 1);
}

#[test]
fn a_conversation_becomes_a_group_and_stays_one() {
    let (stage, conversation) = play(Made, &[Send, fact(Is::Connected)]);
    let manager = stage.application.conversations_manager();
    assert!(!conversation.is_group_conversation().get());
    stage.tell(
        conversation.id(),
        [
            Is::Group {
                uri: Some("sip:conf@contoso.com".into()),
            },
            Is::Group { uri: None },
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
        "no conversation of two any more"
    );
}

#[test]
fn the_first_ongoing_conversation_with_a_person_is_taken() {
    let stage = Stage::new();
    let manager = stage.application.conversations_manager();
    let incoming = stage.incoming();
    assert_eq!(
        manager.get_conversation(" sip:lenea@contoso.com ").unwrap(),
        incoming,
        "one that rings too"
    );
    stage.step(&incoming, &ended());
    let second = manager.get_conversation("sip:lenea@contoso.com").unwrap();
    assert_ne!(second, incoming);
    assert_eq!(
        manager.conversations().snapshot(),
        [incoming.clone(), second.clone()]
    );
    // An invitation from the same person is a conversation of its own.
    stage.commit([Fact::Incoming(Incoming::new(
        ConversationId::Remote(2),
        lene(1),
    ))]);
    assert_eq!(manager.conversations().size().get(), 3);
    assert_eq!(
        manager.get_conversation("sip:lenea@contoso.com").unwrap(),
        second
    );
    // The first one restarts and is the first again.
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
