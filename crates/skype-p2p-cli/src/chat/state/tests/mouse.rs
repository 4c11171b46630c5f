//! Tests of the reducer: the mouse.

use crossterm::event::KeyCode;

use super::current;
use crate::chat::{
    fixture::{JOHN, add, control, groups, message, press, state},
    state::{
        Dialog, State,
        input::Input,
        update::{Effect, Update},
    },
};

#[test]
fn a_click_selects_a_conversation_and_the_wheel_scrolls() {
    let mut state = state();
    let click = |state: &mut State, column, row| state.on_input(Input::Click { column, row });
    assert_eq!(click(&mut state, 3, 2), [Effect::Seen(JOHN)]);
    assert_eq!(click(&mut state, 3, 9), []);
    assert_eq!(click(&mut state, 40, 1), []);
    assert_eq!(current(&state), JOHN);
    for number in 0..30 {
        add(&mut state, JOHN, message(number, "line", None));
    }
    state.on_input(Input::WheelUp);
    assert!(state.current().unwrap().anchor.is_some());
    state.on_input(Input::WheelDown);
    assert!(state.current().unwrap().anchor.is_none());
}

#[test]
fn the_wheel_moves_the_selection_of_a_dialog() {
    let mut state = state();
    for number in 0..30 {
        add(&mut state, JOHN, message(number, "line", None));
    }
    control(&mut state, 'n');
    state.on_update(Update::Contacts(groups()));
    control(&mut state, 'o');
    state.on_input(Input::WheelDown);
    state.on_input(Input::WheelDown);
    state.on_input(Input::WheelUp);
    let Some(Dialog::People(dialog)) = &state.dialog else {
        panic!("the dialog is closed");
    };
    assert_eq!(dialog.selected, Some(1));
    assert_eq!(state.current().unwrap().anchor, None);
    let open = Effect::Open {
        address: "sip:lenea@contoso.com".to_owned(),
    };
    assert_eq!(press(&mut state, KeyCode::Enter), [open]);
}
