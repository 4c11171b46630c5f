//! Messages of a peer, one at a time: the time from the peer's request to the listener, and the processor time of each.

pub(crate) mod pair;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::spawn_local;

use crate::bare::{Pool, Results, Session, poll, send_message};
use crate::client::{Client, Metrics, metrics};
use crate::host::{self, Order};
use crate::meters::{cpu, machine_clock, micros, percentile};
use crate::page::{Event, text_of};
use crate::sdk;
use crate::send::Chats;

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    client: Client,
    /// The messages, of which the first fifth is not measured
    #[arg(long)]
    messages: u32,
    /// The pause between the result of a message and the next one, in microseconds
    #[arg(long, default_value_t = 1000)]
    pause: u64,
    /// The sender is another process of the same kind, instead of a peer of the host
    #[arg(long)]
    between_processes: bool,
}

pub(crate) async fn run(options: Options) -> Metrics {
    let order = Order {
        count: options.messages,
        pause: Duration::from_micros(options.pause),
    };
    let arrivals = Arc::new(Arrivals::new(options.messages));
    let root = &options.client.root;
    match (options.client.pool(), options.between_processes) {
        (None, false) => sdk_run(root, order, &arrivals).await,
        (Some(pool), false) => bare_run(&pool, root, order, &arrivals).await,
        (None, true) => pair::sdk_receives(&options, &arrivals).await,
        (Some(pool), true) => pair::bare_receives(&pool, &options, &arrivals).await,
    }
    arrivals.metrics()
}

async fn sdk_run(root: &str, order: Order, arrivals: &Arc<Arrivals>) {
    let application = sdk::sign_in(root, 0, None).await;
    let chat = sdk::chat(&application, &host::peer(0), "Hello")
        .await
        .chat_service();
    let listener = Arc::clone(arrivals);
    let _subscription =
        (chat.messages()).added(move |message, _, _| listener.on_message(&message.text()));
    chat.send_message(order.text()).await.unwrap();
    arrivals.complete.notified().await;
}

async fn bare_run(pool: &Pool, root: &str, order: Order, arrivals: &Arc<Arrivals>) {
    let mut session = Session::sign_in(pool, root, 0).await;
    let results = Results::default();
    let chats = Chats::default();
    let on_event = {
        let (results, chats, arrivals) = (results.clone(), chats.clone(), Arc::clone(arrivals));
        move |event: &Event<'_>| {
            results.on_event(event);
            chats.on_event(event);
            if event.rel == "message" && event.resource["direction"] == "Incoming" {
                arrivals.on_message(&text_of(event.resource));
            }
        }
    };
    spawn_local(poll(session.sender().await, session.next.clone(), on_event));
    session.invite(&host::peer(0)).await;
    let messages = chats.wait(1).await;
    let sender = &mut session.sender().await;
    send_message(sender, &results, &messages, &order.text()).await;
    arrivals.complete.notified().await;
}

/// The messages that have arrived.
struct Arrivals {
    expected: usize,
    state: Mutex<State>,
    complete: Notify,
}

#[derive(Default)]
struct State {
    /// The latencies in microseconds.
    latencies: Vec<f64>,
    /// The processor time at the end of the warm-up, and at the end.
    cpu: [Duration; 2],
}

impl Arrivals {
    fn new(expected: u32) -> Self {
        Self {
            expected: expected as usize,
            state: Mutex::default(),
            complete: Notify::new(),
        }
    }

    fn warm_up(&self) -> usize {
        self.expected.div_ceil(5)
    }

    /// Takes the time of a message, whose text is the time of its request. Other messages are ignored.
    fn on_message(&self, text: &str) {
        let Ok(sent) = text.trim().parse() else {
            return;
        };
        let latency = machine_clock().saturating_sub(Duration::from_nanos(sent));
        let mut state = self.state.lock().unwrap();
        state.latencies.push(micros(latency));
        if state.latencies.len() == self.warm_up() {
            state.cpu[0] = cpu();
        }
        if state.latencies.len() == self.expected {
            state.cpu[1] = cpu();
            self.complete.notify_one();
        }
    }

    fn metrics(&self) -> Metrics {
        let state = self.state.lock().unwrap();
        let mut latencies = state.latencies[self.warm_up()..].to_vec();
        let count = latencies.len() as f64;
        metrics([
            ("cpu_us", micros(state.cpu[1] - state.cpu[0]) / count),
            ("p50_us", percentile(&mut latencies, 0.5)),
            ("p99_us", percentile(&mut latencies, 0.99)),
        ])
    }
}
