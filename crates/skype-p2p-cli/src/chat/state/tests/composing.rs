//! Tests of the reducer: the message that the user is writing.

use crossterm::event::KeyCode;

use crate::chat::{
    fixture::{JOHN, LENE, add, control, message, press, state, type_text},
    state::{
        State,
        conversation::{Delivery, Item},
        input::Input,
        update::{Effect, MessageText, Update},
    },
};

#[test]
fn typing_is_reported_and_enter_sends_the_message() {
    let mut state = state();
    assert_eq!(type_text(&mut state, "Hi"), [Effect::Typing(LENE)]);
    let send = Effect::Send {
        conversation: LENE,
        text: MessageText("Hi".to_owned()),
    };
    assert_eq!(press(&mut state, KeyCode::Enter), [send]);
    assert!(state.current().unwrap().draft.is_empty());
    assert_eq!(press(&mut state, KeyCode::Enter), []);
    type_text(&mut state, "  ");
    assert_eq!(press(&mut state, KeyCode::Enter), []);
}

#[test]
fn a_paste_and_ctrl_j_make_several_lines_and_send_nothing() {
    let mut state = state();
    let effects = state.on_input(Input::Paste("one\ntwo\u{1b}[2J".to_owned()));
    assert_eq!(effects, [Effect::Typing(LENE)]);
    control(&mut state, 'j');
    assert_eq!(state.current().unwrap().draft.text(), "one\ntwo␛[2J\n");
}

#[test]
fn each_conversation_keeps_its_own_draft() {
    let mut state = state();
    type_text(&mut state, "for Lene");
    assert_eq!(control(&mut state, 'n'), [Effect::Seen(JOHN)]);
    type_text(&mut state, "for John");
    assert_eq!(control(&mut state, 'p'), [Effect::Seen(LENE)]);
    assert_eq!(state.current().unwrap().draft.text(), "for Lene");
    assert_eq!(control(&mut state, 'p'), []);
}

#[test]
fn a_message_that_cannot_be_sent_returns_to_the_draft() {
    let mut state = state();
    let not_sent = |text: &str| Update::NotSent {
        conversation: LENE,
        text: text.to_owned(),
    };
    state.on_update(not_sent("Hi"));
    assert_eq!(state.current().unwrap().draft.text(), "Hi");
    state.on_update(not_sent("Ho"));
    assert_eq!(state.current().unwrap().draft.text(), "Hi");
}

#[test]
fn quitting_with_an_unfinished_message_takes_two_keys() {
    let mut state = state();
    assert_eq!(control(&mut state, 'q'), [Effect::Quit]);
    type_text(&mut state, "Hi");
    control(&mut state, 'n');
    assert_eq!(control(&mut state, 'q'), []);
    let notice = state.notice.clone().unwrap();
    assert!(
        notice.as_str().contains("Lene Aaling"),
        "{}",
        notice.as_str()
    );
    // Another key withdraws the question.
    press(&mut state, KeyCode::Left);
    assert_eq!(control(&mut state, 'c'), []);
    assert_eq!(control(&mut state, 'c'), [Effect::Quit]);
    control(&mut state, 'p');
    press(&mut state, KeyCode::Enter);
    assert_eq!(control(&mut state, 'q'), [Effect::Quit]);
    add(&mut state, LENE, message(1, "Hi", Some(Delivery::Sending)));
    assert_eq!(control(&mut state, 'q'), []);
}

#[test]
fn the_debug_output_has_no_text_of_a_message() {
    let mut state = state();
    add(&mut state, LENE, message(1, "hunter2", None));
    type_text(&mut state, "hunter3");
    let effects = press(&mut state, KeyCode::Enter);
    type_text(&mut state, "hunter4");
    assert!(!format!("{state:?} {effects:?}").contains("hunter"));
}

#[test]
fn up_and_down_go_through_the_messages_of_the_user() {
    let mut state = state();
    let own = |number, words| message(number, words, Some(Delivery::Delivered));
    add(&mut state, LENE, own(1, "first"));
    add(&mut state, LENE, own(2, "second\nline"));
    add(&mut state, LENE, message(3, "of Lene", None));
    let draft = |state: &State| state.current().unwrap().draft.text().to_owned();
    let mut recall = |code| {
        press(&mut state, code);
        draft(&state)
    };
    assert_eq!(recall(KeyCode::Down), "");
    assert_eq!(recall(KeyCode::Up), "second\nline");
    assert_eq!(recall(KeyCode::Up), "first");
    assert_eq!(recall(KeyCode::Up), "first");
    assert_eq!(recall(KeyCode::Down), "second\nline");
    // A message that arrives above does not change which one it is.
    state.on_update(Update::Item {
        conversation: LENE,
        index: 0,
        item: Item::Message(own(4, "older")),
    });
    press(&mut state, KeyCode::Up);
    assert_eq!(draft(&state), "first");
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Down);
    assert_eq!(draft(&state), "");
    // Once edited, it is a message with lines.
    press(&mut state, KeyCode::Up);
    type_text(&mut state, "s");
    press(&mut state, KeyCode::Up);
    assert_eq!(draft(&state), "second\nlines");
    let before = state.current().unwrap().draft.before_cursor().to_owned();
    assert_eq!(before, "secon");
    let effects = press(&mut state, KeyCode::Enter);
    let send = Effect::Send {
        conversation: LENE,
        text: MessageText("second\nlines".to_owned()),
    };
    assert_eq!(effects, [send]);
    press(&mut state, KeyCode::Down);
    assert_eq!(draft(&state), "");
}
