//! A transport that keeps the requests of a discovery and their results.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use hyper::{Request, Response, header::WWW_AUTHENTICATE};
use skype_p2p::{HttpTransport, SendOptions, TransportError, TransportErrorKind};

/// A request and its result.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    pub(crate) url: String,
    pub(crate) result: Result<Answer, Broken>,
}

impl Hop {
    /// The grants of the token service that the challenges name.
    pub(crate) fn grants(&self) -> Vec<String> {
        let challenges = self.result.iter().flat_map(|answer| &answer.challenges);
        let lists = challenges.filter_map(|challenge| {
            let (_, list) = challenge.split_once("grant_type=\"")?;
            Some(list.split('"').next().unwrap_or_default())
        });
        lists
            .flat_map(|list| list.split(','))
            .map(|grant| grant.trim().to_owned())
            .filter(|grant| !grant.is_empty())
            .collect()
    }
}

/// The parts of a response that matter to a discovery.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The values of the `WWW-Authenticate` headers.
    pub(crate) challenges: Vec<String>,
}

/// A request without a response.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) kind: TransportErrorKind,
    pub(crate) message: String,
}

/// Sends with the transport below, and keeps what happens.
#[derive(Debug)]
pub(crate) struct ObservedTransport {
    below: Arc<dyn HttpTransport>,
    hops: Mutex<Vec<Hop>>,
}

impl ObservedTransport {
    pub(crate) fn new(below: Arc<dyn HttpTransport>) -> Arc<Self> {
        Arc::new(Self {
            below,
            hops: Mutex::default(),
        })
    }

    /// Takes the requests up to now.
    pub(crate) fn take_hops(&self) -> Vec<Hop> {
        std::mem::take(&mut *self.hops())
    }

    fn hops(&self) -> MutexGuard<'_, Vec<Hop>> {
        self.hops.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl HttpTransport for ObservedTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let url = request.uri().to_string();
        let sent = self.below.send(request, options).await;
        let result = match &sent {
            Ok(response) => Ok(Answer {
                status: response.status().as_u16(),
                challenges: response
                    .headers()
                    .get_all(WWW_AUTHENTICATE)
                    .iter()
                    .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                    .collect(),
            }),
            Err(error) => Err(Broken {
                kind: error.kind(),
                message: with_causes(error),
            }),
        };
        let mut hops = self.hops();
        // A repeated request replaces the attempt before it.
        if hops.last().is_some_and(|last| last.url == url) {
            hops.pop();
        }
        hops.push(Hop { url, result });
        drop(hops);
        sent
    }
}

/// The error and its causes, in one line.
fn with_causes(error: &TransportError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
