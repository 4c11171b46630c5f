//! `send`: one message, and its fate.

use skype_p2p::{Application, Conversation, Credentials, ReasonCode};
use tokio::time::{Instant, timeout_at};

use crate::{
    End, args::Send, complain, interrupt::Interrupt, output::Output, profile, timeline::printable,
};

pub(crate) async fn run(args: Send) -> End {
    let deadline = Instant::now() + args.timeout;
    let Some((application, credentials)) = profile::application(&args.sign_in) else {
        return End::Usage;
    };
    let conversation = match application
        .conversations_manager()
        .get_conversation(&args.to)
    {
        Ok(conversation) => conversation,
        Err(reason) => {
            complain(format_args!("cannot send to {:?}: {reason:#}", args.to));
            return End::Usage;
        }
    };
    let mut interrupt = match Interrupt::catch() {
        Ok(interrupt) => interrupt,
        Err(error) => {
            complain(error);
            return End::NotDone;
        }
    };
    let end = tokio::select! {
        end = deliver(&application, credentials, &conversation, &args.message, deadline) => end,
        () = interrupt.received() => {
            complain("interrupted before there was a verdict");
            End::Unknown
        }
    };
    profile::sign_out(&application).await;
    end
}

async fn deliver(
    application: &Application,
    credentials: Credentials,
    conversation: &Conversation,
    message: &str,
    deadline: Instant,
) -> End {
    match timeout_at(deadline, application.sign_in_manager().sign_in(credentials)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return profile::refused(&error),
        Err(_) => {
            complain("cannot sign in: no answer in time");
            return End::SignIn;
        }
    }
    let (end, verdict) =
        match timeout_at(deadline, conversation.chat_service().send_message(message)).await {
            Ok(Ok(())) => (End::Well, "delivered".to_owned()),
            Ok(Err(reason)) if *reason.code() == ReasonCode::DeliveryUnknown => {
                (End::Unknown, format!("unknown: {reason:#}"))
            }
            Ok(Err(reason)) => (End::NotDone, format!("not delivered: {reason:#}")),
            Err(_) => (End::Unknown, "unknown: no verdict in time".to_owned()),
        };
    Output::stdout().line(printable(&verdict));
    end
}
