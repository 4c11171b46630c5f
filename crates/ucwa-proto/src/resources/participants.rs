//! Those who take part.

mod participant;
mod participant_messaging;

pub use participant::{Participant, Participants};
pub use participant_messaging::ParticipantMessaging;
