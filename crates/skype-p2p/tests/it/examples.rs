//! The programs in `examples/`, with the server's engine, in virtual time.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{
    groups::{chatting, with_time_limit},
    standard_chat::{conversation, transcript},
    world::{ALEX, LENE, LENE_PASSWORD, TOSH, TOSH_PASSWORD, World},
};
use skype_p2p::{
    Application, CallConnectionState, Conversation, ConversationState, Credentials, Direction,
    MessageBody, SignInState, Subscription, TextMessage,
};
use tokio::{
    sync::{mpsc::unbounded_channel, oneshot},
    task::JoinHandle,
    time::{Instant, sleep},
};
use ucwa_server::Fault;

#[path = "../../examples/alert.rs"]
#[allow(dead_code, reason = "the test does not call `main`")]
mod alert;

#[path = "../../examples/bot.rs"]
#[allow(dead_code, reason = "the test does not call `main`")]
mod bot;

#[path = "../../examples/chat.rs"]
#[allow(dead_code, reason = "the test does not call `main`")]
mod chat;

use alert::{Alert, Outcome};

const MINUTE: Duration = Duration::from_secs(60);

/// Accepts every chat of an application.
fn accept_chats(application: &Application) -> Subscription {
    let conversations = application.conversations_manager().conversations();
    conversations.added(|conversation, _, _| {
        let chat = conversation.chat_service();
        let state = conversation.self_participant().chat().state();
        state
            .when(CallConnectionState::Notified, move |_| drop(chat.accept()))
            .detach();
    })
}

fn disk_alert() -> Alert {
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
    let _accepting = accept_chats(&lene);
    let outcome = disk_alert().send(|| world.builder().build(), MINUTE).await;
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
async fn an_alert_is_delivered_to_a_person_who_signs_in_later() {
    let world = World::new();
    let later = async {
        sleep(2 * MINUTE).await;
        let lene = world.lene().await;
        let accepting = accept_chats(&lene);
        let conversation = conversation(&lene, 1).await;
        chatting(&conversation).await;
        (lene, accepting, transcript(&conversation).len())
    };
    let alert = disk_alert();
    let alert = alert.send(|| world.builder().build(), 10 * MINUTE);
    let (outcome, (_, _, received)) = tokio::join!(alert, later);
    assert_eq!(outcome, Outcome::Delivered);
    assert_eq!(received, 1);
}

#[tokio::test(start_paused = true)]
async fn an_alert_to_a_person_who_is_not_signed_in_ends_at_the_deadline() {
    let world = World::new();
    let began = Instant::now();
    let outcome = disk_alert()
        .send(|| world.builder().build(), 10 * MINUTE)
        .await;
    assert_eq!(outcome, Outcome::NotDelivered);
    let elapsed = began.elapsed();
    assert!(
        elapsed > 9 * MINUTE && elapsed <= 10 * MINUTE,
        "{elapsed:?}"
    );
    assert!(
        count(&world, "messagingInvitations") > 5,
        "the alert sent the message again"
    );
}

#[tokio::test(start_paused = true)]
async fn an_alert_sends_a_wrong_password_once() {
    let world = World::new();
    let alert = Alert {
        password: "guess".to_owned(),
        ..disk_alert()
    };
    let outcome = alert.send(|| world.builder().build(), 10 * MINUTE).await;
    assert_eq!(outcome, Outcome::NoSignIn);
    assert_eq!(count(&world, "POST /WebTicket/oauthtoken"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_alert_whose_delivery_is_unknown_is_not_sent_again() {
    let world = World::new();
    let lene = world.lene().await;
    let _accepting = accept_chats(&lene);
    world.lose("messagingInvitations");
    let outcome = disk_alert()
        .send(|| world.builder().build(), 10 * MINUTE)
        .await;
    assert_eq!(outcome, Outcome::Unknown);
    assert_eq!(count(&world, "messagingInvitations"), 1);
}

/// A bot of Lene's that runs in a task of its own.
struct Bot {
    stop: oneshot::Sender<()>,
    /// Its result is whether the bot ended without an error.
    task: JoinHandle<bool>,
    /// Every application that the bot has built.
    applications: Arc<Mutex<Vec<Application>>>,
}

impl Bot {
    fn start(world: &World, password: &'static str) -> Self {
        let (stop, stopped) = oneshot::channel();
        let applications = Arc::new(Mutex::new(Vec::new()));
        let (world, built) = (world.clone(), applications.clone());
        let task = tokio::spawn(async move {
            let build = || {
                let application = world.builder().build()?;
                built.lock().unwrap().push(application.clone());
                Ok(application)
            };
            let credentials = || Credentials::password(LENE, password);
            let stopped = async { drop(stopped.await) };
            bot::run(build, credentials, stopped).await.is_ok()
        });
        Self {
            stop,
            task,
            applications,
        }
    }

    /// The application of the bot once it is signed in, for the `number`th time.
    async fn application(&self, number: usize) -> Application {
        loop {
            let last = {
                let applications = self.applications.lock().unwrap();
                applications.get(number - 1).cloned()
            };
            if let Some(application) = last {
                let state = application.sign_in_manager().state();
                state.wait_for(SignInState::SignedIn).await.unwrap();
                return application;
            }
            sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Waits until a conversation has this many messages. Returns the last one.
async fn last_of(conversation: &Conversation, count: usize) -> TextMessage {
    let messages = conversation.chat_service().messages();
    messages.size().wait_for(count).await.unwrap();
    messages.get(count - 1).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_bot_answers_and_forgets_the_conversation() {
    with_time_limit(async {
        let world = World::new();
        let tosh = world.tosh().await;
        let bot = Bot::start(&world, LENE_PASSWORD);
        let lene = bot.application(1).await;

        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let typing = tosh_side.participants().get(0).unwrap().chat().is_typing();
        let typed = typing.wait_for(true);
        let hello = MessageBody::Html("<i>Hello</i><script>x()</script>".to_owned());
        tosh_side.chat_service().send_message(hello).await.unwrap();
        let answer = last_of(&tosh_side, 2).await;
        assert_eq!(answer.text(), "You wrote: Hello");
        assert_eq!(answer.html(), "<p>You wrote: <b><i>Hello</i></b></p>");
        typed.await.unwrap();

        tosh_side.leave().await.unwrap();
        let conversations = lene.conversations_manager().conversations();
        conversations.size().wait_for(0).await.unwrap();

        let deleted = count(&world, "DELETE");
        bot.stop.send(()).unwrap();
        assert!(bot.task.await.unwrap(), "the bot ended without an error");
        assert_eq!(count(&world, "DELETE"), deleted + 1, "the bot signed out");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bot_answers_a_client_without_html_in_text() {
    with_time_limit(async {
        let world = World::new();
        let tosh = world.builder().plain_text_only().build().unwrap();
        let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
        tosh.sign_in_manager().sign_in(credentials).await.unwrap();
        let bot = Bot::start(&world, LENE_PASSWORD);
        bot.application(1).await;
        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        tosh_side
            .chat_service()
            .send_message("1 < 2")
            .await
            .unwrap();
        let answer = last_of(&tosh_side, 2).await;
        assert_eq!(
            *answer.body(),
            MessageBody::Text("You wrote: 1 < 2".to_owned())
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bot_answers_in_a_group_when_it_is_named_and_leaves_when_it_is_alone() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, alex) = (world.tosh().await, world.alex().await);
        let bot = Bot::start(&world, LENE_PASSWORD);
        let lene = bot.application(1).await;
        let _accepting = accept_chats(&alex);

        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        tosh_side
            .chat_service()
            .send_message("Hello")
            .await
            .unwrap();
        last_of(&tosh_side, 2).await;
        tosh_side.participants().add(ALEX).await.unwrap();
        let alex_side = conversation(&alex, 1).await;
        chatting(&alex_side).await;
        alex_side
            .chat_service()
            .send_message("Who is here?")
            .await
            .unwrap();
        let question = alex_side
            .chat_service()
            .send_message("Lene Aaling, who are you?");
        question.await.unwrap();
        let answer = last_of(&tosh_side, 5).await;
        assert_eq!(answer.text(), "You wrote: Lene Aaling, who are you?");

        let conversations = lene.conversations_manager().conversations();
        tosh_side.leave().await.unwrap();
        sleep(MINUTE).await;
        assert_eq!(
            conversations.size().get(),
            1,
            "Alex is still in the conference"
        );
        alex_side.leave().await.unwrap();
        conversations.size().wait_for(0).await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bot_signs_in_again_when_the_server_has_ended_its_session() {
    with_time_limit(async {
        let world = World::new();
        let tosh = world.tosh().await;
        let bot = Bot::start(&world, LENE_PASSWORD);
        bot.application(1).await;
        let user = LENE.to_owned();
        world.inject(Fault::ExpireApplications { user });
        bot.application(2).await;
        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        tosh_side
            .chat_service()
            .send_message("Hello")
            .await
            .unwrap();
        last_of(&tosh_side, 2).await;
        assert!(!bot.task.is_finished());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bot_ends_when_its_password_is_refused() {
    with_time_limit(async {
        let world = World::new();
        let bot = Bot::start(&world, "guess");
        assert!(!bot.task.await.unwrap(), "the bot ended with an error");
        assert_eq!(count(&world, "POST /WebTicket/oauthtoken"), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_terminal_chats() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, lene) = (world.tosh().await, world.lene().await);
        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let (keyboard, lines) = unbounded_channel();
        let screen = Arc::new(Mutex::new(Vec::new()));
        let shown = screen.clone();
        let show = move |line| shown.lock().unwrap().push(line);
        let terminal = chat::chat(&tosh, LENE, lines, show);
        let lene = async {
            keyboard.send("Hi Lene".to_owned()).unwrap();
            let lene_side = conversation(&lene, 1).await;
            let chat = lene_side.chat_service();
            chat.accept().await.unwrap();
            chatting(&lene_side).await;
            chat.send_is_typing().await.unwrap();
            let html = MessageBody::Html("<b>Hi</b> Tosh".to_owned());
            chat.send_message(html).await.unwrap();
            let messages = chat.messages().size();
            keyboard.send(String::new()).unwrap();
            keyboard.send("Lunch?".to_owned()).unwrap();
            messages.wait_for(3).await.unwrap();
            lene_side.leave().await.unwrap();
            tosh_side
                .state()
                .wait_for(ConversationState::Disconnected)
                .await
                .unwrap();
            // All lines are shown before the end of the input is read.
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
async fn a_terminal_shows_an_undelivered_message_and_accepts_an_invitation() {
    with_time_limit(async {
        let world = World::new();
        let (tosh, lene) = (world.tosh().await, world.lene().await);
        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let (keyboard, lines) = unbounded_channel();
        let screen = Arc::new(Mutex::new(Vec::new()));
        let shown = screen.clone();
        let terminal = chat::chat(&tosh, LENE, lines, move |line: String| {
            shown.lock().unwrap().push(line);
        });
        let lene = async {
            keyboard.send("Hi Lene".to_owned()).unwrap();
            let lene_side = conversation(&lene, 1).await;
            lene_side.chat_service().reject().await.unwrap();
            tosh_side
                .state()
                .wait_for(ConversationState::Disconnected)
                .await
                .unwrap();
            let reply = lene_side.chat_service().send_message("Sorry, hi");
            reply.await.unwrap();
            // All lines are shown before the end of the input is read.
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
