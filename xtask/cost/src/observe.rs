//! The model alone: a fact that changes a property, and one that adds a message, with ten listeners each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::SystemTime;

use conv_model::{
    Application, Backend, CommandId, ConversationFact, ConversationId, Discovered, Fact,
    MessageBody, MessageId, ParticipantFact, ParticipantId, Request, SenderFact, Subscription,
};

use crate::step;

const LISTENERS: usize = 10;

/// A protocol that does nothing.
#[derive(Debug)]
struct Silent;

impl Backend for Silent {
    fn request(&self, _: CommandId, _: Request) {}
}

pub(crate) fn run() {
    let (application, writer) = Application::new(Arc::new(Silent) as Arc<dyn Backend>);
    let id = ConversationId::Remote(1);
    let peer = ParticipantId::Remote(1);
    let participant = ParticipantFact::new(peer, "sip:lenea@contoso.com".to_owned());
    writer.commit([Fact::Discovered(Discovered::new(id, vec![participant]))]);
    let conversations = application.conversations_manager().conversations();
    let conversation = conversations.get(0).unwrap();
    let seen = Arc::new(AtomicU64::new(0));
    let topics: Vec<Subscription> = (0..LISTENERS)
        .map(|_| {
            let seen = seen.clone();
            conversation.topic().changed(move |_| {
                seen.fetch_add(1, Relaxed);
            })
        })
        .collect();
    let mut number = 0_u64;
    step("set a property with 10 listeners", || {
        number += 1;
        let topic = ConversationFact::Subject(format!("Lunch {number}"));
        writer.commit([Fact::of(id, topic)]);
    });
    drop(topics);
    let messages = conversation.chat_service().messages();
    let _added: Vec<Subscription> = (0..LISTENERS)
        .map(|_| {
            let seen = seen.clone();
            messages.added(move |_, _, _| {
                seen.fetch_add(1, Relaxed);
            })
        })
        .collect();
    step("add a message with 10 listeners", || {
        number += 1;
        let mut sender = SenderFact::new("sip:lenea@contoso.com".to_owned());
        sender.participant = Some(peer);
        let body = MessageBody::Text("Lunch at noon?".to_owned());
        let message = ConversationFact::message_received(
            MessageId::Remote(number),
            sender,
            body,
            SystemTime::UNIX_EPOCH,
        );
        writer.commit([Fact::of(id, message)]);
    });
    assert!(seen.load(Relaxed) >= 2_000, "the listeners were called");
}
