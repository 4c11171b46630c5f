//! Which requests go through an HTTP proxy, and through which one.

use std::{fmt, net::IpAddr, sync::Arc};

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;

use super::target::Target;
use crate::{Stage, TransportError, TransportErrorKind};

/// Which servers are reached through an HTTP proxy.
///
/// A proxy is given as `http://host:port` or `https://host:port`, with `user:password@` before the host where it wants Basic
/// authentication. Servers on loopback are always reached directly.
#[derive(Clone)]
pub struct Proxy(Option<Arc<Matcher>>);

/// A proxy that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("a proxy is given as http://host:port or https://host:port")]
#[non_exhaustive]
pub struct ProxyError;

impl Proxy {
    /// No proxy at all.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// What `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say now, in capitals or not.
    #[must_use]
    pub fn from_environment() -> Self {
        Self(Some(Arc::new(Matcher::from_env())))
    }

    /// `url` for all servers but those in `except`: domains (with what is below them), addresses and networks (`10.0.0.0/8`), with
    /// commas between them, or `*`.
    ///
    /// # Errors
    ///
    /// Where `url` is no HTTP proxy.
    pub fn new(url: &str, except: &str) -> Result<Self, ProxyError> {
        let proxies_all = Matcher::builder().all(url).build();
        proxies_all
            .intercept(&Uri::from_static("http://pool.invalid/"))
            .filter(|proxy| Hop::of(proxy.uri(), None).is_some())
            .ok_or(ProxyError)?;
        Ok(Self(Some(Arc::new(
            Matcher::builder().all(url).no(except).build(),
        ))))
    }

    /// The proxy for `target`.
    pub(super) fn hop(&self, target: &Target, uri: &Uri) -> Result<Option<Hop>, TransportError> {
        let Some(matcher) = self.0.as_ref().filter(|_| !is_loopback(&target.host)) else {
            return Ok(None);
        };
        let Some(proxy) = matcher.intercept(uri) else {
            return Ok(None);
        };
        match Hop::of(proxy.uri(), proxy.basic_auth().cloned()) {
            Some(hop) => Ok(Some(hop)),
            None => Err(TransportError::new(
                TransportErrorKind::Unsupported,
                Stage::Connect,
                target.to_string(),
            )
            .with_detail("the proxy is not an HTTP proxy")),
        }
    }
}

/// The environment decides.
impl Default for Proxy {
    fn default() -> Self {
        Self::from_environment()
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Matcher shows no credentials.
        match &self.0 {
            Some(matcher) => matcher.fmt(f),
            None => f.write_str("no proxy"),
        }
    }
}

/// A proxy on the way to a server.
pub(super) struct Hop {
    pub(super) proxy: Target,
    /// The value of `Proxy-Authorization`.
    pub(super) authorization: Option<HeaderValue>,
}

impl Hop {
    fn of(uri: &Uri, authorization: Option<HeaderValue>) -> Option<Self> {
        Some(Self {
            proxy: Target::of(uri).ok()?,
            authorization,
        })
    }
}

/// Whether the host is this machine. Names below `localhost` are not, since a resolver may look them up in DNS.
fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(proxy: &Proxy, uri: &str) -> Option<String> {
        let uri = uri.parse().unwrap();
        let hop = proxy.hop(&Target::of(&uri).unwrap(), &uri).unwrap();
        hop.map(|hop| hop.proxy.to_string())
    }

    #[test]
    fn chooses_by_the_list_of_exceptions() {
        let proxy = Proxy::new("http://user:sesame@proxy:3128", "contoso.com,10.0.0.0/8").unwrap();
        for (uri, through) in [
            ("https://pool.fabrikam.com/", Some("proxy:3128")),
            ("http://pool.fabrikam.com:8080/", Some("proxy:3128")),
            ("https://pool.contoso.com/", None),
            ("https://10.1.2.3/", None),
            ("http://127.0.0.1:80/", None),
            ("http://[::1]/", None),
            ("http://localhost/", None),
            ("http://a.localhost/", Some("proxy:3128")),
        ] {
            assert_eq!(hop(&proxy, uri).as_deref(), through, "{uri}");
        }
        assert_eq!(hop(&Proxy::none(), "https://pool.fabrikam.com/"), None);
        assert!(!format!("{proxy:?}").contains("sesame"));
    }

    #[test]
    fn refuses_what_is_no_http_proxy() {
        for url in ["", "socks5://proxy:1080", "ftp://proxy", "http://"] {
            Proxy::new(url, "").unwrap_err();
        }
        Proxy::new("proxy:3128", "").unwrap();
    }
}
