//! The people to whom the fleet writes: applications of the SDK on a network without faults.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use skype_p2p::{Application, CallConnectionState, Conversation, Credentials, Direction, Root};

use crate::{
    clock::Clock,
    link::{Link, LinkState},
    process::VirtualRuntime,
    random::{RandomStream, stream},
    server::Server,
};

/// The peers, in one process.
pub(crate) struct Peers {
    runtime: VirtualRuntime,
    applications: Vec<Application>,
    seen: Seen,
}

/// What the peers have seen.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Record>>);

/// The record of the peers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// The texts that each peer has heard, in order.
    pub(crate) heard: Vec<(usize, String)>,
    /// Whether the text that a peer has sent was reported as delivered. A text without a result is missing.
    pub(crate) sent: BTreeMap<String, bool>,
}

impl Peers {
    /// Peers that sign in with a password.
    pub(crate) fn new(
        seed: u64,
        clock: &Clock,
        server: &Server,
        users: &[(String, String)],
        root: &str,
    ) -> Result<Self, Box<dyn Error>> {
        let runtime = VirtualRuntime::new(clock.now())?;
        let seen = Seen::default();
        let applications = runtime.enter(async {
            let mut applications = Vec::new();
            let mut random = RandomStream::new(seed, stream::PEERS);
            for (number, (sip_uri, password)) in users.iter().enumerate() {
                let link = RandomStream::new(seed, stream::PROCESSES + number as u64);
                let transport = Link {
                    clock: clock.clone(),
                    server: server.clone(),
                    state: Arc::new(LinkState::new(None, 0, link)),
                };
                let application = Application::builder()
                    .root(Root::Url(root.to_owned()))
                    .transport(Arc::new(transport))
                    .seed(random.seed())
                    .build()?;
                let seen = seen.clone();
                let conversations = application.conversations_manager().conversations();
                conversations
                    .added(move |conversation, _, _| listen(number, conversation, &seen))
                    .detach();
                let credentials = Credentials::password(sip_uri, password.as_str());
                tokio::spawn(application.sign_in_manager().sign_in(credentials));
                applications.push(application);
            }
            Ok::<_, Box<dyn Error>>(applications)
        })?;
        Ok(Self {
            runtime,
            applications,
            seen,
        })
    }

    pub(crate) fn run_until(&self, now: Duration) {
        self.runtime.run_until(now);
    }

    /// A peer sends a text.
    pub(crate) fn send(&self, peer: usize, to: &str, text: String) {
        let Some(application) = self.applications.get(peer) else {
            return;
        };
        let seen = self.seen.clone();
        self.runtime.enter(async {
            let Ok(conversation) = application.conversations_manager().get_conversation(to) else {
                return;
            };
            let sending = conversation.chat_service().send_message(text.as_str());
            tokio::spawn(async move {
                let result = sending.await;
                seen.record().sent.insert(text, result.is_ok());
            });
        });
    }

    pub(crate) fn record(&self) -> Record {
        self.seen.record().clone()
    }

    /// The number of sent texts that have a result.
    pub(crate) fn results(&self) -> usize {
        self.seen.record().sent.len()
    }
}

impl Seen {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts the invitations of a conversation, and records its messages.
fn listen(peer: usize, conversation: &Conversation, seen: &Seen) {
    let chat = conversation.chat_service();
    let state = conversation.self_participant().chat().state();
    state
        .when(CallConnectionState::Notified, move |_| drop(chat.accept()))
        .detach();
    let seen = seen.clone();
    let messages = conversation.chat_service().messages();
    messages
        .added(move |message, _, _| {
            if message.direction() == Direction::Incoming {
                let text = message.body().raw().to_owned();
                seen.record().heard.push((peer, text));
            }
        })
        .detach();
}
