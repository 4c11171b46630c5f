//! Tests of the reducer: the conversation that is shown first, and inputs during the sign-in.

use crossterm::event::KeyCode;
use jiff::tz::TimeZone;

use super::{current, listed};
use crate::chat::{
    fixture::{JOHN, LENE, control, john, lene, press, state, summary, type_text},
    state::{
        State,
        input::Input,
        update::{Effect, MessageText, Update},
    },
};

#[test]
fn the_first_conversation_is_shown_and_others_do_not_take_its_place() {
    let state = state();
    assert_eq!(current(&state), LENE);
    assert_eq!(listed(&state), [LENE, JOHN]);
}

/// A user who is signing in, and who has typed a message and Enter.
fn signing_in() -> State {
    let mut state = State::signing_in("toshm@contoso.com", (80, 24), TimeZone::UTC);
    assert_eq!(type_text(&mut state, "Hi"), []);
    assert_eq!(press(&mut state, KeyCode::Enter), []);
    state
}

#[test]
fn keys_before_the_first_conversation_belong_to_it() {
    let mut state = signing_in();
    // An invitation that arrives before does not take them.
    state.on_update(Update::Conversation(summary(JOHN, john())));
    assert_eq!(type_text(&mut state, " there"), []);
    state.on_update(Update::Conversation(summary(LENE, lene())));
    let send = Effect::Send {
        conversation: LENE,
        text: MessageText("Hi".to_owned()),
    };
    let effects = state.on_update(Update::Opened(Some(LENE)));
    assert!(effects.contains(&send), "{effects:?}");
    assert_eq!(current(&state), LENE);
    assert_eq!(state.current().unwrap().draft.text(), " there");
    type_text(&mut state, "!");
    assert_eq!(state.current().unwrap().draft.text(), " there!");
}

#[test]
fn keys_for_a_conversation_that_cannot_be_opened_go_to_no_other() {
    let mut state = signing_in();
    state.on_update(Update::Conversation(summary(JOHN, john())));
    assert_eq!(state.on_update(Update::Opened(None)), []);
    assert!(state.current().unwrap().draft.is_empty());
    type_text(&mut state, "Hi");
    assert_eq!(state.current().unwrap().draft.text(), "Hi");
}

#[test]
fn quitting_and_resizing_work_during_the_sign_in() {
    let mut state = signing_in();
    state.on_input(Input::Resize {
        columns: 100,
        rows: 30,
    });
    assert_eq!(state.size, (100, 30));
    assert_eq!(control(&mut state, 'q'), [Effect::Quit]);
}
