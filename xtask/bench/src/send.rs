//! Messages to peers, with their delivery results: so many in flight, each in a conversation of its own.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::{JoinSet, spawn_local};

use crate::bare::{Pool, Results, Session, poll, send_message};
use crate::client::{Client, Metrics, metrics};
use crate::host;
use crate::meters::{cpu, micros, percentile};
use crate::page::Event;
use crate::sdk;

const TEXT: &str = "Lunch at noon? I have found a place around the corner.";

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    client: Client,
    /// The messages in flight, which is the number of conversations
    #[arg(long)]
    in_flight: usize,
    /// The measured messages of each conversation
    #[arg(long)]
    messages: usize,
}

pub(crate) async fn run(options: Options) -> Metrics {
    match options.client.pool() {
        None => sdk_run(&options).await,
        Some(pool) => bare_run(&options, &pool).await,
    }
}

async fn sdk_run(options: &Options) -> Metrics {
    let application = sdk::sign_in(&options.client.root, 0, None).await;
    let mut chats = Vec::new();
    for number in 0..options.in_flight {
        let conversation = sdk::chat(&application, &host::peer(number), TEXT).await;
        chats.push(conversation.chat_service());
    }
    let send = |messages| {
        let mut tasks = JoinSet::new();
        for chat in &chats {
            let chat = chat.clone();
            tasks.spawn_local(async move {
                let mut times = Vec::new();
                for _ in 0..messages {
                    let begin = Instant::now();
                    chat.send_message(TEXT).await.unwrap();
                    times.push(begin.elapsed());
                }
                times
            });
        }
        tasks
    };
    send(warm_up(options.messages)).join_all().await;
    measured(|| send(options.messages)).await
}

async fn bare_run(options: &Options, pool: &Pool) -> Metrics {
    let mut session = Session::sign_in(pool, &options.client.root, 0).await;
    let results = Results::default();
    let chats = Chats::default();
    let on_event = {
        let (results, chats) = (results.clone(), chats.clone());
        move |event: &Event<'_>| {
            results.on_event(event);
            chats.on_event(event);
        }
    };
    spawn_local(poll(session.sender().await, session.next.clone(), on_event));
    let mut senders = Vec::new();
    for number in 0..options.in_flight {
        session.invite(&host::peer(number)).await;
        let messages = chats.wait(number + 1).await;
        senders.push((session.sender().await, messages));
    }
    let senders: Vec<_> = (senders.into_iter())
        .map(|sender| Rc::new(tokio::sync::Mutex::new(sender)))
        .collect();
    let send = |messages| {
        let mut tasks = JoinSet::new();
        for sender in &senders {
            let sender = Rc::clone(sender);
            let results = results.clone();
            tasks.spawn_local(async move {
                let (sender, href) = &mut *sender.lock().await;
                let mut times = Vec::new();
                for _ in 0..messages {
                    let begin = Instant::now();
                    send_message(sender, &results, href, TEXT).await;
                    times.push(begin.elapsed());
                }
                times
            });
        }
        tasks
    };
    send(warm_up(options.messages)).join_all().await;
    measured(|| send(options.messages)).await
}

fn warm_up(messages: usize) -> usize {
    messages.div_ceil(5)
}

async fn measured(send: impl FnOnce() -> JoinSet<Vec<Duration>>) -> Metrics {
    let (begin, cpu_begin) = (Instant::now(), cpu());
    let times = send().join_all().await;
    let (wall, cpu) = (begin.elapsed(), cpu() - cpu_begin);
    let mut times: Vec<_> = times.into_iter().flatten().map(micros).collect();
    let count = times.len() as f64;
    metrics([
        ("cpu_us", micros(cpu) / count),
        ("per_second", count / wall.as_secs_f64()),
        ("p50_us", percentile(&mut times, 0.5)),
        ("p99_us", percentile(&mut times, 0.99)),
    ])
}

/// The links to send messages in chats, as events name them.
#[derive(Clone, Default)]
pub(crate) struct Chats(Rc<(RefCell<Vec<String>>, Notify)>);

impl Chats {
    pub(crate) fn on_event(&self, event: &Event<'_>) {
        if event.rel == "messaging"
            && let Some(href) = event.resource["_links"]["sendMessage"]["href"].as_str()
        {
            self.0.0.borrow_mut().push(href.to_owned());
            self.0.1.notify_one();
        }
    }

    /// Waits until there are so many links, and returns the last one.
    pub(crate) async fn wait(&self, count: usize) -> String {
        loop {
            if let Some(href) = self.0.0.borrow().get(count - 1) {
                return href.clone();
            }
            self.0.1.notified().await;
        }
    }
}
