//! The rules that decide which commands of a conversation are enabled.

use crate::reason::{Reason, ReasonCode};
use crate::states::{CallConnectionState as Call, ConversationState};

/// The state that decides which commands are enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Situation {
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
pub(crate) type Rule = fn(&Situation) -> Result<(), Reason>;

impl Situation {
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

    const BEGUN: Situation = Situation {
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
            ("start",          Situation::start          as Rule, true,  [Some(()), None,     None,     None,     None,     None]),
            ("stop",           Situation::stop           as Rule, false, [None,     None,     Some(()), None,     Some(()), None]),
            ("accept, reject", Situation::answer         as Rule, false, [None,     Some(()), None,     None,     None,     None]),
            ("send_message",   Situation::send_message   as Rule, true,  [Some(()), Some(()), Some(()), Some(()), Some(()), None]),
            ("send_is_typing", Situation::send_is_typing as Rule, false, [None,     None,     None,     None,     Some(()), None]),
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
                let situation = Situation { chat, ..BEGUN };
                assert_eq!(rule(&situation).ok(), *enabled, "{name} in {chat:?}");
                let signed_out = rule(&Situation {
                    signed_in: false,
                    ..situation
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

    /// Each command that does not depend on the user's chat, in the situations that decide about it.
    #[test]
    fn commands_are_enabled_by_the_state_of_the_conversation() {
        let made = Situation {
            state: ConversationState::Created,
            ..BEGUN
        };
        let signed_out = |situation| Situation {
            signed_in: false,
            ..situation
        };
        let ending = Situation {
            ending: true,
            ..BEGUN
        };
        let acknowledgeable = Situation {
            acknowledgeable: true,
            ..BEGUN
        };
        let joinable = Situation {
            chat: Call::Disconnected,
            state: ConversationState::Disconnected,
            joinable: true,
            ..BEGUN
        };
        let unread = Situation {
            unread: true,
            ..BEGUN
        };
        let unknown = Situation {
            joinable: false,
            ..joinable
        };
        let inside = Situation {
            state: ConversationState::Connected,
            ..joinable
        };
        let complete = Situation {
            history_complete: true,
            ..BEGUN
        };
        let (invalid, no_sign_in) = (ReasonCode::InvalidState, ReasonCode::SignedOut);
        #[rustfmt::skip]
        let table: &[(&str, Rule, Situation, Option<&ReasonCode>)] = &[
            ("add, made",               Situation::add_participant, made,              None),
            ("add, made, signed out",   Situation::add_participant, signed_out(made),  None),
            ("add",                     Situation::add_participant, BEGUN,             None),
            ("add, signed out",         Situation::add_participant, signed_out(BEGUN), Some(&no_sign_in)),
            ("add, ending",             Situation::add_participant, ending,            Some(&invalid)),
            ("mark as read",            Situation::mark_as_read,    unread,            None),
            ("mark as read, nothing",   Situation::mark_as_read,    BEGUN,             Some(&invalid)),
            ("mark as read, signed out", Situation::mark_as_read,   signed_out(unread), Some(&no_sign_in)),
            ("join",                    Situation::join,            joinable,          None),
            ("join, signed out",        Situation::join,            signed_out(joinable), Some(&no_sign_in)),
            ("join, no address",        Situation::join,            unknown,           Some(&invalid)),
            ("join, joined",            Situation::join,            inside,            Some(&invalid)),
            ("topic, made",             Situation::set_topic,       made,              None),
            ("topic",                   Situation::set_topic,       BEGUN,             Some(&invalid)),
            ("acknowledge",             Situation::acknowledge,     acknowledgeable,   None),
            ("acknowledge, nothing",    Situation::acknowledge,     BEGUN,             Some(&invalid)),
            ("history",                 Situation::more_history,    BEGUN,             None),
            ("history, signed out",     Situation::more_history,    signed_out(BEGUN), Some(&no_sign_in)),
            ("history, complete",       Situation::more_history,    complete,          Some(&invalid)),
        ];
        for (name, rule, situation, refused) in table {
            let reason = rule(situation).err();
            assert_eq!(reason.as_ref().map(Reason::code), *refused, "{name}");
        }
    }
}
