//! A transport that fails on purpose, the same way for the same seed.

use std::{
    fmt,
    str::FromStr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::time::{Instant, sleep};

use crate::{HttpTransport, Lane, SendOptions, Stage, TransportError, TransportErrorKind};

/// How many bytes of garbage stand for a response.
const GARBAGE: usize = 64;

/// Adds faults to the traffic of the transport inside.
///
/// Which request suffers is drawn from a seed, in the order in which the requests come: the same story with the same seed
/// meets the same faults. Faults are tried in their order, a delay lets the next ones be tried, and any other is the last.
pub struct Faulty<T> {
    inner: T,
    faults: Vec<Fault>,
    random: Mutex<ChaCha8Rng>,
}

/// One fault: what happens, to which requests, and how often.
///
/// As text, for a command line, it is what happens and then its conditions, with commas between them:
/// `delay=1500ms`, `refuse`, `reset`, `truncate`, `garbage` or `status=503`, then any of `lane=events`, `lane=commands`,
/// `path=/messages` and `chance=0.25`.
///
/// ```
/// # fn main() -> Result<(), conv_transport::FaultError> {
/// use conv_transport::{Effect, Fault, Lane};
///
/// let fault: Fault = "reset,lane=events,chance=0.1".parse()?;
/// assert_eq!(fault.effect, Effect::Reset);
/// assert_eq!(fault.lane, Some(Lane::Events));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Fault {
    /// What happens.
    pub effect: Effect,
    /// To requests of this lane only.
    pub lane: Option<Lane>,
    /// To requests only whose path has this in it.
    pub path: Option<String>,
    /// How often, from 0 (never) to 1 (always).
    pub chance: f64,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// The request goes out that much later; the deadline stands.
    Delay(Duration),
    /// There is no connection: [`TransportErrorKind::Connect`], and the server never sees the request.
    Refuse,
    /// The server sees the request, and the connection ends before its response: [`TransportErrorKind::Closed`].
    Reset,
    /// The body ends too early, at a place that is drawn, and nothing says so: as with a server that ends a body by closing.
    Truncate,
    /// The body is bytes that are drawn.
    Garbage,
    /// Something before the server answers with this status and a page of HTML.
    Status(StatusCode),
}

impl Fault {
    /// A fault that always happens, to every request.
    #[must_use]
    pub fn new(effect: Effect) -> Self {
        Self {
            effect,
            lane: None,
            path: None,
            chance: 1.0,
        }
    }

    fn concerns(&self, lane: Lane, uri: &Uri) -> bool {
        self.lane.is_none_or(|wanted| wanted == lane)
            && self
                .path
                .as_ref()
                .is_none_or(|part| uri.path().contains(part))
    }
}

/// Why a text is no [`Fault`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a fault: {0}")]
pub struct FaultError(String);

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let wrong = |part: &str| FaultError(part.to_owned());
        let mut parts = text.split(',');
        let first = parts.next().unwrap_or_default();
        let effect = match first.split_once('=').unwrap_or((first, "")) {
            ("delay", time) => Effect::Delay(duration(time).ok_or_else(|| wrong(first))?),
            ("refuse", "") => Effect::Refuse,
            ("reset", "") => Effect::Reset,
            ("truncate", "") => Effect::Truncate,
            ("garbage", "") => Effect::Garbage,
            ("status", status) => Effect::Status(status.parse().map_err(|_| wrong(first))?),
            _ => return Err(wrong(first)),
        };
        let mut fault = Self::new(effect);
        for part in parts {
            match part.split_once('=') {
                Some(("lane", "events")) => fault.lane = Some(Lane::Events),
                Some(("lane", "commands")) => fault.lane = Some(Lane::Commands),
                Some(("path", path)) => fault.path = Some(path.to_owned()),
                Some(("chance", chance)) => {
                    let chance: f64 = chance.parse().map_err(|_| wrong(part))?;
                    if !(0.0..=1.0).contains(&chance) {
                        return Err(wrong(part));
                    }
                    fault.chance = chance;
                }
                _ => return Err(wrong(part)),
            }
        }
        Ok(fault)
    }
}

/// `1500ms` or `2s`.
fn duration(text: &str) -> Option<Duration> {
    match text.strip_suffix("ms") {
        Some(milliseconds) => milliseconds.parse().ok().map(Duration::from_millis),
        None => text
            .strip_suffix('s')?
            .parse()
            .ok()
            .map(Duration::from_secs),
    }
}

impl<T: HttpTransport> Faulty<T> {
    /// Adds `faults` to the traffic of `inner`, drawn from `seed`.
    pub fn new(inner: T, seed: u64, faults: impl IntoIterator<Item = Fault>) -> Self {
        Self {
            inner,
            faults: faults.into_iter().collect(),
            random: Mutex::new(ChaCha8Rng::seed_from_u64(seed)),
        }
    }

    /// How long the request is delayed, and what else happens to it. All that is random about a request is drawn here, at
    /// once, so that what other requests do meanwhile changes nothing.
    fn draw(&self, lane: Lane, uri: &Uri) -> (Duration, Option<&Effect>, ChaCha8Rng) {
        let mut random = self.random();
        let own = ChaCha8Rng::seed_from_u64(random.next_u64());
        let mut delay = Duration::ZERO;
        for fault in self.faults.iter().filter(|fault| fault.concerns(lane, uri)) {
            if !random.random_bool(fault.chance.clamp(0.0, 1.0)) {
                continue;
            }
            match &fault.effect {
                Effect::Delay(more) => delay += *more,
                effect => return (delay, Some(effect), own),
            }
        }
        (delay, None, own)
    }

    fn random(&self) -> MutexGuard<'_, ChaCha8Rng> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<T: HttpTransport> HttpTransport for Faulty<T> {
    async fn send(
        &self,
        request: Request<Bytes>,
        mut options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let began = Instant::now();
        let (delay, effect, mut random) = self.draw(options.lane, request.uri());
        let host = request.uri().authority().map_or("", |it| it.as_str());
        let host = host.rsplit('@').next().unwrap_or_default().to_owned();
        if delay >= options.deadline {
            sleep(options.deadline).await;
            let error = TransportError::new(TransportErrorKind::Timeout, Stage::Send, host);
            return Err(error.never_sent().with_detail("a fault made on purpose"));
        }
        sleep(delay).await;
        options.deadline = options.deadline.saturating_sub(began.elapsed());

        match effect {
            Some(Effect::Refuse) => {
                let error = TransportError::new(TransportErrorKind::Connect, Stage::Connect, host);
                return Err(error.with_detail("a fault made on purpose"));
            }
            Some(Effect::Status(status)) => {
                let page = format!("<html><body><h1>{status}</h1></body></html>");
                let mut response = Response::new(Bytes::from(page));
                *response.status_mut() = *status;
                let html = header::HeaderValue::from_static("text/html");
                response.headers_mut().insert(header::CONTENT_TYPE, html);
                return Ok(response);
            }
            _ => {}
        }
        let mut response = self.inner.send(request, options).await?;
        match effect {
            Some(Effect::Reset) => {
                let error = TransportError::new(TransportErrorKind::Closed, Stage::Wait, host);
                return Err(error.with_detail("a fault made on purpose"));
            }
            Some(Effect::Truncate) => {
                let length = response.body().len();
                let kept = if length == 0 {
                    0
                } else {
                    random.random_range(0..length)
                };
                response.body_mut().truncate(kept);
                response.headers_mut().remove(header::CONTENT_LENGTH);
            }
            Some(Effect::Garbage) => {
                let mut garbage = vec![0; GARBAGE];
                random.fill_bytes(&mut garbage);
                *response.body_mut() = garbage.into();
                response.headers_mut().remove(header::CONTENT_LENGTH);
            }
            _ => {}
        }
        Ok(response)
    }
}

impl<T: fmt::Debug> fmt::Debug for Faulty<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty")
            .field("inner", &self.inner)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
