//! The IDs of the groups in a contact list.

use std::fmt;

use super::Engine;
use super::identifiers::ApplicationId;
use super::reply::Refusal;
use super::routing::Parameter;

/// The ID of a group in a contact list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum GroupId {
    /// The pinned contacts.
    Pinned,
    /// The contacts that are in no group that the user created.
    Default,
    /// The delegates of the user.
    Delegates,
    /// The users who made the user their delegate.
    Delegators,
    /// The manager, the peers and the reports of the user.
    Organization,
    /// A group that the user created, by its number.
    Custom(u64),
    /// A distribution group of the organization, by its position in the configuration.
    Distribution(usize),
}

/// The text has the form of the IDs of real servers, which are base64. In a query, `+` and `=` must be escaped.
impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pinned => f.write_str("+100000000=="),
            Self::Default => f.write_str("+200000000=="),
            Self::Delegates => f.write_str("+300000000=="),
            Self::Delegators => f.write_str("+400000000=="),
            Self::Organization => f.write_str("+700000000=="),
            Self::Custom(number) => write!(f, "+5{number:08x}=="),
            Self::Distribution(position) => write!(f, "+6{position:08x}=="),
        }
    }
}

impl GroupId {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?.strip_suffix("==")?;
        let (kind, number) = digits.split_at_checked(1)?;
        let number = u64::from_str_radix(number, 16).ok()?;
        match (kind, number) {
            ("1", 0) => Some(Self::Pinned),
            ("2", 0) => Some(Self::Default),
            ("3", 0) => Some(Self::Delegates),
            ("4", 0) => Some(Self::Delegators),
            ("7", 0) => Some(Self::Organization),
            ("5", number) => Some(Self::Custom(number)),
            ("6", position) => usize::try_from(position).ok().map(Self::Distribution),
            _ => None,
        }
    }

    /// The ID as the value of a query parameter.
    pub(super) fn in_query(self) -> String {
        self.to_string().replace('+', "%2b").replace('=', "%3d")
    }
}

impl Parameter<'_> for GroupId {
    fn read(text: &str, _: &Engine, _: ApplicationId) -> Result<Self, Refusal> {
        Self::parse(text).ok_or(Refusal::NOT_FOUND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_ids_are_parsed_from_their_own_text() {
        for id in [
            GroupId::Pinned,
            GroupId::Default,
            GroupId::Delegates,
            GroupId::Delegators,
            GroupId::Organization,
            GroupId::Custom(17),
            GroupId::Distribution(3),
        ] {
            let text = id.to_string();
            assert_eq!(text.len(), 12);
            assert_eq!(GroupId::parse(&text), Some(id));
        }
        for text in [
            "",
            "+5",
            "+5==",
            "5000000011==",
            "+900000000==",
            "+1000000ff==",
        ] {
            assert_eq!(GroupId::parse(text), None, "{text}");
        }
        assert_eq!(GroupId::Custom(17).in_query(), "%2b500000011%3d%3d");
    }
}
