//! The contact lists that users have when the server starts, and the distribution groups of the organization.

use ucwa_proto::{SipUri, SipUriError};

/// The contact list of a user when the server starts. The user can change it later; a server with a store keeps the changes.
///
/// Entries that the server would refuse are left out: people without an account, repeated entries, groups whose name is taken, and
/// everything beyond the limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InitialContacts {
    /// The contacts that are in no group.
    pub contacts: Vec<SipUri>,
    /// The favourites (`pinnedGroup_ref`).
    pub favorites: Vec<SipUri>,
    /// The groups of the user: the name of each, and its contacts (`group_ref`).
    pub groups: Vec<(String, Vec<SipUri>)>,
    /// The distribution groups in the list, by URI (`distributionGroup_ref`).
    pub distribution_groups: Vec<SipUri>,
    /// The delegates of the user (`delegatesGroup_ref`).
    pub delegates: Vec<SipUri>,
}

/// A group that the organization keeps (`distributionGroup_ref`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DistributionGroup {
    /// The SIP URI, such as `sip:sales@contoso.com`. Without `sip:` it is the mail address of the group.
    pub uri: SipUri,
    /// The name.
    pub name: String,
    /// The members: users, and other distribution groups, which may contain this one.
    pub members: Vec<SipUri>,
}

impl DistributionGroup {
    /// A group without members; `uri` may come with or without `sip:`.
    ///
    /// # Errors
    ///
    /// If `uri` is not a SIP URI.
    pub fn new(uri: &str, name: impl Into<String>) -> Result<Self, SipUriError> {
        Ok(Self {
            uri: SipUri::parse(uri)?,
            name: name.into(),
            members: Vec::new(),
        })
    }

    /// `name@host` in lower case.
    pub(crate) fn address(&self) -> String {
        super::address(&self.uri)
    }
}
