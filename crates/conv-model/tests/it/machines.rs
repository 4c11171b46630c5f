//! The state machines as tables: the beginning, the steps, and the state after them.

use conv_model::{
    CallConnectionState as Call, Conversation, ConversationFact as Is, ConversationId,
    ConversationState as State, Fact, Incoming, MessageId, MessageStatus, ParticipantId,
    ParticipantRole, ParticipantState, ParticipantUpdate, Reason, ReasonCode, SignInState,
};

use crate::support::{Stage, at, lene};

/// A step of a row.
#[derive(Clone, Debug)]
pub enum Step {
    Fact(Is),
    Send,
    Start,
    Stop,
    Accept,
    Reject,
    Leave,
    SignOut,
}

use Step::{Accept, Leave, Reject, Send, SignOut, Start, Stop};

pub fn fact(fact: Is) -> Step {
    Step::Fact(fact)
}

pub fn chat_connected() -> Step {
    fact(Is::chat_connected(vec![]))
}

pub fn ended() -> Step {
    fact(Is::ended(Some(refused())))
}

pub fn refused() -> Reason {
    Reason::new(ReasonCode::Refused)
}

pub fn remote_chat(connected: bool) -> Step {
    fact(Is::participant_chat(ParticipantId::Remote(1), connected))
}

fn left() -> Step {
    fact(Is::participant_left(ParticipantId::Remote(1), None))
}

impl Stage {
    pub fn step(&self, conversation: &Conversation, step: &Step) {
        let chat = conversation.chat_service();
        match step {
            Step::Fact(fact) => self.tell(conversation.id(), [fact.clone()]),
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

/// The conversation with which a row begins.
#[derive(Clone, Copy, Debug)]
pub enum Begin {
    Made,
    Invited,
}

use Begin::{Invited, Made};

pub fn play(begin: Begin, steps: &[Step]) -> (Stage, Conversation) {
    let stage = Stage::new();
    let conversation = match begin {
        Made => stage.outgoing(),
        Invited => stage.incoming(),
    };
    for step in steps {
        stage.step(&conversation, step);
    }
    (stage, conversation)
}

#[test]
fn conversation_state() {
    let connected = || vec![Send, fact(Is::Connected)];
    let over = || vec![Send, ended()];
    let table: Vec<(Begin, Vec<Step>, State)> = vec![
        (Made, vec![], State::Created),
        (Made, vec![Start], State::Connecting),
        (Made, vec![Send], State::Connecting),
        (Invited, vec![], State::Connecting),
        (Invited, vec![Accept], State::Connecting),
        (Invited, vec![Accept, fact(Is::Connected)], State::Connected),
        (Made, vec![fact(Is::Connecting)], State::Connecting),
        (Made, connected(), State::Connected),
        (
            Made,
            [connected(), vec![fact(Is::Connecting)]].concat(),
            State::Connected,
        ),
        (
            Made,
            [connected(), vec![fact(Is::group(Some("sip:conf".into())))]].concat(),
            State::Connected,
        ),
        (
            Made,
            [connected(), vec![Stop, fact(Is::chat_disconnected(None))]].concat(),
            State::Connected,
        ),
        (Made, [connected(), vec![Leave]].concat(), State::Connected),
        (
            Made,
            [connected(), vec![Leave, ended()]].concat(),
            State::Disconnected,
        ),
        (Made, over(), State::Disconnected),
        (Invited, vec![Reject], State::Connecting),
        (Invited, vec![Reject, ended()], State::Disconnected),
        (
            Made,
            [connected(), vec![SignOut]].concat(),
            State::Disconnected,
        ),
        (Made, vec![Send, SignOut], State::Disconnected),
        (Made, vec![SignOut], State::Created),
        // Only a command restarts a conversation; late facts do not.
        (
            Made,
            [over(), vec![fact(Is::Connecting)]].concat(),
            State::Disconnected,
        ),
        (
            Made,
            [over(), vec![fact(Is::Connected)]].concat(),
            State::Disconnected,
        ),
        (
            Made,
            [over(), vec![chat_connected()]].concat(),
            State::Disconnected,
        ),
        (Made, [over(), vec![Leave]].concat(), State::Disconnected),
        (Made, [over(), vec![Send]].concat(), State::Connecting),
        (Made, [over(), vec![Start]].concat(), State::Connecting),
        (Invited, vec![ended(), Send], State::Connecting),
    ];
    for (begin, steps, expected) in table {
        let (_stage, conversation) = play(begin, &steps);
        assert_eq!(conversation.state().get(), expected, "{begin:?} {steps:?}");
    }
}

#[test]
fn state_of_the_users_chat() {
    let connected = || vec![Send, fact(Is::Connected), chat_connected()];
    let table: Vec<(Begin, Vec<Step>, Call)> = vec![
        (Made, vec![], Call::Disconnected),
        (Made, vec![Start], Call::Connecting),
        (Made, vec![Send], Call::Connecting),
        (Made, vec![Send, Send], Call::Connecting),
        (Made, vec![fact(Is::ChatConnecting)], Call::Connecting),
        (Invited, vec![], Call::Notified),
        (Invited, vec![fact(Is::ChatConnecting)], Call::Notified),
        (Invited, vec![Accept], Call::Connecting),
        (Invited, vec![Send], Call::Connecting),
        (Invited, vec![Accept, fact(Is::ChatOffered)], Call::Notified),
        (
            Invited,
            vec![Accept, fact(Is::ChatOffered), Accept],
            Call::Connecting,
        ),
        (Invited, vec![Reject, fact(Is::ChatOffered)], Call::Notified),
        (
            Made,
            [
                connected(),
                vec![fact(Is::chat_disconnected(None)), fact(Is::ChatOffered)],
            ]
            .concat(),
            Call::Notified,
        ),
        (
            Made,
            [connected(), vec![Leave, fact(Is::end_refused(true))]].concat(),
            Call::Connected,
        ),
        (
            Made,
            [connected(), vec![Stop, fact(Is::end_refused(false))]].concat(),
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
            vec![Reject, fact(Is::ChatConnecting)],
            Call::Disconnected,
        ),
        (Made, connected(), Call::Connected),
        (Made, vec![Start, Stop], Call::Disconnecting),
        (Made, vec![Start, Leave], Call::Disconnecting),
        (
            Made,
            [connected(), vec![Stop]].concat(),
            Call::Disconnecting,
        ),
        (
            Made,
            [connected(), vec![Leave]].concat(),
            Call::Disconnecting,
        ),
        (
            Made,
            [connected(), vec![fact(Is::ChatDisconnecting)]].concat(),
            Call::Disconnecting,
        ),
        (Made, vec![fact(Is::Connected), Leave], Call::Disconnected),
        (
            Made,
            [connected(), vec![Leave, chat_connected()]].concat(),
            Call::Disconnecting,
        ),
        (
            Made,
            [connected(), vec![fact(Is::chat_disconnected(None))]].concat(),
            Call::Disconnected,
        ),
        (
            Made,
            [connected(), vec![Stop, fact(Is::chat_disconnected(None))]].concat(),
            Call::Disconnected,
        ),
        (
            Made,
            [connected(), vec![fact(Is::chat_disconnected(None)), Send]].concat(),
            Call::Connecting,
        ),
        (
            Made,
            [connected(), vec![ended()]].concat(),
            Call::Disconnected,
        ),
        (
            Made,
            [connected(), vec![ended(), Send]].concat(),
            Call::Connecting,
        ),
    ];
    for (begin, steps, expected) in table {
        let (_stage, conversation) = play(begin, &steps);
        assert_eq!(
            conversation.self_participant().chat().state().get(),
            expected,
            "{begin:?} {steps:?}"
        );
    }
    let auto = Stage::new();
    let mut incoming = Incoming::new(ConversationId::Remote(1), lene(1));
    incoming.auto_accepted = true;
    auto.commit([Fact::Incoming(incoming)]);
    let conversation = auto
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
    use ParticipantState as Is_;
    let joined = || {
        vec![
            Send,
            fact(Is::Inviting),
            fact(Is::ParticipantAdded(lene(1))),
        ]
    };
    let lobby = |in_lobby| {
        let mut update = ParticipantUpdate::default();
        update.in_lobby = Some(in_lobby);
        fact(Is::participant_updated(ParticipantId::Remote(1), update))
    };
    let in_lobby = || {
        let mut participant = lene(1);
        participant.in_lobby = true;
        fact(Is::ParticipantAdded(participant))
    };
    let table: Vec<(Begin, Vec<Step>, Is_, Call)> = vec![
        (Made, vec![], Is_::Disconnected, Call::Disconnected),
        (Made, vec![Send], Is_::Disconnected, Call::Disconnected),
        (
            Made,
            vec![Send, fact(Is::Inviting)],
            Is_::Connecting,
            Call::Connecting,
        ),
        (
            Made,
            vec![Send, fact(Is::Alerting)],
            Is_::Disconnected,
            Call::Disconnected,
        ),
        (
            Made,
            vec![Send, fact(Is::Inviting), fact(Is::Alerting)],
            Is_::Connecting,
            Call::Ringing,
        ),
        (Made, joined(), Is_::Connected, Call::Connecting),
        (
            Made,
            [joined(), vec![remote_chat(true)]].concat(),
            Is_::Connected,
            Call::Connected,
        ),
        (
            Made,
            [joined(), vec![remote_chat(true), fact(Is::Alerting)]].concat(),
            Is_::Connected,
            Call::Connected,
        ),
        (
            Made,
            [joined(), vec![remote_chat(true), remote_chat(false)]].concat(),
            Is_::Connected,
            Call::Disconnected,
        ),
        (
            Made,
            [joined(), vec![remote_chat(true), left()]].concat(),
            Is_::Disconnected,
            Call::Disconnected,
        ),
        (
            Made,
            [joined(), vec![remote_chat(true), ended()]].concat(),
            Is_::Disconnected,
            Call::Disconnected,
        ),
        (
            Made,
            vec![Send, fact(Is::Inviting), ended()],
            Is_::Disconnected,
            Call::Disconnected,
        ),
        (
            Made,
            vec![Send, in_lobby()],
            Is_::InLobby,
            Call::Disconnected,
        ),
        (
            Made,
            vec![Send, in_lobby(), lobby(false)],
            Is_::Connected,
            Call::Disconnected,
        ),
        (
            Made,
            vec![Send, in_lobby(), fact(Is::ParticipantAdded(lene(1)))],
            Is_::Connected,
            Call::Disconnected,
        ),
        (
            Made,
            vec![Send, in_lobby(), left()],
            Is_::Disconnected,
            Call::Disconnected,
        ),
        (
            Made,
            vec![Send, in_lobby(), ended()],
            Is_::Disconnected,
            Call::Disconnected,
        ),
        (
            Made,
            vec![Send, fact(Is::Inviting), in_lobby()],
            Is_::InLobby,
            Call::Connecting,
        ),
        (
            Made,
            vec![Send, in_lobby(), fact(Is::Inviting)],
            Is_::InLobby,
            Call::Connecting,
        ),
        (
            Made,
            [joined(), vec![lobby(true)]].concat(),
            Is_::InLobby,
            Call::Connecting,
        ),
        (
            Made,
            [joined(), vec![ended(), lobby(true)]].concat(),
            Is_::Disconnected,
            Call::Disconnected,
        ),
        (
            Made,
            [joined(), vec![ended(), fact(Is::ParticipantAdded(lene(1)))]].concat(),
            Is_::Disconnected,
            Call::Disconnected,
        ),
        (Invited, vec![], Is_::Connecting, Call::Disconnected),
        (
            Invited,
            vec![Accept, fact(Is::ParticipantAdded(lene(1)))],
            Is_::Connected,
            Call::Disconnected,
        ),
    ];
    for (begin, steps, state, chat) in table {
        let (_stage, conversation) = play(begin, &steps);
        let participant = conversation.participants().get(0).unwrap();
        assert_eq!(
            (participant.state().get(), participant.chat().state().get()),
            (state, chat),
            "{begin:?} {steps:?}"
        );
        assert_eq!(
            conversation.participants().size().get(),
            1,
            "the participant stays in the collection, once"
        );
    }
}

#[test]
fn own_participant() {
    let (stage, conversation) = play(Made, &[Send]);
    let myself = conversation.self_participant();
    assert_eq!(myself.person(), stage.application.me().person());
    stage.tell(
        conversation.id(),
        [Is::myself(
            Some(ParticipantState::InLobby),
            Some(ParticipantRole::Leader),
        )],
    );
    stage.tell(conversation.id(), [Is::Connected]);
    assert_eq!(
        (myself.state().get(), myself.role().get()),
        (ParticipantState::InLobby, ParticipantRole::Leader)
    );
    stage.tell(
        conversation.id(),
        [Is::myself(Some(ParticipantState::Connected), None)],
    );
    assert_eq!(
        (myself.state().get(), myself.role().get()),
        (ParticipantState::Connected, ParticipantRole::Leader)
    );
    drop(conversation.leave());
    assert_eq!(myself.state().get(), ParticipantState::Disconnecting);
    stage.tell(conversation.id(), [Is::end_refused(false)]);
    assert_eq!(myself.state().get(), ParticipantState::Connected);
    drop(conversation.leave());
    stage.tell(conversation.id(), [Is::ended(None)]);
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
            let (stage, conversation) = play(Made, &[Send]);
            let message = conversation.chat_service().messages().get(0).unwrap();
            let verdict = |status, reason| Is::message_status(message.id(), status, None, reason);
            stage.tell(
                conversation.id(),
                [verdict(from, None), verdict(to, Some(refused()))],
            );
            let moved = allowed(from, to);
            assert_eq!(
                message.status().get(),
                if moved { to } else { from },
                "{from:?} to {to:?}"
            );
            assert_eq!(
                message.status().reason(),
                moved.then(refused),
                "{from:?} to {to:?}"
            );
        }
    }
}

#[test]
fn a_status_after_the_end_changes_only_an_unknown_one() {
    let (stage, conversation) = play(Made, &[Send, Send]);
    let messages = conversation.chat_service().messages();
    let (first, second) = (messages.get(0).unwrap(), messages.get(1).unwrap());
    let verdict =
        |message: MessageId, status| Is::message_status(message, status, Some(at(9)), None);
    stage.tell(
        conversation.id(),
        [
            verdict(first.id(), MessageStatus::Unknown),
            Is::ended(Some(refused())),
        ],
    );
    assert_eq!(first.status().get(), MessageStatus::Unknown);
    assert_eq!(
        (second.status().get(), second.status().reason()),
        (MessageStatus::Failed, Some(refused()))
    );
    stage.tell(
        conversation.id(),
        [
            verdict(first.id(), MessageStatus::Succeeded),
            verdict(second.id(), MessageStatus::Succeeded),
        ],
    );
    assert_eq!(first.status().get(), MessageStatus::Succeeded);
    assert_eq!(second.status().get(), MessageStatus::Failed);
    assert_eq!(second.body().raw(), "text", "the text stays");
}
