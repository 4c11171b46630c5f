//! Conferences that the application opens: new ones, and those that it joins by address.

use std::sync::{Arc, Mutex};

use conv_model::{
    CallConnectionState, ConversationFact as Is, ConversationState, ParticipantState, Reason,
    ReasonCode,
};

use crate::support::{Stage, now};

const LENE: &str = "sip:lenea@contoso.com";
const FOCUS: &str = "sip:lenea@contoso.com;gruu;opaque=app:conf:focus:id:8C1RSJYA";

#[test]
fn a_new_conference_exists_at_once() {
    let stage = Stage::new();
    let manager = stage.application.conversations_manager();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let _listening = manager.conversations().added(move |it, _, _| {
        let state = (it.is_group_conversation().get(), it.state().get());
        log.lock().unwrap().push(state);
    });
    let conversation = manager.create_conversation();
    assert_eq!(
        *seen.lock().unwrap(),
        [(true, ConversationState::Created)],
        "the conference is complete when it is added"
    );
    assert_eq!(manager.conversations().get(0), Some(conversation.clone()));
    assert_eq!(conversation.participants().size().get(), 0);
    assert_eq!(conversation.uri().get(), None);
    assert_eq!(
        conversation.creator(),
        Some(stage.application.me().person())
    );
    assert_eq!(
        stage.script.take(),
        [format!("meet {:?} None", conversation.id())]
    );
    assert_ne!(
        manager.create_conversation(),
        conversation,
        "each call creates another conference"
    );
}

#[test]
fn a_conference_can_begin_with_any_number_of_participants() {
    let stage = Stage::new();
    let conversation = stage
        .application
        .conversations_manager()
        .create_conversation();
    let id = conversation.id();
    for others in 0..3 {
        assert_eq!(conversation.participants().size().get(), others);
        assert!(
            conversation.chat_service().start_command().enabled().get(),
            "with {others} others"
        );
        let guest = format!("sip:guest{others}@contoso.com");
        let guest = conversation.create_participant(&guest).unwrap();
        now(conversation.participants().add(guest)).unwrap();
    }
    drop(conversation.chat_service().send_message("Hello all"));
    assert_eq!(conversation.state().get(), ConversationState::Connecting);
    assert_eq!(
        stage.script.take(),
        [
            &format!("meet {id:?} None"),
            "add sip:guest0@contoso.com",
            "add sip:guest1@contoso.com",
            "add sip:guest2@contoso.com",
            "send Hello all",
        ]
    );
}

#[test]
fn a_conference_is_no_conversation_with_one_person() {
    let stage = Stage::new();
    let manager = stage.application.conversations_manager();
    let conversation = manager.create_conversation();
    let lene = conversation.create_participant(LENE).unwrap();
    now(conversation.participants().add(lene)).unwrap();
    assert_ne!(manager.get_conversation(LENE).unwrap(), conversation);
}

#[test]
fn a_conversation_with_two_participants_is_no_conversation_with_one_person() {
    let stage = Stage::new();
    let manager = stage.application.conversations_manager();
    let many = manager.get_conversation(LENE).unwrap();
    let tim = many.create_participant("sip:tim@contoso.com").unwrap();
    now(many.participants().add(tim.clone())).unwrap();
    let two = manager.get_conversation(LENE).unwrap();
    assert_ne!(two, many);
    assert_eq!(two.participants().size().get(), 1);
    now(many.participants().remove(tim)).unwrap();
    assert_eq!(
        manager.get_conversation(LENE).unwrap(),
        many,
        "the first conversation with one participant"
    );
}

#[test]
fn a_conference_is_found_by_its_address_or_opened() {
    let stage = Stage::new();
    let manager = stage.application.conversations_manager();
    let conversation = manager.get_conversation_by_uri(FOCUS).unwrap();
    assert_eq!(conversation.uri().get().as_deref(), Some(FOCUS));
    assert!(conversation.is_group_conversation().get());
    assert_eq!(conversation.state().get(), ConversationState::Created);
    assert_eq!(conversation.creator(), None, "the creator is not known");
    assert_eq!(
        stage.script.take(),
        [format!("meet {:?} Some({FOCUS:?})", conversation.id())]
    );
    assert_eq!(
        manager
            .get_conversation_by_uri(&FOCUS.to_ascii_uppercase())
            .unwrap(),
        conversation
    );
    assert_eq!(manager.conversations().size().get(), 1);
    assert_eq!(
        manager.get_conversation_by_uri("").unwrap_err().code(),
        &ReasonCode::InvalidArgument
    );
    assert!(
        stage.script.take().is_empty(),
        "a known conference needs no request"
    );
    let other = manager.get_conversation_by_uri("sip:tim@contoso.com;opaque=app:conf");
    assert_ne!(other.unwrap(), conversation, "another address");
}

#[test]
fn a_conference_that_is_being_removed_is_not_found() {
    let stage = Stage::new();
    let manager = stage.application.conversations_manager();
    let conversation = manager.get_conversation_by_uri(FOCUS).unwrap();
    drop(conversation.chat_service().start(Default::default()));
    stage.tell(conversation.id(), [Is::Connected]);
    drop(manager.remove(&conversation));
    assert_eq!(manager.conversations().get(0), Some(conversation.clone()));
    assert_ne!(
        manager.get_conversation_by_uri(FOCUS).unwrap(),
        conversation
    );
}

#[test]
fn a_live_conference_is_found_before_an_ended_one() {
    let stage = Stage::new();
    let manager = stage.application.conversations_manager();
    let became = |uri: &str| Is::Group {
        uri: Some(uri.into()),
    };
    let over = manager.get_conversation(LENE).unwrap();
    drop(over.chat_service().send_message("Hi"));
    stage.tell(
        over.id(),
        [Is::Connected, became(FOCUS), Is::Ended { reason: None }],
    );
    assert_eq!(
        manager.get_conversation_by_uri(FOCUS).unwrap(),
        over,
        "a conference that has ended can be joined again"
    );
    let again = manager.get_conversation("sip:tim@contoso.com").unwrap();
    drop(again.chat_service().send_message("Hi"));
    stage.tell(again.id(), [Is::Connected, became(FOCUS)]);
    assert_eq!(manager.get_conversation_by_uri(FOCUS).unwrap(), again);
    for each in [again, over] {
        drop(manager.remove(&each));
        stage.tell(each.id(), [Is::Ended { reason: None }]);
    }
    let new = manager.get_conversation_by_uri(FOCUS).unwrap();
    assert_eq!(manager.conversations().snapshot(), [new]);
}

#[test]
fn a_user_in_the_lobby_is_connecting_until_admitted_or_rejected() {
    for admitted in [true, false] {
        let stage = Stage::new();
        let manager = stage.application.conversations_manager();
        let conversation = manager.get_conversation_by_uri(FOCUS).unwrap();
        let myself = conversation.self_participant();
        drop(conversation.chat_service().start(Default::default()));
        let standing = |state| Is::Myself {
            state: Some(state),
            role: None,
        };
        stage.tell(conversation.id(), [standing(ParticipantState::InLobby)]);
        assert_eq!(conversation.state().get(), ConversationState::Connecting);
        assert_eq!(myself.state().get(), ParticipantState::InLobby);
        assert_eq!(
            myself.chat().state().get(),
            CallConnectionState::Connecting,
            "waiting in the lobby is not a failure"
        );
        if admitted {
            let joined = standing(ParticipantState::Connected);
            stage.tell(conversation.id(), [Is::Connected, joined]);
            assert_eq!(conversation.state().get(), ConversationState::Connected);
            assert_eq!(myself.state().get(), ParticipantState::Connected);
        } else {
            let reason = Some(Reason::new(ReasonCode::Refused));
            let ended = Is::Ended {
                reason: reason.clone(),
            };
            stage.tell(conversation.id(), [ended]);
            assert_eq!(conversation.state().get(), ConversationState::Disconnected);
            assert_eq!(conversation.state().reason(), reason);
            assert_eq!(myself.state().get(), ParticipantState::Disconnected);
        }
    }
}
