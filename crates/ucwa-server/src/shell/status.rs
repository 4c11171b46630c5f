//! What a server is doing: for people who watch it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Method, StatusCode};

/// How many errors are remembered.
const ERRORS: usize = 10;

/// How many characters of a path are remembered.
const LONGEST_PATH: usize = 120;

/// What a server is doing now, and what it has done so far; see [`Server::status`](crate::Server::status).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ServerStatus {
    /// The addresses of the users who are signed in, in their order, each with the number of applications.
    pub signed_in: Vec<(String, usize)>,
    /// How many conversations there are. Each user's view of a chat counts as one.
    pub conversations: usize,
    /// How many requests were answered so far.
    pub requests: u64,
    /// How many events were sent so far.
    pub events: u64,
    /// The last ten requests that failed, the latest last.
    pub errors: Vec<RequestError>,
    /// Why the state could not be stored at the last attempt. `None` if it was stored, or is kept in memory only.
    pub store_failure: Option<String>,
}

/// A request that was answered with an error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestError {
    /// When.
    pub at: SystemTime,
    /// The method.
    pub method: Method,
    /// The path, without its query; a long one is cut off.
    pub path: String,
    /// The status of the response.
    pub status: StatusCode,
}

/// Counts requests, and remembers the last errors.
#[derive(Debug, Default)]
pub(super) struct Traffic(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    requests: u64,
    errors: VecDeque<RequestError>,
}

impl Traffic {
    /// Counts a request that is answered with this status.
    pub(super) fn count(&self, head: &Parts, status: StatusCode) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.requests += 1;
        // Every sign-in begins with a challenge, which is no error.
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

    /// Adds what was counted to a status.
    pub(super) fn report(&self, status: &mut ServerStatus) {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        status.requests = counted.requests;
        status.errors = counted.errors.iter().cloned().collect();
    }
}
