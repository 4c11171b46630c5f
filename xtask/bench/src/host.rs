//! The server of the measurements: the engine of `ucwa-server` behind the smallest HTTP shell, and its peers, who need no sockets.
//!
//! It is cheaper than `ucwa_server::Server`, so that the clients are the bottleneck, and it can answer polls with empty pages and
//! delay each response.

mod peer;

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::spawn_local;
use tokio::time::sleep;
use ucwa_server::{Engine, Input, IssuedToken, Output, RequestId, ServerConfig, User};

use crate::client::Metrics;
pub(crate) use peer::Order;
use peer::Peer;

/// The password of every user.
pub(crate) const PASSWORD: &str = "pass@word1";

#[derive(Clone, clap::Args)]
pub(crate) struct Options {
    /// The users who sign in from other processes
    #[arg(long, default_value_t = 1)]
    users: usize,
    /// The users who are signed in, accept every invitation and read every message
    #[arg(long, default_value_t = 0)]
    peers: usize,
    /// Each user's first polls, which are answered at once with an empty page. All later polls stay unanswered.
    #[arg(long)]
    empty_polls: Option<u64>,
    /// The delay of every response, in milliseconds
    #[arg(long, default_value_t = 0)]
    delay: u64,
}

pub(crate) fn user(number: usize) -> String {
    format!("sip:user{number}@contoso.com")
}

/// A token of a user that the server accepts, as long as those that it issues.
pub(crate) fn token(number: usize) -> String {
    format!("cwt={number:068}")
}

pub(crate) fn peer(number: usize) -> String {
    format!("sip:peer{number}@contoso.com")
}

struct Host {
    engine: Engine,
    started: Instant,
    requests: u64,
    waiting: BTreeMap<RequestId, oneshot::Sender<Response<Bytes>>>,
    /// Polls of peers, with the number of the peer.
    parked: BTreeMap<RequestId, usize>,
    /// Answered polls of peers.
    pages: VecDeque<(usize, Response<Bytes>)>,
    peers: Vec<Peer>,
    wake_at: Option<Duration>,
    /// The answered polls of each user, by the token.
    empty_polls: BTreeMap<Bytes, u64>,
}

impl Host {
    fn new(options: &Options, origin: String) -> Self {
        let account = |uri: String| User::new(&uri, "Somebody", PASSWORD).unwrap();
        let users = (0..options.users).map(|number| account(user(number)));
        let peers = (0..options.peers).map(|number| account(peer(number)));
        let mut config = ServerConfig::new(users.chain(peers));
        config.origin = Some(origin);
        config.wall_at_epoch = SystemTime::now();
        let issue = |token: String, uri: String| {
            IssuedToken::new(token, &uri, Duration::MAX).expect("the address is valid")
        };
        let users = (0..options.users).map(|number| issue(token(number), user(number)));
        let peers = (0..options.peers).map(|number| issue(Peer::token(number), peer(number)));
        config.issued = users.chain(peers).collect();
        let mut host = Self {
            engine: Engine::new(config),
            started: Instant::now(),
            requests: 0,
            waiting: BTreeMap::new(),
            parked: BTreeMap::new(),
            pages: VecDeque::new(),
            peers: Vec::new(),
            wake_at: None,
            empty_polls: BTreeMap::new(),
        };
        for number in 0..options.peers {
            let peer = Peer::sign_in(&mut host, number);
            host.peers.push(peer);
            host.park(number);
        }
        host
    }

    fn handle(&mut self, input: Input) {
        self.engine.handle(self.started.elapsed(), input);
        loop {
            match self.engine.poll_output() {
                Output::Reply { id, response } => match self.parked.remove(&id) {
                    Some(peer) => self.pages.push_back((peer, response)),
                    None => {
                        if let Some(waiting) = self.waiting.remove(&id) {
                            let _ = waiting.send(response);
                        }
                    }
                },
                Output::Idle { wake_at } => break self.wake_at = wake_at,
                output => panic!("{output:?}"),
            }
        }
    }

    /// Gives a request to the engine, and then the pages to the peers.
    fn request(&mut self, request: Request<Bytes>) -> oneshot::Receiver<Response<Bytes>> {
        let response = self.ask(request);
        self.serve_peers();
        response
    }

    fn ask(&mut self, request: Request<Bytes>) -> oneshot::Receiver<Response<Bytes>> {
        self.requests += 1;
        let id = RequestId(self.requests);
        let (sender, receiver) = oneshot::channel();
        self.waiting.insert(id, sender);
        self.handle(Input::Request { id, request });
        receiver
    }

    fn park(&mut self, number: usize) {
        self.requests += 1;
        let id = RequestId(self.requests);
        self.parked.insert(id, number);
        let request = self.peers[number].poll();
        self.handle(Input::Request { id, request });
    }

    fn serve_peers(&mut self) {
        while let Some((number, page)) = self.pages.pop_front() {
            for request in self.peers[number].on_page(&page) {
                drop(self.ask(request));
            }
            self.park(number);
        }
    }

    /// `None` leaves the request to the engine. `Some(Some(page))` answers a poll with an empty page, and `Some(None)` leaves the poll
    /// pending.
    fn empty_page(&mut self, request: &Request<Bytes>, limit: u64) -> Option<Option<Bytes>> {
        let path = request.uri().path();
        if request.method() != Method::GET || !path.ends_with("/events") {
            return None;
        }
        let token = Bytes::copy_from_slice(request.headers()[AUTHORIZATION].as_bytes());
        let answered = self.empty_polls.entry(token).or_default();
        if *answered == limit {
            return Some(None);
        }
        *answered += 1;
        let next = format!("{path}?ack={}", *answered + 1);
        let page = json!({"_links": {"self": {"href": request.uri().to_string()}, "next": {"href": next}}, "sender": []});
        Some(Some(page.to_string().into()))
    }
}

async fn answer(
    host: Rc<RefCell<Host>>,
    options: Options,
    request: Request<Incoming>,
) -> Response<Bytes> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    if options.delay > 0 {
        sleep(Duration::from_millis(options.delay)).await;
    }
    let request = Request::from_parts(head, body);
    if request.uri().path() == "/empty-polls" {
        let answered: u64 = host.borrow().empty_polls.values().sum();
        return Response::new(answered.to_string().into());
    }
    if let Some(limit) = options.empty_polls {
        let page = host.borrow_mut().empty_page(&request, limit);
        match page {
            None => {}
            Some(None) => std::future::pending().await,
            Some(Some(page)) => {
                let response = Response::builder().header(CONTENT_TYPE, "application/json");
                return response.body(page).unwrap();
            }
        }
    }
    let response = host.borrow_mut().request(request);
    start_senders(&host);
    response.await.expect("the engine answers every request")
}

/// Starts the peers that have been asked to send messages.
fn start_senders(host: &Rc<RefCell<Host>>) {
    let mut borrowed = host.borrow_mut();
    for (number, peer) in borrowed.peers.iter_mut().enumerate() {
        if let Some(order) = peer.order.take() {
            spawn_local(peer::send_messages(Rc::clone(host), number, order));
        }
    }
}

/// Serves until the process ends. Prints the URL of the root.
pub(crate) async fn run(options: Options) -> Metrics {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let host = Rc::new(RefCell::new(Host::new(&options, origin.clone())));
    println!("{origin}/");
    spawn_local(wake(Rc::clone(&host)));
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (host, options) = (Rc::clone(&host), options.clone());
        spawn_local(async move {
            let service = service_fn(move |request| {
                let answer = answer(Rc::clone(&host), options.clone(), request);
                async move { Ok::<_, Infallible>(answer.await.map(Full::new)) }
            });
            let connection = http1::Builder::new()
                .auto_date_header(false)
                .serve_connection(TokioIo::new(stream), service);
            let _ = connection.await;
        });
    }
}

/// Wakes the engine at the times that it asks for, to the tenth of a second.
async fn wake(host: Rc<RefCell<Host>>) {
    loop {
        sleep(Duration::from_millis(100)).await;
        let mut host = host.borrow_mut();
        let now = host.started.elapsed();
        if host.wake_at.is_some_and(|at| at <= now) {
            host.handle(Input::Timeout);
            host.serve_peers();
        }
    }
}
