//! Advice for each failure of a discovery.

use std::time::{Duration, SystemTime};

use skype_p2p::{ServerCertificate, SignInErrorKind, TransportErrorKind};

use super::{
    observed_transport::{Broken, Hop},
    path::{Path, PathEnd},
};

/// The remaining time of a certificate below which it should be renewed.
const RENEWAL: Duration = Duration::from_secs(30 * 24 * 3600);

/// Advice about a request that has no response, or whose response does not lead on.
pub(crate) fn for_hop(path: &Path, hop: &Hop, next: Option<&Hop>) -> Option<&'static str> {
    match (&hop.result, &path.end) {
        (Err(broken), _) => Some(for_transport(broken, &hop.url)),
        _ if next.is_some() || path.is_found() => None,
        // The response leads on, to a host to which no request was sent.
        (Ok(_), PathEnd::Failed(error)) if for_sign_in(error.kind()).is_some() => None,
        (Ok(answer), _) => for_status(answer.status),
    }
}

/// Advice about the end of a path.
pub(crate) fn for_end(end: &PathEnd) -> Option<&'static str> {
    match end {
        PathEnd::Challenge { grants, bearer } => for_grants(grants, *bearer),
        PathEnd::Failed(error) => for_sign_in(error.kind()),
        PathEnd::TimedOut => None,
    }
}

/// Advice about a request without a response.
fn for_transport(broken: &Broken, url: &str) -> &'static str {
    let internal = url.starts_with("https://lyncdiscoverinternal.");
    match broken.kind {
        TransportErrorKind::Proxy if broken.message.contains("answered 407") => {
            "give the user name and the password of the proxy: http://USER:PASSWORD@HOST:PORT in --proxy or HTTPS_PROXY"
        }
        TransportErrorKind::Resolve | TransportErrorKind::Proxy if internal => {
            "outside of the organization's network this is normal; inside, add the DNS record of this host"
        }
        TransportErrorKind::Resolve => {
            "add the DNS record of this host, or check the resolver of this machine; behind a proxy, give --proxy"
        }
        TransportErrorKind::Connect => {
            "check that the web service runs and that a firewall lets this machine connect to its port"
        }
        TransportErrorKind::Timeout => {
            "a firewall may discard the connection: check the way to the host, and the proxy"
        }
        TransportErrorKind::Proxy => {
            "check the address of the proxy in --proxy or HTTPS_PROXY, and whether it can reach this host"
        }
        TransportErrorKind::Tls => "see the certificate, or whether the port speaks TLS",
        _ => "check what answers at this address: it does not answer as a web server",
    }
}

/// Advice about a response that does not lead on.
fn for_status(status: u16) -> Option<&'static str> {
    Some(match status {
        200..=299 => {
            "this is not the autodiscover service: a login page, a proxy or another web site may have answered"
        }
        300..=399 => {
            "clients follow the links of the autodiscover service only: remove the HTTP redirect from the web server"
        }
        403 => {
            "the server refuses this client: check the rule of the reverse proxy, and whether external access is allowed"
        }
        404 => {
            "the autodiscover service is not published here: check the rule of the reverse proxy and the web site"
        }
        407 => "the proxy demands a user name and a password: give them in --proxy",
        500..=599 => {
            "the web service failed, or a reverse proxy does not reach it: check the event log of the pool"
        }
        _ => return None,
    })
}

/// Advice about the end of a path, if a request was not even sent.
fn for_sign_in(kind: &SignInErrorKind) -> Option<&'static str> {
    Some(match kind {
        SignInErrorKind::Untrusted => {
            "no password would be sent there; if the host belongs to the organization, allow its domain with --trust"
        }
        SignInErrorKind::PlainHttp => {
            "no password would be sent there; the links of the server must begin with https"
        }
        SignInErrorKind::HomedOnline => {
            "the domain leads to Skype for Business Online, which was retired: change the DNS records"
        }
        SignInErrorKind::InvalidArgument => "check the domain and --root",
        _ => return None,
    })
}

/// Advice about a certificate that is refused, or expires soon.
pub(crate) fn for_certificate(
    certificate: &ServerCertificate,
    now: SystemTime,
) -> Option<&'static str> {
    match &certificate.refusal {
        Some(refusal) if refusal.contains("root") || refusal.contains("signed by itself") => Some(
            "give the root certificate of the authority with --ca-file, or pin the key with --pin",
        ),
        Some(_) => Some("the server needs another certificate"),
        None => certificate
            .not_after
            .filter(|end| *end < now + RENEWAL)
            .map(|_| "renew the certificate soon: clients cannot connect after it expires"),
    }
}

/// Advice about the kinds of sign-in that the server accepts.
fn for_grants(grants: &[String], bearer: bool) -> Option<&'static str> {
    let has = |name: &str| grants.iter().any(|grant| grant.eq_ignore_ascii_case(name));
    match (has("password"), bearer, has("urn:microsoft.rtc:windows")) {
        (true, ..) => None,
        (_, true, _) => Some("users sign in with tokens of the issuer in the challenge: --bearer"),
        (.., true) => Some(
            "users sign in with Windows accounts: --windows-account, in a binary with the feature windows-auth",
        ),
        _ => Some("users cannot sign in with a password"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The port of the proxy says nothing about its answer.
    #[test]
    fn only_a_proxy_that_answers_407_demands_a_password() {
        let broken = |message: &str| Broken {
            kind: TransportErrorKind::Proxy,
            message: message.to_owned(),
        };
        let of = |message| for_transport(&broken(message), "https://lyncdiscover.contoso.com/");
        let demand = of("the proxy 127.0.0.1:8080 answered 407 Proxy Authentication Required");
        assert!(demand.starts_with("give the user name"), "{demand}");
        let other = of("the proxy 127.0.0.1:40769 answered 502 Bad Gateway");
        assert!(
            other.starts_with("check the address of the proxy"),
            "{other}"
        );
    }
}
