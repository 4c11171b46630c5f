//! The state machines as tables: the origin of a conversation, the steps, and the state after them.

use conv_model::{
    CallConnectionState as Call, Conversation, ConversationFact, ConversationId,
    ConversationState as State, Fact, Incoming, MessageId, MessageStatus, ParticipantId,
    ParticipantRole, ParticipantState, ParticipantUpdate, Reason, ReasonCode, SignInState,
};

use crate::support::{TestModel, at, lene};

/// A step of a row.
#[derive(Clone, Debug)]
pub enum Step {
    Fact(ConversationFact),
    Send,
    Start,
    Stop,
    Accept,
    Reject,
    Leave,
    SignOut,
}

use ConversationFact::{
    Alerting, ChatConnecting, ChatDisconnecting, ChatOffered, Connected, Connecting, Inviting,
    ParticipantAdded,
};
use Step::{Accept, Leave, Reject, Send, SignOut, Start, Stop};

pub fn fact(fact: ConversationFact) -> Step {
    Step::Fact(fact)
}

pub fn chat_connected() -> Step {
    fact(ConversationFact::chat_connected(vec![]))
}

pub fn ended() -> Step {
    fact(ConversationFact::ended(Some(refused())))
}

pub fn refused() -> Reason {
    Reason::new(ReasonCode::Refused)
}

pub fn remote_chat(connected: bool) -> Step {
    fact(ConversationFact::participant_chat(
        ParticipantId::Remote(1),
        connected,
    ))
}

fn left() -> Step {
    fact(ConversationFact::participant_left(
        ParticipantId::Remote(1),
        None,
    ))
}

impl TestModel {
    pub fn step(&self, conversation: &Conversation, step: &Step) {
        let chat = conversation.chat_service();
        match step {
            Step::Fact(fact) => self.commit_to(conversation.id(), [fact.clone()]),
            Send => drop(chat.send_message("text")),
            Start => drop(chat.start(Default::default())),
            Stop => drop(chat.stop()),
            Accept => drop(chat.accept()),
            Reject => drop(chat.reject()),
            Leave => drop(conversation.leave()),
            SignOut => self.commit([Fact::sign_in(SignInState::SignedOut, Some(refused()))]),
        }
    }

    pub fn outgoing(&self) -> Conversation {
        self.application
            .conversations_manager()
            .get_conversation("sip:lenea@contoso.com")
            .unwrap()
    }

    pub fn incoming(&self) -> Conversation {
        self.commit([Fact::Incoming(Incoming::new(
            ConversationId::Remote(1),
            lene(1),
        ))]);
        self.application
            .conversations_manager()
            .conversations()
            .get(0)
            .unwrap()
    }
}

/// How the conversation of a row begins: the application creates it, or an invitation arrives.
#[derive(Clone, Copy, Debug)]
pub enum Origin {
    Created,
    Invited,
}

use Origin::{Created, Invited};

/// A model, and a conversation of it after these steps.
pub fn conversation_after(origin: Origin, steps: &[Step]) -> (TestModel, Conversation) {
    let model = TestModel::new();
    let conversation = match origin {
        Created => model.outgoing(),
        Invited => model.incoming(),
    };
    for step in steps {
        model.step(&conversation, step);
    }
    (model, conversation)
}

#[test]
fn conversation_state() {
    let connected = || vec![Send, fact(Connected)];
    let ended_chat = || vec![Send, ended()];
    let table: Vec<(Origin, Vec<Step>, State)> = vec![
        (Created, vec![], State::Created),
        (Created, vec![Start], State::Connecting),
        (Created, vec![Send], State::Connecting),
        (Invited, vec![], State::Connecting),
        (Invited, vec![Accept], State::Connecting),
        (Invited, vec![Accept, fact(Connected)], State::Connected),
        (Created, vec![fact(Connecting)], State::Connecting),
        (Created, connected(), State::Connected),
        (
            Created,
            [connected(), vec![fact(Connecting)]].concat(),
            State::Connected,
        ),
        (
            Created,
            [
                connected(),
                vec![fact(ConversationFact::group(Some("sip:conf".into())))],
            ]
            .concat(),
            State::Connected,
        ),
        (
            Created,
            [
                connected(),
                vec![Stop, fact(ConversationFact::chat_disconnected(None))],
            ]
            .concat(),
            State::Connected,
        ),
        (
            Created,
            [connected(), vec![Leave]].concat(),
            State::Connected,
        ),
        (
            Created,
            [connected(), vec![Leave, ended()]].concat(),
            State::Disconnected,
        ),
        (Created, ended_chat(), State::Disconnected),
        (Invited, vec![Reject], State::Connecting),
        (Invited, vec![Reject, ended()], State::Disconnected),
        (
            Created,
            [connected(), vec![SignOut]].concat(),
            State::Disconnected,
        ),
        (Created, vec![Send, SignOut], State::Disconnected),
        (Created, vec![SignOut], State::Created),
        // Only a command restarts a conversation; late facts do not.
        (
            Created,
            [ended_chat(), vec![fact(Connecting)]].concat(),
            State::Disconnected,
        ),
        (
            Created,
            [ended_chat(), vec![fact(Connected)]].concat(),
            State::Disconnected,
        ),
        (
            Created,
            [ended_chat(), vec![chat_connected()]].concat(),
            State::Disconnected,
        ),
        (
            Created,
            [ended_chat(), vec![Leave]].concat(),
            State::Disconnected,
        ),
        (
            Created,
            [ended_chat(), vec![Send]].concat(),
            State::Connecting,
        ),
        (
            Created,
            [ended_chat(), vec![Start]].concat(),
            State::Connecting,
        ),
        (Invited, vec![ended(), Send], State::Connecting),
    ];
    for (origin, steps, expected) in table {
        let (_model, conversation) = conversation_after(origin, &steps);
        assert_eq!(conversation.state().get(), expected, "{origin:?} {steps:?}");
    }
}

#[test]
fn state_of_the_users_chat() {
    let connected = || vec![Send, fact(Connected), chat_connected()];
    let table: Vec<(Origin, Vec<Step>, Call)> = vec![
        (Created, vec![], Call::Disconnected),
        (Created, vec![Start], Call::Connecting),
        (Created, vec![Send], Call::Connecting),
        (Created, vec![Send, Send], Call::Connecting),
        (Created, vec![fact(ChatConnecting)], Call::Connecting),
        (Invited, vec![], Call::Notified),
        (Invited, vec![fact(ChatConnecting)], Call::Notified),
        (Invited, vec![Accept], Call::Connecting),
        (Invited, vec![Send], Call::Connecting),
        (Invited, vec![Accept, fact(ChatOffered)], Call::Notified),
        (
            Invited,
            vec![Accept, fact(ChatOffered), Accept],
            Call::Connecting,
        ),
        (Invited, vec![Reject, fact(ChatOffered)], Call::Notified),
        (
            Created,
            [
                connected(),
                vec![
                    fact(ConversationFact::chat_disconnected(None)),
                    fact(ChatOffered),
                ],
            ]
            .concat(),
            Call::Notified,
        ),
        (
            Created,
            [
                connected(),
                vec![Leave, fact(ConversationFact::end_refused(true))],
            ]
            .concat(),
            Call::Connected,
        ),
        (
            Created,
            [
                connected(),
                vec![Stop, fact(ConversationFact::end_refused(false))],
            ]
            .concat(),
            Call::Disconnected,
        ),
        (Invited, vec![Reject], Call::Disconnected),
        (Invited, vec![Leave], Call::Disconnected),
        (Invited, vec![ended()], Call::Disconnected),
        (Invited, vec![chat_connected()], Call::Connected),
        (Invited, vec![Accept, chat_connected()], Call::Connected),
        (Invited, vec![Reject, chat_connected()], Call::Disconnected),
        (
            Invited,
            vec![Reject, fact(ChatConnecting)],
            Call::Disconnected,
        ),
        (Created, connected(), Call::Connected),
        (Created, vec![Start, Stop], Call::Disconnecting),
        (Created, vec![Start, Leave], Call::Disconnecting),
        (
            Created,
            [connected(), vec![Stop]].concat(),
            Call::Disconnecting,
        ),
        (
            Created,
            [connected(), vec![Leave]].concat(),
            Call::Disconnecting,
        ),
        (
            Created,
            [connected(), vec![fact(ChatDisconnecting)]].concat(),
            Call::Disconnecting,
        ),
        (Created, vec![fact(Connected), Leave], Call::Disconnected),
        (
            Created,
            [connected(), vec![Leave, chat_connected()]].concat(),
            Call::Disconnecting,
        ),
        (
            Created,
            [
                connected(),
                vec![fact(ConversationFact::chat_disconnected(None))],
            ]
            .concat(),
            Call::Disconnected,
        ),
        (
            Created,
            [
                connected(),
                vec![Stop, fact(ConversationFact::chat_disconnected(None))],
            ]
            .concat(),
            Call::Disconnected,
        ),
        (
            Created,
            [
                connected(),
                vec![fact(ConversationFact::chat_disconnected(None)), Send],
            ]
            .concat(),
            Call::Connecting,
        ),
        (
            Created,
            [connected(), vec![ended()]].concat(),
            Call::Disconnected,
        ),
        (
            Created,
            [connected(), vec![ended(), Send]].concat(),
            Call::Connecting,
        ),
    ];
    for (origin, steps, expected) in table {
        let (_model, conversation) = conversation_after(origin, &steps);
        assert_eq!(
            conversation.self_participant().chat().state().get(),
            expected,
            "{origin:?} {steps:?}"
        );
    }
    let model = TestModel::new();
    let mut incoming = Incoming::new(ConversationId::Remote(1), lene(1));
    incoming.auto_accepted = true;
    model.commit([Fact::Incoming(incoming)]);
    let conversation = model
        .application
        .conversations_manager()
        .conversations()
        .get(0)
        .unwrap();
    assert_eq!(
        conversation.self_participant().chat().state().get(),
        Call::Connecting,
        "an automatically accepted chat is never Notified"
    );
}

#[test]
fn chat_and_participant_state_of_the_other_side() {
    let joined = || vec![Send, fact(Inviting), fact(ParticipantAdded(lene(1)))];
    let lobby = |in_lobby| {
        let mut update = ParticipantUpdate::default();
        update.in_lobby = Some(in_lobby);
        fact(ConversationFact::participant_updated(
            ParticipantId::Remote(1),
            update,
        ))
    };
    let in_lobby = || {
        let mut participant = lene(1);
        participant.in_lobby = true;
        fact(ParticipantAdded(participant))
    };
    let table: Vec<(Origin, Vec<Step>, ParticipantState, Call)> = vec![
        (
            Created,
            vec![],
            ParticipantState::Disconnected,
            Call::Disconnected,
        ),
        (
            Created,
            vec![Send],
            ParticipantState::Disconnected,
            Call::Disconnected,
        ),
        (
            Created,
            vec![Send, fact(Inviting)],
            ParticipantState::Connecting,
            Call::Connecting,
        ),
        (
            Created,
            vec![Send, fact(Alerting)],
            ParticipantState::Disconnected,
            Call::Disconnected,
        ),
        (
            Created,
            vec![Send, fact(Inviting), fact(Alerting)],
            ParticipantState::Connecting,
            Call::Ringing,
        ),
        (
            Created,
            joined(),
            ParticipantState::Connected,
            Call::Connecting,
        ),
        (
            Created,
            [joined(), vec![remote_chat(true)]].concat(),
            ParticipantState::Connected,
            Call::Connected,
        ),
        (
            Created,
            [joined(), vec![remote_chat(true), fact(Alerting)]].concat(),
            ParticipantState::Connected,
            Call::Connected,
        ),
        (
            Created,
            [joined(), vec![remote_chat(true), remote_chat(false)]].concat(),
            ParticipantState::Connected,
            Call::Disconnected,
        ),
        (
            Created,
            [joined(), vec![remote_chat(true), left()]].concat(),
            ParticipantState::Disconnected,
            Call::Disconnected,
        ),
        (
            Created,
            [joined(), vec![remote_chat(true), ended()]].concat(),
            ParticipantState::Disconnected,
            Call::Disconnected,
        ),
        (
            Created,
            vec![Send, fact(Inviting), ended()],
            ParticipantState::Disconnected,
            Call::Disconnected,
        ),
        (
            Created,
            vec![Send, in_lobby()],
            ParticipantState::InLobby,
            Call::Disconnected,
        ),
        (
            Created,
            vec![Send, in_lobby(), lobby(false)],
            ParticipantState::Connected,
            Call::Disconnected,
        ),
        (
            Created,
            vec![Send, in_lobby(), fact(ParticipantAdded(lene(1)))],
            ParticipantState::Connected,
            Call::Disconnected,
        ),
        (
            Created,
            vec![Send, in_lobby(), left()],
            ParticipantState::Disconnected,
            Call::Disconnected,
        ),
        (
            Created,
            vec![Send, in_lobby(), ended()],
            ParticipantState::Disconnected,
            Call::Disconnected,
        ),
        (
            Created,
            vec![Send, fact(Inviting), in_lobby()],
            ParticipantState::InLobby,
            Call::Connecting,
        ),
        (
            Created,
            vec![Send, in_lobby(), fact(Inviting)],
            ParticipantState::InLobby,
            Call::Connecting,
        ),
        (
            Created,
            [joined(), vec![lobby(true)]].concat(),
            ParticipantState::InLobby,
            Call::Connecting,
        ),
        (
            Created,
            [joined(), vec![ended(), lobby(true)]].concat(),
            ParticipantState::Disconnected,
            Call::Disconnected,
        ),
        (
            Created,
            [joined(), vec![ended(), fact(ParticipantAdded(lene(1)))]].concat(),
            ParticipantState::Disconnected,
            Call::Disconnected,
        ),
        (
            Invited,
            vec![],
            ParticipantState::Connecting,
            Call::Disconnected,
        ),
        (
            Invited,
            vec![Accept, fact(ParticipantAdded(lene(1)))],
            ParticipantState::Connected,
            Call::Disconnected,
        ),
    ];
    for (origin, steps, state, chat) in table {
        let (_model, conversation) = conversation_after(origin, &steps);
        let participant = conversation.participants().get(0).unwrap();
        assert_eq!(
            (participant.state().get(), participant.chat().state().get()),
            (state, chat),
            "{origin:?} {steps:?}"
        );
        assert_eq!(
            conversation.participants().size().get(),
            1,
            "the collection contains the participant once"
        );
    }
}

#[test]
fn state_and_role_of_the_users_participant() {
    let (model, conversation) = conversation_after(Created, &[Send]);
    let myself = conversation.self_participant();
    assert_eq!(myself.person(), model.application.me().person());
    model.commit_to(
        conversation.id(),
        [ConversationFact::myself(
            Some(ParticipantState::InLobby),
            Some(ParticipantRole::Leader),
        )],
    );
    model.commit_to(conversation.id(), [Connected]);
    assert_eq!(
        (myself.state().get(), myself.role().get()),
        (ParticipantState::InLobby, ParticipantRole::Leader)
    );
    model.commit_to(
        conversation.id(),
        [ConversationFact::myself(
            Some(ParticipantState::Connected),
            None,
        )],
    );
    assert_eq!(
        (myself.state().get(), myself.role().get()),
        (ParticipantState::Connected, ParticipantRole::Leader)
    );
    drop(conversation.leave());
    assert_eq!(myself.state().get(), ParticipantState::Disconnecting);
    model.commit_to(conversation.id(), [ConversationFact::end_refused(false)]);
    assert_eq!(myself.state().get(), ParticipantState::Connected);
    drop(conversation.leave());
    model.commit_to(conversation.id(), [ConversationFact::ended(None)]);
    assert_eq!(myself.state().get(), ParticipantState::Disconnected);
}

#[test]
fn message_status() {
    use MessageStatus::{Failed, Pending, Succeeded, Unknown};
    let all = [Pending, Succeeded, Failed, Unknown];
    let allowed = |from, to| {
        matches!(
            (from, to),
            (Pending, Succeeded | Failed | Unknown) | (Unknown, Succeeded | Failed)
        )
    };
    for from in all {
        for to in all {
            let (model, conversation) = conversation_after(Created, &[Send]);
            let message = conversation.chat_service().messages().get(0).unwrap();
            let result = |status, reason| {
                ConversationFact::message_status(message.id(), status, None, reason)
            };
            model.commit_to(
                conversation.id(),
                [result(from, None), result(to, Some(refused()))],
            );
            let is_allowed = allowed(from, to);
            assert_eq!(
                message.status().get(),
                if is_allowed { to } else { from },
                "{from:?} to {to:?}"
            );
            assert_eq!(
                message.status().reason(),
                is_allowed.then(refused),
                "{from:?} to {to:?}"
            );
        }
    }
}

#[test]
fn after_the_end_only_an_unknown_status_changes() {
    let (model, conversation) = conversation_after(Created, &[Send, Send]);
    let messages = conversation.chat_service().messages();
    let (first, second) = (messages.get(0).unwrap(), messages.get(1).unwrap());
    let result = |message: MessageId, status| {
        ConversationFact::message_status(message, status, Some(at(9)), None)
    };
    model.commit_to(
        conversation.id(),
        [
            result(first.id(), MessageStatus::Unknown),
            ConversationFact::ended(Some(refused())),
        ],
    );
    assert_eq!(first.status().get(), MessageStatus::Unknown);
    assert_eq!(
        (second.status().get(), second.status().reason()),
        (MessageStatus::Failed, Some(refused()))
    );
    model.commit_to(
        conversation.id(),
        [
            result(first.id(), MessageStatus::Succeeded),
            result(second.id(), MessageStatus::Succeeded),
        ],
    );
    assert_eq!(first.status().get(), MessageStatus::Succeeded);
    assert_eq!(second.status().get(), MessageStatus::Failed);
    assert_eq!(
        second.body().raw(),
        "text",
        "the failed message keeps its text"
    );
}
