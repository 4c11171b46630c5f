//! Chat.

mod add_messaging;
mod message;
mod messaging;

pub use add_messaging::AddMessagingInput;
pub use message::{Message, Messages};
pub use messaging::Messaging;
