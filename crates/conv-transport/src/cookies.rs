//! A transport with a cookie jar.

use std::{
    cmp::Reverse,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use cookie_store::{Cookie, CookieDomain, CookieExpiration, CookieStore, RawCookie};
use http::{
    HeaderMap, HeaderValue, Request, Response,
    header::{COOKIE, SET_COOKIE},
};
use url::Url;

use crate::{HttpTransport, SendOptions, TransportError};

/// Keeps the cookies that servers set, and sends them back (RFC 6265) through the transport inside.
///
/// Load balancers and reverse proxies in front of a pool tie a session to one server by a cookie. Put one `Cookies` around a transport
/// for each session: two sessions with one jar would share their cookies. `Record` belongs inside it, where the cookies pass.
///
/// A cookie for all hosts of a public suffix, such as `com` or `co.uk`, is not kept, nor is one for a domain without a dot. Of
/// each domain 50 cookies are kept, 3,000 altogether, each with at most 4,096 bytes of name and value; further ones are ignored.
/// Cookies with a longer path are sent first. The jar lives in memory, and cookies expire by the system's clock.
pub struct Cookies<T> {
    inner: T,
    jar: Mutex<CookieStore>,
}

impl<T: HttpTransport> Cookies<T> {
    /// An empty jar in front of `inner`.
    pub fn new(inner: T) -> Self {
        Self {
            inner,
            jar: Mutex::default(),
        }
    }

    /// Adds a cookie as if the host of `url` had set it. `cookie` is the value of a `Set-Cookie` header; `name=value` alone makes a
    /// cookie for this host and the folder of the URL's path. Returns whether the jar keeps it.
    pub fn insert(&self, url: &str, cookie: &str) -> bool {
        Url::parse(url).is_ok_and(|url| insert(&mut self.jar(), &url, cookie.as_bytes()))
    }

    /// The cookies that have not expired, as text, for the jar of another process. Session cookies are included. The text is as
    /// secret as the cookies.
    #[must_use]
    pub fn export(&self) -> String {
        let jar = self.jar();
        let mut lines: Vec<_> = jar.iter_unexpired().filter_map(exported).collect();
        // The jar has no order of its own.
        lines.sort_unstable();
        lines.concat()
    }

    /// Adds the cookies that [`export`](Self::export) returned. Lines that are no cookies, and cookies that the jar does not
    /// accept, are skipped.
    pub fn import(&self, text: &str) {
        let mut jar = self.jar();
        for line in text.lines() {
            let cookie = line.split_once(' ').and_then(|(url, cookie)| {
                let bytes = cookie.chars().map(u8::try_from);
                Some((
                    Url::parse(url).ok()?,
                    bytes.collect::<Result<Vec<_>, _>>().ok()?,
                ))
            });
            if let Some((url, cookie)) = cookie {
                insert(&mut jar, &url, &cookie);
            }
        }
    }

    fn jar(&self) -> MutexGuard<'_, CookieStore> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of the `Cookie` header for `url`, after what the caller has put there.
    fn header(&self, url: &Url, own: Option<&HeaderValue>) -> Option<HeaderValue> {
        let jar = self.jar();
        let mut cookies = jar.matches(url);
        if cookies.is_empty() {
            return None;
        }
        // The jar has no order of its own.
        cookies.sort_by_key(|cookie| (Reverse(cookie.path.len()), cookie.name_value()));
        let mut header = own.map_or(Vec::new(), |own| own.as_bytes().to_vec());
        for cookie in cookies {
            if !header.is_empty() {
                header.extend_from_slice(b"; ");
            }
            let (name, value) = cookie.name_value();
            header.extend(name.chars().chain(['=']).chain(value.chars()).map(byte));
        }
        let mut header = HeaderValue::from_bytes(&header).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    fn keep(&self, url: &Url, headers: &HeaderMap) {
        let mut jar = self.jar();
        for header in headers.get_all(SET_COOKIE) {
            // One by one, because `CookieStore::store_response_cookies` logs their values.
            insert(&mut jar, url, header.as_bytes());
        }
    }
}

/// A line with a URL that may set the cookie, and the value of a `Set-Cookie` header. Bytes outside of ASCII are the characters
/// with the same numbers.
fn exported(cookie: &Cookie<'static>) -> Option<String> {
    let (host, domain) = match &cookie.domain {
        CookieDomain::HostOnly(host) => (host, None),
        CookieDomain::Suffix(domain) => (domain, Some(domain)),
        CookieDomain::NotPresent | CookieDomain::Empty => return None,
    };
    let is_secure = cookie.secure().unwrap_or_default();
    let scheme = if is_secure { "https" } else { "http" };
    let path = String::from(&cookie.path);
    let mut raw = RawCookie::new(cookie.name(), cookie.value());
    if let Some(domain) = domain {
        raw.set_domain(domain.as_str());
    }
    raw.set_secure(is_secure);
    raw.set_http_only(cookie.http_only());
    if let CookieExpiration::AtUtc(time) = cookie.expires {
        raw.set_expires(time);
    }
    raw.set_path(path.clone());
    let header = raw.to_string();
    if header.contains(['\r', '\n']) {
        return None;
    }
    let header: String = header.chars().map(|it| char::from(byte(it))).collect();
    Some(format!("{scheme}://{host}{path} {header}\n"))
}

/// Inserts a cookie that the host of `url` has set. Returns whether the jar keeps it.
fn insert(jar: &mut CookieStore, url: &Url, header: &[u8]) -> bool {
    let text: String = header.iter().copied().map(character).collect();
    if let Ok(cookie) = RawCookie::parse(text)
        && let Some(cookie) = for_hosts_of(cookie, url)
        && is_small(&cookie)
        && let Ok(cookie) = Cookie::try_from_raw_cookie(&cookie, url)
        && has_room(jar, &cookie)
    {
        // The jar refuses a cookie that this host must not set.
        jar.insert(cookie.into_owned(), url).is_ok()
    } else {
        false
    }
}

/// The most cookies for one domain, the most altogether, and the most bytes of the name and the value of one: what RFC 6265,
/// section 6.1, asks of a client.
const MOST_OF_DOMAIN: usize = 50;
const MOST: usize = 3000;
const LARGEST: usize = 4096;
/// The most bytes of a path; a domain cannot be longer than the host's name.
const LONGEST_PATH: usize = 1024;

/// The first of the characters that stand for the bytes outside of ASCII in the jar, which keeps text. They are from a private use
/// area, so that no rule about characters applies to them.
const FIRST: u32 = 0xf700;

fn character(byte: u8) -> char {
    match char::from_u32(FIRST + u32::from(byte)) {
        Some(stand_in) if !byte.is_ascii() => stand_in,
        _ => char::from(byte),
    }
}

/// The reverse of [`character`].
fn byte(character: char) -> u8 {
    u8::try_from(u32::from(character) & 0xff).unwrap_or_default()
}

/// The cookie, for the host alone if the domain is public and the host's own name. `None` if it is public otherwise.
fn for_hosts_of<'c>(mut cookie: RawCookie<'c>, url: &Url) -> Option<RawCookie<'c>> {
    let domain = cookie
        .domain()
        .map(|domain| domain.trim_matches('.').to_ascii_lowercase());
    let Some(domain) = domain.filter(|domain| is_public(domain.as_str())) else {
        return Some(cookie);
    };
    cookie.unset_domain();
    (url.host_str() == Some(&domain)).then_some(cookie)
}

/// Whether the hosts in a domain may belong to different people.
fn is_public(domain: &str) -> bool {
    let listed =
        psl::suffix(domain.as_bytes()).is_some_and(|suffix| suffix.is_known() && suffix == domain);
    listed || !domain.contains('.')
}

fn is_small(cookie: &RawCookie<'_>) -> bool {
    let length = |text: &str| text.chars().count();
    let scope = length(cookie.path().unwrap_or_default());
    length(cookie.name()) + length(cookie.value()) <= LARGEST && scope <= LONGEST_PATH
}

/// Whether the jar can take the cookie, after the expired ones have made room.
fn has_room(jar: &mut CookieStore, cookie: &Cookie<'_>) -> bool {
    let domain = String::from(&cookie.domain);
    if jar.contains_any(&domain, &cookie.path, cookie.name()) {
        return true;
    }
    let is_full = |jar: &CookieStore| {
        let all = jar.iter_any();
        let (all, same) = all.fold((0, 0), |(all, same), other| {
            (all + 1, same + usize::from(other.domain == cookie.domain))
        });
        all >= MOST || same >= MOST_OF_DOMAIN
    };
    if is_full(jar) {
        let expired = jar.iter_any().filter(|cookie| cookie.is_expired());
        let expired: Vec<_> = expired
            .map(|cookie| {
                let domain = String::from(&cookie.domain);
                (domain, cookie.path.to_string(), cookie.name().to_owned())
            })
            .collect();
        for (domain, path, name) in expired {
            jar.remove(&domain, &path, &name);
        }
    }
    !is_full(jar)
}

#[async_trait]
impl<T: HttpTransport> HttpTransport for Cookies<T> {
    async fn send(
        &self,
        mut request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let Ok(url) = Url::parse(&request.uri().to_string()) else {
            // The transport inside says what is wrong with it.
            return self.inner.send(request, options).await;
        };
        if let Some(header) = self.header(&url, request.headers().get(COOKIE)) {
            request.headers_mut().insert(COOKIE, header);
        }
        let response = self.inner.send(request, options).await?;
        self.keep(&url, response.headers());
        Ok(response)
    }
}

impl<T: fmt::Debug> fmt::Debug for Cookies<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Cookies")
            .field("inner", &self.inner)
            .field("cookies", &jar.iter_any().count())
            .finish()
    }
}
