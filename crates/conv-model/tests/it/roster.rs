//! Participants that are added and removed, and archived messages.

use conv_model::{
    ActivityItem, ArchivedMessage, Conversation, ConversationFact, Direction, Fact, MessageId,
    MessageStatus, ParticipantFact, ParticipantId, ParticipantState, Reason, ReasonCode,
    SenderFact, SignInState, StartOptions,
};

use crate::support::{TestModel, at, now};

const LENE: &str = "sip:lenea@contoso.com";
const TIM: &str = "sip:tim@contoso.com";

fn opened(model: &TestModel) -> Conversation {
    let manager = model.application.conversations_manager();
    let conversation = manager.get_conversation(LENE).unwrap();
    model.backend.take();
    conversation
}

fn begun(model: &TestModel) -> Conversation {
    let conversation = opened(model);
    drop(conversation.chat_service().start(Default::default()));
    model.commit_to(conversation.id(), [ConversationFact::Connected]);
    model.backend.take();
    conversation
}

/// A conversation that Lene and Tim have joined.
fn group(model: &TestModel) -> Conversation {
    let conversation = begun(model);
    model.commit_to(
        conversation.id(),
        [(1, LENE), (2, TIM)].map(|(id, address)| {
            ConversationFact::ParticipantAdded(ParticipantFact::new(
                ParticipantId::Remote(id),
                address,
            ))
        }),
    );
    conversation
}

fn refused() -> Reason {
    Reason::new(ReasonCode::Refused)
}

#[test]
fn a_participant_is_added_invited_and_removed() {
    let model = TestModel::new();
    let conversation = begun(&model);
    let participants = conversation.participants();
    let tim = conversation.create_participant(TIM).unwrap();
    assert_eq!(
        participants.size().get(),
        1,
        "a created participant is not added yet"
    );
    let key = now(participants.add(tim.clone())).unwrap();
    assert_eq!(participants.by_key(key), Some(tim.clone()));
    model.commit_to(
        conversation.id(),
        [ConversationFact::participant_invited(tim.id())],
    );
    assert_eq!(tim.state().get(), ParticipantState::Connecting);
    let joined = ParticipantFact::new(ParticipantId::Remote(1), TIM).named("Tim");
    model.commit_to(
        conversation.id(),
        [ConversationFact::ParticipantAdded(joined)],
    );
    assert_eq!(
        (tim.state().get(), tim.display_name().get()),
        (ParticipantState::Connected, "Tim".into())
    );
    assert_eq!(
        now(participants.add(tim.clone())),
        Ok(key),
        "a participant that joined is not invited again"
    );
    now(participants.remove(tim.clone())).unwrap();
    assert_eq!(
        (tim.state().get(), participants.size().get()),
        (ParticipantState::Disconnecting, 2)
    );
    let left = ConversationFact::participant_left(ParticipantId::Remote(1), None);
    model.commit_to(conversation.id(), [left]);
    assert_eq!(
        (tim.state().get(), participants.size().get()),
        (ParticipantState::Disconnected, 1)
    );
    let remove = format!("remove {:?}", tim.id());
    let again = now(participants.remove(tim)).unwrap_err();
    assert_eq!(again.code(), &ReasonCode::InvalidArgument);
    assert_eq!(
        model.backend.take(),
        ["add sip:tim@contoso.com".to_owned(), remove]
    );
}

#[test]
fn a_participant_whose_invitation_fails_stays_with_the_reason() {
    for polled in [true, false] {
        let model = TestModel::new();
        let conversation = begun(&model);
        let tim = conversation.create_participant(TIM).unwrap();
        model.backend.script_result(Err(refused()));
        let adding = conversation.participants().add(tim.clone());
        if polled {
            assert_eq!(now(adding), Err(refused()));
        } else {
            drop(adding);
        }
        assert_eq!(conversation.participants().size().get(), 2);
        assert_eq!(
            (tim.state().get(), tim.state().reason()),
            (ParticipantState::Disconnected, Some(refused()))
        );
    }
}

#[test]
fn removing_a_participant_that_has_not_joined_removes_it_at_once_and_sends_a_request() {
    for has_begun in [false, true] {
        let model = TestModel::new();
        let conversation = if has_begun {
            begun(&model)
        } else {
            opened(&model)
        };
        let participants = conversation.participants();
        let tim = conversation.create_participant(TIM).unwrap();
        now(participants.add(tim.clone())).unwrap();
        model.backend.take();
        let remove = format!("remove {:?}", tim.id());
        now(participants.remove(tim)).unwrap();
        assert_eq!(participants.size().get(), 1, "removed at once");
        assert_eq!(model.backend.take(), [remove]);
    }
}

#[test]
fn a_participant_that_the_backend_cannot_remove_is_put_back_at_its_position() {
    let model = TestModel::new();
    let conversation = opened(&model);
    let participants = conversation.participants();
    let tim = conversation.create_participant(TIM).unwrap();
    now(participants.add(tim.clone())).unwrap();
    let lene = participants.get(0).unwrap();
    model.backend.script_result(Err(refused()));
    drop(participants.remove(lene.clone()));
    assert_eq!(participants.snapshot(), [lene.clone(), tim.clone()]);
    assert_eq!(lene.state().reason(), Some(refused()));
}

#[test]
fn a_participant_whose_removal_is_refused_stays_in_its_state() {
    for polled in [true, false] {
        let model = TestModel::new();
        let conversation = group(&model);
        let tim = conversation.participants().get(1).unwrap();
        model.backend.script_result(Err(refused()));
        let removing = conversation.participants().remove(tim.clone());
        if polled {
            assert_eq!(now(removing), Err(refused()));
        } else {
            drop(removing);
        }
        assert_eq!(tim.state().get(), ParticipantState::Connected);
        let left = ConversationFact::participant_left(tim.id(), None);
        model.commit_to(conversation.id(), [left]);
        assert_eq!(
            conversation.participants().size().get(),
            2,
            "a participant that leaves later is not removed"
        );
    }
}

#[test]
fn a_participant_that_is_being_removed_is_removed_at_the_end_of_the_conversation() {
    let model = TestModel::new();
    let conversation = begun(&model);
    let lene = conversation.participants().get(0).unwrap();
    model.commit_to(conversation.id(), [ConversationFact::Inviting]);
    drop(conversation.participants().remove(lene));
    model.commit_to(conversation.id(), [ConversationFact::ended(None)]);
    assert_eq!(conversation.participants().size().get(), 0);
}

#[test]
fn conversations_can_be_removed_but_not_added() {
    let model = TestModel::new();
    let conversations = model.application.conversations_manager().conversations();
    let conversation = model
        .application
        .conversations_manager()
        .get_conversation(LENE)
        .unwrap();
    assert!(!conversations.add_command().enabled().get());
    let reason = now(conversations.add_command().invoke(conversation.clone())).unwrap_err();
    assert_eq!(reason.code(), &ReasonCode::CommandDisabled);
    assert!(conversations.remove_command().enabled().get());
    now(conversations.remove(conversation)).unwrap();
    assert_eq!(conversations.size().get(), 0);
}

#[test]
fn archived_messages_come_before_recent_ones_by_their_time() {
    let model = TestModel::new();
    let conversation = model
        .application
        .conversations_manager()
        .get_conversation(LENE)
        .unwrap();
    drop(conversation.chat_service().send_message("now"));
    let archived = |id, seconds| {
        ArchivedMessage::incoming(
            MessageId::Remote(id),
            SenderFact::new(LENE),
            format!("at {seconds}").into(),
            at(seconds),
        )
    };
    let own = ArchivedMessage::outgoing(
        MessageId::Remote(5),
        SenderFact::new("sip:me@contoso.com"),
        "at 40".into(),
        at(40),
    );
    // By the server's clock, one of them is newer than the message in the conversation.
    model.commit_to(
        conversation.id(),
        [ConversationFact::Archived(vec![
            archived(1, 30),
            archived(2, 5_000),
            archived(3, 10),
        ])],
    );
    model.commit_to(
        conversation.id(),
        [ConversationFact::Archived(vec![
            archived(4, 20),
            archived(1, 30),
            own,
        ])],
    );
    let items = conversation.history_service().activity_items();
    let texts: Vec<_> = items
        .snapshot()
        .into_iter()
        .map(|item| match item {
            ActivityItem::TextMessage(message) => message.body().raw().to_owned(),
            _ => unreachable!("all items are messages"),
        })
        .collect();
    assert_eq!(
        texts,
        ["at 10", "at 20", "at 30", "at 40", "at 5000", "now"]
    );
    let own = conversation.chat_service().messages().get(3).unwrap();
    assert_eq!(
        (own.direction(), own.status().get()),
        (Direction::Outgoing, MessageStatus::Succeeded)
    );
    assert_eq!(own.sender(), model.application.me().person());
    drop(conversation.chat_service().send_message("later"));
    assert_eq!(items.size().get(), 7);
    assert_eq!(
        conversation
            .chat_service()
            .messages()
            .get(6)
            .unwrap()
            .body()
            .raw(),
        "later"
    );
}

#[test]
fn get_more_activity_items_is_enabled_until_all_are_loaded() {
    let model = TestModel::new();
    let conversation = model
        .application
        .conversations_manager()
        .get_conversation(LENE)
        .unwrap();
    let command = conversation
        .history_service()
        .get_more_activity_items_command();
    assert!(command.enabled().get());
    now(command.invoke(())).unwrap();
    model.commit_to(conversation.id(), [ConversationFact::MoreHistory(false)]);
    assert!(!command.enabled().get());
    assert_eq!(
        now(command.invoke(())).unwrap_err().code(),
        &ReasonCode::CommandDisabled
    );
    model.commit_to(conversation.id(), [ConversationFact::MoreHistory(true)]);
    model.commit([Fact::sign_in(SignInState::SignedOut, None)]);
    assert!(!command.enabled().get());
}

#[test]
fn a_person_is_added_by_address() {
    let model = TestModel::new();
    let conversation = begun(&model);
    let participants = conversation.participants();
    let key = now(participants.add(TIM)).unwrap();
    let tim = participants.by_key(key).unwrap();
    assert_eq!(tim.person().id().get(), TIM);
    assert_eq!(model.backend.take(), [format!("add {TIM}")]);

    // A person who left is invited again, and stays one participant.
    assert_eq!(now(participants.add("sip:TIM@contoso.com")), Ok(key));
    assert_eq!(now(participants.add(&tim)), Ok(key));
    // The participant is found by the address in the spelling of the backend, which ignores blanks here.
    assert_eq!(now(participants.add(" sip:tim@contoso.com ")), Ok(key));
    assert_eq!(participants.size().get(), 2);
    assert_eq!(model.backend.take().len(), 3);

    let code = |reason: Reason| reason.code().clone();
    let empty = now(participants.add(" ")).map_err(code);
    assert_eq!(empty, Err(ReasonCode::InvalidArgument));
    let derived = now(participants.filter(|_, _| true).add(TIM)).map_err(code);
    assert_eq!(derived, Err(ReasonCode::CommandDisabled));
    let other = TestModel::new();
    let of_other_model = begun(&other).create_participant(TIM).unwrap();
    let refused = now(participants.add(of_other_model)).map_err(code);
    assert_eq!(refused, Err(ReasonCode::InvalidArgument));
    assert_eq!(model.backend.take(), [""; 0]);
}

#[test]
fn the_commands_of_a_removed_conversation_fail_with_gone() {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let conversation = manager.get_conversation(LENE).unwrap();
    let chat = conversation.chat_service();
    let send = chat.send_message_command();
    assert!(send.enabled().get());
    now(manager.remove(&conversation)).unwrap();
    model.backend.take();

    let gone = |result: Result<(), Reason>| {
        assert_eq!(*result.unwrap_err().code(), ReasonCode::Gone);
    };
    gone(now(manager.remove(&conversation)));
    gone(now(chat.send_message("Hi")));
    gone(now(send.invoke("Hi".into())));
    gone(now(chat.start(StartOptions::default())));
    gone(now(conversation.leave()));
    gone(now(conversation.set_topic("Lunch")));
    gone(now(conversation.participants().add(TIM)).map(drop));
    let lene = conversation.participants().get(0).unwrap();
    gone(now(conversation.participants().remove(lene)));
    assert!(!send.enabled().get());
    assert_eq!(send.enabled().reason().unwrap().code(), &ReasonCode::Gone);
    assert_eq!(chat.messages().size().get(), 0);
    assert_eq!(model.backend.take(), [""; 0], "no request is made");

    let other = TestModel::new().application.conversations_manager();
    let reason = now(other.remove(&conversation)).unwrap_err();
    assert_eq!(*reason.code(), ReasonCode::InvalidArgument);
}
