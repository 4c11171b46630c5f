//! The sign-in state, and the order of the changes at the end of a conversation.

use conv_model::{
    ConversationFact, ConversationState as State, Fact, MessageStatus, ParticipantId, Reason,
    ReasonCode, SignInState,
};

use crate::state_machines::{
    Origin::Created, Step::Send, chat_connected, conversation_after, fact, refused, remote_chat,
};
use crate::support::{TestModel, Timeline, lene};

#[test]
fn each_sign_in_fact_changes_the_sign_in_state() {
    use SignInState::{SignedIn, SignedOut, SigningIn, SigningOut};
    let model = TestModel::signed_out();
    let timeline = Timeline::default();
    let log = timeline.clone();
    let _registration = model
        .application
        .sign_in_state()
        .changed(move |change| log.push(format!("{:?} {:?}", change.new, change.reason)));
    for state in [SigningIn, SignedIn, SigningOut] {
        model.commit([Fact::sign_in(state, None)]);
    }
    model.commit([Fact::sign_in(
        SignedOut,
        Some(Reason::new(ReasonCode::ConnectionLost)),
    )]);
    assert_eq!(
        timeline.take(),
        [
            "SignedOut None",
            "SigningIn None",
            "SignedIn None",
            "SigningOut None",
            "SignedOut Some(Reason(ConnectionLost))"
        ]
    );
}

#[test]
fn a_sign_out_ends_every_conversation_first() {
    let (model, conversation) = conversation_after(
        Created,
        &[Send, fact(ConversationFact::Connected), chat_connected()],
    );
    let send = conversation.chat_service().send_message_command();
    assert!(send.enabled().get());
    let timeline = Timeline::default();
    let log = timeline.clone();
    let _conversation = conversation
        .state()
        .changed(move |change| log.push(format!("{:?} {:?}", change.new, change.reason)));
    let log = timeline.clone();
    let _sign_in = model
        .application
        .sign_in_state()
        .changed(move |change| log.push(format!("{:?}", change.new)));
    timeline.take();
    let lost = Reason::new(ReasonCode::ConnectionLost);
    model.commit([Fact::sign_in(SignInState::SignedOut, Some(lost.clone()))]);
    assert_eq!(
        timeline.take(),
        ["Disconnected Some(Reason(ConnectionLost))", "SignedOut"]
    );
    let message = conversation.chat_service().messages().get(0).unwrap();
    assert_eq!(
        (message.status().get(), message.status().reason()),
        (MessageStatus::Failed, Some(lost))
    );
    assert!(!send.enabled().get());
    assert_eq!(
        send.enabled().reason().map(|reason| reason.code().clone()),
        Some(ReasonCode::SignedOut)
    );
}

#[test]
fn the_changes_at_the_end_are_ordered_and_happen_once() {
    let (model, conversation) = conversation_after(
        Created,
        &[
            Send,
            fact(ConversationFact::Inviting),
            fact(ConversationFact::Connected),
            chat_connected(),
            fact(ConversationFact::ParticipantAdded(lene(1))),
            remote_chat(true),
        ],
    );
    model.commit_to(
        conversation.id(),
        [ConversationFact::typing(ParticipantId::Remote(1), true)],
    );
    let participant = conversation.participants().get(0).unwrap();
    let timeline = Timeline::default();
    macro_rules! record {
        ($name:literal, $property:expr) => {{
            let (log, state) = (timeline.clone(), conversation.state());
            $property.changed(move |change| {
                if change.old.is_some() {
                    assert_eq!(
                        state.get(),
                        State::Disconnected,
                        "the whole page is committed before the first delivery"
                    );
                    log.push(format!("{} {:?}", $name, change.new));
                }
            })
        }};
    }
    let _registrations = [
        record!("conversation", conversation.state()),
        record!("participant", participant.state()),
        record!("typing", participant.chat().is_typing()),
        record!("participant's chat", participant.chat().state()),
        record!(
            "user's chat",
            conversation.self_participant().chat().state()
        ),
        record!(
            "message",
            conversation
                .chat_service()
                .messages()
                .get(0)
                .unwrap()
                .status()
        ),
    ];
    let end = || ConversationFact::ended(Some(refused()));
    model.commit_to(conversation.id(), [end(), end()]);
    model.commit_to(conversation.id(), [end()]);
    assert_eq!(
        timeline.take(),
        [
            "message Failed",
            "user's chat Disconnected",
            "participant's chat Disconnected",
            "typing false",
            "participant Disconnected",
            "conversation Disconnected"
        ]
    );
    assert_eq!(conversation.state().reason(), Some(refused()));
}
