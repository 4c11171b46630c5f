//! The session and the model alone: a message in each direction, without the driver, a transport and sockets.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use conv_model::{
    Backend, CommandId, Conversation, ConversationFact, ConversationId, Fact, Incoming, MessageId,
    ModelWriter, Outcome, ParticipantFact, ParticipantId, Request, SenderFact, SignInState,
};
use ucwa_session::{
    ConversationKey, Credentials, Input, Lane, MessageBody, MessageKey, Operation, Output,
    ParticipantKey, RequestId, Root, Session, SessionConfig, Ticket,
};

use crate::client::{Metrics, metrics};
use crate::meters::{cpu, micros, percentile};
use crate::script::{ROOT, Script};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The messages in each direction
    #[arg(long)]
    messages: u64,
}

const TEXT: &str = "Lunch at noon? I have found a place around the corner.";

pub(crate) fn run(options: &Options) -> Metrics {
    let session = &mut SessionAlone::new();
    let model = &mut ModelAlone::new();
    let median = |step: &mut dyn FnMut() -> Duration| {
        let mut times: Vec<_> = (0..options.messages).map(|_| micros(step())).collect();
        percentile(&mut times, 0.5)
    };
    metrics([
        ("session_out_us", median(&mut || session.send())),
        ("session_in_us", median(&mut || session.receive())),
        ("model_out_us", median(&mut || model.send())),
        ("model_in_us", median(&mut || model.receive())),
    ])
}

/// A session with an established chat.
struct SessionAlone {
    session: Session,
    script: Script,
    poll: Option<RequestId>,
    tickets: u64,
    completed: u64,
    /// The processor time of the responses.
    answering: Duration,
}

impl SessionAlone {
    fn new() -> Self {
        let config = SessionConfig::new(Root::Url(ROOT.to_owned()), 42, SystemTime::UNIX_EPOCH);
        let mut alone = Self {
            session: Session::new(config),
            script: Script::default(),
            poll: None,
            tickets: 0,
            completed: 0,
            answering: Duration::ZERO,
        };
        alone.perform(Operation::SignIn(Credentials::Password {
            sip_uri: "sip:toshm@contoso.com".to_owned(),
            user_name: None,
            password: "secret".into(),
        }));
        alone.perform(Operation::OpenConversation {
            conversation: ConversationKey::Local(1),
            participant: ParticipantKey::Local(1),
            peer: "sip:user1@contoso.com".to_owned(),
        });
        alone.send();
        alone
    }

    /// Submits an operation, which completes. Returns the processor time of the session.
    fn perform(&mut self, operation: Operation) -> Duration {
        self.tickets += 1;
        let begin = cpu() - self.answering;
        self.session
            .submit(Duration::ZERO, Ticket(self.tickets), operation);
        self.settle();
        assert_eq!(self.completed, self.tickets);
        cpu() - self.answering - begin
    }

    fn send(&mut self) -> Duration {
        self.perform(Operation::SendMessage {
            conversation: ConversationKey::Local(1),
            message: MessageKey::Local(self.tickets),
            body: MessageBody::Text(TEXT.to_owned()),
            subject: None,
            message_id: None,
        })
    }

    fn receive(&mut self) -> Duration {
        self.script.push_message(1, "user1@contoso.com", TEXT);
        let begin = cpu();
        self.settle();
        cpu() - begin
    }

    /// Answers requests and polls until only a poll is left.
    fn settle(&mut self) {
        loop {
            match self.session.poll_output() {
                Output::Send {
                    id,
                    lane: Lane::Events,
                    ..
                } => self.poll = Some(id),
                Output::Send { id, request, .. } => {
                    let begin = cpu();
                    let response = self.script.answer(&request);
                    self.answering += cpu() - begin;
                    self.respond(id, response);
                }
                Output::Completed { result, .. } => {
                    result.unwrap();
                    self.completed += 1;
                }
                Output::Idle { .. } => {
                    let Some(id) = self.poll else { return };
                    let Some(page) = self.script.next_page() else {
                        return;
                    };
                    self.poll = None;
                    self.respond(id, page);
                }
                _ => {}
            }
        }
    }

    fn respond(&mut self, id: RequestId, response: http::Response<bytes::Bytes>) {
        let result = Ok(response);
        self.session
            .handle(Duration::ZERO, Input::Response { id, result });
    }
}

/// A protocol that keeps the last command.
#[derive(Debug, Default)]
struct LastCommand(Mutex<Option<CommandId>>);

impl Backend for LastCommand {
    fn request(&self, command: CommandId, _: Request) {
        *self.0.lock().unwrap() = Some(command);
    }
}

/// A model with a connected chat, whose messages have one listener.
struct ModelAlone {
    _application: conv_model::Application,
    _listener: conv_model::Subscription,
    backend: Arc<LastCommand>,
    writer: ModelWriter,
    conversation: Conversation,
    messages: u64,
}

const CONVERSATION: ConversationId = ConversationId::Remote(1);
const PEER: ParticipantId = ParticipantId::Remote(1);

impl ModelAlone {
    fn new() -> Self {
        let backend = Arc::new(LastCommand::default());
        let (application, writer) =
            conv_model::Application::new(Arc::clone(&backend) as Arc<dyn Backend>);
        let peer = ParticipantFact::new(PEER, "sip:user1@contoso.com");
        writer.commit([
            Fact::sign_in(SignInState::SignedIn, None),
            Fact::Incoming(Incoming::new(CONVERSATION, peer)),
            Fact::of(CONVERSATION, ConversationFact::Connected),
            Fact::of(CONVERSATION, ConversationFact::chat_connected(vec![])),
        ]);
        let conversation = application
            .conversations_manager()
            .conversations()
            .get(0)
            .unwrap();
        let messages = conversation.chat_service().messages();
        let listener = messages.added(|message, _, _| drop(std::hint::black_box(message.text())));
        Self {
            _application: application,
            _listener: listener,
            backend,
            writer,
            conversation,
            messages: 0,
        }
    }

    fn send(&mut self) -> Duration {
        let begin = cpu();
        let sent = self.conversation.chat_service().send_message(TEXT);
        let command = self.backend.0.lock().unwrap().take().unwrap();
        self.writer
            .commit([Fact::completed(command, Ok(Outcome::Done))]);
        drop(sent);
        cpu() - begin
    }

    fn receive(&mut self) -> Duration {
        self.messages += 1;
        let begin = cpu();
        let message = MessageId::Remote(self.messages);
        let mut sender = SenderFact::new("sip:user1@contoso.com");
        sender.participant = Some(PEER);
        let fact =
            ConversationFact::message_received(message, sender, TEXT, SystemTime::UNIX_EPOCH);
        self.writer.commit([Fact::of(CONVERSATION, fact)]);
        cpu() - begin
    }
}
