//! The dashboard of conversations.

mod communication;
mod start_messaging;
mod start_online_meeting;

pub use communication::Communication;
pub use start_messaging::StartMessagingInput;
pub use start_online_meeting::{JoinOnlineMeetingInput, StartOnlineMeetingInput};
