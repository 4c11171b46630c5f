//! The invariants that are checked when a session sends a request and when the session ends.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Method, Request};
use ucwa_session::{Lane, SignInState};

use super::{ClientExchange, Site, World};
use crate::endpoint::EndpointId;
use crate::violation::{Invariant, Violation};

impl World {
    /// Checks a request before it is sent.
    pub(super) fn check_request(
        &mut self,
        id: EndpointId,
        request: &Request<Bytes>,
        lane: Lane,
        site: Option<Site>,
    ) {
        let Some(endpoint) = self.endpoints.get(id.0) else {
            return;
        };
        let name = &endpoint.name;
        // An application that was being created at a shutdown is deleted once it exists.
        let path = request.uri().path();
        let polled =
            (endpoint.last_poll.as_ref()).is_some_and(|it| it.uri().path().starts_with(path));
        let deletes_unused = request.method() == Method::DELETE && !polled;
        if endpoint.state == SignInState::SignedOut && !deletes_unused {
            let detail = format!("{name} sends {} after it signed out", request.uri().path());
            self.violations
                .push(Violation::new(Invariant::Quiescent, detail));
        }
        let secret = request.headers().contains_key(AUTHORIZATION) || !request.body().is_empty();
        if secret && site != Some(Site::Server) {
            let host = request.uri().host().unwrap_or_default();
            let detail = format!("{name} sends a credential to {host}");
            self.violations
                .push(Violation::new(Invariant::CredentialScope, detail));
        }
        if lane == Lane::Events && endpoint.poll.is_some() {
            let detail = format!("{name} sends a second pending GET");
            self.violations
                .push(Violation::new(Invariant::OnePendingGet, detail));
        }
        // A request without a token may go to a former application to learn where its host issues tokens.
        if secret && !self.oracle.is_of_present_application(id, path) {
            let detail = format!("{name} uses {path}, which belongs to a former application");
            self.violations
                .push(Violation::new(Invariant::CurrentApplication, detail));
        }
    }

    /// Checks a session that has just signed out: only the deletion of its application may be in flight, or the creation of
    /// an application, which is deleted once it exists.
    pub(super) fn check_end(&mut self, id: EndpointId) {
        let in_flight: Vec<_> = (self.exchanges.iter())
            .filter(|(_, it)| it.endpoint == id && !it.ended)
            .collect();
        let allowed = matches!(
            in_flight.as_slice(),
            [] | [(
                _,
                ClientExchange {
                    may_outlive_session: true,
                    ..
                }
            )]
        );
        if !allowed {
            let ids: Vec<_> = in_flight.iter().map(|(exchange, _)| exchange.0).collect();
            let name = self.endpoint(id).map_or("", |endpoint| &endpoint.name);
            let detail = format!("{name} leaves {ids:?} in flight when it signs out");
            self.violations
                .push(Violation::new(Invariant::Quiescent, detail));
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Response;
    use http::header::CONTENT_TYPE;
    use ucwa_session::{Credentials, Operation, Root, Session, SessionConfig};

    use super::*;
    use crate::attacker::ATTACKER_HOST;
    use crate::network::ExchangeId;
    use crate::world::Conditions;

    const APPLICATION: &str = "https://lyncweb.contoso.com/ucwa/oauth/v1/applications/1";

    /// A world with a signed-in session that has an application.
    fn world() -> (World, EndpointId) {
        let mut world = World::new(1, Conditions::ideal(), Vec::new(), false);
        let root = Root::Url("https://lyncdiscover.contoso.com/".to_owned());
        let config = SessionConfig::new(root, 1, World::wall_at_epoch());
        let id = world.add_endpoint("toshm.0", 0, Session::new(config));
        world.endpoints[0].state = SignInState::SignedIn;
        let create = Request::post("https://lyncweb.contoso.com/ucwa/oauth/v1/applications");
        let created = Response::builder().header(CONTENT_TYPE, "application/json");
        let created = created.body(format!(
            r#"{{"_links":{{"self":{{"href":"{APPLICATION}"}}}}}}"#
        ));
        let (create, created) = (
            create.body(Bytes::new()).unwrap(),
            created.unwrap().map(Bytes::from),
        );
        world.oracle.on_sent(ExchangeId(0), id, &create, false);
        world.oracle.on_answered(ExchangeId(0), &created);
        world.oracle.on_arrived(ExchangeId(0), &created, true);
        (world, id)
    }

    fn checked(
        world: &mut World,
        id: EndpointId,
        uri: &str,
        secret: bool,
        lane: Lane,
    ) -> Vec<Invariant> {
        let mut request = Request::get(uri);
        if secret {
            request = request.header(AUTHORIZATION, "Bearer x");
        }
        let request = request.body(Bytes::new()).unwrap();
        let host = request.uri().host().unwrap();
        let site = world.sites.get(host).copied();
        world.check_request(id, &request, lane, site);
        std::mem::take(&mut world.violations)
            .iter()
            .map(|violation| violation.invariant)
            .collect()
    }

    #[test]
    fn a_request_to_the_present_application_is_allowed() {
        let (mut world, id) = world();
        let invariants = checked(&mut world, id, APPLICATION, true, Lane::Commands);
        assert_eq!(invariants, []);
    }

    #[test]
    fn a_credential_for_another_host_is_a_violation() {
        let (mut world, id) = world();
        let foreign = format!("https://{ATTACKER_HOST}/user");
        let invariants = checked(&mut world, id, &foreign, true, Lane::Commands);
        assert_eq!(invariants, [Invariant::CredentialScope]);
        let invariants = checked(&mut world, id, &foreign, false, Lane::Commands);
        assert_eq!(invariants, [], "a request without a credential is allowed");
    }

    #[test]
    fn a_second_pending_get_is_a_violation() {
        let (mut world, id) = world();
        world.endpoints[0].poll = Some(ExchangeId(1));
        let events = format!("{APPLICATION}/events");
        let invariants = checked(&mut world, id, &events, true, Lane::Events);
        assert_eq!(invariants, [Invariant::OnePendingGet]);
    }

    #[test]
    fn a_request_to_a_former_application_is_a_violation() {
        let (mut world, id) = world();
        let other = APPLICATION.replace("/1", "/2");
        let invariants = checked(&mut world, id, &other, true, Lane::Commands);
        assert_eq!(invariants, [Invariant::CurrentApplication]);
    }

    #[test]
    fn a_request_after_sign_out_is_a_violation() {
        let (mut world, id) = world();
        world.endpoints[0].state = SignInState::SignedOut;
        let invariants = checked(&mut world, id, APPLICATION, true, Lane::Commands);
        assert_eq!(invariants, [Invariant::Quiescent]);
    }

    #[test]
    fn an_exchange_left_in_flight_at_sign_out_is_a_violation() {
        let (mut world, id) = world();
        let credentials = Credentials::AnonymousMeeting {
            conference_uri: "sip:toshm@contoso.com;gruu;opaque=app:conf:focus:id:1".to_owned(),
            key: None,
            display_name: "Tosh".to_owned(),
        };
        world.submit(id, Operation::SignIn(credentials));
        let (_, request) = world.exchanges.pop_first().unwrap();
        let mut violations = |may_outlive_session: &[bool]| {
            let exchanges = may_outlive_session
                .iter()
                .map(|may_outlive_session| ClientExchange {
                    may_outlive_session: *may_outlive_session,
                    ..request.clone()
                });
            world.exchanges = (10..).map(ExchangeId).zip(exchanges).collect();
            world.check_end(id);
            std::mem::take(&mut world.violations).len()
        };
        assert_eq!(violations(&[]), 0);
        assert_eq!(violations(&[true]), 0);
        assert_eq!(violations(&[false]), 1);
        assert_eq!(violations(&[true, true]), 1);
    }
}
