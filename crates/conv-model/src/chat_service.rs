//! The chat of a conversation.

use crate::body::MessageBody;
use crate::command_state::CommandState;
use crate::conversation::Conversation;
use crate::ids::MessageId;
use crate::message::TextMessage;
use crate::model::Step;
use crate::observable::command::{Command, CommandFuture, failed};
use crate::observable::list::ListField;
use crate::observable::store::Transaction;
use crate::observable::{Collection, Property};
use crate::reason::{Reason, ReasonCode};
use crate::request::{OutgoingMessage, Request, StartOptions};
use crate::states::{CallConnectionState, Direction, MessageFormat, MessageStatus};
use crate::sync::Arc;

/// The chat of a conversation. Each command exists as a method, which invokes it, and as a [`Command`] with an `enabled`
/// property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatService(Conversation);

impl ChatService {
    pub(crate) const fn new(conversation: Conversation) -> Self {
        Self(conversation)
    }

    /// The messages of both sides, in the order of the calls and arrivals. An outgoing message is here as soon as it is sent.
    #[must_use]
    pub fn messages(&self) -> Collection<TextMessage> {
        Collection::new(ListField {
            node: Arc::clone(&self.0.node),
            list: |cells| &mut cells.messages,
        })
    }

    /// The message that the incoming invitation carries, while the chat is Notified; otherwise `None`. It is not in
    /// [`messages`](Self::messages) before the chat is accepted.
    #[must_use]
    pub fn preview(&self) -> Property<Option<MessageBody>> {
        self.0.property(|cells| &mut cells.preview)
    }

    /// The message formats that both sides agreed on. Empty until the chat was connected.
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
    /// Fails at once if the command is not enabled. Otherwise fails with the reason why there is no chat.
    pub fn start(&self, options: StartOptions) -> CommandFuture<()> {
        self.0
            .invoke(CommandState::start, |transaction, conversation| {
                let mut options = options;
                if options.subject.is_none() {
                    options.subject = subject(transaction, conversation);
                }
                conversation.begin_chat(transaction);
                Ok(Step::request(Request::Start {
                    conversation: conversation.id(),
                    options,
                }))
            })
    }

    /// [`start`](Self::start) as a [`Command`].
    #[must_use]
    pub fn start_command(&self) -> Command<StartOptions, ()> {
        self.0
            .command(CommandState::start, |conversation, options| {
                conversation.chat_service().start(options)
            })
    }

    /// Ends the chat, or cancels its invitation. Other modalities continue. Enabled while the chat is Connecting or
    /// Connected.
    ///
    /// # Errors
    /// Fails at once if the command is not enabled. Otherwise fails with the reason that the protocol reports.
    pub fn stop(&self) -> CommandFuture<()> {
        self.0
            .invoke(CommandState::stop, |transaction, conversation| {
                conversation.set_chat(transaction, CallConnectionState::Disconnecting, None);
                Ok(Step::request(Request::Stop(conversation.id())))
            })
    }

    /// [`stop`](Self::stop) as a [`Command`].
    #[must_use]
    pub fn stop_command(&self) -> Command<(), ()> {
        self.0.command(CommandState::stop, |conversation, ()| {
            conversation.chat_service().stop()
        })
    }

    /// Accepts the invitation. Enabled while the chat is Notified.
    ///
    /// # Errors
    /// Fails at once if the command is not enabled. Otherwise fails with the reason why there is no chat.
    pub fn accept(&self) -> CommandFuture<()> {
        self.0
            .invoke(CommandState::answer, |transaction, conversation| {
                conversation.set_chat(transaction, CallConnectionState::Connecting, None);
                Ok(Step::request(Request::Accept(conversation.id())))
            })
    }

    /// [`accept`](Self::accept) as a [`Command`].
    #[must_use]
    pub fn accept_command(&self) -> Command<(), ()> {
        self.0.command(CommandState::answer, |conversation, ()| {
            conversation.chat_service().accept()
        })
    }

    /// Declines the invitation. Enabled while the chat is Notified.
    ///
    /// # Errors
    /// Fails at once if the command is not enabled. Otherwise fails with the reason that the protocol reports.
    pub fn reject(&self) -> CommandFuture<()> {
        self.0
            .invoke(CommandState::answer, |transaction, conversation| {
                conversation.begin_end(transaction);
                Ok(Step::request(Request::Reject(conversation.id())))
            })
    }

    /// [`reject`](Self::reject) as a [`Command`].
    #[must_use]
    pub fn reject_command(&self) -> Command<(), ()> {
        self.0.command(CommandState::answer, |conversation, ()| {
            conversation.chat_service().reject()
        })
    }

    /// Sends a message: text, or HTML by [`MessageBody::Html`]. The message is in [`messages`](Self::messages) as Pending
    /// when this returns. The future resolves when the message was delivered.
    ///
    /// If the chat is not established, the message is sent in an invitation, which also restarts an ended conversation.
    /// While the chat is being established, the message waits. A pending incoming invitation is accepted first. Enabled when
    /// signed in and the chat is not Disconnecting.
    ///
    /// # Errors
    /// Fails at once if the command is not enabled, or the message is empty. Otherwise fails with the reason why the message
    /// was not delivered, and its status is Failed; or with [`DeliveryUnknown`](ReasonCode::DeliveryUnknown), and its status is
    /// Unknown.
    pub fn send_message(&self, body: impl Into<MessageBody>) -> CommandFuture<()> {
        self.send(body.into(), None)
    }

    /// Sends a message with an ID of the application's choice, like [`send_message`](Self::send_message). For a program that
    /// keeps an outbox: the ID travels with the message, so the result can be found out after a crash.
    ///
    /// # Errors
    /// As [`send_message`](Self::send_message); with [`InvalidArgument`](ReasonCode::InvalidArgument) if the protocol cannot use
    /// the ID or another message without a result has it.
    pub fn send_message_with_id(
        &self,
        message_id: impl Into<String>,
        body: impl Into<MessageBody>,
    ) -> CommandFuture<()> {
        self.send(body.into(), Some(message_id.into()))
    }

    fn send(&self, body: MessageBody, message_id: Option<String>) -> CommandFuture<()> {
        if body.raw().is_empty() {
            return failed(
                Reason::new(ReasonCode::InvalidArgument).with_message("the message is empty"),
            );
        }
        let model = &self.0.node.fixed.model;
        let id = MessageId::Local(model.next_id());
        let timestamp = model.backend.now();
        self.0
            .invoke(CommandState::send_message, |transaction, conversation| {
                let sender = conversation.node.fixed.myself.person();
                let item = TextMessage::new(
                    model,
                    id,
                    Direction::Outgoing,
                    sender,
                    body.clone(),
                    timestamp,
                    MessageStatus::Pending,
                );
                let cells = transaction.cells(&conversation.node);
                cells.by_id.insert(id, item.clone());
                cells.pending.push(item.clone());
                conversation.push_message(transaction, item);
                match conversation.command_state(transaction).chat {
                    CallConnectionState::Disconnected => conversation.begin_chat(transaction),
                    CallConnectionState::Notified => {
                        conversation.set_chat(transaction, CallConnectionState::Connecting, None);
                        model.notify(transaction, Request::Accept(conversation.id()));
                    }
                    _ => {}
                }
                let request = Request::SendMessage {
                    conversation: conversation.id(),
                    message: OutgoingMessage {
                        id,
                        body,
                        subject: subject(transaction, conversation),
                        message_id,
                    },
                };
                let conversation = conversation.clone();
                Ok(Step::request_then(request, move |transaction, result| {
                    let result = result.map(drop);
                    let (status, reason) = delivery(&result);
                    conversation.settle(transaction, id, status, None, reason);
                    result
                }))
            })
    }

    /// [`send_message`](Self::send_message) as a [`Command`].
    #[must_use]
    pub fn send_message_command(&self) -> Command<MessageBody, ()> {
        self.0.command(
            CommandState::send_message,
            |conversation, body: MessageBody| conversation.chat_service().send_message(body),
        )
    }

    /// Shows the others that the user is typing. They show it for about five seconds; one call every 1.5 seconds while the
    /// user types is enough. Enabled while the chat is Connected.
    ///
    /// # Errors
    /// Fails at once if the command is not enabled. Otherwise fails with the reason that the protocol reports.
    pub fn send_is_typing(&self) -> CommandFuture<()> {
        self.0
            .invoke(CommandState::send_is_typing, |_, conversation| {
                Ok(Step::request(Request::SendIsTyping(conversation.id())))
            })
    }

    /// [`send_is_typing`](Self::send_is_typing) as a [`Command`].
    #[must_use]
    pub fn send_is_typing_command(&self) -> Command<(), ()> {
        self.0
            .command(CommandState::send_is_typing, |conversation, ()| {
                conversation.chat_service().send_is_typing()
            })
    }
}

fn subject(transaction: &mut Transaction<'_>, conversation: &Conversation) -> Option<String> {
    let topic = transaction.cells(&conversation.node).topic.get();
    (!topic.is_empty()).then(|| topic.clone())
}

/// The status of a message whose request ended with `result`.
fn delivery(result: &Result<(), Reason>) -> (MessageStatus, Option<Reason>) {
    match result {
        Ok(()) => (MessageStatus::Succeeded, None),
        Err(reason) if *reason.code() == ReasonCode::DeliveryUnknown => {
            (MessageStatus::Unknown, Some(reason.clone()))
        }
        Err(reason) => (MessageStatus::Failed, Some(reason.clone())),
    }
}
