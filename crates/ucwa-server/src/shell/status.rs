//! The status of a server, for its operator.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Method, StatusCode};

/// The number of errors that are kept.
const ERRORS: usize = 10;

/// The number of characters of a path that are kept.
const LONGEST_PATH: usize = 120;

/// The current state of a server, and its counters since the start. See [`Server::status`](crate::Server::status).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ServerStatus {
    /// The addresses of the signed-in users in alphabetical order, each with the number of applications.
    pub signed_in: Vec<(String, usize)>,
    /// The number of conversations. Each application's view of a chat counts as one.
    pub conversations: usize,
    /// The number of answered requests.
    pub requests: u64,
    /// The number of sent events.
    pub events: u64,
    /// The last ten failed requests, the latest one last.
    pub errors: Vec<RequestError>,
    /// Why the state could not be stored at the last attempt. `None` if it was stored, or is kept in memory only.
    pub store_failure: Option<String>,
}

/// A request that was answered with an error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestError {
    /// When the response was sent.
    pub at: SystemTime,
    /// The method.
    pub method: Method,
    /// The path without its query. A long path is cut off.
    pub path: String,
    /// The status of the response.
    pub status: StatusCode,
}

/// Counts requests, and keeps the last errors.
#[derive(Debug, Default)]
pub(super) struct Traffic(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    requests: u64,
    errors: VecDeque<RequestError>,
}

impl Traffic {
    /// Counts a request with this status of the response.
    pub(super) fn count(&self, head: &Parts, status: StatusCode) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.requests += 1;
        // Every sign-in starts with a challenge, which is not an error.
        let challenge =
            status == StatusCode::UNAUTHORIZED && !head.headers.contains_key(AUTHORIZATION);
        if (status.is_client_error() || status.is_server_error()) && !challenge {
            if counted.errors.len() == ERRORS {
                counted.errors.pop_front();
            }
            counted.errors.push_back(RequestError {
                at: SystemTime::now(),
                method: head.method.clone(),
                path: head.uri.path().chars().take(LONGEST_PATH).collect(),
                status,
            });
        }
    }

    /// Adds the counters and the errors to a status.
    pub(super) fn report(&self, status: &mut ServerStatus) {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        status.requests = counted.requests;
        status.errors = counted.errors.iter().cloned().collect();
    }
}
