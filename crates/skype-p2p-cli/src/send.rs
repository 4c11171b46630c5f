//! `send`: sends a message and reports its delivery.

mod message_source;
mod options;
mod outbox;
mod verdict;

use std::time::Duration;

use skype_p2p::{Conversation, ConversationState, MessageBody, Resend};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, timeout, timeout_at},
};

pub use self::options::Send;
use self::{
    outbox::{Journal, Step},
    verdict::{DeliveryResult, Verdict, worst},
};
use crate::{
    End,
    config::Settings,
    console::Console,
    failure::Failure,
    interrupt::Interrupt,
    json_line,
    observer::{Observation, Observer},
    output::Output,
    sign_in::{self, Client},
    timeline::{Event, printable},
};

/// The time limit for leaving the conversations.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(4);

/// The pause before the first repetition of `--retry`. Each later pause is twice as long.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

pub(crate) async fn run(args: Send, settings: &Settings, console: Console) -> Result<End, Failure> {
    let deadline = Instant::now() + args.session.limit.timeout;
    let body = message_source::read(&args)?;
    let client = Client::new(&args.session.sign_in, settings)?;
    let application = client.application.clone();
    let mut chats = chats(&client, &args)?;
    if args.dry_run {
        let mut output = Output::stdout();
        for chat in &chats {
            output.line(printable(&format!("Would send to {}.", chat.to)));
        }
        return output.check().map(|()| End::Well);
    }
    let mut report = Report::new(&args, console);
    let mut journal = None;
    if let Some(key) = &args.idempotency_key {
        journal = Journal::open(&client.user, key, deadline).await?;
        chats.retain(
            |chat| match earlier_result(journal.as_ref(), chat, args.resend) {
                Some(result) => {
                    report.write(&Verdict::earlier(&chat.to, result));
                    false
                }
                None => true,
            },
        );
        if journal.is_some() && report.end == End::Unknown {
            console.notice("With --resend, the message is sent again.");
        }
        if chats.is_empty() {
            return report.end();
        }
    }

    let mut interrupt = Interrupt::catch().map_err(|error| Failure::other(error.to_string()))?;
    let (sender, mut observations) = mpsc::unbounded_channel();
    let _observer = args.wait.map(|_| {
        Observer::new(&client.user, &application, move |observation| {
            // The receiver is dropped when the command ends.
            let _ = sender.send(observation);
        })
    });
    let work = async {
        let sign_in = client.sign_in(Some(deadline));
        console.progress("signing in …", sign_in).await?;
        args.archiving.turn_on(&application, console).await?;
        if let Some(journal) = &mut journal {
            journal.write(chats.iter().map(|chat| &*chat.to), Step::Sending)?;
        }
        let delivery = deliver(&chats, &body, deadline, &args, journal, &mut report);
        let waiting = "waiting for the delivery …";
        console.progress(waiting, delivery).await;
        if let Some(wait) = args.wait {
            let answers = write_answers(&mut observations, args.lines.json, &mut report.output);
            // The time limit is the usual end.
            let _ = timeout(wait, answers).await;
        }
        Ok(())
    };
    let worked = tokio::select! {
        worked = work => worked,
        () = interrupt.received() => {
            console.notice("Interrupted.");
            report.end = worst(report.end, End::Unknown);
            Ok(())
        }
    };
    leave(&chats, console).await;
    sign_in::sign_out(&application, console).await;
    worked?;
    report.end()
}

/// The result of another call with the same key. None if the message has to be sent. Without a journal, another call is sending
/// now.
fn earlier_result(journal: Option<&Journal>, chat: &Chat, resend: bool) -> Option<DeliveryResult> {
    let Some(journal) = journal else {
        return Some(DeliveryResult::Unknown);
    };
    match journal.last_step(&chat.to) {
        Some(Step::Delivered) => Some(DeliveryResult::Delivered),
        Some(Step::Sending | Step::Unknown) if !resend => Some(DeliveryResult::Unknown),
        _ => None,
    }
}

/// The results of a call.
struct Report {
    json: bool,
    console: Console,
    output: Output,
    end: End,
}

impl Report {
    fn new(args: &Send, console: Console) -> Self {
        Self {
            json: args.lines.json,
            console,
            output: Output::stdout(),
            end: End::Well,
        }
    }

    /// Writes the result for one receiver.
    fn write(&mut self, verdict: &Verdict) {
        if self.json {
            self.output.line(verdict.json());
        } else {
            self.output.line(printable(&verdict.sentence()));
        }
        if let Some(details) = verdict.details() {
            self.console.detail(details);
        }
        self.end = worst(self.end, verdict.end());
    }

    /// The end of the command.
    ///
    /// # Errors
    ///
    /// If standard output could not be written.
    fn end(&self) -> Result<End, Failure> {
        self.output.check().map(|()| self.end)
    }
}

/// The conversation with one receiver.
#[derive(Clone)]
struct Chat {
    to: String,
    conversation: Conversation,
}

/// One conversation for each receiver. No request is sent.
fn chats(client: &Client, args: &Send) -> Result<Vec<Chat>, Failure> {
    let manager = client.application.conversations_manager();
    let mut chats = Vec::<Chat>::new();
    for name in &args.to {
        let to = client.addresses.user(name).unwrap_or_else(|_| name.clone());
        if chats.iter().any(|chat| chat.to.eq_ignore_ascii_case(&to)) {
            continue;
        }
        let conversation = manager
            .get_conversation(&to)
            .map_err(|reason| Failure::address(name, &reason))?;
        chats.push(Chat { to, conversation });
    }
    Ok(chats)
}

/// Sends the message to all receivers at the same time, and reports each result when it is known.
async fn deliver(
    chats: &[Chat],
    body: &MessageBody,
    deadline: Instant,
    args: &Send,
    mut journal: Option<Journal>,
    report: &mut Report,
) {
    let mut deliveries = JoinSet::new();
    for chat in chats {
        let (chat, body) = (chat.clone(), body.clone());
        let (subject, retry) = (args.subject.clone(), args.retry);
        deliveries.spawn(async move { attempt(&chat, body, subject, retry, deadline).await });
    }
    while let Some(delivery) = deliveries.join_next().await {
        let Ok(verdict) = delivery else {
            report.end = worst(report.end, End::Unknown);
            continue;
        };
        if let Some(journal) = &mut journal {
            let step = verdict.result().into();
            // Without this step, the next call takes the result as unknown.
            if let Err(failure) = journal.write([verdict.to()], step) {
                report.console.error(&failure);
            }
        }
        report.write(&verdict);
    }
}

/// Sends the message to one receiver, and again if that can help.
async fn attempt(
    chat: &Chat,
    body: MessageBody,
    subject: Option<String>,
    retry: u32,
    deadline: Instant,
) -> Verdict {
    let mut pause = RETRY_PAUSE;
    let mut attempts = 1;
    if let Some(subject) = subject
        && let Err(reason) = chat.conversation.set_topic(subject).await
    {
        return Verdict::of(&chat.to, Err(reason), attempts);
    }
    loop {
        let sent = chat.conversation.chat_service().send_message(body.clone());
        let Ok(result) = timeout_at(deadline, sent).await else {
            return Verdict::undetermined(&chat.to, attempts);
        };
        let again = match &result {
            Err(reason) => reason.resend() == Resend::Later,
            Ok(()) => false,
        };
        if !again || attempts > retry || Instant::now() + pause >= deadline {
            return Verdict::of(&chat.to, result, attempts);
        }
        sleep(pause).await;
        pause *= 2;
        attempts += 1;
    }
}

/// Writes incoming messages until the output cannot take more.
async fn write_answers(
    observations: &mut mpsc::UnboundedReceiver<Observation>,
    json: bool,
    output: &mut Output,
) {
    while let Some(observation) = observations.recv().await {
        let Some(message) = observation.incoming() else {
            continue;
        };
        if observation.line.event != Event::MessageAdded {
            continue;
        }
        let written = if json {
            output.line(json_line::json(&observation))
        } else {
            let sender = message.sender().id().get();
            let sender = sender.trim_start_matches("sip:");
            output.line(printable(&format!("{sender}: {}", message.text())))
        };
        if !written {
            return;
        }
    }
}

/// Leaves the conversations, so that the server ends them for the receivers before the application is deleted.
async fn leave(chats: &[Chat], console: Console) {
    let mut leaving = JoinSet::new();
    for chat in chats {
        if matches!(
            chat.conversation.state().get(),
            ConversationState::Connecting | ConversationState::Connected
        ) {
            leaving.spawn(chat.conversation.leave());
        }
    }
    let left = async {
        while let Some(left) = leaving.join_next().await {
            if let Ok(Err(reason)) = left {
                console.detail(format_args!("The conversation was not left: {reason:#}."));
            }
        }
    };
    if timeout(LEAVE_TIMEOUT, left).await.is_err() {
        console.detail("The server did not answer when the conversations were left.");
    }
}
