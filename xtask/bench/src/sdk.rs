//! Sessions of the SDK.

use std::sync::Arc;

use skype_p2p::{Application, Conversation, Credentials, HttpTransport, Root};

use crate::host::{self, PASSWORD};

/// Signs a user of the host in. Without a transport, the application has its own.
pub(crate) async fn sign_in(
    root: &str,
    number: usize,
    transport: Option<Arc<dyn HttpTransport>>,
) -> Application {
    let mut builder = Application::builder().root(Root::Url(root.to_owned()));
    if let Some(transport) = transport {
        builder = builder.transport(transport);
    }
    let application = builder.build().unwrap();
    let credentials = Credentials::password(host::user(number), PASSWORD);
    application
        .sign_in_manager()
        .sign_in(credentials)
        .await
        .unwrap();
    application
}

/// A chat with a user, which has delivered a message.
pub(crate) async fn chat(application: &Application, address: &str, text: &str) -> Conversation {
    let manager = application.conversations_manager();
    let conversation = manager.get_conversation(address).unwrap();
    conversation
        .chat_service()
        .send_message(text)
        .await
        .unwrap();
    conversation
}
