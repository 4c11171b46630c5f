//! Trust: which hosts may receive a password or a token.
//!
//! Discovery follows links, and a link may lead to any host. A client that sends credentials to every linked host gives
//! them to any attacker who controls a single response. So a host is trusted only if it is reached over HTTPS, or is
//! loopback, and if the user's own input names it.

use std::collections::BTreeSet;

use ucwa_proto::{Origin, Scheme};

use crate::config::TrustPolicy;

/// The decision about a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The host may receive credentials.
    Trusted,
    /// The caller decides.
    Ask,
    /// The host may not receive credentials.
    Refused,
    /// The connection would not be encrypted, so no host may receive credentials on it.
    PlainHttp,
    /// The host belongs to the online service, which has been retired.
    Online,
}

/// The trust anchors of one sign-in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust {
    policy: TrustPolicy,
    /// The SIP domain.
    domain: Option<String>,
    /// The host of the configured root.
    root: Option<String>,
    /// Hosts that the caller has approved.
    approved: BTreeSet<String>,
}

impl Trust {
    pub(crate) fn new(policy: TrustPolicy, domain: Option<&str>, root: Option<&Origin>) -> Self {
        Self {
            policy,
            domain: domain.map(str::to_ascii_lowercase),
            root: root.map(|origin| origin.host().to_ascii_lowercase()),
            approved: BTreeSet::new(),
        }
    }

    /// The anchor that the user named: the host of the root, or the SIP domain.
    pub(crate) fn anchor(&self) -> &str {
        self.root
            .as_deref()
            .or(self.domain.as_deref())
            .unwrap_or_default()
    }

    pub(crate) fn approve(&mut self, host: &str) {
        self.approved.insert(host.to_ascii_lowercase());
    }

    pub(crate) fn judge(&self, origin: &Origin) -> Verdict {
        let host = origin.host().to_ascii_lowercase();
        if within(&host, "online.lync.com") {
            return Verdict::Online;
        }
        if is_plain_http(origin) {
            return Verdict::PlainHttp;
        }
        let anchored = self
            .domain
            .as_deref()
            .is_some_and(|domain| within(&host, domain))
            || self.root.as_deref() == Some(&host)
            || self
                .policy
                .suffixes
                .iter()
                .any(|suffix| within(&host, suffix.trim_start_matches('.')))
            || self.approved.contains(&host);
        match (anchored, self.policy.ask) {
            (true, _) => Verdict::Trusted,
            (false, true) => Verdict::Ask,
            (false, false) => Verdict::Refused,
        }
    }
}

/// Whether requests to the origin travel over a network without encryption.
pub(crate) fn is_plain_http(origin: &Origin) -> bool {
    origin.scheme() != Scheme::Https && !origin.is_loopback()
}

/// Whether `host` is `domain` or a subdomain of it.
fn within(host: &str, domain: &str) -> bool {
    let domain = domain.to_ascii_lowercase();
    !domain.is_empty()
        && host
            .strip_suffix(domain.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(trust: &Trust, url: &str) -> Verdict {
        trust.judge(&Origin::of(url).unwrap())
    }

    fn contoso(policy: TrustPolicy) -> Trust {
        Trust::new(policy, Some("Contoso.com"), None)
    }

    #[test]
    fn the_sip_domain_anchors_on_a_label_boundary() {
        let trust = contoso(TrustPolicy::default());
        assert_eq!(
            judge(&trust, "https://lyncdiscover.contoso.com/"),
            Verdict::Trusted
        );
        assert_eq!(judge(&trust, "https://CONTOSO.com/"), Verdict::Trusted);
        assert_eq!(judge(&trust, "https://notcontoso.com/"), Verdict::Refused);
        assert_eq!(
            judge(&trust, "https://contoso.com.evil.example/"),
            Verdict::Refused
        );
    }

    #[test]
    fn plain_http_is_only_for_loopback() {
        let trust = Trust::new(
            TrustPolicy::default(),
            Some("contoso.com"),
            Some(&Origin::of("http://127.0.0.1:8080/").unwrap()),
        );
        assert_eq!(
            judge(&trust, "http://lyncdiscover.contoso.com/"),
            Verdict::PlainHttp
        );
        assert_eq!(judge(&trust, "http://127.0.0.1:9090/"), Verdict::Trusted);
        assert_eq!(judge(&trust, "http://127.0.0.2:9090/"), Verdict::Refused);
    }

    #[test]
    fn a_suffix_and_a_yes_anchor_and_silence_does_not() {
        let mut trust = contoso(TrustPolicy {
            suffixes: vec![".fabrikam.com".to_owned()],
            ask: true,
        });
        assert_eq!(
            judge(&trust, "https://pool.fabrikam.com/"),
            Verdict::Trusted
        );
        assert_eq!(judge(&trust, "https://pool.hosting.example/"), Verdict::Ask);
        trust.approve("pool.hosting.example");
        assert_eq!(
            judge(&trust, "https://pool.hosting.example/"),
            Verdict::Trusted
        );
        assert_eq!(
            judge(&trust, "https://other.hosting.example/"),
            Verdict::Ask
        );
    }

    #[test]
    fn the_online_service_is_told_apart_before_anything_else() {
        let trust = contoso(TrustPolicy {
            suffixes: vec!["lync.com".to_owned()],
            ask: true,
        });
        assert_eq!(
            judge(&trust, "https://webdir0e.online.lync.com/"),
            Verdict::Online
        );
    }
}
