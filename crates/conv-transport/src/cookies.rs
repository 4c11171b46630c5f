//! A transport with a cookie jar.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use cookie_store::{CookieStore, RawCookie};
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
/// A cookie for a whole top-level domain is not kept. The jar lives in memory, and cookies expire by the system's clock.
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

    fn jar(&self) -> MutexGuard<'_, CookieStore> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of the `Cookie` header for `url`, after what the caller has put there.
    fn header(&self, url: &Url, own: Option<&HeaderValue>) -> Option<HeaderValue> {
        let jar = self.jar();
        let mut cookies: Vec<_> = jar.get_request_values(url).collect();
        if cookies.is_empty() {
            return None;
        }
        // The jar has no order of its own.
        cookies.sort_unstable();
        let own = own.and_then(|own| own.to_str().ok()).map(str::to_owned);
        let pairs = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let header: Vec<String> = own.into_iter().chain(pairs).collect();
        let mut header = HeaderValue::from_str(&header.join("; ")).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    fn keep(&self, url: &Url, headers: &HeaderMap) {
        let cookies = headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|cookie| RawCookie::parse(cookie.to_str().ok()?.to_owned()).ok())
            .filter(|cookie| !is_for_top_level(cookie));
        let mut jar = self.jar();
        for cookie in cookies {
            // One by one, since the jar's way to take them all logs their values. One that it refuses is not this server's to set.
            let _ = jar.insert_raw(&cookie, url);
        }
    }
}

fn is_for_top_level(cookie: &RawCookie<'_>) -> bool {
    let domain = cookie.domain().map(|domain| domain.trim_matches('.'));
    domain.is_some_and(|domain| !domain.contains('.'))
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
