//! The chat of a conversation.

use crate::backend::{OutgoingMessage, StartOptions};
use crate::body::MessageBody;
use crate::conversation::Conversation;
use crate::ids::MessageId;
use crate::message::TextMessage;
use crate::model::Step;
use crate::observable::Collection;
use crate::observable::command::{Command, CommandFuture, failed};
use crate::observable::list::ListField;
use crate::observable::store::Transaction;
use crate::reason::{Reason, ReasonCode};
use crate::situation::Situation;
use crate::states::{CallConnectionState, MessageFormat, MessageStatus};
use crate::sync::Arc;

/// The chat of a conversation. Each command exists twice: as a method, which invokes it, and as a value with its `enabled`
/// property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatService(Conversation);

impl ChatService {
    pub(crate) const fn new(conversation: Conversation) -> Self {
        Self(conversation)
    }

    /// Both sides' messages: in the order of the calls and arrivals, each once. An outgoing one is here as soon as it is sent.
    #[must_use]
    pub fn messages(&self) -> Collection<TextMessage> {
        Collection::new(ListField {
            node: Arc::clone(&self.0.node),
            list: |cells| &mut cells.messages,
        })
    }

    /// The forms of message that both sides agreed on; empty until the chat was connected.
    #[must_use]
    pub fn supported_message_formats(&self) -> Collection<MessageFormat> {
        Collection::new(ListField {
            node: Arc::clone(&self.0.node),
            list: |cells| &mut cells.formats,
        })
    }

    /// Invites the other side without a message. Enabled when signed in and the chat is Disconnected.
    ///
    /// # Errors
    /// At once when it is not enabled; else with the reason why there is no chat.
    pub fn start(&self, options: StartOptions) -> CommandFuture<()> {
        self.0
            .invoke(Situation::start, |transaction, conversation| {
                let mut options = options;
                if options.subject.is_none() {
                    options.subject = subject(transaction, conversation);
                }
                conversation.begin_chat(transaction);
                let id = conversation.id();
                Ok(Step::call(move |backend| backend.start(id, options)))
            })
    }

    /// [`start`](Self::start) as a value.
    #[must_use]
    pub fn start_command(&self) -> Command<StartOptions, ()> {
        self.0.command(Situation::start, |conversation, options| {
            conversation.chat_service().start(options)
        })
    }

    /// Ends the chat, or cancels its invitation; other modalities go on. Enabled while the chat is Connecting or Connected.
    ///
    /// # Errors
    /// At once when it is not enabled; else as the protocol decides.
    pub fn stop(&self) -> CommandFuture<()> {
        self.0.invoke(Situation::stop, |transaction, conversation| {
            conversation.set_chat(transaction, CallConnectionState::Disconnecting, None);
            let id = conversation.id();
            Ok(Step::call(move |backend| backend.stop(id)))
        })
    }

    /// [`stop`](Self::stop) as a value.
    #[must_use]
    pub fn stop_command(&self) -> Command<(), ()> {
        self.0.command(Situation::stop, |conversation, ()| {
            conversation.chat_service().stop()
        })
    }

    /// Accepts the invitation. Enabled while the chat is Notified.
    ///
    /// # Errors
    /// At once when it is not enabled; else with the reason why there is no chat.
    pub fn accept(&self) -> CommandFuture<()> {
        self.0
            .invoke(Situation::answer, |transaction, conversation| {
                conversation.set_chat(transaction, CallConnectionState::Connecting, None);
                let id = conversation.id();
                Ok(Step::call(move |backend| backend.accept(id)))
            })
    }

    /// [`accept`](Self::accept) as a value.
    #[must_use]
    pub fn accept_command(&self) -> Command<(), ()> {
        self.0.command(Situation::answer, |conversation, ()| {
            conversation.chat_service().accept()
        })
    }

    /// Declines the invitation. Enabled while the chat is Notified.
    ///
    /// # Errors
    /// At once when it is not enabled; else as the protocol decides.
    pub fn reject(&self) -> CommandFuture<()> {
        self.0
            .invoke(Situation::answer, |transaction, conversation| {
                conversation.begin_end(transaction);
                let id = conversation.id();
                Ok(Step::call(move |backend| backend.reject(id)))
            })
    }

    /// [`reject`](Self::reject) as a value.
    #[must_use]
    pub fn reject_command(&self) -> Command<(), ()> {
        self.0.command(Situation::answer, |conversation, ()| {
            conversation.chat_service().reject()
        })
    }

    /// Sends a message: text, or HTML by [`MessageBody::Html`]. It stands in [`messages`](Self::messages) as Pending when
    /// this returns; the future resolves when it was delivered.
    ///
    /// Where the chat is not established an invitation goes out that carries the message, a restart included; while it is
    /// being established the message waits; an invitation that rings here is accepted first. Enabled when signed in and
    /// the chat is not Disconnecting.
    ///
    /// # Errors
    /// At once when it is not enabled, or the message is empty. Else with the reason why the message was not delivered, its
    /// status being Failed; with [`DeliveryUnknown`](ReasonCode::DeliveryUnknown), and the status Unknown, when no verdict
    /// could be had.
    pub fn send_message(&self, body: impl Into<MessageBody>) -> CommandFuture<()> {
        let body = body.into();
        if body.raw().is_empty() {
            return failed(
                Reason::new(ReasonCode::InvalidArgument).with_message("the message is empty"),
            );
        }
        let model = &self.0.node.fixed.model;
        let message = MessageId::Local(model.next_id());
        let timestamp = model.backend.now();
        let sent = self
            .0
            .invoke(Situation::send_message, |transaction, conversation| {
                let sender = conversation.node.fixed.myself.person();
                let item = TextMessage::outgoing(model, message, sender, body.clone(), timestamp);
                let cells = transaction.cells(&conversation.node);
                cells.by_id.insert(message, item.clone());
                cells.pending.push(item.clone());
                transaction.push(&conversation.node, |cells| &mut cells.messages, item);
                let accept = match conversation.situation(transaction).chat {
                    CallConnectionState::Disconnected => {
                        conversation.begin_chat(transaction);
                        false
                    }
                    CallConnectionState::Notified => {
                        conversation.set_chat(transaction, CallConnectionState::Connecting, None);
                        true
                    }
                    _ => false,
                };
                let subject = subject(transaction, conversation);
                let id = conversation.id();
                Ok(Step::call(move |backend| {
                    if accept {
                        drop(backend.accept(id));
                    }
                    backend.send_message(
                        id,
                        OutgoingMessage {
                            id: message,
                            body,
                            subject,
                        },
                    )
                }))
            });
        let conversation = self.0.clone();
        Box::pin(async move {
            let outcome = sent.await;
            let (status, reason) = match &outcome {
                Ok(()) => (MessageStatus::Succeeded, None),
                Err(reason) if *reason.code() == ReasonCode::DeliveryUnknown => {
                    (MessageStatus::Unknown, Some(reason.clone()))
                }
                Err(reason) => (MessageStatus::Failed, Some(reason.clone())),
            };
            // Nothing happens when a fact settled it already, as it should have.
            settle_by_answer(&conversation, message, status, reason);
            outcome
        })
    }

    /// [`send_message`](Self::send_message) as a value.
    #[must_use]
    pub fn send_message_command(&self) -> Command<MessageBody, ()> {
        self.0.command(
            Situation::send_message,
            |conversation, body: MessageBody| conversation.chat_service().send_message(body),
        )
    }

    /// Tells the others that the user is typing. They forget it after some five seconds; calling it at most every one and a
    /// half seconds while the user types is enough. Enabled while the chat is Connected.
    ///
    /// # Errors
    /// At once when it is not enabled; else as the protocol decides.
    pub fn send_is_typing(&self) -> CommandFuture<()> {
        self.0.invoke(Situation::send_is_typing, |_, conversation| {
            let id = conversation.id();
            Ok(Step::call(move |backend| backend.send_is_typing(id)))
        })
    }

    /// [`send_is_typing`](Self::send_is_typing) as a value.
    #[must_use]
    pub fn send_is_typing_command(&self) -> Command<(), ()> {
        self.0
            .command(Situation::send_is_typing, |conversation, ()| {
                conversation.chat_service().send_is_typing()
            })
    }
}

fn subject(transaction: &mut Transaction<'_>, conversation: &Conversation) -> Option<String> {
    let topic = transaction.cells(&conversation.node).topic.get();
    (!topic.is_empty()).then(|| topic.clone())
}

fn settle_by_answer(
    conversation: &Conversation,
    message: MessageId,
    status: MessageStatus,
    reason: Option<Reason>,
) {
    conversation
        .node
        .store
        .transact(|transaction| conversation.settle(transaction, message, status, None, reason));
}
