//! The sign-in state, and the order of the changes at the end of a conversation.

use conv_model::{
    ConversationFact as Is, ConversationState as State, Fact, MessageStatus, ParticipantId, Reason,
    ReasonCode, SignInState,
};

use crate::machines::{Begin::Made, Step::Send, chat_connected, fact, play, refused, remote_chat};
use crate::support::{Stage, Timeline, lene};

#[test]
fn sign_in_state() {
    use SignInState::{SignedIn, SignedOut, SigningIn, SigningOut};
    let stage = Stage::signed_out();
    let timeline = Timeline::default();
    let log = timeline.clone();
    let _registration = stage
        .application
        .sign_in_state()
        .changed(move |change| log.push(format!("{:?} {:?}", change.new, change.reason)));
    for state in [SigningIn, SignedIn, SigningOut] {
        stage.commit([Fact::sign_in(state, None)]);
    }
    stage.commit([Fact::sign_in(
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
    let (stage, conversation) = play(Made, &[Send, fact(Is::Connected), chat_connected()]);
    let send = conversation.chat_service().send_message_command();
    assert!(send.enabled().get());
    let timeline = Timeline::default();
    let log = timeline.clone();
    let _one = conversation
        .state()
        .changed(move |change| log.push(format!("{:?} {:?}", change.new, change.reason)));
    let log = timeline.clone();
    let _two = stage
        .application
        .sign_in_state()
        .changed(move |change| log.push(format!("{:?}", change.new)));
    timeline.take();
    let lost = Reason::new(ReasonCode::ConnectionLost);
    stage.commit([Fact::sign_in(SignInState::SignedOut, Some(lost.clone()))]);
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
    let (stage, conversation) = play(
        Made,
        &[
            Send,
            fact(Is::Inviting),
            fact(Is::Connected),
            chat_connected(),
            fact(Is::ParticipantAdded(lene(1))),
            remote_chat(true),
        ],
    );
    stage.tell(
        conversation.id(),
        [Is::typing(ParticipantId::Remote(1), true)],
    );
    let participant = conversation.participants().get(0).unwrap();
    let timeline = Timeline::default();
    macro_rules! follow {
        ($name:literal, $property:expr) => {{
            let (log, state) = (timeline.clone(), conversation.state());
            $property.changed(move |change| {
                if change.old.is_some() {
                    assert_eq!(
                        state.get(),
                        State::Disconnected,
                        "the whole commit precedes the deliveries"
                    );
                    log.push(format!("{} {:?}", $name, change.new));
                }
            })
        }};
    }
    let _registrations = [
        follow!("conversation", conversation.state()),
        follow!("participant", participant.state()),
        follow!("typing", participant.chat().is_typing()),
        follow!("their chat", participant.chat().state()),
        follow!("our chat", conversation.self_participant().chat().state()),
        follow!(
            "message",
            conversation
                .chat_service()
                .messages()
                .get(0)
                .unwrap()
                .status()
        ),
    ];
    let end = || Is::ended(Some(refused()));
    stage.tell(conversation.id(), [end(), end()]);
    stage.tell(conversation.id(), [end()]);
    assert_eq!(
        timeline.take(),
        [
            "message Failed",
            "our chat Disconnected",
            "their chat Disconnected",
            "typing false",
            "participant Disconnected",
            "conversation Disconnected"
        ]
    );
    assert_eq!(conversation.state().reason(), Some(refused()));
}
