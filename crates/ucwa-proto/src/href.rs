//! Addresses of resources.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The address of a resource as the server sent it. It is never normalized, since servers compare addresses byte by
/// byte.
///
/// Servers write the address of one resource in different case, absolute or relative: compare addresses by
/// [`key`](Self::key).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Href(String);

impl Href {
    /// Wraps an address as it was sent.
    #[must_use]
    pub fn new(href: impl Into<String>) -> Self {
        Self(href.into())
    }

    /// The address as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form for comparisons: relative to the origin, in lower case, with the query.
    #[must_use]
    pub fn key(&self, origin: &Origin) -> HrefKey {
        HrefKey::of(&self.0, origin)
    }
}

impl fmt::Display for Href {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Href {
    fn from(href: &str) -> Self {
        Self::new(href)
    }
}

impl From<String> for Href {
    fn from(href: String) -> Self {
        Self(href)
    }
}

/// The form of an address for comparisons with other addresses of the same origin. Cloning it is cheap.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HrefKey(Arc<str>);

impl HrefKey {
    /// The key of an address from this origin. An address that cannot be resolved is its own key.
    #[must_use]
    pub fn of(href: &str, origin: &Origin) -> Self {
        Self(normalize(href, origin).into())
    }

    /// Like [`of`](Self::of), without a copy of an address that already has the form for comparisons.
    #[must_use]
    pub fn of_shared(href: &Arc<str>, origin: &Origin) -> Self {
        match normalize(href, origin) {
            Cow::Borrowed(key) if key.len() == href.len() => Self(Arc::clone(href)),
            key => Self(key.into()),
        }
    }

    /// The key as a string: a path with its query, or the absolute form of an address of another origin, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The form of an address for comparisons.
fn normalize<'h>(href: &'h str, origin: &Origin) -> Cow<'h, str> {
    let relative = if href.starts_with('/') {
        Cow::Borrowed(href)
    } else {
        relative_to(href, origin)
    };
    let is_lower = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    // Without an early exit, the compiler vectorizes the loop.
    if relative
        .bytes()
        .fold(true, |all, byte| all & is_lower(byte))
    {
        relative
    } else {
        Cow::Owned(relative.to_lowercase())
    }
}

/// The path and query of an address of the origin that does not begin with a slash, and the absolute form of any other address.
fn relative_to<'h>(href: &'h str, origin: &Origin) -> Cow<'h, str> {
    match (split_absolute(href), Origin::of(href)) {
        (Some((_, _, rest)), Ok(own)) if own == *origin && rest.starts_with('/') => rest.into(),
        // Writes the origin in one form, so that `https://host:443/x` and `https://host/x` have the same key.
        (Some((_, _, rest)), Ok(other)) => format!("{other}{rest}").into(),
        (None, _) if origin.resolve(href).is_ok() => format!("/{href}").into(),
        _ => href.into(),
    }
}

/// The scheme of an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// `http`, without encryption; only for loopback.
    Http,
    /// `https`, over TLS.
    Https,
}

impl Scheme {
    /// The scheme as a string.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A server: scheme, host and port. Relative addresses are relative to it, not to the path of the document
/// (`Hypermedia`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    scheme: Scheme,
    /// Lower case; an IPv6 address in brackets.
    host: String,
    port: u16,
}

/// An address is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HrefError {
    /// The address is empty.
    #[error("the address is empty")]
    Empty,
    /// The address has a scheme other than `http` and `https`.
    #[error("the address has a scheme other than http and https")]
    Scheme,
    /// The address is not absolute.
    #[error("the address is not absolute")]
    NotAbsolute,
    /// The address has no valid host or port.
    #[error("the address has no valid host and port")]
    Authority,
    /// The address has a user name before the host, which a reader may take for the host.
    #[error("the address has a user name")]
    UserInfo,
    /// The address has white space or a control character, which could inject a header.
    #[error("the address has white space or a control character")]
    Character,
}

impl Origin {
    /// The origin of an absolute address.
    ///
    /// # Errors
    ///
    /// If the address is not absolute or its authority is malformed.
    pub fn of(absolute: &str) -> Result<Self, HrefError> {
        check_characters(absolute)?;
        let (scheme, authority, _) = match split_absolute(absolute) {
            Some(parts) => parts,
            None => {
                return Err(if has_scheme(absolute) {
                    HrefError::Scheme
                } else {
                    HrefError::NotAbsolute
                });
            }
        };
        if authority.contains('@') {
            return Err(HrefError::UserInfo);
        }
        let (host, port) = split_port(authority)?;
        let port = match port {
            None | Some("") => scheme.default_port(),
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| HrefError::Authority)?
            }
            Some(_) => return Err(HrefError::Authority),
        };
        let valid = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') || !byte.is_ascii()
        };
        let valid_v6 = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
        let sound = match host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
        {
            Some(address) => !address.is_empty() && address.bytes().all(valid_v6),
            None => !host.is_empty() && host.bytes().all(valid),
        };
        if !sound {
            return Err(HrefError::Authority);
        }
        Ok(Self {
            scheme,
            host: host.to_lowercase(),
            port,
        })
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host in lower case; an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; without one in the address, the default port of the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The host and the port as in a `Host` header: without the default port of the scheme.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Whether the host is this machine: `localhost`, 127.0.0.0/8 or `::1`. Names below `localhost` are not, since a
    /// resolver may look them up in DNS.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        self.host == "localhost"
            || bare
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }

    /// Whether an absolute address has this origin.
    #[must_use]
    pub fn is_same(&self, absolute: &str) -> bool {
        Self::of(absolute).is_ok_and(|other| other == *self)
    }

    /// The absolute form of an address from this origin. An absolute address, which may have another origin, stays as it
    /// is. Any other address is appended to the origin without change: `//v1/applications`, which servers send, is a path
    /// with an empty first segment, and never another host.
    ///
    /// # Errors
    ///
    /// If the address is empty, has another scheme, a malformed authority, or characters that an address cannot have.
    pub fn resolve(&self, href: &str) -> Result<String, HrefError> {
        if href.is_empty() {
            return Err(HrefError::Empty);
        }
        check_characters(href)?;
        if href.starts_with('/') {
            return Ok(format!("{self}{href}"));
        }
        if split_absolute(href).is_some() {
            return Self::of(href).map(|_| href.to_owned());
        }
        if has_scheme(href) {
            return Err(HrefError::Scheme);
        }
        Ok(format!("{self}/{href}"))
    }

    /// Appends a query parameter with percent-encoded name and value. The rest of the address stays as it is.
    #[must_use]
    pub fn append_query(href: &str, name: &str, value: &str) -> String {
        const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
            .remove(b'-')
            .remove(b'.')
            .remove(b'_')
            .remove(b'~');
        let (address, fragment) = match href.split_once('#') {
            Some((address, fragment)) => (address, Some(fragment)),
            None => (href, None),
        };
        let separator = match address.split_once('?') {
            None => "?",
            Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        let name = utf8_percent_encode(name, UNRESERVED);
        let value = utf8_percent_encode(value, UNRESERVED);
        let mut appended = format!("{address}{separator}{name}={value}");
        if let Some(fragment) = fragment {
            appended.push('#');
            appended.push_str(fragment);
        }
        appended
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port == self.scheme.default_port() {
            Ok(())
        } else {
            write!(f, ":{}", self.port)
        }
    }
}

fn check_characters(href: &str) -> Result<(), HrefError> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    // Most addresses are ASCII. Without an early exit, the compiler vectorizes the loop.
    if href.bytes().fold(true, |all, byte| all & is_plain(byte)) {
        return Ok(());
    }
    if href
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || c == '\\')
    {
        Err(HrefError::Character)
    } else {
        Ok(())
    }
}

/// Splits an absolute address into scheme, authority and the rest.
fn split_absolute(href: &str) -> Option<(Scheme, &str, &str)> {
    let (scheme, rest) = href.split_once("://")?;
    let scheme = if scheme.eq_ignore_ascii_case("https") {
        Scheme::Https
    } else if scheme.eq_ignore_ascii_case("http") {
        Scheme::Http
    } else {
        return None;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    Some((scheme, authority, rest))
}

/// Whether the address begins with a scheme: a colon before any slash, question mark or hash, after letters and digits.
fn has_scheme(href: &str) -> bool {
    let end = href.find(['/', '?', '#']).unwrap_or(href.len());
    let (start, _) = href.split_at(end);
    start.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    })
}

/// Splits an authority into the host and the text after the colon of the port.
fn split_port(authority: &str) -> Result<(&str, Option<&str>), HrefError> {
    if authority.starts_with('[') {
        let end = authority.find(']').ok_or(HrefError::Authority)?;
        let (host, rest) = authority.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(HrefError::Authority),
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Href, HrefError, HrefKey, Origin, Scheme};

    fn origin() -> Origin {
        Origin::of("https://Pool.Contoso.com:443/autodiscover").unwrap()
    }

    #[test]
    fn an_origin_has_one_spelling() {
        assert_eq!(origin(), Origin::of("HTTPS://pool.contoso.com").unwrap());
        assert_eq!(origin().to_string(), "https://pool.contoso.com");
        assert_eq!(
            Origin::of("http://[::1]:8080/x").unwrap().authority(),
            "[::1]:8080"
        );
        assert!(Origin::of("http://[::1]:8080/x").unwrap().is_loopback());
        assert!(Origin::of("http://[::1]/x").unwrap().is_loopback());
        assert_eq!(Origin::of("https://pööl/x").unwrap().host(), "pööl");
        assert!(Origin::of("http://127.0.0.5/").unwrap().is_loopback());
        for name in ["http://a.localhost/", "http://localhost.contoso.com/"] {
            assert!(!Origin::of(name).unwrap().is_loopback(), "{name}");
        }
        assert!(!origin().is_loopback());
        assert!(
            !Origin::of("http://localhost.evil.example")
                .unwrap()
                .is_loopback()
        );
        assert_eq!(Origin::of("http://host:8080?x").unwrap().port(), 8080);
        assert_eq!(Origin::of("http://host").unwrap().scheme(), Scheme::Http);
        assert!(origin().is_same("https://POOL.contoso.com:443/x"));
        assert!(!origin().is_same("https://pool.contoso.com:444/x"));
        assert!(!origin().is_same("http://pool.contoso.com/x"));
    }

    #[test]
    fn every_published_form_resolves_and_stays_as_sent() {
        let cases = [
            (
                "/ucwa/v1/people/danab@domain.com",
                "https://pool.contoso.com/ucwa/v1/people/danab@domain.com",
            ),
            (
                "//v1/applications",
                "https://pool.contoso.com//v1/applications",
            ),
            ("http://sample:80/ucwa", "http://sample:80/ucwa"),
            (
                "ucwa/x?a=b+c%3d=",
                "https://pool.contoso.com/ucwa/x?a=b+c%3d=",
            ),
            ("/x?k=a:b@c", "https://pool.contoso.com/x?k=a:b@c"),
            ("people/sip:a@b", "https://pool.contoso.com/people/sip:a@b"),
        ];
        for (href, absolute) in cases {
            assert_eq!(origin().resolve(href).as_deref(), Ok(absolute), "{href}");
        }
    }

    #[test]
    fn misleading_addresses_are_refused() {
        let cases = [
            ("", HrefError::Empty),
            ("data:text/plain,x", HrefError::Scheme),
            ("tel:+1", HrefError::Scheme),
            ("ftp://host/x", HrefError::Scheme),
            (
                "https://pool.contoso.com@evil.example/",
                HrefError::UserInfo,
            ),
            ("https:///x", HrefError::Authority),
            ("https://host:99999/", HrefError::Authority),
            ("https://host:+1/", HrefError::Authority),
            ("https://[::1/", HrefError::Authority),
            ("https://[::1]x/", HrefError::Authority),
            ("https://ho!st/", HrefError::Authority),
            ("/x y", HrefError::Character),
            ("/x\r\nHost: evil", HrefError::Character),
            ("https://host\\@evil.example/", HrefError::Character),
        ];
        for (href, error) in cases {
            assert_eq!(origin().resolve(href), Err(error), "{href}");
        }
        assert_eq!(Origin::of("/relative"), Err(HrefError::NotAbsolute));
    }

    #[test]
    fn keys_ignore_case_and_origin_but_not_the_query() {
        let key = |href: &str| Href::new(href).key(&origin());
        assert_eq!(
            key("/people/SaraD@Contoso.com"),
            key("https://pool.contoso.com:443/people/sarad@contoso.com")
        );
        assert_eq!(key("x?a=1"), key("/X?A=1"));
        assert_eq!(key("/PÖÖL"), key("/pööl"));
        assert_ne!(key("/x?a=1"), key("/x"));
        assert_ne!(key("https://other.example/x"), key("/x"));
        assert_ne!(key("https://pool.contoso.com:444/x"), key("/x"));
        assert_ne!(key("https://pool.contoso.com@other.example/x"), key("/x"));
        assert_eq!(
            key("https://other.example:443/X"),
            key("HTTPS://Other.example/x")
        );
        assert_ne!(key("https://pool.contoso.com?x"), key("?x"));
        assert_ne!(key("x y"), key("/x y"), "cannot be resolved");
    }

    #[test]
    fn an_address_in_the_form_for_comparisons_is_shared_with_its_key() {
        let href: Arc<str> = "/people/sarad@contoso.com?a=1".into();
        let key = HrefKey::of_shared(&href, &origin());
        assert_eq!(key, HrefKey::of(&href, &origin()));
        assert_eq!(key.as_str().as_ptr(), href.as_ptr());
        for other in ["/people/SaraD", "https://pool.contoso.com/x", "x"] {
            let key = HrefKey::of_shared(&other.into(), &origin());
            assert_eq!(key, HrefKey::of(other, &origin()), "{other}");
        }
    }

    #[test]
    fn a_query_parameter_is_appended() {
        assert_eq!(
            Origin::append_query("/e?ack=1&key=a%3D@", "time out", "1&2"),
            "/e?ack=1&key=a%3D@&time%20out=1%262"
        );
        assert_eq!(Origin::append_query("/e", "a", "é"), "/e?a=%C3%A9");
        assert_eq!(Origin::append_query("/e?#f", "a", "1"), "/e?a=1#f");
    }
}
