//! A chat with one person in the terminal, written with streams only.
//!
//! ```sh
//! CHAT_PASSWORD=secret cargo run -p skype-p2p --example chat -- toshm@contoso.com lenea@contoso.com
//! ```
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::{env, error::Error, io, thread};

use skype_p2p::{
    Application, CallConnectionState, Changes, CollectionChange, Conversation, Credentials,
    Direction, Reason, Root, TextMessage,
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
};

/// Sends the lines to `to` and shows the changes of the conversations, until the lines end.
pub(crate) async fn chat(
    application: &Application,
    to: &str,
    mut lines: UnboundedReceiver<String>,
    mut show: impl FnMut(String),
) -> Result<(), Reason> {
    let manager = application.conversations_manager();
    let (screen, mut shown) = unbounded_channel();
    let mut sending = JoinSet::new();
    // `observe` gives the present items and a stream of the changes: no item is missed between the two.
    let (present, mut conversations) = manager.conversations().observe();
    for conversation in present {
        tokio::spawn(watch(conversation, screen.clone()));
    }
    loop {
        tokio::select! {
            line = lines.recv() => {
                let Some(line) = line else { break };
                if line.is_empty() {
                    continue;
                }
                // Returns the present conversation with this person, or a new one.
                let chat = manager.get_conversation(to)?.chat_service();
                // The message is sent now. The task only waits for the result.
                let sent = chat.send_message(&*line);
                sending.spawn(async move { (line, sent.await) });
            }
            Some(changes) = conversations.recv() => {
                for change in changes {
                    if let CollectionChange::Added { item, .. } = change {
                        tokio::spawn(watch(item, screen.clone()));
                    }
                }
            }
            Some(Ok((line, result))) = sending.join_next() => {
                if let Err(reason) = result {
                    show(format!("[not delivered: {line} ({reason})]"));
                }
            }
            Some(line) = shown.recv() => show(line),
        }
    }
    // The last messages may still be in flight.
    while let Some(Ok((line, result))) = sending.join_next().await {
        if let Err(reason) = result {
            show(format!("[not delivered: {line} ({reason})]"));
        }
    }
    Ok(())
}

/// Accepts the invitations of one conversation, and shows its changes for as long as the application exists.
async fn watch(conversation: Conversation, screen: UnboundedSender<String>) {
    let chat = conversation.chat_service();
    let (earlier, mut messages) = chat.messages().observe();
    let mut lines: Vec<String> = earlier.iter().filter_map(incoming).collect();
    // `changes` gives every change. `latest` skips values that were not read in time.
    let mut states = conversation.state().changes();
    let mut invitation = conversation.self_participant().chat().state().latest();
    let peer = conversation.participants().get(0);
    let mut typing = peer.map(|peer| peer.chat().is_typing().changes());
    loop {
        tokio::select! {
            // A change of the state is shown before the messages that came with it.
            biased;
            Some(change) = states.recv() => {
                let reason = change.reason.map_or(String::new(), |reason| format!(": {reason}"));
                lines.push(format!("[{:?}{reason}]", change.new));
            }
            Some(state) = invitation.recv() => {
                if state == CallConnectionState::Notified && let Err(reason) = chat.accept().await {
                    lines.push(format!("[cannot accept: {reason}]"));
                }
            }
            Some(changes) = messages.recv() => {
                for change in changes {
                    if let CollectionChange::Added { item, .. } = change {
                        lines.extend(incoming(&item));
                    }
                }
            }
            Some(change) = next(&mut typing) => {
                if change.new {
                    lines.push("[typing]".to_owned());
                }
            }
            else => return,
        }
        for line in lines.drain(..) {
            let _ = screen.send(line);
        }
    }
}

/// The line of an incoming message. `None` for a message of the user, which is on the screen already.
fn incoming(message: &TextMessage) -> Option<String> {
    let name = message.sender().display_name().get();
    (message.direction() == Direction::Incoming).then(|| format!("{name}: {}", message.text()))
}

/// The next item of a stream, if there is a stream.
async fn next<I: Send>(stream: &mut Option<Changes<I>>) -> Option<I> {
    stream.as_mut()?.recv().await
}

/// The lines of the standard input. A thread reads them, because the read cannot be interrupted.
fn standard_input() -> UnboundedReceiver<String> {
    let (sender, lines) = unbounded_channel();
    thread::spawn(move || {
        for line in io::stdin().lines() {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [user, to] = arguments.as_slice() else {
        return Err("usage: CHAT_PASSWORD=… chat USER TO".into());
    };
    let credentials = Credentials::password(user, env::var("CHAT_PASSWORD")?);
    let root = env::var("CHAT_ROOT").map_or(Root::Domain, Root::Url);
    let application = Application::builder().root(root).build()?;
    application.sign_in_manager().sign_in(credentials).await?;

    println!("Write to {to}, and end with Ctrl-D.");
    let chat = chat(&application, to, standard_input(), |line| {
        println!("{line}");
    })
    .await;
    // Ends the conversations, too.
    application.sign_in_manager().sign_out().await?;
    Ok(chat?)
}
