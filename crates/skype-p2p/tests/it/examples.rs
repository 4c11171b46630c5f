//! The programs in `examples/`, with the server's engine, in virtual time.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{
    groups::{chatting, within_minutes},
    standard_chat::{conversation, transcript},
    world::{LENE, TOSH, TOSH_PASSWORD, World},
};
use skype_p2p::{
    Application, CallConnectionState, ConversationState, Direction, MessageBody, Subscription,
};
use tokio::{
    sync::mpsc::unbounded_channel,
    time::{Instant, sleep},
};

#[path = "../../examples/alert.rs"]
#[allow(dead_code, reason = "the test does not call `main`")]
mod alert;

#[path = "../../examples/chat.rs"]
#[allow(dead_code, reason = "the test does not call `main`")]
mod chat;

use alert::{Alert, Outcome};

const MINUTE: Duration = Duration::from_secs(60);

/// Accepts every chat of an application.
fn accepting(application: &Application) -> Subscription {
    let conversations = application.conversations_manager().conversations();
    conversations.added(|conversation, _, _| {
        let chat = conversation.chat_service();
        let state = conversation.self_participant().chat().state();
        state
            .when(CallConnectionState::Notified, move |_| drop(chat.accept()))
            .detach();
    })
}

fn disk_full() -> Alert {
    Alert {
        user: TOSH.to_owned(),
        password: TOSH_PASSWORD.to_owned(),
        to: LENE.to_owned(),
        text: "The disk is full".to_owned(),
    }
}

/// How many requests of this kind were sent.
fn count(world: &World, line: &str) -> usize {
    let log = world.log();
    log.iter().filter(|sent| sent.contains(line)).count()
}

#[tokio::test(start_paused = true)]
async fn an_alert_is_delivered() {
    let world = World::new();
    let lene = world.lene().await;
    let _accepting = accepting(&lene);
    let outcome = disk_full().send(|| world.builder().build(), MINUTE).await;
    assert_eq!(outcome, Outcome::Delivered);
    let received = transcript(&conversation(&lene, 1).await);
    let [(Direction::Incoming, sender, text)] = received.as_slice() else {
        panic!("{received:?}");
    };
    assert_eq!(
        (sender.as_str(), text.as_str()),
        ("Tosh Meston", "The disk is full")
    );
    assert_eq!(
        count(&world, "DELETE"),
        1,
        "the application of the alert is deleted"
    );
}

#[tokio::test(start_paused = true)]
async fn an_alert_waits_for_a_person_who_comes_later() {
    let world = World::new();
    let later = async {
        sleep(2 * MINUTE).await;
        let lene = world.lene().await;
        let accepting = accepting(&lene);
        let conversation = conversation(&lene, 1).await;
        chatting(&conversation).await;
        (lene, accepting, transcript(&conversation).len())
    };
    let alert = disk_full();
    let alert = alert.send(|| world.builder().build(), 10 * MINUTE);
    let (outcome, (_, _, received)) = tokio::join!(alert, later);
    assert_eq!(outcome, Outcome::Delivered);
    assert_eq!(received, 1);
}

#[tokio::test(start_paused = true)]
async fn an_alert_to_a_person_who_does_not_come_ends_at_the_deadline() {
    let world = World::new();
    let began = Instant::now();
    let outcome = disk_full()
        .send(|| world.builder().build(), 10 * MINUTE)
        .await;
    assert_eq!(outcome, Outcome::NotDelivered);
    let lasted = began.elapsed();
    assert!(lasted > 9 * MINUTE && lasted <= 10 * MINUTE, "{lasted:?}");
    assert!(
        count(&world, "messagingInvitations") > 5,
        "it was tried again"
    );
}

#[tokio::test(start_paused = true)]
async fn an_alert_sends_a_wrong_password_once() {
    let world = World::new();
    let alert = Alert {
        password: "guess".to_owned(),
        ..disk_full()
    };
    let outcome = alert.send(|| world.builder().build(), 10 * MINUTE).await;
    assert_eq!(outcome, Outcome::NoSignIn);
    assert_eq!(count(&world, "POST /WebTicket/oauthtoken"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_alert_whose_delivery_is_unknown_is_not_sent_again() {
    let world = World::new();
    let lene = world.lene().await;
    let _accepting = accepting(&lene);
    world.lose("messagingInvitations");
    let outcome = disk_full()
        .send(|| world.builder().build(), 10 * MINUTE)
        .await;
    assert_eq!(outcome, Outcome::Unknown);
    assert_eq!(count(&world, "messagingInvitations"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_terminal_chats() {
    within_minutes(async {
        let world = World::new();
        let (tosh, lene) = (world.tosh().await, world.lene().await);
        let ours = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let (keyboard, lines) = unbounded_channel();
        let screen = Arc::new(Mutex::new(Vec::new()));
        let shown = screen.clone();
        let show = move |line| shown.lock().unwrap().push(line);
        let terminal = chat::chat(&tosh, LENE, lines, show);
        let lene = async {
            keyboard.send("Hi Lene".to_owned()).unwrap();
            let theirs = conversation(&lene, 1).await;
            let chat = theirs.chat_service();
            chat.accept().await.unwrap();
            chatting(&theirs).await;
            chat.send_is_typing().await.unwrap();
            let html = MessageBody::Html("<b>Hi</b> Tosh".to_owned());
            chat.send_message(html).await.unwrap();
            let messages = chat.messages().size();
            keyboard.send(String::new()).unwrap();
            keyboard.send("Lunch?".to_owned()).unwrap();
            messages.wait_for(3).await.unwrap();
            theirs.leave().await.unwrap();
            ours.state()
                .wait_for(ConversationState::Disconnected)
                .await
                .unwrap();
            // Everything is shown before the end of the input is read.
            sleep(MINUTE).await;
            drop(keyboard);
        };
        tokio::join!(terminal, lene).0.unwrap();
        assert_eq!(
            *screen.lock().unwrap(),
            [
                "[Created]",
                "[Connecting]",
                "[Connected]",
                "[typing]",
                "Lene Aaling: Hi Tosh",
                "[Disconnected]",
            ]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_terminal_shows_what_was_not_delivered_and_accepts_an_invitation() {
    within_minutes(async {
        let world = World::new();
        let (tosh, lene) = (world.tosh().await, world.lene().await);
        let ours = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let (keyboard, lines) = unbounded_channel();
        let screen = Arc::new(Mutex::new(Vec::new()));
        let shown = screen.clone();
        let terminal = chat::chat(&tosh, LENE, lines, move |line: String| {
            shown.lock().unwrap().push(line);
        });
        let lene = async {
            keyboard.send("Hi Lene".to_owned()).unwrap();
            let theirs = conversation(&lene, 1).await;
            theirs.chat_service().reject().await.unwrap();
            ours.state()
                .wait_for(ConversationState::Disconnected)
                .await
                .unwrap();
            let back = theirs.chat_service().send_message("Sorry, hi");
            back.await.unwrap();
            // Everything is shown before the end of the input is read.
            sleep(MINUTE).await;
            drop(keyboard);
        };
        tokio::join!(terminal, lene).0.unwrap();
        let screen = screen.lock().unwrap();
        assert!(
            screen
                .iter()
                .any(|line| line.starts_with("[not delivered: Hi Lene (")),
            "{screen:?}"
        );
        assert_eq!(screen.last().unwrap(), "Lene Aaling: Sorry, hi");
    })
    .await;
}
