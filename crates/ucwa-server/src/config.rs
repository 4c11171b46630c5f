//! The configuration of a server: its users, tokens of another issuer, and timeouts.

mod contact_list;
mod scheduled_meeting;
mod telephony;

use std::fmt;
use std::time::{Duration, SystemTime};

use ucwa_proto::{SipUri, SipUriError};

pub use contact_list::{DistributionGroup, InitialContacts};
pub use scheduled_meeting::ScheduledMeeting;
pub use telephony::{CallForwarding, ForwardingTarget, Photo};

use crate::seed::Seed;

/// A user with an account at the server.
#[derive(Clone)]
#[non_exhaustive]
pub struct User {
    /// The SIP URI, such as `sip:toshm@contoso.com`.
    pub uri: SipUri,
    /// The display name.
    pub display_name: String,
    /// The password of the `password` grant.
    pub password: String,
    /// The other properties of the contact card.
    pub card: Card,
    /// The user to whom this user reports. The contacts of myOrganizationGroup are the manager, the peers and the reports. A manager
    /// without an account is skipped.
    pub manager: Option<SipUri>,
    /// The contact list.
    pub contacts: InitialContacts,
    /// The photo that the server serves. Without this photo and without the URL of one on the card, the link to the photo answers 404.
    pub photo: Option<Photo>,
    /// The meetings that the user has scheduled.
    pub meetings: Vec<ScheduledMeeting>,
    /// The call forwarding settings of a user with enterprise voice. `None`, the default, is a user without: reading the settings
    /// or the phones answers 403.
    pub enterprise_voice: Option<CallForwarding>,
    /// The origin of the user's home pool, such as `https://pool2.contoso.com`, if it is another pool than this one. After the
    /// authentication the user is redirected there (`user_ref`).
    pub home: Option<String>,
}

impl User {
    /// A user. `uri` may be without `sip:`.
    ///
    /// # Errors
    ///
    /// If `uri` is not a SIP URI.
    pub fn new(
        uri: &str,
        display_name: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, SipUriError> {
        Ok(Self {
            uri: SipUri::parse(uri)?,
            display_name: display_name.into(),
            password: password.into(),
            card: Card::default(),
            manager: None,
            contacts: InitialContacts::default(),
            photo: None,
            meetings: Vec::new(),
            enterprise_voice: None,
            home: None,
        })
    }

    /// `user@host` in lower case, as in hrefs.
    pub(crate) fn address(&self) -> String {
        address(&self.uri)
    }
}

/// Hides the password.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("uri", &self.uri)
            .field("display_name", &self.display_name)
            .finish_non_exhaustive()
    }
}

/// A token of another issuer.
#[derive(Clone)]
#[non_exhaustive]
pub struct IssuedToken {
    /// The token, without `Bearer`.
    pub token: String,
    /// The user of the token.
    pub user: SipUri,
    /// The expiry time, in the engine's time.
    pub good_until: Duration,
}

impl IssuedToken {
    /// A token of a user. `user` may be without `sip:`.
    ///
    /// # Errors
    ///
    /// If `user` is not a SIP URI.
    pub fn new(
        token: impl Into<String>,
        user: &str,
        good_until: Duration,
    ) -> Result<Self, SipUriError> {
        Ok(Self {
            token: token.into(),
            user: SipUri::parse(user)?,
            good_until,
        })
    }
}

/// Hides the token.
impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken")
            .field("user", &self.user)
            .field("good_until", &self.good_until)
            .finish_non_exhaustive()
    }
}

/// The URI without its scheme and parameters, in lower case.
pub(crate) fn address(uri: &SipUri) -> String {
    let text = uri.as_str();
    let text = text.split_once(':').map_or(text, |(_, rest)| rest);
    let text = text.split(';').next().unwrap_or(text);
    text.to_ascii_lowercase()
}

/// The contact card of a user, without the name and the address (`contact_ref`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Card {
    /// The job title.
    pub title: Option<String>,
    /// The department.
    pub department: Option<String>,
    /// The company.
    pub company: Option<String>,
    /// The location of the office.
    pub office: Option<String>,
    /// The number at work: a `tel:` URI, as are the other numbers.
    pub work_phone: Option<String>,
    /// The number of the mobile phone.
    pub mobile_phone: Option<String>,
    /// The number at home.
    pub home_phone: Option<String>,
    /// Another number.
    pub other_phone: Option<String>,
    /// The URL of a photo at another server. It takes precedence over [`User::photo`].
    pub photo: Option<String>,
}

impl Card {
    /// The properties of the card. `office` is the name of the office's property, which differs between `contact` and `me`.
    pub(crate) fn properties(
        &self,
        office: &'static str,
    ) -> impl Iterator<Item = (&'static str, String)> {
        [
            ("title", &self.title),
            ("department", &self.department),
            ("company", &self.company),
            (office, &self.office),
            ("workPhoneNumber", &self.work_phone),
            ("mobilePhoneNumber", &self.mobile_phone),
            ("homePhoneNumber", &self.home_phone),
            ("otherPhoneNumber", &self.other_phone),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
    }
}

/// The configuration of a server. Start with [`ServerConfig::new`], and change fields.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The accounts.
    pub users: Vec<User>,
    /// The distribution groups of the organization.
    pub distribution_groups: Vec<DistributionGroup>,
    /// The domain in the name of the server (`X-MS-Server-Fqdn`) and in its challenges.
    pub domain: String,
    /// The origin of the absolute hrefs of autodiscovery and of the challenge, such as `https://lyncweb.contoso.com`. With
    /// `None`, the
    /// default, it is the origin of each request: its `Host` header, and `https` if the [`Server`](crate::Server) has TLS or a
    /// proxy
    /// reports it.
    pub origin: Option<String>,
    /// The seed of tokens and identifiers. With `None`, the default, a [`Server`](crate::Server) takes a key from the randomness
    /// of
    /// the operating system, so that no token of one server is valid for another; an [`Engine`](crate::Engine) alone takes the
    /// seed 0.
    pub seed: Option<Seed>,
    /// The wall time at the epoch of the engine's time, from which dates are computed. A [`Server`](crate::Server) sets it.
    pub wall_at_epoch: SystemTime,
    /// Whether conversations can be archived. The default is true. An application enables the archive with `conversationHistory`
    /// (`communication_ref`).
    pub history: bool,
    /// The timeout of an invitation: 30 s, as documented for messagingInvitation.
    pub invitation_timeout: Duration,
    /// The time until the receiver must acknowledge a message: 30 s, as documented for message. Afterwards the message has
    /// failed.
    pub message_timeout: Duration,
    /// How long an application continues without a pending GET: 15 minutes, as documented for `me`.
    pub inactivity_timeout: Duration,
    /// The validity of a user's token: 28,289 s, as published.
    pub token_life: Duration,
    /// The validity of a guest's token: an hour, as documented.
    pub guest_token_life: Duration,
    /// The tokens of another issuer that the server accepts (`AuthenticationUsingAzureAD`).
    pub issued: Vec<IssuedToken>,
    /// The URL at which the other issuer signs users in. Challenges name it. `None`, the default, if there is no other issuer.
    pub authorization_uri: Option<String>,
    /// Whether users can sign in on the page `/PassiveAuth/PassiveAuth.aspx` (`AuthenticationInUCWA`). The page accepts a form
    /// with
    /// `username` and `password`, and sets a cookie that is valid for `token_life`. A passive grant needs the cookie. False by
    /// default.
    pub passive: bool,
    /// The result of the handshake of the Windows grant, which this server does not do: the user of every connection. `None`, the
    /// default, if the handshake fails.
    pub windows_user: Option<SipUri>,
}

impl ServerConfig {
    /// The default configuration with these users and the domain `contoso.com`.
    pub fn new(users: impl IntoIterator<Item = User>) -> Self {
        Self {
            users: users.into_iter().collect(),
            distribution_groups: Vec::new(),
            domain: "contoso.com".to_owned(),
            origin: None,
            seed: None,
            wall_at_epoch: SystemTime::UNIX_EPOCH,
            history: true,
            invitation_timeout: Duration::from_secs(30),
            message_timeout: Duration::from_secs(30),
            inactivity_timeout: Duration::from_secs(15 * 60),
            token_life: Duration::from_secs(28_289),
            guest_token_life: Duration::from_secs(3600),
            issued: Vec::new(),
            authorization_uri: None,
            passive: false,
            windows_user: None,
        }
    }
}
