//! The peers of a trial: applications that accept every invitation, and count the texts that they hear.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use skype_p2p::{
    Application, CallConnectionState, Conversation, Credentials, Direction, Reason, Root,
};
use tokio::task::JoinHandle;

use super::PASSWORD;
use crate::worker::world::bot;

/// The identities of one peer.
const SHARE: usize = 100;

/// How often each text was heard.
type Heard = Arc<Mutex<BTreeMap<String, usize>>>;

/// The result of a message to an identity.
pub(super) type Sending = JoinHandle<Result<(), Reason>>;

/// The SIP URI of a peer.
pub(super) fn peer(number: usize) -> String {
    format!("sip:peer{number}@contoso.com")
}

/// The SIP URI of the peer of an identity.
pub(super) fn peer_of(identity: usize) -> String {
    peer(identity / SHARE)
}

/// The number of peers of these identities.
pub(super) fn count(identities: usize) -> usize {
    identities.div_ceil(SHARE)
}

pub(super) struct Peers {
    applications: Vec<Application>,
    heard: Heard,
}

impl Peers {
    pub(super) async fn sign_in(root: &str, identities: usize) -> Self {
        let heard = Heard::default();
        let mut applications = Vec::new();
        for number in 0..count(identities) {
            let root = Root::Url(root.to_owned());
            let application = Application::builder().root(root).build().unwrap();
            let credentials = Credentials::password(peer(number), PASSWORD);
            let signed_in = application.sign_in_manager().sign_in(credentials).await;
            signed_in.unwrap();
            let heard = heard.clone();
            let conversations = application.conversations_manager().conversations();
            let added = conversations.added(move |it, _, _| attend(it, &heard));
            added.detach();
            applications.push(application);
        }
        Self {
            applications,
            heard,
        }
    }

    /// How often each text was heard.
    pub(super) fn heard(&self) -> BTreeMap<String, usize> {
        self.heard.lock().unwrap().clone()
    }

    /// Sends a message to an identity.
    pub(super) fn send(&self, identity: usize, text: &str) -> Sending {
        let conversations = self.applications[identity / SHARE].conversations_manager();
        let conversation = conversations.get_conversation(&bot(identity)).unwrap();
        tokio::spawn(conversation.chat_service().send_message(text))
    }
}

/// Accepts the invitations of a conversation, and counts its messages.
fn attend(conversation: &Conversation, heard: &Heard) {
    let chat = conversation.chat_service();
    let state = conversation.self_participant().chat().state();
    let accepting = state.when(CallConnectionState::Notified, {
        let chat = chat.clone();
        move |_| drop(chat.accept())
    });
    accepting.detach();
    let heard = heard.clone();
    let added = chat.messages().added(move |message, _, _| {
        if message.direction() == Direction::Incoming {
            let text = message.body().raw().to_owned();
            *heard.lock().unwrap().entry(text).or_default() += 1;
        }
    });
    added.detach();
}
