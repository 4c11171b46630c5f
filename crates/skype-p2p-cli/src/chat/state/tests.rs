//! Tests of the reducer.

mod composing;
mod conversations;
mod dialogs;
mod mouse;
mod sign_in;
mod timeline;

use skype_p2p::ConversationId;

use super::State;

fn current(state: &State) -> ConversationId {
    state.current().unwrap().summary.id
}

fn listed(state: &State) -> Vec<ConversationId> {
    state.listed().iter().map(|it| it.summary.id).collect()
}
