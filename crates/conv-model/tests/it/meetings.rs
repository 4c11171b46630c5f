//! Conferences that the application creates or joins by address.

use std::sync::{Arc, Mutex};

use conv_model::{
    ActivityItem, ArchivedMessage, CallConnectionState, Change, ConversationFact,
    ConversationState, MessageId, ParticipantFact, ParticipantId, ParticipantState, Reason,
    ReasonCode, SenderFact,
};

use crate::support::{TestModel, Timeline, at, now};

const LENE: &str = "sip:lenea@contoso.com";
const FOCUS: &str = "sip:lenea@contoso.com;gruu;opaque=app:conf:focus:id:8C1RSJYA";

#[test]
fn a_new_conference_exists_at_once() {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let states = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&states);
    let _listening = manager.conversations().added(move |conversation, _, _| {
        let state = (
            conversation.is_group_conversation().get(),
            conversation.state().get(),
        );
        log.lock().unwrap().push(state);
    });
    let conversation = manager.create_conversation();
    assert_eq!(
        *states.lock().unwrap(),
        [(true, ConversationState::Created)],
        "the conference is complete when it is added"
    );
    assert_eq!(manager.conversations().get(0), Some(conversation.clone()));
    assert_eq!(conversation.participants().size().get(), 0);
    assert_eq!(conversation.uri().get(), None);
    assert_eq!(
        conversation.creator(),
        Some(model.application.me().person())
    );
    assert_eq!(
        model.backend.take(),
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
    let model = TestModel::new();
    let conversation = model
        .application
        .conversations_manager()
        .create_conversation();
    let id = conversation.id();
    for others in 0..3 {
        assert_eq!(conversation.participants().size().get(), others);
        assert!(
            conversation.chat_service().start_command().enabled().get(),
            "with {others} other participants"
        );
        let guest = format!("sip:guest{others}@contoso.com");
        let guest = conversation.create_participant(&guest).unwrap();
        now(conversation.participants().add(guest)).unwrap();
    }
    drop(conversation.chat_service().send_message("Hello all"));
    assert_eq!(conversation.state().get(), ConversationState::Connecting);
    assert_eq!(
        model.backend.take(),
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
fn get_conversation_does_not_return_a_conference() {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let conversation = manager.create_conversation();
    let lene = conversation.create_participant(LENE).unwrap();
    now(conversation.participants().add(lene)).unwrap();
    assert_ne!(manager.get_conversation(LENE).unwrap(), conversation);
}

#[test]
fn get_conversation_does_not_return_a_conversation_with_two_participants() {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
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
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let conversation = manager.get_conversation_by_uri(FOCUS).unwrap();
    assert_eq!(conversation.uri().get().as_deref(), Some(FOCUS));
    assert!(conversation.is_group_conversation().get());
    assert_eq!(conversation.state().get(), ConversationState::Created);
    assert_eq!(conversation.creator(), None, "the creator is not known");
    assert_eq!(
        model.backend.take(),
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
        model.backend.take().is_empty(),
        "a known conference needs no request"
    );
    let other = manager.get_conversation_by_uri("sip:tim@contoso.com;opaque=app:conf");
    assert_ne!(
        other.unwrap(),
        conversation,
        "another address is another conference"
    );
}

#[test]
fn a_conference_that_is_being_removed_is_not_found() {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let conversation = manager.get_conversation_by_uri(FOCUS).unwrap();
    drop(conversation.chat_service().start(Default::default()));
    model.commit_to(conversation.id(), [ConversationFact::Connected]);
    drop(manager.remove(&conversation));
    assert_eq!(manager.conversations().get(0), Some(conversation.clone()));
    assert_ne!(
        manager.get_conversation_by_uri(FOCUS).unwrap(),
        conversation
    );
}

#[test]
fn a_live_conference_is_found_before_an_ended_one() {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let group = |uri: &str| ConversationFact::group(Some(uri.into()));
    let ended = manager.get_conversation(LENE).unwrap();
    drop(ended.chat_service().send_message("Hi"));
    model.commit_to(
        ended.id(),
        [
            ConversationFact::Connected,
            group(FOCUS),
            ConversationFact::ended(None),
        ],
    );
    assert_eq!(
        manager.get_conversation_by_uri(FOCUS).unwrap(),
        ended,
        "a conference that has ended can be joined again"
    );
    let live = manager.get_conversation("sip:tim@contoso.com").unwrap();
    drop(live.chat_service().send_message("Hi"));
    model.commit_to(live.id(), [ConversationFact::Connected, group(FOCUS)]);
    assert_eq!(manager.get_conversation_by_uri(FOCUS).unwrap(), live);
    for each in [live, ended] {
        drop(manager.remove(&each));
        model.commit_to(each.id(), [ConversationFact::ended(None)]);
    }
    let new = manager.get_conversation_by_uri(FOCUS).unwrap();
    assert_eq!(manager.conversations().snapshot(), [new]);
}

#[test]
fn a_user_in_the_lobby_is_connecting_until_admitted_or_rejected() {
    for admitted in [true, false] {
        let model = TestModel::new();
        let manager = model.application.conversations_manager();
        let conversation = manager.get_conversation_by_uri(FOCUS).unwrap();
        let myself = conversation.self_participant();
        drop(conversation.chat_service().start(Default::default()));
        let own_state = |state| ConversationFact::myself(Some(state), None);
        model.commit_to(conversation.id(), [own_state(ParticipantState::InLobby)]);
        assert_eq!(conversation.state().get(), ConversationState::Connecting);
        assert_eq!(myself.state().get(), ParticipantState::InLobby);
        assert_eq!(
            myself.chat().state().get(),
            CallConnectionState::Connecting,
            "waiting in the lobby is not a failure"
        );
        if admitted {
            let joined = own_state(ParticipantState::Connected);
            model.commit_to(conversation.id(), [ConversationFact::Connected, joined]);
            assert_eq!(conversation.state().get(), ConversationState::Connected);
            assert_eq!(myself.state().get(), ParticipantState::Connected);
        } else {
            let reason = Some(Reason::new(ReasonCode::Refused));
            let ended = ConversationFact::ended(reason.clone());
            model.commit_to(conversation.id(), [ended]);
            assert_eq!(conversation.state().get(), ConversationState::Disconnected);
            assert_eq!(conversation.state().reason(), reason);
            assert_eq!(myself.state().get(), ParticipantState::Disconnected);
        }
    }
}

fn joined(id: u64, address: &str) -> ConversationFact {
    ConversationFact::ParticipantAdded(ParticipantFact::new(ParticipantId::Remote(id), address))
}

fn left(id: u64) -> ConversationFact {
    ConversationFact::participant_left(ParticipantId::Remote(id), None)
}

#[test]
fn a_user_is_alone_in_a_conference_after_all_others_left() {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let conversation = manager.create_conversation();
    let (id, alone) = (conversation.id(), conversation.is_alone());
    let timeline = Timeline::default();
    let log = timeline.clone();
    let listener = move |change: &Change<bool>| log.push(change.new.to_string());
    let _listening = alone.changed(listener);
    drop(conversation.chat_service().start(Default::default()));
    model.commit_to(id, [ConversationFact::Connected]);
    assert!(!alone.get(), "no participant has joined yet");
    model.commit_to(id, [joined(1, LENE), joined(2, "sip:tim@contoso.com")]);
    model.commit_to(id, [left(1)]);
    assert!(!alone.get());
    model.commit_to(id, [left(2)]);
    assert!(alone.get());
    // A user who has invited a person is not alone.
    drop(conversation.participants().add(LENE));
    let lene = conversation.participants().get(0).unwrap();
    model.commit_to(id, [ConversationFact::participant_invited(lene.id())]);
    assert!(!alone.get());
    model.commit_to(id, [left(1)]);
    assert!(alone.get());
    model.commit_to(id, [joined(1, LENE)]);
    assert!(!alone.get());
    // The end of the conversation changes neither `is_alone` nor the history: its participants have not left.
    let items = conversation.history_service().activity_items();
    let before = items.size().get();
    model.commit_to(id, [ConversationFact::ended(None)]);
    let expected = ["false", "true", "false", "true", "false"];
    assert_eq!(timeline.take(), expected);
    assert_eq!(items.size().get(), before);
    // After a restart no participant has joined yet.
    drop(conversation.chat_service().start(Default::default()));
    model.commit_to(id, [ConversationFact::Connected]);
    assert!(!alone.get());
    // A user who is not in the conference yet is not alone in it.
    model.commit_to(id, [ConversationFact::ended(None)]);
    drop(conversation.chat_service().start(Default::default()));
    model.commit_to(id, [joined(1, LENE), left(1)]);
    assert!(!alone.get());
    model.commit_to(id, [ConversationFact::Connected]);
    assert!(alone.get());
}

#[test]
fn the_user_is_never_alone_in_a_conversation_of_two() {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let conversation = manager.get_conversation(LENE).unwrap();
    drop(conversation.chat_service().start(Default::default()));
    model.commit_to(
        conversation.id(),
        [ConversationFact::Connected, joined(1, LENE), left(1)],
    );
    assert!(!conversation.is_alone().get());
}

#[test]
fn a_conference_can_be_joined_while_its_address_is_known_and_the_user_is_not_in_it() {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let conference = manager.create_conversation();
    let enabled = conference.is_joining_enabled();
    assert!(!enabled.get());
    let reason = enabled.reason().unwrap();
    assert_eq!(*reason.code(), ReasonCode::InvalidState);
    drop(conference.chat_service().start(Default::default()));
    let uri = Some(FOCUS.to_owned());
    model.commit_to(
        conference.id(),
        [ConversationFact::Connected, ConversationFact::group(uri)],
    );
    assert!(!enabled.get());
    model.commit_to(conference.id(), [ConversationFact::ended(None)]);
    assert!(enabled.get());
    let other = "sip:tim@contoso.com;gruu;opaque=app:conf:focus:id:1";
    let found = manager.get_conversation_by_uri(other).unwrap();
    assert!(found.is_joining_enabled().get());
    let of_two = manager.get_conversation(LENE).unwrap();
    assert!(!of_two.is_joining_enabled().get());
}

#[test]
fn participants_who_join_and_leave_are_items_of_the_history() {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let conversation = manager.get_conversation(LENE).unwrap();
    let id = conversation.id();
    drop(conversation.chat_service().send_message("Hi"));
    let reason = Some(Reason::new(ReasonCode::Dropped));
    let participant = ParticipantId::Remote(1);
    model.commit_to(
        id,
        [
            ConversationFact::Connected,
            joined(1, LENE),
            joined(1, LENE),
        ],
    );
    model.commit_to(
        id,
        [
            ConversationFact::participant_left(participant, reason.clone()),
            left(1),
        ],
    );
    let archived = ArchivedMessage::incoming(
        MessageId::Remote(9),
        SenderFact::new(LENE),
        "Yesterday".into(),
        at(1),
    );
    model.commit_to(id, [ConversationFact::Archived(vec![archived])]);
    let messages = conversation.chat_service().messages().snapshot();
    let items = conversation.history_service().activity_items().snapshot();
    let [
        ActivityItem::TextMessage(first),
        ActivityItem::TextMessage(second),
        ActivityItem::ParticipantJoined(joined),
        ActivityItem::ParticipantLeft(left),
    ] = &items[..]
    else {
        panic!("{items:?}");
    };
    assert_eq!([first.clone(), second.clone()], messages[..]);
    assert_eq!((joined.timestamp(), joined.reason()), (at(1_000), None));
    assert_eq!(
        (left.timestamp(), left.reason()),
        (at(1_000), reason.as_ref())
    );
    assert_eq!(
        left.participant(),
        &conversation.participants().get(0).unwrap()
    );
}
