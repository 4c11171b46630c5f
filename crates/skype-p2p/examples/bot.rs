//! A bot that answers every message, in chats of two and in groups, until it is interrupted.
//!
//! ```sh
//! CHAT_PASSWORD=secret cargo run -p skype-p2p --example bot -- lenea@contoso.com
//! ```

use std::{env, error::Error, pin::pin, time::Duration};

use skype_p2p::{
    Application, BuildError, CallConnectionState, ChatService, CollectionChange, Conversation,
    ConversationState, ConversationsManager, Credentials, Direction, MessageBody, MessageFormat,
    Reason, Root, SignInError, SignInErrorKind, SignInState, TextMessage,
};
use tokio::time::{sleep, timeout};

const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
const SIGN_OUT: Duration = Duration::from_secs(5);

/// Runs the bot until `stop` resolves. If the session is lost, or the server cannot be reached, the bot signs in again.
pub(crate) async fn run(
    build: impl Fn() -> Result<Application, BuildError>,
    credentials: impl Fn() -> Credentials,
    stop: impl Future<Output = ()>,
) -> Result<(), Box<dyn Error>> {
    let mut stop = pin!(stop);
    let mut pause = FIRST_PAUSE;
    loop {
        // An application signs in once.
        let application = build()?;
        let served = tokio::select! {
            served = serve(&application, credentials()) => served,
            () = &mut stop => {
                // Ends the conversations, so that the others see that the bot has left.
                let _ = timeout(SIGN_OUT, application.sign_in_manager().sign_out()).await;
                return Ok(());
            }
        };
        match served {
            Ok(reason) => {
                eprintln!("signed out: {reason}");
                pause = FIRST_PAUSE;
            }
            Err(error) if is_temporary(&error) => eprintln!("{error}"),
            // For example a wrong password, which must not be sent again: servers lock accounts.
            Err(error) => return Err(error.into()),
        }
        tokio::select! {
            () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            () = &mut stop => return Ok(()),
        }
    }
}

fn is_temporary(error: &SignInError) -> bool {
    matches!(
        error.kind(),
        SignInErrorKind::Unreachable { .. }
            | SignInErrorKind::Interrupted
            | SignInErrorKind::Refused
    )
}

/// Signs in and answers until the session ends. Returns the reason of the end.
async fn serve(application: &Application, credentials: Credentials) -> Result<String, SignInError> {
    let manager = application.sign_in_manager();
    manager.sign_in(credentials).await?;
    let conversations = application.conversations_manager();
    let my_name = application.me().display_name().get();
    eprintln!("signed in as {my_name}");

    let (present, mut changes) = conversations.conversations().observe();
    let start = |conversation: Conversation| {
        let (conversations, my_name) = (conversations.clone(), my_name.clone());
        tokio::spawn(async move {
            if let Err(reason) = converse(&conversations, &conversation, &my_name).await {
                eprintln!("a conversation failed: {reason:#}");
            }
        });
    };
    present.into_iter().for_each(start);
    let mut signed_out = pin!(manager.state().wait_for(SignInState::SignedOut));
    loop {
        tokio::select! {
            _ = &mut signed_out => {
                let reason = manager.state().reason();
                return Ok(reason.map_or("no reason".to_owned(), |reason| format!("{reason:#}")));
            }
            Some(changes) = changes.recv() => {
                for change in changes {
                    if let CollectionChange::Added { item, .. } = change {
                        start(item);
                    }
                }
            }
        }
    }
}

/// Takes part in one conversation until it has ended.
async fn converse(
    conversations: &ConversationsManager,
    conversation: &Conversation,
    my_name: &str,
) -> Result<(), Reason> {
    let chat = conversation.chat_service();
    let (earlier, mut messages) = chat.messages().observe();
    for message in earlier {
        answer(conversation, &chat, &message, my_name).await;
    }
    let mut invitation = conversation.self_participant().chat().state().latest();
    let mut states = conversation.state().latest();
    let mut alone = conversation.is_alone().latest();
    loop {
        tokio::select! {
            Some(state) = invitation.recv() => {
                // The invitation may have been cancelled in the meantime. Then the conversation ends.
                if state == CallConnectionState::Notified && let Err(reason) = chat.accept().await {
                    eprintln!("cannot accept: {reason:#}");
                }
            }
            Some(changes) = messages.recv() => {
                for change in changes {
                    if let CollectionChange::Added { item, .. } = change {
                        answer(conversation, &chat, &item, my_name).await;
                    }
                }
            }
            Some(alone) = alone.recv() => {
                // A conference continues without participants, so the last one has to leave it.
                if alone {
                    conversation.leave().await?;
                }
            }
            Some(state) = states.recv() => {
                // Otherwise the memory of the bot would grow with every conversation.
                if state == ConversationState::Disconnected {
                    return conversations.remove(conversation).await;
                }
            }
            else => return Ok(()),
        }
    }
}

/// Answers an incoming message. In a group the bot answers only messages that begin with its name.
async fn answer(
    conversation: &Conversation,
    chat: &ChatService,
    message: &TextMessage,
    my_name: &str,
) {
    let in_group = conversation.is_group_conversation().get();
    if message.direction() == Direction::Outgoing
        || in_group && !message.text().starts_with(my_name)
    {
        return;
    }
    // Shows the others that the bot is typing. A failure has no effect on the answer.
    let _ = chat.send_is_typing().await;
    let formats = chat.supported_message_formats().snapshot();
    let reply = if formats.contains(&MessageFormat::Html) {
        // `html` is safe to embed, whatever the other side has sent.
        MessageBody::Html(format!("<p>You wrote: <b>{}</b></p>", message.html()))
    } else {
        MessageBody::Text(format!("You wrote: {}", message.text()))
    };
    if let Err(reason) = chat.send_message(reply).await {
        eprintln!("not delivered: {reason:#}");
    }
}

/// Waits for Ctrl-C, or for the signal of a service manager.
async fn interrupted() {
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
    let user = env::args()
        .nth(1)
        .ok_or("usage: CHAT_PASSWORD=… bot USER")?;
    let password = env::var("CHAT_PASSWORD")?;
    let build = || {
        Application::builder()
            .root(env::var("CHAT_ROOT").map_or(Root::Domain, Root::Url))
            // With the same ID, the next process takes over the application of a process that was killed.
            .endpoint_id(format!("answering-bot-of-{user}"))
            // If the server ends the idle application, another one is created, without a new sign-in.
            .recreate_expired(true)
            .build()
    };
    run(
        build,
        || Credentials::password(&user, &password),
        interrupted(),
    )
    .await
}
