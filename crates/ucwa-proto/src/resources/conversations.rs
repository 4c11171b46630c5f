//! Conversations.

mod add_participant;
mod conversation;
mod conversation_extension_result;

pub use add_participant::AddParticipantInput;
pub use conversation::{Conversation, Conversations};
pub use conversation_extension_result::ConversationExtensionResult;
