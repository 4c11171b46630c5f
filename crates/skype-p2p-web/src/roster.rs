//! The participants of a conversation without those who left it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use skype_p2p::{
    Collection, Conversation, ConversationState, Participant, ParticipantId, ParticipantState,
    Subscription, Subscriptions,
};

/// The participants who are in a conversation.
///
/// The model keeps a participant who left, Disconnected. In the SDK's collection the participant is removed. While the
/// conversation is not connected, all participants are in it, whatever their states: a conversation that has not begun has the
/// participants that it will invite, and one that has ended those who were in it at the end.
pub(crate) struct Roster {
    present: Collection<Participant>,
    _participants: Subscription,
}

type Absent = Arc<Mutex<BTreeSet<ParticipantId>>>;

impl Roster {
    pub(crate) fn of(conversation: &Conversation) -> Self {
        let absent = Absent::default();
        let all = conversation.participants();
        // The listener on the state of a participant is registered before those of the filter, and so is called first.
        let (noting, state) = (absent.clone(), conversation.state());
        let listeners = Mutex::new(Subscriptions::new());
        let participants = all.added(move |participant, _, _| {
            let (absent, conversation, id) = (noting.clone(), state.clone(), participant.id());
            let listener = participant.state().changed(move |change| {
                let mut absent = absent.lock().unwrap_or_else(PoisonError::into_inner);
                if change.new != ParticipantState::Disconnected {
                    absent.remove(&id);
                } else if conversation.get() == ConversationState::Connected {
                    absent.insert(id);
                }
            });
            let mut listeners = listeners.lock().unwrap_or_else(PoisonError::into_inner);
            listeners.add(listener);
        });
        let present = all.filter(move |participant, reader| {
            reader.read(&participant.state());
            let absent = absent.lock().unwrap_or_else(PoisonError::into_inner);
            !absent.contains(&participant.id())
        });
        Self {
            present,
            _participants: participants,
        }
    }

    pub(crate) fn present(&self) -> &Collection<Participant> {
        &self.present
    }
}
