//! Tests of the invariants: each defect violates its invariant, and a correct run violates none.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use ucwa_session::{
    ConversationKey, Credentials, Operation, Output, Root, Session, SessionConfig, Ticket,
};

use super::*;
use crate::network::ExchangeId;
use crate::options::WorldSize;
use crate::scenario::{self, Plan, Scenario};
use crate::world::Conditions;

/// A finished run of two actors in an ideal world, and the messages that were sent.
fn finished_run() -> (World, Vec<SentMessage>) {
    let mut world = World::new(1, Conditions::ideal(), scenario::users(), false);
    let plan = Plan::ideal(WorldSize::Pair);
    let sent_messages = Scenario::new(&mut world, plan, 1).play();
    (world, sent_messages)
}

fn violated(world: &World, sent_messages: &[SentMessage]) -> Vec<Invariant> {
    let (_, violations) = check(world, sent_messages, true);
    let invariants: BTreeSet<_> = violations
        .iter()
        .map(|violation| violation.invariant)
        .collect();
    invariants.into_iter().collect()
}

/// The received messages of a conversation in which there is more than one.
fn received(world: &mut World) -> &mut Vec<MessageId> {
    (0..)
        .map(EndpointId)
        .find(|id| {
            let endpoint = world.endpoint(*id).unwrap();
            endpoint
                .conversations
                .values()
                .any(|view| view.received.len() > 1)
        })
        .and_then(|id| {
            let view = world.endpoint_mut(id)?.conversations.values_mut();
            view.map(|view| &mut view.received).find(|it| it.len() > 1)
        })
        .unwrap()
}

/// Replaces the reported delivery result on the first message.
fn set_status(world: &mut World, sent_messages: &[SentMessage], status: Option<MessageStatus>) {
    let message = &sent_messages[0];
    let delivery_results = &mut world
        .endpoint_mut(message.endpoint)
        .unwrap()
        .delivery_results;
    match status {
        Some(status) => delivery_results.insert(message.id, status),
        None => delivery_results.remove(&message.id),
    };
}

#[test]
fn a_correct_run_violates_no_invariant() {
    let (world, sent_messages) = finished_run();
    assert!(sent_messages.len() > 4);
    assert_eq!(violated(&world, &sent_messages), []);
}

/// A user who has joined a conference twice gets its messages in both conversations.
#[test]
fn a_message_is_shown_once_in_each_conversation_of_a_conference() {
    let meeting = |uri: Option<&str>| {
        Some(Meeting {
            uri: uri.map(str::to_owned),
        })
    };
    let (a, b, unknown) = (meeting(Some("a")), meeting(Some("b")), meeting(None));
    for (first, second, is_repeated) in [
        (&a, &a, false),
        (&a, &unknown, false),
        (&unknown, &a, false),
        (&unknown, &unknown, false),
        (&a, &b, true),
        (&a, &None, true),
        (&None, &None, true),
    ] {
        let (mut world, sent_messages) = finished_run();
        let shows = |endpoint: &Endpoint| {
            let mut views = endpoint.conversations.values();
            views.any(|view| !view.received.is_empty())
        };
        let (id, _) = world.endpoints().find(|(_, it)| shows(it)).unwrap();
        let conversations = &mut world.endpoint_mut(id).unwrap().conversations;
        let mut views = conversations.values_mut();
        let view = views.find(|view| !view.received.is_empty()).unwrap();
        view.meeting.clone_from(first);
        let mut other = view.clone();
        other.meeting.clone_from(second);
        conversations.insert(ConversationKey::Remote(1_000), other);
        let expected: &[_] = match is_repeated {
            true => &[Invariant::NoDuplicate],
            false => &[],
        };
        assert_eq!(
            violated(&world, &sent_messages),
            expected,
            "{first:?} {second:?}"
        );
    }
}

#[test]
fn each_defect_violates_its_invariant() {
    type Change = fn(&mut World, &[SentMessage]);
    let defects: &[(&str, Change, &[Invariant])] = &[
        (
            "a message is shown twice",
            |world, _| {
                let received = received(world);
                received.push(received[received.len() - 1]);
            },
            &[Invariant::NoDuplicate],
        ),
        (
            "the next session of the same actor shows a message again",
            |world, _| {
                let message = received(world)[0];
                let shown = |endpoint: &Endpoint| {
                    let mut view = endpoint.conversations.values();
                    view.any(|view| view.received.contains(&message))
                };
                let (_, endpoint) = world.endpoints().find(|(_, it)| shown(it)).unwrap();
                let (owner, view) = (endpoint.owner, endpoint.conversations.clone());
                let next = {
                    let root = Root::Url("https://lyncdiscover.contoso.com/".to_owned());
                    let config = SessionConfig::new(root, 1, World::wall_at_epoch());
                    world.add_endpoint("next.1", owner, Session::new(config))
                };
                world.endpoint_mut(next).unwrap().conversations = view;
            },
            &[Invariant::NoDuplicate],
        ),
        (
            "two messages are shown in the wrong order",
            |world, _| received(world).swap(0, 1),
            &[Invariant::InOrder],
        ),
        (
            "a message is not shown",
            |world, _| {
                received(world).pop();
            },
            &[Invariant::NoLoss, Invariant::AllSucceed],
        ),
        (
            "a delivered message is reported as failed",
            |world, sent_messages| set_status(world, sent_messages, Some(MessageStatus::Failed)),
            &[Invariant::TrueDeliveryResult, Invariant::AllSucceed],
        ),
        (
            "a delivery result that was received is reported as unknown",
            |world, sent_messages| set_status(world, sent_messages, Some(MessageStatus::Unknown)),
            &[Invariant::TrueDeliveryResult, Invariant::AllSucceed],
        ),
        (
            "a message has no delivery result",
            |world, sent_messages| set_status(world, sent_messages, None),
            &[Invariant::TrueDeliveryResult, Invariant::AllSucceed],
        ),
        (
            "the ticket of a message completes with another outcome than Delivered",
            |world, sent_messages| {
                let message = &sent_messages[0];
                let endpoint = world.endpoint_mut(message.endpoint).unwrap();
                endpoint
                    .tickets
                    .insert(message.ticket, Some(Ok(Outcome::Done)));
            },
            &[Invariant::TrueDeliveryResult],
        ),
        (
            "a ticket never completes",
            |world, sent_messages| {
                let message = &sent_messages[0];
                let endpoint = world.endpoint_mut(message.endpoint).unwrap();
                endpoint.tickets.insert(message.ticket, None);
            },
            &[Invariant::CompletedOnce],
        ),
        (
            "a ticket fails for a message that was delivered",
            |world, sent_messages| {
                let message = &sent_messages[0];
                let endpoint = world.endpoint_mut(message.endpoint).unwrap();
                // A session that is not signed in fails every operation.
                let root = Root::Url("https://lyncdiscover.contoso.com/".to_owned());
                let config = SessionConfig::new(root, 1, World::wall_at_epoch());
                let mut session = Session::new(config);
                session.submit(Duration::ZERO, Ticket(1), Operation::SetHistory(true));
                let Output::Completed { result, .. } = session.poll_output() else {
                    panic!("the operation completes at once")
                };
                endpoint.tickets.insert(message.ticket, Some(result));
            },
            &[Invariant::TrueDeliveryResult],
        ),
        (
            "a session is still signing in after the end",
            |world, _| {
                let root = Root::Url("https://lyncdiscover.contoso.com/".to_owned());
                let config = SessionConfig::new(root, 1, World::wall_at_epoch());
                let unfinished = world.add_endpoint("late.0", 0, Session::new(config));
                let credentials = Credentials::AnonymousMeeting {
                    conference_uri: "sip:toshm@contoso.com;gruu;opaque=app:conf:focus:id:1"
                        .to_owned(),
                    key: None,
                    display_name: "Late".to_owned(),
                };
                world.submit(unfinished, Operation::SignIn(credentials));
            },
            &[Invariant::CompletedOnce, Invariant::Quiescent],
        ),
        (
            "the server keeps the application of a session that signed out",
            |world, _| {
                let (id, _) = world.endpoints().next().unwrap();
                let create = Request::post("https://lyncweb.contoso.com/ucwa/applications");
                let created = Response::builder().header(CONTENT_TYPE, "application/json");
                let application = r#"{"_links":{"self":{"href":"/ucwa/applications/7"}}}"#;
                let exchange = ExchangeId(u64::MAX);
                let create = create.body(Bytes::new()).unwrap();
                let created = created.body(Bytes::from(application)).unwrap();
                world.oracle.on_sent(exchange, id, &create, false);
                world.oracle.on_answered(exchange, &created);
            },
            &[Invariant::Quiescent],
        ),
        (
            "a session that signed out has a timer",
            |world, sent_messages| {
                let endpoint = world.endpoint_mut(sent_messages[0].endpoint).unwrap();
                endpoint.wake_at = Some(Duration::ZERO);
            },
            &[Invariant::Quiescent],
        ),
        (
            "a session that signed out has a pending GET",
            |world, sent_messages| {
                let endpoint = world.endpoint_mut(sent_messages[0].endpoint).unwrap();
                endpoint.poll = Some(crate::network::ExchangeId(0));
            },
            &[Invariant::Quiescent],
        ),
    ];
    for (defect, change, invariants) in defects {
        let (mut world, sent_messages) = finished_run();
        change(&mut world, &sent_messages);
        assert_eq!(violated(&world, &sent_messages), *invariants, "{defect}");
    }
}

/// A run after which the sender of the first message is marked as killed before the delivery result arrived, and another
/// session as its successor.
fn handed_over(is_doubtful: bool, settled: Option<MessageStatus>) -> (World, Vec<SentMessage>) {
    let (mut world, sent_messages) = finished_run();
    let message = &sent_messages[0];
    let root = Root::Url("https://lyncdiscover.contoso.com/".to_owned());
    let config = SessionConfig::new(root, 1, World::wall_at_epoch());
    let owner = world.endpoint(message.endpoint).unwrap().owner;
    let successor = world.add_endpoint("next.1", owner, Session::new(config));
    let sender = world.endpoint_mut(message.endpoint).unwrap();
    sender.kill(false);
    sender.delivery_results.remove(&message.id);
    sender.tickets.remove(&message.ticket);
    sender.successor = Some(successor);
    let next = world.endpoint_mut(successor).unwrap();
    next.predecessor = Some(message.endpoint);
    next.is_resumed = true;
    if is_doubtful {
        next.doubtful.insert(message.id);
    }
    next.settled
        .extend(settled.map(|settled| (message.id, settled)));
    (world, sent_messages)
}

#[test]
fn the_successor_of_a_killed_process_reports_the_delivery_result() {
    use MessageStatus::{Failed, Succeeded, Unknown};
    let violated_invariants = [Invariant::TrueDeliveryResult, Invariant::AllSucceed];
    for (is_doubtful, settled, invariants) in [
        (true, Some(Succeeded), &[][..]),
        (true, Some(Failed), &violated_invariants),
        (true, Some(Unknown), &violated_invariants),
        (true, None, &violated_invariants),
        // The request was sent, so the message belongs in the checkpoint.
        (false, None, &violated_invariants),
    ] {
        let (world, sent_messages) = handed_over(is_doubtful, settled);
        let found = violated(&world, &sent_messages);
        assert_eq!(found, invariants, "{is_doubtful} {settled:?}");
    }
}

/// A finished run in which a message reached a process and is not shown. The process has stopped, as have its successors, of which
/// those in `resumed` that are true resumed the session. Also returns the processes in order, and the message.
fn unshown_at_stopped_process(
    resumed: &[bool],
) -> (World, Vec<SentMessage>, Vec<EndpointId>, MessageId) {
    let (mut world, sent_messages) = finished_run();
    let message = received(&mut world).pop().unwrap();
    let shows = |endpoint: &Endpoint| {
        let mut views = endpoint.conversations.values();
        views.any(|view| !view.received.is_empty())
    };
    let (mut last, endpoint) = world.endpoints().find(|(_, it)| shows(it)).unwrap();
    let owner = endpoint.owner;
    let mut processes = vec![last];
    for is_resumed in resumed {
        let root = Root::Url("https://lyncdiscover.contoso.com/".to_owned());
        let config = SessionConfig::new(root, 1, World::wall_at_epoch());
        let next = world.add_endpoint("next", owner, Session::new(config));
        world.endpoint_mut(last).unwrap().successor = Some(next);
        world.endpoint_mut(next).unwrap().is_resumed = *is_resumed;
        processes.push(next);
        last = next;
    }
    (world, sent_messages, processes, message)
}

fn violated_with_losses(world: &World, sent_messages: &[SentMessage]) -> Vec<Invariant> {
    let (_, violations) = check(world, sent_messages, false);
    let mut found: Vec<_> = violations.iter().map(|it| it.invariant).collect();
    found.dedup();
    found
}

#[test]
fn a_message_may_be_lost_if_one_of_the_successors_did_not_resume() {
    for (resumed, violated_invariants) in [
        ([true, true], &[Invariant::NoLoss][..]),
        ([false, true], &[]),
        ([true, false], &[]),
    ] {
        let (world, sent_messages, ..) = unshown_at_stopped_process(&resumed);
        let found = violated_with_losses(&world, &sent_messages);
        assert_eq!(found, violated_invariants, "{resumed:?}");
    }
}

/// No process has acknowledged the page with the message before the server forgot the application.
#[test]
fn a_message_may_be_lost_with_the_application_before_it_was_acknowledged() {
    for (acknowledged_by, lost_by, violated_invariants) in [
        (None, None, &[Invariant::NoLoss][..]),
        (None, Some(1), &[]),
        (None, Some(2), &[]),
        (Some(0), Some(2), &[Invariant::NoLoss]),
        (Some(1), Some(2), &[Invariant::NoLoss]),
    ] {
        let (mut world, sent_messages, processes, message) =
            unshown_at_stopped_process(&[true, true]);
        for (number, process) in processes.iter().enumerate() {
            if acknowledged_by == Some(number) {
                world.oracle.acknowledge(*process, message);
            } else {
                world.oracle.unacknowledge(*process, message);
            }
            if lost_by == Some(number) {
                world.oracle.lose_application(*process);
            }
        }
        let found = violated_with_losses(&world, &sent_messages);
        let case = (acknowledged_by, lost_by);
        assert_eq!(found, violated_invariants, "{case:?}");
    }
}
