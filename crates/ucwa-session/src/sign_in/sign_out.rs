//! The end of a session: sign-out, shutdown, and the end after a failure.

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
    /// Ends the session because of a failure.
    pub(crate) fn give_up(&mut self, failure: Failure) {
        self.end_all(&failure);
        self.delete_unobserved();
        self.finish_session(Some(failure));
    }

    pub(crate) fn sign_out(&mut self, ticket: Ticket) {
        match self.sign_in.phase {
            Phase::Fresh | Phase::Over => self.core.complete(ticket, Ok(Outcome::Done)),
            Phase::Leaving => self.sign_in.sign_out.push(ticket),
            Phase::Entering | Phase::Running => {
                self.sign_in.sign_out.push(ticket);
                let ended =
                    Failure::new(FailureKind::Ended, Stage::Command).with_message("signed out");
                self.end_all(&ended);
                let creating = self.core.stop_except(&Purpose::CreateApplication);
                if let Some(ticket) = self.sign_in.ticket.take() {
                    self.core.complete(ticket, Err(ended));
                }
                self.sign_in.phase = Phase::Leaving;
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

    /// Handles the creation of the application after the session has ended: deletes the application as soon as its href
    /// is known.
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
                        self.sign_in.links.application = href;
                        None
                    }
                    Err(failure) => Some(failure),
                }
            }
            Effect::Gone(_) | Effect::Refused(_) => None,
            // If the application was created, another process with this endpoint ID takes it over.
            Effect::Unclear(failure) => Some(failure),
        };
        match (self.sign_in.phase, failure) {
            (Phase::Leaving, None) => self.delete_and_finish(),
            (Phase::Leaving, failure) => self.finish_session(failure),
            _ => {
                self.delete_unobserved();
                self.erase();
            }
        }
    }

    pub(crate) fn on_application_deleted(
        &mut self,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        if self.sign_in.phase != Phase::Leaving {
            return;
        }
        let failure = match self.core.effect(exchange, result) {
            // An application that does not exist need not be deleted.
            Effect::Done(_) | Effect::Gone(_) => None,
            Effect::Refused(failure) | Effect::Unclear(failure) => Some(failure),
        };
        self.finish_session(failure);
    }

    /// Ends the session now. Every operation completes, and the deletion of the application is sent.
    pub(crate) fn shut_down(&mut self) {
        if self.sign_in.phase == Phase::Over {
            return;
        }
        let failure = Failure::new(FailureKind::Shutdown, Stage::Command);
        self.end_all(&failure);
        if self.core.stop_except(&Purpose::CreateApplication) {
            // The response to the creation may still arrive, and the deletion needs it. The session waits for nothing else.
            self.core.cancel_timers(|_| true);
            return self.conclude(Some(failure));
        }
        self.delete_unobserved();
        self.finish_session(Some(failure));
    }

    fn delete_application(&self) -> Option<Exchange> {
        let href = self.sign_in.links.application.as_deref()?;
        let url = self.core.resolve(href, Stage::Application).ok()?;
        Some(Exchange::new(
            Purpose::DeleteApplication,
            Method::DELETE,
            url,
        ))
    }

    /// Aborts everything and sends the deletion of the application without waiting for its response.
    fn delete_unobserved(&mut self) {
        let deletion = self.delete_application();
        self.core.stop();
        if let Some(exchange) = deletion {
            self.core.send_unobserved(exchange);
        }
    }

    fn finish_session(&mut self, failure: Option<Failure>) {
        // A token may still be in flight.
        self.core.stop();
        self.erase();
        self.conclude(failure);
    }

    /// Erases the tokens and the addresses.
    fn erase(&mut self) {
        self.sign_in.links = ApplicationLinks::default();
        self.core.auth.erase();
    }

    /// Reports the end of the session.
    fn conclude(&mut self, failure: Option<Failure>) {
        self.sign_in.phase = Phase::Over;
        if let Some(failure) = &failure {
            tracing::warn!(%failure, "the session ended");
        }
        self.announce(SignInState::SignedOut, failure.clone());
        let result = |failure: &Option<Failure>| failure.clone().map_or(Ok(Outcome::Done), Err);
        if let Some(ticket) = self.sign_in.ticket.take() {
            self.core.complete(ticket, result(&failure));
        }
        for ticket in std::mem::take(&mut self.sign_in.sign_out) {
            self.core.complete(ticket, result(&failure));
        }
    }
}
