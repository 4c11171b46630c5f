//! Misbehaviour on demand.

use std::time::SystemTime;

use http::{Method, StatusCode};
use serde::Deserialize;

/// Something that real deployments do to their clients; see [`Engine::inject`](crate::Engine::inject).
///
/// A user is named by SIP URI; the fault strikes each of the user's applications.
///
/// In a file a fault is `"expire_tokens"`, or `{ "resume": { "user": "sip:…" } }`. The `retry_after` of `turn_away` is then a number
/// of seconds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// Every token given out so far is refused from now on with a 401 and its challenge.
    ExpireTokens,
    /// The user's applications are forgotten: requests to them get 404 NotFound/ApplicationNotFound.
    DropApplications {
        /// Whose.
        user: String,
    },
    /// The user's applications are ended for inactivity: requests to them get 410 Gone/InactiveApplicationExpired.
    ExpireApplications {
        /// Whose.
        user: String,
    },
    /// The next page of events has a `resume` link in place of `next`.
    Resume {
        /// Whose.
        user: String,
    },
    /// The next page of events has a `resync` link in place of `next`.
    Resync {
        /// Whose.
        user: String,
    },
    /// Messaging ends in the user's connected conversations while the conversations live on, at both sides: `addMessaging` is the way back.
    DropMessaging {
        /// Whose.
        user: String,
    },
    /// From now on a page of events tells of each resource only the latest state: `started` is missing where `completed` is in the same
    /// page, and what was added and deleted in between isn't told at all (`EventsInUCWA`).
    AggregateEvents,
    /// From now on the events that a request causes are released before the response to that request.
    EventsBeforeResponses,
    /// What stands before the service answers the next requests itself, and the service never sees them: a front end under load does,
    /// and a server that throttles (`GenericSynchronousErrors`). Parts of a batch count one by one.
    TurnAway {
        /// The method of those requests.
        #[serde(deserialize_with = "text::method")]
        method: Method,
        /// What their paths contain; empty for all.
        #[serde(default)]
        path: String,
        /// How many of them.
        count: u32,
        /// What they are answered with, such as 429 or 503.
        #[serde(deserialize_with = "text::status")]
        status: StatusCode,
        /// The pause that they are asked for.
        #[serde(default, deserialize_with = "text::retry_after")]
        retry_after: Option<RetryAfter>,
    },
}

/// The two forms of a `Retry-After` header (RFC 9110, 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// So many seconds from now.
    Seconds(u64),
    /// Not before this date, which is sent to the second.
    Date(SystemTime),
}

/// The values of a fault that other crates define, as a file has them.
mod text {
    use http::{Method, StatusCode};
    use serde::de::{Deserialize, Deserializer, Error};

    use super::RetryAfter;

    pub(super) fn method<'de, D: Deserializer<'de>>(from: D) -> Result<Method, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }

    pub(super) fn status<'de, D: Deserializer<'de>>(from: D) -> Result<StatusCode, D::Error> {
        StatusCode::from_u16(u16::deserialize(from)?).map_err(D::Error::custom)
    }

    pub(super) fn retry_after<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<RetryAfter>, D::Error> {
        let seconds = Option::<u64>::deserialize(from)?;
        Ok(seconds.map(RetryAfter::Seconds))
    }
}
