//! The identifiers and tokens that the server generates, from a seed.

use std::fmt;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng as _;

use crate::seed::Seed;

/// The ID of an application: in hrefs a decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ApplicationId(u64);

/// The ID of a view of a conversation: in hrefs a GUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ConversationId(u128);

/// The ID of an invitation as one application sees it: in hrefs 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct InvitationId(u128);

/// The ID of a conference: in its URI eight hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MeetingId(u32);

impl ApplicationId {
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl ConversationId {
    pub(super) fn parse(text: &str) -> Option<Self> {
        hexadecimal(&text.replace('-', "")).map(Self)
    }
}

impl MeetingId {
    pub(super) fn parse(text: &str) -> Option<Self> {
        u32::from_str_radix(text, 16).ok().map(Self)
    }
}

impl InvitationId {
    pub(super) fn parse(text: &str) -> Option<Self> {
        hexadecimal(text).map(Self)
    }
}

fn hexadecimal(text: &str) -> Option<u128> {
    (text.len() == 32)
        .then(|| u128::from_str_radix(text, 16).ok())
        .flatten()
}

impl fmt::Display for ApplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&guid(self.0))
    }
}

impl fmt::Display for MeetingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08X}", self.0)
    }
}

impl fmt::Display for InvitationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

fn guid(number: u128) -> String {
    let mut text = format!("{number:032x}");
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    text
}

fn number(rng: &mut ChaCha8Rng) -> u128 {
    (u128::from(rng.next_u64()) << 64) | u128::from(rng.next_u64())
}

/// The generator of identifiers and tokens.
pub(super) struct Identifiers {
    names: ChaCha8Rng,
    /// A separate random stream, so that the other identifiers do not depend on whether clients send correlation IDs.
    correlations: ChaCha8Rng,
    /// A separate random stream, so that the other identifiers do not depend on the contact lists and scheduled meetings.
    initial: ChaCha8Rng,
}

impl Identifiers {
    pub(super) fn new(seed: &Seed) -> Self {
        let names = seed.random();
        let mut correlations = names.clone();
        correlations.set_stream(1);
        let mut initial = names.clone();
        initial.set_stream(2);
        Self {
            names,
            correlations,
            initial,
        }
    }

    fn number(&mut self) -> u128 {
        number(&mut self.names)
    }

    /// A correlation ID.
    pub(super) fn correlation(&mut self) -> String {
        guid(number(&mut self.correlations))
    }

    pub(super) fn application(&mut self) -> ApplicationId {
        ApplicationId(100_000_000_000 + self.names.next_u64() % 900_000_000_000)
    }

    pub(super) fn conversation(&mut self) -> ConversationId {
        ConversationId(self.number())
    }

    pub(super) fn invitation(&mut self) -> InvitationId {
        InvitationId(self.number())
    }

    pub(super) fn meeting(&mut self) -> MeetingId {
        MeetingId(self.names.next_u32())
    }

    /// The ID of a meeting that the configuration schedules.
    pub(super) fn scheduled_meeting(&mut self) -> MeetingId {
        MeetingId(self.initial.next_u32())
    }

    /// The local part of a guest's address.
    pub(super) fn guest(&mut self) -> String {
        guid(self.number())
    }

    pub(super) fn thread(&mut self) -> String {
        format!("{:032x}", self.number())
    }

    /// The name of the property that a PUT must contain.
    pub(super) fn marker(&mut self) -> String {
        guid(self.number())
    }

    /// The name of the property that a PUT of a group or a privacy relationship must contain.
    pub(super) fn contact_list_marker(&mut self) -> String {
        guid(number(&mut self.initial))
    }

    pub(super) fn etag(&mut self) -> String {
        self.names.next_u32().to_string()
    }

    /// A token in the published form: `cwt=` and base64url.
    pub(super) fn token(&mut self) -> String {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut token = String::from("cwt=AAEB");
        for _ in 0..64 {
            let digit = usize::try_from(self.names.next_u32() % 64).unwrap_or_default();
            token.extend(DIGITS.get(digit).map(|digit| char::from(*digit)));
        }
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_the_published_form_and_can_be_parsed() {
        let mut names = Identifiers::new(&Seed::from(1));
        let conversation = names.conversation();
        let text = conversation.to_string();
        assert_eq!(text.len(), 36);
        assert_eq!(ConversationId::parse(&text), Some(conversation));
        let invitation = names.invitation();
        assert_eq!(invitation.to_string().len(), 32);
        assert_eq!(
            InvitationId::parse(&invitation.to_string()),
            Some(invitation)
        );
        let application = names.application();
        assert_eq!(application.to_string().len(), 12);
        assert_eq!(
            ApplicationId::parse(&application.to_string()),
            Some(application)
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_tokens() {
        let (mut one, mut two, mut other) = (
            Identifiers::new(&Seed::from(1)),
            Identifiers::new(&Seed::from(1)),
            Identifiers::new(&Seed::from(2)),
        );
        let token = one.token();
        assert_eq!(token, two.token());
        assert_ne!(token, other.token());
        assert_ne!(token, one.token());
    }
}
