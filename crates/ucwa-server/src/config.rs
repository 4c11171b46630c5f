//! What a server is told before it starts.

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
    /// The name that others see.
    pub display_name: String,
    /// The password of the `password` grant.
    pub password: String,
    /// What else is on the contact card.
    pub card: Card,
    /// The contact list.
    pub contacts: InitialContacts,
    /// The photo that the server serves. If there is none and the card has none either, the link to the photo leads to a 404.
    pub photo: Option<Photo>,
    /// The meetings that the user has scheduled.
    pub meetings: Vec<ScheduledMeeting>,
    /// How calls are forwarded. `None`, the default: the user has no enterprise voice, and cannot read it, nor the phones.
    pub enterprise_voice: Option<CallForwarding>,
    /// The pool at which the user is at home, if it is another than this one: what its addresses begin with, such as
    /// `https://pool2.contoso.com`. Who has proven to be the user is sent there (`user_ref`).
    pub home: Option<String>,
}

impl User {
    /// A user; `uri` may come with or without `sip:`.
    ///
    /// # Errors
    ///
    /// When `uri` isn't a SIP URI.
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
            contacts: InitialContacts::default(),
            photo: None,
            meetings: Vec::new(),
            enterprise_voice: None,
            home: None,
        })
    }

    /// `user@host` in lower case, as it stands in hrefs.
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

/// A token of another issuer, who told the server of it.
#[derive(Clone)]
#[non_exhaustive]
pub struct IssuedToken {
    /// The token, without `Bearer`.
    pub token: String,
    /// Whom it stands for.
    pub user: SipUri,
    /// Until when it is good, in the engine's time.
    pub good_until: Duration,
}

impl IssuedToken {
    /// A token for a user; `user` may come with or without `sip:`.
    ///
    /// # Errors
    ///
    /// When `user` isn't a SIP URI.
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

/// What a contact card says of a user besides the name and the address (`contact_ref`); what is absent is not on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Card {
    /// The job title.
    pub title: Option<String>,
    /// The department.
    pub department: Option<String>,
    /// The company.
    pub company: Option<String>,
    /// Where the office is.
    pub office: Option<String>,
    /// The number at work, as a `tel:` URI, like the other numbers.
    pub work_phone: Option<String>,
    /// The number of the mobile phone.
    pub mobile_phone: Option<String>,
    /// The number at home.
    pub home_phone: Option<String>,
    /// Another number.
    pub other_phone: Option<String>,
    /// The URL of a picture that another server keeps. It takes precedence over [`User::photo`].
    pub photo: Option<String>,
}

impl Card {
    /// The properties of a contact, or of the user, whose office is called otherwise.
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

/// Everything a server needs to know; [`ServerConfig::new`] and then change what differs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The accounts.
    pub users: Vec<User>,
    /// The groups that the organization keeps.
    pub distribution_groups: Vec<DistributionGroup>,
    /// The domain in the server's own name (`X-MS-Server-Fqdn`) and in its challenges.
    pub domain: String,
    /// What the absolute hrefs of autodiscovery and of the challenge begin with, such as `https://lyncweb.contoso.com`. `None`, the
    /// default, takes the origin that each request was sent to: the `Host` header, and `https` of a [`Server`](crate::Server) with TLS
    /// or behind a proxy that says so.
    pub origin: Option<String>,
    /// The seed of tokens and identifiers. `None`, the default: a [`Server`](crate::Server) takes a key from the operating system's
    /// randomness, so that the tokens of one server are unknown to the next. An [`Engine`](crate::Engine) alone takes the seed 0.
    pub seed: Option<Seed>,
    /// The wall time at the epoch of the engine's time; it gives dates. [`Server`](crate::Server) sets it.
    pub wall_at_epoch: SystemTime,
    /// Whether users have a mailbox in which their conversations can be archived; so it is by default. An application says with
    /// `conversationHistory` whether they are (`communication_ref`).
    pub history: bool,
    /// How long an invitation rings: 30 s, as documented for messagingInvitation.
    pub invitation_timeout: Duration,
    /// How long a message waits to be fetched by its receiver before it is lost and its sender told so: 30 s, as documented for message.
    pub message_timeout: Duration,
    /// How long an application lives without a pending GET: 15 minutes, as documented for `me`.
    pub inactivity_timeout: Duration,
    /// The life of a user's token: 28,289 s, as published.
    pub token_life: Duration,
    /// The life of a guest's token: an hour, as documented.
    pub guest_token_life: Duration,
    /// The tokens of another issuer that are taken besides the server's own (`AuthenticationUsingAzureAD`).
    pub issued: Vec<IssuedToken>,
    /// Where that issuer signs users in; challenges name it. `None`, the default, as of a server that has no other issuer.
    pub authorization_uri: Option<String>,
    /// Whether users can sign in at a page (`AuthenticationInUCWA`), which is `/PassiveAuth/PassiveAuth.aspx`: it takes a form with
    /// `username` and `password`, and sets a cookie. A passive grant needs that cookie, which is good for `token_life`. Off by default.
    pub passive: bool,
    /// Whom the web server takes the one on the connection to be where the Windows grant is asked for. This server does no handshake:
    /// this stands for its result. `None`, the default, is somebody whom it does not know.
    pub windows_user: Option<SipUri>,
}

impl ServerConfig {
    /// The usual limits, the domain `contoso.com`, and these users.
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
