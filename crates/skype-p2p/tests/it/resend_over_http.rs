//! Sending a message again over real HTTP: the default transport, and the server behind a proxy that fails.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Method, StatusCode};
use skype_p2p::{Application, Conversation, Credentials, MessageStatus, ReasonCode, Resend, Root};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, sleep},
};
use ucwa_server::{Fault, RetryAfter, Server, ServerConfig};

use crate::{
    groups::connect_chat,
    resend::accept_all,
    standard_chat::{conversation, statuses, transcript},
    world::{LENE, LENE_PASSWORD, TOSH, TOSH_PASSWORD, users},
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A TCP proxy in front of the server.
struct Proxy {
    address: SocketAddr,
    server: SocketAddr,
    dropped: Arc<DroppedMessages>,
    /// The accepting task, which owns the listener and the connections. `None` while connections are refused.
    accepting: Option<JoinSet<()>>,
}

/// Requests that the proxy reads and does not forward.
#[derive(Default)]
struct DroppedMessages {
    is_on: AtomicBool,
    count: AtomicUsize,
}

const MESSAGES: &[u8] = b"/messaging/messages";

impl Proxy {
    async fn new(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut proxy = Self {
            address,
            server: server.local_addr(),
            dropped: Arc::default(),
            accepting: None,
        };
        proxy.accept(listener);
        proxy
    }

    fn accept(&mut self, listener: TcpListener) {
        let (server, dropped) = (self.server, self.dropped.clone());
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(forward(client, server, dropped.clone()));
            }
        });
        self.accepting = Some(accepting);
    }

    /// Closes every connection and refuses new ones.
    async fn refuse(&mut self) {
        if let Some(mut accepting) = self.accepting.take() {
            accepting.shutdown().await;
        }
    }

    async fn recover(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.accept(listener);
    }
}

/// Forwards the bytes of a connection in both directions. A request for a message that is to be count ends the connection.
async fn forward(client: TcpStream, server: SocketAddr, dropped: Arc<DroppedMessages>) {
    let server = TcpStream::connect(server).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = async move {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_client.read(&mut bytes).await {
            let request = &bytes[..length];
            let is_message = request.windows(MESSAGES.len()).any(|it| it == MESSAGES);
            if is_message && dropped.is_on.load(Ordering::Relaxed) {
                dropped.count.fetch_add(1, Ordering::Relaxed);
                return;
            }
            if to_server.write_all(request).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = requests => {}
        _ = copy(&mut from_server, &mut to_client) => {}
    }
}

async fn server() -> Server {
    let config = ServerConfig::new(users());
    Server::bind("127.0.0.1:0", config).await.unwrap()
}

async fn signed_in(root: String, address: &str, password: &str) -> Application {
    let application = Application::builder()
        .root(Root::Url(root))
        .build()
        .unwrap();
    let credentials = Credentials::password(address, password);
    let sign_in = application.sign_in_manager();
    sign_in.sign_in(credentials).await.unwrap();
    application
}

/// Tosh behind the proxy, and Lene.
async fn tosh_and_lene(proxy: &Proxy, server: &Server) -> (Application, Application) {
    let root = format!("http://{}/", proxy.address);
    let tosh = signed_in(root, TOSH, TOSH_PASSWORD).await;
    let lene = signed_in(server.root_url(), LENE, LENE_PASSWORD).await;
    (tosh, lene)
}

fn texts(conversation: &Conversation) -> Vec<String> {
    transcript(conversation)
        .into_iter()
        .map(|it| it.2)
        .collect()
}

/// Fails, instead of hanging, if `test` does not complete.
async fn with_time_limit(test: impl Future<Output = ()>) {
    tokio::time::timeout(MINUTE, test)
        .await
        .expect("the test does not end");
}

#[tokio::test]
async fn a_message_arrives_once_when_the_server_is_no_longer_busy() {
    with_time_limit(async {
        let server = server().await;
        let tosh = signed_in(server.root_url(), TOSH, TOSH_PASSWORD).await;
        let lene = signed_in(server.root_url(), LENE, LENE_PASSWORD).await;
        accept_all(&lene);
        // The first attempt uses up the five requests of an operation. The second attempt gets a Retry-After of one second.
        let busy = |count, seconds| Fault::TurnAway {
            method: Method::POST,
            path: "/messagingInvitations".to_owned(),
            count,
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after: Some(RetryAfter::Seconds(seconds)),
        };
        server.inject(busy(5, 0)).await.unwrap();
        server.inject(busy(1, 1)).await.unwrap();
        let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
        let begun = Instant::now();
        let sent = tosh.send_message_within(&tosh_side.chat_service(), "Hi Lene", MINUTE);
        sent.await.unwrap();
        let elapsed = begun.elapsed();
        assert!((2 * SECOND..10 * SECOND).contains(&elapsed), "{elapsed:?}");
        let failed = [MessageStatus::Failed, MessageStatus::Succeeded];
        assert_eq!(statuses(&tosh_side), failed);
        let failed = tosh_side.chat_service().messages().get(0).unwrap();
        let reason = failed.status().reason().unwrap();
        assert_eq!(*reason.code(), ReasonCode::Throttled);
        let details = reason.details().unwrap();
        assert_eq!((details.status, details.attempts), (Some(429), Some(5)));
        let lene_side = conversation(&lene, 1).await;
        assert_eq!(texts(&lene_side), ["Hi Lene"]);
        server.shutdown().await;
    })
    .await;
}

#[tokio::test]
async fn a_message_arrives_once_when_the_server_can_be_reached_again() {
    with_time_limit(async {
        let server = server().await;
        let mut proxy = Proxy::new(&server).await;
        let (tosh, lene) = tosh_and_lene(&proxy, &server).await;
        let (tosh_side, lene_side) = connect_chat(&tosh, &lene).await;
        proxy.refuse().await;
        let sent = tosh.send_message_within(&tosh_side.chat_service(), "Lunch?", MINUTE);
        let sent = tokio::spawn(sent);
        sleep(SECOND).await;
        assert!(!sent.is_finished());
        proxy.recover().await;
        sent.await.unwrap().unwrap();
        assert_eq!(texts(&lene_side), ["Hi Lene", "Lunch?"]);
        server.shutdown().await;
    })
    .await;
}

#[tokio::test]
async fn a_message_that_may_have_been_sent_is_not_sent_again() {
    with_time_limit(async {
        let server = server().await;
        let proxy = Proxy::new(&server).await;
        let (tosh, lene) = tosh_and_lene(&proxy, &server).await;
        let (tosh_side, lene_side) = connect_chat(&tosh, &lene).await;
        proxy.dropped.is_on.store(true, Ordering::Relaxed);
        let sent = tosh.send_message_within(&tosh_side.chat_service(), "Lunch?", MINUTE);
        let sent = tokio::spawn(sent);
        while proxy.dropped.count.load(Ordering::Relaxed) == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        proxy.dropped.is_on.store(false, Ordering::Relaxed);
        // The conversation ends, so no event can report the message any more.
        lene_side.leave().await.unwrap();
        let reason = sent.await.unwrap().unwrap_err();
        assert_eq!(*reason.code(), ReasonCode::DeliveryUnknown);
        assert_eq!(reason.resend(), Resend::MayDuplicate);
        // A second attempt would begin after a second.
        sleep(3 * SECOND / 2).await;
        let unknown = [MessageStatus::Succeeded, MessageStatus::Unknown];
        assert_eq!(statuses(&tosh_side), unknown);
        assert_eq!(proxy.dropped.count.load(Ordering::Relaxed), 1);
        let conversations = lene.conversations_manager().conversations();
        assert_eq!(conversations.size().get(), 1);
        assert_eq!(texts(&lene_side), ["Hi Lene"]);
        server.shutdown().await;
    })
    .await;
}
