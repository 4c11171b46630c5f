//! The standard chat: a scenario that uses every crate.

use std::sync::{Arc, Mutex};

use skype_p2p::{
    Application, CallConnectionState, Conversation, ConversationState, Direction, MessageStatus,
    SignInState, Subscriptions,
};

use crate::world::LENE;

/// The `count`th conversation of an application, once it exists.
pub(crate) async fn conversation(application: &Application, count: usize) -> Conversation {
    let conversations = application.conversations_manager().conversations();
    conversations.size().wait_for(count).await.unwrap();
    conversations.get(count - 1).unwrap()
}

/// Direction, sender and text of every message.
pub(crate) fn transcript(conversation: &Conversation) -> Vec<(Direction, String, String)> {
    let messages = conversation.chat_service().messages().snapshot();
    messages
        .iter()
        .map(|message| {
            let sender = message.sender().display_name().get();
            (message.direction(), sender, message.body().raw().to_owned())
        })
        .collect()
}

pub(crate) fn statuses(conversation: &Conversation) -> Vec<MessageStatus> {
    let messages = conversation.chat_service().messages().snapshot();
    messages
        .iter()
        .map(|message| message.status().get())
        .collect()
}

/// Tosh sends Lene a message, Lene accepts and replies, Tosh leaves and sends another one. Both are signed in.
pub(crate) async fn run(tosh: &Application, lene: &Application) {
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    assert_eq!(tosh_side.state().get(), ConversationState::Created);
    assert_eq!(tosh_side.participants().snapshot().len(), 1);
    assert_eq!(
        tosh.conversations_manager()
            .get_conversation("SIP:LeneA@Contoso.com")
            .unwrap(),
        tosh_side
    );

    let log = Arc::new(Mutex::new(Vec::new()));
    let mut listeners = Subscriptions::new();
    let chat = tosh_side.self_participant().chat();
    let lines = log.clone();
    listeners.add(chat.state().when(CallConnectionState::Connected, move |_| {
        lines.lock().unwrap().push("chat Connected".to_owned());
    }));
    let lines = log.clone();
    listeners.add(tosh_side.participants().added(move |participant, _, _| {
        lines
            .lock()
            .unwrap()
            .push(format!("participant {}", participant.display_name().get()));
    }));
    let lines = log.clone();
    listeners.add(
        tosh_side
            .chat_service()
            .messages()
            .added(move |message, _, _| {
                lines.lock().unwrap().push(format!(
                    "{:?} {}",
                    message.direction(),
                    message.body().raw()
                ));
            }),
    );
    let lines = log.clone();
    listeners.add(tosh_side.state().changed(move |change| {
        lines
            .lock()
            .unwrap()
            .push(format!("{:?} to {:?}", change.old, change.new));
    }));

    let sent = tosh_side.chat_service().send_message("Hi Lene");
    assert_eq!(statuses(&tosh_side), [MessageStatus::Pending]);
    let lene_side = conversation(lene, 1).await;
    assert_eq!(
        lene_side.self_participant().chat().state().get(),
        CallConnectionState::Notified
    );
    assert_eq!(
        lene_side
            .participants()
            .get(0)
            .unwrap()
            .display_name()
            .get(),
        "Tosh Meston"
    );
    lene_side.chat_service().accept().await.unwrap();
    sent.await.unwrap();
    assert_eq!(statuses(&tosh_side), [MessageStatus::Succeeded]);
    chat.state()
        .wait_for(CallConnectionState::Connected)
        .await
        .unwrap();

    lene_side
        .chat_service()
        .messages()
        .size()
        .wait_for(1)
        .await
        .unwrap();
    lene_side
        .chat_service()
        .send_message("Hi Tosh")
        .await
        .unwrap();
    tosh_side
        .chat_service()
        .messages()
        .size()
        .wait_for(2)
        .await
        .unwrap();
    tosh_side
        .chat_service()
        .send_message("Lunch?")
        .await
        .unwrap();
    lene_side
        .chat_service()
        .messages()
        .size()
        .wait_for(3)
        .await
        .unwrap();

    use Direction::{Incoming, Outgoing};
    let line = |direction, name: &str, text: &str| (direction, name.to_owned(), text.to_owned());
    assert_eq!(
        transcript(&tosh_side),
        [
            line(Outgoing, "Tosh Meston", "Hi Lene"),
            line(Incoming, "Lene Aaling", "Hi Tosh"),
            line(Outgoing, "Tosh Meston", "Lunch?"),
        ]
    );
    assert_eq!(
        transcript(&lene_side),
        [
            line(Incoming, "Tosh Meston", "Hi Lene"),
            line(Outgoing, "Lene Aaling", "Hi Tosh"),
            line(Incoming, "Tosh Meston", "Lunch?"),
        ]
    );

    tosh_side.leave().await.unwrap();
    assert_eq!(tosh_side.state().get(), ConversationState::Disconnected);
    assert_eq!(chat.state().get(), CallConnectionState::Disconnected);
    lene_side
        .state()
        .wait_for(ConversationState::Disconnected)
        .await
        .unwrap();
    let lines = std::mem::take(&mut *log.lock().unwrap());
    let count = |expected: &str| lines.iter().filter(|line| *line == expected).count();
    for line in [
        "chat Connected",
        "participant sip:lenea@contoso.com",
        "Outgoing Hi Lene",
        "Incoming Hi Tosh",
        "Outgoing Lunch?",
        "Some(Created) to Connecting",
        "Some(Connecting) to Connected",
        "Some(Connected) to Disconnected",
    ] {
        assert_eq!(count(line), 1, "{line}: {lines:?}");
    }
    assert_eq!(lines.last().unwrap(), "Some(Connected) to Disconnected");
    drop(listeners);

    let sent = tosh_side.chat_service().send_message("One more thing");
    assert_eq!(tosh_side.state().get(), ConversationState::Connecting);
    let second = conversation(lene, 2).await;
    second.chat_service().accept().await.unwrap();
    sent.await.unwrap();
    second
        .chat_service()
        .messages()
        .size()
        .wait_for(1)
        .await
        .unwrap();
    assert_eq!(transcript(&tosh_side).len(), 4);
    tosh_side.leave().await.unwrap();
    second
        .state()
        .wait_for(ConversationState::Disconnected)
        .await
        .unwrap();
    assert!(
        log.lock().unwrap().is_empty(),
        "a dropped listener was called"
    );

    for application in [tosh, lene] {
        application.sign_in_manager().sign_out().await.unwrap();
        assert_eq!(
            application.sign_in_manager().state().get(),
            SignInState::SignedOut
        );
    }
}
