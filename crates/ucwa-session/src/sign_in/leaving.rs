//! The way out: signing out, shutting down, and giving up.

use bytes::Bytes;
use http::{Method, Response};

use super::{ApplicationLinks, Phase};
use crate::event::SignInState;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::Ticket;
use crate::operation::Outcome;
use crate::response::Effect;
use crate::session::Session;

impl Session {
    /// It is over for a reason that nobody asked for.
    pub(crate) fn give_up(&mut self, failure: Failure) {
        self.end_all(&failure);
        self.farewell();
        self.finish_session(Some(failure));
    }

    pub(crate) fn sign_out(&mut self, ticket: Ticket) {
        match self.entry.phase {
            Phase::Fresh | Phase::Over => self.core.complete(ticket, Ok(Outcome::Done)),
            Phase::Leaving => self.entry.sign_out.push(ticket),
            Phase::Entering | Phase::Running => {
                self.entry.sign_out.push(ticket);
                let ended =
                    Failure::new(FailureKind::Ended, Stage::Command).with_message("signed out");
                self.end_all(&ended);
                let creating = self.core.stop_but(&Purpose::CreateApplication);
                if let Some(ticket) = self.entry.sign_in.take() {
                    self.core.complete(ticket, Err(ended));
                }
                self.entry.phase = Phase::Leaving;
                self.announce(SignInState::SigningOut, None);
                if !creating {
                    self.delete_and_finish();
                }
            }
        }
    }

    fn delete_and_finish(&mut self) {
        match self.delete_application() {
            Some(exchange) => self.core.issue(exchange),
            None => self.finish_session(None),
        }
    }

    /// The session ended while the application was being created: it is deleted as soon as it says where it is.
    pub(super) fn on_created_too_late(
        &mut self,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let failure = match self.core.effect(exchange, result) {
            Effect::Done(response) => {
                let application = self.core.resource(exchange, &response);
                match application.map(|it| it.href().map(str::to_owned)) {
                    Ok(href) => {
                        self.entry.links.application = href;
                        None
                    }
                    Err(failure) => Some(failure),
                }
            }
            Effect::Gone(_) | Effect::Refused(_) => None,
            // Another process with this endpoint id takes it up, if it was created.
            Effect::Unclear(failure) => Some(failure),
        };
        match (self.entry.phase, failure) {
            (Phase::Leaving, None) => self.delete_and_finish(),
            (Phase::Leaving, failure) => self.finish_session(failure),
            _ => {
                self.farewell();
                self.forget();
            }
        }
    }

    pub(crate) fn on_application_deleted(
        &mut self,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        if self.entry.phase != Phase::Leaving {
            return;
        }
        let failure = match self.core.effect(exchange, result) {
            // What is not there any more need not be deleted.
            Effect::Done(_) | Effect::Gone(_) => None,
            Effect::Refused(failure) | Effect::Unclear(failure) => Some(failure),
        };
        self.finish_session(failure);
    }

    /// Ends the session now: every operation completes, and the application is deleted if the request still gets out.
    pub(crate) fn shut_down(&mut self) {
        if self.entry.phase == Phase::Over {
            return;
        }
        let failure = Failure::new(FailureKind::Shutdown, Stage::Command);
        self.end_all(&failure);
        if self.core.stop_but(&Purpose::CreateApplication) {
            // Its answer may still come, and is what the deletion takes; nothing is waited for beyond that.
            self.core.cancel_timers(|_| true);
            return self.conclude(Some(failure));
        }
        self.farewell();
        self.finish_session(Some(failure));
    }

    fn delete_application(&self) -> Option<Exchange> {
        let href = self.entry.links.application.as_deref()?;
        let url = self.core.resolve(href, Stage::Application).ok()?;
        Some(Exchange::new(
            Purpose::DeleteApplication,
            Method::DELETE,
            url,
        ))
    }

    /// Stops everything and sends the deletion of the application, whose end nobody waits for.
    fn farewell(&mut self) {
        let deletion = self.delete_application();
        self.core.stop();
        if let Some(exchange) = deletion {
            self.core.send_unobserved(exchange);
        }
    }

    fn finish_session(&mut self, failure: Option<Failure>) {
        // A token may still be under way, which nobody needs any more.
        self.core.stop();
        self.forget();
        self.conclude(failure);
    }

    /// Nothing is left that would still take a token, or an address.
    fn forget(&mut self) {
        self.entry.links = ApplicationLinks::default();
        self.core.auth.forget();
    }

    /// Tells everybody that it is over.
    fn conclude(&mut self, failure: Option<Failure>) {
        self.entry.phase = Phase::Over;
        self.announce(SignInState::SignedOut, failure.clone());
        let result = |failure: &Option<Failure>| failure.clone().map_or(Ok(Outcome::Done), Err);
        if let Some(ticket) = self.entry.sign_in.take() {
            self.core.complete(ticket, result(&failure));
        }
        for ticket in std::mem::take(&mut self.entry.sign_out) {
            self.core.complete(ticket, result(&failure));
        }
    }
}
