//! What is checked when a run is over: what the sessions told is held against what passed on the wire.

use std::collections::{BTreeMap, BTreeSet};

use ucwa_session::{FailureKind, MessageStatus, Outcome, Workload};

use crate::breach::{Breach, Rule};
use crate::endpoint::EndpointId;
use crate::saying::SayingId;
use crate::story::Saying;
use crate::world::World;

/// What became of the messages of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) delivered: u64,
    pub(crate) failed: u64,
    pub(crate) unknown: u64,
    /// How many people never got in.
    pub(crate) absent: u64,
}

/// Checks a finished run; `fair` says that nothing was lost on the way.
pub(crate) fn check(world: &World, sayings: &[Saying], fair: bool) -> (Tally, Vec<Breach>) {
    let mut check = Check {
        world,
        sayings,
        shown: BTreeMap::new(),
        tally: Tally::default(),
        breaches: Vec::new(),
    };
    check.shown();
    check.verdicts(fair);
    check.rest(fair);
    let owners: BTreeSet<_> = world.endpoints().map(|(_, it)| it.owner).collect();
    let absent = |owner: &&usize| {
        let mut endpoints = world.endpoints();
        !endpoints.any(|(_, it)| it.owner == **owner && it.was_in)
    };
    check.tally.absent = owners.iter().filter(absent).count() as u64;
    (check.tally, check.breaches)
}

struct Check<'a> {
    world: &'a World,
    sayings: &'a [Saying],
    /// Where each message was shown.
    shown: BTreeMap<SayingId, Vec<EndpointId>>,
    tally: Tally,
    breaches: Vec<Breach>,
}

impl Check<'_> {
    fn breach(&mut self, rule: Rule, what: String) {
        self.breaches.push(Breach::new(rule, what));
    }

    fn saying(&self, id: SayingId) -> Option<&Saying> {
        self.sayings.iter().find(|saying| saying.id == id)
    }

    /// Every message that reached a client is shown there, unless the server takes it for undelivered, as it does when
    /// the receiver leaves at the same time; no message is shown twice, and each conversation shows a speaker's messages
    /// in order.
    fn shown(&mut self) {
        for (id, endpoint) in self.world.endpoints() {
            for (key, seen) in &endpoint.conversations {
                let mut last = BTreeMap::new();
                for saying in &seen.received {
                    self.shown.entry(*saying).or_default().push(id);
                    let speaker = self.saying(*saying).map(|saying| saying.speaker);
                    if let Some(before) = last.insert(speaker, *saying)
                        && before > *saying
                    {
                        let what =
                            format!("{}: {saying:?} behind {before:?} in {key:?}", endpoint.name);
                        self.breach(Rule::Reordered, what);
                    }
                }
            }
        }
        let repeated: Vec<_> = self
            .shown
            .iter()
            .filter(|(saying, places)| self.is_repeated(**saying, places))
            .map(|(saying, places)| format!("{saying:?} is shown at {places:?}"))
            .collect();
        for what in repeated {
            self.breach(Rule::Duplicated, what);
        }
        let missing: Vec<_> = self
            .world
            .wire
            .arrived()
            .filter(|(endpoint, saying)| {
                let places = self.shown.get(saying);
                !places.is_some_and(|places| self.is_among(*endpoint, places))
                    && !self.may_be_undelivered(*saying)
            })
            .map(|(endpoint, saying)| format!("{saying:?} reached {endpoint:?}, which hides it"))
            .collect();
        for what in missing {
            self.breach(Rule::Lost, what);
        }
    }

    /// Whether somebody was shown a message twice.
    ///
    /// A process that ends while it is asked into a chat shows the text of the invitation, or nobody might. The next one
    /// of the same person, which takes up the application, is told how the invitation ended, and shows it as missed. And
    /// it is told again of everything that the server does not know to have arrived.
    fn is_repeated(&self, saying: SayingId, places: &[EndpointId]) -> bool {
        let owner = |place| self.world.endpoint(place).map(|it| it.owner);
        places.iter().enumerate().any(|(index, place)| {
            let later = places.get(index + 1..).unwrap_or_default();
            let open = !self.world.wire.is_acknowledged(*place, saying);
            later
                .iter()
                .any(|other| other == place || owner(*other) == owner(*place) && !open)
        })
    }

    /// Whether a message is shown at an endpoint, or, since the text of an invitation reaches all of them, at another one
    /// of its user who had accepted the invitation by then.
    fn is_among(&self, endpoint: EndpointId, places: &[EndpointId]) -> bool {
        let whose = |place: EndpointId| self.world.endpoint(place).map(|it| (it.owner, it.user()));
        let own = whose(endpoint);
        places.iter().any(|place| {
            *place == endpoint
                || whose(*place)
                    .zip(own)
                    .is_some_and(|((owner, user), (own, mine))| owner != own && user == mine)
        })
    }

    /// Whether the server took a message for undelivered, or could not tell anybody what it took it for.
    fn may_be_undelivered(&self, id: SayingId) -> bool {
        match self.world.wire.passage(id).verdict {
            Some(delivered) => !delivered,
            None => {
                let speaker = self.saying(id).map(|saying| saying.endpoint);
                let told = speaker.and_then(|endpoint| self.world.endpoint(endpoint));
                told.and_then(|endpoint| endpoint.verdicts.get(&id))
                    .is_some_and(|verdict| *verdict == MessageStatus::Unknown)
            }
        }
    }

    /// Every message has the verdict that the server gave.
    ///
    /// Unknown is allowed where that verdict never reached the session that sent the message, or reached it under a name
    /// that nobody had told it. That is the work of a network that loses requests or answers ([`Weather`]), of answers that
    /// are replaced or spoiled ([`Trouble`]), and of whatever ends the application, the session or the conversation before
    /// the verdict comes: restarts, applications that are dropped or expire, polls that are taken over, people who leave or
    /// sign out. Requests that are refused, tokens that expire and answers that come twice or late allow none.
    ///
    /// [`Weather`]: crate::Weather
    /// [`Trouble`]: crate::Trouble
    fn verdicts(&mut self, fair: bool) {
        for saying in self.sayings {
            let id = saying.id;
            let Some(endpoint) = self.world.endpoint(saying.endpoint) else {
                continue;
            };
            let told = endpoint.verdicts.get(&id).copied();
            let passage = self.world.wire.passage(id);
            let shown = self.shown.contains_key(&id);
            match told {
                Some(MessageStatus::Succeeded) => {
                    self.tally.delivered += 1;
                    // A conference takes what is said to nobody, and what is said to those who leave at the same time.
                    if !shown && self.is_pair() {
                        self.breach(
                            Rule::Lost,
                            format!("{id:?} is said to be delivered, and nobody saw it"),
                        );
                    }
                    if passage.verdict == Some(false) {
                        self.breach(
                            Rule::Misreported,
                            format!("{id:?} is said to be delivered, and the server said no"),
                        );
                    }
                }
                Some(MessageStatus::Failed) => {
                    self.tally.failed += 1;
                    if passage.taken && passage.verdict != Some(false) {
                        self.breach(
                            Rule::Misreported,
                            format!("{id:?} is said to have failed; on the wire: {passage:?}"),
                        );
                    }
                }
                Some(MessageStatus::Unknown) => {
                    self.tally.unknown += 1;
                    if !passage.may_be_unknown() {
                        self.breach(
                            Rule::Misreported,
                            format!("the verdict on {id:?} is said to be unknown: {passage:?}"),
                        );
                    }
                }
                None => self.breach(Rule::Misreported, format!("{id:?} has no verdict")),
            }
            let deaf = saying.audience.iter().any(|place| {
                self.shown
                    .get(&id)
                    .is_none_or(|shown| !shown.contains(place))
            });
            if fair && (told != Some(MessageStatus::Succeeded) || deaf || self.is_pair() && !shown)
            {
                self.breach(
                    Rule::FairWeather,
                    format!("{id:?}: {told:?}, shown: {shown}, on the wire: {passage:?}"),
                );
            }
            // A ticket says Delivered only where the status does; a better verdict may come after a worse ticket.
            let completed = endpoint
                .tickets
                .get(&saying.ticket)
                .and_then(Option::as_ref);
            let wrong = match completed {
                Some(Ok(outcome)) => {
                    *outcome != Outcome::Delivered || told != Some(MessageStatus::Succeeded)
                }
                Some(Err(failure)) if *failure.kind() == FailureKind::DeliveryUnknown => {
                    passage.doubts == 0
                }
                // What the server took and did not refuse has not failed.
                Some(Err(_)) => passage.taken && passage.verdict != Some(false),
                None => false,
            };
            if wrong {
                self.breach(
                    Rule::Misreported,
                    format!("{id:?} completed as {completed:?} and is {told:?}: {passage:?}"),
                );
            }
        }
    }

    /// Whether there are only two: then whatever was delivered was shown.
    fn is_pair(&self) -> bool {
        self.world
            .endpoints()
            .all(|(_, endpoint)| endpoint.owner < 2)
    }

    /// Every ticket has completed, no session has anything under way or wants anything any more, and in fair weather the
    /// server holds nothing for those who have left it.
    fn rest(&mut self, fair: bool) {
        for (_, endpoint) in self.world.endpoints() {
            let open: Vec<_> = endpoint
                .tickets
                .iter()
                .filter(|(_, result)| result.is_none())
                .map(|(ticket, _)| ticket)
                .collect();
            if !open.is_empty() {
                self.breach(
                    Rule::CompletedOnce,
                    format!("{}: {open:?} never completed", endpoint.name),
                );
            }
            if let Some(wake_at) = endpoint.wake_at {
                self.breach(
                    Rule::Rest,
                    format!("{} wants to be woken at {wake_at:?}", endpoint.name),
                );
            }
            if endpoint.poll.is_some() {
                self.breach(Rule::Rest, format!("{} still polls", endpoint.name));
            }
            let workload = endpoint.session.workload();
            if workload != Workload::default() {
                let what = format!("{} has under way: {workload:?}", endpoint.name);
                self.breach(Rule::Rest, what);
            }
        }
        for (exchange, endpoint) in self.world.under_way() {
            let what = format!("{exchange:?} of {endpoint:?} has no end");
            self.breach(Rule::Rest, what);
        }
        if !fair {
            return;
        }
        for (owner, asked) in self.world.wire.applications_left() {
            // Nobody waits for the deletion that is asked for while a process is closed.
            let closed = (self.world.endpoint(owner)).is_some_and(|endpoint| endpoint.closed);
            if !(closed && asked) {
                let what = format!("the server still has an application of {owner:?}");
                self.breach(Rule::Rest, what);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::header::CONTENT_TYPE;
    use http::{Request, Response};
    use ucwa_session::{Credentials, Operation, Output, Root, Session, SessionConfig};

    use super::*;
    use crate::mishaps::Mishaps;
    use crate::network::ExchangeId;
    use crate::run::Kind;
    use crate::story::{self, Plan, Story};
    use crate::world::Conditions;

    /// A run of two in fair weather, with everything that they said.
    fn played() -> (World, Vec<Saying>) {
        let mut world = World::new(1, Conditions::calm(), story::users(), false);
        let plan = Plan {
            kind: Kind::Pair,
            fair: true,
            people: 2,
            messages: 5,
            representation: None,
            mishaps: Mishaps::default(),
        };
        let sayings = Story::new(&mut world, plan, 1).play();
        (world, sayings)
    }

    fn broken(world: &World, sayings: &[Saying]) -> Vec<Rule> {
        let (_, breaches) = check(world, sayings, true);
        let rules: BTreeSet<_> = breaches.iter().map(|breach| breach.rule).collect();
        rules.into_iter().collect()
    }

    /// What somebody received in a conversation, in which there was more than one message.
    fn received(world: &mut World) -> &mut Vec<SayingId> {
        (0..)
            .map(EndpointId)
            .find(|id| {
                let endpoint = world.endpoint(*id).unwrap();
                endpoint
                    .conversations
                    .values()
                    .any(|seen| seen.received.len() > 1)
            })
            .and_then(|id| {
                let seen = world.endpoint_mut(id)?.conversations.values_mut();
                seen.map(|seen| &mut seen.received).find(|it| it.len() > 1)
            })
            .unwrap()
    }

    /// Another verdict on the first message than its sender was told.
    fn told(world: &mut World, sayings: &[Saying], status: Option<MessageStatus>) {
        let saying = &sayings[0];
        let verdicts = &mut world.endpoint_mut(saying.endpoint).unwrap().verdicts;
        match status {
            Some(status) => verdicts.insert(saying.id, status),
            None => verdicts.remove(&saying.id),
        };
    }

    #[test]
    fn a_run_that_went_well_breaks_no_rule() {
        let (world, sayings) = played();
        assert!(sayings.len() > 4);
        assert_eq!(broken(&world, &sayings), []);
    }

    #[test]
    fn whatever_goes_wrong_breaks_a_rule() {
        type Spoil = fn(&mut World, &[Saying]);
        let wrongs: &[(&str, Spoil, &[Rule])] = &[
            (
                "a message is shown twice",
                |world, _| {
                    let received = received(world);
                    received.push(received[received.len() - 1]);
                },
                &[Rule::Duplicated],
            ),
            (
                "a message is shown again by the next process of the same person",
                |world, _| {
                    let saying = received(world)[0];
                    let shown = |endpoint: &crate::endpoint::Endpoint| {
                        let mut seen = endpoint.conversations.values();
                        seen.any(|seen| seen.received.contains(&saying))
                    };
                    let (_, endpoint) = world.endpoints().find(|(_, it)| shown(it)).unwrap();
                    let (owner, seen) = (endpoint.owner, endpoint.conversations.clone());
                    let next = {
                        let root = Root::Url("https://lyncdiscover.contoso.com/".to_owned());
                        let config = SessionConfig::new(root, 1, World::wall_at_epoch());
                        world.add_endpoint("next.1", owner, config)
                    };
                    world.endpoint_mut(next).unwrap().conversations = seen;
                },
                &[Rule::Duplicated],
            ),
            (
                "two messages change places",
                |world, _| received(world).swap(0, 1),
                &[Rule::Reordered],
            ),
            (
                "a message is not shown",
                |world, _| {
                    received(world).pop();
                },
                &[Rule::Lost, Rule::FairWeather],
            ),
            (
                "a delivered message is said to have failed",
                |world, sayings| told(world, sayings, Some(MessageStatus::Failed)),
                &[Rule::Misreported, Rule::FairWeather],
            ),
            (
                "the verdict came, and is said to be unknown",
                |world, sayings| told(world, sayings, Some(MessageStatus::Unknown)),
                &[Rule::Misreported, Rule::FairWeather],
            ),
            (
                "there is no verdict",
                |world, sayings| told(world, sayings, None),
                &[Rule::Misreported, Rule::FairWeather],
            ),
            (
                "a ticket ends well, and not with the delivery",
                |world, sayings| {
                    let saying = &sayings[0];
                    let endpoint = world.endpoint_mut(saying.endpoint).unwrap();
                    endpoint
                        .tickets
                        .insert(saying.ticket, Some(Ok(Outcome::Done)));
                },
                &[Rule::Misreported],
            ),
            (
                "a ticket never ends",
                |world, sayings| {
                    let saying = &sayings[0];
                    let endpoint = world.endpoint_mut(saying.endpoint).unwrap();
                    endpoint.tickets.insert(saying.ticket, None);
                },
                &[Rule::CompletedOnce],
            ),
            (
                "a ticket fails for a message that was delivered",
                |world, sayings| {
                    let saying = &sayings[0];
                    let endpoint = world.endpoint_mut(saying.endpoint).unwrap();
                    // Whoever is not signed in is told so.
                    let root = Root::Url("https://lyncdiscover.contoso.com/".to_owned());
                    let config = SessionConfig::new(root, 1, World::wall_at_epoch());
                    let mut session = Session::new(config);
                    session.submit(Duration::ZERO, Operation::SetHistory(true));
                    let Output::Completed { result, .. } = session.poll_output() else {
                        panic!("it completes at once")
                    };
                    endpoint.tickets.insert(saying.ticket, Some(result));
                },
                &[Rule::Misreported],
            ),
            (
                "a session has something under way when all is over",
                |world, _| {
                    let root = Root::Url("https://lyncdiscover.contoso.com/".to_owned());
                    let config = SessionConfig::new(root, 1, World::wall_at_epoch());
                    let late = world.add_endpoint("late.0", 0, config);
                    let credentials = Credentials::AnonymousMeeting {
                        conference_uri: "sip:toshm@contoso.com;gruu;opaque=app:conf:focus:id:1"
                            .to_owned(),
                        key: None,
                        display_name: "Late".to_owned(),
                    };
                    world.submit(late, Operation::SignIn(credentials));
                },
                &[Rule::CompletedOnce, Rule::Rest],
            ),
            (
                "the server still has the application of a session that has left",
                |world, _| {
                    let (id, _) = world.endpoints().next().unwrap();
                    let create = Request::post("https://lyncweb.contoso.com/ucwa/applications");
                    let created = Response::builder().header(CONTENT_TYPE, "application/json");
                    let application = r#"{"_links":{"self":{"href":"/ucwa/applications/7"}}}"#;
                    let exchange = ExchangeId(u64::MAX);
                    let create = create.body(Bytes::new()).unwrap();
                    let created = created.body(Bytes::from(application)).unwrap();
                    world.wire.on_sent(exchange, id, &create, false);
                    world.wire.on_answered(exchange, &created);
                },
                &[Rule::Rest],
            ),
            (
                "a session that has ended wants to be woken",
                |world, sayings| {
                    let endpoint = world.endpoint_mut(sayings[0].endpoint).unwrap();
                    endpoint.wake_at = Some(Duration::ZERO);
                },
                &[Rule::Rest],
            ),
            (
                "a session that has ended polls",
                |world, sayings| {
                    let endpoint = world.endpoint_mut(sayings[0].endpoint).unwrap();
                    endpoint.poll = Some(crate::network::ExchangeId(0));
                },
                &[Rule::Rest],
            ),
        ];
        for (what, spoil, rules) in wrongs {
            let (mut world, sayings) = played();
            spoil(&mut world, &sayings);
            assert_eq!(broken(&world, &sayings), *rules, "{what}");
        }
    }
}
