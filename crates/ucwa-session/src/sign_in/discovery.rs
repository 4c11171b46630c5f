//! Discovery: the discovery hosts, the redirects, and the user resource.

use super::{INTERNAL_GRACE, MAX_HOPS};
use crate::config::Root;
use crate::event::SessionEvent;
use crate::exchange::{
    Credential, DISCOVERY_TIME, DISCOVERY_TIMEOUT, Exchange, Purpose, RootSource,
};
use crate::failure::{Failure, FailureKind, Stage};
use crate::response::not_ucwa;
use crate::session::Session;
use crate::timers::Timer;
use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use std::collections::BTreeMap;
use std::time::Duration;
use ucwa_proto::Origin;

enum RootLink {
    User(String),
    Redirect(String),
}

/// The state of the discovery.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    /// The paths in progress. Each has one request in flight.
    open: BTreeMap<RootSource, DiscoveryPath>,
    /// The user resource that the external host named while the internal host may still answer, and the number of
    /// redirects.
    held: Option<(String, u32)>,
    /// The number of redirects that led to the user resource.
    hops: u32,
    /// The number of paths that failed.
    failed: u32,
    /// Each address with its result.
    pub(super) tried: Vec<String>,
    /// The most informative failure.
    failure: Option<Failure>,
}

/// A path to the user resource: a discovery host and the hosts that it redirects to.
#[derive(Clone, Copy, Debug, Default)]
struct DiscoveryPath {
    hops: u32,
    /// How long its hosts took to answer, without the time of questions to the user.
    elapsed: Duration,
}

impl Discovery {
    fn note(&mut self, url: &str, result: &str) {
        self.tried.push(format!("{url}: {result}"));
    }
}

impl Session {
    pub(super) fn discover(&mut self) {
        self.sign_in.discovery = Discovery::default();
        self.search();
    }

    fn search(&mut self) {
        match self.core.config.root.clone() {
            Root::User(url) => self.read_user(url, 0),
            Root::Url(url) => self.read_root(RootSource::Configured, DiscoveryPath::default(), url),
            Root::Domain => {
                let domain = self.sign_in.domain.clone();
                for (source, host) in [
                    (RootSource::Internal, "lyncdiscoverinternal"),
                    (RootSource::External, "lyncdiscover"),
                ] {
                    self.read_root(
                        source,
                        DiscoveryPath::default(),
                        format!("https://{host}.{domain}/"),
                    );
                }
            }
        }
    }

    fn read_root(&mut self, source: RootSource, path: DiscoveryPath, url: String) {
        self.sign_in.discovery.open.insert(source, path);
        // A root decides where the password is sent, so its host must be trusted although it receives no credential
        // itself.
        let exchange = Exchange::new(Purpose::Root(source), Method::GET, url)
            .with_credential(Credential::TrustedHost)
            .with_timeout(DISCOVERY_TIMEOUT)
            .within(DISCOVERY_TIME.saturating_sub(path.elapsed));
        self.core.issue(exchange);
    }

    pub(crate) fn on_root(
        &mut self,
        source: RootSource,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let discovery = &mut self.sign_in.discovery;
        let Some(mut path) = discovery.open.remove(&source) else {
            return;
        };
        let sent = exchange.first_sent.unwrap_or(self.core.now);
        let took = self.core.now.saturating_sub(sent);
        path.elapsed = path.elapsed.saturating_add(took);
        let internal_may_answer = discovery.open.contains_key(&RootSource::Internal);
        let found = result.and_then(|response| self.root_leads_to(exchange, &response));
        if let Ok(RootLink::User(url)) = &found {
            let note = format!("the user is at {url}");
            self.sign_in.discovery.note(&exchange.url, &note);
        }
        match found {
            Ok(RootLink::User(url)) if source == RootSource::External && internal_may_answer => {
                self.sign_in.discovery.held = Some((url, path.hops));
                self.core.arm(INTERNAL_GRACE, Timer::DiscoveryGrace);
            }
            Ok(RootLink::User(url)) => self.read_user(url, path.hops),
            Ok(RootLink::Redirect(url)) => self.follow_redirect(source, path, exchange, url),
            Err(failure) => self.on_path_failed(exchange, failure),
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
            // The configured address is the user resource.
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

    fn follow_redirect(
        &mut self,
        source: RootSource,
        path: DiscoveryPath,
        exchange: &Exchange,
        url: String,
    ) {
        let hops = path.hops + 1;
        if hops > MAX_HOPS {
            let failure = Failure::new(FailureKind::UnexpectedAnswer, exchange.purpose.stage())
                .with_message(format!("more than {MAX_HOPS} redirects"));
            return self.on_path_failed(exchange, failure);
        }
        let discovery = &mut self.sign_in.discovery;
        discovery.note(&exchange.url, &format!("redirects to {url}"));
        self.read_root(source, DiscoveryPath { hops, ..path }, url);
    }

    /// Ends a path. The other paths, and a result that is held, may still succeed.
    fn on_path_failed(&mut self, exchange: &Exchange, failure: Failure) {
        let discovery = &mut self.sign_in.discovery;
        discovery.note(&exchange.url, &failure.brief());
        discovery.failed += 1;
        // A refusal for lack of trust is more informative than a host that does not answer.
        let telling = |failure: &Failure| {
            matches!(
                failure.kind(),
                FailureKind::Untrusted | FailureKind::PlainHttp | FailureKind::HomedOnline
            )
        };
        let known = discovery.failure.as_ref();
        if known.is_none_or(|known| !telling(known)) {
            discovery.failure = Some(failure);
        }
        if !discovery.open.is_empty() {
            return;
        }
        if let Some((url, hops)) = discovery.held.take() {
            return self.read_user(url, hops);
        }
        let Some(failure) = discovery.failure.take() else {
            return;
        };
        let failure = if discovery.failed > 1 && !telling(&failure) {
            failure.with_kind(FailureKind::Unreachable { tried: Vec::new() })
        } else {
            failure
        };
        self.sign_in_step_failed(failure);
    }

    /// Handles the timeout of the internal host.
    pub(crate) fn on_discovery_grace(&mut self) {
        if let Some((url, hops)) = self.sign_in.discovery.held.take() {
            self.read_user(url, hops);
        }
    }

    /// Reads the user resource, after `hops` redirects.
    pub(super) fn read_user(&mut self, url: String, hops: u32) {
        self.core
            .abandon(|purpose| matches!(purpose, Purpose::Root(_)));
        self.core
            .cancel_timers(|timer| matches!(timer, Timer::DiscoveryGrace));
        let discovery = &mut self.sign_in.discovery;
        discovery.open.clear();
        discovery.held = None;
        discovery.hops = hops;
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
                let path = DiscoveryPath {
                    hops: self.sign_in.discovery.hops,
                    ..DiscoveryPath::default()
                };
                self.follow_redirect(RootSource::Redirect, path, exchange, url);
            }
            Ok((url, false)) => {
                self.sign_in.applications = url;
                if self.sign_in.user != exchange.url {
                    self.sign_in.user.clone_from(&exchange.url);
                    self.core.emit(SessionEvent::Home {
                        user: exchange.url.clone(),
                    });
                }
                self.create_application();
            }
            Err(failure) => {
                let discovery = &mut self.sign_in.discovery;
                let note = match failure.stage() {
                    Stage::User => failure.brief(),
                    _ => failure.to_string(),
                };
                discovery.note(&exchange.url, &note);
                if self.is_stale(exchange, &failure) {
                    self.core.config.root = Root::Domain;
                    return self.search();
                }
                self.sign_in_step_failed(failure);
            }
        }
    }

    /// Whether the address comes from an earlier sign-in and the user is no longer at that address: the refusal is
    /// final, no server answers there, or the address is unreachable (`RootURL`).
    fn is_stale(&self, exchange: &Exchange, failure: &Failure) -> bool {
        let kept = matches!(&self.core.config.root, Root::User(url) if *url == exchange.url);
        let gone =
            matches!(failure.status(), Some(403 | 502)) || failure.transport_failure().is_some();
        kept && gone && failure.stage() == Stage::User
    }
}
