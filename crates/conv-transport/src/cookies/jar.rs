//! The cookies of a jar, and the rules by which they are stored and sent (RFC 6265).

use std::{borrow::Cow, cmp::Reverse, net::IpAddr};

use cookie::{Cookie, time::OffsetDateTime};
use http::{Uri, uri::Scheme};

/// The greatest number of cookies for one domain. RFC 6265, section 6.1, asks a client to support at least so many.
const MAX_PER_DOMAIN: usize = 50;
/// The greatest number of cookies in the jar (RFC 6265, section 6.1).
const MAX_COOKIES: usize = 3000;
/// The greatest length of the name and the value of a cookie, in bytes (RFC 6265, section 6.1).
const MAX_COOKIE_BYTES: usize = 4096;
/// The greatest length of a cookie's path, in bytes. A domain needs no limit: it cannot be longer than the name of the host.
const MAX_PATH_BYTES: usize = 1024;

/// The start of the private use characters that represent bytes outside of ASCII.
///
/// The jar stores text, but the value of a cookie may be any bytes. No rule about characters, such as case, applies to characters of
/// a private use area.
const PRIVATE_USE_BASE: u32 = 0xf700;

/// The parts of a request's URI that decide which cookies it carries, and which its response may set.
pub(super) struct Origin<'a> {
    https: bool,
    /// In lower case.
    host: Cow<'a, str>,
    path: &'a str,
}

impl<'a> Origin<'a> {
    /// `None` if the URI is not absolute, or has another scheme than `http` and `https`.
    pub(super) fn of(uri: &'a Uri) -> Option<Self> {
        let scheme = uri.scheme()?;
        let https = *scheme == Scheme::HTTPS;
        let host = uri.host().filter(|host| !host.is_empty())?;
        let host = match host.contains(|letter: char| letter.is_ascii_uppercase()) {
            true => Cow::Owned(host.to_ascii_lowercase()),
            false => Cow::Borrowed(host),
        };
        let path = uri.path();
        (https || *scheme == Scheme::HTTP).then_some(Self { https, host, path })
    }

    /// The host as an IP address, if it is one.
    fn address(&self) -> Option<IpAddr> {
        let host = self.host.strip_prefix('[');
        let host = host.and_then(|host| host.strip_suffix(']'));
        host.unwrap_or(&self.host).parse().ok()
    }

    /// Whether a request may carry a cookie with the attribute `Secure`.
    fn is_secure(&self) -> bool {
        let is_loopback = || self.address().is_some_and(|it| it.is_loopback());
        self.https || self.host == "localhost" || is_loopback()
    }

    /// Whether the host is `domain` or inside of it (RFC 6265, section 5.1.3).
    fn is_in(&self, domain: &str) -> bool {
        let prefix = self.host.strip_suffix(domain);
        prefix.is_some_and(|it| it.is_empty() || it.ends_with('.') && self.address().is_none())
    }

    /// The directory of the path (RFC 6265, section 5.1.4).
    fn directory(&self) -> &str {
        match self.path.rsplit_once('/') {
            Some((directory, _)) if !directory.is_empty() => directory,
            _ => "/",
        }
    }
}

/// A cookie with its scope.
struct Stored {
    /// Name, value and flags.
    cookie: Cookie<'static>,
    domain: String,
    /// The cookie is for the host `domain` only, and not for the hosts inside of it.
    is_host_only: bool,
    path: String,
    /// `None` for a session cookie.
    expires_at: Option<OffsetDateTime>,
}

impl Stored {
    /// A cookie that the origin sets. `None` if it may not set this cookie.
    fn new(cookie: Cookie<'static>, origin: &Origin<'_>) -> Option<Self> {
        let domain = cookie.domain().map_or("", str::trim).to_ascii_lowercase();
        // A public domain is only accepted as the name of the host itself.
        let is_host_only = domain.is_empty() || is_public(domain.trim_matches('.'));
        let domain = match domain.trim_matches('.') {
            "" => origin.host.to_string(),
            public if is_host_only => public.to_owned(),
            _ => domain,
        };
        let is_allowed = match is_host_only {
            true => origin.host == domain,
            false => origin.is_in(&domain),
        };
        let path = cookie.path().filter(|path| path.starts_with('/'));
        let path = path.unwrap_or(origin.directory()).to_owned();
        let expires_at = match cookie.max_age() {
            // A time beyond the calendar never comes.
            Some(age) => OffsetDateTime::now_utc().checked_add(age),
            None => cookie.expires_datetime(),
        };
        is_allowed.then_some(Self {
            cookie,
            domain,
            is_host_only,
            path,
            expires_at,
        })
    }

    fn is_expired(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Whether a request to the origin carries the cookie (RFC 6265, section 5.4).
    fn is_for(&self, origin: &Origin<'_>) -> bool {
        let is_host = match self.is_host_only {
            true => origin.host == self.domain,
            false => origin.is_in(&self.domain),
        };
        let below = origin.path.strip_prefix(&*self.path);
        let is_path = below.is_some_and(|below| {
            below.is_empty() || self.path.ends_with('/') || below.starts_with('/')
        });
        is_host && is_path && (!self.cookie.secure().unwrap_or_default() || origin.is_secure())
    }

    /// Whether a cookie replaces this one.
    fn is_same(&self, other: &Self) -> bool {
        self.cookie.name() == other.cookie.name()
            && self.domain == other.domain
            && self.path == other.path
    }

    /// Writes the cookie as a line: a URL whose host may set the cookie, and the value of a `Set-Cookie` header. A byte outside
    /// of ASCII is written as the character with the same number.
    fn exported(&self) -> Option<String> {
        let is_secure = self.cookie.secure().unwrap_or_default();
        let scheme = if is_secure { "https" } else { "http" };
        let mut cookie = Cookie::new(self.cookie.name(), self.cookie.value());
        if !self.is_host_only {
            cookie.set_domain(self.domain.as_str());
        }
        cookie.set_secure(is_secure);
        cookie.set_http_only(self.cookie.http_only());
        if let Some(time) = self.expires_at {
            cookie.set_expires(time);
        }
        cookie.set_path(self.path.as_str());
        let header = cookie.to_string();
        if header.contains(['\r', '\n']) {
            return None;
        }
        let header: String = header.chars().map(|it| char::from(byte(it))).collect();
        // The URL has no path: the attribute in the header is the path, and may contain spaces.
        let host = &self.domain;
        Some(format!("{scheme}://{host}/ {header}\n"))
    }
}

/// The cookies of a session.
#[derive(Default)]
pub(super) struct Jar {
    cookies: Vec<Stored>,
}

impl Jar {
    /// The number of cookies, with those that have expired and were not removed yet.
    pub(super) fn len(&self) -> usize {
        self.cookies.len()
    }

    /// Stores a cookie that the origin has set, and removes the one that it replaces. Returns whether the jar accepted the cookie.
    pub(super) fn insert(&mut self, origin: &Origin<'_>, header: &[u8]) -> bool {
        let text: String = header.iter().copied().map(character).collect();
        let Ok(cookie) = Cookie::parse(text) else {
            return false;
        };
        let Some(stored) = is_small(&cookie)
            .then(|| Stored::new(cookie, origin))
            .flatten()
        else {
            return false;
        };
        let same = self.cookies.iter().position(|it| it.is_same(&stored));
        let now = OffsetDateTime::now_utc();
        match same {
            // A server removes a cookie by an expired one.
            Some(same) if stored.is_expired(now) => {
                self.cookies.swap_remove(same);
            }
            Some(same) => {
                if let Some(old) = self.cookies.get_mut(same) {
                    *old = stored;
                }
            }
            None if stored.is_expired(now) || !self.has_room(&stored, now) => return false,
            None => self.cookies.push(stored),
        }
        true
    }

    /// Whether the jar has room for the cookie. Removes the expired cookies if the jar is full.
    fn has_room(&mut self, cookie: &Stored, now: OffsetDateTime) -> bool {
        let is_same =
            |it: &&Stored| (&it.domain, it.is_host_only) == (&cookie.domain, cookie.is_host_only);
        let is_full = |all: &[Stored]| {
            all.len() >= MAX_COOKIES || all.iter().filter(is_same).count() >= MAX_PER_DOMAIN
        };
        if is_full(&self.cookies) {
            self.cookies.retain(|it| !it.is_expired(now));
        }
        !is_full(&self.cookies)
    }

    /// The value of a `Cookie` header: `own`, then the cookies for the origin. `None` if there are none.
    pub(super) fn header(&self, origin: &Origin<'_>, own: &[u8]) -> Option<Vec<u8>> {
        if self.cookies.is_empty() {
            return None;
        }
        let now = OffsetDateTime::now_utc();
        let cookies = self.cookies.iter();
        let cookies = cookies.filter(|it| !it.is_expired(now) && it.is_for(origin));
        let mut cookies: Vec<_> = cookies.collect();
        if cookies.is_empty() {
            return None;
        }
        cookies.sort_by_key(|it| (Reverse(it.path.len()), it.cookie.name_value()));
        let mut header = own.to_vec();
        for stored in cookies {
            if !header.is_empty() {
                header.extend_from_slice(b"; ");
            }
            let (name, value) = stored.cookie.name_value();
            header.extend(name.chars().chain(['=']).chain(value.chars()).map(byte));
        }
        Some(header)
    }

    /// The cookies that have not expired, a line for each, in a fixed order.
    pub(super) fn export(&self) -> String {
        let now = OffsetDateTime::now_utc();
        let cookies = self.cookies.iter().filter(|it| !it.is_expired(now));
        let mut lines: Vec<_> = cookies.filter_map(Stored::exported).collect();
        lines.sort_unstable();
        lines.concat()
    }
}

/// Returns the character that represents a byte in the jar.
fn character(byte: u8) -> char {
    match char::from_u32(PRIVATE_USE_BASE + u32::from(byte)) {
        Some(private) if !byte.is_ascii() => private,
        _ => char::from(byte),
    }
}

/// Returns the byte that a character in the jar represents: the inverse of [`character`].
fn byte(character: char) -> u8 {
    u8::try_from(u32::from(character) & 0xff).unwrap_or_default()
}

/// Whether the hosts in a domain may have different owners.
fn is_public(domain: &str) -> bool {
    let listed =
        psl::suffix(domain.as_bytes()).is_some_and(|suffix| suffix.is_known() && suffix == domain);
    listed || !domain.contains('.')
}

fn is_small(cookie: &Cookie<'_>) -> bool {
    let length = |text: &str| text.chars().count();
    let path = length(cookie.path().unwrap_or_default());
    length(cookie.name()) + length(cookie.value()) <= MAX_COOKIE_BYTES && path <= MAX_PATH_BYTES
}
