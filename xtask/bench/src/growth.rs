//! The cost of the same step beside more and more conversations, messages and participants, and the memory of each of these: the
//! whole SDK on a server without sockets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use allocation_counter::measure;
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use skype_p2p::{
    Application, Conversation, Credentials, HttpTransport, Lane, Root, SendOptions, TransportError,
};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use crate::client::Metrics;
use crate::meters::{cpu, micros, percentile};
use crate::script::{ROOT, Script};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The largest number of conversations
    #[arg(long)]
    conversations: u64,
    /// The largest number of participants of one conversation
    #[arg(long)]
    participants: u64,
    /// The number of messages of one conversation
    #[arg(long)]
    messages: u64,
    /// After so many seconds of processor time no further conversation begins. The larger numbers are then missing.
    #[arg(long)]
    budget: u64,
}

/// The measured steps at each size.
const STEPS: u64 = 50;

/// A transport to a [`Script`] in this process.
#[derive(Clone, Debug, Default)]
struct Scripted(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    script: Mutex<Script>,
    /// Notified of new pages.
    pages: Notify,
    /// The processor time of the responses.
    answering: Mutex<Duration>,
}

impl Scripted {
    /// Writes pages.
    fn write(&self, write: impl FnOnce(&mut Script)) {
        write(&mut self.0.script.lock().unwrap());
        self.0.pages.notify_one();
    }

    /// The processor time of this process without that of the responses.
    fn client_time(&self) -> Duration {
        cpu() - *self.0.answering.lock().unwrap()
    }
}

#[async_trait]
impl HttpTransport for Scripted {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        if options.lane == Lane::Commands {
            let begin = cpu();
            let response = self.0.script.lock().unwrap().answer(&request);
            *self.0.answering.lock().unwrap() += cpu() - begin;
            self.0.pages.notify_one();
            return Ok(response);
        }
        loop {
            if let Some(page) = self.0.script.lock().unwrap().next_page() {
                return Ok(page);
            }
            self.0.pages.notified().await;
        }
    }
}

/// A signed-in application, whose conversations are numbered in the order of their beginning.
struct World {
    runtime: Runtime,
    server: Scripted,
    application: Application,
    conversations: Vec<Conversation>,
}

impl World {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let server = Scripted::default();
        let application = {
            let _entered = runtime.enter();
            let builder = Application::builder().root(Root::Url(ROOT.to_owned()));
            builder.transport(Arc::new(server.clone())).build().unwrap()
        };
        let credentials = Credentials::password("sip:toshm@contoso.com", "secret");
        let sign_in = application.sign_in_manager().sign_in(credentials);
        runtime.block_on(sign_in).unwrap();
        Self {
            runtime,
            server,
            application,
            conversations: Vec::new(),
        }
    }

    /// The processor time of the client until a future has resolved, in microseconds.
    fn time(&self, step: impl Future) -> f64 {
        let begin = self.server.client_time();
        self.runtime.block_on(step);
        micros(self.server.client_time() - begin)
    }

    /// Begins a conversation with a message, which is delivered.
    fn begin(&mut self) -> f64 {
        let address = format!("sip:{}", address(self.conversations.len() as u64 + 1));
        let manager = self.application.conversations_manager();
        let mut conversation = None;
        let time = self.time(async {
            let begun = manager.get_conversation(&address).unwrap();
            begun.chat_service().send_message("Hello").await.unwrap();
            conversation = Some(begun);
        });
        self.conversations.extend(conversation);
        time
    }

    /// A message arrives in the first conversation.
    fn receive(&self) -> f64 {
        let messages = self.conversations[0].chat_service().messages();
        let count = messages.size().get();
        let text = "Lunch at noon? I have found a place around the corner.";
        self.server
            .write(|script| script.push_message(1, &address(1), text));
        self.time(async { messages.size().wait_for(count + 1).await.unwrap() })
    }

    /// A participant joins the first conversation.
    fn join(&self, number: u64) -> f64 {
        let participants = self.conversations[0].participants();
        let count = participants.size().get();
        self.server
            .write(|script| script.push_participant(1, &format!("guest{number}@contoso.com")));
        self.time(async { participants.size().wait_for(count + 1).await.unwrap() })
    }

    /// The median time of a message that arrives.
    fn message(&self) -> f64 {
        median((0..STEPS).map(|_| self.receive()).collect())
    }
}

/// The address of the peer of a conversation.
fn address(number: u64) -> String {
    format!("user{number}@contoso.com")
}

fn median(mut times: Vec<f64>) -> f64 {
    percentile(&mut times, 0.5)
}

/// The powers of ten from 10 to `last`.
fn sizes(last: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(10), |size| Some(size * 10)).take_while(move |size| *size <= last)
}

pub(crate) fn run(options: &Options) -> Metrics {
    let budget = Duration::from_secs(options.budget);
    // Loads the code and warms the caches.
    let mut warm_up = World::new();
    for number in 0..STEPS {
        warm_up.begin();
        warm_up.receive();
        warm_up.join(number);
    }
    drop(warm_up);

    let mut metrics = Metrics::new();
    conversations(options, budget, &mut metrics);
    messages(options, &mut metrics);
    participants(options, &mut metrics);
    metrics
}

fn conversations(options: &Options, budget: Duration, metrics: &mut Metrics) {
    let mut world = World::new();
    let mut before = 0;
    for size in sizes(options.conversations) {
        let mut times = Vec::new();
        let mut in_time = true;
        let memory = measure(|| {
            for _ in before..size {
                times.push(world.begin());
                in_time = cpu() < budget;
                if !in_time {
                    break;
                }
            }
        });
        if !in_time {
            return;
        }
        let last = times.len().saturating_sub(STEPS as usize);
        metrics.insert(format!("begin_us_{size}"), median(times.split_off(last)));
        metrics.insert(format!("message_us_{size}"), world.message());
        let bytes = memory.bytes_current as f64 / (size - before) as f64;
        metrics.insert(format!("bytes_per_conversation_{size}"), bytes);
        before = size;
    }
}

fn messages(options: &Options, metrics: &mut Metrics) {
    let mut world = World::new();
    world.begin();
    let mut times = Vec::new();
    let memory = measure(|| times.extend((0..options.messages).map(|_| world.receive())));
    let last = times.len().saturating_sub(STEPS as usize);
    metrics.insert(
        "message_us_many_messages".to_owned(),
        median(times.split_off(last)),
    );
    let bytes = memory.bytes_current as f64 / options.messages as f64;
    metrics.insert("bytes_per_message".to_owned(), bytes);
}

fn participants(options: &Options, metrics: &mut Metrics) {
    let mut world = World::new();
    world.begin();
    let mut before = 1;
    for size in sizes(options.participants) {
        let mut times = Vec::new();
        let memory = measure(|| times.extend((before..size).map(|number| world.join(number))));
        let last = times.len().saturating_sub(STEPS as usize);
        metrics.insert(format!("join_us_{size}"), median(times.split_off(last)));
        metrics.insert(format!("message_us_{size}_participants"), world.message());
        let bytes = memory.bytes_current as f64 / (size - before) as f64;
        metrics.insert(format!("bytes_per_participant_{size}"), bytes);
        before = size;
    }
}
