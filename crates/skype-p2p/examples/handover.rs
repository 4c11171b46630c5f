//! A bot whose conversations outlive its process. Each process stores its state in a directory. The next process with the
//! same directory continues the conversations, however the process before has ended.
//!
//! ```sh
//! CHAT_PASSWORD=secret cargo run -p skype-p2p --example handover -- lenea@contoso.com bot-state
//! ```

use std::{
    collections::BTreeSet,
    env,
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    pin::pin,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use skype_p2p::{
    Application, CallConnectionState, Checkpoint, Conversation, ConversationsManager, Credentials,
    Event, EventBatch, Events, MessageStatus, ReasonCode, Root, SignInState,
};
use tokio::time::timeout;

const DETACH: Duration = Duration::from_secs(5);

/// The state that the next process needs to continue.
#[derive(Default, Serialize, Deserialize)]
struct State {
    checkpoint: Option<Checkpoint>,
    /// The remote IDs of the messages that were answered. A message may arrive again in the next process.
    inbox: BTreeSet<String>,
    outbox: Vec<Answer>,
}

/// A row of the outbox.
#[derive(Serialize, Deserialize)]
struct Answer {
    id: String,
    to: String,
    text: String,
    status: Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Status {
    /// The server does not have the message.
    Waiting,
    /// The server may have the message. It must not be sent again.
    Doubtful,
    Delivered,
    Failed,
    /// It is not known whether the message was delivered, and no later event reports it. A person has to ask the receiver.
    Unknown,
}

/// The state on disk. Each process writes a file of its own, with a higher number than the process before. A process that
/// finds a file with a higher number is no longer the owner of the conversations.
struct Store {
    directory: PathBuf,
    number: u64,
    state: State,
}

impl Store {
    /// Takes over the state of the process before.
    fn take_over(directory: &Path) -> Result<Self, Box<dyn Error>> {
        fs::create_dir_all(directory)?;
        let before = newest(directory)?;
        let state = match before {
            // The state contains the token of the user: keep the directory private.
            Some(number) => serde_json::from_slice(&fs::read(file(directory, number))?)?,
            None => State::default(),
        };
        let store = Self {
            directory: directory.to_owned(),
            number: before.map_or(1, |number| number + 1),
            state,
        };
        store.save()?;
        Ok(store)
    }

    /// Saves the state. Fails if another process has taken over.
    fn save(&self) -> Result<(), Box<dyn Error>> {
        // A process that is killed while it writes leaves the previous file as it was.
        let unfinished = self.directory.join(format!("{}.unfinished", self.number));
        let written = fs::File::create(&unfinished)?;
        serde_json::to_writer(&written, &self.state)?;
        written.sync_all()?;
        fs::rename(unfinished, file(&self.directory, self.number))?;
        // The check comes after the rename, because the process may have been paused before it.
        match is_newest(&self.directory, self.number) {
            true => Ok(()),
            false => Err("another process has taken over".into()),
        }
    }

    /// Applies a batch of events to the state.
    fn apply(&mut self, batch: &EventBatch) {
        if let Some(checkpoint) = batch.checkpoint() {
            self.state.checkpoint = Some(checkpoint.clone());
        }
        for event in batch.events() {
            match event {
                Event::MessageReceived {
                    remote_id,
                    sender,
                    body,
                    ..
                } => self.receive(remote_id, sender, body.raw()),
                Event::MessagePosting { message_id, .. } => self.set(message_id, Status::Doubtful),
                Event::MessageSettled {
                    message_id,
                    status,
                    reason,
                    ..
                } => {
                    let is_detached = reason
                        .as_ref()
                        .is_some_and(|it| *it.code() == ReasonCode::SignedOut);
                    self.set(
                        message_id,
                        match status {
                            MessageStatus::Succeeded => Status::Delivered,
                            // The next process sends the message.
                            MessageStatus::Failed if is_detached => Status::Waiting,
                            MessageStatus::Failed => Status::Failed,
                            _ => Status::Unknown,
                        },
                    );
                }
                _ => {}
            }
        }
    }

    /// Adds the answer to a message to the outbox, unless the message has arrived before.
    fn receive(&mut self, remote_id: &str, sender: &str, text: &str) {
        if self.state.inbox.insert(remote_id.to_owned()) {
            self.state.outbox.push(Answer {
                id: format!("answer-{}", self.state.inbox.len()),
                to: sender.to_owned(),
                text: format!("You wrote: {text}"),
                status: Status::Waiting,
            });
        }
    }

    fn set(&mut self, id: &str, status: Status) {
        if let Some(answer) = self.state.outbox.iter_mut().find(|answer| answer.id == id) {
            eprintln!("{id}: {status:?}");
            answer.status = status;
        }
    }
}

fn file(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number}.json"))
}

fn is_newest(directory: &Path, number: u64) -> bool {
    matches!(newest(directory), Ok(Some(newest)) if newest <= number)
}

/// The number of the newest file.
fn newest(directory: &Path) -> io::Result<Option<u64>> {
    let mut newest = None;
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_suffix(".json")?.parse().ok());
        newest = newest.max(number);
    }
    Ok(newest)
}

/// Runs the bot until `stop` resolves, its session ends, or another process takes over.
pub(crate) async fn run(
    user: &str,
    directory: &Path,
    stop: impl Future<Output = ()>,
) -> Result<(), Box<dyn Error>> {
    let mut store = Store::take_over(directory)?;
    let (lease, number) = (store.directory.clone(), store.number);
    let mut builder = Application::builder()
        .root(env::var("CHAT_ROOT").map_or(Root::Domain, Root::Url))
        .endpoint_id(format!("outliving-bot-of-{user}"))
        // If two processes poll for events, the owner continues, and a process that was paused yields the conversations.
        .on_take_back(move || std::future::ready(is_newest(&lease, number)));
    if let Some(checkpoint) = store.state.checkpoint.clone() {
        builder = builder.resume(checkpoint);
    }
    let (application, mut events) = builder.build_with_events()?;
    let ended = tokio::select! {
        ended = serve(&application, &mut events, &mut store, user) => ended,
        () = stop => Ok(()),
    };
    // Detaching deletes nothing at the server, also after an error, so the conversations continue.
    let checkpoint = timeout(DETACH, application.detach()).await;
    drop(application);
    while let Some(batch) = events.next().await {
        store.apply(&batch);
    }
    if let Ok(Some(checkpoint)) = checkpoint {
        store.state.checkpoint = Some(checkpoint);
    }
    // The first error is the cause.
    ended.and(store.save())
}

/// Signs in, or resumes, and answers. Returns only with an error.
async fn serve(
    application: &Application,
    events: &mut Events,
    store: &mut Store,
    user: &str,
) -> Result<(), Box<dyn Error>> {
    let manager = application.sign_in_manager();
    let conversations = application.conversations_manager();
    let _accepting = conversations
        .conversations()
        .added(|conversation, _, _| accept(conversation));
    // While the token of the checkpoint is valid, no password is needed.
    let credentials = match env::var("CHAT_PASSWORD") {
        Ok(password) => Credentials::password(user, password),
        Err(_) => Credentials::none(user),
    };
    let mut sign_in = pin!(manager.sign_in(credentials));
    let state = manager.state();
    let mut is_signed_in = false;
    let mut sent = BTreeSet::new();
    loop {
        tokio::select! {
            result = &mut sign_in, if !is_signed_in => {
                result?;
                is_signed_in = true;
                match manager.not_resumed() {
                    Some(reason) => eprintln!("signed in, not resumed: {reason:#}"),
                    None => eprintln!("signed in with {} conversations", conversations.conversations().size().get()),
                }
            }
            Some(batch) = events.next() => {
                store.apply(&batch);
                store.save()?;
                // Acknowledges the events, and allows the message of a `MessagePosting` to be sent.
                batch.commit();
            }
            _ = state.wait_for(SignInState::SignedOut), if is_signed_in => {
                let reason = state.reason();
                let reason = reason.map_or("no reason".to_owned(), |reason| format!("{reason:#}"));
                return Err(format!("signed out: {reason}").into());
            }
        }
        if is_signed_in {
            for answer in &store.state.outbox {
                if answer.status == Status::Waiting && sent.insert(answer.id.clone()) {
                    send(&conversations, answer);
                }
            }
        }
    }
}

/// Accepts the invitation of a new conversation.
fn accept(conversation: &Conversation) {
    let chat = conversation.chat_service();
    let state = conversation.self_participant().chat().state();
    state
        .when(CallConnectionState::Notified, move |_| drop(chat.accept()))
        .detach();
}

/// Sends an answer. The events report the result.
fn send(conversations: &ConversationsManager, answer: &Answer) {
    match conversations.get_conversation(&answer.to) {
        Ok(conversation) => {
            let chat = conversation.chat_service();
            drop(chat.send_message_with_id(&answer.id, answer.text.as_str()));
        }
        Err(reason) => eprintln!("{}: no answer to {}: {reason:#}", answer.id, answer.to),
    }
}

/// Waits for Ctrl-C, or for the signal of a service manager.
pub(crate) async fn interrupted() {
    let ctrl_c = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = ctrl_c => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = ctrl_c.await;
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(user), Some(directory)) = (arguments.next(), arguments.next()) else {
        return Err("usage: CHAT_PASSWORD=… handover USER DIRECTORY".into());
    };
    run(&user, directory.as_ref(), interrupted()).await
}
