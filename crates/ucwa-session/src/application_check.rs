//! The check whether the application exists, after a response that may only mean that a subscription to presence has expired.

use http::Method;

use crate::core::Finished;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, Stage};
use crate::people::{ContactsPurpose, PeoplePurpose};
use crate::session::Session;

impl Purpose {
    /// Whether the request addresses a subscription to presence, which expires before its application.
    fn is_of_presence_subscription(&self) -> bool {
        use PeoplePurpose::{Contacts, Extend, Unsubscribe};
        matches!(
            self,
            Self::People(Extend(_) | Unsubscribe | Contacts(ContactsPurpose::UnfollowPresence))
        )
    }
}

impl Session {
    /// Whether a response that reports a lost application may be about an expired subscription to presence. Both have the
    /// same status and code (`ExtendAPresenceSubscription`).
    pub(crate) fn may_be_expired_subscription(exchange: &Exchange, lost: &Failure) -> bool {
        lost.status() == Some(404) && exchange.purpose.is_of_presence_subscription()
    }

    /// Reads the application, and holds the response until then. Responses that arrive during the read share it.
    pub(crate) fn check_application(&mut self, finished: Finished) {
        self.unchecked.push(finished);
        if self.core.is_under_way(&Purpose::CheckApplication) {
            return;
        }
        let href = self.sign_in.links.application.as_deref();
        let url = href.and_then(|href| self.core.resolve(href, Stage::Application).ok());
        match url {
            Some(url) => {
                let read = Exchange::new(Purpose::CheckApplication, Method::GET, url);
                self.core.issue(read);
            }
            None => self.on_application_checked(),
        }
    }

    /// Handles the held responses as expired subscriptions. If the read had reported a lost application, the session would
    /// have dropped them with it. A read that failed otherwise proves nothing, and the pending GET reports a lost application,
    /// too.
    pub(crate) fn on_application_checked(&mut self) {
        for (exchange, result) in std::mem::take(&mut self.unchecked) {
            if let Purpose::People(purpose) = &exchange.purpose {
                self.people
                    .on_finished(&mut self.core, purpose, &exchange, result);
            }
        }
    }
}
