//! A transport that returns the responses of a recording.

mod binding;
mod body;
mod exchange;
mod matching;
mod report;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, header};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until, timeout},
};

pub use self::report::{LeftOut, LeftOutReason, Nearest, ReplayReport, Unmatched};
use self::{
    binding::Bindings,
    exchange::{End, Exchange, exchanges},
    matching::{Difference, Shape, Volatile},
};
use crate::{
    HttpTransport, SendOptions, Stage, TransportError, TransportErrorKind,
    har::{Har, HarError},
};

/// The rules by which a [`Replay`] matches live requests with recorded ones.
#[derive(Debug, Clone, Default)]
pub struct ReplayOptions {
    volatile: Volatile,
    /// Paths of exchanges that are left out.
    left_out: BTreeSet<String>,
}

impl ReplayOptions {
    /// Returns the options for a client that sends the same requests in every run. Only the server may differ.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the names of values that the client generates: members of JSON bodies, `<property name="…">` in XML bodies, and
    /// parameters of forms and queries.
    ///
    /// The first time that such a value occurs in a matched request, the replay binds the recorded value to the live value. From then
    /// on, the replay substitutes the live value for the recorded one. If only one of the two requests has such a member of JSON, the
    /// requests still match.
    #[must_use]
    pub fn client_made<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.volatile
            .names
            .extend(names.into_iter().map(Into::into));
        self
    }

    /// Adds path segments. The segment that follows one of them differs from run to run, and is bound like a value that the client
    /// generates.
    #[must_use]
    pub fn volatile_after<N: Into<String>>(
        mut self,
        segments: impl IntoIterator<Item = N>,
    ) -> Self {
        let segments = segments.into_iter().map(Into::into);
        self.volatile.segments.extend(segments);
        self
    }

    /// Adds paths, such as `/favicon.ico`, whose recorded exchanges the replay leaves out. Use it for requests that only a browser
    /// sends.
    #[must_use]
    pub fn without_paths<N: Into<String>>(mut self, paths: impl IntoIterator<Item = N>) -> Self {
        self.left_out.extend(paths.into_iter().map(Into::into));
        self
    }
}

/// A transport that returns the responses of a recording, in an order that preserves cause and effect.
///
/// **Matching.** A live request matches a recorded one if the lane, method, path, query, server and body agree. Escapes are decoded
/// before the comparison. Equal requests are matched in recorded order, and different requests in any order. The replay binds the
/// recorded server to the live one, so a recording replays against any root. HAR files of other programs have no lanes, so their
/// requests match on any lane. A secret in a request matches any other secret. For a request that is not in the recording, the replay
/// returns the error [`Unexpected`](TransportErrorKind::Unexpected), which names the most similar recorded request.
///
/// **Timing.** A response is held until three conditions are met:
///
/// 1. The client has sent every request that was recorded as sent before the response, except aborted ones.
/// 2. Every response that was recorded before this one has been returned.
/// 3. The recorded time of the response has come. It is counted from the first request, on tokio's clock.
///
/// With a paused clock, the response is returned at its recorded time to the millisecond. An exchange that was aborted, or in flight
/// at the end of the recording, stays in flight until its future is dropped or its deadline passes.
///
/// **Result.** [`finish`](Self::finish) reports recorded exchanges that the client did not make, and requests that were not recorded.
pub struct Replay {
    volatile: Volatile,
    exchanges: Vec<Exchange>,
    left_out: Vec<LeftOut>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    bindings: Bindings,
    /// The time of the first request.
    began: Option<Instant>,
    /// The indices of the exchanges that a live request has matched.
    matched: BTreeSet<usize>,
    /// The indices of the exchanges that were answered, or whose futures were dropped.
    ended: BTreeSet<usize>,
    requests: usize,
    unexpected: Vec<(usize, Shape)>,
}

impl Replay {
    /// Creates a replay of `har`.
    ///
    /// # Errors
    ///
    /// [`HarError::Entry`] if the URL, the date, the method, the status or a header of an entry is malformed.
    pub fn new(har: &Har, options: ReplayOptions) -> Result<Self, HarError> {
        let (exchanges, left_out) = exchanges(har, &options)?;
        Ok(Self {
            exchanges,
            left_out,
            volatile: options.volatile,
            state: Mutex::default(),
            changed: Notify::new(),
        })
    }

    /// The entries that the replay leaves out, in the order of the file: requests that no client of this project sends, and requests
    /// for [excluded paths](ReplayOptions::without_paths).
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Checks, at the end of a run, that the live traffic was the recorded traffic.
    ///
    /// # Errors
    ///
    /// A [`ReplayReport`] with every recorded exchange that the client did not make, and every request that was not recorded.
    /// Exchanges that were aborted or failed in the recording may be missing.
    pub fn finish(&self) -> Result<(), ReplayReport> {
        let state = self.state();
        let unused: Vec<Unmatched> = self
            .unmatched(&state)
            .filter(|(_, exchange)| !exchange.end.is_optional())
            .map(|(_, exchange)| Unmatched {
                number: exchange.number,
                request: exchange.request.title(),
                nearest: nearest(state.unexpected.iter().map(|(number, live)| {
                    let difference = self.difference(&exchange.request, live, &state.bindings);
                    (*number, live, difference)
                })),
            })
            .collect();
        let unexpected: Vec<Unmatched> = state
            .unexpected
            .iter()
            .map(|(number, live)| Unmatched {
                number: *number,
                request: live.title(),
                nearest: self.nearest_exchange(live, &state),
            })
            .collect();
        if unused.is_empty() && unexpected.is_empty() {
            Ok(())
        } else {
            Err(ReplayReport { unused, unexpected })
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unmatched<'a>(
        &'a self,
        state: &'a State,
    ) -> impl Iterator<Item = (usize, &'a Exchange)> + 'a {
        let exchanges = self.exchanges.iter().enumerate();
        exchanges.filter(|(index, _)| !state.matched.contains(index))
    }

    /// Returns the index of the exchange that matches `live`, or an error that names the most similar one.
    fn find(&self, live: Shape) -> Result<usize, TransportError> {
        let mut state = self.state();
        state.began.get_or_insert_with(Instant::now);
        state.requests += 1;
        let mut found: Option<((bool, bool), usize, Bindings)> = None;
        for (index, exchange) in self.unmatched(&state) {
            let knows_server = state
                .bindings
                .live_origin(&exchange.request.origin)
                .is_some()
                || exchange.request.origin == live.origin;
            // An exchange whose server is bound, or has the recorded name, is preferred to an exchange with an unbound server. An
            // exchange with a response is preferred to a failed one, because browsers retry failed requests.
            let rank = (knows_server, !matches!(exchange.end, End::Failed));
            if found.as_ref().is_some_and(|(best, ..)| *best >= rank) {
                continue;
            }
            let mut bindings = state.bindings.clone();
            let matched = exchange
                .request
                .matches(&live, &self.volatile, &mut bindings);
            if matched.is_ok() {
                found = Some((rank, index, bindings));
            }
        }
        let Some((_, index, bindings)) = found else {
            let mut detail = format!("{} is not in the recording", live.title());
            if let Some(nearest) = self.nearest_exchange(&live, &state) {
                detail = format!("{detail}; the nearest is entry {nearest}");
            }
            let host = host_of(&live.origin);
            let number = state.requests;
            state.unexpected.push((number, live));
            return Err(
                TransportError::new(TransportErrorKind::Unexpected, Stage::Send, host)
                    .never_sent()
                    .with_detail(detail),
            );
        };
        state.bindings = bindings;
        state.matched.insert(index);
        drop(state);
        self.changed.notify_waiters();
        Ok(index)
    }

    fn difference(
        &self,
        recorded: &Shape,
        live: &Shape,
        bindings: &Bindings,
    ) -> Option<Difference> {
        let mut bindings = bindings.clone();
        recorded.matches(live, &self.volatile, &mut bindings).err()
    }

    fn nearest_exchange(&self, live: &Shape, state: &State) -> Option<Nearest> {
        nearest(self.unmatched(state).map(|(_, exchange)| {
            let difference = self.difference(&exchange.request, live, &state.bindings);
            (exchange.number, &exchange.request, difference)
        }))
    }

    /// Waits until the exchange may be answered, and returns its result.
    async fn answer(
        &self,
        exchange: &Exchange,
        live_origin: &str,
    ) -> Result<Response<Bytes>, TransportError> {
        loop {
            let changed = self.changed.notified();
            if self.held_by(exchange).is_none() {
                break;
            }
            changed.await;
        }
        let began = self.state().began.unwrap_or_else(Instant::now);
        if let Some(moment) = began.checked_add(exchange.offset) {
            sleep_until(moment).await;
        }
        match &exchange.end {
            End::Response {
                status,
                headers,
                body,
            } => {
                let state = self.state();
                Ok(Exchange::response(*status, headers, body, &state.bindings))
            }
            End::Error(error) => Err(error.replayed(host_of(live_origin))),
            End::Open | End::Aborted | End::Failed => std::future::pending().await,
        }
    }

    /// Returns an exchange that has to take place before `exchange` may be answered.
    fn held_by(&self, exchange: &Exchange) -> Option<&Exchange> {
        let state = self.state();
        let mut others = self.exchanges.iter().enumerate();
        let held_by = others.find(|(index, other)| {
            let is_unseen = !other.end.is_optional()
                && other.sent < exchange.received
                && !state.matched.contains(index);
            let is_unanswered = other.end.is_answer()
                && other.received < exchange.received
                && !state.ended.contains(index);
            is_unseen || is_unanswered
        });
        held_by.map(|(_, other)| other)
    }

    /// Describes why an exchange got no response within its deadline.
    fn overdue(&self, exchange: &Exchange) -> String {
        if !exchange.end.is_answer() {
            return "the recording holds no answer".to_owned();
        }
        match self.held_by(exchange) {
            Some(other) => format!(
                "the answer is held until entry {}, {}, has taken place",
                other.number,
                other.request.title()
            ),
            None => "the recorded answer comes later".to_owned(),
        }
    }
}

#[async_trait]
impl HttpTransport for Replay {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let live = Shape::of(
            Some(options.lane),
            request.method(),
            request.uri(),
            content_type.and_then(|value| value.to_str().ok()),
            request.body(),
            &self.volatile,
        );
        let origin = live.origin.clone();
        let index = self.find(live)?;
        let Some(exchange) = self.exchanges.get(index) else {
            return std::future::pending().await;
        };
        let _ended = Ended {
            replay: self,
            index,
        };
        match timeout(options.deadline, self.answer(exchange, &origin)).await {
            Ok(result) => result,
            Err(_) => {
                Err(
                    TransportError::new(TransportErrorKind::Timeout, Stage::Wait, host_of(&origin))
                        .with_detail(self.overdue(exchange)),
                )
            }
        }
    }
}

/// Marks an exchange as ended when its future completes or is dropped, and wakes the exchanges that wait for it.
struct Ended<'a> {
    replay: &'a Replay,
    index: usize,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.replay.state().ended.insert(self.index);
        self.replay.changed.notify_waiters();
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Replay")
            .field("exchanges", &self.exchanges.len())
            .field("matched", &state.matched.len())
            .field("unexpected", &state.unexpected.len())
            .finish_non_exhaustive()
    }
}

/// Returns the candidate whose first difference comes last in the order of the comparison.
fn nearest<'a>(
    candidates: impl Iterator<Item = (usize, &'a Shape, Option<Difference>)>,
) -> Option<Nearest> {
    let mut best: Option<(usize, &Shape, Difference)> = None;
    for (number, shape, difference) in candidates {
        if let Some(difference) = difference
            && best.as_ref().is_none_or(|(.., least)| difference > *least)
        {
            best = Some((number, shape, difference));
        }
    }
    best.map(|(number, shape, difference)| Nearest {
        number,
        request: shape.title(),
        difference: difference.to_string(),
    })
}

/// Returns the `host` or `host:port` of an origin, for error messages.
fn host_of(origin: &str) -> String {
    origin
        .split_once("://")
        .map_or(origin, |(_, host)| host)
        .to_owned()
}
