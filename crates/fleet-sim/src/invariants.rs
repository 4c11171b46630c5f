//! The comparison of what the peers heard and sent, what the store holds, and what left the workers.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use skype_p2p_fleet::MessageState;

use crate::{
    owners::Owners,
    peers::Record,
    report::{Counts, Invariant, Violation},
    traffic::Traffic,
    world::{incoming_text, outgoing_text},
};

/// The end of a run.
pub(crate) struct Evidence {
    /// The messages of the outbox: bot, peer and number, in the order in which they were enqueued.
    pub(crate) verdicts: Vec<((usize, usize, usize), Option<Told>)>,
    /// The texts of the inbox, in order.
    pub(crate) inbox: Vec<String>,
    pub(crate) record: Record,
    /// The messages that peers have sent: peer, bot and number, in order.
    pub(crate) written: Vec<(usize, usize, usize)>,
    /// When the applications of a bot were lost.
    pub(crate) losses: Vec<(Duration, usize)>,
    /// The bots whose password no worker sends, because one died while the server checked it.
    pub(crate) held: Vec<usize>,
}

/// What a client of the fleet is told about a message.
pub(crate) struct Told {
    pub(crate) state: MessageState,
    pub(crate) reason: Option<String>,
    pub(crate) operation: String,
}

impl Evidence {
    /// How often each peer heard each text.
    fn heard(&self) -> BTreeMap<(usize, &str), usize> {
        let heard = self.record.heard.iter();
        times(heard.map(|(peer, text)| (*peer, text.as_str())))
    }

    /// How often each text is in the inbox.
    fn recorded(&self) -> BTreeMap<&str, usize> {
        times(self.inbox.iter().map(String::as_str))
    }

    pub(crate) fn count(&self, counts: &mut Counts) {
        let heard = self.heard();
        counts.received = self.inbox.len() as u64;
        for ((bot, peer, number), delivery) in &self.verdicts {
            let state = delivery.as_ref().map(|it| it.state);
            match state {
                Some(MessageState::Delivered) => counts.delivered += 1,
                Some(MessageState::Failed) => counts.failed += 1,
                Some(MessageState::Dead) => counts.dead += 1,
                Some(MessageState::Unknown) => {
                    counts.unknown += 1;
                    let text = outgoing_text(*bot, *peer, *number);
                    counts.unknown_but_heard += of(&heard, &(*peer, text.as_str())) as u64;
                }
                _ => {}
            }
        }
    }

    /// What became of each message, as lines of the trace.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let (heard, recorded) = (self.heard(), self.recorded());
        for ((bot, peer, number), delivery) in &self.verdicts {
            let text = outgoing_text(*bot, *peer, *number);
            let heard = of(&heard, &(*peer, text.as_str()));
            let state = delivery.as_ref().map(|it| (it.state, it.reason.as_deref()));
            let operation = delivery.as_ref().map(|it| &it.operation);
            lines.push(format!(
                "{text}: {state:?}, heard {heard} times, {operation:?}"
            ));
        }
        for &(peer, bot, number) in &self.written {
            let text = incoming_text(peer, bot, number);
            let recorded = of(&recorded, &text.as_str());
            let result = self.record.sent.get(&text);
            lines.push(format!(
                "{text}: delivered {result:?}, recorded {recorded} times"
            ));
        }
        lines
    }
}

/// How often each item occurs.
fn times<T: Ord>(items: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut times = BTreeMap::new();
    for item in items {
        *times.entry(item).or_default() += 1;
    }
    times
}

fn of<T: Ord>(times: &BTreeMap<T, usize>, item: &T) -> usize {
    times.get(item).copied().unwrap_or_default()
}

/// Checks the messages in both directions.
pub(crate) fn check(evidence: &Evidence, violations: &mut Vec<Violation>) {
    let mut violate = |invariant, detail| violations.push(Violation { invariant, detail });
    let (heard_times, recorded_times) = (evidence.heard(), evidence.recorded());
    let lost: BTreeSet<_> = evidence.losses.iter().map(|(_, bot)| *bot).collect();
    for ((bot, peer, number), delivery) in &evidence.verdicts {
        let text = outgoing_text(*bot, *peer, *number);
        let heard = of(&heard_times, &(*peer, text.as_str()));
        let state = delivery.as_ref().map(|it| it.state);
        let reason = delivery.as_ref().and_then(|it| it.reason.as_deref());
        if heard > 1 {
            violate(
                Invariant::HeardOnce,
                format!("{text} was heard {heard} times"),
            );
        }
        let is_true = match state {
            Some(MessageState::Delivered) => heard > 0,
            Some(MessageState::Failed | MessageState::Dead) => heard == 0,
            _ => true,
        };
        if !is_true {
            let detail = format!("{text} is {state:?} ({reason:?}), and was heard {heard} times");
            violate(Invariant::TrueVerdict, detail);
        }
        if !state.is_some_and(MessageState::is_settled) && !evidence.held.contains(bot) {
            violate(Invariant::Settled, format!("{text} is {state:?}"));
        }
    }
    let heard: Vec<_> = (evidence.record.heard.iter())
        .map(|(_, text)| text.as_str())
        .collect();
    for detail in disorder(&heard) {
        violate(Invariant::InOrder, detail);
    }

    let inbox: Vec<_> = evidence.inbox.iter().map(String::as_str).collect();
    for detail in disorder(&inbox) {
        violate(Invariant::RecordedInOrder, detail);
    }
    for &(peer, bot, number) in &evidence.written {
        let text = incoming_text(peer, bot, number);
        let recorded = of(&recorded_times, &text.as_str());
        if recorded > 1 {
            let detail = format!("{text} was recorded {recorded} times");
            violate(Invariant::RecordedOnce, detail);
        }
        // The text of an invitation is lost with the application if no worker has fetched it.
        let is_excused = lost.contains(&bot);
        if recorded == 0 && evidence.record.sent.get(&text) == Some(&true) && !is_excused {
            let detail = format!("{text} was told as delivered");
            violate(Invariant::Recorded, detail);
        }
    }
}

/// The texts that come after a later one of the same sender and receiver.
fn disorder(texts: &[&str]) -> Vec<String> {
    let mut last: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
    let mut found = Vec::new();
    for text in texts {
        let Some((pair, number)) = text.rsplit_once('-') else {
            continue;
        };
        let number = number.parse().unwrap_or_default();
        match last.get(pair) {
            Some((before, earlier)) if number < *before => {
                found.push(format!("{text} came after {earlier}"));
            }
            _ => {
                last.insert(pair, (number, text));
            }
        }
    }
    found
}

/// Checks what left the workers.
pub(crate) fn check_traffic(traffic: &Traffic, owners: &Owners, violations: &mut Vec<Violation>) {
    let mut violate = |invariant, detail| violations.push(Violation { invariant, detail });
    for detail in &traffic.repeated_posts {
        violate(Invariant::OnePost, detail.clone());
    }
    for detail in &traffic.foreign_deletions {
        violate(Invariant::NoForeignDeletion, detail.clone());
    }
    for detail in owners.stale_claims() {
        violate(Invariant::OneOwner, detail);
    }
    for detail in &traffic.repeated_passwords {
        violate(Invariant::OnePasswordAttempt, detail.clone());
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{Request, Response};
    use ucwa_server::RequestId;

    use super::*;

    /// A run in which two messages of a bot were delivered, and two of a peer were recorded.
    fn correct() -> Evidence {
        let delivered = || Told {
            state: MessageState::Delivered,
            reason: None,
            operation: "1".to_owned(),
        };
        Evidence {
            verdicts: vec![
                ((0, 0, 1), Some(delivered())),
                ((0, 0, 2), Some(delivered())),
            ],
            inbox: vec![incoming_text(0, 0, 1), incoming_text(0, 0, 2)],
            record: Record {
                heard: vec![(0, outgoing_text(0, 0, 1)), (0, outgoing_text(0, 0, 2))],
                sent: [1, 2].map(|it| (incoming_text(0, 0, it), true)).into(),
            },
            written: vec![(0, 0, 1), (0, 0, 2)],
            losses: Vec::new(),
            held: Vec::new(),
        }
    }

    fn violated(evidence: &Evidence) -> Vec<Invariant> {
        let mut violations = Vec::new();
        check(evidence, &mut violations);
        let invariants: BTreeSet<_> = violations.iter().map(|it| it.invariant).collect();
        invariants.into_iter().collect()
    }

    fn set_state(evidence: &mut Evidence, state: MessageState) {
        evidence.verdicts[1].1.as_mut().unwrap().state = state;
    }

    #[test]
    fn each_defect_violates_its_invariant() {
        assert_eq!(violated(&correct()), []);

        let mut evidence = correct();
        evidence.record.heard.truncate(1);
        assert_eq!(violated(&evidence), [Invariant::TrueVerdict]);
        set_state(&mut evidence, MessageState::Unknown);
        assert_eq!(violated(&evidence), []);
        set_state(&mut evidence, MessageState::Queued);
        assert_eq!(violated(&evidence), [Invariant::Settled]);
        evidence.held.push(0);
        assert_eq!(violated(&evidence), []);

        for state in [MessageState::Failed, MessageState::Dead] {
            let mut evidence = correct();
            set_state(&mut evidence, state);
            assert_eq!(violated(&evidence), [Invariant::TrueVerdict]);
        }

        let mut evidence = correct();
        evidence.record.heard.push((0, outgoing_text(0, 0, 2)));
        assert_eq!(violated(&evidence), [Invariant::HeardOnce]);

        let mut evidence = correct();
        evidence.record.heard.reverse();
        assert_eq!(violated(&evidence), [Invariant::InOrder]);

        let mut evidence = correct();
        evidence.inbox.push(incoming_text(0, 0, 2));
        assert_eq!(violated(&evidence), [Invariant::RecordedOnce]);

        let mut evidence = correct();
        evidence.inbox.reverse();
        assert_eq!(violated(&evidence), [Invariant::RecordedInOrder]);

        let mut evidence = correct();
        evidence.inbox.pop();
        assert_eq!(violated(&evidence), [Invariant::Recorded]);
        evidence.losses.push((Duration::ZERO, 0));
        assert_eq!(violated(&evidence), []);
    }

    fn violated_by(traffic: &Traffic, owners: &Owners) -> Vec<Invariant> {
        let mut violations = Vec::new();
        check_traffic(traffic, owners, &mut violations);
        violations.iter().map(|it| it.invariant).collect()
    }

    fn request(method: &str, path: &str, body: &'static str) -> Request<Bytes> {
        let request = Request::builder().method(method);
        let request = request.uri(format!("http://127.0.0.1{path}"));
        let request = request.header("authorization", "Bearer token");
        request.body(Bytes::from_static(body.as_bytes())).unwrap()
    }

    fn response(status: u16, body: &'static str) -> Response<Bytes> {
        let response = Response::builder().status(status);
        response.body(Bytes::from_static(body.as_bytes())).unwrap()
    }

    #[test]
    fn a_message_that_leaves_again_is_a_violation_unless_its_refusal_has_arrived() {
        let owners = Owners::default();
        let by_query = request("POST", "/messages?operationId=1", "text");
        let by_body = request("POST", "/messagingInvitations", r#"{"operationId":"1"}"#);
        for (status, expected) in [
            (None, vec![Invariant::OnePost]),
            (Some(201), vec![Invariant::OnePost]),
            (Some(503), vec![]),
        ] {
            let mut traffic = Traffic::default();
            traffic.left(0, RequestId(1), &by_query);
            match status {
                Some(status) => traffic.received(RequestId(1), &response(status, "")),
                None => traffic.lost(RequestId(1)),
            }
            traffic.left(1, RequestId(2), &by_body);
            assert_eq!(violated_by(&traffic, &owners), expected, "{status:?}");
        }
    }

    #[test]
    fn a_refused_password_that_leaves_again_is_a_violation() {
        let owners = Owners::default();
        let sign_in = request("POST", "/oauthtoken", "username=locked%40contoso.com&x=1");
        for (status, expected) in [(503, vec![]), (401, vec![Invariant::OnePasswordAttempt])] {
            let mut traffic = Traffic::default();
            traffic.left(0, RequestId(1), &sign_in);
            traffic.received(RequestId(1), &response(status, ""));
            traffic.left(1, RequestId(2), &sign_in);
            assert_eq!(violated_by(&traffic, &owners), expected, "{status}");
        }
    }

    #[test]
    fn claims_and_deletions_of_others_are_violations() {
        let owners = Owners::default();
        let mut traffic = Traffic::new(owners.clone());
        let sign_in = request("POST", "/oauthtoken", "username=bot%40contoso.com");
        traffic.left(0, RequestId(1), &sign_in);
        traffic.received(RequestId(1), &response(200, r#"{"access_token":"token"}"#));
        owners.claimed("sip:bot@contoso.com", 1, 0);
        let delete = request("DELETE", "/ucwa/oauth/v1/applications/1", "");
        traffic.left(0, RequestId(2), &delete);
        assert_eq!(violated_by(&traffic, &owners), []);

        owners.claimed("sip:bot@contoso.com", 2, 1);
        traffic.left(0, RequestId(3), &delete);
        let foreign = Invariant::NoForeignDeletion;
        assert_eq!(violated_by(&traffic, &owners), [foreign]);

        owners.claimed("sip:bot@contoso.com", 2, 0);
        let stale = Invariant::OneOwner;
        assert_eq!(violated_by(&traffic, &owners), [foreign, stale]);
    }
}
