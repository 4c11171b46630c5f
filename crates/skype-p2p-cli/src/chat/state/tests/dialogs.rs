//! Tests of the dialogs.

use crossterm::event::KeyCode;
use skype_p2p::GroupType;

use super::current;
use crate::{
    chat::{
        fixture::{JOHN, LENE, control, groups, john, lene, person, press, state, text, type_text},
        state::{
            Dialog, State,
            contacts_dialog::ContactsDialog,
            input::Input,
            keys::BINDINGS,
            update::{ContactChange, ContactGroup, Effect, Update},
        },
    },
    presence::Availability,
};

#[test]
fn a_contact_is_chosen_with_the_arrows() {
    let mut state = state();
    state.on_update(Update::Contacts(groups()));
    control(&mut state, 'o');
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Up);
    let open = Effect::Open {
        address: "sip:johnd@contoso.com".to_owned(),
    };
    assert_eq!(press(&mut state, KeyCode::Enter), [open]);
    assert!(state.dialog.is_none());
    // What is typed before the chat is open is for John.
    assert_eq!(type_text(&mut state, "Hi"), []);
    let effects = state.on_update(Update::Opened(Some(JOHN)));
    assert_eq!(effects.first(), Some(&Effect::Seen(JOHN)));
    assert_eq!(current(&state), JOHN);
    assert_eq!(state.current().unwrap().draft.text(), "Hi");
}

#[test]
fn a_name_is_searched_and_the_first_result_chosen() {
    let mut state = state();
    control(&mut state, 'g');
    type_text(&mut state, "ada");
    let search = Effect::Search("ada".to_owned());
    assert_eq!(press(&mut state, KeyCode::Enter), [search]);
    let found = |query: &str| Update::Found {
        query: query.to_owned(),
        people: vec![person("Ada Byron", "adab@fabrikam.com")],
        more: false,
    };
    // The result of another query is late.
    state.on_update(found("other"));
    assert_eq!(press(&mut state, KeyCode::Enter), []);
    state.on_update(found("ada"));
    let invite = Effect::Invite {
        conversation: LENE,
        address: "sip:adab@fabrikam.com".to_owned(),
    };
    assert_eq!(press(&mut state, KeyCode::Enter), [invite]);
}

#[test]
fn a_typed_address_is_chosen_without_a_search() {
    let mut state = state();
    control(&mut state, 'o');
    state.on_input(Input::Paste("adab@fabrikam.com\n".to_owned()));
    let open = Effect::Open {
        address: "adab@fabrikam.com".to_owned(),
    };
    assert_eq!(press(&mut state, KeyCode::Enter), [open]);
    control(&mut state, 'o');
    assert_eq!(press(&mut state, KeyCode::Esc), []);
    assert!(state.dialog.is_none());
}

#[test]
fn a_status_and_a_note_are_published_if_they_have_changed() {
    let mut state = state();
    control(&mut state, 's');
    assert_eq!(press(&mut state, KeyCode::Enter), []);
    assert!(state.dialog.is_none());

    control(&mut state, 's');
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Down);
    let busy = Effect::SetStatus(Availability::Busy);
    assert_eq!(press(&mut state, KeyCode::Enter), [busy]);

    control(&mut state, 's');
    control(&mut state, 'u');
    state.on_input(Input::Paste("Out to\nlunch ".to_owned()));
    let note = Effect::SetNote("Out to lunch".to_owned());
    assert_eq!(press(&mut state, KeyCode::Enter), [note]);

    control(&mut state, 's');
    control(&mut state, 'u');
    press(&mut state, KeyCode::Up);
    let (note, reset) = (
        Effect::SetNote(String::new()),
        Effect::SetStatus(Availability::Reset),
    );
    assert_eq!(press(&mut state, KeyCode::Enter), [note, reset]);

    control(&mut state, 's');
    type_text(&mut state, "x");
    assert_eq!(press(&mut state, KeyCode::Esc), []);
    assert!(state.dialog.is_none());
}

/// The state with a contact list and its dialog, in which the row of this index is selected.
fn contacts(row: usize) -> State {
    let mut state = state();
    state.on_update(Update::Contacts(groups()));
    control(&mut state, 't');
    for _ in 0..=row {
        press(&mut state, KeyCode::Down);
    }
    state
}

fn key(state: &mut State, c: char) -> Vec<Effect> {
    press(state, KeyCode::Char(c))
}

fn change(change: ContactChange) -> [Effect; 1] {
    [Effect::ChangeContacts(change)]
}

/// The index of the selected row of the contact list.
fn selected(state: &State) -> Option<usize> {
    match &state.dialog {
        Some(Dialog::Contacts(ContactsDialog { selected, .. })) => *selected,
        _ => None,
    }
}

#[test]
fn a_person_is_added_to_the_selected_group() {
    let mut state = contacts(1);
    assert_eq!(key(&mut state, 'a'), []);
    type_text(&mut state, "adab@fabrikam.com");
    let add = ContactChange::Add {
        address: "sip:adab@fabrikam.com".to_owned(),
        group: Some("7".to_owned()),
    };
    assert_eq!(press(&mut state, KeyCode::Enter), change(add));
    assert!(matches!(state.dialog, Some(Dialog::Contacts(_))));

    // Without a contact list, the person is in no group.
    let mut state = crate::chat::fixture::state();
    control(&mut state, 't');
    key(&mut state, 'a');
    type_text(&mut state, "adab@fabrikam.com");
    let add = ContactChange::Add {
        address: "adab@fabrikam.com".to_owned(),
        group: None,
    };
    assert_eq!(press(&mut state, KeyCode::Enter), change(add));
}

#[test]
fn a_contact_is_moved_to_a_group_that_does_not_have_it() {
    let mut state = contacts(1);
    assert_eq!(key(&mut state, 'm'), []);
    let relocation = ContactChange::Move {
        address: "sip:lenea@contoso.com".to_owned(),
        from: "7".to_owned(),
        to: "others".to_owned(),
    };
    assert_eq!(press(&mut state, KeyCode::Enter), change(relocation));

    let mut full = groups();
    full[1].members.push(lene());
    state.on_update(Update::Contacts(full));
    assert_eq!(key(&mut state, 'm'), []);
    assert!(state.notice.is_some());
    assert_eq!(press(&mut state, KeyCode::Enter), []);
}

#[test]
fn a_removal_is_confirmed() {
    let remove = |group: Option<&str>| ContactChange::Remove {
        address: "sip:lenea@contoso.com".to_owned(),
        group: group.map(str::to_owned),
    };
    let mut state = contacts(1);
    // The first answer keeps the contact.
    assert_eq!(key(&mut state, 'd'), []);
    assert_eq!(press(&mut state, KeyCode::Enter), []);
    assert_eq!(key(&mut state, 'd'), []);
    assert_eq!(press(&mut state, KeyCode::Esc), []);
    press(&mut state, KeyCode::Delete);
    press(&mut state, KeyCode::Down);
    assert_eq!(press(&mut state, KeyCode::Enter), change(remove(Some("7"))));
    key(&mut state, 'd');
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Down);
    assert_eq!(press(&mut state, KeyCode::Enter), change(remove(None)));

    // A contact in no group can only be removed from the list.
    let mut state = contacts(4);
    key(&mut state, 'd');
    press(&mut state, KeyCode::Down);
    let ada = ContactChange::Remove {
        address: "sip:adab@fabrikam.com".to_owned(),
        group: None,
    };
    assert_eq!(press(&mut state, KeyCode::Enter), change(ada));
}

#[test]
fn groups_are_created_renamed_and_removed() {
    let mut state = contacts(0);
    key(&mut state, 'n');
    assert_eq!(press(&mut state, KeyCode::Enter), []);
    assert!(state.notice.is_some());
    type_text(&mut state, "Board");
    let create = ContactChange::CreateGroup {
        name: "Board".to_owned(),
    };
    assert_eq!(press(&mut state, KeyCode::Enter), change(create));

    key(&mut state, 'r');
    type_text(&mut state, " A");
    let rename = ContactChange::RenameGroup {
        group: "7".to_owned(),
        name: "Team A".to_owned(),
    };
    assert_eq!(press(&mut state, KeyCode::Enter), change(rename));

    key(&mut state, 'd');
    assert_eq!(press(&mut state, KeyCode::Enter), []);
    key(&mut state, 'd');
    press(&mut state, KeyCode::Down);
    let remove = ContactChange::RemoveGroup {
        group: "7".to_owned(),
    };
    assert_eq!(press(&mut state, KeyCode::Enter), change(remove));

    // Groups of the server are not.
    let mut state = contacts(3);
    for refused in ['r', 'd'] {
        state.notice = None;
        assert_eq!(key(&mut state, refused), []);
        assert!(state.notice.is_some(), "{refused}");
    }
    press(&mut state, KeyCode::Esc);
    assert!(state.dialog.is_none());
}

#[test]
fn the_members_of_a_distribution_group_cannot_be_changed() {
    let mut state = contacts(1);
    let mut distribution = groups();
    distribution[0].kind = GroupType::Distribution;
    state.on_update(Update::Contacts(distribution));
    for refused in ['a', 'm', 'd'] {
        state.notice = None;
        assert_eq!(key(&mut state, refused), []);
        assert!(state.notice.is_some(), "{refused}");
        assert!(matches!(state.dialog, Some(Dialog::Contacts(_))));
    }
}

#[test]
fn the_selected_contact_stays_selected_when_the_list_changes() {
    let mut state = contacts(2);
    let mut longer = groups();
    longer.insert(
        0,
        ContactGroup {
            id: "favorites".to_owned(),
            kind: GroupType::Favorites,
            name: text("Favorites"),
            members: vec![john()],
        },
    );
    state.on_update(Update::Contacts(longer));
    assert_eq!(selected(&state), Some(4));
    // John is no longer in the group: the row that takes the place is selected.
    let mut shorter = groups();
    shorter[0].members.pop();
    shorter.truncate(1);
    state.on_update(Update::Contacts(shorter));
    assert_eq!(selected(&state), Some(1));
    state.on_update(Update::Contacts(Vec::new()));
    assert_eq!(selected(&state), None);
}

#[test]
fn keys_of_the_conversation_do_nothing_in_a_dialog_but_quit_always_works() {
    let mut state = state();
    press(&mut state, KeyCode::F(1));
    assert!(matches!(state.dialog, Some(Dialog::Help { .. })));
    assert_eq!(control(&mut state, 'x'), []);
    assert!(state.dialog.is_none());
    control(&mut state, 'o');
    assert_eq!(control(&mut state, 'x'), []);
    assert_eq!(control(&mut state, 'n'), []);
    assert_eq!(control(&mut state, 'c'), [Effect::Quit]);
    assert_eq!(control(&mut state, 'l'), [Effect::Redraw]);
}

#[test]
fn the_help_scrolls_on_a_small_screen() {
    let mut state = state();
    state.on_input(Input::Resize {
        columns: 40,
        rows: 12,
    });
    press(&mut state, KeyCode::F(1));
    let first = |state: &State| match state.dialog {
        Some(Dialog::Help { first }) => Some(first),
        _ => None,
    };
    press(&mut state, KeyCode::Up);
    assert_eq!(first(&state), Some(0));
    for _ in 0..99 {
        press(&mut state, KeyCode::Down);
    }
    // The screen shows ten keys.
    assert_eq!(first(&state), Some(BINDINGS.len() - 10));
    press(&mut state, KeyCode::Up);
    assert_eq!(first(&state), Some(BINDINGS.len() - 11));
    press(&mut state, KeyCode::Enter);
    assert_eq!(first(&state), None);
}
