//! The filters of `listen`: `--from` and `--event`.

use std::str::FromStr;

use super::Listen;
use crate::{address::domain, observer::Observation, sign_in::same_domain};

/// One user, `user@domain`, or all users of a domain, `@domain`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender(String);

impl FromStr for Sender {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.strip_prefix("sip:").unwrap_or(text);
        match domain(text) {
            Some(domain) if !domain.is_empty() => Ok(Self(text.to_owned())),
            _ => Err("expected user@domain or @domain"),
        }
    }
}

impl Sender {
    /// Whether the address, with or without `sip:`, is that of the user or in the domain.
    pub(crate) fn matches(&self, address: &str) -> bool {
        let address = address.trim_start_matches("sip:");
        if self.0.starts_with('@') {
            same_domain(address, &self.0)
        } else {
            self.0.eq_ignore_ascii_case(address)
        }
    }
}

/// Which observations `listen` acts on, and which of these it writes.
pub(crate) struct Filter {
    from: Vec<Sender>,
    events: Vec<String>,
}

impl Filter {
    pub(crate) fn new(args: &Listen) -> Self {
        Self {
            from: args.from.clone(),
            events: args.events.clone(),
        }
    }

    /// Whether the observation is written.
    pub(crate) fn shows(&self, observation: &Observation) -> bool {
        let event = observation.line.event.as_str();
        let wanted = self.events.is_empty() || self.events.iter().any(|name| name == event);
        wanted && self.accepts(observation)
    }

    /// Whether the observation is about a wanted sender. For a message of somebody else this is its author, for anything else
    /// in a conversation one of the participants. The sign-in is about no sender, and passes.
    pub(crate) fn accepts(&self, observation: &Observation) -> bool {
        let Some(conversation) = &observation.conversation else {
            return true;
        };
        if self.from.is_empty() {
            return true;
        }
        if let Some(message) = observation.incoming() {
            return self.is_from(&message.sender().id().get());
        }
        // The first participant is in the line, also after all have left.
        observation
            .line
            .conversation
            .iter()
            .any(|uri| self.is_from(uri))
            || conversation
                .participants()
                .snapshot()
                .iter()
                .any(|participant| self.is_from(&participant.person().id().get()))
    }

    fn is_from(&self, address: &str) -> bool {
        self.from.iter().any(|sender| sender.matches(address))
    }
}
