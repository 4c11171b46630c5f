//! The contact lists of users at the start of the server, and the distribution groups of the organization.

use ucwa_proto::{SipUri, SipUriError};

/// The contact list of a user at the start of the server. Clients can change the list; a server with a store keeps the changes.
///
/// The server skips invalid entries: users without an account, repeated entries, groups with the name of another group, and
/// entries beyond the limits of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InitialContacts {
    /// The contacts that are in none of `groups`.
    pub contacts: Vec<SipUri>,
    /// The pinned contacts (`pinnedGroup_ref`).
    pub favorites: Vec<SipUri>,
    /// The groups that the user created: the name and the contacts of each (`group_ref`).
    pub groups: Vec<(String, Vec<SipUri>)>,
    /// The distribution groups in the list, by URI (`distributionGroup_ref`).
    pub distribution_groups: Vec<SipUri>,
    /// The delegates of the user (`delegatesGroup_ref`).
    pub delegates: Vec<SipUri>,
}

/// A group of users that the organization maintains (`distributionGroup_ref`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DistributionGroup {
    /// The SIP URI, such as `sip:sales@contoso.com`. The mail address of the group is the URI without `sip:`.
    pub uri: SipUri,
    /// The display name.
    pub name: String,
    /// The members: users and distribution groups. Two groups may contain each other.
    pub members: Vec<SipUri>,
}

impl DistributionGroup {
    /// A group without members. The prefix `sip:` of `uri` is optional.
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
