//! Participants that are added and removed, and archived messages.

use conv_model::{
    ActivityItem, ArchivedMessage, Conversation, ConversationFact as Is, Direction, Fact,
    MessageId, MessageStatus, ParticipantFact, ParticipantId, ParticipantState, Reason, ReasonCode,
    SenderFact, SignInState, StartOptions,
};

use crate::support::{Stage, at, now};

const LENE: &str = "sip:lenea@contoso.com";
const TIM: &str = "sip:tim@contoso.com";

fn opened(stage: &Stage) -> Conversation {
    let manager = stage.application.conversations_manager();
    let conversation = manager.get_conversation(LENE).unwrap();
    stage.script.take();
    conversation
}

fn begun(stage: &Stage) -> Conversation {
    let conversation = opened(stage);
    drop(conversation.chat_service().start(Default::default()));
    stage.tell(conversation.id(), [Is::Connected]);
    stage.script.take();
    conversation
}

/// A conversation with Lene and Tim, both in it.
fn group(stage: &Stage) -> Conversation {
    let conversation = begun(stage);
    stage.tell(
        conversation.id(),
        [(1, LENE), (2, TIM)].map(|(id, address)| {
            Is::ParticipantAdded(ParticipantFact::new(ParticipantId::Remote(id), address))
        }),
    );
    conversation
}

fn refused() -> Reason {
    Reason::new(ReasonCode::Refused)
}

#[test]
fn a_participant_is_added_invited_and_removed() {
    let stage = Stage::new();
    let conversation = begun(&stage);
    let participants = conversation.participants();
    let tim = conversation.create_participant(TIM).unwrap();
    assert_eq!(participants.size().get(), 1, "created is not added");
    let key = now(participants.add(tim.clone())).unwrap();
    assert_eq!(participants.by_key(key), Some(tim.clone()));
    stage.tell(conversation.id(), [Is::participant_invited(tim.id())]);
    assert_eq!(tim.state().get(), ParticipantState::Connecting);
    let joined = ParticipantFact::new(ParticipantId::Remote(1), TIM).named("Tim");
    stage.tell(conversation.id(), [Is::ParticipantAdded(joined)]);
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
    let left = Is::participant_left(ParticipantId::Remote(1), None);
    stage.tell(conversation.id(), [left]);
    assert_eq!(
        (tim.state().get(), participants.size().get()),
        (ParticipantState::Disconnected, 1)
    );
    let remove = format!("remove {:?}", tim.id());
    let again = now(participants.remove(tim)).unwrap_err();
    assert_eq!(again.code(), &ReasonCode::InvalidArgument);
    assert_eq!(
        stage.script.take(),
        ["add sip:tim@contoso.com".to_owned(), remove]
    );
}

#[test]
fn a_participant_whose_invitation_fails_stays_with_the_reason() {
    for polled in [true, false] {
        let stage = Stage::new();
        let conversation = begun(&stage);
        let tim = conversation.create_participant(TIM).unwrap();
        stage.script.answer(Err(refused()));
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
fn the_backend_forgets_a_participant_that_is_removed_before_it_is_in_the_conversation() {
    for has_begun in [false, true] {
        let stage = Stage::new();
        let conversation = if has_begun {
            begun(&stage)
        } else {
            opened(&stage)
        };
        let participants = conversation.participants();
        let tim = conversation.create_participant(TIM).unwrap();
        now(participants.add(tim.clone())).unwrap();
        stage.script.take();
        let remove = format!("remove {:?}", tim.id());
        now(participants.remove(tim)).unwrap();
        assert_eq!(participants.size().get(), 1, "removed at once");
        assert_eq!(stage.script.take(), [remove]);
    }
}

#[test]
fn a_participant_that_the_backend_cannot_remove_is_put_back_at_its_place() {
    let stage = Stage::new();
    let conversation = opened(&stage);
    let participants = conversation.participants();
    let tim = conversation.create_participant(TIM).unwrap();
    now(participants.add(tim.clone())).unwrap();
    let lene = participants.get(0).unwrap();
    stage.script.answer(Err(refused()));
    drop(participants.remove(lene.clone()));
    assert_eq!(participants.snapshot(), [lene.clone(), tim.clone()]);
    assert_eq!(lene.state().reason(), Some(refused()));
}

#[test]
fn a_participant_whose_removal_is_refused_stays_in_its_state() {
    for polled in [true, false] {
        let stage = Stage::new();
        let conversation = group(&stage);
        let tim = conversation.participants().get(1).unwrap();
        stage.script.answer(Err(refused()));
        let removing = conversation.participants().remove(tim.clone());
        if polled {
            assert_eq!(now(removing), Err(refused()));
        } else {
            drop(removing);
        }
        assert_eq!(tim.state().get(), ParticipantState::Connected);
        let left = Is::participant_left(tim.id(), None);
        stage.tell(conversation.id(), [left]);
        assert_eq!(
            conversation.participants().size().get(),
            2,
            "a later leave is not the removal"
        );
    }
}

#[test]
fn a_participant_that_is_being_removed_is_removed_at_the_end_of_the_conversation() {
    let stage = Stage::new();
    let conversation = begun(&stage);
    let lene = conversation.participants().get(0).unwrap();
    stage.tell(conversation.id(), [Is::Inviting]);
    drop(conversation.participants().remove(lene));
    stage.tell(conversation.id(), [Is::ended(None)]);
    assert_eq!(conversation.participants().size().get(), 0);
}

#[test]
fn conversations_can_be_removed_but_not_added() {
    let stage = Stage::new();
    let conversations = stage.application.conversations_manager().conversations();
    let conversation = stage
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
    let stage = Stage::new();
    let conversation = stage
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
    let ours = ArchivedMessage::outgoing(
        MessageId::Remote(5),
        SenderFact::new("sip:me@contoso.com"),
        "at 40".into(),
        at(40),
    );
    // Some of them newer than what is here, by the server's clock.
    stage.tell(
        conversation.id(),
        [Is::Archived(vec![
            archived(1, 30),
            archived(2, 5_000),
            archived(3, 10),
        ])],
    );
    stage.tell(
        conversation.id(),
        [Is::Archived(vec![archived(4, 20), archived(1, 30), ours])],
    );
    let items = conversation.history_service().activity_items();
    let said: Vec<_> = items
        .snapshot()
        .into_iter()
        .map(|item| match item {
            ActivityItem::TextMessage(message) => message.body().raw().to_owned(),
            _ => unreachable!("the only kind there is"),
        })
        .collect();
    assert_eq!(said, ["at 10", "at 20", "at 30", "at 40", "at 5000", "now"]);
    let ours = conversation.chat_service().messages().get(3).unwrap();
    assert_eq!(
        (ours.direction(), ours.status().get()),
        (Direction::Outgoing, MessageStatus::Succeeded)
    );
    assert_eq!(ours.sender(), stage.application.me().person());
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
fn more_history_is_enabled_until_all_is_loaded() {
    let stage = Stage::new();
    let conversation = stage
        .application
        .conversations_manager()
        .get_conversation(LENE)
        .unwrap();
    let command = conversation
        .history_service()
        .get_more_activity_items_command();
    assert!(command.enabled().get());
    now(command.invoke(())).unwrap();
    stage.tell(conversation.id(), [Is::MoreHistory(false)]);
    assert!(!command.enabled().get());
    assert_eq!(
        now(command.invoke(())).unwrap_err().code(),
        &ReasonCode::CommandDisabled
    );
    stage.tell(conversation.id(), [Is::MoreHistory(true)]);
    stage.commit([Fact::sign_in(SignInState::SignedOut, None)]);
    assert!(!command.enabled().get());
}

#[test]
fn a_person_is_added_by_address() {
    let stage = Stage::new();
    let conversation = begun(&stage);
    let participants = conversation.participants();
    let key = now(participants.add(TIM)).unwrap();
    let tim = participants.by_key(key).unwrap();
    assert_eq!(tim.person().id().get(), TIM);
    assert_eq!(stage.script.take(), [format!("add {TIM}")]);

    // A person who left is invited again, and stays one participant.
    assert_eq!(now(participants.add("sip:TIM@contoso.com")), Ok(key));
    assert_eq!(now(participants.add(&tim)), Ok(key));
    // The participant is found by the address in the spelling of the backend, which ignores blanks here.
    assert_eq!(now(participants.add(" sip:tim@contoso.com ")), Ok(key));
    assert_eq!(participants.size().get(), 2);
    assert_eq!(stage.script.take().len(), 3);

    let code = |reason: Reason| reason.code().clone();
    let nobody = now(participants.add(" ")).map_err(code);
    assert_eq!(nobody, Err(ReasonCode::InvalidArgument));
    let derived = now(participants.filter(|_, _| true).add(TIM)).map_err(code);
    assert_eq!(derived, Err(ReasonCode::CommandDisabled));
    let other = Stage::new();
    let stranger = begun(&other).create_participant(TIM).unwrap();
    let strange = now(participants.add(stranger)).map_err(code);
    assert_eq!(strange, Err(ReasonCode::InvalidArgument));
    assert_eq!(stage.script.take(), [""; 0]);
}

#[test]
fn the_commands_of_a_removed_conversation_fail_with_gone() {
    let stage = Stage::new();
    let manager = stage.application.conversations_manager();
    let conversation = manager.get_conversation(LENE).unwrap();
    let chat = conversation.chat_service();
    let send = chat.send_message_command();
    assert!(send.enabled().get());
    now(manager.remove(&conversation)).unwrap();
    stage.script.take();

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
    assert_eq!(stage.script.take(), [""; 0], "nothing is requested");

    let other = Stage::new().application.conversations_manager();
    let strange = now(other.remove(&conversation)).unwrap_err();
    assert_eq!(*strange.code(), ReasonCode::InvalidArgument);
}
