//! Sign-in: from credentials to an application on the server.
//!
//! The steps are discovery, the user resource, the application, and `makeMeAvailable`; each starts with the response to
//! the one before. The steps from the application on also replace an application that the server lost.

mod discovery;
mod resumption;
mod sign_out;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use ucwa_proto::{Origin, Resource, SipUri, Value};

use self::discovery::Discovery;
pub(crate) use self::resumption::Resumption;
use crate::chats::key_of;
use crate::config::Root;
use crate::event::{SessionEvent, SignInState};
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::Ticket;
use crate::operation::{Credentials, Outcome};
use crate::response::not_ucwa;
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

/// The timeout of a report of activity. After two lost reports, the third is still within the four minutes that the
/// server allows (`reportMyActivity_ref`).
const REPORT_TIMEOUT: Duration = Duration::from_secs(10);
/// The minimum interval between reports of activity.
const SHORTEST_REPORT_INTERVAL: Duration = Duration::from_secs(10);
/// The pause before a failed report of activity is repeated.
const REPORT_AGAIN: Duration = Duration::from_secs(15);

/// The state of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not started.
    Fresh,
    /// Creating the first application, or replacing a lost one.
    Entering,
    /// The application exists and the event channel is open.
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

    // The application.

    fn create_application(&mut self) {
        // Hrefs are relative to the host of the applications resource.
        self.core.base = Origin::of(&self.sign_in.applications).ok();
        let config = &self.core.config;
        let input = Resource::anonymous()
            .with_property("culture", config.culture.clone())
            .with_property("endpointId", self.sign_in.endpoint_id.clone())
            .with_property("userAgent", config.user_agent.clone());
        let exchange = self.core.with_input(
            Exchange::new(
                Purpose::CreateApplication,
                Method::POST,
                self.sign_in.applications.clone(),
            ),
            &input,
        );
        self.core.issue(exchange);
    }

    pub(crate) fn on_application_created(
        &mut self,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        if matches!(self.sign_in.phase, Phase::Leaving | Phase::Over) {
            return self.on_created_too_late(exchange, result);
        }
        let links = result.and_then(|response| {
            self.application_links(exchange, &response)?;
            // A new application is reported with 201 (`applications_ref`).
            self.sign_in.existed_before = response.status() == StatusCode::OK;
            Ok(())
        });
        match links {
            Ok(()) if self.was_recreated_by_another(exchange) => {
                let failure = Failure::new(FailureKind::ConnectionLost, Stage::Application);
                let message = "another process has created the application anew";
                self.yield_to(failure.with_message(message));
            }
            Ok(()) => self.make_available(),
            // The user has too many applications, or this user agent is not allowed: only the user can change that
            // (`ApplicationDashboard`).
            Err(failure) if failure.is_gone() && failure.status() == Some(410) => {
                self.sign_in_step_failed(failure.with_kind(FailureKind::Gone));
            }
            Err(failure) => self.sign_in_step_failed(failure),
        }
    }

    /// Whether the application that this session lost in a suspend was created anew by another process, which resumed this
    /// session in the meantime: the server had one before the first request for it.
    fn was_recreated_by_another(&self, creation: &Exchange) -> bool {
        let is_first = self.sign_in.attempts <= 1 && creation.attempts <= 1;
        let is_recreation = self.sign_in.reported_state == SignInState::SignedIn;
        self.sign_in.existed_before && is_recreation && is_first && self.was_suspended()
    }

    /// Makes the user available: otherwise no invitations arrive (`makeMeAvailable_ref`). The link is absent if that
    /// has happened already.
    fn make_available(&mut self) {
        let Some(href) = self.sign_in.links.make_me_available.clone() else {
            return self.read_application();
        };
        let url = match self.core.resolve(&href, Stage::Application) {
            Ok(url) => url,
            Err(failure) => return self.sign_in_step_failed(failure),
        };
        let text = |word: &'static str| Value::from(word);
        let formats = if self.core.config.html {
            vec![text("Plain"), text("Html")]
        } else {
            vec![text("Plain")]
        };
        // A new application must not change a status that the user has chosen since sign-in, in this session or
        // elsewhere.
        let status = match self.sign_in.reported_state {
            SignInState::SigningIn if !self.core.config.keep_status => Some("Online"),
            _ => self.people.chosen_status(),
        };
        let input = status
            .map_or_else(Resource::anonymous, |status| {
                Resource::anonymous().with_property("signInAs", status)
            })
            .with_property("supportedMessageFormats", Value::List(formats))
            .with_property("supportedModalities", Value::List(vec![text("Messaging")]));
        let exchange = self.core.with_input(
            Exchange::new(Purpose::MakeMeAvailable, Method::POST, url),
            &input,
        );
        self.core.issue(exchange);
    }

    pub(crate) fn on_made_available(
        &mut self,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let failure = self.core.effect(exchange, result).done().err();
        // Messages can be sent without it, so a failure is only logged. A second call is refused, without a further effect.
        if let Some(failure) = failure.filter(|failure| failure.subcode() != Some("AlreadyExists"))
        {
            tracing::warn!(%failure, "the server did not make the user available; invitations will not arrive");
        }
        self.read_application();
    }

    fn read_application(&mut self) {
        let href = self.sign_in.links.application.clone().unwrap_or_default();
        match self.core.resolve(&href, Stage::Application) {
            Ok(url) => self
                .core
                .issue(Exchange::new(Purpose::ReadApplication, Method::GET, url)),
            Err(failure) => self.sign_in_step_failed(failure),
        }
    }

    pub(crate) fn on_application_read(
        &mut self,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        if self.sign_in.resumption.is_under_way() {
            return self.on_resumed_application_read(exchange, result);
        }
        let read = result.and_then(|response| self.application_links(exchange, &response));
        match read {
            Ok(()) if self.sign_in.phase == Phase::Running => self.restart_channel(),
            Ok(()) => self.finish_sign_in(),
            Err(failure) if self.sign_in.phase == Phase::Running => {
                self.on_channel_unreadable(failure);
            }
            Err(failure) => self.sign_in_step_failed(failure),
        }
    }

    /// Takes the links of an application resource.
    fn application_links(
        &mut self,
        exchange: &Exchange,
        response: &Response<Bytes>,
    ) -> Result<(), Failure> {
        let application = self.core.resource(exchange, response)?;
        let missing = |name: &str| {
            not_ucwa(exchange, response).with_message(format!("the application has no {name}"))
        };
        let href = application
            .href()
            .ok_or_else(|| missing("self link"))?
            .to_owned();
        let events = application
            .link_href("events")
            .ok_or_else(|| missing("events link"))?
            .to_owned();
        let known = self.sign_in.links.application.as_deref();
        // A resumed session knows the absolute URL.
        if known.is_some_and(|known| key_of(&self.core, known) != key_of(&self.core, &href)) {
            // Operations that started in another application cannot continue in this one.
            let lost = Failure::new(FailureKind::ConnectionLost, Stage::Application)
                .with_message("the server created another application");
            tracing::warn!(failure = %lost, "the conversations of the previous application have ended");
            self.drop_application(&lost);
        }
        let of = |name: &str, rel: &str| {
            application
                .embedded(name)
                .and_then(|resource| resource.link_href(rel))
                .map(str::to_owned)
        };
        let links = ApplicationLinks {
            application: Some(href),
            events: Some(events),
            make_me_available: of("me", "makeMeAvailable"),
            report_my_activity: of("me", "reportMyActivity"),
            conversations: None,
        };
        self.core.batch = application.link_href("batch").map(str::to_owned);
        if let Some(me) = application.embedded("me") {
            let uri = me.text("uri").unwrap_or(&self.sign_in.sip_uri).to_owned();
            let name = me
                .text("name")
                .filter(|name| !name.is_empty())
                .map(str::to_owned);
            self.chats.me.clone_from(&uri);
            self.sign_in.name.clone_from(&name);
            if self.sign_in.reported_state == SignInState::SigningIn {
                self.core.emit(SessionEvent::Me { uri, name });
            }
        }
        self.people.apply_application(&mut self.core, &application);
        self.history.apply_application(&mut self.core, &application);
        self.sign_in.links = links;
        if let Some(communication) = application.embedded("communication") {
            self.apply_communication(communication);
        }
        Ok(())
    }

    /// Takes the links that start and list conversations.
    pub(crate) fn apply_communication(&mut self, communication: &Resource<'_>) {
        self.chats.apply_communication(communication);
        if let Some(href) = communication.link_href("conversations") {
            self.sign_in.links.conversations = Some(href.to_owned());
        }
    }

    /// Opens the event channel and reports the sign-in.
    fn finish_sign_in(&mut self) {
        self.sign_in.phase = Phase::Running;
        self.sign_in.application_since = self.core.now;
        self.begin_channel();
        if self.sign_in.phase != Phase::Running {
            // The events link leads to another host, and the session has ended.
            return;
        }
        self.report_sign_in();
        if self.sign_in.existed_before {
            self.list_conversations();
        }
        if let Some(ticket) = self.sign_in.ticket.take() {
            self.core.complete(ticket, Ok(Outcome::Done));
        }
    }

    /// Starts what belongs to an application, and reports the sign-in.
    fn report_sign_in(&mut self) {
        self.core
            .cancel_timers(|timer| matches!(timer, Timer::ReportActivity));
        self.core.arm(self.report_interval(), Timer::ReportActivity);
        self.people.begin(&mut self.core);
        self.history.begin(&mut self.core);
        if self.sign_in.reported_state == SignInState::SignedIn {
            tracing::info!("another application was created");
        }
        self.announce(SignInState::SignedIn, None);
    }

    pub(crate) fn report_activity(&mut self) {
        if self.sign_in.phase == Phase::Running
            && !self.core.is_under_way(&Purpose::ReportActivity)
            && let Some(href) = &self.sign_in.links.report_my_activity
            && let Ok(url) = self.core.resolve(href, Stage::Application)
        {
            let report = Exchange::new(Purpose::ReportActivity, Method::POST, url);
            self.core.issue(report.with_timeout(REPORT_TIMEOUT));
        }
        self.core.arm(self.report_interval(), Timer::ReportActivity);
    }

    fn report_interval(&self) -> Duration {
        let configured = self.core.config.activity_interval;
        configured.max(SHORTEST_REPORT_INTERVAL)
    }

    /// Repeats a failed report of activity before the next one is due. Otherwise the user appears idle.
    pub(crate) fn on_activity_reported(
        &mut self,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let Err(failure) = self.core.effect(exchange, result).done() else {
            return;
        };
        tracing::warn!(subcode = failure.subcode(), %failure, "activity could not be reported");
        let may_pass = match failure.status() {
            Some(status) => matches!(status, 408 | 429 | 500..),
            None => failure.transport_failure().is_some(),
        };
        if may_pass {
            self.core
                .cancel_timers(|timer| matches!(timer, Timer::ReportActivity));
            let pause = REPORT_AGAIN.min(self.report_interval());
            self.core.arm(pause, Timer::ReportActivity);
        }
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
        let for_good = matches!(
            failure.kind(),
            FailureKind::InvalidCredentials
                | FailureKind::NoCredentials
                | FailureKind::GrantNotOffered { .. }
                | FailureKind::Untrusted
                | FailureKind::PlainHttp
                | FailureKind::HomedOnline
                | FailureKind::Gone
        );
        if self.sign_in.reported_state == SignInState::SigningIn {
            let tried = std::mem::take(&mut self.sign_in.discovery.tried);
            self.give_up(failure.with_tried(tried));
        } else if for_good {
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
