//! Two people chat without any network: a port that carries what one model is asked to the other model as facts.
//!
//! It shows all that a protocol has to do for a chat, and that the model needs no particular one.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use conv_model::{
    Application, Backend, CallConnectionState, ConversationFact as Is, ConversationId, Direction,
    Fact, Incoming, MessageBody, MessageFormat, MessageId, MessageStatus, ModelWriter,
    OutgoingMessage, ParticipantFact, ParticipantId, Peer, PortFuture, Reason, ReasonCode,
    SenderFact, SignInState, StartOptions,
};

/// The place where the users' ends are found by address.
#[derive(Debug, Default)]
struct Exchange {
    ends: Mutex<BTreeMap<String, Arc<LoopbackBackend>>>,
    ids: AtomicU64,
}

/// One user's end.
#[derive(Debug)]
struct LoopbackBackend {
    address: String,
    exchange: Weak<Exchange>,
    writer: OnceLock<ModelWriter>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whom each conversation is with, and who they are in it.
    peers: BTreeMap<ConversationId, Peer>,
    /// The other end's name for each conversation that is under way there.
    links: BTreeMap<ConversationId, ConversationId>,
    /// What was sent before the other side accepted.
    waiting: BTreeMap<ConversationId, Vec<OutgoingMessage>>,
    connected: BTreeMap<ConversationId, bool>,
}

impl Exchange {
    /// A model for this user, signed in.
    fn join(self: &Arc<Self>, address: &str) -> Application {
        let end = Arc::new(LoopbackBackend {
            address: address.to_owned(),
            exchange: Arc::downgrade(self),
            writer: OnceLock::new(),
            state: Mutex::default(),
        });
        let (application, writer) = Application::new(Arc::clone(&end) as Arc<dyn Backend>);
        writer.commit([
            Fact::Me {
                address: address.to_owned(),
                display_name: None,
            },
            Fact::SignIn {
                state: SignInState::SignedIn,
                reason: None,
            },
        ]);
        end.writer.set(writer).unwrap();
        self.ends.lock().unwrap().insert(address.to_owned(), end);
        application
    }

    fn id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }
}

impl LoopbackBackend {
    fn tell(&self, conversation: ConversationId, facts: impl IntoIterator<Item = Is>) {
        let facts: Vec<_> = facts
            .into_iter()
            .map(|fact| Fact::of(conversation, fact))
            .collect();
        if let Some(writer) = self.writer.get() {
            writer.commit(facts);
        }
    }

    /// The other end of a conversation, and its name there.
    fn other(&self, conversation: ConversationId) -> Option<(Arc<Self>, ConversationId)> {
        let state = self.state.lock().unwrap();
        let link = *state.links.get(&conversation)?;
        let address = state.peers.get(&conversation)?.address.clone();
        drop(state);
        let end = self
            .exchange
            .upgrade()?
            .ends
            .lock()
            .unwrap()
            .get(&address)
            .cloned()?;
        Some((end, link))
    }

    /// Rings at the other end.
    fn invite(&self, conversation: ConversationId, subject: Option<String>) -> Result<(), Reason> {
        let nobody = || Reason::new(ReasonCode::Failed).with_message("nobody has this address");
        let exchange = self.exchange.upgrade().ok_or_else(nobody)?;
        // A conference has no peer, and there are none here.
        let peer = self.state.lock().unwrap().peers.get(&conversation).cloned();
        let found = peer.and_then(|peer| {
            let ends = exchange.ends.lock().unwrap();
            Some((ends.get(&peer.address)?.clone(), peer))
        });
        let Some((other, peer)) = found else {
            self.tell(
                conversation,
                [Is::Ended {
                    reason: Some(nobody()),
                }],
            );
            return Err(nobody());
        };
        let there = ConversationId::Remote(exchange.id());
        let us = ParticipantFact::new(ParticipantId::Remote(exchange.id()), self.address.clone());
        self.state.lock().unwrap().links.insert(conversation, there);
        {
            let mut state = other.state.lock().unwrap();
            let mut back = peer;
            back.participant = us.participant;
            back.address.clone_from(&self.address);
            state.peers.insert(there, back);
            state.links.insert(there, conversation);
        }
        self.tell(conversation, [Is::Inviting, Is::Alerting]);
        let mut incoming = Incoming::new(there, us);
        incoming.subject = subject;
        if let Some(writer) = other.writer.get() {
            writer.commit([Fact::Incoming(incoming)]);
        }
        Ok(())
    }

    /// Both sides are in.
    fn connect(&self, conversation: ConversationId) {
        let peer = {
            let mut state = self.state.lock().unwrap();
            state.connected.insert(conversation, true);
            state.peers.get(&conversation).cloned()
        };
        let Some(peer) = peer else { return };
        let them = ParticipantFact::new(peer.participant, peer.address);
        self.tell(
            conversation,
            [
                Is::Connected,
                Is::ParticipantAdded(them),
                Is::ParticipantChat {
                    participant: peer.participant,
                    connected: true,
                },
                Is::ChatConnected {
                    formats: vec![MessageFormat::Text, MessageFormat::Html],
                },
            ],
        );
        let waiting = self.state.lock().unwrap().waiting.remove(&conversation);
        for message in waiting.into_iter().flatten() {
            self.deliver(conversation, message);
        }
    }

    fn deliver(&self, conversation: ConversationId, message: OutgoingMessage) {
        let Some((other, there)) = self.other(conversation) else {
            return;
        };
        let received = Is::MessageReceived {
            message: MessageId::Remote(self.exchange.upgrade().map_or(0, |exchange| exchange.id())),
            sender: SenderFact::new(self.address.clone()),
            body: message.body,
            timestamp: self.now(),
        };
        other.tell(there, [received]);
        let delivered = Is::MessageStatus {
            message: message.id,
            status: MessageStatus::Succeeded,
            timestamp: None,
            reason: None,
        };
        self.tell(conversation, [delivered]);
    }

    /// Ends it on both sides.
    fn end(&self, conversation: ConversationId, reason: Option<Reason>) {
        let other = self.other(conversation);
        for (end, id) in other
            .iter()
            .map(|(end, id)| (&**end, *id))
            .chain([(self, conversation)])
        {
            {
                let mut state = end.state.lock().unwrap();
                state.links.remove(&id);
                state.waiting.remove(&id);
                state.connected.remove(&id);
            }
            end.tell(
                id,
                [Is::Ended {
                    reason: reason.clone(),
                }],
            );
        }
    }
}

fn done(result: Result<(), Reason>) -> PortFuture {
    Box::pin(std::future::ready(result))
}

impl Backend for LoopbackBackend {
    fn open_conversation(&self, conversation: ConversationId, peer: Peer) {
        self.state.lock().unwrap().peers.insert(conversation, peer);
    }

    fn forget_conversation(&self, conversation: ConversationId) {
        self.state.lock().unwrap().peers.remove(&conversation);
    }

    fn start(&self, conversation: ConversationId, options: StartOptions) -> PortFuture {
        done(self.invite(conversation, options.subject))
    }

    fn send_message(&self, conversation: ConversationId, message: OutgoingMessage) -> PortFuture {
        let (linked, connected) = {
            let state = self.state.lock().unwrap();
            (
                state.links.contains_key(&conversation),
                state.connected.contains_key(&conversation),
            )
        };
        if connected {
            self.deliver(conversation, message);
            return done(Ok(()));
        }
        let subject = message.subject.clone();
        self.state
            .lock()
            .unwrap()
            .waiting
            .entry(conversation)
            .or_default()
            .push(message);
        if !linked && let Err(reason) = self.invite(conversation, subject) {
            return done(Err(reason));
        }
        // Settled by facts: when the other side accepts or declines. Nobody waits here.
        Box::pin(std::future::pending())
    }

    fn accept(&self, conversation: ConversationId) -> PortFuture {
        if let Some((other, there)) = self.other(conversation) {
            self.connect(conversation);
            other.connect(there);
        }
        done(Ok(()))
    }

    fn reject(&self, conversation: ConversationId) -> PortFuture {
        self.end(conversation, Some(Reason::new(ReasonCode::Refused)));
        done(Ok(()))
    }

    fn stop(&self, conversation: ConversationId) -> PortFuture {
        self.leave(conversation)
    }

    fn leave(&self, conversation: ConversationId) -> PortFuture {
        self.end(conversation, None);
        done(Ok(()))
    }

    fn acknowledge(&self, _: ConversationId) -> PortFuture {
        done(Ok(()))
    }

    fn send_is_typing(&self, conversation: ConversationId) -> PortFuture {
        if let Some((other, there)) = self.other(conversation) {
            let us = other
                .state
                .lock()
                .unwrap()
                .peers
                .get(&there)
                .map(|peer| peer.participant);
            if let Some(participant) = us {
                other.tell(
                    there,
                    [Is::Typing {
                        participant,
                        is_typing: true,
                    }],
                );
            }
        }
        done(Ok(()))
    }
}

fn main() {
    let exchange = Arc::new(Exchange::default());
    let tosh = exchange.join("sip:toshm@contoso.com");
    let lene = exchange.join("sip:lenea@contoso.com");

    // Lene accepts whoever rings, and answers what they say.
    let lenes = lene
        .conversations_manager()
        .conversations()
        .added(|conversation, _, _| {
            let chat = conversation.chat_service();
            conversation
                .self_participant()
                .chat()
                .state()
                .once(CallConnectionState::Notified, {
                    let chat = chat.clone();
                    move |_| {
                        println!("Lene  is invited");
                        drop(chat.accept());
                    }
                })
                .detach();
            let answering = chat.clone();
            chat.messages()
                .added(move |message, _, _| {
                    if message.direction() == Direction::Incoming {
                        println!("Lene  reads   {}", message.text());
                        drop(answering.send_message(MessageBody::Html(format!(
                            "<b>You said:</b> {}",
                            message.html()
                        ))));
                    }
                })
                .detach();
        });

    let conversation = tosh
        .conversations_manager()
        .get_conversation("sip:lenea@contoso.com")
        .unwrap();
    let chat = conversation.chat_service();
    let mut listeners = conv_model::Subscriptions::new();
    listeners.add(
        conversation
            .state()
            .changed(|change| println!("Tosh  {:?} -> {:?}", change.old, change.new)),
    );
    listeners.add(chat.messages().added(|message, _, _| {
        println!(
            "Tosh  {:?} {:?} {}",
            message.direction(),
            message.status().get(),
            message.text()
        );
    }));

    drop(chat.send_message("hello"));
    drop(chat.send_message("1 < 2"));
    drop(conversation.leave());

    let messages = chat.messages().snapshot();
    assert_eq!(messages.len(), 4);
    assert!(
        messages
            .iter()
            .all(|message| message.status().get() == MessageStatus::Succeeded)
    );
    let here: Vec<_> = messages.iter().map(conv_model::TextMessage::text).collect();
    let there = lene.conversations_manager().conversations().get(0).unwrap();
    let there: Vec<_> = there
        .chat_service()
        .messages()
        .snapshot()
        .iter()
        .map(conv_model::TextMessage::text)
        .collect();
    println!("both sides have {} messages", here.len());
    assert_eq!(here.len(), there.len());
    drop((listeners, lenes));
}
