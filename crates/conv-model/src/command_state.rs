//! The rules that decide which commands of a conversation are enabled.

use crate::reason::{Reason, ReasonCode};
use crate::states::{CallConnectionState as Call, ConversationState};

/// The state that decides which commands are enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CommandState {
    pub(crate) signed_in: bool,
    pub(crate) state: ConversationState,
    /// The state of the user's chat.
    pub(crate) chat: Call,
    /// The user rejected or left, and no fact has reported the end yet.
    pub(crate) ending: bool,
    /// The conversation was accepted automatically and can be acknowledged.
    pub(crate) acknowledgeable: bool,
    /// All archived messages are loaded.
    pub(crate) history_complete: bool,
    /// The archive has messages that were not marked as read.
    pub(crate) unread: bool,
    /// The conversation is a conference whose address is known.
    pub(crate) joinable: bool,
    /// The conversation was removed from the model.
    pub(crate) removed: bool,
}

/// The reason why no command of a removed conversation is enabled.
pub(crate) fn gone() -> Reason {
    Reason::new(ReasonCode::Gone).with_message("the conversation was removed")
}

/// A rule: `Ok` if the command is enabled, otherwise the reason why it is not.
pub(crate) type Rule = fn(&CommandState) -> Result<(), Reason>;

impl CommandState {
    /// Whether the conversation is still in the model.
    pub(crate) fn exists(&self) -> Result<(), Reason> {
        if self.removed { Err(gone()) } else { Ok(()) }
    }

    pub(crate) fn start(&self) -> Result<(), Reason> {
        self.signed_in()?;
        self.not_ending()?;
        self.chat_is(&[Call::Disconnected])
    }

    pub(crate) fn join(&self) -> Result<(), Reason> {
        self.start()?;
        match self.state {
            _ if !self.joinable => Err(invalid("the address of the conference is not known")),
            ConversationState::Created | ConversationState::Disconnected => Ok(()),
            _ => Err(invalid("the user is in the conversation")),
        }
    }

    pub(crate) fn stop(&self) -> Result<(), Reason> {
        self.chat_is(&[Call::Connecting, Call::Connected])
    }

    pub(crate) fn answer(&self) -> Result<(), Reason> {
        self.chat_is(&[Call::Notified])
    }

    pub(crate) fn send_message(&self) -> Result<(), Reason> {
        self.signed_in()?;
        self.not_ending()?;
        self.chat_is(&[
            Call::Disconnected,
            Call::Notified,
            Call::Connecting,
            Call::Ringing,
            Call::Connected,
        ])
    }

    pub(crate) fn send_is_typing(&self) -> Result<(), Reason> {
        self.chat_is(&[Call::Connected])
    }

    pub(crate) fn acknowledge(&self) -> Result<(), Reason> {
        if self.acknowledgeable {
            Ok(())
        } else {
            Err(invalid("there is nothing to acknowledge"))
        }
    }

    pub(crate) fn more_history(&self) -> Result<(), Reason> {
        self.signed_in()?;
        if self.history_complete {
            Err(invalid("all archived messages are loaded"))
        } else {
            Ok(())
        }
    }

    pub(crate) fn mark_as_read(&self) -> Result<(), Reason> {
        self.signed_in()?;
        if self.unread {
            Ok(())
        } else {
            Err(invalid("no archived message is unread"))
        }
    }

    pub(crate) fn add_participant(&self) -> Result<(), Reason> {
        match self.state {
            ConversationState::Created => Ok(()),
            _ => self.signed_in().and_then(|()| self.not_ending()),
        }
    }

    pub(crate) fn set_topic(&self) -> Result<(), Reason> {
        match self.state {
            ConversationState::Created => Ok(()),
            _ => Err(invalid("the conversation has begun")),
        }
    }

    fn signed_in(&self) -> Result<(), Reason> {
        if self.signed_in {
            Ok(())
        } else {
            Err(Reason::new(ReasonCode::SignedOut))
        }
    }

    fn not_ending(&self) -> Result<(), Reason> {
        if self.ending {
            Err(invalid("the conversation is ending"))
        } else {
            Ok(())
        }
    }

    fn chat_is(&self, allowed: &[Call]) -> Result<(), Reason> {
        if allowed.contains(&self.chat) {
            return Ok(());
        }
        Err(invalid(match self.chat {
            Call::Disconnected => "the chat is not connected",
            Call::Notified => "the invitation was not answered yet",
            Call::Connecting | Call::Ringing => "the chat is connecting",
            Call::Connected => "the chat is connected",
            Call::Disconnecting => "the chat is disconnecting",
        }))
    }
}

fn invalid(message: &'static str) -> Reason {
    Reason::new(ReasonCode::InvalidState).with_message(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGUN: CommandState = CommandState {
        signed_in: true,
        state: ConversationState::Connecting,
        chat: Call::Connected,
        ending: false,
        acknowledgeable: false,
        history_complete: false,
        joinable: false,
        unread: false,
        removed: false,
    };

    /// Each command in each state of the user's chat, signed in and signed out.
    #[test]
    fn commands_are_enabled_by_the_state_of_the_users_chat() {
        #[rustfmt::skip]
        let table: &[(&str, Rule, bool, [Option<()>; 6])] = &[
            //                                                       needs    Disc.     Notif.    Conn.ing  Ringing   Conn.ed   Disc.ing
            ("start",          CommandState::start          as Rule, true,  [Some(()), None,     None,     None,     None,     None]),
            ("stop",           CommandState::stop           as Rule, false, [None,     None,     Some(()), None,     Some(()), None]),
            ("accept, reject", CommandState::answer         as Rule, false, [None,     Some(()), None,     None,     None,     None]),
            ("send_message",   CommandState::send_message   as Rule, true,  [Some(()), Some(()), Some(()), Some(()), Some(()), None]),
            ("send_is_typing", CommandState::send_is_typing as Rule, false, [None,     None,     None,     None,     Some(()), None]),
        ];
        let states = [
            Call::Disconnected,
            Call::Notified,
            Call::Connecting,
            Call::Ringing,
            Call::Connected,
            Call::Disconnecting,
        ];
        for (name, rule, needs_sign_in, enabled) in table {
            for (chat, enabled) in states.into_iter().zip(enabled) {
                let command_state = CommandState { chat, ..BEGUN };
                assert_eq!(rule(&command_state).ok(), *enabled, "{name} in {chat:?}");
                let signed_out = rule(&CommandState {
                    signed_in: false,
                    ..command_state
                });
                if *needs_sign_in {
                    assert_eq!(
                        signed_out.unwrap_err().code(),
                        &ReasonCode::SignedOut,
                        "{name} signed out"
                    );
                } else {
                    assert_eq!(signed_out.ok(), *enabled, "{name} signed out in {chat:?}");
                }
            }
        }
    }

    /// Each command that does not depend on the user's chat, in the states that decide about it.
    #[test]
    fn commands_are_enabled_by_the_state_of_the_conversation() {
        let made = CommandState {
            state: ConversationState::Created,
            ..BEGUN
        };
        let signed_out = |command_state| CommandState {
            signed_in: false,
            ..command_state
        };
        let ending = CommandState {
            ending: true,
            ..BEGUN
        };
        let acknowledgeable = CommandState {
            acknowledgeable: true,
            ..BEGUN
        };
        let joinable = CommandState {
            chat: Call::Disconnected,
            state: ConversationState::Disconnected,
            joinable: true,
            ..BEGUN
        };
        let unread = CommandState {
            unread: true,
            ..BEGUN
        };
        let unknown = CommandState {
            joinable: false,
            ..joinable
        };
        let inside = CommandState {
            state: ConversationState::Connected,
            ..joinable
        };
        let complete = CommandState {
            history_complete: true,
            ..BEGUN
        };
        let (invalid, no_sign_in) = (ReasonCode::InvalidState, ReasonCode::SignedOut);
        #[rustfmt::skip]
        let table: &[(&str, Rule, CommandState, Option<&ReasonCode>)] = &[
            ("add, made",               CommandState::add_participant, made,              None),
            ("add, made, signed out",   CommandState::add_participant, signed_out(made),  None),
            ("add",                     CommandState::add_participant, BEGUN,             None),
            ("add, signed out",         CommandState::add_participant, signed_out(BEGUN), Some(&no_sign_in)),
            ("add, ending",             CommandState::add_participant, ending,            Some(&invalid)),
            ("mark as read",            CommandState::mark_as_read,    unread,            None),
            ("mark as read, nothing",   CommandState::mark_as_read,    BEGUN,             Some(&invalid)),
            ("mark as read, signed out", CommandState::mark_as_read,   signed_out(unread), Some(&no_sign_in)),
            ("join",                    CommandState::join,            joinable,          None),
            ("join, signed out",        CommandState::join,            signed_out(joinable), Some(&no_sign_in)),
            ("join, no address",        CommandState::join,            unknown,           Some(&invalid)),
            ("join, joined",            CommandState::join,            inside,            Some(&invalid)),
            ("topic, made",             CommandState::set_topic,       made,              None),
            ("topic",                   CommandState::set_topic,       BEGUN,             Some(&invalid)),
            ("acknowledge",             CommandState::acknowledge,     acknowledgeable,   None),
            ("acknowledge, nothing",    CommandState::acknowledge,     BEGUN,             Some(&invalid)),
            ("history",                 CommandState::more_history,    BEGUN,             None),
            ("history, signed out",     CommandState::more_history,    signed_out(BEGUN), Some(&no_sign_in)),
            ("history, complete",       CommandState::more_history,    complete,          Some(&invalid)),
        ];
        for (name, rule, command_state, refused) in table {
            let reason = rule(command_state).err();
            assert_eq!(reason.as_ref().map(Reason::code), *refused, "{name}");
        }
    }
}
