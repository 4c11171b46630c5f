//! Tests of the reducer.

mod dialogs;

use crossterm::event::KeyCode;
use jiff::tz::TimeZone;
use skype_p2p::{ConversationId, ConversationState};

use super::{
    Dialog, State,
    conversation::{Delivery, Invitation, Item},
    input::Input,
    update::{Effect, MessageText, Update},
};
use crate::chat::fixture::{
    JOHN, LENE, add, at, control, john, lene, message, press, state, summary, text, type_text,
};

fn current(state: &State) -> ConversationId {
    state.current().unwrap().summary.id
}

fn listed(state: &State) -> Vec<ConversationId> {
    state.listed().iter().map(|it| it.summary.id).collect()
}

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
fn messages_of_others_are_unread_until_their_conversation_is_shown() {
    let mut state = state();
    assert_eq!(
        add(&mut state, LENE, message(1, "a", None)),
        [Effect::Seen(LENE)]
    );
    add(&mut state, JOHN, message(2, "b", None));
    add(&mut state, JOHN, message(3, "c", None));
    add(&mut state, JOHN, message(4, "d", Some(Delivery::Sending)));
    let unread: Vec<_> = state.listed().iter().map(|it| it.unread).collect();
    assert_eq!(unread, [0, 2]);
    assert_eq!(press(&mut state, KeyCode::Tab), [Effect::Seen(JOHN)]);
    assert_eq!(state.current().unwrap().unread, 0);
    assert_eq!(press(&mut state, KeyCode::Tab), []);
    assert!(state.notice.is_some());
}

#[test]
fn archived_messages_are_not_unread() {
    let mut state = state();
    let mut ended = summary(JOHN, john());
    ended.state = ConversationState::Disconnected;
    state.on_update(Update::Conversation(ended));
    add(&mut state, JOHN, message(1, "archived", None));
    state.on_update(Update::Item {
        conversation: JOHN,
        index: 0,
        item: Item::Message(message(2, "older", None)),
    });
    assert_eq!(state.listed()[1].unread, 0);
    assert_eq!(state.listed()[1].items.len(), 2);
}

#[test]
fn the_messages_of_an_archived_conversation_are_loaded_when_it_is_shown() {
    let mut state = state();
    let mut archived = summary(JOHN, john());
    archived.state = ConversationState::Disconnected;
    archived.more_history = true;
    state.on_update(Update::Conversation(archived));
    assert_eq!(
        control(&mut state, 'n'),
        [Effect::Seen(JOHN), Effect::LoadItems(JOHN)]
    );
    add(&mut state, JOHN, message(1, "archived", None));
    state.on_update(Update::Loaded(JOHN));
    control(&mut state, 'p');
    assert_eq!(control(&mut state, 'n'), [Effect::Seen(JOHN)]);
}

#[test]
fn the_delivery_of_a_message_changes_in_place() {
    let mut state = state();
    add(&mut state, LENE, message(1, "Hi", Some(Delivery::Sending)));
    add(&mut state, LENE, message(2, "Ho", Some(Delivery::Sending)));
    let delivered = message(1, "Hi", Some(Delivery::Delivered));
    state.on_update(Update::Message {
        conversation: LENE,
        message: delivered.clone(),
    });
    let items = &state.current().unwrap().items;
    assert_eq!(items[0], Item::Message(delivered));
    assert_eq!(items.len(), 2);
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
fn an_invitation_is_answered_by_its_keys_only() {
    let mut state = state();
    assert_eq!(control(&mut state, 'y'), []);
    let mut invited = summary(LENE, lene());
    invited.state = ConversationState::Connecting;
    invited.invitation = Some(Invitation {
        from: text("Lene Aaling"),
        message: text("Lunch?"),
    });
    state.on_update(Update::Conversation(invited));
    type_text(&mut state, "y");
    assert_eq!(press(&mut state, KeyCode::Enter), []);
    assert_eq!(control(&mut state, 'y'), [Effect::Accept(LENE)]);
    assert_eq!(control(&mut state, 'd'), [Effect::Decline(LENE)]);
    assert_eq!(control(&mut state, 'x'), [Effect::Decline(LENE)]);
    control(&mut state, 'n');
    assert_eq!(press(&mut state, KeyCode::Tab), [Effect::Seen(LENE)]);
}

#[test]
fn a_conversation_is_left_and_then_closed() {
    let mut state = state();
    assert_eq!(control(&mut state, 'x'), [Effect::Leave(LENE)]);
    let mut ended = summary(LENE, lene());
    ended.state = ConversationState::Disconnected;
    state.on_update(Update::Conversation(ended));
    assert_eq!(listed(&state), [JOHN, LENE]);
    assert_eq!(control(&mut state, 'x'), [Effect::Remove(LENE)]);
    assert_eq!(
        state.on_update(Update::ConversationRemoved(LENE)),
        [Effect::Seen(JOHN)]
    );
    assert_eq!(listed(&state), [JOHN]);
    assert_eq!(state.on_update(Update::ConversationRemoved(JOHN)), []);
    assert!(state.current().is_none());
    for key in ['x', 'y', 'g', 'f', 'n'] {
        assert_eq!(control(&mut state, key), [], "{key}");
    }
    assert_eq!(press(&mut state, KeyCode::Enter), []);
}

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
    assert_eq!(add(&mut state, LENE, message(31, "new", None)), []);
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
fn keys_of_the_conversation_do_nothing_in_a_dialog_but_quit_always_works() {
    let mut state = state();
    press(&mut state, KeyCode::F(1));
    assert!(matches!(state.dialog, Some(Dialog::Help)));
    assert_eq!(control(&mut state, 'x'), []);
    assert!(state.dialog.is_none());
    control(&mut state, 'o');
    assert_eq!(control(&mut state, 'x'), []);
    assert_eq!(control(&mut state, 'n'), []);
    assert_eq!(control(&mut state, 'c'), [Effect::Quit]);
    assert_eq!(control(&mut state, 'l'), [Effect::Redraw]);
}

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
fn the_debug_output_has_no_text_of_a_message() {
    let mut state = state();
    add(&mut state, LENE, message(1, "hunter2", None));
    type_text(&mut state, "hunter3");
    let effects = press(&mut state, KeyCode::Enter);
    type_text(&mut state, "hunter4");
    assert!(!format!("{state:?} {effects:?}").contains("hunter"));
}
