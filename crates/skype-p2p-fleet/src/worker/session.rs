//! The session of one identity, from the claim to the end of the lease.

mod application;

use std::{pin::pin, sync::Arc, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use skype_p2p::{
    Application, CallConnectionState, Checkpoint, ConnectionState, Conversation, ConversationState,
    ConversationsManager, Credentials, Event, EventBatch, Events, MessageBody, Reason, ReasonCode,
    SignInError, SignInErrorKind, SignInState, Subscription,
};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout_at},
};

use super::{
    Registration,
    batch_builder::BatchBuilder,
    committer::{CommitError, Committer},
    fenced_transport::Permit,
    metrics::SignInResult,
    password_gate::PasswordGate,
    sessions::{Order, Phase},
};
use crate::{
    sealing::Purpose,
    store::{
        Batch, Claim, CommitRefusal, Content, OperationId, QueuedMessage, Release, Sealed,
        StoreError,
    },
};

/// The pause before a statement is repeated while the store is unavailable.
const RETRY: Duration = Duration::from_millis(200);

/// The time in which an event tells the result of a message that the session has refused.
const EVENT_DELAY: Duration = Duration::from_secs(1);

/// The longest pause before another sign-in after the server could not be reached.
const UNREACHABLE_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause before another sign-in after the server did not serve the identity, and the pause after this worker cannot.
const FAILURE_PAUSE: Duration = Duration::from_secs(30);

/// The interval in which ended conversations are removed from memory.
const CLEANING: Duration = Duration::from_secs(60);

/// How a session ended.
#[derive(Debug)]
enum End {
    /// The identity has another owner, or none.
    LeaseLost,
    /// No worker may claim the identity before an operator has resumed it.
    Suspend(String),
    /// Any worker may claim the identity after the pause.
    Release(Duration),
}

/// Runs the session of a claimed identity.
pub(super) async fn run(
    registration: Registration,
    committer: Committer,
    claim: Claim,
    permit: Permit,
    orders: mpsc::UnboundedReceiver<Order>,
) {
    let lease = claim.lease;
    let session = Session {
        builder: BatchBuilder::new(lease),
        registration: registration.clone(),
        committer,
        claim,
        permit: permit.clone(),
        password: Arc::new(PasswordGate::new(
            registration.shared.store.clone(),
            registration.shared.metrics.clone(),
            lease,
        )),
    };
    let end = session.serve(orders).await;
    // Another worker may claim the identity next, so the session must not delete anything at the server.
    permit.revoke();
    tracing::debug!(identity = lease.identity.0, ?end, "a session ended");
    let shared = &registration.shared;
    let outcome = match end {
        End::LeaseLost => {
            shared.metrics.lease_lost();
            Ok(())
        }
        End::Suspend(reason) => {
            until_available(|| shared.store.suspend_lease(lease, &reason)).await
        }
        End::Release(pause) => {
            let release = [Release {
                lease,
                checkpoint: None,
                pause,
                gap: shared.sessions.silence(lease),
            }];
            until_available(|| shared.store.release(&release))
                .await
                .map(drop)
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(identity = lease.identity.0, %error, "a lease ended");
    }
    shared.sessions.remove(lease);
}

/// Repeats a statement while the store is unavailable.
async fn until_available<T, F: Future<Output = Result<T, StoreError>>>(
    mut statement: impl FnMut() -> F,
) -> Result<T, StoreError> {
    loop {
        match statement().await {
            Err(StoreError::Unavailable(_)) => sleep(RETRY).await,
            outcome => return outcome,
        }
    }
}

/// What follows the work of a session.
enum Next {
    End(End),
    /// The identity is to be released.
    Release,
}

struct Session {
    registration: Registration,
    committer: Committer,
    claim: Claim,
    permit: Permit,
    password: Arc<PasswordGate>,
    builder: BatchBuilder,
}

impl Session {
    async fn serve(mut self, orders: mpsc::UnboundedReceiver<Order>) -> End {
        let (application, mut events, credentials) = match self.build().await {
            Ok(built) => built,
            Err(end) => return end,
        };
        match self
            .operate(&application, &mut events, credentials, orders)
            .await
        {
            Next::End(end) => end,
            Next::Release => self.release(application, &mut events).await,
        }
    }

    /// Signs in, carries out orders and stores events.
    async fn operate(
        &mut self,
        application: &Application,
        events: &mut Events,
        credentials: Credentials,
        mut orders: mpsc::UnboundedReceiver<Order>,
    ) -> Next {
        let claimed_at = Instant::now();
        let manager = application.sign_in_manager();
        let conversations = application.conversations_manager();
        let _accepting = conversations.conversations().added(|it, _, _| accept(it));
        let _watching = self.watch(application);
        let password = self.password.clone();
        let mut sign_in = pin!(manager.sign_in(credentials));
        let state = manager.state();
        let (refusals, mut refused) = mpsc::unbounded_channel();
        let mut cleaning = interval(CLEANING);
        cleaning.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_ready = false;
        loop {
            let end = tokio::select! {
                biased;
                Some(order) = orders.recv() => match order {
                    Order::Send(message, slot) => {
                        if is_ready && self.builder.accepts(&message, slot) {
                            send(&conversations, message, &refusals);
                        }
                        None
                    }
                    Order::Release => return Next::Release,
                },
                batch = events.next() => match batch {
                    Some(batch) => self.store_events(batch).await.err(),
                    None => Some(End::Release(self.pause(UNREACHABLE_PAUSE))),
                },
                result = &mut sign_in, if !is_ready => match result {
                    Ok(()) => {
                        is_ready = true;
                        let result = match self.claim.checkpoint.is_some() && manager.not_resumed().is_none() {
                            true => SignInResult::Resumed,
                            false => SignInResult::SignedIn,
                        };
                        self.registration.shared.metrics.sign_in(result);
                        self.set_ready(claimed_at).await.err()
                    }
                    Err(error) => Some(self.sign_in_failure(&error)),
                },
                pause = password.closed(), if !is_ready => Some(self.password_pause(pause)),
                Some((operation, reason)) = refused.recv() => {
                    self.store_refusal(&operation, &reason).await.err()
                }
                _ = state.wait_for(SignInState::SignedOut), if is_ready => {
                    Some(self.signed_out(state.reason().as_ref()))
                }
                _ = cleaning.tick() => {
                    self.clean(&conversations);
                    None
                }
            };
            if let Some(end) = end {
                return Next::End(end);
            }
        }
    }

    async fn set_ready(&self, claimed_at: Instant) -> Result<(), End> {
        let shared = &self.registration.shared;
        let lease = self.claim.lease;
        let outcome =
            until_available(|| shared.store.set_ready(std::slice::from_ref(&lease))).await;
        match outcome {
            Ok(outcomes) if outcomes.iter().all(Result::is_ok) => {
                if self.claim.is_takeover {
                    shared.metrics.takeover(claimed_at.elapsed());
                }
                shared.sessions.set_phase(lease, Phase::Ready);
                Ok(())
            }
            Ok(_) => Err(End::LeaseLost),
            Err(error) => {
                tracing::error!(%error, "an identity cannot be made ready");
                Err(End::Release(FAILURE_PAUSE))
            }
        }
    }

    /// Stores events, and then acknowledges their page and lets their messages be sent.
    async fn store_events(&mut self, batch: EventBatch) -> Result<(), End> {
        let checkpoint = self.seal(batch.checkpoint())?;
        let metrics = &self.registration.shared.metrics;
        let stored = self.builder.batch(batch.events(), checkpoint, metrics);
        self.commit(stored).await?;
        batch.commit();
        Ok(())
    }

    async fn store_refusal(&mut self, operation: &OperationId, reason: &Reason) -> Result<(), End> {
        let metrics = &self.registration.shared.metrics;
        match self.builder.refusal(operation, reason, metrics) {
            Some(batch) => self.commit(batch).await,
            None => Ok(()),
        }
    }

    async fn commit(&self, batch: Batch) -> Result<(), End> {
        let received = batch.received.len();
        match self.committer.commit(batch).await {
            Ok(()) => {
                self.registration.shared.metrics.received(received);
                Ok(())
            }
            Err(CommitError::Refusal(CommitRefusal::LeaseLost(_))) => Err(End::LeaseLost),
            Err(CommitError::Refusal(refusal)) => {
                tracing::warn!(identity = self.claim.lease.identity.0, %refusal, "resuming from the stored checkpoint");
                Err(End::Release(Duration::ZERO))
            }
            Err(CommitError::Store(error)) => {
                tracing::error!(identity = self.claim.lease.identity.0, %error, "events cannot be stored");
                Err(End::Release(FAILURE_PAUSE))
            }
        }
    }

    fn seal(&self, checkpoint: Option<&Checkpoint>) -> Result<Option<Sealed>, End> {
        let Some(checkpoint) = checkpoint else {
            return Ok(None);
        };
        let keyring = &self.registration.shared.keyring;
        let encoded = SecretString::from(checkpoint.encode());
        let encoded = encoded.expose_secret().as_bytes();
        let sealed = keyring.seal(&self.claim.sip_uri, Purpose::Checkpoint, encoded);
        sealed.map(Some).map_err(|error| {
            tracing::error!(%error, "a checkpoint cannot be sealed");
            End::Release(FAILURE_PAUSE)
        })
    }

    /// Waits for the results of messages in flight, and detaches the session.
    async fn release(&mut self, application: Application, events: &mut Events) -> End {
        let shared = self.registration.shared.clone();
        let lease = self.claim.lease;
        shared.sessions.set_phase(lease, Phase::Releasing);
        let leases = [lease];
        match until_available(|| shared.store.set_releasing(&leases)).await {
            Ok(outcomes) if outcomes.iter().all(Result::is_ok) => {}
            _ => return End::LeaseLost,
        }
        let deadline = Instant::now() + shared.config.release_timeout;
        while !self.builder.is_quiet() {
            match timeout_at(deadline, events.next()).await {
                Ok(Some(batch)) => {
                    if let Err(end) = self.store_events(batch).await {
                        return end;
                    }
                }
                // The next owner finds out the results.
                Ok(None) | Err(_) => break,
            }
        }
        let checkpoint = application.detach().await;
        // The events end with the application.
        drop(application);
        let checkpoint = match self.seal(checkpoint.as_ref()) {
            Ok(checkpoint) => checkpoint,
            Err(end) => return end,
        };
        let mut rest: Vec<Event> = Vec::new();
        while let Some(batch) = events.next().await {
            rest.extend_from_slice(batch.events());
        }
        if checkpoint.is_some() || !rest.is_empty() {
            let last = self.builder.last_batch(&rest, checkpoint, &shared.metrics);
            if let Err(end) = self.commit(last).await {
                return end;
            }
        }
        End::Release(Duration::ZERO)
    }

    /// Counts the time for which the server is not reached.
    fn watch(&self, application: &Application) -> Subscription {
        let (lease, sessions) = (self.claim.lease, self.registration.shared.sessions.clone());
        let manager = application.sign_in_manager();
        manager
            .connection()
            .changed(move |change| match change.new {
                ConnectionState::Connected => sessions.set_polling(lease, true),
                ConnectionState::Reconnecting { .. } => sessions.set_polling(lease, false),
                _ => {}
            })
    }

    /// The end of a session that would need the password, while no worker may send it.
    fn password_pause(&self, pause: Duration) -> End {
        let (identity, seconds) = (self.claim.lease.identity.0, pause.as_secs());
        tracing::warn!(
            identity,
            seconds,
            "no sign-in: a worker died while the server checked the password, which is tried again after this time"
        );
        self.registration
            .shared
            .metrics
            .sign_in(SignInResult::Failed);
        End::Release(pause)
    }

    fn sign_in_failure(&self, error: &SignInError) -> End {
        let identity = self.claim.lease.identity.0;
        tracing::warn!(identity, %error, "no sign-in");
        let metrics = &self.registration.shared.metrics;
        match error.kind() {
            SignInErrorKind::Interrupted
            | SignInErrorKind::Unreachable { .. }
            | SignInErrorKind::Cancelled => {
                metrics.sign_in(SignInResult::Failed);
                End::Release(self.pause(UNREACHABLE_PAUSE))
            }
            SignInErrorKind::UnexpectedAnswer
            | SignInErrorKind::Refused
            | SignInErrorKind::Spent => {
                metrics.sign_in(SignInResult::Failed);
                End::Release(self.pause(FAILURE_PAUSE))
            }
            // Another attempt fails in the same way, and may lock the account.
            _ => {
                metrics.sign_in(SignInResult::Refused);
                End::Suspend(error.to_string())
            }
        }
    }

    /// The end of a session that was signed out by the server.
    fn signed_out(&self, reason: Option<&Reason>) -> End {
        match reason {
            // The server has refused the password when the token was renewed.
            Some(reason) if *reason.code() == ReasonCode::SignInFailed => {
                End::Suspend(format!("{reason:#}"))
            }
            _ => End::Release(self.pause(UNREACHABLE_PAUSE)),
        }
    }

    /// The pause before another sign-in.
    fn pause(&self, longest: Duration) -> Duration {
        let sessions = &self.registration.shared.sessions;
        sessions.pause(self.claim.lease, longest)
    }

    /// Removes ended conversations from memory.
    fn clean(&mut self, conversations: &ConversationsManager) {
        if !self.builder.is_quiet() {
            return;
        }
        self.builder.forget_handed();
        for conversation in conversations.conversations().snapshot() {
            if conversation.state().get() == ConversationState::Disconnected {
                drop(conversations.remove(&conversation));
            }
        }
    }
}

/// Accepts the invitation of a new conversation.
fn accept(conversation: &Conversation) {
    let chat = conversation.chat_service();
    let state = conversation.self_participant().chat().state();
    let accept = move |_: &_| drop(chat.accept());
    state.when(CallConnectionState::Notified, accept).detach();
}

/// Sends a message. The events report its result, unless the session refuses it.
fn send(
    conversations: &ConversationsManager,
    message: QueuedMessage,
    refusals: &mpsc::UnboundedSender<(OperationId, Reason)>,
) {
    let refusals = refusals.clone();
    let operation = message.operation.clone();
    let peer = message.peer.as_str();
    let conversation = match peer.contains(";opaque=app:conf:") {
        true => conversations.get_conversation_by_uri(peer),
        false => conversations.get_conversation(peer),
    };
    let body = match is_html(&message.content) {
        true => MessageBody::Html(message.content.text),
        false => MessageBody::Text(message.content.text),
    };
    let sent = conversation.map(|it| {
        it.chat_service()
            .send_message_with_id(operation.as_str(), body)
    });
    tokio::spawn(async move {
        let result = match sent {
            Ok(sent) => sent.await,
            Err(reason) => Err(reason),
        };
        if let Err(reason) = result {
            sleep(EVENT_DELAY).await;
            let _ = refusals.send((operation, reason));
        }
    });
}

fn is_html(content: &Content) -> bool {
    content.media_type == "text/html"
}
