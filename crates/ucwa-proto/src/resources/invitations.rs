//! Invitations.

mod decline;
mod messaging_invitation;
mod online_meeting_invitation;
mod participant_invitation;

pub use decline::DeclineInput;
pub use messaging_invitation::{Invitations, MessagingInvitation};
pub use online_meeting_invitation::OnlineMeetingInvitation;
pub use participant_invitation::ParticipantInvitation;
