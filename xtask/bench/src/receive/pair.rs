//! Messages from one process to another, both of the same kind: the time from the call of the sender to the listener.

use std::cell::RefCell;
use std::env;
use std::process::{Child, Command};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio::time::sleep;

use super::{Arrivals, Options};
use crate::bare::{Pool, Results, Session, poll, send_message};
use crate::client::Metrics;
use crate::host;
use crate::meters::machine_clock;
use crate::page::{Event, href, text_of};
use crate::sdk;
use crate::send::Chats;

/// The numbers of the users.
const RECEIVER: usize = 0;
const SENDER: usize = 1;

/// Starts the process of the sender, which ends by itself.
fn start_sender(options: &Options) -> Child {
    let mut sender = Command::new(env::current_exe().unwrap());
    sender.args([
        "say",
        options.client.kind_name().as_str(),
        "--root",
        &options.client.root,
    ]);
    sender.args(["--messages", &options.messages.to_string()]);
    sender.args(["--pause", &options.pause.to_string()]);
    // The standard output is that of the receiver.
    sender.stdout(std::io::stderr());
    sender.spawn().unwrap()
}

pub(super) async fn sdk_receives(options: &Options, arrivals: &Arc<Arrivals>) {
    let application = sdk::sign_in(&options.client.root, RECEIVER, None).await;
    let mut sender = start_sender(options);
    let conversations = application.conversations_manager().conversations();
    conversations.size().wait_for(1).await.unwrap();
    let chat = conversations.get(0).unwrap().chat_service();
    let listener = Arc::clone(arrivals);
    let _subscription =
        (chat.messages()).added(move |message, _, _| listener.on_message(&message.text()));
    chat.accept().await.unwrap();
    arrivals.complete.notified().await;
    sender.wait().unwrap();
}

pub(super) async fn bare_receives(pool: &Pool, options: &Options, arrivals: &Arc<Arrivals>) {
    let session = Session::sign_in(pool, &options.client.root, RECEIVER).await;
    let mut acceptance = session.sender().await;
    let invitation = Rc::new((RefCell::new(String::new()), Notify::new()));
    let on_event = {
        let (invitation, arrivals) = (Rc::clone(&invitation), Arc::clone(arrivals));
        move |event: &Event<'_>| match event.rel {
            "messagingInvitation" if event.kind == "started" => {
                href(event.resource, "accept").clone_into(&mut invitation.0.borrow_mut());
                invitation.1.notify_one();
            }
            "message" if event.resource["direction"] == "Incoming" => {
                arrivals.on_message(&text_of(event.resource));
            }
            _ => {}
        }
    };
    spawn_local(poll(session.sender().await, session.next.clone(), on_event));
    let mut sender = start_sender(options);
    invitation.1.notified().await;
    let accept = invitation.0.borrow().clone();
    acceptance.post(&accept, &serde_json::Value::Null).await;
    arrivals.complete.notified().await;
    sender.wait().unwrap();
}

/// The process of the sender.
pub(crate) async fn say(options: Options) -> Metrics {
    let (root, to) = (&options.client.root, host::user(RECEIVER));
    let pause = Duration::from_micros(options.pause);
    let text = || machine_clock().as_nanos().to_string();
    match options.client.pool() {
        None => {
            let application = sdk::sign_in(root, SENDER, None).await;
            let chat = sdk::chat(&application, &to, "Hello").await.chat_service();
            for _ in 0..options.messages {
                sleep(pause).await;
                chat.send_message(text()).await.unwrap();
            }
        }
        Some(pool) => {
            let mut session = Session::sign_in(&pool, root, SENDER).await;
            let (results, chats) = (Results::default(), Chats::default());
            let on_event = {
                let (results, chats) = (results.clone(), chats.clone());
                move |event: &Event<'_>| {
                    results.on_event(event);
                    chats.on_event(event);
                }
            };
            spawn_local(poll(session.sender().await, session.next.clone(), on_event));
            session.invite(&to).await;
            let messages = chats.wait(1).await;
            let sender = &mut session.sender().await;
            for _ in 0..options.messages {
                sleep(pause).await;
                send_message(sender, &results, &messages, &text()).await;
            }
        }
    }
    Metrics::new()
}
