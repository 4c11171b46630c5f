use std::sync::{Arc, Mutex};

use skype_p2p_cli::{
    Observer,
    timeline::{Event, Line},
};

use crate::process::{TOSH, server, signed_in};

#[tokio::test]
async fn who_comes_late_is_told_what_there_is_in_the_same_words() {
    let (_server, root) = server();
    let tosh = signed_in(&root, TOSH).await;
    let conversation = tosh
        .conversations_manager()
        .get_conversation("nobody@contoso.com")
        .unwrap();
    conversation
        .chat_service()
        .send_message("Hello?")
        .await
        .unwrap_err();

    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    let observer = Observer::new("tosh", &tosh, move |observation| {
        sink.lock().unwrap().push(observation.line);
    });
    let told: Vec<Line> = std::mem::take(&mut lines.lock().unwrap());
    let values: Vec<_> = told
        .iter()
        .map(|line| (line.event, line.new.as_str(), line.old.as_deref()))
        .collect();
    assert_eq!(
        values,
        [
            (Event::SignInState, "SignedIn", None),
            (Event::ConversationState, "Disconnected", None),
            (Event::ChatState, "Disconnected", None),
            (Event::ParticipantAdded, "sip:nobody@contoso.com", None),
            (Event::MessageAdded, "Hello?", None),
            (Event::MessageStatus, "Failed", Some("Pending")),
        ]
    );
    assert!(told.last().unwrap().reason.is_some());
    assert_eq!(told[4].message.as_ref().unwrap().status, "Pending");

    drop(observer);
    tosh.sign_in_manager().sign_out().await.unwrap();
    assert!(
        lines.lock().unwrap().is_empty(),
        "a dropped observer was told"
    );
}
