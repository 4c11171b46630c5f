//! One probe: two users sign in, one invites the other, and each receives a message of the other.

use std::{
    future::pending,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use skype_p2p::{
    Application, CallConnectionState, Changes, Conversation, Direction, Reason, ReasonCode,
    TextMessage,
};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};

use super::measurement::{Measurement, Stage};
use crate::{
    failure::{Failure, why_not_delivered},
    sign_in::Client,
};

/// The time for the result of an invitation that the probe could not accept.
const ACCEPTED_ELSEWHERE: Duration = Duration::from_secs(2);

/// A probe that is running.
pub(crate) struct Round {
    deadline: Instant,
    stages: Vec<(Stage, Duration)>,
    failure: Option<Failure>,
}

impl Round {
    /// Runs a probe. Without a receiver it is the sign-in of the sender only. The users stay signed in.
    pub(crate) async fn run(
        sender: Client,
        receiver: Option<Client>,
        timeout: Duration,
    ) -> Measurement {
        let mut round = Self {
            deadline: Instant::now() + timeout,
            stages: Vec::new(),
            failure: None,
        };
        let users = (
            sender.user.clone(),
            receiver.as_ref().map(|it| it.user.clone()),
        );
        // The result is in the round, also if a stage failed.
        let _ = match receiver {
            Some(receiver) => round.chat(sender, receiver).await,
            None => round.sign_in(Stage::SenderSignIn, sender).await,
        };
        Measurement {
            sender: users.0,
            receiver: users.1,
            time: SystemTime::now(),
            stages: round.stages,
            failure: round.failure,
        }
    }

    /// Runs a stage, and keeps its time and its failure. None if it failed.
    async fn stage<T>(
        &mut self,
        stage: Stage,
        late: Failure,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Option<T> {
        let begun = Instant::now();
        let result = timeout_at(self.deadline, work).await;
        self.stages.push((stage, begun.elapsed()));
        match result.unwrap_or(Err(late)) {
            Ok(value) => Some(value),
            Err(failure) => {
                self.failure = Some(failure);
                None
            }
        }
    }

    async fn sign_in(&mut self, stage: Stage, client: Client) -> Option<()> {
        let late = Failure::sign_in_timeout();
        self.stage(stage, late, client.sign_in(None)).await
    }

    /// All stages, until one fails.
    async fn chat(&mut self, sender: Client, receiver: Client) -> Option<()> {
        let (from, to) = (sender.user.clone(), receiver.user.clone());
        let (sending, receiving) = (sender.application.clone(), receiver.application.clone());
        self.sign_in(Stage::SenderSignIn, sender).await?;
        self.sign_in(Stage::ReceiverSignIn, receiver).await?;

        let late = |what: &str| {
            Failure::undetermined(format!("{from} cannot reach {to}: {what} in time."))
                .with_hint("-vv logs the requests; give more time with --timeout")
        };
        let text = unique_text();
        let mut invitations = receiving
            .conversations_manager()
            .conversations()
            .additions();
        let invited = async {
            let conversation = open(&sending, &to)?;
            let mut sent = Box::pin(conversation.chat_service().send_message(text.clone()));
            tokio::select! {
                biased;
                received = invitation(&mut invitations, &from, &text) => Ok((conversation, sent, received)),
                result = &mut sent => Err(match result {
                    Ok(()) => accepted_elsewhere(&to),
                    Err(reason) => not_delivered(&reason, &from, &to),
                }),
            }
        };
        let late_invitation = late("no invitation arrived");
        let (conversation, sent, received) = self
            .stage(Stage::Invitation, late_invitation, invited)
            .await?;

        let delivered = async {
            if let Err(reason) = received.chat_service().accept().await {
                // The sender learns at about the same time that another endpoint was faster.
                let result = timeout(ACCEPTED_ELSEWHERE, sent).await;
                return Err(match result {
                    Ok(Ok(())) => accepted_elsewhere(&to),
                    _ => Failure::other(format!("{to} cannot accept the invitation of {from}."))
                        .with_cause(format!("{reason:#}")),
                });
            }
            let result = sent.await;
            result.map_err(|reason| not_delivered(&reason, &from, &to))?;
            arrived(&received, &text).await;
            Ok(())
        };
        self.stage(
            Stage::Delivery,
            late("the message was not delivered"),
            delivered,
        )
        .await?;

        let answer = format!("Answer to: {text}");
        let answered = async {
            let answering = received.chat_service().send_message(answer.clone());
            let result = answering.await;
            result.map_err(|reason| not_delivered(&reason, &to, &from))?;
            arrived(&conversation, &answer).await;
            Ok(())
        };
        self.stage(Stage::Answer, late("the answer did not arrive"), answered)
            .await
    }
}

/// A text that no other probe sends. Servers may add a line break or tags to it.
fn unique_text() -> String {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    let number = time.unwrap_or_default().as_nanos();
    format!("Probe {number:x}-{:x}", std::process::id())
}

/// The conversation with the receiver. No request is sent.
fn open(application: &Application, to: &str) -> Result<Conversation, Failure> {
    application
        .conversations_manager()
        .get_conversation(to)
        .map_err(|reason| Failure::address(to, &reason))
}

/// Waits for the invitation of the sender with this text. Other invitations keep ringing, also those of other probes.
async fn invitation(
    conversations: &mut Changes<Conversation>,
    from: &str,
    text: &str,
) -> Conversation {
    let mut invitations = JoinSet::new();
    loop {
        tokio::select! {
            Some(conversation) = conversations.recv() => {
                if is_from(&conversation, from) {
                    let text = text.to_owned();
                    invitations.spawn(async move { rings_with(&conversation, &text).await.then_some(conversation) });
                }
            }
            Some(invitation) = invitations.join_next() => {
                if let Ok(Some(conversation)) = invitation {
                    return conversation;
                }
            }
            // The application was shut down. The deadline ends the stage.
            else => pending().await,
        }
    }
}

fn is_from(conversation: &Conversation, address: &str) -> bool {
    conversation.creator().is_some_and(|creator| {
        let uri = creator.id().get();
        uri.trim_start_matches("sip:").eq_ignore_ascii_case(address)
    })
}

/// Waits until the invitation rings, and checks the message that it carries, as far as the server shows it.
async fn rings_with(conversation: &Conversation, text: &str) -> bool {
    let state = conversation.self_participant().chat().state();
    let rings = state.wait_for(CallConnectionState::Notified).await.is_ok();
    let preview = conversation.chat_service().preview().get();
    rings && preview.is_none_or(|preview| preview.raw().contains(text))
}

/// Waits for an incoming message.
async fn arrived(conversation: &Conversation, text: &str) {
    let mut messages = conversation.chat_service().messages().additions();
    let is_wanted = |message: &TextMessage| {
        message.direction() == Direction::Incoming && message.text().contains(text)
    };
    while let Some(message) = messages.recv().await {
        if is_wanted(&message) {
            return;
        }
    }
    // The application was shut down. The deadline ends the stage.
    pending::<()>().await;
}

/// Another program accepted the invitation.
fn accepted_elsewhere(to: &str) -> Failure {
    Failure::other(format!(
        "Another client of {to} accepted the invitation before the probe."
    ))
    .with_hint("probe with users who have no other client that accepts invitations")
}

/// A message was not delivered.
fn not_delivered(reason: &Reason, from: &str, to: &str) -> Failure {
    let message = format!(
        "{from} cannot reach {to}: {}.",
        why_not_delivered(reason, to)
    );
    let failure = if *reason.code() == ReasonCode::DeliveryUnknown {
        Failure::undetermined(message)
    } else {
        Failure::other(message)
    };
    failure.with_cause(format!("{reason:#}"))
}
