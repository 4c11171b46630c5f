//! Handover of a session: checkpoints, detaching, and resuming the application of an earlier session.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::Origin;

use super::{ApplicationLinks, Phase};
use crate::checkpoint::Checkpoint;
use crate::config::{Root, SessionConfig};
use crate::event::SessionEvent;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::operation::Outcome;
use crate::session::Session;
use crate::timers::Timer;

/// The maximum number of refusals, possibly of a proxy, after which a session that resumes repeats the read.
const MAX_REFUSALS: u32 = 2;
/// The pause after such a refusal.
const REFUSAL_PAUSE: Duration = Duration::from_secs(1);

/// The resumption of an earlier session's application.
#[derive(Debug, Default)]
pub(crate) enum Resumption {
    /// The session resumes no application, or the resumption has ended.
    #[default]
    None,
    /// The next sign-in resumes this application.
    Of(Box<Checkpoint>),
    /// The application is polled and read.
    UnderWay {
        /// The invitations to be read again.
        pending_invitations: Vec<(String, String)>,
        /// The conversations have to be listed.
        is_unlisted: bool,
        /// The number of refused reads of the application that may be refusals of a proxy.
        refusals: u32,
    },
}

impl Resumption {
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self, Self::UnderWay { .. })
    }
}

impl Session {
    /// Creates a session that continues the application of an earlier session.
    ///
    /// The next [`Operation::SignIn`](crate::Operation::SignIn), with credentials of the same user, polls at once, where the
    /// earlier session stopped, and completes when the second request has shown that the application exists. As long as the
    /// token of the checkpoint is valid, no credential is sent, and [`Credentials::None`](crate::Credentials::None) is
    /// enough. The conversations of the checkpoint are emitted as [`SessionEvent::Discovered`], with their states; their
    /// links and participants are read after the poll has left. Each message without a result gets a
    /// [`MessageSettled`](crate::ConversationChange::MessageSettled), and is never sent again.
    ///
    /// If the server no longer has the application, the session emits [`SessionEvent::NotResumed`], ends the conversations
    /// and signs in. If the server cannot be reached, the sign-in fails, nothing is deleted, and the same checkpoint can be
    /// used again.
    ///
    /// The endpoint ID and the user agent of the checkpoint replace those of the configuration: the server knows the
    /// application by them. The trusted hosts are those of the configuration and those to which the user had agreed.
    pub fn resume(mut config: SessionConfig, checkpoint: Checkpoint) -> Self {
        config.endpoint_id = Some(checkpoint.endpoint_id.clone());
        config.user_agent.clone_from(&checkpoint.user_agent);
        let mut session = Self::new(config);
        session.sign_in.resumption = Resumption::Of(Box::new(checkpoint));
        session
    }

    /// The state that another session needs to continue this one. `None` unless the session has an application. Changes
    /// nothing.
    ///
    /// It agrees with the events that were emitted before: a session that resumes it gets every later event, unless this
    /// session has acknowledged the page by then. Queued messages, whose requests have not been made, are not in it.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.save(false)
    }

    /// The checkpoint. `is_last` if the session sends no further requests.
    fn save(&self, is_last: bool) -> Option<Checkpoint> {
        let sign_in = &self.sign_in;
        if sign_in.phase != Phase::Running {
            return None;
        }
        let base = self.core.base.as_ref()?;
        let application = base.resolve(sign_in.links.application.as_deref()?).ok()?;
        let (restored, is_unlisted): (&[_], _) = match &sign_in.resumption {
            Resumption::UnderWay {
                pending_invitations,
                is_unlisted,
                ..
            } => (pending_invitations, *is_unlisted),
            _ => (&[], false),
        };
        let pending_invitations = self.chats.save_invitations(&self.core, restored);
        Some(Checkpoint {
            endpoint_id: sign_in.endpoint_id.clone(),
            user_agent: self.core.config.user_agent.clone(),
            me: self.chats.me.clone(),
            name: sign_in.name.clone(),
            user: sign_in.user.clone(),
            application,
            next: self.channel.continuation().to_owned(),
            token: self.core.save_token(base),
            approved: self.core.trust.approved().map(str::to_owned).collect(),
            cookies: None,
            conversations: self
                .chats
                .save(&self.core, is_last, !pending_invitations.is_empty()),
            pending_invitations,
            unclaimed: self.chats.save_unclaimed(),
            is_unlisted: is_unlisted || self.chats.has_unclaimed(&self.core),
        })
    }

    /// Ends the session at `now` without deleting anything at the server, and returns the state that another session needs to
    /// continue. `None` if the session is not signed in. The session ends in either case.
    ///
    /// Every request is aborted, and every operation fails with [`FailureKind::Detached`]. A message whose request may have
    /// reached the server is reported as unknown; it is in the checkpoint, and the session that resumes it reports the
    /// result. A message whose request was not made has failed.
    pub fn detach(&mut self, now: Duration) -> Option<Checkpoint> {
        self.core.now = self.core.now.max(now);
        if matches!(self.sign_in.phase, Phase::Fresh | Phase::Over) {
            return None;
        }
        let checkpoint = self.save(true);
        if checkpoint.is_some() {
            self.chats.drop_unshown(&self.core);
        }
        // Without its links, the application is not deleted.
        self.sign_in.links = ApplicationLinks::default();
        self.give_up(Failure::new(FailureKind::Detached, Stage::Command));
        checkpoint
    }

    /// Polls where the earlier session stopped, and reads the application.
    pub(super) fn enter(&mut self, checkpoint: Checkpoint) {
        let same_user = checkpoint.me.eq_ignore_ascii_case(&self.sign_in.sip_uri);
        let base = Origin::of(&checkpoint.application).ok();
        let Some(base) = base.filter(|_| same_user) else {
            let message = match same_user {
                true => "the checkpoint has no usable address",
                false => "the checkpoint belongs to another user",
            };
            let failure = Failure::new(FailureKind::InvalidArgument, Stage::Command);
            return self.give_up(failure.with_message(message));
        };
        self.core.base = Some(base);
        for host in &checkpoint.approved {
            self.core.trust.approve(host);
        }
        self.sign_in.user = checkpoint.user;
        self.sign_in.name = checkpoint.name;
        self.sign_in.links.application = Some(checkpoint.application.clone());
        self.chats.me.clone_from(&checkpoint.me);
        self.sign_in.resumption = Resumption::UnderWay {
            pending_invitations: checkpoint.pending_invitations,
            is_unlisted: checkpoint.is_unlisted,
            refusals: 0,
        };
        self.sign_in.phase = Phase::Running;
        self.sign_in.application_since = self.core.now;
        self.core.emit(SessionEvent::Me {
            uri: checkpoint.me,
            name: self.sign_in.name.clone(),
        });
        if let Some(token) = checkpoint.token {
            self.core.restore_token(token);
        }
        self.chats.restore(&mut self.core, checkpoint.conversations);
        self.chats
            .restore_unclaimed(&mut self.core, checkpoint.unclaimed);
        self.continue_channel(checkpoint.next);
        if self.sign_in.phase == Phase::Running {
            self.read_resumed_application(Duration::ZERO);
        }
    }

    fn read_resumed_application(&mut self, pause: Duration) {
        let application = self.sign_in.links.application.clone().unwrap_or_default();
        let read = Exchange::new(Purpose::ReadApplication, Method::GET, application);
        match pause.is_zero() {
            true => self.core.issue(read),
            false => {
                self.core.arm(pause, Timer::Retry(Box::new(read)));
            }
        }
    }

    /// Counts a refusal that does not prove the state of the application. `false` if there have been too many.
    fn may_be_mistaken(&mut self, refusal: &Failure) -> bool {
        match &mut self.sign_in.resumption {
            Resumption::UnderWay { refusals, .. } if !refusal.is_gone() => {
                *refusals += 1;
                *refusals <= MAX_REFUSALS
            }
            _ => false,
        }
    }

    /// Handles the response that shows whether the application of the earlier session exists.
    pub(super) fn on_resumed_application_read(
        &mut self,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let read = result.and_then(|response| self.application_links(exchange, &response));
        match read {
            Ok(()) => self.finish_resumption(),
            // The user has moved, or a proxy no longer finds the pool of the application (`RootURL`). A single refusal
            // of a proxy is no proof.
            Err(failure) if matches!(failure.status(), Some(403 | 404 | 410)) => {
                match self.may_be_mistaken(&failure) {
                    true => self.read_resumed_application(REFUSAL_PAUSE),
                    false => self.sign_in_instead(failure),
                }
            }
            Err(failure) => {
                // The application may exist, so it is not deleted.
                self.leave_application(failure);
            }
        }
    }

    fn finish_resumption(&mut self) {
        let resumption = std::mem::take(&mut self.sign_in.resumption);
        if !self.is_polling() {
            // The page was unreadable, and the poll waited for this read.
            self.restart_channel();
            if self.sign_in.phase != Phase::Running {
                // The events link leads to another host.
                return;
            }
        }
        self.report_sign_in();
        self.begin_with_application();
        if let Some(ticket) = self.sign_in.ticket.take() {
            self.core.complete(ticket, Ok(Outcome::Done));
        }
        if let Resumption::UnderWay {
            pending_invitations,
            is_unlisted,
            ..
        } = resumption
        {
            self.core.collect_reads();
            self.chats
                .read_restored(&mut self.core, &pending_invitations);
            if is_unlisted {
                self.list_conversations();
            }
        }
    }

    /// Signs in, because the server no longer has the application of the earlier session.
    pub(super) fn sign_in_instead(&mut self, failure: Failure) {
        tracing::warn!(%failure, "the application of the checkpoint is gone; signing in");
        self.sign_in.resumption = Resumption::None;
        let lost = failure.clone().with_kind(FailureKind::ConnectionLost);
        self.drop_application(&lost);
        self.sign_in.phase = Phase::Entering;
        self.core.emit(SessionEvent::NotResumed { failure });
        let user = std::mem::take(&mut self.sign_in.user);
        if matches!(self.core.config.root, Root::Domain) && Origin::of(&user).is_ok() {
            // The user resource is known, and discovery is the fallback (`ReusingUcwaFqdn`).
            self.core.config.root = Root::User(user);
        }
        self.discover();
    }
}
