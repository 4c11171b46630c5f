//! Archived conversations.

mod conversation_log;
mod conversation_log_transcripts;
mod conversation_logs;
mod missed_items;

pub use conversation_log::{ContinueMessagingInput, ConversationLog, ConversationLogRecipient};
pub use conversation_log_transcripts::{
    AudioTranscript, ConversationLogTranscript, ConversationLogTranscripts, ErrorTranscript,
    MessageTranscript,
};
pub use conversation_logs::ConversationLogs;
pub use missed_items::MissedItems;
