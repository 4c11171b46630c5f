//! `listen`: shows what comes in, and answers it if told so.

use std::future::Future;

use skype_p2p::{Application, CallConnectionState, Direction, Reason, Subscriptions, TextMessage};
use tokio::sync::mpsc;

use crate::{
    End,
    args::{Accept, Listen},
    complain,
    interrupt::Interrupt,
    observer::Observer,
    output::Output,
    profile,
    timeline::{Event, render},
};

pub(crate) async fn run(args: Listen) -> End {
    let Some((application, credentials)) = profile::application(&args.sign_in) else {
        return End::Usage;
    };
    let mut interrupt = match Interrupt::catch() {
        Ok(interrupt) => interrupt,
        Err(error) => {
            complain(error);
            return End::NotDone;
        }
    };
    let (sender, mut lines) = mpsc::unbounded_channel();
    let _observer = Observer::new(&args.sign_in.user, &application, move |line| {
        // Once this command ends nobody reads any more.
        let _ = sender.send(line);
    });
    let _answers = answer(&application, args.accept, args.echo);

    let mut output = Output::stdout();
    let mut sign_in = std::pin::pin!(application.sign_in_manager().sign_in(credentials));
    let mut signed_in = false;
    let end = loop {
        tokio::select! {
            // The end of the sign-in before the lines: what ends the session afterwards is told after it.
            biased;
            () = interrupt.received() => break End::Well,
            result = &mut sign_in, if !signed_in => match result {
                Ok(()) => signed_in = true,
                Err(error) => break profile::refused(&error),
            },
            Some(line) = lines.recv() => {
                if !output.line(render(&line, args.json)) {
                    break End::Well;
                }
                if signed_in && line.event == Event::SignInState && line.new == "SignedOut" {
                    complain(format_args!("the session ended: {}", ended(&application)));
                    break End::NotDone;
                }
            }
        }
    };
    profile::sign_out(&application).await;
    while let Ok(line) = lines.try_recv() {
        output.line(render(&line, args.json));
    }
    end
}

/// Answers invitations and messages as the command line says. Listeners run on the application's own task: they give the
/// command and leave the waiting to a task of its own.
fn answer(application: &Application, accept: Accept, echo: bool) -> Subscriptions {
    let mut subscriptions = Subscriptions::new();
    let conversations = application.conversations_manager().conversations();
    subscriptions.add(conversations.added(move |conversation, _, _| {
        let chat = conversation.chat_service();
        if accept == Accept::All {
            // For as long as the conversation exists: it may be offered more than once.
            let accepting = chat.clone();
            let state = conversation.self_participant().chat().state();
            state
                .when(CallConnectionState::Notified, move |_| {
                    report("accept", accepting.accept());
                })
                .detach();
        }
        if echo {
            let echoing = chat.clone();
            let echo = move |message: &TextMessage| {
                if message.direction() == Direction::Incoming {
                    report("echo", echoing.send_message(message.body().clone()));
                }
            };
            chat.messages()
                .added(move |message, _, _| echo(message))
                .detach();
        }
    }));
    subscriptions
}

/// Waits for the end of a command elsewhere, and tells when it failed.
fn report(what: &'static str, done: impl Future<Output = Result<(), Reason>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(reason) = done.await {
            complain(format_args!("cannot {what}: {reason:#}"));
        }
    });
}

/// Why an application is signed out.
fn ended(application: &Application) -> String {
    application.sign_in_manager().state().reason().map_or_else(
        || "no reason given".to_owned(),
        |reason| format!("{reason:#}"),
    )
}
