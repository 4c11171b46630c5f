//! The application: its creation, `makeMeAvailable`, and the read of the links that the server adds then.
//!
//! The event channel opens beside `makeMeAvailable`, and the sign-in is reported when that is answered. The read, which brings the
//! links for the user's own presence and for reports of activity, runs beside the first requests of the caller. Conversations
//! wait for it only if the new application had no link to begin one.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use ucwa_proto::{Origin, Resource, Value};

use super::{ApplicationLinks, Phase, is_final};
use crate::chats::key_of;
use crate::core::Finished;
use crate::event::{SessionEvent, SignInState};
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::Ticket;
use crate::operation::{Operation, Outcome};
use crate::response::not_ucwa;
use crate::session::Session;
use crate::timers::Timer;

/// The timeout of a report of activity. After two lost reports, the third is still within the four minutes that the
/// server allows (`reportMyActivity_ref`).
const REPORT_TIMEOUT: Duration = Duration::from_secs(10);
/// The minimum interval between reports of activity.
const SHORTEST_REPORT_INTERVAL: Duration = Duration::from_secs(10);
/// The pause before a failed report of activity is repeated.
const REPORT_AGAIN: Duration = Duration::from_secs(15);

impl Session {
    pub(super) fn create_application(&mut self) {
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

    /// Makes the user available, because otherwise no invitations arrive (`makeMeAvailable_ref`), and opens the event channel. The
    /// link is absent if the user is available already, or is a guest.
    fn make_available(&mut self) {
        let Some(href) = self.sign_in.links.make_me_available.clone() else {
            self.sign_in.is_unread = false;
            self.begin_channel();
            return self.finish_sign_in();
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
        self.sign_in.is_unread = true;
        self.begin_channel();
    }

    pub(crate) fn on_made_available(
        &mut self,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let failure = self.core.effect(exchange, result).done().err();
        if failure.is_none() {
            self.chats.set_html(self.core.config.html);
        }
        // Messages can be sent without it, so a failure is only logged. A second call is refused, without a further effect.
        if let Some(failure) = failure.filter(|failure| failure.subcode() != Some("AlreadyExists"))
        {
            tracing::warn!(%failure, "the server did not make the user available; invitations will not arrive");
        }
        self.read_application();
        self.finish_sign_in();
    }

    /// Whether a page of events waits until the user is available, so that the sign-in is reported before the events.
    pub(crate) fn is_early_page(&self, result: &Result<Response<Bytes>, Failure>) -> bool {
        let is_page = |response: &Response<Bytes>| response.status().is_success();
        self.sign_in.phase == Phase::Entering && result.as_ref().is_ok_and(is_page)
    }

    /// Holds a page of events.
    pub(crate) fn hold_page(&mut self, page: Finished) {
        self.sign_in.early_page = Some(Box::new(page));
    }

    /// Handles the events of a page that waits, before its application ends: they have the results of what the caller has begun in
    /// an application that was created again. In the first application nothing has begun.
    pub(crate) fn end_early_page(&mut self) {
        let Some(page) = self.sign_in.early_page.take() else {
            return;
        };
        if let (poll, Ok(response)) = *page
            && self.sign_in.reported_state == SignInState::SignedIn
            && let Ok(page) = self.decode_page(&poll, &response)
        {
            self.on_events(&page, None);
        }
    }

    fn read_application(&mut self) {
        let href = self.sign_in.links.application.clone().unwrap_or_default();
        match self.core.resolve(&href, Stage::Application) {
            Ok(url) => self
                .core
                .issue(Exchange::new(Purpose::ReadApplication, Method::GET, url)),
            Err(failure) => self.on_application_unread(failure),
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
        let read = result.and_then(|response| {
            // The resource decides: an old server does not name the formats, and knows plain text only.
            self.chats.set_html(false);
            self.application_links(exchange, &response)
        });
        match read {
            Ok(()) => {
                if !self.is_polling() {
                    // The pages were unreadable, and the channel waited for this read.
                    self.restart_channel();
                }
                if self.is_waiting_for_application() {
                    self.begin_with_application();
                }
            }
            Err(failure) => self.on_application_unread(failure),
        }
    }

    /// Reads the application again later. Until then, chats work with the known links.
    fn on_application_unread(&mut self, failure: Failure) {
        if self.is_waiting_for_application() {
            if is_final(&failure) {
                return self.give_up(failure);
            }
            tracing::warn!(%failure, "the application could not be read after the sign-in");
            self.end_waiting(&failure);
            self.report_activity_in(REPORT_AGAIN);
        }
        if !self.is_polling() {
            self.on_channel_unreadable(failure);
        }
    }

    /// Takes the links of an application resource.
    pub(super) fn application_links(
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

    /// Reports the sign-in, and handles the page of events that waited for it.
    fn finish_sign_in(&mut self) {
        if self.sign_in.phase != Phase::Entering {
            // A link leads to another host, and the session has ended.
            return;
        }
        self.sign_in.phase = Phase::Running;
        self.sign_in.application_since = self.core.now;
        self.report_sign_in();
        if !self.sign_in.is_unread {
            self.begin_with_application();
        }
        if self.sign_in.existed_before {
            self.list_conversations();
        }
        if let Some(ticket) = self.sign_in.ticket.take() {
            self.core.complete(ticket, Ok(Outcome::Done));
        }
        if let Some(page) = self.sign_in.early_page.take() {
            let (poll, result) = *page;
            self.on_poll(&poll, result);
        }
    }

    pub(super) fn report_sign_in(&mut self) {
        if self.sign_in.reported_state == SignInState::SignedIn {
            tracing::info!("another application was created");
        }
        // With the sign-in, the caller learns whether the archive can be used and the contact list can be changed.
        self.history.begin(&mut self.core);
        self.people.report_writable(&mut self.core);
        self.announce(SignInState::SignedIn, None);
    }

    /// Starts what needs all links of an application, and the operations that waited for them.
    pub(super) fn begin_with_application(&mut self) {
        self.sign_in.is_unread = false;
        self.report_activity_in(self.report_interval());
        self.people.begin(&mut self.core);
        for (ticket, operation) in std::mem::take(&mut self.sign_in.waiting) {
            self.perform(ticket, operation);
        }
    }

    /// Whether an operation on people or on the history waits until the application has been read.
    pub(crate) fn is_waiting_for_application(&self) -> bool {
        self.sign_in.phase == Phase::Running && self.sign_in.is_unread
    }

    pub(crate) fn wait_for_application(&mut self, ticket: Ticket, operation: Operation) {
        self.sign_in.waiting.push((ticket, operation));
    }

    /// Fails the operations that wait for the application.
    pub(crate) fn end_waiting(&mut self, failure: &Failure) {
        for (ticket, _) in std::mem::take(&mut self.sign_in.waiting) {
            self.core.complete(ticket, Err(failure.clone()));
        }
    }

    pub(crate) fn report_activity(&mut self) {
        if self.sign_in.phase == Phase::Running {
            if self.sign_in.is_unread {
                // The link is still missing.
                if !self.core.is_under_way(&Purpose::ReadApplication) {
                    self.read_application();
                }
            } else if !self.core.is_under_way(&Purpose::ReportActivity)
                && let Some(href) = &self.sign_in.links.report_my_activity
                && let Ok(url) = self.core.resolve(href, Stage::Application)
            {
                let report = Exchange::new(Purpose::ReportActivity, Method::POST, url);
                self.core.issue(report.with_timeout(REPORT_TIMEOUT));
            }
        }
        self.report_activity_in(self.report_interval());
    }

    /// Sets the time until the next report of activity.
    fn report_activity_in(&mut self, pause: Duration) {
        self.core
            .cancel_timers(|timer| matches!(timer, Timer::ReportActivity));
        self.core.arm(pause, Timer::ReportActivity);
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
            self.report_activity_in(REPORT_AGAIN.min(self.report_interval()));
        }
    }
}
