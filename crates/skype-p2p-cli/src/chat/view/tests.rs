//! Tests of the views: drawn on a screen in memory.

use std::{fs, path::Path};

use crossterm::event::KeyCode;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Color,
};
use skype_p2p::{ConversationState, PersonStatus};

use super::{
    draw,
    theme::{Theme, ThemeName},
};
use crate::chat::{
    fixture::{
        JOHN, LENE, add, at, control, groups, john, lene, message, person, press, state, summary,
        text, type_text,
    },
    printable_text::PrintableText,
    state::{
        State,
        conversation::{Delivery, Invitation, Item},
        input::Input,
        update::{Connection, Presence, Update},
    },
};

/// Draws the state on a screen of its size. Returns the screen and the cursor.
pub(super) fn drawn(state: &State, theme: &Theme) -> (Buffer, Position) {
    let (columns, rows) = state.size;
    let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
    let cursor = draw(&mut buffer, state, theme);
    (buffer, cursor.unwrap_or_default())
}

/// The lines of the screen, without the spaces at their ends.
fn lines(buffer: &Buffer) -> Vec<String> {
    let columns = usize::from(buffer.area.width).max(1);
    let rows = buffer.content().chunks(columns);
    rows.map(|row| {
        let mut line = String::new();
        let mut covered = 0;
        for cell in row {
            if covered > 0 {
                covered -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            covered = crate::chat::wrapping::width(cell.symbol()).saturating_sub(1);
        }
        line.trim_end().to_owned()
    })
    .collect()
}

fn screen(state: &State) -> Vec<String> {
    lines(&drawn(state, &Theme::new(ThemeName::Dark, true)).0)
}

/// Compares the screen with the file of this name, or writes the file.
fn assert_screen(name: &str, state: &State) {
    let screen = screen(state).join("\n") + "\n";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/chat/view/screens");
    let file = folder.join(format!("{name}.txt"));
    if std::env::var_os("WRITE_SCREENS").is_some() {
        fs::write(&file, &screen).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        screen, expected,
        "{name}; WRITE_SCREENS=1 writes the file anew"
    );
}

/// A conversation with messages of every kind.
pub(super) fn busy_state() -> State {
    let mut state = state();
    add(
        &mut state,
        LENE,
        message(1, "Are you coming to lunch?", None),
    );
    let own = |number, words, delivery| message(number, words, Some(delivery));
    add(
        &mut state,
        LENE,
        own(2, "Yes, at noon.", Delivery::Delivered),
    );
    add(
        &mut state,
        LENE,
        message(3, "日本語のメニュー: https://contoso.com/menu", None),
    );
    add(&mut state, LENE, message(4, "שלום לכולם", None));
    let declined = Delivery::Failed(text("lenea@contoso.com declined the chat"));
    add(
        &mut state,
        LENE,
        own(
            60,
            "The first message of the afternoon is long enough to be broken into two lines.",
            Delivery::Delivered,
        ),
    );
    add(&mut state, LENE, own(61, "Hello?", declined));
    add(
        &mut state,
        LENE,
        own(62, "Are you there?", Delivery::Unknown),
    );
    state.on_update(Update::Item {
        conversation: LENE,
        index: usize::MAX,
        item: Item::Joined {
            name: text("John Doe"),
            at: at(700),
        },
    });
    add(&mut state, LENE, own(80, "On my way", Delivery::Sending));
    add(&mut state, JOHN, message(5, "Ping", None));
    add(&mut state, JOHN, message(6, "Ping", None));
    let mut typing = summary(LENE, lene());
    typing.is_group = true;
    typing.title = text("Lunch");
    typing.people.push(john());
    typing.typing = vec![text("Lene Aaling")];
    state.on_update(Update::Conversation(typing));
    type_text(&mut state, "Shall I bring");
    state
}

#[test]
fn a_conversation_shows_days_authors_marks_reasons_and_who_is_typing() {
    assert_screen("conversation", &busy_state());
}

#[test]
fn the_header_of_a_person_has_the_status_and_the_note() {
    let mut state = state();
    let header = |state: &State| screen(state)[0].split_off(21);
    let name = "Lene Aaling <lenea@contoso.com> (online) │ ";
    assert_eq!(header(&state), format!("{name}In building 7"));
    let mut tell = |status, note| {
        let presence = Presence {
            status,
            note: text(note),
        };
        state.on_update(Update::Presence {
            address: "sip:LeneA@contoso.com".to_owned(),
            presence,
        });
        header(&state)
    };
    assert_eq!(
        tell(PersonStatus::Online, "A note that does not fit"),
        format!("{name}A note that doe…")
    );
    assert_eq!(tell(PersonStatus::Online, ""), name.trim_end_matches(" │ "));
    assert_eq!(
        tell(PersonStatus::Unknown, "Hidden"),
        "Lene Aaling <lenea@contoso.com> │ Hidden"
    );
}

#[test]
fn the_cursor_is_behind_the_typed_text() {
    let (_, cursor) = drawn(&busy_state(), &Theme::new(ThemeName::Dark, true));
    assert_eq!(cursor, Position::new(21 + 2 + 13, 22));
    // A full line of the composer has 56 cells: the area without the prompt and the cell of the cursor.
    let mut state = state();
    type_text(&mut state, &"x".repeat(56));
    let (_, cursor) = drawn(&state, &Theme::new(ThemeName::Dark, true));
    assert_eq!(cursor, Position::new(79, 22));
    type_text(&mut state, "x");
    let (_, cursor) = drawn(&state, &Theme::new(ThemeName::Dark, true));
    assert_eq!(cursor, Position::new(21 + 2 + 1, 22));
}

#[test]
fn the_first_screen_names_the_first_keys() {
    let state = State::new("toshm@contoso.com", (80, 24), jiff::tz::TimeZone::UTC);
    assert_screen("welcome", &state);
}

#[test]
fn an_invitation_is_shown_with_its_message_and_its_keys() {
    let mut state = state();
    let mut invited = summary(LENE, lene());
    invited.state = ConversationState::Connecting;
    invited.invitation = Some(Invitation {
        from: text("Lene Aaling"),
        message: text("Lunch?"),
    });
    state.on_update(Update::Conversation(invited));
    assert_screen("invitation", &state);
    // A message that the user has begun stays visible.
    type_text(&mut state, "Hello");
    assert!(screen(&state)[22].ends_with("> Hello"));
}

#[test]
fn a_group_that_has_ended_and_a_lost_connection_are_shown() {
    let mut state = state();
    let mut group = summary(LENE, lene());
    group.title = text("Lene Aaling, John Doe");
    group.people.push(john());
    group.is_group = true;
    group.state = ConversationState::Disconnected;
    group.end = Some(text("the connection was lost"));
    group.missed = true;
    state.on_update(Update::Conversation(group));
    state.on_update(Update::Connection(Connection::Reconnecting {
        since: at(60),
    }));
    assert_screen("ended", &state);
}

#[test]
fn the_help_fits_a_screen_of_24_rows() {
    let mut state = busy_state();
    press(&mut state, KeyCode::F(1));
    assert_screen("help", &state);
}

#[test]
fn the_contacts_are_shown_by_group_and_the_results_by_name() {
    let mut state = busy_state();
    state.on_update(Update::Contacts(groups()));
    control(&mut state, 'o');
    press(&mut state, KeyCode::Down);
    assert_screen("contacts", &state);
    type_text(&mut state, "a");
    press(&mut state, KeyCode::Enter);
    state.on_update(Update::Found {
        query: "a".to_owned(),
        people: vec![person("Aaron", "aaron@contoso.com"), lene()],
        more: true,
    });
    assert_screen("search", &state);
}

#[test]
fn the_dialogs_for_the_own_presence_and_for_the_contact_list_show_their_keys() {
    let mut state = busy_state();
    control(&mut state, 's');
    press(&mut state, KeyCode::Down);
    assert_screen("presence", &state);
    press(&mut state, KeyCode::Esc);
    state.on_update(Update::Contacts(groups()));
    control(&mut state, 't');
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Down);
    assert_screen("groups", &state);
    press(&mut state, KeyCode::Char('d'));
    assert_screen("removal", &state);
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Up);
    press(&mut state, KeyCode::Char('r'));
    assert_screen("rename", &state);
}

#[test]
fn during_the_sign_in_the_screen_says_so() {
    let zone = jiff::tz::TimeZone::UTC;
    let state = State::signing_in("toshm@contoso.com", (80, 24), zone);
    assert_screen("signing_in", &state);
}

#[test]
fn a_field_shows_the_part_with_the_cursor() {
    let mut state = state();
    control(&mut state, 'f');
    type_text(&mut state, &"0123456789".repeat(9));
    let theme = Theme::new(ThemeName::Dark, true);
    let (buffer, cursor) = drawn(&state, &theme);
    assert_eq!(cursor, Position::new(79, 22));
    assert!(lines(&buffer)[22].ends_with("56789"));
    press(&mut state, KeyCode::Home);
    let (buffer, cursor) = drawn(&state, &theme);
    assert_eq!(cursor, Position::new(21 + 11, 22));
    assert!(lines(&buffer)[22].contains("not found: 01234"));
}

#[test]
fn a_found_message_is_marked() {
    let mut state = busy_state();
    control(&mut state, 'f');
    type_text(&mut state, "menu");
    assert_screen("find", &state);
    let theme = Theme::new(ThemeName::Dark, true);
    let (buffer, _) = drawn(&state, &theme);
    let marked = buffer.content().iter().filter(|cell| {
        let modifier = cell.modifier;
        modifier.contains(ratatui::style::Modifier::REVERSED) && cell.symbol() == "日"
    });
    assert_eq!(marked.count(), 1);
}

#[test]
fn on_a_small_screen_the_names_leave_room_for_the_status() {
    let mut state = state();
    let mut resize = |columns, rows| {
        state.on_input(Input::Resize { columns, rows });
        screen(&state)
    };
    let narrow = resize(40, 12);
    assert_eq!(narrow[0], "Lene Aaling <lenea@contoso.com> (online)");
    assert!(narrow[1..10].iter().all(String::is_empty), "{narrow:?}");
    assert_eq!(resize(39, 12)[0], "Lene Aaling (online) │ In building 7");
    assert_eq!(resize(20, 5)[0], "Lene Aaling (online)");
    let own = &resize(60, 12)[0];
    assert!(own.starts_with("Tosh Mes… (online) Lene"), "{own}");
    state.on_update(Update::Contacts(groups()));
    control(&mut state, 'o');
    state.on_input(Input::Resize {
        columns: 40,
        rows: 5,
    });
    let dialog = screen(&state);
    assert_eq!(dialog[2], "│Team                                  │");
    assert_eq!(dialog[3], "│  ● Lene Aa… <lenea@contoso.com> (onl…│");
}

#[test]
fn a_narrow_screen_has_no_list_and_no_screen_is_too_small() {
    let mut state = busy_state();
    state.on_input(Input::Resize {
        columns: 40,
        rows: 12,
    });
    assert_screen("narrow", &state);
    state.on_update(Update::Contacts(groups()));
    for open in [Some('o'), Some('t'), Some('s'), Some('f'), None] {
        press(&mut state, KeyCode::Esc);
        if let Some(key) = open {
            control(&mut state, key);
        }
        for (columns, rows) in (0..60).step_by(3).flat_map(|c| (0..9).map(move |r| (c, r))) {
            state.on_input(Input::Resize { columns, rows });
            drawn(&state, &Theme::new(ThemeName::Light, true));
            press(&mut state, KeyCode::PageUp);
            press(&mut state, KeyCode::Down);
            if open.is_none() {
                press(&mut state, KeyCode::F(1));
                drawn(&state, &Theme::new(ThemeName::Light, true));
            }
        }
    }
}

#[test]
fn without_colors_every_cell_has_the_colors_of_the_terminal() {
    let mut state = busy_state();
    for key in ['l', 'o', 't', 's', 'f'] {
        control(&mut state, key);
        for theme in [ThemeName::Dark, ThemeName::Light] {
            let has_color = |colors| {
                let (buffer, _) = drawn(&state, &Theme::new(theme, colors));
                let mut cells = buffer.content().iter();
                cells.any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
            };
            assert!(!has_color(false), "{key}");
            assert!(has_color(true), "{key}");
        }
        press(&mut state, KeyCode::Esc);
    }
}

/// Every place that shows the text of others, with every character that could control a terminal.
#[test]
fn no_control_character_reaches_the_screen() {
    let hostile: String = std::iter::once('\u{1b}')
        .chain('\0'..='\u{9f}')
        .chain('\u{2000}'..='\u{206f}')
        .chain(['\u{61c}', '\u{feff}', '\u{ad}', '\u{fff9}'])
        .filter(|c| !c.is_alphanumeric() && *c != ' ')
        .collect();
    let hostile_person = || {
        let mut it = person("", "x@contoso.com");
        it.name = text(&hostile);
        it.address = format!("sip:{hostile}@contoso.com");
        it
    };
    let mut state = State::new(&hostile, (200, 50), jiff::tz::TimeZone::UTC);
    let mut hostile_summary = summary(LENE, hostile_person());
    hostile_summary.typing = vec![text(&hostile)];
    state.on_update(Update::Conversation(hostile_summary));
    state.on_update(Update::Presence {
        address: hostile_person().address,
        presence: Presence {
            status: PersonStatus::Online,
            note: text(&hostile),
        },
    });
    add(&mut state, LENE, message(1, &hostile, None));
    let failed = Delivery::Failed(PrintableText::new(&hostile));
    add(&mut state, LENE, message(2, &hostile, Some(failed)));
    state.on_update(Update::Notice(text(&hostile)));
    state.on_input(Input::Paste(hostile.clone()));
    let mut groups = groups();
    groups[0].members = vec![hostile_person()];
    groups[0].name = text(&hostile);
    state.on_update(Update::Contacts(groups));
    for dialog in [false, true] {
        if dialog {
            control(&mut state, 'o');
            state.on_input(Input::Paste(hostile.clone()));
        }
        let (buffer, _) = drawn(&state, &Theme::new(ThemeName::Dark, true));
        for cell in buffer.content() {
            let bad = cell.symbol().chars().find(|c| {
                c.is_control() || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            });
            assert_eq!(bad, None);
        }
        // The escape is shown as a symbol in every area, so none of them shows the text as it came.
        let layout = state.layout();
        for area in [
            layout.account,
            layout.list,
            layout.header,
            layout.timeline,
            layout.activity,
            layout.composer,
            layout.footer,
        ] {
            let mut cells = area.positions().filter_map(|at| buffer.cell(at));
            let covered = dialog && area == layout.footer;
            assert!(
                covered || cells.any(|cell| cell.symbol() == "␛"),
                "{area:?}"
            );
        }
    }
}

#[test]
fn columns_with_text_from_right_to_left_are_kept_apart() {
    let state = busy_state();
    let screen = screen(&state);
    let hebrew = screen.iter().find(|line| line.contains('ש')).unwrap();
    assert!(hebrew.contains("│\u{200e}"), "{hebrew}");
    let latin = screen.iter().find(|line| line.contains("Yes")).unwrap();
    assert!(!latin.contains('\u{200e}'), "{latin}");
}

/// A number behind a text from right to left would be shown at its left.
#[test]
fn a_name_from_right_to_left_is_kept_apart_from_what_follows() {
    let mut state = State::new("toshm@contoso.com", (80, 24), jiff::tz::TimeZone::UTC);
    let hebrew = person("שלום", "x@contoso.com");
    let mut group = summary(LENE, hebrew.clone());
    group.is_group = true;
    state.on_update(Update::Me {
        name: text("שלום"),
        status: PersonStatus::Unknown,
        note: text(""),
    });
    state.on_update(Update::Conversation(group));
    state.on_update(Update::Conversation(summary(JOHN, hebrew.clone())));
    add(&mut state, JOHN, message(1, "Ping", None));
    let lines = screen(&state);
    assert_eq!(
        lines[0],
        format!("שלום{}\u{200e}שלום \u{200e}(2 people)", " ".repeat(17))
    );
    assert_eq!(
        lines[2],
        format!("· שלום{}\u{200e}1│\u{200e}", " ".repeat(13))
    );
    control(&mut state, 'n');
    state.on_update(Update::Presence {
        address: hebrew.address,
        presence: Presence {
            status: PersonStatus::Unknown,
            note: text("שלום 7"),
        },
    });
    let header = screen(&state).swap_remove(0);
    assert!(header.ends_with("│\u{200e} שלום 7"), "{header}");
}
