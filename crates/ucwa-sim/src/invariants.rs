//! The invariants that are checked after a run. They compare the reports of the sessions with the records of the oracle.

use std::collections::{BTreeMap, BTreeSet};

use ucwa_session::{FailureKind, MessageStatus, Outcome, Workload};

use crate::endpoint::{Endpoint, EndpointId, Meeting, Process};
use crate::message::MessageId;
use crate::scenario::SentMessage;
use crate::violation::{Invariant, Violation};
use crate::world::World;

/// The delivery results on the messages of a run, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) delivered: u64,
    pub(crate) failed: u64,
    pub(crate) unknown: u64,
    /// The number of actors who never signed in.
    pub(crate) absent: u64,
}

/// Checks a finished run. `ideal` is whether no request or response was lost or refused.
pub(crate) fn check(
    world: &World,
    sent_messages: &[SentMessage],
    ideal: bool,
) -> (Tally, Vec<Violation>) {
    let mut check = Check {
        world,
        sent_messages,
        shown: BTreeMap::new(),
        tally: Tally::default(),
        violations: Vec::new(),
    };
    check.check_shown_messages();
    check.check_delivery_results(ideal);
    check.check_quiescence(ideal);
    let owners: BTreeSet<_> = world.endpoints().map(|(_, it)| it.owner).collect();
    let absent = |owner: &&usize| {
        let mut endpoints = world.endpoints();
        !endpoints.any(|(_, it)| it.owner == **owner && it.was_signed_in)
    };
    check.tally.absent = owners.iter().filter(absent).count() as u64;
    (check.tally, check.violations)
}

struct Check<'a> {
    world: &'a World,
    sent_messages: &'a [SentMessage],
    /// The endpoints that showed each message.
    shown: BTreeMap<MessageId, Vec<EndpointId>>,
    tally: Tally,
    violations: Vec<Violation>,
}

impl Check<'_> {
    fn violation(&mut self, invariant: Invariant, detail: String) {
        self.violations.push(Violation::new(invariant, detail));
    }

    fn message(&self, id: MessageId) -> Option<&SentMessage> {
        self.sent_messages.iter().find(|message| message.id == id)
    }

    /// Every message that reached a client is shown there, unless the server reported the message as undelivered, which
    /// happens when the recipient leaves at the same time. No message is shown twice. Each conversation shows the messages of
    /// a sender in order.
    fn check_shown_messages(&mut self) {
        for (id, endpoint) in self.world.endpoints() {
            // A user who has joined a conference twice gets each of its messages in both conversations.
            let mut meetings: BTreeMap<MessageId, Vec<&Meeting>> = BTreeMap::new();
            for (key, view) in &endpoint.conversations {
                let mut last = BTreeMap::new();
                let mut in_view = BTreeSet::new();
                for message in &view.received {
                    let meeting = view.meeting.as_ref();
                    let is_in_other = meeting.is_some_and(|meeting| {
                        let others = meetings.entry(*message).or_default();
                        in_view.insert(message) && others.iter().any(|it| it.may_equal(meeting))
                    });
                    if !is_in_other {
                        self.shown.entry(*message).or_default().push(id);
                    }
                    if let Some(meeting) = meeting {
                        meetings.entry(*message).or_default().push(meeting);
                    }
                    // The order is checked for each session: a message of a paused process may arrive after one of its
                    // successor.
                    let sender = self.message(*message).map(|message| message.endpoint);
                    if !self.world.oracle.is_read_late(id, *message)
                        && let Some(before) = last.insert(sender, *message)
                        && before > *message
                    {
                        let detail =
                            format!("{}: {message:?} after {before:?} in {key:?}", endpoint.name);
                        self.violation(Invariant::InOrder, detail);
                    }
                }
            }
        }
        for (id, endpoint) in self.world.endpoints() {
            let without_text: usize = endpoint
                .conversations
                .values()
                .map(|it| it.without_text)
                .sum();
            let failed_reads = self.world.oracle.failed_reads(id);
            // A successor also reads the messages that its predecessor had not shown yet.
            if without_text > failed_reads && endpoint.predecessor.is_none() {
                let detail = format!(
                    "{} shows {without_text} messages without their text, and {failed_reads} reads failed",
                    endpoint.name
                );
                self.violation(Invariant::NoLoss, detail);
            }
        }
        let repeated: Vec<_> = self
            .shown
            .iter()
            .filter(|(message, shown_at)| self.is_repeated(**message, shown_at))
            .map(|(message, shown_at)| format!("{message:?} is shown at {shown_at:?}"))
            .collect();
        for detail in repeated {
            self.violation(Invariant::NoDuplicate, detail);
        }
        let missing: Vec<_> = self
            .world
            .oracle
            .arrived()
            .filter(|(endpoint, message)| {
                let shown_at = self.shown.get(message);
                !shown_at.is_some_and(|shown_at| self.is_shown_for(*endpoint, shown_at))
                    && !self.is_shown_by_predecessor(*message)
                    && !self.may_have_lost_messages(*endpoint)
                    && !self.is_lost_with_application(*endpoint, *message)
                    && !self.may_be_undelivered(*message)
                    // If the event of a message that was shown without its text is sent again, the session does not show it
                    // again.
                    && !self.has_messages_without_text()
            })
            .map(|(endpoint, message)| format!("{message:?} reached {endpoint:?} and is not shown"))
            .collect();
        for detail in missing {
            self.violation(Invariant::NoLoss, detail);
        }
    }

    /// Whether a message was shown twice to the same actor.
    ///
    /// Two sessions of the same actor, one after the other, may show a message that the first one had not acknowledged: the
    /// server sends unacknowledged events again to the session that takes over the application. A session that ends while
    /// an invitation is pending shows the invitation's message, and its successor shows it again as missed.
    fn is_repeated(&self, message: MessageId, shown_at: &[EndpointId]) -> bool {
        let owner = |id| self.world.endpoint(id).map(|it| it.owner);
        shown_at.iter().enumerate().any(|(index, first)| {
            let later = shown_at.get(index + 1..).unwrap_or_default();
            let open = !self.world.oracle.is_acknowledged(*first, message);
            let repeats = |other: &EndpointId| {
                other == first && !self.is_wrongly_not_resumed(*first)
                    || owner(*other) == owner(*first) && !open
            };
            later.iter().any(repeats)
        })
    }

    /// Whether a stopped process has shown a message that its list of received messages does not contain: as the preview of
    /// an invitation, which may end before the session is resumed, or after its successor had started.
    fn is_shown_by_predecessor(&self, message: MessageId) -> bool {
        let mut endpoints = self.world.endpoints();
        endpoints.any(|(_, it)| {
            it.successor.is_some() && it.previewed.contains(&message)
                || it.shown_beside_successor.contains(&message)
        })
    }

    /// Whether a session did not resume its application because a proxy answered that the application does not exist. The
    /// application still exists, so its conversations exist twice.
    fn is_wrongly_not_resumed(&self, endpoint: EndpointId) -> bool {
        let got_false_refusal = self.world.oracle.got_false_refusal(endpoint);
        got_false_refusal
            && self
                .world
                .endpoint(endpoint)
                .is_some_and(|it| it.not_resumed)
    }

    /// Whether a successor of a sender did not resume the application because of a false response.
    fn is_sender_wrongly_not_resumed(&self, sender: EndpointId) -> bool {
        let mut sessions = self.world.endpoints().map(|(id, _)| id);
        let origin = self.world.origin_of(sender);
        sessions.any(|it| self.world.origin_of(it) == origin && self.is_wrongly_not_resumed(it))
    }

    /// Whether a process, or one of its successors, has stopped and no session continued its application. A message that had
    /// reached the process and was not shown is then lost.
    fn may_have_lost_messages(&self, endpoint: EndpointId) -> bool {
        let Some(stopped) = self.world.endpoint(endpoint) else {
            return false;
        };
        let is_lost_at = |successor: EndpointId| {
            let is_resumed = |it: &Endpoint| it.is_resumed;
            !self.world.endpoint(successor).is_some_and(is_resumed)
                || self.may_have_lost_messages(successor)
        };
        stopped.stored_checkpoint.is_some() || stopped.successor.is_some_and(is_lost_at)
    }

    /// Whether a process has stopped before it got the event with a message, and so did its successors until their application
    /// no longer existed. The text may have reached them in an invitation, but a checkpoint contains no texts.
    fn is_lost_with_application(&self, endpoint: EndpointId, message: MessageId) -> bool {
        let successor = self.world.endpoint(endpoint).and_then(|it| it.successor);
        let Some(successor) =
            successor.filter(|_| !self.world.oracle.is_acknowledged(endpoint, message))
        else {
            return false;
        };
        self.world.oracle.has_lost_application(successor)
            && !self.world.oracle.is_acknowledged(successor, message)
            || self.is_lost_with_application(successor, message)
    }

    /// Whether a message is shown at an endpoint, at one that resumed its session, or at another endpoint of the same user.
    /// An invitation reaches all endpoints of a user, and the endpoint that accepts the invitation shows its message.
    fn is_shown_for(&self, endpoint: EndpointId, shown_at: &[EndpointId]) -> bool {
        let owner_and_user =
            |id: EndpointId| self.world.endpoint(id).map(|it| (it.owner, it.user()));
        let expected = owner_and_user(endpoint);
        // A process that was paused can continue while another session of the same actor runs.
        let continues = (self.world.endpoint(endpoint)).is_some_and(|it| it.successor.is_some());
        let origin = self.world.origin_of(endpoint);
        shown_at.iter().any(|id| {
            self.world.origin_of(*id) == origin
                || owner_and_user(*id).zip(expected).is_some_and(
                    |((owner, user), (expected_owner, expected_user))| {
                        (owner != expected_owner || continues) && user == expected_user
                    },
                )
        })
    }

    /// Whether the server reported a message as undelivered, or could not report a delivery result.
    fn may_be_undelivered(&self, id: MessageId) -> bool {
        match self.world.oracle.record(id).delivery_result {
            Some(delivered) => !delivered,
            None => {
                let sender = self.message(id).map(|message| message.endpoint);
                let result = sender.and_then(|sender| self.delivery_result(sender, id));
                result == Some(MessageStatus::Unknown)
            }
        }
    }

    /// Every message has the delivery result that the server gave.
    ///
    /// The result may be unknown if it never reached the session that sent the message, or reached it under a name that the
    /// session did not know. The causes are losses on the network ([`NetworkProfile`]), replaced or corrupted responses
    /// ([`HttpFaults`]), and everything that ends the application, the session or the conversation before the result:
    /// restarts, dropped or expired applications, replaced polls, and actors who leave or sign out. Refused requests, expired
    /// tokens and duplicated or late responses do not justify an unknown result.
    ///
    /// [`NetworkProfile`]: crate::NetworkProfile
    /// [`HttpFaults`]: crate::HttpFaults
    fn check_delivery_results(&mut self, ideal: bool) {
        for message in self.sent_messages {
            let id = message.id;
            let Some(endpoint) = self.world.endpoint(message.endpoint) else {
                continue;
            };
            let own_status = endpoint.delivery_results.get(&id).copied();
            let status = self.delivery_result(message.endpoint, id);
            let record = self.world.oracle.record(id);
            let shown = self.shown.contains_key(&id) || self.is_shown_by_predecessor(id);
            match status {
                Some(MessageStatus::Succeeded) => {
                    self.tally.delivered += 1;
                    // A conference accepts messages without recipients, and messages to recipients who are leaving.
                    let may_be_lost = self.world.endpoints().any(|(it, _)| {
                        self.may_have_lost_messages(it) || self.is_lost_with_application(it, id)
                    });
                    if !shown && self.is_pair() && !self.has_messages_without_text() && !may_be_lost
                    {
                        self.violation(
                            Invariant::NoLoss,
                            format!("{id:?} is reported as delivered and not shown"),
                        );
                    }
                    if record.delivery_result == Some(false) {
                        self.violation(
                            Invariant::TrueDeliveryResult,
                            format!("{id:?} is reported as delivered, and the server reported it as undelivered"),
                        );
                    }
                }
                Some(MessageStatus::Failed) => {
                    self.tally.failed += 1;
                    if record.accepted && record.delivery_result != Some(false) {
                        self.violation(
                            Invariant::TrueDeliveryResult,
                            format!("{id:?} is reported as failed: {record:?}"),
                        );
                    }
                }
                Some(_) => {
                    self.tally.unknown += 1;
                    if !record.may_be_unknown()
                        && !self.is_sender_wrongly_not_resumed(message.endpoint)
                    {
                        self.violation(
                            Invariant::TrueDeliveryResult,
                            format!(
                                "the delivery result on {id:?} is reported as unknown: {record:?}"
                            ),
                        );
                    }
                }
                None if self.may_lack_result(message.endpoint, id) => self.tally.unknown += 1,
                None => self.violation(
                    Invariant::TrueDeliveryResult,
                    format!("{id:?} has no delivery result"),
                ),
            }
            // A message whose text could not be read, because its conversation had ended, is shown without its text.
            let missed = message.audience.iter().any(|recipient| {
                let shown_at = self.shown.get(&id);
                shown_at.is_none_or(|shown_at| !self.is_shown_for(*recipient, shown_at))
                    && self.world.oracle.failed_reads(*recipient) == 0
            });
            let not_shown = self.is_pair() && !shown && !self.has_messages_without_text();
            // The result of a message that a process sent just before it stopped may be unknown. A message that was not sent
            // yet has failed.
            let is_settled = status == Some(MessageStatus::Succeeded)
                || endpoint.open_at_stop.contains(&message.ticket);
            let missed = missed && !endpoint.open_at_stop.contains(&message.ticket);
            let not_shown = not_shown && status == Some(MessageStatus::Succeeded);
            if ideal && (!is_settled || missed || not_shown) {
                self.violation(
                    Invariant::AllSucceed,
                    format!("{id:?}: {status:?}, shown: {shown}, on the network: {record:?}"),
                );
            }
            // A ticket completes with Delivered only if the status is Succeeded. A final result may follow a failed ticket.
            let completed = endpoint
                .tickets
                .get(&message.ticket)
                .and_then(Option::as_ref);
            let contradicts = match completed {
                Some(Ok(outcome)) => {
                    *outcome != Outcome::Delivered || own_status != Some(MessageStatus::Succeeded)
                }
                Some(Err(failure)) if *failure.kind() == FailureKind::DeliveryUnknown => {
                    record.possible_executions == 0
                }
                // A message that the server accepted and did not report as undelivered has not failed.
                Some(Err(_)) => record.accepted && record.delivery_result != Some(false),
                None => false,
            };
            if contradicts {
                self.violation(
                    Invariant::TrueDeliveryResult,
                    format!(
                        "{id:?} completed as {completed:?} with the status {status:?}: {record:?}"
                    ),
                );
            }
        }
    }

    /// The delivery result on a message that was sent at `endpoint`: the first final one that this session, or those that
    /// resumed it, have reported.
    fn delivery_result(&self, endpoint: EndpointId, id: MessageId) -> Option<MessageStatus> {
        let mut result = None;
        let mut next = Some(endpoint);
        while let Some(endpoint) = next.and_then(|it| self.world.endpoint(it)) {
            for status in [&endpoint.delivery_results, &endpoint.settled] {
                match status.get(&id) {
                    Some(MessageStatus::Unknown) => result = Some(MessageStatus::Unknown),
                    Some(status) => return Some(*status),
                    None => {}
                }
            }
            next = endpoint.successor;
        }
        result
    }

    /// Whether no session could report a delivery result on a message that was sent at `endpoint`: its process was killed,
    /// and the message was not sent yet, or no session resumed from the checkpoint.
    fn may_lack_result(&self, endpoint: EndpointId, id: MessageId) -> bool {
        let Some(sender) = self.world.endpoint(endpoint) else {
            return false;
        };
        if !matches!(sender.process, Process::Killed { .. }) {
            return false;
        }
        let next = sender
            .successor
            .and_then(|it| Some((it, self.world.endpoint(it)?)));
        match next {
            Some((successor, it)) if it.is_resumed => match it.doubtful.contains(&id) {
                true => self.may_lack_result(successor, id),
                false => self.world.oracle.record(id).possible_executions == 0,
            },
            _ => true,
        }
    }

    /// Whether a message was shown without its text.
    fn has_messages_without_text(&self) -> bool {
        let mut conversations = self
            .world
            .endpoints()
            .flat_map(|(_, it)| it.conversations.values());
        conversations.any(|it| it.without_text > 0)
    }

    /// Whether there are only two actors. Every delivered message is then shown.
    fn is_pair(&self) -> bool {
        self.world
            .endpoints()
            .all(|(_, endpoint)| endpoint.owner < 2)
    }

    /// Every ticket has completed, and no session has a timer, an open exchange or other work. In an ideal world the server
    /// has deleted every application.
    fn check_quiescence(&mut self, ideal: bool) {
        for (_, endpoint) in self.world.endpoints() {
            let open: Vec<_> = endpoint
                .tickets
                .iter()
                .filter(|(_, result)| result.is_none())
                .map(|(ticket, _)| ticket)
                .collect();
            if !open.is_empty() {
                self.violation(
                    Invariant::CompletedOnce,
                    format!("{}: {open:?} never completed", endpoint.name),
                );
            }
            if let Some(wake_at) = endpoint.wake_at {
                self.violation(
                    Invariant::Quiescent,
                    format!("{} has a timer at {wake_at:?}", endpoint.name),
                );
            }
            if endpoint.poll.is_some() {
                self.violation(
                    Invariant::Quiescent,
                    format!("{} still polls", endpoint.name),
                );
            }
            let killed = matches!(endpoint.process, Process::Killed { .. });
            let workload = endpoint.session.workload();
            if workload != Workload::default() && !killed {
                let detail = format!("{} has work left: {workload:?}", endpoint.name);
                self.violation(Invariant::Quiescent, detail);
            }
        }
        for (exchange, endpoint) in self.world.open_exchanges() {
            let detail = format!("{exchange:?} of {endpoint:?} is still open");
            self.violation(Invariant::Quiescent, detail);
        }
        if !ideal {
            return;
        }
        for (owner, deletion_requested) in self.world.oracle.remaining_applications() {
            // A session that shuts down does not await the deletion that it requests.
            let shut_down = (self.world.endpoint(owner)).is_some_and(|endpoint| endpoint.shut_down);
            if !(shut_down && deletion_requested) {
                let detail = format!("the server still has an application of {owner:?}");
                self.violation(Invariant::Quiescent, detail);
            }
        }
    }
}

#[cfg(test)]
mod tests;
