//! What no session may do, seen while it does it.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Method, Request};
use ucwa_session::{Lane, SignInState};

use super::{Pending, Site, World};
use crate::breach::{Breach, Rule};
use crate::endpoint::EndpointId;

impl World {
    /// What no request may do.
    pub(super) fn judge(
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
        // What was being created when the session was closed can only be deleted when it is there.
        let path = request.uri().path();
        let entered =
            (endpoint.last_poll.as_ref()).is_some_and(|it| it.uri().path().starts_with(path));
        let deletes = request.method() == Method::DELETE && !entered;
        if endpoint.state == SignInState::SignedOut && !deletes {
            let what = format!("{name} sends {} after its end", request.uri().path());
            self.breaches.push(Breach::new(Rule::Rest, what));
        }
        let secret = request.headers().contains_key(AUTHORIZATION) || !request.body().is_empty();
        if secret && site != Some(Site::Server) {
            let host = request.uri().host().unwrap_or_default();
            let what = format!("{name} gives a credential to {host}");
            self.breaches.push(Breach::new(Rule::Trust, what));
        }
        if lane == Lane::Events && endpoint.poll.is_some() {
            let what = format!("{name} sends a second pending GET");
            self.breaches.push(Breach::new(Rule::OnePoll, what));
        }
        // Without a token nothing is asked of it, but who gives out tokens for its host.
        if secret && !self.wire.is_of_present_application(id, path) {
            let what = format!("{name} uses {path}, of an application that is gone");
            self.breaches.push(Breach::new(Rule::Generation, what));
        }
    }

    /// What may be under way of a session that has ended: the deletion of its application, or the creation of one, which is
    /// deleted when it is there.
    pub(super) fn judge_end(&mut self, id: EndpointId) {
        let left: Vec<_> = (self.pending.iter())
            .filter(|(_, pending)| pending.endpoint == id && !pending.over)
            .collect();
        let farewell = matches!(left.as_slice(), [] | [(_, Pending { last: true, .. })]);
        if !farewell {
            let ids: Vec<_> = left.iter().map(|(exchange, _)| exchange.0).collect();
            let name = self.endpoint(id).map_or("", |endpoint| &endpoint.name);
            let what = format!("{name} leaves {ids:?} under way at its end");
            self.breaches.push(Breach::new(Rule::Rest, what));
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Response;
    use http::header::CONTENT_TYPE;
    use ucwa_session::{Credentials, Operation, Root, SessionConfig};

    use super::*;
    use crate::impostor::IMPOSTOR;
    use crate::network::ExchangeId;
    use crate::world::Conditions;

    const APPLICATION: &str = "https://lyncweb.contoso.com/ucwa/oauth/v1/applications/1";

    /// A world with a session that is signing in, and has an application.
    fn world() -> (World, EndpointId) {
        let mut world = World::new(1, Conditions::calm(), Vec::new(), false);
        let root = Root::Url("https://lyncdiscover.contoso.com/".to_owned());
        let config = SessionConfig::new(root, 1, World::wall_at_epoch());
        let id = world.add_endpoint("toshm.0", 0, config);
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
        world.wire.on_sent(ExchangeId(0), id, &create, false);
        world.wire.on_answered(ExchangeId(0), &created);
        world.wire.on_arrived(ExchangeId(0), &created, true);
        (world, id)
    }

    fn judged(world: &mut World, id: EndpointId, uri: &str, secret: bool, lane: Lane) -> Vec<Rule> {
        let mut request = Request::get(uri);
        if secret {
            request = request.header(AUTHORIZATION, "Bearer x");
        }
        let request = request.body(Bytes::new()).unwrap();
        let host = request.uri().host().unwrap();
        let site = world.sites.get(host).copied();
        world.judge(id, &request, lane, site);
        std::mem::take(&mut world.breaches)
            .iter()
            .map(|breach| breach.rule)
            .collect()
    }

    #[test]
    fn a_request_to_the_own_application_breaks_no_rule() {
        let (mut world, id) = world();
        let rules = judged(&mut world, id, APPLICATION, true, Lane::Commands);
        assert_eq!(rules, []);
    }

    #[test]
    fn a_credential_goes_to_the_server_only() {
        let (mut world, id) = world();
        let foreign = format!("https://{IMPOSTOR}/user");
        let rules = judged(&mut world, id, &foreign, true, Lane::Commands);
        assert_eq!(rules, [Rule::Trust]);
        let rules = judged(&mut world, id, &foreign, false, Lane::Commands);
        assert_eq!(rules, [], "who asks nothing of it may look");
    }

    #[test]
    fn one_pending_get_is_in_flight() {
        let (mut world, id) = world();
        world.endpoints[0].poll = Some(ExchangeId(1));
        let events = format!("{APPLICATION}/events");
        let rules = judged(&mut world, id, &events, true, Lane::Events);
        assert_eq!(rules, [Rule::OnePoll]);
    }

    #[test]
    fn what_belongs_to_another_application_is_gone() {
        let (mut world, id) = world();
        let other = APPLICATION.replace("/1", "/2");
        let rules = judged(&mut world, id, &other, true, Lane::Commands);
        assert_eq!(rules, [Rule::Generation]);
    }

    #[test]
    fn who_is_signed_out_sends_nothing() {
        let (mut world, id) = world();
        world.endpoints[0].state = SignInState::SignedOut;
        let rules = judged(&mut world, id, APPLICATION, true, Lane::Commands);
        assert_eq!(rules, [Rule::Rest]);
    }

    #[test]
    fn who_ends_leaves_nothing_under_way_but_the_end_of_the_application() {
        let (mut world, id) = world();
        let credentials = Credentials::AnonymousMeeting {
            conference_uri: "sip:toshm@contoso.com;gruu;opaque=app:conf:focus:id:1".to_owned(),
            key: None,
            display_name: "Tosh".to_owned(),
        };
        world.submit(id, Operation::SignIn(credentials));
        let (_, request) = world.pending.pop_first().unwrap();
        let mut left = |last: &[bool]| {
            let pending = last.iter().map(|last| Pending {
                last: *last,
                ..request.clone()
            });
            world.pending = (10..).map(ExchangeId).zip(pending).collect();
            world.judge_end(id);
            std::mem::take(&mut world.breaches).len()
        };
        assert_eq!(left(&[]), 0);
        assert_eq!(left(&[true]), 0);
        assert_eq!(left(&[false]), 1);
        assert_eq!(left(&[true, true]), 1);
    }
}
