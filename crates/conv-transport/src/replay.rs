//! A transport that answers from a recording.

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

/// How a [`Replay`] recognises requests.
#[derive(Debug, Clone, Default)]
pub struct ReplayOptions {
    volatile: Volatile,
    /// Paths of exchanges that are left out.
    left_out: BTreeSet<String>,
}

impl ReplayOptions {
    /// Options for a client whose requests are the same in every run, except for the server that they go to.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the values that the client makes up: members of JSON bodies, `<property name="…">` in XML bodies, and parameters
    /// of forms and queries.
    ///
    /// The recorded value is bound to the live value where both occur for the first time. From there on the replay writes the live
    /// value in the place of the recorded one. A member of JSON that only one of the two clients has is not a difference.
    #[must_use]
    pub fn client_made<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.volatile
            .names
            .extend(names.into_iter().map(Into::into));
        self
    }

    /// Names segments of paths: the segment after each of them differs from run to run. It is bound in the same way.
    #[must_use]
    pub fn volatile_after<N: Into<String>>(
        mut self,
        segments: impl IntoIterator<Item = N>,
    ) -> Self {
        let segments = segments.into_iter().map(Into::into);
        self.volatile.segments.extend(segments);
        self
    }

    /// Names paths, such as `/favicon.ico`, whose recorded exchanges are left out of the replay: requests that only a browser sends.
    #[must_use]
    pub fn without_paths<N: Into<String>>(mut self, paths: impl IntoIterator<Item = N>) -> Self {
        self.left_out.extend(paths.into_iter().map(Into::into));
        self
    }
}

/// Answers requests from a recording, in an order that keeps cause and effect.
///
/// **Matching.** A request is matched by lane, method, path, query, server and body, each without its escapes. Equal requests are matched in
/// recorded order, different ones in any order. The recorded server is bound to the live one, so a recording replays against any root.
/// Files of other programs have no lanes; there any lane matches. A secret in a request matches any other secret. A request that is
/// not in the recording is answered with [`Unexpected`](TransportErrorKind::Unexpected), which names the nearest candidate.
///
/// **Timing.** A response is held until three conditions are met: the client has sent every request that was recorded as sent before
/// the response (except aborted ones); every response that was received before it has been returned; and its recorded moment,
/// counted from the first request on tokio's clock, has come. With a paused clock the response comes at its moment to the
/// millisecond. An exchange that was aborted, or in flight at the end of the recording, stays in flight until its future is dropped or
/// its deadline passes.
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
    /// Indices into the exchanges.
    matched: BTreeSet<usize>,
    /// Exchanges that were answered, or whose futures were dropped.
    ended: BTreeSet<usize>,
    requests: usize,
    unexpected: Vec<(usize, Shape)>,
}

impl Replay {
    /// A replay of `har`.
    ///
    /// # Errors
    ///
    /// [`HarError::Entry`] if an entry is not an exchange: its URL, date, method, status or a header is malformed.
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

    /// The entries that take no part in the replay, in the order of the file: rows that no client of this project sends, and paths that the
    /// options name.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Checks at the end of a run that the live traffic was the recorded traffic.
    ///
    /// # Errors
    ///
    /// The report names every recorded exchange that the client did not make, except those that were aborted or failed in the recording,
    /// and every request that was not recorded.
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

    /// Returns the index of the exchange that matches `live`, or an error that names the nearest one.
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
            // Prefer a server that is bound or has the recorded name to one that is not bound yet. Prefer a request that got a
            // response to one that failed: browsers repeat requests.
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

    /// Waits until the exchange may be answered, and returns the answer.
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

    /// The exchange that has to take place before `exchange` may be answered.
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

    /// The reason why an exchange got no answer within its deadline.
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

/// Marks the exchange as ended when its future completes or is dropped, so that held answers can go on.
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

/// The candidate whose first difference comes latest in the order of comparing.
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

/// `host` or `host:port`, as errors name it.
fn host_of(origin: &str) -> String {
    origin
        .split_once("://")
        .map_or(origin, |(_, host)| host)
        .to_owned()
}
