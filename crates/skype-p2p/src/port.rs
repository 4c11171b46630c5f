//! The model's port, implemented on the driver's mailbox.

use std::time::SystemTime;

use conv_model::{
    Backend, ConversationFact, ConversationId, Fact, MessageBody, OutgoingMessage, Peer,
    PortFuture, Reason, ReasonCode, StartOptions,
};
use ucwa_session::{Operation, SipUri};

use crate::{clock::Clock, keys, mailbox::Mailbox};

/// Puts what the model asks for into the mailbox, in the order of the calls.
#[derive(Debug)]
pub(crate) struct Port {
    mailbox: Mailbox,
    clock: Clock,
}

impl Port {
    pub(crate) fn new(mailbox: Mailbox, clock: Clock) -> Self {
        Self { mailbox, clock }
    }

    fn perform(&self, operation: Operation) -> PortFuture {
        let end = self.mailbox.perform(operation);
        Box::pin(async move { end.await.map(drop).map_err(Reason::from) })
    }

    /// Answers a start that cannot be made: the model has begun to connect, so it has to be told of the end.
    fn refuse_start(&self, conversation: ConversationId, reason: Reason) -> PortFuture {
        let told = self.mailbox.tell(Fact::of(
            conversation,
            ConversationFact::Ended {
                reason: Some(reason.clone()),
            },
        ));
        Box::pin(async move {
            told.await;
            Err(reason)
        })
    }
}

impl Backend for Port {
    fn now(&self) -> SystemTime {
        self.clock.wall()
    }

    fn normalize_address(&self, address: &str) -> Result<String, Reason> {
        match SipUri::parse(address.trim()) {
            Ok(uri) if !uri.is_tel() => Ok(uri.to_string()),
            Ok(_) => Err(Reason::new(ReasonCode::InvalidArgument)
                .with_message("nobody chats with a telephone")),
            Err(error) => {
                Err(Reason::new(ReasonCode::InvalidArgument).with_message(error.to_string()))
            }
        }
    }

    fn open_conversation(&self, conversation: ConversationId, peer: Peer) {
        drop(self.mailbox.perform(Operation::OpenConversation {
            conversation: keys::conversation_key(conversation),
            participant: keys::participant_key(peer.participant),
            peer: peer.address,
        }));
    }

    fn forget_conversation(&self, conversation: ConversationId) {
        drop(
            self.mailbox
                .perform(Operation::ForgetConversation(keys::conversation_key(
                    conversation,
                ))),
        );
    }

    fn start(&self, conversation: ConversationId, options: StartOptions) -> PortFuture {
        if options.context.is_some() {
            let reason = Reason::new(ReasonCode::NotSupported)
                .with_message("custom content of an invitation");
            return self.refuse_start(conversation, reason);
        }
        self.perform(Operation::StartChat {
            conversation: keys::conversation_key(conversation),
            subject: options.subject,
        })
    }

    fn send_message(&self, conversation: ConversationId, message: OutgoingMessage) -> PortFuture {
        self.perform(Operation::SendMessage {
            conversation: keys::conversation_key(conversation),
            message: keys::message_key(message.id),
            body: match message.body {
                MessageBody::Text(text) => ucwa_session::MessageBody::Text(text),
                MessageBody::Html(html) => ucwa_session::MessageBody::Html(html),
            },
            subject: message.subject,
        })
    }

    fn accept(&self, conversation: ConversationId) -> PortFuture {
        self.perform(Operation::Accept(keys::conversation_key(conversation)))
    }

    fn reject(&self, conversation: ConversationId) -> PortFuture {
        self.perform(Operation::Decline(keys::conversation_key(conversation)))
    }

    fn stop(&self, conversation: ConversationId) -> PortFuture {
        self.perform(Operation::StopChat(keys::conversation_key(conversation)))
    }

    fn leave(&self, conversation: ConversationId) -> PortFuture {
        self.perform(Operation::Leave(keys::conversation_key(conversation)))
    }

    fn acknowledge(&self, _conversation: ConversationId) -> PortFuture {
        Box::pin(std::future::ready(Err(Reason::new(
            ReasonCode::NotSupported,
        ))))
    }

    fn send_is_typing(&self, conversation: ConversationId) -> PortFuture {
        self.perform(Operation::SendIsTyping(keys::conversation_key(
            conversation,
        )))
    }
}
