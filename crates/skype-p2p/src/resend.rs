//! Sending a message again until it is delivered, or until a deadline.

use std::time::Duration;

use conv_model::{ChatService, CommandFuture, MessageBody, Reason, ReasonCode, Resend};
use futures_util::future::{Either, select};

use crate::application::Application;

/// The pause before the second attempt. Each further pause is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Application {
    /// Sends a message like [`ChatService::send_message`], and sends it again while it fails for a reason after which that
    /// is safe ([`Resend::Later`]) and the time limit has not expired. The pause between two attempts grows from one second
    /// to half a minute. Each attempt is an item of [`messages`](ChatService::messages).
    ///
    /// The first attempt starts with the call. Dropping the future ends the attempts, and does not cancel the present one.
    ///
    /// # Errors
    ///
    /// The reason why the last attempt failed. [`DeliveryUnknown`](ReasonCode::DeliveryUnknown) if the time limit expires
    /// before an attempt has a result; that attempt continues, and the status of its message may still become Succeeded.
    pub fn send_message_within(
        &self,
        chat: &ChatService,
        body: impl Into<MessageBody>,
        time: Duration,
    ) -> CommandFuture<()> {
        let (runtime, chat, body) = (self.runtime.clone(), chat.clone(), body.into());
        let deadline = runtime.now().saturating_add(time);
        let mut attempt = chat.send_message(body.clone());
        Box::pin(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                let timeout = runtime.sleep_until(deadline);
                let reason = match select(attempt, timeout).await {
                    Either::Left((Ok(()), _)) => return Ok(()),
                    Either::Left((Err(reason), _)) => reason,
                    Either::Right(_) => {
                        return Err(Reason::new(ReasonCode::DeliveryUnknown).with_message(
                            "the time limit expired before the message had a result",
                        ));
                    }
                };
                let next = runtime.now().saturating_add(pause);
                if reason.resend() != Resend::Later || next >= deadline {
                    return Err(reason);
                }
                runtime.sleep_until(next).await;
                pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                attempt = chat.send_message(body.clone());
            }
        })
    }
}
