//! Tests of the reducer: the conversations, what waits in them, and their list.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use skype_p2p::{ConversationId, ConversationState};

use super::{current, listed};
use crate::chat::{
    fixture::{
        JOHN, LENE, add, control, john, lene, message, press, state, summary, text, type_text,
    },
    state::{
        State,
        conversation::{Delivery, Invitation, Item},
        input::Input,
        update::{Effect, Update},
    },
};

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
fn the_bell_rings_for_what_the_user_does_not_see() {
    let mut state = state();
    let seen = Effect::Seen(LENE);
    let incoming = |number| message(number, "Hi", None);
    assert_eq!(
        add(&mut state, LENE, incoming(1)),
        std::slice::from_ref(&seen)
    );
    assert_eq!(add(&mut state, JOHN, incoming(2)), [Effect::Ring]);
    let own = message(3, "Hi", Some(Delivery::Sending));
    assert_eq!(add(&mut state, JOHN, own), []);
    state.on_input(Input::Focus(false));
    let effects = add(&mut state, LENE, incoming(4));
    assert_eq!(effects, [seen.clone(), Effect::Ring]);
    state.on_input(Input::Focus(true));
    assert_eq!(add(&mut state, LENE, incoming(5)), [seen]);

    let mut invited = summary(JOHN, john());
    invited.state = ConversationState::Connecting;
    invited.invitation = Some(Invitation {
        from: text("John Doe"),
        message: text("Lunch?"),
    });
    let invite = || Update::Conversation(invited.clone());
    assert_eq!(state.on_update(invite()), [Effect::Ring]);
    assert_eq!(state.on_update(invite()), []);
}

/// So many conversations with John that the list of 22 rows does not show all of them.
fn many() -> (State, Vec<ConversationId>) {
    let mut state = state();
    let ids: Vec<_> = (10..60).map(ConversationId::Remote).collect();
    for id in &ids {
        state.on_update(Update::Conversation(summary(*id, john())));
    }
    (state, ids)
}

#[test]
fn a_digit_goes_to_the_conversation_in_its_place() {
    let (mut state, ids) = many();
    let mut go = |digit| {
        let key = KeyEvent::new(KeyCode::Char(digit), KeyModifiers::ALT);
        state.on_input(Input::Key(key));
        current(&state)
    };
    assert_eq!(go('2'), JOHN);
    assert_eq!(go('9'), ids[6]);
    assert_eq!(go('1'), LENE);
    assert_eq!(go('0'), LENE);
    let mut empty = State::new("toshm@contoso.com", (80, 24), TimeZone::UTC);
    let key = KeyEvent::new(KeyCode::Char('1'), KeyModifiers::ALT);
    assert_eq!(empty.on_input(Input::Key(key)), []);
}

#[test]
fn the_list_scrolls_only_as_far_as_the_selected_conversation_needs() {
    let (mut state, ids) = many();
    for _ in 0..25 {
        control(&mut state, 'n');
    }
    assert_eq!(current(&state), ids[23]);
    assert_eq!(state.first_listed, 4);
    // A conversation that the list shows is selected in its place.
    let click = Input::Click { column: 3, row: 3 };
    state.on_input(click);
    assert_eq!(current(&state), ids[4]);
    assert_eq!(state.first_listed, 4);
    for _ in 0..3 {
        control(&mut state, 'p');
    }
    assert_eq!(state.first_listed, 3);
    state.on_input(Input::Resize {
        columns: 80,
        rows: 60,
    });
    assert_eq!(state.first_listed, 0);
}
