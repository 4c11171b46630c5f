//! The bare program: the same sessions with the facade, and no database.

use std::{
    io::{BufRead as _, stdin},
    sync::Arc,
    time::{Duration, Instant},
};

use skype_p2p::{Application, Credentials, HttpTransport, HyperTransport, Root};
use tokio::{task::JoinSet, time::sleep};

use crate::{MESSAGES, MeasuredProcess, Measurements, PASSWORD, bot, peer_of, text, worker::IDLE};

/// Measures the program from outside.
pub(crate) async fn measure(root: &str, sessions: usize) -> Measurements {
    let mut process = MeasuredProcess::start(&["bare", root, &sessions.to_string()]);
    process.step();
    let empty = process.resident();
    process.step();
    sleep(Duration::from_secs(2)).await;
    let count = sessions as f64;
    let memory = (process.resident() - empty) / count;
    let before = process.cpu();
    sleep(IDLE).await;
    let idle = (process.cpu() - before).as_secs_f64() / IDLE.as_secs_f64();
    // The first message of each session is in an invitation.
    process.step();
    let before = process.cpu();
    let seconds = process.step();
    let used = (process.cpu() - before).as_secs_f64();
    let resumed = process.step();
    let messages = count * MESSAGES as f64;
    [
        ("memory", memory),
        ("idle CPU", idle * 1e6 / count),
        ("messages", messages / seconds),
        ("CPU", used * 1e6 / messages),
        ("resumptions", count / resumed),
    ]
    .into()
}

/// The steps of the program. It prints the seconds of each.
pub(crate) async fn run(root: &str, sessions: usize) {
    let transport: Arc<dyn HttpTransport> = Arc::new(HyperTransport::new());
    step(async {}).await;
    let mut applications = Vec::new();
    step(async {
        for number in 0..sessions {
            let builder = Application::builder().root(Root::Url(root.to_owned()));
            let application = builder.transport(transport.clone()).build().unwrap();
            let credentials = Credentials::password(bot(number), PASSWORD);
            let manager = application.sign_in_manager();
            manager.sign_in(credentials).await.unwrap();
            applications.push(application);
        }
    })
    .await;
    for messages in [1, MESSAGES] {
        step(send(&applications, messages)).await;
    }
    let mut checkpoints = Vec::new();
    for application in applications {
        checkpoints.push(application.detach().await.unwrap());
    }
    step(async {
        let mut resuming = JoinSet::new();
        for (number, checkpoint) in checkpoints.into_iter().enumerate() {
            let builder = Application::builder().root(Root::Url(root.to_owned()));
            let builder = builder.transport(transport.clone()).resume(checkpoint);
            let application = builder.build().unwrap();
            resuming.spawn(async move {
                let credentials = Credentials::none(bot(number));
                let manager = application.sign_in_manager();
                manager.sign_in(credentials).await.unwrap();
                application
            });
        }
        // The sessions stay until the last one has resumed.
        drop(resuming.join_all().await);
    })
    .await;
}

/// Waits for a line of the input, and prints the time of the step.
async fn step(action: impl Future<Output = ()>) {
    stdin().lock().read_line(&mut String::new()).unwrap();
    let began = Instant::now();
    action.await;
    println!("{}", began.elapsed().as_secs_f64());
}

/// Each session sends its messages one after the other.
async fn send(applications: &[Application], messages: usize) {
    let mut sending = JoinSet::new();
    for (number, application) in applications.iter().enumerate() {
        let conversations = application.conversations_manager();
        let conversation = conversations.get_conversation(&peer_of(number)).unwrap();
        sending.spawn(async move {
            for message in 0..messages {
                let chat = conversation.chat_service();
                chat.send_message(text(number, message)).await.unwrap();
            }
        });
    }
    sending.join_all().await;
}
