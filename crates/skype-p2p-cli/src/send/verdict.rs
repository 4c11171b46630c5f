//! The result of a delivery: a sentence, a JSON object, and an exit code.

use serde::Serialize;
use skype_p2p::{Reason, ReasonCode};

use crate::{End, failure::why_not_delivered, json_line::VERSION};

/// The result of sending a message to one receiver.
pub(crate) struct Verdict {
    to: String,
    result: DeliveryResult,
    reason: Option<Reason>,
    attempts: u32,
    earlier: bool,
}

/// What is known about a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeliveryResult {
    /// The server reported the delivery.
    Delivered,
    /// The message was certainly not delivered.
    NotDelivered,
    /// The message may have been delivered.
    Unknown,
}

/// The JSON object of a result.
#[derive(Serialize)]
struct Json<'a> {
    version: u32,
    event: &'static str,
    to: &'a str,
    result: DeliveryResult,
    sentence: String,
    attempts: u32,
    /// Whether the result is that of another call with the same idempotency key.
    earlier: bool,
    code: Option<&'a str>,
    subcode: Option<&'a str>,
    status: Option<u16>,
    host: Option<&'a str>,
    correlation_id: Option<&'a str>,
}

impl Verdict {
    /// The result of `send_message`.
    pub(crate) fn of(to: &str, result: Result<(), Reason>, attempts: u32) -> Self {
        let (result, reason) = match result {
            Ok(()) => (DeliveryResult::Delivered, None),
            Err(reason) if *reason.code() == ReasonCode::DeliveryUnknown => {
                (DeliveryResult::Unknown, Some(reason))
            }
            Err(reason) => (DeliveryResult::NotDelivered, Some(reason)),
        };
        Self {
            to: to.to_owned(),
            result,
            reason,
            attempts,
            earlier: false,
        }
    }

    /// The time limit has passed, or a signal has arrived, without a result.
    pub(crate) fn undetermined(to: &str, attempts: u32) -> Self {
        Self {
            to: to.to_owned(),
            result: DeliveryResult::Unknown,
            reason: None,
            attempts,
            earlier: false,
        }
    }

    /// The result of another call with the same idempotency key. Nothing was sent.
    pub(crate) fn earlier(to: &str, result: DeliveryResult) -> Self {
        Self {
            to: to.to_owned(),
            result,
            reason: None,
            attempts: 0,
            earlier: true,
        }
    }

    pub(crate) fn to(&self) -> &str {
        &self.to
    }

    pub(crate) fn result(&self) -> DeliveryResult {
        self.result
    }

    pub(crate) fn sentence(&self) -> String {
        let to = &self.to;
        let why = self
            .reason
            .as_ref()
            .map(|reason| why_not_delivered(reason, to));
        match (self.result, why) {
            (DeliveryResult::Delivered, _) if self.earlier => {
                format!("Delivered to {to} by an earlier call.")
            }
            (_, _) if self.earlier => {
                format!("Unknown: another call may have sent the message to {to}.")
            }
            (DeliveryResult::Delivered, _) => format!("Delivered to {to}."),
            (DeliveryResult::NotDelivered, why) => {
                format!("Not delivered: {}.", why.unwrap_or_default())
            }
            (DeliveryResult::Unknown, Some(why)) => format!("Unknown: {why}."),
            (DeliveryResult::Unknown, None) => {
                format!("Unknown: there was no result for {to} in time.")
            }
        }
    }

    pub(crate) fn json(&self) -> String {
        let details = self.reason.as_ref().and_then(Reason::details);
        let json = Json {
            version: VERSION,
            event: "send.result",
            to: &self.to,
            result: self.result,
            sentence: self.sentence(),
            attempts: self.attempts,
            earlier: self.earlier,
            code: self.reason.as_ref().map(|reason| reason.code().as_str()),
            subcode: details.and_then(|it| it.subcode.as_deref()),
            status: details.and_then(|it| it.status),
            host: details.and_then(|it| it.host.as_deref()),
            correlation_id: details.and_then(|it| it.correlation_id.as_deref()),
        };
        // Strings and numbers always have a JSON form.
        serde_json::to_string(&json).unwrap_or_default()
    }

    /// The reason with its causes, for `-v`.
    pub(crate) fn details(&self) -> Option<String> {
        self.reason.as_ref().map(|reason| format!("{reason:#}"))
    }

    pub(crate) fn end(&self) -> End {
        match self.result {
            DeliveryResult::Delivered => End::Well,
            DeliveryResult::NotDelivered => End::NotDone,
            DeliveryResult::Unknown => End::Unknown,
        }
    }
}

/// The exit code for several receivers: a message that was not delivered is worse than one without a result.
pub(crate) fn worst(one: End, other: End) -> End {
    let rank = |end| match end {
        End::Well => 0,
        End::Unknown => 1,
        _ => 2,
    };
    if rank(other) > rank(one) { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_a_sentence() {
        let verdict = |result| Verdict::of("lenea@contoso.com", result, 1);
        let refused = verdict(Err(Reason::new(ReasonCode::Refused)));
        assert_eq!(
            refused.sentence(),
            "Not delivered: lenea@contoso.com declined the chat."
        );
        assert_eq!(refused.end(), End::NotDone);
        assert_eq!(
            verdict(Ok(())).sentence(),
            "Delivered to lenea@contoso.com."
        );
        let unknown = verdict(Err(Reason::new(ReasonCode::DeliveryUnknown)));
        assert_eq!(unknown.end(), End::Unknown);
    }

    #[test]
    fn the_worst_of_several_results_is_one_that_was_not_delivered() {
        assert_eq!(worst(End::Well, End::Unknown), End::Unknown);
        assert_eq!(worst(End::NotDone, End::Unknown), End::NotDone);
        assert_eq!(worst(End::Unknown, End::NotDone), End::NotDone);
    }
}
