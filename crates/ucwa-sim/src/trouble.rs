//! What servers, and the boxes before them, answer instead of what they should.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use ucwa_proto::{Problem, Representation};

use crate::dice::Dice;
use crate::felt::Trial;
use crate::impostor::lie;

/// How much trouble servers and the boxes before them make. Rates are out of a thousand exchanges.
///
/// What is refused was not done: its sender may be told that it failed. What is done and answered falsely may have
/// brought a message to its reader, or not, for all that its sender knows: only there, and where the network loses
/// something, a verdict may be unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trouble {
    /// Its name, as it stands in traces.
    pub name: &'static str,
    /// How often a request is refused before anything was done: with an error of UCWA's or with a page of a proxy's, and
    /// at times with a `Retry-After`, in seconds or as a date.
    pub refused: u32,
    /// How often a good token is taken for a bad one.
    pub unauthorized: u32,
    /// How often something on the way answers in the server's place after the server acted.
    pub replaced: u32,
    /// How often the body of an answer is cut short, or is rubbish.
    pub spoiled: u32,
    /// How often an answer comes twice.
    pub doubled: u32,
    /// How often a request is refused before anything was done since its ticket is bad: with 403 or 500, no challenge, and
    /// diagnostics that say so. Only a whole world has it.
    pub diagnosed: u32,
    /// How often somebody on the way puts an impostor's host into the addresses of an answer. Only some of the whole worlds
    /// have it.
    pub lies: u32,
}

impl Trouble {
    /// Everything is answered as it should.
    pub fn none() -> Self {
        Self {
            name: "none",
            refused: 0,
            unauthorized: 0,
            replaced: 0,
            spoiled: 0,
            doubled: 0,
            diagnosed: 0,
            lies: 0,
        }
    }

    /// A bad day.
    pub fn some() -> Self {
        Self {
            name: "some",
            refused: 10,
            unauthorized: 10,
            replaced: 8,
            spoiled: 8,
            doubled: 50,
            diagnosed: 5,
            lies: 4,
        }
    }

    /// A bad week.
    pub fn plenty() -> Self {
        Self {
            name: "plenty",
            refused: 50,
            unauthorized: 30,
            replaced: 30,
            spoiled: 30,
            doubled: 200,
            diagnosed: 20,
            lies: 12,
        }
    }

    /// Whether every request gets the server's own answer. One that comes twice does no harm.
    pub fn is_none(&self) -> bool {
        let Self {
            name: _,
            refused,
            unauthorized,
            replaced,
            spoiled,
            doubled: _,
            diagnosed,
            lies,
        } = self;
        [refused, unauthorized, replaced, spoiled, diagnosed, lies]
            .into_iter()
            .all(|rate| *rate == 0)
    }

    /// The trouble of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::none(), Self::some(), Self::plenty()]
            .into_iter()
            .find(|trouble| trouble.name == name)
    }
}

/// Where trouble is made.
#[derive(Debug)]
pub(crate) struct Troublemaker {
    trouble: Trouble,
    dice: Dice,
    /// For what came to be known later: it shifts no draw of the others.
    later_dice: Dice,
}

/// How late the second copy of an answer may be.
const ECHO: Range<Duration> = Duration::ZERO..Duration::from_secs(3);

/// Everything that a request can be refused with, besides what the server itself refuses.
const REFUSALS: [StatusCode; 10] = [
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::NOT_FOUND,
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::CONFLICT,
    StatusCode::GONE,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];

/// What the diagnostics of bad tickets begin with.
const BAD_TICKETS: [u32; 7] = [28_020, 28_032, 28_033, 28_055, 28_056, 28_072, 28_077];

/// What trouble makes of a request.
#[derive(Debug)]
pub(crate) enum Meeting {
    /// It goes on as it is.
    Passed,
    /// It goes on without its token.
    Disowned,
    /// It goes no further, and this is the answer.
    Answered(Trial, Response<Bytes>),
}

impl Troublemaker {
    pub(crate) fn new(trouble: Trouble, seed: u64) -> Self {
        Self {
            trouble,
            dice: Dice::new(seed, 4),
            later_dice: Dice::new(seed, 7),
        }
    }

    /// What is made of a request on its way to the server.
    pub(crate) fn meet(&mut self, wall: SystemTime, request: &mut Request<Bytes>) -> Meeting {
        let disowned = self.dice.chance(self.trouble.unauthorized)
            && request.headers_mut().remove(AUTHORIZATION).is_some();
        if self.dice.chance(self.trouble.refused)
            && let Some(response) = self.refusal(wall, request)
        {
            return Meeting::Answered(Trial::Refused(response.status().as_u16()), response);
        }
        if request.headers().contains_key(AUTHORIZATION)
            && self.later_dice.chance(self.trouble.diagnosed)
        {
            let response = self.bad_ticket(request);
            return Meeting::Answered(Trial::Diagnosed(response.status().as_u16()), response);
        }
        match disowned {
            true => Meeting::Disowned,
            false => Meeting::Passed,
        }
    }

    /// What is answered instead of handing a request to the server.
    fn refusal(&mut self, wall: SystemTime, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        // One in four is asked to come back later; one in eight gets a page that says nothing.
        let status = match self.dice.below(8) {
            0 => return Some(page(StatusCode::OK)),
            1 | 2 => StatusCode::TOO_MANY_REQUESTS,
            _ => *self.one_of(&REFUSALS)?,
        };
        let mut response = match representation(request) {
            Some(representation) if may_say(request, status) && self.dice.chance(500) => {
                problem(status, representation)
            }
            _ => page(status),
        };
        let later = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        if later && self.dice.chance(700) {
            let seconds = self.dice.below(15);
            let value = if self.dice.chance(500) {
                seconds.to_string()
            } else {
                httpdate::fmt_http_date(wall + Duration::from_secs(seconds))
            };
            set(&mut response, RETRY_AFTER, &value);
        }
        Some(response)
    }

    /// What pools answer to a ticket that they do not take: 403 or 500, and why in the diagnostics
    /// (`DevelopForSkypeforBusiness`).
    fn bad_ticket(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let status = match self.later_dice.chance(500) {
            true => StatusCode::FORBIDDEN,
            false => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut response = match representation(request) {
            Some(representation) if self.later_dice.chance(500) => problem(status, representation),
            _ => page(status),
        };
        let place = usize::try_from(self.later_dice.below(7)).unwrap_or(0);
        let code = BAD_TICKETS.get(place).copied().unwrap_or(28_020);
        let value =
            format!("{code};source=\"POOL1.contoso.com\";reason=\"The ticket is no good.\"");
        let name = HeaderName::from_static("x-ms-diagnostics");
        set(&mut response, name, &value);
        response
    }

    /// What becomes of the server's answer, if it does not arrive as it was sent.
    pub(crate) fn spoil(
        &mut self,
        response: &Response<Bytes>,
        pool: &str,
    ) -> Option<(Trial, Response<Bytes>)> {
        if let Some(spoiled) = self.spoiled(response) {
            return Some(spoiled);
        }
        if !self.later_dice.chance(self.trouble.lies) {
            return None;
        }
        let sent_away = self.later_dice.chance(500);
        Some((Trial::Lied, lie(response, pool, sent_away)?))
    }

    fn spoiled(&mut self, response: &Response<Bytes>) -> Option<(Trial, Response<Bytes>)> {
        if self.dice.chance(self.trouble.replaced) {
            let status = *self.one_of(&[
                StatusCode::OK,
                StatusCode::INTERNAL_SERVER_ERROR,
                StatusCode::BAD_GATEWAY,
                StatusCode::GATEWAY_TIMEOUT,
            ])?;
            return Some((Trial::Replaced(status.as_u16()), page(status)));
        }
        let length = u64::try_from(response.body().len()).unwrap_or(0);
        if !self.dice.chance(self.trouble.spoiled) || length == 0 {
            return None;
        }
        let mut spoiled = response.clone();
        let cut = usize::try_from(self.dice.below(length)).unwrap_or(0);
        *spoiled.body_mut() = if self.dice.chance(500) {
            response.body().slice(..cut)
        } else {
            let rubbish = self.dice.seed().to_le_bytes();
            rubbish.into_iter().cycle().take(cut).collect()
        };
        Some((Trial::Spoiled, spoiled))
    }

    /// How much later an answer comes once more, if it does.
    pub(crate) fn echo(&mut self) -> Option<Duration> {
        self.dice
            .chance(self.trouble.doubled)
            .then(|| self.dice.time(&ECHO))
    }

    fn one_of<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let bound = u64::try_from(choices.len()).unwrap_or(0);
        choices.get(usize::try_from(self.dice.below(bound)).unwrap_or(0))
    }
}

fn representation(request: &Request<Bytes>) -> Option<Representation> {
    Representation::negotiate(request.headers().get(ACCEPT)?.to_str().ok()?)
}

/// Whether a server may say so without lying: that a resource is gone is true when it says so itself.
fn may_say(request: &Request<Bytes>, status: StatusCode) -> bool {
    request.method() != Method::GET || !matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}

/// An error as UCWA has it, which says nothing special.
fn problem(status: StatusCode, representation: Representation) -> Response<Bytes> {
    let code = match status {
        StatusCode::NOT_FOUND => "NotFound",
        StatusCode::CONFLICT => "Conflict",
        StatusCode::GONE => "Gone",
        StatusCode::FORBIDDEN => "Forbidden",
        StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
        _ => "ServiceFailure",
    };
    let body = Problem::new(code).encode(representation);
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    set(&mut response, CONTENT_TYPE, representation.content_type());
    response
}

/// A page for people, as proxies and IIS send it.
pub(crate) fn page(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(format!("<html><h1>{status}</h1></html>")));
    *response.status_mut() = status;
    set(&mut response, CONTENT_TYPE, "text/html");
    response
}

fn set(response: &mut Response<Bytes>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
