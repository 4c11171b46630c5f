//! A small protocol with async functions: every address is an echo service, except `sip:busy@contoso.com`, which declines.
//!
//! The backend sends each request to one task, which carries the requests out in order and completes each with the result
//! of its async function.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use conv_model::{
    Application, Backend, CommandId, ConversationFact, ConversationId, Fact, MessageBody,
    MessageFormat, MessageId, MessageStatus, ModelWriter, Outcome, ParticipantFact, Peer, Reason,
    ReasonCode, Request, SenderFact, SignInState,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The port: sends the requests to the task.
#[derive(Debug)]
struct Port(UnboundedSender<(CommandId, Request)>);

impl Backend for Port {
    fn request(&self, command: CommandId, request: Request) {
        // If the task is gone, the model has ended the command.
        let _ = self.0.send((command, request));
    }
}

struct Echo {
    writer: ModelWriter,
    /// The other side of each conversation, and whether the chat is established.
    chats: BTreeMap<ConversationId, (Peer, bool)>,
    last_message: u64,
}

impl Echo {
    async fn run(mut self, mut requests: UnboundedReceiver<(CommandId, Request)>) {
        while let Some((command, request)) = requests.recv().await {
            let result = self.carry_out(request).await.map(|()| Outcome::Done);
            self.writer.commit([Fact::completed(command, result)]);
        }
    }

    async fn carry_out(&mut self, request: Request) -> Result<(), Reason> {
        match request {
            Request::OpenConversation {
                conversation, peer, ..
            } => {
                self.chats.insert(conversation, (peer, false));
            }
            Request::ForgetConversation(id) => drop(self.chats.remove(&id)),
            Request::Start { conversation, .. } => drop(self.connect(conversation).await?),
            Request::SendMessage {
                conversation,
                message,
                ..
            } => {
                let peer = self.connect(conversation).await?;
                self.echo(conversation, &peer, message.body).await;
            }
            Request::Stop(id) | Request::Leave(id) => self.end(id, None),
            _ => return Err(ReasonCode::NotSupported.into()),
        }
        Ok(())
    }

    /// Invites the other side, unless the chat is established.
    async fn connect(&mut self, id: ConversationId) -> Result<Peer, Reason> {
        let (peer, is_connected) = self.chats.get(&id).cloned().ok_or(ReasonCode::Gone)?;
        if is_connected {
            return Ok(peer);
        }
        self.commit(id, [ConversationFact::Inviting, ConversationFact::Alerting]);
        round_trip().await;
        if peer.address.starts_with("sip:busy@") {
            self.end(id, Some(ReasonCode::Busy.into()));
            return Err(ReasonCode::Busy.into());
        }
        self.chats.insert(id, (peer.clone(), true));
        let joined = ParticipantFact::new(peer.participant, peer.address.clone());
        let formats = vec![MessageFormat::Text, MessageFormat::Html];
        self.commit(
            id,
            [
                ConversationFact::Connected,
                ConversationFact::ParticipantAdded(joined),
            ],
        );
        self.commit(id, [ConversationFact::chat_connected(formats)]);
        Ok(peer)
    }

    async fn echo(&mut self, id: ConversationId, peer: &Peer, body: MessageBody) {
        round_trip().await;
        self.last_message += 1;
        let echo = ConversationFact::message_received(
            MessageId::Remote(self.last_message),
            SenderFact::new(peer.address.clone()),
            body,
            SystemTime::now(),
        );
        self.commit(id, [echo]);
    }

    fn end(&mut self, id: ConversationId, reason: Option<Reason>) {
        if let Some((_, is_connected)) = self.chats.get_mut(&id) {
            *is_connected = false;
        }
        self.commit(id, [ConversationFact::ended(reason)]);
    }

    fn commit<const N: usize>(&self, id: ConversationId, facts: [ConversationFact; N]) {
        self.writer.commit(facts.map(|fact| Fact::of(id, fact)));
    }
}

/// Simulates a request to a server.
async fn round_trip() {
    tokio::task::yield_now().await;
}

async fn chat() {
    let (sender, requests) = unbounded_channel();
    let (application, writer) = Application::new(Arc::new(Port(sender)));
    writer.commit([Fact::sign_in(SignInState::SignedIn, None)]);
    let echo = Echo {
        writer,
        chats: BTreeMap::new(),
        last_message: 0,
    };
    tokio::spawn(echo.run(requests));

    let manager = application.conversations_manager();
    let conversation = manager.get_conversation("sip:lenea@contoso.com").unwrap();
    let chat = conversation.chat_service();
    let _listener = chat.messages().added(|message, _, _| {
        println!("{:?} {}", message.direction(), message.text());
    });
    drop(chat.send_message("hello"));
    chat.send_message("1 < 2").await.unwrap();
    conversation.leave().await.unwrap();
    assert_eq!(chat.messages().size().get(), 4);

    let busy = manager.get_conversation("sip:busy@contoso.com").unwrap();
    let declined = busy.chat_service().send_message("hello").await.unwrap_err();
    println!("not delivered: {declined}");
    let message = busy.chat_service().messages().get(0).unwrap();
    assert_eq!(message.status().get(), MessageStatus::Failed);
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(chat());
}
