//! Sign-in: from credentials to an application on the server.
//!
//! The steps are discovery, the user resource, the application, and `makeMeAvailable`; each starts with the response to
//! the one before. The event channel opens beside the last step, and the application is read again beside the first requests
//! of the caller. The steps from the application on also replace an application that the server lost.

mod application;
mod discovery;
mod resumption;
mod sign_out;

use std::time::Duration;

use ucwa_proto::{Origin, SipUri};

use self::discovery::Discovery;
pub(crate) use self::resumption::Resumption;
use crate::config::Root;
use crate::core::Finished;
use crate::event::{SessionEvent, SignInState};
use crate::exchange::Purpose;
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::Ticket;
use crate::operation::{Credentials, Operation};
use crate::session::Session;
use crate::text_limits;
use crate::timers::Timer;
use crate::trust::Trust;

/// The maximum number of redirects on one path, before and after authentication.
const MAX_HOPS: u32 = 10;
/// How long discovery waits for the internal host after the external one has answered.
const INTERNAL_GRACE: Duration = Duration::from_secs(1);
/// The maximum number of applications in a row that are lost before they reach [`STABLE_AGE`].
const MAX_LOSSES: u32 = 5;
/// The age at which an application counts as stable. The first event page does not: `makeMeAvailable` causes one at
/// once, even in an application that is lost a moment later.
const STABLE_AGE: Duration = Duration::from_secs(5 * 60);
/// How long the session tries to replace a lost application.
const MAX_ABSENCE: Duration = Duration::from_secs(15 * 60);

/// How long polls may fail before an interruption of the channel is reported. The server reports a message as failed to its
/// sender if it is not fetched within this time (`message_ref`).
const INTERRUPTION: Duration = Duration::from_secs(30);

/// The state of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not started.
    Fresh,
    /// Creating the first application, or replacing a lost one, until the user is available.
    Entering,
    /// The application exists, the user is available, and the event channel is open.
    Running,
    /// The application is being deleted.
    Leaving,
    /// Ended. A session signs in once.
    Over,
}

#[derive(Debug)]
pub(crate) struct SignIn {
    pub(crate) phase: Phase,
    /// The state that the caller knows.
    reported_state: SignInState,
    ticket: Option<Ticket>,
    sign_out: Vec<Ticket>,
    sip_uri: String,
    domain: String,
    /// The user's display name, if the server knows one.
    name: Option<String>,
    /// The address of the user resource.
    user: String,
    discovery: Discovery,
    applications: String,
    endpoint_id: String,
    /// The links of the application and of its embedded resources.
    pub(crate) links: ApplicationLinks,
    /// The application was not read since the user became available, which adds links to it. What needs these links has not
    /// begun.
    is_unread: bool,
    /// The operations that wait for the further links.
    waiting: Vec<(Ticket, Operation)>,
    /// A page of events that arrived before the user was available.
    pub(crate) early_page: Option<Box<Finished>>,
    /// The application existed before: an earlier process created it, or a request whose response was lost.
    existed_before: bool,
    /// When the current application, or the last one, was entered.
    application_since: Duration,
    /// The number of applications lost in a row.
    losses: u32,
    /// The number of attempts to replace the application.
    attempts: u32,
    lost_at: Option<Duration>,
    /// The start of the interruption of the event channel that was reported to the caller.
    interrupted_since: Option<Duration>,
    /// The application of an earlier session, until it is clear whether the server still has it.
    pub(crate) resumption: Resumption,
}

/// The hrefs of the current application, which become invalid with it.
#[derive(Debug, Default)]
pub(crate) struct ApplicationLinks {
    pub(crate) application: Option<String>,
    pub(crate) events: Option<String>,
    pub(crate) make_me_available: Option<String>,
    pub(crate) report_my_activity: Option<String>,
    pub(crate) conversations: Option<String>,
}

impl SignIn {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Fresh,
            reported_state: SignInState::SignedOut,
            ticket: None,
            sign_out: Vec::new(),
            sip_uri: String::new(),
            domain: String::new(),
            name: None,
            user: String::new(),
            discovery: Discovery::default(),
            applications: String::new(),
            endpoint_id: String::new(),
            links: ApplicationLinks::default(),
            is_unread: false,
            waiting: Vec::new(),
            early_page: None,
            existed_before: false,
            application_since: Duration::ZERO,
            losses: 0,
            attempts: 0,
            lost_at: None,
            interrupted_since: None,
            resumption: Resumption::None,
        }
    }
}

impl Session {
    pub(crate) fn sign_in(&mut self, ticket: Ticket, credentials: Credentials) {
        if self.sign_in.phase != Phase::Fresh {
            let failure = Failure::new(FailureKind::WrongState, Stage::Command)
                .with_message("a session signs in once; create another session");
            return self.core.complete(ticket, Err(failure));
        }
        let (uri, domain, root) = match self.check(&credentials) {
            Ok(checked) => checked,
            Err(failure) => {
                self.sign_in.phase = Phase::Over;
                return self.core.complete(ticket, Err(failure));
            }
        };
        self.sign_in.sip_uri = uri;
        self.sign_in.ticket = Some(ticket);
        self.sign_in.phase = Phase::Entering;
        self.sign_in.endpoint_id = self
            .core
            .config
            .endpoint_id
            .clone()
            .unwrap_or_else(|| self.core.uuid());
        self.core.trust = Trust::new(self.core.config.trust.clone(), Some(&domain), root.as_ref());
        self.core.auth.credentials = Some(credentials);
        self.sign_in.domain = domain;
        self.announce(SignInState::SigningIn, None);
        match std::mem::replace(&mut self.sign_in.resumption, Resumption::None) {
            Resumption::Of(checkpoint) => self.enter(*checkpoint),
            _ => self.discover(),
        }
    }

    /// Checks the credentials and the configuration before anything is sent.
    fn check(
        &self,
        credentials: &Credentials,
    ) -> Result<(String, String, Option<Origin>), Failure> {
        let config = &self.core.config;
        let names = [
            ("culture", Some(&config.culture)),
            ("user agent", Some(&config.user_agent)),
            ("endpoint id", config.endpoint_id.as_ref()),
        ];
        for (name, value) in names {
            text_limits::check(
                name,
                value.map_or("", String::as_str),
                text_limits::NAME,
                Stage::Command,
            )?;
        }
        let invalid = |message: String| {
            Failure::new(FailureKind::InvalidArgument, Stage::Command).with_message(message)
        };
        if let Some(name) = credentials.guest() {
            text_limits::check(
                "display name",
                name,
                text_limits::DISPLAY_NAME,
                Stage::Command,
            )?;
            if name.is_empty() {
                return Err(invalid(
                    "an anonymous participant needs a display name".to_owned(),
                ));
            }
        }
        let uri =
            SipUri::parse(credentials.address()).map_err(|error| invalid(error.to_string()))?;
        let domain = uri
            .domain()
            .ok_or_else(|| invalid("the address has no domain".to_owned()))?;
        let root = match &config.root {
            Root::Domain => None,
            Root::Url(url) | Root::User(url) => Some(
                Origin::of(url)
                    .map_err(|error| invalid(format!("the root URL cannot be used: {error}")))?,
            ),
        };
        Ok((uri.as_str().to_owned(), domain.to_owned(), root))
    }

    /// Replaces an application that the server has lost (404 ApplicationNotFound), without asking the user
    /// (`ApplicationDashboard`). Everything in it has ended.
    pub(crate) fn application_lost(&mut self, failure: Failure) {
        if self.sign_in.resumption.is_under_way() {
            return self.sign_in_instead(failure);
        }
        let lost = failure.clone().with_kind(FailureKind::ConnectionLost);
        self.drop_application(&lost);
        let application_age = self.core.now.saturating_sub(self.sign_in.application_since);
        if self.sign_in.phase == Phase::Running && application_age >= STABLE_AGE {
            self.sign_in.losses = 0;
        }
        self.sign_in.losses += 1;
        self.sign_in.attempts = 0;
        self.sign_in.lost_at.get_or_insert(self.core.now);
        self.sign_in.phase = Phase::Entering;
        if self.sign_in.losses > MAX_LOSSES {
            return self.give_up(lost);
        }
        tracing::warn!(%failure, "the application is lost, and its conversations have ended; creating another one");
        self.interrupted(self.core.now, &lost);
        self.recreate_later(failure);
    }

    /// Ends everything that belongs to the application.
    fn drop_application(&mut self, lost: &Failure) {
        self.end_all(lost);
        // Another attempt to create an application may be in flight. There must not be two.
        self.core
            .abandon(|purpose| !matches!(purpose, Purpose::Token(_) | Purpose::Challenge(_)));
        self.core.cancel_timers(|timer| {
            matches!(
                timer,
                Timer::ReportActivity
                    | Timer::Recreate
                    | Timer::ListConversations
                    | Timer::DiscoveryGrace
            )
        });
        self.sign_in.links = ApplicationLinks::default();
        self.sign_in.is_unread = true;
    }

    fn recreate_later(&mut self, failure: Failure) {
        let lost_at = self.sign_in.lost_at.unwrap_or(self.core.now);
        if self.core.now.saturating_sub(lost_at) >= MAX_ABSENCE {
            return self.give_up(failure.with_kind(FailureKind::ConnectionLost));
        }
        self.interrupted_since(lost_at, &failure);
        self.sign_in.attempts += 1;
        let doublings = self.sign_in.attempts + self.sign_in.losses;
        let pause = self.core.backoff(
            Duration::from_millis(250),
            doublings,
            Duration::from_secs(30),
        );
        self.core.arm(pause, Timer::Recreate);
    }

    pub(crate) fn recreate(&mut self) {
        if self.sign_in.phase != Phase::Entering {
            return;
        }
        match self.sign_in.attempts {
            0..=2 => self.create_application(),
            // The user may have been moved to another pool, so the user resource is read first, and discovery is the
            // fallback.
            3 => {
                self.sign_in.discovery = Discovery::default();
                self.read_user(self.sign_in.user.clone(), 0);
            }
            _ => self.discover(),
        }
    }

    /// Handles a failed step: fatal at sign-in, otherwise repeated later, unless the refusal is final. Repeated
    /// attempts with a wrong password lock the account.
    fn sign_in_step_failed(&mut self, failure: Failure) {
        if self.sign_in.reported_state == SignInState::SigningIn {
            let tried = std::mem::take(&mut self.sign_in.discovery.tried);
            self.give_up(failure.with_tried(tried));
        } else if is_final(&failure) {
            self.give_up(failure);
        } else {
            self.recreate_later(failure);
        }
    }

    /// Reports an interruption of the event channel if it has lasted for [`INTERRUPTION`].
    pub(crate) fn interrupted_since(&mut self, since: Duration, failure: &Failure) {
        if self.core.now.saturating_sub(since) >= INTERRUPTION {
            self.interrupted(since, failure);
        }
    }

    /// Reports an interruption of the event channel, once.
    pub(crate) fn interrupted(&mut self, since: Duration, failure: &Failure) {
        if self.sign_in.reported_state != SignInState::SignedIn
            || self.sign_in.interrupted_since.is_some()
        {
            return;
        }
        self.sign_in.interrupted_since = Some(since);
        let lasted = self.core.now.saturating_sub(since);
        let now = self.core.wall_now();
        tracing::warn!(seconds = lasted.as_secs(), %failure, "the event channel is interrupted; reconnecting");
        self.core.emit(SessionEvent::ChannelInterrupted {
            since: now.checked_sub(lasted).unwrap_or(now),
            failure: failure.clone().with_kind(FailureKind::ConnectionLost),
        });
    }

    /// Handles the arrival of a page, or a poll that the server held: the application exists and events arrive.
    pub(crate) fn on_channel_works(&mut self) {
        self.sign_in.lost_at = None;
        if let Some(since) = self.sign_in.interrupted_since.take()
            && self.sign_in.reported_state == SignInState::SignedIn
        {
            let lasted = self.core.now.saturating_sub(since);
            tracing::info!(seconds = lasted.as_secs(), "the event channel is restored");
            self.core.emit(SessionEvent::ChannelRestored);
        }
    }

    fn announce(&mut self, state: SignInState, failure: Option<Failure>) {
        if self.sign_in.reported_state != state {
            self.sign_in.reported_state = state;
            self.core.emit(SessionEvent::SignIn { state, failure });
        }
    }
}

/// Whether another attempt would fail, too, or would lock the account.
fn is_final(failure: &Failure) -> bool {
    matches!(
        failure.kind(),
        FailureKind::InvalidCredentials
            | FailureKind::NoCredentials
            | FailureKind::GrantNotOffered { .. }
            | FailureKind::Untrusted
            | FailureKind::PlainHttp
            | FailureKind::HomedOnline
            | FailureKind::Gone
    )
}
