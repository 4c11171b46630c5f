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

/// A transport that stores the cookies of responses and adds them to later requests (RFC 6265).
///
/// Load balancers and reverse proxies in front of a pool tie a session to one server by a cookie. Use one `Cookies` for each session:
/// two sessions with the same jar would share their cookies. Put a `Record` inside the `Cookies`, so that it records the cookies.
///
/// The jar ignores a cookie for all hosts of a public suffix, such as `com` or `co.uk`, and a cookie for a domain without a dot. The
/// jar stores at most 50 cookies for each domain, and 3,000 in total. The name and the value of a cookie have at most 4,096 bytes.
/// Cookies beyond these limits are ignored. Cookies with a longer path are sent first. The jar is kept in memory. Cookies expire by
/// the system's clock.
pub struct Cookies<T> {
    inner: T,
    jar: Mutex<CookieStore>,
}

impl<T: HttpTransport> Cookies<T> {
    /// Wraps `inner`, with an empty jar.
    pub fn new(inner: T) -> Self {
        Self {
            inner,
            jar: Mutex::default(),
        }
    }

    /// Adds a cookie as if the host of `url` had set it. Returns whether the jar accepted the cookie.
    ///
    /// `cookie` is the value of a `Set-Cookie` header. A value without attributes, `name=value`, is a cookie for this host and the
    /// directory of the URL's path.
    pub fn insert(&self, url: &str, cookie: &str) -> bool {
        Url::parse(url).is_ok_and(|url| insert(&mut self.jar(), &url, cookie.as_bytes()))
    }

    /// Returns the cookies that have not expired as text, which the jar of another process can [import](Self::import). Session
    /// cookies are included. Keep the text secret: it contains the values of the cookies.
    #[must_use]
    pub fn export(&self) -> String {
        let jar = self.jar();
        let mut lines: Vec<_> = jar.iter_unexpired().filter_map(exported).collect();
        // The jar iterates in an arbitrary order.
        lines.sort_unstable();
        lines.concat()
    }

    /// Adds the cookies that [`export`](Self::export) returned. Skips malformed lines, and cookies that the jar does not accept.
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

    /// Returns the value of the `Cookie` header for `url`: the caller's `own` value, then the cookies of the jar.
    fn header(&self, url: &Url, own: Option<&HeaderValue>) -> Option<HeaderValue> {
        let jar = self.jar();
        let mut cookies = jar.matches(url);
        if cookies.is_empty() {
            return None;
        }
        // The jar iterates in an arbitrary order.
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
            // `CookieStore::store_response_cookies` would log the values of the cookies.
            insert(&mut jar, url, header.as_bytes());
        }
    }
}

/// Writes a cookie as a line: a URL whose host may set the cookie, and the value of a `Set-Cookie` header. A byte outside of ASCII
/// is written as the character with the same number.
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

/// Inserts a cookie that the host of `url` has set. Returns whether the jar accepted the cookie.
fn insert(jar: &mut CookieStore, url: &Url, header: &[u8]) -> bool {
    let text: String = header.iter().copied().map(character).collect();
    if let Ok(cookie) = RawCookie::parse(text)
        && let Some(cookie) = with_allowed_domain(cookie, url)
        && is_small(&cookie)
        && let Ok(cookie) = Cookie::try_from_raw_cookie(&cookie, url)
        && has_room(jar, &cookie)
    {
        // The jar refuses a cookie that this host is not allowed to set.
        jar.insert(cookie.into_owned(), url).is_ok()
    } else {
        false
    }
}

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

/// Restricts a cookie whose domain is public to the host itself. Returns `None` if the public domain is not the host's own name.
fn with_allowed_domain<'c>(mut cookie: RawCookie<'c>, url: &Url) -> Option<RawCookie<'c>> {
    let domain = cookie
        .domain()
        .map(|domain| domain.trim_matches('.').to_ascii_lowercase());
    let Some(domain) = domain.filter(|domain| is_public(domain.as_str())) else {
        return Some(cookie);
    };
    cookie.unset_domain();
    (url.host_str() == Some(&domain)).then_some(cookie)
}

/// Whether the hosts in a domain may have different owners.
fn is_public(domain: &str) -> bool {
    let listed =
        psl::suffix(domain.as_bytes()).is_some_and(|suffix| suffix.is_known() && suffix == domain);
    listed || !domain.contains('.')
}

fn is_small(cookie: &RawCookie<'_>) -> bool {
    let length = |text: &str| text.chars().count();
    let path = length(cookie.path().unwrap_or_default());
    length(cookie.name()) + length(cookie.value()) <= MAX_COOKIE_BYTES && path <= MAX_PATH_BYTES
}

/// Whether the jar has room for the cookie. Removes the expired cookies if the jar is full.
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
        all >= MAX_COOKIES || same >= MAX_PER_DOMAIN
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
        let uri = request.uri().clone();
        let is_empty = self.jar().iter_any().next().is_none();
        // The inner transport reports an error in the URL.
        if !is_empty
            && let Ok(url) = Url::parse(&uri.to_string())
            && let Some(header) = self.header(&url, request.headers().get(COOKIE))
        {
            request.headers_mut().insert(COOKIE, header);
        }
        let response = self.inner.send(request, options).await?;
        if response.headers().contains_key(SET_COOKIE)
            && let Ok(url) = Url::parse(&uri.to_string())
        {
            self.keep(&url, response.headers());
        }
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
