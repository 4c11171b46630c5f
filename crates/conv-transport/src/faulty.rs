//! A transport that injects faults, reproducibly by a seed.

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

/// The number of random bytes that replace a response body.
const GARBAGE: usize = 64;

/// Injects faults into the traffic of the inner transport.
///
/// The faults are drawn from a seed in the order of the requests, so that the same requests with the same seed get the same faults.
/// For each request the faults are tried in order. After a delay the next faults are tried, too; any other fault is the last one.
pub struct Faulty<T> {
    inner: T,
    faults: Vec<Fault>,
    random: Mutex<ChaCha8Rng>,
}

/// A fault: its effect, the affected requests, and its probability.
///
/// The text form, for command lines, is the effect and then the conditions, separated by commas. The effects are `delay=1500ms`,
/// `refuse`, `reset`, `truncate`, `garbage` and `status=503`, the conditions `lane=events`, `lane=commands`, `path=/messages`
/// and `chance=0.25`.
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
    /// The effect.
    pub effect: Effect,
    /// The lane of the affected requests. `None` means both.
    pub lane: Option<Lane>,
    /// A part of the path of the affected requests. `None` means any path.
    pub path: Option<String>,
    /// The probability, from 0 to 1.
    pub chance: f64,
}

/// The effect of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// The request is sent after this time. Its deadline stays the same.
    Delay(Duration),
    /// The request fails with [`TransportErrorKind::Connect`]. The server does not receive it.
    Refuse,
    /// The server receives the request, and the request fails with [`TransportErrorKind::Closed`].
    Reset,
    /// The response body is cut at a random position without an error, as if the server had marked its end by closing the connection.
    Truncate,
    /// The response body is replaced by random bytes.
    Garbage,
    /// The response is this status with an HTML page, as from a proxy. The server does not receive the request.
    Status(StatusCode),
}

impl Fault {
    /// A fault that affects every request.
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

/// The text is not a [`Fault`].
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

/// Parses a duration such as `1500ms` or `2s`.
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
    /// Injects `faults`, drawn from `seed`, into the traffic of `inner`.
    pub fn new(inner: T, seed: u64, faults: impl IntoIterator<Item = Fault>) -> Self {
        Self {
            inner,
            faults: faults.into_iter().collect(),
            random: Mutex::new(ChaCha8Rng::seed_from_u64(seed)),
        }
    }

    /// The delay of a request, its other effect, and a generator for the effect. All random values of a request derive from this
    /// draw, so that concurrent requests do not change them.
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
            return Err(error.never_sent().with_detail("an injected fault"));
        }
        sleep(delay).await;
        options.deadline = options.deadline.saturating_sub(began.elapsed());

        match effect {
            Some(Effect::Refuse) => {
                let error = TransportError::new(TransportErrorKind::Connect, Stage::Connect, host);
                return Err(error.with_detail("an injected fault"));
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
                return Err(error.with_detail("an injected fault"));
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
