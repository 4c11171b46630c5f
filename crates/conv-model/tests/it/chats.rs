//! The published chat scenarios, outgoing and incoming, on a scripted backend.

use conv_model::{
    CallConnectionState, ConversationFact, ConversationId, ConversationState, Direction, Fact,
    Incoming, MessageBody, MessageFormat, MessageId, MessageStatus, Outcome, ParticipantId, Reason,
    ReasonCode, SenderFact, Subscriptions,
};

use crate::support::{TestModel, Timeline, at, lene, now};

#[test]
fn an_outgoing_chat_from_the_first_message_to_the_restart() {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let conversation = manager.get_conversation("sip:lenea@contoso.com").unwrap();
    assert_eq!(
        manager.get_conversation("SIP:LeneA@contoso.com").unwrap(),
        conversation,
        "the conversation is the same until it has ended"
    );
    assert_eq!(manager.conversations().get(0), Some(conversation.clone()));
    assert_eq!(conversation.state().get(), ConversationState::Created);
    let id = conversation.id();

    let timeline = Timeline::default();
    let mut listeners = Subscriptions::new();
    let log = timeline.clone();
    listeners.add(conversation.self_participant().chat().state().when(
        CallConnectionState::Connected,
        move |_| {
            log.push("chat connected");
        },
    ));
    let log = timeline.clone();
    listeners.add(conversation.participants().added(move |participant, _, _| {
        log.push(format!("added {}", participant.display_name().get()));
    }));
    let log = timeline.clone();
    listeners.add(
        conversation
            .chat_service()
            .messages()
            .added(move |message, _, index| {
                log.push(format!(
                    "message {index} {:?} {:?} {}",
                    message.direction(),
                    message.status().get(),
                    message.body().raw()
                ));
            }),
    );
    let log = timeline.clone();
    listeners.add(
        conversation
            .state()
            .changed(move |change| log.push(format!("state {:?} -> {:?}", change.old, change.new))),
    );
    assert_eq!(
        timeline.take(),
        ["added sip:lenea@contoso.com", "state None -> Created"]
    );

    let sent = conversation.chat_service().send_message("hello");
    assert_eq!(
        timeline.take(),
        [
            "message 0 Outgoing Pending hello",
            "state Some(Created) -> Connecting"
        ]
    );
    assert_eq!(
        model.backend.take(),
        [
            format!("open {id:?} sip:lenea@contoso.com"),
            "send hello".into()
        ]
    );
    let message = conversation.chat_service().messages().get(0).unwrap();
    let participant = conversation.participants().get(0).unwrap();

    model.commit_to(id, [ConversationFact::Inviting]);
    assert_eq!(
        participant.chat().state().get(),
        CallConnectionState::Connecting
    );
    model.commit_to(id, [ConversationFact::Alerting]);
    assert_eq!(
        participant.chat().state().get(),
        CallConnectionState::Ringing
    );
    let page = [
        ConversationFact::Connected,
        ConversationFact::ParticipantAdded(lene(7)),
        ConversationFact::participant_chat(ParticipantId::Remote(7), true),
        ConversationFact::chat_connected(vec![MessageFormat::Text]),
        ConversationFact::message_status(message.id(), MessageStatus::Succeeded, Some(at(5)), None),
    ]
    .map(|fact| Fact::of(id, fact));
    let completed = model.completed(Ok(Outcome::Done));
    model.commit(page.into_iter().chain([completed]));
    assert_eq!(now(sent), Ok(()));
    assert_eq!(
        timeline.take(),
        ["state Some(Connecting) -> Connected", "chat connected"]
    );
    assert_eq!(participant.display_name().get(), "Lene Aaling");
    assert_eq!(
        participant.chat().state().get(),
        CallConnectionState::Connected
    );
    assert_eq!(message.timestamp().get(), at(5));

    let reply = ConversationFact::message_received(
        MessageId::Remote(1),
        SenderFact::new("sip:lenea@contoso.com"),
        "hi",
        at(6),
    );
    model.commit_to(id, [reply.clone(), reply]);
    assert_eq!(
        timeline.take(),
        ["message 1 Incoming Succeeded hi"],
        "each message is shown once"
    );
    assert_eq!(
        conversation
            .chat_service()
            .messages()
            .get(1)
            .unwrap()
            .sender(),
        participant.person()
    );

    drop(conversation.leave());
    assert_eq!(
        conversation.self_participant().chat().state().get(),
        CallConnectionState::Disconnecting
    );
    model.commit_to(
        id,
        [ConversationFact::ended(None), ConversationFact::ended(None)],
    );
    assert_eq!(timeline.take(), ["state Some(Connected) -> Disconnected"]);
    listeners.clear();

    drop(conversation.chat_service().send_message("again"));
    assert_eq!(
        conversation.state().get(),
        ConversationState::Connecting,
        "the same object restarts"
    );
    assert_eq!(
        conversation.chat_service().messages().size().get(),
        3,
        "the conversation keeps its messages"
    );
    assert!(timeline.take().is_empty());
    assert_eq!(
        model.backend.take(),
        [format!("leave {id:?}"), "send again".into()]
    );
}

#[test]
fn an_incoming_chat_is_complete_before_it_appears() {
    let model = TestModel::new();
    let timeline = Timeline::default();
    let log = timeline.clone();
    let _added = model
        .application
        .conversations_manager()
        .conversations()
        .added(move |conversation, _, _| {
            log.push(format!(
                "{:?} {:?} accept {} from {} about {}",
                conversation.state().get(),
                conversation.self_participant().chat().state().get(),
                conversation.chat_service().accept_command().enabled().get(),
                conversation
                    .participants()
                    .get(0)
                    .unwrap()
                    .display_name()
                    .get(),
                conversation.topic().get(),
            ));
        });
    let id = ConversationId::Remote(1);
    let mut incoming = Incoming::new(id, lene(1));
    incoming.subject = Some("lunch".into());
    model.commit([Fact::Incoming(incoming)]);
    assert_eq!(
        timeline.take(),
        ["Connecting Notified accept true from Lene Aaling about lunch"]
    );

    let conversation = model
        .application
        .conversations_manager()
        .conversations()
        .get(0)
        .unwrap();
    assert_eq!(
        conversation.creator(),
        Some(conversation.participants().get(0).unwrap().person())
    );
    drop(conversation.chat_service().accept());
    model.commit_to(
        id,
        [
            ConversationFact::chat_connected(vec![]),
            ConversationFact::Connected,
            ConversationFact::typing(ParticipantId::Remote(1), true),
        ],
    );
    assert_eq!(conversation.state().get(), ConversationState::Connected);
    let typing = conversation
        .participants()
        .get(0)
        .unwrap()
        .chat()
        .is_typing();
    assert!(typing.get());
    let received = ConversationFact::message_received(
        MessageId::Remote(1),
        SenderFact::new("sip:lenea@contoso.com"),
        "hi",
        at(6),
    );
    model.commit_to(id, [received]);
    assert!(
        !typing.get(),
        "a received message ends the typing of its sender"
    );
    assert_eq!(
        conversation
            .chat_service()
            .messages()
            .get(0)
            .unwrap()
            .direction(),
        Direction::Incoming
    );
}

#[test]
fn each_message_has_text_and_html() {
    let model = TestModel::new();
    let conversation = model
        .application
        .conversations_manager()
        .get_conversation("sip:lenea@contoso.com")
        .unwrap();
    let html = MessageBody::Html("<b onclick='x()'>1 &lt; 2</b><script>x()</script>".into());
    drop(conversation.chat_service().send_message("1 < 2"));
    drop(conversation.chat_service().send_message(html));
    let messages = conversation.chat_service().messages();
    let (text, html) = (messages.get(0).unwrap(), messages.get(1).unwrap());
    assert_eq!(
        (text.text(), text.html(), text.unsafe_html()),
        ("1 < 2".into(), "1 &lt; 2".into(), None)
    );
    let safe = if cfg!(feature = "sanitizer") {
        "<b>1 &lt; 2</b>"
    } else {
        "1 &lt; 2"
    };
    assert_eq!((html.text(), html.html()), ("1 < 2".into(), safe.into()));
    assert!(
        html.unsafe_html().unwrap().contains("<script>"),
        "the raw HTML is available"
    );
}

#[test]
fn a_message_has_the_id_of_the_application_and_that_of_the_server() {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let conversation = manager.get_conversation("sip:lenea@contoso.com").unwrap();
    let id = conversation.id();
    model.backend.take();
    let chat = conversation.chat_service();
    drop(chat.send_message_with_id("outbox-1", "hi"));
    assert!(
        model
            .backend
            .take()
            .contains(&"send hi as outbox-1".to_owned())
    );
    let message = chat.messages().get(0).unwrap();
    assert_eq!(message.remote_id().get(), None);
    let remote_id = |message, remote_id: &str| {
        ConversationFact::message_remote_id(message, remote_id.to_owned())
    };
    model.commit_to(id, [remote_id(message.id(), "/messages/1")]);
    assert_eq!(message.remote_id().get().as_deref(), Some("/messages/1"));
    // An incoming message has its ID when it is added.
    let timeline = Timeline::default();
    let log = timeline.clone();
    let _listener = chat.messages().added(move |message, _, _| {
        log.push(format!("{:?}", message.remote_id().get()));
    });
    timeline.take();
    let received = ConversationFact::message_received(
        MessageId::Remote(1),
        SenderFact::new("sip:lenea@contoso.com"),
        "hi",
        at(1),
    );
    model.commit_to(
        id,
        [
            received,
            remote_id(MessageId::Remote(1), "/messages/2"),
            remote_id(MessageId::Remote(9), "/messages/9"),
        ],
    );
    assert_eq!(timeline.take(), ["Some(\"/messages/2\")"]);
}

#[test]
fn each_property_of_a_message_reports_its_own_changes_and_only_the_status_has_a_reason() {
    let model = TestModel::new();
    let manager = model.application.conversations_manager();
    let conversation = manager.get_conversation("sip:lenea@contoso.com").unwrap();
    let id = conversation.id();
    let chat = conversation.chat_service();
    drop(chat.send_message("hi"));
    let message = chat.messages().get(0).unwrap();
    let timeline = Timeline::default();
    let mut listeners = Subscriptions::new();
    let log = timeline.clone();
    listeners.add(message.status().changed(move |change| {
        log.push(format!("{:?} {:?}", change.new, change.old));
    }));
    let log = timeline.clone();
    listeners.add(message.timestamp().changed(move |change| {
        log.push(format!("time {}", change.reason.is_some()));
    }));
    let log = timeline.clone();
    listeners.add(message.remote_id().changed(move |change| {
        log.push(format!("{:?} {}", change.new, change.reason.is_some()));
    }));
    timeline.take();
    let refused = Reason::new(ReasonCode::Refused);
    let failed = |timestamp| {
        let reason = Some(refused.clone());
        ConversationFact::message_status(message.id(), MessageStatus::Failed, timestamp, reason)
    };
    model.commit_to(id, [failed(None)]);
    assert_eq!(timeline.take(), ["Failed Some(Pending)"]);
    // A repeated result may have a time.
    model.commit_to(id, [failed(Some(at(7)))]);
    assert_eq!(timeline.take(), ["time false"]);
    assert_eq!(message.timestamp().get(), at(7));
    let remote_id = ConversationFact::message_remote_id(message.id(), "/messages/1");
    model.commit_to(id, [remote_id]);
    assert_eq!(timeline.take(), ["Some(\"/messages/1\") false"]);
    assert_eq!(message.status().reason(), Some(refused));
    assert_eq!(message.timestamp().reason(), None);
}
