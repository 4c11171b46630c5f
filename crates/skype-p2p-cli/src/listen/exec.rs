//! `--exec`: asks a program for the answer to each message.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use skype_p2p::{Conversation, ConversationId, ConversationState, TextMessage};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
};

use super::{automatic_answers::BOT_MARK, program, responder::report};
use crate::{
    console::{Console, complain},
    json_line,
    timeline::printable,
};

/// The number of programs that run at the same time.
const PROGRAMS: usize = 8;

/// The number of messages of a conversation that wait for the program.
const QUEUE: usize = 20;

/// Runs the program: one message of a conversation after the other, conversations at the same time.
pub(crate) struct Exec {
    shared: Arc<Shared>,
    /// The queue of each conversation.
    queues: HashMap<ConversationId, mpsc::Sender<Question>>,
    /// A task for each queue, which ends after the queue was dropped.
    workers: JoinSet<()>,
}

struct Shared {
    command: String,
    limit: Duration,
    slots: Semaphore,
    console: Console,
}

/// A message that waits for its answer.
struct Question {
    conversation: Conversation,
    message: TextMessage,
}

impl Exec {
    pub(crate) fn new(command: String, limit: Duration, console: Console) -> Self {
        Self {
            shared: Arc::new(Shared {
                command,
                limit,
                slots: Semaphore::new(PROGRAMS),
                console,
            }),
            queues: HashMap::new(),
            workers: JoinSet::new(),
        }
    }

    /// Queues a message.
    pub(crate) fn ask(&mut self, conversation: &Conversation, message: &TextMessage) {
        while self.workers.try_join_next().is_some() {}
        let queue = match self.queues.entry(conversation.id()) {
            Entry::Occupied(queue) => queue.into_mut(),
            Entry::Vacant(place) => {
                let (queue, questions) = mpsc::channel(QUEUE);
                self.workers.spawn(work(self.shared.clone(), questions));
                place.insert(queue)
            }
        };
        let question = Question {
            conversation: conversation.clone(),
            message: message.clone(),
        };
        if queue.try_send(question).is_err() {
            let console = self.shared.console;
            console.notice(
                "A message was not answered: too many messages wait for the program of --exec.",
            );
        }
    }

    /// Frees the queue of a conversation that has ended, after its messages.
    pub(crate) fn forget(&mut self, conversation: ConversationId) {
        self.queues.remove(&conversation);
    }

    /// Kills the programs.
    pub(crate) async fn stop(&mut self) {
        self.workers.shutdown().await;
    }
}

async fn work(shared: Arc<Shared>, mut questions: mpsc::Receiver<Question>) {
    while let Some(question) = questions.recv().await {
        shared.answer(&question).await;
    }
}

impl Shared {
    async fn answer(&self, question: &Question) {
        let Question {
            conversation,
            message,
        } = question;
        // The semaphore is never closed.
        let Ok(slot) = self.slots.acquire().await else {
            return;
        };
        let input = format!("{}\n", message.text());
        let variables = variables(conversation, message);
        let finished = program::run(&self.command, &input, &variables, self.limit).await;
        drop(slot);
        for line in finished.errors.lines() {
            self.console.notice(format_args!("--exec: {line}"));
        }
        let answer = match finished.answer {
            Ok(answer) if answer.trim().is_empty() => return,
            Ok(answer) => marked(&answer),
            Err(why) => {
                let sender = message.sender().id().get();
                let sender = sender.trim_start_matches("sip:");
                complain(format_args!(
                    "The program of --exec failed for a message of {sender}: {why}."
                ));
                return;
            }
        };
        // A message to an ended conversation would invite the sender anew.
        if conversation.state().get() == ConversationState::Disconnected {
            self.console
                .detail("An answer was not sent, because the chat has ended.");
            return;
        }
        let sent = conversation.chat_service().send_message(answer).await;
        if let Err(reason) = sent {
            report(
                "An answer was not delivered",
                conversation,
                &reason,
                self.console,
            );
        }
    }
}

/// The answer with the mark of a program: before a line, or on a line of its own before several lines.
fn marked(answer: &str) -> String {
    let separator = if answer.contains('\n') { '\n' } else { ' ' };
    format!("{BOT_MARK}{separator}{answer}")
}

/// The environment variables that describe a message. Control characters are escaped.
fn variables(conversation: &Conversation, message: &TextMessage) -> [(&'static str, String); 7] {
    let sender = message.sender();
    let uri = sender.id().get();
    let group = conversation.is_group_conversation().get();
    let variables = [
        ("SKYPE_P2P_FROM", uri.trim_start_matches("sip:").to_owned()),
        ("SKYPE_P2P_FROM_NAME", sender.display_name().get()),
        (
            "SKYPE_P2P_CONVERSATION",
            json_line::conversation_id(conversation.id()),
        ),
        ("SKYPE_P2P_MESSAGE", json_line::message_id(message)),
        (
            "SKYPE_P2P_SENT_AT",
            json_line::rfc3339(message.timestamp().get()),
        ),
        ("SKYPE_P2P_SUBJECT", conversation.topic().get()),
        ("SKYPE_P2P_GROUP", if group { "1" } else { "" }.to_owned()),
    ];
    variables.map(|(name, value)| (name, printable(&value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_does_not_shift_the_first_of_several_lines() {
        assert_eq!(marked("up 3 days"), "[bot] up 3 days");
        assert_eq!(marked("a  1\nb  2"), "[bot]\na  1\nb  2");
    }
}
