//! What sessions went through, counted: a fault that no session meets proves nothing.

use std::collections::BTreeMap;
use std::fmt;

/// Something that was felt: it reached a session that waited for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Trial {
    /// A request was refused with this status before anything was done.
    Refused(u16),
    /// A good token was taken for a bad one.
    Unauthorized,
    /// A request was refused with this status and the diagnostics of a bad ticket.
    Diagnosed(u16),
    /// Something on the way answered with this status in the server's place, after the server acted.
    Replaced(u16),
    /// A body was cut short, or was rubbish.
    Spoiled,
    /// The addresses in an answer were an impostor's.
    Lied,
    /// An answer came twice.
    Doubled,
    /// No connection was made while the server was down.
    Down,
    /// A proxy answered for a server that was down.
    DownBehindProxy,
    /// A pending GET was taken over by another process (409 PGetReplaced).
    PollReplaced,
    /// An application was ended for inactivity (410).
    Expired,
    /// A lost application was created anew.
    Recreated,
    /// A lost application was created anew after its creation had been asked for so often that a first attempt had failed.
    RecreatedLate,
    /// Who had lost an application looked for the server anew.
    Rediscovered,
    /// A page told how an invitation ended that no page had told the start of.
    Aggregated,
    /// An event spoke of what a request began before the request was answered.
    EventBeforeAnswer,
    /// A token took the place of an earlier one.
    TokenRenewed,
    /// A token was asked for when the earlier one was about to expire.
    TokenRenewedInTime,
}

impl Trial {
    /// Whether what came was another answer than the server's.
    pub(crate) fn is_false_answer(self) -> bool {
        matches!(
            self,
            Self::Refused(_)
                | Self::Diagnosed(_)
                | Self::Replaced(_)
                | Self::Spoiled
                | Self::Lied
                | Self::DownBehindProxy
        )
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(status) => write!(f, "refused-{status}"),
            Self::Unauthorized => f.write_str("unauthorized"),
            Self::Diagnosed(status) => write!(f, "diagnosed-{status}"),
            Self::Replaced(status) => write!(f, "replaced-{status}"),
            Self::Spoiled => f.write_str("spoiled"),
            Self::Lied => f.write_str("lied"),
            Self::Doubled => f.write_str("doubled"),
            Self::Down => f.write_str("down"),
            Self::DownBehindProxy => f.write_str("down-behind-proxy"),
            Self::PollReplaced => f.write_str("poll-replaced"),
            Self::Expired => f.write_str("expired"),
            Self::Recreated => f.write_str("recreated"),
            Self::RecreatedLate => f.write_str("recreated-late"),
            Self::Rediscovered => f.write_str("rediscovered"),
            Self::Aggregated => f.write_str("aggregated"),
            Self::EventBeforeAnswer => f.write_str("event-before-answer"),
            Self::TokenRenewed => f.write_str("token-renewed"),
            Self::TokenRenewedInTime => f.write_str("token-renewed-in-time"),
        }
    }
}

/// How often each [`Trial`] was felt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Felt(BTreeMap<Trial, u64>);

impl Felt {
    pub(crate) fn note(&mut self, trial: Trial) {
        *self.0.entry(trial).or_default() += 1;
    }

    /// How often this was felt.
    pub fn count(&self, trial: Trial) -> u64 {
        self.0.get(&trial).copied().unwrap_or_default()
    }

    /// Adds what was felt elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (trial, count) in &other.0 {
            *self.0.entry(*trial).or_default() += count;
        }
    }
}

/// `refused-503=2 spoiled=1`, without what was not felt.
impl fmt::Display for Felt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (trial, count)) in self.0.iter().enumerate() {
            let gap = if place == 0 { "" } else { " " };
            write!(f, "{gap}{trial}={count}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_felt_adds_up() {
        let mut one = Felt::default();
        one.note(Trial::Spoiled);
        let mut other = one.clone();
        other.note(Trial::Refused(503));
        other.add(&one);
        assert_eq!(other.count(Trial::Spoiled), 2);
        assert_eq!(other.count(Trial::Down), 0);
        assert_eq!(other.to_string(), "refused-503=1 spoiled=2");
    }
}
