//! Conferences that the application opens: new ones, and those that it joins by address.

use std::sync::{Arc, Mutex};

use conv_model::{
    ActivityItem, ArchivedMessage, CallConnectionState, Change, ConversationFact as Is,
    ConversationState, MessageId, ParticipantFact, ParticipantId, ParticipantState, Reason,
    ReasonCode, SenderFact,
};

use crate::support::{Stage, Timeline, at, now};

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
    let became = |uri: &str| Is::group(Some(uri.into()));
    let over = manager.get_conversation(LENE).unwrap();
    drop(over.chat_service().send_message("Hi"));
    stage.tell(over.id(), [Is::Connected, became(FOCUS), Is::ended(None)]);
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
        stage.tell(each.id(), [Is::ended(None)]);
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
        let standing = |state| Is::myself(Some(state), None);
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
            let ended = Is::ended(reason.clone());
            stage.tell(conversation.id(), [ended]);
            assert_eq!(conversation.state().get(), ConversationState::Disconnected);
            assert_eq!(conversation.state().reason(), reason);
            assert_eq!(myself.state().get(), ParticipantState::Disconnected);
        }
    }
}

fn joined(id: u64, address: &str) -> Is {
    Is::ParticipantAdded(ParticipantFact::new(ParticipantId::Remote(id), address))
}

fn left(id: u64) -> Is {
    Is::participant_left(ParticipantId::Remote(id), None)
}

#[test]
fn a_user_whom_everybody_left_is_alone() {
    let stage = Stage::new();
    let manager = stage.application.conversations_manager();
    let conversation = manager.create_conversation();
    let (id, alone) = (conversation.id(), conversation.is_alone());
    let timeline = Timeline::default();
    let line = timeline.clone();
    let listener = move |change: &Change<bool>| line.push(change.new.to_string());
    let _listening = alone.changed(listener);
    drop(conversation.chat_service().start(Default::default()));
    stage.tell(id, [Is::Connected]);
    assert!(!alone.get(), "nobody has joined yet");
    stage.tell(id, [joined(1, LENE), joined(2, "sip:tim@contoso.com")]);
    stage.tell(id, [left(1)]);
    assert!(!alone.get());
    stage.tell(id, [left(2)]);
    assert!(alone.get());
    // An invited person is expected.
    drop(conversation.participants().add(LENE));
    let lene = conversation.participants().get(0).unwrap();
    stage.tell(id, [Is::participant_invited(lene.id())]);
    assert!(!alone.get());
    stage.tell(id, [left(1)]);
    assert!(alone.get());
    stage.tell(id, [joined(1, LENE)]);
    assert!(!alone.get());
    // The end of the conversation makes no user alone, and the participants do not leave it.
    let items = conversation.history_service().activity_items();
    let before = items.size().get();
    stage.tell(id, [Is::ended(None)]);
    let expected = ["false", "true", "false", "true", "false"];
    assert_eq!(timeline.take(), expected);
    assert_eq!(items.size().get(), before);
    // A restart begins without others.
    drop(conversation.chat_service().start(Default::default()));
    stage.tell(id, [Is::Connected]);
    assert!(!alone.get());
    // A user who is not in the conference yet is not alone in it.
    stage.tell(id, [Is::ended(None)]);
    drop(conversation.chat_service().start(Default::default()));
    stage.tell(id, [joined(1, LENE), left(1)]);
    assert!(!alone.get());
    stage.tell(id, [Is::Connected]);
    assert!(alone.get());
}

#[test]
fn nobody_is_alone_in_a_conversation_of_two() {
    let stage = Stage::new();
    let manager = stage.application.conversations_manager();
    let conversation = manager.get_conversation(LENE).unwrap();
    drop(conversation.chat_service().start(Default::default()));
    stage.tell(conversation.id(), [Is::Connected, joined(1, LENE), left(1)]);
    assert!(!conversation.is_alone().get());
}

#[test]
fn a_conference_can_be_joined_while_its_address_is_known_and_the_user_is_not_in_it() {
    let stage = Stage::new();
    let manager = stage.application.conversations_manager();
    let conference = manager.create_conversation();
    let enabled = conference.is_joining_enabled();
    assert!(!enabled.get());
    let reason = enabled.reason().unwrap();
    assert_eq!(*reason.code(), ReasonCode::InvalidState);
    drop(conference.chat_service().start(Default::default()));
    let uri = Some(FOCUS.to_owned());
    stage.tell(conference.id(), [Is::Connected, Is::group(uri)]);
    assert!(!enabled.get());
    stage.tell(conference.id(), [Is::ended(None)]);
    assert!(enabled.get());
    let other = "sip:tim@contoso.com;gruu;opaque=app:conf:focus:id:1";
    let found = manager.get_conversation_by_uri(other).unwrap();
    assert!(found.is_joining_enabled().get());
    let of_two = manager.get_conversation(LENE).unwrap();
    assert!(!of_two.is_joining_enabled().get());
}

#[test]
fn participants_who_join_and_leave_are_items_of_the_history() {
    let stage = Stage::new();
    let manager = stage.application.conversations_manager();
    let conversation = manager.get_conversation(LENE).unwrap();
    let id = conversation.id();
    drop(conversation.chat_service().send_message("Hi"));
    let reason = Some(Reason::new(ReasonCode::Dropped));
    let participant = ParticipantId::Remote(1);
    stage.tell(id, [Is::Connected, joined(1, LENE), joined(1, LENE)]);
    stage.tell(
        id,
        [Is::participant_left(participant, reason.clone()), left(1)],
    );
    let archived = ArchivedMessage::incoming(
        MessageId::Remote(9),
        SenderFact::new(LENE),
        "Yesterday".into(),
        at(1),
    );
    stage.tell(id, [Is::Archived(vec![archived])]);
    let messages = conversation.chat_service().messages().snapshot();
    let items = conversation.history_service().activity_items().snapshot();
    let [
        ActivityItem::TextMessage(first),
        ActivityItem::TextMessage(second),
        ActivityItem::ParticipantJoined(came),
        ActivityItem::ParticipantLeft(went),
    ] = &items[..]
    else {
        panic!("{items:?}");
    };
    assert_eq!([first.clone(), second.clone()], messages[..]);
    assert_eq!((came.timestamp(), came.reason()), (at(1_000), None));
    assert_eq!(
        (went.timestamp(), went.reason()),
        (at(1_000), reason.as_ref())
    );
    assert_eq!(
        went.participant(),
        &conversation.participants().get(0).unwrap()
    );
}
