//! The embedded server with many users who wait for events: a process that serves, and one that signs the users in and measures the
//! processor time of the first process.

use std::cell::RefCell;
use std::fs;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use http::Method;
use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio::time::sleep;
use ucwa_server::{ConnectionLimits, HttpConfig, IssuedToken, Server, ServerConfig, User};

use crate::bare::{Pool, Results, Session, poll, send_message};
use crate::client::Metrics;
use crate::host::{self, PASSWORD};
use crate::meters::micros;
use crate::page::{Event, href};
use crate::send::Chats;

#[derive(clap::Args)]
pub(crate) struct ServeOptions {
    /// The number of accounts
    #[arg(long)]
    users: usize,
}

#[derive(clap::Args)]
pub(crate) struct ParkOptions {
    /// The URL of the server
    #[arg(long)]
    root: String,
    /// The process of the server
    #[arg(long)]
    process: u32,
    /// The numbers of waiting users, in ascending order. The server needs 100 accounts more.
    #[arg(long, value_delimiter = ',')]
    parked: Vec<usize>,
    /// The measured requests of each kind
    #[arg(long)]
    requests: usize,
}

/// The sign-ins that are measured at each size.
const SIGN_INS: usize = 20;

/// Serves until the process ends, on one thread. Prints the URL of the root.
pub(crate) async fn serve(options: ServeOptions) -> Metrics {
    let users = 0..options.users;
    let account = |number| User::new(&host::user(number), "Somebody", PASSWORD).unwrap();
    let mut config = ServerConfig::new(users.clone().map(account));
    let issue = |number| {
        let issued = IssuedToken::new(host::token(number), &host::user(number), Duration::MAX);
        issued.unwrap()
    };
    config.issued = users.map(issue).collect();
    let mut http = HttpConfig::default();
    http.limits.connections = 2 * options.users + ConnectionLimits::default().connections;
    let server = Server::bind_with((Ipv4Addr::LOCALHOST, 0), config, http);
    let server = server.await.unwrap();
    println!("{}", server.root_url());
    server.failed().await;
    Metrics::new()
}

/// The processor time of a process with one thread.
fn process_time(process: u32) -> Duration {
    let statistics = fs::read_to_string(format!("/proc/{process}/schedstat")).unwrap();
    let nanoseconds = statistics.split_whitespace().next().unwrap();
    Duration::from_nanos(nanoseconds.parse().unwrap())
}

/// Parks more and more users, and measures the requests of two of them and the sign-ins of others.
pub(crate) async fn park(options: ParkOptions) -> Metrics {
    let root = &options.root;
    let mut chat = Chat::begin(root).await;
    let mut signed_in = 2;
    let mut metrics = Metrics::new();
    for parked in options.parked.iter().copied() {
        for number in signed_in..signed_in.max(parked) {
            let (sender, next) = Session::sign_in(&Pool::None, root, number)
                .await
                .into_poll();
            spawn_local(poll(sender, next, |_| {}));
        }
        signed_in = signed_in.max(parked);
        // The last polls arrive.
        sleep(Duration::from_millis(200)).await;
        let per = |begin: Duration, count: usize| {
            micros(process_time(options.process) - begin) / count as f64
        };
        let begin = process_time(options.process);
        for _ in 0..options.requests {
            chat.sender
                .send(Method::GET, &chat.me, "", String::new())
                .await;
        }
        metrics.insert(format!("get_us_{parked}"), per(begin, options.requests));
        let begin = process_time(options.process);
        for _ in 0..options.requests {
            send_message(&mut chat.sender, &chat.results, &chat.messages, "Hello").await;
        }
        metrics.insert(format!("message_us_{parked}"), per(begin, options.requests));
        let begin = process_time(options.process);
        for number in signed_in..signed_in + SIGN_INS {
            Session::sign_in_by_password(&Pool::None, root, number).await;
        }
        metrics.insert(format!("sign_in_us_{parked}"), per(begin, SIGN_INS));
        signed_in += SIGN_INS;
    }
    metrics
}

/// A chat between the first two users.
struct Chat {
    sender: crate::bare::Sender,
    results: Results,
    /// Where the first user sends messages.
    messages: String,
    /// The user resource of the first user.
    me: String,
}

impl Chat {
    async fn begin(root: &str) -> Self {
        let pool = &Pool::None;
        let lene = Session::sign_in(pool, root, 1).await;
        let invitation = Rc::new((RefCell::new(String::new()), Notify::new()));
        let on_event = {
            let invitation = Rc::clone(&invitation);
            move |event: &Event<'_>| {
                if event.rel == "messagingInvitation" && event.kind == "started" {
                    href(event.resource, "accept").clone_into(&mut invitation.0.borrow_mut());
                    invitation.1.notify_one();
                }
            }
        };
        let mut acceptance = lene.sender().await;
        let (sender, next) = lene.into_poll();
        spawn_local(poll(sender, next, on_event));

        let mut tosh = Session::sign_in(pool, root, 0).await;
        let (results, chats) = (Results::default(), Chats::default());
        let on_event = {
            let (results, chats) = (results.clone(), chats.clone());
            move |event: &Event<'_>| {
                results.on_event(event);
                chats.on_event(event);
            }
        };
        spawn_local(poll(tosh.sender().await, tosh.next.clone(), on_event));
        tosh.invite(&host::user(1)).await;
        invitation.1.notified().await;
        let accept = invitation.0.borrow().clone();
        acceptance.post(&accept, &serde_json::Value::Null).await;
        Self {
            sender: tosh.sender().await,
            results,
            messages: chats.wait(1).await,
            me: tosh.me(),
        }
    }
}
