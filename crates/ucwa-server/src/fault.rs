//! The faults that can be injected.

use std::time::SystemTime;

use http::{Method, StatusCode};
use serde::Deserialize;

/// A fault that occurs in real deployments. See [`Engine::inject`](crate::Engine::inject).
///
/// `user` is a SIP URI. The fault applies to each of the user's applications.
///
/// A fault can be deserialized: `"expire_tokens"`, or `{ "resume": { "user": "sip:…" } }`. The `retry_after` of `turn_away` is then a number of seconds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// All tokens become invalid: requests with them get 401 with the challenge.
    ExpireTokens,
    /// The user's applications end: requests to them get 404 NotFound/ApplicationNotFound.
    DropApplications {
        /// The SIP URI of the user.
        user: String,
    },
    /// The user's applications end for inactivity: requests to them get 410 Gone/InactiveApplicationExpired.
    ExpireApplications {
        /// The SIP URI of the user.
        user: String,
    },
    /// The next event page has a link `resume` instead of `next`.
    Resume {
        /// The SIP URI of the user.
        user: String,
    },
    /// The next event page has a link `resync` instead of `next`.
    Resync {
        /// The SIP URI of the user.
        user: String,
    },
    /// The messaging of the user's connected conversations ends for both participants, and the conversations continue. They can
    /// invite each other again with `addMessaging`.
    DropMessaging {
        /// The SIP URI of the user.
        user: String,
    },
    /// From now on, an event page contains only the latest state of each resource: `started` is missing if `completed` is in the
    /// same
    /// page, and so are `added` and `deleted` of the same resource (`EventsInUCWA`).
    AggregateEvents,
    /// From now on, the events that a request causes are sent before the response to the request.
    EventsBeforeResponses,
    /// The next requests are answered before they reach UCWA, as by a front end under load or by a server that throttles
    /// (`GenericSynchronousErrors`). Each part of a batch counts as a request.
    TurnAway {
        /// The method of the requests.
        #[serde(deserialize_with = "text::method")]
        method: Method,
        /// A part of their paths. Empty for all paths.
        #[serde(default)]
        path: String,
        /// The number of requests.
        count: u32,
        /// The status of the responses, such as 429 or 503.
        #[serde(deserialize_with = "text::status")]
        status: StatusCode,
        /// The header `Retry-After` of the responses.
        #[serde(default, deserialize_with = "text::retry_after")]
        retry_after: Option<RetryAfter>,
    },
}

/// The two forms of a `Retry-After` header (RFC 9110, 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// A number of seconds.
    Seconds(u64),
    /// A date, which is sent with a precision of one second.
    Date(SystemTime),
}

/// Deserializes the types of other crates.
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
