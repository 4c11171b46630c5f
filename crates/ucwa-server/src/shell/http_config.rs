//! The configuration of the shell: limits, proxies, TLS, and the web pages of other origins.

use std::net::IpAddr;
use std::time::Duration;

use ucwa_proto::HrefError;

use super::files::{Files, WebFile};
#[cfg(feature = "tls")]
use super::tls::TlsIdentity;
use crate::origin::parse_origin;

/// The HTTP configuration of a [`Server`](crate::Server). Start with [`HttpConfig::default`], and change fields.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct HttpConfig {
    /// The limits of one connection and of all.
    pub limits: ConnectionLimits,
    /// The addresses of the proxies in front of the server. The headers `X-Forwarded-Proto`, `X-Forwarded-Host` and
    /// `X-Forwarded-Port`
    /// of their requests name the origin that the client used. The headers of any other peer are ignored.
    pub proxies: Vec<IpAddr>,
    /// The certificate for HTTPS. `None`, the default, means plain HTTP.
    #[cfg(feature = "tls")]
    pub tls: Option<TlsIdentity>,
    /// In the form of an `Origin` header.
    pub(crate) allowed_origins: Vec<String>,
    pub(super) files: Option<Files>,
}

impl HttpConfig {
    /// Allows the web pages of an origin, such as `https://chat.contoso.com`, to use the server by CORS and by the cross-domain
    /// frame
    /// (the list of `Cross-domain IFRAME`). By default no other origin is allowed.
    ///
    /// # Errors
    ///
    /// As for [`parse_origin`].
    pub fn allow_origin(&mut self, origin: &str) -> Result<(), HrefError> {
        self.allowed_origins.push(parse_origin(origin)?);
        Ok(())
    }

    /// Sends files beside UCWA, such as a web page that uses the server. For the path of each request, and the origin at which the
    /// client reaches the server, `find` returns the file, or `None` for the paths of UCWA.
    pub fn set_files(
        &mut self,
        find: impl Fn(&str, &str) -> Option<WebFile> + Send + Sync + 'static,
    ) {
        self.files = Some(Files::new(find));
    }

    /// Whether the web pages of an origin may use the server.
    pub(super) fn allows(&self, origin: &str) -> bool {
        self.allowed_origins.iter().any(|allowed| allowed == origin)
    }
}

/// The limits of a server against clients that are broken or hostile.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionLimits {
    /// The maximum number of open connections: 1,000. The next one gets 503 and is closed; with TLS it is only closed.
    pub connections: usize,
    /// The maximum length of a request head, in bytes: 32 KiB. A longer one gets 431.
    pub header_size: usize,
    /// The maximum length of a request body, in bytes: 1 MiB. A longer one gets 413.
    pub body_size: usize,
    /// The time until the head of a connection's next request must be complete: 30 s. Afterwards the connection is closed, also
    /// if it
    /// was idle. A TLS handshake has the same limit.
    pub header_timeout: Duration,
    /// The time until the body of a request must be complete: 30 s. A slower one gets 408.
    pub body_timeout: Duration,
    /// How long a client may read no byte of a response: 30 s. Afterwards the connection is closed.
    pub write_timeout: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: 1000,
            header_size: 32 * 1024,
            body_size: 1024 * 1024,
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowed_origin_is_compared_in_the_form_of_browsers() {
        let mut http = HttpConfig::default();
        http.allow_origin("HTTPS://Chat.Contoso.com:443/").unwrap();
        http.allow_origin("http://localhost:8000").unwrap();
        assert!(http.allows("https://chat.contoso.com"));
        assert!(http.allows("http://localhost:8000"));
        for other in [
            "http://chat.contoso.com",
            "https://chat.contoso.com.evil.example",
            "https://evil.example",
            "null",
            "",
        ] {
            assert!(!http.allows(other), "{other}");
        }
    }

    #[test]
    fn an_invalid_origin_is_refused() {
        for text in [
            "*",
            "null",
            "chat.contoso.com",
            "ftp://chat.contoso.com",
            "https://chat.contoso.com/page",
            "https://chat.contoso.com?x",
            "https://päge.example",
            "https://\"];alert(1);[\"",
        ] {
            assert!(HttpConfig::default().allow_origin(text).is_err(), "{text}");
        }
    }
}
