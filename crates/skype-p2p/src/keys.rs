//! Conversion between the session's keys and the model's IDs, one to one.

use conv_model::{ConversationId, MessageId, ParticipantId};
use ucwa_session::{ConversationKey, MessageKey, ParticipantKey};

macro_rules! one_to_one {
    ($key:ident $to_key:ident, $id:ident $to_id:ident) => {
        pub(crate) fn $to_key(id: $id) -> $key {
            match id {
                $id::Local(number) => $key::Local(number),
                $id::Remote(number) => $key::Remote(number),
            }
        }

        pub(crate) fn $to_id(key: $key) -> $id {
            match key {
                $key::Local(number) => $id::Local(number),
                $key::Remote(number) => $id::Remote(number),
            }
        }
    };
}

one_to_one!(ConversationKey conversation_key, ConversationId conversation_id);
one_to_one!(ParticipantKey participant_key, ParticipantId participant_id);
one_to_one!(MessageKey message_key, MessageId message_id);
