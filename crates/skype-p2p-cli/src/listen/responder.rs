//! Answers invitations and messages as the options say, and removes conversations that have ended.

use skype_p2p::{
    Application, Conversation, ConversationState, Direction, MessageStatus, Reason, ReasonCode,
    TextMessage,
};

use super::{
    Accept, Listen, Sender,
    automatic_answers::{AutomaticAnswers, ECHO_MARK, Verdict},
    exec::Exec,
};
use crate::{console::Console, observer::Observation, sign_in::same_domain, timeline::Event};

/// Acts on the observations of `listen`.
pub(crate) struct Responder {
    application: Application,
    console: Console,
    user: String,
    accept: Accept,
    known: Vec<Sender>,
    answers: AutomaticAnswers,
    echo: bool,
    exec: Option<Exec>,
}

impl Responder {
    pub(crate) fn new(
        application: &Application,
        user: String,
        args: &Listen,
        console: Console,
    ) -> Self {
        Self {
            application: application.clone(),
            console,
            user,
            accept: args.accept,
            known: args.known.clone(),
            answers: AutomaticAnswers::default(),
            echo: args.echo,
            exec: args
                .exec
                .clone()
                .map(|command| Exec::new(command, args.exec_timeout, console)),
        }
    }

    /// Acts on one observation. Commands run in tasks of their own. If the observation is not `wanted`, nothing is accepted or
    /// answered.
    pub(crate) fn on(&mut self, observation: &Observation, wanted: bool) {
        let Some(conversation) = &observation.conversation else {
            return;
        };
        if observation.incoming().is_some() {
            acknowledge(conversation);
        }
        let line = &observation.line;
        match (line.event, line.new.as_str()) {
            (Event::ConversationState, "Disconnected") => self.on_end(conversation),
            (Event::ChatState, "Notified") if wanted => self.on_invitation(conversation),
            (Event::MessageAdded, _) if wanted => {
                if let Some(message) = observation.incoming() {
                    self.on_message(conversation, message);
                }
            }
            _ => {}
        }
    }

    fn on_invitation(&self, conversation: &Conversation) {
        let accept = match self.accept {
            Accept::None => false,
            Accept::Known => self.knows(conversation),
            Accept::All => true,
        };
        if !accept {
            return;
        }
        let (console, accepted) = (self.console, conversation.chat_service().accept());
        let conversation = conversation.clone();
        tokio::spawn(async move {
            if let Err(reason) = accepted.await {
                report(
                    "The invitation could not be accepted",
                    &conversation,
                    &reason,
                    console,
                );
            }
        });
    }

    /// Whether the sender of the invitation is known.
    fn knows(&self, conversation: &Conversation) -> bool {
        let Some(sender) = conversation.creator() else {
            return false;
        };
        let sender = sender.id().get();
        same_domain(&sender, &self.user) || self.known.iter().any(|known| known.matches(&sender))
    }

    fn on_message(&mut self, conversation: &Conversation, message: &TextMessage) {
        if !self.echo && self.exec.is_none() {
            return;
        }
        let console = self.console;
        match self.answers.decide(conversation.id(), &message.text()) {
            Verdict::Answer => match &mut self.exec {
                Some(exec) => exec.ask(conversation, message),
                None => self.echo(conversation, message),
            },
            Verdict::Automatic => {
                console.detail("A message was not answered: it is the answer of a program.");
            }
            Verdict::TooMany => {
                console.notice(
                    "A message was not answered: too many were answered in this conversation.",
                );
            }
        }
    }

    fn echo(&self, conversation: &Conversation, message: &TextMessage) {
        // A message to an ended conversation would invite the sender anew.
        if conversation.state().get() == ConversationState::Disconnected {
            return;
        }
        let text = format!("{ECHO_MARK} {}", message.text());
        let sent = conversation.chat_service().send_message(text);
        let (conversation, console) = (conversation.clone(), self.console);
        tokio::spawn(async move {
            if let Err(reason) = sent.await {
                let what = "The echo was not delivered";
                report(what, &conversation, &reason, console);
            }
        });
    }

    fn on_end(&mut self, conversation: &Conversation) {
        self.answers.forget(conversation.id());
        if let Some(exec) = &mut self.exec {
            exec.forget(conversation.id());
        }
        self.remove(conversation);
    }

    /// Kills the programs that are running.
    pub(crate) async fn stop(&mut self) {
        if let Some(exec) = &mut self.exec {
            exec.stop().await;
        }
    }

    /// Removes an ended conversation when its messages have their results, so that memory does not grow.
    fn remove(&self, conversation: &Conversation) {
        let manager = self.application.conversations_manager();
        let (conversation, console) = (conversation.clone(), self.console);
        tokio::spawn(async move {
            for message in conversation.chat_service().messages().snapshot() {
                if message.direction() == Direction::Outgoing {
                    let settled = |status: &MessageStatus| *status != MessageStatus::Pending;
                    let _ = message.status().wait_for_matching(settled).await;
                }
            }
            // An invitation may have restarted the conversation meanwhile.
            if conversation.state().get() != ConversationState::Disconnected {
                return;
            }
            match manager.remove(&conversation).await {
                Ok(()) => console.detail("The conversation has ended and was removed."),
                Err(reason) => {
                    console.detail(format_args!(
                        "The conversation was not removed: {reason:#}."
                    ));
                }
            }
        });
    }
}

/// Tells the server that the user has seen a conversation that the server accepted, so that it does not count as missed.
fn acknowledge(conversation: &Conversation) {
    if conversation.acknowledge_command().enabled().get() {
        // The command is carried out although its future is dropped.
        drop(conversation.acknowledge());
    }
}

/// Reports a failed command. That the other person has left is no fault of anybody.
pub(super) fn report(what: &str, conversation: &Conversation, reason: &Reason, console: Console) {
    let subcode = reason.details().and_then(|it| it.subcode.as_deref());
    let left = matches!(
        reason.code(),
        ReasonCode::Terminated | ReasonCode::Gone | ReasonCode::CommandDisabled
    ) || subcode == Some("ConversationNotFound")
        || conversation.state().get() == ConversationState::Disconnected;
    if left {
        console.detail(format_args!(
            "{what}, because the chat has ended: {reason:#}."
        ));
    } else {
        console.notice(format_args!("{what}: {reason}."));
    }
}
