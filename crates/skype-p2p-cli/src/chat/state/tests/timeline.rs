//! Tests of the reducer: the timeline: its lines, its position, and the search in it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::chat::{
    fixture::{
        JOHN, LENE, add, at, control, lene, message, press, state, summary, text, type_text,
    },
    state::{
        Dialog, State,
        conversation::Item,
        input::Input,
        update::{Effect, Update},
    },
    timeline_lines::TimelineLine,
};

#[test]
fn the_top_of_the_timeline_loads_history_once() {
    let mut state = state();
    let mut more = summary(LENE, lene());
    more.more_history = true;
    state.on_update(Update::Conversation(more));
    for number in 0..40 {
        add(&mut state, LENE, message(number, "line", None));
    }
    assert_eq!(press(&mut state, KeyCode::PageUp), []);
    assert_eq!(
        press(&mut state, KeyCode::PageUp),
        [Effect::LoadItems(LENE)]
    );
    assert_eq!(press(&mut state, KeyCode::PageUp), []);
    state.on_update(Update::Loaded(LENE));
    assert_eq!(
        press(&mut state, KeyCode::PageUp),
        [Effect::LoadItems(LENE)]
    );
    // The shown messages stay where they are when older ones come above them.
    let before = state.current().unwrap().anchor.unwrap();
    state.on_update(Update::Item {
        conversation: LENE,
        index: 0,
        item: Item::Message(message(0, "older", None)),
    });
    let after = state.current().unwrap().anchor.unwrap();
    assert_eq!((after.item, after.hidden), (before.item + 1, before.hidden));
    for _ in 0..3 {
        press(&mut state, KeyCode::PageDown);
    }
    assert_eq!(state.current().unwrap().anchor, None);
}

#[test]
fn messages_below_the_shown_part_are_unread() {
    let mut state = state();
    for number in 0..30 {
        add(&mut state, LENE, message(number, "line", None));
    }
    press(&mut state, KeyCode::PageUp);
    add(&mut state, LENE, message(31, "new", None));
    assert_eq!(state.current().unwrap().unread, 1);
    control(&mut state, 'n');
    control(&mut state, 'p');
    assert_eq!(state.current().unwrap().unread, 1);
    let seen = [Effect::Seen(LENE)];
    let effects: Vec<_> = (0..2)
        .flat_map(|_| press(&mut state, KeyCode::PageDown))
        .collect();
    assert_eq!(effects, seen);
    assert_eq!(state.current().unwrap().unread, 0);

    press(&mut state, KeyCode::PageUp);
    add(&mut state, LENE, message(32, "new", None));
    type_text(&mut state, "Hi");
    assert_eq!(press(&mut state, KeyCode::Enter)[..1], seen);
    assert_eq!(state.current().unwrap().unread, 0);
}

#[test]
fn a_chat_of_two_has_no_line_about_its_participants() {
    let mut state = state();
    let joined = Item::Joined {
        name: text("Lene Aaling"),
        at: at(0),
    };
    state.on_update(Update::Item {
        conversation: LENE,
        index: 0,
        item: joined,
    });
    add(&mut state, LENE, message(1, "Hi", None));
    let heights = |state: &State| {
        let conversation = state.current().unwrap();
        [0, 1].map(|index| state.lines(conversation, index).len())
    };
    // The day, the author and the text.
    assert_eq!(heights(&state), [0, 3]);
    let mut group = summary(LENE, lene());
    group.is_group = true;
    state.on_update(Update::Conversation(group));
    assert_eq!(heights(&state), [2, 2]);
}

#[test]
fn sending_shows_the_end_of_the_timeline() {
    let mut state = state();
    for number in 0..30 {
        add(&mut state, LENE, message(number, "line", None));
    }
    press(&mut state, KeyCode::PageUp);
    assert!(state.current().unwrap().anchor.is_some());
    type_text(&mut state, "Hi");
    press(&mut state, KeyCode::Enter);
    assert!(state.current().unwrap().anchor.is_none());
}

#[test]
fn text_is_found_from_the_newest_message_upwards() {
    let mut state = state();
    for number in 0..40 {
        let words = if number % 10 == 0 { "The Menu" } else { "line" };
        add(&mut state, LENE, message(number, words, None));
    }
    control(&mut state, 'f');
    type_text(&mut state, "menu");
    let at = |state: &State| match &state.dialog {
        Some(Dialog::Find(find)) => find.at,
        _ => None,
    };
    assert_eq!(at(&state), Some(30));
    press(&mut state, KeyCode::Enter);
    press(&mut state, KeyCode::Up);
    assert_eq!(at(&state), Some(10));
    // The found message is in the middle of the 20 rows.
    assert_eq!(state.current().unwrap().anchor.unwrap().item, 20);
    press(&mut state, KeyCode::Down);
    assert_eq!(at(&state), Some(20));
    type_text(&mut state, "s");
    assert_eq!(at(&state), None);
    press(&mut state, KeyCode::Esc);
    assert!(state.dialog.is_none());
}

#[test]
fn a_line_is_above_the_messages_that_are_new() {
    let mut state = state();
    add(&mut state, JOHN, message(1, "new", None));
    add(&mut state, JOHN, message(2, "too", None));
    let new = |state: &State| -> Vec<usize> {
        let conversation = state.current().unwrap();
        let indices = 0..conversation.items.len();
        indices
            .filter(|index| {
                state
                    .lines(conversation, *index)
                    .contains(&TimelineLine::New)
            })
            .collect()
    };
    control(&mut state, 'n');
    assert_eq!(new(&state), [0]);
    // Older messages come above the line.
    state.on_update(Update::Item {
        conversation: JOHN,
        index: 0,
        item: Item::Message(message(0, "older", None)),
    });
    assert_eq!(new(&state), [1]);
    // It goes with the conversation, or with the answer.
    control(&mut state, 'p');
    control(&mut state, 'n');
    assert!(new(&state).is_empty());
    control(&mut state, 'p');
    add(&mut state, JOHN, message(3, "newer", None));
    control(&mut state, 'n');
    assert_eq!(new(&state), [3]);
    type_text(&mut state, "Hi");
    press(&mut state, KeyCode::Enter);
    assert!(new(&state).is_empty());
}

#[test]
fn a_key_goes_to_the_end_of_the_timeline() {
    let mut state = state();
    for number in 0..1000 {
        add(&mut state, LENE, message(number, "line", None));
    }
    for _ in 0..40 {
        press(&mut state, KeyCode::PageUp);
    }
    let anchor = state.current().unwrap().anchor.unwrap();
    assert!(anchor.item < 900, "{anchor:?}");
    assert_eq!(
        add(&mut state, LENE, message(1000, "new", None)),
        [Effect::Ring]
    );
    let end = KeyEvent::new(KeyCode::End, KeyModifiers::ALT);
    assert_eq!(state.on_input(Input::Key(end)), [Effect::Seen(LENE)]);
    assert_eq!(state.current().unwrap().anchor, None);
}
