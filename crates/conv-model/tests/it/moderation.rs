//! Roles and the lobby: the commands of leaders, and when they are enabled.

use conv_model::{
    Command, Conversation, ConversationFact, Participant, ParticipantCapabilities, ParticipantFact,
    ParticipantId, ParticipantRole as Role, ParticipantState, ParticipantUpdate, Reason,
    ReasonCode,
};

use crate::support::{TestModel, now};

const TIM: ParticipantId = ParticipantId::Remote(1);

/// The capabilities with these names.
fn capabilities(names: &str) -> ParticipantCapabilities {
    let mut capabilities = ParticipantCapabilities::default();
    capabilities.promote = names.contains("promote");
    capabilities.demote = names.contains("demote");
    capabilities.admit = names.contains("admit");
    capabilities.reject = names.contains("reject");
    capabilities
}

fn tim(names: &str) -> ParticipantFact {
    let mut fact = ParticipantFact::new(TIM, "sip:tim@contoso.com");
    fact.in_lobby = names.contains("admit");
    if names.contains("demote") {
        fact.role = Role::Leader;
    }
    fact.capabilities = capabilities(names);
    fact
}

/// A conference with Tim, with these capabilities.
fn with_tim(names: &str) -> (TestModel, Conversation, Participant) {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let conversation = manager.create_conversation();
    drop(conversation.chat_service().start(Default::default()));
    model.commit_to(
        conversation.id(),
        [
            ConversationFact::Connected,
            ConversationFact::ParticipantAdded(tim(names)),
        ],
    );
    let participant = conversation.participants().get(0).unwrap();
    model.backend.take();
    (model, conversation, participant)
}

fn is_enabled<A: Send + 'static>(command: &Command<A, ()>) -> bool {
    let enabled = command.enabled();
    assert_eq!(
        enabled.get(),
        enabled.reason().is_none(),
        "a disabled command has a reason"
    );
    enabled.get()
}

#[test]
fn commands_are_enabled_by_the_capabilities() {
    // Set role, admit, reject.
    for (names, expected) in [
        ("", [false, false, false]),
        ("promote", [true, false, false]),
        ("demote", [true, false, false]),
        ("admit", [false, true, false]),
        ("reject", [false, false, true]),
        ("admit reject", [false, true, true]),
    ] {
        let (_model, _conversation, tim) = with_tim(names);
        let enabled = [
            is_enabled(&tim.set_role_command()),
            is_enabled(&tim.admit_command()),
            is_enabled(&tim.reject_command()),
        ];
        assert_eq!(enabled, expected, "{names}");
    }
}

#[test]
fn a_disabled_command_fails_at_once_and_sends_nothing() {
    let (model, conversation, tim) = with_tim("");
    for (command, future) in [
        (tim.admit_command().enabled(), tim.admit()),
        (tim.reject_command().enabled(), tim.reject()),
    ] {
        let reason = now(future).unwrap_err();
        assert_eq!(reason.code(), &ReasonCode::CommandDisabled);
        assert_eq!(reason.cause(), command.reason().as_ref());
    }
    for (names, role) in [
        ("", Role::Leader),
        ("", Role::Attendee),
        ("promote", Role::Leader),
    ] {
        let (model, _conversation, tim) = with_tim(names);
        assert_eq!(
            now(tim.set_role(role)).is_ok(),
            names == "promote",
            "{names} {role:?}"
        );
        assert_eq!(model.backend.take().is_empty(), names.is_empty());
    }
    let myself = conversation.self_participant();
    assert!(!is_enabled(&myself.set_role_command()));
    assert!(model.backend.take().is_empty());
}

#[test]
fn a_role_changes_with_the_fact_and_not_with_the_command() {
    let (model, conversation, participant) = with_tim("promote");
    now(participant.set_role_command().invoke(Role::Leader)).unwrap();
    assert_eq!(participant.role().get(), Role::Attendee);
    assert_eq!(model.backend.take(), [format!("Leader {TIM:?}")]);
    model.commit_to(
        conversation.id(),
        [ConversationFact::ParticipantAdded(tim("demote"))],
    );
    assert_eq!(participant.role().get(), Role::Leader);

    now(participant.set_role(Role::Leader)).unwrap();
    assert!(
        model.backend.take().is_empty(),
        "the participant has the role"
    );
    model
        .backend
        .script_result(Err(Reason::new(ReasonCode::RequestFailed)));
    let reason = now(participant.set_role(Role::Attendee)).unwrap_err();
    assert_eq!(reason.code(), &ReasonCode::RequestFailed);
    assert_eq!(
        participant.role().get(),
        Role::Leader,
        "a refused command changes nothing"
    );
    assert_eq!(model.backend.take(), [format!("Attendee {TIM:?}")]);
}

#[test]
fn an_admitted_participant_joins_with_the_fact() {
    let (model, conversation, participant) = with_tim("admit reject");
    assert_eq!(participant.state().get(), ParticipantState::InLobby);
    now(participant.admit()).unwrap();
    assert_eq!(participant.state().get(), ParticipantState::InLobby);
    assert_eq!(model.backend.take(), [format!("admit {TIM:?}")]);
    let mut update = ParticipantUpdate::default();
    update.in_lobby = Some(false);
    update.capabilities = Some(capabilities("promote"));
    let updated = ConversationFact::participant_updated(TIM, update);
    model.commit_to(conversation.id(), [updated]);
    assert_eq!(participant.state().get(), ParticipantState::Connected);
    assert!(!is_enabled(&participant.admit_command()));
    assert!(is_enabled(&participant.set_role_command()));
}

#[test]
fn a_rejected_participant_leaves_with_the_fact() {
    let (model, conversation, participant) = with_tim("admit reject");
    now(participant.reject_command().invoke(())).unwrap();
    assert_eq!(participant.state().get(), ParticipantState::InLobby);
    assert_eq!(model.backend.take(), [format!("reject {TIM:?}")]);
    let reason = Some(Reason::new(ReasonCode::Refused));
    let left = ConversationFact::participant_left(TIM, reason);
    model.commit_to(conversation.id(), [left]);
    assert_eq!(participant.state().get(), ParticipantState::Disconnected);
    assert!(!is_enabled(&participant.reject_command()));
}

#[test]
fn no_command_is_enabled_after_the_end() {
    let (model, conversation, participant) = with_tim("demote");
    model.commit_to(conversation.id(), [ConversationFact::ended(None)]);
    assert!(!is_enabled(&participant.set_role_command()));
    let mut update = ParticipantUpdate::default();
    update.capabilities = Some(capabilities("demote"));
    let late = ConversationFact::participant_updated(TIM, update);
    model.commit_to(conversation.id(), [late]);
    assert!(!is_enabled(&participant.set_role_command()));
}
