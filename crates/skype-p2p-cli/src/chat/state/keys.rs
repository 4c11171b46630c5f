//! The keys of the client. The help and the guide list this table.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key does, except editing the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Send,
    NewLine,
    Next,
    Previous,
    NextWaiting,
    /// Go to the conversation in the place of the digit.
    Place,
    ScrollUp,
    ScrollDown,
    ScrollToEnd,
    People,
    Contacts,
    Presence,
    Accept,
    Decline,
    AddParticipant,
    Leave,
    Find,
    LoadConversations,
    Redraw,
    Suspend,
    Help,
    Quit,
}

/// A command with its keys.
pub(crate) struct Binding {
    keys: &'static [(KeyCode, KeyModifiers)],
    pub(crate) command: Command,
    pub(crate) help: &'static str,
}

impl Binding {
    /// The names of the keys, such as `Ctrl+N or Alt+Down`, or `Alt+1 to Alt+9`.
    pub(crate) fn names(&self) -> String {
        let names: Vec<String> = self.keys.iter().map(name).collect();
        match &*names {
            [first, _, .., last] => format!("{first} to {last}"),
            names => names.join(" or "),
        }
    }
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CONTROL: KeyModifiers = KeyModifiers::CONTROL;
const ALT: KeyModifiers = KeyModifiers::ALT;

/// All commands, in the order of the help.
pub(crate) const BINDINGS: [Binding; 22] = [
    Binding {
        keys: &[(KeyCode::Enter, NONE)],
        command: Command::Send,
        help: "send the message",
    },
    Binding {
        keys: &[(KeyCode::Enter, ALT), (KeyCode::Char('j'), CONTROL)],
        command: Command::NewLine,
        help: "begin a new line of the message",
    },
    Binding {
        keys: &[(KeyCode::Char('n'), CONTROL), (KeyCode::Down, ALT)],
        command: Command::Next,
        help: "go to the next conversation",
    },
    Binding {
        keys: &[(KeyCode::Char('p'), CONTROL), (KeyCode::Up, ALT)],
        command: Command::Previous,
        help: "go to the previous conversation",
    },
    Binding {
        keys: &[
            (KeyCode::Char('1'), ALT),
            (KeyCode::Char('2'), ALT),
            (KeyCode::Char('3'), ALT),
            (KeyCode::Char('4'), ALT),
            (KeyCode::Char('5'), ALT),
            (KeyCode::Char('6'), ALT),
            (KeyCode::Char('7'), ALT),
            (KeyCode::Char('8'), ALT),
            (KeyCode::Char('9'), ALT),
        ],
        command: Command::Place,
        help: "go to this conversation of the list",
    },
    Binding {
        keys: &[(KeyCode::Tab, NONE), (KeyCode::Char('a'), ALT)],
        command: Command::NextWaiting,
        help: "go to the next unread conversation",
    },
    Binding {
        keys: &[(KeyCode::PageUp, NONE)],
        command: Command::ScrollUp,
        help: "scroll up; at the top, load history",
    },
    Binding {
        keys: &[(KeyCode::PageDown, NONE)],
        command: Command::ScrollDown,
        help: "scroll down",
    },
    Binding {
        keys: &[(KeyCode::End, ALT)],
        command: Command::ScrollToEnd,
        help: "scroll to the newest message",
    },
    Binding {
        keys: &[(KeyCode::Char('o'), CONTROL)],
        command: Command::People,
        help: "open a chat: contacts and search",
    },
    Binding {
        keys: &[(KeyCode::Char('t'), CONTROL)],
        command: Command::Contacts,
        help: "change contacts and groups",
    },
    Binding {
        keys: &[(KeyCode::Char('s'), CONTROL)],
        command: Command::Presence,
        help: "set your status and note",
    },
    Binding {
        keys: &[(KeyCode::Char('y'), CONTROL)],
        command: Command::Accept,
        help: "accept the invitation",
    },
    Binding {
        keys: &[(KeyCode::Char('d'), CONTROL)],
        command: Command::Decline,
        help: "decline the invitation",
    },
    Binding {
        keys: &[(KeyCode::Char('g'), CONTROL)],
        command: Command::AddParticipant,
        help: "add a person to the conversation",
    },
    Binding {
        keys: &[(KeyCode::Char('x'), CONTROL)],
        command: Command::Leave,
        help: "leave the conversation; again: close it",
    },
    Binding {
        keys: &[(KeyCode::Char('f'), CONTROL)],
        command: Command::Find,
        help: "find text in the conversation",
    },
    Binding {
        keys: &[(KeyCode::Char('r'), CONTROL)],
        command: Command::LoadConversations,
        help: "load archived conversations",
    },
    Binding {
        keys: &[(KeyCode::Char('l'), CONTROL)],
        command: Command::Redraw,
        help: "draw the screen again",
    },
    Binding {
        keys: &[(KeyCode::Char('z'), CONTROL)],
        command: Command::Suspend,
        help: "suspend the client; fg continues it",
    },
    Binding {
        keys: &[(KeyCode::F(1), NONE)],
        command: Command::Help,
        help: "show the keys",
    },
    Binding {
        keys: &[(KeyCode::Char('q'), CONTROL), (KeyCode::Char('c'), CONTROL)],
        command: Command::Quit,
        help: "sign out and quit",
    },
];

/// The command of a key.
pub(crate) fn command(key: KeyEvent) -> Option<Command> {
    let pressed = (key.code, key.modifiers);
    BINDINGS
        .iter()
        .find(|binding| binding.keys.contains(&pressed))
        .map(|binding| binding.command)
}

fn name((code, modifiers): &(KeyCode, KeyModifiers)) -> String {
    let prefix = match *modifiers {
        CONTROL => "Ctrl+",
        ALT => "Alt+",
        _ => "",
    };
    let key = match code {
        KeyCode::Char(c) => c.to_ascii_uppercase().to_string(),
        // The crate for the terminal calls it Return on macOS.
        KeyCode::Enter => "Enter".to_owned(),
        other => other.to_string(),
    };
    format!("{prefix}{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_one_command() {
        let mut keys: Vec<_> = BINDINGS.iter().flat_map(|it| it.keys).map(name).collect();
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count);
        let next = KeyEvent::new(KeyCode::Down, ALT);
        assert_eq!(command(next), Some(Command::Next));
        assert_eq!(command(KeyEvent::new(KeyCode::Down, NONE)), None);
    }

    #[test]
    fn the_guide_lists_every_key() {
        let page = include_str!("../../../../../docs/src/chat.md");
        for binding in &BINDINGS {
            let row = format!("| {} | {} |", binding.names(), binding.help);
            assert!(page.contains(&row), "{row}");
        }
    }
}
