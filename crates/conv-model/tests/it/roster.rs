//! Who is put into a conversation and taken out of it, and what happened in former days.

use std::sync::{Arc, Mutex};

use conv_model::{
    ActivityItem, Application, ArchivedMessage, Backend, Conversation, ConversationFact as Is,
    Direction, Fact, MessageId, MessageStatus, MockBackend, ModelWriter, ParticipantId,
    ParticipantState, Reason, ReasonCode, SenderFact, SignInState,
};

use crate::support::{Stage, at, now};

const LENE: &str = "sip:lenea@contoso.com";
const TIM: &str = "sip:tim@contoso.com";

/// A model whose port answers `add_participant` and `remove_participant`, and writes them down.
fn model(answer: Result<(), Reason>) -> (Application, ModelWriter, Arc<Mutex<Vec<String>>>) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let mut backend = MockBackend::new();
    backend
        .expect_normalize_address()
        .returning(|address| Ok(address.to_owned()));
    backend.expect_now().returning(|| at(1));
    backend.expect_open_conversation().return_const(());
    backend
        .expect_start()
        .returning(|_, _| Box::pin(std::future::pending()));
    let log = Arc::clone(&calls);
    backend.expect_add_participant().returning(move |_, peer| {
        log.lock().unwrap().push(format!("add {}", peer.address));
        Box::pin(std::future::ready(answer.clone()))
    });
    let log = Arc::clone(&calls);
    backend.expect_remove_participant().returning(move |_, _| {
        log.lock().unwrap().push("remove".into());
        Box::pin(std::future::ready(Ok(())))
    });
    let (application, writer) = Application::new(Arc::new(backend) as Arc<dyn Backend>);
    writer.commit([Fact::SignIn {
        state: SignInState::SignedIn,
        reason: None,
    }]);
    (application, writer, calls)
}

fn begun(application: &Application, writer: &ModelWriter) -> Conversation {
    let conversation = application
        .conversations_manager()
        .get_conversation(LENE)
        .unwrap();
    drop(conversation.chat_service().start(Default::default()));
    writer.commit([Fact::of(conversation.id(), Is::Connected)]);
    conversation
}

#[test]
fn a_participant_is_made_added_invited_and_taken_out() {
    let (application, writer, calls) = model(Ok(()));
    let conversation = begun(&application, &writer);
    let participants = conversation.participants();
    let tim = conversation.create_participant(TIM).unwrap();
    assert_eq!(participants.size().get(), 1, "made is not added");
    let key = now(participants.add().invoke(tim.clone())).unwrap();
    assert_eq!(participants.by_key(key), Some(tim.clone()));
    writer.commit([Fact::of(
        conversation.id(),
        Is::ParticipantInvited {
            participant: tim.id(),
        },
    )]);
    assert_eq!(tim.state().get(), ParticipantState::Connecting);
    let mut joined = conv_model::ParticipantFact::new(ParticipantId::Remote(1), TIM);
    joined.display_name = Some("Tim".into());
    writer.commit([Fact::of(conversation.id(), Is::ParticipantAdded(joined))]);
    assert_eq!(
        (tim.state().get(), tim.display_name().get()),
        (ParticipantState::Connected, "Tim".into())
    );
    assert_eq!(
        now(participants.add().invoke(tim.clone())),
        Ok(key),
        "who is in is in"
    );
    now(participants.remove().invoke(tim.clone())).unwrap();
    assert_eq!(
        (tim.state().get(), participants.size().get()),
        (ParticipantState::Disconnecting, 2)
    );
    let left = Is::ParticipantLeft {
        participant: ParticipantId::Remote(1),
        reason: None,
    };
    writer.commit([Fact::of(conversation.id(), left)]);
    assert_eq!(
        (tim.state().get(), participants.size().get()),
        (ParticipantState::Disconnected, 1)
    );
    assert_eq!(
        now(participants.remove().invoke(tim)).unwrap_err().code(),
        &ReasonCode::InvalidArgument
    );
    assert_eq!(
        *calls.lock().unwrap(),
        ["add sip:tim@contoso.com", "remove"]
    );
}

#[test]
fn one_who_is_refused_stays_and_says_why() {
    let refused = Reason::new(ReasonCode::Refused);
    let (application, writer, _) = model(Err(refused.clone()));
    let conversation = begun(&application, &writer);
    let tim = conversation.create_participant(TIM).unwrap();
    assert_eq!(
        now(conversation.participants().add().invoke(tim.clone())),
        Err(refused.clone())
    );
    assert_eq!(conversation.participants().size().get(), 2);
    assert_eq!(
        (tim.state().get(), tim.state().reason()),
        (ParticipantState::Disconnected, Some(refused))
    );
    now(conversation.participants().remove().invoke(tim)).unwrap();
    assert_eq!(
        conversation.participants().size().get(),
        1,
        "one who is not in it is taken out at once"
    );
}

#[test]
fn one_who_is_being_removed_goes_with_the_end() {
    let (application, writer, _) = model(Ok(()));
    let conversation = begun(&application, &writer);
    let lene = conversation.participants().get(0).unwrap();
    writer.commit([Fact::of(conversation.id(), Is::Inviting)]);
    drop(conversation.participants().remove().invoke(lene));
    writer.commit([Fact::of(conversation.id(), Is::Ended { reason: None })]);
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
    assert!(!conversations.add().enabled().get());
    let reason = now(conversations.add().invoke(conversation.clone())).unwrap_err();
    assert_eq!(reason.code(), &ReasonCode::CommandDisabled);
    assert!(conversations.remove().enabled().get());
    now(conversations.remove().invoke(conversation)).unwrap();
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
fn more_history_can_be_had_until_there_is_none() {
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
    assert_eq!(
        now(command.invoke(())).unwrap_err().code(),
        &ReasonCode::NotSupported,
        "as this port says"
    );
    stage.tell(conversation.id(), [Is::MoreHistory(false)]);
    assert!(!command.enabled().get());
    assert_eq!(
        now(command.invoke(())).unwrap_err().code(),
        &ReasonCode::CommandDisabled
    );
    stage.tell(conversation.id(), [Is::MoreHistory(true)]);
    stage.commit([Fact::SignIn {
        state: SignInState::SignedOut,
        reason: None,
    }]);
    assert!(!command.enabled().get());
}
