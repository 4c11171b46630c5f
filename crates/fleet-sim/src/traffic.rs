//! What has left the workers.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use ucwa_server::RequestId;

use crate::owners::Owners;

/// The requests of the workers that the invariants are about.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    owners: Owners,
    /// The SIP URIs of the users by their access tokens.
    users: BTreeMap<String, String>,
    open: BTreeMap<RequestId, Kind>,
    /// The workers with pending requests for the events of each user, a worker for each request.
    polls: BTreeMap<String, Vec<usize>>,
    /// The users in `polls` without a request.
    silent: BTreeSet<String>,
    /// The worker that has received a refusal, until the world has taken it.
    refused_to: Option<usize>,
    /// The POSTs of each operation. A POST is forgotten when its sender knows that the server has refused it.
    posts: BTreeMap<String, u32>,
    /// Operations that were sent again although the server may have accepted them.
    pub(crate) repeated_posts: Vec<String>,
    /// The users whose password was refused.
    refused: BTreeSet<String>,
    /// Passwords that were sent again after their refusal had arrived.
    pub(crate) repeated_passwords: Vec<String>,
    /// Applications that were deleted by a process that does not have the identity.
    pub(crate) foreign_deletions: Vec<String>,
}

#[derive(Debug)]
enum Kind {
    /// A message, by its operation ID.
    Message(String),
    /// A sign-in with the password of a user, by a worker.
    Password(String, usize),
    /// A pending request for the events of a user, sent by a worker.
    Poll(String, usize),
}

impl Traffic {
    /// No traffic so far, of workers whose claims are known.
    pub(crate) fn new(owners: Owners) -> Self {
        Self {
            owners,
            ..Self::default()
        }
    }

    /// A worker has sent a request.
    pub(crate) fn left(&mut self, worker: usize, id: RequestId, request: &Request<Bytes>) {
        let path = request.uri().path();
        let user = self.user(request);
        let kind = if *request.method() == Method::POST && path.ends_with("/oauthtoken") {
            let Some(user) = user_name(request.body()) else {
                return;
            };
            if self.refused.contains(&user) {
                self.repeated_passwords
                    .push(format!("{user} by worker {worker}"));
            }
            Kind::Password(user, worker)
        } else if let Some(operation) = operation(request) {
            let posts = self.posts.entry(operation.clone()).or_default();
            *posts += 1;
            if *posts > 1 {
                self.repeated_posts
                    .push(format!("{operation} by worker {worker}"));
            }
            Kind::Message(operation)
        } else if *request.method() == Method::GET && path.contains("/events") {
            let user = user.unwrap_or_default();
            if let Some(workers) = self.polls.get_mut(&user) {
                self.silent.remove(&user);
                workers.push(worker);
            }
            Kind::Poll(user, worker)
        } else {
            if *request.method() == Method::DELETE && is_application(path) {
                let user = user.unwrap_or_default();
                if self.owners.owner(&user) != Some(worker) {
                    self.foreign_deletions
                        .push(format!("{user} by worker {worker}"));
                }
            }
            return;
        };
        self.open.insert(id, kind);
    }

    /// A worker has received the response.
    pub(crate) fn received(&mut self, id: RequestId, response: &Response<Bytes>) {
        match self.open.remove(&id) {
            Some(Kind::Message(operation)) if !response.status().is_success() => {
                self.posts.remove(&operation);
            }
            Some(Kind::Password(user, worker)) => match access_token(response.body()) {
                Some(token) => {
                    self.users.insert(token, user);
                }
                // A server under load says nothing about the password.
                None if response.status().is_client_error() => {
                    self.refused.insert(user);
                    self.refused_to = Some(worker);
                }
                None => {}
            },
            Some(Kind::Poll(user, worker)) => self.poll_ended(user, worker),
            _ => {}
        }
    }

    /// The worker that has received the refusal of a password since the last call.
    pub(crate) fn take_refused(&mut self) -> Option<usize> {
        self.refused_to.take()
    }

    /// The connection of a request was closed without a response.
    pub(crate) fn lost(&mut self, id: RequestId) {
        if let Some(Kind::Poll(user, worker)) = self.open.remove(&id) {
            self.poll_ended(user, worker);
        }
    }

    fn poll_ended(&mut self, user: String, worker: usize) {
        let Some(workers) = self.polls.get_mut(&user) else {
            return;
        };
        if let Some(position) = workers.iter().position(|it| *it == worker) {
            workers.swap_remove(position);
        }
        if workers.is_empty() {
            self.silent.insert(user);
        }
    }

    /// Expects a user to poll.
    pub(crate) fn expect(&mut self, sip_uri: String) {
        self.silent.insert(sip_uri.clone());
        self.polls.insert(sip_uri, Vec::new());
    }

    /// The expected users without a pending request for events.
    pub(crate) fn silent(&self) -> impl Iterator<Item = &String> {
        self.silent.iter()
    }

    /// The expected users all of whose pending requests for events are those of these workers.
    pub(crate) fn polled_only_by(&self, workers: &[usize]) -> impl Iterator<Item = &String> {
        let polls = self.polls.iter();
        let polls =
            polls.filter(|(_, by)| !by.is_empty() && by.iter().all(|it| workers.contains(it)));
        polls.map(|(user, _)| user)
    }

    fn user(&self, request: &Request<Bytes>) -> Option<String> {
        let authorization = request.headers().get(header::AUTHORIZATION)?;
        let token = authorization.to_str().ok()?.strip_prefix("Bearer ")?;
        self.users.get(token).cloned()
    }
}

/// The operation ID of a request that sends a message.
fn operation(request: &Request<Bytes>) -> Option<String> {
    if *request.method() != Method::POST {
        return None;
    }
    let in_query = request.uri().query().and_then(|query| {
        let mut parameters = query.split('&');
        parameters.find_map(|it| it.strip_prefix("operationId="))
    });
    if let Some(operation) = in_query {
        return Some(operation.to_owned());
    }
    let body: serde_json::Value = serde_json::from_slice(request.body()).ok()?;
    body.get("operationId")?.as_str().map(str::to_owned)
}

/// The SIP URI in the form of a sign-in with a password.
fn user_name(form: &[u8]) -> Option<String> {
    let form = std::str::from_utf8(form).ok()?;
    let name = form
        .split('&')
        .find_map(|it| it.strip_prefix("username="))?;
    let name = name.replace("%40", "@").replace("%3A", ":");
    Some(match name.starts_with("sip:") {
        true => name,
        false => format!("sip:{name}"),
    })
}

fn access_token(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    body.get("access_token")?.as_str().map(str::to_owned)
}

/// Whether a path is that of an application, and not of something in it.
fn is_application(path: &str) -> bool {
    let after = path.rsplit_once("/applications/").map(|(_, after)| after);
    after.is_some_and(|it| !it.is_empty() && !it.contains('/'))
}
