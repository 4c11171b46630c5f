//! Invitations of which no event tells what became of them: they are asked.

use bytes::Bytes;
use http::Response;

use super::Chats;
use super::invite::COMPLETION_GRACE;
use super::read::{self, InvitationStanding};
use super::verdict::unknown;
use crate::core::Core;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::ConversationKey;
use crate::timers::Timer;

impl Chats {
    /// The server took the request, or may have, and no event tells of the start.
    pub(super) fn on_start_overdue(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        operation: &str,
    ) {
        let Some(invite) = self.invite_mut(key, operation) else {
            return;
        };
        if invite.started {
            return;
        }
        match invite.location.clone() {
            Some(location) => {
                Self::read(
                    core,
                    Some(&location),
                    Purpose::ReadInvitation(key, operation.to_owned()),
                );
            }
            None => self.refuse_invite(
                core,
                key,
                unknown("the invitation may or may not have reached the server"),
            ),
        }
    }

    /// The invitation began, and no event tells how it ended.
    pub(super) fn on_completion_overdue(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        operation: &str,
    ) {
        let href = match self.invite_mut(key, operation) {
            Some(invite) => invite.href.clone().or_else(|| invite.location.clone()),
            None => self.offer_href(key, operation),
        };
        Self::read(
            core,
            href.as_deref(),
            Purpose::ReadInvitation(key, operation.to_owned()),
        );
    }

    pub(super) fn on_invitation_read(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        operation: &str,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let started = self.invite_mut(key, operation).map(|invite| invite.started);
        let invitation = match core.fetched(exchange, result) {
            Ok(invitation) => invitation,
            // In as many words. An answer without any may mean that the whole application is gone, with an invitation in it
            // that rang.
            Err(failure)
                if failure.is_gone() && failure.code().is_some() && started == Some(false) =>
            {
                let failure = Failure::new(FailureKind::Timeout, Stage::Invitation)
                    .with_message("the server took the invitation and did not begin it");
                return self.refuse_invite(core, key, failure);
            }
            Err(failure) if !failure.is_gone() && self.is_worth_asking_again(key, operation) => {
                let operation = operation.to_owned();
                core.arm(COMPLETION_GRACE, Timer::InvitationCompleted(key, operation));
                return;
            }
            // The record is gone, or is not asked for any more: a chat that stands was accepted.
            Err(_) if self.is_established(key) => {
                return self.conclude(core, key, operation, true, None, None);
            }
            Err(_) if started.is_some() => {
                return self.refuse_invite(
                    core,
                    key,
                    unknown("what became of the invitation cannot be found out"),
                );
            }
            Err(_) => return self.on_offer_concluded(core, key, false, None),
        };
        if started.is_some() {
            let href = invitation
                .href()
                .map_or_else(|| exchange.url.clone(), str::to_owned);
            self.on_invite_seen(core, key, operation, &href, &invitation);
        }
        match read::standing(&invitation) {
            InvitationStanding::Accepted => {
                self.conclude(core, key, operation, true, None, Some(&invitation));
            }
            InvitationStanding::Refused => {
                self.conclude(core, key, operation, false, None, Some(&invitation));
            }
            InvitationStanding::Open | InvitationStanding::Alerting => {
                core.arm(
                    COMPLETION_GRACE,
                    Timer::InvitationCompleted(key, operation.to_owned()),
                );
            }
        }
    }

    /// Whether an invitation that did not answer is asked again, since it decides on a conversation that may well live:
    /// the peer's, and ours once it rings, unless it is not wanted any more.
    fn is_worth_asking_again(&mut self, key: ConversationKey, operation: &str) -> bool {
        self.invite_mut(key, operation)
            .is_none_or(|invite| invite.started && !invite.cancel_wanted)
    }
}
