//! Finding the server: the discovery hosts, the redirects, and the user resource behind them.

use super::{Discovery, INTERNAL_GRACE, MAX_HOPS};
use crate::config::Root;
use crate::event::{SessionEvent, SignInState};
use crate::exchange::{Credential, DISCOVERY_TIMEOUT, Exchange, Purpose, RootSource};
use crate::failure::{Failure, FailureKind, Stage};
use crate::response::not_ucwa;
use crate::session::Session;
use crate::timers::Timer;
use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use ucwa_proto::Origin;

enum RootLink {
    User(String),
    Redirect(String),
}

impl Session {
    pub(super) fn discover(&mut self) {
        self.entry.discovery = Discovery::default();
        match self.core.config.root.clone() {
            Root::User(url) => self.read_user(url),
            Root::Url(url) => self.read_root(RootSource::Configured, url),
            Root::Domain => {
                let domain = self.entry.domain.clone();
                self.read_root(
                    RootSource::Internal,
                    format!("https://lyncdiscoverinternal.{domain}/"),
                );
                self.read_root(
                    RootSource::External,
                    format!("https://lyncdiscover.{domain}/"),
                );
            }
        }
    }

    pub(super) fn read_root(&mut self, source: RootSource, url: String) {
        self.entry.discovery.outstanding += 1;
        // A root decides where the password goes, so its host must be trusted although it gets no credential itself.
        let exchange = Exchange::new(Purpose::Root(source), Method::GET, url)
            .with_credential(Credential::TrustedHost)
            .with_timeout(DISCOVERY_TIMEOUT);
        self.core.issue(exchange);
    }

    pub(crate) fn on_root(
        &mut self,
        source: RootSource,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let discovery = &mut self.entry.discovery;
        discovery.outstanding = discovery.outstanding.saturating_sub(1);
        if discovery.done {
            return;
        }
        let found = result.and_then(|response| self.root_leads_to(exchange, &response));
        match found {
            Ok(RootLink::User(url)) => {
                let wait = source == RootSource::External && self.entry.discovery.outstanding > 0;
                if wait {
                    self.entry.discovery.held = Some(url);
                    self.core.arm(INTERNAL_GRACE, Timer::DiscoveryGrace);
                } else {
                    self.read_user(url);
                }
            }
            Ok(RootLink::Redirect(url)) => self.follow_redirect(url),
            Err(failure) => self.on_root_failed(exchange, failure),
        }
    }

    fn root_leads_to(
        &self,
        exchange: &Exchange,
        response: &Response<Bytes>,
    ) -> Result<RootLink, Failure> {
        if response.status() == StatusCode::UNAUTHORIZED
            && response.headers().contains_key(header::WWW_AUTHENTICATE)
        {
            // The configured address is the user resource itself.
            return Ok(RootLink::User(exchange.url.clone()));
        }
        let root = self.core.resource(exchange, response)?;
        let (href, link): (_, fn(String) -> RootLink) =
            match (root.link_href("redirect"), root.link_href("user")) {
                (Some(href), _) => (href, RootLink::Redirect),
                (None, Some(href)) => (href, RootLink::User),
                (None, None) => {
                    return Err(not_ucwa(exchange, response)
                        .with_message("the root has neither a user nor a redirect link"));
                }
            };
        Origin::of(&exchange.url)
            .and_then(|origin| origin.resolve(href))
            .map(link)
            .map_err(|error| not_ucwa(exchange, response).with_message(error.to_string()))
    }

    pub(super) fn follow_redirect(&mut self, url: String) {
        self.entry.discovery.hops += 1;
        if self.entry.discovery.hops > MAX_HOPS {
            let failure = Failure::new(FailureKind::UnexpectedAnswer, Stage::Discovery)
                .with_message(format!("more than {MAX_HOPS} redirects"));
            return self.entry_failed(failure);
        }
        self.read_root(RootSource::Redirect, url);
    }

    pub(super) fn on_root_failed(&mut self, exchange: &Exchange, failure: Failure) {
        let discovery = &mut self.entry.discovery;
        discovery
            .tried
            .push(format!("{}: {}", exchange.url, failure.brief()));
        // A host that is refused for its trust says more than one that does not answer.
        let telling = |failure: &Failure| {
            matches!(
                failure.kind(),
                FailureKind::Untrusted | FailureKind::HomedOnline
            )
        };
        if discovery.worst.as_ref().is_none_or(|worst| !telling(worst)) {
            discovery.worst = Some(failure);
        }
        if discovery.outstanding > 0 {
            return;
        }
        if let Some(url) = discovery.held.take() {
            return self.read_user(url);
        }
        let tried = std::mem::take(&mut discovery.tried);
        let Some(failure) = discovery.worst.take() else {
            return;
        };
        let unreachable = matches!(failure.kind(), FailureKind::Unreachable { .. });
        let failure = if unreachable || tried.len() > 1 && !telling(&failure) {
            failure.with_kind(FailureKind::Unreachable { tried })
        } else {
            failure
        };
        self.entry_failed(failure);
    }

    /// The internal host had its second.
    pub(crate) fn on_discovery_grace(&mut self) {
        if let Some(url) = self.entry.discovery.held.take() {
            self.read_user(url);
        }
    }

    pub(super) fn read_user(&mut self, url: String) {
        self.entry.discovery.done = true;
        self.core
            .abandon(|purpose| matches!(purpose, Purpose::Root(_)));
        self.core
            .cancel_timers(|timer| matches!(timer, Timer::DiscoveryGrace));
        self.entry.discovery.outstanding = 0;
        self.core
            .issue(Exchange::new(Purpose::User, Method::GET, url));
    }

    pub(crate) fn on_user(
        &mut self,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let next = result.and_then(|response| {
            let user = self.core.resource(exchange, &response)?;
            let (href, redirect) =
                match (user.link_href("redirect"), user.link_href("applications")) {
                    (Some(href), _) => (href, true),
                    (None, Some(href)) => (href, false),
                    (None, None) => {
                        return Err(not_ucwa(exchange, &response).with_message(
                            "the user has neither an applications nor a redirect link",
                        ));
                    }
                };
            let url = Origin::of(&exchange.url)
                .and_then(|origin| origin.resolve(href))
                .map_err(|error| not_ucwa(exchange, &response).with_message(error.to_string()))?;
            Ok((url, redirect))
        });
        match next {
            Ok((url, true)) => {
                self.entry.discovery.done = false;
                self.follow_redirect(url);
            }
            Ok((url, false)) => {
                self.entry.applications = url;
                self.entry.user.clone_from(&exchange.url);
                if self.entry.announced == SignInState::SigningIn {
                    self.core.emit(SessionEvent::Home {
                        user: exchange.url.clone(),
                    });
                }
                self.create_application();
            }
            Err(failure) => self.entry_failed(failure),
        }
    }
}
