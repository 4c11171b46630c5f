//! A transport with a cookie jar.

mod jar;

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Request, Response, Uri,
    header::{COOKIE, SET_COOKIE},
};

use self::jar::{Jar, Origin};
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
    jar: Mutex<Jar>,
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
        let url = url.parse().ok();
        let origin = url.as_ref().and_then(Origin::of);
        origin.is_some_and(|origin| self.jar().insert(&origin, cookie.as_bytes()))
    }

    /// Returns the cookies that have not expired as text, which the jar of another process can [import](Self::import). Session
    /// cookies are included. Keep the text secret: it contains the values of the cookies.
    #[must_use]
    pub fn export(&self) -> String {
        self.jar().export()
    }

    /// Adds the cookies that [`export`](Self::export) returned. Skips malformed lines, and cookies that the jar does not accept.
    pub fn import(&self, text: &str) {
        let mut jar = self.jar();
        for line in text.lines() {
            let cookie = line.split_once(' ').and_then(|(url, cookie)| {
                let bytes = cookie.chars().map(u8::try_from);
                let cookie = bytes.collect::<Result<Vec<_>, _>>().ok()?;
                Some((url.parse::<Uri>().ok()?, cookie))
            });
            if let Some((url, cookie)) = cookie
                && let Some(origin) = Origin::of(&url)
            {
                jar.insert(&origin, &cookie);
            }
        }
    }

    fn jar(&self) -> MutexGuard<'_, Jar> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the value of the `Cookie` header: the caller's `own` value, then the cookies of the jar.
    fn header(&self, origin: &Origin<'_>, own: Option<&HeaderValue>) -> Option<HeaderValue> {
        let own = own.map_or(&b""[..], HeaderValue::as_bytes);
        let header = self.jar().header(origin, own)?;
        let mut header = HeaderValue::from_bytes(&header).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    fn keep(&self, origin: &Origin<'_>, headers: &HeaderMap) {
        let mut jar = self.jar();
        for header in headers.get_all(SET_COOKIE) {
            jar.insert(origin, header.as_bytes());
        }
    }
}

#[async_trait]
impl<T: HttpTransport> HttpTransport for Cookies<T> {
    async fn send(
        &self,
        mut request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let uri = request.uri().clone();
        // The inner transport reports an error in the URI.
        let origin = Origin::of(&uri);
        if let Some(origin) = &origin
            && let Some(header) = self.header(origin, request.headers().get(COOKIE))
        {
            request.headers_mut().insert(COOKIE, header);
        }
        let response = self.inner.send(request, options).await?;
        if response.headers().contains_key(SET_COOKIE)
            && let Some(origin) = &origin
        {
            self.keep(origin, response.headers());
        }
        Ok(response)
    }
}

impl<T: fmt::Debug> fmt::Debug for Cookies<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Cookies")
            .field("inner", &self.inner)
            .field("cookies", &jar.len())
            .finish()
    }
}
