//! Selects the HTTP proxy of a request.

use std::{env, ffi::OsString, fmt, net::IpAddr, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;

use super::{no_proxy::NoProxy, target::Target};
use crate::{Stage, TransportError, TransportErrorKind};

/// The configuration of HTTP proxies.
///
/// The address of a proxy is `http://host:port` or `https://host:port`; without a scheme it is `http`. For Basic
/// authentication, put `user:password@` before the host. In the user name and the password percent-encode `@` (`%40`), `:`
/// (`%3A`), `/` (`%2F`), `?` (`%3F`), `#` (`%23`) and `%` (`%25`). Servers on loopback are always reached directly.
#[derive(Clone)]
pub struct Proxy(Arc<Rules>);

struct Rules {
    http: Choice,
    https: Choice,
    except: Result<NoProxy, Unusable>,
}

/// The proxy for one scheme, or the reason why the setting cannot be used.
type Choice = Result<Option<Hop>, Unusable>;

/// An environment variable that cannot be used.
#[derive(Debug, Clone)]
struct Unusable {
    variable: &'static str,
    error: ProxyError,
}

/// The reason why the address of a proxy cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// The address is not of the form `http://host:port` or `https://host:port`.
    #[error("the address of a proxy is http://host:port or https://host:port")]
    Address,
    /// The proxy is not an HTTP proxy.
    #[error("only HTTP proxies can be used, by an address that begins with http:// or https://")]
    Scheme,
    /// The user name or the password contains a reserved character.
    #[error(
        "in the user name and the password of a proxy, @ is written as %40, / as %2F, ? as %3F and # as %23"
    )]
    Credentials,
    /// The text is not UTF-8.
    #[error("the value is not UTF-8")]
    Encoding,
}

impl Proxy {
    /// No proxy.
    #[must_use]
    pub fn none() -> Self {
        Self(Arc::new(Rules {
            http: Ok(None),
            https: Ok(None),
            except: Ok(NoProxy::parse("")),
        }))
    }

    /// The proxies in the environment variables `http_proxy` (for `http`), `https_proxy` (for `https`) and `all_proxy` (for
    /// what remains), and the exceptions in `no_proxy`.
    ///
    /// As in curl, each name may be in capitals, the one in lower case has priority, and an empty value counts as none. A
    /// program that runs as a CGI script ignores `HTTP_PROXY`, which a request can set there.
    ///
    /// If a variable cannot be used, each request that it is for fails with [`TransportErrorKind::Proxy`] and the name of the
    /// variable.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::from_variables(|name| env::var_os(name))
    }

    fn from_variables(get: impl Fn(&str) -> Option<OsString>) -> Self {
        let is_cgi = get("REQUEST_METHOD").is_some();
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = get(name).filter(|value| !value.is_empty())?;
                Some((*name, value.into_string()))
            })
        };
        let choice = |names: &[&'static str]| -> Choice {
            let Some((variable, value)) = first(names) else {
                return Ok(None);
            };
            let hop = match value {
                Ok(value) => Hop::parse(&value),
                Err(_) => Err(ProxyError::Encoding),
            };
            hop.map(Some).map_err(|error| Unusable { variable, error })
        };
        let http: &[_] = if is_cgi {
            &["http_proxy", "all_proxy", "ALL_PROXY"]
        } else {
            &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
        };
        Self(Arc::new(Rules {
            http: choice(http),
            https: choice(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            except: match first(&["no_proxy", "NO_PROXY"]) {
                None => Ok(NoProxy::parse("")),
                Some((_, Ok(list))) => Ok(NoProxy::parse(&list)),
                Some((variable, Err(_))) => Err(Unusable {
                    variable,
                    error: ProxyError::Encoding,
                }),
            },
        }))
    }

    /// The proxy at `url` for all servers except those in `except`.
    ///
    /// `except` is a list as in curl's `NO_PROXY`: domains (`contoso.com`, with all that is below it), addresses and networks
    /// (`10.0.0.0/8`), separated by commas or spaces, or `*` alone for all servers. Ports are not supported there.
    ///
    /// # Errors
    ///
    /// If `url` is not the address of an HTTP proxy.
    pub fn new(url: &str, except: &str) -> Result<Self, ProxyError> {
        let hop = Hop::parse(url)?;
        Ok(Self(Arc::new(Rules {
            http: Ok(Some(hop.clone())),
            https: Ok(Some(hop)),
            except: Ok(NoProxy::parse(except)),
        })))
    }

    /// The proxy for `target`.
    pub(super) fn hop(&self, target: &Target) -> Result<Option<&Hop>, TransportError> {
        let rules = &*self.0;
        let choice = if target.https {
            &rules.https
        } else {
            &rules.http
        };
        if matches!(choice, Ok(None)) || is_loopback(&target.host) {
            return Ok(None);
        }
        let unusable = |Unusable { variable, error }: &Unusable| {
            let host = target.to_string();
            TransportError::new(TransportErrorKind::Proxy, Stage::Connect, host)
                .with_detail(format!("the variable {variable} cannot be used: {error}"))
        };
        if rules
            .except
            .as_ref()
            .map_err(unusable)?
            .contains(&target.host)
        {
            return Ok(None);
        }
        let hop = choice.as_ref().map_err(unusable)?;
        Ok(hop.as_ref())
    }
}

/// The proxies of the environment variables.
impl Default for Proxy {
    fn default() -> Self {
        Self::from_environment()
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("http", &self.0.http)
            .field("https", &self.0.https)
            .field("except", &self.0.except)
            .finish()
    }
}

/// A proxy on the way to a server.
#[derive(Clone)]
pub(super) struct Hop {
    pub(super) proxy: Target,
    /// The value of `Proxy-Authorization`.
    pub(super) authorization: Option<HeaderValue>,
}

impl Hop {
    fn parse(address: &str) -> Result<Self, ProxyError> {
        let address = address.trim();
        let (scheme, rest) = address.split_once("://").unwrap_or(("http", address));
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return Err(ProxyError::Scheme);
        }
        // A reserved character would end the password, and the rest of the password would be read as the host.
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if path.contains('@') || authority.matches('@').count() > 1 {
            return Err(ProxyError::Credentials);
        }
        if !matches!(path, "" | "/") {
            return Err(ProxyError::Address);
        }
        let (credentials, server) = match authority.split_once('@') {
            Some((credentials, server)) => (Some(credentials), server),
            None => (None, authority),
        };
        let uri: Uri = format!("{scheme}://{server}/")
            .parse()
            .map_err(|_| ProxyError::Address)?;
        Ok(Self {
            proxy: Target::of(&uri).map_err(|_| ProxyError::Address)?,
            authorization: credentials.and_then(basic),
        })
    }
}

/// Hides the credentials.
impl fmt::Debug for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.proxy.https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.proxy)
    }
}

/// The header of Basic authentication (RFC 7617) for percent-encoded credentials.
fn basic(credentials: &str) -> Option<HeaderValue> {
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let mut plain: Vec<u8> = percent_decode_str(user).collect();
    plain.push(b':');
    plain.extend(percent_decode_str(password));
    let header = format!("Basic {}", BASE64_STANDARD.encode(plain));
    let mut header = HeaderValue::try_from(header).ok()?;
    header.set_sensitive(true);
    Some(header)
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

    fn hop(proxy: &Proxy, uri: &str) -> Result<Option<String>, String> {
        let target = Target::of(&uri.parse().unwrap()).unwrap();
        let hop = proxy.hop(&target).map_err(|error| error.to_string())?;
        Ok(hop.map(|hop| format!("{hop:?}")))
    }

    fn environment(variables: &[(&str, &str)]) -> Proxy {
        Proxy::from_variables(|name| {
            let mut all = variables.iter();
            let value = all.find(|(variable, _)| *variable == name)?.1;
            Some(value.into())
        })
    }

    #[test]
    fn chooses_by_the_list_of_exceptions() {
        let proxy = Proxy::new("http://user:sesame@proxy:3128", "contoso.com,10.0.0.0/8").unwrap();
        for (uri, through) in [
            ("https://pool.fabrikam.com/", Some("http://proxy:3128")),
            ("http://pool.fabrikam.com:8080/", Some("http://proxy:3128")),
            ("https://pool.contoso.com/", None),
            ("https://10.1.2.3/", None),
            ("http://127.0.0.1:80/", None),
            ("http://[::1]/", None),
            ("http://localhost/", None),
            ("http://a.localhost/", Some("http://proxy:3128")),
        ] {
            assert_eq!(hop(&proxy, uri).unwrap().as_deref(), through, "{uri}");
        }
        assert_eq!(hop(&Proxy::none(), "https://pool.fabrikam.com/"), Ok(None));
        assert!(!format!("{proxy:?}").contains("sesame"));
    }

    #[test]
    fn refuses_what_is_no_http_proxy() {
        for (url, error) in [
            ("", ProxyError::Address),
            ("http://", ProxyError::Address),
            ("http://proxy:port", ProxyError::Address),
            ("http://proxy.contoso.com/proxy.pac", ProxyError::Address),
            ("http://proxy:3128?x", ProxyError::Address),
            ("http://user:pass word@pro xy:3128", ProxyError::Address),
            ("socks5://proxy:1080", ProxyError::Scheme),
            ("ftp://proxy", ProxyError::Scheme),
            ("http://user:p@ss@proxy:3128", ProxyError::Credentials),
            ("http://user:1#ss@proxy:3128", ProxyError::Credentials),
            ("http://user:1/ss@proxy:3128", ProxyError::Credentials),
            ("http://user:1?ss@proxy:3128", ProxyError::Credentials),
            ("user@contoso.com:1@proxy:3128", ProxyError::Credentials),
        ] {
            assert_eq!(Proxy::new(url, "").unwrap_err(), error, "{url}");
        }
    }

    #[test]
    fn reads_an_address() {
        for (url, proxy, authorization) in [
            ("proxy:3128", "http://proxy:3128", None),
            (" http://proxy ", "http://proxy:80", None),
            (
                "HTTPS://Proxy.contoso.com/",
                "https://proxy.contoso.com:443",
                None,
            ),
            ("http://[::1]:3128", "http://[::1]:3128", None),
            (
                "http://user:p%40s%23@proxy:1",
                "http://proxy:1",
                Some("user:p@s#"),
            ),
            ("http://user@proxy:1", "http://proxy:1", Some("user:")),
            (
                "http://CONTOSO%5Ctosh:a:b@proxy:1",
                "http://proxy:1",
                Some("CONTOSO\\tosh:a:b"),
            ),
        ] {
            let hop = Hop::parse(url).unwrap();
            assert_eq!(format!("{hop:?}"), proxy);
            let basic = |plain: &str| format!("Basic {}", BASE64_STANDARD.encode(plain));
            let sent = hop
                .authorization
                .map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(sent, authorization.map(basic), "{url}");
        }
    }

    #[test]
    fn reads_the_environment_as_curl_does() {
        let (http, https) = ("http://pool.invalid/", "https://pool.invalid/");
        for (variables, plain, secure) in [
            (&[("HTTP_PROXY", "a:1")][..], Some("http://a:1"), None),
            (
                &[("http_proxy", "a:1"), ("HTTP_PROXY", "b:1")],
                Some("http://a:1"),
                None,
            ),
            (
                &[("http_proxy", ""), ("HTTP_PROXY", "b:1")],
                Some("http://b:1"),
                None,
            ),
            (&[("HTTPS_PROXY", "a:1")], None, Some("http://a:1")),
            (
                &[("all_proxy", "a:1"), ("https_proxy", "b:1")],
                Some("http://a:1"),
                Some("http://b:1"),
            ),
            (
                &[("ALL_PROXY", "a:1"), ("NO_PROXY", "*.invalid")],
                None,
                None,
            ),
            (
                &[("ALL_PROXY", "a:1"), ("no_proxy", "x"), ("NO_PROXY", "*")],
                Some("http://a:1"),
                Some("http://a:1"),
            ),
            (
                &[("HTTP_PROXY", "a:1"), ("REQUEST_METHOD", "GET")],
                None,
                None,
            ),
            (
                &[("http_proxy", "a:1"), ("REQUEST_METHOD", "GET")],
                Some("http://a:1"),
                None,
            ),
        ] {
            let proxy = environment(variables);
            assert_eq!(
                hop(&proxy, http).unwrap().as_deref(),
                plain,
                "{variables:?}"
            );
            assert_eq!(
                hop(&proxy, https).unwrap().as_deref(),
                secure,
                "{variables:?}"
            );
        }
    }

    #[test]
    fn a_variable_that_cannot_be_used_is_named() {
        let https = "https://pool.invalid/";
        for (variable, value) in [
            ("HTTPS_PROXY", "http://user:sesame#1@proxy:3128"),
            ("https_proxy", "http://sesame@user:1@proxy"),
            ("ALL_PROXY", "socks5://user:sesame@proxy:1080"),
            ("all_proxy", "http://sesame:port"),
        ] {
            let proxy = environment(&[(variable, value), ("no_proxy", "pool.contoso.com")]);
            let error = hop(&proxy, https).unwrap_err();
            let message = format!("the variable {variable} cannot be used: ");
            assert!(error.contains(&message), "{error}");
            assert!(!format!("{error} {proxy:?}").contains("sesame"), "{error}");
            // Only the requests fail for which the variable is used.
            for uri in ["https://pool.contoso.com/", "https://localhost/"] {
                assert_eq!(hop(&proxy, uri), Ok(None), "{variable}");
            }
        }
        let proxy = environment(&[("HTTPS_PROXY", "http://a@b@c")]);
        assert_eq!(hop(&proxy, "http://pool.invalid/"), Ok(None));
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_utf_8_is_named() {
        use std::os::unix::ffi::OsStringExt;
        for name in ["HTTPS_PROXY", "NO_PROXY"] {
            let proxy = Proxy::from_variables(|variable| match variable {
                _ if variable == name => Some(OsString::from_vec(b"http://\xff".to_vec())),
                "HTTPS_PROXY" => Some("http://proxy:3128".into()),
                _ => None,
            });
            let error = hop(&proxy, "https://pool.invalid/").unwrap_err();
            let message = format!("the variable {name} cannot be used: the value is not UTF-8");
            assert!(error.contains(&message), "{error}");
        }
    }
}
